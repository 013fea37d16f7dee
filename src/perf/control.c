/* The control connection: states as single bytes, messages as JSON behind their length. */
#include "perf/perf.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum {
	LENGTH = 4,	  /* bytes before a message */
	ERROR = 8,	  /* what follows SERVER_ERROR: iperf3's number, and errno */
	TIME_MOST = 86400, /* seconds, as iperf3 has it */
	OMIT_MOST = 600,
	MSS_LEAST = 64,
	MSS_MOST = 65495,
	WINDOW_MOST = 512 << 20,
};

static const uint64_t BYTES_MOST = UINT64_C(1) << 60, RATE_MOST = UINT64_C(1) << 50;

void perf_fail(struct perf *perf, int error, const char *format, ...)
{
	va_list arguments;

	if (perf->error != 0) /* the first is the cause of what follows */
		return;
	perf->error = error;
	va_start(arguments, format);
	(void)vsnprintf(perf->why, sizeof perf->why, format, arguments);
	va_end(arguments);
}

/* ---- out ---- */

void perf_flush_control(struct perf *perf)
{
	while (perf->has_control && perf->out_sent < perf->n_out) {
		const ptrdiff_t n = tern_send(perf->host, perf->control, perf->out + perf->out_sent,
					      perf->n_out - perf->out_sent, TERN_SEND_PUSH);
		if (n <= 0)
			return; /* no room now; or broken, which an event tells */
		perf->out_sent += (size_t)n;
	}
	perf->n_out = perf->out_sent = 0;
}

void perf_say_bytes(struct perf *perf, const void *from, size_t n)
{
	if (n > sizeof perf->out - perf->n_out) {
		perf_fail(perf, -TERN_ENOMEM, "the peer does not take what it is told");
		return;
	}
	memcpy(perf->out + perf->n_out, from, n);
	perf->n_out += n;
	perf_flush_control(perf);
}

void perf_say(struct perf *perf, enum perf_state state)
{
	const int8_t byte = (int8_t)state;

	perf_say_bytes(perf, &byte, 1);
}

/* A message begins: written to a stream that keeps it in memory. NULL: no memory. */
static FILE *begin_message(struct perf *perf, struct json_writer *json, char **text, size_t *n)
{
	FILE *const to = open_memstream(text, n);

	if (to == NULL) {
		perf_fail(perf, -TERN_ENOMEM, "no memory");
		return NULL;
	}
	*json = (struct json_writer){ .to = to };
	json_open(json, NULL, '{');
	return to;
}

static void end_message(struct perf *perf, struct json_writer *json, char **text, const size_t *n)
{
	uint8_t length[LENGTH];

	json_close(json);
	if (fclose(json->to) != 0) {
		perf_fail(perf, -TERN_ENOMEM, "no memory");
	} else {
		put32(length, (uint32_t)*n);
		perf_say_bytes(perf, length, sizeof length);
		perf_say_bytes(perf, *text, *n);
	}
	free(*text);
}

void perf_send_parameters(struct perf *perf)
{
	const struct perf_test *const test = &perf->test;
	struct json_writer json;
	char *text = NULL;
	size_t n = 0;

	if (begin_message(perf, &json, &text, &n) == NULL)
		return;
	json_bool(&json, "tcp", true);
	json_integer(&json, "omit", test->omit);
	json_integer(&json, "time", test->time);
	json_integer(&json, "num", (int64_t)test->bytes);
	json_integer(&json, "blockcount", 0);
	json_integer(&json, "parallel", test->parallel);
	json_integer(&json, "len", test->block);
	/* Whether these are there at all is what they say. */
	if (test->mss != 0)
		json_integer(&json, "MSS", test->mss);
	if (test->nodelay)
		json_bool(&json, "nodelay", true);
	if (test->reverse)
		json_bool(&json, "reverse", true);
	if (test->bidirectional)
		json_bool(&json, "bidirectional", true);
	if (test->window != 0)
		json_integer(&json, "window", test->window);
	if (test->rate != 0)
		json_integer(&json, "bandwidth", (int64_t)test->rate);
	if (test->controller[0] != '\0')
		json_text(&json, "congestion", test->controller);
	json_text(&json, "client_version", "3.12"); /* whose messages these are like */
	end_message(perf, &json, &text, &n);
}

static void write_results(const struct perf *perf, struct json_writer *json)
{
	bool sends = false;

	json_number(json, "cpu_util_total", perf->cpu[0][0]);
	json_number(json, "cpu_util_user", perf->cpu[0][1]);
	json_number(json, "cpu_util_system", perf->cpu[0][2]);
	for (unsigned i = 0; i < perf->n_streams; i++)
		sends |= perf->stream[i].sends;
	json_integer(json, "sender_has_retransmits", sends ? 1 : -1);
	if (perf->n_streams > 0 && perf->stream[0].status.congestion_control != NULL)
		json_text(json, "congestion_used", perf->stream[0].status.congestion_control);
	json_open(json, "streams", '[');
	for (unsigned i = 0; i < perf->n_streams; i++) {
		const struct perf_count count = perf_counted(perf, &perf->stream[i]);
		json_open(json, NULL, '{');
		json_integer(json, "id", perf->stream[i].id);
		json_integer(json, "bytes", (int64_t)count.bytes);
		json_integer(json, "retransmits", count.retransmits);
		json_integer(json, "jitter", 0);
		json_integer(json, "errors", 0);
		json_integer(json, "packets", 0);
		json_integer(json, "start_time", 0);
		json_number(json, "end_time", count.seconds);
		json_close(json);
	}
	json_close(json);
}

void perf_send_results(struct perf *perf)
{
	struct json_writer json;
	char *text = NULL;
	size_t n = 0;

	if (begin_message(perf, &json, &text, &n) == NULL)
		return;
	write_results(perf, &json);
	end_message(perf, &json, &text, &n);
}

/* ---- in ---- */

bool perf_take_parameters(struct perf *perf, struct json_piece message)
{
	struct perf_test *const test = &perf->test;
	const char *const others[] = { "udp", "sctp" };
	uint64_t mss;

	for (unsigned i = 0; i < 2; i++)
		if (json_member(message, others[i]).n > 0)
			return false;
	if (json_member(message, "parallel").n == 0)
		return false;
	*test = (struct perf_test){
		.reverse = json_member(message, "reverse").n > 0,
		.bidirectional = json_member(message, "bidirectional").n > 0,
		.nodelay = json_member(message, "nodelay").n > 0,
		.time = (uint32_t)json_to_count(json_member(message, "time"), TIME_MOST, 0),
		.omit = (uint32_t)json_to_count(json_member(message, "omit"), OMIT_MOST, 0),
		.parallel = (uint32_t)json_to_count(json_member(message, "parallel"), PERF_PARALLEL + 1, 1),
		.block = (uint32_t)json_to_count(json_member(message, "len"), PERF_BLOCK_MOST, PERF_BLOCK),
		.window = (uint32_t)json_to_count(json_member(message, "window"), WINDOW_MOST, 0),
		.bytes = json_to_count(json_member(message, "num"), BYTES_MOST, 0),
		.rate = json_to_count(json_member(message, "bandwidth"), RATE_MOST, 0),
	};
	mss = json_to_count(json_member(message, "MSS"), MSS_MOST, 0);
	test->mss = mss >= MSS_LEAST ? (uint32_t)mss : 0;
	if (test->block == 0)
		test->block = PERF_BLOCK;
	(void)json_to_text(json_member(message, "congestion"), test->controller, sizeof test->controller);
	return test->parallel >= 1 && test->parallel <= PERF_PARALLEL && !(test->reverse && test->bidirectional);
}

static struct perf_stream *stream_by_id(struct perf *perf, uint64_t id)
{
	for (unsigned i = 0; i < perf->n_streams; i++)
		if (perf->stream[i].id == id)
			return &perf->stream[i];
	return NULL;
}

bool perf_take_results(struct perf *perf, struct json_piece message)
{
	static const char *const parts[] = { "cpu_util_total", "cpu_util_user", "cpu_util_system" };
	struct json_piece rest = json_member(message, "streams"), each;

	for (unsigned i = 0; i < 3; i++)
		perf->cpu[1][i] = json_to_number(json_member(message, parts[i]), 0);
	if (rest.n == 0)
		return false;
	while (json_next(&rest, &each)) {
		const uint64_t id = json_to_count(json_member(each, "id"), 1 << 20, 0);
		struct perf_stream *const stream = stream_by_id(perf, id);
		const double began = json_to_number(json_member(each, "start_time"), 0);
		const double ended = json_to_number(json_member(each, "end_time"), 0);
		if (stream == NULL)
			return false;
		stream->has_peer = true;
		stream->peer = (struct perf_count){
			.bytes = json_to_count(json_member(each, "bytes"), UINT64_MAX >> 2, 0),
			.retransmits = -1,
			.seconds = ended > began ? ended - began : 0,
		};
		const struct json_piece again = json_member(each, "retransmits");
		if (json_to_number(again, -1) >= 0)
			stream->peer.retransmits = (int64_t)json_to_count(again, INT32_MAX, 0);
	}
	return true;
}

static void heard(struct perf *perf, enum perf_state state)
{
	if (perf->settings->server)
		perf_server_heard(perf, state);
	else
		perf_client_heard(perf, state);
}

/* All that is wanted next stands in perf->in. */
static void take(struct perf *perf)
{
	const size_t n = perf->n_in;

	perf->n_in = 0;
	switch (perf->hears) {
	case HEARS_STATES: heard(perf, (enum perf_state)(int8_t)perf->in[0]); return;
	case HEARS_LENGTH:
		perf->wanted = get32(perf->in);
		perf->hears = HEARS_MESSAGE;
		if (perf->wanted == 0 || perf->wanted > sizeof perf->in)
			perf_fail(perf, -TERN_EPROTO, "the peer announces a message of %u bytes", perf->wanted);
		return;
	case HEARS_MESSAGE:
		perf->hears = HEARS_STATES;
		if (perf->settings->server)
			perf_server_message(perf, (struct json_piece){ (const char *)perf->in, n });
		else
			perf_client_message(perf, (struct json_piece){ (const char *)perf->in, n });
		return;
	case HEARS_ERROR:
		perf_fail(perf, -TERN_EPROTO, "the server refuses (iperf3's error %u)", get32(perf->in));
		return;
	}
}

static size_t how_many(const struct perf *perf)
{
	switch (perf->hears) {
	case HEARS_LENGTH: return LENGTH;
	case HEARS_MESSAGE: return perf->wanted;
	case HEARS_ERROR: return ERROR;
	default: return 1;
	}
}

void perf_read_control(struct perf *perf)
{
	while (perf->has_control && perf->error == 0 && !perf->over) {
		const ptrdiff_t n = tern_receive(perf->host, perf->control, perf->in + perf->n_in,
						 how_many(perf) - perf->n_in);
		if (n == -TERN_EAGAIN)
			return;
		if (n == 0)
			perf_fail(perf, -TERN_EPIPE, "the %s closed the control connection",
				  perf->settings->server ? "client" : "server");
		else if (n < 0)
			perf_fail(perf, (int)n, "the control connection: %s", tern_strerror((int)n));
		if (n <= 0)
			return;
		perf->n_in += (size_t)n;
		if (perf->n_in == how_many(perf))
			take(perf);
	}
}
