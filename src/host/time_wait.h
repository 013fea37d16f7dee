/* TIME-WAIT (RFC 9293 3.3.2, 3.6.1): entries of 64 bytes that only wait out 2MSL, in a tw, oldest first.
 *
 * 2MSL is one constant, so the entries stand in the order in which they end. The queue is a chain of chunks
 * of 32 KiB, taken when the last one is full, given back when none of its entries lives; nothing grows in one
 * piece but a directory of 8 bytes a chunk. An entry is named by its place: chunk number and slot, 30 bits.
 *
 * An entry that starts over goes to the tail and leaves a dead place behind. Neighbouring chunks of whose
 * places few live are merged, so that a peer that repeats its FIN for ever holds no more than some four times
 * the memory of what lives. The holder of an index hears of every move through `moved`.
 *
 * Time is kept in units of 4 ns, rounded up: never early, at most 3 ns late.
 *
 * Invariants: time_wait_check(). */
#ifndef HOST_TIME_WAIT_H
#define HOST_TIME_WAIT_H

#include "tcp/tcp.h"

struct tern_host;

enum {
	TIME_WAIT_NONE = 0xffffffffu,
	TIME_WAIT_SLOT_BITS = 9,
	TIME_WAIT_CHUNK = (1 << TIME_WAIT_SLOT_BITS) - 1, /* entries of a chunk; slot 0 is its head */
	TIME_WAIT_CHUNKS_MAX = 1 << (30 - TIME_WAIT_SLOT_BITS),
};

struct time_wait_chunk;

struct time_wait {
	struct mem *mem;
	uint32_t    most; /* entries that may live */
	uint32_t    n;	  /* that live */
	tern_time   lasts;
	tern_time   latest;	 /* when the last one ends: ends never go back */
	uintptr_t  *directory;	 /* by number: the chunk, or, odd, the next number that no chunk bears */
	uint32_t    room, fresh; /* of the directory; numbers never used begin at fresh */
	uint32_t    unused;	 /* the first such number, or TIME_WAIT_NONE */
	uint32_t    n_chunks;	 /* in the chain */
	uint32_t    first, last; /* chunk numbers: the ends of the chain; TIME_WAIT_NONE: empty */
	struct time_wait_chunk *spare; /* kept for the next need */
	void (*moved)(void *context, const struct tern_tuple *tuple, uint32_t from, uint32_t to);
	void *context;
};

/* lasts: 2MSL in ns. most: 0 as many as there are indices. moved: NULL where nobody keeps an index. */
void time_wait_init(struct time_wait *tw, struct mem *mem, tern_time lasts, uint32_t most,
		    void (*moved)(void *context, const struct tern_tuple *tuple, uint32_t from, uint32_t to),
		    void *context);
void time_wait_done(struct time_wait *tw); /* forgets every entry */
void time_wait_trim(struct time_wait *tw);
void time_wait_check(const struct time_wait *tw); /* asserts every invariant */

/* An entry that begins at now: its index, or TIME_WAIT_NONE (no memory, or `most` live). */
uint32_t time_wait_add(struct time_wait *tw, const struct tern_tuple *tuple, const struct tcp_time_wait *what,
		       tern_time now);
void	 time_wait_remove(struct time_wait *tw, uint32_t index);
/* 2MSL begins again: false where there is no memory for that (it then ends as it would have). The entry may
 * have moved, and others with it. */
bool time_wait_restart(struct time_wait *tw, uint32_t index, tern_time now);

/* Of an entry that lives. */
void	  time_wait_set_ts_recent(struct time_wait *tw, uint32_t index, uint32_t ts_recent);
bool	  time_wait_is(const struct time_wait *tw, uint32_t index, const struct tern_tuple *tuple);
void	  time_wait_tuple(const struct time_wait *tw, uint32_t index, struct tern_tuple *tuple);
void	  time_wait_get(const struct time_wait *tw, uint32_t index, struct tcp_time_wait *what);
tern_time time_wait_until(const struct time_wait *tw, uint32_t index);

uint32_t  time_wait_oldest(const struct time_wait *tw);	  /* TIME_WAIT_NONE: empty */
tern_time time_wait_deadline(const struct time_wait *tw); /* of the oldest; TERN_NEVER: empty */
/* The oldest that are due, in their order, as far as they stand together: at most `room`; 0: none is due. Their indices
 * hold until one is removed. */
uint32_t time_wait_due(const struct time_wait *tw, tern_time now, uint32_t index[], uint32_t room);
/* The first that lives with an index of at least `from`, or TIME_WAIT_NONE. */
uint32_t time_wait_from(const struct time_wait *tw, uint32_t from);

/* ---- in a host (time_wait_arrive.c) ---- */

/* A connection whose block is in TIME-WAIT becomes an entry, and its slot in the demux table names that.
 * Where no entry can be had the oldest is given up. False: there is none either; the connection is told as
 * ended (TIME-WAIT-GIVEN-UP), counted, and its slot removed. The block is the caller's to husk or free. */
bool time_wait_enter(struct tern_host *host, const struct tcb *tcb, tern_time now);

/* A segment for the entry: RFC 9293 3.10.7.4 for TIME-WAIT, RFC 1337, RFC 6191, RFC 7323 5. All of it:
 * verdict, answer, restart of 2MSL, and where a listener takes a SYN for a new incarnation, the entry's
 * end. */
enum tern_verdict time_wait_arrive(struct tern_host *host, uint32_t index, const struct tern_tuple *tuple,
				   const struct tcp_segment *seg, uint8_t traffic_class, uint64_t mark,
				   tern_time now);

void time_wait_expire(struct tern_host *host, tern_time now); /* every entry whose 2MSL is over */
/* Gives up the oldest (TCPTimeWaitOverflow): memory is short. False: there is none. */
bool time_wait_give_up(struct tern_host *host, tern_time now);

#endif
