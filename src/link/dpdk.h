/* The two halves of tern_dpdk_create(): finding the plug-in, and making a link of a port of it. */
#ifndef LINK_DPDK_H
#define LINK_DPDK_H

#include "link/dpdk_door.h"
#include <tern/device.h>

#define DPDK_PLUGIN "tern-dpdk.so"

/* directory NULL: where it is (tern/device.h). 0; -ENOENT: it is not there; -ELIBBAD: it cannot be opened, or is of
 * another version. why is set where there is an error. */
int dpdk_find(const char *directory, const struct dpdk_door **door, char why[DPDK_WHY]);

/* settings: in range. 0 or -E...; why, empty at first, is set where there is an error. */
int dpdk_open(struct tern_link **link, const struct dpdk_door *door, const struct tern_dpdk *settings,
	      const struct tern_allocator *allocator, char why[DPDK_WHY]);

#endif
