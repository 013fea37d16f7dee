#include "watch/picture.h"

#include "watch/text.h"

#include <inttypes.h>
#include <stdio.h>

enum { LABEL_COLUMNS = 64 }; /* what an arrow has room for */

bool picture_begin(struct picture *picture, const struct timeline *timeline, const struct ladder_svg_options *options)
{
	*picture = (struct picture){ .timeline = timeline, .options = options };
	if (!plan_make(&picture->plan, timeline, options->all))
		return false;
	picture->start = timeline->n > 0 ? timeline->lines[0].event.now : 0;
	for (size_t i = 0; i < timeline->n; i++)
		picture->several = picture->several || timeline->lines[i].conn > 1;
	if (picture->plan.n > LADDER_SVG_ROWS && !options->all) {
		picture->cut_from = LADDER_SVG_ROWS / 2;
		picture->cut_to = picture->plan.n - LADDER_SVG_ROWS / 2;
	}
	return true;
}

void picture_done(struct picture *picture)
{
	plan_done(&picture->plan);
}

tern_time picture_silence(const struct picture *picture, size_t i)
{
	const struct plan_item *const items = picture->plan.items;

	if (i == 0 || picture->options->silence == 0 || items[i].t - items[i - 1].t < picture->options->silence)
		return 0;
	return items[i].t - items[i - 1].t;
}

static unsigned columns_of(const struct label *label)
{
	unsigned columns = 0;

	for (unsigned i = 0; i < label->n; i++)
		columns += text_columns(label->token[i]) + 1;
	return columns;
}

void picture_sent(struct picture *picture, char to[PICTURE_WORDS], const struct plan_item *item)
{
	struct label label;
	struct text  text;

	label_sent(&label, picture->timeline, item->line, picture->several, picture->before);
	while (columns_of(&label) > LABEL_COLUMNS && label_shorten(&label))
		;
	text_init(&text, to, PICTURE_WORDS);
	text_format(&text, "%" PRIu32, picture->timeline->lines[item->line].n);
	for (unsigned i = 0; i < label.n; i++)
		text_format(&text, " %s", label.token[i]);
}

void picture_fold(char to[PICTURE_WORDS], const struct plan_item *item)
{
	(void)snprintf(to, PICTURE_WORDS, "… %" PRIu32 " more segments (%" PRIu32 "-%" PRIu32 "), %" PRIu64 " octets",
		       item->segments[0] + item->segments[1], item->first, item->last,
		       item->octets[0] + item->octets[1]);
}

void picture_cut(const struct picture *picture, char to[PICTURE_WORDS])
{
	uint64_t segments = 0;
	char	 span[24];

	for (size_t i = picture->cut_from; i < picture->cut_to; i++) {
		const struct plan_item *const item = &picture->plan.items[i];

		segments += item->kind == PLAN_SENT;
		if (item->kind == PLAN_FOLD)
			segments += item->segments[0] + item->segments[1];
	}
	(void)snprintf(to, PICTURE_WORDS, "… %" PRIu64 " segments of %s are left out (--all draws them)", segments,
		       label_span(span, picture->plan.items[picture->cut_to].t -
						picture->plan.items[picture->cut_from].t));
}

void picture_state(const struct picture *picture, char to[PICTURE_WORDS], const struct plan_item *item)
{
	const enum tern_basis basis = picture->timeline->lines[item->state_line].event.basis;
	const char *const     before = basis == TERN_BASIS_INFERRED ? "(" : basis == TERN_BASIS_UNSEEN ? "[" : "";
	const char *const     behind = basis == TERN_BASIS_INFERRED ? ")" : basis == TERN_BASIS_UNSEEN ? "]" : "";
	char		      number[16] = "";

	if (picture->several && item->conn != 0)
		(void)snprintf(number, sizeof number, "#%" PRIu32 " ", item->conn);
	(void)snprintf(to, PICTURE_WORDS, "%s%s%s%s", number, before, tern_state_name(item->state), behind);
}

void picture_endpoint(const struct timeline *timeline, unsigned host, char to[56])
{
	to[0] = 0;
	for (size_t i = 0; i < timeline->n; i++) {
		const struct timeline_line *const line = &timeline->lines[i];
		const struct tern_tuple *const	  tuple = &line->event.tuple;

		if (line->kind != TIMELINE_SENT || line->forged)
			continue;
		if (line->host == host)
			(void)label_endpoint(to, &tuple->local, tuple->local_port);
		else
			(void)label_endpoint(to, &tuple->remote, tuple->remote_port);
		return;
	}
}

bool picture_first_state(const struct timeline *timeline, unsigned host, enum tern_state *state)
{
	for (size_t i = 0; i < timeline->n; i++) {
		if (timeline->lines[i].kind != TIMELINE_STATE || timeline->lines[i].host != host)
			continue;
		*state = timeline->lines[i].event.u.state.from;
		return true;
	}
	return false;
}
