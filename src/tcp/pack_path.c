#include "tcp/pack.h"

enum { LEAST_MTU = 68 };

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

void pack_undo(struct codec *codec, struct undo *undo)
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

void pack_spent(struct codec *codec, tern_time spent[CHRONO_KINDS])
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
	pack_spent(codec, path->spent);
	codec_u32(codec, &path->backed_off_us);
	pack_undo(codec, &path->undo);
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

void pack_path(struct codec *codec, struct tcb *tcb)
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
