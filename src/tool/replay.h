/* tern replay: what its command line says, and the pieces of the command. */
#ifndef TOOL_REPLAY_H
#define TOOL_REPLAY_H

#include "watch/explain.h"
#include "watch/timeline.h"

#include <stdio.h>

enum replay_colour { REPLAY_COLOUR_AUTO, REPLAY_COLOUR_ALWAYS, REPLAY_COLOUR_NEVER };

enum { REPLAY_HOSTS = 2 }; /* that are told of */

struct replay_options {
	bool		      help, trace, json, ladder, explain, mermaid, all, ascii;
	enum replay_colour    colour;
	enum explain_language language;
	unsigned	      columns;	  /* 0: the terminal's */
	uint64_t	      to;	  /* 0: the end */
	const char	     *file;	  /* NULL: --playground */
	const char	     *playground; /* a share (play/share.h), an address with one behind its #, or "@FILE" */
	const char	     *svg;
	const char	     *pcap[REPLAY_HOSTS]; /* file of the capture at each; NULL: none */
	uint32_t	      conn;		  /* tell of this one alone; 0: of all */
};

/* "client" and "server", as in the ladder. */
extern const char *const replay_host_names[REPLAY_HOSTS];

/* False: what is wrong stands in why. */
bool replay_options_parse(struct replay_options *options, int n, char *const arguments[], char *why, size_t room);
void replay_help(FILE *to);

/* ---- replay_show.c ---- */

/* Whether anything is to be told of the run. */
bool replay_tells(const struct replay_options *options);
/* Tells it: the picture's file, and one form on standard output. An exit code; what went wrong was said. */
int replay_show(const struct replay_options *options, const struct timeline *timeline, const char *title);

/* ---- replay_pcap.c ---- */

/* Writes the captures. An exit code; what went wrong was said, but for what is wrong with the recording. */
int replay_pcap(const struct replay_options *options);

#endif
