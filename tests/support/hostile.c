#include "support/hostile.h"

#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/nd.h"
#include "wire/tuple.h"

#include <stdlib.h>
#include <string.h>

enum { MSS = 1460, SOURCES = 10000, HOP_BY_HOP = 0, DESTINATION = 60, NO_PORT = 9 };

struct foe	       hostile_foe;
static struct foe_flow flow;
static tern_socket     listener;
static struct chance   chance;

#define F (&hostile_foe)

static uint32_t any(uint32_t n)
{
	return (uint32_t)chance_below(&chance, n);
}

static uint32_t a_source(void)
{
	return 0x00020000 + any(SOURCES);
}

static size_t segment(uint8_t *p, const struct tcp_segment *seg)
{
	return foe_segment(F, p, flow.peer, seg);
}

static size_t of_flow(uint8_t *p, unsigned flags, int32_t seq, int32_t ack, uint32_t len)
{
	const struct tcp_segment seg = foe_of(&flow, flags, seq, ack, len);

	return segment(p, &seg);
}

/* ---- where it begins ---- */

static void open_flow(void)
{
	listener = foe_listen(F, 128);
	flow = foe_flow(FOE_PEER, 5000);
	flow.sack = true;
	foe_open(F, listener, &flow);
	(void)foe_drain(F);
}

/* Some thousand segments in flight, towards a peer that stops to acknowledge. */
static void open_flight(void)
{
	enum { CHUNK = 1 << 17, ROUNDS = 9 };

	listener = foe_listen(F, 128);
	flow = foe_flow(FOE_PEER, 5000);
	flow.sack = true;
	flow.wscale = 14;
	foe_open(F, listener, &flow);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < 64; i++)
			if (tern_send(F->host, flow.socket, foe_text(0, CHUNK), CHUNK, 0) < CHUNK)
				break;
		(void)foe_wait(F, 20 * TERN_MILLISECOND);
		if (round + 1 < ROUNDS) {
			flow.ack = seq(foe_status(F, &flow).snd_nxt);
			foe_say(F, &flow, TCP_ACK, 0, 0, 0);
		}
	}
	flow.ack = seq(foe_status(F, &flow).snd_una);
}

static size_t a_syn(uint8_t *p, uint32_t peer, uint16_t port)
{
	struct tcp_segment syn = {
		.src_port = port, .flags = TCP_SYN, .seq = seq((uint32_t)chance_next(&chance)), .wnd = 64240
	};

	syn.opt.has_mss = syn.opt.has_wscale = syn.opt.sack_permitted = syn.opt.has_ts = true;
	syn.opt.mss = MSS;
	syn.opt.wscale = 7;
	syn.opt.ts_val = 1;
	return foe_segment(F, p, peer, &syn);
}

static void fill_backlog(void)
{
	uint8_t p[200];

	listener = foe_listen(F, 128);
	for (unsigned i = 0; i < 200; i++) {
		foe_raw(F, p, a_syn(p, a_source(), (uint16_t)(1024 + i)));
		(void)foe_drain(F);
	}
}

static void wide_backlog(void)
{
	listener = foe_listen(F, 1 << 20);
}

static void in_time_wait(void)
{
	open_flow();
	(void)tern_shutdown(F->host, flow.socket);
	(void)foe_drain(F);
	foe_say(F, &flow, TCP_FIN | TCP_ACK, 0, 1, 0);
	(void)foe_drain(F);
	(void)tern_close(F->host, flow.socket);
}

/* ---- segments ---- */

static size_t in_order(uint32_t i, uint8_t *p)
{
	return of_flow(p, TCP_ACK, (int32_t)(i * MSS), 0, MSS);
}

static void read_all(void)
{
	static uint8_t to[1 << 17];

	while (tern_receive(F->host, flow.socket, to, sizeof to) > 0)
		;
}

static size_t syn(uint32_t i, uint8_t *p)
{
	(void)i;
	return a_syn(p, a_source(), (uint16_t)any(65536));
}

/* The same sum of addresses and ports: one bucket, to a hash without a key. */
static size_t colliding_syn(uint32_t i, uint8_t *p)
{
	return a_syn(p, 0x00020000 + i, (uint16_t)(65535 - i));
}

static size_t cookie_guess(uint32_t i, uint8_t *p)
{
	const struct tcp_segment ack = { .src_port = (uint16_t)(i + 1),
					 .flags = TCP_ACK,
					 .wnd = 1000,
					 .seq = seq((uint32_t)chance_next(&chance)),
					 .ack = seq((uint32_t)chance_next(&chance)) };

	return foe_segment(F, p, a_source(), &ack);
}

static size_t reset_in_window(uint32_t i, uint8_t *p)
{
	return of_flow(p, TCP_RST, (int32_t)(1 + i % 60000), 0, 0);
}

static size_t syn_on_flow(uint32_t i, uint8_t *p)
{
	return of_flow(p, TCP_SYN, (int32_t)i, 0, 0);
}

static size_t beyond_window(uint32_t i, uint8_t *p)
{
	return of_flow(p, TCP_ACK, (int32_t)(1 << 20) + (int32_t)i, 0, MSS);
}

static size_t out_of_order(uint32_t i, uint8_t *p)
{
	(void)i;
	return of_flow(p, TCP_ACK, (int32_t)(2 + 2 * any(32000)), 0, 1);
}

static size_t old_text(uint32_t i, uint8_t *p)
{
	return of_flow(p, TCP_ACK, -(int32_t)(1 + i % 1000), 0, 1);
}

static size_t ack_beyond(uint32_t i, uint8_t *p)
{
	return of_flow(p, TCP_ACK, 0, (int32_t)(1 << 28) + (int32_t)i, 0);
}

static size_t duplicate_ack(uint32_t i, uint8_t *p)
{
	(void)i;
	return of_flow(p, TCP_ACK, 0, 0, 0);
}

static size_t split_ack(uint32_t i, uint8_t *p)
{
	return of_flow(p, TCP_ACK, 0, (int32_t)i + 1, 0);
}

static size_t sacks(uint8_t *p, uint32_t width, bool below)
{
	struct tcp_segment seg = foe_of(&flow, TCP_ACK, 0, 0, 0);

	for (unsigned k = 0; k < TCP_SACK_BLOCKS; k++) {
		const uint32_t at = MSS * (1 + 2 * any(1000));
		const seq_t    left = seq_add(flow.ack, below && k == 0 ? 0u - 2 * MSS : at);

		seg.opt.sack[seg.opt.n_sack++] = (struct tcp_sack_block){ left, seq_add(left, width) };
	}
	return segment(p, &seg);
}

static size_t sack_singles(uint32_t i, uint8_t *p)
{
	(void)i;
	return sacks(p, MSS, false);
}

static size_t sack_octets(uint32_t i, uint8_t *p)
{
	(void)i;
	return sacks(p, 1, false);
}

static size_t dsacks(uint32_t i, uint8_t *p)
{
	(void)i;
	return sacks(p, MSS, true);
}

static size_t options_of_nops(uint32_t i, uint8_t *p)
{
	const struct tcp_segment seg = foe_of(&flow, TCP_ACK, 0, (int32_t)(i & 1), 0);
	const size_t		 len = segment(p, &seg), ip = len - TCP_HEADER_MIN;

	memset(p + len, 1, TCP_OPTIONS_MAX);
	p[ip + 12] = 0xf0;
	put16(p + 2, (uint16_t)(len + TCP_OPTIONS_MAX));
	foe_sum_v4(p, ip);
	foe_sum_upper(F, p, ip, TCP_HEADER_MAX, IPPROTO_TCP_, 16);
	return len + TCP_OPTIONS_MAX;
}

static size_t bad_checksum(uint32_t i, uint8_t *p)
{
	const size_t len = of_flow(p, TCP_ACK, (int32_t)i, 0, MSS);

	p[len - 1] ^= 1;
	return len;
}

static size_t fin_again(uint32_t i, uint8_t *p)
{
	(void)i;
	return of_flow(p, TCP_FIN | TCP_ACK, 0, 1, 0);
}

/* ---- fragments ---- */

static size_t piece(uint8_t *p, uint32_t peer, uint32_t id, uint32_t offset, bool more, uint32_t n)
{
	const struct ip_header ip = { .src = foe_addr(F, peer),
				      .dst = foe_addr(F, FOE_HOST),
				      .version = F->v6 ? 6 : 4,
				      .protocol = IPPROTO_UDP_,
				      .ttl = 64,
				      .id = F->v6 ? id : id & 0xffff,
				      .is_fragment = true,
				      .fragment_offset = (uint16_t)offset,
				      .more_fragments = more };
	const size_t	       header = ip_wire_emit_fragment(p, &ip, n);

	memset(p + header, (int)(offset >> 3), n);
	return header + n;
}

static size_t tiny_pieces(uint32_t i, uint8_t *p)
{
	return piece(p, FOE_PEER, i / 60, 8 * (7919 * i % 60), true, 8);
}

static size_t pieces_backwards(uint32_t i, uint8_t *p)
{
	return piece(p, FOE_PEER, i / 64, 8 * (4000 - 2 * (i % 64)), true, 8);
}

static size_t overlapping_pieces(uint32_t i, uint8_t *p)
{
	return piece(p, FOE_PEER, i / 40, 8 * (i % 40), true, i % 40 == 39 ? 16 : 8);
}

static size_t first_pieces(uint32_t i, uint8_t *p)
{
	return piece(p, a_source(), i, 0, true, 1400);
}

/* ---- IPv6 headers ---- */

static size_t with_headers(uint8_t *p, const uint8_t *headers, size_t n, uint8_t first)
{
	uint8_t	       rest[200];
	const size_t   len = of_flow(rest, TCP_ACK, 0, 0, 0), tcp = len - IPV6_HEADER;
	static uint8_t payload[2000];

	memcpy(payload, headers, n);
	memcpy(payload + n, rest + IPV6_HEADER, tcp);
	return foe_packet(F, p, flow.peer, first, payload, n + tcp);
}

/* As many of them, of options and of padding as are let pass. */
static size_t eight_headers(uint32_t i, uint8_t *p)
{
	enum {
		EACH = 152,
		OPTION = 9 /* none of its own octets, and seven of Pad1 */,
		OPTIONS = IP_V6_OPTIONS_MAX - 1
	};
	uint8_t headers[IP_EXTENSION_HEADERS_MAX * EACH] = { 0 };

	(void)i;
	for (unsigned k = 0; k < IP_EXTENSION_HEADERS_MAX; k++) {
		uint8_t *const at = headers + (size_t)k * EACH;

		at[0] = k + 1 < IP_EXTENSION_HEADERS_MAX ? DESTINATION : IPPROTO_TCP_;
		at[1] = EACH / 8 - 1;
		for (unsigned o = 0; o < OPTIONS; o++)
			at[2 + o * OPTION] = 0x1e; /* unknown, to be skipped */
		at[2 + OPTIONS * OPTION] = 1;	   /* PadN */
		at[3 + OPTIONS * OPTION] = EACH - OPTIONS * OPTION - 4;
	}
	return with_headers(p, headers, sizeof headers, HOP_BY_HOP);
}

static size_t pads(uint32_t i, uint8_t *p)
{
	uint8_t header[1400] = { IPPROTO_TCP_, 1400 / 8 - 1 }; /* Pad1, 1,398 of them */

	(void)i;
	return with_headers(p, header, sizeof header, DESTINATION);
}

static size_t bad_option(uint32_t i, uint8_t *p)
{
	uint8_t header[8] = { IPPROTO_TCP_, 0, 0x9e, 4 }; /* parameter problem, whatever the destination */

	(void)i;
	return with_headers(p, header, sizeof header, DESTINATION);
}

/* ---- ICMP, UDP, others ---- */

static size_t error_about_flow(uint8_t *p, enum icmp_kind kind)
{
	struct icmp_message	 error = { .kind = kind, .mtu = 1400 };
	const struct ip_header	 ours = { .src = foe_addr(F, FOE_HOST),
					  .dst = foe_addr(F, flow.peer),
					  .version = 4,
					  .protocol = IPPROTO_TCP_,
					  .ttl = 64,
					  .dont_fragment = true };
	const struct tcp_segment seg = { .src_port = FOE_PORT,
					 .dst_port = flow.port,
					 .flags = TCP_ACK,
					 .seq = seq_add(flow.ack, any(60000)) };
	uint8_t			 quote[600] = { 0 }, message[700];
	const size_t		 n = ip_wire_emit(quote, &ours, 1480);

	(void)tcp_wire_emit(quote + n, &seg);
	error.body = quote;
	error.body_len = 548;
	const struct tern_addr src = foe_addr(F, flow.peer), dst = foe_addr(F, FOE_HOST);
	const size_t	       len = icmp_wire_emit(message, &error, &src, &dst);
	return foe_packet(F, p, flow.peer, IPPROTO_ICMP4, message, len);
}

static size_t unreachable(uint32_t i, uint8_t *p)
{
	(void)i;
	return error_about_flow(p, ICMP_HOST_UNREACHABLE);
}

static size_t too_big(uint32_t i, uint8_t *p)
{
	(void)i;
	return error_about_flow(p, ICMP_PACKET_TOO_BIG);
}

static size_t echo(uint32_t i, uint8_t *p)
{
	static uint8_t	       message[MSS + 8];
	struct icmp_message    ask = { .kind = ICMP_ECHO, .echo = i, .body = message + 8, .body_len = MSS };
	const struct tern_addr src = foe_addr(F, FOE_PEER), dst = foe_addr(F, FOE_HOST);

	(void)icmp_wire_emit(message, &ask, &src, &dst);
	return foe_packet(F, p, FOE_PEER, IPPROTO_ICMP4, message, sizeof message);
}

static size_t datagram(uint32_t i, uint8_t *p)
{
	uint8_t	     text[MSS] = { 0 };
	const size_t header = F->v6 ? IPV6_HEADER : IPV4_HEADER;

	put16(text, (uint16_t)i);
	put16(text + 2, NO_PORT);
	put16(text + 4, sizeof text);
	const size_t len = foe_packet(F, p, a_source(), IPPROTO_UDP_, text, sizeof text);
	foe_sum_upper(F, p, header, sizeof text, IPPROTO_UDP_, 6);
	return len;
}

static size_t strange_protocol(uint32_t i, uint8_t *p)
{
	static const uint8_t nothing[100];

	return foe_packet(F, p, a_source(), (uint8_t)(200 + i % 16), nothing, sizeof nothing);
}

static size_t noise(uint32_t i, uint8_t *p)
{
	const uint32_t n = 20 + any(200);

	(void)i;
	for (uint32_t k = 0; k < n; k++)
		p[k] = (uint8_t)chance_next(&chance);
	p[0] = 0x45;
	return n;
}

/* ---- Ethernet ---- */

static const uint8_t own_mac[6] = { 2, 0, 0, 0, 0, 2 };

static void frame(uint8_t *p, uint16_t type, uint32_t peer, bool to_all)
{
	struct ethernet_header header = { .type = type };

	memset(header.dst, 0xff, 6);
	if (!to_all)
		memcpy(header.dst, own_mac, 6);
	header.src[0] = 2;
	put32(header.src + 2, peer);
	ethernet_emit(p, &header);
}

static size_t arp(uint8_t *p, uint16_t operation)
{
	const uint32_t	  peer = 0x00020000 + any(1 << 20);
	struct arp_packet packet = { .operation = operation,
				     .sender = foe_addr(F, peer),
				     .target = foe_addr(F, FOE_HOST) };

	frame(p, ETHERNET_TYPE_ARP, peer, operation == ARP_REQUEST);
	memcpy(packet.sender_mac, p + 6, 6);
	arp_emit(p + ETHERNET_HEADER, &packet);
	return ETHERNET_HEADER + ARP_PACKET;
}

static size_t arp_request(uint32_t i, uint8_t *p)
{
	(void)i;
	return arp(p, ARP_REQUEST);
}

static size_t arp_reply(uint32_t i, uint8_t *p)
{
	(void)i;
	return arp(p, ARP_REPLY);
}

static size_t solicitation(uint32_t i, uint8_t *p)
{
	const uint32_t	       peer = 0x00020000 + any(1 << 30);
	const struct ip_header ip = { .src = foe_addr(F, peer),
				      .dst = foe_addr(F, FOE_HOST),
				      .version = 6,
				      .protocol = IPPROTO_ICMP6,
				      .ttl = ND_HOP_LIMIT };
	struct nd_message      nd = { .type = ND_SOLICITATION, .has_mac = true, .target = ip.dst };

	(void)i;
	frame(p, ETHERNET_TYPE_IPV6, peer, false);
	memcpy(nd.mac, p + 6, 6);
	const size_t header = ip_wire_emit(p + ETHERNET_HEADER, &ip, ND_MESSAGE);
	return ETHERNET_HEADER + header + nd_emit(p + ETHERNET_HEADER + header, &nd, &ip.src, &ip.dst);
}

/* Each must be answered to an address that has to be asked for. */
static size_t syn_from_nobody(uint32_t i, uint8_t *p)
{
	const uint32_t peer = 0x00020000 + any(1 << 22);

	(void)i;
	frame(p, ETHERNET_TYPE_IPV4, peer, false);
	return ETHERNET_HEADER + a_syn(p + ETHERNET_HEADER, peer, (uint16_t)any(65536));
}

/* ---- */

const struct hostile_kind hostile_kinds[] = {
	{ "text in order", .begin = open_flow, .make = in_order, .after = read_all },
	{ "SYN, cookies on", .begin = fill_backlog, .make = syn },
	{ "SYN, backlog of a million", .begin = wide_backlog, .make = syn },
	{ "SYN, colliding without a key", .begin = wide_backlog, .make = colliding_syn },
	{ "ACK that guesses a cookie", .begin = fill_backlog, .make = cookie_guess },
	{ "RST in the window", .begin = open_flow, .make = reset_in_window },
	{ "SYN on a connection", .begin = open_flow, .make = syn_on_flow },
	{ "text beyond the window", .begin = open_flow, .make = beyond_window },
	{ "text, one octet, out of order", .begin = open_flow, .make = out_of_order },
	{ "old text", .begin = open_flow, .make = old_text },
	{ "ACK beyond SND.NXT", .begin = open_flight, .make = ack_beyond },
	{ "duplicate ACK", .begin = open_flight, .make = duplicate_ack },
	{ "ACK of one octet", .begin = open_flight, .make = split_ack },
	{ "SACK of single segments", .begin = open_flight, .make = sack_singles },
	{ "SACK of single octets", .begin = open_flight, .make = sack_octets },
	{ "D-SACK", .begin = open_flight, .make = dsacks },
	{ "forty NOPs", .begin = open_flow, .make = options_of_nops },
	{ "text with a bad checksum", .begin = open_flow, .make = bad_checksum },
	{ "FIN again in TIME-WAIT", .begin = in_time_wait, .make = fin_again },
	{ "fragments of 8 octets, mixed", .make = tiny_pieces },
	{ "fragments of 8 octets, backwards", .make = pieces_backwards },
	{ "fragments that overlap", .make = overlapping_pieces },
	{ "first fragments", .make = first_pieces },
	{ "first fragments, IPv6", .v6 = true, .make = first_pieces },
	{ "eight IPv6 headers of options", .v6 = true, .begin = open_flow, .make = eight_headers },
	{ "1,398 octets of Pad1", .v6 = true, .begin = open_flow, .make = pads },
	{ "IPv6 option to be answered", .v6 = true, .begin = open_flow, .make = bad_option },
	{ "ICMP unreachable", .begin = open_flight, .make = unreachable },
	{ "ICMP too big", .begin = open_flight, .make = too_big },
	{ "echo request, 1,460 octets", .make = echo },
	{ "datagram that nobody wants", .make = datagram },
	{ "protocol that nobody speaks", .make = strange_protocol },
	{ "noise", .make = noise },
	{ "ARP request of a stranger", .ethernet = true, .make = arp_request },
	{ "ARP reply that nobody asked for", .ethernet = true, .make = arp_reply },
	{ "neighbour solicitation", .v6 = true, .ethernet = true, .make = solicitation },
	{ "SYN from a neighbour nobody knows", .ethernet = true, .begin = wide_backlog,
	  .make = syn_from_nobody },
};
const unsigned hostile_n = sizeof hostile_kinds / sizeof *hostile_kinds;

void hostile_open(const struct hostile_kind *kind)
{
	chance = (struct chance){ 4321 };
	foe_defaults(F);
	F->config.allocator = *tern_allocator_default();
	F->ethernet = kind->ethernet;
	foe_begin(F);
	F->v6 = kind->v6;
	if (kind->begin)
		kind->begin();
	(void)foe_drain(F);
}

void hostile_close(void)
{
	(void)foe_drain(F);
	tern_host_check(F->host);
	foe_end(F);
}
