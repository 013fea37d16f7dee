/* One sample of the delivery rate (rate.h), inline: most ACKs take one. */
#ifndef TCP_RATE_SAMPLE_H
#define TCP_RATE_SAMPLE_H

#include "base/bytes.h"
#include "tcp/flight.h"
#include "tcp/rate.h"

/* As rate_acked(), of so many octets newly delivered; youngest: the record that was sent last of those; NULL: none came
 * whole. */
static inline bool rate_delivered(struct rate *rate, uint32_t delivered, const struct flight_record *youngest,
				  tern_time min_rtt, tern_time now, struct rate_sample *sample)
{
	*sample = (struct rate_sample){ 0 };
	if (delivered > 0) {
		rate->delivered += delivered;
		rate->delivered_at = now;
	}
	if (rate->app_limited && rate->delivered > rate->app_limited)
		rate->app_limited = 0;
	if (!youngest)
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

#endif
