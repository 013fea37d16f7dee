#include "fuzz/heap.h"

#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { HEAP_ALIGN = 65536, GAP = 16 };

static const uint64_t MARK = UINT64_C(0x7465726e66757a7a);

#if defined(__SANITIZE_ADDRESS__)
#define HEAP_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HEAP_POISONS 1
#endif
#endif

#ifdef HEAP_POISONS
#include <sanitizer/asan_interface.h>
static void poison(const uint8_t *at, size_t n)
{
	ASAN_POISON_MEMORY_REGION(at, n);
}
static void unpoison(const uint8_t *at, size_t n)
{
	ASAN_UNPOISON_MEMORY_REGION(at, n);
}
#else
static void poison(const uint8_t *at, size_t n)
{
	(void)at;
	(void)n;
}
static void unpoison(const uint8_t *at, size_t n)
{
	(void)at;
	(void)n;
}
#endif

void heap_init(struct heap *heap, size_t room)
{
	*heap = (struct heap){ .base = aligned_alloc(HEAP_ALIGN, room), .room = room };
	if (!heap->base)
		fuzz_fail("no memory for a heap");
	poison(heap->base, room);
}

void heap_clear(struct heap *heap)
{
	heap->used = heap->live = heap->n_live = 0;
	heap->n = 0;
	poison(heap->base, heap->high);
}

static struct heap_block *find(struct heap *heap, size_t size, size_t align)
{
	for (unsigned i = heap->n; i-- > 0;) {
		struct heap_block *const block = &heap->block[i];

		if (!block->used && block->size == size && block->at % align == 0)
			return block;
	}
	return NULL;
}

static struct heap_block *carve(struct heap *heap, size_t size, size_t align)
{
	const size_t at = (heap->used + align - 1) / align * align;

	if (heap->n == HEAP_BLOCKS || at + size + GAP > heap->room)
		return NULL;
	heap->used = (at + size + GAP + 15) / 16 * 16;
	if (heap->used > heap->high)
		heap->high = heap->used;
	heap->block[heap->n] = (struct heap_block){ .at = (uint32_t)at, .size = (uint32_t)size };
	return &heap->block[heap->n++];
}

static void *heap_alloc(void *context, size_t size, size_t align)
{
	struct heap *const heap = context;
	struct heap_block *block = find(heap, size, align < 16 ? 16 : align);

	if (!block)
		block = carve(heap, size, align < 16 ? 16 : align);
	if (!block)
		return NULL;
	uint8_t *const at = heap->base + block->at;
	block->used = true;
	heap->live += size;
	heap->n_live++;
	unpoison(at, size + GAP);
	memset(at, 0xa5, size < 512 ? size : 512); /* nobody may count on zeros */
	memcpy(at + size, &MARK, sizeof MARK);
	poison(at + size, GAP);
	return at;
}

static void heap_free(void *context, void *memory, size_t size)
{
	struct heap *const heap = context;
	uint8_t *const	   at = memory;

	for (unsigned i = heap->n; i-- > 0;) {
		struct heap_block *const block = &heap->block[i];

		if (!block->used || heap->base + block->at != at || block->size != size)
			continue;
		unpoison(at + size, GAP);
		if (memcmp(at + size, &MARK, sizeof MARK) != 0)
			fuzz_fail("a block of %zu bytes was written beyond its end", size);
		poison(at, size + GAP);
		block->used = false;
		heap->live -= size;
		heap->n_live--;
		return;
	}
	fuzz_fail("a block of %zu bytes given back that was not given", size);
}

struct tern_allocator heap_allocator(struct heap *heap)
{
	return (struct tern_allocator){ heap_alloc, heap_free, heap };
}

void heap_save(const struct heap *heap, struct heap_snapshot *to)
{
	size_t n = 0;

	to->block = malloc(heap->n * sizeof *to->block + 1);
	to->bytes = malloc(heap->live + 1);
	if (!to->block || !to->bytes)
		fuzz_fail("no memory for a snapshot");
	to->n = heap->n;
	to->used = heap->used;
	to->live = heap->live;
	to->n_live = heap->n_live;
	memcpy(to->block, heap->block, heap->n * sizeof *to->block);
	for (unsigned i = 0; i < heap->n; i++) {
		if (!heap->block[i].used)
			continue;
		memcpy(to->bytes + n, heap->base + heap->block[i].at, heap->block[i].size);
		n += heap->block[i].size;
	}
}

void heap_restore(struct heap *heap, const struct heap_snapshot *from)
{
	size_t n = 0;

	heap->n = from->n;
	heap->used = from->used;
	heap->live = from->live;
	heap->n_live = from->n_live;
	memcpy(heap->block, from->block, from->n * sizeof *from->block);
	poison(heap->base, heap->high);
	for (unsigned i = 0; i < from->n; i++) {
		uint8_t *const at = heap->base + from->block[i].at;
		const size_t   size = from->block[i].size;

		if (!from->block[i].used)
			continue;
		unpoison(at, size + GAP);
		memcpy(at, from->bytes + n, size);
		memcpy(at + size, &MARK, sizeof MARK);
		poison(at + size, GAP);
		n += size;
	}
}
