/* The command line of `tern lab`: one table of options, one function that takes each. */
#include "lab/options.h"
#include "lab/units.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum option {
	OPTION_ALL, OPTION_ASCII, OPTION_BYTES, OPTION_CC, OPTION_COLOR, OPTION_COMPARE,
	OPTION_CORRUPT, OPTION_DELAY, OPTION_DROP,
	OPTION_DUPLICATE, OPTION_EXPLAIN, OPTION_HELP, OPTION_IPV6, OPTION_JITTER, OPTION_JSON, OPTION_LANG,
	OPTION_LIMIT, OPTION_LIST, OPTION_LOSS, OPTION_MTU, OPTION_PLOT, OPTION_RATE, OPTION_RECORD,
	OPTION_REORDER, OPTION_SEED,
	OPTION_WIDTH,
};

/* In the order of --help. value NULL: takes none. */
static const struct {
	const char *name, *value, *help;
	enum option option;
} known[] = {
	{ "list", NULL, "name the scenarios, a line each", OPTION_LIST },
	{ "bytes", "N", "octets that a program sends (0 to 67108864)", OPTION_BYTES },
	{ "seed", "N", "what chance and the hosts' secrets are drawn from; same seed, same run", OPTION_SEED },
	{ "drop", "HOST:N", "lose the N-th packet that HOST (client or server) sends; repeatable", OPTION_DROP },
	{ "mtu", "N", "largest packet of the link in bytes (68 to 65535; 1500)", OPTION_MTU },
	{ "cc", "NAME", "congestion control: cubic (the default), reno", OPTION_CC },
	{ "ipv6", NULL, "the same over IPv6 (fd00::1, fd00::2)", OPTION_IPV6 },
	{ "delay", "TIME", "one way, such as 40ms", OPTION_DELAY },
	{ "jitter", "TIME", "delay varies by as much", OPTION_JITTER },
	{ "loss", "SHARE", "of the packets, such as 3%", OPTION_LOSS },
	{ "duplicate", "SHARE", "that arrives twice", OPTION_DUPLICATE },
	{ "corrupt", "SHARE", "that arrives with a bit flipped", OPTION_CORRUPT },
	{ "reorder", "SHARE", "that arrives late", OPTION_REORDER },
	{ "rate", "RATE", "the bottleneck, such as 10mbit", OPTION_RATE },
	{ "limit", "N", "packets that may wait for it (1 to 65536; 1000)", OPTION_LIMIT },
	{ "json", NULL, "JSON lines, one event each, instead of the ladder", OPTION_JSON },
	{ "explain", NULL, "under the ladder: what happened, why, and the clause", OPTION_EXPLAIN },
	{ "lang", "LANG", "of titles and explanations: en or zh (else by locale)", OPTION_LANG },
	{ "all", NULL, "fold nothing, show every timer", OPTION_ALL },
	{ "ascii", NULL, "draw with ASCII characters alone", OPTION_ASCII },
	{ "color", "WHEN", "auto, always or never", OPTION_COLOR },
	{ "width", "N", "columns of the ladder (72 to 200; else the terminal's)", OPTION_WIDTH },
	{ "record", "FILE", "keep the run, for tern replay", OPTION_RECORD },
	{ "plot", "FILE", "an SVG: sequence numbers, window and round trip over time", OPTION_PLOT },
	{ "compare", "NAME,...", "the same run for each congestion control, in figures", OPTION_COMPARE },
	{ "help", NULL, "this", OPTION_HELP },
};

enum { N_KNOWN = sizeof known / sizeof known[0] };

struct parser {
	struct lab_options *options;
	char		   *error;
	size_t		    size;
	uint32_t	    given; /* 1 << enum option */
	uint64_t	    bytes;
};

static bool wrong(struct parser *parser, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(parser->error, parser->size, format, arguments);
	va_end(arguments);
	return false;
}

static bool bad_value(struct parser *parser, const char *name, const char *value, const char *wanted)
{
	return wrong(parser, "--%s: '%s' is not %s", name, value, wanted);
}

/* ---- --drop ---- */

static bool add_drop(struct lab_options *options, unsigned side, uint64_t n)
{
	uint64_t *const drop = options->drop[side];
	size_t at = options->n_drop[side];
	for (size_t i = 0; i < options->n_drop[side]; i++)
		if (drop[i] == n)
			return true;
	if (at == LAB_DROPS)
		return false;
	for (; at > 0 && drop[at - 1] > n; at--)
		drop[at] = drop[at - 1];
	drop[at] = n;
	options->n_drop[side]++;
	return true;
}

static bool take_drop(struct parser *parser, const char *value)
{
	static const char *const sides[LAB_SIDES] = { "client:", "server:" };
	uint64_t n;
	for (unsigned side = 0; side < LAB_SIDES; side++) {
		if (strncmp(value, sides[side], strlen(sides[side])) != 0)
			continue;
		if (!units_number(value + strlen(sides[side]), 1, UINT32_MAX, &n))
			break;
		if (!add_drop(parser->options, side, n))
			return wrong(parser, "--drop: '%s' is one too many (%d for each host)", value, LAB_DROPS - 1);
		return true;
	}
	return bad_value(parser, "drop", value, "client:N or server:N with N from 1");
}

/* ---- --compare ---- */

static bool take_compare(struct parser *parser, const char *value)
{
	struct lab_options *const options = parser->options;
	const char *const whole = value;

	for (options->n_compare = 0;;) {
		const size_t n = strcspn(value, ",");

		if (n == 0 || n >= sizeof options->compare[0])
			return bad_value(parser, "compare", whole, "a list of congestion controls, such as reno,cubic");
		if (options->n_compare == LAB_CONTROLLERS)
			return wrong(parser, "--compare: more than %d congestion controls", LAB_CONTROLLERS);
		snprintf(options->compare[options->n_compare++], sizeof options->compare[0], "%.*s", (int)n, value);
		if (value[n] == '\0')
			return true;
		value += n + 1;
	}
}

/* ---- values ---- */

static bool take_number(struct parser *parser, unsigned i, const char *value, uint64_t low, uint64_t high,
			uint64_t *to)
{
	if (units_number(value, low, high, to))
		return true;
	if (high == UINT64_MAX)
		return bad_value(parser, known[i].name, value, "a whole number below 2^64");
	return wrong(parser, "--%s: '%s' is not a whole number from %llu to %llu", known[i].name, value,
		     (unsigned long long)low, (unsigned long long)high);
}

static bool take_share(struct parser *parser, unsigned i, const char *value, double *to)
{
	return units_share(value, to) || bad_value(parser, known[i].name, value, "a share from 0% to 100%, such as 3%");
}

static bool take_time(struct parser *parser, unsigned i, const char *value, tern_time *to)
{
	return units_time(value, to) ||
	       bad_value(parser, known[i].name, value, "a time of at most an hour, such as 40ms");
}

static bool take_impairment(struct parser *parser, unsigned i, const char *value)
{
	struct tern_impair *const impair = &parser->options->impair;
	uint64_t n;
	switch (known[i].option) {
	case OPTION_DELAY:
		return take_time(parser, i, value, &impair->delay);
	case OPTION_JITTER:
		return take_time(parser, i, value, &impair->jitter);
	case OPTION_LOSS:
		return take_share(parser, i, value, &impair->loss);
	case OPTION_DUPLICATE:
		return take_share(parser, i, value, &impair->duplicate);
	case OPTION_CORRUPT:
		return take_share(parser, i, value, &impair->corrupt);
	case OPTION_REORDER:
		return take_share(parser, i, value, &impair->reorder);
	case OPTION_RATE:
		return units_rate(value, &impair->rate) ||
		       bad_value(parser, "rate", value, "a rate of at least 8bit, such as 10mbit");
	case OPTION_LIMIT:
		if (!take_number(parser, i, value, 1, 65536, &n))
			return false;
		impair->limit = (uint32_t)n;
		return true;
	default:
		return wrong(parser, "--%s is not understood", known[i].name);
	}
}

static bool take_word(struct parser *parser, unsigned i, const char *value)
{
	struct lab_options *const options = parser->options;
	static const char *const colours[] = { "auto", "always", "never" };
	switch (known[i].option) {
	case OPTION_CC:
		options->cc = value;
		return *value != '\0' || bad_value(parser, "cc", value, "the name of a congestion control");
	case OPTION_COLOR:
		for (unsigned j = 0; j < 3; j++)
			if (strcmp(value, colours[j]) == 0) {
				options->colour = (enum lab_colour)j;
				return true;
			}
		return bad_value(parser, "color", value, "auto, always or never");
	case OPTION_COMPARE:
		return take_compare(parser, value);
	case OPTION_DROP:
		return take_drop(parser, value);
	case OPTION_LANG:
		return explain_language_by_name(value, &options->language) ||
		       bad_value(parser, "lang", value, "en or zh");
	case OPTION_PLOT:
		options->plot = value;
		return *value != '\0' || bad_value(parser, "plot", value, "the name of a file");
	case OPTION_RECORD:
		options->record = value;
		return *value != '\0' || bad_value(parser, "record", value, "the name of a file");
	default:
		return take_impairment(parser, i, value);
	}
}

static bool take_value(struct parser *parser, unsigned i, const char *value)
{
	struct lab_options *const options = parser->options;
	uint64_t n;
	switch (known[i].option) {
	case OPTION_BYTES:
		return take_number(parser, i, value, 0, 64 << 20, &parser->bytes);
	case OPTION_SEED:
		return take_number(parser, i, value, 0, UINT64_MAX, &options->seed);
	case OPTION_MTU:
		if (!take_number(parser, i, value, 68, 65535, &n))
			return false;
		options->mtu = (uint32_t)n;
		return true;
	case OPTION_WIDTH:
		if (!take_number(parser, i, value, 72, 200, &n))
			return false;
		options->columns = (unsigned)n;
		return true;
	default:
		return take_word(parser, i, value);
	}
}

static void take_switch(struct lab_options *options, enum option option)
{
	switch (option) {
	case OPTION_ALL:
		options->all = true;
		return;
	case OPTION_ASCII:
		options->ascii = true;
		return;
	case OPTION_EXPLAIN:
		options->explain = true;
		return;
	case OPTION_HELP:
		options->help = true;
		return;
	case OPTION_IPV6:
		options->ipv6 = true;
		return;
	case OPTION_JSON:
		options->json = true;
		return;
	case OPTION_LIST:
		options->list = true;
		return;
	default:
		return;
	}
}

/* ---- the whole ---- */

static int find_option(const char *name, size_t n)
{
	for (int i = 0; i < N_KNOWN; i++)
		if (strlen(known[i].name) == n && memcmp(known[i].name, name, n) == 0)
			return i;
	return -1;
}

/* arguments[*at] begins with "--". */
static bool take_option(struct parser *parser, int n, char *const arguments[], int *at)
{
	const char *const name = arguments[*at] + 2;
	const char *const equals = strchr(name, '=');
	const size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
	const int found = find_option(name, length);
	if (found < 0)
		return wrong(parser, "there is no option '%s' (see tern lab --help)", arguments[*at]);
	parser->given |= UINT32_C(1) << known[found].option;
	if (known[found].value == NULL) {
		if (equals != NULL)
			return wrong(parser, "--%s takes no value ('%s')", known[found].name, equals + 1);
		take_switch(parser->options, known[found].option);
		return true;
	}
	if (equals != NULL)
		return take_value(parser, (unsigned)found, equals + 1);
	if (*at + 1 >= n)
		return wrong(parser, "--%s wants a value (%s)", known[found].name, known[found].value);
	return take_value(parser, (unsigned)found, arguments[++*at]);
}

static bool is_given(const struct parser *parser, enum option option)
{
	return (parser->given >> option & 1) != 0;
}

/* What the scenario sets where the command line does not, and what only both together can tell. */
static bool complete(struct parser *parser)
{
	struct lab_options *const options = parser->options;
	if (options->scenario == NULL)
		options->scenario = lab_scenarios[0];
	const struct lab_scenario *const scenario = options->scenario;
	options->bytes = is_given(parser, OPTION_BYTES) ? (uint32_t)parser->bytes
							: scenario->bytes != 0 ? scenario->bytes : 600;
	if (!is_given(parser, OPTION_DELAY))
		options->impair.delay = scenario->delay != 0 ? scenario->delay : 10 * TERN_MILLISECOND;
	if (!is_given(parser, OPTION_RATE))
		options->impair.rate = scenario->rate;
	if (!is_given(parser, OPTION_LIMIT) && scenario->limit != 0)
		options->impair.limit = scenario->limit;
	if (options->cc == NULL && options->n_compare == 0)
		options->cc = scenario->cc;
	if (!is_given(parser, OPTION_REORDER)) {
		options->impair.reorder = scenario->reorder;
		options->impair.reorder_by = scenario->reorder_by;
	}
	for (unsigned side = 0; side < LAB_SIDES; side++)
		for (unsigned i = 0; i < LAB_SCENARIO_DROPS; i++)
			if (scenario->drop[side][i] != 0)
				(void)add_drop(options, side, scenario->drop[side][i]);
	if (options->ipv6 && options->mtu < 1280)
		return wrong(parser, "--mtu: %u is less than IPv6's least, 1280", options->mtu);
	if (options->n_compare > 0 && (options->explain || options->record != NULL || options->cc != NULL))
		return wrong(parser, "--compare goes with neither --cc nor --explain nor --record");
	if (options->json && options->explain)
		return wrong(parser, "--json and --explain exclude each other");
	return true;
}

static enum explain_language language_by_locale(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *const value = getenv(names[i]);
		if (value != NULL && *value != '\0')
			return strncmp(value, "zh", 2) == 0 ? EXPLAIN_ZH : EXPLAIN_EN;
	}
	return EXPLAIN_EN;
}

bool lab_options_parse(struct lab_options *options, int n, char *const arguments[], char *error, size_t size)
{
	*options = (struct lab_options){ .seed = 1, .mtu = 1500, .language = language_by_locale() };
	struct parser parser = { .options = options, .error = error, .size = size };
	for (int i = 0; i < n; i++) {
		const char *const argument = arguments[i];
		if (strncmp(argument, "--", 2) == 0 && argument[2] != '\0') {
			if (!take_option(&parser, n, arguments, &i))
				return false;
		} else if (strcmp(argument, "-h") == 0) {
			options->help = true;
		} else if (argument[0] == '-') {
			return wrong(&parser, "there is no option '%s' (see tern lab --help)", argument);
		} else if (options->scenario != NULL) {
			return wrong(&parser, "'%s' is one scenario too many after '%s'", argument,
				     options->scenario->name);
		} else {
			options->scenario = lab_scenario_by_name(argument);
			if (options->scenario == NULL)
				return wrong(&parser, "there is no scenario '%s' (see tern lab --list)", argument);
		}
	}
	return complete(&parser);
}

/* ---- what is printed ---- */

void lab_help(FILE *to)
{
	fputs("usage: tern lab [SCENARIO] [OPTION...]\n"
	      "\n"
	      "Runs two hosts, client 10.0.0.1 and server 10.0.0.2, over one link in virtual time, and draws what\n"
	      "they say to each other. SCENARIO is one of those that --list names; 'connection' where none is given.\n"
	      "\n", to);
	for (unsigned i = 0; i < N_KNOWN; i++) {
		char left[32];
		snprintf(left, sizeof left, "--%s %s", known[i].name, known[i].value != NULL ? known[i].value : "");
		fprintf(to, "  %-20s  %s\n", left, known[i].help);
	}
	fputs("\n"
	      "Exit status: 0 the scenario went as it is meant to, 1 it did not, 2 the command line is wrong.\n"
	      "\n"
	      "Examples:\n"
	      "  tern lab                                     the seven segments of a connection\n"
	      "  tern lab lost-last-ack --explain             segment 7 is lost: what TIME-WAIT is for\n"
	      "  tern lab retransmission --bytes 100000 --loss 3% --delay 40ms --seed 7 --json\n", to);
}

void lab_list(FILE *to, enum explain_language language)
{
	for (size_t i = 0; lab_scenarios[i] != NULL; i++)
		fprintf(to, "%-20s  %s\n", lab_scenarios[i]->name, lab_scenarios[i]->line[language]);
}
