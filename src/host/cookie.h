/* SYN cookies: a SYN answered without keeping anything. The ISS is the memory.
 *
 *   31   27 26                   4 3      1  0
 *   +-------+----------------------+--------+---+
 *   | front | back                 | MSS ^p |t^p|
 *   +-------+----------------------+--------+---+
 *
 * All are SipHash-2-4 under env->cookie_key: front, 5 bits, of the tuple and the time counter (64 s); back,
 * 23 bits, of those, the peer's ISN and the index of the MSS; p, 4 bits, of the tuple and the peer's ISN. t
 * is the counter's parity: a cookie is good in the counter that it was made in and in the next, 64 to 128
 * s. Of the 2^32 numbers 16 are good at any moment: 2^-28 for a guess.
 *
 * The front can be told without the peer's ISN: so a peer whose first segments were lost, and whose later
 * ones cannot prove the cookie, is told from most that have no business here (cookie_may_be()). That one of
 * those later ones passes for a first has a chance of 2^-24.
 *
 * What else the SYN offered stands in the low six bits of the timestamp of the SYN-ACK (as Linux has it):
 * window scale (15: none), SACK, and one bit for ECN; which kind of it, the peer's ACK tells (ecn_recall). A
 * peer that offers no timestamps is not given those. The option bits have no MAC: a peer can only lie about
 * what it itself offered.
 *
 * What no cookie knows is whether it was used already: an old duplicate of a third segment, text and all,
 * would open a connection again that has ended. So cookies that were used are remembered for a while, by a
 * mark of 64 bits in a table where newer ones take the place of older: as many as COOKIE_SPENT at least
 * nearly always. */
#ifndef HOST_COOKIE_H
#define HOST_COOKIE_H

#include "tcp/tcp.h"

enum {
	COOKIE_SECONDS = 64,
	COOKIE_LIFE_SECONDS = 2 * COOKIE_SECONDS,
	COOKIE_MSS_VALUES = 8,
	COOKIE_TS_BITS = 6,
	COOKIE_SPENT = 8192
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

/* Whether seg acknowledges what may well be a cookie for this tuple, though its own number proves nothing:
 * it is from beyond the first segment. Wrong for one stranger in 16. */
bool cookie_may_be(const struct tcp_env *env, const struct tern_tuple *tuple, const struct tcp_segment *seg,
		   tern_time now);

/* By which a cookie that was used is remembered; its place is mark % COOKIE_SPENT. Never 0. */
uint64_t cookie_mark(const struct tcp_env *env, const struct tern_tuple *tuple,
		     const struct tcp_agreement *agreed);

#endif
