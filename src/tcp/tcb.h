/* The connection block (RFC 9293 3.3.1), in four records under one index (DESIGN 5.15).
 *
 *   struct tcb       hot, 128 bytes: what every segment touches
 *   struct tcb_cold  112 bytes: what was agreed, configured and counted
 *   struct tcb_warm  only while text is in flight, unsent or out of order
 *   struct tcb_path  what was learnt of the path; only where there is something to remember (path.h)
 *
 * Hot and cold records live in chunks of 64 KiB, aligned to their size, so that a block finds its
 * chunk, and by it its cold record and its host's tcp_env, from its own address.
 *
 * Invariants: tcb_check().
 */
#ifndef TCP_TCB_H
#define TCP_TCB_H

#include "base/bytes.h"
#include "base/seq.h"
#include "tcp/env.h"
#include "tcp/state.h"
#include "wire/tuple.h"
#include <tern/status.h>

struct tcb_warm;
struct tcb_path;
struct pages;

/* Why a connection wants its turn in emit.c. Steps mark, emit sends (DESIGN 5.7). */
enum tcb_due {
	DUE_ACK	      = 0x01, /* acknowledge now */
	DUE_TEXT      = 0x02, /* text, a FIN or a retransmission may be ready */
	DUE_SYN	      = 0x04, /* SYN, or SYN-ACK in SYN-RECEIVED */
	DUE_RESET     = 0x08, /* RST, then nothing more */
	DUE_PROBE     = 0x10, /* zero-window probe */
	DUE_KEEPALIVE = 0x20,
	DUE_CHALLENGE = 0x40, /* a challenge ACK (RFC 5961) */
	DUE_WINDOW    = 0x80, /* tell the peer of a larger window */
};

enum { TCB_NONE = 0xffffffffu }; /* an index that names nothing */
enum { TCB_NOT_QUEUED = 0xfffffffeu };

struct tcb {
	struct tcb_warm *warm;	/* NULL: nothing in flight, unsent or out of order; then it may be kept (warm.h) */
	struct pages	*store; /* text received and unread, or out of order; NULL: none */
	tern_time	 delayed_ack_at;

	struct {
		seq_t	 una, nxt, wl1, wl2, iss; /* nxt is the highest ever sent; it never goes back */
		uint32_t wnd;			  /* SEG.WND scaled (REC-1) */
		uint32_t max_wnd;		  /* the largest the peer ever offered */
	} snd;
	struct {
		seq_t	 nxt, irs;
		seq_t	 wnd_edge; /* RCV.NXT + RCV.WND as last advertised; never taken back (SHLD-14) */
		seq_t	 read;	   /* the program has taken everything before */
		seq_t	 acked;	   /* Last.ACK.sent (RFC 7323 4.3) */
		uint16_t mss;	   /* largest segment seen: what "full-sized" means for delayed ACKs */
		uint8_t	 wscale;   /* Rcv.Wind.Shift */
		uint8_t	 traffic_class;
	} rcv;
	struct {
		uint32_t recent; /* TS.Recent */
		uint32_t offset; /* our clock's, keyed per tuple (RFC 7323 5.4) */
	} ts;
	struct {
		uint32_t local, remote; /* IPv4, host order; IPv6: 0, the addresses stand in the cold record */
		uint32_t zone;
		uint16_t local_port, remote_port;
	} name;

	uint32_t generation;
	uint32_t ready_next, event_next; /* the host's lists: an index, TCB_NONE or TCB_NOT_QUEUED */
	uint32_t wheel_tick;		 /* low bits of the tick armed for; 0: not armed */

	uint16_t mss;	/* effective send MSS (MUST-16) of segments without SACK blocks, timestamps taken off */
	uint16_t ready; /* enum tern_readiness, edges not yet told */
	uint8_t	 due;	/* enum tcb_due */
	uint8_t	 state; /* enum tcp_state */
	uint8_t	 snd_wscale;
	uint8_t	 challenge; /* low 4 bits: sent in this second; high 4: the second */
	/* 32 bits of facts */
	bool v6 : 1;
	bool held : 1;	       /* the program has a handle */
	bool passive : 1;      /* SYN-RECEIVED came from a passive OPEN (MUST-11) */
	bool ts_ok : 1, sack_ok : 1, wscale_ok : 1, ecn_ok : 1;
	bool fin_queued : 1;   /* CLOSE was called: FIN follows the text */
	bool fin_sent : 1;     /* SND.NXT counts our FIN */
	bool fin_received : 1; /* RCV.NXT counts the peer's */
	bool receive_shut : 1; /* text that comes is acknowledged and thrown away */
	bool nodelay : 1, cork : 1, quickack : 1, keepalive : 1, keepalive_garbage : 1;
	bool advice_off : 1;   /* SHLD-20 */
	bool write_blocked : 1; /* a send found no room: TERN_WRITABLE when there is some */
	bool more : 1;	       /* the last send said that more follows */
	bool urgent_received : 1; /* cold->rcv_up holds */
	bool window_fixed : 1; /* TERN_RECEIVE_BUFFER was set: no autotuning */
	bool listening : 1;    /* waits in an accept queue */
	bool zero_window_told : 1;
	bool detached : 1;     /* its TIME-WAIT lives on as an entry; only unread text keeps the block */
	bool free : 1;	       /* on the chunk's free list */
	bool quick : 1;	       /* the first segments of a connection are acknowledged at once, until it answers one */
	bool ack_pending : 1;  /* something received is not acknowledged yet */
	bool sack_counting : 1; /* losses by RFC 6675, not RACK */
	bool ecn_echo : 1;     /* ECE until the peer's CWR (RFC 3168 6.1.3) */
	bool has_path : 1;     /* cold->path holds */
	bool was_idle : 1;     /* no text was sent for more than an RTO, though the peer was heard since */
	bool resting : 1;      /* stands in env->resting (warm.h) */
};

struct tcb_cold {
	struct tern_addr local, remote; /* IPv6 only */
	uint64_t	 cookie;
	union {
		struct {
			uint32_t cwnd, ssthresh; /* while no warm record holds the controller; cwnd 0: not begun */
		};
		struct tcb_path *path; /* has_path: the same and more stands there (path.h) */
	};
	uint32_t	 srtt8;	  /* smoothed RTT, microseconds times 8; 0: none yet (RFC 6298 2) */
	uint32_t	 rttvar4; /* microseconds times 4 */
	uint32_t	 receive_buffer, send_buffer;
	uint32_t	 heard_ms;  /* when the peer was last heard (milliseconds, wraps) */
	union {
		uint32_t orphan_ms; /* of an orphan: when it ends; 0: no such time */
		uint32_t busy_us;   /* of any other: chrono.h, while there is neither warm nor path record */
	};
	uint32_t	 user_timeout_ms;
	uint32_t	 rcv_up;	 /* RCV.UP: first octet after the urgent ones (RFC 6093) */
	uint32_t	 retransmits, segments_in, segments_out;
	uint16_t	 sent_wraps, received_wraps; /* how often SND.UNA - ISS and RCV.NXT - IRS passed 2^32 */
	uint16_t	 r2_s;			     /* 0: the host's */
	uint16_t	 peer_mss;		     /* SendMSS (MUST-15) */
	uint16_t	 keepalive_idle_s, keepalive_interval_s;
	uint8_t		 keepalive_probes, keepalive_sent;
	uint8_t		 traffic_class, ttl;
	uint8_t		 congestion_control : 6; /* by number (congestion.h) */
	uint8_t		 ecn : 2; /* enum tern_ecn, as set */
	uint8_t		 error, soft_error; /* enum tern_error; 0 none */
	int8_t		 linger;	    /* -1 off; 0 reset */
};

_Static_assert(sizeof(void *) != 8 || sizeof(struct tcb) == 128, "hot record");
_Static_assert(sizeof(struct tcb_cold) == 112, "cold record");

/* ---- where blocks live ---- */

enum { TCB_CHUNK_BYTES = 65536, TCB_CHUNK_HEAD = 256, TCB_SLOT_BITS = 9 };
enum { TCB_PER_CHUNK = (TCB_CHUNK_BYTES - TCB_CHUNK_HEAD) / (sizeof(struct tcb) + sizeof(struct tcb_cold)) };
enum { TCB_INDEX_BITS = 30 };

struct tcb_chunk {
	struct tcp_env *env;
	uint32_t	number; /* of the chunk */
	uint32_t	n_used;
	uint32_t	next_free; /* chunk with free blocks; TCB_NONE ends */
	uint16_t	first_free, fresh;  /* free list by slot through ready_next; slots never used yet */
};

static inline struct tcb_chunk *tcb_chunk_of(const struct tcb *tcb)
{
	return (struct tcb_chunk *)((uintptr_t)tcb & ~(uintptr_t)(TCB_CHUNK_BYTES - 1));
}

static inline struct tcb *tcb_chunk_hot(struct tcb_chunk *chunk)
{
	return (struct tcb *)((char *)chunk + TCB_CHUNK_HEAD);
}

static inline struct tcp_env *tcb_env(const struct tcb *tcb)
{
	return tcb_chunk_of(tcb)->env;
}

/* Whether a duplicate is reported (RFC 2883). */
static inline bool tcb_tells_duplicates(const struct tcb *tcb)
{
	return tcb->sack_ok && !tcb_env(tcb)->config.no_dsack;
}

static inline uint32_t tcb_slot(const struct tcb *tcb)
{
	return (uint32_t)(tcb - tcb_chunk_hot(tcb_chunk_of(tcb)));
}

static inline struct tcb_cold *tcb_cold(const struct tcb *tcb)
{
	/* Of the slot: asked many times for each segment, so by few steps. The head counts as HEAD / hot of them. */
	enum { HOT = sizeof(struct tcb), LESS = HOT - sizeof(struct tcb_cold), HEAD = TCB_CHUNK_HEAD / HOT * LESS };
	const uintptr_t at = (uintptr_t)tcb % TCB_CHUNK_BYTES;

	return (struct tcb_cold *)((char *)(uintptr_t)tcb + TCB_PER_CHUNK * HOT + HEAD - at / HOT * LESS);
}

static inline uint32_t tcb_index(const struct tcb *tcb)
{
	return tcb_chunk_of(tcb)->number << TCB_SLOT_BITS | tcb_slot(tcb);
}

/* The blocks of one host. */
struct tcb_pool {
	struct tcp_env	  *env;
	struct tcb_chunk **chunks;
	uint32_t	   n_chunks, room;
	uint32_t	   with_free; /* first chunk of the list; TCB_NONE */
	uint32_t	   n_used, most;
};

void tcb_pool_init(struct tcb_pool *pool, struct tcp_env *env, uint32_t most);
void tcb_pool_done(struct tcb_pool *pool); /* asserts that none is used */

/* A block in CLOSED with the host's defaults, its generation one more than the slot's last user's;
 * NULL: no memory, or as many as allowed. */
struct tcb *tcb_pool_get(struct tcb_pool *pool);
void	    tcb_pool_put(struct tcb_pool *pool, struct tcb *tcb); /* tcp_release() was called */

/* The block of an index in use, or NULL. Asked several times for each segment, and so inline. */
static inline struct tcb *tcb_pool_at(const struct tcb_pool *pool, uint32_t index)
{
	const uint32_t number = index >> TCB_SLOT_BITS, slot = index & ((1u << TCB_SLOT_BITS) - 1);
	struct tcb	    *tcb;

	if (number >= pool->n_chunks || slot >= pool->chunks[number]->fresh)
		return NULL;
	tcb = &tcb_chunk_hot(pool->chunks[number])[slot];
	return tcb->free ? NULL : tcb;
}
/* The block of an index that is known to be in use: of a list, say. */
static inline struct tcb *tcb_pool_used(const struct tcb_pool *pool, uint32_t index)
{
	return &tcb_chunk_hot(pool->chunks[index >> TCB_SLOT_BITS])[index & ((1u << TCB_SLOT_BITS) - 1)];
}
/* The first used block with an index of at least `from`, or NULL. */
struct tcb *tcb_pool_from(const struct tcb_pool *pool, uint32_t from);

/* ---- what every room asks of a block ---- */

void tcb_set_tuple(struct tcb *tcb, const struct tern_tuple *tuple);
void tcb_get_tuple(const struct tcb *tcb, struct tern_tuple *tuple);
bool tcb_is_v6(const struct tcb *tcb, const struct tern_tuple *tuple); /* of IPv6, by its addresses alone */
static inline bool tcb_is(const struct tcb *tcb, const struct tern_tuple *tuple)
{
	if (tcb->name.local_port != tuple->local_port || tcb->name.remote_port != tuple->remote_port ||
	    tcb->name.zone != tuple->zone || tcb->v6 == addr_is_v4(&tuple->local))
		return false;
	return tcb->v6 ? tcb_is_v6(tcb, tuple) :
			 tcb->name.remote == addr_v4_of(&tuple->remote) &&
				 tcb->name.local == addr_v4_of(&tuple->local);
}

/* The one place where a state changes: asserts the edge, tells the watcher, counts, marks readiness. */
void tcb_enter(struct tcb *tcb, enum tcp_state state, enum tern_why why, tern_time now);

/* Asserts every invariant of a block at rest (between door calls). */
void tcb_check(const struct tcb *tcb);
bool tcb_is_sound(const struct tcb *tcb);

/* RCV.WND: what may still come. */
static inline uint32_t rcv_wnd(const struct tcb *tcb)
{
	return seq_sub(tcb->rcv.wnd_edge, tcb->rcv.nxt);
}

/* Octets received in order that the program has not taken; the peer's FIN does not count. */
static inline uint32_t tcb_unread(const struct tcb *tcb)
{
	return seq_sub(tcb->rcv.nxt, tcb->rcv.read) - tcb->fin_received;
}

static inline bool tcb_is_orphan(const struct tcb *tcb)
{
	return !tcb->held && !tcb->listening;
}

#endif
