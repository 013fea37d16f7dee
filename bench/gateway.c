/* tern gateway beside pasta and slirp4netns: an unmodified iperf3, short connections and single octets of a guest,
 * to the host's loopback and back.
 *
 * In every round each relay has its turn at each MTU, so that what else the machine does meets all alike. One turn:
 * the relay starts with the agent as its command, iperf3 (Reno at both ends) one way, the other way, connections,
 * requests; then its peak memory is read. Rates and latencies are by the wall clock; CPU time is that of the relay's
 * processes, as the system accounts it (what the kernel does in its system calls included), never the guest's or
 * iperf3's.
 */
#include "gateway_relay.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum metric { FROM, FROM_CPU, TO, TO_CPU, OPENED, OPENED_CPU, P50, P99, PEAK, METRICS };

static const struct {
	const char	 *name, *unit;
	double		  target;
	enum bench_better better;
} metrics[METRICS] = {
	[FROM] = { "from the guest", "Gbit/s", 15, BENCH_HIGHER },
	[FROM_CPU] = { "from the guest, CPU", "s/GB", 0.35, BENCH_LOWER },
	[TO] = { "to the guest", "Gbit/s", 13, BENCH_HIGHER },
	[TO_CPU] = { "to the guest, CPU", "s/GB", 0.35, BENCH_LOWER },
	[OPENED] = { "connections", "1/s", NAN, BENCH_HIGHER },
	[OPENED_CPU] = { "CPU of a connection", "us", NAN, BENCH_LOWER },
	[P50] = { "request, median", "us", NAN, BENCH_LOWER },
	[P99] = { "request, 99 %", "us", NAN, BENCH_LOWER },
	[PEAK] = { "peak memory", "MiB", NAN, BENCH_LOWER },
};

static const unsigned mtus[] = { 65520, 1500 };

enum { MTUS = sizeof mtus / sizeof mtus[0] };

struct samples {
	double	 at[BENCH_ROUNDS_MAX];
	unsigned n;
};

struct measuring {
	struct samples samples[RELAYS][MTUS][METRICS];
	bool	       has[RELAYS];
	char	       version[RELAYS][RELAY_VERSION];
	char	       iperf3[RELAY_VERSION]; /* empty: there is none */
	uint16_t       iperf3_port, answer_port;
	pid_t	       iperf3_pid, answer_pid;
	bool	       quick;
};

/* ---- one turn ---- */

static void keep(struct samples *samples, double value)
{
	if (samples->n < BENCH_ROUNDS_MAX)
		samples->at[samples->n++] = value;
}

/* An order and what it cost of CPU; false has been said. */
static bool spend(const struct relay *relay, const struct order *order, struct report *report, double *cpu)
{
	struct relay_cost before, after;

	relay_look(relay, &before);
	if (!relay_order(relay, order, report)) {
		fprintf(stderr, "tern-bench: gateway: %s: no figure for order %u: %s\n",
			relay_name(relay->kind), order->kind, strerror(report->error));
		return false;
	}
	relay_look(relay, &after);
	*cpu = after.cpu - before.cpu;
	return true;
}

static void bulk(const struct measuring *all, const struct relay *relay, enum order_kind kind,
		 struct samples *rate, struct samples *cost)
{
	const struct order order = { .kind = kind,
				     .port = all->iperf3_port,
				     .milliseconds = all->quick ? 1000 : 2000 };
	struct report	   report = { .error = 0 };
	double		   cpu;

	if (!all->iperf3_port || !spend(relay, &order, &report, &cpu))
		return;
	keep(rate, report.figure[0] / 1e9);
	keep(cost, cpu / (report.figure[1] / 1e9));
}

static void short_talks(const struct measuring *all, const struct relay *relay,
			struct samples samples[METRICS])
{
	const uint32_t	   span = all->quick ? 250 : 1000;
	const struct order opens = { .kind = ORDER_CONNECT, .port = all->answer_port, .milliseconds = span };
	const struct order asks = { .kind = ORDER_LATENCY, .port = all->answer_port, .milliseconds = span };
	struct report	   report = { .error = 0 };
	double		   cpu;

	if (spend(relay, &opens, &report, &cpu)) {
		keep(&samples[OPENED], report.figure[0]);
		keep(&samples[OPENED_CPU], cpu / report.figure[1] * 1e6);
		if (report.figure[2] > 0)
			fprintf(stderr, "tern-bench: gateway: %s: %.0f of %.0f connections failed\n",
				relay_name(relay->kind), report.figure[2],
				report.figure[1] + report.figure[2]);
	}
	report = (struct report){ .error = 0 };
	if (spend(relay, &asks, &report, &cpu)) {
		keep(&samples[P50], report.figure[0] * 1e6);
		keep(&samples[P99], report.figure[1] * 1e6);
	}
}

static void one_turn(struct measuring *all, enum relay_kind kind, unsigned nth_mtu)
{
	struct samples *const samples = all->samples[kind][nth_mtu];
	struct relay	      relay;
	struct relay_cost     cost;

	if (!relay_start(&relay, kind, mtus[nth_mtu])) {
		all->has[kind] = false; /* not asked again: the next would come to as little */
		return;
	}
	bulk(all, &relay, ORDER_BULK_FROM, &samples[FROM], &samples[FROM_CPU]);
	bulk(all, &relay, ORDER_BULK_TO, &samples[TO], &samples[TO_CPU]);
	short_talks(all, &relay, samples);
	relay_look(&relay, &cost);
	keep(&samples[PEAK], cost.peak / (1 << 20));
	relay_stop(&relay);
}

/* ---- what it needs ---- */

static void start_iperf3(struct measuring *all)
{
	char	  port[16];
	const int listener = relay_listen(&all->iperf3_port, 1); /* a port that is free, and will be again */

	if (listener < 0)
		bench_fail("no port of the loopback is free");
	close(listener);
	snprintf(port, sizeof port, "%u", all->iperf3_port);
	all->iperf3_pid = fork();
	if (all->iperf3_pid != 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (freopen("/dev/null", "w", stdout) && freopen("/dev/null", "w", stderr))
		execlp("iperf3", "iperf3", "-s", "-B", "127.0.0.1", "-p", port, (char *)NULL);
	_exit(127);
}

static void stop(pid_t pid)
{
	if (pid <= 0)
		return;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static void look_for(struct measuring *all, bool alone)
{
	FILE *const iperf3 = popen("iperf3 --version 2>/dev/null", "re");

	for (int kind = 0; kind < RELAYS; kind++) {
		all->has[kind] = (kind == RELAY_TERN || !alone) &&
				 relay_find((enum relay_kind)kind, all->version[kind]);
		if (!all->has[kind] && (kind == RELAY_TERN || !alone))
			fprintf(stderr, "tern-bench: gateway: %s is missing, and left out\n",
				relay_name((enum relay_kind)kind));
	}
	if (iperf3 && fgets(all->iperf3, sizeof all->iperf3, iperf3))
		all->iperf3[strcspn(all->iperf3, "(\n")] = '\0';
	if (iperf3)
		(void)pclose(iperf3);
	if (all->iperf3[0])
		start_iperf3(all);
	else
		fputs("tern-bench: gateway: iperf3 is missing; without it no rows of octets a second\n",
		      stderr);
}

/* ---- rows ---- */

static void add_rows(struct bench *bench, struct measuring *all)
{
	char name[BENCH_METRIC];

	for (unsigned m = 0; m < MTUS; m++) {
		for (unsigned i = 0; i < METRICS; i++) {
			struct samples *const ours = &all->samples[RELAY_TERN][m][i];

			if (ours->n == 0)
				continue;
			snprintf(name, sizeof name, "%s, MTU %u", metrics[i].name, mtus[m]);
			const struct bench_case what = { "gateway", name, metrics[i].unit,
							 metrics[i].target, metrics[i].better };
			struct bench_row *const row = bench_add(bench, &what, ours->at, ours->n);

			if (i <= TO_CPU)
				snprintf(row->note, sizeof row->note, "%s-C reno", all->iperf3);
			for (int kind = RELAY_TERN + 1; kind < RELAYS; kind++)
				bench_add_peer(row, relay_name((enum relay_kind)kind), all->version[kind],
					       all->samples[kind][m][i].at, all->samples[kind][m][i].n);
		}
	}
}

void bench_gateway(struct bench *bench)
{
	static struct measuring all;

	all = (struct measuring){ .quick = bench->quick };
	look_for(&all, bench->alone);
	all.answer_pid = answer_start(&all.answer_port);
	if (all.answer_pid < 0)
		bench_fail("no server on the loopback can be had");
	for (unsigned round = 0; round < bench->rounds && all.has[RELAY_TERN]; round++)
		for (unsigned m = 0; m < MTUS; m++)
			for (int kind = 0; kind < RELAYS; kind++)
				if (all.has[kind])
					one_turn(&all, (enum relay_kind)kind, m);
	stop(all.iperf3_pid);
	stop(all.answer_pid);
	add_rows(bench, &all);
}
