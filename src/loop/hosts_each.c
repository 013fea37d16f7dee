/* tern_hosts: the threads, and what is done in all of them. */
#include "loop/hosts.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "link/steer.h"

/* ---- threads ---- */

/* Whose thread this is; NULL: none's. */
static _Thread_local const tern_hosts *inside;

static bool is_inside(const tern_hosts *hosts)
{
	return inside == hosts;
}

/* Where it cannot be had, the thread runs wherever the system puts it. */
static void pin_to(unsigned i)
{
	cpu_set_t may, one;

	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof may, &may) != 0 || CPU_COUNT(&may) == 0)
		return;
	unsigned left = i % (unsigned)CPU_COUNT(&may);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &may) && left-- == 0) {
			CPU_SET(cpu, &one);
			(void)sched_setaffinity(0, sizeof one, &one);
			return;
		}
}

static void *run(void *context)
{
	struct member *const member = context;

	inside = member->hosts;
	if (member->hosts->pin)
		pin_to(member->i);
	(void)tern_loop_run(member->loop);
	return NULL;
}

static void stop(void *context)
{
	tern_loop_stop(context);
}

/* The first n threads. A post needs memory: where there is none, it is tried again until there is. */
static void join(tern_hosts *hosts, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		while (tern_post(hosts->member[i].loop, stop, hosts->member[i].loop) == -TERN_ENOMEM)
			sched_yield();
	for (unsigned i = 0; i < n; i++)
		(void)pthread_join(hosts->member[i].thread, NULL);
}

int tern_hosts_start(tern_hosts *hosts)
{
	if (hosts->runs)
		return -TERN_EALREADY;
	if (hosts->clock != TERN_CLOCK_REAL)
		return -TERN_EINVAL;
	hosts->runs = true; /* the threads see it so */
	for (unsigned i = 0; i < hosts->n; i++)
		if (pthread_create(&hosts->member[i].thread, NULL, run, &hosts->member[i]) != 0) {
			join(hosts, i);
			hosts->runs = false;
			return -TERN_ENOMEM;
		}
	return 0;
}

int tern_hosts_stop(tern_hosts *hosts)
{
	if (is_inside(hosts))
		return -TERN_EALREADY;
	if (!hosts->runs)
		return 0;
	join(hosts, hosts->n);
	hosts->runs = false;
	return 0;
}

/* ---- virtual time ---- */

static tern_time earliest(const tern_hosts *hosts)
{
	tern_time at = TERN_NEVER;

	for (unsigned i = 0; i < hosts->n; i++)
		at = min_i64(at, loop_deadline(hosts->member[i].loop));
	return at;
}

static bool settle(tern_hosts *hosts)
{
	bool moved = false;

	for (bool again = true; again; moved |= again) {
		again = false;
		for (unsigned i = 0; i < hosts->n; i++)
			again |= tern_loop_turn(hosts->member[i].loop, 0) > 0;
	}
	return moved;
}

int tern_hosts_turn(tern_hosts *hosts, tern_time wait)
{
	if (hosts->clock != TERN_CLOCK_VIRTUAL || wait < 0)
		return -TERN_EINVAL;
	const bool	moved = settle(hosts);
	const tern_time now = tern_loop_now(hosts->member[0].loop); /* they all go together */
	const tern_time until = min_i64(earliest(hosts), loop_later(now, wait));

	if (moved)
		return 1;
	if (until == TERN_NEVER)
		return 0;
	/* A turn that moves what another has just handed over does not go on in time: the next one does. */
	for (unsigned i = 0; i < hosts->n; i++)
		for (tern_time at; (at = tern_loop_now(hosts->member[i].loop)) < until;)
			(void)tern_loop_turn(hosts->member[i].loop, until - at);
	return settle(hosts) || until < loop_later(now, wait);
}

/* ---- in all of them ---- */

struct task {
	int (*fn)(void *context, unsigned i, tern_loop *loop, tern_host *host);
	void	       *context;
	pthread_mutex_t mutex;
	pthread_cond_t	done;
	unsigned	left;
};

struct errand {
	struct task   *task;
	struct member *member;
	int	       result;
};

static void do_errand(void *context)
{
	struct errand *const errand = context;
	struct task *const   task = errand->task;
	struct member *const member = errand->member;

	errand->result = task->fn(task->context, member->i, member->loop, member->host);
	pthread_mutex_lock(&task->mutex);
	if (--task->left == 0)
		pthread_cond_signal(&task->done);
	pthread_mutex_unlock(&task->mutex);
}

static int each_here(tern_hosts *hosts, const struct task *task)
{
	int result = 0;

	for (unsigned i = 0; i < hosts->n; i++) {
		struct member *const member = &hosts->member[i];
		const int	     one = task->fn(task->context, i, member->loop, member->host);

		if (one < 0 && result == 0)
			result = one;
	}
	return result;
}

static int each_there(tern_hosts *hosts, struct task *task)
{
	struct errand errand[TERN_SHARE_MOST];
	int	      result = 0;

	if (pthread_mutex_init(&task->mutex, NULL) != 0)
		return -TERN_ENOMEM;
	if (pthread_cond_init(&task->done, NULL) != 0) {
		pthread_mutex_destroy(&task->mutex);
		return -TERN_ENOMEM;
	}
	task->left = hosts->n;
	for (unsigned i = 0; i < hosts->n; i++) {
		errand[i] = (struct errand){ .task = task, .member = &hosts->member[i] };
		while (tern_post(hosts->member[i].loop, do_errand, &errand[i]) == -TERN_ENOMEM)
			sched_yield();
	}
	pthread_mutex_lock(&task->mutex);
	while (task->left > 0)
		pthread_cond_wait(&task->done, &task->mutex);
	pthread_mutex_unlock(&task->mutex);
	pthread_cond_destroy(&task->done);
	pthread_mutex_destroy(&task->mutex);
	for (unsigned i = 0; i < hosts->n && result == 0; i++)
		result = errand[i].result < 0 ? errand[i].result : 0;
	return result;
}

int tern_hosts_each(tern_hosts *hosts, int (*fn)(void *context, unsigned i, tern_loop *loop, tern_host *host),
		    void *context)
{
	struct task task = { .fn = fn, .context = context };

	if (is_inside(hosts))
		return -TERN_EALREADY;
	return hosts->runs ? each_there(hosts, &task) : each_here(hosts, &task);
}

struct way {
	const struct tern_addr *addr, *next_hop;
	unsigned		bits;
	uint8_t			link;
};

static int add_address(void *context, unsigned i, tern_loop *loop, tern_host *host)
{
	const struct way *const way = context;

	(void)i;
	(void)loop;
	return tern_host_add_address(host, way->link, way->addr, way->bits);
}

int tern_hosts_add_address(tern_hosts *hosts, uint8_t link, const struct tern_addr *addr, unsigned bits)
{
	return tern_hosts_each(hosts, add_address, &(struct way){ .addr = addr, .bits = bits, .link = link });
}

static int add_route(void *context, unsigned i, tern_loop *loop, tern_host *host)
{
	const struct way *const way = context;

	(void)i;
	(void)loop;
	return tern_host_add_route(host, way->addr, way->bits, way->link, way->next_hop);
}

int tern_hosts_add_route(tern_hosts *hosts, const struct tern_addr *prefix, unsigned bits, uint8_t link,
			 const struct tern_addr *next_hop)
{
	struct way way = { .addr = prefix, .next_hop = next_hop, .bits = bits, .link = link };

	return tern_hosts_each(hosts, add_route, &way);
}

struct listening {
	const struct tern_listen *listen;
	tern_socket		  listener[TERN_SHARE_MOST];
	bool			  opened[TERN_SHARE_MOST];
};

static int open_listener(void *context, unsigned i, tern_loop *loop, tern_host *host)
{
	struct listening *const listening = context;

	(void)loop;
	const int result = tern_listen(host, listening->listen, &listening->listener[i]);
	listening->opened[i] = result == 0;
	return result;
}

static int close_listener(void *context, unsigned i, tern_loop *loop, tern_host *host)
{
	const struct listening *const listening = context;

	(void)loop;
	return listening->opened[i] ? tern_close(host, listening->listener[i]) : 0;
}

int tern_hosts_listen(tern_hosts *hosts, const struct tern_listen *listen, tern_socket *listener)
{
	struct listening listening = { .listen = listen };
	const int	 result = tern_hosts_each(hosts, open_listener, &listening);

	if (result < 0)
		(void)tern_hosts_each(hosts, close_listener, &listening);
	else if (listener)
		memcpy(listener, listening.listener, hosts->n * sizeof *listener);
	return result;
}

struct hearing {
	void (*fn)(void *context, tern_host *host, const struct tern_event *event);
	void *context;
};

static int set_hearing(void *context, unsigned i, tern_loop *loop, tern_host *host)
{
	const struct hearing *const hearing = context;

	(void)i;
	return tern_loop_on_event(loop, host, hearing->fn, hearing->context);
}

int tern_hosts_on_event(tern_hosts *hosts,
			void (*fn)(void *context, tern_host *host, const struct tern_event *event), void *context)
{
	return tern_hosts_each(hosts, set_hearing, &(struct hearing){ .fn = fn, .context = context });
}

/* ---- counters ---- */

struct counting {
	tern_hosts	       *hosts;
	struct tern_stats	one[TERN_SHARE_MOST];
	struct tern_hosts_stats steering[TERN_SHARE_MOST];
};

static int count(void *context, unsigned i, tern_loop *loop, tern_host *host)
{
	struct counting *const counting = context;

	(void)loop;
	tern_host_stats(host, &counting->one[i]);
	for (unsigned k = 0; k < HOSTS_LINKS; k++) {
		struct steer_stats stats = { .kept = 0 };

		if (counting->hosts->member[i].link[k])
			steer_stats(counting->hosts->member[i].link[k], &stats);
		counting->steering[i].kept += stats.kept;
		counting->steering[i].passed += stats.passed;
		counting->steering[i].dropped += stats.dropped;
	}
	return 0;
}

/* Every member of struct tern_stats is a uint64_t. */
static void add_up(uint64_t *sum, const struct tern_stats *one)
{
	uint64_t values[sizeof *one / sizeof(uint64_t)];

	memcpy(values, one, sizeof *one);
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
		sum[i] += values[i];
}

int tern_hosts_stats(tern_hosts *hosts, struct tern_stats *sum, struct tern_hosts_stats *steering)
{
	uint64_t	       values[sizeof *sum / sizeof(uint64_t)] = { 0 };
	struct counting *const counting = calloc(1, sizeof *counting);

	if (!counting)
		return -TERN_ENOMEM;
	counting->hosts = hosts;
	const int result = tern_hosts_each(hosts, count, counting);
	if (steering)
		*steering = (struct tern_hosts_stats){ .kept = 0 };
	for (unsigned i = 0; i < hosts->n && result == 0; i++) {
		add_up(values, &counting->one[i]);
		if (!steering)
			continue;
		steering->kept += counting->steering[i].kept;
		steering->passed += counting->steering[i].passed;
		steering->dropped += counting->steering[i].dropped;
	}
	if (sum)
		memcpy(sum, values, sizeof values);
	free(counting);
	return result;
}
