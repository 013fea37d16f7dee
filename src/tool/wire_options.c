/* tern wire: the command line. One table of options; a value may say by "1:" or "2:" which direction it is for. */
#include "lab/units.h"
#include "tool/wire.h"
#include <stdarg.h>
#include <string.h>

enum option {
	OPTION_BURST, OPTION_CE_THRESHOLD, OPTION_CORRUPT, OPTION_DELAY, OPTION_DROP, OPTION_DUPLICATE, OPTION_ECN,
	OPTION_FOR, OPTION_HELP, OPTION_JITTER, OPTION_JSON, OPTION_LIMIT, OPTION_LIMIT_BYTES, OPTION_LOSS,
	OPTION_PCAP, OPTION_RATE, OPTION_READY_FD, OPTION_REALTIME, OPTION_REORDER, OPTION_REORDER_BY,
	OPTION_REORDER_DELAY, OPTION_SEED,
};

/* In the order of --help. value NULL: takes none. sided: may begin with the direction. */
static const struct {
	const char *name, *value, *help;
	enum option option;
	bool	    sided;
} known[] = {
	{ "delay", "TIME", "hold each frame for as long, such as 20ms", OPTION_DELAY, true },
	{ "jitter", "TIME", "delay varies by as much, without reordering", OPTION_JITTER, true },
	{ "loss", "SHARE", "of the frames, such as 3%, each by itself", OPTION_LOSS, true },
	{ "burst", "ENTER,LEAVE[,LOSS]", "Gilbert-Elliott: into and out of a state that loses LOSS (100%)",
	  OPTION_BURST, true },
	{ "rate", "RATE", "the bottleneck, such as 100mbit", OPTION_RATE, true },
	{ "limit", "N", "frames that may wait for it; the rest is dropped (1000)", OPTION_LIMIT, true },
	{ "limit-bytes", "BYTES", "their bytes, such as 250000 or 256k (no such limit)", OPTION_LIMIT_BYTES, true },
	{ "reorder", "SHARE", "that is held back and overtaken", OPTION_REORDER, true },
	{ "reorder-by", "N", "by as many frames (3)", OPTION_REORDER_BY, true },
	{ "reorder-delay", "TIME", "where fewer follow, by this time at most (10ms)", OPTION_REORDER_DELAY, true },
	{ "duplicate", "SHARE", "that arrives twice", OPTION_DUPLICATE, true },
	{ "corrupt", "SHARE", "that arrives with a bit flipped", OPTION_CORRUPT, true },
	{ "drop", "N", "lose the frame of this number, from 1; repeatable, rising", OPTION_DROP, true },
	{ "ecn", NULL, "mark what --loss and --burst would take, where it is ECN-capable", OPTION_ECN, false },
	{ "ce-threshold", "TIME", "mark what waits longer for --rate, where ECN-capable", OPTION_CE_THRESHOLD, true },
	{ "seed", "N", "what chance is drawn from (1)", OPTION_SEED, false },
	{ "for", "TIME", "end by itself after as long", OPTION_FOR, false },
	{ "ready-fd", "N", "write a byte there once frames pass", OPTION_READY_FD, false },
	{ "realtime", NULL, "run before all ordinary processes (SCHED_FIFO)", OPTION_REALTIME, false },
	{ "json", NULL, "counters as JSON, an object a line", OPTION_JSON, false },
	{ "pcap", "FILE", "pcapng of each frame as it came, its fate as the comment", OPTION_PCAP, false },
	{ "help", NULL, "this", OPTION_HELP, false },
};

enum { N_KNOWN = sizeof known / sizeof known[0], BOTH = WIRE_SIDES };

struct parser {
	struct wire_options *options;
	char		    *why;
	size_t		     room;
	unsigned	     n_devices;
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

static bool bad_value(const struct parser *parser, unsigned i, const char *value, const char *wanted)
{
	return wrong(parser, "--%s: '%s' is not %s", known[i].name, value, wanted);
}

/* ---- values ---- */

static bool take_number(const struct parser *parser, unsigned i, const char *value, uint64_t low, uint64_t high,
			uint64_t *to)
{
	if (units_number(value, low, high, to))
		return true;
	return wrong(parser, "--%s: '%s' is not a whole number from %llu to %llu", known[i].name, value,
		     (unsigned long long)low, (unsigned long long)high);
}

static bool take_u32(const struct parser *parser, unsigned i, const char *value, uint32_t *to)
{
	uint64_t n;
	if (!take_number(parser, i, value, 1, 1 << 24, &n))
		return false;
	*to = (uint32_t)n;
	return true;
}

static bool take_time(const struct parser *parser, unsigned i, const char *value, tern_time *to)
{
	return units_time(value, to) || bad_value(parser, i, value, "a time of at most an hour, such as 40ms");
}

static bool take_share(const struct parser *parser, unsigned i, const char *value, double *to)
{
	return units_share(value, to) || bad_value(parser, i, value, "a share from 0% to 100%, such as 3%");
}

/* "250000", "256k", "4m": by 1024, as tc(8) reads sizes. */
static bool take_bytes(const struct parser *parser, unsigned i, const char *value, uint32_t *to)
{
	const size_t n = strspn(value, "0123456789");
	const unsigned shift = strcmp(value + n, "k") == 0 ? 10 : strcmp(value + n, "m") == 0 ? 20 : 0;
	char digits[16];
	uint64_t number;
	if (n >= sizeof digits || (value[n] != '\0' && shift == 0))
		return bad_value(parser, i, value, "a number of bytes, such as 250000 or 256k");
	memcpy(digits, value, n);
	digits[n] = '\0';
	if (!units_number(digits, 1, UINT32_MAX >> shift, &number))
		return bad_value(parser, i, value, "a number of bytes below 4096m");
	*to = (uint32_t)(number << shift);
	return true;
}

/* "1%,30%" or "1%,30%,80%" */
static bool take_burst(const struct parser *parser, unsigned i, const char *value, struct tern_impair *impair)
{
	double share[3] = { 0, 0, 1 };
	unsigned n = 0;
	char words[64], *rest = words;
	if (strlen(value) < sizeof words) {
		strcpy(words, value);
		for (char *word; (word = strsep(&rest, ",")) != NULL; n++)
			if (n == 3 || !units_share(word, &share[n]))
				n = 3;
	}
	if (n != 2 && n != 3)
		return bad_value(parser, i, value, "two or three shares, such as 1%,30%");
	impair->burst_enter = share[0];
	impair->burst_leave = share[1];
	impair->burst_loss = share[2];
	return true;
}

static bool take_drop(const struct parser *parser, unsigned i, const char *value, unsigned side)
{
	struct tern_impair *const impair = &parser->options->impair[side];
	uint64_t *const drop = parser->options->drop[side], n;
	if (!take_number(parser, i, value, 1, UINT64_MAX, &n))
		return false;
	if (impair->n_drop == WIRE_DROPS)
		return wrong(parser, "--drop: %d are the most", WIRE_DROPS);
	if (impair->n_drop > 0 && drop[impair->n_drop - 1] >= n)
		return wrong(parser, "--drop: %s does not rise", value);
	drop[impair->n_drop++] = n;
	impair->drop = drop;
	return true;
}

static bool take_for_side(const struct parser *parser, unsigned i, const char *value, unsigned side)
{
	struct tern_impair *const impair = &parser->options->impair[side];
	switch (known[i].option) {
	case OPTION_DELAY: return take_time(parser, i, value, &impair->delay);
	case OPTION_JITTER: return take_time(parser, i, value, &impair->jitter);
	case OPTION_LOSS: return take_share(parser, i, value, &impair->loss);
	case OPTION_BURST: return take_burst(parser, i, value, impair);
	case OPTION_DUPLICATE: return take_share(parser, i, value, &impair->duplicate);
	case OPTION_CORRUPT: return take_share(parser, i, value, &impair->corrupt);
	case OPTION_REORDER: return take_share(parser, i, value, &impair->reorder);
	case OPTION_REORDER_BY: return take_u32(parser, i, value, &impair->reorder_by);
	case OPTION_REORDER_DELAY: return take_time(parser, i, value, &impair->reorder_delay);
	case OPTION_CE_THRESHOLD: return take_time(parser, i, value, &impair->ce_threshold);
	case OPTION_LIMIT: return take_u32(parser, i, value, &impair->limit);
	case OPTION_LIMIT_BYTES: return take_bytes(parser, i, value, &impair->limit_bytes);
	case OPTION_DROP: return take_drop(parser, i, value, side);
	case OPTION_RATE:
		return units_rate(value, &impair->rate) ||
		       bad_value(parser, i, value, "a rate of at least 8bit, such as 10mbit");
	default: return wrong(parser, "--%s is not understood", known[i].name);
	}
}

static bool take_sided(const struct parser *parser, unsigned i, const char *value)
{
	const bool told = (value[0] == '1' || value[0] == '2') && value[1] == ':';
	const unsigned only = told ? (unsigned)(value[0] - '1') : BOTH;
	for (unsigned side = 0; side < WIRE_SIDES; side++)
		if ((only == BOTH || only == side) && !take_for_side(parser, i, told ? value + 2 : value, side))
			return false;
	return true;
}

static bool take_value(const struct parser *parser, unsigned i, const char *value)
{
	struct wire_options *const options = parser->options;
	uint64_t n;
	switch (known[i].option) {
	case OPTION_SEED:
		if (!take_number(parser, i, value, 0, UINT64_MAX, &n))
			return false;
		options->impair[0].seed = n;
		options->impair[1].seed = n + 1; /* draws of its own */
		return true;
	case OPTION_FOR: return take_time(parser, i, value, &options->lifetime);
	case OPTION_READY_FD:
		if (!take_number(parser, i, value, 0, INT32_MAX, &n))
			return false;
		options->ready_fd = (int)n;
		return true;
	case OPTION_PCAP:
		options->pcap = value;
		return *value != '\0' || bad_value(parser, i, value, "the name of a file");
	default: return take_sided(parser, i, value);
	}
}

static void take_switch(struct wire_options *options, enum option option)
{
	switch (option) {
	case OPTION_ECN: options->impair[0].ecn = options->impair[1].ecn = true; return;
	case OPTION_REALTIME: options->realtime = true; return;
	case OPTION_JSON: options->json = true; return;
	default: options->help = true; return;
	}
}

/* "v0", "tap:t0", "v0@blue" (/run/netns/blue), "v0@/proc/1234/ns/net" */
static bool take_device(struct parser *parser, const char *word)
{
	static const char tap[] = "tap:";
	if (parser->n_devices == WIRE_SIDES)
		return wrong(parser, "'%s' is one device too many", word);
	struct wire_device *const device = &parser->options->device[parser->n_devices++];
	device->word = word;
	device->tap = strncmp(word, tap, sizeof tap - 1) == 0;
	const char *const name = device->tap ? word + sizeof tap - 1 : word;
	const size_t n = strcspn(name, "@");
	if (n == 0 || n >= sizeof device->name || (name[n] == '@' && name[n + 1] == '\0'))
		return wrong(parser, "'%s' is not a device: NAME, tap:NAME, either with @NETNS", word);
	memcpy(device->name, name, n);
	if (name[n] == '\0')
		return true;
	const char *const netns = name + n + 1;
	const int length = snprintf(device->netns, sizeof device->netns, "%s%s",
				    strchr(netns, '/') == NULL ? "/run/netns/" : "", netns);
	return length < (int)sizeof device->netns || wrong(parser, "the name of a namespace is too long: '%s'", word);
}

/* ---- the line ---- */

static unsigned by_name(const char *name, size_t n)
{
	unsigned i = 0;
	while (i < N_KNOWN && (strlen(known[i].name) != n || memcmp(known[i].name, name, n) != 0))
		i++;
	return i;
}

/* One option and, where it takes one, its value: how many arguments; 0: wrong. */
static int take(const struct parser *parser, int n, char *const arguments[])
{
	const char *const argument = arguments[0], *const name = argument + 2;
	if (strcmp(argument, "-h") == 0) {
		parser->options->help = true;
		return 1;
	}
	const char *const equals = strchr(argument, '=');
	const size_t length = argument[1] != '-' ? 0 : equals != NULL ? (size_t)(equals - name) : strlen(name);
	const unsigned i = by_name(name, length);
	if (length == 0 || i == N_KNOWN)
		return wrong(parser, "there is no option '%s' (see tern wire --help)", argument);
	if (known[i].value == NULL) {
		if (equals != NULL)
			return wrong(parser, "--%s takes no value", known[i].name);
		take_switch(parser->options, known[i].option);
		return 1;
	}
	const char *const value = equals != NULL ? equals + 1 : n > 1 ? arguments[1] : NULL;
	if (value == NULL)
		return wrong(parser, "--%s wants a value: %s", known[i].name, known[i].value);
	return take_value(parser, i, value) ? 1 + (equals == NULL) : 0;
}

bool wire_options_parse(struct wire_options *options, int n, char *const arguments[], char *why, size_t why_room)
{
	struct parser parser = { .options = options, .why = why, .room = why_room };
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
		return wrong(&parser, "two devices are wanted: tern wire DEV1 DEV2 (see tern wire --help)");
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
	for (unsigned i = 0; i < N_KNOWN; i++) {
		char left[64];
		snprintf(left, sizeof left, "--%s%s%s", known[i].name, known[i].value ? " " : "",
			 known[i].value ? known[i].value : "");
		fprintf(to, strlen(left) > 22 ? "  %s\n  %22s  %s\n" : "  %-22s  %.0s%s\n", left, "",
			known[i].help);
	}
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
