/* What was lost goes again, record by record, when the window, the pacer and the peer allow it. */
#include "base/bytes.h"
#include "tcp/emit.h"
#include "tcp/pace.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/timers.h"
#include "tcp/warm.h"

static enum tern_retransmit_why retransmit_why(const struct tcb *tcb, const struct flight_record *record)
{
	const struct tcb_warm *const warm = tcb->warm;

	if (warm->tlp.due)
		return TERN_RETRANSMIT_TAIL_PROBE;
	if (timers_retransmit_name(tcb) == TERN_TIMER_PERSIST || warm->recovery <= TERN_RECOVERY_CWR)
		return warm->recut ? TERN_RETRANSMIT_PATH_MTU :
				     TERN_RETRANSMIT_ZERO_WINDOW_PROBE; /* shut, or just opened again */
	if (warm->recovery == TERN_RECOVERY_LOSS)
		return record->flags & FLIGHT_AGAIN || seq_eq(record->seq, tcb->snd.una) ?
			       TERN_RETRANSMIT_TIMEOUT :
			       TERN_RETRANSMIT_AFTER_TIMEOUT;
	if (recovery_is_rack(tcb))
		return TERN_RETRANSMIT_RACK;
	return warm->partial_seen ? TERN_RETRANSMIT_PARTIAL_ACK : TERN_RETRANSMIT_FAST;
}

static void tell_retransmit(struct tcb *tcb, const struct flight_record *record, tern_time now)
{
	struct tcp_env *const env = tcb_env(tcb);
	struct tern_tuple tuple;

	env->stats.RetransSegs++;
	if (tcb->warm->recovery == TERN_RECOVERY_FAST)
		env->stats.TCPFastRetrans++;
	else if (tcb->warm->recovery == TERN_RECOVERY_LOSS)
		env->stats.TCPSlowStartRetrans++;
	tcb_cold(tcb)->retransmits++;
	tcb->warm->bytes_retransmitted += flight_text(record);
	if (!env_is_watched(env))
		return;
	tcb_get_tuple(tcb, &tuple);
	watch_retransmit(env, &tuple, (enum tcp_state)tcb->state, retransmit_why(tcb, record), record->seq, record->len,
			 record->times, us_to_time(tcb->warm->rto_us), now);
}

/* One record again, as it was: a SYN, text, a FIN. */
void emit_again(struct tcb *tcb, struct flight_record *record, struct tcp_out *out, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	const bool syn = record->flags & FLIGHT_SYN, fin = record->flags & FLIGHT_FIN;

	if (syn)
		emit_make_syn(tcb, out, now);
	else
		emit_begin(tcb, out, record->seq, TCP_ACK, record->len, now);
	tell_retransmit(tcb, record, now);
	undo_resent(tcb, seq_add(record->seq, record->len), now);
	recovery_sent(tcb, record->len);
	emit_add_text(tcb, out, record->seq, syn ? 0 : (uint32_t)(record->len - fin));
	if (fin)
		out->seg.flags |= TCP_FIN;
	out->retransmitted = true;
	out->probe = timers_retransmit_name(tcb) == TERN_TIMER_PERSIST;
	flight_resent(&warm->flight, record, &warm->rate, now);
	warm->recut &= warm->flight.n_lost > 0;
	warm->retransmit_now = false;
	if (warm->retransmit_at == TERN_NEVER)
		timers_data_sent(tcb, now);
}

/* The path was wider when it was cut. */
static bool is_too_long(const struct tcb *tcb, const struct flight_record *record)
{
	return !(record->flags & FLIGHT_SYN) && record->len - ((record->flags & FLIGHT_FIN) != 0) > tcb->mss;
}

/* What stands at SND.UNA goes again even beyond the window (MAY-7, RFC7323-2.4-3, RFC6675-5-5). */
bool emit_lost(struct tcb *tcb, struct tcp_out *out, tern_time now)
{
	struct tcb_warm *const warm = tcb->warm;
	if (warm->flight.n_lost == 0)
		return false;

	struct flight_record *const record = flight_first_lost(&warm->flight);
	const uint32_t in_flight = recovery_in_flight(tcb);

	if (recovery_holds_back(tcb))
		return false;
	/* Beyond a right edge that the peer took back only what stands at SND.UNA goes again (SHLD-16). */
	if (!seq_eq(record->seq, tcb->snd.una) &&
	    seq_gt(seq_add(record->seq, record->len), seq_add(tcb->snd.una, max_u32(tcb->snd.wnd, 1))))
		return false;
	/* One may always fly alone: with its FIN it can be an octet more than the least window. */
	if (!warm->retransmit_now && in_flight > 0 && in_flight + record->len > warm->cc.cwnd)
		return false;
	/* What SND.UNA waits for is never held up (pace.h). */
	if (!warm->retransmit_now && !seq_eq(record->seq, tcb->snd.una) && pace_room(tcb, record->len, now) == 0)
		return false;
	/* Memory was short when it was to be cut. */
	if (is_too_long(tcb, record) && !flight_recut(&warm->flight, tcb_env(tcb)->mem, tcb->mss))
		return false; /* the retransmission timer comes back to it */
	emit_again(tcb, flight_first_lost(&warm->flight), out, now);
	return true;
}
