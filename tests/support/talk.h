/* Programs that talk over a world's connections, each by its plan, driven by readiness events alone: an
 * event that does not come is a run that does not end.
 *
 * The oracle. Octet p of a stream is a function of p, so that what is received can be told right or
 * wrong at once. The end of a stream comes only after every octet that was sent, and only where the
 * peer has said that it has no more. A talk is clean where neither side aborts nor lets go while the
 * other still has to say something: then every octet arrives at both ends, and no error. In any other
 * an end may be an error, but what was received before is right.
 */
#ifndef SUPPORT_TALK_H
#define SUPPORT_TALK_H

#include "support/sim_world.h"

enum talk_end {
	TALK_SHUTDOWN, /* all sent: shutdown; reads to the end; closes */
	TALK_WAIT,     /* reads to the end first, then sends what is left, and closes */
	TALK_CLOSE,    /* all sent: closes, reads nothing */
	TALK_EARLY,    /* closes in the middle, at end_at */
	TALK_ABORT,    /* aborts in the middle, at end_at */
};

enum talk_open { TALK_LISTENER, TALK_SIMULTANEOUS };

struct talk_plan_side {
	uint64_t      send_total;
	uint32_t      write_min, write_max;
	unsigned      owned, flags; /* percent of the writes: with memory of their own, with a send flag */
	uint32_t      read_max;	    /* at once */
	tern_time     read_pause;   /* after each read */
	uint64_t      stop_at;	    /* stops reading here for stop_for */
	tern_time     stop_for;
	bool	      peek;
	unsigned      takes; /* percent of what could pass the receive store by: is taken as it comes, all or a part */
	bool	      eager; /* sends before it is connected */
	enum talk_end end;
	uint64_t      end_at; /* octets sent and received */
	bool	      option[TERN_OPTIONS];
	int64_t	      value[TERN_OPTIONS];
};

struct talk_plan {
	struct talk_plan_side side[2];	   /* 0: client */
	unsigned	      client_host;
	bool		      local; /* the server is on the same host; else on the other one */
	bool		      v6;
	enum talk_open	      open;
	uint16_t	      client_port, server_port; /* client_port 0: ephemeral */
	tern_time	      begin;			/* after the start */
	bool		      clean;
	bool		      may_fail; /* the opening may be given up (few SYN-ACKs, cookies) */
};

struct talk_side {
	const struct talk_plan_side *plan;
	unsigned		     host;
	tern_socket		     socket;
	bool	  open, connected, done, fin_called, let_go, eof, may_read, may_write, stopped, aborted;
	int	  error;
	uint64_t  sent, received, key;
	uint32_t  owned_out;
	tern_time wake, read_at, done_at;
};

struct talk {
	struct talk_plan plan;
	struct talk_side side[2];
	uint32_t	 iss; /* the client's */
	bool		 begun, hurt;
	tern_time	 try_at; /* connect, if not begun */
	unsigned	 tries;
};

enum { TALKS_MAX = 8 };

struct talks {
	struct world *world;
	struct talk   talk[TALKS_MAX];
	unsigned      n;
	tern_socket   listener[2][2]; /* by host and version */
	bool	      listening[2][2];
	uint32_t      backlog;
	tern_time     start, limit; /* the run ends by start + limit */
	struct chance chance;
	bool	      forgiving; /* memory runs out on purpose: calls may fail, nothing may be wrong */
	bool	      may_stay; /* so little of it that what wants more may wait for ever: cut off at the limit */
	bool	      cut_off;
	uint64_t      bytes, taken, watchdogs, strays;
	unsigned      errors;		   /* talks with an error, where they are forgiven */
	void (*hook)(struct talks *talks); /* between steps */
	void *hook_context;
};

void talks_init(struct talks *talks, struct world *world, uint64_t seed);
void talks_add(struct talks *talks, const struct talk_plan *plan);
/* To the end of every talk, then until the hosts are idle; asserts that they are. */
void talks_run(struct talks *talks);
void talk_print(const struct talk_plan *plan);

/* As tern_taker.take has it, of what happens in these talks. */
size_t talks_take(void *talks, uint64_t cookie, const uint8_t *text, size_t n);

/* Octets [at, at + n) of the stream of this key: a pointer to them; n at most 65536. */
const uint8_t *talk_text(uint64_t key, uint64_t at);

#endif
