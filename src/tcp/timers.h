/* Timers: named events -> deadlines. Callers say what happened, never which timer. What each time-out
 * does is expire.c's. */
#ifndef TCP_TIMERS_H
#define TCP_TIMERS_H

#include "tcp/tcb.h"

void timers_data_sent(struct tcb *tcb, tern_time now); /* something that wants an ACK left */
void timers_progress(struct tcb *tcb, bool sampled, tern_time now); /* SND.UNA moved; an RTT was measured */
void timers_restart(struct tcb *tcb, tern_time now); /* in recovery: another retransmission time from now */
/* RFC 8985: the reordering timer is to run at a moment, TERN_NEVER: not. */
void timers_reordering(struct tcb *tcb, tern_time at, tern_time now);
void timers_probe(struct tcb *tcb, tern_time now); /* an ACK counted, or text left: the PTO begins anew, or ends */
void timers_reneged(struct tcb *tcb, tern_time now); /* the peer threw SACKed text away: the time-out comes soon */
void timers_backed_off(struct tcb *tcb, tern_time now); /* RFC 6298 5.5, 5.6 */
void timers_window_shut(struct tcb *tcb, tern_time now); /* there is text, no window, nothing in flight */
void timers_window_opened(struct tcb *tcb, tern_time now);
void timers_text_held(struct tcb *tcb, tern_time now); /* a short segment waits: SWS override, cork */
void timers_text_released(struct tcb *tcb);
void timers_ack_delayed_told(struct tcb *tcb, tern_time at, tern_time now); /* the next, where somebody looks on */
static inline void timers_ack_delayed(struct tcb *tcb, tern_time now)
{
	const struct tcp_env *const env = tcb_env(tcb);

	tcb->ack_pending = true;
	if (tcb->delayed_ack_at != TERN_NEVER)
		return;
	if (env_is_watched(env))
		timers_ack_delayed_told(tcb, now + env->config.delayed_ack, now);
	else
		tcb->delayed_ack_at = now + env->config.delayed_ack;
}
/* Whatever leaves takes the ACK with it, for all that came (MUST-58, RFC5681-4.2-2). */
static inline void timers_ack_sent(struct tcb *tcb)
{
	tcb->delayed_ack_at = TERN_NEVER;
	tcb->ack_pending = false;
	tcb->due &= (uint8_t)~(DUE_ACK | DUE_WINDOW | DUE_CHALLENGE);
	tcb->rcv.acked = tcb->rcv.nxt;
}
void timers_orphaned(struct tcb *tcb, tern_time now); /* the program has let go, or it is time to count anew */

tern_time timers_keepalive_at(const struct tcb *tcb, tern_time now); /* TERN_NEVER: off */
tern_time timers_user_at(const struct tcb *tcb);
tern_time timers_orphan_at(const struct tcb *tcb, tern_time now);

/* What the retransmission timer is at the moment: TERN_TIMER_RETRANSMIT or, no window, _PERSIST. */
enum tern_timer timers_retransmit_name(const struct tcb *tcb);

static inline uint32_t time_to_ms(tern_time now)
{
	return (uint32_t)(now / TERN_MILLISECOND);
}
/* The moment nearest to now whose milliseconds are ms (mod 2^32). */
tern_time ms_to_time(uint32_t ms, tern_time now);

/* The peer lives: a peer that answers does, whatever its window (SHLD-17). */
void timers_heard_again(struct tcb *tcb, uint32_t silent_ms, tern_time now); /* after silence, or shut */
static inline void timers_heard(struct tcb *tcb, tern_time now)
{
	struct tcb_cold *const cold = tcb_cold(tcb);
	const uint32_t now_ms = time_to_ms(now), silent_ms = now_ms - cold->heard_ms;

	/* No RTO is below the least, so most need not know theirs. */
	if (silent_ms > tcb_env(tcb)->rto_us.min / 1000 || tcb->snd.wnd == 0)
		timers_heard_again(tcb, silent_ms, now);
	cold->heard_ms = now_ms;
	cold->keepalive_sent = 0;
}

#endif
