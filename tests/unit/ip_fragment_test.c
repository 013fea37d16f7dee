#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "unit/allocator.h"
#include "base/bytes.h"
#include "ip/fragment.h"
#include "ip/reassembly.h"
#include "wire/tuple.h"

static const struct siphash_key key = { 3, 4 };

static struct ip_header header_of(unsigned version, uint32_t id)
{
	struct ip_header ip = {
		.src = addr_v4(0x0a000001),
		.dst = addr_v4(0x0a000002),
		.version = (uint8_t)version,
		.protocol = IPPROTO_UDP_,
		.ttl = 61,
		.traffic_class = 0x50,
		.id = id,
	};

	if (version == 6) {
		memset(ip.src.b, 0x20, 16);
		memset(ip.dst.b, 0x30, 16);
	}
	return ip;
}

static uint8_t pattern(uint32_t at)
{
	return (uint8_t)(at * 5 + (at >> 8) * 3);
}

/* Cuts, sends through the parser in a shuffled order, puts together, compares. */
static void there_and_back(struct ip_reassembly *r, unsigned version, uint32_t len, uint32_t mtu,
			   uint64_t *random)
{
	static uint8_t	       payload[65536], packets[64][2100];
	static uint32_t	       lens[64];
	const struct ip_header ip = header_of(version, (uint32_t)*random & 0xffff);
	struct fragmenter      f;
	struct fragment_piece  piece;
	struct ip_reassembled  out;
	struct ip_header       parsed;
	uint32_t	       n = 0, at = 0;

	for (uint32_t i = 0; i < len; i++)
		payload[i] = pattern(i);
	assert_true(fragment_start(&f, &ip, len, mtu));
	const uint32_t count = fragment_count(&f);
	while (fragment_next(&f, &piece)) {
		assert_int_equal(piece.offset, at);
		assert_true(piece.len > 0 && piece.header_len + piece.len <= mtu);
		assert_true(piece.len % 8 == 0 || piece.offset + piece.len == len);
		memcpy(packets[n], piece.header, piece.header_len);
		memcpy(packets[n] + piece.header_len, payload + piece.offset, piece.len);
		lens[n++] = piece.header_len + piece.len;
		at += piece.len;
	}
	assert_int_equal(at, len);
	assert_int_equal(n, count);
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t j = (i + (uint32_t)(*random >> 32)) % n; /* begins anywhere */

		assert_int_equal(ip_wire_parse(&parsed, packets[j], lens[j]), IP_PARSED);
		assert_true(parsed.is_fragment);
		assert_int_equal(ip_reassembly_add(r, &parsed, 0, 0, &out),
				 i + 1 < n ? IP_REASSEMBLY_HELD : IP_REASSEMBLY_COMPLETE);
	}
	assert_int_equal(ip_wire_parse(&parsed, out.packet, out.len), IP_PARSED);
	assert_false(parsed.is_fragment);
	assert_int_equal(parsed.payload_len, len);
	assert_memory_equal(parsed.payload, payload, len);
	assert_int_equal(parsed.ttl, 61);
	assert_int_equal(parsed.traffic_class, 0x50);
}

static void what_is_cut_can_be_put_together(void **state)
{
	struct test_allocator	    host;
	struct mem		    mem;
	struct ip_reassembly	    r;
	const struct tern_allocator allocator = test_allocator(&host);
	uint64_t		    random = 9;

	(void)state;
	mem_init(&mem, &allocator, 256 << 20, 0);
	ip_reassembly_init(&r, &mem, &key, TERN_SECOND);
	for (unsigned i = 0; i < 500; i++) {
		splitmix64(&random);
		const unsigned version = i & 1 ? 6 : 4;
		const uint32_t mtu = version == 6 ? 1280 + random % 700 : 68 + random % 1900;
		const uint32_t most = (mtu - 68) / 8 * 8 * 60 + 100;
		uint32_t       len = mtu - 19 + (uint32_t)(random >> 20) % most;

		if (len > 65515)
			len = 65515;
		there_and_back(&r, version, len, mtu, &random);
	}
	there_and_back(&r, 4, 65515, 1500, &random);
	there_and_back(&r, 6, 65535, 1500, &random);
	ip_reassembly_done(&r);
	assert_int_equal(host.blocks, 0);
}

static void what_may_not_be_cut_is_refused(void **state)
{
	struct fragmenter     f;
	struct fragment_piece piece;
	struct ip_header      v4 = header_of(4, 1), v6 = header_of(6, 1);

	(void)state;
	assert_false(fragment_start(&f, &v4, 0, 1500));
	assert_false(fragment_start(&f, &v4, 65516, 1500));
	assert_false(fragment_start(&f, &v6, 65536, 1500));
	assert_false(fragment_start(&f, &v4, 1000, 27));
	assert_false(fragment_start(&f, &v6, 1000, 55));
	assert_true(fragment_start(&f, &v4, 1000, 28));
	assert_int_equal(fragment_count(&f), 125);
	assert_true(fragment_start(&f, &v6, 1000, 56));
	assert_int_equal(fragment_count(&f), 125);
	/* DF: router or host, nobody cuts it. IPv6 hosts always may. */
	v4.dont_fragment = v6.dont_fragment = true;
	assert_false(fragment_start(&f, &v4, 1000, 500));
	assert_true(fragment_start(&f, &v6, 65535, UINT32_MAX));
	assert_true(fragment_next(&f, &piece));
	assert_int_equal(piece.header_len + piece.len, 65528);
	assert_true(fragment_next(&f, &piece));
	assert_false(fragment_next(&f, &piece));
	assert_false(fragment_next(&f, &piece));
}

static void gather_finds_the_bytes(void **state)
{
	static const uint8_t	      text[] = "abcdefghijklmnopqrstuvwxyz";
	const struct tern_packet_part parts[] = {
		{ text, 3, (void *)text },
		{ text + 3, 0, NULL },
		{ text + 3, 10, NULL },
		{ text + 13, 13, NULL },
	};
	struct tern_packet_part to[4];

	(void)state;
	for (uint32_t offset = 0; offset <= 27; offset++) {
		for (uint32_t len = 1; len <= 28; len++) {
			const size_t n = fragment_gather(parts, 4, offset, len, to, 4);
			uint8_t	     got[32];
			uint32_t     at = 0;

			if (offset + len > 26) {
				assert_int_equal(n, 0);
				continue;
			}
			assert_true(n >= 1 && n <= 3);
			for (size_t i = 0; i < n; i++) {
				assert_true(to[i].n > 0);
				memcpy(got + at, to[i].at, to[i].n);
				at += to[i].n;
			}
			assert_int_equal(at, len);
			assert_memory_equal(got, text + offset, len);
		}
	}
	assert_int_equal(fragment_gather(parts, 4, 2, 2, to, 1), 0); /* no room */
	assert_int_equal(fragment_gather(parts, 4, 2, 2, to, 2), 2);
	assert_ptr_equal(to[0].held, (void *)text);
	assert_null(to[1].held);
}

/* RFC 6864: none returns to the same destination before the counter has run around. */
static void identifications_do_not_repeat(void **state)
{
	static uint8_t	       seen[1 << 16];
	struct fragment_ids    ids;
	const struct ip_header v4 = header_of(4, 0);

	(void)state;
	memset(seen, 0, sizeof seen);
	fragment_ids_init(&ids, &key);
	for (unsigned i = 0; i < 1 << 16; i++) {
		const uint32_t id = fragment_id(&ids, &v4.src, &v4.dst, 17);

		assert_true(id < 1 << 16);
		assert_int_equal(seen[id], 0);
		seen[id] = 1;
	}
}

/* attacks: IPID side channel. What one destination sees tells nothing of what went to others: steps
 * between successive identifications are spread alike whether the host sends elsewhere or not. */
static void identifications_tell_nothing(void **state)
{
	struct fragment_ids    ids;
	const struct ip_header v4 = header_of(4, 0), v6 = header_of(6, 0);

	(void)state;
	for (unsigned busy = 0; busy < 2; busy++) {
		unsigned bucket[16] = { 0 };
		uint32_t last = 0, last6 = 0, same_step = 0, step = 0;

		fragment_ids_init(&ids, &key);
		for (unsigned i = 0; i < 16000; i++) {
			const uint32_t id = fragment_id(&ids, &v4.src, &v4.dst, 17);
			const uint32_t id6 = fragment_id(&ids, &v6.src, &v6.dst, 17);

			bucket[((id - last) & 0xffff) >> 12]++;
			same_step += id6 - last6 == step;
			step = id6 - last6;
			last = id, last6 = id6;
			for (unsigned j = 0; j < busy * (i % 5); j++) {
				const struct tern_addr other = addr_v4(0x14000000 + j * 997);

				fragment_id(&ids, &v4.src, &other, 17);
			}
		}
		/* Chi squared over 16 buckets of 1,000 expected: above 30.6 with p < 0.01. */
		double chi = 0;
		for (unsigned i = 0; i < 16; i++)
			chi += ((double)bucket[i] - 1000) * ((double)bucket[i] - 1000) / 1000;
		assert_true(chi < 30.6);
		assert_true(same_step < 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_cut_can_be_put_together),
		cmocka_unit_test(what_may_not_be_cut_is_refused),
		cmocka_unit_test(gather_finds_the_bytes),
		cmocka_unit_test(identifications_do_not_repeat),
		cmocka_unit_test(identifications_tell_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
