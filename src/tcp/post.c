#include "tcp/post.h"
#include "base/bytes.h"
#include "tcp/call.h"

enum { POST_MOST = 1 << 30 };

/* As much as fits of what stands in the store, behind what the buffer holds. */
static void fill_up(struct tcb *tcb, struct tcb_post *post)
{
	while (post->n < post->room && post->n < tcb_unread(tcb)) {
		const uint8_t *at;
		const size_t most = min_size(post->room - post->n, tcb_unread(tcb) - post->n);
		const size_t n = min_size((size_t)tcp_peek(tcb, post->n, &at), most);

		memcpy(post->to + post->n, at, n);
		post->n += (uint32_t)n;
	}
}

/* The store holds nothing any more of what the buffer has. */
static void let_store_go(struct tcb *tcb, uint32_t held)
{
	struct pages_pool *const pool = &tcb_env(tcb)->pages;

	if (!tcb->store)
		return;
	if (held == tcb_unread(tcb) && (!tcb->warm || tcb->warm->ooo.n == 0)) {
		pages_free(pool, tcb->store);
		tcb->store = NULL;
		return;
	}
	pages_release(pool, tcb->store, rcv_offset(tcb, seq_add(tcb->rcv.read, held)));
}

int tcp_receive_post(struct tcb *tcb, void *to, size_t n)
{
	struct tcb_path *path;

	if (!to || n == 0 || n > POST_MOST)
		return -TERN_EINVAL;
	if (post_of(tcb))
		return -TERN_EALREADY;
	path = path_attach(tcb);
	if (!path)
		return -TERN_ENOMEM;
	path->post = (struct tcb_post){ .to = to, .room = (uint32_t)n };
	fill_up(tcb, &path->post);
	let_store_go(tcb, path->post.n);
	return 0;
}

void post_forget(struct tcb *tcb)
{
	struct tcb_post *const post = post_of(tcb);

	if (post)
		*post = (struct tcb_post){ .to = NULL };
}

static size_t take_back(struct tcb *tcb, struct tcb_post *post, tern_time now)
{
	fill_up(tcb, post);

	const size_t n = post->n;

	post_forget(tcb);
	(void)tcp_consume(tcb, n, now);
	return n;
}

ptrdiff_t tcp_receive_posted(struct tcb *tcb, tern_time now)
{
	struct tcb_post *const post = post_of(tcb);
	ptrdiff_t none;

	if (!post)
		return -TERN_EINVAL;
	if (tcb_unread(tcb) > 0)
		return (ptrdiff_t)take_back(tcb, post, now);
	none = call_nothing_to_read(tcb);
	if (none != -TERN_EAGAIN)
		post_forget(tcb);
	return none;
}

ptrdiff_t tcp_receive_unpost(struct tcb *tcb, tern_time now)
{
	struct tcb_post *const post = post_of(tcb);

	return post ? (ptrdiff_t)take_back(tcb, post, now) : -TERN_EINVAL;
}

bool tcp_has_post(const struct tcb *tcb)
{
	return post_of(tcb) != NULL;
}
