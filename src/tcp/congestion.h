/* Congestion control, the inner side of the door (tern/congestion.h): which controllers there are, and
 * calls that fill in what an op may leave out.
 *
 * RFC 5681, 6928; controllers: reno.c, cubic.c, bbr.c.
 */
#ifndef TCP_CONGESTION_H
#define TCP_CONGESTION_H

#include "base/bytes.h"
#include <tern/config.h>
#include <tern/congestion.h>

enum { CC_NO_SSTHRESH = TERN_CC_NO_SSTHRESH };
enum { CC_FEW_WORDS = 20 }; /* state that the warm record itself has room for */

extern const struct tern_cc_ops cc_reno, cc_cubic, cc_bbr, cc_dctcp, cc_prague;

enum { CC_NAME_MOST = 15 };
enum { CC_RENO = 0 }; /* the one that never wants for memory */

/* By number, as blocks keep it: the built-in ones, then config->controllers; NULL past the last. And by
 * name: the number, or -TERN_ENOENT. */
const struct tern_cc_ops *cc_at(const struct tern_config *config, int number);
int			  cc_by_name(const struct tern_config *config, const char *name);
/* Whether every controller of the program's own has what the door asks for, and a name of its own. */
bool cc_controllers_are_right(const struct tern_config *config);

void cc_loss(struct tern_cc *cc, const struct tern_cc_loss *loss);
void cc_ecn_echo(struct tern_cc *cc, const struct tern_cc_loss *loss);
void cc_rto(struct tern_cc *cc, const struct tern_cc_loss *loss, bool first);
void cc_lost(struct tern_cc *cc, const struct tern_cc_lost *lost);
void cc_recovered(struct tern_cc *cc, uint32_t in_flight);
void cc_undo(struct tern_cc *cc, uint32_t cwnd, uint32_t ssthresh);
static inline void cc_restart(struct tern_cc *cc, const struct tern_cc_restart *restart)
{
	if (cc->ops->restart)
		cc->ops->restart(cc, restart);
}
void cc_mss_changed(struct tern_cc *cc, uint32_t mss);
bool cc_at_rest(const struct tern_cc *cc);
void cc_shift(struct tern_cc *cc, tern_time by);

/* IW = min(n * MSS, max(2 * MSS, 14600)) with n = 10 (RFC 6928 2, RFC5681-3.1-3). */
static inline uint32_t cc_initial_window(uint32_t mss, uint32_t segments)
{
	/* RFC 6928 2 bounds the bytes by 1,460 a segment, so that jumbo segments do not burst. */
	return min_u32(segments * mss, max_u32(2 * mss, segments * 1460));
}

#endif
