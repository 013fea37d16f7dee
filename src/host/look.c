/* Looking on: events, statistics, listings, checks; and giving cached memory back. */
#include "host/internal.h"

#include "tcp/warm.h"

bool tern_host_event(tern_host *host, struct tern_event *event)
{
	struct tcb *tcb;

	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_EVENT });
	if (listen_has_event(&host->listeners) && listen_event(host, event))
		return true;
	if (host->datagrams.events_first && datagram_event(host, event))
		return true;
	for (;;) {
		const uint32_t index = host->events.first;

		tcb = list_pop(host, &host->events, LIST_EVENTS);
		if (!tcb)
			return false;
		if (tcb->held && tcb->ready != 0) {
			*event = (struct tern_event){
				.socket = handle_of(HANDLE_CONNECTION, index, tcb->generation),
				.ready = tcb->ready,
				.cookie = tcb_cold(tcb)->cookie,
			};
			tcb->ready = 0;
			return true;
		}
		settle_block(host, tcb); /* let go of while it was queued: frees it where that was all */
	}
}

void tern_host_stats(const tern_host *host, struct tern_stats *stats)
{
	*stats = host->env.stats;
	stats->TernConnections = host->blocks.n_used;
	stats->TernHalfOpen = host->half_opens.n;
	stats->TernTimeWait = host->time_wait.n;
	stats->TernListeners = host->listeners.n;
	stats->TernMemory = host->mem.used;
	stats->TernMemoryPeak = host->mem.peak;
	stats->TernMemoryLimit = host->mem.limit;
}

void tern_host_set_watcher(tern_host *host, const struct tern_watcher *watcher)
{
	host->env.watcher = watcher ? *watcher : (struct tern_watcher){ .event = NULL };
}

void tern_host_set_recorder(tern_host *host, const struct tern_recorder *recorder)
{
	host->recorder = recorder ? *recorder : (struct tern_recorder){ .call = NULL };
	if (recorder)
		host->env.config.taker = (struct tern_taker){ .take = NULL };
}

/* A cursor is the next index to try, below the number of the table it is in. */
enum { CURSOR_TABLE_SHIFT = 32 };

static uint64_t cursor_at(uint64_t table, uint64_t index)
{
	return table << CURSOR_TABLE_SHIFT | index;
}

bool tern_host_each(const tern_host *host, uint64_t *cursor, tern_socket *socket)
{
	enum { CONNECTIONS, LISTENERS };

	if (*cursor >> CURSOR_TABLE_SHIFT == CONNECTIONS) {
		const struct tcb *tcb = tcb_pool_from(&host->blocks, (uint32_t)*cursor);

		while (tcb && !tcb->held)
			tcb = tcb_pool_from(&host->blocks, tcb_index(tcb) + 1);
		if (tcb) {
			*socket = handle_of(HANDLE_CONNECTION, tcb_index(tcb), tcb->generation);
			*cursor = cursor_at(CONNECTIONS, tcb_index(tcb) + UINT64_C(1));
			return true;
		}
		*cursor = cursor_at(LISTENERS, 0);
	}
	const uint32_t index = listen_from(&host->listeners, (uint32_t)*cursor);
	if (index == LISTEN_NONE)
		return false;
	*socket = handle_of(HANDLE_LISTENER, index, host->listeners.at[index]->generation);
	*cursor = cursor_at(LISTENERS, index + UINT64_C(1));
	return true;
}

bool tern_host_each_orphan(const tern_host *host, uint64_t *cursor, struct tern_status *status)
{
	const struct tcb *tcb = tcb_pool_from(&host->blocks, (uint32_t)*cursor);

	/* One that waits in an accept queue is not the program's yet, but will be. */
	while (tcb && (tcb->held || tcb->listening || tcb->detached || tcb->state == CLOSED))
		tcb = tcb_pool_from(&host->blocks, tcb_index(tcb) + 1);
	if (!tcb)
		return false;
	tcp_status(tcb, host->now, status);
	*cursor = tcb_index(tcb) + UINT64_C(1);
	return true;
}

bool tern_host_each_entry(const tern_host *host, uint64_t *cursor, struct tern_entry *entry)
{
	enum { TIME_WAITS, HALF_OPENS };

	if (*cursor >> CURSOR_TABLE_SHIFT == TIME_WAITS) {
		const uint32_t index = time_wait_from(&host->time_wait, (uint32_t)*cursor);

		if (index != TIME_WAIT_NONE) {
			entry->state = TERN_STATE_TIME_WAIT;
			entry->until = time_wait_until(&host->time_wait, index);
			time_wait_tuple(&host->time_wait, index, &entry->tuple);
			*cursor = cursor_at(TIME_WAITS, index + UINT64_C(1));
			return true;
		}
		*cursor = cursor_at(HALF_OPENS, 0);
	}
	const uint32_t index = half_open_from(&host->half_opens, (uint32_t)*cursor);
	if (index == HALF_OPEN_NONE)
		return false;
	entry->state = TERN_STATE_SYN_RECEIVED;
	entry->until = half_open_until(host, index);
	half_open_tuple(&host->half_opens, index, &entry->tuple);
	*cursor = cursor_at(HALF_OPENS, index + UINT64_C(1));
	return true;
}

void tern_host_trim(tern_host *host)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_TRIM });
	(void)tcb_rest_over(&host->env);
	slices_pool_trim(&host->env.slices);
	pages_pool_trim(&host->env.pages);
	pool_trim(&host->env.warm);
	pool_trim(&host->env.paths);
	mem_put(&host->mem, host->loop_buffer, HOST_LOOPBACK_MTU);
	host->loop_buffer = NULL;
	half_open_trim(&host->half_opens);
	time_wait_trim(&host->time_wait);
	wheel_trim(&host->wheel);
	path_mtu_trim(&host->path_mtu, host->now);
	ip_reassembly_trim(&host->reassembly);
}

static void check_block(const struct tern_host *host, const struct tcb *tcb)
{
	struct tern_tuple tuple;

	tcb_check(tcb);
	tcb_get_tuple(tcb, &tuple);
	/* Reachable by segments, unless its life on the wire is over. */
	const demux_ref ref = demux_find(&host->demux, &tuple);
	const bool	found = ref.v == demux_ref_of(DEMUX_BLOCK, tcb_index(tcb)).v;
	tern_assert(found == (tcb->state != CLOSED && !tcb->detached));
	/* Whatever it waits for will come. */
	tern_assert(!block_is_over(tcb) || tcb->ready_next != TCB_NOT_QUEUED || tcb->event_next != TCB_NOT_QUEUED);
	tern_assert(tcb->due == 0 || tcb->ready_next != TCB_NOT_QUEUED);
	tern_assert(tcb->ready == 0 || !tcb->held || tcb->event_next != TCB_NOT_QUEUED);
	tern_assert(tcp_deadline(tcb, host->now) == TERN_NEVER || tcb->wheel_tick != 0 || host->timers_unarmed ||
		    timers_is_noted(host, tcb));
}

void tern_host_check(const tern_host *host)
{
	uint32_t n = 0;

	for (const struct tcb *tcb = tcb_pool_from(&host->blocks, 0); tcb; n++) {
		check_block(host, tcb);
		tcb = tcb_pool_from(&host->blocks, tcb_index(tcb) + 1);
	}
	tern_assert(n == host->blocks.n_used);
	demux_check(&host->demux);
	list_check(host, &host->ready);
	list_check(host, &host->events);
	output_check(host);
	listen_check(host);
	half_open_check(&host->half_opens);
	time_wait_check(&host->time_wait);
	ip_reassembly_check(&host->reassembly);
	tern_assert(host->mem.used <= host->mem.limit);
}
