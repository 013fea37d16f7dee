/* May an ICMP error be sent, and at what rate? (RFC 1122 3.2.2, RFC 4443 2.4)
 *
 * The rate is kept per destination prefix (IPv4 /24, IPv6 /64), with a random part in both what a bucket holds
 * and what an error costs: a host-wide or exact limit would tell a third party whether this host answered
 * somebody else (SAD DNS, CVE-2020-25705). A prefix has a bucket of its own, chance included, so that what it is
 * answered does not hang on anybody else, as long as one of the ICMP_LIMIT_WAYS that its hash names has nothing to
 * do; under a flood from everywhere it shares one.
 */
#ifndef IP_ICMP_LIMIT_H
#define IP_ICMP_LIMIT_H

#include "base/siphash.h"
#include "ip/route.h"
#include "wire/ip.h"

enum {
	ICMP_LIMIT_BUCKETS = 256,
	ICMP_LIMIT_WAYS = 4,
	ICMP_LIMIT_RATE = 10,	  /* errors in a second, for one prefix, on average at most */
	ICMP_LIMIT_BURST = 12,	  /* at once, at most; 4 at least after a pause */
	ICMP_QUOTE_MAX_V4 = 548,  /* bytes of the packet that an error quotes: the whole */
	ICMP_QUOTE_MAX_V6 = 1232, /* error is then 576 (RFC 1812 4.3.2.3) or 1280 (RFC 4443 2.4 (c)) */
};

struct icmp_limit {
	struct siphash_key key;
	uint64_t	   seed;
	struct icmp_bucket {
		uint64_t  name;	  /* hash of the prefix, in its epoch; 0: nobody's yet */
		uint64_t  random; /* splitmix64 */
		tern_time filled; /* when it was last filled */
		int64_t	  credit; /* ns of time; an error costs about TERN_SECOND / ICMP_LIMIT_RATE */
	} bucket[ICMP_LIMIT_BUCKETS];
};

/* seed: for the random part; from the host's secret. */
void icmp_limit_init(struct icmp_limit *limit, const struct siphash_key *key, uint64_t seed);

/* True: an error may go to dst now, and is counted. False: not now (IcmpOutRateLimited). */
bool icmp_limit_take(struct icmp_limit *limit, const struct tern_addr *dst, tern_time now);

/* May any error answer this packet? Never an ICMP error or redirect, a packet to broadcast or multicast,
 * a later fragment, or a source that is not one host's unicast address. RFC 4443 2.4 (e.3) would let two
 * errors answer multicast; we send none, which RFC 8200 4.2 asks for otherwise: it would amplify. */
bool icmp_may_answer(const struct routes *routes, const struct ip_header *ip);

#endif
