/* JSON: a writer, and a reader that takes what is well-formed and gives nothing of what is not. */
#include "perf/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

static void put_string(FILE *to, const char *text)
{
	(void)putc('"', to);
	for (; *text != '\0'; text++) {
		const unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			fprintf(to, "\\%c", c);
		else if (c < 0x20)
			fprintf(to, "\\u%04x", c);
		else
			(void)putc(c, to);
	}
	(void)putc('"', to);
}

static void new_line(const struct json_writer *json)
{
	if (!json->pretty)
		return;
	(void)putc('\n', json->to);
	for (unsigned i = 0; i < json->depth; i++)
		(void)putc('\t', json->to);
}

/* What stands before each value. */
static void begin(struct json_writer *json, const char *name)
{
	if (json->depth > 0) {
		bool *const has_some = &json->has_some[json->depth - 1];
		if (*has_some)
			(void)putc(',', json->to);
		*has_some = true;
		new_line(json);
	}
	if (name != NULL) {
		put_string(json->to, name);
		(void)putc(':', json->to);
		if (json->pretty)
			(void)putc(' ', json->to);
	}
}

void json_open(struct json_writer *json, const char *name, char bracket)
{
	begin(json, name);
	(void)putc(bracket, json->to);
	json->closing[json->depth] = bracket == '{' ? '}' : ']';
	json->has_some[json->depth] = false;
	json->depth++;
}

void json_close(struct json_writer *json)
{
	json->depth--;
	if (json->has_some[json->depth])
		new_line(json);
	(void)putc(json->closing[json->depth], json->to);
}

void json_text(struct json_writer *json, const char *name, const char *text)
{
	begin(json, name);
	put_string(json->to, text);
}

void json_integer(struct json_writer *json, const char *name, int64_t value)
{
	begin(json, name);
	fprintf(json->to, "%" PRId64, value);
}

void json_number(struct json_writer *json, const char *name, double value)
{
	begin(json, name);
	fprintf(json->to, "%.10g", isfinite(value) ? value : 0);
}

void json_bool(struct json_writer *json, const char *name, bool value)
{
	begin(json, name);
	fputs(value ? "true" : "false", json->to);
}

/* ---- reading ---- */

static const struct json_piece none;

static struct json_piece skip(struct json_piece text, size_t n)
{
	return (struct json_piece){ text.at + n, text.n - n };
}

static struct json_piece skip_space(struct json_piece text)
{
	while (text.n > 0 && strchr(" \t\r\n", *text.at) != NULL && *text.at != '\0')
		text = skip(text, 1);
	return text;
}

/* Bytes of the string that text begins with, its quotes too; 0: it has no end. */
static size_t string_length(struct json_piece text)
{
	for (size_t i = 1; i < text.n; i++) {
		if (text.at[i] == '\\')
			i++;
		else if (text.at[i] == '"')
			return i + 1;
	}
	return 0;
}

/* Bytes of the value that text begins with; 0: none, or it has no end. Brackets are counted, not told apart. */
static size_t value_length(struct json_piece text)
{
	size_t open = 0;

	for (size_t i = 0; i < text.n; i++) {
		const char c = text.at[i];
		if (c == '"') {
			const size_t n = string_length(skip(text, i));
			if (n == 0)
				return 0;
			i += n - 1;
			if (open == 0)
				return i + 1;
		} else if (c == '{' || c == '[') {
			open++;
		} else if (c == '}' || c == ']') {
			if (open == 0)
				return i; /* a plain word, ended by what it stands in */
			if (--open == 0)
				return i + 1;
		} else if (open == 0 && strchr(", \t\r\n", c) != NULL) {
			return i;
		}
	}
	return open == 0 ? text.n : 0;
}

/* Takes the value that *rest begins with, and the comma behind it. */
static struct json_piece take_value(struct json_piece *rest)
{
	const struct json_piece value = { rest->at, value_length(*rest) };

	*rest = skip_space(skip(*rest, value.n));
	if (rest->n > 0 && *rest->at == ',')
		*rest = skip_space(skip(*rest, 1));
	return value.n > 0 ? value : none;
}

struct json_piece json_member(struct json_piece object, const char *name)
{
	const size_t	  n = strlen(name);
	struct json_piece rest = skip_space(object);

	if (rest.n == 0 || *rest.at != '{')
		return none;
	rest = skip_space(skip(rest, 1));
	while (rest.n > 0 && *rest.at == '"') {
		const struct json_piece key = { rest.at + 1, string_length(rest) };
		if (key.n == 0)
			return none;
		rest = skip_space(skip(rest, key.n));
		if (rest.n == 0 || *rest.at != ':')
			return none;
		rest = skip_space(skip(rest, 1));
		const struct json_piece value = take_value(&rest);
		if (value.n == 0)
			return none;
		if (key.n - 2 == n && memcmp(key.at, name, n) == 0)
			return value;
	}
	return none;
}

bool json_next(struct json_piece *rest, struct json_piece *value)
{
	if (rest->n > 0 && *rest->at == '[')
		*rest = skip_space(skip(*rest, 1));
	if (rest->n == 0 || *rest->at == ']')
		return false;
	*value = take_value(rest);
	return value->n > 0;
}

bool json_is_true(struct json_piece value)
{
	return value.n == 4 && memcmp(value.at, "true", 4) == 0;
}

double json_to_number(struct json_piece value, double otherwise)
{
	char  digits[40], *end;

	if (value.n == 0 || value.n >= sizeof digits || strchr("-0123456789", *value.at) == NULL || *value.at == '\0')
		return otherwise;
	memcpy(digits, value.at, value.n);
	digits[value.n] = '\0';
	const double number = strtod(digits, &end);
	return *end == '\0' && isfinite(number) ? number : otherwise;
}

uint64_t json_to_count(struct json_piece value, uint64_t most, uint64_t otherwise)
{
	const double number = json_to_number(value, -1);

	if (number < 0)
		return otherwise;
	return number >= (double)most ? most : (uint64_t)number;
}

bool json_to_text(struct json_piece value, char *to, size_t room)
{
	to[0] = '\0';
	if (value.n < 2 || *value.at != '"' || value.n - 2 >= room || memchr(value.at, '\\', value.n) != NULL)
		return false;
	memcpy(to, value.at + 1, value.n - 2);
	to[value.n - 2] = '\0';
	return true;
}
