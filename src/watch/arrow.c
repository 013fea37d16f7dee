#include "watch/arrow.h"

#include "watch/text.h"

#include <inttypes.h>
#include <string.h>

/* Theory of operation. An arrow is three pieces: from its sender along the row of its sending to its lane,
 * down the lane, and along the row of its arrival to the other lifeline. Lanes of arrows to the right stand
 * near the right lifeline, each further to the left than those that left before it, so that arrows which keep
 * their order do not cross and those which do not are seen to; lanes of arrows to the left are their mirror.
 * What finds no lane is drawn with its number at both lifelines and nothing between.
 *
 * On the row of an arrival that follows its sending directly, the rest of the label shares the row with the
 * head of the arrow.
 */

enum {
	WORDS_GOOD = 30, /* columns that lanes leave to words, */
	WORDS_MIN = 18,	 /* at the least, for the first FEW lanes of a direction */
	FEW = 3,
};

static enum canvas_sign head_of(unsigned sender)
{
	return sender == 0 ? CANVAS_HEAD_RIGHT : CANVAS_HEAD_LEFT;
}

/* Columns for words that are left beside a new lane at `at`. */
static unsigned words_beside(const struct drawing *l, unsigned host, unsigned at)
{
	return host == 0 ? drawing_widest(l, 0, at).n : drawing_widest(l, at + 1, l->area).n;
}

/* Where the next arrow from host goes down, or TIMELINE_NONE: inside of all others of its direction, so
 * that it crosses none; else the outermost that is free. */
static long free_lane(const struct drawing *l, unsigned host)
{
	long inner = TIMELINE_NONE, outer = TIMELINE_NONE;

	for (unsigned k = 0; ARROW_HEAD + k < l->area; k++) {
		const unsigned at = host == 0 ? l->area - ARROW_HEAD - k : ARROW_HEAD - 1 + k;

		if (words_beside(l, host, at) < (k < FEW ? WORDS_MIN : WORDS_GOOD))
			break;
		if (l->lane[at] != TIMELINE_NONE) {
			if (l->timeline->lines[l->lane[at]].host == host)
				inner = TIMELINE_NONE;
			continue;
		}
		if (outer == TIMELINE_NONE)
			outer = (long)at;
		if (inner == TIMELINE_NONE)
			inner = (long)at;
	}
	return inner != TIMELINE_NONE ? inner : outer;
}

static long lane_of(const struct drawing *l, long sent)
{
	if (sent != TIMELINE_NONE)
		for (unsigned i = 0; i < l->area; i++)
			if (l->lane[i] == sent)
				return (long)i;
	return TIMELINE_NONE;
}

/* A line from host's lifeline to just before the column `to` of the area. */
static void put_line(struct drawing *l, unsigned host, unsigned to, enum canvas_colour colour)
{
	if (host == 0) {
		canvas_line(&l->canvas, l->left, CANVAS_RIGHT, CANVAS_PLAIN);
		for (unsigned i = 0; i < to; i++)
			canvas_line(&l->canvas, drawing_column(l, i), CANVAS_LEFT | CANVAS_RIGHT, colour);
	} else {
		canvas_line(&l->canvas, l->right, CANVAS_LEFT, CANVAS_PLAIN);
		for (unsigned i = to + 1; i < l->area; i++)
			canvas_line(&l->canvas, drawing_column(l, i), CANVAS_LEFT | CANVAS_RIGHT, colour);
	}
}

/* ---- labels ---- */

/* Takes as many tokens from label->token[*next] on as fit; returns their columns. */
static unsigned take(const struct label *label, unsigned *next, unsigned room, struct text *out)
{
	unsigned used = text_columns(out->at);

	while (*next < label->n) {
		const unsigned more = text_columns(label->token[*next]) + (out->n ? 1u : 0u);

		if (used + more > room)
			break;
		if (out->n)
			text_put(out, " ");
		text_put(out, label->token[(*next)++]);
		used += more;
	}
	return used;
}

static unsigned columns_left(const struct label *label, unsigned next)
{
	unsigned columns = 0;

	for (; next < label->n; next++)
		columns += text_columns(label->token[next]) + 1;
	return columns;
}

/* A row, or more for words that are too long for one, for what of the label has found no place. */
static void more_label(struct drawing *l, unsigned host, const struct label *label, unsigned *next)
{
	struct gap  gap = drawing_widest(l, host == 0 ? 5 : 1, l->area - (host == 0 ? 1 : 5));
	char	    words[LABEL_TEXT];
	struct text text;

	text_init(&text, words, sizeof words);
	take(label, next, gap.n > 1 ? gap.n - 1 : 0, &text);
	if (text.n > 0) {
		drawing_begin_row(l);
		drawing_put_words(l, gap, host, words, drawing_colour(host));
		canvas_write(&l->canvas, l->to);
		return;
	}
	drawing_words(l, host, label->token[(*next)++], drawing_colour(host), NULL);
}

static void finish_label(struct drawing *l, unsigned host, const struct label *label, unsigned *next)
{
	while (*next < label->n)
		more_label(l, host, label, next);
}

/* ---- sending and arriving ---- */

/* Columns that put_label() has for words beside the number n. */
static unsigned room_for_words(struct gap gap, uint32_t n)
{
	unsigned digits = 1;

	for (; n >= 10; n /= 10)
		digits++;
	return gap.n > digits + 5 ? gap.n - digits - 5 : 0;
}

/* The first row of an arrow: number and words in the line, in the gap. */
static void put_label(struct drawing *l, unsigned host, struct gap gap, uint32_t n, const struct label *label,
		      unsigned *next, enum canvas_colour colour)
{
	char	    number[16], words[LABEL_TEXT];
	struct text text;
	unsigned    at;

	(void)snprintf(number, sizeof number, "%" PRIu32, n);

	const unsigned digits = text_columns(number);
	const unsigned room = room_for_words(gap, n);

	text_init(&text, words, sizeof words);
	const unsigned used = take(label, next, room, &text);

	if (host == 0) {
		at = drawing_column(l, gap.from) + 1;
		canvas_text(&l->canvas, at, number, colour);
		at += digits + 1;
		if (used == 0)
			return;
		canvas_text(&l->canvas, at, " ", colour);
		canvas_text(&l->canvas, at + 1, words, colour);
		canvas_text(&l->canvas, at + 1 + used, " ", colour);
		return;
	}
	at = drawing_column(l, gap.from + gap.n) - 1 - digits;
	canvas_text(&l->canvas, at, number, colour);
	if (used == 0)
		return;
	at -= used + 2;
	canvas_text(&l->canvas, at - 1, " ", colour);
	canvas_text(&l->canvas, at, words, colour);
	canvas_text(&l->canvas, at + used, " ", colour);
}

/* Where an arrow begins: the line from its sender ends at `bend`, with the words in `gap`. */
struct departure {
	const char *lost; /* or NULL */
	long	    lane; /* TIMELINE_NONE: it ends in the open */
	unsigned    bend;
	struct gap  gap;
};

static struct departure depart(const struct drawing *l, const struct plan_item *item)
{
	const unsigned	 host = item->host;
	struct departure d = { .lost = label_lost(l->timeline, item->line), .lane = TIMELINE_NONE };

	if (d.lost) {
		const unsigned far = l->area - text_columns(d.lost) - 3;

		d.bend = host == 0 ? far : l->area - 1 - far;
	} else {
		const struct gap open = host == 0 ? drawing_widest(l, 0, l->area - ARROW_HEAD)
						  : drawing_widest(l, ARROW_HEAD, l->area);

		d.lane = free_lane(l, host);
		d.bend = host == 0 ? open.from + open.n - 1 : open.from;
		if (d.lane != TIMELINE_NONE)
			d.bend = (unsigned)d.lane;
	}
	d.gap = host == 0 ? drawing_widest(l, 0, d.bend) : drawing_widest(l, d.bend + 1, l->area);
	return d;
}

static void draw_lost_end(struct drawing *l, unsigned host, const struct departure *d)
{
	const bool     gone = strcmp(d->lost, label_in_flight) != 0;
	const unsigned n = text_columns(d->lost);

	const enum canvas_colour colour = gone ? CANVAS_BAD : drawing_colour(host);

	canvas_sign(&l->canvas, drawing_column(l, d->bend), gone ? CANVAS_CROSS : head_of(host), colour);
	canvas_text(&l->canvas, drawing_column(l, host == 0 ? d->bend + 2 : d->bend - 1 - n), d->lost,
		    colour);
}

/* The row of sending; the arrow goes on in its lane, or where there is none ends in the open. */
static void draw_departure(struct drawing *l, const struct plan_item *item, const struct departure *d,
			   const struct label *label, unsigned *next)
{
	const unsigned		 host = item->host;
	const enum canvas_colour colour = drawing_colour(host);

	drawing_begin_row(l);
	drawing_put_item(l, item);
	put_line(l, host, d->bend, colour);
	put_label(l, host, d->gap, l->timeline->lines[item->line].n, label, next, colour);
	if (d->lost) {
		draw_lost_end(l, host, d);
	} else if (d->lane == TIMELINE_NONE) {
		canvas_sign(&l->canvas, drawing_column(l, d->bend), head_of(host), colour);
	} else {
		canvas_line(&l->canvas, drawing_column(l, d->bend),
			    CANVAS_DOWN | (host == 0 ? CANVAS_LEFT : CANVAS_RIGHT), colour);
		l->lane[d->lane] = (long)item->line;
	}
	canvas_write(&l->canvas, l->to);
}

/* The row of arrival: from the lane to the head. direct: its sending is the row above, so that it needs no
 * number. */
static void put_head(struct drawing *l, const struct timeline_line *line, long lane, bool direct, bool last)
{
	const unsigned	   from = !line->host, span = ARROW_HEAD - 1;
	const unsigned	   open = from == 0 ? l->area - ARROW_HEAD + 1 : ARROW_HEAD - 2;
	const unsigned	   start = lane != TIMELINE_NONE ? (unsigned)lane : open;
	enum canvas_colour colour = drawing_colour(from);
	char		   number[16];

	if (from == 0) {
		for (unsigned i = start + 1; i < l->area - 1; i++)
			canvas_line(&l->canvas, drawing_column(l, i), CANVAS_LEFT | CANVAS_RIGHT, colour);
		canvas_line(&l->canvas, l->right, CANVAS_LEFT, CANVAS_PLAIN);
	} else {
		for (unsigned i = 1; i < start; i++)
			canvas_line(&l->canvas, drawing_column(l, i), CANVAS_LEFT | CANVAS_RIGHT, colour);
		canvas_line(&l->canvas, l->left, CANVAS_RIGHT, CANVAS_PLAIN);
	}
	if (lane != TIMELINE_NONE) {
		canvas_line(&l->canvas, drawing_column(l, start),
			    CANVAS_UP | (last ? 0 : CANVAS_DOWN) | (from == 0 ? CANVAS_RIGHT : CANVAS_LEFT),
			    colour);
		if (last)
			l->canvas.cell[drawing_column(l, start)].line &= (uint8_t)~CANVAS_DOWN;
	}
	canvas_sign(&l->canvas, drawing_column(l, from == 0 ? l->area - 1 : 0),
		    line->kind == TIMELINE_DROP ? CANVAS_CROSS : head_of(from),
		    line->kind == TIMELINE_DROP ? CANVAS_BAD : colour);
	if (direct || line->n == 0)
		return;
	(void)snprintf(number, sizeof number, "%" PRIu32, line->n);

	const unsigned digits = text_columns(number),
		       at = digits + 2 > span ? 1 : (span - 1 - digits) / 2 + 1;

	canvas_text(&l->canvas, drawing_column(l, from == 0 ? l->area - 1 - at - digits : at), number,
		    colour);
}

/* Where words may stand on the row of an arrival: not in the arrow. */
static struct gap beside_head(const struct drawing *l, unsigned from, long lane)
{
	unsigned start = from == 0 ? l->area - ARROW_HEAD : ARROW_HEAD - 1;

	if (lane != TIMELINE_NONE)
		start = (unsigned)lane;
	return from == 0 ? drawing_widest(l, 1, start - 1) : drawing_widest(l, start + 2, l->area - 1);
}

static void draw_arrival(struct drawing *l, const struct plan_item *item, bool direct,
			 const struct label *label, unsigned *next)
{
	const struct timeline_line *line = &l->timeline->lines[item->line];
	const unsigned		    from = !line->host;
	const long		    lane = lane_of(l, line->sent);
	const struct gap	    gap = beside_head(l, from, lane);
	const bool		    last =
		line->sent == TIMELINE_NONE || line->copy >= l->timeline->lines[line->sent].arrivals;
	const enum canvas_colour colour = line->kind == TIMELINE_DROP ? CANVAS_BAD : CANVAS_WARN;
	char			 words[LABEL_TEXT], rest[LABEL_TEXT] = "";
	struct text		 text;

	label_arrived(words, line);
	text_init(&text, rest, sizeof rest);
	const unsigned taken = text_columns(words) + (words[0] ? 2 : 0);

	if (direct)
		take(label, next, gap.n > taken + 4 ? gap.n - taken - 4 : 0, &text);
	drawing_begin_row(l);
	drawing_put_item(l, item);
	put_head(l, line, lane, direct, last);

	const struct gap inner = from == 0 ? (struct gap){ gap.from + 4, gap.n > 4 ? gap.n - 4 : 0 }
					   : (struct gap){ gap.from, gap.n > 4 ? gap.n - 4 : 0 };
	const bool	 fits = taken <= gap.n;

	drawing_put_words(l, inner, from, rest, drawing_colour(from));
	if (fits)
		drawing_put_words(l, gap, !from, words, colour);
	canvas_write(&l->canvas, l->to);
	if (last && lane != TIMELINE_NONE)
		l->lane[lane] = TIMELINE_NONE;
	if (!fits)
		drawing_words(l, line->host, words, colour, NULL);
}

/* All that the label has finds its place on the row of sending and, where there is one below it, on the
 * row of arrival. */
static bool label_fits(const struct departure *d, const struct label *label, uint32_t n, unsigned below)
{
	unsigned    next = 0;
	char	    words[LABEL_TEXT];
	struct text text;

	text_init(&text, words, sizeof words);
	take(label, &next, room_for_words(d->gap, n), &text);
	return columns_left(label, next) <= below;
}

/* Columns for the rest of the label on the row of the arrival that follows. */
static unsigned room_below(const struct drawing *l, const struct departure *d,
			   const struct plan_item *arrival)
{
	const struct timeline_line *line = &l->timeline->lines[arrival->line];
	const struct gap	    gap = beside_head(l, !line->host, d->lane);
	char			    words[LABEL_TEXT];

	label_arrived(words, line);

	const unsigned taken = text_columns(words) + (words[0] ? 2 : 0) + 4;

	return gap.n > taken ? gap.n - taken : 0;
}

size_t arrow_sent(struct drawing *l, size_t i)
{
	const struct plan_item *item = &l->plan.items[i], *after = i + 1 < l->plan.n ? item + 1 : NULL;
	const bool		direct = after && after->kind == PLAN_ARRIVED &&
			    l->timeline->lines[after->line].sent == (long)item->line;
	const struct departure d = depart(l, item);
	const unsigned	       below = direct ? room_below(l, &d, after) : 0;
	struct label	       label;
	unsigned	       next = 0;

	label_sent(&label, l->timeline, item->line, l->several, l->before);
	while (!label_fits(&d, &label, l->timeline->lines[item->line].n, below) && label_shorten(&label))
		;
	draw_departure(l, item, &d, &label, &next);
	if (!direct) {
		finish_label(l, item->host, &label, &next);
		return i + 1;
	}
	/* What the arrival's row cannot take goes before it. */
	while (next < label.n && columns_left(&label, next) > below + 1)
		more_label(l, item->host, &label, &next);
	draw_arrival(l, after, true, &label, &next);
	return i + 2;
}

void arrow_arrived(struct drawing *l, const struct plan_item *item)
{
	const struct label empty = { .n = 0 };
	unsigned	   none = 0;

	draw_arrival(l, item, false, &empty, &none);
}
