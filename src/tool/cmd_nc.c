/* tern nc: standard input and output on one TCP connection, over a TUN or TAP device.
 *
 * Everything is driven by the loop: standard input is read while the connection has room, standard output is
 * written while it takes, so that either side's slowness reaches the other through the window. Descriptors that
 * are ours by inheritance are left as they are (blocking, for whoever shares them): a read follows only poll's
 * word; a pipe is opened once more to be written to without waiting.
 *
 * It ends when both directions have: the peer's FIN has come and ours is acknowledged (or the peer's TIME-WAIT
 * holds the rest), or when the connection breaks.
 */
#include "tool/nc.h"
#include "tool/tool.h"
#include "watch/live.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PIECE = 65536, PIECES = 32 };

struct nc {
	const struct nc_options *options;
	tern_loop *loop;
	tern_host *host;
	tern_socket socket, listener;
	bool connected, over;
	bool input_ready, input_watched, input_ended; /* ended: and what was read is sent */
	bool output_ready, output_watched, output_ended;
	enum { OUTPUT_WAITS_NOT, OUTPUT_SOCKET, OUTPUT_BY_PIECES } output_kind;
	int output;
	uint8_t held[PIECE]; /* read, not yet taken by the connection */
	size_t held_at, held_n;
	FILE *drawing; /* --watch */
	struct live live;
	int error;	     /* what broke the connection */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

/* ---- words ---- */

static void say(const struct nc *nc, const char *what, const struct tern_tuple *tuple)
{
	char local[46], remote[46];
	if (nc->options->verbose)
		(void)fprintf(stderr, "tern: nc: %s %s port %u from %s port %u\n", what,
			      tern_addr_format(&tuple->remote, remote), tuple->remote_port,
			      tern_addr_format(&tuple->local, local), tuple->local_port);
}

static void say_end(const struct nc *nc)
{
	struct tern_status status;
	if (!nc->options->verbose || tern_status(nc->host, nc->socket, &status) != 0)
		return;
	(void)fprintf(stderr,
		      "tern: nc: %s: %" PRIu64 " octets out, %" PRIu64 " in; %" PRIu32 " segments out, %" PRIu32
		      " in, %" PRIu32 " retransmitted; MSS %u, SRTT %.3f ms\n",
		      tern_state_name(status.state), status.bytes_sent, status.bytes_received, status.segments_out,
		      status.segments_in, status.retransmits_total, (unsigned)status.snd_mss,
		      (double)status.srtt / 1e6);
}

/* ---- the drawing ---- */

static void on_watch(void *context, const struct tern_watch_event *event)
{
	live_event(&((struct nc *)context)->live, event);
}

/* On a stream of its own, so that a row is one write. 0 or -errno. */
static int open_drawing(struct nc *nc)
{
	const int copy = dup(STDERR_FILENO);
	const struct live_options options = {
		.columns = tool_terminal_columns(),
		.ascii = tool_terminal_is_ascii(),
	};
	nc->drawing = copy >= 0 ? fdopen(copy, "w") : NULL;
	if (nc->drawing == NULL)
		return -errno;
	(void)setvbuf(nc->drawing, NULL, _IOFBF, 1 << 16);
	live_init(&nc->live, nc->drawing, NULL, &options, "peer", "tern");
	return 0;
}

static void close_drawing(struct nc *nc)
{
	if (nc->drawing == NULL)
		return;
	tern_host_set_watcher(nc->host, NULL);
	live_done(&nc->live);
	(void)fclose(nc->drawing);
}

static int turn(struct nc *nc, tern_time wait)
{
	const int result = tern_loop_turn(nc->loop, wait);
	if (nc->drawing != NULL)
		live_flush(&nc->live, tern_host_now(nc->host));
	return result;
}

/* ---- input to connection ---- */

static void on_input(void *context, short revents)
{
	struct nc *const nc = context;
	(void)revents;
	nc->input_ready = true;
}

static void watch_input(struct nc *nc, bool wanted)
{
	if (nc->input_watched == wanted)
		return;
	if (tern_loop_watch_fd(nc->loop, STDIN_FILENO, wanted ? POLLIN : 0, on_input, nc) == 0)
		nc->input_watched = wanted;
}

static void end_input(struct nc *nc)
{
	nc->input_ended = true;
	watch_input(nc, false);
	if (nc->options->shutdown_at_end)
		(void)tern_shutdown(nc->host, nc->socket);
}

/* True: all that was read is with the connection. */
static bool send_held(struct nc *nc)
{
	while (nc->held_n > 0) {
		const ptrdiff_t n = tern_send(nc->host, nc->socket, nc->held + nc->held_at, nc->held_n, 0);
		if (n == -TERN_EAGAIN)
			return false;
		if (n < 0) { /* the error itself comes as an event */
			nc->held_n = 0;
			nc->input_ended = true;
			watch_input(nc, false);
			return false;
		}
		nc->held_at += (size_t)n;
		nc->held_n -= (size_t)n;
	}
	return true;
}

static bool pump_in(struct nc *nc)
{
	bool moved = false;
	while (!nc->input_ended && send_held(nc) && nc->input_ready) {
		nc->input_ready = false;
		const ssize_t n = read(STDIN_FILENO, nc->held, sizeof nc->held);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			break;
		if (n <= 0) {
			end_input(nc);
			return true;
		}
		nc->held_at = 0;
		nc->held_n = (size_t)n;
		moved = true;
	}
	if (!nc->input_ended)
		watch_input(nc, nc->held_n == 0 && nc->connected);
	return moved;
}

/* ---- connection to output ---- */

static void on_output(void *context, short revents)
{
	struct nc *const nc = context;
	(void)revents;
	nc->output_ready = true;
}

static void watch_output(struct nc *nc, bool wanted)
{
	if (nc->output_watched == wanted)
		return;
	if (tern_loop_watch_fd(nc->loop, nc->output, wanted ? POLLOUT : 0, on_output, nc) == 0)
		nc->output_watched = wanted;
}

/* How to write without ever being held up: files never do that, a socket has a flag for it, a pipe can be opened
 * again. What is left (terminals) takes a little at a time when poll says so. */
static void open_output(struct nc *nc)
{
	struct stat output;
	nc->output = STDOUT_FILENO;
	nc->output_kind = OUTPUT_BY_PIECES;
	if (fstat(STDOUT_FILENO, &output) != 0)
		return;
	if (S_ISSOCK(output.st_mode)) {
		nc->output_kind = OUTPUT_SOCKET;
	} else if (S_ISFIFO(output.st_mode)) {
		const int again = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
		if (again < 0)
			return;
		nc->output = again;
		nc->output_kind = OUTPUT_WAITS_NOT;
	} else if (!isatty(STDOUT_FILENO)) {
		nc->output_kind = OUTPUT_WAITS_NOT;
	}
}

/* Bytes written; 0: no room; -1: nobody reads any more. */
static ssize_t write_some(const struct nc *nc, struct iovec *pieces, size_t n)
{
	struct pollfd poll_out = { .fd = nc->output, .events = POLLOUT };
	const struct msghdr message = { .msg_iov = pieces, .msg_iovlen = n };
	ssize_t wrote;
	switch (nc->output_kind) {
	case OUTPUT_SOCKET: wrote = sendmsg(nc->output, &message, MSG_DONTWAIT | MSG_NOSIGNAL); break;
	case OUTPUT_BY_PIECES:
		if (poll(&poll_out, 1, 0) == 0)
			return 0;
		wrote = write(nc->output, pieces->iov_base,
			      pieces->iov_len < PIPE_BUF ? pieces->iov_len : PIPE_BUF);
		break;
	default: wrote = writev(nc->output, pieces, (int)n);
	}
	if (wrote < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -1;
	return wrote;
}

static void end_output(struct nc *nc)
{
	nc->output_ended = true;
	watch_output(nc, false);
}

/* The text that is there to be read, as it lies; or as tern_peek() where there is none. */
static ptrdiff_t look(const struct nc *nc, struct iovec pieces[PIECES])
{
	size_t n = 0, skip = 0;
	for (;;) {
		const uint8_t *at;
		const ptrdiff_t got = tern_peek(nc->host, nc->socket, skip, &at);
		if (got <= 0)
			return n > 0 ? (ptrdiff_t)n : got;
		pieces[n++] = (struct iovec){ .iov_base = (void *)(uintptr_t)at, .iov_len = (size_t)got };
		if (n == PIECES)
			return PIECES;
		skip += (size_t)got;
	}
}

static bool pump_out(struct nc *nc)
{
	struct iovec pieces[PIECES];
	bool moved = false;
	while (!nc->output_ended) {
		const ptrdiff_t n = look(nc, pieces);
		if (n == -TERN_EAGAIN)
			break;
		if (n <= 0) { /* the peer has no more to say, or the connection broke */
			end_output(nc);
			break;
		}
		const ssize_t wrote = write_some(nc, pieces, (size_t)n);
		if (wrote == 0) {
			watch_output(nc, true);
			return moved;
		}
		if (wrote < 0) {
			(void)tool_failed("nc", "cannot write the output: %s", strerror(errno));
			end_output(nc);
			nc->error = -EPIPE;
			break;
		}
		(void)tern_consume(nc->host, nc->socket, (size_t)wrote);
		moved = true;
	}
	watch_output(nc, false);
	return moved;
}

/* ---- the connection ---- */

static void on_event(void *context, tern_host *host, const struct tern_event *event)
{
	struct nc *const nc = context;
	struct tern_tuple tuple;
	if (event->ready & TERN_ACCEPT && !nc->connected) {
		if (tern_accept(host, event->socket, &nc->socket) != 0)
			return;
		(void)tern_close(host, nc->listener); /* one connection: the next caller is refused */
		nc->connected = true;
		if (tern_name(host, nc->socket, &tuple) == 0)
			say(nc, "connection of", &tuple);
		return;
	}
	if (memcmp(&event->socket, &nc->socket, sizeof nc->socket) != 0)
		return;
	if (event->ready & TERN_CONNECTED && !nc->connected) {
		nc->connected = true;
		if (tern_name(host, nc->socket, &tuple) == 0)
			say(nc, "connected to", &tuple);
	}
	if (event->ready & TERN_ERROR)
		nc->error = tern_socket_error(host, nc->socket);
	if (event->ready & (TERN_ERROR | TERN_CLOSED))
		nc->over = true;
}

static int start(struct nc *nc)
{
	const struct nc_options *const options = nc->options;
	if (options->listen)
		return tern_listen(nc->host, &(struct tern_listen){ .local.port = options->port, .backlog = 1 },
				   &nc->listener);
	const struct tern_open open = { .remote = { .addr = options->remote, .port = options->port } };
	return tern_connect(nc->host, &open, &nc->socket);
}

/* Both directions are through: what is left is the FINs' business. */
static void let_go(struct nc *nc)
{
	if (nc->output_ended && nc->input_ended)
		(void)tern_shutdown(nc->host, nc->socket);
}

/* Sends what is still on its way through an impaired link, the last ACK too. */
static void settle(struct nc *nc)
{
	const tern_time until = tern_loop_now(nc->loop) + nc->options->settle;
	do
		(void)turn(nc, 10 * TERN_MILLISECOND);
	while (tern_loop_now(nc->loop) < until);
}

static int run(struct nc *nc, const struct tern_link *link)
{
	const tern_time limit = nc->options->timeout;
	const tern_time until = limit == TERN_NEVER ? TERN_NEVER : tern_loop_now(nc->loop) + limit;
	while (!nc->over && nc->error == 0) {
		const tern_time wait = until == TERN_NEVER || nc->connected ? TERN_SECOND
									    : until - tern_loop_now(nc->loop);
		if (wait <= 0)
			nc->error = -TERN_ETIMEDOUT;
		else if (turn(nc, wait) < 0 || tern_device_error(link) != 0)
			nc->error = tern_device_error(link) != 0 ? tern_device_error(link) : -TERN_ENOMEM;
		if (interrupted)
			return 128 + interrupted;
		if (!nc->connected)
			continue;
		(void)pump_out(nc);
		(void)pump_in(nc);
		let_go(nc);
	}
	while (nc->connected && nc->error == 0 && !nc->output_ended) /* CLOSED with text left: to a slow reader */
		if (!pump_out(nc) && !nc->output_ended)
			(void)turn(nc, TERN_SECOND);
	return nc->error == 0 ? TOOL_OK : tool_failed("nc", "%s", tern_strerror(nc->error));
}

static int talk(struct nc *nc, const struct tern_link *link)
{
	open_output(nc);
	int error = tern_loop_on_event(nc->loop, nc->host, on_event, nc);
	if (error == 0)
		error = start(nc);
	if (error != 0)
		return tool_failed("nc", "cannot %s: %s", nc->options->listen ? "listen" : "connect",
				   tern_strerror(error));
	if (nc->options->listen && nc->options->verbose)
		(void)fprintf(stderr, "tern: nc: listening on port %u\n", nc->options->port);
	const int code = run(nc, link);
	say_end(nc);
	if (nc->over && nc->error == 0)
		(void)tern_close(nc->host, nc->socket);
	else
		(void)tern_abort(nc->host, nc->socket);
	settle(nc);
	close_drawing(nc);
	return code;
}

/* ---- making ---- */

static int make_host(struct nc *nc, struct tern_link *link)
{
	const struct nc_options *const options = nc->options;
	struct tern_config config;
	tern_config_default(&config);
	config.allocator = *tern_allocator_default();
	config.ecn = (uint8_t)options->ecn;
	config.no_ecn = options->ecn == TERN_ECN_OFF;
	if (getrandom(config.secret, sizeof config.secret, 0) != (ssize_t)sizeof config.secret)
		return -errno;
	if (options->watch)
		config.watcher = (struct tern_watcher){ on_watch, nc };
	int error = options->watch ? open_drawing(nc) : 0;
	if (error == 0)
		error = tern_host_create(&nc->host, &config, tern_loop_now(nc->loop));
	if (error != 0) {
		link->ops->close(link);
		return error;
	}
	return dev_join(&options->dev, nc->loop, nc->host, link);
}

static int with_link(const struct nc_options *options, struct tern_link *link)
{
	static struct nc nc;
	const struct tern_link *const device = link;
	nc = (struct nc){ .options = options };
	int error = tern_loop_create(&nc.loop, TERN_CLOCK_REAL);
	if (error == 0 && options->impaired)
		error = dev_impair(&link, &options->impair);
	if (error != 0)
		link->ops->close(link);
	else
		error = make_host(&nc, link);
	const int code = error == 0 ? talk(&nc, device)
				    : tool_failed("nc", "cannot make the host: %s", tern_strerror(error));
	tern_loop_destroy(nc.loop);
	if (nc.host != NULL)
		tern_host_destroy(nc.host);
	return code;
}

int tool_nc(int n, char *const arguments[])
{
	struct nc_options options;
	struct tern_link *link;
	char why[256];
	if (!nc_options_parse(&options, n, arguments, why, sizeof why))
		return tool_wrong("nc", "%s", why);
	if (options.help) {
		nc_help(stdout);
		return tool_flushed("nc") ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
	}
	if (!dev_open(&options.dev, &link, why, sizeof why))
		return tool_failed("nc", "%s", why);
	struct sigaction action = { .sa_handler = on_signal };
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	action.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &action, NULL);
	return with_link(&options, link);
}
