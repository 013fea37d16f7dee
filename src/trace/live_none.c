#include "trace/live.h"

#include <stdio.h>

/* Built where there is no libpcap (CMakeLists.txt picks this or live_pcap.c). */

struct trace_live *trace_live_open(const char *device, const char *filter, char why[TRACE_WHY])
{
	(void)device;
	(void)filter;
	(void)snprintf(why, TRACE_WHY,
		       "this tern was built without libpcap (Debian's libpcap-dev); "
		       "'tcpdump -w - | tern trace -' does the same");
	return NULL;
}

void trace_live_close(struct trace_live *live)
{
	(void)live;
}

int trace_live_next(struct trace_live *live, struct trace_packet *packet, char why[TRACE_WHY])
{
	(void)live;
	(void)packet;
	(void)why;
	return -1;
}

uint64_t trace_live_dropped(struct trace_live *live)
{
	(void)live;
	return 0;
}
