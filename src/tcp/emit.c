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

enum { SACK_HEAD_BYTES = 4, SACK_BLOCK_BYTES = 8, BLOCKS_WITH_TIMESTAMPS = 3 };

/* How many SACK blocks fit beside so much text: a segment never grows beyond the path's MTU (MUST-16). */
static uint32_t blocks_that_fit(const struct tcb *tcb, uint32_t text)
{
	const uint32_t most = tcb->ts_ok ? BLOCKS_WITH_TIMESTAMPS : TCP_SACK_BLOCKS;

	if (text + SACK_HEAD_BYTES > tcb->mss)
		return 0;
	return min_u32((tcb->mss - text - SACK_HEAD_BYTES) / SACK_BLOCK_BYTES, most);
}

/* RFC 2018 4, RFC 2883 4: the duplicate first, then what grew last. */
static void add_sack_blocks(struct tcb *tcb, struct tcp_options *opt, uint32_t text)
{
	struct tcb_warm *const warm = tcb->warm;
	struct tern_sack_block blocks[TCP_SACK_BLOCKS];
	size_t n = 0;

	if (!tcb->sack_ok || !warm || (warm->ooo.n == 0 && warm->dsack.left == warm->dsack.right))
		return;
	const size_t room = blocks_that_fit(tcb, text);
	if (room == 0)
		return;
	if (warm->dsack.left != warm->dsack.right) {
		blocks[n++] = warm->dsack;
		warm->dsack = (struct tern_sack_block){ 0 };
	}
	n += reassembly_blocks(&warm->ooo, blocks + n, room - n);
	for (size_t i = 0; i < n; i++)
		opt->sack[i] = (struct tcp_sack_block){ { blocks[i].left }, { blocks[i].right } };
	opt->n_sack = (uint8_t)n;
}

/* What every segment of a synchronized connection carries beside its text, of which each has so much.
 * (RFC7323-3.2-1, RFC7323-3.2-4) */
static void begin_segment(struct tcb *tcb, struct tcp_out *out, seq_t seq, uint16_t flags, uint32_t text, tern_time now)
{
	const struct tcb_cold *const cold = tcb_cold(tcb);

	out->seg.src_port = tcb->name.local_port;
	out->seg.dst_port = tcb->name.remote_port;
	out->seg.seq = seq;
	out->seg.flags = flags;
	if (flags & TCP_ACK) {
		out->seg.ack = tcb->rcv.nxt;
		out->seg.wnd = window_to_send(tcb, flags & TCP_SYN, now);
		if (!(flags & (TCP_SYN | TCP_RST))) {
			add_sack_blocks(tcb, &out->seg.opt, text);
			if (tcb->ecn_ok) {
				out->seg.flags |= ecn_ack_flags(tcb, text == 0);
				if (text == 0)
					ecn_add_option(tcb, &out->seg.opt);
			}
		}
		timers_ack_sent(tcb);
	}
	if (tcb->ts_ok) {
		out->seg.opt.has_ts = true;
		out->seg.opt.ts_val = tcp_ts_clock(now) + tcb->ts.offset;
		out->seg.opt.ts_ecr = flags & TCP_ACK ? tcb->ts.recent : 0;
	}
	out->traffic_class = cold->traffic_class;
	out->ttl = cold->ttl;
}

/* Where a segment without text stands: SND.NXT, but never beyond any right edge that the peer ever offered
 * (a probe may lie there), or the peer would not look at it: two shut windows would never open. */
static seq_t bare_seq(const struct tcb *tcb)
{
	return tcb_has_flight(tcb) ? seq_min(tcb->snd.nxt, tcb->warm->edge) : tcb->snd.nxt;
}

static bool emit_reset(struct tcb *tcb, struct tcp_out *out, tern_time now)
{
	begin_segment(tcb, out, bare_seq(tcb), TCP_RST | TCP_ACK, 0, now);
	out->seg.wnd = 0;
	tcb->due = 0;
	tcb_env(tcb)->stats.OutRsts++;
	return true;
}

/* What our SYN offers: everything on the first, only what was agreed on a SYN-ACK (SHLD-5, MUST-14).
 * (RFC7323-2.2-3, RFC7323-3.2-5) */
static void add_syn_options(struct tcb *tcb, struct tcp_options *opt, bool answers, tern_time now)
{
	const struct tern_config *const config = &tcb_env(tcb)->config;

	opt->syn_order = config->syn_options;
	opt->has_mss = true; /* always (MAY-3); never on other segments (MUST-65) */
	opt->mss = negotiate_our_mss(tcb->warm->mtu, tcb->warm->max_segment, tcb->v6);
	opt->has_wscale = answers ? tcb->wscale_ok : !config->no_window_scale;
	opt->wscale = answers ? tcb->rcv.wscale : negotiate_wscale(config);
	opt->sack_permitted = answers ? tcb->sack_ok : !config->no_sack;
	opt->has_ts = answers ? tcb->ts_ok : !config->no_timestamps;
	opt->ts_val = tcp_ts_clock(now) + tcb->ts.offset;
}

static void make_syn(struct tcb *tcb, struct tcp_out *out, tern_time now)
{
	const bool answers = tcb->state != SYN_SENT;

	const unsigned times = tcb_has_flight(tcb) ? flight_at(&tcb->warm->flight, 0)->times : 0;
	const uint16_t flags = answers ? TCP_SYN | TCP_ACK : TCP_SYN | ecn_syn_flags(tcb, times);

	begin_segment(tcb, out, tcb->snd.iss, flags, 0, now);
	if (!answers) /* no ACK, so no window yet: offer what a SYN can say */
		out->seg.wnd = (uint16_t)min_u32(tcb_cold(tcb)->receive_buffer, 65535);
	add_syn_options(tcb, &out->seg.opt, answers, now);
}

static bool emit_syn(struct tcb *tcb, struct tcp_out *out, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;

	tcb->due &= (uint8_t)~DUE_SYN;
	make_syn(tcb, out, now);
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

/* URG on each segment that begins before the end of what is urgent (MUST-30, MUST-31). */
static void add_urgent(const struct tcb *tcb, struct tcp_segment *seg)
{
	const struct tcb_warm *const warm = tcb->warm;

	if (!warm->urgent || !seq_lt(seg->seq, warm->up))
		return;
	seg->flags |= TCP_URG; /* MUST-62: the pointer names the octet after the urgent ones */
	seg->up = (uint16_t)min_u32(seq_sub(warm->up, seg->seq), 65535);
}

/* Text for a segment that begins at seq; n octets, then perhaps the FIN. */
static void add_text(struct tcb *tcb, struct tcp_out *out, seq_t seq, uint32_t n)
{
	struct tcb_warm *const warm = tcb->warm;
	const seq_t end = seq_add(seq, n);

	add_urgent(tcb, &out->seg);
	if (n == 0)
		return;
	out->text = warm->text;
	out->text_offset = snd_offset(tcb, seq);
	out->seg.text_len = n;
	/* MUST-61: PSH where the queue runs empty; and where the program asked (SHLD-27: once for all it
	 * covers). */
	if (out->text_offset + n == slices_end(warm->text) ||
	    (seq_lt(seq, warm->push_end) && seq_ge(end, warm->push_end)))
		out->seg.flags |= TCP_PSH;
}

static enum tern_retransmit_why retransmit_why(const struct tcb *tcb, const struct flight_record *record)
{
	const struct tcb_warm *const warm = tcb->warm;

	if (warm->tlp.due)
		return TERN_RETRANSMIT_TAIL_PROBE;
	if (timers_retransmit_name(tcb) == TERN_TIMER_PERSIST || warm->recovery <= TERN_RECOVERY_CWR)
		return warm->recut ? TERN_RETRANSMIT_PATH_MTU :
				     TERN_RETRANSMIT_ZERO_WINDOW_PROBE; /* shut, or just opened again */
	if (warm->recovery == TERN_RECOVERY_LOSS)
		return record->flags & FLIGHT_AGAIN || seq_eq(record->seq, tcb->snd.una) ?
			       TERN_RETRANSMIT_TIMEOUT :
			       TERN_RETRANSMIT_AFTER_TIMEOUT;
	if (recovery_is_rack(tcb))
		return TERN_RETRANSMIT_RACK;
	return warm->partial_seen ? TERN_RETRANSMIT_PARTIAL_ACK : TERN_RETRANSMIT_FAST;
}

static void tell_retransmit(struct tcb *tcb, const struct flight_record *record, tern_time now)
{
	struct tcp_env *const env = tcb_env(tcb);
	struct tern_tuple tuple;

	env->stats.RetransSegs++;
	if (tcb->warm->recovery == TERN_RECOVERY_FAST)
		env->stats.TCPFastRetrans++;
	else if (tcb->warm->recovery == TERN_RECOVERY_LOSS)
		env->stats.TCPSlowStartRetrans++;
	tcb_cold(tcb)->retransmits++;
	tcb->warm->bytes_retransmitted += flight_text(record);
	if (!env_is_watched(env))
		return;
	tcb_get_tuple(tcb, &tuple);
	watch_retransmit(env, &tuple, (enum tcp_state)tcb->state, retransmit_why(tcb, record), record->seq, record->len,
			 record->times, us_to_time(tcb->warm->rto_us), now);
}

/* One record again, as it was: a SYN, text, a FIN. */
static void make_again(struct tcb *tcb, struct flight_record *record, struct tcp_out *out, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const bool syn = record->flags & FLIGHT_SYN, fin = record->flags & FLIGHT_FIN;

	if (syn)
		make_syn(tcb, out, now);
	else
		begin_segment(tcb, out, record->seq, TCP_ACK, record->len, now);
	tell_retransmit(tcb, record, now);
	undo_resent(tcb, seq_add(record->seq, record->len), now);
	recovery_sent(tcb, record->len);
	add_text(tcb, out, record->seq, syn ? 0 : (uint32_t)(record->len - fin));
	if (fin)
		out->seg.flags |= TCP_FIN;
	out->retransmitted = true;
	out->probe = timers_retransmit_name(tcb) == TERN_TIMER_PERSIST;
	flight_resent(&warm->flight, record, &warm->rate, now);
	warm->recut &= warm->flight.n_lost > 0;
	warm->retransmit_now = false;
	if (warm->retransmit_at == TERN_NEVER)
		timers_data_sent(tcb, now);
}

/* The path was wider when it was cut. */
static bool is_too_long(const struct tcb *tcb, const struct flight_record *record)
{
	return !(record->flags & FLIGHT_SYN) && record->len - ((record->flags & FLIGHT_FIN) != 0) > tcb->mss;
}

/* What stands at SND.UNA goes again even beyond the window (MAY-7, RFC7323-2.4-3, RFC6675-5-5). */
static bool emit_lost(struct tcb *tcb, struct tcp_out *out, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	if (warm->flight.n_lost == 0)
		return false;

	struct flight_record *const record = flight_first_lost(&warm->flight);
	const uint32_t in_flight = recovery_in_flight(tcb);

	if (recovery_holds_back(tcb))
		return false;
	/* Beyond a right edge that the peer took back only what stands at SND.UNA goes again (SHLD-16). */
	if (!seq_eq(record->seq, tcb->snd.una) &&
	    seq_gt(seq_add(record->seq, record->len), seq_add(tcb->snd.una, max_u32(tcb->snd.wnd, 1))))
		return false;
	/* One may always fly alone: with its FIN it can be an octet more than the least window. */
	if (!warm->retransmit_now && in_flight > 0 && in_flight + record->len > warm->cc.cwnd)
		return false;
	/* What SND.UNA waits for is never held up (pace.h). */
	if (!warm->retransmit_now && !seq_eq(record->seq, tcb->snd.una) && pace_room(tcb, record->len, now) == 0)
		return false;
	/* Memory was short when it was to be cut. */
	if (is_too_long(tcb, record) && !flight_recut(&warm->flight, tcb_env(tcb)->mem, tcb->mss))
		return false; /* the retransmission timer comes back to it */
	make_again(tcb, flight_first_lost(&warm->flight), out, now);
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
	blocks = min_u32((uint32_t)warm->ooo.n + (warm->dsack.left != warm->dsack.right), blocks_that_fit(tcb, 0));
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
	begin_segment(tcb, out, seq, TCP_ACK, min_u32(n, mss), now);
	add_text(tcb, out, seq, n);
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
		make_again(tcb, last, out, now);
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
	begin_segment(tcb, out, seq, TCP_ACK, n, now);
	add_text(tcb, out, seq, n);
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
	begin_segment(tcb, out, seq, TCP_ACK, n, now);
	add_text(tcb, out, seq, n);
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
	begin_segment(tcb, out, seq_add(tcb->snd.nxt, 0u - 1), TCP_ACK, 1, now);
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
	begin_segment(tcb, out, bare_seq(tcb), TCP_ACK, 0, now);
	if (tcb->warm)
		add_urgent(tcb, &out->seg); /* MUST-66: urgent news passes a shut window */
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
