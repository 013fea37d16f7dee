/* tern wire: two devices, joined by a bridge with an impairment each way.
 *
 *	device 1 -> bridge -> impairment of what comes from 1 -> device 2
 *	device 1 <- impairment of what comes from 2 <- bridge <- device 2
 *
 * The impairments decide and hold (link/impair.c), the bridge moves (link/bridge.c); here are the clock and the
 * waiting. Sleep ends when a device has a frame or the next held one is due: the timer's slack is taken off (prctl(2)),
 * and --realtime lets no other process come first; but it does not wake for frames due one by one within GRAIN,
 * which then go together, late by as much. Frames come with every checksum made and cut to size, so that each that a
 * receiver sees had a fate of its own, and a flipped bit is found.
 *
 * SIGINT and SIGTERM end it, SIGUSR1 has the counters printed; they are let in while it sleeps, alone.
 */
#include "link/bridge.h"
#include "link/netdev.h"
#include "link/netns.h"
#include "loop/loop.h"
#include "tool/tool.h"
#include "tool/wire.h"
#include "watch/pcapng.h"
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
	FATES = TERN_FATE_TOO_BIG + 1,
	COMMENT = 64,
	HELD = 512 << 20,
	GRAIN = 40000, /* ns: at 1 Gbit/s a frame is due every 12 us, and to wake costs half of that */
};

struct direction {
	struct wire *wire;
	uint64_t frames, bytes, fate[FATES];
};

struct wire {
	const struct wire_options *options;
	struct tern_link *device[WIRE_SIDES]; /* under the bridge's sides, which own them */
	struct bridge bridge;
	struct direction from[WIRE_SIDES];
	FILE *pcap;
	tern_time epoch; /* to add to the clock for the time since 1970 */
	tern_time now;
};

static volatile sig_atomic_t ended, asked;

static void on_signal(int number)
{
	if (number == SIGUSR1)
		asked = 1;
	else
		ended = number;
}

static tern_time clock_at(clockid_t clock)
{
	struct timespec t;
	(void)clock_gettime(clock, &t);
	return (tern_time)t.tv_sec * TERN_SECOND + t.tv_nsec;
}

static tern_time read_clock(void *context)
{
	struct wire *const wire = context;
	return wire->now = clock_at(CLOCK_MONOTONIC);
}

/* ---- what befalls frames ---- */

static void capture(const struct wire *wire, const struct direction *from, uint64_t n, const tern_packet *frame,
		    enum tern_fate fate, tern_time arrives)
{
	const bool first = from == &wire->from[0];
	struct pcapng_part parts[TERN_PACKET_PARTS];
	char comment[COMMENT];
	const double held = arrives == TERN_NEVER ? 0 : (double)(arrives - wire->now) / 1e6;
	for (unsigned i = 0; i < frame->n_parts; i++)
		parts[i] = (struct pcapng_part){ frame->part[i].at, frame->part[i].n };
	const int length = snprintf(comment, sizeof comment, "%s:%" PRIu64 " %s", first ? "1" : "2", n,
				    tern_fate_name(fate));
	if (arrives != TERN_NEVER)
		(void)snprintf(comment + length, sizeof comment - (size_t)length, ", held %.3f ms", held);
	pcapng_packet(wire->pcap, wire->now + wire->epoch, first ? PCAPNG_INBOUND : PCAPNG_OUTBOUND, parts,
		      frame->n_parts, comment);
}

static void on_fate(void *context, uint64_t n, const tern_packet *frame, enum tern_fate fate, tern_time arrives)
{
	struct direction *const from = context;
	from->frames++;
	from->bytes += frame->len;
	from->fate[fate]++;
	if (from->wire->pcap != NULL)
		capture(from->wire, from, n, frame, fate, arrives);
}

/* ---- counters ---- */

static void print_json(const struct wire *wire, unsigned side)
{
	const struct direction *const from = &wire->from[side];
	struct tern_device_stats in, out;
	tern_device_stats(wire->device[side], &in);
	tern_device_stats(wire->device[1 - side], &out);
	printf("{\"direction\":%u,\"from\":\"%s\",\"to\":\"%s\",\"frames\":%" PRIu64 ",\"bytes\":%" PRIu64, side + 1,
	       wire->options->device[side].word, wire->options->device[1 - side].word, from->frames, from->bytes);
	for (int i = 0; i < FATES; i++)
		printf(",\"%s\":%" PRIu64, tern_fate_name((enum tern_fate)i), from->fate[i]);
	printf(",\"device\":{\"in\":%" PRIu64 ",\"dropped_in\":%" PRIu64 ",\"out\":%" PRIu64
	       ",\"dropped_out\":%" PRIu64 "}}\n",
	       in.packets_in, in.dropped_in, out.packets_out, out.dropped_out);
}

static void print_text(const struct wire *wire, unsigned side)
{
	const struct direction *const from = &wire->from[side];
	struct tern_device_stats in, out;
	tern_device_stats(wire->device[side], &in);
	tern_device_stats(wire->device[1 - side], &out);
	printf("%s -> %s: %" PRIu64 " frames, %" PRIu64 " bytes", wire->options->device[side].word,
	       wire->options->device[1 - side].word, from->frames, from->bytes);
	for (int i = 0; i < FATES; i++)
		if (from->fate[i] > 0)
			printf("; %" PRIu64 " %s", from->fate[i], tern_fate_name((enum tern_fate)i));
	if (in.dropped_in > 0)
		printf("; %" PRIu64 " not taken in", in.dropped_in);
	if (out.dropped_out > 0)
		printf("; %" PRIu64 " refused by %s", out.dropped_out, wire->options->device[1 - side].word);
	putchar('\n');
}

static bool print_counters(const struct wire *wire)
{
	for (unsigned side = 0; side < WIRE_SIDES; side++)
		wire->options->json ? print_json(wire, side) : print_text(wire, side);
	return tool_flushed("wire");
}

/* ---- passing frames ---- */

/* Sleeps until the next is due, a device has something (then it is to be looked at), or a signal came. stuck: a device
 * had no room. */
static void sleep_until(struct wire *wire, tern_time until, bool stuck, const sigset_t *open)
{
	struct pollfd look[WIRE_SIDES];
	const tern_time now = clock_at(CLOCK_MONOTONIC);
	const tern_time wait = until == TERN_NEVER ? TERN_NEVER : until > now ? until - now : 0;
	const struct timespec span = loop_span(wait);
	for (unsigned i = 0; i < WIRE_SIDES; i++)
		look[i] = (struct pollfd){ .fd = wire->device[i]->ops->fd(wire->device[i]),
					   .events = (short)(POLLIN | (stuck ? POLLOUT : 0)) };
	const int n = ppoll(look, WIRE_SIDES, until == TERN_NEVER ? NULL : &span, open);
	for (unsigned i = 0; i < WIRE_SIDES; i++) {
		const struct tern_link *const device = wire->device[i];
		wire->bridge.look[i] |= n > 0 && look[i].revents != 0;
		wire->bridge.look[i] |= device->ops->deadline(device) <= now;
	}
}

/* 0, or what is wrong with a device for good. */
static int pass(struct wire *wire, const sigset_t *open)
{
	const tern_time limit = wire->options->lifetime;
	const tern_time end = limit == TERN_NEVER ? TERN_NEVER : clock_at(CLOCK_MONOTONIC) + limit;
	for (;;) {
		const size_t moved = bridge_move(&wire->bridge, read_clock(wire));
		for (unsigned i = 0; i < WIRE_SIDES; i++)
			if (tern_device_error(wire->device[i]) != 0)
				return tern_device_error(wire->device[i]);
		tern_time until = bridge_deadline(&wire->bridge);
		const bool stuck = moved == 0 && until <= wire->now;
		if (stuck) /* look again soon, or when there is room */
			until = wire->now + TERN_MILLISECOND;
		else if (moved == 0 && until < wire->now + GRAIN)
			until = wire->now + GRAIN;
		sleep_until(wire, until < end ? until : end, stuck, open);
		if (asked) {
			asked = 0;
			(void)print_counters(wire);
			if (wire->pcap != NULL)
				(void)fflush(wire->pcap);
		}
		if (ended || wire->now >= end)
			return 0;
	}
}

/* ---- opening ---- */

static int bring_up(void *context)
{
	return netdev_up(context);
}

static int open_device(const struct wire_device *device, struct tern_link **link)
{
	const char *const netns = device->netns[0] != '\0' ? device->netns : NULL;
	const struct tern_afpacket frames = { .name = device->name, .netns = netns, .plain = true, .up = true };
	const struct tern_tun tap = { .name = device->name, .netns = netns, .tap = true, .plain = true };
	if (!device->tap)
		return tern_afpacket_create(link, &frames, tern_allocator_default());
	int error = tern_tun_create(link, &tap, tern_allocator_default());
	if (error != 0)
		return error;
	error = netns_run(netns, bring_up, (void *)(uintptr_t)tern_tun_name(*link));
	if (error != 0)
		(*link)->ops->close(*link);
	return error;
}

static int complain(const struct wire_device *device, int error)
{
	switch (error) {
	case -ENODEV:
		return tool_failed("wire", "%s: there is no Ethernet interface of that name%s", device->word,
				   device->tap ? "" : " (tap:NAME makes a TAP device)");
	case -EPERM:
	case -EACCES: return tool_failed("wire", "%s: not permitted: run as root (see tern doctor)", device->word);
	case -EBUSY: return tool_failed("wire", "%s: another process has the device", device->word);
	case -ENOENT:
		return tool_failed("wire", "%s: there is no such network namespace%s", device->word,
				   device->tap ? ", or no /dev/net/tun" : "");
	default: return tool_failed("wire", "%s: %s", device->word, strerror(-error));
	}
}

/* Device i with the impairment of what goes there. TOOL_OK, or it was said. */
static int open_side(struct wire *wire, unsigned i)
{
	const struct wire_options *const options = wire->options;
	const unsigned from = 1 - i;
	struct tern_impair impair = options->impair[from];
	int error = open_device(&options->device[i], &wire->device[i]);
	if (error != 0)
		return complain(&options->device[i], error);
	if (impair.n_drop > 0)
		impair.drop = options->drop[from];
	impair.memory = HELD;
	impair.fate = on_fate;
	impair.context = &wire->from[from];
	error = tern_impair_create(&wire->bridge.side[i], wire->device[i], &impair, tern_allocator_default());
	if (error == 0)
		return TOOL_OK;
	wire->device[i]->ops->close(wire->device[i]);
	return tool_failed("wire", "%s", tern_strerror(error));
}

static int open_pcap(struct wire *wire)
{
	const char *const path = wire->options->pcap;
	if (path == NULL)
		return TOOL_OK;
	wire->pcap = fopen(path, "we");
	if (wire->pcap == NULL)
		return tool_wrong("wire", "--pcap: %s: %s", path, strerror(errno));
	wire->epoch = clock_at(CLOCK_REALTIME) - clock_at(CLOCK_MONOTONIC);
	pcapng_begin(wire->pcap, PCAPNG_ETHERNET, wire->options->device[0].word);
	return TOOL_OK;
}

static int close_pcap(struct wire *wire)
{
	if (wire->pcap == NULL)
		return TOOL_OK;
	const bool failed = ferror(wire->pcap) != 0;
	return fclose(wire->pcap) == 0 && !failed ? TOOL_OK : tool_failed("wire", "--pcap: it could not be written");
}

static int be_prompt(const struct wire_options *options)
{
	const struct sched_param least = { .sched_priority = 1 };
	(void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); /* ns: ppoll() wakes when it is told to */
	if (!options->realtime)
		return TOOL_OK;
	if (sched_setscheduler(0, SCHED_FIFO, &least) != 0)
		return tool_failed("wire", "--realtime: %s", strerror(errno));
	(void)mlockall(MCL_CURRENT);
	return TOOL_OK;
}

static void tell_ready(int fd)
{
	if (fd < 0)
		return;
	(void)!write(fd, "\n", 1);
	close(fd);
}

/* Signals come only while it sleeps: *open is what is let through then. */
static void catch_signals(sigset_t *open)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGUSR1 };
	const struct sigaction action = { .sa_handler = on_signal };
	sigset_t blocked;
	(void)sigemptyset(&blocked);
	for (unsigned i = 0; i < 3; i++) {
		(void)sigaction(numbers[i], &action, NULL);
		(void)sigaddset(&blocked, numbers[i]);
	}
	(void)sigprocmask(SIG_BLOCK, &blocked, open);
	for (unsigned i = 0; i < 3; i++)
		(void)sigdelset(open, numbers[i]);
}

static int run(struct wire *wire)
{
	sigset_t open;
	int code = be_prompt(wire->options);
	if (code != TOOL_OK)
		return code;
	catch_signals(&open);
	tell_ready(wire->options->ready_fd);
	const int error = pass(wire, &open);
	if (!print_counters(wire))
		code = TOOL_NOT_AS_EXPECTED;
	return error != 0 ? tool_failed("wire", "a device is gone: %s", strerror(-error)) : code;
}

int tool_wire(int n, char *const arguments[])
{
	static struct wire_options options;
	static struct wire wire;
	char why[256];
	if (!wire_options_parse(&options, n, arguments, why, sizeof why))
		return tool_wrong("wire", "%s", why);
	if (options.help) {
		wire_help(stdout);
		return tool_flushed("wire") ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
	}
	wire = (struct wire){
		.options = &options,
		.bridge = { .look = { true, true }, .clock = read_clock, .context = &wire },
	};
	wire.from[0].wire = wire.from[1].wire = &wire;
	int code = open_pcap(&wire);
	for (unsigned i = 0; i < WIRE_SIDES && code == TOOL_OK; i++)
		code = open_side(&wire, i);
	if (code == TOOL_OK)
		code = run(&wire);
	for (unsigned i = 0; i < WIRE_SIDES; i++)
		if (wire.bridge.side[i] != NULL)
			wire.bridge.side[i]->ops->close(wire.bridge.side[i]);
	const int closed = close_pcap(&wire);
	return code == TOOL_OK ? closed : code;
}
