/* Segments of connections that have no block: resets, SYN-ACKs of half-open entries, ACKs of TIME-WAIT. */
#include "tcp/ecn.h"
#include "tcp/tcp.h"

void emit_reset_for(struct tcp_segment *out, const struct tcp_segment *to)
{
	/* RFC 9293 3.10.7.1 (and 3.5.2): believable to the peer, since it takes the peer's own numbers. */
	*out = (struct tcp_segment){
		.src_port = to->dst_port,
		.dst_port = to->src_port,
		.flags = TCP_RST,
	};
	if (to->flags & TCP_ACK) {
		out->seq = to->ack;
		return;
	}
	out->flags |= TCP_ACK;
	out->ack = seq_add(to->seq, tcp_seg_len(to));
}

void emit_syn_ack(const struct tcp_env *env, struct tcp_segment *out, const struct tern_tuple *tuple,
		  const struct tcp_agreement *agreed, tern_time now)
{
	const uint32_t buffer = env->config.receive_buffer;

	*out = (struct tcp_segment){
		.src_port = tuple->local_port,
		.dst_port = tuple->remote_port,
		.seq = agreed->iss,
		.ack = seq_add(agreed->irs, 1),
		.flags = (uint16_t)(TCP_SYN | TCP_ACK | ecn_syn_ack_flags(agreed->ecn)),
		.wnd = (uint16_t)(buffer < 65535 ? buffer : 65535), /* never scaled on a SYN (RFC 7323 2.2) */
		.opt = {
			.syn_order = env->config.syn_options,
			.has_mss = true,
			.mss = agreed->our_mss,
			.has_wscale = agreed->wscale_ok,
			.wscale = agreed->rcv_wscale,
			.sack_permitted = agreed->sack_ok,
			.has_ts = agreed->ts_ok,
			.ts_val = tcp_ts_clock(now) + agreed->ts_offset,
			.ts_ecr = agreed->ts_recent,
		},
	};
}

void emit_ack_only(struct tcp_segment *out, const struct tern_tuple *tuple, const struct tcp_ack_only *ack,
		   tern_time now)
{
	*out = (struct tcp_segment){
		.src_port = tuple->local_port,
		.dst_port = tuple->remote_port,
		.seq = ack->seq,
		.ack = ack->ack,
		.flags = TCP_ACK,
		.wnd = ack->wnd,
		.opt = {
			.has_ts = ack->ts_ok,
			.ts_val = tcp_ts_clock(now) + ack->ts_offset,
			.ts_ecr = ack->ts_recent,
		},
	};
}
