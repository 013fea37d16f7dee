/* tern gateway: reads the command line, and hands over. */
#include "gateway/gateway.h"
#include "tool/gateway_options.h"
#include "tool/tool.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { CALLED = 1024 };

/* The drawing goes to standard error: what that is decides how it looks, where the command line does not. */
static void fit_to_terminal(struct gateway_options *options)
{
	struct winsize size;
	const char *const no = getenv("NO_COLOR"), *const term = getenv("TERM");
	const bool is_terminal = isatty(STDERR_FILENO) != 0;
	if (options->columns == 0 && is_terminal && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0)
		options->columns = size.ws_col;
	options->ascii = options->ascii || tool_terminal_is_ascii();
	if (options->colour == GATEWAY_COLOUR_AUTO && is_terminal && (no == NULL || *no == '\0') && term != NULL &&
	    *term != '\0' && strcmp(term, "dumb") != 0)
		options->colour = GATEWAY_COLOUR_ALWAYS;
}

static void join(char called[CALLED], int n, char *const arguments[])
{
	size_t at = (size_t)snprintf(called, CALLED, "tern gateway");
	for (int i = 0; i < n && at < CALLED; i++)
		at += (size_t)snprintf(called + at, CALLED - at, " %s", arguments[i]);
}

int tool_gateway(int n, char *const arguments[])
{
	static struct gateway_options options;
	static char called[CALLED];
	char error[GATEWAY_ERROR];
	if (!gateway_options_parse(&options, n, arguments, error, sizeof error))
		return tool_wrong("gateway", "%s", error);
	if (options.help) {
		gateway_help(stdout);
		return tool_flushed("gateway") ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
	}
	join(called, n, arguments);
	options.called = called;
	fit_to_terminal(&options);
	return gateway_run(&options);
}
