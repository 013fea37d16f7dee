/* A history as JSON lines: its events are had again in their order by what writes them for a live gateway. */
#include "watch/history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "watch/history_inner.h"
#include "watch/label.h"
#include "watch/live.h"

/* An event, or where event is NULL what was left out of a connection. */
struct telling {
	uint64_t		       order;
	const struct tern_watch_event *event;
	const struct history_conn     *conn;
};

static int by_order(const void *a, const void *b)
{
	const struct telling *const x = a, *const y = b;

	return x->order < y->order ? -1 : x->order > y->order;
}

static size_t gather(const struct history *history, const struct history_conn *conn, struct telling *to)
{
	size_t n = 0;

	if (conn->left_out > 0)
		to[n++] = (struct telling){ conn->order, NULL, conn };
	for (uint32_t b = conn->first; b != HISTORY_NONE; b = history->blocks[b].next)
		for (uint32_t i = 0; i < history->blocks[b].n; i++)
			to[n++] = (struct telling){ history->blocks[b].order[i], &history->blocks[b].events[i], conn };
	return n;
}

static void tell_conn(FILE *to, uint32_t number, const struct history_conn *conn)
{
	char here[56], there[56];

	label_endpoint(here, &conn->tuple.local, conn->tuple.local_port);
	label_endpoint(there, &conn->tuple.remote, conn->tuple.remote_port);
	fprintf(to,
		"{\"v\":1,\"ev\":\"connection\",\"conn\":%" PRIu32
		",\"ends\":[\"%s\",\"%s\"],\"left_out\":%" PRIu64 "}\n",
		number, there, here, conn->left_out);
}

static void tell_left_out(FILE *to, uint32_t number, const char *self, const struct history_conn *conn,
			  tern_time origin)
{
	fprintf(to,
		"{\"v\":1,\"t\":%" PRId64 ",\"host\":\"%s\",\"conn\":%" PRIu32 ",\"ev\":\"folded\",\"until\":%" PRId64
		",\"segments\":%" PRIu64 ",\"octets\":%" PRIu64 ",\"again\":%" PRIu32 ",\"lost\":0}\n",
		conn->from - origin, self, number, conn->until - origin, conn->segments, conn->octets, conn->again);
}

static void tell(struct live *live, const struct telling *one, const char *self, tern_time origin)
{
	if (!one->event) {
		const uint32_t number = conns_current(&live->timeline.conns, &one->conn->tuple);
		tell_left_out(live->json, number, self, one->conn, origin);
		return;
	}
	struct tern_watch_event event = *one->event;

	event.now -= origin;
	if (event.kind == TERN_WATCH_TIMER && event.u.timer.action == TERN_TIMER_SET &&
	    event.u.timer.deadline != TERN_NEVER)
		event.u.timer.deadline -= origin;
	live_event(live, &event);
}

static bool tell_all(const struct telling *all, size_t n, const char *peer, const char *self, FILE *to,
		     const struct history *history, tern_time origin)
{
	struct live *const live = calloc(1, sizeof *live);
	bool		   whole;

	if (!live)
		return false;
	live_init(live, NULL, to, &(struct live_options){ .columns = 100 }, peer, self);
	for (size_t i = 0; i < n; i++)
		tell(live, &all[i], self, origin);
	for (unsigned list = 0; list < 2; list++)
		for (uint32_t i = history->lists[list].oldest; i != HISTORY_NONE; i = history->conns[i].newer) {
			const uint32_t number = conns_current(&live->timeline.conns, &history->conns[i].tuple);
			if (number > 0)
				tell_conn(to, number, &history->conns[i]);
		}
	whole = !live->timeline.no_memory;
	live_done(live);
	free(live);
	return whole;
}

bool history_tell(const struct history *history, const char *peer, const char *self, FILE *to, tern_time *origin)
{
	struct history_told told;
	size_t		    n = 0;

	history_count(history, &told);
	struct telling *const all = malloc(((size_t)told.events + told.connections + 1) * sizeof *all);

	if (!all)
		return false;
	for (unsigned list = 0; list < 2; list++)
		for (uint32_t i = history->lists[list].oldest; i != HISTORY_NONE; i = history->conns[i].newer)
			n += gather(history, &history->conns[i], all + n);
	qsort(all, n, sizeof *all, by_order);
	*origin = 0;
	for (size_t i = n; i > 0; i--)
		*origin = all[i - 1].event ? all[i - 1].event->now : *origin;
	const bool whole = tell_all(all, n, peer, self, to, history, *origin);

	free(all);
	return whole;
}
