#include "tcp/recovery.h"
#include "base/bytes.h"
#include "tcp/timers.h"
#include "tcp/warm.h"

uint32_t recovery_in_flight(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;
	uint32_t left = 0;

	/* Without SACK each duplicate ACK says that one segment has left the path (RFC 3042, RFC 5681 3.2). */
	if (!tcb->sack_ok && warm->recovery != TERN_RECOVERY_LOSS)
		left = warm->dup_acks * (uint32_t)tcb->mss;
	return warm->flight.in_flight > left ? warm->flight.in_flight - left : 0;
}

static void tell(const struct tcb *tcb, enum tern_congestion_event event, tern_time now)
{
	const struct tcp_env *const env = tcb_env(tcb);

	if (env_is_watched(env))
		watch_congestion(tcb, event, now);
}

static void enter_fast_recovery(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	/* RFC 5681 3.2 step 2: what limited transmit sent since the first duplicate does not count. */
	const struct tern_cc_loss loss = { .now = now, .in_flight = seq_sub(warm->disorder_nxt, tcb->snd.una) };

	warm->recovery = TERN_RECOVERY_FAST;
	warm->recover = tcb->snd.nxt;
	warm->partial_seen = false;
	warm->retransmit_now = true; /* RFC 5681 3.2 step 3: whatever the window says */
	cc_loss(&warm->cc, &loss);
	tcb_env(tcb)->stats.TCPFastRetrans++;
	tcb->due |= DUE_TEXT;
	tell(tcb, TERN_CONGESTION_RECOVERY_ENTER, now);
}

/* RFC 6675's IsLost(), by octets: more than (DupThresh - 1) segments SACKed above. */
static uint32_t lose_by_sack(struct tcb *tcb)
{
	struct tcb_warm *const warm = tcb->warm;
	const uint32_t reach = (tcb_env(tcb)->config.dup_ack_threshold - 1u) * tcb->mss;

	if (warm->flight.sacked <= reach)
		return 0;
	return flight_lose_below(&warm->flight, flight_sacked_from(&warm->flight, reach + 1), &warm->rate);
}

static bool may_enter(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;

	/* RFC 6582 3.2 step 2: not twice for one window. */
	return warm->recovery <= TERN_RECOVERY_DISORDER && seq_gt(tcb->snd.una, warm->recover);
}

void recovery_duplicate_ack(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	uint32_t lost = 0;

	/* No more of them than there are segments in flight (attack: DupACK spoofing). */
	if (warm->dup_acks < UINT8_MAX && warm->dup_acks < warm->flight.n)
		warm->dup_acks++;
	tcb->due |= DUE_TEXT; /* limited transmit, or room that opened in recovery */
	if (warm->recovery == TERN_RECOVERY_OPEN) {
		warm->recovery = TERN_RECOVERY_DISORDER;
		warm->disorder_nxt = tcb->snd.nxt;
	}
	if (tcb->sack_ok)
		lost = lose_by_sack(tcb);
	if (!may_enter(tcb))
		return;
	if (lost == 0 && warm->dup_acks >= tcb_env(tcb)->config.dup_ack_threshold)
		lost = flight_lose_first(&warm->flight, &warm->rate);
	if (lost > 0)
		enter_fast_recovery(tcb, now);
}

void recovery_sacks(struct tcb *tcb, const struct tcp_segment *seg, struct flight_report *report)
{
	struct tcb_warm *const warm = tcb->warm;

	for (uint8_t i = 0; i < seg->opt.n_sack; i++) {
		const seq_t left = seg->opt.sack[i].left, right = seg->opt.sack[i].right;

		/* Below SND.UNA it is a D-SACK (RFC 2883 4); beyond SND.NXT, or turned round: nonsense. */
		if (seq_le(right, left) || seq_gt(right, tcb->snd.nxt))
			tcb_env(tcb)->stats.TCPSACKDiscard++;
		else if (seq_le(right, seg->ack))
			tcb_env(tcb)->stats.TCPDSACKRecv++;
		else if (seq_ge(left, tcb->snd.una))
			flight_sack(&warm->flight, left, right, report);
	}
}

static void recovered(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const bool was_fast = warm->recovery == TERN_RECOVERY_FAST;

	warm->recovery = TERN_RECOVERY_OPEN;
	warm->dup_acks = 0;
	if (was_fast)
		cc_recovered(&warm->cc, warm->flight.in_flight);
	tell(tcb, TERN_CONGESTION_RECOVERY_EXIT, now);
}

/* RFC 6675 4, NextSeg() rule 3: a hole with something SACKed above goes again though IsLost() does not hold
 * yet, where nothing new is there to bring more SACKs. */
static void lose_last_hole(struct tcb *tcb)
{
	struct flight *const flight = &tcb->warm->flight;

	if (flight->n_lost == 0 && flight->sacked > 0 && tcb_unsent(tcb) == 0 &&
	    !(flight_at(flight, 0)->flags & FLIGHT_AGAIN))
		flight_lose_first(flight, &tcb->warm->rate);
}

/* RFC 6582 3.2 step 3: the first segment that is not acknowledged was lost too. */
static void partial_ack(struct tcb *tcb, const struct flight_report *acked)
{
	struct tcb_warm *const warm = tcb->warm;
	const uint32_t left = acked->records > 0 ? acked->records - 1 : 0;

	warm->dup_acks = warm->dup_acks > left ? (uint8_t)(warm->dup_acks - left) : 0;
	if (tcb->sack_ok && lose_by_sack(tcb) == 0)
		lose_last_hole(tcb);
	else if (!tcb->sack_ok && flight_lose_first(&warm->flight, &warm->rate) > 0)
		warm->retransmit_now = true;
	warm->partial_seen = true;
	tcb->due |= DUE_TEXT;
}

void recovery_acked(struct tcb *tcb, const struct flight_report *acked, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;

	switch ((enum tern_recovery)warm->recovery) {
	case TERN_RECOVERY_FAST:
	case TERN_RECOVERY_LOSS:
		if (seq_ge(tcb->snd.una, warm->recover))
			recovered(tcb, now);
		else if (warm->recovery == TERN_RECOVERY_FAST)
			partial_ack(tcb, acked);
		else if (acked->cut && flight_lose_first(&warm->flight, &warm->rate) > 0)
			tcb->due |= DUE_TEXT; /* the peer's window took a part of it only */
		break;
	case TERN_RECOVERY_DISORDER:
	case TERN_RECOVERY_OPEN:
		warm->dup_acks = 0;
		warm->recovery = warm->flight.sacked > 0 ? TERN_RECOVERY_DISORDER : TERN_RECOVERY_OPEN;
		warm->disorder_nxt = tcb->snd.nxt;
		break;
	}
}

void recovery_timeout(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const struct tern_cc_loss loss = { .now = now, .in_flight = seq_sub(tcb->snd.nxt, tcb->snd.una) };
	const bool first = warm->backoff == 0;

	/* The receiver may have thrown away what it SACKed (RFC 2018 8): begin anew. */
	flight_forget_sacks(&warm->flight);
	flight_lose_all(&warm->flight, &warm->rate);
	warm->recovery = TERN_RECOVERY_LOSS;
	warm->recover = tcb->snd.nxt;
	warm->dup_acks = 0;
	warm->retransmit_now = true;
	cc_rto(&warm->cc, &loss, first);
	tcb_env(tcb)->stats.TCPTimeouts++;
	tcb->due |= DUE_TEXT;
	tell(tcb, TERN_CONGESTION_TIMEOUT, now);
}
