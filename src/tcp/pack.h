/* The parts of a packed connection's record (pack.c), each written and read by one list of fields: the path's in
 * pack_path.c, what there is only while something flies in pack_warm.c. */
#ifndef TCP_PACK_H
#define TCP_PACK_H

#include "tcp/codec.h"
#include "tcp/path.h"
#include "tcp/warm.h"

void pack_path(struct codec *codec, struct tcb *tcb);
void pack_warm(struct codec *codec, struct tcb_warm *warm, struct mem *mem);
/* What the controller knows. Read by another controller, or without memory for it: let go. */
void pack_controller_state(struct codec *codec, struct tcb *tcb);

/* What a path and a warm record both have. */
void pack_undo(struct codec *codec, struct undo *undo);
void pack_spent(struct codec *codec, tern_time spent[CHRONO_KINDS]);

#endif
