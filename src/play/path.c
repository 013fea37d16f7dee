#include "play/path.h"

#include "base/bytes.h"
#include "base/siphash.h"

struct draws {
	uint64_t loss, duplicate, corrupt, bit, reorder, jitter;
};

static struct draws draw(uint64_t *random)
{
	struct draws d;

	d.loss = splitmix64(random);
	d.duplicate = splitmix64(random);
	d.corrupt = splitmix64(random);
	d.bit = splitmix64(random);
	d.reorder = splitmix64(random);
	d.jitter = splitmix64(random);
	return d;
}

static bool hits(uint64_t drawn, uint32_t share)
{
	return drawn % PATH_SHARE < share;
}

/* ---- lists ---- */

static void take_out(struct path_list *list, struct path_packet *one)
{
	if (one->before)
		one->before->next = one->next;
	else
		list->first = one->next;
	if (one->next)
		one->next->before = one->before;
	else
		list->last = one->before;
	one->next = one->before = NULL;
}

/* Behind all that arrive no later: mostly at the end. */
static void put_in(struct path_list *list, struct path_packet *one)
{
	struct path_packet *after = list->last;

	while (after && after->arrives > one->arrives)
		after = after->before;
	one->before = after;
	one->next = after ? after->next : list->first;
	if (one->next)
		one->next->before = one;
	else
		list->last = one;
	if (after)
		after->next = one;
	else
		list->first = one;
}

static struct path_packet *find(const struct path_list *list, uint64_t nth)
{
	for (struct path_packet *one = list->first; one; one = one->next)
		if (one->nth == nth)
			return one;
	return NULL;
}

static size_t size_of(const struct path_packet *one)
{
	return sizeof *one + one->packet.len;
}

static void forget(struct path *path, struct path_list *list, struct path_packet *one)
{
	take_out(list, one);
	path->allocator.free(path->allocator.context, one, size_of(one));
}

static void forget_all(struct path *path, struct path_list *list)
{
	while (list->first)
		forget(path, list, list->first);
}

void path_init(struct path *path, const struct tern_allocator *allocator, uint32_t mtu, uint64_t seed)
{
	*path = (struct path){ .allocator = *allocator, .mtu = mtu, .random = seed };
}

void path_done(struct path *path)
{
	forget_all(path, &path->line);
	forget_all(path, &path->kept);
	forget_all(path, &path->lent);
}

/* ---- in ---- */

static struct path_packet *copy_of(struct path *path, const tern_packet *from)
{
	struct path_packet *one = path->allocator.alloc(path->allocator.context, sizeof *one + from->len,
							_Alignof(struct path_packet));
	uint32_t done = 0;

	if (!one)
		return NULL;
	memset(one, 0, sizeof *one);
	for (unsigned i = 0; i < from->n_parts; i++) {
		memcpy(one->bytes + done, from->part[i].at, from->part[i].n);
		done += from->part[i].n;
	}
	one->packet.part[0] = (struct tern_packet_part){ .at = one->bytes, .n = done };
	one->packet.n_parts = 1;
	one->packet.len = done;
	one->packet.mark = one->nth = path->n;
	return one;
}

static bool is_full(const struct path *path, tern_time now)
{
	uint32_t waiting = 0;

	for (const struct path_packet *one = path->line.last; one && waiting < PATH_LIMIT; one = one->before)
		waiting += one->departs > now;
	return waiting >= (path->set.limit ? path->set.limit : PATH_LIMIT) || path->n_packets >= PATH_PACKETS;
}

/* len is below 2^17 and the rate at least 1, so that nothing here overflows in the day that a run has at most. */
static tern_time departure(struct path *path, uint32_t len, tern_time now)
{
	const tern_time begins = max_i64(now, path->rate_free);

	if (path->set.rate == 0)
		return begins; /* what waits for a former rate goes first */
	path->rate_free = begins + (tern_time)((uint64_t)len * (uint64_t)TERN_SECOND / path->set.rate);
	return path->rate_free;
}

static tern_time delay_of(const struct path_settings *set, uint64_t drawn)
{
	const uint64_t span = 2 * (uint64_t)set->jitter + 1;

	return max_i64(set->delay + (tern_time)(drawn % span) - set->jitter, 0);
}

/* Jitter alone lets nothing overtake. */
static void put_on_line(struct path *path, struct path_packet *one, const struct draws *d, tern_time now)
{
	one->departs = departure(path, one->packet.len, now);
	one->arrives = max_i64(one->departs + delay_of(&path->set, d->jitter), path->last_arrival);
	if (hits(d->reorder, path->set.reorder))
		one->arrives += PATH_LATE;
	else
		path->last_arrival = one->arrives;
	put_in(&path->line, one);
	path->n_packets++;
}

static void duplicate(struct path *path, const struct path_packet *one)
{
	struct path_packet *const again = copy_of(path, &one->packet);

	if (!again)
		return;
	again->departs = one->departs;
	again->arrives = one->arrives;
	put_in(&path->line, again);
	path->n_packets++;
}

/* Puts it on the line, or lets it go. */
static enum tern_fate enter(struct path *path, struct path_packet *one, tern_time now, tern_time *arrives)
{
	const struct path_settings *const set = &path->set;
	const struct draws d = draw(&path->random);
	struct path_list nowhere = { one, one };
	enum tern_fate fate = TERN_FATE_DELIVERED;

	if (one->packet.len > path->mtu)
		fate = TERN_FATE_TOO_BIG;
	else if (hits(d.loss, set->loss))
		fate = TERN_FATE_LOST;
	else if (is_full(path, now))
		fate = TERN_FATE_QUEUE_FULL;
	if (fate != TERN_FATE_DELIVERED) {
		forget(path, &nowhere, one);
		return fate;
	}
	if (hits(d.corrupt, set->corrupt)) {
		const uint64_t bit = d.bit % (8 * (uint64_t)one->packet.len);
		one->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		fate = TERN_FATE_CORRUPTED;
	}
	put_on_line(path, one, &d, now);
	*arrives = one->arrives;
	if (hits(d.duplicate, set->duplicate)) {
		duplicate(path, one);
		if (fate == TERN_FATE_DELIVERED)
			fate = TERN_FATE_DUPLICATED;
	}
	return fate == TERN_FATE_DELIVERED && hits(d.reorder, set->reorder) ? TERN_FATE_REORDERED : fate;
}

void path_send(struct path *path, tern_packet *packet, tern_time now)
{
	enum tern_fate fate = TERN_FATE_QUEUE_FULL;
	tern_time arrives = TERN_NEVER;

	path->n++;
	struct path_packet *const one = copy_of(path, packet);
	if (one) {
		if (path->sent)
			path->sent(path->context, path->n, one->bytes, one->packet.len);
		fate = enter(path, one, now, &arrives);
	}
	path->fate(path->context, path->n, packet, fate, arrives);
	tern_packet_done(packet);
}

/* ---- out ---- */

size_t path_receive(struct path *path, tern_packet *batch[], size_t room, tern_time now)
{
	size_t n = 0;

	forget_all(path, &path->lent);
	while (n < room && path->line.first && path->line.first->arrives <= now) {
		struct path_packet *const one = path->line.first;

		take_out(&path->line, one);
		put_in(&path->lent, one);
		path->n_packets--;
		batch[n++] = &one->packet;
	}
	return n;
}

tern_time path_deadline(const struct path *path)
{
	return path->line.first ? path->line.first->arrives : TERN_NEVER;
}

/* ---- by hand ---- */

bool path_is_under_way(const struct path *path, uint64_t nth, bool *held)
{
	*held = find(&path->kept, nth) != NULL;
	return *held || find(&path->line, nth);
}

void path_drop(struct path *path, uint64_t nth)
{
	struct path_list *const lists[] = { &path->line, &path->kept };

	for (size_t i = 0; i < 2; i++)
		for (struct path_packet *one = find(lists[i], nth); one; one = find(lists[i], nth)) {
			forget(path, lists[i], one);
			path->n_packets--;
		}
}

static void move(struct path_list *from, struct path_list *to, uint64_t nth, tern_time arrives)
{
	for (struct path_packet *one = find(from, nth); one; one = find(from, nth)) {
		take_out(from, one);
		one->arrives = arrives;
		put_in(to, one);
	}
}

void path_hold(struct path *path, uint64_t nth)
{
	move(&path->line, &path->kept, nth, TERN_NEVER);
}

void path_release(struct path *path, uint64_t nth, tern_time now)
{
	move(&path->kept, &path->line, nth, now);
}
