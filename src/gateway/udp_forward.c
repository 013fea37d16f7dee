/* -p …/udp: one socket of the host's for everybody outside; each peer of it is a flow, which the guest sees come
 * from the gateway's address and, where that is free, the peer's own port.
 */
#include "gateway/relay_udp.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "wire/tuple.h"

enum { PORTS_TRIED = 64 };

/* The peer's flow, if need be a new one; NULL: too many. */
static struct udp_flow *flow_of(struct udp_forwarding *forwarding, const struct tern_endpoint *peer)
{
	struct gateway *const gateway = forwarding->gateway;
	const bool	      v6 = forwarding->forward.has_addr && !addr_is_v4(&peer->addr);
	struct tern_tuple     tuple = {
		.local = v6 ? gateway->gateway6 : gateway->gateway4,
		.remote = v6 ? gateway->guest6 : gateway->guest4,
		.remote_port = forwarding->forward.guest_port,
	};
	uint16_t free_port = 0;

	for (unsigned i = 0; i < PORTS_TRIED; i++) {
		tuple.local_port = (uint16_t)(peer->port + i);
		if (tuple.local_port == 0)
			continue;
		struct udp_flow *const flow = udp_flow_find(gateway, &tuple);
		if (flow && flow->forwarding == forwarding && flow->flow.onward.port == peer->port &&
		    addr_equal(&flow->flow.onward.addr, &peer->addr))
			return flow;
		if (!flow && free_port == 0)
			free_port = tuple.local_port;
	}
	tuple.local_port = free_port;
	return free_port ? udp_flow_begin(gateway, FLOW_UDP, &tuple, peer, forwarding) : NULL;
}

static void on_forwarding(void *context, short revents)
{
	struct udp_forwarding *const forwarding = context;
	struct gateway *const	     gateway = forwarding->gateway;
	struct udp_room *const	     room = udp_room(gateway);
	bool			     park = room->blocked;

	(void)revents;
	for (unsigned i = 0; i < UDP_IN_A_ROW && !park; i++) {
		struct sockaddr_storage name;
		socklen_t		length = sizeof name;
		const ssize_t n = recvfrom(forwarding->fd, room->buffer, sizeof room->buffer, 0,
					   (struct sockaddr *)&name, &length);

		if (n < 0)
			return;
		const struct tern_endpoint peer = gateway_endpoint(&name);
		struct udp_flow *const	   flow = flow_of(forwarding, &peer);
		if (flow)
			park = !udp_flow_deliver(flow, (size_t)n);
		else
			gateway->stats.udp_dropped++;
	}
	if (park) {
		forwarding->parked = true;
		(void)tern_loop_watch_fd(gateway->loop, forwarding->fd, 0, NULL, NULL);
	}
}

void udp_forwarding_resume(struct gateway *gateway)
{
	for (struct udp_forwarding *each = udp_room(gateway)->forwardings; each; each = each->next) {
		if (each->parked)
			(void)tern_loop_watch_fd(gateway->loop, each->fd, POLLIN, on_forwarding, each);
		each->parked = false;
	}
}

int udp_forward_open(struct gateway *gateway, int fd, const struct forward *forward, uint32_t id)
{
	struct udp_room *const	     room = udp_room(gateway);
	struct udp_forwarding *const new = calloc(1, sizeof *new);
	int			     error = new ? 0 : -ENOMEM;

	if (new) {
		*new = (struct udp_forwarding){
			.next = room->forwardings, .gateway = gateway, .forward = *forward, .id = id, .fd = fd,
		};
		error = tern_loop_watch_fd(gateway->loop, fd, POLLIN, on_forwarding, new);
	}
	if (error) {
		close(fd);
		free(new);
		return error;
	}
	room->forwardings = new;
	return 0;
}

/* Its flows end with it: they have no socket of their own. */
static void close_forwarding(struct udp_forwarding *forwarding)
{
	struct gateway *const  gateway = forwarding->gateway;
	struct udp_room *const room = udp_room(gateway);

	for (unsigned life = 0; life < UDP_LIVES; life++) {
		for (struct udp_flow *flow = room->oldest[life], *next; flow; flow = next) {
			next = flow->newer;
			if (flow->forwarding == forwarding)
				udp_flow_end(flow);
		}
	}
	(void)tern_loop_watch_fd(gateway->loop, forwarding->fd, 0, NULL, NULL);
	close(forwarding->fd);
	free(forwarding);
}

void udp_forward_close(struct gateway *gateway, uint32_t id)
{
	struct udp_room *const room = udp_room(gateway);

	for (struct udp_forwarding **at = room ? &room->forwardings : NULL; at && *at;) {
		struct udp_forwarding *const forwarding = *at;

		if (forwarding->id != id) {
			at = &forwarding->next;
			continue;
		}
		*at = forwarding->next;
		close_forwarding(forwarding);
	}
}

void udp_forwarding_done(struct gateway *gateway)
{
	struct udp_room *const room = udp_room(gateway);

	while (room->forwardings) {
		struct udp_forwarding *const forwarding = room->forwardings;

		room->forwardings = forwarding->next;
		close_forwarding(forwarding);
	}
}
