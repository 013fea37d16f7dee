/* Router advertisements (RFC 4861 6.2): the guest makes itself an address of fd00::/64 (RFC 4862), learns its router,
 * its MTU, and its resolver with the search domains (RFC 8106).
 *
 * When: three at most 16 s apart at first, then each after 200 to 600 s, drawn anew each time; a solicitation is
 * answered within half a second, to everybody, and never two within 3 s (RFC 4861 6.2.4, 6.2.6). At the end one that
 * says that the router is none any more (6.2.5).
 */
#include "gateway/dhcp.h"

#include <errno.h>
#include <sys/random.h>

#include "base/siphash.h"
#include "wire/nd.h"
#include "wire/nd_router.h"

enum {
	HOP_LIMIT = 64,
	INITIAL = 3,		    /* MAX_INITIAL_RTR_ADVERTISEMENTS */
	ROUTER_LIFETIME = 3 * 600,  /* AdvDefaultLifetime: three times MaxRtrAdvInterval */
	PREFIX_VALID = 86400,	    /* the guest's for a day; RFC 4861 has 30 */
	PREFIX_PREFERRED = 14400,
	PREFIX_BITS = 64,
	MESSAGE_MOST = 1232,
	QUEUE = 64 * 1024,
};

#define INTERVAL_MIN	 (200 * TERN_SECOND) /* MinRtrAdvInterval: a third of */
#define INTERVAL_MAX	 (600 * TERN_SECOND) /* MaxRtrAdvInterval */
#define INITIAL_INTERVAL (16 * TERN_SECOND)  /* MAX_INITIAL_RTR_ADVERT_INTERVAL */
#define ANSWER_DELAY	 (500 * TERN_MILLISECOND) /* MAX_RA_DELAY_TIME */
#define APART		 (3 * TERN_SECOND)   /* MIN_DELAY_BETWEEN_RAS */

static tern_time draw(struct ra *ra, tern_time from, tern_time to)
{
	return from + (tern_time)(splitmix64(&ra->random) % (uint64_t)(to - from + 1));
}

static void plan_next(struct ra *ra, tern_time now)
{
	const tern_time interval = draw(ra, INTERVAL_MIN, INTERVAL_MAX);
	const bool	initial = ra->n_sent < INITIAL && interval > INITIAL_INTERVAL;

	ra->next = now + (initial ? INITIAL_INTERVAL : interval);
}

static void advertise(struct gateway *gateway, uint16_t lifetime)
{
	const struct gateway_options *const options = gateway->options;
	struct nd_router_advertisement	    ra = {
		     .hop_limit = HOP_LIMIT,
		     .other = true,
		     .lifetime = lifetime,
		     .mtu = options->mtu,
		     .has_prefix = true,
		     .on_link = true,
		     .autonomous = true,
		     .prefix = gateway->gateway6,
		     .prefix_bits = PREFIX_BITS,
		     .valid = PREFIX_VALID,
		     .preferred = PREFIX_PREFERRED,
		     .n_rdnss = options->no_dns ? 0 : 1,
		     .rdnss = { gateway->dns6 },
		     .search = options->no_dns ? NULL : &gateway->search,
		     .dns_lifetime = lifetime, /* RFC 8106 5.1: 0 with a router that goes */
	};
	uint8_t bytes[MESSAGE_MOST];

	memset(ra.prefix.b + PREFIX_BITS / 8, 0, sizeof ra.prefix.b - PREFIX_BITS / 8);
	memcpy(ra.mac, gateway->device->config.mac, sizeof ra.mac);
	const struct tern_datagram out = {
		.remote = { .addr = nd_all_nodes() },
		.data = bytes,
		.n = nd_router_emit(bytes, sizeof bytes, &ra),
		.link = gateway->link_number,
	};

	if (tern_datagram_send(gateway->host, gateway->ra.socket, &out) == 0)
		gateway->stats.router_advertisements++;
}

/* RFC 4861 6.2.6 */
void ra_event(struct gateway *gateway, const struct tern_event *event)
{
	struct ra *const     ra = &gateway->ra;
	const tern_time	     now = tern_loop_now(gateway->loop);
	struct tern_datagram datagram;

	if (!(event->ready & TERN_READABLE))
		return;
	while (tern_datagram_receive(gateway->host, ra->socket, &datagram) == 0) {
		tern_time at = now + draw(ra, 0, ANSWER_DELAY);

		if (ra->n_sent > 0 && at < ra->last + APART)
			at = ra->last + APART + draw(ra, 0, ANSWER_DELAY);
		if (at < ra->next) { /* else the one that is due anyway is the answer */
			ra->next = at;
		}
	}
}

tern_time ra_deadline(const struct gateway *gateway)
{
	return gateway->ra.open ? gateway->ra.next : TERN_NEVER;
}

void ra_expire(struct gateway *gateway, tern_time now)
{
	struct ra *const ra = &gateway->ra;

	if (!ra->open || ra->next > now)
		return;
	advertise(gateway, ROUTER_LIFETIME);
	ra->last = now;
	ra->n_sent += ra->n_sent < INITIAL;
	plan_next(ra, now);
}

int ra_open(struct gateway *gateway)
{
	const struct tern_datagram_open open = {
		.kind = TERN_DATAGRAM_ROUTER, .queue = QUEUE, .cookie = gateway_cookie(OWNER_RA, 0, 0),
	};
	const struct tern_addr routers = nd_all_routers();
	struct ra *const       ra = &gateway->ra;

	if (!dhcp_is_served(gateway) || !gateway->ipv6)
		return 0;
	if (getrandom(&ra->random, sizeof ra->random, 0) != sizeof ra->random)
		return -errno;
	int error = tern_datagram_open(gateway->host, &open, &ra->socket);
	if (!error)
		error = tern_datagram_join(gateway->host, ra->socket, gateway->link_number, &routers);
	ra->open = error == 0;
	ra->next = tern_loop_now(gateway->loop) + draw(ra, 0, ANSWER_DELAY);
	return error;
}

void ra_done(struct gateway *gateway)
{
	if (gateway->ra.open && gateway->ra.n_sent > 0)
		advertise(gateway, 0);
	gateway->ra.open = false;
}
