/* One byte asked and one answered, through the socket calls, by two threads of this process: a loop and a host in each,
 * joined by a link between threads (tern/hosts.h). Polling: neither ever sleeps. Sleeping: both do, each time. Between
 * them: 50 us of looking about at most. Beside it two threads that speak through Linux's loopback, in the same rounds.
 */
#include "bench.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <tern/tern.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 7, EXCHANGES_MOST = 20000, LONG = 60 };

enum mode { POLLING, SLEEPING, BETWEEN, MODES };

static const struct {
	const char *name;
	tern_time   spin;
	double	    target; /* us, median */
} modes[MODES] = {
	[POLLING] = { "polling", TERN_NEVER, 2 },
	[SLEEPING] = { "sleeping", 0, 14 },
	[BETWEEN] = { "looking about for 50 us, then sleeping", 50 * TERN_MICROSECOND, NAN },
};

static double microseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The tenth tells what it costs where nobody else has the cores; who shares them shows in the others. */
enum { SHARES = 3 };

static const unsigned share[SHARES] = { 10, 50, 99 };

struct spread {
	double at[SHARES]; /* us */
};

static struct spread spread_of(double *took, unsigned n)
{
	qsort(took, n, sizeof *took, by_size);
	struct spread spread;
	for (unsigned i = 0; i < SHARES; i++)
		spread.at[i] = took[(uint64_t)n * share[i] / 100];
	return spread;
}

/* ---- tern ---- */

struct side {
	tern_loop *loop;
	tern_host *host;
};

static void answer(void *context, tern_host *host, const struct tern_event *event)
{
	tern_socket socket;
	char	    byte;

	(void)context;
	if (event->ready & TERN_ACCEPT)
		while (tern_accept(host, event->socket, &socket) == 0)
			bench_need(tern_option_set(host, socket, TERN_NODELAY, 1), "an option");
	else
		while (tern_receive(host, event->socket, &byte, 1) == 1)
			bench_need((int)tern_send(host, event->socket, &byte, 1, 0), "an answer");
}

static void *serve(void *context)
{
	bench_need(tern_loop_run(context), "the loop");
	return NULL;
}

static void stop(void *context)
{
	tern_loop_stop(context);
}

static void make_side(struct side *side, struct tern_link *end, const char *address, enum mode mode)
{
	bench_need(tern_loop_create(&side->loop, TERN_CLOCK_REAL), "a loop");
	bench_need(tern_loop_host(side->loop, end, address, &side->host), "a host");
	bench_need(tern_loop_set_spin(side->loop, modes[mode].spin), "looking about");
}

static void ask(const struct side *client, double *took, unsigned n)
{
	struct tern_open open = { .remote.port = PORT };
	tern_socket	 socket;
	char		 byte = 'x';

	bench_need(tern_addr_parse(&open.remote.addr, "10.0.0.2"), "an address");
	bench_need(tern_connect_wait(client->loop, client->host, &open, &socket, LONG * TERN_SECOND), "a connection");
	bench_need(tern_option_set(client->host, socket, TERN_NODELAY, 1), "an option");
	for (unsigned i = 0; i < n; i++) {
		const double before = microseconds();

		if (tern_send_wait(client->loop, client->host, socket, &byte, 1, LONG * TERN_SECOND) != 1 ||
		    tern_receive_wait(client->loop, client->host, socket, &byte, 1, LONG * TERN_SECOND) != 1)
			bench_fail("no answer came");
		took[i] = microseconds() - before;
	}
	bench_need(tern_close(client->host, socket), "closing");
}

static struct spread by_tern(enum mode mode, double *took, unsigned n)
{
	const struct tern_link_config link = { .mtu = 1500 };
	const struct tern_listen      listen = { .local.port = PORT };
	struct tern_link	     *end[2];
	struct side		      client, server;
	tern_socket		      listener;
	pthread_t		      thread;

	bench_need(tern_thread_pair_create(end, &link, tern_allocator_default()), "a pair");
	make_side(&client, end[0], "10.0.0.1/24", mode);
	make_side(&server, end[1], "10.0.0.2/24", mode);
	bench_need(tern_listen(server.host, &listen, &listener), "a listener");
	bench_need(tern_loop_on_event(server.loop, server.host, answer, NULL), "events");
	if (pthread_create(&thread, NULL, serve, server.loop) != 0)
		bench_fail("a thread: not to be had");
	ask(&client, took, n);
	bench_need(tern_post(server.loop, stop, server.loop), "the end");
	(void)pthread_join(thread, NULL);
	tern_loop_destroy(client.loop);
	tern_loop_destroy(server.loop);
	tern_host_destroy(client.host);
	tern_host_destroy(server.host);
	return spread_of(took, n);
}

/* ---- Linux ---- */

struct echo {
	int  fd;
	bool polls;
};

static ssize_t receive_byte(int fd, bool polls, char *byte)
{
	ssize_t n;

	do
		n = recv(fd, byte, 1, polls ? MSG_DONTWAIT : 0);
	while (polls && n < 0);
	return n;
}

static void *echo(void *context)
{
	const struct echo *const echo = context;
	char			 byte;

	while (receive_byte(echo->fd, echo->polls, &byte) == 1)
		if (send(echo->fd, &byte, 1, MSG_NOSIGNAL) != 1)
			break;
	return NULL;
}

/* The two ends of a connection over the loopback. */
static void connect_linux(int fd[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t	   size = sizeof at;
	const int	   listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || fd[0] < 0 || bind(listener, (struct sockaddr *)&at, size) != 0 ||
	    listen(listener, 1) != 0 ||
	    getsockname(listener, (struct sockaddr *)&at, &size) != 0 ||
	    connect(fd[0], (struct sockaddr *)&at, size) != 0 || (fd[1] = accept(listener, NULL, NULL)) < 0)
		bench_fail("Linux's loopback: not to be had");
	close(listener);
	for (int i = 0; i < 2; i++)
		(void)setsockopt(fd[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static struct spread by_linux(enum mode mode, double *took, unsigned n)
{
	const bool  polls = mode == POLLING;
	int	    fd[2];
	pthread_t   thread;
	char	    byte = 'x';

	connect_linux(fd);
	struct echo other = { fd[1], polls };
	if (pthread_create(&thread, NULL, echo, &other) != 0)
		bench_fail("a thread: not to be had");
	for (unsigned i = 0; i < n; i++) {
		const double before = microseconds();

		if (send(fd[0], &byte, 1, MSG_NOSIGNAL) != 1 || receive_byte(fd[0], polls, &byte) != 1)
			bench_fail("Linux's loopback gave no answer");
		took[i] = microseconds() - before;
	}
	(void)shutdown(fd[0], SHUT_RDWR);
	(void)pthread_join(thread, NULL);
	close(fd[0]);
	close(fd[1]);
	return spread_of(took, n);
}

/* ---- */

static const char *release(void)
{
	static struct utsname name;

	return uname(&name) == 0 ? name.release : "?";
}

static void one_mode(struct bench *bench, enum mode mode, double *took)
{
	const unsigned n = bench->quick ? 200 : EXCHANGES_MOST;
	double	       tern[SHARES][BENCH_ROUNDS_MAX], linux_[SHARES][BENCH_ROUNDS_MAX];

	for (unsigned round = 0; round < bench->rounds; round++) {
		const struct spread ours = by_tern(mode, took, n);
		const struct spread theirs = bench->alone ? ours : by_linux(mode, took, n);

		for (unsigned i = 0; i < SHARES; i++) {
			tern[i][round] = ours.at[i];
			linux_[i][round] = theirs.at[i];
		}
	}
	for (unsigned i = 0; i < SHARES; i++) {
		char metric[BENCH_METRIC];

		snprintf(metric, sizeof metric, "%s, p%u", modes[mode].name, share[i]);
		const struct bench_case row = { "latency", metric, "us", share[i] == 50 ? modes[mode].target : NAN,
						BENCH_LOWER };
		struct bench_row *const made = bench_add(bench, &row, tern[i], bench->rounds);
		if (!bench->alone)
			bench_add_peer(made, "Linux", release(), linux_[i], bench->rounds);
	}
}

void bench_latency(struct bench *bench)
{
	double *const took = bench_alloc(EXCHANGES_MOST * sizeof *took);

	for (enum mode mode = POLLING; mode < MODES; mode++)
		one_mode(bench, mode, took);
	free(took);
}
