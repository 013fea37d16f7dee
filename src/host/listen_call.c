/* What a program says to a listener: OPEN (RFC 9293 3.10.1, passive), CLOSE (3.10.4), STATUS and options.
 *
 * Options are kept as numbers and handed on to each accepted connection. Whether a value is in its range the
 * connection's own code knows; so a block is borrowed to ask it. Only the segment size is ours: it speaks
 * through the SYN-ACK. */
#include "host/half_open.h"
#include "host/internal.h"
#include "host/listen.h"
#include "tcp/congestion.h"

_Static_assert(TERN_OPTIONS <= 32, "options_set has a bit for each");

/* The record of a new listener; LISTEN_NONE: no memory. Records are kept for good: generations go on. */
static uint32_t get(struct listeners *all)
{
	uint32_t index = all->free;

	if (index != LISTEN_NONE) {
		all->free = all->at[index]->next;
		return index;
	}
	if (all->n_at == LISTEN_MOST)
		return LISTEN_NONE;
	if (all->n_at == all->room) {
		const uint32_t		room = all->room == 0 ? 16 : 2 * all->room;
		struct listener **const at = mem_get(all->mem, room * sizeof(*at), 0, MEM_ORDINARY);

		if (at == NULL)
			return LISTEN_NONE;
		if (all->room > 0)
			memcpy(at, all->at, all->room * sizeof(*at));
		mem_put(all->mem, all->at, all->room * sizeof(*at));
		all->at = at;
		all->room = room;
	}
	struct listener *const listener = mem_get(all->mem, sizeof(*listener), 0, MEM_ORDINARY);

	if (listener == NULL)
		return LISTEN_NONE;
	index = all->n_at++;
	all->at[index] = listener;
	return index;
}

static bool is_none(const struct tern_endpoint *endpoint)
{
	return addr_is_unspecified(&endpoint->addr) && endpoint->port == 0;
}

static bool endpoint_equal(const struct tern_endpoint *a, const struct tern_endpoint *b)
{
	return addr_equal(&a->addr, &b->addr) && a->zone == b->zone && a->port == b->port;
}

static uint32_t *chain_of(struct listeners *all, const struct listener *listener)
{
	return listener->any ? &all->any : &all->bucket[listener->local.port % LISTEN_BUCKETS];
}

/* What may be listened on: nothing that is already (MUST-41), with or without an address (MUST-43). */
static int judge(struct listeners *all, const struct listener *wanted)
{
	const struct tern_addr *const local = &wanted->local.addr, *const remote = &wanted->remote.addr;

	if (wanted->any == (wanted->local.port != 0) || (wanted->ask && !wanted->any))
		return -TERN_EINVAL;
	if (!addr_is_unspecified(local) && !addr_is_unicast(local))
		return -TERN_EINVAL;
	if (!is_none(&wanted->remote) && !addr_is_unicast(remote))
		return -TERN_EINVAL;
	if (!is_none(&wanted->remote) && !addr_is_unspecified(local) &&
	    addr_is_v4(local) != addr_is_v4(remote))
		return -TERN_EINVAL;
	for (uint32_t i = *chain_of(all, wanted); i != LISTEN_NONE; i = all->at[i]->next)
		if (endpoint_equal(&all->at[i]->local, &wanted->local) &&
		    endpoint_equal(&all->at[i]->remote, &wanted->remote))
			return -TERN_EADDRINUSE;
	return 0;
}

/* Connections are not looked at: whatever they do on that port, it goes on (MUST-41, MUST-42, MUST-43). */
int listen_open(struct tern_host *host, const struct tern_listen *how, tern_socket *socket, tern_time now)
{
	struct listeners *const all = &host->listeners;
	struct listener		wanted = {
			.local = how->local,
			.remote = how->remote,
			.cookie = how->cookie,
			.backlog = min_u32(how->backlog != 0 ? how->backlog : LISTEN_BACKLOG, LISTEN_BACKLOG_MOST),
			.event_next = LISTEN_NONE,
			.ask_first = LISTEN_NONE,
			.ask_last = LISTEN_NONE,
			.cookies_until = INT64_MIN,
			.congestion_control = -1,
			.used = true,
			.any = how->any,
			.ask = how->ask,
	};

	if (is_none(&how->remote))
		wanted.remote = (struct tern_endpoint){ .port = 0 };
	const int      error = judge(all, &wanted);
	const uint32_t index = error == 0 ? get(all) : LISTEN_NONE;

	if (error != 0)
		return error;
	if (index == LISTEN_NONE)
		return -TERN_ENOMEM;
	wanted.generation = all->at[index]->generation + 1;
	wanted.generation += wanted.generation == 0;
	uint32_t *const chain = chain_of(all, &wanted);

	wanted.next = *chain;
	*all->at[index] = wanted;
	*chain = index;
	all->n++;
	*socket = handle_of(HANDLE_LISTENER, index, wanted.generation);
	if (env_is_watched(&host->env)) {
		struct tern_tuple tuple;

		listen_name(host, index, &tuple);
		watch_state(&host->env, &tuple, CLOSED, LISTEN, TERN_WHY_OPEN_PASSIVE, now);
	}
	return 0;
}

/* ---- CLOSE ---- */

static void leave_events(struct listeners *all, uint32_t index)
{
	uint32_t before = LISTEN_NONE, i = all->event_first;

	if (all->at[index]->ready == 0)
		return;
	while (i != index) {
		before = i;
		i = all->at[i]->event_next;
	}
	if (before == LISTEN_NONE)
		all->event_first = all->at[index]->event_next;
	else
		all->at[before]->event_next = all->at[index]->event_next;
	if (all->event_last == index)
		all->event_last = before;
}

static void leave_chain(struct listeners *all, uint32_t index)
{
	uint32_t *link = chain_of(all, all->at[index]);

	while (*link != index)
		link = &all->at[*link]->next;
	*link = all->at[index]->next;
}

/* RFC 9293 3.10.4 for LISTEN has no connections to end: these have none who could ever use them. */
static void end_half_open(struct tern_host *host, uint32_t index, tern_time now)
{
	for (uint32_t i = half_open_from(&host->half_opens, 0);
	     i != HALF_OPEN_NONE && listener_at(&host->listeners, index)->n_half_open > 0;
	     i = half_open_from(&host->half_opens, i + 1)) {
		if (half_open_at(&host->half_opens, i)->listener != index)
			continue;
		half_open_reset(host, i);
		half_open_end(host, i, CLOSED, TERN_WHY_LISTENER_CLOSED, now);
	}
}

void listen_close(struct tern_host *host, uint32_t index, tern_time now)
{
	struct listeners *const all = &host->listeners;
	struct listener *const	listener = listener_at(all, index);

	end_half_open(host, index, now);
	accept_close(host, index, now);
	tern_assert(listener->n_half_open == 0 && listener->ask_first == LISTEN_NONE);
	if (env_is_watched(&host->env)) {
		struct tern_tuple tuple;

		listen_name(host, index, &tuple);
		watch_state(&host->env, &tuple, LISTEN, CLOSED, TERN_WHY_CLOSE_CALLED, now);
	}
	leave_events(all, index);
	leave_chain(all, index);
	listener->used = false;
	listener->ready = 0;
	listener->next = all->free;
	all->free = index;
	all->n--;
}

/* ---- STATUS and options ---- */

void listen_name(const struct tern_host *host, uint32_t index, struct tern_tuple *tuple)
{
	const struct listener *const listener = listener_at(&host->listeners, index);

	*tuple = (struct tern_tuple){ .local = listener->local.addr,
				      .remote = listener->remote.addr,
				      .zone = listener->local.zone,
				      .local_port = listener->local.port,
				      .remote_port = listener->remote.port };
}

void listen_status(const struct tern_host *host, uint32_t index, struct tern_status *status)
{
	*status = (struct tern_status){
		.state = TERN_STATE_LISTEN,
		.congestion_control = host->env.config.congestion_control,
		.retransmit_at = TERN_NEVER,
		.persist_at = TERN_NEVER,
		.delayed_ack_at = TERN_NEVER,
		.keepalive_at = TERN_NEVER,
		.user_timeout_at = TERN_NEVER,
		.orphan_at = TERN_NEVER,
		.time_wait_at = TERN_NEVER,
	};
	listen_name(host, index, &status->tuple);
}

unsigned listen_ready(const struct tern_host *host, uint32_t index)
{
	const struct listener *const listener = listener_at(&host->listeners, index);

	return (listener->n_waiting > 0 ? TERN_ACCEPT : 0u) |
	       (listener->ask_first != LISTEN_NONE ? TERN_ASK : 0u);
}

/* A block that nobody sees, to ask its code; NULL: no memory. Afterwards the host is as it was. */
static struct tcb *borrow(const struct tern_host *host)
{
	return tcb_pool_get(&((struct tern_host *)host)->blocks);
}

static void give_back(const struct tern_host *host, struct tcb *tcb)
{
	tcp_release(tcb);
	tcb_pool_put(&((struct tern_host *)host)->blocks, tcb);
}

/* 0, or what is wrong with the value. */
static int judge_option(struct tern_host *host, enum tern_option option, int64_t value)
{
	enum { MAX_SEGMENT_MOST = 65495 };
	struct tcb *tcb;
	int	    error;

	if (option == TERN_MAX_SEGMENT)
		return value == 0 || (value >= host->env.config.mss_floor && value <= MAX_SEGMENT_MOST)
			       ? 0
			       : -TERN_EINVAL;
	tcb = borrow(host);
	if (tcb == NULL)
		return -TERN_ENOMEM;
	error = tcp_option_set(tcb, option, value, host->now);
	give_back(host, tcb);
	return error;
}

int listen_option_set(struct tern_host *host, uint32_t index, enum tern_option option, int64_t value)
{
	struct listener *const listener = listener_at(&host->listeners, index);
	const int	       error = judge_option(host, option, value);

	if (error < 0)
		return error;
	listener->option[option] = value;
	listener->options_set |= 1u << option;
	return 0;
}

int listen_option_get(const struct tern_host *host, uint32_t index, enum tern_option option, int64_t *value)
{
	const struct listener *const listener = listener_at(&host->listeners, index);
	struct tcb		    *tcb;

	if ((unsigned)option < TERN_OPTIONS && listener->options_set & 1u << option) {
		*value = listener->option[option];
		return 0;
	}
	if (option == TERN_MAX_SEGMENT) {
		*value = 0;
		return 0;
	}
	tcb = borrow(host);
	if (tcb == NULL)
		return -TERN_ENOMEM;
	const int error = tcp_option_get(tcb, option, value);

	give_back(host, tcb);
	return error;
}

int listen_set_congestion_control(struct tern_host *host, uint32_t index, const char *name)
{
	const int number = cc_by_name(&host->env.config, name);

	if (number < 0)
		return number;
	listener_at(&host->listeners, index)->congestion_control = (int16_t)number;
	return 0;
}
