/* Challenge ACKs (RFC 5961) and every other ACK that answers what should not have come: at most
 * config.challenge_acks in a second, per connection, so that the limit tells nobody else anything. */
#ifndef TCP_CHALLENGE_H
#define TCP_CHALLENGE_H

#include "tcp/tcb.h"

/* Marks the ACK due if the limit allows. */
void challenge(struct tcb *tcb, tern_time now);

#endif
