/* The guest, seen from the gateway: a process inside its namespaces made ready (guest_inside.c), then watched.
 *
 * The gateway itself stays where it was. What it holds of the guest are descriptors that the inside handed out:
 * the device, and a socket that lists the namespace's TCP connections, for both belong to the network
 * namespace they were made in for good, and keep it alive when its last process has gone.
 *
 * Signals: those that end or steer a command are blocked here and read from a descriptor. What a process sent
 * is passed on. What the kernel sent (Ctrl-C at the terminal, the terminal gone) went to the whole process group,
 * the command among it, and is not sent a second time. Without a command they end the gateway.
 */
#include "gateway/gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/guest_inside.h"

enum { EXIT_NOT_SET_UP = 1, EXIT_BROKEN = 126, EXIT_SIGNAL = 128, MAP_MOST = 4096 };

static const int passed_on[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH };

static int put(char error[GATEWAY_ERROR], int exit, const char *what, int number)
{
	(void)snprintf(error, GATEWAY_ERROR, "%s: %s", what, strerror(number));
	return exit;
}

static void close_it(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void keep_from_command(int fd)
{
	if (fd >= 0)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* ---- the ids inside ---- */

static int write_text(const char *path, const char *text, size_t n)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	const int error = write(fd, text, n) == (ssize_t)n ? 0 : -errno;
	close(fd);
	return error;
}

/* Every id that we know, as it is: "outside" of the new map is our own inside. For root alone. */
static int map_all(pid_t pid, const char *which)
{
	char  path[64], from[MAP_MOST], to[MAP_MOST];
	size_t n = 0;

	(void)snprintf(path, sizeof path, "/proc/self/%s", which);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	const ssize_t got = read(fd, from, sizeof from - 1);
	close(fd);
	from[got > 0 ? got : 0] = '\0';
	for (const char *line = from; *line;) {
		unsigned first, outside, count;

		if (sscanf(line, "%u %u %u", &first, &outside, &count) != 3 || n + 40 > sizeof to)
			return -EINVAL;
		n += (size_t)snprintf(to + n, sizeof to - n, "%u %u %u\n", first, first, count);
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	(void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, which);
	return write_text(path, to, n);
}

static int map_one(pid_t pid, const char *which, unsigned id)
{
	char	  path[64], text[40];
	const int n = snprintf(text, sizeof text, "%u %u 1\n", id, id);

	(void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, which);
	return write_text(path, text, (size_t)n);
}

/* user_namespaces(7): without privileges one id, one's own, and only where setgroups(2) is given up. */
static int map_ids(pid_t pid)
{
	char path[64];

	if (map_all(pid, "uid_map") == 0 && map_all(pid, "gid_map") == 0)
		return 0;
	(void)snprintf(path, sizeof path, "/proc/%d/setgroups", (int)pid);
	(void)write_text(path, "deny", 4);
	const int error = map_one(pid, "uid_map", geteuid());
	return error != 0 ? error : map_one(pid, "gid_map", getegid());
}

/* ---- making it ---- */

/* One report, and its descriptors where fds is not NULL. False: the inside died. */
static bool hear(int talk, struct guest_report *report, int *fds)
{
	char		control[CMSG_SPACE(GUEST_DESCRIPTORS * sizeof(int))];
	struct iovec	part = { .iov_base = report, .iov_len = sizeof *report };
	struct msghdr	message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
				    .msg_controllen = sizeof control };
	ssize_t		n;

	do
		n = recvmsg(talk, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof *report)
		return false;
	const struct cmsghdr *const head = CMSG_FIRSTHDR(&message);
	if (fds && head && head->cmsg_type == SCM_RIGHTS &&
	    head->cmsg_len == CMSG_LEN(GUEST_DESCRIPTORS * sizeof(int)))
		memcpy(fds, CMSG_DATA(head), GUEST_DESCRIPTORS * sizeof(int));
	return true;
}

static int converse(struct gateway *gateway, bool command, char error[GATEWAY_ERROR])
{
	struct guest *const guest = &gateway->guest;
	struct guest_report report = { .exit = 0 };
	int		    fds[GUEST_DESCRIPTORS] = { -1, -1 };

	if (command) {
		if (!hear(guest->gate, &report, NULL))
			return put(error, EXIT_BROKEN, "the guest's process died", ECHILD);
		if (report.exit == 0) {
			const int mapped = map_ids(guest->pid);
			if (mapped < 0)
				return put(error, EXIT_BROKEN, "cannot map the user's ids", -mapped);
			(void)send(guest->gate, "", 1, MSG_NOSIGNAL);
		}
	}
	if (report.exit == 0 && !hear(guest->gate, &report, fds))
		return put(error, EXIT_BROKEN, "the guest's process died", ECHILD);
	if (report.exit != 0) {
		report.error[sizeof report.error - 1] = '\0';
		(void)snprintf(error, GATEWAY_ERROR, "%s", report.error);
		return command ? report.exit : EXIT_NOT_SET_UP;
	}
	guest->device = fds[GUEST_DEVICE];
	guest->diag = fds[GUEST_DIAG];
	guest->tun = gateway->options->tun;
	memcpy(guest->mac, report.mac, sizeof guest->mac);
	return 0;
}

/* netns: as guest_inside(). */
static int start(struct gateway *gateway, int netns, const sigset_t *mask, char error[GATEWAY_ERROR])
{
	struct guest *const guest = &gateway->guest;
	const bool	    command = netns < 0;
	int		    talk[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, talk) < 0)
		return put(error, EXIT_NOT_SET_UP, "no socket pair", errno);
	fflush(NULL);
	guest->pid = fork();
	if (guest->pid == 0) {
		close(talk[0]);
		guest_inside(gateway, talk[1], netns, mask);
	}
	const int forked = guest->pid < 0 ? errno : 0;
	close(talk[1]);
	guest->gate = talk[0];
	int exit = forked ? put(error, EXIT_BROKEN, "cannot fork", forked) : converse(gateway, command, error);
	if (command && exit == 0) {
		guest->pidfd = (int)syscall(SYS_pidfd_open, guest->pid, 0);
		if (guest->pidfd >= 0)
			return 0;
		exit = put(error, EXIT_BROKEN, "no descriptor of the command's process", errno);
	}
	close_it(&guest->gate);
	while (!forked && waitpid(guest->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	guest->pid = 0;
	return exit;
}

static bool is_our_own(int netns)
{
	struct stat its, ours;

	return fstat(netns, &its) == 0 && stat("/proc/self/ns/net", &ours) == 0 && its.st_dev == ours.st_dev &&
	       its.st_ino == ours.st_ino;
}

static int attach(struct gateway *gateway, const char *path, const sigset_t *mask, char error[GATEWAY_ERROR])
{
	char	  what[192];
	const int netns = open(path, O_RDONLY | O_CLOEXEC);

	if (netns < 0) {
		const int number = errno;
		(void)snprintf(what, sizeof what, "cannot open the network namespace %.120s", path);
		return put(error, EXIT_NOT_SET_UP, what, number);
	}
	/* Its default route would lead to us, and from us back to it. */
	const bool own = is_our_own(netns);
	const int  exit = own ? EXIT_NOT_SET_UP : start(gateway, netns, mask, error);

	if (own)
		(void)snprintf(error, GATEWAY_ERROR, "%.120s is the network namespace that tern itself runs in", path);
	close(netns);
	return exit;
}

static int attach_process(struct gateway *gateway, const sigset_t *mask, char error[GATEWAY_ERROR])
{
	char path[64];

	/* First its descriptor, then what its number names: so both are of one process. */
	gateway->guest.pidfd = (int)syscall(SYS_pidfd_open, (pid_t)gateway->options->pid, 0);
	if (gateway->guest.pidfd < 0) {
		const int number = errno;
		(void)snprintf(path, sizeof path, "cannot attach to process %ld", gateway->options->pid);
		return put(error, EXIT_NOT_SET_UP, path, number);
	}
	(void)snprintf(path, sizeof path, "/proc/%ld/ns/net", gateway->options->pid);
	return attach(gateway, path, mask, error);
}

static int take_descriptor(struct gateway *gateway, char error[GATEWAY_ERROR])
{
	struct ifreq request = { 0 };
	const int    fd = gateway->options->fd;

	if (ioctl(fd, TUNGETIFF, &request) < 0) {
		const int number = errno == ENOTTY ? EINVAL : errno;
		return put(error, EXIT_NOT_SET_UP, "--fd is no TAP or TUN device", number);
	}
	keep_from_command(fd);
	gateway->guest.device = fd;
	gateway->guest.tun = (request.ifr_flags & IFF_TUN) != 0;
	return 0;
}

int guest_open(struct gateway *gateway, char error[GATEWAY_ERROR])
{
	const struct gateway_options *const options = gateway->options;
	struct guest *const		    guest = &gateway->guest;
	sigset_t			    ours, mask;

	*guest = (struct guest){ .device = -1, .pidfd = -1, .gate = -1, .diag = -1, .signals = -1 };
	keep_from_command(options->ready_fd);
	keep_from_command(options->exit_fd);
	(void)sigemptyset(&ours);
	for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++)
		(void)sigaddset(&ours, passed_on[i]);
	(void)sigprocmask(SIG_BLOCK, &ours, &mask);
	guest->signals = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
	if (guest->signals < 0)
		return put(error, EXIT_NOT_SET_UP, "no signal descriptor", errno);
	switch (options->guest) {
	case GUEST_COMMAND: return start(gateway, -1, &mask, error);
	case GUEST_ATTACH: return attach_process(gateway, &mask, error);
	case GUEST_NETNS: return attach(gateway, options->netns, &mask, error);
	case GUEST_FD: return take_descriptor(gateway, error);
	case GUEST_QEMU: return 0;
	}
	return EXIT_NOT_SET_UP;
}

/* ---- while it runs ---- */

static void stop_watching(struct gateway *gateway, int *fd)
{
	if (*fd >= 0 && gateway->loop)
		(void)tern_loop_watch_fd(gateway->loop, *fd, 0, NULL, NULL);
	close_it(fd);
}

static void end(struct gateway *gateway, int status)
{
	struct guest *const guest = &gateway->guest;

	if (guest->ended)
		return;
	guest->ended = true;
	guest->status = status;
	gateway_guest_ended(gateway, status);
}

/* The command ended, or the process that was attached to. */
static void on_process_end(void *context, short revents)
{
	struct gateway *const gateway = context;
	siginfo_t	      info = { .si_code = 0 };
	int		      status = 0;

	(void)revents;
	if (gateway->guest.pid > 0) {
		if (waitid(P_PIDFD, (id_t)gateway->guest.pidfd, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0)
			return;
		status = info.si_code == CLD_EXITED ? info.si_status : EXIT_SIGNAL + info.si_status;
	}
	stop_watching(gateway, &gateway->guest.pidfd);
	end(gateway, status);
}

static void signal_guest(struct gateway *gateway, int number)
{
	const struct guest *const guest = &gateway->guest;

	if (guest->pid > 0 && guest->pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, guest->pidfd, number, NULL, 0);
	else if (number != SIGUSR1 && number != SIGUSR2 && number != SIGWINCH)
		end(gateway, EXIT_SIGNAL + number);
}

static void on_signal(void *context, short revents)
{
	struct gateway *const	gateway = context;
	struct signalfd_siginfo info;

	(void)revents;
	while (read(gateway->guest.signals, &info, sizeof info) == (ssize_t)sizeof info) {
		const bool to_all = info.ssi_code == SI_KERNEL && gateway->guest.pid > 0;

		if (gateway->guest.ended && info.ssi_signo != SIGWINCH)
			gateway->stop = true; /* what lingers is given up */
		else if (!to_all)
			signal_guest(gateway, (int)info.ssi_signo);
	}
}

/* Whoever holds the other end wants us gone: it closed it, or died. */
static void on_exit_fd(void *context, short revents)
{
	struct gateway *const gateway = context;
	char		      octets[64];
	const int	      fd = gateway->options->exit_fd;
	const ssize_t	      n = revents & POLLIN ? read(fd, octets, sizeof octets) : 0;

	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	(void)tern_loop_watch_fd(gateway->loop, fd, 0, NULL, NULL);
	if (gateway->guest.pid > 0)
		signal_guest(gateway, SIGTERM);
	else
		end(gateway, 0);
}

int guest_go(struct gateway *gateway)
{
	const struct gateway_options *const options = gateway->options;
	struct guest *const		    guest = &gateway->guest;
	int				    error;

	error = tern_loop_watch_fd(gateway->loop, guest->signals, POLLIN, on_signal, gateway);
	if (error == 0 && guest->pidfd >= 0)
		error = tern_loop_watch_fd(gateway->loop, guest->pidfd, POLLIN, on_process_end, gateway);
	if (error == 0 && options->exit_fd >= 0)
		error = tern_loop_watch_fd(gateway->loop, options->exit_fd, POLLIN, on_exit_fd, gateway);
	if (error != 0)
		return error;
	if (options->ready_fd >= 0) {
		if (write(options->ready_fd, "1", 1) < 0)
			gateway_say("--ready-fd: %s", strerror(errno));
		close(options->ready_fd);
	}
	if (guest->gate >= 0)
		(void)send(guest->gate, "", 1, MSG_NOSIGNAL);
	close_it(&guest->gate);
	return 0;
}

void guest_done(struct gateway *gateway)
{
	struct guest *const guest = &gateway->guest;
	const bool	    waits = guest->gate >= 0;

	close_it(&guest->gate); /* one that still waits ends by this */
	if (waits && guest->pid > 0)
		while (waitpid(guest->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	stop_watching(gateway, &guest->pidfd);
	stop_watching(gateway, &guest->signals);
	close_it(&guest->diag);
	guest->pid = 0;
}
