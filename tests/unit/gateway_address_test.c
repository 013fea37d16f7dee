/* gateway/address.c: where what the guest addresses really is, and what errors say. */
#include "gateway/gateway.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct gateway_options options;
static struct gateway	      gateway;

static struct tern_addr addr(const char *text)
{
	struct tern_addr parsed;

	assert_int_equal(tern_addr_parse(&parsed, text), 0);
	return parsed;
}

static int set_up(void **state)
{
	(void)state;
	options = (struct gateway_options){ .network = addr("10.0.2.0"), .bits = 24 };
	gateway = (struct gateway){ .options = &options,
				    .gateway4 = addr("10.0.2.2"),
				    .dns4 = addr("10.0.2.3"),
				    .guest4 = addr("10.0.2.100"),
				    .gateway6 = addr("fd00::2"),
				    .dns6 = addr("fd00::3"),
				    .guest6 = addr("fd00::100") };
	return 0;
}

static void routes_are(void **state)
{
	static const struct {
		const char	  *to;
		enum gateway_route route;
		const char	  *onward;
	} table[] = {
		{ "192.0.2.1", ROUTE_ONWARD, "192.0.2.1" },
		{ "2001:db8::1", ROUTE_ONWARD, "2001:db8::1" },
		{ "10.0.2.2", ROUTE_ONWARD, "127.0.0.1" },
		{ "fd00::2", ROUTE_ONWARD, "::1" },
		{ "10.0.3.2", ROUTE_ONWARD, "10.0.3.2" },
		/* Port 80 of the DNS address. */
		{ "10.0.2.3", ROUTE_REFUSED, NULL },
		{ "fd00::3", ROUTE_REFUSED, NULL },
		/* The guest's own network, and what leads to the host's loopback or nowhere. */
		{ "10.0.2.77", ROUTE_UNREACHABLE, NULL },
		{ "fd00::77", ROUTE_UNREACHABLE, NULL },
		{ "127.0.0.1", ROUTE_UNREACHABLE, NULL },
		{ "127.1.2.3", ROUTE_UNREACHABLE, NULL },
		{ "0.0.0.0", ROUTE_UNREACHABLE, NULL },
		{ "0.1.2.3", ROUTE_UNREACHABLE, NULL },
		{ "224.0.0.1", ROUTE_UNREACHABLE, NULL },
		{ "255.255.255.255", ROUTE_UNREACHABLE, NULL },
		{ "240.0.0.1", ROUTE_UNREACHABLE, NULL },
		{ "::", ROUTE_UNREACHABLE, NULL },
		{ "::1", ROUTE_UNREACHABLE, NULL },
		{ "fe80::1", ROUTE_UNREACHABLE, NULL },
		{ "ff02::1", ROUTE_UNREACHABLE, NULL },
	};
	struct tern_endpoint to;

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		const struct tern_addr at = addr(table[i].to);

		assert_int_equal(gateway_onward(&gateway, &at, 80, &to), table[i].route);
		if (table[i].onward) {
			const struct tern_addr onward = addr(table[i].onward);

			assert_memory_equal(&to.addr, &onward, sizeof onward);
			assert_int_equal(to.port, 80);
		}
	}
}

static void switches_close_ways(void **state)
{
	const struct tern_addr ours = addr("10.0.2.2"), far = addr("192.0.2.1"), near = addr("127.0.0.1");
	struct tern_endpoint   to;

	(void)state;
	options.no_host_loopback = true;
	assert_int_equal(gateway_onward(&gateway, &ours, 80, &to), ROUTE_DENIED);
	assert_int_equal(filter_add(&options.filter, false, "192.0.2.0/24:80"), 0);
	assert_int_equal(gateway_onward(&gateway, &far, 80, &to), ROUTE_DENIED);
	assert_int_equal(gateway_onward(&gateway, &far, 81, &to), ROUTE_ONWARD);
	/* No rule opens what is nobody's. */
	assert_int_equal(filter_add(&options.filter, true, "127.0.0.0/8"), 0);
	assert_int_equal(gateway_onward(&gateway, &near, 80, &to), ROUTE_UNREACHABLE);
}

static void names_of_the_system(void **state)
{
	const struct tern_endpoint four = { .addr = addr("192.0.2.7"), .port = 443 };
	const struct tern_endpoint six = { .addr = addr("2001:db8::7"), .port = 53 };
	struct sockaddr_storage	   name;
	struct tern_endpoint	   back;

	(void)state;
	assert_int_equal(gateway_sockaddr(&name, &four), 16);
	assert_int_equal(name.ss_family, AF_INET);
	back = gateway_endpoint(&name);
	assert_memory_equal(&back, &four, sizeof four);
	assert_int_equal(gateway_sockaddr(&name, &six), 28);
	assert_int_equal(name.ss_family, AF_INET6);
	back = gateway_endpoint(&name);
	assert_memory_equal(&back.addr, &six.addr, sizeof six.addr);
	assert_int_equal(back.port, 53);
}

static void errors_keep_their_meaning(void **state)
{
	(void)state;
	assert_int_equal(gateway_answer_of(ECONNREFUSED), TERN_ANSWER_REFUSE);
	assert_int_equal(gateway_answer_of(ENETUNREACH), TERN_ANSWER_NET_UNREACHABLE);
	assert_int_equal(gateway_answer_of(EHOSTUNREACH), TERN_ANSWER_HOST_UNREACHABLE);
	assert_int_equal(gateway_answer_of(EACCES), TERN_ANSWER_PROHIBITED);
	assert_int_equal(gateway_answer_of(ETIMEDOUT), TERN_ANSWER_DROP);
	assert_int_equal(gateway_unreachable_of(ECONNREFUSED), TERN_UNREACHABLE_PORT);
	assert_int_equal(gateway_unreachable_of(ENETUNREACH), TERN_UNREACHABLE_NET);
	assert_int_equal(gateway_unreachable_of(EHOSTUNREACH), TERN_UNREACHABLE_HOST);
	assert_int_equal(gateway_unreachable_of(EPERM), TERN_UNREACHABLE_PROHIBITED);
	assert_int_equal(gateway_unreachable_of(EMSGSIZE), TERN_UNREACHABLE_TOO_BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(routes_are, set_up),
		cmocka_unit_test_setup(switches_close_ways, set_up),
		cmocka_unit_test_setup(names_of_the_system, set_up),
		cmocka_unit_test_setup(errors_keep_their_meaning, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
