/* The test itself: streams that are filled and emptied, and what they come to. */
#include "perf/perf.h"

#include <string.h>
#include <sys/resource.h>

#include "base/bytes.h"

/* ---- sockets ---- */

/* What is refused stays as the host has it: the window is a wish, and so is a controller that is not here. */
void perf_set_up_socket(struct perf *perf, tern_socket socket)
{
	const struct perf_test *const test = &perf->test;
	tern_host *const host = perf->host;

	(void)tern_option_set(host, socket, TERN_NODELAY, test->nodelay);
	(void)tern_option_set(host, socket, TERN_MAX_SEGMENT, test->mss);
	if (test->window != 0) {
		(void)tern_option_set(host, socket, TERN_RECEIVE_BUFFER, test->window);
		(void)tern_option_set(host, socket, TERN_SEND_BUFFER, test->window);
	}
	(void)tern_option_set(host, socket, TERN_MAX_PACING_RATE, (int64_t)(test->rate / 8));
	if (test->controller[0] != '\0')
		(void)tern_set_congestion_control(host, socket, test->controller);
}

/* By its place: where both sides send, the client's come first. */
static bool sends(const struct perf *perf, unsigned i)
{
	const struct perf_test *const test = &perf->test;
	const bool client_sends = test->bidirectional ? i < test->parallel : !test->reverse;

	return client_sends != perf->settings->server;
}

struct perf_stream *perf_add_stream(struct perf *perf, tern_socket socket)
{
	const unsigned i = perf->n_streams++;
	struct perf_stream *const stream = &perf->stream[i];

	*stream = (struct perf_stream){
		.socket = socket, .open = true, .sends = sends(perf, i), .id = i == 0 ? 1 : i + 2,
		.rtt_least = TERN_NEVER,
	};
	(void)tern_set_cookie(perf->host, socket, PERF_COOKIE_STREAM + i);
	return stream;
}

void perf_close_streams(struct perf *perf)
{
	for (unsigned i = 0; i < perf->n_streams; i++) {
		if (perf->stream[i].open)
			(void)tern_close(perf->host, perf->stream[i].socket);
		perf->stream[i].open = false;
	}
}

/* ---- moving ---- */

uint64_t perf_bytes(const struct perf *perf)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < perf->n_streams; i++)
		all += perf->stream[i].bytes - perf->stream[i].bytes_omitted;
	return all;
}

static void keep(void *context, const void *from, size_t n)
{
	(void)context;
	(void)from;
	(void)n; /* the block is there for as long as the host */
}

static ptrdiff_t send_some(struct perf *perf, const struct perf_stream *stream, size_t n)
{
	if (perf->settings->zerocopy)
		return tern_send_owned(perf->host, stream->socket, perf->block, n, 0, keep, NULL);
	return tern_send(perf->host, stream->socket, perf->block, n, 0);
}

static ptrdiff_t receive_some(struct perf *perf, const struct perf_stream *stream)
{
	const uint8_t *at;
	ptrdiff_t      n;

	if (!perf->settings->zerocopy)
		return tern_receive(perf->host, stream->socket, perf->block, perf->test.block);
	n = tern_peek(perf->host, stream->socket, 0, &at);
	if (n > 0)
		(void)tern_consume(perf->host, stream->socket, (size_t)n);
	return n;
}

/* What is still to be sent of -n; all of it, where there is no such number or the other side counts. */
static uint64_t left_to_send(const struct perf *perf)
{
	const uint64_t wanted = perf->test.bytes, done = perf_bytes(perf);

	if (wanted == 0 || perf->settings->server)
		return UINT64_MAX;
	return !perf->counting || done >= wanted ? (perf->counting ? 0 : UINT64_MAX) : wanted - done;
}

void perf_move(struct perf *perf, struct perf_stream *stream)
{
	while (perf->running && stream->open) {
		const uint64_t left = stream->sends ? left_to_send(perf) : UINT64_MAX;
		ptrdiff_t      n = 0;
		if (left > 0)
			n = stream->sends ? send_some(perf, stream, (size_t)min_u64(left, perf->test.block))
					  : receive_some(perf, stream);
		if (n <= 0) /* no more now; the end of the stream; or an error, which has an event of its own */
			break;
		stream->bytes += (uint64_t)n;
	}
	if (perf->running && perf->counting && perf->test.bytes != 0 && !perf->settings->server &&
	    perf_bytes(perf) >= perf->test.bytes)
		perf_client_end(perf);
}

/* ---- counting ---- */

static struct perf_cpu cpu_now(void)
{
	struct rusage used;

	(void)getrusage(RUSAGE_SELF, &used);
	return (struct perf_cpu){
		.user = (double)used.ru_utime.tv_sec + (double)used.ru_utime.tv_usec / 1e6,
		.system = (double)used.ru_stime.tv_sec + (double)used.ru_stime.tv_usec / 1e6,
	};
}

/* What is measured while something moves. */
static void note_sender(struct perf_stream *stream)
{
	const struct tern_status *const status = &stream->status;

	stream->cwnd_most = max_u32(stream->cwnd_most, status->cwnd);
	stream->wnd_most = max_u32(stream->wnd_most, status->snd_wnd);
	if (status->srtt <= 0)
		return;
	stream->rtt_least = min_i64(stream->rtt_least, status->srtt);
	if (status->srtt > stream->rtt_most)
		stream->rtt_most = status->srtt;
	stream->rtt_sum += status->srtt;
	stream->n_rtt++;
}

void perf_note_status(struct perf *perf)
{
	for (unsigned i = 0; i < perf->n_streams; i++) {
		struct perf_stream *const stream = &perf->stream[i];
		struct tern_status status;
		if (!stream->open || tern_status(perf->host, stream->socket, &status) != 0)
			continue;
		stream->status = status;
		if (stream->sends && perf->running)
			note_sender(stream);
	}
}

static void begin_interval(struct perf *perf, tern_time now)
{
	perf->interval_began = now;
	perf->interval_at = perf->settings->interval == 0 ? TERN_NEVER : now + perf->settings->interval;
	for (unsigned i = 0; i < perf->n_streams; i++) {
		perf->stream[i].bytes_before = perf->stream[i].bytes;
		perf->stream[i].retransmits_before = perf->stream[i].status.retransmits_total;
	}
}

/* From here on it counts. */
static void begin_counting(struct perf *perf, tern_time now)
{
	perf->counting = true;
	perf->omit_until = TERN_NEVER;
	perf->began = now;
	perf->cpu_before = cpu_now();
	perf_note_status(perf);
	for (unsigned i = 0; i < perf->n_streams; i++) {
		perf->stream[i].bytes_omitted = perf->stream[i].bytes;
		perf->stream[i].retransmits_omitted = perf->stream[i].status.retransmits_total;
	}
	if (!perf->settings->server)
		perf->until = perf->test.time != 0 ? now + perf->test.time * TERN_SECOND : TERN_NEVER;
	begin_interval(perf, now);
}

void perf_begin(struct perf *perf)
{
	const tern_time now = tern_loop_now(perf->loop);

	perf->running = true;
	begin_counting(perf, now);
	perf->counting = perf->test.omit == 0;
	perf->until = TERN_NEVER;
	if (!perf->counting)
		perf->omit_until = now + perf->test.omit * TERN_SECOND;
	else if (!perf->settings->server && perf->test.time != 0)
		perf->until = now + perf->test.time * TERN_SECOND;
	for (unsigned i = 0; i < perf->n_streams; i++)
		perf_move(perf, &perf->stream[i]);
}

void perf_end(struct perf *perf)
{
	const struct perf_cpu cpu = cpu_now();

	if (!perf->running)
		return;
	perf_note_status(perf);
	perf->ended = tern_loop_now(perf->loop);
	/* The last interval, where there is as much of it as is worth a line. */
	if (perf->interval_at != TERN_NEVER && perf->ended - perf->interval_began > perf->settings->interval / 10)
		report_interval(perf, perf->interval_began, perf->ended);
	perf->running = false;
	perf->until = perf->interval_at = perf->omit_until = TERN_NEVER;
	const double took = (double)(perf->ended - perf->began) / 1e9;
	perf->cpu[0][1] = took > 0 ? (cpu.user - perf->cpu_before.user) / took * 100 : 0;
	perf->cpu[0][2] = took > 0 ? (cpu.system - perf->cpu_before.system) / took * 100 : 0;
	perf->cpu[0][0] = perf->cpu[0][1] + perf->cpu[0][2];
}

struct perf_count perf_counted(const struct perf *perf, const struct perf_stream *stream)
{
	return (struct perf_count){
		.bytes = stream->bytes - stream->bytes_omitted,
		.retransmits = stream->sends ? (int64_t)(uint32_t)(stream->status.retransmits_total -
								   stream->retransmits_omitted) : -1,
		.seconds = (double)(perf->ended - perf->began) / 1e9,
	};
}

tern_time perf_tend(struct perf *perf)
{
	const tern_time now = tern_loop_now(perf->loop);

	if (!perf->running)
		return TERN_NEVER;
	if (perf->until <= now) {
		perf_client_end(perf);
		return TERN_NEVER;
	}
	if (perf->interval_at <= now || perf->omit_until <= now) {
		perf_note_status(perf);
		if (perf->interval_at != TERN_NEVER)
			report_interval(perf, perf->interval_began, now);
		if (perf->omit_until <= now)
			begin_counting(perf, now);
		else
			begin_interval(perf, now);
	}
	return min_i64(min_i64(perf->interval_at, perf->omit_until), perf->until);
}
