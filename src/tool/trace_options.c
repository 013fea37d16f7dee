/* tern trace: the command line. */
#include "option/line.h"
#include "option/units.h"
#include "tool/trace.h"
#include "wire/tuple.h"
#include <stdlib.h>
#include <string.h>

enum option {
	OPTION_ALL,
	OPTION_ANNOTATE,
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
	OPTION_MERMAID,
	OPTION_PLOT,
	OPTION_SVG,
	OPTION_WIDTH,
};

static const struct option_word words[] = {
	{ "conn", "N,...", "draw these connections of the table, such as 3 or 1,4-7; all: each",
	  OPTION_CONN },
	{ "explain", NULL, "under the ladder: what happened, why, and the clause", OPTION_EXPLAIN },
	{ "at", "ADDRESS", "the capture was made at this end (else judged by the handshake)", OPTION_AT },
	{ "annotate", "FILE", "copy the capture as pcapng, what was found as comments of its packets",
	  OPTION_ANNOTATE },
	{ "svg", "FILE", "the ladder of the one connection drawn as a picture, too", OPTION_SVG },
	{ "mermaid", NULL, "ladders as Mermaid sequence diagrams", OPTION_MERMAID },
	{ "plot", "FILE", "an SVG of the one connection drawn: sequence numbers, in flight, window, RTT", OPTION_PLOT },
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

enum { N_WORDS = sizeof words / sizeof words[0] };

struct parser {
	struct option_line    line;
	struct trace_options *options;
};

/* ---- which connections ---- */

static bool add_wanted(const struct parser *parser, const struct trace_wanted *wanted)
{
	if (parser->options->n_wanted == TRACE_WANTED)
		return line_wrong(&parser->line, "more than %d connections or endpoints are named",
				  TRACE_WANTED);
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
			return line_wrong(&parser->line,
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

	*wanted = (struct trace_wanted){ .text = text };
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

static bool names(const struct trace_wanted *wanted, const struct trace_flow *flow)
{
	const struct tern_tuple *const t = &flow->tuple;

	if (wanted->first != 0)
		return flow->number >= wanted->first && flow->number <= wanted->last;
	return is_end(wanted, &t->local, t->local_port) || is_end(wanted, &t->remote, t->remote_port);
}

uint32_t trace_wanted_by(const struct trace_options *options, const struct trace_flow *flow)
{
	uint32_t by = 0;

	for (unsigned i = 0; i < options->n_wanted; i++)
		if (names(&options->wanted[i], flow))
			by |= (uint32_t)1 << i;
	return by;
}

bool trace_is_wanted(const struct trace_options *options, const struct trace_flow *flow)
{
	return options->all_conns || (options->files == TRACE_FILES && options->n_wanted == 0) ||
	       trace_wanted_by(options, flow) != 0;
}

/* ---- options ---- */

static bool take(const struct parser *parser, const struct option_word *word, const char *value)
{
	static const char *const languages[] = { "en", "zh", NULL }, *const colours[] = { "auto", "always",
											  "never", NULL };
	const struct option_line *const line = &parser->line;
	struct trace_options *const	options = parser->options;
	unsigned			choice = 0;
	bool				fine = true;

	switch ((enum option)word->id) {
	case OPTION_ALL: options->all = true; break;
	case OPTION_ANNOTATE: return line_name(line, word, value, &options->annotate);
	case OPTION_ASCII: options->ascii = true; break;
	case OPTION_AT:
		options->has_at = tern_addr_parse(&options->at, value) == 0;
		return options->has_at || line_not(line, word, value, "an IP address");
	case OPTION_COLOR:
		fine = line_choice(line, word, value, colours, &choice);
		options->colour = (enum trace_colour)choice;
		break;
	case OPTION_CONN: return take_conns(parser, value);
	case OPTION_EXPLAIN: options->explain = true; break;
	case OPTION_FILTER: return line_name(line, word, value, &options->filter);
	case OPTION_FOR: return line_time(line, word, value, &options->lifetime);
	case OPTION_HELP: options->help = true; break;
	case OPTION_JSON: options->json = true; break;
	case OPTION_LANG:
		fine = line_choice(line, word, value, languages, &choice);
		options->language = (enum explain_language)choice;
		break;
	case OPTION_LIVE: return line_name(line, word, value, &options->live);
	case OPTION_MERMAID: options->mermaid = true; break;
	case OPTION_SVG: return line_name(line, word, value, &options->svg);
	case OPTION_PLOT: return line_name(line, word, value, &options->plot);
	case OPTION_WIDTH: return line_u32(line, word, value, 72, 200, &options->columns);
	}
	return fine;
}

static bool take_word(const struct parser *parser, const char *word)
{
	struct trace_options *const options = parser->options;
	struct trace_wanted	    wanted;

	if (take_endpoint(word, &wanted))
		return add_wanted(parser, &wanted);
	if (options->files == TRACE_FILES)
		return line_wrong(&parser->line, "'%s' is one capture too many: there is one for each end",
				  word);
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
		return line_wrong(&parser->line,
				  "which capture? FILE, - or --live DEV (see tern trace --help)");
	if (options->files == TRACE_FILES && options->has_at)
		return line_wrong(&parser->line, "--at is for one capture; of two the first is the client's");
	if (options->files == TRACE_FILES && strcmp(options->file[0], options->file[1]) == 0)
		return line_wrong(&parser->line, "'%s' is given twice: one capture for each end",
				  options->file[0]);
	if (options->annotate && (options->files != 1 || strcmp(options->file[0], "-") == 0))
		return line_wrong(&parser->line,
				  "--annotate needs one capture that is a file: it is read twice");
	if (options->files > 0 && options->live)
		return line_wrong(&parser->line, "--live and a capture file exclude each other");
	if (!options->live && (options->filter || options->lifetime != TERN_NEVER))
		return line_wrong(&parser->line, "--%s is for --live", options->filter ? "filter" : "for");
	if (options->json && options->explain)
		return line_wrong(&parser->line, "--json and --explain exclude each other");
	if (options->mermaid && (options->json || options->explain))
		return line_wrong(&parser->line, "--mermaid takes the ladder's place: it goes with neither --json nor "
						 "--explain");
	if ((options->explain || options->plot || options->svg || options->mermaid) && options->n_wanted == 0 &&
	    !options->all_conns && options->files < TRACE_FILES)
		return line_wrong(&parser->line, "--%s: of which connection? (--conn N, or HOST:PORT)",
				  options->explain ? "explain"
				  : options->plot  ? "plot"
				  : options->svg   ? "svg"
						   : "mermaid");
	return true;
}

bool trace_options_parse(struct trace_options *options, int n, char *const arguments[], char *why,
			 size_t room)
{
	const struct parser parser = {
		.line = { "tern trace", .table = { { words, N_WORDS } }, .letter = { { 'h', OPTION_HELP } },
			  why, room },
		.options = options,
	};

	*options = (struct trace_options){ .language = explain_language_by_locale(), .lifetime = TERN_NEVER };
	for (int i = 0; i < n;) {
		const struct option_word *word;
		const char		 *value;

		if (arguments[i][0] != '-' || !arguments[i][1]) {
			if (!take_word(&parser, arguments[i++]))
				return false;
			continue;
		}
		const int taken = line_take(&parser.line, n - i, arguments + i, &word, &value);

		if (taken == 0 || !take(&parser, word, value))
			return false;
		i += taken;
	}
	return complete(&parser);
}

void trace_help(FILE *to)
{
	fputs("usage: tern trace FILE [HOST:PORT...] [OPTION...]\n"
	      "       tern trace CLIENT-FILE SERVER-FILE [HOST:PORT...] [OPTION...]\n"
	      "       tern trace --live DEV [HOST:PORT...] [OPTION...]\n"
	      "\n"
	      "Reads a capture (pcap or pcapng; - is standard input) and says what its TCP connections did: a table\n"
	      "of all; and of those that --conn or HOST:PORT names the ladder, with the states of both ends as far\n"
	      "as they follow from what was captured.\n"
	      "\n",
	      to);
	line_help(&(struct option_line){ "tern trace", .table = { { words, N_WORDS } } }, 16, to);
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
