/* Flight: what was sent and is not yet acknowledged. Facts only; policy is recovery.c's and rack.c's.
 *
 * One record per segment on the wire, in the order of sequence, in a ring that grows by doubling and shrinks
 * when it is mostly empty. A record covers [seq, seq + len) of sequence space, SYN and FIN counted. Records
 * touch: each begins where the one before it ends, the first at SND.UNA, the last ends at SND.NXT.
 *
 * Two indices (flight_index.h) make the work of an ACK independent of how much flies:
 *   - a list by the time of the last transmission, of the records that count as in flight: what RACK walks,
 *     from the oldest, and leaves as soon as a record is too young;
 *   - sets of bits over the ring, with summaries, of the records SACKed, not SACKed, and lost: the next of a
 *     kind is found in as many steps as the sets have levels (one for 64 records, three for 262,144), so
 *     that a SACK block that repeats what is known costs nothing for the records it covers.
 * Where a SACK block begins is found by the numbers themselves: records of like length take two or three
 * looks, whatever their number; at worst their logarithm.
 *
 * Each record is touched when it is sent, when it is declared lost, and when it is delivered: the work of an
 * ACK is constant beside what it brings. Of the rest, _lose_all, _lose_longer, _unlose_all, _forget_sacks and
 * _recut take time in the number of records; none is done more than once for one time-out, undo or new path
 * MTU.
 *
 * Memory: 56 octets a record and three bits in sets. What bounds the number of records is what bounds the
 * octets in flight: the least of the congestion window, the peer's window and the send buffer (at most 2^30
 * octets). A program that turns Nagle off and writes octet by octet gets a record for each, so at most as many
 * as its send buffer has octets; the host's memory budget is charged for all of it and refuses first.
 *
 * in_flight = octets of records that are neither SACKed nor lost-and-not-sent-again ("pipe").
 */
#ifndef TCP_FLIGHT_H
#define TCP_FLIGHT_H

#include "base/bits.h"
#include "base/mem.h"
#include "base/seq.h"
#include "tcp/rate.h"

enum flight_flag {
	FLIGHT_SYN	   = 0x01,
	FLIGHT_FIN	   = 0x02,
	FLIGHT_SACKED	   = 0x04,
	FLIGHT_LOST	   = 0x08, /* declared lost, not sent again since */
	FLIGHT_AGAIN	   = 0x10, /* sent more than once: no RTT sample from it (Karn, MUST-18) */
	FLIGHT_PUSH	   = 0x20,
	FLIGHT_APP_LIMITED = 0x40, /* the program, not the window, was the limit when it was sent (rate.h) */
};

struct flight_record {
	tern_time sent_at;	 /* the last time */
	tern_time delivered_at;	 /* of the connection, when it was sent; so the next four (rate.h) */
	tern_time first_sent_at;
	uint32_t  delivered;	 /* octets, low 32 bits */
	uint32_t  lost;		 /* octets declared lost until then, low 32 bits */
	uint32_t  in_flight;	 /* octets, itself included: what the path carried */
	seq_t	  seq;
	uint32_t  older, younger; /* places in the ring, or FLIGHT_NONE: the list by time, while in flight */
	uint16_t  len;
	uint8_t	  flags;
	uint8_t	  times; /* sent; saturates */
};

#define FLIGHT_NONE UINT32_MAX

enum { FLIGHT_FEW = 2, FLIGHT_ROOM_FIRST = 16, FLIGHT_ROOM_KEPT = 128 };

enum flight_set { FLIGHT_OPEN, FLIGHT_SET_SACKED, FLIGHT_SET_LOST, FLIGHT_SETS }; /* OPEN: not SACKed */

struct flight {
	struct flight_record *ring; /* NULL: no room taken yet; or few[], or memory of its own */
	uint32_t room, head, n;	    /* room is a power of two */
	uint32_t oldest, youngest;  /* places: the ends of the list by time, which is empty where in_flight is 0 */
	uint32_t in_flight;	    /* octets, see above */
	uint32_t sacked;	    /* octets */
	uint32_t n_sacked;	    /* records */
	uint32_t n_lost;	    /* records with FLIGHT_LOST */
	uint32_t lost_octets;	    /* of those */
	seq_t	 highest_sacked;    /* right edge of the highest record ever delivered (RACK.fack), at least SND.UNA */
	seq_t	 settled;	    /* what lies below has been looked at by flight_unsettled() */
	struct bits sets[FLIGHT_SETS]; /* of places */
	struct flight_record few[FLIGHT_FEW]; /* so that a short exchange asks for no memory: never moved */
	uint64_t few_words[FLIGHT_SETS];
};

/* What one ACK (its cumulative part and its SACK blocks) showed to have arrived. "Newly delivered" is a record
 * that was not known to have arrived before: acknowledged whole, or SACKed. */
struct flight_report {
	uint32_t  acked;     /* octets of sequence space that SND.UNA moved over */
	uint32_t  records;   /* wholly acknowledged by it */
	uint32_t  sacked;    /* octets newly SACKed */
	uint32_t  delivered; /* octets newly known to have arrived, either way */
	tern_time sent_at;   /* of the youngest record newly delivered that was sent once; TERN_NEVER: none */
	seq_t	  sent_end;  /* its right edge */
	seq_t	  fack;	     /* highest_sacked as it was before this ACK, so that its blocks come in any order */
	bool	  again;     /* some of what SND.UNA moved over had been sent more than once */
	bool	  cut;	     /* the last of it was acknowledged in part */
	bool	  reordered; /* a record sent once arrived after one of higher sequence (RFC 8985 6.2 step 3) */
	bool	  revived;   /* one declared lost arrived though it was not sent again since */
	bool	  any;	     /* the next holds: a record was newly delivered */
	struct flight_record youngest; /* the one sent last of them (ties: the highest sequence) */
};

/* Makes room for n more records. False: no memory; then nothing may be sent. */
bool flight_make_room(struct flight *flight, struct mem *mem, uint32_t n);
static inline bool flight_reserve(struct flight *flight, struct mem *mem, uint32_t n)
{
	return flight->n + n <= flight->room || flight_make_room(flight, mem, n);
}
/* Gives memory back where the ring is mostly empty. Records move: pointers to them end here. */
void flight_shrink(struct flight *flight, struct mem *mem);
static inline void flight_trim(struct flight *flight, struct mem *mem)
{
	/* To a quarter where an eighth is used: much comes or goes before the next move. What a flight of 64 KiB
	 * needs is kept until the whole is given back at rest: each ends empty, and the next would grow it step by
	 * step again. */
	if (flight->room > FLIGHT_ROOM_KEPT && flight->n < flight->room / 8)
		flight_shrink(flight, mem);
}
void flight_release(struct flight *flight, struct mem *mem);
void flight_let_go(const struct flight *flight, struct mem *mem); /* its memory; the flight itself ends here */

/* The segment at seq of len octets leaves now. There must be room. */
void flight_push(struct flight *flight, seq_t seq, uint16_t len, uint8_t flags, struct rate *rate, tern_time now);

/* n > 0 segments of len octets each, one behind the other from seq, leave at once: as n times flight_push(). */
void flight_push_run(struct flight *flight, seq_t seq, uint32_t n, uint16_t len, struct rate *rate, tern_time now);

/* The same where nothing flies yet: a whole segment of text, or a FIN. */
static inline void flight_push_only(struct flight *flight, seq_t seq, uint16_t len, uint8_t flags, struct rate *rate,
				    tern_time now)
{
	const uint32_t place = flight->head;

	flight->highest_sacked = flight->settled = seq;
	rate->first_sent_at = rate->delivered_at = now; /* as rate_sent() has it */
	flight->ring[place] = (struct flight_record){
		.sent_at = now,
		.delivered_at = now,
		.first_sent_at = now,
		.delivered = (uint32_t)rate->delivered,
		.lost = (uint32_t)rate->lost,
		.in_flight = len,
		.seq = seq,
		.older = FLIGHT_NONE,
		.younger = FLIGHT_NONE,
		.len = len,
		.flags = (uint8_t)(flags | (rate->app_limited ? FLIGHT_APP_LIMITED : 0)),
		.times = 1,
	};
	flight->oldest = flight->youngest = place;
	flight->in_flight = len;
	flight->n = 1;
	bits_put(&flight->sets[FLIGHT_OPEN], place);
}

/* The i-th in sequence. */
static inline struct flight_record *flight_at(const struct flight *flight, uint32_t i)
{
	return &flight->ring[(flight->head + i) & (flight->room - 1)];
}

/* Its octets of text. */
static inline uint32_t flight_text(const struct flight_record *record)
{
	const uint32_t syn = (record->flags & FLIGHT_SYN) != 0, fin = (record->flags & FLIGHT_FIN) != 0;

	return record->len - syn - fin;
}

/* The record that begins at seq; NULL: none does. */
struct flight_record *flight_find(const struct flight *flight, seq_t seq);

/* One ACK: its cumulative part and its SACK blocks, in any order, into one report. */
struct flight_report flight_report_begin(const struct flight *flight);
void flight_ack(struct flight *flight, seq_t una, struct flight_report *report);
/* The same of the only record, in flight and not SACKed, which una acknowledges whole; what it was is the caller's to
 * know. */
static inline void flight_ack_last(struct flight *flight, seq_t una)
{
	struct flight_record *const record = flight_at(flight, 0);

	flight->in_flight = 0;
	flight->oldest = flight->youngest = record->older = record->younger = FLIGHT_NONE;
	bits_take(&flight->sets[FLIGHT_OPEN], flight->head);
	flight->head = (flight->head + 1) & (flight->room - 1);
	flight->n = 0;
	flight->highest_sacked = flight->settled = una;
}
/* The records that lie wholly in [left, right) are SACKed; a record that the block covers in part is not.
 * Returns how many octets are new. */
uint32_t flight_sack(struct flight *flight, seq_t left, seq_t right, struct flight_report *report);
void flight_forget_sacks(struct flight *flight); /* reneging, RFC 2018 8: they count as in flight again */

/* The oldest by time of the last transmission of those in flight; NULL: none. And the next younger. Records
 * sent at the same moment come in the order in which they left. */
struct flight_record *flight_oldest(const struct flight *flight);
struct flight_record *flight_younger(const struct flight *flight, const struct flight_record *record);
/* The highest in sequence: what a tail loss probe sends again. NULL: nothing flies. */
struct flight_record *flight_last(const struct flight *flight);

/* Declares it lost. False: it is SACKed or lost already, and nothing changes. */
bool flight_lose(struct flight *flight, struct flight_record *record, struct rate *rate);
/* Each marks what is not SACKed and not lost already; returns the octets marked. */
uint32_t flight_lose_first(struct flight *flight, struct rate *rate);
uint32_t flight_lose_all(struct flight *flight, struct rate *rate);
uint32_t flight_lose_longer(struct flight *flight, uint32_t most, struct rate *rate); /* of more than most octets */
/* The next record that was sent once, is in flight and lies wholly below edge: each is given once, whatever comes
 * of it, until SACKs are forgotten or losses taken back. NULL: none. */
struct flight_record *flight_unsettled(struct flight *flight, seq_t edge);
uint32_t flight_lose_below(struct flight *flight, seq_t edge, struct rate *rate); /* all of these */
/* Undo: what was declared lost and has not left again counts as in flight again. False: nothing was. */
bool flight_unlose_all(struct flight *flight);

/* Where the highest SACKed records begin that hold `octets` together, which is at most flight->sacked. */
seq_t flight_sacked_from(const struct flight *flight, uint32_t octets);

/* The lowest lost record in sequence, or NULL. */
struct flight_record *flight_first_lost(const struct flight *flight);
/* It leaves again, whole; it need not have been declared lost, but it is not SACKed. */
void flight_resent(struct flight *flight, struct flight_record *record, struct rate *rate, tern_time now);

/* Cuts every record longer than most (text octets): for a smaller path MTU. False: no memory. */
bool flight_recut(struct flight *flight, struct mem *mem, uint32_t most);

/* For pack.c: builds the indices from the records' flags, and the list from flight->oldest and each record's
 * `younger`, which here are numbers in sequence. False: that is no list of those in flight. */
bool flight_rebuild(struct flight *flight);
/* The number in sequence of a place; FLIGHT_NONE stays what it is. */
uint32_t flight_number(const struct flight *flight, uint32_t place);

bool flight_is_sound(const struct flight *flight, seq_t una, seq_t nxt);

#endif
