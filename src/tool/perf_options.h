/* tern perf: what its command line says. */
#ifndef TOOL_PERF_OPTIONS_H
#define TOOL_PERF_OPTIONS_H

#include "perf/perf.h"
#include "tool/dev.h"

struct perf_options {
	bool		     help, impaired;
	struct dev_options   dev;
	struct perf_settings settings;
	struct perf_test     test;
	struct tern_impair   impair;
};

/* False: what is wrong stands in why. */
bool perf_options_parse(struct perf_options *options, int n, char *const arguments[], char *why, size_t why_room);
void perf_help(FILE *to);

#endif
