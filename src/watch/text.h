/* Text for terminals: building it in a fixed place, and how many columns it takes there. */
#ifndef WATCH_TEXT_H
#define WATCH_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Builds a zero-ended string in a place of fixed size; what finds no room is cut. */
struct text {
	char  *at;
	size_t size, n; /* n: length, without the zero */
	bool   cut;
};

void text_init(struct text *text, char *at, size_t size); /* size > 0 */
void text_put(struct text *text, const char *string);
void text_put_n(struct text *text, const char *from, size_t n);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The code point at *at, which moves behind it. 0 at the end; U+FFFD (one byte on) where it is not
 * UTF-8. */
uint32_t text_decode(const char **at);

/* Columns of a code point: 0 (combining), 2 (the CJK of UAX 11: wide and full-width) or 1. */
unsigned text_columns_of(uint32_t code);
unsigned text_columns(const char *string);

/* The longest first part of string that fits `columns` and ends where a line may be broken (at a blank,
 * or between two wide characters where neither forbids it); at least one character. Its length in bytes;
 * *next is where the following line begins. */
size_t text_line(const char *string, unsigned columns, const char **next);

#endif
