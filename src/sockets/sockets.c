/* The table of descriptors, time, and calls that wait. */
#include "sockets/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 32, STUCK = 10000, FIRST_FD = 3 };

/* ---- files ---- */

struct sockets_file *sockets_file_of(struct sockets *sockets, int fd)
{
	for (unsigned i = 0; i < SOCKETS_FILES; i++)
		if (sockets->file[i].kind != FILE_FREE && sockets->file[i].fd == fd)
			return &sockets->file[i];
	return NULL;
}

static int lowest_fd(struct sockets *sockets)
{
	int fd = FIRST_FD;

	while (sockets_file_of(sockets, fd))
		fd++;
	return fd;
}

struct sockets_file *file_new(struct sockets *sockets, enum file_kind kind, int *error)
{
	struct sockets_file *file = NULL;
	int		     fd;

	for (unsigned i = 0; i < SOCKETS_FILES && !file; i++)
		if (sockets->file[i].kind == FILE_FREE)
			file = &sockets->file[i];
	*error = -EMFILE;
	if (!file)
		return NULL;
	fd = sockets->open_fd ? sockets->open_fd() : lowest_fd(sockets);
	if (fd < 0) {
		*error = fd;
		return NULL;
	}
	/* The system gave a number out again: whoever had it has closed it without a word to us. */
	struct sockets_file *const old = sockets_file_of(sockets, fd);

	if (old) {
		if (file_has_handle(old))
			(void)tern_close(sockets->host, old->handle);
		file_forget(sockets, old);
	}
	*file = (struct sockets_file){ .fd = fd, .kind = kind };
	return file;
}

static void leave_pipe(struct sockets_file *file)
{
	struct sockets_pipe *const pipe = file->pipe;

	if (!pipe)
		return;
	if (file->kind == FILE_PIPE_READ)
		pipe->has_reader = false;
	else
		pipe->has_writer = false;
	if (!pipe->has_reader && !pipe->has_writer)
		free(pipe);
}

void file_forget(struct sockets *sockets, struct sockets_file *file)
{
	for (unsigned i = 0; i < SOCKETS_FILES; i++)
		for (unsigned j = 0; sockets->file[i].watched && j < SOCKETS_WATCHED; j++)
			if (sockets->file[i].watched[j].fd == file->fd)
				sockets->file[i].watched[j].fd = -1;
	leave_pipe(file);
	free(file->watched);
	*file = (struct sockets_file){ .kind = FILE_FREE };
}

/* ---- calls ---- */

static bool names_a_file(enum sockets_call call)
{
	return call != CALL_SOCKET && call != CALL_POLL && call != CALL_EPOLL_CREATE && call != CALL_PIPE;
}

static int64_t try_it(struct sockets *sockets, struct sockets_request *request)
{
	struct sockets_file *const file =
		names_a_file(request->call) ? sockets_file_of(sockets, request->fd) : NULL;

	if (names_a_file(request->call) && !file)
		return -EBADF;
	switch (request->call) {
	case CALL_SOCKET:
	case CALL_BIND:
	case CALL_LISTEN:
	case CALL_ACCEPT:
	case CALL_CONNECT:
	case CALL_SHUTDOWN:
	case CALL_CLOSE: return life_call(sockets, request, file);
	case CALL_FCNTL:
	case CALL_IOCTL:
	case CALL_GETSOCKOPT:
	case CALL_SETSOCKOPT: return option_call(sockets, request, file);
	case CALL_POLL:
	case CALL_EPOLL_CREATE:
	case CALL_EPOLL_CTL:
	case CALL_EPOLL_WAIT: return poll_call(sockets, request, file);
	case CALL_PIPE:
	case CALL_SPLICE: return pipe_call(sockets, request, file);
	default: return text_call(sockets, request, file);
	}
}

/* True: it is done now. */
static bool attempt(struct sockets *sockets, struct sockets_request *request)
{
	const int64_t result = try_it(sockets, request);

	request->begun = true;
	if (result == CALL_WAITS)
		return false;
	request->done = true;
	request->result = result;
	request->done_at = sockets->now;
	return true;
}

static void unlink_request(struct sockets *sockets, struct sockets_request *request)
{
	struct sockets_request **at = &sockets->waiting;

	while (*at && *at != request)
		at = &(*at)->next;
	if (*at)
		*at = request->next;
}

/* ---- time ---- */

static void keep(struct sockets *sockets, const tern_packet *packet)
{
	struct sockets_left *const left = malloc(sizeof *left + packet->len);
	uint32_t		   n = 0;

	if (!left) {
		sockets->failed = true;
		return;
	}
	*left = (struct sockets_left){ .at = sockets->now, .n = packet->len };
	for (unsigned i = 0; i < packet->n_parts; i++) {
		memcpy(left->bytes + n, packet->part[i].at, packet->part[i].n);
		n += packet->part[i].n;
	}
	*sockets->last = left;
	sockets->last = &left->next;
}

static void collect(struct sockets *sockets)
{
	tern_packet *batch[BATCH];
	size_t	     n;

	while ((n = tern_host_output(sockets->host, batch, BATCH, sockets->now)) > 0) {
		for (size_t i = 0; i < n; i++) {
			keep(sockets, batch[i]);
			tern_packet_done(batch[i]);
		}
	}
}

/* Each thing that happened to a socket is an edge for those that watch it. */
static void take_events(struct sockets *sockets)
{
	struct tern_event event;

	while (tern_host_event(sockets->host, &event))
		for (unsigned i = 0; i < SOCKETS_FILES; i++)
			if (file_has_handle(&sockets->file[i]) &&
			    sockets->file[i].handle.index == event.socket.index &&
			    sockets->file[i].handle.generation == event.socket.generation)
				sockets->file[i].edges++;
}

/* Everything that can happen at this moment does: calls that wait are tried until none gets anywhere. */
static void settle(struct sockets *sockets)
{
	bool again = true;

	while (again) {
		again = false;
		collect(sockets);
		take_events(sockets);
		for (struct sockets_request *request = sockets->waiting, *next; request; request = next) {
			next = request->next;
			if (!attempt(sockets, request))
				continue;
			unlink_request(sockets, request);
			sockets->finished++;
			again = true;
		}
	}
	collect(sockets); /* what a write that goes on waiting could send */
}

bool sockets_call(struct sockets *sockets, struct sockets_request *request)
{
	struct sockets_request **end = &sockets->waiting;

	request->begun = request->done = false;
	request->ends = TERN_NEVER;
	request->moved = 0;
	request->next = NULL;
	if (!attempt(sockets, request)) {
		while (*end)
			end = &(*end)->next;
		*end = request;
	}
	settle(sockets);
	return request->done;
}

void sockets_interrupt(struct sockets *sockets, struct sockets_request *request, int error)
{
	if (request->done)
		return;
	unlink_request(sockets, request);
	sockets->finished++;
	request->done = true;
	request->result = -error;
	request->done_at = sockets->now;
}

static tern_time next_moment(const struct sockets *sockets)
{
	tern_time at = tern_host_deadline(sockets->host);

	for (const struct sockets_request *request = sockets->waiting; request; request = request->next)
		at = request->ends < at ? request->ends : at;
	return at;
}

/* One moment further. False: `until` is reached. */
static bool step(struct sockets *sockets, tern_time until)
{
	const tern_time at = next_moment(sockets), to = at > until ? until : at;

	sockets->now = to > sockets->now ? to : sockets->now;
	tern_host_advance(sockets->host, sockets->now);
	settle(sockets);
	return at <= until && !sockets->failed;
}

bool sockets_run(struct sockets *sockets, tern_time until)
{
	tern_time before = sockets->now;
	unsigned  stuck = 0;

	while (step(sockets, until)) {
		stuck = sockets->now > before ? 0 : stuck + 1;
		before = sockets->now;
		sockets->failed = sockets->failed || stuck > STUCK;
	}
	return !sockets->failed;
}

bool sockets_await(struct sockets *sockets, tern_time until)
{
	tern_time before = sockets->now;
	unsigned  stuck = 0;

	settle(sockets);
	while (!sockets->first && stuck <= STUCK && next_moment(sockets) != TERN_NEVER &&
	       step(sockets, until)) {
		stuck = sockets->now > before ? 0 : stuck + 1;
		before = sockets->now;
	}
	return sockets->first != NULL;
}

/* ---- packets ---- */

static void take_address(struct sockets *sockets, const uint8_t *bytes, size_t n)
{
	enum { V4_DST = 16, V4_LEAST = 20, V6_DST = 24, V6_LEAST = 40 };
	struct tern_addr addr = { { [10] = 0xff, [11] = 0xff } };

	if (n >= V4_LEAST && bytes[0] >> 4 == 4)
		memcpy(addr.b + 12, bytes + V4_DST, 4);
	else if (n >= V6_LEAST && bytes[0] >> 4 == 6)
		memcpy(addr.b, bytes + V6_DST, sizeof addr.b);
	else
		return;
	(void)tern_host_add_address(sockets->host, sockets->link, &addr, bytes[0] >> 4 == 4 ? 32 : 128);
}

void sockets_input(struct sockets *sockets, const uint8_t *bytes, size_t n)
{
	tern_packet	   packet = { .n_parts = 1, .len = (uint32_t)n, .link = sockets->link };
	tern_packet *const batch[] = { &packet };

	if (sockets->take_any)
		take_address(sockets, bytes, n);
	packet.part[0] = (struct tern_packet_part){ .at = bytes, .n = (uint32_t)n };
	tern_host_input(sockets->host, batch, 1, sockets->now);
	settle(sockets);
}

struct sockets_left *sockets_take(struct sockets *sockets)
{
	struct sockets_left *const left = sockets->first;

	if (!left)
		return NULL;
	sockets->first = left->next;
	if (!sockets->first)
		sockets->last = &sockets->first;
	left->next = NULL;
	return left;
}

/* ---- the whole ---- */

static bool is_v6(const struct tern_addr *addr)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(addr->b, mapped, sizeof mapped) != 0;
}

int sockets_open(struct sockets *sockets, const struct sockets_setup *setup)
{
	const struct tern_link_config link = { .mtu = setup->mtu };
	const bool		      v6 = is_v6(&setup->local);
	const struct tern_addr	      any[] = { { { [10] = 0xff, [11] = 0xff } }, { { 0 } } };
	int			      error;

	*sockets = (struct sockets){
		.config = setup->config,
		.now = setup->now,
		.local = setup->local,
		.take_any = setup->take_any,
		.open_fd = setup->open_fd,
		.close_fd = setup->close_fd,
	};
	sockets->last = &sockets->first;
	error = tern_host_create(&sockets->host, &sockets->config, setup->now);
	if (error == 0)
		error = tern_host_add_link(sockets->host, &link, &sockets->link);
	if (error == 0)
		error = tern_host_add_address(sockets->host, sockets->link, &setup->local, v6 ? 64 : 24);
	for (unsigned i = 0; i < 2 && error == 0; i++) /* IPv4 and IPv6 */
		error = tern_host_add_route(sockets->host, &any[i], 0, sockets->link, NULL);
	if (error != 0)
		sockets_close(sockets);
	return error;
}

void sockets_close(struct sockets *sockets)
{
	while (sockets->waiting)
		sockets_interrupt(sockets, sockets->waiting, EINTR);
	for (unsigned i = 0; i < SOCKETS_FILES; i++)
		if (sockets->file[i].kind != FILE_FREE)
			file_forget(sockets, &sockets->file[i]);
	for (struct sockets_left *left; (left = sockets_take(sockets));)
		free(left);
	if (sockets->host)
		tern_host_destroy(sockets->host);
	sockets->host = NULL;
}
