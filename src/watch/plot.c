/* Plots: the points, taken from samples and from the timeline. Drawing them is plot_svg.c's. */
#include "watch/plot.h"
#include <stdlib.h>

void plot_init(struct plot *plot)
{
	*plot = (struct plot){ .end = 0 };
}

void plot_done(struct plot *plot)
{
	for (int i = 0; i < PLOT_SERIES; i++)
		free(plot->line[i].points);
	free(plot->marks);
	plot_init(plot);
}

/* The next place of an array that grows by doubling; NULL: no memory. */
static void *next_place(void **array, size_t *n, size_t *room, size_t size)
{
	if (*n == *room) {
		const size_t more = *room > 0 ? 2 * *room : 64;
		void *const  moved = realloc(*array, more * size);

		if (!moved)
			return NULL;
		*array = moved;
		*room = more;
	}
	return (char *)*array + (*n)++ * size;
}

static void add_point(struct plot *plot, enum plot_series series, tern_time at, double value)
{
	struct plot_line *const	 line = &plot->line[series];
	struct plot_point *const last = line->n > 0 ? &line->points[line->n - 1] : NULL;
	struct plot_point	*point;

	if (last && !(last->value < value || last->value > value))
		return;
	if (last && last->at == at) { /* within one moment the last word counts */
		last->value = value;
		return;
	}
	point = next_place((void **)&line->points, &line->n, &line->room, sizeof *point);
	if (!point) {
		plot->no_memory = true;
		return;
	}
	*point = (struct plot_point){ at, value };
}

static void add_mark(struct plot *plot, const struct plot_mark *mark)
{
	struct plot_mark *const place =
		next_place((void **)&plot->marks, &plot->n_marks, &plot->marks_room, sizeof *place);

	if (place)
		*place = *mark;
	else
		plot->no_memory = true;
}

void plot_sample(struct plot *plot, tern_time now, const struct tern_status *status)
{
	if (status->state < TERN_STATE_ESTABLISHED || status->cwnd == 0)
		return;
	add_point(plot, PLOT_CWND, now, status->cwnd);
	if (status->ssthresh < 0x7fffffff) /* until then it is arbitrarily high (RFC 5681 3.1) */
		add_point(plot, PLOT_SSTHRESH, now, status->ssthresh);
	add_point(plot, PLOT_IN_FLIGHT, now, status->in_flight);
	if (status->srtt > 0)
		add_point(plot, PLOT_SRTT, now, (double)status->srtt / 1e9);
	if (status->min_rtt > 0)
		add_point(plot, PLOT_MIN_RTT, now, (double)status->min_rtt / 1e9);
}

static void read_sent(struct plot *plot, const struct timeline_line *line)
{
	const struct tern_watch_segment *const segment = &line->event.u.segment;
	struct plot_mark		       mark = { .at = line->event.now,
							.from = line->rseq,
							.to = (double)line->rseq + segment->len };

	if (segment->len == 0 || !line->has_rseq)
		return;
	if (segment->retransmitted && line->has_why && line->why == TERN_RETRANSMIT_TAIL_PROBE)
		mark.kind = PLOT_PROBE;
	else
		mark.kind = segment->retransmitted ? PLOT_AGAIN : PLOT_SENT;
	add_mark(plot, &mark);
	if (line->has_fate && line->arrives == TERN_NEVER) {
		mark.kind = PLOT_LOST;
		add_mark(plot, &mark);
	}
}

static void read_heard(struct plot *plot, const struct timeline *timeline, size_t i)
{
	const struct timeline_line *const      line = &timeline->lines[i];
	const struct tern_watch_segment *const segment = &line->event.u.segment;
	const tern_time			       now = line->event.now;
	uint32_t			       left, right;

	if (!line->has_rack || segment->verdict != TERN_VERDICT_ACCEPTED)
		return;
	if (plot->line[PLOT_ACK].n == 0 ||
	    plot->line[PLOT_ACK].points[plot->line[PLOT_ACK].n - 1].value <= line->rack)
		add_point(plot, PLOT_ACK, now, line->rack);
	add_point(plot, PLOT_WINDOW, now, (double)line->rack + segment->wnd);
	add_point(plot, PLOT_OFFERED, now, segment->wnd);
	for (uint8_t block = 0; block < segment->n_sack; block++)
		if (timeline_relative(timeline, i, true, segment->sack[block].left, &left) &&
		    timeline_relative(timeline, i, true, segment->sack[block].right, &right))
			add_mark(plot, &(struct plot_mark){ now, left, right, PLOT_SACK });
}

/* ---- of a capture ---- */

enum { ESTIMATED = 4096 }; /* segments in flight that are remembered; of more none is timed */

/* Segments in flight, each sent once so far, in their order. */
struct flying {
	uint32_t  end[ESTIMATED];
	tern_time at[ESTIMATED];
	size_t	  first, n;
	uint32_t  highest, acked, again; /* again: nothing below it is timed */
	double	  srtt, least;
};

static void estimate_sent(struct plot *plot, struct flying *flying, const struct timeline_line *line)
{
	const struct tern_watch_segment *const segment = &line->event.u.segment;
	const uint32_t			       end = line->rseq + segment->len;

	if (segment->len == 0 || !line->has_rseq)
		return;
	if (end <= flying->highest) { /* once more: Karn */
		flying->again = flying->highest;
		return;
	}
	flying->highest = end;
	if (flying->n < ESTIMATED) {
		const size_t place = (flying->first + flying->n++) % ESTIMATED;

		flying->end[place] = end;
		flying->at[place] = line->event.now;
	}
	if (end > flying->acked)
		add_point(plot, PLOT_IN_FLIGHT, line->event.now, end - flying->acked);
}

static void estimate_heard(struct plot *plot, struct flying *flying, const struct timeline_line *line)
{
	tern_time sent = TERN_NEVER;

	if (!line->has_rack || line->rack <= flying->acked || line->event.u.segment.verdict != TERN_VERDICT_ACCEPTED)
		return;
	flying->acked = line->rack;
	for (; flying->n > 0 && flying->end[flying->first] <= line->rack; flying->n--) {
		sent = flying->end[flying->first] > flying->again ? flying->at[flying->first] : TERN_NEVER;
		flying->first = (flying->first + 1) % ESTIMATED;
	}
	add_point(plot, PLOT_IN_FLIGHT, line->event.now,
		  flying->highest > flying->acked ? flying->highest - flying->acked : 0);
	if (sent == TERN_NEVER)
		return;
	const double rtt = (double)(line->event.now - sent) / 1e9;

	flying->srtt = flying->srtt > 0 ? flying->srtt + (rtt - flying->srtt) / 8 : rtt;
	flying->least = flying->least > 0 && flying->least < rtt ? flying->least : rtt;
	add_point(plot, PLOT_RTT, line->event.now, rtt);
	add_point(plot, PLOT_SRTT, line->event.now, flying->srtt);
	add_point(plot, PLOT_MIN_RTT, line->event.now, flying->least);
}

void plot_estimate(struct plot *plot, const struct timeline *timeline, unsigned host)
{
	struct flying *const flying = calloc(1, sizeof *flying);

	if (!flying) {
		plot->no_memory = true;
		return;
	}
	for (size_t i = 0; i < timeline->n; i++) {
		const struct timeline_line *const line = &timeline->lines[i];

		if (line->host != host || line->conn == 0)
			continue;
		if (line->kind == TIMELINE_SENT)
			estimate_sent(plot, flying, line);
		else if (line->kind == TIMELINE_ARRIVED)
			estimate_heard(plot, flying, line);
	}
	free(flying);
}

/* ---- of a timeline ---- */

void plot_read(struct plot *plot, const struct timeline *timeline, unsigned host)
{
	for (size_t i = 0; i < timeline->n; i++) {
		const struct timeline_line *const line = &timeline->lines[i];

		if (line->kind != TIMELINE_SENT && line->kind != TIMELINE_ARRIVED)
			continue;
		plot->end = line->event.now > plot->end ? line->event.now : plot->end;
		if (line->host != host || line->conn == 0)
			continue;
		if (line->kind == TIMELINE_SENT)
			read_sent(plot, line);
		else
			read_heard(plot, timeline, i);
	}
}
