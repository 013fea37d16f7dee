/* What the tests of BBR share: a path (unit/cc_path.h) with BBR on it, and an eye on its phases. */
#ifndef UNIT_BBR_PATH_H
#define UNIT_BBR_PATH_H

#include "tcp/bbr.h"
#include "unit/cc_path.h"

enum { MBIT = 1000000 / 8 };

static struct path path;
static struct bbr *bbr;

static inline void over(uint64_t rate, tern_time rtt, unsigned percent_of_bdp)
{
	memset(&path, 0, sizeof path);
	path.rate = rate;
	path.rtt = rtt;
	path.buffer = path_bdp(&path) * percent_of_bdp / 100;
	path_begin(&path, &cc_bbr);
	bbr = bbr_of(&path.cc);
}

static inline void run_for(tern_time span)
{
	path_run(&path, span, NULL, NULL);
}

/* What was delivered in so long, in percent of what the path could. */
static inline unsigned utilisation(tern_time span)
{
	const uint64_t before = path.delivered;

	run_for(span);
	return (unsigned)((path.delivered - before) * 100 /
			  (path.rate * (uint64_t)(span / TERN_MILLISECOND) / 1000));
}

#define assert_within(v, low, high) assert_in_range((uint64_t)(v), (uint64_t)(low), (uint64_t)(high))

static inline struct tern_cc_ack sample(tern_time now, uint64_t rate, tern_time rtt)
{
	return (struct tern_cc_ack){
		.now = now, .rtt = rtt, .srtt = rtt, .min_rtt = rtt, .acked = 1448, .delivered = 1448,
		.delivered_total = 100000, .prior_delivered = 50000, .rate = rate, .interval = rtt,
		.delivered_in_interval = 50000, .tx_in_flight = 50000, .in_flight_before = 50000, .in_flight = 48552,
	};
}

struct seen {
	unsigned phases[BBR_PHASES]; /* how often each was entered */
	uint64_t last;
	tern_time probe_rtt_at, probe_rtt_gap_least, probe_rtt_gap_most, probe_rtt_least;
	uint64_t queue_peak;
};

static inline void look(struct path *p, void *context)
{
	struct seen *const seen = context;

	if (path_queue(p) > seen->queue_peak)
		seen->queue_peak = path_queue(p);
	if (bbr->phase == seen->last)
		return;
	seen->phases[bbr->phase]++;
	if (seen->last == BBR_PROBE_RTT && path.now - seen->probe_rtt_at < seen->probe_rtt_least)
		seen->probe_rtt_least = path.now - seen->probe_rtt_at;
	if (bbr->phase == BBR_PROBE_RTT) {
		const tern_time gap = path.now - seen->probe_rtt_at;

		if (seen->probe_rtt_at && gap < seen->probe_rtt_gap_least)
			seen->probe_rtt_gap_least = gap;
		if (seen->probe_rtt_at && gap > seen->probe_rtt_gap_most)
			seen->probe_rtt_gap_most = gap;
		seen->probe_rtt_at = path.now;
	}
	seen->last = bbr->phase;
}

static inline struct seen watched(tern_time span)
{
	struct seen seen = { .probe_rtt_gap_least = TERN_NEVER, .probe_rtt_least = TERN_NEVER, .last = bbr->phase };

	path_run(&path, span, look, &seen);
	return seen;
}

#endif
