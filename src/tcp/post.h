/* Posted receive buffers: memory of the program's, to which the text that comes next goes straight, without a stay in
 * the receive store. It stands in the path record while it is posted.
 *
 * Invariant: [RCV.READ, RCV.READ + n) stands in the buffer, and what is unread beyond that in the store. So the buffer
 * takes text only while nothing unread is in the store: what came out of order, and what follows it, stays there, until
 * the buffer is taken back, which then fills it up. Text that is posted is unread: it counts against the window, and
 * a connection that is closed with it is reset (SHLD-3).
 */
#ifndef TCP_POST_H
#define TCP_POST_H

#include "tcp/path.h"
#include "tcp/warm.h"

/* What is posted; NULL: nothing. */
static inline struct tcb_post *post_of(const struct tcb *tcb)
{
	struct tcb_path *const path = path_of(tcb);

	return path && path->post.to ? &path->post : NULL;
}

/* Octets of text, unread, that stand in a posted buffer. */
static inline uint32_t post_holds(const struct tcb *tcb)
{
	const struct tcb_post *const post = post_of(tcb);

	return post ? post->n : 0;
}

/* Where text at RCV.NXT goes, and how much of it; 0: to the store. */
static inline uint32_t post_room(const struct tcb *tcb, uint8_t **to)
{
	const struct tcb_post *const post = post_of(tcb);

	if (!post || post->n != tcb_unread(tcb) || (tcb->warm && tcb->warm->ooo.n > 0))
		return 0;
	*to = post->to + post->n;
	return post->room - post->n;
}

/* The buffer is the program's again, whatever stands in it: nothing of that is unread any more. */
void post_forget(struct tcb *tcb);

#endif
