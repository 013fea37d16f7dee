/* tern trace: reads captures, says what their connections did. */
#include "tool/capture.h"
#include "tool/tool.h"
#include "tool/trace.h"
#include "trace/live.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEPT_MAX = 1024 };

struct run {
	const struct trace_options *options;
	struct capture		    capture;
	struct trace_table	    table;

	uint32_t	      met;	/* of options->wanted, a bit each: a connection was that */
	struct trace_comments comments; /* for --annotate */
	/* Of two captures: connections to be matched, with their stories. */
	struct trace_flow *kept;
	unsigned	   n_kept;
	uint64_t	   not_kept;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

/* ---- connections ---- */

static uint32_t wants_story(void *context, const struct trace_flow *flow)
{
	const struct run *const run = context;

	const bool all = run->options->annotate && run->options->n_wanted == 0;

	return all || trace_is_wanted(run->options, flow) ? TRACE_STEPS : 0;
}

static void worse(struct run *run, int code)
{
	if (code != TOOL_OK)
		run->capture.code = code;
}

static void keep(struct run *run, struct trace_flow *flow)
{
	if (!run->kept)
		run->kept = calloc(KEPT_MAX, sizeof *run->kept);
	if (!run->kept || run->n_kept == KEPT_MAX) {
		run->not_kept++;
		return;
	}
	run->kept[run->n_kept] = *flow;
	for (unsigned side = 0; side < 2; side++)
		run->kept[run->n_kept].end[side].flight = (struct trace_flight){ .n = 0 };
	run->n_kept++;
	flow->story = NULL;
}

static void end_table(struct run *run)
{
	if (!trace_table_done(&run->table))
		worse(run, tool_failed("trace", "the table's temporary file failed: %s", strerror(errno)));
}

static void is_done(void *context, struct trace_flow *flow)
{
	struct run *const		  run = context;
	const struct trace_options *const options = run->options;

	run->met |= trace_wanted_by(options, flow);
	if (!flow->story && (options->n_wanted > 0 || options->files == TRACE_FILES))
		return; /* asked for others */
	if (options->files == TRACE_FILES) {
		keep(run, flow);
		return;
	}
	if (!options->mermaid) /* what stands there is a diagram, and nothing else */
		trace_table_add(&run->table, flow);
	if (flow->story && options->annotate)
		worse(run, trace_comment(&run->comments, flow));
	if (!flow->story || !trace_is_wanted(options, flow))
		return;
	/* The connection's row, then what it is about. */
	end_table(run);
	worse(run, trace_show(options, flow, NULL));
	trace_table_init(&run->table, stdout, options->json, options->ascii, options->live != NULL);
}

/* ---- two captures ---- */

static void show_pair(struct run *run, const struct trace_flow *client, struct trace_flow *server)
{
	struct trace_pair pair;

	if (!trace_pair_make(&pair, client, server)) {
		worse(run, tool_failed("trace", "#%" PRIu32 ": out of memory", client->number));
	} else {
		pair.flow.number = client->number;
		if (!run->options->mermaid)
			trace_table_add(&run->table, &pair.flow);
		end_table(run);
		worse(run, trace_show(run->options, &pair.flow, &pair));
		trace_table_init(&run->table, stdout, run->options->json, run->options->ascii, false);
	}
	trace_pair_done(&pair);
}

static int by_number(const void *a, const void *b)
{
	const struct trace_flow *const x = a, *const y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static void match_captures(struct run run[2])
{
	unsigned lonely = 0;

	trace_table_init(&run[0].table, stdout, run->options->json, run->options->ascii, false);
	if (run[0].kept)
		qsort(run[0].kept, run[0].n_kept, sizeof *run[0].kept, by_number);
	for (unsigned i = 0; i < run[0].n_kept; i++) {
		struct trace_flow *const client = &run[0].kept[i];
		bool			 found = false;

		for (unsigned k = 0; k < run[1].n_kept && !found; k++) {
			struct trace_flow *const server = &run[1].kept[k];

			found = server->story && trace_pair_turn(client, server);
			if (!found)
				continue;
			show_pair(&run[0], client, server);
			trace_flow_done(server);
		}
		lonely += !found;
	}
	if (lonely > 0)
		fprintf(stderr, "tern: trace: %u connections of %s are not in %s\n", lonely,
			run->options->file[0], run->options->file[1]);
	if (run[0].not_kept + run[1].not_kept > 0)
		worse(run, tool_failed("trace",
				       "more than %d connections at once are not matched: name some (--conn)",
				       KEPT_MAX));
	for (unsigned capture = 0; capture < 2; capture++) {
		for (unsigned i = 0; i < run[capture].n_kept; i++)
			trace_flow_done(&run[capture].kept[i]);
		free(run[capture].kept);
	}
}

/* ---- sources ---- */

static tern_time monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * TERN_SECOND + now.tv_nsec;
}

static int read_live(struct run *run)
{
	const struct trace_options *const options = run->options;
	char				  why[TRACE_WHY];
	struct trace_live *const	  live = trace_live_open(options->live, options->filter, why);
	const tern_time			  began = monotonic();
	struct trace_packet		  packet;
	uint64_t			  dropped;
	int				  got = 0;

	if (!live)
		return tool_failed("trace", "--live %s: %s", options->live, why);
	fprintf(stderr, "tern: trace: capturing on %s; an interrupt ends it\n", options->live);
	while (!interrupted && got >= 0) {
		got = trace_live_next(live, &packet, why);
		if (got > 0)
			capture_take(&run->capture, &packet);
		if (options->lifetime != TERN_NEVER && monotonic() - began >= options->lifetime)
			break;
	}
	if (got < 0)
		worse(run, tool_failed("trace", "--live %s: %s", options->live, why));
	dropped = trace_live_dropped(live);
	if (dropped > 0)
		fprintf(stderr, "tern: trace: the system dropped %" PRIu64 " packets before tern saw them\n",
			dropped);
	trace_live_close(live);
	return TOOL_OK;
}

/* ---- the whole ---- */

static bool begin(struct run *run, unsigned number)
{
	const struct trace_options *const options = run->options;

	run->capture = (struct capture){
		.command = "trace",
		.flows = { .story = wants_story,
			   .done = is_done,
			   .context = run,
			   .at = options->at,
			   .has_at = options->has_at,
			   .at_side = options->files == TRACE_FILES ? number + 1 : 0 },
		.stop = &interrupted,
	};
	trace_table_init(&run->table, stdout, options->json, options->ascii || tool_terminal_is_ascii(),
			 options->live != NULL);
	return capture_begin(&run->capture);
}

/* What was named and is not there. */
static void say_unmet(struct run *run, const char *path)
{
	const struct trace_options *const options = run->options;
	const uint32_t			  last = run->capture.flows.last;

	for (unsigned i = 0; i < options->n_wanted; i++) {
		const struct trace_wanted *const wanted = &options->wanted[i];

		if (run->met >> i & 1)
			continue;
		if (wanted->first != 0)
			worse(run, tool_failed("trace", "%s: there is no connection %" PRIu32 ", the last is %" PRIu32,
					       path, wanted->first, last));
		else
			worse(run, tool_failed("trace", "%s: no connection has %s at an end", path, wanted->text));
	}
}

/* One capture to its end. */
static int trace_one(struct run *run, unsigned number)
{
	const struct trace_options *const options = run->options;

	if (!begin(run, number))
		return tool_failed("trace", "cannot begin: %s", strerror(errno));
	const int code = options->live ? read_live(run) : capture_read(&run->capture, options->file[number]);

	capture_end(&run->capture, code == TOOL_OK);
	end_table(run);
	if (code == TOOL_OK && number == 0 && !options->live)
		say_unmet(run, options->file[number]);
	return code;
}

static void annotate(struct run *run)
{
	const struct trace_options *const options = run->options;
	char				  why[TRACE_WHY];

	if (!trace_annotate(&run->comments, options->file[0], options->annotate, why))
		worse(run, tool_failed("trace", "--annotate: cannot write '%s': %s", options->annotate, why));
	if (run->comments.unwritten > 0)
		worse(run,
		      tool_failed("trace",
				  "--annotate: %" PRIu64 " packets in simple packet blocks, which have no "
				  "room for comments",
				  run->comments.unwritten));
	trace_comments_done(&run->comments);
}

static int trace(const struct trace_options *options)
{
	static struct run      run[TRACE_FILES];
	const struct sigaction action = { .sa_handler = on_signal };
	int		       code = TOOL_OK;

	if (options->live || strcmp(options->file[0], "-") == 0) {
		(void)sigaction(SIGINT, &action, NULL);
		(void)sigaction(SIGTERM, &action, NULL);
	}
	if (options->annotate && !trace_comments_init(&run[0].comments))
		return tool_failed("trace", "--annotate: no temporary file: %s", strerror(errno));
	for (unsigned capture = 0; capture < (options->live ? 1 : options->files) && code == TOOL_OK;
	     capture++) {
		run[capture].options = options;
		code = trace_one(&run[capture], capture);
	}
	if (code != TOOL_OK)
		return code;
	if (options->annotate)
		annotate(&run[0]);
	if (options->files == TRACE_FILES) {
		match_captures(run);
		end_table(&run[0]);
		worse(&run[0], run[1].capture.code);
	}
	return tool_flushed("trace") ? run[0].capture.code : TOOL_NOT_AS_EXPECTED;
}

static bool spares_captures(const struct trace_options *options)
{
	for (unsigned i = 0; i < options->files; i++)
		if (!tool_spares("trace", "--svg", options->svg, options->file[i]) ||
		    !tool_spares("trace", "--plot", options->plot, options->file[i]) ||
		    !tool_spares("trace", "--annotate", options->annotate, options->file[i]))
			return false;
	return true;
}

int tool_trace(int n, char *const arguments[])
{
	struct trace_options options;
	char		     why[TRACE_WHY];

	if (!trace_options_parse(&options, n, arguments, why, sizeof why))
		return tool_wrong("trace", "%s", why);
	if (options.help) {
		trace_help(stdout);
		return tool_flushed("trace") ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
	}
	return spares_captures(&options) ? trace(&options) : TOOL_USAGE;
}
