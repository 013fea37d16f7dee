/* SYN cookies: a SYN answered without keeping anything. The ISS is the memory.
 *
 *   31                              4 3      1  0
 *   +--------------------------------+--------+--+
 *   |  MAC, 28 bits                  | MSS ^p |t^p|
 *   +--------------------------------+--------+--+
 *
 * The MAC is SipHash-2-4 under env->cookie_key of the tuple, the peer's ISN, the time counter (64 s) and
 * the index of the MSS; p, four bits, is the same of the tuple and the peer's ISN alone. t is the counter's
 * parity: a cookie is good in the counter that it was made in and in the next, 64 to 128 s, and one hash
 * tells. Of the 2^32 numbers 16 are good at any moment: 2^-28 for a guess.
 *
 * What else the SYN offered stands in the low six bits of the timestamp of the SYN-ACK (as Linux has it):
 * window scale (15: none), SACK, and one bit for ECN, unused so far. A peer that offers no timestamps is
 * not given those. The option bits have no MAC: a peer can only lie about what it itself offered.
 *
 * What no cookie can know is whether it was used already: an old duplicate of a third segment opens a
 * connection again while its cookie is good (and no TIME-WAIT entry stands in its way). */
#ifndef HOST_COOKIE_H
#define HOST_COOKIE_H

#include "tcp/tcp.h"

enum {
	COOKIE_SECONDS = 64,
	COOKIE_LIFE_SECONDS = 2 * COOKIE_SECONDS,
	COOKIE_MSS_VALUES = 8,
	COOKIE_TS_BITS = 6
};

/* agreed is what tcp_agree() read from the SYN. It is cut down to what a cookie can remember (MSS to a
 * value of the table) and gets its iss, and the ts_offset that makes a SYN-ACK sent at now bear the
 * options. */
void cookie_make(const struct tcp_env *env, struct tcp_agreement *agreed, const struct tern_tuple *tuple,
		 tern_time now);

/* Whether seg, an ACK, proves a cookie that was sent. Then agreed is what was agreed, ts_offset the
 * tuple's. */
bool cookie_prove(const struct tcp_env *env, struct tcp_agreement *agreed, const struct tern_tuple *tuple,
		  const struct tcp_segment *seg, uint16_t our_mss, tern_time now);

#endif
