/* Two hosts, the impaired pair between them, virtual time, and a program at each. */
#ifndef LAB_WORLD_H
#define LAB_WORLD_H

#include "lab/options.h"
#include "watch/plot.h"
#include "watch/timeline.h"
#include "wire/tcp.h"

/* A program at work. */
struct lab_actor {
	const struct lab_step *step; /* the one that waits or works */
	bool	    holds;	     /* its condition held, at `since` */
	tern_time   since;
	int64_t	    left;	     /* octets that the stack has not taken yet, of a LAB_SEND at work */
	tern_socket listener, socket;
	bool	    has_listener, has_socket;
	bool	    stopped_reading, end_of_stream, ended;
	int	    error;	     /* the first that the connection met, negative */
	uint64_t    sent, received;  /* octets of this connection */
	uint64_t    all_sent, all_received;
	bool	    garbled;	     /* an octet was not what the peer sent */
	struct tern_status last;     /* of its connection, when the program let go of it */
	bool	    has_last;
};

enum { LAB_FORGED = 32, LAB_FORGED_BYTES = 256 };

/* Bytes that no host sent, on their way to one. */
struct lab_forged {
	tern_time arrives; /* TERN_NEVER: free */
	unsigned  to;
	uint64_t  mark;
	uint32_t  len;
	uint8_t	  bytes[LAB_FORGED_BYTES];
};

/* A peer that lacks something that TCP has: the state it keeps. */
struct lab_broken {
	enum tern_state	  state;
	struct tern_tuple tuple;
	uint32_t	  iss, irs, snd_nxt, rcv_nxt;
	bool		  listens;  /* when a connection has ended, for the next */
	bool		  accepted; /* its program knows of the connection */
	bool		  proved;   /* the peer has acknowledged what we said */
	uint64_t	  packets;
};

struct lab_side {
	tern_host	   *host; /* NULL: broken */
	struct tern_link   *link;
	struct tern_impair  impair; /* of what this side sends */
	uint8_t		    number; /* the link's, at the host */
	bool		    vanished;
	struct tern_addr    addr;
	struct timeline_tap tap;
	struct host_capture *capture; /* --pcap; NULL: none */
	struct lab_actor    actor;
	struct lab_broken   broken;
};

struct lab_world {
	const struct lab_options  *options;
	const struct lab_scenario *scenario;
	tern_time		   now;
	struct lab_side		   side[LAB_SIDES];
	struct timeline		   timeline;
	struct plot		   plot[LAB_SIDES]; /* samples, where options->plots; who reads them frees them */
	struct lab_forged	   forged[LAB_FORGED];
	uint64_t		   n_forged;
	uint8_t			   n_flooded;
	uint32_t		   old_iss; /* of the old SYN */
	uint64_t		   random;
	tern_recording		  *recording;
	const char		  *problem; /* the run could not go on */
};

/* ---- world.c ---- */

/* 0, or a negative error: `what` (never NULL then) names what failed. */
int  lab_world_create(struct lab_world *world, const struct lab_options *options, const char *command,
		      const char **what);
/* Until nothing can happen any more, or the scenario's end. */
void lab_world_run(struct lab_world *world);
/* 0, or what ending the recording or a capture met (negated errno): `what` (may be NULL) names the file. */
int  lab_world_destroy(struct lab_world *world, const char **what);

/* What the side's program last saw of its connection: now, or when it let go of it. NULL: it had none. */
const struct tern_status *lab_last_status(struct lab_world *world, unsigned side);

/* What this side sends from now on takes so long; 0: as long as at first. */
void lab_world_delay(struct lab_world *world, unsigned side, tern_time delay);

/* ---- actor.c ---- */

/* Lets the side's program do what it can now. True: it did something. */
bool	  lab_actor_run(struct lab_world *world, unsigned side);
tern_time lab_actor_deadline(const struct lab_world *world, unsigned side);
/* An amount of a table: LAB_ALL and its multiples become octets. */
uint64_t  lab_amount(const struct lab_world *world, int64_t n);

/* ---- forge.c ---- */

void lab_forge_old_syn(struct lab_world *world);
void lab_forge_old_text(struct lab_world *world); /* the first that the client sent, or what followed the old SYN */
void lab_forge_flood(struct lab_world *world);
void lab_forge_blind(struct lab_world *world, uint16_t flag); /* in the client's name, into the server's window */
/* Gives the hosts what has arrived. True: something had. */
bool	  lab_forged_arrive(struct lab_world *world);
tern_time lab_forged_deadline(const struct lab_world *world);
/* One packet: headers with their sums, and text; returns its length. */
uint32_t  lab_segment_build(const struct tern_tuple *tuple, const struct tcp_segment *seg, uint8_t *to);

/* tern_host_input() at the side's host, captured where that is asked for. */
void lab_input(struct lab_world *world, unsigned side, tern_packet *const batch[], size_t n);

/* ---- broken.c: a side whose scenario gives it a flaw ---- */

void lab_broken_create(struct lab_world *world, unsigned side);
void lab_broken_input(struct lab_world *world, unsigned side, const uint8_t *bytes, uint32_t len, uint64_t mark);
bool lab_broken_accepts(struct lab_world *world, unsigned side); /* a connection has just become the program's */
void lab_broken_act(struct lab_world *world, unsigned side);	 /* the step of its actor */

/* ---- expect.c ---- */

/* Whether it went as the scenario says. False: `why` (of size bytes) names the first thing that did not. */
bool lab_as_expected(const struct lab_world *world, char *why, size_t size);

extern const char *const lab_side_names[LAB_SIDES];

#endif
