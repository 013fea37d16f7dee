#include "watch/ladder.h"

#include "watch/arrow.h"
#include "watch/drawing.h"
#include "watch/text.h"

#include <inttypes.h>

enum { TIME_MIN = 7 }; /* "seconds" */

static void draw_local(struct drawing *l, const struct plan_item *item)
{
	char text[LABEL_TEXT];

	label_local(text, l->timeline, item->line);
	drawing_words(l, item->host, text, CANVAS_WARN, item);
}

/* A row on which both lifelines are broken. */
static void draw_pause(struct drawing *l, const char *words)
{
	struct gap     gap = drawing_widest(l, 1, l->area - 1);
	const unsigned n = text_columns(words);

	if (n < gap.n)
		gap = (struct gap){ gap.from + (gap.n - n) / 2, n };
	drawing_begin_row(l);
	canvas_sign(&l->canvas, l->left, CANVAS_ELLIPSIS, CANVAS_PLAIN);
	canvas_sign(&l->canvas, l->right, CANVAS_ELLIPSIS, CANVAS_PLAIN);
	drawing_put_words(l, gap, 0, words, CANVAS_DIM);
	canvas_write(&l->canvas, l->to);
}

static void draw_fold(struct drawing *l, const struct plan_item *item)
{
	const struct gap gap = drawing_widest(l, 1, l->area - 1);
	char	    words[LABEL_TEXT];
	struct text text;

	text_init(&text, words, sizeof words);
	text_format(&text, "%s %" PRIu32 " more segments (%" PRIu32 "-%" PRIu32 ")",
		    l->options->ascii ? "..." : "…", item->segments[0] + item->segments[1], item->first,
		    item->last);
	if (item->octets[0] + item->octets[1] > 0 && text_columns(words) + 18 < gap.n)
		text_format(&text, ", %" PRIu64 " octets", item->octets[0] + item->octets[1]);

	draw_pause(l, words);
}

/* The time that passes before an item, where it is long. */
static void draw_silence(struct drawing *l, tern_time span)
{
	char words[LABEL_TEXT], text[24];

	(void)snprintf(words, sizeof words, "%s %s %s", l->options->ascii ? "..." : "…", label_span(text, span),
		       "in which nothing is seen");
	draw_pause(l, words);
}

/* ---- the whole ---- */

static void put_centred(struct drawing *l, unsigned middle, const char *text, enum canvas_colour colour)
{
	const unsigned n = text_columns(text);
	unsigned       at = middle > n / 2 ? middle - n / 2 : 0;

	if (at + n > l->canvas.columns)
		at = l->canvas.columns > n ? l->canvas.columns - n : 0;
	canvas_text(&l->canvas, at, text, colour);
}

static const struct tern_tuple *first_tuple(const struct timeline *timeline, unsigned *host)
{
	for (size_t i = 0; i < timeline->n; i++) {
		if (timeline->lines[i].kind != TIMELINE_SENT || timeline->lines[i].forged)
			continue;
		*host = timeline->lines[i].host;
		return &timeline->lines[i].event.tuple;
	}
	return NULL;
}

/* Names, addresses, and the states that both ends begin in. */
static void draw_head(struct drawing *l)
{
	unsigned		 host = 0;
	const struct tern_tuple *tuple = first_tuple(l->timeline, &host);
	char			 end[56];

	canvas_clear(&l->canvas);
	put_centred(l, l->left, l->timeline->name[0], CANVAS_BOLD);
	put_centred(l, l->right, l->timeline->name[1], CANVAS_BOLD);
	canvas_write(&l->canvas, l->to);

	canvas_clear(&l->canvas);
	canvas_text(&l->canvas, l->time - TIME_MIN, "seconds", CANVAS_DIM);
	if (tuple) {
		const bool swap = host == 1;

		put_centred(l, l->left,
			    label_endpoint(end, swap ? &tuple->remote : &tuple->local,
					   swap ? tuple->remote_port : tuple->local_port),
			    CANVAS_PLAIN);
		put_centred(l, l->right,
			    label_endpoint(end, swap ? &tuple->local : &tuple->remote,
					   swap ? tuple->local_port : tuple->remote_port),
			    CANVAS_PLAIN);
	}
	canvas_write(&l->canvas, l->to);

	drawing_begin_row(l);
	for (unsigned side = 0; side < TIMELINE_HOSTS; side++) {
		for (size_t i = 0; i < l->timeline->n; i++) {
			const struct timeline_line *line = &l->timeline->lines[i];

			if (line->kind != TIMELINE_STATE || line->host != side)
				continue;
			drawing_put_state(l, side, line->event.u.state.from, TERN_BASIS_TOLD, 0);
			break;
		}
	}
	canvas_write(&l->canvas, l->to);
}

static void lay_out(struct drawing *l)
{
	unsigned columns = l->options->columns ? l->options->columns : 80;
	unsigned margin = 6, tag = 3, marks = 0; /* tag: "#1 "; marks: around what is not proved */
	char	 text[24];

	if (columns < LADDER_COLUMNS_MIN)
		columns = LADDER_COLUMNS_MIN;
	if (columns > LADDER_COLUMNS_MAX)
		columns = LADDER_COLUMNS_MAX;
	for (size_t i = 0; i < l->timeline->n; i++) {
		const struct timeline_line *line = &l->timeline->lines[i];

		if (line->conn > 1)
			l->several = true;
		if (line->conn > 9)
			tag = line->conn > 99 ? 5 : 4;
		if (line->kind != TIMELINE_STATE)
			continue;
		if (line->event.basis == TERN_BASIS_INFERRED || line->event.basis == TERN_BASIS_UNSEEN)
			marks = 2;
		if (text_columns(tern_state_name(line->event.u.state.to)) > margin)
			margin = text_columns(tern_state_name(line->event.u.state.to));
		if (text_columns(tern_state_name(line->event.u.state.from)) > margin)
			margin = text_columns(tern_state_name(line->event.u.state.from));
	}
	margin += marks;
	if (l->several)
		margin += tag;
	l->start = l->timeline->n > 0 ? l->timeline->lines[0].event.now : 0;
	l->time = TIME_MIN;
	if (l->timeline->n > 0) {
		drawing_time(text, l->timeline->lines[l->timeline->n - 1].event.now - l->start);
		if (text_columns(text) > l->time)
			l->time = text_columns(text);
	}
	l->left = l->time + 1 + margin + 1;
	l->right = columns - margin - 2;
	l->area = l->right - l->left - 1;
	l->canvas = (struct canvas){
		.columns = columns,
		.ascii = l->options->ascii,
		.colour = l->options->colour,
	};
	for (unsigned i = 0; i < LADDER_COLUMNS_MAX; i++)
		l->lane[i] = TIMELINE_NONE;
}

int ladder_write(FILE *to, const struct timeline *timeline, const struct ladder_options *options)
{
	struct drawing l = { .timeline = timeline, .options = options, .to = to };
	tern_time      last = 0; /* of the item before */

	if (!plan_make(&l.plan, timeline, options->all))
		return -TERN_ENOMEM;
	lay_out(&l);
	draw_head(&l);
	for (size_t i = 0; i < l.plan.n;) {
		const struct plan_item *item = &l.plan.items[i];

		if (options->silence > 0 && i > 0 && item->t - last >= options->silence)
			draw_silence(&l, item->t - last);
		last = item->t;
		switch (item->kind) {
		case PLAN_SENT: i = arrow_sent(&l, i); continue;
		case PLAN_ARRIVED: arrow_arrived(&l, item); break;
		case PLAN_LOCAL: draw_local(&l, item); break;
		case PLAN_FOLD: draw_fold(&l, item); break;
		default:
			drawing_begin_row(&l);
			drawing_put_item(&l, item);
			canvas_write(&l.canvas, to);
			break;
		}
		i++;
	}
	plan_done(&l.plan);
	return 0;
}
