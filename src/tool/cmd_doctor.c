/* tern doctor: what this machine allows. Each thing is tried for real, in a process of its own that is gone
 * afterwards: some systems permit a namespace and then deny its capabilities, which no setting tells.
 */
#include "link/netdev.h"
#include "link/packet_ring.h"
#include "link/vnet.h"
#include "link/xdp_program.h"
#include "tool/tool.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/if_xdp.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <tern/device.h>
#include <tern/loop.h>
#include <unistd.h>

enum {
	TEXT = 240,
	SECONDS = 10, /* for one check; then it counts as failed */
	F_USO = 0x20 | 0x40,
	UMEM = 16 * 4096,
};

enum state { FINE, LESS, MISSING }; /* LESS: tern works, with less */

struct finding {
	enum state state;
	char	   text[TEXT];
};

static void found(struct finding *finding, enum state state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void found(struct finding *finding, enum state state, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	finding->state = state;
	(void)vsnprintf(finding->text, sizeof finding->text, format, arguments);
	va_end(arguments);
}

/* The number in a file of /proc/sys; -1: there is none. */
static long setting(const char *path)
{
	char text[32] = "", *end = text;
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	const ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	const long value = n > 0 ? strtol(text, &end, 10) : -1;
	return end != text ? value : -1;
}

static bool put(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	const bool done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return done;
}

/* ---- namespaces ---- */

static const char apparmor_mend[] =
	"AppArmor denies it: install the profile that comes with tern (share/tern/apparmor.d/tern, see tern-doctor(1))";

static void explain_denied_namespace(struct finding *finding, int error)
{
	if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
		found(finding, MISSING, "%s", apparmor_mend);
	else if (setting("/proc/sys/user/max_user_namespaces") == 0)
		found(finding, MISSING, "switched off: sysctl user.max_user_namespaces=15000");
	else if (setting("/proc/sys/kernel/unprivileged_userns_clone") == 0)
		found(finding, MISSING, "switched off: sysctl kernel.unprivileged_userns_clone=1");
	else if (error == EINVAL || error == ENOSYS)
		found(finding, MISSING, "this kernel has none (CONFIG_USER_NS)");
	else
		found(finding, MISSING,
		      "denied (%s): in a container, run it with --security-opt seccomp=unconfined, or as root",
		      strerror(error));
}

/* This process becomes root of a user and network namespace of its own. 0 or an errno. */
static int enter_namespaces(void)
{
	char map[48];
	const unsigned uid = geteuid(), gid = getegid();
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) != 0)
		return errno;
	(void)put("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof map, "%u %u 1", uid, uid);
	if (!put("/proc/self/uid_map", map))
		return errno;
	(void)snprintf(map, sizeof map, "%u %u 1", gid, gid);
	return put("/proc/self/gid_map", map) ? 0 : errno;
}

static void check_namespaces(struct finding *finding)
{
	const int error = enter_namespaces();
	if (error != 0) {
		explain_denied_namespace(finding, error);
		return;
	}
	const int up = netdev_up("lo");
	if (up == 0)
		found(finding, FINE, "made, and their capabilities work");
	else if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
		found(finding, MISSING, "made, but without capabilities: %s", apparmor_mend);
	else
		found(finding, MISSING, "made, but their capabilities are denied (%s)", strerror(-up));
}

static void check_mounts(struct finding *finding)
{
	if (enter_namespaces() != 0)
		found(finding, LESS, "not tried: no user namespace");
	else if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		 mount("/dev/null", "/etc/resolv.conf", NULL, MS_BIND, NULL) != 0)
		found(finding, LESS, "a resolv.conf of the command's own cannot be mounted (%s): it keeps the host's",
		      strerror(errno));
	else
		found(finding, FINE, "a resolv.conf of the command's own can be mounted");
}

/* ---- devices ---- */

static void explain_no_tun(struct finding *finding, int error)
{
	switch (error) {
	case ENOENT:
		found(finding, MISSING, "missing: modprobe tun; in a container, run it with --device /dev/net/tun");
		break;
	case ENODEV:
	case ENXIO: found(finding, MISSING, "the kernel has no TUN driver loaded: modprobe tun"); break;
	case EACCES:
		found(finding, MISSING,
		      "not open to this user: as root, chmod 0666 /dev/net/tun (distributions have it so)");
		break;
	case EPERM:
		found(finding, MISSING, "denied by the container: run it with --device /dev/net/tun");
		break;
	default: found(finding, MISSING, "%s", strerror(error));
	}
}

/* A TAP device in a namespace of our own; the descriptor, or -1 and the finding. */
static int make_tap(struct finding *finding)
{
	const int error = enter_namespaces(), fd = tern_tun_open(&(struct tern_tun){ .tap = true, .mtu = 65520 }, NULL);
	if (fd >= 0)
		return fd;
	const int probe = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (probe < 0)
		explain_no_tun(finding, errno);
	else if (error != 0)
		found(finding, LESS, "opens; no device was made: no user namespace");
	else
		found(finding, MISSING, "opens, but makes no device in a namespace (%s)", strerror(-fd));
	if (probe >= 0)
		close(probe);
	return -1;
}

static void check_tun(struct finding *finding)
{
	if (make_tap(finding) >= 0)
		found(finding, FINE, "makes a TAP device in a namespace, MTU 65520");
}

static void check_offloads(struct finding *finding)
{
	const unsigned tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	const int fd = make_tap(finding);
	if (fd < 0)
		found(finding, LESS, "not tried: no device");
	else if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)(tso | F_USO)) == 0)
		found(finding, FINE, "checksums, TSO4, TSO6, USO");
	else if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)tso) == 0)
		found(finding, FINE, "checksums, TSO4, TSO6; USO comes with Linux 6.2");
	else
		found(finding, LESS, "none (%s): every packet crosses alone", strerror(errno));
}

static void check_nc(struct finding *finding)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { .effective = 0 } };
	if (syscall(SYS_capget, &head, data) == 0 && data[0].effective >> CAP_NET_ADMIN & 1)
		found(finding, FINE, "this user makes devices in this namespace (CAP_NET_ADMIN)");
	else
		found(finding, LESS,
		      "only on devices that root made for you: ip tuntap add dev tern0 mode tun user %u", geteuid());
}

/* ---- sockets ---- */

static void check_ping(struct finding *finding)
{
	const int v4 = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP), error = errno;
	const int v6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	if (v4 >= 0 && v6 >= 0)
		found(finding, FINE, "IPv4 and IPv6");
	else if (v4 >= 0)
		found(finding, LESS, "IPv4 alone: no IPv6 here");
	else if (error == EACCES || error == EPERM)
		found(finding, LESS, "not for this group: sysctl net.ipv4.ping_group_range=\"0 2147483647\"");
	else
		found(finding, LESS, "%s", strerror(error));
}

/* A global address on an interface that is not loopback: the scope field of /proc/net/if_inet6 is 00. */
static void check_ipv6(struct finding *finding)
{
	FILE *const file = fopen("/proc/net/if_inet6", "re");
	char name[20];
	unsigned scope;
	bool global = false;
	if (file == NULL) {
		found(finding, LESS, "switched off (kernel parameter ipv6.disable): guests have IPv4 alone");
		return;
	}
	while (fscanf(file, "%*32s %*x %*x %x %*x %19s", &scope, name) == 2)
		global |= scope == 0 && strcmp(name, "lo") != 0;
	(void)fclose(file);
	found(finding, global ? FINE : LESS, "%s",
	      global ? "the host has a global address"
		     : "the host has no global address: guests reach its loopback by it, and no more");
}

/* What tern wire opens: here, not in a namespace of our own, for its devices are here. */
static void check_packet(struct finding *finding)
{
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), on = 1;
	if (fd < 0) {
		if (errno == EPERM || errno == EACCES)
			found(finding, LESS, "wants CAP_NET_RAW: run tern wire as root");
		else
			found(finding, LESS, "this kernel has none (CONFIG_PACKET): tern wire joins TAP devices alone");
		return;
	}
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0) {
		found(finding, LESS, "too old (%s; Linux 4.20): tern wire joins TAP devices alone", strerror(errno));
		return;
	}
	struct packet_ring ring;
	const int error = ring_open(&ring, fd, VNET_HEADER);
	if (error != 0)
		found(finding, LESS, "frames of any interface, with their offloads; no shared ring (%s)",
		      strerror(-error));
	else
		found(finding, FINE, "frames of any interface, with their offloads, and by a shared ring (TPACKET_V3)");
}

static void check_xdp(struct finding *finding)
{
	const int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		if (errno == EPERM || errno == EACCES)
			found(finding, LESS, "wants CAP_NET_RAW: run as root");
		else
			found(finding, LESS, "this kernel has none (CONFIG_XDP_SOCKETS)");
		return;
	}
	void *const memory = mmap(NULL, UMEM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct xdp_umem_reg umem = { .addr = (uintptr_t)memory, .len = UMEM, .chunk_size = 4096 };
	if (memory == MAP_FAILED || setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &umem, sizeof umem) != 0) {
		found(finding, LESS, "packet memory cannot be registered (%s): ulimit -l unlimited", strerror(errno));
		return;
	}
	struct xdp_program program;
	const int error = xdp_program_load(&program);
	if (error == 0)
		found(finding, FINE, "sockets have memory, and their program loads");
	else
		found(finding, LESS, "its program is not let in (%s): run as root, in a container with CAP_BPF and "
				     "CAP_NET_ADMIN", strerror(-error));
}

static void check_io_uring(struct finding *finding)
{
	struct io_uring_params params = { .flags = 0 };
	if (syscall(SYS_io_uring_setup, 4, &params) >= 0)
		found(finding, FINE, "a ring can be made");
	else if (errno == ENOSYS)
		found(finding, LESS, "this kernel has none (Linux 5.1, CONFIG_IO_URING)");
	else if (setting("/proc/sys/kernel/io_uring_disabled") > 0)
		found(finding, LESS, "switched off: sysctl kernel.io_uring_disabled=0");
	else
		found(finding, LESS, "denied (%s): by a container's seccomp profile, most likely", strerror(errno));
}

/* A device of DPDK's that is nothing: what it takes to have one at all. */
static void check_dpdk(struct finding *finding)
{
	struct tern_link *link;
	char		  why[sizeof finding->text];
	const struct tern_dpdk settings = { .device = "net_null0" };
	const int error = tern_dpdk_create(&link, &settings, tern_allocator_default(), why, sizeof why);
	found(finding, error == 0 ? FINE : LESS, "%s",
	      error == 0 ? "the plug-in opens, and its environment starts" : why);
}

static void check_seccomp(struct finding *finding)
{
	const uint32_t action = SECCOMP_RET_KILL_PROCESS;
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
		found(finding, FINE, "filters can be set");
	else
		found(finding, LESS, "this kernel has no filters (CONFIG_SECCOMP_FILTER): the gateway runs without");
}

/* ---- the list ---- */

static const struct check {
	const char *name;
	void (*run)(struct finding *finding);
} checks[] = {
	{ "user namespaces", check_namespaces }, { "mount namespaces", check_mounts }, { "/dev/net/tun", check_tun },
	{ "offloads", check_offloads },		 { "tern nc", check_nc },	       { "ping sockets", check_ping },
	{ "IPv6", check_ipv6 },			 { "seccomp", check_seccomp },	       { "AF_PACKET", check_packet },
	{ "AF_XDP", check_xdp },		 { "io_uring", check_io_uring },
	{ "DPDK", check_dpdk },
};

enum { CHECKS = sizeof checks / sizeof checks[0] };

/* In a child, so that what it enters, mounts and opens goes with it. */
static void run_check(const struct check *check, struct finding *finding)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0) {
		found(finding, MISSING, "cannot be tried (%s)", strerror(errno));
		return;
	}
	const pid_t child = fork();
	if (child < 0)
		found(finding, MISSING, "cannot be tried (%s)", strerror(errno));
	if (child == 0) {
		(void)alarm(SECONDS);
		check->run(finding);
		(void)!write(ends[1], finding, sizeof *finding);
		_exit(0);
	}
	close(ends[1]);
	if (child > 0 && read(ends[0], finding, sizeof *finding) != (ssize_t)sizeof *finding)
		found(finding, MISSING, "the attempt ended early");
	close(ends[0]);
	if (child > 0)
		(void)waitpid(child, NULL, 0);
}

static void print_json(const struct check *check, const struct finding *finding)
{
	static const char *const names[] = { "ok", "less", "missing" };
	printf("{\"check\":\"%s\",\"state\":\"%s\",\"text\":\"", check->name, names[finding->state]);
	for (const char *at = finding->text; *at != '\0'; at++) {
		if (*at == '"' || *at == '\\')
			putchar('\\');
		putchar(*at);
	}
	puts("\"}");
}

static int examine(bool json)
{
	static const char *const marks[] = { "ok", "less", "no" };
	bool missing = false;
	for (unsigned i = 0; i < CHECKS; i++) {
		struct finding finding;
		run_check(&checks[i], &finding);
		missing |= finding.state == MISSING;
		if (json)
			print_json(&checks[i], &finding);
		else
			printf("%-4s  %-16s  %s\n", marks[finding.state], checks[i].name, finding.text);
		(void)fflush(stdout); /* before the next fork */
	}
	if (!json)
		puts(missing ? "\ntern gateway does not work here before that is mended; tern lab does."
			     : "\ntern gateway works here.");
	if (!tool_flushed("doctor"))
		return TOOL_NOT_AS_EXPECTED;
	return missing ? TOOL_NOT_AS_EXPECTED : TOOL_OK;
}

static int doctor_help(void)
{
	fputs("usage: tern doctor [--json]\n"
	      "\n"
	      "Tries what this machine allows, and says what to do where it does not: a line each, 'ok', 'less' (tern\n"
	      "works, without that) or 'no' (tern gateway does not).\n"
	      "\n"
	      "  --json  one object a line: check, state (ok, less, missing), text\n"
	      "  --help  this\n"
	      "\n"
	      "Exit status: 0 tern gateway works here, 1 it does not, 2 the command line is wrong.\n"
	      "\n"
	      "Examples:\n"
	      "  tern doctor\n"
	      "  sudo tern doctor\n"
	      "  tern doctor --json | jq 'select(.state != \"ok\")'\n", stdout);
	return tool_flushed("doctor") ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
}

int tool_doctor(int n, char *const arguments[])
{
	bool json = false;
	for (int i = 0; i < n; i++) {
		if (strcmp(arguments[i], "--help") == 0 || strcmp(arguments[i], "-h") == 0)
			return doctor_help();
		if (strcmp(arguments[i], "--json") != 0)
			return tool_wrong("doctor", "there is no %s '%s' (see tern doctor --help)",
					  arguments[i][0] == '-' ? "option" : "argument", arguments[i]);
		json = true;
	}
	return examine(json);
}
