/* Proportional rate reduction (RFC 9937): how much may leave on each ACK of a recovery, so that what flies
 * at its end is ssthresh, however the losses lie.
 *
 *	in_flight > ssthresh	in proportion: of RecoverFS delivered, ssthresh sent
 *	else			no more than was delivered (PRR-CRB), and a segment more where SND.UNA
 *				advances and no further loss is known (SafeACK: PRR-SSRB)
 *
 * Octets, but the proportion is rounded up to whole segments, as the RFC's figures count. The answer is a
 * congestion window: in_flight plus what may leave now. It governs fast recovery and the answer to ECN-Echo;
 * after a time-out the controller's slow start does.
 */
#ifndef TCP_PRR_H
#define TCP_PRR_H

#include <stdbool.h>
#include <stdint.h>

struct prr {
	uint32_t recover_fs; /* RecoverFS: octets in flight when it began; 0: none goes on */
	uint32_t delivered;  /* prr_delivered: octets known to have arrived since */
	uint32_t out;	     /* prr_out: octets sent since */
};

/* An ACK, or a time-out that found losses. */
struct prr_ack {
	uint32_t delivered; /* DeliveredData, octets */
	uint32_t in_flight; /* once its losses are known */
	uint32_t ssthresh, mss;
	bool	 safe; /* SafeACK */
};

/* Recovery begins; recover_fs: SND.NXT - SND.UNA, less what had been SACKed before this ACK (RFC 9937 6). */
void prr_begin(struct prr *prr, uint32_t recover_fs);
/* The congestion window from here on. */
uint32_t prr_window(struct prr *prr, const struct prr_ack *ack);
static inline uint32_t prr_add(uint32_t a, uint32_t b) /* no more than what the counters hold */
{
	return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}
/* So much leaves, new or again. */
static inline void prr_sent(struct prr *prr, uint32_t octets)
{
	prr->out = prr_add(prr->out, octets);
}

#endif
