/* The playground as one run and calls with plain numbers: what a WebAssembly module shows, and so what the page
 * knows (web/src/playground/). Text goes both ways through one room of DOOR_ROOM bytes; every call that leaves
 * text there returns its length. Times are nanoseconds; as doubles they are exact for a hundred days.
 */
#ifndef PLAY_DOOR_H
#define PLAY_DOOR_H

#include <stdint.h>

enum { DOOR_ROOM = 256 * 1024 };

char *door_room(void);

/* A new run from the share of n bytes in the room, at its beginning; the one before is gone. 0; -1: not a share, or
 * no memory: door_wrong() says what. */
int32_t door_start(uint32_t n);
uint32_t door_wrong(void); /* text: of the last call that was refused */

void   door_run(double until);
double door_now(void);
double door_next(void); /* when the next thing happens; -1: nothing ever does by itself */

/* The action of n bytes in the room ("c.send.4000"). 0; -1: not an action, or not one that can be done now. */
int32_t door_act(uint32_t n);
int32_t door_may(uint32_t n); /* 1: it could be done, 0: not */

uint32_t door_lines(void);  /* text: JSON lines not told yet; 0: no more */
uint32_t door_status(void); /* text: one JSON object */
uint32_t door_share(void);  /* text: the run so far */

#endif
