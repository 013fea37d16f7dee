/* gateway/forward.c: the text of -p. */
#include "gateway/forward.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void texts_are_read_and_written(void **state)
{
	static const struct {
		const char *text, *written;
		uint16_t    host_port, guest_port;
		bool	    has_addr, udp;
	} table[] = {
		{ "8080:80", "8080:80/tcp", 8080, 80, false, false },
		{ "8080:80/tcp", "8080:80/tcp", 8080, 80, false, false },
		{ "0:53/udp", "0:53/udp", 0, 53, false, true },
		{ "0.0.0.0:65535:1", "0.0.0.0:65535:1/tcp", 65535, 1, true, false },
		{ "[::1]:22:22/udp", "[::1]:22:22/udp", 22, 22, true, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct forward forward;
		char	       written[80];

		assert_int_equal(forward_parse(&forward, table[i].text), 0);
		assert_int_equal(forward.host_port, table[i].host_port);
		assert_int_equal(forward.guest_port, table[i].guest_port);
		assert_int_equal(forward.has_addr, table[i].has_addr);
		assert_int_equal(forward.udp, table[i].udp);
		assert_string_equal(forward_format(written, &forward), table[i].written);
	}
}

static void what_is_no_forward_changes_nothing(void **state)
{
	static const char *const table[] = {
		"", "80", "80:", ":80", "80:0", "65536:80", "80:65536", "80:80/sctp", "80:80/", "80:80 ", "-1:80",
		"::1:80:80", "[::1]80:80", "[192.0.2.1]:80:80", "[::1:80:80", "host:80:80", "192.0.2.1:80", "1:2:3:4",
		"0000080:80",
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct forward forward = { .host_port = 7 };

		assert_int_equal(forward_parse(&forward, table[i]), -TERN_EINVAL);
		assert_int_equal(forward.host_port, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_read_and_written),
		cmocka_unit_test(what_is_no_forward_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
