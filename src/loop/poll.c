/* The loop's descriptors: the wake-up of tern_post(), those of links, those of the program. */
#include "loop/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

int loop_reserve_polls(tern_loop *loop)
{
	const uint32_t need = 1 + loop->n_ports + loop->n_watches + 1;

	if (need <= loop->polls_room)
		return 0;
	struct pollfd *polls = realloc(loop->polls, 2 * need * sizeof *polls);
	if (!polls)
		return -TERN_ENOMEM;
	loop->polls = polls;
	loop->polls_room = 2 * need;
	return 0;
}

static struct loop_watch *find(tern_loop *loop, int fd)
{
	for (uint32_t i = 0; i < loop->n_watches; i++)
		if (loop->watches[i].fd == fd)
			return &loop->watches[i];
	return NULL;
}

int tern_loop_watch_fd(tern_loop *loop, int fd, short events, void (*fn)(void *context, short revents),
		       void *context)
{
	if (fd < 0 || (events && !fn))
		return -TERN_EINVAL;
	struct loop_watch *watch = find(loop, fd);
	if (!events) {
		if (!watch)
			return -TERN_ENOENT;
		watch->fd = -1;
		if (!loop->turning)
			loop_sweep_watches(loop);
		return 0;
	}
	if (!watch) {
		struct loop_watch *watches = realloc(loop->watches, (loop->n_watches + 1) * sizeof *watches);
		if (!watches)
			return -TERN_ENOMEM;
		loop->watches = watches;
		if (loop_reserve_polls(loop) < 0)
			return -TERN_ENOMEM;
		watch = &watches[loop->n_watches++];
	}
	*watch = (struct loop_watch){ .fd = fd, .events = events, .fn = fn, .context = context };
	return 0;
}

void loop_sweep_watches(tern_loop *loop)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < loop->n_watches; i++)
		if (loop->watches[i].fd >= 0)
			loop->watches[kept++] = loop->watches[i];
	loop->n_watches = kept;
}

bool loop_has_descriptors(const tern_loop *loop)
{
	for (uint32_t i = 0; i < loop->n_ports; i++)
		if (loop->ports[i].link->ops->fd(loop->ports[i].link) >= 0)
			return true;
	for (uint32_t i = 0; i < loop->n_watches; i++)
		if (loop->watches[i].fd >= 0)
			return true;
	return false;
}

/* poll(2) skips what has no descriptor: -1. */
static uint32_t gather(tern_loop *loop)
{
	uint32_t n = 0;

	loop->polls[n++] = (struct pollfd){ .fd = loop->wake, .events = POLLIN };
	for (uint32_t i = 0; i < loop->n_ports; i++) {
		const struct loop_port *port = &loop->ports[i];
		const short		events = port->n_pending ? POLLIN | POLLOUT : POLLIN;

		loop->polls[n++] = (struct pollfd){ .fd = port->link->ops->fd(port->link), .events = events };
	}
	for (uint32_t i = 0; i < loop->n_watches; i++)
		loop->polls[n++] =
			(struct pollfd){ .fd = loop->watches[i].fd, .events = loop->watches[i].events };
	return n;
}

int loop_poll(tern_loop *loop, tern_time timeout)
{
	const struct timespec ts = { .tv_sec = timeout / TERN_SECOND, .tv_nsec = timeout % TERN_SECOND };
	const uint32_t	      n = gather(loop);
	const int	      got = ppoll(loop->polls, n, timeout == TERN_NEVER ? NULL : &ts, NULL);

	if (got < 0)
		return errno == EINTR ? 1 : -errno; /* the numbers are Linux's: tern/types.h */
	for (uint32_t i = 0; i < loop->n_watches; i++)
		loop->watches[i].revents = got ? loop->polls[n - loop->n_watches + i].revents : 0;
	return got > 0;
}

void loop_call_watchers(tern_loop *loop)
{
	/* While callbacks run entries are neither moved nor removed; those that they add stand behind. */
	for (uint32_t i = 0, n = loop->n_watches; i < n; i++) {
		const struct loop_watch watch = loop->watches[i];

		loop->watches[i].revents = 0;
		if (watch.fd >= 0 && watch.revents)
			watch.fn(watch.context, watch.revents);
	}
}
