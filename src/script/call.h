/* What the files of calls share. */
#ifndef SCRIPT_CALL_H
#define SCRIPT_CALL_H

#include "script/stage.h"

enum { CALL_WAITS = INT32_MIN }; /* a result: not yet */

/* One call as it runs: its arguments are reached by place. Results as the system's: >= 0, or -errno. */
struct call {
	struct stage		  *stage;
	const struct script_event *event;
	const struct script_call  *spec;
	struct script_socket	  *socket; /* of its first argument, where that is one */
	bool			   again;  /* it has waited */
	tern_time		   ends;   /* out: its own time-out */
};

const struct value *call_argument(const struct call *call, unsigned place); /* NULL: none */
/* An integer: numbers, constants, htons() and ors of them. False with an error: it is none. */
bool call_number(const struct call *call, const struct value *value, int64_t *to);
/* The field of that name; NULL: none. */
const struct value *call_field(const struct value *fields, const char *name);
/* The n-th item; NULL: none. */
const struct value *call_item(const struct value *list, unsigned place);

struct script_socket *call_socket_of(struct stage *stage, int fd);
struct script_socket *call_new_socket(struct stage *stage, int fd);

/* The result of the call that spec->name names, by tables of each file; false: not there. */
bool call_life(struct call *call, int64_t *result);   /* call_life.c: socket to close */
bool call_io(struct call *call, int64_t *result);     /* call_io.c: read, write and the like, poll */
bool call_option(struct call *call, int64_t *result); /* call_option.c: fcntl, ioctl, get- and setsockopt */

#endif
