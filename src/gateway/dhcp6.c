/* DHCPv6 for settings alone (RFC 8415 6.1): resolvers and search domains, as router advertisements also tell them, for
 * guests that look for them here. Addresses come by the advertised prefix; who asks for one is not answered, since
 * the advertisements say that there is none to be had (M is clear).
 */
#include "gateway/dhcp.h"
#include "wire/dhcp6.h"
#include "wire/tuple.h"

enum { REFRESH = 86400, QUEUE = 64 * 1024 };

/* All_DHCP_Relay_Agents_and_Servers, RFC 8415 7.1 */
static const struct tern_addr servers = { { 0xff, 0x02, [13] = 1, [15] = 2 } };

static void answer(struct gateway *gateway, const struct tern_datagram *datagram)
{
	const struct gateway_options *const options = gateway->options;
	uint8_t				    duid[DHCP6_DUID_LL], bytes[DHCP6_MESSAGE_MOST];
	struct dhcp6_request		    request;

	dhcp6_duid_ll(duid, gateway->device->config.mac);
	/* RFC 8415 16: what is not sent to the group is discarded (no unicast was ever offered). */
	if (!addr_is_multicast(&datagram->local.addr) || !addr_is_link_local(&datagram->remote.addr) ||
	    dhcp6_parse(&request, datagram->data, datagram->n, duid, sizeof duid) != DHCP6_TAKEN) {
		gateway->stats.dhcp_dropped++;
		return;
	}
	const struct dhcp6_reply reply = {
		.duid = duid,
		.n_duid = sizeof duid,
		.dns = options->no_dns ? NULL : &gateway->dns6,
		.search = options->no_dns ? NULL : &gateway->search,
		.refresh_time = REFRESH,
	};
	const struct tern_datagram out = {
		.remote = { .addr = datagram->remote.addr, .port = DHCP6_CLIENT_PORT },
		.data = bytes,
		.n = dhcp6_emit(bytes, sizeof bytes, &reply, &request),
		.link = datagram->link,
	};

	if (tern_datagram_send(gateway->host, gateway->dhcp6, &out) == 0)
		gateway->stats.dhcp6_replies++;
	else
		gateway->stats.dhcp_dropped++;
}

void dhcp6_event(struct gateway *gateway, const struct tern_event *event)
{
	struct tern_datagram datagram;

	if (event->ready & TERN_READABLE)
		while (tern_datagram_receive(gateway->host, gateway->dhcp6, &datagram) == 0)
			answer(gateway, &datagram);
}

int dhcp6_open(struct gateway *gateway)
{
	const struct tern_datagram_open open = {
		.kind = TERN_DATAGRAM_UDP,
		.local = { .port = DHCP6_SERVER_PORT },
		.queue = QUEUE,
		.cookie = gateway_cookie(OWNER_DHCP6, 0, 0),
	};

	if (!dhcp_is_served(gateway) || !gateway->ipv6)
		return 0;
	const int error = tern_datagram_open(gateway->host, &open, &gateway->dhcp6);
	return error ? error : tern_datagram_join(gateway->host, gateway->dhcp6, gateway->link_number, &servers);
}
