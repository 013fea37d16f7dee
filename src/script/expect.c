/* Packets that the script expects: the next one that left the host is held against it, field by field. */
#include "base/bytes.h"
#include "script/engine.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { AT_MOST = 3600, LINE = 256 };

/* A packet of the host, read. */
struct actual {
	struct ip_header   ip;
	struct tcp_segment seg;
	struct flow	  *flow;
	tern_time	   at;
	const uint8_t	  *options;
	size_t		   options_len;
};

/* ---- how packets are told ---- */

static size_t put(char *to, size_t size, size_t at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static size_t put(char *to, size_t size, size_t at, const char *format, ...)
{
	va_list arguments;
	int	n = 0;

	va_start(arguments, format);
	if (at < size)
		n = vsnprintf(to + at, size - at, format, arguments);
	va_end(arguments);
	return at + (n > 0 ? (size_t)n : 0);
}

static size_t put_flags(char *to, size_t size, size_t at, uint16_t flags)
{
	static const char     letters[] = "FSRPUEWA";
	static const uint16_t flag[] = { TERN_FIN, TERN_SYN, TERN_RST, TERN_PSH,
					 TERN_URG, TERN_ECE, TERN_CWR, TERN_AE };

	for (size_t i = 0; letters[i]; i++)
		if (flags & flag[i])
			at = put(to, size, at, "%c", letters[i]);
	if (flags & TERN_ACK)
		at = put(to, size, at, ".");
	return flags ? at : put(to, size, at, "-");
}

static size_t put_option(char *to, size_t size, size_t at, const struct packet_option *option)
{
	switch (option->kind) {
	case OPT_MSS: return put(to, size, at, "mss %u", option->a);
	case OPT_WSCALE: return put(to, size, at, "wscale %u", option->a);
	case OPT_SACK_OK: return put(to, size, at, "sackOK");
	case OPT_NOP: return put(to, size, at, "nop");
	case OPT_EOL: return put(to, size, at, "eol");
	case OPT_TS: return put(to, size, at, "TS val %u ecr %u", option->a, option->b);
	case OPT_RAW:
		at = put(to, size, at, "raw");
		for (unsigned i = 0; i < option->n_raw; i++)
			at = put(to, size, at, " %u", option->raw[i]);
		return at;
	case OPT_SACK:
		at = put(to, size, at, "sack");
		for (unsigned i = 0; i < option->n_sack; i++)
			at = put(to, size, at, " %u:%u", option->sack[i].left, option->sack[i].right);
		return at;
	}
	return at;
}

void script_print_packet(const struct script_packet *packet, char *to, size_t size)
{
	size_t at = put_flags(to, size, 0, packet->flags);

	at = put(to, size, at, " %u:%u(%u)", packet->seq, packet->seq + packet->len, packet->len);
	if (packet->has_ack)
		at = put(to, size, at, " ack %u", packet->ack);
	if (packet->has_window)
		at = put(to, size, at, " win %u", packet->window);
	if (packet->has_urgent)
		at = put(to, size, at, " urg %u", packet->urgent);
	if (!packet->options && !packet->any_options)
		return;
	at = put(to, size, at, " <");
	for (const struct packet_option *option = packet->options; option; option = option->next)
		at = put_option(to, size, option == packet->options ? at : put(to, size, at, ","), option);
	put(to, size, at, packet->any_options ? "...>" : ">");
}

/* The options of a real packet as the script would write them. */
static bool read_option(const struct actual *actual, size_t *at, struct packet_option *option)
{
	const uint8_t *const p = actual->options + *at;
	const size_t	     left = actual->options_len - *at, len = left > 1 && p[0] > 1 ? p[1] : 1;

	*option = (struct packet_option){ .kind = p[0] == 0 ? OPT_EOL : OPT_NOP };
	if (len == 0 || len > left)
		return false;
	*at += len;
	switch (p[0]) {
	case 0:
	case 1: return true;
	case 2:
		option->kind = OPT_MSS;
		option->a = get16(p + 2);
		return true;
	case 3:
		option->kind = OPT_WSCALE;
		option->a = p[2];
		return true;
	case 4: option->kind = OPT_SACK_OK; return true;
	case 5:
		option->kind = OPT_SACK;
		for (size_t i = 2; i + 8 <= len && option->n_sack < 4; i += 8) {
			option->sack[option->n_sack].left = get32(p + i);
			option->sack[option->n_sack++].right = get32(p + i + 4);
		}
		return true;
	case 8:
		option->kind = OPT_TS;
		option->a = get32(p + 2) - (actual->flow->knows_ts ? actual->flow->ts_shift : 0);
		option->b = get32(p + 6);
		return true;
	default: return false;
	}
}

static void print_actual(const struct actual *actual, char *to, size_t size)
{
	const struct tcp_segment *const seg = &actual->seg;
	const uint32_t			shift = actual->flow->knows_isn ? actual->flow->local_shift : 0,
		       first = seg->seq.v - shift;
	size_t		     at = put_flags(to, size, 0, seg->flags), option_at = 0;
	struct packet_option option;

	at = put(to, size, at, " %u:%u(%u)", first, first + seg->text_len, seg->text_len);
	if (seg->flags & TERN_ACK)
		at = put(to, size, at, " ack %u", seg->ack.v);
	at = put(to, size, at, " win %u", seg->wnd);
	if (seg->up)
		at = put(to, size, at, " urg %u", seg->up);
	if (actual->options_len == 0)
		return;
	at = put(to, size, at, " <");
	while (option_at < actual->options_len) {
		const bool is_first = option_at == 0;

		if (!read_option(actual, &option_at, &option))
			break;
		at = put_option(to, size, is_first ? at : put(to, size, at, ","), &option);
	}
	put(to, size, at, ">");
}

/* ---- differences ---- */

static bool differs(struct stage *stage, const struct script_event *event, const struct actual *actual,
		    const char *format, ...) __attribute__((format(printf, 4, 5)));
static bool differs(struct stage *stage, const struct script_event *event, const struct actual *actual,
		    const char *format, ...)
{
	char	what[LINE], script[LINE], live[LINE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	script_print_packet(&event->u.packet, script, sizeof script);
	print_actual(actual, live, sizeof live);
	return stage_fail(stage, event->line,
			  "error handling packet: %s\nscript packet: %9.6f %s\nactual packet: %9.6f %s", what,
			  (double)event->at / 1e9, script, (double)actual->at / 1e9, live);
}

static bool same(struct stage *stage, const struct script_event *event, const struct actual *actual,
		 const char *field, uint32_t expected, uint32_t is)
{
	if (expected == is)
		return true;
	return differs(stage, event, actual, "live packet field %s: expected: %u (0x%x) vs actual: %u (0x%x)",
		       field, expected, expected, is, is);
}

static bool same_flags(struct stage *stage, const struct script_event *event, const struct actual *actual)
{
	static const struct {
		uint16_t    flag;
		const char *name;
	} flags[] = {
		{ TERN_FIN, "tcp_fin" }, { TERN_SYN, "tcp_syn" }, { TERN_RST, "tcp_rst" },
		{ TERN_PSH, "tcp_psh" }, { TERN_ACK, "tcp_ack" }, { TERN_URG, "tcp_urg" },
		{ TERN_ECE, "tcp_ece" }, { TERN_CWR, "tcp_cwr" }, { TERN_AE, "tcp_ae" },
	};

	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (!same(stage, event, actual, flags[i].name, (event->u.packet.flags & flags[i].flag) != 0,
			  (actual->seg.flags & flags[i].flag) != 0))
			return false;
	return true;
}

static bool same_option(const struct packet_option *expected, const struct packet_option *is)
{
	if (expected->kind != is->kind || expected->a != is->a || expected->b != is->b ||
	    expected->n_sack != is->n_sack)
		return false;
	for (unsigned i = 0; i < is->n_sack; i++)
		if (expected->sack[i].left != is->sack[i].left ||
		    expected->sack[i].right != is->sack[i].right)
			return false;
	return true;
}

static bool same_options(struct stage *stage, const struct script_event *event, const struct actual *actual)
{
	const struct packet_option *expected = event->u.packet.options;
	struct packet_option	    is;
	unsigned		    n = 0;
	size_t			    at = 0;

	if (event->u.packet.any_options)
		return true;
	for (; at < actual->options_len; expected = expected ? expected->next : NULL) {
		n++;
		if (!read_option(actual, &at, &is) || !expected || !same_option(expected, &is))
			return differs(stage, event, actual, "bad value outbound TCP option %u", n);
	}
	return !expected || differs(stage, event, actual, "bad outbound TCP options: %u are too few", n);
}

static bool same_ecn(struct stage *stage, const struct script_event *event, const struct actual *actual)
{
	static const uint8_t  bits[] = { [ECN_NONE] = 0, [ECN_ECT1] = 1, [ECN_ECT0] = 2, [ECN_CE] = 3 };
	const enum packet_ecn ecn = event->u.packet.ecn;
	const uint8_t	      is = actual->ip.traffic_class & 3;

	if (ecn == ECN_UNSAID)
		return true;
	if (ecn == ECN_TOS)
		return same(stage, event, actual, "ip_tos", event->u.packet.tos, actual->ip.traffic_class);
	if (ecn == ECN_ECT01)
		return is == 1 || is == 2 || same(stage, event, actual, "ip_ecn", 2, is);
	return same(stage, event, actual, "ip_ecn", bits[ecn], is);
}

static bool same_segment(struct stage *stage, const struct script_event *event, const struct actual *actual)
{
	const struct script_packet *const packet = &event->u.packet;
	const struct tcp_segment *const	  seg = &actual->seg;

	if (!same_flags(stage, event, actual) ||
	    !same(stage, event, actual, "tcp_seq", packet->seq, seg->seq.v - actual->flow->local_shift))
		return false;
	if (packet->has_ack && !same(stage, event, actual, "tcp_ack_seq", packet->ack, seg->ack.v))
		return false;
	if (packet->has_window && !same(stage, event, actual, "tcp_window", packet->window, seg->wnd))
		return false;
	if (packet->has_urgent && !same(stage, event, actual, "tcp_urg_ptr", packet->urgent, seg->up))
		return false;
	if (packet->len != seg->text_len)
		return differs(stage, event, actual,
			       "live packet payload: expected %u bytes vs actual %u bytes", packet->len,
			       seg->text_len);
	return same_options(stage, event, actual) && same_ecn(stage, event, actual);
}

/* ---- time ---- */

static bool in_time(struct stage *stage, const struct script_event *event, const struct actual *actual)
{
	tern_time from = event->at, to = event->until;

	if (event->when == TIME_ANY)
		return true;
	if (actual->at >= from - stage->tolerance && actual->at <= to + stage->tolerance)
		return true;
	if (event->when == TIME_ABSOLUTE_RANGE || event->when == TIME_RELATIVE_RANGE)
		return differs(
			stage, event, actual,
			"timing error: expected outbound packet in time range %.6f~%.6f sec but happened at %.6f sec; "
			"tolerance %.6f sec",
			(double)from / 1e9, (double)to / 1e9, (double)actual->at / 1e9,
			(double)stage->tolerance / 1e9);
	return differs(
		stage, event, actual,
		"timing error: expected outbound packet at %.6f sec but happened at %.6f sec; tolerance %.6f sec",
		(double)from / 1e9, (double)actual->at / 1e9, (double)stage->tolerance / 1e9);
}

/* ---- taking ---- */

static struct sockets_left *unqueue(struct stage *stage)
{
	struct sockets_left *const left = stage->first;

	stage->first = left->next;
	if (!stage->first)
		stage->last = &stage->first;
	return left;
}

static uint32_t first_ts_val(const struct script_packet *packet, bool *has)
{
	for (const struct packet_option *option = packet->options; option; option = option->next)
		if (option->kind == OPT_TS) {
			*has = true;
			return option->a;
		}
	*has = false;
	return 0;
}

/* What the script calls the host's numbers is learnt from the first packet that shows them. */
static void learn(const struct script_event *event, struct actual *actual)
{
	const struct script_packet *const packet = &event->u.packet;
	struct flow *const		  flow = actual->flow;
	bool				  has;
	const uint32_t			  val = first_ts_val(packet, &has);

	/* The number of a reset to what belongs to no connection comes from the script's own ACK. */
	if (!flow->knows_isn && actual->seg.flags & TERN_RST)
		return;
	if (!flow->knows_isn || (actual->seg.flags & packet->flags & TERN_SYN)) {
		if (actual->seg.flags & TERN_SYN || !flow->knows_isn)
			flow->local_shift = actual->seg.seq.v - packet->seq;
		flow->knows_isn = true;
		flow->knows_ts = flow->knows_ts && !(actual->seg.flags & TERN_SYN);
	}
	if (!flow->knows_ts && has && actual->seg.opt.has_ts) {
		flow->knows_ts = true;
		flow->ts_shift = actual->seg.opt.ts_val - val;
	}
	flow->quote_seq = actual->seg.seq.v;
}

static bool read_packet(struct stage *stage, const struct script_event *event, const struct sockets_left *left,
			struct actual *actual)
{
	*actual = (struct actual){ .at = left->at };
	if (ip_wire_parse(&actual->ip, left->bytes, left->n) != IP_PARSED)
		return stage_fail(stage, event->line,
				  "error handling packet: what left the host is no IP packet");
	if (actual->ip.protocol != IPPROTO_TCP_ ||
	    !tcp_wire_parse(&actual->seg, actual->ip.payload, actual->ip.payload_len))
		return stage_fail(stage, event->line,
				  "error handling packet: live packet protocol %u is not TCP",
				  actual->ip.protocol);
	actual->options = actual->ip.payload + TCP_HEADER_MIN;
	actual->options_len = (size_t)(actual->seg.text - actual->ip.payload) - TCP_HEADER_MIN;
	actual->flow = stage_flow_of(stage, actual->seg.src_port, actual->seg.dst_port);
	return true;
}

/* More text that left at the same time joins what is there, up to what the script expects (the original, whose
 * host segments in its device, sees it as one). */
static bool join(struct stage *stage, const struct script_event *event, struct actual *actual)
{
	const uint32_t wanted = event->u.packet.len;

	while (!stage->strict_segments && actual->seg.text_len > 0 && actual->seg.text_len < wanted) {
		struct actual more;

		if (!stage_await_packet(stage, stage->now) || stage->first->at > actual->at + stage->tolerance ||
		    !read_packet(stage, event, stage->first, &more))
			return stage->error[0] == '\0';
		if (more.flow != actual->flow || more.seg.text_len == 0 ||
		    more.seg.seq.v != actual->seg.seq.v + actual->seg.text_len ||
		    actual->seg.text_len + more.seg.text_len > wanted)
			return true;
		actual->seg.text_len += more.seg.text_len;
		actual->seg.flags |= more.seg.flags & (TERN_PSH | TERN_FIN);
		free(unqueue(stage));
	}
	return true;
}

bool packet_expect(struct stage *stage, const struct script_event *event)
{
	const struct script_packet *const packet = &event->u.packet;
	const tern_time			  latest = event->when == TIME_ANY
							   ? stage->now + AT_MOST * TERN_SECOND
							   : event->until + stage->tolerance + AT_MOST * TERN_SECOND;
	struct actual			  actual;
	struct sockets_left		 *left;
	bool				  good;

	if (packet->kind != PACKET_TCP)
		return stage_fail(stage, event->line,
				  "error handling packet: only TCP packets can be expected");
	if (!stage_await_packet(stage, latest)) {
		char script[LINE];

		script_print_packet(packet, script, sizeof script);
		return stage_fail(stage, event->line,
				  "error handling packet: no packet left the host\nscript packet: %9.6f %s",
				  (double)event->at / 1e9, script);
	}
	left = unqueue(stage);
	good = read_packet(stage, event, left, &actual);
	if (good && packet->src_port != 0)
		(void)stage_flow(stage, packet);
	if (good) {
		learn(event, &actual);
		stage->current = actual.flow;
		good = join(stage, event, &actual) && same_segment(stage, event, &actual) &&
		       in_time(stage, event, &actual);
	}
	free(left);
	return good;
}
