/* The octets of a TCP flow, both ways.
 *
 * Up: where nothing has to wait, from the buffer that the device was read into straight to send(), while tern looks
 * at the segment (struct tern_taker): one copy less, and of what is in the cache. Else, and what the socket did not
 * take, from tern's receive store into sendmsg(); what it does not take then either stays unread, and the guest's
 * window closes by itself. So nothing is acknowledged that neither the host's socket nor the store has.
 *
 * Down: one read into chunks that tern then owns until the guest has acknowledged them; what tern does not take (its
 * send buffer is full, or memory is spent) is kept, what one read brought at most, and nothing more is read: the
 * server's window closes. So neither side can fill memory.
 *
 * Nearly all that a relay costs is the system's: per call, per packet, per wake-up of who waits there. So up, one
 * sendmsg() takes a whole batch of the device's packets; down, a chunk is filled to whole segments, and a server that
 * fills one chunk has four read at once. What is small goes in small: one chunk, and a copy instead of a loan.
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
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

enum {
	PIECES = 80,   /* of the receive store in one sendmsg(): what one batch of the device's fills */
	OWN = 8192,    /* octets below which a copy is cheaper than a chunk in flight */
	DIRECT = 8192, /* octets of a segment below which sendmsg() of a whole batch costs less than a call for each */
};

static ssize_t read_rest(struct tcp_flow *flow, unsigned chunks, size_t most);

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

static void count_up(struct tcp_flow *flow, size_t n)
{
	flow->flow.up += (uint64_t)n;
	flow->gateway->stats.octets_up += (uint64_t)n;
}

size_t tcp_flow_take(struct tcp_flow *flow, const uint8_t *text, size_t n)
{
	if (n < DIRECT || flow->up_blocked || flow->urgent > 0)
		return 0;
	const ssize_t sent = send(flow->fd, text, n, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent <= 0) /* whatever it is: it meets tcp_flow_pump_up() again, who may do something about it */
		return 0;
	count_up(flow, (size_t)sent);
	flow->gateway->stats.octets_direct += (uint64_t)sent;
	return (size_t)sent;
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

	while (more)
		more = read_rest(flow, 1, CHUNK_SIZE) > 0 && tcp_flow_flush_rest(flow);
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
	count_up(flow, (size_t)sent);
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

/* Hands over the first of the rest. False: it stays, or the flow is gone. */
static bool deliver(struct tcp_flow *flow)
{
	struct gateway *const gateway = flow->gateway;
	uint8_t *const	      at = flow->rest[0].at;
	const uint32_t	      n = flow->rest[0].n;
	const unsigned	      flags = flow->rest_urgent ? TERN_SEND_URGENT : 0;
	ptrdiff_t	      taken;

	if (n >= OWN)
		taken = tern_send_owned(gateway->host, flow->socket, at, n, flags, chunk_release, gateway->tcp.chunks);
	else
		taken = tern_send(gateway->host, flow->socket, at, n, flags);
	if (taken == (ptrdiff_t)n) {
		if (n < OWN)
			chunk_put(gateway->tcp.chunks, at);
		flow->n_rest--;
		memmove(flow->rest, flow->rest + 1, flow->n_rest * sizeof flow->rest[0]);
		return true;
	}
	if (taken > 0) {
		flow->rest[0].at += taken;
		flow->rest[0].n -= (uint32_t)taken;
	} else if (taken == -TERN_ENOMEM) {
		wait_for_memory(flow);
	} else if (taken != -TERN_EAGAIN) {
		tcp_flow_guest_failed(flow);
	}
	return false;
}

bool tcp_flow_flush_rest(struct tcp_flow *flow)
{
	while (flow->n_rest > 0)
		if (!deliver(flow))
			return false;
	return true;
}

void tcp_flow_drop_rest(struct tcp_flow *flow)
{
	while (flow->n_rest > 0)
		chunk_put(flow->gateway->tcp.chunks, flow->rest[--flow->n_rest].at);
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

/* One read into so many chunks, `most` octets each, which become the rest (it was empty). As recvmsg() has it;
 * ENOMEM: there is no chunk. */
static ssize_t read_rest(struct tcp_flow *flow, unsigned chunks, size_t most)
{
	struct chunks *const from = flow->gateway->tcp.chunks;
	struct iovec	     piece[TCP_READ_CHUNKS];
	struct msghdr	     message = { .msg_iov = piece };
	uint8_t		    *chunk;

	while (message.msg_iovlen < chunks && (chunk = chunk_get(from)) != NULL)
		piece[message.msg_iovlen++] = (struct iovec){ .iov_base = chunk, .iov_len = most };
	if (message.msg_iovlen == 0) {
		errno = ENOMEM;
		return -1;
	}
	const ssize_t n = recvmsg(flow->fd, &message, MSG_DONTWAIT);
	const int     error = errno;
	size_t	      left = n > 0 ? (size_t)n : 0;

	for (size_t i = 0; i < message.msg_iovlen; i++) {
		const size_t some = left < most ? left : most;

		left -= some;
		if (some > 0) {
			flow->rest[flow->n_rest].at = piece[i].iov_base;
			flow->rest[flow->n_rest++].n = (uint32_t)some;
		} else {
			chunk_put(from, piece[i].iov_base);
		}
	}
	flow->rest_urgent = false;
	errno = error;
	return n;
}

static bool is_at_urgent_mark(const struct tcp_flow *flow)
{
	int at_mark = 0;

	return flow->server_urgent && ioctl(flow->fd, SIOCATMARK, &at_mark) == 0 && at_mark;
}

/* A tail of a segment would be a packet of its own, at nearly the price of a full one. */
static uint32_t whole_segments(struct tcp_flow *flow)
{
	struct tern_status status;

	if (flow->whole == 0) {
		flow->whole = CHUNK_SIZE;
		if (tern_status(flow->gateway->host, flow->socket, &status) == 0 && status.snd_mss > 0)
			flow->whole = CHUNK_SIZE - CHUNK_SIZE % (uint32_t)status.snd_mss;
	}
	return flow->whole;
}

/* One read: up to the mark of urgent data as it is, and the octet behind it alone. False: no more now, or the flow
 * is gone. */
static bool read_some(struct tcp_flow *flow)
{
	struct gateway *const gateway = flow->gateway;
	const bool	      urgent = is_at_urgent_mark(flow);
	const unsigned	      chunks = flow->bulk && !urgent ? TCP_READ_CHUNKS : 1;
	const size_t	      most = urgent ? 1 : whole_segments(flow);
	const ssize_t	      n = read_rest(flow, chunks, most);

	if (n > 0) {
		flow->rest_urgent = urgent;
		flow->server_urgent &= !urgent;
		flow->bulk = (size_t)n >= whole_segments(flow);
		flow->flow.down += (uint64_t)n;
		flow->flow.active = tern_host_now(gateway->host);
		gateway->stats.octets_down += (uint64_t)n;
		return tcp_flow_flush_rest(flow) && (size_t)n == chunks * most;
	}
	if (n == 0)
		end_down(flow);
	else if (errno == ENOMEM)
		wait_for_memory(flow);
	else if (errno != EAGAIN && errno != EINTR)
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
	/* A turn reads as much as stays in the cache until it leaves: what more there is comes in the next. */
	const bool was_bulk = flow->bulk;

	if (read_some(flow) && !was_bulk)
		(void)read_some(flow);
}
