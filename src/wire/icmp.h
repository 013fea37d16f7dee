/* ICMP (RFC 792, 1191) and ICMPv6 (RFC 4443) messages: bytes <-> struct, errors told in one language. */
#ifndef WIRE_ICMP_H
#define WIRE_ICMP_H

#include "wire/ip.h"

/* What a message means, whatever the version. */
enum icmp_kind {
	ICMP_ECHO,
	ICMP_ECHO_REPLY,
	ICMP_NET_UNREACHABLE,	/* 3/0, 3/5, 3/6, 3/8, 3/11; v6 1/0 and codes without a better fit */
	ICMP_HOST_UNREACHABLE,	/* 3/1, 3/7, 3/12; v6 1/2, 1/3 */
	ICMP_PROTOCOL_UNREACHABLE, /* 3/2; v6 4/1 */
	ICMP_PORT_UNREACHABLE,	/* 3/3; v6 1/4 */
	ICMP_ADMIN_PROHIBITED,	/* 3/9, 3/10, 3/13 to 3/15; v6 1/1, 1/5, 1/6 */
	ICMP_PACKET_TOO_BIG,	/* 3/4; v6 2/0: mtu */
	ICMP_TIME_EXCEEDED,	/* 11/0; v6 3/0 */
	ICMP_REASSEMBLY_TIME,	/* 11/1; v6 3/1 */
	ICMP_PARAMETER_PROBLEM, /* 12; v6 4/0, 4/2, 4/3 */
	ICMP_SOURCE_QUENCH,	/* 4: discarded (MUST-55, RFC 6633) */
	ICMP_OTHER,
};

struct icmp_message {
	enum icmp_kind kind;
	uint8_t	       type, code;
	uint32_t       mtu;	/* ICMP_PACKET_TOO_BIG; 0: an old router that does not say */
	uint32_t       pointer; /* ICMP_PARAMETER_PROBLEM */
	uint32_t       echo;	/* identifier and sequence of an echo */
	const uint8_t *body;	/* after the eight bytes: echo data or the quoted packet */
	uint32_t       body_len;
};

/* Payload of an IP packet. False: a fragment, not ICMP of the packet's version, short, or the checksum
 * is wrong. */
bool icmp_wire_parse(struct icmp_message *icmp, const struct ip_header *ip);

/* Writes kind/mtu/pointer/echo and body_len bytes of body (which may stand at p + 8 already) at p,
 * checksummed for src and dst; returns the length: 8 + body_len. The version is that of src. The code
 * of an ICMPv6 ICMP_PARAMETER_PROBLEM, and type and code of ICMP_OTHER, are taken from the struct. */
size_t icmp_wire_emit(uint8_t *p, const struct icmp_message *icmp, const struct tern_addr *src,
		      const struct tern_addr *dst);

/* What an error quotes: the tuple and sequence number of our own segment (as its sender saw it).
 * False where the quote is too short, not TCP, or a later fragment. */
bool icmp_wire_quoted_tcp(const struct icmp_message *icmp, struct ip_header *quoted, uint16_t *src_port,
			  uint16_t *dst_port, uint32_t *seq);

#endif
