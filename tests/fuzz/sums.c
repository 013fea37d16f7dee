#include "fuzz/sums.h"

#include "base/bytes.h"
#include "wire/checksum.h"
#include "wire/ip.h"
#include "wire/tuple.h"

/* Where its checksum stands in a message; 0: it has none. */
static size_t field_of(unsigned protocol)
{
	switch (protocol) {
	case IPPROTO_TCP_: return 16;
	case IPPROTO_UDP_: return 6;
	case IPPROTO_ICMP4:
	case IPPROTO_ICMP6: return 2;
	default: return 0;
	}
}

static void message(uint8_t *p, size_t n, unsigned protocol, const struct tern_addr *src, const struct tern_addr *dst)
{
	const size_t field = field_of(protocol);
	uint32_t     sum = 0;

	if (field == 0 || n < field + 2)
		return;
	put16(p + field, 0);
	if (protocol != IPPROTO_ICMP4)
		sum = checksum_pseudo(src, dst, (uint8_t)protocol, (uint32_t)n);
	const uint16_t finished = checksum_finish(checksum_add(sum, p, n));
	put16(p + field, finished == 0 && protocol == IPPROTO_UDP_ ? 0xffff : finished);
}

static void ipv4(uint8_t *p, size_t n)
{
	const size_t header = (size_t)(p[0] & 15) * 4, whole = get16(p + 2);

	if (header < IPV4_HEADER || header > n)
		return;
	put16(p + 10, 0);
	put16(p + 10, checksum_finish(checksum_add(0, p, header)));
	if (whole < header || whole > n || get16(p + 6) & 0x3fff)
		return;
	const struct tern_addr src = addr_v4(get32(p + 12)), dst = addr_v4(get32(p + 16));
	message(p + header, whole - header, p[9], &src, &dst);
}

static void ipv6(uint8_t *p, size_t n)
{
	size_t		 at = IPV6_HEADER, end = IPV6_HEADER + get16(p + 4);
	unsigned	 next = p[6];
	struct tern_addr src, dst;

	if (end > n)
		return;
	/* Hop-by-hop, routing, destination options: each says how long it is. */
	while ((next == 0 || next == 43 || next == 60) && at + 8 <= end) {
		next = p[at];
		at += ((size_t)p[at + 1] + 1) * 8;
	}
	if (at > end)
		return;
	memcpy(src.b, p + 8, 16);
	memcpy(dst.b, p + 24, 16);
	message(p + at, end - at, next, &src, &dst);
}

void sums_make_right(uint8_t *packet, size_t n)
{
	if (n >= IPV4_HEADER && packet[0] >> 4 == 4)
		ipv4(packet, n);
	else if (n >= IPV6_HEADER && packet[0] >> 4 == 6)
		ipv6(packet, n);
}
