/* tern report lab ...: runs a scenario, keeping the headers of what is sent and samples of both programs'
 * connections. */
#include "lab/world.h"
#include "tool/report.h"
#include "tool/tool.h"
#include "watch/plot.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 4000 }; /* of a line, in the page */

struct kept {
	struct report_header header;
	uint64_t	     id;
};

/* The packets of one side, as the link was handed them: their numbers rise. */
struct keeper {
	struct timeline_tap *tap;
	struct kept	    *packets;
	size_t		     n, room;
};

static bool keep_more(struct keeper *keeper)
{
	if (keeper->n < keeper->room)
		return true;
	const size_t	   more = keeper->room ? 2 * keeper->room : 64;
	struct kept *const moved = realloc(keeper->packets, more * sizeof *moved);

	if (!moved)
		return false;
	keeper->packets = moved;
	keeper->room = more;
	return true;
}

/* How many of its bytes are headers. */
static uint32_t header_length(const uint8_t *p, uint32_t n)
{
	uint32_t ip = 0;

	if (n >= 20 && p[0] >> 4 == 4)
		ip = (p[0] & 15u) * 4;
	else if (n >= 40 && p[0] >> 4 == 6)
		ip = 40;
	if (ip == 0 || n < ip + 20)
		return 0;
	const uint32_t all = ip + (p[ip + 12] >> 4) * 4u;

	return all <= n && all <= REPORT_HEADER ? all : 0;
}

static void on_fate(void *context, uint64_t n, const tern_packet *packet, enum tern_fate fate,
		    tern_time arrives)
{
	struct keeper *const keeper = context;

	timeline_fate(keeper->tap, n, packet, fate, arrives);
	if (packet->n_parts == 0 || !keep_more(keeper))
		return;
	if (keeper->n > 0 && keeper->packets[keeper->n - 1].id >= packet->id)
		return; /* its copy */
	struct kept *const kept = &keeper->packets[keeper->n++];
	const uint32_t	   length = header_length(packet->part[0].at, packet->part[0].n);

	kept->id = packet->id;
	kept->header.n = (uint8_t)length;
	memcpy(kept->header.bytes, packet->part[0].at, length);
}

static const struct report_header *header_of(void *context, const struct timeline_line *line)
{
	const struct keeper *const keeper = (struct keeper *)context + line->host;
	size_t			   low = 0, high = keeper->n;

	if (line->forged)
		return NULL;
	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (keeper->packets[middle].id < line->event.u.segment.id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < keeper->n && keeper->packets[low].id == line->event.u.segment.id
		       ? &keeper->packets[low].header
		       : NULL;
}

static void put_point(FILE *to, const struct plot_point *point, bool first)
{
	fprintf(to, "%s[%" PRId64 ",%.9g]", first ? "" : ",", point->at, point->value);
}

/* All points; where they are too many, of each of POINTS / 2 stretches the least and the greatest: no peak is
 * lost. */
static void put_points(FILE *to, const struct plot_line *line)
{
	const size_t stretch = line->n > POINTS ? (line->n + POINTS / 2 - 1) / (POINTS / 2) : 1;

	for (size_t from = 0; from < line->n; from += stretch) {
		const size_t end = from + stretch < line->n ? from + stretch : line->n;
		size_t	     low = from, high = from;

		for (size_t k = from; k < end; k++) {
			low = line->points[k].value < line->points[low].value ? k : low;
			high = line->points[k].value > line->points[high].value ? k : high;
		}
		put_point(to, &line->points[low < high ? low : high], from == 0);
		if (low != high)
			put_point(to, &line->points[low < high ? high : low], false);
	}
}

/* cwnd and the like, as the program could ask for them at each moment. */
static void put_series(struct report *report, const struct plot *plot, unsigned side)
{
	static const char *const names[PLOT_SERIES] = {
		[PLOT_CWND] = "cwnd", [PLOT_SSTHRESH] = "ssthresh", [PLOT_SRTT] = "srtt"
	};
	const char *comma = "";

	fprintf(report->events, "{\"v\":1,\"t\":0,\"host\":\"%s\",\"conn\":1,\"ev\":\"series\",\"series\":{",
		lab_side_names[side]);
	for (unsigned i = 0; i < PLOT_SERIES; i++) {
		const struct plot_line *const line = &plot->line[i];

		if (!names[i] || line->n == 0)
			continue;
		fprintf(report->events, "%s\"%s\":[", comma, names[i]);
		put_points(report->events, line);
		fputs("]", report->events);
		comma = ",";
	}
	fputs("}}\n", report->events);
}

static void name_run(struct report *report, const struct lab_options *options)
{
	snprintf(report->own_title, sizeof report->own_title, "%s: %s", options->scenario->name,
		 options->scenario->line[report->language]);
	snprintf(report->about, sizeof report->about,
		 report->language == EXPLAIN_ZH ? "单向延迟 %g ms，%" PRIu32 " 字节，随机种子 %" PRIu64
						: "%g ms each way, %" PRIu32 " octets, seed %" PRIu64,
		 (double)options->impair.delay / (double)TERN_MILLISECOND, options->bytes, options->seed);
}

static int run(struct report *report, const struct lab_options *options)
{
	static struct lab_world world;
	struct keeper		keepers[LAB_SIDES] = { { .n = 0 } };
	char			why[200];
	const char	       *what;
	int			code = TOOL_OK, error = lab_world_create(&world, options, NULL, &what);

	if (error != 0) {
		(void)lab_world_destroy(&world, NULL);
		return tool_failed("report", "lab: cannot make the %s: %s", what, tern_strerror(error));
	}
	for (unsigned side = 0; side < LAB_SIDES; side++) {
		struct tern_impair *const impair = &world.side[side].impair;

		keepers[side].tap = &world.side[side].tap;
		impair->fate = on_fate;
		impair->context = &keepers[side];
		(void)tern_impair_set(world.side[side].link,
				      impair); /* valid settings, but for who is told */
	}
	lab_world_run(&world);
	error = report_tell(report, &(struct report_telling){ &world.timeline, header_of, keepers });
	if (error != 0)
		code = tool_failed("report", "lab: cannot draw: %s", tern_strerror(error));
	else if (!lab_as_expected(&world, why, sizeof why))
		code = tool_failed("report", "lab: %s: %s", options->scenario->name, why);
	for (unsigned side = 0; side < LAB_SIDES; side++) {
		put_series(report, &world.plot[side], side);
		plot_done(&world.plot[side]);
		free(keepers[side].packets);
	}
	error = lab_world_destroy(&world, &what);
	return error == 0 ? code : tool_failed("report", "lab: cannot write '%s': %s", what, strerror(-error));
}

int report_lab(struct report *report, int n, char *const arguments[])
{
	struct lab_options options;
	char		   error[200];

	if (!lab_options_parse(&options, n, arguments, error, sizeof error))
		return tool_wrong("report", "lab: %s", error);
	if (options.help || options.list || options.json || options.explain || options.plot || options.why ||
	    options.n_compare > 0)
		return tool_wrong("report",
				  "of tern lab's options a page takes those of the run alone: no --help, "
				  "--list, --json, --explain, --plot, --why, --compare");
	options.plot = ""; /* samples are taken */
	report->source = "lab";
	report->language = options.language;
	name_run(report, &options);
	return run(report, &options);
}
