/* See half_open.h. A record just made stands in no queue: prev and next are HALF_OPEN_NONE and no queue
 * names it. */
#include "host/half_open.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "wire/tuple.h"

static struct half_open *record(const struct half_opens *table, uint32_t index)
{
	return &table->chunks[index / HALF_CHUNK][index % HALF_CHUNK];
}

void half_open_init(struct half_opens *table, struct mem *mem, uint32_t most)
{
	*table = (struct half_opens){ .mem = mem, .most = most, .free = HALF_OPEN_NONE };
	for (unsigned i = 0; i < HALF_QUEUES; i++)
		table->queue[i].first = table->queue[i].last = HALF_OPEN_NONE;
}

static void give_back(struct half_opens *table)
{
	for (uint32_t i = 0; i < table->n_chunks; i++)
		mem_put(table->mem, table->chunks[i], HALF_CHUNK * sizeof(struct half_open));
	mem_put(table->mem, table->chunks, table->room * sizeof(struct half_open *));
	half_open_init(table, table->mem, table->most);
}

void half_open_done(struct half_opens *table)
{
	give_back(table);
}

void half_open_trim(struct half_opens *table)
{
	if (table->n == 0)
		give_back(table);
}

/* One more chunk; false: no memory. */
static bool grow(struct half_opens *table)
{
	if (table->n_chunks == table->room) {
		const uint32_t		 room = table->room == 0 ? 16 : table->room * 2;
		struct half_open **const chunks =
			mem_get(table->mem, room * sizeof(struct half_open *), 0, MEM_ORDINARY);

		if (chunks == NULL)
			return false;
		if (table->room > 0)
			memcpy(chunks, table->chunks, table->room * sizeof(struct half_open *));
		mem_put(table->mem, table->chunks, table->room * sizeof(struct half_open *));
		table->chunks = chunks;
		table->room = room;
	}
	struct half_open *const chunk = mem_get(table->mem, HALF_CHUNK * sizeof(*chunk), 0, MEM_ORDINARY);

	if (chunk == NULL)
		return false;
	table->chunks[table->n_chunks++] = chunk;
	return true;
}

uint32_t half_open_get(struct half_opens *table)
{
	uint32_t index = table->free;

	if (table->n >= table->most)
		return HALF_OPEN_NONE;
	if (index != HALF_OPEN_NONE)
		table->free = record(table, index)->next;
	else if (table->fresh < table->n_chunks * HALF_CHUNK || grow(table))
		index = table->fresh++;
	else
		return HALF_OPEN_NONE;
	*record(table, index) =
		(struct half_open){ .used = true, .next = HALF_OPEN_NONE, .prev = HALF_OPEN_NONE };
	table->n++;
	return index;
}

struct half_open *half_open_at(const struct half_opens *table, uint32_t index)
{
	tern_assert(index < table->fresh);
	struct half_open *const half = record(table, index);

	tern_assert(half->used);
	return half;
}

static unsigned queue_of(const struct half_open *half)
{
	return half->asking ? HALF_ASKING : min_u32(half->repeated, HALF_ASKING - 1);
}

/* Out of the queue that names it, if one does. */
static void leave_queue(struct half_opens *table, uint32_t index)
{
	struct half_open *const half = record(table, index);

	if (!half->waits)
		return;
	int ends = (half->prev == HALF_OPEN_NONE) + (half->next == HALF_OPEN_NONE);

	half->waits = false;
	for (unsigned i = 0; i < HALF_QUEUES && ends > 0; i++) { /* nearly always the first's */
		if (table->queue[i].first == index) {
			table->queue[i].first = half->next;
			ends--;
		}
		if (table->queue[i].last == index) {
			table->queue[i].last = half->prev;
			ends--;
		}
	}
	if (half->prev != HALF_OPEN_NONE)
		record(table, half->prev)->next = half->next;
	if (half->next != HALF_OPEN_NONE)
		record(table, half->next)->prev = half->prev;
	half->next = half->prev = HALF_OPEN_NONE;
}

void half_open_wait(struct half_opens *table, uint32_t index, unsigned queue, tern_time deadline)
{
	struct half_open *const half = half_open_at(table, index);

	leave_queue(table, index);
	tern_assert(queue < HALF_QUEUES && queue == queue_of(half));
	const uint32_t last = table->queue[queue].last;

	if (last == HALF_OPEN_NONE) {
		table->queue[queue].first = index;
	} else {
		record(table, last)->next = index;
		deadline = max_i64(deadline, record(table, last)->deadline);
	}
	half->deadline = deadline;
	half->waits = true;
	half->prev = last;
	table->queue[queue].last = index;
}

void half_open_put(struct half_opens *table, uint32_t index)
{
	struct half_open *const half = half_open_at(table, index);

	leave_queue(table, index);
	half->used = false;
	half->next = table->free;
	table->free = index;
	table->n--;
}

uint32_t half_open_from(const struct half_opens *table, uint32_t from)
{
	for (uint32_t index = from; index < table->fresh; index++)
		if (record(table, index)->used)
			return index;
	return HALF_OPEN_NONE;
}

uint32_t half_open_due(const struct half_opens *table, tern_time now)
{
	uint32_t due = HALF_OPEN_NONE;

	if (table->n == 0) /* asked before each sleep, and with each batch of time */
		return due;
	for (unsigned i = 0; i < HALF_QUEUES; i++) {
		const uint32_t first = table->queue[i].first;

		if (first == HALF_OPEN_NONE || record(table, first)->deadline > now)
			continue;
		if (due == HALF_OPEN_NONE || record(table, first)->deadline < record(table, due)->deadline)
			due = first;
	}
	return due;
}

tern_time half_open_deadline(const struct half_opens *table)
{
	const uint32_t due = half_open_due(table, TERN_NEVER - 1);

	return due == HALF_OPEN_NONE ? TERN_NEVER : record(table, due)->deadline;
}

bool half_open_is(const struct half_opens *table, uint32_t index, const struct tern_tuple *tuple)
{
	const struct half_open *const half = half_open_at(table, index);

	return half->remote_port == tuple->remote_port && half->local_port == tuple->local_port &&
	       half->zone == tuple->zone && addr_equal(&half->remote, &tuple->remote) &&
	       addr_equal(&half->local, &tuple->local);
}

void half_open_tuple(const struct half_opens *table, uint32_t index, struct tern_tuple *tuple)
{
	const struct half_open *const half = half_open_at(table, index);

	*tuple = (struct tern_tuple){ .local = half->local,
				      .remote = half->remote,
				      .zone = half->zone,
				      .local_port = half->local_port,
				      .remote_port = half->remote_port };
}

void half_open_check(const struct half_opens *table)
{
	uint32_t n = 0, waiting = 0;

	for (uint32_t index = 0; index < table->fresh; index++)
		n += record(table, index)->used;
	tern_assert(n == table->n && n <= table->most && table->fresh <= table->n_chunks * HALF_CHUNK);
	for (unsigned i = 0; i < HALF_QUEUES; i++) {
		uint32_t  prev = HALF_OPEN_NONE;
		tern_time before = INT64_MIN;

		for (uint32_t index = table->queue[i].first; index != HALF_OPEN_NONE;) {
			const struct half_open *const half = half_open_at(table, index);

			tern_assert(half->prev == prev && half->deadline >= before && queue_of(half) == i);
			before = half->deadline;
			prev = index;
			index = half->next;
			waiting++;
		}
		tern_assert(prev == table->queue[i].last);
	}
	tern_assert(waiting == n);
}
