#include "watch/conns.h"

#include "wire/tuple.h"

#include <stdlib.h>
#include <string.h>

/* Which incarnation an event belongs to.
 *
 * An end starts a new one where it leaves CLOSED or LISTEN again after it has told of a state in the
 * present one, where it opens actively after a SYN in its name (an old duplicate) has been seen, or where
 * a SYN with another ISN opens (a SYN that is sent always does; one that arrives does if its verdict says
 * that it was taken, so that a blind or old SYN changes nothing). The other end may still have things to
 * tell of the one before (TIME-WAIT that the new SYN ends, RFC 9293 MAY-2): what fits that one's last
 * state or ISN, and not the new one, is counted there. */

enum { CONNS_ROOM_FIRST = 16 };

void conns_init(struct conns *conns)
{
	*conns = (struct conns){ 0 };
}

void conns_done(struct conns *conns)
{
	free(conns->entries);
	conns_init(conns);
}

static int order(const struct tern_tuple *t)
{
	const int addresses = memcmp(t->local.b, t->remote.b, sizeof t->local.b);

	return addresses ? addresses : (int)t->local_port - (int)t->remote_port;
}

/* Both ends' view of a connection comes out the same; *end says which one asked. */
static struct tern_tuple canonical(const struct tern_tuple *tuple, unsigned *end)
{
	*end = order(tuple) > 0;
	return *end ? tuple_turned(tuple) : *tuple;
}

static size_t hash(const struct tern_tuple *t)
{
	uint64_t h = t->zone * 0x9e3779b97f4a7c15u + ((uint32_t)t->local_port << 16 | t->remote_port);

	for (size_t i = 0; i < sizeof t->local.b; i++)
		h = (h ^ t->local.b[i] ^ (uint64_t)t->remote.b[i] << 8) * 0x100000001b3u;
	return (size_t)(h ^ h >> 29);
}

/* The entry of the canonical tuple, or the free one where it would stand. There is always a free one. */
static struct conns_entry *find(struct conns_entry *entries, size_t room, const struct tern_tuple *tuple)
{
	size_t at = hash(tuple) & (room - 1);

	while (entries[at].now.number != 0 && !tuple_equal(&entries[at].tuple, tuple))
		at = (at + 1) & (room - 1);
	return &entries[at];
}

static bool grow(struct conns *conns)
{
	const size_t	    room = conns->room ? 2 * conns->room : CONNS_ROOM_FIRST;
	struct conns_entry *entries = calloc(room, sizeof *entries);

	if (!entries)
		return false;
	for (size_t i = 0; i < conns->room; i++)
		if (conns->entries[i].now.number != 0)
			*find(entries, room, &conns->entries[i].tuple) = conns->entries[i];
	free(conns->entries);
	conns->entries = entries;
	conns->room = room;
	return true;
}

static struct conns_entry *entry_of(struct conns *conns, const struct tern_tuple *tuple)
{
	if (2 * (conns->n + 1) > conns->room && !grow(conns))
		return NULL;

	struct conns_entry *entry = find(conns->entries, conns->room, tuple);

	if (entry->now.number == 0) {
		entry->tuple = *tuple;
		entry->now.number = ++conns->last;
		conns->n++;
	}
	return entry;
}

static struct conns_incarnation *start_new(struct conns *conns, struct conns_entry *entry)
{
	entry->before = entry->now;
	entry->now = (struct conns_incarnation){ .number = ++conns->last };
	return &entry->now;
}

static struct conns_incarnation *of_state(struct conns *conns, struct conns_entry *entry, unsigned end,
					  const struct tern_watch_event *event)
{
	const enum tern_state	  from = event->u.state.from;
	struct conns_incarnation *it = &entry->now;

	if (from == TERN_STATE_CLOSED || from == TERN_STATE_LISTEN) {
		const bool sent_before = event->u.state.to == TERN_STATE_SYN_SENT && it->end[end].has_iss;

		if (it->end[end].began || sent_before)
			it = start_new(conns, entry);
	} else if (!it->end[end].began && entry->before.end[end].began &&
		   entry->before.end[end].state == from) {
		it = &entry->before;
	}
	it->end[end].began = true;
	it->end[end].state = event->u.state.to;
	return it;
}

static bool opens(const struct tern_watch_event *event)
{
	if (event->kind == TERN_WATCH_SEGMENT_TX)
		return true;
	switch (event->u.segment.verdict) {
	case TERN_VERDICT_NEW_CONNECTION:
	case TERN_VERDICT_COOKIE_SENT:
	case TERN_VERDICT_TIME_WAIT_REUSED:
	case TERN_VERDICT_WAITING: return true;
	default: return false;
	}
}

static struct conns_incarnation *of_segment(struct conns *conns, struct conns_entry *entry, unsigned sender,
					    const struct tern_watch_event *event)
{
	const struct tern_watch_segment *seg = &event->u.segment;
	struct conns_incarnation	*it = &entry->now;
	struct conns_end		*now = &it->end[sender], *before = &entry->before.end[sender];

	if (seg->flags & TERN_SYN) {
		if (now->has_iss && now->iss != seg->seq) {
			if (before->has_iss && before->iss == seg->seq)
				return &entry->before;
			if (!(seg->flags & TERN_ACK) && opens(event))
				it = start_new(conns, entry);
		}
		if (!it->end[sender].has_iss) {
			it->end[sender].has_iss = true;
			it->end[sender].iss = seg->seq;
		}
		return it;
	}
	const uint32_t iss = event->kind == TERN_WATCH_SEGMENT_TX ? seg->iss : seg->irs;

	if (seg->known && before->has_iss && before->iss == iss && !(now->has_iss && now->iss == iss))
		it = &entry->before;
	return it;
}

uint32_t conns_number(struct conns *conns, const struct tern_watch_event *event)
{
	unsigned	    end;
	struct tern_tuple   tuple = canonical(&event->tuple, &end);
	struct conns_entry *entry;

	if (event->tuple.remote_port == 0 && addr_is_unspecified(&event->tuple.remote))
		return 0;
	entry = entry_of(conns, &tuple);
	if (!entry)
		return 0;
	switch (event->kind) {
	case TERN_WATCH_STATE: return of_state(conns, entry, end, event)->number;
	case TERN_WATCH_SEGMENT_TX: return of_segment(conns, entry, end, event)->number;
	case TERN_WATCH_SEGMENT_RX: return of_segment(conns, entry, !end, event)->number;
	default:
		if (!entry->now.end[end].began && entry->before.end[end].began &&
		    entry->before.end[end].state != TERN_STATE_CLOSED)
			return entry->before.number;
		return entry->now.number;
	}
}

uint32_t conns_current(const struct conns *conns, const struct tern_tuple *tuple)
{
	unsigned	  end;
	struct tern_tuple key = canonical(tuple, &end);

	return conns->room ? find(conns->entries, conns->room, &key)->now.number : 0;
}
