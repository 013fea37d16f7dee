/* One's-complement sums of 16-bit words (RFC 1071), many bytes a time, with a copy or without.
 *
 * Sums are kept unfolded in 32 bits, in the machine's own byte order; any may start another. A last odd byte is the
 * first of a word whose second is 0, so a part of odd length may only be the last, but for sum_join().
 *
 * sum_add() and sum_copy() run on every machine of the kind that this was compiled for. A *unit* is the same by the
 * best that the machine at hand has; who moves much asks for it once and keeps it.
 */
#ifndef BASE_SUM_H
#define BASE_SUM_H

#include <stddef.h>
#include <stdint.h>

struct sum_unit {
	uint32_t (*add)(uint32_t sum, const void *from, size_t n);
	/* add() of what it copied. */
	uint32_t (*copy)(uint32_t sum, void *restrict to, const void *restrict from, size_t n);
};

uint32_t sum_add(uint32_t sum, const void *from, size_t n);
uint32_t sum_copy(uint32_t sum, void *restrict to, const void *restrict from, size_t n);

/* Asks the processor, which takes a microsecond. Never NULL. */
const struct sum_unit *sum_unit_best(void);
/* With vectors wider than the least machine of its kind has; NULL: none, or not on this one. */
const struct sum_unit *sum_unit_wide(void);

static inline uint32_t sum_fold32(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (uint32_t)(sum + (sum >> 32));
}

static inline uint16_t sum_fold16(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

/* Adds the sum of a part that begins at this offset of the whole: at an odd one each byte stands in the other half of
 * its word (RFC 1071 2 B). */
static inline uint32_t sum_join(uint32_t sum, uint32_t part, size_t offset)
{
	const uint16_t folded = sum_fold16(part);

	if (offset % 2 == 0)
		return sum_fold32((uint64_t)sum + part);
	return sum_fold32((uint64_t)sum + (uint16_t)(folded << 8 | folded >> 8));
}

#endif
