/* pipe, read and write on its ends, and splice between a pipe and a socket or another pipe. */
#include "sockets/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#ifndef SPLICE_F_NONBLOCK
#define SPLICE_F_NONBLOCK 2
#endif

static bool is_pipe(const struct sockets_file *file)
{
	return file->kind == FILE_PIPE_READ || file->kind == FILE_PIPE_WRITE;
}

static int64_t do_pipe(struct sockets *sockets, const struct sockets_request *request)
{
	struct sockets_pipe *const pipe = calloc(1, sizeof *pipe);
	struct sockets_file	  *in, *out;
	int			   error = -ENOMEM;

	in = pipe ? file_new(sockets, FILE_PIPE_READ, &error) : NULL;
	if (!in) {
		free(pipe);
		return error;
	}
	in->pipe = pipe;
	pipe->has_reader = true;
	out = file_new(sockets, FILE_PIPE_WRITE, &error);
	if (!out) {
		if (sockets->close_fd)
			sockets->close_fd(in->fd);
		file_forget(sockets, in);
		return error;
	}
	out->pipe = pipe;
	pipe->has_writer = true;
	request->u.pipe.fds[0] = in->fd;
	request->u.pipe.fds[1] = out->fd;
	return 0;
}

/* ---- octets in and out of the ring, one stretch at a time ---- */

static size_t push(struct sockets_pipe *pipe, const uint8_t *from, size_t n)
{
	const size_t at = (pipe->head + pipe->n) % SOCKETS_PIPE, room = SOCKETS_PIPE - pipe->n;

	n = n < room ? n : room;
	n = n < SOCKETS_PIPE - at ? n : SOCKETS_PIPE - at;
	memcpy(pipe->text + at, from, n);
	pipe->n += n;
	return n;
}

static const uint8_t *front(const struct sockets_pipe *pipe, size_t *n)
{
	*n = pipe->n < SOCKETS_PIPE - pipe->head ? pipe->n : SOCKETS_PIPE - pipe->head;
	return pipe->text + pipe->head;
}

static void drop(struct sockets_pipe *pipe, size_t n)
{
	pipe->head = (pipe->head + n) % SOCKETS_PIPE;
	pipe->n -= n;
}

/* ---- read and write ---- */

static int64_t do_read(const struct sockets_request *request, struct sockets_file *file)
{
	size_t got = 0, n;

	if (file->kind != FILE_PIPE_READ)
		return -EBADF;
	for (size_t i = 0; i < request->u.text.n_iov; i++) {
		const struct iovec *const iov = &request->u.text.iov[i];

		for (size_t at = 0; at < iov->iov_len && file->pipe->n > 0; at += n) {
			const uint8_t *const from = front(file->pipe, &n);

			if (!iov->iov_base)
				return -EFAULT;
			n = n < iov->iov_len - at ? n : iov->iov_len - at;
			memcpy((uint8_t *)iov->iov_base + at, from, n);
			drop(file->pipe, n);
			got += n;
		}
	}
	if (got > 0 || !file->pipe->has_writer)
		return (int64_t)got;
	return file->nonblocking ? -EAGAIN : CALL_WAITS;
}

static int64_t do_write(struct sockets_request *request, struct sockets_file *file)
{
	const size_t n = iov_length(request->u.text.iov, request->u.text.n_iov);
	size_t	     skip = request->moved;

	if (file->kind != FILE_PIPE_WRITE)
		return -EBADF;
	if (!file->pipe->has_reader)
		return -EPIPE;
	for (size_t i = 0; i < request->u.text.n_iov; i++) {
		const struct iovec *const iov = &request->u.text.iov[i];
		size_t			  at = skip < iov->iov_len ? skip : iov->iov_len;

		skip -= at;
		if (at < iov->iov_len && !iov->iov_base)
			return -EFAULT;
		for (size_t took = 1; at < iov->iov_len && took > 0; at += took, request->moved += took)
			took = push(file->pipe, (const uint8_t *)iov->iov_base + at, iov->iov_len - at);
	}
	if (request->moved == n)
		return (int64_t)n;
	if (!file->nonblocking)
		return CALL_WAITS;
	return request->moved > 0 ? (int64_t)request->moved : -EAGAIN;
}

/* ---- splice ---- */

/* What can be taken of it without waiting: NULL with *n an error, 0 at its end. */
static const uint8_t *source(struct sockets *sockets, const struct sockets_file *in, size_t most,
			     ptrdiff_t *n)
{
	const uint8_t *at;
	size_t	       held;

	if (is_pipe(in)) {
		at = front(in->pipe, &held);
		*n = held > 0 ? (ptrdiff_t)held : in->pipe->has_writer ? -EAGAIN : 0;
	} else {
		*n = tern_peek(sockets->host, in->handle, 0, &at);
	}
	if (*n > (ptrdiff_t)most)
		*n = (ptrdiff_t)most;
	return *n > 0 ? at : NULL;
}

static ptrdiff_t sink(struct sockets *sockets, const struct sockets_file *out, const uint8_t *from, size_t n,
		      bool more)
{
	size_t took;

	if (!is_pipe(out))
		return tern_send(sockets->host, out->handle, from, n, more ? TERN_SEND_MORE : 0);
	if (!out->pipe->has_reader)
		return -EPIPE;
	took = push(out->pipe, from, n);
	return took > 0 ? (ptrdiff_t)took : -EAGAIN;
}

static int64_t do_splice(struct sockets *sockets, struct sockets_request *request, struct sockets_file *in)
{
	struct sockets_file *const out = sockets_file_of(sockets, request->u.splice.out);
	const bool		   nonblocking = request->u.splice.flags & SPLICE_F_NONBLOCK;
	ptrdiff_t		   n = -EAGAIN, took = 0;
	size_t			   moved = 0;

	if (!out)
		return -EBADF;
	if ((!is_pipe(in) && !is_pipe(out)) || in->kind == FILE_PIPE_WRITE || out->kind == FILE_PIPE_READ)
		return is_pipe(in) || is_pipe(out) ? -EBADF : -EINVAL;
	/* A script has to write something for the offsets: what is not zero is an offset. */
	if ((request->u.splice.off_in && *request->u.splice.off_in != 0) ||
	    (request->u.splice.off_out && *request->u.splice.off_out != 0))
		return -ESPIPE;
	if ((!is_pipe(in) && in->kind < FILE_CONNECTS) || (!is_pipe(out) && out->kind < FILE_CONNECTS))
		return -ENOTCONN;
	while (moved < request->u.splice.n) {
		const uint8_t *const from = source(sockets, in, request->u.splice.n - moved, &n);

		if (!from)
			break;
		took = sink(sockets, out, from, (size_t)n, moved + (size_t)n < request->u.splice.n);
		if (took < 0) {
			n = took;
			break;
		}
		if (is_pipe(in))
			drop(in->pipe, (size_t)took);
		else
			(void)tern_consume(sockets->host, in->handle, (size_t)took);
		moved += (size_t)took;
	}
	if (moved > 0 || request->u.splice.n == 0)
		return (int64_t)moved;
	return n == -EAGAIN && !nonblocking && !in->nonblocking && !out->nonblocking ? CALL_WAITS : n;
}

int64_t pipe_call(struct sockets *sockets, struct sockets_request *request, struct sockets_file *file)
{
	switch (request->call) {
	case CALL_PIPE: return do_pipe(sockets, request);
	case CALL_SPLICE: return do_splice(sockets, request, file);
	case CALL_READ:
	case CALL_READV: return do_read(request, file);
	default: return do_write(request, file);
	}
}
