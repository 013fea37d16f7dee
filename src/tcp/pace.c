#include "tcp/pace.h"
#include "base/bytes.h"
#include "base/wheel.h"
#include "tcp/path.h"
#include "tcp/warm.h"

enum { QUANTUM_MOST = 65536, QUANTUM_SEGMENTS = 2, LATE_TICKS = 2 };
enum { SLOW_START_PERCENT = 200, AVOIDANCE_PERCENT = 120 };

#define RATE_MOST ((uint64_t)1 << 44)
#define WAIT_MOST TERN_SECOND

bool pace_is_on(const struct tcb *tcb, const struct tern_cc_ops *ops)
{
	const struct tcb_path *const path = path_of(tcb);

	if (path && path->max_pacing_rate > 0)
		return true;
	return path && path->pacing >= 0 ? path->pacing > 0 : ops->paces;
}

void pace_bound(struct tcb_warm *warm, tern_time now)
{
	warm->pace_from = min_i64(warm->pace_from, now + WAIT_MOST);
	if (warm->pace_at != TERN_NEVER)
		warm->pace_at = min_i64(warm->pace_at, now + WAIT_MOST);
}

/* cwnd a round trip, as Linux does it for controllers that name no rate. */
static uint64_t derived(const struct tcb *tcb)
{
	const struct tcb_warm *const warm = tcb->warm;
	const uint64_t srtt8 = tcb_cold(tcb)->srtt8;
	const uint64_t window = max_u32(warm->cc.cwnd, warm->flight.in_flight);
	const unsigned percent = warm->cc.cwnd < warm->cc.ssthresh / 2 ? SLOW_START_PERCENT : AVOIDANCE_PERCENT;

	return srtt8 == 0 ? 0 : window * 8 * percent / 100 * 1000000 / srtt8;
}

/* A segment a round trip. A controller that measures what a shut window lets through, an octet a probe, would have
 * the first segment after it wait for hours. */
static uint64_t least_rate(const struct tcb *tcb)
{
	const uint64_t srtt8 = tcb_cold(tcb)->srtt8;

	return srtt8 == 0 ? 0 : (uint64_t)tcb->mss * 8 * 1000000 / srtt8;
}

uint64_t pace_rate(const struct tcb *tcb)
{
	const struct tcb_path *const path = path_of(tcb);
	const uint64_t most = path ? path->max_pacing_rate : 0;
	uint64_t rate = 0;

	if (!tcb->warm || !tcb->warm->cc.paced)
		return 0;
	if (!path || path->pacing != 0)
		rate = tcb->warm->cc.pacing_rate ? tcb->warm->cc.pacing_rate : derived(tcb);
	if (rate > 0 && rate < least_rate(tcb))
		rate = least_rate(tcb);
	if (most > 0 && (rate == 0 || rate > most))
		rate = most;
	return rate < RATE_MOST ? rate : RATE_MOST;
}

static uint64_t bytes_in(uint64_t rate, tern_time span)
{
	const uint64_t second = (uint64_t)TERN_SECOND, t = (uint64_t)min_i64(span, 8 * TERN_SECOND);

	return rate / second * t + rate % second * t / second;
}

/* The time that n bytes take, rounded up; n below 2^32. */
static tern_time time_of(uint64_t rate, uint64_t n)
{
	return (tern_time)((n * (uint64_t)TERN_SECOND + rate - 1) / rate);
}

static uint64_t quantum(const struct tcb *tcb, uint64_t rate)
{
	const uint32_t own = tcb->warm->cc.quantum;
	const uint64_t n = own ? own : bytes_in(rate, TERN_MILLISECOND);
	const uint32_t most = own ? own : QUANTUM_MOST;

	return max_u32((uint32_t)(n < most ? n : most), QUANTUM_SEGMENTS * (uint32_t)tcb->mss);
}

static uint64_t depth(const struct tcb *tcb, uint64_t rate)
{
	return quantum(tcb, rate) + bytes_in(rate, LATE_TICKS * WHEEL_TICK);
}

uint32_t pace_room_paced(struct tcb *tcb, uint32_t least, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const uint64_t rate = pace_rate(tcb);

	if (rate == 0 || warm->pace_free > 0) {
		warm->pace_at = TERN_NEVER;
		return rate == 0 ? UINT32_MAX : (warm->pace_free + least - 1) / least * least;
	}
	const tern_time due = warm->pace_from + time_of(rate, quantum(tcb, rate));

	/* Once it waits it waits for a whole burst; but no longer than the rate of the day has it. */
	if (warm->pace_at == TERN_NEVER || due <= now) {
		const uint64_t most = depth(tcb, rate), paid = bytes_in(rate, max_i64(now - warm->pace_from, 0));
		const uint64_t room = paid < most ? paid : most;

		if (room >= least || due <= now) {
			warm->pace_at = TERN_NEVER;
			return (uint32_t)room;
		}
	}
	warm->pace_at = min_i64(due, now + WAIT_MOST);
	return 0;
}

void pace_sent_paced(struct tcb *tcb, uint32_t n, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const uint64_t rate = pace_rate(tcb);

	if (warm->pace_free > 0) {
		warm->pace_free -= min_u32(n, warm->pace_free);
		warm->pace_from = now; /* what follows the first window is paced from its end on */
		return;
	}
	if (rate == 0 || n == 0)
		return;
	warm->pace_from = max_i64(warm->pace_from, now - time_of(rate, depth(tcb, rate))) + time_of(rate, n);
	/* What need not wait may run ahead; by a second at most, whatever became of the rate since. */
	warm->pace_from = min_i64(warm->pace_from, now + WAIT_MOST);
}
