/* A whole host fed with bytes: packets as the fuzzer writes them, on an IP link and on an Ethernet link, where ARP and
 * neighbour discovery are. It has a listener, datagram sockets of each kind and, in some worlds, an established
 * connection, so that what gets past the checks finds somebody.
 *
 * First byte: the world. Then packets: a byte of flags, a byte of length / 2, and the octets. Flags: 1, on the Ethernet
 * link; 2, sums are made right; 4, addresses and ports are those of our connection; 8, time passes (a second);
 * 0x10, the link says that the sum is right; 0x20, the program looks.
 */
#include "fuzz/fuzz.h"
#include "fuzz/peer.h"
#include "fuzz/sums.h"

#include "base/bytes.h"
#include "wire/ethernet.h"
#include "wire/tcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <tern/datagram.h>

enum {
	PACKETS_MOST = 64,
	LENGTH_MOST = 512,
	ETHERNET_FLAG = 1,
	SUMS = 2,
	OURS = 4,
	PASSES = 8,
	OFFLOAD = 16,
	LOOKS = 32
};

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

bool fuzz_report(void)
{
	printf("verdicts:\n");
	for (int i = 0; i < TERN_VERDICTS; i++)
		if (peer.tally.verdicts[i])
			printf("  %-20s %12llu\n", tern_verdict_name((enum tern_verdict)i),
			       (unsigned long long)peer.tally.verdicts[i]);
	printf("states entered:\n");
	(void)tally_print_states(&peer.tally);
	return true;
}

/* A second link, and everybody who may be spoken to there. */
static uint8_t add_ethernet(tern_socket *router)
{
	const struct tern_link_config link = { .mtu = 1500, .ethernet = true, .mac = { 2, 0, 0, 0, 0, 1 } };
	struct tern_datagram_open     open = { .kind = TERN_DATAGRAM_ROUTER, .queue = 8192 };
	struct tern_addr	      addr, group;
	uint8_t			      number = 0;

	if (tern_host_add_link(peer.state.host, &link, &number) != 0)
		return peer.state.link; /* where memory is scarce */
	(void)tern_addr_parse(&addr, "10.1.0.1");
	(void)tern_host_add_address(peer.state.host, number, &addr, 24);
	(void)tern_addr_parse(&addr, "fd01::1");
	(void)tern_host_add_address(peer.state.host, number, &addr, 64);
	(void)tern_host_add_link_local(peer.state.host, number);
	if (tern_datagram_open(peer.state.host, &open, router) == 0) {
		(void)tern_addr_parse(&group, "ff02::2");
		(void)tern_datagram_join(peer.state.host, *router, number, &group);
	}
	return number;
}

/* The octets of the header that have to be right to be heard are. */
static void address_to_us(uint8_t *ip, size_t n, unsigned base)
{
	const struct peer_flow *const flow = &peer.state.flow[base & 2];

	if (n >= 40 && ip[0] >> 4 == 6) {
		memcpy(ip + 8, peer.state.remote[1].b, 16);
		memcpy(ip + 24, peer.state.local[1].b, 16);
		put16(ip + 4, (uint16_t)(n - 40));
	} else if (n >= 20) {
		ip[0] = 0x45;
		memcpy(ip + 12, peer.state.remote[0].b + 12, 4);
		memcpy(ip + 16, peer.state.local[0].b + 12, 4);
		put16(ip + 2, (uint16_t)n);
		put16(ip + 6, 0);
	}
	const size_t head = n > 0 && ip[0] >> 4 == 6 ? 40 : 20;
	const size_t protocol = head == 40 ? 6 : 9;
	if (n < head + TCP_HEADER_MIN || ip[protocol] != 6)
		return;
	put16(ip + head, flow->remote);
	put16(ip + head + 2, flow->local);
	/* Small numbers are relative. */
	if (get32(ip + head + 4) < 0x10000)
		put32(ip + head + 4, get32(ip + head + 4) + flow->rcv_nxt);
	if (get32(ip + head + 8) < 0x10000)
		put32(ip + head + 8, get32(ip + head + 8) + flow->nxt);
}

static void give(uint8_t flags, const uint8_t *at, size_t n, uint8_t ethernet, unsigned base)
{
	static uint8_t bytes[LENGTH_MOST];
	const bool     framed = flags & ETHERNET_FLAG;
	const size_t   head = framed ? ETHERNET_HEADER : 0;

	memcpy(bytes, at, n);
	if (n > head && flags & OURS)
		address_to_us(bytes + head, n - head, base);
	if (n > head && framed && flags & OURS)
		memcpy(bytes, mac, sizeof mac);
	if (n > head && flags & SUMS)
		sums_make_right(bytes + head, n - head);
	peer.state.link = framed ? ethernet : 0;
	peer.offload = flags & OFFLOAD;
	peer_input(bytes, (uint32_t)n);
	peer.offload = false;
	peer.state.link = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t look[PEER_OP] = { PEER_LOOK, 1 }, accept[PEER_OP] = { PEER_ACCEPT | 0x80 };
	struct fuzz_in	     in = { data, size };
	const unsigned	     base = fuzz_u8(&in);
	tern_socket	     router = { 0, 0 };

	peer_begin(base, false);
	peer.unchecked = true;
	const uint8_t ethernet = add_ethernet(&router);
	for (unsigned i = 0; in.n > 2 && i < PACKETS_MOST; i++) {
		const uint8_t	     flags = fuzz_u8(&in);
		const size_t	     want = fuzz_u8(&in) * 2u;
		size_t		     n;
		const uint8_t *const at = fuzz_take(&in, want, &n);

		peer.state.packets_out = 0;
		give(flags, at, n, ethernet, base);
		peer_flush();
		if (flags & PASSES)
			peer_advance(peer.state.now + TERN_SECOND);
		if (flags & LOOKS) {
			peer_play(accept);
			peer_play(look);
		}
		peer_check();
	}
	if (router.index || router.generation)
		(void)tern_datagram_close(peer.state.host, router);
	peer_end(base & 0x80);
	peer.unchecked = false;
	return 0;
}
