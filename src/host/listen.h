/* Listeners: passive OPENs (RFC 9293 3.10.1, 3.10.7.2), their accept queues, SYN cookies, and accept-any
 * listeners that ask (DESIGN 5.6, 5.11).
 *
 * listen.c finds and keeps listeners and takes segments; accept.c has the accept queue; ask.c the asks;
 * listen_call.c what a program says to a listener. Half-open entries stand in half_open.h.
 *
 * Invariants: listen_check(). */
#ifndef HOST_LISTEN_H
#define HOST_LISTEN_H

#include "tcp/tcp.h"
#include <tern/host.h>
#include <tern/socket.h>

struct tern_host;

enum {
	LISTEN_NONE = 0xffffffffu,
	LISTEN_BUCKETS = 256,
	LISTEN_MOST = 1 << 20,
	LISTEN_BACKLOG = 128, /* where the program says 0 */
	LISTEN_BACKLOG_MOST = 1 << 20,
};

/* A connection that waits for tern_accept(). */
struct listen_waiting {
	uint32_t index; /* of the block; TCB_NONE: it ended while it waited */
	uint32_t ask;	/* its record; LISTEN_NONE: there was none */
};

struct listener {
	struct tern_endpoint   local, remote;
	uint64_t	       cookie;
	uint32_t	       generation;
	uint32_t	       next;	   /* of its chain; of a free record: the free list */
	uint32_t	       event_next; /* of the event list, LISTEN_NONE ends */
	uint32_t	       ready; /* enum tern_readiness not yet told; on the event list while not 0 */
	uint32_t	       backlog;
	uint32_t	       n_half_open; /* entries of its own, asking ones too */
	uint32_t	       n_waiting;   /* in the accept queue, and alive */
	struct listen_waiting *queue;	    /* ring of queue_room, a power of two */
	uint32_t	       queue_room;
	uint32_t  queue_first, queue_end; /* counts that go on for ever; dead ones stand between, too */
	uint32_t  ask_first, ask_last;	  /* asks that tern_next_ask() has not told yet */
	tern_time cookies_until;	  /* one that was sent may still come back */
	int64_t	  option[TERN_OPTIONS];
	uint32_t  options_set;	      /* bit per enum tern_option */
	int16_t	  congestion_control; /* -1: the host's */
	bool	  used, any, ask;
	bool	  cookies_on; /* as the watcher was told */
};

/* A SYN that waits for tern_answer(), then, where the answer was yes, for its third segment and
 * tern_accept(). */
struct ask {
	uint64_t cookie;
	uint32_t generation;
	uint32_t half; /* its entry; HALF_OPEN_NONE: that is a block by now, or gone */
	uint32_t listener;
	uint32_t next, prev; /* of the listener's queue until told; of a free record next: the free list */
	uint32_t event_next;
	seq_t	 iss; /* the entry's */
	bool	 used, told, answered, ended;
};

struct listeners {
	struct mem	 *mem;
	struct listener **at; /* by number; records stay where they are once made */
	uint32_t	  n_at, room, free, n;
	uint32_t	  bucket[LISTEN_BUCKETS]; /* chains by local port */
	uint32_t	  any;			  /* the chain of accept-any ones */
	struct ask	 *asks;
	uint32_t	  asks_room, asks_free, n_asks;
	uint32_t	  event_first, event_last;
	uint32_t	  ask_event_first, ask_event_last;
	uint64_t	 *spent; /* COOKIE_SPENT marks of cookies that were used; NULL: none, or no memory */
};

void listen_init(struct listeners *all, struct mem *mem);
/* Forgets every listener and ask; blocks and entries are others' to end. */
void listen_done(struct listeners *all);
void listen_check(const struct tern_host *host);

/* ---- finding ---- */

/* What a handle names: its number and generation; NULL: nothing (any more). An answered ask is nothing. */
struct listener *listen_at(const struct listeners *all, uint32_t index, uint32_t generation);
struct ask	*ask_at(const struct listeners *all, uint32_t index, uint32_t generation);
/* The first listener with a number of at least `from`; LISTEN_NONE: for listings. */
uint32_t listen_from(const struct listeners *all, uint32_t from);
/* The listener that a segment for this tuple belongs to, the most exact one; LISTEN_NONE. */
uint32_t listen_find(const struct tern_host *host, const struct tern_tuple *tuple);

/* ---- calls of tern/socket.h: index is of a handle that was checked ---- */

int listen_open(struct tern_host *host, const struct tern_listen *how, tern_socket *socket, tern_time now);
/* Half-open and unaccepted connections are reset, asks end (each that was told of by an event). */
void	 listen_close(struct tern_host *host, uint32_t index, tern_time now);
int	 listen_accept(struct tern_host *host, uint32_t index, tern_socket *socket, tern_time now);
void	 listen_status(const struct tern_host *host, uint32_t index, struct tern_status *status);
void	 listen_name(const struct tern_host *host, uint32_t index, struct tern_tuple *tuple);
unsigned listen_ready(const struct tern_host *host, uint32_t index); /* levels */
int	 listen_option_set(struct tern_host *host, uint32_t index, enum tern_option option, int64_t value);
int listen_option_get(const struct tern_host *host, uint32_t index, enum tern_option option, int64_t *value);
int listen_set_congestion_control(struct tern_host *host, uint32_t index, const char *name);

int  listen_next_ask(struct tern_host *host, uint32_t index, tern_socket *asked, struct tern_tuple *tuple);
int  ask_answer(struct tern_host *host, uint32_t index, enum tern_answer answer, tern_time now);
void ask_name(const struct tern_host *host, uint32_t index, struct tern_tuple *tuple);
unsigned ask_ready(const struct tern_host *host, uint32_t index);

static inline bool listen_has_event(const struct listeners *all)
{
	return all->event_first != LISTEN_NONE || all->ask_event_first != LISTEN_NONE;
}

/* The next event of a listener or an ask; false: none. */
bool listen_event(struct tern_host *host, struct tern_event *event);

/* ---- segments ---- */

/* RFC 9293 3.10.7.2, SEGMENT ARRIVES in LISTEN, for a tuple that names no connection or entry. All of it.
 * Where the segment proves a SYN cookie the connection has a block afterwards: *made, which the caller
 * settles; else NULL. isn_floor: as half_open_make() has it. */
enum tern_verdict listen_arrive(struct tern_host *host, uint32_t index, const struct tern_tuple *tuple,
				const struct tcp_segment *seg, const seq_t *isn_floor, uint8_t traffic_class,
				uint64_t mark, tern_time now, struct tcb **made);
/* Whether a SYN of this listener would find an entry. */
bool listen_has_room(const struct tern_host *host, uint32_t index);

/* ---- the accept queue (accept.c) ---- */

bool accept_is_full(const struct listener *listener);
/* The handshake's third segment came: a block in SYN-RECEIVED has the tuple and waits in the accept queue;
 * give it the segment next. half: the entry whose slot it takes over and whose record goes; HALF_OPEN_NONE:
 * a SYN cookie. NULL: no memory, nothing was changed. */
struct tcb *accept_make(struct tern_host *host, uint32_t index, const struct tern_tuple *tuple,
			const struct tcp_agreement *agreed, uint32_t half, tern_time now);
/* Lets go of the queue: every connection in it is reset. */
void accept_close(struct tern_host *host, uint32_t index, tern_time now);
/* A block with `listening` set has ended before anyone accepted it: it leaves the queue, and `listening` is
 * cleared. */
void listen_forget(struct tern_host *host, struct tcb *tcb);

/* ---- for the rooms of listeners ---- */

struct listener *listener_at(const struct listeners *all, uint32_t index); /* asserts that it is used */
void		 listener_ready(struct listeners *all, uint32_t index, unsigned ready);
/* What it answers to SYNs that offer ECN. */
enum tern_ecn listener_ecn(const struct tern_host *host, const struct listener *listener);
uint16_t	 listener_mss(const struct tern_host *host, const struct listener *listener,
			      const struct tern_tuple *tuple); /* what we announce */

/* A handshake that may have been a cookie's is complete: the same cookie does not open it again. */
void listener_spend(struct tern_host *host, const struct tern_tuple *tuple,
		    const struct tcp_agreement *agreed);
bool listener_is_spent(const struct tern_host *host, const struct tern_tuple *tuple,
		       const struct tcp_agreement *agreed);

/* A record for an entry that asks; LISTEN_NONE: no memory. */
uint32_t    ask_get(struct listeners *all, uint32_t listener, uint32_t half);
struct ask *ask_of(const struct listeners *all, uint32_t index); /* asserts that it is used */
/* Its entry is gone; told: the program hears of it, if it knows of the ask. */
void ask_end(struct listeners *all, uint32_t index, bool tell);

#endif
