/* Telling the watcher. With no sink set none of this runs (env_is_watched). */
#include "base/assert.h"
#include "tcp/tcp.h"
#include "tcp/warm.h"

static void tell(const struct tcp_env *env, const struct tern_watch_event *event)
{
	env->watcher.event(env->watcher.context, event);
}

static struct tern_watch_event begin(enum tern_watch_kind kind, const struct tern_tuple *tuple, enum tcp_state state,
				     tern_time now)
{
	return (struct tern_watch_event){
		.kind = kind, .now = now, .tuple = *tuple, .state = (enum tern_state)state,
	};
}

static void describe(struct tern_watch_segment *to, const struct tcp_segment *seg, const struct tcb *tcb, uint8_t shift)
{
	const struct tcp_options *const opt = &seg->opt;

	*to = (struct tern_watch_segment){
		.seq = seg->seq.v,
		.ack = seg->ack.v,
		.wnd = (uint32_t)seg->wnd << (seg->flags & TCP_SYN ? 0 : shift),
		.raw_wnd = seg->wnd,
		.len = seg->text_len,
		.flags = seg->flags,
		.up = seg->up,
		.has_mss = opt->has_mss,
		.has_wscale = opt->has_wscale,
		.has_ts = opt->has_ts,
		.sack_permitted = opt->sack_permitted,
		.wscale = opt->wscale,
		.mss = opt->mss,
		.n_sack = opt->n_sack,
		.ts_val = opt->ts_val,
		.ts_ecr = opt->ts_ecr,
	};
	for (uint8_t i = 0; i < opt->n_sack; i++)
		to->sack[i] = (struct tern_sack_block){ opt->sack[i].left.v, opt->sack[i].right.v };
	if (tcb) {
		to->known = true;
		to->iss = tcb->snd.iss.v;
		to->irs = tcb->rcv.irs.v;
	}
}

void watch_segment_rx(const struct tcp_env *env, const struct tern_tuple *tuple, enum tcp_state state,
		      const struct tcp_segment *seg, enum tern_verdict verdict, uint64_t mark, const struct tcb *tcb,
		      tern_time now)
{
	struct tern_watch_event event = begin(TERN_WATCH_SEGMENT_RX, tuple, state, now);

	describe(&event.u.segment, seg, tcb, tcb ? tcb->snd_wscale : 0);
	event.u.segment.mark = mark;
	event.u.segment.verdict = (uint8_t)verdict;
	tell(env, &event);
}

void watch_segment_tx(const struct tcp_env *env, const struct tern_tuple *tuple, enum tcp_state state,
		      const struct tcp_out *out, uint64_t id, const struct tcb *tcb, tern_time now)
{
	struct tern_watch_event event = begin(TERN_WATCH_SEGMENT_TX, tuple, state, now);

	describe(&event.u.segment, &out->seg, tcb, tcb ? tcb->rcv.wscale : 0);
	event.u.segment.id = id;
	event.u.segment.retransmitted = out->retransmitted;
	event.u.segment.probe = out->probe;
	event.u.segment.gso_size = out->gso_size;
	tell(env, &event);
}

void watch_state(const struct tcp_env *env, const struct tern_tuple *tuple, enum tcp_state from, enum tcp_state to,
		 enum tern_why why, tern_time now)
{
	const struct tern_edge *const edge = state_edge(from, to, why);
	struct tern_watch_event event;

	tern_assert(edge != NULL);
	if (!env_is_watched(env))
		return;
	event = begin(TERN_WATCH_STATE, tuple, to, now);
	event.u.state.from = edge->from;
	event.u.state.to = edge->to;
	event.u.state.why = why;
	event.u.state.clause = edge->clause;
	tell(env, &event);
}

void watch_timer(const struct tcp_env *env, const struct tern_tuple *tuple, enum tcp_state state, enum tern_timer timer,
		 enum tern_timer_action action, tern_time deadline, uint32_t count, tern_time now)
{
	struct tern_watch_event event;

	if (!env_is_watched(env))
		return;
	event = begin(TERN_WATCH_TIMER, tuple, state, now);
	event.u.timer.timer = timer;
	event.u.timer.action = action;
	event.u.timer.deadline = deadline;
	event.u.timer.count = count;
	tell(env, &event);
}

void watch_note(const struct tcp_env *env, const struct tern_tuple *tuple, enum tcp_state state, enum tern_note note,
		uint32_t value, tern_time now)
{
	struct tern_watch_event event;

	if (!env_is_watched(env))
		return;
	event = begin(TERN_WATCH_NOTE, tuple, state, now);
	event.u.note.note = note;
	event.u.note.value = value;
	tell(env, &event);
}

void watch_retransmit(const struct tcp_env *env, const struct tern_tuple *tuple, enum tcp_state state,
		      enum tern_retransmit_why why, seq_t seq, uint32_t len, uint32_t count, tern_time rto,
		      tern_time now)
{
	struct tern_watch_event event;

	if (!env_is_watched(env))
		return;
	event = begin(TERN_WATCH_RETRANSMIT, tuple, state, now);
	event.u.retransmit.why = why;
	event.u.retransmit.seq = seq.v;
	event.u.retransmit.len = len;
	event.u.retransmit.count = count;
	event.u.retransmit.rto = rto;
	tell(env, &event);
}

void watch_congestion(const struct tcb *tcb, enum tern_congestion_event what, tern_time now)
{
	const struct tcp_env *const env = tcb_env(tcb);
	const struct tcb_warm *const warm = tcb->warm;
	struct tern_tuple tuple;
	struct tern_watch_event event;

	if (!env_is_watched(env))
		return;
	tcb_get_tuple(tcb, &tuple);
	event = begin(TERN_WATCH_CONGESTION, &tuple, (enum tcp_state)tcb->state, now);
	event.u.congestion.event = what;
	event.u.congestion.cwnd = warm->cc.cwnd;
	event.u.congestion.ssthresh = warm->cc.ssthresh;
	event.u.congestion.in_flight = warm->flight.in_flight;
	event.u.congestion.controller = warm->cc.ops->name;
	tell(env, &event);
}

void watch_drop(const struct tcp_env *env, const struct tern_tuple *tuple, enum tern_verdict verdict, uint32_t len,
		uint64_t mark, tern_time now)
{
	struct tern_watch_event event;

	if (!env_is_watched(env))
		return;
	event = begin(TERN_WATCH_PACKET_DROP, tuple, CLOSED, now);
	event.u.drop.verdict = verdict;
	event.u.drop.len = len;
	event.u.drop.mark = mark;
	tell(env, &event);
}
