/* What the time goes to in which a connection has something to send: Linux's tcpi_busy_time, tcpi_rwnd_limited
 * and tcpi_sndbuf_limited.
 *
 *	NONE	all is acknowledged and nothing is queued: the program's time
 *	BUSY	text or a FIN is queued or in flight; the path, the congestion window or the pacer decides
 *	RWND	text waits, and the peer's window has no room for a segment of it, though the congestion window has
 *	SNDBUF	all there was has left, the congestion window has room, and the program waits for room in the send
 *		buffer
 *
 * The kind changes where the cause does: when something is queued, at the end of a turn of sending, with an ACK.
 * Between changes nothing is counted. While a warm record stands, it holds the sums; then the path record does; and
 * where there is none, the cold record has room for BUSY's microseconds alone, so RWND and SNDBUF ask for a path.
 */
#ifndef TCP_CHRONO_H
#define TCP_CHRONO_H

#include <tern/status.h>
#include <tern/types.h>

struct tcb;
struct tcb_path;

enum chrono_kind { CHRONO_BUSY, CHRONO_RWND, CHRONO_SNDBUF, CHRONO_KINDS, CHRONO_NONE = CHRONO_KINDS };

struct chrono {
	tern_time spent[CHRONO_KINDS]; /* up to `since` */
	tern_time since;	       /* the kind is what it is */
	uint8_t	  kind;		       /* enum chrono_kind */
};

static inline void chrono_turn(struct chrono *chrono, enum chrono_kind kind, tern_time now)
{
	if (chrono->kind == kind)
		return;
	if (chrono->kind < CHRONO_KINDS)
		chrono->spent[chrono->kind] += now - chrono->since;
	chrono->since = now;
	chrono->kind = (uint8_t)kind;
}

void chrono_queued(struct tcb *tcb, tern_time now);	 /* text, or the FIN */
void chrono_turn_over(struct tcb *tcb, tern_time now); /* nothing more may leave now */
void chrono_drained(struct tcb *tcb, tern_time now);	 /* all text is acknowledged */
void chrono_ends(struct tcb *tcb, tern_time now);	 /* the connection is over */

/* More than the cold record has room for. */
bool chrono_needs_path(const tern_time spent[CHRONO_KINDS]);
/* The sums' way between warm record, path and cold record. */
void chrono_wakes(struct tcb *tcb);
void chrono_rests(struct tcb *tcb);
void chrono_enters_path(const struct tcb *tcb, struct tcb_path *path); /* just attached */
void chrono_leaves_path(struct tcb *tcb, const struct tcb_path *path); /* about to go */

void chrono_status(const struct tcb *tcb, tern_time now, struct tern_status *status);

#endif
