/* bits.c: a set of numbers with summaries, against a plain array of booleans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bits.h"
#include "support/random.h"

static struct bits begin(uint32_t room)
{
	return (struct bits){ calloc(bits_words(room), sizeof(uint64_t)), room };
}

static void levels_are_as_many_as_the_room_needs(void **state)
{
	static const struct {
		uint32_t room;
		size_t	 words;
	} table[] = {
		{ 1, 1 },    { 64, 1 },	      { 65, 2 + 1 },		 { 4096, 64 + 1 }, { 4097, 65 + 2 + 1 },
		{ 0, 0 }, { 131072, 2048 + 32 + 1 }, { 262144, 4096 + 64 + 1 }, { 262145, 4097 + 65 + 2 + 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		assert_int_equal(bits_words(table[i].room), table[i].words);
}

static void empty_set_has_no_member(void **state)
{
	struct bits bits = begin(5000), none = { NULL, 0 };

	(void)state;
	assert_int_equal(bits_next(&bits, 0), BITS_NONE);
	assert_int_equal(bits_before(&bits, 4999), BITS_NONE);
	assert_int_equal(bits_next(&none, 0), BITS_NONE);
	assert_int_equal(bits_before(&none, 0), BITS_NONE);
	assert_false(bits_has(&none, 0));
	free(bits.words);
}

static void lone_member_is_found_from_anywhere(void **state)
{
	static const uint32_t members[] = { 0, 1, 63, 64, 4095, 4096, 100000, 262143, 262144, 299999 };
	struct bits bits = begin(300000);

	(void)state;
	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		const uint32_t at = members[i];

		bits_put(&bits, at);
		bits_put(&bits, at);
		assert_true(bits_has(&bits, at));
		assert_int_equal(bits_next(&bits, 0), at);
		assert_int_equal(bits_next(&bits, at), at);
		assert_int_equal(bits_next(&bits, at + 1), BITS_NONE);
		assert_int_equal(bits_before(&bits, 299999), at);
		assert_int_equal(bits_before(&bits, UINT32_MAX), at);
		assert_int_equal(bits_before(&bits, at), at);
		if (at > 0)
			assert_int_equal(bits_before(&bits, at - 1), BITS_NONE);
		bits_take(&bits, at);
		bits_take(&bits, at);
		assert_int_equal(bits_next(&bits, 0), BITS_NONE);
	}
	/* Nothing is left above: every word of every level is empty again. */
	for (size_t i = 0; i < bits_words(bits.room); i++)
		assert_true(bits.words[i] == 0);
	free(bits.words);
}

static void run_is_as_many_as_it_has(struct chance *chance, struct bits *bits, bool *in)
{
	const uint32_t i = (uint32_t)chance_below(chance, bits->room);
	const uint32_t n = (uint32_t)chance_below(chance, (bits->room - i < 200 ? bits->room - i : 200) + 1);
	const bool put = chance_percent(chance, 20);

	for (uint32_t k = 0; k < n; k++)
		in[i + k] = put;
	if (put)
		bits_put_run(bits, i, n);
	else
		bits_take_run(bits, i, n);
}

static void same_as_an_array(void **state)
{
	static const uint32_t rooms[] = { 1, 2, 16, 63, 64, 65, 128, 1000, 4096, 4097, 9000 };
	struct chance chance = { 20261122 };

	(void)state;
	for (size_t k = 0; k < sizeof rooms / sizeof *rooms; k++) {
		const uint32_t room = rooms[k];
		struct bits bits = begin(room);
		bool *const in = calloc(room, sizeof *in);

		for (unsigned step = 0; step < 4000; step++) {
			const uint32_t i = (uint32_t)(chance_below(&chance, room));
			uint32_t next, before;

			in[i] = chance_percent(&chance, 25); /* few, so that ways are long */
			if (in[i])
				bits_put(&bits, i);
			else
				bits_take(&bits, i);
			if (chance_percent(&chance, 10))
				run_is_as_many_as_it_has(&chance, &bits, in);
			const uint32_t from = (uint32_t)(chance_below(&chance, room));

			for (next = from; next < room && !in[next];)
				next++;
			for (before = from; before != UINT32_MAX && !in[before];)
				before--;
			assert_int_equal(bits_next(&bits, from), next < room ? next : BITS_NONE);
			assert_int_equal(bits_before(&bits, from), before);
			assert_int_equal(bits_has(&bits, from), in[from]);
		}
		free(in);
		free(bits.words);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_are_as_many_as_the_room_needs),
		cmocka_unit_test(empty_set_has_no_member),
		cmocka_unit_test(lone_member_is_found_from_anywhere),
		cmocka_unit_test(same_as_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
