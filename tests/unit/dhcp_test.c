/* gateway/dhcp.c: which answer a client gets, and the host's search domains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/dhcp.h"
#include "wire/tuple.h"

enum { OURS = 0x0a000202, GUEST = 0x0a00020f, OTHER = 0x0a000263, ELSEWHERE = 0xc0a80105 };

static void who_gets_what(void **state)
{
	enum { NOTHING = 0 };
	static const struct {
		const char     *why;
		enum dhcp_type	type;
		uint32_t	server, requested, ciaddr, from;
		int		answer;
		bool		gives, leases;
	} rows[] = {
		{ "looks for a server", DHCP_DISCOVER, 0, 0, 0, 0, DHCP_OFFER, true, true },
		{ "would like what it had elsewhere", DHCP_DISCOVER, 0, ELSEWHERE, 0, 0, DHCP_OFFER, true, true },
		{ "takes our offer", DHCP_REQUEST, OURS, GUEST, 0, 0, DHCP_ACK, true, true },
		{ "takes another's", DHCP_REQUEST, OTHER, GUEST, 0, 0, NOTHING, false, false },
		{ "takes what we did not offer", DHCP_REQUEST, OURS, OTHER, 0, 0, DHCP_NAK, false, false },
		{ "is back", DHCP_REQUEST, 0, GUEST, 0, 0, DHCP_ACK, true, true },
		{ "is back from another network", DHCP_REQUEST, 0, ELSEWHERE, 0, 0, DHCP_NAK, false, false },
		{ "renews", DHCP_REQUEST, 0, 0, GUEST, GUEST, DHCP_ACK, true, true },
		{ "renews another's", DHCP_REQUEST, 0, 0, OTHER, OTHER, DHCP_NAK, false, false },
		{ "wants nothing at all", DHCP_REQUEST, 0, 0, 0, 0, NOTHING, false, false },
		{ "has an address", DHCP_INFORM, 0, 0, OTHER, OTHER, DHCP_ACK, false, false },
		{ "has one, but does not say so", DHCP_INFORM, 0, 0, 0, OTHER, DHCP_ACK, false, false },
		{ "has none", DHCP_INFORM, 0, 0, 0, 0, NOTHING, false, false },
		{ "goes", DHCP_RELEASE, OURS, 0, GUEST, GUEST, NOTHING, false, false },
		{ "finds it taken", DHCP_DECLINE, OURS, GUEST, 0, 0, NOTHING, false, false },
	};
	struct gateway_options options = { .bits = 24, .mtu = 1500 };
	struct gateway	       gateway = { .options = &options };

	(void)state;
	gateway.guest4 = addr_v4(GUEST);
	gateway.gateway4 = addr_v4(OURS);
	gateway.dns4 = addr_v4(OURS + 1);
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct dhcp_message message = { .type = rows[i].type,
						      .server = rows[i].server,
						      .requested = rows[i].requested,
						      .ciaddr = rows[i].ciaddr };
		struct dhcp_reply	  reply;

		const bool answered = dhcp_decide(&gateway, &reply, &message, rows[i].from);
		if (answered != (rows[i].answer != NOTHING))
			fail_msg("%s", rows[i].why);
		if (!answered)
			continue;
		assert_int_equal(reply.server, OURS);
		if ((int)reply.type != rows[i].answer || reply.yiaddr != (rows[i].gives ? GUEST : 0) ||
		    (reply.lease != 0) != rows[i].leases)
			fail_msg("%s", rows[i].why);
		if (reply.type != DHCP_NAK) {
			assert_int_equal(reply.mask, 0xffffff00);
			assert_int_equal(reply.broadcast, 0x0a0002ff);
			assert_int_equal(reply.dns, OURS + 1);
		} else {
			assert_int_equal(reply.router | reply.dns | reply.mask, 0);
		}
	}
	assert_int_equal(gateway.stats.dhcp_offers, 2);
	assert_int_equal(gateway.stats.dhcp_acks, 5);
	assert_int_equal(gateway.stats.dhcp_naks, 3);
	assert_int_equal(gateway.stats.dhcp_declines, 1);
	assert_int_equal(gateway.stats.dhcp_dropped, 2);
}

static void search_domains(void **state)
{
	static const struct {
		const char *text, *found;
	} rows[] = {
		{ "", "" },
		{ "nameserver 192.0.2.1\n", "" },
		{ "search a.test b.test\n", "\1a\4test\0\1b\4test" },
		{ "domain a.test", "\1a\4test" },
		{ "domain a.test\nsearch b.test\n", "\1b\4test" },
		{ "search b.test\r\noptions edns0\r\ndomain a.test\r\n", "\1a\4test" },
		{ "#search c.test\nsearch\t a.test  \n", "\1a\4test" },
		{ "search a..b . a.test \xff\n", "\1a\4test" },
		{ "searching a.test\n", "" },
		{ "search a.test\nsearch \n", "" },
	};
	struct domains found;

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		dhcp_search(&found, rows[i].text);
		size_t n = 0;
		for (unsigned names = 0; names < found.n; names++)
			n += strlen((const char *)found.bytes + n) + 1;
		assert_int_equal(n, found.n_bytes);
		if (memcmp(found.bytes, rows[i].found, n) != 0 || (found.n == 0) != (rows[i].found[0] == '\0'))
			fail_msg("%s", rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_gets_what),
		cmocka_unit_test(search_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
