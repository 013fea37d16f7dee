/* What a connection waits for, in words: English and Chinese beside each other, a sentence for each kind. {for} and
 * {quiet} stand for how long it has been so, {next} for when something is sent again, {ends} for when it ends by
 * itself; {us} and {peer} for the names of the two ends, where a capture is looked at from outside.
 */
#include "watch/stuck.h"
#include "watch/text.h"
#include <string.h>

static const tern_time pause_at_least = TERN_SECOND; /* a program that has not read for as long is slow */

static const struct {
	const char    *name;
	enum stuck_who who;
	bool	       well;
	unsigned       weight;
	const char    *line[EXPLAIN_LANGUAGES];
	const char    *seen[EXPLAIN_LANGUAGES]; /* from outside */
} kinds[STUCK_KINDS] = {
	[STUCK_LISTENING] = { "listening", STUCK_PEER, true, 0,
		{ "listens: somebody has to call", "正在监听：等别人来连接" },
		{ "{us} listens: somebody has to call", "{us}正在监听：等别人来连接" } },
	[STUCK_SYN_SENT] = { "syn-sent", STUCK_PEER, false, 7,
		{ "has called{for}, and nobody answers: the peer, or what stands between{next}{ends}",
		  "已发出 SYN{for}，无人应答：对方，或途中有什么挡着{next}{ends}" },
		{ "{us} has called{for}, and nobody answers: {peer}, or what stands between{next}; ends when {us} "
		  "gives up",
		  "{us}已发出 SYN{for}，无人应答：{peer}，或途中有什么挡着{next}；{us}放弃时结束" } },
	[STUCK_SYN_RECEIVED] = { "syn-received", STUCK_PEER, false, 8,
		{ "the peer has called and does not confirm: its third segment is missing{next}{ends}",
		  "对方发来 SYN 却不确认：缺第三个报文段{next}{ends}" },
		{ "{peer} has called and does not confirm: its third segment is missing{quiet}{next}; ends when {us} "
		  "gives up",
		  "{peer}发来 SYN 却不确认：缺第三个报文段{quiet}{next}；{us}放弃时结束" } },
	[STUCK_TIME_WAIT] = { "time-wait", STUCK_NOBODY, true, 0,
		{ "both have closed; the last ACK may be lost{ends}; a SYN with a newer timestamp reopens it",
		  "双方都已关闭；最后的 ACK 可能丢失{ends}；带有更新时间戳的 SYN 可以重新打开它" },
		{ "both have closed; {us} waits for 2MSL to be over (60 s on Linux), which no capture shows",
		  "双方都已关闭；{us}在等 2MSL 过去（Linux 为 60 s），抓包里看不到" } },
	[STUCK_ZERO_WINDOW] = { "zero-window", STUCK_PEER, false, 9,
		{ "zero window{for}: the peer's program is slow to read{next}{ends}",
		  "零窗口{for}：对方的程序读得慢{next}{ends}" },
		{ "zero window{for}: the program of {peer} is slow to read{next}; nothing ends it while probes are "
		  "answered",
		  "零窗口{for}：{peer}的程序读得慢{next}；只要探测有应答，就不会结束" } },
	[STUCK_SILENT] = { "silent", STUCK_PEER, false, 10,
		{ "sent {again} times over and never acknowledged{quiet}: the peer is gone, or the way to it"
		  "{next}{ends}",
		  "已重发 {again} 次，始终没有确认{quiet}：对方或通往它的路已不在{next}{ends}" },
		{ "{us} has sent again {again} times and is not acknowledged{quiet}: {peer} is gone, or the way to "
		  "it{next}; ends when {us} gives up",
		  "{us}已重发 {again} 次，没有确认{quiet}：{peer}或通往它的路已不在{next}；{us}放弃时结束" } },
	[STUCK_UNREAD] = { "unread", STUCK_PROGRAM, false, 6,
		{ "{unread} octets wait for the local program, which does not read{quiet}; our window is {window}",
		  "{unread} 个字节等着本地程序读取，而它不读{quiet}；我方窗口为 {window}" },
		{ "the program of {us} does not read{quiet}: its window is {window}",
		  "{us}的程序不读{quiet}：其窗口为 {window}" } },
	[STUCK_FIN_UNACKED] = { "fin-unacked", STUCK_PEER, false, 5,
		{ "our FIN, or text before it, is not acknowledged yet{quiet}{next}{ends}",
		  "我方的 FIN（或它之前的数据）尚未被确认{quiet}{next}{ends}" },
		{ "the FIN of {us}, or text before it, is not acknowledged yet{quiet}{next}; ends when {us} gives up",
		  "{us}的 FIN（或它之前的数据）尚未被确认{quiet}{next}；{us}放弃时结束" } },
	[STUCK_FIN_WAIT_2] = { "fin-wait-2", STUCK_PEER, false, 3,
		{ "the local program has closed; the peer has not, and nothing makes it: half-closed{quiet}",
		  "本地程序已关闭；对方还没有，也没有什么会迫使它：半关闭{quiet}" },
		{ "{us} has closed; {peer} has not, and nothing makes it: half-closed{quiet}",
		  "{us}已关闭；{peer}还没有，也没有什么会迫使它：半关闭{quiet}" } },
	[STUCK_ORPHAN] = { "orphan", STUCK_PEER, false, 3,
		{ "given up by its program; the peer has not closed{quiet}{ends}",
		  "已被其程序放弃；对方还没有关闭{quiet}{ends}" },
		{ "given up by the program of {us}; {peer} has not closed{quiet}{ends}",
		  "已被{us}的程序放弃；{peer}还没有关闭{quiet}{ends}" } },
	[STUCK_CLOSE_WAIT] = { "close-wait", STUCK_PROGRAM, false, 4,
		{ "the peer has closed; the local program has not{quiet}", "对方已关闭；本地程序还没有{quiet}" },
		{ "{peer} has closed; the program of {us} has not{quiet}; nothing else ends it",
		  "{peer}已关闭；{us}的程序还没有{quiet}；没有别的会结束它" } },
	[STUCK_MOVING] = { "moving", STUCK_PEER, true, 2,
		{ "{unacked} octets are on their way, {unsent} wait behind them",
		  "{unacked} 个字节在路上，后面还有 {unsent} 个" },
		{ "{unacked} octets of {us} are on their way", "{us}的 {unacked} 个字节在路上" } },
	[STUCK_KEEPALIVE] = { "keepalive", STUCK_PEER, false, 7,
		{ "silence{for}; {probes} keep-alives have no answer: the peer may be gone{next}{ends}",
		  "静默{for}；{probes} 个保活探测没有应答：对方可能已不在{next}{ends}" },
		{ "silence{for}; {probes} keep-alives of {us} have no answer: {peer} may be gone{next}; ends when "
		  "{us} gives up",
		  "静默{for}；{us}的 {probes} 个保活探测没有应答：{peer}可能已不在{next}；{us}放弃时结束" } },
	[STUCK_IDLE] = { "idle", STUCK_EITHER, true, 1,
		{ "nobody has anything to say{for}{keepalive}", "双方都无话可说{for}{keepalive}" },
		{ "nobody says anything{for}; {us} spoke last, and was heard", "双方都不说话{for}；{us}最后发言，对方已收到" } },
};

static const char *const whos[STUCK_WHOS] = { "peer", "program", "either", "nobody" };

static tern_time from_now(tern_time at, tern_time now)
{
	if (at == TERN_NEVER)
		return TERN_NEVER;
	return at > now ? at - now : 0;
}

void stuck_facts_of(struct stuck_facts *facts, const struct tern_status *status, tern_time now)
{
	*facts = (struct stuck_facts){
		.state = status->state,
		.unsent = status->unsent,
		.unacked = status->unacked,
		.unread = status->unread,
		.snd_wnd = status->snd_wnd,
		.rcv_wnd = status->rcv_wnd,
		.mss = status->snd_mss,
		.retransmits = status->retransmits,
		.probes = status->probes,
		.keepalive_probes = status->keepalive_probes,
		.idle = TERN_NEVER,
		.retransmit_in = from_now(status->retransmit_at, now),
		.persist_in = from_now(status->persist_at, now),
		.keepalive_in = from_now(status->keepalive_at, now),
		.user_timeout_in = from_now(status->user_timeout_at, now),
		.orphan_in = from_now(status->orphan_at, now),
		.until_in = from_now(status->time_wait_at, now),
	};
}

/* ---- which it is ---- */

static enum stuck_kind of_ended_side(const struct stuck_facts *facts)
{
	switch (facts->state) {
	case TERN_STATE_FIN_WAIT_2: return facts->held ? STUCK_FIN_WAIT_2 : STUCK_ORPHAN;
	case TERN_STATE_FIN_WAIT_1:
	case TERN_STATE_CLOSING:
	case TERN_STATE_LAST_ACK: return STUCK_FIN_UNACKED;
	default: return STUCK_CLOSE_WAIT;
	}
}

enum stuck_kind stuck_kind_of(const struct stuck_facts *facts)
{
	switch (facts->state) {
	case TERN_STATE_LISTEN: return STUCK_LISTENING;
	case TERN_STATE_SYN_SENT: return STUCK_SYN_SENT;
	case TERN_STATE_SYN_RECEIVED: return STUCK_SYN_RECEIVED;
	case TERN_STATE_TIME_WAIT:
	case TERN_STATE_CLOSED: return STUCK_TIME_WAIT;
	default: break;
	}
	if (facts->probes > 0 || (facts->snd_wnd == 0 && facts->unsent > 0))
		return STUCK_ZERO_WINDOW;
	if (facts->retransmits > 0)
		return STUCK_SILENT;
	const bool rests = facts->idle != TERN_NEVER && facts->idle >= pause_at_least;
	if (facts->unread > 0 && (facts->rcv_wnd <= facts->mss || rests))
		return STUCK_UNREAD;
	if (facts->state != TERN_STATE_ESTABLISHED && (facts->unacked == 0 || facts->state != TERN_STATE_CLOSE_WAIT))
		return of_ended_side(facts);
	if (facts->unacked + facts->unsent > 0)
		return STUCK_MOVING;
	return facts->keepalive_probes > 0 ? STUCK_KEEPALIVE : STUCK_IDLE;
}

enum stuck_who stuck_who_of(enum stuck_kind kind)
{
	return (unsigned)kind < STUCK_KINDS ? kinds[kind].who : STUCK_NOBODY;
}

bool stuck_is_well(enum stuck_kind kind)
{
	return (unsigned)kind < STUCK_KINDS && kinds[kind].well;
}

unsigned stuck_weight(enum stuck_kind kind)
{
	return (unsigned)kind < STUCK_KINDS ? kinds[kind].weight : 0;
}

const char *stuck_kind_name(enum stuck_kind kind)
{
	return (unsigned)kind < STUCK_KINDS ? kinds[kind].name : "?";
}

const char *stuck_who_name(enum stuck_who who)
{
	return (unsigned)who < STUCK_WHOS ? whos[who] : "?";
}

static tern_time sooner(tern_time a, tern_time b)
{
	return a < b ? a : b;
}

tern_time stuck_ends_in(const struct stuck_facts *facts)
{
	return sooner(facts->until_in, sooner(facts->user_timeout_in, facts->orphan_in));
}

tern_time stuck_next_in(const struct stuck_facts *facts)
{
	return stuck_kind_of(facts) == STUCK_KEEPALIVE ? facts->keepalive_in
						       : sooner(facts->retransmit_in, facts->persist_in);
}

/* ---- in words ---- */

/* "312 s", "1.4 s", "40 ms" */
static void put_time(struct text *text, tern_time time)
{
	if (time >= 10 * TERN_SECOND)
		text_format(text, "%lld s", (long long)(time / TERN_SECOND));
	else if (time >= TERN_SECOND)
		text_format(text, "%lld.%lld s", (long long)(time / TERN_SECOND),
			    (long long)(time % TERN_SECOND / (100 * TERN_MILLISECOND)));
	else
		text_format(text, "%lld ms", (long long)(time / TERN_MILLISECOND));
}

static void put_clause(struct text *text, const char *before, tern_time time, const char *after)
{
	if (time == TERN_NEVER)
		return;
	text_put(text, before);
	put_time(text, time);
	text_put(text, after);
}

static void put_word(struct text *text, const char *word, size_t n, const struct stuck_facts *facts,
		     enum explain_language language)
{
	const bool zh = language == EXPLAIN_ZH;
	const struct {
		const char *word;
		uint32_t    number;
	} numbers[] = {
		{ "again", facts->retransmits }, { "unread", facts->unread }, { "unacked", facts->unacked },
		{ "unsent", facts->unsent }, { "window", facts->rcv_wnd }, { "probes", facts->keepalive_probes },
	};

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		if (strlen(numbers[i].word) == n && memcmp(word, numbers[i].word, n) == 0)
			text_format(text, "%lu", (unsigned long)numbers[i].number);
	if (n == 3 && memcmp(word, "for", n) == 0)
		put_clause(text, zh ? "，已 " : " for ", facts->idle, "");
	else if (n == 5 && memcmp(word, "quiet", n) == 0)
		put_clause(text, zh ? "（已 " : " (nothing has moved for ", facts->idle, zh ? "没有动静）" : ")");
	else if (n == 4 && memcmp(word, "next", n) == 0)
		put_clause(text, zh ? "；" : "; next try in ", stuck_next_in(facts), zh ? "后再试" : "");
	else if (n == 4 && memcmp(word, "ends", n) == 0)
		put_clause(text, zh ? "；" : "; ends in ", stuck_ends_in(facts), zh ? "后结束" : "");
	else if (n == 9 && memcmp(word, "keepalive", n) == 0)
		put_clause(text, zh ? "；" : "; a keep-alive asks in ", facts->keepalive_in, zh ? "后发保活探测" : "");
}

/* names NULL: nobody is named in the sentence. */
static size_t fill(char *to, size_t size, const char *sentence, const struct stuck_facts *facts,
		   const char *const names[2], enum explain_language language)
{
	struct text text;

	text_init(&text, to, size);
	for (const char *at = sentence; *at != '\0';) {
		const size_t plain = strcspn(at, "{");
		text_put_n(&text, at, plain);
		at += plain;
		if (*at == '\0')
			break;
		const size_t n = strcspn(++at, "}");
		if (names && n == 2 && memcmp(at, "us", n) == 0)
			text_put(&text, names[0]);
		else if (names && n == 4 && memcmp(at, "peer", n) == 0)
			text_put(&text, names[1]);
		else
			put_word(&text, at, n, facts, language);
		at += n + 1;
	}
	return text.n;
}

size_t stuck_line(char *to, size_t size, const struct stuck_facts *facts, enum explain_language language)
{
	return fill(to, size, kinds[stuck_kind_of(facts)].line[language], facts, NULL, language);
}

size_t stuck_line_seen(char *to, size_t size, const struct stuck_facts *facts, const char *const names[2],
		       enum explain_language language)
{
	return fill(to, size, kinds[stuck_kind_of(facts)].seen[language], facts, names, language);
}
