/* A hierarchical wheel (Varghese and Lauck), placed by the highest digit that differs.
 *
 * A tick has eight digits of six bits. An entry for tick t stands, while the wheel is at T, on the level of
 * the highest digit in which t and T differ, in the slot of t's digit there; level 0 if they are equal.
 * Hence: entries on level 0 of one slot all have the same tick; a slot above level 0 lies ahead of
 * the wheel's own digit; everything on a lower level comes before everything on a higher one. So the next
 * thing to do is found by one bit scan of the lowest level that has anything ahead, and empty ticks cost
 * nothing. When the wheel comes to the first tick of a slot above level 0, the slot's entries are placed
 * again, on lower levels, in their order.
 *
 * Nodes are taken from one array of chunks and linked by index, so that placing again takes no memory and
 * cannot fail, and the array never moves.
 */
#include "base/wheel.h"

#include "base/assert.h"
#include "base/bytes.h"

enum { DIGIT_BITS = 6, DIGIT = WHEEL_SLOTS - 1, FIRST_DIRECTORY = 8 };

enum { CHUNK_BYTES = WHEEL_CHUNK * sizeof(struct wheel_node) };

#define NO_NODE	 UINT32_MAX
#define TICK_MAX ((UINT64_C(1) << DIGIT_BITS * WHEEL_LEVELS) - 1)

void wheel_init(struct wheel *wheel, struct mem *mem, tern_time now)
{
	*wheel = (struct wheel){ .mem = mem, .origin = now, .free = NO_NODE };
}

static struct wheel_node *node(const struct wheel *wheel, uint32_t i)
{
	return &wheel->chunks[i / WHEEL_CHUNK][i % WHEEL_CHUNK];
}

/* Frees the chunks from the k-th on. */
static void put_chunks(struct wheel *wheel, uint32_t k)
{
	while (wheel->n_chunks > k)
		mem_put(wheel->mem, wheel->chunks[--wheel->n_chunks], CHUNK_BYTES);
	if (k > 0 || !wheel->chunks)
		return;
	mem_put(wheel->mem, wheel->chunks, wheel->room_chunks * sizeof(struct wheel_node *));
	wheel->chunks = NULL;
	wheel->room_chunks = 0;
}

void wheel_done(struct wheel *wheel)
{
	put_chunks(wheel, 0);
	wheel_init(wheel, wheel->mem, wheel->origin);
}

/* Ticks that have passed at t; 0 before the origin. */
static uint64_t ticks_until(const struct wheel *wheel, tern_time t)
{
	return t <= wheel->origin ? 0 : ((uint64_t)t - (uint64_t)wheel->origin) >> WHEEL_TICK_BITS;
}

uint64_t wheel_tick(const struct wheel *wheel, tern_time deadline)
{
	uint64_t tick = ticks_until(wheel, deadline);

	if (deadline > wheel->origin && ((uint64_t)deadline - (uint64_t)wheel->origin) % WHEEL_TICK != 0)
		tick++;
	return tick > wheel->tick ? tick : wheel->tick;
}

static bool grow_directory(struct wheel *wheel)
{
	const uint32_t	    room = wheel->room_chunks ? wheel->room_chunks * 2 : FIRST_DIRECTORY;
	struct wheel_node **chunks = mem_get(wheel->mem, room * sizeof *chunks, 0, MEM_ORDINARY);

	if (!chunks)
		return false;
	if (wheel->chunks)
		memcpy(chunks, wheel->chunks, wheel->n_chunks * sizeof *chunks);
	mem_put(wheel->mem, wheel->chunks, wheel->room_chunks * sizeof *chunks);
	wheel->chunks = chunks;
	wheel->room_chunks = room;
	return true;
}

/* One more chunk, its nodes free in their order. */
static bool grow(struct wheel *wheel)
{
	if (wheel->n_chunks == NO_NODE / WHEEL_CHUNK) /* indices end */
		return false;
	if (wheel->n_chunks == wheel->room_chunks && !grow_directory(wheel))
		return false;
	struct wheel_node *chunk = mem_get(wheel->mem, CHUNK_BYTES, 0, MEM_ORDINARY);
	if (!chunk)
		return false;
	const uint32_t first = wheel->n_chunks * WHEEL_CHUNK;

	for (uint32_t i = 0; i < WHEEL_CHUNK; i++)
		chunk[i].next = first + i + 1;
	chunk[WHEEL_CHUNK - 1].next = wheel->free;
	wheel->chunks[wheel->n_chunks++] = chunk;
	wheel->free = first;
	return true;
}

static unsigned digit(uint64_t tick, unsigned level)
{
	return (unsigned)(tick >> level * DIGIT_BITS) & DIGIT;
}

/* Puts node i at the end of the slot that is right for tick at the wheel's present position. */
static void place(struct wheel *wheel, uint32_t i, uint64_t tick)
{
	const uint64_t	   differs = tick ^ wheel->tick;
	const unsigned	   level = differs ? (63u - (unsigned)__builtin_clzll(differs)) / DIGIT_BITS : 0;
	const unsigned	   at = digit(tick, level);
	struct wheel_slot *slot = &wheel->slots[level][at];

	node(wheel, i)->next = NO_NODE;
	if (wheel->occupied[level] >> at & 1)
		node(wheel, slot->last)->next = i;
	else
		slot->first = i;
	slot->last = i;
	wheel->occupied[level] |= UINT64_C(1) << at;
}

bool wheel_add(struct wheel *wheel, uint64_t tick, uint32_t id)
{
	if (wheel->free == NO_NODE && !grow(wheel))
		return false;
	const uint32_t	   i = wheel->free;
	struct wheel_node *added = node(wheel, i);

	wheel->free = added->next;
	added->tick = tick;
	added->id = id;
	wheel->n++;
	if (tick < wheel->tick)
		tick = wheel->tick;
	place(wheel, i, tick < TICK_MAX ? tick : TICK_MAX);
	return true;
}

/* The lowest level with a slot ahead of the wheel's own digit; *first is that slot's first tick.
 * WHEEL_LEVELS: there is none. */
static unsigned level_ahead(const struct wheel *wheel, uint64_t *first)
{
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		/* Twice, as a shift by 64 is undefined. */
		const uint64_t ahead = wheel->occupied[level] >> digit(wheel->tick, level) >> 1;

		if (ahead == 0)
			continue;
		const unsigned shift = level * DIGIT_BITS;
		const uint64_t steps = 1 + (uint64_t)__builtin_ctzll(ahead);

		*first = ((wheel->tick >> shift) + steps) << shift;
		return level;
	}
	return WHEEL_LEVELS;
}

/* Places the entries of the wheel's own slot on level again: it has come to their first tick. */
static void cascade(struct wheel *wheel, unsigned level)
{
	const unsigned at = digit(wheel->tick, level);
	uint32_t       i = wheel->slots[level][at].first;

	wheel->occupied[level] &= ~(UINT64_C(1) << at);
	while (i != NO_NODE) {
		const uint32_t next = node(wheel, i)->next;
		const uint64_t tick = node(wheel, i)->tick;

		place(wheel, i, tick < TICK_MAX ? tick : TICK_MAX);
		i = next;
	}
}

static void take(struct wheel *wheel, struct wheel_entry *entry)
{
	const unsigned	   at = digit(wheel->tick, 0);
	struct wheel_slot *slot = &wheel->slots[0][at];
	const uint32_t	   i = slot->first;
	struct wheel_node *taken = node(wheel, i);

	*entry = (struct wheel_entry){ .tick = taken->tick, .id = taken->id };
	if (taken->next == NO_NODE)
		wheel->occupied[0] &= ~(UINT64_C(1) << at);
	slot->first = taken->next;
	taken->next = wheel->free;
	wheel->free = i;
	wheel->n--;
}

static bool has_due(const struct wheel *wheel)
{
	return wheel->occupied[0] >> digit(wheel->tick, 0) & 1;
}

bool wheel_next(struct wheel *wheel, tern_time now, struct wheel_entry *entry)
{
	const uint64_t target = ticks_until(wheel, now);

	if (target < wheel->tick)
		return false;
	while (!has_due(wheel)) {
		uint64_t       first = 0;
		const unsigned level = level_ahead(wheel, &first);

		if (level == WHEEL_LEVELS || first > target) {
			wheel->tick = target;
			return false;
		}
		wheel->tick = first;
		if (level > 0)
			cascade(wheel, level);
	}
	take(wheel, entry);
	return true;
}

tern_time wheel_deadline(const struct wheel *wheel)
{
	uint64_t tick = wheel->tick;

	if (wheel->n == 0)
		return TERN_NEVER;
	if (!has_due(wheel) && level_ahead(wheel, &tick) == WHEEL_LEVELS)
		return TERN_NEVER;
	/* Beyond the end of time is as good as its last moment. */
	const uint64_t left = (uint64_t)TERN_NEVER - 1 - (uint64_t)wheel->origin;

	if (tick > left >> WHEEL_TICK_BITS)
		return TERN_NEVER - 1;
	return (tern_time)((uint64_t)wheel->origin + (tick << WHEEL_TICK_BITS));
}

/* Moves every node of one slot's queue that lies at or beyond `room` to a free one below it. */
static void move_down(struct wheel *wheel, struct wheel_slot *slot, uint32_t room)
{
	uint32_t *link = &slot->first;

	for (; *link != NO_NODE; link = &node(wheel, *link)->next) {
		if (*link >= room) {
			const uint32_t to = wheel->free;

			wheel->free = node(wheel, to)->next;
			*node(wheel, to) = *node(wheel, *link);
			*link = to;
		}
		slot->last = *link;
	}
}

void wheel_trim(struct wheel *wheel)
{
	const uint32_t chunks = (wheel->n + WHEEL_CHUNK - 1) / WHEEL_CHUNK, room = chunks * WHEEL_CHUNK;
	uint32_t       kept = NO_NODE;

	if (chunks == wheel->n_chunks)
		return;
	/* Only free nodes below room stay free: there are enough of them for all that lie beyond. */
	for (uint32_t i = wheel->free; i != NO_NODE;) {
		const uint32_t next = node(wheel, i)->next;

		if (i < room) {
			node(wheel, i)->next = kept;
			kept = i;
		}
		i = next;
	}
	wheel->free = kept;
	for (unsigned level = 0; level < WHEEL_LEVELS; level++)
		for (uint64_t left = wheel->occupied[level]; left != 0; left &= left - 1)
			move_down(wheel, &wheel->slots[level][__builtin_ctzll(left)], room);
	put_chunks(wheel, chunks);
}
