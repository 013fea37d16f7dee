#include "ip/fragment.h"

#include "base/bytes.h"
#include "wire/tuple.h"

bool fragment_start(struct fragmenter *f, const struct ip_header *ip, uint32_t payload_len, uint32_t mtu)
{
	const bool     v4 = ip->version == 4;
	const uint32_t header = v4 ? IPV4_HEADER : FRAGMENT_HEADER_MAX;
	const uint32_t most = v4 ? 65535 - IPV4_HEADER : 65535;

	if (v4 && ip->dont_fragment)
		return false;
	if (payload_len == 0 || payload_len > most || mtu < header + 8)
		return false;
	*f = (struct fragmenter){ .ip = *ip,
				  .payload_len = payload_len,
				  .each = (min_u32(mtu, 65535) - header) & ~7u };
	return true;
}

bool fragment_next(struct fragmenter *f, struct fragment_piece *piece)
{
	if (f->at == f->payload_len)
		return false;
	piece->offset = f->at;
	piece->len = min_u32(f->each, f->payload_len - f->at);
	f->at += piece->len;
	f->ip.fragment_offset = (uint16_t)piece->offset;
	f->ip.more_fragments = f->at < f->payload_len;
	f->ip.is_fragment = true;
	piece->header_len = (uint32_t)ip_wire_emit_fragment(piece->header, &f->ip, piece->len);
	return true;
}

uint32_t fragment_count(const struct fragmenter *f)
{
	return (f->payload_len + f->each - 1) / f->each;
}

size_t fragment_gather(const struct tern_packet_part *parts, size_t n, uint32_t offset, uint32_t len,
		       struct tern_packet_part *to, size_t room)
{
	size_t filled = 0;

	for (size_t i = 0; i < n && len > 0; i++) {
		if (offset >= parts[i].n) {
			offset -= parts[i].n;
			continue;
		}
		if (filled == room)
			return 0;
		to[filled] = parts[i];
		to[filled].at += offset;
		to[filled].n = min_u32(parts[i].n - offset, len);
		len -= to[filled++].n;
		offset = 0;
	}
	return len == 0 ? filled : 0;
}

/* ---- identifications ---- */

/* What the rounds are keyed with: one permutation for each flow of fragments. */
struct id_flow {
	struct tern_addr src, dst;
	uint32_t	 protocol;
	uint32_t	 round, half;
};

void fragment_ids_init(struct fragment_ids *ids, const struct siphash_key *key)
{
	*ids = (struct fragment_ids){ .key = *key };
}

/* Four Feistel rounds over the two halves of x: a permutation that one without the key cannot tell from
 * chance, so the counter under it may serve many destinations and leak nothing. `cycle` makes it
 * another one each time the counter has run through it. */
static uint32_t permute(const struct siphash_key *key, struct id_flow *flow, uint32_t x, uint32_t cycle,
			unsigned half_bits)
{
	const uint32_t mask = (1u << half_bits) - 1;
	uint32_t       left = x >> half_bits & mask, right = x & mask;

	for (flow->round = 0; flow->round < 4; flow->round++) {
		flow->half = cycle << 16 | right;
		const uint32_t mixed = (uint32_t)siphash13(key, flow, sizeof *flow) & mask;
		const uint32_t old_left = left;
		left = right;
		right = old_left ^ mixed;
	}
	return left << half_bits | right;
}

uint32_t fragment_id(struct fragment_ids *ids, const struct tern_addr *src, const struct tern_addr *dst,
		     uint8_t protocol)
{
	struct id_flow flow = { .src = *src, .dst = *dst, .protocol = protocol, .round = UINT32_MAX };
	const uint32_t count = (*counters_of(&ids->counters, siphash13(&ids->key, &flow, sizeof flow)))++;

	return addr_is_v4(dst) ? permute(&ids->key, &flow, count & 0xffff, count >> 16, 8)
			       : permute(&ids->key, &flow, count, 0, 16);
}
