/* tern_post(): a list under a mutex, and an eventfd that wakes the loop. */
#include "loop/loop.h"

#include <stdlib.h>
#include <sys/eventfd.h>

int tern_post(tern_loop *loop, void (*fn)(void *context), void *context)
{
	if (!fn)
		return -TERN_EINVAL;
	struct loop_post *post = malloc(sizeof *post);
	if (!post)
		return -TERN_ENOMEM;
	*post = (struct loop_post){ .fn = fn, .context = context };

	pthread_mutex_lock(&loop->mutex);
	if (!loop->posts && !loop->woken)
		eventfd_write(loop->wake, 1);
	if (loop->posts)
		loop->posts_last->next = post;
	else
		loop->posts = post;
	loop->posts_last = post;
	atomic_store_explicit(&loop->posted, true, memory_order_release);
	pthread_mutex_unlock(&loop->mutex);
	return 0;
}

void loop_wake(tern_loop *loop)
{
	pthread_mutex_lock(&loop->mutex);
	if (!loop->posts && !loop->woken)
		eventfd_write(loop->wake, 1);
	loop->woken = true;
	atomic_store_explicit(&loop->posted, true, memory_order_release);
	pthread_mutex_unlock(&loop->mutex);
}

/* The whole list: what is posted from now on waits for the next time. */
static struct loop_post *take(tern_loop *loop)
{
	eventfd_t ignored;

	pthread_mutex_lock(&loop->mutex);
	struct loop_post *posts = loop->posts;
	loop->posts = NULL;
	if (posts || loop->woken)
		eventfd_read(loop->wake, &ignored);
	loop->woken = false;
	atomic_store_explicit(&loop->posted, false, memory_order_relaxed);
	pthread_mutex_unlock(&loop->mutex);
	return posts;
}

bool loop_run_posts(tern_loop *loop)
{
	if (!atomic_load_explicit(&loop->posted, memory_order_acquire))
		return false;
	struct loop_post *post = take(loop);
	const bool	  any = post != NULL;

	while (post) {
		struct loop_post *next = post->next;

		post->fn(post->context);
		free(post);
		post = next;
	}
	return any;
}

void loop_drop_posts(tern_loop *loop)
{
	for (struct loop_post *post = take(loop), *next; post; post = next) {
		next = post->next;
		free(post);
	}
}
