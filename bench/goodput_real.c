#include "goodput_real.h"
#include "bench.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>
#include <tern/device.h>
#include <tern/loop.h>
#include <tern/tern.h>

enum { ARGUMENTS = 64, PIECE = 1 << 17, ANSWER = 20, NO_CONTROLLER = 3, AFTER = 3 };

int goodput_is_real(int n, char *const arguments[])
{
	for (int i = 1; i < n; i++)
		if (strcmp(arguments[0], "goodput") == 0 && strcmp(arguments[i], "--real") == 0)
			return 1;
	return 0;
}

int goodput_real(char *self, int n, char *const arguments[])
{
	static char python[] = "python3", script[] = TERN_BENCH_DIRECTORY "/goodput_real.py";
	static char here[4096];
	char	   *words[ARGUMENTS + 4] = { python, script, self };
	int	    words_n = 3;
	const ssize_t length = readlink("/proc/self/exe", here, sizeof here - 1);

	if (length > 0) {
		here[length] = '\0';
		words[2] = here;
	}
	for (int i = 1; i < n && i < ARGUMENTS; i++) /* what follows "goodput" */
		words[words_n++] = arguments[i];
	(void)execvp(python, words);
	bench_fail("goodput --real wants python3 and %s", script);
}

struct end {
	tern_loop *loop;
	tern_host *host;
	tern_time  span;
	uint64_t   moved;
};

static void make(struct end *end, char *const arguments[])
{
	struct tern_afpacket	   settings = { .name = arguments[1], .plain = true }; /* no offloads, as the others */
	struct tern_config	   config;
	struct tern_addr	   own;
	struct tern_link	  *link;
	uint8_t			   number;
	char			   address[64];
	char *const		   slash = strchr(arguments[2], '/');

	if (slash == NULL || snprintf(address, sizeof address, "%.*s", (int)(slash - arguments[2]), arguments[2]) < 0)
		bench_fail("'%s' is not an address and prefix", arguments[2]);
	bench_need(tern_addr_parse(&own, address), arguments[2]);
	/* The same for each transfer: Linux remembers who has the address. */
	memcpy(settings.mac, (const uint8_t[]){ 2, 0, own.b[12], own.b[13], own.b[14], own.b[15] }, 6);
	bench_need(tern_afpacket_create(&link, &settings, tern_allocator_default()), arguments[1]);
	tern_config_default(&config);
	config.allocator = *tern_allocator_default();
	config.congestion_control = arguments[5];
	config.receive_buffer_max = (uint32_t)strtoul(arguments[7], NULL, 10);
	config.send_buffer_max = (uint32_t)strtoul(arguments[8], NULL, 10);
	if (getrandom(config.secret, sizeof config.secret, 0) != (ssize_t)sizeof config.secret)
		bench_fail("the system gives no random bytes");
	bench_need(tern_loop_create(&end->loop, TERN_CLOCK_REAL), "a loop");
	if (tern_host_create(&end->host, &config, tern_loop_now(end->loop)) != 0)
		exit(NO_CONTROLLER);
	bench_need(tern_loop_add(end->loop, end->host, link, &number), "the link");
	const unsigned bits = (unsigned)strtoul(slash + 1, NULL, 10);
	bench_need(tern_host_add_address(end->host, number, &own, bits), "the address");
	(void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
}

static void say_ready(void)
{
	puts("ready");
	(void)fflush(stdout);
}

/* Until the receiver lets go, or it should have. */
static void send_all(struct end *end, const struct tern_endpoint *peer, tern_socket *socket)
{
	static uint8_t	       text[PIECE];
	const struct tern_open open = { .remote = *peer };

	say_ready();
	bench_need(tern_connect_wait(end->loop, end->host, &open, socket, ANSWER * TERN_SECOND), "a connection");
	const tern_time until = tern_loop_now(end->loop) + end->span + AFTER * TERN_SECOND;
	for (tern_time left = end->span; left > 0; left = until - tern_loop_now(end->loop)) {
		const ptrdiff_t n = tern_send_wait(end->loop, end->host, *socket, text, sizeof text, left);

		if (n <= 0)
			return;
		end->moved += (uint64_t)n;
	}
}

/* What the program can read within the span, from the moment of the connection on. */
static void sink_all(struct end *end, uint16_t port, tern_socket *socket)
{
	static uint8_t		 text[PIECE];
	const struct tern_listen listen = { .local = { .port = port } };
	tern_socket		 listener;

	bench_need(tern_listen(end->host, &listen, &listener), "a listener");
	say_ready();
	bench_need(tern_accept_wait(end->loop, end->host, listener, socket, ANSWER * TERN_SECOND), "a connection");
	const tern_time until = tern_loop_now(end->loop) + end->span;
	for (tern_time left = end->span; left > 0; left = until - tern_loop_now(end->loop)) {
		const ptrdiff_t n = tern_receive_wait(end->loop, end->host, *socket, text, sizeof text, left);

		if (n <= 0)
			return;
		end->moved += (uint64_t)n;
	}
}

int goodput_end(int n, char *const arguments[])
{
	struct end	     end = { .moved = 0 };
	struct tern_endpoint peer = { .port = 0 };
	struct tern_status   status = { .segments_out = 0 };
	tern_socket	     socket = { 0 };

	if (n != 9)
		bench_fail("--goodput-end is not for people");
	end.span = (tern_time)(strtod(arguments[6], NULL) * 1e9);
	make(&end, arguments);
	bench_need(tern_addr_parse(&peer.addr, arguments[3]), arguments[3]);
	peer.port = (uint16_t)strtoul(arguments[4], NULL, 10);
	if (strcmp(arguments[0], "send") == 0)
		send_all(&end, &peer, &socket);
	else
		sink_all(&end, peer.port, &socket);
	(void)tern_status(end.host, socket, &status);
	printf("{\"bytes\":%" PRIu64 ",\"segments\":%" PRIu32 ",\"retransmits\":%" PRIu32 ",\"srtt_ms\":%.3f}\n",
	       end.moved, status.segments_out, status.retransmits_total, (double)status.srtt / 1e6);
	(void)fflush(stdout);
	(void)tern_abort(end.host, socket);
	(void)tern_loop_turn(end.loop, 0);
	tern_loop_destroy(end.loop);
	tern_host_destroy(end.host);
	return 0;
}
