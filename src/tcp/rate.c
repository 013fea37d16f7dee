#include "tcp/rate.h"
#include "base/bytes.h"
#include "tcp/flight.h"

void rate_sent(struct rate *rate, struct flight_record *record, uint32_t before, tern_time now)
{
	if (before == 0) /* the path was empty: both clocks begin anew, or silence would count */
		rate->first_sent_at = rate->delivered_at = now;
	record->sent_at = now;
	record->first_sent_at = rate->first_sent_at;
	record->delivered_at = rate->delivered_at;
	record->delivered = (uint32_t)rate->delivered;
	record->lost = (uint32_t)rate->lost;
	record->in_flight = before + record->len;
	record->flags &= (uint8_t)~FLIGHT_APP_LIMITED;
	if (rate->app_limited)
		record->flags |= FLIGHT_APP_LIMITED;
}

bool rate_acked(struct rate *rate, const struct flight_report *report, tern_time min_rtt, tern_time now,
		struct rate_sample *sample)
{
	const struct flight_record *const youngest = &report->youngest;

	*sample = (struct rate_sample){ 0 };
	if (report->delivered > 0) {
		rate->delivered += report->delivered;
		rate->delivered_at = now;
	}
	if (rate->app_limited && rate->delivered > rate->app_limited)
		rate->app_limited = 0;
	if (!report->any)
		return false;
	sample->any = true;
	sample->delivered = (uint32_t)rate->delivered - youngest->delivered;
	sample->prior_delivered = rate->delivered - sample->delivered;
	sample->round_start = sample->prior_delivered >= rate->round_end;
	if (sample->round_start)
		rate->round_end = rate->delivered;
	sample->lost = (uint32_t)rate->lost - youngest->lost;
	sample->tx_in_flight = youngest->in_flight;
	sample->app_limited = youngest->flags & FLIGHT_APP_LIMITED;
	sample->rtt = youngest->flags & FLIGHT_AGAIN ? 0 : now - youngest->sent_at;
	sample->interval = max_i64(youngest->sent_at - youngest->first_sent_at, now - youngest->delivered_at);
	rate->first_sent_at = youngest->sent_at;
	/* Within one moment of the clock no rate can be told. */
	sample->valid = sample->interval > 0 && sample->interval >= min_rtt;
	if (sample->valid)
		sample->delivery_rate = sample->delivered * (uint64_t)TERN_SECOND / (uint64_t)sample->interval;
	return sample->valid;
}

void rate_app_limited(struct rate *rate, uint32_t in_flight)
{
	rate->app_limited = rate->delivered + in_flight;
	if (rate->app_limited == 0)
		rate->app_limited = 1; /* 0 means none */
}
