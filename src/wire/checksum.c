/* The Internet checksum of headers; text is summed by base/sum.c. */
#include "wire/checksum.h"

#include "base/bytes.h"
#include "wire/tuple.h"

/* Two octets in wire order as the machine loads them. */
static inline uint16_t native16(uint16_t value)
{
	uint8_t	 wire[2];
	uint16_t native;

	put16(wire, value);
	memcpy(&native, wire, sizeof native);
	return native;
}

/* The prefix of a mapped address is zeros and 0xffff, which is zero in this arithmetic. */
static inline uint32_t sum_address(const struct tern_addr *addr)
{
	if (addr_is_v4(addr))
		return checksum_header(0, addr->b + 12, 4);
	return checksum_header(0, addr->b, sizeof addr->b);
}

uint32_t checksum_pseudo(const struct tern_addr *src, const struct tern_addr *dst, uint8_t protocol,
			 uint32_t length)
{
	const uint64_t addresses = (uint64_t)sum_address(src) + sum_address(dst);

	return sum_fold32(addresses + native16(protocol) + native16((uint16_t)length) +
		      native16((uint16_t)(length >> 16)));
}

uint16_t checksum_finish(uint32_t sum)
{
	return native16((uint16_t)~sum_fold16(sum));
}
