/* The kernel over its loopback, in a network namespace of its own: connections opened and closed one at a time by
 * one thread, the server's end in the same. What tern-bench starts, and how it talks: bench/peer.h. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 8080, OPENS = 10000, ADDRESSES = 250 };

static _Noreturn void fail(const char *why)
{
	printf("cannot %s\n", why);
	fflush(stdout);
	exit(1);
}

static double cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void own_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		fail("have a network namespace");
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) != 0)
		fail("have a loopback");
	close(fd);
}

static int listener(void)
{
	const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof any) != 0 || listen(fd, 16) != 0)
		fail("listen");
	return fd;
}

/* Each from the next of many addresses, so that no port is looked for long among those in TIME-WAIT. */
static void open_and_close(int server, uint32_t n)
{
	const struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT),
					.sin_addr.s_addr = htonl(0x7f010000 + 1 + n % ADDRESSES) };
	const int client = socket(AF_INET, SOCK_STREAM, 0);
	char	  byte;

	if (client < 0 || connect(client, (const struct sockaddr *)&to, sizeof to) != 0)
		fail("connect");
	const int accepted = accept(server, NULL, NULL);

	if (accepted < 0 || close(client) != 0 || read(accepted, &byte, 1) != 0 || close(accepted) != 0)
		fail("open and close in order");
}

int main(int n, char *argument[])
{
	struct utsname name;
	uint32_t       opened = 0;
	char	       line[16];

	if (n < 2 || strcmp(argument[1], "open-close") != 0)
		fail("measure that");
	own_loopback();
	const int server = listener();

	for (uint32_t i = 0; i < OPENS / 10; i++)
		open_and_close(server, opened++);
	printf("ready %s\n", uname(&name) == 0 ? name.release : "Linux");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		const double start = cpu();

		for (uint32_t i = 0; i < OPENS; i++)
			open_and_close(server, opened++);
		printf("%.9g 0\n", OPENS / (cpu() - start) / 1e6);
		fflush(stdout);
	}
	return 0;
}
