/* What the search of teardown.h knows of a point, and what it can do there: for teardown.c alone. */
#ifndef SUPPORT_TEARDOWN_POINT_H
#define SUPPORT_TEARDOWN_POINT_H

#include "support/arena.h"
#include "support/teardown.h"

#include <tern/tern.h>

enum {
	ARENA_ROOM = 8 << 20,
	WIRE_MAX = 24,
	WIRE_BYTES = 136,
	DEPTH_MAX = 400,
	HOSTS = 2,
};

struct wire_packet {
	uint16_t len;
	uint8_t	 bytes[WIRE_BYTES];
};

struct party {
	tern_socket socket, listener;
	bool	    open, listens, let_go, fin_called, aborted, refused, eof;
	bool	    early; /* let go with more to come */
	int	    error;
	uint32_t    sent, received;
	tern_time   let_go_at, fin_at;
	unsigned    calls_left;
};

/* All of a point but what lies in the hosts. */
struct point {
	struct party	   party[HOSTS];
	struct wire_packet wire[HOSTS][WIRE_MAX]; /* [i]: from host i, oldest first */
	unsigned	   n[HOSTS];
	unsigned	   faults_left;
	tern_time	   now, let_go_at;
};

#define ORPHAN (60 * TERN_SECOND) /* tern_config.orphan_timeout's default */

enum action_kind {
	ACT_SEND,
	ACT_SHUTDOWN,
	ACT_CLOSE,
	ACT_ABORT,
	ACT_UNLISTEN,
	ACT_DELIVER,
	ACT_LOSE,
	ACT_DUPLICATE,
	ACT_PUT_LAST,
	ACT_LATE,
	ACT_TIME,
	ACT_END,
};

struct action {
	enum action_kind kind;
	unsigned	 host;
};

struct frame {
	struct arena_snapshot snapshot[HOSTS];
	struct point	      point;
	struct action	      taken;
};

struct search {
	const struct teardown_job *job;
	struct teardown_result	  *result;
	struct arena		   arena[HOSTS];
	tern_host		  *host[HOSTS];
	struct tern_addr	   addr[HOSTS];
	uint8_t			   link[HOSTS];
	struct tally_sink	   sink[HOSTS];
	struct point		   point;
	struct frame		  *frames[DEPTH_MAX];
	unsigned		   depth;
	uint64_t		  *seen;
	unsigned		   seen_bits; /* of its size */
};

_Noreturn void search_fail(const struct search *search, const char *what); /* tells the way that led here */
void	       search_need(const struct search *search, bool holds, const char *what);

void	  search_make_host(struct search *search, unsigned i);
tern_time search_deadline(const struct search *search); /* of both hosts */
/* What the programs do by themselves: accept, read, close after an error; then what is due is under way. */
void search_settle(struct search *search);
void search_act(struct search *search, const struct action *action);

#endif
