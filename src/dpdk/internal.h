/* The plug-in's rooms: the environment, of which a process has one, and ports on it. */
#ifndef DPDK_INTERNAL_H
#define DPDK_INTERNAL_H

#include "link/dpdk_door.h"

/* The first time starts the EAL by the wish's words; later ones may name none, or the same: 0 or -E... with why. */
int environment_start(const struct dpdk_wish *wish, char *why);
/* Probes the device: 0 and its port's number, or -E... with why. */
int environment_attach(const char *device, uint16_t *number, char *why);

#endif
