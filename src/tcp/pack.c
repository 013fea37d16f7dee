/* A connection as one record (DESIGN 5.13). One list of fields serves both ways: a codec that writes or
 * reads, so that what is written and what is read cannot drift apart.
 *
 * Version 2, little-endian: "TERN", version; hot; cold; the controller's name; path; warm where there is
 * one; what the controller knows; the text not yet acknowledged; the text not yet read, and what lies out
 * of order. Times stand relative to the moment of packing, the timestamp clock as it was, so that a record
 * may wake on another machine, later.
 * What is not packed: places in the host's lists, the handle, the timing wheel.
 */
#include "base/bytes.h"
#include "tcp/call.h"
#include "tcp/pace.h"
#include "tcp/path.h"
#include "tcp/tcp.h"
#include "tcp/timers.h"
#include "tcp/warm.h"

enum { PACK_VERSION = 2, FLIGHT_RECORD_BYTES = 48 };

struct codec {
	uint8_t	  *at; /* what is read is never written to */
	size_t	   n, room;
	tern_time  now;
	bool	   writes, bad;
};

static void bytes(struct codec *codec, void *data, size_t n)
{
	if (codec->bad)
		return;
	if (codec->room - codec->n < n || codec->n > codec->room) {
		codec->bad = !codec->writes;
		codec->n = codec->writes ? codec->n + n : codec->n;
		return;
	}
	if (codec->writes)
		memcpy(codec->at + codec->n, data, n);
	else
		memcpy(data, codec->at + codec->n, n);
	codec->n += n;
}

static void word(struct codec *codec, uint64_t *value, unsigned octets)
{
	uint8_t raw[8];

	for (unsigned i = 0; i < octets; i++)
		raw[i] = (uint8_t)(*value >> 8 * i);
	bytes(codec, raw, octets);
	if (codec->writes || codec->bad)
		return;
	*value = 0;
	for (unsigned i = 0; i < octets; i++)
		*value |= (uint64_t)raw[i] << 8 * i;
}

static void u64(struct codec *codec, uint64_t *value)
{
	word(codec, value, 8);
}

static void u32(struct codec *codec, uint32_t *value)
{
	uint64_t wide = *value;

	word(codec, &wide, 4);
	*value = (uint32_t)wide;
}

static void u16(struct codec *codec, uint16_t *value)
{
	uint64_t wide = *value;

	word(codec, &wide, 2);
	*value = (uint16_t)wide;
}

static void u8(struct codec *codec, uint8_t *value)
{
	bytes(codec, value, 1);
}

static void number(struct codec *codec, seq_t *value)
{
	u32(codec, &value->v);
}

/* A moment, as a distance from now. */
static void moment(struct codec *codec, tern_time *at)
{
	int64_t distance = *at == TERN_NEVER ? INT64_MAX : *at - codec->now;
	uint64_t raw = (uint64_t)distance;

	u64(codec, &raw);
	distance = (int64_t)raw;
	if (codec->writes)
		return;
	if (distance > INT64_MAX / 2 || distance < -(INT64_MAX / 2)) {
		codec->bad |= distance != INT64_MAX;
		*at = TERN_NEVER;
		return;
	}
	*at = codec->now + distance;
}

/* The same for the 32-bit milliseconds of the cold record; 0 stays 0 where it means none. */
static void moment_ms(struct codec *codec, uint32_t *ms, bool zero_is_none)
{
	uint32_t ahead = *ms - time_to_ms(codec->now);
	uint8_t none = zero_is_none && *ms == 0;

	u8(codec, &none);
	u32(codec, &ahead);
	if (!codec->writes)
		*ms = none ? 0 : (time_to_ms(codec->now) + ahead) | (uint32_t)zero_is_none;
}

static void head(struct codec *codec)
{
	uint8_t magic[4] = { 'T', 'E', 'R', 'N' };
	uint32_t version = PACK_VERSION;

	bytes(codec, magic, 4);
	u32(codec, &version);
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

static void hot(struct codec *codec, struct tcb *tcb)
{
	uint32_t flags = flags_of(tcb), clock = tcp_ts_clock(codec->now) + tcb->ts.offset;
	struct tern_tuple tuple;

	tcb_get_tuple(tcb, &tuple);
	bytes(codec, tuple.local.b, 16);
	bytes(codec, tuple.remote.b, 16);
	u32(codec, &tuple.zone);
	u16(codec, &tuple.local_port);
	u16(codec, &tuple.remote_port);
	if (!codec->writes)
		tcb_set_tuple(tcb, &tuple);
	u8(codec, &tcb->state);
	u32(codec, &flags);
	if (!codec->writes)
		set_flags(tcb, flags);
	number(codec, &tcb->snd.una);
	number(codec, &tcb->snd.nxt);
	number(codec, &tcb->snd.wl1);
	number(codec, &tcb->snd.wl2);
	number(codec, &tcb->snd.iss);
	u32(codec, &tcb->snd.wnd);
	u32(codec, &tcb->snd.max_wnd);
	number(codec, &tcb->rcv.nxt);
	number(codec, &tcb->rcv.irs);
	number(codec, &tcb->rcv.wnd_edge);
	number(codec, &tcb->rcv.read);
	number(codec, &tcb->rcv.acked);
	u16(codec, &tcb->rcv.mss);
	u8(codec, &tcb->rcv.wscale);
	u8(codec, &tcb->rcv.traffic_class);
	u32(codec, &tcb->ts.recent);
	u32(codec, &clock);
	tcb->ts.offset = clock - tcp_ts_clock(codec->now);
	u16(codec, &tcb->mss);
	u16(codec, &tcb->ready);
	u8(codec, &tcb->due);
	u8(codec, &tcb->snd_wscale);
	u8(codec, &tcb->challenge);
	moment(codec, &tcb->delayed_ack_at);
	codec->bad |= tcb->snd_wscale > TCP_WSCALE_MAX || tcb->rcv.wscale > TCP_WSCALE_MAX;
}

static void cold(struct codec *codec, struct tcb_cold *cold)
{
	uint8_t linger = (uint8_t)cold->linger, ecn = cold->ecn;

	u64(codec, &cold->cookie);
	u32(codec, &cold->srtt8);
	u32(codec, &cold->rttvar4);
	u32(codec, &cold->receive_buffer);
	u32(codec, &cold->send_buffer);
	moment_ms(codec, &cold->heard_ms, false);
	moment_ms(codec, &cold->orphan_ms, true);
	u32(codec, &cold->user_timeout_ms);
	u32(codec, &cold->rcv_up);
	u32(codec, &cold->retransmits);
	u32(codec, &cold->segments_in);
	u32(codec, &cold->segments_out);
	u16(codec, &cold->sent_wraps);
	u16(codec, &cold->received_wraps);
	u16(codec, &cold->r2_s);
	u16(codec, &cold->peer_mss);
	u16(codec, &cold->keepalive_idle_s);
	u16(codec, &cold->keepalive_interval_s);
	u8(codec, &cold->keepalive_probes);
	u8(codec, &cold->keepalive_sent);
	u8(codec, &cold->traffic_class);
	u8(codec, &cold->ttl);
	u8(codec, &cold->error);
	u8(codec, &cold->soft_error);
	u8(codec, &ecn);
	cold->ecn = ecn & 3u;
	u8(codec, &linger);
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
	bytes(codec, name, sizeof name - 1);
	if (codec->writes || codec->bad)
		return;
	number = cc_by_name(config, name);
	cold->congestion_control = (number >= 0 ? (unsigned)number : tcb_env(tcb)->congestion_control) & 63u;
}

static void ecn(struct codec *codec, struct tcb_ecn *ecn)
{
	uint8_t flags = (uint8_t)(ecn->agreed | ecn->accurate << 1 | ecn->distrust << 2 | ecn->heard << 3 |
				  ecn->optional << 4);

	u32(codec, &ecn->r_cep);
	u32(codec, &ecn->r_e0b);
	u32(codec, &ecn->r_ceb);
	u32(codec, &ecn->r_e1b);
	u32(codec, &ecn->s_cep);
	u32(codec, &ecn->s_ceb);
	u32(codec, &ecn->delivered_ce);
	u8(codec, &ecn->handshake);
	u8(codec, &ecn->pending);
	u8(codec, &flags);
	ecn->agreed = flags & 1;
	ecn->accurate = flags & 2;
	ecn->distrust = flags & 4;
	ecn->heard = flags & 8;
	ecn->optional = flags & 16;
}

static void flag(struct codec *codec, bool *value)
{
	uint8_t raw = *value;

	u8(codec, &raw);
	*value = raw & 1;
}

/* A length of time, which does not move with the clock. */
static void span(struct codec *codec, tern_time *value)
{
	uint64_t raw = (uint64_t)*value;

	u64(codec, &raw);
	*value = (tern_time)raw;
	codec->bad |= *value < 0 || *value > TERN_NEVER / 1024;
}

static void path_recovery(struct codec *codec, struct tcb_path *path)
{
	span(codec, &path->min_rtt);
	moment(codec, &path->min_rtt_at);
	u64(codec, &path->delivery_rate);
	u32(codec, &path->spurious);
	u8(codec, &path->reo_wnd_mult);
	u8(codec, &path->reo_wnd_persist);
	flag(codec, &path->reordering_seen);
}

static void path_plpmtud(struct codec *codec, struct plpmtud *p)
{
	uint8_t waits = p->waits;

	u16(codec, &p->low);
	u16(codec, &p->high);
	u16(codec, &p->most);
	u16(codec, &p->probe);
	number(codec, &p->probe_seq);
	u8(codec, &p->lost);
	u8(codec, &waits);
	p->waits = waits;
	moment(codec, &p->again_at);
	codec->bad |= p->low > p->high || p->high > p->most;
}

static void path(struct codec *codec, struct tcb *tcb)
{
	uint8_t has_path = tcb->has_path;

	u8(codec, &has_path);
	if (!codec->writes && has_path)
		path_attach(tcb); /* for want of memory it is forgotten */
	struct tcb_path forgotten = { 0 };
	struct tcb_path *const path = tcb->has_path ? path_of(tcb) : &forgotten;
	uint8_t pacing = (uint8_t)path->pacing;

	u32(codec, path_cwnd(tcb));
	u32(codec, path_ssthresh(tcb));
	if (!has_path)
		return;
	u64(codec, &path->pacing_rate);
	u32(codec, &path->quantum);
	u16(codec, &path->mss);
	path_recovery(codec, path);
	path_plpmtud(codec, &path->plpmtud);
	u8(codec, &pacing);
	u64(codec, &path->max_pacing_rate);
	moment(codec, &path->tune.at);
	number(codec, &path->tune.from);
	u32(codec, &path->tune.most);
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
	u16(codec, &n);
	codec->bad |= n > TERN_CC_STATE_WORDS;
	for (uint16_t i = 0; i < n && !codec->bad; i++)
		u64(codec, &state[i]);
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

	u32(codec, &number);
	if (!codec->writes)
		*place = number; /* until flight_rebuild() */
}

static void flight_record(struct codec *codec, const struct flight *flight, struct flight_record *record)
{
	moment(codec, &record->sent_at);
	moment(codec, &record->delivered_at);
	moment(codec, &record->first_sent_at);
	u32(codec, &record->delivered);
	u32(codec, &record->lost);
	u32(codec, &record->in_flight);
	number(codec, &record->seq);
	listed(codec, flight, &record->younger);
	u16(codec, &record->len);
	u8(codec, &record->flags);
	u8(codec, &record->times);
}

static void flight(struct codec *codec, struct flight *flight, struct mem *mem)
{
	uint32_t n = flight->n;

	u32(codec, &n);
	/* No more records than what is left can hold. One more: a SYN that waits needs its place. */
	if (!codec->writes)
		codec->bad |= n > (codec->room - codec->n) / FLIGHT_RECORD_BYTES || !flight_reserve(flight, mem, n + 1);
	if (codec->bad)
		return;
	flight->n = n;
	u32(codec, &flight->in_flight);
	u32(codec, &flight->sacked);
	u32(codec, &flight->n_sacked);
	u32(codec, &flight->n_lost);
	u32(codec, &flight->lost_octets);
	number(codec, &flight->highest_sacked);
	number(codec, &flight->settled);
	if (n > 0)
		listed(codec, flight, &flight->oldest);
	for (uint32_t i = 0; i < n; i++)
		flight_record(codec, flight, flight_at(flight, i));
	if (!codec->writes)
		codec->bad |= !flight_rebuild(flight);
}

static void rate(struct codec *codec, struct rate *rate)
{
	u64(codec, &rate->delivered);
	u64(codec, &rate->lost);
	u64(codec, &rate->round_end);
	u64(codec, &rate->app_limited);
	moment(codec, &rate->delivered_at);
	moment(codec, &rate->first_sent_at);
}

static void ranges(struct codec *codec, struct reassembly *ooo, struct mem *mem)
{
	uint16_t n = ooo->n;
	uint8_t fin_seen = ooo->fin_seen;

	u8(codec, &fin_seen);
	ooo->fin_seen = fin_seen;
	number(codec, &ooo->fin);
	u16(codec, &n);
	codec->bad |= n > REASSEMBLY_RANGES_MAX;
	for (uint16_t i = 0; i < n && !codec->bad; i++) {
		struct reassembly_range range = { { 0 }, { 0 } };

		if (codec->writes)
			range = ooo->ranges[i];
		number(codec, &range.left);
		number(codec, &range.right);
		if (!codec->writes)
			codec->bad |= !seq_lt(range.left, range.right) ||
				      (i > 0 && !seq_lt(ooo->ranges[i - 1].right, range.left)) ||
				      !reassembly_add(ooo, mem, range.left, range.right);
	}
	u8(codec, &ooo->n_recent);
	codec->bad |= ooo->n_recent > REASSEMBLY_RECENT;
	for (uint8_t i = 0; i < REASSEMBLY_RECENT; i++)
		number(codec, &ooo->recent[i]);
}

static void rack(struct codec *codec, struct rack *rack)
{
	moment(codec, &rack->sent_at);
	span(codec, &rack->rtt);
	span(codec, &rack->min_rtt);
	moment(codec, &rack->min_rtt_at);
	number(codec, &rack->end);
	number(codec, &rack->dsack_round);
	flag(codec, &rack->in_dsack_round);
	flag(codec, &rack->reordering_seen);
	u8(codec, &rack->reo_wnd_mult);
	u8(codec, &rack->reo_wnd_persist);
}

static void undo(struct codec *codec, struct undo *undo)
{
	u32(codec, &undo->cwnd);
	u32(codec, &undo->ssthresh);
	u32(codec, &undo->resent);
	u32(codec, &undo->needless);
	u32(codec, &undo->first_resent_ts);
	number(codec, &undo->resent_end);
	number(codec, &undo->from);
	flag(codec, &undo->possible);
	u8(codec, &undo->frto);
	codec->bad |= undo->frto > FRTO_NEW_SENT;
}

static void recovery(struct codec *codec, struct tcb_warm *warm)
{
	struct tlp *const tlp = &warm->tlp;

	rack(codec, &warm->rack);
	undo(codec, &warm->undo);
	number(codec, &tlp->end);
	u32(codec, &tlp->ts);
	flag(codec, &tlp->out);
	flag(codec, &tlp->is_retrans);
	flag(codec, &tlp->due);
	flag(codec, &tlp->unsampled);
	u32(codec, &warm->prr.recover_fs);
	u32(codec, &warm->prr.delivered);
	u32(codec, &warm->prr.out);
	u64(codec, &warm->delivery_rate);
}

static void warm(struct codec *codec, struct tcb_warm *warm, struct mem *mem)
{
	uint8_t flags = (uint8_t)(warm->urgent | warm->r1_told << 1 | warm->override_now << 2 |
				  warm->partial_seen << 3 | warm->retransmit_now << 4 | warm->cwnd_limited << 5 |
				  warm->recut << 6);
	uint8_t ecn_cwr = warm->ecn_cwr;

	flight(codec, &warm->flight, mem);
	rate(codec, &warm->rate);
	recovery(codec, warm);
	ranges(codec, &warm->ooo, mem);
	u32(codec, &warm->cc.cwnd);
	u32(codec, &warm->cc.ssthresh);
	u32(codec, &warm->cc.mss);
	u64(codec, &warm->cc.pacing_rate);
	u32(codec, &warm->cc.quantum);
	moment(codec, &warm->retransmit_at);
	moment(codec, &warm->reordering_at);
	moment(codec, &warm->probe_at);
	moment(codec, &warm->persist_at);
	moment(codec, &warm->override_at);
	moment(codec, &warm->pace_at);
	moment(codec, &warm->pace_from);
	u32(codec, &warm->pace_free);
	pace_bound(warm, codec->now);
	moment(codec, &warm->progress_at);
	moment(codec, &warm->last_sent_at);
	u32(codec, &warm->rto_us);
	number(codec, &warm->recover);
	number(codec, &warm->usage_end);
	u32(codec, &warm->max_in_flight);
	u32(codec, &warm->spurious);
	number(codec, &warm->edge);
	number(codec, &warm->push_end);
	number(codec, &warm->up);
	u32(codec, &warm->dsack.left);
	u32(codec, &warm->dsack.right);
	u8(codec, &warm->recovery);
	u8(codec, &warm->backoff);
	u8(codec, &warm->probes);
	u8(codec, &warm->dup_acks);
	u8(codec, &flags);
	u16(codec, &warm->mtu);
	u16(codec, &warm->max_segment);
	warm->urgent = flags & 1;
	warm->r1_told = flags & 2;
	warm->override_now = flags & 4;
	warm->partial_seen = flags & 8;
	warm->retransmit_now = flags & 16;
	warm->cwnd_limited = flags & 32;
	warm->recut = flags & 64;
	u8(codec, &ecn_cwr);
	warm->ecn_cwr = ecn_cwr & 1;
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

	u8(codec, &present);
	u32(codec, &base);
	u32(codec, &n);
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

			bytes(codec, (void *)(uintptr_t)at, n);
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

static void connection(struct codec *codec, struct tcb *tcb)
{
	uint8_t has_warm = tcb->warm != NULL;

	head(codec);
	hot(codec, tcb);
	cold(codec, tcb_cold(tcb));
	controller_name(codec, tcb);
	path(codec, tcb);
	u8(codec, &has_warm);
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
	if (codec.bad || codec.n != n || !tcb_is_sound(tcb)) {
		tcp_release(tcb);
		tcb->state = CLOSED;
		tcb->due = 0;
		return -TERN_EPROTO;
	}
	return 0;
}
