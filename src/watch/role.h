/* What part a segment plays in the life of its connection: the segment's own fields say SYN or ACK, the
 * role says "third segment of the opening" or "acknowledges the FIN". Found from the segments alone, so
 * that a capture can be read as well as a run.
 */
#ifndef WATCH_ROLE_H
#define WATCH_ROLE_H

#include <stdbool.h>
#include <stdint.h>
#include <tern/watch.h>

enum role {
	ROLE_SYN,	       /* segment 1 */
	ROLE_CROSSING_SYN,     /* a SYN while the peer's SYN is on its way: simultaneous open */
	ROLE_SYN_ACK,	       /* segment 2 */
	ROLE_CROSSING_SYN_ACK, /* simultaneous open: each side acknowledges the other's SYN */
	ROLE_THIRD,	       /* segment 3: the ACK that completes the opening */
	ROLE_TEXT,	       /* octets of the stream */
	ROLE_ACK,	       /* acknowledges something new */
	ROLE_DUPLICATE_ACK,    /* the same number again */
	ROLE_WINDOW_UPDATE,    /* the same number again, with another window */
	ROLE_WINDOW_CLOSED,    /* announces a window of 0 */
	ROLE_WINDOW_PROBE,
	ROLE_KEEPALIVE,
	ROLE_PROBE_ANSWER,     /* the ACK that one of those two asks for */
	ROLE_FIN,	     /* segment 4: the active closer has no more to send */
	ROLE_FIN_ACKED,	     /* segment 5: the passive closer acknowledges it */
	ROLE_SECOND_FIN,     /* segment 6: the passive closer has no more to send either */
	ROLE_FIN_AND_ACK,    /* segments 5 and 6 in one */
	ROLE_CROSSING_FIN,   /* a FIN that does not acknowledge the peer's: simultaneous close */
	ROLE_SECOND_FIN_ACKED, /* segment 7 */
	ROLE_CROSSING_FIN_ACKED, /* simultaneous close: each side acknowledges the other's FIN */
	ROLE_RST,	       /* ends the connection at once */
	ROLE_REFUSAL,	       /* RST in answer to a SYN */
	ROLE_STRAY_RST,	       /* RST in answer to what belongs to no connection here */
	ROLES
};

const char *role_name(enum role role); /* "syn", "fin-acked"; "?" out of range */
unsigned    role_step(enum role role); /* which of the seven segments of an opening and closing; 0: none */

/* What the roles of one connection's segments hang on. Zeroed: a fresh connection. */
struct role_end {
	bool	  has_syn, has_fin, has_ack;
	bool	  acked_fin; /* it has acknowledged the peer's FIN */
	bool	  asks;	     /* it has sent a probe that is not answered yet */
	enum role syn_role, fin_role;
	bool	  wnd_of_syn; /* wnd is a SYN's, which is never scaled (RFC 7323 2.2) */
	uint32_t  iss, fin; /* fin: the sequence number after it */
	uint32_t  ack, wnd; /* as last sent */
};

struct role_conn {
	struct role_end end[2];
	bool		opened; /* the third segment is out */
};

/* The role of a segment that end `from` (0 or 1) sends now; remembers it. Segments of both ends are to be
 * given in the order of sending. */
enum role role_sent(struct role_conn *conn, unsigned from, const struct tern_watch_segment *seg);

#endif
