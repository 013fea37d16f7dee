/* A veth pair in the test's own network namespace (support/netns.h). */
#ifndef SUPPORT_VETH_H
#define SUPPORT_VETH_H

#include <stdbool.h>

/* Both ends are there afterwards, down, without IPv6 of the system's own. False: no ip(8), or no veth. */
bool veth_make(const char *one, const char *other);
void veth_delete(const char *one); /* the other goes with it */

#endif
