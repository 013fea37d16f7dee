/* A network namespace of the test's own, so that devices and addresses of the machine are never touched. */
#ifndef SUPPORT_NETNS_H
#define SUPPORT_NETNS_H

#include <stdbool.h>

/* The process moves into a fresh one, with loopback up: as root directly, else through a user namespace. Call it
 * while there is one thread. False: not here; why it is so is in *why. */
bool netns_enter(const char **why);

/* The same, and /dev/net/tun can be opened, and there is IPv6. */
bool netns_enter_with_tun(const char **why);

#endif
