/* The calls of tern/socket.h that open, close and look: handles are checked here, the work is done by
 * tcp/ for connections and by listen.c for listeners and asks.
 */
#include "host/socket.h"

struct tcb *socket_block(const struct tern_host *host, tern_socket socket)
{
	if (handle_kind(socket) != HANDLE_CONNECTION)
		return NULL;
	struct tcb *const tcb = tcb_pool_at(&host->blocks, handle_number(socket));
	return tcb && tcb->held && tcb->generation == socket.generation ? tcb : NULL;
}

/* The listener of a handle, or LISTEN_NONE. */
static uint32_t listener_of(const struct tern_host *host, tern_socket socket)
{
	const uint32_t index = handle_number(socket);

	if (handle_kind(socket) != HANDLE_LISTENER || !listen_at(&host->listeners, index, socket.generation))
		return LISTEN_NONE;
	return index;
}

static struct ask *asked_by(const struct tern_host *host, tern_socket socket)
{
	if (handle_kind(socket) != HANDLE_ASK)
		return NULL;
	return ask_at(&host->listeners, handle_number(socket), socket.generation);
}

/* ---- OPEN ---- */

static bool port_is_free(void *context, const struct tern_tuple *tuple)
{
	const struct tern_host *const host = context;

	if (!host_shares(host, tuple) || demux_find(&host->demux, tuple).v != 0)
		return false;
	const uint32_t index = listen_find(host, tuple);
	return index == LISTEN_NONE || host->listeners.at[index]->any;
}

/* RFC 9293 3.9.1.1: the tuple of an active OPEN, its unspecified parts filled in (MUST-43, MUST-44, MUST-46). */
static int name_connection(struct tern_host *host, const struct tern_open *open, struct tern_tuple *tuple)
{
	const struct tern_config *const config = &host->env.config;
	struct route			route;

	*tuple = (struct tern_tuple){
		.local = open->local.addr,
		.remote = open->remote.addr,
		.zone = open->remote.zone ? open->remote.zone : open->local.zone,
		.local_port = open->local.port,
		.remote_port = open->remote.port,
	};
	if (open->remote.port == 0 || (open->local.zone != 0 && open->local.zone != tuple->zone) ||
	    !addr_is_unicast(&open->remote.addr))
		return -TERN_EINVAL; /* MUST-46 */
	if (!host_reaches_one(host, tuple->zone, &open->remote.addr))
		return -TERN_EINVAL;
	if (!host_route(host, tuple->zone, &open->remote.addr, &route))
		return -TERN_ENETUNREACH;
	tuple->zone = route.zone;
	if (addr_is_unspecified(&open->local.addr)) {
		if (!route_source_by(&host->routes, &route, &open->remote.addr, &tuple->local)) /* MUST-44 */
			return -TERN_ENETUNREACH;
	} else if (addr_is_v4(&open->local.addr) != addr_is_v4(&open->remote.addr)) {
		return -TERN_EINVAL;
	} else if (!route_is_local(&host->routes, tuple->zone, &open->local.addr)) {
		return -TERN_EADDRNOTAVAIL;
	}
	/* A loopback address never leaves the host (RFC 1122 3.2.1.3 (g)). */
	if (addr_is_loopback(&tuple->local) && route.link != ROUTE_LOOPBACK)
		return -TERN_EINVAL;
	if (open->local.port == 0)
		return ports_pick(&host->ports, &host->env.port_key, config->port_low, config->port_high, tuple,
				  port_is_free, host);
	if (route.link != ROUTE_LOOPBACK && !host_shares(host, tuple))
		return -TERN_EADDRNOTAVAIL; /* its answers would go to another host */
	return demux_find(&host->demux, tuple).v == 0 ? 0 : -TERN_EADDRINUSE;
}

static int open_active(struct tern_host *host, const struct tern_open *open, enum tcp_state from, tern_socket *socket)
{
	struct tern_tuple tuple;
	const int	  named = name_connection(host, open, &tuple);

	if (named != 0)
		return named;
	struct tcb *const tcb = host_new_block(host, &tuple, (demux_ref){ 0 });
	if (!tcb)
		return -TERN_ENOMEM;
	tcb->held = true;
	tcb->state = (uint8_t)from;
	tcb_cold(tcb)->cookie = open->cookie;
	const int result = tcp_open_active(tcb, host_mtu(host, &tuple), host->now);
	if (result != 0) {
		host_drop_block(host, tcb);
		return result;
	}
	*socket = handle_of(HANDLE_CONNECTION, tcb_index(tcb), tcb->generation);
	settle_block(host, tcb);
	return 0;
}

int tern_connect(tern_host *host, const struct tern_open *open, tern_socket *socket)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_CONNECT, .data = open });
	return open_active(host, open, CLOSED, socket);
}

int tern_listen(tern_host *host, const struct tern_listen *listen, tern_socket *listener)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_LISTEN, .data = listen });
	return listen_open(host, listen, listener, host->now);
}

int tern_accept(tern_host *host, tern_socket listener, tern_socket *socket)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_ACCEPT, .socket = listener });
	const uint32_t index = listener_of(host, listener);

	if (index == LISTEN_NONE)
		return -TERN_EBADF;
	return listen_accept(host, index, socket, host->now);
}

int tern_listener_connect(tern_host *host, tern_socket listener, const struct tern_endpoint *remote,
			  tern_socket *socket)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){
				  .op = TERN_RECORD_LISTENER_CONNECT, .socket = listener, .data = remote });
	const uint32_t index = listener_of(host, listener);

	if (index == LISTEN_NONE)
		return -TERN_EBADF;
	const struct listener *const from = host->listeners.at[index];
	const struct tern_open open = { .remote = *remote, .local = from->local, .cookie = from->cookie };
	if (from->any)
		return -TERN_EINVAL;
	const int result = open_active(host, &open, LISTEN, socket);
	if (result == 0)
		listen_close(host, index, host->now);
	return result;
}

int tern_next_ask(tern_host *host, tern_socket listener, tern_socket *asked, struct tern_tuple *tuple)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_NEXT_ASK, .socket = listener });
	const uint32_t index = listener_of(host, listener);

	return index == LISTEN_NONE ? -TERN_EBADF : listen_next_ask(host, index, asked, tuple);
}

int tern_answer(tern_host *host, tern_socket asked, enum tern_answer answer)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_ANSWER, .socket = asked, .a = answer });
	if (!asked_by(host, asked))
		return -TERN_EBADF;
	return ask_answer(host, handle_number(asked), answer, host->now);
}

/* ---- CLOSE and ABORT ---- */

/* Listeners and asks; -TERN_EBADF: neither. */
static int end_other(struct tern_host *host, tern_socket socket)
{
	const uint32_t index = listener_of(host, socket);

	if (index != LISTEN_NONE) {
		listen_close(host, index, host->now);
		return 0;
	}
	return asked_by(host, socket) ? ask_answer(host, handle_number(socket), TERN_ANSWER_DROP, host->now) :
				      -TERN_EBADF;
}

int tern_close(tern_host *host, tern_socket socket)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_CLOSE, .socket = socket });
	struct tcb *const tcb = socket_block(host, socket);

	if (!tcb)
		return end_other(host, socket);
	tcp_close(tcb, host->now);
	tcb->held = false;
	settle_block(host, tcb);
	return 0;
}

int tern_abort(tern_host *host, tern_socket socket)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_ABORT, .socket = socket });
	struct tcb *const tcb = socket_block(host, socket);

	if (!tcb)
		return end_other(host, socket);
	tcb->held = false;
	if (tcb->state != CLOSED && !tcb->detached)
		tcp_abort(tcb, TERN_WHY_ABORT_CALLED, -TERN_ECONNABORTED, host->now);
	settle_block(host, tcb);
	return 0;
}

/* ---- STATUS ---- */

int tern_status(const tern_host *host, tern_socket socket, struct tern_status *status)
{
	const struct tcb *const tcb = socket_block(host, socket);
	const uint32_t		index = listener_of(host, socket);

	if (!tcb && index == LISTEN_NONE)
		return -TERN_EBADF;
	if (!tcb) {
		listen_status(host, index, status);
		return 0;
	}
	tcp_status(tcb, host->now, status);
	if (tcb->detached) {
		const demux_ref ref = demux_find(&host->demux, &status->tuple);

		status->time_wait_at = demux_ref_kind(ref) == DEMUX_TIME_WAIT ?
					       time_wait_until(&host->time_wait, demux_ref_index(ref)) :
					       TERN_NEVER;
	}
	return 0;
}

int tern_socket_error(const tern_host *host, tern_socket socket)
{
	const struct tcb *const tcb = socket_block(host, socket);

	if (tcb)
		return -(int)tcb_cold(tcb)->error;
	return listener_of(host, socket) != LISTEN_NONE || asked_by(host, socket) ? 0 : -TERN_EBADF;
}

unsigned tern_ready(const tern_host *host, tern_socket socket)
{
	const struct tcb *const tcb = socket_block(host, socket);
	const uint32_t		index = listener_of(host, socket);

	if (tcb)
		return tcp_ready(tcb);
	return index != LISTEN_NONE ? listen_ready(host, index) : 0;
}

int tern_name(const tern_host *host, tern_socket socket, struct tern_tuple *tuple)
{
	const struct tcb *const tcb = socket_block(host, socket);
	const uint32_t		index = listener_of(host, socket);

	if (tcb)
		tcb_get_tuple(tcb, tuple);
	else if (index != LISTEN_NONE)
		listen_name(host, index, tuple);
	else if (asked_by(host, socket))
		ask_name(host, handle_number(socket), tuple);
	else
		return -TERN_EBADF;
	return 0;
}

int tern_set_cookie(tern_host *host, tern_socket socket, uint64_t cookie)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){
				  .op = TERN_RECORD_SET_COOKIE, .socket = socket, .a = (int64_t)cookie });
	struct tcb *const tcb = socket_block(host, socket);
	struct ask *const ask = asked_by(host, socket);
	const uint32_t	  index = listener_of(host, socket);

	if (tcb)
		tcb_cold(tcb)->cookie = cookie;
	else if (ask)
		ask->cookie = cookie;
	else if (index != LISTEN_NONE)
		host->listeners.at[index]->cookie = cookie;
	else
		return -TERN_EBADF;
	return 0;
}

int tern_option_set(tern_host *host, tern_socket socket, enum tern_option option, int64_t value)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){
				  .op = TERN_RECORD_OPTION_SET, .socket = socket, .a = option, .b = value });
	struct tcb *const tcb = socket_block(host, socket);
	const uint32_t	  index = listener_of(host, socket);

	if (!tcb)
		return index != LISTEN_NONE ? listen_option_set(host, index, option, value) : -TERN_EBADF;
	const int result = tcp_option_set(tcb, option, value, host->now);
	settle_block(host, tcb); /* no more Nagle or cork: text may go */
	return result;
}

int tern_option_get(const tern_host *host, tern_socket socket, enum tern_option option, int64_t *value)
{
	const struct tcb *const tcb = socket_block(host, socket);
	const uint32_t		index = listener_of(host, socket);

	if (tcb)
		return tcp_option_get(tcb, option, value);
	return index != LISTEN_NONE ? listen_option_get(host, index, option, value) : -TERN_EBADF;
}

static size_t length_of(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

int tern_set_congestion_control(tern_host *host, tern_socket socket, const char *name)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_SET_CONGESTION,
						      .socket = socket,
						      .data = name,
						      .n = length_of(name) });
	struct tcb *const tcb = socket_block(host, socket);
	const uint32_t	  index = listener_of(host, socket);

	if (!tcb)
		return index != LISTEN_NONE ? listen_set_congestion_control(host, index, name) : -TERN_EBADF;
	const int result = tcp_set_congestion_control(tcb, name);
	settle_block(host, tcb);
	return result;
}
