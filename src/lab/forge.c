/* Segments that no host sent: an old duplicate that the network held back (a SYN, or text), SYNs from addresses
 * that nobody has, and what an attacker who sees nothing aims at a connection. They are made with the wire room's
 * own functions, told to the timeline as sent on the client's side, and handed to the server when they have
 * crossed the link (unharmed: impairments are for the hosts' own packets).
 */
#include "lab/world.h"
#include "base/bytes.h"
#include "base/siphash.h"
#include "wire/checksum.h"
#include "wire/ip.h"
#include "wire/tcp.h"
#include "wire/tuple.h"
#include <string.h>

enum { OLD_TEXT = 40, LAB_TEXT_MOST = LAB_FORGED_BYTES - 80 };
enum { MARK = 1 << 20 }; /* above any number that impair gives to the packets of such runs */

uint32_t lab_segment_build(const struct tern_tuple *tuple, const struct tcp_segment *seg, uint8_t *to)
{
	const struct ip_header ip = {
		.src = tuple->local,
		.dst = tuple->remote,
		.version = addr_is_v4(&tuple->local) ? 4 : 6,
		.protocol = IPPROTO_TCP_,
		.ttl = 64,
		.dont_fragment = true,
	};
	const uint32_t n = (uint32_t)tcp_wire_header_len(seg) + seg->text_len;
	const size_t header = ip_wire_emit(to, &ip, n);
	uint8_t *const tcp = to + header;

	memset(tcp + tcp_wire_emit(tcp, seg), 0x5a, seg->text_len);
	const uint32_t sum = checksum_pseudo(&ip.src, &ip.dst, IPPROTO_TCP_, n);
	put16(tcp + 16, checksum_finish(checksum_add(sum, tcp, n)));
	return (uint32_t)header + n;
}

/* Puts seg on the wire in the name of tuple.local, to the server. iss, irs: as the timeline is to count. */
static void forge(struct lab_world *world, const struct tern_tuple *tuple, struct tcp_segment *seg, uint32_t iss,
		  uint32_t irs)
{
	struct lab_forged *forged = NULL;
	for (unsigned i = 0; i < LAB_FORGED && forged == NULL; i++)
		if (world->forged[i].arrives == TERN_NEVER)
			forged = &world->forged[i];
	if (forged == NULL)
		return;
	seg->src_port = tuple->local_port;
	seg->dst_port = tuple->remote_port;
	forged->len = lab_segment_build(tuple, seg, forged->bytes);
	forged->arrives = world->now + world->options->impair.delay;
	forged->to = LAB_SERVER;
	forged->mark = MARK + ++world->n_forged;
	const struct tern_watch_event event = {
		.kind = TERN_WATCH_SEGMENT_TX,
		.now = world->now,
		.tuple = *tuple,
		.state = TERN_STATE_CLOSED,
		.u.segment = {
			.seq = seg->seq.v,
			.ack = seg->ack.v,
			.wnd = seg->wnd,
			.raw_wnd = seg->wnd,
			.len = seg->text_len,
			.iss = iss,
			.irs = irs,
			.known = true,
			.flags = seg->flags,
			.has_mss = seg->opt.has_mss,
			.mss = seg->opt.mss,
		},
	};
	timeline_forge(&world->timeline, LAB_CLIENT, &event, forged->mark, forged->arrives);
}

static struct tern_tuple tuple_from(const struct lab_world *world, const struct tern_addr *from, uint16_t port)
{
	return (struct tern_tuple){
		.local = *from,
		.remote = world->side[LAB_SERVER].addr,
		.local_port = port,
		.remote_port = LAB_SERVER_PORT,
	};
}

static struct tcp_segment syn(struct lab_world *world)
{
	return (struct tcp_segment){
		.seq = { (uint32_t)splitmix64(&world->random) },
		.flags = TCP_SYN,
		.wnd = 65535,
		.opt = { .has_mss = true, .mss = 1220 },
	};
}

void lab_forge_old_syn(struct lab_world *world)
{
	const struct tern_tuple tuple = tuple_from(world, &world->side[LAB_CLIENT].addr, LAB_CLIENT_PORT);
	struct tcp_segment seg = syn(world);
	world->old_iss = seg.seq.v;
	forge(world, &tuple, &seg, seg.seq.v, 0);
}

/* The first text that the client sent in this run; where it sent none, what followed the old SYN. */
void lab_forge_old_text(struct lab_world *world)
{
	const struct tern_tuple tuple = tuple_from(world, &world->side[LAB_CLIENT].addr, LAB_CLIENT_PORT);
	struct tcp_segment seg = {
		.seq = { world->old_iss + 1 },
		.ack = { (uint32_t)splitmix64(&world->random) },
		.flags = TCP_ACK | TCP_PSH,
		.wnd = 65535,
		.text_len = OLD_TEXT,
	};
	uint32_t iss = world->old_iss, irs = seg.ack.v - 1;

	for (size_t i = 0; i < world->timeline.n; i++) {
		const struct timeline_line *const line = &world->timeline.lines[i];
		const struct tern_watch_segment *const sent = &line->event.u.segment;
		if (line->kind != TIMELINE_SENT || line->host != LAB_CLIENT || sent->len == 0 ||
		    sent->len > LAB_TEXT_MOST)
			continue;
		seg.seq.v = sent->seq;
		seg.ack.v = sent->ack;
		seg.text_len = sent->len;
		iss = sent->iss;
		irs = sent->irs;
		break;
	}
	forge(world, &tuple, &seg, iss, irs);
}

/* From 192.0.2.0/24 or 2001:db8::/32, which are for documentation and belong to nobody. */
void lab_forge_flood(struct lab_world *world)
{
	const uint8_t i = ++world->n_flooded;
	struct tern_addr from = addr_v4(UINT32_C(0xc0000200) + i);
	if (world->options->ipv6)
		from = (struct tern_addr){ { 0x20, 0x01, 0x0d, 0xb8, [15] = i } };
	const struct tern_tuple tuple = tuple_from(world, &from, (uint16_t)(LAB_FLOOD_PORT + i));
	struct tcp_segment seg = syn(world);
	forge(world, &tuple, &seg, seg.seq.v, 0);
}

void lab_forge_blind(struct lab_world *world, uint16_t flag)
{
	const struct lab_side *const server = &world->side[LAB_SERVER];
	struct tern_status status;
	if (!server->actor.has_socket || tern_status(server->host, server->actor.socket, &status) != 0)
		return;
	const struct tern_tuple tuple = tuple_from(world, &world->side[LAB_CLIENT].addr, status.tuple.remote_port);
	/* Somewhere in the window, but not at RCV.NXT: as good a guess as a blind attacker can hope for. */
	struct tcp_segment seg = { .seq = { status.rcv_nxt + status.rcv_wnd / 2 }, .flags = flag, .wnd = 1024 };
	forge(world, &tuple, &seg, status.irs, status.iss);
}

/* ---- arriving ---- */

tern_time lab_forged_deadline(const struct lab_world *world)
{
	tern_time at = TERN_NEVER;
	for (unsigned i = 0; i < LAB_FORGED; i++)
		at = min_i64(at, world->forged[i].arrives);
	return at;
}

static void arrive(struct lab_world *world, struct lab_forged *forged)
{
	struct lab_side *const to = &world->side[forged->to];
	tern_packet packet = {
		.part = { { .at = forged->bytes, .n = forged->len } },
		.len = forged->len,
		.n_parts = 1,
		.link = to->number,
		.mark = forged->mark,
	};
	tern_packet *const batch[1] = { &packet };
	forged->arrives = TERN_NEVER;
	if (to->host == NULL)
		lab_broken_input(world, forged->to, forged->bytes, forged->len, forged->mark);
	else if (!to->vanished)
		lab_input(world, forged->to, batch, 1);
}

bool lab_forged_arrive(struct lab_world *world)
{
	bool any = false;
	for (;;) {
		struct lab_forged *first = NULL; /* the oldest of those that are due */
		for (unsigned i = 0; i < LAB_FORGED; i++) {
			struct lab_forged *const one = &world->forged[i];
			if (one->arrives <= world->now && (first == NULL || one->mark < first->mark))
				first = one;
		}
		if (first == NULL)
			return any;
		arrive(world, first);
		any = true;
	}
}
