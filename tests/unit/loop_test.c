/* The loop by itself (loop/loop.c, poll.c, post.c): time, descriptors, posts. */
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
