/* tern_datagram_report(): the peer's connected socket takes the error for its own datagram's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/two_hosts.h"
#include <tern/datagram.h>

static void a_report_reaches_the_socket_that_sent(void **state)
{
	static const struct {
		enum tern_unreachable why;
		int		      error;
	} cases[] = {
		{ TERN_UNREACHABLE_NET, -TERN_ENETUNREACH },   { TERN_UNREACHABLE_HOST, -TERN_EHOSTUNREACH },
		{ TERN_UNREACHABLE_PORT, -TERN_ECONNREFUSED }, { TERN_UNREACHABLE_PROHIBITED, -TERN_EACCES },
	};

	(void)state;
	for (unsigned i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
		const bool		  v6 = i % 2;
		struct two_hosts	  w;
		struct tern_datagram_open open = { .local = { .port = 4000 } };
		struct tern_datagram	  in;
		tern_socket		  client, other;

		two_defaults(&w);
		two_begin(&w);
		open.remote = (struct tern_endpoint){ .addr = two_addr(1, v6), .port = 53 };
		assert_int_equal(tern_datagram_open(w.host[0], &open, &client), 0);
		open.remote.port = 54;
		assert_int_equal(tern_datagram_open(w.host[0], &open, &other), 0);
		const struct tern_datagram sent = {
			.local = { .addr = two_addr(1, v6), .port = 53 },
			.remote = { .addr = two_addr(0, v6), .port = 4000 },
			.n = 3000, /* longer than what is quoted of it */
		};
		assert_int_equal(tern_datagram_report(w.host[1], &sent, cases[i / 2].why, 0), 0);
		two_exchange(&w);
		assert_int_equal(tern_datagram_receive(w.host[0], client, &in), cases[i / 2].error);
		assert_int_equal(in.remote.port, 53);
		assert_int_equal(tern_datagram_receive(w.host[0], client, &in), -TERN_EAGAIN);
		assert_int_equal(tern_datagram_receive(w.host[0], other, &in), -TERN_EAGAIN);
		two_end(&w);
	}
}

static void what_is_no_datagram_is_not_reported(void **state)
{
	struct two_hosts     w;
	struct tern_datagram sent = {
		.local = { .addr = two_addr(1, false), .port = 53 },
		.remote = { .addr = two_addr(0, false), .port = 4000 },
	};

	(void)state;
	two_defaults(&w);
	two_begin(&w);
	assert_int_equal(tern_datagram_report(w.host[1], &sent, (enum tern_unreachable)99, 0), -TERN_EINVAL);
	sent.n = 65536;
	assert_int_equal(tern_datagram_report(w.host[1], &sent, TERN_UNREACHABLE_PORT, 0), -TERN_EINVAL);
	sent.n = 1;
	sent.remote.addr = two_addr(0, true);
	assert_int_equal(tern_datagram_report(w.host[1], &sent, TERN_UNREACHABLE_PORT, 0), -TERN_EINVAL);
	two_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_reaches_the_socket_that_sent),
		cmocka_unit_test(what_is_no_datagram_is_not_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
