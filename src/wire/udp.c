#include "wire/udp.h"
#include "base/bytes.h"
#include "wire/checksum.h"

enum udp_parse_result udp_wire_parse(struct udp_datagram *udp, const struct ip_header *ip, bool offload)
{
	const uint8_t *const p = ip->payload;
	uint32_t len, sum;

	if (ip->payload_len < UDP_HEADER)
		return UDP_MALFORMED;
	len = get16(p + 4);
	if (len < UDP_HEADER || len > ip->payload_len)
		return UDP_MALFORMED;
	*udp = (struct udp_datagram){
		.src_port = get16(p), .dst_port = get16(p + 2), .data = p + UDP_HEADER, .n = len - UDP_HEADER,
	};
	if (offload)
		return UDP_PARSED;
	if (get16(p + 6) == 0) /* no checksum: IPv4 allows it */
		return ip->version == 4 ? UDP_PARSED : UDP_BAD_CHECKSUM;
	sum = checksum_pseudo(&ip->src, &ip->dst, IPPROTO_UDP_, len);
	return checksum_is_right(checksum_add(sum, p, len)) ? UDP_PARSED : UDP_BAD_CHECKSUM;
}

void udp_wire_emit(uint8_t *p, const struct tern_addr *src, const struct tern_addr *dst, uint16_t src_port,
		   uint16_t dst_port, const uint8_t *data, uint32_t n)
{
	uint32_t sum = checksum_pseudo(src, dst, IPPROTO_UDP_, UDP_HEADER + n);
	uint16_t checksum;

	put16(p, src_port);
	put16(p + 2, dst_port);
	put16(p + 4, (uint16_t)(UDP_HEADER + n));
	put16(p + 6, 0);
	sum = checksum_add(sum, p, UDP_HEADER);
	checksum = checksum_finish(checksum_add(sum, data, n));
	put16(p + 6, checksum ? checksum : 0xffff); /* zero would mean none */
}
