/* tern/link.h - what carries packets between hosts. A link is a struct of operations, so that one can
 * stand on another (impair on any).
 */
#ifndef TERN_LINK_H
#define TERN_LINK_H

#include <tern/host.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tern_link;

struct tern_link_ops {
	const char *name;
	/* Takes packets from the front of batch, as many as there is room for; returns how many. It calls
	 * tern_packet_done() on each of those when it has finished with their bytes. A packet that is no
	 * host's (host NULL: from a link that stands on this one) is lent for the call alone. */
	size_t (*send)(struct tern_link *link, tern_packet *const batch[], size_t n, tern_time now);
	/* Packets that have arrived at `now`; they are valid until the next call. 0: no more at `now`. */
	size_t (*receive)(struct tern_link *link, tern_packet *batch[], size_t room, tern_time now);
	/* When receive() is to be called next: it may then have something, here or at the far end. A time
	 * that has passed: now. TERN_NEVER: no such time. */
	tern_time (*deadline)(const struct tern_link *link);
	/* A descriptor to poll for reading, or -1: there is none, or it says nothing before arm(), and until then
	 * deadline() tells all. */
	int (*fd)(const struct tern_link *link);
	void (*close)(struct tern_link *link);
	/* May be NULL. The caller is about to wait for the descriptor: from now until the next receive(), whatever
	 * arrives makes it readable. True: something has arrived already, and it is not to wait. Who never calls this
	 * is told by the descriptor all the same, at some cost for each packet. */
	bool (*arm)(struct tern_link *link);
};

struct tern_link {
	const struct tern_link_ops *ops;
	struct tern_link_config	    config;
};

/* ---- pair: two ends, what enters one leaves the other, in order, at once ---- */

/* 0, -TERN_EINVAL (mtu out of range, or no allocator) or -TERN_ENOMEM. Both ends have this config, but that
 * checksum_offload is set in either case: given here, sums are neither made nor checked, since nothing leaves
 * the machine (segments say so on arrival); else the link makes those that a host leaves to it, in the pass
 * that copies them, and whoever receives them is to check. With gso segments pass whole. Each end is closed
 * by itself, in any order; what is sent to a closed one is lost, as is what exceeds the MTU. At most 4096
 * packets and 16 MiB wait at an end; send() then takes fewer. The allocator is copied:
 * tern_allocator_default() in tern/loop.h is one. tern_packet.mark arrives as it was sent. */
int tern_pair_create(struct tern_link *end[2], const struct tern_link_config *config,
		     const struct tern_allocator *allocator);

/* ---- impair: a filter on what is sent through one end (names as in tc-netem) ---- */

enum tern_fate {
	TERN_FATE_DELIVERED,
	TERN_FATE_LOST,	     /* loss or burst */
	TERN_FATE_DROPPED,   /* by number: drop */
	TERN_FATE_QUEUE_FULL, /* limit, or no memory to hold it */
	TERN_FATE_DUPLICATED, /* delivered, and once more */
	TERN_FATE_CORRUPTED, /* delivered with a bit flipped */
	TERN_FATE_REORDERED, /* delivered later than what follows it */
	TERN_FATE_MARKED,    /* delivered with "congestion experienced" (RFC 3168 5) */
	TERN_FATE_TOO_BIG,   /* beyond mtu */
};
/* "delivered", "queue-full"; "?" out of range. */
const char *tern_fate_name(enum tern_fate fate);

struct tern_impair {
	tern_time delay;     /* each packet, one way */
	tern_time jitter;    /* uniformly within delay +/- jitter; does not reorder unless reorder says so */
	double	  loss;	     /* 0-1, each packet by itself */
	double	  burst_enter, burst_leave; /* Gilbert-Elliott: good to bad, bad to good, per packet */
	double	  burst_loss;		    /* loss in the bad state; 0 means 1 */
	double	  duplicate;
	double	  corrupt;   /* one random bit of the packet */
	double	  reorder;   /* this share is held back by reorder_by packets or reorder_delay */
	uint32_t  reorder_by;	 /* 3 */
	tern_time reorder_delay; /* at most this long where few follow: 10 ms */
	uint64_t  rate;	     /* bytes per second; 0: no limit */
	uint32_t  limit;     /* packets that wait for the rate; 0: 1000, or none where limit_bytes is set */
	uint32_t  limit_bytes; /* their bytes; 0: no such limit. The tail is dropped by either */
	bool	  ecn;	     /* what loss or burst would take is marked CE instead, where it is ECN-capable */
	tern_time ce_threshold; /* what waits longer than this for the rate is marked, where ECN-capable; 0: never */
	uint32_t  mtu;	     /* larger IP packets vanish, and no ICMP says so: a black hole; 0: none */
	size_t	  memory;    /* bytes that may be held, waiting or on their way; 0: 64 MiB */
	uint64_t  seed;
	const uint64_t *drop; /* sorted numbers (from 1) of packets to drop; kept by the caller */
	size_t	  n_drop;
	/* Told once for each packet that enters, in order; arrives: when it will leave (TERN_NEVER: never;
	 * reordered: at the latest). n counts from 1. A packet with several fates has the first of dropped,
	 * too big, lost, queue full, corrupted, marked, reordered, duplicated. May be NULL; must not call the link. */
	void (*fate)(void *context, uint64_t n, const tern_packet *packet, enum tern_fate fate,
		     tern_time arrives);
	void *context;
};

/* Stands on `under`, which it owns from here on (not where an error is returned): impairs what is sent
 * through it. A second one on the far end impairs the other direction. 0; -TERN_EINVAL: a share outside
 * 0-1, a negative time, drop not ascending, or no allocator; -TERN_ENOMEM.
 *
 * A packet passes: drop, loss and burst; then the queue for the rate; then delay. A duplicate leaves
 * with its original. tern_packet.mark of what passes is its number n. The link asks the host for sums
 * and for single packets (no checksum_offload, no gso), so that each wire packet has a fate of its own.
 * Same seed, same sequence of packets: same fates; each packet takes the same number of draws whatever
 * befalls it, so that one setting does not shift another's. Packets are held up to `memory`. */
int tern_impair_create(struct tern_link **link, struct tern_link *under, const struct tern_impair *settings,
		       const struct tern_allocator *allocator);
/* From the next packet on; n counts on, and so do the draws unless the seed is another one. */
int tern_impair_set(struct tern_link *link, const struct tern_impair *settings); /* 0 or -TERN_EINVAL */

#ifdef __cplusplus
}
#endif

#endif
