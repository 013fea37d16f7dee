/* tern trace: one connection, drawn, explained, plotted, or as JSON lines. */
#include "tool/picture_file.h"
#include "tool/tool.h"
#include "tool/trace.h"
#include "watch/jsonl.h"
#include "watch/label.h"
#include "watch/ladder.h"
#include "watch/plot.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char *const names[2][2] = { { "A", "B" }, { "client", "server" } };

static void print_pair(const struct trace_pair *pair, const char *const name[2])
{
	char offset[24], uncertain[24], delay[2][24];

	printf("Captured at both ends");
	if (pair->has_offset)
		printf(": the %s's clock is %s %s, give or take %s; at least %s there and %s back", name[1],
		       label_span(offset, pair->offset < 0 ? -pair->offset : pair->offset),
		       pair->offset < 0 ? "behind" : "ahead", label_span(uncertain, pair->uncertain),
		       label_span(delay[0], pair->delay[0]), label_span(delay[1], pair->delay[1]));
	puts(".");
	for (unsigned side = 0; side < 2; side++)
		printf("%s the %s's segments %" PRIu64 " arrived and %" PRIu64 " were lost%s",
		       side ? "of" : "Of", name[side], pair->matched[side], pair->lost[side],
		       side ? ".\n" : "; ");
}

static void json_pair(const struct trace_pair *pair)
{
	printf("{\"v\":1,\"conn\":%" PRIu32 ",\"ev\":\"pair\"", pair->flow.number);
	if (pair->has_offset)
		printf(",\"offset\":%" PRId64 ",\"uncertain\":%" PRId64 ",\"delay\":[%" PRId64 ",%" PRId64
		       "]",
		       pair->offset, pair->uncertain, pair->delay[0], pair->delay[1]);
	else
		printf(",\"offset\":null,\"uncertain\":null,\"delay\":null");
	printf(",\"arrived\":[%" PRIu64 ",%" PRIu64 "],\"lost\":[%" PRIu64 ",%" PRIu64
	       "],\"strays\":[%" PRIu64 ",%" PRIu64 "]}\n",
	       pair->matched[0], pair->matched[1], pair->lost[0], pair->lost[1], pair->stray[0],
	       pair->stray[1]);
}

static void print_vantage(const struct trace_flow *flow, const char *const name[2])
{
	for (unsigned side = 0; side < 2; side++) {
		if (flow->end[side].near == TRACE_TOLD_NEAR)
			printf("Captured at the %s's end.\n", name[side]);
		else if (flow->end[side].near == TRACE_JUDGED_NEAR)
			printf("Captured near the %s, as its answers at once show.\n", name[side]);
	}
}

static void print_title(const struct trace_options *options, const struct trace_flow *flow,
			const struct trace_pair *pair, const char *const name[2])
{
	char ends[2][56], rtt[24] = "not known";

	if (trace_flow_rtt(flow) > 0)
		label_span(rtt, trace_flow_rtt(flow));
	printf("\n#%" PRIu32 "  %s %s %s: %" PRIu64 " segments, round trip %s\n", flow->number,
	       label_endpoint(ends[0], &flow->tuple.local, flow->tuple.local_port),
	       options->ascii ? "--" : "──",
	       label_endpoint(ends[1], &flow->tuple.remote, flow->tuple.remote_port), flow->segments, rtt);
	if (pair)
		print_pair(pair, name);
	else
		print_vantage(flow, name);
	printf("States: proved by what that end sent; (inferred) if what was seen on its way arrived; "
	       "[unseen] where the\ncapture does not hold what brought it.\n\n");
}

/* The one connection whose pictures are in files; 0: none yet. */
static uint32_t pictured;

static void title_of(char *to, size_t size, const struct trace_flow *flow)
{
	char ends[2][56];

	(void)snprintf(to, size, "%s, %s", label_endpoint(ends[0], &flow->tuple.local, flow->tuple.local_port),
		       label_endpoint(ends[1], &flow->tuple.remote, flow->tuple.remote_port));
}

static struct ladder_svg_options picture_of(const struct trace_options *options, const char *title)
{
	return (struct ladder_svg_options){ .title = title, .all = options->all, .silence = TERN_SECOND };
}

static int plot(const struct trace_options *options, const struct trace_flow *flow,
		const struct timeline *timeline, const char *const name[2])
{
	const unsigned	   side = flow->end[1].n.octets > flow->end[0].n.octets;
	struct plot	   plot;
	struct plot_column column = { &plot, name[side] };
	char		   ends[128], title[160];
	FILE *const	   to = fopen(options->plot, "w");
	int		   error = 0;

	if (!to)
		return tool_failed("trace", "--plot: cannot write '%s': %s", options->plot, strerror(errno));
	title_of(ends, sizeof ends, flow);
	(void)snprintf(title, sizeof title, "%s: the %s's text", ends, name[side]);
	plot_init(&plot);
	plot_read(&plot, timeline, side);
	plot_estimate(&plot, timeline, side);
	error = plot_write(to, &column, 1, title);
	plot_done(&plot);
	if (fclose(to) != 0 && error == 0)
		return tool_failed("trace", "--plot: cannot write '%s': %s", options->plot, strerror(errno));
	return error == 0 ? TOOL_OK : tool_failed("trace", "--plot: %s", tern_strerror(error));
}

/* --plot and --svg: a file holds one. */
static int picture(const struct trace_options *options, const struct trace_flow *flow, const struct timeline *timeline,
		   const char *const name[2])
{
	char title[128];
	int  code = TOOL_OK;

	if (!options->plot && !options->svg)
		return TOOL_OK;
	if (pictured != 0)
		return tool_failed("trace", "#%" PRIu32 " is in no picture: the file holds #%" PRIu32, flow->number,
				   pictured);
	pictured = flow->number;
	title_of(title, sizeof title, flow);

	const struct ladder_svg_options svg = picture_of(options, title);

	if (options->svg)
		code = picture_file_svg("trace", options->svg, timeline, &svg);
	return code == TOOL_OK && options->plot ? plot(options, flow, timeline, name) : code;
}

static int draw(const struct trace_options *options, const struct trace_flow *flow,
		const struct trace_pair *pair, const struct timeline *timeline, const char *const name[2])
{
	const bool colour = options->colour == TRACE_COLOUR_ALWAYS ||
			    (options->colour == TRACE_COLOUR_AUTO && tool_terminal_has_colour());
	const bool     ascii = options->ascii || tool_terminal_is_ascii();
	const unsigned columns = options->columns ? options->columns : tool_terminal_columns();
	int	       error;

	if (options->json) {
		if (pair)
			json_pair(pair);
		(void)jsonl_write(stdout, timeline, 0);
		return 0;
	}
	if (options->mermaid) {
		char title[128];

		title_of(title, sizeof title, flow);

		const struct ladder_svg_options as = picture_of(options, title);

		return mermaid_write(stdout, timeline, &as);
	}
	print_title(options, flow, pair, name);
	error = ladder_write(stdout, timeline,
			     &(struct ladder_options){ .columns = columns,
						       .ascii = ascii,
						       .colour = colour,
						       .all = options->all,
						       .silence = TERN_SECOND });
	if (error == 0 && options->explain) {
		fputc('\n', stdout);
		explain_write(stdout, timeline,
			      &(struct explain_options){ options->language, columns, ascii, colour });
	}
	return error;
}

int trace_show(const struct trace_options *options, const struct trace_flow *flow,
	       const struct trace_pair *pair)
{
	const char *const *const name = names[flow->opener_known];
	struct timeline		 timeline;
	int			 code = TOOL_OK;

	timeline_init(&timeline, name[0], name[1]);
	int error = trace_story_tell(flow, &timeline);

	if (error == 0)
		error = draw(options, flow, pair, &timeline, name);
	if (error == 0)
		code = picture(options, flow, &timeline, name);
	timeline_done(&timeline);
	if (error != 0)
		return tool_failed("trace", "#%" PRIu32 " cannot be drawn: %s", flow->number,
				   tern_strerror(error));
	if (flow->story->missed > 0)
		(void)tool_failed("trace",
				  "#%" PRIu32 ": %" PRIu64 " segments beyond the first %" PRIu32
				  " are counted, and not drawn",
				  flow->number, flow->story->missed, flow->story->n);
	return code;
}

int trace_comment(struct trace_comments *comments, const struct trace_flow *flow)
{
	const char *const *const name = names[flow->opener_known];
	struct timeline		 timeline;

	timeline_init(&timeline, name[0], name[1]);
	const int error = trace_story_tell(flow, &timeline);

	if (error == 0)
		trace_comments_take(comments, flow, &timeline);
	timeline_done(&timeline);
	return error == 0 ? TOOL_OK
			  : tool_failed("trace", "#%" PRIu32 ": no comments: %s", flow->number,
					tern_strerror(error));
}
