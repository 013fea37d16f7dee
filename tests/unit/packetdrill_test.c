/* packetdrill/: what no script shows: threads that sleep in the kernel and are woken at a moment of virtual time, the
 * clock, descriptors that the tool closes behind our back, packets that never come, and --so_flags.
 */
#include "packetdrill/adaptor.h"
#include "sockets/info.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

enum { PACKET = 2000, PORT = 8080, MS = 1000 };

static struct packetdrill_interface so;

static void begin(const char *flags)
{
	memset(&so, 0, sizeof so);
	packetdrill_interface_init(flags, &so);
	/* Every pointer is there. */
	const void *const *const all = (const void *const *)&so;

	for (size_t i = 0; i < sizeof so / sizeof *all; i++)
		assert_non_null(all[i]);
}

static long long now(void)
{
	struct timeval time;

	assert_int_equal(so.gettimeofday(so.userdata, &time, NULL), 0);
	return (long long)time.tv_sec * 1000000 + time.tv_usec;
}

static struct sockaddr_in address(uint32_t host)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(host) };
}

static int stream(void)
{
	const int fd = so.socket(so.userdata, AF_INET, SOCK_STREAM, IPPROTO_TCP);

	assert_true(fd >= 0);
	assert_int_not_equal(fcntl(fd, F_GETFD), -1); /* it is a descriptor of the system's */
	return fd;
}

/* ---- the peer ---- */

static void put(uint8_t *to, uint32_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

static uint32_t get(const uint8_t *from, unsigned bytes)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | from[i];
	return value;
}

static uint16_t sum(const uint8_t *p, size_t n, uint32_t more)
{
	for (size_t i = 0; i < n; i++)
		more += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (more >> 16)
		more = (more & 0xffff) + (more >> 16);
	return (uint16_t)~more;
}

/* A segment of the peer's, 192.0.2.1:PORT, with n octets of text. */
static void arrive(uint8_t flags, uint16_t port, uint32_t seq, uint32_t ack, size_t n)
{
	uint8_t packet[PACKET] = { 0x45 }, *const tcp = packet + 20;

	put(packet + 2, (uint32_t)(40 + n), 2);
	packet[8] = 64;
	packet[9] = 6;
	put(packet + 12, 0xc0000201, 4);
	put(packet + 16, 0xc0a80001, 4);
	put(packet + 10, sum(packet, 20, 0), 2);
	put(tcp, PORT, 2);
	put(tcp + 2, port, 2);
	put(tcp + 4, seq, 4);
	put(tcp + 8, ack, 4);
	tcp[12] = 5 << 4;
	tcp[13] = flags;
	put(tcp + 14, 65535, 2);
	put(tcp + 16, sum(tcp, 20 + n, (uint32_t)(uint16_t)~sum(packet + 12, 8, 0) + 6 + 20 + (uint32_t)n), 2);
	assert_int_equal(so.netdev_send(so.userdata, packet, 40 + n), 0);
}

/* The next packet that leaves; its length. */
static size_t leaves(uint8_t packet[PACKET], long long *at)
{
	size_t n = PACKET;

	assert_int_equal(so.netdev_receive(so.userdata, packet, &n, at), 0);
	return n;
}

/* ---- the second thread ---- */

struct job {
	pthread_t thread;
	pid_t	  id;
	int	  fd, error;
	ssize_t	  result;
	long long at; /* when it was over */
	uint8_t	  text[100];
};

static void *connecting(void *context)
{
	const struct sockaddr_in to = address(0xc0000201);
	struct job *const	 job = context;

	__atomic_store_n(&job->id, (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	job->result = so.connect(so.userdata, job->fd, (const struct sockaddr *)&to, sizeof to);
	job->error = errno;
	job->at = now();
	return NULL;
}

static void *reading(void *context)
{
	struct job *const job = context;

	__atomic_store_n(&job->id, (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	job->result = so.read(so.userdata, job->fd, job->text, sizeof job->text);
	job->error = errno;
	job->at = now();
	return NULL;
}

/* Without a look at the clock, which may be gone. */
static void *only_reading(void *context)
{
	struct job *const job = context;

	__atomic_store_n(&job->id, (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	job->result = so.read(so.userdata, job->fd, job->text, sizeof job->text);
	job->error = errno;
	return NULL;
}

static bool sleeps(pid_t thread)
{
	char  path[64], line[256];
	FILE *file;
	bool  is = false;

	snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread);
	file = fopen(path, "r");
	if (file && fgets(line, sizeof line, file) && strrchr(line, ')'))
		is = strncmp(strrchr(line, ')'), ") S", 3) == 0;
	if (file)
		fclose(file);
	return is;
}

/* Begins it, and comes back once it is seen asleep in the kernel, a hundred times in a row. */
static void start(struct job *job, void *(*run)(void *))
{
	unsigned seen = 0;

	assert_int_equal(pthread_create(&job->thread, NULL, run, job), 0);
	for (unsigned i = 0; i < 200000 && seen < 100; i++) {
		const pid_t id = __atomic_load_n(&job->id, __ATOMIC_SEQ_CST);

		seen = id != 0 && sleeps(id) ? seen + 1 : 0;
		if (seen == 0)
			(void)usleep(100);
	}
	assert_int_equal(seen, 100);
}

static void join(struct job *job)
{
	assert_int_equal(pthread_join(job->thread, NULL), 0);
}

/* A connection, opened by a blocking connect() in a second thread. */
static int connected(uint16_t *port, uint32_t *isn)
{
	struct job job = { .fd = stream() };
	uint8_t	   packet[PACKET];
	long long  at, ended;

	start(&job, connecting);
	assert_true(leaves(packet, &at) > 0);
	*port = (uint16_t)get(packet + 20, 2);
	*isn = get(packet + 24, 4);
	assert_int_equal(so.usleep(so.userdata, 50 * MS), 0);
	ended = now();
	arrive(0x12, *port, 1000, *isn + 1, 0);
	assert_int_equal(so.usleep(so.userdata, 500 * MS), 0); /* its thread may come to run only now */
	join(&job);
	assert_int_equal(job.result, 0);
	assert_in_range(job.at, ended, ended + 5); /* and yet it was over then */
	assert_true(leaves(packet, &at) > 0);
	assert_int_equal(packet[33], 0x10);
	return job.fd;
}

static void test_blocking_calls_sleep_and_end_at_their_time(void **state)
{
	struct job job = { .fd = -1 };
	uint16_t   port;
	uint32_t   isn;
	long long  before;

	(void)state;
	begin("local=192.168.0.1,remote=192.0.2.1");
	job.fd = connected(&port, &isn);
	start(&job, reading);
	assert_int_equal(so.usleep(so.userdata, 100 * MS), 0);
	assert_true(sleeps(job.id));
	before = now();
	arrive(0x18, port, 1001, isn + 1, 10);
	/* More than it asked for comes before it runs: it has what was there when it was woken. */
	arrive(0x18, port, 1011, isn + 1, 10);
	assert_int_equal(so.usleep(so.userdata, 900 * MS), 0);
	join(&job);
	assert_int_equal(job.result, 10);
	assert_in_range(job.at, before, before + 5);
	so.free(so.userdata);
	assert_int_equal(close(job.fd), 0); /* left to us */
}

static void test_free_sends_sleepers_away(void **state)
{
	struct job job = { .fd = -1 };
	uint16_t   port;
	uint32_t   isn;

	(void)state;
	begin("local=192.168.0.1");
	job.fd = connected(&port, &isn);
	start(&job, only_reading);
	so.free(so.userdata);
	join(&job);
	assert_int_equal(job.result, -1);
	assert_int_equal(job.error, EINTR);
	assert_int_equal(close(job.fd), 0);
}

/* ---- the clock and packets ---- */

static void test_the_clock_always_goes_on(void **state)
{
	struct timezone zone = { .tz_minuteswest = 7 };
	struct timeval	time;
	long long	last;

	(void)state;
	begin(NULL);
	last = now();
	for (unsigned i = 0; i < 1000; i++) {
		const long long is = now();

		assert_true(is > last);
		last = is;
	}
	assert_int_equal(so.usleep(so.userdata, 123456), 0);
	assert_in_range(now(), last + 123456, last + 123460);
	assert_int_equal(so.gettimeofday(so.userdata, &time, &zone), 0);
	assert_int_equal(zone.tz_minuteswest, 0);
	so.free(so.userdata);
}

static void test_no_packet_ever(void **state)
{
	uint8_t	  packet[PACKET];
	long long at, before;

	(void)state;
	begin("");
	before = now();
	assert_int_equal(leaves(packet, &at), 0);
	assert_in_range(now(), before, before + 10); /* nothing was waited for */
	so.free(so.userdata);
}

/* A SYN that nobody answers: again and again, each at its time, until it is given up and nothing comes any more. */
static void test_receiving_passes_time(void **state)
{
	const struct sockaddr_in to = address(0xc0000201);
	uint8_t			 packet[PACKET];
	long long		 at, first;
	unsigned		 n = 0;
	int			 fd, error = 0;
	socklen_t		 size = sizeof error;

	(void)state;
	begin("local=192.168.0.1,profile=linux");
	fd = stream();
	assert_int_equal(so.fcntl(so.userdata, fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(so.connect(so.userdata, fd, (const struct sockaddr *)&to, sizeof to), -1);
	assert_true(leaves(packet, &first) > 0);
	while (leaves(packet, &at) > 0) {
		static const long long seconds[] = { 1, 3, 7, 15, 31, 63 };

		assert_true(n < 6);
		assert_in_range(at, first + seconds[n] * 1000000, first + seconds[n] * 1000000 + 1000);
		n++;
	}
	assert_int_equal(n, 6);
	assert_int_equal(so.getsockopt(so.userdata, fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
	assert_int_equal(error, ETIMEDOUT);
	assert_int_equal(so.close(so.userdata, fd), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1); /* gone with it */
	so.free(so.userdata);
}

/* ---- descriptors ---- */

static void test_a_number_that_comes_again(void **state)
{
	const struct sockaddr_in here = address(0xc0a80001);
	int			 fd, again;

	(void)state;
	begin("local=192.168.0.1");
	fd = stream();
	assert_int_equal(so.bind(so.userdata, fd, (const struct sockaddr *)&here, sizeof here), 0);
	assert_int_equal(so.listen(so.userdata, fd, 1), 0);
	assert_int_equal(close(fd), 0); /* behind its back, as the tool does */
	again = stream();
	assert_int_equal(again, fd);
	assert_int_equal(so.listen(so.userdata, again, 1), -1); /* it is a new one, bound to nothing */
	assert_int_equal(so.bind(so.userdata, again, (const struct sockaddr *)&here, sizeof here), 0);
	assert_int_equal(so.listen(so.userdata, again, 1), 0); /* and the old one does not listen any more */
	assert_int_equal(so.close(so.userdata, again), 0);
	assert_int_equal(so.close(so.userdata, again), -1);
	assert_int_equal(errno, EBADF);
	so.free(so.userdata);
}

static void test_two_at_once(void **state)
{
	struct packetdrill_interface first;
	int			     fd;

	(void)state;
	begin("local=192.168.0.1");
	first = so;
	begin("local=10.0.0.1");
	fd = first.socket(first.userdata, AF_INET, SOCK_STREAM, 0);
	assert_true(fd >= 0);
	assert_int_equal(so.close(so.userdata, fd), -1); /* it is the other's */
	assert_int_equal(first.close(first.userdata, fd), 0);
	first.free(first.userdata);
	assert_true(now() > 0);
	so.free(so.userdata);
	so.free(NULL);
}

/* ---- TCP_INFO ---- */

static void test_info_as_linux_lays_it_out(void **state)
{
	uint8_t	  large[512];
	uint16_t  port;
	uint32_t  isn, value;
	socklen_t n = sizeof large;
	int	  fd;

	(void)state;
	begin("local=192.168.0.1");
	fd = connected(&port, &isn);
	memset(large, 0xa5, sizeof large);
	assert_int_equal(so.getsockopt(so.userdata, fd, IPPROTO_TCP, TCP_INFO, large, &n), 0);
	assert_int_equal(n, sizeof(struct linux_tcp_info)); /* Linux's is no longer either */
	assert_int_equal(large[n], 0xa5);
	/* By glibc's own struct, as far as that goes. */
	struct tcp_info info;
	memcpy(&info, large, sizeof info);
	assert_int_equal(info.tcpi_state, TCP_ESTABLISHED);
	assert_int_equal(info.tcpi_ca_state, TCP_CA_Open);
	assert_int_equal(info.tcpi_snd_cwnd, 10);
	assert_int_equal(info.tcpi_snd_mss, 536);
	assert_in_range(info.tcpi_rtt, 50000, 51000);
	assert_int_equal(info.tcpi_snd_ssthresh, 0x7fffffff);
	n = 12;
	memset(large, 0xa5, sizeof large);
	assert_int_equal(so.getsockopt(so.userdata, fd, IPPROTO_TCP, TCP_INFO, large, &n), 0);
	assert_int_equal(n, 12);
	memcpy(&value, large + 8, sizeof value);
	assert_int_equal(value, info.tcpi_rto);
	assert_int_equal(large[12], 0xa5);
	assert_int_equal(so.close(so.userdata, fd), 0);
	so.free(so.userdata);
}

/* ---- flags ---- */

static void test_flags(void **state)
{
	static const struct {
		const char *flags, *said; /* NULL: right */
	} rows[] = {
		{ NULL, NULL },
		{ "", NULL },
		{ "local=192.168.0.1,remote=192.0.2.1,profile=linux", NULL },
		{ "remote=2001:db8::1,local=fd3d:fa7b:d17d::1,profile=freebsd,mtu=1280,", NULL },
		{ "net.ipv4.tcp_sack=0,tcp_rmem=4096 10000 20000", NULL },
		{ "local=nowhere", "local: 'nowhere' is no address" },
		{ "local=1.2.3.4,remote=::1", "local and remote are of different versions of IP" },
		{ "profile=windows", "there is no profile 'windows'" },
		{ "tcp_sack=2", "net.ipv4.tcp_sack: '2' is not 0 or 1" },
		{ "sacks=2", "there is no setting 'sacks'" },
		{ "linux", "'linux' is not NAME=VALUE" },
		{ "mtu=10", "mtu: '10' is not a whole number from 68 to 65535" },
		{ "tcp_rto_max_ms=10", "is to be at most" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct sockets_setup setup = { .now = 0 };
		char		     error[FLAGS_ERROR] = "";
		const bool	     good = flags_parse(rows[i].flags, &setup, error);

		assert_int_equal(good, rows[i].said == NULL);
		if (rows[i].said)
			assert_non_null(strstr(error, rows[i].said));
	}
}

/* What is wrong in the flags is told, and then every call fails: nothing hangs. */
static void test_wrong_flags(void **state)
{
	uint8_t	  packet[PACKET];
	long long at, before;
	char	  said[300] = "";
	int	  ends[2], old;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	old = dup(2);
	assert_int_equal(dup2(ends[1], 2), 2);
	begin("profile=windows");
	(void)fflush(stderr);
	assert_int_equal(dup2(old, 2), 2);
	assert_true(read(ends[0], said, sizeof said - 1) > 0);
	assert_non_null(strstr(said, "libtern_packetdrill: --so_flags: there is no profile 'windows'"));
	(void)close(old);
	(void)close(ends[0]);
	(void)close(ends[1]);
	errno = 0;
	assert_int_equal(so.socket(so.userdata, AF_INET, SOCK_STREAM, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(leaves(packet, &at), 0);
	before = now();
	assert_int_equal(so.usleep(so.userdata, 10), 0);
	assert_true(now() >= before + 10);
	assert_int_equal(so.netdev_send(so.userdata, packet, 0), 0);
	so.free(so.userdata);
}

/* Without local every address is ours that is bound or that a packet comes for. */
static void test_any_address(void **state)
{
	const struct sockaddr_in here = address(0x0a010203);
	int			 fd;

	(void)state;
	begin("local=192.168.0.1");
	fd = stream();
	assert_int_equal(so.bind(so.userdata, fd, (const struct sockaddr *)&here, sizeof here), -1);
	assert_int_equal(errno, EADDRNOTAVAIL);
	assert_int_equal(so.close(so.userdata, fd), 0);
	so.free(so.userdata);
	begin("");
	fd = stream();
	assert_int_equal(so.bind(so.userdata, fd, (const struct sockaddr *)&here, sizeof here), 0);
	assert_int_equal(so.close(so.userdata, fd), 0);
	so.free(so.userdata);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocking_calls_sleep_and_end_at_their_time),
		cmocka_unit_test(test_free_sends_sleepers_away),
		cmocka_unit_test(test_the_clock_always_goes_on),
		cmocka_unit_test(test_no_packet_ever),
		cmocka_unit_test(test_receiving_passes_time),
		cmocka_unit_test(test_a_number_that_comes_again),
		cmocka_unit_test(test_two_at_once),
		cmocka_unit_test(test_info_as_linux_lays_it_out),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_wrong_flags),
		cmocka_unit_test(test_any_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
