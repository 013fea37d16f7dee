/* SEGMENT ARRIVES and time-outs for TIME-WAIT entries (RFC 9293 3.10.7.4, 3.10.8).
 *
 * The one thing that an honest peer has left to send is its FIN again, because our ACK of it was lost: it
 * is answered, and 2MSL begins again. Everything else is an old duplicate, or the first segment of a new
 * incarnation.
 *
 * Where this differs from the RFC's steps:
 * - A reset is ignored (RFC 1337 3, fix 1): an old one must not end TIME-WAIT, which is there to outlive
 *   old segments.
 * - What takes up no sequence space (a bare ACK) is never answered: two ends in TIME-WAIT that disagree
 *   would answer each other for ever. Nobody waits for such an answer: who has sent FIN sends the FIN
 *   again.
 * - 2MSL begins again for the peer's FIN alone, not for any segment: old duplicates do not prolong it.
 *
 * A SYN begins a new incarnation at once (MAY-2) where RFC 6191 2 can tell it from an old duplicate, and a
 * listener has a place for it; its ISN then lies above all that the last one used. Any other SYN is
 * challenged (RFC 9293 3.10.7.4, fourth step; RFC 6191 would keep quiet): a peer that is alive resets, in
 * vain, and tries again. */
#include "host/internal.h"
#include "host/listen.h"
#include "host/time_wait.h"

static void ends(struct tern_host *host, uint32_t index, enum tern_why why, tern_time now)
{
	struct tern_tuple tuple;

	time_wait_tuple(&host->time_wait, index, &tuple);
	(void)demux_remove(&host->demux, &tuple, demux_ref_of(DEMUX_TIME_WAIT, index));
	time_wait_remove(&host->time_wait, index);
	if (env_is_watched(&host->env))
		watch_state(&host->env, &tuple, TIME_WAIT, CLOSED, why, now);
}

static void tell_timer(const struct tern_host *host, uint32_t index, const struct tern_tuple *tuple,
		       tern_time now)
{
	if (env_is_watched(&host->env))
		watch_timer(&host->env, tuple, TIME_WAIT, TERN_TIMER_TIME_WAIT, TERN_TIMER_SET,
			    time_wait_until(&host->time_wait, index), 0, now);
}

bool time_wait_give_up(struct tern_host *host, tern_time now)
{
	const uint32_t oldest = time_wait_oldest(&host->time_wait);

	if (oldest == TIME_WAIT_NONE)
		return false;
	host->env.stats.TCPTimeWaitOverflow++;
	ends(host, oldest, TERN_WHY_TIME_WAIT_GIVEN_UP, now);
	return true;
}

bool time_wait_enter(struct tern_host *host, const struct tcb *tcb, tern_time now)
{
	const demux_ref	     block = demux_ref_of(DEMUX_BLOCK, tcb_index(tcb));
	struct tcp_time_wait what;
	struct tern_tuple    tuple;
	uint32_t	     index;

	tcb_get_tuple(tcb, &tuple);
	tcp_to_time_wait(tcb, &what);
	/* Where memory is short the oldest chunk has to become empty before a place is free: at most some
	 * 500 are given up, and as many find room thereafter. */
	do
		index = time_wait_add(&host->time_wait, &tuple, &what, now);
	while (index == TIME_WAIT_NONE && time_wait_give_up(host, now));
	if (index == TIME_WAIT_NONE) {
		host->env.stats.TCPTimeWaitOverflow++;
		(void)demux_remove(&host->demux, &tuple, block);
		if (env_is_watched(&host->env))
			watch_state(&host->env, &tuple, TIME_WAIT, CLOSED, TERN_WHY_TIME_WAIT_GIVEN_UP, now);
		return false;
	}
	demux_replace(&host->demux, &tuple, block, demux_ref_of(DEMUX_TIME_WAIT, index));
	tell_timer(host, index, &tuple, now);
	return true;
}

/* How many are due, of the next few. Where millions wait each bucket is a miss: those of a few overlap. */
static uint32_t stage(const struct tern_host *host, tern_time now)
{
	enum { FEW = 16 };
	uint32_t       index[FEW];
	const uint32_t n = time_wait_due(&host->time_wait, now, index, FEW);

	for (uint32_t i = 0; i < n && n > 1; i++) {
		struct tern_tuple tuple;

		time_wait_tuple(&host->time_wait, index[i], &tuple);
		demux_prefetch(&host->demux, demux_hash(&host->demux, &tuple)); /* which remembers it */
	}
	return n;
}

static void expire_oldest(struct tern_host *host, tern_time now)
{
	const uint32_t index = time_wait_oldest(&host->time_wait);

	if (env_is_watched(&host->env)) {
		struct tern_tuple tuple;

		time_wait_tuple(&host->time_wait, index, &tuple);
		watch_timer(&host->env, &tuple, TIME_WAIT, TERN_TIMER_TIME_WAIT, TERN_TIMER_FIRED, 0, 0, now);
	}
	host->env.stats.TW++;
	ends(host, index, TERN_WHY_TWO_MSL, now);
}

void time_wait_expire(struct tern_host *host, tern_time now)
{
	for (uint32_t n; (n = stage(host, now)) > 0;)
		while (n-- > 0)
			expire_oldest(host, now);
}

/* ---- SEGMENT ARRIVES ---- */

/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>. The window is never used: nothing more can be sent to us. */
static void acknowledge(struct tern_host *host, const struct tern_tuple *tuple,
			const struct tcp_time_wait *what, tern_time now)
{
	const struct tcp_ack_only ack = { .seq = what->snd_nxt,
					  .ack = what->rcv_nxt,
					  .ts_recent = what->ts_recent,
					  .ts_offset = what->ts_offset,
					  .wnd = UINT16_MAX,
					  .ts_ok = what->ts_ok };
	struct tcp_segment	  seg;

	emit_ack_only(&seg, tuple, &ack, now);
	reply_segment(host, tuple, TIME_WAIT, &seg, 0, false);
}

/* Whether the SYN is newer than all of the last incarnation, so that none of its old segments can be mistaken
 * (RFC 6191 2; without timestamps RFC 9293 MAY-2) (SHLD-4). */
static bool is_newer(const struct tern_host *host, const struct tcp_time_wait *what,
		     const struct tcp_segment *syn)
{
	const bool larger = seq_ge(syn->seq, what->rcv_nxt);

	if (!syn->opt.has_ts || host->env.config.no_timestamps)
		return larger;
	if (!what->ts_ok)
		return true; /* its old segments bear no timestamps, and the new incarnation's must */
	if (syn->opt.ts_val == what->ts_recent)
		return larger;
	return (int32_t)(syn->opt.ts_val - what->ts_recent) > 0;
}

/* The listener that takes the SYN at once, or LISTEN_NONE. */
static uint32_t taker(const struct tern_host *host, const struct tern_tuple *tuple,
		      const struct tcp_time_wait *what, const struct tcp_segment *syn)
{
	const uint32_t listener = listen_find(host, tuple);

	if (listener == LISTEN_NONE || !listen_has_room(host, listener) || !is_newer(host, what, syn))
		return LISTEN_NONE;
	return listener;
}

/* RFC 7323 5.3 R1. */
static bool is_old(const struct tcp_time_wait *what, const struct tcp_segment *seg)
{
	return what->ts_ok && seg->opt.has_ts && (int32_t)(seg->opt.ts_val - what->ts_recent) < 0;
}

/* The peer's FIN again: it ends where the peer's numbers end. Its ACK may be older than our FIN's (both
 * closed at once), never newer. */
static bool is_fin_again(const struct tcp_time_wait *what, const struct tcp_segment *seg)
{
	return (seg->flags & (TCP_FIN | TCP_SYN | TCP_ACK)) == (TCP_FIN | TCP_ACK) &&
	       seq_eq(seq_add(seg->seq, tcp_seg_len(seg)), what->rcv_nxt) &&
	       seq_le(seg->ack, what->snd_nxt) && !is_old(what, seg);
}

static void start_over(struct tern_host *host, uint32_t index, const struct tern_tuple *tuple,
		       struct tcp_time_wait *what, const struct tcp_segment *seg, tern_time now)
{
	if (what->ts_ok && seg->opt.has_ts) {
		what->ts_recent = seg->opt.ts_val;
		time_wait_set_ts_recent(&host->time_wait, index, what->ts_recent);
	}
	acknowledge(host, tuple, what, now);
	/* No memory for it: then it ends 2MSL after its first start. The ACK has gone out all the same. */
	if (time_wait_restart(&host->time_wait, index, now) && env_is_watched(&host->env)) {
		const demux_ref ref = demux_find(&host->demux, tuple);

		tell_timer(host, demux_ref_index(ref), tuple, now);
	}
}

enum tern_verdict time_wait_arrive(struct tern_host *host, uint32_t index, const struct tern_tuple *tuple,
				   const struct tcp_segment *seg, uint8_t traffic_class, uint64_t mark,
				   tern_time now)
{
	const bool	     is_syn = (seg->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
	struct tcp_time_wait what;

	time_wait_get(&host->time_wait, index, &what);
	const uint32_t listener = is_syn ? taker(host, tuple, &what, seg) : LISTEN_NONE;

	if (listener != LISTEN_NONE) {
		struct tcb *made;

		host->env.stats.TWRecycled++;
		host->env.stats.TernVerdict[TERN_VERDICT_TIME_WAIT_REUSED]++;
		ends(host, index, TERN_WHY_TIME_WAIT_REUSED, now);
		return listen_arrive(host, listener, tuple, seg, &what.snd_nxt, traffic_class, mark, now,
				     &made);
	}
	if (!(seg->flags & TCP_RST) && is_fin_again(&what, seg))
		start_over(host, index, tuple, &what, seg, now);
	else if (!(seg->flags & TCP_RST) && tcp_seg_len(seg) > 0)
		acknowledge(host, tuple, &what, now);
	return host_verdict(host, tuple, TIME_WAIT, seg, TERN_VERDICT_TIME_WAIT, mark);
}
