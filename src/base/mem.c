/* The budget and its pools. The invariants: idle <= used <= limit, and an ordinary claim leaves
 * used - idle <= limit - reserve, so that what is reserved can never be eaten by ordinary use.
 */
#include "base/mem.h"

#include "base/assert.h"
#include "base/bytes.h"

enum { MEM_ALIGN = 16 };

void mem_init(struct mem *mem, const struct tern_allocator *allocator, size_t limit, size_t reserve)
{
	*mem = (struct mem){ .allocator = *allocator, .limit = limit, .reserve = min_size(reserve, limit) };
}

static size_t ceiling(const struct mem *mem, enum mem_claim claim)
{
	return claim == MEM_RESERVED ? mem->limit : mem->limit - mem->reserve;
}

/* Whether size more than `held` stays below what the claim may reach. No sum that could wrap. */
static bool fits(const struct mem *mem, size_t held, size_t size, enum mem_claim claim)
{
	const size_t top = ceiling(mem, claim);

	return held <= top && size <= top - held;
}

void *mem_get(struct mem *mem, size_t size, size_t align, enum mem_claim claim)
{
	tern_assert(size > 0);
	tern_assert((align & (align - 1)) == 0);
	if (!fits(mem, mem->used, size, claim)) {
		mem->refused++;
		return NULL;
	}
	void *block = mem->allocator.alloc(mem->allocator.context, size, align ? align : MEM_ALIGN);
	if (!block) {
		mem->failed++;
		return NULL;
	}
	memset(block, 0, size);
	mem->used += size;
	if (mem->used > mem->peak)
		mem->peak = mem->used;
	return block;
}

void mem_put(struct mem *mem, void *block, size_t size)
{
	if (!block)
		return;
	tern_assert(size <= mem->used - mem->idle);
	mem->used -= size;
	mem->allocator.free(mem->allocator.context, block, size);
}

void pool_init(struct pool *pool, struct mem *mem, size_t size, size_t align, uint32_t keep)
{
	if (size < sizeof(struct pool_block))
		size = sizeof(struct pool_block);
	if (align < _Alignof(struct pool_block))
		align = MEM_ALIGN;
	*pool = (struct pool){ .mem = mem, .size = size, .align = align, .keep = keep };
}

void *pool_get_fresh(struct pool *pool, enum mem_claim claim)
{
	struct mem	  *mem = pool->mem;
	struct pool_block *block = pool->free;

	if (!block) {
		void *fresh = mem_get(mem, pool->size, pool->align, claim);

		pool->n_used += fresh != NULL;
		return fresh;
	}
	if (!fits(mem, mem->used - mem->idle, pool->size, claim)) {
		mem->refused++;
		return NULL;
	}
	pool->free = block->next;
	pool->n_free--;
	pool->n_used++;
	mem->idle -= pool->size;
	return block;
}

void pool_put_over(struct pool *pool, void *block)
{
	if (!block)
		return;
	tern_assert(pool->n_used > 0);
	pool->n_used--;
	mem_put(pool->mem, block, pool->size);
}

void pool_trim(struct pool *pool)
{
	while (pool->free) {
		struct pool_block *block = pool->free;

		pool->free = block->next;
		pool->n_free--;
		pool->mem->idle -= pool->size;
		mem_put(pool->mem, block, pool->size);
	}
	tern_assert(pool->n_free == 0);
}

void pool_done(struct pool *pool)
{
	pool_trim(pool);
	tern_assert(pool->n_used == 0);
}
