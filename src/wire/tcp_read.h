/* Reading most TCP headers straight (wire/tcp.h has the contract). */
#ifndef WIRE_TCP_READ_H
#define WIRE_TCP_READ_H

#include "base/bytes.h"
#include "wire/tcp.h"

/* As tcp_wire_parse(): inline where the options are aligned timestamps alone, as in nearly every segment. */
static inline bool tcp_wire_read(struct tcp_segment *seg, const uint8_t *p, size_t len)
{
	if (len < TCP_HEADER_MIN + TCP_TIMESTAMPS_ALIGNED ||
	    p[12] >> 4 != (TCP_HEADER_MIN + TCP_TIMESTAMPS_ALIGNED) / 4 ||
	    get32(p + TCP_HEADER_MIN) != TCP_TIMESTAMPS_HEAD)
		return tcp_wire_parse(seg, p, len);
	seg->seq = (seq_t){ get32(p + 4) };
	seg->ack = (seq_t){ get32(p + 8) };
	seg->src_port = get16(p);
	seg->dst_port = get16(p + 2);
	seg->flags = get16(p + 12) & TCP_FLAGS;
	seg->wnd = get16(p + 14);
	seg->up = get16(p + 18);
	/* Of SACK and AccECN nothing but their number, which is 0. */
	memset(&seg->opt, 0, offsetof(struct tcp_options, ts_val));
	seg->opt.has_ts = true;
	seg->opt.ts_val = get32(p + TCP_HEADER_MIN + 4);
	seg->opt.ts_ecr = get32(p + TCP_HEADER_MIN + 8);
	seg->text = p + TCP_HEADER_MIN + TCP_TIMESTAMPS_ALIGNED;
	seg->text_len = (uint32_t)(len - TCP_HEADER_MIN - TCP_TIMESTAMPS_ALIGNED);
	return true;
}

#endif
