/* Flight: what was sent and is not yet acknowledged. Facts only; policy is recovery.c's.
 *
 * One record per segment on the wire, oldest first, in a ring that grows by doubling. A record covers
 * [seq, seq + len) of sequence space, SYN and FIN counted. Records touch: each begins where the one
 * before it ends, the first at SND.UNA, the last ends at SND.NXT.
 *
 * in_flight = octets of records that are neither SACKed nor lost-and-not-sent-again.
 */
#ifndef TCP_FLIGHT_H
#define TCP_FLIGHT_H

#include "base/mem.h"
#include "base/seq.h"

enum flight_flag {
	FLIGHT_SYN    = 0x01,
	FLIGHT_FIN    = 0x02,
	FLIGHT_SACKED = 0x04,
	FLIGHT_LOST   = 0x08, /* declared lost, not sent again since */
	FLIGHT_AGAIN  = 0x10, /* sent more than once: no RTT sample from it (Karn, MUST-18) */
	FLIGHT_PUSH   = 0x20,
};

struct flight_record {
	tern_time sent_at; /* the last time */
	seq_t	  seq;
	uint16_t  len;
	uint8_t	  flags;
	uint8_t	  times; /* sent; saturates */
};

enum { FLIGHT_FEW = 4 };

struct flight {
	struct flight_record *ring; /* NULL: no room taken yet; or few[], or memory of its own */
	uint32_t room, head, n;	    /* room is a power of two */
	uint32_t in_flight;	    /* octets, see above */
	uint32_t sacked;	    /* octets */
	uint32_t lost;		    /* records with FLIGHT_LOST */
	uint32_t lost_from;	    /* no record before this place is lost: where to look next */
	seq_t	 highest_sacked;    /* right edge of the highest SACKed record, while sacked > 0 */
	struct flight_record few[FLIGHT_FEW]; /* so that a short exchange asks for no memory: never moved */
};

/* Makes room for n more records. False: no memory; then nothing may be sent. */
bool flight_reserve(struct flight *flight, struct mem *mem, uint32_t n);
void flight_release(struct flight *flight, struct mem *mem);

/* The segment at seq of len octets leaves now. There must be room. */
void flight_push(struct flight *flight, seq_t seq, uint16_t len, uint8_t flags, tern_time now);

static inline struct flight_record *flight_at(const struct flight *flight, uint32_t i)
{
	return &flight->ring[(flight->head + i) & (flight->room - 1)];
}

/* What an acknowledgement up to una took off. */
struct flight_acked {
	uint32_t  octets;	 /* of sequence space */
	uint32_t  records;	 /* wholly acknowledged */
	tern_time sent_at;	 /* of the newest record acknowledged that was sent once; TERN_NEVER: none */
	bool	  again;	 /* some of it had been sent more than once */
	bool	  cut;		 /* the last of it was acknowledged in part */
};
void flight_ack(struct flight *flight, seq_t una, struct flight_acked *acked);

/* Marks the records that lie wholly in [left, right) as SACKed; returns how many octets are new. */
uint32_t flight_sack(struct flight *flight, seq_t left, seq_t right);
void	 flight_forget_sacks(struct flight *flight); /* reneging, RFC 2018 8 */

/* Each marks what is not SACKed and not lost already; returns the octets marked. */
uint32_t flight_lose_first(struct flight *flight);
uint32_t flight_lose_all(struct flight *flight);
uint32_t flight_lose_longer(struct flight *flight, uint32_t most); /* records of more than most octets */
uint32_t flight_lose_below(struct flight *flight, seq_t edge); /* records sent once, wholly below edge */

/* Where the highest SACKed records begin that hold `octets` together, which is at most flight->sacked. */
seq_t flight_sacked_from(const struct flight *flight, uint32_t octets);

/* The oldest lost record, or NULL. */
struct flight_record *flight_first_lost(struct flight *flight);
/* It leaves again, whole. */
void flight_resent(struct flight *flight, struct flight_record *record, tern_time now);

/* Cuts every record longer than most (text octets): for a smaller path MTU. False: no memory. */
bool flight_recut(struct flight *flight, struct mem *mem, uint32_t most);

bool flight_is_sound(const struct flight *flight, seq_t una, seq_t nxt);

#endif
