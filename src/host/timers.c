/* When to come back to a block. The wheel holds block indices, at most a few for each block; a block
 * knows which of them count, by wheel_tick, and what comes out for another tick is passed over.
 *
 * Only a block's earliest deadline is armed, and an entry that comes out too early is let be: the
 * deadline is looked up again when it does (a busy connection's RTO moves with every ACK; its entry
 * moves five times a second). Two entries count at a time, a near and a far one, in 16 bits each:
 *
 *   near  up to NEAR away: the low bits of the exact tick
 *   far   beyond: in units of 2^FAR_SHIFT ticks (1.07 s), rounded down; what comes out then is near
 *
 * One alone would not do: each delayed ACK would put the keep-alive's entry out of mind, and the next
 * look would add another for the same two hours. 0 in either: none.
 *
 * Several things happen to a block in one moment of the clock (a segment, a call, what leaves of both), and its
 * deadlines move with each, to and fro. So it is noted, and armed once, when time moves on: nothing comes out before
 * the next tick anyway. A connection that opens, talks and closes before that is never armed at all. Who asks for the
 * next deadline has the noted ones looked at.
 *
 * Half-open and TIME-WAIT entries wait for constant spans, so their rooms keep their own order.
 */
#include "host/internal.h"

enum {
	NEAR_TICKS = 30000, /* 1.97 s; below 2^15, so that ticks 16 bits wide compare */
	FAR_SHIFT = 14,
	WHEEL_CHUNKS_KEPT = 16, /* 64 KiB: not worth giving back */
};

#define FAR_MOST (8 * 3600 * TERN_SECOND) /* below 2^15 far units; a later deadline is looked up again */
#define UNARMED_LOOK (50 * TERN_MILLISECOND)

static uint16_t near_of(const struct tcb *tcb)
{
	return (uint16_t)tcb->wheel_tick;
}

static uint16_t far_of(const struct tcb *tcb)
{
	return (uint16_t)(tcb->wheel_tick >> 16);
}

static void remember(struct tcb *tcb, uint16_t near, uint16_t far)
{
	tcb->wheel_tick = (uint32_t)far << 16 | near;
}

/* Whether the armed one comes out no later than what is wanted; both modulo 2^16, 0 not armed. */
static bool comes_by(uint16_t armed, uint16_t wanted)
{
	return armed != 0 && (int16_t)(uint16_t)(armed - wanted) <= 0;
}

static uint16_t far_unit(uint64_t tick)
{
	return (uint16_t)(tick >> FAR_SHIFT);
}

static bool arm(struct tern_host *host, struct tcb *tcb, uint64_t tick, uint64_t now)
{
	/* The far unit 0 cannot be told from none: one near look on the way, two seconds on. */
	if (tick - now > NEAR_TICKS && far_unit(tick) == 0)
		tick = now + NEAR_TICKS;
	if (tick - now <= NEAR_TICKS) {
		tick += (uint16_t)tick == 0;
		if (comes_by(near_of(tcb), (uint16_t)tick))
			return true;
		if (!wheel_add(&host->wheel, tick, tcb_index(tcb)))
			return false;
		remember(tcb, (uint16_t)tick, far_of(tcb));
		return true;
	}
	tick = tick >> FAR_SHIFT << FAR_SHIFT;
	/* A near one is earlier than anything far. */
	if (near_of(tcb) != 0 || comes_by(far_of(tcb), far_unit(tick)))
		return true;
	if (!wheel_add(&host->wheel, tick, tcb_index(tcb)))
		return false;
	remember(tcb, near_of(tcb), far_unit(tick));
	return true;
}

/* When the present tick began. Deadlines run by ticks, whatever brought us here in between: what happens
 * then hangs on the connection alone, not on entries that it outlived, and is the same for one that was
 * packed and unpacked. */
static tern_time tick_begun(const struct tern_host *host)
{
	return host->now - (host->now - host->wheel.origin) % WHEEL_TICK;
}

static uint64_t tick_of_now(const struct tern_host *host)
{
	return (uint64_t)(tick_begun(host) - host->wheel.origin) >> WHEEL_TICK_BITS;
}

/* When to look at the block. 0: it waits for nothing. */
static uint64_t tick_wanted(const struct tern_host *host, const struct tcb *tcb)
{
	const tern_time deadline = tcp_deadline(tcb, host->now);

	if (deadline == TERN_NEVER)
		return 0;
	const uint64_t tick = wheel_tick(&host->wheel, min_i64(deadline, host->now + FAR_MOST));
	const uint64_t now = tick_of_now(host);

	/* Never at once: a deadline that stays in the past must not keep timers_run() going. */
	return tick > now ? tick : now + 1;
}

void timers_arm(struct tern_host *host, uint32_t index)
{
	struct tcb *const tcb = tcb_pool_at(&host->blocks, index);
	const uint64_t	  tick = tcb ? tick_wanted(host, tcb) : 0;

	if (tick == 0) /* what is armed comes out and finds nothing */
		return;
	if (arm(host, tcb, tick, tick_of_now(host)))
		return;
	host->timers_unarmed = true;
	host->env.stats.TernTimersUnarmed++;
}

void timers_note_instead(struct tern_host *host, uint32_t index)
{
	uint32_t *const place = &host->noted.at[index % TIMERS_NOTED];

	timers_arm(host, *place);
	*place = index;
}

void timers_until(struct tern_host *host, tern_time now)
{
	if ((now - host->wheel.origin) >> WHEEL_TICK_BITS == (host->now - host->wheel.origin) >> WHEEL_TICK_BITS)
		return;
	for (; host->noted.taken != 0; host->noted.taken &= host->noted.taken - 1)
		timers_arm(host, host->noted.at[__builtin_ctzll(host->noted.taken)]);
}

/* When the first of the noted has to be looked at. */
static tern_time noted_deadline(const struct tern_host *host)
{
	tern_time at = TERN_NEVER;

	for (uint64_t left = host->noted.taken; left != 0; left &= left - 1) {
		const struct tcb *const tcb = tcb_pool_at(&host->blocks, host->noted.at[__builtin_ctzll(left)]);
		const uint64_t		tick = tcb ? tick_wanted(host, tcb) : 0;

		if (tick != 0)
			at = min_i64(at, host->wheel.origin + (tern_time)(tick << WHEEL_TICK_BITS));
	}
	return at;
}

/* The entry that comes out is one that counts: then it does no more. */
static bool forget(struct tcb *tcb, uint64_t tick)
{
	const bool is_near = near_of(tcb) != 0 && near_of(tcb) == (uint16_t)tick;
	const bool is_far = far_of(tcb) != 0 && far_of(tcb) == far_unit(tick) &&
			    (tick & ((UINT64_C(1) << FAR_SHIFT) - 1)) == 0;

	remember(tcb, is_near ? 0 : near_of(tcb), is_far ? 0 : far_of(tcb));
	return is_near || is_far;
}

static void look(struct tern_host *host, struct tcb *tcb)
{
	if (tcp_deadline(tcb, host->now) <= tick_begun(host))
		tcp_expire(tcb, host->now);
	settle_block(host, tcb);
}

/* The wheel had no memory for somebody: everybody is looked at. Rare: 16 bytes were not to be had. */
static void look_at_all(struct tern_host *host)
{
	host->timers_unarmed = false; /* settle_block() sets it again where memory is still short */
	for (struct tcb *tcb = tcb_pool_from(&host->blocks, 0); tcb;) {
		const uint32_t index = tcb_index(tcb);

		look(host, tcb);
		tcb = tcb_pool_from(&host->blocks, index + 1);
	}
}

void timers_run(struct tern_host *host)
{
	struct wheel_entry	     entry;
	struct ip_reassembly_expired expired;

	while (wheel_next(&host->wheel, host->now, &entry)) {
		struct tcb *const tcb = tcb_pool_at(&host->blocks, entry.id);

		if (tcb && forget(tcb, entry.tick))
			look(host, tcb);
	}
	/* What a burst of timers took goes back; so many were added since the last time that this is no matter. */
	if (host->wheel.n_chunks > WHEEL_CHUNKS_KEPT && host->wheel.n < host->wheel.n_chunks * (WHEEL_CHUNK / 4))
		wheel_trim(&host->wheel);
	if (host->timers_unarmed)
		look_at_all(host);
	half_open_expire(host, host->now);
	time_wait_expire(host, host->now);
	ethernet_expire(host);
	while (ip_reassembly_expire(&host->reassembly, host->now, &expired)) {
		host->env.stats.ReasmTimeout++;
		host->env.stats.ReasmFails++;
		icmp_reassembly_expired(host, &expired);
	}
}

void timers_rest(struct tern_host *host)
{
	if (host->wheel.n_chunks > WHEEL_CHUNKS_KEPT)
		wheel_done(&host->wheel);
}

tern_time timers_deadline(const struct tern_host *host)
{
	tern_time at = half_open_deadline(&host->half_opens);

	if (host->loop.first) /* more went to ourselves than one output call carries */
		return host->now;
	at = min_i64(at, time_wait_deadline(&host->time_wait));
	at = min_i64(at, ip_reassembly_deadline(&host->reassembly));
	at = min_i64(at, neighbours_deadline(&host->neighbours));
	if (host->blocks.n_used > 0) /* else the wheel holds only what nobody waits for */
		at = min_i64(at, min_i64(wheel_deadline(&host->wheel), noted_deadline(host)));
	if (host->timers_unarmed)
		at = min_i64(at, host->now + UNARMED_LOOK);
	return max_i64(at, host->now);
}
