/* tern replay --playground: a run that somebody shared from the page, once more. */
#include "play/play.h"
#include "tool/replay_playground.h"
#include "tool/replay.h"
#include "tool/tool.h"
#include "watch/jsonl.h"

#include <tern/loop.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS = 4096 }; /* of the page, before the share's # */

/* The link itself, or what stands in the file that "@FILE" names ("@-": standard input). Not NULL: it was said. */
static const char *read_link(const char *link, char *to, size_t size, size_t *n, int *code)
{
	if (link[0] != '@') {
		*n = strlen(link);
		return link;
	}
	const bool is_input = strcmp(link, "@-") == 0;
	FILE *const file = is_input ? stdin : fopen(link + 1, "re");
	if (file == NULL) {
		*code = tool_wrong("replay", "--playground: cannot read '%s': %s", link + 1, strerror(errno));
		return NULL;
	}
	*n = fread(to, 1, size, file);
	const bool failed = ferror(file) != 0;
	if (!is_input)
		(void)fclose(file);
	if (failed)
		*code = tool_failed("replay", "--playground: cannot read '%s'", link + 1);
	return failed ? NULL : to;
}

/* What was dropped by hand, for a ladder: it shows where a segment ended up. */
static void draw_touches(struct play *play)
{
	struct timeline *const timeline = &play->timeline;

	for (size_t i = 0; i < play->n_touches; i++)
		for (size_t k = play->touches[i].line; k-- > 0;) {
			struct timeline_line *const line = &timeline->lines[k];
			if (line->kind != TIMELINE_SENT || line->n != play->touches[i].n)
				continue;
			line->arrives = play->touches[i].arrives;
			if (play->touches[i].verb == PLAY_DROP)
				line->fate = TERN_FATE_DROPPED;
			break;
		}
}

static int show(struct play *play, const struct replay_options *how)
{
	static char text[64 * JSONL_LINE];

	if (how->json) {
		for (size_t n = play_lines(play, text, sizeof text); n > 0; n = play_lines(play, text, sizeof text))
			(void)fwrite(text, 1, n, stdout);
		return TOOL_OK;
	}
	if (!replay_tells(how))
		return TOOL_OK;
	draw_touches(play);
	return replay_show(how, &play->timeline, "tern replay --playground");
}

static int finish(const struct play *play, const struct replay_options *how)
{
	FILE *const to = how->json || how->mermaid ? stderr : stdout;
	const char *said = play->share.has_sum ? "not reached" : "not compared: the link has no sum";

	if (play->check == PLAY_IDENTICAL)
		said = "identical";
	if (play->check == PLAY_DIFFERENT)
		said = "not identical: another version of tern made the link, or it was changed";
	fprintf(to, "%zu actions, %" PRIu64 " packets, %s\n", play->done, play->packets, said);
	if (play->problem != NULL && play->check != PLAY_IDENTICAL)
		(void)tool_failed("replay", "the run stopped at %.6f s: %s", (double)play->now / 1e9, play->problem);
	if (!tool_flushed("replay"))
		return TOOL_NOT_AS_EXPECTED;
	return play->check == PLAY_IDENTICAL || !play->share.has_sum ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
}

static int replay(const struct play_share *share, const struct replay_options *how)
{
	struct play *const play = malloc(sizeof *play);
	int code = TOOL_NOT_AS_EXPECTED;

	if (play == NULL || play_create(play, share, tern_allocator_default()) != 0) {
		free(play);
		return tool_failed("replay", "no memory");
	}
	if (share->has_to)
		play_run(play, share->to);
	else
		while (play_next(play) != TERN_NEVER)
			play_run(play, play_next(play));
	code = show(play, how);
	if (code == TOOL_OK)
		code = finish(play, how);
	play_destroy(play);
	free(play);
	return code;
}

int replay_playground(const struct replay_options *how)
{
	static char text[PLAY_TEXT + ADDRESS];
	struct play_share *const share = malloc(sizeof *share);
	size_t n = 0, at;
	int code = TOOL_NOT_AS_EXPECTED;

	if (share == NULL)
		return tool_failed("replay", "no memory");
	const char *const link = read_link(how->playground, text, sizeof text, &n, &code);
	if (link != NULL) {
		const char *const wrong = play_share_read(share, link, n, &at);
		code = wrong != NULL ? tool_wrong("replay", "--playground: at character %zu: %s", at + 1, wrong)
				     : replay(share, how);
	}
	free(share);
	return code;
}
