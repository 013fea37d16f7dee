/* Every state against flags of every kind, old segments, lost ones and ends that nobody completes. */
#include "attacks/attack.h"

#include "host/internal.h"

enum { AHEAD = 500 };

static struct foe_flow flow;
static tern_socket     listener;

/* Brings the flow to a state; nothing is on its way. */
static void reach(enum tern_state to)
{
	if (to == TERN_STATE_CLOSED)
		return;
	if (to == TERN_STATE_SYN_SENT) {
		const struct tern_open open = { .remote = { .addr = foe_addr(&foe, FOE_PEER),
							    .port = flow.port } };

		assert_int_equal(tern_connect(foe.host, &open, &flow.socket), 0);
		assert_int_equal(foe_next(&foe), FOE_SEGMENT);
		flow.host_port = foe.seg.src_port;
		flow.ack = seq_add(foe.seg.seq, 1);
		return;
	}
	listener = foe_listen(&foe, 8);
	if (to == TERN_STATE_LISTEN)
		return;
	if (to == TERN_STATE_SYN_RECEIVED) {
		foe_say(&foe, &flow, TCP_SYN, 0, 0, 0);
		assert_int_equal(foe_next(&foe), FOE_SEGMENT);
		flow.seq = seq_add(flow.seq, 1);
		flow.ack = seq_add(foe.seg.seq, 1);
		return;
	}
	foe_open(&foe, listener, &flow);
	if (to == TERN_STATE_CLOSE_WAIT || to == TERN_STATE_LAST_ACK) {
		foe_say(&foe, &flow, TCP_FIN | TCP_ACK, 0, 0, 0);
		flow.seq = seq_add(flow.seq, 1);
	}
	if (to != TERN_STATE_ESTABLISHED && to != TERN_STATE_CLOSE_WAIT) {
		assert_int_equal(tern_shutdown(foe.host, flow.socket), 0);
		(void)foe_drain(&foe);
	}
	if (to == TERN_STATE_FIN_WAIT_2 || to == TERN_STATE_TIME_WAIT) {
		flow.ack = seq_add(flow.ack, 1);
		foe_say(&foe, &flow, TCP_ACK, 0, 0, 0);
	}
	if (to == TERN_STATE_CLOSING || to == TERN_STATE_TIME_WAIT) {
		foe_say(&foe, &flow, TCP_FIN | TCP_ACK, 0, 0, 0);
		flow.seq = seq_add(flow.seq, 1);
	}
	(void)foe_drain(&foe);
	if (to != TERN_STATE_TIME_WAIT)
		assert_int_equal(foe_state(&foe, &flow), to);
	else
		assert_int_equal(foe_stats(&foe).TernTimeWait, 1);
}

/* What may come of flags at RCV.NXT with the right ACK, state by state. */
static bool may_become(enum tern_state from, enum tern_state to, unsigned flags)
{
	const bool syn = flags & TCP_SYN, fin = flags & TCP_FIN, rst = flags & TCP_RST, ack = flags & TCP_ACK;

	if (to == from)
		return true;
	if (from <= TERN_STATE_LISTEN)
		return false; /* entries are not connections */
	if (to == TERN_STATE_CLOSED)
		return rst || (from == TERN_STATE_LAST_ACK && ack) || (ack && from == TERN_STATE_CLOSING) ||
		       (from == TERN_STATE_FIN_WAIT_2 && fin && ack) ||
		       (from == TERN_STATE_FIN_WAIT_1 && fin && ack);
	if (from == TERN_STATE_SYN_SENT)
		return syn && !rst &&
		       (to == TERN_STATE_SYN_RECEIVED || to == TERN_STATE_ESTABLISHED ||
			(fin && ack && to == TERN_STATE_CLOSE_WAIT));
	if (syn || !ack || rst)
		return false; /* RFC 9293 3.10.7.4: fourth and fifth step */
	if (from == TERN_STATE_ESTABLISHED)
		return fin && to == TERN_STATE_CLOSE_WAIT;
	if (from == TERN_STATE_FIN_WAIT_1)
		return to == TERN_STATE_FIN_WAIT_2 ||
		       (fin && (to == TERN_STATE_CLOSING || to == TERN_STATE_TIME_WAIT));
	if (from == TERN_STATE_FIN_WAIT_2)
		return fin && to == TERN_STATE_TIME_WAIT;
	return from == TERN_STATE_CLOSING && to == TERN_STATE_TIME_WAIT;
}

/* "SYN|FIN", "Christmas tree / NULL / Xmas": all 64 sets of flags in all eleven states, each sent twenty times, with
 * the right numbers and with numbers from outside: every segment has one answer at most, the state moves by RFC 9293's
 * edges alone, a FIN beside a SYN ends nothing, and no octet is delivered with it. */
static void every_flag_in_every_state(void **state)
{
	(void)state;
	for (unsigned from = 0; from < TERN_STATES; from++)
		for (unsigned flags = 0; flags < 64; flags++)
			for (unsigned outside = 0; outside < 2; outside++) {
				begin(false);
				flow = foe_flow(FOE_PEER, 5000);
				reach((enum tern_state)from);
				const enum tern_state before = foe_state(&foe, &flow);
				for (unsigned i = 0; i < 20; i++) {
					foe_say(&foe, &flow, flags, outside ? 1 << 20 : 0,
						outside ? 1 << 20 : 0, 0);
					assert_true(foe_drain(&foe) <= 1);
					if (i > 0)
						continue;
					const enum tern_state after = foe_state(&foe, &flow);
					if (!may_become(before, after, flags) ||
					    (outside && after != before &&
					     !(from == TERN_STATE_SYN_SENT && flags & TCP_SYN)))
						fail_msg("%s, flags %x: became %s", tern_state_name(before),
							 flags, tern_state_name(after));
				}
				if (from ==
				    TERN_STATE_LISTEN) { /* SYN|FIN: a SYN at the most, never a stream that has ended */
					assert_int_equal(foe_stats(&foe).TernConnections, 0);
					assert_int_equal(foe_stats(&foe).TernHalfOpen,
							 (flags & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_SYN);
				}
				foe_end(&foe);
			}
}

/* RFC 1337: old text, old ACKs and resets in TIME-WAIT: it ends when it would have ended without them. */
static void time_wait_is_not_assassinated(void **state)
{
	(void)state;
	begin(false);
	flow = foe_flow(FOE_PEER, 5000);
	reach(TERN_STATE_TIME_WAIT);
	const tern_time until = foe.now + 2 * foe.config.msl;

	for (unsigned i = 0; i < 100; i++) {
		foe_say(&foe, &flow, TCP_ACK, -1000, 0, 500); /* an old duplicate */
		foe_say(&foe, &flow, TCP_ACK, 0, -50, 0);     /* an old ACK */
		foe_say(&foe, &flow, TCP_RST, 0, 0, 0);	      /* exactly at RCV.NXT */
		foe_say(&foe, &flow, TCP_RST | TCP_ACK, 0, 0, 0);
		foe_say(&foe, &flow, TCP_RST, 10, 0, 0);
		assert_in_range(foe_drain(&foe), 0, 1); /* the text is acknowledged again */
		foe.now += 2 * foe.config.msl / 110;
		tern_host_advance(foe.host, foe.now);
		assert_int_equal(foe_stats(&foe).TernTimeWait, 1);
	}
	(void)foe_wait(&foe, until - foe.now + TERN_SECOND);
	assert_int_equal(foe_stats(&foe).TernTimeWait, 0);
	foe_end(&foe);
}

/* "ACK storm": the answers of two ends that disagree, each the other's next segment: an ACK of what was never sent
 * draws five answers a second at most, and a hundred rounds within one second no more than twenty segments. */
static void acks_of_what_was_never_sent(void **state)
{
	unsigned answers = 0;

	(void)state;
	begin(false);
	flow = foe_flow(FOE_PEER, 5000);
	reach(TERN_STATE_ESTABLISHED);
	for (unsigned i = 0; i < 100; i++) {
		foe_say(&foe, &flow, TCP_ACK, 0, 5000, 0);
		while (foe_next(&foe) == FOE_SEGMENT)
			answers++;
	}
	assert_in_range(answers, 1, 5);
	foe_end(&foe);
}

/* The same between two hosts of ours, after text was injected at both: they fall silent. */
static tern_host *ours[2];
static tern_time  ours_now;

static void make_ours(unsigned i)
{
	struct tern_config	      config;
	const struct tern_link_config link = { .mtu = 1500 };
	const struct tern_addr	      own = addr_v4(0x0a000001 + i);
	uint8_t			      number;

	tern_config_default(&config);
	config.secret[0] = (uint8_t)i;
	config.allocator = *tern_allocator_default();
	assert_int_equal(tern_host_create(&ours[i], &config, ours_now), 0);
	assert_int_equal(tern_host_add_link(ours[i], &link, &number), 0);
	assert_int_equal(tern_host_add_address(ours[i], number, &own, 24), 0);
}

static void put_in(unsigned i, const uint8_t *bytes, uint32_t n)
{
	tern_packet  in = { .part = { { bytes, n, NULL } }, .len = n, .n_parts = 1 };
	tern_packet *batch[] = { &in };

	tern_host_input(ours[i], batch, 1, ours_now);
}

/* How many packets crossed until both were silent; 1,000 at the most. */
static unsigned cross(void)
{
	static uint8_t bytes[2000];
	unsigned       crossed = 0;
	tern_packet   *out[1];

	for (unsigned silent = 0, i = 0; silent < 2 && crossed < 1000; i = !i)
		if (tern_host_output(ours[i], out, 1, ours_now) == 1) {
			uint32_t n = 0;

			for (unsigned k = 0; k < out[0]->n_parts; n += out[0]->part[k++].n)
				memcpy(bytes + n, out[0]->part[k].at, out[0]->part[k].n);
			tern_packet_done(out[0]);
			put_in(!i, bytes, n);
			crossed++;
			silent = 0;
		} else {
			silent++;
		}
	return crossed;
}

/* Text that its peer never sent, in order, with everything as it should be. */
static void inject_at(unsigned i, tern_socket end)
{
	const struct foe   version = { .v6 = false };
	struct tern_status status;
	uint8_t		   bytes[200];

	assert_int_equal(tern_status(ours[i], end, &status), 0);
	struct tcp_segment seg = { .src_port = status.tuple.remote_port,
				   .dst_port = status.tuple.local_port,
				   .seq = seq(status.rcv_nxt),
				   .ack = seq(status.snd_nxt),
				   .flags = TCP_ACK,
				   .wnd = 60000,
				   .text = foe_text(0, 10),
				   .text_len = 10 };
	seg.opt.has_ts = status.ts_ok;
	seg.opt.ts_val = UINT32_C(1) << 30;
	const size_t n = foe_segment(&version, bytes, 1, &seg);
	put32(bytes + 12, 0x0a000001 + !i);
	put32(bytes + 16, 0x0a000001 + i);
	foe_sum_v4(bytes, IPV4_HEADER);
	foe_sum_upper(&version, bytes, IPV4_HEADER, n - IPV4_HEADER, IPPROTO_TCP_, 16);
	put_in(i, bytes, (uint32_t)n);
}

/* "ACK storm": ten times text that nobody sent, at both ends. */
static void two_ends_that_disagree(void **state)
{
	const struct tern_open open = { .remote = { .addr = addr_v4(0x0a000002), .port = 80 } };
	tern_socket	       ends[2], passive;

	(void)state;
	ours_now = 1000 * TERN_SECOND;
	make_ours(0);
	make_ours(1);
	assert_int_equal(tern_listen(ours[1], &(struct tern_listen){ .local = { .port = 80 } }, &passive), 0);
	assert_int_equal(tern_connect(ours[0], &open, &ends[0]), 0);
	(void)cross();
	assert_int_equal(tern_accept(ours[1], passive, &ends[1]), 0);
	for (unsigned step = 0; step < 10; step++) {
		inject_at(0, ends[0]);
		inject_at(1, ends[1]);
		assert_true(cross() <= 20);
	}
	tern_host_destroy(ours[0]);
	tern_host_destroy(ours[1]);
}

/* ---- ends ---- */

/* "FIN-WAIT-2 leak", "FreeBSD LAST_ACK stuck": the peer goes silent in every state that the program has let go of, its
 * window shut or not: ten minutes later nothing is left. */
static void silent_peers(void **state)
{
	static const enum tern_state states[] = { TERN_STATE_SYN_RECEIVED, TERN_STATE_ESTABLISHED,
						  TERN_STATE_FIN_WAIT_1,   TERN_STATE_FIN_WAIT_2,
						  TERN_STATE_CLOSE_WAIT,   TERN_STATE_CLOSING,
						  TERN_STATE_LAST_ACK,	   TERN_STATE_TIME_WAIT };

	(void)state;
	for (unsigned i = 0; i < sizeof states / sizeof *states; i++)
		for (unsigned shut = 0; shut < 2; shut++)
			for (unsigned text = 0; text < 2; text++) {
				begin(false);
				flow = foe_flow(FOE_PEER, 5000);
				reach(states[i]);
				if (shut && states[i] != TERN_STATE_TIME_WAIT) {
					flow.wnd = 0;
					foe_say(&foe, &flow, TCP_ACK, 0, 0, 0);
				}
				if (text && (states[i] == TERN_STATE_ESTABLISHED ||
					     states[i] == TERN_STATE_CLOSE_WAIT))
					(void)tern_send(foe.host, flow.socket, foe_text(0, 5000), 5000, 0);
				if (states[i] == TERN_STATE_LAST_ACK && text) /* FIN and text at LAST-ACK */
					foe_say(&foe, &flow, TCP_FIN | TCP_ACK, 0, -1, 10);
				if (states[i] == TERN_STATE_SYN_RECEIVED) /* that ACK was its third segment */
					(void)tern_accept(foe.host, listener, &flow.socket);
				(void)tern_close(foe.host, flow.socket);
				(void)foe_wait(&foe, 600 * TERN_SECOND);
				assert_int_equal(foe_stats(&foe).TernConnections, 0);
				assert_int_equal(foe_stats(&foe).TernHalfOpen, 0);
				assert_int_equal(foe_stats(&foe).TernTimeWait, 0);
				foe_end(&foe);
			}
}

/* "FIN-WAIT-2 leak", sockstress/Nkiller2: the program has let go of text that a peer at zero window never takes, though
 * it answers every probe: the orphan ends all the same. */
static void orphans_at_zero_window(void **state)
{
	unsigned probes = 0;

	(void)state;
	begin(false);
	flow = foe_flow(FOE_PEER, 5000);
	reach(TERN_STATE_ESTABLISHED);
	flow.wnd = 0;
	foe_say(&foe, &flow, TCP_ACK, 0, 0, 0);
	assert_int_equal(tern_send(foe.host, flow.socket, foe_text(0, 5000), 5000, 0), 5000);
	assert_int_equal(tern_close(foe.host, flow.socket), 0);
	for (unsigned i = 0; i < 600; i++) {
		(void)foe_wait(&foe, TERN_SECOND);
		probes += foe.came > 0;
		foe.came = 0;
		if (foe_stats(&foe).TernConnections > 0)
			foe_say(&foe, &flow, TCP_ACK, 0, 0, 0);
	}
	assert_true(probes > 3);
	assert_int_equal(foe_stats(&foe).TernConnections, 0);
	foe_end(&foe);
}

/* "FIN becomes RST": abort, a close with text unread and a close with LINGER 0 in every state, behind a FIN that waits:
 * one reset that begins where what was sent ends, and nothing after it. */
static void aborts_in_every_state(void **state)
{
	(void)state;
	for (unsigned from = TERN_STATE_SYN_SENT; from < TERN_STATES; from++)
		for (unsigned how = 0; how < 3; how++)
			for (unsigned queued = 0; queued < 2; queued++) {
				if (from == TERN_STATE_SYN_RECEIVED || from == TERN_STATE_TIME_WAIT)
					continue; /* no handle */
				begin(false);
				flow = foe_flow(FOE_PEER, 5000);
				reach((enum tern_state)from);
				if (how == 1)
					foe_say(&foe, &flow, TCP_ACK, 0, 0, 100);
				(void)foe_drain(&foe);
				if (queued) {
					(void)tern_send(foe.host, flow.socket, foe_text(0, 100), 100, 0);
					(void)tern_shutdown(foe.host, flow.socket);
				}
				const struct tern_status status = foe_status(&foe, &flow);
				if (how == 0)
					(void)tern_abort(foe.host, flow.socket);
				else if (how == 2)
					(void)tern_option_set(foe.host, flow.socket, TERN_LINGER, 0);
				if (how > 0)
					(void)tern_close(foe.host, flow.socket);
				unsigned resets = 0;
				while (foe_next(&foe) == FOE_SEGMENT)
					if (foe.seg.flags & TCP_RST) {
						resets++;
						assert_int_equal(foe.seg.seq.v, status.snd_nxt);
					} else {
						assert_int_equal(resets, 0);
					}
				assert_true(resets <= 1);
				if (from >= TERN_STATE_ESTABLISHED && how != 1)
					assert_int_equal(resets, 1);
				(void)foe_wait(&foe, 600 * TERN_SECOND);
				assert_int_equal(foe_stats(&foe).TernConnections, 0);
				foe_end(&foe);
			}
}

/* "Simultaneous close": the FINs cross; each is lost, comes twice or late: TIME-WAIT, and one end of the stream. */
static void fins_that_cross(void **state)
{
	uint8_t got[10];

	(void)state;
	for (unsigned lost = 0; lost < 4; lost++)
		for (unsigned twice = 0; twice < 2; twice++) {
			begin(false);
			flow = foe_flow(FOE_PEER, 5000);
			reach(TERN_STATE_FIN_WAIT_1);
			if (lost & 1) /* ours: the time-out sends it again */
				assert_true(foe_wait(&foe, 3 * TERN_SECOND) > 0);
			if (!(lost & 2))
				foe_say(&foe, &flow, TCP_FIN | TCP_ACK, 0, 0, 0);
			for (unsigned i = 0; i <= twice; i++)
				foe_say(&foe, &flow, TCP_FIN | TCP_ACK, 0, 0, 0);
			assert_int_equal(foe_state(&foe, &flow), TERN_STATE_CLOSING);
			assert_int_equal(tern_receive(foe.host, flow.socket, got, sizeof got), 0);
			for (unsigned i = 0; i <= twice; i++)
				foe_say(&foe, &flow, TCP_ACK, 1, 1, 0);
			assert_int_equal(foe_stats(&foe).TernTimeWait, 1);
			(void)tern_close(foe.host, flow.socket);
			(void)foe_wait(&foe, 100 * TERN_SECOND);
			assert_int_equal(foe_stats(&foe).TernTimeWait, 0);
			foe_end(&foe);
		}
}

/* "TIME-WAIT flood": 100,000 short connections that we close first: entries of 64 bytes, as many as the cap says. */
static void many_short_connections(void **state)
{
	(void)state;
	foe_defaults(&foe);
	foe.config.time_wait_max = 50000;
	foe_begin(&foe);
	listener = foe_listen(&foe, 128);
	for (unsigned i = 0; i < 100000; i++) {
		flow = foe_flow(0x00020000 + i / 50000, (uint16_t)(1024 + i % 50000));
		foe_open(&foe, listener, &flow);
		assert_int_equal(tern_shutdown(foe.host, flow.socket), 0);
		(void)foe_drain(&foe);
		foe_say(&foe, &flow, TCP_FIN | TCP_ACK, 0, 1, 0);
		(void)tern_close(foe.host, flow.socket);
		(void)foe_drain(&foe);
	}
	tern_host_trim(foe.host);
	const struct tern_stats stats = foe_stats(&foe);
	assert_int_equal(stats.TernTimeWait, 50000);
	assert_int_equal(stats.TCPTimeWaitOverflow, 50000);
	assert_true(stats.TernMemory - foe.before.TernMemory <= 50000 * 80 + (128 << 10));
	/* RFC 6191: a later SYN of the same tuple is let in. */
	flow.seq = seq_add(flow.seq, 100000);
	foe_open(&foe, listener, &flow);
	assert_int_equal(foe_stats(&foe).TernTimeWait, 49999);
	foe_end(&foe);
}

/* ---- the ends of the circle ---- */

/* The clock at which the host's ISS for the flow is the one wanted. */
static void begin_with_iss(uint32_t iss)
{
	foe_defaults(&foe);
	foe_begin(&foe);
	const struct tern_tuple tuple = { .local = foe_addr(&foe, FOE_HOST),
					  .remote = foe_addr(&foe, FOE_PEER),
					  .local_port = FOE_PORT,
					  .remote_port = 5000 };

	foe.now += (tern_time)(iss - tcp_isn(&foe.host->env, &tuple, foe.now).v) * 4 * TERN_MICROSECOND;
	tern_host_advance(foe.host, foe.now);
}

/* "ISS wrap": ISS and IRS of 0, 1, 2^31 - 1, 2^31 and 2^32 - 1, each with each: open, text both ways, close. */
static void lives_at_the_ends_of_the_circle(void **state)
{
	static const uint32_t ends[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff };
	uint8_t		      got[3000];

	(void)state;
	for (unsigned i = 0; i < 5 * 5 * 3; i++) {
		begin_with_iss(ends[i % 5]);
		flow = foe_flow(FOE_PEER, 5000);
		flow.seq = seq(ends[i / 5 % 5]);
		listener = foe_listen(&foe, 8);
		foe_open(&foe, listener, &flow);
		assert_int_equal(flow.ack.v, ends[i % 5] + 1);
		foe_say(&foe, &flow, TCP_ACK, 1000, 0, 500);
		foe_say(&foe, &flow, TCP_ACK, 0, 0, 1000);
		flow.seq = seq_add(flow.seq, 1500);
		assert_int_equal(tern_receive(foe.host, flow.socket, got, sizeof got), 1500);
		assert_memory_equal(got, foe_text(0, 1500), 1500);
		assert_int_equal(tern_send(foe.host, flow.socket, foe_text(0, 2920), 2920, 0), 2920);
		uint32_t sent = 0;
		while (foe_next(&foe) == FOE_SEGMENT) {
			assert_memory_equal(foe.seg.text,
					    foe_text(foe.seg.seq.v - flow.ack.v, foe.seg.text_len),
					    foe.seg.text_len);
			sent += foe.seg.text_len;
		}
		assert_int_equal(sent, 2920);
		foe_say(&foe, &flow, TCP_ACK, 0, 2920, 0);
		flow.ack = seq_add(flow.ack, 2920);
		if (i / 25 == 0) { /* the peer closes first */
			foe_say(&foe, &flow, TCP_FIN | TCP_ACK, 0, 0, 0);
			(void)tern_close(foe.host, flow.socket);
			(void)foe_drain(&foe);
			foe_say(&foe, &flow, TCP_ACK, 1, 1, 0);
			assert_int_equal(foe_stats(&foe).TernConnections + foe_stats(&foe).TernTimeWait, 0);
		} else { /* we do, or both */
			(void)tern_close(foe.host, flow.socket);
			(void)foe_drain(&foe);
			foe_say(&foe, &flow, TCP_FIN | TCP_ACK, 0, i / 25 == 1, 0);
			foe_say(&foe, &flow, TCP_ACK, 1, 1, 0);
			assert_int_equal(foe_stats(&foe).TernTimeWait, 1);
		}
		foe_end(&foe);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_flag_in_every_state),
		cmocka_unit_test(time_wait_is_not_assassinated),
		cmocka_unit_test(acks_of_what_was_never_sent),
		cmocka_unit_test(two_ends_that_disagree),
		cmocka_unit_test(silent_peers),
		cmocka_unit_test(orphans_at_zero_window),
		cmocka_unit_test(aborts_in_every_state),
		cmocka_unit_test(fins_that_cross),
		cmocka_unit_test(many_short_connections),
		cmocka_unit_test(lives_at_the_ends_of_the_circle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
