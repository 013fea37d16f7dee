#include "support/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_ALIGN = 65536 };

void arena_init(struct arena *arena, size_t room)
{
	*arena = (struct arena){ .base = aligned_alloc(ARENA_ALIGN, room), .room = room };
}

void arena_done(struct arena *arena)
{
	free(arena->base);
}

void arena_clear(struct arena *arena)
{
	arena->used = arena->live = arena->n_live = 0;
	arena->n = 0;
}

static void *arena_alloc(void *context, size_t size, size_t align)
{
	struct arena *const arena = context;
	struct arena_block *block = NULL;

	for (unsigned i = 0; i < arena->n && !block; i++)
		if (!arena->block[i].used && arena->block[i].size == size && arena->block[i].at % align == 0)
			block = &arena->block[i];
	if (!block) {
		const size_t at = (arena->used + align - 1) / align * align;

		if (arena->n == ARENA_BLOCKS || at + size > arena->room) {
			fprintf(stderr, "arena: full at %zu blocks, %zu bytes\n", (size_t)arena->n,
				arena->used);
			abort();
		}
		block = &arena->block[arena->n++];
		*block = (struct arena_block){ .at = at, .size = size };
		arena->used = at + size;
	}
	block->used = true;
	arena->live += size;
	arena->n_live++;
	return arena->base + block->at;
}

static void arena_free(void *context, void *memory, size_t size)
{
	struct arena *const arena = context;
	const size_t	    at = (size_t)((uint8_t *)memory - arena->base);

	for (unsigned i = 0; i < arena->n; i++) {
		struct arena_block *const block = &arena->block[i];

		if (block->used && block->at == at && block->size == size) {
			block->used = false;
			arena->live -= size;
			arena->n_live--;
			return;
		}
	}
	fprintf(stderr, "arena: a block of %zu bytes given back that was not given\n", size);
	abort();
}

struct tern_allocator arena_allocator(struct arena *arena)
{
	return (struct tern_allocator){ arena_alloc, arena_free, arena };
}

/* Copies between the arena and a snapshot's bytes; NULL: only counts. Returns how many. */
static size_t walk(const struct arena *arena, uint8_t *bytes, bool save)
{
	size_t n = 0;

	for (unsigned i = 0; i < arena->n; i++) {
		const struct arena_block *const block = &arena->block[i];
		struct arena_range		range[ARENA_HOT] = { { 0, block->size } };
		unsigned			ranges = 1;

		if (!block->used)
			continue;
		if (arena->hot) {
			const unsigned hot = arena->hot(block->size, range);

			ranges = hot ? hot : 1;
		}
		for (unsigned k = 0; k < ranges; k++) {
			uint8_t *const at = arena->base + block->at + range[k].at;

			if (bytes && save)
				memcpy(bytes + n, at, range[k].n);
			else if (bytes)
				memcpy(at, bytes + n, range[k].n);
			n += range[k].n;
		}
	}
	return n;
}

void arena_save(const struct arena *arena, struct arena_snapshot *to)
{
	const size_t need = walk(arena, NULL, true);

	if (need > to->room) {
		to->room = need * 2;
		to->bytes = realloc(to->bytes, to->room);
	}
	to->arena = *arena;
	walk(arena, to->bytes, true);
}

void arena_restore(struct arena *arena, const struct arena_snapshot *from)
{
	*arena = from->arena;
	walk(arena, from->bytes, false);
}
