/* TCP: each connection of the guest's ends at tern and goes on through a socket of the host. Here is what becomes
 * of a flow; how it begins stands in relay_tcp_begin.c, its octets in relay_tcp_move.c, its failures in
 * relay_tcp_fail.c.
 *
 *	CONNECTING -> ANSWERED -> OPEN -> gone       outbound
 *	CALLING -> OPEN -> gone                      inbound
 *	OPEN -> RESET_GUEST | RESET_SERVER -> gone   one side failed
 *
 * Vanished peers, on either leg: data that nobody acknowledges is given up after 924 s (config.r2, tcp_retries2) or
 * --user-timeout, whichever comes first; silence with nothing in flight is asked about after --keepalive (ten
 * minutes) and given up a quarter of that later; a handshake that the guest does not complete after 15 s, four
 * SYN-ACKs; a SYN of the guest's whose onward connect() comes to nothing after 120 s (config.accept_wait).
 */
#include "gateway/relay_tcp.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- both ends of a flow ---- */

static bool is_half_open(const struct tcp_flow *flow)
{
	return flow->phase < TCP_OPEN;
}

static void on_server(void *context, short revents);

void tcp_flow_watch(struct tcp_flow *flow, short events)
{
	if (events == flow->watched || flow->fd < 0)
		return;
	if (tern_loop_watch_fd(flow->gateway->loop, flow->fd, events, on_server, flow) == 0)
		flow->watched = events;
}

static void stop_waiting(struct tcp_flow *flow)
{
	if (!flow->waits)
		return;
	if (flow->prev)
		flow->prev->next = flow->next;
	else
		flow->gateway->tcp.waiting = flow->next;
	if (flow->next)
		flow->next->prev = flow->prev;
	flow->waits = false;
}

void tcp_flow_wait(struct tcp_flow *flow, tern_time span)
{
	struct relay_tcp *const tcp = &flow->gateway->tcp;

	flow->again = tern_loop_now(flow->gateway->loop) + span;
	if (flow->waits)
		return;
	flow->waits = true;
	flow->prev = NULL;
	flow->next = tcp->waiting;
	if (flow->next)
		flow->next->prev = flow;
	tcp->waiting = flow;
}

/* reset: an RST to the server instead of a FIN, where it still has a connection. */
void tcp_flow_close_server(struct tcp_flow *flow, bool reset)
{
	const struct linger linger = { .l_onoff = 1 };

	if (flow->fd < 0)
		return;
	tcp_flow_watch(flow, 0);
	if (reset)
		(void)setsockopt(flow->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	close(flow->fd);
	flow->fd = -1;
}

/* What the phase leaves behind of its place among the half-open; the block goes. */
void tcp_flow_forget(struct tcp_flow *flow)
{
	struct gateway *const gateway = flow->gateway;

	if (is_half_open(flow))
		gateway->tcp.half_open--;
	stop_waiting(flow);
	tcp_flow_drop_rest(flow);
	flow_free(gateway, &flow->flow);
}

void tcp_flow_finish(struct tcp_flow *flow)
{
	flow->gateway->stats.tcp_closed++;
	tcp_flow_close_server(flow, false);
	(void)tern_close(flow->gateway->host, flow->socket);
	tcp_flow_forget(flow);
}

/* ---- an open flow ---- */

/* For what the host's socket is to wake us. POLLERR alone (which always comes): a reset is to be seen at once. */
static short wanted(const struct tcp_flow *flow)
{
	int events = 0;

	if (!flow->down_ended && flow->n_rest == 0 && !flow->short_of_memory)
		events |= POLLIN | POLLPRI;
	if (flow->up_blocked)
		events |= POLLOUT;
	return (short)(events ? events : POLLERR);
}

void tcp_flow_pump(struct tcp_flow *flow, bool up, bool down)
{
	struct flow_table *const flows = &flow->gateway->flows;
	const uint32_t		 index = flow->flow.index, generation = flow->flow.generation;

	if (up)
		tcp_flow_pump_up(flow);
	if (down && flow_find(flows, index, generation) && flow->phase == TCP_OPEN)
		tcp_flow_pump_down(flow);
	if (flow_find(flows, index, generation) && flow->phase == TCP_OPEN)
		tcp_flow_watch(flow, wanted(flow));
}

static void on_server_open(struct tcp_flow *flow, short revents)
{
	if (revents & POLLPRI)
		flow->server_urgent = true;
	if (revents & POLLOUT)
		flow->up_blocked = false;
	/* Reset, while nothing may be read: what the guest has not taken would be lost on a direct one as well. */
	if (revents & POLLERR && !(flow->watched & POLLIN)) {
		tcp_flow_server_failed(flow);
		return;
	}
	/* Both directions have ended, and what is left cannot be taken yet. */
	if (revents & POLLHUP && !(flow->watched & POLLIN)) {
		tcp_flow_watch(flow, 0);
		return;
	}
	tcp_flow_pump(flow, (revents & POLLOUT) != 0, (revents & ~POLLOUT) != 0);
}

/* The handshake with the guest is complete. */
static void open_flow(struct tcp_flow *flow, tern_socket socket)
{
	flow->socket = socket;
	flow->phase = TCP_OPEN;
	flow->gateway->tcp.half_open--;
	flow->gateway->stats.tcp_opened++;
	tcp_flow_pump(flow, true, false);
}

/* ---- time ---- */

/* Its time has come: once more what could not be done before. */
static void look_again(struct tcp_flow *flow, tern_time now)
{
	stop_waiting(flow);
	flow->short_of_memory = false;
	if (flow->phase == TCP_OPEN)
		tcp_flow_pump(flow, false, true);
	else
		tcp_fail_look_again(flow, now);
}

tern_time relay_tcp_deadline(const struct gateway *gateway)
{
	tern_time at = TERN_NEVER;

	for (const struct tcp_flow *flow = gateway->tcp.waiting; flow; flow = flow->next)
		at = flow->again < at ? flow->again : at;
	return at;
}

void relay_tcp_expire(struct gateway *gateway, tern_time now)
{
	/* One that looks again may end itself, never another. */
	for (struct tcp_flow *flow = gateway->tcp.waiting, *next; flow; flow = next) {
		next = flow->next;
		if (flow->again <= now)
			look_again(flow, now);
	}
}

/* ---- what happens ---- */

static void on_server(void *context, short revents)
{
	struct tcp_flow *const flow = context;
	int		       error = 0;
	socklen_t	       n = sizeof error;

	switch (flow->phase) {
	case TCP_CONNECTING:
		(void)getsockopt(flow->fd, SOL_SOCKET, SO_ERROR, &error, &n);
		tcp_begin_connected(flow, error);
		break;
	case TCP_CALLING: /* the client gave up */
		flow->gateway->stats.tcp_cancelled++;
		tcp_flow_close_server(flow, true);
		(void)tern_abort(flow->gateway->host, flow->socket);
		tcp_flow_forget(flow);
		break;
	case TCP_OPEN:
		on_server_open(flow, revents);
		break;
	default:
		tcp_flow_watch(flow, 0);
		break;
	}
}

static void on_guest(struct tcp_flow *flow, const struct tern_event *event)
{
	if (is_half_open(flow)) {
		if (event->ready & TERN_CONNECTED)
			open_flow(flow, event->socket);
		else if (event->ready & (TERN_CLOSED | TERN_ERROR))
			tcp_begin_cancelled(flow);
		return;
	}
	if (flow->phase == TCP_RESET_GUEST) {
		if (event->ready & (TERN_CLOSED | TERN_ERROR))
			tcp_flow_reset_guest(flow);
		return;
	}
	if (flow->phase != TCP_OPEN)
		return;
	if (event->ready & TERN_URGENT)
		tcp_flow_guest_urgent(flow);
	/* A failure of the guest's is met by the pump, behind what it sent before; where it has sent its end, here.
	 * New text of the server's the host's socket tells. */
	const uint32_t not_of_text = TERN_WRITABLE | TERN_DRAINED | TERN_ADVICE;
	const bool waits = flow->n_rest > 0 || (flow->down_ended && !flow->down_done);
	const bool down = event->ready & TERN_WRITABLE && waits;

	if (event->ready & TERN_ERROR && flow->up_done)
		tcp_flow_guest_failed(flow);
	else
		tcp_flow_pump(flow, (event->ready & ~not_of_text) != 0, down);
}

static struct tcp_flow *flow_of_cookie(struct gateway *gateway, uint64_t cookie)
{
	return (struct tcp_flow *)flow_find(&gateway->flows, (uint32_t)cookie, (uint32_t)(cookie >> 32) & 0xffffff);
}

size_t relay_tcp_take(struct gateway *gateway, uint64_t cookie, const uint8_t *text, size_t n)
{
	struct tcp_flow *const flow = flow_of_cookie(gateway, cookie);

	if (!flow || flow->phase != TCP_OPEN)
		return 0;
	flow->flow.active = tern_host_now(gateway->host);
	return tcp_flow_take(flow, text, n);
}

void relay_tcp_event(struct gateway *gateway, const struct tern_event *event)
{
	if (event->cookie >> 56 == OWNER_TCP_LISTENER) {
		tcp_begin_asked(gateway);
		return;
	}
	struct tcp_flow *const flow = flow_of_cookie(gateway, event->cookie);

	if (flow)
		on_guest(flow, event);
	else
		(void)tern_abort(gateway->host, event->socket); /* accepted for a flow that has gone */
}

const char *relay_tcp_state(const struct gateway *gateway, const struct flow *of)
{
	const struct tcp_flow *const flow = (const struct tcp_flow *)of;
	static const char *const     names[] = { "connecting", "answered", "calling", NULL, "resetting guest",
						 "resetting server" };
	struct tern_status	     status;

	if (flow->phase != TCP_OPEN)
		return names[flow->phase];
	return tern_status(gateway->host, flow->socket, &status) == 0 ? tern_state_name(status.state) : "CLOSED";
}

bool relay_tcp_status(const struct gateway *gateway, const struct flow *of, struct tern_status *status)
{
	const struct tcp_flow *const flow = (const struct tcp_flow *)of;

	return flow->phase == TCP_OPEN && tern_status(gateway->host, flow->socket, status) == 0;
}

/* ---- making and ending ---- */

int relay_tcp_open(struct gateway *gateway)
{
	const struct tern_listen listen = { .any = true,
					    .ask = true,
					    .backlog = gateway->options->half_open_max,
					    .cookie = gateway_cookie(OWNER_TCP_LISTENER, 0, 0) };
	const uint64_t		 most = gateway->options->memory / 2 / CHUNK_SIZE;

	gateway->tcp.chunks = chunks_new(most > 0 ? (size_t)most : 1);
	if (!gateway->tcp.chunks)
		return -TERN_ENOMEM;
	const int error = tern_listen(gateway->host, &listen, &gateway->tcp.listener);
	if (error)
		return error;
	tcp_begin_options(gateway, gateway->tcp.listener); /* handed on to what it accepts */
	gateway->tcp.open = true;
	return 0;
}

void relay_tcp_done(struct gateway *gateway)
{
	uint32_t     cursor = 0;
	struct flow *flow;

	while ((flow = flow_each(&gateway->flows, &cursor)) != NULL) {
		if (flow->kind != FLOW_TCP)
			continue;
		struct tcp_flow *const tcp = (struct tcp_flow *)flow;

		/* What it was told to send to its end is the host kernel's. */
		tcp_flow_close_server(tcp, !tcp->up_done);
		if (tcp->phase == TCP_OPEN || tcp->phase == TCP_CALLING || tcp->phase == TCP_RESET_GUEST)
			(void)tern_abort(gateway->host, tcp->socket);
		tcp_flow_forget(tcp);
	}
	if (gateway->tcp.open)
		(void)tern_close(gateway->host, gateway->tcp.listener);
	gateway->tcp.open = false;
}

bool relay_tcp_is_drained(const struct gateway *gateway)
{
	uint32_t     cursor = 0;
	struct flow *flow;

	while ((flow = flow_each(&gateway->flows, &cursor)) != NULL) {
		const struct tcp_flow *const tcp = (const struct tcp_flow *)flow;

		if (flow->kind != FLOW_TCP)
			continue;
		if (tcp->phase == TCP_ANSWERED || tcp->phase == TCP_RESET_SERVER)
			return false;
		if (tcp->phase == TCP_OPEN && !tcp->up_done && tern_ready(gateway->host, tcp->socket) & TERN_READABLE)
			return false;
	}
	return true;
}
