#include "support/talk_side.h"

#include <string.h>

enum { SERVER_COOKIE = 1000, TRIES_MAX = 100 };

#define WATCHDOG (500 * TERN_SECOND)
#define LIMIT	 (10000 * TERN_SECOND) /* talks that share few ports wait for each other's TIME-WAIT */

/* ---- opening ---- */

static bool connect_side(struct talks *talks, struct talk *talk, unsigned i)
{
	struct talk_side *const side = &talk->side[i];
	const bool		v6 = talk->plan.v6;
	const uint16_t		port[2] = { talk->plan.client_port, talk->plan.server_port };
	const struct tern_open	open = {
		 .local = world_endpoint(talks->world, side->host, v6, port[i]),
		 .remote = world_endpoint(talks->world, talk->side[1 - i].host, v6, port[1 - i]),
	};
	tern_socket	   socket;
	const int	   result = tern_connect(host_of(talks, side), &open, &socket);
	struct tern_status status;

	called(talks, side);
	if (result == -TERN_EADDRINUSE || result == -TERN_EADDRNOTAVAIL ||
	    (result == -TERN_ENOMEM && talks->forgiving)) {
		talk->tries++;
		talk->try_at = talks->world->now + TERN_SECOND; /* the port is in TIME-WAIT */
		return false;
	}
	if (result != 0)
		talk_fail(talks, talk, tern_strerror(result));
	talk_side_opened(talks, side, socket, (uint64_t)(talk - talks->talk) * 2 + i + 1);
	if (tern_status(host_of(talks, side), socket, &status) != 0)
		world_fail("tern_status of a new connection");
	talk->iss = status.iss;
	return true;
}

static void listen_at(struct talks *talks, unsigned host, bool v6, uint16_t port)
{
	const struct tern_listen listen = {
		.local = world_endpoint(talks->world, host, v6, port),
		.backlog = talks->backlog,
		.cookie = SERVER_COOKIE,
	};

	if (talks->listening[host][v6])
		return;
	if (tern_listen(talks->world->side[host].host, &listen, &talks->listener[host][v6]) != 0) {
		if (!talks->forgiving)
			world_fail("tern_listen");
		return;
	}
	talks->listening[host][v6] = true;
}

static void begin_talk(struct talks *talks, struct talk *talk)
{
	if (talk->plan.open == TALK_LISTENER) /* if memory failed it at first */
		listen_at(talks, talk->side[1].host, talk->plan.v6, talk->plan.server_port);
	if (talks->world->now >= talk->try_at)
		talk->begun = connect_side(talks, talk, 0);
	talk->side[0].wake = talk->begun ? TERN_NEVER : talk->try_at;
	if (talks->forgiving && !talk->begun && talk->tries > TRIES_MAX) { /* there never will be memory */
		talks->errors++;
		talk->begun = talk->hurt = true;
		talk_side_done(talks, &talk->side[0]);
		talk_side_done(talks, &talk->side[1]);
		return;
	}
	if (!talk->begun || talk->plan.open != TALK_SIMULTANEOUS || connect_side(talks, talk, 1))
		return;
	if (!talks->forgiving)
		talk_fail(talks, talk, "simultaneous open");
	talks->errors++;
	talk->hurt = true;
	talk_side_abort(talks, &talk->side[0]);
	talk_side_done(talks, &talk->side[1]);
}

/* The talk that an accepted connection belongs to: its client's ISN says so. */
static struct talk *talk_of(struct talks *talks, unsigned host, const struct tern_status *status)
{
	for (unsigned k = 0; k < talks->n; k++) {
		struct talk *const talk = &talks->talk[k];

		if (talk->begun && talk->plan.open == TALK_LISTENER && !talk->side[1].open &&
		    !talk->side[1].done && talk->side[1].host == host && talk->iss == status->irs)
			return talk;
	}
	return NULL;
}

static void accept_all(struct talks *talks, unsigned host, tern_socket listener)
{
	tern_host *const   at = talks->world->side[host].host;
	struct tern_status status;
	tern_socket	   socket;
	int		   result;

	while ((result = tern_accept(at, listener, &socket)) == 0) {
		if (tern_status(at, socket, &status) != 0)
			world_fail("tern_status of an accepted connection");
		struct talk *const talk = talk_of(talks, host, &status);

		if (!talk) { /* an old duplicate proved a cookie, or the client has gone on without it */
			talks->strays++;
			tern_abort(at, socket);
			continue;
		}
		struct talk_side *const side = &talk->side[1];
		talk_side_opened(talks, side, socket, (uint64_t)(talk - talks->talk) * 2 + 2);
		side->connected = side->may_read = side->may_write = true;
		talk_side_step(talks, talk, side);
	}
	world_called(talks->world, host);
	if (result != -TERN_EAGAIN)
		world_fail("tern_accept: %s", tern_strerror(result));
}

static void close_listeners(struct talks *talks)
{
	for (unsigned host = 0; host < 2; host++)
		for (unsigned v6 = 0; v6 < 2; v6++)
			if (talks->listening[host][v6] &&
			    tern_close(talks->world->side[host].host, talks->listener[host][v6]) != 0)
				world_fail("tern_close of a listener");
	memset(talks->listening, 0, sizeof talks->listening);
}

/* ---- the run ---- */

static void on_event(struct talks *talks, unsigned host, const struct tern_event *event)
{
	if (event->cookie == SERVER_COOKIE) {
		accept_all(talks, host, event->socket);
		return;
	}
	if (event->cookie == 0 || event->cookie > 2 * talks->n)
		world_fail("an event with cookie %llu", (unsigned long long)event->cookie);
	struct talk *const	talk = &talks->talk[(event->cookie - 1) / 2];
	struct talk_side *const side = &talk->side[(event->cookie - 1) % 2];

	if (side->done || side->host != host ||
	    memcmp(&side->socket, &event->socket, sizeof event->socket) != 0)
		talk_fail(talks, talk, "an event for a handle that was closed");
	if (event->ready & TERN_CONNECTED)
		side->connected = true;
	if (event->ready & (TERN_CONNECTED | TERN_WRITABLE | TERN_ERROR))
		side->may_write = true;
	if (event->ready & (TERN_CONNECTED | TERN_READABLE | TERN_PEER_CLOSED | TERN_ERROR | TERN_CLOSED))
		side->may_read = true;
	talk_side_step(talks, talk, side);
}

static bool drain_events(struct talks *talks)
{
	struct tern_event event;
	bool		  any = false;

	for (unsigned host = 0; host < 2; host++) {
		while (tern_host_event(talks->world->side[host].host, &event)) {
			world_called(talks->world, host);
			on_event(talks, host, &event);
			any = true;
		}
	}
	return any;
}

/* A peer that heard neither FIN nor RST, and has nothing to say, waits forever: so does TCP. */
static void watch_over(struct talks *talks, struct talk *talk)
{
	const tern_time now = talks->world->now;

	for (unsigned i = 0; i < 2; i++) {
		struct talk_side *const side = &talk->side[i], *const peer = &talk->side[1 - i];

		if (!peer->done || side->done)
			continue;
		if (!side->open && (!talk->plan.clean || talk->plan.may_fail || talks->forgiving)) {
			if (now >= peer->done_at + 10 * TERN_SECOND)
				talk_side_done(talks, side);
			else
				wake_at(side, peer->done_at + 10 * TERN_SECOND);
		} else if (!talk->plan.clean || talk->plan.may_fail || talks->forgiving) {
			if (now >= peer->done_at + WATCHDOG) {
				talks->watchdogs++;
				talk_side_abort(talks, side);
			} else {
				wake_at(side, peer->done_at + WATCHDOG);
			}
		}
	}
}

static bool step_all(struct talks *talks, tern_time *next)
{
	bool over = true;

	*next = TERN_NEVER;
	for (unsigned k = 0; k < talks->n; k++) {
		struct talk *const talk = &talks->talk[k];

		for (unsigned i = 0; i < 2; i++)
			if (talk->begun && talk->side[i].wake <= talks->world->now)
				talk_side_step(talks, talk, &talk->side[i]);
		if (!talk->begun)
			begin_talk(talks, talk);
		watch_over(talks, talk);
		for (unsigned i = 0; i < 2; i++) {
			*next = talk->side[i].wake < *next ? talk->side[i].wake : *next;
			over &= talk->side[i].done;
		}
	}
	return over;
}

/* With hardly any memory windows stay shut and sends are refused, though nothing is broken. Programs that have waited
 * so long give up. */
static void cut_off(struct talks *talks)
{
	talks->cut_off = true;
	talks->limit += 1000 * TERN_SECOND;
	for (unsigned k = 0; k < talks->n; k++)
		for (unsigned i = 0; i < 2; i++) {
			struct talk_side *const side = &talks->talk[k].side[i];

			if (side->open && !side->let_go)
				talk_side_abort(talks, side);
			else if (!side->done)
				talk_side_done(talks, side);
		}
}

static bool turn(struct talks *talks, bool *over)
{
	struct world *const world = talks->world;
	tern_time	    next, soon;
	unsigned	    still = 0;

	do {
		*over = step_all(talks, &soon);
		world_flush(world);
		if (++still > 100000)
			talk_fail(talks, NULL, "time stands still");
	} while (drain_events(talks));
	*over = step_all(talks, &soon);
	world_flush(world);
	if (talks->hook)
		talks->hook(talks);
	next = world_next(world);
	next = soon < next ? soon : next;
	if (next == TERN_NEVER)
		return false;
	if (next > talks->start + talks->limit && talks->may_stay && !talks->cut_off)
		cut_off(talks);
	else if (next > talks->start + talks->limit)
		talk_fail(talks, NULL, "it does not end in time");
	world_go_to(world, next);
	return true;
}

void talks_run(struct talks *talks)
{
	bool over = false;

	while (!over)
		if (!turn(talks, &over) && !over)
			talk_fail(talks, NULL, "nothing will ever happen any more");
	close_listeners(talks);
	world_flush(talks->world);
	talks->limit += 1000 * TERN_SECOND;
	while (turn(talks, &over))
		;
	for (unsigned k = 0; k < talks->n; k++)
		for (unsigned i = 0; i < 2; i++)
			if (talks->talk[k].side[i].owned_out != 0)
				talk_fail(talks, &talks->talk[k], "memory that was given was never released");
	world_check_idle(talks->world);
}

size_t talks_take(void *context, uint64_t cookie, const uint8_t *text, size_t n)
{
	struct talks *const talks = context;

	if (cookie == 0 || cookie > 2 * talks->n)
		world_fail("text of a connection with cookie %llu is to be taken", (unsigned long long)cookie);
	struct talk *const talk = &talks->talk[(cookie - 1) / 2];

	return talk_side_take(talks, talk, &talk->side[(cookie - 1) % 2], text, n);
}

void talks_init(struct talks *talks, struct world *world, uint64_t seed)
{
	world->taker = (struct tern_taker){ talks_take, talks };
	*talks = (struct talks){
		.world = world, .start = world->now, .limit = LIMIT, .chance = { seed }
	};
}

void talks_add(struct talks *talks, const struct talk_plan *plan)
{
	struct talk *const talk = &talks->talk[talks->n++];

	talk->plan = *plan;
	talk->try_at = talks->start + plan->begin;
	for (unsigned i = 0; i < 2; i++)
		talk->side[i] = (struct talk_side){
			.plan = &talk->plan.side[i],
			.host = i == 0 || plan->local ? plan->client_host : 1 - plan->client_host,
			.key = chance_next(&talks->chance) >> 1,
			.wake = TERN_NEVER,
		};
	if (plan->open == TALK_LISTENER)
		listen_at(talks, talk->side[1].host, plan->v6, plan->server_port);
}
