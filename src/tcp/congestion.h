/* Congestion control (DESIGN 5.8): events in, window out. A controller sees no connection, no segment
 * and no timer. It owns cwnd and ssthresh (bytes) and, if it paces, the pacing rate.
 *
 * RFC 5681, 6928; controllers: reno.c.
 */
#ifndef TCP_CONGESTION_H
#define TCP_CONGESTION_H

#include <tern/types.h>

enum { CC_NO_SSTHRESH = 0x7fffffff }; /* RFC 5681 3.1: arbitrarily high */

struct cc_ops;

struct cc {
	const struct cc_ops *ops;
	uint32_t	     cwnd, ssthresh, mss;
	uint64_t	     pacing_rate; /* bytes per second; 0: not paced */
	union {
		struct {
			uint32_t acked; /* since cwnd last grew in congestion avoidance */
			bool	 after_rto; /* in the slow start that follows a time-out */
		} reno;
		uint64_t words[6];
	} u;
};

struct cc_ack {
	tern_time now, rtt;	/* rtt 0: no sample */
	uint32_t  bytes_acked, bytes_sacked, bytes_lost, bytes_ce, in_flight; /* in_flight: before this ACK */
	uint64_t  delivery_rate, prior_delivered; /* bytes per second; bytes */
	bool	  cwnd_limited, app_limited, round_start;
	bool	  in_recovery; /* fast recovery: the window is not the controller's to grow */
};

struct cc_loss {
	tern_time now;
	uint32_t  in_flight; /* when the loss was found, the lost octets counted */
};

struct cc_ops {
	const char *name; /* as in Linux */
	void (*init)(struct cc *cc); /* cwnd, ssthresh, mss are set; u is zero */
	void (*ack)(struct cc *cc, const struct cc_ack *ack);
	void (*loss)(struct cc *cc, const struct cc_loss *loss); /* fast recovery begins */
	void (*rto)(struct cc *cc, const struct cc_loss *loss, bool first); /* first of a series */
	void (*recovered)(struct cc *cc, uint32_t in_flight); /* recovery is over */
	void (*undo)(struct cc *cc, uint32_t cwnd, uint32_t ssthresh); /* it was spurious: what stood before */
	void (*idle_restart)(struct cc *cc, uint32_t restart_window); /* RFC 5681 4.1 */
	void (*mss_changed)(struct cc *cc, uint32_t mss);
};

extern const struct cc_ops cc_reno;

/* By number, as blocks keep it; NULL past the last. And by name: the number, or -TERN_ENOENT. */
const struct cc_ops *cc_at(int number);
int		     cc_by_name(const char *name);

/* IW = min(n * MSS, max(2 * MSS, 14600)) with n = 10 (RFC 6928 2). */
uint32_t cc_initial_window(uint32_t mss, uint32_t segments);

#endif
