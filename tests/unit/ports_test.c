/* attacks: RFC 6056.
 *
 * Ephemeral ports (host/ports.c): all of a range, each once, in an order that is its own per destination. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host/ports.h"
#include "wire/tuple.h"

static const struct siphash_key key = { 11, 22 };

struct taken {
	bool	 port[65536];
	unsigned asked;
};

static bool is_free(void *context, const struct tern_tuple *tuple)
{
	struct taken *const taken = context;

	taken->asked++;
	return !taken->port[tuple->local_port];
}

static struct tern_tuple to(uint32_t remote, uint16_t port)
{
	return (struct tern_tuple){ .local = addr_v4(0x0a000001),
				    .remote = addr_v4(remote),
				    .remote_port = port };
}

static void every_port_once_then_none(void **state)
{
	(void)state;
	static const struct {
		uint16_t low, high;
	} ranges[] = { { 32768, 60999 }, { 1, 65535 }, { 5000, 5000 }, { 65530, 65535 }, { 1024, 1026 } };

	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
		static struct taken taken;
		struct ports	    ports;
		const unsigned	    n = ranges[i].high - ranges[i].low + 1u;

		memset(&taken, 0, sizeof taken);
		ports = (struct ports){ 0 };
		for (unsigned j = 0; j < n; j++) {
			struct tern_tuple tuple = to(0x08080808, 443);

			assert_int_equal(ports_pick(&ports, &key, ranges[i].low, ranges[i].high, &tuple,
						    is_free, &taken),
					 0);
			assert_in_range(tuple.local_port, ranges[i].low, ranges[i].high);
			assert_false(taken.port[tuple.local_port]);
			taken.port[tuple.local_port] = true;
		}
		/* No port was looked at twice: each was asked about once. */
		assert_int_equal(taken.asked, n);
		struct tern_tuple tuple = to(0x08080808, 443);

		taken.asked = 0;
		assert_int_equal(
			ports_pick(&ports, &key, ranges[i].low, ranges[i].high, &tuple, is_free, &taken),
			-TERN_EADDRNOTAVAIL);
		assert_int_equal(taken.asked, n);
		/* One is given back: it is found, wherever it is. */
		taken.port[ranges[i].low + n / 2] = false;
		assert_int_equal(
			ports_pick(&ports, &key, ranges[i].low, ranges[i].high, &tuple, is_free, &taken), 0);
		assert_int_equal(tuple.local_port, ranges[i].low + n / 2);
	}
}

static void a_port_is_not_taken_again_soon(void **state)
{
	static struct taken taken;
	struct ports	    ports;
	uint16_t	    before = 0;

	(void)state;
	memset(&taken, 0, sizeof taken);
	ports = (struct ports){ 0 };
	for (unsigned i = 0; i < 1000; i++) {
		struct tern_tuple tuple = to(0x08080808, 443);

		assert_int_equal(ports_pick(&ports, &key, 32768, 60999, &tuple, is_free, &taken), 0);
		if (i > 0)
			assert_int_equal(tuple.local_port, before == 60999 ? 32768 : before + 1);
		before = tuple.local_port;
	}
}

/* Where the sequences begin says nothing of each other: over many destinations all parts of the range. */
static void destinations_begin_anywhere(void **state)
{
	static struct taken taken;
	unsigned	    part[8] = { 0 };
	struct ports	    ports;

	(void)state;
	memset(&taken, 0, sizeof taken);
	ports = (struct ports){ 0 };
	for (uint32_t i = 0; i < 8000; i++) {
		struct tern_tuple tuple = to(0x01000000 + i, 443);

		assert_int_equal(ports_pick(&ports, &key, 1024, 1024 + 8191, &tuple, is_free, &taken), 0);
		part[(tuple.local_port - 1024) / 1024]++;
	}
	for (unsigned i = 0; i < 8; i++)
		assert_in_range(part[i], 850, 1150);
}

/* The same host with another key does otherwise; with the same key the same. */
static void the_key_decides(void **state)
{
	static struct taken	 taken;
	const struct siphash_key other = { 11, 23 };
	unsigned		 same = 0;

	(void)state;
	memset(&taken, 0, sizeof taken);
	for (uint16_t port = 1; port <= 100; port++) {
		struct ports	  a, b, c;
		struct tern_tuple ta = to(0x08080808, port), tb = ta, tc = ta;

		a = (struct ports){ 0 };
		b = (struct ports){ 0 };
		c = (struct ports){ 0 };
		assert_int_equal(ports_pick(&a, &key, 32768, 60999, &ta, is_free, &taken), 0);
		assert_int_equal(ports_pick(&b, &key, 32768, 60999, &tb, is_free, &taken), 0);
		assert_int_equal(ports_pick(&c, &other, 32768, 60999, &tc, is_free, &taken), 0);
		assert_int_equal(ta.local_port, tb.local_port);
		same += ta.local_port == tc.local_port;
	}
	assert_in_range(same, 0, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_port_once_then_none),
		cmocka_unit_test(a_port_is_not_taken_again_soon),
		cmocka_unit_test(destinations_begin_anywhere),
		cmocka_unit_test(the_key_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
