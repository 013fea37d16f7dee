#include "script/lex.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_OF_NS = 9 };

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static void wrong(struct token *token, const char *what)
{
	token->kind = TOKEN_WRONG;
	token->text = what;
}

/* Blanks and comments. False: a comment without an end. */
static bool skip(struct lexer *lexer)
{
	for (;;) {
		if (*lexer->at == '\n') {
			lexer->line++;
			lexer->at++;
		} else if (isspace((unsigned char)*lexer->at)) {
			lexer->at++;
		} else if (*lexer->at == '#' || strncmp(lexer->at, "//", 2) == 0) {
			lexer->at += strcspn(lexer->at, "\n");
		} else if (strncmp(lexer->at, "/*", 2) == 0) {
			const char *const end = strstr(lexer->at + 2, "*/");

			if (!end)
				return false;
			for (; lexer->at < end + 2; lexer->at++)
				lexer->line += *lexer->at == '\n';
		} else {
			return true;
		}
	}
}

/* An address begins here: digits and dots with three dots, or hexadecimal digits and at least two colons. */
static size_t address_length(const char *at)
{
	const size_t v4 = strspn(at, "0123456789."), v6 = strspn(at, "0123456789abcdefABCDEF:.");
	unsigned     dots = 0, colons = 0;
	bool	     together = false; /* "1...2" is a time */

	for (size_t i = 0; i < v4; i++) {
		dots += at[i] == '.';
		together = together || (at[i] == '.' && at[i + 1] == '.');
	}
	if (dots == 3 && !together)
		return v4;
	for (size_t i = 0; i < v6; i++)
		colons += at[i] == ':';
	return colons >= 2 && v6 > 0 ? v6 : 0;
}

static void lex_number(struct lexer *lexer, struct token *token)
{
	char	*end;
	uint64_t whole;

	if (lexer->at[0] == '0' && (lexer->at[1] == 'x' || lexer->at[1] == 'X')) {
		token->kind = TOKEN_INTEGER;
		token->number = (int64_t)strtoull(lexer->at, &end, 16);
		lexer->at = end;
		return;
	}
	whole = strtoull(lexer->at, &end, 10);
	token->number = (int64_t)whole;
	token->kind = TOKEN_INTEGER;
	lexer->at = end;
	if (*end != '.' || !isdigit((unsigned char)end[1]))
		return;
	token->kind = TOKEN_TIME;
	if (whole > SCRIPT_SECONDS)
		wrong(token, "a time of more than 1000000 s");
	token->time = (tern_time)(whole % (SCRIPT_SECONDS + 1)) * TERN_SECOND;
	lexer->at++;
	tern_time unit = TERN_SECOND / 10;

	for (int i = 0; isdigit((unsigned char)*lexer->at); i++, lexer->at++, unit /= 10)
		token->time += i < DIGITS_OF_NS ? (*lexer->at - '0') * unit : 0;
}

static char unescaped(char c)
{
	return c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == '0' ? '\0' : c;
}

static void lex_string(struct lexer *lexer, struct token *token)
{
	const char *const end = strchr(lexer->at + 1, '"');
	char		 *to;
	size_t		  n = 0;

	if (!end || memchr(lexer->at, '\n', (size_t)(end - lexer->at))) {
		wrong(token, "a string without an end");
		return;
	}
	to = arena_get(lexer->arena, strlen(lexer->at) + 1);
	for (lexer->at++; *lexer->at && *lexer->at != '"'; lexer->at++) {
		if (*lexer->at == '\\' && lexer->at[1])
			to[n++] = unescaped(*++lexer->at);
		else
			to[n++] = *lexer->at;
	}
	lexer->at += *lexer->at == '"';
	token->kind = TOKEN_STRING;
	token->text = to;
	token->number = (int64_t)n;
}

/* What stands between two marks, which may go over lines. */
static void lex_between(struct lexer *lexer, struct token *token, enum token_kind kind, const char *open,
			const char *close)
{
	const char *const from = lexer->at + strlen(open), *const end = strstr(from, close);

	if (!end) {
		wrong(token, kind == TOKEN_CODE ? "'%{' without '}%'" : "'`' without another");
		return;
	}
	token->kind = kind;
	token->text = arena_text(lexer->arena, from, (size_t)(end - from));
	for (; lexer->at < end + strlen(close); lexer->at++)
		lexer->line += *lexer->at == '\n';
}

static void lex_word(struct lexer *lexer, struct token *token, enum token_kind kind)
{
	const char *const from = lexer->at;

	while (is_word(*lexer->at) || (kind == TOKEN_OPTION && *lexer->at == '-'))
		lexer->at++;
	token->kind = kind;
	token->text = arena_text(lexer->arena, from, (size_t)(lexer->at - from));
}

static void lex_address(struct lexer *lexer, struct token *token, size_t n)
{
	token->kind = TOKEN_ADDRESS;
	token->text = arena_text(lexer->arena, lexer->at, n);
	lexer->at += n;
}

void lex_next(struct lexer *lexer, struct token *token)
{
	const char *const before = lexer->at;
	const bool	  complete = skip(lexer);
	const size_t	  address = address_length(lexer->at);

	*token = (struct token){ .line = lexer->line, .spaced = lexer->at > before };
	if (!complete)
		wrong(token, "a comment without an end");
	else if (*lexer->at == '\0')
		token->kind = TOKEN_END;
	else if (strncmp(lexer->at, "%{", 2) == 0)
		lex_between(lexer, token, TOKEN_CODE, "%{", "}%");
	else if (*lexer->at == '`')
		lex_between(lexer, token, TOKEN_COMMAND, "`", "`");
	else if (*lexer->at == '"')
		lex_string(lexer, token);
	else if (strncmp(lexer->at, "...", 3) == 0) {
		token->kind = TOKEN_ELLIPSIS;
		lexer->at += 3;
	} else if (strncmp(lexer->at, "--", 2) == 0 && isalpha((unsigned char)lexer->at[2])) {
		lexer->at += 2;
		lex_word(lexer, token, TOKEN_OPTION);
	} else if (address > 0) {
		lex_address(lexer, token, address);
	} else if (isdigit((unsigned char)*lexer->at)) {
		lex_number(lexer, token);
	} else if (is_word(*lexer->at)) {
		lex_word(lexer, token, TOKEN_WORD);
	} else {
		token->kind = TOKEN_SIGN;
		token->sign = *lexer->at++;
	}
}
