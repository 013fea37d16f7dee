/* The command line of `tern gateway`: one table of options, one function for each kind of value. */
#include "lab/units.h"
#include "tool/gateway_options.h"
#include "wire/dhcp.h"
#include "wire/tuple.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum option {
	OPTION_ALL, OPTION_ALLOW, OPTION_ASCII, OPTION_ATTACH, OPTION_BOOTFILE, OPTION_CC, OPTION_CIDR, OPTION_COLOR,
	OPTION_CONTROL, OPTION_CORRUPT, OPTION_DELAY, OPTION_DENY, OPTION_DUPLICATE, OPTION_EXIT_FD,
	OPTION_FD, OPTION_FLOWS, OPTION_HALF_OPEN, OPTION_HELP, OPTION_JITTER, OPTION_JSON, OPTION_KEEPALIVE,
	OPTION_LIMIT, OPTION_LINGER, OPTION_LOSS, OPTION_MEMORY, OPTION_MTU, OPTION_NETNS, OPTION_NO_DHCP,
	OPTION_NO_DNS,
	OPTION_NO_HOST_LOOPBACK, OPTION_NO_IPV6, OPTION_NO_SANDBOX, OPTION_PCAP, OPTION_PLAIN,
	OPTION_PUBLISH, OPTION_QEMU, OPTION_QEMU_DGRAM, OPTION_RATE, OPTION_READY_FD, OPTION_REORDER,
	OPTION_SEED, OPTION_STATS, OPTION_TUN, OPTION_USER_TIMEOUT, OPTION_WATCH, OPTION_WIDTH,
};

/* In the order of --help. value NULL: takes none. */
static const struct {
	const char *name, *value, *help;
	enum option option;
} known[] = {
	{ "attach", "PID", "serve the namespaces of a running process instead of a command", OPTION_ATTACH },
	{ "netns", "PATH", "serve this network namespace, such as /run/netns/blue", OPTION_NETNS },
	{ "fd", "N", "serve the TAP or TUN device that is open as descriptor N", OPTION_FD },
	{ "qemu", "PATH", "serve a VM, 10.0.2.15 by DHCP: QEMU's -netdev stream over a UNIX socket",
	  OPTION_QEMU },
	{ "qemu-dgram", "PATH", "the same for -netdev dgram", OPTION_QEMU_DGRAM },
	{ "publish", "[ADDR:]PORT:GUESTPORT[/udp]", "connections from outside to the guest; repeatable",
	  OPTION_PUBLISH },
	{ "allow", "CIDR[:PORT]", "let the guest reach this, and nothing that is not allowed; repeatable",
	  OPTION_ALLOW },
	{ "deny", "CIDR[:PORT]", "do not let it; the first rule that matches decides; repeatable", OPTION_DENY },
	{ "cidr", "NETWORK", "the guest's network (10.0.2.0/24: guest .100, gateway .2, DNS .3)", OPTION_CIDR },
	{ "mtu", "N", "of the guest's device (1280 to 65520; 65520, for VMs 1500)", OPTION_MTU },
	{ "no-ipv6", NULL, "IPv4 alone", OPTION_NO_IPV6 },
	{ "no-host-loopback", NULL, "the gateway's address does not stand for the host's loopback",
	  OPTION_NO_HOST_LOOPBACK },
	{ "no-dhcp", NULL, "with --qemu and --fd: no DHCP, DHCPv6 and router advertisements", OPTION_NO_DHCP },
	{ "bootfile", "NAME", "that DHCP tells the guest to boot, such as http://10.0.2.2:8000/boot.ipxe",
	  OPTION_BOOTFILE },
	{ "no-dns", NULL, "no DNS at 10.0.2.3", OPTION_NO_DNS },
	{ "tun", NULL, "a TUN device: IP packets without Ethernet", OPTION_TUN },
	{ "plain", NULL, "no offloads: each packet is whole, each checksum made and checked by tern", OPTION_PLAIN },
	{ "linger", "TIME", "after the command: until its sockets have drained, at most (10s)", OPTION_LINGER },
	{ "keepalive", "TIME", "of silence until a peer is asked whether it is there; 0: never (600s)",
	  OPTION_KEEPALIVE },
	{ "user-timeout", "TIME", "a peer that acknowledges no data for as long is gone; 0: as TCP has it (924s)",
	  OPTION_USER_TIMEOUT },
	{ "flows", "N", "connections and datagram flows at once (16384)", OPTION_FLOWS },
	{ "half-open", "N", "connections that are not established yet (1024)", OPTION_HALF_OPEN },
	{ "memory", "BYTES", "for buffers, such as 64M (256M)", OPTION_MEMORY },
	{ "ready-fd", "N", "write a byte there when the guest can be used", OPTION_READY_FD },
	{ "exit-fd", "N", "end when this descriptor is closed at its other end", OPTION_EXIT_FD },
	{ "control", "PATH", "a UNIX socket for tern ctl: flows, forwards, counters", OPTION_CONTROL },
	{ "no-sandbox", NULL, "keep capabilities and system calls (for debugging)", OPTION_NO_SANDBOX },
	{ "watch", NULL, "draw each connection as it lives, on standard error", OPTION_WATCH },
	{ "all", NULL, "with --watch: every timer too", OPTION_ALL },
	{ "ascii", NULL, "draw with ASCII characters alone", OPTION_ASCII },
	{ "color", "WHEN", "auto, always or never", OPTION_COLOR },
	{ "width", "N", "columns of the drawing (72 to 200; else the terminal's)", OPTION_WIDTH },
	{ "json", "FILE", "JSON lines of every event; - is standard output", OPTION_JSON },
	{ "pcap", "FILE", "pcapng of every packet, with what tern made of it as its comment", OPTION_PCAP },
	{ "stats", NULL, "counters on standard error at the end", OPTION_STATS },
	{ "delay", "TIME", "hold each packet for as long, either way, such as 40ms", OPTION_DELAY },
	{ "jitter", "TIME", "delay varies by as much", OPTION_JITTER },
	{ "loss", "SHARE", "of the packets in either direction, such as 3%", OPTION_LOSS },
	{ "duplicate", "SHARE", "that arrives twice", OPTION_DUPLICATE },
	{ "corrupt", "SHARE", "that arrives with a bit flipped", OPTION_CORRUPT },
	{ "reorder", "SHARE", "that arrives late", OPTION_REORDER },
	{ "rate", "RATE", "the bottleneck, such as 10mbit", OPTION_RATE },
	{ "limit", "N", "packets that may wait for it (1 to 65536; 1000)", OPTION_LIMIT },
	{ "seed", "N", "what chance is drawn from", OPTION_SEED },
	{ "cc", "NAME", "congestion control towards the guest: cubic (the default), reno", OPTION_CC },
	{ "help", NULL, "this", OPTION_HELP },
};

enum { N_KNOWN = sizeof known / sizeof known[0] };

struct parser {
	struct gateway_options *options;
	char		       *error;
	size_t			size;
	bool			has_guest, has_mtu;
};

static bool wrong(struct parser *parser, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool wrong(struct parser *parser, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(parser->error, parser->size, format, arguments);
	va_end(arguments);
	return false;
}

static bool bad_value(struct parser *parser, unsigned i, const char *value, const char *wanted)
{
	return wrong(parser, "--%s: '%s' is not %s", known[i].name, value, wanted);
}

/* ---- values ---- */

static bool take_number(struct parser *parser, unsigned i, const char *value, uint64_t low, uint64_t high,
			uint64_t *to)
{
	if (units_number(value, low, high, to))
		return true;
	return wrong(parser, "--%s: '%s' is not a whole number from %llu to %llu", known[i].name, value,
		     (unsigned long long)low, (unsigned long long)high);
}

static bool take_u32(struct parser *parser, unsigned i, const char *value, uint32_t low, uint32_t high, uint32_t *to)
{
	uint64_t n;
	if (!take_number(parser, i, value, low, high, &n))
		return false;
	*to = (uint32_t)n;
	return true;
}

static bool take_fd(struct parser *parser, unsigned i, const char *value, int *to)
{
	uint64_t n;
	if (!take_number(parser, i, value, 0, INT32_MAX, &n))
		return false;
	*to = (int)n;
	return true;
}

static bool take_share(struct parser *parser, unsigned i, const char *value, double *to)
{
	parser->options->impaired = true;
	return units_share(value, to) || bad_value(parser, i, value, "a share from 0% to 100%, such as 3%");
}

static bool take_time(struct parser *parser, unsigned i, const char *value, tern_time *to)
{
	return units_time(value, to) || bad_value(parser, i, value, "a time of at most an hour, such as 40ms");
}

/* "64M", "1048576", "2G" */
static bool take_bytes(struct parser *parser, unsigned i, const char *value, uint64_t *to)
{
	static const char suffixes[] = "KMG";
	char digits[24];
	const size_t n = strspn(value, "0123456789");
	const char *const suffix = value[n] != '\0' ? strchr(suffixes, value[n]) : NULL;
	uint64_t number = 0;
	bool good = n > 0 && n < sizeof digits && (value[n] == '\0' || (suffix != NULL && value[n + 1] == '\0'));
	if (good) {
		memcpy(digits, value, n);
		digits[n] = '\0';
		good = units_number(digits, 1, UINT64_C(1) << 40, &number);
	}
	if (good && suffix != NULL)
		number <<= 10 * (suffix - suffixes + 1);
	if (!good || number < UINT64_C(1) << 20 || number > UINT64_C(1) << 40)
		return bad_value(parser, i, value, "a number of bytes from 1M to 1024G");
	*to = number;
	return true;
}

static bool take_cidr(struct parser *parser, unsigned i, const char *value)
{
	struct gateway_options *const options = parser->options;
	const char *const slash = strchr(value, '/');
	char address[46];
	uint64_t bits;
	if (slash == NULL || (size_t)(slash - value) >= sizeof address)
		return bad_value(parser, i, value, "a network, such as 10.0.2.0/24");
	memcpy(address, value, (size_t)(slash - value));
	address[slash - value] = '\0';
	struct tern_addr network;
	if (tern_addr_parse(&network, address) != 0 || !addr_is_v4(&network) ||
	    !units_number(slash + 1, 8, 25, &bits))
		return bad_value(parser, i, value, "an IPv4 network of 8 to 25 bits, such as 10.0.2.0/24");
	if (addr_v4_of(&network) << bits != 0)
		return bad_value(parser, i, value, "a network: it has bits beyond its prefix");
	options->network = network;
	options->bits = (unsigned)bits;
	return true;
}

static bool take_guest(struct parser *parser, unsigned i, const char *value)
{
	struct gateway_options *const options = parser->options;
	uint64_t pid;
	if (parser->has_guest)
		return wrong(parser, "--%s: there is a guest already", known[i].name);
	parser->has_guest = true;
	switch (known[i].option) {
	case OPTION_ATTACH:
		options->guest = GUEST_ATTACH;
		if (!take_number(parser, i, value, 1, INT32_MAX, &pid))
			return false;
		options->pid = (long)pid;
		return true;
	case OPTION_NETNS:
		options->guest = GUEST_NETNS;
		options->netns = value;
		break;
	case OPTION_FD:
		options->guest = GUEST_FD;
		return take_fd(parser, i, value, &options->fd);
	default:
		options->guest = GUEST_QEMU;
		options->qemu = value;
		options->qemu_dgram = known[i].option == OPTION_QEMU_DGRAM;
		break;
	}
	return *value != '\0' || bad_value(parser, i, value, "a path");
}

static bool take_rule(struct parser *parser, unsigned i, const char *value)
{
	switch (filter_add(&parser->options->filter, known[i].option == OPTION_ALLOW, value)) {
	case 0: return true;
	case -TERN_ENOMEM: return wrong(parser, "--%s: '%s' is one rule too many", known[i].name, value);
	default:
		return bad_value(parser, i, value, "such as 192.0.2.0/24, 192.0.2.1:443, [2001:db8::]/32:80 or *:53");
	}
}

static bool take_publish(struct parser *parser, const char *value)
{
	struct gateway_options *const options = parser->options;
	if (options->n_forwards == GATEWAY_FORWARDS)
		return wrong(parser, "-p: '%s' is one too many", value);
	if (forward_parse(&options->forwards[options->n_forwards], value) != 0)
		return wrong(parser, "-p: '%s' is not [ADDR:]HOSTPORT:GUESTPORT[/udp], such as 8080:80", value);
	options->n_forwards++;
	return true;
}

static bool take_colour(struct parser *parser, unsigned i, const char *value)
{
	static const char *const colours[] = { "auto", "always", "never" };
	for (unsigned j = 0; j < 3; j++)
		if (strcmp(value, colours[j]) == 0) {
			parser->options->colour = (enum gateway_colour)j;
			return true;
		}
	return bad_value(parser, i, value, "auto, always or never");
}

static bool take_impairment(struct parser *parser, unsigned i, const char *value)
{
	struct tern_impair *const impair = &parser->options->impair;
	parser->options->impaired = true;
	switch (known[i].option) {
	case OPTION_DELAY: return take_time(parser, i, value, &impair->delay);
	case OPTION_JITTER: return take_time(parser, i, value, &impair->jitter);
	case OPTION_LOSS: return take_share(parser, i, value, &impair->loss);
	case OPTION_DUPLICATE: return take_share(parser, i, value, &impair->duplicate);
	case OPTION_CORRUPT: return take_share(parser, i, value, &impair->corrupt);
	case OPTION_REORDER: return take_share(parser, i, value, &impair->reorder);
	case OPTION_LIMIT: return take_u32(parser, i, value, 1, 65536, &impair->limit);
	case OPTION_RATE:
		return units_rate(value, &impair->rate) ||
		       bad_value(parser, i, value, "a rate of at least 8bit, such as 10mbit");
	default: return wrong(parser, "--%s is not understood", known[i].name);
	}
}

static bool take_name(struct parser *parser, unsigned i, const char *value, const char **to)
{
	*to = value;
	return *value != '\0' || bad_value(parser, i, value, "a name");
}

static bool take_boot_file(struct parser *parser, unsigned i, const char *value)
{
	parser->options->boot_file = value;
	return (*value != '\0' && strlen(value) <= DHCP_BOOT_FILE_MOST) ||
	       bad_value(parser, i, value, "a name of 1 to 255 octets");
}

static bool take_value(struct parser *parser, unsigned i, const char *value)
{
	struct gateway_options *const options = parser->options;
	switch (known[i].option) {
	case OPTION_ATTACH:
	case OPTION_NETNS:
	case OPTION_FD:
	case OPTION_QEMU:
	case OPTION_QEMU_DGRAM: return take_guest(parser, i, value);
	case OPTION_ALLOW:
	case OPTION_DENY: return take_rule(parser, i, value);
	case OPTION_PUBLISH: return take_publish(parser, value);
	case OPTION_CIDR: return take_cidr(parser, i, value);
	case OPTION_BOOTFILE: return take_boot_file(parser, i, value);
	case OPTION_COLOR: return take_colour(parser, i, value);
	case OPTION_CC: return take_name(parser, i, value, &options->cc);
	case OPTION_CONTROL: return take_name(parser, i, value, &options->control);
	case OPTION_JSON: return take_name(parser, i, value, &options->json);
	case OPTION_PCAP: return take_name(parser, i, value, &options->pcap);
	case OPTION_READY_FD: return take_fd(parser, i, value, &options->ready_fd);
	case OPTION_EXIT_FD: return take_fd(parser, i, value, &options->exit_fd);
	case OPTION_FLOWS: return take_u32(parser, i, value, 1, 1 << 20, &options->flows_max);
	case OPTION_HALF_OPEN: return take_u32(parser, i, value, 1, 1 << 16, &options->half_open_max);
	case OPTION_KEEPALIVE: return take_time(parser, i, value, &options->keepalive);
	case OPTION_USER_TIMEOUT: return take_time(parser, i, value, &options->user_timeout);
	case OPTION_LINGER: return take_time(parser, i, value, &options->linger);
	case OPTION_MEMORY: return take_bytes(parser, i, value, &options->memory);
	case OPTION_MTU: parser->has_mtu = true; return take_u32(parser, i, value, 1280, 65520, &options->mtu);
	case OPTION_WIDTH: return take_u32(parser, i, value, 72, 200, &options->columns);
	case OPTION_SEED: return take_number(parser, i, value, 0, UINT64_MAX, &options->impair.seed);
	default: return take_impairment(parser, i, value);
	}
}

static void take_switch(struct gateway_options *options, enum option option)
{
	switch (option) {
	case OPTION_ALL: options->watch_all = true; return;
	case OPTION_ASCII: options->ascii = true; return;
	case OPTION_HELP: options->help = true; return;
	case OPTION_NO_DHCP: options->no_dhcp = true; return;
	case OPTION_NO_DNS: options->no_dns = true; return;
	case OPTION_NO_HOST_LOOPBACK: options->no_host_loopback = true; return;
	case OPTION_NO_IPV6: options->no_ipv6 = true; return;
	case OPTION_NO_SANDBOX: options->no_sandbox = true; return;
	case OPTION_PLAIN: options->plain = true; return;
	case OPTION_STATS: options->stats = true; return;
	case OPTION_TUN: options->tun = true; return;
	case OPTION_WATCH: options->watch = true; return;
	default: return;
	}
}

/* ---- the line ---- */

static unsigned by_name(const char *name, size_t n)
{
	unsigned i = 0;
	while (i < N_KNOWN && (strlen(known[i].name) != n || memcmp(known[i].name, name, n) != 0))
		i++;
	return i;
}

/* One option and, where it takes one, its value: how many arguments; 0: wrong. */
static int take(struct parser *parser, int n, char *const arguments[])
{
	const char *const argument = arguments[0], *const name = argument + 2;
	if (strcmp(argument, "-h") == 0) {
		parser->options->help = true;
		return 1;
	}
	if (argument[1] == 'p') { /* -p 8080:80, -p8080:80 */
		const char *const value = argument[2] != '\0' ? argument + 2 : n > 1 ? arguments[1] : NULL;
		if (value == NULL)
			return wrong(parser, "-p wants a value");
		return take_publish(parser, value) ? 1 + (argument[2] == '\0') : 0;
	}
	const char *const equals = strchr(argument, '=');
	const size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
	const unsigned i = argument[1] == '-' ? by_name(name, length) : N_KNOWN;
	if (i == N_KNOWN)
		return wrong(parser, "there is no option '%s' (see tern gateway --help)", argument);
	if (known[i].value == NULL) {
		if (equals != NULL)
			return wrong(parser, "--%s takes no value", known[i].name);
		take_switch(parser->options, known[i].option);
		return 1;
	}
	const char *const value = equals != NULL ? equals + 1 : n > 1 ? arguments[1] : NULL;
	if (value == NULL)
		return wrong(parser, "--%s wants a value: %s", known[i].name, known[i].value);
	return take_value(parser, i, value) ? 1 + (equals == NULL) : 0;
}

static bool check(struct parser *parser)
{
	struct gateway_options *const options = parser->options;
	if (options->help)
		return true;
	if (parser->has_guest && options->command != NULL)
		return wrong(parser, "a COMMAND and a guest that is there already exclude each other");
	if (!parser->has_guest && options->command == NULL)
		return wrong(parser, "what is to be run is missing: tern gateway -- COMMAND (see tern gateway --help)");
	if (options->boot_file && options->guest != GUEST_QEMU && options->guest != GUEST_FD)
		return wrong(parser, "--bootfile is told by DHCP: to guests of --qemu and --fd alone");
	if (!parser->has_mtu && options->guest == GUEST_QEMU)
		options->mtu = 1500;
	if (options->impair.jitter > options->impair.delay)
		options->impair.jitter = options->impair.delay;
	return true;
}

bool gateway_options_parse(struct gateway_options *options, int n, char *const arguments[], char *error, size_t size)
{
	struct parser parser = { .options = options, .error = error, .size = size };
	*options = (struct gateway_options){
		.fd = -1, .ready_fd = -1, .exit_fd = -1,
		.network = addr_v4(0x0a000200), .bits = 24, .mtu = 65520, .linger = 10 * TERN_SECOND,
		.keepalive = 600 * TERN_SECOND,
		.flows_max = 16384, .half_open_max = 1024, .memory = 256 << 20,
	};
	int i = 0;
	while (i < n && arguments[i][0] == '-' && arguments[i][1] != '\0') {
		if (strcmp(arguments[i], "--") == 0) {
			i++;
			break;
		}
		const int took = take(&parser, n - i, arguments + i);
		if (took == 0)
			return false;
		i += took;
	}
	if (i < n)
		options->command = arguments + i;
	return check(&parser);
}

void gateway_help(FILE *to)
{
	fputs("usage: tern gateway [OPTION...] -- COMMAND [ARG...]\n"
	      "       tern gateway [OPTION...] --attach PID | --netns PATH | --fd N | --qemu PATH\n"
	      "\n"
	      "Runs COMMAND in a network of its own whose only way out is tern: each of its connections ends at\n"
	      "tern's TCP and goes on through a socket of the host. Needs no root.\n"
	      "\n", to);
	for (unsigned i = 0; i < N_KNOWN; i++) {
		char left[64];
		snprintf(left, sizeof left, "%s--%s%s%s", known[i].option == OPTION_PUBLISH ? "-p, " : "",
			 known[i].name, known[i].value ? " " : "", known[i].value ? known[i].value : "");
		if (strlen(left) > 24)
			fprintf(to, "  %s\n  %24s  %s\n", left, "", known[i].help);
		else
			fprintf(to, "  %-24s  %s\n", left, known[i].help);
	}
	fputs("\n"
	      "The guest is 10.0.2.100 and fd00::100; 10.0.2.2 and fd00::2 are the host's loopback, 10.0.2.3 and\n"
	      "fd00::3 its DNS; every other address is what it is.\n"
	      "\n"
	      "Exit status: the command's; 128+N where signal N ended it; 126 or 127 where it cannot be started;\n"
	      "2 the command line is wrong; 1 anything else.\n"
	      "\n"
	      "Examples:\n"
	      "  tern gateway --watch -- curl http://10.0.2.2:8000/\n"
	      "  tern gateway --delay 100ms --loss 2% -- ./my-client\n"
	      "  tern gateway -p 8080:80 --deny 10.0.0.0/8 -- nginx -g 'daemon off;'\n", to);
}
