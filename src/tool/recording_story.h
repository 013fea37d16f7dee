/* What happened in a recorded run: replay and report tell it. */
#ifndef TOOL_RECORDING_STORY_H
#define TOOL_RECORDING_STORY_H

#include "watch/timeline.h"

#include <tern/record.h>

struct recording_story {
	struct timeline timeline; /* the first two hosts */
	bool		others;	  /* there are more */
};

/* Up to input `to` (0: the end). As tern_replay(); what it did this time is in the story, even where it differs from
 * what was recorded. recording_story_done() in any case. */
int  recording_story_read(struct recording_story *story, const char *path, uint64_t to,
			  struct tern_replay_result *result);
void recording_story_done(struct recording_story *story);

/* What a run that was had again is short of, said in the command's name ("report"): an exit code. */
int recording_verdict(const char *command, const char *path, const struct tern_replay_result *result);

#endif
