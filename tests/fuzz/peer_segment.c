/* What the peer sends. A record's bytes, beside its first (kind and flow):
 *
 *   1  flags (FIN SYN RST PSH ACK URG ECE CWR)
 *   2  which options: MSS, window scale, SACK-permitted, timestamps, SACK, AccECN, raw octets; bit 7: in fragments
 *   3  where its sequence number is (sequence_of), and in the high bits, what harms it
 *   4  where its ACK is (ack_of)
 *   5  window
 *   6  octets of text
 *   7  urgent pointer, AE, ECN field
 *   8  four bytes of numbers, where one of those above wants one
 */
#include "fuzz/fuzz.h"
#include "fuzz/peer.h"
#include "fuzz/sums.h"

#include "base/bytes.h"
#include "wire/icmp.h"
#include "wire/tcp.h"
#include "wire/tuple.h"
#include "wire/udp.h"

enum { OPTIONS_FRAGMENTS = 0x80, MSS = 1460, FRAGMENT = 64 };

uint8_t peer_octet(uint32_t seq)
{
	return (uint8_t)(seq * 167 + (seq >> 8) * 13);
}

uint8_t peer_host_octet(uint32_t at)
{
	return (uint8_t)(at * 31 + (at >> 8) * 7 + 1);
}

static uint32_t argument(const uint8_t *op)
{
	return get32(op + 8);
}

static int32_t small(const uint8_t *op)
{
	return (int16_t)get16(op + 8);
}

static uint32_t sequence_of(const struct peer_flow *flow, const uint8_t *op, uint32_t len)
{
	const uint32_t nxt = flow->rcv_nxt;

	switch (op[3] & 15) {
	case 1: return nxt - 1;
	case 2: return nxt + 1;
	case 3: return nxt + flow->wnd;
	case 4: return nxt + flow->wnd - 1;
	case 5: return nxt - len;
	case 6: return nxt + MSS;
	case 7: return flow->end;
	case 8: return flow->isn;
	case 9: return nxt + (uint32_t)small(op);
	case 10: return argument(op);
	case 11: return nxt + 0x80000000u;
	case 12: return nxt - len / 2;
	case 13: return nxt + flow->wnd - len;
	case 14: return nxt + 2 * MSS;
	default: return nxt;
	}
}

static uint32_t ack_of(const struct peer_flow *flow, const uint8_t *op)
{
	switch (op[4] & 15) {
	case 1: return flow->una;
	case 2: return flow->una + MSS;
	case 3: return flow->nxt + 1;
	case 4: return flow->una - 1;
	case 5: return flow->una - (uint32_t)(small(op) & 0x7fff);
	case 6: return flow->una + (uint32_t)(small(op) & 0x7fff);
	case 7: return argument(op);
	case 8: return flow->iss + 1;
	case 9: return flow->nxt - 1;
	case 10: return flow->iss;
	case 11: return flow->nxt + 0x80000000u;
	case 12: return flow->una + (flow->nxt - flow->una) / 2;
	case 13: return flow->una + 1;
	default: return flow->nxt;
	}
}

static uint16_t window_of(const uint8_t *op)
{
	static const uint16_t windows[] = { 65535, 0, 1, 64, 256, 512, 1460, 4096 };

	return op[5] < 0xc0 ? windows[op[5] & 7] : (uint16_t)(op[5] << 8 | op[8]);
}

static uint32_t length_of(const uint8_t *op)
{
	static const uint16_t lengths[] = { 0, 1, 2, 10, 100, 536, MSS - 12, MSS };

	return op[6] < 0x80 ? lengths[op[6] & 7] : op[6] & 0x7fu;
}

/* Blocks above SND.UNA, in what flies; or below, which says that something came twice (RFC 2883). */
static void sack_blocks(struct tcp_options *opt, const struct peer_flow *flow, const uint8_t *op)
{
	const uint32_t left = flow->una + (op[8] & 15u) * 536, len = 1 + (op[9] & 15u) * 536u;

	opt->n_sack = (uint8_t)(1 + (op[9] >> 6));
	for (unsigned i = 0; i < opt->n_sack; i++) {
		opt->sack[i].left.v = left + i * 2 * len;
		opt->sack[i].right.v = left + i * 2 * len + len;
	}
	if (op[8] & 0x40)
		opt->sack[0].right.v = flow->nxt;
	if (op[8] & 0x80) {
		opt->sack[0].left.v = flow->una - len;
		opt->sack[0].right.v = flow->una;
	}
	if (op[8] & 0x20) {
		opt->sack[0].left.v = argument(op);
		opt->sack[0].right.v = argument(op) + len;
	}
}

static void options_of(struct tcp_options *opt, struct peer_flow *flow, const uint8_t *op)
{
	const bool syn = op[1] & TCP_SYN;

	*opt = (struct tcp_options){ .n_sack = 0 };
	if (op[2] & 1 && syn) {
		opt->has_mss = true;
		opt->mss = op[8] & 1 ? get16(op + 10) : op[8] & 2 ? 536 : MSS;
	}
	if (op[2] & 2 && syn) {
		opt->has_wscale = true;
		opt->wscale = op[8] >> 4;
	}
	opt->sack_permitted = op[2] & 4 && syn;
	if (op[2] & 8) {
		opt->has_ts = true;
		/* A clock that goes on; or back, or far ahead, where the record says so. */
		flow->our_ts += 1 + (op[7] & 0x40 ? (uint32_t)small(op) : 0);
		opt->ts_val = flow->our_ts;
		opt->ts_ecr = op[7] & 0x80 ? flow->ts - 1 - (op[11] & 7) : flow->ts;
		if (op[7] & 0x20)
			opt->ts_val = argument(op);
	}
	if (op[2] & 0x10)
		sack_blocks(opt, flow, op);
	if (op[2] & 0x20) {
		opt->n_accecn = (uint8_t)(1 + op[9] % 3);
		opt->accecn_1 = op[9] & 4;
		for (unsigned i = 0; i < 3; i++)
			opt->accecn[i] = (argument(op) >> 8 * i) & 0xffffff;
	}
}

/* The segment with its header as bytes; raw octets take the place of the options where the record wants it. */
static uint32_t write_segment(uint8_t *p, struct tcp_segment *seg, const uint8_t *op)
{
	uint32_t       head = (uint32_t)tcp_wire_emit(p, seg);
	const uint32_t first = seg->seq.v + ((seg->flags & TCP_SYN) != 0);

	if (op[2] & 0x40) {
		memcpy(p + TCP_HEADER_MIN, op + 4, 8);
		if (head < TCP_HEADER_MIN + 8)
			head = TCP_HEADER_MIN + 8;
		p[12] = (uint8_t)((head / 4) << 4 | (p[12] & 15));
	}
	for (uint32_t i = 0; i < seg->text_len; i++)
		p[head + i] = peer_octet(first + i);
	return head + seg->text_len;
}

static struct ip_header header_to_host(const struct peer_flow *flow, uint8_t protocol, const uint8_t *op)
{
	return (struct ip_header){
		.src = peer.state.remote[flow->v6], .dst = peer.state.local[flow->v6], .version = flow->v6 ? 6 : 4,
		.protocol = protocol, .ttl = 64, .traffic_class = op[7] & 3, .id = (uint32_t)(op[10] | op[11] << 8),
	};
}

/* In pieces of FRAGMENT octets; the last first where the record says so. */
static void send_in_fragments(struct ip_header *ip, const uint8_t *payload, uint32_t n, bool backwards)
{
	static uint8_t packet[PEER_PACKET_MOST];
	const uint32_t pieces = (n + FRAGMENT - 1) / FRAGMENT;

	for (uint32_t i = 0; i < pieces; i++) {
		const uint32_t at = (backwards ? pieces - 1 - i : i) * FRAGMENT;
		const uint32_t len = n - at < FRAGMENT ? n - at : FRAGMENT;

		ip->fragment_offset = (uint16_t)at;
		ip->more_fragments = at + len < n;
		const size_t head = ip_wire_emit_fragment(packet, ip, len);
		memcpy(packet + head, payload + at, len);
		peer_input(packet, (uint32_t)head + len);
	}
}

static void send_to_host(const struct peer_flow *flow, uint8_t protocol, const uint8_t *op, uint8_t *packet,
			 uint32_t n)
{
	struct ip_header ip = header_to_host(flow, protocol, op);
	const uint32_t	 head = flow->v6 ? IPV6_HEADER : IPV4_HEADER;

	ip_wire_emit(packet, &ip, n);
	sums_make_right(packet, head + n);
	if (op[3] & 0x80) /* one bit is wrong, as a link would have it */
		packet[(get16(op + 10) >> 3) % (head + n)] ^= (uint8_t)(1u << (op[11] & 7));
	if (op[3] & 0x40 && n > 8) /* cut short */
		n -= 1 + op[9] % (n - 1);
	if (protocol == IPPROTO_TCP_ && op[2] & OPTIONS_FRAGMENTS)
		send_in_fragments(&ip, packet + head, n, op[3] & 0x20);
	else
		peer_input(packet, head + n);
}

void peer_segment(struct peer_flow *flow, const uint8_t *op)
{
	static uint8_t	   packet[PEER_PACKET_MOST];
	struct tcp_segment seg = { .src_port = flow->remote, .dst_port = flow->local, .flags = op[1] };
	const uint32_t	   head = flow->v6 ? IPV6_HEADER : IPV4_HEADER;

	seg.text_len = length_of(op);
	seg.seq.v = op[1] & TCP_SYN && (op[3] & 15) == 0 ? flow->isn : sequence_of(flow, op, seg.text_len);
	seg.ack.v = ack_of(flow, op);
	seg.wnd = window_of(op);
	seg.flags |= op[7] & 4 ? TCP_AE : 0;
	seg.up = op[7] & 8 ? get16(op + 8) : (uint16_t)seg.text_len;
	options_of(&seg.opt, flow, op);
	if (op[1] & TCP_SYN && !(op[1] & TCP_ACK) && (op[3] & 15) == 0)
		flow->rcv_nxt = flow->isn + 1; /* until the host says other */
	const uint32_t end = seg.seq.v + tcp_seg_len(&seg);
	if ((int32_t)(end - flow->end) > 0)
		flow->end = end;
	if (op[1] & TCP_ACK && (int32_t)(seg.ack.v - flow->una) > 0 && (int32_t)(flow->nxt - seg.ack.v) >= 0)
		flow->una = seg.ack.v;
	send_to_host(flow, IPPROTO_TCP_, op, packet, write_segment(packet + head, &seg, op));
}

/* SYN, and the ACK of what the host answers; or, where the host opens, the SYN-ACK. */
void peer_handshake(struct peer_flow *flow, const uint8_t *op)
{
	uint8_t step[PEER_OP] = { [0] = op[0] };

	step[1] = TCP_SYN | (flow->open && !(op[1] & 1) ? TCP_ACK : 0) | (op[1] & 2 ? TCP_ECE | TCP_CWR : 0);
	step[2] = op[2] & 15;
	step[8] = op[8];
	if (!flow->open)
		flow->isn += 0x01000000u * (op[3] & 1); /* another incarnation */
	peer_segment(flow, step);
	peer_flush();
	step[1] = TCP_ACK;
	step[6] = op[6];
	peer_segment(flow, step);
}

/* ---- ICMP and UDP ---- */

void peer_icmp(const struct peer_flow *flow, const uint8_t *op)
{
	static const enum icmp_kind kinds[] = {
		ICMP_PORT_UNREACHABLE, ICMP_HOST_UNREACHABLE, ICMP_NET_UNREACHABLE, ICMP_PACKET_TOO_BIG,
		ICMP_TIME_EXCEEDED, ICMP_PARAMETER_PROBLEM, ICMP_PROTOCOL_UNREACHABLE, ICMP_ADMIN_PROHIBITED,
		ICMP_ECHO, ICMP_ECHO_REPLY, ICMP_REASSEMBLY_TIME, ICMP_SOURCE_QUENCH,
	};
	static uint8_t packet[PEER_PACKET_MOST];
	uint8_t	       quote[sizeof flow->quote];
	const uint32_t head = flow->v6 ? IPV6_HEADER : IPV4_HEADER;

	memcpy(quote, flow->quote, flow->n_quote);
	if (op[3] & 0x20 && flow->n_quote > head + 8) /* of a sequence number that does not fly */
		put32(quote + head + 4, get32(quote + head + 4) + (uint32_t)small(op) * 0x1000);
	struct icmp_message message = {
		.kind = kinds[op[1] % (sizeof kinds / sizeof *kinds)], .mtu = get16(op + 10), .pointer = op[8],
		.echo = argument(op), .body = quote, .body_len = flow->n_quote - flow->n_quote * (op[9] & 7) / 8,
	};
	const struct tern_addr *const src = &peer.state.remote[flow->v6], *const dst = &peer.state.local[flow->v6];
	const uint32_t n = (uint32_t)icmp_wire_emit(packet + head, &message, src, dst);
	send_to_host(flow, flow->v6 ? IPPROTO_ICMP6 : IPPROTO_ICMP4, op, packet, n);
}

void peer_datagram(const struct peer_flow *flow, const uint8_t *op)
{
	static uint8_t packet[PEER_PACKET_MOST];
	const uint32_t head = flow->v6 ? IPV6_HEADER : IPV4_HEADER, n = length_of(op);

	for (uint32_t i = 0; i < n; i++)
		packet[head + UDP_HEADER + i] = (uint8_t)i;
	udp_wire_emit(packet + head, &peer.state.remote[flow->v6], &peer.state.local[flow->v6], flow->remote,
		      op[1] & 1 ? 53 : 54, packet + head + UDP_HEADER, n);
	send_to_host(flow, IPPROTO_UDP_, op, packet, UDP_HEADER + n);
}
