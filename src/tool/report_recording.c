/* tern report of a recording: it is replayed twice. What the link did is not recorded, but which packets came
 * in is, with the link's own number of each (tern_packet.mark): the first time these are gathered, the second
 * time each packet that leaves is told what became of it. */
#include "record/format.h"
#include "tool/report.h"
#include "tool/tool.h"
#include <stdlib.h>
#include <string.h>
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
	switch (op) {
	case TERN_RECORD_CONNECT: timeline_call(tap->timeline, host, now, NULL, "connect()"); break;
	case TERN_RECORD_LISTEN: timeline_call(tap->timeline, host, now, NULL, "listen()"); break;
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
	timeline_watch(&replaying->tap[host], event);
	if (event->kind == TERN_WATCH_SEGMENT_TX)
		tell_fate(replaying, host, ++replaying->sent[host], event->u.segment.id);
}

bool report_is_recording(const char *path)
{
	char	    magic[RECORD_MAGIC] = { 0 };
	FILE *const file = fopen(path, "rb");

	if (!file)
		return false;
	const bool whole = fread(magic, 1, sizeof magic, file) == sizeof magic;

	(void)fclose(file);
	return whole && memcmp(magic, record_magic, sizeof magic) == 0;
}

static int replay(struct report *report, struct replaying *replaying, const char *path,
		  struct timeline *timeline)
{
	const struct tern_replay_options options = { .input = on_input,
						     .context = replaying,
						     .watcher = { on_event, replaying } };
	static struct tern_replay_result result;
	int				 error = tern_replay(path, &options, &result);

	for (unsigned host = 0; host < TIMELINE_HOSTS; host++)
		if (replaying->of[host].n > 0)
			qsort(replaying->of[host].all, replaying->of[host].n, sizeof *replaying->of[host].all,
			      by_mark);
	replaying->tells = true;
	if (error == 0)
		error = tern_replay(path, &options, &result);
	if (error == -TERN_ENOMEM || replaying->no_memory || timeline->no_memory)
		return tool_failed("report", "%s: no memory", path);
	if (error != 0)
		return tool_wrong("report", "%s: %s", path, result.message);
	if (replaying->others)
		return tool_failed("report", "%s: more than two hosts: a page shows two", path);
	snprintf(report->own_title, sizeof report->own_title, "%s",
		 result.command[0] ? result.command : path);
	error = report_tell(report, &(struct report_telling){ timeline, NULL, NULL });
	if (error != 0)
		return tool_failed("report", "%s: cannot be drawn: %s", path, tern_strerror(error));
	return result.identical ? TOOL_OK
				: tool_failed("report",
					      "%s: this tern does not do what was recorded (%s): what stands "
					      "in the page is its own",
					      path, result.message);
}

int report_recording(struct report *report, const char *path)
{
	struct timeline	 timeline;
	struct replaying replaying = { .tap = { { &timeline, 0 }, { &timeline, 1 } } };

	report->source = "record";
	timeline_init(&timeline, "client", "server");
	const int code = replay(report, &replaying, path, &timeline);

	timeline_done(&timeline);
	for (unsigned host = 0; host < TIMELINE_HOSTS; host++)
		free(replaying.of[host].all);
	return code;
}
