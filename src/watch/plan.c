#include "watch/plan.h"

#include <stdlib.h>
#include <string.h>

enum {
	MANY = 800, /* items of a drawing; one of more is folded tightly */
	NEAR = 6,	 /* how many items away the cause of a change of state is looked for */
};

/* How runs of like segments are folded. */
static const struct folding {
	size_t least;		  /* a shorter run is drawn whole */
	size_t least_in_recovery; /* the same where what follows a loss is among them: held text, duplicate ACKs */
	size_t head, tail;	  /* segments that are drawn before the fold and after it */
} loosely = { 16, 48, 6, 4 }, tightly = { 6, 6, 2, 1 };

static const tern_time PAUSE = TERN_SECOND; /* a silence as long is not folded away */

/* ---- what is of interest ---- */

/* Before the connection is open there is nothing to be congested. */
static bool is_shown_congestion(const struct tern_watch_event *event)
{
	return event->u.congestion.event != TERN_CONGESTION_INIT && event->state >= TERN_STATE_ESTABLISHED;
}

static bool is_shown(const struct timeline_line *line, bool all)
{
	switch (line->kind) {
	case TIMELINE_RETRANSMIT: return false; /* its segment says it */
	case TIMELINE_TIMER:
		if (line->event.u.timer.action == TERN_TIMER_FIRED || all)
			return true;
		return line->event.u.timer.timer == TERN_TIMER_TIME_WAIT &&
		       line->event.u.timer.action == TERN_TIMER_SET;
	case TIMELINE_CONGESTION: return is_shown_congestion(&line->event) || all;
	default: return true;
	}
}

/* What follows a loss for a round trip, over and over: text that is held, and an ACK for each that says so. */
static bool is_of_recovery(const struct timeline *timeline, const struct timeline_line *sent)
{
	const struct tern_watch_segment *seg = &sent->event.u.segment;

	return (seg->n_sack > 0 && seg->len == 0) || sent->role == ROLE_DUPLICATE_ACK ||
	       (sent->arrivals == 1 && timeline->lines[sent->arrived].kind == TIMELINE_ARRIVED &&
		timeline->lines[sent->arrived].event.u.segment.verdict == TERN_VERDICT_OUT_OF_ORDER);
}

/* Text or an ACK that was sent once, arrived once and was taken. */
static bool is_dull_segment(const struct timeline *timeline, const struct timeline_line *sent)
{
	const struct tern_watch_segment *seg = &sent->event.u.segment;
	const struct timeline_line	*arrived;

	if (sent->role != ROLE_TEXT && sent->role != ROLE_ACK && sent->role != ROLE_WINDOW_UPDATE &&
	    sent->role != ROLE_DUPLICATE_ACK)
		return false;
	if (seg->retransmitted || seg->probe || sent->forged || sent->arrivals != 1)
		return false;
	arrived = &timeline->lines[sent->arrived];
	return arrived->kind == TIMELINE_ARRIVED &&
	       (arrived->event.u.segment.verdict == TERN_VERDICT_ACCEPTED ||
		arrived->event.u.segment.verdict == TERN_VERDICT_OUT_OF_ORDER) &&
	       !arrived->late;
}

/* May stand inside a run that is folded, and is then left out with it. */
static bool is_dull(const struct timeline *timeline, const struct timeline_line *line)
{
	switch (line->kind) {
	case TIMELINE_SENT: return is_dull_segment(timeline, line);
	case TIMELINE_ARRIVED:
		return line->sent != TIMELINE_NONE && is_dull_segment(timeline, &timeline->lines[line->sent]);
	case TIMELINE_CALL: return true;
	case TIMELINE_TIMER:
		return line->event.u.timer.timer == TERN_TIMER_DELAYED_ACK ||
		       line->event.u.timer.timer == TERN_TIMER_PACE ||
		       line->event.u.timer.action != TERN_TIMER_FIRED;
	case TIMELINE_RETRANSMIT: return false;
	default: return !is_shown(line, false);
	}
}

/* ---- folding ---- */

struct fold {
	size_t from,
		to; /* lines [from, to) go, with the arrivals of what was sent there; from == to: no more */
};

static struct fold next_fold(const struct timeline *timeline, const struct folding *folding, size_t at)
{
	while (at < timeline->n) {
		size_t end = at, sent = 0, first = 0, last = 0, seen = 0;
		bool   recovers = false;

		for (; end < timeline->n && is_dull(timeline, &timeline->lines[end]); end++) {
			const struct timeline_line *const line = &timeline->lines[end];

			if (end > at && line->event.now - line[-1].event.now >= PAUSE)
				break;
			sent += line->kind == TIMELINE_SENT;
			recovers = recovers || (line->kind == TIMELINE_SENT && is_of_recovery(timeline, line));
		}
		if (sent < (recovers ? folding->least_in_recovery : folding->least)) {
			at = end > at ? end : at + 1;
			continue;
		}
		for (size_t i = at; i < end; i++) {
			if (timeline->lines[i].kind != TIMELINE_SENT)
				continue;
			if (seen++ == folding->head)
				first = i;
			if (seen == sent - folding->tail + 1)
				last = i;
		}
		return (struct fold){ first, last };
	}
	return (struct fold){ timeline->n, timeline->n };
}

static bool is_folded(const struct timeline *timeline, size_t i, const bool *folded)
{
	const struct timeline_line *line = &timeline->lines[i];

	if ((line->kind == TIMELINE_ARRIVED || line->kind == TIMELINE_DROP) && line->sent != TIMELINE_NONE)
		return folded[line->sent];
	return folded[i];
}

static struct plan_item fold_item(const struct timeline *timeline, struct fold fold)
{
	struct plan_item item = { .kind = PLAN_FOLD, .t = timeline->lines[fold.from].event.now };

	for (size_t i = fold.from; i < fold.to; i++) {
		const struct timeline_line *line = &timeline->lines[i];

		if (line->kind != TIMELINE_SENT)
			continue;
		if (item.first == 0)
			item.first = line->n;
		item.last = line->n;
		item.segments[line->host]++;
		item.octets[line->host] += line->event.u.segment.len;
	}
	return item;
}

/* ---- states ---- */

enum cause { CAUSE_ARRIVAL, CAUSE_SENDING, CAUSE_LOCAL };

static enum cause cause_of(enum tern_why why)
{
	switch (why) {
	case TERN_WHY_OPEN_ACTIVE:
	case TERN_WHY_CLOSE_CALLED:
	case TERN_WHY_ABORT_CALLED: return CAUSE_SENDING;
	case TERN_WHY_SYN_ARRIVED:
	case TERN_WHY_SYN_ACK_ARRIVED:
	case TERN_WHY_OUR_SYN_ACKED:
	case TERN_WHY_FIN_ARRIVED:
	case TERN_WHY_OUR_FIN_ACKED:
	case TERN_WHY_FIN_AND_ACK_ARRIVED:
	case TERN_WHY_RST_ARRIVED:
	case TERN_WHY_REFUSED:
	case TERN_WHY_TIME_WAIT_REUSED: return CAUSE_ARRIVAL;
	default: return CAUSE_LOCAL;
	}
}

/* Whether what is said beside a lifeline may be what changed the state. */
static bool is_cause(const struct timeline_line *line, enum cause cause)
{
	switch (line->kind) {
	case TIMELINE_CALL: return cause != CAUSE_ARRIVAL && strchr(line->text, '(') != NULL;
	case TIMELINE_TIMER: return cause == CAUSE_LOCAL && line->event.u.timer.action == TERN_TIMER_FIRED;
	case TIMELINE_ICMP: return cause == CAUSE_LOCAL;
	default: return false;
	}
}

static bool can_carry(const struct timeline *timeline, const struct plan_item *item,
		      const struct plan_item *state, enum cause cause)
{
	if (item->host != state->host || item->t != state->t || item->has_state)
		return false;
	if (item->kind == PLAN_LOCAL)
		return is_cause(&timeline->lines[item->line], cause);
	if (item->conn != state->conn)
		return false;
	if (item->kind == PLAN_ARRIVED)
		return cause == CAUSE_ARRIVAL;
	return item->kind == PLAN_SENT && cause == CAUSE_SENDING &&
	       (timeline->lines[item->line].event.u.segment.flags & (TERN_SYN | TERN_FIN | TERN_RST));
}

/* The change's place: on the row of what caused it, which was told just before or just after it. A change
 * that a call brought stands with the segment that it made where there is one, else with the call. */
static void place_state(struct plan *plan, const struct timeline *timeline, size_t at)
{
	struct plan_item *state = &plan->items[at];
	const enum cause  cause = cause_of(timeline->lines[state->line].event.u.state.why);
	struct plan_item *place = NULL;

	for (size_t d = 1; d <= NEAR && !place && cause == CAUSE_SENDING && at + d < plan->n; d++)
		if (plan->items[at + d].kind == PLAN_SENT &&
		    can_carry(timeline, &plan->items[at + d], state, cause))
			place = &plan->items[at + d];
	for (size_t d = 1; d <= NEAR && !place; d++) {
		if (at >= d && can_carry(timeline, &plan->items[at - d], state, cause))
			place = &plan->items[at - d];
		else if (at + d < plan->n && can_carry(timeline, &plan->items[at + d], state, cause))
			place = &plan->items[at + d];
	}
	if (!place)
		return;
	place->has_state = true;
	place->state = state->state;
	place->state_line = state->line;
	place->conn = state->conn;
	state->kind = PLAN_GONE;
}

/* ---- order ---- */

/* What an arrival brings about, told at the same moment before the arrival itself. */
static bool is_consequence(const struct timeline *timeline, const struct plan_item *item)
{
	const struct timeline_line *line = &timeline->lines[item->line];

	switch (line->kind) {
	case TIMELINE_STATE: return cause_of(line->event.u.state.why) == CAUSE_ARRIVAL;
	case TIMELINE_TIMER: return line->event.u.timer.action != TERN_TIMER_FIRED;
	case TIMELINE_CONGESTION:
	case TIMELINE_NOTE: return item->kind != PLAN_FOLD;
	default: return false;
	}
}

/* The verdict on a segment is told when it is processed to its end; on the drawing the arrow comes first. */
static void causes_first(struct plan *plan, const struct timeline *timeline)
{
	for (size_t i = 1; i < plan->n; i++) {
		const struct plan_item arrived = plan->items[i];
		size_t		       at = i;

		if (arrived.kind != PLAN_ARRIVED)
			continue;
		while (at > 0 && plan->items[at - 1].host == arrived.host &&
		       plan->items[at - 1].t == arrived.t && is_consequence(timeline, &plan->items[at - 1])) {
			plan->items[at] = plan->items[at - 1];
			at--;
		}
		plan->items[at] = arrived;
	}
}

/* ---- the door ---- */

static struct plan_item item_of(const struct timeline_line *line, size_t i)
{
	struct plan_item item = {
		.kind = PLAN_LOCAL,
		.host = line->host,
		.conn = line->conn,
		.t = line->event.now,
		.line = i,
	};

	if (line->kind == TIMELINE_SENT) {
		item.kind = PLAN_SENT;
	} else if (line->kind == TIMELINE_ARRIVED || line->kind == TIMELINE_DROP) {
		item.kind = PLAN_ARRIVED;
	} else if (line->kind == TIMELINE_STATE) {
		item.kind = PLAN_STATE;
		item.has_state = true;
		item.state = line->event.u.state.to;
		item.state_line = i;
	}
	return item;
}

/* One time-out after another: the window is at its least already. */
static bool says_the_same(const struct tern_watch_event *a, const struct tern_watch_event *b)
{
	return a->u.congestion.event == TERN_CONGESTION_TIMEOUT &&
	       b->u.congestion.event == TERN_CONGESTION_TIMEOUT &&
	       a->u.congestion.cwnd == b->u.congestion.cwnd;
}

/* folding NULL: nothing is folded, every timer is shown. */
static void fill(struct plan *plan, const struct timeline *timeline, const struct folding *folding, bool *folded)
{
	const bool		       all = !folding;
	struct fold		       fold = { timeline->n, timeline->n };
	const struct tern_watch_event *congestion[TIMELINE_HOSTS] = { NULL, NULL };

	if (!all)
		fold = next_fold(timeline, folding, 0);
	for (size_t i = 0; i < timeline->n; i++) {
		if (i == fold.from && fold.from < fold.to) {
			plan->items[plan->n++] = fold_item(timeline, fold);
			for (size_t k = fold.from; k < fold.to; k++)
				folded[k] = timeline->lines[k].kind != TIMELINE_ARRIVED;
		}
		if (i == fold.to && !all)
			fold = next_fold(timeline, folding, i);
		const struct timeline_line *line = &timeline->lines[i];

		if (is_folded(timeline, i, folded) || !is_shown(line, all))
			continue;
		if (line->kind == TIMELINE_CONGESTION) {
			if (congestion[line->host] && says_the_same(congestion[line->host], &line->event) &&
			    !all)
				continue;
			congestion[line->host] = &line->event;
		}
		plan->items[plan->n++] = item_of(line, i);
	}
}

bool plan_make(struct plan *plan, const struct timeline *timeline, bool all)
{
	bool  *folded = calloc(timeline->n + 1, sizeof *folded);
	size_t kept = 0;

	*plan = (struct plan){ .items = calloc(2 * timeline->n + 1, sizeof *plan->items) };
	if (!folded || !plan->items) {
		free(folded);
		plan_done(plan);
		return false;
	}
	fill(plan, timeline, all ? NULL : &loosely, folded);
	if (plan->n > MANY && !all) {
		memset(folded, 0, (timeline->n + 1) * sizeof *folded);
		plan->n = 0;
		fill(plan, timeline, &tightly, folded);
	}
	free(folded);
	causes_first(plan, timeline);
	for (size_t i = 0; i < plan->n; i++)
		if (plan->items[i].kind == PLAN_STATE)
			place_state(plan, timeline, i);
	for (size_t i = 0; i < plan->n; i++)
		if (plan->items[i].kind != PLAN_GONE)
			plan->items[kept++] = plan->items[i];
	plan->n = kept;
	return true;
}

void plan_done(struct plan *plan)
{
	free(plan->items);
	*plan = (struct plan){ 0 };
}
