/* One row of a drawing in box characters: cells that hold a character or pieces of line that join. */
#ifndef WATCH_CANVAS_H
#define WATCH_CANVAS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { CANVAS_COLUMNS = 200 };

/* Where the line in a cell leads. CANVAS_POST: a lifeline, which is drawn heavier than arrows. */
enum canvas_line {
	CANVAS_UP = 1,
	CANVAS_DOWN = 2,
	CANVAS_LEFT = 4,
	CANVAS_RIGHT = 8,
	CANVAS_POST = 16,
};

enum canvas_colour {
	CANVAS_PLAIN,
	CANVAS_DIM,
	CANVAS_BOLD,
	CANVAS_LEFT_HOST,
	CANVAS_RIGHT_HOST,
	CANVAS_BAD,
	CANVAS_WARN,
};

/* Signs that have an ASCII twin. */
enum canvas_sign { CANVAS_HEAD_LEFT, CANVAS_HEAD_RIGHT, CANVAS_CROSS, CANVAS_DOT, CANVAS_ELLIPSIS };

struct canvas_cell {
	uint32_t code; /* 0: a line or nothing; CANVAS_TAIL: the second half of a wide character */
	uint8_t	 line, colour;
};

struct canvas {
	struct canvas_cell cell[CANVAS_COLUMNS];
	unsigned	   columns;
	bool		   ascii, colour;
};

void canvas_clear(struct canvas *canvas);
/* What lies beyond the last column is cut. Lines add up; text replaces. */
void	 canvas_line(struct canvas *canvas, unsigned column, unsigned line, enum canvas_colour colour);
void	 canvas_sign(struct canvas *canvas, unsigned column, enum canvas_sign sign, enum canvas_colour colour);
unsigned canvas_text(struct canvas *canvas, unsigned column, const char *text, enum canvas_colour colour);
/* Writes the row without blanks at its end, and a newline. */
void canvas_write(const struct canvas *canvas, FILE *to);

#endif
