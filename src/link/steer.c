/* See steer.h. Between each two ends stand a ring of packets for the other's host; between an end without a queue
 * and the one that carries for it, a ring of packets that are to leave. A ring is made when the ends are, so that
 * nothing is allocated while packets move.
 *
 * What is handed out by receive() lies where it arrived, in the queue's memory or in a ring, until the next one.
 */
#include "link/steer.h"

#include "base/bytes.h"
#include "link/ring.h"
#include "wire/share.h"

enum { BATCH = 64, TRIES = 16 };

struct group;

struct end {
	struct tern_link   link; /* first: what the outside holds */
	struct group	  *group;
	struct tern_link  *queue;   /* its own; NULL: it has none */
	unsigned	   index, carrier; /* carrier: whose queue it sends by; its own number where it has one */
	struct steer_stats stats;
	uint64_t	   told; /* ends that were given something and are to be woken */
	unsigned	   from; /* whose ring is looked at first: each in its turn */
	bool		   armed, more; /* more: the queue has not said that it is empty */
	struct bell	   bell;
	tern_packet	   packet[BATCH];
	tern_packet	  *packets[BATCH];
};

struct group {
	struct tern_allocator allocator;
	struct tern_share     share;
	unsigned	      n, n_queues;
	void (*wake)(void *context, unsigned end);
	void	   *context;
	atomic_uint open;
	size_t	    bytes; /* of this block */
	struct ring *in;   /* [to * n + from] */
	struct ring *out;  /* [from] */
	struct end   end[];
};

static struct end *end_of(struct tern_link *link)
{
	return (struct end *)(void *)link;
}

static struct ring *ring_in(const struct group *group, unsigned from, unsigned to)
{
	return &group->in[to * group->n + from];
}

/* ---- handing over ---- */

static void wake_told(struct end *end)
{
	struct group *const group = end->group;

	for (uint64_t left = end->told; left; left &= left - 1) {
		const unsigned to = (unsigned)__builtin_ctzll(left);

		if (bell_take(&group->end[to].bell) && group->wake)
			group->wake(group->context, to);
	}
	end->told = 0;
}

static bool pass(struct end *end, unsigned to, const tern_packet *packet)
{
	if (!ring_put(ring_in(end->group, end->index, to), packet)) {
		end->stats.dropped++;
		return false;
	}
	end->stats.passed++;
	end->told |= UINT64_C(1) << to;
	return true;
}

static void pass_to_all(struct end *end, const tern_packet *packet)
{
	for (unsigned to = 0; to < end->group->n; to++)
		if (to != end->index)
			(void)pass(end, to, packet);
}

bool steer_pass(struct tern_link *link, unsigned to, const uint8_t *packet, uint32_t n)
{
	struct end *const end = end_of(link);
	tern_packet	  whole = { .part[0] = { .at = packet, .n = n }, .n_parts = 1, .len = n };

	const bool passed = to < end->group->n && pass(end, to, &whole);
	wake_told(end);
	return passed;
}

/* True: the packet is this end's own. */
static bool sort(struct end *end, const tern_packet *packet)
{
	const struct tern_packet_part *const whole = &packet->part[0];
	const unsigned to = share_of_packet(&end->group->share, whole->at, whole->n, end->link.config.ethernet);

	if (to < SHARE_STAYS && to != end->index) {
		(void)pass(end, to, packet);
		return false;
	}
	if (to == SHARE_ALL)
		pass_to_all(end, packet);
	end->stats.kept++;
	return true;
}

/* ---- in ---- */

static size_t take_from_queue(struct end *end, tern_packet *batch[], size_t room, tern_time now)
{
	size_t kept = 0;

	end->more = false;
	for (unsigned tries = 0; tries < TRIES && kept == 0; tries++) {
		const size_t n = end->queue->ops->receive(end->queue, batch, room, now);

		for (size_t i = 0; i < n; i++)
			if (sort(end, batch[i]))
				batch[kept++] = batch[i];
		end->more = n > 0;
		if (n == 0)
			break;
	}
	wake_told(end);
	return kept;
}

static size_t take_from_rings(struct end *end, tern_packet *batch[], size_t room)
{
	struct group *const group = end->group;
	size_t		    n = 0;

	for (unsigned i = 0; i < group->n && n < room; i++) {
		const unsigned from = (end->from + i) % group->n;

		if (from != end->index)
			n += ring_take(ring_in(group, from, end->index), end->packets + n, room - n);
	}
	end->from = (end->from + 1) % group->n;
	for (size_t i = 0; i < n; i++)
		batch[i] = &end->packet[i];
	return n;
}

/* What ends without a queue have given it. The queue takes what is lent to it in the call, so what it does not
 * take is lost, as on a wire. */
static size_t carry(struct end *end, tern_time now)
{
	struct group *const group = end->group;
	size_t		    moved = 0;

	for (unsigned from = end->index + group->n_queues; from < group->n; from += group->n_queues) {
		struct ring *const ring = &group->out[from];
		const size_t	   n = ring_take(ring, end->packets, BATCH);

		if (n == 0)
			continue;
		const size_t sent = end->queue->ops->send(end->queue, end->packets, n, now);
		end->stats.dropped += n - sent;
		ring_let_go(ring);
		moved += n;
	}
	return moved;
}

static void let_go(struct end *end)
{
	const struct group *const group = end->group;

	for (unsigned from = 0; from < group->n; from++)
		if (from != end->index)
			ring_let_go(ring_in(group, from, end->index));
}

static void disarm(struct end *end)
{
	if (end->armed)
		(void)bell_disarm(&end->bell);
	end->armed = false;
}

static size_t steer_receive(struct tern_link *link, tern_packet *batch[], size_t room, tern_time now)
{
	struct end *const end = end_of(link);

	room = min_size(room, BATCH);
	disarm(end);
	let_go(end);
	if (end->queue)
		while (carry(end, now) == BATCH)
			;
	const size_t n = take_from_rings(end, batch, room);
	return n + (end->queue && n < room ? take_from_queue(end, batch + n, room - n, now) : 0);
}

/* ---- out ---- */

static size_t steer_send(struct tern_link *link, tern_packet *const batch[], size_t n, tern_time now)
{
	struct end *const   end = end_of(link);
	struct group *const group = end->group;
	size_t		    taken = 0;

	if (end->queue)
		return end->queue->ops->send(end->queue, batch, n, now);
	const bool is_cut_off = !group->out[end->index].bytes;
	for (; taken < n && (is_cut_off || ring_put(&group->out[end->index], batch[taken])); taken++)
		tern_packet_done(batch[taken]);
	end->told = UINT64_C(1) << end->carrier;
	wake_told(end);
	return taken;
}

/* ---- waiting ---- */

static bool has_something(const struct end *end)
{
	const struct group *const group = end->group;

	for (unsigned from = 0; from < group->n; from++)
		if (from != end->index && ring_has(ring_in(group, from, end->index)))
			return true;
	for (unsigned from = end->index + group->n_queues; end->queue && from < group->n; from += group->n_queues)
		if (ring_has(&group->out[from]))
			return true;
	return end->more;
}

static tern_time steer_deadline(const struct tern_link *link)
{
	const struct end *const end = (const struct end *)(const void *)link;

	if (has_something(end))
		return INT64_MIN;
	return end->queue ? end->queue->ops->deadline(end->queue) : TERN_NEVER;
}

static int steer_fd(const struct tern_link *link)
{
	const struct end *const end = (const struct end *)(const void *)link;

	return end->queue ? end->queue->ops->fd(end->queue) : -1;
}

static bool steer_arm(struct tern_link *link)
{
	struct end *const end = end_of(link);
	const bool	  below = end->queue && end->queue->ops->arm && end->queue->ops->arm(end->queue);

	(void)bell_arm(&end->bell);
	end->armed = true;
	return has_something(end) || below;
}

void steer_stats(const struct tern_link *link, struct steer_stats *stats)
{
	*stats = ((const struct end *)(const void *)link)->stats;
}

/* ---- making and ending ---- */

static void group_free(struct group *group)
{
	const struct tern_allocator allocator = group->allocator;

	for (unsigned i = 0; i < group->n * (group->n + 1); i++)
		if (group->in[i].bytes)
			allocator.free(allocator.context, group->in[i].bytes, RING_LEAST);
	allocator.free(allocator.context, group, group->bytes);
}

static void steer_close(struct tern_link *link)
{
	struct end *const end = end_of(link);

	if (end->queue)
		end->queue->ops->close(end->queue);
	end->queue = NULL;
	if (atomic_fetch_sub_explicit(&end->group->open, 1, memory_order_acq_rel) == 1)
		group_free(end->group);
}

void steer_disown(struct tern_link *const end[], unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		end_of(end[i])->queue = NULL;
}

static const struct tern_link_ops steer_ops = {
	.name = "steer",
	.send = steer_send,
	.receive = steer_receive,
	.deadline = steer_deadline,
	.fd = steer_fd,
	.close = steer_close,
	.arm = steer_arm,
};

static bool make_ring(struct group *group, struct ring *ring)
{
	uint8_t *const bytes = group->allocator.alloc(group->allocator.context, RING_LEAST, RING_LINE);

	if (bytes)
		ring_init(ring, bytes, RING_LEAST);
	return bytes != NULL;
}

static bool make_rings(struct group *group)
{
	for (unsigned to = 0; to < group->n; to++)
		for (unsigned from = 0; from < group->n; from++)
			if (from != to && !make_ring(group, ring_in(group, from, to)))
				return false;
	for (unsigned from = group->n_queues; from < group->n; from++)
		if (!make_ring(group, &group->out[from]))
			return false;
	return true;
}

static bool is_right(const struct steer_settings *s)
{
	return s->allocator && s->allocator->alloc && s->allocator->free && s->share && s->n >= 1 &&
	       s->n <= TERN_SHARE_MOST && s->share->n == s->n && s->queue && s->n_queues >= 1 && s->n_queues <= s->n;
}

static void make_end(struct group *group, unsigned i, const struct steer_settings *settings)
{
	struct end *const end = &group->end[i];

	end->link.ops = &steer_ops;
	end->link.config = settings->queue[0]->config;
	end->group = group;
	end->queue = i < settings->n_queues ? settings->queue[i] : NULL;
	end->index = i;
	end->carrier = i % settings->n_queues;
	for (unsigned k = 0; k < BATCH; k++)
		end->packets[k] = &end->packet[k];
}

int steer_create(struct tern_link *end[], const struct steer_settings *settings)
{
	if (!is_right(settings))
		return -TERN_EINVAL;
	const unsigned n = settings->n;
	const size_t   ends = sizeof(struct group) + n * sizeof(struct end);
	const size_t   bytes = ends + (size_t)n * (n + 1) * sizeof(struct ring);
	struct group  *group = settings->allocator->alloc(settings->allocator->context, bytes, RING_LINE);
	if (!group)
		return -TERN_ENOMEM;

	memset(group, 0, bytes);
	group->allocator = *settings->allocator;
	group->share = *settings->share;
	group->n = n;
	group->n_queues = settings->n_queues;
	group->wake = settings->wake;
	group->context = settings->context;
	group->bytes = bytes;
	group->in = (struct ring *)(void *)((uint8_t *)group + ends);
	group->out = group->in + (size_t)n * n;
	atomic_init(&group->open, n);
	if (!make_rings(group)) {
		group_free(group);
		return -TERN_ENOMEM;
	}
	for (unsigned i = 0; i < n; i++) {
		make_end(group, i, settings);
		end[i] = &group->end[i].link;
	}
	return 0;
}
