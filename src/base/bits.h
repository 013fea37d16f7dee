/* A set of numbers below a fixed bound, as bits with summaries above them: the next member is found in
 * as many steps as there are levels, however far away it is.
 *
 * Level 0 has one bit a number. A bit of each higher level says whether a word of 64 bits of the level
 * below it has any bit set; the top level is one word. So 64 numbers take one level, 4,096 two, 262,144
 * three, and all that 32 bits can count six.
 *
 * The words are the caller's: bits_words(room) of them, one level behind the other, zero for the empty set.
 */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BITS_LEVELS_MAX = 6 };

#define BITS_NONE UINT32_MAX

struct bits {
	uint64_t *words;
	uint32_t  room; /* members are below it; 0: no words, the set is empty */
};

size_t bits_words(uint32_t room);

void bits_put_levels(struct bits *bits, uint32_t i); /* the same where there may be more than one */
void bits_take_levels(struct bits *bits, uint32_t i);

static inline void bits_put(struct bits *bits, uint32_t i) /* i < room; being in already is no harm */
{
	if (bits->room <= 64 && i < bits->room)
		*bits->words |= (uint64_t)1 << i;
	else
		bits_put_levels(bits, i);
}
static inline void bits_take(struct bits *bits, uint32_t i) /* i < room; nor is not being in */
{
	if (bits->room <= 64 && i < bits->room)
		*bits->words &= ~((uint64_t)1 << i);
	else
		bits_take_levels(bits, i);
}
/* The same of [i, i + n), which lies below room. */
void bits_put_run(struct bits *bits, uint32_t i, uint32_t n);
void bits_take_run(struct bits *bits, uint32_t i, uint32_t n);
bool bits_has(const struct bits *bits, uint32_t i);

/* The lowest member at or above from, the highest at or below it; BITS_NONE: there is none. Any from. */
uint32_t bits_next(const struct bits *bits, uint32_t from);
uint32_t bits_before(const struct bits *bits, uint32_t from);

#endif
