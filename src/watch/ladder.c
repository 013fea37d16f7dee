#include "watch/ladder.h"

#include "watch/canvas.h"
#include "watch/label.h"
#include "watch/plan.h"
#include "watch/text.h"

#include <inttypes.h>
#include <string.h>

/* Theory of operation. A row is
 *
 *	    time   state ┃ arrows ┃ state
 *
 * and the part between the lifelines is a grid of `area` columns. A segment's arrow is three pieces: from
 * its sender along the row of its sending to its lane, down the lane, and along the row of its arrival to
 * the other lifeline. Lanes of arrows to the right stand near the right lifeline, each further to the left
 * than those that left before it, so that arrows which keep their order do not cross and those which do
 * not are seen to; lanes of arrows to the left are their mirror. What finds no lane is drawn with its
 * number at both lifelines and nothing between.
 *
 * Words stand in the widest gap between the lanes of their row, on the side of their host; what does not
 * fit goes on to the next row. On the row of an arrival that follows its sending directly, the rest of the
 * label shares the row with the head of the arrow.
 */

enum {
	AREA_MAX = LADDER_COLUMNS_MAX,
	HEAD = 7,      /* columns from the first lane to the lifeline: room for a number */
	WORDS_GOOD = 30, /* columns that lanes leave to words, */
	WORDS_MIN = 18,	 /* at the least, for the first FEW lanes of a direction */
	FEW = 3,
	WORDS_LEAST = 12, /* less room than this takes no words */
	TIME_MIN = 7,
};

static const tern_time TICK = TERN_MILLISECOND; /* what the time column shows */

struct ladder {
	const struct timeline	    *timeline;
	const struct ladder_options *options;
	FILE			    *to;
	struct plan		     plan;
	struct canvas		     canvas;
	unsigned		     time, margin, left, right, area; /* left, right: the lifelines' columns */
	bool			     several; /* connections */
	tern_time		     start, shown;
	bool			     has_shown;
	long			     lane[AREA_MAX]; /* the SENT line that goes down in it; TIMELINE_NONE */
	struct label_before	     before[TIMELINE_HOSTS];
};

/* ---- rows ---- */

static void format_time(char to[24], tern_time t)
{
	const tern_time ticks = (t + TICK / 2) / TICK;

	(void)snprintf(to, 24, "%" PRId64 ".%03d", ticks / 1000, (int)(ticks % 1000));
}

static enum canvas_colour colour_of(unsigned host)
{
	return host == 0 ? CANVAS_LEFT_HOST : CANVAS_RIGHT_HOST;
}

static enum canvas_sign head_of(unsigned sender)
{
	return sender == 0 ? CANVAS_HEAD_RIGHT : CANVAS_HEAD_LEFT;
}

static unsigned column(const struct ladder *l, unsigned at)
{
	return l->left + 1 + at;
}

/* A fresh row with the lifelines and the lanes on it. */
static void begin_row(struct ladder *l)
{
	canvas_clear(&l->canvas);
	canvas_line(&l->canvas, l->left, CANVAS_POST, CANVAS_PLAIN);
	canvas_line(&l->canvas, l->right, CANVAS_POST, CANVAS_PLAIN);
	for (unsigned i = 0; i < l->area; i++)
		if (l->lane[i] != TIMELINE_NONE)
			canvas_line(&l->canvas, column(l, i), CANVAS_UP | CANVAS_DOWN,
				    colour_of(l->timeline->lines[l->lane[i]].host));
}

static void put_time(struct ladder *l, tern_time t)
{
	char text[24];

	t -= l->start;
	if (l->has_shown && (t + TICK / 2) / TICK == (l->shown + TICK / 2) / TICK)
		return;
	l->has_shown = true;
	l->shown = t;
	format_time(text, t);

	const unsigned n = text_columns(text);

	canvas_text(&l->canvas, n < l->time ? l->time - n : 0, text, CANVAS_DIM);
}

static void put_state(struct ladder *l, unsigned host, enum tern_state state, uint32_t conn)
{
	char text[LABEL_TOKEN];

	if (l->several && conn != 0)
		(void)snprintf(text, sizeof text, "#%" PRIu32 " %s", conn,
			       tern_state_name(state));
	else
		(void)snprintf(text, sizeof text, "%s", tern_state_name(state));

	const unsigned n = text_columns(text);

	if (host == 1)
		canvas_text(&l->canvas, l->right + 2, text, CANVAS_BOLD);
	else
		canvas_text(&l->canvas, l->left > n + 1 ? l->left - 1 - n : 0, text, CANVAS_BOLD);
}

static void put_item(struct ladder *l, const struct plan_item *item)
{
	put_time(l, item->t);
	if (item->has_state)
		put_state(l, item->host, item->state, item->conn);
}

/* ---- gaps and lanes ---- */

struct gap {
	unsigned from, n;
};

/* The widest run of columns in [from, to) that no lane goes through. */
static struct gap widest(const struct ladder *l, unsigned from, unsigned to)
{
	struct gap best = { from, 0 };
	unsigned   begin = from;

	for (unsigned i = from; i <= to; i++) {
		if (i < to && l->lane[i] == TIMELINE_NONE)
			continue;
		if (i - begin > best.n)
			best = (struct gap){ begin, i - begin };
		begin = i + 1;
	}
	return best;
}

/* The words of a row, at the side of the host. */
static void put_words(struct ladder *l, struct gap gap, unsigned host, const char *words, enum canvas_colour colour)
{
	const unsigned n = text_columns(words);

	/* Not close by a lane. */
	if (gap.from > 0 && gap.n > 0 && l->lane[gap.from - 1] != TIMELINE_NONE) {
		gap.from++;
		gap.n--;
	}
	if (gap.n > 0 && l->lane[gap.from + gap.n] != TIMELINE_NONE)
		gap.n--;

	const unsigned at = host == 0 || n >= gap.n ? gap.from : gap.from + gap.n - n;

	canvas_text(&l->canvas, column(l, at), words, colour);
}

/* Columns for words that are left beside a new lane at `at`. */
static unsigned words_beside(const struct ladder *l, unsigned host, unsigned at)
{
	return host == 0 ? widest(l, 0, at).n : widest(l, at + 1, l->area).n;
}

/* Where the next arrow from host goes down, or TIMELINE_NONE: inside of all others of its direction, so
 * that it crosses none; else the outermost that is free. */
static long free_lane(const struct ladder *l, unsigned host)
{
	long inner = TIMELINE_NONE, outer = TIMELINE_NONE;

	for (unsigned k = 0; HEAD + k < l->area; k++) {
		const unsigned at = host == 0 ? l->area - HEAD - k : HEAD - 1 + k;

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

static long lane_of(const struct ladder *l, long sent)
{
	if (sent != TIMELINE_NONE)
		for (unsigned i = 0; i < l->area; i++)
			if (l->lane[i] == sent)
				return (long)i;
	return TIMELINE_NONE;
}

/* A line from host's lifeline to just before the column `to` of the area. */
static void put_line(struct ladder *l, unsigned host, unsigned to, enum canvas_colour colour)
{
	if (host == 0) {
		canvas_line(&l->canvas, l->left, CANVAS_RIGHT, CANVAS_PLAIN);
		for (unsigned i = 0; i < to; i++)
			canvas_line(&l->canvas, column(l, i), CANVAS_LEFT | CANVAS_RIGHT, colour);
	} else {
		canvas_line(&l->canvas, l->right, CANVAS_LEFT, CANVAS_PLAIN);
		for (unsigned i = to + 1; i < l->area; i++)
			canvas_line(&l->canvas, column(l, i), CANVAS_LEFT | CANVAS_RIGHT, colour);
	}
}

/* ---- labels ---- */

/* Takes as many tokens from label->token[*next] on as fit; returns their columns. */
static unsigned take(const struct label *label, unsigned *next, unsigned room, struct text *out)
{
	unsigned used = text_columns(out->at);

	while (*next < label->n) {
		const unsigned more = text_columns(label->token[*next]) + (out->n ? 1u : 0u);

		if (used + more > room && out->n > 0)
			break;
		if (used + more > room && room < WORDS_LEAST)
			break;
		if (out->n)
			text_put(out, " ");
		text_put(out, label->token[(*next)++]);
		used += more;
		if (used > room)
			break;
	}
	return used;
}

/* A row for what of the label must be shown and has found no place. */
static void more_label(struct ladder *l, unsigned host, const struct label *label, unsigned *next)
{
	const struct gap gap = widest(l, host == 0 ? 5 : 1, l->area - (host == 0 ? 1 : 5));
	char		 words[LABEL_TEXT];
	struct text	 text;

	text_init(&text, words, sizeof words);
	take(label, next, gap.n > 0 ? gap.n - 1 : 0, &text);
	if (text.n == 0)
		take(label, next, l->area, &text);
	begin_row(l);
	put_words(l, gap, host, words, colour_of(host));
	canvas_write(&l->canvas, l->to);
}

static void finish_label(struct ladder *l, unsigned host, const struct label *label, unsigned *next)
{
	while (*next < label->n)
		more_label(l, host, label, next);
}

static unsigned columns_left(const struct label *label, unsigned next)
{
	unsigned columns = 0;

	for (; next < label->n; next++)
		columns += text_columns(label->token[next]) + 1;
	return columns;
}

/* Words beside a lifeline, over as many rows as they need; the first of them is the item's, if there is one. */
static void draw_words_of(struct ladder *l, unsigned host, const char *text, enum canvas_colour colour,
			  const struct plan_item *item)
{
	const struct gap gap = widest(l, 1, l->area - 1);
	char		 words[LABEL_TEXT];

	do {
		const char  *next;
		const size_t n = text_line(text, gap.n > 2 ? gap.n - 2 : 1, &next);

		(void)snprintf(words, sizeof words, "%.*s", (int)n, text);
		begin_row(l);
		if (item) {
			put_item(l, item);
			canvas_sign(&l->canvas, host == 0 ? l->left : l->right, CANVAS_DOT, CANVAS_WARN);
		}
		put_words(l, gap, host, words, colour);
		canvas_write(&l->canvas, l->to);
		item = NULL;
		text = next;
	} while (*text);
}

static void draw_words(struct ladder *l, unsigned host, const char *text, enum canvas_colour colour)
{
	draw_words_of(l, host, text, colour, NULL);
}

/* ---- arrows ---- */

/* Columns that put_label() has for words beside the number n. */
static unsigned room_for_words(struct gap gap, uint32_t n)
{
	unsigned digits = 1;

	for (; n >= 10; n /= 10)
		digits++;
	return gap.n > digits + 5 ? gap.n - digits - 5 : 0;
}

/* The first row of an arrow: number and words in the line, in the gap. */
static void put_label(struct ladder *l, unsigned host, struct gap gap, uint32_t n, const struct label *label,
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
		at = column(l, gap.from) + 1;
		canvas_text(&l->canvas, at, number, colour);
		at += digits + 1;
		if (used == 0)
			return;
		canvas_text(&l->canvas, at, " ", colour);
		canvas_text(&l->canvas, at + 1, words, colour);
		canvas_text(&l->canvas, at + 1 + used, " ", colour);
		return;
	}
	at = column(l, gap.from + gap.n) - 1 - digits;
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

static struct departure depart(const struct ladder *l, const struct plan_item *item)
{
	const unsigned	 host = item->host;
	struct departure d = { .lost = label_lost(l->timeline, item->line), .lane = TIMELINE_NONE };

	if (d.lost) {
		const unsigned far = l->area - text_columns(d.lost) - 3;

		d.bend = host == 0 ? far : l->area - 1 - far;
	} else {
		const struct gap open = widest(l, host == 0 ? 0 : HEAD, host == 0 ? l->area - HEAD : l->area);

		d.lane = free_lane(l, host);
		d.bend = host == 0 ? open.from + open.n - 1 : open.from;
		if (d.lane != TIMELINE_NONE)
			d.bend = (unsigned)d.lane;
	}
	d.gap = host == 0 ? widest(l, 0, d.bend) : widest(l, d.bend + 1, l->area);
	return d;
}

static void draw_lost_end(struct ladder *l, unsigned host, const struct departure *d)
{
	const bool     gone = strcmp(d->lost, label_in_flight) != 0;
	const unsigned n = text_columns(d->lost);

	const enum canvas_colour colour = gone ? CANVAS_BAD : colour_of(host);

	canvas_sign(&l->canvas, column(l, d->bend), gone ? CANVAS_CROSS : head_of(host), colour);
	canvas_text(&l->canvas, host == 0 ? column(l, d->bend + 2) : column(l, d->bend) - 1 - n, d->lost, colour);
}

/* The row of sending; the arrow goes on in its lane, or where there is none ends in the open. */
static void draw_departure(struct ladder *l, const struct plan_item *item, const struct departure *d,
			   const struct label *label, unsigned *next)
{
	const unsigned		 host = item->host;
	const enum canvas_colour colour = colour_of(host);

	begin_row(l);
	put_item(l, item);
	put_line(l, host, d->bend, colour);
	put_label(l, host, d->gap, l->timeline->lines[item->line].n, label, next, colour);
	if (d->lost) {
		draw_lost_end(l, host, d);
	} else if (d->lane == TIMELINE_NONE) {
		canvas_sign(&l->canvas, column(l, d->bend), head_of(host), colour);
	} else {
		canvas_line(&l->canvas, column(l, d->bend),
			    CANVAS_DOWN | (host == 0 ? CANVAS_LEFT : CANVAS_RIGHT), colour);
		l->lane[d->lane] = (long)item->line;
	}
	canvas_write(&l->canvas, l->to);
}

/* The row of arrival: from the lane to the head. direct: its sending is the row above, so that it needs no
 * number. */
static void put_head(struct ladder *l, const struct timeline_line *line, long lane, bool direct, bool last)
{
	const unsigned	   from = !line->host, span = HEAD - 1;
	const unsigned	   open = from == 0 ? l->area - HEAD + 1 : HEAD - 2;
	const unsigned	   start = lane != TIMELINE_NONE ? (unsigned)lane : open;
	enum canvas_colour colour = colour_of(from);
	char		   number[16];

	if (from == 0) {
		for (unsigned i = start + 1; i < l->area - 1; i++)
			canvas_line(&l->canvas, column(l, i), CANVAS_LEFT | CANVAS_RIGHT, colour);
		canvas_line(&l->canvas, l->right, CANVAS_LEFT, CANVAS_PLAIN);
	} else {
		for (unsigned i = 1; i < start; i++)
			canvas_line(&l->canvas, column(l, i), CANVAS_LEFT | CANVAS_RIGHT, colour);
		canvas_line(&l->canvas, l->left, CANVAS_RIGHT, CANVAS_PLAIN);
	}
	if (lane != TIMELINE_NONE) {
		canvas_line(&l->canvas, column(l, start),
			    CANVAS_UP | (last ? 0 : CANVAS_DOWN) | (from == 0 ? CANVAS_RIGHT : CANVAS_LEFT), colour);
		if (last)
			l->canvas.cell[column(l, start)].line &= (uint8_t)~CANVAS_DOWN;
	}
	canvas_sign(&l->canvas, column(l, from == 0 ? l->area - 1 : 0),
		    line->kind == TIMELINE_DROP ? CANVAS_CROSS : head_of(from),
		    line->kind == TIMELINE_DROP ? CANVAS_BAD : colour);
	if (direct || line->n == 0)
		return;
	(void)snprintf(number, sizeof number, "%" PRIu32, line->n);

	const unsigned digits = text_columns(number), at = digits + 2 > span ? 1 : (span - 1 - digits) / 2 + 1;

	canvas_text(&l->canvas, column(l, from == 0 ? l->area - 1 - at - digits : at), number, colour);
}

/* Where words may stand on the row of an arrival: not in the arrow. */
static struct gap beside_head(const struct ladder *l, unsigned from, long lane)
{
	const unsigned start = lane != TIMELINE_NONE ? (unsigned)lane : from == 0 ? l->area - HEAD : HEAD - 1;

	return from == 0 ? widest(l, 1, start - 1) : widest(l, start + 2, l->area - 1);
}

static void draw_arrival(struct ladder *l, const struct plan_item *item, bool direct, const struct label *label,
			 unsigned *next)
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
	begin_row(l);
	put_item(l, item);
	put_head(l, line, lane, direct, last);

	const struct gap inner = from == 0 ? (struct gap){ gap.from + 4, gap.n > 4 ? gap.n - 4 : 0 }
					   : (struct gap){ gap.from, gap.n > 4 ? gap.n - 4 : 0 };
	const bool	 fits = taken <= gap.n;

	put_words(l, inner, from, rest, colour_of(from));
	if (fits)
		put_words(l, gap, !from, words, colour);
	canvas_write(&l->canvas, l->to);
	if (last && lane != TIMELINE_NONE)
		l->lane[lane] = TIMELINE_NONE;
	if (!fits)
		draw_words(l, line->host, words, colour);
}

/* ---- items ---- */

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
static unsigned room_below(const struct ladder *l, const struct departure *d, const struct plan_item *arrival)
{
	const struct timeline_line *line = &l->timeline->lines[arrival->line];
	const struct gap	    gap = beside_head(l, !line->host, d->lane);
	char			    words[LABEL_TEXT];

	label_arrived(words, line);

	const unsigned taken = text_columns(words) + (words[0] ? 2 : 0) + 4;

	return gap.n > taken ? gap.n - taken : 0;
}

static size_t draw_sent(struct ladder *l, size_t i)
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

static void draw_local(struct ladder *l, const struct plan_item *item)
{
	char text[LABEL_TEXT];

	label_local(text, l->timeline, item->line);
	draw_words_of(l, item->host, text, CANVAS_WARN, item);
}

static void draw_fold(struct ladder *l, const struct plan_item *item)
{
	struct gap  gap = widest(l, 1, l->area - 1);
	char	    words[LABEL_TEXT];
	struct text text;

	text_init(&text, words, sizeof words);
	text_format(&text, "%s %" PRIu32 " more segments (%" PRIu32 "-%" PRIu32 ")", l->options->ascii ? "..." : "…",
		    item->segments[0] + item->segments[1], item->first, item->last);
	if (item->octets[0] + item->octets[1] > 0 && text_columns(words) + 18 < gap.n)
		text_format(&text, ", %" PRIu64 " octets", item->octets[0] + item->octets[1]);

	const unsigned n = text_columns(words);

	if (n < gap.n)
		gap = (struct gap){ gap.from + (gap.n - n) / 2, n };
	begin_row(l);
	canvas_sign(&l->canvas, l->left, CANVAS_ELLIPSIS, CANVAS_PLAIN);
	canvas_sign(&l->canvas, l->right, CANVAS_ELLIPSIS, CANVAS_PLAIN);
	put_words(l, gap, 0, words, CANVAS_DIM);
	canvas_write(&l->canvas, l->to);
}

/* ---- the whole ---- */

static void put_centred(struct ladder *l, unsigned middle, const char *text, enum canvas_colour colour)
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
static void draw_head(struct ladder *l)
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

	begin_row(l);
	for (unsigned side = 0; side < TIMELINE_HOSTS; side++) {
		for (size_t i = 0; i < l->timeline->n; i++) {
			const struct timeline_line *line = &l->timeline->lines[i];

			if (line->kind != TIMELINE_STATE || line->host != side)
				continue;
			put_state(l, side, line->event.u.state.from, 0);
			break;
		}
	}
	canvas_write(&l->canvas, l->to);
}

static void lay_out(struct ladder *l)
{
	unsigned columns = l->options->columns ? l->options->columns : 80;
	unsigned margin = 6, tag = 3; /* tag: "#1 " */
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
		if (text_columns(tern_state_name(line->event.u.state.to)) > margin)
			margin = text_columns(tern_state_name(line->event.u.state.to));
		if (text_columns(tern_state_name(line->event.u.state.from)) > margin)
			margin = text_columns(tern_state_name(line->event.u.state.from));
	}
	if (l->several)
		margin += tag;
	l->start = l->timeline->n > 0 ? l->timeline->lines[0].event.now : 0;
	l->time = TIME_MIN;
	if (l->timeline->n > 0) {
		format_time(text, l->timeline->lines[l->timeline->n - 1].event.now - l->start);
		if (text_columns(text) > l->time)
			l->time = text_columns(text);
	}
	l->margin = margin;
	l->left = l->time + 1 + margin + 1;
	l->right = columns - margin - 2;
	l->area = l->right - l->left - 1;
	l->canvas = (struct canvas){
		.columns = columns,
		.ascii = l->options->ascii,
		.colour = l->options->colour,
	};
	for (unsigned i = 0; i < AREA_MAX; i++)
		l->lane[i] = TIMELINE_NONE;
}

int ladder_write(FILE *to, const struct timeline *timeline, const struct ladder_options *options)
{
	struct ladder l = { .timeline = timeline, .options = options, .to = to };

	if (!plan_make(&l.plan, timeline, options->all))
		return -TERN_ENOMEM;
	lay_out(&l);
	draw_head(&l);
	for (size_t i = 0; i < l.plan.n;) {
		const struct plan_item *item = &l.plan.items[i];
		unsigned		none = 0;
		const struct label	empty = { .n = 0 };

		switch (item->kind) {
		case PLAN_SENT:
			i = draw_sent(&l, i);
			continue;
		case PLAN_ARRIVED:
			draw_arrival(&l, item, false, &empty, &none);
			break;
		case PLAN_LOCAL:
			draw_local(&l, item);
			break;
		case PLAN_FOLD:
			draw_fold(&l, item);
			break;
		default:
			begin_row(&l);
			put_item(&l, item);
			canvas_write(&l.canvas, to);
			break;
		}
		i++;
	}
	plan_done(&l.plan);
	return 0;
}
