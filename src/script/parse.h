/* What the two halves of the parser share. */
#ifndef SCRIPT_PARSE_H
#define SCRIPT_PARSE_H

#include "script/lex.h"

struct parser {
	struct lexer   lexer;
	struct token   now, ahead;
	struct script *script;
	char	      *error; /* of SCRIPT_ERROR bytes */
	unsigned       depth;
};

void parse_advance(struct parser *parser);
bool parse_is(const struct parser *parser, char sign);
bool parse_is_word(const struct parser *parser, const char *word);
bool parse_take(struct parser *parser, char sign); /* if it is there */
bool parse_take_word(struct parser *parser, const char *word);
bool parse_need(struct parser *parser, char sign); /* or it is an error */
bool parse_number(struct parser *parser, int64_t low, int64_t high, int64_t *to, const char *what);
/* Says what is wrong at `line`; false. */
bool parse_wrong(struct parser *parser, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- parse_value.c ---- */

struct value *parse_value(struct parser *parser);			    /* NULL: wrong */
bool parse_values(struct parser *parser, char close, struct value **items); /* up to and with close */

/* ---- parse_packet.c ---- */

bool parse_packet(struct parser *parser, struct script_packet *packet);

#endif
