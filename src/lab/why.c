/* The three questions: why three segments open, why four close, why TIME-WAIT. */
#include "lab/why.h"
#include "lab/scenarios.h"
#include <string.h>

enum { OLD_AT = 20, AGAIN_AT = 200 }; /* milliseconds */

/* ---- three ---- */

static const struct lab_step old_ones_come[] = {
	{ .when = LAB_AT, .of = OLD_AT * MS, .act = LAB_OLD_SYN },
	{ .after = 5 * MS, .act = LAB_OLD_TEXT },
	{ .act = LAB_END },
};

static const struct lab_step listens_and_reads[] = {
	{ .act = LAB_LISTEN },
	{ .when = LAB_ACCEPTED, .act = LAB_WAIT },
	{ .act = LAB_END },
};

static const struct lab_expectation nobody_was_told[] = {
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_LISTEN, TERN_STATE_SYN_RECEIVED, 0 },
	{ LAB_NO_EDGE, LAB_SERVER, TERN_STATE_SYN_RECEIVED, TERN_STATE_ESTABLISHED, 0 },
	{ LAB_VERDICT, LAB_CLIENT, TERN_VERDICT_NO_CONNECTION, 1, 0 },
	{ LAB_RECEIVED_ALL, LAB_SERVER, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

static const struct lab_scenario three_segments = {
	.name = "three-segments",
	.line = { "an old SYN and old text come out of the network; three segments are wanted to open",
		  "旧的 SYN 与旧数据从网络中冒出来；打开需要三个报文段" },
	.program = { old_ones_come, listens_and_reads },
	.expect = nobody_was_told,
};

static const struct lab_expectation fooled[] = {
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_LISTEN, TERN_STATE_ESTABLISHED, 0 },
	{ LAB_STALE, LAB_SERVER, 0, 0, 0 },
	{ LAB_RECEIVED_ALL, LAB_SERVER, 40, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

static const struct lab_scenario two_segments = {
	.name = "two-segments",
	.line = { "the same, with a server whose connection is open as soon as it has seen a SYN",
		  "同样的情形，但服务器一见到 SYN 就认为连接已打开" },
	.program = { old_ones_come, listens_and_reads },
	.expect = fooled,
	.flaw = { [LAB_SERVER] = LAB_TWO_WAY },
};

static const struct lab_picture three_pictures[] = {
	{ &three_segments,
	  { "The server answers, but believes nothing yet: the old SYN proves only that somebody "
	    "once sent it. The client "
	    "knows of no such connection and says so with RST; the server listens again. The old "
	    "text found nobody, and "
	    "the program was never told.",
	    "服务器作了应答，但还什么都不相信：旧的 SYN 只能证明曾有人发过它。客户端不知道有这样一个"
	    "连接，用 RST 说明；"
	    "服务器回到 LISTEN。旧数据没有交给任何人，程序从未被惊动。" },
	  false },
	{ &two_segments,
	  { "With two segments the server has to believe the SYN. Its program accepts a connection "
	    "that nobody opened, and "
	    "reads 40 octets of one that ended long ago; had they said \"pay\", it would have paid. "
	    "The client's RST comes "
	    "too late.",
	    "若只用两个报文段，服务器只好相信 SYN。它的程序接受了一个无人打开的连接，并读入了早已结束"
	    "的连接的 40 个字节；"
	    "倘若内容是“付款”，款就已经付了。客户端的 RST 来得太迟。" },
	  true },
};

static const struct lab_question why_three = {
	.name = "three",
	.asked = { "Why do three segments open a connection, and not two?", "为什么打开连接要三个报文段，而"
	    "不是两个？" },
	.answer = { "Each side has to prove that it hears: the server's ACK proves it for the server, and "
	    "only the third "
		    "segment for the client. Until it is here, a SYN may be a ghost. (RFC 9293 3.5)",
		    "双方都必须证明自己听得见：服务器用它的 ACK 证明，客户端只能用第三个报文段证明。在它到达"
		    "之前，"
		    "一个 SYN 可能只是幽灵。（RFC 9293 3.5）" },
	.pictures = three_pictures,
	.n = sizeof three_pictures / sizeof three_pictures[0],
};

/* ---- four ---- */

static const struct lab_step asks_and_says_so[] = {
	{ .act = LAB_OPEN, .n = LAB_CLIENT_PORT },
	{ .when = LAB_CONNECTED, .after = 5 * MS, .act = LAB_SEND, .n = 100 },
	{ .after = 20 * MS, .act = LAB_SHUTDOWN },
	{ .when = LAB_PEER_CLOSED, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_step answers_in_three_parts[] = {
	{ .act = LAB_LISTEN },
	{ .when = LAB_ACCEPTED, .act = LAB_WAIT },
	{ .when = LAB_RECEIVED, .of = 100, .act = LAB_SEND, .n = 600 },
	{ .after = 40 * MS, .act = LAB_SEND, .n = 600 },
	{ .after = 40 * MS, .act = LAB_SEND, .n = 600 },
	{ .after = 10 * MS, .act = LAB_CLOSE },
	{ .act = LAB_END },
};

static const struct lab_expectation answered_whole[] = {
	{ LAB_EDGE, LAB_CLIENT, TERN_STATE_FIN_WAIT_1, TERN_STATE_FIN_WAIT_2, 0 },
	{ LAB_RECEIVED_ALL, LAB_CLIENT, 1800, 0, 0 },
	{ LAB_INTACT, 0, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

static const struct lab_scenario four_segments = {
	.name = "four-segments",
	.line = { "the client has said all; the server is still answering", "客户端已说完；服务器还在回答" },
	.program = { asks_and_says_so, answers_in_three_parts },
	.expect = answered_whole,
};

static const struct lab_expectation cut_off[] = {
	{ LAB_ROLE, LAB_SERVER, ROLE_FIN_AND_ACK, 1, 0 },
	{ LAB_RECEIVED_ALL, LAB_CLIENT, 600, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

static const struct lab_scenario one_close = {
	.name = "one-close",
	.line = { "the same, with a server that must put its FIN into the segment of the ACK",
		  "同样的情形，但服务器必须把自己的 FIN 与 ACK 放进同一个报文段" },
	.program = { asks_and_says_so, answers_in_three_parts },
	.expect = cut_off,
	.flaw = { [LAB_SERVER] = LAB_ONE_CLOSE },
};

static const struct lab_picture four_pictures[] = {
	{ &four_segments,
	  { "The client's FIN ends its own direction and no other. The ACK says that the FIN is "
	    "here; the server's own FIN "
	    "comes when its program has said everything: 1,800 octets later.",
	    "客户端的 FIN 只结束它自己的方向。ACK 表示 FIN 已收到；服务器自己的 FIN 要等它的程序把话"
	    "说完才发出："
	    "那是 1800 个字节之后。" },
	  false },
	{ &one_close,
	  { "ACK and FIN forced into one segment: the client's \"I have nothing more to say\" became "
	    "\"be silent\". 1,200 "
	    "octets of the answer were never sent, and the client cannot tell that from the whole answer.",
	    "ACK 与 FIN 被迫合成一个报文段：客户端的“我说完了”变成了“你闭嘴”。回答中有 1200 个字节从未发出，"
	    "而客户端无从分辨这是不是完整的回答。" },
	  true },
	{ &lab_three_segment_close,
	  { "Where the server has nothing more to say when the FIN comes, ACK and FIN do share a "
	    "segment, by themselves: "
	    "three are enough then. Four is what it takes where the two directions end at their own times.",
	    "若 FIN 到来时服务器也已无话可说，ACK 与 FIN 自然会共用一个报文段：这时三个就够了。"
	    "两个方向各在自己的时刻结束时，才需要四个。" },
	  false },
};

static const struct lab_question why_four = {
	.name = "four",
	.asked = { "Why do four segments close a connection?", "为什么关闭连接要四个报文段？" },
	.answer = { "A connection is two streams, and each is ended by the one who sends it: a FIN and its "
	    "ACK for each. The "
		    "middle two may meet in one segment, but nothing may force them to. (RFC 9293 3.6)",
		    "一个连接是两条流，每条由它的发送者结束：各需一个 FIN 和一个 ACK。中间两个可以碰巧合在一"
		    "个报文段里，"
		    "但不能强迫。（RFC 9293 3.6）" },
	.pictures = four_pictures,
	.n = sizeof four_pictures / sizeof four_pictures[0],
};

/* ---- TIME-WAIT, the last ACK ---- */

static const struct lab_step opens_there_and_closes[] = {
	{ .act = LAB_OPEN, .n = LAB_CLIENT_PORT },
	{ .when = LAB_CONNECTED, .after = 5 * MS, .act = LAB_SHUTDOWN },
	{ .when = LAB_PEER_CLOSED, .act = LAB_WAIT },
	{ .act = LAB_END },
};

static const struct lab_step closes_and_looks[] = {
	{ .act = LAB_LISTEN },
	{ .when = LAB_ACCEPTED, .act = LAB_WAIT },
	{ .when = LAB_PEER_CLOSED, .after = 5 * MS, .act = LAB_SHUTDOWN },
	{ .act = LAB_END },
};

static const struct lab_expectation answered_again[] = {
	{ LAB_LOST, LAB_CLIENT, 0, 0, 0 },
	{ LAB_VERDICT, LAB_CLIENT, TERN_VERDICT_TIME_WAIT, 1, 0 },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_LAST_ACK, TERN_STATE_CLOSED, 1 + TERN_WHY_OUR_FIN_ACKED },
	{ LAB_ERROR, LAB_SERVER, 0, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

static const struct lab_scenario ack_lost = {
	.name = "last-ack-lost",
	.line = { "the last ACK is lost; the client is in TIME-WAIT", "最后一个 ACK 丢失；客户端处于 TIME-W"
	    "AIT" },
	.program = { opens_there_and_closes, closes_and_looks },
	.expect = answered_again,
	.drop = { [LAB_CLIENT] = { 4 } },
};

static const struct lab_expectation reset_instead[] = {
	{ LAB_LOST, LAB_CLIENT, 0, 0, 0 },
	{ LAB_EDGE, LAB_SERVER, TERN_STATE_LAST_ACK, TERN_STATE_CLOSED, 1 + TERN_WHY_RST_ARRIVED },
	{ LAB_ERROR, LAB_SERVER, TERN_ECONNRESET, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

static const struct lab_scenario ack_lost_and_forgotten = {
	.name = "last-ack-lost-and-forgotten",
	.line = { "the same, with a client that forgets the connection with its last ACK",
		  "同样的情形，但客户端发完最后一个 ACK 就忘掉连接" },
	.program = { opens_there_and_closes, closes_and_looks },
	.expect = reset_instead,
	.drop = { [LAB_CLIENT] = { 4 } },
	.flaw = { [LAB_CLIENT] = LAB_NO_TIME_WAIT },
};

/* ---- TIME-WAIT, an old segment ---- */

static const struct lab_step opens_twice[] = {
	{ .act = LAB_OPEN, .n = LAB_CLIENT_PORT },
	{ .when = LAB_CONNECTED, .after = 5 * MS, .act = LAB_SEND, .n = 40 },
	{ .act = LAB_SHUTDOWN },
	{ .when = LAB_PEER_CLOSED, .act = LAB_CLOSE },
	{ .when = LAB_AT, .of = AGAIN_AT * MS, .act = LAB_OPEN, .n = LAB_CLIENT_PORT },
	{ .after = 25 * MS, .act = LAB_OLD_TEXT },
	{ .act = LAB_END },
};

static const struct lab_step serves_one_after_the_other[] = {
	{ .act = LAB_LISTEN },
	{ .when = LAB_ACCEPTED, .act = LAB_WAIT },
	{ .when = LAB_PEER_CLOSED, .after = 5 * MS, .act = LAB_CLOSE },
	{ .when = LAB_ACCEPTED, .act = LAB_WAIT },
	{ .when = LAB_RECEIVED, .of = 40, .act = LAB_SAY, .text = "WRONG: old text" },
	{ .act = LAB_END },
};

static const struct lab_expectation kept_apart[] = {
	{ LAB_ERROR, LAB_CLIENT, TERN_EADDRINUSE, 0, 0 },
	{ LAB_VERDICT, LAB_SERVER, TERN_VERDICT_BAD_ACK, 1, 0 },
	{ LAB_VERDICT, LAB_CLIENT, TERN_VERDICT_TIME_WAIT, 1, 0 }, /* the RST in answer to it */
	{ LAB_RECEIVED_ALL, LAB_SERVER, 40, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

static const struct lab_scenario old_text = {
	.name = "old-text",
	.line = { "text of the first connection comes out of the network late; the client is in TIME-WAIT",
		  "第一个连接的数据迟到；客户端处于 TIME-WAIT" },
	.program = { opens_twice, serves_one_after_the_other },
	.expect = kept_apart,
};

static const struct lab_expectation mixed_up[] = {
	{ LAB_STALE, LAB_SERVER, 0, 0, 0 },
	{ LAB_RECEIVED_ALL, LAB_SERVER, 80, 0, 0 },
	{ LAB_EXPECT_END, 0, 0, 0, 0 },
};

static const struct lab_scenario old_text_taken = {
	.name = "old-text-taken",
	.line = { "the same, with a client that forgets, and opens again where it began to count the first "
	    "time",
		  "同样的情形，但客户端忘掉了旧连接，并用与上次相同的初始序号重新打开" },
	.program = { opens_twice, serves_one_after_the_other },
	.expect = mixed_up,
	.flaw = { [LAB_CLIENT] = LAB_NO_TIME_WAIT, [LAB_SERVER] = LAB_PLAIN },
};

static const struct lab_picture time_wait_pictures[] = {
	{ &ack_lost,
	  { "The server's FIN comes again, for it cannot know that it arrived. TIME-WAIT is who "
	    "still knows the answer: the "
	    "ACK is sent once more, 2MSL begins anew, and both ends have ended in order.",
	    "服务器的 FIN 又来了，因为它无法知道 FIN 已送达。只有 TIME-WAIT 还记得怎样回答：再发一次 ACK，"
	    "2MSL 重新计时，双方都正常结束。" },
	  false },
	{ &ack_lost_and_forgotten,
	  { "The FIN finds nobody, and RST is the answer to that. The server's program did "
	    "everything right, and is told "
	    "that its connection was reset: it cannot know whether its last words arrived.",
	    "FIN 找不到任何人，得到的回答是 RST。服务器的程序每一步都做对了，却被告知连接被复位："
	    "它无从知道最后的话是否送达。" },
	  true },
	{ &old_text,
	  { "The same two ports cannot be used again while an old segment may live. The program that "
	    "asks for them is told "
	    "EADDRINUSE, the old text finds nobody, and TIME-WAIT lets no RST shorten it. (RFC 1337)",
	    "只要旧报文段还可能存活，同样的两个端口就不能再用。程序请求它们时得到 EADDRINUSE，旧数据"
	    "找不到接收者，"
	    "而 RST 也不能缩短 TIME-WAIT。（RFC 1337）" },
	  false },
	{ &old_text_taken,
	  { "Same addresses, same ports, a sequence number in the window: nothing tells the old "
	    "segment from one of the new "
	    "connection. The program reads 40 octets that its peer never sent on it. (The client "
	    "began to count where it began "
	    "before, as one that crashed may; the server is TCP as of 1981. Timestamps and RFC "
	    "5961's look at the ACK would "
	    "have caught this one; 2MSL is what does not depend on luck.)",
	    "地址相同、端口相同、序号又落在窗口内：没有任何东西能把旧报文段与新连接的区分开。程序读到"
	    "了对方在此连接上"
	    "从未发送的 40 个字节。（客户端从与上次相同的序号开始，就像崩溃过一样；服务器是 1981 年的"
	    " TCP。时间戳和 RFC 5961 对 ACK "
	    "的检查能拦下这一个；2MSL 则不靠运气。）" },
	  true },
};

static const struct lab_question why_time_wait = {
	.name = "time-wait",
	.asked = { "Why does the side that closes first keep TIME-WAIT?", "为什么先关闭的一方要保持 TIME-WAI"
	    "T？" },
	.answer = { "Two reasons. The last ACK may be lost, and somebody has to be there to say it again; "
	    "and segments of this "
		    "connection may still be on their way, and have to be gone before its name is used anew. "
		    "(RFC 9293 3.6.1, "
		    "3.4.3)",
		    "两个原因。最后一个 ACK 可能丢失，必须有人能再说一遍；这个连接的报文段可能还在路上，"
		    "在它的名字被重新使用之前必须消失。（RFC 9293 3.6.1、3.4.3）" },
	.pictures = time_wait_pictures,
	.n = sizeof time_wait_pictures / sizeof time_wait_pictures[0],
};

const struct lab_question *const lab_questions[] = { &why_three, &why_four, &why_time_wait, NULL };

const struct lab_question *lab_question_by_name(const char *name)
{
	for (size_t i = 0; lab_questions[i] != NULL; i++)
		if (strcmp(lab_questions[i]->name, name) == 0)
			return lab_questions[i];
	return NULL;
}
