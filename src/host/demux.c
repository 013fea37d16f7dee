/* The connection table: linear hashing over 64-byte buckets, two choices for each entry.
 *
 * A bucket is one cache line of ten slots; a slot is a 16-bit tag and a 32-bit ref. The table keeps no
 * tuples: where a tag matches, the owner compares, and where an entry must move, the owner is asked for
 * its tuple to hash it again.
 *
 * Each hash names two buckets. The first is preferred while it has room to spare, so that most lookups
 * cost one miss; the second takes what the first cannot. Where both are full one of their twenty
 * entries is moved to its own other choice, after one there was moved to its, DEPTH deep. So the table
 * works on, ever fuller, when memory for growth is refused, and only a full one says -TERN_ENOMEM.
 *
 * Linear hashing grows by one bucket at a time: bucket n_buckets - level hands part of its entries to
 * the new one. No insertion ever pays for the whole table, and no second table lives beside it. Segments
 * of SEGMENT buckets never move. At GROW_LOAD ten-slot buckets cost 8.9 bytes an entry.
 *
 * Invariant (demux_check): an entry lies in one of the two buckets that its hash names, below `used`.
 */
#include "host/demux.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "wire/tuple.h"

enum {
	SLOTS = 10,
	SPARE = 2,	 /* the first choice is taken while this many slots stay free */
	SEGMENT = 256,	 /* buckets: 16 KiB */
	GROW_LOAD = 72,	 /* per cent of all slots */
	SHRINK_LOAD = 30,
	DEPTH = 3,	/* entries moved at most for one insertion */
};

struct demux_bucket {
	uint16_t tag[SLOTS];
	uint32_t ref[SLOTS];
	uint32_t used;
};

_Static_assert(sizeof(struct demux_bucket) == 64, "one cache line");

static struct demux_bucket *bucket_at(const struct demux *demux, uint32_t number)
{
	return &demux->segments[number / SEGMENT][number % SEGMENT];
}

/* Linear hashing: buckets below n_buckets - level are split already. */
static uint32_t fold(const struct demux *demux, uint32_t half)
{
	const uint32_t number = half & (2 * demux->level - 1);

	return number < demux->n_buckets ? number : number & (demux->level - 1);
}

static uint32_t first_choice(const struct demux *demux, uint64_t hash)
{
	return fold(demux, (uint32_t)hash);
}

static uint32_t second_choice(const struct demux *demux, uint64_t hash)
{
	return fold(demux, (uint32_t)((hash * 0x9e3779b97f4a7c15u) >> 32));
}

static uint16_t tag_of(uint64_t hash)
{
	return (uint16_t)(hash >> 48);
}

static uint64_t hash_tuple(const struct demux *demux, const struct tern_tuple *tuple)
{
	uint8_t packed[TUPLE_PACKED];

	if (tuple->zone == 0 && addr_is_v4(&tuple->local) && addr_is_v4(&tuple->remote))
		return siphash13_12(&demux->key, (uint64_t)addr_v4_of(&tuple->local) << 32 | addr_v4_of(&tuple->remote),
				    (uint32_t)tuple->local_port << 16 | tuple->remote_port);
	return siphash13(&demux->key, packed, tuple_pack(packed, tuple));
}

/* Of an entry: nobody is about to ask for it again. */
static uint64_t hash_of(const struct demux *demux, uint32_t ref)
{
	struct tern_tuple tuple;

	demux->owner.tuple(demux->owner.context, (demux_ref){ ref }, &tuple);
	return hash_tuple(demux, &tuple);
}

static void bucket_put(struct demux_bucket *bucket, uint16_t tag, uint32_t ref)
{
	tern_assert(bucket->used < SLOTS);
	bucket->tag[bucket->used] = tag;
	bucket->ref[bucket->used++] = ref;
}

static void bucket_take(struct demux_bucket *bucket, uint32_t slot)
{
	const uint32_t last = --bucket->used;

	bucket->tag[slot] = bucket->tag[last];
	bucket->ref[slot] = bucket->ref[last];
	bucket->ref[last] = 0;
}

/* ---- growing and shrinking ---- */

static bool segments_reserve(struct demux *demux)
{
	if (demux->n_segments < demux->room_segments)
		return true;
	const uint32_t room = demux->room_segments ? 2 * demux->room_segments : 8;
	struct demux_bucket **const larger = mem_get(demux->mem, room * sizeof *larger, 0, MEM_ORDINARY);

	if (!larger)
		return false;
	if (demux->segments)
		memcpy(larger, demux->segments, demux->n_segments * sizeof *larger);
	mem_put(demux->mem, demux->segments, demux->room_segments * sizeof *larger);
	demux->segments = larger;
	demux->room_segments = room;
	return true;
}

static bool segment_add(struct demux *demux)
{
	if (!segments_reserve(demux))
		return false;
	struct demux_bucket *const segment = mem_get(demux->mem, SEGMENT * sizeof *segment, 64, MEM_ORDINARY);

	if (!segment)
		return false;
	demux->segments[demux->n_segments++] = segment;
	return true;
}

/* One bucket more. False: no memory; the table goes on as it is. */
static bool split(struct demux *demux)
{
	if (demux->n_buckets == UINT32_C(1) << 30)
		return false;
	if (demux->n_buckets == demux->n_segments * SEGMENT && !segment_add(demux))
		return false;

	const uint32_t old = demux->n_buckets - demux->level, fresh = demux->n_buckets++;
	if (demux->n_buckets == 2 * demux->level)
		demux->level = demux->n_buckets;

	struct demux_bucket *const from = bucket_at(demux, old), *const to = bucket_at(demux, fresh);
	for (uint32_t i = from->used; i-- > 0;) {
		const uint64_t hash = hash_of(demux, from->ref[i]);

		if (first_choice(demux, hash) == old || second_choice(demux, hash) == old)
			continue;
		bucket_put(to, from->tag[i], from->ref[i]);
		bucket_take(from, i);
	}
	return true;
}

/* The last bucket goes back into the one it was split from, if that has room. */
static void merge(struct demux *demux)
{
	const uint32_t last = demux->n_buckets - 1;
	const uint32_t level = demux->n_buckets == demux->level ? demux->level / 2 : demux->level;
	struct demux_bucket *const from = bucket_at(demux, last), *const to = bucket_at(demux, last - level);

	if (from->used + to->used > SLOTS)
		return;
	while (from->used > 0) {
		bucket_put(to, from->tag[from->used - 1], from->ref[from->used - 1]);
		bucket_take(from, from->used - 1);
	}
	demux->level = level;
	demux->n_buckets = last;
	/* One empty segment is kept, so that a table at the border does not allocate to and fro. */
	if (last % SEGMENT == 0 && demux->n_segments > last / SEGMENT + 1) {
		mem_put(demux->mem, demux->segments[--demux->n_segments], SEGMENT * sizeof *from);
		demux->segments[demux->n_segments] = NULL;
	}
}

static uint64_t load_at(const struct demux *demux, unsigned per_cent)
{
	return (uint64_t)demux->n_buckets * SLOTS * per_cent / 100;
}

/* ---- the table ---- */

int demux_init(struct demux *demux, struct mem *mem, const struct siphash_key *key, const struct demux_owner *owner)
{
	*demux = (struct demux){ .mem = mem, .key = *key, .owner = *owner };
	demux->memo = mem_get(mem, DEMUX_MEMOS * sizeof *demux->memo, 64, MEM_ORDINARY);
	if (!demux->memo || !segment_add(demux)) {
		demux_done(demux);
		return -TERN_ENOMEM;
	}
	demux->memo->hash = hash_tuple(demux, &demux->memo->tuple); /* of zeros; its ports lead nobody to the others */
	demux->n_buckets = demux->level = SEGMENT;
	return 0;
}

void demux_done(struct demux *demux)
{
	for (uint32_t i = 0; i < demux->n_segments; i++)
		mem_put(demux->mem, demux->segments[i], SEGMENT * sizeof(struct demux_bucket));
	mem_put(demux->mem, demux->segments, demux->room_segments * sizeof *demux->segments);
	mem_put(demux->mem, demux->memo, DEMUX_MEMOS * sizeof *demux->memo);
	*demux = (struct demux){ .mem = NULL };
}

uint64_t demux_hash(const struct demux *demux, const struct tern_tuple *tuple)
{
	struct demux_memo *const memo = &demux->memo[(tuple->local_port ^ tuple->remote_port) % DEMUX_MEMOS];

	if (tuple_equal(&memo->tuple, tuple))
		return memo->hash;
	memo->tuple = *tuple;
	return memo->hash = hash_tuple(demux, tuple);
}

void demux_prefetch(const struct demux *demux, uint64_t hash)
{
	__builtin_prefetch(bucket_at(demux, first_choice(demux, hash)));
}

demux_ref demux_guess(const struct demux *demux, uint64_t hash)
{
	const struct demux_bucket *const bucket = bucket_at(demux, first_choice(demux, hash));
	const uint16_t			 tag = tag_of(hash);

	for (uint32_t i = 0; i < bucket->used; i++)
		if (bucket->tag[i] == tag)
			return (demux_ref){ bucket->ref[i] };
	return (demux_ref){ 0 };
}

static demux_ref find_in(const struct demux *demux, uint32_t number, const struct tern_tuple *tuple, uint16_t tag)
{
	const struct demux_bucket *const bucket = bucket_at(demux, number);

	for (uint32_t i = 0; i < bucket->used; i++) {
		const demux_ref ref = { bucket->ref[i] };

		if (bucket->tag[i] == tag && demux->owner.is(demux->owner.context, ref, tuple))
			return ref;
	}
	return (demux_ref){ 0 };
}

demux_ref demux_find_hash(const struct demux *demux, const struct tern_tuple *tuple, uint64_t hash)
{
	const uint32_t	first = first_choice(demux, hash), second = second_choice(demux, hash);
	const demux_ref found = find_in(demux, first, tuple, tag_of(hash));

	return found.v != 0 || first == second ? found : find_in(demux, second, tuple, tag_of(hash));
}

demux_ref demux_find(const struct demux *demux, const struct tern_tuple *tuple)
{
	return demux_find_hash(demux, tuple, demux_hash(demux, tuple));
}

/* A bucket of the two with a free slot; NULL: both are full. */
static struct demux_bucket *roomy(const struct demux *demux, uint64_t hash)
{
	struct demux_bucket *const first = bucket_at(demux, first_choice(demux, hash));

	if (first->used + SPARE < SLOTS)
		return first;
	struct demux_bucket *const second = bucket_at(demux, second_choice(demux, hash));
	struct demux_bucket *const emptier = first->used <= second->used ? first : second;
	return emptier->used < SLOTS ? emptier : NULL;
}

/* Moves one entry of the full bucket to its other choice; where that is full too, one of that first. The
 * depth bounds the work: ten to its power, and so many calls deep. */
static bool make_room(struct demux *demux, uint32_t number, int depth)
{
	struct demux_bucket *const bucket = bucket_at(demux, number);

	for (uint32_t i = 0; i < bucket->used; i++) {
		const uint32_t ref = bucket->ref[i];
		const uint64_t hash = hash_of(demux, ref);
		const uint32_t first = first_choice(demux, hash);
		const uint32_t other = first == number ? second_choice(demux, hash) : first;
		struct demux_bucket *const to = bucket_at(demux, other);

		if (other == number || (to->used == SLOTS && (depth == 1 || !make_room(demux, other, depth - 1))))
			continue;
		if (bucket->used < SLOTS)
			return true;
		if (bucket->ref[i] != ref) /* the way led through this very bucket */
			continue;
		bucket_put(to, tag_of(hash), ref);
		bucket_take(bucket, i);
		return true;
	}
	return false;
}

static struct demux_bucket *force_room(struct demux *demux, uint64_t hash)
{
	for (int depth = 1; depth <= DEPTH; depth++)
		if (make_room(demux, first_choice(demux, hash), depth) ||
		    make_room(demux, second_choice(demux, hash), depth))
			return roomy(demux, hash);
	return NULL;
}

int demux_insert(struct demux *demux, const struct tern_tuple *tuple, demux_ref ref)
{
	const uint64_t hash = demux_hash(demux, tuple);

	tern_assert(ref.v != 0);
	if (demux->n >= load_at(demux, GROW_LOAD))
		(void)split(demux); /* no memory: fuller buckets serve as well */
	struct demux_bucket *bucket = roomy(demux, hash);
	if (!bucket)
		bucket = force_room(demux, hash);
	if (!bucket)
		return -TERN_ENOMEM;
	bucket_put(bucket, tag_of(hash), ref.v);
	demux->n++;
	return 0;
}

/* The slot of ref among the buckets of hash; NULL: it is not there. */
static struct demux_bucket *locate(const struct demux *demux, uint64_t hash, demux_ref ref, uint32_t *slot)
{
	const uint32_t numbers[2] = { first_choice(demux, hash), second_choice(demux, hash) };

	for (int n = 0; n < 2; n++) {
		struct demux_bucket *const bucket = bucket_at(demux, numbers[n]);

		for (uint32_t i = 0; i < bucket->used; i++)
			if (bucket->ref[i] == ref.v) {
				*slot = i;
				return bucket;
			}
	}
	return NULL;
}

void demux_replace(struct demux *demux, const struct tern_tuple *tuple, demux_ref old, demux_ref ref)
{
	uint32_t slot;
	struct demux_bucket *const bucket = locate(demux, demux_hash(demux, tuple), old, &slot);

	tern_assert(bucket != NULL && ref.v != 0);
	bucket->ref[slot] = ref.v;
}

bool demux_remove(struct demux *demux, const struct tern_tuple *tuple, demux_ref ref)
{
	uint32_t slot;
	struct demux_bucket *const bucket = locate(demux, demux_hash(demux, tuple), ref, &slot);

	if (!bucket)
		return false;
	bucket_take(bucket, slot);
	demux->n--;
	if (demux->n_buckets > SEGMENT && demux->n < load_at(demux, SHRINK_LOAD))
		merge(demux);
	return true;
}

void demux_check(const struct demux *demux)
{
	uint32_t n = 0;

	for (uint32_t b = 0; b < demux->n_buckets; b++) {
		const struct demux_bucket *const bucket = bucket_at(demux, b);

		tern_assert(bucket->used <= SLOTS);
		n += bucket->used;
		for (uint32_t i = 0; i < bucket->used; i++) {
			const uint64_t hash = hash_of(demux, bucket->ref[i]);

			tern_assert(bucket->tag[i] == tag_of(hash));
			tern_assert(first_choice(demux, hash) == b || second_choice(demux, hash) == b);
		}
	}
	tern_assert(n == demux->n);
}
