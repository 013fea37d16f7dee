/* TUN and TAP devices in a network namespace of the test's own, with Linux's TCP at the other end.
 *
 *     tern 10.64.64.2, fd64::2  ===  device  ===  10.64.64.1, fd64::1 the kernel, in this namespace
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <tern/device.h>
#include <tern/loop.h>

#include "base/bytes.h"
#include "link/netdev.h"
#include "support/netns.h"
#include "wire/checksum.h"

enum { BYTES = 4 << 20, PIECE = 65536 };

static struct tern_addr addr_of(const char *text)
{
	struct tern_addr addr;

	assert_int_equal(tern_addr_parse(&addr, text), 0);
	return addr;
}

static struct tern_link *make(const struct tern_tun *settings)
{
	struct tern_link *link = NULL;
	const int	  error = tern_tun_create(&link, settings, tern_allocator_default());

	if (error != 0)
		fail_msg("tern_tun_create: %s", strerror(-error));
	return link;
}

static void bring_up(const struct tern_link *link)
{
	const char *const      name = tern_tun_name(link);
	const struct tern_addr v4 = addr_of("10.64.64.1"), v6 = addr_of("fd64::1");

	(void)netdev_quiet_ipv6(name);
	assert_int_equal(netdev_up(name), 0);
	assert_int_equal(netdev_add_address(name, &v4, 24), 0);
	assert_int_equal(netdev_add_address(name, &v6, 64), 0);
}

/* Waits some seconds at most for a packet that `is` knows; its copy, or the test fails. */
static size_t await(struct tern_link *link, bool (*is)(const tern_packet *packet), uint8_t *to, size_t room)
{
	struct pollfd look = { .fd = link->ops->fd(link), .events = POLLIN };
	tern_packet  *batch[64];

	for (int i = 0; i < 100 && poll(&look, 1, 20000) == 1; i++)
		for (size_t n = link->ops->receive(link, batch, 64, 0), k = 0; k < n; k++)
			if (is(batch[k])) {
				assert_int_equal(batch[k]->n_parts, 1);
				assert_in_range(batch[k]->len, 1, room);
				memcpy(to, batch[k]->part[0].at, batch[k]->len);
				return batch[k]->len;
			}
	fail_msg("no such packet came");
	return 0;
}

static void send_bytes(struct tern_link *link, const uint8_t *at, uint32_t n)
{
	tern_packet packet = {
		/* In three parts: gathering shows. */
		.part = { { .at = at, .n = 3 }, { .at = at + 3, .n = 1 }, { .at = at + 4, .n = n - 4 } },
		.n_parts = 3,
		.len = n,
	};
	tern_packet *const batch[] = { &packet };

	assert_int_equal(link->ops->send(link, batch, 1, 0), 1);
}

/* ---- packets ---- */

static void make_ping(uint8_t ping[64])
{
	memset(ping, 0, 64);
	ping[0] = 0x45, ping[3] = 64, ping[8] = 64, ping[9] = 1;
	memcpy(ping + 12, (uint8_t[]){ 10, 64, 64, 2, 10, 64, 64, 1 }, 8);
	put16(ping + 10, checksum_finish(checksum_add(0, ping, 20)));
	ping[20] = 8;
	for (unsigned i = 24; i < 64; i++)
		ping[i] = (uint8_t)i;
	put16(ping + 22, checksum_finish(checksum_add(0, ping + 20, 44)));
}

static bool is_pong(const tern_packet *packet)
{
	const uint8_t *const at = packet->part[0].at;

	return packet->len == 64 && at[0] == 0x45 && at[9] == 1 && at[20] == 0;
}

static void kernel_answers_a_ping(void **state)
{
	uint8_t ping[64], pong[64];

	(void)state;
	for (int plain = 0; plain < 2; plain++) {
		struct tern_link *const  link = make(&(struct tern_tun){ .plain = plain });
		struct tern_device_stats stats;

		bring_up(link);
		make_ping(ping);
		send_bytes(link, ping, 64);
		assert_int_equal(await(link, is_pong, pong, sizeof pong), 64);
		assert_memory_equal(pong + 24, ping + 24, 40);
		assert_true(checksum_is_right(checksum_add(0, pong + 20, 44)));
		assert_int_equal((uintptr_t)link->config.ethernet, 0);
		tern_device_stats(link, &stats);
		assert_int_equal(stats.packets_out, 1);
		assert_int_equal(stats.bytes_out, 64);
		assert_int_equal(stats.dropped_out, 0);
		assert_true(stats.packets_in >= 1);
		link->ops->close(link);
	}
}

/* A sum that the device is to complete, over the pseudo header of our making. */
static void kernel_completes_a_checksum(void **state)
{
	struct tern_link *const link = make(NULL);
	uint8_t			datagram[33] = { 0x45 };
	const struct tern_addr	us = addr_of("10.64.64.2"), kernel = addr_of("10.64.64.1");
	char			got[8];

	(void)state;
	bring_up(link);
	assert_true(link->config.checksum_offload);
	const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(4000) };
	const int		 fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof any), 0);
	datagram[3] = 33, datagram[8] = 64, datagram[9] = 17;
	memcpy(datagram + 12, us.b + 12, 4);
	memcpy(datagram + 16, kernel.b + 12, 4);
	put16(datagram + 10, checksum_finish(checksum_add(0, datagram, 20)));
	put16(datagram + 20, 1234), put16(datagram + 22, 4000), put16(datagram + 24, 13);
	memcpy(datagram + 28, "hello", 5);
	put16(datagram + 26, (uint16_t)~checksum_finish(checksum_pseudo(&us, &kernel, 17, 13)));
	tern_packet packet = {
		.part[0] = { .at = datagram, .n = 33 }, .n_parts = 1, .len = 33,
		.checksum_offload = true, .csum_start = 20, .csum_offset = 6,
	};
	tern_packet *const batch[] = { &packet };
	assert_int_equal(link->ops->send(link, batch, 1, 0), 1);
	struct pollfd look = { .fd = fd, .events = POLLIN };
	assert_int_equal(poll(&look, 1, 20000), 1);
	assert_int_equal(recv(fd, got, sizeof got, 0), 5);
	assert_memory_equal(got, "hello", 5);
	close(fd);
	link->ops->close(link);
}

static bool is_arp_reply(const tern_packet *packet)
{
	const uint8_t *const at = packet->part[0].at;

	return packet->len >= 42 && get16(at + 12) == 0x0806 && get16(at + 20) == 2;
}

static void tap_carries_frames(void **state)
{
	static const uint8_t mac[6] = { 0x02, 1, 2, 3, 4, 5 };
	uint8_t		     ask[42] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, reply[64], kernels[6];

	(void)state;
	for (int plain = 0; plain < 2; plain++) {
		struct tern_link *const link =
			make(&(struct tern_tun){ .tap = true, .plain = plain, .mac = { 0x02, 1, 2, 3, 4, 5 } });

		bring_up(link);
		assert_true(link->config.ethernet);
		assert_memory_equal(link->config.mac, mac, 6);
		memcpy(ask + 6, mac, 6);
		memcpy(ask + 12, (uint8_t[]){ 8, 6, 0, 1, 8, 0, 6, 4, 0, 1 }, 10);
		memcpy(ask + 22, mac, 6);
		memcpy(ask + 28, (uint8_t[]){ 10, 64, 64, 2, 0, 0, 0, 0, 0, 0, 10, 64, 64, 1 }, 14);
		send_bytes(link, ask, sizeof ask);
		(void)await(link, is_arp_reply, reply, sizeof reply);
		assert_int_equal(netdev_get_mac(tern_tun_name(link), kernels), 0);
		assert_memory_equal(reply, mac, 6);
		assert_memory_equal(reply + 22, kernels, 6);
		assert_memory_not_equal(kernels, mac, 6);
		link->ops->close(link);
	}
}

static bool is_datagram(const tern_packet *packet)
{
	const uint8_t *const at = packet->part[0].at;

	return at[0] == 0x45 && at[9] == 17 && get16(at + 22) == 4001;
}

/* A program sends 50,000 octets as datagrams of 1,000 by one call (UDP_SEGMENT): each arrives by itself. */
static void joined_datagrams_are_split(void **state)
{
	static uint8_t		 text[50000], got[2000];
	struct sockaddr_in	 to = { .sin_family = AF_INET, .sin_port = htons(4001) };
	const int		 size = 1000;
	struct tern_device_stats stats;

	(void)state;
	for (int uso = 0; uso < 2; uso++) {
		struct tern_link *const link = make(&(struct tern_tun){ .uso = uso, .mtu = 1500 });
		const int		fd = socket(AF_INET, SOCK_DGRAM, 0);

		bring_up(link);
		to.sin_addr.s_addr = htonl(0x0a404002);
		for (size_t i = 0; i < sizeof text; i++)
			text[i] = (uint8_t)(i / 1000 + i);
		assert_int_equal(setsockopt(fd, IPPROTO_UDP, 103 /* UDP_SEGMENT */, &size, sizeof size), 0);
		assert_int_equal(sendto(fd, text, sizeof text, 0, (const struct sockaddr *)&to, sizeof to),
				 sizeof text);
		tern_packet *batch[64];
		unsigned     seen = 0;
		for (int i = 0; i < 100 && seen < 50; i++)
			for (size_t n = link->ops->receive(link, batch, 7, 0), k = 0; k < n; k++) {
				if (!is_datagram(batch[k]))
					continue;
				memcpy(got, batch[k]->part[0].at, min_u32(batch[k]->len, sizeof got));
				assert_int_equal(batch[k]->len, 1028);
				assert_int_equal(get16(got + 2), 1028);
				assert_int_equal(get16(got + 24), 1008);
				assert_true(checksum_is_right(checksum_add(0, got, 20)));
				assert_memory_equal(got + 28, text + (size_t)seen * 1000, 1000);
				seen++;
			}
		assert_int_equal(seen, 50);
		tern_device_stats(link, &stats);
		if (!uso)
			assert_true(stats.packets_in >= 50);
		close(fd);
		link->ops->close(link);
	}
	if (stats.packets_in >= 50) /* as Linux before 6.2 */
		print_message("USO was not to be had\n");
}

/* ---- settings ---- */

static void settings_reach_the_device(void **state)
{
	struct tern_link *link = make(&(struct tern_tun){ .name = "tern%d", .mtu = 9000 });

	(void)state;
	assert_string_equal(tern_tun_name(link), "tern0");
	assert_int_equal(netdev_get_mtu("tern0"), 9000);
	assert_int_equal(link->config.mtu, 9000);
	assert_true(link->config.gso);
	struct tern_link *const second = make(&(struct tern_tun){ .name = "tern%d", .no_gso = true });
	assert_string_equal(tern_tun_name(second), "tern1");
	assert_int_equal(second->config.mtu, 1500);
	assert_false(second->config.gso);
	assert_true(second->config.checksum_offload);
	second->ops->close(second);
	assert_int_equal(netdev_index("tern1"), -ENODEV); /* gone with its last descriptor */
	link->ops->close(link);
	link = make(&(struct tern_tun){ .tap = true, .mtu = 65521, .plain = true });
	assert_string_equal(tern_tun_name(link), "tap0");
	assert_int_equal(netdev_get_mtu("tap0"), 65521);
	assert_false(link->config.gso);
	assert_false(link->config.checksum_offload);
	assert_int_equal(link->config.mac[0] & 3, 2); /* local, not a group's */
	link->ops->close(link);
}

static void *alloc_nothing(void *context, size_t size, size_t align)
{
	(void)context, (void)size, (void)align;
	return NULL;
}

static void free_nothing(void *context, void *block, size_t size)
{
	(void)context, (void)block, (void)size;
	fail_msg("nothing was allocated");
}

static void wrong_settings_are_refused(void **state)
{
	static const struct {
		struct tern_tun settings;
		int		error;
	} rows[] = {
		{ { .name = "a-name-too-long-" }, -EINVAL },
		{ { .mtu = 67 }, -EINVAL },
		{ { .mtu = 65536 }, -EINVAL },
		{ { .mtu = 65535, .tap = true }, -EINVAL },
		{ { .tap = true, .mac = { 0x01 } }, -EINVAL },
		{ { .name = "busy" }, -EBUSY },
		{ { .name = "busy", .tap = true }, -EINVAL },
		{ { .name = "lo" }, -EINVAL },
		{ { .netns = "/nonexistent" }, -ENOENT },
		{ { .netns = "/dev/null" }, -EINVAL },
	};
	struct tern_link *const busy = make(&(struct tern_tun){ .name = "busy" });
	struct tern_link       *link = NULL;

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const int error = tern_tun_create(&link, &rows[i].settings, tern_allocator_default());
		if (error != rows[i].error)
			fail_msg("row %u: %d, not %d", i, error, rows[i].error);
		assert_null(link);
	}
	assert_int_equal(tern_tun_create(&link, NULL, NULL), -EINVAL);
	const struct tern_allocator empty = { alloc_nothing, free_nothing, NULL };
	assert_int_equal(tern_tun_create(&link, &(struct tern_tun){ .name = "unborn" }, &empty), -ENOMEM);
	assert_int_equal(netdev_index("unborn"), -ENODEV); /* its descriptor is closed */
	busy->ops->close(busy);
}

static void descriptor_is_adopted_as_it_is(void **state)
{
	char		  name[TERN_DEVICE_NAME];
	uint8_t		  ping[64], pong[64];
	struct tern_link *link = NULL;
	int		  ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(tern_tun_adopt(&link, ends[0], NULL, tern_allocator_default()), -EINVAL);
	assert_true(fcntl(ends[0], F_GETFD) >= 0); /* still ours */
	close(ends[0]), close(ends[1]);
	/* Opened with a header, used without offloads: the header is still there. */
	const int fd = tern_tun_open(&(struct tern_tun){ .name = "given", .mtu = 4000 }, name);
	assert_true(fd >= 0);
	assert_string_equal(name, "given");
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(tern_tun_adopt(&link, fd, &(struct tern_tun){ .plain = true }, tern_allocator_default()), 0);
	assert_int_equal(link->config.mtu, 4000);
	assert_false(link->config.checksum_offload);
	bring_up(link);
	make_ping(ping);
	send_bytes(link, ping, 64);
	assert_int_equal(await(link, is_pong, pong, sizeof pong), 64);
	link->ops->close(link);
}

static void device_in_another_namespace(void **state)
{
	int  ready[2], done[2];
	char netns[32], byte;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(done), 0);
	const pid_t child = fork();
	if (child == 0) {
		byte = unshare(CLONE_NEWNET) == 0;
		(void)!write(ready[1], &byte, 1);
		close(done[1]);
		(void)!read(done[0], &byte, 1);
		_exit(byte == 'x' && netdev_get_mtu("there") == 5000 ? 0 : 1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 1);
	(void)snprintf(netns, sizeof netns, "/proc/%d/ns/net", child);
	struct tern_link *const link = make(&(struct tern_tun){ .name = "there", .netns = netns, .mtu = 5000 });
	assert_string_equal(tern_tun_name(link), "there");
	assert_int_equal(link->config.mtu, 5000);
	assert_int_equal(netdev_index("there"), -ENODEV); /* not here */
	assert_int_equal(write(done[1], "x", 1), 1);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(ready[0]), close(ready[1]), close(done[0]), close(done[1]);
	link->ops->close(link);
}

/* ---- trouble ---- */

static void device_that_is_down_loses_packets(void **state)
{
	struct tern_link *const  link = make(NULL);
	struct tern_device_stats stats;
	uint8_t			 ping[64], pong[64];

	(void)state;
	make_ping(ping);
	send_bytes(link, ping, 64);
	tern_device_stats(link, &stats);
	assert_int_equal(stats.dropped_out, 1);
	assert_int_equal(tern_device_error(link), 0);
	bring_up(link); /* and is as good as new afterwards */
	send_bytes(link, ping, 64);
	assert_int_equal(await(link, is_pong, pong, sizeof pong), 64);
	link->ops->close(link);
}

static void delete_device(const char *name)
{
	struct {
		struct nlmsghdr	 head;
		struct ifinfomsg info;
	} message = {
		.head = {
			.nlmsg_len = sizeof message,
			.nlmsg_type = RTM_DELLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		},
		.info.ifi_index = netdev_index(name),
	};
	char	  answer[256];
	const int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	assert_int_equal(send(fd, &message, sizeof message, 0), sizeof message);
	assert_true(recv(fd, answer, sizeof answer, 0) > 0);
	close(fd);
	assert_int_equal(netdev_index(name), -ENODEV);
}

static void device_that_is_deleted_ends_the_link(void **state)
{
	struct tern_link *const link = make(&(struct tern_tun){ .name = "doomed" });
	tern_packet	       *batch[64];
	uint8_t			ping[64];

	(void)state;
	bring_up(link);
	delete_device("doomed");
	for (int i = 0; i < 20 && link->ops->receive(link, batch, 64, 0) > 0; i++)
		;
	assert_int_equal(tern_device_error(link), -EBADFD);
	assert_int_equal(link->ops->fd(link), -1); /* nobody polls what is always in error */
	make_ping(ping);
	send_bytes(link, ping, 64); /* lost, and no harm done */
	link->ops->close(link);
}

/* ---- Linux's TCP ---- */

static uint8_t octet(size_t at)
{
	return (uint8_t)(at * 31 + at / 65521);
}

struct peer {
	int  listener;
	bool good;
};

/* The kernel's side: reads BYTES, checks them, sends the same back. */
static void *peer_run(void *context)
{
	static uint8_t	   piece[PIECE];
	struct peer *const peer = context;
	const int	   fd = accept(peer->listener, NULL, NULL);
	size_t		   at = 0;
	ssize_t		   n;

	peer->good = fd >= 0;
	while (peer->good && (n = read(fd, piece, sizeof piece)) != 0) {
		peer->good = n > 0;
		for (ssize_t i = 0; i < n; i++)
			peer->good = peer->good && piece[i] == octet(at + (size_t)i);
		at += n > 0 ? (size_t)n : 0;
	}
	peer->good = peer->good && at == BYTES;
	for (at = 0; peer->good && at < BYTES; at += PIECE) {
		for (size_t i = 0; i < PIECE; i++)
			piece[i] = octet(at + i);
		peer->good = send(fd, piece, PIECE, MSG_NOSIGNAL) == PIECE;
	}
	close(fd);
	return NULL;
}

static int listener_at(const struct tern_addr *addr, uint16_t port)
{
	struct sockaddr_in6 own = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	const int	    fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), no = 0, yes = 1;

	memcpy(&own.sin6_addr, addr->b, 16);
	assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&own, sizeof own), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void talk(tern_loop *loop, tern_host *host, const struct tern_addr *to)
{
	static uint8_t	       piece[PIECE];
	const tern_time	       limit = 20 * TERN_SECOND;
	const struct tern_open open = { .remote = { .addr = *to, .port = 7000 } };
	tern_socket	       socket;
	ptrdiff_t	       n;

	assert_int_equal(tern_connect_wait(loop, host, &open, &socket, limit), 0);
	for (size_t at = 0; at < BYTES; at += PIECE) {
		for (size_t i = 0; i < PIECE; i++)
			piece[i] = octet(at + i);
		assert_int_equal(tern_send_wait(loop, host, socket, piece, PIECE, limit), PIECE);
	}
	assert_int_equal(tern_shutdown(host, socket), 0);
	size_t at = 0;
	while ((n = tern_receive_wait(loop, host, socket, piece, PIECE, limit)) > 0) {
		for (ptrdiff_t i = 0; i < n; i++)
			if (piece[i] != octet(at + (size_t)i))
				fail_msg("octet %zu is wrong", at + (size_t)i);
		at += (size_t)n;
	}
	assert_int_equal(n, 0);
	assert_int_equal(at, BYTES);
	assert_int_equal(tern_close(host, socket), 0);
}

static void check_stats(const struct tern_link *link, const tern_host *host, bool gso)
{
	struct tern_device_stats device;
	struct tern_stats	 stats;

	tern_device_stats(link, &device);
	tern_host_stats(host, &stats);
	assert_int_equal(device.dropped_in, 0);
	assert_int_equal(device.dropped_out, 0);
	assert_int_equal(stats.InCsumErrors, 0);
	assert_true(device.bytes_in > BYTES && device.bytes_out > BYTES);
	if (gso) { /* segments crossed whole: far fewer packets than an MTU of 1500 makes */
		assert_true(device.packets_in < BYTES / 3000);
		assert_true(device.packets_out < BYTES / 3000);
	} else {
		assert_true(device.packets_in > BYTES / 1500);
		assert_true(device.packets_out > BYTES / 1500);
	}
}

static void run_tcp(const struct tern_tun *settings, bool v6)
{
	struct tern_link *const link = make(settings);
	const struct tern_addr	to = addr_of(v6 ? "fd64::1" : "10.64.64.1");
	struct peer		peer = { .good = false };
	tern_loop	       *loop;
	tern_host	       *host;
	pthread_t		thread;

	bring_up(link);
	peer.listener = listener_at(&to, 7000);
	assert_int_equal(pthread_create(&thread, NULL, peer_run, &peer), 0);
	assert_int_equal(tern_loop_create(&loop, TERN_CLOCK_REAL), 0);
	assert_int_equal(tern_loop_host(loop, link, v6 ? "fd64::2/64" : "10.64.64.2/24", &host), 0);
	talk(loop, host, &to);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(peer.good);
	check_stats(link, host, link->config.gso);
	close(peer.listener);
	tern_loop_destroy(loop);
	tern_host_destroy(host);
}

static void tcp_with_segmentation_offload(void **state)
{
	(void)state;
	run_tcp(&(struct tern_tun){ .name = NULL }, false);
	run_tcp(&(struct tern_tun){ .name = NULL }, true);
}

static void tcp_with_checksum_offload_alone(void **state)
{
	(void)state;
	run_tcp(&(struct tern_tun){ .no_gso = true }, false);
	run_tcp(&(struct tern_tun){ .no_gso = true }, true);
}

static void tcp_without_offloads(void **state)
{
	(void)state;
	run_tcp(&(struct tern_tun){ .plain = true }, false);
	run_tcp(&(struct tern_tun){ .plain = true }, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_answers_a_ping),
		cmocka_unit_test(kernel_completes_a_checksum),
		cmocka_unit_test(tap_carries_frames),
		cmocka_unit_test(joined_datagrams_are_split),
		cmocka_unit_test(settings_reach_the_device),
		cmocka_unit_test(wrong_settings_are_refused),
		cmocka_unit_test(descriptor_is_adopted_as_it_is),
		cmocka_unit_test(device_in_another_namespace),
		cmocka_unit_test(device_that_is_down_loses_packets),
		cmocka_unit_test(device_that_is_deleted_ends_the_link),
		cmocka_unit_test(tcp_with_segmentation_offload),
		cmocka_unit_test(tcp_with_checksum_offload_alone),
		cmocka_unit_test(tcp_without_offloads),
	};
	const char *why;

	if (!netns_enter_with_tun(&why)) {
		(void)fprintf(stderr, "skipped: %s\n", why);
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
