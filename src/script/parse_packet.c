/* Packets: "< S 0:0(0) win 32792 <mss 1460,sackOK>", "> [ect0] P. 1:11(10) ack 1", "< icmp unreachable ..." */
#include "script/parse.h"

#include <string.h>

static bool take_flags(struct parser *parser, struct script_packet *packet)
{
	static const struct {
		char	 letter;
		uint16_t flag;
	} letters[] = {
		{ 'F', TERN_FIN }, { 'S', TERN_SYN }, { 'R', TERN_RST }, { 'P', TERN_PSH },
		{ 'U', TERN_URG }, { 'E', TERN_ECE }, { 'W', TERN_CWR }, { 'A', TERN_AE },
	};
	const unsigned line = parser->now.line;
	const char    *word = "";

	if (parse_take(parser, '-'))
		return true; /* none */
	if (parser->now.kind == TOKEN_WORD) {
		word = parser->now.text;
		parse_advance(parser);
	} else if (!parse_is(parser, '.')) {
		return parse_wrong(parser, line, "flags are missing: S, S., ., P., F., R or -");
	}
	for (; *word; word++) {
		size_t i = 0;

		while (i < sizeof letters / sizeof *letters && letters[i].letter != *word)
			i++;
		if (i == sizeof letters / sizeof *letters)
			return parse_wrong(parser, line, "'%c' is no TCP flag", *word);
		packet->flags |= letters[i].flag;
	}
	if (parse_take(parser, '.'))
		packet->flags |= TERN_ACK;
	return true;
}

/* 1:11(10) */
static bool take_sequence(struct parser *parser, struct script_packet *packet)
{
	const unsigned line = parser->now.line;
	int64_t	       from, to, len;

	if (!parse_number(parser, 0, UINT32_MAX, &from, "a sequence number") || !parse_need(parser, ':') ||
	    !parse_number(parser, 0, UINT32_MAX, &to, "a sequence number") || !parse_need(parser, '(') ||
	    !parse_number(parser, 0, UINT16_MAX, &len, "a length") || !parse_need(parser, ')'))
		return false;
	if ((uint32_t)(to - from) != (uint32_t)len)
		return parse_wrong(parser, line, "%lld:%lld is not %lld octets", (long long)from,
				   (long long)to, (long long)len);
	packet->seq = (uint32_t)from;
	packet->len = (uint32_t)len;
	return true;
}

/* ---- options ---- */

static bool take_sack(struct parser *parser, struct packet_option *option)
{
	while (parser->now.kind == TOKEN_INTEGER) {
		int64_t left, right;

		if (option->n_sack == 4)
			return parse_wrong(parser, parser->now.line, "more than four SACK blocks");
		if (!parse_number(parser, 0, UINT32_MAX, &left, "a left edge") || !parse_need(parser, ':') ||
		    !parse_number(parser, 0, UINT32_MAX, &right, "a right edge"))
			return false;
		option->sack[option->n_sack].left = (uint32_t)left;
		option->sack[option->n_sack++].right = (uint32_t)right;
	}
	return option->n_sack > 0 || parse_wrong(parser, parser->now.line, "a SACK without blocks");
}

/* raw 253 4 1 2: octets as they are */
static bool take_raw(struct parser *parser, struct packet_option *option)
{
	int64_t octet;

	while (parser->now.kind == TOKEN_INTEGER) {
		if (option->n_raw == OPTION_RAW_MOST)
			return parse_wrong(parser, parser->now.line, "more octets than a TCP header holds");
		if (!parse_number(parser, 0, UINT8_MAX, &octet, "an octet"))
			return false;
		option->raw[option->n_raw++] = (uint8_t)octet;
	}
	return option->n_raw > 0 || parse_wrong(parser, parser->now.line, "raw without octets");
}

static bool take_timestamps(struct parser *parser, struct packet_option *option)
{
	int64_t val, ecr;

	if (!parse_take_word(parser, "val"))
		return parse_wrong(parser, parser->now.line, "TS wants 'val'");
	if (!parse_number(parser, 0, UINT32_MAX, &val, "a timestamp"))
		return false;
	if (!parse_take_word(parser, "ecr"))
		return parse_wrong(parser, parser->now.line, "TS wants 'ecr'");
	if (!parse_number(parser, 0, UINT32_MAX, &ecr, "an echoed timestamp"))
		return false;
	option->a = (uint32_t)val;
	option->b = (uint32_t)ecr;
	return true;
}

static bool take_option(struct parser *parser, struct packet_option *option)
{
	static const char *const names[] = { "mss", "sackOK", "sack", "TS", "nop", "wscale", "eol", "raw" };
	const unsigned		 line = parser->now.line;
	const char *const	 name = parser->now.text;
	int64_t			 n = 0;
	size_t			 i = 0;

	if (parser->now.kind != TOKEN_WORD)
		return parse_wrong(parser, line, "a TCP option is missing");
	while (i < sizeof names / sizeof *names && strcmp(names[i], name) != 0)
		i++;
	if (i == sizeof names / sizeof *names)
		return parse_wrong(parser, line, "'%s' is no TCP option known here", name);
	option->kind = (enum option_kind)i;
	parse_advance(parser);
	if (option->kind == OPT_SACK)
		return take_sack(parser, option);
	if (option->kind == OPT_RAW)
		return take_raw(parser, option);
	if (option->kind == OPT_TS)
		return take_timestamps(parser, option);
	if (option->kind == OPT_MSS && !parse_number(parser, 0, UINT16_MAX, &n, "an MSS"))
		return false;
	if (option->kind == OPT_WSCALE && !parse_number(parser, 0, UINT8_MAX, &n, "a shift"))
		return false;
	option->a = (uint32_t)n;
	return true;
}

static bool take_options(struct parser *parser, struct script_packet *packet)
{
	struct packet_option **end = &packet->options;

	if (!parse_take(parser, '<'))
		return true;
	if (parser->now.kind == TOKEN_ELLIPSIS) {
		if (packet->inbound)
			return parse_wrong(parser, parser->now.line, "<...> goes with packets that leave");
		parse_advance(parser);
		packet->any_options = true;
		return parse_need(parser, '>');
	}
	if (parse_take(parser, '>'))
		return true;
	do {
		*end = arena_get(&parser->script->arena, sizeof **end);
		if (!take_option(parser, *end))
			return false;
		end = &(*end)->next;
	} while (parse_take(parser, ','));
	return parse_need(parser, '>');
}

/* ---- the rest ---- */

/* [ect0], [tos 0x10] */
static bool take_marks(struct parser *parser, struct script_packet *packet)
{
	static const struct {
		const char     *word;
		enum packet_ecn ecn;
	} known[] = {
		{ "noecn", ECN_NONE }, { "ect1", ECN_ECT1 },   { "ect0", ECN_ECT0 },
		{ "ce", ECN_CE },      { "ect01", ECN_ECT01 },
	};
	int64_t tos;

	if (!parse_take(parser, '['))
		return true;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (!parse_take_word(parser, known[i].word))
			continue;
		packet->ecn = known[i].ecn;
		if (packet->inbound && packet->ecn == ECN_ECT01)
			return parse_wrong(parser, parser->now.line, "[ect01] goes with packets that leave");
		return parse_need(parser, ']');
	}
	if (!parse_take_word(parser, "tos"))
		return parse_wrong(parser, parser->now.line,
				   "not a mark known here: ect0, ect1, ect01, ce, noecn, tos");
	if (!parse_number(parser, 0, UINT8_MAX, &tos, "a traffic class"))
		return false;
	packet->ecn = ECN_TOS;
	packet->tos = (uint8_t)tos;
	return parse_need(parser, ']');
}

static bool take_ports(struct parser *parser, struct script_packet *packet)
{
	int64_t from, to;

	if (parser->now.kind != TOKEN_INTEGER)
		return true;
	if (!parse_number(parser, 1, UINT16_MAX, &from, "a port") || !parse_need(parser, '>') ||
	    !parse_number(parser, 1, UINT16_MAX, &to, "a port"))
		return false;
	packet->src_port = (uint16_t)from;
	packet->dst_port = (uint16_t)to;
	return true;
}

static bool take_tcp(struct parser *parser, struct script_packet *packet)
{
	int64_t n;

	if (!take_flags(parser, packet) || !take_sequence(parser, packet))
		return false;
	if (parse_take_word(parser, "ack")) {
		if (!parse_number(parser, 0, UINT32_MAX, &n, "an acknowledgment number"))
			return false;
		packet->has_ack = true;
		packet->ack = (uint32_t)n;
	}
	if (parse_take_word(parser, "win")) {
		if (!parse_number(parser, 0, UINT16_MAX, &n, "a window"))
			return false;
		packet->has_window = true;
		packet->window = (uint16_t)n;
	}
	if (parse_take_word(parser, "urg")) {
		if (!parse_number(parser, 0, UINT16_MAX, &n, "an urgent pointer"))
			return false;
		packet->has_urgent = true;
		packet->urgent = (uint16_t)n;
	}
	return take_options(parser, packet);
}

/* icmp unreachable frag_needed mtu 1200 [1:1461(1460)] */
static bool take_icmp(struct parser *parser, struct script_packet *packet)
{
	packet->kind = PACKET_ICMP;
	packet->mtu = -1;
	if (parser->now.kind != TOKEN_WORD)
		return parse_wrong(parser, parser->now.line, "the type of an ICMP message is missing");
	packet->icmp_type = parser->now.text;
	parse_advance(parser);
	if (parser->now.kind == TOKEN_WORD && !parse_is_word(parser, "mtu")) {
		packet->icmp_code = parser->now.text;
		parse_advance(parser);
	}
	if (parse_take_word(parser, "mtu") && !parse_number(parser, 0, UINT16_MAX, &packet->mtu, "an MTU"))
		return false;
	if (!parse_take(parser, '['))
		return true;
	packet->quotes = true;
	return take_sequence(parser, packet) && parse_need(parser, ']');
}

static bool take_udp(struct parser *parser, struct script_packet *packet)
{
	int64_t n;

	packet->kind = PACKET_UDP;
	if (!take_ports(parser, packet) || !parse_need(parser, '(') ||
	    !parse_number(parser, 0, UINT16_MAX, &n, "a length") || !parse_need(parser, ')'))
		return false;
	packet->len = (uint32_t)n;
	return true;
}

bool parse_packet(struct parser *parser, struct script_packet *packet)
{
	packet->inbound = parse_is(parser, '<');
	parse_advance(parser);
	if (!take_marks(parser, packet))
		return false;
	if (parse_take_word(parser, "udp"))
		return take_udp(parser, packet);
	if (parse_take_word(parser, "icmp"))
		return take_icmp(parser, packet);
	return take_ports(parser, packet) && take_tcp(parser, packet);
}
