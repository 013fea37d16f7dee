/* One TCP segment as a capture shows it, and how a packet becomes one: link header, IP, fragments, TCP.
 *
 * Links: Ethernet with VLAN tags, raw IP, Linux cooked v1 and v2, BSD loopback, PPP. IP: version 4 and 6, extension
 * headers, fragments (joined; of their text only the length is of interest). What the snaplen cut off is known by the
 * lengths of the IP header, and so is what a device was to cut into segments (TSO): one long segment.
 */
#ifndef TRACE_SEGMENT_H
#define TRACE_SEGMENT_H

#include "trace/file.h"
#include "wire/tcp.h"

struct trace_segment {
	tern_time	   at;
	uint64_t	   packet;	  /* its number in its file */
	struct tern_tuple  tuple;	  /* local: the sender */
	uint32_t	   seq, ack, len; /* len: octets of text */
	uint16_t	   flags, wnd, up;
	struct tcp_options opt;
	uint16_t	   id; /* IPv4's identification; 0 for IPv6 */
	uint8_t		   ttl;
	uint8_t		   direction; /* enum trace_direction */
	uint8_t		   file;      /* which of the captures */
	bool		   is_cut;    /* the snaplen left less than the headers */
	bool	 is_corrupt; /* the checksum is wrong, and does not look like one for a device to complete */
	bool	 has_right_sum; /* it was there to be verified, and is right */
	bool	 is_ce;
	uint16_t fragments; /* it came in as many; 0: whole */
};

/* What the packets were that are no segments. */
struct trace_others {
	uint64_t not_ip, not_tcp, fragments, malformed, unknown_link;
	uint16_t last_unknown_link;
};

enum { TRACE_FRAGMENTED = 64 }; /* datagrams that are put together at once; the oldest gives way */

struct trace_decoder {
	struct trace_others	 others;
	struct trace_fragmented *fragmented; /* TRACE_FRAGMENTED of them, once there are any */
	uint64_t		 turn;
	bool			 no_memory;
};

void trace_decoder_init(struct trace_decoder *decoder);
void trace_decoder_done(struct trace_decoder *decoder);

/* True: a segment. False: it is counted why not. */
bool trace_decode(struct trace_decoder *decoder, const struct trace_packet *packet,
		  struct trace_segment *segment);

/* SEG.LEN */
static inline uint32_t trace_seg_len(const struct trace_segment *segment)
{
	return segment->len + ((segment->flags & TERN_SYN) != 0) + ((segment->flags & TERN_FIN) != 0);
}

#endif
