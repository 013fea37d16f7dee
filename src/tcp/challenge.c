#include "tcp/challenge.h"
#include "base/bytes.h"
#include "tcp/tcp.h"

/* RFC5961-7-1. */
void challenge(struct tcb *tcb, tern_time now)
{
	struct tcp_env *const env = tcb_env(tcb);
	/* Four bits of the second, spread so that no even spacing (keep-alives, every 7,200 s) meets the
	 * same four again and again. */
	const uint8_t second = (uint8_t)((uint32_t)(now / TERN_SECOND) * 0x9e3779b9u >> 28);

	if (tcb->challenge >> 4 != second)
		tcb->challenge = (uint8_t)(second << 4);
	if ((tcb->challenge & 0x0f) >= min_u32(env->config.challenge_acks, 0x0f)) {
		env->stats.TCPACKSkippedChallenge++;
		if (env_is_watched(env)) {
			struct tern_tuple tuple;

			tcb_get_tuple(tcb, &tuple);
			watch_note(env, &tuple, (enum tcp_state)tcb->state, TERN_NOTE_CHALLENGE_LIMITED, 0, now);
		}
		return;
	}
	tcb->challenge++;
	env->stats.TCPChallengeACK++;
	tcb->due |= DUE_CHALLENGE;
}
