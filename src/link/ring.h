/* Packets from one thread to another: one writes, one reads, and neither ever waits for the other. A packet's bytes
 * are gathered into the ring once, stand there in one piece, and are lent out of it until the reader lets go.
 *
 * Whoever sleeps is woken by a bell: the reader arms it, looks once more, and only then sleeps; a writer that has
 * put something takes the bell's word and rings where it was armed. Both do it by one atomic exchange, so that
 * either the reader sees the packet or the writer sees the bell.
 */
#ifndef LINK_RING_H
#define LINK_RING_H

#include <stdatomic.h>

#include <tern/packet.h>

enum {
	RING_LEAST = 1 << 18, /* bytes: three of the longest packets, whatever the wrap wastes */
	RING_LINE = 64,
};

/* Where a packet stands in the ring, and what describes it. */
struct ring_head {
	uint32_t size; /* bytes up to the next, a multiple of RING_LINE */
	uint32_t len;  /* of the packet; RING_SKIP: none, the rest of the ring is left out */
	uint64_t mark;
	uint16_t csum_start, csum_offset, gso_size, gso_headers;
	uint8_t	 link;
	bool	 checksum_offload;
};

struct ring {
	_Alignas(RING_LINE) _Atomic size_t put; /* bytes ever written; the writer's */
	size_t let_go_seen;
	_Alignas(RING_LINE) _Atomic size_t let_go; /* bytes ever given back; the reader's */
	size_t taken;				    /* lent out, up to here */
	_Alignas(RING_LINE) uint8_t *bytes;
	size_t size; /* a power of two */
};

/* All zero to begin with; bytes: `size` of them, on a multiple of RING_LINE, which stay the caller's. */
void ring_init(struct ring *ring, uint8_t *bytes, size_t size);

/* The writer's. False: there is no room. A length beyond any packet's never has. */
bool ring_put(struct ring *ring, const tern_packet *packet);

/* The reader's. Fills in up to room packets (host NULL, one part); they stay until ring_let_go(). */
size_t ring_take(struct ring *ring, tern_packet *const packets[], size_t room);
void ring_let_go(struct ring *ring); /* all that was taken */
bool ring_has(const struct ring *ring); /* something to take */

/* ---- the bell ---- */

struct bell {
	_Alignas(RING_LINE) atomic_bool armed;
};

/* The reader's: true: it was not armed before. Look once more, then sleep. */
static inline bool bell_arm(struct bell *bell)
{
	return !atomic_exchange_explicit(&bell->armed, true, memory_order_acq_rel);
}

/* The reader's, awake again. False: somebody took it, and rings. */
static inline bool bell_disarm(struct bell *bell)
{
	return atomic_exchange_explicit(&bell->armed, false, memory_order_acq_rel);
}

/* A writer's, after ring_put(): true: the reader sleeps or is about to, and this writer is to wake it. */
static inline bool bell_take(struct bell *bell)
{
	return atomic_exchange_explicit(&bell->armed, false, memory_order_acq_rel);
}

#endif
