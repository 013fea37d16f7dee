/* The client's side of the protocol. */
#include "perf/perf.h"

#include <string.h>
#include <sys/random.h>

static void expect_soon(struct perf *perf)
{
	perf->patience = tern_loop_now(perf->loop) + PERF_PATIENCE;
}

static int make_cookie(uint8_t cookie[PERF_COOKIE])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567"; /* as iperf3's are */

	if (getrandom(cookie, PERF_COOKIE, 0) != PERF_COOKIE)
		return -TERN_EACCES;
	for (unsigned i = 0; i < PERF_COOKIE; i++)
		cookie[i] = (uint8_t)letters[cookie[i] % 32];
	cookie[PERF_COOKIE - 1] = '\0';
	return 0;
}

static int connect_to(struct perf *perf, uint64_t cookie, tern_socket *socket)
{
	const struct tern_open open = {
		.remote = { .addr = perf->settings->remote, .port = perf->settings->port }, .cookie = cookie,
	};
	const int error = tern_connect(perf->host, &open, socket);

	if (error != 0)
		perf_fail(perf, error, "cannot connect to %s: %s", perf->settings->host, tern_strerror(error));
	return error;
}

void perf_client_start(struct perf *perf)
{
	report_begin(perf);
	perf->n_wanted = perf->test.parallel * (perf->test.bidirectional ? 2 : 1);
	if (make_cookie(perf->cookie) != 0)
		perf_fail(perf, -TERN_EACCES, "there is no random source");
	else if (connect_to(perf, PERF_COOKIE_CONTROL, &perf->control) == 0)
		perf->has_control = true;
	perf->patience = tern_loop_now(perf->loop) + perf->settings->connect_timeout;
}

/* One after another, so that the server accepts them in the order of their numbers. */
static void open_next(struct perf *perf)
{
	tern_socket socket;

	if (perf->n_streams == perf->n_wanted ||
	    connect_to(perf, PERF_COOKIE_STREAM + perf->n_streams, &socket) != 0)
		return;
	perf_set_up_socket(perf, socket);
	(void)perf_add_stream(perf, socket);
	expect_soon(perf);
}

void perf_client_connected(struct perf *perf, uint64_t cookie)
{
	if (cookie == PERF_COOKIE_CONTROL) {
		(void)tern_option_set(perf->host, perf->control, TERN_NODELAY, 1);
		perf_say_bytes(perf, perf->cookie, sizeof perf->cookie);
		expect_soon(perf);
		return;
	}
	struct perf_stream *const stream = &perf->stream[cookie - PERF_COOKIE_STREAM];
	(void)tern_name(perf->host, stream->socket, &stream->tuple);
	if (tern_send(perf->host, stream->socket, perf->cookie, sizeof perf->cookie, TERN_SEND_PUSH) != PERF_COOKIE)
		perf_fail(perf, -TERN_ENOMEM, "stream %u takes no cookie", stream->id);
	open_next(perf);
}

void perf_client_message(struct perf *perf, struct json_piece message)
{
	if (!perf_take_results(perf, message))
		perf_fail(perf, -TERN_EPROTO, "the server's results cannot be read");
}

void perf_client_end(struct perf *perf)
{
	perf_end(perf);
	perf->state = PERF_TEST_END;
	perf_say(perf, PERF_TEST_END);
	expect_soon(perf);
}

static void finish(struct perf *perf)
{
	report_end(perf);
	perf_say(perf, PERF_IPERF_DONE);
	perf_close_streams(perf);
	perf->over = true;
}

/* A state has its place: after which it may come. */
static bool is_in_turn(const struct perf *perf, enum perf_state state)
{
	switch (state) {
	case PERF_PARAM_EXCHANGE: return perf->state == PERF_IPERF_START;
	case PERF_CREATE_STREAMS: return perf->state == PERF_PARAM_EXCHANGE;
	case PERF_TEST_START: return perf->state == PERF_CREATE_STREAMS && perf->n_streams == perf->n_wanted;
	case PERF_TEST_RUNNING: return perf->state == PERF_TEST_START;
	case PERF_EXCHANGE_RESULTS: return perf->state == PERF_TEST_END;
	case PERF_DISPLAY_RESULTS: return perf->state == PERF_EXCHANGE_RESULTS;
	default: return true;
	}
}

void perf_client_heard(struct perf *perf, enum perf_state state)
{
	if (!is_in_turn(perf, state)) {
		perf_fail(perf, -TERN_EPROTO, "the server is out of turn (state %d after %d)", state, perf->state);
		return;
	}
	expect_soon(perf);
	switch (state) {
	case PERF_PARAM_EXCHANGE: perf_send_parameters(perf); break;
	case PERF_CREATE_STREAMS: open_next(perf); break;
	case PERF_TEST_START: report_connected(perf); break;
	case PERF_TEST_RUNNING:
		perf->patience = TERN_NEVER;
		perf->state = state; /* it may be over by the time that this returns */
		perf_begin(perf);
		return;
	case PERF_EXCHANGE_RESULTS:
		perf_send_results(perf);
		perf->hears = HEARS_LENGTH;
		break;
	case PERF_DISPLAY_RESULTS: finish(perf); break;
	case PERF_SERVER_TERMINATE: perf_fail(perf, -TERN_ECONNABORTED, "the server has terminated"); break;
	case PERF_ACCESS_DENIED: perf_fail(perf, -TERN_ECONNREFUSED, "the server is busy with another test"); break;
	case PERF_SERVER_ERROR: perf->hears = HEARS_ERROR; break;
	default: perf_fail(perf, -TERN_EPROTO, "the server says what is no state (%d)", state);
	}
	perf->state = state;
}
