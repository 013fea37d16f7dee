/* IP headers. Nothing is read beyond the bytes that came, whatever the lengths inside say; every step
 * of a walk over extension headers or options takes at least one byte, so work is bounded by the packet.
 */
#include "wire/ip.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "wire/checksum.h"
#include "wire/tuple.h"

enum { DATAGRAM_MAX = 65535, TCP_HEADER_LEAST = 20, ECN_BITS = 3 };

enum { V4_DONT_FRAGMENT = 0x4000, V4_MORE_FRAGMENTS = 0x2000, V4_OFFSET = 0x1fff, V6_MORE_FRAGMENTS = 1 };

enum { V4_OPTION_END = 0, V4_OPTION_NOP = 1, V4_OPTION_LSRR = 131, V4_OPTION_SSRR = 137 };

enum extension {
	HOP_BY_HOP = 0,
	ROUTING = 43,
	FRAGMENT = 44,
	NO_NEXT_HEADER = 59,
	DESTINATION_OPTIONS = 60,
};

enum { V6_OPTION_PAD1 = 0, V6_OPTION_PADN = 1, V6_PAD1_MOST = 7 };

/* What an unknown option wants done, in the two highest bits of its type (RFC 8200 4.2). */
enum option_action { SKIP = 0, DISCARD = 1, DISCARD_AND_TELL = 2, DISCARD_AND_TELL_UNICAST = 3 };

/* Codes of ICMPv6 parameter problem (RFC 4443 3.4). */
enum { ERRONEOUS_FIELD = 0, UNRECOGNISED_HEADER = 1, UNRECOGNISED_OPTION = 2 };

/* Where a walk over a packet stands. */
struct walk {
	const uint8_t *packet;
	uint32_t       at, end; /* the next header; what the packet says and what came, whichever is less */
	uint32_t       named_at; /* the octet that says what stands at `at` */
	bool	       quoted;	 /* the packet may be cut short */
};

/* A fragment that can be of no use, or that hides what it carries from a filter. */
static bool fragment_is_sound(const struct ip_header *ip, bool quoted)
{
	const uint32_t end = ip->fragment_offset + ip->payload_len;

	if (ip->payload_len == 0 || end + (ip->version == 4 ? ip->header_len : 0) > DATAGRAM_MAX)
		return false;
	if (quoted)
		return true;
	if (ip->more_fragments && ip->payload_len % 8 != 0)
		return false;
	if (ip->protocol != IPPROTO_TCP_)
		return true;
	return ip->fragment_offset == 0 ? ip->payload_len >= TCP_HEADER_LEAST :
					  ip->fragment_offset >= TCP_HEADER_LEAST;
}

/* Options are not followed (source routes) or not of interest; only their lengths must be right (MUST-50). */
static bool parse_v4_options(struct ip_header *ip, const uint8_t *p, size_t n)
{
	while (n > 0 && p[0] != V4_OPTION_END) {
		const size_t len = p[0] == V4_OPTION_NOP ? 1 : n > 1 ? p[1] : 0;

		if (len == 0 || len > n || (len == 1 && p[0] != V4_OPTION_NOP))
			return false;
		if (p[0] == V4_OPTION_LSRR || p[0] == V4_OPTION_SSRR)
			ip->source_routed = true;
		p += len, n -= len;
	}
	return true;
}

/* Most are of five words. */
static bool v4_sum_is_right(const uint8_t *p, uint32_t header)
{
	uint64_t first[2];
	uint32_t last;

	memcpy(first, p, sizeof first);
	memcpy(&last, p + sizeof first, sizeof last);
	const uint64_t sum = (uint32_t)first[0] + (first[0] >> 32) + (uint32_t)first[1] + (first[1] >> 32) + last;

	return checksum_is_right(checksum_header(sum_fold32(sum), p + IPV4_HEADER, header - IPV4_HEADER));
}

static enum ip_parse_result parse_v4(struct ip_header *ip, const uint8_t *p, size_t len, bool quoted)
{
	if (len < IPV4_HEADER)
		return IP_MALFORMED;
	const uint32_t header = (p[0] & 0xf) * 4u, total = get16(p + 2), fragment = get16(p + 6);

	if (header < IPV4_HEADER || header > len || total < header || (total > len && !quoted))
		return IP_MALFORMED;
	if (!quoted && !v4_sum_is_right(p, header))
		return IP_BAD_CHECKSUM;
	*ip = (struct ip_header){
		.src = { { [10] = 0xff, [11] = 0xff } },
		.dst = { { [10] = 0xff, [11] = 0xff } },
		.version = 4,
		.protocol = p[9],
		.ttl = p[8],
		.traffic_class = p[1],
		.dont_fragment = (fragment & V4_DONT_FRAGMENT) != 0,
		.id = get16(p + 4),
		.header_len = header,
		.protocol_at = 9,
		.payload = p + header,
		.payload_len = (uint32_t)min_size(total, len) - header,
	};
	memcpy(ip->src.b + 12, p + 12, 4);
	memcpy(ip->dst.b + 12, p + 16, 4);
	if (header > IPV4_HEADER && !parse_v4_options(ip, p + IPV4_HEADER, header - IPV4_HEADER))
		return IP_MALFORMED;
	if ((fragment & (V4_OFFSET | V4_MORE_FRAGMENTS)) == 0)
		return IP_PARSED;
	ip->is_fragment = true;
	ip->more_fragments = (fragment & V4_MORE_FRAGMENTS) != 0;
	ip->fragment_offset = (uint16_t)((fragment & V4_OFFSET) * 8);
	return fragment_is_sound(ip, quoted) ? IP_PARSED : IP_MALFORMED;
}

/* A parameter problem, unless it may not be told: to no group or nobody, and of a packet for many only
 * what RFC 4443 2.4 (e.3) lists. */
static enum ip_parse_result problem(struct ip_header *ip, uint8_t code, uint32_t pointer, bool even_multicast)
{
	if (!addr_is_unicast(&ip->src) || (addr_is_multicast(&ip->dst) && !even_multicast))
		return IP_MALFORMED;
	ip->problem_code = code;
	ip->problem_pointer = pointer;
	return IP_PARAMETER_PROBLEM;
}

/* How many Pad1 begin at p, of n octets; more than V6_PAD1_MOST count as one more. Counted at once: an option each
 * would let a sender have us take a step for every octet. */
static uint32_t pad1_run(const uint8_t *p, uint32_t n)
{
	uint32_t run = 0;

	if (n > V6_PAD1_MOST) {
		const uint64_t word = get64(p);

		return word == 0 ? V6_PAD1_MOST + 1 : (uint32_t)__builtin_clzll(word) / 8;
	}
	while (run < n && p[run] == V6_OPTION_PAD1)
		run++;
	return run;
}

/* The options between at and end of one hop-by-hop or destination options header. We know none but
 * padding: router alert may be skipped by its own type, jumbo payload and home address are refused so. More padding
 * than aligns anything, and more options than anybody sends, are dropped in silence (RFC 8504 5.3): each costs us
 * work and its sender two octets. */
static enum ip_parse_result parse_v6_options(struct ip_header *ip, const uint8_t *packet, uint32_t at,
					     uint32_t end)
{
	unsigned options = 0;

	while (at < end) {
		const uint8_t type = packet[at];

		if (type == V6_OPTION_PAD1) {
			const uint32_t run = pad1_run(packet + at, end - at);

			if (run > V6_PAD1_MOST)
				return IP_MALFORMED;
			at += run;
			continue;
		}
		if (++options > IP_V6_OPTIONS_MAX)
			return IP_MALFORMED;
		if (end - at < 2 || packet[at + 1] > end - at - 2)
			return IP_MALFORMED;
		const enum option_action action = type == V6_OPTION_PADN ? SKIP : type >> 6;

		if (action == DISCARD)
			return IP_MALFORMED;
		if (action != SKIP)
			return problem(ip, UNRECOGNISED_OPTION, at, action == DISCARD_AND_TELL);
		at += 2u + packet[at + 1];
	}
	return IP_PARSED;
}

/* The header at w->at. An atomic fragment (RFC 6946) is taken as if it had no fragment header. */
static enum ip_parse_result parse_v6_fragment(struct ip_header *ip, struct walk *w)
{
	const uint8_t *p = w->packet + w->at;
	const uint32_t field = get16(p + 2);
	const uint32_t text = w->end - w->at - IPV6_FRAGMENT_HEADER;

	ip->unfragmentable_len = w->at;
	ip->fragment_named_at = w->named_at;
	ip->fragment_offset = field & 0xfff8;
	ip->more_fragments = (field & V6_MORE_FRAGMENTS) != 0;
	ip->is_fragment = ip->fragment_offset != 0 || ip->more_fragments;
	ip->id = get32(p + 4);
	if (w->quoted)
		return IP_PARSED;
	/* RFC 8200 4.5 names these two as worth an answer. */
	if (ip->more_fragments && text % 8 != 0)
		return problem(ip, ERRONEOUS_FIELD, 4, false);
	if (ip->fragment_offset + text > DATAGRAM_MAX)
		return problem(ip, ERRONEOUS_FIELD, w->at + 2, false);
	return IP_PARSED;
}

static bool is_extension(uint8_t protocol)
{
	return protocol == HOP_BY_HOP || protocol == ROUTING || protocol == FRAGMENT ||
	       protocol == DESTINATION_OPTIONS;
}

/* The extension header of kind ip->protocol at w->at: goes past it. */
static enum ip_parse_result parse_extension(struct ip_header *ip, struct walk *w)
{
	if (w->end - w->at < 8)
		return IP_MALFORMED;
	const uint8_t	    *p = w->packet + w->at;
	const uint32_t	     len = ip->protocol == FRAGMENT ? IPV6_FRAGMENT_HEADER : (p[1] + 1u) * 8;
	enum ip_parse_result result = IP_PARSED;

	if (len > w->end - w->at)
		return IP_MALFORMED;
	switch (ip->protocol) {
	case HOP_BY_HOP:
		if (w->at != IPV6_HEADER)
			return problem(ip, UNRECOGNISED_HEADER, w->named_at, false); /* RFC 8200 4.1 */
		result = parse_v6_options(ip, w->packet, w->at + 2, w->at + len);
		break;
	case DESTINATION_OPTIONS:
		result = parse_v6_options(ip, w->packet, w->at + 2, w->at + len);
		break;
	case ROUTING:
		if (p[3] > 0) /* segments left: we forward nothing */
			return problem(ip, ERRONEOUS_FIELD, w->at + 2, false);
		break;
	case FRAGMENT:
		if (ip->unfragmentable_len > 0)
			return IP_MALFORMED; /* a second one */
		result = parse_v6_fragment(ip, w);
		break;
	}
	ip->protocol = p[0];
	w->named_at = w->at;
	w->at += len;
	return result;
}

static enum ip_parse_result parse_v6(struct ip_header *ip, const uint8_t *p, size_t len, bool quoted)
{
	if (len < IPV6_HEADER)
		return IP_MALFORMED;
	const uint32_t total = IPV6_HEADER + get16(p + 4);

	if (total > len && !quoted)
		return IP_MALFORMED;
	*ip = (struct ip_header){
		.version = 6,
		.protocol = p[6],
		.ttl = p[7],
		.traffic_class = (uint8_t)(get16(p) >> 4),
		.flow_label = get32(p) & 0xfffff,
		.dont_fragment = true,
	};
	memcpy(ip->src.b, p + 8, sizeof ip->src.b);
	memcpy(ip->dst.b, p + 24, sizeof ip->dst.b);
	if (addr_is_v4(&ip->src) || addr_is_v4(&ip->dst))
		return IP_MALFORMED;

	struct walk w = {
		.packet = p,
		.at = IPV6_HEADER,
		.end = (uint32_t)min_size(total, len),
		.named_at = 6,
		.quoted = quoted,
	};
	for (int headers = 0; is_extension(ip->protocol) && !ip->is_fragment; headers++) {
		if (headers == IP_EXTENSION_HEADERS_MAX)
			return IP_MALFORMED;
		const enum ip_parse_result result = parse_extension(ip, &w);

		if (result != IP_PARSED)
			return result;
	}
	ip->protocol_at = w.named_at;
	ip->header_len = w.at;
	ip->payload = p + w.at;
	ip->payload_len = ip->protocol == NO_NEXT_HEADER ? 0 : w.end - w.at;
	if (ip->is_fragment && !fragment_is_sound(ip, quoted))
		return IP_MALFORMED;
	return IP_PARSED;
}

static enum ip_parse_result parse(struct ip_header *ip, const uint8_t *p, size_t len, bool quoted)
{
	if (len > 0 && p[0] >> 4 == 4)
		return parse_v4(ip, p, len, quoted);
	if (len > 0 && p[0] >> 4 == 6)
		return parse_v6(ip, p, len, quoted);
	return IP_MALFORMED;
}

enum ip_parse_result ip_wire_parse(struct ip_header *ip, const uint8_t *p, size_t len)
{
	return parse(ip, p, len, false);
}

bool ip_wire_parse_quoted(struct ip_header *ip, const uint8_t *p, size_t len)
{
	return parse(ip, p, len, true) == IP_PARSED;
}

static size_t emit_v4(uint8_t *p, const struct ip_header *ip, uint32_t payload_len, uint32_t fragment)
{
	tern_assert(payload_len <= DATAGRAM_MAX - IPV4_HEADER);
	p[0] = 4 << 4 | IPV4_HEADER / 4;
	p[1] = ip->traffic_class;
	put16(p + 2, (uint16_t)(IPV4_HEADER + payload_len));
	put16(p + 4, (uint16_t)ip->id);
	put16(p + 6, (uint16_t)fragment);
	p[8] = ip->ttl;
	p[9] = ip->protocol;
	put16(p + 10, 0);
	put32(p + 12, addr_v4_of(&ip->src));
	put32(p + 16, addr_v4_of(&ip->dst));
	put16(p + 10, checksum_finish(checksum_header(0, p, IPV4_HEADER)));
	return IPV4_HEADER;
}

static size_t emit_v6(uint8_t *p, const struct ip_header *ip, uint8_t next_header, uint32_t payload_len)
{
	tern_assert(payload_len <= DATAGRAM_MAX);
	put32(p, 6u << 28 | (uint32_t)ip->traffic_class << 20 | (ip->flow_label & 0xfffff));
	put16(p + 4, (uint16_t)payload_len);
	p[6] = next_header;
	p[7] = ip->ttl;
	memcpy(p + 8, ip->src.b, sizeof ip->src.b);
	memcpy(p + 24, ip->dst.b, sizeof ip->dst.b);
	return IPV6_HEADER;
}

size_t ip_wire_emit(uint8_t *p, const struct ip_header *ip, uint32_t payload_len)
{
	if (ip->version == 4)
		return emit_v4(p, ip, payload_len, ip->dont_fragment ? V4_DONT_FRAGMENT : 0);
	tern_assert(ip->version == 6);
	return emit_v6(p, ip, ip->protocol, payload_len);
}

void ip_head4_init(struct ip_head4 *head, const struct ip_header *ip)
{
	struct ip_header bare = *ip;

	bare.ttl = bare.traffic_class = 0;
	(void)ip_wire_emit(head->bytes, &bare, 0);
	put16(head->bytes + 2, 0);
	put16(head->bytes + 10, 0);
	head->sum = 0;
	for (size_t i = 0; i < IPV4_HEADER; i += 2)
		head->sum += get16(head->bytes + i);
}

size_t ip_wire_emit_fragment(uint8_t *p, const struct ip_header *ip, uint32_t payload_len)
{
	tern_assert(ip->fragment_offset % 8 == 0);
	if (ip->version == 4)
		return emit_v4(p, ip, payload_len,
			       ip->fragment_offset / 8u | (ip->more_fragments ? V4_MORE_FRAGMENTS : 0));
	tern_assert(ip->version == 6);
	tern_assert(payload_len <= DATAGRAM_MAX - IPV6_FRAGMENT_HEADER);
	const size_t at = emit_v6(p, ip, FRAGMENT, payload_len + IPV6_FRAGMENT_HEADER);

	p[at] = ip->protocol;
	p[at + 1] = 0;
	put16(p + at + 2, (uint16_t)(ip->fragment_offset | (ip->more_fragments ? V6_MORE_FRAGMENTS : 0)));
	put32(p + at + 4, ip->id);
	return at + IPV6_FRAGMENT_HEADER;
}

/* The traffic class octet: IPv6 has it across its first two. */
static uint8_t traffic_class(const uint8_t *p)
{
	return p[0] >> 4 == 6 ? (uint8_t)(get16(p) >> 4) : p[1];
}

bool ip_wire_is_ecn_capable(const uint8_t *p, size_t len)
{
	const bool is_ip = len >= IPV4_HEADER && (p[0] >> 4 == 4 || (p[0] >> 4 == 6 && len >= IPV6_HEADER));

	return is_ip && (traffic_class(p) & ECN_BITS) != 0;
}

void ip_wire_mark_ce(uint8_t *p)
{
	if (p[0] >> 4 == 6) {
		p[1] |= ECN_BITS << 4;
		return;
	}
	/* RFC 1624 3: HC' = ~(~HC + ~m + m'); the word grows by what is added to its low octet. */
	const uint32_t sum = (~get16(p + 10) & 0xffffu) + (ECN_BITS - (p[1] & ECN_BITS));

	p[1] |= ECN_BITS;
	put16(p + 10, (uint16_t)~(sum + (sum >> 16)));
}
