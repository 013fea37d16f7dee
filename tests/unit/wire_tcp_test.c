#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/siphash.h"
#include "wire/tcp_read.h"

/* A header of no options at p: ports 1 and 2, seq 0x01020304, ack 0x05060708, wnd 0x1000, up 0x2000. */
static void header(uint8_t *p, unsigned flags, size_t options_len)
{
	memset(p, 0, TCP_HEADER_MIN);
	put16(p, 1);
	put16(p + 2, 2);
	put32(p + 4, 0x01020304);
	put32(p + 8, 0x05060708);
	put16(p + 12, (uint16_t)((TCP_HEADER_MIN + options_len) / 4 << 12 | flags));
	put16(p + 14, 0x1000);
	put16(p + 18, 0x2000);
}

static void fields_stand_where_the_rfc_has_them(void **state)
{
	uint8_t		   p[24];
	struct tcp_segment seg;

	(void)state;
	header(p, 0xfff, 0); /* the three reserved bits too */
	memcpy(p + 20, "text", 4);
	assert_true(tcp_wire_parse(&seg, p, sizeof p));
	assert_int_equal(seg.src_port, 1);
	assert_int_equal(seg.dst_port, 2);
	assert_int_equal(seg.seq.v, 0x01020304);
	assert_int_equal(seg.ack.v, 0x05060708);
	assert_int_equal(seg.flags, 0x1ff);
	assert_int_equal(seg.wnd, 0x1000);
	assert_int_equal(seg.up, 0x2000);
	assert_ptr_equal(seg.text, p + 20);
	assert_int_equal(seg.text_len, 4);
	assert_int_equal(tcp_seg_len(&seg), 6);
}

/* Every data offset with every length that came, each in a block of just that size. */
static void data_offset_is_checked_against_what_came(void **state)
{
	(void)state;
	for (size_t len = 0; len <= 64; len++) {
		for (unsigned offset = 0; offset < 16; offset++) {
			uint8_t		  *p = calloc(1, len + 1);
			uint8_t		  *tight = malloc(len ? len : 1);
			struct tcp_segment seg;

			if (len > 12)
				p[12] = (uint8_t)(offset << 4);
			memcpy(tight, p, len);
			const bool right = len >= 20 && offset >= 5 && offset * 4 <= len;
			assert_int_equal(tcp_wire_parse(&seg, tight, len), right);
			if (right)
				assert_int_equal(seg.text_len, len - offset * 4);
			free(tight);
			free(p);
		}
	}
}

enum { SYN = 1, MALFORMED = 2, HAS_MSS = 4, HAS_WSCALE = 8, HAS_TS = 16, PERMITTED = 32, CLAMPED = 64 };

static const struct {
	const char *name;
	uint8_t	    bytes[40];
	size_t	    n;
	unsigned    in, out;
	unsigned    mss, wscale, ts_val, n_sack;
} rules[] = {
	{ "none", { 0 }, 4, SYN, 0, 0, 0, 0, 0 },
	{ "MSS on SYN", { 2, 4, 5, 0xb4 }, 4, SYN, HAS_MSS, 1460, 0, 0, 0 },
	{ "MSS outside SYN", { 2, 4, 5, 0xb4 }, 4, 0, 0, 0, 0, 0, 0 },
	{ "MSS of wrong length", { 2, 3, 5, 1 }, 4, SYN, 0, 0, 0, 0, 0 },
	{ "MSS twice", { 2, 4, 1, 1, 2, 4, 2, 2 }, 8, SYN, HAS_MSS, 0x202, 0, 0, 0 },
	{ "after EOL nothing counts", { 0, 2, 4, 5, 0xb4, 0, 0, 0 }, 8, SYN, 0, 0, 0, 0, 0 },
	{ "at odd places (MUST-64)",
	  { 1, 2, 4, 5, 0xb4, 3, 3, 7 }, 8, SYN, HAS_MSS | HAS_WSCALE, 1460, 7, 0, 0 },
	{ "window scale of 14", { 1, 3, 3, 14 }, 4, SYN, HAS_WSCALE, 0, 14, 0, 0 },
	{ "window scale of 15", { 1, 3, 3, 15 }, 4, SYN, HAS_WSCALE | CLAMPED, 0, 14, 0, 0 },
	{ "window scale of 255", { 1, 3, 3, 255 }, 4, SYN, HAS_WSCALE | CLAMPED, 0, 14, 0, 0 },
	{ "window scale outside SYN", { 1, 3, 3, 255 }, 4, 0, 0, 0, 0, 0, 0 },
	{ "window scale of length 4", { 3, 4, 7, 0 }, 4, SYN, 0, 0, 0, 0, 0 },
	{ "an empty SACK undoes none", { 5, 10, [10] = 5, 2 }, 12, 0, 0, 0, 0, 0, 1 },
	{ "SACK-permitted", { 4, 2, 1, 1 }, 4, SYN, PERMITTED, 0, 0, 0, 0 },
	{ "SACK-permitted outside SYN", { 4, 2, 1, 1 }, 4, 0, 0, 0, 0, 0, 0 },
	{ "timestamps", { 1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 1 }, 12, 0, HAS_TS, 0, 0, 9, 0 },
	{ "timestamps of length 9", { 8, 9, 0, 0, 0, 9, 0, 0, 0, 1, 1, 1 }, 12, 0, 0, 0, 0, 0, 0 },
	{ "one SACK block", { 5, 10, [2] = 1, [9] = 7, [10] = 1, 1 }, 12, 0, 0, 0, 0, 0, 1 },
	{ "SACK without a block", { 5, 2, 1, 1 }, 4, 0, 0, 0, 0, 0, 0 },
	{ "SACK of length 9", { 5, 9, [9] = 1, 1, 1 }, 12, 0, 0, 0, 0, 0, 0 },
	{ "SACK of length 11", { 5, 11, [11] = 1 }, 12, 0, 0, 0, 0, 0, 0 },
	{ "four SACK blocks", { 5, 34, [34] = 1, 1 }, 36, 0, 0, 0, 0, 0, 4 },
	{ "three after timestamps",
	  { 8, 10, [5] = 3, [10] = 5, 26, [36] = 1, 1, 1, 1 }, 40, 0, HAS_TS, 0, 0, 3, 3 },
	{ "unknown skipped by length",
	  { 253, 5, 2, 4, 9, 2, 4, 5, 0xb4, 0 }, 12, SYN, HAS_MSS, 1460, 0, 0, 0 },
	{ "length 0", { 253, 0, 2, 4, 5, 0xb4, 0, 0 }, 8, SYN, MALFORMED, 0, 0, 0, 0 },
	{ "length 1", { 253, 1, 2, 4, 5, 0xb4, 0, 0 }, 8, SYN, MALFORMED, 0, 0, 0, 0 },
	{ "beyond the header", { 1, 1, 253, 3 }, 4, SYN, MALFORMED, 0, 0, 0, 0 },
	{ "kind is the last octet", { 1, 1, 1, 2 }, 4, SYN, MALFORMED, 0, 0, 0, 0 },
	{ "MSS cut short", { 1, 1, 2, 4 }, 4, SYN, MALFORMED, 0, 0, 0, 0 },
	{ "what came before counts",
	  { 2, 4, 5, 0xb4, 3, 0, 1, 1 }, 8, SYN, HAS_MSS | MALFORMED, 1460, 0, 0, 0 },
};

/* MUST-4, MUST-6, MUST-7, MUST-68 (RFC7323-2.2-1, RFC7323-2.3-2). */
static void options_by_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		uint8_t		   p[TCP_HEADER_MAX];
		struct tcp_segment seg;

		header(p, rules[i].in & SYN ? TCP_SYN : TCP_ACK, rules[i].n);
		memcpy(p + TCP_HEADER_MIN, rules[i].bytes, rules[i].n);
		assert_true(tcp_wire_parse(&seg, p, TCP_HEADER_MIN + rules[i].n));
		const struct tcp_options *o = &seg.opt;
		const unsigned out = (o->malformed ? MALFORMED : 0) | (o->has_mss ? HAS_MSS : 0) |
				     (o->has_wscale ? HAS_WSCALE : 0) | (o->has_ts ? HAS_TS : 0) |
				     (o->sack_permitted ? PERMITTED : 0) | (o->wscale_clamped ? CLAMPED : 0);

		if (out != rules[i].out || o->n_sack != rules[i].n_sack)
			print_error("%s\n", rules[i].name);
		assert_int_equal(out, rules[i].out);
		assert_int_equal(o->mss, rules[i].mss);
		assert_int_equal(o->wscale, rules[i].wscale);
		assert_int_equal(o->ts_val, rules[i].ts_val);
		assert_int_equal(o->n_sack, rules[i].n_sack);
	}
}

/* Every kind with every length at every place: each parse stays in a block of the header's own size. */
static void no_option_reads_beyond_the_header(void **state)
{
	uint8_t *p = malloc(TCP_HEADER_MAX);

	(void)state;
	for (unsigned kind = 0; kind < 256; kind++) {
		for (unsigned len = 0; len <= 41; len++) {
			for (unsigned at = 0; at < 40; at++) {
				struct tcp_segment seg;

				header(p, TCP_SYN, 40);
				memset(p + TCP_HEADER_MIN, 1, 40);
				p[TCP_HEADER_MIN + at] = (uint8_t)kind;
				if (at < 39)
					p[TCP_HEADER_MIN + at + 1] = (uint8_t)len;
				assert_true(tcp_wire_parse(&seg, p, TCP_HEADER_MAX));
				const bool beyond = at == 39 || len < 2 || at + len > 40;
				if (kind != 1) /* after a NOP the length is a kind */
					assert_int_equal(seg.opt.malformed, kind != 0 && beyond);
			}
		}
	}
	free(p);
}

/* MUST-69. */
static void syn_is_written_as_linux_writes_it(void **state)
{
	static const struct {
		struct tcp_options opt;
		uint8_t		   bytes[TCP_OPTIONS_MAX];
		size_t		   n;
	} cases[] = {
		{ { 0 }, { 0 }, 0 },
		{ { .has_mss = true, .mss = 1460 }, { 2, 4, 5, 0xb4 }, 4 },
		{ { .has_mss = true,
		    .mss = 1460,
		    .sack_permitted = true,
		    .has_ts = true,
		    .ts_val = 1,
		    .ts_ecr = 2,
		    .has_wscale = true,
		    .wscale = 7 },
		  { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7 },
		  20 },
		{ { .has_mss = true, .mss = 1460, .sack_permitted = true, .has_wscale = true, .wscale = 7 },
		  { 2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7 },
		  12 },
		{ { .has_ts = true, .ts_val = 1, .ts_ecr = 2 }, { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2 }, 12 },
		{ { .n_sack = 1 }, { 0 }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t			 p[TCP_HEADER_MAX];
		const struct tcp_segment seg = { .flags = TCP_SYN, .opt = cases[i].opt };

		memset(p, 0xee, sizeof p);
		assert_int_equal(tcp_wire_emit(p, &seg), 20 + cases[i].n);
		assert_memory_equal(p + 20, cases[i].bytes, cases[i].n);
		assert_int_equal(p[12], (20 + cases[i].n) / 4 << 4);
	}
}

static void sack_blocks_that_do_not_fit_are_left_out(void **state)
{
	struct tcp_segment seg = { .flags = TCP_ACK,
				   .opt = { .n_sack = 4, .has_mss = true, .has_wscale = true } };
	uint8_t		   p[TCP_HEADER_MAX];

	(void)state;
	assert_int_equal(tcp_wire_emit(p, &seg), 20 + 4 + 4 * 8);
	seg.opt.has_ts = true;
	assert_int_equal(tcp_wire_emit(p, &seg), 20 + 12 + 4 + 3 * 8);
	assert_int_equal(p[20 + 12 + 3], 26);
}

static struct tcp_segment random_segment(uint64_t *seed)
{
	const uint64_t	   r = splitmix64(seed);
	struct tcp_segment seg = {
		.seq = { (uint32_t)splitmix64(seed) },
		.ack = { (uint32_t)splitmix64(seed) },
		.src_port = (uint16_t)(r >> 8),
		.dst_port = (uint16_t)(r >> 24),
		.flags = (uint16_t)(splitmix64(seed) & TCP_FLAGS),
		.wnd = (uint16_t)(r >> 40),
		.up = (uint16_t)(r >> 48),
	};

	seg.opt.has_ts = r & 1;
	if (seg.opt.has_ts) {
		seg.opt.ts_val = (uint32_t)splitmix64(seed);
		seg.opt.ts_ecr = (uint32_t)splitmix64(seed);
	}
	if (seg.flags & TCP_SYN) {
		seg.opt.has_mss = r & 2;
		seg.opt.mss = seg.opt.has_mss ? (uint16_t)splitmix64(seed) : 0;
		seg.opt.has_wscale = r & 4;
		seg.opt.wscale = seg.opt.has_wscale ? (uint8_t)(splitmix64(seed) % 15) : 0;
		seg.opt.sack_permitted = r & 8;
		return seg;
	}
	seg.opt.n_sack = (uint8_t)((r >> 4) % (seg.opt.has_ts ? 4 : 5));
	for (size_t i = 0; i < seg.opt.n_sack; i++)
		seg.opt.sack[i] = (struct tcp_sack_block){ { (uint32_t)splitmix64(seed) },
							   { (uint32_t)splitmix64(seed) } };
	return seg;
}

static void what_is_written_is_read_back(void **state)
{
	uint64_t seed = 4;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		const struct tcp_segment out = random_segment(&seed);
		struct tcp_segment	 in;
		uint8_t			 p[TCP_HEADER_MAX + 1];

		memset(p, 0xee, sizeof p);
		const size_t len = tcp_wire_emit(p, &out);
		assert_int_equal(len, tcp_wire_header_len(&out));
		assert_int_equal(len % 4, 0);
		assert_int_equal(p[len], 0xee);
		assert_int_equal(get16(p + 16), 0);
		assert_true(tcp_wire_parse(&in, p, len));
		assert_int_equal(in.seq.v, out.seq.v);
		assert_int_equal(in.ack.v, out.ack.v);
		assert_int_equal(in.src_port, out.src_port);
		assert_int_equal(in.dst_port, out.dst_port);
		assert_int_equal(in.flags, out.flags);
		assert_int_equal(in.wnd, out.wnd);
		assert_int_equal(in.up, out.up);
		assert_int_equal(in.text_len, 0);
		assert_false(in.opt.malformed);
		assert_int_equal(in.opt.has_mss, out.opt.has_mss);
		assert_int_equal(in.opt.mss, out.opt.mss);
		assert_int_equal(in.opt.has_wscale, out.opt.has_wscale);
		assert_int_equal(in.opt.wscale, out.opt.wscale);
		assert_int_equal(in.opt.sack_permitted, out.opt.sack_permitted);
		assert_int_equal(in.opt.has_ts, out.opt.has_ts);
		assert_int_equal(in.opt.ts_val, out.opt.ts_val);
		assert_int_equal(in.opt.ts_ecr, out.opt.ts_ecr);
		assert_int_equal(in.opt.n_sack, out.opt.n_sack);
		assert_memory_equal(in.opt.sack, out.opt.sack, sizeof in.opt.sack);
	}
}

/* Noise of every length: no crash, no read outside (each in a block of its own), text inside. */
static void noise_is_read_or_refused(void **state)
{
	uint64_t seed = 5;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		const size_t	   len = splitmix64(&seed) % 80;
		uint8_t		  *p = malloc(len ? len : 1);
		struct tcp_segment seg;

		for (size_t i = 0; i < len; i++)
			p[i] = (uint8_t)(splitmix64(&seed) % (i % 3 ? 256 : 12));
		if (tcp_wire_parse(&seg, p, len)) {
			assert_ptr_equal(seg.text + seg.text_len, p + len);
			assert_in_range(seg.opt.n_sack, 0, TCP_SACK_BLOCKS);
			assert_in_range(seg.opt.wscale, 0, TCP_WSCALE_MAX);
		}
		free(p);
	}
}

static void read_alike(const uint8_t *p, size_t len)
{
	struct tcp_segment a, b;
	const bool	   parsed = tcp_wire_parse(&a, p, len);

	memset(&b, 0xa5, sizeof b);
	assert_int_equal(tcp_wire_read(&b, p, len), parsed);
	if (!parsed)
		return;
	assert_int_equal(b.seq.v, a.seq.v);
	assert_int_equal(b.ack.v, a.ack.v);
	assert_int_equal(b.src_port, a.src_port);
	assert_int_equal(b.dst_port, a.dst_port);
	assert_int_equal(b.flags, a.flags);
	assert_int_equal(b.wnd, a.wnd);
	assert_int_equal(b.up, a.up);
	assert_int_equal(b.opt.has_mss | b.opt.has_wscale | b.opt.sack_permitted | b.opt.malformed,
			 a.opt.has_mss | a.opt.has_wscale | a.opt.sack_permitted | a.opt.malformed);
	assert_int_equal(b.opt.n_sack, a.opt.n_sack);
	assert_int_equal(b.opt.n_accecn, a.opt.n_accecn);
	assert_int_equal(b.opt.has_ts, a.opt.has_ts);
	if (a.opt.has_ts) {
		assert_int_equal(b.opt.ts_val, a.opt.ts_val);
		assert_int_equal(b.opt.ts_ecr, a.opt.ts_ecr);
	}
	assert_ptr_equal(b.text, a.text);
	assert_int_equal(b.text_len, a.text_len);
}

/* Whatever it holds: of every length, with the options of most and with others. */
static void what_is_read_straight_is_what_is_parsed(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		const size_t len = splitmix64(&seed) % 80;
		uint8_t	    *p = malloc(len ? len : 1);

		for (size_t i = 0; i < len; i++)
			p[i] = (uint8_t)splitmix64(&seed);
		if (len > 12)
			p[12] = (uint8_t)(splitmix64(&seed) % 4 ? 0x80 : p[12]);
		if (len >= 24)
			put32(p + 20, TCP_TIMESTAMPS_HEAD ^ (splitmix64(&seed) % 4 ? 0 : 1u << splitmix64(&seed) % 32));
		read_alike(p, len);
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_stand_where_the_rfc_has_them),
		cmocka_unit_test(data_offset_is_checked_against_what_came),
		cmocka_unit_test(options_by_rule),
		cmocka_unit_test(no_option_reads_beyond_the_header),
		cmocka_unit_test(syn_is_written_as_linux_writes_it),
		cmocka_unit_test(sack_blocks_that_do_not_fit_are_left_out),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(noise_is_read_or_refused),
		cmocka_unit_test(what_is_read_straight_is_what_is_parsed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
