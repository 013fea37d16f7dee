#include "support/cable.h"

#include "support/router.h"
#include "wire/ip.h"

#include <tern/host.h>

#include <stdlib.h>
#include <string.h>

enum { CABLE_BATCH = 32, PACKET_MAX = 65536 };

struct cable_packet {
	tern_packet	     in;   /* as the far host gets it */
	tern_packet	    *held; /* lazy: the sender's, not yet copied */
	struct cable_packet *next;
	tern_time	     arrives;
	uint64_t	     order;
	bool		     marked; /* CE, where the packet is ECN-capable */
	uint32_t	     flip; /* bit to flip, plus one; 0: none */
	uint32_t	     room;
	bool		     lent;
	uint8_t		     bytes[];
};

void cable_init(struct cable *cable, const struct cable_settings *settings, uint64_t seed)
{
	*cable = (struct cable){ .settings = *settings, .chance = { seed } };
}

static struct cable_packet *packet_new(struct cable *cable, uint32_t n)
{
	struct cable_packet *packet = cable->free;

	if (packet && packet->room >= n) {
		cable->free = packet->next;
	} else {
		const uint32_t room = n <= 2048 ? 2048 : PACKET_MAX;

		packet = malloc(sizeof *packet + room);
		packet->room = room;
	}
	memset(&packet->in, 0, offsetof(tern_packet, headers));
	packet->held = NULL;
	packet->flip = 0;
	packet->marked = false;
	packet->lent = false;
	return packet;
}

static void packet_put(struct cable *cable, struct cable_packet *packet)
{
	packet->next = cable->free;
	cable->free = packet;
}

static bool earlier(const struct cable_packet *a, const struct cable_packet *b)
{
	return a->arrives < b->arrives || (a->arrives == b->arrives && a->order < b->order);
}

static void heap_push(struct cable *cable, struct cable_packet *packet)
{
	if (cable->n == cable->room) {
		cable->room = cable->room ? cable->room * 2 : 64;
		cable->heap = realloc(cable->heap, cable->room * sizeof(void *));
	}
	size_t at = cable->n++;
	while (at > 0 && earlier(packet, cable->heap[(at - 1) / 2])) {
		cable->heap[at] = cable->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	cable->heap[at] = packet;
}

static struct cable_packet *heap_pop(struct cable *cable)
{
	struct cable_packet *const first = cable->heap[0], *const last = cable->heap[--cable->n];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= cable->n)
			break;
		if (child + 1 < cable->n && earlier(cable->heap[child + 1], cable->heap[child]))
			child++;
		if (earlier(last, cable->heap[child]))
			break;
		cable->heap[at] = cable->heap[child];
		at = child;
	}
	cable->heap[at] = last;
	return first;
}

static void copy_bytes(struct cable_packet *to, const tern_packet *from)
{
	uint32_t at = 0;

	for (unsigned i = 0; i < from->n_parts; i++) {
		memcpy(to->bytes + at, from->part[i].at, from->part[i].n);
		at += from->part[i].n;
	}
	if (at != from->len)
		abort();
}

static void digest(struct cable *cable, const tern_packet *packet, tern_time now)
{
	uint64_t h = cable->digest ^ (uint64_t)now;

	for (unsigned i = 0; i < packet->n_parts; i++)
		for (uint32_t k = 0; k < packet->part[i].n; k++)
			h = (h ^ packet->part[i].at[k]) * UINT64_C(0x100000001b3);
	cable->digest = h * UINT64_C(0x100000001b3);
}

struct fate {
	bool	 lost, twice, corrupted, reordered, marked;
	uint64_t bit, jitter, back;
};

static bool falls(struct chance *chance, uint32_t share)
{
	return (chance_next(chance) & 0xffff) < share;
}

static struct fate draw(struct cable *cable, tern_time now)
{
	const struct cable_settings *const s = &cable->settings;
	struct chance *const		   chance = &cable->chance;
	struct fate			   fate = { .jitter = chance_next(chance) };

	if (now >= s->faults_until)
		return fate;
	if (cable->bad)
		cable->bad = !falls(chance, s->burst_leave);
	else
		cable->bad = falls(chance, s->burst_enter);
	fate.lost = falls(chance, s->loss) || cable->bad;
	fate.twice = falls(chance, s->duplicate);
	fate.corrupted = falls(chance, s->corrupt);
	fate.reordered = falls(chance, s->reorder);
	fate.marked = falls(chance, s->mark);
	fate.bit = chance_next(chance);
	fate.back = chance_next(chance);
	return fate;
}

/* When the last bit has left the sender's queue; -1: the queue is full. */
static tern_time leaves(struct cable *cable, uint32_t n, tern_time now)
{
	const struct cable_settings *const s = &cable->settings;

	if (s->rate == 0)
		return now;
	const tern_time each = (tern_time)((uint64_t)n * 1000000000u / s->rate);
	const tern_time slot = (tern_time)(UINT64_C(1500) * 1000000000u / s->rate); /* of the queue */
	if (cable->busy_until < now)
		cable->busy_until = now;
	if (s->queue != 0 && cable->busy_until - now >= (tern_time)s->queue * slot)
		return -1;
	return cable->busy_until += each;
}

static void launch(struct cable *cable, struct cable_packet *packet, const struct fate *fate, tern_time left)
{
	const struct cable_settings *const s = &cable->settings;
	tern_time			   at = left + s->delay;

	if (s->jitter > 0)
		at += (tern_time)(fate->jitter % (uint64_t)s->jitter);
	if (fate->reordered && s->reorder_delay > 0)
		at += (tern_time)(fate->back % (uint64_t)s->reorder_delay) + 1;
	else if (s->in_order || left >= s->faults_until)
		at = at > cable->last_arrival ? at : cable->last_arrival;
	if (!fate->reordered && at > cable->last_arrival)
		cable->last_arrival = at;
	packet->arrives = at;
	packet->order = cable->order++;
	heap_push(cable, packet);
}

/* The bytes of a packet in one piece; they live until the next call. */
static const uint8_t *flatten(const tern_packet *packet)
{
	static uint8_t bytes[PACKET_MAX];
	uint32_t       at = 0;

	for (unsigned i = 0; i < packet->n_parts; at += packet->part[i++].n)
		memcpy(bytes + at, packet->part[i].at, packet->part[i].n);
	return bytes;
}

/* True: the router has sent an error back instead of the packet. */
static bool refused(struct cable *cable, const tern_packet *packet, tern_time now)
{
	const struct cable_settings *const s = &cable->settings;
	uint8_t error[ROUTER_ERROR_MAX];

	if (s->narrow == 0 || packet->len <= s->narrow || now < s->narrow_from || !cable->back)
		return false;
	const size_t n = router_refuses(flatten(packet), packet->len, s->narrow, error);
	if (n == 0)
		return false;
	cable->counts.refused++;
	if (!s->mute)
		cable_inject(cable->back, error, (uint32_t)n, now + s->delay);
	return true;
}

static void forge(struct cable *cable, const tern_packet *packet, tern_time now)
{
	uint8_t forged[128];

	if (cable->settings.forge == 0 || !falls(&cable->chance, cable->settings.forge))
		return;
	const size_t n = forge_segment(flatten(packet), packet->len, &cable->chance, forged);
	if (n == 0)
		return;
	cable->counts.forged++;
	cable_inject(cable, forged, (uint32_t)n, now + cable->settings.delay);
}

static struct cable_packet *copy_of(struct cable *cable, const tern_packet *packet)
{
	struct cable_packet *const copy = packet_new(cable, packet->len);

	copy->in.len = packet->len;
	copy->in.mark = cable->counts.entered;
	return copy;
}

/* What befalls one packet on the wire. */
static void send(struct cable *cable, tern_packet *packet, bool lazy, bool piece, tern_time now)
{
	struct fate		   fate = draw(cable, now);
	const tern_time		   left = leaves(cable, packet->len, now);
	struct cable_counts *const counts = &cable->counts;

	if (fate.lost || left < 0) {
		counts->lost += fate.lost;
		counts->queue_full += !fate.lost;
		tern_packet_done(packet);
		return;
	}
	struct cable_packet *const copy = copy_of(cable, packet);
	fate.corrupted &= !piece; /* two pieces with a bit each could cheat the checksum of the whole */
	if (fate.corrupted) {
		copy->flip = (uint32_t)(fate.bit % (packet->len * 8u)) + 1;
		counts->corrupted++;
	}
	counts->reordered += fate.reordered;
	copy->marked = fate.marked;
	if (fate.twice) {
		struct cable_packet *const second = copy_of(cable, packet);
		struct fate		   plain = fate;

		copy_bytes(second, packet);
		plain.reordered = fate.back & 1;
		counts->duplicated++;
		launch(cable, second, &plain, left);
	}
	if (lazy) {
		copy->held = packet;
	} else {
		copy_bytes(copy, packet);
		tern_packet_done(packet);
	}
	launch(cable, copy, &fate, left);
}

/* A router cuts what may be cut; each piece has a fate of its own. */
static bool cut(struct cable *cable, const tern_packet *packet, tern_time now)
{
	const struct cable_settings *const s = &cable->settings;
	static uint8_t			   pieces[2 * PACKET_MAX];
	uint32_t			   length[ROUTER_PIECES_MAX];

	if (s->narrow == 0 || packet->len <= s->narrow || now < s->narrow_from)
		return false;
	const unsigned n = router_cuts(flatten(packet), packet->len, s->narrow, pieces, length);
	const uint8_t *at = pieces;

	for (unsigned i = 0; i < n; at += length[i++]) {
		tern_packet piece = { .n_parts = 1, .len = length[i] };

		piece.part[0].at = at;
		piece.part[0].n = length[i];
		send(cable, &piece, false, true, now);
	}
	cable->counts.cut += n > 0;
	return n > 0;
}

void cable_put(struct cable *cable, tern_packet *packet, tern_time now)
{
	cable->counts.entered++;
	cable->counts.bytes += packet->len;
	if (cable->digesting)
		digest(cable, packet, now);
	forge(cable, packet, now);
	if (refused(cable, packet, now) || cut(cable, packet, now))
		tern_packet_done(packet);
	else
		send(cable, packet, cable->settings.lazy, false, now);
}

void cable_inject(struct cable *cable, const void *bytes, uint32_t n, tern_time at)
{
	struct cable_packet *const packet = packet_new(cable, n);

	memcpy(packet->bytes, bytes, n);
	packet->in.len = n;
	packet->arrives = at;
	packet->order = cable->order++;
	heap_push(cable, packet);
}

tern_time cable_next(const struct cable *cable)
{
	return cable->n ? cable->heap[0]->arrives : TERN_NEVER;
}

size_t cable_take(struct cable *cable, tern_packet *into[], size_t room, tern_time now)
{
	struct cable_packet *lent[CABLE_BATCH];
	size_t		     n = 0;

	if (room > CABLE_BATCH)
		room = CABLE_BATCH;
	while (n < room && cable->n > 0 && cable->heap[0]->arrives <= now) {
		struct cable_packet *const packet = heap_pop(cable);

		if (packet->held) {
			copy_bytes(packet, packet->held);
			tern_packet_done(packet->held);
			packet->held = NULL;
		}
		if (packet->marked && ip_wire_is_ecn_capable(packet->bytes, packet->in.len)) {
			ip_wire_mark_ce(packet->bytes);
			cable->counts.marked++;
		}
		if (packet->flip)
			packet->bytes[(packet->flip - 1) / 8] ^= (uint8_t)(1u << (packet->flip - 1) % 8);
		packet->in.n_parts = 1;
		packet->in.part[0].at = packet->bytes;
		packet->in.part[0].n = packet->in.len;
		lent[n] = packet;
		into[n++] = &packet->in;
	}
	/* They lie on the free list already, but nothing enters this cable before the receiver has read them. */
	for (size_t i = 0; i < n; i++)
		packet_put(cable, lent[i]);
	cable->counts.delivered += n;
	return n;
}

void cable_done(struct cable *cable)
{
	struct cable_packet *packet;

	while (cable->n > 0) {
		packet = heap_pop(cable);
		if (packet->held)
			tern_packet_done(packet->held);
		packet_put(cable, packet);
	}
	while ((packet = cable->free)) {
		cable->free = packet->next;
		free(packet);
	}
	free(cable->heap);
	cable->heap = NULL;
}

uint64_t cable_faults(const struct cable *cable)
{
	const struct cable_counts *const c = &cable->counts;

	return c->lost + c->duplicated + c->corrupted + c->reordered + c->queue_full;
}
