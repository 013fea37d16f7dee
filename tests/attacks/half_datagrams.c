/* attacks: Rose/New Dawn, CVE-2018-5391. A million fragments of datagrams that are never completed - a first and a
 * last one, tiny pieces, one of many - from 10,000 sources, IPv4 and IPv6, and between them an honest sender whose
 * fragmented questions (echo requests in three pieces) should be answered.
 *
 * Asked: never more than 4 MB held for reassembly, 99 % of the honest questions answered, and memory back where it
 * was once the pieces have timed out. */
#include "support/figure.h"
#include "support/foe.h"

#include "wire/checksum.h"
#include "wire/tuple.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCES = 10000, QUESTION = 2000, HONEST_EVERY = 500, HONEST = 0x00ff0001, LIMIT = 4000000 };

static struct foe    foe;
static struct chance chance = { 791 };
static uint64_t	     asked, answered, most;

static void send_piece(uint32_t peer, uint32_t id, uint32_t offset, bool more, const uint8_t *text,
		       uint32_t n)
{
	struct ip_header ip = { .src = foe_addr(&foe, peer),
				.dst = foe_addr(&foe, FOE_HOST),
				.version = foe.v6 ? 6 : 4,
				.protocol = foe.v6 ? IPPROTO_ICMP6 : IPPROTO_ICMP4,
				.ttl = 64,
				.id = foe.v6 ? id : id & 0xffff,
				.is_fragment = true,
				.fragment_offset = (uint16_t)offset,
				.more_fragments = more };
	uint8_t		 packet[1500];
	const size_t	 header = ip_wire_emit_fragment(packet, &ip, n);

	memcpy(packet + header, text, n);
	foe_raw(&foe, packet, header + n);
}

static void hostile(uint64_t i)
{
	static const uint8_t zeros[1400];
	const uint32_t	     peer = 0x00020000 + (uint32_t)chance_below(&chance, SOURCES), id = (uint32_t)i;

	foe.v6 = i & 1;
	switch (chance_below(&chance, 4)) {
	case 0: /* Rose: the first, and (later in the flood) the last of the longest datagram */
		send_piece(peer, id, 0, true, zeros, 1400);
		break;
	case 1: send_piece(peer, id, 65528 - 8, false, zeros, 7); break;
	case 2: /* tiny */
		send_piece(peer, (uint32_t)chance_below(&chance, 8),
			   8 * (uint32_t)chance_below(&chance, 8000) + 8, true, zeros, 8);
		break;
	default: /* large, in the middle */
		send_piece(peer, id, 8 * (uint32_t)chance_below(&chance, 5000) + 8, true, zeros, 1400);
	}
}

static void honest(uint32_t id)
{
	uint8_t		    text[8 + QUESTION] = { 0 };
	const uint32_t	    n = sizeof text;
	struct icmp_message echo = { .kind = ICMP_ECHO, .echo = id, .body_len = QUESTION, .body = text + 8 };
	struct tern_addr    src, dst;

	foe.v6 = id & 1;
	src = foe_addr(&foe, HONEST);
	dst = foe_addr(&foe, FOE_HOST);
	(void)icmp_wire_emit(text, &echo, &src, &dst);
	send_piece(HONEST, id, 0, true, text, 800);
	hostile(2 * id);
	foe.v6 = id & 1;
	send_piece(HONEST, id, 1600, false, text + 1600, n - 1600);
	hostile(2 * id + 1);
	foe.v6 = id & 1;
	send_piece(HONEST, id, 800, true, text + 800, 800);
	asked++;
	while (foe_next(&foe) != FOE_NOTHING) /* the answer is fragments itself: its last piece tells */
		answered += !foe.ip.more_fragments;
}

int main(int argc, char **argv)
{
	const bool     is_long = figure_begin(argc, argv);
	const uint64_t n = is_long ? 10000000 : 1000000;

	foe_defaults(&foe);
	foe.config.allocator = *tern_allocator_default();
	foe_begin(&foe);
	for (uint64_t i = 0; i < n; i++) {
		hostile(i);
		if (i % HONEST_EVERY == 0)
			honest((uint32_t)(i / HONEST_EVERY));
		if (i % 64 == 0) {
			const struct tern_stats now = foe_stats(&foe);

			(void)foe_drain(&foe);
			most = now.TernMemory - foe.before.TernMemory > most
				       ? now.TernMemory - foe.before.TernMemory
				       : most;
			foe.now += 64 * 10 * TERN_MICROSECOND; /* 100,000 fragments a second */
			tern_host_advance(foe.host, foe.now);
		}
	}
	figure(most <= LIMIT, "%llu incomplete fragments of %d sources hold at most %.3f MB (asked: 4)",
	       (unsigned long long)n, SOURCES, (double)most / 1e6);
	figure((double)answered >= 0.99 * (double)asked,
	       "honest fragmented questions answered: %llu of %llu (asked: 99 %%)",
	       (unsigned long long)answered, (unsigned long long)asked);
	(void)foe_wait(&foe, 61 * TERN_SECOND);
	foe_left_no_state(&foe);
	figure(true, "memory after the time-out is what it was before");
	foe_end(&foe);
	return figure_end();
}
