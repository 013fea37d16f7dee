#include "watch/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void text_init(struct text *text, char *at, size_t size)
{
	*text = (struct text){ .at = at, .size = size };
	at[0] = 0;
}

void text_put_n(struct text *text, const char *from, size_t n)
{
	const size_t room = text->size - 1 - text->n;

	if (n > room) {
		n = room;
		text->cut = true;
	}
	memcpy(text->at + text->n, from, n);
	text->n += n;
	text->at[text->n] = 0;
}

void text_put(struct text *text, const char *string)
{
	text_put_n(text, string, strlen(string));
}

void text_format(struct text *text, const char *format, ...)
{
	const size_t room = text->size - text->n;
	va_list	     args;

	va_start(args, format);
	const int n = vsnprintf(text->at + text->n, room, format, args);

	va_end(args);
	if (n < 0)
		return;
	text->cut = text->cut || (size_t)n >= room;
	text->n += (size_t)n < room ? (size_t)n : room - 1;
}

/* How many bytes a character has that begins with this one; 0: none does. */
static unsigned bytes_of(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc0 || first >= 0xf8)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

uint32_t text_decode(const char **at)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char  *p = (const unsigned char *)*at;
	unsigned	      n = bytes_of(p[0]);
	uint32_t	      code = n < 2 ? p[0] : p[0] & (0x7fu >> n);

	if (p[0] == 0)
		return 0;
	for (unsigned i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			n = 0;
			break;
		}
		code = code << 6 | (p[i] & 0x3fu);
	}
	if (n == 0 || code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
		*at += 1;
		return 0xfffd;
	}
	*at += n;
	return code;
}

struct range {
	uint32_t first, last;
};

static bool is_in(const struct range *ranges, size_t n, uint32_t code)
{
	for (size_t i = 0; i < n; i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

static bool is_wide(uint32_t code)
{
	static const struct range wide[] = {
		{ 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0x33ff },	  { 0x3400, 0x4dbf },
		{ 0x4e00, 0x9fff },   { 0xa000, 0xa4cf },   { 0xa960, 0xa97f },	  { 0xac00, 0xd7a3 },
		{ 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff01, 0xff60 },	  { 0xffe0, 0xffe6 },
		{ 0x1f300, 0x1f64f }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
	};

	return code >= 0x1100 && is_in(wide, sizeof wide / sizeof *wide, code);
}

unsigned text_columns_of(uint32_t code)
{
	static const struct range none[] = {
		{ 0x0300, 0x036f }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x200b, 0x200f },
		{ 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0xfeff, 0xfeff },
	};

	if (code < 0x300)
		return 1;
	if (is_in(none, sizeof none / sizeof *none, code))
		return 0;
	return is_wide(code) ? 2 : 1;
}

unsigned text_columns(const char *string)
{
	unsigned columns = 0;
	uint32_t code;

	while ((code = text_decode(&string)))
		columns += text_columns_of(code);
	return columns;
}

/* Chinese breaks anywhere but before closing punctuation and after opening (GB/T 15834). */
static bool may_begin_line(uint32_t code)
{
	static const uint32_t never[] = { 0x3001, 0x3002, 0xff0c, 0xff1b, 0xff1a, 0xff1f, 0xff01, 0xff09,
					  0x300b, 0x300d, 0x300f, 0x3011, 0x201d, 0x2019, 0x2026, 0x00b7 };

	for (size_t i = 0; i < sizeof never / sizeof *never; i++)
		if (code == never[i])
			return false;
	return true;
}

static bool may_end_line(uint32_t code)
{
	return code != 0xff08 && code != 0x300a && code != 0x300c && code != 0x300e && code != 0x3010 &&
	       code != 0x201c && code != 0x2018;
}

/* The blank at `at` stands inside "RFC 9293 3.5", which is read as one word. */
static bool is_in_citation(const char *string, const char *at)
{
	const char *word = at;

	if (at[1] < '0' || at[1] > '9')
		return false;
	while (word > string && word[-1] >= '0' && word[-1] <= '9')
		word--;
	if (word < at && word > string && word[-1] == ' ')
		word--;
	return word - string >= 3 && memcmp(word - 3, "RFC", 3) == 0;
}

size_t text_line(const char *string, unsigned columns, const char **next)
{
	const char *at = string, *end = NULL, *follow = NULL;
	unsigned    used = 0;
	uint32_t    last = 0;

	for (;;) {
		const char *here = at;
		uint32_t    code = text_decode(&at);

		if (code == 0 || code == '\n') {
			*next = code ? at : here;
			return (size_t)(here - string);
		}
		const bool breaks = last && (is_wide(code) || is_wide(last)) && last != ' ' && code != ' ' &&
				    may_begin_line(code) && may_end_line(last);

		if (code == ' ' && last != ' ' && !is_in_citation(string, here)) {
			end = here;
			follow = at;
		} else if (breaks && used <= columns) {
			end = follow = here;
		}
		used += text_columns_of(code);
		if (code != ' ' && used > columns) {
			if (!end) {
				end = here == string ? at : here;
				follow = end;
				while (end - 1 > string && end[-1] == ' ')
					end--;
			}
			while (*follow == ' ')
				follow++;
			*next = follow;
			return (size_t)(end - string);
		}
		last = code;
	}
}
