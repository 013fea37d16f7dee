/* The loop's descriptors: the wake-up of tern_post(), those of links, those of the program.
 *
 * Links are few and their descriptors may change: poll(2) asks them, and with them the one epoll(7) descriptor
 * that stands for all of the program's, so that thousands of idle ones cost a turn nothing. What epoll cannot
 * take (regular files: EPERM) is always ready, as poll(2) has it.
 *
 * The program's descriptors are found by number. An epoll event carries the serial number of the watch that it
 * is for: one for a watch that a callback has removed meanwhile, or put another in place of, is dropped.
 */
#include "loop/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

_Static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLPRI == POLLPRI && EPOLLERR == POLLERR &&
	       EPOLLHUP == POLLHUP, "both speak of events in the same bits");

int loop_reserve_polls(tern_loop *loop)
{
	const uint32_t need = 2 + loop->n_ports + 1;

	if (need <= loop->polls_room)
		return 0;
	struct pollfd *polls = realloc(loop->polls, 2 * need * sizeof *polls);
	if (!polls)
		return -TERN_ENOMEM;
	loop->polls = polls;
	loop->polls_room = 2 * need;
	return 0;
}

/* ---- the program's ---- */

static struct loop_watch *find(const tern_loop *loop, int fd)
{
	return (uint32_t)fd < loop->watches_room && loop->watches[fd].events ? &loop->watches[fd] : NULL;
}

static bool reserve(tern_loop *loop, int fd)
{
	uint32_t room = loop->watches_room ? loop->watches_room : 16;

	if ((uint32_t)fd < loop->watches_room)
		return true;
	while (room <= (uint32_t)fd)
		room *= 2;
	struct loop_watch *watches = realloc(loop->watches, room * sizeof *watches);
	if (!watches)
		return false;
	for (uint32_t i = loop->watches_room; i < room; i++)
		watches[i] = (struct loop_watch){ 0 };
	loop->watches = watches;
	loop->watches_room = room;
	return true;
}

/* Tells epoll what watch is to be told of. 0 or -TERN_E... */
static int tell(tern_loop *loop, int fd, const struct loop_watch *watch, bool is_new)
{
	struct epoll_event event = { .events = (uint16_t)watch->events,
				     .data.u64 = (uint64_t)watch->serial << 32 | (uint32_t)fd };
	const int	   first = is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

	if (epoll_ctl(loop->epoll, first, fd, &event) == 0)
		return 0;
	/* It was closed behind our back, and is another now. */
	if (errno == ENOENT && epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
		return 0;
	if (errno == EEXIST && epoll_ctl(loop->epoll, EPOLL_CTL_MOD, fd, &event) == 0)
		return 0;
	return errno == ENOMEM || errno == ENOSPC ? -TERN_ENOMEM : -errno; /* EPERM is told apart by the caller */
}

static int forget(tern_loop *loop, int fd)
{
	struct loop_watch *const watch = find(loop, fd);

	if (!watch)
		return -TERN_ENOENT;
	if (watch->always)
		loop->n_always--;
	else
		(void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL); /* closed already: it is gone from there */
	loop->n_watches--;
	*watch = (struct loop_watch){ 0 };
	return 0;
}

int tern_loop_watch_fd(tern_loop *loop, int fd, short events, void (*fn)(void *context, short revents),
		       void *context)
{
	if (fd < 0 || (events && !fn))
		return -TERN_EINVAL;
	if (!events)
		return forget(loop, fd);
	if (!reserve(loop, fd))
		return -TERN_ENOMEM;

	struct loop_watch *const watch = &loop->watches[fd];
	const struct loop_watch	 before = *watch;
	const bool		 is_new = !before.events;

	*watch = (struct loop_watch){ .events = events, .fn = fn, .context = context, .always = before.always };
	/* A watch that says something else is the same one, where only its events change. */
	watch->serial = is_new || fn != before.fn || context != before.context ? ++loop->serial : before.serial;
	if (before.always || (events == before.events && watch->serial == before.serial))
		return 0;
	const int error = tell(loop, fd, watch, is_new);
	if (error == -EPERM) {
		watch->always = true;
		loop->n_always++;
	} else if (error) {
		*watch = before;
		return error == -EBADF ? -TERN_EINVAL : error;
	}
	loop->n_watches += is_new;
	return 0;
}

bool loop_has_descriptors(const tern_loop *loop)
{
	for (uint32_t i = 0; i < loop->n_ports; i++)
		if (loop->ports[i].link->ops->fd(loop->ports[i].link) >= 0)
			return true;
	return loop->n_watches > 0;
}

/* ---- waiting ---- */

/* poll(2) skips what has no descriptor: -1. */
static uint32_t gather(tern_loop *loop)
{
	uint32_t n = 0;

	loop->polls[n++] = (struct pollfd){ .fd = loop->wake, .events = POLLIN };
	loop->polls[n++] = (struct pollfd){ .fd = loop->n_watches ? loop->epoll : -1, .events = POLLIN };
	for (uint32_t i = 0; i < loop->n_ports; i++) {
		const struct loop_port *port = &loop->ports[i];
		const short		events = port->n_pending ? POLLIN | POLLOUT : POLLIN;

		loop->polls[n++] = (struct pollfd){ .fd = port->link->ops->fd(port->link), .events = events };
	}
	return n;
}

/* What epoll has of the program's descriptors. */
static int look(tern_loop *loop)
{
	struct epoll_event events[LOOP_READY];
	const int	   n = epoll_wait(loop->epoll, events, LOOP_READY, 0);
	if (n < 0)
		return errno == EINTR ? 0 : -errno; /* the numbers are Linux's: tern/types.h */
	for (int i = 0; i < n; i++)
		loop->ready[loop->n_ready++] = (struct loop_ready){ .serial = (uint32_t)(events[i].data.u64 >> 32),
								    .fd = (int)(uint32_t)events[i].data.u64,
								    .revents = (short)events[i].events };
	return 0;
}

/* All of them are told, though one has something: the next turn takes it from there. */
bool loop_arm(tern_loop *loop)
{
	bool any = false;

	for (uint32_t i = 0; i < loop->n_ports; i++) {
		struct loop_port *const port = &loop->ports[i];
		if (!port->link->ops->arm || !port->link->ops->arm(port->link))
			continue;
		port->look = any = true;
	}
	return any;
}

int loop_poll(tern_loop *loop, tern_time timeout)
{
	if (loop->n_always > 0)
		timeout = 0;
	const struct timespec ts = loop_span(timeout);
	const uint32_t	      n = gather(loop);
	const int	      got = ppoll(loop->polls, n, timeout == TERN_NEVER ? NULL : &ts, NULL);

	loop->n_ready = 0;
	if (got < 0)
		return errno == EINTR ? 1 : -errno;
	for (uint32_t i = 0; i < loop->n_ports; i++)
		loop->ports[i].look |= loop->polls[2 + i].revents != 0;
	if (got > 0 && loop->polls[1].revents) {
		const int error = look(loop);
		if (error)
			return error;
	}
	return got > 0 || loop->n_always > 0;
}

static void call(tern_loop *loop, int fd, uint32_t serial, short revents)
{
	const struct loop_watch *const watch = find(loop, fd);

	if (watch && watch->serial == serial)
		watch->fn(watch->context, revents);
}

/* Regular files: few, and those that a callback adds wait for the next time. */
static void call_always(tern_loop *loop)
{
	const uint32_t last = loop->serial;

	for (uint32_t fd = 0; fd < loop->watches_room; fd++)
		if (loop->watches[fd].always && loop->watches[fd].serial <= last)
			call(loop, (int)fd, loop->watches[fd].serial,
			     (short)(loop->watches[fd].events & (POLLIN | POLLOUT)));
}

void loop_call_watchers(tern_loop *loop)
{
	for (uint32_t i = 0; i < loop->n_ready; i++)
		call(loop, loop->ready[i].fd, loop->ready[i].serial, loop->ready[i].revents);
	loop->n_ready = 0;
	if (loop->n_always > 0)
		call_always(loop);
}
