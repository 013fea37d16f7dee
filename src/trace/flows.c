#include "trace/flows.h"

#include "base/bytes.h"
#include "wire/tuple.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS_FIRST = 1 << 10, LIVING = 0, OVER = 1, SWEEP = 4, RIGHT_MOSTLY = 4 };

bool trace_flows_init(struct trace_flows *flows, const uint8_t key[16])
{
	flows->key = (struct siphash_key){ get64(key), get64(key + 8) };
	flows->buckets = BUCKETS_FIRST;
	flows->bucket = calloc(flows->buckets, sizeof(void *));
	if (flows->most == 0)
		flows->most = TRACE_ALIVE_MAX;
	return flows->bucket != NULL;
}

/* ---- finding ---- */

/* The same for both directions. */
static uint64_t hash_of(const struct trace_flows *flows, const struct tern_tuple *t)
{
	const int  order = memcmp(t->local.b, t->remote.b, sizeof t->local.b);
	const bool turn = order > 0 || (order == 0 && t->local_port > t->remote_port);
	uint8_t	   bytes[36];

	memcpy(bytes, turn ? t->remote.b : t->local.b, 16);
	memcpy(bytes + 16, turn ? t->local.b : t->remote.b, 16);
	put16(bytes + 32, turn ? t->remote_port : t->local_port);
	put16(bytes + 34, turn ? t->local_port : t->remote_port);
	return siphash13(&flows->key, bytes, sizeof bytes);
}

static bool is_of(const struct trace_flow *flow, const struct tern_tuple *t)
{
	const struct tern_tuple *const f = &flow->tuple;

	if (f->local_port == t->local_port && f->remote_port == t->remote_port &&
	    addr_equal(&f->local, &t->local) && addr_equal(&f->remote, &t->remote))
		return true;
	return f->local_port == t->remote_port && f->remote_port == t->local_port &&
	       addr_equal(&f->local, &t->remote) && addr_equal(&f->remote, &t->local);
}

static struct trace_flow *find(const struct trace_flows *flows, const struct tern_tuple *tuple, uint64_t hash)
{
	struct trace_flow *flow = flows->bucket[hash & (flows->buckets - 1)];

	while (flow && !is_of(flow, tuple))
		flow = flow->next;
	return flow;
}

static void widen(struct trace_flows *flows)
{
	const size_t		  n = 2 * flows->buckets;
	struct trace_flow **const bucket = calloc(n, sizeof(void *));

	if (!bucket)
		return; /* longer chains, no harm */
	for (size_t i = 0; i < flows->buckets; i++) {
		struct trace_flow *flow = flows->bucket[i], *next;

		for (; flow; flow = next) {
			struct trace_flow **const at = &bucket[hash_of(flows, &flow->tuple) & (n - 1)];

			next = flow->next;
			flow->next = *at;
			*at = flow;
		}
	}
	free(flows->bucket);
	flows->bucket = bucket;
	flows->buckets = n;
}

/* ---- lists ---- */

static void unlink_from(struct trace_list *list, struct trace_flow *flow)
{
	if (flow->newer)
		flow->newer->older = flow->older;
	else
		list->newest = flow->older;
	if (flow->older)
		flow->older->newer = flow->newer;
	else
		list->oldest = flow->newer;
	flow->newer = flow->older = NULL;
}

static void put_newest(struct trace_list *list, struct trace_flow *flow)
{
	flow->older = list->newest;
	flow->newer = NULL;
	if (list->newest)
		list->newest->newer = flow;
	else
		list->oldest = flow;
	list->newest = flow;
}

static bool is_short(const struct trace_flow *flow)
{
	return flow->opened == TRACE_OPEN_TRIED || trace_flow_is_over(flow);
}

static void let_go(struct trace_flows *flows, struct trace_flow *flow)
{
	struct trace_flow **at = &flows->bucket[hash_of(flows, &flow->tuple) & (flows->buckets - 1)];

	while (*at != flow)
		at = &(*at)->next;
	*at = flow->next;
	unlink_from(&flows->list[flow->is_over], flow);
	flows->n--;
	/* Of damaged packets alone, which were believed before it was known that this capture's are right: none. */
	if (flow->believed == flow->segments && flows->all_right > RIGHT_MOSTLY * flows->all_wrong) {
		flows->corrupt += flow->segments;
	} else {
		trace_flow_end(flow);
		flows->done(flows->context, flow);
	}
	trace_flow_done(flow);
	free(flow);
}

/* A few at a time, so that no segment costs more than the next. */
static void sweep(struct trace_flows *flows)
{
	struct trace_flow *oldest;

	for (int i = 0; i < SWEEP; i++) {
		oldest = flows->list[OVER].oldest;
		if (oldest && flows->now - oldest->last > TRACE_LINGER)
			let_go(flows, oldest);
		oldest = flows->list[LIVING].oldest;
		if (oldest && flows->now - oldest->last > TRACE_SILENCE)
			let_go(flows, oldest);
	}
	if (flows->n < flows->most)
		return;
	oldest = flows->list[OVER].oldest ? flows->list[OVER].oldest : flows->list[LIVING].oldest;
	flows->given_up += oldest == flows->list[LIVING].oldest;
	let_go(flows, oldest);
}

/* ---- beginning ---- */

static struct trace_flow *begin(struct trace_flows *flows, const struct trace_segment *segment, uint64_t hash)
{
	struct trace_flow *flow;

	sweep(flows);
	flow = calloc(1, sizeof *flow);
	if (!flow) {
		flows->no_memory = true;
		return NULL;
	}
	if (flows->n >= 2 * flows->buckets)
		widen(flows);
	trace_flow_begin(flow, segment);
	flow->number = ++flows->last;
	for (unsigned side = 0; side < 2 && flows->has_at; side++)
		if (addr_equal(side ? &flow->tuple.remote : &flow->tuple.local, &flows->at))
			flow->end[side].near = TRACE_TOLD_NEAR;
	if (flows->at_side)
		flow->end[flows->at_side - 1].near = TRACE_TOLD_NEAR;

	const uint32_t steps = flows->story ? flows->story(flows->context, flow) : 0;

	if (steps > 0)
		flow->story = trace_story_new(steps);
	flow->next = flows->bucket[hash & (flows->buckets - 1)];
	flows->bucket[hash & (flows->buckets - 1)] = flow;
	put_newest(&flows->list[LIVING], flow);
	flows->n++;
	return flow;
}

static struct trace_flow *take(struct trace_flows *flows, struct trace_flow *flow,
			       const struct trace_segment *segment)
{
	trace_flow_segment(flow, segment);

	const bool		 over = is_short(flow);
	struct trace_list *const list = &flows->list[over];

	if (over == flow->is_over && list->newest == flow)
		return flow;
	unlink_from(&flows->list[flow->is_over], flow);
	put_newest(list, flow);
	flow->is_over = over;
	return flow;
}

/* Nothing has come of it, or it is over: what begins with another SYN is another. */
static bool gives_way(const struct trace_flows *flows, const struct trace_flow *flow)
{
	const struct trace_counts *const a = &flow->end[0].n, *const b = &flow->end[1].n;
	/* A stray or forged segment, and its answer. */
	const bool is_stray = flow->opened == TRACE_OPEN_UNSEEN && a->octets + b->octets == 0 &&
			      flow->segments <= a->resets + b->resets + 1;

	return is_stray || is_short(flow) || flows->now - flow->last > TRACE_LINGER;
}

/* The other half of a simultaneous open is of the same connection. */
static bool is_other_syn(const struct trace_flow *flow, const struct trace_segment *segment)
{
	const unsigned		      side = trace_sender(flow, segment);
	const struct trace_end *const end = &flow->end[side];

	if (side == 1 && flow->end[0].has_syn &&
	    (flow->opened == TRACE_OPEN_TRIED || flow->opened == TRACE_OPEN_SIMULTANEOUS))
		return false;
	if (end->has_syn)
		return end->iss != segment->seq;
	return flow->opened != TRACE_OPEN_TRIED;
}

/* Whether a wrong checksum means damage: not where this sender's mostly are wrong, as they are in captures made before
 * a device completed them. */
static bool means_damage(struct trace_flows *flows, const struct trace_segment *segment)
{
	const struct tern_addr *const from = &segment->tuple.local;
	const size_t		      i =
		(from->b[15] ^ from->b[14] << 4 ^ from->b[13] << 2 ^ from->b[7]) & (TRACE_SOURCES - 1);
	uint16_t *const count = segment->is_corrupt ? &flows->wrong[i] : &flows->right[i];

	if (segment->is_corrupt || segment->has_right_sum)
		*count = *count < UINT16_MAX ? (uint16_t)(*count + 1) : *count;
	flows->all_right += segment->has_right_sum;
	flows->all_wrong += segment->is_corrupt;
	/* An address that nobody has heard of may be what was damaged. */
	return segment->is_corrupt &&
	       (flows->right[i] >= flows->wrong[i] ||
		(flows->right[i] == 0 && flows->all_right > RIGHT_MOSTLY * flows->all_wrong));
}

static struct trace_flow *belong(struct trace_flows *flows, const struct trace_segment *segment)
{
	const unsigned	   flags = segment->flags & (TERN_SYN | TERN_ACK | TERN_RST | TERN_FIN);
	const uint64_t	   hash = hash_of(flows, &segment->tuple);
	struct trace_flow *flow = find(flows, &segment->tuple, hash);

	if (segment->at > flows->now)
		flows->now = segment->at;
	if (!flow && segment->is_corrupt) {
		flows->corrupt++; /* its ports may be what was damaged: it names nobody */
		return NULL;
	}
	if (!flow) {
		flow = begin(flows, segment, hash);
		return flow ? take(flows, flow, segment) : NULL;
	}
	if (flags == TERN_SYN && !segment->is_corrupt && is_other_syn(flow, segment)) {
		if (gives_way(flows, flow)) {
			let_go(flows, flow);
			flow = begin(flows, segment, hash);
			return flow ? take(flows, flow, segment) : NULL;
		}
		flow->has_candidate = true;
		flow->candidate = *segment;
	} else if (flags == (TERN_SYN | TERN_ACK) && flow->has_candidate &&
		   segment->ack == flow->candidate.seq + 1 &&
		   segment->tuple.local_port == flow->candidate.tuple.remote_port) {
		const struct trace_segment syn = flow->candidate;

		let_go(flows, flow);
		flow = begin(flows, &syn, hash);
		if (flow)
			take(flows, flow, &syn);
	}
	return flow ? take(flows, flow, segment) : NULL;
}

struct trace_flow *trace_flows_segment(struct trace_flows *flows, const struct trace_segment *segment)
{
	const bool damaged = means_damage(flows, segment);

	if (damaged == segment->is_corrupt)
		return belong(flows, segment);

	struct trace_segment believed = *segment;

	believed.is_corrupt = false;
	struct trace_flow *const flow = belong(flows, &believed);

	if (flow)
		flow->believed++;
	return flow;
}

void trace_flows_end(struct trace_flows *flows)
{
	for (unsigned list = LIVING; list <= OVER; list++)
		while (flows->list[list].oldest)
			let_go(flows, flows->list[list].oldest);
	free(flows->bucket);
	flows->bucket = NULL;
}
