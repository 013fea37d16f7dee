/* Packets in one piece. */
#include "link/flat.h"

#include "base/assert.h"
#include "base/bytes.h"

enum { FLAT_ALIGN = 64, LITTLE = 512 };

void flat_pool_init(struct flat_pool *pool, const struct tern_allocator *allocator, size_t head, uint32_t mtu)
{
	tern_assert(head >= sizeof(struct flat));
	*pool = (struct flat_pool){
		.allocator = *allocator,
		.head = (head + FLAT_ALIGN - 1) / FLAT_ALIGN * FLAT_ALIGN,
		/* At a huge MTU most packets are still small: acknowledgements. */
		.small_room = mtu <= 16384 ? mtu : 2048,
	};
}

static void give_back(struct flat_pool *pool, struct flat *flat)
{
	pool->allocator.free(pool->allocator.context, flat, pool->head + flat->room);
}

void flat_pool_done(struct flat_pool *pool)
{
	for (struct flat *flat = pool->small, *next; flat; flat = next) {
		next = flat->next;
		give_back(pool, flat);
	}
	for (struct flat *flat = pool->large, *next; flat; flat = next) {
		next = flat->next;
		give_back(pool, flat);
	}
	pool->small = pool->large = NULL;
	pool->n_small = pool->n_large = 0;
}

static struct flat *fresh(struct flat_pool *pool, uint32_t room)
{
	struct flat *flat = pool->allocator.alloc(pool->allocator.context, pool->head + room, FLAT_ALIGN);

	if (!flat)
		return NULL;
	memset(flat, 0, pool->head);
	flat->bytes = (uint8_t *)flat + pool->head;
	flat->room = room;
	flat->packet.n_parts = 1;
	flat->packet.part[0].at = flat->bytes;
	return flat;
}

static struct flat *get(struct flat_pool *pool, uint32_t len)
{
	const bool    small = len <= pool->small_room;
	struct flat **list = small ? &pool->small : &pool->large;
	struct flat  *flat = *list;

	if (!flat)
		return fresh(pool, small ? pool->small_room : FLAT_MOST);
	*list = flat->next;
	small ? pool->n_small-- : pool->n_large--;
	return flat;
}

static uint32_t gather(uint8_t *to, const tern_packet *from)
{
	uint32_t done = 0;

	for (unsigned i = 0; i < from->n_parts; i++) {
		const struct tern_packet_part *part = &from->part[i];

		tern_assert(part->n <= from->len - done);
		memcpy(to + done, part->at, part->n);
		done += part->n;
	}
	tern_assert(done == from->len);
	return done;
}

/* All parts in a row; and the checksum is made of what stands behind csum_start: its field holds the pseudo-header's.
 * The first part is headers, and all of them. */
static uint32_t gather_and_sum(const struct sum_unit *unit, uint8_t *to, const tern_packet *from)
{
	const uint32_t headers = from->part[0].n, start = from->csum_start;
	uint32_t done = headers, sum;
	uint16_t folded;

	memcpy(to, from->part[0].at, headers);
	sum = sum_add(0, to + start, headers - start);
	for (unsigned i = 1; i < from->n_parts; i++) {
		const struct tern_packet_part *part = &from->part[i];

		tern_assert(part->n <= from->len - done);
		sum = sum_join(sum, unit->copy(0, to + done, part->at, part->n), done - start);
		done += part->n;
	}
	tern_assert(done == from->len);
	folded = (uint16_t)~sum_fold16(sum);
	memcpy(to + start + from->csum_offset, &folded, sizeof folded);
	return done;
}

/* Both, of little: one pass more costs less than a call for each part. */
static uint32_t gather_then_sum(uint8_t *to, const tern_packet *from)
{
	const uint32_t done = gather(to, from);
	const uint16_t folded = (uint16_t)~sum_fold16(sum_add(0, to + from->csum_start, done - from->csum_start));

	memcpy(to + from->csum_start + from->csum_offset, &folded, sizeof folded);
	return done;
}

static uint32_t take(const struct flat_pool *pool, uint8_t *to, const tern_packet *from, bool sums)
{
	if (!sums)
		return gather(to, from);
	return from->len < LITTLE ? gather_then_sum(to, from) : gather_and_sum(pool->unit, to, from);
}

static bool is_to_be_summed(const struct flat_pool *pool, const tern_packet *packet)
{
	return pool->unit && packet->checksum_offload && packet->csum_start > 0 &&
	       packet->csum_start + packet->csum_offset + 2u <= packet->part[0].n;
}

struct flat *flat_copy(struct flat_pool *pool, const tern_packet *from)
{
	if (from->len > FLAT_MOST)
		return NULL;
	struct flat *flat = get(pool, from->len);
	if (!flat)
		return NULL;

	const bool   sums = is_to_be_summed(pool, from);
	tern_packet *to = &flat->packet;
	to->part[0].at = flat->bytes;
	to->part[0].n = to->len = take(pool, flat->bytes, from, sums);
	to->n_parts = 1;
	to->link = 0;
	to->checksum_offload = from->checksum_offload && !sums;
	to->csum_start = from->csum_start;
	to->csum_offset = from->csum_offset;
	to->gso_size = from->gso_size;
	to->gso_headers = from->gso_headers;
	to->mark = from->mark;
	return flat;
}

void flat_put(struct flat_pool *pool, struct flat *flat)
{
	const bool small = flat->room == pool->small_room;

	if (small ? pool->n_small == FLAT_KEEP_SMALL : pool->n_large == FLAT_KEEP_LARGE) {
		give_back(pool, flat);
		return;
	}
	struct flat **list = small ? &pool->small : &pool->large;
	flat->next = *list;
	*list = flat;
	small ? pool->n_small++ : pool->n_large++;
}
