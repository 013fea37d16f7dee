#include "base/siphash.h"

struct lanes {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

/* Little-endian whatever the machine; one load where it is. */
static inline uint64_t load64(const uint8_t *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
	       (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

static inline void mix(struct lanes *s, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 = rotate(s->v0, 32) + s->v3;
		s->v2 += s->v1;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v2 = rotate(s->v2, 32);
	}
}

static inline void absorb(struct lanes *s, uint64_t word, int rounds)
{
	s->v3 ^= word;
	mix(s, rounds);
	s->v0 ^= word;
}

static inline struct lanes begin(const struct siphash_key *key)
{
	return (struct lanes){
		key->k0 ^ 0x736f6d6570736575u,
		key->k1 ^ 0x646f72616e646f6du,
		key->k0 ^ 0x6c7967656e657261u,
		key->k1 ^ 0x7465646279746573u,
	};
}

static inline uint64_t end(struct lanes *s, int rounds)
{
	s->v2 ^= 0xff;
	mix(s, rounds);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* Inlined into its two callers, so that the numbers of rounds are constants. */
__attribute__((always_inline)) static inline uint64_t siphash(const struct siphash_key *key, const uint8_t *p, size_t n,
							      int rounds, int last_rounds)
{
	struct lanes s = begin(key);
	uint64_t last = (uint64_t)n << 56;

	for (; n >= 8; n -= 8, p += 8)
		absorb(&s, load64(p), rounds);
	for (size_t i = 0; i < n; i++)
		last |= (uint64_t)p[i] << (8 * i);
	absorb(&s, last, rounds);
	return end(&s, last_rounds);
}

static inline uint64_t twelve(const struct siphash_key *key, uint64_t first, uint32_t then, int rounds, int last_rounds)
{
	struct lanes s = begin(key);

	absorb(&s, first, rounds);
	absorb(&s, UINT64_C(12) << 56 | then, rounds);
	return end(&s, last_rounds);
}

uint64_t siphash13_12(const struct siphash_key *key, uint64_t first, uint32_t then)
{
	return twelve(key, first, then, 1, 3);
}

uint64_t siphash24_12(const struct siphash_key *key, uint64_t first, uint32_t then)
{
	return twelve(key, first, then, 2, 4);
}

uint64_t siphash13(const struct siphash_key *key, const void *data, size_t n)
{
	return siphash(key, data, n, 1, 3);
}

uint64_t siphash24(const struct siphash_key *key, const void *data, size_t n)
{
	return siphash(key, data, n, 2, 4);
}
