/* Asking a running gateway over its control socket (gateway/control.h): what tern ctl, ss and stuck share. */
#ifndef TOOL_CONTROL_CLIENT_H
#define TOOL_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

/* Sends one request (a line with its newline) to the gateway whose control socket is at path, and hands each line
 * of its answer to `line`, without the last, which says that it is whole. An exit code: where it cannot be had, or
 * the gateway refuses, that was said in the name of `command`. */
int control_ask(const char *command, const char *path, const char *request,
		void (*line)(void *context, const char *text), void *context);

/* A field of a line as a number: `otherwise` where it is null, missing or none. */
int64_t control_number(const char *text, const char *field, int64_t otherwise);
bool	control_true(const char *text, const char *field);

#endif
