#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "unit/two_hosts.h"
#include "host/internal.h"
#include "record/format.h"
#include "wire/checksum.h"
#include "wire/icmp.h"

static void begin(struct two_hosts *w)
{
	two_defaults(w);
	two_begin(w);
}

static struct tern_stats stats_of(struct two_hosts *w, int host)
{
	struct tern_stats stats;

	tern_host_stats(w->host[host], &stats);
	return stats;
}

/* ---- making and ending ---- */

static void empty_host_is_idle(void **state)
{
	struct two_hosts w;
	tern_packet	*batch[4];

	(void)state;
	begin(&w);
	assert_true(tern_host_deadline(w.host[0]) == TERN_NEVER);
	assert_false(tern_host_has_output(w.host[0]));
	assert_int_equal(tern_host_output(w.host[0], batch, 4, w.now), 0);
	tern_host_check(w.host[0]);
	two_end(&w);
}

static void settings_out_of_range_are_refused(void **state)
{
	struct two_hosts w;
	tern_host	*host;

	(void)state;
	for (int which = 0; which < 9; which++) {
		two_defaults(&w);
		struct tern_config *const c = &w.config[0];

		switch (which) {
		case 0: c->delayed_ack = 500 * TERN_MILLISECOND; break;
		case 1: c->rto_min = -1; break;
		case 2: c->rto_min = 200 * TERN_SECOND; break;
		case 3: c->port_low = 60000, c->port_high = 50000; break;
		case 4: c->memory_reserve = c->memory_limit; break;
		case 5: c->congestion_control = "no such"; break;
		case 6: c->allocator.alloc = NULL; break;
		case 7: c->receive_buffer = UINT32_C(1) << 31; break;
		case 8: c->connections_max = UINT32_C(1) << 31; break;
		}
		assert_int_equal(tern_host_create(&host, c, 0), -TERN_EINVAL);
		assert_null(host);
		assert_int_equal(w.memory[0].blocks, 0);
	}
}

static void zero_means_the_default(void **state)
{
	struct tern_config   zero = { .memory_limit = 0 }, full, defaults;
	struct record_buffer a = { .at = NULL }, b = { .at = NULL };
	struct two_hosts     w;

	(void)state;
	two_defaults(&w);
	zero.allocator = w.config[0].allocator;
	assert_int_equal(config_fill(&full, &zero), 0);
	tern_config_default(&defaults);
	defaults.allocator = zero.allocator;
	defaults.memory_reserve = defaults.memory_limit / 64;
	/* As a recording has them: every number and switch, and the controller's name. */
	record_put_create(&a, 0, &full, "", 0);
	record_put_create(&b, 0, &defaults, "", 0);
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.at, b.at, a.n);
	assert_true(full.controllers == defaults.controllers && full.watcher.event == defaults.watcher.event);
	assert_true(full.taker.take == defaults.taker.take && full.share.pass == defaults.share.pass);
	free(a.at);
	free(b.at);
}

/* A program that asks for the defaults and then for less memory need know nothing of the reserve. */
static void a_small_budget_has_a_small_reserve(void **state)
{
	struct two_hosts w;
	tern_host	*host;

	(void)state;
	two_defaults(&w);
	tern_config_default(&w.config[0]);
	w.config[0].allocator = w.config[1].allocator;
	w.config[0].memory_limit = 1 << 20;
	assert_int_equal(tern_host_create(&host, &w.config[0], 0), 0);
	tern_host_destroy(host);
}

static void each_failing_allocation_of_create_is_clean(void **state)
{
	struct two_hosts w;
	tern_host	*host;
	size_t		 n = 0;
	int		 result;

	(void)state;
	do {
		two_defaults(&w);
		w.memory[0].fail_at = ++n;
		result = tern_host_create(&host, &w.config[0], 0);
		if (result == 0)
			tern_host_destroy(host);
		else
			assert_int_equal(result, -TERN_ENOMEM);
		assert_int_equal(w.memory[0].blocks, 0);
		assert_false(w.memory[0].broken);
	} while (result != 0);
	assert_true(n > 4);
}

/* ---- connections through both rooms ---- */

static void seven_segments(void **state)
{
	struct two_hosts w;
	tern_socket	 client, server;

	for (int v6 = 0; v6 < 2; v6++) {
		(void)state;
		begin(&w);
		two_open(&w, v6, &client, &server);
		assert_int_equal(w.sent[0], 2);
		assert_int_equal(w.sent[1], 1);
		assert_int_equal(two_state(&w, 0, client), TERN_STATE_ESTABLISHED);
		assert_int_equal(two_state(&w, 1, server), TERN_STATE_ESTABLISHED);

		assert_int_equal(tern_close(w.host[0], client), 0);
		two_exchange(&w);
		assert_int_equal(two_state(&w, 1, server), TERN_STATE_CLOSE_WAIT);
		assert_int_equal(tern_close(w.host[1], server), 0);
		two_exchange(&w);
		assert_int_equal(w.sent[0], 4);
		assert_int_equal(w.sent[1], 3);
		assert_int_equal(stats_of(&w, 0).TernConnections, 0);
		assert_int_equal(stats_of(&w, 0).TernTimeWait, 1);
		assert_int_equal(stats_of(&w, 1).TernConnections, 0);
		two_wait(&w, 61 * TERN_SECOND);
		assert_int_equal(stats_of(&w, 0).TernTimeWait, 0);
		assert_true(tern_host_deadline(w.host[0]) == TERN_NEVER);
		two_end(&w);
	}
}

static void bytes_arrive_whole_and_in_order(void **state)
{
	enum { BYTES = 300000 };
	static uint8_t	 from[BYTES], to[BYTES];
	struct two_hosts w;
	tern_socket	 client, server;

	(void)state;
	for (size_t i = 0; i < BYTES; i++)
		from[i] = (uint8_t)(i * 7 + i / 251);
	for (int mode = 0; mode < 6; mode++) {
		size_t sent = 0, got = 0;

		two_defaults(&w);
		w.offload = mode & 1;
		w.gso = mode == 3;
		w.mtu = mode == 2 ? 576 : 1500;
		two_begin(&w);
		two_open(&w, mode == 5, &client, &server);
		memset(to, 0, BYTES);
		for (int turns = 0; got < BYTES && turns < 10000; turns++) {
			const ptrdiff_t n =
				sent < BYTES ? tern_send(w.host[0], client, from + sent, BYTES - sent, 0) : 0;

			sent += n > 0 ? (size_t)n : 0;
			two_wait(&w, TERN_MILLISECOND);
			for (ptrdiff_t r; (r = tern_receive(w.host[1], server, to + got, BYTES - got)) > 0;)
				got += (size_t)r;
		}
		assert_int_equal(got, BYTES);
		assert_memory_equal(from, to, BYTES);
		assert_int_equal(stats_of(&w, 1).InCsumErrors, 0);
		two_end(&w);
	}
}

/* Owned memory in pieces of one octet: more parts than a packet has. */
static void text_in_many_pieces_is_gathered(void **state)
{
	static const char text[] = "the quick brown fox jumps over the lazy dog";
	char		  got[sizeof text];
	struct two_hosts  w;
	tern_socket	  client, server;

	(void)state;
	begin(&w);
	two_open(&w, false, &client, &server);
	for (size_t i = 0; i < sizeof text; i++)
		assert_int_equal(tern_send_owned(w.host[0], client, text + i, 1, TERN_SEND_MORE, NULL, NULL), 1);
	assert_int_equal(tern_send(w.host[0], client, text, 0, TERN_SEND_PUSH), 0);
	two_wait(&w, TERN_SECOND);
	assert_int_equal(tern_receive(w.host[1], server, got, sizeof got), sizeof text);
	assert_string_equal(got, text);
	two_end(&w);
}

static void packets_hold_their_text_until_done(void **state)
{
	static uint8_t	 text[1000];
	struct two_hosts w;
	tern_socket	 client, server;
	tern_packet	*batch[4];
	uint8_t		 copy[2048], again[2048];

	(void)state;
	begin(&w);
	memset(text, 0x55, sizeof text);
	two_open(&w, false, &client, &server);
	assert_int_equal(tern_send(w.host[0], client, text, sizeof text, 0), sizeof text);
	assert_int_equal(tern_host_output(w.host[0], batch, 4, w.now), 1);
	const size_t n = two_flatten(batch[0], copy);
	two_inject(&w, 1, copy, n, false);
	two_wait(&w, TERN_SECOND); /* acknowledged; the connection goes on */
	assert_int_equal(tern_abort(w.host[0], client), 0);
	two_exchange(&w);
	assert_int_equal(two_flatten(batch[0], again), n);
	assert_memory_equal(copy, again, n);
	tern_packet_done(batch[0]);
	two_end(&w);
}

static void output_is_never_more_than_room(void **state)
{
	static uint8_t	 text[60000];
	struct two_hosts w;
	tern_socket	 client, server;
	tern_packet	*batch[8];

	(void)state;
	begin(&w);
	two_open(&w, false, &client, &server);
	assert_true(tern_send(w.host[0], client, text, sizeof text, 0) > 10000);
	for (size_t room = 0; room < 4; room++) {
		assert_true(tern_host_has_output(w.host[0]));
		const size_t n = tern_host_output(w.host[0], batch, room, w.now);

		assert_int_equal(n, room);
		for (size_t i = 0; i < n; i++)
			tern_packet_done(batch[i]);
	}
	two_end(&w);
}

static void packets_run_out_and_come_back(void **state)
{
	static uint8_t	 text[30000];
	struct two_hosts w;
	tern_socket	 client, server;
	tern_packet	*batch[8];

	(void)state;
	two_defaults(&w);
	w.config[0].packets = 4;
	two_begin(&w);
	two_open(&w, false, &client, &server);
	assert_true(tern_send(w.host[0], client, text, sizeof text, 0) > 10000);
	assert_int_equal(tern_host_output(w.host[0], batch, 8, w.now), 4);
	assert_int_equal(tern_host_output(w.host[0], batch + 4, 4, w.now), 0);
	assert_false(tern_host_has_output(w.host[0]));
	tern_host_check(w.host[0]);
	for (int i = 0; i < 4; i++)
		tern_packet_done(batch[i]);
	assert_true(tern_host_has_output(w.host[0]));
	assert_int_equal(tern_host_output(w.host[0], batch, 2, w.now), 2);
	tern_packet_done(batch[1]);
	tern_packet_done(batch[0]);
	two_end(&w);
}

/* ---- no connection ---- */

static void refused_by_reset(void **state)
{
	struct two_hosts w;

	(void)state;
	begin(&w);
	const tern_socket client = two_connect(&w, 0, 81, false);
	two_exchange(&w);
	assert_int_equal(tern_socket_error(w.host[0], client), -TERN_ECONNREFUSED);
	assert_true(two_events(&w, 0, client) & TERN_ERROR);
	assert_int_equal(stats_of(&w, 1).OutRsts, 1);
	assert_int_equal(stats_of(&w, 1).TernVerdict[TERN_VERDICT_NO_CONNECTION], 1);
	assert_int_equal(stats_of(&w, 0).OutRsts, 0); /* a reset is not answered */
	assert_int_equal(tern_close(w.host[0], client), 0);
	assert_int_equal(stats_of(&w, 0).TernConnections, 0);
	two_end(&w);
}

static void replies_overflow_without_memory(void **state)
{
	struct two_hosts w;
	tern_packet	*batch[64];
	uint8_t		 packet[2048];

	(void)state;
	begin(&w);
	(void)two_connect(&w, 0, 81, false);
	assert_int_equal(tern_host_output(w.host[0], batch, 64, w.now), 1);
	const size_t n = two_flatten(batch[0], packet);
	tern_packet_done(batch[0]);
	const size_t before = w.memory[1].calls;
	for (int i = 0; i < HOST_REPLIES + 10; i++)
		two_inject(&w, 1, packet, n, false);
	assert_int_equal(w.memory[1].calls, before);
	assert_int_equal(stats_of(&w, 1).TernReplyOverflow, 10);
	tern_host_check(w.host[1]);
	two_end(&w);
}

/* ---- bad input ---- */

static void every_prefix_and_flip_of_a_segment_is_survived(void **state)
{
	struct two_hosts w;
	tern_socket	 client, server;
	tern_packet	*batch[4];
	uint8_t		 packet[2048], bad[2048];
	uint64_t	 random = 7;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		begin(&w);
		two_open(&w, v6, &client, &server);
		assert_int_equal(tern_send(w.host[0], client, "hello, world", 12, 0), 12);
		assert_int_equal(tern_host_output(w.host[0], batch, 4, w.now), 1);
		const size_t n = two_flatten(batch[0], packet);
		tern_packet_done(batch[0]);
		for (size_t len = 0; len < n; len++)
			two_inject(&w, 1, packet, len, true);
		for (int i = 0; i < 20000; i++) {
			memcpy(bad, packet, n);
			for (int flips = 0; flips < 3; flips++)
				bad[splitmix64(&random) % n] ^= (uint8_t)(1u << splitmix64(&random) % 8);
			two_inject(&w, 1, bad, n, i % 2);
			if (i % 100 == 0)
				two_exchange(&w);
		}
		two_exchange(&w);
		two_end(&w);
	}
}

/* MUST-3: of the segment and of the header. */
static void bad_checksum_is_dropped_and_counted(void **state)
{
	struct two_hosts w;
	tern_packet	*batch[4];
	uint8_t		 packet[2048];

	(void)state;
	begin(&w);
	(void)two_listen(&w, 1, 80);
	(void)two_connect(&w, 0, 80, false);
	assert_int_equal(tern_host_output(w.host[0], batch, 4, w.now), 1);
	const size_t n = two_flatten(batch[0], packet);
	tern_packet_done(batch[0]);
	packet[n - 1] ^= 1;
	two_inject(&w, 1, packet, n, false);
	assert_int_equal(stats_of(&w, 1).InCsumErrors, 1);
	assert_int_equal(stats_of(&w, 1).TernVerdict[TERN_VERDICT_BAD_CHECKSUM], 1);
	assert_int_equal(stats_of(&w, 1).TernHalfOpen, 0);
	packet[n - 1] ^= 1;
	packet[16] ^= 1; /* the IPv4 header's */
	two_inject(&w, 1, packet, n, false);
	assert_int_equal(stats_of(&w, 1).InHdrErrors, 1);
	assert_false(tern_host_has_output(w.host[1]));
	two_end(&w);
}

/* ---- ICMP ---- */

static size_t make_icmp(uint8_t *packet, const struct icmp_message *icmp, bool v6, int from)
{
	const struct ip_header ip = {
		.src = two_addr(from, v6),
		.dst = two_addr(!from, v6),
		.version = v6 ? 6 : 4,
		.protocol = v6 ? IPPROTO_ICMP6 : IPPROTO_ICMP4,
		.ttl = 64,
	};
	const size_t head = v6 ? IPV6_HEADER : IPV4_HEADER;
	const size_t n = icmp_wire_emit(packet + head, icmp, &ip.src, &ip.dst);

	(void)ip_wire_emit(packet, &ip, (uint32_t)n);
	return head + n;
}

static void echo_is_answered_with_its_data(void **state)
{
	static uint8_t	    data[5000], packet[6000];
	struct two_hosts    w;
	struct icmp_message icmp = { .kind = ICMP_ECHO, .echo = 0x12340001, .body = data };

	(void)state;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)i;
	for (int v6 = 0; v6 < 2; v6++) {
		begin(&w);
		icmp.body_len = 56;
		size_t n = make_icmp(packet, &icmp, v6, 0);
		two_inject(&w, 1, packet, n, false);
		assert_true(two_carry(&w, 1, 64));
		assert_int_equal(w.last_len, n);
		assert_memory_equal(w.last + n - 56, data, 56);
		assert_int_equal(w.last[v6 ? 40 : 20], v6 ? 129 : 0);
		assert_int_equal(stats_of(&w, 1).IcmpOutEchoReps, 1);

		/* beyond the MTU: in fragments */
		icmp.body_len = sizeof data;
		n = make_icmp(packet, &icmp, v6, 0);
		two_inject(&w, 1, packet, n, false);
		w.sent[1] = 0;
		two_exchange(&w);
		assert_int_equal(w.sent[1], 4);
		assert_int_equal(stats_of(&w, 1).FragCreates, 4);
		assert_int_equal(stats_of(&w, 0).ReasmOKs, 1);
		assert_int_equal(stats_of(&w, 0).IcmpInMsgs, 2);
		assert_int_equal(stats_of(&w, 0).IcmpInErrors, 0);
		two_end(&w);
	}
}

/* UDP and unknown protocols are answered, at a limited rate; a TCP segment in transit is not touched. */
static void unknown_protocols_are_unreachable(void **state)
{
	uint8_t		 packet[128] = { 0 };
	struct two_hosts w;

	(void)state;
	begin(&w);
	const struct ip_header ip = {
		.src = two_addr(0, false), .dst = two_addr(1, false), .version = 4, .protocol = 17, .ttl = 64 };
	(void)ip_wire_emit(packet, &ip, 28);
	packet[20] = 1, packet[23] = 9, packet[25] = 28; /* ports and length; no checksum */
	for (int i = 0; i < 100; i++)
		two_inject(&w, 1, packet, 48, false);
	two_exchange(&w);
	assert_true(w.sent[1] >= 1 && w.sent[1] <= 20);
	assert_int_equal(w.last[20], 3);
	assert_int_equal(w.last[21], 3);
	assert_memory_equal(w.last + 28, packet, 48);
	assert_int_equal(stats_of(&w, 1).IcmpOutRateLimited + w.sent[1], 100);
	two_end(&w);
}

static size_t quote_of_last(struct two_hosts *w, uint8_t *quote)
{
	memcpy(quote, w->last, 28);
	(void)w;
	return 28;
}

static bool lose_all(struct two_hosts *w, int from, const uint8_t *packet, size_t len)
{
	(void)w, (void)from, (void)packet, (void)len;
	return true;
}

static void packet_too_big_lowers_the_mss_of_its_connection(void **state)
{
	static uint8_t	   text[3000], packet[2048];
	uint8_t		   quote[64];
	struct two_hosts   w;
	tern_socket	   client, server;
	struct tern_status status;

	(void)state;
	begin(&w);
	two_open(&w, false, &client, &server);
	assert_int_equal(tern_send(w.host[0], client, text, sizeof text, 0), sizeof text);
	w.lose = lose_all;
	assert_true(two_carry(&w, 0, 1));
	struct icmp_message icmp = { .kind = ICMP_PACKET_TOO_BIG, .mtu = 1000, .body = quote };
	icmp.body_len = (uint32_t)quote_of_last(&w, quote);
	size_t n = make_icmp(packet, &icmp, false, 1);

	/* a number that is not in flight proves nothing (RFC 5927 4.1) */
	quote[24] ^= 0x40;
	n = make_icmp(packet, &icmp, false, 1);
	two_inject(&w, 0, packet, n, false);
	assert_int_equal(tern_status(w.host[0], client, &status), 0);
	assert_true(status.snd_mss > 1400);

	quote[24] ^= 0x40;
	n = make_icmp(packet, &icmp, false, 1);
	two_inject(&w, 0, packet, n, false);
	assert_int_equal(tern_status(w.host[0], client, &status), 0);
	assert_true(status.snd_mss <= 1000 - 40 && status.snd_mss > 900);
	w.lose = NULL;
	two_wait(&w, 5 * TERN_SECOND);
	assert_int_equal(tern_receive(w.host[1], server, text, sizeof text), sizeof text);
	two_end(&w);
}

static void hard_error_ends_an_opening_connection(void **state)
{
	uint8_t		 packet[256], quote[64];
	struct two_hosts w;

	(void)state;
	begin(&w);
	const tern_socket client = two_connect(&w, 0, 80, false);
	w.lose = lose_all;
	assert_true(two_carry(&w, 0, 1));
	struct icmp_message icmp = { .kind = ICMP_PORT_UNREACHABLE, .body = quote };
	icmp.body_len = (uint32_t)quote_of_last(&w, quote);
	two_inject(&w, 0, packet, make_icmp(packet, &icmp, false, 1), false);
	assert_int_equal(tern_socket_error(w.host[0], client), -TERN_ECONNREFUSED);
	two_end(&w);
}

/* ---- ourselves ---- */

static void connects_to_itself_without_a_link(void **state)
{
	struct two_hosts       w;
	tern_socket	       client, server;
	char		       text[8];
	const struct tern_open open = { .remote = { .port = 80 } };

	for (int which = 0; which < 3; which++) {
		static const char *const names[] = { "127.0.0.1", "::1", "10.0.0.1" };
		struct tern_open	 to = open;

		(void)state;
		begin(&w);
		assert_int_equal(tern_addr_parse(&to.remote.addr, names[which]), 0);
		const tern_socket listener = two_listen(&w, 0, 80);
		assert_int_equal(tern_connect(w.host[0], &to, &client), 0);
		two_exchange(&w);
		assert_int_equal(w.sent[0], 0);
		assert_int_equal(tern_accept(w.host[0], listener, &server), 0);
		assert_int_equal(tern_send(w.host[0], client, "within", 7, 0), 7);
		two_exchange(&w);
		assert_int_equal(tern_receive(w.host[0], server, text, sizeof text), 7);
		assert_string_equal(text, "within");
		assert_true(stats_of(&w, 0).TernLoopback >= 4);
		two_end(&w);
	}
}

/* RFC 9293 3.5: a self-connection is a simultaneous open with one block. */
static void self_connect(void **state)
{
	struct two_hosts w;
	struct tern_open open = { .remote = { .port = 5000 }, .local = { .port = 5000 } };
	tern_socket	 self;
	char		 text[8];

	(void)state;
	begin(&w);
	open.remote.addr = open.local.addr = two_addr(0, false);
	assert_int_equal(tern_connect(w.host[0], &open, &self), 0);
	two_exchange(&w);
	assert_int_equal(two_state(&w, 0, self), TERN_STATE_ESTABLISHED);
	assert_int_equal(tern_send(w.host[0], self, "mirror", 7, 0), 7);
	two_exchange(&w);
	assert_int_equal(tern_receive(w.host[0], self, text, sizeof text), 7);
	assert_string_equal(text, "mirror");
	assert_int_equal(tern_close(w.host[0], self), 0);
	two_wait(&w, 200 * TERN_SECOND);
	assert_int_equal(stats_of(&w, 0).TernConnections, 0);
	assert_int_equal(stats_of(&w, 0).TernTimeWait, 0);
	two_end(&w);
}

static void loopback_addresses_from_a_link_are_dropped(void **state)
{
	uint8_t		 packet[128] = { 0 };
	struct two_hosts w;
	struct ip_header ip = { .version = 4, .protocol = 6, .ttl = 64 };

	(void)state;
	begin(&w);
	ip.src = two_addr(0, false);
	assert_int_equal(tern_addr_parse(&ip.dst, "127.0.0.1"), 0);
	(void)ip_wire_emit(packet, &ip, 20);
	two_inject(&w, 1, packet, 40, true);
	assert_int_equal(stats_of(&w, 1).TernVerdict[TERN_VERDICT_BAD_ADDRESS], 1);
	assert_false(tern_host_has_output(w.host[1]));
	two_end(&w);
}

/* Two ends within one host talk without end: output must return, and must say that there is more. */
static void loopback_is_bounded_per_call(void **state)
{
	static uint8_t	 text[65536];
	struct two_hosts w;
	tern_socket	 client, server;
	struct tern_open open = { .remote = { .port = 80 } };
	size_t		 got = 0;
	tern_packet	*batch[4];

	(void)state;
	begin(&w);
	open.remote.addr = two_addr(0, false);
	const tern_socket listener = two_listen(&w, 0, 80);
	assert_int_equal(tern_connect(w.host[0], &open, &client), 0);
	two_exchange(&w);
	assert_int_equal(tern_accept(w.host[0], listener, &server), 0);
	assert_int_equal(tern_option_set(w.host[0], client, TERN_NODELAY, 1), 0);
	for (int turns = 0; turns < 400; turns++) {
		(void)tern_send(w.host[0], client, text, sizeof text, 0);
		assert_int_equal(tern_host_output(w.host[0], batch, 4, w.now), 0);
		if (tern_host_has_output(w.host[0]))
			assert_true(tern_host_deadline(w.host[0]) == w.now);
		for (ptrdiff_t n; (n = tern_receive(w.host[0], server, text, sizeof text)) > 0;)
			got += (size_t)n;
	}
	assert_true(got > 400 * sizeof text / 2);
	two_end(&w);
}

/* ---- timers ---- */

static void keepalive_far_ahead(struct two_hosts *w, tern_socket client, tern_socket server)
{
	char c;

	assert_int_equal(tern_option_set(w->host[0], client, TERN_KEEPALIVE, 1), 0);
	/* A message each 50 ms: each moves the keep-alive's two hours, and none leaves a timer behind. */
	for (int i = 0; i < 2000; i++) {
		assert_int_equal(tern_send(w->host[0], client, "x", 1, 0), 1);
		two_wait(w, 50 * TERN_MILLISECOND);
		assert_int_equal(tern_receive(w->host[1], server, &c, 1), 1);
	}
	assert_true(w->host[0]->wheel.n < 20);
}

/* Units of far deadlines wrap after 19.5 hours; unit 0 means none. */
static void far_deadlines_survive_the_wrap_of_their_units(void **state)
{
	const tern_time	 wrap = (tern_time)1 << 46;
	struct two_hosts w;
	tern_socket	 client, server;

	(void)state;
	begin(&w);
	two_open(&w, false, &client, &server);
	keepalive_far_ahead(&w, client, server);
	assert_int_equal(tern_option_set(w.host[0], client, TERN_KEEPALIVE, 0), 0);
	w.now = 1000 * TERN_SECOND + wrap - 7200 * TERN_SECOND + TERN_SECOND / 2;
	tern_host_advance(w.host[0], w.now);
	tern_host_advance(w.host[1], w.now);
	two_exchange(&w);
	assert_int_equal(tern_send(w.host[0], client, "x", 1, 0), 1); /* so the deadline falls into unit 0 */
	two_exchange(&w);
	two_wait(&w, TERN_SECOND / 10);
	assert_int_equal(tern_option_set(w.host[0], client, TERN_KEEPALIVE, 1), 0);
	const uint64_t before = stats_of(&w, 0).TCPKeepAlive;
	two_wait(&w, 7190 * TERN_SECOND);
	assert_int_equal(stats_of(&w, 0).TCPKeepAlive, before);
	two_wait(&w, 15 * TERN_SECOND);
	assert_int_equal(stats_of(&w, 0).TCPKeepAlive, before + 1);
	/* and for days */
	two_wait(&w, 72 * 3600 * TERN_SECOND);
	assert_in_range(stats_of(&w, 0).TCPKeepAlive, before + 34, before + 46);
	assert_int_equal(two_state(&w, 0, client), TERN_STATE_ESTABLISHED);
	two_end(&w);
}

/* 16 bytes are not to be had: the deadlines are found by looking. */
static void timers_work_where_the_wheel_has_no_memory(void **state)
{
	struct two_hosts w;
	tern_socket	 client, server;
	char		 text[4];

	(void)state;
	begin(&w);
	two_open(&w, false, &client, &server);
	for (int i = 0; i < 300; i++) /* uses up the wheel's spare nodes */
		assert_true(wheel_add(&w.host[0]->wheel, 1u << 30, 12345));
	assert_int_equal(tern_send(w.host[0], client, "text", 4, 0), 4);
	w.lose = lose_all;
	while (w.host[0]->wheel.free != UINT32_MAX && wheel_add(&w.host[0]->wheel, 1u << 30, 12345))
		if (w.host[0]->wheel.n % WHEEL_CHUNK == 0)
			break;
	w.memory[0].fail_all = true;
	two_exchange(&w);
	w.now += TERN_MILLISECOND;
	tern_host_advance(w.host[0], w.now); /* what was noted is armed now, or not */
	w.memory[0].fail_all = false;
	w.lose = NULL;
	assert_true(stats_of(&w, 0).TernTimersUnarmed > 0);
	assert_true(tern_host_deadline(w.host[0]) <= w.now + TERN_SECOND);
	two_wait(&w, 5 * TERN_SECOND);
	assert_int_equal(tern_receive(w.host[1], server, text, 4), 4);
	two_end(&w);
}

/* ---- memory ---- */

static void idle_connections_cost_256_bytes(void **state)
{
	enum { N = 2000 };
	struct two_hosts w;
	tern_socket	 server[N];

	(void)state;
	two_defaults(&w);
	w.config[1].half_open_max = 4 * N;
	two_begin(&w);
	const struct tern_listen listen = { .local = { .port = 80 }, .backlog = N };
	tern_socket		 listener;
	assert_int_equal(tern_listen(w.host[1], &listen, &listener), 0);
	const size_t before = stats_of(&w, 0).TernMemory;
	for (int i = 0; i < N; i++) {
		(void)two_connect(&w, 0, 80, false);
		while ((int)two_carry(&w, 0, 64) + (int)two_carry(&w, 1, 64) > 0)
			;
		assert_int_equal(tern_accept(w.host[1], listener, &server[i]), 0);
	}
	two_wait(&w, 10 * TERN_SECOND);
	tern_host_trim(w.host[0]);
	const size_t each = (stats_of(&w, 0).TernMemory - before) / N;
	assert_true(each <= 256 + 65536 / N); /* a chunk may be begun */
	two_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_host_is_idle),
		cmocka_unit_test(settings_out_of_range_are_refused),
		cmocka_unit_test(zero_means_the_default),
		cmocka_unit_test(a_small_budget_has_a_small_reserve),
		cmocka_unit_test(each_failing_allocation_of_create_is_clean),
		cmocka_unit_test(seven_segments),
		cmocka_unit_test(bytes_arrive_whole_and_in_order),
		cmocka_unit_test(text_in_many_pieces_is_gathered),
		cmocka_unit_test(packets_hold_their_text_until_done),
		cmocka_unit_test(output_is_never_more_than_room),
		cmocka_unit_test(packets_run_out_and_come_back),
		cmocka_unit_test(refused_by_reset),
		cmocka_unit_test(replies_overflow_without_memory),
		cmocka_unit_test(every_prefix_and_flip_of_a_segment_is_survived),
		cmocka_unit_test(bad_checksum_is_dropped_and_counted),
		cmocka_unit_test(echo_is_answered_with_its_data),
		cmocka_unit_test(unknown_protocols_are_unreachable),
		cmocka_unit_test(packet_too_big_lowers_the_mss_of_its_connection),
		cmocka_unit_test(hard_error_ends_an_opening_connection),
		cmocka_unit_test(connects_to_itself_without_a_link),
		cmocka_unit_test(self_connect),
		cmocka_unit_test(loopback_addresses_from_a_link_are_dropped),
		cmocka_unit_test(loopback_is_bounded_per_call),
		cmocka_unit_test(far_deadlines_survive_the_wrap_of_their_units),
		cmocka_unit_test(timers_work_where_the_wheel_has_no_memory),
		cmocka_unit_test(idle_connections_cost_256_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
