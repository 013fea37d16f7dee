/* What is known of the terminal, and words to it. */
#include "tool/tool.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void say(const char *command, const char *format, va_list arguments)
{
	(void)fflush(stdout); /* what was printed before comes before */
	if (command != NULL)
		fprintf(stderr, "tern: %s: ", command);
	else
		fputs("tern: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
}

int tool_wrong(const char *command, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	say(command, format, arguments);
	va_end(arguments);
	return TOOL_USAGE;
}

int tool_failed(const char *command, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	say(command, format, arguments);
	va_end(arguments);
	return TOOL_NOT_AS_EXPECTED;
}

bool tool_flushed(const char *command)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	(void)tool_failed(command, "cannot write the output: %s", errno != 0 ? strerror(errno) : "error");
	return false;
}

unsigned tool_terminal_columns(void)
{
	struct winsize size;
	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	const char *const columns = getenv("COLUMNS");
	const long n = columns != NULL ? strtol(columns, NULL, 10) : 0;
	return n > 0 && n < 10000 ? (unsigned)n : 0;
}

bool tool_terminal_has_colour(void)
{
	const char *const no = getenv("NO_COLOR"), *const term = getenv("TERM");
	if (no != NULL && *no != '\0')
		return false;
	return isatty(STDOUT_FILENO) && term != NULL && *term != '\0' && strcmp(term, "dumb") != 0;
}

/* "C" and no locale at all say nothing about what the terminal can show, so only a name with another
 * character set counts. */
bool tool_terminal_is_ascii(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *const value = getenv(names[i]);
		if (value == NULL || *value == '\0')
			continue;
		const char *const set = strchr(value, '.');
		return set != NULL && strncasecmp(set + 1, "utf-8", 5) != 0 && strncasecmp(set + 1, "utf8", 4) != 0;
	}
	return false;
}
