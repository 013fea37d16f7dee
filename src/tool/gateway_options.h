/* The command line of `tern gateway`. */
#ifndef TOOL_GATEWAY_OPTIONS_H
#define TOOL_GATEWAY_OPTIONS_H

#include "gateway/options.h"

#include <stdio.h>

/* n, arguments: what follows `tern gateway`; options point into them. False: `error` says what is wrong. */
bool gateway_options_parse(struct gateway_options *options, int n, char *const arguments[], char *error, size_t size);
void gateway_help(FILE *to);

#endif
