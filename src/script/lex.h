/* The words of a script. */
#ifndef SCRIPT_LEX_H
#define SCRIPT_LEX_H

#include "script/script.h"

enum token_kind {
	TOKEN_END,
	TOKEN_WRONG,   /* text says what is wrong */
	TOKEN_INTEGER, /* number */
	TOKEN_TIME,    /* 0.25: time */
	TOKEN_WORD,
	TOKEN_STRING,  /* without its quotes, escapes resolved */
	TOKEN_COMMAND, /* between backticks */
	TOKEN_CODE,    /* between %{ and }% */
	TOKEN_OPTION,  /* --name */
	TOKEN_ADDRESS, /* 192.0.2.1, fe80::1 */
	TOKEN_ELLIPSIS,
	TOKEN_SIGN, /* one character: sign */
};

struct token {
	enum token_kind kind;
	unsigned	line;
	char		sign;
	bool		spaced; /* something separates it from the token before */
	int64_t		number;
	tern_time	time;
	const char     *text;
};

struct lexer {
	const char	     *at;
	unsigned	      line;
	struct script_arena **arena;
};

void lex_next(struct lexer *lexer, struct token *token);

#endif
