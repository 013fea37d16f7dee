/* Rows as JSON: for whoever asks, and for bench/report.py with what they were measured beside. */
#include "bench.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void print_peers(FILE *file, const struct bench_row *row)
{
	for (unsigned i = 0; i < row->n_peers; i++) {
		const struct bench_peer *const peer = &row->peers[i];

		fprintf(file,
			"%s\"%s\": {\"version\": \"%s\", \"median\": %.6g, \"low\": %.6g, \"high\": %.6g, "
			"\"ratio\": %.4g",
			i > 0 ? ", " : "", peer->name, peer->version, peer->median, peer->low, peer->high,
			bench_ratio(row, peer));
		if (peer->frames > 0)
			fprintf(file, ", \"frames\": %.4g", peer->frames);
		fputc('}', file);
	}
}

/* Without its last brace. */
static void print_row(FILE *file, const struct bench_row *row)
{
	char target[32] = "null";

	if (!isnan(row->what.target))
		snprintf(target, sizeof target, "%g", row->what.target);
	fprintf(file,
		"  {\"workload\": \"%s\", \"metric\": \"%s\", \"unit\": \"%s\", \"tern\": %.6g, "
		"\"low\": %.6g, \"high\": %.6g, \"peers\": {",
		row->what.workload, row->what.metric, row->what.unit, row->median, row->low, row->high);
	print_peers(file, row);
	fprintf(file, "}, \"target\": %s, \"better\": \"%s\"", target,
		row->what.better == BENCH_HIGHER ? "higher" : "lower");
	if (row->ceiling > 0)
		fprintf(file, ", \"ceiling\": %.6g", row->ceiling);
	if (row->passes > 0)
		fprintf(file, ", \"passes\": %.6g", row->passes);
	if (row->frames > 0)
		fprintf(file, ", \"frames\": %.4g", row->frames);
	if (row->note[0])
		fprintf(file, ", \"note\": \"%s\"", row->note);
	if (row->p99 > 0)
		fprintf(file, ", \"p99_s\": %.6g", row->p99);
}

void bench_print_json(const struct bench *bench)
{
	puts("[");
	for (size_t i = 0; i < bench->n_rows; i++) {
		print_row(stdout, &bench->rows[i]);
		printf("}%s\n", i + 1 < bench->n_rows ? "," : "");
	}
	puts("]");
}

/* As the kernel calls the processor, and how many there are; quotes taken out. */
static void machine_name(char *to, size_t room)
{
	char  line[256], name[128] = "a processor without a name";
	FILE *file = fopen("/proc/cpuinfo", "r");

	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "model name : %127[^\"\\\n]", name) == 1)
			break;
	if (file)
		fclose(file);
	snprintf(to, room, "%s, %ld cores", name, sysconf(_SC_NPROCESSORS_ONLN));
}

static void print_when(FILE *file, const struct bench_row *row)
{
	const time_t date = (time_t)row->date;
	struct tm    parts = { .tm_year = 70 };
	char	     text[32] = "";

	(void)gmtime_r(&date, &parts);
	(void)strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
	fprintf(file, ", \"date\": \"%s\", \"load\": %.2f, \"memcpy\": %.4g, \"sum\": %.4g", text, row->load,
		row->machine.copy, row->machine.sum);
}

bool bench_write_results(const struct bench *bench, const char *path)
{
	char	    machine[192];
	FILE *const file = fopen(path, "w");

	if (!file)
		return false;
	machine_name(machine, sizeof machine);
	fprintf(file, "{\"tern\": \"%s\", \"rounds\": %u, \"machine\": \"%s\", \"rows\": [\n", TERN_VERSION,
		bench->rounds, machine);
	for (size_t i = 0; i < bench->n_rows; i++) {
		print_row(file, &bench->rows[i]);
		print_when(file, &bench->rows[i]);
		fprintf(file, "}%s\n", i + 1 < bench->n_rows ? "," : "");
	}
	fputs("]}\n", file);
	const bool written = fflush(file) == 0 && !ferror(file);
	return fclose(file) == 0 && written;
}
