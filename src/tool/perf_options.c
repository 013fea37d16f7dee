/* tern perf: the command line. The letters and words are iperf3's, where it has them. */
#include "option/netem.h"
#include "option/units.h"
#include "tool/perf_options.h"
#include <stdlib.h>
#include <string.h>

enum option {
	OPTION_CLIENT, OPTION_SERVER, OPTION_PORT, OPTION_TIME, OPTION_BYTES, OPTION_PARALLEL, OPTION_REVERSE,
	OPTION_BIDIR, OPTION_JSON, OPTION_INTERVAL, OPTION_LENGTH, OPTION_OMIT, OPTION_BITRATE, OPTION_CONGESTION,
	OPTION_MSS, OPTION_NODELAY, OPTION_WINDOW, OPTION_ZEROCOPY, OPTION_ONE_OFF, OPTION_TIMEOUT, OPTION_SEED,
	OPTION_HELP,
};

enum {
	TIME = 10, /* seconds */
	TIME_MOST = 86400,
	OMIT_MOST = 600,
	MSS_LEAST = 64,
	MSS_MOST = 65495,
	WINDOW_LEAST = 1 << 12,
	WINDOW_MOST = 512 << 20,
};

static const struct option_word known[] = {
	{ "client", "HOST", "test against the server there (tern perf -s, or iperf3 -s)", OPTION_CLIENT },
	{ "server", NULL, "serve tests, one after another (of tern perf -c, or iperf3 -c)", OPTION_SERVER },
	{ "port", "N", "the server's (5201)", OPTION_PORT },
	{ "time", "SECONDS", "of the test (10)", OPTION_TIME },
	{ "bytes", "N", "instead: as many bytes, over all streams (64M)", OPTION_BYTES },
	{ "parallel", "N", "streams, up to 128", OPTION_PARALLEL },
	{ "reverse", NULL, "the server sends", OPTION_REVERSE },
	{ "bidir", NULL, "both send", OPTION_BIDIR },
	{ "json", NULL, "the report as JSON, as iperf3 has it", OPTION_JSON },
	{ "interval", "SECONDS", "between lines, 0.1 to 60; 0: none (1)", OPTION_INTERVAL },
	{ "length", "N", "bytes given to one call (128K)", OPTION_LENGTH },
	{ "omit", "SECONDS", "at the beginning that do not count", OPTION_OMIT },
	{ "bitrate", "RATE", "paced to so many bits per second, each stream (200M)", OPTION_BITRATE },
	{ "congestion", "NAME", "the senders' congestion control", OPTION_CONGESTION },
	{ "set-mss", "N", "the largest segment's text", OPTION_MSS },
	{ "no-delay", NULL, "no Nagle", OPTION_NODELAY },
	{ "window", "N", "bytes of the buffers, which then do not grow", OPTION_WINDOW },
	{ "zerocopy", NULL, "tern sends from, and leaves, the text where it lies", OPTION_ZEROCOPY },
	{ "one-off", NULL, "the server ends after one test", OPTION_ONE_OFF },
	{ "connect-timeout", "MS", "for a server that does not answer (30000)", OPTION_TIMEOUT },
	{ "seed", "N", "of what spoils the link: what chance is drawn from", OPTION_SEED },
	{ "help", NULL, "this", OPTION_HELP },
};

enum { N_KNOWN = sizeof known / sizeof known[0] };

static const struct option_line words = {
	.command = "tern perf",
	.table = { { known, N_KNOWN }, { dev_words, DEV_WORDS }, { netem_words, NETEM_WORDS } },
	.letter = {
		{ 'c', OPTION_CLIENT }, { 's', OPTION_SERVER }, { 'p', OPTION_PORT }, { 't', OPTION_TIME },
		{ 'n', OPTION_BYTES }, { 'P', OPTION_PARALLEL }, { 'R', OPTION_REVERSE }, { 'J', OPTION_JSON },
		{ 'i', OPTION_INTERVAL }, { 'l', OPTION_LENGTH }, { 'O', OPTION_OMIT }, { 'b', OPTION_BITRATE },
		{ 'C', OPTION_CONGESTION }, { 'M', OPTION_MSS }, { 'N', OPTION_NODELAY }, { 'w', OPTION_WINDOW },
		{ 'Z', OPTION_ZEROCOPY }, { '1', OPTION_ONE_OFF }, { 'h', OPTION_HELP },
	},
};

struct parser {
	struct option_line   line;
	struct perf_options *options;
	bool		     has_time, has_client;
	const char	    *of_client; /* an option that is for a client alone */
};

/* ---- values ---- */

/* "0.5": seconds, as iperf3 has them. */
static bool take_interval(const struct parser *parser, const struct option_word *word, const char *value)
{
	char *end;
	const double seconds = strtod(value, &end);

	if (*value < '0' || *value > '9' || *end != '\0' || (seconds != 0 && (seconds < 0.1 || seconds > 60)))
		return line_not(&parser->line, word, value, "a number of seconds from 0.1 to 60, or 0");
	parser->options->settings.interval = (tern_time)(seconds * 1e9);
	return true;
}

/* "10M": bits per second, by 1000; "10mbit" too, as tc(8) has it. */
static bool take_bitrate(const struct parser *parser, const struct option_word *word, const char *value)
{
	static const char prefixes[] = "KMGT";
	uint64_t bytes;
	char *end;
	double bits = strtod(value, &end);
	const char *const at = *end != '\0' ? strchr(prefixes, *end & ~0x20) : NULL;

	if (*value >= '0' && *value <= '9' && (*end == '\0' || (at != NULL && end[1] == '\0'))) {
		for (const char *each = prefixes; at != NULL && each <= at; each++)
			bits *= 1000;
		if (bits >= 8 && bits < 1e15) {
			parser->options->test.rate = (uint64_t)bits;
			return true;
		}
	} else if (units_rate(value, &bytes)) {
		parser->options->test.rate = bytes * 8;
		return true;
	}
	return line_not(&parser->line, word, value, "a rate, such as 200M or 10mbit");
}

static bool take_controller(const struct parser *parser, const struct option_word *word, const char *value)
{
	char *const to = parser->options->test.controller;

	if (*value == '\0' || strlen(value) >= sizeof parser->options->test.controller)
		return line_not(&parser->line, word, value, "the name of a congestion control");
	memcpy(to, value, strlen(value) + 1);
	return true;
}

static bool take_port(const struct parser *parser, const struct option_word *word, const char *value)
{
	uint32_t port;

	if (!line_u32(&parser->line, word, value, 1, 65535, &port))
		return false;
	parser->options->settings.port = (uint16_t)port;
	return true;
}

static bool take_timeout(const struct parser *parser, const struct option_word *word, const char *value)
{
	uint32_t ms;

	if (!line_u32(&parser->line, word, value, 1, 3600000, &ms))
		return false;
	parser->options->settings.connect_timeout = ms * TERN_MILLISECOND;
	return true;
}

static bool take_length(const struct parser *parser, const struct option_word *word, const char *value, uint32_t least,
			uint32_t most, uint32_t *to)
{
	uint64_t n;

	if (!line_bytes(&parser->line, word, value, least, most, &n))
		return false;
	*to = (uint32_t)n;
	return true;
}

/* What the server is told by the client. */
static bool take_test(struct parser *parser, const struct option_word *word, const char *value)
{
	const struct option_line *const line = &parser->line;
	struct perf_test *const test = &parser->options->test;

	parser->of_client = word->name;
	switch (word->id) {
	case OPTION_TIME:
		parser->has_time = true;
		return line_u32(line, word, value, 1, TIME_MOST, &test->time);
	case OPTION_BYTES: return line_bytes(line, word, value, 1, UINT64_C(1) << 60, &test->bytes);
	case OPTION_PARALLEL: return line_u32(line, word, value, 1, PERF_PARALLEL, &test->parallel);
	case OPTION_REVERSE: test->reverse = true; return true;
	case OPTION_BIDIR: test->bidirectional = true; return true;
	case OPTION_LENGTH: return take_length(parser, word, value, 1, PERF_BLOCK_MOST, &test->block);
	case OPTION_OMIT: return line_u32(line, word, value, 0, OMIT_MOST, &test->omit);
	case OPTION_BITRATE: return take_bitrate(parser, word, value);
	case OPTION_CONGESTION: return take_controller(parser, word, value);
	case OPTION_MSS: return line_u32(line, word, value, MSS_LEAST, MSS_MOST, &test->mss);
	case OPTION_NODELAY: test->nodelay = true; return true;
	default: return take_length(parser, word, value, WINDOW_LEAST, WINDOW_MOST, &test->window);
	}
}

static bool take_value(struct parser *parser, const struct option_word *word, const char *value)
{
	struct perf_options *const options = parser->options;
	struct perf_settings *const settings = &options->settings;

	if (dev_has(word->id))
		return dev_take(&parser->line, word->id, value, &options->dev);
	if (netem_has(word)) {
		options->impaired = true;
		return netem_take(&parser->line, word, value, &options->impair);
	}
	switch (word->id) {
	case OPTION_CLIENT:
		parser->has_client = true;
		return line_name(&parser->line, word, value, &settings->host);
	case OPTION_SERVER: settings->server = true; return true;
	case OPTION_PORT: return take_port(parser, word, value);
	case OPTION_JSON: settings->json = true; return true;
	case OPTION_INTERVAL: return take_interval(parser, word, value);
	case OPTION_ZEROCOPY: settings->zerocopy = true; return true;
	case OPTION_ONE_OFF: settings->one_off = true; return true;
	case OPTION_TIMEOUT: return take_timeout(parser, word, value);
	case OPTION_SEED: return line_number(&parser->line, word, value, 0, UINT64_MAX, &options->impair.seed);
	case OPTION_HELP: options->help = true; return true;
	default: return take_test(parser, word, value);
	}
}

/* ---- the line ---- */

static bool go_together(const struct parser *parser)
{
	struct perf_options *const options = parser->options;
	struct perf_test *const test = &options->test;
	const struct option_line *const line = &parser->line;

	if (options->settings.server == parser->has_client)
		return line_wrong(line, "either -c HOST or -s is wanted (see tern perf --help)");
	if (options->settings.server && parser->of_client != NULL)
		return line_wrong(line, "--%s is the client's to say", parser->of_client);
	if (!options->settings.server && options->settings.one_off)
		return line_wrong(line, "--one-off is the server's");
	if (test->reverse && test->bidirectional)
		return line_wrong(line, "--reverse and --bidir do not go together");
	if (parser->has_time && test->bytes != 0)
		return line_wrong(line, "--time and --bytes do not go together");
	if (test->bytes != 0)
		test->time = 0;
	return dev_settle(line, &options->dev) &&
	       (options->settings.server || dev_resolve(line, options->settings.host, &options->settings.remote));
}

bool perf_options_parse(struct perf_options *options, int n, char *const arguments[], char *why, size_t why_room)
{
	struct parser parser = { .line = words, .options = options };

	parser.line.why = why;
	parser.line.room = why_room;
	*options = (struct perf_options){
		.settings = { .port = PERF_PORT, .interval = TERN_SECOND, .connect_timeout = PERF_PATIENCE },
		.test = { .time = TIME, .parallel = 1, .block = PERF_BLOCK },
	};
	for (int i = 0; i < n && !options->help;) {
		const struct option_word *word;
		const char *value;
		if (arguments[i][0] != '-')
			return line_wrong(&parser.line, "'%s' is one argument too many (see tern perf --help)",
					  arguments[i]);
		const int took = line_take(&parser.line, n - i, arguments + i, &word, &value);
		if (took == 0 || !take_value(&parser, word, value))
			return false;
		i += took;
	}
	return options->help || go_together(&parser);
}

void perf_help(FILE *to)
{
	fputs("usage: tern perf -c HOST [OPTION...]\n"
	      "       tern perf -s [OPTION...]\n"
	      "\n"
	      "How fast tern's TCP is over a device, against another tern perf or iperf3, whose protocol it speaks\n"
	      "and whose options, lines and JSON it has. What a test is like, the client says.\n"
	      "\n", to);
	line_help(&words, 25, to);
	fputs("\n"
	      "The last ones spoil what tern sends, with the words of tc(8). Without --dev and --address tern is\n"
	      "10.64.64.2 and fd64::2, this machine 10.64.64.1 and fd64::1.\n"
	      "\n"
	      "Exit status: 0 the test was done, 1 it was not, or there is no device, 2 the command line is wrong,\n"
	      "128 + signal.\n"
	      "\n"
	      "Examples:\n"
	      "  iperf3 -s &  tern perf -c 10.64.64.1 -t 5\n"
	      "  tern perf -s &  iperf3 -c 10.64.64.2 -P 4 -R\n"
	      "  tern perf -c 10.0.0.1 --dev packet:veth1 --address 10.0.0.2/24 --bidir -J\n", to);
}
