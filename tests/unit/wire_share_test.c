/* Whose a packet is, among hosts that share an address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "wire/arp.h"
#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/share.h"
#include "wire/tuple.h"
#include "wire/udp.h"

enum { N = 5, MANY = 2000 };

static const struct tern_share share = { .key = { 1, 2 }, .n = N, .port_low = 32768, .port_high = 60999 };
static const struct tern_share alone = { .key = { 1, 2 }, .n = 1 };

static struct tern_addr ip6(uint8_t last)
{
	return (struct tern_addr){ { 0xfd, [15] = last } };
}

static struct tern_tuple tuple_number(unsigned i, bool v6)
{
	return (struct tern_tuple){
		.local = v6 ? ip6(1) : addr_v4(0x0a000001),
		.remote = v6 ? ip6((uint8_t)(2 + i % 7)) : addr_v4(0x0a000002 + i % 7),
		.local_port = 80,
		.remote_port = (uint16_t)(1024 + i),
	};
}

static struct tern_tuple turned(const struct tern_tuple *tuple)
{
	return (struct tern_tuple){ .local = tuple->remote, .remote = tuple->local,
				    .local_port = tuple->remote_port, .remote_port = tuple->local_port };
}

/* ---- packets, as they come in: from tuple->remote ---- */

static size_t ip_packet(uint8_t *p, const struct tern_tuple *tuple, uint8_t protocol, const void *payload, uint32_t n)
{
	const struct ip_header ip = {
		.src = tuple->remote,
		.dst = tuple->local,
		.version = addr_is_v4(&tuple->local) ? 4 : 6,
		.protocol = protocol,
		.ttl = 64,
	};
	const size_t head = ip_wire_emit(p, &ip, n);

	memcpy(p + head, payload, n);
	return head + n;
}

static size_t with_ports(uint8_t *p, const struct tern_tuple *tuple, uint8_t protocol)
{
	uint8_t segment[20] = { [12] = 0x50 };

	put16(segment, tuple->remote_port);
	put16(segment + 2, tuple->local_port);
	return ip_packet(p, tuple, protocol, segment, sizeof segment);
}

/* An error about what we sent to tuple->remote, or an echo; both come from a router. */
static size_t icmp_packet(uint8_t *p, const struct tern_tuple *about, uint8_t protocol, enum icmp_kind kind)
{
	struct tern_tuple sent = turned(about), from = *about;
	uint8_t		  quoted[128], message[256];

	from.remote = addr_is_v4(&about->local) ? addr_v4(0x0a0000fe) : ip6(0xfe);
	const uint32_t		  n = (uint32_t)with_ports(quoted, &sent, protocol);
	const struct icmp_message icmp = { .kind = kind, .body = quoted, .body_len = n,
					   .echo = (uint32_t)about->local_port << 16 };
	const size_t len = icmp_wire_emit(message, &icmp, &from.remote, &from.local);

	return ip_packet(p, &from, addr_is_v4(&about->local) ? IPPROTO_ICMP4 : IPPROTO_ICMP6, message, (uint32_t)len);
}

static size_t fragment(uint8_t *p, const struct tern_tuple *tuple, uint32_t id, uint32_t offset)
{
	const struct ip_header ip = { .src = tuple->remote, .dst = tuple->local,
				      .version = addr_is_v4(&tuple->local) ? 4 : 6, .protocol = IPPROTO_UDP_, .ttl = 64,
				      .id = id, .fragment_offset = (uint16_t)offset, .more_fragments = offset < 800 };
	const size_t head = ip_wire_emit_fragment(p, &ip, 80);

	memset(p + head, (int)offset, 80);
	return head + 80;
}

/* ---- */

static void both_ends_agree_and_the_load_is_even(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		unsigned count[N] = { 0 };

		for (unsigned i = 0; i < MANY; i++) {
			const struct tern_tuple tuple = tuple_number(i, v6), back = turned(&tuple);
			const unsigned		owner = share_of_tuple(&share, &tuple);

			assert_in_range(owner, 0, N - 1);
			assert_int_equal(share_of_tuple(&share, &back), owner);
			assert_int_equal(share_of_tuple(&alone, &tuple), 0);
			count[owner]++;
		}
		for (unsigned i = 0; i < N; i++)
			assert_in_range(count[i], MANY / N * 8 / 10, MANY / N * 12 / 10);
	}
}

static void another_key_is_another_order(void **state)
{
	struct tern_share other = share;
	unsigned	  differ = 0;

	(void)state;
	other.key[1]++;
	for (unsigned i = 0; i < MANY; i++) {
		const struct tern_tuple tuple = tuple_number(i, false);

		differ += share_of_tuple(&share, &tuple) != share_of_tuple(&other, &tuple);
	}
	assert_in_range(differ, MANY / 2, MANY - 1);
}

static void segments_and_errors_go_to_the_connection(void **state)
{
	uint8_t p[512];

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		const bool		v6 = i % 2;
		const struct tern_tuple tuple = tuple_number(i, v6);
		const unsigned		owner = share_of_tuple(&share, &tuple);

		assert_int_equal(share_of_packet(&share, p, with_ports(p, &tuple, IPPROTO_TCP_), false), owner);
		for (enum icmp_kind kind = ICMP_NET_UNREACHABLE; kind <= ICMP_TIME_EXCEEDED; kind++)
			assert_int_equal(share_of_packet(&share, p, icmp_packet(p, &tuple, IPPROTO_TCP_, kind), false),
					 owner);
		/* In a frame, and in one with a VLAN tag. */
		uint8_t frame[600] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, v6 ? 0x86 : 0x08, v6 ? 0xdd : 0 };
		const size_t n = with_ports(frame + 14, &tuple, IPPROTO_TCP_);
		assert_int_equal(share_of_packet(&share, frame, 14 + n, true), owner);
		memmove(frame + 16, frame + 12, n + 2);
		put16(frame + 12, 0x8100);
		put16(frame + 14, 0);
		assert_int_equal(share_of_packet(&share, frame, 18 + n, true), owner);
	}
}

static void ports_of_datagrams_are_divided(void **state)
{
	uint8_t p[512];

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		struct tern_tuple tuple = tuple_number(i, i % 2);

		assert_int_equal(share_of_packet(&share, p, with_ports(p, &tuple, IPPROTO_UDP_), false),
				 share_of_tuple(&share, &tuple));
		tuple.local_port = (uint16_t)(40000 + i);
		const unsigned owner = tuple.local_port % N;
		assert_int_equal(share_of_packet(&share, p, with_ports(p, &tuple, IPPROTO_UDP_), false), owner);
		assert_int_equal(share_of_packet(&share, p, icmp_packet(p, &tuple, IPPROTO_UDP_, ICMP_PORT_UNREACHABLE),
						 false), owner);
		assert_int_equal(share_of_packet(&share, p, icmp_packet(p, &tuple, IPPROTO_UDP_, ICMP_ECHO_REPLY),
						 false), owner);
		assert_int_equal(share_of_packet(&share, p, icmp_packet(p, &tuple, IPPROTO_UDP_, ICMP_ECHO), false),
				 SHARE_STAYS);
		for (uint16_t k = 0; k < N; k++) {
			struct tern_share one = share;

			one.index = k;
			assert_int_equal(share_has_port(&one, tuple.local_port), k == owner);
			assert_true(share_has_port(&one, 53));
		}
	}
}

static void fragments_of_a_datagram_stay_together(void **state)
{
	unsigned seen = 0;
	uint8_t	 p[512];

	(void)state;
	for (uint32_t id = 1; id < 100; id++)
		for (unsigned v6 = 0; v6 < 2; v6++) {
			const struct tern_tuple tuple = tuple_number(id, v6);
			const unsigned		owner = share_of_packet(&share, p, fragment(p, &tuple, id, 0), false);

			assert_in_range(owner, 0, N - 1);
			seen |= 1u << owner;
			for (uint32_t offset = 80; offset <= 800; offset += 80)
				assert_int_equal(share_of_packet(&share, p, fragment(p, &tuple, id, offset), false),
						 owner);
		}
	assert_int_equal(seen, (1u << N) - 1);
}

static void arp(uint8_t frame[60], enum arp_operation operation, uint32_t sender, uint32_t target)
{
	const struct arp_packet packet = { .operation = operation, .sender_mac = { 2, 0, 0, 0, 0, 2 },
					   .sender = addr_v4(sender), .target = addr_v4(target) };

	memset(frame, 0, 60);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, packet.sender_mac, 6);
	put16(frame + 12, 0x0806);
	arp_emit(frame + 14, &packet);
}

/* One answers what is asked; what neighbours say of themselves, each keeps. */
static void neighbours_are_heard_by_all_and_answered_once(void **state)
{
	const struct tern_tuple group = { .local = { { 0xff, 2, [15] = 1 } }, .remote = { { 0xfe, 0x80, [15] = 2 } } };
	const struct tern_tuple v4_group = { .local = addr_v4(0xe0000001), .remote = addr_v4(0x0a000002) };
	const struct tern_tuple all = { .local = addr_v4(0xffffffff), .remote = addr_v4(0x0a000002) };
	uint8_t			frame[60], p[256], nd[24] = { 136 };

	(void)state;
	arp(frame, ARP_REQUEST, 0x0a000002, 0x0a000001);
	assert_int_equal(share_of_packet(&share, frame, sizeof frame, true), 0);
	arp(frame, ARP_REQUEST, 0x0a000002, 0x0a000002); /* "I am here now" (RFC 5227 3) */
	assert_int_equal(share_of_packet(&share, frame, sizeof frame, true), SHARE_ALL);
	arp(frame, ARP_REPLY, 0x0a000002, 0x0a000001);
	assert_int_equal(share_of_packet(&share, frame, sizeof frame, true), SHARE_ALL);
	assert_int_equal(share_of_packet(&share, p, ip_packet(p, &group, IPPROTO_ICMP6, nd, sizeof nd), false),
			 SHARE_ALL);
	nd[0] = 135;
	assert_int_equal(share_of_packet(&share, p, ip_packet(p, &group, IPPROTO_ICMP6, nd, sizeof nd), false), 0);
	assert_int_equal(share_of_packet(&share, p, with_ports(p, &group, IPPROTO_UDP_), false), SHARE_ALL);
	assert_int_equal(share_of_packet(&share, p, with_ports(p, &v4_group, IPPROTO_UDP_), false), SHARE_ALL);
	assert_int_equal(share_of_packet(&share, p, with_ports(p, &all, IPPROTO_UDP_), false), SHARE_ALL);
}

/* Cut off anywhere, and with every octet spoilt: some host's, or nobody's in particular. */
static void anything_has_an_answer(void **state)
{
	const struct tern_tuple tuple = tuple_number(1, false);
	uint8_t			p[512], q[512];

	(void)state;
	for (unsigned form = 0; form < 4; form++) {
		const size_t n = form < 2 ? with_ports(p, &tuple, form ? IPPROTO_UDP_ : IPPROTO_TCP_) :
				 form < 3 ? icmp_packet(p, &tuple, IPPROTO_TCP_, ICMP_PORT_UNREACHABLE) :
					    fragment(p, &tuple, 1, 80);

		for (size_t cut = 0; cut < n; cut++) {
			uint8_t *const exact = q + sizeof q - cut; /* sanitizers see what is read beyond */
			memcpy(exact, p, cut);
			assert_in_range(share_of_packet(&share, exact, cut, false), 0, SHARE_ALL);
			assert_in_range(share_of_packet(&share, exact, cut, true), 0, SHARE_ALL);
		}
		for (size_t i = 0; i < n * 255; i++) {
			memcpy(q, p, n);
			q[i / 255] ^= (uint8_t)(1 + i % 255);
			const unsigned to = share_of_packet(&share, q, n, false);
			assert_true(to < N || to == SHARE_STAYS || to == SHARE_ALL);
		}
	}
	assert_int_equal(share_of_packet(&share, p, 0, false), SHARE_STAYS);
	assert_int_equal(share_of_packet(&alone, p, 0, false), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_agree_and_the_load_is_even),
		cmocka_unit_test(another_key_is_another_order),
		cmocka_unit_test(segments_and_errors_go_to_the_connection),
		cmocka_unit_test(ports_of_datagrams_are_divided),
		cmocka_unit_test(fragments_of_a_datagram_stay_together),
		cmocka_unit_test(neighbours_are_heard_by_all_and_answered_once),
		cmocka_unit_test(anything_has_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
