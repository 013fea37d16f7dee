#include "tcp/scalable.h"
#include "base/bytes.h"
#include "tcp/validate.h"

enum { G_SHIFT = 4 };

void scalable_init(struct tern_cc *cc)
{
	cc->state[SCALABLE_ALPHA] = SCALABLE_ONE;
}

void scalable_count(struct tern_cc *cc, const struct tern_cc_ack *ack)
{
	cc->state[SCALABLE_DELIVERED] += ack->delivered;
	cc->state[SCALABLE_MARKED] += min_u32(ack->ce, ack->delivered);
}

static uint32_t alpha_of(const struct tern_cc *cc)
{
	return (uint32_t)min_u64(cc->state[SCALABLE_ALPHA], SCALABLE_ONE);
}

void scalable_update_alpha(struct tern_cc *cc)
{
	const uint64_t delivered = min_u64(cc->state[SCALABLE_DELIVERED], UINT64_C(1) << 40);
	const uint64_t marked = min_u64(cc->state[SCALABLE_MARKED], delivered);
	const uint32_t alpha = alpha_of(cc);

	if (delivered == 0)
		return;
	const uint32_t share = (uint32_t)(marked * SCALABLE_ONE / delivered);

	/* What is left of it is taken off rounded up, or alpha would never come to nothing. */
	cc->state[SCALABLE_ALPHA] = alpha - ((alpha + (1u << G_SHIFT) - 1) >> G_SHIFT) + (share >> G_SHIFT);
	cc->state[SCALABLE_DELIVERED] = cc->state[SCALABLE_MARKED] = 0;
}

void scalable_reduce(struct tern_cc *cc, const struct tern_cc_ack *ack)
{
	const uint32_t less = (uint32_t)((uint64_t)cc->cwnd * alpha_of(cc) / (2 * SCALABLE_ONE));

	if (ack->ce == 0 || ack->prior_delivered < cc->state[SCALABLE_REDUCED])
		return;
	cc->state[SCALABLE_REDUCED] = ack->delivered_total;
	cc->cwnd = max_u32(cc->cwnd - less, 2 * cc->mss);
	cc->ssthresh = cc->cwnd;
}

void scalable_slow_start(struct tern_cc *cc, uint32_t delivered)
{
	cc->cwnd = min_u32(cc->cwnd + min_u32(delivered, cc->cwnd), max_u32(cc->ssthresh, cc->mss));
}

static uint32_t half_of(const struct tern_cc *cc, uint32_t in_flight)
{
	return max_u32(in_flight / 2, 2 * cc->mss);
}

void scalable_loss(struct tern_cc *cc, const struct tern_cc_loss *loss)
{
	cc->ssthresh = half_of(cc, loss->in_flight);
	cc->cwnd = cc->ssthresh;
	cc->state[SCALABLE_REDUCED] = loss->delivered_total;
}

void scalable_rto(struct tern_cc *cc, const struct tern_cc_loss *loss, bool first)
{
	if (first)
		cc->ssthresh = half_of(cc, loss->in_flight);
	cc->cwnd = cc->mss;
}

void scalable_restart(struct tern_cc *cc, const struct tern_cc_restart *restart)
{
	cc->state[SCALABLE_REDUCED] = 0; /* delivered_total begins anew with what flies */
	validate_restart(cc, restart);
}

bool scalable_at_rest(const struct tern_cc *cc)
{
	return cc->state[SCALABLE_ALPHA] == SCALABLE_ONE;
}
