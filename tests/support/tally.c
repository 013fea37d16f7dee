#include "support/tally.h"

#include <stdio.h>
#include <string.h>

static void count_state(struct tally *tally, const struct tern_watch_event *event)
{
	size_t			      n;
	const struct tern_edge *const edges = tern_edges(&n);

	tally->states[event->u.state.to]++;
	for (size_t i = 0; i < n && i < TALLY_EDGES_MAX; i++) {
		if (edges[i].from == event->u.state.from && edges[i].to == event->u.state.to &&
		    edges[i].why == event->u.state.why) {
			tally->edges[i]++;
			return;
		}
	}
	tally->unknown_edges++;
}

static void count(struct tally *tally, const struct tern_watch_event *event)
{
	switch (event->kind) {
	case TERN_WATCH_SEGMENT_TX: tally->segments_tx++; break;
	case TERN_WATCH_SEGMENT_RX:
		tally->segments_rx++;
		tally->verdicts[event->u.segment.verdict]++;
		break;
	case TERN_WATCH_STATE: count_state(tally, event); break;
	case TERN_WATCH_TIMER:
		tally->timers[event->u.timer.timer] += event->u.timer.action == TERN_TIMER_FIRED;
		break;
	case TERN_WATCH_RETRANSMIT: tally->retransmits[event->u.retransmit.why]++; break;
	case TERN_WATCH_PACKET_DROP: tally->verdicts[event->u.drop.verdict]++; break;
	case TERN_WATCH_NOTE: tally->notes[event->u.note.note]++; break;
	default: break;
	}
}

static void print_segment(const struct tern_watch_event *event)
{
	static const char		       letters[] = "FSRPAUEC";
	const struct tern_watch_segment *const s = &event->u.segment;
	const bool			       tx = event->kind == TERN_WATCH_SEGMENT_TX;
	char				       flags[12];
	unsigned			       n = 0;

	for (unsigned i = 0; i < 8; i++)
		if (s->flags >> i & 1)
			flags[n++] = letters[i];
	flags[n] = '\0';
	fprintf(stderr, "%s %-4s seq %u ack %u len %u wnd %u", tx ? "->" : "<-", flags,
		s->seq - (tx ? s->iss : s->irs), s->ack - (tx ? s->irs : s->iss), s->len, s->wnd);
	for (unsigned i = 0; i < s->n_sack; i++)
		fprintf(stderr, " [%u,%u)", s->sack[i].left - (tx ? s->irs : s->iss),
			s->sack[i].right - (tx ? s->irs : s->iss));
	if (s->has_ts)
		fprintf(stderr, " ts %u/%u", s->ts_val, s->ts_ecr);
	if (s->retransmitted)
		fprintf(stderr, " again");
	if (s->probe)
		fprintf(stderr, " probe");
	if (!tx)
		fprintf(stderr, "  %s", tern_verdict_name((enum tern_verdict)s->verdict));
}

static void print(const struct tally_sink *sink, const struct tern_watch_event *event)
{
	fprintf(stderr, "%12.6f %s:%u %-12s ", (double)(event->now - sink->zero) / 1e9, sink->name,
		event->tuple.local_port, tern_state_name(event->state));
	switch (event->kind) {
	case TERN_WATCH_SEGMENT_TX:
	case TERN_WATCH_SEGMENT_RX: print_segment(event); break;
	case TERN_WATCH_STATE:
		fprintf(stderr, "** %s to %s: %s", tern_state_name(event->u.state.from),
			tern_state_name(event->u.state.to), tern_why_name(event->u.state.why));
		break;
	case TERN_WATCH_TIMER:
		fprintf(stderr, "timer %s %s", tern_timer_name(event->u.timer.timer),
			tern_timer_action_name(event->u.timer.action));
		if (event->u.timer.action == TERN_TIMER_SET)
			fprintf(stderr, " for %.6f", (double)(event->u.timer.deadline - sink->zero) / 1e9);
		break;
	case TERN_WATCH_RETRANSMIT:
		fprintf(stderr, "retransmit %s", tern_retransmit_why_name(event->u.retransmit.why));
		break;
	case TERN_WATCH_CONGESTION:
		fprintf(stderr, "congestion %s cwnd %u ssthresh %u in flight %u",
			tern_congestion_event_name(event->u.congestion.event), event->u.congestion.cwnd,
			event->u.congestion.ssthresh, event->u.congestion.in_flight);
		break;
	case TERN_WATCH_PACKET_DROP:
		fprintf(stderr, "drop %s len %u", tern_verdict_name(event->u.drop.verdict),
			event->u.drop.len);
		break;
	case TERN_WATCH_ICMP_RX:
		fprintf(stderr, "icmp %u/%u mtu %u", event->u.icmp.type, event->u.icmp.code,
			event->u.icmp.mtu);
		break;
	case TERN_WATCH_NOTE:
		fprintf(stderr, "note %s %u", tern_note_name(event->u.note.note), event->u.note.value);
		break;
	}
	fputc('\n', stderr);
}

static void on_event(void *context, const struct tern_watch_event *event)
{
	const struct tally_sink *const sink = context;

	count(sink->tally, event);
	if (sink->print)
		print(sink, event);
}

struct tern_watcher tally_watcher(struct tally_sink *sink)
{
	return (struct tern_watcher){ on_event, sink };
}

static void add(uint64_t *sum, const uint64_t *more, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum[i] += more[i];
}

void tally_add(struct tally *sum, const struct tally *more)
{
	_Static_assert(sizeof *sum % sizeof(uint64_t) == 0, "counters only");
	add((uint64_t *)(void *)sum, (const uint64_t *)(const void *)more, sizeof *sum / sizeof(uint64_t));
}

unsigned tally_print_states(const struct tally *tally)
{
	unsigned zero = 0;

	for (int i = 0; i < TERN_STATES; i++) {
		printf("  %-12s %12llu\n", tern_state_name((enum tern_state)i),
		       (unsigned long long)tally->states[i]);
		zero += tally->states[i] == 0;
	}
	return zero;
}

unsigned tally_print_edges(const struct tally *tally)
{
	size_t			      n;
	const struct tern_edge *const edges = tern_edges(&n);
	unsigned		      zero = 0;

	for (size_t i = 0; i < n; i++) {
		printf("  %-12s %-12s %-22s %12llu%s\n", tern_state_name(edges[i].from),
		       tern_state_name(edges[i].to), tern_why_name(edges[i].why),
		       (unsigned long long)tally->edges[i], tally->edges[i] ? "" : "  <- none");
		zero += tally->edges[i] == 0;
	}
	return zero;
}
