/* Numbers that somebody might foretell, answers that somebody might multiply, and clocks that wrap. */
#include "attacks/attack.h"

#include "host/internal.h"

#include <math.h>

static struct tern_tuple tuple_of(uint32_t peer, uint16_t port)
{
	return (struct tern_tuple){ .local = foe_addr(&foe, FOE_HOST),
				    .remote = foe_addr(&foe, peer),
				    .local_port = FOE_PORT,
				    .remote_port = port };
}

/* How many of n numbers fall into each of 256 parts, by one of their octets: 255 degrees of freedom. */
static double chi_square(const uint32_t count[256], double n)
{
	double sum = 0;

	for (unsigned i = 0; i < 256; i++)
		sum += (count[i] - n / 256) * (count[i] - n / 256) / (n / 256);
	return sum;
}

/* "CVE-2020-27213,27630..27636,28388", "edk2 #9415/#9795": a million ISNs at one moment, of neighbouring tuples: each
 * octet is uniform, so is the step from one to the next, and no step comes twice as often as chance has it. */
static void isns_of_neighbouring_tuples(void **state)
{
	enum { N = 1000000 };
	static uint32_t count[4][256], step[4][256];
	uint32_t	last = 0;

	(void)state;
	begin(false);
	for (uint32_t i = 0; i < N; i++) {
		const struct tern_tuple tuple = tuple_of(FOE_PEER + i / 50000, (uint16_t)(i % 50000));
		const uint32_t		isn = tcp_isn(&foe.host->env, &tuple, foe.now).v;

		for (unsigned k = 0; k < 4; k++) {
			count[k][isn >> 8 * k & 255]++;
			step[k][(isn - last) >> 8 * k & 255]++;
		}
		last = isn;
	}
	for (unsigned k = 0; k < 4; k++) { /* 255 + 5 standard deviations of sqrt(2 * 255) */
		assert_true(chi_square(count[k], N) < 255 + 5 * sqrt(510));
		assert_true(chi_square(step[k], N) < 255 + 5 * sqrt(510));
	}
	/* The next one within 2^16 of a guess: as often as chance, 2^-15. */
	unsigned near = 0;
	for (uint32_t i = 0; i < N; i++) {
		const struct tern_tuple a = tuple_of(FOE_PEER, (uint16_t)i),
					b = tuple_of(FOE_PEER + 1 + i / 65536, (uint16_t)i);
		const uint32_t d =
			tcp_isn(&foe.host->env, &a, foe.now).v - tcp_isn(&foe.host->env, &b, foe.now).v;

		near += d + 65536 < 131072;
	}
	assert_true(near < 60); /* 30.5 are expected */
	foe_end(&foe);
}

/* The same: of one tuple they rise with the clock of 4 microseconds (RFC 9293 3.4.1): old ones do not come back. */
static void isns_of_one_tuple_rise(void **state)
{
	(void)state;
	begin(false);
	const struct tern_tuple tuple = tuple_of(FOE_PEER, 7);
	const uint32_t		first = tcp_isn(&foe.host->env, &tuple, foe.now).v;

	for (tern_time dt = 0; dt < 1000 * TERN_SECOND; dt += 137 * TERN_MILLISECOND)
		assert_int_equal(tcp_isn(&foe.host->env, &tuple, foe.now + dt).v - first,
				 dt / (4 * TERN_MICROSECOND));
	foe_end(&foe);
}

/* "uIP/NuttX #2839", "edk2 #9415/#9795": a thousand starts with secrets of their own at the same moment: as many ISNs,
 * uniform; with the clock at zero too. */
static void first_isn_of_each_start(void **state)
{
	enum { N = 1000 };
	static uint32_t isn[N];
	uint32_t	quarter[4] = { 0 };

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		foe_defaults(&foe);
		foe.now = 0;
		put32(foe.config.secret, i); /* one bit from the next */
		foe_begin(&foe);
		const struct tern_tuple tuple = tuple_of(FOE_PEER, 7);
		isn[i] = tcp_isn(&foe.host->env, &tuple, 0).v;
		quarter[isn[i] >> 30]++;
		for (unsigned k = 0; k < i; k++)
			assert_int_not_equal(isn[i], isn[k]);
		foe_end(&foe);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_in_range(quarter[i], 180, 320);
}

/* "RFC 6056": ephemeral ports: to one destination each once; where they begin is uniform over destinations, at least
 * fourteen bits of it; and a tuple in TIME-WAIT is not used. */
static void ephemeral_ports(void **state)
{
	enum { N = 20000 };
	static uint32_t seen[65536];
	unsigned	different = 0, near = 0, last = 0;

	(void)state;
	memset(seen, 0, sizeof seen);
	begin(false);
	for (uint32_t i = 0; i < N; i++) {
		const struct tern_open open = { .remote = { .addr = foe_addr(&foe, FOE_PEER + i),
							    .port = 7 } };
		tern_socket	       socket;
		struct tern_tuple      tuple;

		assert_int_equal(tern_connect(foe.host, &open, &socket), 0);
		assert_int_equal(tern_name(foe.host, socket, &tuple), 0);
		different += seen[tuple.local_port]++ == 0;
		near += i > 0 && tuple.local_port - last + 8u < 16;
		last = tuple.local_port;
		assert_int_equal(tern_abort(foe.host, socket), 0);
	}
	/* Of 28,232 ports 20,000 draws hit some 14,330. */
	assert_in_range(different, 14000, 14700);
	assert_true(near < 40);
	foe_end(&foe);
}

/* "TS uptime leak": timestamps of two tuples at one moment differ by an offset that nobody can foretell. */
static void timestamps_have_offsets(void **state)
{
	static uint32_t count[256];

	(void)state;
	memset(count, 0, sizeof count);
	begin(false);
	for (uint32_t i = 0; i < 100000; i++) {
		const struct tern_tuple tuple = tuple_of(FOE_PEER + i, 7);

		count[tcp_ts_offset(&foe.host->env, &tuple) >> 24]++;
	}
	assert_true(chi_square(count, 100000) < 255 + 5 * sqrt(510));
	foe_end(&foe);
}

/* "Hash collision": 100,000 tuples of one sum of addresses and ports, which a table without a key puts into one
 * bucket: half-open entries of all are found, and the table is as good as with any. */
static void tuples_that_collide_without_a_key(void **state)
{
	(void)state;
	foe_defaults(&foe);
	foe.config.half_open_max = 1 << 17;
	foe_begin(&foe);
	(void)foe_listen(&foe, 1 << 17);
	for (uint32_t i = 0; i < 60000; i++) {
		const struct foe_flow flow = foe_flow(0x00020000 + i, (uint16_t)(65000 - i));

		foe_say(&foe, &flow, TCP_SYN, 0, 0, 0);
		(void)foe_drain(&foe);
	}
	assert_int_equal(foe_stats(&foe).TernHalfOpen, 60000);
	/* As many octets as any 60,000 entries: 96 each with their slots. */
	assert_true(foe_stats(&foe).TernMemory - foe.before.TernMemory <= 60000 * 96 + (256 << 10));
	foe_end(&foe);
}

/* ---- amplification ---- */

/* "Middlebox reflection": what is no handshake, to a port that listens and one that does not: never more packets out
 * than in, never more octets, no text. */
static void nothing_is_multiplied(void **state)
{
	static const unsigned flags[] = { TCP_PSH | TCP_ACK, TCP_ACK, TCP_RST,		TCP_RST | TCP_ACK,
					  TCP_FIN,	     0,	      TCP_FIN | TCP_ACK };

	(void)state;
	for (unsigned closed = 0; closed < 2; closed++) {
		uint64_t in = 0, n = 0;

		begin(false);
		if (!closed)
			(void)foe_listen(&foe, 8);
		for (unsigned i = 0; i < 10000; i++) {
			struct foe_flow flow = foe_flow(FOE_PEER + i % 100, (uint16_t)(i + 1));
			const uint32_t	len = any(500);

			foe_say(&foe, &flow, flags[i % 7], (int32_t)any(1 << 30), (int32_t)any(1 << 30), len);
			in += 40 + len;
			n++;
			while (foe_next(&foe) == FOE_SEGMENT)
				assert_int_equal(foe.seg.text_len, 0);
		}
		(void)foe_wait(&foe, 100 * TERN_SECOND);
		assert_true(foe.came <= n && foe.came_bytes <= in);
		foe_end(&foe);
	}
}

/* "SYN-ACK reflection", "Middlebox reflection": a SYN is answered once and three times more (N = 3, a departure from
 * MUST-23), a reset ends that; under cookies once. A SYN that comes again is answered once more. */
static void syn_acks_for_one_syn(void **state)
{
	(void)state;
	for (unsigned text = 0; text < 2; text++) {
		begin(false);
		(void)foe_listen(&foe, 8);
		struct foe_flow	   flow = foe_flow(FOE_PEER, 5000);
		struct tcp_segment syn = foe_of(&flow, TCP_SYN, 0, 0, 0);

		syn.text = foe_text(0, 400);
		syn.text_len = text ? 400 : 0;
		foe_send(&foe, FOE_PEER, &syn);
		assert_int_equal(foe_wait(&foe, 1000 * TERN_SECOND), 1 + 3);
		assert_int_equal(foe_stats(&foe).TernHalfOpen, 0);
		/* The victim's reset ends it. */
		foe_send(&foe, FOE_PEER, &syn);
		assert_int_equal(foe_next(&foe), FOE_SEGMENT);
		const struct tcp_segment reset = { .src_port = 5000, .flags = TCP_RST, .seq = foe.seg.ack };
		foe_send(&foe, FOE_PEER, &reset);
		assert_int_equal(foe_wait(&foe, 1000 * TERN_SECOND), 0);
		/* Ten SYNs: ten answers and three more. */
		for (unsigned i = 0; i < 10; i++)
			foe_send(&foe, FOE_PEER, &syn);
		assert_in_range(foe_wait(&foe, 1000 * TERN_SECOND), 1, 10 + 3);
		/* Under cookies: one for each, and never again. */
		for (unsigned i = 0; i < 20; i++) {
			const struct foe_flow spoofed = foe_flow(0x00020000 + i, 4000);

			foe_say(&foe, &spoofed, TCP_SYN, 0, 0, 0);
		}
		(void)foe_drain(&foe);
		const uint64_t before = foe_stats(&foe).SyncookiesSent;
		foe.came = 0;
		for (unsigned i = 0; i < 100; i++) {
			foe_send(&foe, FOE_PEER, &syn);
			(void)foe_drain(&foe);
		}
		assert_int_equal(foe_stats(&foe).SyncookiesSent - before, 100);
		assert_int_equal(foe.came, 100);
		foe_end(&foe);
	}
}

/* ---- integrity, sockets, clocks ---- */

/* "Checksum": a million segments, each with bits flipped at random: what is delivered is right but where two flips
 * cancel out, which a checksum of 16 bits cannot see; a UDP checksum of zero is refused by IPv6. */
static void flipped_bits(void **state)
{
	uint8_t	 packet[200], got[200];
	unsigned delivered = 0;

	(void)state;
	begin(false);
	struct foe_flow flow = foe_flow(FOE_PEER, 5000);
	foe_open(&foe, foe_listen(&foe, 8), &flow);
	const struct tcp_segment seg = foe_of(&flow, TCP_ACK, 0, 0, 100);
	const size_t		 len = foe_segment(&foe, packet, FOE_PEER, &seg);
	for (unsigned i = 0; i < 1000000; i++) {
		uint8_t	       flipped[200];
		const uint32_t bit = any((uint32_t)len * 8);

		memcpy(flipped, packet, len);
		flipped[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (i % 2) { /* a second one, elsewhere in a column of its own: the sum sees it */
			const uint32_t other = (bit + 1 + any(14)) % 16 + any((uint32_t)len / 2) * 16;

			if (other % 16 != bit % 16)
				flipped[other / 8] ^= (uint8_t)(1 << other % 8);
		}
		foe_raw(&foe, flipped, len);
		(void)foe_drain(&foe);
		delivered += tern_receive(foe.host, flow.socket, got, sizeof got) > 0;
	}
	assert_int_equal(delivered, 0);
	assert_int_equal(foe_state(&foe, &flow), TERN_STATE_ESTABLISHED);
	foe_end(&foe);
	begin(true);
	const struct tern_datagram_open udp = { .local = { .port = 7 } };
	struct tern_datagram		datagram;
	tern_socket			socket;
	assert_int_equal(tern_datagram_open(foe.host, &udp, &socket), 0);
	static const uint8_t zero[12] = { 0, 9, 0, 7, 0, 12 };
	const size_t	     n = foe_packet(&foe, packet, FOE_PEER, IPPROTO_UDP_, zero, sizeof zero);
	foe_raw(&foe, packet, n);
	assert_int_equal(tern_datagram_receive(foe.host, socket, &datagram), -TERN_EAGAIN);
	assert_int_equal(foe_stats(&foe).UdpInErrors, 1);
	foe_end(&foe);
}

/* "Port reuse theft": the same port twice is refused; a host is one owner's. */
static void a_port_is_taken(void **state)
{
	const struct tern_listen	listen = { .local = { .port = FOE_PORT } };
	const struct tern_datagram_open udp = { .local = { .port = 53 } };
	tern_socket			socket;

	(void)state;
	begin(false);
	assert_int_equal(tern_listen(foe.host, &listen, &socket), 0);
	assert_int_equal(tern_listen(foe.host, &listen, &socket), -TERN_EADDRINUSE);
	assert_int_equal(tern_datagram_open(foe.host, &udp, &socket), 0);
	assert_int_equal(tern_datagram_open(foe.host, &udp, &socket), -TERN_EADDRINUSE);
	foe_end(&foe);
}

/* "Timer wrap": the clock passes 2^31 and 2^32 ms, and jumps an hour ahead or back: text unacknowledged is sent again
 * in time, few times, and the connection lives or ends as at any other time. */
static void clocks_that_wrap_and_jump(void **state)
{
	static const tern_time at[] = { (INT64_C(1) << 31) - 5000, (INT64_C(1) << 32) - 5000, 1000 };

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		for (int jump = -1; jump <= 1; jump++) {
			foe_defaults(&foe);
			foe.now = at[i] * TERN_MILLISECOND;
			foe_begin(&foe);
			struct foe_flow flow = foe_flow(FOE_PEER, 5000);
			foe_open(&foe, foe_listen(&foe, 8), &flow);
			assert_int_equal(tern_send(foe.host, flow.socket, "x", 1, 0), 1);
			const unsigned first = foe_wait(&foe, 10 * TERN_SECOND);
			assert_in_range(first, 3, 9); /* once, and some times more */
			tern_host_advance(foe.host, foe.now + jump * 3600 * TERN_SECOND);
			assert_in_range(foe_drain(&foe), 0, 1);
			if (jump > 0)
				foe.now += 3600 * TERN_SECOND;
			if (jump <= 0) {
				foe_say(&foe, &flow, TCP_ACK, 0, 1, 0);
				assert_int_equal(foe_state(&foe, &flow), TERN_STATE_ESTABLISHED);
				assert_int_equal(foe_wait(&foe, 10 * TERN_SECOND), 0);
			} else { /* an hour without an answer is more than R2 */
				assert_int_equal(foe_state(&foe, &flow), TERN_STATE_CLOSED);
			}
			foe_end(&foe);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(isns_of_neighbouring_tuples),
		cmocka_unit_test(isns_of_one_tuple_rise),
		cmocka_unit_test(first_isn_of_each_start),
		cmocka_unit_test(ephemeral_ports),
		cmocka_unit_test(timestamps_have_offsets),
		cmocka_unit_test(tuples_that_collide_without_a_key),
		cmocka_unit_test(nothing_is_multiplied),
		cmocka_unit_test(syn_acks_for_one_syn),
		cmocka_unit_test(flipped_bits),
		cmocka_unit_test(a_port_is_taken),
		cmocka_unit_test(clocks_that_wrap_and_jump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
