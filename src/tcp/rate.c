#include "tcp/rate_sample.h"

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
	return rate_delivered(rate, report->delivered, report->any ? &report->youngest : NULL, min_rtt, now, sample);
}
