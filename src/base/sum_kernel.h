/* The pass itself, for vectors of SUM_WORDS 64-bit words: each file that includes this is compiled for a machine of its
 * own.
 *
 * 2^16, 2^32 and 2^64 are all 1 modulo 65,535, so words of any multiple of 16 bits may be summed and the sum
 * folded at the end, in either byte order (RFC 1071 2). We take 64-bit words, in vectors where the
 * machine has them, and keep two sums: of the words, modulo 2^64, and of their upper halves, exact below
 * 2^35 bytes. What the first lost to overflow the second knows: the sum of the lower halves is
 * words - uppers * 2^32. So a word costs two additions and a shift, and no carry passes between words.
 */
#ifndef BASE_SUM_KERNEL_H
#define BASE_SUM_KERNEL_H

#include "base/bytes.h"
#include "base/sum.h"

typedef uint64_t sum_vector __attribute__((vector_size(SUM_WORDS * 8)));

struct sum_pair {
	uint64_t words, uppers;
};

static inline uint64_t sum_joined(struct sum_pair s)
{
	const uint64_t lowers = s.words - (s.uppers << 32);

	return sum_fold32(lowers) + (uint64_t)sum_fold32(s.uppers);
}

/* Two octets in wire order as the machine loads them. */
static inline uint16_t sum_native16(uint8_t first, uint8_t second)
{
	const uint8_t wire[2] = { first, second };
	uint16_t      native;

	memcpy(&native, wire, sizeof native);
	return native;
}

/* With the carry, which is 1 like all of 2^64: of few words this takes less than two sums. */
static inline uint64_t sum_carried(uint64_t sum, uint64_t word)
{
	return __builtin_add_overflow(sum, word, &sum) ? sum + 1 : sum;
}

/* The word at from, which goes to `to` where there is one. */
__attribute__((always_inline)) static inline uint64_t sum_word(uint8_t *to, const uint8_t *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof word);
	if (to)
		memcpy(to, &word, sizeof word);
	return word;
}

/* What is too little for vectors. */
__attribute__((always_inline)) static inline uint64_t sum_rest(uint8_t *to, const uint8_t *from, size_t n)
{
	uint64_t sum = 0, last = 0;

	for (; n >= 32; n -= 32, from += 32) {
		sum = sum_carried(sum, sum_word(to, from));
		sum = sum_carried(sum, sum_word(to ? to + 8 : to, from + 8));
		sum = sum_carried(sum, sum_word(to ? to + 16 : to, from + 16));
		sum = sum_carried(sum, sum_word(to ? to + 24 : to, from + 24));
		to = to ? to + 32 : to;
	}
	for (; n >= 8; n -= 8, from += 8) {
		sum = sum_carried(sum, sum_word(to, from));
		to = to ? to + 8 : to;
	}
	if (n >= 4) {
		uint32_t word;

		memcpy(&word, from, 4);
		if (to)
			memcpy(to, &word, 4);
		last = word;
	}
	for (size_t i = n & 4; i < n; i++) {
		last += i % 2 ? sum_native16(0, from[i]) : sum_native16(from[i], 0);
		if (to)
			to[i] = from[i];
	}
	return sum_fold32(sum) + last;
}

/* What is shorter is not worth the joining, nor a frame for vectors. */
enum { SUM_FEW = 128 };

/* Inlined into its callers, whatever the compiler thinks of its size, so that whether it copies is no
 * question at run time. n: SUM_FEW or more. */
__attribute__((always_inline)) static inline uint32_t sum_many(uint32_t sum, uint8_t *to, const uint8_t *from,
							       size_t n)
{
	sum_vector words[2] = { 0 }, uppers[2] = { 0 };
	struct sum_pair s = { 0 };

	for (; n >= sizeof words; n -= sizeof words, from += sizeof words) {
		sum_vector in[2];

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
	for (size_t i = 0; i < SUM_WORDS; i++) {
		s.words += words[0][i];
		s.uppers += uppers[0][i];
	}
	return sum_fold32(sum + sum_joined(s) + sum_rest(to, from, n));
}

__attribute__((noinline)) static uint32_t sum_add_many(uint32_t sum, const uint8_t *from, size_t n)
{
	return sum_many(sum, NULL, from, n);
}

__attribute__((noinline)) static uint32_t sum_copy_many(uint32_t sum, uint8_t *restrict to,
							const uint8_t *restrict from, size_t n)
{
	return sum_many(sum, to, from, n);
}

static inline uint32_t sum_pass(uint32_t sum, const void *from, size_t n)
{
	return n < SUM_FEW ? sum_fold32(sum + sum_rest(NULL, from, n)) : sum_add_many(sum, from, n);
}

static inline uint32_t sum_copy_pass(uint32_t sum, void *restrict to, const void *restrict from, size_t n)
{
	return n < SUM_FEW ? sum_fold32(sum + sum_rest(to, from, n)) : sum_copy_many(sum, to, from, n);
}

#endif
