#include "tcp/window.h"
#include "tcp/timers.h"
#include "tcp/tune.h"
#include "tcp/warm.h"

/* Where the right edge could be now, memory permitting; at least where it is (RFC7323-2.4-1). */
static seq_t edge_wanted(const struct tcb *tcb, uint32_t buffer)
{
	const uint32_t unread = tcb_unread(tcb);
	uint32_t room = buffer > unread ? buffer - unread : 0;

	/* Short of memory: one segment at a time, beside what the scale is too coarse to tell of, and only to a
	 * program that reads. */
	if (mem_is_tight(tcb_env(tcb)->mem))
		room = unread == 0 ? min_u32(room, tcb->rcv.mss + (1u << tcb->rcv.wscale)) : 0;
	return seq_max(tcb->rcv.wnd_edge, seq_add(tcb->rcv.nxt, room));
}

/* MUST-39: the edge moves by a full-sized segment or half the buffer at least (RFC 9293 3.8.6.2.2). */
static bool edge_should_move(const struct tcb *tcb, seq_t wanted, uint32_t buffer)
{
	return seq_sub(wanted, tcb->rcv.wnd_edge) >= min_u32(buffer / 2, tcb->rcv.mss);
}

static void note_window(struct tcb *tcb, enum tern_note note, uint32_t value, tern_time now)
{
	struct tcp_env *const env = tcb_env(tcb);
	struct tern_tuple tuple;

	if (!env_is_watched(env))
		return;
	tcb_get_tuple(tcb, &tuple);
	watch_note(env, &tuple, (enum tcp_state)tcb->state, note, value, now);
}

/* A window that nobody reads away stays shut (MAY-8, RFC7323-2.2-2, RFC7323-2.3-1). */
uint16_t window_to_send_anew(struct tcb *tcb, bool on_syn, tern_time now)
{
	const uint32_t buffer = window_buffer(tcb);
	const seq_t wanted = edge_wanted(tcb, buffer);
	uint32_t field;

	if (on_syn) { /* not scaled (RFC 7323 2.2) */
		field = min_u32(seq_sub(wanted, tcb->rcv.nxt), 65535);
		tcb->rcv.wnd_edge = seq_max(tcb->rcv.wnd_edge, seq_add(tcb->rcv.nxt, field));
		return (uint16_t)field;
	}
	const seq_t edge = edge_should_move(tcb, wanted, buffer) ? wanted : tcb->rcv.wnd_edge;
	field = min_u32(seq_sub(edge, tcb->rcv.nxt) >> tcb->rcv.wscale, 65535);
	/* The scale rounds down, so the field may name up to 2^shift - 1 octets less than was promised (RFC
	 * 7323 2.4); what is accepted keeps to the promise. */
	tcb->rcv.wnd_edge = seq_max(tcb->rcv.wnd_edge, seq_add(tcb->rcv.nxt, field << tcb->rcv.wscale));
	if ((field == 0) != tcb->zero_window_told) {
		struct tern_stats *const stats = &tcb_env(tcb)->stats;

		tcb->zero_window_told = field == 0;
		stats->TCPToZeroWindowAdv += field == 0;
		stats->TCPFromZeroWindowAdv += field != 0;
		note_window(tcb, field == 0 ? TERN_NOTE_ZERO_WINDOW_SENT : TERN_NOTE_WINDOW_OPENED,
			    field << tcb->rcv.wscale, now);
	}
	return (uint16_t)field;
}

void window_may_tell(struct tcb *tcb, uint32_t open, uint32_t buffer)
{
	const seq_t wanted = edge_wanted(tcb, buffer);
	const uint32_t gain = seq_sub(wanted, tcb->rcv.wnd_edge);

	if (!state_receives((enum tcp_state)tcb->state) || !edge_should_move(tcb, wanted, buffer))
		return;
	/* Wide open: the next ACK will tell. Nearly shut: the peer waits for this. */
	if (open < 2u * tcb->rcv.mss || gain >= buffer / 4)
		tcb->due |= DUE_WINDOW;
}

void window_from(struct tcb *tcb, const struct tcp_segment *seg, seq_t edge, tern_time now)
{
	const uint32_t wnd = window_of(tcb, seg);
	const bool was_zero = tcb->snd.wnd == 0;

	if (!window_is_newer(tcb, seg))
		return;
	window_take(tcb, seg, wnd, edge);
	/* More than the scale's rounding. */
	if (seq_lt(seq_add(seg->ack, wnd + (1u << tcb->snd_wscale)), edge))
		note_window(tcb, TERN_NOTE_WINDOW_SHRUNK, wnd, now);
	if (was_zero != (wnd == 0))
		note_window(tcb, wnd == 0 ? TERN_NOTE_ZERO_WINDOW_RECEIVED : TERN_NOTE_WINDOW_OPENED, wnd, now);
	if (was_zero && wnd > 0)
		timers_window_opened(tcb, now);
}
