/* USER TIMEOUT, RETRANSMISSION TIMEOUT and the others (RFC 9293 3.10.8): what each time-out does. */
#include "base/bytes.h"
#include "tcp/plpmtud.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/tcp.h"
#include "tcp/timers.h"
#include "tcp/warm.h"

tern_time tcp_deadline(const struct tcb *tcb, tern_time now)
{
	const struct tcb_warm *const warm = tcb->warm;
	tern_time at = tcb->delayed_ack_at;

	if (tcb->state == CLOSED || tcb->state == TIME_WAIT)
		return TERN_NEVER;
	if (tcb->keepalive)
		at = min_i64(at, timers_keepalive_at(tcb, now));
	if (tcb_is_orphan(tcb))
		at = min_i64(at, timers_orphan_at(tcb, now));
	if (!warm)
		return at;
	at = min_i64(at, min_i64(warm->retransmit_at, warm->persist_at));
	at = min_i64(at, min_i64(warm->reordering_at, warm->probe_at));
	at = min_i64(at, min_i64(warm->override_at, warm->pace_at));
	return tcb_cold(tcb)->user_timeout_ms ? min_i64(at, timers_user_at(tcb)) : at;
}

static void fired(const struct tcb *tcb, enum tern_timer timer, uint32_t count, tern_time now)
{
	const struct tcp_env *const env = tcb_env(tcb);
	struct tern_tuple tuple;

	if (!env_is_watched(env))
		return;
	tcb_get_tuple(tcb, &tuple);
	watch_timer(env, &tuple, (enum tcp_state)tcb->state, timer, TERN_TIMER_FIRED, now, count, now);
}

/* The connection is given up. A peer that may still live is told by RST where something of ours or its
 * was going on (as Linux does for orphans and keep-alive); one that has been silent for R2 is not. */
static void give_up(struct tcb *tcb, enum tern_why why, bool tell_peer, tern_time now)
{
	struct tcb_cold *const cold = tcb_cold(tcb);

	tcb_env(tcb)->stats.TCPAbortOnTimeout++;
	if (tcb->state == SYN_SENT || tcb->state == SYN_RECEIVED)
		tcb_env(tcb)->stats.AttemptFails++;
	cold->error = cold->soft_error ? cold->soft_error : TERN_ETIMEDOUT;
	if (tell_peer && tcb->state != SYN_SENT)
		tcb->due |= DUE_RESET;
	tcb_enter(tcb, CLOSED, why, now);
}

/* Time-outs or probes in a row, each twice as late as the one before, add up to some ten seconds: who reads slowly
 * has read by then. */
static bool is_stalled(const struct tcb *tcb)
{
	enum { LEAST = 3, MOST = 16, STALLED_US = 10000000 };
	const uint32_t series = max_u32(tcb->warm->backoff, tcb->warm->probes);

	return series >= LEAST && (uint64_t)rtt_rto_us(tcb) << min_u32(series, MOST) >= STALLED_US;
}

bool tcp_evict(struct tcb *tcb, tern_time now)
{
	if (!tcb->warm || !state_is_synchronized((enum tcp_state)tcb->state) || !is_stalled(tcb) ||
	    tcb_unsent(tcb) + tcb_unacked(tcb) == 0)
		return false;
	tcb_env(tcb)->stats.TCPAbortOnMemory++;
	give_up(tcb, TERN_WHY_USER_TIMEOUT, true, now);
	return true;
}

static tern_time r2_of(const struct tcb *tcb)
{
	const struct tern_config *const config = &tcb_env(tcb)->config;
	const uint16_t own_s = tcb_cold(tcb)->r2_s;

	if (tcb->state == SYN_SENT || tcb->state == SYN_RECEIVED)
		return own_s ? max_i64(own_s * TERN_SECOND, config->r2_syn) : config->r2_syn; /* MUST-23 */
	return own_s ? own_s * TERN_SECOND : config->r2; /* MUST-21 */
}

/* R1 (MUST-20, SHLD-9): the path is in doubt; the program may know. */
static void advise(struct tcb *tcb, tern_time now)
{
	struct tcp_env *const env = tcb_env(tcb);
	struct tern_tuple tuple;

	if (tcb->warm->r1_told || tcb->warm->backoff < env->config.r1)
		return;
	tcb->warm->r1_told = true;
	if (!tcb->advice_off)
		tcb->ready |= TERN_ADVICE;
	tcb_get_tuple(tcb, &tuple);
	watch_note(env, &tuple, (enum tcp_state)tcb->state, TERN_NOTE_R1, tcb->warm->backoff, now);
}

/* R1, R2 and back-off, of text, FIN and SYN alike (MUST-20, MUST-22, RFC6298-5-4). */
static void retransmission_timeout(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;

	const bool window_is_shut = timers_retransmit_name(tcb) == TERN_TIMER_PERSIST;

	fired(tcb, timers_retransmit_name(tcb), (window_is_shut ? warm->probes : warm->backoff) + 1u, now);
	if (now - warm->progress_at >= r2_of(tcb)) {
		give_up(tcb, TERN_WHY_R2, false, now);
		return;
	}
	if (window_is_shut) {
		recovery_lose_first(tcb, now);
		if (warm->probes < UINT8_MAX)
			warm->probes++;
		tcb_env(tcb)->stats.TCPWinProbe++;
	} else {
		tcb_note_app_limit(tcb);
		recovery_timeout(tcb, now);
		warm->backed_off = true;
	}
	if (warm->backoff < UINT8_MAX)
		warm->backoff++;
	timers_backed_off(tcb, now);
	if (!window_is_shut)
		plpmtud_timed_out(tcb, now);
	if (!window_is_shut) /* a peer that answers probes lives */
		advise(tcb, now);
}

/* RFC 8985 6.2 step 5. */
static void reordering_timeout(struct tcb *tcb, tern_time now)
{
	fired(tcb, TERN_TIMER_RACK, 0, now);
	tcb->warm->reordering_at = TERN_NEVER;
	tcb_note_app_limit(tcb);
	recovery_reordering_timeout(tcb, now);
}

/* RFC 8985 7.3: a probe or none, the retransmission timer begins anew. */
static void probe_timeout(struct tcb *tcb, tern_time now)
{
	fired(tcb, TERN_TIMER_PROBE, 0, now);
	tcb->warm->probe_at = TERN_NEVER;
	tcb_note_app_limit(tcb);
	if (tlp_timeout(tcb))
		timers_restart(tcb, now);
}

static void persist_timeout(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;

	fired(tcb, TERN_TIMER_PERSIST, warm->probes + 1u, now);
	warm->persist_at = TERN_NEVER;
	if (warm->probes < UINT8_MAX)
		warm->probes++;
	tcb->due |= DUE_PROBE;
}

static void keepalive_timeout(struct tcb *tcb, tern_time now)
{
	struct tcb_cold *const cold = tcb_cold(tcb);

	fired(tcb, TERN_TIMER_KEEPALIVE, cold->keepalive_sent + 1u, now);
	if (cold->keepalive_sent >= cold->keepalive_probes) { /* MUST-29: several unanswered, not one */
		give_up(tcb, TERN_WHY_KEEPALIVE, true, now);
		return;
	}
	cold->keepalive_sent++;
	tcb->due |= DUE_KEEPALIVE;
}

static void override_timeout(struct tcb *tcb, tern_time now)
{
	fired(tcb, TERN_TIMER_SWS, 0, now);
	tcb->warm->override_at = TERN_NEVER;
	tcb->warm->override_now = true;
	tcb->due |= DUE_TEXT;
}

static void orphan_timeout(struct tcb *tcb, tern_time now)
{
	fired(tcb, TERN_TIMER_ORPHAN, 0, now);
	/* FIN-WAIT-2's peer need not be told: it will learn by RST when it sends (as in Linux). */
	give_up(tcb, TERN_WHY_ORPHAN_TIMEOUT, tcb->state != FIN_WAIT_2, now);
}

static bool is_due(tern_time at, tern_time now)
{
	return at <= now;
}

static void expire_one(struct tcb *tcb, tern_time now)
{
	if (is_due(tcb->delayed_ack_at, now)) {
		fired(tcb, TERN_TIMER_DELAYED_ACK, 0, now);
		tcb->delayed_ack_at = TERN_NEVER;
		tcb_env(tcb)->stats.DelayedACKs++;
		tcb->due |= DUE_ACK;
	} else if (is_due(timers_orphan_at(tcb, now), now)) {
		orphan_timeout(tcb, now);
	} else if (is_due(timers_user_at(tcb), now)) {
		fired(tcb, TERN_TIMER_USER, 0, now);
		give_up(tcb, TERN_WHY_USER_TIMEOUT, true, now);
	} else if (tcb->warm && is_due(tcb->warm->reordering_at, now)) {
		reordering_timeout(tcb, now);
	} else if (tcb->warm && is_due(tcb->warm->probe_at, now)) {
		probe_timeout(tcb, now);
	} else if (tcb->warm && is_due(tcb->warm->retransmit_at, now)) {
		retransmission_timeout(tcb, now);
	} else if (tcb->warm && is_due(tcb->warm->persist_at, now)) {
		persist_timeout(tcb, now);
	} else if (tcb->warm && is_due(tcb->warm->override_at, now)) {
		override_timeout(tcb, now);
	} else if (tcb->warm && is_due(tcb->warm->pace_at, now)) {
		tcb->warm->pace_at = TERN_NEVER; /* not told: it goes off for every burst */
		tcb->due |= DUE_TEXT;
	} else if (is_due(timers_keepalive_at(tcb, now), now)) {
		keepalive_timeout(tcb, now);
	}
}

void tcp_expire(struct tcb *tcb, tern_time now)
{
	/* Each time-out moves or ends its own deadline; as many turns as there are timers are enough. */
	for (int i = 0; i < TERN_TIMERS && is_due(tcp_deadline(tcb, now), now); i++)
		expire_one(tcb, now);
}
