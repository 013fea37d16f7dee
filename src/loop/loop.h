/* The loop's inside: what its files share. */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <tern/loop.h>

enum {
	LOOP_BATCH = 64,    /* packets moved at once */
	LOOP_PENDING = 128, /* packets that a link has not taken yet */
	LOOP_BUDGET = 4096, /* packets and events of one turn */
	LOOP_SHARE = 128,   /* the same, where descriptors of the program wait for theirs: neither starves the other */
	LOOP_READY = 256,   /* descriptors served in one turn */
	LOOP_LINKS = 256,   /* link numbers of a host: what tern_packet.link can hold */
};

struct loop_host {
	tern_host *host;
	void (*on_event)(void *context, tern_host *host, const struct tern_event *event);
	void	 *context;
	tern_time told;		    /* the time of its last advance */
	uint32_t  n_numbers;	    /* every link number of ours is below */
	uint32_t  port[LOOP_LINKS]; /* by the host's number: index + 1 into loop->ports; 0: not ours */
};

/* A link and what it joins. */
struct loop_port {
	struct tern_link *link;
	uint32_t	  host; /* index */
	uint8_t		  number;
	uint8_t		  n_pending;
	bool		  look; /* it may have received something */
	tern_packet	 *pending[LOOP_PENDING]; /* out of the host, not yet taken by the link, in order */
};

/* By descriptor. */
struct loop_watch {
	short	 events; /* 0: there is none */
	bool	 always; /* a regular file */
	uint32_t serial;
	void (*fn)(void *context, short revents);
	void *context;
};

/* What loop_poll() noted. */
struct loop_ready {
	uint32_t serial;
	int	 fd;
	short	 revents;
};

struct loop_post {
	struct loop_post *next;
	void (*fn)(void *context);
	void *context;
};

/* Arrays move when they grow, and callbacks may make them grow: hold indices across a callback. */
struct tern_loop {
	enum tern_clock	   clock;
	tern_time	   now;
	bool		   turning, stopping;
	bool		   core_is_shared;  /* somebody took it when it was last offered (spin.c) */
	tern_time	   spin_most, spin; /* how long it looks about before it sleeps: at most, and now */
	struct loop_host  *hosts;
	struct loop_port  *ports;
	struct loop_watch *watches; /* by descriptor */
	struct pollfd	  *polls;   /* room for the wake-up, epoll and every port */
	uint32_t	   n_hosts, n_ports, polls_room;
	uint32_t	   n_watches, n_always, watches_room, serial;
	int		   epoll;
	uint32_t	   n_ready;
	struct loop_ready  ready[LOOP_READY];

	/* Written by any thread. wake is readable exactly while something has been posted, or woken is set. */
	pthread_mutex_t	  mutex;
	struct loop_post *posts, *posts_last;
	bool		  woken;
	atomic_bool	  posted; /* posts or woken: to be seen without the mutex */
	int		  wake;
};

/* Reads the clock (virtual: leaves it) and tells every host, so that calls act at this time. */
void loop_refresh(tern_loop *loop);

/* As tern_loop_turn(). fresh: loop_refresh() was just now. */
int loop_turn(tern_loop *loop, tern_time wait, bool fresh);

/* Moves packets, events and posts until nothing moves or the budget is spent; whether anything did. */
bool loop_serve(tern_loop *loop);

/* From any thread: the loop does not sleep, or sleep on, but looks at its links first. */
void loop_wake(tern_loop *loop);

bool loop_run_posts(tern_loop *loop);
void loop_drop_posts(tern_loop *loop);

/* Waits for descriptors, at most `timeout` ns (TERN_NEVER: without end), and notes what they have.
 * Whether any has, or a signal came; or -TERN_E... */
int  loop_poll(tern_loop *loop, tern_time timeout);
void loop_call_watchers(tern_loop *loop); /* for what was noted */
/* Whether there is something to do, as loop_poll() with a time-out of 0; the system is asked only of what it alone
 * knows. */
int loop_look(tern_loop *loop);
/* Looks about, not beyond `until`: true: there is something to do. loop->now is the time of the last looks. */
bool loop_spin(tern_loop *loop, tern_time until);
void loop_slept(tern_loop *loop, tern_time span);
tern_time loop_clock(void); /* CLOCK_MONOTONIC */
bool loop_arm(tern_loop *loop); /* tells links that it sleeps now; true: one of them has something */
tern_time loop_deadline(const tern_loop *loop); /* of links and hosts, the earliest beyond now */
bool loop_has_descriptors(const tern_loop *loop); /* besides the wake-up */
int  loop_reserve_polls(tern_loop *loop);	  /* before a port is added: 0 or -TERN_ENOMEM */

/* The host's index, adding it where it is new; -TERN_ENOMEM. -TERN_EINVAL: not there, or NULL. */
int loop_find_host(tern_loop *loop, tern_host *host, bool add);

/* How long to sleep at most: a day is soon enough to look again, and any time_t holds it. */
static inline struct timespec loop_span(tern_time span)
{
	enum { DAY_SECONDS = 24 * 3600 };
	const tern_time most = span < DAY_SECONDS * TERN_SECOND ? span : DAY_SECONDS * TERN_SECOND;

	return (struct timespec){ .tv_sec = (time_t)(most / TERN_SECOND), .tv_nsec = (long)(most % TERN_SECOND) };
}

static inline tern_time loop_later(tern_time t, tern_time by)
{
	return by >= TERN_NEVER - t ? TERN_NEVER : t + by;
}

#endif
