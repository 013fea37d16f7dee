/* Looking about before sleeping, as KVM's halt polling does it (Documentation/virt/kvm/halt-polling.rst): what comes
 * within the time that a sleep and its waking take is found sooner by who has not gone to sleep. A short sleep was
 * one too many, and makes the looking longer; a long one shows that looking would have been for nothing.
 *
 * Links between threads (tern_link_ops.arm) and posts are seen without asking the system; descriptors are polled.
 *
 * A sleep takes longer than it says (prctl(2), PR_SET_TIMERSLACK), so what is due before one could end is waited for
 * awake, in any loop: so a link without a descriptor asks to be polled.
 */
#include "loop/loop.h"

#include <sched.h>

enum {
	SPIN_STEPS = 8,	  /* it grows from this part of the most */
	SPIN_SHORT = 2000, /* ns that are no sleep */
	SPIN_LOOKS = 4,	 /* at one time: reading the clock takes longer than looking */
	/* So many times before another thread may have the core: a microsecond where one took it last, else a call
	 * that mostly is for nothing waits longer than most answers take. */
	SPIN_YIELD = 8,
	SPIN_YIELD_ALONE = 64,
	SPIN_TAKEN = 2000, /* ns: nobody else runs for less */
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

		if (loop->ports[i].n_pending || link->ops->fd(link) >= 0)
			return true;
	}
	return loop->n_watches > 0;
}

int loop_look(tern_loop *loop)
{
	const int woken = has_to_ask(loop) ? loop_poll(loop, 0) : 0; /* first: a busy link hides no descriptor */

	return woken == 0 ? has_something(loop) : woken;
}

static bool looks_about(const tern_loop *loop)
{
	for (unsigned looks = 0; looks < SPIN_LOOKS; looks++) {
		if (has_something(loop))
			return true;
		relax();
	}
	return false;
}

/* Whom we wait for may have no core of its own. */
static void yield(tern_loop *loop)
{
	const tern_time before = loop->now;

	(void)sched_yield();
	loop->now = loop_clock();
	loop->core_is_shared = loop->now - before >= SPIN_TAKEN;
}

bool loop_spin(tern_loop *loop, tern_time until)
{
	const tern_time span = until - loop->now <= SPIN_SHORT ? SPIN_SHORT : loop->spin;
	const tern_time end = span < until - loop->now ? loop->now + span : until;
	const bool	asks = span > 0 && has_to_ask(loop);

	for (unsigned times = 1; loop->now < end; times++) {
		if (looks_about(loop) || (asks && loop_poll(loop, 0) != 0))
			return true;
		loop->now = loop_clock();
		if (times % (loop->core_is_shared ? SPIN_YIELD : SPIN_YIELD_ALONE) == 0)
			yield(loop);
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
