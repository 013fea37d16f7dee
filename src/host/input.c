/* Packets in. A batch is looked up in stages, so that the cache misses of its segments overlap (DESIGN
 * 5.5): read every header, hash every tuple and touch its bucket; touch the records that the buckets
 * name; then let the segments arrive, in the order they came.
 *
 * The stages may not change anything that an earlier packet of the batch would have: so whatever is no
 * plain TCP segment (fragments, ICMP, bad packets) is only marked, and read again in its turn.
 */
#include "host/lookup.h"

#include "wire/checksum.h"
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

void input_tcp(struct tern_host *host, struct lookup *in)
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
	if (!ip_receive_is_taken(lookup_judge(host, in)))
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
		lookup_read_header(in);
		if (in->parsed != IP_PARSED || in->ip.is_fragment || in->ip.protocol != IPPROTO_TCP_)
			return false;
		lookup_place(host, in);
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
