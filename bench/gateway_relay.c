/* Starting, watching and ending a relay. Each is used as its manual says for one command in a network of its own,
 * with IPv4 alone and without any port forwarded: what is measured is the way through its device. */
#include "gateway_relay.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	CALL_WAIT = 15000,    /* ms until the agent must have called */
	REPORT_GRACE = 20000, /* ms beyond what an order takes */
	END_WAIT = 5000,      /* ms for a relay to end by itself */
	WORDS = 32,
	PROCESSES = 8192,
};

#define GATEWAY_ADDRESS "10.0.2.2" /* the host's loopback, as slirp4netns and tern have it; pasta is told */

static const struct known {
	const char *name, *program, *package;
} known[RELAYS] = {
	[RELAY_TERN] = { "tern", "tern", NULL },
	[RELAY_PASTA] = { "pasta", "pasta", "passt" },
	[RELAY_SLIRP] = { "slirp4netns", "slirp4netns", "slirp4netns" },
};

const char *relay_name(enum relay_kind kind)
{
	return known[kind].name;
}

/* ---- what is there ---- */

/* The first line of what a shell's command prints. False: nothing. */
static bool first_line(const char *command, char *to, size_t room)
{
	FILE *const from = popen(command, "re");
	bool	    any = false;

	if (!from)
		return false;
	any = fgets(to, (int)room, from) != NULL && to[0] != '\n';
	(void)pclose(from);
	to[any ? strcspn(to, "\n") : 0] = '\0';
	return any;
}

static bool own_path(char path[RELAY_PATH], const char *beside)
{
	const ssize_t n = readlink("/proc/self/exe", path, RELAY_PATH - 32);

	if (n <= 0)
		return false;
	path[n] = '\0';
	if (beside)
		snprintf(strrchr(path, '/') + 1, 32, "%s", beside);
	return access(path, X_OK) == 0;
}

bool relay_find(enum relay_kind kind, char version[RELAY_VERSION])
{
	char command[192], path[RELAY_PATH], where[RELAY_PATH];

	if (kind == RELAY_TERN) {
		snprintf(version, RELAY_VERSION, "%s", TERN_VERSION);
		return own_path(path, known[kind].program);
	}
	snprintf(command, sizeof command, "command -v %s", known[kind].program);
	if (!first_line(command, where, sizeof where))
		return false;
	/* The package's: Debian's pasta does not know its own. */
	snprintf(command, sizeof command,
		 "dpkg-query -W -f '${Version}\\n' %s 2>/dev/null || %s --version 2>/dev/null",
		 known[kind].package, known[kind].program);
	if (!first_line(command, version, RELAY_VERSION))
		snprintf(version, RELAY_VERSION, "of unknown version");
	return true;
}

/* ---- starting ---- */

int relay_listen(uint16_t *port, int backlog)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t	   n = sizeof at;
	const int	   fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&at, n) != 0 || listen(fd, backlog) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &n) != 0) {
		close(fd);
		return -1;
	}
	*port = ntohs(at.sin_port);
	return fd;
}

struct words {
	const char *word[WORDS];
	unsigned    n;
};

static void add(struct words *words, const char *const more[])
{
	for (unsigned i = 0; more[i] && words->n < WORDS - 1; i++)
		words->word[words->n++] = more[i];
}

/* A child that runs the words, quiet (a peer's stderr too) and gone when we are. */
static pid_t start(struct words *words, bool quiet)
{
	const pid_t pid = fork();

	if (pid != 0)
		return pid;
	const int null = open("/dev/null", O_RDWR);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)dup2(null, 0);
	(void)dup2(null, 1);
	if (quiet)
		(void)dup2(null, 2);
	execvp(words->word[0], (char *const *)(uintptr_t)words->word);
	_exit(127);
}

static bool write_file(pid_t pid, const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	const int  fd = open(path, O_WRONLY | O_CLOEXEC);
	const bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/* One octet within the time of a call. */
static bool hear(int fd)
{
	struct pollfd poll_it = { .fd = fd, .events = POLLIN };
	char	      octet;

	return poll(&poll_it, 1, CALL_WAIT) == 1 && read(fd, &octet, 1) == 1;
}

/* slirp4netns serves a namespace that is there already: the agent's, made here. *gate: a byte lets the agent go. */
static pid_t start_guest(struct words *agent, int *gate)
{
	int made[2], go[2]; /* go: sockets, so that writing to an agent that is gone is no SIGPIPE */

	if (pipe2(made, O_CLOEXEC) != 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, go) != 0) {
		close(made[0]);
		close(made[1]);
		return -1;
	}
	const pid_t pid = fork();
	if (pid == 0) {
		char octet = 0;

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 && write(made[1], &octet, 1) == 1 &&
		    read(go[0], &octet, 1) == 1)
			execvp(agent->word[0], (char *const *)(uintptr_t)agent->word);
		_exit(127);
	}
	char map[32];
	close(made[1]);
	close(go[0]);
	*gate = go[1];
	snprintf(map, sizeof map, "0 %u 1", (unsigned)geteuid());
	bool ready = pid > 0 && hear(made[0]) && write_file(pid, "uid_map", map);
	close(made[0]);
	(void)(ready && write_file(pid, "setgroups", "deny"));
	snprintf(map, sizeof map, "0 %u 1", (unsigned)getegid());
	if (ready && write_file(pid, "gid_map", map))
		return pid;
	close(*gate);
	return -1;
}

static bool start_slirp(struct relay *relay, const char *mtu, struct words *agent)
{
	int  gate, ready[2];
	char pid[16], fd[16], option[32];

	relay->guest = start_guest(agent, &gate);
	if (relay->guest < 0 || pipe(ready) != 0)
		return false;
	(void)fcntl(ready[0], F_SETFD, FD_CLOEXEC);
	snprintf(pid, sizeof pid, "%d", (int)relay->guest);
	snprintf(fd, sizeof fd, "%d", ready[1]);
	snprintf(option, sizeof option, "--mtu=%s", mtu);
	struct words words = { .n = 0 };
	add(&words, (const char *const[]){ "slirp4netns", "--configure", option, "--ready-fd", fd, pid,
					   "tap0", NULL });
	relay->pid = start(&words, true);
	close(ready[1]);
	const bool up = relay->pid > 0 && hear(ready[0]) && send(gate, "", 1, MSG_NOSIGNAL) == 1;
	close(ready[0]);
	close(gate);
	return up;
}

static bool start_process(struct relay *relay, unsigned mtu, uint16_t port)
{
	char	     self[RELAY_PATH], tern[RELAY_PATH], mtu_text[16], port_text[16];
	struct words words = { .n = 0 }, agent = { .n = 0 };

	if (!own_path(self, NULL) || !own_path(tern, known[RELAY_TERN].program))
		return false;
	snprintf(mtu_text, sizeof mtu_text, "%u", mtu);
	snprintf(port_text, sizeof port_text, "%u", port);
	add(&agent, (const char *const[]){ self, "--agent", GATEWAY_ADDRESS, port_text, NULL });
	if (relay->kind == RELAY_SLIRP)
		return start_slirp(relay, mtu_text, &agent);
	if (relay->kind == RELAY_TERN) {
		add(&words,
		    (const char *const[]){ tern, "gateway", "--no-ipv6", "--mtu", mtu_text, "--", NULL });
	} else {
		add(&words, (const char *const[]){ "pasta",	 "-f", "-q",   "-4", "--config-net",  "-a",
						   "10.0.2.100", "-n", "24",   "-g", GATEWAY_ADDRESS, "-m",
						   mtu_text,	 "-t", "none", "-u", "none",	      "-T",
						   "none",	 "-U", "none", NULL });
		if (geteuid() == 0) /* else it becomes nobody, who cannot open the device everywhere */
			add(&words, (const char *const[]){ "--runas", "0:0", NULL });
		add(&words, (const char *const[]){ "--", NULL });
	}
	add(&words, agent.word);
	relay->pid = start(&words, relay->kind != RELAY_TERN);
	return relay->pid > 0;
}

static void rest(void)
{
	const struct timespec span = { .tv_nsec = 20 * 1000000 };

	(void)nanosleep(&span, NULL);
}

static bool has_ended(pid_t pid)
{
	return pid > 0 && waitpid(pid, NULL, WNOHANG) == pid;
}

/* The agent's call; -1: the relay ended, or the time. */
static int await_call(struct relay *relay, int listener)
{
	for (int waited = 0; waited < CALL_WAIT; waited += 100) {
		struct pollfd poll_it = { .fd = listener, .events = POLLIN };

		if (poll(&poll_it, 1, 100) == 1)
			return accept(listener, NULL, NULL);
		if (has_ended(relay->pid)) {
			relay->pid = 0;
			return -1;
		}
	}
	return -1;
}

bool relay_start(struct relay *relay, enum relay_kind kind, unsigned mtu)
{
	uint16_t  port;
	const int listener = relay_listen(&port, 1);

	*relay = (struct relay){ .kind = kind, .control = -1 };
	if (listener < 0)
		return false;
	if (start_process(relay, mtu, port))
		relay->control = await_call(relay, listener);
	close(listener);
	if (relay->control >= 0)
		return true;
	fprintf(stderr, "tern-bench: gateway: nothing came through %s at MTU %u\n", relay_name(kind), mtu);
	relay_stop(relay);
	return false;
}

/* ---- orders ---- */

bool relay_order(const struct relay *relay, const struct order *order, struct report *report)
{
	struct pollfd poll_it = { .fd = relay->control, .events = POLLIN };
	const int     most = (int)order->milliseconds * 3 + REPORT_GRACE;

	if (send(relay->control, order, sizeof *order, MSG_NOSIGNAL) != sizeof *order)
		return false;
	if (poll(&poll_it, 1, most) != 1 ||
	    recv(relay->control, report, sizeof *report, MSG_WAITALL) != sizeof *report)
		return false;
	errno = report->error;
	return report->error == 0;
}

/* ---- what it costs ---- */

struct process {
	pid_t  pid, parent;
	bool   ours, counts;
	double cpu;
};

/* One line of /proc/PID/stat; false: it has gone meanwhile. */
static bool read_process(const char *pid, struct process *process)
{
	char	      path[300], line[1024];
	unsigned long user, system;
	int	      parent;

	snprintf(path, sizeof path, "/proc/%s/stat", pid);
	FILE *const file = fopen(path, "re");
	if (!file)
		return false;
	const bool  got = fgets(line, sizeof line, file) != NULL;
	char *const name_end = got ? strrchr(line, ')') : NULL;
	fclose(file);
	if (!name_end || sscanf(name_end + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &parent,
				&user, &system) != 3)
		return false;
	*name_end = '\0';
	const char *const name = strchr(line, '(') + 1;
	*process = (struct process){ .pid = (pid_t)atoi(pid),
				     .parent = parent,
				     .counts = strcmp(name, "tern-bench") != 0 && strcmp(name, "iperf3") != 0,
				     .cpu = (double)(user + system) / (double)sysconf(_SC_CLK_TCK) };
	return true;
}

/* VmHWM, octets; 0: not to be had. */
static double peak_of(pid_t pid)
{
	char   path[64], line[256];
	double kilo = 0;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	FILE *const file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "VmHWM: %lf", &kilo) == 1)
			break;
	if (file)
		fclose(file);
	return kilo * 1024;
}

void relay_look(const struct relay *relay, struct relay_cost *cost)
{
	static struct process all[PROCESSES];
	size_t		      n = 0;
	bool		      more = true;
	DIR *const	      proc = opendir("/proc");

	*cost = (struct relay_cost){ .cpu = 0 };
	for (struct dirent *entry; proc && n < PROCESSES && (entry = readdir(proc)) != NULL;)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    read_process(entry->d_name, &all[n]))
			n++;
	if (proc)
		closedir(proc);
	while (more) { /* children of what is ours are ours */
		more = false;
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < n && !all[i].ours; k++)
				if (all[i].pid == relay->pid || (all[k].ours && all[i].parent == all[k].pid))
					all[i].ours = more = true;
	}
	for (size_t i = 0; i < n; i++) {
		const bool   counts = all[i].ours && all[i].counts;
		const double peak = counts ? peak_of(all[i].pid) : 0;

		cost->cpu += counts ? all[i].cpu : 0;
		cost->peak = peak > cost->peak ? peak : cost->peak;
	}
}

/* ---- ending ---- */

static void end(pid_t pid, bool by_itself)
{
	if (pid <= 0)
		return;
	if (!by_itself)
		(void)kill(pid, SIGTERM);
	for (int waited = 0; waited < END_WAIT; waited += 20) {
		if (has_ended(pid))
			return;
		rest();
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

void relay_stop(struct relay *relay)
{
	const struct order order = { .kind = ORDER_END };
	const bool	   told = relay->control >= 0 &&
			  send(relay->control, &order, sizeof order, MSG_NOSIGNAL) == sizeof order;

	if (relay->guest > 0)
		end(relay->guest, told);
	end(relay->pid, told && relay->kind != RELAY_SLIRP);
	if (relay->control >= 0)
		close(relay->control);
	*relay = (struct relay){ .control = -1 };
}
