/* One connection between tern and Linux over a TUN or TAP device, each end a process: what the device and its system
 * calls leave of what the stack can do.
 *
 * tern's program copies nothing: it sends one buffer of its own again and again (tern_send_owned), and takes what
 * comes as it comes (struct tern_taker). Linux's reads and writes 128 KiB at a time. Rates are by the wall clock, of
 * what was acknowledged or taken; CPU time is that of tern's process, what the kernel does in its system calls (much
 * of the far end's TCP, then) included. How much of it the system calls took says what a stack that costs nothing could
 * reach with as many of them: the bound.
 */
#include "device.h"
#include "bench.h"
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/resource.h>

#include <tern/device.h>
#include <tern/loop.h>
#include <tern/tern.h>

enum { BLOCK = 1 << 16 };

static const struct device_case {
	const char *name;
	uint32_t    mtu;
	bool	    tap, plain;
	double	    from, to; /* targets, Gbit/s */
	bool	    gvisor, lwip; /* do it too, without offloads: they have none here */
} cases[] = {
	{ "TUN, MTU 65520", 65520, false, false, 28, 25, true, false },
	{ "TUN, MTU 1500", 1500, false, false, 28, 25, false, false },
	{ "TAP, MTU 65520", 65520, true, false, 28, 25, false, false },
	{ "TAP, MTU 1500", 1500, true, false, 28, 25, false, false },
	{ "TUN, MTU 1500, no offload", 1500, false, true, 8, 6, true, true },
};

enum { N_CASES = sizeof cases / sizeof cases[0] };

struct run {
	tern_loop  *loop;
	tern_host  *host;
	tern_socket socket;
	uint8_t	   *block;
	bool	    sends, failed;
	uint32_t    lent; /* blocks that tern has */
	uint64_t    moved;
};

/* ---- the program ---- */

static size_t take(void *context, uint64_t cookie, const uint8_t *text, size_t n)
{
	struct run *const run = context;

	(void)cookie;
	(void)text;
	run->moved += n;
	return n;
}

static void released(void *context, const void *from, size_t n)
{
	struct run *const run = context;

	(void)from;
	run->lent--;
	run->moved += n;
}

static void send_some(struct run *run)
{
	while (!run->failed) {
		const ptrdiff_t n = tern_send_owned(run->host, run->socket, run->block, BLOCK, 0, released, run);

		if (n < 0) {
			run->failed = n != -TERN_EAGAIN;
			return;
		}
		run->lent++;
	}
}

/* What the taker was not asked about, such as what came beside a gap. */
static void read_some(struct run *run)
{
	const uint8_t *at;
	ptrdiff_t      n;

	while ((n = tern_peek(run->host, run->socket, 0, &at)) > 0) {
		run->moved += (uint64_t)n;
		bench_need(tern_consume(run->host, run->socket, (size_t)n), "consuming");
	}
	run->failed = n != -TERN_EAGAIN;
}

static void on_event(void *context, tern_host *host, const struct tern_event *event)
{
	struct run *const run = context;

	(void)host;
	if (event->ready & (TERN_ERROR | TERN_CLOSED))
		run->failed = true;
	else if (run->sends && event->ready & TERN_WRITABLE)
		send_some(run);
	else if (!run->sends && event->ready & TERN_READABLE)
		read_some(run);
}

/* ---- a run ---- */

static struct tern_link *make_link(const struct device_case *what, struct device_peer *peer)
{
	const struct tern_tun settings = { .mtu = what->mtu, .plain = what->plain };
	struct tern_link     *link;

	bench_need(tern_tun_adopt(&link, peer->device, &settings, tern_allocator_default()), what->name);
	peer->device = -1;
	return link;
}

static struct tern_link *make_host(struct run *run, const struct device_case *what, struct device_peer *peer)
{
	struct tern_link *const link = make_link(what, peer);
	struct tern_config	config;
	struct tern_addr	ours;
	uint8_t			number;

	tern_config_default(&config);
	config.allocator = *tern_allocator_default();
	config.taker = (struct tern_taker){ take, run };
	if (getrandom(config.secret, sizeof config.secret, 0) != (ssize_t)sizeof config.secret)
		bench_fail("the system gives no random bytes");
	bench_need(tern_loop_create(&run->loop, TERN_CLOCK_REAL), "a loop");
	bench_need(tern_host_create(&run->host, &config, tern_loop_now(run->loop)), "a host");
	bench_need(tern_loop_add(run->loop, run->host, link, &number), "the link");
	bench_need(tern_addr_parse(&ours, DEVICE_OURS), "its address");
	bench_need(tern_host_add_address(run->host, number, &ours, 24), "its address");
	return link;
}

static void turn_for(struct run *run, tern_time span)
{
	const tern_time until = tern_loop_now(run->loop) + span;

	for (tern_time left = span; left > 0 && !run->failed; left = until - tern_loop_now(run->loop))
		bench_need(tern_loop_turn(run->loop, left), "the loop");
	if (run->failed)
		bench_fail("the connection over the device ended");
}

static void connect_to(struct run *run, uint16_t port)
{
	struct tern_open open = { .remote.port = port };

	bench_need(tern_addr_parse(&open.remote.addr, DEVICE_PEERS), "its address");
	bench_need(tern_connect_wait(run->loop, run->host, &open, &run->socket, 10 * TERN_SECOND), "a connection");
	bench_need(tern_loop_on_event(run->loop, run->host, on_event, run), "events");
	if (run->sends)
		send_some(run);
	else
		read_some(run);
}

struct figures {
	double rate, cpu, octets; /* Gbit/s, seconds a gigabyte, octets a packet of the device */
	double system;		  /* the share of the CPU time that system calls took, 0 to 1 */
};

/* Seconds so far in the program and in system calls: as the system samples them, so that only their ratio is used. */
struct spent {
	double user, system;
};

static struct spent spent(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) != 0)
		bench_fail("the system does not say what was used");
	return (struct spent){ (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6,
			       (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6 };
}

static double system_share(struct spent from, struct spent to)
{
	const double user = to.user - from.user, system = to.system - from.system;

	return user + system > 0 ? system / (user + system) : 0;
}

/* One direction for so long, a fifth of it ahead of the clock. */
static struct figures measure(const struct device_case *what, struct device_peer *peer, bool sends, tern_time span)
{
	struct run		 run = { .sends = sends, .block = bench_alloc(BLOCK) };
	struct tern_link *const	 link = make_host(&run, what, peer);
	struct tern_device_stats before, after;

	memset(run.block, 'x', BLOCK);
	connect_to(&run, sends ? DEVICE_SINK : DEVICE_SOURCE);
	turn_for(&run, span / 5);
	tern_device_stats(link, &before);
	const uint64_t	had = run.moved;
	const double	cpu = bench_cpu();
	const struct spent at_start = spent();
	const tern_time start = tern_loop_now(run.loop);
	turn_for(&run, span);
	const double seconds = (double)(tern_loop_now(run.loop) - start) / 1e9, used = bench_cpu() - cpu;
	const double moved = (double)(run.moved - had), share = system_share(at_start, spent());
	tern_device_stats(link, &after);
	const uint64_t packets = sends ? after.packets_out - before.packets_out : after.packets_in - before.packets_in;

	if (moved <= 0)
		bench_fail("%s: nothing moved", what->name);
	bench_need(tern_abort(run.host, run.socket), "the end");
	(void)tern_loop_turn(run.loop, 0);
	tern_loop_destroy(run.loop);
	tern_host_destroy(run.host);
	if (run.lent != 0)
		bench_fail("owned memory was not released");
	free(run.block);
	return (struct figures){ .rate = moved * 8 / seconds / 1e9, .cpu = used / (moved / 1e9),
				 .octets = moved / (double)packets, .system = share };
}

/* ---- peers, a process each that is given the device ---- */

enum { GVISOR, LWIP, PEERS };

static const struct {
	const char *name, *program;
} peers[PEERS] = {
	[GVISOR] = { "gVisor", "gvisor" },
	[LWIP] = { "lwIP, window 256 KiB", "lwip-256k" },
};

struct samples {
	double	 rate[BENCH_ROUNDS_MAX], cpu[BENCH_ROUNDS_MAX], octets, system, system_cpu;
	unsigned n;
	struct peer peer[PEERS]; /* of them only samples and version are kept */
};

/* One direction, with a device and a far end of its own. */
static void peer_turn(const struct bench *bench, const struct device_case *what, bool sends, unsigned which,
		      struct peer *had)
{
	const struct device_settings settings = { .mtu = what->mtu, .plain = true };
	struct device_peer	     far;
	struct peer		     peer;
	const char		    *why;
	char			     program[128];

	if (bench->alone || bench->quick || !device_peer_start(&far, &settings, &why))
		return;
	(void)fcntl(far.device, F_SETFD, 0); /* the peer's program inherits it */
	snprintf(program, sizeof program, "%s device %s %d %u %s %s %d", peers[which].program, sends ? "to" : "from",
		 far.device, what->mtu, DEVICE_OURS, DEVICE_PEERS, sends ? DEVICE_SINK : DEVICE_SOURCE);
	peer_start(&peer, bench, &(struct peer_what){ .name = peers[which].name, .program = program });
	peer_round(&peer);
	peer_stop(&peer);
	device_peer_stop(&far);
	if (peer.n == 0 || had->n == BENCH_ROUNDS_MAX)
		return;
	had->samples[had->n++] = peer.samples[0];
	memcpy(had->version, peer.version, sizeof had->version);
}

/* ---- rows ---- */

/* What the system calls leave: the rate of a core that does nothing else. */
static void note_bound(struct bench_row *row, const struct samples *s)
{
	snprintf(row->note, sizeof row->note, "%.0f %% of it in system calls, which bound it to %.1f Gbit/s a core",
		 100 * s->system / s->n, 8 / (s->system_cpu / s->n));
}

static void add_rows(struct bench *bench, const struct device_case *what, struct samples samples[2])
{
	for (unsigned way = 0; way < 2; way++) {
		struct samples *const s = &samples[way];
		char		      name[BENCH_METRIC];

		if (s->n == 0)
			continue;
		snprintf(name, sizeof name, "%s Linux, %s", way ? "to" : "from", what->name);
		const struct bench_case rate = { "device", name, "Gbit/s", way ? what->to : what->from, BENCH_HIGHER };
		struct bench_row *const row = bench_add(bench, &rate, s->rate, s->n);

		snprintf(row->note, sizeof row->note, "%.0f octets of text a packet", s->octets / s->n);
		for (unsigned i = 0; i < PEERS; i++)
			bench_add_peer(row, peers[i].name, s->peer[i].version, s->peer[i].samples, s->peer[i].n);
		snprintf(name, sizeof name, "%s Linux, CPU, %s", way ? "to" : "from", what->name);
		const struct bench_case cpu = { "device", name, "s/GB", NAN, BENCH_LOWER };
		note_bound(bench_add(bench, &cpu, s->cpu, s->n), s);
	}
}

/* Both directions. False: there is no such device here, which has been said. */
static bool one_round(const struct bench *bench, const struct device_case *what, struct samples samples[2])
{
	const struct device_settings settings = { .mtu = what->mtu, .tap = what->tap, .plain = what->plain };
	const tern_time		     span = bench->quick ? 200 * TERN_MILLISECOND : TERN_SECOND;

	for (unsigned way = 0; way < 2; way++) {
		struct samples *const s = &samples[way];
		struct device_peer    peer;
		const char	     *why;

		if (!device_peer_start(&peer, &settings, &why)) {
			fprintf(stderr, "tern-bench: device: %s: %s; left out\n", what->name, why);
			return false;
		}
		const struct figures figures = measure(what, &peer, way == 1, span);
		device_peer_stop(&peer);
		s->rate[s->n] = figures.rate;
		s->cpu[s->n] = figures.cpu;
		s->octets += figures.octets;
		s->system += figures.system;
		s->system_cpu += figures.system * figures.cpu;
		s->n++;
		if (what->gvisor)
			peer_turn(bench, what, way == 1, GVISOR, &s->peer[GVISOR]);
		if (what->lwip)
			peer_turn(bench, what, way == 1, LWIP, &s->peer[LWIP]);
	}
	return true;
}

void bench_device(struct bench *bench)
{
	static struct samples samples[N_CASES][2];
	bool		      here = true;

	memset(samples, 0, sizeof samples);
	for (unsigned round = 0; round < bench->rounds && here; round++)
		for (unsigned i = 0; i < N_CASES && here; i++)
			here = one_round(bench, &cases[i], samples[i]);
	for (unsigned i = 0; i < N_CASES; i++)
		add_rows(bench, &cases[i], samples[i]);
}
