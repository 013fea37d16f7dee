/* The ladder: a timeline drawn as two lifelines with an arrow per segment, time flowing down.
 *
 * An arrow leaves its sender's lifeline on the row of its sending, with its number and label, and
 * reaches the other on the row of its arrival; between the two it is a vertical line (a lane), so that
 * what is in flight is seen, and arrows cross exactly where segments overtook one another. A lost one
 * ends in an X and a word. States stand outside the lifelines, on the rows where they change.
 */
#ifndef WATCH_LADDER_H
#define WATCH_LADDER_H

#include "watch/timeline.h"

#include <stdio.h>

enum { LADDER_COLUMNS_MIN = 72, LADDER_COLUMNS_MAX = 200 };

struct ladder_options {
	unsigned columns; /* of the terminal; brought into LADDER_COLUMNS_MIN to _MAX; 0: 80 */
	bool	 ascii;	  /* ASCII characters alone */
	bool	 colour;  /* ANSI colours; never the only carrier of a meaning */
	bool	 all;	  /* nothing folded, and every timer set and stopped */
	tern_time silence; /* a row says so where nothing happens for as long; 0: none does */
};

/* Draws the whole timeline. 0, or -TERN_ENOMEM (nothing was written then). Errors of `to` are the
 * caller's to find (ferror). */
int ladder_write(FILE *to, const struct timeline *timeline, const struct ladder_options *options);

#endif
