/* The command line of `tern replay`. */
#include "option/line.h"
#include "tool/replay.h"
#include <string.h>

enum option {
	OPTION_ALL,
	OPTION_ASCII,
	OPTION_COLOR,
	OPTION_CONN,
	OPTION_EXPLAIN,
	OPTION_HELP,
	OPTION_JSON,
	OPTION_LADDER,
	OPTION_LANG,
	OPTION_MERMAID,
	OPTION_PCAP,
	OPTION_PLAYGROUND,
	OPTION_SVG,
	OPTION_TO,
	OPTION_TRACE,
	OPTION_WIDTH,
};

static const struct option_word known[] = {
	{ "to", "N", "stop after input N; without --ladder and its like: the status of every connection", OPTION_TO },
	{ "trace", NULL, "name each input as it is fed", OPTION_TRACE },
	{ "ladder", NULL, "draw what happened", OPTION_LADDER },
	{ "explain", NULL, "draw it, and say what happened, why, and the clause", OPTION_EXPLAIN },
	{ "json", NULL, "what happened as JSON lines", OPTION_JSON },
	{ "svg", "FILE", "the ladder as a picture", OPTION_SVG },
	{ "mermaid", NULL, "the ladder as a Mermaid sequence diagram", OPTION_MERMAID },
	{ "conn", "N", "draw or list the connection of this number alone", OPTION_CONN },
	{ "pcap", "FILE", "pcapng as captured at the first host (or server:FILE, the second), with comments",
	  OPTION_PCAP },
	{ "playground", "LINK", "run what was shared from the playground (tern report --playground)",
	  OPTION_PLAYGROUND },
	{ "lang", "LANG", "of explanations: en or zh (else by locale)", OPTION_LANG },
	{ "all", NULL, "fold nothing, show every timer", OPTION_ALL },
	{ "ascii", NULL, "draw with ASCII characters alone", OPTION_ASCII },
	{ "color", "WHEN", "auto, always or never", OPTION_COLOR },
	{ "width", "N", "columns of the ladder (72 to 200; else the terminal's)", OPTION_WIDTH },
	{ "help", NULL, "this", OPTION_HELP },
};

static const struct option_line words = {
	.command = "tern replay",
	.table = { { known, sizeof known / sizeof known[0] } },
	.letter = { { 'h', OPTION_HELP } },
};

const char *const replay_host_names[REPLAY_HOSTS] = { "client", "server" };

/* At the first where none is named. */
static bool take_pcap(struct replay_options *options, const struct option_line *line, const struct option_word *word,
		      const char *value)
{
	const char *path = value;
	unsigned    which = 0;

	for (unsigned host = 0; host < REPLAY_HOSTS; host++) {
		const size_t n = strlen(replay_host_names[host]);

		if (strncmp(value, replay_host_names[host], n) == 0 && value[n] == ':') {
			path = value + n + 1;
			which = host;
		}
	}
	if (options->pcap[which] != NULL)
		return line_wrong(line, "--pcap: the %s is captured into '%s' already", replay_host_names[which],
				  options->pcap[which]);
	return line_name(line, word, path, &options->pcap[which]);
}

static bool take(struct replay_options *options, const struct option_line *line, const struct option_word *word,
		 const char *value)
{
	static const char *const languages[] = { "en", "zh", NULL }, *const colours[] = { "auto", "always", "never",
											  NULL };
	unsigned choice;

	switch ((enum option)word->id) {
	case OPTION_ALL: options->all = true; return true;
	case OPTION_ASCII: options->ascii = true; return true;
	case OPTION_COLOR:
		if (!line_choice(line, word, value, colours, &choice))
			return false;
		options->colour = (enum replay_colour)choice;
		return true;
	case OPTION_CONN: return line_u32(line, word, value, 1, UINT32_MAX, &options->conn);
	case OPTION_EXPLAIN: options->explain = true; return true;
	case OPTION_HELP: options->help = true; return true;
	case OPTION_JSON: options->json = true; return true;
	case OPTION_LADDER: options->ladder = true; return true;
	case OPTION_LANG:
		if (!line_choice(line, word, value, languages, &choice))
			return false;
		options->language = (enum explain_language)choice;
		return true;
	case OPTION_MERMAID: options->mermaid = true; return true;
	case OPTION_PCAP: return take_pcap(options, line, word, value);
	case OPTION_PLAYGROUND: return line_name(line, word, value, &options->playground);
	case OPTION_SVG: return line_name(line, word, value, &options->svg);
	case OPTION_TO: return line_number(line, word, value, 1, UINT64_MAX, &options->to);
	case OPTION_TRACE: options->trace = true; return true;
	case OPTION_WIDTH: return line_u32(line, word, value, 72, 200, &options->columns);
	}
	return false;
}

/* What only all of it together can tell. */
static bool fits(const struct replay_options *options, const struct option_line *line)
{
	const bool draws = options->ladder || options->explain;
	const bool has_pcap = options->pcap[0] != NULL || options->pcap[1] != NULL;

	if (options->help)
		return true;
	if (options->json + options->mermaid + draws > 1)
		return line_wrong(line, "--json, --mermaid and --ladder (or --explain) exclude each other");
	if (options->trace && replay_tells(options))
		return line_wrong(line, "--trace names inputs: it goes with neither --ladder nor its like");
	if (options->conn != 0 && !replay_tells(options))
		return line_wrong(line, "--conn names a connection to be told of: with --ladder, --explain, --json, "
					"--svg or --mermaid");
	if (options->playground != NULL && (options->file != NULL || options->to != 0 || options->trace ||
					    options->conn != 0 || has_pcap))
		return line_wrong(line, "--playground takes no FILE, --to, --trace, --conn or --pcap");
	if (options->file == NULL && options->playground == NULL)
		return line_wrong(line, "the FILE to replay is missing (see tern replay --help)");
	return true;
}

bool replay_options_parse(struct replay_options *options, int n, char *const arguments[], char *why, size_t room)
{
	struct option_line line = words;

	line.why = why;
	line.room = room;
	*options = (struct replay_options){ .language = explain_language_by_locale() };
	for (int i = 0; i < n;) {
		const struct option_word *word;
		const char		 *value;

		if (arguments[i][0] != '-' || arguments[i][1] == '\0') {
			if (options->file != NULL)
				return line_wrong(&line, "'%s' is one file too many after '%s'", arguments[i],
						  options->file);
			options->file = arguments[i++];
			continue;
		}
		const int took = line_take(&line, n - i, arguments + i, &word, &value);

		if (took == 0 || !take(options, &line, word, value))
			return false;
		i += took;
	}
	return fits(options, &line);
}

void replay_help(FILE *to)
{
	fputs("usage: tern replay FILE [OPTION...]\n"
	      "       tern replay --playground LINK [OPTION...]\n"
	      "\n"
	      "Makes the recorded hosts again, feeds them every recorded input and compares every byte that they\n"
	      "send with what was sent then. Says 'N inputs, M packets, identical', or names the first difference.\n"
	      "\n", to);
	line_help(&words, 20, to);
	fputs("\n"
	      "LINK is the page's address, what stands behind its #, or @FILE that holds one (@-: standard input).\n"
	      "\n"
	      "Exit status: 0 identical, 1 not or FILE's end is missing, 2 the command line is wrong or FILE damaged.\n"
	      "\n"
	      "Examples:\n"
	      "  tern replay run.tern\n"
	      "  tern replay run.tern --ladder --explain\n"
	      "  tern replay run.tern --to 40\n"
	      "  tern replay web.tern --pcap web.pcapng\n"
	      "  tern replay --playground tern1,0.w.delay.20000,0.s.listen.1,0.c.open --ladder\n", to);
}
