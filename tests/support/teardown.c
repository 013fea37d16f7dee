#include "support/teardown_point.h"

#include "host/internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- choices ---- */

static unsigned add(struct action *actions, unsigned n, enum action_kind kind, unsigned host)
{
	actions[n] = (struct action){ kind, host };
	return n + 1;
}

static unsigned call_choices(const struct search *search, unsigned i, struct action *actions, unsigned n)
{
	const struct party *const p = &search->point.party[i];

	if (p->calls_left == 0)
		return n;
	if (p->open && !p->fin_called) {
		n = add(actions, n, ACT_SEND, i);
		n = add(actions, n, ACT_SHUTDOWN, i);
	}
	if (p->open) {
		n = add(actions, n, ACT_CLOSE, i);
		n = add(actions, n, ACT_ABORT, i);
	} else if (p->listens && !p->let_go) {
		n = add(actions, n, ACT_UNLISTEN, i);
	}
	return n;
}

static unsigned choices(const struct search *search, struct action actions[32])
{
	const struct point *const point = &search->point;
	const bool		  timer = search_deadline(search) != TERN_NEVER;
	unsigned		  n = 0;

	for (unsigned i = 0; i < HOSTS; i++)
		n = call_choices(search, i, actions, n);
	for (unsigned i = 0; i < HOSTS; i++) {
		if (point->n[i] == 0)
			continue;
		n = add(actions, n, ACT_DELIVER, i);
		if (point->faults_left == 0)
			continue;
		n = add(actions, n, ACT_LOSE, i);
		n = add(actions, n, ACT_DUPLICATE, i);
		if (point->n[i] > 1)
			n = add(actions, n, ACT_PUT_LAST, i);
	}
	if (point->n[0] + point->n[1] > 0)
		return timer && point->faults_left > 0 ? add(actions, n, ACT_LATE, 0) : n;
	if (timer)
		return add(actions, n, ACT_TIME, 0);
	if (point->party[0].open || point->party[1].open || point->party[0].listens ||
	    point->party[1].listens)
		return add(actions, n, ACT_END, 0);
	return n;
}

/* ---- points that are alike ---- */

static uint64_t mix(uint64_t h, const void *data, size_t n)
{
	const uint8_t *at = data;

	for (; n >= 8; at += 8, n -= 8) {
		uint64_t word;

		memcpy(&word, at, 8);
		h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	for (; n > 0; at++, n--)
		h = (h ^ *at) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 32;
}

static uint64_t mix_word(uint64_t h, uint64_t word)
{
	return mix(h, &word, sizeof word);
}

static uint64_t mix_host(uint64_t h, struct tern_host *host, tern_time now)
{
	uint8_t record[4096];

	for (struct tcb *tcb = tcb_pool_from(&host->blocks, 0); tcb;
	     tcb = tcb_pool_from(&host->blocks, tcb_index(tcb) + 1)) {
		struct tcb_cold *const cold = tcb_cold(tcb);

		/* Mere statistics. */
		cold->segments_in = cold->segments_out = cold->retransmits = 0;
		const size_t n = tcp_pack(tcb, record, sizeof record, now);
		h = mix(h, record, n < sizeof record ? n : sizeof record);
		h = mix_word(h, (uint64_t)tcb->held | (uint64_t)tcb->listening << 1 |
					(uint64_t)tcb->detached << 2);
	}
	for (uint32_t i = half_open_from(&host->half_opens, 0); i != HALF_OPEN_NONE;
	     i = half_open_from(&host->half_opens, i + 1)) {
		const struct half_open *const half = half_open_at(&host->half_opens, i);

		h = mix_word(h, (uint64_t)(half->deadline - now));
		h = mix_word(h, half->u.iss.v ^ (uint64_t)half->irs.v << 32);
		h = mix_word(h, half->ts_recent ^ (uint64_t)half->repeated << 32 ^
					(uint64_t)half->challenges << 40);
	}
	for (uint32_t i = time_wait_from(&host->time_wait, 0); i != TIME_WAIT_NONE;
	     i = time_wait_from(&host->time_wait, i + 1)) {
		struct tcp_time_wait what;

		time_wait_get(&host->time_wait, i, &what);
		h = mix_word(h, (uint64_t)(time_wait_until(&host->time_wait, i) - now));
		h = mix_word(h, what.snd_nxt.v ^ (uint64_t)what.rcv_nxt.v << 32);
		h = mix_word(h, what.ts_recent);
	}
	return h;
}

static uint64_t hash_of(const struct search *search)
{
	const struct point *const point = &search->point;
	uint64_t		  h = 1;

	for (unsigned i = 0; i < HOSTS; i++) {
		const struct party *const p = &point->party[i];

		h = mix_host(h, search->host[i], point->now) + i;
		h = mix_word(h, (uint64_t)p->open | (uint64_t)p->listens << 1 | (uint64_t)p->let_go << 2 |
					(uint64_t)p->fin_called << 3 | (uint64_t)p->aborted << 4 |
					(uint64_t)p->eof << 5 | (uint64_t)p->early << 6 |
					(uint64_t)p->refused << 7 | (uint64_t)p->calls_left << 8);
		h = mix_word(h, p->sent | (uint64_t)p->received << 32);
		h = mix_word(h, (uint64_t)p->error);
		h = mix_word(h, point->n[i]);
		for (unsigned k = 0; k < point->n[i]; k++)
			h = mix(h, point->wire[i][k].bytes, point->wire[i][k].len);
	}
	if (point->party[0].let_go && point->party[1].let_go)
		h = mix_word(h, (uint64_t)(point->now - point->let_go_at)); /* the bound counts from there */
	return mix_word(h, point->faults_left) | 1;
}

static bool is_new(struct search *search)
{
	const uint64_t mask = (UINT64_C(1) << search->seen_bits) - 1, h = hash_of(search);

	for (uint64_t at = h >> 20;; at++) {
		uint64_t *const slot = &search->seen[at & mask];

		if (*slot == h)
			return false;
		if (*slot == 0) {
			*slot = h;
			search_need(search, ++search->result->points < mask / 4 * 3,
				    "more points than the table holds");
			return true;
		}
	}
}

/* ---- the end of a path ---- */

/* Whether this end may have cost the other one octets or an error. */
static bool was_rude(const struct party *p, const struct party *peer)
{
	if (p->aborted || p->refused)
		return true;
	if (!p->early)
		return false;
	/* Text that came after it let go; or its FIN-WAIT-2 was given up before the peer's FIN. */
	return peer->sent != p->received || peer->fin_at - p->let_go_at >= ORPHAN;
}

static void check_streams(const struct search *search)
{
	const struct party *const p = search->point.party;
	bool			  may_lose = search->job->kind == TEARDOWN_REFUSED;

	for (unsigned i = 0; i < HOSTS; i++)
		may_lose |= was_rude(&p[i], &p[1 - i]);
	for (unsigned i = 0; i < HOSTS && !may_lose; i++) {
		search_need(search, p[i].error == 0, "an error, though nobody aborted");
		if (!p[i].early)
			search_need(search, p[i].eof && p[i].received == p[1 - i].sent, "octets were lost");
	}
}

static void end_of_path(struct search *search)
{
	struct teardown_result *const result = search->result;
	const tern_time		      took = search->point.now - search->point.let_go_at;

	result->paths++;
	if (took > result->longest)
		result->longest = took;
	search_need(search, took <= TEARDOWN_BOUND, "CLOSED came too late");
	check_streams(search);
	for (unsigned i = 0; i < HOSTS; i++) {
		struct tern_stats stats;

		tern_host_stats(search->host[i], &stats);
		search_need(search,
			    stats.TernConnections + stats.TernHalfOpen + stats.TernTimeWait +
						    stats.TernListeners ==
					    0 &&
				    stats.CurrEstab == 0,
			    "something is left");
		tern_host_destroy(search->host[i]); /* a snapshot brings it back */
		search_need(search, search->arena[i].n_live == 0, "memory is left");
	}
}

static void explore(struct search *search)
{
	struct action  actions[32];
	const unsigned n = choices(search, actions);

	if (search->depth > search->result->deepest)
		search->result->deepest = search->depth;
	if (n == 0) {
		end_of_path(search);
		return;
	}
	search_need(search, search->depth < DEPTH_MAX, "a path without end");
	if (!search->frames[search->depth])
		search->frames[search->depth] = calloc(1, sizeof(struct frame));
	struct frame *const frame = search->frames[search->depth];

	for (unsigned i = 0; i < HOSTS; i++)
		arena_save(&search->arena[i], &frame->snapshot[i]);
	frame->point = search->point;
	for (unsigned k = 0; k < n; k++) {
		if (k > 0) {
			for (unsigned i = 0; i < HOSTS; i++)
				arena_restore(&search->arena[i], &frame->snapshot[i]);
			search->point = frame->point;
		}
		frame->taken = actions[k];
		search->depth++;
		search_act(search, &actions[k]);
		if (is_new(search))
			explore(search);
		search->depth--;
	}
}

/* ---- beginnings ---- */

static void open_party(struct search *search, unsigned i)
{
	static const uint16_t  port[HOSTS] = { 4000, 80 };
	struct party *const    p = &search->point.party[i];
	const struct tern_open open = {
		.local = { .addr = search->addr[i], .port = port[i] },
		.remote = { .addr = search->addr[1 - i], .port = port[1 - i] },
	};

	search_need(search, tern_connect(search->host[i], &open, &p->socket) == 0, "tern_connect");
	(void)tern_option_set(search->host[i], p->socket, TERN_NODELAY, 1);
	p->open = true;
}

static void begin(struct search *search)
{
	const struct teardown_job *const job = search->job;
	const struct tern_listen	 listen = { .local = { .addr = search->addr[1], .port = 80 } };
	struct party *const		 server = &search->point.party[1];

	if (job->kind == TEARDOWN_ESTABLISHED || job->kind == TEARDOWN_OPENING) {
		search_need(search, tern_listen(search->host[1], &listen, &server->listener) == 0,
			    "tern_listen");
		server->listens = true;
	}
	open_party(search, 0);
	if (job->kind == TEARDOWN_SIMULTANEOUS)
		open_party(search, 1);
	search_settle(search);
	while (job->kind == TEARDOWN_ESTABLISHED && search->point.n[0] + search->point.n[1] > 0)
		search_act(search, &(struct action){ ACT_DELIVER, search->point.n[0] == 0 });
	for (unsigned i = 0; i < HOSTS; i++)
		search->point.party[i].calls_left = job->calls[i];
	search->point.faults_left = job->faults;
}

void teardown_search(const struct teardown_job *job, unsigned seen_bits, struct teardown_result *result)
{
	static struct search search;

	search = (struct search){ .job = job, .result = result, .seen_bits = seen_bits };
	search.seen = calloc(UINT64_C(1) << seen_bits, sizeof *search.seen);
	for (unsigned i = 0; i < HOSTS; i++) {
		arena_init(&search.arena[i], ARENA_ROOM);
		search_make_host(&search, i);
	}
	begin(&search);
	(void)is_new(&search);
	explore(&search);
	for (unsigned i = 0; i < DEPTH_MAX && search.frames[i]; i++) {
		free(search.frames[i]->snapshot[0].bytes);
		free(search.frames[i]->snapshot[1].bytes);
		free(search.frames[i]);
	}
	arena_done(&search.arena[0]);
	arena_done(&search.arena[1]);
	free(search.seen);
}
