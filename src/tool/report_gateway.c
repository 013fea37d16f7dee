/* tern report of a running gateway: what it keeps of its connections (tern gateway --history), asked over its control
 * socket, and how each of them stands now. */
#include "tool/control_client.h"
#include "tool/report.h"
#include "tool/stuck.h"
#include "tool/tool.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { EVENTS_MAX = 256 << 20 }; /* octets that are taken of an answer */

struct known {
	uint32_t conn;
	char	 peer[56], local[56];
};

struct asking {
	struct report *report;
	struct known  *known; /* the connections that are told of */
	size_t	       n, room;
	size_t	       octets;
	int64_t	       now;
	int64_t	       connections, events, left_out, forgotten;
	bool	       no_memory, too_long;
};

bool report_is_gateway(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISSOCK(info.st_mode);
}

static void know(struct asking *asking, const char *text)
{
	struct known known;

	static const char form[] =
		"{\"v\":1,\"ev\":\"connection\",\"conn\":%" SCNu32 ",\"ends\":[\"%55[^\"]\",\"%55[^\"]\"";

	if (sscanf(text, form, &known.conn, known.peer, known.local) != 3)
		return;
	if (asking->n == asking->room) {
		const size_t	    room = asking->room ? 2 * asking->room : 64;
		struct known *const moved = realloc(asking->known, room * sizeof *moved);

		if (!moved) {
			asking->no_memory = true;
			return;
		}
		asking->known = moved;
		asking->room = room;
	}
	asking->known[asking->n++] = known;
}

/* A line of {"do":"history"}. */
static void take_event(void *context, const char *text)
{
	struct asking *const asking = context;
	const size_t	     n = strlen(text);

	if (strncmp(text, "{\"now\":", 7) == 0) {
		asking->now = control_number(text, "now", 0);
		asking->connections = control_number(text, "connections", 0);
		asking->events = control_number(text, "events", 0);
		asking->left_out = control_number(text, "left_out", 0);
		asking->forgotten = control_number(text, "forgotten", 0);
		return;
	}
	if (asking->octets + n > EVENTS_MAX) {
		asking->too_long = true;
		return;
	}
	asking->octets += n;
	know(asking, text);
	report_put(asking->report, text, n);
}

static const struct known *find(const struct asking *asking, const struct stuck_row *row)
{
	for (size_t i = 0; i < asking->n; i++)
		if (strcmp(asking->known[i].peer, row->peer) == 0 && strcmp(asking->known[i].local, row->local) == 0)
			return &asking->known[i];
	return NULL;
}

/* A line of {"do":"sockets"}: how it stands, in the words of tern stuck. */
static void take_status(void *context, const char *text)
{
	struct asking *const asking = context;
	struct stuck_row     row;
	char		     sentence[384];

	if (!stuck_gateway_row(&row, text))
		return;
	const struct known *const known = find(asking, &row);
	const enum stuck_kind	  kind = stuck_kind_of(&row.facts);

	if (!known)
		return;
	(void)stuck_line(sentence, sizeof sentence, &row.facts, asking->report->language);
	fprintf(asking->report->events,
		"{\"v\":1,\"t\":%" PRId64 ",\"host\":\"tern\",\"conn\":%" PRIu32
		",\"ev\":\"status\",\"state\":\"%s\",\"waits\":\"%s\",\"who\":\"%s\",\"well\":%s,\"say\":\"",
		asking->now, known->conn, tern_state_name(row.facts.state), stuck_kind_name(kind),
		stuck_who_name(stuck_who_of(kind)), stuck_is_well(kind) ? "true" : "false");
	report_put_string(asking->report, sentence, strlen(sentence));
	fputs("\"}\n", asking->report->events);
}

static void name_it(struct report *report, const struct asking *asking, const char *path)
{
	const bool     zh = report->language == EXPLAIN_ZH;
	const time_t   now = time(NULL);
	struct tm      parts;
	char	       when[40] = "";

	if (gmtime_r(&now, &parts))
		(void)strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", &parts);
	snprintf(report->own_title, sizeof report->own_title, "%s", path);
	snprintf(report->about, sizeof report->about,
		 zh ? "%s：%" PRId64 " 个连接的 %" PRId64 " 个事件；未保留：%" PRId64 " 个事件，%" PRId64 " 个更早的连接"
		    : "%s: %" PRId64 " events of %" PRId64 " connections; not kept: %" PRId64 " events, %" PRId64
		      " earlier connections",
		 when, zh ? asking->connections : asking->events, zh ? asking->events : asking->connections,
		 asking->left_out, asking->forgotten);
}

static int ask(struct asking *asking, const char *path)
{
	int code = control_ask("report", path, "{\"do\":\"history\"}\n", take_event, asking);

	if (code == TOOL_OK)
		code = control_ask("report", path, "{\"do\":\"sockets\"}\n", take_status, asking);
	if (code == TOOL_OK && asking->no_memory)
		code = tool_failed("report", "%s: no memory", path);
	if (code == TOOL_OK && asking->events == 0)
		code = tool_failed("report", "%s: no connection has done anything yet", path);
	if (code == TOOL_OK && asking->too_long)
		(void)tool_failed("report", "%s: more than %d MiB: the rest is not in the page", path,
				  EVENTS_MAX >> 20);
	return code;
}

int report_gateway(struct report *report, const char *path)
{
	struct asking asking = { .report = report };
	const int     code = ask(&asking, path);

	report->source = "gateway";
	report->is_lines = true;
	name_it(report, &asking, path);
	report->nothing = code != TOOL_OK;
	free(asking.known);
	return code;
}
