/* The far end of a device: Linux's TCP in a namespace of its own (device_peer.c). */
#ifndef BENCH_DEVICE_H
#define BENCH_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { DEVICE_SINK = 7001, DEVICE_SOURCE = 7002 }; /* its ports: takes all that it is sent, sends without end */

struct device_settings {
	uint32_t mtu;
	bool	 tap, plain; /* plain: no virtio header, so no offloads */
};

struct device_peer {
	pid_t pid;
	int   device; /* the descriptor, to be adopted; -1: none */
};

#define DEVICE_OURS  "10.77.0.1"
#define DEVICE_PEERS "10.77.0.2"

/* A process in a user and network namespace of its own that has made the device, given itself an address on it,
 * and serves. False: that cannot be had here; why is in *why. */
bool device_peer_start(struct device_peer *peer, const struct device_settings *settings, const char **why);
void device_peer_stop(struct device_peer *peer);

#endif
