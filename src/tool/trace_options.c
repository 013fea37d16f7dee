/* tern trace: the command line. */
#include "lab/units.h"
#include "tool/trace.h"
#include "wire/tuple.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum option {
	OPTION_ALL,
	OPTION_ASCII,
	OPTION_AT,
	OPTION_COLOR,
	OPTION_CONN,
	OPTION_EXPLAIN,
	OPTION_FILTER,
	OPTION_FOR,
	OPTION_HELP,
	OPTION_JSON,
	OPTION_LANG,
	OPTION_LIVE,
	OPTION_PLOT,
	OPTION_WIDTH,
};

static const struct {
	const char *name, *value, *help;
	enum option option;
} known[] = {
	{ "conn", "N,...", "draw these connections of the table, such as 3 or 1,4-7; all: each",
	  OPTION_CONN },
	{ "explain", NULL, "under the ladder: what happened, why, and the clause", OPTION_EXPLAIN },
	{ "at", "ADDRESS", "the capture was made at this end (else judged by the handshake)", OPTION_AT },
	{ "plot", "FILE", "an SVG of the one connection drawn: sequence numbers over time", OPTION_PLOT },
	{ "live", "DEV", "capture from this device until interrupted, instead of a FILE", OPTION_LIVE },
	{ "filter", "EXPR", "with --live: what to capture, as pcap-filter(7) has it", OPTION_FILTER },
	{ "for", "TIME", "with --live: end by itself after as long, such as 10s", OPTION_FOR },
	{ "json", NULL, "JSON lines instead of table and ladder", OPTION_JSON },
	{ "lang", "LANG", "of explanations: en or zh (else by locale)", OPTION_LANG },
	{ "all", NULL, "fold nothing", OPTION_ALL },
	{ "ascii", NULL, "draw with ASCII characters alone", OPTION_ASCII },
	{ "color", "WHEN", "auto, always or never", OPTION_COLOR },
	{ "width", "N", "columns of the ladder (72 to 200; else the terminal's)", OPTION_WIDTH },
	{ "help", NULL, "this", OPTION_HELP },
};

enum { N_KNOWN = sizeof known / sizeof known[0] };

struct parser {
	struct trace_options *options;
	char		     *why;
	size_t		      room;
};

static bool wrong(const struct parser *parser, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool wrong(const struct parser *parser, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(parser->why, parser->room, format, arguments);
	va_end(arguments);
	return false;
}

/* ---- which connections ---- */

static bool add_wanted(const struct parser *parser, const struct trace_wanted *wanted)
{
	if (parser->options->n_wanted == TRACE_WANTED)
		return wrong(parser, "more than %d connections or endpoints are named", TRACE_WANTED);
	parser->options->wanted[parser->options->n_wanted++] = *wanted;
	return true;
}

/* "3", "1,4-7", "all" */
static bool take_conns(const struct parser *parser, const char *value)
{
	if (strcmp(value, "all") == 0) {
		parser->options->all_conns = true;
		return true;
	}
	for (const char *at = value;;) {
		struct trace_wanted wanted = { .first = 0 };
		char		   *end;
		unsigned long	    first = strtoul(at, &end, 10), last = first;

		if (end != at && *end == '-') {
			at = end + 1;
			last = strtoul(at, &end, 10);
		}
		if (end == at || first == 0 || last < first || last > UINT32_MAX || (*end && *end != ','))
			return wrong(parser,
				     "--conn: '%s' is not a list of numbers such as 3 or 1,4-7, nor all",
				     value);
		wanted.first = (uint32_t)first;
		wanted.last = (uint32_t)last;
		if (!add_wanted(parser, &wanted))
			return false;
		if (!*end)
			return true;
		at = end + 1;
	}
}

/* "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", ":80". False: it is none of these. */
static bool take_endpoint(const char *text, struct trace_wanted *wanted)
{
	char	     host[64] = "";
	const char  *colon = strrchr(text, ':');
	const size_t n = strlen(text);

	*wanted = (struct trace_wanted){ .port = 0 };
	if (tern_addr_parse(&wanted->addr, text) == 0)
		return true;
	if (n >= sizeof host)
		return false;
	if (colon) {
		uint64_t port;

		if (!units_number(colon + 1, 1, 65535, &port))
			return false;
		wanted->port = (uint16_t)port;
	}
	memcpy(host, text, colon ? (size_t)(colon - text) : n);
	if (host[0] == '[') {
		char *const bracket = strchr(host, ']');

		if (!bracket || bracket[1])
			return false;
		*bracket = 0;
		return tern_addr_parse(&wanted->addr, host + 1) == 0;
	}
	return host[0] == 0 ? colon != NULL : tern_addr_parse(&wanted->addr, host) == 0;
}

static bool is_end(const struct trace_wanted *wanted, const struct tern_addr *addr, uint16_t port)
{
	return (wanted->port == 0 || wanted->port == port) &&
	       (addr_is_unspecified(&wanted->addr) || addr_equal(&wanted->addr, addr));
}

bool trace_is_wanted(const struct trace_options *options, const struct trace_flow *flow)
{
	const struct tern_tuple *const t = &flow->tuple;

	if (options->all_conns)
		return true;
	for (unsigned i = 0; i < options->n_wanted; i++) {
		const struct trace_wanted *const wanted = &options->wanted[i];

		if (wanted->first != 0 && flow->number >= wanted->first && flow->number <= wanted->last)
			return true;
		if (wanted->first == 0 &&
		    (is_end(wanted, &t->local, t->local_port) || is_end(wanted, &t->remote, t->remote_port)))
			return true;
	}
	return false;
}

/* ---- options ---- */

static bool take_choice(const struct parser *parser, unsigned i, const char *value)
{
	struct trace_options *const options = parser->options;

	if (known[i].option == OPTION_LANG)
		return explain_language_by_name(value, &options->language) ||
		       wrong(parser, "--lang: '%s' is neither en nor zh", value);
	options->colour = strcmp(value, "always") == 0	? TRACE_COLOUR_ALWAYS
			  : strcmp(value, "never") == 0 ? TRACE_COLOUR_NEVER
							: TRACE_COLOUR_AUTO;
	return options->colour != TRACE_COLOUR_AUTO || strcmp(value, "auto") == 0 ||
	       wrong(parser, "--color: '%s' is neither auto, always nor never", value);
}

static bool take(const struct parser *parser, unsigned i, const char *value)
{
	struct trace_options *const options = parser->options;
	uint64_t		    number;

	switch (known[i].option) {
	case OPTION_ALL: options->all = true; return true;
	case OPTION_ASCII: options->ascii = true; return true;
	case OPTION_AT:
		options->has_at = tern_addr_parse(&options->at, value) == 0;
		return options->has_at || wrong(parser, "--at: '%s' is not an IP address", value);
	case OPTION_COLOR:
	case OPTION_LANG: return take_choice(parser, i, value);
	case OPTION_CONN: return take_conns(parser, value);
	case OPTION_EXPLAIN: options->explain = true; return true;
	case OPTION_FILTER: options->filter = value; return true;
	case OPTION_FOR:
		return units_time(value, &options->lifetime) ||
		       wrong(parser, "--for: '%s' is not a time such as 10s", value);
	case OPTION_HELP: options->help = true; return true;
	case OPTION_JSON: options->json = true; return true;
	case OPTION_LIVE: options->live = value; return true;
	case OPTION_PLOT: options->plot = value; return true;
	default:
		if (!units_number(value, 72, 200, &number))
			return wrong(parser, "--width: '%s' is not a whole number from 72 to 200", value);
		options->columns = (unsigned)number;
		return true;
	}
}

static bool take_option(const struct parser *parser, int n, char *const arguments[], int *at)
{
	const char *const argument = arguments[*at] + 2, *const equals = strchr(argument, '=');
	const size_t len = equals ? (size_t)(equals - argument) : strlen(argument);

	for (unsigned i = 0; i < N_KNOWN; i++) {
		if (strlen(known[i].name) != len || memcmp(known[i].name, argument, len) != 0)
			continue;
		if (!known[i].value)
			return equals ? wrong(parser, "--%s takes no value", known[i].name)
				      : take(parser, i, NULL);
		if (equals)
			return take(parser, i, equals + 1);
		if (++*at == n)
			return wrong(parser, "--%s needs a value", known[i].name);
		return take(parser, i, arguments[*at]);
	}
	return wrong(parser, "there is no option '%s' (see tern trace --help)", arguments[*at]);
}

static bool take_word(const struct parser *parser, const char *word)
{
	struct trace_options *const options = parser->options;
	struct trace_wanted	    wanted;

	if (take_endpoint(word, &wanted))
		return add_wanted(parser, &wanted);
	if (options->files == TRACE_FILES)
		return wrong(parser, "'%s' is one capture too many", word);
	options->file[options->files++] = word;
	return true;
}

/* What only the whole line can tell. */
static bool complete(const struct parser *parser)
{
	const struct trace_options *const options = parser->options;

	if (options->help)
		return true;
	if (options->files == 0 && !options->live)
		return wrong(parser, "which capture? FILE, - or --live DEV (see tern trace --help)");
	if (options->files > 0 && options->live)
		return wrong(parser, "--live and a capture file exclude each other");
	if (!options->live && (options->filter || options->lifetime != TERN_NEVER))
		return wrong(parser, "--%s is for --live", options->filter ? "filter" : "for");
	if (options->json && options->explain)
		return wrong(parser, "--json and --explain exclude each other");
	if ((options->explain || options->plot) && options->n_wanted == 0 && !options->all_conns)
		return wrong(parser, "--%s: of which connection? (--conn N, or HOST:PORT)",
			     options->explain ? "explain" : "plot");
	return true;
}

static enum explain_language language_by_locale(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *const value = getenv(names[i]);

		if (value && *value)
			return strncmp(value, "zh", 2) == 0 ? EXPLAIN_ZH : EXPLAIN_EN;
	}
	return EXPLAIN_EN;
}

bool trace_options_parse(struct trace_options *options, int n, char *const arguments[], char *why,
			 size_t room)
{
	const struct parser parser = { options, why, room };

	*options = (struct trace_options){ .language = language_by_locale(), .lifetime = TERN_NEVER };
	for (int i = 0; i < n; i++) {
		const char *const argument = arguments[i];
		bool		  fine;

		if (strncmp(argument, "--", 2) == 0 && argument[2])
			fine = take_option(&parser, n, arguments, &i);
		else if (strcmp(argument, "-h") == 0)
			fine = options->help = true;
		else if (argument[0] == '-' && argument[1])
			fine = wrong(&parser, "there is no option '%s' (see tern trace --help)", argument);
		else
			fine = take_word(&parser, argument);
		if (!fine)
			return false;
	}
	return complete(&parser);
}

void trace_help(FILE *to)
{
	fputs("usage: tern trace FILE [HOST:PORT...] [OPTION...]\n"
	      "       tern trace --live DEV [HOST:PORT...] [OPTION...]\n"
	      "\n"
	      "Reads a capture (pcap or pcapng; - is standard input) and says what its TCP connections did: a table\n"
	      "of all; and of those that --conn or HOST:PORT names the ladder, with the states of both ends as far\n"
	      "as they follow from what was captured.\n"
	      "\n",
	      to);
	for (unsigned i = 0; i < N_KNOWN; i++) {
		char left[32];

		(void)snprintf(left, sizeof left, "--%s %s", known[i].name,
			       known[i].value ? known[i].value : "");
		fprintf(to, "  %-16s  %s\n", left, known[i].help);
	}
	fputs("\n"
	      "Exit status: 0 read to its end, 1 not all of it could be read or written, 2 the command line or the\n"
	      "file is wrong.\n"
	      "\n"
	      "Examples:\n"
	      "  tern trace web.pcap                          the table\n"
	      "  tern trace web.pcap --conn 3 --explain       one connection, drawn and explained\n"
	      "  tcpdump -w - port 80 | tern trace - 192.0.2.1:80\n",
	      to);
}
