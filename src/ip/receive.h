/* What to do with an IP packet that was parsed: is it for us, and may it come from where it says? */
#ifndef IP_RECEIVE_H
#define IP_RECEIVE_H

#include "ip/route.h"
#include "wire/ip.h"

enum ip_receive_verdict {
	IP_RECEIVE_OURS, /* to one of our addresses */
	IP_RECEIVE_ANY,	 /* to somebody else's unicast address, which forwarding_any lets in */
	/* Nothing below is ever answered by the host itself. */
	IP_RECEIVE_NOT_OURS,	  /* InAddrErrors */
	IP_RECEIVE_BROADCAST,	  /* for datagram sockets that asked for it; else dropped */
	IP_RECEIVE_MULTICAST,	  /* the same */
	IP_RECEIVE_UNADDRESSED,	  /* the same: from 0.0.0.0 to 255.255.255.255, a host without an address yet */
	IP_RECEIVE_BAD_SOURCE,	  /* unspecified, multicast or broadcast source (MUST-63) */
	IP_RECEIVE_OWN_SOURCE,	  /* LAND: our own address, or its own destination, from outside */
	IP_RECEIVE_LOOPBACK,	  /* 127.0.0.0/8 or ::1 on a link (RFC 1122 3.2.1.3 (g), RFC 4291 2.5.3) */
	IP_RECEIVE_SOURCE_ROUTED, /* LSRR, SSRR: never followed, never reversed */
	IP_RECEIVE_VERDICTS
};

/* link: where it arrived, or ROUTE_LOOPBACK for a packet that never left this host. */
enum ip_receive_verdict ip_receive_judge(const struct routes *routes, const struct ip_header *ip,
					 uint8_t link, bool forwarding_any);

/* "own-source": for events and explanations; "?" out of range. */
const char *ip_receive_name(enum ip_receive_verdict verdict);

static inline bool ip_receive_is_taken(enum ip_receive_verdict verdict)
{
	return verdict <= IP_RECEIVE_ANY;
}

/* To several, of which this host may be one. */
static inline bool ip_receive_is_group(enum ip_receive_verdict verdict)
{
	return verdict >= IP_RECEIVE_BROADCAST && verdict <= IP_RECEIVE_UNADDRESSED;
}

#endif
