/* What a batch holds beside plain segments for us, one packet at a time and in its turn: fragments, ICMP, neighbour
 * discovery, ARP, datagrams, what is for several, what nobody here is asked, and what is wrong. */
#include "host/lookup.h"

#include "wire/icmp.h"
#include "wire/nd.h"
#include "wire/nd_router.h"

static void input_protocol(struct tern_host *host, struct lookup *in, bool ours)
{
	const uint8_t icmp = in->ip.version == 4 ? IPPROTO_ICMP4 : IPPROTO_ICMP6;

	if (in->ip.protocol == IPPROTO_TCP_) {
		input_tcp(host, in);
	} else if (in->ip.protocol == icmp) {
		host->env.stats.InDelivers++;
		icmp_arrive(host, &in->ip, in->at, in->len, in->link, ours, in->mark);
	} else if (in->ip.protocol == IPPROTO_UDP_ &&
		   datagram_arrive_udp(host, &in->ip, in->at, in->len, in->link, ours, in->offload)) {
		host->env.stats.InDelivers++;
	} else {
		host->env.stats.InUnknownProtos++;
		const int kind = in->ip.protocol == IPPROTO_UDP_ ? ICMP_PORT_UNREACHABLE : ICMP_PROTOCOL_UNREACHABLE;
		if (ours) /* somebody else's silence is not ours to break */
			icmp_error(host, &in->ip, in->at, in->len, kind, 0, in->ip.protocol_at);
	}
}

static bool is_for_us(struct tern_host *host, const struct lookup *in, enum ip_receive_verdict verdict, bool *ours)
{
	*ours = verdict == IP_RECEIVE_OURS;
	if (ip_receive_is_taken(verdict))
		return true;
	host->env.stats.InAddrErrors++;
	input_drop(host, &in->ip, TERN_VERDICT_BAD_ADDRESS, in->len, in->mark);
	return false;
}

/* Reads the IP header. False: dropped, counted, and answered where RFC 8200 4 wants it. */
static bool read_ip(struct tern_host *host, struct lookup *in)
{
	bool ours;

	lookup_read_header(in);
	lookup_place(host, in);
	switch (in->parsed) {
	case IP_PARSED:
		return true;
	case IP_PARAMETER_PROBLEM:
		host->env.stats.InHdrErrors++;
		if (is_for_us(host, in, lookup_judge(host, in), &ours)) {
			icmp_error(host, &in->ip, in->at, in->len, ICMP_PARAMETER_PROBLEM, in->ip.problem_code,
				   in->ip.problem_pointer);
			input_drop(host, &in->ip, TERN_VERDICT_MALFORMED, in->len, in->mark);
		}
		return false;
	case IP_BAD_CHECKSUM:
		host->env.stats.InHdrErrors++;
		input_drop(host, NULL, TERN_VERDICT_BAD_CHECKSUM, in->len, in->mark);
		return false;
	default:
		host->env.stats.InHdrErrors++;
		input_drop(host, NULL, TERN_VERDICT_MALFORMED, in->len, in->mark);
		return false;
	}
}

/* What fragments made up may be for another of the hosts that share the address. True: it went there. */
static bool pass_on(const struct tern_host *host, const struct lookup *in)
{
	const struct tern_share *const share = &host->env.config.share;
	const unsigned		       to = share_of_packet(share, in->at, in->len, false);

	if (to == share->index || to >= share->n)
		return false;
	if (share->pass)
		share->pass(share->context, to, in->link, in->at, in->len);
	return true;
}

/* One fragment. True: *in is the whole packet now. */
static bool reassemble(struct tern_host *host, struct lookup *in)
{
	struct tern_stats *const  stats = &host->env.stats;
	struct ip_reassembled	  whole = { .packet = NULL };
	const uint64_t		  given_up = host->reassembly.given_up;

	stats->ReasmReqds++;
	const enum ip_reassembly_result result =
		ip_reassembly_add(&host->reassembly, &in->ip, in->ip.zone, host->now, &whole);
	stats->ReasmFails += host->reassembly.given_up - given_up + (result >= IP_REASSEMBLY_TOO_LONG);
	if (whole.problem)
		icmp_error(host, &in->ip, in->at, in->len, ICMP_PARAMETER_PROBLEM, whole.problem_code,
			   whole.problem_pointer);
	if (result != IP_REASSEMBLY_COMPLETE) {
		if (result >= IP_REASSEMBLY_BAD_LENGTH)
			input_drop(host, &in->ip, TERN_VERDICT_MALFORMED, in->len, in->mark);
		return false;
	}
	stats->ReasmOKs++;
	in->at = whole.packet;
	in->len = whole.len;
	in->offload = false; /* the device saw pieces only */
	in->is_read = false;
	if (!share_is_one(&host->env.config.share) && in->link != ROUTE_LOOPBACK && pass_on(host, in))
		return false;
	return read_ip(host, in) && !in->ip.is_fragment;
}

static void drop_address(struct tern_host *host, const struct lookup *in)
{
	host->env.stats.InAddrErrors++;
	input_drop(host, &in->ip, TERN_VERDICT_BAD_ADDRESS, in->len, in->mark);
}

/* A packet to several: datagram sockets that asked for it have it, nobody else. Whatever it is, it is never
 * answered (RFC 1122 3.2.2, 4.2.3.10): neither with an error nor with a segment (MUST-57). */
static void input_to_group(struct tern_host *host, struct lookup *in)
{
	if (!datagram_hears(host, in->link, &in->ip.dst)) {
		drop_address(host, in);
		return;
	}
	if (in->ip.is_fragment && !reassemble(host, in))
		return;
	if (in->ip.protocol == IPPROTO_UDP_ &&
	    datagram_arrive_group(host, &in->ip, in->at, in->len, in->link, in->offload))
		host->env.stats.InDelivers++;
	else
		drop_address(host, in);
}

/* Neighbour discovery, to us or to a group: true, it was that. */
static bool input_nd(struct tern_host *host, const struct lookup *in)
{
	if (nd_is(&in->ip))
		ethernet_nd_arrive(host, in->link, &in->ip, in->at, in->mark);
	else if (nd_router_is(&in->ip))
		ethernet_solicitation_arrive(host, in->link, &in->ip, in->at, in->len, in->mark);
	else
		return false;
	return true;
}

/* RFC 1122 3.3.6: what a frame for several brings must be for several itself. */
static void input_group(struct tern_host *host, struct lookup *in)
{
	lookup_read_header(in);
	if (in->parsed != IP_PARSED) {
		host->env.stats.InHdrErrors++;
		input_drop(host, NULL, TERN_VERDICT_MALFORMED, in->len, in->mark);
		return;
	}
	lookup_place(host, in);
	if (input_nd(host, in)) {
		return;
	} else if (ip_receive_is_group(lookup_judge(host, in))) {
		input_to_group(host, in);
	} else {
		drop_address(host, in);
	}
}

static void input_packet(struct tern_host *host, struct lookup *in)
{
	bool ours;

	if (!read_ip(host, in))
		return;
	if (in->frame == FRAME_IP && input_nd(host, in))
		return;
	const enum ip_receive_verdict verdict = lookup_judge(host, in);
	if (ip_receive_is_group(verdict)) {
		input_to_group(host, in);
		return;
	}
	if (!is_for_us(host, in, verdict, &ours))
		return;
	if (in->ip.is_fragment && !reassemble(host, in))
		return;
	input_protocol(host, in, ours);
}

void input_one(struct tern_host *host, struct lookup *in)
{
	switch (in->frame) {
	case FRAME_NONE:
	case FRAME_IP:
		input_packet(host, in);
		break;
	case FRAME_GROUP:
		input_group(host, in);
		break;
	case FRAME_ARP:
		ethernet_arp_arrive(host, in->link, in->at, in->len, in->mark);
		break;
	default:
		ethernet_drop(host, in->frame, in->len, in->mark);
	}
}
