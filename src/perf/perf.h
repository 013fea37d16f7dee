/* tern perf: how fast TCP is between a host of tern's and another, which is tern perf too, or iperf3.
 *
 * Theory of operation. The protocol is iperf3's (there is no paper on it; its sources are what it is, version 3.1 on).
 * A client opens a control connection and sends a cookie of 37 bytes. Then the server leads, by bytes that name states
 * (enum perf_state):
 *
 *	server                          client
 *	PARAM_EXCHANGE          ->
 *	                        <-      length (4 bytes), parameters (JSON)
 *	CREATE_STREAMS          ->
 *	                        <-      the streams' connections one after another, each begun with the same cookie
 *	TEST_START, TEST_RUNNING ->
 *	                   the test itself
 *	                        <-      TEST_END
 *	EXCHANGE_RESULTS        ->
 *	                        <-      length, results
 *	length, results         ->
 *	DISPLAY_RESULTS         ->
 *	                        <-      IPERF_DONE
 *
 * A side that is interrupted says CLIENT_TERMINATE or SERVER_TERMINATE. A server runs one test at a time, and answers
 * others with ACCESS_DENIED. Streams are known by their order: 1, 3, 4, 5 ... (sic); where both sides send, those that
 * the client sends come first.
 *
 * Everything is driven by events of the host: a stream that can send is filled, one that can be read is emptied, from
 * within the event, so that what is sent takes the ACKs with it. All that a peer can make grow is bounded: messages by
 * PERF_MESSAGE, streams by PERF_STREAMS, connections that have not said their cookie by PERF_GUESTS and PERF_PATIENCE.
 *
 * Left out: UDP and SCTP tests, authentication, a server's output at its client (--get-server-output).
 */
#ifndef PERF_PERF_H
#define PERF_PERF_H

#include <signal.h>
#include <stdio.h>
#include <tern/device.h>
#include <tern/loop.h>

#include "perf/json.h"

enum {
	PERF_PORT = 5201,
	PERF_COOKIE = 37,	 /* 36 letters and a zero */
	PERF_PARALLEL = 128,	 /* streams each way */
	PERF_STREAMS = 2 * PERF_PARALLEL,
	PERF_GUESTS = PERF_STREAMS + 8,
	PERF_MESSAGE = 256 << 10, /* bytes of a message */
	PERF_BLOCK = 128 << 10,	 /* octets given to one call */
	PERF_BLOCK_MOST = 1 << 20,
	PERF_CONTROLLER = 32,
};

static const tern_time PERF_PATIENCE = 30 * TERN_SECOND; /* for the next step of the protocol */

enum perf_state {
	PERF_TEST_START = 1,
	PERF_TEST_RUNNING = 2,
	PERF_TEST_END = 4,
	PERF_PARAM_EXCHANGE = 9,
	PERF_CREATE_STREAMS = 10,
	PERF_SERVER_TERMINATE = 11,
	PERF_CLIENT_TERMINATE = 12,
	PERF_EXCHANGE_RESULTS = 13,
	PERF_DISPLAY_RESULTS = 14,
	PERF_IPERF_START = 15,
	PERF_IPERF_DONE = 16,
	PERF_ACCESS_DENIED = -1,
	PERF_SERVER_ERROR = -2,
};

/* What the command line says. */
struct perf_settings {
	bool	    server, one_off, json, zerocopy;
	const char *host; /* as it was given */
	const char *version; /* "tern 0.1.0" */
	struct tern_addr remote;
	uint16_t    port;
	tern_time   connect_timeout, interval; /* interval 0: no lines but the last ones */
	FILE	   *to;
};

/* What the two agree on: the client says it. */
struct perf_test {
	bool	 reverse, bidirectional, nodelay;
	uint32_t time;	   /* seconds; 0: until `bytes` are through */
	uint32_t omit;	   /* seconds at the beginning that do not count */
	uint32_t parallel; /* streams each way */
	uint32_t block;	   /* octets given to one call */
	uint32_t mss;	   /* 0: as the link has it */
	uint32_t window;   /* bytes of the buffers; 0: they grow by need */
	uint64_t bytes;	   /* over all streams; 0: until the time is up */
	uint64_t rate;	   /* bits per second of a stream; 0: no limit */
	char	 controller[PERF_CONTROLLER]; /* "": the host's */
};

/* What a stream came to at one of its ends. */
struct perf_count {
	uint64_t bytes;
	int64_t	 retransmits; /* -1: not known */
	double	 seconds;
};

struct perf_stream {
	tern_socket socket;
	bool	    open, sends;
	unsigned    id;
	struct tern_tuple tuple;
	uint64_t    bytes, bytes_omitted, bytes_before; /* in all; before the test counted; before this interval */
	uint32_t    retransmits_omitted, retransmits_before;
	uint32_t    cwnd_most, wnd_most;
	tern_time   rtt_least, rtt_most, rtt_sum;
	uint32_t    n_rtt;
	struct tern_status status;   /* the last one had */
	struct perf_count  peer;     /* what the other end says */
	bool	    has_peer;
};

/* Who has connected to a server and not said yet what for. */
struct perf_guest {
	bool	    used;
	tern_socket socket;
	uint8_t	    cookie[PERF_COOKIE];
	unsigned    n;
	tern_time   until;
};

/* Processor time of this process, in seconds. */
struct perf_cpu {
	double user, system;
};

struct perf {
	const struct perf_settings *settings;
	tern_loop *loop;
	tern_host *host;
	const struct tern_link *device;
	struct json_writer json;
	enum { REPORT_NONE, REPORT_START, REPORT_INTERVALS } reported; /* what of the JSON stands open */

	struct perf_test test;
	enum perf_state	 state;
	bool		 over, running, counting; /* running: streams move; counting: and not only to warm up */
	int		 error;			  /* what ended the test; `why` says it */
	char		 why[160];

	tern_socket control, listener;
	bool	    has_control, has_listener;
	enum { HEARS_STATES, HEARS_LENGTH, HEARS_MESSAGE, HEARS_ERROR } hears;
	uint8_t	    cookie[PERF_COOKIE];
	uint8_t	    in[PERF_MESSAGE], out[PERF_MESSAGE];
	size_t	    n_in, n_out, out_sent;
	uint32_t    wanted; /* bytes of the message that is coming */
	int	    broken; /* a stream's error, for which the other side may have a word until then */
	unsigned    broken_id;
	tern_time   broken_until;
	tern_time   patience; /* until when the next step has to come; TERN_NEVER */

	unsigned	   n_streams, n_wanted; /* open or opening; that there will be */
	struct perf_stream stream[PERF_STREAMS];
	struct perf_guest  guest[PERF_GUESTS];

	tern_time began, until, interval_began, interval_at, omit_until, ended;
	unsigned  n_tests;
	struct perf_cpu cpu_before;
	double	  cpu[2][3]; /* ours, theirs; per cent of one processor: total, user, system */
	uint8_t  *block;     /* PERF_BLOCK_MOST bytes: sent from and received to */
};

/* Runs it to its end: 0, -TERN_E..., or 128 and the number of the signal that ended it (`interrupted` is set by the
 * program's handler). What failed stands in why. Link, loop and host stay the caller's; device may be asked for its
 * error. */
int perf_run(const struct perf_settings *settings, const struct perf_test *test, tern_loop *loop, tern_host *host,
	     const struct tern_link *device, const volatile sig_atomic_t *interrupted, char *why, size_t room);

/* ---- what its files share ---- */

/* control.c: the control connection. */
void perf_say(struct perf *perf, enum perf_state state);
void perf_say_bytes(struct perf *perf, const void *from, size_t n);
void perf_flush_control(struct perf *perf);
/* Reads what has come, and hands it out piece by piece: a state's byte, or a message where one is wanted. */
void perf_read_control(struct perf *perf);
void perf_send_parameters(struct perf *perf);
bool perf_take_parameters(struct perf *perf, struct json_piece message);
void perf_send_results(struct perf *perf);
bool perf_take_results(struct perf *perf, struct json_piece message);
void perf_fail(struct perf *perf, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* client.c and server.c: what a state's byte, a message, an event of a listener or a new connection means. */
void perf_client_start(struct perf *perf);
void perf_client_connected(struct perf *perf, uint64_t cookie);
void perf_client_heard(struct perf *perf, enum perf_state state);
void perf_client_message(struct perf *perf, struct json_piece message);
void perf_client_end(struct perf *perf); /* the time is up, or the bytes are through */
void perf_server_start(struct perf *perf);
void perf_server_accept(struct perf *perf);
void perf_server_guest(struct perf *perf, unsigned i); /* it can be read, or has gone */
void perf_server_heard(struct perf *perf, enum perf_state state);
void perf_server_message(struct perf *perf, struct json_piece message);
tern_time perf_server_tend(struct perf *perf); /* drops who is too slow; when to look again */
void perf_server_again(struct perf *perf);     /* the test is over: the next may come */

/* stream.c: the test itself. */
enum { PERF_COOKIE_CONTROL = 1, PERF_COOKIE_LISTENER, PERF_COOKIE_GUEST = 1 << 10, PERF_COOKIE_STREAM = 1 << 20 };
struct perf_stream *perf_add_stream(struct perf *perf, tern_socket socket); /* the next one; open */
void perf_set_up_socket(struct perf *perf, tern_socket socket); /* what has to stand before the handshake */
void perf_begin(struct perf *perf);
void perf_move(struct perf *perf, struct perf_stream *stream); /* sends or receives what can be */
void perf_note_status(struct perf *perf);
void perf_end(struct perf *perf);			       /* counts no further; the processor time is known */
void perf_close_streams(struct perf *perf);
tern_time perf_tend(struct perf *perf); /* intervals, the end of what is omitted; when to look again */
uint64_t  perf_bytes(const struct perf *perf); /* of all streams, that count */
struct perf_count perf_counted(const struct perf *perf, const struct perf_stream *stream);

/* report.c: for readers, or as JSON. */
void report_begin(struct perf *perf);
void report_connected(struct perf *perf);
void report_interval(struct perf *perf, tern_time from, tern_time to);
void report_end(struct perf *perf);
void report_failure(struct perf *perf, const char *why);

#endif
