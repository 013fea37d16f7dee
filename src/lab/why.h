/* The questions of `tern lab --why`: for each a few pictures, some of TCP as it is, some of what would be without the
 * part that is asked for, each a run of its own on the wire.
 */
#ifndef LAB_WHY_H
#define LAB_WHY_H

#include "lab/scenario.h"

struct lab_picture {
	const struct lab_scenario *scenario;
	const char *lesson[EXPLAIN_LANGUAGES]; /* what is to be seen in it */
	bool	    counterfactual;	       /* the lesson is what went wrong */
};

struct lab_question {
	const char *name;
	const char *asked[EXPLAIN_LANGUAGES];
	const char *answer[EXPLAIN_LANGUAGES];
	const struct lab_picture *pictures; /* in pairs: as it is, as it would be */
	size_t	    n;
};

extern const struct lab_question *const lab_questions[]; /* ends with NULL */

const struct lab_question *lab_question_by_name(const char *name); /* NULL: none */

#endif
