/* tern lab: reads the command line, runs a scenario, shows it. */
#include "lab/compare.h"
#include "lab/why.h"
#include "tool/lab_show.h"
#include "tool/picture_file.h"
#include "watch/explain.h"
#include "watch/jsonl.h"
#include "watch/ladder.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WHY = 200, COUNTERS = 256, COMMAND = 1024 };

/* ---- words around the ladder ---- */

static void print_title(const struct lab_options *options)
{
	const bool zh = options->language == EXPLAIN_ZH;
	const struct lab_scenario *const scenario = options->scenario;
	printf("%s: %s\n", scenario->name, scenario->line[options->language]);
	const double delay = (double)options->impair.delay / (double)TERN_MILLISECOND;
	printf(zh ? "单向延迟 %g ms" : "%g ms each way", delay);
	if (options->impair.rate != 0)
		printf(zh ? "，%g Mbit/s" : ", %g Mbit/s", (double)options->impair.rate / 125e3);
	printf(zh ? "，%" PRIu32 " 字节，随机种子 %" PRIu64 "\n\n" : ", %" PRIu32 " octets, seed %" PRIu64 "\n\n",
	       options->bytes, options->seed);
}

static void print_verdict(const struct lab_options *options, bool as_expected)
{
	const bool zh = options->language == EXPLAIN_ZH;
	if (as_expected)
		printf(zh ? "\n结果与预期一致。\n" : "\nAs expected.\n");
	else
		printf(zh ? "\n结果与预期不符。\n" : "\nNot as expected.\n");
}

/* ---- the three forms ---- */

void lab_show_json(struct lab_world *world, bool as_expected, const char *picture)
{
	if (picture != NULL)
		printf("{\"v\":1,\"ev\":\"picture\",\"name\":\"%s\"}\n", picture);
	(void)jsonl_write(stdout, &world->timeline, 0);
	for (unsigned side = 0; side < LAB_SIDES; side++) {
		struct jsonl_counter counters[COUNTERS];
		struct tern_stats stats = { 0 };
		size_t n = 0;
		if (world->side[side].host != NULL)
			tern_host_stats(world->side[side].host, &stats);
		for (size_t i = 0; n < COUNTERS; i++) {
			if (!tern_stats_at(&stats, i, &counters[n].name, &counters[n].value))
				break;
			n += counters[n].value != 0;
		}
		jsonl_end(stdout, &world->timeline, side, world->now, as_expected, counters, n,
			  lab_last_status(world, side));
	}
}

unsigned lab_show_columns(const struct lab_options *options)
{
	const unsigned columns = options->columns != 0 ? options->columns : tool_terminal_columns();
	return columns == 0 ? 80 : columns < LADDER_COLUMNS_MIN ? LADDER_COLUMNS_MIN : columns;
}

struct ladder_options lab_show_ladder(const struct lab_options *options)
{
	return (struct ladder_options){
		.columns = lab_show_columns(options),
		.ascii = options->ascii || tool_terminal_is_ascii(),
		.colour = options->colour == LAB_COLOUR_ALWAYS ||
			  (options->colour == LAB_COLOUR_AUTO && tool_terminal_has_colour()),
		.all = options->all,
	};
}

static int print_ladder(const struct lab_options *options, const struct lab_world *world, bool as_expected)
{
	const struct ladder_options how = lab_show_ladder(options);
	print_title(options);
	const int error = ladder_write(stdout, &world->timeline, &how);
	if (error != 0)
		return error;
	if (options->explain) {
		fputc('\n', stdout);
		explain_write(stdout, &world->timeline,
			      &(struct explain_options){ options->language, how.columns, how.ascii, how.colour });
	}
	print_verdict(options, as_expected);
	return 0;
}

static struct ladder_svg_options picture_of(const struct lab_options *options)
{
	return (struct ladder_svg_options){ .title = options->scenario->line[options->language],
					    .all = options->all,
					    .silence = TERN_SECOND };
}

/* --svg, and the ladder in one of its forms. 0 or an exit code. */
static int show(const struct lab_options *options, struct lab_world *world, bool as_expected)
{
	const struct ladder_svg_options picture = picture_of(options);
	int code = TOOL_OK, error = 0;

	if (options->svg)
		code = picture_file_svg("lab", options->svg, &world->timeline, &picture);
	if (options->json)
		lab_show_json(world, as_expected, NULL);
	else if (options->mermaid)
		error = mermaid_write(stdout, &world->timeline, &picture);
	else
		error = print_ladder(options, world, as_expected);
	return error == 0 ? code : tool_failed("lab", "cannot draw: %s", tern_strerror(error));
}

/* ---- running ---- */

/* path: options->record, or one of options->pcap. */
static int cannot_write(const struct lab_options *options, const char *path, int error, bool at_once)
{
	const char *const option = path == options->record ? "record" : "pcap";

	return at_once ? tool_wrong("lab", "--%s: cannot write '%s': %s", option, path, strerror(-error))
		       : tool_failed("lab", "--%s: cannot write '%s': %s", option, path, strerror(-error));
}

static int cannot_start(const struct lab_options *options, const char *what, int error)
{
	if (strcmp(what, "recording") == 0)
		return cannot_write(options, options->record, error, true);
	for (unsigned side = 0; side < LAB_SIDES; side++)
		if (what == options->pcap[side])
			return cannot_write(options, what, error, true);
	if (options->cc != NULL && (error == -TERN_EINVAL || error == -TERN_ENOENT))
		return tool_wrong("lab", "--%s: '%s' is not a congestion control known here",
				  options->n_compare > 0 ? "compare" : "cc", options->cc);
	return tool_failed("lab", "cannot make the %s: %s", what, tern_strerror(error));
}

static int finish(struct lab_world *world, const struct lab_options *options, int code)
{
	const char *path;
	const int error = lab_world_destroy(world, &path);
	if (error != 0 && code != TOOL_USAGE)
		return cannot_write(options, path, error, false);
	return code;
}

static int cannot_plot(const struct lab_options *options, int error)
{
	return tool_wrong("lab", "--plot: cannot write '%s': %s", options->plot, strerror(-error));
}

/* --plot: of the side that sent the most. */
static int plot(struct lab_world *world, const struct lab_options *options)
{
	struct tern_status status;
	struct lab_result result;
	char title[WHY];
	int error;

	lab_result_of(world, "", true, &result);
	snprintf(title, sizeof title, "%s: the %s's text", options->scenario->name, lab_side_names[result.side]);
	if (tern_status(world->side[result.side].host, world->side[result.side].actor.socket, &status) == 0)
		snprintf(result.controller, sizeof result.controller, "%s", status.congestion_control);
	else if (options->cc != NULL)
		snprintf(result.controller, sizeof result.controller, "%s", options->cc);
	error = lab_results_plot(options->plot, &result, 1, title);
	plot_done(&result.plot);
	return error;
}

/* One of --compare's runs. 0 or an exit code. */
static int run_one(struct lab_options options, const char *controller, const char *command, struct lab_result *result)
{
	static struct lab_world world;
	const char *what;
	char why[WHY];
	int error;

	options.cc = controller;
	error = lab_world_create(&world, &options, command, &what);
	if (error != 0)
		return finish(&world, &options, cannot_start(&options, what, error));
	lab_world_run(&world);
	lab_result_of(&world, controller, lab_as_expected(&world, why, sizeof why), result);
	plot_done(&world.plot[1 - result->side]);
	return finish(&world, &options, TOOL_OK);
}

static int compare(const struct lab_options *options, const char *command)
{
	static struct lab_result results[LAB_CONTROLLERS];
	int code = TOOL_OK;
	size_t n = 0;

	while (n < options->n_compare && code == TOOL_OK) {
		code = run_one(*options, options->compare[n], command, &results[n]);
		n += code == TOOL_OK;
	}
	if (code == TOOL_OK && options->plot) {
		const int error = lab_results_plot(options->plot, results, n, options->scenario->name);

		code = error != 0 ? cannot_plot(options, error) : TOOL_OK;
	}
	if (code == TOOL_OK && options->json) {
		lab_results_json(results, n);
	} else if (code == TOOL_OK) {
		print_title(options);
		lab_results_print(results, n);
	}
	for (size_t i = 0; i < n; i++) {
		code = code == TOOL_OK && !results[i].as_expected ? TOOL_NOT_AS_EXPECTED : code;
		plot_done(&results[i].plot);
	}
	return tool_flushed("lab") ? code : TOOL_NOT_AS_EXPECTED;
}

static int run(const struct lab_options *options, const char *command)
{
	static struct lab_world world;
	const char *what;
	char why[WHY];
	int error = lab_world_create(&world, options, command, &what);
	if (error != 0)
		return finish(&world, options, cannot_start(options, what, error));
	lab_world_run(&world);
	const bool as_expected = lab_as_expected(&world, why, sizeof why);
	error = options->plot ? plot(&world, options) : 0;
	if (error != 0)
		return finish(&world, options, cannot_plot(options, error));
	const int code = show(options, &world, as_expected);
	if (code != TOOL_OK)
		return finish(&world, options, code);
	if (!tool_flushed("lab"))
		return finish(&world, options, TOOL_NOT_AS_EXPECTED);
	if (!as_expected)
		return finish(&world, options, tool_failed("lab", "%s: %s", options->scenario->name, why));
	return finish(&world, options, TOOL_OK);
}

/* The command line as a recording keeps it. */
static void join(char command[COMMAND], int n, char *const arguments[])
{
	size_t at = (size_t)snprintf(command, COMMAND, "tern lab");
	for (int i = 0; i < n && at < COMMAND; i++)
		at += (size_t)snprintf(command + at, COMMAND - at, " %s", arguments[i]);
}

int tool_lab(int n, char *const arguments[])
{
	struct lab_options options;
	char error[WHY], command[COMMAND];
	if (!lab_options_parse(&options, n, arguments, error, sizeof error))
		return tool_wrong("lab", "%s", error);
	if (options.help || options.list) {
		if (options.help)
			lab_help(stdout);
		else
			lab_list(stdout, options.language);
		return tool_flushed("lab") ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
	}
	if (options.why != NULL)
		return lab_why(&options);
	join(command, n, arguments);
	return options.n_compare > 0 ? compare(&options, command) : run(&options, command);
}
