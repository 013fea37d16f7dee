#include "packetdrill/adaptor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The clock begins somewhere; and what is due in a day from now is due never. */
#define BEGINNING (1000 * TERN_SECOND)
#define PATIENCE  (86400 * TERN_SECOND)

/* Of this thread: a call of it that waited was over then, and it has not looked at the clock since. */
static _Thread_local struct {
	const struct adaptor *adaptor;
	tern_time	      at;
} resumed;

static int open_handle(void)
{
	const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return fd >= 0 ? fd : -errno;
}

static void close_handle(int fd)
{
	(void)close(fd);
}

/* ---- calls ---- */

static void begin(struct adaptor *adaptor)
{
	(void)pthread_mutex_lock(&adaptor->lock);
	resumed.adaptor = NULL;
}

/* Those whose calls are over are woken, and nobody else: the tool looks who sleeps. */
static void wake(struct adaptor *adaptor)
{
	if (adaptor->sockets.finished != adaptor->told)
		(void)pthread_cond_broadcast(&adaptor->woken);
	adaptor->told = adaptor->sockets.finished;
}

static void end(struct adaptor *adaptor)
{
	wake(adaptor);
	(void)pthread_mutex_unlock(&adaptor->lock);
}

static void sleep_until_done(struct adaptor *adaptor, const struct sockets_request *request)
{
	adaptor->asleep++;
	while (!request->done)
		(void)pthread_cond_wait(&adaptor->woken, &adaptor->lock);
	adaptor->asleep--;
	resumed.adaptor = adaptor;
	resumed.at = request->done_at;
}

int64_t adaptor_call(void *userdata, struct sockets_request *request)
{
	struct adaptor *const adaptor = userdata;
	int64_t		      result = -EINVAL;

	begin(adaptor);
	if (!adaptor->broken) {
		if (!sockets_call(&adaptor->sockets, request)) {
			wake(adaptor); /* what it did so far may be what another waits for */
			sleep_until_done(adaptor, request);
		}
		result = request->result;
	}
	end(adaptor);
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

/* ---- packets and time ---- */

static int netdev_send(void *userdata, const void *packet, size_t bytes)
{
	struct adaptor *const adaptor = userdata;

	begin(adaptor);
	if (!adaptor->broken)
		sockets_input(&adaptor->sockets, packet, bytes);
	end(adaptor);
	return 0;
}

static int netdev_receive(void *userdata, void *packet, size_t *bytes, long long *time_usecs)
{
	struct adaptor *const adaptor = userdata;
	struct sockets *const sockets = &adaptor->sockets;
	struct sockets_left  *left = NULL;

	begin(adaptor);
	if (!adaptor->broken && sockets_await(sockets, sockets->now + PATIENCE))
		left = sockets_take(sockets);
	*time_usecs = (left		 ? left->at
		       : adaptor->broken ? adaptor->broken_now
					 : sockets->now) /
		      TERN_MICROSECOND;
	*bytes = left ? (left->n < *bytes ? left->n : *bytes) : 0;
	if (left)
		memcpy(packet, left->bytes, *bytes);
	free(left);
	end(adaptor);
	return 0;
}

static void pass(struct adaptor *adaptor, tern_time by)
{
	adaptor->broken_now += by;
	if (!adaptor->broken)
		(void)sockets_run(&adaptor->sockets, adaptor->sockets.now + by);
}

static int pass_usecs(void *userdata, useconds_t usecs)
{
	struct adaptor *const adaptor = userdata;

	begin(adaptor);
	pass(adaptor, (tern_time)usecs * TERN_MICROSECOND);
	end(adaptor);
	return 0;
}

static int tell_time(void *userdata, struct timeval *time, struct timezone *zone)
{
	struct adaptor *const adaptor = userdata;
	const bool	      was_asleep = resumed.adaptor == adaptor;
	const tern_time	      then = resumed.at;
	tern_time	      now;

	begin(adaptor);
	pass(adaptor, TERN_MICROSECOND);
	now = was_asleep ? then : adaptor->broken ? adaptor->broken_now : adaptor->sockets.now;
	end(adaptor);
	if (time)
		*time = (struct timeval){ .tv_sec = (time_t)(now / TERN_SECOND),
					  .tv_usec = (suseconds_t)(now % TERN_SECOND / TERN_MICROSECOND) };
	if (zone)
		*zone = (struct timezone){ .tz_minuteswest = 0 };
	return 0;
}

/* ---- the whole ---- */

/* Threads that sleep here are sent away first. */
static void let_go(void *userdata)
{
	struct adaptor *const adaptor = userdata;

	if (!adaptor)
		return;
	(void)pthread_mutex_lock(&adaptor->lock);
	while (adaptor->sockets.waiting)
		sockets_interrupt(&adaptor->sockets, adaptor->sockets.waiting, EINTR);
	while (adaptor->asleep > 0) {
		(void)pthread_cond_broadcast(&adaptor->woken);
		(void)pthread_mutex_unlock(&adaptor->lock);
		(void)usleep(100);
		(void)pthread_mutex_lock(&adaptor->lock);
	}
	if (!adaptor->broken)
		sockets_close(&adaptor->sockets);
	(void)pthread_mutex_unlock(&adaptor->lock);
	(void)pthread_cond_destroy(&adaptor->woken);
	(void)pthread_mutex_destroy(&adaptor->lock);
	free(adaptor);
}

static bool set_up(struct adaptor *adaptor, const char *flags, char error[FLAGS_ERROR])
{
	struct sockets_setup setup = { .now = BEGINNING, .open_fd = open_handle, .close_fd = close_handle };
	int		     failed;

	if (!flags_parse(flags, &setup, error))
		return false;
	failed = sockets_open(&adaptor->sockets, &setup);
	if (failed != 0)
		snprintf(error, FLAGS_ERROR, "no host can be made with these settings: %s",
			 strerror(-failed));
	return failed == 0;
}

__attribute__((visibility("default"))) void
packetdrill_interface_init(const char *flags, struct packetdrill_interface *interface)
{
	struct adaptor *const adaptor = calloc(1, sizeof *adaptor);
	char		      error[FLAGS_ERROR];

	if (!adaptor || pthread_mutex_init(&adaptor->lock, NULL) != 0 ||
	    pthread_cond_init(&adaptor->woken, NULL) != 0) {
		fputs("libtern_packetdrill: no memory\n", stderr);
		abort(); /* there is no way to say no, and no way to go on */
	}
	adaptor->broken_now = BEGINNING;
	*interface = (struct packetdrill_interface){
		.userdata = adaptor,
		.free = let_go,
		.netdev_send = netdev_send,
		.netdev_receive = netdev_receive,
		.usleep = pass_usecs,
		.gettimeofday = tell_time,
	};
	calls_fill(interface);
	adaptor->broken = !set_up(adaptor, flags, error);
	if (adaptor->broken)
		fprintf(stderr, "libtern_packetdrill: --so_flags: %s\n", error);
}
