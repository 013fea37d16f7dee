/* Plots as SVG. A figure is a grid: a column for each run, a row for each panel; the panels of a row share
 * their scale, and all share time. */
#include "watch/plot.h"

#include "watch/svg.h"

enum {
	LEFT = 78,
	RIGHT = 16,
	TOP = 64,
	GAP = 40,
	BOTTOM = 44,
	WIDE = 860,
	NARROW = 520,
	PANELS = 3,
	SEQUENCE = 0
};

static const struct panel {
	const char	*title, *unit;
	int		 height;
	enum plot_series first, last;
	double		 scale; /* of the unit */
} panels[PANELS] = {
	{ "sequence number", "kB", 330, PLOT_ACK, PLOT_WINDOW, 1e-3 },
	{ "in flight, window", "kB", 170, PLOT_IN_FLIGHT, PLOT_CWND, 1e-3 },
	{ "round trip", "ms", 120, PLOT_RTT, PLOT_MIN_RTT, 1e3 },
};

static const struct {
	const char *class, *name;
} series[PLOT_SERIES] = {
	[PLOT_ACK] = { "ack", "acknowledged" },
	[PLOT_WINDOW] = { "window", "the peer's window" },
	[PLOT_CWND] = { "cwnd", "cwnd" },
	[PLOT_SSTHRESH] = { "ssthresh", "ssthresh" },
	[PLOT_IN_FLIGHT] = { "flight", "in flight" },
	[PLOT_OFFERED] = { "window", "the peer's window" },
	[PLOT_RTT] = { "rtt", "measured" },
	[PLOT_SRTT] = { "srtt", "srtt" },
	[PLOT_MIN_RTT] = { "min", "least" },
};

static const struct {
	const char *class, *name;
} marks[PLOT_MARK_KINDS] = {
	[PLOT_SENT] = { "sent", "sent" },	  [PLOT_AGAIN] = { "again", "sent again" },
	[PLOT_PROBE] = { "probe", "tail probe" }, [PLOT_LOST] = { "lost", "lost on the way" },
	[PLOT_SACK] = { "sack", "SACKed" },
};

static const char style[] =
	"svg{background:#fff;font:12px system-ui,sans-serif}text{fill:#222}.t{font-size:15px;font-weight:600}"
	".g{stroke:#ddd;stroke-width:1}.a{stroke:#888;fill:none}.n{fill:#666;font-size:11px}"
	".l{fill:none;stroke-width:1.4}.m{stroke-width:1.6}"
	".ack{stroke:#1a7f37}.window{stroke:#0969da;stroke-dasharray:4 2}.cwnd{stroke:#cf222e}.ssthresh{stroke:#8250df;"
	"stroke-dasharray:5 3}.flight{stroke:#8c959f}.rtt{stroke:#8c959f}.srtt{stroke:#0969da}"
	".min{stroke:#9a6700;stroke-dasharray:4 2}"
	".sent{stroke:#444}.again{stroke:#cf222e;stroke-width:2.4}.probe{stroke:#bf3989;stroke-width:2.4}"
	".lost{stroke:#cf222e;stroke-width:1.2}.sack{stroke:#e16f24}"
	"@media(prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#e6edf3}.n{fill:#9da7b1}.g{stroke:#21262d}"
	".a{stroke:#6e7681}.sent{stroke:#c9d1d9}.flight,.rtt{stroke:#6e7681}.ack{stroke:#3fb950}"
	".window,.srtt{stroke:#58a6ff}"
	".cwnd,.again,.lost{stroke:#ff7b72}.ssthresh{stroke:#bc8cff}.min{stroke:#d29922}}";

struct frame {
	double x, y, width, height; /* of the panel in the picture */
	double time, value;	    /* what its right and upper edges stand for: seconds; the panel's unit */
};

static double larger(double a, double b)
{
	return a > b ? a : b;
}

static double smaller(double a, double b)
{
	return a < b ? a : b;
}

static double x_of(const struct frame *frame, tern_time at)
{
	return frame->x + frame->width * ((double)at / 1e9) / frame->time;
}

static double y_of(const struct frame *frame, double value)
{
	const double share = value / frame->value;

	return frame->y + frame->height * (1 - (share > 1 ? 1 : share));
}

/* A step of 1, 2 or 5 times a power of ten that divides `range` into about n. */
static double nice_step(double range, int n)
{
	const double rough = range / n;
	double	     power = 1, lead;

	while (power > rough)
		power /= 10;
	while (power * 10 <= rough)
		power *= 10;
	lead = rough / power;
	return power * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10);
}

/* ---- scales ---- */

/* The peer's window may lie far above everything: no panel need show all of it. */
static double highest(const struct plot *plot, const struct panel *panel)
{
	double most = 0;

	for (enum plot_series i = panel->first; i <= panel->last; i++)
		for (size_t k = 0; i != PLOT_WINDOW && i != PLOT_OFFERED && k < plot->line[i].n; k++)
			most = larger(most, plot->line[i].points[k].value);
	for (size_t k = 0; panel == &panels[SEQUENCE] && k < plot->n_marks; k++)
		most = larger(most, plot->marks[k].to);
	return most * panel->scale;
}

static double top_of(const struct plot_column *columns, size_t n, int i)
{
	double most = 0;

	for (size_t c = 0; c < n; c++)
		most = larger(most, highest(columns[c].plot, &panels[i]));
	return most > 0 ? most * 1.05 : 1;
}

/* ---- one panel ---- */

static void put_axes(FILE *to, const struct frame *frame, const struct panel *panel, bool with_words)
{
	const double step_x = nice_step(frame->time, 6), step_y = nice_step(frame->value, 4);

	for (unsigned i = 0; i * step_y <= frame->value; i++) {
		const double at = i * step_y, y = y_of(frame, at);

		fprintf(to, "<path class='g' d='M%.1f %.1fh%.1f'/>", frame->x, y, frame->width);
		fprintf(to, "<text class='n' x='%.1f' y='%.1f' text-anchor='end'>%.6g</text>\n", frame->x - 6,
			y + 4, at);
	}
	for (unsigned i = 0; i * step_x <= frame->time * 1.0001; i++) {
		const double at = i * step_x, x = frame->x + frame->width * at / frame->time;

		fprintf(to, "<path class='g' d='M%.1f %.1fv%.1f'/>", x, frame->y, frame->height);
		fprintf(to, "<text class='n' x='%.1f' y='%.1f' text-anchor='middle'>%.6g</text>\n", x,
			frame->y + frame->height + 15, at);
	}
	fprintf(to, "<rect class='a' x='%.1f' y='%.1f' width='%.1f' height='%.1f'/>\n", frame->x, frame->y,
		frame->width, frame->height);
	if (with_words)
		fprintf(to,
			"<text transform='translate(%.1f %.1f) rotate(-90)' text-anchor='middle'>%s, %s</text>\n",
			frame->x - 60, frame->y + frame->height / 2, panel->title, panel->unit);
}

static void put_line(FILE *to, const struct frame *frame, const struct plot *plot, enum plot_series which,
		     double scale)
{
	const struct plot_line *const line = &plot->line[which];

	if (line->n == 0)
		return;
	fprintf(to, "<path class='l %s' d='M%.2f %.2f", series[which].class, x_of(frame, line->points[0].at),
		y_of(frame, line->points[0].value * scale));
	for (size_t i = 1; i < line->n && x_of(frame, line->points[i].at) <= frame->x + frame->width; i++)
		fprintf(to, "H%.2fV%.2f", x_of(frame, line->points[i].at),
			y_of(frame, line->points[i].value * scale));
	fprintf(to, "'/>\n");
}

/* All marks of a kind are one path. */
static void put_marks(FILE *to, const struct frame *frame, const struct plot *plot, enum plot_mark_kind kind,
		      double scale)
{
	const double least = kind == PLOT_SENT || kind == PLOT_SACK ? 1 : 5; /* what matters is seen from afar */
	bool	     any = false;

	for (size_t i = 0; i < plot->n_marks; i++) {
		const struct plot_mark *const mark = &plot->marks[i];
		const double x = x_of(frame, mark->at), y = y_of(frame, mark->to * scale);
		const double from = y_of(frame, mark->from * scale);

		if (mark->kind != kind)
			continue;
		if (!any)
			fprintf(to, "<path class='m %s' d='", marks[kind].class);
		any = true;
		if (kind == PLOT_LOST)
			fprintf(to, "M%.2f %.2fl6 6m0-6l-6 6", x - 3, y - 3);
		else
			fprintf(to, "M%.2f %.2fV%.2f", x, from, smaller(y, from - least));
	}
	if (any)
		fprintf(to, "'/>\n");
}

static double put_key(FILE *to, double x, double y, const char *class, const char *name)
{
	const char *const shape = class == marks[PLOT_LOST].class ? "m6-3l6 6m0-6l-6 6" : "h18";
	size_t n = 0;

	while (name[n])
		n++;
	fprintf(to, "<path class='l %s' d='M%.1f %.1f%s'/><text class='n' x='%.1f' y='%.1f'>%s</text>\n",
		class, x, y - 4, shape, x + 22, y, name);
	return x + 34 + 6.2 * (double)n;
}

static void put_keys(FILE *to, const struct frame *frame, const struct plot *plot, const struct panel *panel)
{
	double x = frame->x + 8;
	bool   has[PLOT_MARK_KINDS] = { false };

	for (size_t i = 0; panel == &panels[SEQUENCE] && i < plot->n_marks; i++)
		has[plot->marks[i].kind] = true;
	for (int i = 0; i < PLOT_MARK_KINDS; i++)
		if (has[i])
			x = put_key(to, x, frame->y + 16, marks[i].class, marks[i].name);
	if (panel == &panels[SEQUENCE])
		x = frame->x + 8;
	for (enum plot_series i = panel->first; i <= panel->last; i++)
		if (plot->line[i].n > 0)
			x = put_key(to, x, frame->y + (panel == &panels[SEQUENCE] ? 32 : 16), series[i].class,
				    series[i].name);
}

static void put_panel(FILE *to, const struct frame *frame, const struct plot *plot, int i, bool first)
{
	const struct panel *const panel = &panels[i];

	put_axes(to, frame, panel, first);
	for (enum plot_series k = panel->first; k <= panel->last; k++)
		put_line(to, frame, plot, k, panel->scale);
	for (int kind = 0; i == SEQUENCE && kind < PLOT_MARK_KINDS; kind++)
		put_marks(to, frame, plot, (enum plot_mark_kind)kind, panel->scale);
	put_keys(to, frame, plot, panel);
}

static double highest_of(const struct plot_line *line)
{
	double most = 0;

	for (size_t i = 0; i < line->n; i++)
		most = larger(most, line->points[i].value);
	return most;
}

/* ---- the whole ---- */

static double last_moment(const struct plot_column *columns, size_t n)
{
	double time = 0;

	for (size_t c = 0; c < n; c++)
		time = larger(time, (double)columns[c].plot->end / 1e9);
	return time > 0 ? time * 1.01 : 1;
}

/* In words, for who does not see it. */
static void put_desc(FILE *to, const struct plot_column *columns, size_t n, double time)
{
	fprintf(to, "<desc>Over %.3g seconds, from above: sequence numbers sent and acknowledged, octets in flight and "
		    "windows, round trips.",
		time);
	for (size_t c = 0; c < n; c++) {
		size_t count[PLOT_MARK_KINDS] = { 0 };

		for (size_t i = 0; i < columns[c].plot->n_marks; i++)
			count[columns[c].plot->marks[i].kind]++;
		fputc(' ', to);
		svg_text(to, columns[c].title);
		fprintf(to, ": %zu segments, %zu sent again, %zu lost; at most %.3g octets in flight.",
			count[PLOT_SENT] + count[PLOT_AGAIN] + count[PLOT_PROBE], count[PLOT_AGAIN] + count[PLOT_PROBE],
			count[PLOT_LOST], highest_of(&columns[c].plot->line[PLOT_IN_FLIGHT]));
	}
	fputs("</desc>", to);
}

int plot_write(FILE *to, const struct plot_column *columns, size_t n, const char *title)
{
	const double width = n > 1 ? NARROW : WIDE, time = last_moment(columns, n);
	double	     y = TOP, height = TOP + BOTTOM - GAP;
	bool	     complete = true;

	for (int i = 0; i < PANELS; i++)
		height += panels[i].height + GAP;
	fprintf(to, "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %.0f %.0f' role='img'><title>",
		LEFT + (double)n * (width + RIGHT + 40), height);
	svg_text(to, title);
	fprintf(to, "</title>");
	put_desc(to, columns, n, time);
	fprintf(to, "<style>%s</style>\n<text class='t' x='%d' y='24'>", style, LEFT);
	svg_text(to, title);
	fprintf(to, "</text>\n");
	for (int i = 0; i < PANELS; i++) {
		const double top = top_of(columns, n, i);

		for (size_t c = 0; c < n; c++) {
			const struct frame frame = {
				LEFT + (double)c * (width + RIGHT + 40), y, width, panels[i].height, time, top
			};

			put_panel(to, &frame, columns[c].plot, i, c == 0);
			complete = complete && !columns[c].plot->no_memory;
			if (i == 0) {
				fprintf(to, "<text x='%.1f' y='%.1f' font-weight='600'>", frame.x, y - 10);
				svg_text(to, columns[c].title);
				fprintf(to, "</text>\n");
			}
		}
		y += panels[i].height + GAP;
	}
	fprintf(to, "<text class='n' x='%d' y='%.1f'>seconds</text>\n</svg>\n", LEFT, y - GAP + 34);
	return complete ? 0 : -TERN_ENOMEM;
}
