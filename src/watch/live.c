#include "watch/live.h"

#include "watch/jsonl.h"
#include "watch/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The timeline numbers connections, finds roles and relative numbers for us. It is given what the peer sent as if
 * the peer had told it, from what arrived; JSON lines leave that out, since nobody told it. Only its newest
 * lines are kept: what is sent again is found among those, or is not named. */

enum {
	KEEP = 2048,	/* lines */
	MARGIN = 13,	/* of the longest state, and a blank */
	BEFORE = 15,	/* columns of the time and the number before the left lifeline */
	PLAIN = 10,	/* rows that tell nothing new before the rest is folded */
	HEAD_ROOM = 4,	/* columns of an arrow's ends */
	COLUMNS = 100,
	COLUMNS_MIN = 72,
};

static const tern_time FOLD_TOLD = TERN_SECOND; /* between rows about one fold */

/* ---- rows ---- */

static void begin_row(struct live *live)
{
	canvas_clear(&live->canvas);
	canvas_line(&live->canvas, live->left, CANVAS_POST, CANVAS_PLAIN);
	canvas_line(&live->canvas, live->right, CANVAS_POST, CANVAS_PLAIN);
}

static void put_time(struct live *live, tern_time at)
{
	const tern_time ms = (at - live->start + TERN_MILLISECOND / 2) / TERN_MILLISECOND;
	char		text[24];

	if (live->has_shown && ms == live->shown)
		return;
	live->has_shown = true;
	live->shown = ms;
	(void)snprintf(text, sizeof text, "%4" PRId64 ".%03d", ms / 1000, (int)(ms % 1000));
	canvas_text(&live->canvas, 0, text, CANVAS_DIM);
}

static void put_conn(struct live *live, uint32_t conn)
{
	char text[16];

	if (conn == 0)
		return;
	(void)snprintf(text, sizeof text, "#%" PRIu32, conn);
	canvas_text(&live->canvas, 9, text, CANVAS_BOLD);
}

static void put_state(struct live *live, enum tern_state state)
{
	canvas_text(&live->canvas, live->right + 2, tern_state_name(state), CANVAS_BOLD);
}

static void write_row(struct live *live)
{
	canvas_write(&live->canvas, live->to);
}

/* Words beside the right lifeline, as the host's own. */
static void draw_words(struct live *live, tern_time at, uint32_t conn, const char *words, enum canvas_colour colour)
{
	const unsigned n = text_columns(words), room = live->right - live->left - 3;

	begin_row(live);
	put_time(live, at);
	put_conn(live, conn);
	canvas_sign(&live->canvas, live->right, CANVAS_DOT, colour);
	canvas_text(&live->canvas, n < room ? live->right - 1 - n : live->left + 2, words, colour);
	write_row(live);
}

static void draw_state_alone(struct live *live)
{
	if (!live->has_state)
		return;
	live->has_state = false;
	begin_row(live);
	put_time(live, live->state_at);
	put_conn(live, live->state_conn);
	put_state(live, live->state);
	write_row(live);
}

/* ---- connections ---- */

static struct live_conn *conn_of(struct live *live, uint32_t conn)
{
	static struct live_conn nobody;

	if (conn >= live->n_conns) {
		const size_t	  n = conn < 32 ? 64 : 2 * (size_t)conn;
		struct live_conn *conns = realloc(live->conns, n * sizeof *conns);

		if (!conns)
			return &nobody;
		memset(conns + live->n_conns, 0, (n - live->n_conns) * sizeof *conns);
		live->conns = conns;
		live->n_conns = n;
	}
	return &live->conns[conn];
}

static void draw_fold(struct live *live, tern_time at, uint32_t conn)
{
	struct live_conn *const of = conn_of(live, conn);
	char			text[LABEL_TEXT];

	if (of->segments == 0)
		return;
	(void)snprintf(text, sizeof text, "%s %" PRIu32 " more segments, %" PRIu64 " octets",
		       live->options.ascii ? "..." : "…", of->segments, of->octets);
	begin_row(live);
	put_time(live, at);
	put_conn(live, conn);
	canvas_sign(&live->canvas, live->left, CANVAS_ELLIPSIS, CANVAS_PLAIN);
	canvas_sign(&live->canvas, live->right, CANVAS_ELLIPSIS, CANVAS_PLAIN);
	canvas_text(&live->canvas, live->left + 4, text, CANVAS_DIM);
	write_row(live);
	of->segments = 0;
	of->octets = 0;
}

/* Who the ends of a new connection are. */
static void draw_ends(struct live *live, const struct timeline_line *line)
{
	const struct tern_tuple *const tuple = &line->event.tuple;
	const bool		       ours = line->host == 1;
	char			       peer[56], self[56], text[128];

	if (line->conn <= live->named)
		return;
	live->named = line->conn;
	label_endpoint(peer, ours ? &tuple->remote : &tuple->local, ours ? tuple->remote_port : tuple->local_port);
	label_endpoint(self, ours ? &tuple->local : &tuple->remote, ours ? tuple->local_port : tuple->remote_port);
	(void)snprintf(text, sizeof text, "%s %s %s", peer, live->options.ascii ? "--" : "──", self);
	begin_row(live);
	put_time(live, line->event.now);
	put_conn(live, line->conn);
	canvas_text(&live->canvas, live->left + 3, text, CANVAS_BOLD);
	write_row(live);
}

/* ---- segments ---- */

/* Nothing that a reader would miss: text, its ACKs and windows, taken as they should be. */
static bool is_plain(const struct timeline_line *sent, const char *verdict)
{
	const struct tern_watch_segment *const seg = &sent->event.u.segment;

	if (*verdict || seg->retransmitted || seg->probe || seg->n_sack > 0 || sent->forged)
		return false;
	if (seg->flags & (TERN_SYN | TERN_FIN | TERN_RST | TERN_URG | TERN_ECE | TERN_CWR))
		return false;
	return sent->role == ROLE_TEXT || sent->role == ROLE_ACK || sent->role == ROLE_WINDOW_UPDATE ||
	       sent->role == ROLE_DUPLICATE_ACK;
}

static bool fold(struct live *live, const struct timeline_line *sent, const char *verdict)
{
	struct live_conn *const conn = conn_of(live, sent->conn);

	if (live->options.all)
		return false;
	if (!is_plain(sent, verdict) || (live->has_state && live->state_conn == sent->conn)) {
		conn->plain = 0;
		draw_fold(live, sent->event.now, sent->conn);
		return false;
	}
	if (++conn->plain <= PLAIN)
		return false;
	conn->segments++;
	conn->octets += sent->event.u.segment.len;
	return true;
}

static void put_arrow(struct live *live, unsigned host, enum canvas_colour colour)
{
	for (unsigned i = live->left + 1; i < live->right; i++)
		canvas_line(&live->canvas, i, CANVAS_LEFT | CANVAS_RIGHT, colour);
	canvas_line(&live->canvas, live->left, CANVAS_RIGHT, CANVAS_PLAIN);
	canvas_line(&live->canvas, live->right, CANVAS_LEFT, CANVAS_PLAIN);
	if (host == 0)
		canvas_sign(&live->canvas, live->right - 1, CANVAS_HEAD_RIGHT, colour);
	else
		canvas_sign(&live->canvas, live->left + 1, CANVAS_HEAD_LEFT, colour);
}

/* Tokens from *next on that fit; their columns. */
static unsigned take(const struct label *label, unsigned *next, unsigned room, struct text *out)
{
	unsigned used = 0;

	while (*next < label->n) {
		const unsigned more = text_columns(label->token[*next]) + (out->n ? 1u : 0u);

		if (used + more > room && out->n > 0)
			break;
		if (out->n)
			text_put(out, " ");
		text_put(out, label->token[(*next)++]);
		used += more;
	}
	return used;
}

static void put_words(struct live *live, unsigned host, const char *words, unsigned used, bool in_arrow,
		      enum canvas_colour colour)
{
	const unsigned at = host == 0 ? live->left + 3 : live->right - 3 - used;

	if (in_arrow) {
		canvas_text(&live->canvas, at, " ", colour);
		canvas_text(&live->canvas, at + used + 1, " ", colour);
	}
	canvas_text(&live->canvas, at + (in_arrow ? 1 : 0), words, colour);
}

/* The row of a segment, and more where its label is long. */
static void draw_segment(struct live *live, size_t sent, const char *verdict)
{
	const struct timeline_line *const line = &live->timeline.lines[sent];
	const enum canvas_colour	  colour = line->host == 0 ? CANVAS_LEFT_HOST : CANVAS_RIGHT_HOST;
	const unsigned			  area = live->right - live->left - 1, beside = text_columns(verdict);
	struct label			  label;
	unsigned			  next = 0;
	char				  words[LABEL_TEXT];
	struct text			  text;
	bool				  first = true;

	draw_ends(live, line);
	label_sent(&label, &live->timeline, sent, false, live->before);
	do {
		const unsigned room = area - 2 * HEAD_ROOM - (first && beside ? beside + 2 : 0);

		text_init(&text, words, sizeof words);
		const unsigned used = take(&label, &next, room, &text);

		begin_row(live);
		if (first) {
			put_time(live, line->event.now);
			put_conn(live, line->conn);
			put_arrow(live, line->host, colour);
			if (beside) /* what became of it stands where it arrived */
				put_words(live, !line->host, verdict, beside, true, CANVAS_WARN);
			if (live->has_state && live->state_conn == line->conn) {
				put_state(live, live->state);
				live->has_state = false;
			}
		}
		put_words(live, line->host, words, used, first, colour);
		write_row(live);
		first = false;
	} while (next < label.n);
}

static void write_json(struct live *live)
{
	char line[JSONL_LINE];

	if (live->json)
		fwrite(line, 1, jsonl_line(line, &live->timeline, live->timeline.n - 1), live->json);
}

static void show_segment(struct live *live, size_t sent, const char *verdict)
{
	if (live->to && !fold(live, &live->timeline.lines[sent], verdict))
		draw_segment(live, sent, verdict);
}

static void arrived(struct live *live, struct timeline_tap tap[2], const struct tern_watch_event *event)
{
	const struct tern_watch_event sent = timeline_from_other_end(event, TERN_WATCH_SEGMENT_TX, 0);
	struct tern_watch_event	      here = *event;
	const size_t		      i = live->timeline.n;
	char			      verdict[LABEL_TEXT];

	timeline_watch(&tap[0], &sent);
	here.u.segment.mark = 0;
	timeline_watch(&tap[1], &here);
	if (live->timeline.n < i + 2)
		return; /* no memory */
	live->timeline.lines[i + 1].n = live->timeline.lines[i].n;
	write_json(live);
	label_arrived(verdict, &live->timeline.lines[i + 1]);
	/* A gateway that asks first before it answers is no trouble of the guest's. */
	show_segment(live, i, verdict);
}

/* ---- the rest ---- */

static bool is_worth_a_row(const struct live *live, const struct tern_watch_event *event)
{
	if (live->options.all)
		return event->kind != TERN_WATCH_RETRANSMIT; /* its segment says so */
	switch (event->kind) {
	case TERN_WATCH_TIMER:
		return event->u.timer.action == TERN_TIMER_FIRED && event->u.timer.timer != TERN_TIMER_DELAYED_ACK &&
		       event->u.timer.timer != TERN_TIMER_TIME_WAIT && event->u.timer.timer != TERN_TIMER_PACE;
	case TERN_WATCH_CONGESTION:
		return event->u.congestion.event == TERN_CONGESTION_RECOVERY_ENTER ||
		       event->u.congestion.event == TERN_CONGESTION_TIMEOUT;
	case TERN_WATCH_NOTE:
		return event->u.note.note != TERN_NOTE_WINDOW_OPENED;
	case TERN_WATCH_ICMP_RX:
		return true;
	default:
		return false;
	}
}

static void other(struct live *live, struct timeline_tap *tap, const struct tern_watch_event *event)
{
	const size_t i = live->timeline.n;
	char	     text[LABEL_TEXT];

	timeline_watch(tap, event);
	if (live->timeline.n == i)
		return;
	write_json(live);
	const uint32_t conn = live->timeline.lines[i].conn;

	if (!live->to || conn == 0)
		return;
	if (event->kind == TERN_WATCH_STATE) {
		/* Two in a row of one connection: the first had no segment of its own. */
		if (live->has_state && live->state_conn != conn)
			draw_state_alone(live);
		live->has_state = true;
		live->state_conn = conn;
		live->state = event->u.state.to;
		live->state_at = event->now;
		return;
	}
	if (!is_worth_a_row(live, event))
		return;
	label_local(text, &live->timeline, i);
	if (*text) {
		draw_fold(live, event->now, conn);
		draw_words(live, event->now, conn, text, CANVAS_WARN);
	}
}

void live_event(struct live *live, const struct tern_watch_event *event)
{
	struct timeline_tap tap[2] = { { &live->timeline, 0 }, { &live->timeline, 1 } };

	if (!live->has_start) {
		live->start = event->now;
		live->has_start = true;
	}
	live->last = event->now;
	if (live->timeline.n > 2 * KEEP)
		timeline_forget(&live->timeline, KEEP);
	if (event->kind == TERN_WATCH_SEGMENT_RX) {
		arrived(live, tap, event);
	} else if (event->kind == TERN_WATCH_SEGMENT_TX) {
		struct tern_watch_event sent = *event;

		sent.u.segment.id = 0; /* nothing is joined by it here */
		timeline_watch(&tap[1], &sent);
		write_json(live);
		show_segment(live, live->timeline.n - 1, "");
	} else {
		other(live, &tap[1], event);
	}
}

static void draw_head(struct live *live)
{
	const unsigned self = text_columns(live->timeline.name[1]);

	canvas_clear(&live->canvas);
	canvas_text(&live->canvas, 1, "seconds", CANVAS_DIM);
	canvas_text(&live->canvas, live->left - 2, live->timeline.name[0], CANVAS_BOLD);
	canvas_text(&live->canvas, live->right - self / 2, live->timeline.name[1], CANVAS_BOLD);
	write_row(live);
}

void live_init(struct live *live, FILE *to, FILE *json, const struct live_options *options, const char *peer,
	       const char *self)
{
	unsigned columns = options->columns ? options->columns : COLUMNS;

	columns = columns < COLUMNS_MIN ? COLUMNS_MIN : columns > CANVAS_COLUMNS ? CANVAS_COLUMNS : columns;
	*live = (struct live){ .to = to, .json = json, .options = *options };
	timeline_init(&live->timeline, peer, self);
	live->left = BEFORE;
	live->right = columns - MARGIN - 2;
	live->canvas = (struct canvas){ .columns = columns, .ascii = options->ascii, .colour = options->colour };
	if (to)
		draw_head(live);
}

void live_flush(struct live *live, tern_time now)
{
	if (live->to) {
		draw_state_alone(live);
		if (now - live->told >= FOLD_TOLD) {
			live->told = now;
			for (uint32_t i = 1; i < live->n_conns && i <= live->timeline.conns.last; i++)
				draw_fold(live, now, i);
		}
		(void)fflush(live->to);
	}
	if (live->json)
		(void)fflush(live->json);
}

void live_done(struct live *live)
{
	live->told = live->last - FOLD_TOLD;
	live_flush(live, live->last);
	timeline_done(&live->timeline);
	free(live->conns);
	live->conns = NULL;
	live->n_conns = 0;
}
