/* What tells a guest its addresses where tern does not give them itself: dhcp.c (RFC 2131), dhcp6.c (RFC 8415, other
 * settings alone), ra.c (router advertisements, RFC 4861). For guests behind Ethernet that tern has not set up: VMs
 * (--qemu) and devices that were handed over (--fd). --no-dhcp: none of it.
 */
#ifndef GATEWAY_DHCP_H
#define GATEWAY_DHCP_H

#include "gateway/gateway.h"
#include "wire/dhcp.h"
#include "wire/domain.h"

/* The guest is one that asks, and may. */
bool dhcp_is_served(const struct gateway *gateway);

/* The search domains of a resolv.conf(5): of its last `search` or `domain` line those that are host names, as many as
 * there is room for. Pure. */
void dhcp_search(struct domains *domains, const char *text);

/* What is to be said in answer. False: nothing (another server was chosen, a RELEASE, nothing that we could answer).
 * Pure but for the counters. from: the sender's address, host order. */
bool dhcp_decide(struct gateway *gateway, struct dhcp_reply *reply, const struct dhcp_message *message, uint32_t from);

#endif
