#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>
#include <poll.h>
#include <tern/tern.h>

#define MS TERN_MILLISECOND

/* ---- the loop alone ---- */

static tern_loop *new_loop(enum tern_clock clock)
{
	tern_loop *loop;

	assert_int_equal(tern_loop_create(&loop, clock), 0);
	return loop;
}

static void virtual_time_passes_without_waiting(void **state)
{
	tern_loop *loop = new_loop(TERN_CLOCK_VIRTUAL);

	(void)state;
	assert_int_equal(tern_loop_now(loop), 0);
	assert_int_equal(tern_loop_turn(loop, TERN_NEVER), 0); /* nothing will ever happen */
	assert_int_equal(tern_loop_turn(loop, 1000000 * TERN_SECOND), 0);
	assert_int_equal(tern_loop_now(loop), 1000000 * TERN_SECOND);
	assert_int_equal(tern_loop_run(loop), 0);
	assert_int_equal(tern_loop_turn(loop, -1), -TERN_EINVAL);
	tern_loop_destroy(loop);
	tern_loop_destroy(NULL);
	assert_int_equal(tern_loop_create(&loop, (enum tern_clock)7), -TERN_EINVAL);
}

static void real_time_is_waited_for(void **state)
{
	tern_loop      *loop = new_loop(TERN_CLOCK_REAL);
	const tern_time before = tern_loop_now(loop);

	(void)state;
	assert_int_equal(tern_loop_turn(loop, 5 * MS), 0);
	assert_true(tern_loop_now(loop) >= before + 5 * MS);
	tern_loop_destroy(loop);
}

static void on_alarm(int signal)
{
	(void)signal;
}

static void a_signal_ends_the_sleep(void **state)
{
	tern_loop		*loop = new_loop(TERN_CLOCK_REAL);
	const struct sigaction	 action = { .sa_handler = on_alarm };
	/* And again: the first may come before the sleep where the machine is busy. */
	const struct itimerval	 soon = { .it_value.tv_usec = 20000, .it_interval.tv_usec = 20000 }, never = { 0 };

	(void)state;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(tern_loop_turn(loop, TERN_NEVER), 1);
	setitimer(ITIMER_REAL, &never, NULL);
	tern_loop_destroy(loop);
}

struct pipes {
	tern_loop *loop;
	int	   fd[2], calls;
	bool	   remove, turned;
};

static void on_readable(void *context, short revents)
{
	struct pipes *pipes = context;
	char	      byte;

	assert_true(revents & POLLIN);
	assert_int_equal(read(pipes->fd[0], &byte, 1), 1);
	pipes->calls++;
	if (!pipes->turned) { /* a turn within a turn is refused, by blocking calls too */
		assert_int_equal(tern_loop_turn(pipes->loop, 0), -TERN_EALREADY);
		pipes->turned = true;
	}
	if (pipes->remove) {
		assert_int_equal(tern_loop_watch_fd(pipes->loop, pipes->fd[0], 0, NULL, NULL), 0);
		assert_int_equal(tern_loop_watch_fd(pipes->loop, pipes->fd[0], 0, NULL, NULL), -TERN_ENOENT);
	}
}

static void stop_it(void *context)
{
	tern_loop_stop(context);
}

static void *post_stop(void *context)
{
	assert_int_equal(tern_post(context, stop_it, context), 0);
	return NULL;
}

/* However long it looks about, a turn ends in time, and posts and descriptors are seen. */
static void looking_about_sees_what_comes(void **state)
{
	static const tern_time spans[] = { 0, 50 * TERN_MICROSECOND, TERN_NEVER };
	tern_loop	      *loop = new_loop(TERN_CLOCK_VIRTUAL);

	(void)state;
	assert_int_equal(tern_loop_set_spin(loop, 1), -TERN_EINVAL);
	tern_loop_destroy(loop);
	for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
		const tern_time before = tern_loop_now(loop = new_loop(TERN_CLOCK_REAL));
		pthread_t	thread;
		int		fd[2];

		assert_int_equal(tern_loop_set_spin(loop, -1), -TERN_EINVAL);
		assert_int_equal(tern_loop_set_spin(loop, spans[i]), 0);
		for (unsigned turn = 1; turn <= 3; turn++) { /* the second and third after a long sleep */
			assert_int_equal(tern_loop_turn(loop, 2 * MS), 0);
			assert_true(tern_loop_now(loop) >= before + turn * 2 * MS);
		}
		assert_int_equal(pthread_create(&thread, NULL, post_stop, loop), 0);
		assert_int_equal(tern_loop_run(loop), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		struct pipes pipes = { .loop = loop, .turned = true };
		assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
		pipes.fd[0] = fd[0];
		assert_int_equal(tern_loop_watch_fd(loop, fd[0], POLLIN, on_readable, &pipes), 0);
		assert_int_equal(tern_loop_turn(loop, MS), 0);
		assert_int_equal(write(fd[1], "a", 1), 1);
		assert_int_equal(tern_loop_turn(loop, TERN_NEVER), 1);
		assert_int_equal(pipes.calls, 1);
		close(fd[0]);
		close(fd[1]);
		tern_loop_destroy(loop);
	}
}

static void watch_pipe(enum tern_clock clock)
{
	struct pipes pipes = { .loop = new_loop(clock) };

	assert_int_equal(pipe2(pipes.fd, O_CLOEXEC), 0);
	assert_int_equal(tern_loop_watch_fd(pipes.loop, -1, POLLIN, on_readable, &pipes), -TERN_EINVAL);
	assert_int_equal(tern_loop_watch_fd(pipes.loop, pipes.fd[0], POLLIN, NULL, &pipes), -TERN_EINVAL);
	assert_int_equal(tern_loop_watch_fd(pipes.loop, pipes.fd[0], 0, NULL, NULL), -TERN_ENOENT);
	assert_int_equal(tern_loop_watch_fd(pipes.loop, pipes.fd[0], POLLIN, on_readable, NULL), 0);
	assert_int_equal(tern_loop_watch_fd(pipes.loop, pipes.fd[0], POLLIN, on_readable, &pipes),
			 0); /* replaces */
	assert_int_equal(tern_loop_turn(pipes.loop, 0), 0);
	assert_int_equal(write(pipes.fd[1], "abc", 3), 3);
	assert_int_equal(tern_loop_turn(pipes.loop, TERN_NEVER), 1);
	assert_int_equal(tern_loop_turn(pipes.loop, TERN_NEVER), 1);
	assert_int_equal(pipes.calls, 2);
	pipes.remove = true;
	assert_int_equal(tern_loop_turn(pipes.loop, TERN_NEVER), 1);
	assert_int_equal(write(pipes.fd[1], "d", 1), 1);
	assert_int_equal(tern_loop_turn(pipes.loop, 0), 0);
	assert_int_equal(pipes.calls, 3);
	close(pipes.fd[0]);
	close(pipes.fd[1]);
	tern_loop_destroy(pipes.loop);
}

static void descriptors_of_the_program_are_watched(void **state)
{
	(void)state;
	watch_pipe(TERN_CLOCK_REAL);
	watch_pipe(TERN_CLOCK_VIRTUAL);
}

enum { MANY = 400 };

struct many {
	tern_loop *loop;
	int	   fd[MANY][2];
	unsigned   calls[MANY], total;
	bool	   remove_others;
};

struct one {
	struct many *many;
	unsigned     i;
};

static void on_one(void *context, short revents)
{
	const struct one *const one = context;
	struct many *const	many = one->many;
	char			byte;

	assert_true(revents & POLLIN);
	assert_int_equal(read(many->fd[one->i][0], &byte, 1), 1);
	many->calls[one->i]++;
	many->total++;
	for (unsigned i = 0; many->remove_others && i < MANY; i++)
		if (i != one->i)
			assert_int_equal(tern_loop_watch_fd(many->loop, many->fd[i][0], 0, NULL, NULL), 0);
	many->remove_others = false;
}

/* Among many, those are called that have something; one that another's callback has removed is not, ready or not. */
static void many_descriptors_are_told_apart(void **state)
{
	static struct many many;
	static struct one  one[MANY];

	(void)state;
	many = (struct many){ .loop = new_loop(TERN_CLOCK_REAL) };
	for (unsigned i = 0; i < MANY; i++) {
		one[i] = (struct one){ &many, i };
		assert_int_equal(pipe2(many.fd[i], O_CLOEXEC), 0);
		assert_int_equal(tern_loop_watch_fd(many.loop, many.fd[i][0], POLLIN, on_one, &one[i]), 0);
	}
	assert_int_equal(tern_loop_turn(many.loop, 0), 0);
	assert_int_equal(write(many.fd[7][1], "a", 1), 1);
	assert_int_equal(write(many.fd[MANY - 1][1], "a", 1), 1);
	assert_int_equal(tern_loop_turn(many.loop, TERN_NEVER), 1);
	assert_int_equal(many.total, 2);
	assert_int_equal(many.calls[7] + many.calls[MANY - 1], 2);

	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(write(many.fd[i][1], "b", 1), 1);
	while (tern_loop_turn(many.loop, 0) == 1) /* more than are served in one turn */
		;
	assert_int_equal(many.total, 2 + MANY);

	many.remove_others = true;
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(write(many.fd[i][1], "c", 1), 1);
	while (tern_loop_turn(many.loop, 0) == 1)
		;
	assert_int_equal(many.total, 3 + MANY);
	for (unsigned i = 0; i < MANY; i++) {
		close(many.fd[i][0]);
		close(many.fd[i][1]);
	}
	tern_loop_destroy(many.loop);
}

static void count(void *context, short revents)
{
	assert_true(revents & POLLIN);
	++*(unsigned *)context;
}

/* As poll(2) has it; epoll(7) would not take them. */
static void regular_files_are_always_ready(void **state)
{
	tern_loop *const loop = new_loop(TERN_CLOCK_REAL);
	FILE *const	 file = tmpfile();
	unsigned	 calls = 0;

	(void)state;
	assert_non_null(file);
	assert_int_equal(tern_loop_watch_fd(loop, fileno(file), POLLIN, count, &calls), 0);
	assert_int_equal(tern_loop_turn(loop, TERN_NEVER), 1);
	assert_int_equal(tern_loop_turn(loop, TERN_NEVER), 1);
	assert_int_equal(calls, 2);
	assert_int_equal(tern_loop_watch_fd(loop, fileno(file), 0, NULL, NULL), 0);
	assert_int_equal(tern_loop_turn(loop, 0), 0);
	assert_int_equal(calls, 2);
	fclose(file);
	tern_loop_destroy(loop);
}

enum { POSTS = 20000 };

struct poster {
	tern_loop *loop;
	unsigned   ran, *finished;
	struct item {
		struct poster *poster;
		unsigned       number;
	} items[POSTS];
};

static void run_item(void *context)
{
	struct item   *item = context;
	struct poster *poster = item->poster;

	assert_int_equal(item->number, poster->ran); /* each thread's posts stay in order */
	if (++poster->ran == POSTS && ++*poster->finished == 2)
		tern_loop_stop(poster->loop);
}

static void *post_all(void *context)
{
	struct poster *poster = context;

	for (unsigned i = 0; i < POSTS; i++) {
		poster->items[i] = (struct item){ poster, i };
		if (tern_post(poster->loop, run_item, &poster->items[i]) != 0)
			abort();
		if (i % 1000 == 0)
			usleep(100); /* so that the loop falls asleep at times */
	}
	return NULL;
}

static void two_threads_post(void **state)
{
	tern_loop     *loop = new_loop(TERN_CLOCK_REAL);
	unsigned       finished = 0;
	struct poster *poster[2];
	pthread_t      thread[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		poster[i] = calloc(1, sizeof *poster[i]);
		poster[i]->loop = loop;
		poster[i]->finished = &finished;
		assert_int_equal(pthread_create(&thread[i], NULL, post_all, poster[i]), 0);
	}
	assert_int_equal(tern_loop_run(loop), 0);
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(poster[i]->ran, POSTS);
		free(poster[i]);
	}
	assert_int_equal(tern_loop_turn(loop, 0), 0);
	tern_loop_destroy(loop);
}

static void stop_loop(void *context)
{
	tern_loop_stop(context);
}

static void what_was_posted_and_never_ran_is_forgotten(void **state)
{
	tern_loop *loop = new_loop(TERN_CLOCK_VIRTUAL);

	(void)state;
	assert_int_equal(tern_post(loop, stop_loop, loop), 0);
	assert_int_equal(tern_loop_run(loop), 0);
	assert_int_equal(tern_post(loop, NULL, loop), -TERN_EINVAL);
	assert_int_equal(tern_post(loop, stop_loop, loop), 0);
	tern_loop_destroy(loop);
}

/* ---- two hosts ---- */

struct world {
	tern_loop	 *loop;
	tern_host	 *client, *server;
	struct tern_addr  client_addr, server_addr;
	tern_socket	  listener;
	unsigned	  accepted, closed;
};

/* A link that takes what it likes: every third time nothing, else one packet. */
struct slow {
	struct tern_link  link;
	struct tern_link *under;
	unsigned	  calls;
};

static size_t slow_send(struct tern_link *link, tern_packet *const batch[], size_t n, tern_time now)
{
	struct slow *slow = (struct slow *)link;

	(void)n;
	return ++slow->calls % 3 ? slow->under->ops->send(slow->under, batch, 1, now) : 0;
}

static size_t slow_receive(struct tern_link *link, tern_packet *batch[], size_t room, tern_time now)
{
	struct slow *slow = (struct slow *)link;

	return slow->under->ops->receive(slow->under, batch, room, now);
}

static tern_time slow_deadline(const struct tern_link *link)
{
	const struct slow *slow = (const struct slow *)link;

	return slow->under->ops->deadline(slow->under);
}

static int slow_fd(const struct tern_link *link)
{
	(void)link;
	return -1;
}

static void slow_close(struct tern_link *link)
{
	struct slow *slow = (struct slow *)link;

	slow->under->ops->close(slow->under);
	free(slow);
}

static struct tern_link *slow_link(struct tern_link *under)
{
	static const struct tern_link_ops ops = {
		.name = "slow", .send = slow_send, .receive = slow_receive,
		.deadline = slow_deadline, .fd = slow_fd, .close = slow_close,
	};
	struct slow *slow = calloc(1, sizeof *slow);

	slow->link = (struct tern_link){ .ops = &ops, .config = under->config };
	slow->under = under;
	return &slow->link;
}

static struct tern_addr addr(const char *text)
{
	struct tern_addr found;

	assert_int_equal(tern_addr_parse(&found, text), 0);
	return found;
}

static tern_host *new_host(tern_loop *loop, struct tern_link *link, const struct tern_addr *address,
			   uint8_t seed)
{
	struct tern_config config = { .secret = { seed }, .allocator = *tern_allocator_default() };
	tern_host	  *host;
	uint8_t		   number;

	tern_config_default(&config);
	config.secret[0] = seed;
	config.allocator = *tern_allocator_default();
	assert_int_equal(tern_host_create(&host, &config, tern_loop_now(loop)), 0);
	assert_int_equal(tern_loop_add(loop, host, link, &number), 0);
	assert_int_equal(tern_host_add_address(host, number, address, 24), 0);
	return host;
}

/* The echo server, by events. */
static void on_server_event(void *context, tern_host *host, const struct tern_event *event)
{
	struct world *world = context;
	tern_socket   accepted;
	const uint8_t *at;
	ptrdiff_t      n, took;

	if (event->ready & TERN_ACCEPT)
		while (tern_accept(host, event->socket, &accepted) == 0)
			world->accepted++;
	if (event->socket.index == world->listener.index &&
	    event->socket.generation == world->listener.generation)
		return;
	while ((n = tern_peek(host, event->socket, 0, &at)) > 0) {
		took = tern_send(host, event->socket, at, (size_t)n, 0);
		if (took <= 0)
			return; /* TERN_WRITABLE will come */
		tern_consume(host, event->socket, (size_t)took);
	}
	if (n == 0) {
		assert_int_equal(tern_close(host, event->socket), 0);
		world->closed++;
	}
}

static void start(struct world *world, enum tern_clock clock, const struct tern_impair *impair, bool slow)
{
	const struct tern_link_config config = { .mtu = 1500 };
	struct tern_link	     *end[2];

	*world = (struct world){ .loop = new_loop(clock),
				 .client_addr = addr("10.0.0.1"),
				 .server_addr = addr("10.0.0.2") };
	assert_int_equal(tern_pair_create(end, &config, tern_allocator_default()), 0);
	for (unsigned i = 0; i < 2; i++) {
		if (impair) {
			struct tern_impair mine = *impair;
			mine.seed += i;
			assert_int_equal(tern_impair_create(&end[i], end[i], &mine, tern_allocator_default()),
					 0);
		}
		if (slow)
			end[i] = slow_link(end[i]);
	}
	world->client = new_host(world->loop, end[0], &world->client_addr, 1);
	world->server = new_host(world->loop, end[1], &world->server_addr, 2);
}

static void serve_echo(struct world *world)
{
	const struct tern_listen listen = { .local.port = 7 };

	assert_int_equal(tern_listen(world->server, &listen, &world->listener), 0);
	assert_int_equal(tern_loop_on_event(world->loop, world->server, on_server_event, world), 0);
}

static void stop(struct world *world)
{
	tern_loop_destroy(world->loop);
	tern_host_destroy(world->client);
	tern_host_destroy(world->server);
}

static struct tern_open to_server(const struct world *world, uint16_t port)
{
	return (struct tern_open){ .remote = { .addr = world->server_addr, .port = port } };
}

static uint8_t sent[300000], received[300000];

/* Sends, shuts down, and reads all of it back until the end of the stream. */
static void echo(struct world *world, size_t n, tern_time timeout)
{
	const struct tern_open open = to_server(world, 7);
	tern_socket	       socket;
	ptrdiff_t	       got;
	size_t		       all = 0;

	for (size_t i = 0; i < n; i++)
		sent[i] = (uint8_t)(i * 7 + i / 251);
	assert_int_equal(tern_connect_wait(world->loop, world->client, &open, &socket, timeout), 0);
	assert_int_equal(tern_send_wait(world->loop, world->client, socket, sent, n, timeout), n);
	assert_int_equal(tern_shutdown(world->client, socket), 0);
	do {
		got = tern_receive_wait(world->loop, world->client, socket, received + all, n - all + 1,
					timeout);
		assert_true(got >= 0);
		all += (size_t)got;
	} while (got > 0);
	assert_int_equal(all, n);
	assert_memory_equal(sent, received, n);
	assert_int_equal(tern_close(world->client, socket), 0);
}

static void blocking_calls_on_virtual_time(void **state)
{
	struct world world;

	(void)state;
	start(&world, TERN_CLOCK_VIRTUAL, &(struct tern_impair){ .delay = 20 * MS }, false);
	serve_echo(&world);
	echo(&world, 1, 10 * TERN_SECOND);
	echo(&world, 250000, 60 * TERN_SECOND);
	assert_int_equal(world.accepted, 2);
	assert_int_equal(tern_close(world.server, world.listener), 0);
	assert_int_equal(tern_loop_run(world.loop), 0); /* TIME-WAIT and all: until nothing can happen */
	assert_int_equal(world.closed, 2);
	assert_true(tern_loop_now(world.loop) > 60 * TERN_SECOND);
	stop(&world);
}

static void blocking_calls_on_real_time(void **state)
{
	struct world world;

	(void)state;
	start(&world, TERN_CLOCK_REAL, &(struct tern_impair){ .delay = MS }, false);
	serve_echo(&world);
	echo(&world, 250000, 20 * TERN_SECOND);
	stop(&world);
}

static void a_link_that_takes_few_holds_the_host_back(void **state)
{
	struct world world;

	(void)state;
	start(&world, TERN_CLOCK_VIRTUAL, NULL, true);
	serve_echo(&world);
	echo(&world, 250000, 60 * TERN_SECOND);
	stop(&world);
}

static void loss_and_reordering_lose_nothing(void **state)
{
	const struct tern_impair impair = { .delay = 5 * MS, .jitter = 2 * MS, .loss = 0.03, .reorder = 0.05,
		.duplicate = 0.02, .corrupt = 0.02, .rate = 2000000, .limit = 50, .seed = 1 };
	tern_time    ended[2];
	struct world world;

	(void)state;
	for (unsigned i = 0; i < 2; i++) { /* same seed, same run */
		start(&world, TERN_CLOCK_VIRTUAL, &impair, false);
		serve_echo(&world);
		echo(&world, 100000, 600 * TERN_SECOND);
		tern_close(world.server, world.listener);
		assert_int_equal(tern_loop_run(world.loop), 0);
		ended[i] = tern_loop_now(world.loop);
		stop(&world);
	}
	assert_int_equal(ended[0], ended[1]);
}

static void waiting_ends_when_the_time_is_up(void **state)
{
	struct world	 world;
	struct tern_open open;
	tern_socket	 listener, client, server;
	uint8_t		 byte;

	(void)state;
	start(&world, TERN_CLOCK_VIRTUAL, &(struct tern_impair){ .delay = MS }, false);
	open = to_server(&world, 9);
	const struct tern_listen listen = { .local.port = 9 };
	assert_int_equal(tern_listen(world.server, &listen, &listener), 0);
	assert_int_equal(tern_accept_wait(world.loop, world.server, listener, &server, 3 * TERN_SECOND),
			 -TERN_EAGAIN);
	assert_int_equal(tern_loop_now(world.loop), 3 * TERN_SECOND);
	assert_int_equal(tern_connect_wait(world.loop, world.client, &open, &client, TERN_NEVER), 0);
	assert_int_equal(tern_accept_wait(world.loop, world.server, listener, &server, TERN_NEVER), 0);
	assert_int_equal(tern_wait(world.loop, world.client, client, TERN_CONNECTED | TERN_READABLE, 0),
			 TERN_CONNECTED);

	const tern_time before = tern_loop_now(world.loop);
	assert_int_equal(
		tern_receive_wait(world.loop, world.server, server, &byte, 1, 7 * TERN_SECOND), -TERN_EAGAIN);
	assert_int_equal(tern_loop_now(world.loop), before + 7 * TERN_SECOND);
	assert_int_equal(tern_wait(world.loop, world.server, server, TERN_READABLE, 0), -TERN_EAGAIN);
	assert_int_equal(tern_wait(world.loop, world.server, server, TERN_READABLE, -1), -TERN_EINVAL);
	assert_int_equal(tern_wait(world.loop, NULL, server, TERN_READABLE, 0), -TERN_EINVAL);

	/* Nothing will ever happen: an idle connection has no timer. */
	assert_int_equal(tern_receive_wait(world.loop, world.server, server, &byte, 1, TERN_NEVER),
			 -TERN_EAGAIN);
	assert_int_equal(tern_send_wait(world.loop, world.client, client, "x", 1, 0), 1);
	assert_int_equal(tern_receive_wait(world.loop, world.server, server, &byte, 1, TERN_NEVER), 1);
	assert_int_equal(tern_abort(world.client, client), 0);
	assert_int_equal(
		tern_receive_wait(world.loop, world.server, server, &byte, 1, TERN_NEVER), -TERN_ECONNRESET);
	assert_int_equal(tern_wait(world.loop, world.server, server, TERN_READABLE, 0) < 0
			|| tern_ready(world.server, server) & TERN_READABLE, 1);
	tern_close(world.server, server);
	assert_int_equal(tern_wait(world.loop, world.server, server, TERN_READABLE, TERN_NEVER), -TERN_EBADF);
	stop(&world);
}

static void a_send_that_nobody_reads_takes_what_it_can(void **state)
{
	static uint8_t	 megabytes[32 << 20];
	struct world	 world;
	struct tern_open open;
	tern_socket	 listener, client;

	(void)state;
	start(&world, TERN_CLOCK_VIRTUAL, &(struct tern_impair){ .delay = MS }, false);
	open = to_server(&world, 9);
	const struct tern_listen listen = { .local.port = 9 };
	assert_int_equal(tern_listen(world.server, &listen, &listener), 0);
	assert_int_equal(tern_connect_wait(world.loop, world.client, &open, &client, TERN_NEVER), 0);
	const ptrdiff_t n = tern_send_wait(world.loop, world.client, client, megabytes, sizeof megabytes,
					   5 * TERN_SECOND);
	assert_in_range(n, 65536, sizeof megabytes - 1);
	assert_int_equal(tern_send_wait(world.loop, world.client, client, megabytes, 1000000, TERN_SECOND) <
				 1000000,
			 1);
	stop(&world);
}

static void connecting_fails_for_a_reason(void **state)
{
	struct world	 world;
	struct tern_open open;
	tern_socket	 socket;

	(void)state;
	start(&world, TERN_CLOCK_VIRTUAL, &(struct tern_impair){ .delay = MS }, false);
	open = to_server(&world, 9);
	assert_int_equal(tern_connect_wait(world.loop, world.client, &open, &socket, TERN_NEVER),
			 -TERN_ECONNREFUSED);
	assert_int_equal(socket.index | socket.generation, 0);
	assert_int_equal(tern_loop_now(world.loop), 2 * MS);
	open.remote.addr = addr("192.0.2.1");
	assert_int_equal(tern_connect_wait(world.loop, world.client, &open, &socket, TERN_NEVER),
			 -TERN_ENETUNREACH);
	stop(&world);

	start(&world, TERN_CLOCK_VIRTUAL, &(struct tern_impair){ .loss = 1 }, false);
	open = to_server(&world, 9);
	assert_int_equal(tern_connect_wait(world.loop, world.client, &open, &socket, 5 * TERN_SECOND),
			 -TERN_ETIMEDOUT);
	assert_int_equal(tern_loop_now(world.loop), 5 * TERN_SECOND);
	stop(&world);
}

/* A thread that has something to send posts it: the only way in from outside. */
struct writer {
	struct world *world;
	tern_socket   socket;
	uint8_t	      byte;
};

static void send_byte(void *context)
{
	struct writer *writer = context;

	assert_int_equal(tern_send(writer->world->client, writer->socket, &writer->byte, 1, 0), 1);
	free(writer);
}

static void *write_from_outside(void *context)
{
	const struct writer *one = context;

	for (unsigned i = 0; i < 200; i++) {
		struct writer *writer = malloc(sizeof *writer);
		*writer = *one;
		writer->byte = (uint8_t)i;
		if (tern_post(one->world->loop, send_byte, writer) != 0)
			abort();
		if (i % 20 == 0)
			usleep(500);
	}
	return NULL;
}

static void another_thread_sends_through_the_loop(void **state)
{
	struct world  world;
	struct writer writer = { .world = &world };
	pthread_t     thread;
	size_t	      all = 0;

	(void)state;
	start(&world, TERN_CLOCK_REAL, NULL, false);
	serve_echo(&world);
	const struct tern_open open = to_server(&world, 7);
	assert_int_equal(tern_connect_wait(world.loop, world.client, &open, &writer.socket, TERN_SECOND), 0);
	assert_int_equal(pthread_create(&thread, NULL, write_from_outside, &writer), 0);
	while (all < 200) {
		const ptrdiff_t n = tern_receive_wait(world.loop, world.client, writer.socket, received + all,
						      sizeof received, 5 * TERN_SECOND);
		assert_true(n > 0);
		all += (size_t)n;
	}
	pthread_join(thread, NULL);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(received[i], i);
	tern_close(world.client, writer.socket);
	stop(&world);
}

static void packets_come_back_before_the_host_goes(void **state)
{
	struct world	 world;
	struct tern_open open;
	tern_socket	 socket;

	(void)state;
	start(&world, TERN_CLOCK_VIRTUAL, &(struct tern_impair){ .delay = MS }, true);
	open = to_server(&world, 7);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(tern_connect(world.client, &open, &socket), 0);
	assert_int_equal(tern_loop_turn(world.loop, 0), 1);
	stop(&world); /* with SYNs in every queue */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(virtual_time_passes_without_waiting),
		cmocka_unit_test(real_time_is_waited_for),
		cmocka_unit_test(looking_about_sees_what_comes),
		cmocka_unit_test(a_signal_ends_the_sleep),
		cmocka_unit_test(descriptors_of_the_program_are_watched),
		cmocka_unit_test(many_descriptors_are_told_apart),
		cmocka_unit_test(regular_files_are_always_ready),
		cmocka_unit_test(two_threads_post),
		cmocka_unit_test(what_was_posted_and_never_ran_is_forgotten),
		cmocka_unit_test(blocking_calls_on_virtual_time),
		cmocka_unit_test(blocking_calls_on_real_time),
		cmocka_unit_test(a_link_that_takes_few_holds_the_host_back),
		cmocka_unit_test(loss_and_reordering_lose_nothing),
		cmocka_unit_test(waiting_ends_when_the_time_is_up),
		cmocka_unit_test(a_send_that_nobody_reads_takes_what_it_can),
		cmocka_unit_test(connecting_fails_for_a_reason),
		cmocka_unit_test(another_thread_sends_through_the_loop),
		cmocka_unit_test(packets_come_back_before_the_host_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
