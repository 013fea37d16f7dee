#include "support/figure.h"
#include "wire/tuple.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static unsigned passed, failed;

bool figure_begin(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--long") == 0)
		return true;
	if (argc == 1)
		return false;
	fprintf(stderr, "usage: %s [--long]\n", argv[0]);
	exit(2);
}

void figure(bool reached, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("%s", reached ? "  " : "! ");
	vprintf(format, args);
	putchar('\n');
	fflush(stdout);
	va_end(args);
	*(reached ? &passed : &failed) += 1;
}

void figure_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("  ");
	vprintf(format, args);
	putchar('\n');
	fflush(stdout);
	va_end(args);
}

int figure_end(void)
{
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0 || passed == 0;
}

void figure_must(bool holds, const char *what)
{
	if (holds)
		return;
	fflush(stdout);
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
	abort();
}

tern_host *figure_host(struct tern_config *config, uint8_t salt, const struct tern_link_config *link, uint32_t address,
		       tern_time now)
{
	const struct tern_addr own = addr_v4(address), everywhere = addr_v4(0);
	tern_host	      *host;
	uint8_t		       number;

	memset(config->secret, salt, sizeof config->secret);
	config->allocator = *tern_allocator_default();
	figure_must(tern_host_create(&host, config, now) == 0 && tern_host_add_link(host, link, &number) == 0 &&
			    tern_host_add_address(host, number, &own, 8) == 0 &&
			    tern_host_add_route(host, &everywhere, 0, number, NULL) == 0,
		    "no host");
	return host;
}

double figure_cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}
