/* The command line of `tern lab`: its own words beside those for a bad link. */
#include "lab/options.h"
#include "lab/world.h"
#include "option/netem.h"
#include "option/units.h"
#include <stdlib.h>
#include <string.h>

enum option {
	OPTION_ALL, OPTION_ASCII, OPTION_BYTES, OPTION_CC, OPTION_COLOR, OPTION_COMPARE, OPTION_DROP,
	OPTION_EXPLAIN, OPTION_HELP, OPTION_IPV6, OPTION_JSON, OPTION_LANG, OPTION_LIST, OPTION_MERMAID,
	OPTION_MTU, OPTION_PCAP, OPTION_PLOT, OPTION_PROFILE, OPTION_RECORD, OPTION_SEED, OPTION_SET, OPTION_SVG,
	OPTION_WHY, OPTION_WIDTH,
};

static const struct option_word known[] = {
	{ "list", NULL, "name the scenarios, a line each", OPTION_LIST },
	{ "bytes", "N", "octets that a program sends (0 to 67108864)", OPTION_BYTES },
	{ "seed", "N", "what chance and the hosts' secrets are drawn from; same seed, same run", OPTION_SEED },
	{ "drop", "HOST:N", "lose the N-th packet that HOST (client or server) sends; repeatable", OPTION_DROP },
	{ "mtu", "N", "largest packet of the link in bytes (68 to 65535; 1500)", OPTION_MTU },
	{ "cc", "NAME", "congestion control: cubic (the default), reno, bbr, dctcp, prague", OPTION_CC },
	{ "set", "NAME=VALUE", "a setting (tern settings) of both, or of one: client:NAME=VALUE", OPTION_SET },
	{ "profile", "NAME", "settings as freebsd, linux or rfc have them; of one: server:NAME", OPTION_PROFILE },
	{ "ipv6", NULL, "the same over IPv6 (fd00::1, fd00::2)", OPTION_IPV6 },
	{ "json", NULL, "JSON lines, one event each, instead of the ladder", OPTION_JSON },
	{ "explain", NULL, "under the ladder: what happened, why, and the clause", OPTION_EXPLAIN },
	{ "lang", "LANG", "of titles and explanations: en or zh (else by locale)", OPTION_LANG },
	{ "all", NULL, "fold nothing, show every timer", OPTION_ALL },
	{ "ascii", NULL, "draw with ASCII characters alone", OPTION_ASCII },
	{ "color", "WHEN", "auto, always or never", OPTION_COLOR },
	{ "width", "N", "columns of the ladder (72 to 200; else the terminal's)", OPTION_WIDTH },
	{ "record", "FILE", "keep the run, for tern replay", OPTION_RECORD },
	{ "pcap", "FILE", "pcapng as captured at the client (or server:FILE), with comments", OPTION_PCAP },
	{ "svg", "FILE", "the ladder as a picture, too", OPTION_SVG },
	{ "mermaid", NULL, "the ladder as a Mermaid sequence diagram", OPTION_MERMAID },
	{ "plot", "FILE", "an SVG: sequence numbers, window and round trip over time", OPTION_PLOT },
	{ "compare", "NAME,...", "the same run for each congestion control, in figures", OPTION_COMPARE },
	{ "why", "QUESTION", "three, four, time-wait: what it is for, and what would be without it", OPTION_WHY },
	{ "help", NULL, "this", OPTION_HELP },
};

enum { N_KNOWN = sizeof known / sizeof known[0] };

static const struct option_line words = {
	.command = "tern lab",
	.table = { { known, N_KNOWN }, { netem_words, NETEM_WORDS } },
	.letter = { { 'h', OPTION_HELP } },
};

struct parser {
	struct option_line  line;
	struct lab_options *options;
	uint32_t	    given; /* 1 << enum netem_word - NETEM_FIRST */
	bool		    has_bytes;
	uint64_t	    bytes;
};

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

static bool take_drop(struct parser *parser, const struct option_word *word, const char *value)
{
	static const char *const sides[LAB_SIDES] = { "client:", "server:" };
	uint64_t n;
	for (unsigned side = 0; side < LAB_SIDES; side++) {
		if (strncmp(value, sides[side], strlen(sides[side])) != 0)
			continue;
		if (!units_number(value + strlen(sides[side]), 1, UINT32_MAX, &n))
			break;
		if (!add_drop(parser->options, side, n))
			return line_wrong(&parser->line, "--drop: '%s' is one too many (%d for each host)", value,
					  LAB_DROPS - 1);
		return true;
	}
	return line_not(&parser->line, word, value, "client:N or server:N with N from 1");
}

/* ---- --set and --profile ---- */

/* What comes after "client:" or "server:", and which sides it is for. */
static const char *sides_of(const char *value, unsigned *sides)
{
	for (unsigned side = 0; side < LAB_SIDES; side++) {
		const size_t n = strlen(lab_side_names[side]);

		*sides = 1u << side;
		if (strncmp(value, lab_side_names[side], n) == 0 && value[n] == ':')
			return value + n + 1;
	}
	*sides = (1u << LAB_SIDES) - 1;
	return value;
}

static bool take_set(struct parser *parser, const struct option_word *word, const char *value)
{
	const bool		      is_profile = word->id == OPTION_PROFILE;
	struct lab_options *const     options = parser->options;
	const struct option_line *const line = &parser->line;
	struct tern_config	      scratch;
	char			      error[TERN_SETTING_ERROR];
	unsigned		      sides;
	const char *const	      text = sides_of(value, &sides);
	const size_t		      name = is_profile ? strlen(text) : strcspn(text, "=");
	struct lab_set *const	      set = &options->set[options->n_set];

	if (options->n_set == LAB_SETS)
		return line_wrong(line, "--set: more than %d settings and profiles", LAB_SETS);
	if (!is_profile && text[name] == '\0')
		return line_not(line, word, value, "NAME=VALUE");
	if (name >= sizeof set->name || strlen(text + name) >= sizeof set->value)
		return line_not(line, word, value, "as short as those that there are");
	*set = (struct lab_set){ .sides = sides, .is_profile = is_profile };
	snprintf(set->name, sizeof set->name, "%.*s", (int)name, text);
	snprintf(set->value, sizeof set->value, "%s", is_profile ? "" : text + name + 1);
	tern_config_default(&scratch);
	if (lab_set_apply(set, &scratch, error) != 0)
		return line_wrong(line, "--%s: %s", word->name, error);
	options->n_set++;
	return true;
}

int lab_set_apply(const struct lab_set *set, struct tern_config *config, char error[TERN_SETTING_ERROR])
{
	return set->is_profile ? tern_profile_set(config, set->name, error)
			       : tern_setting_set(config, set->name, set->value, error);
}

/* Each side's settings fit together. */
static bool sets_fit(struct parser *parser)
{
	const struct lab_options *const options = parser->options;
	struct tern_config		config;
	char				error[TERN_SETTING_ERROR];

	for (unsigned side = 0; side < LAB_SIDES; side++) {
		tern_config_default(&config);
		for (size_t i = 0; i < options->n_set; i++)
			if (options->set[i].sides >> side & 1)
				(void)lab_set_apply(&options->set[i], &config, error);
		if (tern_settings_check(&config, error) != 0)
			return line_wrong(&parser->line, "--set: %s", error);
	}
	return true;
}

/* ---- --compare ---- */

static bool take_compare(struct parser *parser, const struct option_word *word, const char *value)
{
	struct lab_options *const options = parser->options;
	const char *const whole = value;

	for (options->n_compare = 0;;) {
		const size_t n = strcspn(value, ",");

		if (n == 0 || n >= sizeof options->compare[0])
			return line_not(&parser->line, word, whole,
					"a list of congestion controls, such as reno,cubic");
		if (options->n_compare == LAB_CONTROLLERS)
			return line_wrong(&parser->line, "--compare: more than %d congestion controls",
					  LAB_CONTROLLERS);
		snprintf(options->compare[options->n_compare++], sizeof options->compare[0], "%.*s", (int)n, value);
		if (value[n] == '\0')
			return true;
		value += n + 1;
	}
}

/* ---- the others ---- */

static bool take_question(struct parser *parser, const struct option_word *word, const char *value)
{
	parser->options->why = lab_question_by_name(value);
	return parser->options->why != NULL || line_not(&parser->line, word, value, "three, four or time-wait");
}

/* At the client where no host is named. */
static bool take_pcap(struct parser *parser, const struct option_word *word, const char *value)
{
	unsigned	  sides;
	const char *const path = sides_of(value, &sides);
	const unsigned	  side = sides == 1u << LAB_SERVER ? LAB_SERVER : LAB_CLIENT;

	if (parser->options->pcap[side] != NULL)
		return line_wrong(&parser->line, "--pcap: the %s is captured into '%s' already", lab_side_names[side],
				  parser->options->pcap[side]);
	return line_name(&parser->line, word, path, &parser->options->pcap[side]);
}

static bool take_language(struct parser *parser, const struct option_word *word, const char *value)
{
	return explain_language_by_name(value, &parser->options->language) ||
	       line_not(&parser->line, word, value, "en or zh");
}

static bool take_colour(struct parser *parser, const struct option_word *word, const char *value)
{
	static const char *const colours[] = { "auto", "always", "never", NULL };
	unsigned colour;

	if (!line_choice(&parser->line, word, value, colours, &colour))
		return false;
	parser->options->colour = (enum lab_colour)colour;
	return true;
}

static bool take_impairment(struct parser *parser, const struct option_word *word, const char *value)
{
	parser->given |= UINT32_C(1) << (word->id - NETEM_FIRST);
	return netem_take(&parser->line, word, value, &parser->options->impair);
}

static bool take(struct parser *parser, const struct option_word *word, const char *value)
{
	struct lab_options *const options = parser->options;
	const struct option_line *const line = &parser->line;

	switch (word->id) {
	case OPTION_ALL: options->all = true; return true;
	case OPTION_ASCII: options->ascii = true; return true;
	case OPTION_BYTES: parser->has_bytes = true; return line_number(line, word, value, 0, 64 << 20, &parser->bytes);
	case OPTION_CC: return line_name(line, word, value, &options->cc);
	case OPTION_COLOR: return take_colour(parser, word, value);
	case OPTION_COMPARE: return take_compare(parser, word, value);
	case OPTION_DROP: return take_drop(parser, word, value);
	case OPTION_EXPLAIN: options->explain = true; return true;
	case OPTION_HELP: options->help = true; return true;
	case OPTION_IPV6: options->ipv6 = true; return true;
	case OPTION_JSON: options->json = true; return true;
	case OPTION_LANG: return take_language(parser, word, value);
	case OPTION_LIST: options->list = true; return true;
	case OPTION_MERMAID: options->mermaid = true; return true;
	case OPTION_MTU: return line_u32(line, word, value, 68, 65535, &options->mtu);
	case OPTION_SET:
	case OPTION_PROFILE: return take_set(parser, word, value);
	case OPTION_PCAP: return take_pcap(parser, word, value);
	case OPTION_PLOT: return line_name(line, word, value, &options->plot);
	case OPTION_RECORD: return line_name(line, word, value, &options->record);
	case OPTION_SEED: return line_number(line, word, value, 0, UINT64_MAX, &options->seed);
	case OPTION_SVG: return line_name(line, word, value, &options->svg);
	case OPTION_WHY: return take_question(parser, word, value);
	case OPTION_WIDTH: return line_u32(line, word, value, 72, 200, &options->columns);
	default: return take_impairment(parser, word, value);
	}
}

/* ---- the whole ---- */

static bool is_given(const struct parser *parser, enum netem_word word)
{
	return (parser->given >> (word - NETEM_FIRST) & 1) != 0;
}

static void add_drops(struct lab_options *options, const struct lab_scenario *scenario)
{
	for (unsigned side = 0; side < LAB_SIDES; side++)
		for (unsigned i = 0; i < LAB_SCENARIO_DROPS; i++)
			if (scenario->drop[side][i] != 0)
				(void)add_drop(options, side, scenario->drop[side][i]);
}

void lab_options_scenario(struct lab_options *options, const struct lab_scenario *scenario)
{
	options->scenario = scenario;
	options->bytes = scenario->bytes != 0 ? scenario->bytes : 600;
	options->n_drop[LAB_CLIENT] = options->n_drop[LAB_SERVER] = 0;
	add_drops(options, scenario);
}

/* What the scenario sets where the command line does not, and what only both together can tell. */
static bool complete(struct parser *parser)
{
	struct lab_options *const options = parser->options;
	const bool sets_the_scene = parser->given != 0 || parser->has_bytes || options->scenario != NULL ||
				    options->cc != NULL || options->n_compare > 0 || options->plot != NULL ||
				    options->svg != NULL || options->mermaid || options->record != NULL ||
				    options->explain || options->mtu != 1500 ||
				    options->n_drop[LAB_CLIENT] + options->n_drop[LAB_SERVER] + options->n_set > 0;
	const bool has_pcap = options->pcap[LAB_CLIENT] != NULL || options->pcap[LAB_SERVER] != NULL;
	if (options->scenario == NULL)
		options->scenario = lab_scenarios[0];
	const struct lab_scenario *const scenario = options->scenario;
	options->bytes = parser->has_bytes ? (uint32_t)parser->bytes
							: scenario->bytes != 0 ? scenario->bytes : 600;
	if (!is_given(parser, NETEM_DELAY))
		options->impair.delay = scenario->delay != 0 ? scenario->delay : 10 * TERN_MILLISECOND;
	if (!is_given(parser, NETEM_RATE))
		options->impair.rate = scenario->rate;
	if (!is_given(parser, NETEM_LIMIT) && scenario->limit != 0)
		options->impair.limit = scenario->limit;
	if (options->cc == NULL && options->n_compare == 0)
		options->cc = scenario->cc;
	if (!is_given(parser, NETEM_REORDER)) {
		options->impair.reorder = scenario->reorder;
		if (!is_given(parser, NETEM_REORDER_BY))
			options->impair.reorder_by = scenario->reorder_by;
	}
	add_drops(options, scenario);
	if (options->ipv6 && options->mtu < 1280)
		return line_wrong(&parser->line, "--mtu: %u is less than IPv6's least, 1280", options->mtu);
	if (options->n_compare > 0 && (options->explain || options->record != NULL || options->cc != NULL))
		return line_wrong(&parser->line, "--compare goes with neither --cc nor --explain nor --record");
	if (has_pcap && (options->n_compare > 0 || options->why != NULL))
		return line_wrong(&parser->line, "--pcap is of one run: it goes with neither --compare nor --why");
	if (options->pcap[LAB_SERVER] != NULL && options->pcap[LAB_CLIENT] != NULL &&
	    strcmp(options->pcap[LAB_CLIENT], options->pcap[LAB_SERVER]) == 0)
		return line_wrong(&parser->line, "--pcap: '%s' cannot hold both", options->pcap[LAB_CLIENT]);
	if (options->n_compare > 0 && (options->svg != NULL || options->mermaid))
		return line_wrong(&parser->line, "--compare draws no ladder: it goes with neither --svg nor --mermaid");
	if (options->mermaid && (options->json || options->explain))
		return line_wrong(&parser->line, "--mermaid takes the ladder's place: it goes with neither --json nor "
						 "--explain");
	if (options->why != NULL && sets_the_scene)
		return line_wrong(&parser->line, "--why sets the scene itself: it goes with --json, --lang, --seed, "
						 "--ipv6 and the looks alone");
	if (options->json && options->explain)
		return line_wrong(&parser->line, "--json and --explain exclude each other");
	return sets_fit(parser);
}

static bool take_scenario(struct parser *parser, const char *name)
{
	struct lab_options *const options = parser->options;

	if (name[0] == '-')
		return line_wrong(&parser->line, "there is no option '%s' (see tern lab --help)", name);
	if (options->scenario != NULL)
		return line_wrong(&parser->line, "'%s' is one scenario too many after '%s'", name,
				  options->scenario->name);
	options->scenario = lab_scenario_by_name(name);
	return options->scenario != NULL ||
	       line_wrong(&parser->line, "there is no scenario '%s' (see tern lab --list)", name);
}

bool lab_options_parse(struct lab_options *options, int n, char *const arguments[], char *error, size_t size)
{
	struct parser parser = { .line = words, .options = options };

	parser.line.why = error;
	parser.line.room = size;
	*options = (struct lab_options){ .seed = 1, .mtu = 1500, .language = explain_language_by_locale() };
	for (int i = 0; i < n;) {
		const struct option_word *word;
		const char *value;
		if (arguments[i][0] != '-' || arguments[i][1] == '\0') {
			if (!take_scenario(&parser, arguments[i++]))
				return false;
			continue;
		}
		const int took = line_take(&parser.line, n - i, arguments + i, &word, &value);
		if (took == 0 || !take(&parser, word, value))
			return false;
		i += took;
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
	line_help(&words, 20, to);
	fputs("\n"
	      "Exit status: 0 the scenario went as it is meant to, 1 it did not, 2 the command line is wrong.\n"
	      "\n"
	      "Examples:\n"
	      "  tern lab                                     the seven segments of a connection\n"
	      "  tern lab lost-last-ack --explain             segment 7 is lost: what TIME-WAIT is for\n"
	      "  tern lab --why three                         what would be if two segments opened\n"
	      "  tern lab retransmission --bytes 100000 --loss 3% --delay 40ms --seed 7 --json\n", to);
}

void lab_list(FILE *to, enum explain_language language)
{
	for (size_t i = 0; lab_scenarios[i] != NULL; i++)
		fprintf(to, "%-20s  %s\n", lab_scenarios[i]->name, lab_scenarios[i]->line[language]);
}
