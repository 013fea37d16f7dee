/* One host under test and, on the other side of its link, a peer that knows enough of each flow to be plausible:
 * sequence numbers relative to what the host expects, ACKs relative to what it sent, windows, timestamps and SACK
 * blocks of either side, sums that are right. What is fed is a program of records (peer_op), so that a fuzzer's changes
 * keep their meaning; every record that can be read can be done.
 *
 * After each record all invariants of the host hold (tern_host_check), and what it has sent is looked at: whole
 * packets within the MTU, sums right, the text that the program gave and nothing else, a right edge that never goes
 * back (SHLD-14), a bounded number of packets. What the program receives is what the peer sent: octet s of the
 * sequence space always has the same value. At the end everything is let go: no block, entry, timer or byte of memory
 * is left.
 *
 * A run begins from a snapshot: a configuration and a number of records played in advance.
 */
#ifndef FUZZ_PEER_H
#define FUZZ_PEER_H

#include "fuzz/heap.h"
#include "support/tally.h"
#include "wire/ip.h"

#include <tern/tern.h>

enum {
	PEER_FLOWS = 4, /* 0, 1: IPv4; 2, 3: IPv6 */
	PEER_OP = 12,	/* bytes of a record */
	PEER_OPS_MOST = 256,
	PEER_KEPT = 4, /* packets that may come again */
	PEER_PACKET_MOST = 2048,
	PEER_LISTENERS = 2,
	PEER_CONFIGS = 6,
	PEER_PRELUDES = 9,
};

struct peer_flow {
	bool	 v6, knows; /* knows: the host has sent a SYN */
	uint16_t local, remote;
	/* The host's side, as seen on the wire. */
	uint32_t iss, nxt, una; /* una: what we acknowledged */
	uint32_t ts;
	uint32_t last_edge;
	bool	 has_edge;
	uint8_t	 quote[80]; /* the beginning of its last packet */
	uint32_t n_quote;
	/* The peer's. */
	uint32_t isn, end; /* end: beyond the highest octet that it sent */
	uint32_t rcv_nxt, wnd, our_ts;
	/* The program on the host. */
	bool	    open;
	tern_socket socket;
	uint64_t    sent, received;
	bool	    garbage; /* its keep-alives carry an octet that nobody sent */
};

struct peer_packet {
	uint32_t n;
	uint8_t	 bytes[PEER_PACKET_MOST];
};

struct peer_state {
	tern_host	  *host;
	uint8_t		   link;
	tern_time	   now;
	struct peer_flow   flow[PEER_FLOWS];
	tern_socket	   listener[PEER_LISTENERS], datagrams, echo;
	bool		   listening[PEER_LISTENERS];
	size_t		   memory_new;
	struct peer_packet kept[PEER_KEPT];
	unsigned	   n_kept;
	struct tern_addr   local[2], remote[2]; /* by version: IPv4, IPv6 */
	uint32_t	   mtu, packets_out;	/* packets_out: for this record */
};

struct peer {
	struct heap	  heap;
	struct peer_state state;
	struct tally	  tally;
	struct tally_sink sink;
	uint64_t	  ops, packets_in, packets_out;
	bool		  unchecked; /* nothing is known of what is sent and received */
	bool		  forged;    /* a connection of somebody's making: alive as it says, or not; it does no harm */
	bool		  offload;   /* the link says that sums are right */
	unsigned	  owned;   /* texts lent to the host */
	uint32_t	  dearest; /* packets that one record brought about, at most */
};

/* What a record is, by the low five bits of its first byte; the next two: the flow. */
enum peer_kind {
	PEER_SEGMENT = 0, /* to 10 */
	PEER_HANDSHAKE = 11,
	PEER_CONNECT,
	PEER_ACCEPT,
	PEER_SEND,
	PEER_RECEIVE,
	PEER_SHUTDOWN,
	PEER_CLOSE,
	PEER_ABORT,
	PEER_OPTION,
	PEER_CONTROLLER,
	PEER_NEXT,  /* to the next deadline */
	PEER_PASS,  /* time passes: milliseconds */
	PEER_ICMP,
	PEER_REPACK,
	PEER_LISTEN,
	PEER_DATAGRAM,
	PEER_LOOK,
	PEER_AGAIN, /* a packet that came before */
	PEER_SHUTDOWN_RECEIVE,
	PEER_LISTENER_CONNECT,
	PEER_LONG, /* time passes: seconds */
};

extern struct peer peer; /* one for a program */

/* To the beginning that `base` names (any number): from its snapshot, or without (fresh) by playing it. */
void peer_begin(unsigned base, bool fresh);
void peer_play(const uint8_t *op); /* one record: PEER_OP bytes */
/* Everything is let go: closed, and after a time aborted; or aborted at once. Then the host goes. */
void peer_end(bool abort);
/* A connection that came into being elsewhere becomes flow 0. */
void peer_know(tern_socket socket);
/* Only looks whether the invariants hold. */
void peer_check(void);

/* ---- between the files ---- */

void peer_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/* Gives the host a packet, and keeps it so that it may come again. */
void peer_input(const uint8_t *bytes, uint32_t n);
/* Takes what the host has to send; learns of it and checks it. */
void peer_flush(void);
void peer_advance(tern_time to);
void peer_segment(struct peer_flow *flow, const uint8_t *op); /* peer_segment.c */
void peer_icmp(const struct peer_flow *flow, const uint8_t *op);
void peer_datagram(const struct peer_flow *flow, const uint8_t *op);
void peer_handshake(struct peer_flow *flow, const uint8_t *op);
void peer_call(unsigned kind, struct peer_flow *flow, const uint8_t *op); /* peer_call.c */
void peer_listen(unsigned which);
void peer_read_all(struct peer_flow *flow);
uint8_t peer_octet(uint32_t seq);     /* that the peer sends */
uint8_t peer_host_octet(uint32_t at); /* that the program on the host sends */

#endif
