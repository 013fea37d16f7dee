/* tern report: a timeline as the page's events: JSON lines, with the headers of segments and the sentences
 * beside them, and the ladder as text. */
#include "tool/report.h"
#include "watch/jsonl.h"
#include "watch/ladder.h"
#include <string.h>

enum { SENTENCES = 1024, COLUMNS = 120 };

/* Sentences are long: where there are many lines, only what is not a plain segment gets one. */
static bool is_said(const struct timeline *timeline, const struct timeline_line *line)
{
	if (line->kind == TIMELINE_TIMER)
		return line->event.u.timer.action == TERN_TIMER_FIRED;
	if (timeline->n <= REPORT_SAID)
		return true;
	return line->kind != TIMELINE_SENT && line->kind != TIMELINE_ARRIVED;
}

static void put_sentence(struct report *report, size_t i, const struct timeline *timeline)
{
	char	     text[SENTENCES];
	const size_t n = explain_line(text, sizeof text, timeline, i, report->language);

	if (n == 0)
		return;
	fputs(",\"say\":\"", report->events);
	report_put_string(report, text, n);
	fputs("\"", report->events);
}

static void put_header(struct report *report, const struct report_telling *telling,
		       const struct timeline_line *line)
{
	const struct report_header *const header =
		telling->header ? telling->header(telling->context, line) : NULL;

	if (!header || header->n == 0)
		return;
	fputs(",\"hdr\":\"", report->events);
	for (unsigned i = 0; i < header->n; i++)
		fprintf(report->events, "%02x", header->bytes[i]);
	fputs("\"", report->events);
}

int report_tell(struct report *report, const struct report_telling *telling)
{
	const struct timeline *const timeline = telling->timeline;
	char			     line[JSONL_LINE];

	for (size_t i = 0; i < timeline->n; i++) {
		const size_t n = jsonl_line(line, timeline, i);

		report_put(report, line, n - 2); /* without "}\n" */
		if (timeline->lines[i].kind == TIMELINE_SENT)
			put_header(report, telling, &timeline->lines[i]);
		if (is_said(timeline, &timeline->lines[i]))
			put_sentence(report, i, timeline);
		fputs("}\n", report->events);
	}
	return ladder_write(report->ladder, timeline,
			    &(struct ladder_options){ .columns = COLUMNS, .silence = TERN_SECOND });
}
