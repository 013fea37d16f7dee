/* The parser: settings, events and their times; what an event holds is parse_packet.c's and parse_value.c's. */
#include "script/parse.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void parse_advance(struct parser *parser)
{
	parser->now = parser->ahead;
	lex_next(&parser->lexer, &parser->ahead);
}

bool parse_wrong(struct parser *parser, unsigned line, const char *format, ...)
{
	va_list arguments;
	int	n;

	if (parser->error[0])
		return false; /* the first is the cause of the rest */
	n = snprintf(parser->error, SCRIPT_ERROR, "%s:%u: ", parser->script->file, line);
	va_start(arguments, format);
	if (n > 0 && n < SCRIPT_ERROR)
		vsnprintf(parser->error + n, (size_t)(SCRIPT_ERROR - n), format, arguments);
	va_end(arguments);
	return false;
}

bool parse_is(const struct parser *parser, char sign)
{
	return parser->now.kind == TOKEN_SIGN && parser->now.sign == sign;
}

bool parse_is_word(const struct parser *parser, const char *word)
{
	return parser->now.kind == TOKEN_WORD && strcmp(parser->now.text, word) == 0;
}

bool parse_take(struct parser *parser, char sign)
{
	if (!parse_is(parser, sign))
		return false;
	parse_advance(parser);
	return true;
}

bool parse_take_word(struct parser *parser, const char *word)
{
	if (!parse_is_word(parser, word))
		return false;
	parse_advance(parser);
	return true;
}

bool parse_need(struct parser *parser, char sign)
{
	if (parse_take(parser, sign))
		return true;
	if (parser->now.kind == TOKEN_WRONG)
		return parse_wrong(parser, parser->now.line, "%s", parser->now.text);
	return parse_wrong(parser, parser->now.line, "'%c' is missing", sign);
}

bool parse_number(struct parser *parser, int64_t low, int64_t high, int64_t *to, const char *what)
{
	if (parser->now.kind != TOKEN_INTEGER)
		return parse_wrong(parser, parser->now.line, "%s is missing", what);
	if (parser->now.number < low || parser->now.number > high)
		return parse_wrong(parser, parser->now.line, "%lld is no %s: %lld to %lld are",
				   (long long)parser->now.number, strchr(what, ' ') + 1, (long long)low,
				   (long long)high);
	*to = parser->now.number;
	parse_advance(parser);
	return true;
}

/* ---- times ---- */

static bool take_moment(struct parser *parser, tern_time *at)
{
	if (parser->now.kind == TOKEN_TIME)
		*at = parser->now.time;
	else if (parser->now.kind == TOKEN_INTEGER && parser->now.number >= 0 &&
		 parser->now.number <= SCRIPT_SECONDS)
		*at = parser->now.number * TERN_SECOND;
	else if (parser->now.kind == TOKEN_WRONG)
		return parse_wrong(parser, parser->now.line, "%s", parser->now.text);
	else if (parse_is(parser, '.') && parser->ahead.kind == TOKEN_INTEGER && !parser->ahead.spaced)
		return parse_wrong(parser, parser->now.line, "write 0 before the point");
	else
		return parse_wrong(parser, parser->now.line, "a time is missing");
	parse_advance(parser);
	return true;
}

/* 0.1, +0.1, *, 0.1~0.3, +0.1~+0.3 */
static bool take_time(struct parser *parser, struct script_event *event)
{
	const bool relative = parse_take(parser, '+');

	event->line = parser->now.line;
	if (!relative && parse_take(parser, '*')) {
		event->when = TIME_ANY;
		return true;
	}
	if (!take_moment(parser, &event->at))
		return false;
	event->until = event->at;
	event->when = relative ? TIME_RELATIVE : TIME_ABSOLUTE;
	if (!parse_take(parser, '~'))
		return true;
	if (relative && !parse_need(parser, '+'))
		return false;
	event->when = relative ? TIME_RELATIVE_RANGE : TIME_ABSOLUTE_RANGE;
	if (!take_moment(parser, &event->until))
		return false;
	return event->until >= event->at ||
	       parse_wrong(parser, event->line, "the range of time is backwards");
}

/* ---- events ---- */

static bool take_result(struct parser *parser, struct script_call *call)
{
	if (!parse_need(parser, '='))
		return false;
	call->result = parse_value(parser);
	if (!call->result)
		return false;
	if (parser->now.kind == TOKEN_WORD) {
		call->error = parser->now.text;
		parse_advance(parser);
	}
	if (!parse_is(parser, '('))
		return true;
	/* (Connection refused): for the reader */
	while (!parse_is(parser, ')') && parser->now.kind != TOKEN_END && parser->now.kind != TOKEN_WRONG)
		parse_advance(parser);
	return parse_need(parser, ')');
}

static bool take_call(struct parser *parser, struct script_event *event)
{
	struct script_call *const call = &event->u.call;

	event->kind = EVENT_CALL;
	if (parser->now.kind == TOKEN_ELLIPSIS) {
		parse_advance(parser);
		call->blocks = true;
		if (!take_moment(parser, &call->end))
			return false;
	}
	if (parser->now.kind != TOKEN_WORD)
		return parse_wrong(parser, parser->now.line,
				   "a packet, a call, a command or code is missing");
	call->name = parser->now.text;
	parse_advance(parser);
	return parse_need(parser, '(') && parse_values(parser, ')', &call->arguments) &&
	       take_result(parser, call);
}

static bool take_text(struct parser *parser, struct script_event *event, enum event_kind kind)
{
	event->kind = kind;
	event->u.text = parser->now.text;
	parse_advance(parser);
	return true;
}

static bool take_action(struct parser *parser, struct script_event *event)
{
	if (parse_is(parser, '<') || parse_is(parser, '>')) {
		event->kind = EVENT_PACKET;
		return parse_packet(parser, &event->u.packet);
	}
	if (parser->now.kind == TOKEN_COMMAND)
		return take_text(parser, event, EVENT_COMMAND);
	if (parser->now.kind == TOKEN_CODE)
		return take_text(parser, event, EVENT_CODE);
	if (parser->now.kind == TOKEN_WRONG)
		return parse_wrong(parser, parser->now.line, "%s", parser->now.text);
	return take_call(parser, event);
}

static bool take_event(struct parser *parser, struct script_event *event)
{
	const bool outbound_only =
		take_time(parser, event) && event->when != TIME_ABSOLUTE && event->when != TIME_RELATIVE;

	if (parser->error[0] || !take_action(parser, event))
		return false;
	if (outbound_only && (event->kind != EVENT_PACKET || event->u.packet.inbound))
		return parse_wrong(parser, event->line, "'*' and ranges of time go with packets that leave");
	return true;
}

static bool take_setting(struct parser *parser, struct script_setting *setting)
{
	char text[32];

	setting->name = parser->now.text;
	setting->line = parser->now.line;
	setting->value = "";
	parse_advance(parser);
	if (!parse_take(parser, '='))
		return true;
	if (parser->now.kind == TOKEN_INTEGER) {
		snprintf(text, sizeof text, "%lld", (long long)parser->now.number);
		setting->value = arena_text(&parser->script->arena, text, strlen(text));
	} else if (parser->now.text) {
		setting->value = parser->now.text;
	} else {
		return parse_wrong(parser, setting->line, "--%s= wants a value", setting->name);
	}
	parse_advance(parser);
	return true;
}

static bool take_settings(struct parser *parser)
{
	struct script_setting **end = &parser->script->settings;

	while (parser->now.kind == TOKEN_OPTION) {
		struct script_setting *const setting = arena_get(&parser->script->arena, sizeof *setting);

		if (!take_setting(parser, setting))
			return false;
		*end = setting;
		end = &setting->next;
	}
	return true;
}

static bool take_script(struct parser *parser)
{
	struct script_event **end = &parser->script->events;

	if (!take_settings(parser))
		return false;
	if (parser->now.kind == TOKEN_COMMAND) {
		parser->script->before = parser->now.text;
		parse_advance(parser);
	}
	while (parser->now.kind != TOKEN_END) {
		if (parser->now.kind == TOKEN_COMMAND && parser->ahead.kind == TOKEN_END) {
			parser->script->after = parser->now.text;
			break;
		}
		*end = arena_get(&parser->script->arena, sizeof **end);
		if (!take_event(parser, *end))
			return false;
		end = &(*end)->next;
	}
	return parser->script->events || parse_wrong(parser, parser->now.line, "a script without events");
}

bool script_parse(struct script *script, const char *file, char *text, char error[SCRIPT_ERROR])
{
	struct parser parser = { .script = script, .error = error };

	*script = (struct script){ .file = file, .text = text };
	error[0] = '\0';
	parser.lexer = (struct lexer){ .at = text, .line = 1, .arena = &script->arena };
	lex_next(&parser.lexer, &parser.now);
	lex_next(&parser.lexer, &parser.ahead);
	if (take_script(&parser))
		return true;
	script_free(script);
	return false;
}

void script_free(struct script *script)
{
	arena_free(script->arena);
	free(script->text);
	*script = (struct script){ .file = NULL };
}
