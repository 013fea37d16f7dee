#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <tern/tern.h>

enum { EXCHANGES = 50, LONG = 60, PAUSE = 20 * 1000 * 1000 /* ns */ };

/* ---- a link that has both: a bell to arm, and a descriptor below that never waits for it (link/steer.c) ---- */

struct fake {
	struct tern_link link;
	int		 fd;
	bool		 gives; /* what comes as a packet, which no host can read */
	unsigned	 armed, received; /* octets of the descriptor */
	char		 octets[8];
	tern_packet	 packet;
};

static struct fake *fake_of(const struct tern_link *link)
{
	return (struct fake *)(uintptr_t)link;
}

static size_t fake_send(struct tern_link *link, tern_packet *const batch[], size_t n, tern_time now)
{
	(void)link;
	(void)now;
	for (size_t i = 0; i < n; i++)
		tern_packet_done(batch[i]);
	return n;
}

static size_t fake_receive(struct tern_link *link, tern_packet *batch[], size_t room, tern_time now)
{
	struct fake *const fake = fake_of(link);
	const ssize_t	   n = read(fake->fd, fake->octets, sizeof fake->octets);

	(void)room;
	(void)now;
	if (n <= 0)
		return 0;
	fake->received += (unsigned)n;
	fake->packet = (tern_packet){ .part[0] = { .at = (const uint8_t *)fake->octets, .n = (uint32_t)n },
				      .n_parts = 1,
				      .len = (uint32_t)n };
	batch[0] = &fake->packet;
	return fake->gives;
}

static tern_time fake_deadline(const struct tern_link *link)
{
	(void)link;
	return TERN_NEVER;
}

static int fake_fd(const struct tern_link *link)
{
	return fake_of(link)->fd;
}

static bool fake_arm(struct tern_link *link)
{
	fake_of(link)->armed++;
	return false;
}

static void fake_close(struct tern_link *link)
{
	close(fake_of(link)->fd);
}

static const struct tern_link_ops fake_ops = {
	.name = "fake",
	.send = fake_send,
	.receive = fake_receive,
	.deadline = fake_deadline,
	.fd = fake_fd,
	.close = fake_close,
	.arm = fake_arm,
};

static void ignore(void *context, tern_host *host, const struct tern_event *event)
{
	(void)context;
	(void)host;
	(void)event;
}

/* What comes to the descriptor of such a link is seen by who looks about, not only by who sleeps. */
static void descriptor_of_a_link_with_a_bell_is_polled(void **state)
{
	struct fake fake = { .link = { .ops = &fake_ops, .config.mtu = 1500 } };
	tern_loop  *loop;
	tern_host  *host;
	int	    fd[2];

	(void)state;
	assert_int_equal(pipe2(fd, O_CLOEXEC | O_NONBLOCK), 0);
	fake.fd = fd[0];
	assert_int_equal(tern_loop_create(&loop, TERN_CLOCK_REAL), 0);
	assert_int_equal(tern_loop_host(loop, &fake.link, "10.0.0.1/24", &host), 0);
	assert_true(fake.armed > 0); /* so it knows that the loop arms */
	assert_int_equal(tern_loop_set_spin(loop, TERN_NEVER), 0);
	assert_int_equal(tern_loop_turn(loop, 0), 0);
	assert_int_equal(write(fd[1], "abc", 3), 3);
	const tern_time before = tern_loop_now(loop);
	assert_int_equal(tern_loop_turn(loop, LONG / 3 * TERN_SECOND), 1);
	assert_true(tern_loop_now(loop) - before < LONG / 6 * TERN_SECOND);
	assert_int_equal(fake.received, 3);
	tern_loop_destroy(loop);
	tern_host_destroy(host);
	close(fd[1]);
}

static void *write_later(void *context)
{
	const struct timespec pause = { .tv_nsec = PAUSE };

	while (nanosleep(&pause, NULL) != 0)
		;
	(void)!write(*(const int *)context, "a", 1);
	return NULL;
}

/* Whether every host has the time of the end of a sleep, whatever ended it. */
static bool every_host_hears_the_time(tern_time spin, unsigned n, bool gives)
{
	bool	    heard = true;
	struct fake fake = { .link = { .ops = &fake_ops, .config.mtu = 1500 }, .gives = gives };
	tern_loop  *loop;
	tern_host  *host[2];
	pthread_t   thread;
	int	    fd[2];

	assert_int_equal(pipe2(fd, O_CLOEXEC | O_NONBLOCK), 0);
	fake.fd = fd[0];
	assert_int_equal(tern_loop_create(&loop, TERN_CLOCK_REAL), 0);
	assert_int_equal(tern_loop_host(loop, &fake.link, "10.0.0.1/24", &host[0]), 0);
	if (n > 1) {
		struct tern_config config;

		tern_config_default(&config);
		config.allocator = *tern_allocator_default();
		assert_int_equal(tern_host_create(&host[1], &config, tern_loop_now(loop)), 0);
		assert_int_equal(tern_loop_on_event(loop, host[1], ignore, NULL), 0);
	}
	assert_int_equal(tern_loop_set_spin(loop, spin), 0);
	assert_int_equal(tern_loop_turn(loop, 0), 0);
	const tern_time before = tern_loop_now(loop);
	assert_int_equal(pthread_create(&thread, NULL, write_later, &fd[1]), 0);
	while (fake.received == 0)
		assert_true(tern_loop_turn(loop, LONG * TERN_SECOND) >= 0);
	for (unsigned i = 0; i < n; i++)
		heard = heard && tern_host_now(host[i]) >= before + PAUSE;
	assert_int_equal(pthread_join(thread, NULL), 0);
	tern_loop_destroy(loop);
	for (unsigned i = 0; i < n; i++)
		tern_host_destroy(host[i]);
	close(fd[1]);
	return heard;
}

/* Calls that follow a sleep act at the time of its end, at each host: one whose link had nothing for it after all, and
 * one that was not meant. Once in hundreds of times this thread loses its processor between asking the time and looking
 * at the link, and hears of what came meanwhile by the time before. */
static void every_host_hears_the_time_of_waking(void **state)
{
	enum { TRIES = 10 };

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		unsigned tries = 0;

		while (!every_host_hears_the_time(i & 4 ? TERN_NEVER : 0, 1 + i % 2, i & 2))
			assert_true(++tries < TRIES);
	}
}

/* ---- two threads ---- */

struct side {
	tern_loop	 *loop;
	tern_host	 *host;
	struct tern_link *end;
};

static void begin(struct side *side, struct tern_link *end, const char *address, tern_time spin)
{
	side->end = end;
	assert_int_equal(tern_loop_create(&side->loop, TERN_CLOCK_REAL), 0);
	assert_int_equal(tern_loop_host(side->loop, end, address, &side->host), 0);
	assert_int_equal(tern_loop_set_spin(side->loop, spin), 0);
}

static void answer(void *context, tern_host *host, const struct tern_event *event)
{
	tern_socket socket;
	char	    octet;

	(void)context;
	if (event->ready & TERN_ACCEPT)
		(void)tern_accept(host, event->socket, &socket);
	while (tern_receive(host, event->socket, &octet, 1) == 1)
		(void)tern_send(host, event->socket, &octet, 1, 0);
}

static void *serve(void *loop)
{
	(void)tern_loop_run(loop);
	return NULL;
}

static void stop(void *loop)
{
	tern_loop_stop(loop);
}

static void ask_and_hear(struct side *client, bool polls)
{
	struct tern_open open = { .remote.port = 7 };
	tern_socket	 socket;

	assert_int_equal(tern_addr_parse(&open.remote.addr, "10.0.0.2"), 0);
	assert_int_equal(tern_connect_wait(client->loop, client->host, &open, &socket, LONG * TERN_SECOND), 0);
	for (unsigned i = 0; i < EXCHANGES; i++) {
		char octet = (char)i;

		assert_int_equal(tern_send_wait(client->loop, client->host, socket, &octet, 1, LONG * TERN_SECOND), 1);
		octet = 'x';
		assert_int_equal(tern_receive_wait(client->loop, client->host, socket, &octet, 1, LONG * TERN_SECOND),
				 1);
		assert_int_equal(octet, (char)i);
		if (polls) /* not armed, so that nobody writes to it */
			assert_int_equal(client->end->ops->fd(client->end), -1);
	}
}

/* Two that never sleep exchange octets without a word from the system; two that do wake each other. */
static void two_threads_talk(tern_time spin)
{
	const struct tern_link_config link = { .mtu = 1500 };
	const struct tern_listen      listen = { .local.port = 7 };
	struct tern_link	     *end[2];
	struct side		      client, server;
	tern_socket		      listener;
	pthread_t		      thread;

	assert_int_equal(tern_thread_pair_create(end, &link, tern_allocator_default()), 0);
	const int fd[2] = { end[0]->ops->fd(end[0]), end[1]->ops->fd(end[1]) };
	begin(&client, end[0], "10.0.0.1/24", spin);
	begin(&server, end[1], "10.0.0.2/24", spin);
	assert_int_equal(tern_listen(server.host, &listen, &listener), 0);
	assert_int_equal(tern_loop_on_event(server.loop, server.host, answer, NULL), 0);
	/* The first receive() of each takes back what told it that its loop arms. */
	assert_int_equal(tern_loop_turn(client.loop, 0), 0);
	assert_int_equal(tern_loop_turn(server.loop, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, server.loop), 0);
	ask_and_hear(&client, spin == TERN_NEVER);
	assert_int_equal(tern_post(server.loop, stop, server.loop), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	for (unsigned i = 0; i < 2 && spin == TERN_NEVER; i++) {
		eventfd_t rung;

		assert_true(fd[i] >= 0);
		assert_int_equal(eventfd_read(fd[i], &rung), -1); /* never */
	}
	tern_loop_destroy(client.loop);
	tern_loop_destroy(server.loop);
	tern_host_destroy(client.host);
	tern_host_destroy(server.host);
}

static void two_that_poll_ring_no_bell(void **state)
{
	(void)state;
	two_threads_talk(TERN_NEVER);
}

static void two_that_sleep_wake_each_other(void **state)
{
	(void)state;
	two_threads_talk(0);
	two_threads_talk(20 * TERN_MICROSECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptor_of_a_link_with_a_bell_is_polled),
		cmocka_unit_test(every_host_hears_the_time_of_waking),
		cmocka_unit_test(two_that_poll_ring_no_bell),
		cmocka_unit_test(two_that_sleep_wake_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
