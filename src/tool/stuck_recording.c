/* tern stuck, of a recording: the run is had again up to an input, and both hosts are asked. */
#include "base/bytes.h"
#include "record/format.h"
#include "tool/recording_story.h"
#include "tool/stuck.h"
#include "tool/tool.h"
#include "watch/conns.h"
#include "watch/label.h"
#include "wire/tuple.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tern/tern.h>

/* One end of a connection at the moment that is looked at. */
struct end {
	struct tern_tuple  tuple;
	unsigned	   host;
	bool		   is_told;
	char		   name[16]; /* of the host */
	struct stuck_facts facts;
};

/* When something new was last sent or acknowledged, by connection number. */
struct moved {
	tern_time at;
	uint32_t  ack[2];
};

struct replaying {
	struct conns  conns;
	struct moved *moved;
	size_t	      moved_room;
	struct end   *ends;
	size_t	      n, room;
	tern_time     now;
	bool	      no_memory;
};

/* Makes room for one more of size `size`; false: no memory. */
static bool make_room(void **array, size_t *room, size_t wanted, size_t size)
{
	size_t more = *room > 0 ? *room : 16;

	while (more < wanted)
		more *= 2;
	if (more == *room)
		return true;
	void *const moved = realloc(*array, more * size);

	if (!moved)
		return false;
	memset((char *)moved + *room * size, 0, (more - *room) * size);
	*array = moved;
	*room = more;
	return true;
}

/* ---- as it runs ---- */

static void on_input(void *context, uint64_t number, unsigned host, enum tern_record_op op, tern_time now)
{
	struct replaying *const replaying = context;

	(void)number;
	(void)host;
	(void)op;
	replaying->now = now > replaying->now ? now : replaying->now;
}

/* Which of the two ends tells: as conns.h orders them. */
static unsigned end_of(const struct tern_tuple *tuple)
{
	const int order = memcmp(tuple->local.b, tuple->remote.b, sizeof tuple->local.b);

	return order > 0 || (order == 0 && tuple->local_port > tuple->remote_port);
}

static void on_event(void *context, const struct tern_watch_event *event)
{
	struct replaying *const		       replaying = context;
	const uint32_t			       number = conns_number(&replaying->conns, event);
	const struct tern_watch_segment *const segment = &event->u.segment;

	if (number == 0 || (event->kind != TERN_WATCH_SEGMENT_TX && event->kind != TERN_WATCH_STATE))
		return;
	if (!make_room((void **)&replaying->moved, &replaying->moved_room, number + 1, sizeof *replaying->moved)) {
		replaying->no_memory = true;
		return;
	}
	struct moved *const moved = &replaying->moved[number];
	const bool	    is_state = event->kind == TERN_WATCH_STATE;
	const unsigned	    end = end_of(&event->tuple);

	const bool	    is_new = segment->len > 0 || segment->ack != moved->ack[end];

	if (!is_state && (segment->retransmitted || segment->probe || !is_new))
		return;
	moved->at = event->now;
	if (!is_state)
		moved->ack[end] = segment->ack;
}

/* ---- what is there ---- */

static void add(struct replaying *replaying, unsigned host, const char *name, const struct tern_tuple *tuple,
		const struct stuck_facts *facts)
{
	if (!make_room((void **)&replaying->ends, &replaying->room, replaying->n + 1, sizeof *replaying->ends)) {
		replaying->no_memory = true;
		return;
	}
	struct end *const end = &replaying->ends[replaying->n++];
	const uint32_t	  number = conns_current(&replaying->conns, tuple);

	*end = (struct end){ .tuple = *tuple, .host = host, .facts = *facts };
	(void)snprintf(end->name, sizeof end->name, "%s", name);
	if (number > 0 && number < replaying->moved_room)
		end->facts.idle = replaying->now - replaying->moved[number].at;
}

static void add_status(struct replaying *replaying, unsigned host, const char *name, const struct tern_status *status,
		       bool held)
{
	struct stuck_facts facts;

	if (status->state == TERN_STATE_CLOSED)
		return;
	stuck_facts_of(&facts, status, replaying->now);
	facts.held = held;
	add(replaying, host, name, &status->tuple, &facts);
}

static void on_host(void *context, unsigned number, const char *name, tern_host *host)
{
	struct replaying *const replaying = context;
	struct tern_status	status;
	struct tern_entry	entry;
	tern_socket		socket;
	uint64_t		cursor = 0;

	while (tern_host_each(host, &cursor, &socket))
		if (tern_status(host, socket, &status) == 0)
			add_status(replaying, number, name, &status, true);
	cursor = 0;
	while (tern_host_each_orphan(host, &cursor, &status))
		add_status(replaying, number, name, &status, false);
	cursor = 0;
	while (tern_host_each_entry(host, &cursor, &entry)) {
		const struct tern_status bare = { .state = entry.state,
						  .tuple = entry.tuple,
						  .snd_wnd = 1,
						  .retransmit_at = TERN_NEVER,
						  .persist_at = TERN_NEVER,
						  .delayed_ack_at = TERN_NEVER,
						  .keepalive_at = TERN_NEVER,
						  .user_timeout_at = TERN_NEVER,
						  .orphan_at = TERN_NEVER,
						  .time_wait_at = entry.until };

		add_status(replaying, number, name, &bare, false);
	}
}

/* ---- telling ---- */

static bool are_one(const struct end *a, const struct end *b)
{
	return a->host != b->host && a->tuple.local_port == b->tuple.remote_port &&
	       a->tuple.remote_port == b->tuple.local_port && addr_equal(&a->tuple.local, &b->tuple.remote) &&
	       addr_equal(&a->tuple.remote, &b->tuple.local);
}

static void show(struct stuck_view *view, const struct end *end)
{
	struct stuck_row row = { .source = "recording", .host = end->name, .facts = end->facts };

	(void)label_endpoint(row.local, &end->tuple.local, end->tuple.local_port);
	(void)label_endpoint(row.peer, &end->tuple.remote, end->tuple.remote_port);
	stuck_show(view, &row);
}

/* One line a connection: of the end whose wait is the greater. */
static void show_all(struct stuck_view *view, struct replaying *replaying)
{
	for (size_t i = 0; i < replaying->n; i++) {
		struct end *end = &replaying->ends[i];

		for (size_t k = i + 1; k < replaying->n && !end->is_told; k++) {
			struct end *const other = &replaying->ends[k];

			if (!are_one(end, other))
				continue;
			if (stuck_weight(stuck_kind_of(&other->facts)) > stuck_weight(stuck_kind_of(&end->facts)))
				end->is_told = true; /* in the other's turn */
			else
				other->is_told = true;
		}
		if (!end->is_told)
			show(view, end);
	}
}

bool stuck_is_recording(const char *path)
{
	char	    magic[RECORD_MAGIC] = { 0 };
	FILE *const file = fopen(path, "rb");

	if (!file)
		return false;
	const bool whole = fread(magic, 1, sizeof magic, file) == sizeof magic;

	(void)fclose(file);
	return whole && memcmp(magic, record_magic, sizeof magic) == 0;
}

int stuck_recording(struct stuck_view *view, const char *path)
{
	struct replaying		 replaying = { .n = 0 };
	const struct tern_replay_options options = { .to = view->to,
						     .host = on_host,
						     .input = on_input,
						     .context = &replaying,
						     .watcher = { on_event, &replaying } };
	static struct tern_replay_result result;
	int				 code = TOOL_OK;

	conns_init(&replaying.conns);
	const int error = tern_replay(path, &options, &result);

	if (error == -TERN_ENOMEM || replaying.no_memory)
		code = tool_failed("stuck", "%s: no memory", path);
	else if (error != 0)
		code = tool_wrong("stuck", "%s: %s", path, result.message);
	else if (view->to > result.inputs)
		code = tool_wrong("stuck", "--to: %s has %" PRIu64 " inputs, not %" PRIu64, path, result.inputs,
				  view->to);
	if (code == TOOL_OK) {
		show_all(view, &replaying);
		code = recording_verdict("stuck", path, &result);
	}
	conns_done(&replaying.conns);
	free(replaying.moved);
	free(replaying.ends);
	return code;
}
