/* JSON, as much as a report and the messages of iperf3's control connection want: a writer to a stream, and a reader
 * that finds members in text that it never changes or copies.
 */
#ifndef PERF_JSON_H
#define PERF_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- writing ---- */

enum { JSON_DEPTH = 8 };

struct json_writer {
	FILE	*to;
	unsigned depth;		   /* of what is open */
	bool	 has_some[JSON_DEPTH]; /* so that a comma comes before the next */
	char	 closing[JSON_DEPTH];
	bool	 pretty;	   /* a line each, indented */
};

/* name: NULL within an array, and for the first of all. bracket: '{' or '['. At most JSON_DEPTH are open at once. */
void json_open(struct json_writer *json, const char *name, char bracket);
void json_close(struct json_writer *json);
void json_text(struct json_writer *json, const char *name, const char *text);
void json_integer(struct json_writer *json, const char *name, int64_t value);
void json_number(struct json_writer *json, const char *name, double value); /* one that is not finite becomes 0 */
void json_bool(struct json_writer *json, const char *name, bool value);

/* ---- reading ---- */

/* A piece of somebody's text. n 0: there is none. */
struct json_piece {
	const char *at;
	size_t	    n;
};

/* The value of an object's member of that name; none: text that is no object, or has no such member. What is malformed
 * beyond it is not found out. */
struct json_piece json_member(struct json_piece object, const char *name);
/* The next of an array of objects; *rest is the whole array at first, and becomes what is left. False: no more. */
bool   json_next(struct json_piece *rest, struct json_piece *value);
bool   json_is_true(struct json_piece value);
/* A number, or otherwise where the piece is none. */
double json_to_number(struct json_piece value, double otherwise);
/* A whole number of 0 to most; larger ones become most; otherwise where it is none, or below 0. */
uint64_t json_to_count(struct json_piece value, uint64_t most, uint64_t otherwise);
/* A text without escapes, copied with a final zero; false (and "") where it is none, or does not fit. */
bool   json_to_text(struct json_piece value, char *to, size_t room);

#endif
