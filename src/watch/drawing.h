/* The ground of the ladder: rows with their two lifelines, margins, lanes and words. What is drawn on it is
 * in arrow.h and ladder.h.
 *
 * A row is
 *
 *	    time   state ┃ arrows ┃ state
 *
 * and the part between the lifelines is a grid of `area` columns, some of which are lanes: columns that an
 * arrow goes down in, from the row of its sending to the row of its arrival. Words stand in the widest gap
 * between the lanes of their row, on the side of their host; what does not fit goes on to the next row.
 */
#ifndef WATCH_DRAWING_H
#define WATCH_DRAWING_H

#include "watch/canvas.h"
#include "watch/label.h"
#include "watch/ladder.h"
#include "watch/plan.h"

struct drawing {
	const struct timeline	    *timeline;
	const struct ladder_options *options;
	FILE			    *to;
	struct plan		     plan;
	struct canvas		     canvas; /* the row at hand */
	unsigned		     time, left, right, area; /* columns; left, right: where the lifelines are */
	bool			     several; /* connections */
	tern_time		     start, shown;
	bool			     has_shown;
	long			     lane[LADDER_COLUMNS_MAX]; /* the SENT line in it, or TIMELINE_NONE */
	struct label_before	     before[TIMELINE_HOSTS];
};

/* Columns of the area, [from, from + n). */
struct gap {
	unsigned from, n;
};

enum canvas_colour drawing_colour(unsigned host);
unsigned	   drawing_column(const struct drawing *l, unsigned at); /* the area's column as the canvas has it */
void		   drawing_time(char to[24], tern_time t);		 /* as the time column shows it */

/* A fresh row in l->canvas, with the lifelines and the lanes on it. */
void drawing_begin_row(struct drawing *l);
/* The item's time, where it is not the one shown last, and its change of state. */
void drawing_put_item(struct drawing *l, const struct plan_item *item);
/* As it is where it was told or is proved; "(FIN-WAIT-2)" inferred, "[ESTABLISHED]" unseen. */
void drawing_put_state(struct drawing *l, unsigned host, enum tern_state state, enum tern_basis basis, uint32_t conn);

/* The widest run of columns in [from, to) that no lane goes through. */
struct gap drawing_widest(const struct drawing *l, unsigned from, unsigned to);
/* Words of one row, at the side of the host. */
void drawing_put_words(struct drawing *l, struct gap gap, unsigned host, const char *words, enum canvas_colour colour);

/* Words beside a lifeline, over as many rows of their own as they need; the first of them is the item's, if
 * there is one. */
void drawing_words(struct drawing *l, unsigned host, const char *text, enum canvas_colour colour,
		   const struct plan_item *item);

#endif
