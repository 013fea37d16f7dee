#include "watch/label.h"

#include "watch/text.h"

#include "wire/tuple.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- arrows ---- */

static void add(struct label *label, const char *format, uint32_t value)
{
	if (label->n < LABEL_TOKENS)
		(void)snprintf(label->token[label->n++], LABEL_TOKEN, format, value);
}

static void add_words(struct label *label, const char *words)
{
	if (label->n < LABEL_TOKENS)
		(void)snprintf(label->token[label->n++], LABEL_TOKEN, "%s", words);
}

static void add_flags(struct label *label, unsigned flags)
{
	static const struct {
		unsigned    flag;
		const char *name;
	} order[] = {
		{ TERN_SYN, "SYN" }, { TERN_FIN, "FIN" }, { TERN_RST, "RST" },
		{ TERN_PSH, "PSH" }, { TERN_ACK, "ACK" }, { TERN_URG, "URG" },
		{ TERN_ECE, "ECE" }, { TERN_CWR, "CWR" }, { TERN_AE, "AE" },
	};
	struct text text;

	text_init(&text, label->token[label->n++], LABEL_TOKEN);
	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		if (flags & order[i].flag)
			text_format(&text, "%s%s", text.n ? "+" : "", order[i].name);
	if (text.n == 0)
		text_put(&text, "no flags");
}

/* Why octets go again, where it is not plainly a time-out and the ladder does not show it beside. */
static const char *again_words(enum tern_retransmit_why why)
{
	switch (why) {
	case TERN_RETRANSMIT_FAST: return " (fast)";
	case TERN_RETRANSMIT_RACK: return " (RACK)";
	case TERN_RETRANSMIT_PARTIAL_ACK: return " (partial ACK)";
	case TERN_RETRANSMIT_AFTER_TIMEOUT: return " (after time-out)";
	case TERN_RETRANSMIT_TAIL_PROBE: return " (tail probe)";
	case TERN_RETRANSMIT_PATH_MTU: return " (path MTU)";
	default: return "";
	}
}

/* What makes this segment other than the first of its octets. */
static void add_history(struct label *label, const struct timeline *timeline,
			const struct timeline_line *line)
{
	const struct tern_watch_segment *seg = &line->event.u.segment;
	struct text			 text;

	if (line->forged)
		add_words(label, timeline_is_attack(timeline, line) ? "forged" : "an old duplicate");
	if (line->role == ROLE_KEEPALIVE)
		add_words(label, "keep-alive");
	if (line->role == ROLE_WINDOW_PROBE)
		add_words(label, "window probe");
	if (line->role == ROLE_DUPLICATE_ACK)
		add_words(label, "duplicate ACK");
	if (line->role == ROLE_PROBE_ANSWER)
		add_words(label, "answers the probe");
	if (line->role == ROLE_WINDOW_UPDATE)
		add_words(label, "window update");
	if (seg->retransmitted && !seg->probe && label->n < LABEL_TOKENS) {
		text_init(&text, label->token[label->n++], LABEL_TOKEN);
		text_put(&text, "retransmission");
		if (line->again_of)
			text_format(&text, " of %" PRIu32, line->again_of);
		if (line->has_why)
			text_put(&text, again_words(line->why));
	}
	if (line->has_fate && line->fate == TERN_FATE_DUPLICATED)
		add_words(label, "the link doubles it");
	if (line->has_fate && line->fate == TERN_FATE_CORRUPTED)
		add_words(label, "the link flips a bit");
	if (line->has_fate && line->fate == TERN_FATE_MARKED)
		add_words(label, "the link marks it: CE");
}

static void add_sack(struct label *label, const struct timeline *timeline, size_t i)
{
	const struct tern_watch_segment *seg = &timeline->lines[i].event.u.segment;

	for (unsigned k = 0; k < seg->n_sack && k < 4 && label->n < LABEL_TOKENS; k++) {
		uint32_t left = seg->sack[k].left, right = seg->sack[k].right;

		(void)timeline_relative(timeline, i, true, left, &left);
		(void)timeline_relative(timeline, i, true, right, &right);
		(void)snprintf(label->token[label->n++], LABEL_TOKEN, "sack %" PRIu32 "-%" PRIu32, left,
			       right);
	}
}

static void add_options(struct label *label, const struct timeline *timeline, size_t i)
{
	const struct tern_watch_segment *seg = &timeline->lines[i].event.u.segment;

	if (seg->has_mss)
		add(label, "mss %" PRIu32, seg->mss);
	if (seg->has_wscale)
		add(label, "wscale %" PRIu32, seg->wscale);
	if (seg->sack_permitted)
		add_words(label, "sack-ok");
	if (seg->has_ts && (seg->flags & TERN_SYN))
		add_words(label, "ts");
	add_sack(label, timeline, i);
}

void label_sent(struct label *label, const struct timeline *timeline, size_t i, bool several,
		struct label_before before[TIMELINE_HOSTS])
{
	const struct timeline_line	*line = &timeline->lines[i];
	const struct tern_watch_segment *seg = &line->event.u.segment;
	struct label_before		*old = &before[line->host];
	const bool			 same_conn = old->is_valid && old->conn == line->conn;
	const bool			 acks = seg->flags & TERN_ACK;
	const bool			 same_ack = same_conn && seg->len > 0 && old->ack == seg->ack;
	const bool			 same_wnd = same_conn && old->wnd == seg->wnd;
	const bool			 has_wnd = !(seg->flags & TERN_RST);

	*label = (struct label){ .n = 0 };
	if (several)
		add(label, "#%" PRIu32, line->conn);
	add_flags(label, seg->flags);
	label->is_optional[label->n] = same_conn && line->role == ROLE_DUPLICATE_ACK && seg->seq == old->seq;
	add(label, "seq %" PRIu32, line->has_rseq ? line->rseq : seg->seq);
	if (acks) {
		label->is_optional[label->n] = same_ack;
		add(label, "ack %" PRIu32, line->has_rack ? line->rack : seg->ack);
	}
	if (seg->len > 0)
		add(label, "len %" PRIu32, seg->len);
	if (seg->flags & TERN_URG)
		add(label, "up %" PRIu32, seg->up);
	add_history(label, timeline, line);
	if (has_wnd && label->n < LABEL_TOKENS) {
		label->is_optional[label->n] = same_wnd;
		add(label, "win %" PRIu32, seg->wnd);
	}
	add_options(label, timeline, i);
	*old = (struct label_before){
		.conn = line->conn,
		.seq = seg->seq + seg->len + ((seg->flags & TERN_SYN) != 0) + ((seg->flags & TERN_FIN) != 0),
		.ack = seg->ack,
		.wnd = seg->wnd,
		.is_valid = true,
	};
}

bool label_shorten(struct label *label)
{
	unsigned i = label->n;

	while (i > 0 && !label->is_optional[i - 1])
		i--;
	if (i == 0)
		return false;
	for (; i < label->n; i++) {
		memcpy(label->token[i - 1], label->token[i], LABEL_TOKEN);
		label->is_optional[i - 1] = label->is_optional[i];
	}
	label->n--;
	return true;
}

const char *label_arrived(char to[LABEL_TEXT], const struct timeline_line *line)
{
	enum tern_verdict verdict = (enum tern_verdict)line->event.u.segment.verdict;
	struct text	  text;

	if (line->kind == TIMELINE_DROP)
		verdict = line->event.u.drop.verdict;

	text_init(&text, to, LABEL_TEXT);
	if (line->copy > 1)
		text_put(&text, "copy");
	if (line->late)
		text_format(&text, "%slate", text.n ? ", " : "");
	switch (verdict) {
	case TERN_VERDICT_ACCEPTED:
	case TERN_VERDICT_NEW_CONNECTION:
	case TERN_VERDICT_RESET:
	case TERN_VERDICT_REFUSED: return to;
	case TERN_VERDICT_OUT_OF_ORDER:
		text_format(&text, "%sout of order: held", text.n ? ", " : "");
		return to;
	default: text_format(&text, "%s%s", text.n ? ", " : "", tern_verdict_name(verdict)); return to;
	}
}

const char *const label_in_flight = "in flight";

const char *label_lost(const struct timeline *timeline, size_t i)
{
	const struct timeline_line *line = &timeline->lines[i];

	if (line->arrivals > 0)
		return NULL;
	if (line->has_fate && line->fate == TERN_FATE_LOST)
		return "lost";
	if (line->has_fate && line->fate == TERN_FATE_DROPPED)
		return "dropped";
	if (line->has_fate && line->fate == TERN_FATE_QUEUE_FULL)
		return "queue full";
	if (line->has_fate && line->fate == TERN_FATE_TOO_BIG)
		return "too big";
	if (line->has_fate && line->arrives <= timeline->lines[timeline->n - 1].event.now)
		return "nobody there";
	return label_in_flight;
}

/* ---- beside the lifelines ---- */

const char *label_span(char to[24], tern_time span)
{
	static const struct {
		tern_time   unit;
		const char *name;
	} units[] = {
		{ TERN_SECOND, "s" },
		{ TERN_MILLISECOND, "ms" },
		{ TERN_MICROSECOND, "us" },
	};

	struct text text;

	text_init(&text, to, 24);
	if (span >= 1000000 * TERN_SECOND) {
		text_format(&text, "%" PRId64 " s", span / TERN_SECOND);
		return to;
	}
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (span < units[i].unit)
			continue;

		const tern_time thousandths = (span * 1000 + units[i].unit / 2) / units[i].unit;
		char		fraction[8];

		(void)snprintf(fraction, sizeof fraction, ".%03d", (int)(thousandths % 1000));
		for (size_t n = strlen(fraction); n > 0 && (fraction[n - 1] == '0' || fraction[n - 1] == '.');
		     n--)
			fraction[n - 1] = 0;
		text_format(&text, "%" PRId64 "%s %s", thousandths / 1000, fraction, units[i].name);
		return to;
	}
	text_format(&text, "%" PRId64 " ns", span);
	return to;
}

static const char *timer_words(enum tern_timer timer)
{
	static const char *const words[TERN_TIMERS] = {
		[TERN_TIMER_RETRANSMIT] = "retransmission timer",
		[TERN_TIMER_PERSIST] = "persist timer",
		[TERN_TIMER_DELAYED_ACK] = "delayed-ACK timer",
		[TERN_TIMER_KEEPALIVE] = "keep-alive timer",
		[TERN_TIMER_USER] = "user timeout",
		[TERN_TIMER_ORPHAN] = "orphan timer",
		[TERN_TIMER_TIME_WAIT] = "2MSL timer",
		[TERN_TIMER_SYN_ACK] = "SYN-ACK timer",
		[TERN_TIMER_SWS] = "override timer",
		[TERN_TIMER_RACK] = "RACK timer",
		[TERN_TIMER_PROBE] = "tail-probe timer",
		[TERN_TIMER_PACE] = "pacing timer",
	};

	return (unsigned)timer < TERN_TIMERS ? words[timer] : "timer";
}

static void put_timer(struct text *text, const struct tern_watch_event *event)
{
	char span[24];

	text_put(text, timer_words(event->u.timer.timer));
	switch (event->u.timer.action) {
	case TERN_TIMER_SET:
		text_format(text, " set: %s", label_span(span, event->u.timer.deadline - event->now));
		return;
	case TERN_TIMER_STOPPED: text_put(text, " stopped"); return;
	default:
		text_put(text, event->u.timer.timer == TERN_TIMER_TIME_WAIT ? " ends" : " fires");
		if (event->u.timer.count > 1)
			text_format(text, " (%" PRIu32 " in a row)", event->u.timer.count);
	}
}

static void put_note(struct text *text, const struct tern_watch_event *event)
{
	static const char *const words[TERN_NOTES] = {
		[TERN_NOTE_ZERO_WINDOW_SENT] = "receive buffer full",
		[TERN_NOTE_ZERO_WINDOW_RECEIVED] = "the peer's window is closed",
		[TERN_NOTE_WINDOW_OPENED] = "the window is open again",
		[TERN_NOTE_WINDOW_SHRUNK] = "the peer shrank its window",
		[TERN_NOTE_SOFT_ERROR] = "soft error",
		[TERN_NOTE_R1] = "R1 passed: the path is in doubt",
		[TERN_NOTE_COOKIES_ON] = "SYN cookies on",
		[TERN_NOTE_COOKIES_OFF] = "SYN cookies off",
		[TERN_NOTE_PATH_MTU] = "path MTU",
		[TERN_NOTE_URGENT] = "urgent data",
		[TERN_NOTE_OUT_OF_ORDER_DROPPED] = "out-of-order text dropped",
		[TERN_NOTE_CHALLENGE_LIMITED] = "challenge ACK withheld",
		[TERN_NOTE_TEXT_LOST] = "unread or unsent text is gone",
		[TERN_NOTE_BLACK_HOLE] = "large segments vanish: packets of",
		[TERN_NOTE_PROBED_MTU] = "a probe arrived: packets of",
		[TERN_NOTE_ECN_AGREED] = "ECN agreed",
		[TERN_NOTE_CE_RECEIVED] = "congestion mark received",
		[TERN_NOTE_ECN_MANGLED] = "the path meddles with ECN",
		[TERN_NOTE_WINDOW_FULL] = "the window offered is full",
		[TERN_NOTE_NEEDLESS] = "needless: the other end had it",
		[TERN_NOTE_OVERTAKEN] = "overtaken on its way to the capture",
		[TERN_NOTE_LOST_BEFORE] = "its first sending was lost before the capture",
		[TERN_NOTE_MISSING] = "not in the capture: what this acknowledges",
		[TERN_NOTE_CHALLENGE_ACK] = "a challenge ACK",
		[TERN_NOTE_RESET_PROVOKED] = "provoked by segment",
	};
	const enum tern_note note = event->u.note.note;

	text_put(text, (unsigned)note < TERN_NOTES ? words[note] : "note");
	if (note == TERN_NOTE_PATH_MTU)
		text_format(text, " is %" PRIu32, event->u.note.value);
	if (note == TERN_NOTE_BLACK_HOLE || note == TERN_NOTE_PROBED_MTU || note == TERN_NOTE_RESET_PROVOKED)
		text_format(text, " %" PRIu32, event->u.note.value);
	if (note == TERN_NOTE_ECN_AGREED)
		text_format(text, " (RFC %" PRIu32 ")", event->u.note.value);
}

static void put_congestion(struct text *text, const struct tern_watch_event *event)
{
	static const char *const words[TERN_CONGESTION_EVENTS] = {
		[TERN_CONGESTION_INIT] = "congestion window",
		[TERN_CONGESTION_SLOW_START_EXIT] = "slow start ends",
		[TERN_CONGESTION_RECOVERY_ENTER] = "fast recovery begins",
		[TERN_CONGESTION_RECOVERY_EXIT] = "recovery ends",
		[TERN_CONGESTION_TIMEOUT] = "time-out: slow start again",
		[TERN_CONGESTION_UNDO] = "was spurious: window restored",
		[TERN_CONGESTION_IDLE_RESTART] = "idle: window starts anew",
		[TERN_CONGESTION_ECN] = "congestion mark echoed",
		[TERN_CONGESTION_TAIL_LOSS] = "the probe repaired a loss",
	};
	const enum tern_congestion_event what = event->u.congestion.event;

	text_format(text, "%s: cwnd %" PRIu32,
		    (unsigned)what < TERN_CONGESTION_EVENTS ? words[what] : "congestion",
		    event->u.congestion.cwnd);
}

const char *label_local(char to[LABEL_TEXT], const struct timeline *timeline, size_t i)
{
	const struct timeline_line    *line = &timeline->lines[i];
	const struct tern_watch_event *event = &line->event;
	struct text		       text;

	text_init(&text, to, LABEL_TEXT);
	switch (line->kind) {
	case TIMELINE_TIMER: put_timer(&text, event); break;
	case TIMELINE_NOTE: put_note(&text, event); break;
	case TIMELINE_CONGESTION: put_congestion(&text, event); break;
	case TIMELINE_ICMP:
		text_format(&text, "ICMP%s type %u code %u%s", event->u.icmp.version == 6 ? "v6" : "",
			    event->u.icmp.type, event->u.icmp.code,
			    event->u.icmp.acted ? "" : " (noted only)");
		break;
	case TIMELINE_CALL: text_put(&text, line->text); break;
	default: break;
	}
	return to;
}

/* ---- endpoints ---- */

/* RFC 5952: the longest run of two or more zero groups becomes "::". */
static void put_v6(struct text *text, const struct tern_addr *addr)
{
	uint16_t group[8];
	int	 best = -1, best_n = 1;

	for (int i = 0; i < 8; i++)
		group[i] = (uint16_t)(addr->b[2 * i] << 8 | addr->b[2 * i + 1]);
	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && group[i + n] == 0)
			n++;
		if (n > best_n) {
			best = i;
			best_n = n;
		}
	}
	for (int i = 0; i < 8; i++) {
		if (i == best) {
			text_put(text, "::");
			i += best_n - 1;
			continue;
		}
		text_format(text, "%s%x", i > 0 && i != best + best_n ? ":" : "", group[i]);
	}
}

const char *label_endpoint(char to[56], const struct tern_addr *addr, uint16_t port)
{
	struct text text;

	text_init(&text, to, 56);
	if (addr_is_v4(addr)) {
		text_format(&text, "%u.%u.%u.%u", addr->b[12], addr->b[13], addr->b[14], addr->b[15]);
	} else {
		text_put(&text, "[");
		put_v6(&text, addr);
		text_put(&text, "]");
	}
	text_format(&text, ":%u", port);
	return to;
}
