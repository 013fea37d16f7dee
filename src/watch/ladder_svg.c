#include "watch/ladder_svg.h"

#include "watch/picture.h"
#include "watch/svg.h"
#include "watch/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Each item of the plan has a row, and more where its words need them; what an arrival brings its host to send at once
 * leaves from the row of the arrival. Arrows are drawn when their arrival comes, from the row of their sending, so that
 * copies and late ones get their true slopes. */

enum {
	WIDTH = 900,
	LEFT = 220, /* the lifelines */
	RIGHT = 740,
	TOP = 76,
	ROW = 22,
	MARGIN = 30,
	WORDS = 70,	/* columns between the lifelines */
	SHORT = 46,	/* words that end well before the arrow does */
	NOT_DRAWN = -1,
};

static const char style[] =
	"svg{background:#fff;font:12px ui-monospace,monospace}text{fill:#222}.t{font:600 15px system-ui,sans-serif}"
	".n{font-weight:600;font-size:13px}.d{fill:#666}.b{font-weight:600}.l{stroke:#555;stroke-width:2}"
	".o{stroke:#fff;stroke-width:4}.p{stroke:#999;stroke-dasharray:2 4;stroke-width:2}"
	".c{stroke:#0969da;fill:#0969da}.s{stroke:#8250df;fill:#8250df}"
	".x{stroke:#cf222e;stroke-width:2;fill:none}.h{stroke:none}.k{fill:#9a6700}"
	"text.c,text.s{stroke:#fff;stroke-width:3;paint-order:stroke}"
	"@media(prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#e6edf3}.d{fill:#9da7b1}.l{stroke:#8b949e}"
	".o{stroke:#0d1117}.p{stroke:#6e7681}.c{stroke:#58a6ff;fill:#58a6ff}.s{stroke:#bc8cff;fill:#bc8cff}"
	".x{stroke:#ff7b72}"
	".k{fill:#d29922}text.c,text.s{stroke:#0d1117}}"
	"@media print{svg{background:#fff}}";

struct page {
	struct picture picture;
	FILE	      *to;
	long	      *row_of; /* of each line of the timeline; NOT_DRAWN */
	long	       row;
	tern_time      shown;
	bool	       has_shown;
	unsigned       columns; /* of the words of the arrow that arrived last */
};

static double y_of(long row)
{
	return TOP + (double)row * ROW;
}

static double x_of(unsigned host)
{
	return host == 0 ? LEFT : RIGHT;
}

static const char *class_of(unsigned host)
{
	return host == 0 ? "c" : "s";
}

static double root(double square)
{
	double x = square;

	for (int i = 0; i < 24; i++) /* Newton's; lengths here are below 10^5 */
		x = (x + square / x) / 2;
	return x;
}

static void put_text(FILE *to, double x, double y, const char *class, const char *anchor, const char *text)
{
	fprintf(to, "<text class='%s' x='%.1f' y='%.1f' text-anchor='%s'>", class, x, y, anchor);
	svg_text(to, text);
	fputs("</text>\n", to);
}

/* ---- arrows ---- */

/* From (x, y) by (dx, dy): its length, or its first part where it does not arrive; with its words along it. */
struct arrow {
	double	    x, y, dx, dy, part;
	unsigned    host;
	bool	    is_lost;
	const char *words, *lost;
};

static void put_words(FILE *to, const struct arrow *arrow)
{
	const double long_way = root(arrow->dx * arrow->dx + arrow->dy * arrow->dy);
	const double sign = arrow->dx < 0 ? -1 : 1;
	const bool   steep = arrow->dy > 0.25 * arrow->dx * sign;
	const double a = steep ? 1 : sign * arrow->dx / long_way, b = steep ? 0 : sign * arrow->dy / long_way;
	const double x = arrow->x + sign * 8, y = arrow->y + (steep ? 0 : 8 * arrow->dy / (sign * arrow->dx)) - 4;

	fprintf(to, "<text class='%s' transform='matrix(%.3f %.3f %.3f %.3f %.1f %.1f)' text-anchor='%s'>",
		class_of(arrow->host), a, b, -b, a, x, y, arrow->host == 0 ? "start" : "end");
	svg_text(to, arrow->words);
	fputs("</text>\n", to);
}

static void put_arrow(FILE *to, const struct arrow *arrow)
{
	const double long_way = root(arrow->dx * arrow->dx + arrow->dy * arrow->dy);
	const double ux = arrow->dx / long_way, uy = arrow->dy / long_way;
	const double x = arrow->x + arrow->part * arrow->dx, y = arrow->y + arrow->part * arrow->dy;

	fputs("<g><title>", to);
	svg_text(to, arrow->words);
	if (arrow->lost) {
		fputs(", ", to);
		svg_text(to, arrow->lost);
	}
	fprintf(to, "</title><path class='%s' d='M%.1f %.1fL%.1f %.1f'/>", class_of(arrow->host), arrow->x, arrow->y, x,
		y);
	if (arrow->is_lost)
		fprintf(to, "<path class='x' d='M%.1f %.1fl10 10m0-10l-10 10'/>", x - 5, y - 5);
	else
		fprintf(to, "<path class='%s h' d='M%.1f %.1fL%.1f %.1fL%.1f %.1fz'/>", class_of(arrow->host), x, y,
			x - 10 * ux - 4 * uy, y - 10 * uy + 4 * ux, x - 10 * ux + 4 * uy, y - 10 * uy - 4 * ux);
	put_words(to, arrow);
	if (arrow->lost)
		put_text(to, x + (arrow->host == 0 ? 10 : -10), y + 4, "d", arrow->host == 0 ? "start" : "end",
			 arrow->lost);
	fputs("</g>\n", to);
}

/* ---- rows ---- */

static void put_moment(struct page *page, const struct plan_item *item)
{
	char	       words[PICTURE_WORDS];
	const double   y = y_of(page->row) + 4;
	const unsigned host = item->host;

	if (!page->has_shown || page->shown != item->t) {
		(void)snprintf(words, sizeof words, "%.3f", (double)(item->t - page->picture.start) / 1e9);
		put_text(page->to, 62, y, "d", "end", words);
	}
	page->shown = item->t;
	page->has_shown = true;
	if (!item->has_state)
		return;
	picture_state(&page->picture, words, item);
	put_text(page->to, x_of(host) + (host == 0 ? -10 : 10), y, "b", host == 0 ? "end" : "start", words);
}

/* Words over as many rows as they take; the last is the row at hand then. */
static void put_lines(struct page *page, unsigned host, const char *class, const char *text)
{
	char words[PICTURE_WORDS];

	for (bool first = true; *text; first = false) {
		const char  *next;
		const size_t n = text_line(text, WORDS, &next);

		page->row += !first;
		(void)snprintf(words, sizeof words, "%.*s", (int)n, text);
		put_text(page->to, x_of(host) + (host == 0 ? 12 : -12), y_of(page->row) + 4, class,
			 host == 0 ? "start" : "end", words);
		text = next;
	}
}

/* Both lifelines are broken. */
static void put_pause(struct page *page, const char *words)
{
	const double y = y_of(page->row);

	for (unsigned host = 0; host < TIMELINE_HOSTS; host++)
		fprintf(page->to, "<path class='o' d='M%.1f %.1fv%d'/><path class='p' d='M%.1f %.1fv%d'/>", x_of(host),
			y - ROW / 2.0, ROW, x_of(host), y - ROW / 2.0, ROW);
	put_text(page->to, (LEFT + RIGHT) / 2.0, y + 4, "d", "middle", words);
	page->has_shown = false;
	page->row++;
}

static void draw_sent(struct page *page, const struct plan_item *item)
{
	const char *const lost = label_lost(page->picture.timeline, item->line);
	char		  words[PICTURE_WORDS];

	put_moment(page, item);
	page->row_of[item->line] = page->row;
	if (!lost)
		return; /* its arrival draws it */
	picture_sent(&page->picture, words, item);
	put_arrow(page->to, &(struct arrow){ .x = x_of(item->host),
					     .y = y_of(page->row),
					     .dx = x_of(!item->host) - x_of(item->host),
					     .dy = ROW,
					     .part = 0.78,
					     .host = item->host,
					     .is_lost = strcmp(lost, label_in_flight) != 0,
					     .words = words,
					     .lost = lost });
}

static void words_of(struct page *page, const struct timeline_line *line, char words[PICTURE_WORDS])
{
	const struct plan_item item = { .line = line->sent != TIMELINE_NONE ? (size_t)line->sent : 0 };

	words[0] = 0;
	if (line->sent != TIMELINE_NONE)
		picture_sent(&page->picture, words, &item);
}

static void draw_arrived(struct page *page, const struct plan_item *item)
{
	const struct timeline_line *const line = &page->picture.timeline->lines[item->line];
	const unsigned			  from = !item->host;
	const long sent = line->sent != TIMELINE_NONE ? page->row_of[line->sent] : NOT_DRAWN;
	const bool known = sent != NOT_DRAWN && sent <= page->row;
	char	   words[PICTURE_WORDS], remark[LABEL_TEXT];

	if (known && sent == page->row)
		page->row++;
	put_moment(page, item);
	words_of(page, line, words);
	page->columns = text_columns(words);
	put_arrow(page->to,
		  &(struct arrow){ .x = known ? x_of(from) : (LEFT + RIGHT) / 2.0,
				   .y = known ? y_of(sent) : y_of(page->row) - 4,
				   .dx = x_of(item->host) - (known ? x_of(from) : (LEFT + RIGHT) / 2.0),
				   .dy = known ? (double)(page->row - sent) * ROW : 4,
				   .part = 1,
				   .host = from,
				   .words = words });
	label_arrived(remark, line);
	if (remark[0]) {
		page->row++;
		put_lines(page, item->host, "k", remark);
	}
}

static void draw_item(struct page *page, const struct plan_item *item, const struct plan_item *before)
{
	char words[PICTURE_WORDS];

	/* What an arrival brings its host to send at once leaves from where it arrived, if the words leave room. */
	if (item->kind == PLAN_SENT && page->columns <= SHORT && before && before->kind == PLAN_ARRIVED &&
	    before->host == item->host && before->t == item->t && !(before->has_state && item->has_state) &&
	    page->row > 0)
		page->row--;
	switch (item->kind) {
	case PLAN_SENT: draw_sent(page, item); break;
	case PLAN_ARRIVED: draw_arrived(page, item); break;
	case PLAN_FOLD:
		picture_fold(words, item);
		put_pause(page, words);
		return;
	case PLAN_LOCAL:
		put_moment(page, item);
		label_local(words, page->picture.timeline, item->line);
		fprintf(page->to, "<circle class='k' cx='%.1f' cy='%.1f' r='4'/>\n", x_of(item->host), y_of(page->row));
		put_lines(page, item->host, "k", words);
		break;
	default: put_moment(page, item); break;
	}
	page->row++;
}

static void draw_items(struct page *page)
{
	const struct plan *const plan = &page->picture.plan;
	char			 words[PICTURE_WORDS], span[24];

	for (size_t i = 0; i < plan->n; i++) {
		const tern_time	  silence = picture_silence(&page->picture, i);
		struct plan_item *before = i > 0 ? &plan->items[i - 1] : NULL;

		if (page->picture.cut_to > 0 && i == page->picture.cut_from) {
			picture_cut(&page->picture, words);
			put_pause(page, words);
			i = page->picture.cut_to;
			before = NULL;
		} else if (silence > 0) {
			(void)snprintf(words, sizeof words, "… %s in which nothing is seen", label_span(span, silence));
			put_pause(page, words);
			before = NULL;
		}
		draw_item(page, &plan->items[i], before);
	}
}

/* ---- the whole ---- */

static void put_desc(FILE *to, const struct timeline *timeline)
{
	uint64_t sent = 0, lost = 0, again = 0;
	char	 end[TIMELINE_HOSTS][56];

	for (unsigned host = 0; host < TIMELINE_HOSTS; host++) {
		const struct timeline_totals *const totals = &timeline->totals[host];

		sent += totals->sent;
		lost += totals->lost;
		again += totals->retransmitted;
		picture_endpoint(timeline, host, end[host]);
	}
	fputs("<desc>Time flows down. Left ", to);
	for (unsigned host = 0; host < TIMELINE_HOSTS; host++) {
		svg_text(to, timeline->name[host]);
		fprintf(to, " %s%s", end[host], host == 0 ? ", right " : ". ");
	}
	fprintf(to, "%" PRIu64 " segments, %" PRIu64 " of them sent again, %" PRIu64 " lost.</desc>\n", sent, again,
		lost);
}

/* Its height is known only when all is drawn, so the items are drawn into memory first. */
static void put_page(FILE *to, const struct page *page, const char *items, size_t n)
{
	const struct timeline *const timeline = page->picture.timeline;
	const double		     height = y_of(page->row) + MARGIN;
	enum tern_state		     state;
	char			     end[56];

	fprintf(to,
		"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %.0f' width='%d' height='%.0f' role='img'>"
		"<title>",
		WIDTH, height, WIDTH, height);
	svg_text(to, page->picture.options->title);
	fputs("</title>", to);
	put_desc(to, timeline);
	fprintf(to, "<style>%s</style>\n", style);
	put_text(to, WIDTH / 2.0, 20, "t", "middle", page->picture.options->title);
	put_text(to, 62, 56, "d", "end", "seconds");
	for (unsigned host = 0; host < TIMELINE_HOSTS; host++) {
		const char *const anchor = host == 0 ? "end" : "start";

		picture_endpoint(timeline, host, end);
		put_text(to, x_of(host), 40, "n", "middle", timeline->name[host]);
		put_text(to, x_of(host), 56, "d", "middle", end);
		if (picture_first_state(timeline, host, &state))
			put_text(to, x_of(host) + (host == 0 ? -10 : 10), TOP - 6, "b", anchor, tern_state_name(state));
		fprintf(to, "<path class='l' d='M%.1f %dV%.1f'/>\n", x_of(host), TOP - 14, height - MARGIN / 2.0);
	}
	fwrite(items, 1, n, to);
	fputs("</svg>\n", to);
}

int ladder_svg_write(FILE *to, const struct timeline *timeline, const struct ladder_svg_options *options)
{
	struct page page = { .row = 1 };
	char	   *items = NULL;
	size_t	    n = 0;
	bool	    done = false;

	if (!picture_begin(&page.picture, timeline, options))
		return -TERN_ENOMEM;
	page.row_of = malloc((timeline->n + 1) * sizeof *page.row_of);
	page.to = open_memstream(&items, &n);
	if (page.row_of && page.to) {
		for (size_t i = 0; i < timeline->n; i++)
			page.row_of[i] = NOT_DRAWN;
		draw_items(&page);
		done = true;
	}
	if (page.to && fclose(page.to) != 0)
		done = false;
	if (done)
		put_page(to, &page, items, n);
	free(items);
	free(page.row_of);
	picture_done(&page.picture);
	return done ? 0 : -TERN_ENOMEM;
}
