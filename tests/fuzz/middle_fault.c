/* What befalls the packet that is next, or lies `op[1]` places behind it. */
#include "fuzz/fuzz.h"
#include "fuzz/middle.h"
#include "fuzz/sums.h"

#include "base/bytes.h"
#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/tcp.h"

static void take_out(unsigned from, unsigned at)
{
	struct middle_packet *const queue = middle.queue[from];

	memmove(queue + at, queue + at + 1, (middle.n[from] - at - 1) * sizeof *queue);
	middle.n[from]--;
}

static void append(unsigned from, const struct middle_packet *packet)
{
	if (middle.n[from] < MIDDLE_QUEUE)
		middle.queue[from][middle.n[from]++] = *packet;
}

static void deliver(unsigned from, unsigned at)
{
	static struct middle_packet packet;

	packet = middle.queue[from][at];
	take_out(from, at);
	middle.old[from][middle.n_old[from]++ % 8] = packet;
	middle_give(1 - from, packet.bytes, packet.n);
}

/* Where the TCP header is; 0: there is none. */
static uint32_t tcp_at(const struct middle_packet *packet)
{
	struct ip_header ip;

	if (ip_wire_parse(&ip, packet->bytes, packet->n) != IP_PARSED || ip.is_fragment ||
	    ip.protocol != IPPROTO_TCP_ || ip.payload_len < TCP_HEADER_MIN)
		return 0;
	return ip.header_len;
}

/* One field of the header is another, and the sum is right. */
static void change(struct middle_packet *packet, const uint8_t *op)
{
	const uint32_t at = tcp_at(packet);
	const int32_t  by = (int8_t)op[3] * (op[4] & 1 ? 1460 : 1);
	uint8_t *const tcp = packet->bytes + at;

	if (at == 0)
		return;
	switch (op[2] & 7) {
	case 0: put32(tcp + 4, get32(tcp + 4) + (uint32_t)by); break;
	case 1: put32(tcp + 8, get32(tcp + 8) + (uint32_t)by); break;
	case 2: tcp[13] ^= op[3]; break;
	case 3: put16(tcp + 14, (uint16_t)(op[3] << 8 | op[4])); break;
	case 4: put16(tcp + 18, get16(op + 3)); break;
	case 5: tcp[12] = (uint8_t)(op[3] << 4); break;
	case 6: tcp[TCP_HEADER_MIN + op[3] % 40u % (packet->n - at - TCP_HEADER_MIN + 1)] ^= op[4]; break;
	default: put16(tcp + (op[3] & 2), (uint16_t)(get16(tcp + (op[3] & 2)) ^ op[4])); break;
	}
	sums_make_right(packet->bytes, packet->n);
	middle.state.hostile = true;
}

/* A segment that nobody sent, like one that came by lately. */
static void forge(unsigned from, const uint8_t *op)
{
	static struct middle_packet packet;

	if (middle.n_old[from] == 0)
		return;
	packet = middle.old[from][(middle.n_old[from] - 1 - op[1] % 8u) % 8];
	const uint32_t at = packet.n ? tcp_at(&packet) : 0;
	if (at == 0)
		return;
	packet.bytes[at + 13] = op[2];
	put32(packet.bytes + at + 4,
	      get32(packet.bytes + at + 4) + (uint32_t)((int8_t)op[3] * (op[5] & 1 ? 1000 : 1)));
	put32(packet.bytes + at + 8,
	      get32(packet.bytes + at + 8) + (uint32_t)((int8_t)op[4] * (op[5] & 2 ? 1000 : 1)));
	sums_make_right(packet.bytes, packet.n);
	middle.state.hostile = true;
	middle_give(1 - from, packet.bytes, packet.n);
}

/* A router on the way carries less, says so, and drops it. */
static void narrow(unsigned from, unsigned at, const uint8_t *op)
{
	static uint8_t			     error[512];
	const struct middle_packet *const    packet = &middle.queue[from][at];
	const bool			     v6 = packet->bytes[0] >> 4 == 6;
	const uint32_t			     head = v6 ? IPV6_HEADER : IPV4_HEADER;
	const uint32_t			     mtu = (v6 ? 1280u : 600u) + op[2] % 200u;
	const struct tern_addr *const	     src = &middle.state.addr[1 - from][v6],
				      *const dst = &middle.state.addr[from][v6];

	if (packet->n <= mtu)
		return;
	const struct icmp_message message = {
		.kind = ICMP_PACKET_TOO_BIG,
		.mtu = mtu,
		.body = packet->bytes,
		.body_len = packet->n < 400 ? packet->n : 400,
	};
	const uint32_t	       n = (uint32_t)icmp_wire_emit(error + head, &message, src, dst);
	const struct ip_header ip = { .src = *src,
				      .dst = *dst,
				      .version = v6 ? 6 : 4,
				      .protocol = v6 ? IPPROTO_ICMP6 : IPPROTO_ICMP4,
				      .ttl = 64 };
	ip_wire_emit(error, &ip, n);
	take_out(from, at);
	middle_give(from, error, head + n);
}

static void again(unsigned from, const uint8_t *op)
{
	static struct middle_packet packet;

	packet = middle.old[from][op[1] & 7];
	if (packet.n > 0)
		middle_give(1 - from, packet.bytes, packet.n);
}

static void harm(unsigned kind, unsigned from, unsigned at, const uint8_t *op)
{
	struct middle_packet *const packet = &middle.queue[from][at];

	switch (kind) {
	case MIDDLE_FLIP:
		if (packet->flipped) /* two bits may make a sum that is right again */
			return;
		packet->bytes[get16(op + 2) / 8 % packet->n] ^= (uint8_t)(1u << (op[3] & 7));
		packet->flipped = true;
		break;
	case MIDDLE_CUT: packet->n = 1 + get16(op + 2) % packet->n; break;
	case MIDDLE_MARK:
		if (ip_wire_is_ecn_capable(packet->bytes, packet->n))
			ip_wire_mark_ce(packet->bytes);
		break;
	default: change(packet, op); break;
	}
}

void middle_fault(unsigned kind, unsigned from, const uint8_t *op)
{
	static struct middle_packet copy;
	const unsigned		    n = middle.n[from], at = n ? op[1] % n : 0;

	if (kind == MIDDLE_AGAIN || kind == MIDDLE_FORGE) {
		if (kind == MIDDLE_AGAIN)
			again(from, op);
		else
			forge(from, op);
		return;
	}
	if (n == 0)
		return;
	switch (kind) {
	case MIDDLE_DROP: take_out(from, at); break;
	case MIDDLE_TWICE:
		copy = middle.queue[from][at];
		append(from, &copy);
		break;
	case MIDDLE_LAST:
		copy = middle.queue[from][at];
		take_out(from, at);
		append(from, &copy);
		break;
	case MIDDLE_NARROW: narrow(from, at, op); break;
	case MIDDLE_BLACKOUT: middle.n[from] = 0; break;
	case MIDDLE_FLIP:
	case MIDDLE_CUT:
	case MIDDLE_MARK:
	case MIDDLE_CHANGE: harm(kind, from, at, op); break;
	default: /* deliver: several, the first of them first */
		for (unsigned i = 0; i <= (op[2] & 15u) && middle.n[from] > 0; i++)
			deliver(from, i == 0 ? at : 0);
	}
}
