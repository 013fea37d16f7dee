/* STATUS (RFC 9293 3.10.6), as much as Linux's TCP_INFO tells. */
#include "base/bytes.h"
#include "tcp/pace.h"
#include "tcp/path.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/tcp.h"
#include "tcp/timers.h"
#include "tcp/warm.h"

static uint64_t octets_since(seq_t at, seq_t first, uint16_t wraps)
{
	const uint64_t octets = (uint64_t)wraps << 32 | seq_sub(at, first);

	return octets > 0 ? octets - 1 : 0; /* the SYN is none */
}

static void describe_numbers(const struct tcb *tcb, struct tern_status *status)
{
	const struct tcb_cold *const cold = tcb_cold(tcb);
	const bool has_peer = tcb->state >= SYN_RECEIVED || tcb->rcv.irs.v != 0;

	status->iss = tcb->snd.iss.v;
	status->snd_una = tcb->snd.una.v;
	status->snd_nxt = tcb->snd.nxt.v;
	status->snd_wnd = tcb->snd.wnd;
	status->snd_wl1 = tcb->snd.wl1.v;
	status->snd_wl2 = tcb->snd.wl2.v;
	status->snd_max_wnd = tcb->snd.max_wnd;
	status->irs = tcb->rcv.irs.v;
	status->rcv_nxt = tcb->rcv.nxt.v;
	status->rcv_wnd = has_peer ? rcv_wnd(tcb) : 0;
	status->wscale_ok = tcb->wscale_ok;
	status->ts_ok = tcb->ts_ok;
	status->sack_ok = tcb->sack_ok;
	status->snd_wscale = tcb->snd_wscale;
	status->rcv_wscale = tcb->rcv.wscale;
	status->snd_mss = tcb->mss;
	status->pmtu = tcb->mss ? (uint16_t)plpmtud_packet(tcb, tcb->mss) : 0;
	status->rcv_mss = tcb->rcv.mss;
	status->bytes_acked = octets_since(tcb->snd.una, tcb->snd.iss, cold->sent_wraps);
	status->bytes_sent = status->bytes_acked + tcb_unacked(tcb);
	status->bytes_received = has_peer ? octets_since(tcb->rcv.nxt, tcb->rcv.irs, cold->received_wraps) : 0;
	if (tcb->fin_received && status->bytes_received > 0)
		status->bytes_received--;
	if (tcb->fin_sent && seq_eq(tcb->snd.una, tcb->snd.nxt) && status->bytes_acked > 0) { /* nor is the FIN */
		status->bytes_acked--;
		status->bytes_sent--;
	}
}

/* What recovery has learnt of the path: in the warm record, or kept while there is none. */
static void describe_path(const struct tcb *tcb, struct tern_status *status)
{
	const struct tcb_warm *const warm = tcb->warm;
	const struct tcb_path *const path = path_of(tcb);

	if (warm) {
		status->min_rtt = warm->rack.min_rtt;
		status->bytes_retransmitted = warm->bytes_retransmitted;
		status->delivery_rate = warm->delivery_rate;
		status->delivery_rate_app_limited = warm->rate_app_limited || warm->delivery_rate == 0;
		status->retransmits_spurious = warm->spurious;
		status->reo_wnd_mult = warm->rack.reo_wnd_mult;
		status->reo_wnd = recovery_is_rack(tcb) ? rack_reo_wnd(tcb) : 0;
	} else if (path) {
		status->min_rtt = path->min_rtt;
		status->bytes_retransmitted = path->bytes_retransmitted;
		status->delivery_rate = path->delivery_rate;
		status->delivery_rate_app_limited = path->rate_app_limited || path->delivery_rate == 0;
		status->retransmits_spurious = path->spurious;
		status->reo_wnd_mult = max_u32(path->reo_wnd_mult, 1);
	}
	/* As many segments as fly within the window, beside those that DupThresh allows. */
	if (status->reo_wnd > 0 && status->srtt > 0)
		status->reordering += (uint32_t)((uint64_t)status->cwnd / max_u32(tcb->mss, 1) *
						 (uint64_t)status->reo_wnd / (uint64_t)status->srtt);
}

static void describe_flight(const struct tcb *tcb, struct tern_status *status)
{
	const struct tcb_cold *const cold = tcb_cold(tcb);
	const struct tcb_warm *const warm = tcb->warm;

	status->srtt = (tern_time)(cold->srtt8 / 8) * TERN_MICROSECOND;
	status->rttvar = cold->srtt8 ? (tern_time)(cold->rttvar4 / 4) * TERN_MICROSECOND : 0;
	status->rto = us_to_time(warm ? warm->rto_us : path_rto_us(tcb));
	status->cwnd = warm ? warm->cc.cwnd : *path_cwnd(tcb);
	status->ssthresh = warm ? warm->cc.ssthresh : *path_ssthresh(tcb);
	status->congestion_control = cc_at(&tcb_env(tcb)->config, cold->congestion_control)->name;
	status->reordering = tcb_env(tcb)->config.dup_ack_threshold;
	status->reo_wnd_mult = 1;
	status->delivery_rate_app_limited = true; /* as long as there is none */
	describe_path(tcb, status);
	status->unsent = tcb_unsent(tcb);
	status->unacked = tcb_unacked(tcb);
	status->retransmit_at = status->persist_at = TERN_NEVER;
	if (!warm)
		return;
	status->recovery = (enum tern_recovery)warm->recovery;
	status->in_flight = recovery_in_flight(tcb);
	status->out_of_order = reassembly_octets(&warm->ooo);
	status->retransmits = warm->backoff;
	status->probes = warm->probes;
	status->retransmit_at = warm->retransmit_at;
	status->persist_at = warm->persist_at;
	status->pacing_rate = pace_rate(tcb);
}

static void describe_ecn(const struct tcb *tcb, struct tern_status *status)
{
	const struct tcb_path *const path = path_of(tcb);

	status->ecn_ok = tcb->ecn_ok;
	if (!path || !path->ecn.agreed)
		return;
	status->ecn_accurate = path->ecn.accurate;
	status->ecn_mangled = path->ecn.distrust;
	status->received_ce = path->ecn.r_cep - ECN_CEP_FIRST;
	status->delivered_ce = path->ecn.delivered_ce;
}

void tcp_status(const struct tcb *tcb, tern_time now, struct tern_status *status)
{
	const struct tcb_cold *const cold = tcb_cold(tcb);
	const seq_t up = { cold->rcv_up };

	*status = (struct tern_status){ .state = (enum tern_state)tcb->state };
	tcb_get_tuple(tcb, &status->tuple);
	describe_numbers(tcb, status);
	describe_flight(tcb, status);
	describe_ecn(tcb, status);
	chrono_status(tcb, now, status);
	status->error = -(int)cold->error;
	status->soft_error = -(int)cold->soft_error;
	status->unread = tcb_unread(tcb);
	/* MUST-33 */
	status->urgent = tcb->urgent_received && seq_lt(tcb->rcv.read, up) ? seq_sub(up, tcb->rcv.read) : 0;
	status->fin_queued = tcb->fin_queued;
	status->fin_sent = tcb->fin_sent;
	status->fin_received = tcb->fin_received;
	status->segments_out = cold->segments_out;
	status->segments_in = cold->segments_in;
	status->retransmits_total = cold->retransmits;
	status->keepalive_probes = cold->keepalive_sent;
	status->delayed_ack_at = tcb->delayed_ack_at;
	status->keepalive_at = timers_keepalive_at(tcb, now);
	status->user_timeout_at = timers_user_at(tcb);
	status->orphan_at = timers_orphan_at(tcb, now);
	status->time_wait_at = TERN_NEVER;
	status->received_traffic_class = tcb->rcv.traffic_class;
}
