/* tern replay --playground. */
#ifndef TOOL_REPLAY_PLAYGROUND_H
#define TOOL_REPLAY_PLAYGROUND_H

#include <stdbool.h>

struct replay_playground {
	const char *link; /* a share (play/share.h), an address with one behind its #, or "@FILE" */
	bool	    json, ladder;
};

/* Runs it, shows it, compares; returns enum tool_exit. */
int replay_playground(const struct replay_playground *how);

#endif
