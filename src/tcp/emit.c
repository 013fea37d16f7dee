/* The only maker of segments (DESIGN 5.7). Steps, calls and timers mark what is due; here it is decided
 * what leaves, in this order: RST; SYN; what was lost; new text and FIN; probes; keep-alives; a bare ACK.
 * Every segment but the first SYN acknowledges, so that whatever leaves takes the pending ACK with it.
 *
 * When new text may leave (RFC 9293 3.8.6.2.1 and 3.7.4), with D octets unsent, U usable in the peer's
 * window, C in the congestion window:
 *   a full segment fits                          send
 *   all of D fits, and nothing is in flight, or Nagle is off, or the FIN follows    send (no cork, no MORE)
 *   half of the largest window ever seen fits    send
 *   the override timer fired                     send what fits
 */
#include "base/assert.h"
#include "base/bytes.h"
#include "tcp/ecn.h"
#include "tcp/emit.h"
#include "tcp/negotiate.h"
#include "tcp/pace.h"
#include "tcp/path.h"
#include "tcp/plpmtud.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/timers.h"
#include "tcp/warm.h"
#include "tcp/window.h"

/* Where a segment without text stands: SND.NXT, but never beyond any right edge that the peer ever offered
 * (a probe may lie there), or the peer would not look at it: two shut windows would never open. */
static seq_t bare_seq(const struct tcb *tcb)
{
	return tcb_has_flight(tcb) ? seq_min(tcb->snd.nxt, tcb->warm->edge) : tcb->snd.nxt;
}

static bool emit_reset(struct tcb *tcb, struct tcp_out *out, tern_time now)
{
	emit_begin(tcb, out, bare_seq(tcb), TCP_RST | TCP_ACK, 0, now);
	out->seg.wnd = 0;
	tcb->due = 0;
	tcb_env(tcb)->stats.OutRsts++;
	return true;
}

static bool emit_syn(struct tcb *tcb, struct tcp_out *out, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;

	tcb->due &= (uint8_t)~DUE_SYN;
	emit_make_syn(tcb, out, now);
	if (warm->flight.n > 0) { /* the SYN flew before; now it goes again, as SYN-ACK */
		struct flight_record *const record = flight_at(&warm->flight, 0);

		out->retransmitted = record->flags & FLIGHT_AGAIN;
		flight_resent(&warm->flight, record, &warm->rate, now);
		return true;
	}
	flight_push(&warm->flight, tcb->snd.iss, 1, FLIGHT_SYN, &warm->rate, now); /* room was made by OPEN */
	tcb->snd.nxt = seq_add(tcb->snd.iss, 1);
	timers_data_sent(tcb, now);
	return true;
}

/* The text of one segment shrinks by the SACK blocks it will carry. */
static uint32_t segment_text(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;
	uint32_t blocks;

	if (!tcb->sack_ok || (warm->ooo.n == 0 && warm->dsack.left == warm->dsack.right))
		return tcb->mss;
	if (tcb->mss <= 2 * TCP_OPTIONS_MAX)
		return tcb->mss; /* a path so narrow: the blocks go with bare ACKs */
	blocks = min_u32((uint32_t)warm->ooo.n + (warm->dsack.left != warm->dsack.right), emit_blocks_that_fit(tcb, 0));
	return tcb->mss - SACK_HEAD_BYTES - blocks * SACK_BLOCK_BYTES;
}

/* A piece smaller than a segment: may it leave? See the head of this file (MUST-17, MUST-38, SHLD-7). */
static bool short_piece_may_leave(struct tcb *tcb, uint32_t n, uint32_t unsent, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const bool idle = warm->flight.n == 0 && n < segment_text(tcb); /* else its own full segments fly before it */

	if (warm->override_now || warm->tlp.due)
		return true;
	if (n == unsent && tcb->fin_queued)
		return true;
	if (n == unsent && !tcb->cork && !tcb->more)
		return idle || tcb->nodelay;
	if (n < unsent && n >= tcb->snd.max_wnd / 2 && (idle || tcb->nodelay))
		return true;
	if (idle || n == unsent)
		timers_text_held(tcb, now);
	return false;
}

/* How many octets of new text leave now; 0: none (MUST-60, SHLD-15, SHLD-28, MAY-16).
 * (RFC5681-3.1-1, RFC5681-3.1-2, RFC6675-5-5) */
static uint32_t text_to_send(struct tcb *tcb, uint32_t limit, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const uint32_t unsent = tcb_unsent(tcb), usable = window_usable(tcb);
	const uint32_t in_flight = recovery_in_flight(tcb), mss = segment_text(tcb);
	/* One segment may always fly alone, whatever became of the MSS since the window was measured. */
	const uint32_t cwnd = warm->flight.n == 0 ? max_u32(warm->cc.cwnd, mss) : warm->cc.cwnd;
	/* A tail loss probe is one segment beyond (RFC 8985 7.3). */
	const uint32_t room = warm->tlp.due ? mss : cwnd > in_flight ? cwnd - in_flight : 0;
	uint32_t n = min_u32(unsent, usable);

	if (n == 0) {
		if (unsent > 0 && warm->flight.n == 0)
			timers_window_shut(tcb, now);
		return 0;
	}
	const bool window_is_full = room < min_u32(n, mss);
	const uint32_t paced = window_is_full || warm->tlp.due ? n : pace_room(tcb, min_u32(n, mss), now);
	const bool limited = room < min_u32(n, paced);

	if (window_is_full || paced == 0) {
		recovery_window_used(tcb, limited, 0);
		return 0; /* an ACK or the pacer will come: no crumbs for the congestion window's sake */
	}
	n = min_u32(n, paced);
	/* SACK blocks take of the text of each segment. */
	n = min_u32(min_u32(n, room), max_u32(limit / tcb->mss, 1) * mss);
	if (n >= mss && !(n == unsent && (n % mss == 0 || short_piece_may_leave(tcb, n, unsent, now))))
		n -= n % mss;
	recovery_window_used(tcb, limited, (n - 1) / mss * mss);
	return n >= mss || short_piece_may_leave(tcb, n, unsent, now) ? n : 0;
}

/* [seq, seq + n) leaves, and the FIN where told: one record a segment of mss. False: no memory for them. */
static bool record_sent(struct tcb *tcb, uint32_t n, bool fin, uint32_t mss, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	/* The last may be shorter, or have the FIN with it. */
	const uint32_t whole = n == 0 ? 0 : (n - 1) / mss;
	const uint16_t rest = (uint16_t)(n - whole * mss + fin);

	if (!flight_reserve(&warm->flight, tcb_env(tcb)->mem, whole + 1))
		return false;
	if (whole > 0)
		flight_push_run(&warm->flight, tcb->snd.nxt, whole, (uint16_t)mss, &warm->rate, now);
	flight_push(&warm->flight, seq_add(tcb->snd.nxt, whole * mss), rest, fin ? FLIGHT_FIN : 0, &warm->rate, now);
	tcb->snd.nxt = seq_add(tcb->snd.nxt, n + fin);
	tcb->fin_sent |= fin;
	recovery_sent(tcb, n + fin);
	timers_data_sent(tcb, now);
	return true;
}

static bool fin_may_leave(const struct tcb *tcb, uint32_t n)
{
	/* A FIN needs no window of its own where the text before it fits; against a shut window the
	 * probes carry it. */
	return tcb->fin_queued && !tcb->fin_sent && n == tcb_unsent(tcb) &&
	       (n > 0 || tcb->snd.wnd > 0 || tcb->warm->override_now);
}

static void add_ecn(struct tcb *tcb, struct tcp_out *out)
{
	out->traffic_class |= ecn_field(tcb);
	if (!ecn_cwr_is_due(tcb))
		return;
	out->seg.flags |= TCP_CWR;
	ecn_cwr_sent(tcb);
}

/* A link that cuts segments would repeat, or clear, a CWR on each: what carries one goes alone. */
static bool ecn_goes_alone(struct tcb *tcb)
{
	if (!tcb->ecn_ok)
		return false;

	const struct tcb_path *const path = path_of(tcb);

	return ecn_cwr_is_due(tcb) || (path && path->ecn.accurate && path->ecn.r_cep & 2);
}

/* Octets that may leave as one run, of whose segments each has the same header but for its number, and leaves for the
 * same reason. */
static uint32_t run_limit(struct tcb *tcb, uint32_t limit)
{
	const struct tcb_warm *const warm = tcb->warm;

	if (warm->urgent || warm->override_now || warm->dsack.left != warm->dsack.right ||
	    seq_gt(warm->push_end, tcb->snd.nxt) || ecn_goes_alone(tcb))
		return tcb->mss;
	return limit;
}

static bool emit_new(struct tcb *tcb, uint32_t limit, tern_time now, struct tcp_out *out)
{
	const uint32_t n = text_to_send(tcb, run_limit(tcb, limit), now), mss = segment_text(tcb);
	const seq_t seq = tcb->snd.nxt;
	const bool fin = tcb->state != SYN_SENT && fin_may_leave(tcb, n);

	if (n == 0 && !fin) {
		if (tcb->fin_queued && !tcb->fin_sent && tcb_unsent(tcb) == 0 && tcb->warm->flight.n == 0)
			timers_window_shut(tcb, now);
		return false;
	}
	if (!record_sent(tcb, n, fin, mss, now)) {
		timers_text_held(tcb, now); /* memory is spent: come back */
		return false;
	}
	emit_begin(tcb, out, seq, TCP_ACK, min_u32(n, mss), now);
	emit_add_text(tcb, out, seq, n);
	if (fin)
		out->seg.flags |= TCP_FIN;
	if (n > 0 && tcb->ecn_ok)
		add_ecn(tcb, out);
	if (n > 0)
		emit_hear_dialogue(tcb);
	if (n > mss)
		out->gso_size = (uint16_t)mss;
	tcb->warm->override_now = false;
	timers_text_released(tcb);
	tcb_env(tcb)->stats.TCPOrigDataSent += n <= mss ? n > 0 : (n + mss - 1) / mss;
	emit_made_room(tcb);
	if (tcb_unsent(tcb) == 0 && tcb->fin_queued == tcb->fin_sent && tcb->warm->flight.n_lost == 0) {
		tcb->due &= (uint8_t)~DUE_TEXT; /* that was all: the host need not ask again to hear so */
		chrono_turn_over(tcb, now);
	}
	return true;
}

/* RFC 8985 7.3: new text if there is some, else the end of the flight again (RFC8985-7.3-1). */
static bool emit_tail_probe(struct tcb *tcb, tern_time now, struct tcp_out *out)
{
	struct tcb_warm *const warm = tcb->warm;
	struct flight_record *last;
	bool is_new, is_again = false;

	if (!warm->tlp.due)
		return false;
	is_new = emit_new(tcb, tcb->mss, now, out);
	last = flight_last(&warm->flight);
	if (!is_new && last && !(last->flags & (FLIGHT_SACKED | FLIGHT_LOST))) {
		emit_again(tcb, last, out, now);
		is_again = true;
	}
	warm->tlp.due = false;
	if (is_new || is_again)
		tlp_sent(tcb, is_again, now);
	return is_new || is_again;
}

/* One segment that is larger than those before, to see whether it arrives (plpmtud.h). */
static bool emit_mtu_probe(struct tcb *tcb, tern_time now, struct tcp_out *out)
{
	const uint32_t n = plpmtud_wanted(tcb, now);
	const seq_t seq = tcb->snd.nxt;

	if (n == 0 || pace_room(tcb, n, now) == 0 || !record_sent(tcb, n, false, n, now))
		return false;
	emit_begin(tcb, out, seq, TCP_ACK, n, now);
	emit_add_text(tcb, out, seq, n);
	plpmtud_sent(tcb, seq, n);
	tcb_env(tcb)->stats.TCPOrigDataSent++;
	emit_made_room(tcb);
	return true;
}

/* One octet of new text, or the FIN, against a shut window (RFC 9293 3.8.6.1, MUST-36). */
static bool emit_probe(struct tcb *tcb, tern_time now, struct tcp_out *out)
{
	struct tcb_warm *const warm = tcb->warm;
	const uint32_t n = tcb_unsent(tcb) > 0;
	const seq_t seq = tcb->snd.nxt;
	const bool fin = n == 0 && tcb->fin_queued && !tcb->fin_sent;

	tcb->due &= (uint8_t)~DUE_PROBE;
	if (!warm || warm->flight.n > 0 || (n == 0 && !fin) || window_usable(tcb) > 0)
		return false;
	if (!record_sent(tcb, n, fin, 1, now)) {
		timers_window_shut(tcb, now);
		return false;
	}
	emit_begin(tcb, out, seq, TCP_ACK, n, now);
	emit_add_text(tcb, out, seq, n);
	if (fin)
		out->seg.flags |= TCP_FIN;
	timers_backed_off(tcb, now); /* the wait for this probe was one already (SHLD-30) */
	out->probe = true;
	tcb_env(tcb)->stats.TCPWinProbe++;
	return true;
}

/* SHLD-12: no text; SND.NXT - 1 makes the peer answer (RFC 9293 3.8.4). MAY-6: one garbage octet. */
static bool emit_keepalive(struct tcb *tcb, tern_time now, struct tcp_out *out)
{
	tcb->due &= (uint8_t)~DUE_KEEPALIVE;
	emit_begin(tcb, out, seq_add(tcb->snd.nxt, 0u - 1), TCP_ACK, 1, now);
	out->probe = true;
	if (tcb->keepalive_garbage) {
		static const uint8_t garbage[1];

		out->seg.text = garbage; /* not from the send store */
		out->seg.text_len = 1;
	}
	tcb_env(tcb)->stats.TCPKeepAlive++;
	return true;
}

static bool emit_ack(struct tcb *tcb, tern_time now, struct tcp_out *out)
{
	emit_begin(tcb, out, bare_seq(tcb), TCP_ACK, 0, now);
	if (tcb->warm)
		emit_add_urgent(tcb, &out->seg); /* MUST-66: urgent news passes a shut window */
	tcb_env(tcb)->stats.TCPPureAcks++;
	return true;
}

static bool emit_something(struct tcb *tcb, uint32_t limit, tern_time now, struct tcp_out *out)
{
	if (tcb->due & DUE_RESET)
		return emit_reset(tcb, out, now);
	if (tcb->state == CLOSED || tcb->state == TIME_WAIT) {
		tcb->due &= tcb->state == TIME_WAIT ? DUE_ACK : 0;
		return tcb->due && emit_ack(tcb, now, out);
	}
	if (tcb->due & DUE_SYN)
		return emit_syn(tcb, out, now);
	if (tcb->due & DUE_TEXT) {
		if (tcb->warm && emit_lost(tcb, out, now))
			return true;
		if (tcb->warm && tcb->state >= ESTABLISHED && emit_tail_probe(tcb, now, out))
			return true;
		if (tcb->warm && tcb->state >= ESTABLISHED && emit_mtu_probe(tcb, now, out))
			return true;
		if (tcb->warm && tcb->state >= ESTABLISHED && emit_new(tcb, limit, now, out))
			return true;
		tcb->due &= (uint8_t)~DUE_TEXT;
		chrono_turn_over(tcb, now);
	}
	if (tcb->due & DUE_PROBE && emit_probe(tcb, now, out))
		return true;
	if (tcb->due & DUE_KEEPALIVE)
		return emit_keepalive(tcb, now, out);
	if (tcb->state == SYN_SENT)
		tcb->due = 0;
	return tcb->due && emit_ack(tcb, now, out);
}

/* Apart, so that the straight way does not pay for its registers. */
__attribute__((noinline)) static bool emit_step_by_step(struct tcb *tcb, uint32_t limit, tern_time now,
							struct tcp_out *out)
{
	if (!emit_something(tcb, limit, now, out))
		return false;
	tcb_cold(tcb)->segments_out += out->gso_size > 0 ? (out->seg.text_len + out->gso_size - 1u) / out->gso_size : 1;
	if (tcb->warm)
		pace_sent(tcb, out->seg.text_len, now);
	tcb_cool_down(tcb);
	return true;
}

bool tcp_emit(struct tcb *tcb, uint32_t limit, tern_time now, struct tcp_out *out)
{
	if (tcb->due == 0)
		return false;
	tcp_out_clear(out);
	return emit_plain(tcb, now, out) || emit_step_by_step(tcb, limit, now, out);
}
