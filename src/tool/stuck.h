/* tern stuck: its sources (gateways, recordings, captures), and what they hand to it: one row a connection. */
#ifndef TOOL_STUCK_H
#define TOOL_STUCK_H

#include "watch/stuck.h"

#include <stdint.h>

struct stuck_view {
	bool		      all, json, help;
	enum explain_language language;
	uint64_t	      to; /* of a recording: stop after this input; 0: its end */
	unsigned	      n;  /* rows told of */
};

struct stuck_row {
	const char	  *source; /* "gateway", "recording", "capture" */
	const char	  *host;   /* of a recording: at which host; else NULL */
	char		   local[64], peer[64]; /* "10.0.0.1:80"; local: whose facts they are */
	struct stuck_facts facts;

	/* Of a capture alone. */
	uint32_t    conn;
	bool	    is_inferred, is_proved; /* is_proved: the state is */
	bool	    is_opener;		    /* local opened it */
	const char *names[2];		    /* as stuck_line_seen() has them */
};

/* Prints it, where it is to be told of. */
void stuck_show(struct stuck_view *view, const struct stuck_row *row);

/* cmd_stuck.c: a line of {"do":"sockets"} as facts, and its ends. False: it is none. */
bool stuck_gateway_row(struct stuck_row *row, const char *text);

/* stuck_source.c: a row for each connection of a recording or a capture that waits for something. An exit code; what
 * could not be done was said. */
int stuck_recording(struct stuck_view *view, const char *path);
int stuck_capture(struct stuck_view *view, const char *path);
/* Whether the file at path begins as a recording does. */
bool stuck_is_recording(const char *path);

#endif
