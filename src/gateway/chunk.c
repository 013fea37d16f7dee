#include "gateway/chunk.h"

#include <stdlib.h>

struct chunks *chunks_new(size_t max)
{
	struct chunks *const chunks = calloc(1, sizeof *chunks);

	if (chunks)
		chunks->max = max;
	return chunks;
}

void chunks_delete(struct chunks *chunks)
{
	if (!chunks)
		return;
	while (chunks->free) {
		void *const at = chunks->free;

		chunks->free = *(void **)at;
		free(at);
	}
	free(chunks);
}

uint8_t *chunk_get(struct chunks *chunks)
{
	void *at = chunks->free;

	if (at) {
		chunks->free = *(void **)at;
		chunks->n_free--;
		return at;
	}
	if (chunks->n == chunks->max || !(at = aligned_alloc(CHUNK_SIZE, CHUNK_SIZE)))
		return NULL;
	chunks->n++;
	return at;
}

void chunk_put(struct chunks *chunks, const void *within)
{
	void *const at = (void *)((uintptr_t)within & ~(uintptr_t)(CHUNK_SIZE - 1));

	if (chunks->n_free == CHUNK_KEPT) {
		chunks->n--;
		free(at);
		return;
	}
	*(void **)at = chunks->free;
	chunks->free = at;
	chunks->n_free++;
}

void chunk_release(void *chunks, const void *from, size_t n)
{
	(void)n;
	chunk_put(chunks, from);
}
