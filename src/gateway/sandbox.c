/* What the gateway keeps once it serves: its descriptors, its memory, and the calls with which bytes move between
 * them. A guest that found a way to run code in here could open no file, start no program, trace nobody, make no
 * raw, packet, netlink or UNIX socket, map nothing executable, and gain nothing by any of it.
 *
 *	capabilities	all go, from every set but the bounding one, which no_new_privs makes void; with
 *			--control CAP_NET_BIND_SERVICE stays where it was, for forwards of low ports
 *	no_new_privs	no exec could give back any (and there is no exec)
 *	seccomp		an allow-list (seccomp(2)); all else fails with EPERM
 *
 * EPERM and not a kill: a libc that tries something new in a corner then gets an error, not an end, and what it
 * tried is refused all the same. Only a system call of another architecture kills.
 *
 * The kernel never asks the filter twice about a call that it allows whatever its arguments (since Linux 5.11), so
 * the order of the list costs nothing.
 */
#include "gateway/gateway.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { ARCHITECTURE = AUDIT_ARCH_X86_64 & 0x7fffffff };
#elif defined(__aarch64__)
enum { ARCHITECTURE = AUDIT_ARCH_AARCH64 & 0x7fffffff };
#elif defined(__riscv) && __riscv_xlen == 64
enum { ARCHITECTURE = AUDIT_ARCH_RISCV64 & 0x7fffffff };
#else
enum { ARCHITECTURE = 0 }; /* none that we know: no filter */
#endif

enum { PROGRAM_MOST = 512, VALUES_MOST = 6 };

/* ---- what is allowed ---- */

static const int plain[] = {
	SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_recvfrom, SYS_sendto, SYS_recvmsg, SYS_sendmsg, SYS_recvmmsg,
	SYS_sendmmsg, SYS_splice, SYS_tee, SYS_close, SYS_shutdown, SYS_connect, SYS_bind, SYS_listen, SYS_accept4,
#ifdef SYS_accept /* s390x has accept4() alone */
	SYS_accept,
#endif
	SYS_getsockopt, SYS_setsockopt, SYS_getsockname, SYS_getpeername, SYS_fcntl, SYS_lseek, SYS_fsync,
	SYS_fstat, SYS_statx,
#ifdef SYS_newfstatat /* not where pointers have 32 bits */
	SYS_newfstatat,
#endif
	SYS_ppoll, SYS_epoll_pwait, SYS_epoll_ctl,
#ifdef SYS_poll /* newer architectures never had these */
	SYS_poll, SYS_epoll_wait,
#endif
	SYS_clock_gettime, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday, SYS_getrandom, SYS_sched_yield,
	SYS_munmap, SYS_mremap, SYS_madvise, SYS_brk, SYS_futex, SYS_sysinfo,
	SYS_getpid, SYS_gettid, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack,
	SYS_restart_syscall,
	SYS_waitid, SYS_wait4, SYS_exit, SYS_exit_group,
};

/* A socket of ours that stands at a path is removed when it ends. */
static const int with_path[] = {
#ifdef SYS_unlink
	SYS_unlink,
#endif
	SYS_unlinkat,
};

struct condition {
	unsigned argument;
	uint32_t mask;
	uint32_t value[VALUES_MOST];
	unsigned n;
};

/* ---- the program ---- */

struct program {
	struct sock_filter code[PROGRAM_MOST];
	unsigned	   n;
};

static void emit(struct program *program, uint16_t what, uint32_t k, uint8_t yes, uint8_t no)
{
	if (program->n < PROGRAM_MOST)
		program->code[program->n] = (struct sock_filter){ .code = what, .jt = yes, .jf = no, .k = k };
	program->n++;
}

static void emit_return(struct program *program, uint32_t verdict)
{
	emit(program, BPF_RET | BPF_K, verdict, 0, 0);
}

static void load(struct program *program, size_t offset)
{
	emit(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void allow(struct program *program, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		emit(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i], 0, 1);
		emit_return(program, SECCOMP_RET_ALLOW);
	}
}

/* The low half of an argument: what it is for all that are an int. Each condition must hold. */
static void allow_where(struct program *program, int call, const struct condition *conditions, unsigned n)
{
	const unsigned at = program->n;

	emit(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 0);
	for (unsigned i = 0; i < n; i++) {
		const struct condition *const it = &conditions[i];

		load(program, offsetof(struct seccomp_data, args) + it->argument * sizeof(uint64_t) +
				      (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : sizeof(uint32_t)));
		emit(program, BPF_ALU | BPF_AND | BPF_K, it->mask, 0, 0);
		/* Past the other values and the refusal. */
		for (unsigned k = 0; k < it->n; k++)
			emit(program, BPF_JMP | BPF_JEQ | BPF_K, it->value[k], (uint8_t)(it->n - k), 0);
		emit_return(program, SECCOMP_RET_ERRNO | EPERM);
	}
	emit_return(program, SECCOMP_RET_ALLOW);
	if (at < PROGRAM_MOST)
		program->code[at].jf = (uint8_t)(program->n - at - 1);
}

static void write_program(struct program *program, const struct gateway *gateway)
{
	const uint32_t		  all = UINT32_MAX;
	const struct condition inet[] = {
		{ 0, all, { AF_INET, AF_INET6 }, 2 },
		{ 1, all & ~(uint32_t)(SOCK_CLOEXEC | SOCK_NONBLOCK), { SOCK_STREAM, SOCK_DGRAM }, 2 },
	};
	const struct condition questions = {
		1, all, { FIONREAD, TIOCOUTQ, SIOCOUTQNSD, SIOCATMARK, TIOCGWINSZ, TCGETS }, 6,
	};
	const struct condition no_code = { 2, PROT_EXEC, { 0 }, 1 };
	const struct condition ourselves = { 0, all, { (uint32_t)getpid() }, 1 }; /* abort(3) */
	const struct condition command = { 0, all, { (uint32_t)gateway->guest.pidfd }, 1 };

	load(program, offsetof(struct seccomp_data, arch));
	emit(program, BPF_ALU | BPF_AND | BPF_K, 0x7fffffff, 0, 0);
	emit(program, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
	emit_return(program, SECCOMP_RET_KILL_PROCESS);
	load(program, offsetof(struct seccomp_data, nr));
	allow(program, plain, sizeof plain / sizeof plain[0]);
	if (gateway->options->control || gateway->options->qemu)
		allow(program, with_path, sizeof with_path / sizeof with_path[0]);
	allow_where(program, SYS_socket, inet, 2);
	allow_where(program, SYS_ioctl, &questions, 1);
#ifdef SYS_mmap2 /* where pointers have 32 bits; the same arguments but for the offset */
	allow_where(program, SYS_mmap2, &no_code, 1);
#else
	allow_where(program, SYS_mmap, &no_code, 1);
#endif
	allow_where(program, SYS_mprotect, &no_code, 1);
	allow_where(program, SYS_tgkill, &ourselves, 1);
	if (gateway->guest.pid > 0 && gateway->guest.pidfd >= 0)
		allow_where(program, SYS_pidfd_send_signal, &command, 1);
	emit_return(program, SECCOMP_RET_ERRNO | EPERM);
}

/* ---- giving up ---- */

static int drop_capabilities(bool keep_low_ports)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct	sets[2] = { { .effective = 0 }, { .effective = 0 } };

	if (syscall(SYS_capget, &head, sets) < 0)
		return -errno;
	const uint32_t kept = keep_low_ports ? sets[0].permitted & 1u << CAP_NET_BIND_SERVICE : 0;
	sets[0] = (struct __user_cap_data_struct){ .effective = kept, .permitted = kept };
	sets[1] = (struct __user_cap_data_struct){ .effective = 0 };
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &head, sets) < 0 ? -errno : 0;
}

static int filter_calls(const struct gateway *gateway)
{
	struct program program = { .n = 0 };

	if (ARCHITECTURE == 0)
		return -ENOSYS;
	write_program(&program, gateway);
	if (program.n > PROGRAM_MOST)
		return -E2BIG;
	const struct sock_fprog filter = { .len = (uint16_t)program.n, .filter = program.code };
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0 ? -errno : 0;
}

int sandbox_enter(const struct gateway *gateway, char error[GATEWAY_ERROR])
{
	const char *what = "capabilities";
	int	    failed = drop_capabilities(gateway->options->control != NULL);

	if (failed == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		what = "the right to gain privileges";
		failed = -errno;
	}
	if (failed == 0) {
		what = "system calls";
		failed = filter_calls(gateway);
	}
	if (failed)
		(void)snprintf(error, GATEWAY_ERROR, "cannot give up %s: %s (--no-sandbox goes without)", what,
			       strerror(-failed));
	return failed;
}
