/* gateway/dns.c: which name servers a resolv.conf names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/dns.h"

static void name_servers_in_their_order(void **state)
{
	static const struct {
		const char *text, *found; /* separated by spaces */
	} cases[] = {
		{ "", "" },
		{ "search example.test\n", "" },
		{ "nameserver 192.0.2.1\n", "192.0.2.1" },
		{ "nameserver 192.0.2.1", "192.0.2.1" },
		{ "# nameserver 192.0.2.9\n;nameserver 192.0.2.8\nnameserver\t192.0.2.1 # ours\n", "192.0.2.1" },
		{ "nameserver 127.0.0.53\nnameserver 2001:db8::53\noptions edns0\n", "127.0.0.53 2001:db8::53" },
		{ "nameserver not-an-address\nnameserver 192.0.2.1\r\n", "192.0.2.1" },
		{ "nameserver192.0.2.7\nnameserver\n", "" },
		{ "nameserver fe80::1%lo\n", "fe80::1" },
		{ "nameserver 1.0.0.1\nnameserver 1.0.0.2\nnameserver 1.0.0.3\nnameserver 1.0.0.4\nnameserver 1.0.0.5\n"
		  "nameserver 1.0.0.6\nnameserver 1.0.0.7\nnameserver 1.0.0.8\nnameserver 1.0.0.9\n",
		  "1.0.0.1 1.0.0.2 1.0.0.3 1.0.0.4 1.0.0.5 1.0.0.6 1.0.0.7 1.0.0.8" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct tern_endpoint found[DNS_RESOLVERS];
		const size_t	     n = dns_parse(found, cases[i].text);
		char		     text[512] = "", one[46];

		for (size_t k = 0; k < n; k++) {
			if (k > 0)
				strcat(text, " ");
			strcat(text, tern_addr_format(&found[k].addr, one));
			assert_int_equal(found[k].port, 53);
		}
		assert_string_equal(text, cases[i].found);
	}
}

static void the_next_one_after_a_failure(void **state)
{
	struct gateway	     gateway = { .ipv6 = false };
	struct tern_endpoint first, second, now;

	(void)state;
	assert_false(dns_resolver(&gateway, &now));
	assert_int_equal(dns_open(&gateway), 0);
	assert_true(dns_resolver(&gateway, &first));
	dns_resolver_failed(&gateway, &first);
	assert_true(dns_resolver(&gateway, &second));
	dns_resolver_failed(&gateway, &(struct tern_endpoint){ .port = 53 }); /* not the one that is asked now */
	assert_true(dns_resolver(&gateway, &now));
	assert_memory_equal(&now, &second, sizeof now);
	assert_int_equal(gateway.stats.dns_failed, 2);
	dns_done(&gateway);
	dns_done(&gateway);
}

/* Two queries at the same dead one are one failure; round by round each is asked. */
static void each_in_turn(void **state)
{
	struct gateway	     gateway = { .ipv6 = false };
	struct tern_endpoint dead, now;
	char		     text[46];

	(void)state;
	assert_int_equal(dns_begin(&gateway, "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n"), 0);
	for (int round = 0; round < 6; round++) {
		const char expected[] = { '1', '9', '2', '.', '0', '.', '2', '.', (char)('1' + round % 3), '\0' };

		assert_true(dns_resolver(&gateway, &dead));
		assert_string_equal(tern_addr_format(&dead.addr, text), expected);
		dns_resolver_failed(&gateway, &dead);
		dns_resolver_failed(&gateway, &dead);
		assert_true(dns_resolver(&gateway, &now));
		assert_memory_not_equal(&now.addr, &dead.addr, sizeof now.addr);
	}
	assert_int_equal(gateway.stats.dns_failed, 12);
	dns_done(&gateway);
	assert_int_equal(dns_begin(&gateway, "# none\n"), 0);
	assert_true(dns_resolver(&gateway, &now));
	assert_string_equal(tern_addr_format(&now.addr, text), "127.0.0.1");
	dns_done(&gateway);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_servers_in_their_order),
		cmocka_unit_test(the_next_one_after_a_failure),
		cmocka_unit_test(each_in_turn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
