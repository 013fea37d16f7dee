/* tool/gateway_options.c: the command line of tern gateway. */
#include "tool/gateway_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { ARGUMENTS = 16, TEXT = 256 };

static struct gateway_options options;
static char		      line[TEXT], error[GATEWAY_ERROR];
static char		     *arguments[ARGUMENTS];

/* Splits at blanks. */
static bool parse(const char *text)
{
	int n = 0;

	strcpy(line, text);
	memset(arguments, 0, sizeof arguments);
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
		arguments[n++] = word;
	strcpy(error, "");
	return gateway_options_parse(&options, n, arguments, error, sizeof error);
}

static void a_command_alone_has_the_defaults(void **state)
{
	(void)state;
	assert_true(parse("curl -v http://10.0.2.2/"));
	assert_int_equal(options.guest, GUEST_COMMAND);
	assert_string_equal(options.command[0], "curl");
	assert_string_equal(options.command[1], "-v");
	assert_null(options.command[3]);
	assert_int_equal(options.mtu, 65520);
	assert_int_equal(options.bits, 24);
	assert_true(options.linger == 10 * TERN_SECOND);
	assert_false(options.plain);
	assert_true(options.keepalive == 600 * TERN_SECOND);
	assert_true(options.user_timeout == 0);
	assert_int_equal(options.ready_fd, -1);
	assert_false(options.impaired);
	assert_true(parse("--watch -- --odd"));
	assert_string_equal(options.command[0], "--odd");
	assert_true(options.watch);
}

static void values_are_taken(void **state)
{
	(void)state;
	assert_true(parse("--mtu=1500 --cidr 10.9.0.0/16 --linger 2s --flows 10 --half-open 5 --memory 64M "
			  "--json - x"));
	assert_int_equal(options.mtu, 1500);
	assert_int_equal(options.bits, 16);
	assert_true(options.linger == 2 * TERN_SECOND);
	assert_int_equal(options.flows_max, 10);
	assert_int_equal(options.half_open_max, 5);
	assert_true(options.memory == 64 << 20);
	assert_string_equal(options.json, "-");
	assert_true(parse("--plain --keepalive 90s --user-timeout=30s x"));
	assert_true(options.plain);
	assert_true(options.keepalive == 90 * TERN_SECOND);
	assert_true(options.user_timeout == 30 * TERN_SECOND);
	assert_true(parse("-p 8080:80 -p127.0.0.1:0:53/udp --publish=1:1 --allow 10.0.0.0/8 --deny *:25 x"));
	assert_int_equal(options.n_forwards, 3);
	assert_true(options.forwards[1].udp);
	assert_int_equal(options.filter.n, 2);
	assert_true(parse("--delay 40ms --jitter 90ms --loss 3% --rate 10mbit x"));
	assert_true(options.impaired);
	assert_true(options.impair.delay == 40 * TERN_MILLISECOND);
	assert_true(options.impair.jitter == options.impair.delay); /* not into the past */
	assert_true(options.impair.rate == 1250000);
}

/* As far as the guest is near and nobody says otherwise. */
static void buffers_stay_in_the_cache(void **state)
{
	static const struct {
		const char *option, *value;
		uint32_t receive, send;
	} rows[] = {
		{ "--mtu", "1500", 2 << 20, 2 << 20 },
		{ "--delay", "50ms", 65535u << 11, 128 << 20 },
		{ "--set", "tcp_rmem=4096 262144 8388608", 8 << 20, 2 << 20 },
		{ "--set", "tcp_rmem=4096 4194304 134215680", 65535u << 11, 2 << 20 }, /* begins beyond it */
		{ "--set", "tcp_wmem=4096 65536 1048576", 2 << 20, 1 << 20 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char option[TEXT], value[TEXT], command[] = "true";
		char *words[] = { strcpy(option, rows[i].option), strcpy(value, rows[i].value), command };

		assert_true(gateway_options_parse(&options, 3, words, error, sizeof error));
		assert_true(options.settings.receive_buffer_max == rows[i].receive);
		assert_true(options.settings.send_buffer_max == rows[i].send);
	}
}

static void guests_that_are_there(void **state)
{
	(void)state;
	assert_true(parse("--attach 77"));
	assert_int_equal(options.guest, GUEST_ATTACH);
	assert_int_equal(options.pid, 77);
	assert_true(parse("--netns /run/netns/blue"));
	assert_int_equal(options.guest, GUEST_NETNS);
	assert_true(parse("--fd 5 --mtu 9000"));
	assert_int_equal(options.guest, GUEST_FD);
	assert_int_equal(options.fd, 5);
	assert_true(parse("--qemu /tmp/vm"));
	assert_int_equal(options.guest, GUEST_QEMU);
	assert_int_equal(options.mtu, 1500);
	assert_true(parse("--qemu-dgram /tmp/vm --mtu 9000"));
	assert_true(options.qemu_dgram);
	assert_int_equal(options.mtu, 9000);
	assert_true(parse("--help"));
	assert_true(options.help);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *word;
	} table[] = {
		{ "", "COMMAND" },	       { "--watch", "COMMAND" },
		{ "--fd 3 -- x", "exclude" },  { "--fd 3 --attach 1", "already" },
		{ "--bogus x", "--bogus" },    { "-x y", "-x" },
		{ "--mtu", "--mtu" },	       { "--mtu 1279 x", "1280" },
		{ "--mtu 65521 x", "65520" },  { "--watch=1 x", "--watch" },
		{ "-p", "-p" },		       { "-p 80 x", "HOSTPORT" },
		{ "--cidr 10.0.2.1/24 x", "prefix" }, { "--cidr 10.0.2.0/30 x", "bits" },
		{ "--cidr fd00::/64 x", "IPv4" }, { "--allow nowhere x", "--allow" },
		{ "--loss 101% x", "--loss" }, { "--memory 1 x", "--memory" },
		{ "--memory 64X x", "--memory" }, { "--linger 2h x", "--linger" },
		{ "--color blue x", "--color" }, { "--attach 0", "--attach" },
		{ "--flows 0 x", "--flows" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		assert_false(parse(table[i].text));
		assert_non_null(strstr(error, table[i].word));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_alone_has_the_defaults),
		cmocka_unit_test(values_are_taken),
		cmocka_unit_test(buffers_stay_in_the_cache),
		cmocka_unit_test(guests_that_are_there),
		cmocka_unit_test(what_is_wrong_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
