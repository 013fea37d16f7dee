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

enum { SEQ_AT = 4, CHECKSUM_AT = 16 }; /* in a TCP header */

struct template {
	uint32_t text_len; /* of the segments that it is for; 0: there is none yet */
	uint16_t flags;
	bool	 is_run;     /* headers are kept for the next */
	uint32_t start, len; /* of the TCP header; of all headers */
	uint32_t sum;	     /* of pseudo-header and header, without number and checksum; unless the link makes it */
	uint8_t	 headers[TERN_PACKET_HEADERS];
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

static bool add_text(struct tern_host *host, struct tern_packet *packet, const struct tcp_out *out)
{
	struct slice_part parts[TERN_PACKET_PARTS - 1];
	uint32_t	  got = 0;

	if (out->seg.text_len == 0)
		return true;
	if (!out->text) { /* not from the store: a keep-alive's octet */
		packet_add(packet, out->seg.text, out->seg.text_len, NULL);
		return true;
	}
	const size_t n = slices_gather(out->text, out->text_offset, out->seg.text_len, parts,
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

/* ---- headers ---- */

/* Headers, and what their sum hangs on. */
static void fill(struct template *template, uint8_t *headers, struct tern_host *host, struct outgoing *way,
		 const struct tcp_out *out)
{
	const uint32_t start = way->frame + (way->ip.version == 4 ? IPV4_HEADER : IPV6_HEADER);
	uint8_t *const tcp = headers + start;

	packet_bears(host, way, out->ttl, out->traffic_class);
	/* From the inside out: what stands inside says how long it is. */
	const uint32_t tcp_len = (uint32_t)tcp_wire_emit(tcp, &out->seg);
	(void)ip_wire_emit(headers + way->frame, &way->ip, tcp_len + out->seg.text_len);
	template->text_len = out->seg.text_len;
	template->flags = out->seg.flags;
	template->start = start;
	template->len = start + tcp_len;
	template->sum = checksum_pseudo_of(way->pseudo, tcp_len + out->seg.text_len);
	if (way->offload)
		put16(tcp + CHECKSUM_AT, (uint16_t)~checksum_finish(template->sum));
	else
		template->sum = checksum_header(checksum_header(template->sum, tcp, SEQ_AT), tcp + SEQ_AT + 4,
						tcp_len - SEQ_AT - 4);
	if (template->is_run)
		memcpy(template->headers, headers, sizeof template->headers);
}

/* An IPv4 packet that may be cut on its way has a name of its own. */
static bool fits(const struct template *template, const struct outgoing *way, const struct tcp_out *out)
{
	return template->text_len == out->seg.text_len && template->flags == out->seg.flags &&
	       template->text_len > 0 && (way->ip.version == 6 || way->ip.dont_fragment);
}

static void add_headers(struct tern_packet *packet, struct tern_host *host, struct outgoing *way,
			const struct tcp_out *out, struct template *template)
{
	if (fits(template, way, out)) {
		memcpy(packet->headers, template->headers, sizeof packet->headers);
		put32(packet->headers + template->start + SEQ_AT, out->seg.seq.v);
	} else {
		fill(template, packet->headers, host, way, out);
	}
	packet_add(packet, packet->headers, template->len, NULL);
}

/* MUST-2. */
static void checksum_segment(const struct tern_host *host, struct tern_packet *packet, const struct outgoing *way,
			     const struct template *template)
{
	uint8_t *const tcp = packet->headers + template->start;
	uint32_t       sum;
	size_t	       offset = 0; /* of the text: the header's length is even */

	if (way->offload) {
		packet->checksum_offload = true;
		packet->csum_start = (uint16_t)template->start;
		packet->csum_offset = CHECKSUM_AT;
		return;
	}
	sum = checksum_header(template->sum, tcp + SEQ_AT, 4);
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

/* Whose it is. */
struct sender {
	const struct tern_tuple *tuple;
	enum tcp_state		 state;
	const struct tcb	*tcb; /* or NULL */
};

static void make(struct tern_host *host, struct outgoing *way, const struct sender *from, const struct tcp_out *out,
		 struct template *template)
{
	struct tern_packet *const packet = packet_get(host);

	if (!packet)
		return;
	add_headers(packet, host, way, out, template);
	if (!add_text(host, packet, out)) {
		packet_free(host, packet);
		return;
	}
	packet->gso_size = out->gso_size;
	packet->gso_headers = out->gso_size ? (uint16_t)template->len : 0;
	checksum_segment(host, packet, way, template);
	packet->id = ++host->last_packet_id;
	count_segment(host, out, from->tcb != NULL);
	if (env_is_watched(&host->env))
		watch_segment_tx(&host->env, from->tuple, from->state, out, packet->id, from->tcb, host->now);
	packet_finish(host, way, packet);
}

/* What ends the text (PSH) or the stream (FIN) stands on the last. */
static void cut(struct tern_host *host, struct outgoing *way, const struct sender *from, const struct tcp_out *run,
		struct template *template)
{
	struct tcp_out piece = *run;
	uint32_t       left = run->seg.text_len;

	piece.gso_size = 0;
	piece.seg.flags &= (uint16_t)~(TCP_PSH | TCP_FIN);
	piece.seg.text_len = run->gso_size;
	for (; left > run->gso_size; left -= run->gso_size) {
		make(host, way, from, &piece, template);
		piece.seg.seq = seq_add(piece.seg.seq, run->gso_size);
		piece.text_offset += run->gso_size;
	}
	piece.seg.flags = run->seg.flags;
	piece.seg.text_len = left;
	make(host, way, from, &piece, template);
}

void packet_segment(struct tern_host *host, struct outgoing *way, const struct tern_tuple *tuple,
		    enum tcp_state state, const struct tcp_out *out, const struct tcb *tcb)
{
	const struct sender from = { tuple, state, tcb };
	struct template	    template;

	tern_assert(out->seg.src_port == tuple->local_port && out->seg.dst_port == tuple->remote_port);
	template.text_len = 0;
	template.is_run = out->gso_size > 0 && !way_splits(host, way);
	if (template.is_run)
		cut(host, way, &from, out, &template);
	else
		make(host, way, &from, out, &template);
}
