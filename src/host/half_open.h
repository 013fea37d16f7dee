/* Half-open connections: between a SYN that a listener took and the proof that the peer hears us
 * (SYN-RECEIVED of a passive OPEN, RFC 9293 3.10.7.2, 3.10.7.4), kept outside the full block (DESIGN 5.6):
 * 84 bytes each.
 *
 * A record stands in one queue: those that ask (accept-any listeners that wait for the program's word) in
 * their own, the others in one for each number of SYN-ACKs repeated. All in a queue wait equally long, so
 * each queue is in the order of its deadlines, and the earliest of all is exact.
 *
 * Invariants: half_open_check(). */
#ifndef HOST_HALF_OPEN_H
#define HOST_HALF_OPEN_H

#include "tcp/tcp.h"

struct tern_host;

enum {
	HALF_OPEN_NONE = 0xffffffffu,
	HALF_QUEUES = 17, /* 16 by SYN-ACKs repeated (the last: 15 and more), and those that ask */
	HALF_ASKING = 16, /* the queue of those that ask */
	HALF_LISTENER_BITS = 20,
	HALF_REPEATS_MOST = 31,
	HALF_CHUNK = 256, /* records of a chunk */
};

struct half_open {
	struct tern_addr local, remote;
	uint32_t	 zone;
	uint16_t	 local_port, remote_port;
	tern_time	 deadline __attribute__((packed, aligned(4))); /* else 4 bytes of every entry were padding */
	union {
		seq_t	 iss;
		uint32_t ask; /* where asked: the ask's record, which keeps iss as well */
	} u;
	seq_t	 irs;
	uint32_t ts_recent, ts_offset;
	uint32_t next, prev; /* of its queue; of a free one next: the free list */
	uint32_t listener : HALF_LISTENER_BITS;
	uint32_t repeated : 5;	 /* SYN-ACKs sent again by the timer */
	uint32_t challenges : 4; /* challenge ACKs sent so far */
	uint32_t ecn : 3;	 /* tcp_agreement.ecn */
	uint16_t wnd;		 /* of the SYN, never scaled (RFC 7323 2.2) */
	uint16_t peer_mss, our_mss;
	uint8_t	 snd_wscale : 4, rcv_wscale : 4;
	bool	 wscale_ok : 1, ts_ok : 1, sack_ok : 1;
	bool	 asked : 1;  /* has an ask's record */
	bool	 asking : 1; /* the program has not answered yet, nor have we */
	bool	 used : 1;
	bool	 waits : 1; /* stands in a queue */
};

_Static_assert(sizeof(struct half_open) == 84, "half-open record");

struct half_opens {
	struct mem	  *mem;
	struct half_open **chunks;
	uint32_t	   n_chunks, room; /* of chunks[] */
	uint32_t	   fresh;	   /* records never used begin here */
	uint32_t	   free;	   /* HALF_OPEN_NONE ends */
	uint32_t	   most, n;
	struct {
		uint32_t first, last; /* HALF_OPEN_NONE: empty */
	} queue[HALF_QUEUES];
};

void half_open_init(struct half_opens *table, struct mem *mem, uint32_t most);
void half_open_done(struct half_opens *table); /* forgets every record */
void half_open_trim(struct half_opens *table); /* gives the memory back while no record is used */
void half_open_check(const struct half_opens *table);

/* A zeroed record that stands in no queue yet; HALF_OPEN_NONE: no memory, or `most` are used. */
uint32_t	  half_open_get(struct half_opens *table);
void		  half_open_put(struct half_opens *table, uint32_t index);	/* leaves its queue too */
struct half_open *half_open_at(const struct half_opens *table, uint32_t index); /* asserts that it is used */
/* The first used one with an index of at least `from`, or HALF_OPEN_NONE. */
uint32_t half_open_from(const struct half_opens *table, uint32_t from);

/* To the tail of a queue, out of the one it is in. Deadlines of one queue never go back. */
void half_open_wait(struct half_opens *table, uint32_t index, unsigned queue, tern_time deadline);
/* One whose deadline has come, or HALF_OPEN_NONE. */
uint32_t  half_open_due(const struct half_opens *table, tern_time now);
tern_time half_open_deadline(const struct half_opens *table); /* TERN_NEVER: none waits */

bool half_open_is(const struct half_opens *table, uint32_t index, const struct tern_tuple *tuple);
void half_open_tuple(const struct half_opens *table, uint32_t index, struct tern_tuple *tuple);

/* ---- in a host (half_open_arrive.c) ---- */

/* A segment for the entry: RFC 9293 3.10.7.4 for SYN-RECEIVED. All of it. Where it completes the handshake
 * the connection has a block afterwards: *made, which the caller settles; else NULL. */
enum tern_verdict half_open_arrive(struct tern_host *host, uint32_t index, const struct tern_tuple *tuple,
				   const struct tcp_segment *seg, uint8_t traffic_class, uint64_t mark,
				   tern_time now, struct tcb **made);

/* SYN-ACKs that are due are sent again, entries that nobody completed go, asks that nobody answered end. */
void half_open_expire(struct tern_host *host, tern_time now);

/* When the entry ends if nobody does anything. */
tern_time half_open_until(const struct tern_host *host, uint32_t index);

/* ICMP says that our segment with this sequence number cannot arrive. A hard error about its SYN-ACK ends the
 * entry (RFC 9293 3.9.2.2, RFC 5927 4). True: acted on. */
bool half_open_icmp(struct tern_host *host, uint32_t index, uint32_t seq, bool hard, tern_time now);

/* ---- for the rooms of listeners ---- */

/* A listener takes the SYN: NEW_CONNECTION (its SYN-ACK is on its way) or WAITING (the program is asked), or
 * NO_MEMORY and nothing kept. isn_floor: NULL, or what the ISN must lie above (RFC 6191). */
enum tern_verdict half_open_make(struct tern_host *host, uint32_t listener, const struct tern_tuple *tuple,
				 const struct tcp_segment *syn, const seq_t *isn_floor, uint8_t traffic_class,
				 tern_time now);
/* The program said yes to an asking entry: the handshake goes on. */
void half_open_accepted(struct tern_host *host, uint32_t index, tern_time now);
/* A RST goes to the entry's peer: from beyond our SYN, or in answer to its own while it asks. */
void half_open_reset(struct tern_host *host, uint32_t index);
/* The entry and its slot in the table go, and nothing is told. */
void half_open_drop(struct tern_host *host, uint32_t index);
/* As half_open_drop(); the change of state is told (unless it asks: then it never left LISTEN), and the end
 * of its ask. */
void half_open_end(struct tern_host *host, uint32_t index, enum tcp_state to, enum tern_why why,
		   tern_time now);

#endif
