/* Datagrams out: sending makes the packet at once. */
#include "host/datagram_socket.h"

#include "base/bytes.h"
#include "wire/checksum.h"
#include "wire/nd.h"
#include "wire/nd_router.h"
#include "wire/udp.h"

static bool choose_source(const struct tern_host *host, uint8_t link, bool to_group, struct tern_tuple *tuple)
{
	struct route route;

	if (!to_group)
		return route_source(&host->routes, tuple->zone, &tuple->remote, &tuple->local);
	return route_to_group(&host->routes, tuple->zone, link, &tuple->remote, &route) &&
	       route_group_source(&host->routes, route.link, &tuple->remote, &tuple->local);
}

/* Both addresses and ports of a datagram to send. 0 or the error. */
static int address_it(struct tern_host *host, const struct datagram_socket *socket, const struct tern_datagram *in,
		      struct tern_tuple *tuple, bool *to_group)
{
	const struct tern_endpoint *const remote = endpoint_is_given(&in->remote) ? &in->remote : &socket->remote;
	const struct tern_endpoint *const local = socket->any ? &in->local : &socket->local;

	*tuple = (struct tern_tuple){
		.local = local->addr, .local_port = local->port, .remote = remote->addr, .remote_port = remote->port,
		.zone = remote->zone ? remote->zone : local->zone,
	};
	struct route route;

	if (!endpoint_is_given(remote))
		return -TERN_EINVAL;
	switch (route_kind_of(&host->routes, tuple->zone, &remote->addr)) {
	case ROUTE_UNSPECIFIED:
		return -TERN_EINVAL;
	case ROUTE_BROADCAST:
		if (!socket->broadcast)
			return -TERN_EACCES;
		*to_group = true;
		break;
	case ROUTE_MULTICAST:
		*to_group = true;
		break;
	default:
		*to_group = false;
		if (!host_route(host, tuple->zone, &remote->addr, &route))
			return -TERN_ENETUNREACH;
		tuple->zone = route.zone;
	}
	if (*to_group && socket->kind == TERN_DATAGRAM_ECHO)
		return -TERN_EINVAL;
	if (addr_is_unspecified(&tuple->local) && !choose_source(host, in->link, *to_group, tuple))
		return -TERN_ENETUNREACH;
	return addr_is_v4(&tuple->local) == addr_is_v4(&tuple->remote) ? 0 : -TERN_EINVAL;
}

/* The transport header and the data into a bounce; its length. */
static uint32_t write_udp(struct bounce *bounce, const struct tern_tuple *tuple, const struct tern_datagram *in)
{
	memcpy(bounce->bytes + UDP_HEADER, in->data, in->n);
	udp_wire_emit(bounce->bytes, &tuple->local, &tuple->remote, tuple->local_port, tuple->remote_port,
		      bounce->bytes + UDP_HEADER, (uint32_t)in->n);
	return UDP_HEADER + (uint32_t)in->n;
}

static uint32_t write_echo(struct bounce *bounce, const struct datagram_socket *socket, const struct tern_tuple *tuple,
			   const struct tern_datagram *in)
{
	const uint8_t *const	  data = in->data;
	const struct icmp_message echo = {
		.kind = socket->any ? ICMP_ECHO_REPLY : ICMP_ECHO,
		.echo = (uint32_t)(socket->any ? tuple->remote_port : tuple->local_port) << 16 | get16(data),
		.body = data + ECHO_SEQUENCE,
		.body_len = (uint32_t)in->n - ECHO_SEQUENCE,
	};

	return (uint32_t)icmp_wire_emit(bounce->bytes, &echo, &tuple->local, &tuple->remote);
}

static uint32_t write_advertisement(struct bounce *bounce, const struct tern_tuple *tuple,
				    const struct tern_datagram *in)
{
	const uint32_t n = (uint32_t)in->n;
	uint32_t       sum = checksum_pseudo(&tuple->local, &tuple->remote, IPPROTO_ICMP6, n);

	memcpy(bounce->bytes, in->data, n);
	put16(bounce->bytes + 2, 0);
	sum = checksum_add(sum, bounce->bytes, n);
	put16(bounce->bytes + 2, checksum_finish(sum));
	return n;
}

/* 0 or the error. */
static int judge_size(const struct datagram_socket *socket, const struct tern_tuple *tuple,
		      const struct tern_datagram *in)
{
	const uint32_t head = addr_is_v4(&tuple->remote) ? IPV4_HEADER : 0;

	if (in->n > 65535u - UDP_HEADER - head)
		return -TERN_EMSGSIZE;
	if (socket->kind == TERN_DATAGRAM_ECHO && in->n < ECHO_SEQUENCE)
		return -TERN_EINVAL;
	if (socket->kind == TERN_DATAGRAM_ROUTER &&
	    (in->n < ND_ROUTER_ADVERTISEMENT_MIN || *(const uint8_t *)in->data != ND_ROUTER_ADVERTISEMENT ||
	     !addr_is_link_local(&tuple->local)))
		return -TERN_EINVAL;
	return 0;
}

static uint32_t write_message(struct bounce *bounce, const struct datagram_socket *socket,
			      const struct tern_tuple *tuple, const struct tern_datagram *in, struct message *message)
{
	switch (socket->kind) {
	case TERN_DATAGRAM_UDP:
		message->protocol = IPPROTO_UDP_;
		return write_udp(bounce, tuple, in);
	case TERN_DATAGRAM_ECHO:
		message->protocol = addr_is_v4(&tuple->remote) ? IPPROTO_ICMP4 : IPPROTO_ICMP6;
		return write_echo(bounce, socket, tuple, in);
	case TERN_DATAGRAM_ROUTER:
		break;
	}
	message->protocol = IPPROTO_ICMP6;
	message->ttl = ND_HOP_LIMIT;
	return write_advertisement(bounce, tuple, in);
}

int tern_datagram_send(tern_host *host, tern_socket handle, const struct tern_datagram *in)
{
	struct datagram_socket *const socket = datagram_socket_of(host, handle);
	struct tern_tuple	      tuple;
	struct message		      message = { .tuple = &tuple,
						  .ttl = in->ttl,
						  .traffic_class = in->traffic_class,
						  .dont_fragment = in->dont_fragment,
						  .link = in->link };
	struct bounce		     *bounce;
	int			      error;

	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){
					  .op = TERN_RECORD_DATAGRAM_SEND, .socket = handle, .data = in });
	if (!socket)
		return -TERN_EBADF;
	if (socket->error && socket->connected) {
		error = socket->error;
		socket->error = 0;
		return error;
	}
	error = address_it(host, socket, in, &tuple, &message.to_group);
	if (error == 0)
		error = judge_size(socket, &tuple, in);
	if (error)
		return error;
	bounce = bounce_own(host, UDP_HEADER + in->n);
	if (!bounce)
		return -TERN_ENOMEM;
	socket->sent_to = (struct tern_endpoint){ .addr = tuple.remote, .port = tuple.remote_port };
	const uint32_t len = write_message(bounce, socket, &tuple, in, &message);
	error = packet_message(host, &message, bounce, len);
	socket->blocked |= error == -TERN_EAGAIN;
	host->datagrams.blocked |= error == -TERN_EAGAIN;
	host->env.stats.Icmp6OutRouterAdvertisements += socket->kind == TERN_DATAGRAM_ROUTER && error == 0;
	host->env.stats.UdpOutDatagrams += socket->kind == TERN_DATAGRAM_UDP && error == 0;
	return error;
}

uint32_t tern_datagram_mtu(tern_host *host, tern_socket handle, const struct tern_endpoint *remote)
{
	const struct datagram_socket *const socket = datagram_socket_of(host, handle);

	if (!socket)
		return 0;
	if (!remote)
		remote = &socket->remote;
	const uint32_t zone = remote->zone ? remote->zone : socket->local.zone;
	struct route   route;
	if (!host_route(host, zone, &remote->addr, &route))
		return 0;
	return host_mtu(host, &(struct tern_tuple){ .remote = remote->addr, .zone = route.zone });
}

void datagrams_made_room(struct tern_host *host)
{
	struct datagrams *const all = &host->datagrams;

	if (!all->blocked)
		return;
	all->blocked = false;
	for (uint32_t i = 0; i < all->room; i++) {
		if (all->at[i] && all->at[i]->blocked) {
			all->at[i]->blocked = false;
			datagram_become_ready(host, all->at[i], TERN_WRITABLE);
		}
	}
}
