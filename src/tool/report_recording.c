/* tern report of a recording. */
#include "record/format.h"
#include "tool/recording_story.h"
#include "tool/report.h"
#include "tool/tool.h"
#include <string.h>
#include <tern/record.h>

bool report_is_recording(const char *path)
{
	char	    magic[RECORD_MAGIC] = { 0 };
	FILE *const file = fopen(path, "rb");

	if (!file)
		return false;
	const bool whole = fread(magic, 1, sizeof magic, file) == sizeof magic;

	(void)fclose(file);
	return whole && memcmp(magic, record_magic, sizeof magic) == 0;
}

static int tell(struct report *report, const struct recording_story *story, const char *path,
		const struct tern_replay_result *result)
{
	if (story->others)
		return tool_failed("report", "%s: more than two hosts: a page shows two", path);
	snprintf(report->own_title, sizeof report->own_title, "%s", result->command[0] ? result->command : path);
	const int error = report_tell(report, &(struct report_telling){ &story->timeline, NULL, NULL });

	if (error != 0)
		return tool_failed("report", "%s: cannot be drawn: %s", path, tern_strerror(error));
	return recording_verdict("report", path, result);
}

int report_recording(struct report *report, const char *path)
{
	static struct tern_replay_result result;
	struct recording_story		 story;
	const int			 error = recording_story_read(&story, path, 0, &result);
	int				 code;

	report->source = "record";
	if (error == -TERN_ENOMEM)
		code = tool_failed("report", "%s: no memory", path);
	else
		code = error != 0 ? tool_wrong("report", "%s: %s", path, result.message)
				  : tell(report, &story, path, &result);
	recording_story_done(&story);
	return code;
}
