/* tern report of JSON lines (tern lab --json, tern gateway --json, tern trace --json): they are the page's
 * events as they stand. Whether each is one is the page's to see; a line that is none is counted there. */
#include "tool/report.h"
#include "tool/tool.h"
#include <errno.h>
#include <string.h>

enum { LINES_MAX = 64 << 20 };

bool report_is_lines(const char *path)
{
	char	    begin[8] = { 0 };
	FILE *const file = fopen(path, "rb");
	bool	    is;

	if (!file)
		return false;
	is = fread(begin, 1, 5, file) == 5 && memcmp(begin, "{\"v\":", 5) == 0;
	(void)fclose(file);
	return is;
}

int report_lines(struct report *report, const char *path)
{
	const bool  is_stdin = strcmp(path, "-") == 0;
	FILE *const file = is_stdin ? stdin : fopen(path, "rb");
	static char buffer[1 << 16];
	size_t	    n, all = 0;
	int	    code = TOOL_OK;

	if (!file)
		return tool_wrong("report", "%s: %s", path, strerror(errno));
	while ((n = fread(buffer, 1, sizeof buffer, file)) > 0 && code == TOOL_OK) {
		if (all == 0 && buffer[0] != '{')
			code = tool_wrong("report", "%s: no JSON lines (a capture has to be a file)", path);
		all += n;
		if (all > LINES_MAX)
			code = tool_failed("report", "%s: more than %d MiB: the rest is not in the page",
					   path, LINES_MAX >> 20);
		report_put(report, buffer, n);
	}
	if (ferror(file))
		code = tool_failed("report", "%s: %s", path, strerror(errno));
	if (!is_stdin)
		(void)fclose(file);
	if (all == 0 && code == TOOL_OK)
		code = tool_wrong("report", "%s: empty", path);
	report->no_ladder = true;
	snprintf(report->own_title, sizeof report->own_title, "%s", is_stdin ? "tern" : path);
	return code;
}
