#include "tcp/flight.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "tcp/flight_index.h"

enum { GUESSES = 4 };

_Static_assert(sizeof(struct flight_record) <= 56, "one is kept for each segment in flight");

/* ---- room ---- */

static size_t block_size(uint32_t room)
{
	return room * sizeof(struct flight_record) + index_words(room) * sizeof(uint64_t);
}

static void put_ring(const struct flight *flight, struct mem *mem)
{
	if (flight->ring != flight->few)
		mem_put(mem, flight->ring, block_size(flight->room));
}

uint32_t flight_number(const struct flight *flight, uint32_t place)
{
	return place == FLIGHT_NONE ? FLIGHT_NONE : (place - flight->head) & (flight->room - 1);
}

/* Into a ring of so much room, which holds all; the first record comes to stand at place 0. */
static bool move(struct flight *flight, struct mem *mem, uint32_t room)
{
	struct flight_record *const ring = mem_get(mem, block_size(room), 0, MEM_ORDINARY);

	if (!ring)
		return false;
	for (uint32_t i = 0; i < flight->n; i++) {
		ring[i] = *flight_at(flight, i);
		ring[i].older = flight_number(flight, ring[i].older);
		ring[i].younger = flight_number(flight, ring[i].younger);
	}
	flight->oldest = flight_number(flight, flight->oldest);
	flight->youngest = flight_number(flight, flight->youngest);
	put_ring(flight, mem);
	flight->ring = ring;
	flight->room = room;
	flight->head = 0;
	index_begin(flight, (uint64_t *)(void *)(ring + room));
	index_fill(flight);
	return true;
}

bool flight_make_room(struct flight *flight, struct mem *mem, uint32_t n)
{
	uint32_t room = max_u32(flight->room, FLIGHT_ROOM_FIRST);

	if (!flight->ring) {
		flight->ring = flight->few;
		flight->room = FLIGHT_FEW;
		flight->oldest = flight->youngest = FLIGHT_NONE;
		index_begin(flight, flight->few_words);
		if (n <= FLIGHT_FEW)
			return true;
	}
	while (room < flight->n + n)
		room *= 2;
	return move(flight, mem, room);
}

void flight_shrink(struct flight *flight, struct mem *mem)
{
	(void)move(flight, mem, flight->room / 4); /* no memory to move to: it stays */
}

void flight_let_go(const struct flight *flight, struct mem *mem)
{
	put_ring(flight, mem);
}

void flight_release(struct flight *flight, struct mem *mem)
{
	put_ring(flight, mem);
	*flight = (struct flight){ 0 };
}

/* ---- sent ---- */

void flight_push(struct flight *flight, seq_t seq, uint16_t len, uint8_t flags, struct rate *rate, tern_time now)
{
	struct flight_record *record;

	tern_assert(flight->n < flight->room && len > 0);
	record = flight_at(flight, flight->n);
	if (flight->n == 0)
		flight->highest_sacked = flight->settled = seq;
	*record = (struct flight_record){ .seq = seq, .len = len, .flags = flags, .times = 1 };
	rate_sent(rate, record, flight->in_flight, now);
	flight->n++;
	flight->in_flight += len;
	index_append(flight, record);
	bits_put(&flight->sets[FLIGHT_OPEN], flight_place(flight, record));
}

void flight_push_run(struct flight *flight, seq_t seq, uint32_t n, uint16_t len, struct rate *rate, tern_time now)
{
	const uint32_t mask = flight->room - 1, first = (flight->head + flight->n) & mask;
	const uint32_t to_end = min_u32(n, flight->room - first); /* the rest stands at the ring's beginning */
	struct flight_record record = { .seq = seq, .len = len, .times = 1, .older = flight->youngest };
	uint32_t place = first;

	tern_assert(n > 0 && n <= flight->room - flight->n && len > 0);
	if (flight->n == 0)
		flight->highest_sacked = flight->settled = seq;
	rate_sent(rate, &record, flight->in_flight, now);
	if (flight->youngest == FLIGHT_NONE)
		flight->oldest = first;
	else
		flight->ring[flight->youngest].younger = first;
	for (uint32_t i = 0; i < n; i++) {
		flight->youngest = place;
		place = (place + 1) & mask;
		record.younger = place;
		flight->ring[flight->youngest] = record;
		record.older = flight->youngest;
		record.seq = seq_add(record.seq, len);
		record.in_flight += len;
	}
	flight->ring[flight->youngest].younger = FLIGHT_NONE;
	flight->n += n;
	flight->in_flight += n * len;
	bits_put_run(&flight->sets[FLIGHT_OPEN], first, to_end);
	bits_put_run(&flight->sets[FLIGHT_OPEN], 0, n - to_end);
}

struct flight_record *flight_oldest(const struct flight *flight)
{
	return flight->in_flight > 0 ? &flight->ring[flight->oldest] : NULL;
}

struct flight_record *flight_younger(const struct flight *flight, const struct flight_record *record)
{
	return record->younger == FLIGHT_NONE ? NULL : &flight->ring[record->younger];
}

struct flight_record *flight_last(const struct flight *flight)
{
	return flight->n > 0 ? flight_at(flight, flight->n - 1) : NULL;
}

/* ---- delivered ---- */

struct flight_report flight_report_begin(const struct flight *flight)
{
	return (struct flight_report){ .sent_at = TERN_NEVER, .fack = flight->highest_sacked };
}

static bool is_younger(const struct flight_record *a, const struct flight_record *b)
{
	return a->sent_at > b->sent_at || (a->sent_at == b->sent_at && seq_gt(flight_end(a), flight_end(b)));
}

/* A record that was not known to have arrived did, whole. youngest: of this ACK so far, or NULL. */
static const struct flight_record *delivered(struct flight *flight, const struct flight_record *record,
					     const struct flight_record *youngest, struct flight_report *report)
{
	if (record->flags & FLIGHT_LOST)
		report->revived = true;
	if (!(record->flags & FLIGHT_AGAIN)) {
		report->reordered |= seq_lt(flight_end(record), report->fack);
		if (report->sent_at == TERN_NEVER || record->sent_at > report->sent_at ||
		    (record->sent_at == report->sent_at && seq_gt(flight_end(record), report->sent_end))) {
			report->sent_at = record->sent_at;
			report->sent_end = flight_end(record);
		}
	}
	flight->highest_sacked = seq_max(flight->highest_sacked, flight_end(record));
	return !youngest || is_younger(record, youngest) ? record : youngest;
}

static void note_youngest(struct flight_report *report, const struct flight_record *record)
{
	if (!record || (report->any && !is_younger(record, &report->youngest)))
		return;
	report->youngest = *record;
	report->any = true;
}

/* `octets` of it leave pipe or what was lost; whole: and the record itself. */
static void no_more_in_flight(struct flight *flight, struct flight_record *record, uint32_t octets)
{
	const bool whole = octets == record->len;

	if (record->flags & FLIGHT_LOST) {
		flight->lost_octets -= octets;
		if (!whole)
			return;
		flight->n_lost--;
		bits_take(&flight->sets[FLIGHT_SET_LOST], flight_place(flight, record));
		return;
	}
	flight->in_flight -= octets;
	if (whole)
		index_remove(flight, record);
}

/* The front record leaves, or loses its first octets. */
static void take_off_front(struct flight *flight, struct flight_record *record, uint32_t octets)
{
	const bool sacked = record->flags & FLIGHT_SACKED;

	if (sacked)
		flight->sacked -= octets;
	else
		no_more_in_flight(flight, record, octets);
	if (octets < record->len) {
		record->seq = seq_add(record->seq, octets);
		record->len = (uint16_t)(record->len - octets);
		record->flags &= (uint8_t)~FLIGHT_SYN;
		return;
	}
	bits_take(&flight->sets[sacked ? FLIGHT_SET_SACKED : FLIGHT_OPEN], flight->head);
	flight->n_sacked -= sacked;
	flight->head = (flight->head + 1) & (flight->room - 1);
	flight->n--;
}

/* The n records from the front, of so many octets, which follow each other in the list by time from its beginning, are
 * gone. */
static void forget_front(struct flight *flight, struct flight_record *last, uint32_t n, uint32_t octets)
{
	const uint32_t to_end = min_u32(n, flight->room - flight->head);

	flight->oldest = last->younger;
	if (last->younger == FLIGHT_NONE)
		flight->youngest = FLIGHT_NONE;
	else
		flight->ring[last->younger].older = FLIGHT_NONE;
	last->older = last->younger = FLIGHT_NONE;
	bits_take_run(&flight->sets[FLIGHT_OPEN], flight->head, to_end);
	bits_take_run(&flight->sets[FLIGHT_OPEN], 0, n - to_end);
	flight->in_flight -= octets;
	flight->n -= n;
	flight->head = (flight->head + n) & (flight->room - 1);
}

/* Records from the front that una acknowledges whole, each of them sent once, in flight, and next by time as by number:
 * what most ACKs acknowledge, and nothing else of most. Each does what the loop below would, but what the last says is
 * the most that any says (and the first's end the least). The last of them, or NULL. */
static const struct flight_record *ack_run(struct flight *flight, seq_t una, struct flight_report *report)
{
	const uint32_t mask = flight->room - 1;
	uint32_t place = flight->head, octets = 0, n = 0;
	struct flight_record *last = NULL;

	if (flight->n == 0 || flight->oldest != place || seq_le(una, flight->ring[place].seq))
		return NULL;
	const uint32_t all = seq_sub(una, flight->ring[place].seq);
	while (n < flight->n) {
		struct flight_record *const record = &flight->ring[place];

		if (record->flags & (FLIGHT_SACKED | FLIGHT_LOST | FLIGHT_AGAIN) || record->len > all - octets)
			break;
		octets += record->len;
		n++;
		last = record;
		place = (place + 1) & mask;
		if (record->younger != place) /* but for a record that was unpacked they go on so */
			break;
	}
	if (!last)
		return NULL;
	report->acked += octets;
	report->records += n;
	report->delivered += octets;
	report->reordered |= seq_lt(flight_end(flight_at(flight, 0)), report->fack);
	forget_front(flight, last, n, octets);
	return delivered(flight, last, NULL, report);
}

void flight_ack(struct flight *flight, seq_t una, struct flight_report *report)
{
	const struct flight_record *youngest = ack_run(flight, una, report);

	while (flight->n > 0) {
		struct flight_record *const record = flight_at(flight, 0);
		uint32_t octets;

		if (seq_le(una, record->seq))
			break;
		octets = min_u32(seq_sub(una, record->seq), record->len);
		report->again |= (record->flags & FLIGHT_AGAIN) != 0;
		report->acked += octets;
		report->cut = octets < record->len;
		report->records += !report->cut;
		if (!(record->flags & FLIGHT_SACKED)) {
			report->delivered += octets;
			if (!report->cut)
				youngest = delivered(flight, record, youngest, report);
		}
		take_off_front(flight, record, octets);
	}
	flight->highest_sacked = seq_max(flight->highest_sacked, una);
	flight->settled = seq_max(flight->settled, una);
	note_youngest(report, youngest);
}

/* The number of the first record that begins at or after `seq`. The numbers themselves say about where:
 * records are mostly of one length. Where guesses do not come near, halves do. */
static uint32_t find_from(const struct flight *flight, seq_t seq)
{
	uint32_t low = 0, high = flight->n - 1;

	if (flight->n == 0 || seq_le(seq, flight_at(flight, 0)->seq))
		return 0;
	if (seq_gt(seq, flight_at(flight, high)->seq))
		return flight->n;
	for (unsigned guesses = 0; high - low > 1; guesses++) { /* low begins before seq, high does not */
		const seq_t from = flight_at(flight, low)->seq;
		uint32_t middle = low + (high - low) / 2;

		if (guesses < GUESSES) {
			const uint32_t span = seq_sub(flight_at(flight, high)->seq, from);

			middle = low + (uint32_t)((uint64_t)seq_sub(seq, from) * (high - low) / span);
			middle = max_u32(low + 1, min_u32(middle, high - 1));
		}
		if (seq_lt(flight_at(flight, middle)->seq, seq))
			low = middle;
		else
			high = middle;
	}
	return high;
}

struct flight_record *flight_find(const struct flight *flight, seq_t seq)
{
	const uint32_t i = find_from(flight, seq);

	return i < flight->n && seq_eq(flight_at(flight, i)->seq, seq) ? flight_at(flight, i) : NULL;
}

uint32_t flight_sack(struct flight *flight, seq_t left, seq_t right, struct flight_report *report)
{
	const struct flight_record *youngest = NULL;
	uint32_t octets = 0, i = index_next(flight, FLIGHT_OPEN, find_from(flight, left));

	for (; i != FLIGHT_NONE; i = index_next(flight, FLIGHT_OPEN, i + 1)) {
		struct flight_record *const record = flight_at(flight, i);

		if (seq_gt(flight_end(record), right))
			break;
		youngest = delivered(flight, record, youngest, report);
		no_more_in_flight(flight, record, record->len);
		record->flags = (uint8_t)((record->flags | FLIGHT_SACKED) & ~FLIGHT_LOST);
		bits_take(&flight->sets[FLIGHT_OPEN], flight_place(flight, record));
		bits_put(&flight->sets[FLIGHT_SET_SACKED], flight_place(flight, record));
		flight->n_sacked++;
		octets += record->len;
	}
	flight->sacked += octets;
	report->sacked += octets;
	report->delivered += octets;
	note_youngest(report, youngest);
	return octets;
}

void flight_forget_sacks(struct flight *flight)
{
	uint32_t i;

	if (flight->sacked == 0)
		return;
	index_merge(flight, FLIGHT_SET_SACKED);
	while ((i = index_next(flight, FLIGHT_SET_SACKED, 0)) != FLIGHT_NONE) {
		struct flight_record *const record = flight_at(flight, i);

		record->flags &= (uint8_t)~FLIGHT_SACKED;
		bits_take(&flight->sets[FLIGHT_SET_SACKED], flight_place(flight, record));
		bits_put(&flight->sets[FLIGHT_OPEN], flight_place(flight, record));
		flight->in_flight += record->len;
	}
	flight->sacked = flight->n_sacked = 0;
	flight->settled = flight_at(flight, 0)->seq;
}

seq_t flight_sacked_from(const struct flight *flight, uint32_t octets)
{
	uint32_t i = flight->n, sum = 0;

	while (sum < octets) {
		i = index_before(flight, FLIGHT_SET_SACKED, i);
		tern_assert(i != FLIGHT_NONE);
		sum += flight_at(flight, i)->len;
	}
	return flight_at(flight, i)->seq;
}

struct flight_record *flight_unsettled(struct flight *flight, seq_t edge)
{
	uint32_t i;

	if (flight->n == 0)
		return NULL;
	i = index_next(flight, FLIGHT_OPEN, find_from(flight, flight->settled));
	for (; i != FLIGHT_NONE; i = index_next(flight, FLIGHT_OPEN, i + 1)) {
		struct flight_record *const record = flight_at(flight, i);

		flight->settled = record->seq;
		if (seq_gt(flight_end(record), edge))
			return NULL;
		flight->settled = flight_end(record);
		if (flight_counts(record) && !(record->flags & FLIGHT_AGAIN))
			return record;
	}
	flight->settled = flight_end(flight_last(flight));
	return NULL;
}

uint32_t flight_lose_below(struct flight *flight, seq_t edge, struct rate *rate)
{
	struct flight_record *record;
	uint32_t octets = 0;

	while ((record = flight_unsettled(flight, edge)))
		if (flight_lose(flight, record, rate))
			octets += record->len;
	return octets;
}

/* ---- soundness ---- */

bool flight_rebuild(struct flight *flight)
{
	uint32_t number = flight->oldest, older = FLIGHT_NONE;

	if (flight->n == 0)
		return true;
	index_fill(flight);
	flight->oldest = number == FLIGHT_NONE ? FLIGHT_NONE : (flight->head + number) & (flight->room - 1);
	for (uint32_t steps = 0; number != FLIGHT_NONE; steps++) {
		struct flight_record *record;

		if (number >= flight->n || steps == flight->n)
			return false;
		record = flight_at(flight, number);
		number = record->younger;
		record->older = older;
		record->younger = number == FLIGHT_NONE ? FLIGHT_NONE : (flight->head + number) & (flight->room - 1);
		older = flight_place(flight, record);
	}
	flight->youngest = older;
	return true;
}

bool flight_is_sound(const struct flight *flight, seq_t una, seq_t nxt)
{
	uint32_t in_flight = 0, sacked = 0, n_sacked = 0, n_lost = 0, lost = 0;
	seq_t at = una;

	for (uint32_t i = 0; i < flight->n; i++) {
		const struct flight_record *const record = flight_at(flight, i);
		const bool is_lost = record->flags & FLIGHT_LOST, is_sacked = record->flags & FLIGHT_SACKED;

		if (!seq_eq(record->seq, at) || record->len == 0 || (is_lost && is_sacked))
			return false;
		at = flight_end(record);
		in_flight += flight_counts(record) ? record->len : 0;
		sacked += is_sacked ? record->len : 0;
		n_sacked += is_sacked;
		n_lost += is_lost;
		lost += is_lost ? record->len : 0;
	}
	if (flight->n > 0 && (!seq_le(una, flight->settled) || !seq_le(flight->settled, nxt) ||
			      !seq_le(una, flight->highest_sacked) || !seq_le(flight->highest_sacked, nxt)))
		return false;
	return seq_eq(at, nxt) && in_flight == flight->in_flight && sacked == flight->sacked &&
	       n_sacked == flight->n_sacked &&
	       n_lost == flight->n_lost && lost == flight->lost_octets && index_is_sound(flight);
}
