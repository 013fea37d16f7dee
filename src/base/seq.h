/* Sequence numbers: arithmetic modulo 2^32 (RFC 9293 3.4). A struct, so that `a < b` does not
 * compile; comparisons hold while the two are less than 2^31 apart. */
#ifndef BASE_SEQ_H
#define BASE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

typedef struct seq {
	uint32_t v;
} seq_t;

static inline seq_t seq(uint32_t v)
{
	return (seq_t){ v };
}

static inline seq_t seq_add(seq_t a, uint32_t n)
{
	return (seq_t){ a.v + n };
}

/* a - b as a distance forward from b. */
static inline uint32_t seq_sub(seq_t a, seq_t b)
{
	return a.v - b.v;
}

static inline bool seq_eq(seq_t a, seq_t b)
{
	return a.v == b.v;
}

static inline bool seq_lt(seq_t a, seq_t b)
{
	return (int32_t)(a.v - b.v) < 0;
}

static inline bool seq_le(seq_t a, seq_t b)
{
	return (int32_t)(a.v - b.v) <= 0;
}

static inline bool seq_gt(seq_t a, seq_t b)
{
	return seq_lt(b, a);
}

static inline bool seq_ge(seq_t a, seq_t b)
{
	return seq_le(b, a);
}

static inline seq_t seq_max(seq_t a, seq_t b)
{
	return seq_lt(a, b) ? b : a;
}

static inline seq_t seq_min(seq_t a, seq_t b)
{
	return seq_lt(a, b) ? a : b;
}

#endif
