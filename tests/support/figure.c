#include "support/figure.h"

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

double figure_cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}
