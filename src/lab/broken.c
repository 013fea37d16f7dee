/* Peers for the counterfactuals: each lacks one thing that TCP has, and shows what it is for. They are just TCP
 * enough for that: one connection, a link that keeps the order, no retransmission, no window but the first. The stack
 * itself has no broken branch.
 *
 * They speak on the same link and are drawn on the same timeline as real hosts, and go down a table of steps as any
 * program of the lab does. What their programs read is only counted.
 */
#include "lab/world.h"
#include "base/bytes.h"
#include "base/siphash.h"
#include "wire/ip.h"
#include "wire/tcp.h"
#include "wire/tuple.h"
#include <inttypes.h>
#include <stdio.h>

enum { TEXT_MOST = 1460, WINDOW = 65535 };

static enum lab_flaw flaw_of(const struct lab_world *world, unsigned side)
{
	return world->scenario->flaw[side];
}

static void told(struct lab_world *world, unsigned side, const char *text)
{
	const struct lab_broken *const broken = &world->side[side].broken;
	const bool named = broken->tuple.remote_port != 0;
	timeline_call(&world->timeline, side, world->now, named ? &broken->tuple : NULL, text);
}

static void enter(struct lab_world *world, unsigned side, enum tern_state to, enum tern_why why)
{
	struct lab_broken *const broken = &world->side[side].broken;
	const struct tern_watch_event event = {
		.kind = TERN_WATCH_STATE,
		.now = world->now,
		.tuple = broken->tuple,
		.state = to,
		.u.state = { .from = broken->state, .to = to, .why = why, .clause = "" },
	};
	broken->state = to;
	timeline_watch(&world->side[side].tap, &event);
	if (to == TERN_STATE_CLOSED && broken->listens) {
		broken->state = TERN_STATE_LISTEN;
		broken->accepted = broken->proved = false;
	}
}

/* ---- out ---- */

static void tell_segment(struct lab_world *world, unsigned side, enum tern_watch_kind kind,
			 const struct tcp_segment *seg, uint64_t id, enum tern_verdict verdict)
{
	const struct lab_broken *const broken = &world->side[side].broken;
	const struct tern_watch_event event = {
		.kind = kind,
		.now = world->now,
		.tuple = broken->tuple,
		.state = broken->state,
		.u.segment = {
			.id = kind == TERN_WATCH_SEGMENT_TX ? id : 0,
			.mark = kind == TERN_WATCH_SEGMENT_RX ? id : 0,
			.seq = seg->seq.v,
			.ack = seg->ack.v,
			.wnd = seg->wnd,
			.raw_wnd = seg->wnd,
			.len = seg->text_len,
			.iss = broken->iss,
			.irs = broken->irs,
			.known = broken->state != TERN_STATE_CLOSED,
			.flags = seg->flags,
			.verdict = (uint8_t)verdict,
			.has_mss = seg->opt.has_mss,
			.mss = seg->opt.mss,
		},
	};
	timeline_watch(&world->side[side].tap, &event);
}

static void send(struct lab_world *world, unsigned side, uint32_t seq, uint16_t flags, uint32_t len)
{
	struct lab_side *const at = &world->side[side];
	static uint8_t bytes[TEXT_MOST + 128];
	const struct tcp_segment seg = {
		.seq = { seq },
		.ack = { flags & TCP_ACK ? at->broken.rcv_nxt : 0 },
		.src_port = at->broken.tuple.local_port,
		.dst_port = at->broken.tuple.remote_port,
		.flags = flags,
		.wnd = flags & TCP_RST ? 0 : WINDOW,
		.opt = { .has_mss = (flags & TCP_SYN) != 0, .mss = TEXT_MOST },
		.text_len = len,
	};
	tern_packet packet = { .n_parts = 1, .id = ++at->broken.packets };
	tern_packet *const batch[1] = { &packet };

	packet.len = lab_segment_build(&at->broken.tuple, &seg, bytes);
	packet.part[0].at = bytes;
	packet.part[0].n = packet.len;
	tell_segment(world, side, TERN_WATCH_SEGMENT_TX, &seg, packet.id, TERN_VERDICT_ACCEPTED);
	(void)at->link->ops->send(at->link, batch, 1, world->now); /* impair takes everything */
}

/* What takes room in the stream. */
static void send_next(struct lab_world *world, unsigned side, uint16_t flags, uint32_t len)
{
	struct lab_broken *const broken = &world->side[side].broken;
	const uint32_t seq = broken->snd_nxt;

	broken->snd_nxt += len + ((flags & (TCP_SYN | TCP_FIN)) != 0);
	send(world, side, seq, flags, len);
}

static void send_ack(struct lab_world *world, unsigned side)
{
	send(world, side, world->side[side].broken.snd_nxt, TCP_ACK, 0);
}

/* ---- in ---- */

static void listen_input(struct lab_world *world, unsigned side, const struct tcp_segment *seg)
{
	struct lab_broken *const broken = &world->side[side].broken;
	const bool two_way = flaw_of(world, side) == LAB_TWO_WAY;

	if (!(seg->flags & TCP_SYN))
		return;
	broken->irs = seg->seq.v;
	broken->rcv_nxt = broken->irs + 1;
	broken->iss = broken->snd_nxt = (uint32_t)splitmix64(&world->random);
	enter(world, side, two_way ? TERN_STATE_ESTABLISHED : TERN_STATE_SYN_RECEIVED, TERN_WHY_SYN_ARRIVED);
	send_next(world, side, TCP_SYN | TCP_ACK, 0);
}

static void syn_sent_input(struct lab_world *world, unsigned side, const struct tcp_segment *seg)
{
	struct lab_broken *const broken = &world->side[side].broken;

	if ((seg->flags & (TCP_SYN | TCP_ACK)) != (TCP_SYN | TCP_ACK) || seg->ack.v != broken->snd_nxt)
		return;
	broken->irs = seg->seq.v;
	broken->rcv_nxt = broken->irs + 1;
	enter(world, side, TERN_STATE_ESTABLISHED, TERN_WHY_SYN_ACK_ARRIVED);
	send_ack(world, side);
}

/* Nobody is here: RFC 9293 3.10.7.1. */
static void closed_input(struct lab_world *world, unsigned side, const struct tcp_segment *seg)
{
	if (!(seg->flags & TCP_RST))
		send(world, side, seg->ack.v, TCP_RST, 0);
}

static void take_ack(struct lab_world *world, unsigned side, uint32_t ack)
{
	struct lab_broken *const broken = &world->side[side].broken;

	if (ack != broken->snd_nxt)
		return;
	broken->proved = true;
	if (broken->state == TERN_STATE_SYN_RECEIVED)
		enter(world, side, TERN_STATE_ESTABLISHED, TERN_WHY_OUR_SYN_ACKED);
	else if (broken->state == TERN_STATE_FIN_WAIT_1)
		enter(world, side, TERN_STATE_FIN_WAIT_2, TERN_WHY_OUR_FIN_ACKED);
	else if (broken->state == TERN_STATE_LAST_ACK)
		enter(world, side, TERN_STATE_CLOSED, TERN_WHY_OUR_FIN_ACKED);
}

static void take_text(struct lab_world *world, unsigned side, uint32_t len)
{
	struct lab_side *const at = &world->side[side];
	char text[TIMELINE_TEXT];

	at->broken.rcv_nxt += len;
	at->actor.received += len;
	at->actor.all_received += len;
	/* Before the peer has proved that he hears: nobody knows whose they are. */
	const bool unproved = flaw_of(world, side) == LAB_TWO_WAY && !at->broken.proved;
	(void)snprintf(text, sizeof text, "%sreads %" PRIu32 " octets", unproved ? "WRONG: " : "", len);
	told(world, side, text);
	send_ack(world, side);
}

/* LAB_ONE_CLOSE: what the program still had to send is cut off. */
static void close_both(struct lab_world *world, unsigned side)
{
	struct lab_actor *const actor = &world->side[side].actor;
	uint64_t unsent = 0;
	char text[TIMELINE_TEXT];

	for (; actor->step->act != LAB_END; actor->step++)
		if (actor->step->act == LAB_SEND)
			unsent += lab_amount(world, actor->step->n);
	actor->holds = false;
	(void)snprintf(text, sizeof text, "WRONG: %" PRIu64 " octets are cut off", unsent);
	told(world, side, text);
	enter(world, side, TERN_STATE_LAST_ACK, TERN_WHY_FIN_ARRIVED);
	send_next(world, side, TCP_FIN | TCP_ACK, 0);
}

static void take_fin(struct lab_world *world, unsigned side)
{
	struct lab_side *const at = &world->side[side];

	at->broken.rcv_nxt++;
	at->actor.end_of_stream = true;
	if (at->broken.state == TERN_STATE_FIN_WAIT_2) {
		send_ack(world, side);
		enter(world, side, TERN_STATE_CLOSED, TERN_WHY_TWO_MSL); /* no TIME-WAIT: nothing is remembered */
		told(world, side, "forgets the connection");
	} else if (flaw_of(world, side) == LAB_ONE_CLOSE) {
		close_both(world, side);
	} else {
		enter(world, side, TERN_STATE_CLOSE_WAIT, TERN_WHY_FIN_ARRIVED);
		send_ack(world, side);
	}
}

static void synchronized_input(struct lab_world *world, unsigned side, const struct tcp_segment *seg)
{
	struct lab_broken *const broken = &world->side[side].broken;

	if (seg->flags & TCP_RST) {
		enter(world, side, TERN_STATE_CLOSED, TERN_WHY_RST_ARRIVED);
		told(world, side, "connection reset: too late");
		return;
	}
	if (seg->flags & TCP_ACK)
		take_ack(world, side, seg->ack.v);
	if (seg->seq.v != broken->rcv_nxt)
		return;
	if (seg->text_len > 0)
		take_text(world, side, seg->text_len);
	if (seg->flags & TCP_FIN)
		take_fin(world, side);
}

void lab_broken_input(struct lab_world *world, unsigned side, const uint8_t *bytes, uint32_t len, uint64_t mark)
{
	struct lab_broken *const broken = &world->side[side].broken;
	struct ip_header ip;
	struct tcp_segment seg;

	if (ip_wire_parse(&ip, bytes, len) != IP_PARSED || ip.protocol != IPPROTO_TCP_ ||
	    !tcp_wire_parse(&seg, ip.payload, ip.payload_len))
		return;
	broken->tuple = (struct tern_tuple){
		.local = ip.dst, .remote = ip.src, .local_port = seg.dst_port, .remote_port = seg.src_port,
	};
	const bool nobody = broken->state == TERN_STATE_CLOSED;
	tell_segment(world, side, TERN_WATCH_SEGMENT_RX, &seg, mark,
		     nobody ? TERN_VERDICT_NO_CONNECTION : TERN_VERDICT_ACCEPTED);
	switch (broken->state) {
	case TERN_STATE_CLOSED: closed_input(world, side, &seg); return;
	case TERN_STATE_LISTEN: listen_input(world, side, &seg); return;
	case TERN_STATE_SYN_SENT: syn_sent_input(world, side, &seg); return;
	default: synchronized_input(world, side, &seg); return;
	}
}

/* ---- its program ---- */

void lab_broken_create(struct lab_world *world, unsigned side)
{
	/* Where it begins to count, each time: it has no memory of the time before. */
	world->side[side].broken.iss = (uint32_t)splitmix64(&world->random);
}

bool lab_broken_accepts(struct lab_world *world, unsigned side)
{
	struct lab_broken *const broken = &world->side[side].broken;

	if (broken->accepted || broken->state < TERN_STATE_ESTABLISHED)
		return false;
	broken->accepted = true;
	world->side[side].actor.received = 0;
	world->side[side].actor.end_of_stream = false;
	told(world, side, "accept()");
	return true;
}

static void open_(struct lab_world *world, unsigned side)
{
	struct lab_side *const at = &world->side[side];

	at->broken.tuple = (struct tern_tuple){
		.local = at->addr,
		.remote = world->side[!side].addr,
		.local_port = LAB_CLIENT_PORT,
		.remote_port = LAB_SERVER_PORT,
	};
	at->broken.snd_nxt = at->broken.iss;
	at->actor.received = 0;
	at->actor.end_of_stream = false;
	told(world, side, "connect()");
	enter(world, side, TERN_STATE_SYN_SENT, TERN_WHY_OPEN_ACTIVE);
	send_next(world, side, TCP_SYN, 0);
}

static void send_text(struct lab_world *world, unsigned side, uint64_t n)
{
	struct lab_actor *const actor = &world->side[side].actor;
	char text[TIMELINE_TEXT];

	(void)snprintf(text, sizeof text, "send(%" PRIu64 ")", n);
	told(world, side, text);
	actor->all_sent += n;
	for (uint32_t len; n > 0; n -= len) {
		len = n < TEXT_MOST ? (uint32_t)n : TEXT_MOST;
		send_next(world, side, TCP_ACK | (n == len ? TCP_PSH : 0), len);
	}
}

static void close_(struct lab_world *world, unsigned side, const char *how)
{
	const enum tern_state state = world->side[side].broken.state;
	const bool first = state == TERN_STATE_ESTABLISHED;

	if (!first && state != TERN_STATE_CLOSE_WAIT)
		return; /* it has ended already */
	told(world, side, how);
	enter(world, side, first ? TERN_STATE_FIN_WAIT_1 : TERN_STATE_LAST_ACK, TERN_WHY_CLOSE_CALLED);
	send_next(world, side, TCP_FIN | TCP_ACK, 0);
}

void lab_broken_act(struct lab_world *world, unsigned side)
{
	struct lab_side *const at = &world->side[side];
	const struct lab_step *const step = at->actor.step;

	switch (step->act) {
	case LAB_LISTEN:
		told(world, side, "listen()");
		at->broken.listens = true;
		at->broken.tuple = (struct tern_tuple){ .local = at->addr, .local_port = LAB_SERVER_PORT };
		enter(world, side, TERN_STATE_LISTEN, TERN_WHY_OPEN_PASSIVE);
		return;
	case LAB_OPEN: open_(world, side); return;
	case LAB_SEND: send_text(world, side, lab_amount(world, step->n)); return;
	case LAB_SHUTDOWN:
	case LAB_CLOSE: close_(world, side, step->act == LAB_CLOSE ? "close()" : "shutdown()"); return;
	case LAB_SAY: told(world, side, step->text); return;
	case LAB_OLD_SYN: lab_forge_old_syn(world); return;
	case LAB_OLD_TEXT: lab_forge_old_text(world); return;
	default: return;
	}
}
