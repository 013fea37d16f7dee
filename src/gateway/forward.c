#include "gateway/gateway.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/tuple.h"

/* ---- the text ---- */

static const char *parse_port(const char *text, unsigned least, uint16_t *port)
{
	unsigned n = 0, digits = 0;

	for (; *text >= '0' && *text <= '9' && digits < 6; text++, digits++)
		n = n * 10 + (unsigned)(*text - '0');
	if (digits == 0 || n < least || n > UINT16_MAX)
		return NULL;
	*port = (uint16_t)n;
	return text;
}

/* "10.0.0.1:" or "[fd00::1]:" before the ports; none: text as it is. NULL: neither. */
static const char *parse_host(struct forward *forward, const char *text)
{
	const bool	  bracket = *text == '[';
	const char *const from = text + bracket, *const end = strchr(from, bracket ? ']' : ':');
	char		  address[46];

	if (!bracket && (end == NULL || strchr(end + 1, ':') == NULL))
		return text;
	if (end == NULL || (size_t)(end - from) >= sizeof address || (bracket && end[1] != ':'))
		return NULL;
	memcpy(address, from, (size_t)(end - from));
	address[end - from] = '\0';
	if (tern_addr_parse(&forward->addr, address) != 0 || addr_is_v4(&forward->addr) == bracket)
		return NULL;
	forward->has_addr = true;
	return end + 1 + bracket;
}

int forward_parse(struct forward *forward, const char *text)
{
	struct forward parsed = { .udp = false };

	if ((text = parse_host(&parsed, text)) == NULL || (text = parse_port(text, 0, &parsed.host_port)) == NULL ||
	    *text != ':' || (text = parse_port(text + 1, 1, &parsed.guest_port)) == NULL)
		return -TERN_EINVAL;
	if (strcmp(text, "/udp") == 0)
		parsed.udp = true;
	else if (*text != '\0' && strcmp(text, "/tcp") != 0)
		return -TERN_EINVAL;
	*forward = parsed;
	return 0;
}

char *forward_format(char to[80], const struct forward *forward)
{
	char address[46] = "", host[52] = "";

	if (forward->has_addr)
		snprintf(host, sizeof host, addr_is_v4(&forward->addr) ? "%s:" : "[%s]:",
			 tern_addr_format(&forward->addr, address));
	snprintf(to, 80, "%s%u:%u%s", host, (unsigned)forward->host_port, (unsigned)forward->guest_port,
		 forward->udp ? "/udp" : "/tcp");
	return to;
}

/* ---- while it runs ---- */

enum { FDS = 2, ACCEPTS = 64 /* in a row */ };

struct listening {
	struct gateway	 *gateway;
	struct listening *next;
	struct forward	  forward;
	uint32_t	  id;
	int		  fd[FDS]; /* -1: none. UDP: relay_udp's */
};

struct forwarding {
	struct listening *first;
	uint32_t	  last_id;
};

static int bound_socket(const struct tern_endpoint *at, bool udp)
{
	struct sockaddr_storage name;
	const socklen_t		n = gateway_sockaddr(&name, at);
	const int		one = 1, fd = gateway_socket(&at->addr, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
	int			error = 0;

	if (fd < 0)
		return fd;
	if (!addr_is_v4(&at->addr))
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	if (!udp)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (const struct sockaddr *)&name, n) != 0 || (!udp && listen(fd, SOMAXCONN) != 0))
		error = -errno;
	if (error)
		close(fd);
	return error ? error : fd;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage name = { .ss_family = AF_UNSPEC };
	socklen_t		n = sizeof name;

	(void)getsockname(fd, (struct sockaddr *)&name, &n);
	return gateway_endpoint(&name).port;
}

static void on_connection(void *context, short revents)
{
	const struct listening *const listening = context;
	struct gateway *const	      gateway = listening->gateway;

	(void)revents;
	for (unsigned k = 0; k < FDS; k++) {
		for (unsigned i = 0; listening->fd[k] >= 0 && i < ACCEPTS; i++) {
			struct sockaddr_storage name = { .ss_family = AF_UNSPEC };
			socklen_t		n = sizeof name;
			const int		fd = accept4(listening->fd[k], (struct sockaddr *)&name, &n,
							     SOCK_NONBLOCK | SOCK_CLOEXEC);

			if (fd < 0)
				break;
			/* IPv6 clients meet the guest's IPv6 only where the forward names an IPv6 address:
			 * many programs listen on 0.0.0.0 alone. */
			const struct tern_endpoint from = gateway_endpoint(&name);
			const bool		   v6 = listening->forward.has_addr && name.ss_family == AF_INET6;
			const struct tern_endpoint guest = { .addr = v6 ? gateway->guest6 : gateway->guest4,
							     .port = listening->forward.guest_port };

			(void)relay_tcp_inbound(gateway, fd, &from, &guest);
		}
	}
}

static void release(struct gateway *gateway, struct listening *listening)
{
	for (unsigned k = 0; k < FDS; k++) {
		if (listening->fd[k] < 0)
			continue;
		(void)tern_loop_watch_fd(gateway->loop, listening->fd[k], 0, NULL, NULL);
		close(listening->fd[k]);
	}
	if (listening->forward.udp)
		udp_forward_close(gateway, listening->id);
	free(listening);
}

/* One address: its socket goes to whoever serves it. 0 or -E…. */
static int open_one(struct gateway *gateway, struct listening *listening, unsigned k, const struct tern_addr *addr)
{
	const struct tern_endpoint at = { .addr = *addr, .port = listening->forward.host_port };
	const int		   fd = bound_socket(&at, listening->forward.udp);

	if (fd < 0)
		return fd;
	listening->forward.host_port = port_of(fd);
	if (listening->forward.udp)
		return udp_forward_open(gateway, fd, &listening->forward, listening->id);
	listening->fd[k] = fd;
	return tern_loop_watch_fd(gateway->loop, fd, POLLIN, on_connection, listening);
}

int forward_add(struct gateway *gateway, const struct forward *forward, uint32_t *id)
{
	static const struct tern_addr loopback6 = { { [15] = 1 } };

	if (!gateway->forwarding && !(gateway->forwarding = calloc(1, sizeof *gateway->forwarding)))
		return -TERN_ENOMEM;
	struct listening *const listening = calloc(1, sizeof *listening);
	if (!listening)
		return -TERN_ENOMEM;
	*listening = (struct listening){ .gateway = gateway,
					 .forward = *forward,
					 .id = ++gateway->forwarding->last_id,
					 .fd = { -1, -1 } };

	const struct tern_addr first = forward->has_addr ? forward->addr : addr_v4(0x7f000001);
	int		       error = open_one(gateway, listening, 0, &first);

	if (!error && !forward->has_addr) {
		const int error6 = open_one(gateway, listening, 1, &loopback6);

		/* No IPv6 here: then there is none to serve. */
		error = error6 == -EAFNOSUPPORT || error6 == -EADDRNOTAVAIL ? 0 : error6;
	}
	if (error) {
		release(gateway, listening);
		return error;
	}
	listening->next = gateway->forwarding->first;
	gateway->forwarding->first = listening;
	if (id)
		*id = listening->id;
	return 0;
}

int forward_remove(struct gateway *gateway, uint32_t id)
{
	struct listening **at = gateway->forwarding ? &gateway->forwarding->first : NULL;

	for (; at && *at; at = &(*at)->next) {
		struct listening *const found = *at;

		if (found->id != id)
			continue;
		*at = found->next;
		release(gateway, found);
		return 0;
	}
	return -TERN_ENOENT;
}

bool forward_each(const struct gateway *gateway, uint32_t *cursor, struct forward *forward, uint32_t *id)
{
	const struct listening *best = NULL;

	/* In the order of their ids, so that one that goes in between disturbs none. */
	for (const struct listening *at = gateway->forwarding ? gateway->forwarding->first : NULL; at; at = at->next)
		if (at->id > *cursor && (!best || at->id < best->id))
			best = at;
	if (!best)
		return false;
	*cursor = *id = best->id;
	*forward = best->forward;
	return true;
}

void forward_done(struct gateway *gateway)
{
	if (!gateway->forwarding)
		return;
	while (gateway->forwarding->first) {
		struct listening *const first = gateway->forwarding->first;

		gateway->forwarding->first = first->next;
		release(gateway, first);
	}
	free(gateway->forwarding);
	gateway->forwarding = NULL;
}
