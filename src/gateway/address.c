/* Where what the guest addresses really is, and addresses as the system has them. */
#include "gateway/gateway.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "wire/tuple.h"

enum { DNS_PORT = 53 };

/* What no guest has any business at, by whatever way the host would reach it: its loopback above all, which is
 * where 0.0.0.0 leads too. */
static bool is_nowhere(const struct tern_addr *addr)
{
	if (!addr_is_unicast(addr) || addr_is_loopback(addr) || addr_is_unspecified(addr))
		return true;
	if (!addr_is_v4(addr))
		return addr_is_link_local(addr); /* a zone of the host's that the guest cannot know */
	return addr_v4_of(addr) >> 28 == 0xf; /* 240/4, and broadcast with it */
}

static enum gateway_route to_ourselves(const struct gateway *gateway, bool v6, uint16_t port,
				       struct tern_endpoint *to)
{
	static const struct tern_addr loopback6 = { { [15] = 1 } };

	if (gateway->options->no_host_loopback)
		return ROUTE_DENIED;
	*to = (struct tern_endpoint){ .addr = v6 ? loopback6 : addr_v4(0x7f000001), .port = port };
	return ROUTE_ONWARD;
}

static enum gateway_route to_dns(const struct gateway *gateway, uint16_t port, struct tern_endpoint *to)
{
	if (port != DNS_PORT || gateway->options->no_dns)
		return ROUTE_REFUSED;
	if (!dns_resolver(gateway, to))
		return ROUTE_REFUSED;
	return ROUTE_DNS;
}

enum gateway_route gateway_onward(const struct gateway *gateway, const struct tern_addr *addr, uint16_t port,
				  struct tern_endpoint *to)
{
	const struct gateway_options *const options = gateway->options;
	const bool			    v6 = !addr_is_v4(addr);

	*to = (struct tern_endpoint){ .addr = *addr, .port = port };
	if (addr_equal(addr, v6 ? &gateway->dns6 : &gateway->dns4))
		return to_dns(gateway, port, to);
	if (!filter_allows(&options->filter, addr, port))
		return ROUTE_DENIED;
	if (addr_equal(addr, v6 ? &gateway->gateway6 : &gateway->gateway4))
		return to_ourselves(gateway, v6, port, to);
	if (is_nowhere(addr))
		return ROUTE_UNREACHABLE;
	if (v6 ? addr_in_prefix(addr, &gateway->gateway6, 64) :
		 addr_in_prefix(addr, &options->network, options->bits))
		return ROUTE_UNREACHABLE;
	return ROUTE_ONWARD;
}

/* ---- as the system has them ---- */

socklen_t gateway_sockaddr(struct sockaddr_storage *to, const struct tern_endpoint *from)
{
	memset(to, 0, sizeof *to);
	if (addr_is_v4(&from->addr)) {
		struct sockaddr_in *const in = (struct sockaddr_in *)to;

		in->sin_family = AF_INET;
		in->sin_port = htons(from->port);
		memcpy(&in->sin_addr, from->addr.b + 12, 4);
		return sizeof *in;
	}
	struct sockaddr_in6 *const in6 = (struct sockaddr_in6 *)to;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(from->port);
	in6->sin6_scope_id = from->zone;
	memcpy(&in6->sin6_addr, from->addr.b, 16);
	return sizeof *in6;
}

struct tern_endpoint gateway_endpoint(const struct sockaddr_storage *from)
{
	struct tern_endpoint to = { .port = 0 };

	if (from->ss_family == AF_INET) {
		const struct sockaddr_in *const in = (const struct sockaddr_in *)from;

		to.addr = addr_v4(ntohl(in->sin_addr.s_addr));
		to.port = ntohs(in->sin_port);
	} else if (from->ss_family == AF_INET6) {
		const struct sockaddr_in6 *const in6 = (const struct sockaddr_in6 *)from;

		memcpy(to.addr.b, &in6->sin6_addr, 16);
		to.port = ntohs(in6->sin6_port);
		to.zone = in6->sin6_scope_id;
	}
	return to;
}

int gateway_socket(const struct tern_addr *addr, int type, int protocol)
{
	const int fd = socket(addr_is_v4(addr) ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

	return fd < 0 ? -errno : fd;
}

/* ---- what errors say ---- */

enum tern_answer gateway_answer_of(int error)
{
	switch (error) {
	case ENETUNREACH:
	case ENETDOWN:
	case EAFNOSUPPORT:
	case EADDRNOTAVAIL:
		return TERN_ANSWER_NET_UNREACHABLE;
	case EHOSTUNREACH:
	case EHOSTDOWN:
		return TERN_ANSWER_HOST_UNREACHABLE;
	case EACCES:
	case EPERM:
		return TERN_ANSWER_PROHIBITED;
	case ETIMEDOUT:
		return TERN_ANSWER_DROP;
	default:
		return TERN_ANSWER_REFUSE;
	}
}

enum tern_unreachable gateway_unreachable_of(int error)
{
	switch (error) {
	case ENETUNREACH:
	case ENETDOWN:
	case EAFNOSUPPORT:
	case EADDRNOTAVAIL:
		return TERN_UNREACHABLE_NET;
	case EHOSTUNREACH:
	case EHOSTDOWN:
		return TERN_UNREACHABLE_HOST;
	case EACCES:
	case EPERM:
		return TERN_UNREACHABLE_PROHIBITED;
	case EMSGSIZE:
		return TERN_UNREACHABLE_TOO_BIG;
	default:
		return TERN_UNREACHABLE_PORT;
	}
}
