/* The agent in the guest: carries out the driver's orders (gateway_order.h). */
#include "gateway_relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	TRIES = 200, /* calls to the driver, 50 ms between them: the relay may not be ready */
	IPERF_TRIES = 5,
	SLOTS = 16, /* connections at a time */
	SAMPLES = 1 << 18,
	JSON = 1 << 20,
	LIFE = 120,  /* s */
	WAIT = 2000, /* ms for an answer before a connection has failed */
};

static double clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void rest(long milliseconds)
{
	const struct timespec span = { .tv_sec = milliseconds / 1000,
				       .tv_nsec = milliseconds % 1000 * 1000000 };

	(void)nanosleep(&span, NULL);
}

/* ---- bulk ---- */

/* The number behind "key" after `at`; NaN-free: -1 where there is none. */
static double number_after(const char *at, const char *key)
{
	const char *const found = at ? strstr(at, key) : NULL;

	return found ? strtod(found + strlen(key), NULL) : -1;
}

/* Reno at both ends, whichever relay it is: what a machine or a guest has by default instead may pace (BBR), and then
 * that is measured. */
static int run_iperf3(const char *address, const struct order *order, struct report *report)
{
	static char json[JSON];
	char	    line[256];

	snprintf(line, sizeof line, "exec timeout %u iperf3 -J -C reno -c %s -p %u -t %u %s 2>/dev/null",
		 (unsigned)order->milliseconds / 1000 + 10, address, (unsigned)order->port,
		 (unsigned)(order->milliseconds + 999) / 1000, order->kind == ORDER_BULK_TO ? "-R" : "");
	FILE *const iperf3 = popen(line, "re");
	if (!iperf3)
		return errno;
	const size_t n = fread(json, 1, sizeof json - 1, iperf3);
	json[n] = '\0';
	const int status = pclose(iperf3);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return ENOENT;

	const char *const sum = strstr(json, "\"sum_received\":");
	report->figure[0] = number_after(sum, "\"bits_per_second\":");
	report->figure[1] = number_after(sum, "\"bytes\":");
	return status == 0 && report->figure[0] > 0 && report->figure[1] > 0 ? 0 : EIO;
}

/* A server that has not seen the end of the test before says that it is busy. */
static int bulk(const char *address, const struct order *order, struct report *report)
{
	int error = EIO;

	for (int i = 0; i < IPERF_TRIES && error == EIO; i++) {
		if (i > 0)
			rest(300);
		error = run_iperf3(address, order, report);
	}
	return error;
}

/* ---- connections ---- */

struct slot {
	int    fd; /* -1: free */
	bool   asked;
	size_t got;
	double since;
};

static void begin(struct slot *slot, const struct sockaddr_in *to, double now)
{
	*slot = (struct slot){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
			       .since = now };
	if (slot->fd >= 0 && connect(slot->fd, (const struct sockaddr *)to, sizeof *to) != 0 &&
	    errno != EINPROGRESS) {
		close(slot->fd);
		slot->fd = -1;
	}
}

/* 1: asked, answered and closed by the server; 0: goes on; -1: failed. */
static int step(struct slot *slot, short revents)
{
	static const char ask = ASK_AND_CLOSE;
	char		  answer[2 * ANSWER_LONG];

	if (!slot->asked) {
		if (!(revents & (POLLOUT | POLLERR | POLLHUP)))
			return 0;
		if (send(slot->fd, &ask, 1, MSG_NOSIGNAL) != 1)
			return -1;
		slot->asked = true;
		return 0;
	}
	if (revents == 0)
		return 0;
	const ssize_t n = read(slot->fd, answer, sizeof answer);
	if (n > 0)
		slot->got += (size_t)n;
	if (n > 0 || (n < 0 && errno == EAGAIN))
		return 0;
	return n == 0 && slot->got == ANSWER_LONG ? 1 : -1;
}

static void serve_slots(struct slot slots[SLOTS], const struct sockaddr_in *to, bool more,
			struct report *report)
{
	struct pollfd polls[SLOTS];
	const double  before = clock_now();

	for (int i = 0; i < SLOTS; i++) {
		if (slots[i].fd < 0 && more)
			begin(&slots[i], to, before);
		polls[i] = (struct pollfd){ .fd = slots[i].fd, .events = slots[i].asked ? POLLIN : POLLOUT };
	}
	(void)poll(polls, SLOTS, 100);
	const double now = clock_now();
	for (int i = 0; i < SLOTS; i++) {
		int done = slots[i].fd < 0 ? (more ? -1 : 0) : step(&slots[i], polls[i].revents);

		if (done == 0 && slots[i].fd >= 0 && (now - slots[i].since) * 1000 > WAIT)
			done = -1;
		if (done == 0)
			continue;
		report->figure[done > 0 ? 1 : 2]++;
		if (slots[i].fd >= 0)
			close(slots[i].fd);
		slots[i] = (struct slot){ .fd = -1 };
	}
}

static int connections(const struct sockaddr_in *to, const struct order *order, struct report *report)
{
	const double start = clock_now(), end = start + order->milliseconds / 1e3;
	struct slot  slots[SLOTS];
	bool	     any = true;

	for (int i = 0; i < SLOTS; i++)
		slots[i] = (struct slot){ .fd = -1 };
	while (any) {
		const bool more = clock_now() < end;

		serve_slots(slots, to, more, report);
		any = more;
		for (int i = 0; i < SLOTS; i++)
			any |= slots[i].fd >= 0;
	}
	report->figure[0] = report->figure[1] / (clock_now() - start);
	return report->figure[1] > 0 ? 0 : EIO;
}

/* ---- requests ---- */

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int latency(const struct sockaddr_in *to, const struct order *order, struct report *report)
{
	static double sample[SAMPLES];
	const int     fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	const double  end = clock_now() + order->milliseconds / 1e3;
	char	      octet = ASK_AND_STAY;
	size_t	      n = 0;

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof *to) != 0)
		return errno;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	for (double now = clock_now(); now < end && n < SAMPLES; n++) {
		const double before = now;

		octet = ASK_AND_STAY;
		if (send(fd, &octet, 1, MSG_NOSIGNAL) != 1 || read(fd, &octet, 1) != 1)
			break;
		now = clock_now();
		sample[n] = now - before;
	}
	close(fd);
	if (n == 0)
		return EIO;
	qsort(sample, n, sizeof *sample, by_size);
	report->figure[0] = sample[n / 2];
	report->figure[1] = sample[n * 99 / 100];
	return 0;
}

/* ---- orders ---- */

static void carry_out(const char *address, struct sockaddr_in to, const struct order *order,
		      struct report *report)
{
	to.sin_port = htons((uint16_t)order->port);
	switch ((enum order_kind)order->kind) {
	case ORDER_BULK_FROM:
	case ORDER_BULK_TO: report->error = bulk(address, order, report); break;
	case ORDER_CONNECT: report->error = connections(&to, order, report); break;
	case ORDER_LATENCY: report->error = latency(&to, order, report); break;
	case ORDER_END: break;
	}
}

static int call_driver(const struct sockaddr_in *to)
{
	for (int i = 0; i < TRIES; i++) {
		const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd >= 0 && connect(fd, (const struct sockaddr *)to, sizeof *to) == 0)
			return fd;
		if (fd >= 0)
			close(fd);
		rest(50);
	}
	return -1;
}

int agent_main(const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	struct order	   order;

	/* Whatever becomes of relay and driver, nothing stays behind. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)alarm(LIFE);
	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		return 2;
	const int driver = call_driver(&to);
	if (driver < 0)
		return 1;
	while (recv(driver, &order, sizeof order, MSG_WAITALL) == sizeof order && order.kind != ORDER_END) {
		struct report report = { .error = 0 };

		carry_out(address, to, &order, &report);
		if (send(driver, &report, sizeof report, MSG_NOSIGNAL) != sizeof report)
			break;
	}
	close(driver);
	return 0;
}
