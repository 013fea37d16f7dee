/* A connection as one record (DESIGN 5.13). One list of fields serves both ways: a codec that writes or
 * reads, so that what is written and what is read cannot drift apart.
 *
 * Version 3, little-endian: "TERN", version; hot; cold; the controller's name; path; warm where there is
 * one; what the controller knows; the text not yet acknowledged; the text not yet read, and what lies out
 * of order. Times stand relative to the moment of packing, the timestamp clock as it was, so that a record
 * may wake on another machine, later.
 * What is not packed: places in the host's lists, the handle, the timing wheel.
 */
#include "base/bytes.h"
#include "tcp/call.h"
#include "tcp/codec.h"
#include "tcp/pace.h"
#include "tcp/path.h"
#include "tcp/tcp.h"
#include "tcp/timers.h"
#include "tcp/warm.h"
#include "wire/tuple.h"

enum { PACK_VERSION = 3, FLIGHT_RECORD_BYTES = 48, LEAST_MTU = 68 };

static void head(struct codec *codec)
{
	uint8_t magic[4] = { 'T', 'E', 'R', 'N' };
	uint32_t version = PACK_VERSION;

	codec_bytes(codec, magic, 4);
	codec_u32(codec, &version);
	codec->bad |= memcmp(magic, "TERN", 4) != 0 || version != PACK_VERSION;
}

static uint32_t flags_of(const struct tcb *tcb)
{
	const bool flags[] = {
		tcb->passive, tcb->ts_ok, tcb->sack_ok, tcb->wscale_ok, tcb->ecn_ok, tcb->fin_queued, tcb->fin_sent,
		tcb->fin_received, tcb->receive_shut, tcb->nodelay, tcb->cork, tcb->quickack, tcb->keepalive,
		tcb->keepalive_garbage, tcb->advice_off, tcb->write_blocked, tcb->more, tcb->urgent_received,
		tcb->window_fixed, tcb->zero_window_told, tcb->quick, tcb->ack_pending, tcb->was_idle,
		tcb->sack_counting, tcb->ecn_echo,
	};
	uint32_t all = 0;

	for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++)
		all |= (uint32_t)flags[i] << i;
	return all;
}

static void set_flags(struct tcb *tcb, uint32_t all)
{
	tcb->passive = all & 1u << 0;
	tcb->ts_ok = all & 1u << 1;
	tcb->sack_ok = all & 1u << 2;
	tcb->wscale_ok = all & 1u << 3;
	tcb->ecn_ok = all & 1u << 4;
	tcb->fin_queued = all & 1u << 5;
	tcb->fin_sent = all & 1u << 6;
	tcb->fin_received = all & 1u << 7;
	tcb->receive_shut = all & 1u << 8;
	tcb->nodelay = all & 1u << 9;
	tcb->cork = all & 1u << 10;
	tcb->quickack = all & 1u << 11;
	tcb->keepalive = all & 1u << 12;
	tcb->keepalive_garbage = all & 1u << 13;
	tcb->advice_off = all & 1u << 14;
	tcb->write_blocked = all & 1u << 15;
	tcb->more = all & 1u << 16;
	tcb->urgent_received = all & 1u << 17;
	tcb->window_fixed = all & 1u << 18;
	tcb->zero_window_told = all & 1u << 19;
	tcb->quick = all & 1u << 20;
	tcb->ack_pending = all & 1u << 21;
	tcb->was_idle = all & 1u << 22;
	tcb->sack_counting = all & 1u << 23;
	tcb->ecn_echo = all & 1u << 24;
}

/* What a connection may be called. */
static bool tuple_fits(const struct tern_tuple *tuple)
{
	return addr_is_v4(&tuple->local) == addr_is_v4(&tuple->remote) && addr_is_unicast(&tuple->local) &&
	       addr_is_unicast(&tuple->remote) && tuple->local_port != 0 && tuple->remote_port != 0;
}

static void hot(struct codec *codec, struct tcb *tcb)
{
	uint32_t flags = flags_of(tcb), clock = tcp_ts_clock(codec->now) + tcb->ts.offset;
	struct tern_tuple tuple;

	tcb_get_tuple(tcb, &tuple);
	codec_bytes(codec, tuple.local.b, 16);
	codec_bytes(codec, tuple.remote.b, 16);
	codec_u32(codec, &tuple.zone);
	codec_u16(codec, &tuple.local_port);
	codec_u16(codec, &tuple.remote_port);
	codec->bad |= !tuple_fits(&tuple);
	if (!codec->writes)
		tcb_set_tuple(tcb, &tuple);
	codec_u8(codec, &tcb->state);
	codec_u32(codec, &flags);
	if (!codec->writes)
		set_flags(tcb, flags);
	codec_seq(codec, &tcb->snd.una);
	codec_seq(codec, &tcb->snd.nxt);
	codec_seq(codec, &tcb->snd.wl1);
	codec_seq(codec, &tcb->snd.wl2);
	codec_seq(codec, &tcb->snd.iss);
	codec_u32(codec, &tcb->snd.wnd);
	codec_u32(codec, &tcb->snd.max_wnd);
	codec_seq(codec, &tcb->rcv.nxt);
	codec_seq(codec, &tcb->rcv.irs);
	codec_seq(codec, &tcb->rcv.wnd_edge);
	codec_seq(codec, &tcb->rcv.read);
	codec_seq(codec, &tcb->rcv.acked);
	codec_u16(codec, &tcb->rcv.mss);
	codec_u8(codec, &tcb->rcv.wscale);
	codec_u8(codec, &tcb->rcv.traffic_class);
	codec_u32(codec, &tcb->ts.recent);
	codec_u32(codec, &clock);
	tcb->ts.offset = clock - tcp_ts_clock(codec->now);
	codec_u16(codec, &tcb->mss);
	codec_u16(codec, &tcb->ready);
	codec_u8(codec, &tcb->due);
	codec_u8(codec, &tcb->snd_wscale);
	codec_u8(codec, &tcb->challenge);
	codec_moment(codec, &tcb->delayed_ack_at);
	codec->bad |= tcb->snd_wscale > TCP_WSCALE_MAX || tcb->rcv.wscale > TCP_WSCALE_MAX;
}

/* One number or the other; who wakes is no orphan, or becomes one anew. */
static void orphan_or_busy(struct codec *codec, struct tcb *tcb)
{
	struct tcb_cold *const cold = tcb_cold(tcb);
	uint32_t orphan_ms = tcb_is_orphan(tcb) ? cold->orphan_ms : 0, busy_us = tcb_is_orphan(tcb) ? 0 : cold->busy_us;

	codec_moment_ms(codec, &orphan_ms, true);
	codec_u32(codec, &busy_us);
	if (!codec->writes && tcb_is_orphan(tcb))
		cold->orphan_ms = orphan_ms;
	else if (!codec->writes)
		cold->busy_us = busy_us;
}

static void cold(struct codec *codec, struct tcb *tcb)
{
	struct tcb_cold *const cold = tcb_cold(tcb);
	uint8_t linger = (uint8_t)cold->linger, ecn = cold->ecn;

	codec_u64(codec, &cold->cookie);
	codec_u32(codec, &cold->srtt8);
	codec_u32(codec, &cold->rttvar4);
	codec_u32(codec, &cold->receive_buffer);
	codec_u32(codec, &cold->send_buffer);
	codec_moment_ms(codec, &cold->heard_ms, false);
	orphan_or_busy(codec, tcb);
	codec_u32(codec, &cold->user_timeout_ms);
	codec_u32(codec, &cold->rcv_up);
	codec_u32(codec, &cold->retransmits);
	codec_u32(codec, &cold->segments_in);
	codec_u32(codec, &cold->segments_out);
	codec_u16(codec, &cold->sent_wraps);
	codec_u16(codec, &cold->received_wraps);
	codec_u16(codec, &cold->r2_s);
	codec_u16(codec, &cold->peer_mss);
	codec_u16(codec, &cold->keepalive_idle_s);
	codec_u16(codec, &cold->keepalive_interval_s);
	codec_u8(codec, &cold->keepalive_probes);
	codec_u8(codec, &cold->keepalive_sent);
	codec_u8(codec, &cold->traffic_class);
	codec_u8(codec, &cold->ttl);
	codec_u8(codec, &cold->error);
	codec_u8(codec, &cold->soft_error);
	codec_u8(codec, &ecn);
	cold->ecn = ecn & 3u;
	codec_u8(codec, &linger);
	cold->linger = (int8_t)linger;
}

/* Its number is another host's business. One that is not known here gives way to this host's own. */
static void controller_name(struct codec *codec, struct tcb *tcb)
{
	const struct tern_config *const config = &tcb_env(tcb)->config;
	struct tcb_cold *const cold = tcb_cold(tcb);
	const char *const own = cc_at(config, cold->congestion_control)->name;
	char name[CC_NAME_MOST + 1] = { 0 };
	int number;

	for (unsigned i = 0; codec->writes && i < CC_NAME_MOST && own[i]; i++)
		name[i] = own[i];
	codec_bytes(codec, name, sizeof name - 1);
	if (codec->writes || codec->bad)
		return;
	number = cc_by_name(config, name);
	cold->congestion_control = (number >= 0 ? (unsigned)number : tcb_env(tcb)->congestion_control) & 63u;
}

static void ecn(struct codec *codec, struct tcb_ecn *ecn)
{
	uint8_t flags = (uint8_t)(ecn->agreed | ecn->accurate << 1 | ecn->distrust << 2 | ecn->heard << 3 |
				  ecn->optional << 4);

	codec_u32(codec, &ecn->r_cep);
	codec_u32(codec, &ecn->r_e0b);
	codec_u32(codec, &ecn->r_ceb);
	codec_u32(codec, &ecn->r_e1b);
	codec_u32(codec, &ecn->s_cep);
	codec_u32(codec, &ecn->s_ceb);
	codec_u32(codec, &ecn->delivered_ce);
	codec_u8(codec, &ecn->handshake);
	codec_u8(codec, &ecn->pending);
	codec_u8(codec, &flags);
	ecn->agreed = flags & 1;
	ecn->accurate = flags & 2;
	ecn->distrust = flags & 4;
	ecn->heard = flags & 8;
	ecn->optional = flags & 16;
}

static void undo(struct codec *codec, struct undo *undo)
{
	codec_u32(codec, &undo->cwnd);
	codec_u32(codec, &undo->ssthresh);
	codec_u32(codec, &undo->resent);
	codec_u32(codec, &undo->needless);
	codec_u32(codec, &undo->first_resent_ts);
	codec_seq(codec, &undo->resent_end);
	codec_seq(codec, &undo->from);
	codec_flag(codec, &undo->possible);
	codec_flag(codec, &undo->timed_out);
	codec_u8(codec, &undo->frto);
	codec->bad |= undo->frto > FRTO_NEW_SENT || undo->needless > undo->resent;
}

static void spent(struct codec *codec, tern_time spent[CHRONO_KINDS])
{
	for (unsigned i = 0; i < CHRONO_KINDS; i++)
		codec_span(codec, &spent[i]);
}

static void path_recovery(struct codec *codec, struct tcb_path *path)
{
	codec_span(codec, &path->min_rtt);
	codec_past(codec, &path->min_rtt_at);
	codec_u64(codec, &path->delivery_rate);
	codec_flag(codec, &path->rate_app_limited);
	codec_u64(codec, &path->bytes_retransmitted);
	spent(codec, path->spent);
	codec_u32(codec, &path->backed_off_us);
	undo(codec, &path->undo);
	codec->bad |= path->undo.frto != FRTO_OFF;
	codec_u32(codec, &path->spurious);
	codec_u8(codec, &path->reo_wnd_mult);
	codec_u8(codec, &path->reo_wnd_persist);
	codec_flag(codec, &path->reordering_seen);
}

static void path_plpmtud(struct codec *codec, struct plpmtud *p)
{
	uint8_t waits = p->waits;

	codec_u16(codec, &p->low);
	codec_u16(codec, &p->high);
	codec_u16(codec, &p->most);
	codec_u16(codec, &p->probe);
	codec_seq(codec, &p->probe_seq);
	codec_u8(codec, &p->lost);
	codec_u8(codec, &waits);
	p->waits = waits;
	codec_moment(codec, &p->again_at);
	codec->bad |= p->low > p->high || p->high > p->most || p->probe > p->most;
	codec->bad |= p->low != 0 && p->low < LEAST_MTU;
}

static void path(struct codec *codec, struct tcb *tcb)
{
	uint8_t has_path = tcb->has_path;

	codec_u8(codec, &has_path);
	if (!codec->writes && has_path)
		path_attach(tcb); /* for want of memory it is forgotten */
	struct tcb_path forgotten = { 0 };
	struct tcb_path *const path = tcb->has_path ? path_of(tcb) : &forgotten;
	uint8_t pacing = (uint8_t)path->pacing;

	codec_u32(codec, path_cwnd(tcb));
	codec_u32(codec, path_ssthresh(tcb));
	if (!has_path)
		return;
	codec_u64(codec, &path->pacing_rate);
	codec_u32(codec, &path->quantum);
	codec_u16(codec, &path->mss);
	path_recovery(codec, path);
	path_plpmtud(codec, &path->plpmtud);
	codec_u8(codec, &pacing);
	codec_u64(codec, &path->max_pacing_rate);
	codec_moment(codec, &path->tune.at);
	codec_seq(codec, &path->tune.from);
	codec_u32(codec, &path->tune.most);
	path->pacing = (int8_t)pacing;
	codec->bad |= path->pacing < -1 || path->pacing > 1;
	ecn(codec, &path->ecn);
}

/* What the controller knows. Read by another controller, or without memory for it: let go. */
static void controller_state(struct codec *codec, struct tcb *tcb)
{
	struct tcb_path *const path = path_of(tcb);
	uint64_t state[TERN_CC_STATE_WORDS] = { 0 }, *from = path ? path->state : NULL;
	struct tern_cc cc = { .ops = cc_at(&tcb_env(tcb)->config, tcb_cold(tcb)->congestion_control) };
	uint16_t n = tcb->warm || from ? cc.ops->state_words : 0;

	if (tcb->warm) {
		cc = tcb->warm->cc;
		from = cc.state;
	}
	cc.state = state;
	if (codec->writes && n > 0) {
		memcpy(state, from, n * sizeof *state);
		cc_shift(&cc, -codec->now);
	}
	codec_u16(codec, &n);
	codec->bad |= n > TERN_CC_STATE_WORDS;
	for (uint16_t i = 0; i < n && !codec->bad; i++)
		codec_u64(codec, &state[i]);
	if (codec->writes || codec->bad || n == 0 || n != cc.ops->state_words)
		return;
	if (!tcb->warm)
		from = path_new_state(tcb, n);
	if (!from)
		return;
	cc_shift(&cc, codec->now);
	memcpy(from, state, n * sizeof *state);
}

/* A place in the flight's list by time, as a number in sequence. */
static void listed(struct codec *codec, const struct flight *flight, uint32_t *place)
{
	uint32_t number = codec->writes ? flight_number(flight, *place) : 0;

	codec_u32(codec, &number);
	if (!codec->writes)
		*place = number; /* until flight_rebuild() */
}

static void flight_record(struct codec *codec, const struct flight *flight, struct flight_record *record)
{
	codec_past(codec, &record->sent_at);
	codec_past(codec, &record->delivered_at);
	codec_past(codec, &record->first_sent_at);
	codec_u32(codec, &record->delivered);
	codec_u32(codec, &record->lost);
	codec_u32(codec, &record->in_flight);
	codec_seq(codec, &record->seq);
	listed(codec, flight, &record->younger);
	codec_u16(codec, &record->len);
	codec_u8(codec, &record->flags);
	codec_u8(codec, &record->times);
}

static void flight(struct codec *codec, struct flight *flight, struct mem *mem)
{
	uint32_t n = flight->n;

	codec_u32(codec, &n);
	/* No more records than what is left can hold. One more: a SYN that waits needs its place. */
	if (!codec->writes)
		codec->bad |= n > (codec->room - codec->n) / FLIGHT_RECORD_BYTES || !flight_reserve(flight, mem, n + 1);
	if (codec->bad)
		return;
	flight->n = n;
	codec_u32(codec, &flight->in_flight);
	codec_u32(codec, &flight->sacked);
	codec_u32(codec, &flight->n_sacked);
	codec_u32(codec, &flight->n_lost);
	codec_u32(codec, &flight->lost_octets);
	codec_seq(codec, &flight->highest_sacked);
	codec_seq(codec, &flight->settled);
	if (n > 0)
		listed(codec, flight, &flight->oldest);
	for (uint32_t i = 0; i < n; i++)
		flight_record(codec, flight, flight_at(flight, i));
	if (!codec->writes)
		codec->bad |= !flight_rebuild(flight);
}

static void rate(struct codec *codec, struct rate *rate)
{
	codec_u64(codec, &rate->delivered);
	codec_u64(codec, &rate->lost);
	codec_u64(codec, &rate->round_end);
	codec_u64(codec, &rate->app_limited);
	codec_past(codec, &rate->delivered_at);
	codec_past(codec, &rate->first_sent_at);
}

static void ranges(struct codec *codec, struct reassembly *ooo, struct mem *mem)
{
	uint16_t n = ooo->n;
	uint8_t fin_seen = ooo->fin_seen;

	codec_u8(codec, &fin_seen);
	ooo->fin_seen = fin_seen;
	codec_seq(codec, &ooo->fin);
	codec_u16(codec, &n);
	codec->bad |= n > REASSEMBLY_RANGES_MAX;
	for (uint16_t i = 0; i < n && !codec->bad; i++) {
		struct reassembly_range range = { { 0 }, { 0 } };

		if (codec->writes)
			range = ooo->ranges[i];
		codec_seq(codec, &range.left);
		codec_seq(codec, &range.right);
		if (!codec->writes)
			codec->bad |= !seq_lt(range.left, range.right) ||
				      (i > 0 && !seq_lt(ooo->ranges[i - 1].right, range.left)) ||
				      !reassembly_add(ooo, mem, range.left, range.right);
	}
	codec_u8(codec, &ooo->n_recent);
	codec->bad |= ooo->n_recent > REASSEMBLY_RECENT;
	for (unsigned i = 0; i < REASSEMBLY_RECENT; i++)
		codec_seq(codec, &ooo->recent[i]);
}

static void rack(struct codec *codec, struct rack *rack)
{
	codec_past(codec, &rack->sent_at);
	codec_span(codec, &rack->rtt);
	codec_span(codec, &rack->min_rtt);
	codec_past(codec, &rack->min_rtt_at);
	codec_seq(codec, &rack->end);
	codec_seq(codec, &rack->dsack_round);
	codec_flag(codec, &rack->in_dsack_round);
	codec_flag(codec, &rack->reordering_seen);
	codec_u8(codec, &rack->reo_wnd_mult);
	codec_u8(codec, &rack->reo_wnd_persist);
}

static void recovery(struct codec *codec, struct tcb_warm *warm)
{
	struct tlp *const tlp = &warm->tlp;

	rack(codec, &warm->rack);
	undo(codec, &warm->undo);
	codec_seq(codec, &tlp->end);
	codec_u32(codec, &tlp->ts);
	codec_flag(codec, &tlp->out);
	codec_flag(codec, &tlp->is_retrans);
	codec_flag(codec, &tlp->due);
	codec_flag(codec, &tlp->unsampled);
	codec_u32(codec, &warm->prr.recover_fs);
	codec_u32(codec, &warm->prr.delivered);
	codec_u32(codec, &warm->prr.out);
	codec_u64(codec, &warm->delivery_rate);
	codec_u64(codec, &warm->bytes_retransmitted);
	spent(codec, warm->chrono.spent);
	codec_past(codec, &warm->chrono.since);
	codec_u8(codec, &warm->chrono.kind);
	codec->bad |= warm->chrono.kind > CHRONO_NONE;
}

static void warm(struct codec *codec, struct tcb_warm *warm, struct mem *mem)
{
	uint8_t flags = (uint8_t)(warm->urgent | warm->r1_told << 1 | warm->override_now << 2 |
				  warm->partial_seen << 3 | warm->retransmit_now << 4 | warm->cwnd_limited << 5 |
				  warm->recut << 6);
	uint8_t bits = (uint8_t)(warm->ecn_cwr | warm->rate_app_limited << 1 | warm->backed_off << 2);

	flight(codec, &warm->flight, mem);
	rate(codec, &warm->rate);
	recovery(codec, warm);
	ranges(codec, &warm->ooo, mem);
	codec_u32(codec, &warm->cc.cwnd);
	codec_u32(codec, &warm->cc.ssthresh);
	codec_u32(codec, &warm->cc.mss);
	codec_u64(codec, &warm->cc.pacing_rate);
	codec_u32(codec, &warm->cc.quantum);
	codec_moment(codec, &warm->retransmit_at);
	codec_moment(codec, &warm->reordering_at);
	codec_moment(codec, &warm->probe_at);
	codec_moment(codec, &warm->persist_at);
	codec_moment(codec, &warm->override_at);
	codec_moment(codec, &warm->pace_at);
	codec_moment(codec, &warm->pace_from);
	codec_u32(codec, &warm->pace_free);
	pace_bound(warm, codec->now);
	codec_moment(codec, &warm->progress_at);
	codec_past(codec, &warm->last_sent_at);
	codec_u32(codec, &warm->rto_us);
	codec_seq(codec, &warm->recover);
	codec_seq(codec, &warm->usage_end);
	codec_u32(codec, &warm->max_in_flight);
	codec_u32(codec, &warm->spurious);
	codec_seq(codec, &warm->edge);
	codec_seq(codec, &warm->push_end);
	codec_seq(codec, &warm->up);
	codec_u32(codec, &warm->dsack.left);
	codec_u32(codec, &warm->dsack.right);
	codec_u8(codec, &warm->recovery);
	codec_u8(codec, &warm->backoff);
	codec_u8(codec, &warm->probes);
	codec_u32(codec, &warm->dup_acks);
	codec_u8(codec, &flags);
	codec_u16(codec, &warm->mtu);
	codec_u16(codec, &warm->max_segment);
	warm->urgent = flags & 1;
	warm->r1_told = flags & 2;
	warm->override_now = flags & 4;
	warm->partial_seen = flags & 8;
	warm->retransmit_now = flags & 16;
	warm->cwnd_limited = flags & 32;
	warm->recut = flags & 64;
	codec_u8(codec, &bits);
	warm->ecn_cwr = bits & 1;
	warm->rate_app_limited = bits & 2;
	warm->backed_off = bits & 4;
	codec->bad |= warm->recovery > TERN_RECOVERY_LOSS || warm->cc.mss == 0 || warm->cc.cwnd == 0;
}

/* ---- text ---- */

/* What the send store holds, from SND.UNA on. */
static void text_out(struct codec *codec, struct tcb *tcb)
{
	struct slices_pool *const pool = &tcb_env(tcb)->slices;
	uint8_t present = tcb->warm->text != NULL;
	uint32_t base = present ? slices_base(tcb->warm->text) : 0;
	uint32_t n = present ? slices_end(tcb->warm->text) - base : 0;

	codec_u8(codec, &present);
	codec_u32(codec, &base);
	codec_u32(codec, &n);
	if (!present || codec->bad)
		return;
	if (codec->writes) {
		if (codec->n <= codec->room && codec->room - codec->n >= n)
			slices_read(tcb->warm->text, base, codec->at + codec->n, n);
		codec->n += n;
		return;
	}
	tcb->warm->text = codec->room - codec->n >= n ? slices_new(pool, base) : NULL;
	codec->bad |= !tcb->warm->text || slices_copy(pool, tcb->warm->text, codec->at + codec->n, n) < n;
	codec->n += n;
}

/* [from, to) of the receive store. */
static void stored(struct codec *codec, struct tcb *tcb, seq_t from, seq_t to)
{
	struct pages_pool *const pool = &tcb_env(tcb)->pages;

	if (codec->writes) {
		while (seq_lt(from, to)) {
			const uint8_t *at;
			const size_t n = pages_peek(tcb->store, rcv_offset(tcb, from), seq_sub(to, from), &at);

			codec_bytes(codec, (void *)(uintptr_t)at, n);
			from = seq_add(from, (uint32_t)n);
		}
		return;
	}
	const uint32_t n = seq_sub(to, from);

	if (codec->bad || codec->room - codec->n < n) {
		codec->bad = true;
		return;
	}
	codec->bad |= pages_write(pool, tcb->store, rcv_offset(tcb, from), codec->at + codec->n, n, MEM_ORDINARY) < n;
	codec->n += n;
}

static void text_in(struct codec *codec, struct tcb *tcb)
{
	const struct reassembly *const ooo = tcb->warm ? &tcb->warm->ooo : NULL;
	const uint32_t unread = tcb_unread(tcb);

	if (codec->bad || (unread == 0 && (!ooo || ooo->n == 0)))
		return;
	if (!codec->writes) {
		const uint32_t reach = seq_sub(tcb->rcv.wnd_edge, tcb->rcv.read);

		if (reach < 1u << 30)
			tcb->store = pages_new(&tcb_env(tcb)->pages, rcv_offset(tcb, tcb->rcv.read), MEM_ORDINARY);
		codec->bad |= !tcb->store || (ooo && !reassembly_is_sound(ooo, tcb->rcv.nxt, tcb->rcv.wnd_edge));
		if (codec->bad)
			return;
	}
	stored(codec, tcb, tcb->rcv.read, seq_add(tcb->rcv.read, unread));
	for (uint16_t i = 0; ooo && i < ooo->n; i++)
		stored(codec, tcb, ooo->ranges[i].left, ooo->ranges[i].right);
}

/* What waits for its turn is what such a state has to send, and the MSS it has to be cut to is one. */
static bool can_be_sent(const struct tcb *tcb)
{
	const bool handshake = tcb->state == SYN_SENT || tcb->state == SYN_RECEIVED;

	if (tcb->state == CLOSED)
		return (tcb->due & ~DUE_RESET) == 0;
	if (tcb->due & DUE_RESET || (tcb->due & DUE_SYN && !handshake) || (tcb->due & DUE_PROBE && !tcb->warm))
		return false;
	if (tcb->state == SYN_SENT)
		return true;
	return tcb->mss > 0 && tcb_cold(tcb)->peer_mss > 0 && (*path_cwnd(tcb) == 0 || *path_cwnd(tcb) >= tcb->mss);
}

static void connection(struct codec *codec, struct tcb *tcb)
{
	uint8_t has_warm = tcb->warm != NULL;

	head(codec);
	hot(codec, tcb);
	cold(codec, tcb);
	controller_name(codec, tcb);
	path(codec, tcb);
	codec_u8(codec, &has_warm);
	if (codec->bad)
		return;
	if (has_warm && !tcb_warm_up(tcb, codec->now)) {
		codec->bad = true;
		return;
	}
	if (has_warm)
		warm(codec, tcb->warm, tcb_env(tcb)->mem);
	controller_state(codec, tcb);
	if (has_warm)
		text_out(codec, tcb);
	text_in(codec, tcb);
}

size_t tcp_pack(const struct tcb *tcb, uint8_t *to, size_t room, tern_time now)
{
	struct codec codec = { .at = to, .room = room, .now = now, .writes = true };

	connection(&codec, (struct tcb *)(uintptr_t)tcb); /* writing changes nothing of the block */
	return codec.n;
}

int tcp_unpack(struct tcb *tcb, const uint8_t *from, size_t n, tern_time now)
{
	struct codec codec = { .at = (uint8_t *)(uintptr_t)from, .room = n, .now = now };

	connection(&codec, tcb);
	if (codec.bad || codec.n != n || !can_be_sent(tcb) || !tcb_is_sound(tcb)) {
		tcp_release(tcb);
		tcb->state = CLOSED;
		tcb->due = 0;
		return -TERN_EPROTO;
	}
	tcb_cool_down(tcb); /* one that was kept for the next flight */
	return 0;
}
