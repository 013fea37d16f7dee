/* The loop of tern perf: what happens goes to whom it concerns, and the test goes on. */
#include "perf/perf.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

/* Sent from and received to. What is handed out without a copy may lie in the host for longer than a test takes. */
static uint8_t block[PERF_BLOCK_MOST];

static const tern_time SETTLE = TERN_SECOND, SETTLE_STEP = 10 * TERN_MILLISECOND;

static bool is_same(tern_socket a, tern_socket b)
{
	return memcmp(&a, &b, sizeof a) == 0;
}

/* ---- events ---- */

static void on_control(struct perf *perf, const struct tern_event *event)
{
	if (!perf->has_control || !is_same(event->socket, perf->control))
		return; /* of a test that is over */
	if (event->ready & TERN_CONNECTED && !perf->settings->server)
		perf_client_connected(perf, PERF_COOKIE_CONTROL);
	if (event->ready & TERN_WRITABLE)
		perf_flush_control(perf);
	if (event->ready & (TERN_READABLE | TERN_PEER_CLOSED))
		perf_read_control(perf);
	if (event->ready & TERN_ERROR && perf->has_control && !perf->over) {
		const int error = tern_socket_error(perf->host, perf->control);
		if (perf->settings->server)
			perf_fail(perf, error, "the control connection: %s", tern_strerror(error));
		else
			perf_fail(perf, error, "%s %s: %s",
				  perf->state == PERF_IPERF_START ? "cannot connect to" : "the control connection to",
				  perf->settings->host, tern_strerror(error));
	}
}

static void on_stream(struct perf *perf, unsigned i, const struct tern_event *event)
{
	struct perf_stream *const stream = &perf->stream[i];

	if (i >= perf->n_streams || !stream->open || !is_same(event->socket, stream->socket))
		return;
	if (event->ready & TERN_CONNECTED && !perf->settings->server)
		perf_client_connected(perf, PERF_COOKIE_STREAM + i);
	if (event->ready & (TERN_READABLE | TERN_WRITABLE))
		perf_move(perf, stream);
	/* At the end the other side goes without reading what is on its way: nothing is wrong with that. */
	const bool ending = perf->state == PERF_TEST_END || perf->state == PERF_EXCHANGE_RESULTS ||
			    perf->state == PERF_DISPLAY_RESULTS;
	if (event->ready & TERN_ERROR && !ending && perf->broken == 0) {
		perf->broken = tern_socket_error(perf->host, stream->socket);
		perf->broken_id = stream->id;
		perf->broken_until = tern_loop_now(perf->loop) + SETTLE;
	}
}

static void on_event(void *context, tern_host *host, const struct tern_event *event)
{
	struct perf *const perf = context;

	(void)host;
	if (event->cookie == PERF_COOKIE_CONTROL) {
		on_control(perf, event);
	} else if (event->cookie == PERF_COOKIE_LISTENER) {
		if (event->ready & TERN_ACCEPT)
			perf_server_accept(perf);
	} else if (event->cookie >= PERF_COOKIE_STREAM && event->cookie < PERF_COOKIE_STREAM + PERF_STREAMS) {
		on_stream(perf, (unsigned)(event->cookie - PERF_COOKIE_STREAM), event);
	} else if (event->cookie >= PERF_COOKIE_GUEST && event->cookie < PERF_COOKIE_GUEST + PERF_GUESTS) {
		const unsigned i = (unsigned)(event->cookie - PERF_COOKIE_GUEST);
		if (perf->guest[i].used && is_same(event->socket, perf->guest[i].socket))
			perf_server_guest(perf, i);
	}
}

/* ---- the run ---- */

static bool has_orphans(const struct perf *perf)
{
	struct tern_status status;
	uint64_t	   cursor = 0;

	return tern_host_each_orphan(perf->host, &cursor, &status);
}

/* Lets what is said reach the other side, FINs too. */
static void settle(struct perf *perf)
{
	const tern_time until = tern_loop_now(perf->loop) + SETTLE;

	while (tern_loop_now(perf->loop) < until && (perf->n_out > perf->out_sent || has_orphans(perf)))
		if (tern_loop_turn(perf->loop, SETTLE_STEP) < 0)
			break;
	(void)tern_loop_turn(perf->loop, 0);
}

static void give_up(struct perf *perf)
{
	for (unsigned i = 0; i < perf->n_streams; i++)
		if (perf->stream[i].open)
			(void)tern_abort(perf->host, perf->stream[i].socket);
	if (perf->has_control)
		(void)tern_close(perf->host, perf->control);
	for (unsigned i = 0; i < PERF_GUESTS; i++)
		if (perf->guest[i].used)
			(void)tern_abort(perf->host, perf->guest[i].socket);
	if (perf->has_listener)
		(void)tern_close(perf->host, perf->listener);
	perf->n_streams = 0;
	perf->has_control = perf->has_listener = false;
}

static void look_after(struct perf *perf)
{
	const int	broken = tern_device_error(perf->device);
	const tern_time now = tern_loop_now(perf->loop);

	if (broken != 0)
		perf_fail(perf, broken, "the device: %s", strerror(-broken));
	if (perf->broken != 0 && perf->broken_until <= now) /* and the control connection said nothing of it */
		perf_fail(perf, perf->broken, "stream %u: %s", perf->broken_id, tern_strerror(perf->broken));
	if (perf->patience > now)
		return;
	if (perf->settings->server)
		perf_fail(perf, -TERN_ETIMEDOUT, "the client does not go on");
	else if (perf->state == PERF_IPERF_START && perf->n_streams == 0)
		perf_fail(perf, -TERN_ETIMEDOUT, "cannot connect to %s: %s", perf->settings->host,
			  tern_strerror(-TERN_ETIMEDOUT));
	else
		perf_fail(perf, -TERN_ETIMEDOUT, "the server does not go on (state %d)", perf->state);
}

/* A test failed: a server goes on with the next, where its device does. False: that was all. */
static bool survives(struct perf *perf)
{
	perf_end(perf);
	report_failure(perf, perf->why);
	if (!perf->settings->server || !perf->has_listener || tern_device_error(perf->device) != 0 ||
	    perf->settings->one_off)
		return false;
	fprintf(stderr, "tern: perf: %s\n", perf->why);
	perf->error = 0;
	perf_server_again(perf);
	return true;
}

/* Until the other side has what it is told: resets of the streams, which come after, must not overtake it. */
static void await_delivery(struct perf *perf)
{
	const tern_time	   until = tern_loop_now(perf->loop) + SETTLE;
	struct tern_status status;

	while (tern_loop_now(perf->loop) < until && tern_status(perf->host, perf->control, &status) == 0 &&
	       status.state == TERN_STATE_ESTABLISHED && (perf->n_out > 0 || status.unsent + status.unacked > 0))
		if (tern_loop_turn(perf->loop, SETTLE_STEP) < 0)
			return;
}

static void interrupt(struct perf *perf)
{
	const bool in_test = perf->has_control && perf->state != PERF_IPERF_START;

	perf_end(perf);
	if (in_test) {
		perf_say(perf, perf->settings->server ? PERF_SERVER_TERMINATE : PERF_CLIENT_TERMINATE);
		await_delivery(perf);
	}
	if (in_test && !perf->settings->json && perf->ended > 0)
		report_end(perf);
	else
		report_failure(perf, perf->settings->server ? "interrupt - the server has terminated"
							     : "interrupt - the client has terminated");
}

static int run(struct perf *perf, const volatile sig_atomic_t *interrupted)
{
	while (!perf->over) {
		tern_time next = min_i64(perf_tend(perf), perf->patience);
		if (perf->settings->server)
			next = min_i64(next, perf_server_tend(perf));
		if (perf->broken != 0)
			next = min_i64(next, perf->broken_until);
		const tern_time now = tern_loop_now(perf->loop);
		if (!perf->over && perf->error == 0 &&
		    tern_loop_turn(perf->loop, next == TERN_NEVER ? TERN_SECOND : next > now ? next - now : 0) < 0)
			perf_fail(perf, -TERN_ENOMEM, "the loop: %s", tern_strerror(-TERN_ENOMEM));
		look_after(perf);
		if (*interrupted) {
			interrupt(perf);
			return 128 + *interrupted;
		}
		if (perf->error != 0 && !survives(perf))
			return perf->error;
	}
	return 0;
}

int perf_run(const struct perf_settings *settings, const struct perf_test *test, tern_loop *loop, tern_host *host,
	     const struct tern_link *device, const volatile sig_atomic_t *interrupted, char *why, size_t room)
{
	struct perf *const perf = calloc(1, sizeof *perf);
	int		   result = -TERN_ENOMEM;

	(void)snprintf(why, room, "no memory");
	if (perf == NULL)
		return result;
	*perf = (struct perf){
		.settings = settings, .test = *test, .loop = loop, .host = host, .device = device,
		.state = PERF_IPERF_START, .block = block,
		.until = TERN_NEVER, .interval_at = TERN_NEVER, .omit_until = TERN_NEVER, .patience = TERN_NEVER,
	};
	if (tern_loop_on_event(loop, host, on_event, perf) == 0) {
		if (settings->server)
			perf_server_start(perf);
		else
			perf_client_start(perf);
		result = run(perf, interrupted);
		(void)snprintf(why, room, "%s", perf->why);
		give_up(perf);
		settle(perf);
		(void)tern_loop_on_event(loop, host, NULL, NULL);
	}
	free(perf);
	return result;
}
