/* A whole host against a peer that is plausible: fuzz/peer.h. First byte: the world that it begins in; second: bit 0,
 * aborts at the end; then records.
 *
 * TERN_FUZZ_FRESH=1 builds each world anew instead of taking its snapshot, for comparison. TERN_FUZZ_SHOW=1 prints
 * every event.
 */
#include "fuzz/fuzz.h"
#include "fuzz/peer.h"

#include <stdio.h>
#include <stdlib.h>

enum { HEAD = 2 };

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	return fuzz_mutate_records(data, size, max_size, HEAD, PEER_OP, seed);
}

bool fuzz_report(void)
{
	printf("states entered:\n");
	const unsigned states = tally_print_states(&peer.tally);
	printf("edges taken:\n");
	const unsigned edges = tally_print_edges(&peer.tally);
	printf("%llu packets in, %llu out; one record brought %u about at most; %u states and %u edges not reached\n",
	       (unsigned long long)peer.packets_in, (unsigned long long)peer.packets_out, peer.dearest, states, edges);
	return peer.tally.unknown_edges == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int     fresh = -1;
	struct fuzz_in in = { data, size };

	if (fresh < 0)
		fresh = getenv("TERN_FUZZ_FRESH") != NULL;
	const uint8_t base = fuzz_u8(&in), how = fuzz_u8(&in);
	peer_begin(base, fresh);
	for (unsigned i = 0; in.n >= PEER_OP && i < PEER_OPS_MOST; i++) {
		size_t n;

		peer_play(fuzz_take(&in, PEER_OP, &n));
	}
	peer_end(how & 1);
	return 0;
}
