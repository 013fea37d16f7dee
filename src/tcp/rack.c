#include "tcp/rack.h"
#include "base/bytes.h"
#include "tcp/path.h"
#include "tcp/recovery.h"
#include "tcp/tcp.h"
#include "tcp/timers.h"
#include "tcp/warm.h"

enum { PERSIST_RECOVERIES = 16 };

void rack_wakes(struct tcb *tcb)
{
	const struct tcb_path *const path = path_of(tcb);
	struct tcb_warm *const warm = tcb->warm;

	warm->rack = (struct rack){ .reo_wnd_mult = 1 };
	if (!path)
		return;
	warm->spurious = path->spurious;
	warm->bytes_retransmitted = path->bytes_retransmitted;
	warm->delivery_rate = path->delivery_rate;
	warm->rate_app_limited = path->rate_app_limited;
	warm->rack.min_rtt = path->min_rtt;
	warm->rack.min_rtt_at = path->min_rtt_at;
	warm->rack.reordering_seen = path->reordering_seen;
	warm->rack.reo_wnd_mult = (uint8_t)max_u32(path->reo_wnd_mult, 1);
	warm->rack.reo_wnd_persist = path->reo_wnd_persist;
}

void rack_rests(struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;
	const bool learnt = warm->rack.reordering_seen || warm->spurious > 0 || warm->rack.reo_wnd_mult > 1 ||
			    warm->bytes_retransmitted > 0;
	struct tcb_path *const path = learnt ? path_attach(tcb) : path_of(tcb);

	if (!path)
		return;
	path->spurious = warm->spurious;
	path->bytes_retransmitted = warm->bytes_retransmitted;
	path->delivery_rate = warm->delivery_rate;
	path->rate_app_limited = warm->rate_app_limited;
	path->min_rtt = warm->rack.min_rtt;
	path->min_rtt_at = warm->rack.min_rtt_at;
	path->reordering_seen = warm->rack.reordering_seen;
	path->reo_wnd_mult = warm->rack.reo_wnd_mult;
	path->reo_wnd_persist = warm->rack.reo_wnd_persist;
}

/* Step 2: the ACK of a record sent again may be that of an earlier transmission. */
static bool is_of_an_earlier_transmission(const struct tcb *tcb, const struct tcp_segment *seg,
					  const struct flight_record *record, tern_time now)
{
	if (!(record->flags & FLIGHT_AGAIN))
		return false;
	if (tcb->ts_ok && seg->opt.has_ts &&
	    (int32_t)(seg->opt.ts_ecr - (tcp_ts_clock(record->sent_at) + tcb->ts.offset)) < 0)
		return true;
	return now - record->sent_at < tcb->warm->rack.min_rtt;
}

/* RFC8985-6.2-2, RFC8985-6.2-3. */
void rack_update(struct tcb *tcb, const struct tcp_segment *seg, const struct flight_report *report, tern_time now)
{
	struct rack *const rack = &tcb->warm->rack;
	const struct flight_record *const youngest = &report->youngest;

	if (seq_ge(tcb->snd.una, rack->dsack_round)) /* or the numbers come round to it again */
		rack->in_dsack_round = false;
	if (!report->any)
		return;
	if (!is_of_an_earlier_transmission(tcb, seg, youngest, now))
		rack_advance(rack, youngest->sent_at, seq_add(youngest->seq, youngest->len), now);
	else if (report->sent_at != TERN_NEVER)
		rack_advance(rack, report->sent_at, report->sent_end, now);
	if (!report->reordered && !report->revived)
		return;
	rack->reordering_seen = true;
	tcb_env(tcb)->stats.TCPSACKReorder++;
}

/* RFC8985-6.2-6. */
void rack_dsacked(struct tcb *tcb)
{
	struct rack *const rack = &tcb->warm->rack;

	if (rack->in_dsack_round && seq_lt(tcb->snd.una, rack->dsack_round))
		return; /* once a round trip */
	rack->in_dsack_round = true;
	rack->dsack_round = tcb->snd.nxt;
	if (rack->reo_wnd_mult < UINT8_MAX)
		rack->reo_wnd_mult++;
	rack->reo_wnd_persist = PERSIST_RECOVERIES;
}

void rack_recovered(struct tcb *tcb)
{
	struct rack *const rack = &tcb->warm->rack;

	if (rack->reo_wnd_persist > 0 && --rack->reo_wnd_persist == 0)
		rack->reo_wnd_mult = 1;
}

/* RFC8985-6.2-4, RFC8985-6.2-5, RFC8985-6.2-6. */
tern_time rack_reo_wnd(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;
	const struct rack *const rack = &warm->rack;
	const tern_time srtt = (tern_time)(tcb_cold(tcb)->srtt8 / 8) * TERN_MICROSECOND;

	if (!rack->reordering_seen && (warm->recovery >= TERN_RECOVERY_FAST ||
				       warm->flight.n_sacked >= tcb_env(tcb)->config.dup_ack_threshold))
		return 0;
	return min_i64(rack->reo_wnd_mult * (rack->min_rtt / 4), srtt);
}

/* RFC8985-6.2-7. */
uint32_t rack_detect(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const struct rack *const rack = &warm->rack;
	struct flight_record *next, *record = rack->rtt > 0 ? flight_oldest(&warm->flight) : NULL;
	tern_time timer = TERN_NEVER;
	uint32_t lost = 0;

	for (; record; record = next) {
		tern_time wait;

		next = flight_younger(&warm->flight, record);
		if (!rack_sent_after(rack->sent_at, rack->end, record->sent_at, seq_add(record->seq, record->len)))
			break;
		wait = rack->rtt + rack_reo_wnd(tcb);
		if (record->sent_at + wait > now) {
			timer = record->sent_at + wait;
			break;
		}
		lost += recovery_lose(tcb, record, now);
	}
	timers_reordering(tcb, timer, now);
	return lost;
}

/* RFC8985-6.3-1. */
void rack_timeout(struct tcb *tcb, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const tern_time wait = warm->rack.rtt + rack_reo_wnd(tcb);
	struct flight_record *next, *record;

	recovery_lose(tcb, flight_at(&warm->flight, 0), now);
	for (record = flight_oldest(&warm->flight); record && record->sent_at + wait <= now; record = next) {
		next = flight_younger(&warm->flight, record);
		recovery_lose(tcb, record, now);
	}
	timers_reordering(tcb, TERN_NEVER, now);
}
