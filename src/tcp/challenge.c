#include "tcp/challenge.h"
#include "tcp/tcp.h"

void challenge(struct tcb *tcb, tern_time now)
{
	struct tcp_env *const env = tcb_env(tcb);
	const uint8_t second = (uint8_t)(now / TERN_SECOND) & 0x0f;

	if (tcb->challenge >> 4 != second)
		tcb->challenge = (uint8_t)(second << 4);
	if ((tcb->challenge & 0x0f) >= env->config.challenge_acks) {
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
