/* Scenarios of a network that loses, delays and repeats. */
#include "lab/scenarios.h"

/* ---- one of the seven is lost ---- */

/* No data, so that the numbers of the packets are known: the client sends SYN, ACK, FIN, ACK; the server
 * SYN-ACK, ACK, FIN. */

const struct lab_scenario lab_lost_syn = {
	.name = "lost-syn",
	.line = { "segment 1 is lost: the client sends its SYN again",
		  "第 1 个报文段丢失：客户端重发 SYN" },
	.program = { lab_opens_and_closes, lab_closes_later },
	.expect = lab_client_closed_first,
	.drop = { [LAB_CLIENT] = { 1 } },
};

const struct lab_scenario lab_lost_syn_ack = {
	.name = "lost-syn-ack",
	.line = { "segment 2 is lost: SYN or SYN-ACK come again, whichever time-out is first",
		  "第 2 个报文段丢失：谁先超时谁重发，SYN 或 SYN-ACK" },
	.program = { lab_opens_and_closes, lab_closes_later },
	.expect = lab_client_closed_first,
	.drop = { [LAB_SERVER] = { 1 } },
};

/* The server speaks first: nothing of the client's tells it that segment 3 was sent. */
static const struct lab_step hears_first[] = {
	{ .act = LAB_OPEN },
	{ .when = LAB_RECEIVED, .of = LAB_ALL, .after = 5 * MS, .act = LAB_SHUTDOWN },
	{ .when = LAB_PEER_CLOSED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_step speaks_first[] = {
	{ .act = LAB_LISTEN },
	{ .when = LAB_ACCEPTED, .act = LAB_SEND, .n = LAB_ALL },
	{ .when = LAB_PEER_CLOSED, .after = 5 * MS, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

const struct lab_scenario lab_lost_ack_of_syn = {
	.name = "lost-ack-of-syn",
	.line = { "segment 3 is lost: only one side is ESTABLISHED until the SYN-ACK comes again",
		  "第 3 个报文段丢失：在 SYN-ACK 重发之前，只有一方是 ESTABLISHED" },
	.program = { hears_first, speaks_first },
	.expect = lab_client_closed_first,
	.drop = { [LAB_CLIENT] = { 2 } },
};

static const struct lab_expectation fin_came_again[] = {
	{ LAB_LOST, LAB_CLIENT, 0, 0, 0 },
	{ LAB_RETRANSMIT, LAB_CLIENT, TERN_RETRANSMIT_TAIL_PROBE, 1, 0 },
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_FIN_WAIT_1, TERN_STATE_FIN_WAIT_2, 0 },
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_TIME_WAIT, TERN_STATE_CLOSED, 1 + TERN_WHY_TWO_MSL },
	{ LAB_FINAL, LAB_SERVER, TERN_STATE_CLOSED, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_lost_fin = {
	.name = "lost-fin",
	.line = { "segment 4 is lost: the FIN comes again, as any octet would",
		  "第 4 个报文段丢失：FIN 像任何数据一样重发" },
	.program = { lab_opens_and_closes, lab_closes_later },
	.expect = fin_came_again,
	.drop = { [LAB_CLIENT] = { 3 } },
};

static const struct lab_expectation last_ack_came_again[] = {
	{ LAB_LOST, LAB_CLIENT, 0, 0, 0 },
	{ LAB_RETRANSMIT, LAB_SERVER, TERN_RETRANSMIT_TAIL_PROBE, 1, 0 },
	{ LAB_VERDICT, LAB_CLIENT, TERN_VERDICT_TIME_WAIT, 1, 0 },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_LAST_ACK, TERN_STATE_CLOSED, 1 + TERN_WHY_OUR_FIN_ACKED },
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_TIME_WAIT, TERN_STATE_CLOSED, 1 + TERN_WHY_TWO_MSL },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_lost_last_ack = {
	.name = "lost-last-ack",
	.line = { "segment 7 is lost: the FIN comes again, TIME-WAIT answers it and starts over",
		  "第 7 个报文段丢失：FIN 重发，TIME-WAIT 再次应答并重新计时" },
	.program = { lab_opens_and_closes, lab_closes_later },
	.expect = last_ack_came_again,
	.drop = { [LAB_CLIENT] = { 4 } },
};

/* ---- data ---- */

static const struct lab_expectation sent_again[] = {
	{ LAB_LOST, LAB_CLIENT, 0, 0, 0 },
	{ LAB_VERDICT, LAB_SERVER, TERN_VERDICT_OUT_OF_ORDER, 1, 0 },
	{ LAB_RETRANSMIT, LAB_CLIENT, TERN_RETRANSMIT_RACK, 1, 0 },
	{ LAB_FINAL, LAB_CLIENT, TERN_STATE_CLOSED, 0, 0 },
	{ LAB_FINAL, LAB_SERVER, TERN_STATE_CLOSED, 0, 0 },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_retransmission = {
	.name = "retransmission",
	.line = { "a segment of data is lost; duplicate ACKs tell of it, and it is sent again at once",
		  "一个数据报文段丢失；重复 ACK 报告了它，于是立即重发" },
	.program = { lab_uploads, lab_closes_later },
	.expect = sent_again,
	.bytes = 14600,
	.rate = 10 * MBIT,
	.drop = { [LAB_CLIENT] = { 5 } },
};

static const struct lab_expectation came_out_of_order[] = {
	{ LAB_VERDICT, LAB_SERVER, TERN_VERDICT_OUT_OF_ORDER, 1, 0 },
	{ LAB_FINAL, LAB_CLIENT, TERN_STATE_CLOSED, 0, 0 },
	{ LAB_FINAL, LAB_SERVER, TERN_STATE_CLOSED, 0, 0 },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_reordering = {
	.name = "reordering",
	.line = { "data arrives out of order: it is held, and the program reads it in order",
		  "数据乱序到达：先存起来，程序读到的仍是原来的顺序" },
	.program = { lab_uploads, lab_closes_later },
	.expect = came_out_of_order,
	.bytes = 29200,
	.rate = 10 * MBIT,
	.reorder = 0.3,
	.reorder_by = 2,
};

/* ---- the past comes back ---- */

static const struct lab_step haunted[] = {
	{ .act = LAB_OLD_SYN },
	{ .when = LAB_AT, .of = 50 * MS, .act = LAB_OPEN, .n = LAB_CLIENT_PORT },
	{ .when = LAB_CONNECTED, .after = 5 * MS, .act = LAB_SEND, .n = LAB_ALL },
	{ .when = LAB_DRAINED, .after = 5 * MS, .act = LAB_SHUTDOWN },
	{ .when = LAB_PEER_CLOSED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_expectation survived_old_syn[] = {
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_LISTEN, TERN_STATE_SYN_RECEIVED, 0 },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_SYN_RECEIVED, TERN_STATE_LISTEN, 1 + TERN_WHY_RST_ARRIVED },
	{ LAB_VERDICT, LAB_CLIENT, TERN_VERDICT_NO_CONNECTION, 1, 0 },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_SYN_RECEIVED, TERN_STATE_ESTABLISHED, 0 },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_LAST_ACK, TERN_STATE_CLOSED, 0 },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_old_duplicate_syn = {
	.name = "old-duplicate-syn",
	.line = { "an old SYN comes out of the network: why two segments would not do to open",
		  "网络中冒出一个旧的 SYN：为什么两次握手不够" },
	.program = { haunted, lab_closes_later },
	.expect = survived_old_syn,
};

static const struct lab_step opens_twice[] = {
	{ .act = LAB_OPEN, .n = LAB_CLIENT_PORT },
	{ .when = LAB_PEER_CLOSED, .after = 5 * MS, .act = LAB_CLOSE },
	{ .after = 500 * MS, .act = LAB_OPEN, .n = LAB_CLIENT_PORT },
	{ .when = LAB_PEER_CLOSED, .after = 5 * MS, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_step serves_twice[] = {
	{ .act = LAB_LISTEN },
	{ .when = LAB_ACCEPTED, .after = 5 * MS, .act = LAB_SEND, .n = LAB_ALL },
	{ .act = LAB_SHUTDOWN },
	{ .when = LAB_PEER_CLOSED, .act = LAB_CLOSE },
	{ .when = LAB_ACCEPTED, .after = 5 * MS, .act = LAB_SEND, .n = LAB_ALL },
	{ .act = LAB_SHUTDOWN },
	{ .when = LAB_PEER_CLOSED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_expectation reused[] = {
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_TIME_WAIT, TERN_STATE_CLOSED, 1 + TERN_WHY_TIME_WAIT_REUSED },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_TIME_WAIT, TERN_STATE_CLOSED, 1 + TERN_WHY_TWO_MSL },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_time_wait_reuse = {
	.name = "time-wait-reuse",
	.line = { "a new SYN that is plainly newer may take the place of TIME-WAIT",
		  "明显更新的 SYN 可以取代处于 TIME-WAIT 的旧连接" },
	.program = { opens_twice, serves_twice },
	.expect = reused,
};
