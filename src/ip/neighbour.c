/* The cache is an array, found through buckets of a keyed hash. Few entries have something due at a time;
 * `next` is the earliest of that, found by looking through all when it is reached; what is asked for the first
 * time, at once, is `fresh` and needs no looking. STALE, REACHABLE and
 * FAILED have no timer: what became of them is seen when they are used. So an idle host sleeps.
 */
#include "ip/neighbour.h"

#include "base/assert.h"
#include "wire/tuple.h"

enum { ENTRIES_BYTES = NEIGHBOURS * sizeof(struct neighbour) };

/* How much an entry is worth; the newcomer takes the place of the least. */
enum worth { WORTH_NOTHING, WORTH_UNVERIFIED, WORTH_ASKED, WORTH_IDLE, WORTH_LIVE };

void neighbours_init(struct neighbours *cache, struct mem *mem, const struct siphash_key *key,
		     uint32_t waiting_most)
{
	*cache = (struct neighbours){ .mem = mem, .key = *key, .waiting_most = waiting_most, .next = TERN_NEVER };
}

int neighbours_start(struct neighbours *cache)
{
	if (!cache->entries)
		cache->entries = mem_get(cache->mem, ENTRIES_BYTES, 0, MEM_ORDINARY);
	return cache->entries ? 0 : -TERN_ENOMEM;
}

void neighbours_done(struct neighbours *cache)
{
	tern_assert(cache->n_waiting == 0 && !cache->given_up.first && !cache->released.first &&
		    !cache->unreachable.first);
	mem_put(cache->mem, cache->entries, ENTRIES_BYTES);
	cache->entries = NULL;
}

/* ---- packets ---- */

static struct tern_packet *unqueue(struct neighbours *cache, struct neighbour *n)
{
	struct packet_list	  waiting = { n->first, n->last };
	struct tern_packet *const packet = packet_pop(&waiting);

	n->first = waiting.first;
	n->last = waiting.last;
	if (packet) {
		n->n_waiting--;
		cache->n_waiting--;
	}
	return packet;
}

static void give_up(struct neighbours *cache, struct neighbour *n, struct packet_list *to)
{
	struct tern_packet *packet;

	while ((packet = unqueue(cache, n)))
		packet_push(to, packet);
}

static void release(struct neighbours *cache, struct neighbour *n)
{
	struct tern_packet *packet;

	while ((packet = unqueue(cache, n))) {
		memcpy(packet->headers, n->mac, sizeof n->mac);
		packet_push(&cache->released, packet);
	}
}

static bool enqueue(struct neighbours *cache, struct neighbour *n, struct tern_packet *packet)
{
	struct packet_list waiting;

	if (n->n_waiting == NEIGHBOUR_WAITING)
		packet_push(&cache->given_up, unqueue(cache, n));
	if (cache->n_waiting == cache->waiting_most)
		return false;
	waiting = (struct packet_list){ n->first, n->last };
	packet_push(&waiting, packet);
	n->first = waiting.first;
	n->last = waiting.last;
	n->n_waiting++;
	cache->n_waiting++;
	return true;
}

/* ---- entries ---- */

static uint16_t *bucket_of(struct neighbours *cache, uint8_t link, const struct tern_addr *addr)
{
	uint8_t name[sizeof addr->b + 1];

	memcpy(name, addr->b, sizeof addr->b);
	name[sizeof addr->b] = link;
	return &cache->buckets[siphash13(&cache->key, name, sizeof name) % NEIGHBOUR_BUCKETS];
}

static struct neighbour *find(struct neighbours *cache, uint8_t link, const struct tern_addr *addr)
{
	if (!cache->entries)
		return NULL;
	for (uint16_t at = *bucket_of(cache, link, addr); at != 0; at = cache->entries[at - 1].chain)
		if (cache->entries[at - 1].link == link && addr_equal(&cache->entries[at - 1].addr, addr))
			return &cache->entries[at - 1];
	return NULL;
}

static void forget(struct neighbours *cache, struct neighbour *n)
{
	uint16_t *at = bucket_of(cache, n->link, &n->addr);

	give_up(cache, n, &cache->given_up);
	while (&cache->entries[*at - 1] != n)
		at = &cache->entries[*at - 1].chain;
	*at = n->chain;
	*n = (struct neighbour){ .state = NEIGHBOUR_STATE_NONE };
}

void neighbours_clear(struct neighbours *cache)
{
	for (unsigned i = 0; cache->entries && i < NEIGHBOURS; i++)
		if (cache->entries[i].state != NEIGHBOUR_STATE_NONE)
			forget(cache, &cache->entries[i]);
	cache->next = TERN_NEVER;
	cache->fresh = 0;
}

static bool is_stale(const struct neighbour *n, tern_time now)
{
	return n->state == NEIGHBOUR_STATE_STALE || (n->state == NEIGHBOUR_STATE_REACHABLE && n->until <= now);
}

static bool is_aged(const struct neighbour *n, tern_time now)
{
	return is_stale(n, now) && now - n->used > NEIGHBOUR_AGE;
}

static enum worth worth_of(const struct neighbour *n, tern_time now)
{
	if (n->state == NEIGHBOUR_STATE_FAILED || is_aged(n, now))
		return WORTH_NOTHING;
	if (!n->verified)
		return n->state == NEIGHBOUR_STATE_STALE ? WORTH_UNVERIFIED : WORTH_ASKED;
	return is_stale(n, now) && now - n->used >= NEIGHBOUR_IDLE ? WORTH_IDLE : WORTH_LIVE;
}

/* A free place, or that of the least worth, oldest, entry of at most `most`. The hand goes round, so that a few
 * looks find what is old, where nobody who is proved has to go; else all are looked at. */
static struct neighbour *place_for(struct neighbours *cache, enum worth most, tern_time now)
{
	struct neighbour *least = NULL;
	enum worth	  least_worth = WORTH_LIVE;

	for (unsigned i = 0; i < NEIGHBOURS; i++) {
		struct neighbour *const n = &cache->entries[cache->hand];

		if (i >= NEIGHBOUR_LOOKS && least && least_worth <= min_u32(most, WORTH_ASKED))
			break;
		if (n->state == NEIGHBOUR_STATE_NONE)
			return n;
		cache->hand = (uint16_t)((cache->hand + 1u) % NEIGHBOURS);
		const enum worth worth = worth_of(n, now);
		if (worth < least_worth || (worth == least_worth && least && n->used < least->used)) {
			least = n;
			least_worth = worth;
		}
	}
	if (!least || least_worth > most) {
		cache->full++;
		return NULL;
	}
	forget(cache, least);
	return least;
}

static struct neighbour *make(struct neighbours *cache, uint8_t link, const struct tern_addr *addr, enum worth most,
			      tern_time now)
{
	struct neighbour *const n = place_for(cache, most, now);

	if (!n)
		return NULL;
	uint16_t *const bucket = bucket_of(cache, link, addr);
	*n = (struct neighbour){ .addr = *addr, .link = link, .used = now, .chain = *bucket };
	*bucket = (uint16_t)(n - cache->entries + 1);
	return n;
}

/* ---- states ---- */

static void due_at(struct neighbours *cache, struct neighbour *n, tern_time at)
{
	n->until = at;
	cache->next = min_i64(cache->next, at);
}

static void enter_incomplete(struct neighbours *cache, struct neighbour *n, tern_time now)
{
	n->state = NEIGHBOUR_STATE_INCOMPLETE;
	n->verified = false;
	n->asked = 0;
	n->until = now;
	if (cache->fresh != 0) /* the one before was not fetched yet: both are found by looking */
		cache->next = now;
	cache->fresh = (uint16_t)(n - cache->entries + 1);
}

static void enter_delay(struct neighbours *cache, struct neighbour *n, tern_time now)
{
	n->state = NEIGHBOUR_STATE_DELAY;
	due_at(cache, n, now + NEIGHBOUR_DELAY);
}

static void enter_probe(struct neighbours *cache, struct neighbour *n, tern_time now)
{
	n->state = NEIGHBOUR_STATE_PROBE;
	n->asked = 0;
	due_at(cache, n, now);
}

enum neighbour_way neighbour_send(struct neighbours *cache, uint8_t link, const struct tern_addr *addr,
				  struct tern_packet *packet, tern_time now)
{
	struct neighbour *n = find(cache, link, addr);

	if (!n && cache->entries) {
		n = make(cache, link, addr, WORTH_IDLE, now);
		if (n)
			enter_incomplete(cache, n, now);
	}
	if (!n)
		return NEIGHBOUR_DROP;
	if (is_aged(n, now) || (n->state == NEIGHBOUR_STATE_FAILED && n->until <= now))
		enter_incomplete(cache, n, now);
	n->used = now;
	if (n->state == NEIGHBOUR_STATE_FAILED)
		return NEIGHBOUR_DROP;
	if (n->state == NEIGHBOUR_STATE_INCOMPLETE)
		return enqueue(cache, n, packet) ? NEIGHBOUR_WAITS : NEIGHBOUR_DROP;
	if (is_stale(n, now))
		enter_delay(cache, n, now);
	memcpy(packet->headers, n->mac, sizeof n->mac);
	return NEIGHBOUR_SEND;
}

bool neighbour_answered(struct neighbours *cache, uint8_t link, const struct tern_addr *addr, const uint8_t *mac,
			tern_time now)
{
	struct neighbour *const n = find(cache, link, addr);

	if (!n || n->asked == 0)
		return false;
	if (n->state == NEIGHBOUR_STATE_INCOMPLETE && mac)
		memcpy(n->mac, mac, sizeof n->mac);
	else if (n->state != NEIGHBOUR_STATE_PROBE || (mac && !ethernet_equal(n->mac, mac)))
		return false;
	n->state = NEIGHBOUR_STATE_REACHABLE;
	n->verified = true;
	n->asked = 0;
	n->confirmed = now;
	n->until = now + NEIGHBOUR_REACHABLE;
	release(cache, n);
	return true;
}

/* The entry's neighbour, or somebody who says so, has another hardware address than we know. */
static void contradicted(struct neighbours *cache, struct neighbour *n, const uint8_t *mac, tern_time now)
{
	if (n->state == NEIGHBOUR_STATE_STALE) {
		memcpy(n->mac, mac, sizeof n->mac);
		return;
	}
	if (n->state == NEIGHBOUR_STATE_PROBE || now - n->confirmed < NEIGHBOUR_RETRANS)
		return;
	enter_probe(cache, n, now);
}

void neighbour_heard(struct neighbours *cache, uint8_t link, const struct tern_addr *addr, const uint8_t *mac,
		     tern_time now)
{
	struct neighbour *n = find(cache, link, addr);

	if (!n && cache->entries) {
		n = make(cache, link, addr, WORTH_UNVERIFIED, now);
		if (!n)
			return;
	} else if (!n) {
		return;
	}
	switch (n->state) {
	case NEIGHBOUR_STATE_INCOMPLETE: /* RFC 4861 7.2.3: what waits may go, with a probe to follow */
		memcpy(n->mac, mac, sizeof n->mac);
		n->asked = 0;
		enter_delay(cache, n, now);
		release(cache, n);
		break;
	case NEIGHBOUR_STATE_NONE:
	case NEIGHBOUR_STATE_FAILED:
		memcpy(n->mac, mac, sizeof n->mac);
		n->state = NEIGHBOUR_STATE_STALE;
		n->verified = false;
		n->used = now;
		break;
	default:
		if (!ethernet_equal(n->mac, mac))
			contradicted(cache, n, mac, now);
	}
}

void neighbour_confirmed(struct neighbours *cache, uint8_t link, const struct tern_addr *addr, tern_time now)
{
	struct neighbour *const n = find(cache, link, addr);

	if (!n || (n->state != NEIGHBOUR_STATE_DELAY && n->state != NEIGHBOUR_STATE_PROBE))
		return;
	n->state = NEIGHBOUR_STATE_REACHABLE; /* who told us of it is no more proved by this than before */
	n->asked = 0;
	n->confirmed = now;
	n->until = now + NEIGHBOUR_REACHABLE;
}

bool neighbour_set(struct neighbours *cache, uint8_t link, const struct tern_addr *addr, const uint8_t *mac,
		   tern_time now)
{
	struct neighbour *n = find(cache, link, addr);

	if (!n && cache->entries)
		n = make(cache, link, addr, WORTH_IDLE, now);
	if (!n)
		return false;
	memcpy(n->mac, mac, sizeof n->mac);
	n->state = NEIGHBOUR_STATE_STALE;
	n->verified = false;
	n->asked = 0;
	n->used = now;
	release(cache, n);
	return true;
}

/* ---- time ---- */

static bool has_timer(const struct neighbour *n)
{
	return n->state == NEIGHBOUR_STATE_INCOMPLETE || n->state == NEIGHBOUR_STATE_DELAY ||
	       n->state == NEIGHBOUR_STATE_PROBE;
}

/* True: the question is to be asked. */
static bool due(struct neighbours *cache, struct neighbour *n, tern_time now, struct neighbour_question *question)
{
	if (n->state == NEIGHBOUR_STATE_DELAY)
		enter_probe(cache, n, now);
	if (n->asked == NEIGHBOUR_PROBES && n->state == NEIGHBOUR_STATE_PROBE) {
		forget(cache, n); /* RFC 4861 7.3.3: the next packet asks everybody */
		return false;
	}
	if (n->asked == NEIGHBOUR_PROBES) {
		give_up(cache, n, &cache->unreachable);
		n->state = NEIGHBOUR_STATE_FAILED;
		n->until = now + NEIGHBOUR_FAILED;
		return false;
	}
	n->asked++;
	due_at(cache, n, now + NEIGHBOUR_RETRANS);
	*question = (struct neighbour_question){
		.addr = n->addr,
		.link = n->link,
		.unicast = n->state == NEIGHBOUR_STATE_PROBE,
	};
	memcpy(question->mac, n->mac, sizeof n->mac);
	return true;
}

bool neighbour_ask(struct neighbours *cache, tern_time now, struct neighbour_question *question)
{
	struct neighbour *const fresh = cache->fresh != 0 ? &cache->entries[cache->fresh - 1] : NULL;

	cache->fresh = 0;
	if (fresh && has_timer(fresh)) {
		if (fresh->until <= now && due(cache, fresh, now, question))
			return true;
		cache->next = min_i64(cache->next, fresh->until);
	}
	if (cache->next > now)
		return false;
	cache->next = TERN_NEVER;
	for (unsigned i = 0; cache->entries && i < NEIGHBOURS; i++) {
		struct neighbour *const n = &cache->entries[i];

		if (!has_timer(n))
			continue;
		if (n->until <= now && due(cache, n, now, question)) {
			cache->next = now; /* perhaps there are more */
			return true;
		}
		if (has_timer(n))
			cache->next = min_i64(cache->next, n->until);
	}
	return false;
}

tern_time neighbours_deadline(const struct neighbours *cache)
{
	if (cache->unreachable.first)
		return 0;
	return cache->fresh != 0 ? min_i64(cache->next, cache->entries[cache->fresh - 1].until) : cache->next;
}

/* ---- looking ---- */

enum neighbour_state neighbour_state_of(const struct neighbours *cache, uint8_t link, const struct tern_addr *addr,
					tern_time now)
{
	for (unsigned i = 0; cache->entries && i < NEIGHBOURS; i++) {
		const struct neighbour *const n = &cache->entries[i];

		if (n->state == NEIGHBOUR_STATE_NONE || n->link != link || !addr_equal(&n->addr, addr))
			continue;
		if (is_aged(n, now))
			return NEIGHBOUR_STATE_NONE;
		return is_stale(n, now) ? NEIGHBOUR_STATE_STALE : (enum neighbour_state)n->state;
	}
	return NEIGHBOUR_STATE_NONE;
}

uint32_t neighbours_count(const struct neighbours *cache)
{
	uint32_t count = 0;

	for (unsigned i = 0; cache->entries && i < NEIGHBOURS; i++)
		count += cache->entries[i].state != NEIGHBOUR_STATE_NONE;
	return count;
}

void neighbours_check(const struct neighbours *cache)
{
	uint32_t waiting = 0, chained = 0;

	for (unsigned i = 0; cache->entries && i < NEIGHBOURS; i++) {
		const struct neighbour *const n = &cache->entries[i];

		waiting += n->n_waiting;
		tern_assert(n->n_waiting <= NEIGHBOUR_WAITING && (n->n_waiting == 0) == (n->first == NULL));
		tern_assert(n->n_waiting == 0 || n->state == NEIGHBOUR_STATE_INCOMPLETE);
		/* Who waits has a timer. */
		tern_assert(!has_timer(n) || cache->next <= n->until || cache->fresh == i + 1);
	}
	for (unsigned i = 0; cache->entries && i < NEIGHBOUR_BUCKETS; i++)
		for (uint16_t at = cache->buckets[i]; at != 0; at = cache->entries[at - 1].chain)
			chained++;
	tern_assert(waiting == cache->n_waiting && waiting <= cache->waiting_most);
	tern_assert(chained == neighbours_count(cache));
	tern_assert(!cache->released.first && !cache->given_up.first);
}
