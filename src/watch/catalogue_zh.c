#include "watch/catalogue.h"

/* Chinese. As in catalogue_en.c: what happens, why, and where the RFC has it. */

#define EDGE(from, to, why, text)                                                               \
	{                                                                                       \
		TERN_STATE_##from, TERN_STATE_##to, TERN_WHY_##why, text                        \
	}

static const struct catalogue_edge edges[] = {
	EDGE(CLOSED, LISTEN, OPEN_PASSIVE,
	     "{me}上的程序开始监听，这叫被动打开。此后发往该端口的 SYN 就有人接收；此刻不发送任何报文段。"
	     "（RFC 9293 3.10.1）"),
	EDGE(CLOSED, SYN_SENT, OPEN_ACTIVE,
	     "{me}上的程序请求建立连接，这叫主动打开。{me}选取初始序列号，使旧连接残留的报文段不会被误认为新数"
	     "据，随后发出 SYN。（RFC 9293 3.10.1, 3.4.1）"),
	EDGE(LISTEN, SYN_SENT, OPEN_ACTIVE,
	     "原本处于监听的套接字改为主动打开。（RFC 9293 3.10.1）"),
	EDGE(LISTEN, SYN_RECEIVED, SYN_ARRIVED,
	     "SYN 到达监听端口。{me}只为它保留一个很小的半连接条目，还不分配完整的连接资源：{peer}尚未证明自己"
	     "能收到应答。（RFC 9293 3.10.7.2, RFC 4987 3.5）"),
	EDGE(LISTEN, CLOSED, CLOSE_CALLED,
	     "程序停止监听；已经接受的连接不受影响。（RFC 9293 3.10.4）"),

	EDGE(SYN_SENT, SYN_RECEIVED, SYN_ARRIVED,
	     "{me}等的是 SYN+ACK，来的却是 SYN：双方同时打开。{me}用 SYN 加 ACK 应答，再等自己的 SYN 被确认。"
	     "（RFC 9293 3.10.7.3, MUST-10）"),
	EDGE(SYN_SENT, ESTABLISHED, SYN_ACK_ARRIVED,
	     "SYN+ACK 确认的正是{me}刚发出的 SYN，因此不是旧的重复报文段。对{me}来说连接已经建立，可以随 ACK "
	     "一起发送数据。（RFC 9293 3.10.7.3）"),
	EDGE(SYN_SENT, CLOSED, REFUSED,
	     "RST 确认了{me}的 SYN，所以可信：对方没有程序在监听，打开失败，程序得到“连接被拒绝”。（RFC 9293 "
	     "3.10.7.3）"),
	EDGE(SYN_SENT, CLOSED, CLOSE_CALLED,
	     "连接尚未建立，程序就改变了主意：双方还没有约定任何事，无需四次挥手。（RFC 9293 3.10.4）"),
	EDGE(SYN_SENT, CLOSED, ABORT_CALLED,
	     "程序中止了一次无人应答的打开；也没有对象可以发送 RST。（RFC 9293 3.10.5）"),
	EDGE(SYN_SENT, CLOSED, R2,
	     "SYN 反复重传至少三分钟仍无人应答：打开超时失败。（RFC 9293 3.8.3, MUST-23）"),

	EDGE(SYN_RECEIVED, ESTABLISHED, OUR_SYN_ACKED,
	     "这个 ACK 带着{me}的序列号加一，说明对方确实收到了 SYN+ACK。至此双方都知道自己能发也能收，三次握"
	     "手完成，{me}才投入完整的连接资源。（RFC 9293 3.10.7.4）"),
	EDGE(SYN_RECEIVED, FIN_WAIT_1, CLOSE_CALLED,
	     "握手还没完成程序就要关闭：等 SYN 被确认后立即发送 FIN。（RFC 9293 3.10.4）"),
	EDGE(SYN_RECEIVED, LISTEN, RST_ARRIVED,
	     "RST 结束了这个半连接，{me}回到监听状态，程序毫不知情。旧的重复 SYN 就是这样被化解的。（RFC "
	     "9293 3.10.7.4, 3.5）"),
	EDGE(SYN_RECEIVED, CLOSED, RST_ARRIVED,
	     "RST 中断了握手；{me}是主动打开的，所以结果是连接被拒绝。（RFC 9293 3.10.7.4）"),
	EDGE(SYN_RECEIVED, CLOSED, HALF_OPEN_GIVEN_UP,
	     "没有人来完成握手。{peer}什么也没证明，所以{me}只把 SYN+ACK 重传几次，然后丢弃这个半连接。（RFC "
	     "9293 3.8.3, RFC 4987 3.3）"),
	EDGE(SYN_RECEIVED, CLOSED, LISTENER_CLOSED,
	     "监听套接字关闭，它的半连接也随之结束。（RFC 9293 3.10.4）"),

	EDGE(ESTABLISHED, FIN_WAIT_1, CLOSE_CALLED,
	     "{me}上的程序没有更多数据要发。{me}先关闭，是主动关闭方；排在队列里的数据发完之后就发 FIN。"
	     "（RFC 9293 3.10.4, 3.6）"),
	EDGE(ESTABLISHED, CLOSE_WAIT, FIN_ARRIVED,
	     "FIN 以及它之前的全部数据都已到达：{peer}不再发送。{me}是被动关闭方，程序会读到数据流的结尾，但仍"
	     "可继续发送，多久都行，这叫半关闭。（RFC 9293 3.10.7.4, 3.6）"),

	EDGE(FIN_WAIT_1, FIN_WAIT_2, OUR_FIN_ACKED,
	     "{me}的 FIN 已被确认，自己这个方向关闭了。现在等{peer}的 FIN，在此之前照常接收数据。（RFC 9293 "
	     "3.10.7.4）"),
	EDGE(FIN_WAIT_1, CLOSING, FIN_ARRIVED,
	     "来了一个 FIN，却没有确认{me}的 FIN：双方同时关闭。两个方向都结束了，但{me}还要等自己的 FIN 被确"
	     "认。（RFC 9293 3.10.7.4, 3.6）"),
	EDGE(FIN_WAIT_1, TIME_WAIT, FIN_AND_ACK_ARRIVED,
	     "一个报文段既确认了{me}的 FIN，又带来{peer}的 FIN：跳过 FIN-WAIT-2。RFC 的图 5 没画这条边，正文里"
	     "有。接着等待 2MSL。（RFC 9293 3.10.7.4）"),
	EDGE(FIN_WAIT_2, TIME_WAIT, FIN_ARRIVED,
	     "{peer}的 FIN 到了，两个方向都已结束。{me}要等 2MSL，即报文段最长生存时间的两倍，原因有二：最后的"
	     " ACK 若丢失，要能再次应答重传的 FIN；旧报文段必须先在网络中消失，这对端口才能再用。（RFC 9293 "
	     "3.10.7.4, 3.6.1）"),
	EDGE(FIN_WAIT_2, CLOSED, ORPHAN_TIMEOUT,
	     "程序已经放手，{peer}既不发送也不关闭：{me}放弃这个连接。按 RFC 应当一直等下去；这个超时是各家实"
	     "现共有的偏离。（RFC 9293 3.6.1）"),

	EDGE(CLOSE_WAIT, LAST_ACK, CLOSE_CALLED,
	     "{me}上的程序也发完了。FIN 是{me}要说的最后一句话，只差对它的确认。（RFC 9293 3.10.4）"),
	EDGE(CLOSING, TIME_WAIT, OUR_FIN_ACKED,
	     "两个 FIN 在途中交错，现在{me}的 FIN 也被确认了。同时关闭之后，双方都要等 2MSL。（RFC 9293 "
	     "3.10.7.4, 3.6）"),
	EDGE(LAST_ACK, CLOSED, OUR_FIN_ACKED,
	     "{me}的 FIN 已被确认：两个方向都已关闭，双方都知道，四次挥手完成。被动关闭方不需要 TIME-WAIT，因"
	     "为它再没有会丢失的东西。（RFC 9293 3.10.7.4）"),
	EDGE(LAST_ACK, CLOSED, R2,
	     "FIN 一直重传到上限 R2，仍没有 ACK：{peer}已经不在了。数据早已全部送达，没有损失。（RFC 9293 "
	     "3.8.3）"),
	EDGE(LAST_ACK, CLOSED, RST_ARRIVED,
	     "对 FIN 的应答是 RST：{peer}已经忘了这个连接。没有什么可丢失的了。（RFC 9293 3.10.7.4）"),

	EDGE(TIME_WAIT, CLOSED, TWO_MSL,
	     "2MSL 过去了，一直没有动静：{peer}收到了最后的 ACK，网络中也不再有这个连接的报文段。这对端口可以"
	     "重新使用。（RFC 9293 3.10.8, 3.4.2）"),
	EDGE(TIME_WAIT, CLOSED, TIME_WAIT_REUSED,
	     "来了一个新的 SYN，时间戳更新或序列号更大，可以证明它比旧连接的一切都新：TIME-WAIT 提前结束。"
	     "（RFC 9293 3.6.1, MAY-2, RFC 6191 2）"),
	EDGE(TIME_WAIT, CLOSED, TIME_WAIT_GIVEN_UP,
	     "留给 TIME-WAIT 的内存用完，最旧的条目提前结束并计数。风险是旧报文段混入新连接，而时间戳能识别它"
	     "们。（RFC 9293 3.6.1, RFC 7323 5）"),
};

const struct catalogue catalogue_zh = {
	.role = {
		[ROLE_SYN] =
			"{me}发送 SYN：它想建立连接，自己的数据从序列号 {seq} 开始编号（这是初始序列号，图中记"
			"作 0）。选项说明它的能力：最大报文段长度、窗口扩大、选择确认、时间戳。（RFC 9293 3.5）",
		[ROLE_CROSSING_SYN] =
			"{peer}的 SYN 还没到，{me}也主动打开：两个 SYN 在途中交错，结果是一个连接而不是两个。"
			"（RFC 9293 3.5, MUST-10）",
		[ROLE_SYN_ACK] =
			"{me}用一个报文段办两件事：SYN 带上自己的初始序列号，ACK {ack} 表示{peer}的 SYN 已收到"
			"（SYN 占用一个序列号）。{peer}由此知道自己能发也能收。（RFC 9293 3.5）",
		[ROLE_CROSSING_SYN_ACK] =
			"{me}确认与自己交错的那个 SYN，同时重复自己的 SYN。（RFC 9293 3.5, 3.10.7.3）",
		[ROLE_THIRD] =
			"{me}确认{peer}的 SYN，确认号是其序列号加一，三次握手的第三步。前两个报文段证明一个方向"
			"畅通，后两个证明另一个方向。只用两次握手不行：旧的重复 SYN 会打开一个死连接。（RFC "
			"9293 3.5）",
		[ROLE_TEXT] =
			"{me}发送 {len} 个字节，序列号 {seq} 到 {last}。{peer}将以确认号 {next} 应答，即它期望"
			"的下一个字节。（RFC 9293 3.4）",
		[ROLE_ACK] =
			"序列号 {ack} 之前的字节{me}都已收到，还能再收 {wnd} 个字节，这就是窗口。不带数据的 "
			"ACK 本身不再被确认。（RFC 9293 3.4, 3.8.6）",
		[ROLE_DUPLICATE_ACK] =
			"{me}重复 ACK {ack}：有报文段到达，却不是它在等的那个字节。重复到第三次，{peer}就知道有"
			"报文段丢失。（RFC 5681 3.2）",
		[ROLE_WINDOW_UPDATE] =
			"没有新的数据要确认，但窗口变了：{me}现在能接收 {wnd} 个字节。（RFC 9293 3.8.6）",
		[ROLE_WINDOW_CLOSED] =
			"{me}确认已收到的数据，同时通告窗口为 0：程序没有读取，缓冲区已满。{peer}必须停止发送。"
			"（RFC 9293 3.8.6）",
		[ROLE_WINDOW_PROBE] =
			"{me}用一个很小的报文段探测窗口是否仍然关闭。打开窗口的那个 ACK 可能丢了，不探测双方就"
			"会永远等下去。（RFC 9293 3.8.6.1, MUST-36）",
		[ROLE_KEEPALIVE] =
			"沉默已久，{me}发送保活探测：序列号是{peer}早已收到的，只要{peer}还在，就必须用 ACK 应"
			"答。（RFC 9293 3.8.4）",
		[ROLE_PROBE_ANSWER] =
			"{me}应答探测，内容与先前相同：ACK {ack}，窗口 {wnd}。重要的是它还能应答。"
			"（RFC 9293 3.8.6.1, 3.8.4）",
		[ROLE_FIN] =
			"{me}发送 FIN，意思是“我没有更多数据要发”，它是主动关闭方。FIN 和 SYN 一样占用一个序列"
			"号，这里是 {fin}。结束的只是这个方向，{peer}仍可继续发送。（RFC 9293 3.6）",
		[ROLE_FIN_ACKED] =
			"{me}确认 FIN，确认号是其序列号加一，即 {ack}。ACK 立即发出，而{me}自己的 FIN 要等程序"
			"发完数据：所以关闭要四次挥手而不是三次。（RFC 9293 3.6）",
		[ROLE_SECOND_FIN] =
			"被动关闭方{me}也发完了：它的 FIN（序列号 {fin}）结束另一个方向。（RFC 9293 3.6）",
		[ROLE_FIN_AND_ACK] =
			"{me}的程序早已发完，于是一个报文段既确认{peer}的 FIN，又带上自己的 FIN：这次关闭只用三"
			"个报文段。（RFC 9293 3.6, 3.10.7.4）",
		[ROLE_CROSSING_FIN] =
			"{peer}的 FIN 还没到，{me}也关闭了：两个 FIN 在途中交错，这叫同时关闭。（RFC 9293 3.6）",
		[ROLE_SECOND_FIN_ACKED] =
			"{me}确认第二个 FIN，确认号是其序列号加一，即 {ack}。这个 ACK 没有人再确认，{me}无从知"
			"道它是否送达，只好留下来准备再次应答。（RFC 9293 3.6）",
		[ROLE_CROSSING_FIN_ACKED] = "{me}用 ACK {ack} 确认与自己交错的那个 FIN。（RFC 9293 3.6）",
		[ROLE_RST] =
			"{me}发送 RST：连接立即结束，在途的数据一概不等。对 RST 从不应答。（RFC 9293 3.5.2, "
			"3.10.5）",
		[ROLE_REFUSAL] =
			"{me}的这个端口没有程序监听，于是用 RST 拒绝。RST 确认了那个 SYN，{peer}因此知道它不是"
			"伪造的。（RFC 9293 3.5.2, 3.10.7.1）",
		[ROLE_STRAY_RST] =
			"到达的报文段不属于{me}的任何连接：{me}用 RST 应答，序列号取自对方的确认号，这样"
			"{peer}才会相信。（RFC 9293 3.5.2）",
	},
	.fate = {
		[TERN_FATE_DELIVERED] = "网络把它送到{peer}。（RFC 9293 2.2）",
		[TERN_FATE_LOST] =
			"它在网络中丢失。没有谁会报告，只有迟迟不来的 ACK 能说明。（RFC 9293 3.8）",
		[TERN_FATE_DROPPED] =
			"网络按照要求（--drop）丢弃它。没有谁会报告，只有迟迟不来的 ACK 能说明。（RFC 9293 "
			"3.8.1）",
		[TERN_FATE_QUEUE_FULL] =
			"瓶颈前的队列已满，它被丢弃：这就是拥塞。TCP 把丢失当作少发的信号。（RFC 5681 3.1）",
		[TERN_FATE_DUPLICATED] = "网络把它送达两次；凭序列号就能认出第二份是副本。（RFC 9293 3.4）",
		[TERN_FATE_CORRUPTED] = "途中有一个比特翻转：校验和会发现。（RFC 9293 3.1, MUST-3）",
		[TERN_FATE_REORDERED] = "网络把它耽搁了，后发的报文段赶到它前面。（RFC 9293 3.4）",
		[TERN_FATE_MARKED] = "网络把它送到，但标上了“经历拥塞”：{peer}应把这个标记回报给发送方。（RFC 3168 5）",
		[TERN_FATE_TOO_BIG] =
			"它超过了路径所能承载的大小，又没有路由器报告：它就此消失。只有更小的报文段才能通过。（RFC "
			"2923 2.1, RFC 4821 1）",
	},
	.verdict = {
		[TERN_VERDICT_ACCEPTED] =
			"{me}接受它：它在窗口之内，按 RFC 的步骤处理完毕。（RFC 9293 3.10.7.4）",
		[TERN_VERDICT_DUPLICATE] =
			"其中的字节{me}都已有了：或是网络的副本，或是 ACK 丢失引起的重传。什么也不保存，只再确"
			"认一次。（RFC 9293 3.10.7.4）",
		[TERN_VERDICT_OUT_OF_ORDER] =
			"它在窗口之内，却越过了{me}正在等的字节。{me}先保存它，并立即确认已有的部分，让{peer}看"
			"到缺口。（RFC 9293 3.10.7.4, RFC 5681 4.2）",
		[TERN_VERDICT_OUT_OF_WINDOW] =
			"它在窗口之外：{me}丢弃它，并用 ACK 说明自己期望什么。（RFC 9293 3.10.7.4）",
		[TERN_VERDICT_PAWS] =
			"它的时间戳比{me}见过的还旧：序列号虽然合适，却是旧的重复报文段。丢弃，并以 ACK 应答。"
			"（RFC 7323 5.3）",
		[TERN_VERDICT_NO_TIMESTAMP] = "双方约定了使用时间戳，它却没有：丢弃。（RFC 7323 3.2）",
		[TERN_VERDICT_BAD_ACK] =
			"它确认了{me}从未发送的东西，可见它应答的是另一个连接：三次握手正是为了识破这种情形。"
			"（RFC 9293 3.10.7.3, 3.10.7.4）",
		[TERN_VERDICT_OLD_ACK] =
			"它的确认号比任何窗口所允许的都旧：要么非常陈旧，要么是攻击者猜的。丢弃，并发送挑战 "
			"ACK。（RFC 5961 5.2）",
		[TERN_VERDICT_NO_ACK] =
			"在这个状态下报文段都应带 ACK 位，它却没有：丢弃。（RFC 9293 3.10.7.4）",
		[TERN_VERDICT_NO_SYN] =
			"{me}在 SYN-SENT 状态等待 SYN 或 RST，它两者都不是：丢弃。（RFC 9293 3.10.7.3）",
		[TERN_VERDICT_RESET] =
			"RST 的序列号恰好是{me}期望的下一个，所以可信：连接到此结束。（RFC 9293 3.5.3, RFC "
			"5961 3.2）",
		[TERN_VERDICT_REFUSED] =
			"RST 确认了{me}的 SYN：对方看到了它，并且拒绝。（RFC 9293 3.10.7.3）",
		[TERN_VERDICT_BLIND_RESET] =
			"RST 在窗口之内，序列号却不是期望的下一个，谁都可能猜中。{me}发送挑战 ACK；{peer}若当真"
			"，会再发一个序列号正确的 RST。（RFC 5961 3.2）",
		[TERN_VERDICT_STRAY_RESET] =
			"这个 RST 不属于{me}的任何连接，或在窗口之外：丢弃，不应答。（RFC 9293 3.5.3, "
			"3.10.7.1）",
		[TERN_VERDICT_BLIND_SYN] =
			"已建立的连接上来了 SYN：或是{peer}重新开始，或是有人在猜。{me}不改变任何东西，只发挑战"
			" ACK；真丢了连接的对方会回以 RST。（RFC 5961 4.2）",
		[TERN_VERDICT_DUPLICATE_SYN] =
			"同一个 SYN 又来了：{peer}没有收到 SYN+ACK，{me}再发一次。（RFC 9293 3.10.7.4, 3.8.1）",
		[TERN_VERDICT_NEW_CONNECTION] = "这个端口有程序监听，收下这个 SYN。（RFC 9293 3.10.7.2）",
		[TERN_VERDICT_NO_CONNECTION] =
			"{me}没有由这两个地址和端口确定的连接，也没有监听者：以 RST 应答。（RFC 9293 3.10.7.1）",
		[TERN_VERDICT_BACKLOG_FULL] =
			"监听队列已满：悄悄丢弃而不拒绝，让{peer}稍后再试，而不是放弃。（RFC 4987 3.2）",
		[TERN_VERDICT_COOKIE_SENT] =
			"半连接条目已用完，{me}什么也不保存：要记住的一切都编进 SYN+ACK 的初始序列号，这叫 "
			"SYN cookie。（RFC 4987 3.6）",
		[TERN_VERDICT_COOKIE_ACCEPTED] =
			"ACK 带回了 cookie 加一，{me}由此还原出连接。只有真正收到 SYN+ACK 的一方才做得到。"
			"（RFC 4987 3.6）",
		[TERN_VERDICT_COOKIE_BAD] =
			"发往监听端口的 ACK，却没有哪个 cookie 与之相符：以 RST 应答。（RFC 9293 3.10.7.2, "
			"RFC 4987 3.6）",
		[TERN_VERDICT_NOT_ALLOWED] =
			"监听只面向另一个对端，或者程序不同意：拒绝。（RFC 9293 3.10.1, 3.10.7.2）",
		[TERN_VERDICT_WAITING] =
			"{me}上的程序正在决定是否接受；在此之前不作应答。（RFC 9293 3.10.7.2）",
		[TERN_VERDICT_TIME_WAIT] =
			"{me}处于 TIME-WAIT，认得这个报文段：重传的 FIN 再确认一次，2MSL 重新计时；RST 则不起作"
			"用。（RFC 9293 3.10.7.4, RFC 1337 3）",
		[TERN_VERDICT_TIME_WAIT_REUSED] =
			"SYN 指向处于 TIME-WAIT 的连接，并且可以证明比旧连接的一切都新：{me}放下旧的，接受新的"
			"。（RFC 9293 3.6.1, RFC 6191 2）",
		[TERN_VERDICT_TEXT_AFTER_CLOSE] =
			"程序已经放手，还有数据到来：再没有人会读它，{peer}应当知道，所以应答是 RST。（RFC "
			"9293 3.6.1）",
		[TERN_VERDICT_NO_MEMORY] =
			"{me}没有内存容纳它：丢弃，如同在网络中丢失一样；{peer}会重传。（RFC 9293 3.8.1）",
		[TERN_VERDICT_MALFORMED] = "首部残缺或自相矛盾：丢弃并计数。（RFC 9293 3.1）",
		[TERN_VERDICT_BAD_CHECKSUM] =
			"校验和不对，任何一位都不可信，包括端口：悄悄丢弃，{peer}会重传。（RFC 9293 3.1, "
			"MUST-3）",
		[TERN_VERDICT_BAD_ADDRESS] =
			"源地址或目的地址不可能属于任何连接：丢弃。（RFC 9293 3.9.2.3, MUST-57, MUST-63）",
	},
	.timer = {
		[TERN_TIMER_RETRANSMIT] =
			"在重传超时时间内没有等到 ACK：{me}认为最早未确认的报文段已丢失，将重传它，并把超时时间"
			"加倍。（RFC 6298 5）",
		[TERN_TIMER_PERSIST] =
			"窗口已关闭一段时间：{me}将反复探测，间隔越来越长，但永不停止。（RFC 9293 3.8.6.1, "
			"MUST-37）",
		[TERN_TIMER_DELAYED_ACK] =
			"{me}把 ACK 稍稍推迟，看能否由自己的数据捎带；现在必须发出了。（RFC 9293 3.8.6.3, "
			"MUST-40）",
		[TERN_TIMER_KEEPALIVE] =
			"连接沉默的时间到了保活时限：{me}要问{peer}是否还在。（RFC 9293 3.8.4）",
		[TERN_TIMER_USER] = "程序给数据规定的确认期限已过，这是用户超时。（RFC 9293 3.10.8）",
		[TERN_TIMER_ORPHAN] =
			"已没有程序持有这个连接，{peer}又一直沉默：{me}不再等待。（RFC 9293 3.6.1）",
		[TERN_TIMER_TIME_WAIT] = "2MSL 到时。（RFC 9293 3.10.8）",
		[TERN_TIMER_SYN_ACK] =
			"握手的第三个报文段没有来：{me}将重传 SYN+ACK。（RFC 9293 3.8.1, RFC 6298 5）",
		[TERN_TIMER_SWS] = "太少而不值得单独发送的数据已经等得够久：发出。（RFC 9293 3.8.6.2.1）",
		[TERN_TIMER_RACK] =
			"比它后发的报文段已经送达，它也有足够的时间赶上：它是丢失了，而不只是迟到。（RFC 8985 "
			"6.2）",
		[TERN_TIMER_PROBE] =
			"最后几个报文段没有确认，后面也没有数据能显出丢失：{me}再发一个来弄清楚。（RFC 8985 "
			"7.2）",
		[TERN_TIMER_PACE] =
			"轮到下一个报文段了：数据均匀分布在一个往返时间内，而不是一次突发。（RFC 9002 7.7）",
	},
	.retransmit = {
		[TERN_RETRANSMIT_TIMEOUT] =
			"这是第 {again} 个报文段的重传：它的重传定时器到时了。（RFC 6298 5.4）",
		[TERN_RETRANSMIT_FAST] =
			"这是第 {again} 个报文段的快速重传，不等超时：重复的 ACK 表明后面的报文段到了，而它没有"
			"到。（RFC 5681 3.2）",
		[TERN_RETRANSMIT_RACK] =
			"这是第 {again} 个报文段的重传，不等超时：比它晚发的已经到了，而它有足够的时间赶上却没有"
			"到。（RFC 8985 6.2）",
		[TERN_RETRANSMIT_PARTIAL_ACK] =
			"ACK 只覆盖了丢失之前所发数据的一部分，可见后面的报文段也丢了：重传第 {again} 个。"
			"（RFC 6582 3.2）",
		[TERN_RETRANSMIT_AFTER_TIMEOUT] =
			"超时之后，在途的全部数据都算丢失：接着重传第 {again} 个。（RFC 5681 3.1）",
		[TERN_RETRANSMIT_ZERO_WINDOW_PROBE] =
			"探测报文段带的是关闭的窗口放不过去的数据。（RFC 9293 3.8.6.1）",
		[TERN_RETRANSMIT_TAIL_PROBE] =
			"尾部丢失探测：再发一次第 {again} 个，只有对它的 ACK 能说明末尾的数据是否到达。（RFC "
			"8985 7.3）",
		[TERN_RETRANSMIT_PATH_MTU] =
			"第 {again} 个报文段对这条路径来说太大：其中的数据分成更小的报文段重发。（RFC 1191 "
			"6.4, RFC 8201 5.4）",
		[TERN_RETRANSMIT_DUPLICATE_SYN] = "SYN 又来了，所以 SYN+ACK 再发一次。（RFC 9293 3.8.1）",
		[TERN_RETRANSMIT_KEEPALIVE] = "保活探测重复一个{peer}已经收到的序列号。（RFC 9293 3.8.4）",
	},
	.congestion = {
		[TERN_CONGESTION_INIT] = "拥塞窗口从 {cwnd} 字节开始，这是初始窗口。（RFC 6928 2）",
		[TERN_CONGESTION_SLOW_START_EXIT] =
			"慢启动在 {cwnd} 字节处结束；此后进入拥塞避免，窗口每个往返时间约增加一个报文段。"
			"（RFC 5681 3.1）",
		[TERN_CONGESTION_RECOVERY_ENTER] =
			"丢失意味着拥塞：{me}把慢启动阈值设为 {ssthresh} 字节，约为在途数据的一半，并用快速恢复"
			"弥补丢失。（RFC 5681 3.2）",
		[TERN_CONGESTION_RECOVERY_EXIT] =
			"丢失发生时在途的数据已全部确认：快速恢复结束，拥塞窗口为 {cwnd} 字节。（RFC 6582 3.2）",
		[TERN_CONGESTION_TIMEOUT] =
			"超时之后对路径一无所知：{me}退回到一个报文段（{cwnd} 字节），重新慢启动，直到 "
			"{ssthresh} 字节。（RFC 5681 3.1）",
		[TERN_CONGESTION_UNDO] =
			"那次重传其实不必要：数据没有丢，只是晚到，时间戳、{peer}报告的重复数据或只发过一次的数"
			"据说明了这一点。拥塞窗口恢复为 {cwnd} 字节。（RFC 3522 3.2, RFC 3708 3, RFC 5682 3, RFC "
			"4015 3）",
		[TERN_CONGESTION_IDLE_RESTART] =
			"空闲时间超过了重传超时，{me}从重启窗口 {cwnd} 字节开始。（RFC 5681 4.1）",
		[TERN_CONGESTION_ECN] =
			"路由器给分组打上标记而没有丢弃它：{me}像遇到丢失一样减速到 {cwnd} 字节。（RFC 3168 "
			"6.1.2）",
		[TERN_CONGESTION_TAIL_LOSS] =
			"末尾的数据丢了，探测报文段补上了它，没有等到超时。丢失终究意味着拥塞：拥塞窗口减到 "
			"{cwnd} 字节。（RFC 8985 7.4）",
	},
	.note = {
		[TERN_NOTE_ZERO_WINDOW_SENT] =
			"{me}的接收缓冲区已满，程序读取之前窗口一直关闭。（RFC 9293 3.8.6）",
		[TERN_NOTE_ZERO_WINDOW_RECEIVED] =
			"{peer}的窗口为 0：{me}不得发送，并启动持续定时器。（RFC 9293 3.8.6.1）",
		[TERN_NOTE_WINDOW_OPENED] =
			"窗口重新打开，而且大得值得发送：发送继续。（RFC 9293 3.8.6, 3.8.6.2）",
		[TERN_NOTE_WINDOW_SHRUNK] =
			"{peer}收回了已经给出的空间，这本不应该；{me}必须能够承受。（RFC 9293 3.8.6, MUST-34）",
		[TERN_NOTE_SOFT_ERROR] =
			"路由器报告途中有问题。问题可能会过去，所以连接保留；程序可以查询。（RFC 9293 "
			"3.9.2.2, RFC 5461 2.2）",
		[TERN_NOTE_R1] = "同样的数据已重传 R1 次：{me}告诉程序路径可疑。（RFC 9293 3.8.3, SHLD-10）",
		[TERN_NOTE_COOKIES_ON] =
			"半连接条目全部占满：从现在起{me}用 cookie 应答 SYN，什么也不保存。（RFC 4987 3.6）",
		[TERN_NOTE_COOKIES_OFF] =
			"监听者又有了空位：恢复使用半连接条目，它比 cookie 保留得更多。（RFC 4987 3.7）",
		[TERN_NOTE_PATH_MTU] =
			"路径最多承载 {value} 字节的分组：报文段按此切分。（RFC 1191 3, RFC 8201 4）",
		[TERN_NOTE_URGENT] =
			"紧急指针前移，程序会得到通知。新程序不应使用它。（RFC 9293 3.8.5, RFC 6093 5）",
		[TERN_NOTE_OUT_OF_ORDER_DROPPED] =
			"内存紧张：{me}丢弃了尚未按序的数据。这是允许的，选择确认只是建议。（RFC 2018 8）",
		[TERN_NOTE_CHALLENGE_LIMITED] =
			"本该发送挑战 ACK，但{me}这一秒的份额已经用完。（RFC 5961 7）",
		[TERN_NOTE_TEXT_LOST] =
			"程序放手时还有数据未读或未发：这些数据没有了，{peer}会由 RST 得知。（RFC 9293 3.6.1）",
		[TERN_NOTE_BLACK_HOLE] =
			"大的报文段一再消失，又没有 ICMP 说明原因：{me}认定路径在吞掉它们，改用 {value} 字节的分组。"
			"（RFC 4821 7.7, RFC 8899 4.3）",
		[TERN_NOTE_PROBED_MTU] =
			"探测报文段到达了：路径能承载 {value} 字节的分组，从现在起报文段就这么大。（RFC 4821 7.6.1, "
			"RFC 8899 5.3.2）",
		[TERN_NOTE_ECN_AGREED] =
			"双方都使用显式拥塞通知（RFC {value}）：路由器可以给携带新数据的分组打标记而不丢弃，由接收方告诉"
			"发送方。（RFC 3168 6.1.1, RFC 9768 3.1）",
		[TERN_NOTE_CE_RECEIVED] =
			"到达的分组带有“经历拥塞”标记：从现在起{me}在 ACK 中告诉{peer}。（RFC 3168 6.1.3, RFC 9768 "
			"3.2）",
		[TERN_NOTE_ECN_MANGLED] =
			"{peer}报告的标记不可能出现：路径上有设备改动了它们。{me}不再发送可被标记的分组，也不再相信标记。"
			"（RFC 9768 3.2.2.3）",
		[TERN_NOTE_WINDOW_FULL] =
			"{me}已经用完{peer}给出的窗口：接下来等的是{peer}，而不是路径。（RFC 9293 3.8.6）",
		[TERN_NOTE_NEEDLESS] =
			"{me}重发的数据其实已经到达：{peer}先前已确认过。不是定时器太短，就是 ACK 迟到或丢失。（RFC 5682 1, "
			"RFC 2883 4）",
		[TERN_NOTE_OVERTAKEN] =
			"这个报文段比抓包里先出现的那个发送得更早：路径改变了它们的次序。（RFC 5681 3.2, RFC 4737 3）",
		[TERN_NOTE_LOST_BEFORE] =
			"抓包里没有这些数据的第一次发送：它们在从{me}到抓包处的途中丢失了。（RFC 5681 3.2）",
		[TERN_NOTE_MISSING] =
			"{me}确认了抓包里没有的数据：它们走了别的路，或者抓包时漏掉了；它们改变了什么不得而知。（RFC 9293 3.4）",
		[TERN_NOTE_CHALLENGE_ACK] =
			"{me}不相信前一个报文段，用一个 ACK 反问{peer}：真有此意的一方可以用其中的序列号证明。（RFC 5961 3.2, "
			"4.2）",
		[TERN_NOTE_RESET_PROVOKED] =
			"报文段 {value} 是{me}此前看到的最后一个：它用不上这个报文段，或者正好在那时放弃了连接。（RFC 9293 "
			"3.5.2）",
	},
	.why = {
		[TERN_WHY_OPEN_PASSIVE] = "{me}开始监听：从 {from} 到 {to}。（RFC 9293 3.10.1）",
		[TERN_WHY_OPEN_ACTIVE] = "{me}主动打开：从 {from} 到 {to}。（RFC 9293 3.10.1）",
		[TERN_WHY_SYN_ARRIVED] = "在 {from} 状态收到 SYN。（RFC 9293 3.10.7）",
		[TERN_WHY_SYN_ACK_ARRIVED] = "在 {from} 状态收到 SYN+ACK。（RFC 9293 3.10.7.3）",
		[TERN_WHY_OUR_SYN_ACKED] = "在 {from} 状态，{me}的 SYN 得到确认。（RFC 9293 3.10.7.4）",
		[TERN_WHY_CLOSE_CALLED] = "{me}上的程序在 {from} 状态关闭。（RFC 9293 3.10.4）",
		[TERN_WHY_FIN_ARRIVED] = "在 {from} 状态收到 FIN：{peer}不再发送。（RFC 9293 3.10.7.4）",
		[TERN_WHY_OUR_FIN_ACKED] = "在 {from} 状态，{me}的 FIN 得到确认。（RFC 9293 3.10.7.4）",
		[TERN_WHY_FIN_AND_ACK_ARRIVED] =
			"在 {from} 状态，一个报文段带来对方的 FIN 和对己方 FIN 的确认。（RFC 9293 3.10.7.4）",
		[TERN_WHY_RST_ARRIVED] =
			"在 {from} 状态，序列号正确的 RST 结束了连接。尚未确认或尚未读取的数据丢失，程序得到“连"
			"接被重置”。（RFC 9293 3.10.7.4, 3.5.3）",
		[TERN_WHY_REFUSED] = "在 {from} 状态，对 SYN 的应答是 RST。（RFC 9293 3.10.7.3）",
		[TERN_WHY_ABORT_CALLED] =
			"{me}上的程序在 {from} 状态中止连接：排队的数据被丢弃，用 RST 告诉{peer}，免得它白等。"
			"（RFC 9293 3.10.5）",
		[TERN_WHY_TWO_MSL] = "沉默满 2MSL，{from} 结束。（RFC 9293 3.10.8）",
		[TERN_WHY_R2] =
			"在 {from} 状态，同样的数据一再重传，直到上限 R2 也没有 ACK：{peer}或路径已经不在。"
			"{me}结束连接并告诉程序。（RFC 9293 3.8.3）",
		[TERN_WHY_USER_TIMEOUT] =
			"在 {from} 状态，数据没有在程序允许的时间内得到确认：{me}结束连接。（RFC 9293 3.10.8, "
			"RFC 5482 3）",
		[TERN_WHY_KEEPALIVE] =
			"在 {from} 状态，保活探测无人应答：{peer}已经不在，{me}结束连接，而不是永远保留。"
			"（RFC 9293 3.8.4）",
		[TERN_WHY_ORPHAN_TIMEOUT] =
			"在 {from} 状态，已没有程序持有连接，{peer}又一直沉默：{me}不再等待。RFC 没有这个限制，"
			"这是一处偏离。（RFC 9293 3.6.1）",
		[TERN_WHY_TIME_WAIT_REUSED] =
			"新的 SYN 取代了处于 {from} 的连接。（RFC 9293 3.6.1, RFC 6191 2）",
		[TERN_WHY_TIME_WAIT_GIVEN_UP] = "内存紧张，{from} 提前结束。（RFC 9293 3.6.1）",
		[TERN_WHY_ICMP] =
			"路由器或主机报告对方不可达。在 {from} 状态还没有什么可失去，{me}相信它，打开失败。"
			"（RFC 9293 3.9.2.2, RFC 5927 5.2）",
		[TERN_WHY_LISTENER_CLOSED] =
			"监听套接字关闭，处于 {from} 的半连接随之结束。（RFC 9293 3.10.4）",
		[TERN_WHY_HALF_OPEN_GIVEN_UP] = "在 {from} 状态，没有人来完成握手。（RFC 9293 3.8.3）",
		[TERN_WHY_TEXT_UNREAD] =
			"{me}上的程序在 {from} 状态关闭，却没有读完到达的数据，或关闭之后又有数据到来：{me}发送"
			" RST，让{peer}知道它的数据没有被接收。（RFC 9293 3.6.1, RFC 2525 2.17）",
	},
	.attack =
		"{me}从未发送这个报文段：是网络上有人伪造的，指望{peer}信以为真。（RFC 4987 2, RFC 5961 1）",
	.forged = "这不是现在的{me}发的：它是旧的重复报文段，从前滞留在网络里。（RFC 9293 3.5）",
	.icmp =
		"一个 ICMP 差错报文引用了这个连接的报文段。{me}先核对被引用的序列号确实在途，然后才相信。"
		"（RFC 9293 3.9.2.2, RFC 5927 4.1）",
	.edges = edges,
	.n_edges = sizeof edges / sizeof *edges,
	.client = "客户端",
	.client_begin = "客户端",
	.server = "服务器",
	.server_begin = "服务器",
	.of_seven = "七个报文段中的第 %u 个",
	.arrives = "第 %u 个到达%s",
	.likewise = "同上。",
};
