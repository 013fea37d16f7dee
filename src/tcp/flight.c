#include "tcp/flight.h"
#include "base/assert.h"
#include "base/bytes.h"

enum { FLIGHT_ROOM_FIRST = 16 };

static bool counts_as_in_flight(const struct flight_record *record)
{
	return !(record->flags & (FLIGHT_SACKED | FLIGHT_LOST));
}

static seq_t record_end(const struct flight_record *record)
{
	return seq_add(record->seq, record->len);
}

static void put_ring(struct flight *flight, struct mem *mem)
{
	if (flight->ring != flight->few)
		mem_put(mem, flight->ring, flight->room * sizeof *flight->ring);
}

bool flight_reserve(struct flight *flight, struct mem *mem, uint32_t n)
{
	uint32_t room = max_u32(flight->room, FLIGHT_ROOM_FIRST);
	struct flight_record *ring;

	if (flight->n + n <= flight->room)
		return true;
	if (!flight->ring && n <= FLIGHT_FEW) {
		flight->ring = flight->few;
		flight->room = FLIGHT_FEW;
		return true;
	}
	while (room < flight->n + n)
		room *= 2;
	ring = mem_get(mem, room * sizeof *ring, 0, MEM_ORDINARY);
	if (!ring)
		return false;
	for (uint32_t i = 0; i < flight->n; i++)
		ring[i] = *flight_at(flight, i);
	put_ring(flight, mem);
	flight->ring = ring;
	flight->room = room;
	flight->head = 0;
	return true;
}

void flight_release(struct flight *flight, struct mem *mem)
{
	put_ring(flight, mem);
	*flight = (struct flight){ 0 };
}

void flight_push(struct flight *flight, seq_t seq, uint16_t len, uint8_t flags, tern_time now)
{
	tern_assert(flight->n < flight->room && len > 0);
	*flight_at(flight, flight->n++) = (struct flight_record){
		.sent_at = now, .seq = seq, .len = len, .flags = flags, .times = 1,
	};
	flight->in_flight += len;
}

/* The front record leaves, or loses its first octets. */
static void take_off_front(struct flight *flight, struct flight_record *record, uint16_t octets)
{
	if (counts_as_in_flight(record))
		flight->in_flight -= octets;
	if (record->flags & FLIGHT_SACKED)
		flight->sacked -= octets;
	if (octets < record->len) {
		record->seq = seq_add(record->seq, octets);
		record->len = (uint16_t)(record->len - octets);
		record->flags &= (uint8_t)~FLIGHT_SYN;
		return;
	}
	if (record->flags & FLIGHT_LOST)
		flight->lost--;
	flight->head = (flight->head + 1) & (flight->room - 1);
	flight->n--;
	if (flight->lost_from > 0)
		flight->lost_from--;
}

void flight_ack(struct flight *flight, seq_t una, struct flight_acked *acked)
{
	*acked = (struct flight_acked){ .sent_at = TERN_NEVER };
	while (flight->n > 0) {
		struct flight_record *const record = flight_at(flight, 0);
		const uint8_t flags = record->flags;
		uint32_t octets;

		if (seq_le(una, record->seq))
			break;
		octets = min_u32(seq_sub(una, record->seq), record->len);
		acked->again |= (flags & FLIGHT_AGAIN) != 0;
		acked->octets += octets;
		if (octets == record->len) {
			acked->records++;
			if (!(flags & (FLIGHT_AGAIN | FLIGHT_SACKED)))
				acked->sent_at = record->sent_at;
		}
		acked->cut = octets < record->len;
		take_off_front(flight, record, (uint16_t)octets);
	}
}

/* The first record that begins at or after `seq`: they are sorted. */
static uint32_t find_from(const struct flight *flight, seq_t seq)
{
	uint32_t low = 0, high = flight->n;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (seq_lt(flight_at(flight, middle)->seq, seq))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t flight_sack(struct flight *flight, seq_t left, seq_t right)
{
	uint32_t octets = 0;

	for (uint32_t i = find_from(flight, left); i < flight->n; i++) {
		struct flight_record *const record = flight_at(flight, i);

		if (seq_gt(record_end(record), right))
			break;
		if (record->flags & FLIGHT_SACKED)
			continue;
		if (record->flags & FLIGHT_LOST)
			flight->lost--;
		else
			flight->in_flight -= record->len;
		record->flags = (uint8_t)((record->flags | FLIGHT_SACKED) & ~FLIGHT_LOST);
		if (flight->sacked == 0 || seq_gt(record_end(record), flight->highest_sacked))
			flight->highest_sacked = record_end(record);
		flight->sacked += record->len;
		octets += record->len;
	}
	return octets;
}

void flight_forget_sacks(struct flight *flight)
{
	for (uint32_t i = 0; i < flight->n && flight->sacked > 0; i++) {
		struct flight_record *const record = flight_at(flight, i);

		if (!(record->flags & FLIGHT_SACKED))
			continue;
		record->flags &= (uint8_t)~FLIGHT_SACKED;
		flight->sacked -= record->len;
		flight->in_flight += record->len;
	}
}

static uint32_t lose(struct flight *flight, uint32_t i)
{
	struct flight_record *const record = flight_at(flight, i);

	if (!counts_as_in_flight(record))
		return 0;
	record->flags |= FLIGHT_LOST;
	flight->in_flight -= record->len;
	flight->lost++;
	if (i < flight->lost_from)
		flight->lost_from = i;
	return record->len;
}

uint32_t flight_lose_first(struct flight *flight)
{
	return flight->n > 0 ? lose(flight, 0) : 0;
}

uint32_t flight_lose_all(struct flight *flight)
{
	uint32_t octets = 0;

	for (uint32_t i = 0; i < flight->n; i++)
		octets += lose(flight, i);
	return octets;
}

uint32_t flight_lose_longer(struct flight *flight, uint32_t most)
{
	uint32_t octets = 0;

	for (uint32_t i = 0; i < flight->n; i++)
		if (flight_at(flight, i)->len > most)
			octets += lose(flight, i);
	return octets;
}

uint32_t flight_lose_below(struct flight *flight, seq_t edge)
{
	uint32_t octets = 0;

	for (uint32_t i = 0; i < flight->n; i++) {
		const struct flight_record *const record = flight_at(flight, i);

		if (seq_gt(record_end(record), edge))
			break;
		if (!(record->flags & FLIGHT_AGAIN))
			octets += lose(flight, i);
	}
	return octets;
}

seq_t flight_sacked_from(const struct flight *flight, uint32_t octets)
{
	uint32_t i = flight->n, sum = 0;

	while (i > 0 && sum < octets) {
		const struct flight_record *const record = flight_at(flight, --i);

		sum += record->flags & FLIGHT_SACKED ? record->len : 0;
	}
	tern_assert(sum >= octets);
	return flight_at(flight, i)->seq;
}

struct flight_record *flight_first_lost(struct flight *flight)
{
	if (flight->lost == 0)
		return NULL;
	for (uint32_t i = flight->lost_from; i < flight->n; i++) {
		if (flight_at(flight, i)->flags & FLIGHT_LOST) {
			flight->lost_from = i;
			return flight_at(flight, i);
		}
	}
	tern_assert(false);
	return NULL;
}

void flight_resent(struct flight *flight, struct flight_record *record, tern_time now)
{
	if (record->flags & FLIGHT_LOST) {
		record->flags &= (uint8_t)~FLIGHT_LOST;
		flight->lost--;
		flight->in_flight += record->len;
	}
	record->flags |= FLIGHT_AGAIN;
	record->sent_at = now;
	if (record->times < UINT8_MAX)
		record->times++;
}

/* How many records it takes to carry one in pieces of at most `most`. */
static uint32_t pieces(const struct flight_record *record, uint32_t most)
{
	return (record->len + most - 1) / most;
}

bool flight_recut(struct flight *flight, struct mem *mem, uint32_t most)
{
	struct flight_record *ring;
	uint32_t n = 0, room = FLIGHT_ROOM_FIRST;

	for (uint32_t i = 0; i < flight->n; i++)
		n += pieces(flight_at(flight, i), most);
	if (n == flight->n)
		return true;
	while (room < n)
		room *= 2;
	ring = mem_get(mem, room * sizeof *ring, 0, MEM_ORDINARY);
	if (!ring)
		return false;
	n = 0;
	flight->lost = 0;
	for (uint32_t i = 0; i < flight->n; i++) {
		struct flight_record rest = *flight_at(flight, i);
		const uint8_t flags = rest.flags;

		while (rest.len > 0) {
			struct flight_record *const piece = &ring[n++];
			const uint16_t len = (uint16_t)min_u32(rest.len, most);

			*piece = rest;
			piece->len = len;
			rest.seq = seq_add(rest.seq, len);
			rest.len = (uint16_t)(rest.len - len);
			piece->flags = flags & (FLIGHT_SACKED | FLIGHT_LOST | FLIGHT_AGAIN);
			if (i == 0 && piece == ring)
				piece->flags |= flags & FLIGHT_SYN;
			if (rest.len == 0)
				piece->flags |= flags & (FLIGHT_FIN | FLIGHT_PUSH);
			flight->lost += (flags & FLIGHT_LOST) != 0;
		}
	}
	put_ring(flight, mem);
	flight->ring = ring;
	flight->room = room;
	flight->head = 0;
	flight->n = n;
	flight->lost_from = 0;
	return true;
}

bool flight_is_sound(const struct flight *flight, seq_t una, seq_t nxt)
{
	uint32_t in_flight = 0, sacked = 0, lost = 0;
	seq_t at = una;

	for (uint32_t i = 0; i < flight->n; i++) {
		const struct flight_record *const record = flight_at(flight, i);

		if (!seq_eq(record->seq, at) || record->len == 0)
			return false;
		if (i < flight->lost_from && record->flags & FLIGHT_LOST)
			return false;
		at = record_end(record);
		in_flight += counts_as_in_flight(record) ? record->len : 0;
		sacked += record->flags & FLIGHT_SACKED ? record->len : 0;
		lost += (record->flags & FLIGHT_LOST) != 0;
	}
	return seq_eq(at, nxt) && in_flight == flight->in_flight && sacked == flight->sacked && lost == flight->lost;
}
