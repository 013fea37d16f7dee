#include "support/hand.h"

enum { CLIENT, SERVER };

void hand_begin(struct hand *hand)
{
	*hand = (struct hand){
		.now = 1000 * TERN_SECOND, /* a clock's zero has no meaning */
		.delay = 10 * TERN_MILLISECOND,
		.iss = { 0xfffffff0u, 5000 },
		.window = { 65535, 65535 },
		.port = { 40000, 80 },
	};
	timeline_init(&hand->timeline, "client", "server");
	for (unsigned host = 0; host < TIMELINE_HOSTS; host++)
		hand->tap[host] = (struct timeline_tap){ &hand->timeline, host };
}

void hand_end(struct hand *hand)
{
	timeline_done(&hand->timeline);
}

static struct tern_addr address(unsigned host)
{
	return (struct tern_addr){ { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = (uint8_t)(host + 1) } };
}

struct tern_watch_event hand_event(const struct hand *hand, unsigned host, enum tern_watch_kind kind)
{
	return (struct tern_watch_event){
		.kind = kind,
		.now = hand->now,
		.tuple = {
			.local = address(host),
			.remote = address(!host),
			.local_port = hand->port[host],
			.remote_port = hand->port[!host],
		},
	};
}

size_t hand_send_as(struct hand *hand, unsigned host, const struct tern_watch_event *event, enum tern_fate fate)
{
	const bool	  lost = fate == TERN_FATE_LOST || fate == TERN_FATE_DROPPED ||
				 fate == TERN_FATE_QUEUE_FULL || fate == TERN_FATE_TOO_BIG;
	const tern_packet packet = { .id = event->u.segment.id };

	timeline_watch(&hand->tap[host], event);
	timeline_fate(&hand->tap[host], hand->packets[host], &packet, fate,
		      lost ? TERN_NEVER : hand->now + hand->delay);
	return hand->timeline.n - 1;
}

static struct tern_watch_event segment(struct hand *hand, unsigned host, unsigned flags, uint32_t rseq, uint32_t rack,
				       uint32_t len)
{
	struct tern_watch_event event = hand_event(hand, host, TERN_WATCH_SEGMENT_TX);

	event.u.segment = (struct tern_watch_segment){
		.id = ++hand->packets[host],
		.seq = hand->iss[host] + rseq,
		.ack = flags & TERN_ACK ? hand->iss[!host] + rack : 0,
		.wnd = hand->window[host],
		.len = len,
		.iss = hand->iss[host],
		.irs = hand->iss[!host],
		.known = true,
		.flags = (uint16_t)flags,
	};
	if (flags & TERN_SYN) {
		event.u.segment.has_mss = event.u.segment.has_wscale = 1;
		event.u.segment.sack_permitted = event.u.segment.has_ts = 1;
		event.u.segment.mss = 1460;
		event.u.segment.wscale = 7;
	}
	return event;
}

size_t hand_send(struct hand *hand, unsigned host, unsigned flags, uint32_t rseq, uint32_t rack, uint32_t len)
{
	const struct tern_watch_event event = segment(hand, host, flags, rseq, rack, len);

	return hand_send_as(hand, host, &event, TERN_FATE_DELIVERED);
}

void hand_arrive(struct hand *hand, size_t sent, enum tern_verdict verdict)
{
	const struct timeline_line line = hand->timeline.lines[sent];
	struct tern_watch_event	   event = hand_event(hand, !line.host, TERN_WATCH_SEGMENT_RX);

	event.u.segment = line.event.u.segment;
	event.u.segment.iss = line.event.u.segment.irs;
	event.u.segment.irs = line.event.u.segment.iss;
	event.u.segment.id = 0;
	event.u.segment.mark = line.nth;
	event.u.segment.retransmitted = false;
	event.u.segment.verdict = (uint8_t)verdict;
	timeline_watch(&hand->tap[!line.host], &event);
}

void hand_state(struct hand *hand, unsigned host, enum tern_state from, enum tern_state to, enum tern_why why)
{
	struct tern_watch_event event = hand_event(hand, host, TERN_WATCH_STATE);

	event.state = to;
	event.u.state.from = from;
	event.u.state.to = to;
	event.u.state.why = why;
	event.u.state.clause = "RFC 9293 3.10.7.4";
	timeline_watch(&hand->tap[host], &event);
}

void hand_timer(struct hand *hand, unsigned host, enum tern_timer timer, enum tern_timer_action action,
		tern_time deadline)
{
	struct tern_watch_event event = hand_event(hand, host, TERN_WATCH_TIMER);

	event.u.timer.timer = timer;
	event.u.timer.action = action;
	event.u.timer.deadline = deadline;
	event.u.timer.count = 1;
	timeline_watch(&hand->tap[host], &event);
}

void hand_call(struct hand *hand, unsigned host, const char *text)
{
	timeline_call(&hand->timeline, host, hand->now, NULL, text);
}

size_t hand_pass(struct hand *hand, unsigned host, unsigned flags, uint32_t rseq, uint32_t rack, uint32_t len,
		 enum tern_verdict verdict)
{
	const size_t sent = hand_send(hand, host, flags, rseq, rack, len);

	hand->now += hand->delay;
	hand_arrive(hand, sent, verdict);
	return sent;
}

void hand_open(struct hand *hand)
{
	hand_call(hand, CLIENT, "connect()");
	hand_state(hand, CLIENT, TERN_STATE_CLOSED, TERN_STATE_SYN_SENT, TERN_WHY_OPEN_ACTIVE);
	hand_pass(hand, CLIENT, TERN_SYN, 0, 0, 0, TERN_VERDICT_NEW_CONNECTION);
	hand_state(hand, SERVER, TERN_STATE_LISTEN, TERN_STATE_SYN_RECEIVED, TERN_WHY_SYN_ARRIVED);
	const size_t second = hand_send(hand, SERVER, TERN_SYN | TERN_ACK, 0, 1, 0);

	hand->now += hand->delay;
	hand_state(hand, CLIENT, TERN_STATE_SYN_SENT, TERN_STATE_ESTABLISHED, TERN_WHY_SYN_ACK_ARRIVED);
	hand_arrive(hand, second, TERN_VERDICT_ACCEPTED);
	const size_t third = hand_send(hand, CLIENT, TERN_ACK, 1, 1, 0);

	hand->now += hand->delay;
	hand_state(hand, SERVER, TERN_STATE_SYN_RECEIVED, TERN_STATE_ESTABLISHED, TERN_WHY_OUR_SYN_ACKED);
	hand_arrive(hand, third, TERN_VERDICT_ACCEPTED);
}

void hand_talk(struct hand *hand)
{
	hand_call(hand, CLIENT, "send 300");
	hand_pass(hand, CLIENT, TERN_PSH | TERN_ACK, 1, 1, 300, TERN_VERDICT_ACCEPTED);
	hand_call(hand, SERVER, "send 1000");
	hand_pass(hand, SERVER, TERN_PSH | TERN_ACK, 1, 301, 1000, TERN_VERDICT_ACCEPTED);
	hand_pass(hand, CLIENT, TERN_ACK, 301, 1001, 0, TERN_VERDICT_ACCEPTED);
}

void hand_close(struct hand *hand)
{
	hand_call(hand, CLIENT, "close()");
	hand_state(hand, CLIENT, TERN_STATE_ESTABLISHED, TERN_STATE_FIN_WAIT_1, TERN_WHY_CLOSE_CALLED);
	const size_t fin = hand_send(hand, CLIENT, TERN_FIN | TERN_ACK, 301, 1001, 0);

	hand->now += hand->delay;
	hand_state(hand, SERVER, TERN_STATE_ESTABLISHED, TERN_STATE_CLOSE_WAIT, TERN_WHY_FIN_ARRIVED);
	hand_arrive(hand, fin, TERN_VERDICT_ACCEPTED);
	const size_t ack = hand_send(hand, SERVER, TERN_ACK, 1001, 302, 0);

	hand->now += hand->delay;
	hand_state(hand, CLIENT, TERN_STATE_FIN_WAIT_1, TERN_STATE_FIN_WAIT_2, TERN_WHY_OUR_FIN_ACKED);
	hand_arrive(hand, ack, TERN_VERDICT_ACCEPTED);
	hand->now += 50 * TERN_MILLISECOND;
	hand_call(hand, SERVER, "close()");
	hand_state(hand, SERVER, TERN_STATE_CLOSE_WAIT, TERN_STATE_LAST_ACK, TERN_WHY_CLOSE_CALLED);
	const size_t second = hand_send(hand, SERVER, TERN_FIN | TERN_ACK, 1001, 302, 0);

	hand->now += hand->delay;
	hand_state(hand, CLIENT, TERN_STATE_FIN_WAIT_2, TERN_STATE_TIME_WAIT, TERN_WHY_FIN_ARRIVED);
	hand_timer(hand, CLIENT, TERN_TIMER_TIME_WAIT, TERN_TIMER_SET, hand->now + 60 * TERN_SECOND);
	hand_arrive(hand, second, TERN_VERDICT_ACCEPTED);
	const size_t last = hand_send(hand, CLIENT, TERN_ACK, 302, 1002, 0);

	hand->now += hand->delay;
	hand_state(hand, SERVER, TERN_STATE_LAST_ACK, TERN_STATE_CLOSED, TERN_WHY_OUR_FIN_ACKED);
	hand_arrive(hand, last, TERN_VERDICT_ACCEPTED);
	hand->now += 60 * TERN_SECOND - hand->delay;
	hand_timer(hand, CLIENT, TERN_TIMER_TIME_WAIT, TERN_TIMER_FIRED, 0);
	hand_state(hand, CLIENT, TERN_STATE_TIME_WAIT, TERN_STATE_CLOSED, TERN_WHY_TWO_MSL);
}
