#include "path.h"
#include "bench.h"
#include <string.h>

enum { SENDER, RECEIVER, BATCH = 64, PIECE = 65536, PORT = 5001, HEADERS = 52 /* IPv4, TCP, timestamps */ };

static uint8_t piece[PIECE];

const char *const bench_controllers[] = { "reno", "cubic", "bbr" };
const unsigned bench_n_controllers = sizeof bench_controllers / sizeof *bench_controllers;

bool bench_is_model_based(const char *controller)
{
	return strcmp(controller, "bbr") == 0;
}

static void still_there(void *context, const void *from, size_t n)
{
	(void)context;
	(void)from;
	(void)n;
}

static tern_host *make_host(struct path *path, int number)
{
	const struct path_settings *const settings = &path->settings;
	struct tern_config config;
	struct tern_addr   addr;
	tern_host	  *host;
	uint8_t		   link;

	tern_config_default(&config);
	config.allocator = *tern_allocator_default();
	config.secret[0] = (uint8_t)(number + 1);
	config.secret[1] = (uint8_t)settings->forward.seed;
	config.memory_limit = (size_t)4 << 30;
	if (settings->window > config.receive_buffer_max)
		config.receive_buffer_max = settings->window;
	if (settings->window > config.send_buffer_max)
		config.send_buffer_max = settings->window;
	config.receive_buffer = settings->window;
	bench_need(tern_host_create(&host, &config, 0), "a host");
	bench_need(tern_host_add_link(host, &path->end[number]->config, &link), "a link");
	bench_need(tern_addr_parse(&addr, number == SENDER ? "10.0.0.1" : "10.0.0.2"), "an address");
	bench_need(tern_host_add_address(host, link, &addr, 24), "an address");
	return host;
}

static void on_fate(void *context, uint64_t n, const tern_packet *packet, enum tern_fate fate, tern_time arrives)
{
	struct path *const path = context;
	struct path_queue *const queue = &path->queue;
	const tern_time waited = arrives == TERN_NEVER ? 0 : arrives - path->now - path->settings.forward.delay;

	(void)n;
	(void)packet;
	if (fate == TERN_FATE_QUEUE_FULL || fate == TERN_FATE_LOST) {
		queue->lost++;
		if (queue->first_loss == TERN_NEVER)
			queue->first_loss = path->now;
		return;
	}
	if (fate != TERN_FATE_DELIVERED)
		return;
	queue->packets++;
	queue->sum += (double)waited / 1e9;
	queue->most = waited > queue->most ? waited : queue->most;
}

void path_create(struct path *path, const struct path_settings *settings)
{
	const struct tern_listen listen = { .any = true, .backlog = PATH_FLOWS_MAX };
	const struct tern_link_config line = { .mtu = settings->mtu ? settings->mtu : 1500 };
	const struct tern_impair back = { .delay = settings->back, .limit = 65535 };
	struct tern_link *end[2];

	*path = (struct path){ .settings = *settings, .queue = { .first_loss = TERN_NEVER } };
	path->settings.mtu = line.mtu;
	path->settings.forward.fate = on_fate;
	path->settings.forward.context = path;
	bench_need(tern_pair_create(end, &line, tern_allocator_default()), "a pair");
	bench_need(tern_impair_create(&path->end[SENDER], end[SENDER], &path->settings.forward,
				      tern_allocator_default()), "the bottleneck");
	bench_need(tern_impair_create(&path->end[RECEIVER], end[RECEIVER], &back, tern_allocator_default()),
		   "the way back");
	for (int i = 0; i < 2; i++)
		path->host[i] = make_host(path, i);
	bench_need(tern_listen(path->host[RECEIVER], &listen, &path->listener), "a listener");
}

void path_destroy(struct path *path)
{
	for (int i = 0; i < 2; i++)
		path->end[i]->ops->close(path->end[i]);
	for (int i = 0; i < 2; i++)
		tern_host_destroy(path->host[i]);
}

unsigned path_open(struct path *path, const char *congestion_control, uint64_t octets)
{
	struct tern_open open = { .remote.port = PORT, .cookie = path->n_flows };
	struct path_flow *const flow = &path->flow[path->n_flows];

	if (path->n_flows == PATH_FLOWS_MAX)
		bench_fail("more than %d flows", PATH_FLOWS_MAX);
	*flow = (struct path_flow){ .left = octets, .began = path->now, .ended = TERN_NEVER };
	bench_need(tern_addr_parse(&open.remote.addr, "10.0.0.2"), "an address");
	bench_need(tern_connect(path->host[SENDER], &open, &flow->from), "a connection");
	bench_need(tern_set_congestion_control(path->host[SENDER], flow->from, congestion_control),
		   congestion_control);
	bench_need(tern_option_set(path->host[SENDER], flow->from, TERN_SEND_BUFFER, path->settings.window),
		   "a buffer");
	return path->n_flows++;
}

static void feed(struct path *path, struct path_flow *flow)
{
	while (flow->connected && flow->left > 0) {
		const size_t want = flow->left < PIECE ? (size_t)flow->left : PIECE;
		const ptrdiff_t took =
			tern_send_owned(path->host[SENDER], flow->from, piece, want, 0, still_there, NULL);

		if (took == -TERN_EAGAIN)
			return;
		bench_need((int)took, "sending");
		if (flow->left != UINT64_MAX)
			flow->left -= (uint64_t)took;
	}
	if (flow->connected && !flow->shut) {
		bench_need(tern_shutdown(path->host[SENDER], flow->from), "shutdown");
		flow->shut = true;
	}
}

static void drain(struct path *path, struct path_flow *flow)
{
	const uint8_t *at;

	for (;;) {
		const ptrdiff_t n = tern_peek(path->host[RECEIVER], flow->to, 0, &at);

		if (n == -TERN_EAGAIN)
			return;
		bench_need((int)n, "receiving");
		if (n == 0)
			break;
		flow->received += (uint64_t)n;
		bench_need(tern_consume(path->host[RECEIVER], flow->to, (size_t)n), "receiving");
	}
	if (flow->ended == TERN_NEVER) {
		flow->ended = path->now;
		tern_close(path->host[RECEIVER], flow->to);
		tern_close(path->host[SENDER], flow->from);
	}
}

static void take_new(struct path *path)
{
	tern_socket socket;

	while (tern_accept(path->host[RECEIVER], path->listener, &socket) == 0) {
		path->flow[path->n_accepted].to = socket;
		path->flow[path->n_accepted].accepted = true;
		tern_set_cookie(path->host[RECEIVER], socket, 1 + path->n_accepted);
		drain(path, &path->flow[path->n_accepted++]);
	}
}

static void serve(struct path *path)
{
	struct tern_event event;

	while (tern_host_event(path->host[SENDER], &event)) {
		struct path_flow *const flow = &path->flow[event.cookie];

		if (event.ready & TERN_ERROR && flow->ended == TERN_NEVER)
			bench_fail("a flow ended: %s",
				   tern_strerror(tern_socket_error(path->host[SENDER], flow->from)));
		flow->connected |= (event.ready & TERN_CONNECTED) != 0;
		if (flow->ended == TERN_NEVER)
			feed(path, flow);
	}
	while (tern_host_event(path->host[RECEIVER], &event)) {
		if (event.ready & TERN_ACCEPT)
			take_new(path);
		else if (event.cookie > 0 && path->flow[event.cookie - 1].ended == TERN_NEVER)
			drain(path, &path->flow[event.cookie - 1]);
	}
}

/* What a host has to send goes to its link; what its link has goes to it. Packets moved. */
static size_t carry(struct path *path, int i)
{
	tern_packet *batch[BATCH];
	size_t n = tern_host_output(path->host[i], batch, BATCH, path->now), all = n;

	if (n > 0 && path->end[i]->ops->send(path->end[i], batch, n, path->now) != n)
		bench_fail("the link is full");
	while ((n = path->end[i]->ops->receive(path->end[i], batch, BATCH, path->now)) > 0) {
		tern_host_input(path->host[i], batch, n, path->now);
		all += n;
	}
	return all;
}

static tern_time next(const struct path *path)
{
	tern_time at = TERN_NEVER;

	for (int i = 0; i < 2; i++) {
		const tern_time host = tern_host_deadline(path->host[i]);
		const tern_time link = path->end[i]->ops->deadline(path->end[i]);

		at = host < at ? host : at;
		at = link < at ? link : at;
	}
	return at;
}

static void settle(struct path *path)
{
	do
		serve(path);
	while (carry(path, SENDER) + carry(path, RECEIVER) > 0);
	serve(path);
}

/* One step in time, not beyond `until`. False: that is reached. */
static bool step(struct path *path, tern_time until)
{
	const tern_time at = next(path);

	if (at >= until) {
		path->now = until;
		return false;
	}
	path->now = at > path->now ? at : path->now;
	for (int i = 0; i < 2; i++)
		tern_host_advance(path->host[i], path->now);
	settle(path);
	return true;
}

void path_run(struct path *path, tern_time until)
{
	settle(path);
	while (step(path, until))
		;
}

void path_run_flow(struct path *path, unsigned flow, tern_time latest)
{
	settle(path);
	while (path->flow[flow].ended == TERN_NEVER && step(path, latest))
		;
}

void path_watch_queue(struct path *path)
{
	const tern_time first_loss = path->queue.first_loss;

	path->queue = (struct path_queue){ .first_loss = first_loss };
}

void path_status(const struct path *path, unsigned flow, struct tern_status *status)
{
	bench_need(tern_status(path->host[SENDER], path->flow[flow].from, status), "status");
}

double path_ceiling(const struct path *path)
{
	const struct tern_impair *const set = &path->settings.forward;

	return (double)set->rate * (path->settings.mtu - HEADERS) / path->settings.mtu;
}

uint32_t path_buffer(double products, uint64_t rate, tern_time rtt, uint32_t mtu)
{
	const double packets = products * (double)rate * ((double)rtt / 1e9) / mtu;

	return packets < 2 ? 2 : (uint32_t)packets;
}
