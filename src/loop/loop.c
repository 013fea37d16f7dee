/* The loop: joins hosts, links, a clock, poll(2) and epoll(7).
 *
 * A turn reads the clock, then serves in passes, each in the order in which things were added: what each
 * link has received goes to its host; each host's events go to the program; posts run; each host's output goes
 * to its links. Passes follow each other until nothing moves or the budget is
 * spent. Only a turn in which nothing moved sleeps: so a program that looks between turns (blocking calls
 * do) never misses what it waits for, and a virtual clock never jumps over work.
 *
 * A host is asked for output only while each of its links has room for a whole batch: one that is full
 * holds its host back, and no packet is ever taken that cannot be kept.
 *
 * Left out: taking links and hosts out again (a loop ends as a whole); more than one thread.
 */
#include "loop/loop.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"

tern_time loop_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (tern_time)ts.tv_sec * TERN_SECOND + ts.tv_nsec;
}

/* ---- making and ending ---- */

int tern_loop_create(tern_loop **out, enum tern_clock clock)
{
	if (!out || (clock != TERN_CLOCK_REAL && clock != TERN_CLOCK_VIRTUAL))
		return -TERN_EINVAL;
	tern_loop *loop = calloc(1, sizeof *loop);
	if (!loop)
		return -TERN_ENOMEM;
	loop->clock = clock;
	loop->now = clock == TERN_CLOCK_REAL ? loop_clock() : 0;
	loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->wake < 0 || loop->epoll < 0 || loop_reserve_polls(loop) < 0 ||
	    pthread_mutex_init(&loop->mutex, NULL) != 0) {
		if (loop->wake >= 0)
			close(loop->wake);
		if (loop->epoll >= 0)
			close(loop->epoll);
		free(loop->polls);
		free(loop);
		return -TERN_ENOMEM;
	}
	*out = loop;
	return 0;
}

void tern_loop_destroy(tern_loop *loop)
{
	if (!loop)
		return;
	for (uint32_t i = 0; i < loop->n_ports; i++)
		for (unsigned k = 0; k < loop->ports[i].n_pending; k++)
			tern_packet_done(loop->ports[i].pending[k]);
	for (uint32_t i = 0; i < loop->n_ports; i++)
		loop->ports[i].link->ops->close(loop->ports[i].link);
	loop_drop_posts(loop);
	pthread_mutex_destroy(&loop->mutex);
	close(loop->wake);
	close(loop->epoll);
	free(loop->hosts);
	free(loop->ports);
	free(loop->watches);
	free(loop->polls);
	free(loop);
}

tern_time tern_loop_now(const tern_loop *loop)
{
	return loop->clock == TERN_CLOCK_REAL ? loop_clock() : loop->now;
}

int loop_find_host(tern_loop *loop, tern_host *host, bool add)
{
	for (uint32_t i = 0; i < loop->n_hosts; i++)
		if (loop->hosts[i].host == host)
			return (int)i;
	if (!add || !host)
		return -TERN_EINVAL;
	struct loop_host *hosts = realloc(loop->hosts, (loop->n_hosts + 1) * sizeof *hosts);
	if (!hosts)
		return -TERN_ENOMEM;
	loop->hosts = hosts;
	hosts[loop->n_hosts] = (struct loop_host){ .host = host, .told = loop->now };
	tern_host_advance(host, loop->now);
	return (int)loop->n_hosts++;
}

int tern_loop_add(tern_loop *loop, tern_host *host, struct tern_link *link, uint8_t *number)
{
	if (!link || !host)
		return -TERN_EINVAL;
	struct loop_port *ports = realloc(loop->ports, (loop->n_ports + 1) * sizeof *ports);
	if (!ports)
		return -TERN_ENOMEM;
	loop->ports = ports;
	if (loop_reserve_polls(loop) < 0)
		return -TERN_ENOMEM;
	const bool is_new = loop_find_host(loop, host, false) < 0;
	const int  index = loop_find_host(loop, host, true);
	if (index < 0)
		return index;

	uint8_t	  given;
	const int error = tern_host_add_link(host, &link->config, &given);
	if (error) {
		loop->n_hosts -= is_new; /* it may go at any time, and we would not know */
		return error;
	}
	ports[loop->n_ports] =
		(struct loop_port){ .link = link, .host = (uint32_t)index, .number = given, .look = true };
	if (link->ops->arm && loop->clock == TERN_CLOCK_REAL) /* it learns that we do, and says no word without */
		(void)link->ops->arm(link);
	loop->hosts[index].port[given] = ++loop->n_ports;
	loop->hosts[index].n_numbers = max_u32(loop->hosts[index].n_numbers, given + 1u);
	if (number)
		*number = given;
	return 0;
}

int tern_loop_on_event(tern_loop *loop, tern_host *host,
		       void (*fn)(void *context, tern_host *host, const struct tern_event *event),
		       void *context)
{
	const int index = loop_find_host(loop, host, true);

	if (index < 0)
		return index;
	loop->hosts[index].on_event = fn;
	loop->hosts[index].context = context;
	return 0;
}

/* ---- serving ---- */

/* only_due: who has nothing due hears the time with its next packet. */
static void tell_time(tern_loop *loop, bool only_due)
{
	for (uint32_t i = 0; i < loop->n_hosts; i++) {
		struct loop_host *host = &loop->hosts[i];

		if ((only_due || host->told == loop->now) && tern_host_deadline(host->host) > loop->now)
			continue;
		host->told = loop->now;
		tern_host_advance(host->host, loop->now);
	}
}

void loop_refresh(tern_loop *loop)
{
	if (loop->clock == TERN_CLOCK_REAL)
		loop->now = loop_clock();
	tell_time(loop, false);
}

static size_t flush(tern_loop *loop, struct loop_port *port)
{
	if (!port->n_pending)
		return 0;
	const size_t took = port->link->ops->send(port->link, port->pending, port->n_pending, loop->now);

	port->n_pending = (uint8_t)(port->n_pending - took);
	if (port->n_pending > 0)
		memmove(port->pending, port->pending + took, port->n_pending * sizeof port->pending[0]);
	return took;
}

/* A link that had nothing more is asked again when its descriptor or its deadline says so. */
static bool may_have_packets(const tern_loop *loop, const struct loop_port *port)
{
	const struct tern_link *const link = port->link;

	return port->look || link->ops->fd(link) < 0 || link->ops->deadline(link) <= loop->now;
}

static size_t receive(tern_loop *loop, struct loop_port *port)
{
	if (!may_have_packets(loop, port))
		return 0;
	tern_packet *batch[LOOP_BATCH];
	const size_t n = port->link->ops->receive(port->link, batch, LOOP_BATCH, loop->now);

	port->look = n > 0;
	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++)
		batch[i]->link = port->number;
	tern_host_input(loop->hosts[port->host].host, batch, n, loop->now);
	return n;
}

/* How many packets each of the host's links can still keep. */
static size_t room_of(const tern_loop *loop, const struct loop_host *host)
{
	size_t room = LOOP_BATCH;

	for (uint32_t i = 0; i < host->n_numbers; i++)
		if (host->port[i])
			room = min_size(room, LOOP_PENDING - loop->ports[host->port[i] - 1].n_pending);
	return room;
}

/* anew: there were packets or calls since it was last asked. What a host has to say to itself no link hears of, and yet
 * it moves: there may be news for its program. */
static size_t send_from(tern_loop *loop, uint32_t index, bool anew)
{
	const struct loop_host *host = &loop->hosts[index];

	if (anew && tern_host_deadline(host->host) <= loop->now) /* one of them made it due */
		tern_host_advance(host->host, loop->now);
	if (!tern_host_has_output(host->host))
		return 0;
	const size_t room = room_of(loop, host);
	if (!room)
		return 0;
	tern_packet *batch[LOOP_BATCH];
	const size_t n = tern_host_output(host->host, batch, room, loop->now);
	for (size_t i = 0; i < n; i++) {
		const uint32_t at = host->port[batch[i]->link];

		if (at)
			loop->ports[at - 1].pending[loop->ports[at - 1].n_pending++] = batch[i];
		else /* to a link that the program gave the host behind the loop's back */
			tern_packet_done(batch[i]);
	}
	for (uint32_t i = 0; i < host->n_numbers; i++)
		if (host->port[i])
			flush(loop, &loop->ports[host->port[i] - 1]);
	return n > 0 ? n : 1;
}

static size_t tell_events(tern_loop *loop, uint32_t index)
{
	struct tern_event event;
	size_t		  n = 0;

	/* Looked up each time: the callback may add hosts, or change itself. */
	while (n < LOOP_BATCH && loop->hosts[index].on_event &&
	       tern_host_event(loop->hosts[index].host, &event)) {
		const struct loop_host *host = &loop->hosts[index];

		host->on_event(host->context, host->host, &event);
		n++;
	}
	return n;
}

static size_t pass(tern_loop *loop, bool first)
{
	size_t moved = 0;

	for (uint32_t i = 0; i < loop->n_ports; i++) {
		moved += flush(loop, &loop->ports[i]);
		moved += receive(loop, &loop->ports[i]);
	}
	/* Programs before output: what they answer at once takes the ACK along. */
	for (uint32_t i = 0; i < loop->n_hosts; i++)
		moved += tell_events(loop, i);
	moved += loop_run_posts(loop);
	for (uint32_t i = 0; i < loop->n_hosts; i++)
		moved += send_from(loop, i, first || moved > 0);
	return moved;
}

bool loop_serve(tern_loop *loop)
{
	const size_t budget = loop->n_watches > 0 ? LOOP_SHARE : LOOP_BUDGET;
	size_t moved = 0;

	for (size_t more = pass(loop, true); more; more = moved < budget ? pass(loop, false) : 0)
		moved += more;
	return moved > 0;
}

/* ---- turning ---- */

/* The earliest moment at which something is due by itself. What was due before now had its chance in the
 * turn that finds nothing moving: it is stuck (a link that has no room), and must not make us spin. */
tern_time loop_deadline(const tern_loop *loop)
{
	tern_time at = TERN_NEVER;
	bool	  stuck = false;

	for (uint32_t i = 0; i < loop->n_hosts + loop->n_ports; i++) {
		const struct tern_link *link = i < loop->n_hosts ? NULL : loop->ports[i - loop->n_hosts].link;
		tern_time		t;

		if (link)
			t = link->ops->deadline(link);
		else
			t = tern_host_deadline(loop->hosts[i].host);
		if (t > loop->now)
			at = min_i64(at, t);
		else
			stuck = true;
	}
	if (stuck && loop->clock == TERN_CLOCK_REAL) /* look again soon */
		at = min_i64(at, loop->now + TERN_MILLISECOND);
	return at;
}

/* As loop_poll(), with what goes before sleeping; loop->now is when it ended. */
static int sleep_until(tern_loop *loop, tern_time until)
{
	if (loop_spin(loop, until))
		return 1;
	const tern_time begin = loop->now;
	const int	woken =
		  loop_arm(loop) ? 1 : loop_poll(loop, until == TERN_NEVER ? TERN_NEVER : max_i64(until - begin, 0));

	loop->now = loop_clock();
	if (loop->spin_most)
		loop_slept(loop, loop->now - begin);
	return woken;
}

/* Sleeps or jumps; `moved`: only looks. 1: a descriptor has something, or the deadline came; 0: neither. */
static int pause_until(tern_loop *loop, bool moved, tern_time due, tern_time limit)
{
	const tern_time until = min_i64(due, limit);
	const bool	real = loop->clock == TERN_CLOCK_REAL;
	int		woken = 0;

	if (real && !moved && until > loop->now) {
		woken = sleep_until(loop, until);
	} else if (real) {
		woken = loop_look(loop);
	} else if (loop_has_descriptors(loop)) {
		const bool idle = !moved && until == TERN_NEVER;
		woken = loop_poll(loop, idle ? TERN_NEVER : 0);
	}
	if (woken || moved)
		return woken;
	if (!real && until != TERN_NEVER)
		loop->now = until;
	loop_refresh(loop);
	return loop->now >= due;
}

/* Somebody has something. `moved`: the time is not that of the turn's beginning any more; else it is, or that of the
 * end of a sleep. Where one host is all that there is and nobody calls before it has its packet, it hears the time with
 * that: true; where there was no packet, it is still to be told. */
static bool wake_up(tern_loop *loop, bool moved)
{
	const bool calls = loop->n_ready > 0 || atomic_load_explicit(&loop->posted, memory_order_acquire);
	const bool with_packet = loop->n_hosts == 1 && !calls && !moved;

	if (moved)
		loop_refresh(loop);
	else
		tell_time(loop, with_packet);
	loop_call_watchers(loop);
	return with_packet;
}

static int turn(tern_loop *loop, tern_time wait, bool fresh)
{
	if (!fresh)
		loop_refresh(loop);
	const tern_time limit = loop_later(loop->now, wait);
	const bool	moved = loop_serve(loop);
	const int	woken = pause_until(loop, moved, moved ? loop->now : loop_deadline(loop), limit);

	if (woken < 0)
		return woken;
	const bool untold = woken && wake_up(loop, moved);
	if (moved)
		return 1;
	const bool served = loop_serve(loop);
	if (untold && !served)
		tell_time(loop, false);
	return served || woken;
}

int loop_turn(tern_loop *loop, tern_time wait, bool fresh)
{
	if (wait < 0)
		return -TERN_EINVAL;
	if (loop->turning)
		return -TERN_EALREADY;
	loop->turning = true;
	const int result = turn(loop, wait, fresh);
	loop->turning = false;
	return result;
}

int tern_loop_turn(tern_loop *loop, tern_time wait)
{
	return loop_turn(loop, wait, false);
}

int tern_loop_run(tern_loop *loop)
{
	int result = 1;

	while (!loop->stopping && result > 0)
		result = tern_loop_turn(loop, TERN_NEVER);
	loop->stopping = false;
	return result < 0 ? result : 0;
}

void tern_loop_stop(tern_loop *loop)
{
	loop->stopping = true;
}
