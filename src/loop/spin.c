/* Looking about before sleeping, as KVM's halt polling does it (Documentation/virt/kvm/halt-polling.rst): what comes
 * within the time that a sleep and its waking take is found sooner by who has not gone to sleep. A short sleep was
 * one too many, and makes the looking longer; a long one shows that looking would have been for nothing.
 *
 * Links between threads (tern_link_ops.arm) and posts are seen without asking the system; descriptors are polled.
 */
#include "loop/loop.h"

#include <sched.h>

enum {
	SPIN_STEPS = 8,	  /* it grows from this part of the most */
	SPIN_YIELD = 256, /* so many looks, some microseconds, before another thread may have the core */
};

int tern_loop_set_spin(tern_loop *loop, tern_time most)
{
	if (most < 0 || loop->clock != TERN_CLOCK_REAL)
		return -TERN_EINVAL;
	loop->spin_most = loop->spin = most;
	return 0;
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

static bool has_something(const tern_loop *loop)
{
	if (atomic_load_explicit(&loop->posted, memory_order_acquire))
		return true;
	for (uint32_t i = 0; i < loop->n_ports; i++) {
		const struct tern_link *const link = loop->ports[i].link;

		if (link->ops->arm && link->ops->deadline(link) <= loop->now)
			return true;
	}
	return false;
}

static bool has_to_ask(const tern_loop *loop)
{
	for (uint32_t i = 0; i < loop->n_ports; i++) {
		const struct tern_link *const link = loop->ports[i].link;

		if (loop->ports[i].n_pending || (!link->ops->arm && link->ops->fd(link) >= 0))
			return true;
	}
	return loop->n_watches > 0;
}

bool loop_spin(tern_loop *loop, tern_time until)
{
	const tern_time end = loop->spin < until - loop->now ? loop->now + loop->spin : until;
	const bool	asks = loop->spin > 0 && has_to_ask(loop);

	for (unsigned looks = 1; loop->now < end && loop->spin > 0; looks++) {
		if (has_something(loop) || (asks && loop_poll(loop, 0) != 0))
			return true;
		if (looks % SPIN_YIELD == 0) /* whom we wait for may have none of its own */
			(void)sched_yield();
		relax();
		loop->now = loop_clock();
	}
	return false;
}

void loop_slept(tern_loop *loop, tern_time span)
{
	const tern_time most = loop->spin_most, least = most / SPIN_STEPS;

	if (most == TERN_NEVER)
		return;
	if (span >= most)
		loop->spin = 0;
	else if (loop->spin < most / 2)
		loop->spin = loop->spin > least / 2 ? 2 * loop->spin : least;
	else
		loop->spin = most;
}
