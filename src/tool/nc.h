/* tern nc: what its command line says, and the device that it asks for. */
#ifndef TOOL_NC_H
#define TOOL_NC_H

#include "tool/dev.h"

struct nc_options {
	bool		   help, listen, shutdown_at_end, verbose, watch, impaired;
	struct dev_options dev;
	enum tern_ecn	   ecn;
	struct tern_addr   remote;
	uint16_t	   port;
	tern_time	   timeout; /* to connect, or for a caller; TERN_NEVER */
	tern_time	   settle;  /* how long to stay for what is still in an impaired link */
	struct tern_impair impair;
};

/* False: what is wrong stands in why. */
bool nc_options_parse(struct nc_options *options, int n, char *const arguments[], char *why, size_t why_room);
void nc_help(FILE *to);

#endif
