/* Datagrams in: queues of what arrived, bounded and charged, and errors. What waits is the packet as it came, so
 * that an ICMP answer can quote it.
 */
#include "host/datagram_socket.h"

#include "wire/udp.h"

/* Queues the packet; beyond the limit or the budget it is dropped and counted, as UDP may. */
static void enqueue(struct tern_host *host, struct datagram_socket *socket, const struct waiting *head,
		    const uint8_t *packet)
{
	const size_t	size = sizeof *head + head->len;
	struct waiting *datagram = NULL;

	if (socket->queued + size <= socket->limit)
		datagram = mem_get(&host->mem, size, 0, MEM_ORDINARY);
	if (!datagram) {
		host->env.stats.UdpRcvbufErrors++;
		return;
	}
	*datagram = *head;
	datagram->next = NULL;
	datagram->size = size;
	memcpy(datagram->packet, packet, head->len);
	socket->queued += size;
	if (socket->last)
		socket->last->next = datagram;
	else
		socket->first = datagram;
	socket->last = datagram;
	datagram_become_ready(host, socket, TERN_READABLE);
}

static struct waiting head_of(const struct ip_header *ip, uint32_t len, uint8_t link)
{
	return (struct waiting){
		.len = len,
		.link = link,
		.ttl = ip->ttl,
		.traffic_class = ip->traffic_class,
		.local = { .addr = ip->dst, .zone = ip->zone },
		.remote = { .addr = ip->src, .zone = ip->zone },
	};
}

/* False: malformed, and counted. */
static bool read_udp(struct tern_host *host, struct waiting *head, const struct ip_header *ip, const uint8_t *packet,
		     bool offload)
{
	struct udp_datagram udp;

	if (udp_wire_parse(&udp, ip, offload) != UDP_PARSED) {
		host->env.stats.UdpInErrors++;
		return false;
	}
	head->local.port = udp.dst_port;
	head->remote.port = udp.src_port;
	head->data_at = (uint32_t)(udp.data - packet);
	head->n = udp.n;
	return true;
}

bool datagram_arrive_udp(struct tern_host *host, const struct ip_header *ip, const uint8_t *packet, uint32_t len,
			 uint8_t link, bool ours, bool offload)
{
	struct datagram_socket *socket = NULL;
	struct waiting		head = head_of(ip, len, link);

	if (!read_udp(host, &head, ip, packet, offload))
		return true;
	if (ours)
		socket = datagram_socket_find(host, TERN_DATAGRAM_UDP, &head.local, &head.remote);
	if (!socket)
		socket = host->datagrams.any[TERN_DATAGRAM_UDP];
	if (!socket) {
		host->env.stats.UdpNoPorts++;
		return false;
	}
	host->env.stats.UdpInDatagrams++;
	enqueue(host, socket, &head, packet);
	return true;
}

bool datagram_arrive_echo(struct tern_host *host, const struct ip_header *ip, const struct icmp_message *echo,
			  const uint8_t *packet, uint32_t len, uint8_t link)
{
	const bool     request = echo->kind == ICMP_ECHO;
	const uint16_t identifier = (uint16_t)(echo->echo >> 16);
	struct waiting head = head_of(ip, len, link);

	head.local.port = head.remote.port = identifier;
	head.data_at = (uint32_t)(echo->body - packet) - ECHO_SEQUENCE;
	head.n = echo->body_len + ECHO_SEQUENCE;
	struct datagram_socket *const socket =
		request ? host->datagrams.any[TERN_DATAGRAM_ECHO] :
			  datagram_socket_find(host, TERN_DATAGRAM_ECHO, &head.local, &head.remote);

	if (socket)
		enqueue(host, socket, &head, packet);
	return socket != NULL;
}

/* ---- to several ---- */

/* The socket asked for what is sent to dst on the link by that sender. */
static bool asked_for(const struct tern_host *host, const struct datagram_socket *socket, const struct waiting *head)
{
	const struct tern_addr *const dst = &head->local.addr;

	if (socket->kind != TERN_DATAGRAM_UDP || socket->local.port != head->local.port ||
	    !addr_is_unspecified(&socket->local.addr))
		return false;
	if (socket->connected && (!addr_equal(&socket->remote.addr, &head->remote.addr) ||
				  socket->remote.zone != head->remote.zone ||
				  socket->remote.port != head->remote.port))
		return false;
	if (addr_is_unspecified(&head->remote.addr) && !socket->unaddressed)
		return false;
	return addr_is_multicast(dst) ? datagram_has_joined(host, socket, head->link, dst) : socket->broadcast;
}

bool datagram_arrive_group(struct tern_host *host, const struct ip_header *ip, const uint8_t *packet, uint32_t len,
			   uint8_t link, bool offload)
{
	struct waiting head = head_of(ip, len, link);
	bool	       taken = false;

	if (!read_udp(host, &head, ip, packet, offload))
		return true;
	for (struct datagram_socket *socket = datagram_first(host, TERN_DATAGRAM_UDP, head.local.port); socket;
	     socket = datagram_next(host, socket)) {
		if (!asked_for(host, socket, &head))
			continue;
		taken = true;
		enqueue(host, socket, &head, packet);
	}
	host->env.stats.UdpInDatagrams += taken;
	return taken;
}

void datagram_arrive_solicitation(struct tern_host *host, const struct ip_header *ip, const uint8_t *packet,
				  uint32_t len, uint8_t link)
{
	struct waiting head = head_of(ip, len, link);

	head.data_at = (uint32_t)(ip->payload - packet);
	head.n = ip->payload_len;
	for (struct datagram_socket *socket = datagram_first(host, TERN_DATAGRAM_ROUTER, 0); socket;
	     socket = datagram_next(host, socket))
		if (socket->kind == TERN_DATAGRAM_ROUTER &&
		    (!addr_is_multicast(&ip->dst) || datagram_has_joined(host, socket, link, &ip->dst)))
			enqueue(host, socket, &head, packet);
}

int tern_datagram_receive(tern_host *host, tern_socket handle, struct tern_datagram *out)
{
	struct datagram_socket *const socket = datagram_socket_of(host, handle);
	struct waiting		     *datagram;

	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_DATAGRAM_RECEIVE, .socket = handle });
	*out = (struct tern_datagram){ .data = NULL };
	if (!socket)
		return -TERN_EBADF;
	if (socket->error) {
		const int error = socket->error;

		socket->error = 0;
		out->remote = socket->error_remote;
		out->mtu = error == -TERN_EMSGSIZE ? tern_datagram_mtu(host, handle, &out->remote) : 0;
		return error;
	}
	datagram = socket->first;
	if (!datagram)
		return -TERN_EAGAIN;
	datagram_let_go(host, socket->taken);
	socket->first = datagram->next;
	if (!socket->first)
		socket->last = NULL;
	socket->queued -= datagram->size;
	socket->taken = datagram;
	*out = (struct tern_datagram){
		.local = datagram->local,
		.remote = datagram->remote,
		.data = datagram->packet + datagram->data_at,
		.n = datagram->n,
		.link = datagram->link,
		.ttl = datagram->ttl,
		.traffic_class = datagram->traffic_class,
	};
	return 0;
}

/* ---- errors ---- */

int tern_datagram_refuse(tern_host *host, tern_socket handle, enum tern_unreachable why, uint32_t mtu)
{
	static const enum icmp_kind kinds[] = {
		[TERN_UNREACHABLE_NET] = ICMP_NET_UNREACHABLE,
		[TERN_UNREACHABLE_HOST] = ICMP_HOST_UNREACHABLE,
		[TERN_UNREACHABLE_PORT] = ICMP_PORT_UNREACHABLE,
		[TERN_UNREACHABLE_PROHIBITED] = ICMP_ADMIN_PROHIBITED,
		[TERN_UNREACHABLE_TOO_BIG] = ICMP_PACKET_TOO_BIG,
	};
	struct datagram_socket *const socket = datagram_socket_of(host, handle);
	struct ip_header	      ip;

	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){
					  .op = TERN_RECORD_DATAGRAM_REFUSE, .socket = handle, .a = why, .b = mtu });
	if (!socket || !socket->taken)
		return -TERN_EBADF;
	if ((unsigned)why > TERN_UNREACHABLE_TOO_BIG)
		return -TERN_EINVAL;
	const bool parsed = ip_wire_parse(&ip, socket->taken->packet, socket->taken->len) == IP_PARSED;
	ip.zone = socket->taken->remote.zone;
	if (parsed)
		icmp_error_mtu(host, &ip, socket->taken->packet, socket->taken->len, (int)kinds[why], mtu);
	return 0;
}

/* RFC 1191, RFC 8201: believed of the peer, or of who was sent to last, alone: a forger must know him. */
static void learn_mtu(struct tern_host *host, const struct datagram_socket *socket, const struct icmp_message *icmp,
		      const struct ip_header *quoted, uint32_t zone)
{
	const struct tern_addr *const dst = socket->connected ? &socket->remote.addr : &socket->sent_to.addr;
	struct route		      route;

	if (!host->env.config.no_path_mtu_discovery && addr_equal(dst, &quoted->dst) &&
	    host_route(host, zone, &quoted->dst, &route) && route.link != ROUTE_LOOPBACK)
		(void)path_mtu_lower(&host->path_mtu, &quoted->dst, zone, icmp->mtu, icmp_quoted_len(icmp, quoted),
				     route.mtu, host->now);
}

/* Whose the quoted datagram was; NULL: nobody's. */
static struct datagram_socket *sender_of(struct tern_host *host, const struct ip_header *quoted, uint32_t zone,
					 struct tern_endpoint *remote)
{
	enum { IDENTIFIER_AT = 4 };
	struct tern_endpoint local = { .addr = quoted->src, .zone = zone };

	*remote = (struct tern_endpoint){ .addr = quoted->dst, .zone = zone };
	if (quoted->is_fragment && quoted->fragment_offset != 0)
		return NULL;
	if (quoted->protocol == IPPROTO_UDP_ && quoted->payload_len >= 4) {
		local.port = get16(quoted->payload);
		remote->port = get16(quoted->payload + 2);
		return datagram_socket_find(host, TERN_DATAGRAM_UDP, &local, remote);
	}
	if (quoted->protocol == (quoted->version == 4 ? IPPROTO_ICMP4 : IPPROTO_ICMP6) &&
	    quoted->payload_len >= IDENTIFIER_AT + 2 && quoted->payload[0] == (quoted->version == 4 ? 8 : 128)) {
		local.port = remote->port = get16(quoted->payload + IDENTIFIER_AT);
		return datagram_socket_find(host, TERN_DATAGRAM_ECHO, &local, remote);
	}
	return NULL;
}

void datagram_error(struct tern_host *host, const struct icmp_message *icmp, uint32_t zone, int error)
{
	struct datagram_socket *socket = NULL;
	struct tern_endpoint	remote;
	struct ip_header	quoted;

	if (ip_wire_parse_quoted(&quoted, icmp->body, icmp->body_len))
		socket = sender_of(host, &quoted, zone, &remote);
	if (!socket)
		return;
	if (icmp->kind == ICMP_PACKET_TOO_BIG)
		learn_mtu(host, socket, icmp, &quoted, zone);
	socket->error = error;
	socket->error_remote = remote;
	datagram_become_ready(host, socket, TERN_ERROR);
}
