/* DHCPv6's Information-request and Reply. attacks: CVE-2020-11903, CVE-2026-7424. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/dhcp6.h"

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
static uint8_t	     duid[DHCP6_DUID_LL];

/* In memory of its own length, so that a sanitizer sees every octet that is read beyond it. */
static enum dhcp6_verdict parse(struct dhcp6_request *request, const uint8_t *p, size_t n)
{
	uint8_t *const copy = malloc(n ? n : 1);

	dhcp6_duid_ll(duid, mac);
	memcpy(copy, p, n);
	const enum dhcp6_verdict verdict = dhcp6_parse(request, copy, n, duid, sizeof duid);
	free(copy);
	return verdict;
}

static void what_is_taken(void **state)
{
	static const struct {
		const char	  *why;
		uint8_t		   p[40];
		size_t		   n;
		enum dhcp6_verdict verdict;
	} rows[] = {
		{ "bare", { 11, 1, 2, 3 }, 4, DHCP6_TAKEN },
		{ "short", { 11, 1, 2 }, 3, DHCP6_MALFORMED },
		{ "empty", { 0 }, 0, DHCP6_MALFORMED },
		{ "a Solicit", { 1, 1, 2, 3 }, 4, DHCP6_NOT_OURS },
		{ "a relay's", { 12, 1, 2, 3 }, 4, DHCP6_NOT_OURS },
		{ "with a client", { 11, 1, 2, 3, 0, 1, 0, 4, 0, 4, 9, 9 }, 12, DHCP6_TAKEN },
		{ "with a client of nothing", { 11, 1, 2, 3, 0, 1, 0, 0 }, 8, DHCP6_MALFORMED },
		{ "to us", { 11, 1, 2, 3, 0, 2, 0, 10, 0, 3, 0, 1, 2, 0, 0, 0, 0, 1 }, 18, DHCP6_TAKEN },
		{ "to another", { 11, 1, 2, 3, 0, 2, 0, 10, 0, 3, 0, 1, 2, 0, 0, 0, 0, 2 }, 18, DHCP6_NOT_OURS },
		{ "to the beginning of us", { 11, 1, 2, 3, 0, 2, 0, 4, 0, 3, 0, 1 }, 12, DHCP6_NOT_OURS },
		{ "with IA_NA", { 11, 1, 2, 3, 0, 3, 0, 0 }, 8, DHCP6_NOT_OURS },
		{ "with IA_PD", { 11, 1, 2, 3, 0, 25, 0, 0 }, 8, DHCP6_NOT_OURS },
		{ "IA_NA whose suboptions lie", { 11, 1, 2, 3, 0, 3, 0, 2, 0, 5 }, 10, DHCP6_NOT_OURS },
		{ "half a wish", { 11, 1, 2, 3, 0, 6, 0, 1, 0 }, 9, DHCP6_MALFORMED },
		{ "half an option", { 11, 1, 2, 3, 0, 8, 0 }, 7, DHCP6_MALFORMED },
		{ "beyond the end", { 11, 1, 2, 3, 0, 8, 0, 3, 0, 0 }, 10, DHCP6_MALFORMED },
		{ "far beyond it", { 11, 1, 2, 3, 0, 8, 0xff, 0xff, 0, 0 }, 10, DHCP6_MALFORMED },
	};
	struct dhcp6_request request;

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
		if (parse(&request, rows[i].p, rows[i].n) != rows[i].verdict)
			fail_msg("%s", rows[i].why);
}

static void hostile_lengths(void **state)
{
	struct dhcp6_request request;
	uint8_t		     p[160];
	unsigned	     taken = 0;

	(void)state;
	for (unsigned option = 0; option < 34; option++) {
		for (unsigned length = 0; length < 160; length++) {
			for (size_t n = 0; n <= sizeof p; n += n < 20 ? 1 : 13) {
				memset(p, 0, sizeof p);
				p[0] = 11;
				put16(p + 4, (uint16_t)option);
				put16(p + 6, (uint16_t)length);
				taken += parse(&request, p, n) == DHCP6_TAKEN;
				assert_in_range(request.n_client, 0, DHCP6_DUID_MOST);
			}
		}
	}
	assert_true(taken > 0);
}

static void a_reply_octet_by_octet(void **state)
{
	static const uint8_t asked[] = { 11, 1, 2, 3, 0, 1, 0, 4, 0, 4, 9, 9, 0, 6, 0, 4, 0, 23, 0, 24 };
	static const uint8_t expected[] = {
		7, 1, 2, 3, 0, 1, 0, 4, 0, 4, 9, 9, 0, 2, 0, 10, 0, 3, 0, 1, 2, 0, 0, 0, 0, 1,
		0, 23, 0, 16, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3,
		0, 24, 0, 9, 2, 'e', 'x', 4, 't', 'e', 's', 't', 0,
	};
	const struct tern_addr dns = { { 0xfd, [15] = 3 } };
	struct domains	       search = { .n = 0 };
	struct dhcp6_request   request;
	uint8_t		       p[DHCP6_MESSAGE_MOST];

	(void)state;
	assert_int_equal(parse(&request, asked, sizeof asked), DHCP6_TAKEN);
	assert_true(domain_add(&search, "ex.test", 7));
	struct dhcp6_reply reply = { .duid = duid, .n_duid = sizeof duid, .dns = &dns, .search = &search,
				     .refresh_time = 86400 };
	memset(p, 0xaa, sizeof p);
	assert_int_equal(dhcp6_emit(p, sizeof p, &reply, &request), sizeof expected);
	assert_memory_equal(p, expected, sizeof expected);
	/* The list is the first to stay away; without the rest there is no answer. */
	assert_int_equal(dhcp6_emit(p, sizeof expected - 1, &reply, &request), sizeof expected - 13);
	for (size_t room = 0; room < sizeof expected - 13; room++)
		assert_int_equal(dhcp6_emit(p, room, &reply, &request), 0);
	/* Who names no wishes gets all. */
	assert_int_equal(parse(&request, asked, 4), DHCP6_TAKEN);
	assert_int_equal(dhcp6_emit(p, sizeof p, &reply, &request), 4 + 14 + 20 + 8 + 13);
	reply.dns = NULL;
	reply.search = NULL;
	assert_int_equal(dhcp6_emit(p, sizeof p, &reply, &request), 4 + 14 + 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_taken),
		cmocka_unit_test(hostile_lengths),
		cmocka_unit_test(a_reply_octet_by_octet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
