/* option.c: every option's range, default and effect that is not another file's. */
#include "unit/tcp_rig.h"

static const struct {
	enum tern_option option;
	int64_t least, most, first; /* first: of a fresh block; -2: see the code */
} table[] = {
	{ TERN_NODELAY, 0, 1, 0 },		  { TERN_CORK, 0, 1, 0 },
	{ TERN_QUICKACK, 0, 1, 0 },		  { TERN_KEEPALIVE, 0, 1, 0 }, /* MUST-25 */
	{ TERN_KEEPALIVE_IDLE, 1, 32767, 7200 },  /* MUST-28 */
	{ TERN_KEEPALIVE_INTERVAL, 1, 32767, 75 }, { TERN_KEEPALIVE_PROBES, 1, 127, 9 },
	{ TERN_USER_TIMEOUT, 0, INT32_MAX, 0 },	  { TERN_R2, 0, UINT16_MAX, 0 },
	{ TERN_RECEIVE_BUFFER, 1, 65535 << 11, 256 << 10 }, { TERN_SEND_BUFFER, 1, 128 << 20, 128 << 20 },
	{ TERN_TTL, 1, 255, 64 },		  { TERN_LINGER, -1, 127, -1 },
	{ TERN_ERROR_REPORTS, 0, 1, 1 },	  { TERN_KEEPALIVE_GARBAGE, 0, 1, 0 },
	{ TERN_URGENT_INLINE, 1, 1, 1 },
};

enum { N = sizeof table / sizeof *table };

static int64_t get(struct rig *r, enum tern_option option)
{
	int64_t value = -77;

	assert_int_equal(tcp_option_get(r->tcb, option, &value), 0);
	return value;
}

static void fresh_block_has_the_defaults(struct rig *r)
{
	for (size_t i = 0; i < N; i++)
		assert_int_equal(get(r, table[i].option), table[i].first);
	assert_int_equal(get(r, TERN_TRAFFIC_CLASS), 0);
}

static void values_in_range_are_kept(struct rig *r)
{
	established(r);
	for (size_t i = 0; i < N; i++) {
		const int64_t values[] = { table[i].least, table[i].most, (table[i].least + table[i].most) / 2 };

		for (size_t k = 0; k < 3; k++) {
			assert_int_equal(tcp_option_set(r->tcb, table[i].option, values[k], r->now), 0);
			assert_int_equal(get(r, table[i].option), values[k]);
			tcb_check(r->tcb);
		}
	}
}

static void values_out_of_range_change_nothing(struct rig *r)
{
	for (size_t i = 0; i < N; i++) {
		const int64_t values[] = { table[i].least - 1, table[i].most + 1, INT64_MAX, INT64_MIN };

		for (size_t k = 0; k < 4; k++)
			assert_int_equal(tcp_option_set(r->tcb, table[i].option, values[k], r->now), -TERN_EINVAL);
		assert_int_equal(get(r, table[i].option), table[i].first);
	}
}

static void unknown_option_is_invalid(struct rig *r)
{
	int64_t value;

	assert_int_equal(tcp_option_set(r->tcb, TERN_OPTIONS, 0, r->now), -TERN_EINVAL);
	assert_int_equal(tcp_option_get(r->tcb, TERN_OPTIONS, &value), -TERN_EINVAL);
	assert_int_equal(tcp_option_set(r->tcb, (enum tern_option)-1, 0, r->now), -TERN_EINVAL);
}

/* Its ECN bits are not the program's. */
static void traffic_class_keeps_the_dscp(struct rig *r)
{
	assert_int_equal(tcp_option_set(r->tcb, TERN_TRAFFIC_CLASS, 255, r->now), 0);
	assert_int_equal(get(r, TERN_TRAFFIC_CLASS), 0xfc);
	assert_int_equal(tcp_option_set(r->tcb, TERN_TRAFFIC_CLASS, 256, r->now), -TERN_EINVAL);
}

/* "max_segment" speaks through our SYN alone, and binds both ways. */
static void max_segment_before_the_handshake(struct rig *r)
{
	assert_int_equal(tcp_open_active(r->tcb, RIG_MTU, r->now), 0);
	assert_int_equal(tcp_option_set(r->tcb, TERN_MAX_SEGMENT, 63, r->now), -TERN_EINVAL);
	assert_int_equal(tcp_option_set(r->tcb, TERN_MAX_SEGMENT, 65496, r->now), -TERN_EINVAL);
	assert_int_equal(tcp_option_set(r->tcb, TERN_MAX_SEGMENT, 500, r->now), 0);
	assert_int_equal(get(r, TERN_MAX_SEGMENT), 500);
	sends(r, TCP_SYN, 0, 0, 0);
	assert_int_equal(r->out.seg.opt.mss, 500);
	rx(r, TCP_SYN | TCP_ACK, 0, 1, 0);
	writes(r, 1, 1000);
	sends(r, TCP_ACK, 1, 1, 1000); /* two segments of 500 in one emit */
	assert_int_equal(r->out.gso_size, 500);
	assert_int_equal(tcp_option_set(r->tcb, TERN_MAX_SEGMENT, 600, r->now), -TERN_EISCONN);
	assert_int_equal(get(r, TERN_MAX_SEGMENT), 500);
	/* For good: not only until the path is said to be narrower, and then wider. */
	rx(r, TCP_ACK, 1, 1001, 0);
	assert_null(r->tcb->warm);
	tcp_path_mtu(r->tcb, 400, r->now);
	assert_int_equal(status_of(r).snd_mss, 360);
	tcp_path_mtu(r->tcb, 9000, r->now);
	assert_int_equal(status_of(r).snd_mss, 500);
}

/* "send_buffer": octets that may wait and fly together. */
static void send_buffer_bounds_what_waits(struct rig *r)
{
	established(r);
	tcp_option_set(r->tcb, TERN_SEND_BUFFER, 5000, r->now);
	assert_int_equal(tcp_send(r->tcb, rig_octets(r, 0, 9000), 9000, 0, r->now), 5000);
	assert_int_equal(tcp_send(r->tcb, r->text, 1, 0, r->now), -TERN_EAGAIN);
	drain(r);
	assert_int_equal(tcp_send(r->tcb, r->text, 1, 0, r->now), -TERN_EAGAIN);
	rx(r, TCP_ACK, 1, 1461, 0);
	assert_int_equal(tcp_send(r->tcb, rig_octets(r, 5000, 4000), 4000, 0, r->now), 1460);
}

static void congestion_control_by_name(struct rig *r)
{
	established(r);
	assert_int_equal(tcp_set_congestion_control(r->tcb, "nonesuch"), -TERN_ENOENT);
	assert_int_equal(tcp_set_congestion_control(r->tcb, "reno"), 0);
	writes(r, 1, 100);
	drain(r);
	const uint32_t cwnd = status_of(r).cwnd;

	assert_int_equal(tcp_set_congestion_control(r->tcb, "reno"), 0);
	assert_int_equal(status_of(r).cwnd, cwnd); /* the window stays */
	assert_string_equal(status_of(r).congestion_control, "reno");
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(fresh_block_has_the_defaults),
		CASE(values_in_range_are_kept),
		CASE(values_out_of_range_change_nothing),
		CASE(unknown_option_is_invalid),
		CASE(traffic_class_keeps_the_dscp),
		CASE(max_segment_before_the_handshake),
		CASE(send_buffer_bounds_what_waits),
		CASE(congestion_control_by_name),
	};

	return RIG_RUN("option", cases);
}
