/* What stands on the way of a packet besides the cable: a router whose next link is narrower (RFC 1191,
 * RFC 8201), and somebody who guesses (RFC 5961).
 */
#ifndef SUPPORT_ROUTER_H
#define SUPPORT_ROUTER_H

#include "support/random.h"

#include <stddef.h>
#include <stdint.h>

enum { ROUTER_ERROR_MAX = 1280, ROUTER_PIECES_MAX = 64 };

/* The packet does not fit a link of this MTU and must not be cut: the ICMP error for its sender is at
 * error, its length is the result. 0: it passes. */
size_t router_refuses(const uint8_t *packet, size_t n, uint32_t mtu, uint8_t error[ROUTER_ERROR_MAX]);

/* The same, but it may be cut (IPv4 without DF): the fragments, one behind the other, and their lengths. Their
 * number; 0: it passes whole. */
unsigned router_cuts(const uint8_t *packet, size_t n, uint32_t mtu, uint8_t *pieces,
		     uint32_t length[ROUTER_PIECES_MAX]);

/* Where the packet is a TCP segment: another of the same connection and direction, without text or options,
 * a bare ACK or a RST whose sequence and acknowledgment numbers are guesses. Its length; 0: none. */
size_t forge_segment(const uint8_t *packet, size_t n, struct chance *chance, uint8_t forged[128]);

#endif
