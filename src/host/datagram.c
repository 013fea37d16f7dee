/* Datagram sockets: which there are, what they are bound to, and their readiness. */
#include "host/datagram_socket.h"

#include "base/bytes.h"

enum {
	QUEUE_DEFAULT = 256 * 1024,
	SOCKETS_FIRST = 8,
	SOCKETS_MOST = 65536,
};

void datagrams_init(struct datagrams *datagrams)
{
	*datagrams = (struct datagrams){ .at = NULL };
}

/* ---- handles ---- */

struct datagram_socket *datagram_socket_of(const struct tern_host *host, tern_socket handle)
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

static unsigned bucket_number(enum tern_datagram_kind kind, uint16_t port)
{
	return (port * 4u + kind) % DATAGRAM_BUCKETS;
}

static uint32_t *bucket_of(struct tern_host *host, enum tern_datagram_kind kind, uint16_t port)
{
	return &host->datagrams.bucket[bucket_number(kind, port)];
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

void datagram_become_ready(struct tern_host *host, struct datagram_socket *socket, uint32_t ready)
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

	if (socket->local.port != local->port || (socket->local.zone != 0 && socket->local.zone != local->zone))
		return 0;
	if (!addr_is_unspecified(&socket->local.addr)) {
		if (!addr_equal(&socket->local.addr, &local->addr))
			return 0;
		points += 1;
	}
	if (!socket->connected)
		return points;
	if (!addr_equal(&socket->remote.addr, &remote->addr) || socket->remote.zone != remote->zone ||
	    (socket->kind == TERN_DATAGRAM_UDP && socket->remote.port != remote->port))
		return 0;
	return points + 2;
}

struct datagram_socket *datagram_first(const struct tern_host *host, enum tern_datagram_kind kind, uint16_t port)
{
	const uint32_t first = host->datagrams.bucket[bucket_number(kind, port)];

	return first ? host->datagrams.at[first - 1] : NULL;
}

struct datagram_socket *datagram_next(const struct tern_host *host, const struct datagram_socket *socket)
{
	return socket->next_in_bucket ? host->datagrams.at[socket->next_in_bucket - 1] : NULL;
}

struct datagram_socket *datagram_socket_find(const struct tern_host *host, enum tern_datagram_kind kind,
					     const struct tern_endpoint *local, const struct tern_endpoint *remote)
{
	struct datagram_socket *best = NULL;
	unsigned		points = 0;

	for (struct datagram_socket *socket = datagram_first(host, kind, local->port); socket;
	     socket = datagram_next(host, socket)) {
		const unsigned fits = socket->kind == kind ? fit(socket, local, remote) : 0;

		if (fits > points) {
			points = fits;
			best = socket;
		}
	}
	return best;
}

/* ---- open and close ---- */

static bool endpoint_is_taken(const struct tern_host *host, const struct datagram_socket *wanted)
{
	for (const struct datagram_socket *socket = datagram_first(host, wanted->kind, wanted->local.port); socket;
	     socket = datagram_next(host, socket))
		if (socket->kind == wanted->kind && socket->local.port == wanted->local.port &&
		    addr_equal(&socket->local.addr, &wanted->local.addr) && socket->connected == wanted->connected &&
		    socket->local.zone == wanted->local.zone && socket->remote.zone == wanted->remote.zone &&
		    (!wanted->connected || (addr_equal(&socket->remote.addr, &wanted->remote.addr) &&
					    socket->remote.port == wanted->remote.port)))
			return true;
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
		if (share_has_port(&config->share, socket->local.port) && !endpoint_is_taken(host, socket))
			return 0;
	}
	return -TERN_EADDRINUSE;
}

/* Zone 0 hears all zones: the address is ours in one of them. */
static bool is_local(const struct tern_host *host, const struct tern_endpoint *local)
{
	bool found = route_is_local(&host->routes, local->zone, &local->addr);

	for (uint8_t link = 0; local->zone == 0 && !found && link < host->routes.n_links; link++)
		found = route_is_local(&host->routes, tern_link_zone(link), &local->addr);
	return found;
}

static int name_socket(struct tern_host *host, struct datagram_socket *socket)
{
	struct route route;

	if (socket->connected) {
		if (!addr_is_unicast(&socket->remote.addr) ||
		    (socket->kind == TERN_DATAGRAM_UDP && socket->remote.port == 0))
			return -TERN_EINVAL;
		const uint32_t zone = socket->remote.zone ? socket->remote.zone : socket->local.zone;

		if (!route_find(&host->routes, zone, &socket->remote.addr, &route))
			return -TERN_ENETUNREACH;
		socket->remote.zone = socket->local.zone = route.zone;
		if (addr_is_unspecified(&socket->local.addr) &&
		    !route_source(&host->routes, route.zone, &socket->remote.addr, &socket->local.addr))
			return -TERN_ENETUNREACH;
	}
	if (!addr_is_unspecified(&socket->local.addr) && !is_local(host, &socket->local))
		return -TERN_EADDRNOTAVAIL;
	if (socket->local.port == 0 && socket->kind != TERN_DATAGRAM_ROUTER)
		return choose_port(host, socket);
	return endpoint_is_taken(host, socket) ? -TERN_EADDRINUSE : 0;
}

bool endpoint_is_given(const struct tern_endpoint *endpoint)
{
	const struct tern_addr none = { { 0 } };

	return endpoint->port != 0 || !addr_equal(&endpoint->addr, &none);
}

static bool is_sensible(const struct tern_datagram_open *open)
{
	switch (open->kind) {
	case TERN_DATAGRAM_UDP:
	case TERN_DATAGRAM_ECHO:
		return !(open->any && (endpoint_is_given(&open->remote) || open->broadcast));
	case TERN_DATAGRAM_ROUTER:
		return !open->any && !endpoint_is_given(&open->remote) && open->local.port == 0 && !open->broadcast;
	}
	return false;
}

int tern_datagram_open(tern_host *host, const struct tern_datagram_open *open, tern_socket *handle)
{
	struct datagrams *const	      all = &host->datagrams;
	const struct datagram_socket  wanted = {
		.kind = open->kind,
		.local = open->local,
		.remote = open->remote,
		.any = open->any,
		.broadcast = open->broadcast,
		.unaddressed = open->broadcast && open->unaddressed,
		.connected = endpoint_is_given(&open->remote),
		.cookie = open->cookie,
		.limit = open->queue ? open->queue : QUEUE_DEFAULT,
	};
	struct datagram_socket *socket;
	int			error;

	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_DATAGRAM_OPEN, .data = open });
	if (!is_sensible(open))
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
	all->n_broadcast += socket->broadcast;
	if (open->any)
		all->any[open->kind] = socket;
	else
		put_in_bucket(host, socket);
	*handle = handle_of(HANDLE_DATAGRAM, socket->number, socket->generation);
	return 0;
}

void datagram_let_go(struct tern_host *host, struct waiting *datagram)
{
	if (datagram)
		mem_put(&host->mem, datagram, datagram->size);
}

static void close_socket(struct tern_host *host, struct datagram_socket *socket)
{
	struct datagrams *const all = &host->datagrams;

	unlist(host, socket);
	datagram_leave_all(host, socket);
	all->n_broadcast -= socket->broadcast;
	if (socket->any)
		all->any[socket->kind] = NULL;
	else
		take_from_bucket(host, socket);
	datagram_let_go(host, socket->taken);
	while (socket->first) {
		struct waiting *const datagram = socket->first;

		socket->first = datagram->next;
		datagram_let_go(host, datagram);
	}
	all->at[socket->number] = NULL;
	all->n--;
	mem_put(&host->mem, socket, sizeof *socket);
}

int tern_datagram_close(tern_host *host, tern_socket handle)
{
	struct datagram_socket *const socket = datagram_socket_of(host, handle);

	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_DATAGRAM_CLOSE, .socket = handle });
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
