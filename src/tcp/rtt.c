#include "tcp/rtt.h"
#include "base/bytes.h"
#include "tcp/tcp.h"

enum { CLOCK_GRANULARITY_US = 1000, SAMPLE_MAX_US = 60 * 1000 * 1000, AFTER_LOST_SYN_US = 3 * 1000 * 1000 };

/* RFC6298-2-2, RFC6298-2-3. */
static void take(struct tcb_cold *cold, tern_time rtt)
{
	const int64_t us = rtt / TERN_MICROSECOND;
	const uint32_t r = us < 1 ? 1 : us > SAMPLE_MAX_US ? SAMPLE_MAX_US : (uint32_t)us;
	uint32_t srtt, distance;

	if (cold->srtt8 == 0) { /* RFC 6298 2.2 */
		cold->srtt8 = r * 8;
		cold->rttvar4 = r * 2;
		return;
	}
	/* RFC 6298 2.3, with alpha 1/8 and beta 1/4 kept in the scales. */
	srtt = cold->srtt8 / 8;
	distance = srtt > r ? srtt - r : r - srtt;
	cold->rttvar4 = cold->rttvar4 - cold->rttvar4 / 4 + distance;
	cold->srtt8 = max_u32(cold->srtt8 - srtt + r, 1);
}

void rtt_sample(struct tcb *tcb, tern_time rtt)
{
	take(tcb_cold(tcb), rtt);
}

void rtt_grew(struct tcb *tcb, tern_time rtt)
{
	struct tcb_cold *const cold = tcb_cold(tcb);
	const uint32_t r = (uint32_t)min_i64(rtt / TERN_MICROSECOND, SAMPLE_MAX_US);

	if (r == 0 || cold->srtt8 == 0)
		return;
	cold->srtt8 = max_u32(cold->srtt8, r * 8);
	cold->rttvar4 = max_u32(cold->rttvar4, r * 2);
}

bool rtt_sample_echo(struct tcb *tcb, uint32_t ts_ecr, tern_time now)
{
	const uint32_t ago_ms = tcp_ts_clock(now) + tcb->ts.offset - ts_ecr;

	if (ago_ms > SAMPLE_MAX_US / 1000)
		return false;
	rtt_sample(tcb, max_i64(ago_ms, 1) * TERN_MILLISECOND);
	return true;
}

/* RFC6298-5-7. */
void rtt_syn_lost(struct tcb *tcb)
{
	struct tcb_cold *const cold = tcb_cold(tcb);

	if (cold->srtt8 == 0) /* while there is no sample, rttvar4 is the least first RTO */
		cold->rttvar4 = AFTER_LOST_SYN_US;
}

/* RFC6298-2-1, RFC6298-2-4, RFC6298-2-5, RFC6298-4-1. */
static uint32_t rto_us(const struct tcb_cold *cold, const struct tcp_env *env)
{
	const uint32_t least = env->rto_us.min, most = env->rto_us.max;
	uint32_t rto;

	if (cold->srtt8 == 0)
		rto = max_u32(env->rto_us.initial, cold->rttvar4);
	else
		rto = cold->srtt8 / 8 + max_u32(CLOCK_GRANULARITY_US, max_u32(cold->rttvar4, least));
	/* The floor lies under the variance term, not under the whole (as Linux has it): an ACK delayed by
	 * the peer's timer comes at most that much after one round trip. */
	return min_u32(max_u32(rto, least), most);
}

uint32_t rtt_rto_us(const struct tcb *tcb)
{
	return rto_us(tcb_cold(tcb), tcb_env(tcb));
}

uint32_t rtt_sample_rto_us(struct tcb *tcb, tern_time rtt)
{
	struct tcb_cold *const cold = tcb_cold(tcb);

	take(cold, rtt);
	return rto_us(cold, tcb_env(tcb));
}
