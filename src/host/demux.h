/* The table that finds what an arriving segment belongs to (DESIGN 5.5): connection blocks, half-open
 * entries and TIME-WAIT entries, by tuple.
 */
#ifndef HOST_DEMUX_H
#define HOST_DEMUX_H

#include "base/mem.h"
#include "base/siphash.h"
#include <tern/types.h>

enum demux_kind { DEMUX_NOTHING, DEMUX_BLOCK, DEMUX_HALF_OPEN, DEMUX_TIME_WAIT };

/* Kind in the top two bits, index below: what a slot holds. 0 names nothing. */
typedef struct demux_ref {
	uint32_t v;
} demux_ref;

enum { DEMUX_INDEX_BITS = 30 };

static inline demux_ref demux_ref_of(enum demux_kind kind, uint32_t index)
{
	return (demux_ref){ (uint32_t)kind << DEMUX_INDEX_BITS | index };
}

static inline enum demux_kind demux_ref_kind(demux_ref ref)
{
	return (enum demux_kind)(ref.v >> DEMUX_INDEX_BITS);
}

static inline uint32_t demux_ref_index(demux_ref ref)
{
	return ref.v & ((UINT32_C(1) << DEMUX_INDEX_BITS) - 1);
}

/* How the table reads the tuples of what it names; it keeps none of its own. */
struct demux_owner {
	bool (*is)(void *context, demux_ref ref, const struct tern_tuple *tuple);
	void (*tuple)(void *context, demux_ref ref, struct tern_tuple *tuple);
	void *context;
};

struct demux_bucket;

/* Hashes asked for lately: what arrives is looked up, and what comes of it is put into the table, moved or taken out
 * by the same tuple. */
enum { DEMUX_MEMOS = 32 };

struct demux_memo {
	struct tern_tuple tuple;
	uint64_t	  hash;
};

struct demux {
	struct mem	     *mem;
	struct siphash_key    key;
	struct demux_owner    owner;
	struct demux_memo    *memo; /* DEMUX_MEMOS of them, each found by its ports */
	struct demux_bucket **segments;
	uint32_t	      n_segments, room_segments;
	uint32_t	      n_buckets, level; /* level: the power of two at or below n_buckets */
	uint32_t	      n;		/* entries */
};

int  demux_init(struct demux *demux, struct mem *mem, const struct siphash_key *key,
		const struct demux_owner *owner); /* 0 or -TERN_ENOMEM */
void demux_done(struct demux *demux);

/* The hash of a tuple, for the functions below: 27 ns where it was not asked for lately. */
uint64_t demux_hash(const struct demux *demux, const struct tern_tuple *tuple);
/* Touches the buckets of a hash, some time before they are looked at. */
void demux_prefetch(const struct demux *demux, uint64_t hash);
/* The entry that the hash probably names, by its tag alone; v 0: none. For prefetching its record. */
demux_ref demux_guess(const struct demux *demux, uint64_t hash);
/* v 0: nothing. */
demux_ref demux_find_hash(const struct demux *demux, const struct tern_tuple *tuple, uint64_t hash);
demux_ref demux_find(const struct demux *demux, const struct tern_tuple *tuple);

/* The tuple is not in the table. 0, or -TERN_ENOMEM: no room could be made. The record that ref names
 * must answer the owner's calls before it is inserted. */
int demux_insert(struct demux *demux, const struct tern_tuple *tuple, demux_ref ref);
/* In place: asserts that old is there. Allocates nothing, so it cannot fail. */
void demux_replace(struct demux *demux, const struct tern_tuple *tuple, demux_ref old, demux_ref ref);
/* False: it was not there. */
bool demux_remove(struct demux *demux, const struct tern_tuple *tuple, demux_ref ref);

/* Asserts that every entry lies where it is looked for. */
void demux_check(const struct demux *demux);

#endif
