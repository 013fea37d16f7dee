/* Work per ACK: instructions, as callgrind counts them, whatever the number of segments in flight and however
 * hostile the SACK blocks. Where there is no valgrind: CPU time, which is no promise. */
#include "acks_run.h"
#include "bench.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ACKS = 200, MOST_TIMES = 2 };

static const uint32_t flights[] = { 10, 100, 1000, 10000, 100000 };
enum { FLIGHTS = sizeof flights / sizeof flights[0] };

/* --quick: the ends of the scale. */
static bool left_out(const struct bench *bench, unsigned flight)
{
	return bench->quick && flight > 0 && flight + 1 < FLIGHTS;
}

__attribute__((noinline)) void acks_case_done(void);

void acks_case_done(void) /* callgrind writes a file when it returns */
{
	__asm__ volatile("");
}

int acks_counted(bool quick)
{
	const struct bench bench = { .quick = quick };

	for (unsigned kind = 0; kind < ACKS_KINDS; kind++)
		for (unsigned i = 0; i < FLIGHTS; i++) {
			if (left_out(&bench, i))
				continue;
			(void)acks_run(kind, flights[i], ACKS);
			acks_case_done();
		}
	return 0;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = true };
#elif defined(__has_feature)
enum { SANITIZED = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) };
#else
enum { SANITIZED = false };
#endif

/* Valgrind and a sanitizer want the same memory. */
static bool can_count(void)
{
	return !SANITIZED && system("valgrind --version >/dev/null 2>&1") == 0;
}

static void run_valgrind(const char *folder, bool quick)
{
	char out[300], self[500];
	const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	int status;

	if (n < 0)
		bench_fail("acks: what program is this? %s", strerror(errno));
	self[n] = 0;
	const pid_t child = fork();

	if (child < 0)
		bench_fail("acks: no process: %s", strerror(errno));
	snprintf(out, sizeof out, "--callgrind-out-file=%s/out", folder);
	if (child == 0) {
		execlp("valgrind", "valgrind", "-q", "--tool=callgrind", "--collect-atstart=no",
		       "--toggle-collect=acks_measured", "--dump-after=acks_case_done", out, self,
		       "--count-acks", quick ? "quick" : "all", (char *)NULL);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child || status != 0)
		bench_fail("acks: valgrind did not end well");
}

/* The sum in one file of callgrind; it is removed. */
static double counted(const char *folder, unsigned number)
{
	char name[300], line[200];
	double sum = -1;

	snprintf(name, sizeof name, "%s/out.%u", folder, number);
	FILE *const file = fopen(name, "r");

	while (file && fgets(line, sizeof line, file))
		if (strncmp(line, "summary: ", 9) == 0 || strncmp(line, "totals: ", 8) == 0)
			sum = strtod(strchr(line, ' '), NULL);
	if (file)
		fclose(file);
	if (sum < 0)
		bench_fail("acks: valgrind left no count");
	(void)unlink(name);
	return sum;
}

static void add(struct bench *bench, unsigned kind, uint32_t n, double each, bool instructions, double of_ten)
{
	char metric[BENCH_METRIC];
	const struct bench_case what = {
		.workload = "acks", .metric = metric, .unit = instructions ? "instr/ACK" : "ns/ACK",
		.target = instructions && n > flights[0] ? MOST_TIMES * of_ten : NAN, .better = BENCH_LOWER,
	};

	snprintf(metric, sizeof metric, "%s, %u in flight", acks_kinds[kind].name, n);
	struct bench_row *const row = bench_add(bench, &what, &each, 1);

	if (!instructions)
		snprintf(row->note, sizeof row->note, "CPU time: no valgrind could count instructions");
}

void bench_acks(struct bench *bench)
{
	char folder[] = "/tmp/tern-bench-acks-XXXXXX", rest[300];
	const bool instructions = can_count();
	unsigned number = 0;

	if (instructions) {
		if (!mkdtemp(folder))
			bench_fail("acks: no folder: %s", strerror(errno));
		run_valgrind(folder, bench->quick);
	}
	for (unsigned kind = 0; kind < ACKS_KINDS; kind++) {
		double of_ten = NAN;

		for (unsigned i = 0; i < FLIGHTS; i++) {
			if (left_out(bench, i))
				continue;
			const double each = (instructions ? counted(folder, ++number) :
							    acks_run(kind, flights[i], ACKS) * 1e9) / ACKS;

			of_ten = i == 0 ? each : of_ten;
			add(bench, kind, flights[i], each, instructions, of_ten);
		}
	}
	if (!instructions)
		return;
	snprintf(rest, sizeof rest, "%s/out", folder); /* what came after the last case */
	(void)unlink(rest);
	(void)rmdir(folder);
}
