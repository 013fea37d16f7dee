/* Linux at the far end of a TUN or TAP device: a child in namespaces of its own, so that no device, address or route
 * of the machine is touched and nothing stays behind. */
#include "device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "link/netdev.h"
#include <tern/device.h>

enum { BLOCK = 1 << 17, WAIT = 10000 /* ms */, QUEUE = 2000 };

/* What the child has to say: the descriptor goes with DONE. */
enum { DONE, NO_NAMESPACE, NO_DEVICE, NO_ADDRESS, NO_LISTENER };

static const char *const sentences[] = {
	[NO_NAMESPACE] = "no user and network namespace of its own",
	[NO_DEVICE] = "no TUN or TAP device",
	[NO_ADDRESS] = "the device takes no address",
	[NO_LISTENER] = "nothing can listen there",
};

static void say(int talk, char what, int fd)
{
	char		   room[CMSG_SPACE(sizeof fd)] = { 0 };
	struct iovec	   part = { .iov_base = &what, .iov_len = 1 };
	struct msghdr	   message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		message.msg_control = room;
		message.msg_controllen = sizeof room;
		struct cmsghdr *const control = CMSG_FIRSTHDR(&message);
		*control = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
					     .cmsg_type = SCM_RIGHTS,
					     .cmsg_len = CMSG_LEN(sizeof fd) };
		memcpy(CMSG_DATA(control), &fd, sizeof fd);
	}
	(void)sendmsg(talk, &message, MSG_NOSIGNAL);
}

/* False: it died, or said what is wrong. */
static bool hear(int talk, int *fd, const char **why)
{
	char	      room[CMSG_SPACE(sizeof *fd)] = { 0 }, what = NO_NAMESPACE;
	struct iovec  part = { .iov_base = &what, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = room,
				  .msg_controllen = sizeof room };
	struct pollfd wait = { .fd = talk, .events = POLLIN };

	*why = "its end did not start";
	if (poll(&wait, 1, WAIT) != 1 || recvmsg(talk, &message, MSG_CMSG_CLOEXEC) != 1)
		return false;
	const struct cmsghdr *const control = CMSG_FIRSTHDR(&message);
	if (what != DONE || !control) {
		*why = sentences[(unsigned char)what % (sizeof sentences / sizeof sentences[0])];
		return false;
	}
	memcpy(fd, CMSG_DATA(control), sizeof *fd);
	return true;
}

/* ---- the child ---- */

static int listen_on(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	const int	   fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* What a machine may have by default instead paces, by a timer a segment: that is not what is measured. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
	return fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 8) == 0 ? fd : -1;
}

static int make_device(const struct device_settings *settings, char name[TERN_DEVICE_NAME])
{
	const struct tern_tun tun = { .tap = settings->tap, .mtu = settings->mtu, .plain = settings->plain };

	return tern_tun_open(&tun, name);
}

static bool set_address(const char *name)
{
	struct tern_addr ours;

	(void)netdev_quiet_ipv6(name);
	(void)netdev_set_queue(name, QUEUE);
	return tern_addr_parse(&ours, DEVICE_PEERS) == 0 && netdev_up("lo") == 0 && netdev_up(name) == 0 &&
	       netdev_add_address(name, &ours, 24) == 0;
}

/* One connection, to its end. */
static void serve(int listener, bool source)
{
	static char block[BLOCK];
	const int   fd = accept(listener, NULL, NULL);
	ssize_t	    n = fd >= 0;

	while (n > 0)
		n = source ? send(fd, block, sizeof block, MSG_NOSIGNAL) : read(fd, block, sizeof block);
	if (fd >= 0)
		close(fd);
}

static _Noreturn void child(int talk, const struct device_settings *settings)
{
	char name[TERN_DEVICE_NAME];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
		say(talk, NO_NAMESPACE, -1);
		_exit(1);
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* new credentials may have taken it back */
	const int device = make_device(settings, name);
	if (device < 0 || !set_address(name)) {
		say(talk, device < 0 ? NO_DEVICE : NO_ADDRESS, -1);
		_exit(1);
	}
	struct pollfd listeners[2] = { { .fd = listen_on(DEVICE_SINK), .events = POLLIN },
				       { .fd = listen_on(DEVICE_SOURCE), .events = POLLIN } };
	if (listeners[0].fd < 0 || listeners[1].fd < 0) {
		say(talk, NO_LISTENER, -1);
		_exit(1);
	}
	say(talk, DONE, device);
	close(device);
	while (poll(listeners, 2, -1) > 0)
		for (int i = 0; i < 2; i++)
			if (listeners[i].revents)
				serve(listeners[i].fd, i == 1);
	_exit(0);
}

/* ---- the parent ---- */

bool device_peer_start(struct device_peer *peer, const struct device_settings *settings, const char **why)
{
	int talk[2];

	*peer = (struct device_peer){ .device = -1 };
	*why = "no process for its end";
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, talk) != 0)
		return false;
	peer->pid = fork();
	if (peer->pid == 0)
		child(talk[1], settings);
	close(talk[1]);
	const bool ready = peer->pid > 0 && hear(talk[0], &peer->device, why);
	close(talk[0]);
	if (!ready)
		device_peer_stop(peer);
	return ready;
}

void device_peer_stop(struct device_peer *peer)
{
	if (peer->device >= 0)
		close(peer->device);
	if (peer->pid > 0) {
		(void)kill(peer->pid, SIGKILL);
		(void)waitpid(peer->pid, NULL, 0);
	}
	*peer = (struct device_peer){ .device = -1 };
}
