/* A congestion controller of the program's own, beside Reno on the same bad path.
 *
 * It is Scalable TCP (Kelly, 2003): a hundredth of what is delivered is added to the window, an eighth of it
 * is taken away at a loss, so that it takes equally many round trips to be back, however large the window. */
#include <stdio.h>
#include <tern/tern.h>

/* What it needs to remember fits one word: octets delivered that have not yet grown the window. */
enum { DELIVERED, WORDS };

static void begin(struct tern_cc *cc)
{
	cc->state[DELIVERED] = 0;
}

static void ack(struct tern_cc *cc, const struct tern_cc_ack *ack)
{
	if (ack->in_recovery || !ack->cwnd_limited)
		return; /* an unused window proves nothing */
	if (cc->cwnd < cc->ssthresh) {
		cc->cwnd += ack->delivered;
		return;
	}
	cc->state[DELIVERED] += ack->delivered;
	cc->cwnd += (uint32_t)(cc->state[DELIVERED] / 100);
	cc->state[DELIVERED] %= 100;
}

static void loss(struct tern_cc *cc, const struct tern_cc_loss *loss)
{
	cc->ssthresh = loss->in_flight - loss->in_flight / 8;
	if (cc->ssthresh < 2 * cc->mss)
		cc->ssthresh = 2 * cc->mss;
	cc->cwnd = cc->ssthresh;
}

static const struct tern_cc_ops scalable = {
	.name = "scalable", .state_words = WORDS, .init = begin, .ack = ack, .loss = loss,
};

static const struct tern_cc_ops *const controllers[] = { &scalable };

static unsigned long long received;

static void reads(void *context, tern_host *host, const struct tern_event *event)
{
	char	  text[65536];
	ptrdiff_t n;

	(void)context;
	while ((n = tern_receive(host, event->socket, text, sizeof text)) > 0)
		received += (unsigned long long)n;
}

/* Ten simulated seconds over 100 Mbit/s, 50 ms each way, one packet in 2,000 lost. */
static double megabits(const char *congestion_control)
{
	static char		text[65536];
	struct tern_link_config wire = { .mtu = 1500 };
	struct tern_impair	path = { .delay = 50 * TERN_MILLISECOND, .loss = 0.0005, .rate = 12500000, .seed = 1 };
	struct tern_listen	listen = { .local.port = 80 };
	struct tern_open	open = { .remote.port = 80 };
	struct tern_config	config;
	struct tern_link       *end[2], *lossy;
	struct tern_addr	address;
	tern_host	       *alice, *bob;
	tern_socket		listener, from, to;
	tern_loop	       *loop;
	uint8_t			link;

	tern_config_default(&config);
	config.allocator = *tern_allocator_default();
	config.congestion_control = congestion_control; /* for one connection: tern_set_congestion_control() */
	config.controllers = controllers;
	config.n_controllers = sizeof controllers / sizeof controllers[0];

	tern_loop_create(&loop, TERN_CLOCK_VIRTUAL);
	tern_pair_create(end, &wire, tern_allocator_default());
	tern_impair_create(&lossy, end[0], &path, tern_allocator_default());
	tern_host_create(&alice, &config, tern_loop_now(loop));
	tern_loop_add(loop, alice, lossy, &link);
	tern_addr_parse(&address, "10.0.0.1");
	tern_host_add_address(alice, link, &address, 24);
	tern_loop_host(loop, end[1], "10.0.0.2/24", &bob);
	tern_addr_parse(&open.remote.addr, "10.0.0.2");

	tern_listen(bob, &listen, &listener);
	tern_connect_wait(loop, alice, &open, &from, TERN_SECOND);
	tern_accept_wait(loop, bob, listener, &to, TERN_SECOND);
	tern_loop_on_event(loop, bob, reads, NULL);
	received = 0;
	for (const tern_time stop = tern_loop_now(loop) + 10 * TERN_SECOND; tern_loop_now(loop) < stop;)
		tern_send_wait(loop, alice, from, text, sizeof text, TERN_SECOND);

	tern_loop_destroy(loop);
	tern_host_destroy(alice);
	tern_host_destroy(bob);
	return (double)received * 8 / 10 / 1e6;
}

int main(void)
{
	const double reno = megabits("reno"), own = megabits("scalable");

	printf("reno %.1f Mbit/s, scalable %.1f Mbit/s\n", reno, own);
	return own > reno ? 0 : 1;
}
