/* A run: packets of one batch that differ in nothing but what one segment after another must. Their headers are
 * compared with the ones of the packet before, word by word, rather than read: what was found of those holds. A sender
 * of bulk makes such packets, as do links that cut what a sender made (host/segment.c).
 *
 * Nothing of such a packet is believed before its own checksum is right, which is seen to when it arrives (MUST-3): by
 * tcp_arrive_more() in the pass that puts its text to its place, else by run_complete(). That the headers equal the
 * first's octet by octet holds whether or not the first proves right. Nothing is kept of it meanwhile: where its text
 * lies, and its number, follow from its place in the run.
 */
#include "host/lookup.h"

#include "wire/checksum.h"

static uint16_t load16(const uint8_t *p)
{
	uint16_t word;

	memcpy(&word, p, sizeof word);
	return word;
}

static uint32_t load32(const uint8_t *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof word);
	return word;
}

static uint64_t load64(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof word);
	return word;
}

/* n is a multiple of 4. */
static bool same_words(const uint8_t *a, const uint8_t *b, uint32_t n)
{
	uint64_t other = 0;
	uint32_t i = 0;

	for (; i + 8 <= n; i += 8)
		other |= load64(a + i) ^ load64(b + i);
	if (i < n)
		other |= load32(a + i) ^ load32(b + i);
	return other == 0;
}

/* All but the number, PSH and the checksum of two TCP headers of n octets. */
static bool same_header(const uint8_t *a, const uint8_t *b, uint32_t n)
{
	const uint32_t flags = (get32(a + 12) ^ get32(b + 12)) & ~((uint32_t)TCP_PSH << 16);
	const uint32_t other = (load32(a) ^ load32(b)) | (load32(a + 8) ^ load32(b + 8)) | flags;

	return (other | (uint32_t)(load16(a + 18) ^ load16(b + 18))) == 0 &&
	       (n == TCP_HEADER_MIN ||
		same_words(a + TCP_HEADER_MIN, b + TCP_HEADER_MIN, n - TCP_HEADER_MIN));
}

enum { ID_AT = 4, ADDRESSES_AT = 12 };

/* All but the length, the identification and the checksum of two IPv4 headers without options. */
static bool same_ip(const uint8_t *a, const uint8_t *b)
{
	const uint32_t first = load16(a) ^ load16(b), fragment = load16(a + 6) ^ load16(b + 6);
	const uint32_t protocol = load16(a + 8) ^ load16(b + 8);

	return (first | fragment | protocol) == 0 && load64(a + ADDRESSES_AT) == load64(b + ADDRESSES_AT);
}

static bool ip_sum_is_right(const uint8_t *p)
{
	const uint64_t a = load64(p), b = load64(p + 8);

	return checksum_is_right(
		sum_fold32((a & UINT32_MAX) + (a >> 32) + (b & UINT32_MAX) + (b >> 32) + load32(p + 16)));
}

bool run_read_ip(const struct last_ways *last, struct lookup *in)
{
	const uint8_t *const p = in->at;

	if (!last->in_plain || in->link != last->in_link || in->len < IPV4_HEADER || !same_ip(p, last->in_head))
		return false;

	const uint32_t total = get16(p + 2);

	if (total < IPV4_HEADER || total > in->len || !ip_sum_is_right(p))
		return false;
	in->ip = last->in_ip;
	in->ip.id = get16(p + ID_AT);
	in->ip.payload = p + IPV4_HEADER;
	in->ip.payload_len = total - IPV4_HEADER;
	in->parsed = IP_PARSED;
	in->is_read = true;
	return true;
}

void run_keep_ip(struct last_ways *last, const struct lookup *in)
{
	last->in_plain = in->ip.version == 4 && in->ip.header_len == IPV4_HEADER && in->link != ROUTE_LOOPBACK;
	if (!last->in_plain)
		return;
	memcpy(last->in_head, in->at, IPV4_HEADER);
	last->in_ip = in->ip;
}

/* What is asked of each packet of a run, read off the first. */
struct run {
	const uint8_t *at; /* what begins with its frame's header, if it has one */
	uint32_t       frame, ip, tcp; /* octets of headers */
};

static struct run run_of(const struct lookup *first, const struct tern_packet *head)
{
	return (struct run){
		.at = head->part[0].at,
		.frame = (uint32_t)(first->at - head->part[0].at),
		.ip = first->ip.header_len,
		.tcp = (uint32_t)(first->seg.text - first->ip.payload),
	};
}

/* The same length is asked first: what is compared is there. */
static bool is_alike(const struct tern_packet *a, const struct tern_packet *b)
{
	return b->n_parts == 1 && a->part[0].n == b->part[0].n && a->link == b->link &&
	       a->checksum_offload == b->checksum_offload && a->zone == b->zone;
}

static bool goes_on(const struct run *run, const uint8_t *at, seq_t seq)
{
	const uint8_t *const ip = at + run->frame, *const tcp = ip + run->ip, *const other = run->at + run->frame;

	if (!seq_eq((seq_t){ get32(tcp + 4) }, seq) || (run->frame > 0 && memcmp(at, run->at, run->frame) != 0))
		return false;
	if (run->ip == IPV4_HEADER ? !same_words(ip, other, IPV4_HEADER) : !same_words(ip, other, run->ip))
		return false;
	return same_header(tcp, other + run->ip, run->tcp);
}

uint32_t run_length(const struct lookup *first, const struct tern_packet *head, const struct tern_packet *const batch[],
		    size_t n)
{
	const struct tcp_segment *const like = &first->seg;
	const struct run run = run_of(first, head);
	uint32_t length = 0;

	if ((like->flags & ~TCP_PSH) != TCP_ACK || like->text_len == 0)
		return 0;
	for (seq_t seq = like->seq; length < n; length++) {
		seq = seq_add(seq, like->text_len);
		if (!is_alike(head, batch[length]) || !goes_on(&run, batch[length]->part[0].at, seq))
			break;
	}
	return length;
}

const uint8_t *run_text(const struct lookup *first, const struct tern_packet *head, const struct tern_packet *packet)
{
	return packet->part[0].at + (first->seg.text - head->part[0].at);
}

uint32_t run_sum(const struct lookup *first, const uint8_t *text)
{
	const size_t header = (size_t)(first->seg.text - first->ip.payload);

	return checksum_header(first->pseudo, text - header, header);
}

bool run_complete(struct lookup *in, const struct lookup *first, const struct tern_packet *packet, const uint8_t *text,
		  uint32_t number)
{
	*in = *first;
	in->at = text - (first->seg.text - first->at);
	in->mark = packet->mark;
	in->ip.payload = text - (first->seg.text - first->ip.payload);
	in->seg.seq = seq_add(first->seg.seq, number * first->seg.text_len);
	in->seg.flags = get16(in->ip.payload + 12) & TCP_FLAGS;
	in->seg.text = text;
	return in->offload || checksum_is_right(checksum_add(run_sum(first, text), text, in->seg.text_len));
}
