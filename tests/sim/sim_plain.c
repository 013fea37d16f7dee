/* Every run twice: watched, where each segment goes through all the steps, and unwatched, where header prediction
 * (src/tcp/arrive_plain.c) does straight what follows of most, and most messages leave straight (emit_plain.c).
 * Nothing differs: both hosts emit the same packets at the same times, bit for bit, count the same, and at random
 * moments every connection packs into the same record.
 */
#include "support/plan.h"
#include "support/runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MORE_RECORDS, MORE_BYTES, RECORD_MAX = 24 << 20 };

struct packer {
	struct chance chance;
	uint64_t      digest, records, bytes;
	unsigned      one_in;
};

static void digest_add(uint64_t *digest, const uint8_t *at, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		uint64_t word = n; /* where fewer than eight are left */

		memcpy(&word, at + i, n - i < 8 ? n - i : 8);
		*digest = (*digest ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		*digest ^= *digest >> 29;
	}
}

static void pack_side(struct packer *packer, struct talks *talks, struct talk_side *side)
{
	static uint8_t	 *record;
	tern_host *const host = talks->world->side[side->host].host;

	if (!record)
		record = malloc(RECORD_MAX);
	if (!side->open || side->done)
		return;
	const ptrdiff_t n = tern_pack(host, side->socket, record, RECORD_MAX);

	if (n <= 0)
		return; /* a buffer is posted, or there is nothing to pack any more: in both worlds alike */
	digest_add(&packer->digest, record, (size_t)n);
	packer->records++;
	packer->bytes += (uint64_t)n;
}

static void hook(struct talks *talks)
{
	struct packer *const packer = talks->hook_context;

	if (chance_below(&packer->chance, packer->one_in) != 0)
		return;
	for (unsigned k = 0; k < talks->n; k++)
		for (unsigned i = 0; i < 2; i++)
			pack_side(packer, talks, &talks->talk[k].side[i]);
}

struct outcome {
	uint64_t	  digest[2], bytes, packets, faults;
	struct packer	  packer;
	struct tern_stats stats[2];
};

static void play(uint64_t seed, bool verbose, bool watched, struct outcome *outcome, struct tally *tally)
{
	static struct world   world;
	static struct talks   talks;
	struct chance	      chance = { seed * UINT64_C(0x8b72e7c5d3f1a64d) };
	struct world_settings settings = { .check_every = 97, .verbose = verbose && watched, .watch = watched };
	struct plan	      plan;

	plan_world(&chance, &settings, &plan);
	(void)world_init(&world, &settings);
	talks_init(&talks, &world, chance_next(&chance));
	plan_talks(&chance, &talks, &plan);
	world.side[0].out.digesting = world.side[1].out.digesting = true;
	outcome->packer = (struct packer){ .chance = { seed }, .one_in = 1 + (unsigned)(seed % 40) };
	talks.hook = hook;
	talks.hook_context = &outcome->packer;
	for (unsigned k = 0; verbose && k < talks.n; k++)
		talk_print(&talks.talk[k].plan);
	talks_run(&talks);
	for (unsigned i = 0; i < 2; i++) {
		outcome->digest[i] = world.side[i].out.digest;
		tern_host_stats(world.side[i].host, &outcome->stats[i]);
	}
	outcome->bytes = talks.bytes;
	outcome->packets = world.packets;
	outcome->faults = cable_faults(&world.side[0].out) + cable_faults(&world.side[1].out);
	tally_add(tally, &world.tally);
	world_done(&world);
}

static void run(uint64_t seed, bool verbose, struct run_result *result, struct tally *tally)
{
	static struct outcome long_way, straight;

	memset(&long_way, 0, sizeof long_way);
	memset(&straight, 0, sizeof straight);
	play(seed, verbose, true, &long_way, tally);
	play(seed, verbose, false, &straight, tally);
	if (long_way.bytes != straight.bytes)
		world_fail("%llu octets came through, %llu straight", (unsigned long long)long_way.bytes,
			   (unsigned long long)straight.bytes);
	if (memcmp(long_way.digest, straight.digest, sizeof straight.digest) != 0)
		world_fail("the packets are others: %llu and, straight, %llu of them",
			   (unsigned long long)long_way.packets, (unsigned long long)straight.packets);
	if (long_way.packer.digest != straight.packer.digest)
		world_fail("the records are others: %llu and, straight, %llu bytes of them",
			   (unsigned long long)long_way.packer.bytes, (unsigned long long)straight.packer.bytes);
	if (memcmp(long_way.stats, straight.stats, sizeof straight.stats) != 0)
		world_fail("a host's counters are others");
	*result = (struct run_result){ .bytes = straight.bytes, .faults = straight.faults,
				       .packets = straight.packets };
	result->more[MORE_RECORDS] = straight.packer.records;
	result->more[MORE_BYTES] = straight.packer.bytes;
}

int main(void)
{
	struct runs runs = { .program = "build/release/tests/sim/sim_plain", .count = 600, .run = run };

	runs_go(&runs);
	printf("%llu runs, medians: %llu bytes of text, %llu faults, %llu packets\n",
	       (unsigned long long)runs.count, (unsigned long long)runs.median.bytes,
	       (unsigned long long)runs.median.faults, (unsigned long long)runs.median.packets);
	printf("%llu records compared, %llu bytes\n", (unsigned long long)runs.median.more[MORE_RECORDS],
	       (unsigned long long)runs.median.more[MORE_BYTES]);
	return runs_end(runs.passed, runs.failed);
}
