#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include "unit/ip_fragments.h"

/* ---- putting together ---- */

/* The n-th permutation of `of` things. */
static void permute(unsigned n, unsigned *order, unsigned of)
{
	for (unsigned i = 0; i < of; i++)
		order[i] = i;
	for (unsigned i = of; i > 1; i--) {
		const unsigned j = n % i, was = order[i - 1];

		n /= i;
		order[i - 1] = order[j];
		order[j] = was;
	}
}

static void fragments_in_every_order_make_the_whole(void **state)
{
	static const unsigned offsets[] = { 0, 8, 1400, 1408, 2800, 2801 };
	struct fixture	      f;

	(void)state;
	begin(&f);
	for (unsigned version = 4; version <= 6; version += 2) {
		for (unsigned n = 0; n < 120; n++) {
			unsigned order[5];

			permute(n, order, 5);
			for (unsigned i = 0; i < 5; i++) {
				const unsigned			at = order[i];
				const enum ip_reassembly_result want =
					i == 4 ? IP_REASSEMBLY_COMPLETE : IP_REASSEMBLY_HELD;

				assert_int_equal(ADD(&f, .version = version, .offset = offsets[at],
						     .len = offsets[at + 1] - offsets[at], .more = at < 4),
						 want);
				ip_reassembly_check(&f.r);
			}
			whole_is_right(&f, version, 2801);
			/* CVE-2020-1983: nothing is left for the timers to find. */
			assert_true(ip_reassembly_deadline(&f.r) == TERN_NEVER);
			assert_int_equal(f.r.n, 0);
		}
	}
	end(&f);
}

/* CVE-2020-11896: every place to split a datagram. */
static void every_split_point_makes_the_whole(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	for (unsigned version = 4; version <= 6; version += 2) {
		for (unsigned at = 8; at < 257; at += 8) {
			ADD(&f, .version = version, .id = at, .offset = at, .len = 257 - at);
			assert_int_equal(ADD(&f, .version = version, .id = at, .len = at, .more = true),
					 IP_REASSEMBLY_COMPLETE);
			whole_is_right(&f, version, 257);
		}
	}
	end(&f);
}

static void the_longest_packet_is_put_together(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	for (unsigned version = 4; version <= 6; version += 2) {
		const unsigned		  most = version == 4 ? 65515 : 65535;
		enum ip_reassembly_result result = IP_REASSEMBLY_HELD;

		for (unsigned at = 0; at < most; at += 1480)
			result = ADD(&f, .version = version, .offset = at,
				     .len = most - at < 1480 ? most - at : 1480, .more = most - at > 1480);
		assert_int_equal(result, IP_REASSEMBLY_COMPLETE);
		whole_is_right(&f, version, most);
	}
	end(&f);
}

static void datagrams_with_another_key_do_not_mix(void **state)
{
	struct fixture	 f;
	struct ip_header ip;

	(void)state;
	begin(&f);
	ADD(&f, .len = 8, .more = true);
	assert_int_equal(ADD(&f, .offset = 8, .len = 8, .id = 1), IP_REASSEMBLY_HELD);
	assert_int_equal(ADD(&f, .offset = 8, .len = 8, .src = 1), IP_REASSEMBLY_HELD);
	assert_int_equal(ADD(&f, .offset = 8, .len = 8, .protocol = 200), IP_REASSEMBLY_HELD);
	uint8_t *p = make(&(struct bit){ .offset = 8, .len = 8 }, &ip);
	for (uint32_t zone = 1; zone < 3000; zone++)
		assert_int_equal(ip_reassembly_add(&f.r, &ip, zone, 0, &f.out), IP_REASSEMBLY_HELD);
	assert_int_equal(ip_reassembly_add(&f.r, &ip, 0, 0, &f.out), IP_REASSEMBLY_COMPLETE);
	test_free(p);
	whole_is_right(&f, 4, 16);
	/* IPv6 has no protocol in the key (RFC 8200 4.5): the first fragment's counts. */
	ADD(&f, .version = 6, .offset = 8, .len = 8, .protocol = 200);
	assert_int_equal(ADD(&f, .version = 6, .len = 8, .more = true), IP_REASSEMBLY_COMPLETE);
	whole_is_right(&f, 6, 16);
	end(&f);
}

/* As the parser sees them: a hop-by-hop header before the fragment header, destination options after. */
static void extension_headers_stand_on_both_sides(void **state)
{
	static const uint8_t first[] = { 60, 0, 1, 4, 0, 0, 0, 0 };   /* hop-by-hop, then destination */
	static const uint8_t options[] = { 17, 0, 1, 4, 0, 0, 0, 0 }; /* then UDP */
	struct fixture	     f;
	struct ip_header     ip;
	uint8_t		     p[256];

	(void)state;
	begin(&f);
	for (unsigned i = 0; i < 2; i++) {
		struct ip_header base = { .src = address(6, 2), .dst = address(6, 3), .version = 6 };

		ip_wire_emit(p, &base, i == 0 ? 8 + 8 + 16 : 8 + 8 + 5);
		p[6] = 0;
		memcpy(p + 40, first, 8);
		p[40] = 44;
		memcpy(p + 48, (uint8_t[]){ 60, 0, 0, (uint8_t)(i * 16 | (i == 0)), 0, 0, 0, 9 }, 8);
		memcpy(p + 56, options, 8);
		memset(p + 64, 'u', 64);
		if (i == 1)
			memset(p + 56, 'v', 5);
		assert_int_equal(ip_wire_parse(&ip, p, 40 + (i == 0 ? 32 : 21)), IP_PARSED);
		assert_int_equal(ip_reassembly_add(&f.r, &ip, 0, 0, &f.out),
				 i == 0 ? IP_REASSEMBLY_HELD : IP_REASSEMBLY_COMPLETE);
	}
	assert_int_equal(f.out.len, 48 + 21);
	assert_int_equal(ip_wire_parse(&ip, f.out.packet, f.out.len), IP_PARSED);
	assert_int_equal(ip.protocol, IPPROTO_UDP_);
	assert_int_equal(ip.header_len, 56);
	assert_memory_equal(ip.payload, "uuuuuuuuvvvvv", 13);
	end(&f);
}

static void ipv4_options_of_the_first_fragment_stay(void **state)
{
	struct fixture	 f;
	struct ip_header ip;

	(void)state;
	begin(&f);
	ADD(&f, .offset = 8, .len = 3);
	assert_int_equal(ADD(&f, .len = 8, .more = true, .options = 40), IP_REASSEMBLY_COMPLETE);
	assert_int_equal(f.out.len, 60 + 11);
	assert_int_equal(ip_wire_parse(&ip, f.out.packet, f.out.len), IP_PARSED);
	assert_int_equal(ip.header_len, 60);
	/* Each fragment fits 65,535 by its own header, but the first one's is longer. */
	for (unsigned at = 0; at < 65500; at += 1480) {
		const unsigned			len = 65500 - at < 1480 ? 65500 - at : 1480;
		const bool			more = at + len < 65500;
		const enum ip_reassembly_result result =
			ADD(&f, .id = 3, .offset = at, .len = len, .more = more, .options = at == 0 ? 40 : 0);

		assert_int_equal(result, more ? IP_REASSEMBLY_HELD : IP_REASSEMBLY_TOO_LONG);
	}
	end(&f);
}

static void ecn_of_the_whole_follows_rfc_3168(void **state)
{
	enum { NOT_ECT = 0, ECT_1 = 1, ECT_0 = 2, CE = 3, BAD = 4 };
	static const uint8_t cases[][3] = {
		{ NOT_ECT, NOT_ECT, NOT_ECT },
		{ ECT_0, ECT_0, ECT_0 },
		{ ECT_1, ECT_1, ECT_1 },
		{ CE, CE, CE },
		{ ECT_0, CE, CE },
		{ CE, ECT_0, CE },
		{ ECT_1, CE, CE },
		{ ECT_0, ECT_1, ECT_0 },
		{ NOT_ECT, CE, BAD },
		{ CE, NOT_ECT, BAD },
		{ NOT_ECT, ECT_0, BAD },
	};
	struct fixture	 f;
	struct ip_header ip;

	(void)state;
	begin(&f);
	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (unsigned version = 4; version <= 6; version += 2) {
			ADD(&f, .version = version, .id = i, .len = 8, .more = true, .ecn = cases[i][0]);
			const enum ip_reassembly_result result = ADD(
				&f, .version = version, .id = i, .offset = 8, .len = 8, .ecn = cases[i][1]);

			if (cases[i][2] == BAD) {
				assert_int_equal(result, IP_REASSEMBLY_BAD_ECN);
				continue;
			}
			assert_int_equal(result, IP_REASSEMBLY_COMPLETE);
			whole_is_right(&f, version, 16);
			assert_int_equal(ip_wire_parse(&ip, f.out.packet, f.out.len), IP_PARSED);
			assert_int_equal(ip.traffic_class & 3, cases[i][2]);
		}
	}
	end(&f);
}

/* ---- attacks ---- */

/* attacks: RFC 5722, Teardrop. What comes second overlaps what came first. */
static void overlap_discards_the_datagram(void **state)
{
	static const struct {
		struct bit first, second;
	} cases[] = {
		{ { .offset = 8, .len = 16, .more = true },
		  { .len = 16, .more = true } }, /* from below, by 8 */
		{ { .offset = 8, .len = 16, .more = true },
		  { .offset = 16, .len = 16, .more = true } }, /* from above */
		{ { .offset = 8, .len = 16, .more = true },
		  { .offset = 0, .len = 32, .more = true } }, /* around */
		{ { .offset = 0, .len = 32, .more = true },
		  { .offset = 8, .len = 8, .more = true } }, /* inside */
		{ { .offset = 8, .len = 16, .more = true },
		  { .offset = 8, .len = 8, .more = true } }, /* same start */
		{ { .offset = 8, .len = 16, .more = true },
		  { .offset = 16, .len = 8, .more = true } }, /* same end */
		{ { .offset = 0, .len = 32, .more = true },
		  { .offset = 24, .len = 4 } }, /* Teardrop: ends within */
		{ { .offset = 0, .len = 32, .more = true },
		  { .offset = 24, .len = 9 } }, /* by one octet beyond */
		{ { .offset = 8, .len = 9, .more = false },
		  { .offset = 16, .len = 8, .more = true } }, /* over the last octet */
		{ { .offset = 8, .len = 16, .more = true },
		  { .offset = 8, .len = 16, .more = true, .salt = 1 } }, /* other bytes */
		{ { .offset = 8, .len = 16, .more = true },
		  { .offset = 8, .len = 16, .more = false } }, /* other flag */
	};
	struct fixture f;

	(void)state;
	begin(&f);
	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (unsigned turn = 0; turn < 4; turn++) {
			struct bit one = turn & 1 ? cases[i].second : cases[i].first;
			struct bit two = turn & 1 ? cases[i].first : cases[i].second;

			one.version = two.version = turn & 2 ? 6 : 4;
			one.id = two.id = i * 4 + turn;
			assert_int_equal(add(&f, &one), IP_REASSEMBLY_HELD);
			assert_int_equal(add(&f, &two), IP_REASSEMBLY_OVERLAP);
			assert_false(f.out.problem);
			ip_reassembly_check(&f.r);
			/* RFC 5722 4: nor does anything come of what is still on its way. */
			assert_int_equal(add(&f, &one), IP_REASSEMBLY_LATE);
			assert_int_equal(add(&f, &two), IP_REASSEMBLY_LATE);
		}
	}
	/* After its time the identification may be used again. */
	struct ip_reassembly_expired expired;
	f.now = 30 * TERN_SECOND;
	assert_false(ip_reassembly_expire(&f.r, f.now, &expired));
	assert_int_equal(f.r.n, 0);
	ADD(&f, .len = 8, .more = true);
	assert_int_equal(ADD(&f, .offset = 8, .len = 8), IP_REASSEMBLY_COMPLETE);
	end(&f);
}

/* attacks: RFC 5722 */
static void exact_duplicates_are_ignored(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	for (unsigned version = 4; version <= 6; version += 2) {
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(ADD(&f, .version = version, .len = 16, .more = true),
					 i ? IP_REASSEMBLY_DUPLICATE : IP_REASSEMBLY_HELD);
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(ADD(&f, .version = version, .offset = 24, .len = 5),
					 i ? IP_REASSEMBLY_DUPLICATE : IP_REASSEMBLY_HELD);
		assert_int_equal(ADD(&f, .version = version, .offset = 16, .len = 8, .more = true),
				 IP_REASSEMBLY_COMPLETE);
		whole_is_right(&f, version, 29);
	}
	end(&f);
}

static void two_ends_contradict(void **state)
{
	static const struct bit cases[][2] = {
		{ { .offset = 8, .len = 8, .more = false }, { .offset = 16, .len = 8 } },
		{ { .offset = 16, .len = 8, .more = false }, { .offset = 0, .len = 8 } },
		{ { .offset = 8, .len = 8, .more = false }, { .offset = 16, .len = 8, .more = true } },
		{ { .offset = 16, .len = 8, .more = true }, { .offset = 8, .len = 8 } },
		{ { .offset = 16, .len = 8, .more = true }, { .offset = 0, .len = 5 } },
	};
	struct fixture f;

	(void)state;
	begin(&f);
	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bit one = cases[i][0], two = cases[i][1];

		one.id = two.id = i;
		assert_int_equal(add(&f, &one), IP_REASSEMBLY_HELD);
		assert_int_equal(add(&f, &two), IP_REASSEMBLY_CONTRADICTS);
		ip_reassembly_check(&f.r);
	}
	end(&f);
}

/* attacks: Ping of death */
static void a_fragment_beyond_65535_discards_the_datagram(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	for (unsigned version = 4; version <= 6; version += 2) {
		ADD(&f, .version = version, .len = 1480, .more = true);
		assert_int_equal(ADD(&f, .version = version, .offset = 65528, .len = 1480),
				 IP_REASSEMBLY_TOO_LONG);
		assert_int_equal(f.out.problem, version == 6);
		assert_int_equal(f.out.problem_code, 0);
		assert_int_equal(f.out.problem_pointer,
				 version == 6 ? 42 : 0); /* RFC 8200 4.5: the fragment offset */
		assert_int_equal(ADD(&f, .version = version, .offset = 1480, .len = 8), IP_REASSEMBLY_LATE);
		assert_int_equal(ADD(&f, .version = version, .id = 1, .offset = 65528, .len = 8),
				 IP_REASSEMBLY_TOO_LONG);
	}
	/* The largest that fits: IPv6 counts no header of its own. */
	assert_int_equal(ADD(&f, .version = 6, .id = 2, .offset = 65528, .len = 7), IP_REASSEMBLY_HELD);
	assert_int_equal(ADD(&f, .version = 4, .id = 2, .offset = 65512, .len = 3), IP_REASSEMBLY_HELD);
	assert_int_equal(ADD(&f, .version = 4, .id = 3, .offset = 65512, .len = 4), IP_REASSEMBLY_TOO_LONG);
	end(&f);
}

/* attacks: lwIP 8fe567b8 */
static void only_the_last_fragment_may_have_an_odd_length(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	for (unsigned len = 1; len < 24; len++) {
		for (unsigned version = 4; version <= 6; version += 2) {
			if (len % 8 == 0)
				continue;
			assert_int_equal(ADD(&f, .version = version, .offset = 64, .len = len, .more = true),
					 IP_REASSEMBLY_BAD_LENGTH);
			assert_int_equal(f.out.problem, version == 6);
			assert_int_equal(f.out.problem_pointer,
					 version == 6 ? 4 : 0); /* the payload length */
			assert_int_equal(f.r.n, 0);
		}
	}
	assert_int_equal(ADD(&f, .offset = 64, .len = 0, .more = true), IP_REASSEMBLY_BAD_LENGTH);
	assert_int_equal(ADD(&f, .offset = 64, .len = 0), IP_REASSEMBLY_BAD_LENGTH);
	/* One octet, last first. */
	assert_int_equal(ADD(&f, .offset = 8, .len = 1), IP_REASSEMBLY_HELD);
	assert_int_equal(ADD(&f, .len = 8, .more = true), IP_REASSEMBLY_COMPLETE);
	whole_is_right(&f, 4, 9);
	end(&f);
}

/* attacks: RFC 1858/3128 */
static void a_tcp_header_is_never_split(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	for (unsigned version = 4; version <= 6; version += 2) {
		for (unsigned len = 8; len < 20; len += 8) {
			assert_int_equal(ADD(&f, .version = version, .protocol = 6, .len = len, .more = true),
					 IP_REASSEMBLY_TINY);
			assert_int_equal(f.out.problem, version == 6); /* RFC 7112 */
			assert_int_equal(f.out.problem_code, version == 6 ? 3 : 0);
			assert_int_equal(ADD(&f, .version = version, .protocol = 6, .offset = len, .len = 40,
					     .more = true),
					 IP_REASSEMBLY_TINY);
			assert_false(f.out.problem);
		}
		/* The pattern's 13th octet says 84 & 0xf0: a header of 20. With salt 0x60 it says 44. */
		assert_int_equal(
			ADD(&f, .version = version, .protocol = 6, .len = 40, .more = true, .salt = 0x60),
			IP_REASSEMBLY_TINY);
		assert_int_equal(f.r.n, version == 6 ? 2 : 0);
		assert_int_equal(
			ADD(&f, .version = version, .protocol = 6, .len = 48, .more = true, .salt = 0x60),
			IP_REASSEMBLY_HELD);
		assert_int_equal(ADD(&f, .version = version, .protocol = 6, .id = 1, .len = 24, .more = true),
				 IP_REASSEMBLY_HELD);
	}
	end(&f);
}

/* A first fragment of IPv6 that carries these bytes. */
static enum ip_reassembly_result add_first_v6(struct fixture *f, uint8_t protocol, const uint8_t *bytes,
					      unsigned len)
{
	struct ip_header ip;
	uint8_t		*p = make(&(struct bit){ .version = 6, .len = len, .more = true }, &ip);

	memcpy(p + ip.header_len, bytes, len);
	ip.protocol = p[40] = protocol;
	const enum ip_reassembly_result result = ip_reassembly_add(&f->r, &ip, 0, 0, &f->out);
	test_free(p);
	return result;
}

/* attacks: RFC 1858/3128, CVE-2023-4809 */
static void the_first_fragment_holds_the_header_chain(void **state)
{
	enum { OPTIONS = 60, ROUTING = 43, AUTHENTICATION = 51, FRAGMENT = 44 };
	struct fixture f;
	uint8_t	       chain[2048] = { 0 };

	(void)state;
	begin(&f);
	chain[0] = OPTIONS, chain[1] = 0; /* 8 bytes, then more of them */
	chain[8] = IPPROTO_TCP_, chain[9] = 1;
	assert_int_equal(add_first_v6(&f, OPTIONS, chain, 8), IP_REASSEMBLY_TINY);
	assert_int_equal(add_first_v6(&f, OPTIONS, chain, 16), IP_REASSEMBLY_TINY);
	assert_int_equal(add_first_v6(&f, OPTIONS, chain, 24), IP_REASSEMBLY_TINY);
	assert_int_equal(add_first_v6(&f, OPTIONS, chain, 40), IP_REASSEMBLY_TINY); /* 16 of TCP's 20 */
	assert_true(f.out.problem);
	assert_int_equal(add_first_v6(&f, OPTIONS, chain, 48), IP_REASSEMBLY_HELD);
	chain[9] = 255; /* far beyond the fragment */
	assert_int_equal(add_first_v6(&f, OPTIONS, chain, 48), IP_REASSEMBLY_TINY);
	chain[0] = AUTHENTICATION, chain[8] = IPPROTO_UDP_, chain[9] = 4; /* (4 + 2) * 4 = 24 bytes */
	assert_int_equal(add_first_v6(&f, ROUTING, chain, 32), IP_REASSEMBLY_TINY);
	/* A fragment header behind one or more others. */
	assert_int_equal(add_first_v6(&f, FRAGMENT, chain, 32), IP_REASSEMBLY_NESTED);
	chain[0] = FRAGMENT;
	assert_int_equal(add_first_v6(&f, OPTIONS, chain, 32), IP_REASSEMBLY_NESTED);
	/* More headers than anybody has need of. */
	for (unsigned n = 8; n <= 9; n++) {
		memset(chain, 0, sizeof chain);
		for (unsigned i = 0; i < n; i++)
			chain[i * 8] = i + 1 < n ? OPTIONS : IPPROTO_UDP_;
		end(&f);
		begin(&f);
		assert_int_equal(add_first_v6(&f, OPTIONS, chain, n * 8 + 8),
				 n == 8 ? IP_REASSEMBLY_HELD : IP_REASSEMBLY_TINY);
	}
	end(&f);
}

/* attacks: gVisor f98c3ee32, Teardrop: whatever comes, the books agree and no byte is wrong. */
static void any_soup_is_survived(void **state)
{
	struct fixture		     f;
	struct ip_reassembly_expired expired;
	uint64_t		     random = 77;
	unsigned		     seen[IP_REASSEMBLY_RESULTS] = { 0 };

	(void)state;
	begin_with(&f, 16 * 200000);
	for (unsigned i = 0; i < 100000; i++) {
		const uint64_t x = splitmix64(&random);
		struct bit     bit = {
			    .version = x & 1 ? 6 : 4,
			    .id = x >> 1 & 7,
			    .src = x >> 4 & 1,
			    .more = (x >> 5 & 3) != 0,
			    .offset = (x >> 8 & 15) * 8,
			    .len = (x >> 12 & 3) * 8 + 8,
			    .ecn = (x >> 52) == 0 ? 3 : 0,
		};

		if ((x >> 16 & 0xff) == 0)
			bit.offset = 65528, bit.len = 1 + (x >> 24 & 15), bit.more = false;
		if ((x >> 16 & 0xff) == 1)
			bit.len += 3;
		if ((x >> 16 & 0xff) < 128 && !bit.more) /* let some agree on where the end is */
			bit.offset = 96, bit.len = 32;
		const enum ip_reassembly_result result = add(&f, &bit);
		seen[result]++;
		if (result == IP_REASSEMBLY_COMPLETE)
			whole_is_right(&f, bit.version, f.out.len - (bit.version == 4 ? 20 : 40));
		f.now += x >> 32 & 0x3fffffff;
		while (ip_reassembly_expire(&f.r, f.now, &expired))
			ip_reassembly_check(&f.r);
		ip_reassembly_check(&f.r);
	}
	assert_true(seen[IP_REASSEMBLY_COMPLETE] > 100 && seen[IP_REASSEMBLY_OVERLAP] > 100);
	assert_true(seen[IP_REASSEMBLY_CONTRADICTS] > 100 && seen[IP_REASSEMBLY_DUPLICATE] > 100);
	end(&f);
}

/* ---- time ---- */

static void what_is_not_completed_expires_in_order(void **state)
{
	struct fixture		     f;
	struct ip_reassembly_expired expired;

	(void)state;
	begin(&f);
	assert_true(ip_reassembly_deadline(&f.r) == TERN_NEVER);
	ADD(&f, .id = 1, .len = 16, .more = true);
	f.now = TERN_SECOND;
	ADD(&f, .id = 2, .offset = 8, .len = 16, .more = true); /* its first fragment never comes */
	ADD(&f, .id = 3, .len = 16, .more = true);
	ADD(&f, .id = 3, .offset = 8, .len = 16, .more = true); /* overlap */
	f.now = 2 * TERN_SECOND;
	ADD(&f, .version = 6, .id = 4, .len = 16, .more = true);
	ADD(&f, .id = 1, .offset = 64, .len = 16, .more = true); /* does not give it more time */

	assert_true(ip_reassembly_deadline(&f.r) == 30 * TERN_SECOND);
	assert_false(ip_reassembly_expire(&f.r, 30 * TERN_SECOND - 1, &expired));
	assert_true(ip_reassembly_expire(&f.r, 40 * TERN_SECOND, &expired));
	const struct tern_addr src = address(4, 1), dst = address(4, 0xffff), src6 = address(6, 1);
	assert_true(addr_equal(&expired.src, &src) && addr_equal(&expired.dst, &dst));
	/* CVE-2020-11898: the quote is the fragment as it came, and nothing beyond. */
	struct ip_header ip;
	uint8_t		*p = make(&(struct bit){ .id = 1, .len = 16, .more = true }, &ip);
	assert_int_equal(expired.quote_len, 36);
	assert_memory_equal(expired.quote, p, 36);
	test_free(p);
	ip_reassembly_check(&f.r);

	assert_true(ip_reassembly_expire(&f.r, 40 * TERN_SECOND, &expired));
	assert_int_equal(expired.quote_len, 0); /* RFC 792, RFC 8200 4.5: no first fragment, no answer */
	assert_true(ip_reassembly_expire(&f.r, 40 * TERN_SECOND, &expired)); /* id 3 says nothing */
	assert_true(addr_equal(&expired.src, &src6));
	assert_int_equal(expired.quote_len, 48 + 16);
	assert_int_equal(expired.quote[40], IPPROTO_UDP_);
	assert_false(ip_reassembly_expire(&f.r, 40 * TERN_SECOND, &expired));
	assert_true(ip_reassembly_deadline(&f.r) == TERN_NEVER);
	end(&f);
}

static void time_near_its_end_does_not_overflow(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	f.now = TERN_NEVER - 5;
	ADD(&f, .len = 16, .more = true);
	assert_true(ip_reassembly_deadline(&f.r) == TERN_NEVER);
	end(&f);
}

static void results_have_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < IP_REASSEMBLY_RESULTS; i++)
		assert_string_not_equal(ip_reassembly_name((enum ip_reassembly_result)i), "?");
	assert_string_equal(ip_reassembly_name(IP_REASSEMBLY_RESULTS), "?");
	assert_string_equal(ip_reassembly_name(IP_REASSEMBLY_OVERLAP), "overlap");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fragments_in_every_order_make_the_whole),
		cmocka_unit_test(every_split_point_makes_the_whole),
		cmocka_unit_test(the_longest_packet_is_put_together),
		cmocka_unit_test(datagrams_with_another_key_do_not_mix),
		cmocka_unit_test(extension_headers_stand_on_both_sides),
		cmocka_unit_test(ipv4_options_of_the_first_fragment_stay),
		cmocka_unit_test(ecn_of_the_whole_follows_rfc_3168),
		cmocka_unit_test(overlap_discards_the_datagram),
		cmocka_unit_test(exact_duplicates_are_ignored),
		cmocka_unit_test(two_ends_contradict),
		cmocka_unit_test(a_fragment_beyond_65535_discards_the_datagram),
		cmocka_unit_test(only_the_last_fragment_may_have_an_odd_length),
		cmocka_unit_test(a_tcp_header_is_never_split),
		cmocka_unit_test(the_first_fragment_holds_the_header_chain),
		cmocka_unit_test(any_soup_is_survived),
		cmocka_unit_test(what_is_not_completed_expires_in_order),
		cmocka_unit_test(time_near_its_end_does_not_overflow),
		cmocka_unit_test(results_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
