/* See time_wait.h for the shape of the queue.
 *
 * A chunk's places are used from slot 1 up: [1, used) were given out, `alive` of them live. The head of the
 * queue is kept alive: the first chunk's `begin` names its first living place, so that the oldest entry is
 * known at once; whoever kills it moves `begin` on. Every place is passed once, so that costs nothing much.
 *
 * Merging: when a place dies in the middle and its chunk and a neighbour together have no more than half a
 * chunk alive, the later one's entries go behind the earlier one's. Each merge moves at most 255 entries
 * and was paid for by at least as many that died. So of any two neighbours (the last chunk apart) more than
 * half a chunk lives: at most about four times the memory that the living need. */
#include "host/time_wait.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "wire/tuple.h"

enum { LAST_UNUSED = 0x7fffffff }; /* ends the chain of unused numbers */
enum { ENTRY_ALIVE = 1, ENTRY_TS_OK = 2, ENTRY_FLAGS = 3 };

struct time_wait_entry {
	struct tern_addr local, remote;
	uint32_t	 zone;
	uint16_t	 local_port, remote_port;
	uint32_t	 snd_nxt, rcv_nxt;
	uint32_t	 ts_recent, ts_offset;
	uint64_t	 until; /* ns, a multiple of 4, as two's complement; ENTRY_* in the low bits */
};

_Static_assert(sizeof(struct time_wait_entry) == 64, "TIME-WAIT entry");

struct time_wait_chunk {
	union {
		struct {
			uint32_t number, next, prev; /* chain, oldest first; TIME_WAIT_NONE ends */
			uint16_t begin, used, alive; /* places before begin are dead */
		} head;
		struct time_wait_entry place;
	} u;
	struct time_wait_entry entry[TIME_WAIT_CHUNK];
};

_Static_assert(sizeof(struct time_wait_chunk) == 32768, "TIME-WAIT chunk");

static struct time_wait_chunk *chunk_of(const struct time_wait *tw, uint32_t number)
{
	tern_assert((tw->directory[number] & 1) == 0);
	return (struct time_wait_chunk *)tw->directory[number];
}

static struct time_wait_entry *at(const struct time_wait *tw, uint32_t index)
{
	const uint32_t slot = index & TIME_WAIT_CHUNK;

	tern_assert(index >> TIME_WAIT_SLOT_BITS < tw->fresh && slot != 0);
	struct time_wait_chunk *const chunk = chunk_of(tw, index >> TIME_WAIT_SLOT_BITS);

	tern_assert(slot < chunk->u.head.used && (chunk->entry[slot - 1].until & ENTRY_ALIVE));
	return &chunk->entry[slot - 1];
}

static tern_time until_of(const struct time_wait_entry *entry)
{
	return (tern_time)(entry->until & ~(uint64_t)ENTRY_FLAGS);
}

static void tuple_of(const struct time_wait_entry *entry, struct tern_tuple *tuple)
{
	*tuple = (struct tern_tuple){ .local = entry->local,
				      .remote = entry->remote,
				      .zone = entry->zone,
				      .local_port = entry->local_port,
				      .remote_port = entry->remote_port };
}

void time_wait_init(struct time_wait *tw, struct mem *mem, tern_time lasts, uint32_t most,
		    void (*moved)(void *context, const struct tern_tuple *tuple, uint32_t from, uint32_t to),
		    void *context)
{
	const uint32_t indices = (uint32_t)TIME_WAIT_CHUNKS_MAX * TIME_WAIT_CHUNK;

	*tw = (struct time_wait){ .mem = mem,
				  .lasts = lasts,
				  .latest = INT64_MIN,
				  .most = most == 0 ? indices : min_u32(most, indices),
				  .first = TIME_WAIT_NONE,
				  .last = TIME_WAIT_NONE,
				  .unused = TIME_WAIT_NONE,
				  .moved = moved,
				  .context = context };
}

void time_wait_done(struct time_wait *tw)
{
	for (uint32_t number = tw->first; number != TIME_WAIT_NONE;) {
		struct time_wait_chunk *const chunk = chunk_of(tw, number);

		number = chunk->u.head.next;
		mem_put(tw->mem, chunk, sizeof(*chunk));
	}
	mem_put(tw->mem, tw->spare, sizeof(struct time_wait_chunk));
	mem_put(tw->mem, tw->directory, tw->room * sizeof(uintptr_t));
	*tw = (struct time_wait){
		.mem = tw->mem, .first = TIME_WAIT_NONE, .last = TIME_WAIT_NONE, .unused = TIME_WAIT_NONE
	};
}

void time_wait_trim(struct time_wait *tw)
{
	mem_put(tw->mem, tw->spare, sizeof(struct time_wait_chunk));
	tw->spare = NULL;
	if (tw->n_chunks > 0)
		return;
	mem_put(tw->mem, tw->directory, tw->room * sizeof(uintptr_t));
	tw->directory = NULL;
	tw->room = tw->fresh = 0;
	tw->unused = TIME_WAIT_NONE;
}

/* ---- chunks ---- */

/* A number that no chunk bears, or TIME_WAIT_NONE: no memory for the directory. */
static uint32_t take_number(struct time_wait *tw)
{
	if (tw->unused != TIME_WAIT_NONE) {
		const uint32_t number = tw->unused;

		tw->unused = (uint32_t)(tw->directory[number] >> 1);
		if (tw->unused == LAST_UNUSED)
			tw->unused = TIME_WAIT_NONE;
		return number;
	}
	if (tw->fresh == TIME_WAIT_CHUNKS_MAX)
		return TIME_WAIT_NONE;
	if (tw->fresh == tw->room) {
		const uint32_t	 room = tw->room == 0 ? 64 : tw->room * 2;
		uintptr_t *const directory = mem_get(tw->mem, room * sizeof(*directory), 0, MEM_ORDINARY);

		if (directory == NULL)
			return TIME_WAIT_NONE;
		if (tw->room > 0)
			memcpy(directory, tw->directory, tw->room * sizeof(*directory));
		mem_put(tw->mem, tw->directory, tw->room * sizeof(*directory));
		tw->directory = directory;
		tw->room = room;
	}
	return tw->fresh++;
}

/* A new last chunk; false: no memory. */
static bool append_chunk(struct time_wait *tw)
{
	struct time_wait_chunk *chunk = tw->spare;

	if (chunk == NULL)
		chunk = mem_get(tw->mem, sizeof(*chunk), 64, MEM_ORDINARY);
	if (chunk == NULL)
		return false;
	tw->spare = NULL;
	const uint32_t number = take_number(tw);

	if (number == TIME_WAIT_NONE) {
		tw->spare = chunk;
		return false;
	}
	tw->directory[number] = (uintptr_t)chunk;
	chunk->u.head.number = number;
	chunk->u.head.next = TIME_WAIT_NONE;
	chunk->u.head.prev = tw->last;
	chunk->u.head.begin = chunk->u.head.used = 1;
	chunk->u.head.alive = 0;
	if (tw->last == TIME_WAIT_NONE)
		tw->first = number;
	else
		chunk_of(tw, tw->last)->u.head.next = number;
	tw->last = number;
	tw->n_chunks++;
	return true;
}

static void drop_chunk(struct time_wait *tw, struct time_wait_chunk *chunk)
{
	const uint32_t number = chunk->u.head.number, next = chunk->u.head.next, prev = chunk->u.head.prev;

	tern_assert(chunk->u.head.alive == 0);
	if (prev == TIME_WAIT_NONE)
		tw->first = next;
	else
		chunk_of(tw, prev)->u.head.next = next;
	if (next == TIME_WAIT_NONE)
		tw->last = prev;
	else
		chunk_of(tw, next)->u.head.prev = prev;
	tw->directory[number] = (uintptr_t)min_u32(tw->unused, LAST_UNUSED) << 1 | 1;
	tw->unused = number;
	tw->n_chunks--;
	if (tw->spare == NULL)
		tw->spare = chunk;
	else
		mem_put(tw->mem, chunk, sizeof(*chunk));
}

/* begin moves on to the first place that lives; the chunk has one. */
static void skip_dead(struct time_wait_chunk *chunk)
{
	while (!(chunk->entry[chunk->u.head.begin - 1].until & ENTRY_ALIVE))
		chunk->u.head.begin++;
}

static void move_entry(struct time_wait *tw, struct time_wait_chunk *from, unsigned slot,
		       struct time_wait_chunk *to, unsigned to_slot)
{
	struct time_wait_entry *const entry = &to->entry[to_slot - 1];
	struct tern_tuple	      tuple;

	*entry = from->entry[slot - 1];
	if (to->u.head.used <= to_slot)
		to->u.head.used = (uint16_t)(to_slot + 1);
	if (tw->moved == NULL)
		return;
	tuple_of(entry, &tuple);
	tw->moved(tw->context, &tuple, from->u.head.number << TIME_WAIT_SLOT_BITS | slot,
		  to->u.head.number << TIME_WAIT_SLOT_BITS | to_slot);
}

/* The entries of `later` go behind those of `chunk`, which precedes it, and `later` goes. */
static void merge(struct time_wait *tw, struct time_wait_chunk *chunk, struct time_wait_chunk *later)
{
	unsigned to = 1;

	for (unsigned slot = chunk->u.head.begin; slot < chunk->u.head.used; slot++) {
		if (!(chunk->entry[slot - 1].until & ENTRY_ALIVE))
			continue;
		if (slot != to)
			move_entry(tw, chunk, slot, chunk, to);
		to++;
	}
	for (unsigned slot = later->u.head.begin; slot < later->u.head.used; slot++) {
		if (later->entry[slot - 1].until & ENTRY_ALIVE)
			move_entry(tw, later, slot, chunk, to++);
	}
	chunk->u.head.begin = 1;
	chunk->u.head.used = (uint16_t)to;
	chunk->u.head.alive = (uint16_t)(to - 1);
	later->u.head.alive = 0;
	drop_chunk(tw, later);
}

/* The last chunk is not merged: it fills up by itself. */
static void merge_with_next(struct time_wait *tw, struct time_wait_chunk *chunk)
{
	if (chunk->u.head.next == TIME_WAIT_NONE || chunk->u.head.next == tw->last)
		return;
	struct time_wait_chunk *const later = chunk_of(tw, chunk->u.head.next);

	if (chunk->u.head.alive + later->u.head.alive <= TIME_WAIT_CHUNK / 2)
		merge(tw, chunk, later);
}

/* What was the last chunk until now is judged as all others are. */
static void merge_before_last(struct time_wait *tw)
{
	if (tw->last == TIME_WAIT_NONE || chunk_of(tw, tw->last)->u.head.used > 2)
		return;
	const uint32_t before = chunk_of(tw, tw->last)->u.head.prev;

	if (before == TIME_WAIT_NONE || chunk_of(tw, before)->u.head.prev == TIME_WAIT_NONE)
		return;
	merge_with_next(tw, chunk_of(tw, chunk_of(tw, before)->u.head.prev));
}

/* ---- entries ---- */

static uint32_t append(struct time_wait *tw, const struct time_wait_entry *entry, tern_time now)
{
	if (tw->last == TIME_WAIT_NONE || chunk_of(tw, tw->last)->u.head.used > TIME_WAIT_CHUNK) {
		if (!append_chunk(tw))
			return TIME_WAIT_NONE;
	}
	struct time_wait_chunk *const chunk = chunk_of(tw, tw->last);
	const unsigned		      slot = chunk->u.head.used++;
	tern_time until = now > TERN_NEVER - 4 - tw->lasts ? TERN_NEVER - 4 : now + tw->lasts;

	until = max_i64((until + ENTRY_FLAGS) & ~(tern_time)ENTRY_FLAGS, tw->latest);
	tw->latest = until;
	chunk->entry[slot - 1] = *entry;
	chunk->entry[slot - 1].until = (uint64_t)until | (entry->until & ENTRY_FLAGS) | ENTRY_ALIVE;
	chunk->u.head.alive++;
	tw->n++;
	return chunk->u.head.number << TIME_WAIT_SLOT_BITS | slot;
}

/* It stays for 2MSL (MUST-13). */
uint32_t time_wait_add(struct time_wait *tw, const struct tern_tuple *tuple, const struct tcp_time_wait *what,
		       tern_time now)
{
	if (tw->n >= tw->most)
		return TIME_WAIT_NONE;
	const struct time_wait_entry entry = {
		.local = tuple->local,
		.remote = tuple->remote,
		.zone = tuple->zone,
		.local_port = tuple->local_port,
		.remote_port = tuple->remote_port,
		.snd_nxt = what->snd_nxt.v,
		.rcv_nxt = what->rcv_nxt.v,
		.ts_recent = what->ts_recent,
		.ts_offset = what->ts_offset,
		.until = what->ts_ok ? ENTRY_TS_OK : 0,
	};

	const uint32_t index = append(tw, &entry, now);

	merge_before_last(tw);
	return index;
}

void time_wait_remove(struct time_wait *tw, uint32_t index)
{
	at(tw, index)->until = 0;
	struct time_wait_chunk *const chunk = chunk_of(tw, index >> TIME_WAIT_SLOT_BITS);

	chunk->u.head.alive--;
	tw->n--;
	if (chunk->u.head.alive == 0) {
		/* Its neighbours are more than half full, or they had been merged with it before. */
		drop_chunk(tw, chunk);
		return;
	}
	skip_dead(chunk);
	if (chunk->u.head.prev != TIME_WAIT_NONE && chunk->u.head.number != tw->last) {
		struct time_wait_chunk *const prev = chunk_of(tw, chunk->u.head.prev);

		if (chunk->u.head.alive + prev->u.head.alive <= TIME_WAIT_CHUNK / 2) {
			merge(tw, prev, chunk);
			return;
		}
	}
	merge_with_next(tw, chunk);
}

bool time_wait_restart(struct time_wait *tw, uint32_t index, tern_time now)
{
	struct time_wait_entry *const entry = at(tw, index);
	struct time_wait_chunk *const chunk = chunk_of(tw, index >> TIME_WAIT_SLOT_BITS);
	const unsigned		      slot = index & TIME_WAIT_CHUNK;

	/* The youngest stays where it is: a peer that repeats its FIN alone leaves no dead places. */
	if (chunk->u.head.number == tw->last && slot + 1u == chunk->u.head.used) {
		const struct time_wait_entry copy = *entry;

		chunk->u.head.used--;
		chunk->u.head.alive--;
		tw->n--;
		const uint32_t same = append(tw, &copy, now);

		tern_assert(same == index);
		return true;
	}
	const struct time_wait_entry copy = *entry;
	const uint32_t		     to = append(tw, &copy, now);

	if (to == TIME_WAIT_NONE)
		return false;
	if (tw->moved != NULL) {
		struct tern_tuple tuple;

		tuple_of(&copy, &tuple);
		tw->moved(tw->context, &tuple, index, to);
	}
	time_wait_remove(tw, index);
	merge_before_last(tw);
	return true;
}

bool time_wait_is(const struct time_wait *tw, uint32_t index, const struct tern_tuple *tuple)
{
	const struct time_wait_entry *const entry = at(tw, index);

	return entry->remote_port == tuple->remote_port && entry->local_port == tuple->local_port &&
	       entry->zone == tuple->zone && addr_equal(&entry->remote, &tuple->remote) &&
	       addr_equal(&entry->local, &tuple->local);
}

void time_wait_tuple(const struct time_wait *tw, uint32_t index, struct tern_tuple *tuple)
{
	tuple_of(at(tw, index), tuple);
}

void time_wait_get(const struct time_wait *tw, uint32_t index, struct tcp_time_wait *what)
{
	const struct time_wait_entry *const entry = at(tw, index);

	*what = (struct tcp_time_wait){ .snd_nxt = seq(entry->snd_nxt),
					.rcv_nxt = seq(entry->rcv_nxt),
					.ts_recent = entry->ts_recent,
					.ts_offset = entry->ts_offset,
					.ts_ok = entry->until & ENTRY_TS_OK };
}

void time_wait_set_ts_recent(struct time_wait *tw, uint32_t index, uint32_t ts_recent)
{
	at(tw, index)->ts_recent = ts_recent;
}

tern_time time_wait_until(const struct time_wait *tw, uint32_t index)
{
	return until_of(at(tw, index));
}

uint32_t time_wait_oldest(const struct time_wait *tw)
{
	if (tw->first == TIME_WAIT_NONE)
		return TIME_WAIT_NONE;
	return tw->first << TIME_WAIT_SLOT_BITS | chunk_of(tw, tw->first)->u.head.begin;
}

tern_time time_wait_deadline(const struct time_wait *tw)
{
	const uint32_t oldest = time_wait_oldest(tw);

	return oldest == TIME_WAIT_NONE ? TERN_NEVER : time_wait_until(tw, oldest);
}

uint32_t time_wait_due(const struct time_wait *tw, tern_time now, uint32_t index[], uint32_t room)
{
	uint32_t n = 0;

	if (tw->first == TIME_WAIT_NONE)
		return 0;
	const struct time_wait_chunk *const chunk = chunk_of(tw, tw->first);

	for (unsigned slot = chunk->u.head.begin; slot < chunk->u.head.used && n < room; slot++) {
		const struct time_wait_entry *const entry = &chunk->entry[slot - 1];

		if (!(entry->until & ENTRY_ALIVE))
			continue;
		if (until_of(entry) > now)
			break;
		index[n++] = tw->first << TIME_WAIT_SLOT_BITS | slot;
	}
	return n;
}

uint32_t time_wait_from(const struct time_wait *tw, uint32_t from)
{
	for (uint32_t number = from >> TIME_WAIT_SLOT_BITS; number < tw->fresh; number++) {
		if (tw->directory[number] & 1)
			continue;
		const struct time_wait_chunk *const chunk = chunk_of(tw, number);
		const uint32_t			    base = number << TIME_WAIT_SLOT_BITS;

		for (uint32_t slot = max_u32(from, base | chunk->u.head.begin) - base;
		     slot < chunk->u.head.used; slot++)
			if (chunk->entry[slot - 1].until & ENTRY_ALIVE)
				return base | slot;
	}
	return TIME_WAIT_NONE;
}

/* ---- invariants ---- */

static uint32_t check_chunk(const struct time_wait_chunk *chunk, tern_time *before)
{
	unsigned alive = 0;

	tern_assert(chunk->u.head.begin >= 1 && chunk->u.head.begin < chunk->u.head.used);
	tern_assert(chunk->entry[chunk->u.head.begin - 1].until & ENTRY_ALIVE);
	for (unsigned slot = 1; slot < chunk->u.head.used; slot++) {
		const struct time_wait_entry *const entry = &chunk->entry[slot - 1];

		if (!(entry->until & ENTRY_ALIVE))
			continue;
		tern_assert(slot >= chunk->u.head.begin && until_of(entry) >= *before);
		*before = until_of(entry);
		alive++;
	}
	tern_assert(alive == chunk->u.head.alive);
	return alive;
}

void time_wait_check(const struct time_wait *tw)
{
	uint32_t  n = 0, n_chunks = 0, prev = TIME_WAIT_NONE;
	tern_time before = INT64_MIN;

	for (uint32_t number = tw->first; number != TIME_WAIT_NONE;) {
		const struct time_wait_chunk *const chunk = chunk_of(tw, number);

		tern_assert(chunk->u.head.number == number && chunk->u.head.prev == prev);
		n += check_chunk(chunk, &before);
		n_chunks++;
		prev = number;
		number = chunk->u.head.next;
	}
	tern_assert(prev == tw->last && n == tw->n && n_chunks == tw->n_chunks && n <= tw->most);
	tern_assert(before <= tw->latest);
}
