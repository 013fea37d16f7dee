/* Slices: the send store. A stream to be sent, as a list of slices: copied writes in
 * blocks of this store's own, or the application's memory with its release function (no copy).
 * Indexed by 32-bit stream offset (which wraps); the front moves with acknowledgements.
 *
 * A slice is counted: the store holds it once, and every packet on its way to a device once more,
 * so that an acknowledgement never frees bytes that a device still reads. Copied bytes are only
 * ever appended; what a packet points at does not change.
 */
#ifndef BASE_SLICES_H
#define BASE_SLICES_H

#include "base/mem.h"

enum {
	SLICE_BLOCK_SMALL = 1024,  /* whole blocks, their head included */
	SLICE_BLOCK	  = 16384,
	SLICES_MAX	  = 1 << 30, /* bytes that one store may hold */
};

struct slice;

/* One stream's store; none while nothing waits or flies. Its fields are slices.c's own. */
struct slices {
	struct slice *head, *last;
	struct slice *newest, *again; /* in the list, or NULL */
	uint32_t      base, end;
	size_t	      bytes;
};

struct slices_pool {
	struct mem *mem;
	struct pool stores, heads, small, large;
};

/* A run of bytes inside one slice. */
struct slice_part {
	const uint8_t *at;
	uint32_t       n;
	struct slice  *slice; /* counted for the holder: slice_put() when done */
};

void slices_pool_init(struct slices_pool *pool, struct mem *mem);
void slices_pool_trim(struct slices_pool *pool);
void slices_pool_done(struct slices_pool *pool);

struct slices *slices_new(struct slices_pool *pool, uint32_t base);
void	       slices_free(struct slices_pool *pool, struct slices *store);

/* Appends copies of n bytes; returns how many found room (memory may run out, or SLICES_MAX). */
size_t slices_copy(struct slices_pool *pool, struct slices *store, const void *from, size_t n);

/* Appends the caller's memory; release(context, from, n) is called once, when the last byte is
 * acknowledged (or the store freed) and no packet points at it; NULL: no call. 0; or no change and
 * -TERN_ENOMEM (no memory, or beyond SLICES_MAX) or -TERN_EINVAL (n is 0). */
int slices_own(struct slices_pool *pool, struct slices *store, const void *from, size_t n,
	       void (*release)(void *context, const void *from, size_t n), void *context);

/* The bytes [offset, offset + n) as at most `room` parts, each slice counted for the caller.
 * Returns the number of parts; *got says how many bytes they cover (fewer than n where room ended). */
size_t slices_gather(struct slices *store, uint32_t offset, uint32_t n, struct slice_part *parts, size_t room,
		     uint32_t *got);
void   slice_put(struct slices_pool *pool, struct slice *slice);
void   slice_hold(struct slice *slice); /* once more, by whoever holds it already: slice_put() that, too */

/* Copies [offset, offset + n) out: for packing. */
void slices_read(struct slices *store, uint32_t offset, void *to, uint32_t n);

/* Everything before offset, which lies between base and end, is acknowledged. */
void slices_release(struct slices_pool *pool, struct slices *store, uint32_t offset);

static inline uint32_t slices_base(const struct slices *store)
{
	return store->base;
}

static inline uint32_t slices_end(const struct slices *store) /* offset after the last byte */
{
	return store->end;
}

size_t	 slices_bytes(const struct slices *store); /* our memory that the store holds, owned bytes apart */

#endif
