/* The memory budget of a host: every byte the host holds was taken here.
 *
 * used <= limit always, counted in the sizes asked for. The last `reserve` bytes of the limit are
 * given only to callers that ask with MEM_RESERVED: text at RCV.NXT, so that a connection can always
 * move its left edge. A free block that a pool keeps stays in `used` and is also in `idle`; an
 * ordinary claim on it must still leave the reserve whole, as if the block were fresh memory.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tern/types.h>

enum mem_claim { MEM_ORDINARY, MEM_RESERVED };

struct mem {
	struct tern_allocator allocator;
	size_t		      used, peak, limit, reserve;
	size_t		      idle;    /* of used: what pools keep free */
	uint64_t	      refused; /* asked for beyond the budget */
	uint64_t	      failed;  /* the allocator itself said no */
};

void mem_init(struct mem *mem, const struct tern_allocator *allocator, size_t limit, size_t reserve);

/* Zeroed memory, or NULL. size is not 0; align is a power of two, 0 means 16. */
void *mem_get(struct mem *mem, size_t size, size_t align, enum mem_claim claim);

/* size is what mem_get() was asked for. NULL is let pass. */
void mem_put(struct mem *mem, void *block, size_t size);

/* More than 7/8 of what ordinary claims may have is used: a hint for windows and caches to give way.
 * While it is false, a claim of up to 1/8 cannot be refused. */
static inline bool mem_is_tight(const struct mem *mem)
{
	const size_t top = mem->limit - mem->reserve;

	return mem->used > top - top / 8;
}

/* Blocks of one size, last in first out. Keeps at most `keep` free blocks; the rest go back.
 * A block from pool_get() is not zeroed unless it is fresh: the caller initialises it. */
struct pool {
	struct mem *mem;
	void	   *free;
	size_t	    size, align;
	uint32_t    n_free, n_used, keep;
};

void  pool_init(struct pool *pool, struct mem *mem, size_t size, size_t align, uint32_t keep);
void *pool_get(struct pool *pool, enum mem_claim claim);
void  pool_put(struct pool *pool, void *block);
void  pool_trim(struct pool *pool); /* gives every free block back */
void  pool_done(struct pool *pool); /* as trim; asserts that none is in use */

#endif
