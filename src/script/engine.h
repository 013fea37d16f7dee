/* What a script is played against: the library in this process (engine_direct.c), or a shared object made for
 * packetdrill, through its 32 pointers (engine_so.c). The runner is the same.
 */
#ifndef SCRIPT_ENGINE_H
#define SCRIPT_ENGINE_H

#include "script/stage.h"

struct engine_ops {
	/* 0; else stage->error says why not. */
	bool (*open)(struct stage *stage);
	void (*close)(struct stage *stage);
	/* Begins a call. blocks: the script says that it waits for its end; request->done then says when it
	 * is over, looked at after every other step. Others are done at once, or have not been begun: false
	 * (they would wait). */
	bool (*call)(struct stage *stage, struct sockets_request *request, bool blocks);
	void (*input)(struct stage *stage, const uint8_t *bytes, size_t n);
	/* stage->now goes on to `until`. False: stage->error. */
	bool (*run)(struct stage *stage, tern_time until);
	/* Waits for a packet that leaves, at the latest until `until`, and puts it last into the stage's
	 * queue; time goes on as far as that. An engine that cannot tell beforehand may wait longer. */
	void (*await)(struct stage *stage, tern_time until);
	/* STATUS of a descriptor, beyond what TCP_INFO says. False: there is none, or the engine cannot know. */
	bool (*status)(struct stage *stage, int fd, struct tern_status *status);
};

extern const struct engine_ops engine_direct, engine_so;

#endif
