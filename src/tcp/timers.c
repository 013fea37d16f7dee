#include "tcp/timers.h"
#include "base/bytes.h"
#include "tcp/path.h"
#include "tcp/pto.h"
#include "tcp/tcp.h"
#include "tcp/warm.h"

tern_time ms_to_time(uint32_t ms, tern_time now)
{
	const int32_t ahead = (int32_t)(ms - time_to_ms(now));

	return (now / TERN_MILLISECOND + ahead) * TERN_MILLISECOND;
}

static void tell(const struct tcb *tcb, enum tern_timer timer, enum tern_timer_action action, tern_time deadline,
		 tern_time now)
{
	struct tern_tuple tuple;

	tcb_get_tuple(tcb, &tuple);
	watch_timer(tcb_env(tcb), &tuple, (enum tcp_state)tcb->state, timer, action, deadline,
		    tcb->warm ? tcb->warm->backoff : 0, now);
}

static void set(const struct tcb *tcb, tern_time *at, enum tern_timer timer, tern_time deadline, tern_time now)
{
	*at = deadline;
	if (env_is_watched(tcb_env(tcb)))
		tell(tcb, timer, TERN_TIMER_SET, deadline, now);
}

static void stop(const struct tcb *tcb, tern_time *at, enum tern_timer timer, tern_time now)
{
	if (*at == TERN_NEVER)
		return;
	*at = TERN_NEVER;
	if (env_is_watched(tcb_env(tcb)))
		tell(tcb, timer, TERN_TIMER_STOPPED, TERN_NEVER, now);
}

/* Against a shut window the retransmission timer does the persist timer's work (MUST-35): one segment
 * again and again, and no congestion is meant. */
enum tern_timer timers_retransmit_name(const struct tcb *tcb)
{
	return tcb->snd.wnd == 0 && state_is_synchronized((enum tcp_state)tcb->state) ? TERN_TIMER_PERSIST :
											 TERN_TIMER_RETRANSMIT;
}

/* RFC6298-5-2. */
void timers_data_sent(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;

	stop(tcb, &warm->persist_at, TERN_TIMER_PERSIST, now);
	warm->last_sent_at = now;
	if (warm->retransmit_at == TERN_NEVER) {
		warm->progress_at = now; /* nothing was in flight: a new series begins */
		timers_restart(tcb, now); /* RFC 6298 5.1 */
	}
	timers_probe(tcb, now); /* RFC 8985 7.2 */
}

/* RFC 6582 3.2 step 3, "impatient": without SACK the first partial ACK restarts the timer, the next do not. */
static bool is_later_partial_ack(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;

	return !tcb->sack_ok && warm->recovery == TERN_RECOVERY_FAST && warm->partial_seen &&
	       seq_lt(tcb->snd.una, warm->recover);
}

/* RFC6298-5-2. */
void timers_progress(struct tcb *tcb, bool sampled, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;

	warm->progress_at = now;
	warm->backoff = 0;
	warm->probes = 0;
	warm->r1_told = false;
	if (sampled) { /* until then the backed-off RTO stays (RFC 6298 5, Karn) */
		warm->rto_us = rtt_rto_us(tcb);
		warm->backed_off = false;
	}
	if (warm->flight.n == 0)
		stop(tcb, &warm->retransmit_at, timers_retransmit_name(tcb), now); /* 5.2 */
	else if (!is_later_partial_ack(tcb))
		timers_restart(tcb, now); /* 5.3 */
	timers_orphaned(tcb, now);
}

/* RFC6298-5-1. */
void timers_restart(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;

	set(tcb, &warm->retransmit_at, timers_retransmit_name(tcb), now + us_to_time(warm->rto_us), now);
}

void timers_reordering(struct tcb *tcb, tern_time at, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;

	if (at == TERN_NEVER)
		stop(tcb, &warm->reordering_at, TERN_TIMER_RACK, now);
	else if (at != warm->reordering_at)
		set(tcb, &warm->reordering_at, TERN_TIMER_RACK, at, now);
}

void timers_probe(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const tern_time at = warm->flight.n > 0 ? pto_at(tcb, now) : TERN_NEVER;

	if (at == TERN_NEVER)
		stop(tcb, &warm->probe_at, TERN_TIMER_PROBE, now);
	else if (at != warm->probe_at)
		set(tcb, &warm->probe_at, TERN_TIMER_PROBE, at, now);
}

void timers_reneged(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const tern_time half = us_to_time(tcb_cold(tcb)->srtt8 / 16);
	const tern_time at = now + max_i64(half, 10 * TERN_MILLISECOND); /* as Linux */

	if (at < warm->retransmit_at)
		set(tcb, &warm->retransmit_at, TERN_TIMER_RETRANSMIT, at, now);
}

/* Twice as long each time (MUST-19, RFC6298-5-5). */
void timers_backed_off(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const uint32_t most = tcb_env(tcb)->rto_us.max;

	warm->rto_us = warm->rto_us > most / 2 ? most : warm->rto_us * 2;
	timers_restart(tcb, now);
}

void timers_window_shut(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	uint32_t wait_us = rtt_rto_us(tcb); /* SHLD-29: the first probe after one RTO */
	const uint32_t most = tcb_env(tcb)->rto_us.max;

	if (warm->persist_at != TERN_NEVER)
		return;
	for (uint8_t i = 0; i < warm->probes && wait_us < most; i++) /* SHLD-30 */
		wait_us *= 2;
	if (warm->probes == 0)
		warm->progress_at = now;
	set(tcb, &warm->persist_at, TERN_TIMER_PERSIST, now + us_to_time(min_u32(wait_us, most)), now);
}

void timers_window_opened(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;

	if (!warm)
		return;
	stop(tcb, &warm->persist_at, TERN_TIMER_PERSIST, now);
	if (warm->flight.n == 0 || warm->backoff + warm->probes == 0)
		return;
	/* What flew against the shut window was thrown away there, which is no congestion: at once again,
	 * with a fresh clock. */
	warm->backoff = 0;
	warm->probes = 0;
	warm->rto_us = rtt_rto_us(tcb);
	warm->backed_off = false;
	recovery_lose_first(tcb, now);
	timers_restart(tcb, now);
}

void timers_text_held(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;

	if (warm->override_at == TERN_NEVER) /* 0.1 to 1 s (RFC 9293 3.8.6.2.1) */
		set(tcb, &warm->override_at, TERN_TIMER_SWS, now + 200 * TERN_MILLISECOND, now);
}

void timers_text_released(struct tcb *tcb)
{
	if (tcb->warm)
		tcb->warm->override_at = TERN_NEVER;
}

void timers_ack_delayed_told(struct tcb *tcb, tern_time at, tern_time now)
{
	set(tcb, &tcb->delayed_ack_at, TERN_TIMER_DELAYED_ACK, at, now);
}

void timers_heard_again(struct tcb *tcb, uint32_t silent_ms, tern_time now)
{
	/* RFC 5681 4.1: idle is who has not sent; a request that comes after the silence changes nothing. */
	if ((!tcb->warm || tcb_is_cool(tcb)) && silent_ms > path_rto_us(tcb) / 1000)
		tcb->was_idle = true;
	/* A zero window is probed without end as long as the peer answers (MUST-37), unless the program has
	 * let go: then the orphan timer counts. */
	if (tcb->warm && tcb->snd.wnd == 0 && !tcb_is_orphan(tcb))
		tcb->warm->progress_at = now;
}

void timers_orphaned(struct tcb *tcb, tern_time now)
{
	struct tcb_cold *const cold = tcb_cold(tcb);

	if (!tcb_is_orphan(tcb) || tcb->state == CLOSED || tcb->state == TIME_WAIT)
		return;
	cold->orphan_ms = time_to_ms(now + tcb_env(tcb)->config.orphan_timeout) | 1; /* 0 means none */
}

tern_time timers_orphan_at(const struct tcb *tcb, tern_time now)
{
	const uint32_t ms = tcb_cold(tcb)->orphan_ms;

	return ms == 0 || !tcb_is_orphan(tcb) ? TERN_NEVER : ms_to_time(ms, now);
}

/* Never unless the program asks (MUST-25, MAY-5). */
tern_time timers_keepalive_at(const struct tcb *tcb, tern_time now)
{
	const struct tcb_cold *const cold = tcb_cold(tcb);
	tern_time wait_s;

	/* MUST-26: only while nothing else would find out that the peer is gone. */
	if (!tcb->keepalive || tcb_has_flight(tcb) || tcb_unsent(tcb) > 0)
		return TERN_NEVER;
	wait_s = cold->keepalive_idle_s + (tern_time)cold->keepalive_sent * cold->keepalive_interval_s;
	if (tcb->state != ESTABLISHED && tcb->state != CLOSE_WAIT && tcb->state != FIN_WAIT_2)
		return TERN_NEVER;
	return ms_to_time(cold->heard_ms, now) + wait_s * TERN_SECOND;
}

tern_time timers_user_at(const struct tcb *tcb)
{
	const struct tcb_cold *const cold = tcb_cold(tcb);

	if (cold->user_timeout_ms == 0 || !tcb->warm)
		return TERN_NEVER;
	if (tcb->warm->flight.n == 0 && tcb->warm->persist_at == TERN_NEVER)
		return TERN_NEVER;
	return tcb->warm->progress_at + (tern_time)cold->user_timeout_ms * TERN_MILLISECOND;
}
