/* impair: a filter that stands on any link and harms what is sent through it, reproducibly.
 *
 * send() decides each packet's fate at once, in order, with numbers drawn from the seed; what survives
 * is copied into a buffer of our own and waits until its time:
 *
 *	drop, loss, burst -> queue for the rate -> delay +/- jitter -> line -> under
 *	                                                      \-> back (reordered)
 *
 * The line is a queue in the order of entering, and its release times never decrease: so jitter does not
 * reorder. A reordered packet stands in `back` until reorder_by packets that entered the line after it
 * have left, or its latest time has come. Neither list ever needs a search.
 *
 * Nothing happens by itself: any send() or receive() first passes on to the link under it what is due at
 * its `now`, and deadline() says when that is. Where `under` has no room the packet stays in front.
 *
 * Invariants: left <= entered, and entered - left packets stand in the line; `waiting` is the part of
 * the held packets, in order of entering, that have not been through the rate at the last send().
 */
#include <tern/link.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/siphash.h"
#include "link/flat.h"
#include "wire/ethernet.h"
#include "wire/ip.h"

enum {
	IMPAIR_BYTES = 64 << 20, /* held in all, where not set */
	IMPAIR_HEAD = 64,	 /* counted for each packet beside its bytes: empty ones are not free */
	IMPAIR_LIMIT = 1000, /* as tc-netem's */
	IMPAIR_BY = 3,
};

struct held {
	struct flat  flat; /* first */
	struct held *next_waiting;
	tern_time    departs; /* is through the rate */
	tern_time    release; /* in the line: when; held back: at the latest */
	uint64_t     after;   /* held back: leaves once this many have left the line */
	uint8_t	     copies;  /* still to be sent */
};

struct queue {
	struct held *first, *last; /* last counts only where first is set */
};

struct impair {
	struct tern_link      link; /* first */
	struct tern_link     *under;
	struct tern_impair    set;
	struct tern_allocator allocator;
	struct flat_pool      pool;
	uint64_t	      random;
	uint64_t	      n;	 /* packets that entered send() */
	size_t		      next_drop; /* index into set.drop */
	bool		      bad;	 /* Gilbert-Elliott's state */
	tern_time	      now;
	tern_time	      rate_free; /* when the rate has served what it was given */
	uint64_t	      rate_rest; /* of the last division: so that the rate is exact in the long run */
	tern_time	      last_release;
	struct queue	      line, back;
	struct held	     *waiting_first, *waiting_last;
	uint32_t	      n_waiting, n_held;
	size_t		      bytes_waiting, bytes_held;
	uint64_t	      entered, left; /* the line */
};

/* What is drawn for each packet: always all of it, whatever is set and whatever befalls it. */
struct draws {
	uint64_t loss, state, burst, duplicate, corrupt, bit, reorder, jitter;
};

static struct impair *impair_of(struct tern_link *link)
{
	return (struct impair *)link;
}

static struct draws draw(uint64_t *random)
{
	struct draws d;

	d.loss = splitmix64(random);
	d.state = splitmix64(random);
	d.burst = splitmix64(random);
	d.duplicate = splitmix64(random);
	d.corrupt = splitmix64(random);
	d.bit = splitmix64(random);
	d.reorder = splitmix64(random);
	d.jitter = splitmix64(random);
	return d;
}

/* 53 bits of the draw as a number in [0, 1). Share 0 never, 1 always. */
static bool hits(uint64_t drawn, double share)
{
	return (double)(drawn >> 11) * 0x1p-53 < share;
}

/* by is not negative. The clock's zero has no meaning: t may be. */
static tern_time later(tern_time t, tern_time by)
{
	return t > TERN_NEVER - 1 - by ? TERN_NEVER - 1 : t + by;
}

/* ---- the two lists ---- */

static void enqueue(struct queue *queue, struct held *held)
{
	held->flat.next = NULL;
	if (queue->first)
		queue->last->flat.next = &held->flat;
	else
		queue->first = held;
	queue->last = held;
}

static struct held *dequeue(struct queue *queue)
{
	struct held *held = queue->first;

	if (held)
		queue->first = (struct held *)held->flat.next;
	return held;
}

static void forget(struct impair *impair, struct held *held)
{
	impair->n_held--;
	impair->bytes_held -= held->flat.packet.len + IMPAIR_HEAD;
	flat_put(&impair->pool, &held->flat);
}

/* Takes those off the front that are through the rate. Each release() comes after it, at the same now:
 * nothing is released before it departs, so `waiting` never points at what is gone. */
static void served(struct impair *impair)
{
	while (impair->waiting_first && impair->waiting_first->departs <= impair->now) {
		impair->bytes_waiting -= impair->waiting_first->flat.packet.len;
		impair->waiting_first = impair->waiting_first->next_waiting;
		impair->n_waiting--;
	}
}

/* ---- out ---- */

/* The list whose front leaves next at or before now; NULL: none. */
static struct queue *due(struct impair *impair)
{
	const struct held *line = impair->line.first, *back = impair->back.first;

	if (back && impair->left >= back->after)
		return &impair->back;
	if (back && back->release <= impair->now && !(line && line->release <= back->release))
		return &impair->back;
	if (line && line->release <= impair->now)
		return &impair->line;
	return NULL;
}

static void release(struct impair *impair, tern_time now)
{
	impair->now = max_i64(impair->now, now);
	served(impair);
	for (struct queue *queue = due(impair); queue; queue = due(impair)) {
		struct held *held = queue->first;

		for (; held->copies; held->copies--) {
			tern_packet *one = &held->flat.packet;
			if (!impair->under->ops->send(impair->under, &one, 1, impair->now))
				return;
		}
		dequeue(queue);
		if (queue == &impair->line)
			impair->left++;
		forget(impair, held);
	}
}

/* ---- in ---- */

/* Whether this packet's number is on the list. */
static bool numbered(struct impair *impair)
{
	while (impair->next_drop < impair->set.n_drop && impair->set.drop[impair->next_drop] < impair->n)
		impair->next_drop++;
	return impair->next_drop < impair->set.n_drop && impair->set.drop[impair->next_drop] == impair->n;
}

static bool lost(struct impair *impair, const struct draws *d)
{
	const struct tern_impair *set = &impair->set;

	if (hits(d->state, impair->bad ? set->burst_leave : set->burst_enter))
		impair->bad = !impair->bad;
	const bool in_burst = impair->bad && hits(d->burst, set->burst_loss > 0 ? set->burst_loss : 1);
	return hits(d->loss, set->loss) || in_burst;
}

static bool full(const struct impair *impair, uint32_t len)
{
	const uint32_t none = impair->set.limit_bytes ? UINT32_MAX : IMPAIR_LIMIT;
	const uint32_t limit = impair->set.limit ? impair->set.limit : none;
	const size_t   memory = impair->set.memory ? impair->set.memory : IMPAIR_BYTES;

	if (impair->set.limit_bytes && impair->bytes_waiting + len > impair->set.limit_bytes)
		return true;
	return impair->n_waiting >= limit || impair->bytes_held >= memory ||
	       len + IMPAIR_HEAD > memory - impair->bytes_held;
}

/* When a packet of len bytes is through the rate, which serves one after the other. */
static tern_time departure(struct impair *impair, uint32_t len)
{
	const uint64_t rate = impair->set.rate;

	if (!rate)
		return max_i64(impair->now, impair->rate_free); /* what waits for a former rate goes first */
	if (impair->rate_free < impair->now) {
		impair->rate_free = impair->now;
		impair->rate_rest = 0;
	}
	/* len is below 2^17, so the product is below 2^47; the rest is below the rate. */
	const uint64_t work = (uint64_t)len * (uint64_t)TERN_SECOND;
	uint64_t       took = work / rate, rest = work % rate;
	if (impair->rate_rest >= rate - rest) {
		took++;
		rest -= rate - impair->rate_rest;
	} else {
		rest += impair->rate_rest;
	}
	impair->rate_rest = rest;
	impair->rate_free = later(impair->rate_free, (tern_time)took);
	return impair->rate_free;
}

/* delay +/- jitter, not below 0. */
static tern_time delay_of(const struct tern_impair *set, uint64_t drawn)
{
	if (!set->jitter)
		return set->delay;
	/* Both are below 2^62 (see valid()): sum and span fit. The bias of % is too small to be seen. */
	const uint64_t	span = 2 * (uint64_t)set->jitter + 1;
	const tern_time off = (tern_time)(drawn % span) - set->jitter;

	return max_i64(set->delay + off, 0);
}

/* A copy of the packet, on its way. NULL: no memory. */
static struct held *hold(struct impair *impair, const tern_packet *packet, const struct draws *d, bool back)
{
	struct held *held = (struct held *)flat_copy(&impair->pool, packet);

	if (!held)
		return NULL;
	impair->n_held++;
	impair->bytes_held += packet->len + IMPAIR_HEAD;
	held->copies = 1;
	held->departs = departure(impair, packet->len);
	held->next_waiting = NULL;
	if (held->departs > impair->now) {
		if (impair->waiting_first)
			impair->waiting_last->next_waiting = held;
		else
			impair->waiting_first = held;
		impair->waiting_last = held;
		impair->n_waiting++;
		impair->bytes_waiting += packet->len;
	}
	held->release =
		max_i64(later(held->departs, delay_of(&impair->set, d->jitter)), impair->last_release);
	if (!back) {
		impair->last_release = held->release;
		impair->entered++;
		enqueue(&impair->line, held);
		return held;
	}
	const uint32_t	by = impair->set.reorder_by ? impair->set.reorder_by : IMPAIR_BY;
	const tern_time most = impair->set.reorder_delay ? impair->set.reorder_delay : 10 * TERN_MILLISECOND;
	held->release = later(held->release, most);
	held->after = impair->entered + by;
	if (impair->back.first) { /* other settings, or jitter: `back` stays in order all the same */
		held->release = max_i64(held->release, impair->back.last->release);
		held->after = held->after > impair->back.last->after ? held->after : impair->back.last->after;
	}
	enqueue(&impair->back, held);
	return held;
}

/* Bytes in front of the IP header; n: there is none. */
static uint32_t before_ip(const struct impair *impair, const uint8_t *at, uint32_t n)
{
	return impair->link.config.ethernet ? ethernet_before_ip(at, n) : 0;
}

/* By its first part, where all headers are. */
static bool is_ecn_capable(const struct impair *impair, const tern_packet *packet)
{
	const uint8_t *const at = packet->part[0].at;
	const uint32_t	     n = packet->part[0].n, before = before_ip(impair, at, n);

	return ip_wire_is_ecn_capable(at + before, n - before);
}

/* Whether those in front of the next one take longer than the threshold. */
static bool waits_too_long(const struct impair *impair)
{
	const tern_time threshold = impair->set.ce_threshold;

	return threshold > 0 && impair->rate_free > later(impair->now, threshold);
}

static bool is_too_big(const struct impair *impair, const tern_packet *packet)
{
	const uint32_t frame = impair->link.config.ethernet ? ETHERNET_HEADER : 0;

	return impair->set.mtu && packet->len > impair->set.mtu + frame;
}

/* Decides the packet's fate; what survives is held. */
static enum tern_fate enter(struct impair *impair, const tern_packet *packet, tern_time *arrives)
{
	const struct tern_impair *set = &impair->set;
	const struct draws	  d = draw(&impair->random);
	const bool		  is_lost = lost(impair, &d);
	const bool		  corrupt = hits(d.corrupt, set->corrupt) && packet->len;
	const bool		  reorder = hits(d.reorder, set->reorder);
	const bool		  duplicate = hits(d.duplicate, set->duplicate);

	*arrives = TERN_NEVER;
	if (numbered(impair))
		return TERN_FATE_DROPPED;
	if (is_too_big(impair, packet))
		return TERN_FATE_TOO_BIG;
	if (is_lost && !(set->ecn && is_ecn_capable(impair, packet)))
		return TERN_FATE_LOST;
	const bool congested = waits_too_long(impair);
	struct held *held = full(impair, packet->len) ? NULL : hold(impair, packet, &d, reorder);
	if (!held)
		return TERN_FATE_QUEUE_FULL;
	*arrives = held->release;
	const bool marked = (is_lost || congested) && is_ecn_capable(impair, &held->flat.packet);
	if (marked)
		ip_wire_mark_ce(held->flat.bytes + before_ip(impair, held->flat.bytes, packet->len));
	if (duplicate)
		held->copies = 2;
	if (corrupt) {
		const uint64_t bit = d.bit % (8 * (uint64_t)packet->len);
		held->flat.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	if (corrupt)
		return TERN_FATE_CORRUPTED;
	if (marked)
		return TERN_FATE_MARKED;
	if (reorder)
		return TERN_FATE_REORDERED;
	return duplicate ? TERN_FATE_DUPLICATED : TERN_FATE_DELIVERED;
}

static size_t impair_send(struct tern_link *link, tern_packet *const batch[], size_t n, tern_time now)
{
	struct impair *impair = impair_of(link);

	release(impair, now);
	for (size_t i = 0; i < n; i++) {
		tern_packet *packet = batch[i];
		tern_time    arrives;

		packet->mark = ++impair->n;
		const enum tern_fate fate = enter(impair, packet, &arrives);
		if (impair->set.fate)
			impair->set.fate(impair->set.context, impair->n, packet, fate, arrives);
		tern_packet_done(packet);
	}
	release(impair, now);
	return n;
}

static size_t impair_receive(struct tern_link *link, tern_packet *batch[], size_t room, tern_time now)
{
	struct impair *impair = impair_of(link);

	release(impair, now);
	return impair->under->ops->receive(impair->under, batch, room, impair->now);
}

static tern_time impair_deadline(const struct tern_link *link)
{
	const struct impair *impair = (const struct impair *)link;
	tern_time	     at = impair->under->ops->deadline(impair->under);

	if (impair->line.first)
		at = min_i64(at, impair->line.first->release);
	if (impair->back.first)
		at = min_i64(at, impair->left >= impair->back.first->after ? INT64_MIN
									   : impair->back.first->release);
	return at;
}

static int impair_fd(const struct tern_link *link)
{
	const struct impair *impair = (const struct impair *)link;

	return impair->under->ops->fd(impair->under);
}

static void impair_close(struct tern_link *link)
{
	struct impair		   *impair = impair_of(link);
	const struct tern_allocator allocator = impair->allocator;

	for (struct held *held = dequeue(&impair->line); held; held = dequeue(&impair->line))
		forget(impair, held);
	for (struct held *held = dequeue(&impair->back); held; held = dequeue(&impair->back))
		forget(impair, held);
	tern_assert(impair->n_held == 0 && impair->bytes_held == 0);
	flat_pool_done(&impair->pool);
	impair->under->ops->close(impair->under);
	allocator.free(allocator.context, impair, sizeof *impair);
}

static bool impair_arm(struct tern_link *link)
{
	struct tern_link *const under = impair_of(link)->under;

	return under->ops->arm && under->ops->arm(under);
}

static const struct tern_link_ops impair_ops = {
	.name = "impair",
	.send = impair_send,
	.receive = impair_receive,
	.deadline = impair_deadline,
	.fd = impair_fd,
	.close = impair_close,
	.arm = impair_arm,
};

/* ---- settings ---- */

static bool is_share(double share)
{
	return share >= 0 && share <= 1; /* NaN is not */
}

static bool is_time(tern_time t)
{
	return t >= 0 && t < TERN_NEVER / 2;
}

static bool valid(const struct tern_impair *set)
{
	if (!is_time(set->delay) || !is_time(set->jitter) || !is_time(set->reorder_delay) ||
	    !is_time(set->ce_threshold))
		return false;
	if (!is_share(set->loss) || !is_share(set->burst_enter) || !is_share(set->burst_leave) ||
	    !is_share(set->burst_loss) || !is_share(set->duplicate) || !is_share(set->corrupt) ||
	    !is_share(set->reorder))
		return false;
	if (set->n_drop && !set->drop)
		return false;
	for (size_t i = 1; i < set->n_drop; i++)
		if (set->drop[i - 1] >= set->drop[i])
			return false;
	return true;
}

int tern_impair_set(struct tern_link *link, const struct tern_impair *settings)
{
	if (!link || link->ops != &impair_ops || !settings || !valid(settings))
		return -TERN_EINVAL;
	struct impair *impair = impair_of(link);

	if (settings->seed != impair->set.seed)
		impair->random = settings->seed;
	if (settings->rate != impair->set.rate)
		impair->rate_rest = 0; /* counted in the former rate */
	if (!(settings->burst_enter > 0))
		impair->bad = false;
	impair->next_drop = 0;
	impair->set = *settings;
	return 0;
}

int tern_impair_create(struct tern_link **link, struct tern_link *under, const struct tern_impair *settings,
		       const struct tern_allocator *allocator)
{
	if (!under || !settings || !valid(settings) || !allocator || !allocator->alloc || !allocator->free)
		return -TERN_EINVAL;

	struct impair *impair = allocator->alloc(allocator->context, sizeof *impair, _Alignof(struct impair));
	if (!impair)
		return -TERN_ENOMEM;
	memset(impair, 0, sizeof *impair);
	impair->link.ops = &impair_ops;
	impair->link.config = under->config;
	impair->link.config.checksum_offload = impair->link.config.gso = false;
	impair->under = under;
	impair->set = *settings;
	impair->allocator = *allocator;
	impair->random = settings->seed;
	impair->now = impair->rate_free = impair->last_release = INT64_MIN;
	flat_pool_init(&impair->pool, allocator, sizeof(struct held), flat_length(&under->config));
	*link = &impair->link;
	return 0;
}
