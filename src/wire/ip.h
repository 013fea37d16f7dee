/* IPv4 (RFC 791, 6864) and IPv6 (RFC 8200) headers: bytes <-> struct. One struct serves both. */
#ifndef WIRE_IP_H
#define WIRE_IP_H

#include "base/assert.h"
#include "base/bytes.h"
#include "base/sum.h"
#include <tern/types.h>

enum {
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	IPV6_FRAGMENT_HEADER = 8,
	IPPROTO_ICMP4 = 1, /* not IPPROTO_ICMP: that name is libc's */
	IPPROTO_TCP_ = 6,
	IPPROTO_UDP_ = 17,
	IPPROTO_ICMP6 = 58,
	IP_EXTENSION_HEADERS_MAX = 8,
	IP_V6_OPTIONS_MAX = 16, /* in one header, PadN counted: the 8 of RFC 8504 5.3, each aligned */
};

enum ip_parse_result {
	IP_PARSED,
	IP_MALFORMED,	    /* drop and count */
	IP_BAD_CHECKSUM,    /* IPv4 header checksum */
	IP_PARAMETER_PROBLEM, /* RFC 8200 4: answer with ICMPv6 4, code and pointer in the struct */
};

struct ip_header {
	struct tern_addr src, dst;
	uint8_t		 version;      /* 4 or 6 */
	uint8_t		 protocol;     /* what the payload is, extension headers skipped */
	uint8_t		 ttl;	       /* hop limit */
	uint8_t		 traffic_class; /* DSCP and ECN */
	uint32_t	 flow_label;
	bool		 dont_fragment;
	bool		 is_fragment;  /* offset or more set; an atomic IPv6 fragment is none (RFC 6946) */
	bool		 more_fragments;
	bool		 source_routed; /* IPv4 LSRR or SSRR: never followed */
	uint16_t	 fragment_offset; /* bytes */
	uint32_t	 id;
	uint32_t	 header_len;   /* bytes before the payload, extension headers included */
	uint32_t	 unfragmentable_len; /* IPv6: bytes before the fragment header; 0: there was none */
	uint32_t	 fragment_named_at;  /* IPv6: offset of the octet that announces that header */
	uint32_t	 protocol_at;	     /* offset of the octet that holds `protocol` */
	const uint8_t	*payload;      /* aliases the packet */
	uint32_t	 payload_len;  /* by the header, never beyond the bytes that came */
	uint32_t	 zone;	       /* tells equal addresses apart: not of the wire, set by who knows the link */
	uint8_t		 problem_code; /* with IP_PARAMETER_PROBLEM */
	uint32_t	 problem_pointer;
};

/* Reads either version. Bytes beyond the length that the header tells are link padding: ignored.
 *
 * Extension headers: at most IP_EXTENSION_HEADERS_MAX; hop-by-hop (first only), destination options
 * (with the action bits of RFC 8200 4.2; at most IP_V6_OPTIONS_MAX in one, and seven Pad1 in a row),
 * routing (any type with segments left: parameter problem, RFC 8200 4.4, RFC 5095), one fragment
 * header. Of a fragment the walk ends at the fragment header: payload is what follows it and protocol
 * what it names, which may be a further extension header, so parse again what was put together.
 * Jumbograms (RFC 2675) are refused.
 *
 * Malformed are also: mapped addresses in an IPv6 header (they would pass for IPv4); empty fragments;
 * fragments that end beyond 65,535; TCP fragments that split the TCP header (RFC 1858, RFC 3128).
 * IP_PARAMETER_PROBLEM comes only where RFC 4443 2.4 (e) lets an error be sent. */
enum ip_parse_result ip_wire_parse(struct ip_header *ip, const uint8_t *p, size_t len);

/* The same for a header that an ICMP error quotes: the packet may be cut short, its IPv4 checksum is
 * not looked at (routers change what they quote). payload_len counts the bytes that are there.
 * False: not to be understood. */
bool ip_wire_parse_quoted(struct ip_header *ip, const uint8_t *p, size_t len);

/* Writes the header of ip (version, addresses, protocol, ttl, class, flow label, id, DF) for a payload
 * of payload_len, which with the IPv4 header or without the IPv6 one is at most 65,535; returns 20 or
 * 40. IPv4: with its checksum. */
size_t ip_wire_emit(uint8_t *p, const struct ip_header *ip, uint32_t payload_len);

/* What IPv4 headers to one address have in common. Then each is written as ip_wire_emit() would. */
struct ip_head4 {
	uint8_t	 bytes[IPV4_HEADER]; /* hop limit, traffic class, length and checksum 0 */
	uint32_t sum;
};
void ip_head4_init(struct ip_head4 *head, const struct ip_header *ip);
static inline void ip_head4_emit(uint8_t *p, const struct ip_head4 *head, uint8_t ttl, uint8_t traffic_class,
				 uint32_t payload_len)
{
	tern_assert(payload_len <= UINT16_MAX - IPV4_HEADER);
	memcpy(p, head->bytes, IPV4_HEADER);
	p[1] = traffic_class;
	put16(p + 2, (uint16_t)(IPV4_HEADER + payload_len));
	p[8] = ttl;
	/* In wire order as 16-bit words: of what differs, and of what does not. */
	const uint32_t sum = head->sum + traffic_class + (IPV4_HEADER + payload_len) + ((uint32_t)ttl << 8);

	put16(p + 10, (uint16_t)~sum_fold16(sum));
}

/* The same for one fragment, by fragment_offset and more_fragments: 20 bytes (DF left out), for IPv6
 * 48 with the fragment header. */
size_t ip_wire_emit_fragment(uint8_t *p, const struct ip_header *ip, uint32_t payload_len);

/* The packet says ECT(0), ECT(1) or CE (RFC 3168 5, RFC 8311): a router may mark it instead of dropping it. */
bool ip_wire_is_ecn_capable(const uint8_t *p, size_t len);
/* CE: "congestion experienced". Of a packet that is ECN-capable; IPv4's header checksum is mended (RFC 1624). */
void ip_wire_mark_ce(uint8_t *p);

#endif
