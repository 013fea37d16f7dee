/* tern/pack.h: one connection out of a host, and back into it or another (DESIGN 5.13). */
#include "host/socket.h"

#include <tern/pack.h>

ptrdiff_t tern_pack(const tern_host *host, tern_socket socket, void *to, size_t room)
{
	const struct tcb *const tcb = socket_block(host, socket);

	if (!tcb)
		return handle_kind(socket) == HANDLE_CONNECTION ? -TERN_EBADF : -TERN_EOPNOTSUPP;
	if (tcp_has_post(tcb)) /* text stands in memory of the program's */
		return -TERN_EALREADY;
	return (ptrdiff_t)tcp_pack(tcb, to, room, host->now);
}

/* Its TIME-WAIT goes with the record. */
static void forget_time_wait(struct tern_host *host, const struct tcb *tcb)
{
	struct tern_tuple tuple;

	tcb_get_tuple(tcb, &tuple);
	const demux_ref ref = demux_find(&host->demux, &tuple);
	if (demux_ref_kind(ref) != DEMUX_TIME_WAIT)
		return;
	(void)demux_remove(&host->demux, &tuple, ref);
	time_wait_remove(&host->time_wait, demux_ref_index(ref));
}

ptrdiff_t tern_pack_out(tern_host *host, tern_socket socket, void *to, size_t room)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){
				  .op = TERN_RECORD_PACK_OUT, .socket = socket, .a = (int64_t)room });
	const ptrdiff_t	  n = tern_pack(host, socket, to, room);
	struct tcb *const tcb = socket_block(host, socket);

	if (n < 0 || (size_t)n > room)
		return n;
	/* Not by tcb_enter(): nothing ends, the connection is only elsewhere. */
	if (tcb->detached)
		forget_time_wait(host, tcb);
	host->env.stats.CurrEstab -= tcb->state == ESTABLISHED || tcb->state == CLOSE_WAIT;
	tcb->state = CLOSED;
	tcb->due = 0;
	tcb->ready = 0;
	tcb->held = false;
	tcp_release(tcb);
	settle_block(host, tcb);
	return n;
}

int tern_unpack(tern_host *host, const void *from, size_t n, tern_socket *socket)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_UNPACK, .data = from, .n = n });
	struct tcb *const tcb = tcb_pool_get(&host->blocks);
	struct tern_tuple tuple;

	if (!tcb)
		return -TERN_ENOMEM;
	tcb->held = true; /* it is no orphan: so a record of one that waits for its program is sound */
	const uint64_t refusals = host->mem.refused + host->mem.failed;
	int	       result = tcp_unpack(tcb, from, n, host->now);
	if (result == -TERN_EPROTO && host->mem.refused + host->mem.failed != refusals)
		result = -TERN_ENOMEM; /* the record may be right; its text found no place */
	tcb_get_tuple(tcb, &tuple);
	if (result == 0 && tcb->state != CLOSED && demux_find(&host->demux, &tuple).v != 0)
		result = -TERN_EADDRINUSE;
	else if (result == 0 && tcb->state != CLOSED && !host_shares(host, &tuple))
		result = -TERN_EADDRNOTAVAIL;
	if (result == 0 && tcb->state != CLOSED)
		result = demux_insert(&host->demux, &tuple, demux_ref_of(DEMUX_BLOCK, tcb_index(tcb)));
	if (result != 0) {
		tcp_release(tcb);
		tcb_pool_put(&host->blocks, tcb);
		return result;
	}
	/* A husk's entry is made again: 2MSL starts over, which is on the safe side. */
	tcb->detached = false;
	tcb->held = true;
	tcb_cold(tcb)->orphan_ms = 0;
	tcb->listening = false;
	host->env.stats.CurrEstab += tcb->state == ESTABLISHED || tcb->state == CLOSE_WAIT;
	*socket = handle_of(HANDLE_CONNECTION, tcb_index(tcb), tcb->generation);
	settle_block(host, tcb);
	return 0;
}
