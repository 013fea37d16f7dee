/* Plain sentences for each step of a run, in English or Chinese: what happened, why, and the RFC clause.
 *
 * The catalogues (catalogue_en.c, catalogue_zh.c) hold a sentence or two for everything that a timeline
 * can show; {words} in them stand for values of the line at hand.
 */
#ifndef WATCH_EXPLAIN_H
#define WATCH_EXPLAIN_H

#include "watch/timeline.h"

#include <stdio.h>

enum explain_language { EXPLAIN_EN, EXPLAIN_ZH, EXPLAIN_LANGUAGES };

/* "en" or "zh": false where it is neither. */
bool explain_language_by_name(const char *name, enum explain_language *language);
/* What LC_ALL, LC_MESSAGES or LANG asks for; English where that is neither. */
enum explain_language explain_language_by_locale(void);

struct explain_options {
	enum explain_language language;
	unsigned	      columns; /* as ladder_options.columns */
	bool		      ascii;   /* arrows between names as ASCII */
	bool		      colour;
};

/* The whole run, a step a paragraph; a sentence that was said before is not said again. */
void explain_write(FILE *to, const struct timeline *timeline, const struct explain_options *options);

/* The catalogue's sentences with their {words}, for one thing each. Never NULL; "" means that the
 * catalogue lacks it, which the tests do not allow. */
const char *explain_edge(enum explain_language language, enum tern_state from, enum tern_state to, enum tern_why why);
const char *explain_role(enum explain_language language, enum role role);
const char *explain_fate(enum explain_language language, enum tern_fate fate);
const char *explain_verdict(enum explain_language language, enum tern_verdict verdict);
const char *explain_timer(enum explain_language language, enum tern_timer timer); /* when it fires */
const char *explain_retransmit(enum explain_language language, enum tern_retransmit_why why);
const char *explain_congestion(enum explain_language language, enum tern_congestion_event event);
const char *explain_note(enum explain_language language, enum tern_note note);

/* Line i of the timeline in words, into to[size): its sentences with their values filled in. Returns the
 * length; 0: nothing to say about such a line. */
size_t explain_line(char *to, size_t size, const struct timeline *timeline, size_t i,
		    enum explain_language language);

#endif
