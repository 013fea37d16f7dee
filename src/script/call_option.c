/* fcntl, ioctl, setsockopt, getsockopt: Linux's options told as the library's. */
#include "script/call.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/sockios.h>

enum { NOT_OURS = -1, IGNORED = -2 };

static const struct {
	int level, name, option; /* enum tern_option, NOT_OURS: handled apart, IGNORED: taken and forgotten */
} known[] = {
	{ IPPROTO_TCP, TCP_NODELAY, TERN_NODELAY },
	{ IPPROTO_TCP, TCP_CORK, TERN_CORK },
	{ IPPROTO_TCP, TCP_QUICKACK, TERN_QUICKACK },
	{ IPPROTO_TCP, TCP_KEEPIDLE, TERN_KEEPALIVE_IDLE },
	{ IPPROTO_TCP, TCP_KEEPINTVL, TERN_KEEPALIVE_INTERVAL },
	{ IPPROTO_TCP, TCP_KEEPCNT, TERN_KEEPALIVE_PROBES },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, TERN_USER_TIMEOUT },
	{ IPPROTO_TCP, TCP_MAXSEG, TERN_MAX_SEGMENT },
	{ SOL_SOCKET, SO_KEEPALIVE, TERN_KEEPALIVE },
	{ SOL_SOCKET, SO_SNDBUF, TERN_SEND_BUFFER },
	{ SOL_SOCKET, SO_RCVBUF, TERN_RECEIVE_BUFFER },
	{ IPPROTO_IP, IP_TOS, TERN_TRAFFIC_CLASS },
	{ IPPROTO_IPV6, IPV6_TCLASS, TERN_TRAFFIC_CLASS },
	{ IPPROTO_IP, IP_TTL, TERN_TTL },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, TERN_TTL },
	{ SOL_SOCKET, SO_REUSEADDR, IGNORED },
	{ SOL_SOCKET, SO_REUSEPORT, IGNORED },
	{ SOL_SOCKET, SO_OOBINLINE, IGNORED },
	{ SOL_SOCKET, SO_PRIORITY, IGNORED },
	{ IPPROTO_IP, IP_RECVERR, IGNORED },
	{ IPPROTO_IP, IP_MTU_DISCOVER, IGNORED },
	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, IGNORED },
};

static int option_of(int64_t level, int64_t name)
{
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i].level == level && known[i].name == name)
			return known[i].option;
	return NOT_OURS;
}

static bool has_handle(const struct script_socket *socket)
{
	return socket->kind != SOCKET_FRESH && socket->kind != SOCKET_FREE;
}

static int64_t set_one(struct call *call, int option, int64_t value)
{
	struct script_socket *const socket = call->socket;

	if (option == IGNORED)
		return 0;
	if (has_handle(socket))
		return tern_option_set(call->stage->host, socket->handle, (enum tern_option)option, value);
	if (socket->n_options == STAGE_OPTIONS)
		return -ENOBUFS;
	socket->option[socket->n_options].option = (enum tern_option)option;
	socket->option[socket->n_options++].value = value;
	return 0;
}

static int64_t set_linger(struct call *call, const struct value *value)
{
	int64_t onoff, linger;

	if (!call_number(call, call_field(value, "onoff"), &onoff) ||
	    !call_number(call, call_field(value, "linger"), &linger))
		return 0;
	return set_one(call, TERN_LINGER, onoff ? linger : -1);
}

static int64_t set_controller(struct call *call, const struct value *value)
{
	struct script_socket *const socket = call->socket;

	if (!value || value->kind != VALUE_STRING || strlen(value->text) >= sizeof socket->controller)
		return -EINVAL;
	if (has_handle(socket))
		return tern_set_congestion_control(call->stage->host, socket->handle, value->text);
	snprintf(socket->controller, sizeof socket->controller, "%s", value->text);
	return 0;
}

static int64_t do_setsockopt(struct call *call)
{
	const struct value *const given = call_argument(call, 3);
	int64_t			  level, name, value;
	int			  option;

	if (!call_number(call, call_argument(call, 1), &level) ||
	    !call_number(call, call_argument(call, 2), &name))
		return 0;
	if (level == SOL_SOCKET && name == SO_LINGER)
		return set_linger(call, given);
	if (level == IPPROTO_TCP && name == TCP_CONGESTION)
		return set_controller(call, given);
	option = option_of(level, name);
	if (option == NOT_OURS)
		return -ENOPROTOOPT;
	return call_number(call, given, &value) ? set_one(call, option, value) : 0;
}

/* The value that the script expects in [n]. */
static int64_t expect_value(struct call *call, int64_t is)
{
	const struct value *const said = call_argument(call, 3);
	int64_t			  expected;

	if (!said || said->kind == VALUE_ANY ||
	    (said->kind == VALUE_LIST && said->items && said->items->kind == VALUE_ANY))
		return 0;
	if (call_number(call, said, &expected) && expected != is)
		stage_fail(call->stage, call->event->line,
			   "runtime error in getsockopt call: Expected %lld but got %lld",
			   (long long)expected, (long long)is);
	return 0;
}

static int64_t do_getsockopt(struct call *call)
{
	struct script_socket *const socket = call->socket;
	int64_t			    level, name, value = 0;
	int			    option, error;

	if (!call_number(call, call_argument(call, 1), &level) ||
	    !call_number(call, call_argument(call, 2), &name))
		return 0;
	if (level == SOL_SOCKET && name == SO_ERROR) {
		if (!socket->told && has_handle(socket) &&
		    tern_ready(call->stage->host, socket->handle) & TERN_ERROR)
			value = -tern_socket_error(call->stage->host, socket->handle);
		socket->told = true;
		return expect_value(call, value);
	}
	if (level == IPPROTO_TCP && name == TCP_INFO)
		return 0; /* code looks at it */
	option = option_of(level, name);
	if (option < 0 || !has_handle(socket))
		return option == IGNORED ? 0 : -ENOPROTOOPT;
	error = tern_option_get(call->stage->host, socket->handle, (enum tern_option)option, &value);
	return error != 0 ? error : expect_value(call, value);
}

static int64_t do_fcntl(struct call *call)
{
	int64_t command, flags;

	if (!call_number(call, call_argument(call, 1), &command))
		return 0;
	if (command == F_GETFL)
		return O_RDWR | (call->socket->nonblocking ? O_NONBLOCK : 0);
	if (command != F_SETFL)
		return -EINVAL;
	if (call_number(call, call_argument(call, 2), &flags))
		call->socket->nonblocking = flags & O_NONBLOCK;
	return 0;
}

static int64_t do_ioctl(struct call *call)
{
	const struct value *const said = call_argument(call, 2);
	struct tern_status	  status;
	int64_t			  command, expected, is;

	if (!call_number(call, call_argument(call, 1), &command))
		return 0;
	if (!has_handle(call->socket) || tern_status(call->stage->host, call->socket->handle, &status) != 0)
		return -EINVAL;
	if (command == SIOCINQ)
		is = status.unread;
	else if (command == SIOCOUTQ)
		is = (int64_t)status.unsent + status.unacked;
	else if (command == SIOCOUTQNSD)
		is = status.unsent;
	else
		return -ENOTTY;
	if (said && said->kind != VALUE_ANY && call_number(call, said, &expected) && expected != is)
		stage_fail(call->stage, call->event->line,
			   "runtime error in ioctl call: Expected %lld but got %lld", (long long)expected,
			   (long long)is);
	return 0;
}

bool call_option(struct call *call, int64_t *result)
{
	const char *const name = call->spec->name;

	if (strcmp(name, "setsockopt") == 0)
		*result = do_setsockopt(call);
	else if (strcmp(name, "getsockopt") == 0)
		*result = do_getsockopt(call);
	else if (strcmp(name, "fcntl") == 0)
		*result = do_fcntl(call);
	else if (strcmp(name, "ioctl") == 0)
		*result = do_ioctl(call);
	else
		return false;
	return true;
}
