/* option/line.c, option/netem.c: how a command line is read, and the words for a bad link. */
#include "option/netem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum id { FLAG, VALUE };

static const struct option_word own[] = {
	{ "flag", NULL, "says yes", FLAG },
	{ "value", "N", "how many", VALUE },
};

static char why[200];

static const struct option_line line = {
	.command = "tern odd",
	.table = { { own, 2 }, { netem_words, NETEM_WORDS } },
	.letter = { { 'f', FLAG }, { 'v', VALUE } },
	.why = why,
	.room = sizeof why,
};

/* Up to three words; how many were taken. */
static int take(const char *a, const char *b, const struct option_word **word, const char **value)
{
	char first[32], second[32], *arguments[] = { first, second };

	(void)snprintf(first, sizeof first, "%s", a);
	(void)snprintf(second, sizeof second, "%s", b != NULL ? b : "");
	why[0] = '\0';
	static char kept[32];
	const int took = line_take(&line, b != NULL ? 2 : 1, arguments, word, value);
	if (took > 0 && *value != NULL) {
		(void)snprintf(kept, sizeof kept, "%s", *value);
		*value = kept;
	}
	return took;
}

static void a_word_and_its_value_in_each_way_of_writing(void **state)
{
	static const struct {
		const char *a, *b;
		int	    took, id;
		const char *value;
	} cases[] = {
		{ "--flag", NULL, 1, FLAG, NULL },     { "-f", "7", 1, FLAG, NULL },
		{ "--value", "7", 2, VALUE, "7" },     { "--value=7", "8", 1, VALUE, "7" },
		{ "--value=", NULL, 1, VALUE, "" },    { "-v", "7", 2, VALUE, "7" },
		{ "-v7", NULL, 1, VALUE, "7" },	       { "-v=7", NULL, 1, VALUE, "=7" },
		{ "--value", "--flag", 2, VALUE, "--flag" }, { "--loss", "3%", 2, NETEM_LOSS, "3%" },
		{ "--ecn", NULL, 1, NETEM_ECN, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct option_word *word = NULL;
		const char *value = "untouched";
		assert_int_equal(take(cases[i].a, cases[i].b, &word, &value), cases[i].took);
		assert_int_equal(word->id, cases[i].id);
		if (cases[i].value == NULL)
			assert_null(value);
		else
			assert_string_equal(value, cases[i].value);
	}
}

static void what_is_wrong_is_named(void **state)
{
	static const char *const cases[][2] = {
		{ "--odd", "no option '--odd' (see tern odd --help)" }, { "-x", "no option '-x'" },
		{ "--", "no option '--'" }, { "-", "no option '-'" }, { "-fx", "no option '-fx'" },
		{ "--flag=1", "--flag takes no value ('1')" }, { "--value", "--value wants a value: N" },
		{ "-v", "--value wants a value" }, { "--valu", "no option '--valu'" }, { "--values", "no option" },
		{ "--=3", "no option '--=3'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct option_word *word;
		const char *value;
		assert_int_equal(take(cases[i][0], NULL, &word, &value), 0);
		assert_non_null(strstr(why, cases[i][1]));
	}
}

static void values_of_several_kinds(void **state)
{
	const struct option_word *const word = &own[VALUE];
	static const char *const colours[] = { "red", "green", "blue", NULL };
	uint64_t n = 5;
	uint32_t small = 5;
	unsigned which = 9;
	tern_time time = 5;
	const char *name = NULL;

	(void)state;
	assert_true(line_number(&line, word, "7", 0, UINT64_MAX, &n) && n == 7);
	assert_false(line_number(&line, word, "-7", 0, UINT64_MAX, &n));
	assert_string_equal(why, "--value: '-7' is not a whole number below 2^64");
	assert_false(line_u32(&line, word, "9", 1, 8, &small));
	assert_string_equal(why, "--value: '9' is not a whole number from 1 to 8");
	assert_int_equal(small, 5);
	assert_true(line_bytes(&line, word, "64M", 1, UINT64_C(1) << 40, &n) && n == 64 << 20);
	assert_true(line_bytes(&line, word, "256k", 1, UINT32_MAX, &n) && n == 262144);
	assert_false(line_bytes(&line, word, "2G", 1 << 20, 1 << 30, &n));
	assert_string_equal(why, "--value: '2G' is not a number of bytes from 1M to 1G");
	assert_false(line_bytes(&line, word, "18446744073709551615k", 1, UINT64_MAX, &n));
	assert_int_equal(n, 262144);
	assert_false(line_time(&line, word, "2h", &time));
	assert_non_null(strstr(why, "'2h' is not a time"));
	assert_true(line_name(&line, word, "x", &name));
	assert_false(line_name(&line, word, "", &name));
	assert_string_equal(name, "x");
	assert_true(line_choice(&line, word, "blue", colours, &which) && which == 2);
	assert_false(line_choice(&line, word, "pink", colours, &which));
	assert_string_equal(why, "--value: 'pink' is not red, green or blue");
}

/* Each word changes its own field, and no other. */
static void each_word_for_a_bad_link_is_taken(void **state)
{
	static const struct {
		enum netem_word	   id;
		const char	  *value;
		struct tern_impair impair;
	} cases[] = {
		{ NETEM_DELAY, "40ms", { .delay = 40 * TERN_MILLISECOND } },
		{ NETEM_JITTER, "5ms", { .jitter = 5 * TERN_MILLISECOND } },
		{ NETEM_LOSS, "3%", { .loss = 0.03 } },
		{ NETEM_BURST, "1%,30%", { .burst_enter = 0.01, .burst_leave = 0.3, .burst_loss = 1 } },
		{ NETEM_RATE, "10mbit", { .rate = 1250000 } },
		{ NETEM_LIMIT, "7", { .limit = 7 } },
		{ NETEM_LIMIT_BYTES, "256k", { .limit_bytes = 262144 } },
		{ NETEM_REORDER, "1%", { .reorder = 0.01 } },
		{ NETEM_REORDER_BY, "9", { .reorder_by = 9 } },
		{ NETEM_REORDER_DELAY, "4ms", { .reorder_delay = 4 * TERN_MILLISECOND } },
		{ NETEM_DUPLICATE, "2%", { .duplicate = 0.02 } },
		{ NETEM_CORRUPT, "4%", { .corrupt = 0.04 } },
		{ NETEM_CE_THRESHOLD, "1ms", { .ce_threshold = TERN_MILLISECOND } },
		{ NETEM_ECN, NULL, { .ecn = true } },
	};

	(void)state;
	assert_int_equal(sizeof cases / sizeof cases[0], NETEM_WORDS);
	for (unsigned i = 0; i < NETEM_WORDS; i++) {
		const struct option_word *const word = &netem_words[i];
		struct tern_impair impair = { 0 };
		assert_int_equal(word->id, cases[i].id);
		assert_true(netem_has(word));
		assert_true(netem_take(&line, word, cases[i].value, &impair));
		assert_memory_equal(&impair, &cases[i].impair, sizeof impair);
		if (word->value == NULL)
			continue;
		assert_false(netem_take(&line, word, "x", &impair));
		assert_non_null(strstr(why, word->name));
		assert_memory_equal(&impair, &cases[i].impair, sizeof impair);
	}
	assert_false(netem_has(&own[VALUE]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_and_its_value_in_each_way_of_writing),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(values_of_several_kinds),
		cmocka_unit_test(each_word_for_a_bad_link_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
