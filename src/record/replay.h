/* What the two files of the replayer share: replay.c reads and compares, replay_call.c runs. */
#ifndef RECORD_REPLAY_H
#define RECORD_REPLAY_H

#include "record/format.h"
#include <tern/pack.h>

enum { REPLAY_OUT_MAX = 1 << 16 }; /* packets out at one host, and the largest batch */

struct replay_post {
	struct replay_post *next;
	tern_socket	    socket;
	uint8_t		    bytes[];
};

struct replay_host {
	struct replay *replay;
	tern_host     *host; /* NULL: not created yet */
	unsigned       number;
	char	       name[64], cc[64];
	tern_time      now;
	uint64_t       allocations;
	tern_packet  **batch; /* the last output, until it is compared */
	size_t	       n_made, room;
	tern_packet  **out; /* packets that have not come back, oldest first */
	size_t	       n_out, out_room;
	struct replay_post *posts; /* memory that is posted, as the program's was */
};

struct replay {
	const struct tern_replay_options *options; /* may be NULL */
	struct tern_replay_result	 *result;
	uint8_t				 *file;
	size_t				  n;
	struct record_cursor		  records;
	struct replay_host		  host[RECORD_HOSTS];
	uint64_t			 *failure[RECORD_HOSTS]; /* ordinals, rising */
	size_t				  n_failures[RECORD_HOSTS];
};

int  replay_create(struct replay *replay, struct record_call *record);
int  replay_call(struct replay *replay, struct replay_host *host, struct record_call *record);
void replay_free(struct replay *replay);

#endif
