/* Flight: what is declared lost, what leaves again, and in which pieces. */
#include "base/assert.h"
#include "base/bytes.h"
#include "tcp/flight_index.h"

bool flight_lose(struct flight *flight, struct flight_record *record, struct rate *rate)
{
	if (!flight_counts(record))
		return false;
	index_remove(flight, record);
	record->flags |= FLIGHT_LOST;
	bits_put(&flight->sets[FLIGHT_SET_LOST], flight_place(flight, record));
	flight->in_flight -= record->len;
	flight->lost_octets += record->len;
	flight->n_lost++;
	rate->lost += record->len;
	return true;
}

uint32_t flight_lose_first(struct flight *flight, struct rate *rate)
{
	if (flight->n == 0 || !flight_lose(flight, flight_at(flight, 0), rate))
		return 0;
	return flight_at(flight, 0)->len;
}

uint32_t flight_lose_all(struct flight *flight, struct rate *rate)
{
	const uint32_t octets = flight->in_flight;

	while (flight->in_flight > 0)
		flight_lose(flight, flight_oldest(flight), rate);
	return octets;
}

uint32_t flight_lose_longer(struct flight *flight, uint32_t most, struct rate *rate)
{
	struct flight_record *next;
	uint32_t octets = 0;

	for (struct flight_record *record = flight_oldest(flight); record; record = next) {
		next = flight_younger(flight, record);
		if (record->len > most && flight_lose(flight, record, rate))
			octets += record->len;
	}
	return octets;
}

bool flight_unlose_all(struct flight *flight)
{
	if (flight->n_lost == 0)
		return false;
	index_merge(flight, FLIGHT_SET_LOST);
	while (flight->n_lost > 0) {
		struct flight_record *const record = flight_first_lost(flight);

		record->flags &= (uint8_t)~FLIGHT_LOST;
		bits_take(&flight->sets[FLIGHT_SET_LOST], flight_place(flight, record));
		flight->n_lost--;
	}
	flight->in_flight += flight->lost_octets;
	flight->lost_octets = 0;
	flight->settled = flight_at(flight, 0)->seq;
	return true;
}

struct flight_record *flight_first_lost(const struct flight *flight)
{
	return flight->n_lost > 0 ? flight_at(flight, index_next(flight, FLIGHT_SET_LOST, 0)) : NULL;
}

/* RFC8985-6.1-1. */
void flight_resent(struct flight *flight, struct flight_record *record, struct rate *rate, tern_time now)
{
	tern_assert(!(record->flags & FLIGHT_SACKED));
	if (record->flags & FLIGHT_LOST) {
		record->flags &= (uint8_t)~FLIGHT_LOST;
		bits_take(&flight->sets[FLIGHT_SET_LOST], flight_place(flight, record));
		flight->n_lost--;
		flight->lost_octets -= record->len;
	} else {
		index_remove(flight, record);
		flight->in_flight -= record->len;
	}
	rate_sent(rate, record, flight->in_flight, now);
	flight->in_flight += record->len;
	index_append(flight, record);
	record->flags |= FLIGHT_AGAIN;
	if (record->times < UINT8_MAX)
		record->times++;
}

/* ---- cut again ---- */

/* How many records it takes to carry one in pieces of at most `most`. */
static uint32_t pieces(const struct flight_record *record, uint32_t most)
{
	return (record->len + most - 1) / most;
}

/* The list leads to `from` and back; now to the pieces [first, last] that stand for it. */
static void relink(struct flight *flight, const struct flight_record *from, uint32_t first, uint32_t last)
{
	if (from->older == FLIGHT_NONE)
		flight->oldest = first;
	else
		flight->ring[from->older].younger = first;
	if (from->younger == FLIGHT_NONE)
		flight->youngest = last;
	else
		flight->ring[from->younger].older = last;
}

/* The record number i comes to stand at number `to` and those behind it, in pieces. */
static void spread(struct flight *flight, uint32_t i, uint32_t to, uint32_t most)
{
	const struct flight_record from = *flight_at(flight, i);
	const uint32_t n = pieces(&from, most), mask = flight->room - 1;
	const bool listed = flight_counts(&from);
	uint32_t done = 0;

	for (uint32_t k = 0; k < n; k++) {
		struct flight_record *const piece = flight_at(flight, to + k);

		*piece = from;
		piece->seq = seq_add(from.seq, done);
		piece->len = (uint16_t)min_u32(from.len - done, most);
		done += piece->len;
		if (k > 0) {
			piece->older = listed ? (flight->head + to + k - 1) & mask : FLIGHT_NONE;
			piece->flags &= (uint8_t)~FLIGHT_SYN;
		}
		if (k + 1 < n) {
			piece->younger = listed ? (flight->head + to + k + 1) & mask : FLIGHT_NONE;
			piece->flags &= (uint8_t)~(FLIGHT_FIN | FLIGHT_PUSH);
		}
		flight->n_lost += k > 0 && from.flags & FLIGHT_LOST;
		flight->n_sacked += k > 0 && from.flags & FLIGHT_SACKED;
	}
	if (listed)
		relink(flight, &from, (flight->head + to) & mask, (flight->head + to + n - 1) & mask);
}

bool flight_recut(struct flight *flight, struct mem *mem, uint32_t most)
{
	uint32_t n = 0, to;

	for (uint32_t i = 0; i < flight->n; i++)
		n += pieces(flight_at(flight, i), most);
	if (n == flight->n)
		return true;
	if (!flight_reserve(flight, mem, n - flight->n))
		return false;
	/* From the last to the first: each goes to a place that is free, or is its own. */
	to = n;
	for (uint32_t i = flight->n; i-- > 0;) {
		to -= pieces(flight_at(flight, i), most);
		spread(flight, i, to, most);
	}
	flight->n = n;
	memset(flight->sets[0].words, 0, index_words(flight->room) * sizeof(uint64_t));
	index_fill(flight);
	return true;
}
