/* A code event as it is read (code.c): where we stand in its text, the names that it made, and what can be asked of
 * the socket under test. Expressions (expression.c) are the part of Python's that scripts use: numbers, strings,
 * names, arithmetic, comparisons (chained), and, or, not, in, parentheses, and abs, min, max, int, len of tuples.
 * Numbers are doubles, as far as whole ones exact to 2^53.
 *
 * What goes wrong is told once (code_fail()); from then on the values mean nothing, and code.failed says so.
 */
#ifndef SCRIPT_CODE_H
#define SCRIPT_CODE_H

#include "script/engine.h"
#include "sockets/info.h"

enum { CODE_NAMES = 64, CODE_NAME = 40, CODE_TEXT = 64 };

struct thing {
	enum { THING_NUMBER, THING_TEXT } kind;
	double number;
	char   text[CODE_TEXT];
};

/* Names live as long as the code event; those of TCP_INFO are looked up as they are used. */
struct code {
	struct stage		  *stage;
	const struct script_event *event;
	const char		  *at;
	unsigned		   depth;
	bool			   failed;
	struct linux_tcp_info	   info;   /* of the socket under test */
	struct tern_status	   status; /* where the engine knows it */
	bool			   has_info, has_status;
	struct {
		char	     name[CODE_NAME];
		struct thing value;
	} names[CODE_NAMES];
	unsigned n_names;
};

struct thing code_fail(struct code *code, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline struct thing code_number(double n)
{
	return (struct thing){ .kind = THING_NUMBER, .number = n };
}

/* As Python has it: a string that is not empty, a number that is not zero. */
static inline bool code_truth(const struct thing *thing)
{
	return thing->kind == THING_TEXT ? thing->text[0] != '\0' : thing->number < 0 || thing->number > 0;
}

/* ---- words (expression.c) ---- */

/* Blanks, comments, and ends of lines behind a backslash. */
void code_skip(struct code *code);
/* True: it stood next, and lies behind us. A word must end there. */
bool code_take(struct code *code, const char *sign);
bool code_take_word(struct code *code, const char *word);
bool code_in_name(char c);

/* The expression that stands next, of no more than a fixed depth. */
struct thing code_expression(struct code *code);

/* What the event called so, a field of TCP_INFO, one of our own (tern_cwnd), or a constant (code_names.c). */
struct thing code_named(struct code *code, const char *name);

#endif
