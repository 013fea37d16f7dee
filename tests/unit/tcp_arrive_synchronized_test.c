/* arrive_synchronized.c: RFC 9293 3.10.7.4 by its steps, with RFC 5961 and RFC 7323 where they amend them. */
#include "unit/tcp_rig.h"

/* First: the acceptability test (3.4, table 6). RCV.NXT is 1, the window 1000. */
static void established_acceptability_of_a_segment(struct rig *r)
{
	static const struct {
		uint32_t	  seq, len;
		enum tern_verdict verdict;
	} table[] = {
		/* SEG.LEN = 0: RCV.NXT =< SEG.SEQ < RCV.NXT + RCV.WND */
		{ 1, 0, TERN_VERDICT_ACCEPTED },
		{ 1000, 0, TERN_VERDICT_ACCEPTED },
		{ 1001, 0, TERN_VERDICT_OUT_OF_WINDOW },
		{ 0, 0, TERN_VERDICT_OUT_OF_WINDOW },
		{ 0x80000001, 0, TERN_VERDICT_OUT_OF_WINDOW },
		/* SEG.LEN > 0: either end in the window */
		{ 1, 10, TERN_VERDICT_ACCEPTED },
		{ (uint32_t)-9, 10, TERN_VERDICT_DUPLICATE },
		{ (uint32_t)-8, 10, TERN_VERDICT_ACCEPTED },
		{ 1000, 10, TERN_VERDICT_OUT_OF_ORDER },
		{ 1001, 10, TERN_VERDICT_OUT_OF_WINDOW },
		{ 1, 2000, TERN_VERDICT_ACCEPTED },
		{ 5000, 10, TERN_VERDICT_OUT_OF_WINDOW },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		rig_end(r);
		rig_begin(r);
		tcp_option_set(r->tcb, TERN_RECEIVE_BUFFER, 1000, r->now);
		established(r);
		assert_int_equal(rcv_wnd(r->tcb), 1000);
		assert_int_equal(rx(r, TCP_ACK, table[i].seq, 1, table[i].len), table[i].verdict);
		if (table[i].verdict !=
		    TERN_VERDICT_ACCEPTED) { /* "send <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>" */
			sends(r, TCP_ACK, 1, 1, 0);
			is_quiet(r);
		}
		in_state(r, ESTABLISHED);
	}
}

/* MUST-66: with no window RST, URG and ACK at RCV.NXT still count. */
static void zero_window_ack_urg_and_rst_count(struct rig *r)
{
	tcp_option_set(r->tcb, TERN_RECEIVE_BUFFER, 100, r->now);
	established(r);
	writes(r, 1, 10);
	drain(r);
	rx(r, TCP_ACK, 1, 1, 100);
	expires(r);
	sends(r, TCP_ACK, 11, 101, 0);
	assert_int_equal(r->out.seg.wnd, 0);
	assert_int_equal(rx(r, TCP_ACK, 101, 1, 1),
			 TERN_VERDICT_ACCEPTED); /* the probe: no text taken, its ACK is */
	sends(r, TCP_ACK, 11, 101, 0);
	assert_int_equal(rx(r, TCP_ACK, 101, 11, 0), TERN_VERDICT_ACCEPTED);
	assert_int_equal(status_of(r).unacked, 0);
	struct tcp_segment urgent = rig_segment(r, TCP_ACK | TCP_URG, 101, 11, 0);

	urgent.up = 7;
	assert_int_equal(rig_arrive(r, &urgent), TERN_VERDICT_ACCEPTED);
	assert_true(r->tcb->ready & TERN_URGENT);
	assert_int_equal(rx(r, TCP_RST, 102, 0, 0), TERN_VERDICT_STRAY_RESET);
	assert_int_equal(rx(r, TCP_RST, 101, 0, 0), TERN_VERDICT_RESET);
	in_state(r, CLOSED);
}

/* Second, RFC 5961 3.2: exactly at RCV.NXT, in the window, outside.
 * (RFC5961-3.2-1, RFC5961-3.2-2, RFC5961-3.2-3, RFC5961-3.2-4) */
static void synchronized_reset_by_its_sequence_number(struct rig *r)
{
	static void (*const ways[])(struct rig *) = { in_fin_wait_2, in_close_wait, in_closing, in_last_ack,
						      closes_first };

	for (size_t i = 0; i <= sizeof ways / sizeof *ways; i++) {
		rig_end(r);
		rig_begin(r);
		established(r);
		if (i > 0)
			ways[i - 1](r);
		const uint32_t nxt = seq_sub(r->tcb->rcv.nxt, r->tcb->rcv.irs);
		const uint8_t  state = r->tcb->state;
		const uint32_t ours = seq_sub(r->tcb->snd.nxt, r->tcb->snd.iss);

		assert_int_equal(rx(r, TCP_RST, nxt - 1, 0, 0), TERN_VERDICT_STRAY_RESET);
		assert_int_equal(rx(r, TCP_RST, nxt + 10000000, 0, 0), TERN_VERDICT_STRAY_RESET);
		is_quiet(r);
		assert_int_equal(rx(r, TCP_RST, nxt + 1, 0, 0), TERN_VERDICT_BLIND_RESET);
		sends(r, TCP_ACK, ours, nxt, 0);
		in_state(r, state);
		assert_int_equal(rx(r, TCP_RST | TCP_ACK, nxt, 0, 0), TERN_VERDICT_RESET);
		in_state(r, CLOSED);
		is_quiet(r);
		assert_int_equal(status_of(r).error, state == CLOSE_WAIT ? -TERN_EPIPE : -TERN_ECONNRESET);
		assert_true(tcp_ready(r->tcb) & TERN_ERROR);
	}
}

/* SHLD-2: an RST may carry text. */
static void established_reset_with_text(struct rig *r)
{
	established(r);
	assert_int_equal(rx(r, TCP_RST, 1, 0, 20), TERN_VERDICT_RESET);
	in_state(r, CLOSED);
	assert_int_equal(tcp_receive(r->tcb, r->text, 10, r->now), -TERN_ECONNRESET);
}

/* Text that came before the reset is still the program's. */
static void established_reset_leaves_unread_text(struct rig *r)
{
	established(r);
	rx(r, TCP_ACK, 1, 1, 50);
	rx(r, TCP_RST, 51, 0, 0);
	reads(r, 1, 50);
	assert_int_equal(tcp_receive(r->tcb, r->text, 10, r->now), -TERN_ECONNRESET);
}

/* MUST-11: in SYN-RECEIVED a reset refuses an active OPEN; a passive one's block just ends. */
static void syn_received_reset_by_kind_of_open(struct rig *r)
{
	opens_simultaneously(r);
	assert_int_equal(rx(r, TCP_RST, 1, 0, 0), TERN_VERDICT_RESET);
	assert_int_equal(status_of(r).error, -TERN_ECONNREFUSED);
	rig_end(r);
	rig_begin(r);
	half_opens(r);
	assert_int_equal(rx(r, TCP_RST, 1, 0, 0), TERN_VERDICT_RESET);
	assert_int_equal(status_of(r).error, -TERN_ECONNRESET);
	in_state(r, CLOSED);
}

/* Fourth, RFC 5961 4.2: a SYN is challenged wherever it stands; figure 9 at B's end.
 * (RFC5961-4.2-1, RFC5961-4.2-2) */
static void synchronized_syn_is_challenged(struct rig *r)
{
	static const uint32_t at[] = { 0, 1, 500, 10000000, 0x80000000 };

	established(r);
	for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
		assert_int_equal(rx(r, i & 1 ? TCP_SYN : TCP_SYN | TCP_ACK, at[i], 1, 0),
				 TERN_VERDICT_BLIND_SYN);
		sends(r, TCP_ACK, 1, 1, 0);
		is_quiet(r);
		in_state(r, ESTABLISHED);
	}
	assert_int_equal(r->env.stats.TCPSYNChallenge, 5);
}

/* The SYN again: the SYN-ACK again, which SYN-SENT understands. */
static void syn_received_duplicate_syn_is_answered_with_the_syn_ack(struct rig *r)
{
	opens_simultaneously(r);
	assert_int_equal(rx(r, TCP_SYN, 0, 0, 0), TERN_VERDICT_DUPLICATE_SYN);
	sends(r, TCP_SYN | TCP_ACK, 0, 1, 0);
	is_quiet(r);
	assert_int_equal(rx(r, TCP_SYN, 77, 0, 0), TERN_VERDICT_BLIND_SYN);
	in_state(r, SYN_RECEIVED);
}

/* Fifth: no ACK, no further. */
static void established_segment_without_ack_is_dropped(struct rig *r)
{
	established(r);
	assert_int_equal(rx(r, 0, 1, 0, 10), TERN_VERDICT_NO_ACK);
	assert_int_equal(rx(r, TCP_FIN, 1, 0, 0), TERN_VERDICT_NO_ACK);
	is_quiet(r);
	assert_int_equal(status_of(r).unread, 0);
	in_state(r, ESTABLISHED);
}

/* SYN-RECEIVED: SND.UNA < SEG.ACK =< SND.NXT, else the host answers with RST. */
static void syn_received_ack_of_something_else(struct rig *r)
{
	static const uint32_t acks[] = { 0, 2, (uint32_t)-1, 0x80000000 };

	half_opens(r);
	for (size_t i = 0; i < sizeof acks / sizeof *acks; i++)
		assert_int_equal(rx(r, TCP_ACK, 1, acks[i], 0), TERN_VERDICT_BAD_ACK);
	in_state(r, SYN_RECEIVED);
	assert_int_equal(rx(r, TCP_ACK, 1, 1, 0), TERN_VERDICT_ACCEPTED);
	in_state(r, ESTABLISHED);
	assert_true(r->tcb->ready & TERN_CONNECTED);
}

/* Figure 6's server: the third segment may bring text and FIN. */
static void syn_received_third_segment_with_text_and_fin(struct rig *r)
{
	half_opens(r);
	assert_int_equal(rx(r, TCP_ACK | TCP_FIN, 1, 1, 40), TERN_VERDICT_ACCEPTED);
	in_state(r, CLOSE_WAIT);
	sends(r, TCP_ACK, 1, 42, 0);
	reads(r, 1, 40);
}

/* A segment before RCV.NXT in SYN-RECEIVED: no harm to the block. */
static void syn_received_old_text_is_no_harm(struct rig *r)
{
	r->peer.sack = true;
	half_opens(r);
	assert_int_equal(rx(r, TCP_ACK, (uint32_t)-9, 1, 5), TERN_VERDICT_DUPLICATE);
	in_state(r, SYN_RECEIVED);
	assert_int_equal(rx(r, TCP_ACK, 1, 1, 0), TERN_VERDICT_ACCEPTED);
	in_state(r, ESTABLISHED);
}

/* RFC 5961 5.2, MAY-12: SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT, and never our ISS or before
 * (ghost ACKs). The peer's window is 2000; 100 octets are acknowledged, 100 in flight (RFC5961-5.2-1). */
static void established_ack_range(struct rig *r)
{
	static const struct {
		uint32_t	  ack;
		enum tern_verdict verdict;
	} table[] = {
		{ 101, TERN_VERDICT_ACCEPTED },
		{ 150, TERN_VERDICT_ACCEPTED },
		{ 201, TERN_VERDICT_ACCEPTED },
		{ 202, TERN_VERDICT_BAD_ACK },
		{ 0x80000000, TERN_VERDICT_BAD_ACK },
		{ 100, TERN_VERDICT_ACCEPTED },
		{ 1, TERN_VERDICT_ACCEPTED }, /* old, but ours */
		{ 0, TERN_VERDICT_OLD_ACK },
		{ (uint32_t)-1, TERN_VERDICT_OLD_ACK },
		{ (uint32_t)-1890, TERN_VERDICT_OLD_ACK },
		{ (uint32_t)-2000, TERN_VERDICT_OLD_ACK },
		{ 0x90000000, TERN_VERDICT_OLD_ACK },
	};

	r->peer.wnd = 2000;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		rig_end(r);
		rig_begin(r);
		r->peer.wnd = 2000;
		established(r);
		writes(r, 1, 100);
		drain(r);
		rx(r, TCP_ACK, 1, 101, 0);
		writes(r, 101, 100);
		drain(r);
		assert_int_equal(rx(r, TCP_ACK, 1, table[i].ack, 5), table[i].verdict);
		if (table[i].verdict == TERN_VERDICT_ACCEPTED) {
			assert_int_equal(status_of(r).unread, 5);
		} else { /* "send an ACK, drop the segment" */
			assert_int_equal(status_of(r).unread, 0);
			sends(r, TCP_ACK, 201, 1, 0);
		}
	}
}

/* The same once more than a window is acknowledged: MAX.SND.WND back and no further (RFC5961-5.2-1). */
static void established_ack_older_than_the_largest_window(struct rig *r)
{
	r->peer.wnd = 500;
	established(r);
	for (uint32_t seq = 1; seq < 3001; seq += 500) {
		writes(r, seq, 500);
		drain(r);
		rx(r, TCP_ACK, 1, seq + 500, 0);
	}
	assert_int_equal(rx(r, TCP_ACK, 1, 3001 - 501, 5), TERN_VERDICT_OLD_ACK);
	sends(r, TCP_ACK, 3001, 1, 0);
	assert_int_equal(rx(r, TCP_ACK, 1, 3001 - 500, 5), TERN_VERDICT_ACCEPTED);
	reads(r, 1, 5);
}

/* ---- RFC 7323 ---- */

/* 5.3, PAWS: an old timestamp is answered, whatever the sequence number says; an RST passes (RFC7323-5.3-1). */
static void paws_old_timestamp_is_answered_and_dropped(struct rig *r)
{
	r->peer.ts = true;
	established(r);
	r->peer.ts_val -= 1;
	assert_int_equal(rx(r, TCP_ACK, 1, 1, 10), TERN_VERDICT_PAWS);
	sends(r, TCP_ACK, 1, 1, 0);
	assert_int_equal(r->out.seg.opt.ts_ecr, r->peer.ts_val + 1);
	r->peer.ts_val += 0x80000001; /* half the circle ahead is behind */
	assert_int_equal(rx(r, TCP_ACK, 1, 1, 10), TERN_VERDICT_PAWS);
	assert_int_equal(r->env.stats.PAWSEstab, 2);
	assert_int_equal(rx(r, TCP_RST, 1, 0, 0), TERN_VERDICT_RESET);
}

/* 5.5: after 24 days TS.Recent proves nothing (RFC7323-5.5-1). */
static void paws_after_24_days_anything_goes(struct rig *r)
{
	r->peer.ts = true;
	established(r);
	r->peer.ts_val -= 1000;
	pass(r, 24 * (tern_time)86400 * TERN_SECOND - ms(1));
	assert_int_equal(rx(r, TCP_ACK, 1, 1, 10), TERN_VERDICT_PAWS);
	pass(r, TERN_SECOND);
	assert_int_equal(rx(r, TCP_ACK, 1, 1, 10), TERN_VERDICT_ACCEPTED);
	sends(r, TCP_ACK, 1, 11, 0);
	assert_int_equal(r->out.seg.opt.ts_ecr, r->peer.ts_val);
}

/* 3.2: agreed, so it has to be there; on an RST it need not (RFC7323-3.2-2, RFC7323-3.2-3). */
static void timestamp_missing_is_dropped_silently(struct rig *r)
{
	r->peer.ts = true;
	established(r);
	r->peer.no_ts = true;
	assert_int_equal(rx(r, TCP_ACK, 1, 1, 10), TERN_VERDICT_NO_TIMESTAMP);
	is_quiet(r);
	assert_int_equal(rx(r, TCP_RST, 1, 0, 0), TERN_VERDICT_RESET);
}

/* 4.3: TS.Recent follows the segment at Last.ACK.sent: (A) delayed ACKs echo the first, (B) a segment
 * beyond a hole does not count, (C) the one that fills it does (RFC7323-4.3-1). */
static void ts_recent_follows_last_ack_sent(struct rig *r)
{
	uint32_t first;

	r->peer.ts = true;
	established(r);
	first = ++r->peer.ts_val;
	rx(r, TCP_ACK, 1, 1, 100);
	is_quiet(r);
	r->peer.ts_val++;
	rx(r, TCP_ACK, 101, 1, 100);
	is_quiet(r);
	expires(r);
	sends(r, TCP_ACK, 1, 201, 0);
	assert_int_equal(r->out.seg.opt.ts_ecr, first); /* (A) */
	r->peer.ts_val++;
	rx(r, TCP_ACK, 301, 1, 100);
	sends(r, TCP_ACK, 1, 201, 0);
	assert_int_equal(r->out.seg.opt.ts_ecr, first); /* (B) */
	r->peer.ts_val++;
	rx(r, TCP_ACK, 201, 1, 100);
	sends(r, TCP_ACK, 1, 401, 0);
	assert_int_equal(r->out.seg.opt.ts_ecr, r->peer.ts_val); /* (C) */
}

/* ---- sixth: urgent (RFC 9293 3.8.5, RFC 6093) ---- */

static void urgent(struct rig *r, uint32_t seq, uint16_t up, uint32_t len)
{
	struct tcp_segment seg = rig_segment(r, TCP_ACK | TCP_URG, seq, 1, len);

	seg.up = up;
	assert_int_equal(rig_arrive(r, &seg), TERN_VERDICT_ACCEPTED);
}

/* MUST-31: any length; MUST-32: told when it comes and when it advances; MUST-33: how much is left. */
static void urgent_pointer_arrives_advances_and_is_read(struct rig *r)
{
	established(r);
	urgent(r, 1, 30, 10); /* the end lies beyond this segment */
	assert_true(r->tcb->ready & TERN_URGENT);
	assert_int_equal(r->notes[TERN_NOTE_URGENT], 1);
	assert_int_equal(r->note_value, 30);
	assert_int_equal(status_of(r).urgent, 30);
	r->tcb->ready = 0;
	urgent(r, 11, 20, 10); /* the same end again */
	assert_false(r->tcb->ready & TERN_URGENT);
	urgent(r, 21, 65535, 10);
	assert_true(r->tcb->ready & TERN_URGENT);
	assert_int_equal(status_of(r).urgent, 20 + 65535);
	reads(r, 1, 30); /* urgent octets stand in the stream */
	assert_int_equal(status_of(r).urgent, 65535 - 10);
	assert_true(tcp_ready(r->tcb) & TERN_URGENT);
}

static void urgent_octets_read_the_level_falls(struct rig *r)
{
	established(r);
	urgent(r, 1, 10, 20);
	reads(r, 1, 9);
	assert_true(tcp_ready(r->tcb) & TERN_URGENT);
	reads(r, 10, 1);
	assert_int_equal(status_of(r).urgent, 0);
	assert_false(tcp_ready(r->tcb) & TERN_URGENT);
	r->tcb->ready = 0;
	urgent(r, 21, 5, 10);
	assert_true(r->tcb->ready & TERN_URGENT);
}

/* Of what the program has read already, or without the bit, or after the FIN: no news. */
static void urgent_pointer_behind_is_ignored(struct rig *r)
{
	established(r);
	rx(r, TCP_ACK, 1, 1, 100);
	reads(r, 1, 100);
	r->tcb->ready = 0;
	urgent(r, 101, 0, 0);
	struct tcp_segment seg = rig_segment(r, TCP_ACK, 101, 1, 0);

	seg.up = 50;
	rig_arrive(r, &seg);
	assert_int_equal(r->tcb->ready, 0);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(established_acceptability_of_a_segment),
		CASE(zero_window_ack_urg_and_rst_count),
		CASE(synchronized_reset_by_its_sequence_number),
		CASE(established_reset_with_text),
		CASE(established_reset_leaves_unread_text),
		CASE(syn_received_reset_by_kind_of_open),
		CASE(synchronized_syn_is_challenged),
		CASE(syn_received_duplicate_syn_is_answered_with_the_syn_ack),
		CASE(established_segment_without_ack_is_dropped),
		CASE(syn_received_ack_of_something_else),
		CASE(syn_received_third_segment_with_text_and_fin),
		CASE(syn_received_old_text_is_no_harm),
		CASE(established_ack_range),
		CASE(established_ack_older_than_the_largest_window),
		CASE(paws_old_timestamp_is_answered_and_dropped),
		CASE(paws_after_24_days_anything_goes),
		CASE(timestamp_missing_is_dropped_silently),
		CASE(ts_recent_follows_last_ack_sent),
		CASE(urgent_pointer_arrives_advances_and_is_read),
		CASE(urgent_octets_read_the_level_falls),
		CASE(urgent_pointer_behind_is_ignored),
	};

	return RIG_RUN("arrive_synchronized", cases);
}
