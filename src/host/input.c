/* Packets in. A batch is looked up in stages, so that the cache misses of its segments overlap (DESIGN
 * 5.5): read every header, hash every tuple and touch its bucket; touch the records that the buckets
 * name; then let the segments arrive, in the order they came.
 *
 * The stages may not change anything that an earlier packet of the batch would have: so whatever is no
 * plain TCP segment (fragments, ICMP, bad packets) is only marked, and read again in its turn.
 */
#include "host/lookup.h"

#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/nd.h"
#include "wire/nd_router.h"
#include "wire/tcp_read.h"

void input_drop(struct tern_host *host, const struct ip_header *ip, enum tern_verdict verdict, uint32_t len,
		uint64_t mark)
{
	struct tern_tuple tuple = { .zone = 0 };

	host->env.stats.TernVerdict[verdict]++;
	if (!env_is_watched(&host->env))
		return;
	if (ip) {
		tuple.local = ip->dst;
		tuple.remote = ip->src;
		tuple.zone = ip->zone;
	}
	watch_drop(&host->env, &tuple, verdict, len, mark, host->now);
}

/* ---- where a segment goes ---- */

/* The block where the next segment may arrive before it is settled, so that a run of one connection's
 * segments is settled once. */
struct open_block {
	struct tcb *tcb;      /* NULL: the last one was settled, and may be gone */
	bool	    accepted; /* its last segment was */
};

/* What is over is settled at once. */
static inline void settle_over(struct tern_host *host, struct open_block *open)
{
	if (open->tcb->state >= ESTABLISHED && open->tcb->state != TIME_WAIT)
		return;
	settle_block(host, open->tcb);
	open->tcb = NULL;
}

static void arrive_block(struct tern_host *host, const struct lookup *in, struct tcb *tcb, struct open_block *open)
{
	const enum tcp_state before = (enum tcp_state)tcb->state;
	const seq_t	     una = tcb->snd.una;
	const enum tern_verdict verdict = tcp_arrive(tcb, &in->seg, in->ip.traffic_class, in->mark, host->now);

	/* RFC 4861 7.3.1: forward progress. Looked at only while some neighbour is in doubt. */
	if (__builtin_expect(neighbours_ask(&host->neighbours), 0) && seq_lt(una, tcb->snd.una))
		ethernet_confirm(host, in->link, &in->tuple.remote);

	/* RFC 9293 3.10.7.3, 3.10.7.4: before synchronization an unacceptable ACK is answered with a reset. */
	if (verdict == TERN_VERDICT_BAD_ACK && (before == SYN_SENT || before == SYN_RECEIVED))
		reply_reset(host, &in->tuple, before, &in->seg);
	*open = (struct open_block){ tcb, verdict == TERN_VERDICT_ACCEPTED };
	settle_over(host, open);
}

/* RFC 9293 3.10.7.1 for a tuple that names no connection, 3.10.7.2 where somebody listens. */
static void arrive_nobody(struct tern_host *host, const struct lookup *in)
{
	const uint32_t listener = listen_find(host, &in->tuple);
	struct tcb    *made = NULL;

	if (listener != LISTEN_NONE) {
		(void)listen_arrive(host, listener, &in->tuple, &in->seg, NULL, in->ip.traffic_class, in->mark,
				    host->now, &made);
		if (made)
			settle_block(host, made);
		return;
	}
	const bool reset = (in->seg.flags & TCP_RST) != 0;
	(void)host_verdict(host, &in->tuple, CLOSED, &in->seg,
			   reset ? TERN_VERDICT_STRAY_RESET : TERN_VERDICT_NO_CONNECTION, in->mark);
	reply_reset(host, &in->tuple, CLOSED, &in->seg);
}

/* Asked of the table. */
static void arrive_found(struct tern_host *host, const struct lookup *in, struct open_block *open)
{
	const demux_ref ref = demux_find_hash(&host->demux, &in->tuple, in->hash);
	const uint32_t	index = demux_ref_index(ref);
	struct tcb     *made = NULL;

	if (demux_ref_kind(ref) != DEMUX_BLOCK) /* tcp_arrive() counts its own */
		host->env.stats.TernOptionsMalformed += in->seg.opt.malformed;
	switch (demux_ref_kind(ref)) {
	case DEMUX_BLOCK:
		arrive_block(host, in, tcb_pool_at(&host->blocks, index), open);
		break;
	case DEMUX_HALF_OPEN:
		(void)half_open_arrive(host, index, &in->tuple, &in->seg, in->ip.traffic_class, in->mark, host->now,
				       &made);
		if (made)
			settle_block(host, made);
		break;
	case DEMUX_TIME_WAIT:
		(void)time_wait_arrive(host, index, &in->tuple, &in->seg, in->ip.traffic_class, in->mark, host->now);
		break;
	default:
		arrive_nobody(host, in);
	}
}

static uint32_t ports_of(const struct lookup *in)
{
	return (uint32_t)in->seg.dst_port << 16 | in->seg.src_port;
}

/* Where it went is looked at first when the next comes. */
static void remember(struct tern_host *host, const struct lookup *in, uint32_t index)
{
	const uint32_t ports = ports_of(in);

	host->last.blocks[(ports ^ ports >> 16) % LAST_BLOCKS].ports = ports;
	host->last.blocks[(ports ^ ports >> 16) % LAST_BLOCKS].index = index;
}

static uint32_t known(const struct tern_host *host, const struct lookup *in)
{
	const uint32_t ports = ports_of(in);

	return host->last.blocks[(ports ^ ports >> 16) % LAST_BLOCKS].ports == ports ?
		       host->last.blocks[(ports ^ ports >> 16) % LAST_BLOCKS].index :
		       TCB_NONE;
}

/* Nearly always it is for the first of its bucket with its tag, and that is a block: looked at without asking round. */
static void arrive_hashed(struct tern_host *host, struct lookup *in, struct open_block *open)
{
	if (in->known != TCB_NONE)
		in->hash = demux_hash(&host->demux, &in->tuple);

	const demux_ref	  guess = demux_guess(&host->demux, in->hash);
	struct tcb *const tcb =
		demux_ref_kind(guess) == DEMUX_BLOCK ? tcb_pool_at(&host->blocks, demux_ref_index(guess)) : NULL;

	if (!tcb || !tcb_is(tcb, &in->tuple)) {
		arrive_found(host, in, open);
		return;
	}
	remember(host, in, demux_ref_index(guess));
	arrive_block(host, in, tcb, open);
}

/* A block in ESTABLISHED stands in the table, and no other bears its name. What else may come of a segment it sees to
 * itself (arrive_block()), but for what is over then. */
static void arrive_segment(struct tern_host *host, struct lookup *in, struct open_block *open)
{
	struct tcb *const tcb = tcb_pool_at(&host->blocks, in->known);

	if (tcb && tcb->state == ESTABLISHED && tcb_is(tcb, &in->tuple) && !neighbours_ask(&host->neighbours)) {
		open->accepted = tcp_arrive(tcb, &in->seg, in->ip.traffic_class, in->mark, host->now) ==
				 TERN_VERDICT_ACCEPTED;
		open->tcb = tcb;
		settle_over(host, open);
	} else {
		arrive_hashed(host, in, open);
	}
}

/* ---- reading ---- */

/* Reads the segment of a packet for us. What is wrong with it, or ACCEPTED. pseudo: the sum of its pseudo-header, of
 * length 0. */
static enum tern_verdict read_segment(const struct tern_host *host, struct lookup *in, uint32_t pseudo)
{
	if (!in->offload) {
		in->pseudo = checksum_pseudo_of(pseudo, in->ip.payload_len);
		if (!checksum_is_right(host->sum->add(in->pseudo, in->ip.payload, in->ip.payload_len)))
			return TERN_VERDICT_BAD_CHECKSUM; /* MUST-3 */
	}
	if (!tcp_wire_read(&in->seg, in->ip.payload, in->ip.payload_len))
		return TERN_VERDICT_MALFORMED;
	in->tuple = (struct tern_tuple){
		.local = in->ip.dst,
		.remote = in->ip.src,
		.local_port = in->seg.dst_port,
		.remote_port = in->seg.src_port,
		.zone = in->ip.zone,
	};
	return TERN_VERDICT_ACCEPTED;
}

static void count_bad_segment(struct tern_host *host, const struct lookup *in, enum tern_verdict verdict)
{
	host->env.stats.InSegs++;
	host->env.stats.InErrs++;
	host->env.stats.InCsumErrors += verdict == TERN_VERDICT_BAD_CHECKSUM;
	input_drop(host, &in->ip, verdict, in->ip.payload_len, in->mark);
}

static void count_segments(struct tern_host *host, const struct ip_header *ip, uint32_t n)
{
	struct tern_stats *const stats = &host->env.stats;
	const unsigned		 field = ip->traffic_class & 3;

	stats->InSegs += n;
	stats->InDelivers += n;
	if (field == 0) {
		stats->InNoECTPkts += n;
		return;
	}
	stats->InECT1Pkts += field == 1 ? n : 0;
	stats->InECT0Pkts += field == 2 ? n : 0;
	stats->InCEPkts += field == 3 ? n : 0;
}

static void input_tcp(struct tern_host *host, struct lookup *in)
{
	const uint32_t		pseudo = checksum_pseudo(&in->ip.src, &in->ip.dst, IPPROTO_TCP_, 0);
	struct open_block	open = { NULL, false };
	const enum tern_verdict verdict = read_segment(host, in, pseudo);

	if (verdict != TERN_VERDICT_ACCEPTED) {
		count_bad_segment(host, in, verdict);
		return;
	}
	in->known = TCB_NONE;
	in->hash = demux_hash(&host->demux, &in->tuple);
	count_segments(host, &in->ip, 1);
	arrive_segment(host, in, &open);
	if (open.tcb)
		settle_block(host, open.tcb);
}

/* ---- what is no plain segment, one at a time ---- */

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

static enum ip_receive_verdict judge(const struct tern_host *host, const struct lookup *in)
{
	return ip_receive_judge(&host->routes, &in->ip, in->link, host->env.config.forwarding_any);
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

/* Which of the hosts that have this address it is from. */
static void place(const struct tern_host *host, struct lookup *in)
{
	in->ip.zone = in->link == ROUTE_LOOPBACK ? in->looped_zone : route_zone(&host->routes, in->link, &in->ip.src);
}

/* Once for each packet: a peer may make it dear. */
static void read_header(struct lookup *in)
{
	if (!in->is_read)
		in->parsed = ip_wire_parse(&in->ip, in->at, in->len);
	in->is_read = true;
}

/* Reads the IP header. False: dropped, counted, and answered where RFC 8200 4 wants it. */
static bool read_ip(struct tern_host *host, struct lookup *in)
{
	bool ours;

	read_header(in);
	place(host, in);
	switch (in->parsed) {
	case IP_PARSED:
		return true;
	case IP_PARAMETER_PROBLEM:
		host->env.stats.InHdrErrors++;
		if (is_for_us(host, in, judge(host, in), &ours)) {
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
	read_header(in);
	if (in->parsed != IP_PARSED) {
		host->env.stats.InHdrErrors++;
		input_drop(host, NULL, TERN_VERDICT_MALFORMED, in->len, in->mark);
		return;
	}
	place(host, in);
	if (input_nd(host, in)) {
		return;
	} else if (ip_receive_is_group(judge(host, in))) {
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
	const enum ip_receive_verdict verdict = judge(host, in);
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

static void input_one(struct tern_host *host, struct lookup *in)
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

/* ---- the stages ---- */

/* What was found of the last one's addresses is true of this one's too. */
static bool is_judged(const struct last_ways *last, const struct lookup *in)
{
	return last->in_known && last->in_link == in->link && last->in_zone == in->ip.zone && !in->ip.source_routed &&
	       addr_equal(&last->in_src, &in->ip.src) && addr_equal(&last->in_dst, &in->ip.dst);
}

/* False: not for us, or for several. */
static bool judge_plain(struct tern_host *host, const struct lookup *in)
{
	struct last_ways *const last = &host->last;

	if (is_judged(last, in))
		return true;
	if (!ip_receive_is_taken(judge(host, in)))
		return false;
	last->in_known = true;
	last->in_link = in->link;
	last->in_zone = in->ip.zone;
	last->in_src = in->ip.src;
	last->in_dst = in->ip.dst;
	last->in_pseudo = checksum_pseudo(&in->ip.src, &in->ip.dst, IPPROTO_TCP_, 0);
	return true;
}

/* Headers of a plain segment for us, without a trace if it is anything else. */
static bool read_plain(struct tern_host *host, struct lookup *in)
{
	if (in->frame > FRAME_IP)
		return false;
	if (!run_read_ip(&host->last, in)) {
		read_header(in);
		if (in->parsed != IP_PARSED || in->ip.is_fragment || in->ip.protocol != IPPROTO_TCP_)
			return false;
		place(host, in);
		if (!judge_plain(host, in))
			return false;
		run_keep_ip(&host->last, in);
	}
	return read_segment(host, in, host->last.in_pseudo) == TERN_VERDICT_ACCEPTED;
}

/* Reads one packet; a tuple that is the last one's is not hashed again. */
static void stage_read(struct tern_host *host, struct lookup *in, const struct tern_packet *packet,
		       const struct lookup *before)
{
	in->at = packet->part[0].at;
	in->len = packet->n_parts == 1 ? packet->part[0].n : 0; /* anything else is malformed */
	in->link = packet->link;
	in->offload = packet->checksum_offload;
	in->mark = packet->mark;
	in->frame = FRAME_NONE;
	if (in->link < HOST_LINKS && host->links[in->link].ethernet)
		in->frame = ethernet_read(host, in->link, &in->at, &in->len);
	in->looped_zone = packet->zone;
	in->repeats = in->is_read = false;
	in->more = 0;
	in->plain = read_plain(host, in);
	if (!in->plain)
		return;
	in->repeats = before && before->plain && tuple_equal(&before->tuple, &in->tuple);
	in->known = in->repeats ? before->known : known(host, in);
	if (in->repeats)
		in->hash = before->hash;
	if (in->repeats || in->known != TCB_NONE)
		return;
	in->hash = demux_hash(&host->demux, &in->tuple);
	demux_prefetch(&host->demux, in->hash);
}

static void stage_touch(const struct tern_host *host, const struct lookup *in)
{
	const demux_ref guess = demux_guess(&host->demux, in->hash);

	if (demux_ref_kind(guess) == DEMUX_BLOCK) {
		const struct tcb *const tcb = tcb_pool_at(&host->blocks, demux_ref_index(guess));

		if (!tcb)
			return;
		__builtin_prefetch(tcb);
		__builtin_prefetch((const char *)tcb + 64);
		/* What is measured, heard and counted: of IPv4 nothing before it is asked. */
		__builtin_prefetch(&tcb_cold(tcb)->srtt8);
		__builtin_prefetch(&tcb_cold(tcb)->linger);
	}
}

/* The one `number` behind the first of a run, by itself. */
static void arrive_apart(struct tern_host *host, const struct lookup *first, const struct tern_packet *packet,
			 const uint8_t *text, uint32_t number, struct open_block *open)
{
	struct lookup in;

	if (!run_complete(&in, first, packet, text, number)) {
		count_bad_segment(host, &in, TERN_VERDICT_BAD_CHECKSUM);
		return;
	}
	count_segments(host, &in.ip, 1);
	if (open->tcb)
		arrive_block(host, &in, open->tcb, open);
	else
		arrive_segment(host, &in, open);
}

/* What goes on with the run that a packet begins, which has arrived. */
static void arrive_run(struct tern_host *host, const struct lookup *first, const struct tern_packet *const batch[],
		       struct open_block *open)
{
	const uint8_t *text[HOST_BATCH];
	uint32_t       sum[HOST_BATCH];

	for (uint32_t i = 0; i < first->more; i++) {
		text[i] = run_text(first, batch[0], batch[i + 1]);
		if (!first->offload)
			sum[i] = run_sum(first, text[i]);
	}
	for (uint32_t done = 0; done < first->more; done++) {
		const struct tcp_more more = {
			.text = text + done,
			.sum = first->offload ? NULL : sum + done,
			.seq = seq_add(first->seg.seq, (done + 1) * first->seg.text_len),
			.text_len = first->seg.text_len,
			.n = first->more - done,
		};

		if (open->tcb && open->accepted) {
			const uint32_t taken = tcp_arrive_more(open->tcb, &more, host->now);

			count_segments(host, &first->ip, taken);
			done += taken;
		}
		if (done < first->more)
			arrive_apart(host, first, batch[done + 1], text[done], done + 1, open);
	}
}

/* What a packet, and the run that it begins, bring. open: what is left to be settled. */
static void arrive_read(struct tern_host *host, struct lookup *in, const struct tern_packet *const batch[],
			struct open_block *open)
{
	if (open->tcb && !in->repeats) {
		settle_block(host, open->tcb);
		open->tcb = NULL;
	}
	if (!in->plain) {
		input_one(host, in);
		return;
	}
	count_segments(host, &in->ip, 1);
	if (open->tcb)
		arrive_block(host, in, open->tcb, open);
	else
		arrive_segment(host, in, open);
	if (in->more > 0)
		arrive_run(host, in, batch, open);
}

/* All of a batch arrives before anything is emitted (MUST-59). */
void input_packets(struct tern_host *host, const struct tern_packet *const batch[], size_t n)
{
	struct lookup	     in[HOST_BATCH], *end = in; /* of a run only the first */
	struct open_block    open = { NULL, false };
	const struct lookup *before = NULL;

	tern_assert(n <= HOST_BATCH);
	for (size_t i = 0; i < n; i += 1 + before->more) {
		stage_read(host, end, batch[i], before);
		if (end->plain && i + 1 < n && run_may_go_on(end, batch[i], batch[i + 1]))
			end->more = run_length(end, batch[i], batch + i + 1, n - i - 1);
		before = end++;
	}
	for (const struct lookup *one = in; one < end && n > 1; one++)
		if (one->plain && one->known == TCB_NONE)
			stage_touch(host, one);
	host->env.stats.InReceives += n;
	for (struct lookup *one = in; one < end; batch += 1 + one->more, one++)
		arrive_read(host, one, batch, &open);
	if (open.tcb)
		settle_block(host, open.tcb);
}

void tern_host_input(tern_host *host, tern_packet *const batch[], size_t n, tern_time now)
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){
					  .op = TERN_RECORD_INPUT, .now = now, .data = batch, .n = n });
	host_set_now(host, now);
	for (size_t done = 0; done < n;) {
		const struct tern_packet *piece[HOST_BATCH];
		const size_t		  pieces = min_size(n - done, HOST_BATCH);

		for (size_t i = 0; i < pieces; i++)
			piece[i] = batch[done + i];
		input_packets(host, piece, pieces);
		done += pieces;
	}
	host_tell_unreachable(host);
	host_shed(host);
}
