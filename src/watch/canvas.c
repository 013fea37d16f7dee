#include "watch/canvas.h"

#include "watch/text.h"

#include <string.h>

static const uint32_t CANVAS_TAIL = UINT32_MAX;

void canvas_clear(struct canvas *canvas)
{
	memset(canvas->cell, 0, sizeof canvas->cell);
}

void canvas_line(struct canvas *canvas, unsigned column, unsigned line, enum canvas_colour colour)
{
	if (column >= canvas->columns)
		return;

	struct canvas_cell *cell = &canvas->cell[column];

	cell->line |= (uint8_t)line;
	cell->colour = (uint8_t)colour;
}

static void put(struct canvas *canvas, unsigned column, uint32_t code, enum canvas_colour colour)
{
	if (column >= canvas->columns)
		return;
	canvas->cell[column] = (struct canvas_cell){ .code = code, .colour = (uint8_t)colour };
}

void canvas_sign(struct canvas *canvas, unsigned column, enum canvas_sign sign, enum canvas_colour colour)
{
	static const struct {
		uint32_t utf8;
		char	 ascii;
	} signs[] = {
		[CANVAS_HEAD_LEFT] = { 0x25c4, '<' }, [CANVAS_HEAD_RIGHT] = { 0x25ba, '>' },
		[CANVAS_CROSS] = { 0x2717, 'X' },     [CANVAS_DOT] = { 0x25cf, '*' },
		[CANVAS_ELLIPSIS] = { 0x22ee, ':' },
	};

	put(canvas, column, canvas->ascii ? (uint32_t)signs[sign].ascii : signs[sign].utf8, colour);
}

unsigned canvas_text(struct canvas *canvas, unsigned column, const char *text, enum canvas_colour colour)
{
	const unsigned from = column;
	uint32_t       code;

	while ((code = text_decode(&text))) {
		const unsigned wide = text_columns_of(code);

		if (wide == 0 || column + wide > canvas->columns)
			continue;
		put(canvas, column, code, colour);
		if (wide == 2)
			put(canvas, column + 1, CANVAS_TAIL, colour);
		column += wide;
	}
	return column - from;
}

/* ---- glyphs ---- */

static uint32_t post_glyph(unsigned line, bool ascii)
{
	const bool left = line & CANVAS_LEFT, right = line & CANVAS_RIGHT;

	if (ascii)
		return left || right ? '+' : '|';
	return left && right ? 0x2542 : left ? 0x2528 : right ? 0x2520 : 0x2503;
}

static uint32_t line_glyph(unsigned line, bool ascii)
{
	static const uint16_t utf8[16] = {
		[CANVAS_UP] = 0x2575,
		[CANVAS_DOWN] = 0x2577,
		[CANVAS_LEFT] = 0x2574,
		[CANVAS_RIGHT] = 0x2576,
		[CANVAS_UP | CANVAS_DOWN] = 0x250a,
		[CANVAS_LEFT | CANVAS_RIGHT] = 0x2500,
		[CANVAS_LEFT | CANVAS_DOWN] = 0x256e,
		[CANVAS_LEFT | CANVAS_UP] = 0x256f,
		[CANVAS_RIGHT | CANVAS_DOWN] = 0x256d,
		[CANVAS_RIGHT | CANVAS_UP] = 0x2570,
		[CANVAS_UP | CANVAS_DOWN | CANVAS_LEFT] = 0x2524,
		[CANVAS_UP | CANVAS_DOWN | CANVAS_RIGHT] = 0x251c,
		[CANVAS_LEFT | CANVAS_RIGHT | CANVAS_UP] = 0x2534,
		[CANVAS_LEFT | CANVAS_RIGHT | CANVAS_DOWN] = 0x252c,
		[CANVAS_UP | CANVAS_DOWN | CANVAS_LEFT | CANVAS_RIGHT] = 0x253c,
	};

	if (line == 0)
		return ' ';
	if (line & CANVAS_POST)
		return post_glyph(line, ascii);
	if (!ascii)
		return utf8[line & 15];
	switch (line & 15) {
	case CANVAS_UP | CANVAS_DOWN: return ':';
	case CANVAS_LEFT:
	case CANVAS_RIGHT:
	case CANVAS_LEFT | CANVAS_RIGHT: return '-';
	case CANVAS_LEFT | CANVAS_DOWN:
	case CANVAS_RIGHT | CANVAS_DOWN: return '.';
	case CANVAS_LEFT | CANVAS_UP:
	case CANVAS_RIGHT | CANVAS_UP: return '\'';
	default: return '+';
	}
}

static unsigned encode(char to[4], uint32_t code)
{
	if (code < 0x80) {
		to[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		to[0] = (char)(0xc0 | code >> 6);
		to[1] = (char)(0x80 | (code & 63));
		return 2;
	}
	if (code < 0x10000) {
		to[0] = (char)(0xe0 | code >> 12);
		to[1] = (char)(0x80 | (code >> 6 & 63));
		to[2] = (char)(0x80 | (code & 63));
		return 3;
	}
	to[0] = (char)(0xf0 | code >> 18);
	to[1] = (char)(0x80 | (code >> 12 & 63));
	to[2] = (char)(0x80 | (code >> 6 & 63));
	to[3] = (char)(0x80 | (code & 63));
	return 4;
}

static const char *escape(enum canvas_colour colour)
{
	static const char *const escapes[] = {
		[CANVAS_PLAIN] = "\x1b[0m",	    [CANVAS_DIM] = "\x1b[0;2m",
		[CANVAS_BOLD] = "\x1b[0;1m",	    [CANVAS_LEFT_HOST] = "\x1b[0;36m",
		[CANVAS_RIGHT_HOST] = "\x1b[0;32m", [CANVAS_BAD] = "\x1b[0;1;31m",
		[CANVAS_WARN] = "\x1b[0;33m",
	};

	return escapes[colour];
}

void canvas_write(const struct canvas *canvas, FILE *to)
{
	enum canvas_colour colour = CANVAS_PLAIN;
	unsigned	   end = canvas->columns;
	char		   bytes[4];

	while (end > 0 && !canvas->cell[end - 1].line &&
	       (canvas->cell[end - 1].code == 0 || canvas->cell[end - 1].code == ' '))
		end--;
	for (unsigned i = 0; i < end; i++) {
		const struct canvas_cell *cell = &canvas->cell[i];
		const uint32_t code = cell->code ? cell->code : line_glyph(cell->line, canvas->ascii);

		if (code == CANVAS_TAIL)
			continue;
		if (canvas->colour && code != ' ' && cell->colour != colour) {
			colour = (enum canvas_colour)cell->colour;
			fputs(escape(colour), to);
		}
		fwrite(bytes, 1, encode(bytes, code), to);
	}
	if (colour != CANVAS_PLAIN)
		fputs(escape(CANVAS_PLAIN), to);
	fputc('\n', to);
}
