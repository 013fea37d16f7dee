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
	uint32_t	   more; /* packets behind it that go on with its run (run.c): of those nothing is kept */
	struct tcp_segment seg;
	struct ip_header   ip;
	struct tern_tuple  tuple;
	uint32_t	   known; /* the block that the last segment with its ports went to, by index; TCB_NONE: none */
	uint64_t	   hash;  /* unless a block is known */
	uint32_t	   pseudo; /* the sum of its pseudo-header */
};

/* Reads its IP header, once for each packet: a peer may make it dear. */
static inline void lookup_read_header(struct lookup *in)
{
	if (!in->is_read)
		in->parsed = ip_wire_parse(&in->ip, in->at, in->len);
	in->is_read = true;
}

/* Which of the hosts that have this address it is from. */
static inline void lookup_place(const struct tern_host *host, struct lookup *in)
{
	in->ip.zone = in->link == ROUTE_LOOPBACK ? in->looped_zone : route_zone(&host->routes, in->link, &in->ip.src);
}

static inline enum ip_receive_verdict lookup_judge(const struct tern_host *host, const struct lookup *in)
{
	return ip_receive_judge(&host->routes, &in->ip, in->link, host->env.config.forwarding_any);
}

/* ---- input.c ---- */

/* A packet for us that says it is TCP, by itself. */
void input_tcp(struct tern_host *host, struct lookup *in);

/* ---- input_apart.c ---- */

/* A packet that is no plain segment; its frame, at, len, link, offload and mark are read. */
void input_one(struct tern_host *host, struct lookup *in);

/* ---- run.c: packets whose headers are the ones of the packet before ---- */

/* Reads an IPv4 header that is the last plain segment's but for length, identification and checksum: what was found of
 * that one's addresses holds. False: it is not, or not right, and nothing is known of it. */
bool run_read_ip(const struct last_ways *last, struct lookup *in);
void run_keep_ip(struct last_ways *last, const struct lookup *in); /* so that the next may be compared with it */

/* How many of the n packets that follow a plain segment's go on where the one before ended: the same headers but for
 * number, PSH and checksum, and as much text. Their checksums are not looked at. */
uint32_t run_length(const struct lookup *first, const struct tern_packet *head, const struct tern_packet *const batch[],
		    size_t n);
/* Whether that is worth asking: most that do not go on have another number there. */
static inline bool run_may_go_on(const struct lookup *first, const struct tern_packet *head,
				 const struct tern_packet *next)
{
	return head->part[0].n == next->part[0].n && next->n_parts == 1 &&
	       get32(next->part[0].at + (first->ip.payload - head->part[0].at) + 4) ==
		       first->seg.seq.v + first->seg.text_len;
}
/* The text of one of them; and the sum of its pseudo-header and TCP header. */
const uint8_t *run_text(const struct lookup *first, const struct tern_packet *head, const struct tern_packet *packet);
uint32_t       run_sum(const struct lookup *first, const uint8_t *text);
/* Reads the one that stands `number` behind the first. False: the checksum is wrong. */
bool run_complete(struct lookup *in, const struct lookup *first, const struct tern_packet *packet, const uint8_t *text,
		  uint32_t number);

#endif
