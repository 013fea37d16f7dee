/* Packets that the script sends: made as written, with right checksums, and given to the host. */
#include "base/bytes.h"
#include "script/engine.h"
#include "wire/checksum.h"
#include "wire/icmp.h"

#include <string.h>

enum {
	OPTION_EOL = 0,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_WSCALE = 3,
	OPTION_SACK_OK = 4,
	OPTION_SACK = 5,
	OPTION_TS = 8
};

/* One option at `to`; its length. */
static size_t put_option(uint8_t *to, const struct packet_option *option, const struct flow *flow)
{
	switch (option->kind) {
	case OPT_EOL: to[0] = OPTION_EOL; return 1;
	case OPT_NOP: to[0] = OPTION_NOP; return 1;
	case OPT_MSS:
		to[0] = OPTION_MSS;
		to[1] = 4;
		put16(to + 2, (uint16_t)option->a);
		return 4;
	case OPT_WSCALE:
		to[0] = OPTION_WSCALE;
		to[1] = 3;
		to[2] = (uint8_t)option->a;
		return 3;
	case OPT_SACK_OK:
		to[0] = OPTION_SACK_OK;
		to[1] = 2;
		return 2;
	case OPT_TS:
		to[0] = OPTION_TS;
		to[1] = 10;
		put32(to + 2, option->a);
		put32(to + 6, option->b + (flow->knows_ts ? flow->ts_shift : 0));
		return 10;
	case OPT_RAW: memcpy(to, option->raw, option->n_raw); return option->n_raw;
	case OPT_SACK:
		to[0] = OPTION_SACK;
		to[1] = (uint8_t)(2 + 8 * option->n_sack);
		for (unsigned i = 0; i < option->n_sack; i++) {
			put32(to + 2 + 8 * i, option->sack[i].left + flow->local_shift);
			put32(to + 6 + 8 * i, option->sack[i].right + flow->local_shift);
		}
		return to[1];
	}
	return 0;
}

/* All of them, padded to words. 0 with wrong set: more than a header holds. */
static size_t put_options(uint8_t to[TCP_OPTIONS_MAX + 40], const struct script_packet *packet,
			  const struct flow *flow, bool *wrong)
{
	size_t n = 0;

	for (const struct packet_option *option = packet->options; option && n <= TCP_OPTIONS_MAX;
	     option = option->next)
		n += put_option(to + n, option, flow);
	while (n % 4 != 0)
		to[n++] = OPTION_EOL;
	*wrong = n > TCP_OPTIONS_MAX;
	return n;
}

static void begin_ip(const struct stage *stage, struct ip_header *ip, uint8_t protocol)
{
	*ip = (struct ip_header){
		.src = stage->remote,
		.dst = stage->local,
		.version = stage->v6 ? 6 : 4,
		.protocol = protocol,
		.ttl = 64,
		.dont_fragment = true,
	};
}

static uint8_t class_of(const struct script_packet *packet)
{
	switch (packet->ecn) {
	case ECN_ECT1: return 1;
	case ECN_ECT0: return 2;
	case ECN_CE: return 3;
	case ECN_TOS: return packet->tos;
	default: return 0;
	}
}

static bool inject_tcp(struct stage *stage, const struct script_event *event)
{
	static uint8_t			  bytes[STAGE_PACKET];
	const struct script_packet *const packet = &event->u.packet;
	struct flow *const		  flow = stage_flow(stage, packet);
	uint8_t				  options[TCP_OPTIONS_MAX + 40];
	struct ip_header		  ip;
	bool				  wrong;
	const size_t			  n = put_options(options, packet, flow, &wrong);
	const uint32_t			  len = (uint32_t)(TCP_HEADER_MIN + n) + packet->len;
	uint8_t				 *tcp;

	if (wrong)
		return stage_fail(stage, event->line,
				  "error handling packet: more options than a TCP header holds");
	begin_ip(stage, &ip, IPPROTO_TCP_);
	ip.traffic_class = class_of(packet);
	tcp = bytes + ip_wire_emit(bytes, &ip, len);
	memset(tcp, 0, len);
	put16(tcp, flow->remote);
	put16(tcp + 2, flow->local);
	put32(tcp + 4, packet->seq);
	put32(tcp + 8, packet->has_ack ? packet->ack + (flow->knows_isn ? flow->local_shift : 0) : 0);
	put16(tcp + 12, (uint16_t)((TCP_HEADER_MIN + n) / 4 << 12 | packet->flags));
	put16(tcp + 14, packet->window);
	put16(tcp + 18, packet->urgent);
	memcpy(tcp + TCP_HEADER_MIN, options, n);
	put16(tcp + 16,
	      checksum_finish(checksum_add(checksum_pseudo(&ip.src, &ip.dst, IPPROTO_TCP_, len), tcp, len)));
	stage->engine->input(stage, bytes, (size_t)(tcp - bytes) + len);
	return stage->error[0] == '\0';
}

/* ---- ICMP ---- */

static bool icmp_kind_of(const struct stage *stage, const struct script_packet *packet,
			 struct icmp_message *icmp)
{
	static const struct {
		const char    *type, *code;
		enum icmp_kind kind;
	} known[] = {
		{ "unreachable", "frag_needed", ICMP_PACKET_TOO_BIG },
		{ "packet_too_big", NULL, ICMP_PACKET_TOO_BIG },
		{ "unreachable", "net_unreachable", ICMP_NET_UNREACHABLE },
		{ "unreachable", "no_route", ICMP_NET_UNREACHABLE },
		{ "unreachable", "host_unreachable", ICMP_HOST_UNREACHABLE },
		{ "unreachable", "addr_unreachable", ICMP_HOST_UNREACHABLE },
		{ "unreachable", "protocol_unreachable", ICMP_PROTOCOL_UNREACHABLE },
		{ "unreachable", "port_unreachable", ICMP_PORT_UNREACHABLE },
		{ "unreachable", "packet_filtered", ICMP_ADMIN_PROHIBITED },
		{ "unreachable", "admin_prohibited", ICMP_ADMIN_PROHIBITED },
		{ "time_exceeded", "ttl_exceeded", ICMP_TIME_EXCEEDED },
		{ "time_exceeded", "frag_time_exceeded", ICMP_REASSEMBLY_TIME },
		{ "source_quench", NULL, ICMP_SOURCE_QUENCH },
		{ "parameter_problem", NULL, ICMP_PARAMETER_PROBLEM },
	};

	(void)stage;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		const bool same_code =
			known[i].code == packet->icmp_code ||
			(known[i].code && packet->icmp_code && strcmp(known[i].code, packet->icmp_code) == 0);

		if (strcmp(known[i].type, packet->icmp_type) != 0 || !same_code)
			continue;
		*icmp = (struct icmp_message){ .kind = known[i].kind,
					       .mtu = packet->mtu < 0 ? 0 : (uint32_t)packet->mtu };
		return true;
	}
	return false;
}

/* What the host sent, as a router quotes it: IP header and the first 8 bytes of TCP. */
static size_t put_quote(const struct stage *stage, const struct flow *flow,
			const struct script_packet *packet, uint8_t *to)
{
	struct ip_header ip;
	size_t		 n;

	begin_ip(stage, &ip, IPPROTO_TCP_);
	ip.src = stage->local;
	ip.dst = stage->remote;
	n = ip_wire_emit(to, &ip, TCP_HEADER_MIN + packet->len);
	memset(to + n, 0, TCP_HEADER_MIN);
	put16(to + n, flow->local);
	put16(to + n + 2, flow->remote);
	put32(to + n + 4, packet->quotes ? packet->seq + flow->local_shift : flow->quote_seq);
	return n + 8;
}

static bool inject_icmp(struct stage *stage, const struct script_event *event)
{
	const struct script_packet *const packet = &event->u.packet;
	const struct flow *const	  flow = stage->current;
	uint8_t				  bytes[256], body[128];
	struct icmp_message		  icmp;
	struct ip_header		  ip;
	size_t				  n, at;

	if (!flow)
		return stage_fail(stage, event->line,
				  "error handling packet: no segment yet that ICMP could quote");
	if (!icmp_kind_of(stage, packet, &icmp))
		return stage_fail(stage, event->line,
				  "error handling packet: 'icmp %s%s%s' is not known here", packet->icmp_type,
				  packet->icmp_code ? " " : "", packet->icmp_code ? packet->icmp_code : "");
	icmp.body = body;
	icmp.body_len = (uint32_t)put_quote(stage, flow, packet, body);
	begin_ip(stage, &ip, stage->v6 ? IPPROTO_ICMP6 : IPPROTO_ICMP4);
	at = ip_wire_emit(bytes, &ip, 8 + icmp.body_len);
	n = icmp_wire_emit(bytes + at, &icmp, &ip.src, &ip.dst);
	stage->engine->input(stage, bytes, at + n);
	return stage->error[0] == '\0';
}

bool packet_inject(struct stage *stage, const struct script_event *event)
{
	bool good = false;

	switch (event->u.packet.kind) {
	case PACKET_TCP: good = inject_tcp(stage, event); break;
	case PACKET_ICMP: good = inject_icmp(stage, event); break;
	default: return stage_fail(stage, event->line, "error handling packet: UDP is not played here");
	}
	call_look(stage);
	return good && stage->error[0] == '\0';
}
