/* The playground: two hosts, the path between them and a program at each, in virtual time, moved by actions
 * that somebody chooses as the run goes on: open, send, close, drop that segment, make the path slower.
 *
 * A run is its seed and its actions with their times, and nothing else: the same ones give the same packets at
 * the same moments, in a browser (compiled to WebAssembly) and here. As text that is a *share*, which fits behind
 * the # of an address:
 *
 *	tern1,seed=7,0.w.delay.20000,0.s.listen.1,0.c.open,150000.c.send.4000,151000.w.drop.5,to=2000000,sum=...
 *
 * "tern1", settings, actions as TIME.WHO.VERB[.ARGUMENT] with times in microseconds that never fall, and where
 * it was shared: `to`, and the `sum` over every packet until then, by which who replays it knows that it is the
 * same. WHO is c (client), s (server) or w (the way: both directions, or both ends).
 *
 * Time moves by play_run() and play_step() alone. At one moment everything that is due happens, until nothing
 * moves any more: what has arrived goes in, then the programs act, then segments come out; an action acts after
 * all that was due at its time. So it does not matter by which steps somebody came to a moment.
 *
 * What happened is a timeline (watch/timeline.h), told as JSON lines (docs/json-lines.md).
 */
#ifndef PLAY_PLAY_H
#define PLAY_PLAY_H

#include "play/path.h"
#include "play/share.h"
#include "watch/timeline.h"

#include <tern/socket.h>

enum {
	PLAY_CLIENT_PORT = 50000, /* of the first connection that the client opens; each further one has the next */
	PLAY_SERVER_PORT = 80,
	PLAY_LINES = 40000,	  /* of the timeline: then the run is full and moves no more */
};

/* The program at one end. It accepts what comes while it has no connection, reads unless told not to, and lets go
 * of a connection that is over. */
struct play_program {
	tern_socket listener, socket;
	bool	    listens, has_socket, reads;
	bool	    end_of_stream;
	bool	    garbled; /* an octet was not what the peer's program sent */
	uint8_t	    ends;    /* PLAY_SHUTDOWN or PLAY_CLOSE once all is sent; 0: not asked for */
	uint16_t    opened;  /* connections, actively; gives the client's next port */
	uint16_t    port;    /* of its listener */
	uint64_t    left;    /* octets that the stack has not taken yet */
	uint64_t    sent, received;
	const char *controller;
	bool	    nodelay;
};

struct play_headers { /* of one packet */
	uint8_t n, bytes[PATH_HEADERS];
};

struct play_side {
	tern_host	   *host;
	struct tern_addr    addr;
	uint8_t		    link;
	struct timeline_tap tap;
	struct play_program program;
	struct path	    path; /* of what it sends */
	struct play_headers *headers; /* of packet nth at nth - 1 */
	size_t		    n_headers;
	struct play	   *play;
};

/* Something that was done to a segment on its way, to be told before timeline line `line`. */
struct play_touch {
	size_t	  line;
	tern_time now, arrives;
	enum play_verb verb; /* PLAY_DROP, PLAY_HOLD, PLAY_RELEASE */
	uint32_t  n, conn;
	uint8_t	  host;
};

/* Whether it went as the share said. */
enum play_check {
	PLAY_UNKNOWN,	/* no sum, not there yet, or somebody acted in between */
	PLAY_IDENTICAL,
	PLAY_DIFFERENT,
};

struct play {
	struct tern_allocator allocator;
	struct play_share     share;   /* actions: those that were done, then those to come */
	size_t		      done;    /* how many were done */
	tern_time	      now;
	struct play_side      side[PLAY_SIDES];
	struct timeline	      timeline;
	struct play_touch    *touches; /* n_touches of share.n at most */
	size_t		      n_touches;
	uint64_t	      packets, digest;
	enum play_check	      check;
	bool		      branched; /* somebody acted: the rest of the share is not what comes */
	const char	     *problem;  /* why it moves no more; NULL: it does */
	size_t		      told_lines, told_touches; /* play_lines() */
};

/* A run at its beginning; share is copied. 0; -TERN_ENOMEM. */
int  play_create(struct play *play, const struct play_share *share, const struct tern_allocator *allocator);
void play_destroy(struct play *play);

/* All that happens until then and at that moment, the share's actions with it; now is `until` afterwards. */
void play_run(struct play *play, tern_time until);
/* When the next thing happens; TERN_NEVER: nothing ever does by itself. */
tern_time play_next(const struct play *play);

/* Acts now, or at the next whole microsecond; action->at is not looked at. What the share still had to come is
 * forgotten. 0; -TERN_EINVAL: it cannot be done now (no connection, no such segment under way, ...); -TERN_ENOMEM:
 * the share is full. */
int play_act(struct play *play, const struct play_action *action);
/* Whether it could be. */
bool play_may(const struct play *play, const struct play_action *action);

/* The run so far as a share: goes on to the next whole microsecond. */
void play_shared(struct play *play, struct play_share *share);

/* The state of an end as its host has it, whoever still holds it: of its connection, else of what is left of one
 * (TIME-WAIT, or without a program), else LISTEN or CLOSED. status is cleared where there is no connection. */
enum tern_state play_state(const struct play *play, unsigned side, struct tern_status *status);

/* ---- lines.c ---- */

/* JSON lines not told yet, as many as find room (size at least 2 * JSONL_LINE); returns their bytes, 0: no more. */
size_t play_lines(struct play *play, char *to, size_t size);
/* One object: now, next, packets, check, problem and both ends. Returns its length. size at least 4096. */
size_t play_status(const struct play *play, char *to, size_t size);

/* ---- program.c ---- */

/* Lets it do what it can now. True: it did something. */
bool program_run(struct play *play, unsigned side);
bool program_may(const struct play *play, unsigned side, const struct play_action *action);
void program_act(struct play *play, unsigned side, const struct play_action *action);

#endif
