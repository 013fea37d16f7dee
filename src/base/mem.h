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

/* A free block: its first bytes lead to the next. */
struct pool_block {
	struct pool_block *next;
};

/* Blocks of one size, last in first out. Keeps at most `keep` free blocks; the rest go back.
 * A block from pool_get() is not zeroed unless it is fresh: the caller initialises it. */
struct pool {
	struct mem	  *mem;
	struct pool_block *free;
	size_t		   size, align;
	uint32_t	   n_free, n_used, keep;
};

void  pool_init(struct pool *pool, struct mem *mem, size_t size, size_t align, uint32_t keep);
void *pool_get_fresh(struct pool *pool, enum mem_claim claim); /* the same where none is free, or memory is short */
void  pool_put_over(struct pool *pool, void *block);	       /* the same where enough are free, or of NULL */

/* Several times for each message, and so inline. */
static inline void *pool_get(struct pool *pool, enum mem_claim claim)
{
	struct mem *const	 mem = pool->mem;
	struct pool_block *const block = pool->free;

	/* What is idle is in `used` already, so that a block that is free fits wherever all that is used does. */
	if (!block || (claim != MEM_RESERVED && mem->used > mem->limit - mem->reserve))
		return pool_get_fresh(pool, claim);
	pool->free = block->next;
	pool->n_free--;
	pool->n_used++;
	mem->idle -= pool->size;
	return block;
}

static inline void pool_put(struct pool *pool, void *block)
{
	struct pool_block *const freed = block;

	if (!block || pool->n_used == 0 || pool->n_free >= pool->keep) {
		pool_put_over(pool, block);
		return;
	}
	pool->n_used--;
	freed->next = pool->free;
	pool->free = freed;
	pool->n_free++;
	pool->mem->idle += pool->size;
}

void  pool_trim(struct pool *pool); /* gives every free block back */
void  pool_done(struct pool *pool); /* as trim; asserts that none is in use */

#endif
