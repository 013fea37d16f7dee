/* Datagrams in fragments: which octets have come, and the first of them, which hold the TCP header. */
#ifndef TRACE_FRAGMENTS_H
#define TRACE_FRAGMENTS_H

#include "trace/segment.h"
#include "wire/ip.h"

enum { TRACE_HEAD = 64 };

struct trace_whole {
	uint8_t	 head[TRACE_HEAD];
	uint32_t n_head, len; /* len: of the whole payload */
	uint16_t fragments;
};

/* Takes a fragment of `payload` octets (what of them was captured is in ip). The whole datagram, where this was its
 * last missing piece and it carries TCP; it lives until the next call. Else NULL. */
const struct trace_whole *trace_fragment(struct trace_decoder *decoder, const struct ip_header *ip,
					 uint32_t payload, tern_time at);

#endif
