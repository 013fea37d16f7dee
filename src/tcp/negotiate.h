/* What SYNs agree on. */
#ifndef TCP_NEGOTIATE_H
#define TCP_NEGOTIATE_H

#include "tcp/tcp.h"

/* The shift that lets the largest receive buffer be announced (RFC 7323 2.3). */
uint8_t negotiate_wscale(const struct tern_config *config);

/* The MSS that our SYN announces (MUST-14, MUST-67). */
uint16_t negotiate_our_mss(uint32_t mtu, uint16_t max_segment, bool v6);

/* Text octets of a segment that carries timestamps (where agreed) and no SACK blocks. */
uint16_t negotiate_effective_mss(uint32_t mtu, uint16_t peer_mss, bool v6, bool ts_ok);

/* The peer's SYN has been read: everything that it settles goes into the block. */
void negotiate_take(struct tcb *tcb, const struct tcp_agreement *agreed, uint32_t mtu);

#endif
