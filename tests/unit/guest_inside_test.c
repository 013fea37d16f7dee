/* gateway/guest_inside.c: the resolv.conf of a guest. The rest of it needs namespaces: interop/gateway_guest_test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/guest_inside.h"

static void our_name_server_and_the_hosts_domains(void **state)
{
	static const struct {
		const char *hosts, *kept;
	} cases[] = {
		{ "", "" },
		{ "nameserver 127.0.0.53\n", "" },
		{ "search a.test b.test\nnameserver 192.0.2.1\noptions edns0 ndots:2\n",
		  "search a.test b.test\noptions edns0 ndots:2\n" },
		{ "domain\ta.test", "domain\ta.test\n" },
		{ "# search no.test\nsearching no.test\nsortlist 1.2.3.4\n", "" },
		{ "\n\nsearch a.test\n\n", "search a.test\n" },
	};
	struct tern_addr server;

	(void)state;
	assert_int_equal(tern_addr_parse(&server, "10.0.2.3"), 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char	     text[256], expected[256] = "# by tern gateway\nnameserver 10.0.2.3\n";
		const size_t n = guest_resolv_conf(text, sizeof text, cases[i].hosts, &server);

		strcat(expected, cases[i].kept);
		assert_string_equal(text, expected);
		assert_int_equal(n, strlen(expected));
	}
}

static void what_has_no_room_is_left_out_by_the_line(void **state)
{
	struct tern_addr server;
	char		 text[60];

	(void)state;
	assert_int_equal(tern_addr_parse(&server, "10.0.2.3"), 0);
	(void)guest_resolv_conf(text, sizeof text,
				"search a-domain-that-is-much-too-long.example.test\nsearch b.test\n", &server);
	assert_string_equal(text, "# by tern gateway\nnameserver 10.0.2.3\nsearch b.test\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_name_server_and_the_hosts_domains),
		cmocka_unit_test(what_has_no_room_is_left_out_by_the_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
