/* After each door call: what a block needs of its host is read off the block (tcp/tcp.h names the four
 * things), and done once, however much happened to it.
 *
 * Lists. ready: blocks with something due; output takes them in turn. events: blocks with readiness to
 * tell. Both are linked through the blocks by index, first in first out. A link cannot be taken out of
 * the middle, so a block that is over while it is queued stays as a ghost until it is taken or swept;
 * sweeping when the ghosts may be half of a list costs a constant for each of them.
 */
#include "host/internal.h"

void list_init(struct block_list *list, enum block_list_kind kind)
{
	*list = (struct block_list){ .kind = kind, .first = TCB_NONE, .last = TCB_NONE };
}

static bool is_queued(const struct tcb *tcb)
{
	return tcb->ready_next != TCB_NOT_QUEUED || tcb->event_next != TCB_NOT_QUEUED;
}

static void block_free(struct tern_host *host, struct tcb *tcb)
{
	tcp_release(tcb);
	tcb_pool_put(&host->blocks, tcb);
	if (host->blocks.n_used == 0)
		timers_rest(host);
}

/* Takes every ghost out of the list; one that no list holds any more is freed. */
static void sweep(struct tern_host *host, struct block_list *list)
{
	for (uint32_t left = list->n; left > 0; left--) {
		struct tcb *const tcb = list_pop(host, list, list->kind);

		if (!block_is_over(tcb))
			list_push(host, list, list->kind, tcb);
		else if (!is_queued(tcb))
			block_free(host, tcb);
	}
	list->ghosts = 0;
}

static void haunt(struct tern_host *host, struct block_list *list)
{
	if (2 * ++list->ghosts >= list->n)
		sweep(host, list);
}

/* A block that is over leaves; or haunts the lists that it stands in. */
static void lay_to_rest(struct tern_host *host, struct tcb *tcb)
{
	const bool in_ready = tcb->ready_next != TCB_NOT_QUEUED, in_events = tcb->event_next != TCB_NOT_QUEUED;

	if (!in_ready && !in_events) {
		block_free(host, tcb);
		return;
	}
	/* The first sweep may free the block only if it stands in no other list. */
	if (in_ready)
		haunt(host, &host->ready);
	if (in_events)
		haunt(host, &host->events);
}

/* DESIGN 5.15: TIME-WAIT never stays in a block. Its slot in the table goes to a 64-byte entry; a last
 * ACK that is due, or a program that still reads, keeps the block as a husk that no segment finds. */
static void hand_over_time_wait(struct tern_host *host, struct tcb *tcb)
{
	(void)time_wait_enter(host, tcb, host->now); /* false: told and counted there */
	tcb->detached = true;
}

static void leave_table(struct tern_host *host, struct tcb *tcb)
{
	struct tern_tuple tuple;

	tcb_get_tuple(tcb, &tuple);
	(void)demux_remove(&host->demux, &tuple, demux_ref_of(DEMUX_BLOCK, tcb_index(tcb)));
	if (tcb->listening)
		listen_forget(host, tcb);
}

/* What a block that lives wants of its host. */
static inline void settle_live(struct tern_host *host, struct tcb *tcb)
{
	if (tcb->due != 0)
		list_push(host, &host->ready, LIST_READY, tcb);
	if (tcb->ready != 0 && tcb->held)
		list_push(host, &host->events, LIST_EVENTS, tcb);
	timers_note(host, tcb);
}

/* CLOSED or TIME-WAIT; else it lives, and is not over. */
__attribute__((noinline)) static void settle_ended(struct tern_host *host, struct tcb *tcb)
{
	if (tcb->state == CLOSED)
		leave_table(host, tcb);
	else if (!tcb->detached)
		hand_over_time_wait(host, tcb);
	if (block_is_over(tcb))
		lay_to_rest(host, tcb);
	else
		settle_live(host, tcb);
}

void settle_block(struct tern_host *host, struct tcb *tcb)
{
	if (tcb->state == CLOSED || tcb->state == TIME_WAIT)
		settle_ended(host, tcb);
	else
		settle_live(host, tcb);
}

void list_check(const struct tern_host *host, const struct block_list *list)
{
	uint32_t n = 0, last = TCB_NONE;

	for (uint32_t index = list->first; index != TCB_NONE; n++) {
		struct tcb *const tcb = tcb_pool_at(&host->blocks, index);

		tern_assert(tcb != NULL && n < list->n);
		last = index;
		index = *list_link(tcb, list->kind);
	}
	tern_assert(n == list->n && last == list->last);
}
