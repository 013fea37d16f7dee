#include "script/script.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 16384 };

struct script_arena {
	struct script_arena *next;
	size_t		     used, room;
	max_align_t	     bytes[];
};

void *arena_get(struct script_arena **arena, size_t n)
{
	struct script_arena *block = *arena;
	const size_t	     size = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	void		    *at;

	if (!block || block->room - block->used < size) {
		const size_t room = size > BLOCK ? size : BLOCK;

		block = calloc(1, sizeof *block + room);
		if (!block) {
			fputs("tern: script: no memory\n", stderr);
			exit(1);
		}
		block->room = room;
		block->next = *arena;
		*arena = block;
	}
	at = (char *)block->bytes + block->used;
	block->used += size;
	return at;
}

char *arena_text(struct script_arena **arena, const char *from, size_t n)
{
	char *const to = arena_get(arena, n + 1);

	memcpy(to, from, n);
	return to;
}

void arena_free(struct script_arena *arena)
{
	while (arena) {
		struct script_arena *const next = arena->next;

		free(arena);
		arena = next;
	}
}
