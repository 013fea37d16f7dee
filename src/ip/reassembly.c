/* Theory of operation
 *
 * A datagram is a record under its key (addresses, identification, zone; for IPv4 the protocol too,
 * RFC 791 3.2) in a hashed table keyed by SipHash, so that no sender can aim at a chain. It holds its
 * fragments as a list sorted by offset. They never overlap, so it is complete exactly when the bytes
 * held are as many as its end says. A fragment costs one hash, one chain (4 records on average when the
 * room is full) and at most IP_REASSEMBLY_FRAGMENTS steps along the list; in order it costs none of
 * those (FragmentSmack, CVE-2018-5391).
 *
 * The timeout is one constant, so the records stand in the order of their deadlines in one list. Each is
 * also on the list of its source: sources are hashed to a fixed number of accounts, and an account may
 * hold a 1/IP_REASSEMBLY_SHARES part. What a source brings beyond its share pushes out its own oldest;
 * what does not fit the whole pushes out the oldest of all. So half datagrams that nobody completes
 * (Rose, New Dawn) never lock out a sender whose fragments arrive together.
 *
 * A datagram that is discarded keeps its record without fragments until its time is up, so that what is
 * still to come of it is dropped (RFC 5722 4). We do the same for IPv4, where an identification
 * may return within the timeout: the loss is one datagram's, and one policy is less to get wrong.
 *
 * Invariants: r->used counts every byte taken from mem and is at most r->limit; each record is on one
 * chain, one account and the list of all.
 */
#include "ip/datagram.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "wire/checksum.h"

enum { TCP_HEADER = 20 };

void ip_reassembly_init(struct ip_reassembly *r, struct mem *mem, const struct siphash_key *key,
			tern_time timeout)
{
	*r = (struct ip_reassembly){
		.mem = mem,
		.key = *key,
		.timeout = timeout,
		.limit = min_size(IP_REASSEMBLY_BYTES, mem->limit / 16),
	};
}

void ip_reassembly_trim(struct ip_reassembly *r)
{
	datagram_settle(r);
	if (r->n != 0)
		return;
	datagram_give(r, r->tables, sizeof *r->tables);
	r->tables = NULL;
}

void ip_reassembly_done(struct ip_reassembly *r)
{
	while (r->oldest != NULL)
		datagram_remove(r, r->oldest);
	ip_reassembly_trim(r);
	tern_assert(r->used == 0);
}

/* ---- what a fragment must be by itself ---- */

/* IPv4 has no error for these. */
static enum ip_reassembly_result problem(struct ip_reassembled *out, const struct ip_header *ip, uint8_t code,
					 uint32_t pointer, enum ip_reassembly_result why)
{
	if (ip->version == 6) {
		out->problem = true;
		out->problem_code = code;
		out->problem_pointer = pointer;
	}
	return why;
}

/* RFC 1858 3, RFC 3128: a TCP header is in the first fragment whole, and no later one reaches into it. */
static bool splits_tcp(const struct ip_header *ip, const uint8_t *text, uint32_t len)
{
	if (ip->fragment_offset != 0)
		return ip->fragment_offset < TCP_HEADER;
	return len < TCP_HEADER || len < (text[12] >> 4) * 4u;
}

/* RFC 7112: the first fragment holds every header, the transport's included. HELD where it does. */
static enum ip_reassembly_result check_headers(const struct ip_header *ip)
{
	enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, AUTHENTICATION = 51, DESTINATION = 60 };
	const uint8_t *at = ip->payload;
	uint32_t       left = ip->payload_len;
	unsigned       next = ip->protocol;

	if (ip->fragment_offset != 0 || ip->version == 4)
		return next == IPPROTO_TCP_ && splits_tcp(ip, at, left) ? IP_REASSEMBLY_TINY
									: IP_REASSEMBLY_HELD;
	for (unsigned n = 0;
	     next == HOP_BY_HOP || next == ROUTING || next == AUTHENTICATION || next == DESTINATION; n++) {
		if (n == IP_EXTENSION_HEADERS_MAX || left < 8)
			return IP_REASSEMBLY_TINY;
		const uint32_t len = next == AUTHENTICATION ? (at[1] + 2u) * 4 : (at[1] + 1u) * 8;
		if (len >= left)
			return IP_REASSEMBLY_TINY;
		next = at[0];
		at += len;
		left -= len;
	}
	if (next == FRAGMENT)
		return IP_REASSEMBLY_NESTED;
	return next == IPPROTO_TCP_ && splits_tcp(ip, at, left) ? IP_REASSEMBLY_TINY : IP_REASSEMBLY_HELD;
}

/* HELD: nothing is wrong with it. */
static enum ip_reassembly_result check_alone(const struct ip_header *ip, struct ip_reassembled *out)
{
	enum { PAYLOAD_LENGTH_AT = 4 };

	if (ip->payload_len == 0 || (ip->more_fragments && ip->payload_len % 8 != 0))
		return problem(out, ip, 0, PAYLOAD_LENGTH_AT, IP_REASSEMBLY_BAD_LENGTH);
	const enum ip_reassembly_result headers = check_headers(ip);
	if (headers == IP_REASSEMBLY_TINY && ip->fragment_offset == 0)
		return problem(out, ip, 3, 0, headers);
	return headers;
}

/* RFC 791 3.1, RFC 8200 4.5: what the length field of the whole packet can say. */
static bool is_too_long(const struct ip_header *ip)
{
	const uint32_t before = ip->version == 4 ? ip->header_len : ip->unfragmentable_len - IPV6_HEADER;

	return before + ip->fragment_offset + ip->payload_len > 65535;
}

/* ---- its place among the others ---- */

static bool is_duplicate(const struct ip_datagram *d, const struct ip_piece *there,
			 const struct ip_header *ip)
{
	const bool there_is_end = d->has_end && there->offset + there->len == d->end;

	return there->offset == ip->fragment_offset && there->len == ip->payload_len &&
	       there_is_end == !ip->more_fragments &&
	       memcmp(there->bytes + there->header, ip->payload, there->len) == 0;
}

/* Finds the last piece that starts at or before the fragment (NULL: none does). HELD: it fits in there. */
static enum ip_reassembly_result find_place(const struct ip_datagram *d, const struct ip_header *ip,
					    struct ip_piece **before)
{
	const uint32_t	 start = ip->fragment_offset, end = start + ip->payload_len;
	struct ip_piece *prev = NULL, *next = d->first;

	if (d->last != NULL && d->last->offset <= start) {
		prev = d->last;
		next = NULL;
	}
	for (; next != NULL && next->offset <= start; next = next->next)
		prev = next;
	*before = prev;
	if (prev != NULL && is_duplicate(d, prev, ip))
		return IP_REASSEMBLY_DUPLICATE;
	if ((prev != NULL && prev->offset + prev->len > start) || (next != NULL && next->offset < end))
		return IP_REASSEMBLY_OVERLAP;
	/* Two ends, or bytes beyond the end; has_end or not, d->end is the highest byte so far. */
	if (ip->more_fragments ? d->has_end && end >= d->end : d->has_end || end < d->end)
		return IP_REASSEMBLY_CONTRADICTS;
	return d->n_pieces == IP_REASSEMBLY_FRAGMENTS ? IP_REASSEMBLY_TOO_MANY : IP_REASSEMBLY_HELD;
}

/* The datagram is lost; its record stays to drop the rest. */
static enum ip_reassembly_result discard(struct ip_reassembly *r, struct ip_datagram *d,
					 enum ip_reassembly_result why)
{
	datagram_empty(r, d);
	r->tables->account[d->account_at].charged -= d->charged - sizeof *d;
	d->charged = sizeof *d;
	d->discarded = true;
	return why;
}

/* ---- the whole ---- */

/* The header of the first fragment, as if there had never been fragments. */
static void write_header(const struct ip_datagram *d, uint8_t *p, uint32_t header)
{
	const uint8_t *const from = d->first->bytes;
	const bool	     was_marked = (d->ecn_seen & 1 << 3) != 0; /* CE in any is CE of all */

	memcpy(p, from, header);
	if (d->version == 6) {
		p[d->next_at] = from[d->unfragmentable];
		put16(p + 4, (uint16_t)(header - IPV6_HEADER + d->end));
		p[1] = (uint8_t)(p[1] | (was_marked ? 0x30 : 0));
		return;
	}
	p[1] = (uint8_t)(p[1] | (was_marked ? 0x03 : 0));
	put16(p + 2, (uint16_t)(header + d->end));
	put16(p + 6, 0); /* flags and offset */
	put16(p + 10, 0);
	put16(p + 10, checksum_finish(checksum_add(0, p, header)));
}

static enum ip_reassembly_result put_together(struct ip_reassembly *r, struct ip_datagram *d,
					      struct ip_reassembled *out)
{
	const uint32_t header = d->version == 4 ? d->first->header : d->unfragmentable;
	const size_t   size = header + d->end;

	/* RFC 3168 5.3: congestion that cannot be told from a mistake. */
	if ((d->ecn_seen & 1) != 0 && d->ecn_seen != 1)
		return discard(r, d, IP_REASSEMBLY_BAD_ECN);
	if (size - (d->version == 4 ? 0 : IPV6_HEADER) > 65535)
		return discard(r, d, IP_REASSEMBLY_TOO_LONG);
	if (!datagram_make_room(r, size, 0, d) || (r->whole = datagram_take(r, size)) == NULL)
		return discard(r, d, IP_REASSEMBLY_NO_MEMORY);
	r->whole_size = size;
	write_header(d, r->whole, header);
	for (const struct ip_piece *piece = d->first; piece != NULL; piece = piece->next)
		memcpy(r->whole + header + piece->offset, piece->bytes + piece->header, piece->len);
	datagram_remove(r, d);
	out->packet = r->whole;
	out->len = (uint32_t)size;
	return IP_REASSEMBLY_COMPLETE;
}

enum ip_reassembly_result ip_reassembly_add(struct ip_reassembly *r, const struct ip_header *ip,
					    uint32_t zone, tern_time now, struct ip_reassembled *out)
{
	struct ip_piece *before;

	tern_assert(ip->version == 4 || (ip->unfragmentable_len >= IPV6_HEADER &&
					 ip->unfragmentable_len + IPV6_FRAGMENT_HEADER == ip->header_len &&
					 ip->fragment_named_at < ip->unfragmentable_len));
	datagram_settle(r);
	*out = (struct ip_reassembled){ 0 };
	enum ip_reassembly_result result = check_alone(ip, out);
	if (result != IP_REASSEMBLY_HELD)
		return result;
	if (!datagram_tables(r))
		return IP_REASSEMBLY_NO_MEMORY;

	struct ip_datagram *d = datagram_find(r, ip, zone);
	if (d == NULL)
		d = datagram_make(r, ip, zone, now);
	if (d == NULL)
		return IP_REASSEMBLY_NO_MEMORY;
	if (d->discarded)
		return IP_REASSEMBLY_LATE;
	if (is_too_long(ip))
		return problem(out, ip, 0, ip->unfragmentable_len + 2, discard(r, d, IP_REASSEMBLY_TOO_LONG));
	result = find_place(d, ip, &before);
	if (result == IP_REASSEMBLY_DUPLICATE)
		return result;
	if (result != IP_REASSEMBLY_HELD)
		return discard(r, d, result);
	if (!datagram_insert(r, d, ip, before))
		return discard(r, d, IP_REASSEMBLY_NO_MEMORY);
	return d->has_end && d->held == d->end ? put_together(r, d, out) : IP_REASSEMBLY_HELD;
}

/* ---- time ---- */

tern_time ip_reassembly_deadline(const struct ip_reassembly *r)
{
	return r->oldest != NULL ? r->oldest->until : TERN_NEVER;
}

bool ip_reassembly_expire(struct ip_reassembly *r, tern_time now, struct ip_reassembly_expired *expired)
{
	datagram_settle(r);
	while (r->oldest != NULL && r->oldest->until <= now) {
		struct ip_datagram *const d = r->oldest;

		if (d->discarded) { /* was told when it happened */
			datagram_remove(r, d);
			continue;
		}
		datagram_unlink(r, d);
		r->parting = d;
		*expired = (struct ip_reassembly_expired){ .src = d->src, .dst = d->dst, .zone = d->zone };
		if (d->first->offset == 0) {
			expired->quote = d->first->bytes;
			expired->quote_len = d->first->header + d->first->len;
		}
		return true;
	}
	return false;
}

const char *ip_reassembly_name(enum ip_reassembly_result result)
{
	static const char *const names[IP_REASSEMBLY_RESULTS] = {
		[IP_REASSEMBLY_HELD] = "held",		 [IP_REASSEMBLY_COMPLETE] = "complete",
		[IP_REASSEMBLY_DUPLICATE] = "duplicate", [IP_REASSEMBLY_BAD_LENGTH] = "bad-length",
		[IP_REASSEMBLY_TINY] = "tiny",		 [IP_REASSEMBLY_NESTED] = "nested",
		[IP_REASSEMBLY_LATE] = "late",		 [IP_REASSEMBLY_TOO_LONG] = "too-long",
		[IP_REASSEMBLY_OVERLAP] = "overlap",	 [IP_REASSEMBLY_CONTRADICTS] = "contradicts",
		[IP_REASSEMBLY_TOO_MANY] = "too-many",	 [IP_REASSEMBLY_BAD_ECN] = "bad-ecn",
		[IP_REASSEMBLY_NO_MEMORY] = "no-memory",
	};

	return (unsigned)result < IP_REASSEMBLY_RESULTS ? names[result] : "?";
}
