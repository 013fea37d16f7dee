#include "tcp/hystart.h"
#include "base/bytes.h"

/* Round-trip times in nanoseconds; 0 stands for the RFC's infinity. */
enum {
	LAST_MIN,    /* lastRoundMinRTT */
	CURRENT_MIN, /* currentRoundMinRTT */
	BASELINE,    /* cssBaselineMinRtt; 0: in standard slow start */
	COUNTS,	     /* rttSampleCount; rounds of CSS in the upper half */
};

/* RFC 9406 4.3. */
enum { N_RTT_SAMPLE = 8, CSS_GROWTH_DIVISOR = 4, CSS_ROUNDS = 5, MIN_RTT_DIVISOR = 8, L_UNPACED = 8 };

static uint32_t samples(const uint64_t state[])
{
	return (uint32_t)state[COUNTS];
}

static uint32_t rounds(const uint64_t state[])
{
	return (uint32_t)(state[COUNTS] >> 32);
}

static uint64_t threshold(uint64_t last_min)
{
	const uint64_t least = 4 * TERN_MILLISECOND, most = 16 * TERN_MILLISECOND;
	const uint64_t part = last_min / MIN_RTT_DIVISOR;

	return part < least ? least : part > most ? most : part;
}

/* True: the rounds of CSS are spent. */
static bool round_begins(uint64_t state[])
{
	const uint32_t done = state[BASELINE] ? rounds(state) + 1 : 0;

	state[LAST_MIN] = state[CURRENT_MIN];
	state[CURRENT_MIN] = 0;
	state[COUNTS] = (uint64_t)done << 32;
	return done >= CSS_ROUNDS; /* a partial first round counts (4.2) */
}

static void sample(uint64_t state[], uint64_t rtt)
{
	if (state[CURRENT_MIN] == 0 || rtt < state[CURRENT_MIN])
		state[CURRENT_MIN] = rtt;
	if (samples(state) < N_RTT_SAMPLE)
		state[COUNTS]++;
}

bool hystart_ack(uint64_t state[HYSTART_WORDS], const struct tern_cc_ack *ack)
{
	if (ack->round_start && round_begins(state))
		return false;
	if (ack->rtt <= 0)
		return true;
	sample(state, (uint64_t)ack->rtt);
	if (samples(state) < N_RTT_SAMPLE)
		return true;
	if (state[BASELINE] != 0) {
		if (state[CURRENT_MIN] < state[BASELINE]) { /* leaving slow start was a mistake */
			state[BASELINE] = 0;
			state[COUNTS] = samples(state);
		}
	} else if (state[LAST_MIN] != 0 && state[CURRENT_MIN] >= state[LAST_MIN] + threshold(state[LAST_MIN])) {
		state[BASELINE] = state[CURRENT_MIN];
	}
	return true;
}

uint32_t hystart_growth(const uint64_t state[HYSTART_WORDS], const struct tern_cc *cc, uint32_t acked)
{
	const uint32_t most = cc->paced ? acked : min_u32(acked, L_UNPACED * cc->mss);

	return state[BASELINE] != 0 ? most / CSS_GROWTH_DIVISOR : most;
}
