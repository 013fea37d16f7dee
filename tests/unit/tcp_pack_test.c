/* pack.c: a connection as a record, in every state; what is unpacked goes on as if nothing had been. */
#include "unit/tcp_rig.h"

static uint8_t record[1 << 18], again[1 << 18];

static size_t packed(struct rig *r)
{
	const size_t n = tcp_pack(r->tcb, record, sizeof record, r->now);

	assert_true(n > 0 && n < sizeof record);
	return n;
}

/* Packs the block, frees it, and unpacks it into a fresh one. */
static void repack(struct rig *r)
{
	const size_t n = packed(r);

	tcp_release(r->tcb);
	tcb_pool_put(&r->pool, r->tcb);
	r->tcb = tcb_pool_get(&r->pool);
	r->tcb->held = true; /* or an orphan would want its end set */
	assert_int_equal(tcp_unpack(r->tcb, record, n, r->now), 0);
	tcb_check(r->tcb);
	assert_int_equal(tcp_pack(r->tcb, again, sizeof again, r->now), n);
	assert_memory_equal(record, again, n);
}

static void every_state_survives(struct rig *r)
{
	static void (*const ways[])(struct rig *) = { closes_first, in_fin_wait_2, in_close_wait, in_closing,
						      in_last_ack };

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		rig_end(r);
		rig_begin(r);
		established(r);
		ways[i](r);
		const uint8_t		 state = r->tcb->state;
		const struct tern_status before = status_of(r);

		repack(r);
		in_state(r, state);
		const struct tern_status after = status_of(r);

		assert_int_equal(after.snd_nxt, before.snd_nxt);
		assert_int_equal(after.rcv_nxt, before.rcv_nxt);
		assert_int_equal(after.retransmit_at, before.retransmit_at);
		assert_int_equal(after.srtt, before.srtt);
		is_quiet(r);
	}
}

static void handshake_goes_on(struct rig *r)
{
	opens(r);
	repack(r);
	rx(r, TCP_SYN | TCP_ACK, 0, 1, 0);
	repack(r);
	sends(r, TCP_ACK, 1, 1, 0);
	in_state(r, ESTABLISHED);
	rig_end(r);
	rig_begin(r);
	assert_int_equal(tcp_open_active(r->tcb, RIG_MTU, r->now), 0);
	repack(r); /* before the SYN has left */
	sends(r, TCP_SYN, 0, 0, 0);
	rx(r, TCP_SYN, 0, 0, 0);
	repack(r);
	sends(r, TCP_SYN | TCP_ACK, 0, 1, 0);
}

/* Text queued, in flight, unread and out of order; timestamps go on from where they were. */
static void text_both_ways_goes_on(struct rig *r)
{
	uint32_t ts;

	r->peer.ts = r->peer.sack = true;
	established(r);
	writes(r, 1, 30000);
	assert_int_equal(drain(r), 10);
	writes(r, 30001, 5000);
	rx(r, TCP_ACK, 1, 1449, 5000);
	rx(r, TCP_ACK, 7001, 1449, 500);
	rx(r, TCP_FIN | TCP_ACK, 9001, 1449, 500);
	ts = r->out.seg.opt.ts_val;
	repack(r);
	assert_true(tx(r));
	assert_int_equal(r->out.seg.opt.ts_val, ts);
	drain(r);
	reads(r, 1, 5000);
	rx(r, TCP_ACK, 5001, 1449, 2000);
	rx(r, TCP_ACK, 7501, 1449, 1500);
	in_state(r, CLOSE_WAIT);
	reads(r, 5001, 4500);
	repack(r);
	for (uint32_t acked = 1449; acked < 35001;) {
		acked = r->tcb->snd.nxt.v - r->iss;
		rx(r, TCP_ACK, 9502, acked, 0);
		repack(r);
		drain(r);
	}
	assert_int_equal(status_of(r).bytes_acked, 35000);
}

/* The moment of waking is another than that of packing: distances stay. */
static void clock_of_another_machine_deadlines_keep_their_distance(struct rig *r)
{
	established(r);
	writes(r, 1, 100);
	drain(r);
	pass(r, ms(50));
	const tern_time wait = wait_of(r);
	const size_t	n = packed(r);

	tcp_release(r->tcb);
	tcb_pool_put(&r->pool, r->tcb);
	r->tcb = tcb_pool_get(&r->pool);
	r->now = 12345;
	r->tcb->held = true;
	assert_int_equal(tcp_unpack(r->tcb, record, n, r->now), 0);
	assert_int_equal(wait_of(r), wait);
	expires(r);
	sends(r, TCP_ACK, 1, 1, 100);
}

static void too_little_room_says_how_much(struct rig *r)
{
	established(r);
	writes(r, 1, 1000);
	const size_t n = packed(r);

	for (size_t room = 0; room < n; room += 13) {
		memset(again, 0xee, sizeof again);
		assert_int_equal(tcp_pack(r->tcb, again, room, r->now), n);
		assert_int_equal(again[room], 0xee);
	}
}

/* A record cut short is refused, and nothing of it is kept. */
static void cut_short_is_refused(struct rig *r)
{
	size_t n;

	established(r);
	writes(r, 1, 3000);
	drain(r);
	rx(r, TCP_ACK, 101, 1, 50);
	n = packed(r);
	for (size_t cut = 0; cut < n; cut += cut < 600 ? 1 : 37) {
		struct tcb *const fresh = tcb_pool_get(&r->pool);
		uint8_t *const	  exact = malloc(cut ? cut : 1);

		memcpy(exact, record, cut);
		assert_int_equal(tcp_unpack(fresh, exact, cut, r->now), -TERN_EPROTO);
		free(exact);
		assert_int_equal(fresh->state, CLOSED);
		tcb_pool_put(&r->pool, fresh);
	}
}

/* Any octet changed: refused, or a block that is sound, sends, expires and ends without harm. */
static void any_octet_changed_does_no_harm(struct rig *r)
{
	unsigned refused = 0;
	size_t	 n;

	r->peer.sack = true;
	established(r);
	writes(r, 1, 300);
	drain(r);
	writes(r, 301, 40);
	rx(r, TCP_ACK, 101, 1, 50);
	n = packed(r);
	for (size_t i = 0; i < n; i++) {
		struct tcb *const first = r->tcb;

		memcpy(again, record, n);
		again[i] ^= (uint8_t)(1u << (i + r->iss) % 8);
		r->tcb = tcb_pool_get(&r->pool);
		r->tcb->held = true;
		const int error = tcp_unpack(r->tcb, again, n, r->now);

		refused += error != 0;
		if (error == 0) {
			struct tcp_out	out;
			const tern_time at = tcp_deadline(r->tcb, r->now);

			tcb_check(r->tcb);
			for (unsigned k = 0; k < 5 && tcp_emit(r->tcb, RIG_MSS, r->now, &out); k++)
				tcb_check(r->tcb);
			if (at != TERN_NEVER)
				tcp_expire(r->tcb, at > r->now ? at : r->now);
			tcb_check(r->tcb);
		}
		tcp_release(r->tcb);
		tcb_pool_put(&r->pool, r->tcb);
		r->tcb = first;
	}
	assert_true(refused > 50);
}

static int unpacked(struct rig *r, size_t n)
{
	struct tcb *const fresh = tcb_pool_get(&r->pool);

	fresh->held = true;
	const int error = tcp_unpack(fresh, record, n, r->now);

	tcp_release(fresh);
	fresh->state = CLOSED;
	fresh->due = 0;
	tcb_pool_put(&r->pool, fresh);
	return error;
}

/* What no connection has: addresses of two versions, a group's, none; no port. */
static void impossible_names_are_refused(struct rig *r)
{
	enum { LOCAL = 8, REMOTE = 24, LOCAL_PORT = 44, REMOTE_PORT = 46 };
	static const struct {
		size_t	at, n;
		uint8_t octet;
	} rows[] = {
		{ LOCAL, 1, 4 },	{ REMOTE, 1, 4 },      { LOCAL + 12, 1, 224 }, { REMOTE + 12, 1, 0 },
		{ REMOTE + 12, 4, 255 }, { LOCAL_PORT, 2, 0 }, { REMOTE_PORT, 2, 0 },
	};

	established(r);
	const size_t n = packed(r);
	assert_int_equal(unpacked(r, n), 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint8_t kept[4];

		memcpy(kept, record + rows[i].at, sizeof kept);
		memset(record + rows[i].at, rows[i].octet, rows[i].n);
		assert_int_equal(unpacked(r, n), -TERN_EPROTO);
		memcpy(record + rows[i].at, kept, sizeof kept);
	}
}

static int64_t little(const uint8_t *at)
{
	uint64_t value = 0;

	for (unsigned i = 8; i-- > 0;)
		value = value << 8 | at[i];
	return (int64_t)value;
}

/* Deadlines are not further away than any timer runs, what was sent was sent before now. Moments are the eight octets
 * that come out one less when the clock has gone on by one. */
static void moments_that_cannot_be_are_refused(struct rig *r)
{
	static uint8_t first[sizeof record];
	unsigned       moments = 0;

	established(r);
	writes(r, 1, 100);
	drain(r);
	const size_t n = packed(r);
	memcpy(first, record, n);
	r->now++;
	assert_int_equal(packed(r), n);
	for (size_t at = 8; at + 8 <= n; at++) {
		if ((uint64_t)little(first + at) - 1 != (uint64_t)little(record + at))
			continue;
		moments++;
		memcpy(record + at, "\0\0\0\0\0\0\0\x07", 8); /* sixteen years ahead */
		assert_int_equal(unpacked(r, n), -TERN_EPROTO);
		memcpy(record + at, first + at, 8);
	}
	assert_true(moments > 8);
}

/* What is to be sent again has to be there, and to fit a segment. */
static void text_that_is_not_there_is_refused(struct rig *r)
{
	enum { MSS = 113, DUE = 117 };
	const unsigned rows[] = { 0x08, 0x04 }; /* DUE_RESET, DUE_SYN */

	established(r);
	writes(r, 1, 100);
	drain(r);
	const size_t n = packed(r);
	/* Where the text begins in the stream, and its length: the last of it before the text itself. */
	assert_memory_equal(record + n - 100 - 8, "\0\0\0\0\x64\0\0\0", 8);
	record[n - 100 - 8] = 1;
	assert_int_equal(unpacked(r, n), -TERN_EPROTO);
	record[n - 100 - 8] = 0;
	assert_int_equal(unpacked(r, n), 0);
	for (size_t i = 0; i < 2; i++) {
		const uint8_t due = record[DUE];

		record[DUE] |= (uint8_t)rows[i];
		assert_int_equal(unpacked(r, n), -TERN_EPROTO);
		record[DUE] = due;
	}
	memset(record + MSS, 0, 2);
	assert_int_equal(unpacked(r, n), -TERN_EPROTO);
}

static void no_memory_is_refused(struct rig *r)
{
	established(r);
	writes(r, 1, 3000);
	drain(r);
	rx(r, TCP_ACK, 101, 1, 50);
	const size_t n = packed(r);

	for (size_t fail = 1; fail < 10; fail++) {
		struct tcb *const fresh = tcb_pool_get(&r->pool);

		pool_trim(&r->env.warm);
		slices_pool_trim(&r->env.slices);
		pages_pool_trim(&r->env.pages);
		r->memory.fail_at = r->memory.calls + fail;
		fresh->held = true;
		const int error = tcp_unpack(fresh, record, n, r->now);

		r->memory.fail_at = 0;
		assert_true(error == 0 || error == -TERN_EPROTO || error == -TERN_ENOMEM);
		tcp_release(fresh);
		fresh->state = CLOSED;
		tcb_pool_put(&r->pool, fresh);
	}
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(every_state_survives),
		CASE(handshake_goes_on),
		CASE(text_both_ways_goes_on),
		CASE(clock_of_another_machine_deadlines_keep_their_distance),
		CASE(too_little_room_says_how_much),
		CASE(cut_short_is_refused),
		CASE(any_octet_changed_does_no_harm),
		CASE(impossible_names_are_refused),
		CASE(moments_that_cannot_be_are_refused),
		CASE(text_that_is_not_there_is_refused),
		CASE(no_memory_is_refused),
	};

	return RIG_RUN("pack", cases);
}
