#include "trace/fragments.h"

#include "wire/tuple.h"

#include <stdlib.h>
#include <string.h>

enum { UNITS = 65536 / 8 };

static const tern_time PATIENCE = 60 * TERN_SECOND; /* RFC 8200 4.5 */

/* One datagram on the way to being whole. */
struct trace_fragmented {
	bool		   is_used;
	struct tern_addr   src, dst;
	uint32_t	   id;
	uint8_t		   protocol;
	bool		   has_first;
	tern_time	   begun;
	uint64_t	   turn;
	uint32_t	   units; /* of eight octets that have come */
	uint8_t		   come[UNITS / 8];
	struct trace_whole whole;
};

void trace_decoder_init(struct trace_decoder *decoder)
{
	*decoder = (struct trace_decoder){ .no_memory = false };
}

void trace_decoder_done(struct trace_decoder *decoder)
{
	free(decoder->fragmented);
	decoder->fragmented = NULL;
}

static struct trace_fragmented *place_of(struct trace_decoder *decoder, const struct ip_header *ip,
					 tern_time at)
{
	struct trace_fragmented *oldest = decoder->fragmented;

	for (unsigned i = 0; i < TRACE_FRAGMENTED; i++) {
		struct trace_fragmented *const one = &decoder->fragmented[i];

		if (one->is_used && one->id == ip->id && addr_equal(&one->src, &ip->src) &&
		    addr_equal(&one->dst, &ip->dst) && at - one->begun <= PATIENCE)
			return one;
		if (oldest->is_used && (!one->is_used || one->turn < oldest->turn))
			oldest = one;
	}
	*oldest = (struct trace_fragmented){ .is_used = true,
					     .src = ip->src,
					     .dst = ip->dst,
					     .id = ip->id,
					     .begun = at,
					     .turn = ++decoder->turn };
	return oldest;
}

static void mark(struct trace_fragmented *one, uint32_t from, uint32_t n)
{
	for (uint32_t unit = from / 8; unit < (from + n + 7) / 8 && unit < UNITS; unit++) {
		const uint8_t bit = (uint8_t)(1u << unit % 8);

		one->units += (one->come[unit / 8] & bit) == 0;
		one->come[unit / 8] |= bit;
	}
}

const struct trace_whole *trace_fragment(struct trace_decoder *decoder, const struct ip_header *ip,
					 uint32_t payload, tern_time at)
{
	if (!decoder->fragmented)
		decoder->fragmented = calloc(TRACE_FRAGMENTED, sizeof *decoder->fragmented);
	if (!decoder->fragmented) {
		decoder->no_memory = true;
		return NULL;
	}
	struct trace_fragmented *const one = place_of(decoder, ip, at);

	mark(one, ip->fragment_offset, payload);
	one->whole.fragments++;
	if (ip->fragment_offset == 0) {
		one->has_first = true;
		one->protocol = ip->protocol;
		one->whole.n_head = ip->payload_len < TRACE_HEAD ? ip->payload_len : TRACE_HEAD;
		memcpy(one->whole.head, ip->payload, one->whole.n_head);
	}
	if (!ip->more_fragments)
		one->whole.len = ip->fragment_offset + payload;
	if (!one->has_first || one->whole.len == 0 || one->units < (one->whole.len + 7) / 8)
		return NULL;
	one->is_used = false;
	return one->protocol == IPPROTO_TCP_ ? &one->whole : NULL;
}
