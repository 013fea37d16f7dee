#include "tcp/validate.h"
#include "base/bytes.h"

static const tern_time non_validated_period = 300 * TERN_SECOND;

/* RFC5681-4.1-1. */
void validate_restart(struct tern_cc *cc, const struct tern_cc_restart *restart)
{
	tern_time left = restart->idle;

	if (!cc->paced) {
		if (restart->idle > restart->rto)
			cc->cwnd = min_u32(cc->cwnd, restart->restart_window);
		return;
	}
	for (; left >= non_validated_period && cc->cwnd > restart->restart_window; left -= non_validated_period) {
		cc->ssthresh = max_u32(cc->ssthresh, cc->cwnd - cc->cwnd / 4);
		cc->cwnd = max_u32(cc->cwnd / 2, restart->restart_window);
	}
}
