/* Each packet has the headers of the whole, but for (as Linux's skb_segment() and tcp_gso_segment() have it): the IP
 * length and IPv4's identification, which counts on; TCP's sequence number; FIN and PSH, which the last alone has;
 * CWR, which the first alone has (RFC 3168 6.1.2); UDP's length; and the sums.
 *
 * The transport's sum: its field holds the folded pseudo-header sum of the whole, in which only the length is another
 * (RFC 1624: sums are mended by the difference). So the addresses, and what an IPv6 routing header makes of them,
 * need not be looked at.
 */
#include "link/split.h"

#include "base/bytes.h"
#include "wire/checksum.h"

enum {
	IP_MIN = 20,
	IPV6_MIN = 40,
	TCP = 6,
	UDP = 17,
	TCP_SEQ = 4, /* bytes into the TCP header */
	TCP_DATA_OFFSET = 12,
	TCP_FLAGS_AT = 13,
	TCP_SUM = 16,
	TCP_MIN = 20,
	FIN_BIT = 0x01,
	PSH_BIT = 0x08,
	CWR_BIT = 0x80,
	UDP_HEADER = 8,
	UDP_LENGTH = 4,
	UDP_SUM = 6,
};

/* The sum from `from` to the end into `field`. For UDP 0 means "none": RFC 768 has all ones instead. */
static void finish(uint8_t *at, uint32_t len, uint32_t from, uint32_t field, bool udp)
{
	const uint16_t sum = checksum_finish(checksum_add(0, at + from, len - from));

	put16(at + field, udp && sum == 0 ? 0xffff : sum);
}

void split_finish_sum(tern_packet *packet, uint8_t *at)
{
	const uint32_t field = (uint32_t)packet->csum_start + packet->csum_offset;

	if (packet->checksum_offload && packet->csum_start != 0 && field + 2 <= packet->len)
		finish(at, packet->len, packet->csum_start, field, packet->csum_offset == UDP_SUM);
	packet->checksum_offload = false;
	packet->csum_start = packet->csum_offset = 0;
}

bool split_begin(struct split *split, const tern_packet *packet, uint32_t start)
{
	const uint8_t *const at = packet->part[0].at;
	const uint32_t	     transport = packet->csum_start, headers = packet->gso_headers;
	const bool	     udp = packet->csum_offset == UDP_SUM;

	split->left = 0;
	if (packet->gso_size == 0 || transport < start + IP_MIN || headers >= packet->len ||
	    headers < transport + (udp ? UDP_HEADER : TCP_MIN) || (!udp && packet->csum_offset != TCP_SUM))
		return false;
	const bool v6 = at[start] >> 4 == 6;
	if (v6 ? transport < start + IPV6_MIN : at[start] >> 4 != 4 || transport != start + (at[start] & 15) * 4u)
		return false;
	if (!v6 && at[start + 9] != (udp ? UDP : TCP))
		return false;
	*split = (struct split){
		.at = at, .start = start, .transport = transport, .headers = headers, .size = packet->gso_size,
		.left = packet->len - headers, .udp = udp,
	};
	return true;
}

static void mend_ip(const struct split *split, uint8_t *ip, uint32_t len)
{
	if (ip[0] >> 4 == 6) {
		put16(ip + 4, (uint16_t)(len - split->start - IPV6_MIN));
		return;
	}
	put16(ip + 2, (uint16_t)(len - split->start));
	put16(ip + 4, (uint16_t)(get16(ip + 4) + split->nth));
	put16(ip + 10, 0);
	put16(ip + 10, checksum_finish(checksum_add(0, ip, (size_t)(ip[0] & 15) * 4)));
}

static void mend_tcp(const struct split *split, uint8_t *tcp, bool last)
{
	put32(tcp + TCP_SEQ, get32(tcp + TCP_SEQ) + split->done);
	if (!last)
		tcp[TCP_FLAGS_AT] &= (uint8_t)~(FIN_BIT | PSH_BIT);
	if (split->nth > 0)
		tcp[TCP_FLAGS_AT] &= (uint8_t)~CWR_BIT;
}

/* The pseudo-header's sum for another length: both are below 2^17, the sum of the three below 2^18. */
static uint16_t with_length(uint16_t sum, uint32_t before, uint32_t now)
{
	uint32_t mended = sum + (0xffffu - (before & 0xffff)) + now;

	mended = (mended & 0xffff) + (mended >> 16);
	return (uint16_t)((mended & 0xffff) + (mended >> 16));
}

uint32_t split_next(struct split *split, uint8_t *to)
{
	const uint32_t n = min_u32(split->size, split->left), len = split->headers + n;
	const uint32_t whole = split->headers + split->done + split->left;
	uint8_t *const transport = to + split->transport;
	uint8_t *const field = transport + (split->udp ? UDP_SUM : TCP_SUM);

	if (n == 0)
		return 0;
	memcpy(to, split->at, split->headers);
	memcpy(to + split->headers, split->at + split->headers + split->done, n);
	mend_ip(split, to + split->start, len);
	if (split->udp)
		put16(transport + UDP_LENGTH, (uint16_t)(len - split->transport));
	else
		mend_tcp(split, transport, n == split->left);
	put16(field, with_length(get16(field), whole - split->transport, len - split->transport));
	finish(to, len, split->transport, (uint32_t)(field - to), split->udp);
	split->done += n;
	split->left -= n;
	split->nth++;
	return len;
}
