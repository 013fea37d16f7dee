/* Scenarios of peers that are full, gone, hostile or slow. */
#include "lab/scenarios.h"

/* ---- syn-flood ---- */

static const struct lab_step floods_then_opens[] = {
	{ .after = MS, .act = LAB_FLOOD },
	{ .after = MS, .act = LAB_FLOOD },
	{ .after = MS, .act = LAB_FLOOD },
	{ .after = MS, .act = LAB_FLOOD },
	{ .after = MS, .act = LAB_FLOOD },
	{ .after = MS, .act = LAB_FLOOD },
	{ .when = LAB_AT, .of = 50 * MS, .act = LAB_OPEN },
	{ .when = LAB_CONNECTED, .after = 5 * MS, .act = LAB_SEND, .n = LAB_ALL },
	{ .when = LAB_DRAINED, .after = 5 * MS, .act = LAB_SHUTDOWN },
	{ .when = LAB_PEER_CLOSED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_expectation withstood[] = {
	{ LAB_VERDICT, LAB_SERVER, TERN_VERDICT_NEW_CONNECTION, 4, 0 },
	{ LAB_VERDICT, LAB_SERVER, TERN_VERDICT_COOKIE_SENT, 3, 0 },
	{ LAB_NOTE, LAB_SERVER, TERN_NOTE_COOKIES_ON, 0, 0 },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_SYN_RECEIVED, TERN_STATE_ESTABLISHED, 0 },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_LAST_ACK, TERN_STATE_CLOSED, 0 },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_syn_flood = {
	.name = "syn-flood",
	.line = { "more SYNs than the listener keeps entries for: SYN cookies let the honest one in",
		  "SYN 多到监听者记不下：SYN cookie 仍让真正的客户进来" },
	.program = { floods_then_opens, lab_closes_later },
	.expect = withstood,
	.backlog = 4,
	.syn_ack_retries = 1,
};

/* ---- zero-window ---- */

static const struct lab_step reads_late[] = {
	{ .act = LAB_LISTEN },
	{ .act = LAB_STOP_READING },
	{ .when = LAB_ACCEPTED, .act = LAB_WAIT },
	{ .when = LAB_AT, .of = 5 * S, .act = LAB_READ },
	{ .when = LAB_PEER_CLOSED, .after = 5 * MS, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_expectation probed[] = {
	{ LAB_NOTE, LAB_CLIENT, TERN_NOTE_ZERO_WINDOW_RECEIVED, 0, 0 },
	{ LAB_TIMER, LAB_CLIENT, TERN_TIMER_PERSIST, 2, 0 },
	{ LAB_ROLE, LAB_CLIENT, ROLE_WINDOW_PROBE, 2, 0 },
	{ LAB_FINAL, LAB_CLIENT, TERN_STATE_CLOSED, 0, 0 },
	{ LAB_FINAL, LAB_SERVER, TERN_STATE_CLOSED, 0, 0 },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_zero_window = {
	.name = "zero-window",
	.line = { "the receiver stops reading: its window closes, and the sender probes until it opens",
		  "接收方停止读取：窗口关闭，发送方不断探测直到它重新打开" },
	.program = { lab_uploads, reads_late },
	.expect = probed,
	.bytes = 12000,
	.rate = 10 * MBIT,
	.receive_buffer = 8192,
};

/* ---- gone ---- */

static const struct lab_step asks_the_void[] = {
	{ .act = LAB_OPEN },
	{ .when = LAB_AT, .of = 200 * MS, .act = LAB_SEND, .n = LAB_ALL },
	{ .when = LAB_ENDED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_step vanishes[] = {
	{ .act = LAB_LISTEN },
	{ .when = LAB_ACCEPTED, .act = LAB_WAIT },
	{ .when = LAB_AT, .of = 100 * MS, .act = LAB_VANISH },
	{ .act = LAB_END },
};

static const struct lab_expectation given_up[] = {
	{ LAB_RETRANSMIT, LAB_CLIENT, TERN_RETRANSMIT_TIMEOUT, 4, 0 },
	{ LAB_NOTE, LAB_CLIENT, TERN_NOTE_R1, 0, 0 },
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_ESTABLISHED, TERN_STATE_CLOSED, 1 + TERN_WHY_R2 },
	{ LAB_ERROR, LAB_CLIENT, TERN_ETIMEDOUT, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_peer_vanishes = {
	.name = "peer-vanishes",
	.line = { "the other host is gone: data is sent again, ever more slowly, until R2",
		  "对方主机消失：数据越来越慢地重发，直到 R2 放弃" },
	.program = { asks_the_void, vanishes },
	.expect = given_up,
	.r2 = 100 * S,
};

static const struct lab_step keeps_alive[] = {
	{ .act = LAB_OPEN },
	{ .when = LAB_CONNECTED, .act = LAB_SET, .option = TERN_KEEPALIVE_IDLE, .n = 10 },
	{ .act = LAB_SET, .option = TERN_KEEPALIVE_INTERVAL, .n = 5 },
	{ .act = LAB_SET, .option = TERN_KEEPALIVE_PROBES, .n = 3 },
	{ .act = LAB_SET, .option = TERN_KEEPALIVE, .n = 1 },
	{ .when = LAB_ENDED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_step vanishes_later[] = {
	{ .act = LAB_LISTEN },
	{ .when = LAB_ACCEPTED, .act = LAB_WAIT },
	{ .when = LAB_AT, .of = 25 * S, .act = LAB_VANISH },
	{ .act = LAB_END },
};

static const struct lab_expectation found_dead[] = {
	{ LAB_TIMER, LAB_CLIENT, TERN_TIMER_KEEPALIVE, 5, 0 },
	{ LAB_ROLE, LAB_CLIENT, ROLE_KEEPALIVE, 5, 0 },
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_ESTABLISHED, TERN_STATE_CLOSED, 1 + TERN_WHY_KEEPALIVE },
	{ LAB_ERROR, LAB_CLIENT, TERN_ETIMEDOUT, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_keep_alive = {
	.name = "keep-alive",
	.line = { "an idle connection is probed; while the peer lives it answers, then it does not",
		  "空闲连接被探测；对方还在就会应答，后来不再应答" },
	.program = { keeps_alive, vanishes_later },
	.expect = found_dead,
};

static const struct lab_step is_impatient[] = {
	{ .act = LAB_OPEN },
	{ .when = LAB_CONNECTED, .act = LAB_SET, .option = TERN_USER_TIMEOUT, .n = 5000 },
	{ .when = LAB_AT, .of = 200 * MS, .act = LAB_SEND, .n = LAB_ALL },
	{ .when = LAB_ENDED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_expectation timed_out[] = {
	{ LAB_TIMER, LAB_CLIENT, TERN_TIMER_USER, 1, 0 },
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_ESTABLISHED, TERN_STATE_CLOSED, 1 + TERN_WHY_USER_TIMEOUT },
	{ LAB_ERROR, LAB_CLIENT, TERN_ETIMEDOUT, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_user_timeout = {
	.name = "user-timeout",
	.line = { "the program says how long it will wait: five seconds, then the connection ends",
		  "程序规定了等待的时间：五秒之后连接结束" },
	.program = { is_impatient, vanishes },
	.expect = timed_out,
};

/* The client lets go; the server never closes until it has something to say. */
static const struct lab_step lets_go[] = {
	{ .act = LAB_OPEN },
	{ .when = LAB_CONNECTED, .after = 50 * MS, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_step dawdles[] = {
	{ .act = LAB_LISTEN },
	{ .when = LAB_ACCEPTED, .act = LAB_WAIT },
	{ .when = LAB_AT, .of = 90 * S, .act = LAB_SHUTDOWN },
	{ .when = LAB_ENDED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_expectation orphaned[] = {
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_FIN_WAIT_1, TERN_STATE_FIN_WAIT_2, 0 },
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_FIN_WAIT_2, TERN_STATE_CLOSED, 1 + TERN_WHY_ORPHAN_TIMEOUT },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_LAST_ACK, TERN_STATE_CLOSED, 1 + TERN_WHY_RST_ARRIVED },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_fin_wait_2_orphan = {
	.name = "fin-wait-2-orphan",
	.line = { "the program has let go and the peer never closes: FIN-WAIT-2 ends by time-out",
		  "程序已放手而对方迟迟不关闭：FIN-WAIT-2 超时结束" },
	.program = { lets_go, dawdles },
	.expect = orphaned,
};

/* ---- hostile ---- */

static const struct lab_step is_attacked[] = {
	{ .act = LAB_OPEN, .n = LAB_CLIENT_PORT },
	{ .when = LAB_CONNECTED, .after = 5 * MS, .act = LAB_SEND, .n = LAB_ALL },
	{ .when = LAB_AT, .of = 200 * MS, .act = LAB_BLIND_RST },
	{ .when = LAB_AT, .of = 300 * MS, .act = LAB_BLIND_SYN },
	{ .when = LAB_AT, .of = 400 * MS, .act = LAB_SEND, .n = LAB_ALL },
	{ .when = LAB_DRAINED, .after = 5 * MS, .act = LAB_SHUTDOWN },
	{ .when = LAB_PEER_CLOSED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_expectation challenged[] = {
	{ LAB_VERDICT, LAB_SERVER, TERN_VERDICT_BLIND_RESET, 1, 0 },
	{ LAB_VERDICT, LAB_SERVER, TERN_VERDICT_BLIND_SYN, 1, 0 },
	{ LAB_FINAL, LAB_CLIENT, TERN_STATE_CLOSED, 0, 0 },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_LAST_ACK, TERN_STATE_CLOSED, 1 + TERN_WHY_OUR_FIN_ACKED },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_challenge_ack = {
	.name = "challenge-ack",
	.line = { "somebody forges RST and SYN into the window: both are challenged, nothing ends",
		  "有人向窗口内伪造 RST 和 SYN：都只引来质询 ACK，连接不受影响" },
	.program = { is_attacked, lab_closes_later },
	.expect = challenged,
};

/* ---- and two more of data ---- */

static const struct lab_step sends_urgently[] = {
	{ .act = LAB_OPEN },
	{ .when = LAB_CONNECTED, .after = 5 * MS, .act = LAB_SEND, .n = LAB_ALL },
	{ .after = 50 * MS, .act = LAB_SEND_URGENT, .n = 1 },
	{ .when = LAB_DRAINED, .after = 5 * MS, .act = LAB_SHUTDOWN },
	{ .when = LAB_PEER_CLOSED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_expectation was_urgent[] = {
	{ LAB_NOTE, LAB_SERVER, TERN_NOTE_URGENT, 0, 0 },
	{ LAB_FINAL, LAB_CLIENT, TERN_STATE_CLOSED, 0, 0 },
	{ LAB_FINAL, LAB_SERVER, TERN_STATE_CLOSED, 0, 0 },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_urgent = {
	.name = "urgent",
	.line = { "the urgent pointer marks a place in the stream; the octets stay where they are",
		  "紧急指针标出流中的一个位置；数据仍在原来的顺序里" },
	.program = { sends_urgently, lab_closes_later },
	.expect = was_urgent,
};

static const struct lab_expectation wide_open[] = {
	{ LAB_WINDOW, LAB_SERVER, 65536, 0, 0 },
	{ LAB_FINAL, LAB_CLIENT, TERN_STATE_CLOSED, 0, 0 },
	{ LAB_FINAL, LAB_SERVER, TERN_STATE_CLOSED, 0, 0 },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_window_scale = {
	.name = "window-scale",
	.line = { "a long fat path: 16 bits of window, shifted, keep it full",
		  "又长又宽的路径：16 位的窗口经过移位才能把它填满" },
	.program = { lab_uploads, lab_closes_later },
	.expect = wide_open,
	.bytes = 58400,
	.rate = 10 * MBIT,
	.delay = 100 * MS,
};
