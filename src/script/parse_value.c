/* Arguments and results: numbers, strings, constants, lists, fields. */
#include "script/parse.h"

enum { DEPTH = 32 };

static struct value *make(struct parser *parser, enum value_kind kind)
{
	struct value *const value = arena_get(&parser->script->arena, sizeof *value);

	value->kind = kind;
	value->line = parser->now.line;
	return value;
}

static struct value *leaf(struct parser *parser, enum value_kind kind)
{
	struct value *const value = make(parser, kind);

	value->text = parser->now.text;
	value->number = parser->now.number;
	parse_advance(parser);
	return value;
}

static struct value *nothing(struct parser *parser, const char *what)
{
	parse_wrong(parser, parser->now.line, "%s", what);
	return NULL;
}

/* name, name = value, name(n) = value, name: value; or a value that has none. */
static struct value *one_field(struct parser *parser)
{
	const char *const name = parser->now.kind == TOKEN_WORD ? parser->now.text : NULL;
	const bool	  named = name && parser->ahead.kind == TOKEN_SIGN &&
			   (parser->ahead.sign == '=' || parser->ahead.sign == ':');
	struct value *value;

	if (named) {
		parse_advance(parser);
		parse_advance(parser);
	}
	value = parse_value(parser);
	if (value && !named && value->kind == VALUE_CALL &&
	    parse_take(parser, '=')) { /* msg_iov(2) = [...] */
		const char *const counted = value->text;

		value = parse_value(parser);
		if (value)
			value->field = counted;
	} else if (value && named) {
		value->field = name;
	}
	return value;
}

bool parse_values(struct parser *parser, char close, struct value **items)
{
	struct value **end = items;

	*items = NULL;
	if (parse_take(parser, close))
		return true;
	for (;;) {
		struct value *const value = close == '}' ? one_field(parser) : parse_value(parser);

		if (!value)
			return false;
		*end = value;
		end = &value->next;
		if (parse_take(parser, close))
			return true;
		if (!parse_need(parser, ','))
			return false;
	}
}

static struct value *group(struct parser *parser, enum value_kind kind, char close, const char *name)
{
	struct value *const value = make(parser, kind);

	value->text = name;
	return parse_values(parser, close, &value->items) ? value : NULL;
}

static struct value *negative(struct parser *parser)
{
	struct value *value;

	if (parser->now.kind != TOKEN_INTEGER)
		return nothing(parser, "a number is missing after '-'");
	value = leaf(parser, VALUE_NUMBER);
	value->number = -value->number;
	return value;
}

static struct value *simple(struct parser *parser)
{
	const char *const name = parser->now.text;

	switch (parser->now.kind) {
	case TOKEN_INTEGER: return leaf(parser, VALUE_NUMBER);
	case TOKEN_STRING: return leaf(parser, VALUE_STRING);
	case TOKEN_ELLIPSIS: return leaf(parser, VALUE_ANY);
	case TOKEN_ADDRESS: return leaf(parser, VALUE_STRING);
	case TOKEN_WORD:
		if (parser->ahead.kind != TOKEN_SIGN || parser->ahead.sign != '(')
			return leaf(parser, VALUE_WORD);
		parse_advance(parser);
		parse_advance(parser);
		return group(parser, VALUE_CALL, ')', name);
	default: break;
	}
	if (parse_take(parser, '-'))
		return negative(parser);
	if (parse_take(parser, '['))
		return group(parser, VALUE_LIST, ']', NULL);
	if (parse_take(parser, '{'))
		return group(parser, VALUE_FIELDS, '}', NULL);
	return nothing(parser, "an argument is missing here");
}

struct value *parse_value(struct parser *parser)
{
	struct value *first, *either, **end;

	if (++parser->depth > DEPTH)
		return nothing(parser, "arguments are nested too deeply");
	first = simple(parser);
	if (first && parse_is(parser, '|')) {
		either = make(parser, VALUE_OR);
		either->items = first;
		for (end = &first->next; first && parse_take(parser, '|'); end = &first->next) {
			first = simple(parser);
			*end = first;
			if (!first)
				break;
		}
		first = first ? either : NULL;
	}
	parser->depth--;
	return first;
}
