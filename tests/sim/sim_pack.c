/* Every run twice: as it is, and with every connection of a host packed out and unpacked at random moments
 * (DESIGN 5.13). Nothing changes: the same octets arrive, and both hosts emit the same packets at the same
 * times, bit for bit.
 */
#include "support/plan.h"
#include "support/runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MORE_PACKED, MORE_BYTES, RECORD_MAX = 24 << 20 };

struct packer {
	struct chance chance;
	uint64_t      packed, bytes;
	unsigned      one_in;
	uint64_t      states[TERN_STATES];
};

static void pack_side(struct packer *packer, struct talks *talks, struct talk_side *side)
{
	static uint8_t	  *record;
	tern_host *const   host = talks->world->side[side->host].host;
	struct tern_status status;

	if (!record)
		record = malloc(RECORD_MAX);
	if (!side->open || side->done)
		return;
	/* What the program holds after TIME-WAIT began is a husk; unpacked, its 2MSL begins again. */
	if (tern_status(host, side->socket, &status) != 0 || status.state == TERN_STATE_TIME_WAIT)
		return;
	const ptrdiff_t n = tern_pack_out(host, side->socket, record, RECORD_MAX);

	if (n <= 0 || n > RECORD_MAX)
		world_fail("tern_pack_out in %s: %td", tern_state_name(status.state), n);
	const tern_socket old = side->socket;
	const int	  result = tern_unpack(host, record, (size_t)n, &side->socket);

	if (result != 0)
		world_fail("tern_unpack in %s: %s", tern_state_name(status.state), tern_strerror(result));
	if (tern_ready(host, old) != 0)
		world_fail("the old handle still names something");
	packer->packed++;
	packer->bytes += (uint64_t)n;
	packer->states[status.state]++;
}

static void hook(struct talks *talks)
{
	struct packer *const packer = talks->hook_context;

	if (chance_below(&packer->chance, packer->one_in) != 0)
		return;
	const unsigned host = (unsigned)chance_below(&packer->chance, 2);
	for (unsigned k = 0; k < talks->n; k++)
		for (unsigned i = 0; i < 2; i++)
			if (talks->talk[k].side[i].host == host)
				pack_side(packer, talks, &talks->talk[k].side[i]);
	world_called(talks->world, host);
}

struct outcome {
	uint64_t  digest[2], bytes, packets, faults;
	tern_time end;
};

static void play(uint64_t seed, bool verbose, struct packer *packer, struct outcome *outcome,
		 struct tally *tally)
{
	static struct world   world;
	static struct talks   talks;
	struct chance	      chance = { seed * UINT64_C(0x9e6c63d0876a9a47) };
	struct world_settings settings = { .check_every = packer ? 7 : 97,
					   .verbose = verbose,
					   .watch = true };
	struct plan	      plan;

	plan_world(&chance, &settings, &plan);
	plan.scarce = false; /* a record and what it tells of need memory at the same time */
	settings.config[0].memory_limit = settings.config[1].memory_limit = 0;
	plan.talks = 1; /* several would only change whose turn it is to send */
	(void)world_init(&world, &settings);
	talks_init(&talks, &world, chance_next(&chance));
	plan_talks(&chance, &talks, &plan);
	/* Owned memory becomes a copy in the record, which is as it should be, but room counts otherwise. */
	talks.talk[0].plan.side[0].owned = talks.talk[0].plan.side[1].owned = 0;
	world.side[0].out.digesting = world.side[1].out.digesting = true;
	talks.hook = packer ? hook : NULL;
	talks.hook_context = packer;
	if (verbose)
		talk_print(&talks.talk[0].plan);
	talks_run(&talks);
	*outcome = (struct outcome){
		.digest = { world.side[0].out.digest, world.side[1].out.digest },
		.bytes = talks.bytes,
		.packets = world.packets,
		.faults = cable_faults(&world.side[0].out) + cable_faults(&world.side[1].out),
	};
	tally_add(tally, &world.tally);
	world_done(&world);
}

static void run(uint64_t seed, bool verbose, struct run_result *result, struct tally *tally)
{
	struct packer  packer = { .chance = { seed }, .one_in = 1 + (unsigned)(seed % 30) };
	struct outcome plain, packed;

	play(seed, verbose, NULL, &plain, tally);
	if (verbose)
		fprintf(stderr, "---- again, packed\n");
	play(seed, verbose, &packer, &packed, tally);
	if (plain.bytes != packed.bytes)
		world_fail("%llu octets came through, %llu when packed", (unsigned long long)plain.bytes,
			   (unsigned long long)packed.bytes);
	if (memcmp(plain.digest, packed.digest, sizeof plain.digest) != 0)
		world_fail("the packets are others when packed: %llu and %llu of them",
			   (unsigned long long)plain.packets, (unsigned long long)packed.packets);
	*result =
		(struct run_result){ .bytes = plain.bytes, .faults = plain.faults, .packets = plain.packets };
	result->more[MORE_PACKED] = packer.packed;
	result->more[MORE_BYTES] = packer.bytes;
}

int main(void)
{
	struct runs runs = { .program = "build/release/tests/sim/sim_pack", .count = 1000, .run = run };

	runs_go(&runs);
	printf("%llu runs, medians: %llu bytes of text, %llu faults, %llu packets\n",
	       (unsigned long long)runs.count, (unsigned long long)runs.median.bytes,
	       (unsigned long long)runs.median.faults, (unsigned long long)runs.median.packets);
	printf("%llu connections packed and unpacked, %llu bytes of records\n",
	       (unsigned long long)runs.median.more[MORE_PACKED],
	       (unsigned long long)runs.median.more[MORE_BYTES]);
	return runs_end(runs.passed, runs.failed);
}
