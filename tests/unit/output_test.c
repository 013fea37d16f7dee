/* host/output.c, and what it gives back to ourselves: turns are shared, calls end, and no sum is taken on trust that
 * nobody has seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "unit/two_hosts.h"
#include "wire/checksum.h"

enum { IPV4_BYTES = 20, MSS = 1448, QUANTUM = 16384 };

static struct tern_stats stats_of(struct two_hosts *w, int host)
{
	struct tern_stats stats;

	tern_host_stats(w->host[host], &stats);
	return stats;
}

static size_t read_all(struct two_hosts *w, int host, tern_socket socket)
{
	static uint8_t text[65536];
	size_t	       all = 0;

	for (ptrdiff_t n; (n = tern_receive(w->host[host], socket, text, sizeof text)) > 0;)
		all += (size_t)n;
	return all;
}

/* A window far wider than a quantum, by text that has gone through. */
static void widen(struct two_hosts *w, tern_socket client, tern_socket server)
{
	static uint8_t text[65536];

	for (int i = 0; i < 100; i++) {
		(void)tern_send(w->host[0], client, text, sizeof text, 0);
		two_wait(w, TERN_MILLISECOND);
		(void)read_all(w, 1, server);
	}
	two_wait(w, TERN_MILLISECOND);
}

static uint16_t source_port(const tern_packet *packet)
{
	uint8_t bytes[65536];

	two_flatten(packet, bytes);
	return get16(bytes + IPV4_BYTES);
}

static void a_message_waits_for_one_quantum_of_bulk(void **state)
{
	static uint8_t	  text[65536];
	struct two_hosts  w;
	tern_socket	  bulk, bulk_server, message, server;
	struct tern_tuple tuple;
	tern_packet	 *batch[64];
	uint32_t	  before = 0, after = 0;
	bool		  seen = false;

	(void)state;
	two_defaults(&w);
	two_begin(&w);
	two_open(&w, false, &bulk, &bulk_server);
	two_open(&w, false, &message, &server);
	widen(&w, bulk, bulk_server);
	assert_int_equal(tern_name(w.host[0], message, &tuple), 0);
	assert_true(tern_send(w.host[0], bulk, text, sizeof text, 0) > 3 * QUANTUM);
	assert_int_equal(tern_send(w.host[0], message, "now", 3, 0), 3);
	const size_t n = tern_host_output(w.host[0], batch, 64, w.now);
	for (size_t i = 0; i < n; i++) {
		if (source_port(batch[i]) == tuple.local_port)
			seen = true;
		else
			*(seen ? &after : &before) += batch[i]->len;
		tern_packet_done(batch[i]);
	}
	assert_true(seen);
	assert_in_range(before, 1, QUANTUM + 12 * (1500 - MSS) + 1500);
	assert_true(after > QUANTUM); /* and the rest goes on behind it */
	two_end(&w);
}

/* Two ends in one host need no link; a call that asks for packets returns all the same. */
static void a_call_carries_a_bounded_number_to_ourselves(void **state)
{
	enum { CONNECTIONS = 700, TURNS = 1024 };
	static tern_socket client[CONNECTIONS];
	struct two_hosts   w;
	struct tern_open   open = { .remote = { .addr = two_addr(0, false), .port = 80 } };
	tern_packet	  *batch[4];

	(void)state;
	two_defaults(&w);
	two_begin(&w);
	const struct tern_listen listen = { .local = { .port = 80 }, .backlog = CONNECTIONS };
	tern_socket		 listener;
	assert_int_equal(tern_listen(w.host[0], &listen, &listener), 0);
	for (int i = 0; i < CONNECTIONS; i++)
		assert_int_equal(tern_connect(w.host[0], &open, &client[i]), 0);
	uint64_t carried = 0;
	int	 calls = 0;
	for (; tern_host_has_output(w.host[0]); calls++) {
		assert_int_equal(tern_host_output(w.host[0], batch, 4, w.now), 0);
		const uint64_t now = stats_of(&w, 0).TernLoopback;
		assert_true(now - carried <= TURNS);
		carried = now;
		assert_true(calls < 10);
	}
	assert_true(carried >= 3 * CONNECTIONS); /* each handshake */
	assert_in_range(calls, 3, 4);
	two_end(&w);
}

/* ---- fragments ---- */

static bool take(struct two_hosts *w, int from, const uint8_t *packet, size_t len)
{
	(void)w, (void)packet;
	return from == 0 && len > 1000;
}

/* The piece [at, at + n) of an IPv4 packet's payload. */
static void inject_piece(struct two_hosts *w, const uint8_t *packet, size_t at, size_t n, bool more)
{
	uint8_t piece[1500];

	memcpy(piece, packet, IPV4_BYTES);
	memcpy(piece + IPV4_BYTES, packet + IPV4_BYTES + at, n);
	put16(piece + 2, (uint16_t)(IPV4_BYTES + n));
	put16(piece + 4, 0x7e57);
	put16(piece + 6, (uint16_t)(at / 8 | (more ? 0x2000 : 0)));
	put16(piece + 10, 0);
	put16(piece + 10, checksum_finish(checksum_add(0, piece, IPV4_BYTES)));
	two_inject(w, 1, piece, IPV4_BYTES + n, true);
}

/* A device says of each frame that its sum is right. Of a datagram in pieces it has seen none. */
static void joined_fragments_are_summed_here(void **state)
{
	static uint8_t	 text[1200], packet[1500];
	struct two_hosts w;
	tern_socket	 client, server;

	(void)state;
	two_defaults(&w);
	two_begin(&w);
	two_open(&w, false, &client, &server);
	w.lose = take;
	assert_int_equal(tern_send(w.host[0], client, text, sizeof text, 0), sizeof text);
	two_exchange(&w);
	const size_t len = w.last_len, half = 800;
	assert_true(len > sizeof text);
	memcpy(packet, w.last, len);
	for (int flipped = 1; flipped >= 0; flipped--) {
		packet[len - 1] ^= (uint8_t)flipped;
		inject_piece(&w, packet, 0, half, true);
		inject_piece(&w, packet, half, len - IPV4_BYTES - half, false);
		packet[len - 1] ^= (uint8_t)flipped;
		assert_int_equal(stats_of(&w, 1).ReasmOKs, flipped ? 1 : 2);
		assert_int_equal(stats_of(&w, 1).TernVerdict[TERN_VERDICT_BAD_CHECKSUM], 1);
		assert_int_equal(read_all(&w, 1, server), flipped ? 0 : sizeof text);
	}
	two_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_waits_for_one_quantum_of_bulk),
		cmocka_unit_test(a_call_carries_a_bounded_number_to_ourselves),
		cmocka_unit_test(joined_fragments_are_summed_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
