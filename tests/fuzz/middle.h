/* Two hosts and whatever is between them, as a program of records: calls on either, and what befalls the packets.
 *
 * Faults as a network has them: loss, duplicates, reordering, a bit that flips, a packet cut short, one that comes
 * again later, marks, a smaller MTU told by a router. As long as there were no others, the oracle is TCP's promise:
 * what is received is what was sent, in order, once; and when the network heals, every connection of which neither
 * end has an error comes to its end with every octet. Faults that only an enemy makes (fields changed and sums made
 * right, forged segments) lift that promise alone; the invariants, the bounds and the memory hold whatever comes.
 */
#ifndef FUZZ_MIDDLE_H
#define FUZZ_MIDDLE_H

#include "fuzz/heap.h"
#include "support/tally.h"

#include <tern/tern.h>

enum {
	MIDDLE_OP = 6,
	MIDDLE_OPS_MOST = 400,
	MIDDLE_CONNECTIONS = 2,
	MIDDLE_QUEUE = 128, /* packets on their way in one direction */
	MIDDLE_PACKET = 1600,
	MIDDLE_CONFIGS = 6,
	MIDDLE_PRELUDES = 4,
};

enum middle_kind {
	MIDDLE_DELIVER = 0, /* to 5 */
	MIDDLE_DROP = 6,
	MIDDLE_TWICE,
	MIDDLE_LAST, /* comes after the others */
	MIDDLE_FLIP,
	MIDDLE_CUT,
	MIDDLE_AGAIN,
	MIDDLE_MARK,
	MIDDLE_NARROW,
	MIDDLE_BLACKOUT,
	MIDDLE_CHANGE, /* hostile */
	MIDDLE_FORGE,  /* hostile */
	MIDDLE_CONNECT,
	MIDDLE_BOTH_CONNECT,
	MIDDLE_SEND,
	MIDDLE_RECEIVE,
	MIDDLE_SHUTDOWN,
	MIDDLE_CLOSE,
	MIDDLE_ABORT,
	MIDDLE_OPTION,
	MIDDLE_REPACK,
	MIDDLE_NEXT,
	MIDDLE_PASS,
	MIDDLE_LONG,
	MIDDLE_QUIET, /* everything is delivered until nothing is under way */
	MIDDLE_LISTEN,
};

struct middle_packet {
	uint32_t n;
	bool	 flipped;
	uint8_t	 bytes[MIDDLE_PACKET];
};

struct middle_side {
	bool	    open, error, eof, shut;
	tern_socket socket;
	uint64_t    sent, received;
};

struct middle_connection {
	struct middle_side side[2]; /* by host */
	unsigned	   client;  /* which host opened it */
	uint16_t	   port;    /* the client's: another for each incarnation */
	bool		   v6, let_go; /* let_go: an end closed before it had read all, or aborted */
};

struct middle_state {
	tern_host		*host[2];
	uint8_t			 link[2];
	tern_time		 now;
	tern_socket		 listener[2];
	bool			 listening[2];
	struct middle_connection connection[MIDDLE_CONNECTIONS];
	uint16_t		 next_port;
	struct tern_addr	 addr[2][2]; /* host, version */
	size_t			 memory_new;
	bool			 hostile;
};

struct middle {
	struct heap	     heap;
	struct middle_state  state;
	struct middle_packet queue[2][MIDDLE_QUEUE]; /* [i]: from host i */
	unsigned	     n[2];
	struct middle_packet old[2][8];
	unsigned	     n_old[2];
	struct tally	     tally;
	struct tally_sink    sink[2];
	uint64_t	     ops, packets, delivered, octets, whole, hostile;
};

extern struct middle middle;

void middle_begin(unsigned base, bool fresh);
void middle_play(const uint8_t *op);
void middle_end(void);

/* ---- between the files ---- */

void middle_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void middle_flush(void);
void middle_check(void);
void middle_give(unsigned to, const uint8_t *bytes, uint32_t n);
void middle_advance(tern_time to);
bool middle_quiet(void); /* false: nothing was under way */
void middle_fault(unsigned kind, unsigned from, const uint8_t *op); /* middle_fault.c */
void middle_call(unsigned kind, unsigned host, struct middle_connection *connection, const uint8_t *op);
void middle_accept(void);
void middle_read(unsigned host, struct middle_connection *connection, size_t most);
void middle_listen(unsigned host);

#endif
