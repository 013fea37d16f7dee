/* gateway/sandbox.c: what a gateway can no longer do once it serves. Each case is tried by a process that has
 * entered the sandbox, and tells how it went through its exit code. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway/gateway.h"

enum { NOT_ENTERED = 200 };

/* Each returns the errno of what it tried; 0: it went well. */
static int tried(long result)
{
	return result < 0 ? errno : 0;
}

static int open_file(void) { return tried(open("/etc/passwd", O_RDONLY)); }
static int write_file(void) { return tried(open("/tmp/tern-sandbox-test", O_WRONLY | O_CREAT, 0600)); }
static int start_program(void)
{
	char *const arguments[] = { (char[]){ "true" }, NULL };
	return tried(execv("/bin/true", arguments));
}
static int fork_it(void) { return tried(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }
static int raw_socket(void) { return tried(socket(AF_INET, SOCK_RAW, 1)); }
static int packet_socket(void) { return tried(socket(AF_PACKET, SOCK_DGRAM, 0)); }
static int netlink_socket(void) { return tried(socket(AF_NETLINK, SOCK_RAW, 0)); }
static int unix_socket(void) { return tried(socket(AF_UNIX, SOCK_STREAM, 0)); }
static int trace(void) { return tried(ptrace(PTRACE_ATTACH, getpid(), 0, 0)); }
static int new_namespace(void) { return tried(unshare(CLONE_NEWUSER)); }
static int mount_it(void) { return tried(mount("none", "/mnt", "tmpfs", 0, NULL)); }
static int signal_another(void) { return tried(syscall(SYS_kill, 1, 0)); }
static int unlink_file(void) { return tried(unlink("/tmp/tern-sandbox-test-no-such")); }
static int steal_input(void) { return tried(ioctl(0, TIOCSTI, "x")); }
static int set_ids(void) { return tried(syscall(SYS_setuid, 0)); }
static int ask_prctl(void) { return tried(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)); }
static int map_code(void)
{
	void *const at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return at == MAP_FAILED ? errno : 0;
}
static int make_code(void)
{
	void *const at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return at == MAP_FAILED ? -1 : tried(mprotect(at, 4096, PROT_READ | PROT_EXEC));
}

static int tcp_socket(void) { return tried(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }
static int udp_socket(void) { return tried(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)); }
static int get_memory(void)
{
	char *const at = malloc(8 << 20);
	if (!at)
		return ENOMEM;
	memset(at, 1, 8 << 20);
	free(at);
	return 0;
}
static int print_it(void) { return fprintf(stderr, "%s", "") < 0 || fflush(stderr) != 0 ? errno : 0; }
static int read_clock(void)
{
	struct timespec now;
	return tried(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now));
}

/* The exit code of a process that entered with these options and then did it. */
static int in_sandbox(int (*what)(void), const struct gateway_options *options)
{
	int	    status = 0;
	const pid_t pid = fork();

	if (pid == 0) {
		const struct gateway gateway = { .options = options, .guest = { .pidfd = -1 } };
		char		     error[GATEWAY_ERROR];

		_exit(sandbox_enter(&gateway, error) ? NOT_ENTERED : what());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static const struct gateway_options ordinary;

static void sandbox_refuses(void **state)
{
	static const struct {
		const char *name;
		int (*what)(void);
	} cases[] = {
		{ "open a file", open_file }, { "make a file", write_file }, { "start a program", start_program },
		{ "fork", fork_it }, { "raw socket", raw_socket }, { "packet socket", packet_socket },
		{ "netlink socket", netlink_socket }, { "UNIX socket", unix_socket }, { "trace", trace },
		{ "namespace", new_namespace }, { "mount", mount_it }, { "signal another", signal_another },
		{ "remove a file", unlink_file }, { "type at the terminal", steal_input }, { "set ids", set_ids },
		{ "map code", map_code }, { "make code", make_code }, { "prctl", ask_prctl },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const int error = in_sandbox(cases[i].what, &ordinary);

		if (error != EPERM)
			fail_msg("%s: %d, not EPERM", cases[i].name, error);
	}
}

static void sandbox_lets_the_gateway_serve(void **state)
{
	static const struct {
		const char *name;
		int (*what)(void);
	} cases[] = {
		{ "TCP socket", tcp_socket }, { "UDP socket", udp_socket }, { "memory", get_memory },
		{ "print", print_it }, { "clock", read_clock },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const int error = in_sandbox(cases[i].what, &ordinary);

		if (error != 0)
			fail_msg("%s: %d", cases[i].name, error);
	}
}

static void sandbox_removes_its_own_socket_only_where_it_has_one(void **state)
{
	const struct gateway_options with_control = { .control = "/nowhere" };

	(void)state;
	assert_int_equal(in_sandbox(unlink_file, &with_control), ENOENT);
	assert_int_equal(in_sandbox(unlink_file, &ordinary), EPERM);
}

/* What /proc says of a process in it. */
static void sandbox_leaves_no_capability(void **state)
{
	static const char *const expected[] = {
		"CapInh:\t0000000000000000", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000",
		"CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2",
	};
	int  ready[2], status;
	char path[64], text[8192], octet = 0;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	const pid_t pid = fork();
	if (pid == 0) {
		const struct gateway gateway = { .options = &ordinary, .guest = { .pidfd = -1 } };
		char		     error[GATEWAY_ERROR];
		const int	     failed = sandbox_enter(&gateway, error);

		if (write(ready[1], "", 1) == 1 && !failed)
			(void)ppoll(NULL, 0, NULL, NULL);
		_exit(1);
	}
	assert_int_equal(read(ready[0], &octet, 1), 1);
	(void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	FILE *const file = fopen(path, "r");
	assert_non_null(file);
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	(void)fclose(file);
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)close(ready[0]);
	(void)close(ready[1]);
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
		if (!strstr(text, expected[i]))
			fail_msg("no '%s' in its status", expected[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sandbox_refuses),
		cmocka_unit_test(sandbox_lets_the_gateway_serve),
		cmocka_unit_test(sandbox_removes_its_own_socket_only_where_it_has_one),
		cmocka_unit_test(sandbox_leaves_no_capability),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
