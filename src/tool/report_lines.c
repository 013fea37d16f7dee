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
	FILE *const file = fopen(path, "rb");
	static char buffer[1 << 16];
	size_t	    n, all = 0;
	int	    code = TOOL_OK;

	if (!file)
		return tool_wrong("report", "%s: %s", path, strerror(errno));
	while ((n = fread(buffer, 1, sizeof buffer, file)) > 0 && code == TOOL_OK) {
		all += n;
		if (all > LINES_MAX)
			code = tool_failed("report", "%s: more than %d MiB: the rest is not in the page",
					   path, LINES_MAX >> 20);
		report_put(report, buffer, n);
	}
	if (ferror(file))
		code = tool_failed("report", "%s: %s", path, strerror(errno));
	(void)fclose(file);
	report->is_lines = true;
	snprintf(report->own_title, sizeof report->own_title, "%s",
		 strcmp(path, REPORT_INPUT) == 0 ? "tern" : path);
	return code;
}
