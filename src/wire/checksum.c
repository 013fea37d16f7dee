/* The Internet checksum, many bytes a time.
 *
 * 2^16, 2^32 and 2^64 are all 1 modulo 65,535, so words of any multiple of 16 bits may be summed and the sum
 * folded at the end, in either byte order (RFC 1071 2). We take 64-bit words, two in a vector where the
 * machine has vectors, and keep two sums: of the words, modulo 2^64, and of their upper halves, exact below
 * 2^35 bytes. What the first lost to overflow the second knows: the sum of the lower halves is
 * words - uppers * 2^32. So a word costs two additions and a shift, and no carry passes between words.
 */
#include "wire/checksum.h"

#include "base/bytes.h"
#include "wire/tuple.h"

/* Two words: what every vector unit has. A compiler without one makes scalars of it. */
typedef uint64_t pair __attribute__((vector_size(16)));

static inline uint32_t fold32(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (uint32_t)(sum + (sum >> 32));
}

static inline uint16_t fold16(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

/* Two octets in wire order as the machine loads them. */
static inline uint16_t native16(uint16_t value)
{
	uint8_t	 wire[2];
	uint16_t native;

	put16(wire, value);
	memcpy(&native, wire, sizeof native);
	return native;
}

struct sums {
	uint64_t words, uppers;
};

static inline uint64_t joined(struct sums s)
{
	const uint64_t lowers = s.words - (s.uppers << 32);

	return fold32(lowers) + (uint64_t)fold32(s.uppers);
}

/* What is less than two pairs: 0 to 31 bytes. A last odd byte is the first of a word whose second is 0. */
__attribute__((always_inline)) static inline uint64_t sum_rest(uint8_t *to, const uint8_t *from, size_t n)
{
	struct sums s = { 0 };
	uint64_t    last = 0;

	for (; n >= 8; n -= 8, from += 8) {
		uint64_t word;

		memcpy(&word, from, 8);
		if (to) {
			memcpy(to, &word, 8);
			to += 8;
		}
		s.words += word;
		s.uppers += word >> 32;
	}
	if (n >= 4) {
		uint32_t word;

		memcpy(&word, from, 4);
		if (to)
			memcpy(to, &word, 4);
		last = word;
	}
	for (size_t i = n & 4; i < n; i++) {
		last += native16((uint16_t)(i % 2 ? from[i] : from[i] << 8));
		if (to)
			to[i] = from[i];
	}
	return joined(s) + last;
}

/* Inlined into its two callers, whatever the compiler thinks of its size, so that whether it copies is no
 * question at run time. */
__attribute__((always_inline)) static inline uint32_t sum_and_copy(uint32_t sum, uint8_t *to,
								     const uint8_t *from, size_t n)
{
	pair words[2] = { 0 }, uppers[2] = { 0 };

	for (; n >= sizeof words; n -= sizeof words, from += sizeof words) {
		pair in[2];

		memcpy(&in[0], from, sizeof in[0]);
		memcpy(&in[1], from + sizeof in[0], sizeof in[1]);
		if (to) {
			memcpy(to, &in[0], sizeof in[0]);
			memcpy(to + sizeof in[0], &in[1], sizeof in[1]);
			to += sizeof in;
		}
		for (size_t i = 0; i < 2; i++) {
			words[i] += in[i];
			uppers[i] += in[i] >> 32;
		}
	}
	words[0] += words[1];
	uppers[0] += uppers[1];

	const struct sums s = { words[0][0] + words[0][1], uppers[0][0] + uppers[0][1] };
	return fold32(sum + joined(s) + sum_rest(to, from, n));
}

uint32_t checksum_add(uint32_t sum, const void *data, size_t n)
{
	return sum_and_copy(sum, NULL, data, n);
}

uint32_t checksum_add_at(uint32_t sum, const void *data, size_t n, size_t offset)
{
	if (offset % 2 == 0)
		return checksum_add(sum, data, n);
	/* At an odd offset each byte stands in the other half of its word (RFC 1071 2 B). */
	const uint16_t part = fold16(checksum_add(0, data, n));

	return fold32((uint64_t)sum + (uint16_t)(part << 8 | part >> 8));
}

uint32_t checksum_copy(uint32_t sum, void *restrict to, const void *restrict from, size_t n)
{
	return sum_and_copy(sum, to, from, n);
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

	return fold32(addresses + native16(protocol) + native16((uint16_t)length) +
		      native16((uint16_t)(length >> 16)));
}

uint16_t checksum_finish(uint32_t sum)
{
	return native16((uint16_t)~fold16(sum));
}

bool checksum_is_right(uint32_t sum)
{
	return fold16(sum) == 0xffff;
}
