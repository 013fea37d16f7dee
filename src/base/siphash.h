/* SipHash-1-3 and SipHash-2-4 (Aumasson and Bernstein): keyed, so that a peer cannot aim. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k0, k1;
};

uint64_t siphash13(const struct siphash_key *key, const void *data, size_t n);
/* siphash13() of the twelve octets of first and then, little-endian: what every IPv4 segment is looked up by. */
uint64_t siphash13_12(const struct siphash_key *key, uint64_t first, uint32_t then);
uint64_t siphash24(const struct siphash_key *key, const void *data, size_t n);
uint64_t siphash24_12(const struct siphash_key *key, uint64_t first, uint32_t then); /* likewise */

/* A stream of numbers from a seed: splitmix64. For simulations, jitter and picks, not for secrets. */
static inline uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

#endif
