/* A shared object made for packetdrill, used as packetdrill uses it: one thread plays the script; every
 * call is made in a second one, which is waited for, or (where the script says that the call blocks) is
 * seen asleep in the kernel first.
 */
#include "packetdrill/interface.h"
#include "script/engine.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PACKET = 65536 + 128, SPIN_USECS = 20, PATIENCE_S = 2, SLEEPY_LOOKS = 20, NS = 1000 };

enum work { IDLE, GIVEN, RUNNING, OVER, QUIT };

struct so_engine {
	void			    *library;
	struct packetdrill_interface so;
	long long		     beginning; /* what the clock said, in microseconds */
	pthread_t		     thread;
	pthread_mutex_t		     lock;
	pthread_cond_t		     changed;
	enum work		     work;
	pid_t			     thread_id;
	atomic_bool		     ending;  /* the clock may be gone */
	struct sockets_request	    *request; /* that the thread has in hand; NULL: none */
	struct sockets_request	     mine;    /* its own copy, results included */
	pthread_t		     extra;   /* makes one call while the second thread waits in another */
	bool			     has_extra, extra_over;
	struct sockets_request	     extras; /* its copy */
	int	 leftover[SOCKETS_FILES];    /* descriptors that were handed out, and not closed */
	unsigned n_leftover;
	uint8_t	 packet[PACKET];
};

/* ---- one request through the pointers ---- */

static ssize_t text(struct so_engine *engine, const struct sockets_request *r)
{
	const struct packetdrill_interface *const so = &engine->so;
	void *const				  at = r->u.text.iov ? r->u.text.iov[0].iov_base : NULL;
	const size_t				  n = r->u.text.iov ? r->u.text.iov[0].iov_len : 0;
	const int				  flags = r->u.text.flags;

	switch (r->call) {
	case CALL_READ: return so->read(so->userdata, r->fd, at, n);
	case CALL_READV: return so->readv(so->userdata, r->fd, r->u.text.iov, (int)r->u.text.n_iov);
	case CALL_RECV: return so->recv(so->userdata, r->fd, at, n, flags);
	case CALL_RECVFROM:
		return so->recvfrom(so->userdata, r->fd, at, n, flags, r->u.text.addr, r->u.text.addr_n);
	case CALL_RECVMSG: return so->recvmsg(so->userdata, r->fd, r->u.text.message, flags);
	case CALL_WRITE: return so->write(so->userdata, r->fd, at, n);
	case CALL_WRITEV: return so->writev(so->userdata, r->fd, r->u.text.iov, (int)r->u.text.n_iov);
	case CALL_SEND: return so->send(so->userdata, r->fd, at, n, flags);
	case CALL_SENDTO:
		return so->sendto(so->userdata, r->fd, at, n, flags, r->u.text.addr, r->u.text.to_n);
	default: return so->sendmsg(so->userdata, r->fd, r->u.text.message, flags);
	}
}

static int control(struct so_engine *engine, const struct sockets_request *r)
{
	const struct packetdrill_interface *const so = &engine->so;
	const int				  command = (int)r->u.control.command;

	if (r->call == CALL_IOCTL)
		return so->ioctl(so->userdata, r->fd, r->u.control.command, r->u.control.argument);
	if (command == F_GETFL || command == F_GETFD)
		return so->fcntl(so->userdata, r->fd, command);
	return so->fcntl(so->userdata, r->fd, command, (int)(intptr_t)r->u.control.argument);
}

static int option(struct so_engine *engine, const struct sockets_request *r)
{
	const struct packetdrill_interface *const so = &engine->so;

	if (r->call == CALL_SETSOCKOPT)
		return so->setsockopt(so->userdata, r->fd, r->u.option.level, r->u.option.name,
				      r->u.option.value, r->u.option.n);
	return so->getsockopt(so->userdata, r->fd, r->u.option.level, r->u.option.name, r->u.option.value,
			      r->u.option.n_out);
}

static ssize_t through(struct so_engine *engine, const struct sockets_request *r)
{
	const struct packetdrill_interface *const so = &engine->so;
	void *const				  u = so->userdata;

	switch (r->call) {
	case CALL_SOCKET: return so->socket(u, r->u.socket.domain, r->u.socket.type, r->u.socket.protocol);
	case CALL_BIND: return so->bind(u, r->fd, r->u.name.addr, r->u.name.n);
	case CALL_LISTEN: return so->listen(u, r->fd, r->u.listen.backlog);
	case CALL_ACCEPT: return so->accept(u, r->fd, r->u.accept.addr, r->u.accept.n);
	case CALL_CONNECT: return so->connect(u, r->fd, r->u.name.addr, r->u.name.n);
	case CALL_FCNTL:
	case CALL_IOCTL: return control(engine, r);
	case CALL_CLOSE: return so->close(u, r->fd);
	case CALL_SHUTDOWN: return so->shutdown(u, r->fd, r->u.shutdown.how);
	case CALL_GETSOCKOPT:
	case CALL_SETSOCKOPT: return option(engine, r);
	case CALL_POLL: return so->poll(u, r->u.poll.fds, r->u.poll.n, r->u.poll.timeout);
	case CALL_EPOLL_CREATE: return so->epoll_create(u, r->fd);
	case CALL_EPOLL_CTL:
		return so->epoll_ctl(u, r->fd, r->u.epoll_ctl.op, r->u.epoll_ctl.fd, r->u.epoll_ctl.event);
	case CALL_EPOLL_WAIT:
		return so->epoll_wait(u, r->fd, r->u.epoll_wait.events, r->u.epoll_wait.n,
				      r->u.epoll_wait.timeout);
	case CALL_PIPE: return so->pipe(u, r->u.pipe.fds);
	case CALL_SPLICE:
		return so->splice(u, r->fd, r->u.splice.off_in, r->u.splice.out, r->u.splice.off_out,
				  r->u.splice.n, r->u.splice.flags);
	default: return text(engine, r);
	}
}

/* ---- the clock ---- */

static tern_time now_of(struct so_engine *engine)
{
	struct timeval time = { .tv_sec = 0 };

	(void)engine->so.gettimeofday(engine->so.userdata, &time, NULL);
	return ((long long)time.tv_sec * 1000000 + time.tv_usec - engine->beginning) * NS;
}

/* ---- the second thread ---- */

static void perform(struct so_engine *engine, struct sockets_request *request)
{
	errno = 0;
	const ssize_t result = through(engine, request);
	const int     error = errno;

	request->result = result >= 0 ? result : -error;
	request->done_at = atomic_load(&engine->ending) ? 0 : now_of(engine);
}

static void *second_thread(void *context)
{
	struct so_engine *const engine = context;

	(void)pthread_mutex_lock(&engine->lock);
	engine->thread_id = (pid_t)syscall(SYS_gettid);
	(void)pthread_cond_broadcast(&engine->changed);
	while (engine->work != QUIT) {
		if (engine->work != GIVEN) {
			(void)pthread_cond_wait(&engine->changed, &engine->lock);
			continue;
		}
		engine->work = RUNNING;
		(void)pthread_mutex_unlock(&engine->lock);
		perform(engine, &engine->mine);
		(void)pthread_mutex_lock(&engine->lock);
		engine->work = OVER;
		(void)pthread_cond_broadcast(&engine->changed);
	}
	(void)pthread_mutex_unlock(&engine->lock);
	return NULL;
}

static void *extra_thread(void *context)
{
	struct so_engine *const engine = context;

	perform(engine, &engine->extras);
	(void)pthread_mutex_lock(&engine->lock);
	engine->extra_over = true;
	(void)pthread_cond_broadcast(&engine->changed);
	(void)pthread_mutex_unlock(&engine->lock);
	return NULL;
}

static struct timespec patience(void)
{
	struct timespec end;

	(void)clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE_S;
	return end;
}

/* Pointers into itself are the copy's. */
static void copy_request(struct sockets_request *to, const struct sockets_request *from)
{
	*to = *from;
	if (from->call >= CALL_READ && from->call <= CALL_SENDMSG && from->u.text.iov == &from->u.text.one)
		to->u.text.iov = &to->u.text.one;
}

/* A call while another waits. False: it waits as well, in a thread that is sent away at the end. */
static bool perform_beside(struct so_engine *engine, struct sockets_request *request)
{
	const struct timespec end = patience();
	bool		      good;

	if (engine->has_extra)
		return false;
	copy_request(&engine->extras, request);
	engine->extra_over = false;
	engine->has_extra = pthread_create(&engine->extra, NULL, extra_thread, engine) == 0;
	if (!engine->has_extra)
		return false;
	(void)pthread_mutex_lock(&engine->lock);
	while (!engine->extra_over &&
	       pthread_cond_timedwait(&engine->changed, &engine->lock, &end) != ETIMEDOUT)
		;
	good = engine->extra_over;
	(void)pthread_mutex_unlock(&engine->lock);
	if (!good)
		return false;
	(void)pthread_join(engine->extra, NULL);
	engine->has_extra = false;
	request->result = engine->extras.result;
	request->done_at = engine->extras.done_at;
	request->done = true;
	return true;
}

/* What it has finished goes to who asked. */
static void reap(struct so_engine *engine)
{
	if (engine->work != OVER)
		return;
	engine->request->result = engine->mine.result;
	engine->request->done_at = engine->mine.done_at;
	engine->request->done = true;
	engine->request = NULL;
	engine->work = IDLE;
}

/* For at most PATIENCE_S of real time, as the tool waits: what is over in virtual time has only to be run. */
static bool await_over(struct so_engine *engine)
{
	const struct timespec end = patience();

	while (engine->work == GIVEN || engine->work == RUNNING)
		if (pthread_cond_timedwait(&engine->changed, &engine->lock, &end) == ETIMEDOUT)
			return false;
	return true;
}

/* The state of a thread, as /proc has it after the name in brackets. */
static bool is_asleep(pid_t thread)
{
	char  path[64], line[512];
	FILE *file;
	bool  asleep = false;

	snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread);
	file = fopen(path, "r");
	if (file && fgets(line, sizeof line, file) && strrchr(line, ')'))
		asleep = strncmp(strrchr(line, ')'), ") S", 3) == 0;
	if (file)
		fclose(file);
	return asleep;
}

/* It is over, or sleeps. Several looks: on its way in it may have waited for a lock. */
static bool await_asleep(struct so_engine *engine)
{
	struct timespec begun, now;
	unsigned	looks = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &begun);
	do {
		(void)pthread_mutex_unlock(&engine->lock);
		(void)sched_yield();
		looks = is_asleep(engine->thread_id) ? looks + 1 : 0;
		(void)pthread_mutex_lock(&engine->lock);
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
	} while (engine->work != OVER && looks < SLEEPY_LOOKS && now.tv_sec - begun.tv_sec < PATIENCE_S);
	return engine->work == OVER || looks >= SLEEPY_LOOKS;
}

/* ---- descriptors that stay open are closed as the tool does it: without the object ---- */

static void note_fd(struct so_engine *engine, const struct sockets_request *request)
{
	const bool makes_one = request->call == CALL_SOCKET || request->call == CALL_ACCEPT ||
			       request->call == CALL_EPOLL_CREATE;

	if (makes_one && request->result >= 0 && engine->n_leftover < SOCKETS_FILES)
		engine->leftover[engine->n_leftover++] = (int)request->result;
	for (unsigned i = 0; request->call == CALL_PIPE && request->result == 0 && i < 2; i++)
		if (engine->n_leftover < SOCKETS_FILES)
			engine->leftover[engine->n_leftover++] = request->u.pipe.fds[i];
	for (unsigned i = 0; request->call == CALL_CLOSE && request->result == 0 && i < engine->n_leftover;
	     i++)
		if (engine->leftover[i] == request->fd)
			engine->leftover[i--] = engine->leftover[--engine->n_leftover];
}

/* ---- the ops ---- */

static bool so_call(struct stage *stage, struct sockets_request *request, bool blocks)
{
	struct so_engine *const engine = stage->so;
	bool			good;

	request->done = false;
	(void)pthread_mutex_lock(&engine->lock);
	reap(engine);
	if (engine->work != IDLE) { /* the other call goes on waiting: this one is made here */
		(void)pthread_mutex_unlock(&engine->lock);
		if (blocks)
			return stage_fail(
				stage, 1,
				"blocking system call while another blocking system call is already in progress");
		if (!perform_beside(engine, request))
			return false;
		note_fd(engine, request);
		return true;
	}
	copy_request(&engine->mine, request);
	engine->request = request;
	engine->work = GIVEN;
	(void)pthread_cond_broadcast(&engine->changed);
	good = blocks ? await_asleep(engine) : await_over(engine);
	reap(engine);
	(void)pthread_mutex_unlock(&engine->lock);
	if (request->done)
		note_fd(engine, request);
	if (!good && blocks)
		return stage_fail(stage, 1, "a call that blocks neither sleeps nor ends");
	return good;
}

static void so_look(struct stage *stage)
{
	struct so_engine *const	      engine = stage->so;
	struct sockets_request *const request = engine->request;

	stage->now = now_of(engine);
	(void)pthread_mutex_lock(&engine->lock);
	if (engine->work == RUNNING) /* what has just happened may have ended it */
		(void)await_asleep(engine);
	reap(engine);
	(void)pthread_mutex_unlock(&engine->lock);
	if (request && request->done)
		note_fd(engine, request);
}

static void so_input(struct stage *stage, const uint8_t *bytes, size_t n)
{
	struct so_engine *const engine = stage->so;

	if (engine->so.netdev_send(engine->so.userdata, bytes, n) != 0)
		stage_fail(stage, 1, "netdev_send() failed");
	so_look(stage);
}

static bool so_run(struct stage *stage, tern_time until)
{
	struct so_engine *const engine = stage->so;
	tern_time		left;

	while ((left = until - now_of(engine)) > 0)
		if (left / NS > SPIN_USECS)
			(void)engine->so.usleep(engine->so.userdata,
						(useconds_t)(left / NS - SPIN_USECS > 1000000000
								     ? 1000000000
								     : left / NS - SPIN_USECS));
	so_look(stage);
	return stage->error[0] == '\0';
}

static void so_await(struct stage *stage, tern_time until)
{
	struct so_engine *const engine = stage->so;
	size_t			n = sizeof engine->packet;
	long long		at = 0;
	struct sockets_left    *left;

	(void)until; /* the interface cannot be told */
	if (engine->so.netdev_receive(engine->so.userdata, engine->packet, &n, &at) != 0)
		stage_fail(stage, 1, "netdev_receive() failed");
	so_look(stage);
	left = n > 0 && !stage->error[0] ? malloc(sizeof *left + n) : NULL;
	if (!left)
		return;
	*left = (struct sockets_left){ .at = (at - engine->beginning) * NS, .n = (uint32_t)n };
	memcpy(left->bytes, engine->packet, n);
	stage_keep(stage, left);
}

static bool so_status(struct stage *stage, int fd, struct tern_status *status)
{
	(void)stage;
	(void)fd;
	(void)status;
	return false;
}

static bool so_open(struct stage *stage)
{
	struct so_engine *const engine = calloc(1, sizeof *engine);
	void (*init)(const char *flags, struct packetdrill_interface *interface) = NULL;

	stage->so = engine;
	if (!engine)
		return stage_fail(stage, 1, "no memory");
	engine->library = dlopen(stage->so_filename, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!engine->library)
		return stage_fail(stage, 1, "%s", dlerror());
	*(void **)&init = dlsym(engine->library, "packetdrill_interface_init");
	if (!init)
		return stage_fail(stage, 1, "%s", dlerror());
	(void)pthread_mutex_init(&engine->lock, NULL);
	(void)pthread_cond_init(&engine->changed, NULL);
	init(stage->so_flags, &engine->so);
	engine->beginning = now_of(engine) / NS;
	(void)pthread_mutex_lock(&engine->lock);
	if (pthread_create(&engine->thread, NULL, second_thread, engine) != 0) {
		(void)pthread_mutex_unlock(&engine->lock);
		return stage_fail(stage, 1, "no thread can be made");
	}
	while (engine->thread_id == 0)
		(void)pthread_cond_wait(&engine->changed, &engine->lock);
	(void)pthread_mutex_unlock(&engine->lock);
	return true;
}

/* Calls that still wait are sent away by free(); nothing of them is looked at any more. False: one does not go. */
static bool end_threads(struct so_engine *engine)
{
	bool gone;

	(void)pthread_mutex_lock(&engine->lock);
	if (engine->work == GIVEN || engine->work == RUNNING || engine->has_extra) {
		atomic_store(&engine->ending, true);
		(void)pthread_mutex_unlock(&engine->lock);
		engine->so.free(engine->so.userdata);
		engine->so.free = NULL;
		(void)pthread_mutex_lock(&engine->lock);
	}
	const struct timespec end = patience();

	gone = await_over(engine);
	while (gone && engine->has_extra && !engine->extra_over)
		gone = pthread_cond_timedwait(&engine->changed, &engine->lock, &end) != ETIMEDOUT;
	engine->work = QUIT;
	(void)pthread_cond_broadcast(&engine->changed);
	(void)pthread_mutex_unlock(&engine->lock);
	if (!gone)
		return false;
	(void)pthread_join(engine->thread, NULL);
	if (engine->has_extra)
		(void)pthread_join(engine->extra, NULL);
	return true;
}

static void so_close(struct stage *stage)
{
	struct so_engine *const engine = stage->so;

	stage->so = NULL;
	if (!engine)
		return;
	if (engine->thread_id != 0 && !end_threads(engine)) {
		stage_fail(stage, 1, "a call that waits does not end when the object is freed");
		return; /* it has its memory for good */
	}
	for (unsigned i = 0; i < engine->n_leftover; i++)
		if (close(engine->leftover[i]) != 0)
			stage_fail(stage, 1, "close(%d) of what the script left open: %s",
				   engine->leftover[i], strerror(errno));
	if (engine->so.free)
		engine->so.free(engine->so.userdata);
	if (engine->library)
		(void)dlclose(engine->library);
	free(engine);
}

const struct engine_ops engine_so = {
	.open = so_open,
	.close = so_close,
	.call = so_call,
	.input = so_input,
	.run = so_run,
	.await = so_await,
	.status = so_status,
};
