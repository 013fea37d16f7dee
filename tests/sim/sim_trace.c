/* What tern trace infers, held against what the stack knew: seeded worlds (lossy, reordered, every manner of closing)
 * captured at each host's door, and the states of both ends, retransmissions and losses that follow from each capture
 * alone compared with what the two stacks told their watchers.
 *
 *   TERN_SIM_RUNS=N   so many runs instead of 150 (`make proof`: 1,000)
 *   TERN_SIM_SEED=N   this one run, with every difference on stderr
 *
 * Left out of the comparison are edges that leave nothing on the wire: passive opens, time-outs, 2MSL, what is aborted
 * before it was answered. Two figures: of the edges that trace claims (as observed or inferred; what it shows as unseen
 * it does not claim) how many were taken, and of those that were taken how many it rightly claims. What is asked:
 * 99.5 % of the first, at either end, and never an edge shown as observed that was not taken.
 */
#include "support/plan.h"
#include "support/runs.h"
#include "trace/flows.h"
#include "trace/pair.h"
#include "wire/tuple.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EDGES = 512, PACKET = 65536, STEPS = 1 << 20, KEPT = 64, NTH = 1 << 20 };

enum { SENT = 1, CAME = 2 }; /* lab.carried */

/* Edges that were claimed; those of them that were taken, in that order; those that there were to be known. */
enum { CLAIMED, RIGHT, THERE, SUMS };

/* What is summed over all runs; printed at the end. */

enum {
	NEAR,
	FAR = NEAR + SUMS,
	PAIR = FAR + SUMS,
	OBSERVED = PAIR + SUMS,
	WRONG,
	PAIR_LOST,
	PAIR_LOST_RIGHT,
	AGAIN,
	AGAIN_RIGHT,
	WHY,
	WHY_RIGHT
};

struct edges {
	struct tern_edge edge[EDGES];
	bool		 observed[EDGES];
	bool		 optional[EDGES]; /* may show on the wire or not */
	unsigned	 unseen;	  /* left out: said to be unseen, so not claimed */
	unsigned	 n;
	unsigned	 hidden; /* the first that is not on the wire, plus one; 0: none */
	bool		 waits;	 /* CLOSE was called, and its FIN is behind text */
};

struct again {
	uint64_t told, fast, timeout, probe, path_mtu;
};

/* Of one host. */
struct truth {
	struct tern_tuple	 tuple;
	struct edges		 edges;
	struct again		 again;
	enum tern_retransmit_why why; /* told last */
};

struct vantage {
	struct trace_decoder decoder;
	struct trace_flows   flows;
	struct edges	     edges[2]; /* of host 0 and 1 */
	struct again	     again[2];
	uint64_t	     lost_after[2], lost_before[2];
	uint64_t	     packets;
	struct tern_addr     self;
	struct trace_flow    kept[KEPT]; /* with their stories */
	unsigned	     n_kept;
};

struct lab {
	struct truth   truth[2];
	struct vantage vantage[2];
	uint16_t       port[2]; /* client's, server's */
	uint64_t       nth[2];
	uint8_t	       carried[2][NTH]; /* by nth */
	bool	       verbose, told;	/* told: packets are marked with their direction */
};

static struct lab lab;

/* ---- what the stack knew ---- */

static bool is_visible(const struct tern_edge *edge)
{
	switch (edge->why) {
	case TERN_WHY_OPEN_PASSIVE:
	case TERN_WHY_TWO_MSL:
	case TERN_WHY_R2:
	case TERN_WHY_USER_TIMEOUT:
	case TERN_WHY_KEEPALIVE:
	case TERN_WHY_ORPHAN_TIMEOUT:
	case TERN_WHY_TIME_WAIT_REUSED:
	case TERN_WHY_TIME_WAIT_GIVEN_UP:
	case TERN_WHY_ICMP:
	case TERN_WHY_LISTENER_CLOSED:
	case TERN_WHY_HALF_OPEN_GIVEN_UP: return false;
	case TERN_WHY_CLOSE_CALLED:
	case TERN_WHY_ABORT_CALLED:
		return edge->from != TERN_STATE_SYN_SENT && edge->from != TERN_STATE_LISTEN;
	default: return true;
	}
}

/* Who gives up may say so by an RST. */
static bool may_show(const struct tern_edge *edge)
{
	return edge->why == TERN_WHY_ORPHAN_TIMEOUT || edge->why == TERN_WHY_USER_TIMEOUT ||
	       edge->why == TERN_WHY_R2 || edge->why == TERN_WHY_KEEPALIVE;
}

static void add_edge(struct edges *to, enum tern_state from, enum tern_state at, enum tern_why why,
		     enum tern_basis basis)
{
	const struct tern_edge edge = { .from = from, .to = at, .why = why };

	if (basis == TERN_BASIS_UNSEEN) {
		to->unseen++;
		return;
	}

	if ((!is_visible(&edge) && !may_show(&edge)) || to->n == EDGES)
		return;
	to->optional[to->n] = !is_visible(&edge);
	to->observed[to->n] = basis == TERN_BASIS_OBSERVED;
	to->edge[to->n++] = edge;
}

static void count_again(struct again *to, enum tern_retransmit_why why)
{
	to->told++;
	switch (why) {
	case TERN_RETRANSMIT_FAST:
	case TERN_RETRANSMIT_RACK:
	case TERN_RETRANSMIT_PARTIAL_ACK: to->fast++; break;
	case TERN_RETRANSMIT_TAIL_PROBE: to->probe++; break;
	case TERN_RETRANSMIT_PATH_MTU: to->path_mtu++; break;
	default: to->timeout++; break;
	}
}

/* A state that CLOSE changed while its FIN had to wait behind text shows to nobody; what comes to pass meanwhile, and
 * all that follows from it, is not on the wire. */
static void note_hidden(struct edges *edges, const struct tern_watch_event *event)
{
	const bool closes =
		event->u.state.why == TERN_WHY_CLOSE_CALLED && event->u.state.to >= TERN_STATE_FIN_WAIT_1;

	if (edges->waits && edges->hidden == 0)
		edges->hidden = edges->n > 0 ? edges->n : 1; /* from that CLOSE on */
	if (closes && event->u.state.from == TERN_STATE_SYN_RECEIVED && edges->hidden == 0)
		edges->hidden = edges->n + 1;
	edges->waits = closes;
}

static void on_event(void *context, const struct tern_watch_event *event)
{
	struct truth *const truth = context;

	if (event->tuple.remote_port == 0)
		return;
	if (lab.verbose && event->kind == TERN_WATCH_STATE)
		fprintf(stderr, "host %td %.6f %s -> %s %s\n", truth - lab.truth, (double)event->now / 1e9,
			tern_state_name(event->u.state.from), tern_state_name(event->u.state.to),
			tern_why_name(event->u.state.why));
	if (event->kind == TERN_WATCH_SEGMENT_TX && (event->u.segment.flags & TERN_FIN))
		truth->edges.waits = false;
	if (event->kind == TERN_WATCH_STATE)
		note_hidden(&truth->edges, event);
	if (event->kind == TERN_WATCH_STATE)
		add_edge(&truth->edges, event->u.state.from, event->u.state.to, event->u.state.why, TERN_BASIS_TOLD);
	if (event->kind == TERN_WATCH_RETRANSMIT)
		truth->why = event->u.retransmit.why;
	if (event->kind == TERN_WATCH_SEGMENT_TX && event->u.segment.retransmitted &&
	    !event->u.segment.probe) {
		count_again(&truth->again, truth->why);
		if (lab.verbose)
			fprintf(stderr, "truth again %td %.6f seq %u len %u %s\n", truth - lab.truth,
				(double)event->now / 1e9, event->u.segment.seq, event->u.segment.len,
				tern_retransmit_why_name(truth->why));
	}
}

/* ---- what a capture shows ---- */

static uint32_t whole_story(void *context, const struct trace_flow *flow)
{
	(void)context;
	(void)flow;
	return STEPS;
}

static void keep(struct vantage *at, struct trace_flow *flow)
{
	if (at->n_kept == KEPT)
		return;
	at->kept[at->n_kept] = *flow;
	for (unsigned side = 0; side < 2; side++)
		at->kept[at->n_kept].end[side].flight = (struct trace_flight){ .n = 0 };
	at->n_kept++;
	flow->story = NULL;
}

static void on_done(void *context, struct trace_flow *flow)
{
	struct vantage *const	  at = context;
	const struct trace_story *story = flow->story;

	for (unsigned i = 0; i < story->changes; i++) {
		const struct trace_change *const change = &story->change[i];
		const struct tern_addr *const addr = change->end ? &flow->tuple.remote : &flow->tuple.local;
		const unsigned		      host = addr_equal(addr, &lab.truth[1].tuple.local);

		if (lab.verbose)
			fprintf(stderr, "capture %td: host %u %s -> %s %s%s step %u packet %llu %s\n",
				at - lab.vantage, host, tern_state_name(change->from),
				tern_state_name(change->to), tern_why_name(change->why),
				change->is_gone ? " GONE" : "", change->step,
				(unsigned long long)story->steps[change->step].segment.packet,
				tern_basis_name(change->basis));
		if (!change->is_gone)
			add_edge(&at->edges[host], change->from, change->to, change->why,
				 change->basis);
	}
	for (uint32_t i = 0; lab.verbose && i < story->n; i++)
		if (story->steps[i].found.retransmitted)
			fprintf(stderr, "trace again capture %td packet %llu %.6f seq %u len %u %s\n",
				at - lab.vantage, (unsigned long long)story->steps[i].segment.packet,
				(double)story->steps[i].segment.at / 1e9, story->steps[i].segment.seq,
				story->steps[i].segment.len,
				tern_retransmit_why_name(story->steps[i].found.why));
	keep(at, flow);
	for (unsigned side = 0; side < 2; side++) {
		const struct tern_addr *const addr = side ? &flow->tuple.remote : &flow->tuple.local;
		const unsigned		      host = addr_equal(addr, &lab.truth[1].tuple.local);
		const struct trace_counts    *n = &flow->end[side].n;

		at->again[host].told += n->retransmitted;
		at->again[host].fast += n->fast;
		at->again[host].probe += n->tail_probes;
		at->again[host].path_mtu += n->path_mtu;
		at->again[host].timeout += n->timeout;
		at->lost_after[host] += n->lost_after;
		at->lost_before[host] += n->lost_before;
	}
}

static void verbose_packet(unsigned host, bool out, const struct trace_segment *segment, uint64_t number)
{
	if (lab.verbose)
		fprintf(stderr, "door %u %s %llu %.6f flags %02x seq %u ack %u len %u wnd %u%s\n", host,
			out ? "->" : "<-", (unsigned long long)number, (double)segment->at / 1e9,
			segment->flags, segment->seq, segment->ack, segment->len, segment->wnd,
			segment->is_corrupt ? " corrupt" : "");
}

static void on_packet(void *context, unsigned host, bool out, const tern_packet *packet, tern_time now)
{
	static uint8_t	      bytes[PACKET];
	struct vantage *const at = &lab.vantage[host];
	struct trace_packet   seen = { .at = now, .number = ++at->packets, .bytes = bytes, .link = 101 };
	struct trace_segment  segment;

	(void)context;
	for (unsigned i = 0; i < packet->n_parts; i++) {
		memcpy(bytes + seen.n, packet->part[i].at, packet->part[i].n);
		seen.n += packet->part[i].n;
	}
	seen.len = seen.n;
	if (lab.told)
		seen.direction = out ? TRACE_OUTBOUND : TRACE_INBOUND;
	const uint64_t nth = out ? ++lab.nth[host] : packet->mark;
	uint8_t *const carried = nth > 0 && nth < NTH ? &lab.carried[out ? host : !host][nth] : NULL;

	if (!trace_decode(&at->decoder, &seen, &segment))
		return;
	if (carried && out)
		*carried = SENT;
	else if (carried && !segment.is_corrupt)
		*carried |= CAME;
	verbose_packet(host, out, &segment, at->packets);
	(void)trace_flows_segment(&at->flows, &segment);
}

/* ---- comparing ---- */

/* The longest common subsequence: edges that both have, in the same order. */
static unsigned agreed(const struct edges *a, const struct edges *b)
{
	static unsigned longest[EDGES + 1][EDGES + 1];

	for (unsigned i = 0; i <= a->n; i++)
		for (unsigned k = 0; k <= b->n; k++) {
			if (i == 0 || k == 0)
				longest[i][k] = 0;
			else if (a->edge[i - 1].from == b->edge[k - 1].from &&
				 a->edge[i - 1].to == b->edge[k - 1].to)
				longest[i][k] = longest[i - 1][k - 1] + 1;
			else
				longest[i][k] = longest[i - 1][k] > longest[i][k - 1] ? longest[i - 1][k]
										      : longest[i][k - 1];
		}
	return longest[a->n][b->n];
}

static unsigned wrongly_observed(const struct edges *inferred, const struct edges *truth)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < inferred->n; i++) {
		bool found = !inferred->observed[i];

		for (unsigned k = 0; k < truth->n && !found; k++)
			found = truth->edge[k].from == inferred->edge[i].from &&
				truth->edge[k].to == inferred->edge[i].to;
		wrong += !found;
		if (!found && lab.verbose)
			fprintf(stderr, "WRONG as observed: %s -> %s\n",
				tern_state_name(inferred->edge[i].from),
				tern_state_name(inferred->edge[i].to));
	}
	return wrong;
}

/* How many of `a` it takes until all that agree are among them. */
static unsigned last_agreed(const struct edges *a, const struct edges *b, unsigned same)
{
	static struct edges first;
	unsigned	    n = same;

	for (first = *a; n < a->n; n++) {
		first.n = n;
		if (agreed(&first, b) == same)
			break;
	}
	return n;
}

/* Of what is claimed, how much is right; and of what there was to be known, how much was rightly claimed. */
static unsigned compare_edges(const struct edges *inferred, unsigned host, uint64_t sums[SUMS])
{
	struct edges shown = lab.truth[host].edges;
	const bool   hidden = shown.hidden != 0;
	unsigned     all = 0, claimed = inferred->n;

	if (hidden)
		shown.n = shown.hidden - 1;
	const unsigned same = agreed(inferred, &shown);

	for (unsigned i = 0; i < shown.n; i++)
		all += !shown.optional[i];
	if (same > all)
		all = same; /* one that need not show has */
	if (hidden)
		claimed = last_agreed(inferred, &shown, same); /* what came after, nothing can be held against */
	sums[CLAIMED] += claimed;
	sums[RIGHT] += same;
	sums[THERE] += all;
	return claimed - same + (all - same);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void compare(struct run_result *result)
{
	for (unsigned v = 0; v < 2; v++) {
		for (unsigned host = 0; host < 2; host++) {
			const struct edges *const inferred = &lab.vantage[v].edges[host];
			const unsigned		  differ =
				compare_edges(inferred, host, &result->more[v == host ? NEAR : FAR]);

			for (unsigned i = 0; i < inferred->n; i++)
				result->more[OBSERVED] += inferred->observed[i];
			result->more[WRONG] += wrongly_observed(inferred, &lab.truth[host].edges);
			if (lab.verbose && differ > 0)
				fprintf(stderr, "capture %u, host %u: %u edges differ\n", v, host, differ);
		}
		/* What was sent again, as the sender's own capture shows it. */
		const uint64_t told = lab.truth[v].again.told, found = lab.vantage[v].again[v].told;

		result->more[AGAIN] += told > found ? told : found;
		result->more[AGAIN_RIGHT] += told < found ? told : found;
		const struct again *const x = &lab.truth[v].again, *const y = &lab.vantage[v].again[v];

		result->more[WHY_RIGHT] +=
			least(x->fast, y->fast) + least(x->timeout, y->timeout) + least(x->probe, y->probe) +
			least(x->path_mtu, y->path_mtu);
		result->more[WHY] += told < found ? told : found;
		if (lab.verbose)
			fprintf(stderr,
				"capture %u: sent again %llu (fast %llu time-out %llu probe %llu), "
				"truth %llu (%llu %llu %llu)\n",
				v, (unsigned long long)found,
				(unsigned long long)lab.vantage[v].again[v].fast,
				(unsigned long long)lab.vantage[v].again[v].timeout,
				(unsigned long long)lab.vantage[v].again[v].probe, (unsigned long long)told,
				(unsigned long long)lab.truth[v].again.fast,
				(unsigned long long)lab.truth[v].again.timeout,
				(unsigned long long)lab.truth[v].again.probe);
	}
}

/* ---- both captures together ---- */

static void take_pair(const struct trace_pair *pair, struct edges edges[2], uint64_t lost[2])
{
	const struct trace_story *const story = pair->flow.story;

	for (unsigned i = 0; i < story->changes; i++) {
		const struct trace_change *const change = &story->change[i];
		const struct tern_addr *const	 addr =
			   change->end ? &pair->flow.tuple.remote : &pair->flow.tuple.local;

		add_edge(&edges[addr_equal(addr, &lab.truth[1].tuple.local)], change->from, change->to,
			 change->why, change->basis);
	}
	for (uint32_t i = 0; i < story->n; i++) {
		const struct tern_addr *const addr = &story->steps[i].segment.tuple.local;

		lost[addr_equal(addr, &lab.truth[1].tuple.local)] += story->steps[i].found.lost;
	}
}

/* Segments that left and came nowhere whole. */
static uint64_t truly_lost(unsigned host)
{
	uint64_t lost = 0;

	for (uint64_t nth = 1; nth <= lab.nth[host] && nth < NTH; nth++)
		lost += lab.carried[host][nth] == SENT;
	return lost;
}

static void compare_pairs(struct run_result *result)
{
	static struct edges edges[2];
	uint64_t	    lost[2] = { 0, 0 };

	memset(edges, 0, sizeof edges);
	for (unsigned a = 0; a < lab.vantage[0].n_kept; a++)
		for (unsigned b = 0; b < lab.vantage[1].n_kept; b++) {
			struct trace_flow *const x = &lab.vantage[0].kept[a], *const y =
										      &lab.vantage[1].kept[b];
			struct trace_pair pair;

			if (!addr_equal(&x->tuple.local, &lab.truth[0].tuple.local))
				trace_flow_turn(x); /* here host 0 is the "client", whoever opened */
			if (!trace_pair_turn(x, y) || !trace_pair_make(&pair, x, y))
				continue;
			take_pair(&pair, edges, lost);
			if (lab.verbose)
				fprintf(stderr,
					"pair: offset %lld +- %lld, matched %llu %llu "
					"lost %llu %llu (truth %llu %llu)\n",
					(long long)pair.offset, (long long)pair.uncertain,
					(unsigned long long)pair.matched[0],
					(unsigned long long)pair.matched[1], (unsigned long long)pair.lost[0],
					(unsigned long long)pair.lost[1], (unsigned long long)truly_lost(0),
					(unsigned long long)truly_lost(1));
			trace_pair_done(&pair);
		}
	for (unsigned host = 0; host < 2; host++) {
		const uint64_t truth = truly_lost(host);

		compare_edges(&edges[host], host, &result->more[PAIR]);
		result->more[WRONG] += wrongly_observed(&edges[host], &lab.truth[host].edges);
		result->more[PAIR_LOST] += lost[host] > truth ? lost[host] : truth;
		result->more[PAIR_LOST_RIGHT] += lost[host] < truth ? lost[host] : truth;
	}
}

static void forget(struct vantage *at)
{
	for (unsigned i = 0; i < at->n_kept; i++)
		trace_flow_done(&at->kept[i]);
}

/* ---- a run ---- */

static void begin(struct world_settings *settings, bool told)
{
	static const uint8_t key[16] = { 1 };

	memset(&lab, 0, sizeof lab);
	lab.told = told;
	for (unsigned i = 0; i < 2; i++) {
		settings->watcher[i] = (struct tern_watcher){ on_event, &lab.truth[i] };
		trace_decoder_init(&lab.vantage[i].decoder);
		lab.vantage[i].flows = (struct trace_flows){ .story = whole_story,
							     .done = on_done,
							     .context = &lab.vantage[i] };
		if (!trace_flows_init(&lab.vantage[i].flows, key))
			abort();
	}
	settings->tap.packet = on_packet;
}

static void run(uint64_t seed, bool verbose, struct run_result *result, struct tally *tally)
{
	static struct world   world;
	static struct talks   talks;
	struct chance	      chance = { seed * UINT64_C(0x2545f4914f6cdd1d) };
	struct world_settings settings = { .check_every = 0 };
	struct plan	      plan;

	(void)tally;
	plan_world(&chance, &settings, &plan);
	plan.talks = 1;
	if (plan.scarce) /* text that arrives and finds no room is another matter */
		settings.config[0].memory_limit = settings.config[1].memory_limit = UINT64_C(1) << 30;
	plan.scarce = false;
	begin(&settings, seed % 2);
	lab.verbose = verbose;
	(void)world_init(&world, &settings);
	talks_init(&talks, &world, chance_next(&chance));
	plan_talks(&chance, &talks, &plan);
	const bool passes_the_door = !talks.talk[0].plan.local;

	for (unsigned i = 0; i < 2; i++)
		lab.truth[i].tuple.local = talks.talk[0].plan.v6 ? world.side[i].v6 : world.side[i].v4;
	if (verbose)
		talk_print(&talks.talk[0].plan);
	talks_run(&talks);
	for (unsigned i = 0; i < 2; i++) {
		trace_flows_end(&lab.vantage[i].flows);
		trace_decoder_done(&lab.vantage[i].decoder);
	}
	if (passes_the_door)
		compare(result);
	if (passes_the_door && lab.told)
		compare_pairs(result);
	forget(&lab.vantage[0]);
	forget(&lab.vantage[1]);
	result->bytes = talks.bytes;
	result->packets = world.packets;
	result->faults = cable_faults(&world.side[0].out) + cable_faults(&world.side[1].out);
	world_done(&world);
}

/* What is asked, in percent: of the edges that are claimed, as observed or as inferred, and of those that there were.
 * Of the other end one capture does not hold everything: what was lost between, and what then happened there. */
static const double AGREE = 99.5, COVER = 99, COVER_FAR = 93, AGREE_AGAIN = 95, AGREE_LOST = 93,
		    AGREE_WHY = 88;

/* FEW: runs that say nothing of shares; MANY: edges of which one case more or less is nothing. */
enum { FEW = 100, MANY = 4000 };

static const double SLACK = 1; /* percent, of fewer edges */

static double share(uint64_t a, uint64_t b)
{
	return b ? 100.0 * (double)a / (double)b : 100;
}

static void print_edges(const char *whose, const uint64_t sums[SUMS])
{
	printf("%s: of %llu claimed %llu agree (%.3f %%); of %llu there were %.3f %%\n", whose,
	       (unsigned long long)sums[CLAIMED], (unsigned long long)sums[RIGHT], share(sums[RIGHT], sums[CLAIMED]),
	       (unsigned long long)sums[THERE], share(sums[RIGHT], sums[THERE]));
}

static bool is_less(const uint64_t sums[SUMS], double agree, double cover)
{
	const double slack = sums[CLAIMED] < MANY ? SLACK : 0;

	return share(sums[RIGHT], sums[CLAIMED]) < agree - slack || share(sums[RIGHT], sums[THERE]) < cover - slack;
}

int main(void)
{
	struct runs	runs = { .program = "build/release/tests/sim/sim_trace", .count = 150, .run = run };
	const uint64_t *more = runs.median.more;

	runs_go(&runs);
	printf("%llu runs, medians: %llu bytes of text, %llu faults, %llu packets; each captured at both hosts\n",
	       (unsigned long long)runs.count, (unsigned long long)runs.median.bytes,
	       (unsigned long long)runs.median.faults, (unsigned long long)runs.median.packets);
	print_edges("state edges, of the end where the capture was made", &more[NEAR]);
	print_edges("state edges, of the other end", &more[FAR]);
	printf("shown as observed: %llu, of these wrong: %llu\n", (unsigned long long)more[OBSERVED],
	       (unsigned long long)more[WRONG]);
	print_edges("state edges of both ends, from both captures", &more[PAIR]);
	printf("segments lost, from both captures: %llu of %llu agree (%.3f %%)\n",
	       (unsigned long long)more[PAIR_LOST_RIGHT], (unsigned long long)more[PAIR_LOST],
	       share(more[PAIR_LOST_RIGHT], more[PAIR_LOST]));
	printf("segments sent again, from the sender's capture: %llu of %llu agree (%.3f %%)\n",
	       (unsigned long long)more[AGAIN_RIGHT], (unsigned long long)more[AGAIN],
	       share(more[AGAIN_RIGHT], more[AGAIN]));
	printf("of these, fast, by time-out or to probe as the sender had it: %llu of %llu (%.3f %%)\n",
	       (unsigned long long)more[WHY_RIGHT], (unsigned long long)more[WHY],
	       share(more[WHY_RIGHT], more[WHY]));
	const bool short_of = is_less(&more[NEAR], AGREE, COVER) || is_less(&more[PAIR], AGREE, COVER) ||
			      is_less(&more[FAR], AGREE, COVER_FAR) ||
			      share(more[AGAIN_RIGHT], more[AGAIN]) < AGREE_AGAIN ||
			      share(more[PAIR_LOST_RIGHT], more[PAIR_LOST]) < AGREE_LOST ||
			      share(more[WHY_RIGHT], more[WHY]) < AGREE_WHY || more[WRONG] > 0 ||
			      more[OBSERVED] == 0;

	if (more[WRONG] > 0 || (runs.count >= FEW && short_of)) {
		printf("less than is asked: of what is claimed %.1f %%, %.0f %% of what there was (%.0f %% at the "
		       "other end), no wrong edge as observed, %.0f %% of what was sent again, %.0f %% of its "
		       "reasons, %.0f %% of the losses\n",
		       AGREE, COVER, COVER_FAR, AGREE_AGAIN, AGREE_WHY, AGREE_LOST);
		runs.failed++;
	}
	return runs_end(runs.passed, runs.failed);
}
