/* A VM's network card over a UNIX socket: QEMU's -netdev stream and -netdev dgram.
 *
 * The link's descriptor is an epoll(7) instance, so that it stays the same while VMs come and go, and can say
 * "writable" of another descriptor than the one that is read: in it are the listener while no VM is there, the
 * VM's connection, the datagram sockets. Room to send is watched for only while something waits for it.
 *
 * Stream. What is read lies in the arena; whole frames are handed out where they lie, and the beginning of the
 * next moves to the front at the next receive(). What sendmsg() leaves of a frame is kept in `rest` and goes
 * first: a frame once begun is always ended, so that lengths stay where the other side looks for them.
 *
 * Datagram. We hear on one socket and speak on another that is connected to QEMU's: only a connected one says
 * when the other's queue (ten datagrams on Linux) has room again, and one that hears and is connected would be
 * deaf to the next VM. The peer that dies is connected to anew when there is something to say. A peer that connected
 * its socket to ours hears that one alone, and is spoken to from there.
 */
#include "link/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "link/unix_socket.h"

enum {
	MTU_LEAST = 68,
	MTU_MOST = 65535 - DEVICE_ETHERNET,
	MTU_DEFAULT = 1500,

	LENGTH = 4, /* bytes before each frame of a stream */
	SLOT = DEVICE_FRAME + 64,
	ARENA = 4 * SLOT,
};

struct qemu {
	struct device	   device; /* first: what the outside holds */
	bool		   dgram, learns; /* learns: the peer is whoever was heard last */
	bool		   waits;	 /* for room to send */
	int		   poll;	 /* the epoll instance */
	int		   listener;	 /* stream: -1 where we connected or were given the connection */
	int		   hears, speaks; /* the connection (both the same), or the datagram sockets; -1: none */
	struct sockaddr_un own, peer;	 /* sun_path[0] 0: none */
	socklen_t	   peer_len;
	uint32_t	   have_at, have; /* stream: bytes of the arena not handed out yet */
	uint32_t	   rest_at, rest_n;
	uint8_t		   rest[LENGTH + DEVICE_FRAME];
	_Alignas(64) uint8_t arena[ARENA];
};

static struct qemu *qemu_of(struct tern_link *link)
{
	return (struct qemu *)link;
}

/* ---- descriptors ---- */

static int listen_to(struct qemu *qemu, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	if (epoll_ctl(qemu->poll, EPOLL_CTL_ADD, fd, &event) == 0)
		return 0;
	return errno == EEXIST && epoll_ctl(qemu->poll, EPOLL_CTL_MOD, fd, &event) == 0 ? 0 : -errno;
}

static void wait_for_room(struct qemu *qemu, bool waits)
{
	if (qemu->waits == waits || qemu->speaks < 0)
		return;
	qemu->waits = waits;
	if (qemu->speaks == qemu->hears)
		(void)listen_to(qemu, qemu->speaks, EPOLLIN | (waits ? EPOLLOUT : 0u));
	else if (waits)
		(void)listen_to(qemu, qemu->speaks, EPOLLOUT);
	else
		(void)epoll_ctl(qemu->poll, EPOLL_CTL_DEL, qemu->speaks, NULL);
}

static void hang_up(struct qemu *qemu)
{
	if (qemu->speaks >= 0 && qemu->speaks != qemu->hears)
		close(qemu->speaks);
	if (qemu->hears >= 0)
		close(qemu->hears);
	qemu->hears = qemu->speaks = -1;
	qemu->waits = false;
	qemu->have = qemu->have_at = qemu->rest_n = 0;
	if (qemu->listener < 0)
		qemu->device.error = -ENOTCONN;
	else
		(void)listen_to(qemu, qemu->listener, EPOLLIN);
}

/* The next VM, where one waits. */
static void answer(struct qemu *qemu)
{
	const int fd = accept4(qemu->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (listen_to(qemu, fd, EPOLLIN) != 0) {
		close(fd);
		return;
	}
	/* Others wait in the listener's queue, unseen, until this one goes. */
	(void)epoll_ctl(qemu->poll, EPOLL_CTL_DEL, qemu->listener, NULL);
	qemu->hears = qemu->speaks = fd;
}

/* ---- stream ---- */

/* False: what was begun is not ended yet, or the VM has gone. */
static bool send_rest(struct qemu *qemu)
{
	while (qemu->rest_n > 0) {
		const ssize_t n = send(qemu->speaks, qemu->rest + qemu->rest_at, qemu->rest_n,
				       MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			wait_for_room(qemu, true);
			return false;
		}
		if (n < 0) {
			hang_up(qemu);
			return false;
		}
		qemu->rest_at += (uint32_t)n;
		qemu->rest_n -= (uint32_t)n;
	}
	return true;
}

static void keep_rest(struct qemu *qemu, const struct iovec *parts, int n, size_t sent)
{
	qemu->rest_at = qemu->rest_n = 0;
	for (int i = 0; i < n; i++) {
		const size_t skip = min_size(sent, parts[i].iov_len), left = parts[i].iov_len - skip;

		memcpy(qemu->rest + qemu->rest_n, (const uint8_t *)parts[i].iov_base + skip, left);
		qemu->rest_n += (uint32_t)left;
		sent -= skip;
	}
}

/* ---- both: one frame out ---- */

/* Bytes sent; -EAGAIN: no room; another error: lost. */
static ssize_t send_parts(int fd, struct iovec *parts, int n)
{
	const struct msghdr message = { .msg_iov = parts, .msg_iovlen = (size_t)n };
	ssize_t		    sent;

	do
		sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

/* 0 or -E.... */
static int speak_to_peer(struct qemu *qemu)
{
	if (qemu->peer_len == 0)
		return -ENOTCONN;
	if (qemu->speaks < 0)
		qemu->speaks = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (qemu->speaks >= 0 && connect(qemu->speaks, (struct sockaddr *)&qemu->peer, qemu->peer_len) == 0)
		return 0;
	return -errno;
}

/* To a peer that has connected its socket to the one we hear on: the system lets it hear nobody else. Nothing says
 * when its queue has room again, so what finds none is lost. */
static ssize_t send_from_hearing(struct qemu *qemu, struct iovec *parts, int n)
{
	const struct msghdr message = {
		.msg_name = &qemu->peer, .msg_namelen = qemu->peer_len, .msg_iov = parts, .msg_iovlen = (size_t)n,
	};
	const ssize_t sent = sendmsg(qemu->hears, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent >= 0)
		return sent;
	return errno == EAGAIN || errno == ENOBUFS ? -EIO : -errno;
}

static ssize_t send_datagram(struct qemu *qemu, struct iovec *parts, int n)
{
	ssize_t sent = qemu->speaks < 0 ? -ENOTCONN : send_parts(qemu->speaks, parts, n);

	if (sent != -ECONNREFUSED && sent != -ENOTCONN && sent != -ECONNRESET)
		return sent;
	const int error = speak_to_peer(qemu);
	if (error == -EPERM)
		return send_from_hearing(qemu, parts, n);
	return error ? error : send_parts(qemu->speaks, parts, n);
}

/* False: no room now. */
static bool send_frame(struct qemu *qemu, const tern_packet *packet)
{
	uint8_t	     length[LENGTH];
	struct iovec parts[1 + TERN_PACKET_PARTS] = { { .iov_base = length, .iov_len = LENGTH } };
	const int    n = 1 + device_gather(parts + 1, packet);
	const size_t whole = LENGTH + packet->len;
	ssize_t	     sent = -EMSGSIZE;

	if (packet->len <= DEVICE_FRAME && qemu->dgram) {
		sent = send_datagram(qemu, parts + 1, n - 1);
	} else if (packet->len <= DEVICE_FRAME) {
		put32(length, packet->len);
		sent = send_parts(qemu->speaks, parts, n);
	}
	if (sent == -EAGAIN || sent == -ENOBUFS) {
		wait_for_room(qemu, true);
		return false;
	}
	if (sent < 0) {
		qemu->device.stats.dropped_out++;
		if (!qemu->dgram && sent != -EMSGSIZE)
			hang_up(qemu);
		return true;
	}
	if (!qemu->dgram && (size_t)sent < whole) {
		keep_rest(qemu, parts, n, (size_t)sent);
		wait_for_room(qemu, true);
	}
	qemu->device.stats.packets_out++;
	qemu->device.stats.bytes_out += packet->len;
	return true;
}

static size_t qemu_send(struct tern_link *link, tern_packet *const batch[], size_t n, tern_time now)
{
	struct qemu *const qemu = qemu_of(link);
	size_t		   taken = 0;

	(void)now;
	for (; taken < n; taken++) {
		if (!qemu->dgram && qemu->speaks >= 0 && !send_rest(qemu) && qemu->speaks >= 0)
			return taken;
		if (!qemu->dgram && qemu->speaks < 0)
			qemu->device.stats.dropped_out++;
		else if (!send_frame(qemu, batch[taken]))
			return taken;
		tern_packet_done(batch[taken]);
	}
	if (qemu->rest_n == 0)
		wait_for_room(qemu, false);
	return taken;
}

/* ---- in ---- */

/* Frames that lie whole in the arena. */
static size_t hand_out(struct qemu *qemu, tern_packet *batch[], size_t room)
{
	size_t n = 0;

	while (n < room && qemu->have >= LENGTH) {
		const uint8_t *const at = qemu->arena + qemu->have_at;
		const uint32_t	     length = get32(at);

		if (length == 0 || length > DEVICE_FRAME) {
			qemu->device.stats.dropped_in++;
			hang_up(qemu); /* whatever follows, we have lost the thread */
			break;
		}
		if (qemu->have < LENGTH + length)
			break;
		qemu->have_at += LENGTH + length;
		qemu->have -= LENGTH + length;
		if (length >= DEVICE_ETHERNET) {
			device_count_in(&qemu->device, length);
			batch[n] = device_packet(&qemu->device, n, at + LENGTH, length);
			n++;
		} else {
			qemu->device.stats.dropped_in++;
		}
	}
	return n;
}

static size_t receive_stream(struct qemu *qemu, tern_packet *batch[], size_t room)
{
	if (qemu->hears < 0 && qemu->listener >= 0)
		answer(qemu);
	if (qemu->hears < 0)
		return 0;
	if (qemu->waits && send_rest(qemu))
		wait_for_room(qemu, false);
	size_t n = hand_out(qemu, batch, room);
	if (n > 0 || qemu->hears < 0)
		return n;
	memmove(qemu->arena, qemu->arena + qemu->have_at, qemu->have);
	qemu->have_at = 0;
	const ssize_t got = recv(qemu->hears, qemu->arena + qemu->have, ARENA - qemu->have, MSG_DONTWAIT);
	if (got > 0) {
		qemu->have += (uint32_t)got;
		return hand_out(qemu, batch, room);
	}
	if (got == 0 || (errno != EAGAIN && errno != EINTR))
		hang_up(qemu);
	return 0;
}

/* Who spoke last is who we speak to, where no peer was named. */
static void remember(struct qemu *qemu, const struct sockaddr_un *from, socklen_t len)
{
	if (len <= offsetof(struct sockaddr_un, sun_path) ||
	    (len == qemu->peer_len && memcmp(from, &qemu->peer, len) == 0))
		return;
	wait_for_room(qemu, false);
	if (qemu->speaks >= 0)
		close(qemu->speaks);
	qemu->speaks = -1;
	memcpy(&qemu->peer, from, len);
	qemu->peer_len = len;
}

static size_t receive_datagrams(struct qemu *qemu, tern_packet *batch[], size_t room)
{
	size_t n = 0, used = 0;

	while (n < room && used + SLOT <= ARENA) {
		struct sockaddr_un from;
		socklen_t	   len = sizeof from;
		uint8_t *const	   at = qemu->arena + used + 2; /* the IP header is aligned */
		const ssize_t	   got = recvfrom(qemu->hears, at, SLOT - 2, MSG_DONTWAIT,
						  (struct sockaddr *)&from, &len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		if (got < DEVICE_ETHERNET || got > DEVICE_FRAME) {
			qemu->device.stats.dropped_in++;
			continue;
		}
		if (qemu->learns)
			remember(qemu, &from, len);
		device_count_in(&qemu->device, (size_t)got);
		batch[n] = device_packet(&qemu->device, n, at, (size_t)got);
		n++;
		used += ((size_t)got + 2 + 63) / 64 * 64;
	}
	return n;
}

static size_t qemu_receive(struct tern_link *link, tern_packet *batch[], size_t room, tern_time now)
{
	struct qemu *const qemu = qemu_of(link);

	(void)now;
	if (qemu->device.error != 0)
		return 0;
	room = min_size(room, DEVICE_BATCH);
	return qemu->dgram ? receive_datagrams(qemu, batch, room) : receive_stream(qemu, batch, room);
}

static tern_time qemu_deadline(const struct tern_link *link)
{
	(void)link;
	return TERN_NEVER; /* the descriptor says it all */
}

static int qemu_fd(const struct tern_link *link)
{
	const struct qemu *const qemu = (const struct qemu *)link;

	return qemu->device.error == 0 ? qemu->poll : -1;
}

static void qemu_close(struct tern_link *link)
{
	struct qemu *const qemu = qemu_of(link);

	if (qemu->speaks >= 0 && qemu->speaks != qemu->hears)
		close(qemu->speaks);
	if (qemu->hears >= 0)
		close(qemu->hears);
	if (qemu->listener >= 0)
		close(qemu->listener);
	close(qemu->poll);
	if (qemu->own.sun_path[0] != '\0')
		(void)unlink(qemu->own.sun_path);
	device_free(qemu, sizeof *qemu);
}

const struct tern_link_ops qemu_ops = {
	.name = "qemu",
	.send = qemu_send,
	.receive = qemu_receive,
	.deadline = qemu_deadline,
	.fd = qemu_fd,
	.close = qemu_close,
};

/* ---- making ---- */

static int open_stream(struct qemu *qemu)
{
	if (qemu->own.sun_path[0] == '\0') {
		const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		qemu->hears = qemu->speaks = fd;
		if (fd < 0 || connect(fd, (struct sockaddr *)&qemu->peer, sizeof qemu->peer) != 0 ||
		    fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
			return -errno;
		return listen_to(qemu, fd, EPOLLIN);
	}
	const int fd = unix_bind(&qemu->own, SOCK_STREAM);
	if (fd < 0) {
		qemu->own.sun_path[0] = '\0'; /* not ours to remove */
		return fd;
	}
	qemu->listener = fd;
	return listen(fd, 4) == 0 ? listen_to(qemu, fd, EPOLLIN) : -errno;
}

static int open_datagram(struct qemu *qemu)
{
	if (qemu->own.sun_path[0] == '\0')
		return -EINVAL;
	const int fd = unix_bind(&qemu->own, SOCK_DGRAM);
	if (fd < 0) {
		qemu->own.sun_path[0] = '\0';
		return fd;
	}
	qemu->hears = fd;
	return listen_to(qemu, fd, EPOLLIN);
}

/* The struct, with what needs no socket; NULL and *error. */
static struct qemu *make(const struct tern_qemu *settings, const struct tern_allocator *allocator, int *error)
{
	*error = -EINVAL;
	if (settings == NULL || allocator == NULL || allocator->alloc == NULL || allocator->free == NULL)
		return NULL;
	const uint32_t mtu = settings->mtu != 0 ? settings->mtu : MTU_DEFAULT;
	if (mtu < MTU_LEAST || mtu > MTU_MOST)
		return NULL;
	struct qemu *const qemu = device_new(allocator, sizeof *qemu, offsetof(struct qemu, rest));
	*error = -ENOMEM;
	if (qemu == NULL)
		return NULL;
	qemu->device.link.ops = &qemu_ops;
	qemu->device.link.config.mtu = mtu;
	qemu->dgram = settings->dgram;
	qemu->learns = settings->dgram && settings->path != NULL && settings->peer == NULL;
	qemu->listener = qemu->hears = qemu->speaks = -1;
	qemu->device.link.config.ethernet = true;
	qemu->poll = epoll_create1(EPOLL_CLOEXEC);
	*error = qemu->poll < 0 ? -errno : device_mac(qemu->device.link.config.mac, settings->mac);
	if (*error == 0)
		return qemu;
	if (qemu->poll >= 0)
		close(qemu->poll);
	device_free(qemu, sizeof *qemu);
	return NULL;
}

int tern_qemu_create(struct tern_link **link, const struct tern_qemu *settings,
		     const struct tern_allocator *allocator)
{
	int error = -EINVAL;

	if (link == NULL || settings == NULL || (settings->path == NULL && settings->peer == NULL))
		return error;
	struct qemu *const qemu = make(settings, allocator, &error);
	if (qemu == NULL)
		return error;
	if (settings->peer != NULL) {
		error = unix_address(&qemu->peer, settings->peer);
		qemu->peer_len = sizeof qemu->peer;
	}
	if (error == 0 && settings->path != NULL)
		error = unix_address(&qemu->own, settings->path);
	if (error == 0)
		error = qemu->dgram ? open_datagram(qemu) : open_stream(qemu);
	if (error != 0) {
		qemu_close(&qemu->device.link);
		return error;
	}
	*link = &qemu->device.link;
	return 0;
}

int tern_qemu_adopt(struct tern_link **link, int fd, const struct tern_qemu *settings,
		    const struct tern_allocator *allocator)
{
	int error = -EINVAL;

	if (link == NULL || fd < 0)
		return error;
	struct qemu *const qemu = make(settings, allocator, &error);
	if (qemu == NULL)
		return error;
	if (listen_to(qemu, fd, EPOLLIN) != 0) {
		error = -errno;
		qemu_close(&qemu->device.link);
		return error;
	}
	qemu->hears = qemu->speaks = fd;
	*link = &qemu->device.link;
	return 0;
}
