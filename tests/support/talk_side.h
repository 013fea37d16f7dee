/* One side of a talk, for talks.c. */
#ifndef SUPPORT_TALK_SIDE_H
#define SUPPORT_TALK_SIDE_H

#include "support/talk.h"

void talk_side_opened(struct talks *talks, struct talk_side *side, tern_socket socket, uint64_t cookie);
void talk_side_step(struct talks *talks, struct talk *talk, struct talk_side *side); /* as far as it goes */
size_t talk_side_take(struct talks *talks, struct talk *talk, struct talk_side *side, const uint8_t *text, size_t n);
void talk_side_abort(struct talks *talks, struct talk_side *side);
void talk_side_done(struct talks *talks, struct talk_side *side);
_Noreturn void talk_fail(const struct talks *talks, const struct talk *talk, const char *what);

static inline tern_host *host_of(const struct talks *talks, const struct talk_side *side)
{
	return talks->world->side[side->host].host;
}

static inline void called(const struct talks *talks, const struct talk_side *side)
{
	world_called(talks->world, side->host);
}

static inline void wake_at(struct talk_side *side, tern_time at)
{
	if (at < side->wake)
		side->wake = at;
}

#endif
