/* The command line of `tern gateway`: its own words beside those for a bad link. */
#include "option/netem.h"
#include "option/units.h"
#include "tool/gateway_options.h"
#include "wire/dhcp.h"
#include "wire/tuple.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum option {
	OPTION_ALL, OPTION_ALLOW, OPTION_ASCII, OPTION_ATTACH, OPTION_BOOTFILE, OPTION_CC, OPTION_CIDR,
	OPTION_COLOR, OPTION_CONTROL, OPTION_DENY, OPTION_EXIT_FD, OPTION_FD, OPTION_FLOWS,
	OPTION_HALF_OPEN, OPTION_HELP, OPTION_HISTORY, OPTION_JSON, OPTION_KEEPALIVE, OPTION_LINGER, OPTION_MEMORY,
	OPTION_MTU, OPTION_NETNS, OPTION_NO_DHCP, OPTION_NO_DNS, OPTION_NO_HOST_LOOPBACK, OPTION_NO_IPV6,
	OPTION_NO_SANDBOX, OPTION_PCAP, OPTION_PLAIN, OPTION_PROFILE, OPTION_PUBLISH, OPTION_QEMU, OPTION_QEMU_DGRAM,
	OPTION_READY_FD, OPTION_RECORD, OPTION_SEED, OPTION_SET, OPTION_STATS, OPTION_TUN, OPTION_USER_TIMEOUT,
	OPTION_WATCH, OPTION_WIDTH,
};

static const struct option_word known[] = {
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
	{ "history", "BYTES", "keep what connections did lately, for tern report CONTROL (none; 64K to 256M)",
	  OPTION_HISTORY },
	{ "no-sandbox", NULL, "keep capabilities and system calls (for debugging)", OPTION_NO_SANDBOX },
	{ "watch", NULL, "draw each connection as it lives, on standard error", OPTION_WATCH },
	{ "all", NULL, "with --watch: every timer too", OPTION_ALL },
	{ "ascii", NULL, "draw with ASCII characters alone", OPTION_ASCII },
	{ "color", "WHEN", "auto, always or never", OPTION_COLOR },
	{ "width", "N", "columns of the drawing (72 to 200; else the terminal's)", OPTION_WIDTH },
	{ "json", "FILE", "JSON lines of every event; - is standard output", OPTION_JSON },
	{ "pcap", "FILE", "pcapng of every packet, with what tern made of it as its comment", OPTION_PCAP },
	{ "record", "FILE", "keep the run, for tern replay; all that is said, and tern's secret", OPTION_RECORD },
	{ "stats", NULL, "counters on standard error at the end", OPTION_STATS },
	{ "seed", "N", "what chance is drawn from", OPTION_SEED },
	{ "cc", "NAME", "congestion control towards the guest: cubic (the default), reno, bbr ...", OPTION_CC },
	{ "profile", "NAME", "settings of tern's TCP as freebsd, linux or rfc have them", OPTION_PROFILE },
	{ "set", "NAME=VALUE", "a setting of tern's TCP (tern settings); repeatable", OPTION_SET },
	{ "help", NULL, "this", OPTION_HELP },
};

enum { N_KNOWN = sizeof known / sizeof known[0] };
enum { GUEST_BUFFER = 2 << 20 }; /* octets of a connection with the guest, each way */

static const struct option_line words = {
	.command = "tern gateway",
	.table = { { known, N_KNOWN }, { netem_words, NETEM_WORDS } },
	.letter = { { 'p', OPTION_PUBLISH }, { 'h', OPTION_HELP } },
};

struct parser {
	struct option_line	line;
	struct gateway_options *options;
	bool			has_guest, has_mtu;
};

/* ---- values ---- */

static bool take_cidr(struct parser *parser, const struct option_word *word, const char *value)
{
	struct gateway_options *const options = parser->options;
	const char *const slash = strchr(value, '/');
	char address[46];
	uint64_t bits;
	if (slash == NULL || (size_t)(slash - value) >= sizeof address)
		return line_not(&parser->line, word, value, "a network, such as 10.0.2.0/24");
	memcpy(address, value, (size_t)(slash - value));
	address[slash - value] = '\0';
	struct tern_addr network;
	if (tern_addr_parse(&network, address) != 0 || !addr_is_v4(&network) ||
	    !units_number(slash + 1, 8, 25, &bits))
		return line_not(&parser->line, word, value, "an IPv4 network of 8 to 25 bits, such as 10.0.2.0/24");
	if (addr_v4_of(&network) << bits != 0)
		return line_not(&parser->line, word, value, "a network: it has bits beyond its prefix");
	options->network = network;
	options->bits = (unsigned)bits;
	return true;
}

static bool take_guest(struct parser *parser, const struct option_word *word, const char *value)
{
	struct gateway_options *const options = parser->options;
	uint64_t pid;
	if (parser->has_guest)
		return line_wrong(&parser->line, "--%s: there is a guest already", word->name);
	parser->has_guest = true;
	switch (word->id) {
	case OPTION_ATTACH:
		options->guest = GUEST_ATTACH;
		if (!line_number(&parser->line, word, value, 1, INT32_MAX, &pid))
			return false;
		options->pid = (long)pid;
		return true;
	case OPTION_NETNS:
		options->guest = GUEST_NETNS;
		options->netns = value;
		break;
	case OPTION_FD:
		options->guest = GUEST_FD;
		return line_fd(&parser->line, word, value, &options->fd);
	default:
		options->guest = GUEST_QEMU;
		options->qemu = value;
		options->qemu_dgram = word->id == OPTION_QEMU_DGRAM;
		break;
	}
	return *value != '\0' || line_not(&parser->line, word, value, "a path");
}

static bool take_rule(struct parser *parser, const struct option_word *word, const char *value)
{
	switch (filter_add(&parser->options->filter, word->id == OPTION_ALLOW, value)) {
	case 0: return true;
	case -TERN_ENOMEM: return line_wrong(&parser->line, "--%s: '%s' is one rule too many", word->name, value);
	default:
		return line_not(&parser->line, word, value,
				"such as 192.0.2.0/24, 192.0.2.1:443, [2001:db8::]/32:80 or *:53");
	}
}

static bool take_publish(struct parser *parser, const char *value)
{
	struct gateway_options *const options = parser->options;
	if (options->n_forwards == GATEWAY_FORWARDS)
		return line_wrong(&parser->line, "-p: '%s' is one too many", value);
	if (forward_parse(&options->forwards[options->n_forwards], value) != 0)
		return line_wrong(&parser->line, "-p: '%s' is not [ADDR:]HOSTPORT:GUESTPORT[/udp], such as 8080:80",
				  value);
	options->n_forwards++;
	return true;
}

static bool take_colour(struct parser *parser, const struct option_word *word, const char *value)
{
	static const char *const colours[] = { "auto", "always", "never", NULL };
	unsigned colour;

	if (!line_choice(&parser->line, word, value, colours, &colour))
		return false;
	parser->options->colour = (enum gateway_colour)colour;
	return true;
}

static bool take_impairment(struct parser *parser, const struct option_word *word, const char *value)
{
	parser->options->impaired = true;
	return netem_take(&parser->line, word, value, &parser->options->impair);
}

static bool take_boot_file(struct parser *parser, const struct option_word *word, const char *value)
{
	parser->options->boot_file = value;
	return (*value != '\0' && strlen(value) <= DHCP_BOOT_FILE_MOST) ||
	       line_not(&parser->line, word, value, "a name of 1 to 255 octets");
}

static bool take_set(struct parser *parser, const struct option_word *word, const char *value)
{
	struct gateway_options *const options = parser->options;
	char			      error[TERN_SETTING_ERROR];
	const size_t		      n = strcspn(value, "=");
	char			      name[64];

	if (value[n] == '\0' || n >= sizeof name)
		return line_not(&parser->line, word, value, "NAME=VALUE");
	snprintf(name, sizeof name, "%.*s", (int)n, value);
	return tern_setting_set(&options->settings, name, value + n + 1, error) == 0 ||
	       line_wrong(&parser->line, "--%s: %s", word->name, error);
}

static bool take_profile(struct parser *parser, const struct option_word *word, const char *value)
{
	char error[TERN_SETTING_ERROR];

	return tern_profile_set(&parser->options->settings, value, error) == 0 ||
	       line_wrong(&parser->line, "--%s: %s", word->name, error);
}

static bool take_value(struct parser *parser, const struct option_word *word, const char *value)
{
	struct gateway_options *const options = parser->options;
	const struct option_line *const line = &parser->line;

	switch (word->id) {
	case OPTION_ATTACH:
	case OPTION_NETNS:
	case OPTION_FD:
	case OPTION_QEMU:
	case OPTION_QEMU_DGRAM: return take_guest(parser, word, value);
	case OPTION_ALLOW:
	case OPTION_DENY: return take_rule(parser, word, value);
	case OPTION_PUBLISH: return take_publish(parser, value);
	case OPTION_CIDR: return take_cidr(parser, word, value);
	case OPTION_BOOTFILE: return take_boot_file(parser, word, value);
	case OPTION_COLOR: return take_colour(parser, word, value);
	case OPTION_PROFILE: return take_profile(parser, word, value);
	case OPTION_SET: return take_set(parser, word, value);
	case OPTION_CC: return line_name(line, word, value, &options->cc);
	case OPTION_CONTROL: return line_name(line, word, value, &options->control);
	case OPTION_JSON: return line_name(line, word, value, &options->json);
	case OPTION_PCAP: return line_name(line, word, value, &options->pcap);
	case OPTION_HISTORY: return line_bytes(line, word, value, 1 << 16, UINT64_C(1) << 28, &options->history);
	case OPTION_RECORD: return line_name(line, word, value, &options->record);
	case OPTION_READY_FD: return line_fd(line, word, value, &options->ready_fd);
	case OPTION_EXIT_FD: return line_fd(line, word, value, &options->exit_fd);
	case OPTION_FLOWS: return line_u32(line, word, value, 1, 1 << 20, &options->flows_max);
	case OPTION_HALF_OPEN: return line_u32(line, word, value, 1, 1 << 16, &options->half_open_max);
	case OPTION_KEEPALIVE: return line_time(line, word, value, &options->keepalive);
	case OPTION_USER_TIMEOUT: return line_time(line, word, value, &options->user_timeout);
	case OPTION_LINGER: return line_time(line, word, value, &options->linger);
	case OPTION_MEMORY: return line_bytes(line, word, value, 1 << 20, UINT64_C(1) << 40, &options->memory);
	case OPTION_MTU: parser->has_mtu = true; return line_u32(line, word, value, 1280, 65520, &options->mtu);
	case OPTION_WIDTH: return line_u32(line, word, value, 72, 200, &options->columns);
	case OPTION_SEED: return line_number(line, word, value, 0, UINT64_MAX, &options->impair.seed);
	default: return take_impairment(parser, word, value);
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

/* One option and, where it takes one, its value: how many arguments; 0: wrong. */
static int take(struct parser *parser, int n, char *const arguments[])
{
	const char *value;
	const struct option_word *word;

	const int took = line_take(&parser->line, n, arguments, &word, &value);
	if (took == 0)
		return 0;
	if (value == NULL && !netem_has(word)) {
		take_switch(parser->options, (enum option)word->id);
		return took;
	}
	return take_value(parser, word, value) ? took : 0;
}

static bool check(struct parser *parser)
{
	struct gateway_options *const options = parser->options;
	if (options->help)
		return true;
	if (parser->has_guest && options->command != NULL)
		return line_wrong(&parser->line, "a COMMAND and a guest that is there already exclude each other");
	if (!parser->has_guest && options->command == NULL)
		return line_wrong(&parser->line, "what is to be run is missing: tern gateway -- COMMAND "
						 "(see tern gateway --help)");
	if (options->boot_file && options->guest != GUEST_QEMU && options->guest != GUEST_FD)
		return line_wrong(&parser->line, "--bootfile is told by DHCP: to guests of --qemu and --fd alone");
	if (options->history > 0 && !options->control)
		return line_wrong(&parser->line, "--history wants --control PATH: nobody could ask for it");
	if (!parser->has_mtu && options->guest == GUEST_QEMU)
		options->mtu = 1500;
	if (options->impair.jitter > options->impair.delay)
		options->impair.jitter = options->impair.delay;
	char error[TERN_SETTING_ERROR];
	return tern_settings_check(&options->settings, error) == 0 || line_wrong(&parser->line, "--set: %s", error);
}

/* The guest is on this machine: what flies beyond a few of the device's largest packets waits somewhere, out of the
 * cache. An impaired link has a round trip that wants more, and who has set something else meant it. */
static void keep_buffers_small(struct gateway_options *options)
{
	struct tern_config *const settings = &options->settings;
	struct tern_config	  defaults;

	tern_config_default(&defaults);
	if (options->impaired)
		return;
	if (settings->receive_buffer_max == defaults.receive_buffer_max && settings->receive_buffer <= GUEST_BUFFER)
		settings->receive_buffer_max = GUEST_BUFFER;
	if (settings->send_buffer_max == defaults.send_buffer_max)
		settings->send_buffer_max = GUEST_BUFFER;
}

bool gateway_options_parse(struct gateway_options *options, int n, char *const arguments[], char *error, size_t size)
{
	struct parser parser = { .line = words, .options = options };

	parser.line.why = error;
	parser.line.room = size;
	*options = (struct gateway_options){
		.fd = -1, .ready_fd = -1, .exit_fd = -1,
		.network = addr_v4(0x0a000200), .bits = 24, .mtu = 65520, .linger = 10 * TERN_SECOND,
		.keepalive = 600 * TERN_SECOND,
		.flows_max = 16384, .half_open_max = 1024, .memory = 256 << 20,
	};
	tern_config_default(&options->settings);
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
	keep_buffers_small(options);
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
	line_help(&words, 24, to);
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
