/* Pages: the receive store. Bytes of a stream, each put at its place once, indexed by
 * their 32-bit stream offset (which wraps); a page is taken when its first byte arrives, so a far
 * byte commits one page and growth moves nothing.
 *
 * The store knows no ranges: its owner remembers which bytes are there. base only moves forward, by
 * pages_release().
 */
#ifndef BASE_PAGES_H
#define BASE_PAGES_H

#include "base/mem.h"
#include "base/sum.h"

enum { PAGE_BYTES = 4096 };

struct pages; /* one stream's store; none while nothing is held */

struct pages_pool {
	struct mem *mem;
	struct pool stores; /* struct pages */
	struct pool pages;
	const struct sum_unit *unit;
};

void pages_pool_init(struct pages_pool *pool, struct mem *mem);
void pages_pool_trim(struct pages_pool *pool);
void pages_pool_done(struct pages_pool *pool);

/* An empty store whose next byte to release is at offset base. NULL: no memory. */
struct pages *pages_new(struct pages_pool *pool, uint32_t base, enum mem_claim claim);
void	      pages_free(struct pages_pool *pool, struct pages *store);

/* A store with n bytes from base on in its first page: what a short message needs. NULL: no memory, or they do not
 * fit there. */
struct pages *pages_new_with(struct pages_pool *pool, uint32_t base, const uint8_t *from, size_t n,
			     enum mem_claim claim);
/* Copies out the n bytes from offset, which is at or after base, where these are in one page and no other is held, and
 * frees the store. False: it is not so, and nothing has changed. */
bool pages_read_out(struct pages_pool *pool, struct pages *store, uint32_t offset, void *to, size_t n);

/* Puts n bytes at offset (at or after base, less than 2^30 beyond it). Returns how many of them,
 * from the front, have their place now: fewer than n where memory ran out. */
size_t pages_write(struct pages_pool *pool, struct pages *store, uint32_t offset, const uint8_t *from,
		   size_t n, enum mem_claim claim);

/* The same in one pass with the sum of what it writes, which begins at an even offset of what is summed. */
size_t pages_write_sum(struct pages_pool *pool, struct pages *store, uint32_t offset, const uint8_t *from, size_t n,
		       enum mem_claim claim, uint32_t *sum);

/* The bytes from offset that lie in one piece: their address in *at, their number (at most `most`)
 * as result. 0: that page is not there. Whether they were written is the owner's knowledge. */
size_t pages_peek(const struct pages *store, uint32_t offset, size_t most, const uint8_t **at);

/* Everything before offset is read: its pages go back, and base is offset. */
void pages_release(struct pages_pool *pool, struct pages *store, uint32_t offset);

/* Frees the pages that lie wholly at or after offset: unacknowledged text under memory pressure. */
void pages_cut(struct pages_pool *pool, struct pages *store, uint32_t offset);

size_t pages_bytes(const struct pages *store); /* memory held, for the window and the charge */

#endif
