/* Pings (ICMP and ICMPv6 echo): what the guest sends to anybody but the gateway, which answers for itself, goes
 * out through ping sockets of the host (icmp(7), "ICMP echo sockets"), one for each address and identifier that the
 * guest uses. The kernel puts an identifier of its own into requests; the flow remembers the guest's.
 *
 * Where the system gives us none (net.ipv4.ping_group_range), every request is answered with "administratively
 * prohibited", counted (echo_dropped), and the mend is said once.
 *
 * A flow ends after 60 s without a request or reply (RFC 5508 REQ-2: not less). At most FLOWS at once: beyond that
 * the one that has been quiet longest goes.
 */
#include "gateway/gateway.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/tuple.h"

enum {
	FLOWS = 256,
	HEADER = 8,
	SEQUENCE_AT = 6,
	SEQUENCE = 2, /* octets of it, ahead of the data in a tern_datagram */
	REQUEST_4 = 8,
	REQUEST_6 = 128,
	REPLY_4 = 0,
	REPLY_6 = 129,
	IN_A_ROW = 32,
	BUFFER = 65536,
};

static const tern_time SPAN = 60 * TERN_SECOND;

struct echo_flow {
	struct flow	flow; /* first */
	struct gateway *gateway;
	int		fd;
};

struct echo_room {
	struct echo_flow *at[FLOWS]; /* the first n */
	unsigned	  n;
	bool		  said;
	uint8_t		  buffer[BUFFER];
};

static struct echo_room *room_of(const struct gateway *gateway)
{
	return gateway->echo.state;
}

static void end(struct gateway *gateway, unsigned i)
{
	struct echo_room *const room = room_of(gateway);
	struct echo_flow *const flow = room->at[i];

	room->at[i] = room->at[--room->n];
	if (flow->fd >= 0) {
		(void)tern_loop_watch_fd(gateway->loop, flow->fd, 0, NULL, NULL);
		close(flow->fd);
	}
	flow_free(gateway, &flow->flow);
}

/* Of the flow that has been quiet longest; FLOWS: there is none. */
static unsigned quietest(const struct echo_room *room)
{
	unsigned found = FLOWS;

	for (unsigned i = 0; i < room->n; i++)
		if (found == FLOWS || room->at[i]->flow.active < room->at[found]->flow.active)
			found = i;
	return found;
}

/* ---- to the guest ---- */

static void on_reply(void *context, short revents)
{
	struct echo_flow *const	 flow = context;
	struct gateway *const	 gateway = flow->gateway;
	uint8_t *const		 buffer = room_of(gateway)->buffer;
	const struct tern_tuple *tuple = &flow->flow.tuple;
	const uint8_t		 reply = addr_is_v4(&tuple->local) ? REPLY_4 : REPLY_6;

	(void)revents;
	for (unsigned i = 0; i < IN_A_ROW; i++) {
		const ssize_t n = recv(flow->fd, buffer, BUFFER, 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < HEADER || buffer[0] != reply) {
			gateway->stats.echo_dropped++; /* an error about a request: to the guest a lost ping */
			continue;
		}
		const struct tern_datagram datagram = {
			.local = { .addr = tuple->local, .port = tuple->local_port },
			.remote = { .addr = tuple->remote, .port = tuple->remote_port },
			.data = buffer + SEQUENCE_AT,
			.n = (size_t)n - SEQUENCE_AT,
		};
		if (tern_datagram_send(gateway->host, gateway->echo.any, &datagram) != 0) {
			gateway->stats.echo_dropped++;
			continue;
		}
		gateway->stats.echo_down++;
		flow->flow.down += (uint64_t)n;
		flow->flow.active = tern_loop_now(gateway->loop);
	}
}

/* ---- from the guest ---- */

static void refuse(struct gateway *gateway, enum tern_unreachable why, uint32_t mtu)
{
	gateway->stats.echo_dropped++;
	(void)tern_datagram_refuse(gateway->host, gateway->echo.any, why, mtu);
}

static int ping_socket(const struct tern_endpoint *to)
{
	struct sockaddr_storage name;
	const socklen_t		n = gateway_sockaddr(&name, to);
	const int protocol = addr_is_v4(&to->addr) ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6;
	const int fd = gateway_socket(&to->addr, SOCK_DGRAM, protocol);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&name, n) == 0)
		return fd;
	const int error = -errno;
	close(fd);
	return error;
}

static void say_once(struct gateway *gateway, int error)
{
	if (!room_of(gateway)->said && (error == -EACCES || error == -EPERM))
		gateway_say("pings are refused: this system gives us no ping sockets; as root: "
			    "sysctl net.ipv4.ping_group_range='0 2147483647'");
	room_of(gateway)->said = true;
}

static struct echo_flow *begin(struct gateway *gateway, const struct tern_tuple *tuple)
{
	struct echo_room *const	 room = room_of(gateway);
	struct tern_endpoint	 to;
	const enum gateway_route route = gateway_onward(gateway, &tuple->local, 0, &to);

	if (route != ROUTE_ONWARD) {
		refuse(gateway, route == ROUTE_DENIED ? TERN_UNREACHABLE_PROHIBITED : TERN_UNREACHABLE_HOST, 0);
		return NULL;
	}
	const int fd = ping_socket(&to);
	if (fd < 0) {
		say_once(gateway, fd);
		refuse(gateway, gateway_unreachable_of(-fd), 0);
		return NULL;
	}
	if (room->n == FLOWS)
		end(gateway, quietest(room));
	struct echo_flow *const flow = flow_new(gateway, FLOW_ECHO, sizeof *flow);
	if (!flow) {
		close(fd);
		gateway->stats.echo_dropped++;
		return NULL;
	}
	flow->flow.tuple = *tuple;
	flow->flow.onward = to;
	flow->gateway = gateway;
	flow->fd = fd;
	room->at[room->n++] = flow;
	if (tern_loop_watch_fd(gateway->loop, fd, POLLIN, on_reply, flow) == 0)
		return flow;
	gateway->stats.echo_dropped++;
	end(gateway, room->n - 1);
	return NULL;
}

static void take(struct gateway *gateway, const struct tern_datagram *datagram)
{
	struct echo_room *const room = room_of(gateway);
	const struct tern_tuple tuple = {
		.local = datagram->local.addr, .remote = datagram->remote.addr,
		.local_port = datagram->local.port, .remote_port = datagram->remote.port,
	};
	struct echo_flow *flow = NULL;

	if (datagram->n < SEQUENCE || datagram->n > BUFFER - SEQUENCE_AT || !addr_is_unicast(&tuple.local)) {
		gateway->stats.echo_dropped++;
		return;
	}
	for (unsigned i = 0; i < room->n && !flow; i++)
		if (tuple_equal(&room->at[i]->flow.tuple, &tuple))
			flow = room->at[i];
	if (!flow && (flow = begin(gateway, &tuple)) == NULL)
		return;
	memset(room->buffer, 0, SEQUENCE_AT);
	room->buffer[0] = addr_is_v4(&tuple.local) ? REQUEST_4 : REQUEST_6;
	memcpy(room->buffer + SEQUENCE_AT, datagram->data, datagram->n);
	if (send(flow->fd, room->buffer, SEQUENCE_AT + datagram->n, MSG_NOSIGNAL) < 0) {
		refuse(gateway, gateway_unreachable_of(errno), 0);
		return;
	}
	gateway->stats.echo_up++;
	flow->flow.up += datagram->n + SEQUENCE_AT;
	flow->flow.active = tern_loop_now(gateway->loop);
}

void relay_echo_event(struct gateway *gateway, const struct tern_event *event)
{
	struct tern_datagram datagram;

	if (gateway->echo.open && (event->ready & TERN_READABLE))
		while (tern_datagram_receive(gateway->host, gateway->echo.any, &datagram) == 0)
			take(gateway, &datagram);
}

/* ---- time ---- */

tern_time relay_echo_deadline(const struct gateway *gateway)
{
	const struct echo_room *const room = room_of(gateway);
	const unsigned		      i = room ? quietest(room) : FLOWS;

	return i < FLOWS ? room->at[i]->flow.active + SPAN : TERN_NEVER;
}

void relay_echo_expire(struct gateway *gateway, tern_time now)
{
	struct echo_room *const room = room_of(gateway);

	for (unsigned i = room ? room->n : 0; i-- > 0;)
		if (room->at[i]->flow.active + SPAN <= now)
			end(gateway, i);
}

int relay_echo_open(struct gateway *gateway)
{
	const struct tern_datagram_open any = {
		.kind = TERN_DATAGRAM_ECHO, .any = true, .cookie = gateway_cookie(OWNER_ECHO_ANY, 0, 0),
	};

	gateway->echo.state = calloc(1, sizeof(struct echo_room));
	if (!gateway->echo.state)
		return -ENOMEM;
	const int error = tern_datagram_open(gateway->host, &any, &gateway->echo.any);
	gateway->echo.open = error == 0;
	return error;
}

void relay_echo_done(struct gateway *gateway)
{
	struct echo_room *const room = room_of(gateway);

	while (room && room->n > 0)
		end(gateway, room->n - 1);
	if (gateway->echo.open)
		(void)tern_datagram_close(gateway->host, gateway->echo.any);
	gateway->echo.open = false;
	free(room);
	gateway->echo.state = NULL;
}
