/* Calls that move text, and poll. */
#include "script/call.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { PIECE = 65536 };

static bool is_one_of(const struct call *call, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(call->spec->name, *names) == 0)
			return true;
	return false;
}

/* {msg_iov(2) = [{..., 10}, {..., 20}]}, or the list alone: the octets together. */
static bool vector_length(const struct call *call, const struct value *list, int64_t *n)
{
	int64_t one;

	*n = 0;
	for (const struct value *item = list ? list->items : NULL; item; item = item->next) {
		const struct value *const len = call_item(item, 1);

		if (!call_number(call, len, &one))
			return false;
		*n += one;
	}
	return true;
}

/* How many octets a call means, and its flags. */
static bool extent(const struct call *call, int64_t *n, int64_t *flags)
{
	const char *const   name = call->spec->name;
	const struct value *message;

	*flags = 0;
	if (strcmp(name, "sendmsg") == 0 || strcmp(name, "recvmsg") == 0) {
		message = call_argument(call, 1);
		return vector_length(call, call_field(message, "msg_iov"), n) &&
		       call_number(call, call_argument(call, 2), flags);
	}
	if (strcmp(name, "writev") == 0 || strcmp(name, "readv") == 0)
		return vector_length(call, call_argument(call, 1), n);
	if (!call_number(call, call_argument(call, 2), n))
		return false;
	return !call_argument(call, 3) || call_number(call, call_argument(call, 3), flags);
}

static bool is_connected(struct call *call, int64_t *error)
{
	struct script_socket *const socket = call->socket;

	if (socket->kind == SOCKET_CONNECTS && tern_ready(call->stage->host, socket->handle) & TERN_CONNECTED)
		socket->kind = SOCKET_CONNECTED;
	*error = socket->kind == SOCKET_CONNECTED || socket->kind == SOCKET_CONNECTS ? 0 : -ENOTCONN;
	return *error == 0;
}

static int64_t do_write(struct call *call)
{
	static const uint8_t	    zeros[PIECE];
	struct script_socket *const socket = call->socket;
	int64_t			    n, flags, error, took = 0;
	unsigned		    how = 0;

	if (!extent(call, &n, &flags))
		return 0;
	if (!is_connected(call, &error))
		return call->spec->name[0] == 'w' ? -EPIPE : -ENOTCONN;
	how |= flags & MSG_MORE ? TERN_SEND_MORE : 0;
	how |= flags & MSG_OOB ? TERN_SEND_URGENT : 0;
	do {
		const size_t	piece = n - took < PIECE ? (size_t)(n - took) : PIECE;
		const bool	last = took + (int64_t)piece == n;
		const ptrdiff_t sent = tern_send(call->stage->host, socket->handle, zeros, piece,
						 last ? how : how | TERN_SEND_MORE);

		if (sent < 0 && took > 0)
			return took;
		if (sent == -TERN_EAGAIN && !socket->nonblocking && !(flags & MSG_DONTWAIT))
			return CALL_WAITS;
		if (sent < 0)
			return sent;
		took += sent;
	} while (took < n);
	return took;
}

static int64_t do_read(struct call *call)
{
	static uint8_t		    text[PIECE];
	struct script_socket *const socket = call->socket;
	int64_t			    n, flags, error, got = 0;

	if (!extent(call, &n, &flags))
		return 0;
	if (!is_connected(call, &error))
		return error;
	do {
		const size_t	piece = n - got < PIECE ? (size_t)(n - got) : PIECE;
		const uint8_t  *at;
		const ptrdiff_t had = flags & MSG_PEEK
					      ? tern_peek(call->stage->host, socket->handle, (size_t)got, &at)
					      : tern_receive(call->stage->host, socket->handle, text, piece);

		if (had <= 0 && got > 0)
			return got;
		if (had == -TERN_EAGAIN && !socket->nonblocking && !(flags & MSG_DONTWAIT))
			return CALL_WAITS;
		if (had <= 0)
			return had;
		got += had < (ptrdiff_t)piece ? had : (ptrdiff_t)piece;
	} while (got < n);
	return got;
}

/* ---- poll ---- */

static short events_of(struct stage *stage, const struct script_socket *socket)
{
	const unsigned ready = tern_ready(stage->host, socket->handle);
	short	       events = 0;

	if (socket->kind == SOCKET_FRESH)
		return POLLOUT | POLLHUP;
	if (ready & (TERN_ACCEPT | TERN_READABLE))
		events |= POLLIN | POLLRDNORM;
	if (ready & TERN_WRITABLE)
		events |= POLLOUT | POLLWRNORM;
	if (ready & TERN_PEER_CLOSED)
		events |= POLLIN | POLLRDNORM | POLLRDHUP;
	if (ready & TERN_URGENT)
		events |= POLLPRI;
	if (ready & TERN_ERROR)
		events |= POLLERR | POLLHUP | POLLIN | POLLOUT | POLLRDHUP | POLLRDNORM | POLLWRNORM;
	if (ready & TERN_CLOSED)
		events |= POLLHUP | POLLIN | POLLOUT;
	return events;
}

/* One entry: the events that came of those asked for. False: an error. */
static bool poll_one(struct call *call, const struct value *entry, short *came)
{
	const struct script_socket *socket;
	int64_t			    fd, asked;

	if (!call_number(call, call_field(entry, "fd"), &fd) ||
	    !call_number(call, call_field(entry, "events"), &asked))
		return false;
	socket = call_socket_of(call->stage, (int)fd);
	*came = socket ? events_of(call->stage, socket) & (short)(asked | POLLERR | POLLHUP) : POLLNVAL;
	return true;
}

static bool poll_as_expected(struct call *call, const struct value *entry, short came)
{
	const struct value *const said = call_field(entry, "revents");
	int64_t			  expected;

	if (!said || said->kind == VALUE_ANY)
		return true;
	if (!call_number(call, said, &expected))
		return false;
	return expected == came ||
	       stage_fail(call->stage, call->event->line,
			  "runtime error in poll call: Expected revents 0x%x but got 0x%x",
			  (unsigned)expected, (unsigned)came);
}

static int64_t do_poll(struct call *call)
{
	const struct value *const list = call_argument(call, 0);
	int64_t			  ready = 0, timeout;
	short			  came;

	if (!call_number(call, call_argument(call, 2), &timeout))
		return 0;
	if (timeout > INT32_MAX)
		timeout = INT32_MAX; /* poll(2) takes an int */
	if (!call->again)
		call->ends = timeout < 0 ? TERN_NEVER : call->stage->now + timeout * TERN_MILLISECOND;
	for (const struct value *entry = list ? list->items : NULL; entry; entry = entry->next) {
		if (!poll_one(call, entry, &came))
			return 0;
		ready += came != 0;
	}
	if (ready == 0 && call->stage->now < call->ends)
		return CALL_WAITS;
	for (const struct value *entry = list ? list->items : NULL; entry; entry = entry->next)
		if (!poll_one(call, entry, &came) || !poll_as_expected(call, entry, came))
			return 0;
	return ready;
}

bool call_io(struct call *call, int64_t *result)
{
	static const char *const writes[] = { "write", "writev", "send", "sendto", "sendmsg", NULL };
	static const char *const reads[] = { "read", "readv", "recv", "recvfrom", "recvmsg", NULL };

	if (is_one_of(call, writes))
		*result = do_write(call);
	else if (is_one_of(call, reads))
		*result = do_read(call);
	else if (strcmp(call->spec->name, "poll") == 0)
		*result = do_poll(call);
	else
		return false;
	return true;
}
