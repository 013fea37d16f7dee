/* The door of tcp/: what a host does with a connection. tcp/ sees segments, never packets.
 *
 * After any of these calls the host looks at four things of the block and acts on them:
 *   due      non-zero: queue it for output (tcp_emit)
 *   ready    non-zero: queue it for the program's events
 *   tcp_deadline(): arm the wheel
 *   state    CLOSED or TIME-WAIT: see tcp_is_over()
 */
#ifndef TCP_TCP_H
#define TCP_TCP_H

#include "tcp/tcb.h"
#include "wire/tcp.h"
#include <tern/options.h>

struct slices;

/* ---- what SYNs agree on (negotiate.c) ---- */

/* One handshake's outcome as seen by us: enough for a half-open entry to become a block. */
struct tcp_agreement {
	seq_t	 iss, irs;
	uint32_t snd_wnd;	  /* the peer's window on its last segment, octets */
	uint32_t ts_recent, ts_offset;
	uint16_t peer_mss;	  /* SendMSS */
	uint16_t our_mss;	  /* what we announce */
	uint8_t	 snd_wscale, rcv_wscale;
	bool	 wscale_ok, ts_ok, sack_ok;
	uint8_t	 ecn; /* ecn.h */
};

/* Largest text we can receive in one packet of the path: the MSS to announce (MUST-67). */
uint16_t tcp_mss_for_mtu(uint32_t mtu, bool v6);
/* Reads the options of a peer's SYN under this host's settings; our_mss is what we announce; iss and
 * ts_offset are left alone. */
void tcp_agree(const struct tcp_env *env, struct tcp_agreement *agreed, const struct tcp_segment *syn, uint16_t our_mss,
	       bool v6);
/* ISN = M + F(tuple, secret) (RFC 9293 3.4.1); the timestamp offset likewise (RFC 7323 5.4). */
seq_t	 tcp_isn(const struct tcp_env *env, const struct tern_tuple *tuple, tern_time now);
uint32_t tcp_ts_offset(const struct tcp_env *env, const struct tern_tuple *tuple);
/* Both, by one hash. */
void	 tcp_numbers(const struct tcp_env *env, const struct tern_tuple *tuple, seq_t *isn, uint32_t *ts_offset,
		     tern_time now);
static inline uint32_t tcp_ts_clock(tern_time now) /* milliseconds (RFC7323-5.4-1) */
{
	return (uint32_t)(now / TERN_MILLISECOND);
}

/* ---- calls (call.c), RFC 9293 3.10.1-6. Errors as in tern/socket.h ---- */

/* Active OPEN of a fresh block whose tuple is set. */
int tcp_open_active(struct tcb *tcb, uint32_t mtu, tern_time now);
/* A fresh block whose tuple is set takes over a half-open entry, in SYN-RECEIVED; the segment that
 * completes it is then given to tcp_arrive(). listen: the listener's block of options to inherit, or
 * NULL. */
void tcp_open_from_half(struct tcb *tcb, const struct tcp_agreement *agreed, uint32_t mtu, tern_time now);

ptrdiff_t tcp_send(struct tcb *tcb, const void *from, size_t n, unsigned flags, tern_time now);
ptrdiff_t tcp_send_owned(struct tcb *tcb, const void *from, size_t n, unsigned flags,
			 void (*release)(void *, const void *, size_t), void *context, tern_time now);
ptrdiff_t tcp_receive(struct tcb *tcb, void *to, size_t n, tern_time now);
ptrdiff_t tcp_peek(struct tcb *tcb, size_t skip, const uint8_t **at);
int	  tcp_consume(struct tcb *tcb, size_t n, tern_time now);
/* Posted buffers (post.h). While there is one, it is what is received into: tcp_receive(), tcp_peek() and
 * tcp_consume() are not called. */
int	  tcp_receive_post(struct tcb *tcb, void *to, size_t n);
ptrdiff_t tcp_receive_posted(struct tcb *tcb, tern_time now);
ptrdiff_t tcp_receive_unpost(struct tcb *tcb, tern_time now);
bool	  tcp_has_post(const struct tcb *tcb);
int	  tcp_shutdown(struct tcb *tcb, tern_time now);
int	  tcp_shutdown_receive(struct tcb *tcb, tern_time now);
void	  tcp_close(struct tcb *tcb, tern_time now); /* the program's handle is gone: held = false */
void	  tcp_abort(struct tcb *tcb, enum tern_why why, int error, tern_time now);
unsigned  tcp_ready(const struct tcb *tcb); /* levels */
void	  tcp_status(const struct tcb *tcb, tern_time now, struct tern_status *status);
int	  tcp_option_set(struct tcb *tcb, enum tern_option option, int64_t value, tern_time now);
int	  tcp_option_get(const struct tcb *tcb, enum tern_option option, int64_t *value);
int	  tcp_set_congestion_control(struct tcb *tcb, const char *name);

/* ---- SEGMENT ARRIVES (arrive.c), RFC 9293 3.10.7 ---- */

/* For a connection with a block: SYN-SENT, SYN-RECEIVED and the synchronized states but TIME-WAIT.
 * The segment's checksum is right, its addresses are the tuple's. traffic_class: of its packet.
 * Tells the watcher and counts the verdict. */
/* After TERN_VERDICT_BAD_ACK in SYN-SENT or SYN-RECEIVED the host answers with emit_reset_for(), unless
 * the segment is an RST: the connection itself goes on (RFC 9293 3.10.7.3, 3.10.7.4 fifth). */
enum tern_verdict tcp_arrive(struct tcb *tcb, const struct tcp_segment *seg, uint8_t traffic_class, uint64_t mark,
			     tern_time now);

/* Segments that follow one which tcp_arrive() or this just accepted, in the same packets: the same header (no flag but
 * ACK and PSH) but for number, PSH and checksum, and as much text, each of which begins where the one before ended. */
struct tcp_more {
	const uint8_t *const *text; /* n of them */
	const uint32_t	     *sum;  /* of pseudo-header and header: is the text as sent? NULL: known to be right */
	seq_t		      seq;  /* of the first */
	uint32_t	      text_len, n;
};
/* How many of them arrived, and count as accepted. The next, if there is one, has changed nothing: it is to be checked,
 * and then to be given to tcp_arrive(). */
uint32_t tcp_arrive_more(struct tcb *tcb, const struct tcp_more *more, tern_time now);

/* ICMP names this connection and quotes sequence number seq (RFC 9293 3.9.2.2, RFC 5927). mtu: of a
 * packet-too-big, else 0; error: enum tern_error; hard: RFC 1122 says that it should abort. */
struct tcp_icmp {
	uint32_t seq, mtu;
	int	 error;
	bool	 hard;
};
bool tcp_icmp_arrives(struct tcb *tcb, const struct tcp_icmp *icmp, bool v6, tern_time now); /* acted on? */
/* The path's MTU is known to be smaller (or larger) now. */
void tcp_path_mtu(struct tcb *tcb, uint32_t mtu, tern_time now);

/* ---- USER and other TIMEOUTs (expire.c), RFC 9293 3.10.8 ---- */

tern_time tcp_deadline(const struct tcb *tcb, tern_time now); /* the earliest of its timers; TERN_NEVER */
void	  tcp_expire(struct tcb *tcb, tern_time now); /* runs every timer that is due */

/* ---- out (emit.c): the only maker of segments ---- */

/* A segment to send. Its text is [text_offset, + seg.text_len) of the send store; seg.text is NULL. */
struct tcp_out {
	struct tcp_segment seg;
	struct slices	  *text;
	uint32_t	   text_offset;
	uint16_t	   gso_size; /* octets of text of each wire segment; 0: one segment */
	uint8_t		   traffic_class, ttl;
	bool		   retransmitted, probe;
};

/* All of it zeros but what nothing counts of: the blocks of no SACK option, the fields of no AccECN option. */
static inline void tcp_out_clear(struct tcp_out *out)
{
	memset(out, 0, offsetof(struct tcp_out, seg.opt.sack));
	memset(&out->seg.text, 0, sizeof *out - offsetof(struct tcp_out, seg.text));
}

/* The next segment that is due, or a run of them (gso_size). False: nothing (any more) now. limit: octets of text that
 * one emit may carry, in whole segments of the MSS; one of them always may leave. What is made counts as sent. */
bool tcp_emit(struct tcb *tcb, uint32_t limit, tern_time now, struct tcp_out *out);

/* Segments of connections that have no block. */
void emit_reset_for(struct tcp_segment *out, const struct tcp_segment *to); /* RFC 9293 3.10.7.1 */
void emit_syn_ack(const struct tcp_env *env, struct tcp_segment *out, const struct tern_tuple *tuple,
		  const struct tcp_agreement *agreed, tern_time now);
/* An ACK from little: TIME-WAIT entries, challenges of half-open ones. */
struct tcp_ack_only {
	seq_t	 seq, ack;
	uint32_t ts_recent, ts_offset;
	uint16_t wnd; /* as on the wire */
	bool	 ts_ok;
};
void emit_ack_only(struct tcp_segment *out, const struct tern_tuple *tuple, const struct tcp_ack_only *ack,
		   tern_time now);

/* ---- TIME-WAIT hand-over ---- */

/* What an entry must remember (host/time_wait.c). */
struct tcp_time_wait {
	seq_t	 snd_nxt, rcv_nxt;
	uint32_t ts_recent, ts_offset;
	bool	 ts_ok;
};
void tcp_to_time_wait(const struct tcb *tcb, struct tcp_time_wait *out);

/* CLOSED with nothing due and nobody holding it: the host frees the block. tcp_release() lets go of
 * all memory that a block still has. */
bool tcp_is_over(const struct tcb *tcb);
void tcp_release(struct tcb *tcb);

/* Memory is short: throw away what is advisory or cached. Returns true if something was given back. */
bool tcp_shed(struct tcb *tcb);
/* Memory is spent: a connection that holds text whose peer has taken none of it for some ten seconds of
 * time-outs or probes ends, as by a user timeout (RFC 6429: nothing obliges us to hold it then). True: it did. */
bool tcp_evict(struct tcb *tcb, tern_time now);

/* ---- pack.c ---- */

size_t tcp_pack(const struct tcb *tcb, uint8_t *to, size_t room, tern_time now);
/* Into a fresh block. 0 or -TERN_EPROTO, -TERN_ENOMEM. */
int tcp_unpack(struct tcb *tcb, const uint8_t *from, size_t n, tern_time now);

/* ---- the watcher (watch.c) ---- */

void watch_segment_rx(const struct tcp_env *env, const struct tern_tuple *tuple, enum tcp_state state,
		      const struct tcp_segment *seg, enum tern_verdict verdict, uint64_t mark, const struct tcb *tcb,
		      tern_time now);
/* id: the packet's number. tcb may be NULL. */
void watch_segment_tx(const struct tcp_env *env, const struct tern_tuple *tuple, enum tcp_state state,
		      const struct tcp_out *out, uint64_t id, const struct tcb *tcb, tern_time now);
/* For what has no block: half-open and TIME-WAIT entries, listeners. Asserts the edge. */
void watch_state(const struct tcp_env *env, const struct tern_tuple *tuple, enum tcp_state from, enum tcp_state to,
		 enum tern_why why, tern_time now);
void watch_timer(const struct tcp_env *env, const struct tern_tuple *tuple, enum tcp_state state, enum tern_timer timer,
		 enum tern_timer_action action, tern_time deadline, uint32_t count, tern_time now);
void watch_note(const struct tcp_env *env, const struct tern_tuple *tuple, enum tcp_state state, enum tern_note note,
		uint32_t value, tern_time now);
void watch_retransmit(const struct tcp_env *env, const struct tern_tuple *tuple, enum tcp_state state,
		      enum tern_retransmit_why why, seq_t seq, uint32_t len, uint32_t count, tern_time rto,
		      tern_time now);
void watch_congestion(const struct tcb *tcb, enum tern_congestion_event event, tern_time now);
void watch_drop(const struct tcp_env *env, const struct tern_tuple *tuple, enum tern_verdict verdict, uint32_t len,
		uint64_t mark, tern_time now);

#endif
