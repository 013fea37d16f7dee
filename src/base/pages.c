/* A ring of page addresses, a power of two of them, indexed by page number modulo its length.
 *
 * The ring stands for the pages from that of `base` on. It doubles when a byte beyond it is written;
 * the numbers of pages are 20 bits, of which every ring length is a divisor, so the wrap of the stream
 * offset needs no thought. The first ring is inside the store: a little traffic costs one store
 * and one page.
 */
#include "base/pages.h"

#include "base/assert.h"
#include "base/bytes.h"

enum { RING_INLINE = 4, PAGES_REACH = 1 << 30 };

/* Free blocks are kept up to this share of the budget. */
enum { KEEP_SHARE = 64, KEEP_LEAST = 2, KEEP_MOST = 256, KEEP_STORES = 64 };

struct pages {
	uint8_t **ring;
	uint32_t  room; /* of the ring */
	uint32_t  base;
	uint32_t  n; /* pages held */
	uint8_t	 *inline_ring[RING_INLINE];
};

void pages_pool_init(struct pages_pool *pool, struct mem *mem)
{
	const size_t keep = mem->limit / KEEP_SHARE / PAGE_BYTES;

	pool->mem = mem;
	pool->unit = sum_unit_best();
	pool_init(&pool->stores, mem, sizeof(struct pages), _Alignof(struct pages), KEEP_STORES);
	pool_init(&pool->pages, mem, PAGE_BYTES, 64, (uint32_t)min_size(keep + KEEP_LEAST, KEEP_MOST));
}

void pages_pool_trim(struct pages_pool *pool)
{
	pool_trim(&pool->stores);
	pool_trim(&pool->pages);
}

void pages_pool_done(struct pages_pool *pool)
{
	pool_done(&pool->stores);
	pool_done(&pool->pages);
}

struct pages *pages_new(struct pages_pool *pool, uint32_t base, enum mem_claim claim)
{
	struct pages *store = pool_get(&pool->stores, claim);

	if (!store)
		return NULL;
	*store = (struct pages){ .room = RING_INLINE, .base = base };
	store->ring = store->inline_ring;
	return store;
}

/* The place of the page that lies i pages after the base's. */
static uint8_t **place(const struct pages *store, uint32_t i)
{
	return &store->ring[(store->base / PAGE_BYTES + i) & (store->room - 1)];
}

static void drop(struct pages_pool *pool, struct pages *store, uint32_t i)
{
	uint8_t **page = place(store, i);

	if (!*page)
		return;
	pool_put(&pool->pages, *page);
	*page = NULL;
	store->n--;
}

static void put_ring(struct pages_pool *pool, struct pages *store)
{
	if (store->ring != store->inline_ring)
		mem_put(pool->mem, store->ring, store->room * sizeof(uint8_t *));
}

void pages_free(struct pages_pool *pool, struct pages *store)
{
	if (!store)
		return;
	for (uint32_t i = 0; i < store->room && store->n > 0; i++)
		drop(pool, store, i);
	put_ring(pool, store);
	pool_put(&pool->stores, store);
}

/* Makes the ring reach the page i after the base's. */
static bool reach(struct pages_pool *pool, struct pages *store, uint32_t i, enum mem_claim claim)
{
	uint32_t room = store->room;

	if (i < room)
		return true;
	while (room <= i)
		room *= 2;
	uint8_t **ring = mem_get(pool->mem, room * sizeof *ring, 0, claim);
	if (!ring)
		return false;
	for (uint32_t k = 0; k < store->room; k++)
		ring[(store->base / PAGE_BYTES + k) & (room - 1)] = *place(store, k);
	put_ring(pool, store);
	store->ring = ring;
	store->room = room;
	return true;
}

/* The same where it is not there yet. */
static __attribute__((noinline)) uint8_t *take_page(struct pages_pool *pool, struct pages *store, uint32_t i,
						    enum mem_claim claim)
{
	if (!reach(pool, store, i, claim))
		return NULL;
	uint8_t **page = place(store, i);

	if (!*page) {
		*page = pool_get(&pool->pages, claim);
		store->n += *page != NULL;
	}
	return *page;
}

/* The page i after the base's, taken if it was not there. NULL: no memory. */
static uint8_t *page_at(struct pages_pool *pool, struct pages *store, uint32_t i, enum mem_claim claim)
{
	uint8_t *const page = i < store->room ? *place(store, i) : NULL;

	return page ? page : take_page(pool, store, i, claim);
}

/* Bytes from the start of the base's page to offset. */
static uint32_t from_base_page(const struct pages *store, uint32_t offset)
{
	return offset - store->base + store->base % PAGE_BYTES;
}

size_t pages_write(struct pages_pool *pool, struct pages *store, uint32_t offset, const uint8_t *from,
		   size_t n, enum mem_claim claim)
{
	const uint32_t at = from_base_page(store, offset);
	size_t	       done = 0, step;

	tern_assert(n <= PAGES_REACH && offset - store->base <= PAGES_REACH - n);
	if (at % PAGE_BYTES + n <= PAGE_BYTES) { /* most, of what is short */
		uint8_t *const page = page_at(pool, store, at / PAGE_BYTES, claim);

		if (page)
			memcpy(page + at % PAGE_BYTES, from, n);
		return page ? n : 0;
	}
	for (; done < n; done += step) {
		const uint32_t to = at + (uint32_t)done;
		uint8_t *const page = page_at(pool, store, to / PAGE_BYTES, claim);

		if (!page)
			break;
		step = min_size(n - done, PAGE_BYTES - to % PAGE_BYTES);
		memcpy(page + to % PAGE_BYTES, from + done, step);
	}
	return done;
}

size_t pages_write_sum(struct pages_pool *pool, struct pages *store, uint32_t offset, const uint8_t *from, size_t n,
		       enum mem_claim claim, uint32_t *sum)
{
	const uint32_t at = from_base_page(store, offset);
	size_t	       done = 0, step;

	tern_assert(n <= PAGES_REACH && offset - store->base <= PAGES_REACH - n);
	for (; done < n; done += step) {
		const uint32_t to = at + (uint32_t)done;
		uint8_t *const page = page_at(pool, store, to / PAGE_BYTES, claim);

		if (!page)
			break;
		uint8_t *const there = page + to % PAGE_BYTES;

		step = min_size(n - done, PAGE_BYTES - to % PAGE_BYTES);
		*sum = done % 2 == 0 ? pool->unit->copy(*sum, there, from + done, step) :
				       sum_join(*sum, pool->unit->copy(0, there, from + done, step), 1);
	}
	return done;
}

size_t pages_peek(const struct pages *store, uint32_t offset, size_t most, const uint8_t **at)
{
	const uint32_t where = from_base_page(store, offset);

	if (offset - store->base >= PAGES_REACH || where / PAGE_BYTES >= store->room)
		return 0;
	const uint8_t *page = *place(store, where / PAGE_BYTES);

	if (!page)
		return 0;
	*at = page + where % PAGE_BYTES;
	return min_size(most, PAGE_BYTES - where % PAGE_BYTES);
}

struct pages *pages_new_with(struct pages_pool *pool, uint32_t base, const uint8_t *from, size_t n,
			     enum mem_claim claim)
{
	const uint32_t at = base % PAGE_BYTES;
	struct pages  *store;
	uint8_t	      *page;

	if (n > PAGE_BYTES - at)
		return NULL;
	store = pages_new(pool, base, claim);
	if (!store)
		return NULL;
	page = pool_get(&pool->pages, claim);
	if (!page) {
		pool_put(&pool->stores, store);
		return NULL;
	}
	*place(store, 0) = page;
	store->n = 1;
	memcpy(page + at, from, n);
	return store;
}

bool pages_read_out(struct pages_pool *pool, struct pages *store, uint32_t offset, void *to, size_t n)
{
	const uint32_t where = from_base_page(store, offset);
	uint8_t *const page = *place(store, 0);

	if (store->n != 1 || store->ring != store->inline_ring || !page || where >= PAGE_BYTES ||
	    n > PAGE_BYTES - where)
		return false;
	memcpy(to, page + where, n);
	pool_put(&pool->pages, page);
	pool_put(&pool->stores, store);
	return true;
}

void pages_release(struct pages_pool *pool, struct pages *store, uint32_t offset)
{
	const uint32_t passed = from_base_page(store, offset) / PAGE_BYTES;

	tern_assert(offset - store->base <= PAGES_REACH);
	for (uint32_t i = 0; i < passed && i < store->room && store->n > 0; i++)
		drop(pool, store, i);
	store->base = offset;
}

void pages_cut(struct pages_pool *pool, struct pages *store, uint32_t offset)
{
	tern_assert(offset - store->base <= PAGES_REACH);
	const uint32_t first = (from_base_page(store, offset) + PAGE_BYTES - 1) / PAGE_BYTES;

	for (uint32_t i = first; i < store->room && store->n > 0; i++)
		drop(pool, store, i);
}

size_t pages_bytes(const struct pages *store)
{
	const size_t ring = store->ring == store->inline_ring ? 0 : store->room * sizeof(uint8_t *);

	return sizeof *store + ring + (size_t)store->n * PAGE_BYTES;
}
