/* What is declared lost: by counting (RFC 5681, 6582, 6675), by the retransmission timer, by a shut window. What is
 * lost by time is rack.c's. */
#include "base/bytes.h"
#include "tcp/plpmtud.h"
#include "tcp/rack.h"
#include "tcp/recovery.h"
#include "tcp/warm.h"

uint32_t recovery_lose(struct tcb *tcb, struct flight_record *record, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	struct tern_cc_lost lost;

	if (!flight_lose(&warm->flight, record, &warm->rate))
		return 0;
	if (record->flags & FLIGHT_AGAIN)
		tcb_env(tcb)->stats.TCPLostRetransmit++;
	if (plpmtud_is_probe(tcb, record->seq)) /* too big for the path, it seems: no congestion (RFC 4821 7.6.1) */
		return record->len;
	lost = (struct tern_cc_lost){
		.now = now,
		.len = record->len,
		.tx_in_flight = record->in_flight,
		.lost_since = (uint32_t)warm->rate.lost - record->lost,
		.delivered_total = warm->rate.delivered,
		.delivered_at_send = warm->rate.delivered - ((uint32_t)warm->rate.delivered - record->delivered),
		.app_limited = record->flags & FLIGHT_APP_LIMITED,
	};
	cc_lost(&warm->cc, &lost);
	return record->len;
}

static void believe_no_sack(struct tcb *tcb)
{
	tcb_env(tcb)->stats.TCPSACKReneging++;
	flight_forget_sacks(&tcb->warm->flight);
}

uint32_t recovery_lose_oldest(struct tcb *tcb, tern_time now)
{
	struct flight *const flight = &tcb->warm->flight;

	return flight->n > 0 ? recovery_lose(tcb, flight_at(flight, 0), now) : 0;
}

void recovery_lose_first(struct tcb *tcb, tern_time now)
{
	if (recovery_has_reneged(tcb->warm))
		believe_no_sack(tcb);
	recovery_lose_oldest(tcb, now);
	tcb->warm->undo.frto = FRTO_OFF; /* it is the window that decides now what leaves */
	tcb->warm->retransmit_now = true;
	tcb->due |= DUE_TEXT;
}

static void lose_all(struct tcb *tcb, tern_time now)
{
	struct flight *const flight = &tcb->warm->flight;

	while (flight->in_flight > 0)
		recovery_lose(tcb, flight_oldest(flight), now);
}

/* RFC 6675's IsLost(), by octets: more than (DupThresh - 1) segments SACKed above (RFC6675-4-2). */
static uint32_t lose_by_sack(struct tcb *tcb, tern_time now)
{
	struct flight *const flight = &tcb->warm->flight;
	const uint32_t reach = (tcb_env(tcb)->config.dup_ack_threshold - 1u) * tcb->mss;

	struct flight_record *record;
	uint32_t lost = 0;
	seq_t edge;

	if (flight->sacked <= reach)
		return 0;
	edge = flight_sacked_from(flight, reach + 1);
	while ((record = flight_unsettled(flight, edge)))
		lost += recovery_lose(tcb, record, now);
	return lost;
}

/* RFC 6675 4, NextSeg() rule 3: a hole with something SACKed above goes again though IsLost() does not hold
 * yet, where nothing new is there to bring more SACKs (RFC6675-4-3). */
static uint32_t lose_next_hole(struct tcb *tcb, tern_time now)
{
	struct flight *const flight = &tcb->warm->flight;
	struct flight_record *hole;

	if (flight->n_lost > 0 || flight->sacked == 0 || tcb_unsent(tcb) > 0)
		return 0;
	hole = flight_unsettled(flight, flight->highest_sacked);
	return hole ? recovery_lose(tcb, hole, now) : 0;
}

/* Rule 4: once in a recovery the end of the flight goes again, where nothing else can: its ACK shows whether what
 * was sent last is lost too (RFC6675-4-3). */
static uint32_t lose_for_rescue(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	struct flight_record *const last = flight_last(&warm->flight);

	/* Once: it is the same record for a whole recovery. */
	if (!last || warm->flight.n_lost > 0 || tcb_unsent(tcb) > 0 ||
	    last->flags & (FLIGHT_SACKED | FLIGHT_AGAIN) || seq_gt(seq_add(last->seq, last->len), warm->recover))
		return 0;
	return recovery_lose(tcb, last, now);
}

/* RFC 6582 3.2 step 3: the first segment that is not acknowledged was lost too. */
static uint32_t partial_ack(struct tcb *tcb, const struct recovery_ack *ack, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const uint32_t left = ack->report.records > 0 ? ack->report.records - 1 : 0;
	uint32_t lost;

	warm->dup_acks = warm->dup_acks > left ? warm->dup_acks - left : 0;
	warm->partial_seen = true;
	if (tcb->sack_ok)
		return lose_for_rescue(tcb, now);
	lost = recovery_lose_oldest(tcb, now);
	warm->retransmit_now |= lost > 0;
	return lost;
}

/* RFC 5681 3.2, RFC 6582, RFC 6675 5: losses found by counting (RFC5681-3.2-3, RFC6675-5-1). */
uint32_t recovery_lose_by_counting(struct tcb *tcb, const struct recovery_ack *ack, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	uint32_t lost = 0;

	/* No more of them than there are segments in flight (attack: DupACK spoofing). */
	if (ack->duplicate && warm->dup_acks < warm->flight.n)
		warm->dup_acks++;
	if (tcb->sack_ok)
		lost = lose_by_sack(tcb, now);
	if (lost == 0 && tcb->sack_ok && warm->recovery == TERN_RECOVERY_FAST && ack->report.delivered > 0)
		lost = lose_next_hole(tcb, now);
	if (lost == 0 && warm->recovery == TERN_RECOVERY_FAST && ack->report.acked > 0)
		lost = partial_ack(tcb, ack, now);
	if (lost == 0 && ack->duplicate && recovery_may_enter(tcb) &&
	    warm->dup_acks >= tcb_env(tcb)->config.dup_ack_threshold)
		lost = recovery_lose_oldest(tcb, now);
	return lost;
}

/* RFC6675-5.1-1. */
void recovery_lose_on_timeout(struct tcb *tcb, tern_time now)
{
	const bool reneged = recovery_has_reneged(tcb->warm);

	if (reneged)
		believe_no_sack(tcb);
	if (recovery_is_rack(tcb) && !reneged)
		rack_timeout(tcb, now);
	else
		lose_all(tcb, now); /* but what is SACKed (RFC 6675 5.1) */
}
