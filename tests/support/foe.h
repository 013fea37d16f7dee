/* One host, attacked from outside: a sender of raw packets, and what the host has to show for it.
 *
 * The host is 10.0.0.2/8 and fd00::2/32 on one link; peer n is 10.0.0.0 + n or fd00::n with the upper half of n in
 * the prefix as well, and nothing but what the test sends by hand. Each packet is handed over in memory that ends
 * where the packet does (a guard page follows): a read beyond it ends the program in every build, not only under a
 * sanitizer.
 */
#ifndef SUPPORT_FOE_H
#define SUPPORT_FOE_H

#include "support/random.h"
#include "support/test_allocator.h"
#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/tcp.h"

#include <tern/tern.h>

enum { FOE_HOST = 2, FOE_PEER = 0x00010005, FOE_PORT = 80, FOE_PACKET = 65535 };

enum foe_answer { FOE_NOTHING, FOE_SEGMENT, FOE_ICMP, FOE_OTHER };

struct foe {
	struct test_allocator allocator;
	struct tern_config    config;
	tern_host	     *host;
	uint8_t		      link;
	tern_time	      now;
	bool		      v6;	/* which version the helpers below speak */
	bool		      ethernet; /* packets have frames: mac() of who sends */
	uint32_t	      mtu;
	uint8_t		     *page_end; /* where packets end */
	/* The last packet that the host sent. */
	uint8_t		    bytes[FOE_PACKET + 14];
	uint32_t	    len;
	struct ip_header    ip;
	struct tcp_segment  seg;
	struct icmp_message icmp;
	/* As foe_mark() found it. */
	struct tern_stats before;
	uint64_t	  sent;		    /* packets, since then */
	uint64_t	  came, came_bytes; /* from the host */
};

/* Defaults, with a secret of its own; the test may change config, then begins. */
void foe_defaults(struct foe *foe);
void foe_begin(struct foe *foe);
/* Checks the host, destroys it, and asserts that no memory is left. */
void foe_end(struct foe *foe);

struct tern_addr foe_addr(const struct foe *foe, uint32_t n);

/* ---- packets to the host ---- */

void foe_raw(struct foe *foe, const void *packet, size_t len);

/* A whole IP packet of a peer around a payload, written at p; its length. */
size_t foe_packet(const struct foe *foe, uint8_t *p, uint32_t peer, uint8_t protocol, const void *payload,
		  size_t n);
/* A TCP segment with its checksum; ports as seg has them, but 0 is FOE_PORT for the host's. */
size_t foe_segment(const struct foe *foe, uint8_t *p, uint32_t peer, const struct tcp_segment *seg);
void   foe_send(struct foe *foe, uint32_t peer, const struct tcp_segment *seg);
/* An ICMP message of a peer: type, code, four octets, and a body; with its checksum. */
void foe_icmp(struct foe *foe, uint32_t peer, uint8_t type, uint8_t code, uint32_t rest, const void *body,
	      size_t n);
void foe_udp(struct foe *foe, uint32_t peer, uint16_t from, uint16_t to, const void *text, size_t n);
/* The same checksums, of what the test has changed by hand. */
void foe_sum_v4(uint8_t *p, size_t header);
void foe_sum_upper(const struct foe *foe, uint8_t *p, size_t header, size_t len, uint8_t protocol, size_t at);

/* ---- from the host ---- */

/* The next packet: in foe->bytes, and read. */
enum foe_answer foe_next(struct foe *foe);
/* How many packets, until the host has no more. */
unsigned foe_drain(struct foe *foe);
/* Time passes, timers run when they are due; what the host sends meanwhile is counted and lost. */
unsigned foe_wait(struct foe *foe, tern_time span);

/* ---- what became of it ---- */

void		  foe_mark(struct foe *foe);
struct tern_stats foe_stats(const struct foe *foe);
/* "One counter; no reply; no state": since foe_mark() each packet was counted by something that says it was not
 * taken, none was answered, no connection or entry came to be, and memory is what it was. */
void foe_was_dropped(struct foe *foe);
/* Nothing about connections, entries and memory has changed (answers and counters may have). */
void foe_left_no_state(struct foe *foe);

/* ---- a connection of the host's with a peer that the test plays ---- */

struct foe_flow {
	uint32_t    peer;
	uint16_t    port, host_port;
	seq_t	    seq, ack; /* the peer's SND.NXT and RCV.NXT */
	uint16_t    wnd;
	uint16_t    mss;    /* of the SYN; 0: none */
	int	    wscale; /* -1: none */
	bool	    ts, sack;
	uint32_t    ts_val, ts_ecr;
	tern_socket socket; /* the host's end */
};

/* A listener of the host on FOE_PORT. */
tern_socket foe_listen(struct foe *foe, uint32_t backlog);
/* What a peer with a port begins with: ISN from the port, window 65535, MSS 1460, nothing else. */
struct foe_flow foe_flow(uint32_t peer, uint16_t port);
/* SYN, SYN-ACK, ACK, accept. */
void foe_open(struct foe *foe, tern_socket listener, struct foe_flow *flow);
/* A segment of the flow: relative to its SND.NXT and RCV.NXT. Text is foe_text() of the peer's stream. */
struct tcp_segment foe_of(const struct foe_flow *flow, unsigned flags, int32_t seq, int32_t ack,
			  uint32_t len);
void foe_say(struct foe *foe, const struct foe_flow *flow, unsigned flags, int32_t seq, int32_t ack,
	     uint32_t len);
enum tern_state	   foe_state(const struct foe *foe, const struct foe_flow *flow);
struct tern_status foe_status(const struct foe *foe, const struct foe_flow *flow);

/* Bytes of a stream, by offset. */
const uint8_t *foe_text(uint32_t offset, uint32_t n);

#endif
