/* tern script: plays packet scripts against the stack, in process and in virtual time. */
#include "script/stage.h"
#include "tool/tool.h"
#include <tern/settings.h>
#include <stdio.h>
#include <string.h>

struct command_line {
	struct script_options options;
	const char *const    *files;
	int		      n_files;
	bool		      help, verbose;
};

static void help(void)
{
	puts("usage: tern script [OPTION...] FILE...\n"
	     "\n"
	     "Plays packet scripts, in packetdrill's language, against tern's TCP: in this process and in virtual\n"
	     "time, without root and without a device. '-' is standard input.\n"
	     "\n"
	     "  --ip-version=ipv4|ipv6  addresses of the two ends (ipv4)\n"
	     "  --profile NAME          what a script was written for: linux, freebsd or rfc (else tern's own)\n"
	     "  --so-filename FILE      against a shared object made for packetdrill, through its interface\n"
	     "  --strict-segments       each outbound segment is a line of its own; none are joined\n"
	     "  --quiet                 no warnings, nothing that a script prints\n"
	     "  --verbose               names each script that went as it says\n"
	     "  --help                  this\n"
	     "\n"
	     "Exit status: 0 all went as they say, 1 one did not, 2 the command line or a script cannot be read.\n"
	     "\n"
	     "Examples:\n"
	     "  tern script tests/script/open/active.pkt\n"
	     "  tern script --ip-version=ipv6 tests/script/open/*.pkt\n"
	     "  tern script --profile rfc --verbose tests/script/open/*.pkt");
}

static int take_profile(struct command_line *line, const char *name)
{
	struct tern_config config = { .n_controllers = 0 };
	char		   error[TERN_SETTING_ERROR];

	line->options.profile = name;
	return tern_profile_set(&config, name, error) == 0 ? TOOL_OK : tool_wrong("script", "--profile: %s", error);
}

static bool take_version(struct command_line *line, const char *name)
{
	line->options.v6 = strcmp(name, "ipv6") == 0;
	return line->options.v6 || strcmp(name, "ipv4") == 0;
}

/* The value of --name=value or --name value. NULL: another option, or (*missing) none. */
static const char *value_of(const char *name, int n, char *const arguments[], int *at, bool *missing)
{
	const size_t length = strlen(name);

	if (strncmp(arguments[*at], name, length) != 0)
		return NULL;
	if (arguments[*at][length] == '=')
		return arguments[*at] + length + 1;
	if (arguments[*at][length] != '\0')
		return NULL;
	*missing = *at + 1 == n;
	return *missing ? NULL : arguments[++*at];
}

static int parse_option(struct command_line *line, int n, char *const arguments[], int *at)
{
	const char *const argument = arguments[*at];
	bool		  missing = false;
	const char	 *value;

	if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)
		line->help = true;
	else if (strcmp(argument, "--strict-segments") == 0)
		line->options.strict_segments = true;
	else if (strcmp(argument, "--quiet") == 0)
		line->options.quiet = true;
	else if (strcmp(argument, "--verbose") == 0)
		line->verbose = true;
	else if ((value = value_of("--profile", n, arguments, at, &missing)) != NULL)
		return take_profile(line, value);
	else if ((value = value_of("--ip-version", n, arguments, at, &missing)) != NULL)
		return take_version(line, value)
			       ? TOOL_OK
			       : tool_wrong("script", "--ip-version: '%s' is not ipv4 or ipv6", value);
	else if ((value = value_of("--so-filename", n, arguments, at, &missing)) != NULL)
		line->options.so_filename = value;
	else if (missing)
		return tool_wrong("script", "%s wants a value", argument);
	else
		return tool_wrong("script", "there is no option '%s' (see tern script --help)", argument);
	return TOOL_OK;
}

static int play(const struct command_line *line)
{
	int code = TOOL_OK;

	for (int i = 0; i < line->n_files; i++) {
		char	  error[SCRIPT_ERROR];
		const int one = script_run_file(line->files[i], &line->options, error);

		if (one != TOOL_OK)
			fprintf(stderr, "%s\n", error);
		else if (line->verbose)
			printf("%s: as it says\n", line->files[i]);
		code = one > code ? one : code;
	}
	return tool_flushed("script") ? code : TOOL_NOT_AS_EXPECTED;
}

int tool_script(int n, char *const arguments[])
{
	struct command_line line = { .n_files = 0 };
	int		    at = 0;

	for (; at < n && arguments[at][0] == '-' && arguments[at][1] != '\0'; at++) {
		const int code = parse_option(&line, n, arguments, &at);

		if (code != TOOL_OK)
			return code;
	}
	if (line.help) {
		help();
		return tool_flushed("script") ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
	}
	line.files = (const char *const *)(arguments + at);
	line.n_files = n - at;
	if (line.n_files == 0)
		return tool_wrong("script", "no script is named (see tern script --help)");
	return play(&line);
}
