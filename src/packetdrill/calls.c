/* The pointers of calls: each makes a request of its arguments. */
#include "packetdrill/adaptor.h"

#include <fcntl.h>
#include <stdarg.h>

static int call(void *userdata, struct sockets_request *request)
{
	return (int)adaptor_call(userdata, request);
}

static int do_socket(void *userdata, int domain, int type, int protocol)
{
	struct sockets_request request = { .call = CALL_SOCKET, .u.socket = { domain, type, protocol } };

	return call(userdata, &request);
}

static int do_bind(void *userdata, int fd, const struct sockaddr *addr, socklen_t n)
{
	struct sockets_request request = { .call = CALL_BIND, .fd = fd, .u.name = { addr, n } };

	return call(userdata, &request);
}

static int do_listen(void *userdata, int fd, int backlog)
{
	struct sockets_request request = { .call = CALL_LISTEN, .fd = fd, .u.listen = { backlog } };

	return call(userdata, &request);
}

static int do_accept(void *userdata, int fd, struct sockaddr *addr, socklen_t *n)
{
	struct sockets_request request = { .call = CALL_ACCEPT, .fd = fd, .u.accept = { addr, n } };

	return call(userdata, &request);
}

static int do_connect(void *userdata, int fd, const struct sockaddr *addr, socklen_t n)
{
	struct sockets_request request = { .call = CALL_CONNECT, .fd = fd, .u.name = { addr, n } };

	return call(userdata, &request);
}

/* ---- text ---- */

/* One buffer. Those that only look at it are told so by the call; the request has one type for both. */
static ssize_t one(void *userdata, enum sockets_call which, int fd, const void *at, size_t n, int flags)
{
	struct sockets_request request = { .call = which, .fd = fd };

	request.u.text.one = (struct iovec){ (void *)(uintptr_t)at, n };
	request.u.text.iov = &request.u.text.one;
	request.u.text.n_iov = 1;
	request.u.text.flags = flags;
	return (ssize_t)adaptor_call(userdata, &request);
}

static ssize_t many(void *userdata, enum sockets_call which, int fd, const struct iovec *iov, int n)
{
	struct sockets_request request = { .call = which, .fd = fd };

	request.u.text.iov = (struct iovec *)(uintptr_t)iov;
	request.u.text.n_iov = n > 0 ? (size_t)n : 0;
	return (ssize_t)adaptor_call(userdata, &request);
}

static ssize_t message(void *userdata, enum sockets_call which, int fd, const struct msghdr *message_,
		       int flags)
{
	struct sockets_request request = { .call = which, .fd = fd };

	request.u.text.iov = message_->msg_iov;
	request.u.text.n_iov = message_->msg_iovlen;
	request.u.text.flags = flags;
	request.u.text.message = (struct msghdr *)(uintptr_t)message_;
	return (ssize_t)adaptor_call(userdata, &request);
}

static ssize_t do_read(void *userdata, int fd, void *to, size_t n)
{
	return one(userdata, CALL_READ, fd, to, n, 0);
}

static ssize_t do_readv(void *userdata, int fd, const struct iovec *iov, int n)
{
	return many(userdata, CALL_READV, fd, iov, n);
}

static ssize_t do_recv(void *userdata, int fd, void *to, size_t n, int flags)
{
	return one(userdata, CALL_RECV, fd, to, n, flags);
}

static ssize_t do_recvfrom(void *userdata, int fd, void *to, size_t n, int flags, struct sockaddr *addr,
			   socklen_t *addr_n)
{
	struct sockets_request request = { .call = CALL_RECVFROM, .fd = fd };

	request.u.text.one = (struct iovec){ to, n };
	request.u.text.iov = &request.u.text.one;
	request.u.text.n_iov = 1;
	request.u.text.flags = flags;
	request.u.text.addr = addr;
	request.u.text.addr_n = addr_n;
	return (ssize_t)adaptor_call(userdata, &request);
}

static ssize_t do_recvmsg(void *userdata, int fd, struct msghdr *to, int flags)
{
	return message(userdata, CALL_RECVMSG, fd, to, flags);
}

static ssize_t do_write(void *userdata, int fd, const void *from, size_t n)
{
	return one(userdata, CALL_WRITE, fd, from, n, 0);
}

static ssize_t do_writev(void *userdata, int fd, const struct iovec *iov, int n)
{
	return many(userdata, CALL_WRITEV, fd, iov, n);
}

static ssize_t do_send(void *userdata, int fd, const void *from, size_t n, int flags)
{
	return one(userdata, CALL_SEND, fd, from, n, flags);
}

/* A stream has its peer: the address is not looked at. */
static ssize_t do_sendto(void *userdata, int fd, const void *from, size_t n, int flags,
			 const struct sockaddr *addr, socklen_t addr_n)
{
	(void)addr;
	(void)addr_n;
	return one(userdata, CALL_SENDTO, fd, from, n, flags);
}

static ssize_t do_sendmsg(void *userdata, int fd, const struct msghdr *from, int flags)
{
	return message(userdata, CALL_SENDMSG, fd, from, flags);
}

/* ---- the others ---- */

static int do_fcntl(void *userdata, int fd, int command, ...)
{
	struct sockets_request request = { .call = CALL_FCNTL, .fd = fd };
	va_list		       arguments;

	va_start(arguments, command);
	request.u.control.command = (unsigned long)command;
	if (command == F_SETFL || command == F_SETFD) /* the tool passes an int */
		request.u.control.argument = (void *)(intptr_t)va_arg(arguments, int);
	va_end(arguments);
	return call(userdata, &request);
}

static int do_ioctl(void *userdata, int fd, unsigned long command, ...)
{
	struct sockets_request request = { .call = CALL_IOCTL, .fd = fd };
	va_list		       arguments;

	va_start(arguments, command);
	request.u.control.command = (unsigned)command; /* the tool's is an int: no sign may come in */
	request.u.control.argument = va_arg(arguments, void *);
	va_end(arguments);
	return call(userdata, &request);
}

static int do_close(void *userdata, int fd)
{
	struct sockets_request request = { .call = CALL_CLOSE, .fd = fd };

	return call(userdata, &request);
}

static int do_shutdown(void *userdata, int fd, int how)
{
	struct sockets_request request = { .call = CALL_SHUTDOWN, .fd = fd, .u.shutdown = { how } };

	return call(userdata, &request);
}

static int do_getsockopt(void *userdata, int fd, int level, int name, void *value, socklen_t *n)
{
	struct sockets_request request = { .call = CALL_GETSOCKOPT,
					   .fd = fd,
					   .u.option = { level, name, value, n ? *n : 0, n } };

	return call(userdata, &request);
}

static int do_setsockopt(void *userdata, int fd, int level, int name, const void *value, socklen_t n)
{
	struct sockets_request request = { .call = CALL_SETSOCKOPT,
					   .fd = fd,
					   .u.option = { level, name, (void *)(uintptr_t)value, n, NULL } };

	return call(userdata, &request);
}

static int do_poll(void *userdata, struct pollfd *fds, nfds_t n, int timeout)
{
	struct sockets_request request = { .call = CALL_POLL, .u.poll = { fds, n, timeout } };

	return call(userdata, &request);
}

static int do_epoll_create(void *userdata, int size)
{
	struct sockets_request request = { .call = CALL_EPOLL_CREATE, .fd = size };

	return call(userdata, &request);
}

static int do_epoll_ctl(void *userdata, int epoll, int op, int fd, struct epoll_event *event)
{
	struct sockets_request request = { .call = CALL_EPOLL_CTL,
					   .fd = epoll,
					   .u.epoll_ctl = { op, fd, event } };

	return call(userdata, &request);
}

static int do_epoll_wait(void *userdata, int epoll, struct epoll_event *events, int most, int timeout)
{
	struct sockets_request request = { .call = CALL_EPOLL_WAIT,
					   .fd = epoll,
					   .u.epoll_wait = { events, most, timeout } };

	return call(userdata, &request);
}

static int do_pipe(void *userdata, int fds[2])
{
	struct sockets_request request = { .call = CALL_PIPE, .u.pipe = { fds } };

	return call(userdata, &request);
}

static int do_splice(void *userdata, int in, loff_t *off_in, int out, loff_t *off_out, size_t n,
		     unsigned flags)
{
	struct sockets_request request = { .call = CALL_SPLICE,
					   .fd = in,
					   .u.splice = { off_in, off_out, out, n, flags } };

	return call(userdata, &request);
}

void calls_fill(struct packetdrill_interface *interface)
{
	interface->socket = do_socket;
	interface->bind = do_bind;
	interface->listen = do_listen;
	interface->accept = do_accept;
	interface->connect = do_connect;
	interface->read = do_read;
	interface->readv = do_readv;
	interface->recv = do_recv;
	interface->recvfrom = do_recvfrom;
	interface->recvmsg = do_recvmsg;
	interface->write = do_write;
	interface->writev = do_writev;
	interface->send = do_send;
	interface->sendto = do_sendto;
	interface->sendmsg = do_sendmsg;
	interface->fcntl = do_fcntl;
	interface->ioctl = do_ioctl;
	interface->close = do_close;
	interface->shutdown = do_shutdown;
	interface->getsockopt = do_getsockopt;
	interface->setsockopt = do_setsockopt;
	interface->poll = do_poll;
	interface->epoll_create = do_epoll_create;
	interface->epoll_ctl = do_epoll_ctl;
	interface->epoll_wait = do_epoll_wait;
	interface->pipe = do_pipe;
	interface->splice = do_splice;
}
