/* The Internet checksum (RFC 1071, 1624): one's-complement sums of 16-bit words. */
#ifndef WIRE_CHECKSUM_H
#define WIRE_CHECKSUM_H

#include "base/bytes.h"
#include "base/sum.h"
#include <tern/types.h>

/* Sums as in base/sum.h. Only checksum_finish() gives a number that has a meaning outside. */
static inline uint32_t checksum_add(uint32_t sum, const void *data, size_t n)
{
	return sum_add(sum, data, n);
}

/* The same for a header: n is a multiple of 4, and small. What every segment has is not worth a call. */
static inline uint32_t checksum_header(uint32_t sum, const uint8_t *p, size_t n)
{
	uint64_t words = sum;

	for (; n > 0; n -= 4, p += 4) {
		uint32_t word;

		memcpy(&word, p, sizeof word);
		words += word;
	}
	return sum_fold32(words);
}

/* The same for a part that starts at an odd or even offset of the whole. */
static inline uint32_t checksum_add_at(uint32_t sum, const void *data, size_t n, size_t offset)
{
	return sum_join(sum, sum_add(0, data, n), offset);
}

/* The pseudo-header of RFC 9293 3.1 (IPv4) or RFC 8200 8.1 (IPv6), whichever the addresses
 * are of. length: octets of the upper layer's header and data. */
uint32_t checksum_pseudo(const struct tern_addr *src, const struct tern_addr *dst, uint8_t protocol,
			 uint32_t length);

/* The pseudo-header of this length, by that of length 0: the rest is the same for all packets of a way. */
static inline uint32_t checksum_pseudo_of(uint32_t pseudo, uint32_t length)
{
	uint8_t	 wire[4];
	uint32_t word;

	put32(wire, length);
	memcpy(&word, wire, sizeof word);
	const uint64_t sum = (uint64_t)pseudo + word;
	return (uint32_t)((sum & 0xffffffff) + (sum >> 32));
}

/* Folded and complemented, as get16()/put16() read and write it: put16(field, checksum_finish(sum)). */
uint16_t checksum_finish(uint32_t sum);

/* True where the sum of a whole message with its checksum field is right. */
static inline bool checksum_is_right(uint32_t sum)
{
	return sum_fold16(sum) == 0xffff;
}

#endif
