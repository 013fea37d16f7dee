/* tern-bench: how fast and how small, measured from inside. */
#include "bench.h"
#include "gateway_relay.h"
#include "goodput_real.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct workload {
	const char *name, *line;
	void (*run)(struct bench *bench);
} workloads[] = {
	{ "calibration", "what this machine copies and sums", bench_calibration },
	{ "bulk", "one connection at full speed, MSS 1460, checksums on", bench_bulk },
	{ "bulk-64k", "the same with segments of 64 KiB", bench_bulk_64k },
	{ "bulk-owned", "owned buffers in, peeked ones out, checksums offloaded", bench_bulk_owned },
	{ "messages", "64 bytes asked and answered over many connections in turn", bench_messages },
	{ "flatness", "messages beside a crowd of idle ones, of TIME-WAIT, and in a flood of SYNs", bench_flatness },
	{ "open-close", "connections opened and closed in a second", bench_open_close },
	{ "acks", "instructions per ACK, from 10 to 100,000 segments in flight, hostile SACKs too", bench_acks },
	{ "instructions", "of a segment, a message, an opening: counted, the same in every run", bench_instructions },
	{ "goodput", "text carried over bad paths, in virtual time", bench_goodput },
	{ "fairness", "flows that share a bottleneck, in virtual time", bench_fairness },
	{ "bufferbloat", "how long packets wait in a deep buffer, in virtual time", bench_bufferbloat },
	{ "cores", "messages and openings by two threads and by one, hosts behind one address", bench_cores },
	{ "latency", "one byte asked and answered by two threads, beside Linux's loopback", bench_latency },
	{ "memory", "bytes of an idle connection, a half-open and a TIME-WAIT entry", bench_memory },
	{ "device", "one connection to Linux's TCP over TUN and TAP, with and without offloads", bench_device },
	{ "gateway", "tern gateway beside pasta and slirp4netns, as far as they are here", bench_gateway },
};

enum { N_WORKLOADS = sizeof workloads / sizeof workloads[0], ROUNDS = 5, ROUNDS_QUICK = 2 };

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct command_line {
	bool wanted[N_WORKLOADS], any, json, list, help, quick, full, alone;
	const char *results; /* NULL: not asked for */
};

static void list(void)
{
	for (unsigned i = 0; i < N_WORKLOADS; i++)
		printf("  %-12s  %s\n", workloads[i].name, workloads[i].line);
}

static void help(void)
{
	puts("usage: tern-bench [WORKLOAD...] [OPTION...]\n"
	     "\n"
	     "Measures the stack between two hosts of this process, on one core, and the gateway from outside.\n"
	     "Without a workload: all of them.\n");
	list();
	puts("\n"
	     "  --json   an array of {workload, metric, unit, tern, low, high, peers, target, better};\n"
	     "           where known also frames (of a segment, message or opening), passes (what the\n"
	     "           copies and sums would allow) and note\n"
	     "  --results FILE\n"
	     "           the same with machine and dates, into a file (bench/report.py makes pages of it)\n"
	     "  --alone  without peers\n"
	     "  --list   the workloads\n"
	     "  --quick  seconds instead of minutes: to see that it works, not for figures\n"
	     "  --full   also what takes gigabytes or the better part of an hour:\n"
	     "           10^7 endpoints, 6x10^7 in TIME-WAIT, every path of goodput\n"
	     "  --help   this\n"
	     "\n"
	     "tern-bench goodput --real: beside Linux over tern wire, in real time; see its --help.\n"
	     "\n"
	     "Examples:\n"
	     "  tern-bench\n"
	     "  tern-bench bulk messages\n"
	     "  tern-bench memory --json\n"
	     "  tern-bench gateway");
}

static bool *option_named(struct command_line *line, const char *name)
{
	const struct {
		const char *name;
		bool	   *value;
	} options[] = {
		{ "--json", &line->json },   { "--list", &line->list }, { "--help", &line->help },
		{ "-h", &line->help },	     { "--quick", &line->quick }, { "--full", &line->full },
		{ "--alone", &line->alone },
	};

	for (unsigned i = 0; i < sizeof options / sizeof options[0]; i++)
		if (strcmp(options[i].name, name) == 0)
			return options[i].value;
	return NULL;
}

static bool *workload_named(struct command_line *line, const char *name)
{
	for (unsigned i = 0; i < N_WORKLOADS; i++)
		if (strcmp(workloads[i].name, name) == 0)
			return &line->wanted[i];
	return NULL;
}

/* False: something was wrong, and named. */
static bool parse(struct command_line *line, int n, char *const arguments[])
{
	for (int i = 0; i < n; i++) {
		if (strcmp(arguments[i], "--results") == 0 && i + 1 < n) {
			line->results = arguments[++i];
			continue;
		}
		const bool  is_option = arguments[i][0] == '-';
		bool *const named = is_option ? option_named(line, arguments[i]) : workload_named(line, arguments[i]);

		if (!named) {
			fprintf(stderr, "tern-bench: there is no %s '%s' (see tern-bench --help)\n",
				is_option ? "option" : "workload", arguments[i]);
			return false;
		}
		*named = true;
		line->any |= !is_option;
	}
	if (line->quick && line->full) {
		fputs("tern-bench: --quick and --full exclude each other\n", stderr);
		return false;
	}
	return true;
}

/* False: the results could not be written, which has been said. */
static bool run(const struct command_line *line)
{
	static struct bench bench;

	bench.rounds = line->quick ? ROUNDS_QUICK : ROUNDS;
	bench.quick = line->quick;
	bench.full = line->full;
	bench.alone = line->alone;
	for (unsigned i = 0; i < N_WORKLOADS; i++) {
		if (line->any && !line->wanted[i])
			continue;
		calibrate(&bench);
		workloads[i].run(&bench);
	}
	if (line->json)
		bench_print_json(&bench);
	else
		bench_print_table(&bench);
	if (!line->results || bench_write_results(&bench, line->results))
		return true;
	fprintf(stderr, "tern-bench: %s: %s\n", line->results, strerror(errno));
	return false;
}

int main(int argc, char *argv[])
{
	struct command_line line = { .any = false };

	if (argc == 4 && strcmp(argv[1], "--agent") == 0) /* run so by a relay of ours: no user's */
		return agent_main(argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "--count-acks") == 0) /* run so by `acks`, under valgrind */
		return acks_counted(strcmp(argv[2], "quick") == 0);
	if (argc == 2 && strcmp(argv[1], "--built-by") == 0) /* asked so by baseline_test.py */
		return puts(TERN_BENCH_BUILT_BY) < 0;
	if (argc == 2 && strcmp(argv[1], "--count-instructions") == 0) /* run so by `instructions`, likewise */
		return instructions_counted();
	if (argc > 2 && strcmp(argv[1], "--goodput-end") == 0) /* run so by `goodput --real` */
		return goodput_end(argc - 2, argv + 2);
	if (argc > 2 && goodput_is_real(argc - 1, argv + 1))
		return goodput_real(argv[0], argc - 1, argv + 1);
	if (!parse(&line, argc - 1, argv + 1))
		return EXIT_USAGE;
	if (line.help)
		help();
	else if (line.list)
		list();
	else if (!run(&line))
		return EXIT_FAILED;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_DONE;
	fputs("tern-bench: cannot write the output\n", stderr);
	return EXIT_FAILED;
}
