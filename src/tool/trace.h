/* tern trace: what its command line says, and the pieces of the command. */
#ifndef TOOL_TRACE_H
#define TOOL_TRACE_H

#include "trace/annotate.h"
#include "trace/flows.h"
#include "trace/pair.h"
#include "trace/table.h"
#include "watch/explain.h"

#include <stdio.h>

enum { TRACE_FILES = 2, TRACE_WANTED = 32, TRACE_STEPS = 200000 };

enum trace_colour { TRACE_COLOUR_AUTO, TRACE_COLOUR_ALWAYS, TRACE_COLOUR_NEVER };

struct trace_wanted {
	uint32_t	 first, last; /* connections by number; 0: by address */
	struct tern_addr addr;
	uint16_t	 port; /* 0: any */
	const char	*text; /* of an address: as it was given */
};

struct trace_options {
	bool		      help, json, explain, mermaid, all, ascii, all_conns;
	enum trace_colour     colour;
	enum explain_language language;
	unsigned	      columns; /* 0: the terminal's */
	const char	     *file[TRACE_FILES];
	unsigned	      files;
	const char	     *live, *filter, *plot, *svg, *annotate;
	tern_time	      lifetime; /* of --live; TERN_NEVER */
	bool		      has_at;
	struct tern_addr      at;
	struct trace_wanted   wanted[TRACE_WANTED];
	unsigned	      n_wanted;
};

/* False: what is wrong stands in why. */
bool trace_options_parse(struct trace_options *options, int n, char *const arguments[], char *why,
			 size_t room);
void trace_help(FILE *to);
bool trace_is_wanted(const struct trace_options *options, const struct trace_flow *flow);
/* Which of wanted[] name it: a bit each. */
uint32_t trace_wanted_by(const struct trace_options *options, const struct trace_flow *flow);
_Static_assert(TRACE_WANTED <= 32, "a bit each");

/* ---- trace_show.c: a connection whose story was kept ---- */

/* 0 or an exit code; what went wrong was said. pair: of which flow is the story; NULL: one capture alone. */
int trace_show(const struct trace_options *options, const struct trace_flow *flow, const struct trace_pair *pair);

/* What there is to say of the connection's packets, for --annotate. The same. */
int trace_comment(struct trace_comments *comments, const struct trace_flow *flow);

#endif
