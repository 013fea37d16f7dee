/* Calls of a socket's life: socket, bind, listen, accept, connect, shutdown, close. */
#include "script/call.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static bool is(const struct call *call, const char *name)
{
	return strcmp(call->spec->name, name) == 0;
}

static void forget(struct stage *stage, struct script_socket *socket)
{
	if (stage->under_test == socket->fd)
		stage->under_test = -1;
	*socket = (struct script_socket){ .kind = SOCKET_FREE };
}

/* The number that the script gives to what the call makes. */
static int new_number(const struct call *call)
{
	int64_t fd;

	if (call->spec->result->kind != VALUE_ANY && call_number(call, call->spec->result, &fd))
		return (int)fd;
	return -1;
}

static int64_t do_socket(struct call *call)
{
	struct script_socket *socket;
	int64_t		      type;

	if (!call_number(call, call_argument(call, 1), &type))
		return 0;
	if ((type & 0xf) != SOCK_STREAM)
		return stage_fail(call->stage, call->event->line, "only stream sockets are played here");
	if (new_number(call) < 0)
		return -EINVAL;
	socket = call_new_socket(call->stage, new_number(call));
	if (!socket)
		return -EMFILE;
	socket->nonblocking = type & SOCK_NONBLOCK;
	return socket->fd;
}

/* {sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr("192.0.2.1")}; ...: fallback. */
static bool address_of(const struct call *call, const struct value *value,
		       const struct tern_endpoint *fallback, struct tern_endpoint *to)
{
	const struct value *port, *addr;
	int64_t		    n;

	*to = *fallback;
	if (!value || value->kind != VALUE_FIELDS)
		return true;
	port = call_field(value, "sin_port");
	port = port ? port : call_field(value, "sin6_port");
	addr = call_field(value, "sin_addr");
	addr = addr ? addr : call_field(value, "sin6_addr");
	if (port) {
		if (!call_number(call, port, &n))
			return false;
		to->port = (uint16_t)n;
	}
	if (addr && addr->kind == VALUE_CALL && addr->items && addr->items->kind == VALUE_STRING &&
	    tern_addr_parse(&to->addr, addr->items->text) != 0)
		return stage_fail(call->stage, call->event->line, "'%s' is no address", addr->items->text);
	return true;
}

static int64_t do_bind(struct call *call)
{
	const struct tern_endpoint fallback = { .port = STAGE_LOCAL_PORT };

	if (!address_of(call, call_argument(call, 1), &fallback, &call->socket->local))
		return 0;
	if (call->socket->bound || call->socket->kind != SOCKET_FRESH)
		return -EINVAL;
	call->socket->bound = true;
	return 0;
}

/* What was set before there was a handle. */
static void apply_options(struct stage *stage, struct script_socket *socket)
{
	for (unsigned i = 0; i < socket->n_options; i++)
		(void)tern_option_set(stage->host, socket->handle, socket->option[i].option,
				      socket->option[i].value);
	if (socket->controller[0])
		(void)tern_set_congestion_control(stage->host, socket->handle, socket->controller);
	socket->n_options = 0;
}

static int64_t do_listen(struct call *call)
{
	struct script_socket *const socket = call->socket;
	struct tern_listen	    listen = { .local = socket->local };
	int64_t			    backlog;
	int			    error;

	if (!call_number(call, call_argument(call, 1), &backlog))
		return 0;
	if (socket->kind == SOCKET_LISTENS)
		return 0;
	if (socket->kind != SOCKET_FRESH)
		return -EINVAL;
	listen.backlog = backlog > 0 ? (uint32_t)backlog : 1;
	error = tern_listen(call->stage->host, &listen, &socket->handle);
	if (error != 0)
		return error;
	socket->kind = SOCKET_LISTENS;
	apply_options(call->stage, socket);
	return 0;
}

static int64_t do_accept(struct call *call)
{
	struct script_socket *socket;
	struct tern_tuple     tuple;
	tern_socket	      handle;
	int		      error;

	if (call->socket->kind != SOCKET_LISTENS)
		return -EINVAL;
	error = tern_accept(call->stage->host, call->socket->handle, &handle);
	if (error == -TERN_EAGAIN && !call->socket->nonblocking)
		return CALL_WAITS;
	if (error != 0)
		return error;
	socket = call_new_socket(call->stage, new_number(call));
	if (!socket)
		return -EMFILE;
	socket->kind = SOCKET_CONNECTED;
	socket->handle = handle;
	call->stage->under_test = socket->fd;
	if (tern_name(call->stage->host, handle, &tuple) == 0)
		(void)stage_flow_of(call->stage, tuple.local_port, tuple.remote_port);
	return socket->fd;
}

/* How a connect that was begun stands. */
static int64_t connecting(struct call *call)
{
	struct script_socket *const socket = call->socket;
	const unsigned		    ready = tern_ready(call->stage->host, socket->handle);
	int			    error;

	if (ready & TERN_ERROR) {
		error = tern_socket_error(call->stage->host, socket->handle);
		socket->told = true;
		return error != 0 ? error : -ECONNABORTED;
	}
	if (ready & TERN_CONNECTED) {
		socket->kind = SOCKET_CONNECTED;
		return 0;
	}
	return socket->nonblocking ? (call->again ? -EINPROGRESS : -EALREADY) : CALL_WAITS;
}

static int64_t do_connect(struct call *call)
{
	struct script_socket *const socket = call->socket;
	const struct tern_endpoint  fallback = { .addr = call->stage->remote, .port = STAGE_LOCAL_PORT };
	struct tern_open	    open = { .local = socket->local };
	struct tern_tuple	    tuple;
	struct flow		   *flow;
	int			    error;

	if (socket->kind == SOCKET_CONNECTS)
		return connecting(call);
	if (socket->kind == SOCKET_CONNECTED)
		return -EISCONN;
	if (socket->kind != SOCKET_FRESH)
		return -EINVAL;
	if (!address_of(call, call_argument(call, 1), &fallback, &open.remote))
		return 0;
	error = tern_connect(call->stage->host, &open, &socket->handle);
	if (error != 0)
		return error;
	socket->kind = SOCKET_CONNECTS;
	call->stage->under_test = socket->fd;
	apply_options(call->stage, socket);
	if (tern_name(call->stage->host, socket->handle, &tuple) == 0) {
		flow = stage_flow_of(call->stage, tuple.local_port, tuple.remote_port);
		flow->knows_isn = false;
		call->stage->current = flow;
	}
	return socket->nonblocking ? -EINPROGRESS : CALL_WAITS;
}

static int64_t do_shutdown(struct call *call)
{
	struct script_socket *const socket = call->socket;
	int64_t			    how;
	int			    error = 0;

	if (!call_number(call, call_argument(call, 1), &how))
		return 0;
	if (socket->kind != SOCKET_CONNECTED && socket->kind != SOCKET_CONNECTS)
		return -ENOTCONN;
	if (how != SHUT_WR)
		error = tern_shutdown_receive(call->stage->host, socket->handle);
	if (how != SHUT_RD && error == 0)
		error = tern_shutdown(call->stage->host, socket->handle);
	return error;
}

static int64_t do_close(struct call *call)
{
	struct script_socket *const socket = call->socket;
	const int error = socket->kind == SOCKET_FRESH ? 0 : tern_close(call->stage->host, socket->handle);

	forget(call->stage, socket);
	return error == -TERN_EBADF ? 0 : error;
}

bool call_life(struct call *call, int64_t *result)
{
	if (is(call, "socket"))
		*result = do_socket(call);
	else if (is(call, "bind"))
		*result = do_bind(call);
	else if (is(call, "listen"))
		*result = do_listen(call);
	else if (is(call, "accept") || is(call, "accept4"))
		*result = do_accept(call);
	else if (is(call, "connect"))
		*result = do_connect(call);
	else if (is(call, "shutdown"))
		*result = do_shutdown(call);
	else if (is(call, "close"))
		*result = do_close(call);
	else
		return false;
	return true;
}
