/* Whether a run went as its scenario says: reads the timeline and the programs' own accounts. */
#include "lab/world.h"
#include <inttypes.h>
#include <stdio.h>


static bool is_edge(const struct lab_expectation *expect, const struct timeline_line *line)
{
	return line->kind == TIMELINE_STATE && (int)line->event.u.state.from == expect->a &&
	       (int)line->event.u.state.to == expect->b &&
	       (expect->c == 0 || (int)line->event.u.state.why == expect->c - 1);
}

static bool is_sent(const struct timeline_line *line)
{
	return line->kind == TIMELINE_SENT && !line->forged;
}

/* Whether the line is one of those that the expectation counts. */
static bool matches(const struct lab_world *world, const struct lab_expectation *expect,
		    const struct timeline_line *line)
{
	const struct tern_watch_event *const event = &line->event;
	if (line->host != expect->side)
		return false;
	switch (expect->expect) {
	case LAB_EDGE:
	case LAB_NO_EDGE:
		return is_edge(expect, line);
	case LAB_VERDICT:
		return line->kind == TIMELINE_ARRIVED && event->u.segment.verdict == expect->a;
	case LAB_RETRANSMIT:
		return line->kind == TIMELINE_RETRANSMIT && (int)event->u.retransmit.why == expect->a;
	case LAB_TIMER:
		return line->kind == TIMELINE_TIMER && (int)event->u.timer.timer == expect->a &&
		       event->u.timer.action == TERN_TIMER_FIRED;
	case LAB_NO_TIMEOUT:
		return line->kind == TIMELINE_TIMER && event->u.timer.timer == TERN_TIMER_RETRANSMIT &&
		       event->u.timer.action == TERN_TIMER_FIRED;
	case LAB_CONGESTION:
		return line->kind == TIMELINE_CONGESTION && (int)event->u.congestion.event == expect->a;
	case LAB_NOTE:
		return line->kind == TIMELINE_NOTE && (int)event->u.note.note == expect->a;
	case LAB_ROLE:
		return is_sent(line) && (int)line->role == expect->a;
	case LAB_WINDOW:
		return is_sent(line) && event->u.segment.wnd >= (uint32_t)expect->a;
	case LAB_LOST:
		return is_sent(line) && line->has_fate && line->arrives == TERN_NEVER;
	case LAB_STALE:
		return line->kind == TIMELINE_ARRIVED && event->u.segment.len > 0 &&
		       event->u.segment.verdict == TERN_VERDICT_ACCEPTED && line->sent != TIMELINE_NONE &&
		       world->timeline.lines[line->sent].forged;
	default:
		return false;
	}
}

static unsigned count(const struct lab_world *world, const struct lab_expectation *expect)
{
	unsigned n = 0;
	for (size_t i = 0; i < world->timeline.n; i++)
		n += matches(world, expect, &world->timeline.lines[i]);
	return n;
}

static enum tern_state last_state(const struct lab_world *world, unsigned side)
{
	enum tern_state last = TERN_STATE_CLOSED;
	for (size_t i = 0; i < world->timeline.n; i++) {
		const struct timeline_line *const line = &world->timeline.lines[i];
		const bool listens = line->kind == TIMELINE_STATE && line->event.u.state.to == TERN_STATE_LISTEN &&
				     line->event.u.state.from == TERN_STATE_CLOSED;
		if (line->kind == TIMELINE_STATE && line->host == side && !listens)
			last = line->event.u.state.to;
	}
	return last;
}

/* ---- one expectation: true, or the reason ---- */

static bool intact(const struct lab_world *world, char *why, size_t size)
{
	for (unsigned side = 0; side < LAB_SIDES; side++) {
		const struct lab_actor *const from = &world->side[side].actor, *const to = &world->side[!side].actor;
		if (to->garbled) {
			snprintf(why, size, "what %s received is not what %s sent", lab_side_names[!side],
				 lab_side_names[side]);
			return false;
		}
		if (from->all_sent != to->all_received || from->left > 0) {
			snprintf(why, size, "%s sent %" PRIu64 " octets%s, %s received %" PRIu64, lab_side_names[side],
				 from->all_sent, from->left > 0 ? " and had more" : "", lab_side_names[!side],
				 to->all_received);
			return false;
		}
	}
	return true;
}

static bool final_state(const struct lab_world *world, const struct lab_expectation *expect, char *why, size_t size)
{
	const enum tern_state last = last_state(world, expect->side);
	if ((int)last == expect->a)
		return true;
	snprintf(why, size, "%s ended in %s, not in %s", lab_side_names[expect->side], tern_state_name(last),
		 tern_state_name((enum tern_state)expect->a));
	return false;
}

static bool met_error(const struct lab_world *world, const struct lab_expectation *expect, char *why, size_t size)
{
	const int error = world->side[expect->side].actor.error;
	if (error == -expect->a)
		return true;
	snprintf(why, size, "%s's program met %s, not: %s", lab_side_names[expect->side],
		 error == 0 ? "no error" : tern_strerror(error), tern_strerror(expect->a));
	return false;
}

static bool edge(const struct lab_world *world, const struct lab_expectation *expect, char *why, size_t size)
{
	const bool wanted = expect->expect == LAB_EDGE;
	if ((count(world, expect) > 0) == wanted)
		return true;
	snprintf(why, size, "%s %s from %s to %s%s%s", lab_side_names[expect->side], wanted ? "did not go" : "went",
		 tern_state_name((enum tern_state)expect->a), tern_state_name((enum tern_state)expect->b),
		 expect->c != 0 ? " by " : "", expect->c != 0 ? tern_why_name((enum tern_why)(expect->c - 1)) : "");
	return false;
}

/* What the counted ones are called. */
static const char *thing(const struct lab_expectation *expect)
{
	switch (expect->expect) {
	case LAB_VERDICT:
		return tern_verdict_name((enum tern_verdict)expect->a);
	case LAB_RETRANSMIT:
		return tern_retransmit_why_name((enum tern_retransmit_why)expect->a);
	case LAB_TIMER:
		return tern_timer_name((enum tern_timer)expect->a);
	case LAB_NOTE:
		return tern_note_name((enum tern_note)expect->a);
	case LAB_CONGESTION:
		return tern_congestion_event_name((enum tern_congestion_event)expect->a);
	case LAB_ROLE:
		return role_name((enum role)expect->a);
	case LAB_WINDOW:
		return "that wide";
	case LAB_STALE:
		return "of another connection";
	default:
		return "lost";
	}
}

static bool counted(const struct lab_world *world, const struct lab_expectation *expect, char *why, size_t size)
{
	static const char *const kinds[] = {
		[LAB_VERDICT] = "verdict",     [LAB_RETRANSMIT] = "retransmission for", [LAB_TIMER] = "expiry of timer",
		[LAB_NOTE] = "note",	       [LAB_ROLE] = "segment",			[LAB_WINDOW] = "window",
		[LAB_LOST] = "segment",	       [LAB_CONGESTION] = "congestion event",    [LAB_STALE] = "text",
	};
	const unsigned least = expect->expect == LAB_WINDOW || expect->b == 0 ? 1 : (unsigned)expect->b;
	const unsigned n = count(world, expect);
	if (n >= least)
		return true;
	snprintf(why, size, "%s: %u times %s %s, expected at least %u", lab_side_names[expect->side], n,
		 kinds[expect->expect], thing(expect), least);
	return false;
}

static bool received_all(const struct lab_world *world, const struct lab_expectation *expect, char *why, size_t size)
{
	const uint64_t n = world->side[expect->side].actor.all_received;
	if (n == (uint64_t)expect->a)
		return true;
	snprintf(why, size, "%s's program read %" PRIu64 " octets, not %d", lab_side_names[expect->side], n, expect->a);
	return false;
}

static bool no_timeout(const struct lab_world *world, const struct lab_expectation *expect, char *why, size_t size)
{
	if (count(world, expect) == 0)
		return true;
	snprintf(why, size, "%s's retransmission timer fired", lab_side_names[expect->side]);
	return false;
}

bool lab_as_expected(const struct lab_world *world, char *why, size_t size)
{
	if (world->problem != NULL) {
		snprintf(why, size, "%s", world->problem);
		return false;
	}
	if (world->timeline.no_memory) {
		snprintf(why, size, "there was no memory for all of its events");
		return false;
	}
	const struct lab_expectation *expect = world->scenario->expect;
	bool as_expected = true;
	for (; expect->expect != LAB_EXPECT_END && as_expected; expect++)
		switch (expect->expect) {
		case LAB_EDGE:
		case LAB_NO_EDGE:
			as_expected = edge(world, expect, why, size);
			break;
		case LAB_FINAL:
			as_expected = final_state(world, expect, why, size);
			break;
		case LAB_ERROR:
			as_expected = met_error(world, expect, why, size);
			break;
		case LAB_RECEIVED_ALL:
			as_expected = received_all(world, expect, why, size);
			break;
		case LAB_NO_TIMEOUT:
			as_expected = no_timeout(world, expect, why, size);
			break;
		case LAB_INTACT:
			as_expected = intact(world, why, size);
			break;
		default:
			as_expected = counted(world, expect, why, size);
			break;
		}
	return as_expected;
}
