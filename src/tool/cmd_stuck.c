/* tern stuck: what each connection waits for, who has to act, since when, and what ends it; of running gateways, of
 * recordings, of captures. */
#include "gateway/control.h"
#include "option/line.h"
#include "tool/control_client.h"
#include "tool/stuck.h"
#include "tool/tool.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum option { OPTION_ALL, OPTION_HELP, OPTION_JSON, OPTION_LANG, OPTION_TO };

static const struct option_word known[] = {
	{ "all", NULL, "those that are well too", OPTION_ALL },
	{ "json", NULL, "as JSON lines", OPTION_JSON },
	{ "lang", "LANG", "en or zh (else by locale)", OPTION_LANG },
	{ "to", "N", "of a recording: as it is after input N (else at its end)", OPTION_TO },
	{ "help", NULL, "this", OPTION_HELP },
};

static const char command[] = "stuck";

static void usage(const struct option_line *line)
{
	fputs("usage: tern stuck [OPTION...] PATH...\n"
	      "\n"
	      "One line for each connection that waits for something: what it waits for, who has to act, since when,\n"
	      "and what will end it. PATH is the control socket of a running gateway (tern gateway --control), a\n"
	      "recording (tern record), or a capture (pcap or pcapng; - is standard input).\n"
	      "\n"
	      "Of a gateway, tern's own program is whom it talks to for the guest, and the peer is the guest. Of a\n"
	      "recording both ends are asked. Of a capture all is inferred, and its last packet is the present.\n"
	      "\n",
	      stdout);
	line_help(line, 14, stdout);
	fputs("\n"
	      "Exit status: 0; 1 a gateway is not there, or a file is not whole; 2 the command line or a file is\n"
	      "wrong.\n"
	      "\n"
	      "Examples:\n"
	      "  tern stuck /run/user/1000/web.tern\n"
	      "  tern stuck web.pcap\n"
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

static void take_end(char to[64], const char *text, const char *address, const char *port)
{
	char name[48] = "";

	(void)control_field(text, address, name, sizeof name);
	(void)snprintf(to, 64, strchr(name, ':') ? "[%s]:%" PRId64 : "%s:%" PRId64, name,
		       control_number(text, port, 0));
}

bool stuck_gateway_row(struct stuck_row *row, const char *text)
{
	*row = (struct stuck_row){ .source = "gateway" };
	if (!read_facts(text, &row->facts))
		return false;
	take_end(row->local, text, "local", "local_port");
	take_end(row->peer, text, "remote", "remote_port");
	return true;
}

static void take_line(void *context, const char *text)
{
	struct stuck_row row;

	if (stuck_gateway_row(&row, text))
		stuck_show(context, &row);
}

/* ---- the command line ---- */

static bool take(const struct option_line *line, struct stuck_view *view, const struct option_word *word,
		 const char *value)
{
	switch (word->id) {
	case OPTION_ALL: view->all = true; return true;
	case OPTION_JSON: view->json = true; return true;
	case OPTION_LANG:
		return explain_language_by_name(value, &view->language) ||
		       line_not(line, word, value, "en or zh");
	case OPTION_TO: return line_number(line, word, value, 1, UINT64_MAX, &view->to);
	default: view->help = true; return true;
	}
}

static int look(struct stuck_view *view, const char *path)
{
	struct stat info;

	if (strcmp(path, "-") == 0)
		return stuck_capture(view, path);
	if (stat(path, &info) != 0 || S_ISSOCK(info.st_mode))
		return control_ask(command, path, "{\"do\":\"sockets\"}\n", take_line, view);
	if (S_ISREG(info.st_mode) && stuck_is_recording(path))
		return stuck_recording(view, path);
	return stuck_capture(view, path);
}

static int run(struct stuck_view *view, int n, const char *const paths[])
{
	int worst = TOOL_OK;

	for (int i = 0; i < n; i++) {
		const int code = look(view, paths[i]);
		worst = code > worst ? code : worst;
	}
	if (view->n == 0 && worst == TOOL_OK && !view->json)
		puts(view->language == EXPLAIN_ZH ? "没有连接在等待什么" : "nothing waits for anything");
	return tool_flushed(command) ? worst : TOOL_NOT_AS_EXPECTED;
}

/* paths: room for n. */
static int stuck(int n, char *const arguments[], const char *paths[])
{
	char			 why[160];
	const struct option_line line = {
		.command = "tern stuck",
		.table = { { known, sizeof known / sizeof known[0] } },
		.letter = { { 'a', OPTION_ALL }, { 'h', OPTION_HELP } },
		.why = why,
		.room = sizeof why,
	};
	struct stuck_view view = { .language = explain_language_by_locale() };
	int		  n_paths = 0;

	for (int i = 0, took = 0; i < n; i += took) {
		const struct option_word *word;
		const char		 *value;

		if (arguments[i][0] != '-' || arguments[i][1] == '\0') {
			paths[n_paths++] = arguments[i];
			took = 1;
			continue;
		}
		took = line_take(&line, n - i, arguments + i, &word, &value);
		if (took == 0 || !take(&line, &view, word, value))
			return tool_wrong(command, "%s", why);
	}
	if (view.help) {
		usage(&line);
		return tool_flushed(command) ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
	}
	if (n_paths == 0)
		return tool_wrong(command, "of which connections? The control socket of a gateway, a "
					   "recording or a capture: tern stuck PATH... "
					   "(see tern stuck --help)");
	return run(&view, n_paths, paths);
}

int tool_stuck(int n, char *const arguments[])
{
	const char **const paths = calloc((size_t)n + 1, sizeof *paths);
	const int	   code = paths ? stuck(n, arguments, paths) : tool_failed(command, "no memory");

	free(paths);
	return code;
}
