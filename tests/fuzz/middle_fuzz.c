/* Two hosts and a hostile middle: fuzz/middle.h. First byte: the world that it begins in; then records.
 * TERN_FUZZ_FRESH and TERN_FUZZ_SHOW as in peer_fuzz.c.
 */
#include "fuzz/fuzz.h"
#include "fuzz/middle.h"

#include <stdio.h>
#include <stdlib.h>

enum { HEAD = 1 };

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	return fuzz_mutate_records(data, size, max_size, HEAD, MIDDLE_OP, seed);
}

bool fuzz_report(void)
{
	printf("states entered:\n");
	const unsigned states = tally_print_states(&middle.tally);
	printf("%llu packets, %llu delivered, %llu octets received; %llu connections came to their end whole; "
	       "%llu runs were hostile; %u states not entered\n",
	       (unsigned long long)middle.packets, (unsigned long long)middle.delivered,
	       (unsigned long long)middle.octets, (unsigned long long)middle.whole,
	       (unsigned long long)middle.hostile, states);
	return middle.tally.unknown_edges == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int     fresh = -1;
	struct fuzz_in in = { data, size };

	if (fresh < 0)
		fresh = getenv("TERN_FUZZ_FRESH") != NULL;
	middle_begin(fuzz_u8(&in), fresh);
	for (unsigned i = 0; in.n >= MIDDLE_OP && i < MIDDLE_OPS_MOST; i++) {
		size_t n;

		middle_play(fuzz_take(&in, MIDDLE_OP, &n));
	}
	middle_end();
	return 0;
}
