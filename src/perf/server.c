/* The server's side of the protocol: one test after another. */
#include "perf/perf.h"

#include <string.h>

#include "base/bytes.h"

enum {
	UNIMPLEMENTED = 13, /* iperf3's number for what is not done */
	ALIVE_IDLE = 10,    /* seconds: a client that has gone is found out */
	ALIVE_EVERY = 5,
	ALIVE_PROBES = 4,
};

static void expect_soon(struct perf *perf)
{
	perf->patience = tern_loop_now(perf->loop) + PERF_PATIENCE;
}

void perf_server_start(struct perf *perf)
{
	const struct tern_listen listen = {
		.local.port = perf->settings->port, .backlog = PERF_GUESTS, .cookie = PERF_COOKIE_LISTENER,
	};
	const int error = tern_listen(perf->host, &listen, &perf->listener);

	if (error != 0)
		perf_fail(perf, error, "cannot listen on port %u: %s", perf->settings->port, tern_strerror(error));
	perf->has_listener = error == 0;
	perf_server_again(perf);
}

void perf_server_again(struct perf *perf)
{
	for (unsigned i = 0; i < perf->n_streams; i++)
		if (perf->stream[i].open)
			(void)tern_abort(perf->host, perf->stream[i].socket);
	if (perf->has_control)
		(void)tern_close(perf->host, perf->control);
	perf->has_control = perf->running = false;
	perf->hears = HEARS_STATES;
	perf->n_streams = perf->n_wanted = 0;
	perf->n_in = perf->n_out = perf->out_sent = 0;
	perf->until = perf->interval_at = perf->omit_until = perf->patience = TERN_NEVER;
	perf->state = PERF_IPERF_START;
	perf->broken = 0;
	memset(perf->cpu, 0, sizeof perf->cpu);
	if (perf->error != 0)
		return;
	if (perf->n_tests > 0 && perf->settings->one_off)
		perf->over = true;
	else
		report_begin(perf);
}

/* ---- who comes ---- */

static void let_go(struct perf *perf, struct perf_guest *guest)
{
	(void)tern_close(perf->host, guest->socket);
	guest->used = false;
}

static void deny(struct perf *perf, struct perf_guest *guest)
{
	const int8_t byte = PERF_ACCESS_DENIED;

	(void)tern_send(perf->host, guest->socket, &byte, 1, TERN_SEND_PUSH);
	let_go(perf, guest);
}

void perf_server_accept(struct perf *perf)
{
	tern_socket socket;

	while (perf->has_listener && tern_accept(perf->host, perf->listener, &socket) == 0) {
		unsigned i = 0;
		while (i < PERF_GUESTS && perf->guest[i].used)
			i++;
		if (i == PERF_GUESTS) {
			(void)tern_abort(perf->host, socket);
			continue;
		}
		perf->guest[i] = (struct perf_guest){
			.used = true, .socket = socket, .until = tern_loop_now(perf->loop) + PERF_PATIENCE,
		};
		(void)tern_set_cookie(perf->host, socket, PERF_COOKIE_GUEST + i);
		perf_server_guest(perf, i);
	}
}

static void become_control(struct perf *perf, struct perf_guest *guest)
{
	tern_host *const host = perf->host;

	guest->used = false;
	perf->control = guest->socket;
	perf->has_control = true;
	memcpy(perf->cookie, guest->cookie, sizeof perf->cookie);
	(void)tern_set_cookie(host, perf->control, PERF_COOKIE_CONTROL);
	(void)tern_option_set(host, perf->control, TERN_NODELAY, 1);
	(void)tern_option_set(host, perf->control, TERN_KEEPALIVE_IDLE, ALIVE_IDLE);
	(void)tern_option_set(host, perf->control, TERN_KEEPALIVE_INTERVAL, ALIVE_EVERY);
	(void)tern_option_set(host, perf->control, TERN_KEEPALIVE_PROBES, ALIVE_PROBES);
	(void)tern_option_set(host, perf->control, TERN_KEEPALIVE, 1);
	perf->state = PERF_PARAM_EXCHANGE;
	perf->hears = HEARS_LENGTH;
	perf_say(perf, PERF_PARAM_EXCHANGE);
	expect_soon(perf);
	perf_read_control(perf); /* what came behind the cookie has no event of its own */
}

static void become_stream(struct perf *perf, struct perf_guest *guest)
{
	struct perf_stream *const stream = perf_add_stream(perf, guest->socket);

	guest->used = false;
	(void)tern_name(perf->host, stream->socket, &stream->tuple);
	perf_set_up_socket(perf, stream->socket);
	expect_soon(perf);
	if (perf->n_streams < perf->n_wanted)
		return;
	perf->n_tests++;
	report_connected(perf);
	perf_say(perf, PERF_TEST_START);
	perf_say(perf, PERF_TEST_RUNNING);
	perf->state = PERF_TEST_RUNNING;
	perf->patience = perf->test.time == 0 ? TERN_NEVER : tern_loop_now(perf->loop) + PERF_PATIENCE +
			 (tern_time)(perf->test.time + perf->test.omit) * TERN_SECOND;
	perf_begin(perf);
}

void perf_server_guest(struct perf *perf, unsigned i)
{
	struct perf_guest *const guest = &perf->guest[i];

	while (guest->used && guest->n < PERF_COOKIE) { /* and not a byte of what follows it */
		const ptrdiff_t n = tern_receive(perf->host, guest->socket, guest->cookie + guest->n,
						 PERF_COOKIE - guest->n);
		if (n == -TERN_EAGAIN)
			return;
		if (n <= 0) {
			let_go(perf, guest);
			return;
		}
		guest->n += (unsigned)n;
	}
	if (!guest->used)
		return;
	const bool is_ours = perf->has_control && memcmp(guest->cookie, perf->cookie, PERF_COOKIE) == 0;
	if (!perf->has_control && perf->error == 0 && !perf->over)
		become_control(perf, guest);
	else if (is_ours && perf->state == PERF_CREATE_STREAMS && perf->n_streams < perf->n_wanted)
		become_stream(perf, guest);
	else
		deny(perf, guest);
}

tern_time perf_server_tend(struct perf *perf)
{
	const tern_time now = tern_loop_now(perf->loop);
	tern_time	next = TERN_NEVER;

	for (unsigned i = 0; i < PERF_GUESTS; i++) {
		if (!perf->guest[i].used)
			continue;
		if (perf->guest[i].until <= now)
			let_go(perf, &perf->guest[i]);
		else
			next = min_i64(next, perf->guest[i].until);
	}
	return next;
}

/* ---- what the client says ---- */

static void refuse(struct perf *perf)
{
	const uint8_t why[1 + 8] = { (uint8_t)(int8_t)PERF_SERVER_ERROR, [4] = UNIMPLEMENTED };

	perf_say_bytes(perf, why, sizeof why);
	perf_fail(perf, -TERN_EOPNOTSUPP, "the client asks for a test that is not of TCP, or out of range");
}

void perf_server_message(struct perf *perf, struct json_piece message)
{
	expect_soon(perf);
	if (perf->state == PERF_EXCHANGE_RESULTS) {
		if (!perf_take_results(perf, message)) {
			perf_fail(perf, -TERN_EPROTO, "the client's results cannot be read");
			return;
		}
		perf_send_results(perf);
		perf->state = PERF_DISPLAY_RESULTS;
		perf_say(perf, PERF_DISPLAY_RESULTS);
		report_end(perf);
		return;
	}
	if (!perf_take_parameters(perf, message)) {
		refuse(perf);
		return;
	}
	perf->n_wanted = perf->test.parallel * (perf->test.bidirectional ? 2 : 1);
	/* Told in the SYN-ACK: for what is accepted from now on. */
	(void)tern_option_set(perf->host, perf->listener, TERN_MAX_SEGMENT, perf->test.mss);
	perf->state = PERF_CREATE_STREAMS;
	perf_say(perf, PERF_CREATE_STREAMS);
}

void perf_server_heard(struct perf *perf, enum perf_state state)
{
	expect_soon(perf);
	switch (state) {
	case PERF_TEST_END:
		if (perf->state != PERF_TEST_RUNNING)
			break;
		perf_end(perf);
		perf_close_streams(perf);
		perf->state = PERF_EXCHANGE_RESULTS;
		perf->hears = HEARS_LENGTH;
		perf_say(perf, PERF_EXCHANGE_RESULTS);
		return;
	case PERF_IPERF_DONE:
		if (perf->state != PERF_DISPLAY_RESULTS)
			break;
		perf_server_again(perf);
		return;
	case PERF_CLIENT_TERMINATE: perf_fail(perf, -TERN_ECONNABORTED, "the client has terminated"); return;
	default: break;
	}
	perf_fail(perf, -TERN_EPROTO, "the client is out of turn (state %d after %d)", state, perf->state);
}
