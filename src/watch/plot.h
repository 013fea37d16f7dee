/* Plots of one direction of a connection over time, in the manner of Stevens and tcptrace: sequence numbers
 * with what came again, what was lost, ACKs, SACKs and the peer's window; the congestion window with
 * ssthresh and what is in flight; round-trip time. Several runs stand side by side as columns with the same
 * scales. Written as one SVG, for light and dark.
 *
 * What is drawn was observed: the sequence panel reads the timeline, the others what tern_status() told, or of a
 * capture what its segments let one reckon.
 */
#ifndef WATCH_PLOT_H
#define WATCH_PLOT_H

#include "watch/timeline.h"

#include <stdio.h>
#include <tern/status.h>

struct plot_point {
	tern_time at;
	double	  value;
};

/* A line of steps: each value holds until the next. */
struct plot_line {
	struct plot_point *points;
	size_t		   n, room;
};

enum plot_mark_kind { PLOT_SENT, PLOT_AGAIN, PLOT_PROBE, PLOT_LOST, PLOT_SACK, PLOT_MARK_KINDS };

/* Sequence numbers [from, to), relative to the ISN. */
struct plot_mark {
	tern_time at;
	double	  from, to;
	enum plot_mark_kind kind;
};

enum plot_series {
	PLOT_ACK, PLOT_WINDOW,			 /* sequence numbers */
	PLOT_IN_FLIGHT, PLOT_OFFERED, PLOT_SSTHRESH, PLOT_CWND, /* octets; OFFERED: by the peer's ACKs */
	PLOT_RTT, PLOT_SRTT, PLOT_MIN_RTT,	 /* seconds; PLOT_RTT: each that was measured */
	PLOT_SERIES
};

struct plot {
	struct plot_line  line[PLOT_SERIES];
	struct plot_mark *marks;
	size_t		  n_marks, marks_room;
	tern_time	  end;
	bool		  no_memory; /* points are missing */
};

void plot_init(struct plot *plot);
void plot_done(struct plot *plot);

/* The sender's status at `now`; what has not changed costs nothing. */
void plot_sample(struct plot *plot, tern_time now, const struct tern_status *status);
/* What `host` of the timeline sent and heard. */
void plot_read(struct plot *plot, const struct timeline *timeline, unsigned host);

/* What a capture lets one reckon of the rest, where nobody samples: octets in flight, and round trips (Karn's, smoothed
 * as RFC 6298 2 has it) as the place of the capture shows them. Of the congestion window it shows nothing. */
void plot_estimate(struct plot *plot, const struct timeline *timeline, unsigned host);

struct plot_column {
	const struct plot *plot;
	const char	  *title;
};

/* 0, or -TERN_ENOMEM where points are missing. What writing meets is the stream's. */
int plot_write(FILE *to, const struct plot_column *columns, size_t n, const char *title);

#endif
