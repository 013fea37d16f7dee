/* The names that scripts use, with Linux's values. */
#include "script/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/sockios.h>

struct symbol {
	const char *name;
	int64_t	    value;
};

enum { OPT_BUSY_POLL = 46, OPT_ZEROCOPY = 60 };

static const struct symbol symbols[] = {
	{ "AF_INET", AF_INET },
	{ "AF_INET6", AF_INET6 },
	{ "PF_INET", AF_INET },
	{ "PF_INET6", AF_INET6 },
	{ "SOCK_STREAM", SOCK_STREAM },
	{ "SOCK_DGRAM", SOCK_DGRAM },
	{ "SOCK_NONBLOCK", SOCK_NONBLOCK },
	{ "SOCK_CLOEXEC", SOCK_CLOEXEC },
	{ "IPPROTO_TCP", IPPROTO_TCP },
	{ "IPPROTO_UDP", IPPROTO_UDP },
	{ "IPPROTO_IP", IPPROTO_IP },
	{ "IPPROTO_IPV6", IPPROTO_IPV6 },
	{ "SOL_IP", IPPROTO_IP },
	{ "SOL_IPV6", IPPROTO_IPV6 },
	{ "SOL_TCP", IPPROTO_TCP },
	{ "SOL_SOCKET", SOL_SOCKET },
	{ "INADDR_ANY", 0 },
	{ "SO_REUSEADDR", SO_REUSEADDR },
	{ "SO_REUSEPORT", SO_REUSEPORT },
	{ "SO_SNDBUF", SO_SNDBUF },
	{ "SO_RCVBUF", SO_RCVBUF },
	{ "SO_LINGER", SO_LINGER },
	{ "SO_KEEPALIVE", SO_KEEPALIVE },
	{ "SO_ERROR", SO_ERROR },
	{ "SO_OOBINLINE", SO_OOBINLINE },
	{ "SO_PRIORITY", SO_PRIORITY },
	{ "SO_MARK", SO_MARK },
	{ "SO_SNDTIMEO", SO_SNDTIMEO },
	{ "SO_RCVTIMEO", SO_RCVTIMEO },
	{ "SO_RCVLOWAT", SO_RCVLOWAT },
	{ "SO_TIMESTAMPING", SO_TIMESTAMPING },
	{ "SO_MAX_PACING_RATE", SO_MAX_PACING_RATE },
	{ "SO_BUSY_POLL", OPT_BUSY_POLL },
	{ "SO_ZEROCOPY", OPT_ZEROCOPY },
	{ "TCP_NODELAY", TCP_NODELAY },
	{ "TCP_MAXSEG", TCP_MAXSEG },
	{ "TCP_CORK", TCP_CORK },
	{ "TCP_KEEPIDLE", TCP_KEEPIDLE },
	{ "TCP_KEEPINTVL", TCP_KEEPINTVL },
	{ "TCP_KEEPCNT", TCP_KEEPCNT },
	{ "TCP_SYNCNT", TCP_SYNCNT },
	{ "TCP_LINGER2", TCP_LINGER2 },
	{ "TCP_DEFER_ACCEPT", TCP_DEFER_ACCEPT },
	{ "TCP_WINDOW_CLAMP", TCP_WINDOW_CLAMP },
	{ "TCP_INFO", TCP_INFO },
	{ "TCP_QUICKACK", TCP_QUICKACK },
	{ "TCP_CONGESTION", TCP_CONGESTION },
	{ "TCP_USER_TIMEOUT", TCP_USER_TIMEOUT },
	{ "TCP_FASTOPEN", TCP_FASTOPEN },
	{ "TCP_TIMESTAMP", TCP_TIMESTAMP },
	{ "TCP_NOTSENT_LOWAT", TCP_NOTSENT_LOWAT },
	{ "TCP_INQ", TCP_INQ },
	{ "IP_TOS", IP_TOS },
	{ "IP_TTL", IP_TTL },
	{ "IP_MTU_DISCOVER", IP_MTU_DISCOVER },
	{ "IP_MTU", IP_MTU },
	{ "IP_PMTUDISC_DONT", IP_PMTUDISC_DONT },
	{ "IP_PMTUDISC_WANT", IP_PMTUDISC_WANT },
	{ "IP_PMTUDISC_DO", IP_PMTUDISC_DO },
	{ "IP_PMTUDISC_PROBE", IP_PMTUDISC_PROBE },
	{ "IP_RECVERR", IP_RECVERR },
	{ "IPV6_TCLASS", IPV6_TCLASS },
	{ "IPV6_UNICAST_HOPS", IPV6_UNICAST_HOPS },
	{ "IPV6_V6ONLY", IPV6_V6ONLY },
	{ "F_GETFL", F_GETFL },
	{ "F_SETFL", F_SETFL },
	{ "O_RDWR", O_RDWR },
	{ "O_RDONLY", O_RDONLY },
	{ "O_NONBLOCK", O_NONBLOCK },
	{ "SHUT_RD", SHUT_RD },
	{ "SHUT_WR", SHUT_WR },
	{ "SHUT_RDWR", SHUT_RDWR },
	{ "MSG_DONTWAIT", MSG_DONTWAIT },
	{ "MSG_PEEK", MSG_PEEK },
	{ "MSG_MORE", MSG_MORE },
	{ "MSG_OOB", MSG_OOB },
	{ "MSG_EOR", MSG_EOR },
	{ "MSG_NOSIGNAL", MSG_NOSIGNAL },
	{ "MSG_WAITALL", MSG_WAITALL },
	{ "MSG_TRUNC", MSG_TRUNC },
	{ "MSG_ERRQUEUE", MSG_ERRQUEUE },
	{ "MSG_FASTOPEN", MSG_FASTOPEN },
	{ "MSG_ZEROCOPY", 0x4000000 },
	{ "SIOCINQ", SIOCINQ },
	{ "FIONREAD", FIONREAD },
	{ "SIOCOUTQ", SIOCOUTQ },
	{ "SIOCOUTQNSD", SIOCOUTQNSD },
	{ "POLLIN", POLLIN },
	{ "POLLOUT", POLLOUT },
	{ "POLLERR", POLLERR },
	{ "POLLHUP", POLLHUP },
	{ "POLLPRI", POLLPRI },
	{ "POLLRDHUP", POLLRDHUP },
	{ "POLLNVAL", POLLNVAL },
	{ "POLLRDNORM", POLLRDNORM },
	{ "POLLWRNORM", POLLWRNORM },
	{ "FIONBIO", FIONBIO },
	{ "AF_UNSPEC", AF_UNSPEC },
	{ "SO_TYPE", SO_TYPE },
	{ "SO_DOMAIN", SO_DOMAIN },
	{ "SO_PROTOCOL", SO_PROTOCOL },
	{ "SO_ACCEPTCONN", SO_ACCEPTCONN },
	{ "EPOLL_CTL_ADD", EPOLL_CTL_ADD },
	{ "EPOLL_CTL_MOD", EPOLL_CTL_MOD },
	{ "EPOLL_CTL_DEL", EPOLL_CTL_DEL },
	{ "EPOLLIN", EPOLLIN },
	{ "EPOLLOUT", EPOLLOUT },
	{ "EPOLLERR", EPOLLERR },
	{ "EPOLLHUP", EPOLLHUP },
	{ "EPOLLPRI", EPOLLPRI },
	{ "EPOLLRDHUP", EPOLLRDHUP },
	{ "EPOLLRDNORM", EPOLLRDNORM },
	{ "EPOLLWRNORM", EPOLLWRNORM },
	{ "EPOLLET", EPOLLET },
	{ "EPOLLONESHOT", EPOLLONESHOT },
	{ "SPLICE_F_MOVE", SPLICE_F_MOVE },
	{ "SPLICE_F_NONBLOCK", SPLICE_F_NONBLOCK },
	{ "SPLICE_F_MORE", SPLICE_F_MORE },
	{ "NULL", 0 },
};

static const struct symbol errors[] = {
	{ "EPERM", EPERM },
	{ "EINTR", EINTR },
	{ "EIO", EIO },
	{ "EBADF", EBADF },
	{ "EAGAIN", EAGAIN },
	{ "EWOULDBLOCK", EWOULDBLOCK },
	{ "ENOMEM", ENOMEM },
	{ "EACCES", EACCES },
	{ "EFAULT", EFAULT },
	{ "EINVAL", EINVAL },
	{ "EMFILE", EMFILE },
	{ "EPIPE", EPIPE },
	{ "ESPIPE", ESPIPE },
	{ "EEXIST", EEXIST },
	{ "ENOTTY", ENOTTY },
	{ "EPROTONOSUPPORT", EPROTONOSUPPORT },
	{ "ESOCKTNOSUPPORT", ESOCKTNOSUPPORT },
	{ "ELOOP", ELOOP },
	{ "EDOM", EDOM },
	{ "ENOENT", ENOENT },
	{ "ENOTSOCK", ENOTSOCK },
	{ "EDESTADDRREQ", EDESTADDRREQ },
	{ "EMSGSIZE", EMSGSIZE },
	{ "EPROTOTYPE", EPROTOTYPE },
	{ "ENOPROTOOPT", ENOPROTOOPT },
	{ "EPROTO", EPROTO },
	{ "EOPNOTSUPP", EOPNOTSUPP },
	{ "EAFNOSUPPORT", EAFNOSUPPORT },
	{ "EADDRINUSE", EADDRINUSE },
	{ "EADDRNOTAVAIL", EADDRNOTAVAIL },
	{ "ENETUNREACH", ENETUNREACH },
	{ "ECONNABORTED", ECONNABORTED },
	{ "ECONNRESET", ECONNRESET },
	{ "ENOBUFS", ENOBUFS },
	{ "EISCONN", EISCONN },
	{ "ENOTCONN", ENOTCONN },
	{ "ETIMEDOUT", ETIMEDOUT },
	{ "ECONNREFUSED", ECONNREFUSED },
	{ "EHOSTUNREACH", EHOSTUNREACH },
	{ "EALREADY", EALREADY },
	{ "EINPROGRESS", EINPROGRESS },
};

bool symbol_value(const char *name, int64_t *value)
{
	for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
		if (strcmp(symbols[i].name, name) == 0) {
			*value = symbols[i].value;
			return true;
		}
	*value = symbol_errno_by_name(name);
	return *value != 0;
}

const char *symbol_errno(int error)
{
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (errors[i].value == error)
			return errors[i].name;
	return NULL;
}

int symbol_errno_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (strcmp(errors[i].name, name) == 0)
			return (int)errors[i].value;
	return 0;
}
