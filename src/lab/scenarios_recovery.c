/* Scenarios of loss recovery and congestion control: how a sender finds out what was lost, how it repairs it, and
 * how much it dares to send. */
#include "lab/scenarios.h"

static const struct lab_step uploads_without_delay[] = {
	{ .act = LAB_OPEN },
	{ .when = LAB_CONNECTED, .act = LAB_SET, .option = TERN_NODELAY, .n = 1 },
	{ .after = 5 * MS, .act = LAB_SEND, .n = LAB_ALL },
	{ .when = LAB_DRAINED, .after = 5 * MS, .act = LAB_SHUTDOWN },
	{ .when = LAB_PEER_CLOSED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

/* ---- finding out ---- */

static const struct lab_expectation sent_again_at_once[] = {
	{ LAB_LOST, LAB_CLIENT, 0, 0, 0 },
	{ LAB_RETRANSMIT, LAB_CLIENT, TERN_RETRANSMIT_FAST, 1, 0 },
	{ LAB_CONGESTION, LAB_CLIENT, TERN_CONGESTION_RECOVERY_ENTER, 1, 0 },
	{ LAB_CONGESTION, LAB_CLIENT, TERN_CONGESTION_RECOVERY_EXIT, 1, 0 },
	{ LAB_NO_TIMEOUT, LAB_CLIENT, 0, 0, 0 },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_fast_retransmit = {
	.name = "fast-retransmit",
	.line = { "without SACK: the third duplicate ACK says that a segment is lost",
		  "没有 SACK：第三个重复 ACK 说明一个报文段丢失了" },
	.program = { lab_uploads, lab_closes_later },
	.expect = sent_again_at_once,
	.bytes = 14600,
	.rate = 10 * MBIT,
	.drop = { [LAB_CLIENT] = { 5 } },
	.no_sack = true,
};

/* With SACK it is time that tells, not a count (RFC 8985). */
static const struct lab_expectation named_by_sack[] = {
	{ LAB_LOST, LAB_CLIENT, 0, 0, 0 },
	{ LAB_RETRANSMIT, LAB_CLIENT, TERN_RETRANSMIT_RACK, 3, 0 },
	{ LAB_CONGESTION, LAB_CLIENT, TERN_CONGESTION_RECOVERY_ENTER, 1, 0 },
	{ LAB_CONGESTION, LAB_CLIENT, TERN_CONGESTION_RECOVERY_EXIT, 1, 0 },
	{ LAB_NO_TIMEOUT, LAB_CLIENT, 0, 0, 0 },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_sack_recovery = {
	.name = "sack-recovery",
	.line = { "three segments of one window are lost: SACK names the holes, all are repaired in one round trip",
		  "同一窗口内丢失三个报文段：SACK 指出缺口，一个往返时间内全部补上" },
	.program = { lab_uploads, lab_closes_later },
	.expect = named_by_sack,
	.bytes = 14600,
	.rate = 10 * MBIT,
	.drop = { [LAB_CLIENT] = { 4, 6, 8 } },
};

static const struct lab_expectation probed[] = {
	{ LAB_LOST, LAB_CLIENT, 0, 0, 0 },
	{ LAB_TIMER, LAB_CLIENT, TERN_TIMER_PROBE, 1, 0 },
	{ LAB_RETRANSMIT, LAB_CLIENT, TERN_RETRANSMIT_TAIL_PROBE, 1, 0 },
	{ LAB_NO_TIMEOUT, LAB_CLIENT, 0, 0, 0 },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_tail_loss_probe = {
	.name = "tail-loss-probe",
	.line = { "the last segment is lost, and nothing follows that could tell: a probe asks before the time-out",
		  "最后一个报文段丢失，后面再没有数据能报告它：尾部丢失探测先于超时" },
	.program = { uploads_without_delay, lab_closes_later },
	.expect = probed,
	.bytes = 13100, /* ten segments over IPv4 and IPv6, the last one short */
	.rate = 10 * MBIT,
	.drop = { [LAB_CLIENT] = { 12 } },
};

/* ---- being wrong ---- */

/* What the server sends is late for a while: nothing is lost, but the client's timer ends. */
static const struct lab_step stalls[] = {
	{ .act = LAB_LISTEN },
	{ .when = LAB_ACCEPTED, .act = LAB_WAIT },
	{ .when = LAB_RECEIVED, .of = 5 * 1448, .act = LAB_DELAY, .n = 600 * MS },
	{ .after = 15 * MS, .act = LAB_DELAY },
	{ .when = LAB_PEER_CLOSED, .after = 5 * MS, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_expectation undone[] = {
	{ LAB_TIMER, LAB_CLIENT, TERN_TIMER_RETRANSMIT, 1, 0 },
	{ LAB_RETRANSMIT, LAB_CLIENT, TERN_RETRANSMIT_TIMEOUT, 1, 0 },
	{ LAB_CONGESTION, LAB_CLIENT, TERN_CONGESTION_TIMEOUT, 1, 0 },
	{ LAB_CONGESTION, LAB_CLIENT, TERN_CONGESTION_UNDO, 1, 0 },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_spurious_rto_undone = {
	.name = "spurious-rto-undone",
	.line = { "ACKs are late, not lost: the time-out was a mistake, which the sender sees and takes back",
		  "ACK 只是迟到而没有丢失：发送方发现超时是误判，并撤销它" },
	.program = { lab_uploads, stalls },
	.expect = undone,
	.bytes = 60000,
	.rate = 10 * MBIT,
};

static const struct lab_expectation found_the_hole[] = {
	{ LAB_LOST, LAB_CLIENT, 0, 0, 0 },
	{ LAB_NOTE, LAB_CLIENT, TERN_NOTE_BLACK_HOLE, 0, 0 },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_path_mtu_black_hole = {
	.name = "path-mtu-black-hole",
	.line = { "a router drops what is too big and does not say so: time-outs tell, smaller segments get through",
		  "路由器丢弃过大的分组却不通知：超时暴露了黑洞，改用较小的报文段便能通过" },
	.program = { lab_uploads, lab_closes_later },
	.expect = found_the_hole,
	.bytes = 30000,
	.rate = 10 * MBIT,
	.black_hole = 1400,
};

/* ---- being told ---- */

static const struct lab_expectation made_way[] = {
	{ LAB_NOTE, LAB_CLIENT, TERN_NOTE_ECN_AGREED, 0, 0 },
	{ LAB_NOTE, LAB_SERVER, TERN_NOTE_CE_RECEIVED, 0, 0 },
	{ LAB_CONGESTION, LAB_CLIENT, TERN_CONGESTION_ECN, 1, 0 },
	{ LAB_NO_TIMEOUT, LAB_CLIENT, 0, 0, 0 },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_ecn = {
	.name = "ecn",
	.line = { "the queue marks packets instead of dropping them: the sender makes way, and nothing is lost",
		  "队列给分组打标记而不丢弃：发送方让路，没有任何丢失" },
	.program = { lab_uploads, lab_closes_later },
	.expect = made_way,
	.bytes = 60000,
	.rate = 10 * MBIT,
	.ce_threshold = 8 * MS,
	.ecn = TERN_ECN_ON,
};

/* ---- how much ---- */

static const struct lab_expectation left_slow_start[] = {
	{ LAB_CONGESTION, LAB_CLIENT, TERN_CONGESTION_SLOW_START_EXIT, 1, 0 },
	{ LAB_NO_TIMEOUT, LAB_CLIENT, 0, 0, 0 },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_slow_start = {
	.name = "slow-start",
	.line = { "the window doubles each round trip, until the queue begins to grow (HyStart++)",
		  "窗口每个往返时间翻倍，直到队列开始增长（HyStart++）" },
	.program = { lab_uploads, lab_closes_later },
	.expect = left_slow_start,
	.bytes = 5000000,
	.delay = 25 * MS,
	.rate = 20 * MBIT,
	.cc = "cubic",
};

static const struct lab_expectation grew_and_shrank[] = {
	{ LAB_CONGESTION, LAB_CLIENT, TERN_CONGESTION_RECOVERY_ENTER, 2, 0 },
	{ LAB_CONGESTION, LAB_CLIENT, TERN_CONGESTION_RECOVERY_EXIT, 2, 0 },
	{ LAB_NO_TIMEOUT, LAB_CLIENT, 0, 0, 0 },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_cubic = {
	.name = "cubic",
	.line = { "the saw of CUBIC: fast towards where loss was, slow around it, then further (see --plot)",
		  "CUBIC 的锯齿：先快速逼近上次丢失的窗口，在附近放慢，然后继续探索（见 --plot）" },
	.program = { lab_uploads, lab_closes_later },
	.expect = grew_and_shrank,
	.bytes = 6000000,
	.delay = 20 * MS,
	.rate = 10 * MBIT,
	.limit = 35,
	.cc = "cubic",
};

static const struct lab_expectation kept_the_queue_short[] = {
	{ LAB_NO_TIMEOUT, LAB_CLIENT, 0, 0, 0 },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

const struct lab_scenario lab_bbr = {
	.name = "bbr",
	.line = { "BBR looks for the path's rate and round trip, and paces: the queue stays short (see --plot)",
		  "BBR 测量路径的速率和往返时间并据此匀速发送：队列保持很短（见 --plot）" },
	.program = { lab_uploads, lab_closes_later },
	.expect = kept_the_queue_short,
	.bytes = 6000000,
	.delay = 20 * MS,
	.rate = 10 * MBIT,
	.limit = 130,
	.cc = "bbr",
};
