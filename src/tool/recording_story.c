/* A recording as a timeline: it is replayed twice. What the link did is not recorded, but which packets came
 * in is, with the link's own number of each (tern_packet.mark): the first time these are gathered, the second
 * time each packet that leaves is told what became of it. */
#include "tool/recording_story.h"
#include "tool/tool.h"
#include <stdlib.h>
#include <tern/record.h>

struct arrival {
	uint64_t  mark;
	tern_time at;
};

struct arrivals {
	struct arrival *all;
	size_t		n, room;
};

struct replaying {
	struct arrivals	    of[TIMELINE_HOSTS]; /* by who sent them */
	uint64_t	    sent[TIMELINE_HOSTS];
	struct timeline_tap tap[TIMELINE_HOSTS];
	unsigned	    host;
	bool		    tells, no_memory, others; /* others: there are more hosts than two */
	bool		    alone;		      /* there is one: the right one, and its peers stand left */
	uint64_t	    n_alone;		      /* segments of both directions */
};

static void on_input(void *context, uint64_t number, unsigned host, enum tern_record_op op, tern_time now)
{
	struct replaying *const replaying = context;
	struct timeline_tap    *tap;

	(void)number;
	replaying->host = host;
	if (host >= TIMELINE_HOSTS) {
		replaying->others = true;
		return;
	}
	tap = &replaying->tap[host];
	if (!replaying->tells || now == TERN_NEVER)
		return;
	if (replaying->alone)
		host = 1;
	switch (op) {
	case TERN_RECORD_CONNECT: timeline_call(tap->timeline, host, now, NULL, "connect()"); break;
	case TERN_RECORD_LISTEN: timeline_call(tap->timeline, host, now, NULL, "listen()"); break;
	case TERN_RECORD_SHUTDOWN: timeline_call(tap->timeline, host, now, NULL, "shutdown()"); break;
	case TERN_RECORD_CLOSE: timeline_call(tap->timeline, host, now, NULL, "close()"); break;
	case TERN_RECORD_ABORT: timeline_call(tap->timeline, host, now, NULL, "abort()"); break;
	default: break;
	}
}

static void gather(struct replaying *replaying, unsigned from, uint64_t mark, tern_time at)
{
	struct arrivals *const to = &replaying->of[from];

	if (to->n == to->room) {
		const size_t	      more = to->room ? 2 * to->room : 256;
		struct arrival *const moved = realloc(to->all, more * sizeof *moved);

		if (!moved) {
			replaying->no_memory = true;
			return;
		}
		to->all = moved;
		to->room = more;
	}
	to->all[to->n++] = (struct arrival){ mark, at };
}

static int by_mark(const void *a, const void *b)
{
	const struct arrival *const x = a, *const y = b;

	if (x->mark != y->mark)
		return x->mark < y->mark ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* What became of the sender's packet `mark`. */
static void tell_fate(struct replaying *replaying, unsigned host, uint64_t mark, uint64_t id)
{
	const struct arrivals *const of = &replaying->of[host];
	const tern_packet	     packet = { .id = id };
	size_t			     low = 0, high = of->n;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (of->all[middle].mark < mark)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == of->n || of->all[low].mark != mark) {
		timeline_fate(&replaying->tap[host], mark, &packet, TERN_FATE_LOST, TERN_NEVER);
		return;
	}
	const bool twice = low + 1 < of->n && of->all[low + 1].mark == mark;

	timeline_fate(&replaying->tap[host], mark, &packet,
		      twice ? TERN_FATE_DUPLICATED : TERN_FATE_DELIVERED, of->all[low].at);
}

/* ---- of one host ---- */

/* The peer tells nothing. What came from it, it sent, which is seen; that what is sent to it arrives, at once, is
 * inferred. */
static void tell_alone(struct replaying *replaying, const struct tern_watch_event *event)
{
	struct timeline_tap *const guest = &replaying->tap[0], *const own = &replaying->tap[1];
	struct tern_watch_event	   told = *event, there;
	tern_packet		   packet = { .id = ++replaying->n_alone };

	if (event->kind == TERN_WATCH_SEGMENT_RX) {
		there = timeline_from_other_end(event, TERN_WATCH_SEGMENT_TX, packet.id);
		there.basis = TERN_BASIS_OBSERVED;
		timeline_watch(guest, &there);
		timeline_fate(guest, packet.id, &packet, TERN_FATE_DELIVERED, event->now);
		told.u.segment.mark = packet.id;
		timeline_watch(own, &told);
	} else if (event->kind == TERN_WATCH_SEGMENT_TX) {
		told.u.segment.id = packet.id;
		timeline_watch(own, &told);
		timeline_fate(own, packet.id, &packet, TERN_FATE_DELIVERED, event->now);
		there = timeline_from_other_end(event, TERN_WATCH_SEGMENT_RX, packet.id);
		there.u.segment.verdict = TERN_VERDICT_ACCEPTED;
		there.basis = TERN_BASIS_INFERRED;
		timeline_watch(guest, &there);
	} else {
		timeline_watch(own, event);
	}
}

/* ---- of two ---- */

static void on_event(void *context, const struct tern_watch_event *event)
{
	struct replaying *const replaying = context;
	const unsigned		host = replaying->host;

	if (host >= TIMELINE_HOSTS)
		return;
	if (!replaying->tells) {
		if (event->kind == TERN_WATCH_SEGMENT_RX)
			gather(replaying, !host, event->u.segment.mark, event->now);
		else if (event->kind == TERN_WATCH_PACKET_DROP)
			gather(replaying, !host, event->u.drop.mark, event->now);
		return;
	}
	if (replaying->alone) {
		tell_alone(replaying, event);
		return;
	}
	timeline_watch(&replaying->tap[host], event);
	if (event->kind == TERN_WATCH_SEGMENT_TX)
		tell_fate(replaying, host, ++replaying->sent[host], event->u.segment.id);
}

int recording_story_read(struct recording_story *story, const char *path, uint64_t to,
			 struct tern_replay_result *result)
{
	struct replaying	   replaying = { .tap = { { &story->timeline, 0 }, { &story->timeline, 1 } } };
	struct tern_replay_options options = { .input = on_input,
					       .context = &replaying,
					       .watcher = { on_event, &replaying } };

	*story = (struct recording_story){ .others = false };
	timeline_init(&story->timeline, "client", "server");
	int error = tern_replay(path, &options, result);

	for (unsigned host = 0; host < TIMELINE_HOSTS; host++)
		if (replaying.of[host].n > 0)
			qsort(replaying.of[host].all, replaying.of[host].n, sizeof *replaying.of[host].all, by_mark);
	replaying.tells = true;
	replaying.alone = result->hosts == 1;
	if (replaying.alone) {
		timeline_done(&story->timeline);
		timeline_init(&story->timeline, "guest", "tern");
	}
	options.to = to;
	if (error == 0)
		error = tern_replay(path, &options, result);
	for (unsigned host = 0; host < TIMELINE_HOSTS; host++)
		free(replaying.of[host].all);
	story->others = replaying.others;
	return replaying.no_memory || story->timeline.no_memory ? -TERN_ENOMEM : error;
}

void recording_story_done(struct recording_story *story)
{
	timeline_done(&story->timeline);
}

int recording_verdict(const char *command, const char *path, const struct tern_replay_result *result)
{
	if (!result->identical)
		return tool_failed(command,
				   "%s: this tern does not do what was recorded (%s): what stands here is its own",
				   path, result->message);
	if (result->cut)
		return tool_failed(command, "%s: %s: how it went on is not known", path, result->message);
	return TOOL_OK;
}
