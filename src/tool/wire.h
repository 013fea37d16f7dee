/* tern wire: what its command line says. */
#ifndef TOOL_WIRE_H
#define TOOL_WIRE_H

#include <stdio.h>
#include <tern/tern.h>

enum { WIRE_SIDES = 2, WIRE_DROPS = 64, WIRE_PATH = 256 };

struct wire_device {
	const char *word; /* as it was given */
	bool	    tap;
	char	    name[TERN_DEVICE_NAME];
	char	    netns[WIRE_PATH]; /* a path; "": ours */
};

struct wire_options {
	bool		   help, json, realtime;
	struct wire_device device[WIRE_SIDES];
	struct tern_impair impair[WIRE_SIDES]; /* of what comes from that device */
	uint64_t	   drop[WIRE_SIDES][WIRE_DROPS];
	const char	  *pcap;
	int		   ready_fd; /* -1: none */
	tern_time	   lifetime; /* TERN_NEVER */
};

/* False: what is wrong stands in why. */
bool wire_options_parse(struct wire_options *options, int n, char *const arguments[], char *why, size_t why_room);
void wire_help(FILE *to);

#endif
