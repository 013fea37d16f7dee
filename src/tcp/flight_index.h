/* The two indices over a flight's ring, see flight.h: the list by time and the sets of bits. For flight.c and
 * flight_lost.c; places are of the ring, numbers count from the first record in sequence. */
#ifndef TCP_FLIGHT_INDEX_H
#define TCP_FLIGHT_INDEX_H

#include "tcp/flight.h"

static inline uint32_t flight_place(const struct flight *flight, const struct flight_record *record)
{
	return (uint32_t)(record - flight->ring);
}

static inline bool flight_counts(const struct flight_record *record)
{
	return !(record->flags & (FLIGHT_SACKED | FLIGHT_LOST));
}

static inline seq_t flight_end(const struct flight_record *record)
{
	return seq_add(record->seq, record->len);
}

/* To the young end of the list; out of it. */
void index_append(struct flight *flight, struct flight_record *record);
void index_remove(struct flight *flight, struct flight_record *record);
/* Takes the records of a set into the list, each to its place by time. */
void index_merge(struct flight *flight, enum flight_set set);

/* The number of the first member at or behind number i; FLIGHT_NONE: none. */
uint32_t index_next(const struct flight *flight, enum flight_set set, uint32_t i);
/* The number of the last member before number i; FLIGHT_NONE: none. */
uint32_t index_before(const struct flight *flight, enum flight_set set, uint32_t i);

/* Words for the sets of a ring of so much room; and they are given to it, empty. */
size_t index_words(uint32_t room);
void   index_begin(struct flight *flight, uint64_t *words);
/* Every record into the sets that its flags name; the sets were empty. */
void index_fill(struct flight *flight);
bool index_is_sound(const struct flight *flight);

#endif
