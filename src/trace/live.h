/* Packets of a device, by libpcap; where tern was built without it, a reason. */
#ifndef TRACE_LIVE_H
#define TRACE_LIVE_H

#include "trace/file.h"

struct trace_live;

/* filter: pcap-filter(7), or NULL. NULL: why says what is wrong. */
struct trace_live *trace_live_open(const char *device, const char *filter, char why[TRACE_WHY]);
void		   trace_live_close(struct trace_live *live);

/* Waits a moment at most. 1: a packet, 0: none yet, -1: why it ended. */
int trace_live_next(struct trace_live *live, struct trace_packet *packet, char why[TRACE_WHY]);
/* What the kernel had no room for. */
uint64_t trace_live_dropped(struct trace_live *live);

#endif
