/* DHCP for the one guest (RFC 2131, RFC 2132).
 *
 * There is one address to give, 10.0.2.15, and one machine at the other end of the link: so whoever asks gets it, a
 * VM that took another's place with another card too, and nothing is kept of who has it. An answer is a function of
 * its question alone: no lease can run out of memory, or be exhausted by made-up clients. Two cards on one link
 * would get the same address: give each its own gateway. The lease is a day long, for nothing ever changes.
 *
 * We are the only server of the link, and so say NAK to who wants to go on with another network's address, even where
 * it never asked us before (RFC 2131 4.3.2).
 *
 * Left out: BOOTP without a message type (RFC 1534), relay agents (a giaddr), options that depend on the client's
 * class.
 */
#include "gateway/dhcp.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "wire/tuple.h"

enum { LEASE = 86400, TTL = 64, TEXT_MOST = 8192, QUEUE = 64 * 1024 };

bool dhcp_is_served(const struct gateway *gateway)
{
	const struct gateway_options *const options = gateway->options;

	return !options->no_dhcp && gateway->device->config.ethernet &&
	       (options->guest == GUEST_QEMU || options->guest == GUEST_FD);
}

/* ---- the host's search domains ---- */

void dhcp_search(struct domains *domains, const char *text)
{
	static const char *const words[] = { "search", "domain" };

	*domains = (struct domains){ .n = 0 };
	for (const char *line = text; *line;) {
		const size_t len = strcspn(line, "\r\n");

		for (unsigned i = 0; i < 2; i++) {
			const size_t word = strlen(words[i]);

			if (strncmp(line, words[i], word) != 0 || strspn(line + word, " \t") == 0)
				continue;
			*domains = (struct domains){ .n = 0 };
			for (const char *at = line + word; at < line + len;) {
				at += strspn(at, " \t");
				const size_t n = strcspn(at, " \t\r\n");

				(void)domain_add(domains, at, n);
				at += n;
			}
		}
		line += len + strspn(line + len, "\r\n");
	}
}

static void read_search(struct gateway *gateway)
{
	char	  text[TEXT_MOST] = "";
	const int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	const ssize_t n = read(fd, text, sizeof text - 1);

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	dhcp_search(&gateway->search, text);
}

/* ---- what is said ---- */

/* INIT-REBOOT names the address in option 50, RENEWING and REBINDING in ciaddr (RFC 2131 4.3.2). */
static bool decide_request(struct gateway *gateway, struct dhcp_reply *reply, const struct dhcp_message *message)
{
	const uint32_t wanted = message->requested ? message->requested : message->ciaddr;

	if (message->server != 0 && message->server != reply->server)
		return false; /* another server's offer was taken */
	if (wanted == 0) {
		gateway->stats.dhcp_dropped++;
		return false;
	}
	if (wanted != addr_v4_of(&gateway->guest4)) {
		*reply = (struct dhcp_reply){
			.type = DHCP_NAK,
			.server = reply->server,
			.message = "not an address of this network",
		};
		gateway->stats.dhcp_naks++;
		return true;
	}
	reply->type = DHCP_ACK;
	gateway->stats.dhcp_acks++;
	return true;
}

bool dhcp_decide(struct gateway *gateway, struct dhcp_reply *reply, const struct dhcp_message *message, uint32_t from)
{
	const struct gateway_options *const options = gateway->options;
	const uint32_t			    mask = ~UINT32_C(0) << (32 - options->bits);
	const uint32_t			    guest = addr_v4_of(&gateway->guest4);

	*reply = (struct dhcp_reply){
		.yiaddr = guest,
		.server = addr_v4_of(&gateway->gateway4),
		.lease = LEASE,
		.mask = mask,
		.router = addr_v4_of(&gateway->gateway4),
		.dns = options->no_dns ? 0 : addr_v4_of(&gateway->dns4),
		.broadcast = guest | ~mask,
		.mtu = (uint16_t)options->mtu,
		.search = options->no_dns ? NULL : &gateway->search,
		.boot_file = options->boot_file,
	};
	switch (message->type) {
	case DHCP_DISCOVER:
		reply->type = DHCP_OFFER;
		gateway->stats.dhcp_offers++;
		return true;
	case DHCP_REQUEST:
		return decide_request(gateway, reply, message);
	case DHCP_INFORM: /* RFC 2131 4.3.5: without an address, without a lease */
		if (message->ciaddr == 0 && from == 0)
			break;
		reply->type = DHCP_ACK;
		reply->yiaddr = reply->lease = 0;
		gateway->stats.dhcp_acks++;
		return true;
	case DHCP_DECLINE: /* somebody else uses it: on a link with one machine there is nothing else to offer */
		if (gateway->stats.dhcp_declines++ == 0)
			gateway_say("the guest found its address in use by another and declined it");
		return false;
	case DHCP_RELEASE:
		return false;
	default:
		break;
	}
	gateway->stats.dhcp_dropped++;
	return false;
}

/* ---- where it goes ---- */

/* RFC 2131 4.1: a NAK to everybody; to ciaddr where there is one; to everybody who asks for that; else to the address
 * that is being given, at the hardware address that asked, for ARP would find nobody there yet. */
static struct tern_endpoint destination(struct gateway *gateway, const struct dhcp_reply *reply,
					const struct dhcp_message *message, uint32_t from)
{
	struct tern_endpoint to = { .addr = addr_v4(0xffffffff), .port = DHCP_CLIENT_PORT };

	if (reply->type == DHCP_NAK)
		return to;
	if (message->ciaddr != 0 || message->type == DHCP_INFORM) {
		to.addr = addr_v4(message->ciaddr ? message->ciaddr : from);
		return to;
	}
	if (!message->broadcast && tern_host_set_neighbour(gateway->host, gateway->link_number, &gateway->guest4,
							   message->mac) == 0)
		to.addr = gateway->guest4;
	return to;
}

static void answer(struct gateway *gateway, const struct tern_datagram *datagram)
{
	const uint32_t	    from = addr_v4_of(&datagram->remote.addr);
	struct dhcp_message message;
	struct dhcp_reply   reply;
	uint8_t		    bytes[DHCP_MESSAGE_MOST];

	if (!addr_is_v4(&datagram->remote.addr) || !dhcp_parse(&message, datagram->data, datagram->n) ||
	    message.giaddr != 0) {
		gateway->stats.dhcp_dropped++;
		return;
	}
	if (!dhcp_decide(gateway, &reply, &message, from))
		return;
	const struct tern_datagram out = {
		.remote = destination(gateway, &reply, &message, from),
		.data = bytes,
		.n = dhcp_emit(bytes, sizeof bytes, &reply, &message),
		.link = gateway->link_number,
		.ttl = TTL,
	};

	if (tern_datagram_send(gateway->host, gateway->dhcp, &out) != 0)
		gateway->stats.dhcp_dropped++; /* it will ask again */
}

void dhcp_event(struct gateway *gateway, const struct tern_event *event)
{
	struct tern_datagram datagram;

	if (event->ready & TERN_READABLE)
		while (tern_datagram_receive(gateway->host, gateway->dhcp, &datagram) == 0)
			answer(gateway, &datagram);
}

int dhcp_open(struct gateway *gateway)
{
	const struct tern_datagram_open open = {
		.kind = TERN_DATAGRAM_UDP,
		.local = { .addr = addr_v4(0), .port = DHCP_SERVER_PORT },
		.broadcast = true,
		.unaddressed = true,
		.queue = QUEUE,
		.cookie = gateway_cookie(OWNER_DHCP, 0, 0),
	};

	if (!dhcp_is_served(gateway))
		return 0;
	read_search(gateway);
	return tern_datagram_open(gateway->host, &open, &gateway->dhcp);
}
