/* What tern made of a packet, in a line: the comment that stands beside it in a capture. */
#include "watch/remark.h"

#include "watch/text.h"
#include "wire/tuple.h"

/* Where it says what is to be done with such a segment. */
static const char *clause_of(enum tern_verdict verdict)
{
	switch (verdict) {
	case TERN_VERDICT_DUPLICATE:
	case TERN_VERDICT_OUT_OF_WINDOW: return "RFC 9293 3.10.7.4, first step: acceptability";
	case TERN_VERDICT_OUT_OF_ORDER: return "RFC 9293 3.10.7.4: held for later processing";
	case TERN_VERDICT_PAWS: return "RFC 7323 5: an old timestamp";
	case TERN_VERDICT_NO_TIMESTAMP: return "RFC 7323 3.2: timestamp missing";
	case TERN_VERDICT_BAD_ACK: return "RFC 9293 3.10.7: acknowledges what was not sent";
	case TERN_VERDICT_OLD_ACK: return "RFC 5961 5.2: older than any window";
	case TERN_VERDICT_NO_ACK: return "RFC 9293 3.10.7.4, fifth step: no ACK bit";
	case TERN_VERDICT_RESET: return "RFC 9293 3.10.7.4, second step";
	case TERN_VERDICT_REFUSED: return "RFC 9293 3.10.7.3, second step";
	case TERN_VERDICT_BLIND_RESET: return "RFC 5961 3.2: challenged";
	case TERN_VERDICT_BLIND_SYN: return "RFC 5961 4.2: challenged";
	case TERN_VERDICT_STRAY_RESET: return "RFC 9293 3.10.7.1: discarded";
	case TERN_VERDICT_NO_CONNECTION: return "RFC 9293 3.10.7.1: answered with RST";
	case TERN_VERDICT_WAITING: return "waits for the onward connection";
	case TERN_VERDICT_DUPLICATE_SYN: return "the SYN again";
	case TERN_VERDICT_TIME_WAIT: return "RFC 9293 3.10.7.4, TIME-WAIT";
	case TERN_VERDICT_TIME_WAIT_REUSED: return "RFC 6191: a new connection";
	case TERN_VERDICT_TEXT_AFTER_CLOSE: return "RFC 9293 3.6.1: nobody reads it";
	case TERN_VERDICT_NO_MEMORY: return "the memory budget is spent";
	case TERN_VERDICT_BACKLOG_FULL: return "too many connections wait";
	default: return NULL;
	}
}

/* "SYN-RECEIVED to ESTABLISHED (our-syn-acked, RFC 9293 3.10.7.4)", "ESTABLISHED". Takes the change. */
static void put_states(struct remarks *remarks, struct text *out, const struct tern_watch_event *event)
{
	const struct tern_watch_event *const change = &remarks->change;
	const bool changed = remarks->has_change && tuple_equal(&change->tuple, &event->tuple);

	remarks->has_change = false;
	if (!changed) {
		text_put(out, tern_state_name(event->state));
		return;
	}
	text_format(out, "%s to %s (%s", tern_state_name(change->u.state.from), tern_state_name(change->u.state.to),
		    tern_why_name(change->u.state.why));
	if (change->u.state.clause)
		text_format(out, ", %s", change->u.state.clause);
	text_put(out, ")");
}

static void put_arrived(struct remarks *remarks, struct text *out, const struct tern_watch_event *event)
{
	const bool		drop = event->kind == TERN_WATCH_PACKET_DROP;
	const enum tern_verdict verdict =
		drop ? event->u.drop.verdict : (enum tern_verdict)event->u.segment.verdict;

	if (!drop) {
		put_states(remarks, out, event);
		text_put(out, "; ");
	}
	text_put(out, tern_verdict_name(verdict));
	if (clause_of(verdict))
		text_format(out, ": %s", clause_of(verdict));
}

static void put_sent(struct remarks *remarks, struct text *out, const struct tern_watch_event *event)
{
	put_states(remarks, out, event);
	if (event->u.segment.probe)
		text_put(out, "; probe");
	if (event->u.segment.retransmitted)
		text_put(out, "; retransmission");
	if (remarks->has_again && tuple_equal(&remarks->again.tuple, &event->tuple) &&
	    (event->u.segment.retransmitted || event->u.segment.probe))
		text_format(out, ": %s", tern_retransmit_why_name(remarks->again.u.retransmit.why));
	remarks->has_again = false;
}

/* Two at one segment: from the first to the last. */
static void take_change(struct remarks *remarks, const struct tern_watch_event *event)
{
	const bool goes_on = remarks->has_change && tuple_equal(&remarks->change.tuple, &event->tuple) &&
			     remarks->change.now == event->now;
	const enum tern_state from = goes_on ? remarks->change.u.state.from : event->u.state.from;

	remarks->change = *event;
	remarks->change.u.state.from = from;
	remarks->has_change = true;
}

void remark_forget(struct remarks *remarks)
{
	remarks->has_change = false;
}

enum remark remark_of(struct remarks *remarks, const struct tern_watch_event *event, char said[REMARK_SIZE])
{
	struct text out;

	text_init(&out, said, REMARK_SIZE);
	text_put(&out, "tern: ");
	switch (event->kind) {
	case TERN_WATCH_STATE: take_change(remarks, event); return REMARK_NONE;
	case TERN_WATCH_RETRANSMIT:
		remarks->again = *event;
		remarks->has_again = true;
		return REMARK_NONE;
	case TERN_WATCH_SEGMENT_RX:
	case TERN_WATCH_PACKET_DROP: put_arrived(remarks, &out, event); return REMARK_ARRIVED;
	case TERN_WATCH_SEGMENT_TX: put_sent(remarks, &out, event); return REMARK_SENT;
	default: return REMARK_NONE;
	}
}
