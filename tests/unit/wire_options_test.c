/* The command line of tern wire: what it says arrives, what is wrong is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tool/wire.h"

enum { WORDS = 64 };

static struct wire_options options;
static char why[256];

/* Words are taken apart at spaces. */
static bool parse(const char *line)
{
	static char text[512];
	char	   *words[WORDS], *rest = text;
	int	    n = 0;

	assert_true(strlen(line) < sizeof text);
	strcpy(text, line);
	why[0] = '\0';
	for (char *word; (word = strsep(&rest, " ")) != NULL;)
		if (*word != '\0')
			words[n++] = word;
	return wire_options_parse(&options, n, words, why, sizeof why);
}

static void devices_have_names_and_namespaces(void **state)
{
	static const struct {
		const char *word, *name, *netns;
		bool	    tap;
	} cases[] = {
		{ "v0", "v0", "", false },
		{ "tap:t0", "t0", "", true },
		{ "v0@blue", "v0", "/run/netns/blue", false },
		{ "tap:t0@/proc/7/ns/net", "t0", "/proc/7/ns/net", true },
		{ "a-name-of-15-b.", "a-name-of-15-b.", "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char line[128];

		(void)snprintf(line, sizeof line, "%s other", cases[i].word);
		assert_true(parse(line));
		assert_string_equal(options.device[0].name, cases[i].name);
		assert_string_equal(options.device[0].netns, cases[i].netns);
		assert_int_equal(options.device[0].tap, cases[i].tap);
		assert_string_equal(options.device[1].name, "other");
	}
}

static void nothing_said_harms_nothing(void **state)
{
	static const struct tern_impair none = { .seed = 1 };

	(void)state;
	assert_true(parse("a b"));
	assert_memory_equal(&options.impair[0], &none, sizeof none);
	assert_int_equal(options.impair[1].seed, 2);
	assert_int_equal(options.ready_fd, -1);
	assert_true(options.lifetime == TERN_NEVER);
	assert_false(options.json || options.realtime || options.help || options.impair[0].ecn);
}

static void a_value_is_for_both_directions_or_one(void **state)
{
	(void)state;
	assert_true(parse("--delay 20ms a --rate=1:8mbit b --rate 2:16mbit --loss 3% --loss 2:0 --limit 1:7 "
			  "--limit-bytes 256k --reorder 1% --reorder-by 2:9 --reorder-delay 4ms --ce-threshold 1:1ms "
			  "--jitter 1ms --duplicate 2% --corrupt 4% --ecn --seed 9 --for 2s --ready-fd 5 --json "
			  "--realtime --pcap f"));
	const struct tern_impair *const there = &options.impair[0], *const back = &options.impair[1];

	assert_true(there->delay == 20 * TERN_MILLISECOND && back->delay == there->delay);
	assert_true(there->rate == 1000000 && back->rate == 2000000);
	assert_true(there->loss == 0.03 && back->loss == 0);
	assert_true(there->limit == 7 && back->limit == 0);
	assert_true(there->limit_bytes == 262144 && back->limit_bytes == 262144);
	assert_true(there->reorder == 0.01 && there->reorder_by == 0 && back->reorder_by == 9);
	assert_true(there->reorder_delay == 4 * TERN_MILLISECOND && back->reorder_delay == there->reorder_delay);
	assert_true(there->ce_threshold == TERN_MILLISECOND && back->ce_threshold == 0);
	assert_true(there->jitter == TERN_MILLISECOND && there->duplicate == 0.02 && there->corrupt == 0.04);
	assert_true(there->ecn && back->ecn && there->seed == 9 && back->seed == 10);
	assert_true(options.lifetime == 2 * TERN_SECOND && options.ready_fd == 5 && options.json && options.realtime);
	assert_string_equal(options.pcap, "f");
}

static void bursts_and_numbers(void **state)
{
	(void)state;
	assert_true(parse("a b --burst 1%,30% --drop 1:3 --drop 1:8 --drop 2:1"));
	assert_true(options.impair[0].burst_enter == 0.01 && options.impair[0].burst_leave == 0.3);
	assert_true(options.impair[1].burst_loss == 1);
	assert_int_equal(options.impair[0].n_drop, 2);
	assert_true(options.impair[0].drop[0] == 3 && options.impair[0].drop[1] == 8);
	assert_int_equal(options.impair[1].n_drop, 1);
	assert_true(parse("a b --burst 1:1%,30%,50%"));
	assert_true(options.impair[0].burst_loss == 0.5 && options.impair[1].burst_enter == 0);
}

static void what_is_wrong_is_named(void **state)
{
	static const char *const cases[][2] = {
		{ "", "two devices" }, { "a", "two devices" }, { "a b c", "'c'" }, { "a b --what", "--what" },
		{ "a b -x", "-x" }, { "a b --", "'--'" }, { "a b --delay", "--delay wants" },
		{ "a b --json=1", "no value" }, { "a b --delay 2h", "2h" }, { "a b --loss 101%", "101%" },
		{ "a b --loss 3:1%", "3:1%" }, { "a b --rate 0", "--rate" }, { "a b --limit 0", "--limit" },
		{ "a b --limit-bytes 4096m", "4096m" }, { "a b --limit-bytes 7x", "7x" },
		{ "a b --limit-bytes k", "--limit-bytes" }, { "a b --burst 1%", "two or three" },
		{ "a b --burst 1%,1%,1%,1%", "two or three" }, { "a b --burst 1%,x", "two or three" },
		{ "a b --drop 0", "--drop" }, { "a b --drop 2 --drop 2", "rise" }, { "a b --seed -1", "-1" },
		{ "@x b", "@x" }, { "a@ b", "a@" }, { "tap: b", "tap:" }, { "a-name-of-16-by. b", "a-name" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_false(parse(cases[i][0]));
		assert_non_null(strstr(why, cases[i][1]));
	}
	char line[400] = "a@";
	memset(line + 2, 'n', WIRE_PATH);
	strcpy(line + 2 + WIRE_PATH, " b");
	assert_false(parse(line));
	assert_non_null(strstr(why, "too long"));
}

static void help_needs_no_devices(void **state)
{
	(void)state;
	assert_true(parse("--help") && options.help);
	assert_true(parse("-h a") && options.help);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_have_names_and_namespaces),
		cmocka_unit_test(nothing_said_harms_nothing),
		cmocka_unit_test(a_value_is_for_both_directions_or_one),
		cmocka_unit_test(bursts_and_numbers),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(help_needs_no_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
