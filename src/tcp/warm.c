#include "tcp/warm.h"
#include "tcp/pace.h"
#include "tcp/path.h"
#include "tcp/rate.h"
#include "tcp/rtt.h"
#include "tcp/timers.h"

/* It was kept: as if it had been given back and attached again, for what that is to the path. */
static void wake(struct tcb *tcb, tern_time now)
{
	path_controller_restarts(tcb, tcb->warm, now);
	pace_begin(tcb->warm, false, now);
	tcb->was_idle = false;
}

struct tcb_warm *tcb_warm_up(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *warm = tcb->warm;
	uint32_t rto_us;

	if (warm) {
		if (tcb->resting && tcb_is_cool(tcb))
			wake(tcb, now);
		return warm;
	}
	rto_us = path_rto_us(tcb);
	warm = pool_get(&tcb_env(tcb)->warm, MEM_ORDINARY);
	if (!warm)
		return NULL;
	*warm = (struct tcb_warm){
		.retransmit_at = TERN_NEVER,
		.reordering_at = TERN_NEVER,
		.probe_at = TERN_NEVER,
		.persist_at = TERN_NEVER,
		.override_at = TERN_NEVER,
		.pace_at = TERN_NEVER,
		.progress_at = now,
		.last_sent_at = now,
		.rto_us = rto_us,
		.backed_off = tcb->has_path && path_of(tcb)->backed_off_us > 0,
		.recover = seq_add(tcb->snd.una, 0u - 1),
		.edge = seq_add(tcb->snd.una, tcb->snd.wnd),
		.push_end = tcb->snd.nxt,
		.usage_end = tcb->snd.una,
		.undo.resent_end = tcb->snd.una,
		.undo.from = tcb->snd.una,
	};
	path_controller_wakes(tcb, warm, now);
	pace_begin(warm, tcb_is_fresh(tcb), now);
	tcb->was_idle = false;
	tcb->warm = warm;
	rack_wakes(tcb);
	chrono_wakes(tcb);
	if (tcb->has_path)
		undo_wakes(tcb);
	return warm;
}

/* Nothing follows, and nobody is left to ask for what it has learnt. */
static bool has_ended(const struct tcb *tcb)
{
	return (tcb->state == CLOSED || tcb->state == TIME_WAIT) && tcb_is_orphan(tcb);
}

void tcb_warm_drop(struct tcb *tcb)
{
	struct tcp_env *const env = tcb_env(tcb);
	struct tcb_warm *const warm = tcb->warm;

	if (!warm)
		return;
	if (!has_ended(tcb)) {
		rack_rests(tcb);
		chrono_rests(tcb);
		if (tcb->has_path || warm->undo.possible)
			undo_rests(tcb);
		if (tcb->has_path || warm->backed_off)
			path_rto_rests(tcb);
		path_controller_rests(tcb);
	}
	flight_let_go(&warm->flight, env->mem);
	reassembly_release(&warm->ooo, env->mem);
	if (warm->text)
		slices_free(&env->slices, warm->text);
	pool_put(&env->warm, warm);
	tcb->warm = NULL;
}

/* More is likely to be sent, and nothing of a recovery, a probe or a time-out is left that the next flight must not
 * begin with. */
static bool may_rest(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;

	return tcb->held && state_sends((enum tcp_state)tcb->state) && !tcb->fin_queued && !tcb_is_fresh(tcb) &&
	       warm->recovery == TERN_RECOVERY_OPEN && !warm->tlp.out && !warm->undo.possible && !warm->backed_off &&
	       (warm->dup_acks | warm->backoff | warm->probes) == 0;
}

static bool rest_ends(struct tcb *tcb)
{
	if (!tcb || !tcb->resting)
		return false;
	tcb->resting = false;
	if (tcb->free || !tcb_is_cool(tcb))
		return false;
	tcb_warm_drop(tcb);
	return true;
}

bool tcb_rest_over(struct tcp_env *env)
{
	bool any = false;

	for (int i = 0; i < ENV_RESTING; i++) {
		any |= rest_ends(env->resting.at[i]);
		env->resting.at[i] = NULL;
	}
	return any;
}

static void rest(struct tcp_env *env, struct tcb *tcb)
{
	struct tcb **const place = &env->resting.at[env->resting.next];
	struct tcb *const before = *place;

	*place = tcb;
	env->resting.next = (uint8_t)((env->resting.next + 1) % ENV_RESTING);
	(void)rest_ends(before);
	tcb->resting = true;
}

void tcb_cool_idle(struct tcb *tcb)
{
	struct tcp_env *const env = tcb_env(tcb);

	const bool rests = env->resting.kept && may_rest(tcb);

	if ((rests && tcb->resting) || !tcb_is_cool(tcb))
		return;
	if (rests)
		rest(env, tcb);
	else
		tcb_warm_drop(tcb);
}

uint32_t tcb_unacked(const struct tcb *tcb)
{
	uint32_t octets = seq_sub(tcb->snd.nxt, tcb->snd.una);

	if (octets > 0 && tcb->warm && tcb->warm->flight.n > 0 && flight_at(&tcb->warm->flight, 0)->flags & FLIGHT_SYN)
		octets--; /* the SYN */
	return octets > 0 && tcb->fin_sent ? octets - 1 : octets;
}
