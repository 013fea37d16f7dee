/* Checksums made right, so that what a fuzzer writes gets past them. */
#ifndef FUZZ_SUMS_H
#define FUZZ_SUMS_H

#include <stddef.h>
#include <stdint.h>

/* The sums of the IPv4 header and of the TCP, UDP or ICMP message in it, as far as the packet is long enough to have
 * them. Fragments keep theirs. */
void sums_make_right(uint8_t *packet, size_t n);

#endif
