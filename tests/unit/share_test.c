/* Shares of the playground: what is read is written the same; what is out of bounds is refused, and where. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/siphash.h"
#include "play/share.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct play_share share;
static char written[PLAY_TEXT];

static const char *read_text(const char *text, size_t *at)
{
	return play_share_read(&share, text, strlen(text), at);
}

static void is_written_as_it_was_read(void **state)
{
	static const char *const texts[] = {
		"tern1,seed=1",
		"tern1,seed=9007199254740991,ip=6,mtu=9000,sack=0,ts=0,ecn=2,buffer=4194304,msl=240",
		"tern1,seed=0,0.c.listen.0,0.s.listen.1,0.c.open,1.c.send.16777216,1.s.read.0,"
		"2.c.shutdown,2.s.close,3.c.abort",
		"tern1,seed=1,0.w.cc.cubic,0.c.cc.reno,0.s.cc.bbr,0.w.cc.dctcp,0.w.cc.prague,0.w.nodelay.1",
		"tern1,seed=1,0.w.delay.10000000,0.c.jitter.1,0.s.loss.10000,0.w.duplicate.1,"
		"0.w.corrupt.2,0.w.reorder.3",
		"tern1,seed=1,0.w.rate.10000000000,0.w.limit.1000,7.w.drop.4294967295,8.w.hold.1,"
		"86400000000.w.release.1",
		"tern1,seed=1,5.c.open,to=6,sum=0123456789abcdef",
		"tern1,seed=1,to=0",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		size_t at;
		assert_null(read_text(texts[i], &at));
		assert_int_equal(play_share_write(&share, written), strlen(texts[i]));
		assert_string_equal(written, texts[i]);
	}
}

static void stands_behind_the_sign_of_an_address(void **state)
{
	size_t at;

	(void)state;
	assert_null(read_text("file:///tmp/a%20b/page.html?x=1#tern1,seed=77,2.c.open\r\n", &at));
	assert_int_equal(share.seed, 77);
	assert_int_equal(share.n, 1);
	assert_int_equal(share.actions[0].at, 2 * TERN_MICROSECOND);
	assert_int_equal(share.actions[0].verb, PLAY_OPEN);
	assert_int_equal(share.actions[0].who, 0);
}

static void says_what_is_wrong_and_where(void **state)
{
	static const struct {
		const char *text, *wrong;
		size_t	    at;
	} rows[] = {
		{ "", "it does not begin with tern1", 0 },
		{ "tern", "it does not begin with tern1", 0 },
		{ "tern2,seed=1", "it does not begin with tern1", 0 },
		{ "tern1;seed=1", "a ',' is missing", 5 },
		{ "tern1,", "no such setting", 6 },
		{ "tern1,seeds=1", "no such setting", 6 },
		{ "tern1,seed=9007199254740992", "seed: out of its range", 27 },
		{ "tern1,seed=", "seed: out of its range", 11 },
		{ "tern1,seed=18446744073709551616", "seed: out of its range", 30 },
		{ "tern1,ip=5", "ip: neither 4 nor 6", 10 },
		{ "tern1,ip=7", "a setting out of its range", 10 },
		{ "tern1,mtu=575", "a setting out of its range", 13 },
		{ "tern1,ip=6,mtu=1279", "mtu: IPv6 wants at least 1280", 19 },
		{ "tern1,buffer=0", "a setting out of its range", 14 },
		{ "tern1,msl=0", "a setting out of its range", 11 },
		{ "tern1,0.c.open,seed=1", "a setting behind an action", 15 },
		{ "tern1,0.c.opened", "no such action", 10 },
		{ "tern1,0.x.open", "neither c, s nor w", 8 },
		{ "tern1,0.c", "a '.' is missing", 9 },
		{ "tern1,0c.open", "a '.' is missing", 7 },
		{ "tern1,0.c.?", "no such action", 10 },
		{ "tern1,0.w.open", "not an action of that end", 14 },
		{ "tern1,0.c.drop.1", "not an action of that end", 14 },
		{ "tern1,0.c.send", "the action wants an argument", 14 },
		{ "tern1,0.c.send.0", "the argument is out of its range", 16 },
		{ "tern1,0.c.send.16777217", "the argument is out of its range", 23 },
		{ "tern1,0.c.send.-1", "the argument is out of its range", 15 },
		{ "tern1,0.w.loss.10001", "the argument is out of its range", 20 },
		{ "tern1,0.w.limit.0", "the argument is out of its range", 17 },
		{ "tern1,0.w.cc.vegas", "no such congestion control", 13 },
		{ "tern1,0.c.open.1", "a ',' is missing", 14 },
		{ "tern1,5.c.open,4.c.close", "times fall", 17 },
		{ "tern1,86400000001.c.open", "no time of an action", 17 },
		{ "tern1,5.c.open,to=4", "to: before the last action", 19 },
		{ "tern1,to=5,6.c.open", "something follows the end", 11 },
		{ "tern1,to=5,to=6", "something follows the end", 11 },
		{ "tern1,sum=0123456789abcdef", "sum: not sixteen digits behind to, or twice", 10 },
		{ "tern1,to=1,sum=0123456789abcde", "sum: not sixteen digits behind to, or twice", 30 },
		{ "tern1,to=1,sum=0123456789ABCDEF", "sum: not sixteen digits behind to, or twice", 25 },
		{ "tern1,to=1,sum=0123456789abcdef,seed=1", "something follows the end", 32 },
	};

	unsigned wrongs = 0;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t at = 99;
		const char *const wrong = read_text(rows[i].text, &at);
		if (wrong == NULL || strcmp(wrong, rows[i].wrong) != 0 || at != rows[i].at)
			print_error("%s: at %zu: %s\n", rows[i].text, at, wrong ? wrong : "taken");
		assert_non_null(wrong);
		assert_string_equal(wrong, rows[i].wrong);
		wrongs += at != rows[i].at;
	}
	assert_int_equal(wrongs, 0);
}

static void holds_so_many_actions_and_no_more(void **state)
{
	static char text[PLAY_TEXT + 100];
	size_t n = 0, at;

	(void)state;
	n += (size_t)snprintf(text, sizeof text, "tern1,seed=9007199254740991,ip=6,mtu=9000");
	for (unsigned i = 0; i < PLAY_ACTIONS; i++) /* the longest there is */
		n += (size_t)snprintf(text + n, sizeof text - n, ",86400000000.w.release.4294967295");
	assert_true(n < PLAY_TEXT);
	assert_null(play_share_read(&share, text, n, &at));
	assert_int_equal(share.n, PLAY_ACTIONS);
	assert_int_equal(play_share_write(&share, written), n);
	assert_string_equal(written, text);
	n += (size_t)snprintf(text + n, sizeof text - n, ",86400000000.c.open");
	assert_string_equal(play_share_read(&share, text, n, &at), "too many actions");
	memset(text + 5, ',', PLAY_TEXT);
	assert_string_equal(play_share_read(&share, text, PLAY_TEXT, &at), "longer than any share");
}

static void one_action_by_itself(void **state)
{
	struct play_action action;

	(void)state;
	assert_null(play_action_read(&action, "s.send.17", 9));
	assert_int_equal(action.verb, PLAY_SEND);
	assert_int_equal(action.who, 1);
	assert_int_equal(action.n, 17);
	assert_string_equal(play_action_read(&action, "s.send.17,", 10), "something follows the action");
	assert_string_equal(play_action_read(&action, "s.send.17", 6), "the action wants an argument");
	assert_string_equal(play_action_read(&action, "", 0), "neither c, s nor w");
	assert_string_equal(play_verb_name(PLAY_REORDER), "reorder");
	assert_string_equal(play_verb_name(PLAY_VERBS), "?");
}

/* Whatever is put into it: read within its bounds, and what is taken comes back the same. */
static void any_bytes_are_read_within_bounds(void **state)
{
	static const char valid[] = "tern1,seed=77,ecn=2,0.w.delay.20000,0.s.listen.1,0.c.open,5.c.cc.bbr,9.w.drop.3,"
				    "to=77,sum=0123456789abcdef";
	uint64_t random = 20;
	unsigned taken = 0;

	(void)state;
	for (unsigned run = 0; run < 20000; run++) {
		size_t n = sizeof valid - 1, at, again;
		char *const text = malloc(n); /* exactly: a sanitizer sees the byte behind */
		assert_non_null(text);
		memcpy(text, valid, n);
		for (uint64_t changes = splitmix64(&random) % 4; changes > 0; changes--)
			text[splitmix64(&random) % n] = "0123456789.,=#cswto-"[splitmix64(&random) % 20];
		n -= splitmix64(&random) % 8 == 0 ? splitmix64(&random) % n : 0;
		if (play_share_read(&share, text, n, &at) == NULL) {
			static struct play_share other;
			taken++;
			const size_t length = play_share_write(&share, written);
			assert_null(play_share_read(&other, written, length, &again));
			assert_int_equal(other.n, share.n);
			assert_memory_equal(other.actions, share.actions, share.n * sizeof *share.actions);
			assert_int_equal(other.sum, share.has_sum ? share.sum : other.sum);
		}
		assert_true(at <= n);
		free(text);
	}
	assert_in_range(taken, 3000, 19000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_written_as_it_was_read),
		cmocka_unit_test(stands_behind_the_sign_of_an_address),
		cmocka_unit_test(says_what_is_wrong_and_where),
		cmocka_unit_test(holds_so_many_actions_and_no_more),
		cmocka_unit_test(one_action_by_itself),
		cmocka_unit_test(any_bytes_are_read_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
