/* Datagram sockets: a queue of what arrived, bounded and charged; sending makes the packet at once.
 *
 * Who gets a datagram: the socket connected to its sender; else the one bound to its address; else the one
 * bound to its port alone; else the `any` socket of its kind. What waits is the packet as it came, so that
 * an ICMP answer can quote it.
 */
#include "host/datagram.h"

#include "host/internal.h"
#include "wire/udp.h"

enum {
	QUEUE_DEFAULT = 256 * 1024,
	SOCKETS_FIRST = 8,
	SOCKETS_MOST = 65536,
	SEQUENCE_BYTES = 2, /* of an echo, ahead of its data */
};

/* One datagram that arrived. */
struct waiting {
	struct waiting	    *next;
	size_t		     size; /* of the whole allocation */
	struct tern_endpoint local, remote;
	uint32_t	     len;     /* of packet */
	uint32_t	     data_at; /* in packet */
	uint32_t	     n;
	uint8_t		     ttl, traffic_class;
	uint8_t		     packet[];
};

struct datagram_socket {
	enum tern_datagram_kind kind;
	struct tern_endpoint	local, remote;
	bool			any, connected;
	uint32_t		number, generation, next_in_bucket; /* number + 1; 0 ends */
	uint64_t		cookie;
	struct waiting	       *first, *last;
	struct waiting	       *taken; /* handed out: its data stays until the next call */
	size_t			queued, limit;
	int			error; /* pending, negative */
	struct tern_endpoint	error_remote;
	bool			blocked;    /* a send found no packet */
	uint32_t		ready;	    /* edges not told */
	bool			listed;
	struct datagram_socket *next_event;
};

void datagrams_init(struct datagrams *datagrams)
{
	*datagrams = (struct datagrams){ .at = NULL };
}

/* ---- handles ---- */

static struct datagram_socket *socket_of(const struct tern_host *host, tern_socket handle)
{
	const uint32_t		number = handle_number(handle);
	struct datagram_socket *socket;

	if (handle_kind(handle) != HANDLE_DATAGRAM || number >= host->datagrams.room)
		return NULL;
	socket = host->datagrams.at[number];
	return socket && socket->generation == handle.generation ? socket : NULL;
}

static bool make_room(struct tern_host *host)
{
	struct datagrams *const	 all = &host->datagrams;
	const uint32_t		 room = all->room ? all->room * 2 : SOCKETS_FIRST;
	struct datagram_socket **at;

	if (all->n < all->room)
		return true;
	if (room > SOCKETS_MOST)
		return false;
	at = mem_get(&host->mem, room * sizeof(struct datagram_socket *), 0, MEM_ORDINARY);
	if (!at)
		return false;
	if (all->at) {
		memcpy(at, all->at, all->room * sizeof(struct datagram_socket *));
		mem_put(&host->mem, all->at, all->room * sizeof(struct datagram_socket *));
	}
	all->at = at;
	all->room = room;
	return true;
}

static uint32_t *bucket_of(struct tern_host *host, enum tern_datagram_kind kind, uint16_t port)
{
	return &host->datagrams.bucket[(port * 2u + kind) % DATAGRAM_BUCKETS];
}

static void put_in_bucket(struct tern_host *host, struct datagram_socket *socket)
{
	uint32_t *const bucket = bucket_of(host, socket->kind, socket->local.port);

	socket->next_in_bucket = *bucket;
	*bucket = socket->number + 1;
}

static void take_from_bucket(struct tern_host *host, struct datagram_socket *socket)
{
	uint32_t *link = bucket_of(host, socket->kind, socket->local.port);

	while (*link != socket->number + 1)
		link = &host->datagrams.at[*link - 1]->next_in_bucket;
	*link = socket->next_in_bucket;
}

/* ---- readiness ---- */

static void become_ready(struct tern_host *host, struct datagram_socket *socket, uint32_t ready)
{
	struct datagrams *const all = &host->datagrams;

	socket->ready |= ready;
	if (socket->listed)
		return;
	socket->listed = true;
	socket->next_event = NULL;
	if (all->events_last)
		all->events_last->next_event = socket;
	else
		all->events_first = socket;
	all->events_last = socket;
}

static void unlist(struct tern_host *host, struct datagram_socket *socket)
{
	struct datagrams *const	 all = &host->datagrams;
	struct datagram_socket **link = &all->events_first;
	struct datagram_socket	*before = NULL;

	if (!socket->listed)
		return;
	while (*link != socket) {
		before = *link;
		link = &before->next_event;
	}
	*link = socket->next_event;
	if (all->events_last == socket)
		all->events_last = before;
	socket->listed = false;
}

bool datagram_event(struct tern_host *host, struct tern_event *event)
{
	struct datagram_socket *const socket = host->datagrams.events_first;

	if (!socket)
		return false;
	unlist(host, socket);
	*event = (struct tern_event){
		.socket = handle_of(HANDLE_DATAGRAM, socket->number, socket->generation),
		.ready = socket->ready,
		.cookie = socket->cookie,
	};
	socket->ready = 0;
	return true;
}

/* ---- finding ---- */

/* How well a socket fits; 0: not at all. */
static unsigned fit(const struct datagram_socket *socket, const struct tern_endpoint *local,
		    const struct tern_endpoint *remote)
{
	unsigned points = 1;

	if (socket->local.port != local->port)
		return 0;
	if (!addr_is_unspecified(&socket->local.addr)) {
		if (!addr_equal(&socket->local.addr, &local->addr))
			return 0;
		points += 1;
	}
	if (!socket->connected)
		return points;
	if (!addr_equal(&socket->remote.addr, &remote->addr) ||
	    (socket->kind == TERN_DATAGRAM_UDP && socket->remote.port != remote->port))
		return 0;
	return points + 2;
}

static struct datagram_socket *find(struct tern_host *host, enum tern_datagram_kind kind,
				    const struct tern_endpoint *local, const struct tern_endpoint *remote)
{
	struct datagram_socket *best = NULL;
	unsigned		points = 0;

	for (uint32_t next = *bucket_of(host, kind, local->port); next != 0;) {
		struct datagram_socket *const socket = host->datagrams.at[next - 1];
		const unsigned		      fits = socket->kind == kind ? fit(socket, local, remote) : 0;

		if (fits > points) {
			points = fits;
			best = socket;
		}
		next = socket->next_in_bucket;
	}
	return best;
}

/* ---- open and close ---- */

static bool endpoint_is_taken(struct tern_host *host, const struct datagram_socket *wanted)
{
	for (uint32_t next = *bucket_of(host, wanted->kind, wanted->local.port); next != 0;) {
		const struct datagram_socket *const socket = host->datagrams.at[next - 1];

		if (socket->kind == wanted->kind && socket->local.port == wanted->local.port &&
		    addr_equal(&socket->local.addr, &wanted->local.addr) && socket->connected == wanted->connected &&
		    (!wanted->connected || (addr_equal(&socket->remote.addr, &wanted->remote.addr) &&
					    socket->remote.port == wanted->remote.port)))
			return true;
		next = socket->next_in_bucket;
	}
	return false;
}

/* RFC 6056: a random start in the range, then the next that is free. */
static int choose_port(struct tern_host *host, struct datagram_socket *socket)
{
	const struct tern_config *const config = &host->env.config;
	const uint32_t			range = (uint32_t)config->port_high - config->port_low + 1;
	const uint32_t			start = (uint32_t)(splitmix64(&host->env.random) % range);

	for (uint32_t i = 0; i < range; i++) {
		socket->local.port = (uint16_t)(config->port_low + (start + i) % range);
		if (!endpoint_is_taken(host, socket))
			return 0;
	}
	return -TERN_EADDRINUSE;
}

static int name_socket(struct tern_host *host, struct datagram_socket *socket)
{
	struct route route;

	if (socket->connected) {
		if (!addr_is_unicast(&socket->remote.addr) ||
		    (socket->kind == TERN_DATAGRAM_UDP && socket->remote.port == 0))
			return -TERN_EINVAL;
		if (!route_find(&host->routes, &socket->remote.addr, &route))
			return -TERN_ENETUNREACH;
		if (addr_is_unspecified(&socket->local.addr) &&
		    !route_source(&host->routes, &socket->remote.addr, &socket->local.addr))
			return -TERN_ENETUNREACH;
	}
	if (!addr_is_unspecified(&socket->local.addr) && !route_is_local(&host->routes, &socket->local.addr))
		return -TERN_EADDRNOTAVAIL;
	if (socket->local.port == 0)
		return choose_port(host, socket);
	return endpoint_is_taken(host, socket) ? -TERN_EADDRINUSE : 0;
}

static bool is_given(const struct tern_endpoint *endpoint)
{
	const struct tern_addr none = { { 0 } };

	return endpoint->port != 0 || !addr_equal(&endpoint->addr, &none);
}

int tern_datagram_open(tern_host *host, const struct tern_datagram_open *open, tern_socket *handle)
{
	struct datagrams *const	      all = &host->datagrams;
	const struct datagram_socket  wanted = {
		.kind = open->kind,
		.local = open->local,
		.remote = open->remote,
		.any = open->any,
		.connected = is_given(&open->remote),
		.cookie = open->cookie,
		.limit = open->queue ? open->queue : QUEUE_DEFAULT,
	};
	struct datagram_socket *socket;
	int			error;

	if ((unsigned)open->kind > TERN_DATAGRAM_ECHO || (open->any && is_given(&open->remote)))
		return -TERN_EINVAL;
	if (open->any && all->any[open->kind])
		return -TERN_EADDRINUSE;
	socket = make_room(host) ? mem_get(&host->mem, sizeof *socket, 0, MEM_ORDINARY) : NULL;
	if (!socket)
		return -TERN_ENOMEM;
	*socket = wanted;
	error = open->any ? 0 : name_socket(host, socket);
	if (error) {
		mem_put(&host->mem, socket, sizeof *socket);
		return error;
	}
	while (all->at[socket->number])
		socket->number++;
	all->generation += all->generation == UINT32_MAX ? 2 : 1;
	socket->generation = all->generation;
	all->at[socket->number] = socket;
	all->n++;
	if (open->any)
		all->any[open->kind] = socket;
	else
		put_in_bucket(host, socket);
	*handle = handle_of(HANDLE_DATAGRAM, socket->number, socket->generation);
	return 0;
}

static void let_go(struct tern_host *host, struct waiting *datagram)
{
	if (datagram)
		mem_put(&host->mem, datagram, datagram->size);
}

static void close_socket(struct tern_host *host, struct datagram_socket *socket)
{
	struct datagrams *const all = &host->datagrams;

	unlist(host, socket);
	if (socket->any)
		all->any[socket->kind] = NULL;
	else
		take_from_bucket(host, socket);
	let_go(host, socket->taken);
	while (socket->first) {
		struct waiting *const datagram = socket->first;

		socket->first = datagram->next;
		let_go(host, datagram);
	}
	all->at[socket->number] = NULL;
	all->n--;
	mem_put(&host->mem, socket, sizeof *socket);
}

int tern_datagram_close(tern_host *host, tern_socket handle)
{
	struct datagram_socket *const socket = socket_of(host, handle);

	if (!socket)
		return -TERN_EBADF;
	close_socket(host, socket);
	return 0;
}

void datagrams_done(struct tern_host *host)
{
	struct datagrams *const all = &host->datagrams;

	for (uint32_t i = 0; i < all->room; i++)
		if (all->at[i])
			close_socket(host, all->at[i]);
	if (all->at)
		mem_put(&host->mem, all->at, all->room * sizeof(struct datagram_socket *));
}

/* ---- in ---- */

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
	become_ready(host, socket, TERN_READABLE);
}

bool datagram_arrive_udp(struct tern_host *host, const struct ip_header *ip, const uint8_t *packet, uint32_t len,
			 bool ours, bool offload)
{
	struct datagram_socket *socket = NULL;
	struct udp_datagram	udp;
	struct waiting		head = { .len = len, .ttl = ip->ttl, .traffic_class = ip->traffic_class };

	if (udp_wire_parse(&udp, ip, offload) != UDP_PARSED) {
		host->env.stats.UdpInErrors++;
		return true;
	}
	head.local = (struct tern_endpoint){ .addr = ip->dst, .port = udp.dst_port };
	head.remote = (struct tern_endpoint){ .addr = ip->src, .port = udp.src_port };
	head.data_at = (uint32_t)(udp.data - packet);
	head.n = udp.n;
	if (ours)
		socket = find(host, TERN_DATAGRAM_UDP, &head.local, &head.remote);
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
			  const uint8_t *packet, uint32_t len)
{
	const bool     request = echo->kind == ICMP_ECHO;
	const uint16_t identifier = (uint16_t)(echo->echo >> 16);
	struct waiting head = {
		.len = len,
		.ttl = ip->ttl,
		.traffic_class = ip->traffic_class,
		.local = { .addr = ip->dst, .port = identifier },
		.remote = { .addr = ip->src, .port = identifier },
		.data_at = (uint32_t)(echo->body - packet) - SEQUENCE_BYTES,
		.n = echo->body_len + SEQUENCE_BYTES,
	};
	struct datagram_socket *const socket = request ? host->datagrams.any[TERN_DATAGRAM_ECHO] :
							 find(host, TERN_DATAGRAM_ECHO, &head.local, &head.remote);

	if (socket)
		enqueue(host, socket, &head, packet);
	return socket != NULL;
}

int tern_datagram_receive(tern_host *host, tern_socket handle, struct tern_datagram *out)
{
	struct datagram_socket *const socket = socket_of(host, handle);
	struct waiting		     *datagram;

	*out = (struct tern_datagram){ .data = NULL };
	if (!socket)
		return -TERN_EBADF;
	if (socket->error) {
		const int error = socket->error;

		socket->error = 0;
		out->remote = socket->error_remote;
		return error;
	}
	datagram = socket->first;
	if (!datagram)
		return -TERN_EAGAIN;
	let_go(host, socket->taken);
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
		.ttl = datagram->ttl,
		.traffic_class = datagram->traffic_class,
	};
	return 0;
}

/* ---- out ---- */

/* Both addresses and ports of a datagram to send. 0 or the error. */
static int address_it(struct tern_host *host, const struct datagram_socket *socket, const struct tern_datagram *in,
		      struct tern_tuple *tuple)
{
	const struct tern_endpoint *const remote = is_given(&in->remote) ? &in->remote : &socket->remote;
	const struct tern_endpoint *const local = socket->any ? &in->local : &socket->local;

	*tuple = (struct tern_tuple){
		.local = local->addr, .local_port = local->port, .remote = remote->addr, .remote_port = remote->port,
	};
	if (!is_given(remote) || !addr_is_unicast(&remote->addr))
		return -TERN_EINVAL;
	if (addr_is_unspecified(&tuple->local) && !route_source(&host->routes, &tuple->remote, &tuple->local))
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
		.body = data + SEQUENCE_BYTES,
		.body_len = (uint32_t)in->n - SEQUENCE_BYTES,
	};

	return (uint32_t)icmp_wire_emit(bounce->bytes, &echo, &tuple->local, &tuple->remote);
}

int tern_datagram_send(tern_host *host, tern_socket handle, const struct tern_datagram *in)
{
	struct datagram_socket *const socket = socket_of(host, handle);
	struct tern_tuple	      tuple;
	struct bounce		     *bounce;
	int			      error;

	if (!socket)
		return -TERN_EBADF;
	if (socket->error && socket->connected) {
		error = socket->error;
		socket->error = 0;
		return error;
	}
	error = address_it(host, socket, in, &tuple);
	if (error)
		return error;
	const uint32_t head = addr_is_v4(&tuple.remote) ? IPV4_HEADER : 0;
	if (in->n > 65535u - UDP_HEADER - head || (socket->kind == TERN_DATAGRAM_ECHO && in->n < SEQUENCE_BYTES))
		return in->n < SEQUENCE_BYTES ? -TERN_EINVAL : -TERN_EMSGSIZE;
	bounce = bounce_own(host, UDP_HEADER + in->n);
	if (!bounce)
		return -TERN_ENOMEM;
	const bool     udp = socket->kind == TERN_DATAGRAM_UDP;
	const uint32_t len = udp ? write_udp(bounce, &tuple, in) : write_echo(bounce, socket, &tuple, in);
	const struct message message = {
		.tuple = &tuple,
		.protocol = udp ? IPPROTO_UDP_ : addr_is_v4(&tuple.remote) ? IPPROTO_ICMP4 : IPPROTO_ICMP6,
		.ttl = in->ttl,
		.traffic_class = in->traffic_class,
		.dont_fragment = in->dont_fragment,
	};

	error = packet_message(host, &message, bounce, len);
	socket->blocked |= error == -TERN_EAGAIN;
	host->datagrams.blocked |= error == -TERN_EAGAIN;
	host->env.stats.UdpOutDatagrams += udp && error == 0;
	return error;
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
			become_ready(host, all->at[i], TERN_WRITABLE);
		}
	}
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
	struct datagram_socket *const socket = socket_of(host, handle);
	struct ip_header	      ip;

	if (!socket || !socket->taken)
		return -TERN_EBADF;
	if ((unsigned)why > TERN_UNREACHABLE_TOO_BIG)
		return -TERN_EINVAL;
	if (ip_wire_parse(&ip, socket->taken->packet, socket->taken->len) == IP_PARSED)
		icmp_error_mtu(host, &ip, socket->taken->packet, socket->taken->len, (int)kinds[why], mtu);
	return 0;
}

void datagram_error(struct tern_host *host, const struct icmp_message *icmp, int error)
{
	struct ip_header     quoted;
	struct tern_endpoint local, remote;

	if (!ip_wire_parse_quoted(&quoted, icmp->body, icmp->body_len) ||
	    quoted.protocol != IPPROTO_UDP_ || quoted.is_fragment || quoted.payload_len < 4)
		return;
	local = (struct tern_endpoint){ .addr = quoted.src, .port = get16(quoted.payload) };
	remote = (struct tern_endpoint){ .addr = quoted.dst, .port = get16(quoted.payload + 2) };
	struct datagram_socket *const socket = find(host, TERN_DATAGRAM_UDP, &local, &remote);
	if (!socket)
		return;
	socket->error = error;
	socket->error_remote = remote;
	become_ready(host, socket, TERN_ERROR);
}
