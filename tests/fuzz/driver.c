/* A fuzz target without a fuzzer: every file of a corpus once, then mutations of them by a seed.
 *
 *	NAME_fuzz [-runs=N] [-seconds=S] [-seed=X] [-time] [FILE | DIRECTORY]...
 *
 * -runs     mutated inputs (0), unless TERN_FUZZ_RUNS says other. None of them is kept, so that this finds less than a
 *           fuzzer does: it is a test, the same every time
 * -seconds  at most so long
 * -time     says how many inputs a second went through
 *
 * An input that fails is left in NAME_fuzz.failed of the working directory, and named.
 */
#include "fuzz/fuzz.h"

#include "support/random.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { INPUT_MOST = 1 << 16, INPUTS_MOST = 8192, MUTATED_MOST = 4096, HANG_SECONDS = 100 };

#pragma weak LLVMFuzzerCustomMutator
#pragma weak fuzz_report

struct input {
	uint8_t *data;
	size_t	 n;
};

static struct input inputs[INPUTS_MOST];
static size_t	    n_inputs;
static uint8_t	    current[INPUT_MOST];
static size_t	    n_current;
static char	    failed_path[256];

/* ---- what fails ---- */

static void say(const char *text)
{
	const ssize_t n = write(STDERR_FILENO, text, strlen(text));

	(void)n;
}

static void on_crash(int number)
{
	const int fd = open(failed_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd >= 0) {
		const ssize_t n = write(fd, current, n_current);

		(void)n;
		close(fd);
		say("fuzz: the input is in ");
		say(failed_path);
		say("\n");
	}
	signal(number, SIG_DFL);
	raise(number);
}

static void catch_crashes(const char *program)
{
	static const int       numbers[] = { SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGALRM };
	const struct sigaction action = { .sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND };
	const char *const      slash = strrchr(program, '/');

	snprintf(failed_path, sizeof failed_path, "%s.failed", slash ? slash + 1 : program);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		sigaction(numbers[i], &action, NULL);
}

/* ---- the corpus ---- */

static bool read_file(const char *path)
{
	FILE *const from = fopen(path, "rb");

	if (!from || n_inputs == INPUTS_MOST) {
		fprintf(stderr, "fuzz: %s: cannot be read\n", path);
		if (from)
			fclose(from);
		return false;
	}
	struct input *const input = &inputs[n_inputs++];
	input->n = fread(current, 1, sizeof current, from);
	input->data = malloc(input->n + 1);
	if (input->data)
		memcpy(input->data, current, input->n);
	fclose(from);
	return input->data != NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In the order of their names, so that the same mutations come everywhere. */
static bool read_directory(const char *path)
{
	char	  **names = calloc(INPUTS_MOST, sizeof *names);
	DIR *const   directory = opendir(path);
	struct dirent *entry;
	size_t	     n = 0;
	bool	     good = directory && names;

	while (good && (entry = readdir(directory)) != NULL && n < INPUTS_MOST) {
		char file[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
		names[n++] = strdup(file);
	}
	if (directory)
		closedir(directory);
	if (n > 0)
		qsort(names, n, sizeof *names, by_name);
	for (size_t i = 0; i < n; i++) {
		good = good && read_file(names[i]);
		free(names[i]);
	}
	free(names);
	return good;
}

static bool read_path(const char *path)
{
	struct stat status;

	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return read_directory(path);
	return read_file(path);
}

/* ---- running ---- */

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void run_current(void)
{
	/* A block of its own, so that a sanitizer sees the first byte read beyond it. */
	uint8_t *const exact = malloc(n_current ? n_current : 1);

	if (!exact)
		fuzz_fail("no memory");
	memcpy(exact, current, n_current);
	alarm(HANG_SECONDS);
	(void)LLVMFuzzerTestOneInput(exact, n_current);
	alarm(0);
	free(exact);
}

static void mutate(struct chance *chance)
{
	const struct input *const from = n_inputs ? &inputs[chance_below(chance, n_inputs)] : NULL;

	n_current = 0;
	if (from) {
		n_current = from->n < MUTATED_MOST ? from->n : MUTATED_MOST;
		memcpy(current, from->data, n_current);
	}
	for (uint64_t times = 1 + chance_below(chance, 4); times > 0; times--) {
		const uint64_t seed = chance_next(chance);

		if (LLVMFuzzerCustomMutator)
			n_current = LLVMFuzzerCustomMutator(current, n_current, MUTATED_MOST, (unsigned)seed);
		else
			n_current = fuzz_mutate_bytes(current, n_current, MUTATED_MOST, seed);
	}
}

struct options {
	uint64_t runs, seed;
	double	 seconds;
	bool	 time;
};

static bool take_option(struct options *options, const char *argument)
{
	if (strncmp(argument, "-runs=", 6) == 0)
		options->runs = strtoull(argument + 6, NULL, 10);
	else if (strncmp(argument, "-seconds=", 9) == 0)
		options->seconds = strtod(argument + 9, NULL);
	else if (strncmp(argument, "-seed=", 6) == 0)
		options->seed = strtoull(argument + 6, NULL, 10);
	else if (strcmp(argument, "-time") == 0)
		options->time = true;
	else
		return false;
	return true;
}

int main(int n, char *arguments[])
{
	struct options options = { .seed = 1, .seconds = 1e9 };
	uint64_t       mutated = 0;

	for (int i = 1; i < n; i++) {
		if (arguments[i][0] == '-' && !take_option(&options, arguments[i])) {
			fprintf(stderr, "fuzz: %s: no such option\n", arguments[i]);
			return 2;
		}
		if (arguments[i][0] != '-' && !read_path(arguments[i]))
			return 2;
	}
	if (getenv("TERN_FUZZ_RUNS"))
		options.runs = strtoull(getenv("TERN_FUZZ_RUNS"), NULL, 10);
	catch_crashes(arguments[0]);
	const double  begun = seconds_now();
	struct chance chance = { options.seed };
	for (size_t i = 0; i < n_inputs; i++) {
		n_current = inputs[i].n;
		memcpy(current, inputs[i].data, n_current);
		run_current();
	}
	for (; mutated < options.runs && seconds_now() - begun < options.seconds; mutated++) {
		mutate(&chance);
		run_current();
	}
	const double took = seconds_now() - begun;
	printf("%zu inputs of the corpus, %llu mutations of them\n", n_inputs, (unsigned long long)mutated);
	if (options.time)
		printf("%.0f inputs a second\n", (double)(n_inputs + mutated) / took);
	const bool good = !fuzz_report || fuzz_report();
	printf("%d passed, %d failed\n", good, !good);
	return good ? 0 : 1;
}
