/* SEGMENT ARRIVES (RFC 9293 3.10.7): which file continues. LISTEN is the host's (host/listen.c and its
 * neighbours), since half-open connections are entries of the listener; TIME-WAIT too
 * (host/time_wait.c). CLOSED answers with an RST, which the host does where it finds no connection. */
#include "tcp/arrive.h"
#include "base/assert.h"
#include "tcp/timers.h"
#include "tcp/warm.h"

static enum tern_verdict by_state(struct tcb *tcb, const struct tcp_segment *seg, tern_time now)
{
	switch ((enum tcp_state)tcb->state) {
	case SYN_SENT:
		return arrive_syn_sent(tcb, seg, now);
	case SYN_RECEIVED:
	case ESTABLISHED:
	case FIN_WAIT_1:
	case FIN_WAIT_2:
	case CLOSE_WAIT:
	case CLOSING:
	case LAST_ACK:
		return arrive_synchronized(tcb, seg, now);
	case CLOSED: /* a block that only waits for its program to let go, or for its RST to leave */
	case LISTEN:
	case TIME_WAIT:
		break;
	}
	return TERN_VERDICT_NO_CONNECTION;
}

__attribute__((noinline)) static enum tern_verdict arrive_by_steps(struct tcb *tcb, const struct tcp_segment *seg,
								  uint64_t mark, tern_time now)
{
	struct tcp_env *const env = tcb_env(tcb);
	enum tern_verdict verdict;

	env->stats.TernOptionsMalformed += seg->opt.malformed;
	verdict = by_state(tcb, seg, now);
	env->stats.TernVerdict[verdict]++;
	tcb_cold(tcb)->segments_in++;
	if (env_is_watched(env)) {
		struct tern_tuple tuple;

		tcb_get_tuple(tcb, &tuple);
		watch_segment_rx(env, &tuple, (enum tcp_state)tcb->state, seg, verdict, mark, tcb, now);
	}
	tcb_cool_arrived(tcb);
	return verdict;
}

enum tern_verdict tcp_arrive(struct tcb *tcb, const struct tcp_segment *seg, uint8_t traffic_class, uint64_t mark,
			     tern_time now)
{
	tcb->rcv.traffic_class = traffic_class; /* MAY-9; and the ECN field, which the steps read */
	if (arrive_is_plain(tcb, seg) && !env_is_watched(tcb_env(tcb)))
		return arrive_plain(tcb, seg, now);
	return arrive_by_steps(tcb, seg, mark, now);
}

/* The error says what kind of end it was (MUST-12). */
enum tern_verdict arrive_was_reset(struct tcb *tcb, tern_time now)
{
	struct tcp_env *const env = tcb_env(tcb);
	struct tcb_cold *const cold = tcb_cold(tcb);

	if (tcb->state == ESTABLISHED || tcb->state == CLOSE_WAIT)
		env->stats.EstabResets++;
	/* In SYN-RECEIVED after an active OPEN it is a refusal; a passive one returned to LISTEN in the
	 * half-open entry and has no block (RFC 9293 3.10.7.4, second, MUST-11). */
	if (tcb->state == SYN_RECEIVED)
		env->stats.AttemptFails++;
	cold->error = tcb->state == SYN_RECEIVED && !tcb->passive ? TERN_ECONNREFUSED :
		      tcb->state == CLOSE_WAIT			  ? TERN_EPIPE :
								    TERN_ECONNRESET;
	tcb_enter(tcb, CLOSED, TERN_WHY_RST_ARRIVED, now);
	return TERN_VERDICT_RESET;
}
