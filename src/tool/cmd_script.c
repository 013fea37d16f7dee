/* tern script: plays packet scripts against the stack, in process and in virtual time. */
#include "option/line.h"
#include "script/stage.h"
#include "tool/json_quote.h"
#include "tool/tool.h"
#include <tern/settings.h>
#include <stdio.h>
#include <string.h>

struct command_line {
	struct script_options options;
	const char *const    *files;
	int		      n_files;
	bool		      help, verbose, json;
};

enum option { OPTION_IP_VERSION, OPTION_PROFILE, OPTION_SO, OPTION_STRICT, OPTION_QUIET, OPTION_VERBOSE,
	OPTION_JSON, OPTION_HELP };

static const struct option_word words[] = {
	{ "ip-version", "VERSION", "addresses of the two ends: ipv4 (the default) or ipv6", OPTION_IP_VERSION },
	{ "profile", "NAME", "what a script was written for: linux, freebsd or rfc (else tern's own)", OPTION_PROFILE },
	{ "so-filename", "FILE", "against a shared object made for packetdrill, through its interface", OPTION_SO },
	{ "strict-segments", NULL, "each outbound segment is a line of its own; none are joined", OPTION_STRICT },
	{ "quiet", NULL, "no warnings, nothing that a script prints", OPTION_QUIET },
	{ "verbose", NULL, "names each script that went as it says", OPTION_VERBOSE },
	{ "json", NULL, "a JSON line for each script, and nothing else (as --quiet)", OPTION_JSON },
	{ "help", NULL, "this", OPTION_HELP },
};

static void help(const struct option_line *options)
{
	puts("usage: tern script [OPTION...] FILE...\n"
	     "\n"
	     "Plays packet scripts, in packetdrill's language, against tern's TCP: in this process and in virtual\n"
	     "time, without root and without a device. '-' is standard input.\n");
	line_help(options, 20, stdout);
	puts("\n"
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

static int take(struct command_line *line, const struct option_line *options, const struct option_word *word,
		const char *value)
{
	static const char *const versions[] = { "ipv4", "ipv6", NULL };
	unsigned		 version;

	switch (word->id) {
	case OPTION_IP_VERSION:
		if (!line_choice(options, word, value, versions, &version))
			return tool_wrong("script", "%s", options->why);
		line->options.v6 = version == 1;
		return TOOL_OK;
	case OPTION_PROFILE: return take_profile(line, value);
	case OPTION_SO: line->options.so_filename = value; return TOOL_OK;
	case OPTION_STRICT: line->options.strict_segments = true; return TOOL_OK;
	case OPTION_QUIET: line->options.quiet = true; return TOOL_OK;
	case OPTION_VERBOSE: line->verbose = true; return TOOL_OK;
	case OPTION_JSON: line->json = line->options.quiet = true; return TOOL_OK;
	default: line->help = true; return TOOL_OK;
	}
}

static void print_json(const char *file, int code, const char *error)
{
	static const char *const results[] = { [TOOL_OK] = "as-it-says",
					       [TOOL_NOT_AS_EXPECTED] = "not-as-it-says",
					       [TOOL_USAGE] = "cannot-be-read" };

	fputs("{\"v\":1,\"script\":", stdout);
	json_quote(stdout, file);
	printf(",\"result\":\"%s\",\"error\":", results[code]);
	if (code == TOOL_OK)
		fputs("null", stdout);
	else
		json_quote(stdout, error);
	puts("}");
}

static int play(const struct command_line *line)
{
	int code = TOOL_OK;

	for (int i = 0; i < line->n_files; i++) {
		char	  error[SCRIPT_ERROR];
		const int one = script_run_file(line->files[i], &line->options, error);

		if (line->json)
			print_json(line->files[i], one, error);
		if (one != TOOL_OK)
			fprintf(stderr, "%s\n", error);
		else if (line->verbose && !line->json)
			printf("%s: as it says\n", line->files[i]);
		code = one > code ? one : code;
	}
	return tool_flushed("script") ? code : TOOL_NOT_AS_EXPECTED;
}

int tool_script(int n, char *const arguments[])
{
	struct command_line	 line = { .n_files = 0 };
	char			 why[256];
	const struct option_line options = {
		.command = "tern script",
		.table = { { words, sizeof words / sizeof words[0] } },
		.letter = { { 'h', OPTION_HELP } },
		.why = why,
		.room = sizeof why,
	};
	const struct option_word *word;
	const char		 *value;
	int			  at = 0;

	while (at < n && arguments[at][0] == '-' && arguments[at][1] != '\0') {
		const int took = line_take(&options, n - at, arguments + at, &word, &value);
		const int code = took == 0 ? tool_wrong("script", "%s", why) : take(&line, &options, word, value);

		if (code != TOOL_OK)
			return code;
		at += took;
	}
	if (line.help) {
		help(&options);
		return tool_flushed("script") ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
	}
	line.files = (const char *const *)(arguments + at);
	line.n_files = n - at;
	if (line.n_files == 0)
		return tool_wrong("script", "no script is named (see tern script --help)");
	return play(&line);
}
