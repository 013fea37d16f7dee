/* The program at one end: calls the stack through tern/socket.h as any program would. Octet i of what an end
 * sends is a function of the end and i, so that the reader knows what it must find.
 */
#include "base/bytes.h"
#include "play/play.h"
#include "watch/text.h"

#include <tern/options.h>

enum { CHUNK = 4096 };

static uint8_t octet(unsigned side, uint64_t i)
{
	return (uint8_t)((i * UINT64_C(2654435761) >> 13) ^ i >> 3 ^ (side != 0 ? 0xa5 : 0x3c));
}

static void told(struct play *play, unsigned side, const char *text)
{
	const struct play_side *const at = &play->side[side];
	const struct play_program *const program = &at->program;
	struct tern_tuple tuple;
	const bool named = program->has_socket && tern_name(at->host, program->socket, &tuple) == 0;

	timeline_call(&play->timeline, side, play->now, named ? &tuple : NULL, text);
}

static void begin(struct play_side *at, tern_socket socket)
{
	struct play_program *const program = &at->program;

	program->socket = socket;
	program->has_socket = true;
	program->end_of_stream = false;
	program->ends = PLAY_NOTHING;
	program->left = program->sent = program->received = 0;
	if (program->controller) /* one of the host's own, for a connection that is there */
		(void)tern_set_congestion_control(at->host, socket, program->controller);
	(void)tern_option_set(at->host, socket, TERN_NODELAY, program->nodelay);
}

static void let_go(struct play_program *program)
{
	program->has_socket = false;
	program->left = 0;
	program->ends = PLAY_NOTHING;
}

/* ---- what it does by itself ---- */

static bool accepts(struct play *play, unsigned side)
{
	struct play_side *const at = &play->side[side];
	tern_socket socket;

	if (!at->program.listens || at->program.has_socket)
		return false;
	if (tern_accept(at->host, at->program.listener, &socket) != 0)
		return false;
	begin(at, socket);
	told(play, side, "accept()");
	return true;
}

static bool reads(struct play *play, unsigned side)
{
	struct play_side *const at = &play->side[side];
	struct play_program *const program = &at->program;
	uint8_t chunk[CHUNK];
	bool any = false;

	while (program->has_socket && program->reads && !program->end_of_stream) {
		const ptrdiff_t n = tern_receive(at->host, program->socket, chunk, sizeof chunk);
		if (n < 0)
			break;
		program->end_of_stream = n == 0;
		for (ptrdiff_t i = 0; i < n; i++)
			program->garbled |= chunk[i] != octet(!side, program->received + (uint64_t)i);
		program->received += (uint64_t)n;
		any = true;
	}
	return any;
}

static bool sends(struct play *play, unsigned side)
{
	struct play_side *const at = &play->side[side];
	struct play_program *const program = &at->program;
	uint8_t chunk[CHUNK];
	bool any = false;

	while (program->has_socket && program->left > 0) {
		const size_t n = (size_t)min_u64(program->left, CHUNK);
		for (size_t i = 0; i < n; i++)
			chunk[i] = octet(side, program->sent + i);
		const ptrdiff_t taken = tern_send(at->host, program->socket, chunk, n, 0);
		if (taken <= 0)
			break; /* no room now; a connection that is over says so in ends() */
		program->sent += (uint64_t)taken;
		program->left -= (uint64_t)taken;
		any = true;
	}
	return any;
}

/* What was asked for while there was still text to give to the stack. */
static bool closes(struct play *play, unsigned side)
{
	struct play_side *const at = &play->side[side];
	struct play_program *const program = &at->program;
	const uint8_t how = program->ends;

	if (!program->has_socket || how == PLAY_NOTHING || program->left > 0)
		return false;
	program->ends = PLAY_NOTHING;
	told(play, side, how == PLAY_CLOSE ? "close()" : "shutdown()");
	if (how == PLAY_CLOSE) {
		(void)tern_close(at->host, program->socket);
		let_go(program);
	} else {
		(void)tern_shutdown(at->host, program->socket);
	}
	return true;
}

/* A connection that is over, and whose text has been read, is of no more use. */
static bool ends(struct play *play, unsigned side)
{
	struct play_side *const at = &play->side[side];
	struct play_program *const program = &at->program;

	if (!program->has_socket)
		return false;
	const int error = tern_socket_error(at->host, program->socket);
	const bool over = (tern_ready(at->host, program->socket) & TERN_CLOSED) != 0;
	if (error == 0 && !(over && program->end_of_stream))
		return false;
	told(play, side, error != 0 ? tern_strerror(error) : "close()");
	(void)tern_close(at->host, program->socket);
	let_go(program);
	return true;
}

bool program_run(struct play *play, unsigned side)
{
	bool any = accepts(play, side);

	any |= reads(play, side);
	any |= sends(play, side);
	any |= closes(play, side);
	any |= ends(play, side);
	return any;
}

/* ---- what it is told to do ---- */

bool program_may(const struct play *play, unsigned side, const struct play_action *action)
{
	const struct play_program *const program = &play->side[side].program;

	switch (action->verb) {
	case PLAY_LISTEN: return program->listens != (action->n != 0);
	case PLAY_OPEN: return !program->has_socket;
	case PLAY_SEND:
		return program->has_socket && program->ends == PLAY_NOTHING &&
		       program->left + action->n <= UINT32_MAX &&
		       (tern_ready(play->side[side].host, program->socket) & TERN_CLOSED) == 0;
	case PLAY_READ: return program->reads != (action->n != 0);
	case PLAY_SHUTDOWN: return program->has_socket && program->ends == PLAY_NOTHING;
	case PLAY_CLOSE: return program->has_socket && program->ends != PLAY_CLOSE;
	case PLAY_ABORT: return program->has_socket;
	case PLAY_CC:
	case PLAY_NODELAY: return true;
	default: return false;
	}
}

/* Where the other end is to be found. */
static uint16_t peer_port(const struct play *play, unsigned side)
{
	const struct play_side *const peer = &play->side[!side];
	const struct play_program *const program = &peer->program;
	struct tern_tuple tuple;

	if (side == 0)
		return PLAY_SERVER_PORT;
	if (program->has_socket && tern_name(peer->host, program->socket, &tuple) == 0)
		return tuple.local_port;
	return program->listens ? program->port : (uint16_t)(PLAY_CLIENT_PORT + program->opened);
}

static uint16_t own_port(const struct play *play, unsigned side)
{
	return side == 1 ? PLAY_SERVER_PORT : (uint16_t)(PLAY_CLIENT_PORT + play->side[side].program.opened);
}

static void act_listen(struct play *play, unsigned side, bool on)
{
	struct play_side *const at = &play->side[side];
	struct play_program *const program = &at->program;
	const struct tern_listen listen = { .local = { .addr = at->addr, .port = own_port(play, side) } };

	program->listens = false;
	if (!on) {
		told(play, side, "close(listener)");
		(void)tern_close(at->host, program->listener);
		return;
	}
	told(play, side, "listen()");
	const int error = tern_listen(at->host, &listen, &program->listener);
	if (error != 0) {
		told(play, side, tern_strerror(error));
		return;
	}
	program->listens = true;
	program->port = listen.local.port;
	if (program->controller)
		(void)tern_set_congestion_control(at->host, program->listener, program->controller);
}

static void act_open(struct play *play, unsigned side)
{
	struct play_side *const at = &play->side[side];
	struct play_program *const program = &at->program;
	const struct tern_open open = {
		.remote = { .addr = play->side[!side].addr, .port = peer_port(play, side) },
		.local = { .addr = at->addr, .port = own_port(play, side) },
	};
	tern_socket socket;
	int error;

	told(play, side, "connect()");
	if (program->listens)
		error = tern_listener_connect(at->host, program->listener, &open.remote, &socket);
	else
		error = tern_connect(at->host, &open, &socket);
	if (error != 0) {
		told(play, side, tern_strerror(error));
		return;
	}
	program->listens = false;
	program->opened = (uint16_t)((program->opened + 1) % 10000);
	begin(at, socket);
}

static void act_send(struct play *play, unsigned side, uint64_t n)
{
	char text[TIMELINE_TEXT];
	struct text out;

	text_init(&out, text, sizeof text);
	text_format(&out, "send(%u)", (unsigned)n);
	told(play, side, text);
	play->side[side].program.left += n;
}

static void act_abort(struct play *play, unsigned side)
{
	struct play_side *const at = &play->side[side];

	told(play, side, "abort()");
	(void)tern_abort(at->host, at->program.socket);
	let_go(&at->program);
}

static void act_set(struct play *play, unsigned side, const struct play_action *action)
{
	struct play_side *const at = &play->side[side];
	struct play_program *const program = &at->program;

	if (action->verb == PLAY_NODELAY) {
		program->nodelay = action->n != 0;
		if (program->has_socket)
			(void)tern_option_set(at->host, program->socket, TERN_NODELAY, program->nodelay);
		return;
	}
	program->controller = play_controllers[action->n];
	if (program->has_socket)
		(void)tern_set_congestion_control(at->host, program->socket, program->controller);
	if (program->listens)
		(void)tern_set_congestion_control(at->host, program->listener, program->controller);
}

void program_act(struct play *play, unsigned side, const struct play_action *action)
{
	struct play_program *const program = &play->side[side].program;

	switch (action->verb) {
	case PLAY_LISTEN: act_listen(play, side, action->n != 0); return;
	case PLAY_OPEN: act_open(play, side); return;
	case PLAY_SEND: act_send(play, side, action->n); return;
	case PLAY_READ:
		program->reads = action->n != 0;
		told(play, side, program->reads ? "reads on" : "does not read");
		return;
	case PLAY_SHUTDOWN:
	case PLAY_CLOSE: program->ends = (uint8_t)action->verb; return;
	case PLAY_ABORT: act_abort(play, side); return;
	case PLAY_CC:
	case PLAY_NODELAY: act_set(play, side, action); return;
	default: return;
	}
}
