/* Seeded worlds: two hosts, an impaired link, programs of every manner.
 *
 *   TERN_SIM_RUNS=N   so many runs instead of 10,000
 *   TERN_SIM_SEED=N   this one run, every event on stderr, every invariant after every call
 *
 * What holds in every run stands in support/talk.h and support/sim_world.h.
 */
#include "host/internal.h"
#include "support/plan.h"
#include "support/runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MORE_UNCLEAN, MORE_SIMULTANEOUS, MORE_WATCHDOGS, MORE_CHECKS, MORE_STRAYS, MORE_MARKED, MORE_TAKEN };

/* Puts the start of the clock where the first talk's sequence numbers wrap early in it. */
static tern_time start_before_wrap(struct chance *chance, const struct world *world,
				   const struct talks *talks)
{
	const struct talk_plan *const plan = &talks->talk[0].plan;
	const unsigned		      side = chance_percent(chance, 50);
	const unsigned		      host = side ? 1 - plan->client_host : plan->client_host;
	const uint16_t		      port[2] = { plan->client_port, plan->server_port };
	const struct tern_tuple	      tuple = {
		      .local = plan->v6 ? world->side[host].v6 : world->side[host].v4,
		      .remote = plan->v6 ? world->side[1 - host].v6 : world->side[1 - host].v4,
		      .local_port = port[side],
		      .remote_port = port[1 - side],
	};
	const uint32_t	isn = tcp_isn(&world->side[host].host->env, &tuple, 0).v;
	const uint32_t	ahead = (uint32_t)chance_scale(chance, 1, 100000);
	const tern_time delay = side ? world->settings.cable[1 - host].delay : 0;
	const tern_time at = (tern_time)(UINT32_MAX - isn - ahead) * 4 * TERN_MICROSECOND - delay;

	return at > 0 && plan->client_port != 0 ? at : world->now;
}

static void run(uint64_t seed, bool verbose, struct run_result *result, struct tally *tally)
{
	static struct world   world;
	static struct talks   talks;
	struct chance	      chance = { seed * UINT64_C(0x2545f4914f6cdd1d) };
	struct world_settings settings = {
		.check_every = verbose || seed % 10 == 0 ? 1 : 97,
		.watch = seed % 4 == 0,
		.verbose = verbose,
	};
	struct plan plan;

	plan_world(&chance, &settings, &plan);
	const struct chance here = chance;
	for (unsigned pass = 0; pass < 2; pass++) { /* the first only to know the ports and the secrets */
		chance = here;
		(void)world_init(&world, &settings);
		talks_init(&talks, &world, chance_next(&chance));
		plan_talks(&chance, &talks, &plan);
		if (pass == 1 || !chance_percent(&chance, 30))
			break;
		const tern_time moved = start_before_wrap(&chance, &world, &talks) - settings.start;
		settings.start += moved;
		settings.cable[0].faults_until += moved;
		settings.cable[1].faults_until += moved;
		world_done(&world);
	}
	for (unsigned k = 0; verbose && k < talks.n; k++)
		talk_print(&talks.talk[k].plan);
	talks_run(&talks);
	result->bytes = talks.bytes;
	result->faults = cable_faults(&world.side[0].out) + cable_faults(&world.side[1].out);
	result->packets = world.packets;
	result->more[MORE_MARKED] = world.side[0].out.counts.marked + world.side[1].out.counts.marked;
	for (unsigned k = 0; k < talks.n; k++) {
		result->more[MORE_UNCLEAN] += !talks.talk[k].plan.clean;
		result->more[MORE_SIMULTANEOUS] += talks.talk[k].plan.open == TALK_SIMULTANEOUS;
	}
	result->more[MORE_WATCHDOGS] = talks.watchdogs;
	result->more[MORE_CHECKS] = world.checks;
	result->more[MORE_STRAYS] = talks.strays;
	result->more[MORE_TAKEN] = talks.taken;
	world_done(&world);
	tally_add(tally, &world.tally);
}

int main(void)
{
	struct runs runs = { .program = "build/release/tests/sim/sim_random", .count = 10000, .run = run };

	runs_go(&runs);
	printf("%llu runs, medians: %llu bytes of text, %llu faults, %llu packets\n",
	       (unsigned long long)runs.count, (unsigned long long)runs.median.bytes,
	       (unsigned long long)runs.median.faults, (unsigned long long)runs.median.packets);
	printf("talks that were not clean %llu, simultaneous opens %llu, given up by their program %llu, strays %llu\n",
	       (unsigned long long)runs.median.more[MORE_UNCLEAN],
	       (unsigned long long)runs.median.more[MORE_SIMULTANEOUS],
	       (unsigned long long)runs.median.more[MORE_WATCHDOGS],
	       (unsigned long long)runs.median.more[MORE_STRAYS]);
	printf("packets marked CE %llu, bytes that passed the receive store by %llu\n",
	       (unsigned long long)runs.median.more[MORE_MARKED], (unsigned long long)runs.median.more[MORE_TAKEN]);
	printf("all invariants checked %llu times; states entered in every fourth run:\n",
	       (unsigned long long)runs.median.more[MORE_CHECKS]);
	tally_print_states(&runs.tally);
	if (runs.count >= 1000 && runs.median.more[MORE_MARKED] == 0) {
		printf("no packet was marked: ECN was never agreed on\n");
		runs.failed++;
	}
	if (runs.count >= 1000 && runs.median.more[MORE_TAKEN] == 0) {
		printf("no text was taken as it came\n");
		runs.failed++;
	}
	if (runs.count >= 1000 && (runs.median.bytes < 100000 || runs.median.faults < 20)) {
		printf("the median run is too small: 100,000 bytes and 20 faults are asked for\n");
		runs.failed++;
	}
	return runs_end(runs.passed, runs.failed);
}
