/* Neighbours: which hardware address an IP address of the link has, by the states of RFC 4861 7.3, for ARP
 * and neighbour discovery alike. The cache asks by handing out questions; who puts them into frames is
 * the host.
 *
 *   INCOMPLETE  asked of everybody; at most NEIGHBOUR_WAITING packets wait for the answer
 *   REACHABLE   it answered less than NEIGHBOUR_REACHABLE ago
 *   STALE       perhaps: used without a question until the next packet
 *   DELAY       used again; a question follows if nothing confirms it before
 *   PROBE       asked of the known hardware address
 *   FAILED      nobody answered: packets are dropped for a while instead of asking for each
 *
 * Believing. Only an answer to a question that is out makes an entry verified, and only such an answer,
 * from the address that was asked, confirms it. What others say unasked (gratuitous ARP, unsolicited
 * advertisements) changes nothing. Who asks us tells its own address by that: it makes an unverified
 * entry; where a verified one says otherwise, that one is probed, not overwritten, so that a neighbour
 * that changed its hardware address is found again after the probes fail (3 s).
 *
 * Bounds. NEIGHBOURS entries. A new one takes the place of what is failed, aged or unverified, oldest
 * first as far as a look at NEIGHBOUR_LOOKS of them tells; one that we ask for also of a verified one that
 * was idle for NEIGHBOUR_IDLE; never of a live one. The packets that wait for all of them together are bounded too.
 */
#ifndef IP_NEIGHBOUR_H
#define IP_NEIGHBOUR_H

#include "base/mem.h"
#include "ip/packet_list.h"
#include "base/siphash.h"
#include "wire/ethernet.h"
#include <tern/packet.h>

enum {
	NEIGHBOURS = 256,
	NEIGHBOUR_BUCKETS = 256,
	NEIGHBOUR_LOOKS = 16, /* a flood costs so many looks a packet, not one at each entry */
	NEIGHBOUR_WAITING = 32, /* packets for each: a burst; one more pushes out the oldest (RFC 4861 7.2.2) */
	NEIGHBOUR_PROBES = 3,  /* MAX_MULTICAST_SOLICIT, MAX_UNICAST_SOLICIT */
};

#define NEIGHBOUR_RETRANS   (1 * TERN_SECOND)	/* RETRANS_TIMER; RFC 1122 2.3.2.1: one a second at most */
#define NEIGHBOUR_REACHABLE (30 * TERN_SECOND)	/* REACHABLE_TIME */
#define NEIGHBOUR_DELAY	    (5 * TERN_SECOND)	/* DELAY_FIRST_PROBE_TIME */
#define NEIGHBOUR_FAILED    (1 * TERN_SECOND)	/* before it is asked for again */
#define NEIGHBOUR_IDLE	    (60 * TERN_SECOND)
#define NEIGHBOUR_AGE	    (600 * TERN_SECOND) /* unused so long: as if it were not there */

enum neighbour_state {
	NEIGHBOUR_STATE_NONE, /* no entry */
	NEIGHBOUR_STATE_INCOMPLETE,
	NEIGHBOUR_STATE_REACHABLE,
	NEIGHBOUR_STATE_STALE,
	NEIGHBOUR_STATE_DELAY,
	NEIGHBOUR_STATE_PROBE,
	NEIGHBOUR_STATE_FAILED,
};

struct neighbour {
	struct tern_addr    addr;
	uint8_t		    link, state; /* enum neighbour_state */
	bool		    verified;
	uint8_t		    mac[ETHERNET_ADDRESS];
	uint8_t		    asked, n_waiting;
	uint16_t	    chain; /* the next of its bucket, from 1; 0: none */
	tern_time	    until; /* INCOMPLETE, DELAY, PROBE: something is due. REACHABLE, FAILED: it is over */
	tern_time	    used, confirmed;
	struct tern_packet *first, *last; /* waiting */
};

struct neighbours {
	struct mem	     *mem;
	struct siphash_key    key;
	struct neighbour     *entries; /* NULL: never started */
	uint16_t	      buckets[NEIGHBOUR_BUCKETS];
	uint32_t	      n_waiting, waiting_most;
	tern_time	      next; /* nothing is due before, `fresh` apart; TERN_NEVER */
	uint16_t	      fresh; /* an entry that is due now, from 1; 0: none */
	uint16_t	      hand;  /* where the last place was found */
	uint64_t	      full; /* times that there was no place */
	struct packet_list released, given_up; /* what waited: complete now and may go; or may not */
	struct packet_list unreachable; /* what waited for a neighbour that nobody is: its senders are to be told */
};

/* waiting_most: packets, over all entries. */
void neighbours_init(struct neighbours *cache, struct mem *mem, const struct siphash_key *key,
		     uint32_t waiting_most);
/* Takes the memory for the entries; 0 or -TERN_ENOMEM. Again: nothing. */
int neighbours_start(struct neighbours *cache);
/* Every waiting packet is given up. */
void neighbours_clear(struct neighbours *cache);
void neighbours_done(struct neighbours *cache);

enum neighbour_way {
	NEIGHBOUR_SEND,	 /* packet->headers begins with its hardware address now */
	NEIGHBOUR_WAITS, /* the packet is the cache's until it comes out of one of its lists */
	NEIGHBOUR_DROP,	 /* nobody there, or no place to wait */
};

enum neighbour_way neighbour_send(struct neighbours *cache, uint8_t link, const struct tern_addr *addr,
				  struct tern_packet *packet, tern_time now);

/* An answer came. mac NULL: it names none (an advertisement without the option). False: nobody asked, or
 * another was asked: nothing is changed. */
bool neighbour_answered(struct neighbours *cache, uint8_t link, const struct tern_addr *addr, const uint8_t *mac,
			tern_time now);

/* addr asked for an address of ours and says that mac is its own. */
void neighbour_heard(struct neighbours *cache, uint8_t link, const struct tern_addr *addr, const uint8_t *mac,
		     tern_time now);

/* addr is at mac, whatever was known of it: STALE, unverified; what waits may go. False: no place. */
bool neighbour_set(struct neighbours *cache, uint8_t link, const struct tern_addr *addr, const uint8_t *mac,
		   tern_time now);

/* Something arrived from beyond or at addr that shows that what we sent it got there (RFC 4861 7.3.1): a question that
 * is due, or out, need not be asked. */
void neighbour_confirmed(struct neighbours *cache, uint8_t link, const struct tern_addr *addr, tern_time now);

/* Somebody waits for a confirmation: else neighbour_confirmed() would change nothing. */
static inline bool neighbours_ask(const struct neighbours *cache)
{
	return cache->next != TERN_NEVER;
}

struct neighbour_question {
	struct tern_addr addr;
	uint8_t		 link;
	bool		 unicast; /* to mac; else to everybody */
	uint8_t		 mac[ETHERNET_ADDRESS];
};

/* The next question that is due; false: none now. Also lets those fail whom nobody answered. */
bool	  neighbour_ask(struct neighbours *cache, tern_time now, struct neighbour_question *question);
tern_time neighbours_deadline(const struct neighbours *cache); /* 0, long past: something is unreachable */


/* NONE: no entry (or one too old to be used). */
enum neighbour_state neighbour_state_of(const struct neighbours *cache, uint8_t link, const struct tern_addr *addr,
					tern_time now);
uint32_t	     neighbours_count(const struct neighbours *cache);
void		     neighbours_check(const struct neighbours *cache);

#endif
