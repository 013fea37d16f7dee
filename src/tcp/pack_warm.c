#include "tcp/pack.h"
#include "tcp/pace.h"

enum { FLIGHT_RECORD_BYTES = 48 };

void pack_controller_state(struct codec *codec, struct tcb *tcb)
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
	pack_undo(codec, &warm->undo);
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
	pack_spent(codec, warm->chrono.spent);
	codec_past(codec, &warm->chrono.since);
	codec_u8(codec, &warm->chrono.kind);
	codec->bad |= warm->chrono.kind > CHRONO_NONE;
}

void pack_warm(struct codec *codec, struct tcb_warm *warm, struct mem *mem)
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
