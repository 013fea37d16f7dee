/* tern replay --playground. */
#ifndef TOOL_REPLAY_PLAYGROUND_H
#define TOOL_REPLAY_PLAYGROUND_H

#include "tool/replay.h"

/* Runs what options->playground names, shows it, compares; returns enum tool_exit. */
int replay_playground(const struct replay_options *how);

#endif
