/* JSON lines, letter by letter. tests/scenario/json_lines_test.py reads real runs with a real parser. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "support/hand.h"
#include "watch/jsonl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENT, SERVER };

#define HEAD(t, host, conn) "{\"v\":1,\"t\":" t ",\"host\":\"" host "\",\"conn\":" conn ",\"ev\":"

static void check(const struct hand *hand, size_t i, const char *expected)
{
	char	     line[JSONL_LINE];
	const size_t n = jsonl_line(line, &hand->timeline, i);

	assert_int_equal(n, strlen(line));
	assert_true(n > 0 && line[n - 1] == '\n');
	line[n - 1] = 0;
	assert_string_equal(line, expected);
}

static void a_segment_sent_and_arrived(void **state)
{
	struct hand hand;

	(void)state;
	hand_begin(&hand);
	hand_pass(&hand, CLIENT, TERN_SYN, 0, 0, 0, TERN_VERDICT_NEW_CONNECTION);
	hand_pass(&hand, SERVER, TERN_SYN | TERN_ACK, 0, 1, 0, TERN_VERDICT_ACCEPTED);
	check(&hand, 0,
	      HEAD("1000000000000", "client", "1") "\"segment\",\"dir\":\"tx\",\"n\":1,\"nth\":1,\"flags\":\"S\","
	      "\"seq\":4294967280,\"ack\":0,\"rseq\":0,\"rack\":null,\"wnd\":65535,\"len\":0,"
	      "\"opts\":{\"mss\":1460,\"wscale\":7,\"sack_permitted\":true,\"ts\":[0,0]},"
	      "\"role\":\"syn\",\"fate\":\"delivered\",\"arrives\":1000010000000}");
	check(&hand, 3,
	      HEAD("1000020000000", "client", "1") "\"segment\",\"dir\":\"rx\",\"n\":2,\"nth\":1,\"flags\":\"SA\","
	      "\"seq\":5000,\"ack\":4294967281,\"rseq\":0,\"rack\":1,\"wnd\":65535,\"len\":0,"
	      "\"opts\":{\"mss\":1460,\"wscale\":7,\"sack_permitted\":true,\"ts\":[0,0]},"
	      "\"verdict\":\"accepted\",\"copy\":1,\"late\":false}");
	hand_end(&hand);
}

static void flags_have_an_order(void **state)
{
	struct hand hand;
	char	    line[JSONL_LINE];

	(void)state;
	hand_begin(&hand);
	hand_send(&hand, CLIENT, 0x1ff, 0, 0, 0);
	jsonl_line(line, &hand.timeline, 0);
	assert_non_null(strstr(line, "\"flags\":\"SFRPAUECe\""));
	hand_end(&hand);
}

static void a_lost_retransmission_with_sack(void **state)
{
	struct hand		hand;
	struct tern_watch_event event;
	char			line[JSONL_LINE];

	(void)state;
	hand_begin(&hand);
	hand_open(&hand);
	event = hand.timeline.lines[hand_send(&hand, CLIENT, TERN_ACK, 1, 1, 10)].event;
	event.u.segment.id = ++hand.packets[CLIENT];
	event.u.segment.retransmitted = true;
	event.u.segment.n_sack = 2;
	event.u.segment.sack[0] = (struct tern_sack_block){ 1, 2 };
	event.u.segment.sack[1] = (struct tern_sack_block){ 4294967295u, 4 };
	hand_send_as(&hand, CLIENT, &event, TERN_FATE_QUEUE_FULL);
	jsonl_line(line, &hand.timeline, hand.timeline.n - 1);
	assert_non_null(strstr(line, "\"opts\":{\"sack\":[[1,2],[4294967295,4]]}"));
	assert_non_null(strstr(line, "\"fate\":\"queue-full\",\"arrives\":null,\"again_of\":4}"));
	hand_end(&hand);
}

static void other_events(void **state)
{
	struct hand		hand;
	struct tern_watch_event event;

	(void)state;
	hand_begin(&hand);
	hand.now = 5;
	hand_state(&hand, CLIENT, TERN_STATE_CLOSED, TERN_STATE_SYN_SENT, TERN_WHY_OPEN_ACTIVE);
	hand_timer(&hand, CLIENT, TERN_TIMER_RETRANSMIT, TERN_TIMER_SET, 1000000005);
	hand_timer(&hand, CLIENT, TERN_TIMER_RETRANSMIT, TERN_TIMER_FIRED, 1000000005);
	hand_call(&hand, CLIENT, "say \"\\\n\"");

	event = hand_event(&hand, CLIENT, TERN_WATCH_RETRANSMIT);
	event.u.retransmit.why = TERN_RETRANSMIT_TIMEOUT;
	event.u.retransmit.seq = 7;
	event.u.retransmit.len = 8;
	event.u.retransmit.count = 2;
	event.u.retransmit.rto = 2 * TERN_SECOND;
	timeline_watch(&hand.tap[CLIENT], &event);

	event = hand_event(&hand, CLIENT, TERN_WATCH_CONGESTION);
	event.u.congestion.event = TERN_CONGESTION_RECOVERY_ENTER;
	event.u.congestion.cwnd = 10;
	event.u.congestion.ssthresh = 11;
	event.u.congestion.in_flight = 12;
	event.u.congestion.controller = "reno";
	timeline_watch(&hand.tap[CLIENT], &event);

	event = hand_event(&hand, CLIENT, TERN_WATCH_NOTE);
	event.u.note.note = TERN_NOTE_PATH_MTU;
	event.u.note.value = 1280;
	timeline_watch(&hand.tap[CLIENT], &event);

	event = hand_event(&hand, SERVER, TERN_WATCH_ICMP_RX);
	event.u.icmp.type = 3;
	event.u.icmp.code = 4;
	event.u.icmp.version = 4;
	event.u.icmp.acted = true;
	event.u.icmp.mtu = 1280;
	timeline_watch(&hand.tap[SERVER], &event);

	event = hand_event(&hand, SERVER, TERN_WATCH_PACKET_DROP);
	event.u.drop.verdict = TERN_VERDICT_BAD_CHECKSUM;
	event.u.drop.len = 40;
	event.u.drop.mark = 99;
	timeline_watch(&hand.tap[SERVER], &event);

	check(&hand, 0, HEAD("5", "client", "1") "\"state\",\"from\":\"CLOSED\",\"to\":\"SYN-SENT\","
	      "\"why\":\"RFC 9293 3.10.7.4\",\"reason\":\"open-active\"}");
	check(&hand, 1, HEAD("5", "client", "1") "\"timer\",\"timer\":\"retransmit\",\"action\":\"set\","
	      "\"deadline\":1000000005,\"count\":1}");
	check(&hand, 2, HEAD("5", "client", "1") "\"timer\",\"timer\":\"retransmit\",\"action\":\"fired\","
	      "\"deadline\":null,\"count\":1}");
	check(&hand, 3, HEAD("5", "client", "0") "\"call\",\"call\":\"say \\\"\\\\\\u000a\\\"\"}");
	check(&hand, 4, HEAD("5", "client", "1") "\"retransmit\",\"why\":\"timeout\",\"seq\":7,\"rseq\":null,"
	      "\"len\":8,\"count\":2,\"rto\":2000000000}");
	check(&hand, 5, HEAD("5", "client", "1") "\"congestion\",\"event\":\"recovery-enter\",\"cwnd\":10,"
	      "\"ssthresh\":11,\"in_flight\":12,\"controller\":\"reno\"}");
	check(&hand, 6, HEAD("5", "client", "1") "\"note\",\"note\":\"path-mtu\",\"value\":1280}");
	check(&hand, 7, HEAD("5", "server", "1") "\"icmp\",\"type\":3,\"code\":4,\"version\":4,\"acted\":true,"
	      "\"mtu\":1280}");
	check(&hand, 8, HEAD("5", "server", "0") "\"drop\",\"n\":null,\"nth\":99,\"len\":40,"
	      "\"verdict\":\"bad-checksum\"}");
	hand_end(&hand);
}

static void the_end_counts(void **state)
{
	static const struct jsonl_counter counters[] = { { "ActiveOpens", 1 }, { "OutSegs", 6 } };
	struct hand hand;
	char	   *text = NULL;
	size_t	    n = 0;
	FILE	   *to = open_memstream(&text, &n);

	(void)state;
	assert_non_null(to);
	hand_begin(&hand);
	hand_open(&hand);
	hand_talk(&hand);
	const size_t lines = jsonl_write(to, &hand.timeline, hand.timeline.n);

	assert_int_equal(lines, hand.timeline.n);
	jsonl_end(to, &hand.timeline, CLIENT, 7, true, counters, 2, NULL);
	fclose(to);
	assert_string_equal(text, HEAD("7", "client", "0") "\"end\",\"as_expected\":true,\"sent\":4,\"arrived\":2,"
			    "\"lost\":0,\"retransmitted\":0,\"not_taken\":0,\"text_sent\":300,"
			    "\"text_retransmitted\":0,\"counters\":{\"ActiveOpens\":1,\"OutSegs\":6},"
			    "\"connection\":null}\n");
	free(text);
	hand_end(&hand);
}

static void the_longest_line_fits(void **state)
{
	struct hand		hand;
	struct tern_watch_event event;
	char			line[JSONL_LINE];

	(void)state;
	hand_begin(&hand);
	hand.now = INT64_MAX - 1;
	event = hand_event(&hand, CLIENT, TERN_WATCH_SEGMENT_TX);
	memset(&event.u.segment, 0xff, sizeof event.u.segment);
	event.u.segment.known = event.u.segment.retransmitted = event.u.segment.probe = true;
	event.u.segment.n_sack = 4;
	timeline_watch(&hand.tap[CLIENT], &event);
	hand.timeline.lines[0].n = UINT32_MAX;
	hand.timeline.lines[0].nth = UINT64_MAX;
	hand.timeline.lines[0].forged = true;
	assert_true(jsonl_line(line, &hand.timeline, 0) < JSONL_LINE - 200);
	hand_end(&hand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_segment_sent_and_arrived), cmocka_unit_test(flags_have_an_order),
		cmocka_unit_test(a_lost_retransmission_with_sack), cmocka_unit_test(other_events),
		cmocka_unit_test(the_end_counts), cmocka_unit_test(the_longest_line_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
