/* The ladder as a picture for pages and papers, in the manner of TCP/IP Illustrated: two lifelines, an arrow for each
 * segment from the moment of its sending down to that of its arrival, states outside. What is drawn and what is folded
 * is the terminal's ladder's (plan.h).
 *
 * Rows stand at even distances; where nothing happens for `silence` the lifelines are broken and the span is said. A
 * picture of more than LADDER_SVG_ROWS rows is thinned: its middle is left out, and how much that is stands there. It
 * needs no style sheet, script or font; light and dark follow the reader; <title> and <desc> tell it in words, and so
 * does a <title> in each arrow.
 */
#ifndef WATCH_LADDER_SVG_H
#define WATCH_LADDER_SVG_H

#include "watch/timeline.h"

#include <stdio.h>

enum { LADDER_SVG_ROWS = 2000 };

struct ladder_svg_options {
	const char *title; /* any text */
	bool	    all;   /* nothing folded, nothing thinned */
	tern_time   silence; /* 0: none is shown */
};

/* 0, or -TERN_ENOMEM (nothing was written then). Errors of `to` are the caller's to find (ferror). */
int ladder_svg_write(FILE *to, const struct timeline *timeline, const struct ladder_svg_options *options);

/* The same as a sequence diagram of Mermaid's, which READMEs and wikis draw: arrows are level there, in the order of
 * sending; a lost one ends in a cross, and one that arrives later than what was sent after it says so. */
int mermaid_write(FILE *to, const struct timeline *timeline, const struct ladder_svg_options *options);

#endif
