/* Segments become packets: headers in front, text where it lies in the send store.
 *
 * tcp/ makes a run of segments at once (one emit of up to a quantum, marked with gso_size). A link that splits gets it
 * whole; for any other it is cut here. Within a run the headers differ in sequence number and checksum alone, but for
 * the flags and length of the last one, so they are written and summed once, as a template, and each packet has a copy
 * with its own number: the sum of the rest is kept, and a number adds two words to it.
 *
 * A segment counts as sent when it is asked for; where a packet cannot be had (memory, packets, route) it is lost as on
 * a wire, and TCP sends it again.
 */
#include "host/internal.h"

#include "wire/checksum.h"
#include "wire/tcp_plain.h"

enum { SEQ_AT = 4, CHECKSUM_AT = 16 }; /* in a TCP header */

/* What was written in front of a segment. */
struct head {
	uint32_t start, len; /* of the TCP header; of all headers */
	uint32_t sum;	     /* of pseudo-header and header, without number and checksum; unless the link makes it */
};

struct template {
	struct head head;
	uint32_t    text_len; /* of the segments that it is for; 0: there is none yet */
	uint16_t    flags;
	uint8_t	    headers[TERN_PACKET_HEADERS];
};

/* ---- text ---- */

/* The text of a segment that lies in more pieces than a packet has parts, in one. */
static bool bounce_text(struct tern_host *host, struct tern_packet *packet, const struct tcp_out *out)
{
	struct bounce *const bounce = bounce_get(host, out->seg.text_len);

	if (!bounce)
		return false;
	slices_read(out->text, out->text_offset, bounce->bytes, out->seg.text_len);
	packet->part[0].held = bounce;
	packet_add(packet, bounce->bytes, out->seg.text_len, NULL);
	return true;
}

/* Of several pieces. */
__attribute__((noinline)) static bool add_pieces(struct tern_host *host, struct tern_packet *packet,
						 const struct tcp_out *out)
{
	struct slice_part parts[TERN_PACKET_PARTS - 1];
	uint32_t	  got = 0;
	const size_t	  n = slices_gather(out->text, out->text_offset, out->seg.text_len, parts,
					    TERN_PACKET_PARTS - 1, &got);

	if (got == out->seg.text_len) {
		for (size_t i = 0; i < n; i++)
			packet_add(packet, parts[i].at, parts[i].n, parts[i].slice);
		return true;
	}
	for (size_t i = 0; i < n; i++)
		slice_put(&host->env.slices, parts[i].slice);
	return bounce_text(host, packet, out);
}

static inline bool add_text(struct tern_host *host, struct tern_packet *packet, const struct tcp_out *out)
{
	struct slice_part whole;
	uint32_t	  got;

	if (out->seg.text_len == 0)
		return true;
	if (!out->text) { /* not from the store: a keep-alive's octet */
		packet_add(packet, out->seg.text, out->seg.text_len, NULL);
		return true;
	}
	(void)slices_gather(out->text, out->text_offset, out->seg.text_len, &whole, 1, &got);
	if (got == out->seg.text_len) {
		packet_add(packet, whole.at, whole.n, whole.slice);
		return true;
	}
	slice_put(&host->env.slices, whole.slice);
	return add_pieces(host, packet, out);
}

/* ---- headers ---- */

static inline void emit_ip(uint8_t *to, struct tern_host *host, struct outgoing *way, const struct tcp_out *out,
			   uint32_t payload_len)
{
	if (way->ip.dont_fragment) {
		ip_head4_emit(to, &way->head, out->ttl ? out->ttl : host->env.config.ttl, out->traffic_class,
			      payload_len);
		return;
	}
	packet_bears(host, way, out->ttl, out->traffic_class);
	(void)ip_wire_emit(to, &way->ip, payload_len);
}

/* Headers, and what their sum hangs on. */
__attribute__((always_inline)) static inline void fill(struct head *head, uint8_t *headers, struct tern_host *host,
						       struct outgoing *way, const struct tcp_out *out)
{
	const uint32_t start = way->frame + (way->ip.version == 4 ? IPV4_HEADER : IPV6_HEADER);
	uint8_t *const tcp = headers + start;

	/* From the inside out: what stands inside says how long it is. */
	const uint32_t tcp_len = (uint32_t)tcp_wire_emit_plain(tcp, &out->seg);
	emit_ip(headers + way->frame, host, way, out, tcp_len + out->seg.text_len);
	head->start = start;
	head->len = start + tcp_len;
	head->sum = checksum_pseudo_of(way->pseudo, tcp_len + out->seg.text_len);
	if (way->offload)
		put16(tcp + CHECKSUM_AT, (uint16_t)~checksum_finish(head->sum));
	else
		head->sum = checksum_header(checksum_header(head->sum, tcp, SEQ_AT), tcp + SEQ_AT + 4,
					    tcp_len - SEQ_AT - 4);
}

/* An IPv4 packet that may be cut on its way has a name of its own. */
static bool fits(const struct template *template, const struct outgoing *way, const struct tcp_out *out)
{
	return template->text_len == out->seg.text_len && template->flags == out->seg.flags &&
	       template->text_len > 0 && (way->ip.version == 6 || way->ip.dont_fragment);
}

/* MUST-2. */
static inline void checksum_segment(const struct tern_host *host, struct tern_packet *packet,
				    const struct outgoing *way, const struct head *head)
{
	uint8_t *const tcp = packet->headers + head->start;
	uint32_t       sum;
	size_t	       offset = 0; /* of the text: the header's length is even */

	if (way->offload) {
		packet->checksum_offload = true;
		packet->csum_start = (uint16_t)head->start;
		packet->csum_offset = CHECKSUM_AT;
		return;
	}
	sum = checksum_header(head->sum, tcp + SEQ_AT, 4);
	for (unsigned i = 1; i < packet->n_parts; i++) {
		sum = sum_join(sum, host->sum->add(0, packet->part[i].at, packet->part[i].n), offset);
		offset += packet->part[i].n;
	}
	put16(tcp + CHECKSUM_AT, checksum_finish(sum));
}

/* ---- segments ---- */

/* A segment counts as many times as the link will split it; emit.c counts the resets of blocks. */
static void count_segment(struct tern_host *host, const struct tcp_out *out, bool has_block)
{
	struct tern_stats *const stats = &host->env.stats;
	const uint32_t		 pieces = out->gso_size ? (out->seg.text_len + out->gso_size - 1u) / out->gso_size : 1;

	stats->OutSegs += pieces;
	stats->OutRsts += !has_block && (out->seg.flags & TCP_RST) != 0;
}

/* Somebody looks on. */
__attribute__((noinline)) static void tell(struct tern_host *host, const struct sender *from,
					   const struct tcp_out *out, uint64_t id)
{
	const enum tcp_state state = from->tcb ? (enum tcp_state)from->tcb->state : from->state;
	struct tern_tuple    tuple;

	if (from->tcb)
		tcb_get_tuple(from->tcb, &tuple);
	else
		tuple = *from->tuple;
	watch_segment_tx(&host->env, &tuple, state, out, id, from->tcb, host->now);
}

/* The headers stand in the packet, of which head tells. */
__attribute__((always_inline)) static inline void complete(struct tern_host *host, struct outgoing *way,
							   const struct sender *from, const struct tcp_out *out,
							   struct tern_packet *packet, const struct head *head)
{
	packet_begin(packet, head->len);
	if (!add_text(host, packet, out)) {
		packet_free(host, packet);
		return;
	}
	packet->gso_size = out->gso_size;
	packet->gso_headers = out->gso_size ? (uint16_t)head->len : 0;
	checksum_segment(host, packet, way, head);
	packet->id = ++host->last_packet_id;
	count_segment(host, out, from->tcb != NULL);
	if (env_is_watched(&host->env))
		tell(host, from, out, packet->id);
	packet_finish(host, way, packet);
}

/* ---- a run ---- */

/* Text that pieces take one behind the other: where it lies is asked once for all of them. */
struct run_text {
	struct slice_part part[TERN_PACKET_PARTS - 1]; /* each held, until the run is cut */
	size_t		  n, at;		       /* parts; the one that the next piece begins in */
	uint32_t	  skip;			       /* octets of that which pieces have already */
};

static bool run_text_begin(struct tern_host *host, struct run_text *run, const struct tcp_out *out, uint32_t len)
{
	uint32_t got;

	run->at = run->skip = 0;
	run->n = slices_gather(out->text, out->text_offset, len, run->part, TERN_PACKET_PARTS - 1, &got);
	if (got == len)
		return true;
	for (size_t i = 0; i < run->n; i++)
		slice_put(&host->env.slices, run->part[i].slice);
	return false;
}

static void run_text_end(struct tern_host *host, struct run_text *run)
{
	for (size_t i = 0; i < run->n; i++)
		slice_put(&host->env.slices, run->part[i].slice);
}

static void run_text_add(struct run_text *run, struct tern_packet *packet, uint32_t n)
{
	while (n > 0) {
		const struct slice_part *const part = &run->part[run->at];
		const uint32_t take = min_u32(n, part->n - run->skip);

		slice_hold(part->slice);
		packet_add(packet, part->at + run->skip, take, part->slice);
		n -= take;
		run->skip += take;
		if (run->skip == part->n)
			run->at++, run->skip = 0;
	}
}

/* A piece of a run: the first of its kind becomes the template. */
static void make_piece(struct tern_host *host, struct outgoing *way, const struct sender *from,
		       const struct tcp_out *out, struct template *template)
{
	struct tern_packet *const packet = packet_get(host);

	if (!packet)
		return;
	if (fits(template, way, out)) {
		memcpy(packet->headers, template->headers, sizeof packet->headers);
		put32(packet->headers + template->head.start + SEQ_AT, out->seg.seq.v);
	} else {
		fill(&template->head, packet->headers, host, way, out);
		template->text_len = out->seg.text_len;
		template->flags = out->seg.flags;
		memcpy(template->headers, packet->headers, sizeof template->headers);
	}
	complete(host, way, from, out, packet, &template->head);
}

/* What the template is for, with its own number and text: what make_piece() would make of it, where nobody looks on. */
static bool make_alike(struct tern_host *host, struct outgoing *way, const struct template *template,
		       struct run_text *text, seq_t seq)
{
	struct tern_packet *const packet = packet_get(host);

	if (!packet)
		return false;
	memcpy(packet->headers, template->headers, sizeof packet->headers);
	put32(packet->headers + template->head.start + SEQ_AT, seq.v);
	packet_begin(packet, template->head.len);
	run_text_add(text, packet, template->text_len);
	checksum_segment(host, packet, way, &template->head);
	packet->id = ++host->last_packet_id;
	host->env.stats.OutSegs++;
	packet_finish(host, way, packet);
	return true;
}

/* n pieces like the first, which was made. False: none of them was. */
static bool make_all_alike(struct tern_host *host, struct outgoing *way, const struct tcp_out *piece, uint32_t n,
			   const struct template *template)
{
	seq_t		seq = piece->seg.seq;
	struct run_text text;

	if (n == 0 || !piece->text || env_is_watched(&host->env) || !fits(template, way, piece) ||
	    !run_text_begin(host, &text, piece, n * piece->seg.text_len))
		return false;
	for (uint32_t i = 0; i < n && make_alike(host, way, template, &text, seq); i++)
		seq = seq_add(seq, template->text_len);
	run_text_end(host, &text);
	return true;
}

/* What ends the text (PSH) or the stream (FIN) stands on the last. */
__attribute__((noinline)) static void cut(struct tern_host *host, struct outgoing *way, const struct sender *from,
					  const struct tcp_out *run)
{
	const uint32_t	each = run->gso_size, ends = run->seg.flags & (TCP_PSH | TCP_FIN);
	uint32_t	alike = run->seg.text_len / each - (ends && run->seg.text_len % each == 0);
	struct tcp_out	piece = *run;
	struct template template;

	template.text_len = 0;
	piece.gso_size = 0;
	piece.seg.flags &= (uint16_t)~ends;
	piece.seg.text_len = each;
	for (bool is_first = true; alike > 0; is_first = false) {
		make_piece(host, way, from, &piece, &template);
		alike--;
		piece.seg.seq = seq_add(piece.seg.seq, each);
		piece.text_offset += each;
		if (is_first && make_all_alike(host, way, &piece, alike, &template)) {
			piece.seg.seq = seq_add(piece.seg.seq, alike * each);
			piece.text_offset += alike * each;
			break;
		}
	}
	piece.seg.flags = run->seg.flags;
	piece.seg.text_len = seq_sub(seq_add(run->seg.seq, run->seg.text_len), piece.seg.seq);
	if (piece.seg.text_len > 0)
		make_piece(host, way, from, &piece, &template);
}

void packet_segment(struct tern_host *host, struct outgoing *way, const struct sender *from,
		    const struct tcp_out *out)
{
	struct tern_packet *packet;
	struct head	    head;

	if (out->gso_size > 0 && !way_splits(host, way)) {
		cut(host, way, from, out);
		return;
	}
	packet = packet_get(host);
	if (!packet)
		return;
	fill(&head, packet->headers, host, way, out);
	complete(host, way, from, out, packet, &head);
}
