/* What the files of calls share. A call is built from what the script says of it, made by the engine, and held against
 * what the script says of its result.
 */
#ifndef SCRIPT_CALL_H
#define SCRIPT_CALL_H

#include "script/stage.h"

enum { CALL_TEXT = 16 << 20, CALLS_WAITING = 64, CALL_EVENTS = 4096 };

struct call {
	struct stage		  *stage;
	const struct script_event *event;
	const struct script_call  *spec;
	struct sockets_request	   request;
	struct call		  *next; /* that waits */
	/* What the request points to. */
	struct sockaddr_storage addr;
	socklen_t		addr_n;
	struct msghdr		message;
	int			number; /* of ioctl and the options that are one */
	void		       *buffer;
	socklen_t		buffer_n;
	int			fds[2];
	loff_t			offset[2];
	union {
		struct linger  linger;
		struct timeval time;
	} option;
};

/* How one call is read and judged. */
struct call_kind {
	const char	 *name;
	enum sockets_call call;
	bool (*build)(struct call *call); /* false: stage->error */
	void (*judge)(
		struct call
			*call); /* what it gave beside its result, where that was as said; NULL: nothing */
};

/* NULL: no call of that file. */
const struct call_kind *call_life_kind(const char *name); /* call_life.c: socket to close */
const struct call_kind *
call_io_kind(const char *name); /* call_io.c: read, write and the like, pipe, splice */
const struct call_kind *
call_option_kind(const char *name); /* call_option.c: fcntl, ioctl, get- and setsockopt */
const struct call_kind *call_poll_kind(const char *name); /* call_poll.c: poll, epoll */
const struct call_kind *call_kind_among(const struct call_kind *kinds, size_t n, const char *name);

const struct value *call_argument(const struct call *call, unsigned place); /* NULL: none */
/* An integer: numbers, constants, htons() and ors of them. False with an error: it is none. */
bool call_number(const struct call *call, const struct value *value, int64_t *to);
bool call_int(const struct call *call, unsigned place, int *to);
/* The field of that name; NULL: none. */
const struct value *call_field(const struct value *fields, const char *name);
/* The n-th item; NULL: none. */
const struct value *call_item(const struct value *list, unsigned place);
/* Zeroed memory that lasts as long as the script. */
void *call_memory(const struct call *call, size_t n);
/* Room for n octets of text, all zeros, as those that come are: one for all calls. NULL with an error: too many. */
uint8_t *call_text(const struct call *call, int64_t n);
/* "runtime error in ... call: Expected ... but got ..." */
void call_differs(const struct call *call, const char *what, int64_t expected, int64_t is);

/* The engine's number for the script's; -1: none. And a new pair. */
int  call_live_fd(const struct stage *stage, int script);
bool call_new_fd(const struct call *call, int script, int live);
void call_forget_fd(struct stage *stage, int script);
/* The script's number for what the call makes; -1: it says none. */
int call_made_fd(const struct call *call);

#endif
