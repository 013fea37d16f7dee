#include "base/bits.h"
#include "base/assert.h"

enum { WORD_BITS = 64 };

static uint32_t words_for(uint32_t n)
{
	return n / WORD_BITS + (n % WORD_BITS != 0);
}

static uint64_t bit(uint32_t i)
{
	return (uint64_t)1 << i % WORD_BITS;
}

size_t bits_words(uint32_t room)
{
	uint32_t width = words_for(room);
	size_t n = width;

	for (; width > 1; n += width)
		width = words_for(width);
	return n;
}

void bits_put_levels(struct bits *bits, uint32_t i)
{
	uint64_t *level = bits->words;

	tern_assert(i < bits->room);
	for (uint32_t width = words_for(bits->room);; width = words_for(width)) {
		uint64_t *const word = &level[i / WORD_BITS];
		const uint64_t was = *word;

		*word |= bit(i);
		if (was || width == 1) /* a word that was not empty is known above */
			return;
		level += width;
		i /= WORD_BITS;
	}
}

void bits_take_levels(struct bits *bits, uint32_t i)
{
	uint64_t *level = bits->words;

	tern_assert(i < bits->room);
	for (uint32_t width = words_for(bits->room);; width = words_for(width)) {
		uint64_t *const word = &level[i / WORD_BITS];

		*word &= ~bit(i);
		if (*word || width == 1)
			return;
		level += width;
		i /= WORD_BITS;
	}
}

/* Those of [i, i + n) that one word has. */
static uint64_t run_of(uint32_t i, uint32_t n)
{
	const uint32_t here = n < WORD_BITS - i % WORD_BITS ? n : WORD_BITS - i % WORD_BITS;

	return ~(uint64_t)0 >> (WORD_BITS - here) << i % WORD_BITS;
}

void bits_put_run(struct bits *bits, uint32_t i, uint32_t n)
{
	tern_assert(n <= bits->room && i <= bits->room - n);
	for (uint32_t step; n > 0; i += step, n -= step) {
		const uint64_t run = run_of(i, n);

		step = (uint32_t)__builtin_popcountll(run);
		bits_put(bits, i); /* and the levels above know of the word */
		bits->words[i / WORD_BITS] |= run;
	}
}

void bits_take_run(struct bits *bits, uint32_t i, uint32_t n)
{
	tern_assert(n <= bits->room && i <= bits->room - n);
	for (uint32_t step; n > 0; i += step, n -= step) {
		const uint64_t run = run_of(i, n);

		step = (uint32_t)__builtin_popcountll(run);
		bits->words[i / WORD_BITS] &= ~run;
		bits_take(bits, i); /* so do they where it is empty now */
	}
}

bool bits_has(const struct bits *bits, uint32_t i)
{
	return i < bits->room && bits->words[i / WORD_BITS] & bit(i);
}

uint32_t bits_next(const struct bits *bits, uint32_t from)
{
	const uint64_t *levels[BITS_LEVELS_MAX];
	uint32_t width = words_for(bits->room), i = from;
	uint64_t found = 0;
	unsigned up = 0;

	if (from >= bits->room)
		return BITS_NONE;
	/* Up, until a word has something at or behind the place... */
	for (levels[0] = bits->words;; width = words_for(width)) {
		if (i / WORD_BITS < width)
			found = levels[up][i / WORD_BITS] & ~(uint64_t)0 << i % WORD_BITS;
		if (found || width <= 1)
			break;
		levels[up + 1] = levels[up] + width;
		up++;
		i = i / WORD_BITS + 1; /* its own word holds nothing more */
	}
	if (!found)
		return BITS_NONE;
	/* ...and down again to the first that it stands for. */
	i = i / WORD_BITS * WORD_BITS + (uint32_t)__builtin_ctzll(found);
	while (up > 0)
		i = i * WORD_BITS + (uint32_t)__builtin_ctzll(levels[--up][i]);
	return i;
}

uint32_t bits_before(const struct bits *bits, uint32_t from)
{
	const uint64_t *levels[BITS_LEVELS_MAX];
	uint32_t width = words_for(bits->room), i = from < bits->room ? from : bits->room - 1;
	uint64_t found;
	unsigned up = 0;

	if (bits->room == 0)
		return BITS_NONE;
	for (levels[0] = bits->words;; width = words_for(width)) {
		found = levels[up][i / WORD_BITS] & ~(uint64_t)0 >> (WORD_BITS - 1 - i % WORD_BITS);
		if (found || width <= 1 || i < WORD_BITS) /* nothing stands before the first word */
			break;
		levels[up + 1] = levels[up] + width;
		up++;
		i = i / WORD_BITS - 1;
	}
	if (!found)
		return BITS_NONE;
	i = i / WORD_BITS * WORD_BITS + (WORD_BITS - 1) - (uint32_t)__builtin_clzll(found);
	while (up > 0)
		i = i * WORD_BITS + (WORD_BITS - 1) - (uint32_t)__builtin_clzll(levels[--up][i]);
	return i;
}
