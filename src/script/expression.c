#include "script/code.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS = 8, DEPTH = 40 };

/* Python's int(): beyond 2^53 every double is whole (or infinite, or none). */
static double towards_zero(double n)
{
	return n > -0x1p53 && n < 0x1p53 ? (double)(int64_t)n : n;
}

/* Python's floor, by which // rounds and % takes the sign of what divides. */
static double down(double n)
{
	const double whole = towards_zero(n);

	return whole > n ? whole - 1 : whole;
}

/* ---- words ---- */

void code_skip(struct code *code)
{
	for (;; code->at++) {
		if (*code->at == '#')
			code->at += strcspn(code->at, "\n") - 1;
		else if (*code->at == '\\' && code->at[1] == '\n')
			code->at++;
		else if (*code->at != ' ' && *code->at != '\t' && *code->at != '\r')
			return;
	}
}

bool code_take(struct code *code, const char *sign)
{
	code_skip(code);
	if (strncmp(code->at, sign, strlen(sign)) != 0)
		return false;
	code->at += strlen(sign);
	return true;
}

bool code_in_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

bool code_take_word(struct code *code, const char *word)
{
	const size_t n = strlen(word);

	code_skip(code);
	if (strncmp(code->at, word, n) != 0 || code_in_name(code->at[n]))
		return false;
	code->at += n;
	return true;
}

/* ---- expressions ---- */

static struct thing call_function(struct code *code, const char *name)
{
	struct thing items[ITEMS];
	unsigned     n = 0;

	if (!code_take(code, ")")) {
		do {
			if (n == ITEMS)
				return code_fail(code, "more than %d arguments", ITEMS);
			items[n++] = code_expression(code);
		} while (code_take(code, ","));
		if (!code_take(code, ")"))
			return code_fail(code, "')' is missing after the arguments of %s", name);
	}
	if (n == 1 && strcmp(name, "abs") == 0)
		return code_number(items[0].number < 0 ? -items[0].number : items[0].number);
	if (n == 1 && (strcmp(name, "int") == 0 || strcmp(name, "long") == 0))
		return code_number(towards_zero(items[0].number));
	if (n == 1 && (strcmp(name, "float") == 0 || strcmp(name, "str") == 0))
		return items[0];
	if (n > 0 && (strcmp(name, "min") == 0 || strcmp(name, "max") == 0)) {
		for (unsigned i = 1; i < n; i++)
			if ((items[i].number < items[0].number) == (name[1] == 'i'))
				items[0] = items[i];
		return items[0];
	}
	return code_fail(code, "function '%s' with %u arguments is not known here", name, n);
}

static struct thing text_of(struct code *code)
{
	const char   quote = *code->at++;
	struct thing thing = { .kind = THING_TEXT };
	size_t	     n = 0;

	while (*code->at && *code->at != quote) {
		if (n + 1 < CODE_TEXT)
			thing.text[n++] = *code->at;
		code->at++;
	}
	if (*code->at != quote)
		return code_fail(code, "a string without an end");
	code->at++;
	return thing;
}

static struct thing atom(struct code *code)
{
	char   name[CODE_NAME];
	size_t n = 0;
	char  *end;
	double value;

	if (code_take(code, "(")) {
		const struct thing inside = code_expression(code);

		return code_take(code, ")") ? inside : code_fail(code, "')' is missing");
	}
	if (*code->at == '\'' || *code->at == '"')
		return text_of(code);
	if (isdigit((unsigned char)*code->at) || (*code->at == '.' && isdigit((unsigned char)code->at[1]))) {
		value = strtod(code->at, &end);
		code->at = end;
		return code_number(value);
	}
	while (code_in_name(*code->at) && n + 1 < CODE_NAME)
		name[n++] = *code->at++;
	name[n] = '\0';
	if (n == 0)
		return code_fail(code, "an expression is missing at '%.12s'", code->at);
	return code_take(code, "(") ? call_function(code, name) : code_named(code, name);
}

static struct thing unary(struct code *code)
{
	bool negative = false, is_signed = false;

	for (;;) {
		if (code_take(code, "-"))
			negative = !negative;
		else if (!code_take(code, "+"))
			break;
		is_signed = true;
	}
	const struct thing thing = atom(code);

	return is_signed ? code_number(negative ? -thing.number : thing.number) : thing;
}

static struct thing product(struct code *code)
{
	struct thing left = unary(code), right;

	for (;;) {
		const bool whole = code_take(code, "//"), times = !whole && code_take(code, "*"),
			   share = !whole && !times && code_take(code, "/");
		const bool rest = !whole && !times && !share && code_take(code, "%");

		if (!whole && !times && !share && !rest)
			return left;
		right = unary(code);
		if (!times && !code_truth(&right))
			return code_fail(code, "division by zero");
		if (times)
			left.number *= right.number;
		else if (share)
			left.number /= right.number;
		else if (whole)
			left.number = down(left.number / right.number);
		else
			left.number -= right.number * down(left.number / right.number);
	}
}

static struct thing sum(struct code *code)
{
	struct thing left = product(code);

	for (;;) {
		if (code_take(code, "+"))
			left.number += product(code).number;
		else if (code_take(code, "-"))
			left.number -= product(code).number;
		else
			return left;
	}
}

static int order(const struct thing *a, const struct thing *b)
{
	if (a->kind == THING_TEXT && b->kind == THING_TEXT)
		return strcmp(a->text, b->text);
	return (a->number > b->number) - (a->number < b->number);
}

/* x in (a, b, c) */
static bool is_member(struct code *code, const struct thing *thing)
{
	bool	   found = false;
	const bool round = code_take(code, "(");

	if (!round && !code_take(code, "["))
		return code_fail(code, "'in' wants ( or [").number > 0;
	do {
		const struct thing item = sum(code);

		found = found || order(thing, &item) == 0;
	} while (code_take(code, ","));
	if (!code_take(code, round ? ")" : "]"))
		code_fail(code, "the end of a list is missing");
	return found;
}

static struct thing comparison(struct code *code)
{
	static const char *const signs[] = { "==", "!=", "<=", ">=", "<", ">" };
	struct thing		 left = sum(code), right;
	bool			 all = true, any = false;

	for (;;) {
		size_t i = 0;
		int    by;

		if (code_take_word(code, "in"))
			return code_number(is_member(code, &left));
		while (i < 6 && !code_take(code, signs[i]))
			i++;
		if (i == 6)
			return any ? code_number(all) : left;
		any = true;
		right = sum(code);
		by = order(&left, &right);
		all = all && (i == 0   ? by == 0
			      : i == 1 ? by != 0
			      : i == 2 ? by <= 0
			      : i == 3 ? by >= 0
			      : i == 4 ? by < 0
				       : by > 0);
		left = right;
	}
}

static struct thing negation(struct code *code)
{
	unsigned times = 0;

	while (code_take_word(code, "not"))
		times++;
	const struct thing inside = comparison(code);

	return times == 0 ? inside : code_number(code_truth(&inside) == (times % 2 == 0));
}

static struct thing conjunction(struct code *code)
{
	struct thing left = negation(code);

	while (code_take_word(code, "and")) {
		const struct thing right = negation(code);

		left = code_truth(&left) ? right : left;
	}
	return left;
}

struct thing code_expression(struct code *code)
{
	struct thing left;

	if (++code->depth > DEPTH)
		return code_fail(code, "an expression nested too deeply");
	left = conjunction(code);
	while (code_take_word(code, "or")) {
		const struct thing right = conjunction(code);

		left = code_truth(&left) ? left : right;
	}
	code->depth--;
	return left;
}
