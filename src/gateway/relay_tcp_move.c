/* The octets of a TCP flow, both ways.
 *
 * Up: tern's receive store straight into sendmsg(). What the socket does not take stays unread, and the guest's
 * window closes by itself. Down: one read into a chunk that tern then owns until the guest has acknowledged it; what
 * tern does not take (its send buffer is full, or memory is spent) is kept, one chunk at most, and nothing
 * more is read: the server's window closes. So neither side can fill memory.
 *
 * The end of a stream goes across as such: the guest's FIN is shutdown(SHUT_WR), the server's is
 * tern_shutdown(). A flow ends when both have.
 *
 * Urgent data (RFC 6093): the urgent octet stands in the stream on both sides (SO_OOBINLINE). Up, a send that ends
 * with the urgent octet says MSG_OOB. Down, recv() stops before the mark, and the octet after it is sent as urgent.
 * A mark that comes between poll and recv is passed over: then its octet goes across as an ordinary one.
 */
#include "gateway/relay_tcp.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

enum {
	PIECES = 16, /* of the receive store in one sendmsg() */
	READS = 4,   /* chunks of one flow in a row */
	OWN = 8192,  /* octets below which a copy is cheaper than a chunk in flight */
};

static bool deliver(struct tcp_flow *flow, uint8_t *at, uint32_t n, bool urgent);

/* ---- from the guest ---- */

/* The pieces that wait, at most up to the end of urgent data; their octets. 0: *why says it. */
static size_t gather(const struct tcp_flow *flow, struct iovec piece[PIECES], int *n, ptrdiff_t *why)
{
	size_t total = 0;

	*n = 0;
	while (*n < PIECES && (flow->urgent == 0 || total < flow->urgent)) {
		const uint8_t *at;
		ptrdiff_t      some = tern_peek(flow->gateway->host, flow->socket, total, &at);

		if (some <= 0) {
			*why = some;
			break;
		}
		if (flow->urgent > 0 && total + (size_t)some > flow->urgent)
			some = (ptrdiff_t)(flow->urgent - total);
		piece[(*n)++] = (struct iovec){ .iov_base = (void *)(uintptr_t)at, .iov_len = (size_t)some };
		total += (size_t)some;
	}
	return total;
}

static void end_up(struct tcp_flow *flow)
{
	if (shutdown(flow->fd, SHUT_WR) != 0) {
		tcp_flow_server_failed(flow); /* ENOTCONN: reset in between */
		return;
	}
	flow->up_done = true;
	if (flow->down_done)
		tcp_flow_finish(flow);
}

/* The server is gone, and what it had sent before is still to be read (an RST does not take it back). */
static void fail_after_reading(struct tcp_flow *flow)
{
	struct gateway *const	 gateway = flow->gateway;
	const uint32_t		 index = flow->flow.index, generation = flow->flow.generation;
	bool			 more = tcp_flow_flush_rest(flow) && !flow->down_ended;

	while (more) {
		uint8_t *const chunk = chunk_get(gateway->tcp.chunks);
		const ssize_t  n = chunk ? recv(flow->fd, chunk, CHUNK_SIZE, MSG_DONTWAIT) : 0;

		if (chunk && n <= 0)
			chunk_put(gateway->tcp.chunks, chunk);
		more = n > 0 && deliver(flow, chunk, (uint32_t)n, false);
	}
	if (flow_find(&gateway->flows, index, generation) && flow->phase == TCP_OPEN)
		tcp_flow_server_failed(flow);
}

static bool send_some(struct tcp_flow *flow, struct iovec *piece, int n, size_t total)
{
	const struct msghdr message = { .msg_iov = piece, .msg_iovlen = (size_t)n };
	const bool	    urgent = flow->urgent > 0 && total == flow->urgent;
	const ssize_t	    sent = sendmsg(flow->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT | (urgent ? MSG_OOB : 0));

	if (sent < 0 && errno == EINTR)
		return true;
	if (sent < 0 && errno != EAGAIN) {
		fail_after_reading(flow);
		return false;
	}
	if (sent < 0 || (size_t)sent < total)
		flow->up_blocked = true;
	if (sent <= 0)
		return false;
	(void)tern_consume(flow->gateway->host, flow->socket, (size_t)sent);
	flow->urgent -= flow->urgent > 0 ? (uint32_t)sent : 0;
	flow->flow.up += (uint64_t)sent;
	flow->gateway->stats.octets_up += (uint64_t)sent;
	return !flow->up_blocked;
}

void tcp_flow_pump_up(struct tcp_flow *flow)
{
	struct iovec piece[PIECES];
	ptrdiff_t    why = -TERN_EAGAIN;
	int	     n;

	while (!flow->up_done && !flow->up_blocked) {
		const size_t total = gather(flow, piece, &n, &why);

		if (total > 0) {
			flow->flow.active = tern_host_now(flow->gateway->host);
			if (!send_some(flow, piece, n, total))
				return;
			continue;
		}
		if (why == 0)
			end_up(flow);
		else if (why != -TERN_EAGAIN)
			tcp_flow_guest_failed(flow);
		return;
	}
}

void tcp_flow_guest_urgent(struct tcp_flow *flow)
{
	struct tern_status status;

	if (tern_status(flow->gateway->host, flow->socket, &status) != 0)
		return;
	flow->urgent = status.urgent;
	if (flow->urgent == 0) /* what it was about has gone across already, as ordinary octets */
		flow->gateway->stats.tcp_urgent_inline++;
}

/* ---- from the server ---- */

/* tern has no memory: it says nothing when it has some again. */
static void wait_for_memory(struct tcp_flow *flow)
{
	flow->short_of_memory = true;
	tcp_flow_wait(flow, 10 * TERN_MILLISECOND);
}

/* Hands over n octets of a chunk; those that are left are its rest. False: nothing more can go now. */
static bool deliver(struct tcp_flow *flow, uint8_t *at, uint32_t n, bool urgent)
{
	struct gateway *const gateway = flow->gateway;
	const unsigned	      flags = urgent ? TERN_SEND_URGENT : 0;
	ptrdiff_t	      taken;

	if (n >= OWN)
		taken = tern_send_owned(gateway->host, flow->socket, at, n, flags, chunk_release, gateway->tcp.chunks);
	else
		taken = tern_send(gateway->host, flow->socket, at, n, flags);
	flow->rest = NULL;
	if (taken == (ptrdiff_t)n) {
		if (n < OWN)
			chunk_put(gateway->tcp.chunks, at);
		return true;
	}
	if (taken < 0 && taken != -TERN_EAGAIN && taken != -TERN_ENOMEM) {
		chunk_put(gateway->tcp.chunks, at);
		tcp_flow_guest_failed(flow);
		return false;
	}
	const uint32_t gone = taken > 0 ? (uint32_t)taken : 0;

	flow->rest = at + gone;
	flow->rest_n = n - gone;
	flow->rest_urgent = urgent;
	if (taken == -TERN_ENOMEM)
		wait_for_memory(flow);
	return false;
}

bool tcp_flow_flush_rest(struct tcp_flow *flow)
{
	return !flow->rest || deliver(flow, flow->rest, flow->rest_n, flow->rest_urgent);
}

static void end_down(struct tcp_flow *flow)
{
	const int error = tern_shutdown(flow->gateway->host, flow->socket);

	flow->down_ended = true;
	if (error == -TERN_ENOMEM) {
		wait_for_memory(flow);
		return;
	}
	if (error) {
		tcp_flow_guest_failed(flow);
		return;
	}
	flow->down_done = true;
	if (flow->up_done)
		tcp_flow_finish(flow);
}

/* Octets to read now: up to the mark as it is, and the one behind it alone. */
static size_t octets_to_read(const struct tcp_flow *flow, bool *urgent)
{
	int at_mark = 0;

	*urgent = flow->server_urgent && ioctl(flow->fd, SIOCATMARK, &at_mark) == 0 && at_mark;
	return *urgent ? 1 : CHUNK_SIZE;
}

/* One read. False: no more now, or the flow is gone. */
static bool read_some(struct tcp_flow *flow)
{
	struct gateway *const gateway = flow->gateway;
	uint8_t *const	      chunk = chunk_get(gateway->tcp.chunks);
	bool		      urgent;

	if (!chunk) {
		wait_for_memory(flow);
		return false;
	}
	const size_t  room = octets_to_read(flow, &urgent);
	const ssize_t n = recv(flow->fd, chunk, room, MSG_DONTWAIT);
	const int     error = errno;

	if (n > 0) {
		if (urgent)
			flow->server_urgent = false;
		flow->flow.down += (uint64_t)n;
		flow->flow.active = tern_host_now(gateway->host);
		gateway->stats.octets_down += (uint64_t)n;
		return deliver(flow, chunk, (uint32_t)n, urgent) && (size_t)n == room;
	}
	chunk_put(gateway->tcp.chunks, chunk);
	if (n == 0)
		end_down(flow);
	else if (error != EAGAIN && error != EINTR)
		tcp_flow_server_failed(flow);
	return false;
}

void tcp_flow_pump_down(struct tcp_flow *flow)
{
	if (flow->down_done || !tcp_flow_flush_rest(flow))
		return;
	if (flow->down_ended) {
		end_down(flow);
		return;
	}
	for (unsigned i = 0; i < READS && read_some(flow); i++)
		;
}
