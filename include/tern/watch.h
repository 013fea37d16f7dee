/* tern/watch.h - the watcher: one optional sink that sees what the stack does, as typed events.
 * Types only (and the names of their values); any layer may include it.
 *
 * Events describe; nothing a sink does reaches the stack. A sink must not call the host it watches.
 */
#ifndef TERN_WATCH_H
#define TERN_WATCH_H

#include <tern/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tern_watch_kind {
	TERN_WATCH_SEGMENT_TX, /* a TCP segment was made, and leaves with the next output batch */
	TERN_WATCH_SEGMENT_RX, /* a TCP segment arrived; verdict says what became of it */
	TERN_WATCH_STATE,      /* a connection changed its state, by an edge of RFC 9293 3.10 */
	TERN_WATCH_TIMER,      /* a timer did something */
	TERN_WATCH_RETRANSMIT, /* octets are sent again, and why */
	TERN_WATCH_CONGESTION, /* the congestion controller was told something that matters */
	TERN_WATCH_PACKET_DROP, /* a packet that never became a segment: IP, ICMP, checksum */
	TERN_WATCH_ICMP_RX,    /* an ICMP error that names a connection of ours */
	TERN_WATCH_NOTE,       /* see enum tern_note */
};

/* What became of an arriving segment. Each is counted by name (tern_verdict_name). */
enum tern_verdict {
	TERN_VERDICT_ACCEPTED,	      /* processed to its end */
	TERN_VERDICT_DUPLICATE,	      /* every octet was here before; acknowledged again */
	TERN_VERDICT_OUT_OF_ORDER,    /* in the window, beyond RCV.NXT: held */
	TERN_VERDICT_OUT_OF_WINDOW,   /* RFC 9293 3.10.7.4, first step */
	TERN_VERDICT_PAWS,	      /* RFC 7323 5: an old timestamp */
	TERN_VERDICT_NO_TIMESTAMP,    /* RFC 7323 3.2: agreed, but missing */
	TERN_VERDICT_BAD_ACK,	      /* acknowledges what was never sent, or in SYN-SENT not our SYN */
	TERN_VERDICT_OLD_ACK,	      /* older than SND.UNA - MAX.SND.WND (RFC 5961 5.2) */
	TERN_VERDICT_NO_ACK,	      /* no ACK bit in a synchronized state: fifth step */
	TERN_VERDICT_NO_SYN,	      /* neither SYN nor RST in SYN-SENT */
	TERN_VERDICT_RESET,	      /* an acceptable RST */
	TERN_VERDICT_REFUSED,	      /* RST in answer to our SYN */
	TERN_VERDICT_BLIND_RESET,     /* RST in the window, not at RCV.NXT: challenged (RFC 5961 3.2) */
	TERN_VERDICT_STRAY_RESET,     /* RST that names nothing or lies outside the window */
	TERN_VERDICT_BLIND_SYN,	      /* SYN on a synchronized connection: challenged (RFC 5961 4.2) */
	TERN_VERDICT_DUPLICATE_SYN,   /* the SYN again, in SYN-RECEIVED: the SYN-ACK is sent again */
	TERN_VERDICT_NEW_CONNECTION,  /* a SYN that a listener took */
	TERN_VERDICT_NO_CONNECTION,   /* nothing here: answered with RST */
	TERN_VERDICT_BACKLOG_FULL,    /* half-open entries or accept queue are full: dropped, not refused */
	TERN_VERDICT_COOKIE_SENT,     /* a SYN answered without keeping anything (SYN cookie) */
	TERN_VERDICT_COOKIE_ACCEPTED, /* the third segment proved a cookie */
	TERN_VERDICT_COOKIE_BAD,      /* an ACK to a listener that no cookie explains */
	TERN_VERDICT_NOT_ALLOWED,     /* a listener for one remote, or accept-any said no */
	TERN_VERDICT_WAITING,	      /* accept-any: the program has not decided yet (DESIGN 5.11) */
	TERN_VERDICT_TIME_WAIT,	      /* TIME-WAIT answered it with an ACK, or kept quiet */
	TERN_VERDICT_TIME_WAIT_REUSED, /* a new SYN ends TIME-WAIT (RFC 9293 MAY-2, RFC 6191) */
	TERN_VERDICT_TEXT_AFTER_CLOSE, /* text for a program that has let go: answered with RST */
	TERN_VERDICT_NO_MEMORY,	      /* the budget is spent: dropped, the peer sends again */
	TERN_VERDICT_MALFORMED,	      /* header cut short or contradicting itself */
	TERN_VERDICT_BAD_CHECKSUM,
	TERN_VERDICT_BAD_ADDRESS,     /* from or to broadcast, multicast, unspecified; SYN from ourselves */
	TERN_VERDICTS
};

/* Why a state was changed. Together with the two states it names one edge of the table (tcp/state.c),
 * each with its RFC clause. */
enum tern_why {
	TERN_WHY_OPEN_PASSIVE,
	TERN_WHY_OPEN_ACTIVE,
	TERN_WHY_SYN_ARRIVED,
	TERN_WHY_SYN_ACK_ARRIVED,
	TERN_WHY_OUR_SYN_ACKED,
	TERN_WHY_CLOSE_CALLED,
	TERN_WHY_FIN_ARRIVED,
	TERN_WHY_OUR_FIN_ACKED,
	TERN_WHY_FIN_AND_ACK_ARRIVED, /* FIN that also acknowledges ours: FIN-WAIT-1 to TIME-WAIT */
	TERN_WHY_RST_ARRIVED,
	TERN_WHY_REFUSED,
	TERN_WHY_ABORT_CALLED,
	TERN_WHY_TWO_MSL,
	TERN_WHY_R2,		     /* the retransmission limit (RFC 9293 3.8.3) */
	TERN_WHY_USER_TIMEOUT,
	TERN_WHY_KEEPALIVE,
	TERN_WHY_ORPHAN_TIMEOUT,     /* the program has let go and the peer keeps silent: our departure */
	TERN_WHY_TIME_WAIT_REUSED,
	TERN_WHY_TIME_WAIT_GIVEN_UP, /* the budget for TIME-WAIT entries is spent: the oldest goes */
	TERN_WHY_ICMP,		     /* a hard error while opening (RFC 9293 3.9.2.2, RFC 5927) */
	TERN_WHY_LISTENER_CLOSED,
	TERN_WHY_HALF_OPEN_GIVEN_UP, /* SYN-RECEIVED that nobody completed */
	TERN_WHY_TEXT_UNREAD,	     /* let go with text unread, or text came after that (SHLD-3) */
	TERN_WHYS
};

enum tern_timer {
	TERN_TIMER_RETRANSMIT, /* RFC 6298 */
	TERN_TIMER_PERSIST,    /* RFC 9293 3.8.6.1 */
	TERN_TIMER_DELAYED_ACK, /* RFC 9293 3.8.6.3 */
	TERN_TIMER_KEEPALIVE,  /* RFC 9293 3.8.4 */
	TERN_TIMER_USER,       /* RFC 9293 3.8.3, 3.10.8 */
	TERN_TIMER_ORPHAN,
	TERN_TIMER_TIME_WAIT,  /* 2MSL */
	TERN_TIMER_SYN_ACK,    /* half-open entries */
	TERN_TIMER_SWS,	       /* sender's override, RFC 9293 3.8.6.2.1 */
	TERN_TIMER_RACK,       /* RFC 8985 reordering timer */
	TERN_TIMER_PROBE,      /* RFC 8985 tail loss probe */
	TERN_TIMER_PACE,       /* not told: it goes off for every burst */
	TERN_TIMERS
};

enum tern_timer_action { TERN_TIMER_SET, TERN_TIMER_STOPPED, TERN_TIMER_FIRED };

enum tern_retransmit_why {
	TERN_RETRANSMIT_TIMEOUT,	  /* RTO */
	TERN_RETRANSMIT_FAST,		  /* third duplicate ACK, or SACKs counted (RFC 6675) */
	TERN_RETRANSMIT_RACK,		  /* one sent later arrived, and this one had its time (RFC 8985) */
	TERN_RETRANSMIT_PARTIAL_ACK,	  /* RFC 6582 */
	TERN_RETRANSMIT_AFTER_TIMEOUT,	  /* the rest of what an RTO declared lost */
	TERN_RETRANSMIT_ZERO_WINDOW_PROBE, /* the octet at SND.UNA, or the next one, against a closed window */
	TERN_RETRANSMIT_TAIL_PROBE,
	TERN_RETRANSMIT_PATH_MTU,	  /* cut again for a smaller MTU */
	TERN_RETRANSMIT_DUPLICATE_SYN,	  /* the SYN-ACK again because the SYN came again */
	TERN_RETRANSMIT_KEEPALIVE,
	TERN_RETRANSMIT_WHYS
};

enum tern_congestion_event {
	TERN_CONGESTION_INIT,
	TERN_CONGESTION_SLOW_START_EXIT,
	TERN_CONGESTION_RECOVERY_ENTER,
	TERN_CONGESTION_RECOVERY_EXIT,
	TERN_CONGESTION_TIMEOUT,
	TERN_CONGESTION_UNDO,
	TERN_CONGESTION_IDLE_RESTART,
	TERN_CONGESTION_ECN,
	TERN_CONGESTION_TAIL_LOSS, /* a tail loss probe repaired a loss (RFC 8985 7.4) */
	TERN_CONGESTION_EVENTS
};

enum tern_note {
	TERN_NOTE_ZERO_WINDOW_SENT,    /* our window closed */
	TERN_NOTE_ZERO_WINDOW_RECEIVED,
	TERN_NOTE_WINDOW_OPENED,
	TERN_NOTE_WINDOW_SHRUNK,       /* the peer took a right edge back */
	TERN_NOTE_SOFT_ERROR,	       /* ICMP that does not kill (MUST-56); value: enum tern_error */
	TERN_NOTE_R1,		       /* negative advice (RFC 9293 3.8.3) */
	TERN_NOTE_COOKIES_ON,	       /* the listener is full: SYN cookies from here */
	TERN_NOTE_COOKIES_OFF,
	TERN_NOTE_PATH_MTU,	       /* value: the new path MTU in bytes */
	TERN_NOTE_URGENT,
	TERN_NOTE_OUT_OF_ORDER_DROPPED, /* under memory pressure; SACK is advisory */
	TERN_NOTE_CHALLENGE_LIMITED,   /* a challenge ACK withheld by the limit of RFC 5961 7 */
	TERN_NOTE_TEXT_LOST,	       /* the program let go with text unread or undeliverable */
	TERN_NOTE_BLACK_HOLE,	       /* large segments vanish without ICMP; value: bytes of a packet from here */
	TERN_NOTE_PROBED_MTU,	       /* a larger one arrived (RFC 4821); value: bytes of a packet from here */
	TERN_NOTE_ECN_AGREED,	       /* value: 3168 (classic) or 9768 (accurate) */
	TERN_NOTE_CE_RECEIVED,	       /* a marked packet came, the first (again): it is echoed */
	TERN_NOTE_ECN_MANGLED,	       /* the path meddles with ECN (RFC 9768 3.2.2) */
	/* What only a reader of captures tells (tern trace). */
	TERN_NOTE_WINDOW_FULL,	       /* the sender has used up the window that it was offered */
	TERN_NOTE_NEEDLESS,	       /* sent again, though the other end had it; value: number of that segment */
	TERN_NOTE_OVERTAKEN,	       /* the segment came to the capture after one that was sent later */
	TERN_NOTE_LOST_BEFORE,	       /* what is sent again here was lost before it came to the capture */
	TERN_NOTE_MISSING,	       /* text was acknowledged that the capture does not hold */
	TERN_NOTE_CHALLENGE_ACK,       /* RFC 5961 7; value: number of the segment that it answers, or 0 */
	TERN_NOTE_RESET_PROVOKED,      /* value: number of the segment that the RST answers */
	TERN_NOTES
};

struct tern_sack_block {
	uint32_t left, right;
};

/* A segment as a sink sees it. Sequence numbers absolute; wnd in octets, already scaled. */
struct tern_watch_segment {
	uint64_t id;   /* tx: this host's packet number, also in tern_packet.id */
	uint64_t mark; /* rx: what the link wrote into tern_packet.mark */
	uint32_t seq, ack, wnd, len;
	uint32_t iss, irs;   /* of the connection, for relative numbers; 0 and known = false: none */
	bool	 known;
	bool	 retransmitted; /* tx: octets that were sent before */
	bool	 probe;		/* tx: zero-window probe or keep-alive */
	uint16_t flags, up, raw_wnd;
	uint8_t	 verdict; /* rx: enum tern_verdict */
	uint8_t	 has_mss : 1, has_wscale : 1, has_ts : 1, sack_permitted : 1;
	uint8_t	 wscale, n_sack;
	uint16_t mss;
	uint16_t gso_size; /* tx: octets of text per wire segment where one emit makes several; else 0 */
	uint32_t ts_val, ts_ecr;
	struct tern_sack_block sack[4];
};

/* What an event rests on. A stack tells its own events; a reader of captures sees segments alone. */
enum tern_basis {
	TERN_BASIS_TOLD,     /* by the host at which it happened */
	TERN_BASIS_OBSERVED, /* segments that this end sent prove it */
	TERN_BASIS_INFERRED, /* it follows if what was seen on its way arrived and was taken */
	TERN_BASIS_UNSEEN,   /* it must have happened before this; the capture does not hold what brought it */
	TERN_BASES
};

struct tern_watch_event {
	enum tern_watch_kind kind;
	enum tern_basis	     basis;
	tern_time	     now;
	struct tern_tuple    tuple; /* which connection; remote all zero for a listener */
	enum tern_state	     state; /* after the event */
	union {
		struct tern_watch_segment segment;
		struct {
			enum tern_state from, to;
			enum tern_why	why;
			const char     *clause; /* "RFC 9293 3.10.7.3" */
		} state;
		struct {
			enum tern_timer	       timer;
			enum tern_timer_action action;
			tern_time	       deadline; /* TERN_TIMER_SET */
			uint32_t	       count;	 /* how often in a row */
		} timer;
		struct {
			enum tern_retransmit_why why;
			uint32_t		 seq, len, count; /* absolute; octets; times sent before */
			tern_time		 rto;
		} retransmit;
		struct {
			enum tern_congestion_event event;
			uint32_t cwnd, ssthresh, in_flight; /* bytes */
			const char *controller;
		} congestion;
		struct {
			enum tern_verdict verdict;
			uint32_t	  len;
			uint64_t	  mark;
		} drop;
		struct {
			uint8_t	 type, code, version;
			bool	 acted; /* not only noted */
			uint32_t mtu;
		} icmp;
		struct {
			enum tern_note note;
			uint32_t       value;
		} note;
	} u;
};

struct tern_watcher {
	void (*event)(void *context, const struct tern_watch_event *event);
	void *context;
};

/* Stable lower-case names for JSON and counters: "out-of-window". "?" out of range. */
const char *tern_verdict_name(enum tern_verdict verdict);
const char *tern_why_name(enum tern_why why);
const char *tern_timer_name(enum tern_timer timer);
const char *tern_timer_action_name(enum tern_timer_action action);
const char *tern_retransmit_why_name(enum tern_retransmit_why why);
const char *tern_congestion_event_name(enum tern_congestion_event event);
const char *tern_note_name(enum tern_note note);
const char *tern_basis_name(enum tern_basis basis);

/* The permitted edges, for tests, models and explanations: RFC 9293 3.10, each with its clause. */
struct tern_edge {
	enum tern_state from, to;
	enum tern_why	why;
	const char     *clause;
};
const struct tern_edge *tern_edges(size_t *n);

#ifdef __cplusplus
}
#endif

#endif
