/* Calls of a socket's life: socket, bind, listen, accept, connect, shutdown, close. */
#include "script/call.h"

#include <netinet/in.h>
#include <string.h>

static bool build_fd(struct call *call)
{
	int fd;

	if (!call_int(call, 0, &fd))
		return false;
	call->request.fd = call_live_fd(call->stage, fd);
	return true;
}

static bool build_socket(struct call *call)
{
	const struct value *const domain = call_argument(call, 0);

	call->request.u.socket.domain = call->stage->v6 ? AF_INET6 : AF_INET;
	return (!domain || domain->kind == VALUE_ANY || call_int(call, 0, &call->request.u.socket.domain)) &&
	       call_int(call, 1, &call->request.u.socket.type) &&
	       call_int(call, 2, &call->request.u.socket.protocol);
}

static void judge_socket(struct call *call)
{
	(void)call_new_fd(call, call_made_fd(call), (int)call->request.result);
}

/* ---- addresses ---- */

static void put_endpoint(struct call *call, const struct tern_endpoint *endpoint)
{
	struct sockaddr_in *const  in = (struct sockaddr_in *)&call->addr;
	struct sockaddr_in6 *const in6 = (struct sockaddr_in6 *)&call->addr;

	if (call->stage->v6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(endpoint->port);
		memcpy(&in6->sin6_addr, endpoint->addr.b, sizeof in6->sin6_addr);
		call->addr_n = sizeof *in6;
		return;
	}
	in->sin_family = AF_INET;
	in->sin_port = htons(endpoint->port);
	memcpy(&in->sin_addr, endpoint->addr.b + 12, sizeof in->sin_addr);
	call->addr_n = sizeof *in;
}

/* {sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr("192.0.2.1")}; ...: what endpoint has. */
static bool build_address(struct call *call, const struct value *value, struct tern_endpoint *endpoint)
{
	const struct value *port, *addr, *family = call_field(value, "sa_family");
	int64_t		    n = 0;

	if (value && value->kind == VALUE_FIELDS) {
		port = call_field(value, "sin_port");
		port = port ? port : call_field(value, "sin6_port");
		addr = call_field(value, "sin_addr");
		addr = addr ? addr : call_field(value, "sin6_addr");
		if (port && !call_number(call, port, &n))
			return false;
		endpoint->port = port ? (uint16_t)n : endpoint->port;
		if (addr && addr->kind == VALUE_CALL && addr->items && addr->items->kind == VALUE_STRING &&
		    tern_addr_parse(&endpoint->addr, addr->items->text) != 0)
			return stage_fail(call->stage, call->event->line, "'%s' is no address",
					  addr->items->text);
	}
	put_endpoint(call, endpoint);
	if (family && !call_number(call, family, &n))
		return false;
	if (family)
		call->addr.ss_family = (sa_family_t)n;
	call->request.u.name.addr = (const struct sockaddr *)&call->addr;
	call->request.u.name.n = call->addr_n;
	return true;
}

static bool build_bind(struct call *call)
{
	struct tern_endpoint local = { .addr = call->stage->local, .port = STAGE_LOCAL_PORT };

	if (!build_fd(call) || !build_address(call, call_argument(call, 1), &local))
		return false;
	call->stage->listening = local.port;
	return true;
}

static bool build_connect(struct call *call)
{
	const struct value *const addr = call_argument(call, 1);
	struct tern_endpoint	  remote = { .addr = call->stage->remote, .port = STAGE_LOCAL_PORT };
	int			  fd, family;

	if (!build_fd(call) || !build_address(call, addr, &remote) || !call_int(call, 0, &fd))
		return false;
	if (addr && (addr->kind == VALUE_WORD || addr->kind == VALUE_NUMBER)) { /* AF_UNSPEC: it lets go */
		if (!call_int(call, 1, &family))
			return false;
		call->addr.ss_family = (sa_family_t)family;
	}
	if (call->stage->under_test != fd) {
		call->stage->under_test = fd;
		call->stage->current = NULL; /* its SYN will tell which flow it is */
	}
	return true;
}

static bool build_listen(struct call *call)
{
	return build_fd(call) && call_int(call, 1, &call->request.u.listen.backlog);
}

static bool build_accept(struct call *call)
{
	call->addr_n = sizeof call->addr;
	call->request.u.accept.addr = (struct sockaddr *)&call->addr;
	call->request.u.accept.n = &call->addr_n;
	return build_fd(call);
}

static void judge_accept(struct call *call)
{
	const struct sockaddr_in *const in = (const struct sockaddr_in *)&call->addr;

	if (!call_new_fd(call, call_made_fd(call), (int)call->request.result))
		return;
	call->stage->under_test = call_made_fd(call);
	if (call->addr_n < sizeof *in || in->sin_family != (call->stage->v6 ? AF_INET6 : AF_INET))
		stage_fail(call->stage, call->event->line,
			   "runtime error in accept call: no address of whom it accepted");
}

static bool build_shutdown(struct call *call)
{
	return build_fd(call) && call_int(call, 1, &call->request.u.shutdown.how);
}

static void judge_close(struct call *call)
{
	int fd;

	if (call_int(call, 0, &fd))
		call_forget_fd(call->stage, fd);
}

const struct call_kind *call_life_kind(const char *name)
{
	static const struct call_kind kinds[] = {
		{ "socket", CALL_SOCKET, build_socket, judge_socket },
		{ "bind", CALL_BIND, build_bind, NULL },
		{ "listen", CALL_LISTEN, build_listen, NULL },
		{ "accept", CALL_ACCEPT, build_accept, judge_accept },
		{ "accept4", CALL_ACCEPT, build_accept, judge_accept },
		{ "connect", CALL_CONNECT, build_connect, NULL },
		{ "shutdown", CALL_SHUTDOWN, build_shutdown, NULL },
		{ "close", CALL_CLOSE, build_fd, judge_close },
	};

	return call_kind_among(kinds, sizeof kinds / sizeof kinds[0], name);
}
