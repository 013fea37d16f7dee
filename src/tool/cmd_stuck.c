/* tern stuck: what each connection of a running gateway waits for, who has to act, since when, and what ends it. */
#include "gateway/control.h"
#include "option/line.h"
#include "tool/control_client.h"
#include "tool/tool.h"
#include "watch/stuck.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option { OPTION_ALL, OPTION_HELP, OPTION_JSON, OPTION_LANG };

static const struct option_word known[] = {
	{ "all", NULL, "those that are well too", OPTION_ALL },
	{ "json", NULL, "as JSON lines", OPTION_JSON },
	{ "lang", "LANG", "en or zh (else by locale)", OPTION_LANG },
	{ "help", NULL, "this", OPTION_HELP },
};

static const char command[] = "stuck";

struct view {
	bool		      all, json, help;
	enum explain_language language;
	unsigned	      n; /* told of */
};

static void usage(const struct option_line *line)
{
	fputs("usage: tern stuck [OPTION...] PATH...\n"
	      "\n"
	      "One line for each connection that waits for something, of the gateways that run with --control PATH:\n"
	      "what it waits for, who has to act, since when, and what will end it. The program of tern's end is\n"
	      "whom the gateway talks to for the guest; the peer is the guest.\n"
	      "\n",
	      stdout);
	line_help(line, 14, stdout);
	fputs("\n"
	      "Exit status: 0; 1 a gateway is not there; 2 the command line is wrong.\n"
	      "\n"
	      "Examples:\n"
	      "  tern stuck /run/user/1000/web.tern\n"
	      "  tern stuck --all /run/user/1000/*.tern\n"
	      "  tern stuck --json /run/user/1000/web.tern | jq 'select(.who == \"program\")'\n",
	      stdout);
}

/* ---- what a gateway says ---- */

static bool state_by_name(const char *name, enum tern_state *state)
{
	for (enum tern_state at = TERN_STATE_CLOSED; at <= TERN_STATE_TIME_WAIT; at++)
		if (strcmp(tern_state_name(at), name) == 0) {
			*state = at;
			return true;
		}
	return false;
}

static uint32_t octets(const char *text, const char *field, uint32_t otherwise)
{
	return (uint32_t)control_number(text, field, otherwise);
}

static tern_time time_in(const char *text, const char *field)
{
	const int64_t ms = control_number(text, field, -1);

	return ms < 0 ? TERN_NEVER : ms * TERN_MILLISECOND;
}

static bool read_facts(const char *text, struct stuck_facts *facts)
{
	char state[24];

	*facts = (struct stuck_facts){
		.held = control_true(text, "held"),
		.unsent = octets(text, "unsent", 0),
		.unacked = octets(text, "unacked", 0),
		.unread = octets(text, "unread", 0),
		.snd_wnd = octets(text, "snd_wnd", 1),
		.rcv_wnd = octets(text, "rcv_wnd", 1),
		.mss = octets(text, "mss", 0),
		.retransmits = octets(text, "retrans", 0),
		.probes = octets(text, "probes", 0),
		.keepalive_probes = octets(text, "keepalive_probes", 0),
		.idle = time_in(text, "idle_ms"),
		.retransmit_in = time_in(text, "retransmit_in_ms"),
		.persist_in = time_in(text, "persist_in_ms"),
		.keepalive_in = time_in(text, "keepalive_in_ms"),
		.user_timeout_in = time_in(text, "user_timeout_in_ms"),
		.orphan_in = time_in(text, "orphan_in_ms"),
		.until_in = time_in(text, "until_in_ms"),
	};
	return control_field(text, "state", state, sizeof state) == 0 && state_by_name(state, &facts->state);
}

static void print_end(const char *text, const char *address, const char *port)
{
	char name[64] = "";

	(void)control_field(text, address, name, sizeof name);
	printf(strchr(name, ':') ? "[%s]:%" PRId64 : "%s:%" PRId64, name, control_number(text, port, 0));
}

static void print_json(const char *text, const struct stuck_facts *facts, const char *sentence)
{
	const enum stuck_kind kind = stuck_kind_of(facts);
	const tern_time	      ends = stuck_ends_in(facts);

	fputs("{\"local\":\"", stdout);
	print_end(text, "local", "local_port");
	fputs("\",\"peer\":\"", stdout);
	print_end(text, "remote", "remote_port");
	printf("\",\"state\":\"%s\",\"waits\":\"%s\",\"who\":\"%s\",\"well\":%s,\"quiet_ms\":",
	       tern_state_name(facts->state), stuck_kind_name(kind), stuck_who_name(stuck_who_of(kind)),
	       stuck_is_well(kind) ? "true" : "false");
	if (facts->idle == TERN_NEVER)
		fputs("null", stdout);
	else
		printf("%" PRId64, facts->idle / TERN_MILLISECOND);
	if (ends == TERN_NEVER)
		fputs(",\"ends_in_ms\":null", stdout);
	else
		printf(",\"ends_in_ms\":%" PRId64, ends / TERN_MILLISECOND);
	printf(",\"line\":\"%s\"}\n", sentence);
}

static void take_line(void *context, const char *text)
{
	struct view *const view = context;
	struct stuck_facts facts;
	char		   sentence[256];

	if (!read_facts(text, &facts) || (!view->all && stuck_is_well(stuck_kind_of(&facts))))
		return;
	view->n++;
	(void)stuck_line(sentence, sizeof sentence, &facts, view->language);
	if (view->json) {
		print_json(text, &facts, sentence);
		return;
	}
	printf("%-12s ", tern_state_name(facts.state));
	print_end(text, "remote", "remote_port");
	fputs(" > ", stdout);
	print_end(text, "local", "local_port");
	printf("  %s\n", sentence);
}

/* ---- the command line ---- */

static bool take(const struct option_line *line, struct view *view, const struct option_word *word,
		 const char *value)
{
	switch (word->id) {
	case OPTION_ALL: view->all = true; return true;
	case OPTION_JSON: view->json = true; return true;
	case OPTION_LANG:
		return explain_language_by_name(value, &view->language) ||
		       line_not(line, word, value, "en or zh");
	default: view->help = true; return true;
	}
}

static int run(struct view *view, int n, char *const paths[])
{
	int worst = TOOL_OK;

	for (int i = 0; i < n; i++) {
		const int code = control_ask(command, paths[i], "{\"do\":\"sockets\"}\n", take_line, view);
		worst = code > worst ? code : worst;
	}
	if (view->n == 0 && worst == TOOL_OK && !view->json)
		puts(view->language == EXPLAIN_ZH ? "没有连接在等待什么" : "nothing waits for anything");
	return tool_flushed(command) ? worst : TOOL_NOT_AS_EXPECTED;
}

int tool_stuck(int n, char *const arguments[])
{
	char			 why[160];
	const struct option_line line = {
		.command = "tern stuck",
		.table = { { known, sizeof known / sizeof known[0] } },
		.letter = { { 'a', OPTION_ALL }, { 'h', OPTION_HELP } },
		.why = why,
		.room = sizeof why,
	};
	struct view view = { .language = explain_language_by_locale() };
	int	    i = 0;

	while (i < n && arguments[i][0] == '-') {
		const struct option_word *word;
		const char		 *value;
		const int		  took = line_take(&line, n - i, arguments + i, &word, &value);
		if (took == 0 || !take(&line, &view, word, value))
			return tool_wrong(command, "%s", why);
		i += took;
	}
	if (view.help) {
		usage(&line);
		return tool_flushed(command) ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
	}
	if (i == n)
		return tool_wrong(command, "it takes the control sockets of gateways: tern stuck PATH... "
					   "(see tern stuck --help)");
	return run(&view, n - i, arguments + i);
}
