#include "watch/history.h"

#include <stdlib.h>
#include <string.h>

#include "watch/history_inner.h"

/* Events stand in blocks of a pool. A connection is a chain of them: its first block stays as long as it does, the one
 * after it is the next to go. Connections stand in one of two lists, by when they were last heard of: those that live,
 * and those that have ended. Nothing here takes longer than a fixed number of steps, whatever the peer sends. */

enum { LOOKED_AT = 64 }; /* connections that are looked at for one that has more than its share */

/* ---- lists ---- */

static void unlink_conn(struct history *history, uint32_t number)
{
	struct history_conn *const conn = &history->conns[number];
	struct history_list *const list = &history->lists[conn->has_ended];

	if (conn->older == HISTORY_NONE)
		list->oldest = conn->newer;
	else
		history->conns[conn->older].newer = conn->newer;
	if (conn->newer == HISTORY_NONE)
		list->newest = conn->older;
	else
		history->conns[conn->newer].older = conn->older;
}

static void link_newest(struct history *history, uint32_t number)
{
	struct history_conn *const conn = &history->conns[number];
	struct history_list *const list = &history->lists[conn->has_ended];

	conn->older = list->newest;
	conn->newer = HISTORY_NONE;
	if (list->newest == HISTORY_NONE)
		list->oldest = number;
	else
		history->conns[list->newest].newer = number;
	list->newest = number;
}

/* ---- buckets ---- */

static uint32_t *bucket_of(struct history *history, const struct tern_tuple *tuple)
{
	uint8_t	 name[2 * sizeof tuple->local.b + 8] = { 0 };
	uint8_t *at = name;

	memcpy(at, tuple->local.b, sizeof tuple->local.b);
	at += sizeof tuple->local.b;
	memcpy(at, tuple->remote.b, sizeof tuple->remote.b);
	at += sizeof tuple->remote.b;
	memcpy(at, &tuple->local_port, 2);
	memcpy(at + 2, &tuple->remote_port, 2);
	memcpy(at + 4, &tuple->zone, 4);
	return &history->buckets[siphash13(&history->key, name, sizeof name) & (history->n_buckets - 1)];
}

static bool same(const struct tern_tuple *a, const struct tern_tuple *b)
{
	return a->local_port == b->local_port && a->remote_port == b->remote_port && a->zone == b->zone &&
	       memcmp(a->local.b, b->local.b, sizeof a->local.b) == 0 &&
	       memcmp(a->remote.b, b->remote.b, sizeof a->remote.b) == 0;
}

/* ---- memory ---- */

static void free_block(struct history *history, uint32_t block)
{
	history->blocks[block].next = history->free_blocks;
	history->free_blocks = block;
}

/* One event of the connection goes: it is counted. */
static void count_out(struct history_conn *conn, const struct history_block *block, uint32_t i)
{
	const struct tern_watch_event *const event = &block->events[i];
	const bool is_segment = event->kind == TERN_WATCH_SEGMENT_TX || event->kind == TERN_WATCH_SEGMENT_RX;

	if (conn->left_out++ == 0) {
		conn->from = event->now;
		conn->order = block->order[i];
	}
	conn->until = event->now;
	if (!is_segment)
		return;
	conn->segments++;
	conn->octets += event->u.segment.len;
	conn->again += event->kind == TERN_WATCH_SEGMENT_TX && event->u.segment.retransmitted;
}

/* The block after its first one goes. Only where it has two or more. */
static uint32_t take_oldest(struct history *history, struct history_conn *conn)
{
	const uint32_t		    taken = history->blocks[conn->first].next;
	struct history_block *const block = &history->blocks[taken];

	for (uint32_t i = 0; i < block->n; i++)
		count_out(conn, block, i);
	history->blocks[conn->first].next = block->next;
	if (conn->last == taken)
		conn->last = conn->first;
	conn->n_blocks--;
	return taken;
}

static void forget(struct history *history, uint32_t number)
{
	struct history_conn *const conn = &history->conns[number];
	uint32_t		  *at = bucket_of(history, &conn->tuple);

	while (*at != number)
		at = &history->conns[*at].next;
	*at = conn->next;
	unlink_conn(history, number);
	for (uint32_t block = conn->first, next; block != HISTORY_NONE; block = next) {
		next = history->blocks[block].next;
		free_block(history, block);
	}
	conn->n_blocks = 0;
	conn->next = history->free_conns;
	history->free_conns = number;
	history->n_used--;
	history->forgotten++;
}

/* Somebody with more than a fair share gives a block back: one of those that the hand passes. */
static bool take_from_rich(struct history *history, uint32_t fair)
{
	for (unsigned i = 0; i < LOOKED_AT && i < history->n_conns; i++) {
		history->hand = (history->hand + 1) % history->n_conns;
		struct history_conn *const conn = &history->conns[history->hand];

		if (conn->n_blocks > fair && conn->n_blocks > 1) {
			free_block(history, take_oldest(history, conn));
			return true;
		}
	}
	return false;
}

/* The oldest of a list, but for the one that asks. */
static uint32_t oldest_but(const struct history *history, bool has_ended, uint32_t number)
{
	const uint32_t oldest = history->lists[has_ended].oldest;

	return oldest == number && oldest != HISTORY_NONE ? history->conns[oldest].newer : oldest;
}

/* A block for this connection (HISTORY_NONE: one that is to be). There is always one to be had. */
static uint32_t make_block(struct history *history, uint32_t number)
{
	const uint32_t fair = history->n_blocks / (history->n_used ? history->n_used : 1);
	uint32_t       block = HISTORY_NONE;

	if (history->free_blocks == HISTORY_NONE && number != HISTORY_NONE && history->conns[number].n_blocks > 1 &&
	    history->conns[number].n_blocks >= fair)
		block = take_oldest(history, &history->conns[number]);
	if (block == HISTORY_NONE && history->free_blocks == HISTORY_NONE) {
		const uint32_t ended = oldest_but(history, true, number), alive = oldest_but(history, false, number);

		if (ended != HISTORY_NONE)
			forget(history, ended);
		else if (!take_from_rich(history, fair) && alive != HISTORY_NONE)
			forget(history, alive);
	}
	if (block == HISTORY_NONE) {
		block = history->free_blocks;
		history->free_blocks = history->blocks[block].next;
	}
	history->blocks[block].n = 0;
	history->blocks[block].next = HISTORY_NONE;
	return block;
}

static uint32_t make_conn(struct history *history, const struct tern_tuple *tuple)
{
	if (history->free_conns == HISTORY_NONE) {
		const uint32_t ended = history->lists[true].oldest;
		forget(history, ended != HISTORY_NONE ? ended : history->lists[false].oldest);
	}
	const uint32_t	 block = make_block(history, HISTORY_NONE), number = history->free_conns;
	struct history_conn *const conn = &history->conns[number];
	uint32_t *const	 bucket = bucket_of(history, tuple);

	history->free_conns = conn->next;
	*conn = (struct history_conn){ .tuple = *tuple, .first = block, .last = block, .n_blocks = 1, .next = *bucket };
	*bucket = number;
	history->n_used++;
	link_newest(history, number);
	return number;
}

static uint32_t conn_of(struct history *history, const struct tern_tuple *tuple)
{
	uint32_t at = *bucket_of(history, tuple);

	while (at != HISTORY_NONE && !same(&history->conns[at].tuple, tuple))
		at = history->conns[at].next;
	return at != HISTORY_NONE ? at : make_conn(history, tuple);
}

/* ---- events ---- */

void history_event(void *context, const struct tern_watch_event *event)
{
	struct history *const	   history = context;
	const uint32_t		   number = conn_of(history, &event->tuple);
	struct history_conn *const conn = &history->conns[number];

	unlink_conn(history, number);
	if (event->kind == TERN_WATCH_STATE)
		conn->has_ended = event->u.state.to == TERN_STATE_CLOSED;
	link_newest(history, number);
	if (history->blocks[conn->last].n == HISTORY_BLOCK) {
		const uint32_t block = make_block(history, number);

		history->blocks[conn->last].next = block;
		conn->last = block;
		conn->n_blocks++;
	}
	struct history_block *const block = &history->blocks[conn->last];

	block->order[block->n] = ++history->order;
	block->events[block->n++] = *event;
}

void history_count(const struct history *history, struct history_told *told)
{
	*told = (struct history_told){ .forgotten = history->forgotten, .connections = history->n_used };
	for (unsigned list = 0; list < 2; list++)
		for (uint32_t i = history->lists[list].oldest; i != HISTORY_NONE; i = history->conns[i].newer) {
			told->left_out += history->conns[i].left_out;
			for (uint32_t b = history->conns[i].first; b != HISTORY_NONE; b = history->blocks[b].next)
				told->events += history->blocks[b].n;
		}
}

/* ---- its own life ---- */

static void lay_out(struct history *history)
{
	for (uint32_t i = 0; i < history->n_buckets; i++)
		history->buckets[i] = HISTORY_NONE;
	for (uint32_t i = 0; i < history->n_conns; i++)
		history->conns[i] = (struct history_conn){ .next = i + 1 < history->n_conns ? i + 1 : HISTORY_NONE };
	for (uint32_t i = 0; i < history->n_blocks; i++)
		history->blocks[i].next = i + 1 < history->n_blocks ? i + 1 : HISTORY_NONE;
	history->lists[0] = history->lists[1] = (struct history_list){ HISTORY_NONE, HISTORY_NONE };
	history->free_conns = history->free_blocks = 0;
}

struct history *history_new(size_t bytes, const struct siphash_key *key)
{
	/* A connection for every two blocks, a bucket or two for every connection. */
	const size_t pair = 2 * sizeof(struct history_block) + sizeof(struct history_conn) + 2 * sizeof(uint32_t);
	const size_t n = (bytes - sizeof(struct history)) / pair;
	const bool   fits = bytes >= HISTORY_MIN && n < HISTORY_NONE / 2;
	struct history *const history = fits ? calloc(1, sizeof *history) : NULL;

	if (!history)
		return NULL;
	history->key = *key;
	history->n_conns = (uint32_t)n;
	history->n_blocks = 2 * (uint32_t)n;
	for (history->n_buckets = 1; 2 * history->n_buckets <= 2 * (uint32_t)n;)
		history->n_buckets *= 2;
	history->blocks = malloc(history->n_blocks * sizeof *history->blocks);
	history->conns = malloc(history->n_conns * sizeof *history->conns);
	history->buckets = malloc(history->n_buckets * sizeof *history->buckets);
	if (!history->blocks || !history->conns || !history->buckets) {
		history_delete(history);
		return NULL;
	}
	lay_out(history);
	return history;
}

void history_delete(struct history *history)
{
	if (!history)
		return;
	free(history->blocks);
	free(history->conns);
	free(history->buckets);
	free(history);
}
