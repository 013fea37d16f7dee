/* tern report of one capture, or of two of the same connections: what tern trace infers, as the page's events. */
#include "tool/capture.h"
#include "tool/report.h"
#include "tool/tool.h"
#include "trace/pair.h"
#include "trace/table.h"
#include "watch/label.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_MAX = 256, STEPS = 250000 };

struct reading {
	struct capture		    capture;
	const struct trace_options *options;
	struct trace_flow	   *kept;
	unsigned		    n_kept;
	uint64_t		    not_kept;
	struct report_headers	    headers;
};

/* Of which flow is told, and where its headers are. */
struct telling {
	const struct trace_flow *flow;
	const struct reading	*reading; /* of each capture */
};

static uint32_t wants_story(void *context, const struct trace_flow *flow)
{
	const struct reading *const reading = context;
	const bool		    all = reading->options->n_wanted == 0;

	return reading->n_kept < KEPT_MAX && (all || trace_is_wanted(reading->options, flow)) ? STEPS : 0;
}

static void is_done(void *context, struct trace_flow *flow)
{
	struct reading *const reading = context;

	if (!flow->story && reading->options->n_wanted > 0)
		return; /* asked for others */
	if (!flow->story || reading->n_kept == KEPT_MAX) {
		reading->not_kept++;
		return;
	}
	struct trace_flow *const kept = &reading->kept[reading->n_kept++];

	*kept = *flow;
	for (unsigned side = 0; side < 2; side++)
		kept->end[side].flight = (struct trace_flight){ .n = 0 };
	flow->story = NULL;
}

/* The story's steps have the numbers of the packets that it was told as. */
static const struct report_header *header_of(void *context, const struct timeline_line *line)
{
	const struct telling *const	telling = context;
	const struct trace_story *const story = telling->flow->story;
	const uint64_t			step = line->event.u.segment.id;

	if (step == 0 || step > story->n)
		return NULL;
	const struct trace_segment *const segment = &story->steps[step - 1].segment;

	return report_headers_of(&telling->reading[segment->file != 0].headers, segment);
}

static int tell(struct report *report, const struct reading *reading, const struct trace_flow *flow)
{
	static const char *const names[2][2] = { { "A", "B" }, { "client", "server" } };
	struct telling		 telling = { flow, reading };
	struct timeline		 timeline;
	struct trace_row	 row;
	char			*text = NULL;
	size_t			 n = 0;
	FILE *const		 line = open_memstream(&text, &n);

	trace_row_of(&row, flow);
	if (!line)
		return -TERN_ENOMEM;
	trace_row_json(line, &row);
	if (fclose(line) == 0)
		report_put(report, text, n);
	free(text);
	timeline_init(&timeline, names[flow->opener_known][0], names[flow->opener_known][1]);
	fprintf(report->ladder, "\n#%" PRIu32 "\n\n", flow->number);
	int error = trace_story_tell(flow, &timeline);

	if (error == 0)
		error = report_tell(report, &(struct report_telling){ &timeline, header_of, &telling });
	timeline_done(&timeline);
	if (error == 0 && flow->story->missed > 0)
		(void)tool_failed("report",
				  "#%" PRIu32 ": %" PRIu64 " segments beyond the first %" PRIu32
				  " are not in the page",
				  flow->number, flow->story->missed, flow->story->n);
	return error;
}

static int by_number(const void *a, const void *b)
{
	const struct trace_flow *const x = a, *const y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static int read_one(struct reading *reading, unsigned which)
{
	const struct trace_options *const options = reading->options;

	reading->capture = (struct capture){
		.command = "report",
		.flows = { .story = wants_story,
			   .done = is_done,
			   .context = reading,
			   .at = options->at,
			   .has_at = options->has_at,
			   .at_side = options->files == TRACE_FILES ? which + 1 : 0 },
	};
	reading->kept = calloc(KEPT_MAX, sizeof *reading->kept);
	if (!reading->kept || !capture_begin(&reading->capture))
		return tool_failed("report", "cannot begin: %s", strerror(errno));
	const int code = capture_read(&reading->capture, options->file[which]);

	capture_end(&reading->capture, code == TOOL_OK);
	for (unsigned i = 0; i < reading->n_kept; i++)
		report_headers_want(&reading->headers, reading->kept[i].story);
	if (code == TOOL_OK)
		report_headers_read(&reading->headers, options->file[which]);
	if (reading->n_kept > 0)
		qsort(reading->kept, reading->n_kept, sizeof *reading->kept, by_number);
	if (reading->not_kept > 0)
		(void)tool_failed("report",
				  "%s: %" PRIu64
				  " connections beyond %d are not in the page: name some (--conn)",
				  options->file[which], reading->not_kept, KEPT_MAX);
	return code == TOOL_OK ? reading->capture.code : code;
}

static int tell_pair(struct report *report, const struct reading *reading, const struct trace_flow *client,
		     struct trace_flow *server)
{
	struct trace_pair pair;
	int		  error = -TERN_ENOMEM;

	if (trace_pair_make(&pair, client, server)) {
		pair.flow.number = client->number;
		error = tell(report, reading, &pair.flow);
	}
	trace_pair_done(&pair);
	return error;
}

static int tell_pairs(struct report *report, struct reading reading[2], unsigned *told)
{
	int error = 0;

	for (unsigned i = 0; i < reading[0].n_kept && error == 0; i++) {
		const struct trace_flow *const client = &reading[0].kept[i];
		bool			       found = false;

		for (unsigned k = 0; k < reading[1].n_kept && !found; k++) {
			struct trace_flow *const server = &reading[1].kept[k];

			found = server->story && trace_pair_turn(client, server);
			if (!found)
				continue;
			error = tell_pair(report, reading, client, server);
			trace_flow_done(server);
			server->story = NULL;
			++*told;
		}
	}
	return error;
}

static int tell_all(struct report *report, struct reading reading[2], unsigned *told)
{
	int error = 0;

	if (reading->options->files == TRACE_FILES)
		return tell_pairs(report, reading, told);
	for (unsigned i = 0; i < reading->n_kept && error == 0; i++, ++*told)
		error = tell(report, reading, &reading->kept[i]);
	return error;
}

static int read_all(struct report *report, struct reading reading[2])
{
	const struct trace_options *const options = reading->options;
	unsigned			  told = 0;
	int				  code = read_one(&reading[0], 0);

	if (code != TOOL_USAGE && options->files == TRACE_FILES) {
		const int other = read_one(&reading[1], 1);
		code = other > code ? other : code;
	}
	if (code == TOOL_USAGE)
		return code;
	const int error = tell_all(report, reading, &told);

	if (error != 0)
		return tool_failed("report", "cannot be drawn: %s", tern_strerror(error));
	return told > 0 ? code
			: tool_wrong("report", "%s: none of its TCP connections is to be shown",
				     options->file[0]);
}

int report_captures(struct report *report, int n, char *const arguments[])
{
	static struct reading reading[2];
	struct trace_options  options;
	char		      why[TRACE_WHY];

	if (!trace_options_parse(&options, n, arguments, why, sizeof why))
		return tool_wrong("report", "%s", why);
	if (options.live || options.json || options.explain || options.plot || options.annotate ||
	    options.help)
		return tool_wrong("report",
				  "of tern trace's options a page takes --conn, --at and --lang alone");
	reading[0].options = reading[1].options = &options;
	report->language = options.language;
	report->source = options.files == TRACE_FILES ? "captures" : "capture";
	snprintf(report->own_title, sizeof report->own_title, "%s%s%s", options.file[0],
		 options.files == TRACE_FILES ? ", " : "",
		 options.files == TRACE_FILES ? options.file[1] : "");
	const int code = read_all(report, reading);

	for (unsigned which = 0; which < 2; which++) {
		for (unsigned i = 0; i < reading[which].n_kept; i++)
			trace_flow_done(&reading[which].kept[i]);
		free(reading[which].kept);
		report_headers_done(&reading[which].headers);
	}
	return code;
}
