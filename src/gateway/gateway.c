/* Making, running and ending a gateway.
 *
 * Order of making: addresses; the guest (namespaces and fork, while we are one thread with nothing open); loop, link,
 * host; the rooms; what we no longer need is given up; the command is let go. Ending is the reverse, so that no
 * room is told of anything after it has let go.
 *
 * When the command has ended, its namespace lives on until its kernel has no more to send and we have passed it on
 * (--linger at most): an upload whose program exits right after close() arrives whole.
 */
#include "gateway/gateway.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/capture.h"
#include "gateway/chunk.h"
#include "gateway/impaired.h"
#include "gateway/show.h"
#include "wire/tuple.h"

enum { GATEWAY_AT = 2, DNS_AT = 3, GUEST_AT = 100, VM_AT = 15 };
enum { SPARE_DESCRIPTORS = 64 }; /* for everything that is no flow */

static const tern_time LOOK_SPAN = 20 * TERN_MILLISECOND; /* between looks at what still drains */

void gateway_say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("tern: gateway: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
}

static int fail(const char *what, int error)
{
	gateway_say("%s: %s", what, strerror(error < 0 ? -error : error));
	return 1;
}

/* ---- addresses ---- */

static struct tern_addr host_at(const struct tern_addr *network, unsigned bits, uint32_t at)
{
	const uint32_t mask = bits > 0 ? ~UINT32_C(0) << (32 - bits) : 0;

	return addr_v4((addr_v4_of(network) & mask) + at);
}

static struct tern_addr host6_at(uint8_t high, uint8_t low)
{
	return (struct tern_addr){ { [0] = 0xfd, [14] = high, [15] = low } };
}

/* The kernel's list has a line for each address; ::1 alone is reason enough: the guest reaches it at fd00::2. */
static bool host_has_ipv6(void)
{
	FILE *const file = fopen("/proc/net/if_inet6", "re");
	const bool  has = file && fgetc(file) != EOF;

	if (file)
		fclose(file);
	return has;
}

static void set_addresses(struct gateway *gateway)
{
	const struct gateway_options *const options = gateway->options;
	const bool			    vm = options->guest == GUEST_QEMU;

	gateway->gateway4 = host_at(&options->network, options->bits, GATEWAY_AT);
	gateway->dns4 = host_at(&options->network, options->bits, DNS_AT);
	gateway->guest4 = host_at(&options->network, options->bits, vm ? VM_AT : GUEST_AT);
	gateway->gateway6 = host6_at(0, GATEWAY_AT);
	gateway->dns6 = host6_at(0, DNS_AT);
	gateway->guest6 = host6_at(vm ? 0 : 1, vm ? 0x15 : 0); /* fd00::100 */
	gateway->ipv6 = !options->no_ipv6 && host_has_ipv6();
}

/* ---- the host and what it stands on ---- */

static int make_link(struct gateway *gateway)
{
	const struct gateway_options *const options = gateway->options;
	const struct tern_allocator *const  allocator = tern_allocator_default();
	const struct tern_tun		    tun = { .mtu = options->mtu,
						    .plain = options->plain || options->impaired,
						    .uso = true };
	const struct tern_qemu		    qemu = { .path = options->qemu,
						     .dgram = options->qemu_dgram,
						     .mtu = options->mtu };
	int				    error;

	if (options->guest == GUEST_QEMU)
		error = tern_qemu_create(&gateway->link, &qemu, allocator);
	else
		error = tern_tun_adopt(&gateway->link, gateway->guest.device, &tun, allocator);
	if (error)
		return error;
	if (options->guest != GUEST_QEMU)
		gateway->guest.device = -1; /* the link's */
	gateway->device = gateway->link;
	gateway->link->config.proxy_any = gateway->link->config.ethernet; /* all but the guest is behind us */
	if (options->impaired)
		error = impaired_create(&gateway->link, gateway->link, &options->impair);
	if (!error && options->pcap)
		error = capture_open(gateway, gateway->link->config.ethernet);
	if (error) {
		gateway->link->ops->close(gateway->link);
		gateway->link = NULL;
	}
	return error;
}

static size_t take(void *context, uint64_t cookie, const uint8_t *text, size_t n)
{
	return cookie >> 56 == OWNER_TCP ? relay_tcp_take(context, cookie, text, n) : 0;
}

int gateway_unwritable(const char *option, const char *path, int error)
{
	gateway_say("%s: cannot write '%s': %s", option, path, strerror(-error));
	return error;
}

void gateway_close_file(const char *option, const char *path, FILE *file)
{
	const bool failed = ferror(file) != 0; /* on the way, though there may be room by now */

	if (fclose(file) != 0 || failed)
		gateway_say("%s: '%s' is not whole: %s", option, path,
			    failed ? "it could not be written" : strerror(errno));
}

/* What is kept holds the host's secret and all that is said: its owner's alone. */
static int make_recorded(struct gateway *gateway, const struct tern_config *config)
{
	const struct gateway_options *const options = gateway->options;
	const mode_t			    before = umask(077);
	const int error = tern_recording_create(&gateway->recording, options->record, options->called);

	(void)umask(before);
	if (error)
		return gateway_unwritable("--record", options->record, error);
	return tern_recording_host(gateway->recording, &gateway->host, config, "tern", tern_loop_now(gateway->loop));
}

static int make_host(struct gateway *gateway)
{
	const struct gateway_options *const options = gateway->options;
	struct tern_config		    config = options->settings;

	config.allocator = *tern_allocator_default();
	config.taker = (struct tern_taker){ take, gateway };
	config.forwarding_any = true;
	config.no_syn_cookies = true; /* every SYN is asked about; beyond the limit they are dropped, and counted */
	config.half_open_max = options->half_open_max;
	config.memory_limit = options->memory < SIZE_MAX ? (size_t)options->memory : SIZE_MAX;
	if (options->cc)
		config.congestion_control = options->cc;
	if (gateway->show || gateway->capture || gateway->history)
		config.watcher = (struct tern_watcher){ show_event, gateway };
	if (getrandom(config.secret, sizeof config.secret, 0) != sizeof config.secret)
		return -errno;
	if (options->record)
		return make_recorded(gateway, &config);
	return tern_host_create(&gateway->host, &config, tern_loop_now(gateway->loop));
}

static int add_addresses(struct gateway *gateway)
{
	const struct {
		struct tern_addr addr;
		unsigned	 bits;
	} ours[] = { { gateway->gateway4, gateway->options->bits }, { gateway->dns4, gateway->options->bits },
		     { gateway->gateway6, 64 }, { gateway->dns6, 64 } };
	const struct tern_addr none4 = addr_v4(0), none6 = { { 0 } };
	int		       error = 0;

	for (unsigned i = 0; i < (gateway->ipv6 ? 4 : 2) && !error; i++)
		error = tern_host_add_address(gateway->host, gateway->link_number, &ours[i].addr, ours[i].bits);
	if (!error && gateway->ipv6 && gateway->device->config.ethernet)
		error = tern_host_add_link_local(gateway->host, gateway->link_number);
	if (!error)
		error = tern_host_add_route(gateway->host, &none4, 0, gateway->link_number, NULL);
	if (!error && gateway->ipv6)
		error = tern_host_add_route(gateway->host, &none6, 0, gateway->link_number, NULL);
	return error;
}

static void on_event(void *context, tern_host *host, const struct tern_event *event)
{
	struct gateway *const gateway = context;

	(void)host;
	switch ((enum gateway_owner)(event->cookie >> 56)) {
	case OWNER_TCP_LISTENER:
	case OWNER_TCP: relay_tcp_event(gateway, event); break;
	case OWNER_UDP_ANY: relay_udp_event(gateway, event); break;
	case OWNER_ECHO_ANY: relay_echo_event(gateway, event); break;
	case OWNER_DHCP: dhcp_event(gateway, event); break;
	case OWNER_DHCP6: dhcp6_event(gateway, event); break;
	case OWNER_RA: ra_event(gateway, event); break;
	default: break;
	}
}

static int make_stack(struct gateway *gateway)
{
	int error = tern_loop_create(&gateway->loop, TERN_CLOCK_REAL);

	if (!error && (gateway->options->watch || gateway->options->json))
		error = show_open(gateway);
	if (!error)
		error = gateway_history_open(gateway);
	if (!error)
		error = make_link(gateway);
	if (!error)
		error = make_host(gateway);
	if (error)
		return error;
	error = tern_loop_add(gateway->loop, gateway->host, gateway->link, &gateway->link_number);
	if (error) {
		gateway->link->ops->close(gateway->link);
		gateway->link = NULL;
		return error;
	}
	error = add_addresses(gateway);
	return error ? error : tern_loop_on_event(gateway->loop, gateway->host, on_event, gateway);
}

/* As many descriptors as we may have; flows share what is left over. */
static uint32_t flows_of_limit(const struct gateway_options *options)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return options->flows_max;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= options->flows_max + (rlim_t)SPARE_DESCRIPTORS)
		return options->flows_max;
	if (limit.rlim_cur <= 2 * SPARE_DESCRIPTORS)
		return SPARE_DESCRIPTORS;
	return (uint32_t)limit.rlim_cur - SPARE_DESCRIPTORS;
}

static int open_forwards(struct gateway *gateway)
{
	for (unsigned i = 0; i < gateway->options->n_forwards; i++) {
		const struct forward *const forward = &gateway->options->forwards[i];
		const int		    error = forward_add(gateway, forward, NULL);
		char			    text[80];

		if (error) {
			gateway_say("-p %s: %s", forward_format(text, forward), strerror(-error));
			return error;
		}
	}
	return 0;
}

/* 0 or the exit code; what was wrong has been said. */
static int open_rooms(struct gateway *gateway)
{
	static const struct {
		const char *what;
		int (*open)(struct gateway *gateway);
	} rooms[] = {
		{ "TCP", relay_tcp_open }, { "UDP", relay_udp_open },	    { "echo", relay_echo_open },
		{ "DNS", dns_open },	   { "DHCP", dhcp_open },	    { "DHCPv6", dhcp6_open },
		{ "advertisements", ra_open },
	};
	char error[GATEWAY_ERROR];

	for (unsigned i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
		const int failed = rooms[i].open(gateway);

		if (failed)
			return fail(rooms[i].what, failed);
	}
	const int refused = control_open(gateway);
	if (refused) {
		gateway_say("--control: '%s': %s", gateway->options->control, strerror(-refused));
		return 1;
	}
	if (open_forwards(gateway))
		return 1;
	if (!gateway->options->no_sandbox && sandbox_enter(gateway, error)) {
		gateway_say("%s", error);
		return 1;
	}
	return 0;
}

/* ---- running ---- */

void gateway_guest_ended(struct gateway *gateway, int status)
{
	const tern_time now = tern_loop_now(gateway->loop);

	if (gateway->ending)
		return;
	gateway->ending = true;
	gateway->status = status;
	gateway->end_by = now + gateway->options->linger;
	gateway->look_at = now;
}

static void look(struct gateway *gateway, tern_time now)
{
	const bool drained = guest_orphans(gateway) <= 0 && relay_tcp_is_drained(gateway);

	gateway->look_at = now + LOOK_SPAN;
	if (drained || now >= gateway->end_by || tern_device_error(gateway->device))
		gateway->stop = true;
}

static const struct room_timer {
	tern_time (*deadline)(const struct gateway *gateway);
	void (*expire)(struct gateway *gateway, tern_time now);
} timers[] = {
	{ relay_tcp_deadline, relay_tcp_expire }, { relay_udp_deadline, relay_udp_expire },
	{ relay_echo_deadline, relay_echo_expire }, { ra_deadline, ra_expire },
};

enum { N_TIMERS = sizeof timers / sizeof timers[0] };

static tern_time deadline(const struct gateway *gateway)
{
	tern_time at = gateway->ending ? gateway->look_at : TERN_NEVER;

	for (unsigned i = 0; i < N_TIMERS; i++) {
		const tern_time t = timers[i].deadline(gateway);

		at = t < at ? t : at;
	}
	return at;
}

static int serve(struct gateway *gateway)
{
	while (!gateway->stop) {
		const tern_time at = deadline(gateway), before = tern_loop_now(gateway->loop);
		const tern_time wait = at == TERN_NEVER ? TERN_NEVER : at > before ? at - before : 0;
		const int	turned = tern_loop_turn(gateway->loop, wait);

		if (turned < 0)
			return fail("the loop", turned);
		const tern_time now = tern_loop_now(gateway->loop);

		for (unsigned i = 0; i < N_TIMERS; i++)
			if (timers[i].deadline(gateway) <= now)
				timers[i].expire(gateway, now);
		if (gateway->ending && now >= gateway->look_at)
			look(gateway, now);
		if (gateway->show)
			show_flush(gateway);
	}
	return gateway->status;
}

/* ---- counters ---- */

bool gateway_stats_at(const struct gateway_stats *stats, size_t i, const char **name, uint64_t *value)
{
	static const struct {
		const char *name;
		size_t	    at;
	} known[] = {
#define STAT(field) { #field, offsetof(struct gateway_stats, field) }
		STAT(tcp_opened), STAT(tcp_closed), STAT(tcp_refused), STAT(tcp_unreachable), STAT(tcp_timed_out),
		STAT(tcp_cancelled), STAT(tcp_denied), STAT(tcp_reset_by_guest), STAT(tcp_reset_by_server),
		STAT(tcp_inbound), STAT(tcp_inbound_failed), STAT(tcp_urgent_inline), STAT(flows_refused),
		STAT(half_open_refused), STAT(udp_flows), STAT(udp_up), STAT(udp_down), STAT(udp_denied),
		STAT(udp_errors), STAT(udp_dropped), STAT(echo_up), STAT(echo_down), STAT(echo_dropped),
		STAT(dns_queries), STAT(dns_answers), STAT(dns_failed), STAT(dhcp_offers),
		STAT(dhcp_acks), STAT(dhcp_naks), STAT(dhcp_declines), STAT(dhcp_dropped), STAT(dhcp6_replies),
		STAT(router_advertisements), STAT(octets_up), STAT(octets_down),
		STAT(octets_direct),
#undef STAT
	};

	if (i >= sizeof known / sizeof known[0])
		return false;
	*name = known[i].name;
	memcpy(value, (const char *)stats + known[i].at, sizeof *value);
	return true;
}

/* Flows that the end of the guest left behind, before they are let go. */
static void print_flows(const struct gateway *gateway)
{
	fprintf(stderr, "flows %u\nflows_most %llu\n", gateway->flows.n, (unsigned long long)gateway->flows.most);
}

/* What there was, and what is left once every room has let go: blocks, chunks, bytes. A line each, "name value". */
static void print_stats(const struct gateway *gateway)
{
	struct tern_stats stats;
	const char	 *name;
	uint64_t	  value;

	for (size_t i = 0; gateway_stats_at(&gateway->stats, i, &name, &value); i++)
		if (value)
			fprintf(stderr, "%s %llu\n", name, (unsigned long long)value);
	if (gateway->tcp.chunks)
		fprintf(stderr, "chunks_lent %zu\n", gateway->tcp.chunks->n - gateway->tcp.chunks->n_free);
	tern_host_stats(gateway->host, &stats);
	for (size_t i = 0; tern_stats_at(&stats, i, &name, &value); i++)
		if (value)
			fprintf(stderr, "%s %llu\n", name, (unsigned long long)value);
}

/* ---- all of it ---- */

static void end(struct gateway *gateway)
{
	if (gateway->options->stats && gateway->host)
		print_flows(gateway);
	forward_done(gateway);
	control_done(gateway);
	dns_done(gateway);
	ra_done(gateway);
	relay_echo_done(gateway);
	relay_udp_done(gateway);
	relay_tcp_done(gateway);
	if (gateway->host && gateway->loop && gateway->link)
		(void)tern_loop_turn(gateway->loop, 0); /* the last resets */
	if (gateway->options->stats && gateway->host)
		print_stats(gateway);
	guest_done(gateway);
	if (gateway->show)
		show_done(gateway);
	if (gateway->loop)
		tern_loop_destroy(gateway->loop); /* closes the link, and with it the capture */
	if (gateway->host)
		tern_host_destroy(gateway->host);
	gateway_history_done(gateway);
	if (gateway->recording) {
		const int error = tern_recording_close(gateway->recording);

		if (error)
			gateway_say("--record: '%s' is not whole: %s", gateway->options->record, strerror(-error));
	}
	chunks_delete(gateway->tcp.chunks);
	flow_table_done(&gateway->flows);
}

static int run(struct gateway *gateway)
{
	char error[GATEWAY_ERROR] = "";
	int  code = guest_open(gateway, error);

	if (code) {
		gateway_say("%s", error);
		return code;
	}
	int failed = flow_table_init(&gateway->flows, flows_of_limit(gateway->options));

	if (!failed)
		failed = make_stack(gateway);
	if (failed)
		return fail("cannot be set up", failed);
	code = open_rooms(gateway);
	if (code)
		return code;
	failed = guest_go(gateway);
	return failed ? fail("the guest", failed) : serve(gateway);
}

int gateway_run(const struct gateway_options *options)
{
	struct gateway gateway = { .options = options,
				   .guest = { .device = -1, .pidfd = -1, .gate = -1, .diag = -1, .signals = -1 } };

	set_addresses(&gateway);
	const int code = run(&gateway);

	end(&gateway);
	return code;
}
