/* What DCTCP (RFC 8257) and Prague (RFC 9331) share: alpha, an estimate of the share of octets that come
 * marked, and a reduction in proportion to it, once a round trip. Words of the controller's state. */
#ifndef TCP_SCALABLE_H
#define TCP_SCALABLE_H

#include <tern/congestion.h>

enum {
	SCALABLE_ALPHA,	    /* times 2^20: from 0 to SCALABLE_ONE */
	SCALABLE_DELIVERED, /* octets since alpha was updated last */
	SCALABLE_MARKED,    /* of them */
	SCALABLE_REDUCED,   /* delivered_total at the last reduction: what was sent before it answers it no more */
	SCALABLE_PART,	    /* delivered since cwnd grew last, in the controller's own scale */
	SCALABLE_WORDS
};

enum { SCALABLE_ONE = 1 << 20 };

/* RFC 8257 3.3: alpha begins at 1. */
void scalable_init(struct tern_cc *cc);
void scalable_count(struct tern_cc *cc, const struct tern_cc_ack *ack);
/* DCTCP.Alpha = DCTCP.Alpha * (1 - g) + g * M, g = 1/16; the next window is counted from here. */
void scalable_update_alpha(struct tern_cc *cc);
/* cwnd = cwnd * (1 - alpha / 2), unless that was done for what this ACK is of. */
void scalable_reduce(struct tern_cc *cc, const struct tern_cc_ack *ack);
/* Slow start by what is delivered, to ssthresh. */
void scalable_slow_start(struct tern_cc *cc, uint32_t delivered);
/* A loss is a loss (RFC 8257 3.5, RFC 9331 4.3): half. */
void scalable_loss(struct tern_cc *cc, const struct tern_cc_loss *loss);
void scalable_rto(struct tern_cc *cc, const struct tern_cc_loss *loss, bool first);
void scalable_restart(struct tern_cc *cc, const struct tern_cc_restart *restart);
/* Alpha says more than the window does. */
bool scalable_at_rest(const struct tern_cc *cc);

#endif
