/* UDP: one socket in tern takes what the guest sends to anybody; each flow (guest's address and port, peer's
 * address and port) has a connected socket of the host's, so that errors about it come back to it alone.
 *
 * What RFC 4787 asks of a translator, and what is done here:
 *
 *	REQ-1	one mapping for all of a guest's peers. Departure: one for each peer, since only a connected
 *		socket tells of errors; -p gives a guest's port one face to everybody
 *	REQ-5	a flow stays 2 minutes without a datagram, 5 once it was answered; names (port 53 of the gateway's
 *		DNS address) 17 s
 *	REQ-6	datagrams of either direction keep it
 *	REQ-8	only the peer itself may answer (address and port dependent filtering)
 *	REQ-14	fragments in any order are joined (tern's, and the host's kernel)
 *
 * Errors of the host's socket go back as ICMP that quotes the guest's datagram, so that its program sees what it
 * would see on a direct connection: ECONNREFUSED is port unreachable, and so on (gateway_unreachable_of()). A
 * pending error that a send() is answered with was another datagram's: it is told, and the send repeated.
 *
 * Back-pressure: where tern has no packet free, the datagram at hand is kept, and descriptors are left unread
 * until there is one; their own queues then overflow, as a router's would.
 */
#include "gateway/relay_udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "gateway/dns.h"
#include "wire/tuple.h"

enum { QUEUE = 1 << 20 };

static const tern_time life_spans[UDP_LIVES] = {
	[UDP_UNANSWERED] = 120 * TERN_SECOND,
	[UDP_ANSWERED] = 300 * TERN_SECOND,
	[UDP_NAMES] = 17 * TERN_SECOND,
};

/* ---- the flows there are ---- */

static struct udp_flow **bucket_of(const struct gateway *gateway, const struct tern_tuple *tuple)
{
	struct udp_room *const room = udp_room(gateway);
	uint8_t		       key[36];

	memcpy(key, tuple->local.b, 16);
	memcpy(key + 16, tuple->remote.b, 16);
	memcpy(key + 32, &tuple->local_port, 2);
	memcpy(key + 34, &tuple->remote_port, 2);
	return &room->bucket[siphash13(&room->key, key, sizeof key) % UDP_BUCKETS];
}

struct udp_flow *udp_flow_find(const struct gateway *gateway, const struct tern_tuple *tuple)
{
	struct udp_flow *flow = *bucket_of(gateway, tuple);

	while (flow && !tuple_equal(&flow->flow.tuple, tuple))
		flow = flow->next_in_bucket;
	return flow;
}

static void unlist(struct udp_flow *flow)
{
	struct udp_room *const room = udp_room(flow->gateway);

	*(flow->older ? &flow->older->newer : &room->oldest[flow->life]) = flow->newer;
	*(flow->newer ? &flow->newer->older : &room->newest[flow->life]) = flow->older;
}

static void list(struct udp_flow *flow, enum udp_life life)
{
	struct udp_room *const room = udp_room(flow->gateway);

	flow->life = life;
	flow->older = room->newest[life];
	flow->newer = NULL;
	*(flow->older ? &flow->older->newer : &room->oldest[life]) = flow;
	room->newest[life] = flow;
}

static void refresh(struct udp_flow *flow, bool answered)
{
	unlist(flow);
	list(flow, answered && flow->life == UDP_UNANSWERED ? UDP_ANSWERED : flow->life);
	flow->flow.active = tern_loop_now(flow->gateway->loop);
}

struct udp_flow *udp_flow_begin(struct gateway *gateway, enum flow_kind kind, const struct tern_tuple *tuple,
				const struct tern_endpoint *onward, struct udp_forwarding *forwarding)
{
	struct udp_flow *const flow = flow_new(gateway, kind, sizeof *flow);

	if (!flow)
		return NULL;
	flow->flow.tuple = *tuple;
	flow->flow.onward = *onward;
	flow->flow.inbound = forwarding != NULL;
	flow->gateway = gateway;
	flow->forwarding = forwarding;
	flow->fd = -1;
	struct udp_flow **const bucket = bucket_of(gateway, tuple);
	flow->next_in_bucket = *bucket;
	*bucket = flow;
	list(flow, kind == FLOW_DNS ? UDP_NAMES : UDP_UNANSWERED);
	gateway->stats.udp_flows += kind == FLOW_UDP;
	return flow;
}

void udp_flow_end(struct udp_flow *flow)
{
	struct gateway *const  gateway = flow->gateway;
	struct udp_flow	     **at = bucket_of(gateway, &flow->flow.tuple);

	while (*at != flow)
		at = &(*at)->next_in_bucket;
	*at = flow->next_in_bucket;
	unlist(flow);
	if (udp_room(gateway)->held == flow)
		udp_room(gateway)->held = NULL;
	if (flow->fd >= 0) {
		(void)tern_loop_watch_fd(gateway->loop, flow->fd, 0, NULL, NULL);
		close(flow->fd);
	}
	flow_free(gateway, &flow->flow);
}

/* ---- to the guest ---- */

bool udp_flow_deliver(struct udp_flow *flow, size_t n)
{
	struct gateway *const	   gateway = flow->gateway;
	struct udp_room *const	   room = udp_room(gateway);
	const struct tern_tuple	  *tuple = &flow->flow.tuple;
	const struct tern_datagram datagram = {
		.local = { .addr = tuple->local, .port = tuple->local_port },
		.remote = { .addr = tuple->remote, .port = tuple->remote_port },
		.data = room->buffer,
		.n = n,
	};
	const int error = tern_datagram_send(gateway->host, gateway->udp.any, &datagram);

	if (error == -TERN_EAGAIN) {
		room->blocked = true;
		room->held = flow;
		room->held_n = n;
		return false;
	}
	if (error) {
		gateway->stats.udp_dropped++;
		return true;
	}
	flow->flow.down += n;
	if (flow->flow.kind == FLOW_DNS)
		gateway->stats.dns_answers++;
	else
		gateway->stats.udp_down++;
	refresh(flow, true);
	return true;
}

/* An error about what the guest sent last. */
static void tell_guest(struct udp_flow *flow, int error)
{
	const struct tern_tuple	  *tuple = &flow->flow.tuple;
	const struct tern_datagram sent = {
		.local = { .addr = tuple->local, .port = tuple->local_port },
		.remote = { .addr = tuple->remote, .port = tuple->remote_port },
		.n = flow->last_n,
	};

	flow->gateway->stats.udp_errors++;
	(void)tern_datagram_report(flow->gateway->host, &sent, gateway_unreachable_of(error), 0);
}

/* The error is told, and where it was a resolver's, the next one is asked from now on. True: the flow is gone. */
static bool failed(struct udp_flow *flow, int error)
{
	tell_guest(flow, error);
	if (flow->flow.kind != FLOW_DNS)
		return false;
	dns_resolver_failed(flow->gateway, &flow->flow.onward);
	udp_flow_end(flow);
	return true;
}

static void on_socket(void *context, short revents)
{
	struct udp_flow *const flow = context;
	struct udp_room *const room = udp_room(flow->gateway);
	bool		       park = room->blocked;

	(void)revents;
	for (unsigned i = 0; i < UDP_IN_A_ROW && !park; i++) {
		const ssize_t n = recv(flow->fd, room->buffer, sizeof room->buffer, 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n >= 0)
			park = !udp_flow_deliver(flow, (size_t)n);
		else if (failed(flow, errno))
			return;
	}
	if (park) {
		flow->parked = true;
		(void)tern_loop_watch_fd(flow->gateway->loop, flow->fd, 0, NULL, NULL);
	}
}

static void resume(struct gateway *gateway)
{
	struct udp_room *const room = udp_room(gateway);
	struct udp_flow *const held = room->held;

	room->blocked = false;
	room->held = NULL;
	if (held && !udp_flow_deliver(held, room->held_n))
		return;
	for (unsigned life = 0; life < UDP_LIVES; life++) {
		for (struct udp_flow *flow = room->oldest[life]; flow; flow = flow->newer) {
			if (flow->parked)
				(void)tern_loop_watch_fd(gateway->loop, flow->fd, POLLIN, on_socket, flow);
			flow->parked = false;
		}
	}
	udp_forwarding_resume(gateway);
}

/* ---- from the guest ---- */

static void refuse(struct gateway *gateway, enum tern_unreachable why, uint32_t mtu)
{
	(void)tern_datagram_refuse(gateway->host, gateway->udp.any, why, mtu);
}

static int connected_socket(const struct tern_endpoint *to)
{
	struct sockaddr_storage name;
	const socklen_t		n = gateway_sockaddr(&name, to);
	const int		fd = gateway_socket(&to->addr, SOCK_DGRAM, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&name, n) == 0)
		return fd;
	const int error = -errno;
	close(fd);
	return error;
}

/* The first datagram of a flow; NULL: refused, and the guest told why. */
static struct udp_flow *begin(struct gateway *gateway, const struct tern_tuple *tuple)
{
	struct tern_endpoint	 to;
	const enum gateway_route route = gateway_onward(gateway, &tuple->local, tuple->local_port, &to);

	if (addr_is_multicast(&tuple->local) || addr_is_broadcast(&tuple->local)) {
		gateway->stats.udp_dropped++; /* RFC 1122 3.2.2: never answered with an error */
		return NULL;
	}
	if (route != ROUTE_ONWARD && route != ROUTE_DNS) {
		gateway->stats.udp_denied++;
		refuse(gateway, route == ROUTE_DENIED  ? TERN_UNREACHABLE_PROHIBITED :
				route == ROUTE_REFUSED ? TERN_UNREACHABLE_PORT :
							 TERN_UNREACHABLE_HOST, 0);
		return NULL;
	}
	struct udp_flow *const flow =
		udp_flow_begin(gateway, route == ROUTE_DNS ? FLOW_DNS : FLOW_UDP, tuple, &to, NULL);
	if (!flow) {
		gateway->stats.udp_dropped++;
		return NULL;
	}
	flow->fd = connected_socket(&to);
	const int error = flow->fd < 0 ? flow->fd :
			  tern_loop_watch_fd(gateway->loop, flow->fd, POLLIN, on_socket, flow);
	if (!error)
		return flow;
	if (error == -EMFILE || error == -ENFILE || error == -ENOMEM) {
		gateway->stats.flows_refused++;
	} else {
		gateway->stats.udp_errors++;
		refuse(gateway, gateway_unreachable_of(-error), 0);
	}
	udp_flow_end(flow);
	return NULL;
}

/* 0 or -E…. */
static int pass_on(const struct udp_flow *flow, const struct tern_datagram *datagram)
{
	struct sockaddr_storage name;
	socklen_t		n = 0;
	const int		fd = flow->forwarding ? flow->forwarding->fd : flow->fd;

	if (flow->forwarding)
		n = gateway_sockaddr(&name, &flow->flow.onward);
	const ssize_t sent = sendto(fd, datagram->data, datagram->n, MSG_NOSIGNAL,
				    n ? (const struct sockaddr *)&name : NULL, n);
	return sent < 0 ? -errno : 0;
}

static uint32_t path_mtu(const struct udp_flow *flow)
{
	const bool v4 = addr_is_v4(&flow->flow.onward.addr);
	int	   mtu = 0;
	socklen_t  n = sizeof mtu;

	if (flow->fd < 0 || getsockopt(flow->fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU : IPV6_MTU, &mtu, &n) < 0)
		return 0;
	return mtu > 0 ? (uint32_t)mtu : 0;
}

static bool is_of_an_earlier_one(int error)
{
	return error == -ECONNREFUSED || error == -EHOSTUNREACH || error == -EACCES || error == -ENETUNREACH ||
	       error == -EPROTO || error == -ENOPROTOOPT;
}

static void take(struct gateway *gateway, const struct tern_datagram *datagram)
{
	const struct tern_tuple tuple = {
		.local = datagram->local.addr, .remote = datagram->remote.addr,
		.local_port = datagram->local.port, .remote_port = datagram->remote.port,
	};
	struct udp_flow *flow = udp_flow_find(gateway, &tuple);

	/* A resolver that has not answered for a while: the next one. */
	if (flow && flow->flow.kind == FLOW_DNS && dns_is_silent(gateway, &flow->flow)) {
		dns_resolver_failed(gateway, &flow->flow.onward);
		udp_flow_end(flow);
		flow = NULL;
	}
	if (!flow && (flow = begin(gateway, &tuple)) == NULL)
		return;
	int error = pass_on(flow, datagram);
	if (flow->fd >= 0 && is_of_an_earlier_one(error) && flow->flow.up > 0) {
		tell_guest(flow, -error);
		error = pass_on(flow, datagram);
	}
	flow->last_n = (uint32_t)datagram->n;
	if (error == -EAGAIN || error == -ENOBUFS) {
		gateway->stats.udp_dropped++;
		return;
	}
	if (error) {
		gateway->stats.udp_errors++;
		refuse(gateway, gateway_unreachable_of(-error), error == -EMSGSIZE ? path_mtu(flow) : 0);
		return;
	}
	flow->flow.up += datagram->n;
	if (flow->flow.kind == FLOW_DNS)
		gateway->stats.dns_queries++;
	else
		gateway->stats.udp_up++;
	refresh(flow, flow->forwarding != NULL);
}

void relay_udp_event(struct gateway *gateway, const struct tern_event *event)
{
	struct tern_datagram datagram;

	if (!gateway->udp.open)
		return;
	if ((event->ready & TERN_WRITABLE) && udp_room(gateway)->blocked)
		resume(gateway);
	if (event->ready & TERN_READABLE)
		while (tern_datagram_receive(gateway->host, gateway->udp.any, &datagram) == 0)
			take(gateway, &datagram);
}

/* ---- time ---- */

tern_time relay_udp_deadline(const struct gateway *gateway)
{
	const struct udp_room *const room = udp_room(gateway);
	tern_time		     at = TERN_NEVER;

	for (unsigned life = 0; room && life < UDP_LIVES; life++) {
		const struct udp_flow *const flow = room->oldest[life];

		if (flow && flow->flow.active + life_spans[life] < at)
			at = flow->flow.active + life_spans[life];
	}
	return at;
}

void relay_udp_expire(struct gateway *gateway, tern_time now)
{
	struct udp_room *const room = udp_room(gateway);

	for (unsigned life = 0; room && life < UDP_LIVES; life++)
		while (room->oldest[life] && room->oldest[life]->flow.active + life_spans[life] <= now)
			udp_flow_end(room->oldest[life]);
}

int relay_udp_open(struct gateway *gateway)
{
	const struct tern_datagram_open any = {
		.kind = TERN_DATAGRAM_UDP, .any = true, .queue = QUEUE, .cookie = gateway_cookie(OWNER_UDP_ANY, 0, 0),
	};
	struct udp_room *const room = calloc(1, sizeof *room);

	gateway->udp.state = room;
	if (!room)
		return -ENOMEM;
	if (getrandom(&room->key, sizeof room->key, 0) != sizeof room->key)
		return -errno;
	const int error = tern_datagram_open(gateway->host, &any, &gateway->udp.any);
	gateway->udp.open = error == 0;
	return error;
}

void relay_udp_done(struct gateway *gateway)
{
	struct udp_room *const room = udp_room(gateway);

	if (!room)
		return;
	for (unsigned life = 0; life < UDP_LIVES; life++)
		while (room->oldest[life])
			udp_flow_end(room->oldest[life]);
	udp_forwarding_done(gateway);
	if (gateway->udp.open)
		(void)tern_datagram_close(gateway->host, gateway->udp.any);
	gateway->udp.open = false;
	free(room);
	gateway->udp.state = NULL;
}
