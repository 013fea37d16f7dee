#include "watch/explain.h"

#include "watch/catalogue.h"
#include "watch/label.h"
#include "watch/plan.h"
#include "watch/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Theory of operation. A line of the timeline has up to four templates in the catalogue (what the segment
 * is for, why it is sent again, what the network does with it, ...); explain_line() fills them in. For a
 * whole run the plan of the ladder gives the order and joins changes of state to what caused them, and a
 * template that has been used is not used again: of a thousand segments of text the first is explained. */

enum {
	TEMPLATES = 4,	  /* that a line can have */
	SAID = 256,	  /* templates remembered as used */
	SENTENCES = 2048, /* bytes of one paragraph */
	INDENT = 4,
	COLUMNS_MIN = 40,
	COLUMNS_MAX = 100, /* longer lines are hard to read */
};

static const struct catalogue *catalogue_of(enum explain_language language)
{
	return language == EXPLAIN_ZH ? &catalogue_zh : &catalogue_en;
}

enum explain_language explain_language_by_locale(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *const value = getenv(names[i]);

		if (value && *value)
			return strncmp(value, "zh", 2) == 0 ? EXPLAIN_ZH : EXPLAIN_EN;
	}
	return EXPLAIN_EN;
}

bool explain_language_by_name(const char *name, enum explain_language *language)
{
	if (strcmp(name, "en") != 0 && strcmp(name, "zh") != 0)
		return false;
	*language = strcmp(name, "zh") == 0 ? EXPLAIN_ZH : EXPLAIN_EN;
	return true;
}

/* ---- one thing each ---- */

static const char *pick(const char *const texts[], size_t n, unsigned i)
{
	return i < n && texts[i] ? texts[i] : "";
}

const char *explain_edge(enum explain_language language, enum tern_state from, enum tern_state to,
			 enum tern_why why)
{
	const struct catalogue *catalogue = catalogue_of(language);

	for (size_t i = 0; i < catalogue->n_edges; i++)
		if (catalogue->edges[i].from == from && catalogue->edges[i].to == to &&
		    catalogue->edges[i].why == why)
			return catalogue->edges[i].text;
	return pick(catalogue->why, TERN_WHYS, (unsigned)why);
}

const char *explain_role(enum explain_language language, enum role role)
{
	return pick(catalogue_of(language)->role, ROLES, (unsigned)role);
}

const char *explain_fate(enum explain_language language, enum tern_fate fate)
{
	return pick(catalogue_of(language)->fate, CATALOGUE_FATES, (unsigned)fate);
}

const char *explain_verdict(enum explain_language language, enum tern_verdict verdict)
{
	return pick(catalogue_of(language)->verdict, TERN_VERDICTS, (unsigned)verdict);
}

const char *explain_timer(enum explain_language language, enum tern_timer timer)
{
	return pick(catalogue_of(language)->timer, TERN_TIMERS, (unsigned)timer);
}

const char *explain_retransmit(enum explain_language language, enum tern_retransmit_why why)
{
	return pick(catalogue_of(language)->retransmit, TERN_RETRANSMIT_WHYS, (unsigned)why);
}

const char *explain_congestion(enum explain_language language, enum tern_congestion_event event)
{
	return pick(catalogue_of(language)->congestion, TERN_CONGESTION_EVENTS, (unsigned)event);
}

const char *explain_note(enum explain_language language, enum tern_note note)
{
	return pick(catalogue_of(language)->note, TERN_NOTES, (unsigned)note);
}

/* ---- filling in ---- */

static const char *host_word(const struct catalogue *catalogue, const struct timeline *timeline,
			     unsigned host, bool begins)
{
	const char *name = timeline->name[host];

	if (strcmp(name, "client") == 0)
		return begins ? catalogue->client_begin : catalogue->client;
	if (strcmp(name, "server") == 0)
		return begins ? catalogue->server_begin : catalogue->server;
	return name;
}

static bool is_word(const char *at, size_t n, const char *word)
{
	return strlen(word) == n && memcmp(at, word, n) == 0;
}

static bool put_segment_value(struct text *out, const struct timeline_line *line, const char *at, size_t n)
{
	const struct tern_watch_segment *seg = &line->event.u.segment;
	const uint32_t			 rseq = line->has_rseq ? line->rseq : seg->seq;
	const uint32_t			 rack = line->has_rack ? line->rack : seg->ack;
	const uint32_t syn = (seg->flags & TERN_SYN) != 0, fin = (seg->flags & TERN_FIN) != 0;
	const struct {
		const char *word;
		uint32_t    value;
	} values[] = {
		{ "seq", rseq },
		{ "ack", rack },
		{ "len", seg->len },
		{ "wnd", seg->wnd },
		{ "last", rseq + syn + seg->len - 1 },
		{ "next", rseq + syn + seg->len + fin },
		{ "fin", rseq + syn + seg->len },
		{ "again", line->again_of },
	};

	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		if (!is_word(at, n, values[i].word))
			continue;
		text_format(out, "%" PRIu32, values[i].value);
		return true;
	}
	return false;
}

static void put_value(struct text *out, const struct catalogue *catalogue, const struct timeline *timeline,
		      size_t i, const char *at, size_t n)
{
	const struct timeline_line    *line = &timeline->lines[i];
	const struct tern_watch_event *event = &line->event;

	if (is_word(at, n, "me") || is_word(at, n, "Me"))
		text_put(out, host_word(catalogue, timeline, line->host, at[0] == 'M'));
	else if (is_word(at, n, "peer") || is_word(at, n, "Peer"))
		text_put(out, host_word(catalogue, timeline, !line->host, at[0] == 'P'));
	else if (line->kind == TIMELINE_STATE && is_word(at, n, "from"))
		text_put(out, tern_state_name(event->u.state.from));
	else if (line->kind == TIMELINE_STATE && is_word(at, n, "to"))
		text_put(out, tern_state_name(event->u.state.to));
	else if (line->kind == TIMELINE_CONGESTION && is_word(at, n, "cwnd"))
		text_format(out, "%" PRIu32, event->u.congestion.cwnd);
	else if (line->kind == TIMELINE_CONGESTION && is_word(at, n, "ssthresh"))
		text_format(out, "%" PRIu32, event->u.congestion.ssthresh);
	else if (line->kind == TIMELINE_NOTE && is_word(at, n, "value"))
		text_format(out, "%" PRIu32, event->u.note.value);
	else if (line->kind > TIMELINE_ARRIVED || !put_segment_value(out, line, at, n))
		text_put(out, "?");
}

static void put_filled(struct text *out, const struct catalogue *catalogue, const struct timeline *timeline,
		       size_t i, const char *template)
{
	while (*template) {
		const size_t plain = strcspn(template, "{");

		text_put_n(out, template, plain);
		template += plain;
		if (!*template)
			return;

		const size_t n = strcspn(++template, "}");

		put_value(out, catalogue, timeline, i, template, n);
		template += n + (template[n] == '}');
	}
}

/* ---- lines ---- */

static size_t sent_templates(const struct catalogue *catalogue, const struct timeline *timeline,
			     const struct timeline_line *line, const char *templates[TEMPLATES])
{
	const struct tern_watch_segment *seg = &line->event.u.segment;
	size_t				 n = 0;

	if (line->forged) {
		templates[n++] = timeline_is_attack(timeline, line) ? catalogue->attack : catalogue->forged;
		return n; /* what it would be for, it is not */
	}
	if (seg->retransmitted && !seg->probe && line->has_why && line->again_of != 0)
		templates[n++] = pick(catalogue->retransmit, TERN_RETRANSMIT_WHYS, (unsigned)line->why);
	templates[n++] = pick(catalogue->role, ROLES, (unsigned)line->role);
	if (line->has_fate && line->fate != TERN_FATE_DELIVERED)
		templates[n++] = pick(catalogue->fate, CATALOGUE_FATES, (unsigned)line->fate);
	return n;
}

static size_t templates_of(enum explain_language language, const struct timeline *timeline, size_t i,
			   const char *templates[TEMPLATES])
{
	const struct timeline_line    *line = &timeline->lines[i];
	const struct catalogue	      *catalogue = catalogue_of(language);
	const struct tern_watch_event *event = &line->event;

	switch (line->kind) {
	case TIMELINE_SENT: return sent_templates(catalogue, timeline, line, templates);
	case TIMELINE_ARRIVED:
		templates[0] = explain_verdict(language, (enum tern_verdict)event->u.segment.verdict);
		return 1;
	case TIMELINE_DROP: templates[0] = explain_verdict(language, event->u.drop.verdict); return 1;
	case TIMELINE_STATE:
		templates[0] =
			explain_edge(language, event->u.state.from, event->u.state.to, event->u.state.why);
		return 1;
	case TIMELINE_TIMER:
		templates[0] = explain_timer(language, event->u.timer.timer);
		return event->u.timer.action == TERN_TIMER_FIRED;
	case TIMELINE_RETRANSMIT: return 0; /* told with the segment, which knows its number */
	case TIMELINE_CONGESTION:
		templates[0] = explain_congestion(language, event->u.congestion.event);
		return 1;
	case TIMELINE_NOTE: templates[0] = explain_note(language, event->u.note.note); return 1;
	case TIMELINE_ICMP: templates[0] = catalogue->icmp; return 1;
	default: return 0;
	}
}

size_t explain_line(char *to, size_t size, const struct timeline *timeline, size_t i,
		    enum explain_language language)
{
	const char  *templates[TEMPLATES];
	const size_t n = templates_of(language, timeline, i, templates);
	struct text  out;

	text_init(&out, to, size);
	for (size_t k = 0; k < n; k++) {
		if (k > 0 && language == EXPLAIN_EN)
			text_put(&out, " ");
		put_filled(&out, catalogue_of(language), timeline, i, templates[k]);
	}
	return out.n;
}

/* ---- a run ---- */

struct telling {
	FILE			     *to;
	const struct timeline	     *timeline;
	const struct explain_options *options;
	const struct catalogue	     *catalogue;
	const char		     *said[SAID];
	size_t			      n_said;
	char			      heading[256]; /* waits for the first paragraph under it */
	unsigned		      columns;
	bool			      has_begun;
};

/* True the first time. */
static bool is_news(struct telling *telling, const char *template)
{
	for (size_t i = 0; i < telling->n_said; i++)
		if (telling->said[i] == template)
			return false;
	if (telling->n_said < SAID)
		telling->said[telling->n_said++] = template;
	return true;
}

static void paragraph(struct telling *telling, const char *text)
{
	if (telling->heading[0]) {
		fprintf(telling->to, telling->options->colour ? "%s\x1b[1m%s\x1b[0m\n" : "%s%s\n",
			telling->has_begun ? "\n" : "", telling->heading);
		telling->has_begun = true;
		telling->heading[0] = 0;
	}
	while (*text) {
		const char  *next;
		const size_t n = text_line(text, telling->columns - INDENT, &next);

		fprintf(telling->to, "%*s%.*s\n", INDENT, "", (int)n, text);
		text = next;
	}
}

/* As the ladder has it above, or in Chinese. */
static const char *name_of(const struct telling *telling, unsigned host)
{
	if (telling->options->language == EXPLAIN_ZH)
		return host_word(telling->catalogue, telling->timeline, host, false);
	return telling->timeline->name[host];
}

static const char *arrow(const struct telling *telling)
{
	return telling->options->ascii ? "->" : "►";
}

static void head_sent(struct telling *telling, size_t i)
{
	const struct timeline_line *line = &telling->timeline->lines[i];
	const unsigned		    step = role_step(line->role);
	struct label_before	    before[TIMELINE_HOSTS] = { 0 };
	struct label		    label;
	struct text		    out;

	label_sent(&label, telling->timeline, i, false, before);
	text_init(&out, telling->heading, sizeof telling->heading);
	text_format(&out, "%3" PRIu32 " %s %s %s  %s", line->n, name_of(telling, line->host), arrow(telling),
		    name_of(telling, !line->host), label.token[0]);
	if (step == 0)
		return;
	text_put(&out, telling->options->language == EXPLAIN_ZH ? "（" : "  (");
	text_format(&out, telling->catalogue->of_seven, step);
	text_put(&out, telling->options->language == EXPLAIN_ZH ? "）" : ")");
}

static void head_arrived(struct telling *telling, size_t i)
{
	const struct timeline_line *line = &telling->timeline->lines[i];
	struct text		    out;

	text_init(&out, telling->heading, sizeof telling->heading);
	text_put(&out, "    ");
	text_format(&out, telling->catalogue->arrives, line->n,
		    host_word(telling->catalogue, telling->timeline, line->host, false));
}

static void head_local(struct telling *telling, size_t i)
{
	char	    words[LABEL_TEXT];
	struct text out;

	text_init(&out, telling->heading, sizeof telling->heading);
	text_format(&out, "    %s: %s", name_of(telling, telling->timeline->lines[i].host),
		    label_local(words, telling->timeline, i));
}

/* What goes without saying: an arrival that was taken, or whose change of state says it. */
static bool is_silent(const struct timeline_line *line)
{
	if (line->kind == TIMELINE_CONGESTION)
		return line->event.u.congestion.event == TERN_CONGESTION_INIT;
	if (line->kind != TIMELINE_ARRIVED)
		return false;
	switch (line->event.u.segment.verdict) {
	case TERN_VERDICT_ACCEPTED:
	case TERN_VERDICT_NEW_CONNECTION:
	case TERN_VERDICT_REFUSED: return true;
	default: return false;
	}
}

static void tell_line(struct telling *telling, size_t i)
{
	const char  *templates[TEMPLATES];
	const size_t n = templates_of(telling->options->language, telling->timeline, i, templates);
	char	     sentences[SENTENCES];
	struct text  out;

	text_init(&out, sentences, sizeof sentences);
	for (size_t k = 0; k < n && !is_silent(&telling->timeline->lines[i]); k++) {
		if (!is_news(telling, templates[k]))
			continue;
		if (out.n > 0 && telling->options->language == EXPLAIN_EN)
			text_put(&out, " ");
		put_filled(&out, telling->catalogue, telling->timeline, i, templates[k]);
	}
	if (out.n > 0)
		paragraph(telling, sentences);
}

static void tell_state(struct telling *telling, const struct plan_item *item)
{
	const struct timeline_line *line = &telling->timeline->lines[item->state_line];
	const bool		    chinese = telling->options->language == EXPLAIN_ZH;
	const char		   *templates[TEMPLATES];
	char			    sentences[SENTENCES];
	struct text		    out;

	text_init(&out, sentences, sizeof sentences);
	text_format(&out, "%s%s%s %s %s%s", name_of(telling, line->host), chinese ? "：" : ": ",
		    tern_state_name(line->event.u.state.from), arrow(telling),
		    tern_state_name(line->event.u.state.to), chinese ? "。" : ". ");
	(void)templates_of(telling->options->language, telling->timeline, item->state_line, templates);
	if (is_news(telling, templates[0]))
		put_filled(&out, telling->catalogue, telling->timeline, item->state_line, templates[0]);
	else
		text_put(&out, telling->catalogue->likewise);
	paragraph(telling, sentences);
}

static void tell_item(struct telling *telling, const struct plan_item *item, const struct plan_item *before)
{
	const struct timeline_line *line = &telling->timeline->lines[item->line];

	switch (item->kind) {
	case PLAN_SENT: head_sent(telling, item->line); break;
	case PLAN_ARRIVED:
		if (!before || before->kind != PLAN_SENT || (long)before->line != line->sent)
			head_arrived(telling, item->line);
		break;
	case PLAN_LOCAL: head_local(telling, item->line); break;
	default: break;
	}
	if (item->kind == PLAN_SENT && item->has_state)
		tell_state(telling, item);
	if (item->kind == PLAN_SENT || item->kind == PLAN_ARRIVED || item->kind == PLAN_LOCAL)
		tell_line(telling, item->line);
	if (item->kind != PLAN_SENT && item->has_state)
		tell_state(telling, item);
}

void explain_write(FILE *to, const struct timeline *timeline, const struct explain_options *options)
{
	struct telling telling = {
		.to = to,
		.timeline = timeline,
		.options = options,
		.catalogue = catalogue_of(options->language),
		.columns = options->columns ? options->columns : 80,
	};
	struct plan plan;

	if (telling.columns < COLUMNS_MIN)
		telling.columns = COLUMNS_MIN;
	if (telling.columns > COLUMNS_MAX)
		telling.columns = COLUMNS_MAX;
	if (!plan_make(&plan, timeline, false))
		return;
	for (size_t i = 0; i < plan.n; i++)
		tell_item(&telling, &plan.items[i], i > 0 ? &plan.items[i - 1] : NULL);
	plan_done(&plan);
}
