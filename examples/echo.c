/* An echo server, and a client that tries it: two hosts in this one process, joined by a pair of link
 * ends. Needs no privileges and touches no real network.
 *
 *	cc echo.c $(pkg-config --cflags --libs tern) -o echo && ./echo "hello, tern"
 */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <tern/tern.h>

/* ---- the server: does what each event calls for, and never blocks ---- */

static void echo(tern_host *host, tern_socket socket)
{
	const uint8_t *at;
	ptrdiff_t      n;

	while ((n = tern_peek(host, socket, 0, &at)) > 0) { /* look at what has arrived, without a copy */
		const ptrdiff_t taken = tern_send(host, socket, at, (size_t)n, 0);

		if (taken == -TERN_EAGAIN)
			return; /* no room: TERN_WRITABLE will bring us back */
		if (taken < 0)
			break;
		tern_consume(host, socket, (size_t)taken);
	}
	if (n != -TERN_EAGAIN)
		tern_close(host, socket); /* 0: the client has no more to send; else: the connection failed */
}

static void on_event(void *context, tern_host *host, const struct tern_event *event)
{
	tern_socket accepted;

	(void)context;
	if (!(event->ready & TERN_ACCEPT)) {
		echo(host, event->socket);
		return;
	}
	while (tern_accept(host, event->socket, &accepted) == 0)
		echo(host, accepted); /* something may have come with the handshake */
}

/* ---- the world: a loop, a link, two hosts ---- */

static tern_host *add_host(tern_loop *loop, struct tern_link *link, const char *address)
{
	struct tern_config config;
	struct tern_addr   addr;
	tern_host	  *host;
	uint8_t		   number;

	tern_config_default(&config);
	config.allocator = *tern_allocator_default();
	if (getrandom(config.secret, sizeof config.secret, 0) != sizeof config.secret ||
	    tern_host_create(&host, &config, tern_loop_now(loop)) < 0)
		return NULL;
	if (tern_addr_parse(&addr, address) < 0 || tern_loop_add(loop, host, link, &number) < 0 ||
	    tern_host_add_address(host, number, &addr, 24) < 0)
		return NULL;
	return host;
}

int main(int argc, char **argv)
{
	const char		     *text = argc > 1 ? argv[1] : "hello";
	const struct tern_link_config config = { .mtu = 1500 };
	const struct tern_listen      listen = { .local.port = 7 };
	struct tern_open	      open = { .remote.port = 7 };
	struct tern_link	     *end[2];
	tern_loop		     *loop;
	tern_socket		      listener, socket;
	char			      answer[4096];
	ptrdiff_t		      n;

	if (tern_loop_create(&loop, TERN_CLOCK_REAL) < 0 ||
	    tern_pair_create(end, &config, tern_allocator_default()) < 0)
		return 1;
	tern_host *client = add_host(loop, end[0], "10.0.0.1");
	tern_host *server = add_host(loop, end[1], "10.0.0.2");
	if (!client || !server || tern_listen(server, &listen, &listener) < 0)
		return 1;
	tern_loop_on_event(loop, server, on_event, NULL);

	/* The client blocks: each call turns the loop, in which the server lives too. */
	tern_addr_parse(&open.remote.addr, "10.0.0.2");
	int error = tern_connect_wait(loop, client, &open, &socket, 5 * TERN_SECOND);
	if (error < 0) {
		fprintf(stderr, "echo: %s\n", tern_strerror(error));
		return 1;
	}
	tern_send_wait(loop, client, socket, text, strlen(text), TERN_NEVER);
	tern_shutdown(client, socket); /* "I have no more to send": the answer still comes */
	while ((n = tern_receive_wait(loop, client, socket, answer, sizeof answer, TERN_NEVER)) > 0)
		fwrite(answer, 1, (size_t)n, stdout);
	putchar('\n');

	tern_close(client, socket);
	tern_loop_destroy(loop);
	tern_host_destroy(client);
	tern_host_destroy(server);
	return n < 0;
}
