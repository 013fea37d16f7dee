/* Reassembly of IPv4 and IPv6 fragments (RFC 791 3.2, RFC 8200 4.5, RFC 5722), within fixed bounds.
 *
 * A packet put together is handed out whole, header and all, without a fragment header or fragment
 * flags: parse it again. Overlapping, contradicting or too many fragments discard the datagram, and
 * what is still to come of it until its time is up.
 */
#ifndef IP_REASSEMBLY_H
#define IP_REASSEMBLY_H

#include "base/mem.h"
#include "base/siphash.h"
#include "wire/ip.h"

enum {
	IP_REASSEMBLY_FRAGMENTS = 64,	/* of one datagram: 64 KiB in pieces of 1,024 */
	IP_REASSEMBLY_DATAGRAMS = 4096, /* at a time */
	IP_REASSEMBLY_BYTES = 4000000,	/* for everything; at most 1/16 of the host's budget */
	IP_REASSEMBLY_SHARES = 8,	/* one source (IPv4 address, IPv6 /64) has one of so many */
};

enum ip_reassembly_result {
	IP_REASSEMBLY_HELD,	 /* more to come */
	IP_REASSEMBLY_COMPLETE,	 /* ReasmOKs: packet and len are set */
	IP_REASSEMBLY_DUPLICATE, /* the same fragment again: ignored */
	/* The fragment alone was dropped. */
	IP_REASSEMBLY_BAD_LENGTH, /* not the last, and not a multiple of 8 bytes: problem */
	IP_REASSEMBLY_TINY,	  /* splits the TCP header or the IPv6 header chain (RFC 1858, 3128, 7112):
				   * IPv6 has a problem */
	IP_REASSEMBLY_NESTED,	  /* a fragment within a fragment (CVE-2023-4809) */
	IP_REASSEMBLY_LATE,	  /* of a datagram that was discarded before: not counted again */
	/* The whole datagram was discarded: ReasmFails. */
	IP_REASSEMBLY_TOO_LONG,	   /* would end beyond 65,535 (ping of death): problem */
	IP_REASSEMBLY_OVERLAP,	   /* RFC 5722; the same for IPv4 */
	IP_REASSEMBLY_CONTRADICTS, /* two ends, or bytes beyond the end */
	IP_REASSEMBLY_TOO_MANY,	   /* more than IP_REASSEMBLY_FRAGMENTS */
	IP_REASSEMBLY_BAD_ECN,	   /* RFC 3168 5.3: Not-ECT among CE or ECT */
	IP_REASSEMBLY_NO_MEMORY,
	IP_REASSEMBLY_RESULTS
};

/* Everything it points at stays until the next call of the room. */
struct ip_reassembled {
	const uint8_t *packet; /* IP_REASSEMBLY_COMPLETE: the whole packet */
	uint32_t       len;
	bool	       problem; /* IPv6 only: RFC 8200 4.5 wants ICMPv6 4, the fragment quoted */
	uint8_t	       problem_code;
	uint32_t       problem_pointer; /* into the fragment */
};

/* A datagram whose time ran out: ReasmTimeout and ReasmFails. Where its first fragment came, ICMP time
 * exceeded (reassembly) is owed to src, quoting that fragment; else quote_len is 0. */
struct ip_reassembly_expired {
	struct tern_addr src, dst;
	uint32_t	 zone;
	const uint8_t	*quote; /* the fragment as it came, until the next call of the room */
	uint32_t	 quote_len;
};

struct ip_datagram;
struct ip_reassembly_tables;

struct ip_reassembly {
	struct mem		    *mem;
	struct siphash_key	     key;
	tern_time		     timeout;	  /* ns from the first fragment that came */
	size_t			     used, limit; /* bytes */
	uint32_t		     n;		  /* datagrams, discarded ones counted */
	uint64_t		     given_up;	  /* pushed out by others before their time: ReasmFails */
	struct ip_reassembly_tables *tables;	  /* none before the first fragment */
	struct ip_datagram	    *oldest, *newest;
	struct ip_datagram	    *parting; /* expired; its fragment is still being quoted */
	uint8_t			    *whole;   /* the packet handed out */
	size_t			     whole_size;
};

/* key: the host's secret for this table. timeout: config.reassembly_timeout. Takes no memory yet. */
void ip_reassembly_init(struct ip_reassembly *r, struct mem *mem, const struct siphash_key *key,
			tern_time timeout);
void ip_reassembly_done(struct ip_reassembly *r);

/* Takes one fragment as ip_wire_parse() left it (ip->is_fragment) and copies what it needs, the header
 * before ip->payload too. zone tells equal addresses apart. */
enum ip_reassembly_result ip_reassembly_add(struct ip_reassembly *r, const struct ip_header *ip,
					    uint32_t zone, tern_time now, struct ip_reassembled *out);

/* When ip_reassembly_expire() has something; TERN_NEVER: nothing waits. */
tern_time ip_reassembly_deadline(const struct ip_reassembly *r);
/* Takes out one datagram whose time is up; false: there is none (any more). */
bool ip_reassembly_expire(struct ip_reassembly *r, tern_time now, struct ip_reassembly_expired *expired);

/* Gives back what an empty room needs not. */
void ip_reassembly_trim(struct ip_reassembly *r);
/* Asserts that the bounds hold and the books agree: for tests and simulations. */
void ip_reassembly_check(const struct ip_reassembly *r);

const char *ip_reassembly_name(enum ip_reassembly_result result); /* "overlap" */

#endif
