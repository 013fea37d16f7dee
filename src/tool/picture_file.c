#include "tool/picture_file.h"

#include "tool/tool.h"

#include <errno.h>
#include <string.h>

int picture_file_svg(const char *command, const char *path, const struct timeline *timeline,
		     const struct ladder_svg_options *options)
{
	FILE *const to = fopen(path, "w");

	if (!to)
		return tool_failed(command, "--svg: cannot write '%s': %s", path, strerror(errno));
	const int  error = ladder_svg_write(to, timeline, options);
	const bool failed = ferror(to) != 0;

	if (fclose(to) != 0 || failed)
		return tool_failed(command, "--svg: cannot write '%s': %s", path, strerror(errno));
	return error == 0 ? TOOL_OK : tool_failed(command, "--svg: %s", tern_strerror(error));
}
