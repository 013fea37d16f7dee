#include "trace/segment.h"

#include "base/bytes.h"
#include "trace/fragments.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/ip.h"

/* ---- links ---- */

/* https://www.tcpdump.org/linktypes.html; DLT_RAW has another number in old files. */
enum link {
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_PPP = 9,
	LINK_RAW_OLD = 12,
	LINK_RAW_BSD = 14,
	LINK_RAW = 101,
	LINK_LOOP = 108,
	LINK_COOKED = 113,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_COOKED_2 = 276,
};

enum {
	COOKED = 16,
	COOKED_2 = 20,
	PPP_IPV4 = 0x0021,
	PPP_IPV6 = 0x0057,
	TAGS_MAX = 8,
	TYPE_VLAN_OLD = 0x9100, /* QinQ before 802.1ad */
	PACKET_OUTGOING = 4,	/* of a cooked header: sent by the capturing host */
};

/* Past the VLAN tags and the type at p[at..]. False: neither IPv4 nor IPv6 follows. */
static bool past_type(const uint8_t *p, uint32_t n, uint32_t *at)
{
	for (int tags = 0; tags <= TAGS_MAX && *at + 2 <= n; tags++) {
		const uint16_t type = get16(p + *at);

		if (type == ETHERNET_TYPE_IPV4 || type == ETHERNET_TYPE_IPV6) {
			*at += 2;
			return true;
		}
		if (type != ETHERNET_TYPE_VLAN && type != ETHERNET_TYPE_SERVICE && type != TYPE_VLAN_OLD)
			return false;
		*at += ETHERNET_TAG;
	}
	return false;
}

static bool past_cooked(const struct trace_packet *packet, uint32_t *at, uint8_t *direction)
{
	const bool second = packet->link == LINK_COOKED_2;

	if (packet->n < (second ? COOKED_2 : COOKED))
		return false;

	const unsigned type = second ? packet->bytes[10] : get16(packet->bytes);

	*direction = type == PACKET_OUTGOING ? TRACE_OUTBOUND : type == 0 ? TRACE_INBOUND : *direction;
	*at = second ? 0 : COOKED - 2;
	if (!second)
		return past_type(packet->bytes, packet->n, at);
	/* The type stands first, whatever follows the header last. */
	const uint16_t ether = get16(packet->bytes);

	*at = COOKED_2;
	if (ether == ETHERNET_TYPE_VLAN || ether == ETHERNET_TYPE_SERVICE) {
		*at += 2; /* the tag's number; its type is next */
		return past_type(packet->bytes, packet->n, at);
	}
	return ether == ETHERNET_TYPE_IPV4 || ether == ETHERNET_TYPE_IPV6;
}

/* Where the IP header begins. False: there is none, which is counted. */
static bool find_ip(struct trace_decoder *decoder, const struct trace_packet *packet, uint32_t *at,
		    uint8_t *direction)
{
	const uint8_t *const p = packet->bytes;
	bool		     found = true;

	*at = 0;
	*direction = packet->direction;
	switch (packet->link) {
	case LINK_ETHERNET:
		*at = ETHERNET_HEADER - 2;
		found = past_type(p, packet->n, at);
		break;
	case LINK_COOKED:
	case LINK_COOKED_2: found = past_cooked(packet, at, direction); break;
	case LINK_NULL:
	case LINK_LOOP:
		*at = 4;
		break; /* an address family of some system's, in some order: the version tells */
	case LINK_PPP:
		*at = packet->n >= 2 && p[0] == 0xff ? 2 : 0; /* address and control may be left out */
		found = packet->n >= *at + 2 && (get16(p + *at) == PPP_IPV4 || get16(p + *at) == PPP_IPV6);
		*at += 2;
		break;
	case LINK_RAW:
	case LINK_RAW_OLD:
	case LINK_RAW_BSD:
	case LINK_IPV4:
	case LINK_IPV6: break;
	default:
		decoder->others.unknown_link++;
		decoder->others.last_unknown_link = packet->link;
		return false;
	}
	found = found && packet->n > *at && (p[*at] >> 4 == 4 || p[*at] >> 4 == 6);
	decoder->others.not_ip += !found;
	return found;
}

/* ---- IP ---- */

/* Octets behind the IP headers, by the header's word; what came only where that says nothing: a length of 0 is one
 * that a device was to fill in (TSO), or a jumbogram's. */
static uint32_t payload_of(const struct ip_header *ip, const uint8_t *p, uint32_t wire)
{
	const uint32_t said = ip->version == 4 ? get16(p + 2) : get16(p + 4) + (uint32_t)IPV6_HEADER;
	const bool     unsaid = ip->version == 4 ? said == 0 : said == IPV6_HEADER;
	const uint32_t total = unsaid ? wire : said;

	return total > ip->header_len ? total - ip->header_len : 0;
}

/* ip_wire_parse_quoted() takes what is cut short, but not a length of 0. */
static bool parse_ip(struct ip_header *ip, const uint8_t *p, uint32_t n)
{
	enum { FIRST = 128 };
	uint8_t copy[FIRST];

	if (ip_wire_parse_quoted(ip, p, n))
		return ip->payload_len > 0 || p[0] >> 4 == 4 || get16(p + 4) != 0 || n == IPV6_HEADER;
	if (p[0] >> 4 != 4 || n < IPV4_HEADER || get16(p + 2) != 0)
		return false;
	memcpy(copy, p, min_u32(n, FIRST));
	put16(copy + 2, 0xffff);
	if (!ip_wire_parse_quoted(ip, copy, min_u32(n, FIRST)))
		return false;
	ip->payload = p + ip->header_len;
	ip->payload_len = n - ip->header_len;
	return true;
}

/* ---- TCP ---- */

/* Whether the sum says that the packet was damaged. A checksum that a device was to complete holds the
 * pseudo-header's sum alone, with or without the length, or nothing. */
static void check_sum(struct trace_segment *segment, const struct ip_header *ip, uint32_t payload,
		      const uint8_t *p)
{
	const uint32_t pseudo = checksum_pseudo(&ip->src, &ip->dst, IPPROTO_TCP_, payload);
	const uint16_t field = get16(p + 16);

	if (checksum_is_right(checksum_add(pseudo, p, payload))) {
		segment->has_right_sum = true;
		return;
	}
	const uint16_t left = (uint16_t)~checksum_finish(pseudo);
	const uint16_t no_length =
		(uint16_t)~checksum_finish(checksum_pseudo(&ip->src, &ip->dst, IPPROTO_TCP_, 0));

	segment->is_corrupt = field != 0 && field != left && field != no_length;
}

/* The header at p[0..n) of a segment of `payload` octets; what is not there of the options is left out. */
static bool parse_tcp(struct trace_segment *segment, const uint8_t *p, uint32_t n, uint32_t payload)
{
	struct tcp_segment tcp;
	uint8_t		   bare[TCP_HEADER_MIN];

	if (n < TCP_HEADER_MIN)
		return false;

	const uint32_t header = (p[12] >> 4) * 4u;

	if (header < TCP_HEADER_MIN || header > payload)
		return false;
	if (header > n) {
		memcpy(bare, p, sizeof bare);
		bare[12] = (uint8_t)(TCP_HEADER_MIN / 4 << 4 | (p[12] & 0xf));
		segment->is_cut = true;
		p = bare;
		n = sizeof bare;
	}
	if (!tcp_wire_parse(&tcp, p, n))
		return false;
	segment->tuple.local_port = tcp.src_port;
	segment->tuple.remote_port = tcp.dst_port;
	segment->seq = tcp.seq.v;
	segment->ack = tcp.ack.v;
	segment->len = payload - header;
	segment->flags = tcp.flags;
	segment->wnd = tcp.wnd;
	segment->up = tcp.up;
	segment->opt = tcp.opt;
	return true;
}

/* An IPv4 header's own checksum; 0 is one that a device was to fill in. */
static bool is_header_corrupt(const struct ip_header *ip, const uint8_t *p)
{
	return ip->version == 4 && get16(p + 10) != 0 && get16(p + 2) != 0 &&
	       !checksum_is_right(checksum_add(0, p, ip->header_len));
}

bool trace_decode(struct trace_decoder *decoder, const struct trace_packet *packet,
		  struct trace_segment *segment)
{
	struct ip_header ip;
	uint32_t	 at;
	uint8_t		 direction;

	if (!find_ip(decoder, packet, &at, &direction))
		return false;

	const uint8_t *const p = packet->bytes + at;
	const uint32_t	     n = packet->n - at;

	if (!parse_ip(&ip, p, n) || is_header_corrupt(&ip, p)) {
		decoder->others.malformed++;
		return false;
	}
	*segment = (struct trace_segment){
		.at = packet->at,
		.packet = packet->number,
		.tuple = { .local = ip.src, .remote = ip.dst },
		.ttl = ip.ttl,
		.id = ip.version == 4 ? (uint16_t)ip.id : 0,
		.direction = direction,
		.is_ce = (ip.traffic_class & 3) == 3,
	};
	uint32_t payload = payload_of(&ip, p, packet->len - at), have = min_u32(ip.payload_len, payload);
	const uint8_t *text = ip.payload;

	if (ip.is_fragment) {
		const struct trace_whole *const whole = trace_fragment(decoder, &ip, payload, packet->at);

		decoder->others.fragments++;
		if (!whole)
			return false;
		segment->fragments = whole->fragments;
		payload = whole->len;
		text = whole->head;
		have = min_u32(whole->n_head, payload);
	} else if (ip.protocol != IPPROTO_TCP_) {
		decoder->others.not_tcp++;
		return false;
	}
	if (!parse_tcp(segment, text, have, payload)) {
		decoder->others.malformed++;
		return false;
	}
	if (have == payload)
		check_sum(segment, &ip, payload, text);
	return true;
}
