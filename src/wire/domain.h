/* Lists of domain names as DHCP options 119 and 24 and router advertisements have them: RFC 1035 3.1's labels,
 * never compressed (RFC 3397 lets us, RFC 8106 5.2 and RFC 8415 10 forbid it). Never read from a peer.
 */
#ifndef WIRE_DOMAIN_H
#define WIRE_DOMAIN_H

#include "base/bytes.h"
#include <tern/types.h>

enum {
	DOMAINS = 8,
	DOMAIN_MOST = 255, /* bytes of one, with its lengths and the root's 0 */
	DOMAINS_BYTES = 512,
};

/* Names one behind the other; all zero: none. */
struct domains {
	uint8_t	 bytes[DOMAINS_BYTES];
	uint16_t n_bytes, n;
};

/* Adds "example.org" or "example.org." False and no change: no such name (a label of 0 or over 63 octets, a
 * character that no host name has: RFC 1123 2.1, and "_"), the root alone, or no room for it. */
bool domain_add(struct domains *domains, const char *name, size_t n);

/* Bytes of the first names that fit `room` together. */
size_t domains_fit(const struct domains *domains, size_t room);

#endif
