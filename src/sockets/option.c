/* fcntl, ioctl, setsockopt, getsockopt: Linux's options told as the library's. */
#include "sockets/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
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
	{ SOL_SOCKET, SO_MAX_PACING_RATE, TERN_MAX_PACING_RATE },
	{ IPPROTO_IP, IP_TOS, TERN_TRAFFIC_CLASS },
	{ IPPROTO_IPV6, IPV6_TCLASS, TERN_TRAFFIC_CLASS },
	{ IPPROTO_IP, IP_TTL, TERN_TTL },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, TERN_TTL },
	{ SOL_SOCKET, SO_REUSEPORT, IGNORED },
	{ SOL_SOCKET, SO_OOBINLINE, IGNORED },
	{ SOL_SOCKET, SO_PRIORITY, IGNORED },
	{ SOL_SOCKET, SO_ZEROCOPY, IGNORED },
	{ IPPROTO_IP, IP_RECVERR, IGNORED },
	{ IPPROTO_IP, IP_MTU_DISCOVER, IGNORED },
	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, IGNORED },
};

static int option_of(int level, int name)
{
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i].level == level && known[i].name == name)
			return known[i].option;
	return NOT_OURS;
}

/* ---- set ---- */

static int set_one(struct sockets *sockets, struct sockets_file *file, int option, int64_t value)
{
	if (option == IGNORED)
		return 0;
	if (file_has_handle(file))
		return tern_option_set(sockets->host, file->handle, (enum tern_option)option, value);
	if (file->n_options == SOCKETS_OPTIONS)
		return -ENOBUFS;
	file->option[file->n_options].option = (enum tern_option)option;
	file->option[file->n_options++].value = value;
	return 0;
}

void option_apply(struct sockets *sockets, struct sockets_file *file)
{
	for (unsigned i = 0; i < file->n_options; i++)
		(void)tern_option_set(sockets->host, file->handle, file->option[i].option,
				      file->option[i].value);
	if (file->controller[0])
		(void)tern_set_congestion_control(sockets->host, file->handle, file->controller);
	file->n_options = 0;
}

static int set_controller(struct sockets *sockets, struct sockets_file *file, const void *value, socklen_t n)
{
	char		   name[sizeof file->controller];
	struct tern_config config = sockets->config;

	if (n >= sizeof name)
		n = sizeof name - 1;
	memcpy(name, value, n);
	name[n] = '\0';
	if (file_has_handle(file))
		return tern_set_congestion_control(sockets->host, file->handle, name);
	if (tern_setting_set(&config, "tcp_congestion_control", name, NULL) != 0)
		return -ENOENT;
	memcpy(file->controller, name, sizeof name);
	return 0;
}

/* SO_LINGER, SO_RCVTIMEO, SO_SNDTIMEO: structures. NOT_OURS: none of them. */
static int set_structure(struct sockets *sockets, struct sockets_file *file,
			 const struct sockets_request *request)
{
	const int      name = request->u.option.name;
	struct linger  linger;
	struct timeval time;
	tern_time      value;

	if (name == SO_LINGER) {
		if (request->u.option.n < sizeof linger)
			return -EINVAL;
		memcpy(&linger, request->u.option.value, sizeof linger);
		return set_one(sockets, file, TERN_LINGER, linger.l_onoff ? linger.l_linger : -1);
	}
	if (name != SO_RCVTIMEO && name != SO_SNDTIMEO)
		return NOT_OURS;
	if (request->u.option.n < sizeof time)
		return -EINVAL;
	memcpy(&time, request->u.option.value, sizeof time);
	if (time.tv_sec < 0 || time.tv_usec < 0 || time.tv_usec >= 1000000 || time.tv_sec > INT32_MAX)
		return -EDOM;
	value = time.tv_sec * TERN_SECOND + time.tv_usec * TERN_MICROSECOND;
	*(name == SO_RCVTIMEO ? &file->receive_timeout : &file->send_timeout) = value;
	return 0;
}

static int64_t do_setsockopt(struct sockets *sockets, struct sockets_request *request,
			     struct sockets_file *file)
{
	const int level = request->u.option.level, name = request->u.option.name;
	int	  value = 0, result;

	if (!request->u.option.value)
		return -EFAULT;
	if (level == IPPROTO_TCP && name == TCP_CONGESTION)
		return set_controller(sockets, file, request->u.option.value, request->u.option.n);
	result = level == SOL_SOCKET ? set_structure(sockets, file, request) : NOT_OURS;
	if (result != NOT_OURS)
		return result;
	if (request->u.option.n < sizeof value)
		return -EINVAL;
	memcpy(&value, request->u.option.value, sizeof value);
	if (level == SOL_SOCKET && name == SO_REUSEADDR) {
		file->reuse = value != 0;
		return 0;
	}
	result = option_of(level, name);
	return result == NOT_OURS ? -ENOPROTOOPT : set_one(sockets, file, result, value);
}

/* ---- get ---- */

static int get_pending(const struct sockets_file *file, int option, int64_t *value)
{
	*value = 0;
	for (unsigned i = file->n_options; i-- > 0;)
		if ((int)file->option[i].option == option) {
			*value = file->option[i].value;
			break;
		}
	return 0;
}

/* What is a number; NOT_OURS: it is none of ours. */
static int get_number(struct sockets *sockets, struct sockets_file *file, int level, int name, int64_t *value)
{
	struct tern_status status;
	int		   option;

	*value = 0;
	if (level == SOL_SOCKET && name == SO_ERROR) {
		*value = file_has_handle(file) ? -tern_socket_error(sockets->host, file->handle) : 0;
		return 0;
	}
	if (level == SOL_SOCKET && (name == SO_TYPE || name == SO_DOMAIN || name == SO_PROTOCOL ||
				    name == SO_ACCEPTCONN || name == SO_REUSEADDR)) {
		*value = name == SO_TYPE	 ? SOCK_STREAM
			 : name == SO_DOMAIN	 ? file->domain
			 : name == SO_PROTOCOL	 ? IPPROTO_TCP
			 : name == SO_ACCEPTCONN ? file->kind == FILE_LISTENS
						 : file->reuse;
		return 0;
	}
	if ((level == IPPROTO_IP && name == IP_MTU) || (level == IPPROTO_IPV6 && name == IPV6_MTU)) {
		if (!file_has_handle(file) || tern_status(sockets->host, file->handle, &status) != 0)
			return -ENOTCONN;
		*value = status.pmtu;
		return 0;
	}
	option = option_of(level, name);
	if (option < 0)
		return option == IGNORED ? 0 : NOT_OURS;
	if (!file_has_handle(file))
		return get_pending(file, option, value);
	return tern_option_get(sockets->host, file->handle, (enum tern_option)option, value);
}

static int64_t put_bytes(struct sockets_request *request, const void *from, socklen_t n)
{
	socklen_t *const room = request->u.option.n_out;

	*room = *room < n ? *room : n;
	memcpy(request->u.option.value, from, *room);
	return 0;
}

static int64_t get_controller(struct sockets *sockets, struct sockets_request *request,
			      const struct sockets_file *file)
{
	char		   name[sizeof file->controller] = "";
	struct tern_status status;
	const char	  *is = file->controller[0] ? file->controller : sockets->config.congestion_control;

	if (file->kind >= FILE_CONNECTS && tern_status(sockets->host, file->handle, &status) == 0)
		is = status.congestion_control;
	snprintf(name, sizeof name, "%s", is ? is : "cubic");
	return put_bytes(request, name, sizeof name);
}

static int64_t get_structure(struct sockets *sockets, struct sockets_request *request,
			     struct sockets_file *file)
{
	const int	name = request->u.option.name;
	const tern_time left = name == SO_RCVTIMEO ? file->receive_timeout : file->send_timeout;
	struct timeval	time = { .tv_sec = (time_t)(left / TERN_SECOND),
				 .tv_usec = (suseconds_t)(left % TERN_SECOND / TERN_MICROSECOND) };
	struct linger	linger = { .l_onoff = 0 };
	int64_t		value = -1;

	if (name != SO_LINGER)
		return put_bytes(request, &time, sizeof time);
	if (file_has_handle(file))
		(void)tern_option_get(sockets->host, file->handle, TERN_LINGER, &value);
	else if (file->n_options > 0)
		(void)get_pending(file, TERN_LINGER, &value);
	linger = (struct linger){ .l_onoff = value >= 0, .l_linger = value > 0 ? (int)value : 0 };
	return put_bytes(request, &linger, sizeof linger);
}

static int64_t do_getsockopt(struct sockets *sockets, struct sockets_request *request,
			     struct sockets_file *file)
{
	const int level = request->u.option.level, name = request->u.option.name;
	int64_t	  value;
	int	  result, number;

	if (!request->u.option.value || !request->u.option.n_out)
		return -EFAULT;
	if (level == IPPROTO_TCP && name == TCP_INFO) {
		info_get(sockets, file, request->u.option.value, request->u.option.n_out);
		return 0;
	}
	if (level == IPPROTO_TCP && name == TCP_CONGESTION)
		return get_controller(sockets, request, file);
	if (level == SOL_SOCKET && (name == SO_LINGER || name == SO_RCVTIMEO || name == SO_SNDTIMEO))
		return get_structure(sockets, request, file);
	result = get_number(sockets, file, level, name, &value);
	if (result != 0)
		return result == NOT_OURS ? -ENOPROTOOPT : result;
	number = value > INT32_MAX ? INT32_MAX : (int)value;
	return put_bytes(request, &number, sizeof number);
}

/* ---- fcntl, ioctl ---- */

static int64_t do_fcntl(const struct sockets_request *request, struct sockets_file *file)
{
	const long argument = (long)(intptr_t)request->u.control.argument;

	switch (request->u.control.command) {
	case F_GETFL: return O_RDWR | (file->nonblocking ? O_NONBLOCK : 0);
	case F_SETFL: file->nonblocking = argument & O_NONBLOCK; return 0;
	case F_GETFD:
	case F_SETFD: return 0;
	default: return -EINVAL;
	}
}

static int64_t do_ioctl(struct sockets *sockets, const struct sockets_request *request,
			struct sockets_file *file)
{
	int *const	   to = request->u.control.argument;
	struct tern_status status;

	if (!to)
		return -EFAULT;
	if (request->u.control.command == FIONBIO) {
		file->nonblocking = *to != 0;
		return 0;
	}
	if (!file_has_handle(file) || file->kind == FILE_LISTENS ||
	    tern_status(sockets->host, file->handle, &status) != 0)
		return -EINVAL;
	switch (request->u.control.command) {
	case SIOCINQ: *to = (int)status.unread; return 0;
	case SIOCOUTQ: *to = (int)(status.unsent + status.unacked); return 0;
	case SIOCOUTQNSD: *to = (int)status.unsent; return 0;
	default: return -ENOTTY;
	}
}

int64_t option_call(struct sockets *sockets, struct sockets_request *request, struct sockets_file *file)
{
	if (request->call == CALL_FCNTL)
		return do_fcntl(request, file);
	if (!file_is_socket(file))
		return request->call == CALL_IOCTL ? -ENOTTY : -ENOTSOCK;
	if (request->call == CALL_IOCTL)
		return do_ioctl(sockets, request, file);
	return request->call == CALL_SETSOCKOPT ? do_setsockopt(sockets, request, file)
						: do_getsockopt(sockets, request, file);
}
