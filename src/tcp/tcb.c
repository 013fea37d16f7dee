/* The blocks of a host: chunks of hot and cold records, and the one place where a state changes. */
#include "tcp/tcb.h"
#include "base/assert.h"
#include "tcp/tcp.h"
#include "tcp/warm.h"
#include "wire/tuple.h"

_Static_assert(TCB_PER_CHUNK <= 1 << TCB_SLOT_BITS, "slots of a chunk fit their bits");
_Static_assert(sizeof(struct tcb_chunk) <= TCB_CHUNK_HEAD, "head of a chunk");

enum { NO_SLOT = 0xffff, CHUNK_LIST_FIRST = 16 };

void tcb_pool_init(struct tcb_pool *pool, struct tcp_env *env, uint32_t most)
{
	*pool = (struct tcb_pool){ .env = env, .with_free = TCB_NONE, .most = most };
}

void tcb_pool_done(struct tcb_pool *pool)
{
	tern_assert(pool->n_used == 0);
	for (uint32_t i = 0; i < pool->n_chunks; i++)
		mem_put(pool->env->mem, pool->chunks[i], TCB_CHUNK_BYTES);
	if (pool->chunks)
		mem_put(pool->env->mem, pool->chunks, pool->room * sizeof(struct tcb_chunk *));
}

static bool room_for_chunk(struct tcb_pool *pool)
{
	const uint32_t room = pool->room ? pool->room * 2 : CHUNK_LIST_FIRST;
	struct tcb_chunk **chunks;

	if (pool->n_chunks < pool->room)
		return true;
	if (pool->n_chunks >= 1u << (TCB_INDEX_BITS - TCB_SLOT_BITS))
		return false;
	chunks = mem_get(pool->env->mem, room * sizeof(struct tcb_chunk *), 0, MEM_ORDINARY);
	if (!chunks)
		return false;
	if (pool->chunks) {
		memcpy(chunks, pool->chunks, pool->n_chunks * sizeof(struct tcb_chunk *));
		mem_put(pool->env->mem, pool->chunks, pool->room * sizeof(struct tcb_chunk *));
	}
	pool->chunks = chunks;
	pool->room = room;
	return true;
}

static bool add_chunk(struct tcb_pool *pool)
{
	struct tcb_chunk *chunk;

	if (!room_for_chunk(pool))
		return false;
	chunk = mem_get(pool->env->mem, TCB_CHUNK_BYTES, TCB_CHUNK_BYTES, MEM_ORDINARY);
	if (!chunk)
		return false;
	chunk->env = pool->env;
	chunk->number = pool->n_chunks;
	chunk->first_free = NO_SLOT;
	chunk->next_free = pool->with_free;
	pool->with_free = chunk->number;
	pool->chunks[pool->n_chunks++] = chunk;
	return true;
}

static struct tcb *take_slot(struct tcb_pool *pool, struct tcb_chunk *chunk)
{
	struct tcb *const hot = tcb_chunk_hot(chunk);
	struct tcb *tcb;

	if (chunk->first_free != NO_SLOT) {
		tcb = &hot[chunk->first_free];
		chunk->first_free = (uint16_t)tcb->ready_next;
	} else {
		tcb = &hot[chunk->fresh++];
	}
	chunk->n_used++;
	pool->n_used++;
	if (chunk->n_used == TCB_PER_CHUNK)
		pool->with_free = chunk->next_free;
	return tcb;
}

struct tcb *tcb_pool_get(struct tcb_pool *pool)
{
	const struct tern_config *const config = &pool->env->config;
	struct tcb *tcb;
	uint32_t generation;

	if (pool->n_used >= pool->most || (pool->with_free == TCB_NONE && !add_chunk(pool)))
		return NULL;
	tcb = take_slot(pool, pool->chunks[pool->with_free]);
	generation = tcb->generation + 1;
	*tcb = (struct tcb){
		.generation = generation ? generation : 1,
		.ready_next = TCB_NOT_QUEUED,
		.event_next = TCB_NOT_QUEUED,
		.delayed_ack_at = TERN_NEVER,
		.state = CLOSED,
		.sack_counting = config->sack_counting,
	};
	*tcb_cold(tcb) = (struct tcb_cold){
		.receive_buffer = config->receive_buffer,
		.send_buffer = config->send_buffer_max,
		.keepalive_idle_s = (uint16_t)(config->keepalive_idle / TERN_SECOND),
		.keepalive_interval_s = (uint16_t)(config->keepalive_interval / TERN_SECOND),
		.keepalive_probes = config->keepalive_probes,
		.congestion_control = pool->env->congestion_control & 63u,
		.ecn = config->ecn & 3u,
		.ttl = config->ttl,
		.linger = -1,
	};
	return tcb;
}

void tcb_pool_put(struct tcb_pool *pool, struct tcb *tcb)
{
	struct tcb_chunk *const chunk = tcb_chunk_of(tcb);

	tern_assert(!tcb->free && !tcb->warm && !tcb->store && !tcb->has_path);
	if (chunk->n_used == TCB_PER_CHUNK) {
		chunk->next_free = pool->with_free;
		pool->with_free = chunk->number;
	}
	tcb->free = true;
	tcb->ready_next = chunk->first_free;
	chunk->first_free = (uint16_t)tcb_slot(tcb);
	chunk->n_used--;
	pool->n_used--;
}

struct tcb *tcb_pool_from(const struct tcb_pool *pool, uint32_t from)
{
	uint32_t number = from >> TCB_SLOT_BITS, slot = from & ((1u << TCB_SLOT_BITS) - 1);

	for (; number < pool->n_chunks; number++, slot = 0) {
		for (; slot < pool->chunks[number]->fresh; slot++) {
			struct tcb *const tcb = &tcb_chunk_hot(pool->chunks[number])[slot];

			if (!tcb->free)
				return tcb;
		}
	}
	return NULL;
}

void tcb_set_tuple(struct tcb *tcb, const struct tern_tuple *tuple)
{
	struct tcb_cold *const cold = tcb_cold(tcb);

	tcb->v6 = !addr_is_v4(&tuple->local);
	tcb->name.local = tcb->v6 ? 0 : addr_v4_of(&tuple->local);
	tcb->name.remote = tcb->v6 ? 0 : addr_v4_of(&tuple->remote);
	tcb->name.zone = tuple->zone;
	tcb->name.local_port = tuple->local_port;
	tcb->name.remote_port = tuple->remote_port;
	if (tcb->v6) {
		cold->local = tuple->local;
		cold->remote = tuple->remote;
	}
}

void tcb_get_tuple(const struct tcb *tcb, struct tern_tuple *tuple)
{
	const struct tcb_cold *const cold = tcb_cold(tcb);

	*tuple = (struct tern_tuple){
		.local = tcb->v6 ? cold->local : addr_v4(tcb->name.local),
		.remote = tcb->v6 ? cold->remote : addr_v4(tcb->name.remote),
		.zone = tcb->name.zone,
		.local_port = tcb->name.local_port,
		.remote_port = tcb->name.remote_port,
	};
}

bool tcb_is_v6(const struct tcb *tcb, const struct tern_tuple *tuple)
{
	return addr_equal(&tcb_cold(tcb)->remote, &tuple->remote) &&
	       addr_equal(&tcb_cold(tcb)->local, &tuple->local);
}

/* Leaving for CLOSED: nothing is owed to anyone but perhaps an RST. */
__attribute__((noinline)) static void close_down(struct tcb *tcb, tern_time now)
{
	chrono_ends(tcb, now);
	tcb->due &= DUE_RESET;
	tcb->delayed_ack_at = TERN_NEVER;
	if (tcb_is_orphan(tcb))
		tcb_cold(tcb)->orphan_ms = 0;
	tcb_warm_drop(tcb);
	tcb->ready |= TERN_CLOSED | (tcb_cold(tcb)->error ? TERN_ERROR : 0);
	if (!tcb->held && tcb->store) {
		pages_free(&tcb_env(tcb)->pages, tcb->store);
		tcb->store = NULL;
		tcb->rcv.read = seq_add(tcb->rcv.nxt, 0u - tcb->fin_received);
	}
}

/* Neither this nor close_down() is where a state mostly changes: apart, so that others need not save what they use. */
__attribute__((noinline)) static void tell_state(const struct tcb *tcb, enum tcp_state from, enum tern_why why,
						 tern_time now)
{
	struct tern_tuple tuple;

	tcb_get_tuple(tcb, &tuple);
	watch_state(tcb_env(tcb), &tuple, from, (enum tcp_state)tcb->state, why, now);
}

static uint64_t is_established(enum tcp_state state)
{
	return (1u << ESTABLISHED | 1u << CLOSE_WAIT) >> state & 1;
}

void tcb_enter(struct tcb *tcb, enum tcp_state state, enum tern_why why, tern_time now)
{
	struct tcp_env *const env = tcb_env(tcb);
	const enum tcp_state from = (enum tcp_state)tcb->state;

	tern_assert(state_edge(from, state, why) != NULL);
	tcb->state = (uint8_t)state;
	env->stats.CurrEstab += is_established(state) - is_established(from);
	if (env_is_watched(env))
		tell_state(tcb, from, why, now);
	if (state == ESTABLISHED)
		tcb->ready |= TERN_CONNECTED | TERN_WRITABLE;
	else if (state == TIME_WAIT)
		tcb->ready |= TERN_CLOSED;
	else if (state == CLOSED)
		close_down(tcb, now);
}
