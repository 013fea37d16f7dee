/* Memory that is not there. One full run (hosts made, several connections over a link that loses, by
 * listener and simultaneous, half-closed and closed, under load) is played again and again:
 *
 *   one     the n-th allocation of a host fails, for every n of the run
 *   some    it and the next 30, or 300
 *   outage  for some virtual seconds from each of many moments every allocation of a host fails
 *   limit   the host's whole budget is small (tern_config.memory_limit), and the streams are long; from
 *           ENOUGH bytes on nothing is hurt by that
 *
 * What has to hold: a clean error or none at all; nothing leaked; one failure hurts one connection at the
 * most; what is received is right; once memory is back everything ends; every invariant after every call.
 */
#include "support/plan.h"
#include "support/runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { PLAIN, ONE, SOME, OUTAGE, LIMIT };

enum { ENOUGH = 300000 }; /* bytes of a budget with which nothing may go wrong */

struct trial {
	enum kind kind;
	unsigned  host;
	uint64_t  at, count; /* allocation; or millisecond and length; or budget */
};

struct outcome {
	uint64_t calls[2]; /* of the allocator */
	uint64_t failed;
	unsigned talks, errors;
	uint64_t bytes;
	bool	 made, cut_off;
};

static void add_talk(struct talks *talks, unsigned client, bool v6, enum talk_open open, enum talk_end end,
		     tern_time begin, unsigned scale)
{
	const unsigned	 k = talks->n;
	struct talk_plan plan = {
		.client_host = client,
		.v6 = v6,
		.open = open,
		.client_port = (uint16_t)(3000 + k),
		.server_port = (uint16_t)(open == TALK_SIMULTANEOUS ? 1000 + k : 80),
		.begin = begin,
		.clean = true,
	};

	for (unsigned i = 0; i < 2; i++)
		plan.side[i] = (struct talk_plan_side){
			.send_total = (uint64_t)(9000 + 5000 * k * i) * scale,
			.write_min = 100,
			.write_max = 6000,
			.owned = k % 3 == 0 ? 50 : 0,
			.read_max = 5000,
			.read_pause = k % 2 ? 0 : 3 * TERN_MILLISECOND,
		};
	plan.side[k % 2].end = end;
	if (end == TALK_CLOSE)
		plan.side[1 - k % 2].send_total = 0;
	talks_add(talks, &plan);
}

static void hook(struct talks *talks)
{
	const struct trial *const    trial = talks->hook_context;
	struct test_allocator *const allocator = &talks->world->side[trial->host].allocator;
	const tern_time		     at = talks->world->now - talks->start,
			begin = (tern_time)trial->at * TERN_MILLISECOND;
	const bool out = at >= begin && at < begin + (tern_time)trial->count * TERN_MILLISECOND;

	if (trial->kind == OUTAGE)
		allocator->bytes_max = out ? 1 : 0;
	/* With nothing kept in pools every need is an allocation, which can fail. */
	for (unsigned i = 0; i < 2; i++)
		tern_host_trim(talks->world->side[i].host);
}

static void settle_settings(struct world_settings *settings, const struct trial *trial, bool verbose)
{
	*settings = (struct world_settings){
		.mtu = { 1500, 1500 },
		.seed = 7,
		.check_every = 1,
		.verbose = verbose,
		.forgiving = true,
	};
	for (unsigned i = 0; i < 2; i++) {
		tern_config_default(&settings->config[i]);
		settings->config[i].packets = 32;
		settings->config[i].msl = 300 * TERN_SECOND;
		settings->config[i].orphan_timeout = 900 * TERN_SECOND;
		settings->config[i].syn_ack_retries = 10;
		settings->cable[i] = (struct cable_settings){
			.delay = 20 * TERN_MILLISECOND,
			.jitter = TERN_MILLISECOND,
			.loss = 1500,
			.reorder = 2000,
			.duplicate = 1000,
			.reorder_delay = 5 * TERN_MILLISECOND,
			.faults_until = 30 * TERN_SECOND,
		};
	}
	if (trial->kind == ONE || trial->kind == SOME) {
		settings->fail_at[trial->host] = trial->at;
		settings->fail_count[trial->host] = trial->count;
	}
	if (trial->kind == LIMIT) {
		settings->config[trial->host].memory_limit = trial->at;
		settings->config[trial->host].memory_reserve = 0; /* a 64th of it */
	}
}

static void play(const struct trial *trial, bool verbose, struct outcome *outcome)
{
	static struct world   world;
	static struct talks   talks;
	struct world_settings settings;

	*outcome = (struct outcome){ .made = false };
	settle_settings(&settings, trial, verbose);
	if (!world_init(&world, &settings))
		return;
	outcome->made = true;
	talks_init(&talks, &world, 11);
	talks.forgiving = trial->kind != PLAIN;
	talks.backlog = 2;
	talks.may_stay = trial->kind == LIMIT && trial->at < ENOUGH;
	/* A small budget is felt by long streams. */
	const unsigned scale = trial->kind == LIMIT ? 20 : 1;

	add_talk(&talks, 0, false, TALK_LISTENER, TALK_SHUTDOWN, 0, scale);
	add_talk(&talks, 1, true, TALK_LISTENER, TALK_WAIT, 0, scale);
	add_talk(&talks, 0, true, TALK_SIMULTANEOUS, TALK_SHUTDOWN, 10 * TERN_MILLISECOND, scale);
	add_talk(&talks, 0, false, TALK_LISTENER, TALK_CLOSE, 10 * TERN_MILLISECOND, scale);
	add_talk(&talks, 0, false, TALK_LISTENER, TALK_SHUTDOWN, 11 * TERN_MILLISECOND, scale);
	add_talk(&talks, 0, false, TALK_LISTENER, TALK_WAIT, 12 * TERN_MILLISECOND, scale);
	talks.hook = hook;
	talks.hook_context = (void *)(uintptr_t)trial;
	talks_run(&talks);
	outcome->talks = talks.n;
	outcome->cut_off = talks.cut_off;
	outcome->errors = talks.errors;
	outcome->bytes = talks.bytes;
	for (unsigned i = 0; i < 2; i++) {
		outcome->calls[i] = world.side[i].allocator.calls;
		outcome->failed += world.side[i].allocator.failed;
	}
	world_done(&world);
}

/* ---- all trials, by number ---- */

enum { OUTAGES = 240, LIMITS = 160, STEP = 7919 };

static struct outcome plain;

static bool trial_of(uint64_t number, struct trial *trial)
{
	static const uint64_t counts[] = { 1, 30, 300 };
	const uint64_t	      all = plain.calls[0] + plain.calls[1];

	if (number < 3 * all) {
		const uint64_t n = number % all;

		trial->count = counts[number / all];
		trial->kind = trial->count == 1 ? ONE : SOME;
		trial->host = n >= plain.calls[0];
		trial->at = (trial->host ? n - plain.calls[0] : n) + 1;
		return true;
	}
	number -= 3 * all;
	if (number < OUTAGES) {
		*trial = (struct trial){ OUTAGE, number % 2, number / 2 * 7, 100 + number * 37 % 4000 };
		return true;
	}
	number -= OUTAGES;
	*trial = (struct trial){ LIMIT, number % 2, 100000 + number / 2 * 8000, 0 };
	return number < LIMITS;
}

static uint64_t trials(void)
{
	return 3 * (plain.calls[0] + plain.calls[1]) + OUTAGES + LIMITS;
}

enum { MORE_FAILED, MORE_HURT, MORE_UNMADE, MORE_ONE_HURT, MORE_CUT_OFF };

static void run(uint64_t seed, bool verbose, struct run_result *result, struct tally *tally)
{
	struct trial   trial;
	struct outcome outcome;

	(void)tally;
	/* Spread out, so that the first tenth of the runs is a tenth of every kind; STEP is a prime. */
	if (!trial_of((seed - 1) * STEP % trials(), &trial))
		world_fail("no trial of this number");
	if (verbose)
		fprintf(stderr, "kind %d, host %u, at %llu, %llu\n", trial.kind, trial.host,
			(unsigned long long)trial.at, (unsigned long long)trial.count);
	play(&trial, verbose, &outcome);
	result->bytes = outcome.bytes;
	result->more[MORE_FAILED] = outcome.failed;
	result->more[MORE_HURT] = outcome.errors;
	result->more[MORE_UNMADE] = !outcome.made;
	result->more[MORE_CUT_OFF] = outcome.cut_off;
	result->more[MORE_ONE_HURT] = trial.kind == ONE ? outcome.errors : 0;
	if (trial.kind == ONE && outcome.errors > 1)
		world_fail("one failed allocation hurt %u connections", outcome.errors);
	if (trial.kind == ONE && outcome.failed != 1)
		world_fail("the allocation that was to fail did not");
	if (trial.kind == LIMIT && trial.at >= ENOUGH && outcome.errors > 0)
		world_fail("a budget of %llu hurt %u connections", (unsigned long long)trial.at,
			   outcome.errors);
	if (trial.kind != LIMIT && !outcome.made)
		world_fail("the host could not be made though memory came back");
}

int main(void)
{
	struct runs	   runs = { .program = "build/release/tests/sim/sim_alloc_failure",
				    .most = true,
				    .seconds = 120, /* sanitizers, and hardly any memory */
				    .run = run };
	const struct trial none = { PLAIN, 0, 0, 0 };

	play(&none, false, &plain);
	runs.count = trials();
	runs_go(&runs);
	printf("a full run: %u connections, %llu bytes of text, %llu and %llu allocations\n", plain.talks,
	       (unsigned long long)plain.bytes, (unsigned long long)plain.calls[0],
	       (unsigned long long)plain.calls[1]);
	printf("%llu of %llu trials; allocations that failed: %llu\n", (unsigned long long)runs.count,
	       (unsigned long long)trials(), (unsigned long long)runs.median.more[MORE_FAILED]);
	printf("connections hurt: %llu, %llu of them by one failure\n",
	       (unsigned long long)runs.median.more[MORE_HURT], (unsigned long long)runs.median.more[MORE_ONE_HURT]);
	printf("hosts whose budget was too small to be made: %llu; to let all be said: %llu\n",
	       (unsigned long long)runs.median.more[MORE_UNMADE], (unsigned long long)runs.median.more[MORE_CUT_OFF]);
	return runs_end(runs.passed, runs.failed);
}
