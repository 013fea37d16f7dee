/* tern ss: the connections, listeners and TIME-WAIT entries of running gateways, in the columns and with the flags that
 * users of ss(8) know.
 */
#include "gateway/control.h"
#include "option/line.h"
#include "tool/control_client.h"
#include "tool/tool.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option {
	OPTION_ALL,
	OPTION_HEADER,
	OPTION_HELP,
	OPTION_INFO,
	OPTION_JSON,
	OPTION_LISTENING,
	OPTION_MEMORY,
	OPTION_NUMERIC,
	OPTION_PROCESSES,
	OPTION_TCP,
	OPTION_TIMERS,
	OPTION_V4,
	OPTION_V6
};

static const struct option_word known[] = {
	{ "all", NULL, "listeners too", OPTION_ALL },
	{ "listening", NULL, "listeners alone", OPTION_LISTENING },
	{ "info", NULL, "what TCP knows of the path: cwnd, rtt, rto, retrans ...", OPTION_INFO },
	{ "memory", NULL, "octets that wait, in and out", OPTION_MEMORY },
	{ "options", NULL, "timers: what goes off next, and when", OPTION_TIMERS },
	{ "processes", NULL, "the flow, and whom the gateway talks to for it", OPTION_PROCESSES },
	{ "tcp", NULL, "TCP: all there is here, so this changes nothing", OPTION_TCP },
	{ "numeric", NULL, "nothing is looked up, so this changes nothing", OPTION_NUMERIC },
	{ "ipv4", NULL, "IPv4 alone", OPTION_V4 },
	{ "ipv6", NULL, "IPv6 alone", OPTION_V6 },
	{ "no-header", NULL, "no line of titles", OPTION_HEADER },
	{ "json", NULL, "what the gateways say, as JSON lines", OPTION_JSON },
	{ "help", NULL, "this", OPTION_HELP },
};

static const struct option_line words = {
	.command = "tern ss",
	.table = { { known, sizeof known / sizeof known[0] } },
	.letter = { { 't', OPTION_TCP }, { 'l', OPTION_LISTENING }, { 'a', OPTION_ALL }, { 'n', OPTION_NUMERIC },
		    { 'i', OPTION_INFO }, { 'm', OPTION_MEMORY }, { 'o', OPTION_TIMERS }, { 'p', OPTION_PROCESSES },
		    { '4', OPTION_V4 }, { '6', OPTION_V6 }, { 'H', OPTION_HEADER }, { 'h', OPTION_HELP } },
};

static const char command[] = "ss";

static void usage(void)
{
	fputs("usage: tern ss [OPTION...] PATH...\n"
	      "\n"
	      "The TCP connections of the gateways that run with --control PATH. Local is tern's end, which stands\n"
	      "for whom the guest talks to; peer is the guest's.\n"
	      "\n", stdout);
	line_help(&words, 17, stdout);
	fputs("\n"
	      "Letters may stand together: -tanoi. States are ss's: ESTAB, SYN-RECV, FIN-WAIT-1 ...\n"
	      "\n"
	      "Exit status: 0; 1 a gateway is not there; 2 the command line is wrong.\n"
	      "\n"
	      "Examples:\n"
	      "  tern ss -ti /run/user/1000/web.tern\n"
	      "  tern ss -tano /run/user/1000/*.tern\n"
	      "  tern ss --json /run/user/1000/web.tern | jq 'select(.retrans > 0)'\n",
	      stdout);
}

/* ---- a line ---- */

struct view {
	uint32_t given; /* 1 << enum option */
};

static bool has(const struct view *view, enum option option)
{
	return (view->given >> option & 1) != 0;
}

/* As ss names them. */
static const char *short_state(const char *state)
{
	if (strcmp(state, "ESTABLISHED") == 0)
		return "ESTAB";
	return strcmp(state, "SYN-RECEIVED") == 0 ? "SYN-RECV" : state;
}

static void write_end(char *to, size_t size, const char *text, const char *address, const char *port)
{
	char name[64] = "", number[16] = "";

	(void)control_field(text, address, name, sizeof name);
	(void)control_field(text, port, number, sizeof number);
	const bool v6 = strchr(name, ':') != NULL;
	const bool any = strcmp(name, "::") == 0 || strcmp(name, "0.0.0.0") == 0;
	(void)snprintf(to, size, "%s%s%s:%s", v6 && !any ? "[" : "", any ? "*" : name, v6 && !any ? "]" : "",
		       strcmp(number, "0") == 0 ? "*" : number);
}

static void print_processes(const char *text)
{
	char	      onward[80];
	const int64_t flow = control_number(text, "flow", -1);

	if (flow < 0) {
		fputs(control_true(text, "held") ? "" : " users:(none)", stdout);
		return;
	}
	write_end(onward, sizeof onward, text, "onward", "onward_port");
	printf(" users:((flow=%" PRId64 ",onward=%s))", flow, onward);
}

/* "timer:(keepalive,9min41sec,0)", as ss has it. */
static void print_timer(const char *text)
{
	static const struct {
		const char *field, *name, *count;
	} timers[] = {
		{ "retransmit_in_ms", "on", "retrans" },
		{ "persist_in_ms", "persist", "probes" },
		{ "until_in_ms", "timewait", NULL },
		{ "orphan_in_ms", "orphan", NULL },
		{ "keepalive_in_ms", "keepalive", "keepalive_probes" },
	};

	for (unsigned i = 0; i < sizeof timers / sizeof timers[0]; i++) {
		const int64_t ms = control_number(text, timers[i].field, -1);
		if (ms < 0)
			continue;
		printf(" timer:(%s,", timers[i].name);
		if (ms >= 60000)
			printf("%" PRId64 "min", ms / 60000);
		if (ms >= 10000)
			printf("%" PRId64 "sec", ms % 60000 / 1000);
		else
			printf("%" PRId64 ".%03" PRId64 "sec", ms / 1000, ms % 1000);
		printf(",%" PRId64 ")", timers[i].count ? control_number(text, timers[i].count, 0) : 0);
		return;
	}
}

static void print_memory(const char *text)
{
	printf("\n\t skmem:(r%" PRId64 ",rb%" PRId64 ",t%" PRId64 ",tb%" PRId64 ")",
	       control_number(text, "unread", 0),
	       control_number(text, "unread", 0) + control_number(text, "rcv_wnd", 0),
	       control_number(text, "unacked", 0), control_number(text, "snd_wnd", 0));
}

static void print_ms(const char *name, const char *text, const char *field)
{
	const int64_t us = control_number(text, field, -1);

	if (us > 0)
		printf(" %s:%" PRId64 ".%03" PRId64, name, us / 1000, us % 1000);
}

static void print_rate(const char *name, const char *text, const char *field)
{
	const int64_t bytes = control_number(text, field, -1);

	if (bytes > 0)
		printf(" %s %" PRId64 "bps", name, bytes * 8);
}

static void print_limit(const char *name, const char *text, const char *field)
{
	const int64_t ms = control_number(text, field, 0);

	if (ms > 0)
		printf(" %s:%" PRId64 "ms", name, ms);
}

static void print_count(const char *name, const char *text, const char *field)
{
	const int64_t n = control_number(text, field, 0);

	if (n > 0)
		printf(" %s:%" PRId64, name, n);
}

static void print_info(const char *text)
{
	char	      cc[32] = "";
	const int64_t mss = control_number(text, "mss", 0);

	if (control_field(text, "cc", cc, sizeof cc) != 0)
		return; /* an entry: it has none */
	printf("\n\t %s%s%s%s", control_true(text, "ts") ? "ts " : "",
	       control_true(text, "sack") ? "sack " : "", control_true(text, "ecn") ? "ecn " : "", cc);
	if (control_true(text, "wscale_ok"))
		printf(" wscale:%" PRId64 ",%" PRId64, control_number(text, "snd_wscale", 0),
		       control_number(text, "rcv_wscale", 0));
	print_ms("rto", text, "rto_us");
	if (control_number(text, "rtt_us", 0) > 0) {
		print_ms("rtt", text, "rtt_us");
		const int64_t us = control_number(text, "rttvar_us", 0);
		printf("/%" PRId64 ".%03" PRId64, us / 1000, us % 1000);
	}
	print_count("mss", text, "mss");
	print_count("pmtu", text, "pmtu");
	print_count("rcvmss", text, "rcvmss");
	if (mss > 0) /* segments, as ss counts them */
		printf(" cwnd:%" PRId64, control_number(text, "cwnd", 0) / mss);
	const int64_t ssthresh = control_number(text, "ssthresh", 0);
	if (mss > 0 && ssthresh > 0 && ssthresh < INT32_MAX)
		printf(" ssthresh:%" PRId64, ssthresh / mss);
	print_count("bytes_sent", text, "bytes_sent");
	print_count("bytes_retrans", text, "bytes_retrans");
	print_count("bytes_acked", text, "bytes_acked");
	print_count("bytes_received", text, "bytes_received");
	print_count("segs_out", text, "segs_out");
	print_count("segs_in", text, "segs_in");
	print_rate("pacing_rate", text, "pacing_rate");
	print_rate("delivery_rate", text, "delivery_rate");
	if (control_number(text, "retrans_total", 0) > 0)
		printf(" retrans:%" PRId64 "/%" PRId64, control_number(text, "retrans", 0),
		       control_number(text, "retrans_total", 0));
	print_limit("busy", text, "busy_ms");
	print_limit("rwnd_limited", text, "rwnd_limited_ms");
	print_limit("sndbuf_limited", text, "sndbuf_limited_ms");
	if (control_true(text, "delivery_rate_app_limited"))
		fputs(" app_limited", stdout);
	print_ms("minrtt", text, "minrtt_us");
	print_count("snd_wnd", text, "snd_wnd");
	print_count("rcv_wnd", text, "rcv_wnd");
}

static bool is_wanted(const struct view *view, const char *text)
{
	char state[24] = "", local[64] = "";

	(void)control_field(text, "state", state, sizeof state);
	(void)control_field(text, "local", local, sizeof local);
	const bool listens = strcmp(state, "LISTEN") == 0, v6 = strchr(local, ':') != NULL;
	if (listens ? !has(view, OPTION_LISTENING) && !has(view, OPTION_ALL)
		    : has(view, OPTION_LISTENING) && !has(view, OPTION_ALL))
		return false;
	return has(view, OPTION_V4) == has(view, OPTION_V6) || listens || v6 == has(view, OPTION_V6);
}

static void print_line(void *context, const char *text)
{
	const struct view *const view = context;
	char			 state[24] = "", local[80], remote[80];

	if (!is_wanted(view, text))
		return;
	if (has(view, OPTION_JSON)) {
		fputs(text, stdout);
		return;
	}
	(void)control_field(text, "state", state, sizeof state);
	write_end(local, sizeof local, text, "local", "local_port");
	write_end(remote, sizeof remote, text, "remote", "remote_port");
	printf("%-10s  %-6" PRId64 "  %-6" PRId64 "  %24s  %24s", short_state(state),
	       control_number(text, "unread", 0),
	       control_number(text, "unsent", 0) + control_number(text, "unacked", 0), local, remote);
	if (has(view, OPTION_PROCESSES))
		print_processes(text);
	if (has(view, OPTION_TIMERS))
		print_timer(text);
	if (has(view, OPTION_MEMORY))
		print_memory(text);
	if (has(view, OPTION_INFO))
		print_info(text);
	putchar('\n');
}

/* ---- the command line ---- */

/* "-tani": false: there is no such letter. */
static bool take_letters(struct view *view, const char *argument)
{
	for (const char *at = argument + 1; *at != '\0'; at++) {
		unsigned i = 0;

		while (i < OPTION_LETTERS && words.letter[i].letter != *at)
			i++;
		if (i == OPTION_LETTERS)
			return false;
		view->given |= UINT32_C(1) << words.letter[i].id;
	}
	return true;
}

static int run(const struct view *view, int n, const char *const paths[])
{
	int worst = TOOL_OK;

	if (!has(view, OPTION_HEADER) && !has(view, OPTION_JSON))
		printf("%-10s  %-6s  %-6s  %24s  %24s%s\n", "State", "Recv-Q", "Send-Q", "Local Address:Port",
		       "Peer Address:Port", has(view, OPTION_PROCESSES) ? " Process" : "");
	for (int i = 0; i < n; i++) {
		struct view own = *view;
		const int   code = control_ask(command, paths[i], "{\"do\":\"sockets\"}\n", print_line, &own);
		worst = code > worst ? code : worst;
	}
	return tool_flushed(command) ? worst : TOOL_NOT_AS_EXPECTED;
}

/* paths: room for n. */
static int ss(int n, char *const arguments[], const char *paths[])
{
	struct option_line line = words;
	struct view view = { 0 };
	char why[160];
	int n_paths = 0;

	line.why = why;
	line.room = sizeof why;
	for (int i = 0; i < n; i++) {
		const struct option_word *word;
		const char *value;

		if (arguments[i][0] != '-' || arguments[i][1] == '\0') {
			paths[n_paths++] = arguments[i];
			continue;
		}
		if (arguments[i][1] != '-') {
			if (!take_letters(&view, arguments[i]))
				return tool_wrong(command, "there is no option '%s' (see tern ss --help)",
						  arguments[i]);
			continue;
		}
		if (line_take(&line, 1, arguments + i, &word, &value) == 0)
			return tool_wrong(command, "%s", why);
		view.given |= UINT32_C(1) << word->id;
	}
	if (has(&view, OPTION_HELP)) {
		usage();
		return tool_flushed(command) ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
	}
	if (n_paths == 0)
		return tool_wrong(command, "it takes the control sockets of gateways: tern ss PATH... "
					   "(see tern ss --help)");
	return run(&view, n_paths, paths);
}

int tool_ss(int n, char *const arguments[])
{
	const char **const paths = calloc((size_t)n + 1, sizeof *paths);
	const int	   code = paths ? ss(n, arguments, paths) : tool_failed(command, "no memory");

	free(paths);
	return code;
}
