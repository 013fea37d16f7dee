/* Reassembly: which octets beyond RCV.NXT are here. The octets themselves stand in the receive store;
 * this is the bounded set of their ranges, sorted, never touching one another, and what SACK tells of
 * them (RFC 2018 4: the range that grew last comes first).
 */
#ifndef TCP_REASSEMBLY_H
#define TCP_REASSEMBLY_H

#include "base/mem.h"
#include "base/seq.h"
#include <tern/watch.h>

enum { REASSEMBLY_RANGES_MAX = 256, REASSEMBLY_RECENT = 4 };

struct reassembly_range {
	seq_t left, right;
};

struct reassembly {
	struct reassembly_range *ranges; /* NULL: none */
	uint16_t n, room;
	uint8_t	 n_recent;
	bool	 fin_seen; /* a FIN stands at fin, beyond RCV.NXT */
	seq_t	 fin;
	seq_t	 recent[REASSEMBLY_RECENT]; /* some octet of each range that grew last, newest first */
};

/* How much of [left, right) is new: clips it to the first part that is not here. False: nothing is.
 * Bytes already held are never overwritten (first arrival wins). */
bool reassembly_gap(const struct reassembly *set, seq_t left, seq_t right, seq_t *gap_left, seq_t *gap_right);

/* [left, right) has its place. False: too many ranges or no memory; nothing changed. */
bool reassembly_add(struct reassembly *set, struct mem *mem, seq_t left, seq_t right);
/* Whether reassembly_add() of this would find room. */
bool reassembly_has_room(struct reassembly *set, struct mem *mem, seq_t left, seq_t right);

/* The octet at `at` arrived once more: its range is to be reported first (RFC 2018 4, RFC 2883 4). */
void reassembly_came_again(struct reassembly *set, seq_t at);

/* RCV.NXT reached nxt: takes off what it passes; returns where the octets in a row now end. */
seq_t reassembly_advance(struct reassembly *set, seq_t nxt);

/* At most `room` SACK blocks, the newest first. */
size_t reassembly_blocks(const struct reassembly *set, struct tern_sack_block *blocks, size_t room);

uint32_t reassembly_octets(const struct reassembly *set);
void	 reassembly_release(struct reassembly *set, struct mem *mem);
bool	 reassembly_is_sound(const struct reassembly *set, seq_t nxt, seq_t edge);

#endif
