/* What a window is still worth after a silence. Unpaced: nothing beyond the restart window once the silence
 * outlasts a retransmission time-out (RFC 5681 4.1), since all of it would leave in a burst. Paced, there is no
 * burst: the window is kept for five minutes, the non-validated period, and then halved for each that passes
 * (RFC 7661 4.4.3).
 *
 * That a window which is not used does not grow (RFC 7661 4.3) is tern_cc_ack.cwnd_limited's to tell. */
#ifndef TCP_VALIDATE_H
#define TCP_VALIDATE_H

#include <tern/congestion.h>

void validate_restart(struct tern_cc *cc, const struct tern_cc_restart *restart);

#endif
