/* The accept queue: connections whose handshake is complete, oldest first, until the program takes them.
 *
 * A ring per listener, grown by need up to the backlog. Places are counted on for ever, so that a block
 * which waits can name its own (in cold->cookie: place and listener) and leave without a search; what it
 * leaves is a dead place, dropped when it comes to the front or when the ring would have to grow. */
#include "host/listen.h"

#include "host/half_open.h"
#include "host/internal.h"

static struct listen_waiting *place(const struct listener *listener, uint32_t count)
{
	return &listener->queue[count & (listener->queue_room - 1)];
}

static uint64_t place_name(uint32_t count, uint32_t index)
{
	return (uint64_t)count << 32 | index;
}

bool accept_is_full(const struct listener *listener)
{
	return listener->n_waiting >= listener->backlog;
}

/* The living move up, and are told their new places. */
static void close_ranks(struct tern_host *host, struct listener *listener, uint32_t index)
{
	uint32_t to = listener->queue_first;

	for (uint32_t i = listener->queue_first; i != listener->queue_end; i++) {
		const struct listen_waiting waiting = *place(listener, i);

		if (waiting.index == TCB_NONE)
			continue;
		*place(listener, to) = waiting;
		tcb_cold(tcb_pool_at(&host->blocks, waiting.index))->cookie = place_name(to, index);
		to++;
	}
	listener->queue_end = to;
}

/* Room for one more; false: no memory. The living move up only where at least half are dead, so that each
 * move was paid for by one that died; the ring is at most four times what the backlog needs. */
static bool reserve(struct tern_host *host, struct listener *listener, uint32_t index)
{
	enum { FIRST = 8 };
	const uint32_t room = listener->queue_room == 0 ? FIRST : 2 * listener->queue_room;

	if (listener->queue_end - listener->queue_first < listener->queue_room)
		return true;
	if (listener->n_waiting < listener->queue_room / 2) {
		close_ranks(host, listener, index);
		return true;
	}
	struct listen_waiting *const queue = mem_get(&host->mem, room * sizeof *queue, 0, MEM_ORDINARY);

	if (queue == NULL) {
		close_ranks(host, listener, index);
		return listener->queue_end - listener->queue_first < listener->queue_room;
	}
	for (uint32_t i = listener->queue_first; i != listener->queue_end; i++)
		queue[i & (room - 1)] = *place(listener, i);
	mem_put(&host->mem, listener->queue, listener->queue_room * sizeof *queue);
	listener->queue = queue;
	listener->queue_room = room;
	return true;
}

/* What the listener was told to hand on. The segment size has done its work: the SYN-ACK announced it. */
static void inherit(const struct listener *listener, struct tcb *tcb, tern_time now)
{
	if (listener->congestion_control >= 0)
		tcb_cold(tcb)->congestion_control = (unsigned)listener->congestion_control & 63u;
	for (unsigned option = 0; listener->options_set != 0 && option < TERN_OPTIONS; option++)
		if (listener->options_set & 1u << option && option != TERN_MAX_SEGMENT && option != TERN_ECN)
			(void)tcp_option_set(tcb, (enum tern_option)option, listener->option[option], now);
}

struct tcb *accept_make(struct tern_host *host, uint32_t index, const struct tern_tuple *tuple,
			const struct tcp_agreement *agreed, uint32_t half, tern_time now)
{
	struct listener *const listener = listener_at(&host->listeners, index);
	const bool	       from_half = half != HALF_OPEN_NONE;
	uint32_t	       ask = LISTEN_NONE;
	struct tcb	      *tcb;

	if (!reserve(host, listener, index))
		return NULL;
	tcb = host_new_block(host, tuple, from_half ? demux_ref_of(DEMUX_HALF_OPEN, half) : (demux_ref){ 0 });
	if (tcb == NULL)
		return NULL;
	if (from_half) {
		const struct half_open *const entry = half_open_at(&host->half_opens, half);

		if (entry->asked) {
			ask = entry->u.ask;
			ask_of(&host->listeners, ask)->half = HALF_OPEN_NONE;
		}
		half_open_put(&host->half_opens, half);
		listener->n_half_open--;
	} else if (env_is_watched(&host->env)) {
		/* Of a cookie nothing was known, and nothing told, until now. */
		watch_state(&host->env, tuple, LISTEN, SYN_RECEIVED, TERN_WHY_SYN_ARRIVED, now);
	}
	if (now < listener->cookies_until)
		listener_spend(host, tuple, agreed);
	tcp_open_from_half(tcb, agreed, host_mtu(host, tuple), now);
	inherit(listener, tcb, now); /* after: a smaller buffer must not take back what the SYN-ACK offered */
	tcb->listening = true;
	tcb_cold(tcb)->cookie = place_name(listener->queue_end, index);
	*place(listener, listener->queue_end++) =
		(struct listen_waiting){ .index = tcb_index(tcb), .ask = ask };
	listener->n_waiting++;
	listener_ready(&host->listeners, index, TERN_ACCEPT);
	return tcb;
}

/* The first of the queue lives, always. */
static void drop_dead(struct listener *listener)
{
	while (listener->queue_first != listener->queue_end &&
	       place(listener, listener->queue_first)->index == TCB_NONE)
		listener->queue_first++;
}

void listen_forget(struct tern_host *host, struct tcb *tcb)
{
	const uint64_t		     name = tcb_cold(tcb)->cookie;
	struct listener *const	     listener = listener_at(&host->listeners, (uint32_t)name);
	struct listen_waiting *const waiting = place(listener, (uint32_t)(name >> 32));

	tern_assert(tcb->listening && waiting->index == tcb_index(tcb));
	if (waiting->ask != LISTEN_NONE)
		ask_end(&host->listeners, waiting->ask, true);
	waiting->index = TCB_NONE;
	listener->n_waiting--;
	drop_dead(listener);
	tcb->listening = false;
	tcb_cold(tcb)->cookie = 0;
}

int listen_accept(struct tern_host *host, uint32_t index, tern_socket *socket, tern_time now)
{
	struct listener *const listener = listener_at(&host->listeners, index);

	(void)now;
	if (listener->n_waiting == 0)
		return -TERN_EAGAIN;
	const struct listen_waiting waiting = *place(listener, listener->queue_first++);
	struct tcb *const	    tcb = tcb_pool_at(&host->blocks, waiting.index);

	tern_assert(tcb != NULL && tcb->listening);
	listener->n_waiting--;
	drop_dead(listener);
	tcb->listening = false;
	tcb->held = true;
	tcb_cold(tcb)->cookie = 0;
	if (waiting.ask != LISTEN_NONE) {
		tcb_cold(tcb)->cookie = ask_of(&host->listeners, waiting.ask)->cookie;
		ask_end(&host->listeners, waiting.ask, false);
	}
	*socket = handle_of(HANDLE_CONNECTION, waiting.index, tcb->generation);
	settle_block(host, tcb); /* what became ready while it waited is told now */
	return 0;
}

void accept_close(struct tern_host *host, uint32_t index, tern_time now)
{
	struct listener *const listener = listener_at(&host->listeners, index);

	while (listener->n_waiting > 0) {
		struct tcb *const tcb =
			tcb_pool_at(&host->blocks, place(listener, listener->queue_first)->index);

		listen_forget(host, tcb);
		tcp_abort(tcb, TERN_WHY_ABORT_CALLED, 0, now);
		settle_block(host, tcb);
	}
	mem_put(&host->mem, listener->queue, listener->queue_room * sizeof(struct listen_waiting));
	listener->queue = NULL;
	listener->queue_room = listener->queue_first = listener->queue_end = 0;
}
