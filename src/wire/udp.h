/* UDP on the wire: RFC 768; over IPv6 RFC 8200 8.1. */
#ifndef WIRE_UDP_H
#define WIRE_UDP_H

#include "wire/ip.h"

enum { UDP_HEADER = 8 };

struct udp_datagram {
	uint16_t       src_port, dst_port;
	const uint8_t *data; /* aliases the packet */
	uint32_t       n;
};

enum udp_parse_result {
	UDP_PARSED,
	UDP_MALFORMED,
	UDP_BAD_CHECKSUM, /* also: none at all over IPv6 */
};

/* The payload of an IP packet whose protocol is UDP. offload: the sum needs no checking. Octets beyond
 * the length field are ignored (RFC 768 knows no surplus). */
enum udp_parse_result udp_wire_parse(struct udp_datagram *udp, const struct ip_header *ip, bool offload);

/* Writes the eight octets at p, with the checksum over data of n octets that will follow. */
void udp_wire_emit(uint8_t *p, const struct tern_addr *src, const struct tern_addr *dst, uint16_t src_port,
		   uint16_t dst_port, const uint8_t *data, uint32_t n);

#endif
