/* Memory of a simulated host in one place, so that all of it can be kept and brought back: a snapshot is
 * taken and restored in a few microseconds, pointers stay right, and a search can branch from any state.
 *
 * What of a large block can have changed is the caller's knowledge (hot): a chunk of 256 blocks of which two
 * are used need not be copied whole.
 */
#ifndef SUPPORT_ARENA_H
#define SUPPORT_ARENA_H

#include <tern/types.h>

enum { ARENA_BLOCKS = 192, ARENA_HOT = 3 };

struct arena_range {
	size_t at, n;
};

struct arena_block {
	size_t at, size;
	bool   used;
};

struct arena {
	uint8_t *base;
	size_t	 room;
	/* From here on: part of a snapshot. */
	size_t		   used; /* bumped */
	size_t		   live, n_live;
	unsigned	   n;
	struct arena_block block[ARENA_BLOCKS];
	/* How many ranges of a block of this size matter; 0: whole. A range of n 0: nothing. */
	unsigned (*hot)(size_t size, struct arena_range range[ARENA_HOT]);
};

void		      arena_init(struct arena *arena, size_t room);
void		      arena_done(struct arena *arena);
void		      arena_clear(struct arena *arena);
struct tern_allocator arena_allocator(struct arena *arena);

struct arena_snapshot {
	struct arena arena;
	uint8_t	    *bytes;
	size_t	     room;
};

void arena_save(const struct arena *arena, struct arena_snapshot *to);
void arena_restore(struct arena *arena, const struct arena_snapshot *from);

#endif
