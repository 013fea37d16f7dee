#include "trace/pair.h"

#include "base/bytes.h"
#include "base/siphash.h"
#include "trace/inner.h"
#include "wire/tuple.h"

#include <stdlib.h>

/* Theory of operation. A segment is known again by all that the path leaves alone: numbers, length, flags, window,
 * timestamps. Those that were sent once and came once give the clocks' offset. Then every arrival is given to the
 * latest sending of the same that can be its cause, so that of two equal ones (the first lost, sent again) the
 * right one is lost. What a device joined or cut between the two captures (TSO, GRO) is matched by its octets: an
 * arrival that lies within one sending, or the other way round. */

struct mark {
	uint64_t  key;
	tern_time at;
	uint32_t  step;
	bool	  used;
	uint32_t  with; /* the other side's step, plus one */
};

struct side {
	struct mark *sent, *came; /* by key, then step */
	uint32_t     n_sent, n_came;
};

/* ---- keys ---- */

static uint64_t key_of(const struct trace_segment *segment)
{
	static const struct siphash_key key = { 0x7465726e, 0x70616972 };
	const uint32_t			fields[] = {
				 segment->seq,
				 segment->ack,
				 segment->len,
				 (uint32_t)segment->flags << 16 | segment->wnd,
		 segment->opt.has_ts ? segment->opt.ts_val : 0,
		 segment->opt.has_ts ? segment->opt.ts_ecr : 0,
		 segment->opt.n_sack > 0 ? segment->opt.sack[0].right.v : 0,
	};

	return siphash13(&key, fields, sizeof fields);
}

static int by_key(const void *a, const void *b)
{
	const struct mark *const x = a, *const y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->step < y->step ? -1 : x->step > y->step;
}

static int by_step(const void *a, const void *b)
{
	const struct mark *const x = a, *const y = b;

	return x->step < y->step ? -1 : x->step > y->step;
}

static struct mark *marks_of(const struct trace_story *story, unsigned end, uint32_t *n)
{
	struct mark *const marks = calloc((size_t)story->n + 1, sizeof *marks);

	*n = 0;
	for (uint32_t i = 0; marks && i < story->n; i++)
		if (story->steps[i].end == end && story->steps[i].found.verdict != TERN_VERDICT_BAD_CHECKSUM)
			marks[(*n)++] = (struct mark){ .key = key_of(&story->steps[i].segment),
						       .at = story->steps[i].segment.at,
						       .step = i };
	if (marks)
		qsort(marks, *n, sizeof *marks, by_key);
	return marks;
}

/* The first of this key; n: none. */
static uint32_t first_of(const struct mark *marks, uint32_t n, uint64_t key)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (marks[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && marks[low].key == key ? low : n;
}

static bool is_alone(const struct mark *marks, uint32_t n, uint32_t i)
{
	return (i == 0 || marks[i - 1].key != marks[i].key) &&
	       (i + 1 == n || marks[i + 1].key != marks[i].key);
}

/* ---- clocks ---- */

/* The least difference of the two clocks over what was sent once and came once. */
static bool least_delay(const struct side *side, tern_time *least)
{
	bool found = false;

	for (uint32_t i = 0; i < side->n_sent; i++) {
		const uint32_t k = first_of(side->came, side->n_came, side->sent[i].key);

		if (k == side->n_came || !is_alone(side->sent, side->n_sent, i) ||
		    !is_alone(side->came, side->n_came, k))
			continue;
		const tern_time delay = side->came[k].at - side->sent[i].at;

		if (!found || delay < *least)
			*least = delay;
		found = true;
	}
	return found;
}

/* ---- matching ---- */

static void join(struct mark *sent, struct mark *came)
{
	sent->used = came->used = true;
	sent->with = came->step + 1;
	came->with = sent->step + 1;
}

/* Arrivals in their order, each to the latest sending of the same that it can come from. */
static void match_equal(struct side *side, tern_time least)
{
	for (uint32_t k = 0; k < side->n_came; k++) {
		struct mark *const came = &side->came[k];
		struct mark	  *best = NULL;

		for (uint32_t i = first_of(side->sent, side->n_sent, came->key);
		     i < side->n_sent && side->sent[i].key == came->key; i++)
			if (!side->sent[i].used &&
			    (!best || came->at - side->sent[i].at >= least - TERN_MICROSECOND))
				best = &side->sent[i];
		if (best)
			join(best, came);
	}
}

static bool holds(const struct trace_segment *outer, const struct trace_segment *inner)
{
	return inner->len > 0 && outer->len > inner->len &&
	       inner->seq - outer->seq <= outer->len - inner->len &&
	       (!inner->opt.has_ts || inner->opt.ts_val == outer->opt.ts_val);
}

/* What was cut or joined on its way: by octets. Both in the order of their steps. */
static void match_parts(struct side *side, const struct trace_story *sender,
			const struct trace_story *receiver)
{
	uint32_t from = 0;

	for (uint32_t i = 0; i < side->n_sent; i++) {
		const struct trace_segment *const sent = &sender->steps[side->sent[i].step].segment;

		if (side->sent[i].used || sent->len == 0)
			continue;
		while (from < side->n_came && side->came[from].used)
			from++;
		for (uint32_t k = from, looked = 0; k < side->n_came && looked < 256; k++, looked++) {
			const struct trace_segment *const came = &receiver->steps[side->came[k].step].segment;
			const bool part = !side->came[k].used && holds(sent, came), whole = holds(came, sent);

			if (!part && !whole)
				continue;
			side->sent[i].used = true;
			side->sent[i].with = side->came[k].step + 1;
			if (part)
				side->came[k].used = true;
			side->came[k].with = side->sent[i].step + 1;
		}
	}
}

static bool match(struct side *side, const struct trace_story *sender, const struct trace_story *receiver,
		  unsigned end)
{
	side->sent = marks_of(sender, end, &side->n_sent);
	side->came = marks_of(receiver, end, &side->n_came);
	return side->sent && side->came;
}

/* ---- the story of both ---- */

struct making {
	struct trace_pair	*pair;
	const struct trace_flow *from[2];   /* the client's capture, the server's */
	struct side		 side[2];   /* what the client sent, what the server sent */
	uint32_t		*merged[2]; /* a step of that capture: its place in the story, plus one */
};

/* A time of the server's on the client's clock; hostile ones stay within what times may be. */
static tern_time shifted(const struct trace_pair *pair, tern_time at)
{
	return max_i64(0, min_i64(at - pair->offset, TRACE_TIME_MAX));
}

static struct trace_step *add_step(struct making *making, unsigned capture, uint32_t i)
{
	const struct trace_step *const step = &making->from[capture]->story->steps[i];
	struct trace_step *const       to = trace_story_add(&making->pair->flow, &step->segment, step->end);

	if (!to)
		return NULL;
	to->found = step->found;
	to->found.lost = false;
	to->wnd = step->wnd;
	to->wscale_known = step->wscale_known;
	to->segment.file = (uint8_t)capture;
	if (capture == 1)
		to->segment.at = shifted(making->pair, to->segment.at);
	making->merged[capture][i] = making->pair->flow.story->n;
	return to;
}

static const struct mark *mark_of(const struct mark *marks, uint32_t n, uint32_t step)
{
	const struct mark wanted = { .step = step };

	return bsearch(&wanted, marks, n, sizeof *marks, by_step);
}

/* A sending, as its own end's capture has it; with its arrival, or lost. */
static void add_sent(struct making *making, unsigned end, uint32_t i)
{
	const struct side *const  side = &making->side[end];
	const struct mark *const  mark = mark_of(side->sent, side->n_sent, i);
	struct trace_step *const  to = add_step(making, end, i);
	const struct trace_story *other = making->from[!end]->story;

	if (!to || !mark)
		return;
	to->found.lost = mark->with == 0;
	making->pair->matched[end] += mark->with != 0;
	making->pair->lost[end] += mark->with == 0;
	if (mark->with == 0)
		return;
	const struct trace_step *const came = &other->steps[mark->with - 1];

	to->found.has_arrival = true;
	to->found.arrives = end == 0 ? shifted(making->pair, came->segment.at) : came->segment.at;
	to->found.arrival_packet = came->segment.packet;
	to->found.verdict = came->found.verdict;
	making->merged[!end][mark->with - 1] = making->pair->flow.story->n;
}

/* An arrival that nobody was seen to send: it stands at the time when it came. */
static void add_stray(struct making *making, unsigned end, uint32_t i)
{
	struct trace_step *const to = add_step(making, !end, i);

	making->pair->stray[end]++;
	if (to)
		to->found.duplicate = true;
}

static void add_all(struct making *making)
{
	for (unsigned end = 0; end < 2; end++) {
		struct side *const side = &making->side[end];

		qsort(side->sent, side->n_sent, sizeof *side->sent, by_step);
		qsort(side->came, side->n_came, sizeof *side->came, by_step);
		for (uint32_t i = 0; i < side->n_sent; i++)
			add_sent(making, end, side->sent[i].step);
		for (uint32_t k = 0; k < side->n_came; k++)
			if (side->came[k].with == 0)
				add_stray(making, end, side->came[k].step);
	}
}

/* Each end's changes from its own capture. */
static void add_changes(struct making *making)
{
	struct trace_story *const story = making->pair->flow.story;

	for (unsigned capture = 0; capture < 2; capture++) {
		const struct trace_story *const from = making->from[capture]->story;

		for (unsigned i = 0; i < from->changes; i++) {
			struct trace_change change = from->change[i];

			if (change.end != capture || change.is_gone || story->changes == TRACE_CHANGES)
				continue;
			if (making->merged[capture][change.step] == 0)
				continue;
			change.step = making->merged[capture][change.step] - 1;
			story->change[story->changes++] = change;
		}
	}
}

static bool set_offset(struct making *making)
{
	struct trace_pair *const pair = making->pair;
	tern_time		 there = 0, back = 0;

	pair->has_offset = least_delay(&making->side[0], &there) && least_delay(&making->side[1], &back);
	if (pair->has_offset) {
		pair->offset = there / 2 - back / 2;
		pair->uncertain = there / 2 + back / 2;
		pair->delay[0] = pair->delay[1] = pair->uncertain; /* by what is assumed */
	}
	match_equal(&making->side[0], pair->has_offset ? there : -TRACE_TIME_MAX);
	match_equal(&making->side[1], pair->has_offset ? back : -TRACE_TIME_MAX);
	return true;
}

/* Where one capture begins later: what it shows first is of what the other shows. */
static bool overlap(const struct trace_end *a, const struct trace_end *b)
{
	if (!a->is_seen || !b->is_seen)
		return !a->is_seen && !b->is_seen;
	return (not_before(b->seq0, a->seq0) && !after(b->seq0, a->nxt)) ||
	       (not_before(a->seq0, b->seq0) && !after(a->seq0, b->nxt));
}

bool trace_pair_fits(const struct trace_flow *client, const struct trace_flow *server)
{
	unsigned syns = 0;

	for (unsigned end = 0; end < 2; end++) {
		if (!client->end[end].has_syn || !server->end[end].has_syn) {
			if (!overlap(&client->end[end], &server->end[end]))
				return false;
			continue;
		}
		if (client->end[end].iss != server->end[end].iss)
			return false;
		syns++;
	}
	return syns == 2 || tuple_equal(&client->tuple, &server->tuple);
}

void trace_flow_turn(struct trace_flow *flow)
{
	const struct trace_end first = flow->end[0];

	flow->end[0] = flow->end[1];
	flow->end[1] = first;
	flow->tuple = tuple_turned(&flow->tuple);
	flow->closer = !flow->closer;
	for (uint32_t i = 0; flow->story && i < flow->story->n; i++)
		flow->story->steps[i].end ^= 1;
	for (unsigned i = 0; flow->story && i < flow->story->changes; i++)
		flow->story->change[i].end ^= 1;
}

bool trace_pair_turn(const struct trace_flow *client, struct trace_flow *server)
{
	if (trace_pair_fits(client, server))
		return true;
	trace_flow_turn(server);
	if (trace_pair_fits(client, server))
		return true;
	trace_flow_turn(server);
	return false;
}

bool trace_pair_make(struct trace_pair *pair, const struct trace_flow *client,
		     const struct trace_flow *server)
{
	struct making making = { .pair = pair, .from = { client, server } };
	bool	      fine;

	*pair = (struct trace_pair){ .flow = *client };
	pair->flow.end[1] = server->end[1];
	for (unsigned end = 0; end < 2; end++)
		pair->flow.end[end].flight = (struct trace_flight){ .n = 0 };
	pair->flow.story = trace_story_new(0);
	for (unsigned capture = 0; capture < 2; capture++)
		making.merged[capture] = calloc((size_t)making.from[capture]->story->n + 1, sizeof(uint32_t));
	fine = pair->flow.story && making.merged[0] && making.merged[1];
	for (unsigned end = 0; end < 2 && fine; end++)
		fine = match(&making.side[end], making.from[end]->story, making.from[!end]->story, end);
	fine = fine && set_offset(&making);
	for (unsigned end = 0; end < 2 && fine; end++) {
		qsort(making.side[end].sent, making.side[end].n_sent, sizeof(struct mark), by_step);
		qsort(making.side[end].came, making.side[end].n_came, sizeof(struct mark), by_step);
		match_parts(&making.side[end], making.from[end]->story, making.from[!end]->story);
	}
	if (fine) {
		add_all(&making);
		add_changes(&making);
		fine = !pair->flow.story->no_memory;
	}
	for (unsigned end = 0; end < 2; end++) {
		free(making.side[end].sent);
		free(making.side[end].came);
		free(making.merged[end]);
	}
	return fine;
}

void trace_pair_done(struct trace_pair *pair)
{
	trace_flow_done(&pair->flow);
}
