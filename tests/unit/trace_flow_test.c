/* What follows from segments for the states of both ends, and what each state rests on; which segments are of which
 * connection. The client is at 10.0.0.1:1000 with ISN 1000, the server at 10.0.0.2:80 with ISN 5000. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "trace/flows.h"

#include <stdio.h>
#include <string.h>

enum { C, S, STEPS = 100, FLOWS = 8, WORDS = 1024 };

/* seq, ack: relative to the ISNs. */
struct line {
	unsigned from, flags;
	uint32_t seq, ack, len, after_ms;
};

static struct trace_flows flows;
static struct trace_flow  ended[FLOWS];
static char		  told[FLOWS][WORDS]; /* the changes of each that ended */
static unsigned		  n_ended;
static tern_time	  now;

static uint32_t keep(void *context, const struct trace_flow *flow)
{
	(void)context;
	(void)flow;
	return STEPS;
}

/* "C SYN-SENT, S (SYN-RECEIVED), ..." in the order of being found. */
static void on_done(void *context, struct trace_flow *flow)
{
	static const char *const before[] = { "", "", "(", "[" }, *const behind[] = { "", "", ")", "]" };
	size_t n = 0;

	(void)context;
	assert_true(n_ended < FLOWS);
	told[n_ended][0] = 0;
	for (unsigned i = 0; i < flow->story->changes; i++) {
		const struct trace_change *const change = &flow->story->change[i];

		if (!change->is_gone)
			n += (size_t)snprintf(told[n_ended] + n, WORDS - n, "%s%s %s%s%s", n ? ", " : "",
					      change->end ? "S" : "C", before[change->basis],
					      tern_state_name(change->to), behind[change->basis]);
	}
	ended[n_ended] = *flow;
	ended[n_ended++].story = NULL;
}

static void begin(unsigned near)
{
	static const uint8_t key[16] = { 1 };

	flows = (struct trace_flows){ .story = keep, .done = on_done, .at_side = near };
	n_ended = 0;
	now = 1000 * TERN_SECOND;
	assert_true(trace_flows_init(&flows, key));
}

static struct trace_flow *put(const struct line *line)
{
	static uint64_t	     packet;
	struct trace_segment segment = {
		.packet = ++packet,
		.seq = line->seq + (line->from == C ? 1000 : 5000),
		.ack = line->flags & TERN_ACK ? line->ack + (line->from == C ? 5000 : 1000) : 0,
		.len = line->len,
		.flags = (uint16_t)line->flags,
		.wnd = 60000,
	};

	now += line->after_ms * TERN_MILLISECOND;
	segment.at = now;
	(void)tern_addr_parse(&segment.tuple.local, line->from == C ? "10.0.0.1" : "10.0.0.2");
	(void)tern_addr_parse(&segment.tuple.remote, line->from == C ? "10.0.0.2" : "10.0.0.1");
	segment.tuple.local_port = line->from == C ? 1000 : 80;
	segment.tuple.remote_port = line->from == C ? 80 : 1000;
	return trace_flows_segment(&flows, &segment);
}

static void put_all(const struct line *lines, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_non_null(put(&lines[i]));
}

#define PUT(...)                                                                                             \
	do {                                                                                                 \
		const struct line lines[] = { __VA_ARGS__ };                                                 \
		put_all(lines, sizeof lines / sizeof lines[0]);                                              \
	} while (0)

#define OPEN                                                                                                 \
	{ C, TERN_SYN, 0, 0, 0, 0 }, { S, TERN_SYN | TERN_ACK, 0, 1, 0, 20 },                                \
	{                                                                                                    \
		C, TERN_ACK, 1, 1, 0, 0                                                                      \
	}

static void the_seven_segments_from_the_clients_end(void **state)
{
	(void)state;
	begin(1);
	PUT(OPEN, { C, TERN_ACK | TERN_PSH, 1, 1, 10, 1 }, { S, TERN_ACK, 1, 11, 0, 20 },
	    { C, TERN_FIN | TERN_ACK, 11, 1, 0, 3000 }, { S, TERN_ACK, 1, 12, 0, 20 },
	    { S, TERN_FIN | TERN_ACK, 1, 12, 0, 500 }, { C, TERN_ACK, 12, 2, 0, 0 });
	trace_flows_end(&flows);
	assert_string_equal(told[0],
			    "C SYN-SENT, S (SYN-RECEIVED), C ESTABLISHED, S ESTABLISHED, C FIN-WAIT-1, "
			    "S (CLOSE-WAIT), C (FIN-WAIT-2), S (LAST-ACK), C TIME-WAIT, S (CLOSED)");
	assert_int_equal(ended[0].opened, TRACE_OPEN_THREE);
	assert_int_equal(ended[0].closed, TRACE_CLOSE_FINS);
	assert_int_equal(ended[0].closer, C);
}

/* From its own end a server that was idle is known not to have closed before. */
static void a_close_in_three_segments_from_the_servers_end(void **state)
{
	(void)state;
	begin(2);
	PUT(OPEN, { C, TERN_ACK | TERN_PSH, 1, 1, 10, 1 }, { S, TERN_ACK, 1, 11, 0, 0 },
	    { C, TERN_FIN | TERN_ACK, 11, 1, 0, 9000 }, { S, TERN_FIN | TERN_ACK, 1, 12, 0, 0 },
	    { C, TERN_ACK, 12, 2, 0, 20 });
	trace_flows_end(&flows);
	assert_string_equal(told[0],
			    "C SYN-SENT, S SYN-RECEIVED, C ESTABLISHED, S ESTABLISHED, C FIN-WAIT-1, "
			    "S CLOSE-WAIT, S LAST-ACK, C (TIME-WAIT), S (CLOSED)");
}

static void what_began_before_the_capture_is_unseen(void **state)
{
	(void)state;
	begin(0);
	PUT({ C, TERN_ACK, 100, 50, 10, 0 }, { S, TERN_ACK, 50, 110, 0, 10 },
	    { C, TERN_RST | TERN_ACK, 110, 50, 0, 10 });
	trace_flows_end(&flows);
	assert_string_equal(told[0], "C [ESTABLISHED], S [ESTABLISHED], C (CLOSED), S (CLOSED)");
	assert_int_equal(ended[0].opened, TRACE_OPEN_UNSEEN);
	assert_int_equal(ended[0].closed, TRACE_CLOSE_RST);
}

/* RFC 5961 3.2: not exactly the next number, so it is challenged and ends nothing. */
static void a_blind_reset_ends_nothing(void **state)
{
	const struct trace_flow *flow;

	(void)state;
	begin(2);
	PUT(OPEN, { C, TERN_ACK, 1, 1, 10, 1 }, { C, TERN_RST, 3000, 0, 0, 1 });
	flow = put(&(struct line){ S, TERN_ACK, 1, 11, 0, 0 });
	assert_int_equal(flow->story->steps[4].found.verdict, TERN_VERDICT_BLIND_RESET);
	assert_true(flow->story->steps[5].found.challenge);
	assert_int_equal(flow->story->steps[5].found.of, 5);
	assert_int_equal(flow->end[S].state, TERN_STATE_ESTABLISHED);
	assert_int_equal(flow->closed, TRACE_CLOSE_OPEN);
	trace_flows_end(&flows);
}

/* A server far away that says its FIN again has not heard the ACK: what was to follow from that is taken back. */
static void a_fin_sent_again_takes_its_ack_back(void **state)
{
	(void)state;
	begin(1);
	PUT(OPEN, { S, TERN_FIN | TERN_ACK, 1, 1, 0, 50 }, { C, TERN_ACK, 1, 2, 0, 0 },
	    { S, TERN_FIN | TERN_ACK, 1, 1, 0, 400 });
	trace_flows_end(&flows);
	assert_string_equal(told[0], "C SYN-SENT, S (SYN-RECEIVED), C ESTABLISHED, S (ESTABLISHED), "
				     "S (FIN-WAIT-1), C (CLOSE-WAIT)");
}

/* Captured at the client. The server's FIN was lost before it came here, but the number of its next ACK counts it: the
 * FINs crossed, and it was never in CLOSE-WAIT. */
static void a_fin_that_was_lost_before_shows_in_the_next_ack(void **state)
{
	(void)state;
	begin(1);
	PUT(OPEN, { C, TERN_FIN | TERN_ACK, 1, 1, 0, 50 }, { S, TERN_ACK, 2, 2, 0, 20 },
	    { S, TERN_FIN | TERN_ACK, 1, 2, 0, 400 }, { C, TERN_ACK, 2, 2, 0, 0 });
	trace_flows_end(&flows);
	assert_string_equal(told[0], "C SYN-SENT, S (SYN-RECEIVED), C ESTABLISHED, C FIN-WAIT-1, S ESTABLISHED, "
				     "C (FIN-WAIT-2), S (FIN-WAIT-1), S (CLOSING), C TIME-WAIT, S (TIME-WAIT)");
}

/* Both sent a SYN, and what the server made of the client's does not show: whether it passed SYN-RECEIVED is unseen. */
static void whether_syns_met_halfway_is_unseen(void **state)
{
	(void)state;
	begin(1);
	PUT({ C, TERN_SYN, 0, 0, 0, 0 }, { S, TERN_SYN, 0, 0, 0, 10 }, { C, TERN_SYN | TERN_ACK, 0, 1, 0, 0 },
	    { S, TERN_ACK, 1, 1, 0, 20 });
	trace_flows_end(&flows);
	assert_non_null(strstr(told[0], "S [ESTABLISHED]"));
	assert_null(strstr(told[0], "S (SYN-RECEIVED)"));
}

/* A stray segment and the RST that answers it are no connection: the SYN after them begins one, and once only. */
static void a_stray_before_the_syn_is_another(void **state)
{
	(void)state;
	begin(0);
	PUT({ C, TERN_RST, 700, 0, 0, 0 }, OPEN);
	trace_flows_end(&flows);
	assert_int_equal(n_ended, 2);
	assert_string_equal(told[0], "");
	assert_int_equal(ended[1].opened, TRACE_OPEN_THREE);
}

static void a_listener_that_forgot_answers_anew(void **state)
{
	(void)state;
	begin(2);
	PUT({ C, TERN_SYN, 0, 0, 0, 0 }, { S, TERN_SYN | TERN_ACK, 0, 1, 0, 0 },
	    { C, TERN_SYN, 0, 0, 0, 9000 }, { S, TERN_SYN | TERN_ACK, 77, 1, 0, 0 },
	    { C, TERN_ACK, 1, 78, 5, 20 }, { S, TERN_ACK, 78, 6, 0, 0 });
	trace_flows_end(&flows);
	assert_string_equal(told[0],
			    "C SYN-SENT, S SYN-RECEIVED, S SYN-RECEIVED, C ESTABLISHED, S ESTABLISHED");
	assert_int_equal(n_ended, 1);
}

/* A SYN into an open connection begins another only where it is answered. */
static void a_stray_syn_begins_nothing(void **state)
{
	(void)state;
	begin(0);
	PUT(OPEN, { C, TERN_SYN, 90000, 0, 0, 10 }, { S, TERN_ACK, 1, 1, 0, 20 },
	    { C, TERN_ACK, 1, 1, 10, 10 });
	assert_int_equal(n_ended, 0);
	PUT({ C, TERN_SYN, 95000, 0, 0, 10 }, { S, TERN_SYN | TERN_ACK, 66000, 95001, 0, 20 });
	assert_int_equal(n_ended, 1);
	trace_flows_end(&flows);
	assert_int_equal(n_ended, 2);
	assert_int_equal(ended[1].opened, TRACE_OPEN_HALF);
}

/* An RST in answer to a SYN counts only where it acknowledges it (RFC 9293 3.10.7.3). */
static void refused_by_the_right_reset_alone(void **state)
{
	(void)state;
	begin(1);
	PUT({ C, TERN_SYN, 0, 0, 0, 0 }, { S, TERN_RST | TERN_ACK, 0, 500, 0, 10 });
	assert_int_equal(put(&(struct line){ C, TERN_SYN, 0, 0, 0, 1000 })->opened, TRACE_OPEN_TRIED);
	assert_int_equal(put(&(struct line){ S, TERN_RST | TERN_ACK, 0, 1, 0, 10 })->opened,
			 TRACE_OPEN_REFUSED);
	trace_flows_end(&flows);
	assert_string_equal(told[0], "C SYN-SENT, C (CLOSED)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_seven_segments_from_the_clients_end),
		cmocka_unit_test(a_close_in_three_segments_from_the_servers_end),
		cmocka_unit_test(what_began_before_the_capture_is_unseen),
		cmocka_unit_test(a_blind_reset_ends_nothing),
		cmocka_unit_test(a_fin_sent_again_takes_its_ack_back),
		cmocka_unit_test(a_fin_that_was_lost_before_shows_in_the_next_ack),
		cmocka_unit_test(whether_syns_met_halfway_is_unseen),
		cmocka_unit_test(a_stray_before_the_syn_is_another),
		cmocka_unit_test(a_listener_that_forgot_answers_anew),
		cmocka_unit_test(a_stray_syn_begins_nothing),
		cmocka_unit_test(refused_by_the_right_reset_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
