#include "link/ring.h"

#include "base/assert.h"
#include "base/bytes.h"

enum { RING_MOST = 65536 + TERN_PACKET_HEADERS }; /* bytes of a packet */

#define RING_SKIP UINT32_MAX

_Static_assert(sizeof(struct ring_head) <= RING_LINE, "what is left before the end holds a head");
_Static_assert(RING_LEAST >= 3 * (RING_MOST + RING_LINE), "a packet fits beside one that was left out and one lent");

void ring_init(struct ring *ring, uint8_t *bytes, size_t size)
{
	tern_assert(size >= RING_LEAST && (size & (size - 1)) == 0 && (uintptr_t)bytes % RING_LINE == 0);
	atomic_init(&ring->put, 0);
	atomic_init(&ring->let_go, 0);
	ring->let_go_seen = ring->taken = 0;
	ring->bytes = bytes;
	ring->size = size;
}

static struct ring_head *head_at(const struct ring *ring, size_t at)
{
	return (struct ring_head *)(void *)(ring->bytes + (at & (ring->size - 1)));
}

/* The other side's mark is read only where the old one says that there is no room. */
static bool has_room(struct ring *ring, size_t put, size_t n)
{
	if (put + n - ring->let_go_seen <= ring->size)
		return true;
	ring->let_go_seen = atomic_load_explicit(&ring->let_go, memory_order_acquire);
	return put + n - ring->let_go_seen <= ring->size;
}

static void write_at(const struct ring *ring, size_t at, size_t size, const tern_packet *packet)
{
	struct ring_head *const head = head_at(ring, at);
	uint8_t		       *to = (uint8_t *)head + sizeof *head;

	*head = (struct ring_head){
		.size = (uint32_t)size,
		.len = packet->len,
		.mark = packet->mark,
		.csum_start = packet->csum_start,
		.csum_offset = packet->csum_offset,
		.gso_size = packet->gso_size,
		.gso_headers = packet->gso_headers,
		.link = packet->link,
		.checksum_offload = packet->checksum_offload,
	};
	for (unsigned i = 0; i < packet->n_parts; i++) {
		memcpy(to, packet->part[i].at, packet->part[i].n);
		to += packet->part[i].n;
	}
}

bool ring_put(struct ring *ring, const tern_packet *packet)
{
	const size_t size = (sizeof(struct ring_head) + packet->len + RING_LINE - 1) / RING_LINE * RING_LINE;
	size_t	     put = atomic_load_explicit(&ring->put, memory_order_relaxed);
	const size_t to_end = ring->size - (put & (ring->size - 1));
	const size_t skip = size > to_end ? to_end : 0;

	if (packet->len > RING_MOST || !has_room(ring, put, skip + size))
		return false;
	if (skip)
		*head_at(ring, put) = (struct ring_head){ .size = (uint32_t)skip, .len = RING_SKIP };
	write_at(ring, put + skip, size, packet);
	atomic_store_explicit(&ring->put, put + skip + size, memory_order_release);
	return true;
}

static void describe(tern_packet *packet, const struct ring_head *head)
{
	packet->part[0] = (struct tern_packet_part){ .at = (const uint8_t *)head + sizeof *head, .n = head->len };
	packet->n_parts = 1;
	packet->len = head->len;
	packet->mark = head->mark;
	packet->csum_start = head->csum_start;
	packet->csum_offset = head->csum_offset;
	packet->gso_size = head->gso_size;
	packet->gso_headers = head->gso_headers;
	packet->link = head->link;
	packet->checksum_offload = head->checksum_offload;
	packet->host = NULL;
}

size_t ring_take(struct ring *ring, tern_packet *const packets[], size_t room)
{
	const size_t put = atomic_load_explicit(&ring->put, memory_order_acquire);
	size_t	     n = 0;

	while (n < room && ring->taken != put) {
		const struct ring_head *const head = head_at(ring, ring->taken);

		if (head->len != RING_SKIP)
			describe(packets[n++], head);
		ring->taken += head->size;
	}
	return n;
}

void ring_let_go(struct ring *ring)
{
	if (atomic_load_explicit(&ring->let_go, memory_order_relaxed) != ring->taken)
		atomic_store_explicit(&ring->let_go, ring->taken, memory_order_release);
}

bool ring_has(const struct ring *ring)
{
	return atomic_load_explicit(&ring->put, memory_order_acquire) != ring->taken;
}
