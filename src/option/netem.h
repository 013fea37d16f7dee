/* The words for a bad link, as tc-netem(8) has them: each command that impairs one takes them all, from here. */
#ifndef OPTION_NETEM_H
#define OPTION_NETEM_H

#include "option/line.h"

#include <tern/link.h>

/* Their ids, beyond those of any command's own words. */
enum netem_word {
	NETEM_FIRST = 1000,
	NETEM_DELAY = NETEM_FIRST, NETEM_JITTER, NETEM_LOSS, NETEM_BURST, NETEM_RATE, NETEM_LIMIT, NETEM_LIMIT_BYTES,
	NETEM_REORDER, NETEM_REORDER_BY, NETEM_REORDER_DELAY, NETEM_DUPLICATE, NETEM_CORRUPT, NETEM_CE_THRESHOLD,
	NETEM_ECN, /* the last: a command whose own --ecn is TCP's leaves it out */
	NETEM_END,
};
enum { NETEM_WORDS = NETEM_END - NETEM_FIRST };

extern const struct option_word netem_words[NETEM_WORDS]; /* in the order of enum netem_word */

static inline bool netem_has(const struct option_word *word)
{
	return word->id >= NETEM_FIRST && word->id < NETEM_END;
}

/* False: the value is not one of its kind; why. Only the word's own fields of *impair change. */
bool netem_take(const struct option_line *line, const struct option_word *word, const char *value,
		struct tern_impair *impair);

#endif
