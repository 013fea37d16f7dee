/* An echo server on a TUN device, a host in each of as many threads as there are CPUs: they share one address and
 * nothing else, and each serves the connections that are its own.
 *
 *	cc cores.c $(pkg-config --cflags --libs tern) -o cores && ./cores 4 &
 *	ip addr add 10.99.0.1/24 dev tern0; ip link set tern0 up; nc 10.99.0.2 7
 *
 * Asks for the right to make a device: root, or `unshare -rn`. Ends when its standard input does, and says how
 * many connections each host had.
 */
#include <stdio.h>
#include <stdlib.h>

#include <tern/tern.h>

static void echo(tern_host *host, tern_socket socket)
{
	const uint8_t *at;
	ptrdiff_t      n;

	while ((n = tern_peek(host, socket, 0, &at)) > 0) {
		const ptrdiff_t taken = tern_send(host, socket, at, (size_t)n, 0);

		if (taken == -TERN_EAGAIN)
			return; /* no room: TERN_WRITABLE will bring us back */
		if (taken < 0)
			break;
		tern_consume(host, socket, (size_t)taken);
	}
	if (n != -TERN_EAGAIN)
		tern_close(host, socket);
}

/* Called in the thread of the host that it is about, and so touches nothing of another's. */
static void on_event(void *context, tern_host *host, const struct tern_event *event)
{
	tern_socket accepted;

	(void)context;
	if (!(event->ready & TERN_ACCEPT)) {
		echo(host, event->socket);
		return;
	}
	while (tern_accept(host, event->socket, &accepted) == 0)
		echo(host, accepted);
}

static int add_device(tern_hosts *hosts)
{
	const struct tern_tun settings = { .name = "tern0", .multi_queue = true };
	struct tern_link     *queue[TERN_SHARE_MOST];
	struct tern_addr      addr;
	uint8_t		      number;

	for (unsigned i = 0; i < tern_hosts_count(hosts); i++) {
		const int error = tern_tun_create(&queue[i], &settings, tern_allocator_default());
		if (error < 0)
			return error;
	}
	const int error = tern_hosts_add(hosts, queue, tern_hosts_count(hosts), &number);
	if (error < 0)
		return error;
	tern_addr_parse(&addr, "10.99.0.2");
	return tern_hosts_add_address(hosts, number, &addr, 24);
}

static int show(void *context, unsigned i, tern_loop *loop, tern_host *host)
{
	struct tern_stats stats;

	(void)context;
	(void)loop;
	tern_host_stats(host, &stats);
	printf("host %u: %llu connections\n", i, (unsigned long long)stats.PassiveOpens);
	return 0;
}

int main(int argc, char **argv)
{
	struct tern_hosts_settings settings = { .n = argc > 1 ? (unsigned)atoi(argv[1]) : 0, .pin = true };
	const struct tern_listen   listen = { .local.port = 7 };
	struct tern_hosts_stats	   steering;
	tern_hosts		  *hosts;

	int error = tern_hosts_create(&hosts, &settings);
	if (!error)
		error = add_device(hosts);
	if (!error)
		error = tern_hosts_on_event(hosts, on_event, NULL);
	if (!error)
		error = tern_hosts_listen(hosts, &listen, NULL);
	if (!error)
		error = tern_hosts_start(hosts);
	if (error < 0) {
		fprintf(stderr, "cores: %s\n", tern_strerror(error));
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	while (getchar() != EOF)
		;
	tern_hosts_stop(hosts);
	tern_hosts_each(hosts, show, NULL);
	tern_hosts_stats(hosts, NULL, &steering);
	printf("packets: %llu came to their host, %llu were handed on\n", (unsigned long long)steering.kept,
	       (unsigned long long)steering.passed);
	tern_hosts_destroy(hosts);
	return 0;
}
