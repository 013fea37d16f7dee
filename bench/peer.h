/* A peer: another stack that does a workload's work in a process of its own (bench/peers/), for tern-bench to run
 * beside tern, round by round in turn.
 *
 * A program talks by lines. It sets up, warms up, and says "ready VERSION", or "cannot WHY" and ends; for each line
 * that it reads it does a round and says "FIGURE FRAMES": what the row measures, on its own CPU clock, and the
 * frames a unit (as the row's note has them; 0: there are none). It ends when its input does.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "bench.h"
#include <stdio.h>
#include <sys/types.h>

enum { PEER_VERSION = 48 };

struct peer_what {
	const char *name;    /* as the table has it */
	const char *program; /* and its arguments, with single blanks: "lwip-64k messages 100" */
	double	    scale;   /* of its figure; 0: 1 */
	bool	    slow;    /* not with --quick: the set-up alone takes seconds */
};

struct peer {
	struct peer_what what;
	pid_t		 pid;
	FILE		*to, *from; /* NULL: it is not here, or no more */
	char		 version[PEER_VERSION];
	double		 samples[BENCH_ROUNDS_MAX], frames;
	unsigned	 n;
};

/* Starts it. Where it cannot be: a line on standard error says why, once a program, and the rest does nothing. With
 * --alone nothing is started. */
void peer_start(struct peer *peer, const struct bench *bench, const struct peer_what *what);
void peer_round(struct peer *peer);
void peer_stop(struct peer *peer); /* the figures that it had stay */
/* Ends it; its figures, if it had any, go to the row. */
void peer_end(struct peer *peer, struct bench_row *row);

/* The same for several. */
void peers_start(struct peer *peers, unsigned n, const struct bench *bench, const struct peer_what *what);
void peers_round(struct peer *peers, unsigned n);
void peers_end(struct peer *peers, unsigned n, struct bench_row *row);

#endif
