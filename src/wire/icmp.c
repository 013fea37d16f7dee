/* ICMP of both versions. One table pairs kinds with types and codes; its first row for a kind is what is
 * sent, all its rows are understood.
 */
#include "wire/icmp.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "wire/checksum.h"
#include "wire/tuple.h"

enum { HEADER = 8, TCP_PORTS_AND_SEQ = 8, ANY = -1 };

struct meaning {
	int16_t	       type, code; /* ANY: whatever the code */
	enum icmp_kind kind;
};

/* RFC 792, 1122 3.2.2.1, 1812 5.2.7.1 */
static const struct meaning v4_meanings[] = {
	{ 8, 0, ICMP_ECHO },
	{ 0, 0, ICMP_ECHO_REPLY },
	{ 3, 0, ICMP_NET_UNREACHABLE },
	{ 3, 1, ICMP_HOST_UNREACHABLE },
	{ 3, 2, ICMP_PROTOCOL_UNREACHABLE },
	{ 3, 3, ICMP_PORT_UNREACHABLE },
	{ 3, 4, ICMP_PACKET_TOO_BIG },
	{ 3, 13, ICMP_ADMIN_PROHIBITED },
	{ 3, 5, ICMP_NET_UNREACHABLE },
	{ 3, 6, ICMP_NET_UNREACHABLE },
	{ 3, 7, ICMP_HOST_UNREACHABLE },
	{ 3, 8, ICMP_NET_UNREACHABLE },
	{ 3, 9, ICMP_ADMIN_PROHIBITED },
	{ 3, 10, ICMP_ADMIN_PROHIBITED },
	{ 3, 11, ICMP_NET_UNREACHABLE },
	{ 3, 12, ICMP_HOST_UNREACHABLE },
	{ 3, 14, ICMP_ADMIN_PROHIBITED },
	{ 3, 15, ICMP_ADMIN_PROHIBITED },
	{ 4, 0, ICMP_SOURCE_QUENCH },
	{ 11, 0, ICMP_TIME_EXCEEDED },
	{ 11, 1, ICMP_REASSEMBLY_TIME },
	{ 12, 0, ICMP_PARAMETER_PROBLEM },
	{ 12, ANY, ICMP_PARAMETER_PROBLEM },
};

/* RFC 4443, 7112 (code 3 of a parameter problem) */
static const struct meaning v6_meanings[] = {
	{ 128, 0, ICMP_ECHO },
	{ 129, 0, ICMP_ECHO_REPLY },
	{ 1, 0, ICMP_NET_UNREACHABLE },
	{ 1, 3, ICMP_HOST_UNREACHABLE },
	{ 1, 2, ICMP_HOST_UNREACHABLE },
	{ 1, 4, ICMP_PORT_UNREACHABLE },
	{ 1, 1, ICMP_ADMIN_PROHIBITED },
	{ 1, 5, ICMP_ADMIN_PROHIBITED },
	{ 1, 6, ICMP_ADMIN_PROHIBITED },
	{ 1, ANY, ICMP_NET_UNREACHABLE },
	{ 2, ANY, ICMP_PACKET_TOO_BIG }, /* "set to 0 by the originator and ignored by the receiver" */
	{ 3, 0, ICMP_TIME_EXCEEDED },
	{ 3, 1, ICMP_REASSEMBLY_TIME },
	{ 4, 1, ICMP_PROTOCOL_UNREACHABLE },
	{ 4, 0, ICMP_PARAMETER_PROBLEM },
	{ 4, 2, ICMP_PARAMETER_PROBLEM },
	{ 4, 3, ICMP_PARAMETER_PROBLEM },
};

struct meanings {
	const struct meaning *row;
	size_t		      n;
};

static struct meanings meanings_of(bool v4)
{
	if (v4)
		return (struct meanings){ v4_meanings, sizeof v4_meanings / sizeof v4_meanings[0] };
	return (struct meanings){ v6_meanings, sizeof v6_meanings / sizeof v6_meanings[0] };
}

static enum icmp_kind kind_of(bool v4, uint8_t type, uint8_t code)
{
	const struct meanings m = meanings_of(v4);

	for (size_t i = 0; i < m.n; i++)
		if (m.row[i].type == type && (m.row[i].code == code || m.row[i].code == ANY))
			return m.row[i].kind;
	return ICMP_OTHER;
}

bool icmp_wire_parse(struct icmp_message *icmp, const struct ip_header *ip)
{
	const bool     v4 = ip->version == 4;
	const uint8_t *p = ip->payload;

	if (ip->is_fragment || ip->payload_len < HEADER)
		return false;
	if (ip->protocol != (v4 ? IPPROTO_ICMP4 : IPPROTO_ICMP6))
		return false;
	const uint32_t pseudo = v4 ? 0 : checksum_pseudo(&ip->src, &ip->dst, IPPROTO_ICMP6, ip->payload_len);

	if (!checksum_is_right(checksum_add(pseudo, p, ip->payload_len)))
		return false;
	*icmp = (struct icmp_message){
		.kind = kind_of(v4, p[0], p[1]),
		.type = p[0],
		.code = p[1],
		.body = p + HEADER,
		.body_len = ip->payload_len - HEADER,
	};
	if (icmp->kind == ICMP_ECHO || icmp->kind == ICMP_ECHO_REPLY)
		icmp->echo = get32(p + 4);
	if (icmp->kind == ICMP_PACKET_TOO_BIG)
		icmp->mtu = v4 ? get16(p + 6) : get32(p + 4);
	if (icmp->kind == ICMP_PARAMETER_PROBLEM)
		icmp->pointer = v4 ? p[4] : get32(p + 4);
	return true;
}

/* The second word of the header: what it holds depends on the kind. */
static uint32_t second_word(const struct icmp_message *icmp, bool v4)
{
	switch (icmp->kind) {
	case ICMP_ECHO:
	case ICMP_ECHO_REPLY:
		return icmp->echo;
	case ICMP_PACKET_TOO_BIG:
		return v4 ? min_u32(icmp->mtu, 0xffff) : icmp->mtu;
	case ICMP_PARAMETER_PROBLEM:
		return v4 ? icmp->pointer << 24 : icmp->pointer;
	case ICMP_PROTOCOL_UNREACHABLE:
		return v4 ? 0 : icmp->pointer;
	default:
		return 0;
	}
}

size_t icmp_wire_emit(uint8_t *p, const struct icmp_message *icmp, const struct tern_addr *src,
		      const struct tern_addr *dst)
{
	const bool	      v4 = addr_is_v4(src);
	const struct meanings m = meanings_of(v4);
	const size_t	      len = HEADER + (size_t)icmp->body_len;
	const uint32_t	      word = second_word(icmp, v4);

	p[0] = icmp->type;
	p[1] = icmp->code;
	for (size_t i = 0; i < m.n; i++) {
		if (m.row[i].kind != icmp->kind)
			continue;
		p[0] = (uint8_t)m.row[i].type;
		p[1] = m.row[i].code == ANY ? 0 : (uint8_t)m.row[i].code;
		break;
	}
	if (!v4 && icmp->kind == ICMP_PARAMETER_PROBLEM)
		p[1] = icmp->code;
	if (icmp->body_len > 0)
		memmove(p + HEADER, icmp->body, icmp->body_len);
	put16(p + 2, 0);
	put32(p + 4, word);

	const uint32_t pseudo = v4 ? 0 : checksum_pseudo(src, dst, IPPROTO_ICMP6, (uint32_t)len);
	put16(p + 2, checksum_finish(checksum_add(pseudo, p, len)));
	return len;
}

bool icmp_wire_quoted_tcp(const struct icmp_message *icmp, struct ip_header *quoted, uint16_t *src_port,
			  uint16_t *dst_port, uint32_t *seq)
{
	if (!ip_wire_parse_quoted(quoted, icmp->body, icmp->body_len))
		return false;
	if (quoted->protocol != IPPROTO_TCP_ || quoted->fragment_offset != 0 ||
	    quoted->payload_len < TCP_PORTS_AND_SEQ)
		return false;
	*src_port = get16(quoted->payload);
	*dst_port = get16(quoted->payload + 2);
	*seq = get32(quoted->payload + 4);
	return true;
}
