/* A run: packets of one batch that differ in nothing but what one segment after another must. Their headers are
 * compared with the ones of the packet before, word by word, rather than read: what was found of those holds. A sender
 * of bulk makes such packets, as do links that cut what a sender made (host/segment.c).
 *
 * Nothing of such a packet is believed before its own checksum is right, which is seen to when it arrives (MUST-3): by
 * tcp_arrive_more() in the pass that puts its text to its place, else by run_complete(). That the headers equal the
 * first's octet by octet holds whether or not the first proves right.
 */
#include "host/lookup.h"

#include "wire/checksum.h"

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

/* All but the number, PSH and the checksum of two TCP headers, of which one says how long it is. */
static bool same_header(const uint8_t *a, const uint8_t *b, uint32_t n)
{
	const uint32_t flags = (get32(a + 12) ^ get32(b + 12)) & ~((uint32_t)TCP_PSH << 16);

	return load32(a) == load32(b) && load32(a + 8) == load32(b + 8) && flags == 0 &&
	       get16(a + 18) == get16(b + 18) &&
	       same_words(a + TCP_HEADER_MIN, b + TCP_HEADER_MIN, n - TCP_HEADER_MIN);
}

bool run_read(struct lookup *in, const struct lookup *before)
{
	const struct lookup *const first = before->first ? before->first : before;
	const struct tcp_segment *const like = &first->seg;
	const uint32_t header = first->ip.header_len, tcp_header = (uint32_t)(like->text - first->ip.payload);

	if (in->len != before->len || in->link != before->link || in->offload != before->offload ||
	    in->frame != before->frame || in->looped_zone != before->looped_zone)
		return false;

	const uint8_t *const tcp = in->at + header; /* as long as the other, so it is there */
	if ((like->flags & ~TCP_PSH) != TCP_ACK || like->text_len == 0 ||
	    !seq_eq((seq_t){ get32(tcp + 4) }, seq_add(before->seg.seq, like->text_len)))
		return false;
	if (!same_words(in->at, first->at, header) || !same_header(tcp, first->ip.payload, tcp_header))
		return false;
	in->first = first;
	in->hash = first->hash;
	in->seg.seq = (seq_t){ get32(tcp + 4) };
	in->seg.flags = get16(tcp + 12) & TCP_FLAGS;
	in->seg.text = tcp + tcp_header;
	in->seg.text_len = like->text_len;
	return true;
}

uint32_t run_sum(const struct lookup *in)
{
	const uint8_t *const tcp = in->at + in->first->ip.header_len;

	return checksum_header(in->first->pseudo, tcp, (size_t)(in->seg.text - tcp));
}

bool run_complete(struct lookup *in)
{
	const struct lookup *const first = in->first;
	const struct tcp_segment own = in->seg;

	in->ip = first->ip;
	in->ip.payload = in->at + first->ip.header_len;
	in->tuple = first->tuple;
	in->seg = first->seg;
	in->seg.seq = own.seq;
	in->seg.flags = own.flags;
	in->seg.text = own.text;
	return in->offload || checksum_is_right(checksum_add(run_sum(in), own.text, own.text_len));
}
