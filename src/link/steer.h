/* Several ends over the queues of one device, one for each thread that runs a host. What a queue brings goes to the
 * end whose it is (wire/share.h): nearly always the queue's own, where the device's hash is ours or has learnt from
 * what was sent (tun(4) keeps a flow on the queue that it was last answered by); else over a ring to its thread.
 *
 * End i has queue i. An end beyond the queues sends and receives through the thread of end i modulo their number: a
 * device with one queue has its reader, and the others live on what that one hands out.
 */
#ifndef LINK_STEER_H
#define LINK_STEER_H

#include <tern/link.h>

struct steer_settings {
	unsigned		 n; /* ends; 1 to TERN_SHARE_MOST */
	struct tern_link *const *queue;
	unsigned		 n_queues; /* 1 to n; all alike */
	const struct tern_share *share;	   /* of any of the hosts: index and pass do not count */
	/* Wakes the thread of that end: called from any other where it may sleep, having armed (tern_link_ops.arm). */
	void (*wake)(void *context, unsigned end);
	void			    *context;
	const struct tern_allocator *allocator;
};

/* The queues become the ends' (not where an error is returned), each closed with the end of its number; end[i] is
 * for one thread, all for as many. 0, -TERN_EINVAL or -TERN_ENOMEM. */
int steer_create(struct tern_link *end[], const struct steer_settings *settings);

/* The ends have no queues any more, which are the caller's again: what is sent is lost. Before any is in use. */
void steer_disown(struct tern_link *const end[], unsigned n);

/* What arrived by one end's queue, or was made up of fragments in its host, for another end: from that end's thread.
 * False: no room, lost and counted. */
bool steer_pass(struct tern_link *end, unsigned to, const uint8_t *packet, uint32_t n);

struct steer_stats {
	uint64_t kept;	  /* packets of its queue that were its own */
	uint64_t passed;  /* to another's thread */
	uint64_t dropped; /* no room on the way there */
};
/* In the end's thread. */
void steer_stats(const struct tern_link *end, struct steer_stats *stats);

#endif
