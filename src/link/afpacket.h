/* What the packet socket's link shares with link/device.c. */
#ifndef LINK_AFPACKET_H
#define LINK_AFPACKET_H

#include <tern/link.h>

/* Adds to its statistics what the system has lost for want of room since the last call. */
void afpacket_count_lost(const struct tern_link *link);

#endif
