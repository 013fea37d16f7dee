/* tern report: one page that stands by itself. A source gives its events (JSON lines, docs/json-lines.md) and
 * the same as a ladder of text, for where scripts are off; report_page.c puts them into the page that was
 * built from web/.
 *
 * What a capture or another program's lines hold is hostile: nothing of it is ever written as markup. The
 * events stand in a data block in which no "<" is left, all else is escaped, and the page allows no script but
 * its own (by its hash).
 */
#ifndef TOOL_REPORT_H
#define TOOL_REPORT_H

#include "tool/trace.h"
#include "watch/explain.h"
#include "watch/timeline.h"

#include <stdio.h>

enum { REPORT_HEADER = 128, REPORT_SAID = 6000, REPORT_TITLE = 400 };

struct report {
	const char	     *out;    /* -; NULL: not given */
	const char	     *title;  /* NULL: the source's own */
	const char	     *source; /* "lab", "record", "capture", "captures", "json", "gateway" */
	enum explain_language language;
	char		      own_title[REPORT_TITLE], about[REPORT_TITLE];
	char		      command[400]; /* as it was called */

	FILE  *events, *ladder; /* into memory: */
	char  *events_text, *ladder_text;
	size_t events_n, ladder_n;
	bool   is_open;
	bool   is_lines; /* events came as lines: what stands for the ladder is made of them */
	bool   nothing;	 /* there is nothing to write */
	bool   is_playground; /* no source */
	bool   is_whole;      /* nothing is left out, whatever the page weighs */
	bool   is_plain;      /* nothing is deflated */

	char	      *static_text; /* for where scripts are off, as HTML */
	size_t	       static_n;
	char	      *thin_text; /* what stays of the events; NULL: all */
	size_t	       thin_n;
	unsigned char *packed; /* deflated; NULL: lines */
	size_t	       packed_n;
};

/* The page, and how long it is. */
extern const unsigned char tern_embedded_report[];
extern const size_t	   tern_embedded_report_n;

/* ---- report_playground.c ---- */

/* The page of the playground. 0, or negated errno. */
int report_playground(FILE *to, enum explain_language language);

/* ---- report_page.c ---- */

/* False: no memory. */
bool report_open(struct report *report);
void report_done(struct report *report);
/* The whole page. 0, or negated errno. */
int report_write(struct report *report, FILE *to);
/* Into events, without a "<": JSON has none outside its strings, and in them \u003c is the same. */
void report_put(struct report *report, const char *text, size_t n);
/* The same within a string: quotes and control characters too are escaped. */
void report_put_string(struct report *report, const char *text, size_t n);

/* ---- report_pack.c: the events as the page holds them ---- */

/* around: the page's other bytes. 0, or -TERN_ENOMEM. */
int  report_pack(struct report *report, size_t around);
void report_base64(FILE *to, const unsigned char *from, size_t n);

/* ---- report_thin.c ---- */

struct report_thinned {
	size_t	 lines, kept; /* before, after */
	uint64_t segments;    /* that were left out */
};

/* Writes about `room` of the lines of the text, which a zero ends. False: no memory. */
bool report_thin(const char *text, size_t n, size_t room, FILE *to, struct report_thinned *thinned);

/* ---- report_deflate_zlib.c, or where there is no zlib report_deflate_none.c ---- */

/* In zlib's format (RFC 1950), to be freed. 0; -TERN_ENOMEM; -TERN_EOPNOTSUPP: without zlib. */
int report_deflate(const char *from, size_t n, unsigned char **to, size_t *to_n);

/* ---- report_events.c: a timeline's events and ladder ---- */

/* The first bytes of a packet, for the segment that the line tells of. */
struct report_header {
	uint8_t bytes[REPORT_HEADER];
	uint8_t n; /* 0: not known */
};

struct report_telling {
	const struct timeline *timeline;
	/* Of a SENT line; NULL: no headers are known. The result lives until the next call; NULL: of this not. */
	const struct report_header *(*header)(void *context, const struct timeline_line *line);
	void *context;
};

/* 0, or -TERN_ENOMEM. */
int report_tell(struct report *report, const struct report_telling *telling);

/* ---- report_headers.c: those of captures ---- */

struct report_headers {
	struct report_packet *packets; /* by number, once they are read */
	size_t		      n;
};

/* Of all segments of the story; where there are too many, or no memory, of none. */
void report_headers_want(struct report_headers *headers, const struct trace_story *story);
/* Once all that is wanted is known; a file that cannot be read again gives none. */
void report_headers_read(struct report_headers *headers, const char *path);
const struct report_header *report_headers_of(const struct report_headers *headers,
					      const struct trace_segment *segment);
void report_headers_done(struct report_headers *headers);

/* ---- the sources: each says what is wrong and returns an exit code ---- */

int report_lab(struct report *report, int n, char *const arguments[]);
int report_recording(struct report *report, const char *path);
int report_captures(struct report *report, int n, char *const arguments[]);
int report_lines(struct report *report, const char *path);
int report_gateway(struct report *report, const char *path);

/* report_input.c: what "-" stands for is made a file that can be read more than once, of this name. An exit code. */
#define REPORT_INPUT "/dev/stdin"
int report_keep_input(void);

bool report_is_recording(const char *path);
bool report_is_lines(const char *path);
bool report_is_gateway(const char *path); /* there is a socket at path */

/* report_plain.c: lines as text, for where scripts are off. */
void report_plainly(struct report *report, const char *text, size_t n);

#endif
