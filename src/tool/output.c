/* Files that a command writes. */
#include "tool/tool.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool tool_spares(const char *command, const char *option, const char *output, const char *input)
{
	struct stat to, from;

	if (output == NULL || input == NULL || stat(output, &to) != 0 || !S_ISREG(to.st_mode))
		return true;
	if ((strcmp(input, "-") == 0 ? fstat(STDIN_FILENO, &from) : stat(input, &from)) != 0)
		return true; /* who reads it says so */
	if (to.st_dev != from.st_dev || to.st_ino != from.st_ino)
		return true;
	(void)tool_wrong(command, "%s: '%s' is what is to be read, and would be lost", option, output);
	return false;
}
