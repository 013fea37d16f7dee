/* arrive_text.c: text to its place, FIN, and when it is acknowledged. RFC 9293 3.10.7.4, seventh and eighth;
 * figures 12 and 13 by their segments; RFC 2018 and RFC 2883's examples. */
#include "unit/tcp_rig.h"

/* The SACK blocks on the last segment, pairs up to a 0. */
static void blocks_are(struct rig *r, const uint32_t *edges)
{
	const struct tcp_options *const opt = &r->out.seg.opt;
	uint8_t n = 0;

	for (; edges[2 * n] != 0; n++) {
		assert_true(n < opt->n_sack);
		assert_int_equal(opt->sack[n].left.v, r->irs + edges[2 * n]);
		assert_int_equal(opt->sack[n].right.v, r->irs + edges[2 * n + 1]);
	}
	assert_int_equal(opt->n_sack, n);
}

/* SHLD-18, MUST-40: an ACK is delayed 40 ms; SHLD-19: the second full-sized segment is acknowledged.
 * (RFC5681-4.2-1) */
static void established_text_in_order_is_acknowledged_late_or_every_second(struct rig *r)
{
	established(r);
	rx(r, TCP_ACK, 1, 1, 1460);
	is_quiet(r);
	assert_true(r->tcb->ready & TERN_READABLE);
	assert_int_equal(expires(r), ms(40));
	sends(r, TCP_ACK, 1, 1461, 0);
	rx(r, TCP_ACK, 1461, 1, 1460);
	is_quiet(r);
	rx(r, TCP_ACK, 2921, 1, 1460);
	sends(r, TCP_ACK, 1, 4381, 0);
	is_quiet(r);
	reads(r, 1, 4380);
}

/* RFC 5681 4.2 allows it, and the peer's slow start is helped by it: the first text is acknowledged at once; but who
 * answers has its next answer carry the ACK, or a dialogue would take twice the packets. */
static void established_first_text_is_acknowledged_at_once_until_it_is_answered(struct rig *r)
{
	established(r);
	r->tcb->quick = true;
	rx(r, TCP_ACK, 1, 1, 10);
	sends(r, TCP_ACK, 1, 11, 0);
	rx(r, TCP_ACK, 11, 1, 10);
	sends(r, TCP_ACK, 1, 21, 0);
	writes(r, 1, 20);
	sends(r, TCP_ACK, 1, 21, 20);
	rx(r, TCP_ACK, 21, 21, 10);
	is_quiet(r);
	writes(r, 21, 20);
	sends(r, TCP_ACK, 21, 31, 20);
	is_quiet(r);
}

/* Who asks first has not answered anything yet: what comes is acknowledged at once. */
static void established_a_question_is_no_dialogue(struct rig *r)
{
	established(r);
	r->tcb->quick = true;
	writes(r, 1, 20);
	sends(r, TCP_ACK, 1, 1, 20);
	rx(r, TCP_ACK, 1, 21, 10);
	sends(r, TCP_ACK, 21, 11, 0);
	is_quiet(r);
}

/* n segments that go on with one of `each` octets, which began at seq; how many arrived. */
static uint32_t more_arrive(struct rig *r, uint32_t seq, uint32_t each, uint32_t n)
{
	const uint8_t *text[64];
	const struct tcp_more more = { .text = text, .seq = { r->irs + seq + each }, .text_len = each, .n = n };
	const uint8_t *const octets = rig_octets(r, seq + each - 1, n * each);

	for (uint32_t i = 0; i < n; i++)
		text[i] = octets + i * each;
	n = tcp_arrive_more(r->tcb, &more, r->now);
	tcb_check(r->tcb);
	return n;
}

/* SHLD-19 counts the octets of the whole run, SND.WL1 is its last segment's, and it ends with the window. */
static void established_run_counts_as_each_of_it(struct rig *r)
{
	established(r);
	r->env.watcher.event = NULL; /* who looks on sees each */
	rx(r, TCP_ACK, 1, 1, 1460);
	assert_int_equal(expires(r), ms(40));
	sends(r, TCP_ACK, 1, 1461, 0);
	rx(r, TCP_ACK, 1461, 1, 500);
	assert_int_equal(more_arrive(r, 1461, 500, 4), 4);
	assert_int_equal(r->tcb->rcv.nxt.v, r->irs + 3961);
	assert_int_equal(r->tcb->snd.wl1.v, r->irs + 3461);
	is_quiet(r);
	assert_int_equal(expires(r), ms(40));
	sends(r, TCP_ACK, 1, 3961, 0);
	rx(r, TCP_ACK, 3961, 1, 500);
	assert_int_equal(more_arrive(r, 3961, 500, 5), 5);
	sends(r, TCP_ACK, 1, 6961, 0);
	is_quiet(r);
	reads(r, 1, 6960);
	/* An ACK of something beyond a gap that is not held would have moved it: then it stays. */
	rx(r, TCP_ACK, 6961, 1, 500);
	r->tcb->snd.wl1 = seq(r->irs + 7000);
	assert_int_equal(more_arrive(r, 6961, 500, 3), 3);
	assert_int_equal(r->tcb->snd.wl1.v, r->irs + 7000);
}

static void established_run_ends_with_the_window(struct rig *r)
{
	uint32_t at = 1;

	established(r);
	r->env.watcher.event = NULL;
	for (; r->tcb->rcv.wnd_edge.v - (r->irs + at) >= 6000; at += 1000) {
		rx(r, TCP_ACK, at, 1, 1000);
		drain(r);
	}
	rx(r, TCP_ACK, at, 1, 1000);
	const uint32_t room = (r->tcb->rcv.wnd_edge.v - (r->irs + at + 1000)) / 1000;

	assert_in_range(room, 3, 6);
	assert_int_equal(more_arrive(r, at, 1000, 20), room);
	reads(r, 1, at - 1 + 1000 + room * 1000);
}

/* The ACK goes with whatever leaves (MUST-58). */
static void established_ack_rides_on_text(struct rig *r)
{
	established(r);
	rx(r, TCP_ACK, 1, 1, 10);
	writes(r, 1, 20);
	sends(r, TCP_ACK, 1, 11, 20);
	is_quiet(r);
	assert_true(status_of(r).delayed_ack_at == TERN_NEVER);
}

/* MUST-59: one ACK for all that was queued (RFC5681-4.2-2). */
static void established_a_batch_is_acknowledged_once(struct rig *r)
{
	established(r);
	for (uint32_t i = 0; i < 10; i++)
		rx(r, TCP_ACK, 1 + i * 1000, 1, 1000);
	sends(r, TCP_ACK, 1, 10001, 0);
	is_quiet(r);
}

static void acknowledged_at_once_where_asked(struct rig *r)
{
	established(r);
	tcp_option_set(r->tcb, TERN_QUICKACK, 1, r->now);
	rx(r, TCP_ACK, 1, 1, 1);
	sends(r, TCP_ACK, 1, 2, 0);
	tcp_option_set(r->tcb, TERN_QUICKACK, 0, r->now);
	r->env.config.no_delayed_ack = true;
	rx(r, TCP_ACK, 2, 1, 1);
	sends(r, TCP_ACK, 1, 3, 0);
}

/* SHLD-31, RFC 5681 4.2: held, acknowledged at once; the one that fills the gap too; the stream is right.
 * (MAY-13, RFC5681-3.2-1) */
static void established_text_out_of_order_is_held(struct rig *r)
{
	established(r);
	assert_int_equal(rx(r, TCP_ACK, 101, 1, 100), TERN_VERDICT_OUT_OF_ORDER);
	sends(r, TCP_ACK, 1, 1, 0);
	assert_int_equal(rx(r, TCP_ACK, 301, 1, 100), TERN_VERDICT_OUT_OF_ORDER);
	sends(r, TCP_ACK, 1, 1, 0);
	assert_int_equal(status_of(r).out_of_order, 200);
	assert_int_equal(status_of(r).unread, 0);
	assert_int_equal(rx(r, TCP_ACK, 1, 1, 100), TERN_VERDICT_ACCEPTED);
	sends(r, TCP_ACK, 1, 201, 0);
	assert_int_equal(rx(r, TCP_ACK, 151, 1, 200), TERN_VERDICT_ACCEPTED);
	sends(r, TCP_ACK, 1, 401, 0);
	reads(r, 1, 400);
	is_quiet(r);
}

/* What is here is never overwritten: the first arrival wins. */
static void established_other_octets_for_the_same_place_are_ignored(struct rig *r)
{
	static const uint8_t rubbish[300] = { 0xee };
	struct tcp_segment seg;

	established(r);
	rx(r, TCP_ACK, 101, 1, 100);
	seg = rig_segment(r, TCP_ACK, 101, 1, 100);
	seg.text = rubbish;
	assert_int_equal(rig_arrive(r, &seg), TERN_VERDICT_DUPLICATE);
	rx(r, TCP_ACK, 1, 1, 100);
	seg = rig_segment(r, TCP_ACK, 1, 1, 200);
	seg.text = rubbish;
	assert_int_equal(rig_arrive(r, &seg), TERN_VERDICT_DUPLICATE);
	reads(r, 1, 200);
}

/* Duplicates are acknowledged at once (SHLD-31's other half), and no text comes twice. */
static void established_duplicate_is_acknowledged_at_once(struct rig *r)
{
	established(r);
	rx(r, TCP_ACK, 1, 1, 100);
	expires(r);
	drain(r);
	assert_int_equal(rx(r, TCP_ACK, 1, 1, 100), TERN_VERDICT_DUPLICATE);
	sends(r, TCP_ACK, 1, 101, 0);
	assert_int_equal(rx(r, TCP_ACK, 51, 1, 100), TERN_VERDICT_ACCEPTED);
	reads(r, 1, 150);
}

/* RFC 2018 5, case 2 and 3. */
static void sack_blocks_newest_first(struct rig *r)
{
	r->peer.sack = true;
	established(r);
	rx(r, TCP_ACK, 501, 1, 500);
	sends(r, TCP_ACK, 1, 1, 0);
	blocks_are(r, (const uint32_t[]){ 501, 1001, 0 });
	rx(r, TCP_ACK, 1501, 1, 500);
	sends(r, TCP_ACK, 1, 1, 0);
	blocks_are(r, (const uint32_t[]){ 1501, 2001, 501, 1001, 0 });
	rx(r, TCP_ACK, 2501, 1, 500);
	sends(r, TCP_ACK, 1, 1, 0);
	blocks_are(r, (const uint32_t[]){ 2501, 3001, 1501, 2001, 501, 1001, 0 });
	rx(r, TCP_ACK, 1001, 1, 500);
	sends(r, TCP_ACK, 1, 1, 0);
	blocks_are(r, (const uint32_t[]){ 501, 2001, 2501, 3001, 0 });
	rx(r, TCP_ACK, 1, 1, 500);
	sends(r, TCP_ACK, 1, 2001, 0);
	blocks_are(r, (const uint32_t[]){ 2501, 3001, 0 });
}

/* RFC 2018 3: three blocks fit beside timestamps, four without. */
static void sack_blocks_as_many_as_fit(struct rig *r)
{
	for (unsigned ts = 0; ts < 2; ts++) {
		rig_end(r);
		rig_begin(r);
		r->peer.sack = true;
		r->peer.ts = ts;
		established(r);
		for (uint32_t i = 1; i <= 6; i++) {
			rx(r, TCP_ACK, i * 1000, 1, 100);
			drain(r);
		}
		assert_int_equal(r->out.seg.opt.n_sack, ts ? 3 : 4);
		assert_int_equal(r->out.seg.opt.sack[0].left.v, r->irs + 6000);
	}
}

/* RFC 2883 4.1.1, example 1: ACK 4000, SACK=3000-3500, of a duplicate below RCV.NXT; told once. */
static void dsack_duplicate_below_rcv_nxt(struct rig *r)
{
	r->peer.sack = true;
	established(r);
	for (uint32_t seq = 1; seq < 4001; seq += 500)
		rx(r, TCP_ACK, seq, 1, 500);
	drain(r);
	assert_int_equal(rx(r, TCP_ACK, 3001, 1, 500), TERN_VERDICT_DUPLICATE);
	sends(r, TCP_ACK, 1, 4001, 0);
	blocks_are(r, (const uint32_t[]){ 3001, 3501, 0 });
	rx(r, TCP_ACK, 4001, 1, 500);
	expires(r);
	sends(r, TCP_ACK, 1, 4501, 0);
	blocks_are(r, (const uint32_t[]){ 0 });
}

/* RFC 2883 4.1.2, example 2: the D-SACK comes first, then what lies out of order. */
static void dsack_with_a_gap_open(struct rig *r)
{
	r->peer.sack = true;
	established(r);
	rx(r, TCP_ACK, 1, 1, 500);
	rx(r, TCP_ACK, 501, 1, 500);
	rx(r, TCP_ACK, 1501, 1, 500);
	drain(r);
	rx(r, TCP_ACK, 501, 1, 500);
	sends(r, TCP_ACK, 1, 1001, 0);
	blocks_are(r, (const uint32_t[]){ 501, 1001, 1501, 2001, 0 });
}

/* RFC 2883 4.1.3, example 3: a duplicate of something out of order, then the block that holds it. */
static void dsack_duplicate_out_of_order(struct rig *r)
{
	r->peer.sack = true;
	established(r);
	rx(r, TCP_ACK, 501, 1, 500);
	rx(r, TCP_ACK, 1001, 1, 500);
	rx(r, TCP_ACK, 3001, 1, 500);
	drain(r);
	assert_int_equal(rx(r, TCP_ACK, 1001, 1, 500), TERN_VERDICT_DUPLICATE);
	sends(r, TCP_ACK, 1, 1, 0);
	blocks_are(r, (const uint32_t[]){ 1001, 1501, 501, 1501, 3001, 3501, 0 });
}

/* RFC 2883 4.2.1: of a segment that is old in part, the old part. */
static void dsack_partly_old_segment(struct rig *r)
{
	r->peer.sack = true;
	established(r);
	rx(r, TCP_ACK, 1, 1, 500);
	rx(r, TCP_ACK, 501, 1, 500);
	drain(r);
	assert_int_equal(rx(r, TCP_ACK, 501, 1, 1000), TERN_VERDICT_ACCEPTED);
	expires(r);
	sends(r, TCP_ACK, 1, 1501, 0);
	blocks_are(r, (const uint32_t[]){ 501, 1001, 0 });
	reads(r, 1, 1500);
}

/* ---- eighth: FIN ---- */

/* Figure 12, the passive side's view: ACK at once, the end of the stream after the text. */
static void figure_12_fin_ends_the_stream(struct rig *r)
{
	established(r);
	assert_int_equal(rx(r, TCP_FIN | TCP_ACK, 1, 1, 10), TERN_VERDICT_ACCEPTED);
	in_state(r, CLOSE_WAIT);
	sends(r, TCP_ACK, 1, 12, 0);
	assert_int_equal(r->tcb->ready & (TERN_READABLE | TERN_PEER_CLOSED), TERN_READABLE | TERN_PEER_CLOSED);
	reads(r, 1, 10);
	assert_int_equal(tcp_receive(r->tcb, r->text, 10, r->now), 0);
	assert_int_equal(tcp_receive(r->tcb, r->text, 10, r->now), 0);
	writes(r, 1, 30); /* half-close: our direction lives */
	sends(r, TCP_ACK, 1, 12, 30);
	rx(r, TCP_ACK, 12, 31, 0);
	assert_int_equal(tcp_shutdown(r->tcb, r->now), 0);
	sends(r, TCP_FIN | TCP_ACK, 31, 12, 0);
	in_state(r, LAST_ACK);
	rx(r, TCP_ACK, 12, 32, 0);
	in_state(r, CLOSED);
	assert_int_equal(status_of(r).error, 0);
	is_quiet(r);
}

/* Figure 12, the active side's. */
static void figure_12_active_close(struct rig *r)
{
	established(r);
	in_fin_wait_2(r);
	assert_int_equal(rx(r, TCP_FIN | TCP_ACK, 1, 2, 0), TERN_VERDICT_ACCEPTED);
	in_state(r, TIME_WAIT);
	sends(r, TCP_ACK, 2, 2, 0);
	is_quiet(r);
	assert_true(r->tcb->ready & TERN_CLOSED);
}

/* Figure 13: both close at once. */
static void figure_13_simultaneous_close(struct rig *r)
{
	established(r);
	in_closing(r);
	rx(r, TCP_ACK, 2, 1, 0);
	in_state(r, CLOSING);
	rx(r, TCP_ACK, 2, 2, 0);
	in_state(r, TIME_WAIT);
	is_quiet(r);
}

/* FIN-WAIT-1, a FIN that acknowledges ours: to TIME-WAIT in one step. */
static void fin_wait_1_fin_and_ack_goes_to_time_wait(struct rig *r)
{
	established(r);
	closes_first(r);
	rx(r, TCP_FIN | TCP_ACK, 1, 2, 20);
	in_state(r, TIME_WAIT);
	sends(r, TCP_ACK, 2, 22, 0);
	reads(r, 1, 20);
}

static void half_close_text_still_comes(struct rig *r)
{
	established(r);
	in_fin_wait_2(r);
	rx(r, TCP_ACK, 1, 2, 1000);
	expires(r);
	sends(r, TCP_ACK, 2, 1001, 0);
	reads(r, 1, 1000);
}

/* A FIN beyond a gap waits; it comes with the text that fills it. */
static void fin_out_of_order_waits(struct rig *r)
{
	established(r);
	assert_int_equal(rx(r, TCP_FIN | TCP_ACK, 101, 1, 50), TERN_VERDICT_OUT_OF_ORDER);
	sends(r, TCP_ACK, 1, 1, 0);
	in_state(r, ESTABLISHED);
	rx(r, TCP_ACK, 1, 1, 100);
	in_state(r, CLOSE_WAIT);
	sends(r, TCP_ACK, 1, 152, 0);
	reads(r, 1, 150);
	rig_end(r);
	rig_begin(r);
	established(r);
	assert_int_equal(rx(r, TCP_FIN | TCP_ACK, 101, 1, 0), TERN_VERDICT_OUT_OF_ORDER); /* bare */
	sends(r, TCP_ACK, 1, 1, 0);
	rx(r, TCP_ACK, 1, 1, 100);
	in_state(r, CLOSE_WAIT);
}

/* The FIN again, in every state after it: acknowledged again, no more. */
static void fin_again_is_acknowledged_again(struct rig *r)
{
	static void (*const ways[])(struct rig *) = { in_close_wait, in_closing, in_last_ack };

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		rig_end(r);
		rig_begin(r);
		established(r);
		ways[i](r);
		const uint8_t state = r->tcb->state;

		assert_int_equal(rx(r, TCP_FIN | TCP_ACK, 1, 1, 0), TERN_VERDICT_DUPLICATE);
		sends(r, TCP_ACK, i == 0 ? 1 : 2, 2, 0);
		in_state(r, state);
	}
}

/* "This should not occur": text after the peer's FIN. */
static void text_after_the_fin_is_not_taken(struct rig *r)
{
	established(r);
	in_close_wait(r);
	rx(r, TCP_ACK, 2, 1, 100);
	drain(r);
	assert_int_equal(status_of(r).unread, 0);
	assert_int_equal(status_of(r).rcv_nxt, r->irs + 2);
	in_state(r, CLOSE_WAIT);
}

/* A FIN needs no window (our departure). */
static void fin_at_a_shut_window_is_taken(struct rig *r)
{
	tcp_option_set(r->tcb, TERN_RECEIVE_BUFFER, 100, r->now);
	established(r);
	rx(r, TCP_ACK, 1, 1, 100);
	assert_int_equal(rcv_wnd(r->tcb), 0);
	rx(r, TCP_FIN | TCP_ACK, 101, 1, 0);
	in_state(r, CLOSE_WAIT);
	sends(r, TCP_ACK, 1, 102, 0);
}

/* Beyond the window is cut off, with the FIN; what fits is taken. */
static void text_beyond_the_window_is_cut_off(struct rig *r)
{
	tcp_option_set(r->tcb, TERN_RECEIVE_BUFFER, 100, r->now);
	established(r);
	rx(r, TCP_FIN | TCP_ACK, 1, 1, 150);
	in_state(r, ESTABLISHED);
	sends(r, TCP_ACK, 1, 101, 0);
	assert_int_equal(r->out.seg.wnd, 0);
	reads(r, 1, 100);
}

/* SHLD-3: the program has let go; text for it is answered with RST. */
static void orphan_text_is_answered_with_reset(struct rig *r)
{
	established(r);
	tcp_close(r->tcb, r->now);
	sends(r, TCP_FIN | TCP_ACK, 1, 1, 0);
	assert_int_equal(rx(r, TCP_ACK, 1, 2, 10), TERN_VERDICT_TEXT_AFTER_CLOSE);
	in_state(r, CLOSED);
	sends(r, TCP_RST | TCP_ACK, 2, 1, 0);
	is_quiet(r);
}

static void receive_shut_text_is_acknowledged_and_thrown_away(struct rig *r)
{
	established(r);
	rx(r, TCP_ACK, 1, 1, 10);
	assert_int_equal(tcp_shutdown_receive(r->tcb, r->now), 0);
	assert_int_equal(tcp_receive(r->tcb, r->text, 10, r->now), 0);
	rx(r, TCP_ACK, 11, 1, 1000);
	rx(r, TCP_ACK, 1011, 1, 1000);
	sends(r, TCP_ACK, 1, 2011, 0);
	assert_int_equal(status_of(r).unread, 0);
	assert_null(r->tcb->store);
}

/* Memory is spent: nothing is acknowledged that is not kept; later it is taken. */
static void no_memory_text_comes_again(struct rig *r)
{
	established(r);
	r->memory.fail_all = true;
	assert_int_equal(rx(r, TCP_ACK, 1, 1, 100), TERN_VERDICT_NO_MEMORY);
	sends(r, TCP_ACK, 1, 1, 0);
	assert_int_equal(rx(r, TCP_FIN | TCP_ACK, 1, 1, 100), TERN_VERDICT_NO_MEMORY);
	in_state(r, ESTABLISHED);
	assert_int_equal(rx(r, TCP_ACK, 101, 1, 100), TERN_VERDICT_NO_MEMORY);
	drain(r);
	r->memory.fail_all = false;
	assert_int_equal(rx(r, TCP_FIN | TCP_ACK, 1, 1, 100), TERN_VERDICT_ACCEPTED);
	in_state(r, CLOSE_WAIT);
	reads(r, 1, 100);
}

int main(void)
{
	static const struct rig_case cases[] = {
		CASE(established_text_in_order_is_acknowledged_late_or_every_second),
		CASE(established_run_counts_as_each_of_it),
		CASE(established_run_ends_with_the_window),
		CASE(established_ack_rides_on_text),
		CASE(established_a_batch_is_acknowledged_once),
		CASE(established_first_text_is_acknowledged_at_once_until_it_is_answered),
		CASE(established_a_question_is_no_dialogue),
		CASE(acknowledged_at_once_where_asked),
		CASE(established_text_out_of_order_is_held),
		CASE(established_other_octets_for_the_same_place_are_ignored),
		CASE(established_duplicate_is_acknowledged_at_once),
		CASE(sack_blocks_newest_first),
		CASE(sack_blocks_as_many_as_fit),
		CASE(dsack_duplicate_below_rcv_nxt),
		CASE(dsack_with_a_gap_open),
		CASE(dsack_duplicate_out_of_order),
		CASE(dsack_partly_old_segment),
		CASE(figure_12_fin_ends_the_stream),
		CASE(figure_12_active_close),
		CASE(figure_13_simultaneous_close),
		CASE(fin_wait_1_fin_and_ack_goes_to_time_wait),
		CASE(half_close_text_still_comes),
		CASE(fin_out_of_order_waits),
		CASE(fin_again_is_acknowledged_again),
		CASE(text_after_the_fin_is_not_taken),
		CASE(fin_at_a_shut_window_is_taken),
		CASE(text_beyond_the_window_is_cut_off),
		CASE(orphan_text_is_answered_with_reset),
		CASE(receive_shut_text_is_acknowledged_and_thrown_away),
		CASE(no_memory_text_comes_again),
	};

	return RIG_RUN("arrive_text", cases);
}
