/* tern stuck, of a capture: what each connection that lives at its end waits for, as far as that shows. */
#include "tool/capture.h"
#include "tool/stuck.h"
#include "tool/tool.h"
#include "trace/wait.h"
#include "watch/label.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct reading {
	struct capture	   capture;
	struct stuck_view *view;
	const char	  *path;
	bool		   ending, has_said; /* ending: the capture has been read; has_said: whose words these are */
	uint64_t	   one_sided;
};

static void name_ends(struct stuck_row *row, const struct trace_flow *flow, unsigned side,
		      enum explain_language language)
{
	static const char *const opener[EXPLAIN_LANGUAGES] = { "the client", "客户端" },
			  *const other[EXPLAIN_LANGUAGES] = { "the server", "服务器" };
	const struct tern_tuple *const t = &flow->tuple;

	(void)label_endpoint(side == 0 ? row->local : row->peer, &t->local, t->local_port);
	(void)label_endpoint(side == 0 ? row->peer : row->local, &t->remote, t->remote_port);
	row->is_opener = side == 0;
	row->names[0] = side == 0 ? opener[language] : other[language];
	row->names[1] = side == 0 ? other[language] : opener[language];
	if (flow->opener_known)
		return;
	row->names[0] = row->local;
	row->names[1] = row->peer;
}

static void take_flow(void *context, struct trace_flow *flow)
{
	struct reading *const reading = context;
	struct stuck_row      row = { .source = "capture", .conn = flow->number, .is_inferred = true };
	struct trace_wait     wait;

	if (!reading->ending) /* it was over, or silent for days, while others went on */
		return;
	trace_wait_of(&wait, flow, reading->capture.flows.now);
	if (wait.is_over)
		return;
	if (wait.is_one_sided) {
		reading->one_sided++;
		return;
	}
	row.facts = wait.facts;
	row.is_proved = flow->end[wait.side].is_proved;
	name_ends(&row, flow, wait.side, reading->view->language);
	if (!reading->has_said && !reading->view->json &&
	    (reading->view->all || !stuck_is_well(stuck_kind_of(&row.facts)))) {
		reading->has_said = true;
		if (reading->view->language == EXPLAIN_ZH)
			printf("%s：由抓包推断；最后一个包的时刻算作现在\n", reading->path);
		else
			printf("%s: inferred from the capture; its last packet is now\n", reading->path);
	}
	stuck_show(reading->view, &row);
}

int stuck_capture(struct stuck_view *view, const char *path)
{
	struct reading reading = {
		.capture = { .command = "stuck", .flows = { .done = take_flow, .context = &reading } },
		.view = view,
		.path = strcmp(path, "-") == 0 ? "standard input" : path,
	};

	if (!capture_begin(&reading.capture))
		return tool_failed("stuck", "cannot begin: %s", strerror(errno));
	const int code = capture_read(&reading.capture, path);

	reading.ending = true;
	capture_end(&reading.capture, code == TOOL_OK);
	if (reading.one_sided > 0)
		(void)tool_failed("stuck",
				  "%s: of %" PRIu64 " connections only one direction was captured: what they wait for "
				  "does not show",
				  reading.path, reading.one_sided);
	return code == TOOL_OK ? reading.capture.code : code;
}
