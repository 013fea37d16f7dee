#include "ip/receive.h"

#include "wire/tuple.h"

/* By what its addresses are alone: to nobody or to all (MUST-57), from nobody that could be (MUST-63). */
enum ip_receive_verdict ip_receive_judge(const struct routes *routes, const struct ip_header *ip,
					 uint8_t link, bool forwarding_any)
{
	const bool looped = link == ROUTE_LOOPBACK;

	if (ip->source_routed)
		return IP_RECEIVE_SOURCE_ROUTED;

	switch (route_kind_of(routes, ip->zone, &ip->src)) {
	case ROUTE_OWN:
		if (!looped)
			return IP_RECEIVE_OWN_SOURCE;
		break;
	case ROUTE_OWN_LOOPBACK:
		if (!looped)
			return IP_RECEIVE_LOOPBACK;
		break;
	case ROUTE_OTHER:
		/* With forwarding_any every address is one that we answer as. */
		if (!looped && addr_equal(&ip->src, &ip->dst))
			return IP_RECEIVE_OWN_SOURCE;
		break;
	case ROUTE_UNSPECIFIED: /* RFC 1122 3.2.1.3 (a): "this host on this network", until it has an address */
		if (!looped && ip->version == 4 && addr_is_unspecified(&ip->src) && addr_is_broadcast(&ip->dst))
			return IP_RECEIVE_UNADDRESSED;
		return IP_RECEIVE_BAD_SOURCE;
	default: return IP_RECEIVE_BAD_SOURCE;
	}

	switch (route_kind_of(routes, ip->zone, &ip->dst)) {
	case ROUTE_OWN: return IP_RECEIVE_OURS;
	case ROUTE_OWN_LOOPBACK: return looped ? IP_RECEIVE_OURS : IP_RECEIVE_LOOPBACK;
	case ROUTE_BROADCAST: return IP_RECEIVE_BROADCAST;
	case ROUTE_MULTICAST: return IP_RECEIVE_MULTICAST;
	case ROUTE_OTHER: return forwarding_any ? IP_RECEIVE_ANY : IP_RECEIVE_NOT_OURS;
	default: return IP_RECEIVE_NOT_OURS;
	}
}

const char *ip_receive_name(enum ip_receive_verdict verdict)
{
	static const char *const names[IP_RECEIVE_VERDICTS] = {
		[IP_RECEIVE_OURS] = "ours",
		[IP_RECEIVE_ANY] = "any",
		[IP_RECEIVE_NOT_OURS] = "not-ours",
		[IP_RECEIVE_BROADCAST] = "broadcast",
		[IP_RECEIVE_MULTICAST] = "multicast",
		[IP_RECEIVE_UNADDRESSED] = "unaddressed",
		[IP_RECEIVE_BAD_SOURCE] = "bad-source",
		[IP_RECEIVE_OWN_SOURCE] = "own-source",
		[IP_RECEIVE_LOOPBACK] = "loopback",
		[IP_RECEIVE_SOURCE_ROUTED] = "source-routed",
	};

	return (unsigned)verdict < IP_RECEIVE_VERDICTS ? names[verdict] : "?";
}
