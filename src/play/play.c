#include "play/play.h"

#include "base/bytes.h"
#include "base/siphash.h"
#include "wire/tuple.h"

enum {
	BATCH = 64,
	STUCK = 1000,
	ROUNDS = 1 << 20,	   /* at one moment */
	HEADERS_FIRST = 64,
	MEMORY = 64 << 20,	   /* of a host */
	BUFFER_MAX = 4 << 20,	   /* so that what is kept of text never comes near it */
};

static const char *const names[PLAY_SIDES] = { "client", "server" };

/* ---- what the path tells ---- */

static bool keep_headers(struct play_side *at, uint64_t n, const uint8_t *bytes, uint32_t len)
{
	const struct tern_allocator *const allocator = &at->play->allocator;

	if (n > at->n_headers) {
		const size_t more = at->n_headers ? 2 * at->n_headers : HEADERS_FIRST;
		struct play_headers *const room =
			allocator->alloc(allocator->context, more * sizeof *room, _Alignof(struct play_headers));
		if (!room)
			return false;
		if (at->n_headers) {
			memcpy(room, at->headers, at->n_headers * sizeof *room);
			allocator->free(allocator->context, at->headers, at->n_headers * sizeof *room);
		}
		memset(room + at->n_headers, 0, (more - at->n_headers) * sizeof *room);
		at->headers = room;
		at->n_headers = more;
	}
	struct play_headers *const headers = &at->headers[n - 1];
	const uint32_t ip = bytes[0] >> 4 == 6 ? 40 : (bytes[0] & 15u) * 4;
	const uint32_t tcp = len >= ip + 20 ? (bytes[ip + 12] >> 4) * 4u : 0;
	headers->n = (uint8_t)min_u32(min_u32(ip + tcp, len), PATH_HEADERS);
	memcpy(headers->bytes, bytes, headers->n);
	return true;
}

/* Chained, so that it hangs on their order too. */
static void sent(void *context, uint64_t n, const uint8_t *bytes, uint32_t len)
{
	struct play_side *const at = context;
	struct play *const play = at->play;
	uint8_t head[16];

	put64(head, (uint64_t)play->now);
	put32(head + 8, at->tap.host);
	put32(head + 12, len);
	const struct siphash_key key = { play->digest, siphash13(&(struct siphash_key){ 0, 0 }, head, sizeof head) };
	play->digest = siphash13(&key, bytes, len);
	play->packets++;
	if (!keep_headers(at, n, bytes, len))
		play->problem = "no memory";
}

static void fate(void *context, uint64_t n, const tern_packet *packet, enum tern_fate befell, tern_time arrives)
{
	struct play_side *const at = context;

	timeline_fate(&at->tap, n, packet, befell, arrives);
}

/* ---- making it ---- */

static void configure(const struct play *play, unsigned side, struct tern_config *config)
{
	const struct play_share *const share = &play->share;

	tern_config_default(config);
	uint64_t random = share->seed ^ (side + 1) * UINT64_C(0x5851f42d4c957f2d);
	for (unsigned i = 0; i < sizeof config->secret; i += 8)
		put64(config->secret + i, splitmix64(&random));
	config->allocator = play->allocator;
	config->watcher = (struct tern_watcher){ timeline_watch, (void *)&play->side[side].tap };
	config->memory_limit = MEMORY;
	config->receive_buffer_max = config->send_buffer_max = BUFFER_MAX;
	config->connections_max = 1024;
	config->msl = share->msl * TERN_SECOND;
	config->no_sack = !share->sack;
	config->no_timestamps = !share->ts;
	config->no_ecn = share->ecn == 0;
	config->ecn = share->ecn == 2 ? TERN_ECN_ACCURATE : TERN_ECN_ON;
	if (share->buffer) {
		config->receive_buffer = config->receive_buffer_max = share->buffer;
		config->no_receive_tuning = true;
	}
}

static int connect_host(struct play *play, unsigned side)
{
	struct play_side *const at = &play->side[side];
	const bool v6 = play->share.ip == 6;
	const struct tern_link_config link = { .mtu = play->share.mtu };
	int error = tern_host_add_link(at->host, &link, &at->link);

	at->addr = v6 ? (struct tern_addr){ { [0] = 0xfd, [15] = (uint8_t)(1 + side) } }
		      : addr_v4(UINT32_C(0x0a000001) + side);
	if (error == 0)
		error = tern_host_add_address(at->host, at->link, &at->addr, v6 ? 64 : 24);
	return error;
}

static int create_side(struct play *play, unsigned side)
{
	struct play_side *const at = &play->side[side];
	struct tern_config config;

	at->tap = (struct timeline_tap){ &play->timeline, side };
	at->play = play;
	at->program.reads = true;
	path_init(&at->path, &play->allocator, play->share.mtu, play->share.seed * 2 + side);
	at->path.fate = fate;
	at->path.sent = sent;
	at->path.context = at;
	configure(play, side, &config);
	const int error = tern_host_create(&at->host, &config, 0);
	return error != 0 ? error : connect_host(play, side);
}

int play_create(struct play *play, const struct play_share *share, const struct tern_allocator *allocator)
{
	memset(play, 0, sizeof *play);
	play->allocator = *allocator;
	play->share = *share;
	timeline_init(&play->timeline, names[0], names[1]);
	play->touches = allocator->alloc(allocator->context, PLAY_ACTIONS * sizeof *play->touches,
					 _Alignof(struct play_touch));
	int error = play->touches ? 0 : -TERN_ENOMEM;
	for (unsigned side = 0; side < PLAY_SIDES && error == 0; side++)
		error = create_side(play, side);
	if (error != 0) {
		play_destroy(play);
		return -TERN_ENOMEM; /* all settings are in their ranges */
	}
	play_run(play, 0);
	return 0;
}

void play_destroy(struct play *play)
{
	const struct tern_allocator *const allocator = &play->allocator;

	for (unsigned side = 0; side < PLAY_SIDES; side++) {
		struct play_side *const at = &play->side[side];
		if (at->host)
			tern_host_destroy(at->host);
		if (at->play)
			path_done(&at->path);
		if (at->headers)
			allocator->free(allocator->context, at->headers, at->n_headers * sizeof *at->headers);
	}
	if (play->touches)
		allocator->free(allocator->context, play->touches, PLAY_ACTIONS * sizeof *play->touches);
	timeline_done(&play->timeline);
	memset(play, 0, sizeof *play);
}

/* ---- one moment ---- */

/* What side's peer sent. */
static size_t receive(struct play *play, unsigned side)
{
	tern_packet *batch[BATCH];
	const size_t n = path_receive(&play->side[!side].path, batch, BATCH, play->now);

	for (size_t i = 0; i < n; i++)
		batch[i]->link = play->side[side].link;
	if (n > 0)
		tern_host_input(play->side[side].host, batch, n, play->now);
	return n;
}

static size_t send(struct play *play, unsigned side)
{
	tern_packet *batch[BATCH];
	const size_t n = tern_host_output(play->side[side].host, batch, BATCH, play->now);

	for (size_t i = 0; i < n; i++)
		path_send(&play->side[side].path, batch[i], play->now);
	return n;
}

/* Programs look at levels. */
static size_t forget_events(struct play *play, unsigned side)
{
	struct tern_event event;
	size_t n = 0;

	while (tern_host_event(play->side[side].host, &event))
		n++;
	return n;
}

static bool is_full(struct play *play)
{
	if (play->timeline.no_memory)
		play->problem = "no memory";
	else if (play->timeline.n >= PLAY_LINES && !play->problem)
		play->problem = "the run is full";
	return play->problem != NULL;
}

static void advance(struct play *play)
{
	for (unsigned side = 0; side < PLAY_SIDES; side++)
		tern_host_advance(play->side[side].host, play->now);
}

static bool serve(struct play *play)
{
	bool any = false;
	size_t moved = 1;

	advance(play);
	for (unsigned round = 0; moved > 0 && round < ROUNDS && !is_full(play); round++) {
		moved = 0;
		for (unsigned side = 0; side < PLAY_SIDES; side++)
			moved += receive(play, side);
		for (unsigned side = 0; side < PLAY_SIDES; side++)
			moved += forget_events(play, side);
		for (unsigned side = PLAY_SIDES; side-- > 0;) /* the server first: it listens before it is called */
			moved += program_run(play, side);
		for (unsigned side = 0; side < PLAY_SIDES; side++)
			moved += send(play, side);
		any = any || moved > 0;
	}
	return any;
}

/* When the hosts or the path have something; not the actions. */
static tern_time next_moment(const struct play *play)
{
	tern_time at = TERN_NEVER;

	for (unsigned side = 0; side < PLAY_SIDES; side++) {
		at = min_i64(at, path_deadline(&play->side[side].path));
		at = min_i64(at, tern_host_deadline(play->side[side].host));
	}
	return at;
}

static bool has_action(const struct play *play)
{
	return play->done < play->share.n;
}

tern_time play_next(const struct play *play)
{
	if (play->problem || play->now >= PLAY_LONGEST)
		return TERN_NEVER;
	const tern_time at = next_moment(play);
	return has_action(play) ? min_i64(at, play->share.actions[play->done].at) : at;
}

/* ---- actions ---- */

/* The line of segment n while it is on its way, or NULL. */
static const struct timeline_line *under_way(const struct play *play, uint64_t n, bool *held)
{
	for (size_t i = play->timeline.n; i-- > 0;) {
		const struct timeline_line *const line = &play->timeline.lines[i];
		if (line->kind != TIMELINE_SENT || line->n != n)
			continue;
		return path_is_under_way(&play->side[line->host].path, line->nth, held) ? line : NULL;
	}
	return NULL;
}

static void touch(struct play *play, const struct play_action *action)
{
	bool held;
	const struct timeline_line *const line = under_way(play, action->n, &held);
	struct path *const path = &play->side[line->host].path;
	struct play_touch *const one = &play->touches[play->n_touches++];

	*one = (struct play_touch){ .line = play->timeline.n, .now = play->now, .arrives = TERN_NEVER,
				    .verb = action->verb, .n = line->n, .conn = line->conn, .host = line->host };
	if (action->verb == PLAY_DROP)
		path_drop(path, line->nth);
	else if (action->verb == PLAY_HOLD)
		path_hold(path, line->nth);
	else
		path_release(path, line->nth, one->arrives = play->now);
}

static void set_path(struct path_settings *set, const struct play_action *action)
{
	const uint32_t share = (uint32_t)min_u64(action->n, UINT32_MAX);
	const tern_time time = (tern_time)share * TERN_MICROSECOND;

	switch (action->verb) {
	case PLAY_DELAY: set->delay = time; return;
	case PLAY_JITTER: set->jitter = time; return;
	case PLAY_LOSS: set->loss = share; return;
	case PLAY_DUPLICATE: set->duplicate = share; return;
	case PLAY_CORRUPT: set->corrupt = share; return;
	case PLAY_REORDER: set->reorder = share; return;
	case PLAY_RATE: set->rate = action->n; return;
	case PLAY_LIMIT: set->limit = share; return;
	default: return;
	}
}

bool play_may(const struct play *play, const struct play_action *action)
{
	bool held = false;

	if (play->problem || play->now >= PLAY_LONGEST)
		return false;
	if (action->verb >= PLAY_DELAY && action->verb <= PLAY_LIMIT)
		return true;
	if (action->verb >= PLAY_DROP)
		return under_way(play, action->n, &held) &&
		       (action->verb == PLAY_DROP || held == (action->verb == PLAY_RELEASE));
	for (unsigned side = 0; side < PLAY_SIDES; side++)
		if ((action->who == side || action->who == PLAY_BOTH) && !program_may(play, side, action))
			return false;
	return true;
}

static void perform(struct play *play, const struct play_action *action)
{
	advance(play);
	if (action->verb >= PLAY_DROP) {
		touch(play, action);
	} else {
		for (unsigned side = 0; side < PLAY_SIDES; side++) {
			if (action->who != side && action->who != PLAY_BOTH)
				continue;
			if (action->verb >= PLAY_DELAY)
				set_path(&play->side[side].path.set, action);
			else
				program_act(play, side, action);
		}
	}
	(void)serve(play);
}

/* ---- time ---- */

static void look_at_sum(struct play *play)
{
	const struct play_share *const share = &play->share;

	if (share->has_sum && !play->branched && play->check == PLAY_UNKNOWN)
		play->check = share->sum == play->digest ? PLAY_IDENTICAL : PLAY_DIFFERENT;
}

/* All up to then. What is due at the time of an action goes before it. */
static void run_to(struct play *play, tern_time until)
{
	unsigned stuck = 0;

	while (!is_full(play)) {
		const tern_time moment = next_moment(play);
		const tern_time at = has_action(play) ? play->share.actions[play->done].at : TERN_NEVER;
		if (min_i64(moment, at) > until)
			break;
		if (at < moment) {
			const struct play_action *const action = &play->share.actions[play->done];
			play->now = max_i64(play->now, at);
			if (play_may(play, action))
				perform(play, action);
			play->done++;
			stuck = 0;
			continue;
		}
		stuck = moment > play->now ? 0 : stuck + 1;
		play->now = max_i64(play->now, moment);
		if (!serve(play) && stuck > STUCK)
			play->problem = "something is due, but nothing comes of it";
	}
	if (!play->problem)
		play->now = max_i64(play->now, until);
}

void play_run(struct play *play, tern_time until)
{
	const tern_time end = play->share.to;

	until = min_i64(until, PLAY_LONGEST);
	if (play->share.has_to && play->now <= end && until >= end && !play->branched) {
		run_to(play, end);
		look_at_sum(play);
	}
	run_to(play, until);
}

static tern_time whole_microsecond(tern_time t)
{
	return (t + TERN_MICROSECOND - 1) / TERN_MICROSECOND * TERN_MICROSECOND;
}

int play_act(struct play *play, const struct play_action *action)
{
	struct play_share *const share = &play->share;

	play_run(play, whole_microsecond(play->now));
	if (!play_may(play, action))
		return -TERN_EINVAL;
	if (play->done == PLAY_ACTIONS)
		return -TERN_ENOMEM;
	share->actions[play->done] = *action;
	share->actions[play->done].at = play->now;
	share->n = ++play->done;
	play->branched = true;
	perform(play, &share->actions[play->done - 1]);
	return 0;
}

void play_shared(struct play *play, struct play_share *share)
{
	play_run(play, whole_microsecond(play->now));
	*share = play->share;
	share->n = play->done;
	share->to = whole_microsecond(play->now); /* a run that is full stands between two */
	share->sum = play->digest;
	share->has_to = share->has_sum = true;
}

/* ---- looking ---- */

static bool is_entry(const struct play *play, unsigned side, enum tern_state *state)
{
	struct tern_entry entry;
	uint64_t cursor = 0;
	bool any = false;

	while (tern_host_each_entry(play->side[side].host, &cursor, &entry)) {
		*state = entry.state;
		any = true;
	}
	return any;
}

enum tern_state play_state(const struct play *play, unsigned side, struct tern_status *status)
{
	const struct play_side *const at = &play->side[side];
	enum tern_state state = at->program.listens ? TERN_STATE_LISTEN : TERN_STATE_CLOSED;
	tern_socket socket;
	uint64_t cursor = 0;

	if (at->program.has_socket && tern_status(at->host, at->program.socket, status) == 0)
		return status->state;
	cursor = 0;
	if (tern_host_each_orphan(at->host, &cursor, status))
		return status->state;
	cursor = 0; /* established, and not accepted yet */
	while (tern_host_each(at->host, &cursor, &socket))
		if (tern_status(at->host, socket, status) == 0 && status->state >= TERN_STATE_SYN_SENT)
			return status->state;
	memset(status, 0, sizeof *status);
	(void)is_entry(play, side, &state);
	return state;
}
