/* wire/: IPv4, IPv6 and its extension headers, and whatever they carry: TCP and its options, UDP, ICMP and its quotes,
 * neighbour discovery. What was understood is written and read again: nothing may have changed.
 *
 * The first byte: bit 0, the sums are made right first; bit 1, the packet is one that an ICMP error quotes.
 */
#include "fuzz/fuzz.h"
#include "fuzz/sums.h"

#include "base/bytes.h"
#include "wire/icmp.h"
#include "wire/nd.h"
#include "wire/nd_router.h"
#include "wire/tcp.h"
#include "wire/tuple.h"
#include "wire/udp.h"

enum { PACKET_MOST = 4096 };

/* ---- TCP ---- */

static void same_options(const struct tcp_options *was, const struct tcp_options *is, bool syn)
{
	if (was->has_mss != is->has_mss || (was->has_mss && was->mss != is->mss))
		fuzz_fail("MSS %u became %u", was->mss, is->mss);
	if (was->has_wscale != is->has_wscale || (was->has_wscale && was->wscale != is->wscale))
		fuzz_fail("window scale %u became %u", was->wscale, is->wscale);
	if (was->sack_permitted != is->sack_permitted)
		fuzz_fail("SACK-permitted changed");
	if (was->has_ts != is->has_ts || (was->has_ts && (was->ts_val != is->ts_val || was->ts_ecr != is->ts_ecr)))
		fuzz_fail("timestamps %u/%u became %u/%u", was->ts_val, was->ts_ecr, is->ts_val, is->ts_ecr);
	/* Those that do not fit are left out, and a SYN has none. */
	if (is->n_sack > was->n_sack || (!was->has_ts && !syn && is->n_sack < was->n_sack))
		fuzz_fail("%u SACK blocks became %u", was->n_sack, is->n_sack);
	for (unsigned i = 0; i < is->n_sack; i++)
		if (!seq_eq(was->sack[i].left, is->sack[i].left) || !seq_eq(was->sack[i].right, is->sack[i].right))
			fuzz_fail("SACK block %u changed", i);
	if (is->n_accecn > was->n_accecn || (is->n_accecn && is->accecn_1 != was->accecn_1))
		fuzz_fail("%u AccECN fields became %u", was->n_accecn, is->n_accecn);
	for (unsigned i = 0; i < is->n_accecn; i++)
		if (was->accecn[i] != is->accecn[i])
			fuzz_fail("AccECN field %u changed", i);
}

static void tcp(const uint8_t *p, uint32_t n)
{
	struct tcp_segment seg, again;
	uint8_t		   header[TCP_HEADER_MAX];

	if (!tcp_wire_parse(&seg, p, n))
		return;
	if (seg.text < p || seg.text_len > n || seg.text + seg.text_len != p + n)
		fuzz_fail("text of %u octets beyond a segment of %u", seg.text_len, n);
	if (seg.opt.n_sack > TCP_SACK_BLOCKS || seg.opt.n_accecn > TCP_ACCECN_FIELDS || seg.opt.wscale > TCP_WSCALE_MAX)
		fuzz_fail("options out of their range");
	const size_t len = tcp_wire_emit(header, &seg);
	if (len > sizeof header || len % 4 != 0 || len != tcp_wire_header_len(&seg))
		fuzz_fail("a header of %zu bytes, told as %zu", len, tcp_wire_header_len(&seg));
	if (!tcp_wire_parse(&again, header, len) || again.opt.malformed)
		fuzz_fail("our own header is malformed");
	if (!seq_eq(again.seq, seg.seq) || !seq_eq(again.ack, seg.ack) || again.src_port != seg.src_port ||
	    again.dst_port != seg.dst_port || again.flags != seg.flags || again.wnd != seg.wnd || again.up != seg.up)
		fuzz_fail("the fixed header changed");
	same_options(&seg.opt, &again.opt, seg.flags & TCP_SYN);
}

/* ---- the others ---- */

static void udp(const struct ip_header *ip)
{
	struct udp_datagram datagram;

	for (unsigned offload = 0; offload < 2; offload++) {
		if (udp_wire_parse(&datagram, ip, offload) != UDP_PARSED)
			continue;
		if (datagram.data < ip->payload || datagram.data + datagram.n > ip->payload + ip->payload_len)
			fuzz_fail("%u octets of UDP beyond the packet's %u", datagram.n, ip->payload_len);
	}
}

static void icmp(const struct ip_header *ip)
{
	struct icmp_message message;
	struct ip_header    quoted;
	uint16_t	    ports[2];
	uint32_t	    seq;

	if (!icmp_wire_parse(&message, ip))
		return;
	if (message.body < ip->payload || message.body + message.body_len > ip->payload + ip->payload_len)
		fuzz_fail("an ICMP body beyond the packet");
	if (icmp_wire_quoted_tcp(&message, &quoted, &ports[0], &ports[1], &seq) &&
	    (quoted.payload < message.body || quoted.payload + quoted.payload_len > message.body + message.body_len))
		fuzz_fail("a quote beyond its message");
}

static void discovery(const struct ip_header *ip)
{
	struct nd_message	      nd, again;
	struct nd_router_solicitation solicitation;
	uint8_t			      bytes[ND_MESSAGE];

	if (nd_is(ip) && nd_parse(&nd, ip)) {
		if (!addr_is_unicast(&nd.target))
			fuzz_fail("a neighbour whose address is a group's");
		struct ip_header sent = *ip;
		sent.payload = bytes;
		sent.payload_len = (uint32_t)nd_emit(bytes, &nd, &ip->src, &ip->dst);
		if (sent.payload_len > sizeof bytes || !nd_parse(&again, &sent) || again.type != nd.type ||
		    !addr_equal(&again.target, &nd.target) || again.has_mac != nd.has_mac ||
		    (nd.has_mac && !ethernet_equal(again.mac, nd.mac)))
			fuzz_fail("neighbour discovery comes back otherwise");
	}
	if (nd_router_is(ip))
		(void)nd_router_parse(&solicitation, ip);
}

static void payload(const struct ip_header *ip)
{
	switch (ip->protocol) {
	case IPPROTO_TCP_: tcp(ip->payload, ip->payload_len); break;
	case IPPROTO_UDP_: udp(ip); break;
	case IPPROTO_ICMP4:
	case IPPROTO_ICMP6:
		icmp(ip);
		discovery(ip);
		break;
	default: break;
	}
}

static void round_trip(const struct ip_header *ip)
{
	static uint8_t	 bytes[PACKET_MOST + 64];
	struct ip_header again;

	const size_t head = ip->is_fragment ? ip_wire_emit_fragment(bytes, ip, ip->payload_len) :
					      ip_wire_emit(bytes, ip, ip->payload_len);
	if (head + ip->payload_len > sizeof bytes)
		return;
	memcpy(bytes + head, ip->payload, ip->payload_len);
	const enum ip_parse_result result = ip_wire_parse(&again, bytes, head + ip->payload_len);
	if (result == IP_PARAMETER_PROBLEM && ip->is_fragment)
		return; /* what a fragment carries is looked at when it is whole */
	if (result != IP_PARSED || !addr_equal(&again.src, &ip->src) || !addr_equal(&again.dst, &ip->dst) ||
	    again.protocol != ip->protocol || again.ttl != ip->ttl || again.payload_len != ip->payload_len ||
	    again.traffic_class != ip->traffic_class || again.fragment_offset != ip->fragment_offset ||
	    again.more_fragments != ip->more_fragments)
		fuzz_fail("an IP header comes back otherwise (%d)", result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t	 packet[PACKET_MOST];
	struct fuzz_in	 in = { data, size };
	struct ip_header ip;
	const uint8_t	 how = fuzz_u8(&in);
	size_t		 n;
	const uint8_t	*at = fuzz_take(&in, PACKET_MOST, &n);

	if (how & 1) {
		memcpy(packet, at, n);
		sums_make_right(packet, n);
		at = packet;
	}
	if (how & 2) {
		if (ip_wire_parse_quoted(&ip, at, n) && ip.payload_len > 0 &&
		    (ip.payload < at || ip.payload + ip.payload_len > at + n))
			fuzz_fail("a quoted packet's payload beyond it");
		return 0;
	}
	(void)ip_wire_is_ecn_capable(at, n);
	if (ip_wire_parse(&ip, at, n) != IP_PARSED)
		return 0;
	if (ip.payload != at + ip.header_len || ip.header_len + ip.payload_len > n)
		fuzz_fail("payload [%u, +%u) of a packet of %zu bytes", ip.header_len, ip.payload_len, n);
	round_trip(&ip);
	if (!ip.is_fragment)
		payload(&ip);
	return 0;
}
