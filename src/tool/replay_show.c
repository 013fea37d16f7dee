/* tern replay: what happened in the run, in the forms of tern lab. */
#include "tool/picture_file.h"
#include "tool/replay.h"
#include "tool/tool.h"
#include "watch/jsonl.h"
#include "watch/ladder.h"
#include <errno.h>
#include <string.h>

bool replay_tells(const struct replay_options *options)
{
	return options->json || options->ladder || options->explain || options->mermaid || options->svg != NULL;
}

static struct ladder_options ladder_of(const struct replay_options *options)
{
	const unsigned columns = options->columns != 0 ? options->columns : tool_terminal_columns();

	return (struct ladder_options){
		.columns = columns,
		.ascii = options->ascii || tool_terminal_is_ascii(),
		.colour = options->colour == REPLAY_COLOUR_ALWAYS ||
			  (options->colour == REPLAY_COLOUR_AUTO && tool_terminal_has_colour()),
		.all = options->all,
	};
}

static int draw(const struct replay_options *options, const struct timeline *timeline)
{
	const struct ladder_options how = ladder_of(options);
	const int		    error = ladder_write(stdout, timeline, &how);

	if (error != 0)
		return error;
	if (options->explain) {
		fputc('\n', stdout);
		explain_write(stdout, timeline,
			      &(struct explain_options){ options->language, how.columns, how.ascii, how.colour });
	}
	fputc('\n', stdout);
	return 0;
}

int replay_show(const struct replay_options *options, const struct timeline *timeline, const char *title)
{
	const struct ladder_svg_options picture = { .title = title, .all = options->all, .silence = TERN_SECOND };
	int				error = 0;

	if (options->svg != NULL) {
		const int code = picture_file_svg("replay", options->svg, timeline, &picture);

		if (code != TOOL_OK)
			return code;
	}
	if (options->json)
		(void)jsonl_write(stdout, timeline, 0);
	else if (options->mermaid)
		error = mermaid_write(stdout, timeline, &picture);
	else if (options->ladder || options->explain)
		error = draw(options, timeline);
	return error == 0 ? TOOL_OK : tool_failed("replay", "cannot draw: %s", tern_strerror(error));
}
