/* In the guest's namespaces.
 *
 * For a command: a user namespace, which gives its maker every capability over the network and mount namespaces
 * that are made with it, and over nothing else. The ids inside are those outside, so that the command owns what
 * its user owns; becoming the command takes the capabilities away again, unless that user is root.
 *
 * The device is made, and its addresses and routes are set, before the gateway serves it: the kernel keeps what
 * it would send until the descriptor is read.
 *
 * resolv.conf: a file on a tmpfs of our own is bound over the host's, in our mount namespace alone. The tmpfs
 * needs a directory for the moment of the binding; any will do, nobody else sees it.
 */
#include "gateway/guest_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/gateway.h"
#include "link/netdev.h"

enum { EXIT_BROKEN = 126, EXIT_MISSING = 127, RESOLV_CONF_MOST = 8192 };
/* Packets of the guest's that wait for us: a thousand connections may begin at once, and a full send window in small
 * packets is to fit. What does not would be lost on a link that cannot lose. */
enum { DEVICE_QUEUE = 10000 };

static const char device_name[] = "tern0";
static const char resolv_conf[] = "/etc/resolv.conf";

struct inside {
	const struct gateway *gateway;
	int		      talk;
	struct guest_report   report;
	int		      fds[GUEST_DESCRIPTORS];
};

/* ---- words ---- */

static void report(struct inside *inside, bool with_descriptors)
{
	char		   control[CMSG_SPACE(sizeof inside->fds)] = { 0 };
	struct iovec	   part = { .iov_base = &inside->report, .iov_len = sizeof inside->report };
	struct msghdr	   message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (with_descriptors) {
		message.msg_control = control;
		message.msg_controllen = sizeof control;
		struct cmsghdr *const head = CMSG_FIRSTHDR(&message);
		*head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
					  .cmsg_len = CMSG_LEN(sizeof inside->fds) };
		memcpy(CMSG_DATA(head), inside->fds, sizeof inside->fds);
	}
	if (sendmsg(inside->talk, &message, MSG_NOSIGNAL) < 0)
		_exit(EXIT_BROKEN); /* the gateway is gone */
}

static _Noreturn void __attribute__((format(printf, 2, 3))) fail(struct inside *inside, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(inside->report.error, sizeof inside->report.error, format, arguments);
	va_end(arguments);
	inside->report.exit = EXIT_BROKEN;
	report(inside, false);
	_exit(EXIT_BROKEN);
}

static void wait_for_gateway(struct inside *inside)
{
	char	octet;
	ssize_t n;

	do
		n = recv(inside->talk, &octet, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(EXIT_BROKEN); /* it has given up, and said why */
}

static long setting(const char *path)
{
	char	  text[32] = "";
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t	  n = -1;

	if (fd >= 0) {
		n = read(fd, text, sizeof text - 1);
		close(fd);
	}
	return n > 0 ? strtol(text, NULL, 10) : -1;
}

static const char *why_no_namespace(int error)
{
	if (error == ENOSPC || setting("/proc/sys/user/max_user_namespaces") == 0)
		return "as root: sysctl user.max_user_namespaces=16384";
	if (setting("/proc/sys/kernel/unprivileged_userns_clone") == 0)
		return "as root: sysctl kernel.unprivileged_userns_clone=1";
	if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
		return "load tern's AppArmor profile, or as root: "
		       "sysctl kernel.apparmor_restrict_unprivileged_userns=0";
	if (error == ENOSYS || error == EINVAL)
		return "the kernel needs CONFIG_USER_NS and CONFIG_NET_NS";
	return "in a container, allow unshare(2) (Docker: --security-opt seccomp=unconfined)";
}

/* ---- namespaces ---- */

static void make_namespaces(struct inside *inside)
{
	if (unshare(CLONE_NEWUSER) < 0) {
		const int error = errno;
		fail(inside, "no user namespace: %s; %s", strerror(error), why_no_namespace(error));
	}
	report(inside, false);
	wait_for_gateway(inside);
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0) {
		const int error = errno;
		fail(inside, "the user namespace has no capabilities: %s; %s", strerror(error),
		     why_no_namespace(error));
	}
	/* What is mounted here stays here. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		fail(inside, "mounts cannot be made private: %s", strerror(errno));
}

static bool is_ours(int userns)
{
	struct stat ours, its;

	return stat("/proc/self/ns/user", &ours) == 0 && fstat(userns, &its) == 0 && ours.st_dev == its.st_dev &&
	       ours.st_ino == its.st_ino;
}

/* A network namespace that is there: first into the user namespace that owns it, where that is another. */
static void join_namespace(struct inside *inside, int netns)
{
	const int userns = ioctl(netns, NS_GET_USERNS);

	if (userns >= 0 && !is_ours(userns) && setns(userns, CLONE_NEWUSER) < 0)
		fail(inside, "cannot join the user namespace of that network: %s; it must be your own, or run as root",
		     strerror(errno));
	if (setns(netns, CLONE_NEWNET) < 0)
		fail(inside, "cannot join that network namespace: %s; it must be your own, or run as root",
		     strerror(errno));
	if (userns >= 0)
		close(userns);
}

/* ---- the device ---- */

static void open_device(struct inside *inside)
{
	const struct gateway_options *const options = inside->gateway->options;
	const struct tern_tun settings = { .name = device_name, .tap = !options->tun, .mtu = options->mtu };
	const int	      fd = tern_tun_open(&settings, NULL);

	if (fd == -ENOENT || fd == -ENODEV || fd == -ENXIO)
		fail(inside, "no /dev/net/tun; as root: modprobe tun (in a container: --device /dev/net/tun)");
	if (fd == -EACCES)
		fail(inside, "/dev/net/tun is not for us to open; as root: chmod 0666 /dev/net/tun");
	if (fd == -EPERM)
		fail(inside, "the namespace's network devices are not ours to make; %s", why_no_namespace(EPERM));
	if (fd == -EBUSY)
		fail(inside, "that network has an interface %s already", device_name);
	if (fd < 0)
		fail(inside, "cannot make a %s device: %s", options->tun ? "TUN" : "TAP", strerror(-fd));
	if (!options->tun)
		(void)netdev_get_mac(device_name, inside->report.mac);
	inside->fds[GUEST_DEVICE] = fd;
}

static void must(struct inside *inside, int error, const char *what)
{
	if (error < 0)
		fail(inside, "%s: %s", what, strerror(-error));
}

/* The guest's user may ping: a new network namespace lets nobody. */
static void allow_pings(void)
{
	const unsigned gid = (unsigned)getegid();
	const int      fd = open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)dprintf(fd, "%u %u", gid, gid);
	close(fd);
}

/* Between the guest and tern nothing is lost, and nothing waits in a network. What the machine has by default may pace
 * there, with a timer for each segment (BBR: a third of the throughput, twice the CPU time). Reno does not, and every
 * namespace may have it. An impaired link is there to be felt. */
static void choose_congestion_control(const struct inside *inside)
{
	const int fd = open("/proc/sys/net/ipv4/tcp_congestion_control", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (!inside->gateway->options->impaired)
		(void)dprintf(fd, "reno");
	close(fd);
}

static void set_default_route(struct inside *inside, const struct tern_addr *any, const struct tern_addr *gateway,
			      const struct tern_addr *guest)
{
	const int error = netdev_add_route(device_name, any, 0, gateway, guest);

	if (error == -EEXIST)
		fail(inside, "that network has a default route of its own already, which would be lost");
	must(inside, error, "cannot set the default route");
}

static void set_addresses(struct inside *inside)
{
	const struct gateway *const   gateway = inside->gateway;
	static const struct tern_addr any6 = { { 0 } }, any4 = { { [10] = 0xff, [11] = 0xff } };

	(void)netdev_quiet_ipv6(device_name); /* without it the link-local address alone waits */
	must(inside, netdev_up("lo"), "cannot bring loopback up");
	(void)netdev_set_queue(device_name, DEVICE_QUEUE);
	must(inside, netdev_up(device_name), "cannot bring the device up");
	must(inside, netdev_add_address(device_name, &gateway->guest4, gateway->options->bits),
	     "cannot give the guest its address");
	set_default_route(inside, &any4, &gateway->gateway4, &gateway->guest4);
	if (!gateway->ipv6)
		return;
	must(inside, netdev_add_address(device_name, &gateway->guest6, 64), "cannot give the guest its IPv6 address");
	set_default_route(inside, &any6, &gateway->gateway6, &gateway->guest6);
}

/* ---- resolv.conf ---- */

size_t guest_resolv_conf(char *to, size_t room, const char *hosts, const struct tern_addr *server)
{
	static const char *const kept[] = { "search", "domain", "options" };
	char			 addr[46];
	size_t			 n = (size_t)snprintf(to, room, "# by tern gateway\nnameserver %s\n",
						      tern_addr_format(server, addr));

	for (const char *line = hosts; *line;) {
		const size_t len = strcspn(line, "\n");

		for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
			const size_t word = strlen(kept[i]);
			const bool   is_it = strncmp(line, kept[i], word) == 0 && strspn(line + word, " \t") > 0;

			if (is_it && n + len + 2 < room)
				n += (size_t)snprintf(to + n, room - n, "%.*s\n", (int)len, line);
		}
		line += len + (line[len] == '\n');
	}
	return n;
}

static bool write_file(const char *path, const char *text, size_t n)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return false;
	const bool written = write(fd, text, n) == (ssize_t)n;
	(void)fchmod(fd, 0644); /* whatever the umask */
	close(fd);
	return written;
}

/* As one line, not an end: a command that needs no names runs all the same. */
static void complain(const char *what)
{
	gateway_say("%s: %s; names will not resolve as they should", what, strerror(errno));
}

static void cover_resolv_conf(struct inside *inside)
{
	static const char *const directories[] = { "/tmp", "/run", "/mnt", "/var", "/usr", "/proc" };
	char			 hosts[RESOLV_CONF_MOST] = "", text[RESOLV_CONF_MOST], file[32];
	const int		 fd = open(resolv_conf, O_RDONLY | O_CLOEXEC);
	const char		*directory = NULL;
	bool			 bound = false;

	if (fd < 0) {
		complain(resolv_conf);
		return;
	}
	const ssize_t got = read(fd, hosts, sizeof hosts - 1);
	close(fd);
	hosts[got > 0 ? got : 0] = '\0';
	const size_t n = guest_resolv_conf(text, sizeof text, hosts, &inside->gateway->dns4);

	for (size_t i = 0; i < sizeof directories / sizeof directories[0] && !directory; i++)
		if (mount("tern", directories[i], "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=64k") == 0)
			directory = directories[i];
	if (directory) {
		(void)snprintf(file, sizeof file, "%s/resolv.conf", directory);
		bound = write_file(file, text, n) && mount(file, resolv_conf, NULL, MS_BIND, NULL) == 0;
	}
	if (!bound)
		complain("cannot cover /etc/resolv.conf");
	if (directory)
		(void)umount2(directory, MNT_DETACH);
}

/* ---- the command ---- */

static _Noreturn void become_command(const struct inside *inside, const sigset_t *mask)
{
	char *const *const command = inside->gateway->options->command;

	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	(void)execvp(command[0], command);
	const int error = errno;
	gateway_say("cannot run '%s': %s", command[0], strerror(error));
	_exit(error == ENOENT || error == ENOTDIR ? EXIT_MISSING : EXIT_BROKEN);
}

_Noreturn void guest_inside(const struct gateway *gateway, int talk, int netns, const sigset_t *mask)
{
	struct inside inside = { .gateway = gateway, .talk = talk };

	if (netns < 0)
		make_namespaces(&inside);
	else
		join_namespace(&inside, netns);
	open_device(&inside);
	if (netns < 0) { /* one that is there already stays as its owner has it */
		choose_congestion_control(&inside);
		allow_pings();
	}
	set_addresses(&inside);
	inside.fds[GUEST_DIAG] = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
	if (inside.fds[GUEST_DIAG] < 0)
		fail(&inside, "no socket diagnosis: %s; the kernel needs CONFIG_INET_DIAG", strerror(errno));
	if (netns < 0 && !gateway->options->no_dns)
		cover_resolv_conf(&inside);
	report(&inside, true);
	if (netns >= 0)
		_exit(0);
	for (unsigned i = 0; i < GUEST_DESCRIPTORS; i++)
		close(inside.fds[i]);
	wait_for_gateway(&inside);
	become_command(&inside, mask);
}
