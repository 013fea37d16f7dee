/* ICMP errors about datagrams that are no longer there: as much of them as an error must quote (RFC 792,
 * RFC 4443 3.1) is made again. */
#include "base/bytes.h"
#include "host/internal.h"
#include "wire/udp.h"

enum { QUOTE_MOST = 512 }; /* octets of data: the whole error stays below 576 (RFC 1812 4.3.2.3) */

static int kind_of(enum tern_unreachable why)
{
	switch (why) {
	case TERN_UNREACHABLE_NET: return ICMP_NET_UNREACHABLE;
	case TERN_UNREACHABLE_HOST: return ICMP_HOST_UNREACHABLE;
	case TERN_UNREACHABLE_PORT: return ICMP_PORT_UNREACHABLE;
	case TERN_UNREACHABLE_PROHIBITED: return ICMP_ADMIN_PROHIBITED;
	case TERN_UNREACHABLE_TOO_BIG: return ICMP_PACKET_TOO_BIG;
	}
	return -1;
}

int tern_datagram_report(tern_host *host, const struct tern_datagram *received, enum tern_unreachable why,
			 uint32_t mtu)
{
	const bool	 v4 = addr_is_v4(&received->local.addr);
	const struct ip_header ip = {
		.src = received->remote.addr,
		.dst = received->local.addr,
		.zone = received->remote.zone,
		.version = v4 ? 4 : 6,
		.protocol = IPPROTO_UDP_,
		.ttl = 64,
	};
	uint8_t	 quote[IPV6_HEADER + UDP_HEADER + QUOTE_MOST];
	uint32_t n = received->data ? (uint32_t)received->n : 0;

	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){
					  .op = TERN_RECORD_DATAGRAM_REPORT, .a = why, .b = mtu, .data = received });
	if (kind_of(why) < 0 || addr_is_v4(&received->remote.addr) != v4 || received->n > 65535 - UDP_HEADER)
		return -TERN_EINVAL;
	if (n > QUOTE_MOST)
		n = QUOTE_MOST;
	/* The lengths are those of the whole; what does not follow is what the error cuts off. */
	uint8_t *const udp = quote + ip_wire_emit(quote, &ip, UDP_HEADER + (uint32_t)received->n);
	put16(udp, received->remote.port);
	put16(udp + 2, received->local.port);
	put16(udp + 4, (uint16_t)(UDP_HEADER + received->n));
	put16(udp + 6, 0);
	if (n > 0)
		memcpy(udp + UDP_HEADER, received->data, n);
	icmp_error_mtu(host, &ip, quote, (uint32_t)(udp - quote) + UDP_HEADER + n, kind_of(why), mtu);
	return 0;
}
