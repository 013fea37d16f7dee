/* How a command line is read: a command has tables of its options, takes one argument after another, and what is
 * wrong is said in one sentence that names it. The kinds of value that several commands take are read here.
 */
#ifndef OPTION_LINE_H
#define OPTION_LINE_H

#include <stdio.h>
#include <tern/types.h>

enum { OPTION_TABLES = 3, OPTION_LETTERS = 24 };

struct option_word {
	const char *name, *value; /* without dashes; value NULL: it takes none */
	const char *help;	  /* one line, in --help */
	int	    id;
};

struct option_line {
	const char *command; /* "tern lab", whose --help tells more */
	struct {
		const struct option_word *words; /* in the order of --help */
		unsigned		  n;
	} table[OPTION_TABLES]; /* those that are empty are passed over */
	struct {
		char letter; /* -p for --publish */
		int  id;
	} letter[OPTION_LETTERS];
	char  *why; /* what is wrong */
	size_t room;
};

/* The option that arguments[0] is, as --name VALUE, --name=VALUE, --name, -l VALUE, -lVALUE or -l: how many arguments
 * that took, with the word and its value (NULL where it takes none). 0: there is no such option, its value is missing,
 * or it takes none; why. */
int line_take(const struct option_line *line, int n, char *const arguments[], const struct option_word **word,
	      const char **value);
void line_help(const struct option_line *line, unsigned columns, FILE *to); /* columns: of the words */

/* All of these are false where something is wrong, and then why says what; *to is left alone. */
bool line_wrong(const struct option_line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "--loss: 'x' is not <wanted>" */
bool line_not(const struct option_line *line, const struct option_word *word, const char *value, const char *wanted);
bool line_number(const struct option_line *line, const struct option_word *word, const char *value, uint64_t low,
		 uint64_t high, uint64_t *to);
bool line_u32(const struct option_line *line, const struct option_word *word, const char *value, uint32_t low,
	      uint32_t high, uint32_t *to);
bool line_fd(const struct option_line *line, const struct option_word *word, const char *value, int *to);
bool line_time(const struct option_line *line, const struct option_word *word, const char *value, tern_time *to);
/* "64M", "256k", "250000": by 1024, as tc(8) reads sizes. */
bool line_bytes(const struct option_line *line, const struct option_word *word, const char *value, uint64_t low,
		uint64_t high, uint64_t *to);
/* What is not empty: the name of a file, of an algorithm. */
bool line_name(const struct option_line *line, const struct option_word *word, const char *value, const char **to);
/* Which of them it is, the last of which is NULL. */
bool line_choice(const struct option_line *line, const struct option_word *word, const char *value,
		 const char *const choices[], unsigned *to);

#endif
