/* Packets out: pull, not push. The link's loop asks for as many as it has room for; nothing is made
 * ahead of that but what one segment becomes (fragments).
 *
 * Order: what is made already; what goes to ourselves (fed back to input within the call, so that
 * connections within the host need no link); answers without a block; then the ready list, in turn,
 * one quantum a connection, so that one bulk transfer cannot hold up the rest.
 */
#include "host/internal.h"

enum {
	QUANTUM = 16384,       /* octets of text before a connection's turn is over */
	LOOPBACK_TURNS = 1024, /* packets to ourselves in one call: two ends here must not keep it going */
	GSO_HEADERS_MAX = IPV6_HEADER + TCP_HEADER_MAX,
	GSO_MOST = 65535 - GSO_HEADERS_MAX,
};

/* Octets of text that one emit may carry on this way: what the link splits itself, or as many segments as the turn,
 * the batch and the free packets have room for. */
static uint32_t emit_limit(const struct tern_host *host, const struct tcb *tcb, const struct outgoing *way,
			   size_t room, uint32_t quantum)
{
	const uint32_t mss = max_u32(tcb->mss, 1), segments = (quantum + mss - 1) / mss; /* 0: nothing is agreed yet */

	if (way_splits(host, way))
		return GSO_MOST;
	return mss * (uint32_t)min_size(segments, min_size(room, host->n_free_packets));
}

/* Packets that the link will have of it. */
static size_t packets_of(const struct tern_host *host, const struct outgoing *way, const struct tcp_out *out)
{
	if (out->gso_size == 0 || way_splits(host, way))
		return 1;
	return (out->seg.text_len + out->gso_size - 1u) / out->gso_size;
}

/* One connection's turn: at most `most` packets. */
__attribute__((noinline)) static void turn(struct tern_host *host, struct tcb *tcb, size_t most)
{
	const struct sender from = { .tcb = tcb };
	struct tcp_out	    out;
	uint32_t	    text = 0;

	struct outgoing *const way = packet_way_of(host, tcb);
	for (size_t n = 0; n < most && text < QUANTUM && tcb->due != 0 && host->free_packets;) {
		const uint32_t limit = way ? emit_limit(host, tcb, way, most - n, QUANTUM - text) : tcb->mss;

		if (!tcp_emit(tcb, limit, host->now, &out)) {
			tcb->due = 0; /* nothing (any more) now, whatever it was marked for */
			break;
		}
		text += out.seg.text_len;
		n += way ? packets_of(host, way, &out) : 1;
		if (way) /* else it is lost, as on a wire */
			packet_segment(host, way, &from, &out);
	}
	settle_block(host, tcb); /* what is still due goes to the tail */
}

static void answer_by(struct tern_host *host, const struct reply *reply)
{
	if (reply->kind == REPLY_ICMP) {
		packet_icmp(host, reply);
		return;
	}
	if (reply->kind == REPLY_NEIGHBOUR) {
		ethernet_reply(host, reply);
		return;
	}
	const struct tcp_out out = {
		.seg = reply->seg,
		.traffic_class = reply->traffic_class,
		.retransmitted = reply->retransmitted,
	};
	const struct sender    from = { .tuple = &reply->tuple, .state = reply->state };
	struct outgoing *const way = packet_way(host, &reply->tuple);
	if (way)
		packet_segment(host, way, &from, &out);
}

/* The first answer leaves. False: there is none. */
__attribute__((noinline)) static bool answer(struct tern_host *host)
{
	struct reply reply;

	if (!reply_take(host, &reply))
		return false;
	answer_by(host, &reply);
	return true;
}

/* Makes at least one packet, or takes a connection off the ready list; false: there is nothing to do. */
static bool make(struct tern_host *host, size_t most)
{
	if (!host->free_packets)
		return false;
	if (host->n_replies > 0 && answer(host))
		return true;
	struct tcb *const tcb = list_pop(host, &host->ready, LIST_READY);
	if (!tcb)
		return false;
	turn(host, tcb, most);
	return true;
}

/* A packet to ourselves arrives. */
__attribute__((noinline)) static void loop_back(struct tern_host *host)
{
	struct tern_packet *const packet = packet_pop(&host->loop);
	struct tern_packet	  in = { .n_parts = 1, .link = ROUTE_LOOPBACK, .checksum_offload = true };
	const struct tern_packet *const batch[] = { &in };

	if (!host->loop_buffer)
		host->loop_buffer = mem_get(&host->mem, HOST_LOOPBACK_MTU, 0, MEM_RESERVED);
	if (!host->loop_buffer || packet->len > HOST_LOOPBACK_MTU) {
		packet_free(host, packet);
		return;
	}
	for (unsigned i = 0; i < packet->n_parts; i++) {
		memcpy(host->loop_buffer + in.len, packet->part[i].at, packet->part[i].n);
		in.len += packet->part[i].n;
	}
	in.part[0] = (struct tern_packet_part){ .at = host->loop_buffer, .n = in.len };
	in.mark = packet->id;
	in.zone = packet->zone;
	packet_free(host, packet);
	host->env.stats.TernLoopback++;
	input_packets(host, batch, 1);
}

size_t tern_host_output(tern_host *host, tern_packet *batch[], size_t room, tern_time now)
{
	size_t	 n = 0;
	unsigned loops = LOOPBACK_TURNS;

	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){
					  .op = TERN_RECORD_OUTPUT, .now = now, .a = (int64_t)room });
	host_set_now(host, now);
	while (n < room) {
		if (host->made.first) {
			batch[n] = packet_pop(&host->made);
			host->n_out++;
			n++;
		} else if (host->loop.first) {
			if (loops-- == 0)
				break;
			loop_back(host);
		} else if (!make(host, room - n)) {
			break;
		}
	}
	host_tell_unreachable(host);
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){
					  .op = TERN_RECORD_OUTPUT_MADE, .data = batch, .n = n });
	return n;
}

bool tern_host_has_output(const tern_host *host)
{
	if (host->made.first || host->loop.first)
		return true;
	return host->free_packets && (host->n_replies > 0 || host->ready.n > 0);
}

void tern_packet_done(tern_packet *packet)
{
	struct tern_host *const host = packet->host;

	if (!host) /* a link's own, on its way through another link */
		return;
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){
					  .op = TERN_RECORD_PACKET_DONE, .a = (int64_t)packet->id });
	tern_assert(packet->id != 0 && host->n_out > 0); /* handed back twice? */
	host->n_out--;
	packet_free(host, packet);
	datagrams_made_room(host);
}

static uint32_t packets_in(const struct tern_packet *first)
{
	uint32_t n = 0;

	for (; first; first = first->next)
		n++;
	return n;
}

void output_check(const struct tern_host *host)
{
	const uint32_t n = packets_in(host->free_packets) + packets_in(host->made.first) +
			   packets_in(host->loop.first) + packets_in(host->neighbours.unreachable.first) +
			   host->neighbours.n_waiting + host->n_out;

	tern_assert(n == host->env.config.packets && packets_in(host->free_packets) == host->n_free_packets);
	neighbours_check(&host->neighbours);
	tern_assert(host->n_replies <= HOST_REPLIES && host->n_icmp <= host->n_replies);
}
