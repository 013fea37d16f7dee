#include "watch/timeline.h"

#include "wire/tuple.h"

#include <tern/packet.h>

#include <stdlib.h>
#include <string.h>

enum {
	LINES_FIRST = 64,
	INDEX_MAX = 1 << 26, /* packets of one host that can be joined */
	LOOK_BACK = 1 << 14, /* lines searched for the first sending of what is sent again */
};

void timeline_init(struct timeline *timeline, const char *left, const char *right)
{
	*timeline = (struct timeline){
		.name = { left, right },
		.retransmit = { TIMELINE_NONE, TIMELINE_NONE },
	};
	conns_init(&timeline->conns);
}

void timeline_done(struct timeline *timeline)
{
	for (unsigned host = 0; host < TIMELINE_HOSTS; host++) {
		free(timeline->by_id[host].line);
		free(timeline->by_nth[host].line);
	}
	free(timeline->lines);
	free(timeline->roles);
	conns_done(&timeline->conns);
	timeline_init(timeline, timeline->name[0], timeline->name[1]);
}

/* ---- room ---- */

static bool reserve(void **array, size_t *room, size_t need, size_t size)
{
	if (need <= *room)
		return true;

	const size_t more = need > 2 * *room ? need : 2 * *room;
	char	    *at = realloc(*array, more * size);

	if (!at)
		return false;
	memset(at + *room * size, 0, (more - *room) * size);
	*array = at;
	*room = more;
	return true;
}

static void index_put(struct timeline *timeline, struct timeline_index *index, uint64_t key, size_t line)
{
	if (key == 0 || key >= INDEX_MAX)
		return;

	void *array = index->line;

	if (!reserve(&array, &index->room, (size_t)key + 1, sizeof *index->line)) {
		timeline->no_memory = true;
		return;
	}
	index->line = array;
	index->line[key] = (uint32_t)line + 1;
}

static long index_get(const struct timeline_index *index, uint64_t key)
{
	return key < index->room ? (long)index->line[key] - 1 : TIMELINE_NONE;
}

/* A line at the end, or NULL. Pointers to other lines do not outlive this. */
static struct timeline_line *append(struct timeline *timeline, enum timeline_kind kind, unsigned host)
{
	void *array = timeline->lines;

	if (!reserve(&array, &timeline->room, timeline->n < LINES_FIRST ? LINES_FIRST : timeline->n + 1,
		     sizeof *timeline->lines)) {
		timeline->no_memory = true;
		return NULL;
	}
	timeline->lines = array;

	struct timeline_line *line = &timeline->lines[timeline->n++];

	*line = (struct timeline_line){
		.kind = kind,
		.host = (uint8_t)host,
		.arrives = TERN_NEVER,
		.arrived = TIMELINE_NONE,
		.sent = TIMELINE_NONE,
	};
	return line;
}

static struct role_conn *roles_of(struct timeline *timeline, uint32_t conn)
{
	void *array = timeline->roles;

	if (!reserve(&array, &timeline->n_roles, (size_t)conn + 1, sizeof *timeline->roles)) {
		timeline->no_memory = true;
		return NULL;
	}
	timeline->roles = array;
	return &timeline->roles[conn];
}

/* Of a timeline of one connection all is of that one, whatever a stray SYN may say. */
static uint32_t number_of(struct timeline *timeline, const struct tern_watch_event *event)
{
	return timeline->only ? 1 : conns_number(&timeline->conns, event);
}

/* ---- relative numbers ---- */

static bool is_segment(const struct timeline_line *line)
{
	return line->kind == TIMELINE_SENT || line->kind == TIMELINE_ARRIVED;
}

/* From the SYNs that were seen, since a host that answers without a block (a half-open entry, a cookie)
 * tells of no ISN; else from what the event says. */
bool timeline_relative(const struct timeline *timeline, size_t i, bool of_peer, uint32_t absolute,
		       uint32_t *relative)
{
	const struct timeline_line *line = &timeline->lines[i];
	const bool		    arrived = line->kind == TIMELINE_ARRIVED;
	const unsigned		    end = line->host ^ (unsigned)arrived ^ (unsigned)of_peer;

	if (line->conn < timeline->n_roles && timeline->roles[line->conn].end[end].has_syn) {
		*relative = absolute - timeline->roles[line->conn].end[end].iss;
		return true;
	}
	if (!is_segment(line) || !line->event.u.segment.known)
		return false;
	*relative = absolute - (end == line->host ? line->event.u.segment.iss : line->event.u.segment.irs);
	return true;
}

static void set_relative(struct timeline *timeline, size_t i)
{
	struct timeline_line		*line = &timeline->lines[i];
	const struct tern_watch_segment *seg = &line->event.u.segment;

	line->has_rseq = timeline_relative(timeline, i, false, seg->seq, &line->rseq);
	line->has_rack =
		(seg->flags & TERN_ACK) && timeline_relative(timeline, i, true, seg->ack, &line->rack);
}

/* ---- what was sent ---- */

static uint32_t room_in_sequence(const struct tern_watch_segment *seg)
{
	return seg->len + ((seg->flags & TERN_SYN) != 0) + ((seg->flags & TERN_FIN) != 0);
}

/* The segment that first carried the first octet of line i. */
static uint32_t first_of(const struct timeline *timeline, size_t i)
{
	const struct timeline_line *line = &timeline->lines[i];
	const size_t		    stop = i > LOOK_BACK ? i - LOOK_BACK : 0;
	uint32_t		    first = 0;

	while (i-- > stop) {
		const struct timeline_line *old = &timeline->lines[i];

		if (old->kind != TIMELINE_SENT || old->host != line->host || old->conn != line->conn)
			continue;
		if (line->event.u.segment.seq - old->event.u.segment.seq >=
		    room_in_sequence(&old->event.u.segment))
			continue;
		if (!old->event.u.segment.retransmitted)
			return old->n;
		first = old->again_of ? old->again_of : old->n;
	}
	return first;
}

static void take_retransmit(struct timeline *timeline, size_t i)
{
	struct timeline_line *line = &timeline->lines[i];
	const long	      told = timeline->retransmit[line->host];

	if (!line->event.u.segment.retransmitted && !line->event.u.segment.probe)
		return;
	line->again_of = first_of(timeline, i);
	if (told == TIMELINE_NONE || timeline->lines[told].conn != line->conn)
		return;
	line->why = timeline->lines[told].event.u.retransmit.why;
	line->has_why = true;
	if (timeline->lines[told].event.now != line->event.now)
		timeline->retransmit[line->host] = TIMELINE_NONE;
}

/* A SYN with another number than the connection's, in a timeline of one: it is told, and changes nothing. */
static bool is_aside(const struct timeline *timeline, const struct role_conn *roles, unsigned host,
		     const struct tern_watch_event *event)
{
	return timeline->only && (event->u.segment.flags & TERN_SYN) && roles->end[host].has_syn &&
	       roles->end[host].iss != event->u.segment.seq;
}

/* A forged segment is of the connection that has its name, and changes nothing of what is known of that
 * one until it is taken (adopt()). */
static struct timeline_line *add_sent(struct timeline *timeline, unsigned host,
				      const struct tern_watch_event *event, bool forged)
{
	const uint32_t	  current = conns_current(&timeline->conns, &event->tuple);
	const uint32_t	  conn = forged && current ? current : number_of(timeline, event);
	struct role_conn *roles = roles_of(timeline, conn);
	const size_t	  i = timeline->n;

	if (!roles || !append(timeline, TIMELINE_SENT, host))
		return NULL;

	struct timeline_line   *line = &timeline->lines[i];
	struct timeline_totals *totals = &timeline->totals[host];
	struct role_conn	copy = *roles;

	line->event = *event;
	line->conn = conn;
	line->n = ++timeline->wire;
	line->forged = forged;
	line->role = role_sent(forged || is_aside(timeline, roles, host, event) ? &copy : roles, host,
			       &event->u.segment);
	set_relative(timeline, i);
	take_retransmit(timeline, i);
	index_put(timeline, &timeline->by_id[host], event->u.segment.id, i);

	totals->sent++;
	totals->text_sent += event->u.segment.len;
	if (event->u.segment.retransmitted) {
		totals->retransmitted++;
		totals->text_retransmitted += event->u.segment.len;
	}
	return line;
}

/* ---- what arrived ---- */

static bool is_progress(enum tern_verdict verdict)
{
	switch (verdict) {
	case TERN_VERDICT_ACCEPTED:
	case TERN_VERDICT_OUT_OF_ORDER:
	case TERN_VERDICT_NEW_CONNECTION:
	case TERN_VERDICT_COOKIE_SENT:
	case TERN_VERDICT_COOKIE_ACCEPTED:
	case TERN_VERDICT_WAITING:
	case TERN_VERDICT_RESET:
	case TERN_VERDICT_REFUSED:
	case TERN_VERDICT_TIME_WAIT:
	case TERN_VERDICT_TIME_WAIT_REUSED: return true;
	default: return false;
	}
}

static void join_arrival(struct timeline *timeline, size_t i, uint64_t mark)
{
	struct timeline_line *line = &timeline->lines[i];
	const unsigned	      sender = !line->host;
	const long	      sent = index_get(&timeline->by_nth[sender], mark);

	line->nth = mark;
	if (sent == TIMELINE_NONE)
		return;

	struct timeline_line *from = &timeline->lines[sent];

	line->sent = sent;
	line->n = from->n;
	line->copy = ++from->arrivals;
	if (from->arrived == TIMELINE_NONE)
		from->arrived = (long)i;
	line->late = line->n < timeline->latest[sender];
	if (line->n > timeline->latest[sender])
		timeline->latest[sender] = line->n;
}

/* A forged segment that was taken belongs to the connection that took it. */
static void adopt(struct timeline *timeline, size_t i)
{
	struct timeline_line *arrived = &timeline->lines[i], *sent = &timeline->lines[arrived->sent];
	struct role_conn     *roles = roles_of(timeline, arrived->conn);

	if (!roles || !is_progress((enum tern_verdict)arrived->event.u.segment.verdict))
		return;
	sent->conn = arrived->conn;
	sent->role = role_sent(roles, sent->host, &sent->event.u.segment);
	set_relative(timeline, (size_t)arrived->sent);
}

static void add_arrived(struct timeline *timeline, unsigned host, const struct tern_watch_event *event)
{
	const bool	      drop = event->kind == TERN_WATCH_PACKET_DROP;
	const size_t	      i = timeline->n;
	struct timeline_line *line = append(timeline, drop ? TIMELINE_DROP : TIMELINE_ARRIVED, host);

	if (!line)
		return;
	line->event = *event;
	if (!drop)
		line->conn = number_of(timeline, event);
	join_arrival(timeline, i, drop ? event->u.drop.mark : event->u.segment.mark);
	if (!drop && line->sent != TIMELINE_NONE && timeline->lines[line->sent].forged)
		adopt(timeline, i);
	if (!drop)
		set_relative(timeline, i);
	else if (line->sent != TIMELINE_NONE)
		line->conn = timeline->lines[line->sent].conn;

	timeline->totals[host].arrived++;
	if (drop || !is_progress(event->u.segment.verdict))
		timeline->totals[host].dropped++;
}

/* ---- the door ---- */

static enum timeline_kind plain_kind(enum tern_watch_kind kind)
{
	switch (kind) {
	case TERN_WATCH_STATE: return TIMELINE_STATE;
	case TERN_WATCH_TIMER: return TIMELINE_TIMER;
	case TERN_WATCH_RETRANSMIT: return TIMELINE_RETRANSMIT;
	case TERN_WATCH_CONGESTION: return TIMELINE_CONGESTION;
	case TERN_WATCH_ICMP_RX: return TIMELINE_ICMP;
	default: return TIMELINE_NOTE;
	}
}

struct tern_watch_event timeline_from_other_end(const struct tern_watch_event *event, enum tern_watch_kind kind,
						uint64_t number)
{
	struct tern_watch_event there = *event;

	there.kind = kind;
	there.tuple = tuple_turned(&event->tuple);
	there.u.segment.iss = event->u.segment.irs;
	there.u.segment.irs = event->u.segment.iss;
	there.u.segment.id = there.u.segment.mark = number;
	return there;
}

void timeline_watch(void *context, const struct tern_watch_event *event)
{
	const struct timeline_tap *tap = context;
	struct timeline		  *timeline = tap->timeline;
	const unsigned		   host = tap->host;

	if (event->kind == TERN_WATCH_SEGMENT_TX) {
		(void)add_sent(timeline, host, event, false);
		return;
	}
	if (event->kind == TERN_WATCH_SEGMENT_RX || event->kind == TERN_WATCH_PACKET_DROP) {
		add_arrived(timeline, host, event);
		return;
	}
	const enum timeline_kind kind = plain_kind(event->kind);
	struct timeline_line	*line = append(timeline, kind, host);

	if (!line)
		return;
	line->event = *event;
	line->conn = number_of(timeline, event);
	if (kind == TIMELINE_RETRANSMIT)
		timeline->retransmit[host] = (long)timeline->n - 1;
}

static bool is_lost(enum tern_fate fate)
{
	return fate == TERN_FATE_LOST || fate == TERN_FATE_DROPPED || fate == TERN_FATE_QUEUE_FULL ||
	       fate == TERN_FATE_TOO_BIG;
}

static void set_fate(struct timeline *timeline, size_t i, uint64_t nth, enum tern_fate fate,
		     tern_time arrives)
{
	struct timeline_line *line = &timeline->lines[i];

	line->nth = nth;
	line->has_fate = true;
	line->fate = fate;
	line->arrives = arrives;
	index_put(timeline, &timeline->by_nth[line->host], nth, i);
	if (is_lost(fate))
		timeline->totals[line->host].lost++;
}

void timeline_fate(void *context, uint64_t n, const tern_packet *packet, enum tern_fate fate,
		   tern_time arrives)
{
	const struct timeline_tap *tap = context;
	const long		   i = index_get(&tap->timeline->by_id[tap->host], packet->id);

	if (packet->id != 0 && i != TIMELINE_NONE)
		set_fate(tap->timeline, (size_t)i, n, fate, arrives);
}

void timeline_call(struct timeline *timeline, unsigned host, tern_time now, const struct tern_tuple *tuple,
		   const char *text)
{
	struct timeline_line *line = append(timeline, TIMELINE_CALL, host);
	size_t		      n = strlen(text);

	if (!line)
		return;
	line->event.now = now;
	if (tuple) {
		line->event.tuple = *tuple;
		line->conn = conns_current(&timeline->conns, tuple);
	}
	if (n >= sizeof line->text)
		n = sizeof line->text - 1;
	memcpy(line->text, text, n);
}

void timeline_forge(struct timeline *timeline, unsigned host, const struct tern_watch_event *event,
		    uint64_t nth, tern_time arrives)
{
	if (add_sent(timeline, host, event, true))
		set_fate(timeline, timeline->n - 1, nth, TERN_FATE_DELIVERED, arrives);
}

bool timeline_is_attack(const struct timeline *timeline, const struct timeline_line *line)
{
	if (!line->forged)
		return false;
	if (line->arrived != TIMELINE_NONE && timeline->lines[line->arrived].kind == TIMELINE_ARRIVED) {
		const unsigned verdict = timeline->lines[line->arrived].event.u.segment.verdict;

		if (verdict == TERN_VERDICT_BLIND_RESET || verdict == TERN_VERDICT_BLIND_SYN)
			return true;
	}
	for (size_t i = 0; i < timeline->n; i++) {
		const struct timeline_line *own = &timeline->lines[i];

		if (own->kind == TIMELINE_SENT && own->host == line->host && !own->forged)
			return !addr_equal(&own->event.tuple.local, &line->event.tuple.local);
	}
	return false;
}

static long moved(long line, size_t by)
{
	return line >= (long)by ? line - (long)by : TIMELINE_NONE;
}

void timeline_forget(struct timeline *timeline, size_t keep)
{
	const size_t gone = timeline->n > keep ? timeline->n - keep : 0;

	if (gone == 0)
		return;
	memmove(timeline->lines, timeline->lines + gone, keep * sizeof *timeline->lines);
	timeline->n = keep;
	for (size_t i = 0; i < keep; i++) {
		timeline->lines[i].arrived = moved(timeline->lines[i].arrived, gone);
		timeline->lines[i].sent = moved(timeline->lines[i].sent, gone);
	}
	for (unsigned host = 0; host < TIMELINE_HOSTS; host++)
		timeline->retransmit[host] = moved(timeline->retransmit[host], gone);
}

/* The index of a line among those that stay; `place` has where each has gone to. */
static long gone_to(const long *place, long line)
{
	return line == TIMELINE_NONE ? TIMELINE_NONE : place[line];
}

void timeline_keep_conn(struct timeline *timeline, uint32_t conn)
{
	long *const place = malloc((timeline->n + 1) * sizeof *place);
	size_t	    kept = 0;

	if (!place) {
		timeline->no_memory = true;
		return;
	}
	for (size_t i = 0; i < timeline->n; i++)
		place[i] = timeline->lines[i].conn == conn ? (long)kept++ : TIMELINE_NONE;
	for (size_t i = 0; i < timeline->n; i++) {
		if (place[i] == TIMELINE_NONE)
			continue;
		struct timeline_line *const line = &timeline->lines[place[i]];

		*line = timeline->lines[i];
		line->arrived = gone_to(place, line->arrived);
		line->sent = gone_to(place, line->sent);
	}
	timeline->n = kept;
	free(place);
}

bool timeline_in_flight(const struct timeline *timeline)
{
	for (size_t i = 0; i < timeline->n; i++) {
		const struct timeline_line *line = &timeline->lines[i];

		if (line->kind != TIMELINE_SENT || line->arrivals > 0)
			continue;
		if (!line->has_fate || line->arrives != TERN_NEVER)
			return true;
	}
	return false;
}
