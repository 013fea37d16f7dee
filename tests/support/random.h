/* Chance for simulations: one 64-bit seed, the same draws everywhere (splitmix64). */
#ifndef SUPPORT_RANDOM_H
#define SUPPORT_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct chance {
	uint64_t state;
};

static inline uint64_t chance_next(struct chance *chance)
{
	uint64_t x = chance->state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* 0 <= result < n; n is not 0. */
static inline uint64_t chance_below(struct chance *chance, uint64_t n)
{
	return chance_next(chance) % n;
}

/* low <= result <= high */
static inline uint64_t chance_between(struct chance *chance, uint64_t low, uint64_t high)
{
	return low + chance_below(chance, high - low + 1);
}

/* True in `percent` of a hundred. */
static inline bool chance_percent(struct chance *chance, unsigned percent)
{
	return chance_below(chance, 100) < percent;
}

/* As between, but each doubling is as likely as the next: small and huge both come. */
static inline uint64_t chance_scale(struct chance *chance, uint64_t low, uint64_t high)
{
	uint64_t top = low;

	for (uint64_t n = chance_below(chance, 64); n > 0 && top < high; n--)
		top *= 2;
	if (top >= high) { /* past the end: begin again from a doubling that fits */
		unsigned doublings = 0;

		while (low << (doublings + 1) <= high)
			doublings++;
		top = low << chance_below(chance, doublings + 1u);
	}
	return chance_between(chance, top, top * 2 - 1 < high ? top * 2 - 1 : high);
}

#endif
