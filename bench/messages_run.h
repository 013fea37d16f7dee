/* 64 bytes asked and 64 bytes answered, over N connections in turn, eight at a time where there are so many. A
 * message is one of them in one direction; time goes on by 250 ns for each, so that timers live as they would. */
#ifndef BENCH_MESSAGES_RUN_H
#define BENCH_MESSAGES_RUN_H

#include "world.h"

enum { MESSAGE = 64, MESSAGES_BATCH = 8, MESSAGE_NS = 250 };

struct talk {
	struct world world;
	tern_socket *client;
	uint32_t     n, at; /* connections that talk; the next one's turn */
	uint32_t     answered;
	uint8_t	     text[MESSAGE];
};

extern const struct world_settings talk_world;

/* n connections, at rest. */
void talk_begin(struct talk *talk, uint32_t n);
void talk_begin_in(struct talk *talk, uint32_t n, const struct world_settings *settings);
/* So many exchanges, of two messages each; a whole number of batches. */
void	 talk_exchange(struct talk *talk, uint64_t exchanges);
uint32_t talk_batch(const struct talk *talk);
void	 talk_end(struct talk *talk);

#endif
