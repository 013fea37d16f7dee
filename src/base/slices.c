/* A list of slices from the oldest unacknowledged byte to the newest written one.
 *
 * Each slice covers [offset, offset + n) of the stream and follows the one before without a gap. The
 * head of a copied slice opens its own block, so one block is one allocation; the head of owned memory
 * comes from a pool. Copies go into the last slice while it is ours and has room.
 *
 * Two cursors make walks cheap. `newest` follows first transmissions: it only moves forward, so sending
 * at the end of a long list does not start over. `again` follows everything before it: retransmission
 * runs from the front towards `newest`, and starts from the head when it goes back.
 */
#include "base/slices.h"

#include "base/assert.h"
#include "base/bytes.h"

enum kind { OWNED, SMALL, LARGE };

struct slice {
	struct slice  *next;
	const uint8_t *bytes;
	uint32_t       offset, n;
	uint32_t       room; /* bytes of a copied slice's block behind its head; 0: owned */
	uint32_t       refs;
	enum kind      kind;
	void (*release)(void *context, const void *from, size_t n);
	void *context;
};

enum {
	SMALL_ROOM = SLICE_BLOCK_SMALL - sizeof(struct slice),
	LARGE_ROOM = SLICE_BLOCK - sizeof(struct slice),
};

/* Free blocks are kept up to this share of the budget. */
enum { KEEP_SHARE = 64, KEEP_LEAST = 1, KEEP_MOST = 64 };

static uint32_t keep(const struct mem *mem, size_t size)
{
	return (uint32_t)min_size(mem->limit / KEEP_SHARE / size + KEEP_LEAST, KEEP_MOST);
}

void slices_pool_init(struct slices_pool *pool, struct mem *mem)
{
	pool->mem = mem;
	pool_init(&pool->stores, mem, sizeof(struct slices), 0, KEEP_MOST);
	pool_init(&pool->heads, mem, sizeof(struct slice), 0, KEEP_MOST);
	pool_init(&pool->small, mem, SLICE_BLOCK_SMALL, 64, keep(mem, SLICE_BLOCK_SMALL));
	pool_init(&pool->large, mem, SLICE_BLOCK, 64, keep(mem, SLICE_BLOCK));
}

void slices_pool_trim(struct slices_pool *pool)
{
	pool_trim(&pool->stores);
	pool_trim(&pool->heads);
	pool_trim(&pool->small);
	pool_trim(&pool->large);
}

void slices_pool_done(struct slices_pool *pool)
{
	pool_done(&pool->stores);
	pool_done(&pool->heads);
	pool_done(&pool->small);
	pool_done(&pool->large);
}

struct slices *slices_new(struct slices_pool *pool, uint32_t base)
{
	struct slices *store = pool_get(&pool->stores, MEM_ORDINARY);

	if (store)
		*store = (struct slices){ .base = base, .end = base, .bytes = sizeof *store };
	return store;
}

static struct pool *pool_of(struct slices_pool *pool, enum kind kind)
{
	return kind == OWNED ? &pool->heads : kind == SMALL ? &pool->small : &pool->large;
}

static size_t size_of(enum kind kind)
{
	return kind == OWNED ? sizeof(struct slice) : kind == SMALL ? SLICE_BLOCK_SMALL : SLICE_BLOCK;
}

void slice_put(struct slices_pool *pool, struct slice *slice)
{
	tern_assert(slice->refs > 0);
	if (--slice->refs > 0)
		return;
	if (!slice->release) {
		pool_put(pool_of(pool, slice->kind), slice);
		return;
	}
	/* Copied out first: release() may write to the store again. */
	const struct slice was = *slice;

	pool_put(pool_of(pool, was.kind), slice);
	was.release(was.context, was.bytes, was.n);
}

void slice_hold(struct slice *slice)
{
	slice->refs++;
}

/* The store lets go of its oldest slice. */
static void drop_head(struct slices_pool *pool, struct slices *store)
{
	struct slice *slice = store->head;

	store->head = slice->next;
	if (!store->head)
		store->last = NULL;
	if (store->newest == slice)
		store->newest = store->head;
	if (store->again == slice)
		store->again = NULL;
	store->bytes -= size_of(slice->kind);
	slice->next = NULL;
	slice_put(pool, slice);
}

void slices_free(struct slices_pool *pool, struct slices *store)
{
	if (!store)
		return;
	while (store->head)
		drop_head(pool, store);
	pool_put(&pool->stores, store);
}

static inline struct slice *append(struct slices_pool *pool, struct slices *store, enum kind kind)
{
	struct slice *slice = pool_get(pool_of(pool, kind), MEM_ORDINARY);

	if (!slice)
		return NULL;
	*slice = (struct slice){ .offset = store->end, .refs = 1, .kind = kind };
	if (kind != OWNED) {
		slice->bytes = (const uint8_t *)(slice + 1);
		slice->room = kind == SMALL ? SMALL_ROOM : LARGE_ROOM;
	}
	if (store->last)
		store->last->next = slice;
	else
		store->head = slice;
	store->last = slice;
	store->bytes += size_of(kind);
	return slice;
}

static struct slice *append_block(struct slices_pool *pool, struct slices *store, size_t n)
{
	const bool    little = n <= SMALL_ROOM;
	/* A first write, or one between owned memory, may be all there is: 16 KiB for its few bytes each
	 * time would spend the budget. */
	const bool    alone = !store->head || store->last->kind == OWNED;
	struct slice *slice = append(pool, store, alone && little ? SMALL : LARGE);

	/* Memory is short: some progress is better than none. */
	return slice ? slice : append(pool, store, SMALL);
}

static size_t room_left(const struct slices *store)
{
	return SLICES_MAX - (store->end - store->base);
}

size_t slices_copy(struct slices_pool *pool, struct slices *store, const void *from, size_t n)
{
	size_t done = 0;

	/* A short message, and nothing before it. */
	if (!store->head && n <= SMALL_ROOM) {
		struct slice *const only = append(pool, store, SMALL);

		if (!only)
			return 0;
		memcpy(only + 1, from, n);
		only->n = (uint32_t)n;
		store->end += (uint32_t)n;
		return n;
	}
	n = min_size(n, room_left(store));
	while (done < n) {
		struct slice *slice = store->last;

		if (!slice || slice->n == slice->room || slice->kind == OWNED)
			slice = append_block(pool, store, n - done);
		if (!slice)
			break;
		const size_t step = min_size(n - done, slice->room - slice->n);

		memcpy((uint8_t *)(slice + 1) + slice->n, (const uint8_t *)from + done, step);
		slice->n += (uint32_t)step;
		store->end += (uint32_t)step;
		done += step;
	}
	return done;
}

int slices_own(struct slices_pool *pool, struct slices *store, const void *from, size_t n,
	       void (*release)(void *context, const void *from, size_t n), void *context)
{
	if (n == 0)
		return -TERN_EINVAL;
	if (n > room_left(store))
		return -TERN_ENOMEM;
	struct slice *slice = append(pool, store, OWNED);
	if (!slice)
		return -TERN_ENOMEM;
	slice->bytes = from;
	slice->n = (uint32_t)n;
	slice->release = release;
	slice->context = context;
	store->end += (uint32_t)n;
	return 0;
}

/* Whether the slice begins at or before offset, both being in the store. */
static bool reaches_back_to(const struct slices *store, const struct slice *slice, uint32_t offset)
{
	/* The first slice may begin before base: count from its own beginning. */
	return slice && offset - store->head->offset >= slice->offset - store->head->offset;
}

static struct slice *walk(struct slice *slice, uint32_t offset)
{
	while (offset - slice->offset >= slice->n)
		slice = slice->next;
	return slice;
}

/* The slice that holds offset, which is in [base, end). */
static struct slice *find(struct slices *store, uint32_t offset)
{
	if (!store->newest)
		store->newest = store->head;
	if (reaches_back_to(store, store->newest, offset))
		return store->newest = walk(store->newest, offset);
	if (!reaches_back_to(store, store->again, offset))
		store->again = store->head;
	return store->again = walk(store->again, offset);
}

size_t slices_gather(struct slices *store, uint32_t offset, uint32_t n, struct slice_part *parts, size_t room,
		     uint32_t *got)
{
	const uint32_t there = store->end - offset;
	size_t	       used = 0;

	tern_assert(offset - store->base <= store->end - store->base);
	n = min_u32(n, there);
	*got = 0;
	if (n == 0)
		return 0;
	/* All of it stands in one: so with most messages. */
	if (store->head == store->last && room > 0) {
		struct slice *const only = store->head;

		only->refs++;
		parts[0] = (struct slice_part){ only->bytes + (offset - only->offset), n, only };
		*got = n;
		return 1;
	}
	for (struct slice *slice = find(store, offset); *got < n && used < room; slice = slice->next) {
		const uint32_t skip = offset + *got - slice->offset;
		const uint32_t take = min_u32(n - *got, slice->n - skip);

		slice->refs++;
		parts[used++] = (struct slice_part){ slice->bytes + skip, take, slice };
		*got += take;
	}
	return used;
}

void slices_read(struct slices *store, uint32_t offset, void *to, uint32_t n)
{
	tern_assert(offset - store->base <= store->end - store->base && n <= store->end - offset);
	uint8_t *out = to;

	if (n == 0)
		return;
	for (const struct slice *slice = find(store, offset); n > 0; slice = slice->next) {
		const uint32_t skip = offset - slice->offset;
		const uint32_t take = min_u32(n, slice->n - skip);

		memcpy(out, slice->bytes + skip, take);
		out += take;
		offset += take;
		n -= take;
	}
}

void slices_release(struct slices_pool *pool, struct slices *store, uint32_t offset)
{
	struct slice *const only = store->head;

	tern_assert(offset - store->base <= store->end - store->base);
	store->base = offset;
	/* A short message, and nobody holds it any more. */
	if (only && offset == store->end && only == store->last && only->kind == SMALL && only->refs == 1) {
		store->head = store->last = store->newest = store->again = NULL;
		store->bytes -= SLICE_BLOCK_SMALL;
		pool_put(&pool->small, only);
		return;
	}
	while (store->head && offset - store->head->offset >= store->head->n)
		drop_head(pool, store);
}

size_t slices_bytes(const struct slices *store)
{
	return store->bytes;
}
