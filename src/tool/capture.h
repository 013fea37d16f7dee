/* Reading a capture for a command (trace, stuck): its packets into the connections of trace/flows.h, and on standard
 * error what could not be read or understood, and why.
 */
#ifndef TOOL_CAPTURE_H
#define TOOL_CAPTURE_H

#include "trace/flows.h"

#include <signal.h>

struct capture {
	const char	    *command; /* in whose name is spoken: "trace" */
	struct trace_decoder decoder;
	struct trace_flows   flows; /* story, done, context, ...: the command's, set before capture_begin() */
	int		     code;  /* TOOL_OK, or what has been short of it so far */
	const volatile sig_atomic_t *stop; /* becomes true: read no more; NULL: nobody stops it */
};

/* False: the machine gives no random numbers or no memory (errno). */
bool capture_begin(struct capture *capture);
void capture_take(struct capture *capture, const struct trace_packet *packet);
/* A file from its first packet to its last; "-" is standard input. TOOL_OK however damaged it is (see code); TOOL_USAGE
 * where it is no capture, which was said. */
int capture_read(struct capture *capture, const char *path);
/* All connections are let go. said: tell what was no segment of a connection. */
void capture_end(struct capture *capture, bool said);

#endif
