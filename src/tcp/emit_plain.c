/* What most messages are: one segment of text while nothing flies; and what most connections end with: a FIN behind
 * text that is all acknowledged. It is all there is to send, window and controller let it go, and no loss, probe,
 * urgent octet, pacing, ECN or SACK block has a word in it: each step of emit.c would say so, and what is left of them
 * is done here.
 *
 * sim/sim_plain holds this against the long way, packet for packet, counter for counter and record for record: whoever
 * is watched goes that.
 */
#include "base/bytes.h"
#include "tcp/emit.h"
#include "tcp/pace.h"
#include "tcp/path.h"
#include "tcp/pto.h"
#include "tcp/timers.h"
#include "tcp/warm.h"
#include "tcp/window.h"

enum { DUE_WITH_TEXT = DUE_TEXT | DUE_ACK | DUE_CHALLENGE | DUE_WINDOW }; /* it takes the rest along */

/* emit.c's add_sack_blocks(), add_urgent(), emit_tail_probe(), fin_may_leave() and what paces have nothing to do. */
static bool is_quiet(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;

	return warm->flight.n == 0 && warm->ooo.n == 0 && warm->dsack.left == warm->dsack.right && !warm->urgent &&
	       !warm->tlp.due && !warm->override_now && !warm->cc.paced && !tcb->ecn_ok;
}

/* What is due is text, with what that takes along; and plpmtud.c does not look for a larger path. */
static bool is_due(const struct tcb *tcb)
{
	return (tcb->due & ~DUE_WITH_TEXT) == 0 && tcb->due & DUE_TEXT && tcb->warm && is_quiet(tcb) &&
	       !(tcb->has_path && path_of(tcb)->plpmtud.low > 0) && !env_is_watched(tcb_env(tcb));
}

/* Of text, n octets, all of it. */
static bool is_plain(const struct tcb *tcb, uint32_t n)
{
	/* The first flight of all makes room for its records. */
	return tcb->state == ESTABLISHED && !tcb->cork && !tcb->more && tcb->warm->flight.room > 0 && n > 0 &&
	       n <= min_u32(tcb->mss, window_usable(tcb));
}

/* Of a FIN: all text is acknowledged, and its record has room. */
static bool is_plain_fin(const struct tcb *tcb, uint32_t n)
{
	struct tcb_warm *const warm = tcb->warm;

	return (tcb->state == FIN_WAIT_1 || tcb->state == LAST_ACK) && !tcb->fin_sent && n == 0 && tcb->snd.wnd > 0 &&
	       warm->pace_at == TERN_NEVER && flight_reserve(&warm->flight, tcb_env(tcb)->mem, 1);
}

/* recovery_window_used(): the window does not limit, and nothing flew. */
static void window_used(struct tcb *tcb)
{
	struct tcb_warm *const warm = tcb->warm;

	if (seq_lt(tcb->snd.una, warm->usage_end))
		return;
	warm->cwnd_limited = false;
	warm->max_in_flight = 0;
	warm->usage_end = tcb->snd.nxt;
}

/* timers_data_sent(): a new series begins. */
static void timers_begin(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;

	warm->persist_at = TERN_NEVER;
	warm->override_at = TERN_NEVER;
	warm->pace_at = TERN_NEVER;
	warm->last_sent_at = now;
	if (warm->retransmit_at == TERN_NEVER) {
		warm->progress_at = now;
		warm->retransmit_at = now + us_to_time(warm->rto_us);
	}
	warm->probe_at = pto_at(tcb, now);
}

/* What it carries beside its text, and what that takes off. */
static void fill_header(struct tcb *tcb, uint16_t flags, tern_time now, struct tcp_out *out)
{
	const struct tcb_cold *const cold = tcb_cold(tcb);

	out->seg.src_port = tcb->name.local_port;
	out->seg.dst_port = tcb->name.remote_port;
	out->seg.ack = tcb->rcv.nxt;
	out->seg.flags = flags;
	out->seg.wnd = window_to_send(tcb, false, now);
	if (tcb->ts_ok) {
		out->seg.opt.has_ts = true;
		out->seg.opt.ts_val = tcp_ts_clock(now) + tcb->ts.offset;
		out->seg.opt.ts_ecr = tcb->ts.recent;
	}
	out->traffic_class = cold->traffic_class;
	out->ttl = cold->ttl;
	timers_ack_sent(tcb);
	tcb->due = 0;
}

bool emit_plain(struct tcb *tcb, tern_time now, struct tcp_out *out)
{
	struct tcb_warm *const warm = tcb->warm;
	const bool fin = tcb->fin_queued;

	if (!is_due(tcb))
		return false;
	const uint32_t n = tcb_unsent(tcb);
	if (fin ? !is_plain_fin(tcb, n) : !is_plain(tcb, n))
		return false;
	out->seg.seq = tcb->snd.nxt;
	if (!fin) {
		window_used(tcb);
		out->seg.text_len = n;
		out->text = warm->text;
		out->text_offset = snd_offset(tcb, tcb->snd.nxt);
		emit_hear_dialogue(tcb);
		tcb_env(tcb)->stats.TCPOrigDataSent++;
	}
	flight_push_only(&warm->flight, tcb->snd.nxt, (uint16_t)(n + fin), fin ? FLIGHT_FIN : 0, &warm->rate, now);
	tcb->snd.nxt = seq_add(tcb->snd.nxt, n + fin);
	tcb->fin_sent = fin;
	recovery_sent(tcb, n + fin);
	timers_begin(tcb, now);
	/* PSH: the queue runs empty (RFC 9293 3.9.1.2). */
	fill_header(tcb, fin ? TCP_ACK | TCP_FIN : TCP_ACK | TCP_PSH, now, out);
	emit_made_room(tcb);
	if (warm->chrono.kind != CHRONO_BUSY || tcb->write_blocked)
		chrono_turn_over(tcb, now);
	tcb_cold(tcb)->segments_out++;
	pace_sent(tcb, n, now);
	return true;
}
