/* Asks: SYNs of accept-any listeners that the program wants to see before they are answered (DESIGN 5.11).
 *
 * An ask is an entry of half_open.h without an answer, and a record beside it that carries the program's
 * handle and cookie. It lives until the program said no, or said yes and took the connection by
 * tern_accept(), or until it ended: by the guest's reset, by config.accept_wait, by the handshake's or the
 * connection's end before it was accepted, or with its listener. An end that the program could not foresee
 * is told (TERN_CLOSED, with the cookie), so that an onward connection never stays behind; not where
 * tern_next_ask() never told of the ask.
 *
 * Records are as many as entries and queued connections of listeners that ask, and told ends that the
 * program has not yet fetched: all but the last are bounded by us, and the last by the asks that the
 * program itself took. */
#include "host/half_open.h"
#include "host/internal.h"
#include "host/listen.h"
#include "wire/icmp.h"

struct ask *ask_of(const struct listeners *all, uint32_t index)
{
	tern_assert(index < all->asks_room && all->asks[index].used);
	return &all->asks[index];
}

struct ask *ask_at(const struct listeners *all, uint32_t index, uint32_t generation)
{
	if (index >= all->asks_room || !all->asks[index].used || all->asks[index].generation != generation)
		return NULL;
	return all->asks[index].answered || all->asks[index].ended ? NULL : &all->asks[index];
}

static bool grow(struct listeners *all)
{
	enum { FIRST = 16, MOST = 1 << 30 };
	const uint32_t room = all->asks_room == 0 ? FIRST : 2 * all->asks_room;

	if (all->asks_room >= MOST)
		return false;
	struct ask *const asks = mem_get(all->mem, room * sizeof(*asks), 0, MEM_ORDINARY);

	if (asks == NULL)
		return false;
	if (all->asks_room > 0)
		memcpy(asks, all->asks, all->asks_room * sizeof(*asks));
	for (uint32_t i = room; i-- > all->asks_room;) {
		asks[i].next = all->asks_free;
		all->asks_free = i;
	}
	mem_put(all->mem, all->asks, all->asks_room * sizeof(*asks));
	all->asks = asks;
	all->asks_room = room;
	return true;
}

uint32_t ask_get(struct listeners *all, uint32_t listener, uint32_t half)
{
	struct listener *const of = listener_at(all, listener);

	if (all->asks_free == LISTEN_NONE && !grow(all))
		return LISTEN_NONE;
	const uint32_t	  index = all->asks_free;
	struct ask *const ask = &all->asks[index];
	const uint32_t	  generation = ask->generation + 1;

	all->asks_free = ask->next;
	*ask = (struct ask){ .generation = generation != 0 ? generation : 1,
			     .half = half,
			     .listener = listener,
			     .next = LISTEN_NONE,
			     .prev = of->ask_last,
			     .event_next = LISTEN_NONE,
			     .used = true };
	if (of->ask_last == LISTEN_NONE)
		of->ask_first = index;
	else
		all->asks[of->ask_last].next = index;
	of->ask_last = index;
	all->n_asks++;
	listener_ready(all, listener, TERN_ASK);
	return index;
}

/* Out of the listener's queue: told, or ended before. */
static void leave_queue(struct listeners *all, struct ask *ask)
{
	struct listener *const of = listener_at(all, ask->listener);

	if (ask->prev == LISTEN_NONE)
		of->ask_first = ask->next;
	else
		all->asks[ask->prev].next = ask->next;
	if (ask->next == LISTEN_NONE)
		of->ask_last = ask->prev;
	else
		all->asks[ask->next].prev = ask->prev;
	ask->next = ask->prev = LISTEN_NONE;
}

static void put(struct listeners *all, uint32_t index)
{
	all->asks[index].used = false;
	all->asks[index].next = all->asks_free;
	all->asks_free = index;
	all->n_asks--;
}

void ask_end(struct listeners *all, uint32_t index, bool tell)
{
	struct ask *const ask = ask_of(all, index);

	if (!ask->told)
		leave_queue(all, ask);
	ask->half = HALF_OPEN_NONE;
	ask->ended = true;
	if (!tell || !ask->told) {
		put(all, index);
		return;
	}
	if (all->ask_event_last == LISTEN_NONE)
		all->ask_event_first = index;
	else
		all->asks[all->ask_event_last].event_next = index;
	all->ask_event_last = index;
}

/* The event of an ask that ended; its record goes. */
static bool ended_event(struct tern_host *host, struct tern_event *event)
{
	struct listeners *const all = &host->listeners;
	const uint32_t		index = all->ask_event_first;

	if (index == LISTEN_NONE)
		return false;
	const struct ask *const ask = ask_of(all, index);

	*event = (struct tern_event){ .socket = handle_of(HANDLE_ASK, index, ask->generation),
				      .ready = TERN_CLOSED,
				      .cookie = ask->cookie };
	all->ask_event_first = ask->event_next;
	if (all->ask_event_first == LISTEN_NONE)
		all->ask_event_last = LISTEN_NONE;
	put(all, index);
	return true;
}

void listener_ready(struct listeners *all, uint32_t index, unsigned ready)
{
	struct listener *const listener = listener_at(all, index);

	if (listener->ready == 0) {
		listener->event_next = LISTEN_NONE;
		if (all->event_last == LISTEN_NONE)
			all->event_first = index;
		else
			all->at[all->event_last]->event_next = index;
		all->event_last = index;
	}
	listener->ready |= ready;
}

bool listen_event(struct tern_host *host, struct tern_event *event)
{
	struct listeners *const all = &host->listeners;
	const uint32_t		index = all->event_first;

	if (index == LISTEN_NONE)
		return ended_event(host, event);
	struct listener *const listener = listener_at(all, index);

	*event = (struct tern_event){ .socket = handle_of(HANDLE_LISTENER, index, listener->generation),
				      .ready = listener->ready,
				      .cookie = listener->cookie };
	listener->ready = 0;
	all->event_first = listener->event_next;
	if (all->event_first == LISTEN_NONE)
		all->event_last = LISTEN_NONE;
	return true;
}

/* ---- calls ---- */

int listen_next_ask(struct tern_host *host, uint32_t index, tern_socket *asked, struct tern_tuple *tuple)
{
	struct listeners *const all = &host->listeners;
	const uint32_t		first = listener_at(all, index)->ask_first;

	if (first == LISTEN_NONE)
		return -TERN_EAGAIN;
	struct ask *const ask = ask_of(all, first);

	leave_queue(all, ask);
	ask->told = true;
	half_open_tuple(&host->half_opens, ask->half, tuple);
	*asked = handle_of(HANDLE_ASK, first, ask->generation);
	return 0;
}

void ask_name(const struct tern_host *host, uint32_t index, struct tern_tuple *tuple)
{
	half_open_tuple(&host->half_opens, ask_of(&host->listeners, index)->half, tuple);
}

static int icmp_of(enum tern_answer answer)
{
	switch (answer) {
	case TERN_ANSWER_NET_UNREACHABLE: return ICMP_NET_UNREACHABLE;
	case TERN_ANSWER_HOST_UNREACHABLE: return ICMP_HOST_UNREACHABLE;
	case TERN_ANSWER_PROHIBITED: return ICMP_ADMIN_PROHIBITED;
	default: return -1;
	}
}

int ask_answer(struct tern_host *host, uint32_t index, enum tern_answer answer, tern_time now)
{
	struct ask *const ask = ask_of(&host->listeners, index);
	const uint32_t	  half = ask->half;

	tern_assert(!ask->answered && !ask->ended);
	if (answer == TERN_ANSWER_ACCEPT) {
		ask->answered = true;
		half_open_accepted(host, half, now);
		return 0;
	}
	if (answer != TERN_ANSWER_REFUSE && answer != TERN_ANSWER_DROP && icmp_of(answer) < 0)
		return -TERN_EINVAL;
	if (answer == TERN_ANSWER_REFUSE)
		half_open_reset(host, half);
	if (icmp_of(answer) >= 0) {
		struct tern_tuple tuple;

		half_open_tuple(&host->half_opens, half, &tuple);
		icmp_refuse(host, &tuple, half_open_at(&host->half_opens, half)->irs, icmp_of(answer));
	}
	half_open_drop(host, half);
	ask_end(&host->listeners, index, false);
	return 0;
}
