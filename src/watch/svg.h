/* What the pictures share: text as XML has it. */
#ifndef WATCH_SVG_H
#define WATCH_SVG_H

#include <stdio.h>

/* Any bytes as text of an element or an attribute: &, <, >, ' and " as references; what XML 1.0 2.2 forbids, and what
 * is not UTF-8, as U+FFFD. */
void svg_text(FILE *to, const char *text);

#endif
