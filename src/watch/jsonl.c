#include "watch/jsonl.h"

#include "watch/text.h"

#include <inttypes.h>

/* Every value is a number, a boolean, null, or a name out of a fixed set, so that nothing but the text of
 * a call needs escaping. */

static void put_string(struct text *out, const char *string)
{
	text_put(out, "\"");
	for (const char *p = string; *p; p++) {
		const unsigned char c = (unsigned char)*p;

		if (c == '"' || c == '\\')
			text_format(out, "\\%c", c);
		else if (c < 0x20)
			text_format(out, "\\u%04x", c);
		else
			text_put_n(out, p, 1);
	}
	text_put(out, "\"");
}

static void put_flags(struct text *out, unsigned flags)
{
	static const struct {
		unsigned    flag;
		const char *letter;
	} order[] = {
		{ TERN_SYN, "S" }, { TERN_FIN, "F" }, { TERN_RST, "R" }, { TERN_PSH, "P" }, { TERN_ACK, "A" },
		{ TERN_URG, "U" }, { TERN_ECE, "E" }, { TERN_CWR, "C" }, { TERN_AE, "e" },
	};

	text_put(out, ",\"flags\":\"");
	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		if (flags & order[i].flag)
			text_put(out, order[i].letter);
	text_put(out, "\"");
}

static void put_time(struct text *out, const char *name, tern_time t)
{
	if (t == TERN_NEVER)
		text_format(out, ",\"%s\":null", name);
	else
		text_format(out, ",\"%s\":%" PRId64, name, t);
}

static void put_u32(struct text *out, const char *name, bool is_known, uint32_t value)
{
	if (is_known)
		text_format(out, ",\"%s\":%" PRIu32, name, value);
	else
		text_format(out, ",\"%s\":null", name);
}

static void put_options(struct text *out, const struct tern_watch_segment *seg)
{
	const char *comma = "";

	text_put(out, ",\"opts\":{");
	if (seg->has_mss) {
		text_format(out, "\"mss\":%u", seg->mss);
		comma = ",";
	}
	if (seg->has_wscale) {
		text_format(out, "%s\"wscale\":%u", comma, seg->wscale);
		comma = ",";
	}
	if (seg->sack_permitted) {
		text_format(out, "%s\"sack_permitted\":true", comma);
		comma = ",";
	}
	if (seg->has_ts) {
		text_format(out, "%s\"ts\":[%" PRIu32 ",%" PRIu32 "]", comma, seg->ts_val, seg->ts_ecr);
		comma = ",";
	}
	if (seg->n_sack > 0) {
		text_format(out, "%s\"sack\":[", comma);
		for (unsigned i = 0; i < seg->n_sack && i < 4; i++)
			text_format(out, "%s[%" PRIu32 ",%" PRIu32 "]", i ? "," : "", seg->sack[i].left,
				    seg->sack[i].right);
		text_put(out, "]");
	}
	text_put(out, "}");
}

static void put_fate(struct text *out, const struct timeline_line *line)
{
	const struct tern_watch_segment *seg = &line->event.u.segment;

	text_format(out, ",\"role\":\"%s\"", role_name(line->role));
	if (line->has_fate)
		text_format(out, ",\"fate\":\"%s\"", tern_fate_name(line->fate));
	else
		text_put(out, ",\"fate\":null");
	put_time(out, "arrives", line->arrives);
	if (seg->retransmitted)
		put_u32(out, "again_of", line->again_of != 0, line->again_of);
	if (seg->probe)
		text_put(out, ",\"probe\":true");
	if (line->forged)
		text_put(out, ",\"forged\":true");
	if (seg->gso_size)
		text_format(out, ",\"gso_size\":%u", seg->gso_size);
}

static void put_segment(struct text *out, const struct timeline_line *line)
{
	const struct tern_watch_segment *seg = &line->event.u.segment;
	const bool			 tx = line->kind == TIMELINE_SENT;

	text_format(out, ",\"dir\":\"%s\"", tx ? "tx" : "rx");
	put_u32(out, "n", line->n != 0, line->n);
	text_format(out, ",\"nth\":%" PRIu64, line->nth);
	put_flags(out, seg->flags);
	text_format(out, ",\"seq\":%" PRIu32 ",\"ack\":%" PRIu32, seg->seq, seg->ack);
	put_u32(out, "rseq", line->has_rseq, line->rseq);
	put_u32(out, "rack", line->has_rack, line->rack);
	text_format(out, ",\"wnd\":%" PRIu32 ",\"len\":%" PRIu32, seg->wnd, seg->len);
	if (seg->flags & TERN_URG)
		text_format(out, ",\"up\":%u", seg->up);
	put_options(out, seg);
	if (tx) {
		put_fate(out, line);
		return;
	}
	text_format(out, ",\"verdict\":\"%s\"", tern_verdict_name((enum tern_verdict)seg->verdict));
	text_format(out, ",\"copy\":%" PRIu32 ",\"late\":%s", line->copy, line->late ? "true" : "false");
}

static void put_drop(struct text *out, const struct timeline_line *line)
{
	put_u32(out, "n", line->n != 0, line->n);
	text_format(out, ",\"nth\":%" PRIu64 ",\"len\":%" PRIu32 ",\"verdict\":\"%s\"", line->nth,
		    line->event.u.drop.len, tern_verdict_name(line->event.u.drop.verdict));
}

static void put_retransmit(struct text *out, const struct timeline *timeline, size_t i)
{
	const struct tern_watch_event *event = &timeline->lines[i].event;
	uint32_t		       relative = 0;
	const uint32_t		       seq = event->u.retransmit.seq;
	const bool		       known = timeline_relative(timeline, i, false, seq, &relative);

	text_format(out, ",\"why\":\"%s\",\"seq\":%" PRIu32,
		    tern_retransmit_why_name(event->u.retransmit.why), seq);
	put_u32(out, "rseq", known, relative);
	text_format(out, ",\"len\":%" PRIu32 ",\"count\":%" PRIu32, event->u.retransmit.len,
		    event->u.retransmit.count);
	put_time(out, "rto", event->u.retransmit.rto);
}

static void put_rest(struct text *out, const struct timeline *timeline, size_t i)
{
	const struct timeline_line    *line = &timeline->lines[i];
	const struct tern_watch_event *event = &line->event;

	switch (line->kind) {
	case TIMELINE_STATE:
		text_format(out, ",\"from\":\"%s\",\"to\":\"%s\",\"why\":\"%s\",\"reason\":\"%s\"",
			    tern_state_name(event->u.state.from), tern_state_name(event->u.state.to),
			    event->u.state.clause ? event->u.state.clause : "",
			    tern_why_name(event->u.state.why));
		break;
	case TIMELINE_TIMER:
		text_format(out, ",\"timer\":\"%s\",\"action\":\"%s\"", tern_timer_name(event->u.timer.timer),
			    tern_timer_action_name(event->u.timer.action));
		put_time(out, "deadline",
			 event->u.timer.action == TERN_TIMER_SET ? event->u.timer.deadline : TERN_NEVER);
		put_u32(out, "count", true, event->u.timer.count);
		break;
	case TIMELINE_RETRANSMIT: put_retransmit(out, timeline, i); break;
	case TIMELINE_CONGESTION:
		text_format(out, ",\"event\":\"%s\"", tern_congestion_event_name(event->u.congestion.event));
		put_u32(out, "cwnd", true, event->u.congestion.cwnd);
		put_u32(out, "ssthresh", true, event->u.congestion.ssthresh);
		put_u32(out, "in_flight", true, event->u.congestion.in_flight);
		text_put(out, ",\"controller\":");
		put_string(out, event->u.congestion.controller ? event->u.congestion.controller : "");
		break;
	case TIMELINE_NOTE:
		text_format(out, ",\"note\":\"%s\",\"value\":%" PRIu32, tern_note_name(event->u.note.note),
			    event->u.note.value);
		break;
	case TIMELINE_ICMP:
		text_format(out, ",\"type\":%u,\"code\":%u,\"version\":%u,\"acted\":%s,\"mtu\":%" PRIu32,
			    event->u.icmp.type, event->u.icmp.code, event->u.icmp.version,
			    event->u.icmp.acted ? "true" : "false", event->u.icmp.mtu);
		break;
	case TIMELINE_CALL:
		text_put(out, ",\"call\":");
		put_string(out, line->text);
		break;
	default: break;
	}
}

static void put_head(struct text *out, const struct timeline *timeline, unsigned host, tern_time now,
		     uint32_t conn, const char *ev)
{
	text_format(out, "{\"v\":1,\"t\":%" PRId64 ",\"host\":", now);
	put_string(out, timeline->name[host]);
	text_format(out, ",\"conn\":%" PRIu32 ",\"ev\":\"%s\"", conn, ev);
}

size_t jsonl_line(char to[JSONL_LINE], const struct timeline *timeline, size_t i)
{
	static const char *const names[TIMELINE_KINDS] = {
		[TIMELINE_SENT] = "segment",
		[TIMELINE_ARRIVED] = "segment",
		[TIMELINE_STATE] = "state",
		[TIMELINE_TIMER] = "timer",
		[TIMELINE_RETRANSMIT] = "retransmit",
		[TIMELINE_CONGESTION] = "congestion",
		[TIMELINE_NOTE] = "note",
		[TIMELINE_DROP] = "drop",
		[TIMELINE_ICMP] = "icmp",
		[TIMELINE_CALL] = "call",
	};
	const struct timeline_line *line = &timeline->lines[i];
	struct text		    out;

	text_init(&out, to, JSONL_LINE);
	put_head(&out, timeline, line->host, line->event.now,
		 timeline->only && line->conn ? timeline->only : line->conn, names[line->kind]);
	if (line->event.basis != TERN_BASIS_TOLD)
		text_format(&out, ",\"basis\":\"%s\"", tern_basis_name(line->event.basis));
	if (line->kind == TIMELINE_SENT || line->kind == TIMELINE_ARRIVED)
		put_segment(&out, line);
	else if (line->kind == TIMELINE_DROP)
		put_drop(&out, line);
	else
		put_rest(&out, timeline, i);
	text_put(&out, "}\n");
	return out.n;
}

size_t jsonl_write(FILE *to, const struct timeline *timeline, size_t from)
{
	char buffer[JSONL_LINE];

	for (; from < timeline->n; from++)
		fwrite(buffer, 1, jsonl_line(buffer, timeline, from), to);
	return from;
}

static const char *truth(bool is)
{
	return is ? "true" : "false";
}

static void put_status(FILE *to, const struct tern_status *s)
{
	if (!s) {
		fputs("null", to);
		return;
	}
	fprintf(to, "{\"state\":\"%s\",\"congestion_control\":\"%s\",\"cwnd\":%" PRIu32 ",\"ssthresh\":%" PRIu32,
		tern_state_name(s->state), s->congestion_control ? s->congestion_control : "", s->cwnd, s->ssthresh);
	fprintf(to, ",\"srtt\":%" PRId64 ",\"rttvar\":%" PRId64 ",\"rto\":%" PRId64 ",\"min_rtt\":%" PRId64, s->srtt,
		s->rttvar, s->rto, s->min_rtt);
	fprintf(to, ",\"delivery_rate\":%" PRIu64 ",\"delivery_rate_app_limited\":%s,\"pacing_rate\":%" PRIu64,
		s->delivery_rate, truth(s->delivery_rate_app_limited), s->pacing_rate);
	fprintf(to, ",\"busy_time\":%" PRId64 ",\"rwnd_limited\":%" PRId64 ",\"sndbuf_limited\":%" PRId64, s->busy_time,
		s->rwnd_limited, s->sndbuf_limited);
	fprintf(to, ",\"bytes_acked\":%" PRIu64 ",\"bytes_received\":%" PRIu64 ",\"bytes_retransmitted\":%" PRIu64,
		s->bytes_acked, s->bytes_received, s->bytes_retransmitted);
	fprintf(to, ",\"retransmits\":%" PRIu32 ",\"spurious\":%" PRIu32 "}", s->retransmits_total,
		s->retransmits_spurious);
}

void jsonl_end(FILE *to, const struct timeline *timeline, unsigned host, tern_time now, bool as_expected,
	       const struct jsonl_counter *counters, size_t n, const struct tern_status *status)
{
	const struct timeline_totals *totals = &timeline->totals[host];
	char			      buffer[JSONL_LINE];
	struct text		      out;

	text_init(&out, buffer, sizeof buffer);
	put_head(&out, timeline, host, now, 0, "end");
	text_format(&out, ",\"as_expected\":%s", as_expected ? "true" : "false");
	text_format(&out, ",\"sent\":%" PRIu64 ",\"arrived\":%" PRIu64 ",\"lost\":%" PRIu64, totals->sent,
		    totals->arrived, totals->lost);
	text_format(&out, ",\"retransmitted\":%" PRIu64 ",\"not_taken\":%" PRIu64, totals->retransmitted,
		    totals->dropped);
	text_format(&out, ",\"text_sent\":%" PRIu64 ",\"text_retransmitted\":%" PRIu64, totals->text_sent,
		    totals->text_retransmitted);
	fputs(buffer, to);
	fputs(",\"counters\":{", to);
	for (size_t i = 0; i < n; i++)
		fprintf(to, "%s\"%s\":%" PRIu64, i ? "," : "", counters[i].name, counters[i].value);
	fputs("},\"connection\":", to);
	put_status(to, status);
	fputs("}\n", to);
}
