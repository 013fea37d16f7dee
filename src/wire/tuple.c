#include "wire/tuple.h"

#include "base/bytes.h"

enum { V4_AT = 12, V4_PREFIX_BITS = 96 };

/* Lengths tell the four forms apart: 12 or 16 bytes, 36 or 40. */
size_t tuple_pack(uint8_t at[TUPLE_PACKED], const struct tern_tuple *tuple)
{
	const bool v4 = addr_is_v4(&tuple->local) && addr_is_v4(&tuple->remote);
	uint8_t	  *p = at;

	if (v4) {
		memcpy(p, tuple->local.b + V4_AT, 4);
		memcpy(p + 4, tuple->remote.b + V4_AT, 4);
		p += 8;
	} else {
		memcpy(p, tuple->local.b, 16);
		memcpy(p + 16, tuple->remote.b, 16);
		p += 32;
	}
	put16(p, tuple->local_port);
	put16(p + 2, tuple->remote_port);
	p += 4;
	if (tuple->zone != 0) {
		put32(p, tuple->zone);
		p += 4;
	}
	return (size_t)(p - at);
}

/* An IPv6 address whose first 15 bytes are zero: :: and ::1. */
static bool is_near_zero(const struct tern_addr *addr, uint8_t last)
{
	return get64(addr->b) == 0 && get64(addr->b + 8) == last;
}

bool addr_is_unspecified(const struct tern_addr *addr)
{
	return addr_is_v4(addr) ? addr_v4_of(addr) == 0 : is_near_zero(addr, 0);
}

bool addr_is_loopback(const struct tern_addr *addr)
{
	return addr_is_v4(addr) ? addr->b[V4_AT] == 127 : is_near_zero(addr, 1);
}

bool addr_is_multicast(const struct tern_addr *addr)
{
	return addr_is_v4(addr) ? addr->b[V4_AT] >> 4 == 0xe : addr->b[0] == 0xff;
}

bool addr_is_broadcast(const struct tern_addr *addr)
{
	return addr_is_v4(addr) && addr_v4_of(addr) == 0xffffffff;
}

bool addr_is_link_local(const struct tern_addr *addr)
{
	if (addr_is_v4(addr))
		return addr_v4_of(addr) >> 16 == 0xa9fe; /* 169.254.0.0/16, RFC 3927 */
	return addr->b[0] == 0xfe && (addr->b[1] & 0xc0) == 0x80; /* fe80::/10, RFC 4291 2.5.6 */
}

bool addr_in_prefix(const struct tern_addr *addr, const struct tern_addr *prefix, unsigned bits)
{
	if (addr_is_v4(prefix))
		bits = V4_PREFIX_BITS + min_u32(bits, 32);
	bits = min_u32(bits, 128);

	const size_t   bytes = bits / 8;
	const unsigned rest = bits % 8;
	if (memcmp(addr->b, prefix->b, bytes) != 0)
		return false;
	return rest == 0 || (addr->b[bytes] ^ prefix->b[bytes]) >> (8 - rest) == 0;
}

bool addr_is_unicast(const struct tern_addr *addr)
{
	if (addr_is_v4(addr) && addr->b[V4_AT] == 0)
		return false;
	return !addr_is_unspecified(addr) && !addr_is_multicast(addr) && !addr_is_broadcast(addr);
}
