/* Calls that move text: read to recvmsg, write to sendmsg. */
#include "sockets/internal.h"

#include <errno.h>
#include <string.h>

size_t iov_length(const struct iovec *iov, size_t n)
{
	size_t all = 0;

	for (size_t i = 0; i < n; i++)
		all += iov[i].iov_len;
	return all;
}

/* The stretch that lies at an offset; NULL with *n = 0: beyond the end. */
static uint8_t *stretch(const struct iovec *iov, size_t n_iov, size_t at, size_t *n)
{
	for (size_t i = 0; i < n_iov; at -= iov[i++].iov_len) {
		if (at >= iov[i].iov_len)
			continue;
		*n = iov[i].iov_len - at;
		return iov[i].iov_base ? (uint8_t *)iov[i].iov_base + at : NULL;
	}
	*n = 0;
	return NULL;
}

static bool connected(struct sockets *sockets, struct sockets_file *file)
{
	if (file->kind == FILE_CONNECTS && tern_ready(sockets->host, file->handle) & TERN_CONNECTED)
		file->kind = FILE_CONNECTED;
	return file->kind == FILE_CONNECTED || file->kind == FILE_CONNECTS;
}

static bool may_wait(const struct sockets *sockets, const struct sockets_request *request,
		     const struct sockets_file *file)
{
	return !file->nonblocking && !(request->u.text.flags & MSG_DONTWAIT) && sockets->now < request->ends;
}

/* ---- out ---- */

static unsigned send_flags(int flags, bool last)
{
	return (flags & MSG_MORE || !last ? TERN_SEND_MORE : 0u) | (flags & MSG_OOB ? TERN_SEND_URGENT : 0u);
}

static int64_t do_write(struct sockets *sockets, struct sockets_request *request, struct sockets_file *file)
{
	const struct iovec *const iov = request->u.text.iov;
	const size_t		  n_iov = request->u.text.n_iov, n = iov_length(iov, n_iov);

	if (request->u.text.flags & MSG_FASTOPEN)
		return -EOPNOTSUPP;
	if (!connected(sockets, file))
		return -EPIPE;
	if (!request->begun && file->send_timeout > 0)
		request->ends = sockets->now + file->send_timeout;
	do {
		size_t		piece;
		uint8_t *const	from = stretch(iov, n_iov, request->moved, &piece);
		const bool	last = request->moved + piece == n;
		const ptrdiff_t sent =
			piece > 0 && !from
				? -EFAULT
				: tern_send(sockets->host, file->handle, from ? from : (const uint8_t *)"",
					    piece, send_flags(request->u.text.flags, last));

		if (sent == -TERN_EAGAIN && may_wait(sockets, request, file))
			return CALL_WAITS;
		if (sent < 0)
			return request->moved > 0 ? (int64_t)request->moved : sent;
		request->moved += (size_t)sent;
	} while (request->moved < n);
	return (int64_t)n;
}

/* ---- in ---- */

/* MSG_WAITALL: as much as was asked for, or the end. */
static bool wants_more(const struct sockets *sockets, const struct sockets_request *request,
		       const struct sockets_file *file, size_t n)
{
	struct tern_status status;

	return request->u.text.flags & MSG_WAITALL && may_wait(sockets, request, file) &&
	       tern_status(sockets->host, file->handle, &status) == 0 && status.unread < n &&
	       !status.fin_received && status.error == 0;
}

static ptrdiff_t take(struct sockets *sockets, const struct sockets_request *request,
		      const struct sockets_file *file, size_t got, uint8_t *to, size_t n)
{
	const bool     peeks = request->u.text.flags & MSG_PEEK, throws = request->u.text.flags & MSG_TRUNC;
	const uint8_t *at;
	ptrdiff_t      had = tern_peek(sockets->host, file->handle, peeks ? got : 0, &at);

	if (had <= 0)
		return had;
	if (!to && !throws)
		return -EFAULT;
	had = (size_t)had < n ? had : (ptrdiff_t)n;
	if (!throws)
		memcpy(to, at, (size_t)had);
	if (!peeks)
		(void)tern_consume(sockets->host, file->handle, (size_t)had);
	return had;
}

static int64_t do_read(struct sockets *sockets, struct sockets_request *request, struct sockets_file *file)
{
	const struct iovec *const iov = request->u.text.iov;
	const size_t		  n_iov = request->u.text.n_iov, n = iov_length(iov, n_iov);
	size_t			  got = 0;

	if (request->u.text.flags & MSG_ERRQUEUE)
		return -EAGAIN; /* there is none, so it is empty */
	if (request->u.text.flags & MSG_OOB)
		return -EINVAL; /* urgent octets stand in the stream (RFC 6093) */
	if (!connected(sockets, file))
		return -ENOTCONN;
	if (n == 0)
		return 0;
	if (!request->begun && file->receive_timeout > 0)
		request->ends = sockets->now + file->receive_timeout;
	if (wants_more(sockets, request, file, n))
		return CALL_WAITS;
	do {
		size_t		piece;
		uint8_t *const	to = stretch(iov, n_iov, got, &piece);
		const ptrdiff_t had = take(sockets, request, file, got, to, piece);

		if (had <= 0 && got > 0)
			return (int64_t)got;
		if (had == -TERN_EAGAIN && may_wait(sockets, request, file))
			return CALL_WAITS;
		if (had <= 0)
			return had;
		got += (size_t)had;
	} while (got < n);
	return (int64_t)got;
}

static void no_address(struct sockets_request *request)
{
	if (request->call == CALL_RECVFROM && request->u.text.addr_n)
		*request->u.text.addr_n = 0; /* a stream has none to tell */
	if (request->call != CALL_RECVMSG)
		return;
	request->u.text.message->msg_namelen = 0;
	request->u.text.message->msg_controllen = 0;
	request->u.text.message->msg_flags = 0;
}

int64_t text_call(struct sockets *sockets, struct sockets_request *request, struct sockets_file *file)
{
	const bool is_read = request->call <= CALL_RECVMSG;
	const bool is_file = request->call == CALL_READ || request->call == CALL_READV ||
			     request->call == CALL_WRITE || request->call == CALL_WRITEV;
	int64_t result;

	if (file->kind == FILE_PIPE_READ || file->kind == FILE_PIPE_WRITE)
		return is_file ? pipe_call(sockets, request, file) : -ENOTSOCK;
	if (!file_is_socket(file))
		return is_file ? -EINVAL : -ENOTSOCK;
	if (!is_read)
		return do_write(sockets, request, file);
	result = do_read(sockets, request, file);
	if (result >= 0)
		no_address(request);
	return result;
}
