/* Fragments for the tests of reassembly: made by the piece, without the parser, and checked when whole. */
#ifndef TESTS_UNIT_IP_FRAGMENTS_H
#define TESTS_UNIT_IP_FRAGMENTS_H

#include "unit/allocator.h"
#include "base/bytes.h"
#include "ip/reassembly.h"
#include "wire/checksum.h"
#include "wire/tuple.h"

struct fixture {
	struct test_allocator host;
	struct mem	      mem;
	struct ip_reassembly  r;
	struct ip_reassembled out;
	tern_time	      now;
};

static const struct siphash_key fragments_key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

static inline void begin_with(struct fixture *f, size_t limit)
{
	const struct tern_allocator allocator = test_allocator(&f->host);

	f->now = 0;
	mem_init(&f->mem, &allocator, limit, 0);
	ip_reassembly_init(&f->r, &f->mem, &fragments_key, 30 * TERN_SECOND);
}

static inline void begin(struct fixture *f)
{
	begin_with(f, 256 << 20);
}

static inline void end(struct fixture *f)
{
	ip_reassembly_check(&f->r);
	ip_reassembly_done(&f->r);
	assert_int_equal(f->mem.used, 0);
	assert_int_equal(f->host.blocks, 0);
	assert_false(f->host.broken);
}

/* One fragment: of UDP from host `src` unless told otherwise. */
struct bit {
	unsigned offset, len;
	bool	 more;
	unsigned version, protocol, src, id, ecn; /* 0: 4, UDP, 1, 0, Not-ECT */
	unsigned salt;				  /* other bytes than the pattern's */
	unsigned options;			  /* IPv4: bytes of header options */
};

static inline uint8_t pattern(unsigned at, unsigned salt)
{
	return (uint8_t)(at * 7 + (at >> 8) * 13 + salt);
}

static inline struct tern_addr address(unsigned version, unsigned n)
{
	struct tern_addr addr = { { 0x20, 0x01, 0x0d, 0xb8 } };

	if (version == 4)
		return addr_v4(0x0a000000 + n);
	put32(addr.b + 4, n);
	addr.b[15] = 1;
	return addr;
}

/* The bytes of the fragment, in a block of just its size, and what the parser would say of them. It is
 * not asked, since it refuses some by itself. */
static inline uint8_t *make(const struct bit *bit, struct ip_header *ip)
{
	const unsigned version = bit->version ? bit->version : 4;
	const size_t header = version == 4 ? IPV4_HEADER + bit->options : IPV6_HEADER + IPV6_FRAGMENT_HEADER;
	uint8_t	    *p = test_malloc(header + bit->len);

	*ip = (struct ip_header){
		.src = address(version, bit->src + 1),
		.dst = address(version, 0xffff),
		.version = (uint8_t)version,
		.protocol = (uint8_t)(bit->protocol ? bit->protocol : IPPROTO_UDP_),
		.ttl = 64,
		.traffic_class = (uint8_t)(0xb8 | bit->ecn),
		.is_fragment = true,
		.more_fragments = bit->more,
		.fragment_offset = (uint16_t)bit->offset,
		.id = bit->id,
	};
	const size_t written = ip_wire_emit_fragment(p, ip, bit->len);
	memset(p + written, 1, header - written); /* NOPs */
	if (version == 4) {
		p[0] = (uint8_t)(0x40 | header / 4);
		put16(p + 2, (uint16_t)(header + bit->len));
		put16(p + 10, 0);
		put16(p + 10, checksum_finish(checksum_add(0, p, header)));
	}
	for (unsigned i = 0; i < bit->len; i++)
		p[header + i] = pattern(bit->offset + i, bit->salt);
	ip->header_len = (uint32_t)header;
	ip->unfragmentable_len = version == 6 ? IPV6_HEADER : 0;
	ip->fragment_named_at = 6;
	ip->payload = p + header;
	ip->payload_len = bit->len;
	return p;
}

static inline enum ip_reassembly_result add(struct fixture *f, const struct bit *bit)
{
	struct ip_header ip;
	uint8_t		*p = make(bit, &ip);

	const enum ip_reassembly_result result = ip_reassembly_add(&f->r, &ip, 0, f->now, &f->out);
	test_free(p);
	return result;
}

#define ADD(f, ...) add(f, &(struct bit){ __VA_ARGS__ })

/* The packet handed out parses, is no fragment, and carries len bytes of the pattern. */
static inline void whole_is_right(const struct fixture *f, unsigned version, uint32_t len)
{
	struct ip_header ip;

	assert_int_equal(ip_wire_parse(&ip, f->out.packet, f->out.len), IP_PARSED);
	assert_int_equal(ip.version, version);
	assert_int_equal(ip.protocol, IPPROTO_UDP_);
	assert_int_equal(ip.traffic_class & 0xfc, 0xb8);
	assert_false(ip.is_fragment);
	assert_int_equal(ip.unfragmentable_len, 0);
	assert_int_equal(ip.payload_len, len);
	assert_int_equal(ip.header_len + len, f->out.len);
	for (uint32_t i = 0; i < len; i++)
		if (ip.payload[i] != pattern(i, 0))
			fail_msg("byte %u differs", (unsigned)i);
}

#endif
