/* DHCP's messages: what is one, what is read of it, and answers octet by octet. attacks: CVE-2020-11903,
 * CVE-2020-11905, CVE-2020-7461 (option 119 is written here, never read). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/dhcp.h"

enum { OPTIONS = DHCP_FIXED, FILE_AT = 108, SNAME_AT = 44 };

static const uint8_t mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

/* The beginning of every client's message. */
static void begin(uint8_t *p, size_t n)
{
	memset(p, 0, n);
	p[0] = p[1] = 1;
	p[2] = 6;
	put32(p + 4, 0xcafe0001);
	memcpy(p + 28, mac, 6);
	put32(p + 236, 0x63825363);
}

/* In memory of its own length, so that a sanitizer sees every octet that is read beyond it. */
static bool parse(struct dhcp_message *message, const uint8_t *p, size_t n)
{
	uint8_t *const copy = malloc(n ? n : 1);

	memcpy(copy, p, n);
	const bool parsed = dhcp_parse(message, copy, n);
	free(copy);
	return parsed;
}

static void a_discover_as_clients_send_it(void **state)
{
	static const uint8_t options[] = {
		53, 1, 1, 61, 7, 1, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 57, 2, 0x05, 0xc0, 0, 0, 55, 3, 1, 3, 119,
		50, 4, 10, 0, 2, 15, 54, 4, 10, 0, 2, 2, 200, 0, 255, 53, 1, 9,
	};
	struct dhcp_message m;
	uint8_t		    p[DHCP_FIXED + sizeof options];

	(void)state;
	begin(p, sizeof p);
	put16(p + 10, 0x8000);
	put32(p + 12, 0x0a000210);
	memcpy(p + OPTIONS, options, sizeof options);
	assert_true(parse(&m, p, sizeof p));
	assert_int_equal(m.type, DHCP_DISCOVER);
	assert_int_equal(m.xid, 0xcafe0001);
	assert_true(m.broadcast);
	assert_int_equal(m.ciaddr, 0x0a000210);
	assert_memory_equal(m.mac, mac, 6);
	assert_int_equal(m.requested, 0x0a00020f);
	assert_int_equal(m.server, 0x0a000202);
	assert_int_equal(m.size_most, 1472);
	assert_int_equal(m.n_client_id, 7);
	assert_memory_equal(m.client_id, options + 5, 7);
	assert_true(m.has_wanted);
	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(m.wanted[i / 8] >> i % 8 & 1, i == 1 || i == 3 || i == 119);
}

static void what_is_no_message(void **state)
{
	struct dhcp_message m;
	uint8_t		    p[DHCP_FIXED + 8];
	static const struct {
		const char *why;
		unsigned    at;
		uint8_t	    value;
	} rows[] = {
		{ "a reply", 0, 2 }, { "token ring", 1, 6 }, { "no address", 2, 0 }, { "a long address", 2, 16 },
		{ "no cookie", 236, 0 }, { "a group's address", 28, 1 }, { "an OFFER", OPTIONS + 2, 2 },
		{ "an ACK", OPTIONS + 2, 5 }, { "a NAK", OPTIONS + 2, 6 }, { "no type", OPTIONS, 254 },
		{ "type 0", OPTIONS + 2, 0 }, { "type 9", OPTIONS + 2, 9 }, { "a type of length 0", OPTIONS + 1, 0 },
		{ "a type of length 2", OPTIONS + 1, 2 }, { "an option beyond the end", OPTIONS + 1, 200 },
	};

	(void)state;
	for (unsigned i = 0; i <= sizeof rows / sizeof *rows; i++) {
		begin(p, sizeof p);
		p[OPTIONS] = 53;
		p[OPTIONS + 1] = p[OPTIONS + 2] = 1;
		p[OPTIONS + 3] = 255;
		if (i > 0)
			p[rows[i - 1].at] = rows[i - 1].value;
		if (parse(&m, p, sizeof p) != (i == 0))
			fail_msg("%s", i > 0 ? rows[i - 1].why : "the plain one");
	}
	for (size_t n = 0; n < DHCP_FIXED + 3; n++)
		assert_false(parse(&m, p, n));
}

static void options_in_the_other_fields(void **state)
{
	struct dhcp_message m;
	uint8_t		    p[DHCP_FIXED + 4];

	(void)state;
	for (uint8_t overload = 0; overload < 5; overload++) {
		begin(p, sizeof p);
		memcpy(p + OPTIONS, (uint8_t[]){ 52, 1, overload, 255 }, 4);
		memcpy(p + FILE_AT, (uint8_t[]){ 53, 1, 3, 61, 2, 7, 8, 52, 1, 3, 255 }, 11);
		memcpy(p + SNAME_AT, (uint8_t[]){ 50, 4, 10, 0, 2, 15, 61, 1, 9, 255 }, 10);
		assert_int_equal(parse(&m, p, sizeof p), overload & 1);
		if (!(overload & 1))
			continue;
		assert_int_equal(m.type, DHCP_REQUEST);
		assert_int_equal(m.requested, overload == 3 ? 0x0a00020f : 0);
		assert_int_equal(m.n_client_id, overload == 3 ? 3 : 2); /* RFC 3396: file before sname */
		assert_memory_equal(m.client_id, "\7\10\11", m.n_client_id);
		/* An option ends within its field, and does not reach into the next. */
		memset(p + FILE_AT + 11, 0, 117);
		p[FILE_AT + 10] = 0;
		memcpy(p + FILE_AT + 126, (uint8_t[]){ 200, 1 }, 2);
		assert_false(parse(&m, p, sizeof p));
	}
}

/* Every length at every place, every truncation, in each field: it ends, and within the message. */
static void hostile_lengths(void **state)
{
	struct dhcp_message m;
	uint8_t		    p[DHCP_FIXED + 24];
	unsigned	    taken = 0;

	(void)state;
	for (unsigned field = 0; field < 3; field++) {
		const unsigned base = field == 0 ? OPTIONS + 6 : field == 1 ? FILE_AT : SNAME_AT;

		for (unsigned option = 0; option < 256; option++) {
			for (unsigned length = 0; length < 256; length++) {
				begin(p, sizeof p);
				memcpy(p + OPTIONS, (uint8_t[]){ 53, 1, 1, 52, 1, 3 }, 6);
				memset(p + base, 0xff, 16);
				p[base] = (uint8_t)option;
				p[base + 1] = (uint8_t)length;
				taken += parse(&m, p, sizeof p);
				assert_in_range(m.n_client_id, 0, DHCP_CLIENT_ID_MOST);
			}
		}
	}
	assert_in_range(taken, 1000, 190000);
	for (size_t n = 0; n <= sizeof p; n++)
		(void)parse(&m, p, n);
}

static void an_identifier_in_too_many_parts(void **state)
{
	struct dhcp_message m;
	static uint8_t	    p[DHCP_FIXED + 600];
	size_t		    at = OPTIONS + 3;

	(void)state;
	begin(p, sizeof p);
	memcpy(p + OPTIONS, (uint8_t[]){ 53, 1, 1 }, 3);
	for (unsigned part = 0; part < 2; part++) {
		p[at] = 61;
		p[at + 1] = part ? 55 : 200;
		at += 2u + p[at + 1];
	}
	assert_true(parse(&m, p, sizeof p));
	assert_int_equal(m.n_client_id, 255);
	p[at] = 61;
	p[at + 1] = 1;
	assert_false(parse(&m, p, sizeof p));
}

/* ---- answers ---- */

static const uint8_t *option_of(const uint8_t *p, size_t n, uint8_t option)
{
	for (size_t at = DHCP_FIXED; at < n && p[at] != 255; at += p[at] ? 2u + p[at + 1] : 1)
		if (p[at] == option)
			return p + at;
	return NULL;
}

static struct dhcp_reply full_reply(const struct domains *search)
{
	return (struct dhcp_reply){
		.type = DHCP_OFFER, .yiaddr = 0x0a00020f, .server = 0x0a000202, .lease = 86400, .mask = 0xffffff00,
		.router = 0x0a000202, .dns = 0x0a000203, .broadcast = 0x0a0002ff, .mtu = 1500, .search = search,
		.boot_file = "http://10.0.2.2/x",
	};
}

static void an_offer_octet_by_octet(void **state)
{
	static const uint8_t expected[] = {
		53, 1, 2, 54, 4, 10, 0, 2, 2, 61, 2, 0, 7, 51, 4, 0, 1, 0x51, 0x80, 58, 4, 0, 0, 0xa8, 0xc0,
		59, 4, 0, 1, 0x27, 0x50, 1, 4, 255, 255, 255, 0, 3, 4, 10, 0, 2, 2, 6, 4, 10, 0, 2, 3,
		26, 2, 5, 0xdc, 28, 4, 10, 0, 2, 255,
		67, 17, 'h', 't', 't', 'p', ':', '/', '/', '1', '0', '.', '0', '.', '2', '.', '2', '/', 'x',
		119, 9, 2, 'e', 'x', 4, 't', 'e', 's', 't', 0, 255, 0, 0,
	};
	struct domains	    search = { .n = 0 };
	struct dhcp_message to = { .xid = 0xcafe0001, .broadcast = true, .ciaddr = 0x01020304, .n_client_id = 2,
				   .client_id = { 0, 7 } };
	uint8_t		    p[DHCP_MESSAGE_MOST];

	(void)state;
	memcpy(to.mac, mac, 6);
	assert_true(domain_add(&search, "ex.test", 7));
	const struct dhcp_reply reply = full_reply(&search);
	memset(p, 0xaa, sizeof p);
	const size_t n = dhcp_emit(p, sizeof p, &reply, &to);
	assert_in_range(n, DHCP_MESSAGE_MIN, 400);
	static const uint8_t fixed[28] = { 2, 1, 6, 0, 0xca, 0xfe, 0, 1, 0, 0, 0x80, 0, 0, 0, 0, 0, 10, 0, 2, 15,
					   10, 0, 2, 2 };
	assert_memory_equal(p, fixed, sizeof fixed);
	assert_memory_equal(p + 28, mac, 6);
	assert_string_equal((char *)p + FILE_AT, "http://10.0.2.2/x");
	assert_int_equal(get32(p + 236), 0x63825363);
	assert_memory_equal(p + DHCP_FIXED, expected, min_size(sizeof expected, n - DHCP_FIXED));
}

static void what_was_asked_for_and_no_more(void **state)
{
	static const uint8_t settings[] = { 1, 3, 6, 26, 28, 67, 119 };
	struct domains	     search = { .n = 0 };
	struct dhcp_message  to = { .has_wanted = true };
	uint8_t		     p[DHCP_MESSAGE_MOST];

	(void)state;
	assert_true(domain_add(&search, "ex.test", 7));
	const struct dhcp_reply reply = full_reply(&search);
	for (unsigned asked = 0; asked < sizeof settings; asked++) {
		memset(to.wanted, 0, sizeof to.wanted);
		to.wanted[settings[asked] / 8] = (uint8_t)(1u << settings[asked] % 8);
		const size_t n = dhcp_emit(p, sizeof p, &reply, &to);
		for (unsigned i = 0; i < sizeof settings; i++)
			assert_int_equal(option_of(p, n, settings[i]) != NULL, i == asked);
		assert_non_null(option_of(p, n, 51)); /* what a lease is made of comes always */
		assert_non_null(option_of(p, n, 54));
		assert_null(option_of(p, n, 61));
	}
}

static void a_refusal_gives_nothing(void **state)
{
	struct dhcp_reply   reply = { .type = DHCP_NAK, .server = 0x0a000202, .message = "no" };
	struct dhcp_message to = { .n_client_id = 1, .ciaddr = 5 };
	uint8_t		    p[DHCP_MESSAGE_MOST];

	(void)state;
	const size_t n = dhcp_emit(p, sizeof p, &reply, &to);
	assert_int_equal(n, DHCP_MESSAGE_MIN);
	assert_memory_equal(p + DHCP_FIXED, "\65\1\6\66\4\12\0\2\2\75\1\0\70\2no\377", 17);
	assert_int_equal(get32(p + 12) | get32(p + 16) | get32(p + 20), 0); /* RFC 2131 table 3 */
}

/* It never grows beyond what the client takes; what does not fit goes whole. */
static void the_size_that_the_client_takes(void **state)
{
	static const uint16_t sizes[] = { 0, 1, 576, 577, 600, 700, 800, 1000, 1500, 65535 };
	struct domains	      search = { .n = 0 };
	struct dhcp_message   to = { .n_client_id = 255 };
	uint8_t		      p[DHCP_MESSAGE_MOST + 1];
	char		      name[200], file[256];

	(void)state;
	for (size_t i = 0; i < sizeof name; i++)
		name[i] = i % 2 ? '.' : 'a';
	assert_true(domain_add(&search, name, 199) && domain_add(&search, name, 199));
	memset(file, 'f', 255);
	file[255] = '\0';
	struct dhcp_reply reply = full_reply(&search);
	reply.boot_file = file;
	for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		to.size_most = sizes[i];
		memset(p, 0xaa, sizeof p);
		const size_t n = dhcp_emit(p, DHCP_MESSAGE_MOST, &reply, &to);
		const size_t most = sizes[i] < 576 ? 548 : sizes[i] - 28u;

		assert_in_range(n, DHCP_MESSAGE_MIN, min_size(most, DHCP_MESSAGE_MOST));
		assert_int_equal(p[n], 0xaa);
		size_t at = DHCP_FIXED;
		while (p[at] != 255)
			at += 2u + p[at + 1];
		assert_int_equal(at + 1, n); /* its last option ends where END stands */
		const uint8_t *const option = option_of(p, n, 119);
		/* 201 octets each: one name, or two in two options (RFC 3396), or none. */
		assert_true(!option || option[1] == 201 || option[1] == 255);
		assert_int_equal(option && option[1] == 255, sizes[i] >= 1500);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_discover_as_clients_send_it),
		cmocka_unit_test(what_is_no_message),
		cmocka_unit_test(options_in_the_other_fields),
		cmocka_unit_test(hostile_lengths),
		cmocka_unit_test(an_identifier_in_too_many_parts),
		cmocka_unit_test(an_offer_octet_by_octet),
		cmocka_unit_test(what_was_asked_for_and_no_more),
		cmocka_unit_test(a_refusal_gives_nothing),
		cmocka_unit_test(the_size_that_the_client_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
