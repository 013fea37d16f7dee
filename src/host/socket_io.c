/* SEND and RECEIVE of tern/socket.h: tcp/ does it, and the block is settled as far as it needs after it. */
#include "host/socket.h"

/* Queueing text and reading it end nothing, and bring no deadline nearer: all that may follow is something to send. */
static void settle_moved(struct tern_host *host, struct tcb *tcb)
{
	if (tcb->due != 0)
		list_push(host, &host->ready, LIST_READY, tcb);
}

ptrdiff_t tern_send(tern_host *host, tern_socket socket, const void *from, size_t n, unsigned flags)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){
				  .op = TERN_RECORD_SEND, .socket = socket, .a = flags, .data = from, .n = n });
	struct tcb *const tcb = socket_block(host, socket);

	if (!tcb)
		return -TERN_EBADF;
	ptrdiff_t sent = tcp_send(tcb, from, n, flags, host->now);
	if (sent == -TERN_ENOMEM) { /* what others only keep is given back first, to who asks for it */
		host_shed(host);
		sent = tcp_send(tcb, from, n, flags, host->now);
	}
	settle_moved(host, tcb);
	return sent;
}

ptrdiff_t tern_send_owned(tern_host *host, tern_socket socket, const void *from, size_t n, unsigned flags,
			  void (*release)(void *context, const void *from, size_t n), void *context)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){
				  .op = TERN_RECORD_SEND_OWNED, .socket = socket, .a = flags, .data = from, .n = n });
	struct tcb *const tcb = socket_block(host, socket);

	if (!tcb)
		return -TERN_EBADF;
	ptrdiff_t sent = tcp_send_owned(tcb, from, n, flags, release, context, host->now);
	if (sent == -TERN_ENOMEM) {
		host_shed(host);
		sent = tcp_send_owned(tcb, from, n, flags, release, context, host->now);
	}
	settle_moved(host, tcb);
	return sent;
}

static bool is_posted(const struct tcb *tcb)
{
	return tcb->has_path && tcp_has_post(tcb);
}

ptrdiff_t tern_receive(tern_host *host, tern_socket socket, void *to, size_t n)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){
				  .op = TERN_RECORD_RECEIVE, .socket = socket, .a = (int64_t)n });
	struct tcb *const tcb = socket_block(host, socket);

	if (!tcb)
		return -TERN_EBADF;
	if (is_posted(tcb))
		return -TERN_EALREADY;
	const ptrdiff_t got = tcp_receive(tcb, to, n, host->now);
	settle_moved(host, tcb);
	return got;
}

ptrdiff_t tern_peek(tern_host *host, tern_socket socket, size_t skip, const uint8_t **at)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){
				  .op = TERN_RECORD_PEEK, .socket = socket, .a = (int64_t)skip });
	struct tcb *const tcb = socket_block(host, socket);

	if (!tcb)
		return -TERN_EBADF;
	return is_posted(tcb) ? -TERN_EALREADY : tcp_peek(tcb, skip, at);
}

int tern_consume(tern_host *host, tern_socket socket, size_t n)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){
				  .op = TERN_RECORD_CONSUME, .socket = socket, .a = (int64_t)n });
	struct tcb *const tcb = socket_block(host, socket);

	if (!tcb)
		return -TERN_EBADF;
	if (is_posted(tcb))
		return -TERN_EALREADY;
	const int result = tcp_consume(tcb, n, host->now);
	settle_moved(host, tcb);
	return result;
}

int tern_receive_post(tern_host *host, tern_socket socket, void *to, size_t n)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){
				  .op = TERN_RECORD_RECEIVE_POST, .socket = socket, .a = (int64_t)n });
	struct tcb *const tcb = socket_block(host, socket);

	return tcb ? tcp_receive_post(tcb, to, n) : -TERN_EBADF;
}

static ptrdiff_t take_back(tern_host *host, tern_socket socket, enum tern_record_op op,
			   ptrdiff_t (*take)(struct tcb *tcb, tern_time now))
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = op, .socket = socket });
	struct tcb *const tcb = socket_block(host, socket);

	if (!tcb)
		return -TERN_EBADF;
	const ptrdiff_t got = take(tcb, host->now);
	settle_block(host, tcb); /* a window that opened may have to be told */
	return got;
}

ptrdiff_t tern_receive_posted(tern_host *host, tern_socket socket)
{
	return take_back(host, socket, TERN_RECORD_RECEIVE_POSTED, tcp_receive_posted);
}

ptrdiff_t tern_receive_unpost(tern_host *host, tern_socket socket)
{
	return take_back(host, socket, TERN_RECORD_RECEIVE_UNPOST, tcp_receive_unpost);
}

int tern_shutdown(tern_host *host, tern_socket socket)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_SHUTDOWN, .socket = socket });
	struct tcb *const tcb = socket_block(host, socket);

	if (!tcb)
		return -TERN_EBADF;
	const int result = tcp_shutdown(tcb, host->now);
	settle_block(host, tcb);
	return result;
}

int tern_shutdown_receive(tern_host *host, tern_socket socket)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_SHUTDOWN_RECEIVE, .socket = socket });
	struct tcb *const tcb = socket_block(host, socket);

	if (!tcb)
		return -TERN_EBADF;
	const int result = tcp_shutdown_receive(tcb, host->now);
	settle_block(host, tcb);
	return result;
}
