/* A packed connection from anywhere: what is taken proves itself sound (tern_unpack() says so). What a controller knows
 * is its own, so that a forged one may send at the wrong time, or never; but the connection may be asked, sends,
 * receives, is closed, does no harm, and leaves nothing behind.
 *
 * First byte: the configuration of the host; second: bit 0, aborts; third: how many records of a peer (fuzz/peer.h)
 * follow before the packed connection begins.
 */
#include "fuzz/fuzz.h"
#include "fuzz/peer.h"

#include "base/bytes.h"

#include <stdio.h>
#include <tern/pack.h>

enum { RECORDS_MOST = 8, PACK_MOST = 1 << 16 };

static uint64_t taken, refused, again, by_state[TERN_STATES];

bool fuzz_report(void)
{
	printf("%llu records taken, %llu refused; %llu taken again later\n", (unsigned long long)taken,
	       (unsigned long long)refused, (unsigned long long)again);
	for (int i = 0; i < TERN_STATES; i++)
		printf("  %-12s %12llu\n", tern_state_name((enum tern_state)i), (unsigned long long)by_state[i]);
	return taken == 0 || again > 0;
}

/* Written, it is the same both times; and it is read again, if it is still sound. */
static void write_again(tern_socket socket)
{
	static uint8_t first[PACK_MOST], second[PACK_MOST];
	tern_host *const host = peer.state.host;
	tern_socket	 other;

	const ptrdiff_t n = tern_pack(host, socket, first, sizeof first);
	if (n < 0 || n > PACK_MOST)
		return;
	if (tern_pack_out(host, socket, second, sizeof second) != n || memcmp(first, second, (size_t)n) != 0)
		fuzz_fail("a connection is packed in two ways");
	if (tern_unpack(host, second, (size_t)n, &other) == 0)
		again++;
}

/* What it receives was nobody's, so nothing is known of it. */
static void live(tern_socket socket)
{
	static uint8_t	   text[4096];
	tern_host *const   host = peer.state.host;
	struct tern_status status;

	if (tern_status(host, socket, &status) != 0)
		fuzz_fail("what was taken has no status");
	by_state[status.state]++;
	peer_check();
	peer.forged = true;
	(void)tern_receive(host, socket, text, sizeof text);
	(void)tern_send(host, socket, text, sizeof text, 0);
	peer_check();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	const uint8_t  base = fuzz_u8(&in), how = fuzz_u8(&in), records = fuzz_u8(&in) % RECORDS_MOST;
	const uint8_t *op[RECORDS_MOST];
	tern_socket    socket;
	size_t	       n;

	for (unsigned i = 0; i < records; i++) {
		op[i] = fuzz_take(&in, PEER_OP, &n);
		if (n < PEER_OP)
			return 0;
	}
	peer_begin(base % PEER_CONFIGS, false);
	peer.unchecked = true; /* what a stranger's connection holds, nobody gave here */
	const int result = tern_unpack(peer.state.host, in.at, in.n, &socket);
	taken += result == 0;
	refused += result != 0;
	if (result != 0 && result != -TERN_EPROTO && result != -TERN_ENOMEM && result != -TERN_EADDRINUSE)
		fuzz_fail("tern_unpack() answers %d", result);
	if (result == 0) {
		live(socket);
		peer_know(socket);
		for (unsigned i = 0; i < records; i++)
			peer_play(op[i]);
		write_again(socket);
	}
	peer_check();
	peer_end(how & 1);
	peer.unchecked = peer.forged = false;
	return 0;
}
