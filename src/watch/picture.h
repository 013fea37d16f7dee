/* What ladder_svg.c and mermaid.c share: the plan of a picture with its rows and its thinning, and the words on it. */
#ifndef WATCH_PICTURE_H
#define WATCH_PICTURE_H

#include "watch/label.h"
#include "watch/ladder_svg.h"
#include "watch/plan.h"

enum { PICTURE_WORDS = 256 };

struct picture {
	const struct timeline		*timeline;
	const struct ladder_svg_options *options;
	struct plan			 plan;
	size_t	    cut_from, cut_to; /* items [from, to) are left out */
	tern_time   start;
	bool	    several; /* connections */
	struct label_before before[TIMELINE_HOSTS];
};

/* False: no memory. */
bool picture_begin(struct picture *picture, const struct timeline *timeline, const struct ladder_svg_options *options);
void picture_done(struct picture *picture);

/* The span of silence before item i; 0: none worth a row. */
tern_time picture_silence(const struct picture *picture, size_t i);

/* Words of an item; in the order of the items, since what stays the same is not said again. */
void picture_sent(struct picture *picture, char to[PICTURE_WORDS], const struct plan_item *item);
void picture_fold(char to[PICTURE_WORDS], const struct plan_item *item);
void picture_cut(const struct picture *picture, char to[PICTURE_WORDS]);
/* "(FIN-WAIT-2)": as the ladder marks what is not proved. */
void picture_state(const struct picture *picture, char to[PICTURE_WORDS], const struct plan_item *item);
/* "10.0.0.1:80" of a host; "" where nothing was sent. */
void picture_endpoint(const struct timeline *timeline, unsigned host, char to[56]);
/* The state that a host begins in; false: none is told of. */
bool picture_first_state(const struct timeline *timeline, unsigned host, enum tern_state *state);

#endif
