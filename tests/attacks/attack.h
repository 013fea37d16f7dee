/* What the tests of attacks/attacks.tsv begin with. Each test says above it which rows it decides, by their ids. */
#ifndef ATTACKS_ATTACK_H
#define ATTACKS_ATTACK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/foe.h"
#include "wire/checksum.h"
#include "wire/tuple.h"

static struct foe    foe;
static struct chance chance;

enum { ICMP_BURST_MOST = 12 }; /* errors that one prefix may be sent at once (ip/icmp_limit.h) */

static inline void begin(bool v6)
{
	foe_defaults(&foe);
	foe.v6 = v6;
	foe_begin(&foe);
	chance = (struct chance){ 1 };
}

static inline uint32_t any(uint32_t n)
{
	return (uint32_t)chance_below(&chance, n);
}

/* An IPv6 packet of the peer: extension headers that stand ready, and behind them an ACK to the listener, which is
 * answered with a reset where it gets that far. */
static inline size_t behind_headers(uint8_t *p, uint8_t first, const uint8_t *headers, size_t n)
{
	const struct tcp_segment ack = {
		.src_port = 999, .dst_port = FOE_PORT, .flags = TCP_ACK, .wnd = 1000
	};
	static uint8_t payload[FOE_PACKET];
	uint8_t	       plain[200];
	const size_t   len = foe_segment(&foe, plain, FOE_PEER, &ack) - IPV6_HEADER;

	if (n > 0)
		memcpy(payload, headers, n);
	memcpy(payload + n, plain + IPV6_HEADER, len);
	return foe_packet(&foe, p, FOE_PEER, first, payload, n + len);
}

/* Nothing but errors of ICMP, few, came back; each quotes no octet that was not in `packet`. */
static inline unsigned only_errors(const uint8_t *packet, size_t len)
{
	unsigned n = 0;

	for (enum foe_answer answer; (answer = foe_next(&foe)) != FOE_NOTHING; n++) {
		assert_int_equal(answer, FOE_ICMP);
		assert_true(foe.icmp.kind != ICMP_ECHO && foe.icmp.kind != ICMP_ECHO_REPLY);
		assert_true(foe.icmp.body_len <= len);
		assert_memory_equal(foe.icmp.body, packet, foe.icmp.body_len);
	}
	return n;
}

#endif
