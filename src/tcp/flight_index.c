#include "tcp/flight_index.h"
#include "base/bytes.h"

/* ---- the list by time ---- */

void index_append(struct flight *flight, struct flight_record *record)
{
	const uint32_t place = flight_place(flight, record);

	record->older = flight->youngest;
	record->younger = FLIGHT_NONE;
	if (flight->youngest == FLIGHT_NONE)
		flight->oldest = place;
	else
		flight->ring[flight->youngest].younger = place;
	flight->youngest = place;
}

void index_remove(struct flight *flight, struct flight_record *record)
{
	if (record->older == FLIGHT_NONE)
		flight->oldest = record->younger;
	else
		flight->ring[record->older].younger = record->younger;
	if (record->younger == FLIGHT_NONE)
		flight->youngest = record->older;
	else
		flight->ring[record->younger].older = record->older;
	record->older = record->younger = FLIGHT_NONE;
}

static bool left_before(const struct flight_record *a, const struct flight_record *b)
{
	return a->sent_at < b->sent_at || (a->sent_at == b->sent_at && seq_lt(a->seq, b->seq));
}

/* Two chains by time, linked by `younger`, become one. */
static uint32_t merged(const struct flight *flight, uint32_t a, uint32_t b)
{
	uint32_t first = FLIGHT_NONE, *link = &first;

	while (a != FLIGHT_NONE && b != FLIGHT_NONE) {
		uint32_t *const next = left_before(&flight->ring[b], &flight->ring[a]) ? &b : &a;

		*link = *next;
		link = &flight->ring[*next].younger;
		*next = *link;
	}
	*link = a != FLIGHT_NONE ? a : b;
	return first;
}

/* Takes the longest beginning of *chain that is in order already. */
static uint32_t take_run(const struct flight *flight, uint32_t *chain)
{
	const uint32_t first = *chain;
	uint32_t last = first;

	while (flight->ring[last].younger != FLIGHT_NONE &&
	       !left_before(&flight->ring[flight->ring[last].younger], &flight->ring[last]))
		last = flight->ring[last].younger;
	*chain = flight->ring[last].younger;
	flight->ring[last].younger = FLIGHT_NONE;
	return first;
}

/* Merge sort of a chain by its runs, of which there are few: retransmissions go in order of sequence too. */
static uint32_t sorted(const struct flight *flight, uint32_t chain)
{
	uint32_t piles[32], all = FLIGHT_NONE; /* pile k: 2^k runs, or none */

	for (unsigned k = 0; k < 32; k++)
		piles[k] = FLIGHT_NONE;
	while (chain != FLIGHT_NONE) {
		uint32_t run = take_run(flight, &chain);
		unsigned k = 0;

		for (; piles[k] != FLIGHT_NONE; k++) {
			run = merged(flight, piles[k], run);
			piles[k] = FLIGHT_NONE;
		}
		piles[k] = run;
	}
	for (unsigned k = 0; k < 32; k++)
		all = merged(flight, piles[k], all);
	return all;
}

void index_merge(struct flight *flight, enum flight_set set)
{
	uint32_t chain = FLIGHT_NONE, *link = &chain, older = FLIGHT_NONE;

	for (uint32_t i = index_next(flight, set, 0); i != FLIGHT_NONE; i = index_next(flight, set, i + 1)) {
		struct flight_record *const record = flight_at(flight, i);

		*link = flight_place(flight, record);
		link = &record->younger;
		*link = FLIGHT_NONE;
	}
	flight->oldest = merged(flight, flight->oldest, sorted(flight, chain));
	for (uint32_t at = flight->oldest; at != FLIGHT_NONE; at = flight->ring[at].younger) {
		flight->ring[at].older = older;
		older = at;
	}
	flight->youngest = older;
}

/* ---- the sets ---- */

uint32_t index_next(const struct flight *flight, enum flight_set set, uint32_t i)
{
	const struct bits *const bits = &flight->sets[set];
	const uint32_t mask = flight->room - 1;
	uint32_t found;

	if (i >= flight->n)
		return FLIGHT_NONE;
	found = bits_next(bits, (flight->head + i) & mask);
	if (found == BITS_NONE)
		found = bits_next(bits, 0); /* round the end of the ring */
	if (found == BITS_NONE)
		return FLIGHT_NONE;
	found = (found - flight->head) & mask;
	return found >= i ? found : FLIGHT_NONE;
}

uint32_t index_before(const struct flight *flight, enum flight_set set, uint32_t i)
{
	const struct bits *const bits = &flight->sets[set];
	const uint32_t mask = flight->room - 1;
	uint32_t found;

	if (i == 0 || flight->n == 0)
		return FLIGHT_NONE;
	i = min_u32(i, flight->n);
	found = bits_before(bits, (flight->head + i - 1) & mask);
	if (found == BITS_NONE)
		found = bits_before(bits, mask);
	if (found == BITS_NONE)
		return FLIGHT_NONE;
	found = (found - flight->head) & mask;
	return found < i ? found : FLIGHT_NONE;
}

size_t index_words(uint32_t room)
{
	return FLIGHT_SETS * bits_words(room);
}

void index_begin(struct flight *flight, uint64_t *words)
{
	if (flight->room <= 64) { /* one word each: the short exchange is begun anew for every message */
		for (unsigned set = 0; set < FLIGHT_SETS; set++)
			flight->sets[set] = (struct bits){ words + set, flight->room };
		return;
	}
	for (unsigned set = 0; set < FLIGHT_SETS; set++)
		flight->sets[set] = (struct bits){ words + set * bits_words(flight->room), flight->room };
}

void index_fill(struct flight *flight)
{
	for (uint32_t i = 0; i < flight->n; i++) {
		const struct flight_record *const record = flight_at(flight, i);
		const uint32_t place = flight_place(flight, record);

		bits_put(&flight->sets[record->flags & FLIGHT_SACKED ? FLIGHT_SET_SACKED : FLIGHT_OPEN], place);
		if (record->flags & FLIGHT_LOST)
			bits_put(&flight->sets[FLIGHT_SET_LOST], place);
	}
}

/* ---- soundness ---- */

static uint32_t members(const struct bits *bits)
{
	uint32_t n = 0;

	for (uint32_t i = bits_next(bits, 0); i != BITS_NONE; i = bits_next(bits, i + 1))
		n++;
	return n;
}

static bool sets_are_sound(const struct flight *flight)
{
	uint32_t n[FLIGHT_SETS] = { 0 };

	for (uint32_t i = 0; i < flight->n; i++) {
		const struct flight_record *const record = flight_at(flight, i);
		const uint32_t place = flight_place(flight, record);
		const bool sacked = record->flags & FLIGHT_SACKED, lost = record->flags & FLIGHT_LOST;

		if (bits_has(&flight->sets[FLIGHT_SET_SACKED], place) != sacked ||
		    bits_has(&flight->sets[FLIGHT_OPEN], place) == sacked ||
		    bits_has(&flight->sets[FLIGHT_SET_LOST], place) != lost)
			return false;
		n[FLIGHT_SET_SACKED] += sacked;
		n[FLIGHT_OPEN] += !sacked;
		n[FLIGHT_SET_LOST] += lost;
	}
	for (unsigned set = 0; set < FLIGHT_SETS; set++)
		if (members(&flight->sets[set]) != n[set])
			return false;
	return true;
}

static bool list_is_sound(const struct flight *flight)
{
	uint32_t n = 0, older = FLIGHT_NONE;

	if (flight->room == 0)
		return true;
	for (uint32_t i = 0; i < flight->n; i++)
		n += flight_counts(flight_at(flight, i));
	for (uint32_t at = flight->oldest; at != FLIGHT_NONE; at = flight->ring[at].younger) {
		const struct flight_record *const record = &flight->ring[at];

		if (n-- == 0 || at >= flight->room || flight_number(flight, at) >= flight->n)
			return false;
		if (!flight_counts(record) || record->older != older)
			return false;
		if (older != FLIGHT_NONE && flight->ring[older].sent_at > record->sent_at)
			return false;
		older = at;
	}
	return n == 0 && older == flight->youngest;
}

bool index_is_sound(const struct flight *flight)
{
	return list_is_sound(flight) && sets_are_sound(flight);
}
