/* The device that a command's host speaks through. */
#include "tool/dev.h"

#include "link/netdev.h"
#include "link/netns.h"
#include "option/units.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

const struct option_word dev_words[DEV_WORDS] = {
	{ "dev", "[KIND:]NAME", "tun:NAME (made where it is not there; tern%d), tap:NAME, packet:NAME (an interface's "
	  "frames), ring:NAME, xdp:NAME (faster), dpdk:DEVICE[,...] [EAL]", DEV_DEV },
	{ "tap", NULL, "a TAP device: Ethernet frames, ARP and neighbour discovery", DEV_TAP_WORD },
	{ "netns", "PATH", "the device of that network namespace", DEV_NETNS },
	{ "address", "A/N", "tern's address and prefix, up to four (10.64.64.2/24, fd64::2/64)", DEV_ADDRESS },
	{ "system", "A/N", "the system's own on the device, which is then brought up (10.64.64.1/24, fd64::1/64)",
	  DEV_SYSTEM },
	{ "gateway", "A", "where there are frames: the next hop to other networks", DEV_GATEWAY },
	{ "mtu", "N", "bytes of an IP packet (the device's)", DEV_MTU },
	{ "no-gso", NULL, "one packet for each segment", DEV_NO_GSO },
	{ "plain", NULL, "no offloads at all: every checksum made and checked here", DEV_PLAIN },
};

/* ---- words ---- */

static bool is_v4(const struct tern_addr *addr)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	return memcmp(addr->b, mapped, sizeof mapped) == 0;
}

static bool parse_prefix(const char *text, struct dev_prefix *to)
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

static bool add_prefix(const struct option_line *line, const char *name, const char *text, struct dev_prefix to[],
		       unsigned *n)
{
	if (*n == DEV_ADDRESSES)
		return line_wrong(line, "--%s: %d are the most", name, DEV_ADDRESSES);
	if (!parse_prefix(text, &to[*n]))
		return line_wrong(line, "--%s: '%s' is not an address and prefix (10.64.64.2/24)", name, text);
	++*n;
	return true;
}

static bool take_gateway(const struct option_line *line, const char *text, struct dev_options *options)
{
	struct tern_addr addr;
	if (tern_addr_parse(&addr, text) != 0)
		return line_wrong(line, "--gateway: '%s' is not an address", text);
	const unsigned i = is_v4(&addr) ? 0 : 1;
	options->gateway[i] = addr;
	options->has_gateway[i] = true;
	return true;
}

/* "tern0", "tap:t0", "packet:veth1", "dpdk:net_tap0,iface=t0 --no-huge" */
static bool take_dev(const struct option_line *line, const char *value, struct dev_options *options)
{
	static const struct {
		const char   *prefix;
		enum dev_kind kind;
	} kinds[] = { { "tun:", DEV_TUN }, { "tap:", DEV_TAP }, { "packet:", DEV_PACKET },
		    { "ring:", DEV_RING }, { "xdp:", DEV_XDP }, { "dpdk:", DEV_DPDK } };

	options->name = value;
	for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		const size_t n = strlen(kinds[i].prefix);
		if (strncmp(value, kinds[i].prefix, n) != 0)
			continue;
		options->kind = kinds[i].kind;
		options->name = value + n;
	}
	if (options->kind == DEV_DPDK && *options->name != '\0' && *options->name != ' ')
		return true; /* a device of DPDK's and its words */
	if (*options->name == '\0' || strlen(options->name) >= TERN_DEVICE_NAME || strchr(options->name, ':') != NULL)
		return line_wrong(line, "--dev: '%s' is no name of a device: 1 to 15 letters, with tun:, tap:, "
					"packet:, ring:, xdp: or dpdk: in front", value);
	return true;
}

bool dev_take(const struct option_line *line, int id, const char *value, struct dev_options *options)
{
	const struct option_word *const word = &dev_words[id - DEV_FIRST];

	switch (id) {
	case DEV_DEV: return take_dev(line, value, options);
	case DEV_TAP_WORD: options->kind = DEV_TAP; return true;
	case DEV_NETNS: return line_name(line, word, value, &options->netns);
	case DEV_ADDRESS: return add_prefix(line, "address", value, options->address, &options->n_addresses);
	case DEV_SYSTEM: return add_prefix(line, "system", value, options->system, &options->n_system);
	case DEV_GATEWAY: return take_gateway(line, value, options);
	case DEV_MTU: return line_u32(line, word, value, 68, 65535, &options->mtu);
	case DEV_NO_GSO: options->no_gso = true; return true;
	default: options->plain = true; return true;
	}
}

bool dev_settle(const struct option_line *line, struct dev_options *options)
{
	if ((options->has_gateway[0] || options->has_gateway[1]) && options->kind == DEV_TUN)
		return line_wrong(line, "--gateway is for Ethernet (--tap): a TUN device has the system alone at its "
					"other end");
	if (options->n_system > 0 && options->kind >= DEV_PACKET)
		return line_wrong(line, "--system is for TUN and TAP: what is the system's of an interface is not at "
					"its far end");
	if (options->n_addresses > 0)
		return true;
	(void)parse_prefix("10.64.64.2/24", &options->address[options->n_addresses++]);
	(void)parse_prefix("fd64::2/64", &options->address[options->n_addresses++]);
	if (options->n_system > 0 || options->kind >= DEV_PACKET)
		return true;
	(void)parse_prefix("10.64.64.1/24", &options->system[options->n_system++]);
	(void)parse_prefix("fd64::1/64", &options->system[options->n_system++]);
	return true;
}

bool dev_resolve(const struct option_line *line, const char *name, struct tern_addr *to)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	if (tern_addr_parse(to, name) == 0)
		return true;
	const int error = getaddrinfo(name, NULL, &hints, &found);
	if (error != 0)
		return line_wrong(line, "%s: %s", name, gai_strerror(error));
	if (found->ai_family == AF_INET) {
		*to = (struct tern_addr){ .b = { [10] = 0xff, [11] = 0xff } };
		memcpy(to->b + 12, &((struct sockaddr_in *)(void *)found->ai_addr)->sin_addr, 4);
	} else {
		memcpy(to->b, &((struct sockaddr_in6 *)(void *)found->ai_addr)->sin6_addr, 16);
	}
	freeaddrinfo(found);
	return true;
}

/* ---- the device ---- */

static const char *mend(int error)
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
	const struct dev_options *options;
	const char		 *name;
};

/* Addresses first: an interface that comes up without any would look for others by itself. */
static int bring_up(void *context)
{
	const struct work *const work = context;
	const struct dev_options *const options = work->options;
	(void)netdev_quiet_ipv6(work->name); /* where it cannot be: a second's wait for IPv6 */
	int error = netdev_up(work->name);
	for (unsigned i = 0; error == 0 && i < options->n_system; i++) {
		const struct dev_prefix *const prefix = &options->system[i];
		error = netdev_add_address(work->name, &prefix->addr, prefix->bits);
		/* A system without IPv6 has no use for an address of its kind. */
		if ((error == -EOPNOTSUPP || error == -EACCES) && !is_v4(&prefix->addr))
			error = 0;
	}
	return error;
}

static bool open_tun(const struct dev_options *options, struct tern_link **link, char *why, size_t room)
{
	const struct tern_tun settings = {
		.name = options->name != NULL ? options->name : "tern%d",
		.netns = options->netns,
		.tap = options->kind == DEV_TAP,
		.mtu = options->mtu,
		.plain = options->plain,
		.no_gso = options->no_gso,
	};
	int error = tern_tun_create(link, &settings, tern_allocator_default());
	if (error != 0) {
		(void)snprintf(why, room, "no %s device '%s': %s", settings.tap ? "TAP" : "TUN", settings.name,
			       mend(error));
		return false;
	}
	struct work work = { options, tern_tun_name(*link) };
	error = options->n_system > 0 ? netns_run(options->netns, bring_up, &work) : 0;
	if (error != 0) {
		(void)snprintf(why, room, "cannot set up %s: %s%s", tern_tun_name(*link), strerror(-error),
			       error == -EPERM ? " (as root: ip link set it up, ip addr add; then give --address alone)"
					       : "");
		(*link)->ops->close(*link);
	}
	return error == 0;
}

static bool open_packet(const struct dev_options *options, struct tern_link **link, char *why, size_t room)
{
	const struct tern_afpacket settings = {
		.name = options->name, .netns = options->netns, .mtu = options->mtu, .plain = options->plain,
		.up = true, .ring = options->kind == DEV_RING,
	};
	const int error = tern_afpacket_create(link, &settings, tern_allocator_default());

	if (error == -ENODEV)
		(void)snprintf(why, room, "there is no Ethernet interface '%s'", options->name);
	else if (error != 0)
		(void)snprintf(why, room, "cannot have the frames of %s: %s%s", options->name, strerror(-error),
			       error == -EPERM ? " (run as root)" : "");
	if (error == 0 && options->no_gso)
		(*link)->config.gso = false;
	return error == 0;
}

static bool open_xdp(const struct dev_options *options, struct tern_link **link, char *why, size_t room)
{
	const struct tern_xdp settings = {
		.name = options->name, .netns = options->netns, .mtu = options->mtu, .up = true,
	};
	const int error = tern_xdp_create(link, &settings, tern_allocator_default());

	if (error == -ENODEV)
		(void)snprintf(why, room, "there is no Ethernet interface '%s'", options->name);
	else if (error != 0)
		(void)snprintf(why, room, "no AF_XDP socket on %s: %s (see tern doctor)", options->name,
			       strerror(-error));
	return error == 0;
}

/* "net_tap0,iface=t0 --no-huge": what stands behind the first blank is for DPDK's environment. */
static bool open_dpdk(const struct dev_options *options, struct tern_link **link, char *why, size_t room)
{
	char	     device[256];
	const size_t n = strcspn(options->name, " ");

	if (n >= sizeof device) {
		(void)snprintf(why, room, "the name of DPDK's device is too long");
		return false;
	}
	memcpy(device, options->name, n);
	device[n] = '\0';
	const struct tern_dpdk settings = {
		.device = device, .eal = options->name[n] != '\0' ? options->name + n + 1 : NULL,
		.netns = options->netns, .mtu = options->mtu, .plain = options->plain,
	};
	return tern_dpdk_create(link, &settings, tern_allocator_default(), why, room) == 0;
}

bool dev_open(const struct dev_options *options, struct tern_link **link, char *why, size_t room)
{
	if (options->kind == DEV_DPDK)
		return open_dpdk(options, link, why, room);
	if (options->kind == DEV_XDP)
		return open_xdp(options, link, why, room);
	return options->kind >= DEV_PACKET ? open_packet(options, link, why, room) : open_tun(options, link, why, room);
}

/* ---- the host ---- */

int dev_impair(struct tern_link **link, const struct tern_impair *impair)
{
	struct tern_link *over;
	const int error = tern_impair_create(&over, *link, impair, tern_allocator_default());

	if (error == 0)
		*link = over;
	return error;
}

int dev_join(const struct dev_options *options, tern_loop *loop, tern_host *host, struct tern_link *link)
{
	uint8_t number;
	int error = tern_loop_add(loop, host, link, &number);

	if (error != 0) {
		link->ops->close(link);
		return error;
	}
	for (unsigned i = 0; error == 0 && i < options->n_addresses; i++)
		error = tern_host_add_address(host, number, &options->address[i].addr, options->address[i].bits);
	if (error == 0 && options->kind != DEV_TUN)
		error = tern_host_add_link_local(host, number);
	for (unsigned i = 0; error == 0 && i < 2; i++) {
		struct tern_addr all;
		(void)tern_addr_parse(&all, i == 0 ? "0.0.0.0" : "::");
		if (options->kind == DEV_TUN)
			error = tern_host_add_route(host, &all, 0, number, NULL);
		else if (options->has_gateway[i])
			error = tern_host_add_route(host, &all, 0, number, &options->gateway[i]);
	}
	return error;
}
