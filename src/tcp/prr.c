#include "tcp/prr.h"
#include "base/bytes.h"

void prr_begin(struct prr *prr, uint32_t recover_fs)
{
	*prr = (struct prr){ .recover_fs = max_u32(recover_fs, 1) };
}

static uint32_t beyond(uint64_t a, uint32_t b)
{
	return a <= b ? 0 : a - b > UINT32_MAX ? UINT32_MAX : (uint32_t)(a - b);
}

/* sndcnt while more flies than is meant to. */
static uint32_t in_proportion(const struct prr *prr, const struct prr_ack *ack)
{
	const uint64_t share = ((uint64_t)prr->delivered * ack->ssthresh + prr->recover_fs - 1) / prr->recover_fs;

	return beyond((share + ack->mss - 1) / ack->mss * ack->mss, prr->out);
}

/* sndcnt while less flies: catching up, as far as is safe. */
static uint32_t within_bound(const struct prr *prr, const struct prr_ack *ack)
{
	const uint32_t banked = beyond(prr->delivered, prr->out);
	const uint32_t bound = max_u32(banked, ack->delivered) + (ack->safe ? ack->mss : 0);

	return min_u32(ack->ssthresh - ack->in_flight, bound);
}

uint32_t prr_window(struct prr *prr, const struct prr_ack *ack)
{
	uint32_t sndcnt;

	prr->delivered = prr_add(prr->delivered, ack->delivered);
	sndcnt = ack->in_flight > ack->ssthresh ? in_proportion(prr, ack) : within_bound(prr, ack);
	/* The first retransmission goes whatever the quota says. */
	if (prr->out == 0 && sndcnt < ack->mss)
		sndcnt = ack->mss;
	return prr_add(ack->in_flight, sndcnt);
}
