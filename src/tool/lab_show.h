/* tern lab: what its forms of output share. */
#ifndef TOOL_LAB_SHOW_H
#define TOOL_LAB_SHOW_H

#include "lab/world.h"
#include "tool/tool.h"
#include "watch/ladder.h"

unsigned lab_show_columns(const struct lab_options *options); /* LADDER_COLUMNS_MIN at least */
struct ladder_options lab_show_ladder(const struct lab_options *options);
/* The run as JSON lines. picture: its name, on a line in front, where there are several runs; else NULL. */
void lab_show_json(struct lab_world *world, bool as_expected, const char *picture);

int lab_why(const struct lab_options *options); /* lab_why.c: --why; returns an exit code */

#endif
