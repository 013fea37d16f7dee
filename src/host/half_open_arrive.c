/* What happens to half-open entries: RFC 9293 3.10.7.4 for SYN-RECEIVED after a passive OPEN, and their
 * time-outs.
 *
 * Where this differs from the RFC's steps:
 * - A SYN in the window (fourth step) does not return the connection to LISTEN, which any blind SYN could
 *   do, but is challenged as in the synchronized states (RFC 5961 4): an honest peer that began anew
 *   answers with a reset, which does, and its next SYN is taken.
 * - A reset must hit RCV.NXT exactly (RFC 5961 3.2).
 * - An entry sends at most CHALLENGES answers to segments that it does not accept: it lives for seconds.
 * - The SYN-ACK is repeated config.syn_ack_retries times: whoever sent the SYN has proved nothing (MUST-23
 *   asks for three minutes of a peer that the program wants).
 *
 * While it asks, an entry has not answered: it stands for LISTEN, and its steps are apart. */
#include "host/half_open.h"

#include "host/cookie.h"
#include "host/internal.h"
#include "host/listen.h"
#include "tcp/ecn.h"

enum { CHALLENGES = 15 };

static struct half_open *entry(const struct tern_host *host, uint32_t index)
{
	return half_open_at(&host->half_opens, index);
}

static seq_t iss_of(const struct tern_host *host, const struct half_open *half)
{
	return half->asked ? ask_of(&host->listeners, half->u.ask)->iss : half->u.iss;
}

static void agreed_of(const struct tern_host *host, const struct half_open *half, struct tcp_agreement *agreed)
{
	*agreed = (struct tcp_agreement){
		.iss = iss_of(host, half),
		.irs = half->irs,
		.snd_wnd = half->wnd,
		.ts_recent = half->ts_recent,
		.ts_offset = half->ts_offset,
		.peer_mss = half->peer_mss,
		.our_mss = half->our_mss,
		.snd_wscale = half->snd_wscale,
		.rcv_wscale = half->rcv_wscale,
		.wscale_ok = half->wscale_ok,
		.ts_ok = half->ts_ok,
		.sack_ok = half->sack_ok,
		.ecn = half->ecn,
	};
}

/* ---- SYN-ACKs ---- */

static uint8_t traffic_class_of(const struct tern_host *host, const struct half_open *half)
{
	const struct listener *const listener = listener_at(&host->listeners, half->listener);
	const bool		     set = listener->options_set & 1u << TERN_TRAFFIC_CLASS;

	return set ? (uint8_t)(listener->option[TERN_TRAFFIC_CLASS] & 0xfc) : 0; /* the ECN bits are ours */
}

static void send_syn_ack(struct tern_host *host, const struct half_open *half, const struct tern_tuple *tuple,
			 bool again, tern_time now)
{
	struct tcp_agreement agreed;
	struct tcp_segment   syn_ack;

	agreed_of(host, half, &agreed);
	/* A path that drops SYN-ACKs with accurate ECN gets one without; the peer then goes without (RFC 9768
	 * 3.1.4.2), which its ACK tells. */
	if (agreed.ecn >= ECN_ACCURATE && half->repeated >= 2)
		agreed.ecn = ECN_NONE;
	emit_syn_ack(&host->env, &syn_ack, tuple, &agreed, now);
	reply_segment(host, tuple, SYN_RECEIVED, &syn_ack, traffic_class_of(host, half), again);
}

/* 1, 2, 4 s ... (RFC 6298 5.5), at most rto_max; the same for all of one queue. */
static tern_time patience(const struct tern_host *host, uint32_t repeated)
{
	const struct tern_config *const config = &host->env.config;
	tern_time			wait = config->rto_initial;

	for (uint32_t i = 0; i < min_u32(repeated, HALF_ASKING - 1) && wait < config->rto_max; i++)
		wait = wait > config->rto_max / 2 ? config->rto_max : 2 * wait;
	return wait;
}

static void wait_for_ack(struct tern_host *host, uint32_t index, const struct tern_tuple *tuple, tern_time now)
{
	const struct half_open *const half = entry(host, index);
	const tern_time		      deadline = now + patience(host, half->repeated);

	half_open_wait(&host->half_opens, index, min_u32(half->repeated, HALF_ASKING - 1), deadline);
	if (env_is_watched(&host->env))
		watch_timer(&host->env, tuple, SYN_RECEIVED, TERN_TIMER_SYN_ACK, TERN_TIMER_SET, half->deadline,
			    half->repeated, now);
}

/* ---- beginning ---- */

/* The change of state, the SYN-ACK and its timer. */
static void begin(struct tern_host *host, uint32_t index, const struct tern_tuple *tuple, tern_time now)
{
	if (env_is_watched(&host->env))
		watch_state(&host->env, tuple, LISTEN, SYN_RECEIVED, TERN_WHY_SYN_ARRIVED, now);
	send_syn_ack(host, entry(host, index), tuple, false, now);
	wait_for_ack(host, index, tuple, now);
}

void half_open_accepted(struct tern_host *host, uint32_t index, tern_time now)
{
	struct tern_tuple tuple;

	half_open_tuple(&host->half_opens, index, &tuple);
	entry(host, index)->asking = false;
	begin(host, index, &tuple, now);
}

static void fill(struct half_open *half, const struct tern_tuple *tuple, const struct tcp_agreement *agreed,
		 const struct tcp_segment *syn, uint32_t listener)
{
	half->local = tuple->local;
	half->remote = tuple->remote;
	half->zone = tuple->zone;
	half->local_port = tuple->local_port;
	half->remote_port = tuple->remote_port;
	half->listener = listener & ((1u << HALF_LISTENER_BITS) - 1);
	half->irs = agreed->irs;
	half->ts_recent = agreed->ts_recent;
	half->ts_offset = agreed->ts_offset;
	half->wnd = syn->wnd;
	half->peer_mss = agreed->peer_mss;
	half->our_mss = agreed->our_mss;
	half->snd_wscale = agreed->snd_wscale & 15u;
	half->rcv_wscale = agreed->rcv_wscale & 15u;
	half->wscale_ok = agreed->wscale_ok;
	half->ts_ok = agreed->ts_ok;
	half->sack_ok = agreed->sack_ok;
	half->ecn = agreed->ecn & 7u;
}

/* Larger than all that the last incarnation used (RFC 9293 3.6.1), and than what was in flight of it. */
static seq_t above(seq_t iss, const seq_t *floor)
{
	enum { BEYOND = 65537 };

	return floor == NULL || seq_gt(iss, *floor) ? iss : seq_add(*floor, BEYOND);
}

/* The entry asks: its record is made and the listener's program told. */
static bool begin_asking(struct tern_host *host, uint32_t index, seq_t iss, tern_time now)
{
	struct half_open *const half = entry(host, index);
	const uint32_t		ask = ask_get(&host->listeners, half->listener, index);

	if (ask == LISTEN_NONE)
		return false;
	ask_of(&host->listeners, ask)->iss = iss;
	half->u.ask = ask;
	half->asked = half->asking = true;
	half_open_wait(&host->half_opens, index, HALF_ASKING, now + host->env.config.accept_wait);
	return true;
}

enum tern_verdict half_open_make(struct tern_host *host, uint32_t listener, const struct tern_tuple *tuple,
				 const struct tcp_segment *syn, const seq_t *isn_floor, uint8_t traffic_class,
				 tern_time now)
{
	struct listener *const of = listener_at(&host->listeners, listener);
	const uint32_t	       index = half_open_get(&host->half_opens);
	struct tcp_agreement   agreed;

	if (index == HALF_OPEN_NONE)
		return TERN_VERDICT_NO_MEMORY;
	tcp_numbers(&host->env, tuple, &agreed.iss, &agreed.ts_offset, now);
	agreed.iss = above(agreed.iss, isn_floor);
	tcp_agree(&host->env, &agreed, syn, listener_mss(host, of, tuple), !addr_is_v4(&tuple->remote));
	agreed.ecn = ecn_agree(listener_ecn(host, of), syn, traffic_class);
	fill(entry(host, index), tuple, &agreed, syn, listener);
	entry(host, index)->u.iss = agreed.iss;
	if (demux_insert(&host->demux, tuple, demux_ref_of(DEMUX_HALF_OPEN, index)) != 0) {
		half_open_put(&host->half_opens, index);
		return TERN_VERDICT_NO_MEMORY;
	}
	of->n_half_open++;
	if (!of->ask) {
		begin(host, index, tuple, now);
		return TERN_VERDICT_NEW_CONNECTION;
	}
	if (begin_asking(host, index, agreed.iss, now))
		return TERN_VERDICT_WAITING;
	half_open_drop(host, index);
	return TERN_VERDICT_NO_MEMORY;
}

/* ---- ending ---- */

void half_open_drop(struct tern_host *host, uint32_t index)
{
	struct tern_tuple tuple;

	half_open_tuple(&host->half_opens, index, &tuple);
	(void)demux_remove(&host->demux, &tuple, demux_ref_of(DEMUX_HALF_OPEN, index));
	listener_at(&host->listeners, entry(host, index)->listener)->n_half_open--;
	half_open_put(&host->half_opens, index);
}

void half_open_end(struct tern_host *host, uint32_t index, enum tcp_state to, enum tern_why why,
		   tern_time now)
{
	const struct half_open *const half = entry(host, index);
	const bool		      asking = half->asking;
	struct tern_tuple	      tuple;

	half_open_tuple(&host->half_opens, index, &tuple);
	if (half->asked)
		ask_end(&host->listeners, half->u.ask, true);
	half_open_drop(host, index);
	if (asking)
		return;
	host->env.stats.AttemptFails++;
	if (env_is_watched(&host->env))
		watch_state(&host->env, &tuple, SYN_RECEIVED, to, why, now);
}

void half_open_reset(struct tern_host *host, uint32_t index)
{
	const struct half_open *const half = entry(host, index);
	struct tcp_segment	      reset = { .flags = TCP_RST | TCP_ACK, .ack = seq_add(half->irs, 1) };
	struct tern_tuple	      tuple;

	half_open_tuple(&host->half_opens, index, &tuple);
	if (!half->asking) /* while it asks nothing of ours is known to the peer: SEG.SEQ = 0 (3.10.7.1) */
		reset.seq = seq_add(iss_of(host, half), 1);
	reply_segment(host, &tuple, half->asking ? LISTEN : SYN_RECEIVED, &reset, 0, false);
}

bool half_open_icmp(struct tern_host *host, uint32_t index, uint32_t seq, bool hard, tern_time now)
{
	const struct half_open *const half = entry(host, index);

	if (half->asking || iss_of(host, half).v != seq || !hard)
		return false;
	half_open_end(host, index, CLOSED, TERN_WHY_ICMP, now);
	return true;
}

/* ---- time-outs ---- */

static void expire_one(struct tern_host *host, uint32_t index, tern_time now)
{
	struct half_open *const half = entry(host, index);
	struct tern_tuple	tuple;

	half_open_tuple(&host->half_opens, index, &tuple);
	if (half->asking) {
		host->env.stats.TernHalfOpenExpired++;
		half_open_end(host, index, CLOSED, TERN_WHY_HALF_OPEN_GIVEN_UP, now);
		return;
	}
	if (env_is_watched(&host->env))
		watch_timer(&host->env, &tuple, SYN_RECEIVED, TERN_TIMER_SYN_ACK, TERN_TIMER_FIRED, 0,
			    half->repeated, now);
	if (half->repeated >= host->env.config.syn_ack_retries) {
		host->env.stats.TernHalfOpenExpired++;
		half_open_end(host, index, CLOSED, TERN_WHY_HALF_OPEN_GIVEN_UP, now);
		return;
	}
	half->repeated++;
	host->env.stats.TCPTimeouts++;
	host->env.stats.RetransSegs++;
	if (env_is_watched(&host->env))
		watch_retransmit(&host->env, &tuple, SYN_RECEIVED, TERN_RETRANSMIT_TIMEOUT,
				 iss_of(host, half), 1, half->repeated, patience(host, half->repeated), now);
	send_syn_ack(host, half, &tuple, true, now);
	wait_for_ack(host, index, &tuple, now);
}

tern_time half_open_until(const struct tern_host *host, uint32_t index)
{
	const struct half_open *const half = entry(host, index);
	tern_time		      until = half->deadline;

	if (half->asking)
		return until;
	for (uint32_t i = half->repeated; i < host->env.config.syn_ack_retries; i++)
		until += patience(host, i + 1);
	return until;
}

void half_open_expire(struct tern_host *host, tern_time now)
{
	/* Each turn ends an entry or sets its deadline after now. */
	for (uint32_t due; (due = half_open_due(&host->half_opens, now)) != HALF_OPEN_NONE;)
		expire_one(host, due, now);
}

/* ---- SEGMENT ARRIVES ---- */

/* Once more <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, within limits. */
static void challenge(struct tern_host *host, struct half_open *half, const struct tern_tuple *tuple,
		      tern_time now)
{
	const uint32_t		  wnd = min_u32(host->env.config.receive_buffer, 65535) >> half->rcv_wscale;
	const struct tcp_ack_only ack = { .seq = seq_add(iss_of(host, half), 1),
					  .ack = seq_add(half->irs, 1),
					  .ts_recent = half->ts_recent,
					  .ts_offset = half->ts_offset,
					  .wnd = (uint16_t)wnd,
					  .ts_ok = half->ts_ok };
	struct tcp_segment	  seg;

	if (half->challenges == CHALLENGES) {
		host->env.stats.TCPACKSkippedChallenge++;
		return;
	}
	half->challenges++;
	emit_ack_only(&seg, tuple, &ack, now);
	reply_segment(host, tuple, SYN_RECEIVED, &seg, 0, false);
}

/* RFC 9293 3.10.7.4, first step: some octet of it, or its place where it has none, lies in the window that
 * the SYN-ACK offered. */
static bool is_acceptable(const struct tern_host *host, const struct half_open *half,
			  const struct tcp_segment *seg)
{
	const uint32_t wnd = min_u32(host->env.config.receive_buffer, 65535);
	const uint32_t from = seq_sub(seg->seq, seq_add(half->irs, 1)), len = tcp_seg_len(seg);

	return from < wnd || (len > 0 && from + len - 1 < wnd);
}

/* The SYN again: the SYN-ACK was lost or is late (RFC 9293 3.8.1 by the peer's clock, not ours). */
static enum tern_verdict repeat_syn_ack(struct tern_host *host, uint32_t index,
					const struct tern_tuple *tuple, const struct tcp_segment *syn,
					tern_time now)
{
	struct half_open *const half = entry(host, index);

	if (half->ts_ok && syn->opt.has_ts && (int32_t)(syn->opt.ts_val - half->ts_recent) > 0)
		half->ts_recent = syn->opt.ts_val;
	if (env_is_watched(&host->env))
		watch_retransmit(&host->env, tuple, SYN_RECEIVED, TERN_RETRANSMIT_DUPLICATE_SYN,
				 iss_of(host, half), 1, half->repeated, 0, now);
	host->env.stats.RetransSegs++;
	send_syn_ack(host, half, tuple, true, now);
	return TERN_VERDICT_DUPLICATE_SYN;
}

/* A SYN cookie may come back, because the peer's SYN came twice and found no entry free the first time. The
 * peer may answer either, and a reset for the wrong one would end an honest connection. */
static bool cookies_are_out(const struct tern_host *host, const struct half_open *half, tern_time now)
{
	return now < listener_at(&host->listeners, half->listener)->cookies_until;
}

/* What the ACK proves: the entry's SYN-ACK, or a cookie. */
static bool is_proved(const struct tern_host *host, const struct half_open *half,
		      const struct tern_tuple *tuple, const struct tcp_segment *seg,
		      struct tcp_agreement *agreed, tern_time now)
{
	if (seq_eq(seg->ack, seq_add(iss_of(host, half), 1))) {
		agreed_of(host, half, agreed);
		return true;
	}
	return cookies_are_out(host, half, now) &&
	       cookie_prove(&host->env, agreed, tuple, seg, half->our_mss, now) &&
	       !listener_is_spent(host, tuple, agreed);
}

/* The handshake is complete but for our resources: a block for it, if there is room. */
static enum tern_verdict complete(struct tern_host *host, uint32_t index, const struct tern_tuple *tuple,
				  const struct tcp_agreement *agreed, tern_time now, struct tcb **made)
{
	const uint32_t listener = entry(host, index)->listener;

	if (accept_is_full(listener_at(&host->listeners, listener))) {
		host->env.stats.ListenOverflows++;
		host->env.stats.ListenDrops++;
		return TERN_VERDICT_BACKLOG_FULL; /* the SYN-ACK repeats, and with it the peer's ACK */
	}
	*made = accept_make(host, listener, tuple, agreed, index, now);
	if (*made == NULL) {
		host->env.stats.ListenDrops++;
		return TERN_VERDICT_NO_MEMORY;
	}
	return TERN_VERDICT_ACCEPTED;
}

/* RFC 9293 3.10.7.4, SYN-RECEIVED, in the RFC's order. */
static enum tern_verdict steps(struct tern_host *host, uint32_t index, const struct tern_tuple *tuple,
			       const struct tcp_segment *seg, tern_time now, struct tcb **made)
{
	struct half_open *const half = entry(host, index);
	struct tcp_agreement	agreed;
	const bool rst = seg->flags & TCP_RST, syn = seg->flags & TCP_SYN, ack = seg->flags & TCP_ACK;

	if (syn && !ack && !rst && seq_eq(seg->seq, half->irs))
		return repeat_syn_ack(host, index, tuple, seg, now);
	/* RFC 7323 5.3 R1, before the first step; a missing option is a reason to drop (3.2). */
	if (half->ts_ok && !rst && !syn && !seg->opt.has_ts)
		return TERN_VERDICT_NO_TIMESTAMP;
	if (half->ts_ok && !rst && seg->opt.has_ts && (int32_t)(seg->opt.ts_val - half->ts_recent) < 0) {
		host->env.stats.PAWSEstab++;
		challenge(host, half, tuple, now);
		return TERN_VERDICT_PAWS;
	}
	/* First. */
	if (!is_acceptable(host, half, seg)) {
		if (rst)
			return TERN_VERDICT_STRAY_RESET;
		challenge(host, half, tuple, now);
		return TERN_VERDICT_OUT_OF_WINDOW;
	}
	/* Second. */
	if (rst && seq_eq(seg->seq, seq_add(half->irs, 1))) {
		half_open_end(host, index, LISTEN, TERN_WHY_RST_ARRIVED, now);
		return TERN_VERDICT_RESET;
	}
	if (rst) {
		host->env.stats.TCPChallengeACK++;
		challenge(host, half, tuple, now);
		return TERN_VERDICT_BLIND_RESET;
	}
	/* Fourth. */
	if (syn) {
		host->env.stats.TCPSYNChallenge++;
		challenge(host, half, tuple, now);
		return TERN_VERDICT_BLIND_SYN;
	}
	/* Fifth. */
	if (!ack)
		return TERN_VERDICT_NO_ACK;
	if (is_proved(host, half, tuple, seg, &agreed, now))
		return complete(host, index, tuple, &agreed, now, made);
	if (cookies_are_out(host, half, now) && cookie_may_be(&host->env, tuple, seg, now))
		return TERN_VERDICT_COOKIE_BAD; /* as in LISTEN */
	reply_reset(host, tuple, SYN_RECEIVED, seg);
	return TERN_VERDICT_BAD_ACK;
}

/* LISTEN, as it were: the peer has been told nothing. A SYN with another number is a new attempt of its
 * own. */
static enum tern_verdict steps_asking(struct tern_host *host, uint32_t index, const struct tern_tuple *tuple,
				      const struct tcp_segment *seg, tern_time now)
{
	const struct half_open *const half = entry(host, index);

	if (seg->flags & TCP_RST) {
		if (!seq_eq(seg->seq, half->irs) && !seq_eq(seg->seq, seq_add(half->irs, 1)))
			return TERN_VERDICT_STRAY_RESET;
		half_open_end(host, index, CLOSED, TERN_WHY_RST_ARRIVED, now);
		return TERN_VERDICT_RESET;
	}
	if (seg->flags & TCP_ACK) {
		reply_reset(host, tuple, LISTEN, seg);
		return TERN_VERDICT_BAD_ACK;
	}
	return seg->flags & TCP_SYN ? TERN_VERDICT_WAITING : TERN_VERDICT_NO_SYN;
}

enum tern_verdict half_open_arrive(struct tern_host *host, uint32_t index, const struct tern_tuple *tuple,
				   const struct tcp_segment *seg, uint8_t traffic_class, uint64_t mark,
				   tern_time now, struct tcb **made)
{
	const struct half_open *const half = entry(host, index);
	const bool		      asking = half->asking;
	const uint32_t		      listener = half->listener;

	*made = NULL;
	if (asking && (seg->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN &&
	    !seq_eq(seg->seq, half->irs)) {
		half_open_end(host, index, CLOSED, TERN_WHY_RST_ARRIVED, now);
		return listen_arrive(host, listener, tuple, seg, NULL, traffic_class, mark, now, made);
	}
	const enum tern_verdict verdict = asking ? steps_asking(host, index, tuple, seg, now)
						 : steps(host, index, tuple, seg, now, made);

	if (*made != NULL)
		return tcp_arrive(*made, seg, traffic_class, mark, now);
	return host_verdict(host, tuple, asking ? LISTEN : SYN_RECEIVED, seg, verdict, mark);
}
