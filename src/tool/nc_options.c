/* tern nc: the command line. */
#include "option/netem.h"
#include "option/units.h"
#include "tool/nc.h"
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum long_option { WATCH = 256, HELP, ECN, SEED };

enum { HIDES_ECN = 1, N_NETEM = NETEM_WORDS - HIDES_ECN }; /* --ecn is TCP's here */

/* Those of the device and for a bad link follow; their ids are above these. */
static const struct option long_options[] = {
	{ "watch", no_argument, NULL, WATCH },
	{ "ecn", required_argument, NULL, ECN },
	{ "seed", required_argument, NULL, SEED },
	{ "help", no_argument, NULL, HELP },
};

enum { N_LONG = sizeof long_options / sizeof long_options[0], N_ALL = N_LONG + DEV_WORDS + N_NETEM };

static const struct option_line device = { .command = "tern nc", .table = { { dev_words, DEV_WORDS } } };
static const struct option_line netem = { .command = "tern nc", .table = { { netem_words, N_NETEM } } };

static void fill_long_options(struct option all[N_ALL + 1])
{
	unsigned n = N_LONG;

	memcpy(all, long_options, sizeof long_options);
	for (unsigned i = 0; i < DEV_WORDS + N_NETEM; i++) {
		const struct option_word *const word = i < DEV_WORDS ? &dev_words[i] : &netem_words[i - DEV_WORDS];
		all[n++] = (struct option){ word->name, word->value != NULL ? required_argument : no_argument, NULL,
					    word->id };
	}
	all[n] = (struct option){ 0 };
}

void nc_help(FILE *to)
{
	fputs("usage: tern nc [OPTION...] HOST PORT\n"
	      "       tern nc [OPTION...] -l PORT\n"
	      "\n"
	      "Standard input and output on one TCP connection of tern's own, through a TUN or TAP device.\n"
	      "\n"
	      "  -l              wait for a connection to PORT\n"
	      "  -N              at the end of input, say so to the peer (FIN), and go on receiving\n"
	      "  -w SECONDS      give up when there is no connection by then\n"
	      "  -v              say on standard error what happens\n"
	      "  --watch         draw the connection on standard error while it lives\n"
	      "  --ecn HOW       off, on, accept (where the peer offers it; the default) or accurate\n"
	      "  --help          this\n"
	      "\n"
	      "The device, and the addresses on it:\n", to);
	line_help(&device, 19, to);
	fputs("\n"
	      "What tern sends can be spoilt, with the words of tc(8):\n"
	      "  --seed N        what chance is drawn from\n", to);
	line_help(&netem, 21, to);
	fputs("\n"
	      "Exit status: 0 both directions ended, 1 the connection broke or there is no device, 2 the command\n"
	      "line is wrong, 128 + signal.\n"
	      "\n"
	      "Examples:\n"
	      "  tern nc -l 7000 &  nc 10.64.64.2 7000\n"
	      "  printf 'GET / HTTP/1.0\\r\\n\\r\\n' | tern nc -N 10.64.64.1 8000\n"
	      "  tern nc --loss 5% --delay 20ms -v 10.64.64.1 8000 < request\n", to);
}

/* ---- the command line ---- */

struct parser {
	struct option_line line;
	struct nc_options *options;
};

static bool take_ecn(const struct parser *parser, const char *text)
{
	static const char *const words[] = {
		[TERN_ECN_OFF] = "off", [TERN_ECN_ON] = "on", [TERN_ECN_ACCEPT] = "accept",
		[TERN_ECN_ACCURATE] = "accurate",
	};

	for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(text, words[i]) == 0) {
			parser->options->ecn = (enum tern_ecn)i;
			return true;
		}
	}
	return line_wrong(&parser->line, "--ecn: '%s' is not off, on, accept or accurate", text);
}

static bool take_impairment(const struct parser *parser, int option, const char *text)
{
	const struct option_word *const word = &netem_words[option - NETEM_FIRST];

	parser->options->impaired = true;
	return netem_take(&parser->line, word, text, &parser->options->impair);
}

static bool take_number(const struct parser *parser, const char *name, uint64_t low, uint64_t high, uint64_t *to)
{
	return units_number(optarg, low, high, to) ||
	       line_wrong(&parser->line, "%s: '%s' is out of range", name, optarg);
}

static bool take_option(const struct parser *parser, int option, const char *word)
{
	struct nc_options *const options = parser->options;
	uint64_t number = 0;
	switch (option) {
	case 'l': options->listen = true; return true;
	case 'N': options->shutdown_at_end = true; return true;
	case 'v': options->verbose = true; return true;
	case 'h':
	case HELP: options->help = true; return true;
	case WATCH: options->watch = true; return true;
	case ECN: return take_ecn(parser, optarg);
	case 'w':
		if (!take_number(parser, "-w", 1, 86400, &number))
			return false;
		options->timeout = (tern_time)number * TERN_SECOND;
		return true;
	case ':': return line_wrong(&parser->line, "%s wants a value (see tern nc --help)", word);
	case '?': return line_wrong(&parser->line, "there is no option '%s' (see tern nc --help)", word);
	case SEED: return take_number(parser, "--seed", 0, UINT64_MAX, &options->impair.seed);
	default:
		return dev_has(option) ? dev_take(&parser->line, option, optarg, &options->dev)
				       : take_impairment(parser, option, optarg);
	}
}

static bool take_words(const struct parser *parser, int n, char *const words[])
{
	struct nc_options *const options = parser->options;
	const int wanted = options->listen ? 1 : 2;
	uint64_t port;
	if (n != wanted)
		return line_wrong(&parser->line, "%s wanted (see tern nc --help)", options->listen ? "-l: one PORT is"
										: "HOST and PORT are");
	if (!units_number(words[n - 1], 1, 65535, &port))
		return line_wrong(&parser->line, "'%s' is not a port (1-65535)", words[n - 1]);
	options->port = (uint16_t)port;
	return options->listen || dev_resolve(&parser->line, words[0], &options->remote);
}

static void fill_in(struct nc_options *options)
{
	options->settle = 0;
	if (options->impaired)
		options->settle = 3 * (options->impair.delay + options->impair.jitter) + 200 * TERN_MILLISECOND;
}

bool nc_options_parse(struct nc_options *options, int n, char *const arguments[], char *why, size_t why_room)
{
	struct parser parser = { .line = netem, .options = options };
	struct option all[N_ALL + 1];
	char **const words = calloc((size_t)n + 2, sizeof *words); /* getopt moves them about, and skips the first */
	bool good = true;

	parser.line.why = why;
	parser.line.room = why_room;
	fill_long_options(all);
	*options = (struct nc_options){ .timeout = TERN_NEVER, .ecn = TERN_ECN_ACCEPT };
	if (words == NULL)
		return line_wrong(&parser.line, "no memory");
	words[0] = (char *)(uintptr_t)"nc";
	for (int i = 0; i < n; i++)
		words[i + 1] = arguments[i];
	optind = 0;
	opterr = 0;
	for (int option; good && !options->help;) {
		const int at = optind > 0 ? optind : 1;
		option = getopt_long(n + 1, words, "+:lNvhw:", all, NULL);
		if (option < 0)
			break;
		good = take_option(&parser, option, words[at < n + 1 ? at : n]);
	}
	if (good && !options->help)
		good = take_words(&parser, n + 1 - optind, words + optind);
	if (good)
		good = dev_settle(&parser.line, &options->dev);
	free(words);
	if (good)
		fill_in(options);
	return good;
}
