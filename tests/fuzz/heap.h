/* The memory of hosts under test in one place, so that a run begins from a snapshot instead of building its world
 * anew. Pointers stay right, since everything comes back to where it was.
 *
 * Each block is followed by a gap: poisoned under the address sanitizer (as is what was given back), a mark that is
 * looked at when the block is given back in other builds. A heap that is full says no, as an allocator may.
 */
#ifndef FUZZ_HEAP_H
#define FUZZ_HEAP_H

#include <tern/types.h>

enum { HEAP_BLOCKS = 4096 };

struct heap_block {
	uint32_t at, size;
	bool	 used;
};

struct heap {
	uint8_t *base;
	size_t	 room, high; /* high: what was ever used */
	/* From here on: part of a snapshot. */
	size_t		  used;
	size_t		  live, n_live; /* bytes, blocks */
	unsigned	  n;
	struct heap_block block[HEAP_BLOCKS];
};

struct heap_snapshot {
	struct heap_block *block;
	unsigned	   n;
	size_t		   used, live, n_live;
	uint8_t		  *bytes;
};

void		      heap_init(struct heap *heap, size_t room); /* room: a multiple of 64 KiB */
struct tern_allocator heap_allocator(struct heap *heap);
void		      heap_clear(struct heap *heap);

/* A snapshot lasts as long as the program. */
void heap_save(const struct heap *heap, struct heap_snapshot *to);
void heap_restore(struct heap *heap, const struct heap_snapshot *from);

#endif
