#include "support/router.h"

#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/tcp.h"

#include <string.h>

static const struct tern_addr router_v4 = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 254 } };
static const struct tern_addr router_v6 = { { 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfe } };

size_t router_refuses(const uint8_t *packet, size_t n, uint32_t mtu, uint8_t error[ROUTER_ERROR_MAX])
{
	struct ip_header ip;

	if (n <= mtu || ip_wire_parse(&ip, packet, n) != IP_PARSED)
		return 0;
	if (ip.version == 4 && !ip.dont_fragment)
		return 0;
	const size_t header = ip.version == 4 ? IPV4_HEADER : IPV6_HEADER;
	const size_t quote = ip.version == 4 ? 28 + 40 : ROUTER_ERROR_MAX - IPV6_HEADER - 8;
	struct icmp_message icmp = {
		.kind = ICMP_PACKET_TOO_BIG,
		.mtu = mtu,
		.body = packet,
		.body_len = (uint32_t)(n < quote ? n : quote),
	};
	const struct ip_header back = {
		.src = ip.version == 4 ? router_v4 : router_v6,
		.dst = ip.src,
		.version = ip.version,
		.protocol = ip.version == 4 ? IPPROTO_ICMP4 : IPPROTO_ICMP6,
		.ttl = 64,
	};
	const size_t body = icmp_wire_emit(error + header, &icmp, &back.src, &back.dst);

	ip_wire_emit(error, &back, (uint32_t)body);
	return header + body;
}

unsigned router_cuts(const uint8_t *packet, size_t n, uint32_t mtu, uint8_t *pieces,
		     uint32_t length[ROUTER_PIECES_MAX])
{
	struct ip_header ip;
	const uint32_t step = (mtu - IPV4_HEADER) / 8 * 8;
	unsigned count = 0;

	if (n <= mtu || ip_wire_parse(&ip, packet, n) != IP_PARSED || ip.version != 4 || ip.dont_fragment)
		return 0;
	for (uint32_t at = 0; at < ip.payload_len && count < ROUTER_PIECES_MAX; at += step) {
		const uint32_t some = ip.payload_len - at < step ? ip.payload_len - at : step;
		const bool more = ip.more_fragments || at + some < ip.payload_len;
		const uint32_t field = (ip.fragment_offset + at) / 8 | (more ? 0x2000u : 0);
		uint8_t *const piece = pieces;

		/* The plain header, then the field of offset and flags, then its sum anew (RFC 791). */
		ip_wire_emit(piece, &ip, some);
		piece[6] = (uint8_t)(field >> 8);
		piece[7] = (uint8_t)field;
		piece[10] = piece[11] = 0;
		const uint16_t sum = checksum_finish(checksum_add(0, piece, IPV4_HEADER));
		piece[10] = (uint8_t)(sum >> 8);
		piece[11] = (uint8_t)sum;
		memcpy(piece + IPV4_HEADER, ip.payload + at, some);
		length[count++] = IPV4_HEADER + some;
		pieces += IPV4_HEADER + some;
	}
	return count;
}

size_t forge_segment(const uint8_t *packet, size_t n, struct chance *chance, uint8_t forged[128])
{
	struct ip_header ip;
	struct tcp_segment seg;

	if (ip_wire_parse(&ip, packet, n) != IP_PARSED || ip.is_fragment || ip.protocol != IPPROTO_TCP_ ||
	    !tcp_wire_parse(&seg, ip.payload, ip.payload_len))
		return 0;
	seg.seq.v = (uint32_t)chance_next(chance);
	seg.ack.v = (uint32_t)chance_next(chance);
	seg.flags = chance_percent(chance, 50) ? TCP_ACK : chance_percent(chance, 50) ? TCP_RST : TCP_RST | TCP_ACK;
	seg.text_len = 0;
	memset(&seg.opt, 0, sizeof seg.opt);
	const size_t header = ip.version == 4 ? IPV4_HEADER : IPV6_HEADER;
	const size_t length = tcp_wire_emit(forged + header, &seg);
	uint32_t sum = checksum_pseudo(&ip.src, &ip.dst, IPPROTO_TCP_, (uint32_t)length);

	sum = checksum_add(sum, forged + header, length);
	const uint16_t field = checksum_finish(sum);
	forged[header + 16] = (uint8_t)(field >> 8);
	forged[header + 17] = (uint8_t)field;
	ip_wire_emit(forged, &ip, (uint32_t)length);
	return header + length;
}
