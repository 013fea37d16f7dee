/* The server that connections and requests of the gateway's workload go to: a process of its own on the host's
 * loopback, so that its time is nobody else's. It reads one octet of each connection and answers as that says;
 * the end of a short connection is its own, as a web server's is, so TIME-WAIT is on its side. */
#include "gateway_relay.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway_order.h"

enum { EVENTS = 64, BACKLOG = 512 };

static void serve_one(int fd)
{
	static const char answer[ANSWER_LONG];
	char		  asked;
	const ssize_t	  n = read(fd, &asked, 1);
	const size_t	  length = n == 1 && asked == ASK_AND_STAY ? 1 : n == 1 ? ANSWER_LONG : 0;

	/* An answer of 64 octets fits any socket buffer: a short write is a broken connection. */
	if (length == 0 || write(fd, answer, length) != (ssize_t)length || asked != ASK_AND_STAY)
		close(fd);
}

static void take_new(int epoll, int listener)
{
	const int one = 1;
	int	  fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
			close(fd);
	}
}

static _Noreturn void serve(int listener)
{
	const int	   epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[EVENTS] = { { .events = EPOLLIN, .data.fd = listener } };
	int		   n = epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &events[0]);

	signal(SIGPIPE, SIG_IGN);
	while (n >= 0) {
		n = epoll_wait(epoll, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				take_new(epoll, listener);
			else
				serve_one(events[i].data.fd);
		}
	}
	_exit(1);
}

pid_t answer_start(uint16_t *port)
{
	const int   listener = relay_listen(port, BACKLOG);
	const pid_t pid = listener >= 0 ? fork() : -1;

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(listener);
	}
	if (listener >= 0)
		close(listener);
	return pid;
}
