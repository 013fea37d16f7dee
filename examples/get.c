/* Fetches a page over a bad line: a client with blocking calls, on virtual time. The server is a second
 * host in this process; between them stand 40 ms each way, 2 MB/s and as much loss as you ask for. The
 * seconds that it takes are counted, not waited for.
 *
 *	cc get.c $(pkg-config --cflags --libs tern) -o get && ./get 3
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tern/tern.h>

enum { PAGE = 1000000 };

static char page[PAGE];

/* The page is ours for ever: nothing is to be done when the stack no longer needs it. */
static void release(void *context, const void *from, size_t n)
{
	(void)context;
	(void)from;
	(void)n;
}

/* The server: whatever is asked for, there is one page, which goes out without being copied. */
static void on_event(void *context, tern_host *host, const struct tern_event *event)
{
	char	    request[256];
	tern_socket accepted;
	bool	    asked = false;

	(void)context;
	if (event->ready & TERN_ACCEPT) {
		while (tern_accept(host, event->socket, &accepted) == 0)
			on_event(NULL, host, &(struct tern_event){ .socket = accepted });
		return;
	}
	while (tern_receive(host, event->socket, request, sizeof request) > 0)
		asked = true;
	if (asked && tern_send_owned(host, event->socket, page, PAGE, 0, release, NULL) == PAGE)
		tern_shutdown(host, event->socket);
	if (event->ready & (TERN_ERROR | TERN_CLOSED))
		tern_close(host, event->socket);
}

static tern_host *add_host(tern_loop *loop, struct tern_link *link, const char *address, uint8_t secret)
{
	struct tern_config config;
	struct tern_addr   addr;
	tern_host	  *host;
	uint8_t		   number;

	tern_config_default(&config);
	config.allocator = *tern_allocator_default();
	config.secret[0] = secret; /* fixed: each run is the same. On a real network: 32 random bytes */
	if (tern_host_create(&host, &config, tern_loop_now(loop)) < 0)
		return NULL;
	if (tern_addr_parse(&addr, address) < 0 || tern_loop_add(loop, host, link, &number) < 0 ||
	    tern_host_add_address(host, number, &addr, 64) < 0)
		return NULL;
	return host;
}

/* The bytes of the page are counted and dropped. */
static int get(tern_loop *loop, tern_host *client)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	const tern_time	  minutes = 300 * TERN_SECOND; /* to wait at most; of virtual time */
	struct tern_open  open = { .remote.port = 80 };
	tern_socket	  socket;
	char		  piece[16384];
	ptrdiff_t	  n, all = 0;

	tern_addr_parse(&open.remote.addr, "fd00::2");
	n = tern_connect_wait(loop, client, &open, &socket, minutes);
	if (n == 0)
		n = tern_send_wait(loop, client, socket, request, strlen(request), minutes);
	if (n > 0)
		while ((n = tern_receive_wait(loop, client, socket, piece, sizeof piece, minutes)) > 0)
			all += n;
	if (n < 0) {
		fprintf(stderr, "get: %s\n", tern_strerror((int)n));
		return 1;
	}
	struct tern_status status;
	tern_status(client, socket, &status);
	printf("%td bytes in %.3f s, %u segments in, %u out\n", all,
	       (double)tern_loop_now(loop) / TERN_SECOND, status.segments_in, status.segments_out);
	tern_close(client, socket);
	return all != PAGE;
}

int main(int argc, char **argv)
{
	char			      end_of_none[] = "", *rest = end_of_none;
	const double		      percent = argc > 1 ? strtod(argv[1], &rest) : 0;
	const struct tern_link_config config = { .mtu = 1500 };
	const struct tern_listen      listen = { .local.port = 80 };
	struct tern_impair line = { .delay = 40 * TERN_MILLISECOND, .rate = 2000000, .loss = percent / 100 };
	struct tern_link  *end[2];
	tern_loop	  *loop;
	tern_socket	   listener;

	if (argc > 2 || *rest || !(percent >= 0 && percent <= 100)) {
		fprintf(stderr, "usage: get [PERCENT-LOSS]\n");
		return 2;
	}
	if (tern_loop_create(&loop, TERN_CLOCK_VIRTUAL) < 0 ||
	    tern_pair_create(end, &config, tern_allocator_default()) < 0)
		return 1;
	for (unsigned i = 0; i < 2; i++) {
		line.seed = i;
		if (tern_impair_create(&end[i], end[i], &line, tern_allocator_default()) < 0)
			return 1;
	}
	tern_host *client = add_host(loop, end[0], "fd00::1", 1);
	tern_host *server = add_host(loop, end[1], "fd00::2", 2);
	if (!client || !server || tern_listen(server, &listen, &listener) < 0)
		return 1;
	tern_loop_on_event(loop, server, on_event, NULL);

	const int result = get(loop, client);
	tern_loop_destroy(loop);
	tern_host_destroy(client);
	tern_host_destroy(server);
	return result;
}
