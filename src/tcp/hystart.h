/* HyStart++ (RFC 9406): slow start ends when the round-trip time rises, before the queue overflows.
 *
 *   slow start          cwnd += min(N, L * SMSS) an ACK
 *   -> conservative     the least RTT of this round is RttThresh above the last round's
 *   conservative (CSS)  a quarter of that growth
 *   -> slow start       the RTT fell below what it was on entry: it was jitter
 *   -> over             after CSS_ROUNDS of it
 *
 * For the first slow start only, while ssthresh is arbitrarily high (4.3). Its variables are words of the
 * controller's state.
 */
#ifndef TCP_HYSTART_H
#define TCP_HYSTART_H

#include <tern/congestion.h>

enum { HYSTART_WORDS = 4 };

/* One ACK in slow start. False: slow start is over, ssthresh becomes cwnd. All words 0 to begin with. */
bool hystart_ack(uint64_t state[HYSTART_WORDS], const struct tern_cc_ack *ack);

/* What cwnd grows by for `acked` octets: L is without bound where segments are paced, else 8 (4.2). */
uint32_t hystart_growth(const uint64_t state[HYSTART_WORDS], const struct tern_cc *cc, uint32_t acked);

static inline bool hystart_applies(const struct tern_cc *cc)
{
	return cc->ssthresh == TERN_CC_NO_SSTHRESH;
}

#endif
