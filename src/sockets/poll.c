/* poll and epoll: readiness as levels, as edges, and once. */
#include "sockets/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLERR == POLLERR && EPOLLHUP == POLLHUP &&
		       EPOLLPRI == POLLPRI && EPOLLRDHUP == 0x2000,
	       "both name them alike");

static unsigned of_socket(const struct sockets *sockets, const struct sockets_file *file)
{
	const unsigned ready = tern_ready(sockets->host, file->handle);
	unsigned       events = 0;

	if (ready & (TERN_ACCEPT | TERN_READABLE))
		events |= POLLIN | EPOLLRDNORM;
	if (ready & TERN_WRITABLE)
		events |= POLLOUT | EPOLLWRNORM;
	if (ready & TERN_PEER_CLOSED)
		events |= POLLIN | EPOLLRDNORM | EPOLLRDHUP;
	if (ready & TERN_URGENT)
		events |= POLLPRI;
	if (ready & TERN_ERROR)
		events |= POLLERR | POLLHUP | POLLIN | POLLOUT | EPOLLRDHUP | EPOLLRDNORM | EPOLLWRNORM;
	if (ready & TERN_CLOSED)
		events |= POLLHUP | POLLIN | POLLOUT;
	return events;
}

static unsigned of_pipe(const struct sockets_file *file)
{
	const struct sockets_pipe *const pipe = file->pipe;

	if (file->kind == FILE_PIPE_READ)
		return (pipe->n > 0 ? POLLIN | EPOLLRDNORM : 0u) | (pipe->has_writer ? 0u : POLLHUP);
	return (pipe->n < SOCKETS_PIPE ? POLLOUT | EPOLLWRNORM : 0u) | (pipe->has_reader ? 0u : POLLERR);
}

unsigned poll_events_of(const struct sockets *sockets, const struct sockets_file *file)
{
	switch (file->kind) {
	case FILE_FRESH: return POLLOUT | POLLHUP;
	case FILE_PIPE_READ:
	case FILE_PIPE_WRITE: return of_pipe(file);
	case FILE_EPOLL: return 0;
	default: return of_socket(sockets, file);
	}
}

static void begin_timeout(const struct sockets *sockets, struct sockets_request *request, int milliseconds)
{
	if (!request->begun)
		request->ends =
			milliseconds < 0 ? TERN_NEVER : sockets->now + milliseconds * TERN_MILLISECOND;
}

static int64_t do_poll(struct sockets *sockets, struct sockets_request *request)
{
	int64_t ready = 0;

	if (request->u.poll.n > SOCKETS_FILES)
		return -EINVAL;
	begin_timeout(sockets, request, request->u.poll.timeout);
	for (nfds_t i = 0; i < request->u.poll.n; i++) {
		struct pollfd *const	   one = &request->u.poll.fds[i];
		struct sockets_file *const file = one->fd < 0 ? NULL : sockets_file_of(sockets, one->fd);
		const unsigned		   asked = (unsigned)(unsigned short)one->events | POLLERR | POLLHUP;

		one->revents = 0;
		if (one->fd >= 0)
			one->revents = (short)(file ? poll_events_of(sockets, file) & asked : POLLNVAL);
		ready += one->revents != 0;
	}
	return ready == 0 && sockets->now < request->ends ? CALL_WAITS : ready;
}

/* ---- epoll ---- */

static int64_t do_create(struct sockets *sockets, const struct sockets_request *request)
{
	struct sockets_file *file;
	int		     error;

	if (request->fd <= 0) /* the size, which must be something */
		return -EINVAL;
	file = file_new(sockets, FILE_EPOLL, &error);
	if (!file)
		return error;
	file->watched = calloc(SOCKETS_WATCHED, sizeof *file->watched);
	if (!file->watched) {
		file_forget(sockets, file);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < SOCKETS_WATCHED; i++)
		file->watched[i].fd = -1;
	return file->fd;
}

static struct sockets_watched *watched_of(const struct sockets_file *epoll, int fd)
{
	for (unsigned i = 0; i < SOCKETS_WATCHED; i++)
		if (epoll->watched[i].fd == fd)
			return &epoll->watched[i];
	return NULL;
}

static int64_t do_ctl(struct sockets *sockets, const struct sockets_request *request,
		      struct sockets_file *epoll)
{
	const int		   op = request->u.epoll_ctl.op, fd = request->u.epoll_ctl.fd;
	struct sockets_file *const file = sockets_file_of(sockets, fd);
	struct sockets_watched	  *watched;

	if (!file)
		return -EBADF;
	if (file == epoll || epoll->kind != FILE_EPOLL)
		return -EINVAL;
	if (file->kind == FILE_EPOLL)
		return -ELOOP; /* they are not nested here */
	watched = watched_of(epoll, fd);
	if (op == EPOLL_CTL_ADD && watched)
		return -EEXIST;
	if (op != EPOLL_CTL_ADD && !watched)
		return -ENOENT;
	if (op == EPOLL_CTL_DEL) {
		watched->fd = -1;
		return 0;
	}
	if (op != EPOLL_CTL_ADD && op != EPOLL_CTL_MOD)
		return -EINVAL;
	if (!request->u.epoll_ctl.event)
		return -EFAULT;
	watched = watched ? watched : watched_of(epoll, -1);
	if (!watched)
		return -ENOSPC;
	/* New or changed: what holds is told once more. */
	*watched = (struct sockets_watched){ .fd = fd,
					     .event = *request->u.epoll_ctl.event,
					     .edges = UINT64_MAX };
	return 0;
}

/* The events that are to be told; 0: none. */
static uint32_t due(const struct sockets *sockets, const struct sockets_file *file,
		    const struct sockets_watched *watched)
{
	const uint32_t asked = watched->event.events | EPOLLERR | EPOLLHUP;
	const uint32_t holds = poll_events_of(sockets, file) & asked;

	if (watched->spent)
		return 0;
	if (watched->event.events & EPOLLET && watched->edges == file->edges && (holds & ~watched->told) == 0)
		return 0;
	return holds;
}

static int64_t do_wait(struct sockets *sockets, struct sockets_request *request, struct sockets_file *epoll)
{
	struct epoll_event *const to = request->u.epoll_wait.events;
	int64_t			  n = 0;

	if (epoll->kind != FILE_EPOLL || request->u.epoll_wait.n <= 0)
		return -EINVAL;
	begin_timeout(sockets, request, request->u.epoll_wait.timeout);
	for (unsigned i = 0; i < SOCKETS_WATCHED && n < request->u.epoll_wait.n; i++) {
		struct sockets_watched *const	 watched = &epoll->watched[i];
		const struct sockets_file *const file =
			watched->fd < 0 ? NULL : sockets_file_of(sockets, watched->fd);
		const uint32_t events = file ? due(sockets, file, watched) : 0;

		if (events == 0)
			continue;
		to[n] = watched->event;
		to[n++].events = events;
		watched->edges = file->edges;
		watched->told = events;
		watched->spent = watched->event.events & EPOLLONESHOT;
	}
	return n == 0 && sockets->now < request->ends ? CALL_WAITS : n;
}

int64_t poll_call(struct sockets *sockets, struct sockets_request *request, struct sockets_file *file)
{
	switch (request->call) {
	case CALL_POLL: return do_poll(sockets, request);
	case CALL_EPOLL_CREATE: return do_create(sockets, request);
	case CALL_EPOLL_CTL: return do_ctl(sockets, request, file);
	default: return do_wait(sockets, request, file);
	}
}
