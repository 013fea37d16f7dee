/* tern nc: the command line, and the device. */
#include "link/netdev.h"
#include "link/netns.h"
#include "option/netem.h"
#include "option/units.h"
#include "tool/nc.h"
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum long_option {
	DEV = 256, WATCH, ADDRESS, SYSTEM, GATEWAY, NETNS, MTU, TAP, PLAIN, NO_GSO, HELP,
	ECN, SEED,
};

enum { HIDES_ECN = 1, N_NETEM = NETEM_WORDS - HIDES_ECN }; /* --ecn is TCP's here */

/* Those for a bad link follow; their ids are above these. */
static const struct option long_options[] = {
	{ "dev", required_argument, NULL, DEV },
	{ "watch", no_argument, NULL, WATCH },
	{ "address", required_argument, NULL, ADDRESS },
	{ "system", required_argument, NULL, SYSTEM },
	{ "gateway", required_argument, NULL, GATEWAY },
	{ "netns", required_argument, NULL, NETNS },
	{ "mtu", required_argument, NULL, MTU },
	{ "tap", no_argument, NULL, TAP },
	{ "plain", no_argument, NULL, PLAIN },
	{ "no-gso", no_argument, NULL, NO_GSO },
	{ "ecn", required_argument, NULL, ECN },
	{ "seed", required_argument, NULL, SEED },
	{ "help", no_argument, NULL, HELP },
};

enum { N_LONG = sizeof long_options / sizeof long_options[0] };

static const struct option_line netem = { .command = "tern nc", .table = { { netem_words, N_NETEM } } };

static void fill_long_options(struct option all[N_LONG + N_NETEM + 1])
{
	memcpy(all, long_options, sizeof long_options);
	for (unsigned i = 0; i < N_NETEM; i++)
		all[N_LONG + i] = (struct option){ netem_words[i].name, required_argument, NULL, netem_words[i].id };
	all[N_LONG + N_NETEM] = (struct option){ 0 };
}

void nc_help(FILE *to)
{
	fputs("usage: tern nc [OPTION...] HOST PORT\n"
	      "       tern nc [OPTION...] -l PORT\n"
	      "\n"
	      "Standard input and output on one TCP connection of tern's own, through a TUN or TAP device.\n"
	      "\n"
	      "  -l              wait for a connection to PORT\n"
	      "  -N              at the end of input, say so to the peer (FIN), and go on receiving\n"
	      "  -w SECONDS      give up when there is no connection by then\n"
	      "  -v              say on standard error what happens\n"
	      "  --watch         draw the connection on standard error while it lives\n"
	      "  --dev NAME      the device; made where it is not there (tern%d)\n"
	      "  --tap           a TAP device: Ethernet frames, ARP and neighbour discovery\n"
	      "  --netns PATH    the device of that network namespace\n"
	      "  --address A/N   tern's address and prefix, up to four (10.64.64.2/24, fd64::2/64)\n"
	      "  --system A/N    the system's own on the device, which is then brought up (10.64.64.1/24,\n"
	      "                  fd64::1/64 where --address is not given)\n"
	      "  --gateway A     TAP: the next hop to other networks\n"
	      "  --mtu N         bytes of an IP packet (the device's)\n"
	      "  --no-gso        one packet for each segment\n"
	      "  --plain         no offloads at all: every checksum made and checked here\n"
	      "  --ecn HOW       off, on, accept (where the peer offers it; the default) or accurate\n"
	      "  --help          this\n"
	      "\n"
	      "What tern sends can be spoilt, with the words of tc(8):\n"
	      "  --seed N        what chance is drawn from\n", to);
	line_help(&netem, 21, to);
	fputs("\n"
	      "Exit status: 0 both directions ended, 1 the connection broke or there is no device, 2 the command\n"
	      "line is wrong, 128 + signal.\n"
	      "\n"
	      "Examples:\n"
	      "  tern nc -l 7000 &  nc 10.64.64.2 7000\n"
	      "  printf 'GET / HTTP/1.0\\r\\n\\r\\n' | tern nc -N 10.64.64.1 8000\n"
	      "  tern nc --loss 5% --delay 20ms -v 10.64.64.1 8000 < request\n", to);
}

/* ---- the command line ---- */

struct parser {
	struct option_line line;
	struct nc_options *options;
};

static bool is_v4(const struct tern_addr *addr)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	return memcmp(addr->b, mapped, sizeof mapped) == 0;
}

static bool parse_prefix(const char *text, struct nc_prefix *to)
{
	const char *const slash = strchr(text, '/');
	char alone[64];
	uint64_t bits;
	if (slash == NULL || (size_t)(slash - text) >= sizeof alone)
		return false;
	memcpy(alone, text, (size_t)(slash - text));
	alone[slash - text] = '\0';
	if (tern_addr_parse(&to->addr, alone) != 0 || !units_number(slash + 1, 0, is_v4(&to->addr) ? 32 : 128, &bits))
		return false;
	to->bits = (unsigned)bits;
	return true;
}

static bool add_prefix(const struct parser *parser, const char *name, const char *text, struct nc_prefix to[],
		       unsigned *n)
{
	if (*n == NC_ADDRESSES)
		return line_wrong(&parser->line, "--%s: %d are the most", name, NC_ADDRESSES);
	if (!parse_prefix(text, &to[*n]))
		return line_wrong(&parser->line, "--%s: '%s' is not an address and prefix (10.64.64.2/24)", name, text);
	++*n;
	return true;
}

static bool take_gateway(const struct parser *parser, const char *text)
{
	struct tern_addr addr;
	if (tern_addr_parse(&addr, text) != 0)
		return line_wrong(&parser->line, "--gateway: '%s' is not an address", text);
	const unsigned i = is_v4(&addr) ? 0 : 1;
	parser->options->gateway[i] = addr;
	parser->options->has_gateway[i] = true;
	return true;
}

static bool take_ecn(const struct parser *parser, const char *text)
{
	static const char *const words[] = {
		[TERN_ECN_OFF] = "off", [TERN_ECN_ON] = "on", [TERN_ECN_ACCEPT] = "accept",
		[TERN_ECN_ACCURATE] = "accurate",
	};

	for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(text, words[i]) == 0) {
			parser->options->ecn = (enum tern_ecn)i;
			return true;
		}
	}
	return line_wrong(&parser->line, "--ecn: '%s' is not off, on, accept or accurate", text);
}

static bool take_impairment(const struct parser *parser, int option, const char *text)
{
	const struct option_word *const word = &netem_words[option - NETEM_FIRST];

	parser->options->impaired = true;
	return netem_take(&parser->line, word, text, &parser->options->impair);
}

static bool take_number(const struct parser *parser, const char *name, uint64_t low, uint64_t high, uint64_t *to)
{
	return units_number(optarg, low, high, to) ||
	       line_wrong(&parser->line, "%s: '%s' is out of range", name, optarg);
}

static bool take_option(const struct parser *parser, int option, const char *word)
{
	struct nc_options *const options = parser->options;
	uint64_t number = 0;
	switch (option) {
	case 'l': options->listen = true; return true;
	case 'N': options->shutdown_at_end = true; return true;
	case 'v': options->verbose = true; return true;
	case 'h':
	case HELP: options->help = true; return true;
	case WATCH: options->watch = true; return true;
	case TAP: options->tap = true; return true;
	case PLAIN: options->plain = true; return true;
	case NO_GSO: options->no_gso = true; return true;
	case DEV:
		options->dev = optarg;
		return (*optarg != '\0' && strlen(optarg) < TERN_DEVICE_NAME) ||
		       line_wrong(&parser->line, "--dev: '%s' is no name of a device (1 to 15 letters)", optarg);
	case NETNS: options->netns = optarg; return true;
	case ADDRESS:
		return add_prefix(parser, "address", optarg, options->address, &options->n_addresses);
	case SYSTEM: return add_prefix(parser, "system", optarg, options->system, &options->n_system);
	case GATEWAY: return take_gateway(parser, optarg);
	case ECN: return take_ecn(parser, optarg);
	case MTU:
		if (!take_number(parser, "--mtu", 68, 65535, &number))
			return false;
		options->mtu = (uint32_t)number;
		return true;
	case 'w':
		if (!take_number(parser, "-w", 1, 86400, &number))
			return false;
		options->timeout = (tern_time)number * TERN_SECOND;
		return true;
	case ':': return line_wrong(&parser->line, "%s wants a value (see tern nc --help)", word);
	case '?': return line_wrong(&parser->line, "there is no option '%s' (see tern nc --help)", word);
	case SEED: return take_number(parser, "--seed", 0, UINT64_MAX, &options->impair.seed);
	default: return take_impairment(parser, option, optarg);
	}
}

static bool resolve(const struct parser *parser, const char *name)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	if (tern_addr_parse(&parser->options->remote, name) == 0)
		return true;
	const int error = getaddrinfo(name, NULL, &hints, &found);
	if (error != 0)
		return line_wrong(&parser->line, "%s: %s", name, gai_strerror(error));
	struct tern_addr *const addr = &parser->options->remote;
	if (found->ai_family == AF_INET) {
		*addr = (struct tern_addr){ .b = { [10] = 0xff, [11] = 0xff } };
		memcpy(addr->b + 12, &((struct sockaddr_in *)(void *)found->ai_addr)->sin_addr, 4);
	} else {
		memcpy(addr->b, &((struct sockaddr_in6 *)(void *)found->ai_addr)->sin6_addr, 16);
	}
	freeaddrinfo(found);
	return true;
}

static bool take_words(const struct parser *parser, int n, char *const words[])
{
	struct nc_options *const options = parser->options;
	const int wanted = options->listen ? 1 : 2;
	uint64_t port;
	if (n != wanted)
		return line_wrong(&parser->line, "%s wanted (see tern nc --help)", options->listen ? "-l: one PORT is"
										: "HOST and PORT are");
	if (!units_number(words[n - 1], 1, 65535, &port))
		return line_wrong(&parser->line, "'%s' is not a port (1-65535)", words[n - 1]);
	options->port = (uint16_t)port;
	return options->listen || resolve(parser, words[0]);
}

static void fill_in(struct nc_options *options)
{
	options->settle = 0;
	if (options->impaired)
		options->settle = 3 * (options->impair.delay + options->impair.jitter) + 200 * TERN_MILLISECOND;
	if (options->n_addresses > 0)
		return;
	(void)parse_prefix("10.64.64.2/24", &options->address[options->n_addresses++]);
	(void)parse_prefix("fd64::2/64", &options->address[options->n_addresses++]);
	if (options->n_system > 0)
		return;
	(void)parse_prefix("10.64.64.1/24", &options->system[options->n_system++]);
	(void)parse_prefix("fd64::1/64", &options->system[options->n_system++]);
}

bool nc_options_parse(struct nc_options *options, int n, char *const arguments[], char *why, size_t why_room)
{
	struct parser parser = { .line = netem, .options = options };
	struct option all[N_LONG + N_NETEM + 1];
	char **const words = calloc((size_t)n + 2, sizeof *words); /* getopt moves them about, and skips the first */
	bool good = true;

	parser.line.why = why;
	parser.line.room = why_room;
	fill_long_options(all);
	*options = (struct nc_options){ .timeout = TERN_NEVER, .ecn = TERN_ECN_ACCEPT };
	if (words == NULL)
		return line_wrong(&parser.line, "no memory");
	words[0] = (char *)(uintptr_t)"nc";
	for (int i = 0; i < n; i++)
		words[i + 1] = arguments[i];
	optind = 0;
	opterr = 0;
	for (int option; good && !options->help;) {
		const int at = optind > 0 ? optind : 1;
		option = getopt_long(n + 1, words, "+:lNvhw:", all, NULL);
		if (option < 0)
			break;
		good = take_option(&parser, option, words[at < n + 1 ? at : n]);
	}
	if (good && !options->help)
		good = take_words(&parser, n + 1 - optind, words + optind);
	if (good && options->has_gateway[0] | options->has_gateway[1] && !options->tap)
		good = line_wrong(&parser.line, "--gateway is for --tap: a TUN device has the system alone at its "
						"other end");
	free(words);
	if (good)
		fill_in(options);
	return good;
}

/* ---- the device ---- */

const char *nc_device_mend(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENODEV:
	case -ENXIO: return "there is no /dev/net/tun here: modprobe tun, or mknod /dev/net/tun c 10 200";
	case -EPERM:
	case -EACCES:
		return "not permitted: run as root, or let root make the device for you once: "
		       "ip tuntap add dev NAME mode tun user YOU";
	case -EBUSY: return "another process has the device";
	case -EINVAL: return "a device of that name exists and is of another kind";
	default: return strerror(-error);
	}
}

struct work {
	const struct nc_options *options;
	const char		*name;
};

/* Addresses first: an interface that comes up without any would look for others by itself. */
static int bring_up(void *context)
{
	const struct work *const work = context;
	const struct nc_options *const options = work->options;
	(void)netdev_quiet_ipv6(work->name); /* where it cannot be: a second's wait for IPv6 */
	int error = netdev_up(work->name);
	for (unsigned i = 0; error == 0 && i < options->n_system; i++) {
		const struct nc_prefix *const prefix = &options->system[i];
		error = netdev_add_address(work->name, &prefix->addr, prefix->bits);
		/* A system without IPv6 has no use for an address of its kind. */
		if ((error == -EOPNOTSUPP || error == -EACCES) && !is_v4(&prefix->addr))
			error = 0;
	}
	return error;
}

bool nc_open_device(const struct nc_options *options, struct tern_link **link, char *why, size_t why_room)
{
	const struct tern_tun settings = {
		.name = options->dev != NULL ? options->dev : "tern%d",
		.netns = options->netns,
		.tap = options->tap,
		.mtu = options->mtu,
		.plain = options->plain,
		.no_gso = options->no_gso,
	};
	int error = tern_tun_create(link, &settings, tern_allocator_default());
	if (error != 0) {
		(void)snprintf(why, why_room, "no %s device '%s': %s", options->tap ? "TAP" : "TUN", settings.name,
			       nc_device_mend(error));
		return false;
	}
	struct work work = { options, tern_tun_name(*link) };
	error = options->n_system > 0 ? netns_run(options->netns, bring_up, &work) : 0;
	if (error != 0) {
		(void)snprintf(why, why_room, "cannot set up %s: %s%s", tern_tun_name(*link), strerror(-error),
			       error == -EPERM ? " (as root: ip link set it up, ip addr add; then give --address alone)"
					       : "");
		(*link)->ops->close(*link);
	}
	return error == 0;
}
