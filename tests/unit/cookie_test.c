/* SYN cookies (host/cookie.c): what was offered comes back, for as long as it should and to nobody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/cookie.h"
#include "wire/tuple.h"

static struct tcp_env env;
static uint64_t	      random_state = 42;

static uint32_t any(void)
{
	return (uint32_t)splitmix64(&random_state);
}

static int begin(void **state)
{
	(void)state;
	memset(&env, 0, sizeof env);
	tern_config_default(&env.config);
	env.cookie_key = (struct siphash_key){ 1, 2 };
	env.isn_key = (struct siphash_key){ 3, 4 };
	return 0;
}

static struct tern_tuple some_tuple(bool v6)
{
	struct tern_tuple tuple = { .local = addr_v4(any()),
				    .remote = addr_v4(any()),
				    .local_port = 80,
				    .remote_port = (uint16_t)any() };

	if (v6) {
		for (unsigned i = 0; i < 16; i++) {
			tuple.local.b[i] = (uint8_t)any();
			tuple.remote.b[i] = (uint8_t)any();
		}
		tuple.local.b[0] = tuple.remote.b[0] = 0xfd;
	}
	return tuple;
}

/* The SYN-ACK that answers syn, and the ACK that an honest peer sends then. */
static struct tcp_segment handshake(const struct tern_tuple *tuple, const struct tcp_segment *syn,
				    struct tcp_agreement *made, tern_time now)
{
	struct tcp_segment syn_ack, ack;

	*made = (struct tcp_agreement){ .wscale_ok = false };
	tcp_agree(&env, made, syn, 1460, !addr_is_v4(&tuple->remote));
	cookie_make(&env, made, tuple, now);
	emit_syn_ack(&env, &syn_ack, tuple, made, now);
	ack = (struct tcp_segment){
		.seq = seq_add(syn->seq, 1), .ack = seq_add(syn_ack.seq, 1), .flags = TCP_ACK, .wnd = 1000
	};
	assert_int_equal(syn_ack.ack.v, syn->seq.v + 1);
	if (syn_ack.opt.has_ts) {
		/* The timestamp is not ahead of the clock, nor far behind it. */
		assert_in_range(tcp_ts_clock(now) + tcp_ts_offset(&env, tuple) - syn_ack.opt.ts_val, 0, 63);
		ack.opt.has_ts = true;
		ack.opt.ts_val = syn->opt.ts_val + 5;
		ack.opt.ts_ecr = syn_ack.opt.ts_val;
	}
	return ack;
}

static struct tcp_segment some_syn(void)
{
	struct tcp_segment syn = { .seq = seq(any()), .flags = TCP_SYN, .wnd = 65535 };

	syn.opt.has_mss = any() % 8 != 0;
	syn.opt.mss = (uint16_t)(64 + any() % 9000);
	syn.opt.has_ts = any() % 2;
	syn.opt.ts_val = any();
	syn.opt.has_wscale = any() % 4 != 0;
	syn.opt.wscale = (uint8_t)(any() % 15);
	syn.opt.sack_permitted = any() % 2;
	return syn;
}

static void what_was_offered_comes_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		const bool		 v6 = i & 1;
		const struct tern_tuple	 tuple = some_tuple(v6);
		const struct tcp_segment syn = some_syn();
		const tern_time		 now = (tern_time)(splitmix64(&random_state) >> 8);
		const tern_time		 later =
			now + (tern_time)(splitmix64(&random_state) % (uint64_t)(64 * TERN_SECOND));
		struct tcp_agreement	 made, proved;
		const struct tcp_segment ack = handshake(&tuple, &syn, &made, now);

		assert_true(cookie_prove(&env, &proved, &tuple, &ack, 1460, later));
		assert_int_equal(proved.iss.v, made.iss.v);
		assert_int_equal(proved.irs.v, syn.seq.v);
		assert_int_equal(proved.peer_mss, made.peer_mss);
		const uint16_t said = syn.opt.has_mss ? syn.opt.mss : v6 ? 1220 : 536;

		assert_true(proved.peer_mss <= said);
		if (said >= 1460 && !v6)
			assert_true(proved.peer_mss >= 1460);
		assert_int_equal(proved.ts_ok, syn.opt.has_ts);
		assert_int_equal(proved.wscale_ok, syn.opt.has_ts && syn.opt.has_wscale);
		assert_int_equal(proved.sack_ok, syn.opt.has_ts && syn.opt.sack_permitted);
		assert_int_equal(proved.wscale_ok, made.wscale_ok);
		assert_int_equal(proved.sack_ok, made.sack_ok);
		assert_int_equal(proved.snd_wscale, made.snd_wscale);
		assert_int_equal(proved.rcv_wscale, made.rcv_wscale);
		if (proved.wscale_ok)
			assert_int_equal(proved.snd_wscale, syn.opt.wscale);
		assert_int_equal(proved.snd_wnd, 1000u << proved.snd_wscale);
		assert_int_equal(proved.ts_offset, tcp_ts_offset(&env, &tuple));
		if (proved.ts_ok)
			assert_int_equal(proved.ts_recent, syn.opt.ts_val + 5);
	}
}

static void good_for_64_to_128_seconds(void **state)
{
	const struct tern_tuple	 tuple = some_tuple(false);
	const struct tcp_segment syn = some_syn();
	static const struct {
		tern_time made, proved; /* seconds */
		bool	  good;
	} rows[] = {
		{ 0, 0, true },	    { 0, 63, true },   { 0, 127, true },     { 0, 128, false },
		{ 63, 64, true },   { 63, 127, true }, { 63, 128, false },   { 64, 191, true },
		{ 64, 192, false }, { 64, 63, false }, { 0, 100000, false }, { -65, -1, true },
		{ -65, 0, false },  { -1, 63, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tcp_agreement	 made, proved;
		const struct tcp_segment ack = handshake(&tuple, &syn, &made, rows[i].made * TERN_SECOND);

		assert_int_equal(
			cookie_prove(&env, &proved, &tuple, &ack, 1460, rows[i].proved * TERN_SECOND),
			rows[i].good);
	}
}

static void any_change_spoils_it(void **state)
{
	(void)state;
	unsigned passed = 0, tried = 0;

	for (unsigned i = 0; i < 2000; i++) {
		struct tern_tuple	 tuple = some_tuple(i & 1);
		const struct tcp_segment syn = some_syn();
		struct tcp_agreement	 made, proved;
		const tern_time		 now = 5000 * TERN_SECOND;
		const struct tcp_segment ack = handshake(&tuple, &syn, &made, now);

		for (unsigned bit = 0; bit < 32; bit++, tried += 2) {
			struct tcp_segment other = ack;

			other.ack.v ^= 1u << bit;
			passed += cookie_prove(&env, &proved, &tuple, &other, 1460, now);
			other = ack;
			other.seq.v ^= 1u << bit;
			passed += cookie_prove(&env, &proved, &tuple, &other, 1460, now);
		}
		struct tern_tuple wrong[5] = { tuple, tuple, tuple, tuple, tuple };

		wrong[0].remote_port ^= 1;
		wrong[1].local_port ^= 0x100;
		wrong[2].remote.b[15] ^= 0x40;
		wrong[3].local.b[14] ^= 1;
		wrong[4].zone ^= 1;
		for (unsigned j = 0; j < 5; j++, tried++)
			passed += cookie_prove(&env, &proved, &wrong[j], &ack, 1460, now);
	}
	/* By chance one in 2^24 may: 138,000 tries hardly ever meet one. */
	assert_true(tried > 130000);
	assert_int_equal(passed, 0);
}

/* The number of good cookies for a SYN at one moment, counted over a slice of the number space. */
static void a_guess_succeeds_once_in_2_to_the_28(void **state)
{
	(void)state;
	const struct tern_tuple tuple = some_tuple(false);
	struct tcp_agreement	proved;
	unsigned		passed = 0;

	/* All 2^32 take too long; 2^22 guesses of an attacker succeed with probability 1/64. Two tuples. */
	for (uint32_t guess = 0; guess < 1u << 22; guess++) {
		const struct tcp_segment ack = { .seq = seq(1), .ack = seq(any()), .flags = TCP_ACK };

		passed += cookie_prove(&env, &proved, &tuple, &ack, 1460, 77 * TERN_SECOND);
	}
	assert_in_range(passed, 0, 1);
}

/* Cookies that a peer sees do not tell it the next: they differ in half of their bits. */
static void cookies_look_random(void **state)
{
	unsigned ones[32] = { 0 };
	uint32_t before = 0;
	enum { N = 4000 };

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		struct tern_tuple    tuple = some_tuple(false);
		struct tcp_segment   syn = { .seq = seq(1000 + i), .flags = TCP_SYN };
		struct tcp_agreement made = { .wscale_ok = false };

		tcp_agree(&env, &made, &syn, 1460, false);
		cookie_make(&env, &made, &tuple, 0);
		for (unsigned bit = 0; bit < 32; bit++)
			ones[bit] += (made.iss.v ^ before) >> bit & 1;
		before = made.iss.v;
	}
	for (unsigned bit = 0; bit < 32; bit++)
		assert_in_range(ones[bit], N / 2 - 200, N / 2 + 200);
}

/* A peer's later segments cannot prove the cookie, but are known by it; strangers mostly not. */
static void later_segments_are_known(void **state)
{
	unsigned strangers = 0;

	(void)state;
	for (unsigned i = 0; i < 8000; i++) {
		const struct tern_tuple	 tuple = some_tuple(i & 1);
		const struct tcp_segment syn = some_syn();
		const tern_time		 now = any() * TERN_SECOND;
		struct tcp_agreement	 made, proved;
		struct tcp_segment	 seg = handshake(&tuple, &syn, &made, now);

		seg.seq = seq_add(seg.seq, 1 + any() % 100000);
		assert_false(cookie_prove(&env, &proved, &tuple, &seg, 1460, now));
		assert_true(cookie_may_be(&env, &tuple, &seg, now));
		assert_true(cookie_may_be(&env, &tuple, &seg, now + 63 * TERN_SECOND));
		seg.ack = seq(any());
		strangers += cookie_may_be(&env, &tuple, &seg, now);
	}
	assert_in_range(strangers, 8000 / 16 - 150, 8000 / 16 + 150);
}

/* A peer that offered timestamps but sends none on its ACK is served without options. */
static void no_timestamp_no_options(void **state)
{
	const struct tern_tuple tuple = some_tuple(false);
	struct tcp_segment	syn = { .seq = seq(9), .flags = TCP_SYN };
	struct tcp_agreement	made, proved;

	(void)state;
	syn.opt.has_ts = syn.opt.has_wscale = syn.opt.sack_permitted = syn.opt.has_mss = true;
	syn.opt.mss = 1460;
	struct tcp_segment ack = handshake(&tuple, &syn, &made, 0);

	ack.opt.has_ts = false;
	assert_true(cookie_prove(&env, &proved, &tuple, &ack, 1460, 0));
	assert_false(proved.ts_ok || proved.wscale_ok || proved.sack_ok);
	assert_int_equal(proved.peer_mss, 1460);
}

/* Whatever a peer says and whatever floor is set: never more than both, and never less than the floor. */
static void every_segment_size(void **state)
{
	static const uint16_t floors[] = { 28, 64, 536, 1460 };

	(void)state;
	for (size_t i = 0; i < sizeof floors / sizeof *floors; i++) {
		env.config.mss_floor = floors[i];
		for (uint32_t mss = 0; mss < 65536; mss += 1 + mss / 64) {
			const struct tern_tuple tuple = some_tuple(mss & 1);
			struct tcp_segment	syn = { .seq = seq(mss), .flags = TCP_SYN };
			struct tcp_agreement	made, proved;

			syn.opt.has_mss = true;
			syn.opt.mss = (uint16_t)mss;
			const struct tcp_segment ack = handshake(&tuple, &syn, &made, 0);

			assert_true(cookie_prove(&env, &proved, &tuple, &ack, 1460, 0));
			assert_int_equal(proved.peer_mss, made.peer_mss);
			assert_true(proved.peer_mss >= floors[i]);
			assert_true(proved.peer_mss <= mss || proved.peer_mss == floors[i]);
			if (mss >= 536 && mss <= 1460) /* what there is in earnest loses little */
				assert_true(proved.peer_mss >= mss * 2 / 5);
		}
	}
}

/* What the host has switched off stays off, whatever the timestamp says. */
static void switches_count(void **state)
{
	const struct tern_tuple tuple = some_tuple(false);
	struct tcp_segment	syn = { .seq = seq(9), .flags = TCP_SYN };
	struct tcp_agreement	made, proved;

	(void)state;
	env.config.no_sack = env.config.no_window_scale = true;
	syn.opt.has_ts = syn.opt.has_wscale = syn.opt.sack_permitted = true;
	struct tcp_segment ack = handshake(&tuple, &syn, &made, 0);

	ack.opt.ts_ecr ^= 0x3f; /* a peer that lies */
	assert_true(cookie_prove(&env, &proved, &tuple, &ack, 1460, 0));
	assert_true(proved.ts_ok);
	assert_false(proved.wscale_ok || proved.sack_ok);
	assert_int_equal(proved.snd_wscale, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_was_offered_comes_back, begin),
		cmocka_unit_test_setup(good_for_64_to_128_seconds, begin),
		cmocka_unit_test_setup(any_change_spoils_it, begin),
		cmocka_unit_test_setup(a_guess_succeeds_once_in_2_to_the_28, begin),
		cmocka_unit_test_setup(cookies_look_random, begin),
		cmocka_unit_test_setup(later_segments_are_known, begin),
		cmocka_unit_test_setup(no_timestamp_no_options, begin),
		cmocka_unit_test_setup(every_segment_size, begin),
		cmocka_unit_test_setup(switches_count, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
