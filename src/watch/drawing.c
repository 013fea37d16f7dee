#include "watch/drawing.h"

#include "watch/text.h"

#include <inttypes.h>

static const tern_time TICK = TERN_MILLISECOND; /* what the time column shows */

void drawing_time(char to[24], tern_time t)
{
	const tern_time ticks = (t + TICK / 2) / TICK;

	(void)snprintf(to, 24, "%" PRId64 ".%03d", ticks / 1000, (int)(ticks % 1000));
}

enum canvas_colour drawing_colour(unsigned host)
{
	return host == 0 ? CANVAS_LEFT_HOST : CANVAS_RIGHT_HOST;
}

unsigned drawing_column(const struct drawing *l, unsigned at)
{
	return l->left + 1 + at;
}

void drawing_begin_row(struct drawing *l)
{
	canvas_clear(&l->canvas);
	canvas_line(&l->canvas, l->left, CANVAS_POST, CANVAS_PLAIN);
	canvas_line(&l->canvas, l->right, CANVAS_POST, CANVAS_PLAIN);
	for (unsigned i = 0; i < l->area; i++)
		if (l->lane[i] != TIMELINE_NONE)
			canvas_line(&l->canvas, drawing_column(l, i), CANVAS_UP | CANVAS_DOWN,
				    drawing_colour(l->timeline->lines[l->lane[i]].host));
}

static void put_time(struct drawing *l, tern_time t)
{
	char text[24];

	t -= l->start;
	if (l->has_shown && (t + TICK / 2) / TICK == (l->shown + TICK / 2) / TICK)
		return;
	l->has_shown = true;
	l->shown = t;
	drawing_time(text, t);

	const unsigned n = text_columns(text);

	canvas_text(&l->canvas, n < l->time ? l->time - n : 0, text, CANVAS_DIM);
}

void drawing_put_state(struct drawing *l, unsigned host, enum tern_state state, enum tern_basis basis, uint32_t conn)
{
	const char *const before = basis == TERN_BASIS_INFERRED ? "(" : basis == TERN_BASIS_UNSEEN ? "[" : "";
	const char *const behind = basis == TERN_BASIS_INFERRED ? ")" : basis == TERN_BASIS_UNSEEN ? "]" : "";
	char		  text[LABEL_TOKEN];

	if (l->several && conn != 0)
		(void)snprintf(text, sizeof text, "#%" PRIu32 " %s%s%s", conn, before, tern_state_name(state), behind);
	else
		(void)snprintf(text, sizeof text, "%s%s%s", before, tern_state_name(state), behind);

	const unsigned n = text_columns(text);

	if (host == 1)
		canvas_text(&l->canvas, l->right + 2, text, CANVAS_BOLD);
	else
		canvas_text(&l->canvas, l->left > n + 1 ? l->left - 1 - n : 0, text, CANVAS_BOLD);
}

void drawing_put_item(struct drawing *l, const struct plan_item *item)
{
	put_time(l, item->t);
	if (item->has_state)
		drawing_put_state(l, item->host, item->state, l->timeline->lines[item->state_line].event.basis,
				  item->conn);
}

struct gap drawing_widest(const struct drawing *l, unsigned from, unsigned to)
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

void drawing_put_words(struct drawing *l, struct gap gap, unsigned host, const char *words,
		       enum canvas_colour colour)
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

	canvas_text(&l->canvas, drawing_column(l, at), words, colour);
}

void drawing_words(struct drawing *l, unsigned host, const char *text, enum canvas_colour colour,
		   const struct plan_item *item)
{
	const struct gap gap = drawing_widest(l, 1, l->area - 1);
	char		 words[LABEL_TEXT];

	do {
		const char  *next;
		const size_t n = text_line(text, gap.n > 2 ? gap.n - 2 : 1, &next);

		(void)snprintf(words, sizeof words, "%.*s", (int)n, text);
		drawing_begin_row(l);
		if (item) {
			drawing_put_item(l, item);
			canvas_sign(&l->canvas, host == 0 ? l->left : l->right, CANVAS_DOT, CANVAS_WARN);
		}
		drawing_put_words(l, gap, host, words, colour);
		canvas_write(&l->canvas, l->to);
		item = NULL;
		text = next;
	} while (*text);
}
