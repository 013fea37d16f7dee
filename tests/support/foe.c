#include "support/foe.h"

#include "wire/checksum.h"
#include "wire/tuple.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROOM = 1 << 17 };

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "foe: %s\n", what);
	abort();
}

/* ---- the host ---- */

void foe_defaults(struct foe *foe)
{
	memset(foe, 0, sizeof *foe);
	tern_config_default(&foe->config);
	for (unsigned i = 0; i < sizeof foe->config.secret; i++)
		foe->config.secret[i] = (uint8_t)(i * 29 + 3);
	foe->config.allocator = test_allocator_of(&foe->allocator);
	foe->now = 1000 * TERN_SECOND;
	foe->mtu = 1500;
}

struct tern_addr foe_addr(const struct foe *foe, uint32_t n)
{
	struct tern_addr addr = { { 0xfd } };

	if (!foe->v6)
		return addr_v4(0x0a000000 + n);
	put16(addr.b + 6, (uint16_t)(n >> 16)); /* other networks have other /64s */
	put32(addr.b + 12, n);
	return addr;
}

static void add_address(struct foe *foe, bool v6)
{
	struct foe	       version = { .v6 = v6 };
	const struct tern_addr own = foe_addr(&version, FOE_HOST);

	must(tern_host_add_address(foe->host, foe->link, &own, v6 ? 32 : 8) == 0, "no address");
}

void foe_begin(struct foe *foe)
{
	const struct tern_link_config link = { .mtu = foe->mtu,
					       .ethernet = foe->ethernet,
					       .mac = { 2, 0, 0, 0, 0, 2 } };
	const size_t		      page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *const		      room =
		mmap(NULL, ROOM + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(room != MAP_FAILED && mprotect(room + ROOM, page, PROT_NONE) == 0, "no memory");
	foe->page_end = room + ROOM;
	must(tern_host_create(&foe->host, &foe->config, foe->now) == 0, "no host");
	must(tern_host_add_link(foe->host, &link, &foe->link) == 0, "no link");
	add_address(foe, false);
	if (foe->mtu >= 1280)
		add_address(foe, true);
	foe_mark(foe);
}

void foe_end(struct foe *foe)
{
	(void)foe_drain(foe);
	tern_host_check(foe->host);
	tern_host_destroy(foe->host);
	must(foe->allocator.blocks == 0, "memory is left");
	must(munmap(foe->page_end - ROOM, ROOM + (size_t)sysconf(_SC_PAGESIZE)) == 0, "munmap");
}

/* ---- to the host ---- */

void foe_raw(struct foe *foe, const void *packet, size_t len)
{
	tern_packet  in = { .n_parts = 1, .len = (uint32_t)len, .link = foe->link };
	tern_packet *batch[] = { &in };

	if (len > 0)
		memcpy(foe->page_end - len, packet, len);
	in.part[0].at = foe->page_end - len;
	in.part[0].n = (uint32_t)len;
	foe->sent++;
	tern_host_input(foe->host, batch, 1, foe->now);
}

void foe_sum_v4(uint8_t *p, size_t header)
{
	put16(p + 10, 0);
	put16(p + 10, checksum_finish(checksum_add(0, p, header)));
}

/* The sum over the pseudo-header and len octets from p + header on goes to p + header + at. */
void foe_sum_upper(const struct foe *foe, uint8_t *p, size_t header, size_t len, uint8_t protocol, size_t at)
{
	struct tern_addr src = { { 0 } }, dst = { { 0 } };

	if (foe->v6) {
		memcpy(src.b, p + 8, 16);
		memcpy(dst.b, p + 24, 16);
	} else {
		src = addr_v4(get32(p + 12));
		dst = addr_v4(get32(p + 16));
	}
	put16(p + header + at, 0);
	const uint32_t pseudo =
		protocol == IPPROTO_ICMP4 ? 0 : checksum_pseudo(&src, &dst, protocol, (uint32_t)len);
	put16(p + header + at, checksum_finish(checksum_add(pseudo, p + header, len)));
}

size_t foe_packet(const struct foe *foe, uint8_t *p, uint32_t peer, uint8_t protocol, const void *payload,
		  size_t n)
{
	const struct ip_header ip = {
		.src = foe_addr(foe, peer),
		.dst = foe_addr(foe, FOE_HOST),
		.version = foe->v6 ? 6 : 4,
		.protocol = protocol,
		.ttl = 64,
		.dont_fragment = true,
	};
	const size_t header = ip_wire_emit(p, &ip, (uint32_t)n);

	if (n > 0)
		memcpy(p + header, payload, n);
	return header + n;
}

size_t foe_segment(const struct foe *foe, uint8_t *p, uint32_t peer, const struct tcp_segment *seg)
{
	struct tcp_segment whole = *seg;
	static uint8_t	   bytes[FOE_PACKET];

	if (whole.dst_port == 0)
		whole.dst_port = FOE_PORT;
	const size_t header = tcp_wire_emit(bytes, &whole), n = header + seg->text_len;

	if (seg->text_len > 0)
		memcpy(bytes + header, seg->text, seg->text_len);
	const size_t len = foe_packet(foe, p, peer, IPPROTO_TCP_, bytes, n);
	foe_sum_upper(foe, p, len - n, n, IPPROTO_TCP_, 16);
	return len;
}

void foe_send(struct foe *foe, uint32_t peer, const struct tcp_segment *seg)
{
	static uint8_t packet[FOE_PACKET + 100];

	foe_raw(foe, packet, foe_segment(foe, packet, peer, seg));
}

void foe_icmp(struct foe *foe, uint32_t peer, uint8_t type, uint8_t code, uint32_t rest, const void *body,
	      size_t n)
{
	static uint8_t packet[FOE_PACKET + 100], message[FOE_PACKET];
	const uint8_t  protocol = foe->v6 ? IPPROTO_ICMP6 : IPPROTO_ICMP4;

	message[0] = type;
	message[1] = code;
	put16(message + 2, 0);
	put32(message + 4, rest);
	if (n > 0)
		memcpy(message + 8, body, n);
	const size_t len = foe_packet(foe, packet, peer, protocol, message, 8 + n);
	foe_sum_upper(foe, packet, len - 8 - n, 8 + n, protocol, 2);
	foe_raw(foe, packet, len);
}

void foe_udp(struct foe *foe, uint32_t peer, uint16_t from, uint16_t to, const void *text, size_t n)
{
	static uint8_t packet[FOE_PACKET + 100], datagram[FOE_PACKET];

	put16(datagram, from);
	put16(datagram + 2, to);
	put16(datagram + 4, (uint16_t)(8 + n));
	put16(datagram + 6, 0);
	if (n > 0)
		memcpy(datagram + 8, text, n);
	const size_t len = foe_packet(foe, packet, peer, IPPROTO_UDP_, datagram, 8 + n);
	foe_sum_upper(foe, packet, len - 8 - n, 8 + n, IPPROTO_UDP_, 6);
	foe_raw(foe, packet, len);
}

/* ---- from the host ---- */

static enum foe_answer read_packet(struct foe *foe)
{
	const size_t frame = foe->ethernet ? 14 : 0;

	if (ip_wire_parse(&foe->ip, foe->bytes + frame, foe->len - frame) != IP_PARSED || foe->ip.is_fragment)
		return FOE_OTHER;
	if (foe->ip.protocol == IPPROTO_TCP_ &&
	    tcp_wire_parse(&foe->seg, foe->ip.payload, foe->ip.payload_len))
		return FOE_SEGMENT;
	return icmp_wire_parse(&foe->icmp, &foe->ip) ? FOE_ICMP : FOE_OTHER;
}

enum foe_answer foe_next(struct foe *foe)
{
	tern_packet *out[1];

	if (tern_host_output(foe->host, out, 1, foe->now) == 0)
		return FOE_NOTHING;
	foe->len = 0;
	for (unsigned i = 0; i < out[0]->n_parts; i++) {
		must(foe->len + out[0]->part[i].n <= sizeof foe->bytes, "a packet of impossible length");
		memcpy(foe->bytes + foe->len, out[0]->part[i].at, out[0]->part[i].n);
		foe->len += out[0]->part[i].n;
	}
	tern_packet_done(out[0]);
	foe->came++;
	foe->came_bytes += foe->len;
	return read_packet(foe);
}

unsigned foe_drain(struct foe *foe)
{
	unsigned n = 0;

	while (foe_next(foe) != FOE_NOTHING)
		n++;
	return n;
}

unsigned foe_wait(struct foe *foe, tern_time span)
{
	const tern_time end = foe->now + span;
	unsigned	n = foe_drain(foe);

	for (tern_time at; (at = tern_host_deadline(foe->host)) <= end; n += foe_drain(foe)) {
		foe->now = at > foe->now ? at : foe->now + 1;
		tern_host_advance(foe->host, foe->now);
	}
	foe->now = end;
	tern_host_advance(foe->host, foe->now);
	return n + foe_drain(foe);
}

/* ---- what became of it ---- */

struct tern_stats foe_stats(const struct foe *foe)
{
	struct tern_stats stats;

	tern_host_stats(foe->host, &stats);
	return stats;
}

void foe_mark(struct foe *foe)
{
	tern_host_trim(foe->host);
	foe->before = foe_stats(foe);
	foe->sent = foe->came = foe->came_bytes = 0;
}

/* Counters that say that a packet was not taken. A packet may be counted by several. */
static uint64_t refused(const struct tern_stats *s)
{
	uint64_t n = s->InHdrErrors + s->InAddrErrors + s->InUnknownProtos + s->ReasmFails + s->IcmpInErrors +
		     s->UdpInErrors + s->UdpNoPorts + s->InErrs + s->TernFrameErrors + s->TernFrameOthers +
		     s->TernArpInErrors + s->TernNeighbourUnasked + s->TernNeighbourConflicts + s->IcmpInMsgs;

	for (unsigned i = TERN_VERDICT_ACCEPTED + 1; i < TERN_VERDICTS; i++)
		n += s->TernVerdict[i];
	return n;
}

void foe_left_no_state(struct foe *foe)
{
	tern_host_trim(foe->host);
	tern_host_check(foe->host);
	const struct tern_stats now = foe_stats(foe);

	must(now.TernConnections == foe->before.TernConnections, "a connection came to be, or went");
	must(now.CurrEstab == foe->before.CurrEstab, "a connection changed its state");
	must(now.TernHalfOpen == foe->before.TernHalfOpen, "a half-open entry came to be, or went");
	must(now.TernTimeWait == foe->before.TernTimeWait, "a TIME-WAIT entry came to be, or went");
	if (now.TernMemory != foe->before.TernMemory)
		fprintf(stderr, "foe: %llu bytes, before %llu\n", (unsigned long long)now.TernMemory,
			(unsigned long long)foe->before.TernMemory);
	must(now.TernMemory == foe->before.TernMemory, "memory is not what it was");
}

void foe_was_dropped(struct foe *foe)
{
	const unsigned		answers = foe_drain(foe);
	const struct tern_stats now = foe_stats(foe);

	must(answers == 0, "it was answered");
	must(now.InReceives - foe->before.InReceives == foe->sent, "packets were lost");
	must(refused(&now) - refused(&foe->before) >= foe->sent, "it was not counted");
	foe_left_no_state(foe);
}

/* ---- flows ---- */

const uint8_t *foe_text(uint32_t offset, uint32_t n)
{
	static uint8_t text[1 << 17];

	must(n <= sizeof text, "too much text");
	for (uint32_t i = 0; i < n; i++)
		text[i] = (uint8_t)((offset + i) * 7 + ((offset + i) >> 8) * 13 + 5);
	return text;
}

tern_socket foe_listen(struct foe *foe, uint32_t backlog)
{
	const struct tern_listen listen = { .local = { .port = FOE_PORT }, .backlog = backlog };
	tern_socket		 listener;

	must(tern_listen(foe->host, &listen, &listener) == 0, "no listener");
	return listener;
}

struct foe_flow foe_flow(uint32_t peer, uint16_t port)
{
	return (struct foe_flow){ .peer = peer,
				  .port = port,
				  .host_port = FOE_PORT,
				  .seq = seq(port * 65599u + peer),
				  .wnd = 65535,
				  .mss = 1460,
				  .wscale = -1,
				  .ts_val = 1000 };
}

struct tcp_segment foe_of(const struct foe_flow *flow, unsigned flags, int32_t seq, int32_t ack, uint32_t len)
{
	struct tcp_segment seg = {
		.src_port = flow->port,
		.dst_port = flow->host_port,
		.flags = (uint16_t)flags,
		.wnd = flow->wnd,
		.seq = seq_add(flow->seq, (uint32_t)seq),
		.text = foe_text((uint32_t)seq, len),
		.text_len = len,
	};

	if (flags & TCP_ACK)
		seg.ack = seq_add(flow->ack, (uint32_t)ack);
	if (flags & TCP_SYN) {
		seg.opt.has_mss = flow->mss != 0;
		seg.opt.mss = flow->mss;
		seg.opt.has_wscale = flow->wscale >= 0;
		seg.opt.wscale = (uint8_t)(flow->wscale & 15);
		seg.opt.sack_permitted = flow->sack;
	}
	seg.opt.has_ts = flow->ts;
	seg.opt.ts_val = flow->ts_val;
	seg.opt.ts_ecr = flow->ts_ecr;
	return seg;
}

void foe_say(struct foe *foe, const struct foe_flow *flow, unsigned flags, int32_t seq, int32_t ack,
	     uint32_t len)
{
	const struct tcp_segment seg = foe_of(flow, flags, seq, ack, len);

	foe_send(foe, flow->peer, &seg);
}

void foe_open(struct foe *foe, tern_socket listener, struct foe_flow *flow)
{
	foe_say(foe, flow, TCP_SYN, 0, 0, 0);
	must(foe_next(foe) == FOE_SEGMENT && foe->seg.flags == (TCP_SYN | TCP_ACK), "no SYN-ACK");
	flow->seq = seq_add(flow->seq, 1);
	flow->ack = seq_add(foe->seg.seq, 1);
	flow->ts_ecr = foe->seg.opt.ts_val;
	foe_say(foe, flow, TCP_ACK, 0, 0, 0);
	must(tern_accept(foe->host, listener, &flow->socket) == 0, "not accepted");
}

struct tern_status foe_status(const struct foe *foe, const struct foe_flow *flow)
{
	struct tern_status status;

	must(tern_status(foe->host, flow->socket, &status) == 0, "no such connection");
	return status;
}

enum tern_state foe_state(const struct foe *foe, const struct foe_flow *flow)
{
	struct tern_status status;

	return tern_status(foe->host, flow->socket, &status) == 0 ? status.state : TERN_STATE_CLOSED;
}
