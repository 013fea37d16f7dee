/* One packet of a batch that came in, as far as it is read. */
#ifndef HOST_LOOKUP_H
#define HOST_LOOKUP_H

#include "host/internal.h"

struct lookup {
	const uint8_t	  *at;
	uint32_t	   len;
	uint8_t		   link;
	enum frame_kind	   frame;
	bool		   offload;
	bool		   is_read; /* ip and parsed hold: an IP header was looked at */
	enum ip_parse_result parsed;
	bool		   plain; /* a TCP segment for us, checked: the rest is set */
	bool		   repeats; /* plain, and of the tuple of the one before it */
	uint64_t	   mark;
	uint32_t	   looped_zone; /* of what comes from ourselves */
	const struct lookup *first; /* of the run that it goes on with (run.h), or NULL: not checked yet, and of what
				     * follows only the segment's number, flags and text are set */
	struct tcp_segment seg;
	struct ip_header   ip;
	struct tern_tuple  tuple;
	uint64_t	   hash;
	uint32_t	   pseudo; /* the sum of its pseudo-header */
};

/* ---- run.c: packets whose headers are the ones of the packet before ---- */

/* Reads a packet that goes on where `before` ended: the same headers but for number, PSH and checksum, and as much
 * text. False: it does not, and nothing is known of it. */
bool run_read(struct lookup *in, const struct lookup *before);
/* The sum of its pseudo-header and TCP header. */
uint32_t run_sum(const struct lookup *in);
/* Fills in what was left to be the first's. False: the checksum is wrong. */
bool run_complete(struct lookup *in);

#endif
