/* tern wire: the command line. A value may say by "1:" or "2:" which direction it is for. */
#include "option/netem.h"
#include "tool/wire.h"
#include <string.h>

enum option {
	OPTION_DROP, OPTION_FOR, OPTION_HELP, OPTION_JSON, OPTION_PCAP, OPTION_READY_FD, OPTION_REALTIME, OPTION_SEED,
};

/* Beside those of tc-netem(8). */
static const struct option_word known[] = {
	{ "drop", "N", "lose the frame of this number, from 1; repeatable, rising", OPTION_DROP },
	{ "seed", "N", "what chance is drawn from (1)", OPTION_SEED },
	{ "for", "TIME", "end by itself after as long", OPTION_FOR },
	{ "ready-fd", "N", "write a byte there once frames pass", OPTION_READY_FD },
	{ "realtime", NULL, "run before all ordinary processes (SCHED_FIFO)", OPTION_REALTIME },
	{ "json", NULL, "counters as JSON, an object a line", OPTION_JSON },
	{ "pcap", "FILE", "pcapng of each frame as it came, its fate as the comment", OPTION_PCAP },
	{ "help", NULL, "this", OPTION_HELP },
};

enum { N_KNOWN = sizeof known / sizeof known[0], BOTH = WIRE_SIDES };

static const struct option_line words = {
	.command = "tern wire",
	.table = { { netem_words, NETEM_WORDS }, { known, N_KNOWN } },
	.letter = { { 'h', OPTION_HELP } },
};

struct parser {
	struct option_line   line;
	struct wire_options *options;
	unsigned	     n_devices;
};

/* ---- values ---- */

static bool take_drop(const struct parser *parser, const struct option_word *word, const char *value, unsigned side)
{
	struct tern_impair *const impair = &parser->options->impair[side];
	uint64_t *const drop = parser->options->drop[side], n;
	if (!line_number(&parser->line, word, value, 1, UINT64_MAX, &n))
		return false;
	if (impair->n_drop == WIRE_DROPS)
		return line_wrong(&parser->line, "--drop: %d are the most", WIRE_DROPS);
	if (impair->n_drop > 0 && drop[impair->n_drop - 1] >= n)
		return line_wrong(&parser->line, "--drop: %s does not rise", value);
	drop[impair->n_drop++] = n;
	impair->drop = drop;
	return true;
}

static bool take_sided(const struct parser *parser, const struct option_word *word, const char *value)
{
	const bool told = value != NULL && (value[0] == '1' || value[0] == '2') && value[1] == ':';
	const unsigned only = told ? (unsigned)(value[0] - '1') : BOTH;

	if (told)
		value += 2;
	for (unsigned side = 0; side < WIRE_SIDES; side++) {
		if (only != BOTH && only != side)
			continue;
		if (word->id == OPTION_DROP ? !take_drop(parser, word, value, side)
					    : !netem_take(&parser->line, word, value, &parser->options->impair[side]))
			return false;
	}
	return true;
}

static bool take_value(const struct parser *parser, const struct option_word *word, const char *value)
{
	struct wire_options *const options = parser->options;
	uint64_t n;

	switch (word->id) {
	case OPTION_FOR: return line_time(&parser->line, word, value, &options->lifetime);
	case OPTION_HELP: options->help = true; return true;
	case OPTION_JSON: options->json = true; return true;
	case OPTION_PCAP: return line_name(&parser->line, word, value, &options->pcap);
	case OPTION_READY_FD: return line_fd(&parser->line, word, value, &options->ready_fd);
	case OPTION_REALTIME: options->realtime = true; return true;
	case OPTION_SEED:
		if (!line_number(&parser->line, word, value, 0, UINT64_MAX, &n))
			return false;
		options->impair[0].seed = n;
		options->impair[1].seed = n + 1; /* draws of its own */
		return true;
	default: return take_sided(parser, word, value);
	}
}

/* "v0", "tap:t0", "v0@blue" (/run/netns/blue), "v0@/proc/1234/ns/net" */
static bool take_device(struct parser *parser, const char *word)
{
	static const char tap[] = "tap:";
	if (parser->n_devices == WIRE_SIDES)
		return line_wrong(&parser->line, "'%s' is one device too many", word);
	struct wire_device *const device = &parser->options->device[parser->n_devices++];
	device->word = word;
	device->tap = strncmp(word, tap, sizeof tap - 1) == 0;
	const char *const name = device->tap ? word + sizeof tap - 1 : word;
	const size_t n = strcspn(name, "@");
	if (n == 0 || n >= sizeof device->name || (name[n] == '@' && name[n + 1] == '\0'))
		return line_wrong(&parser->line, "'%s' is not a device: NAME, tap:NAME, either with @NETNS", word);
	memcpy(device->name, name, n);
	if (name[n] == '\0')
		return true;
	const char *const netns = name + n + 1;
	const int length = snprintf(device->netns, sizeof device->netns, "%s%s",
				    strchr(netns, '/') == NULL ? "/run/netns/" : "", netns);
	return length < (int)sizeof device->netns ||
	       line_wrong(&parser->line, "the name of a namespace is too long: '%s'", word);
}

/* ---- the line ---- */

/* One option and, where it takes one, its value: how many arguments; 0: wrong. */
static int take(const struct parser *parser, int n, char *const arguments[])
{
	const struct option_word *word;
	const char *value;

	const int took = line_take(&parser->line, n, arguments, &word, &value);
	return took > 0 && take_value(parser, word, value) ? took : 0;
}

bool wire_options_parse(struct wire_options *options, int n, char *const arguments[], char *why, size_t why_room)
{
	struct parser parser = { .line = words, .options = options };

	parser.line.why = why;
	parser.line.room = why_room;
	*options = (struct wire_options){ .ready_fd = -1, .lifetime = TERN_NEVER };
	options->impair[0].seed = 1;
	options->impair[1].seed = 2;
	for (int i = 0; i < n;) {
		if (arguments[i][0] != '-') {
			if (!take_device(&parser, arguments[i++]))
				return false;
			continue;
		}
		const int took = take(&parser, n - i, arguments + i);
		if (took == 0)
			return false;
		i += took;
	}
	if (!options->help && parser.n_devices < WIRE_SIDES)
		return line_wrong(&parser.line, "two devices are wanted: tern wire DEV1 DEV2 (see tern wire --help)");
	return true;
}

void wire_help(FILE *to)
{
	fputs("usage: tern wire DEV1 DEV2 [OPTION...]\n"
	      "\n"
	      "Joins two devices by a wire that delays, loses, reorders and bounds the frames between them, in real\n"
	      "time and by seed, until SIGINT or SIGTERM; then it prints what befell them (SIGUSR1: so far).\n"
	      "\n"
	      "  DEV is NAME (an Ethernet interface, such as an end of a veth pair) or tap:NAME (a TAP device, made\n"
	      "  where it is not there), either with @NETNS: a name in /run/netns or a path. They are brought up.\n"
	      "\n", to);
	line_help(&words, 22, to);
	fputs("\n"
	      "Each value holds for both directions, or with 1: or 2: in front for frames that come from DEV1 or DEV2\n"
	      "alone (--rate 1:10mbit). Values are as tc(8) reads them.\n"
	      "\n"
	      "Exit status: 0 ended by a signal or --for, 1 a device cannot be had or went away, 2 the command line\n"
	      "is wrong.\n"
	      "\n"
	      "Examples:\n"
	      "  tern wire veth1 veth2 --delay 20ms --rate 100mbit --limit-bytes 500000\n"
	      "  tern wire veth1@red veth2@blue --loss 1:3% --seed 7 --json\n"
	      "  tern wire tap:t0 veth1 --burst 1%,30% --reorder 1% --reorder-by 5\n", to);
}
