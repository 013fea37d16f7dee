/* Calls of a socket's life: socket, bind, listen, accept, connect, shutdown, close. */
#include "sockets/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static int64_t do_socket(struct sockets *sockets, const struct sockets_request *request)
{
	const int	     domain = request->u.socket.domain, type = request->u.socket.type & 0xf;
	struct sockets_file *file;
	int		     error;

	if (domain != AF_INET && domain != AF_INET6)
		return -EAFNOSUPPORT;
	if (type != SOCK_STREAM)
		return type == SOCK_DGRAM || type == SOCK_RAW ? -EPROTONOSUPPORT : -ESOCKTNOSUPPORT;
	if (request->u.socket.protocol != 0 && request->u.socket.protocol != IPPROTO_TCP)
		return -EPROTONOSUPPORT;
	file = file_new(sockets, FILE_FRESH, &error);
	if (!file)
		return error;
	file->domain = domain;
	file->nonblocking = request->u.socket.type & SOCK_NONBLOCK;
	return file->fd;
}

/* ---- addresses ---- */

/* 0 or -errno. IPv4 on a socket of IPv6 is mapped. */
static int endpoint_of(const struct sockets_file *file, const struct sockaddr *addr, socklen_t n,
		       struct tern_endpoint *to)
{
	struct sockaddr_in  in;
	struct sockaddr_in6 in6;

	*to = (struct tern_endpoint){ .port = 0 };
	if (!addr)
		return -EFAULT;
	if (n < sizeof in)
		return -EINVAL;
	memcpy(&in, addr, sizeof in);
	if (in.sin_family != file->domain)
		return -EAFNOSUPPORT;
	to->port = ntohs(in.sin_port);
	if (file->domain == AF_INET) {
		if (in.sin_addr.s_addr == 0)
			return 0;
		to->addr.b[10] = to->addr.b[11] = 0xff;
		memcpy(to->addr.b + 12, &in.sin_addr, 4);
		return 0;
	}
	if (n < sizeof in6)
		return -EINVAL;
	memcpy(&in6, addr, sizeof in6);
	memcpy(to->addr.b, &in6.sin6_addr, sizeof to->addr.b);
	return 0;
}

/* As much as there is room for; *n is how long it is. */
static void put_address(const struct sockets_file *file, const struct tern_addr *addr, uint16_t port,
			struct sockaddr *to, socklen_t *n)
{
	struct sockaddr_in  in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	const bool	    v4 = file->domain == AF_INET;
	const socklen_t	    size = v4 ? sizeof in : sizeof in6;

	if (!to || !n)
		return;
	memcpy(&in.sin_addr, addr->b + 12, sizeof in.sin_addr);
	memcpy(&in6.sin6_addr, addr->b, sizeof in6.sin6_addr);
	memcpy(to, v4 ? (const void *)&in : (const void *)&in6, *n < size ? *n : size);
	*n = size;
}

static bool is_taken(const struct sockets *sockets, const struct sockets_file *file, uint16_t port)
{
	for (unsigned i = 0; i < SOCKETS_FILES; i++) {
		const struct sockets_file *const other = &sockets->file[i];

		if (other == file || !other->bound || other->local.port != port ||
		    other->kind > FILE_LISTENS || other->kind < FILE_FRESH)
			continue;
		if (other->kind == FILE_LISTENS || !other->reuse || !file->reuse)
			return true;
	}
	return false;
}

static int64_t do_bind(struct sockets *sockets, struct sockets_request *request, struct sockets_file *file)
{
	static const struct tern_addr any;
	struct tern_endpoint	      local;
	const int error = endpoint_of(file, request->u.name.addr, request->u.name.n, &local);

	if (error != 0)
		return error;
	if (file->bound || file->kind != FILE_FRESH)
		return -EINVAL;
	if (memcmp(&local.addr, &any, sizeof any) != 0 &&
	    memcmp(&local.addr, &sockets->local, sizeof any) != 0) {
		if (!sockets->take_any)
			return -EADDRNOTAVAIL;
		(void)tern_host_add_address(sockets->host, sockets->link, &local.addr,
					    file->domain == AF_INET ? 32 : 128);
	}
	if (local.port != 0 && is_taken(sockets, file, local.port))
		return -EADDRINUSE;
	file->local = local;
	file->bound = true;
	return 0;
}

static int64_t do_listen(struct sockets *sockets, const struct sockets_request *request,
			 struct sockets_file *file)
{
	struct tern_listen listen = { .local = file->local };
	int		   error;

	if (file->kind == FILE_LISTENS)
		return 0;
	if (file->kind != FILE_FRESH)
		return -EINVAL;
	listen.backlog = request->u.listen.backlog > 0 ? (uint32_t)request->u.listen.backlog : 1;
	error = tern_listen(sockets->host, &listen, &file->handle);
	if (error != 0)
		return error;
	file->kind = FILE_LISTENS;
	option_apply(sockets, file);
	return 0;
}

static int64_t do_accept(struct sockets *sockets, struct sockets_request *request, struct sockets_file *file)
{
	const int	     domain = file->domain;
	struct sockets_file *accepted;
	struct tern_tuple    tuple = { .local_port = 0 };
	tern_socket	     handle;
	int		     error;

	if (file->kind != FILE_LISTENS)
		return -EINVAL;
	if (!request->begun && file->receive_timeout > 0)
		request->ends = sockets->now + file->receive_timeout;
	error = tern_accept(sockets->host, file->handle, &handle);
	if (error == -TERN_EAGAIN && !file->nonblocking && sockets->now < request->ends)
		return CALL_WAITS;
	if (error != 0)
		return error;
	accepted = file_new(sockets, FILE_CONNECTED, &error);
	if (!accepted) {
		(void)tern_abort(sockets->host, handle);
		return error;
	}
	accepted->handle = handle;
	accepted->domain = domain;
	(void)tern_name(sockets->host, handle, &tuple);
	put_address(accepted, &tuple.remote, tuple.remote_port, request->u.accept.addr, request->u.accept.n);
	return accepted->fd;
}

/* ---- connect ---- */

/* How a connect that was begun stands. */
static int64_t connecting(struct sockets *sockets, const struct sockets_request *request,
			  struct sockets_file *file)
{
	const unsigned ready = tern_ready(sockets->host, file->handle);
	int	       error;

	if (ready & TERN_ERROR) {
		error = tern_socket_error(sockets->host, file->handle);
		return error != 0 ? error : -ECONNABORTED;
	}
	if (ready & TERN_CONNECTED) {
		file->kind = FILE_CONNECTED;
		return 0;
	}
	if (file->nonblocking)
		return -EALREADY;
	return sockets->now < request->ends ? CALL_WAITS : -EINPROGRESS;
}

/* AF_UNSPEC: the socket is as if new. */
static int64_t disconnect(struct sockets *sockets, struct sockets_file *file)
{
	if (file_has_handle(file))
		(void)tern_abort(sockets->host, file->handle);
	file->kind = FILE_FRESH;
	return 0;
}

static int64_t do_connect(struct sockets *sockets, struct sockets_request *request, struct sockets_file *file)
{
	struct tern_open open = { .local = file->local };
	sa_family_t	 family = AF_UNSPEC;
	int		 error;

	if (!request->begun && request->u.name.addr && request->u.name.n >= sizeof family) {
		memcpy(&family, request->u.name.addr, sizeof family);
		if (family == AF_UNSPEC)
			return disconnect(sockets, file);
	}
	if (!request->begun && file->send_timeout > 0)
		request->ends = sockets->now + file->send_timeout;
	if (file->kind == FILE_CONNECTS)
		return connecting(sockets, request, file);
	if (file->kind == FILE_CONNECTED)
		return -EISCONN;
	if (file->kind != FILE_FRESH)
		return -EINVAL;
	error = endpoint_of(file, request->u.name.addr, request->u.name.n, &open.remote);
	if (error == 0)
		error = tern_connect(sockets->host, &open, &file->handle);
	if (error != 0)
		return error;
	file->kind = FILE_CONNECTS;
	option_apply(sockets, file);
	return file->nonblocking ? -EINPROGRESS : CALL_WAITS;
}

/* ---- the end ---- */

static int64_t do_shutdown(struct sockets *sockets, const struct sockets_request *request,
			   struct sockets_file *file)
{
	const int how = request->u.shutdown.how;
	int	  error = 0;

	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		return -EINVAL;
	if (file->kind != FILE_CONNECTED && file->kind != FILE_CONNECTS)
		return -ENOTCONN;
	if (how != SHUT_WR)
		error = tern_shutdown_receive(sockets->host, file->handle);
	if (how != SHUT_RD && error == 0)
		error = tern_shutdown(sockets->host, file->handle);
	return error;
}

static int64_t do_close(struct sockets *sockets, struct sockets_file *file)
{
	const int fd = file->fd;
	const int error = file_has_handle(file) ? tern_close(sockets->host, file->handle) : 0;

	file_forget(sockets, file);
	if (sockets->close_fd)
		sockets->close_fd(fd);
	return error == -TERN_EBADF ? 0 : error;
}

int64_t life_call(struct sockets *sockets, struct sockets_request *request, struct sockets_file *file)
{
	if (request->call == CALL_SOCKET)
		return do_socket(sockets, request);
	if (request->call == CALL_CLOSE)
		return do_close(sockets, file);
	if (!file_is_socket(file))
		return -ENOTSOCK;
	switch (request->call) {
	case CALL_BIND: return do_bind(sockets, request, file);
	case CALL_LISTEN: return do_listen(sockets, request, file);
	case CALL_ACCEPT: return do_accept(sockets, request, file);
	case CALL_CONNECT: return do_connect(sockets, request, file);
	default: return do_shutdown(sockets, request, file);
	}
}
