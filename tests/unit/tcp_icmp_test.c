/* icmp.c: RFC 9293 3.9.2.2 with RFC 5927's checks; path MTU (RFC 1191, RFC 8201). */
#include "unit/tcp_rig.h"

static bool icmp(struct rig *r, uint32_t seq, uint32_t mtu, int error, bool hard)
{
	const struct tcp_icmp message = { .seq = r->iss + seq, .mtu = mtu, .error = error, .hard = hard };
	const bool	      acted = tcp_icmp_arrives(r->tcb, &message, false, r->now);

	tcb_check(r->tcb);
	return acted;
}

/* RFC 5927 4.1: only a quote of something in flight counts. */
static void quote_outside_the_flight_is_ignored(struct rig *r)
{
	static const struct {
		uint32_t seq;
		bool	 acted;
	} table[] = {
		{ 0, false },  { 100, false }, { 101, true },	      { 150, true },
		{ 200, true }, { 201, false }, { 0x80000000, false },
	};

	established(r);
	writes(r, 1, 100);
	drain(r);
	rx(r, TCP_ACK, 1, 101, 0);
	assert_false(icmp(r, 101, 0, TERN_EHOSTUNREACH, false)); /* nothing flies */
	writes(r, 101, 100);
	drain(r);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		assert_int_equal(icmp(r, table[i].seq, 0, TERN_EHOSTUNREACH, false), table[i].acted);
}

/* MUST-56, RFC 5927 5.2: a synchronized connection goes on, whatever ICMP says; SHLD-25, MUST-47: the
 * program may know (MUST-54). */
static void established_errors_are_soft(struct rig *r)
{
	for (unsigned hard = 0; hard < 2; hard++) {
		rig_end(r);
		rig_begin(r);
		established(r);
		writes(r, 1, 100);
		drain(r);
		assert_true(icmp(r, 1, 0, TERN_ECONNREFUSED, hard));
		in_state(r, ESTABLISHED);
		assert_true(r->tcb->ready & TERN_ADVICE);
		assert_int_equal(status_of(r).soft_error, -TERN_ECONNREFUSED);
		assert_int_equal(status_of(r).error, 0);
		assert_int_equal(r->notes[TERN_NOTE_SOFT_ERROR], 1);
		is_quiet(r);
	}
}

static void error_reports_off_are_not_told(struct rig *r)
{
	established(r);
	tcp_option_set(r->tcb, TERN_ERROR_REPORTS, 0, r->now);
	writes(r, 1, 100);
	drain(r);
	icmp(r, 1, 0, TERN_EHOSTUNREACH, false);
	assert_false(r->tcb->ready & TERN_ADVICE);
	assert_int_equal(status_of(r).soft_error, -TERN_EHOSTUNREACH);
}

/* SHLD-26 while opening, where there is nothing to lose; a soft one only explains a later time-out (MUST-54). */
static void syn_sent_hard_error_ends_the_attempt(struct rig *r)
{
	opens(r);
	assert_true(icmp(r, 0, 0, TERN_EHOSTUNREACH, false));
	in_state(r, SYN_SENT);
	assert_false(icmp(r, 1, 0, TERN_ECONNREFUSED, true)); /* not our SYN */
	in_state(r, SYN_SENT);
	assert_true(icmp(r, 0, 0, TERN_ECONNREFUSED, true));
	in_state(r, CLOSED);
	assert_int_equal(status_of(r).error, -TERN_ECONNREFUSED);
	assert_true(r->tcb->ready & TERN_ERROR);
	is_quiet(r);
}

/* RFC 1191 6.5: what is too big goes again, cut; SND.NXT stays; the MSS follows. */
static void packet_too_big_cuts_and_sends_again(struct rig *r)
{
	established(r);
	writes(r, 1, 3 * RIG_MSS);
	assert_int_equal(drain(r), 3);
	assert_true(icmp(r, 1, 1000, 0, false));
	assert_int_equal(r->notes[TERN_NOTE_PATH_MTU], 1);
	assert_int_equal(status_of(r).snd_mss, 960);
	sends(r, TCP_ACK, 1, 1, 960);
	sends(r, TCP_ACK, 961, 1, 500);
	sends(r, TCP_ACK, 1461, 1, 960);
	sends(r, TCP_ACK, 2421, 1, 500);
	sends(r, TCP_ACK, 2921, 1, 960);
	sends(r, TCP_ACK, 3881, 1, 500);
	is_quiet(r);
	rx(r, TCP_ACK, 1, 1 + 3 * RIG_MSS, 0);
	writes(r, 1 + 3 * RIG_MSS, 1000);
	sends(r, TCP_ACK, 1 + 3 * RIG_MSS, 1, 960);
}

/* What fits is not sent again for it. */
static void packet_too_big_leaves_what_fits_alone(struct rig *r)
{
	established(r);
	tcp_option_set(r->tcb, TERN_NODELAY, 1, r->now);
	writes(r, 1, 100);
	drain(r);
	writes(r, 101, RIG_MSS);
	drain(r);
	assert_true(icmp(r, 101, 1000, 0, false));
	sends(r, TCP_ACK, 101, 1, 960);
	sends(r, TCP_ACK, 1061, 1, 500);
	is_quiet(r);
}

/* In recovery's terms a path MTU is no congestion. */
static void packet_too_big_is_no_congestion(struct rig *r)
{
	established(r);
	writes(r, 1, 3 * RIG_MSS);
	drain(r);
	icmp(r, 1, 1000, 0, false);
	drain(r);
	assert_int_equal(status_of(r).ssthresh, CC_NO_SSTHRESH);
	assert_int_equal(status_of(r).recovery, TERN_RECOVERY_OPEN);
}

/* The path became wider: new segments grow, no further than the peer's MSS. */
static void path_mtu_grows_again(struct rig *r)
{
	established(r);
	tcp_path_mtu(r->tcb, 600, r->now);
	assert_int_equal(status_of(r).snd_mss, 560);
	tcp_path_mtu(r->tcb, 9000, r->now);
	assert_int_equal(status_of(r).snd_mss, RIG_MSS);
	tcb_check(r->tcb);
}

static void packet_too_big_for_the_syn_lowers_the_mss(struct rig *r)
{
	opens(r);
	assert_true(icmp(r, 0, 1000, 0, false));
	in_state(r, SYN_SENT);
	rx(r, TCP_SYN | TCP_ACK, 0, 1, 0);
	assert_int_equal(status_of(r).snd_mss, 960);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(quote_outside_the_flight_is_ignored),
		CASE(established_errors_are_soft),
		CASE(error_reports_off_are_not_told),
		CASE(syn_sent_hard_error_ends_the_attempt),
		CASE(packet_too_big_cuts_and_sends_again),
		CASE(packet_too_big_leaves_what_fits_alone),
		CASE(packet_too_big_is_no_congestion),
		CASE(path_mtu_grows_again),
		CASE(packet_too_big_for_the_syn_lowers_the_mss),
	};

	return RIG_RUN("icmp", cases);
}
