/* A host behind a TAP device, or on one end of a veth pair, in a network namespace of the test's own, with Linux at
 * the other end of the wire: each finds the other by ARP and neighbour discovery, whoever begins.
 *
 *     tern 10.65.65.2, fd65::2  ===  TAP, or v1 veth v0  ===  10.65.65.1, fd65::1 the kernel
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <tern/device.h>
#include <tern/loop.h>
#include <tern/tern.h>

#include "link/netdev.h"
#include "support/netns.h"
#include "support/veth.h"

enum { PIECES = 64, BYTES = 1 << 20 };

struct world {
	struct tern_link *link;
	tern_host	 *host;
	tern_time	  end;
	bool		  veth;
	uint32_t	  longest; /* packet that came, bytes */
};

static tern_time now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (tern_time)t.tv_sec * TERN_SECOND + t.tv_nsec;
}

static struct tern_addr addr_of(const char *text)
{
	struct tern_addr addr;

	assert_int_equal(tern_addr_parse(&addr, text), 0);
	return addr;
}

static bool has_veth;

/* The device at the kernel's end. */
static const char *open_link(struct world *w, bool veth, bool plain)
{
	const struct tern_tun	   tap = { .tap = true, .plain = plain, .mtu = 1500 };
	const struct tern_afpacket packet = { .name = "v1", .plain = plain, .up = true };

	if (!veth) {
		assert_int_equal(tern_tun_create(&w->link, &tap, tern_allocator_default()), 0);
		return tern_tun_name(w->link);
	}
	assert_true(veth_make("v0", "v1"));
	assert_int_equal(tern_afpacket_create(&w->link, &packet, tern_allocator_default()), 0);
	return "v0";
}

static void begin(struct world *w, bool veth, bool plain, bool proxy)
{
	static const char *const kernel[] = { "10.65.65.1", "fd65::1" }, *const own[] = { "10.65.65.2", "fd65::2" };
	struct tern_config	 config;
	uint8_t			 number;

	*w = (struct world){ .veth = veth };
	const char *const name = open_link(w, veth, plain);
	if (veth)
		assert_int_equal(netdev_set_ipv6(name, true), 0);
	(void)netdev_quiet_ipv6(name);
	assert_int_equal(netdev_up(name), 0);
	tern_config_default(&config);
	config.allocator = *tern_allocator_default();
	assert_int_equal(tern_host_create(&w->host, &config, now()), 0);
	w->link->config.proxy_any = proxy;
	assert_int_equal(tern_host_add_link(w->host, &w->link->config, &number), 0);
	for (int i = 0; i < 2; i++) {
		const struct tern_addr theirs = addr_of(kernel[i]), ours = addr_of(own[i]);

		assert_int_equal(netdev_add_address(name, &theirs, i ? 64 : 24), 0);
		assert_int_equal(tern_host_add_address(w->host, number, &ours, i ? 64 : 24), 0);
	}
	assert_int_equal(tern_host_add_link_local(w->host, number), 0);
	w->end = now() + 60 * TERN_SECOND;
}

static void end(struct world *w)
{
	tern_host_check(w->host);
	tern_host_destroy(w->host);
	w->link->ops->close(w->link);
	if (w->veth)
		veth_delete("v0");
}

/* What is there goes in, what is to be said goes out; waits a moment where there was nothing. */
static void step(struct world *w)
{
	struct pollfd look = { .fd = w->link->ops->fd(w->link), .events = POLLIN };
	tern_packet  *batch[PIECES];

	assert_true(now() < w->end);
	(void)poll(&look, 1, 1);
	const size_t came = w->link->ops->receive(w->link, batch, PIECES, now());
	for (size_t i = 0; i < came; i++)
		w->longest = batch[i]->len > w->longest ? batch[i]->len : w->longest;
	tern_host_input(w->host, batch, came, now());
	tern_host_advance(w->host, now());
	for (size_t n; (n = tern_host_output(w->host, batch, PIECES, now())) > 0;) {
		const size_t took = w->link->ops->send(w->link, batch, n, now());

		for (size_t i = took; i < n; i++)
			tern_packet_done(batch[i]);
	}
}

/* Closing it ends its connection at once, by a reset. A FIN would be sent again and again after its world has ended,
 * and have the kernel look for the next world's host before that looks for the kernel. */
static int kernel_socket(bool v6)
{
	const int	    fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const struct linger none = { .l_onoff = 1 };

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none), 0);
	return fd;
}

static socklen_t kernel_address(struct sockaddr_storage *at, const char *text, uint16_t port)
{
	struct sockaddr_in *const  in = (struct sockaddr_in *)at;
	struct sockaddr_in6 *const in6 = (struct sockaddr_in6 *)at;

	memset(at, 0, sizeof *at);
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		return sizeof *in;
	}
	assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	return sizeof *in6;
}

/* Linux connects, sends, and gets all of it back. */
static void echo(bool v6, bool veth, bool plain)
{
	static uint8_t		 text[BYTES], got[BYTES];
	const struct tern_listen listen = { .local = { .port = 80 } };
	struct sockaddr_storage	 to;
	struct world		 w;
	struct tern_stats	 stats;
	tern_socket		 listener, server = { 0, 0 };
	size_t			 out = 0, in = 0, n = 0, back = 0;
	bool			 accepted = false;
	static uint8_t		 held[BYTES];

	begin(&w, veth, plain, false);
	assert_int_equal(tern_listen(w.host, &listen, &listener), 0);
	const socklen_t len = kernel_address(&to, v6 ? "fd65::2" : "10.65.65.2", 80);
	const int	fd = kernel_socket(v6);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, len), -1);
	assert_int_equal(errno, EINPROGRESS);
	for (size_t i = 0; i < BYTES; i++)
		text[i] = (uint8_t)(i * 31 + i / 509);
	while (in < BYTES) {
		step(&w);
		accepted = accepted || tern_accept(w.host, listener, &server) == 0;
		if (!accepted)
			continue;
		ssize_t moved = out < BYTES ? send(fd, text + out, BYTES - out, MSG_NOSIGNAL) : 0;
		out += moved > 0 ? (size_t)moved : 0;
		long took = n < BYTES ? tern_receive(w.host, server, held + n, BYTES - n) : 0;
		n += took > 0 ? (size_t)took : 0;
		took = back < n ? tern_send(w.host, server, held + back, n - back, 0) : 0;
		back += took > 0 ? (size_t)took : 0;
		moved = recv(fd, got + in, BYTES - in, 0);
		in += moved > 0 ? (size_t)moved : 0;
	}
	assert_memory_equal(text, got, BYTES);
	tern_host_stats(w.host, &stats);
	assert_int_equal(stats.InCsumErrors, 0);
	/* The kernel's TCP makes long segments, and leaves their cutting to the device. */
	assert_true(plain ? w.longest <= 1514 : w.longest > 1514);
	assert_true(v6 ? stats.Icmp6OutNeighborAdvertisements > 0 : stats.TernArpOut > 0);
	close(fd);
	end(&w);
}

static void linux_connects(void **state)
{
	(void)state;
	for (int i = 0; i < (has_veth ? 8 : 4); i++)
		echo((i & 1) != 0, (i & 4) != 0, (i & 2) != 0);
}

static void tern_connects(void **state)
{
	(void)state;
	for (int i = 0; i < (has_veth ? 4 : 2); i++) {
		const bool		v6 = (i & 1) != 0;
		struct sockaddr_storage	at;
		struct tern_open	open = { .remote = { .port = 8080 } };
		struct tern_status	status;
		struct tern_stats	stats;
		struct world		w;
		tern_socket		socket;

		begin(&w, (i & 2) != 0, false, false);
		const socklen_t len = kernel_address(&at, v6 ? "fd65::1" : "10.65.65.1", 8080);
		const int	fd = kernel_socket(v6);
		const int	on = 1;
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
		assert_int_equal(listen(fd, 1), 0);
		open.remote.addr = addr_of(v6 ? "fd65::1" : "10.65.65.1");
		assert_int_equal(tern_connect(w.host, &open, &socket), 0);
		do {
			step(&w);
			assert_int_equal(tern_status(w.host, socket, &status), 0);
		} while (status.state != TERN_STATE_ESTABLISHED);
		tern_host_stats(w.host, &stats);
		assert_true(v6 ? stats.Icmp6OutNeighborSolicits > 0 : stats.TernArpOut > 0);
		close(fd);
		end(&w);
	}
}

/* Nobody on the link has the address, but a link for everybody answers: a reset, not EHOSTUNREACH. */
static void proxy_stands_for_everybody(void **state)
{
	struct sockaddr_storage to;
	struct world		w;
	struct tern_stats	stats;

	(void)state;
	begin(&w, false, false, true);
	const socklen_t len = kernel_address(&to, "10.65.65.99", 80);
	const int	fd = kernel_socket(false);
	(void)connect(fd, (struct sockaddr *)&to, len);
	do {
		step(&w);
		tern_host_stats(w.host, &stats);
	} while (stats.InAddrErrors == 0); /* without forwarding_any the SYN itself is for nobody */
	assert_true(stats.TernArpOut > 0);
	close(fd);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(linux_connects),
		cmocka_unit_test(tern_connects),
		cmocka_unit_test(proxy_stands_for_everybody),
	};
	const char *why;

	if (!netns_enter_with_tun(&why)) {
		printf("skipped: %s\n", why);
		return 77;
	}
	has_veth = veth_make("probe0", "probe1");
	if (has_veth)
		veth_delete("probe0");
	else
		printf("no veth pair can be made here: TAP alone\n");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
