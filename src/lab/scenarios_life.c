/* Scenarios of an undisturbed life: opening, data, closing, in all their orders. */
#include "lab/scenarios.h"

/* ---- opening ---- */

static const struct lab_step listens[] = {
	{ .act = LAB_LISTEN },
	{ .when = LAB_ACCEPTED, .act = LAB_WAIT },
	{ .act = LAB_END },
};

static const struct lab_step opens[] = {
	{ .act = LAB_OPEN },
	{ .when = LAB_CONNECTED, .act = LAB_WAIT },
	{ .act = LAB_END },
};

static const struct lab_expectation opened[] = {
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_SYN_SENT, TERN_STATE_ESTABLISHED, 0 },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_LISTEN, TERN_STATE_SYN_RECEIVED, 0 },
	{ LAB_FINAL, LAB_CLIENT, TERN_STATE_ESTABLISHED, 0, 0 },
	{ LAB_FINAL, LAB_SERVER, TERN_STATE_ESTABLISHED, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_open = {
	.name = "open",
	.line = { "three segments open a connection: SYN, SYN-ACK, ACK", "三个报文段打开一个连接：SYN、SYN-ACK、ACK" },
	.program = { opens, listens },
	.expect = opened,
};

/* ---- the whole of it ---- */

static const struct lab_step asks[] = {
	{ .act = LAB_OPEN },
	{ .when = LAB_CONNECTED, .after = 20 * MS, .act = LAB_SEND, .n = LAB_ALL },
	{ .when = LAB_RECEIVED, .of = LAB_ALL, .after = 30 * MS, .act = LAB_SHUTDOWN },
	{ .when = LAB_PEER_CLOSED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_step answers[] = {
	{ .act = LAB_LISTEN },
	{ .when = LAB_ACCEPTED, .act = LAB_WAIT },
	{ .when = LAB_RECEIVED, .of = LAB_ALL, .act = LAB_SEND, .n = LAB_ALL },
	{ .when = LAB_PEER_CLOSED, .after = 30 * MS, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

const struct lab_expectation lab_client_closed_first[] = {
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_SYN_SENT, TERN_STATE_ESTABLISHED, 0 },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_SYN_RECEIVED, TERN_STATE_ESTABLISHED, 0 },
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_ESTABLISHED, TERN_STATE_FIN_WAIT_1, 0 },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_ESTABLISHED, TERN_STATE_CLOSE_WAIT, 0 },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_CLOSE_WAIT, TERN_STATE_LAST_ACK, 0 },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_LAST_ACK, TERN_STATE_CLOSED, 1 + TERN_WHY_OUR_FIN_ACKED },
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_TIME_WAIT, TERN_STATE_CLOSED, 1 + TERN_WHY_TWO_MSL },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_connection = {
	.name = "connection",
	.line = { "the whole life: three segments open, data both ways, four close",
		  "完整的一生：三次握手打开，双向传数据，四次挥手关闭" },
	.program = { asks, answers },
	.expect = lab_client_closed_first,
};

/* ---- closing ---- */

const struct lab_scenario lab_close = {
	.name = "close",
	.line = { "four segments close a connection: FIN, ACK, FIN, ACK; then 2MSL of silence",
		  "四个报文段关闭一个连接：FIN、ACK、FIN、ACK；然后静默 2MSL" },
	.program = { lab_opens_and_closes, lab_closes_later },
	.expect = lab_client_closed_first,
};

static const struct lab_step asks_and_listens[] = {
	{ .act = LAB_OPEN },
	{ .when = LAB_CONNECTED, .after = 5 * MS, .act = LAB_SEND, .n = 100 },
	{ .act = LAB_SHUTDOWN },
	{ .when = LAB_PEER_CLOSED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_step answers_at_length[] = {
	{ .act = LAB_LISTEN },
	{ .when = LAB_ACCEPTED, .act = LAB_WAIT },
	{ .when = LAB_PEER_CLOSED, .after = 50 * MS, .act = LAB_SEND, .n = LAB_ALL },
	{ .after = 100 * MS, .act = LAB_SEND, .n = LAB_ALL },
	{ .after = 100 * MS, .act = LAB_SEND, .n = LAB_ALL },
	{ .after = 50 * MS, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_expectation half_closed[] = {
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_FIN_WAIT_1, TERN_STATE_FIN_WAIT_2, 0 },
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_FIN_WAIT_2, TERN_STATE_TIME_WAIT, 0 },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_CLOSE_WAIT, TERN_STATE_LAST_ACK, 0 },
	{ LAB_FINAL, LAB_CLIENT, TERN_STATE_CLOSED, 0, 0 },
	{ LAB_FINAL, LAB_SERVER, TERN_STATE_CLOSED, 0, 0 },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_half_close = {
	.name = "half-close",
	.line = { "a FIN ends one direction only: the other goes on for as long as it likes",
		  "FIN 只结束一个方向：另一个方向想传多久就传多久" },
	.program = { asks_and_listens, answers_at_length },
	.expect = half_closed,
};

static const struct lab_step closes_at_once[] = {
	{ .act = LAB_LISTEN },
	{ .when = LAB_ACCEPTED, .act = LAB_WAIT },
	{ .when = LAB_PEER_CLOSED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_expectation closed_by_three[] = {
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_FIN_WAIT_1, TERN_STATE_TIME_WAIT, 1 + TERN_WHY_FIN_AND_ACK_ARRIVED },
	{ LAB_ROLE, LAB_SERVER, ROLE_FIN_AND_ACK, 1, 0 },
	{ LAB_FINAL, LAB_CLIENT, TERN_STATE_CLOSED, 0, 0 },
	{ LAB_FINAL, LAB_SERVER, TERN_STATE_CLOSED, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_three_segment_close = {
	.name = "three-segment-close",
	.line = { "where the other side has finished already, ACK and FIN share a segment",
		  "若对方也已发完，ACK 与 FIN 合为一个报文段" },
	.program = { lab_opens_and_closes, closes_at_once },
	.expect = closed_by_three,
};

static const struct lab_step waits_for_the_end[] = {
	{ .act = LAB_OPEN },
	{ .when = LAB_PEER_CLOSED, .after = 5 * MS, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_step speaks_and_closes[] = {
	{ .act = LAB_LISTEN },
	{ .when = LAB_ACCEPTED, .after = 5 * MS, .act = LAB_SEND, .n = LAB_ALL },
	{ .act = LAB_SHUTDOWN },
	{ .when = LAB_PEER_CLOSED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_expectation server_closed_first[] = {
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_ESTABLISHED, TERN_STATE_FIN_WAIT_1, 0 },
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_CLOSE_WAIT, TERN_STATE_LAST_ACK, 0 },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_TIME_WAIT, TERN_STATE_CLOSED, 1 + TERN_WHY_TWO_MSL },
	{ LAB_FINAL, LAB_CLIENT, TERN_STATE_CLOSED, 0, 0 },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_server_closes_first = {
	.name = "server-closes-first",
	.line = { "either side may close first; who does so keeps TIME-WAIT",
		  "任何一方都可以先关闭；先关闭的一方停留在 TIME-WAIT" },
	.program = { waits_for_the_end, speaks_and_closes },
	.expect = server_closed_first,
};

/* ---- both at once ---- */

static const struct lab_step opens_to_the_other[] = {
	{ .act = LAB_OPEN, .n = LAB_CLIENT_PORT },
	{ .when = LAB_CONNECTED, .after = 5 * MS, .act = LAB_SEND, .n = LAB_ALL },
	{ .when = LAB_RECEIVED, .of = LAB_ALL, .after = 30 * MS, .act = LAB_WAIT },
	{ .act = LAB_END },
};

static const struct lab_expectation opened_simultaneously[] = {
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_SYN_SENT, TERN_STATE_SYN_RECEIVED, 0 },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_SYN_SENT, TERN_STATE_SYN_RECEIVED, 0 },
	{ LAB_FINAL, LAB_CLIENT, TERN_STATE_ESTABLISHED, 0, 0 },
	{ LAB_FINAL, LAB_SERVER, TERN_STATE_ESTABLISHED, 0, 0 },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_simultaneous_open = {
	.name = "simultaneous-open",
	.line = { "both open at once: the SYNs cross, and one connection comes of it",
		  "双方同时打开：两个 SYN 相遇，结果是一个连接" },
	.program = { opens_to_the_other, opens_to_the_other },
	.expect = opened_simultaneously,
};

static const struct lab_step closes_at_100[] = {
	{ .act = LAB_OPEN },
	{ .when = LAB_AT, .of = 100 * MS, .act = LAB_SHUTDOWN },
	{ .when = LAB_PEER_CLOSED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_step closes_at_100_too[] = {
	{ .act = LAB_LISTEN },
	{ .when = LAB_ACCEPTED, .act = LAB_WAIT },
	{ .when = LAB_AT, .of = 100 * MS, .act = LAB_SHUTDOWN },
	{ .when = LAB_PEER_CLOSED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_expectation closed_simultaneously[] = {
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_FIN_WAIT_1, TERN_STATE_CLOSING, 0 },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_FIN_WAIT_1, TERN_STATE_CLOSING, 0 },
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_CLOSING, TERN_STATE_TIME_WAIT, 0 },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_CLOSING, TERN_STATE_TIME_WAIT, 0 },
	{ LAB_FINAL, LAB_CLIENT, TERN_STATE_CLOSED, 0, 0 },
	{ LAB_FINAL, LAB_SERVER, TERN_STATE_CLOSED, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_simultaneous_close = {
	.name = "simultaneous-close",
	.line = { "both close at once: the FINs cross, both pass CLOSING and keep TIME-WAIT",
		  "双方同时关闭：两个 FIN 相遇，双方都经 CLOSING 进入 TIME-WAIT" },
	.program = { closes_at_100, closes_at_100_too },
	.expect = closed_simultaneously,
};

/* ---- by RST ---- */

static const struct lab_step opens_in_vain[] = {
	{ .act = LAB_OPEN },
	{ .when = LAB_ENDED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_step does_nothing[] = {
	{ .act = LAB_END },
};

static const struct lab_expectation refused[] = {
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_SYN_SENT, TERN_STATE_CLOSED, 1 + TERN_WHY_REFUSED },
	{ LAB_VERDICT, LAB_SERVER, TERN_VERDICT_NO_CONNECTION, 1, 0 },
	{ LAB_ROLE, LAB_SERVER, ROLE_REFUSAL, 1, 0 },
	{ LAB_ERROR, LAB_CLIENT, TERN_ECONNREFUSED, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_refused = {
	.name = "refused",
	.line = { "nobody listens: the SYN is answered with RST", "无人监听：SYN 得到的回答是 RST" },
	.program = { opens_in_vain, does_nothing },
	.expect = refused,
};

static const struct lab_step aborts[] = {
	{ .act = LAB_OPEN },
	{ .when = LAB_CONNECTED, .after = 5 * MS, .act = LAB_SEND, .n = LAB_ALL },
	{ .when = LAB_DRAINED, .after = 50 * MS, .act = LAB_ABORT },
	{ .act = LAB_END },
};

static const struct lab_step is_reset[] = {
	{ .act = LAB_LISTEN },
	{ .when = LAB_ACCEPTED, .act = LAB_WAIT },
	{ .when = LAB_ENDED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_expectation aborted[] = {
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_ESTABLISHED, TERN_STATE_CLOSED, 1 + TERN_WHY_ABORT_CALLED },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_ESTABLISHED, TERN_STATE_CLOSED, 1 + TERN_WHY_RST_ARRIVED },
	{ LAB_ERROR, LAB_SERVER, TERN_ECONNRESET, 0, 0 },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_abort = {
	.name = "abort",
	.line = { "one side aborts: RST ends both at once, without TIME-WAIT",
		  "一方中止：RST 立即结束双方，没有 TIME-WAIT" },
	.program = { aborts, is_reset },
	.expect = aborted,
};
