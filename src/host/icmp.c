/* ICMP of both versions at the host's edge: echo; errors about our segments, which are given to the
 * connection only where the quote proves that their sender saw a segment of ours in flight (RFC 5927
 * 4.1; the connection checks the number, we the path MTU's); and the errors that we send, few (RFC 1122
 * 3.2.2, RFC 4443 2.4).
 */
#include "host/internal.h"

#include "wire/icmp.h"

enum { ICMP_HEADER = 8, ICMP_ECHO_MOST = 65535 - IPV6_HEADER };

/* ---- in ---- */

/* Echo (RFC 1122 3.2.2.6, RFC 4443 4.2): all the data comes back. */
static void echo(struct tern_host *host, const struct ip_header *ip, const struct icmp_message *request)
{
	struct icmp_message reply = *request;

	host->env.stats.IcmpInEchos++;
	if (request->body_len > ICMP_ECHO_MOST - ICMP_HEADER || host->n_icmp == HOST_BOUNCES)
		return;
	struct bounce *const bounce = bounce_get(host, ICMP_HEADER + (size_t)request->body_len);
	if (!bounce) {
		host->env.stats.TernReplyOverflow++;
		return;
	}
	reply.kind = ICMP_ECHO_REPLY;
	const size_t len = icmp_wire_emit(bounce->bytes, &reply, &ip->dst, &ip->src);
	host->env.stats.IcmpOutMsgs++;
	host->env.stats.IcmpOutEchoReps++;
	reply_icmp(host, ip->zone, &ip->dst, &ip->src, bounce, (uint32_t)len, ip->traffic_class);
}

struct meaning {
	enum tern_error error;
	bool		hard;
};

/* RFC 1122 4.2.3.9: codes 2 to 4 of "unreachable" are hard; the administrative ones too, as Linux has it.
 * What a hard error does to a connection that is up is the connection's business (RFC 5927 5.2). */
static bool understand(enum icmp_kind kind, struct meaning *meaning)
{
	switch (kind) {
	case ICMP_NET_UNREACHABLE:
		*meaning = (struct meaning){ TERN_ENETUNREACH, false };
		return true;
	case ICMP_HOST_UNREACHABLE:
	case ICMP_TIME_EXCEEDED:
	case ICMP_REASSEMBLY_TIME:
		*meaning = (struct meaning){ TERN_EHOSTUNREACH, false };
		return true;
	case ICMP_PROTOCOL_UNREACHABLE:
	case ICMP_PORT_UNREACHABLE:
		*meaning = (struct meaning){ TERN_ECONNREFUSED, true };
		return true;
	case ICMP_ADMIN_PROHIBITED:
		*meaning = (struct meaning){ TERN_EACCES, true };
		return true;
	case ICMP_PACKET_TOO_BIG:
		*meaning = (struct meaning){ TERN_EMSGSIZE, false };
		return true;
	case ICMP_PARAMETER_PROBLEM:
		*meaning = (struct meaning){ TERN_EPROTO, false };
		return true;
	default: /* source quench: MUST-55, RFC 6633 */
		return false;
	}
}

uint32_t icmp_quoted_len(const struct icmp_message *icmp, const struct ip_header *quoted)
{
	if (icmp->body_len < 6)
		return 0;
	return quoted->version == 4 ? get16(icmp->body + 2) : IPV6_HEADER + (uint32_t)get16(icmp->body + 4);
}

/* RFC 5927 4.1: the quoted octet is in flight. */
static bool is_in_flight(const struct tcb *tcb, uint32_t number)
{
	return seq_le(tcb->snd.una, seq(number)) && seq_lt(seq(number), tcb->snd.nxt);
}

/* RFC 1191, 8201: what the path carries now; 0: nothing to be acted on. */
static uint32_t lower_mtu(struct tern_host *host, const struct tcb *tcb, const struct icmp_message *icmp,
			  const struct ip_header *quoted, uint32_t number)
{
	struct route route;

	if (host->env.config.no_path_mtu_discovery || !is_in_flight(tcb, number) ||
	    !host_route(host, tcb->name.zone, &quoted->dst, &route) || route.link == ROUTE_LOOPBACK)
		return 0;
	const uint32_t len = icmp_quoted_len(icmp, quoted);
	const uint32_t lower = path_mtu_lower(&host->path_mtu, &quoted->dst, tcb->name.zone, icmp->mtu, len, route.mtu,
					      host->now);
	if (lower != 0)
		return lower;
	/* Another connection has learnt it before; this one has cut its segments for the wider path. */
	const uint32_t known = path_mtu_of(&host->path_mtu, &quoted->dst, tcb->name.zone, route.mtu, host->now);
	return len > known ? known : 0;
}

static bool error_for_block(struct tern_host *host, struct tcb *tcb, const struct icmp_message *icmp,
			    const struct ip_header *quoted, struct tcp_icmp *told)
{
	if (icmp->kind == ICMP_PACKET_TOO_BIG) {
		told->mtu = lower_mtu(host, tcb, icmp, quoted, told->seq);
		if (told->mtu == 0)
			return false;
	}
	const bool acted = tcp_icmp_arrives(tcb, told, quoted->version == 6, host->now);
	settle_block(host, tcb);
	return acted;
}

static void tell_error(struct tern_host *host, const struct tern_tuple *tuple, enum tcp_state state,
		       const struct icmp_message *icmp, bool v6, bool acted)
{
	if (!env_is_watched(&host->env))
		return;
	const struct tern_watch_event event = {
		.kind = TERN_WATCH_ICMP_RX,
		.now = host->now,
		.tuple = *tuple,
		.state = (enum tern_state)state,
		.u.icmp = { .type = icmp->type,
			    .code = icmp->code,
			    .version = v6 ? 6 : 4,
			    .acted = acted,
			    .mtu = icmp->mtu },
	};
	host->env.watcher.event(host->env.watcher.context, &event);
}

/* An error that came from outside is told to the watcher; one of our own making is not (MUST-54). */
static void tell_sender(struct tern_host *host, const struct icmp_message *icmp, const struct meaning *meaning,
			uint32_t zone, bool from_outside)
{
	struct ip_header  quoted;
	struct tern_tuple tuple = { .zone = zone };
	struct tcp_icmp	  told = { .mtu = 0 };
	enum tcp_state	  state = SYN_RECEIVED;
	bool		  acted;

	datagram_error(host, icmp, zone, -(int)meaning->error);
	if (!icmp_wire_quoted_tcp(icmp, &quoted, &tuple.local_port, &tuple.remote_port, &told.seq))
		return;
	tuple.local = quoted.src;
	tuple.remote = quoted.dst;
	told.error = -(int)meaning->error;
	told.hard = meaning->hard;

	const demux_ref ref = demux_find(&host->demux, &tuple);
	if (demux_ref_kind(ref) == DEMUX_BLOCK) {
		struct tcb *const tcb = tcb_pool_at(&host->blocks, demux_ref_index(ref));

		state = (enum tcp_state)tcb->state;
		acted = error_for_block(host, tcb, icmp, &quoted, &told);
	} else if (demux_ref_kind(ref) == DEMUX_HALF_OPEN) {
		acted = half_open_icmp(host, demux_ref_index(ref), told.seq, told.hard, host->now);
	} else {
		return;
	}
	if (from_outside)
		tell_error(host, &tuple, state, icmp, quoted.version == 6, acted);
}

/* Of what is quoted: a packet of ours that left by the link. */
static uint32_t zone_of_quoted(const struct tern_host *host, const struct icmp_message *icmp, uint8_t link)
{
	struct ip_header quoted;

	if (!ip_wire_parse_quoted(&quoted, icmp->body, icmp->body_len))
		return 0;
	return route_zone(&host->routes, link, &quoted.dst);
}

static void error_arrives(struct tern_host *host, const struct icmp_message *icmp, const struct ip_header *ip,
			  uint8_t link)
{
	struct meaning meaning;

	if (understand(icmp->kind, &meaning))
		tell_sender(host, icmp, &meaning,
			    link == ROUTE_LOOPBACK ? ip->zone : zone_of_quoted(host, icmp, link), true);
}

void icmp_unreachable_here(struct tern_host *host, uint8_t link, const uint8_t *packet, uint32_t n)
{
	const struct icmp_message icmp = { .kind = ICMP_HOST_UNREACHABLE, .body = packet, .body_len = n };
	const struct meaning	  meaning = { TERN_EHOSTUNREACH, true };

	tell_sender(host, &icmp, &meaning, zone_of_quoted(host, &icmp, link), false);
}

void icmp_arrive(struct tern_host *host, const struct ip_header *ip, const uint8_t *packet, uint32_t len,
		 uint8_t link, bool ours, uint64_t mark)
{
	struct icmp_message icmp;

	host->env.stats.IcmpInMsgs++;
	if (!icmp_wire_parse(&icmp, ip)) {
		host->env.stats.IcmpInErrors++;
		input_drop(host, ip, TERN_VERDICT_MALFORMED, ip->payload_len, mark);
		return;
	}
	if (icmp.kind == ICMP_ECHO && ours)
		echo(host, ip, &icmp);
	else if (icmp.kind == ICMP_ECHO || icmp.kind == ICMP_ECHO_REPLY)
		(void)datagram_arrive_echo(host, ip, &icmp, packet, len, link); /* nobody waits: dropped */
	else if (ours)
		error_arrives(host, &icmp, ip, link);
}

/* ---- out ---- */

/* An error to dst about the packet at quote. src: unspecified, or the address that it should bear. */
static void send_error(struct tern_host *host, struct icmp_message *error, uint32_t zone, const struct tern_addr *src,
		       const struct tern_addr *dst, const uint8_t *quote, uint32_t len)
{
	const uint32_t	 most = addr_is_v4(dst) ? ICMP_QUOTE_MAX_V4 : ICMP_QUOTE_MAX_V6;
	struct tern_addr from = *src;

	if (!route_is_local(&host->routes, zone, src) && !route_source(&host->routes, zone, dst, &from))
		return;
	if (!icmp_limit_take(&host->icmp_limit, dst, host->now)) {
		host->env.stats.IcmpOutRateLimited++;
		return;
	}
	error->body = quote;
	error->body_len = min_u32(len, most);
	struct bounce *const bounce = bounce_get(host, ICMP_HEADER + (size_t)error->body_len);
	if (!bounce) {
		host->env.stats.TernReplyOverflow++;
		return;
	}
	const size_t n = icmp_wire_emit(bounce->bytes, error, &from, dst);
	host->env.stats.IcmpOutMsgs++;
	host->env.stats.IcmpOutErrors++;
	reply_icmp(host, zone, &from, dst, bounce, (uint32_t)n, 0);
}

void icmp_error(struct tern_host *host, const struct ip_header *ip, const uint8_t *packet, uint32_t len, int kind,
		uint8_t code, uint32_t pointer)
{
	struct icmp_message error = {
		.kind = (enum icmp_kind)kind,
		.type = 4, /* of ICMPv6's parameter problem, the only one that looks at it */
		.code = code,
		.pointer = pointer,
	};

	if (icmp_may_answer(&host->routes, ip))
		send_error(host, &error, ip->zone, &ip->dst, &ip->src, packet, len);
}

void icmp_error_mtu(struct tern_host *host, const struct ip_header *ip, const uint8_t *packet, uint32_t len, int kind,
		    uint32_t mtu)
{
	struct icmp_message error = { .kind = (enum icmp_kind)kind, .mtu = mtu };

	if (icmp_may_answer(&host->routes, ip))
		send_error(host, &error, ip->zone, &ip->dst, &ip->src, packet, len);
}

void icmp_reassembly_expired(struct tern_host *host, const struct ip_reassembly_expired *expired)
{
	struct icmp_message error = { .kind = ICMP_REASSEMBLY_TIME };
	struct ip_header    ip;

	if (expired->quote_len == 0 || !ip_wire_parse_quoted(&ip, expired->quote, expired->quote_len))
		return;
	ip.zone = expired->zone;
	if (icmp_may_answer(&host->routes, &ip))
		send_error(host, &error, expired->zone, &expired->dst, &expired->src, expired->quote,
			   expired->quote_len);
}

void icmp_refuse(struct tern_host *host, const struct tern_tuple *tuple, seq_t irs, int kind)
{
	struct icmp_message	 error = { .kind = (enum icmp_kind)kind };
	const struct tcp_segment syn = {
		.src_port = tuple->remote_port,
		.dst_port = tuple->local_port,
		.seq = irs,
		.flags = TCP_SYN,
	};
	/* The SYN was not kept: as much of it as an error must quote (RFC 792, RFC 5927 4.1) is made again. */
	const struct ip_header ip = {
		.src = tuple->remote,
		.dst = tuple->local,
		.version = addr_is_v4(&tuple->remote) ? 4 : 6,
		.protocol = IPPROTO_TCP_,
		.ttl = 64,
	};
	uint8_t	     quote[IPV6_HEADER + TCP_HEADER_MIN];
	const size_t n = ip_wire_emit(quote, &ip, TCP_HEADER_MIN);

	(void)tcp_wire_emit(quote + n, &syn);
	send_error(host, &error, tuple->zone, &tuple->local, &tuple->remote, quote, (uint32_t)n + TCP_HEADER_MIN);
}
