/* The TCP header that nearly every segment has, timestamps and no other option, written without a call. */
#ifndef WIRE_TCP_PLAIN_H
#define WIRE_TCP_PLAIN_H

#include "base/bytes.h"
#include "wire/tcp.h"

/* What every header begins with, of one of so many bytes; checksum 0. */
static inline void tcp_wire_emit_fixed(uint8_t *p, const struct tcp_segment *seg, size_t header)
{
	put32(p, (uint32_t)seg->src_port << 16 | seg->dst_port);
	put32(p + 4, seg->seq.v);
	put32(p + 8, seg->ack.v);
	put32(p + 12, (uint32_t)(header / 4) << 28 | (uint32_t)(seg->flags & TCP_FLAGS) << 16 | seg->wnd);
	put32(p + 16, seg->up);
}

/* As tcp_wire_emit(). */
static inline size_t tcp_wire_emit_plain(uint8_t *p, const struct tcp_segment *seg)
{
	if (seg->flags & TCP_SYN || (seg->opt.n_sack | seg->opt.n_accecn) != 0 || !seg->opt.has_ts)
		return tcp_wire_emit(p, seg);
	tcp_wire_emit_fixed(p, seg, TCP_HEADER_MIN + TCP_TIMESTAMPS_ALIGNED);
	put32(p + TCP_HEADER_MIN, TCP_TIMESTAMPS_HEAD);
	put32(p + TCP_HEADER_MIN + 4, seg->opt.ts_val);
	put32(p + TCP_HEADER_MIN + 8, seg->opt.ts_ecr);
	return TCP_HEADER_MIN + TCP_TIMESTAMPS_ALIGNED;
}

#endif
