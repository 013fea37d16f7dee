/* A program at work: goes down its table of steps, and reads what arrives. It calls the stack through
 * tern/socket.h as any program would.
 *
 * Octet i of a connection, as each side sends it, is a function of the side and i, so that the reader
 * knows what it must find without anything being kept.
 */
#include "lab/world.h"
#include "base/bytes.h"
#include <inttypes.h>
#include <stdio.h>

enum { CHUNK = 16384 };

static uint8_t octet(unsigned side, uint64_t i)
{
	return (uint8_t)((i * UINT64_C(2654435761) >> 13) ^ i >> 3 ^ (side != 0 ? 0xa5 : 0x3c));
}

uint64_t lab_amount(const struct lab_world *world, int64_t n)
{
	return n < 0 ? (uint64_t)-n * world->options->bytes : (uint64_t)n;
}

static void told(struct lab_world *world, unsigned side, const char *text)
{
	const struct lab_side *const at = &world->side[side];
	struct tern_tuple tuple;
	const bool named = at->actor.has_socket && tern_name(at->host, at->actor.socket, &tuple) == 0;
	timeline_call(&world->timeline, side, world->now, named ? &tuple : NULL, text);
}

static void note_error(struct lab_actor *actor, int error)
{
	if (error < 0 && actor->error == 0)
		actor->error = error;
	actor->ended = true;
}

/* A new connection is the program's. */
static void begin(struct lab_actor *actor, tern_socket socket)
{
	actor->socket = socket;
	actor->has_socket = true;
	actor->end_of_stream = actor->ended = false;
	actor->sent = actor->received = 0;
}

/* ---- reading ---- */

static bool read_all(struct lab_world *world, unsigned side)
{
	struct lab_side *const at = &world->side[side];
	struct lab_actor *const actor = &at->actor;
	static uint8_t chunk[CHUNK];
	bool any = false;
	while (actor->has_socket && !actor->stopped_reading && !actor->end_of_stream) {
		const ptrdiff_t n = tern_receive(at->host, actor->socket, chunk, sizeof chunk);
		if (n == 0)
			actor->end_of_stream = true;
		if (n < 0)
			break;
		for (ptrdiff_t i = 0; i < n; i++)
			actor->garbled |= chunk[i] != octet(!side, actor->received + (uint64_t)i);
		actor->received += (uint64_t)n;
		actor->all_received += (uint64_t)n;
		any = true;
	}
	if (actor->has_socket) {
		const int error = tern_socket_error(at->host, actor->socket);
		if (error != 0 && !actor->ended)
			note_error(actor, error);
		else if (error != 0 && actor->error == 0)
			actor->error = error;
	}
	return any;
}

/* ---- conditions ---- */

static bool is_connected(const struct lab_side *at)
{
	struct tern_status status;
	if (!at->actor.has_socket || tern_status(at->host, at->actor.socket, &status) != 0)
		return false;
	return status.state >= TERN_STATE_ESTABLISHED;
}

static bool is_drained(const struct lab_side *at)
{
	struct tern_status status;
	if (!at->actor.has_socket || tern_status(at->host, at->actor.socket, &status) != 0)
		return false;
	return status.state >= TERN_STATE_ESTABLISHED && status.unsent == 0 && status.unacked == 0;
}

static bool accepts(struct lab_world *world, unsigned side)
{
	struct lab_side *const at = &world->side[side];
	tern_socket socket;
	if (!at->actor.has_listener || tern_accept(at->host, at->actor.listener, &socket) != 0)
		return false;
	begin(&at->actor, socket);
	told(world, side, "accept()");
	return true;
}

static bool condition_holds(struct lab_world *world, unsigned side)
{
	const struct lab_side *const at = &world->side[side];
	const struct lab_actor *const actor = &at->actor;
	switch (actor->step->when) {
	case LAB_NOW:
		return true;
	case LAB_AT:
		return world->now >= actor->step->of;
	case LAB_CONNECTED:
		return at->host != NULL ? is_connected(at) : at->broken.state >= TERN_STATE_ESTABLISHED;
	case LAB_ACCEPTED:
		return at->host != NULL ? accepts(world, side) : lab_broken_accepts(world, side);
	case LAB_RECEIVED:
		return actor->received >= lab_amount(world, actor->step->of);
	case LAB_PEER_CLOSED:
		return actor->end_of_stream;
	case LAB_DRAINED:
		return is_drained(at);
	case LAB_ENDED:
		return actor->ended;
	}
	return false;
}

/* ---- acts ---- */

static void act_listen(struct lab_world *world, unsigned side)
{
	struct lab_side *const at = &world->side[side];
	const struct tern_listen listen = {
		.local = { .addr = at->addr, .port = LAB_SERVER_PORT },
		.backlog = world->scenario->backlog,
	};
	told(world, side, "listen()");
	const int error = tern_listen(at->host, &listen, &at->actor.listener);
	at->actor.has_listener = error == 0;
	if (error != 0)
		note_error(&at->actor, error);
}

static void act_open(struct lab_world *world, unsigned side)
{
	struct lab_side *const at = &world->side[side];
	const bool is_server = side == LAB_SERVER;
	const struct tern_open open = {
		.remote = { .addr = world->side[!side].addr,
			    .port = is_server ? LAB_CLIENT_PORT : LAB_SERVER_PORT },
		.local = { .addr = at->addr,
			   .port = is_server ? LAB_SERVER_PORT : (uint16_t)at->actor.step->n },
	};
	tern_socket socket;
	at->actor.has_socket = false;
	told(world, side, "connect()");
	const int error = tern_connect(at->host, &open, &socket);
	if (error != 0) {
		note_error(&at->actor, error);
		told(world, side, tern_strerror(error));
	} else {
		begin(&at->actor, socket);
	}
}

static void begin_send(struct lab_world *world, unsigned side)
{
	struct lab_actor *const actor = &world->side[side].actor;
	char text[TIMELINE_TEXT];
	const uint64_t n = lab_amount(world, actor->step->n);
	const bool urgent = actor->step->act == LAB_SEND_URGENT;
	actor->left = (int64_t)n;
	snprintf(text, sizeof text, "send(%" PRIu64 "%s)", n, urgent ? ", urgent" : "");
	if (n > 0)
		told(world, side, text);
}

/* Gives the stack as much as it takes. */
static bool send_on(struct lab_world *world, unsigned side)
{
	struct lab_side *const at = &world->side[side];
	struct lab_actor *const actor = &at->actor;
	static uint8_t chunk[CHUNK];
	bool any = false;
	while (actor->left > 0) {
		const size_t n = actor->left < CHUNK ? (size_t)actor->left : CHUNK;
		const bool urgent = actor->step->act == LAB_SEND_URGENT && (int64_t)n == actor->left;
		for (size_t i = 0; i < n; i++)
			chunk[i] = octet(side, actor->sent + i);
		const ptrdiff_t taken = tern_send(at->host, actor->socket, chunk, n, urgent ? TERN_SEND_URGENT : 0);
		if (taken == -TERN_EAGAIN || taken == 0)
			return any;
		any = true;
		if (taken < 0) {
			note_error(actor, (int)taken);
			actor->left = 0;
			return any;
		}
		actor->sent += (uint64_t)taken;
		actor->all_sent += (uint64_t)taken;
		actor->left -= taken;
	}
	return any;
}

static void act_set(struct lab_world *world, unsigned side)
{
	struct lab_side *const at = &world->side[side];
	const struct lab_step *const step = at->actor.step;
	char text[TIMELINE_TEXT];
	snprintf(text, sizeof text, "%s=%lld", tern_option_name(step->option), (long long)step->n);
	told(world, side, text);
	const int error = tern_option_set(at->host, at->actor.socket, step->option, step->n);
	if (error != 0)
		note_error(&at->actor, error);
}

/* CLOSE and ABORT let go of the handle; SHUTDOWN keeps it. */
static void act_close(struct lab_world *world, unsigned side)
{
	struct lab_side *const at = &world->side[side];
	const enum lab_act act = at->actor.step->act;
	if (!at->actor.has_socket)
		return;
	told(world, side, act == LAB_SHUTDOWN ? "shutdown()" : act == LAB_CLOSE ? "close()" : "abort()");
	(void)lab_last_status(world, side);
	int error;
	if (act == LAB_SHUTDOWN)
		error = tern_shutdown(at->host, at->actor.socket);
	else if (act == LAB_CLOSE)
		error = tern_close(at->host, at->actor.socket);
	else
		error = tern_abort(at->host, at->actor.socket);
	if (error != 0)
		note_error(&at->actor, error);
	if (act != LAB_SHUTDOWN)
		at->actor.has_socket = false;
}

static void act_on_world(struct lab_world *world, unsigned side)
{
	struct lab_side *const at = &world->side[side];
	switch (at->actor.step->act) {
	case LAB_VANISH:
		told(world, side, "is gone");
		at->vanished = true;
		return;
	case LAB_DELAY:
		told(world, side, at->actor.step->n != 0 ? "its packets are late" : "its packets are fast again");
		lab_world_delay(world, side, at->actor.step->n);
		return;
	case LAB_OLD_SYN:
		lab_forge_old_syn(world);
		return;
	case LAB_FLOOD:
		lab_forge_flood(world);
		return;
	case LAB_OLD_TEXT:
		lab_forge_old_text(world);
		return;
	case LAB_SAY:
		told(world, side, at->actor.step->text);
		return;
	case LAB_BLIND_RST:
		lab_forge_blind(world, TERN_RST);
		return;
	case LAB_BLIND_SYN:
		lab_forge_blind(world, TERN_SYN);
		return;
	default:
		return;
	}
}

static void act(struct lab_world *world, unsigned side)
{
	struct lab_actor *const actor = &world->side[side].actor;
	if (world->side[side].host == NULL) {
		lab_broken_act(world, side);
		return;
	}
	switch (actor->step->act) {
	case LAB_LISTEN:
		act_listen(world, side);
		return;
	case LAB_OPEN:
		act_open(world, side);
		return;
	case LAB_SEND:
	case LAB_SEND_URGENT:
		begin_send(world, side);
		return;
	case LAB_SHUTDOWN:
	case LAB_CLOSE:
	case LAB_ABORT:
		act_close(world, side);
		return;
	case LAB_STOP_READING:
	case LAB_READ:
		actor->stopped_reading = actor->step->act == LAB_STOP_READING;
		told(world, side, actor->stopped_reading ? "does not read" : "reads on");
		return;
	case LAB_SET:
		act_set(world, side);
		return;
	default:
		act_on_world(world, side);
		return;
	}
}

/* ---- step by step ---- */

bool lab_actor_run(struct lab_world *world, unsigned side)
{
	struct lab_side *const at = &world->side[side];
	struct lab_actor *const actor = &at->actor;
	if (at->vanished)
		return false;
	bool any = read_all(world, side);
	while (actor->step->act != LAB_END) {
		if (actor->left > 0) {
			any |= send_on(world, side);
			if (actor->left > 0)
				return any;
			actor->step++;
			continue;
		}
		if (!actor->holds && condition_holds(world, side)) {
			actor->holds = true;
			actor->since = world->now;
			any = true;
		}
		if (!actor->holds || world->now < actor->since + actor->step->after)
			return any;
		actor->holds = false;
		act(world, side);
		any = true;
		if (actor->left == 0)
			actor->step++;
		if (at->vanished)
			return true;
		any |= read_all(world, side);
	}
	return any;
}

tern_time lab_actor_deadline(const struct lab_world *world, unsigned side)
{
	const struct lab_actor *const actor = &world->side[side].actor;
	if (actor->step->act == LAB_END || actor->left > 0)
		return TERN_NEVER;
	if (actor->holds)
		return actor->since + actor->step->after;
	return actor->step->when == LAB_AT ? actor->step->of : TERN_NEVER;
}
