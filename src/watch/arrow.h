/* Arrows of the ladder: a segment's way from one lifeline to the other. */
#ifndef WATCH_ARROW_H
#define WATCH_ARROW_H

#include "watch/drawing.h"

enum { ARROW_HEAD = 7 }; /* columns from the first lane to the lifeline: room for a number */

/* Draws item i of the plan, which is of kind SENT, and the item after it where that is its arrival. Returns
 * the number of the next item to draw. */
size_t arrow_sent(struct drawing *l, size_t i);

/* Draws an arrival apart from its sending. */
void arrow_arrived(struct drawing *l, const struct plan_item *item);

#endif
