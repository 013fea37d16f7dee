/* tern/status.h - STATUS of RFC 9293 3.10.6, as much as Linux's TCP_INFO tells and more. Types only. */
#ifndef TERN_STATUS_H
#define TERN_STATUS_H

#include <tern/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a program waits for. Told as edges by tern_host_event(), as levels by tern_ready(). */
enum tern_readiness {
	TERN_READABLE  = 0x001, /* text to receive, or the end of the stream */
	TERN_WRITABLE  = 0x002, /* room to send */
	TERN_CONNECTED = 0x004, /* the handshake is complete */
	TERN_ACCEPT    = 0x008, /* listener: a connection waits in the accept queue */
	TERN_ASK       = 0x010, /* accept-any listener: a SYN waits for tern_answer() */
	TERN_PEER_CLOSED = 0x020, /* the peer's FIN has arrived: it has no more to send */
	TERN_ERROR     = 0x040, /* the connection ended by reset, time-out or refusal: tern_socket_error() */
	TERN_CLOSED    = 0x080, /* every state is left behind: CLOSED (or TIME-WAIT, which needs nobody) */
	TERN_URGENT    = 0x100, /* the urgent pointer arrived or advanced (MUST-32) */
	TERN_ADVICE    = 0x200, /* R1 passed, or a soft error (SHLD-9, MUST-47): see tern_status() */
	TERN_DRAINED   = 0x400, /* all that was sent is acknowledged */
};

/* As Linux's TCP_CA_*, in order of gravity. */
enum tern_recovery {
	TERN_RECOVERY_OPEN,
	TERN_RECOVERY_DISORDER, /* duplicate ACKs or SACKs: something is late or lost */
	TERN_RECOVERY_CWR,	/* the window shrinks for ECN-Echo (RFC 3168 6.1.2) */
	TERN_RECOVERY_FAST,	/* what is lost goes again (RFC 8985, 6675, 6582) */
	TERN_RECOVERY_LOSS,	/* after a retransmission time-out (RFC 6298) */
};

struct tern_status {
	enum tern_state	   state;
	enum tern_recovery recovery;
	struct tern_tuple  tuple;
	int		   error;      /* pending, negative; 0 none */
	int		   soft_error; /* last ICMP soft error, negative; 0 none (MUST-47) */

	/* Sequence variables, absolute (RFC 9293 3.3.1). */
	uint32_t iss, snd_una, snd_nxt, snd_wnd, snd_wl1, snd_wl2, snd_max_wnd;
	uint32_t irs, rcv_nxt, rcv_wnd;

	/* Agreed on. */
	bool	 wscale_ok, ts_ok, sack_ok, ecn_ok;
	bool	 ecn_accurate; /* ecn_ok, and by RFC 9768 */
	bool	 ecn_mangled;  /* the path was found to meddle with it: nothing is sent ECN-capable */
	uint8_t	 snd_wscale, rcv_wscale;
	uint16_t snd_mss, rcv_mss, pmtu; /* pmtu: bytes of the packet that carries snd_mss octets of text */

	/* Congestion and timing. Bytes, nanoseconds, bytes per second. */
	const char *congestion_control;
	uint32_t    cwnd, ssthresh, in_flight;
	uint32_t    reordering; /* segments that may overtake one before it counts as lost: DupThresh, where
				   that is what counts; else what flies within reo_wnd, at least that */
	uint32_t    reo_wnd_mult; /* RFC 8985 6.2 step 4; quarters of min_rtt */
	tern_time   reo_wnd;	  /* RACK's reordering window; 0: none, or RACK is not used */
	tern_time   srtt, rttvar, rto, min_rtt;
	uint64_t    delivery_rate, pacing_rate; /* delivery_rate 0: none known; idleness may forget it */
	bool	    delivery_rate_app_limited; /* it is of what the program sent, not of what the path can; or 0 */

	/* Nanoseconds since the opening, as Linux's tcpi_busy_time and the next two count them. What of a
	 * connection's age is not busy_time was the program's; what of busy_time is in neither of the others was the
	 * path's: the congestion window's, the pacer's, or the way to the peer and back. A moment counts for one of
	 * them only: the peer's window where that is what holds text back, the send buffer where there is no text. */
	tern_time busy_time;	  /* something was queued or not yet acknowledged */
	tern_time rwnd_limited;	  /* text waited for room in the peer's window, while the congestion window had some */
	tern_time sndbuf_limited; /* the program waited for room in the send buffer, while both windows had some */

	/* Queues, bytes. */
	uint32_t unsent, unacked, unread, out_of_order;
	uint32_t urgent; /* octets until the end of urgent data; 0 none (MUST-33) */
	bool	 fin_queued, fin_sent, fin_received;

	/* Since the opening. */
	uint64_t bytes_sent, bytes_acked, bytes_received; /* each octet of the stream once */
	uint64_t bytes_retransmitted;			  /* each time that it left again */
	uint32_t segments_out, segments_in, retransmits_total, retransmits_spurious;
	uint32_t received_ce;  /* marked segments that came (RFC 3168 5) */
	uint32_t delivered_ce; /* segments of ours that the peer told to be marked; classic: acknowledged with ECE */
	uint32_t retransmits; /* of the same octets, in a row */
	uint32_t probes;      /* zero-window probes in a row */
	uint32_t keepalive_probes;

	/* What will happen next without anyone's help; TERN_NEVER: not armed. */
	tern_time retransmit_at, persist_at, delayed_ack_at, keepalive_at, user_timeout_at, orphan_at, time_wait_at;

	uint8_t received_traffic_class; /* of the last segment (MAY-9) */
};

#ifdef __cplusplus
}
#endif

#endif
