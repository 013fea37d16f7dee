/* Joined packets made into those that they stand for, and sums that were left to be made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "link/split.h"
#include "wire/checksum.h"
#include "wire/ip.h"
#include "wire/tuple.h"

enum { START = 14, FIN = 1, PSH = 8, ACK = 16, CWR = 0x80, MOST = 65550 };

static uint8_t bytes[MOST], piece[MOST];

struct shape {
	bool	 v6, udp;
	uint32_t options, text; /* bytes of TCP options; of text */
	uint16_t size;
	uint8_t	 flags;
};

static struct tern_addr addr_of(bool v6, uint8_t last)
{
	struct tern_addr addr = addr_v4(0x0a000000u + last);

	if (v6) {
		memset(&addr, 0, sizeof addr);
		addr.b[0] = 0xfd;
		addr.b[15] = last;
	}
	return addr;
}

/* As a device is given it: the transport's sum holds the pseudo-header's, folded. */
static tern_packet make(const struct shape *shape)
{
	const uint32_t	 ip = shape->v6 ? 40 : 20, header = shape->udp ? 8 : 20 + shape->options;
	struct ip_header head = {
		.version = shape->v6 ? 6 : 4, .src = addr_of(shape->v6, 1), .dst = addr_of(shape->v6, 2), .ttl = 64,
		.protocol = shape->udp ? 17 : 6, .id = 0xfffe, .dont_fragment = true,
	};
	uint8_t *const at = bytes + START + ip;
	const uint32_t length = header + shape->text;

	memset(bytes, 0, sizeof bytes);
	(void)ip_wire_emit(bytes + START, &head, length);
	put16(at, 4000);
	put16(at + 2, 80);
	if (shape->udp) {
		put16(at + 4, (uint16_t)length);
	} else {
		put32(at + 4, 0xfffffc00);
		at[12] = (uint8_t)(header / 4 << 4);
		at[13] = shape->flags;
		memset(at + 20, 1, shape->options);
	}
	for (uint32_t i = 0; i < shape->text; i++)
		at[header + i] = (uint8_t)(i * 7 + i / 251);
	const uint16_t pseudo = checksum_finish(checksum_pseudo(&head.src, &head.dst, head.protocol, length));
	put16(at + (shape->udp ? 6 : 16), (uint16_t)~pseudo);
	return (tern_packet){
		.part = { { .at = bytes, .n = START + ip + length } }, .n_parts = 1, .len = START + ip + length,
		.checksum_offload = true, .csum_start = (uint16_t)(START + ip), .csum_offset = shape->udp ? 6 : 16,
		.gso_size = shape->size, .gso_headers = (uint16_t)(START + ip + header),
	};
}

/* One packet of n bytes: as a receiver would see it. Its text. */
static const uint8_t *check(const struct shape *shape, const uint8_t *at, uint32_t n, struct ip_header *ip,
			    uint32_t *len)
{
	const uint32_t header = shape->udp ? 8 : 20 + shape->options;

	assert_int_equal(ip_wire_parse(ip, at + START, n - START), IP_PARSED);
	assert_int_equal(ip->header_len + ip->payload_len, n - START);
	uint32_t sum = checksum_pseudo(&ip->src, &ip->dst, ip->protocol, ip->payload_len);
	sum = checksum_add(sum, ip->payload, ip->payload_len);
	assert_true(checksum_is_right(sum));
	if (shape->udp)
		assert_int_equal(get16(ip->payload + 4), ip->payload_len);
	*len = ip->payload_len - header;
	return ip->payload + header;
}

static void cut(const struct shape *shape)
{
	const tern_packet packet = make(shape);
	const uint8_t	 *whole = bytes + packet.gso_headers;
	struct split	  split;
	uint32_t	  done = 0, nth = 0;

	assert_true(split_begin(&split, &packet, START));
	for (uint32_t n; (n = split_next(&split, piece)) > 0; nth++) {
		struct ip_header ip;
		uint32_t	 len;
		const uint8_t	*text = check(shape, piece, n, &ip, &len);
		const bool	 last = done + len == shape->text;

		assert_memory_equal(piece, bytes, START);
		assert_memory_equal(text, whole + done, len);
		assert_true(last ? len <= shape->size : len == shape->size);
		if (!shape->v6)
			assert_int_equal(ip.id, (0xfffe + nth) & 0xffff);
		if (!shape->udp) {
			uint8_t flags = shape->flags;
			if (!last)
				flags &= (uint8_t)~(FIN | PSH);
			if (nth > 0)
				flags &= (uint8_t)~CWR;
			assert_int_equal(ip.payload[13], flags);
			assert_int_equal(get32(ip.payload + 4), 0xfffffc00 + done);
		}
		done += len;
	}
	assert_int_equal(done, shape->text);
	assert_int_equal(nth, (shape->text + shape->size - 1) / shape->size);
}

static void every_piece_is_a_packet(void **state)
{
	static const struct shape shapes[] = {
		{ .text = 4000, .size = 1448, .options = 12, .flags = ACK | PSH | FIN | CWR },
		{ .text = 1448, .size = 1448, .options = 12, .flags = ACK | PSH | CWR },
		{ .text = 1449, .size = 1448, .options = 12, .flags = ACK },
		{ .text = 65480, .size = 536, .flags = ACK | FIN },
		{ .v6 = true, .text = 9000, .size = 1428, .options = 12, .flags = ACK | PSH | CWR },
		{ .v6 = true, .text = 65000, .size = 1440, .flags = ACK },
		{ .udp = true, .text = 5000, .size = 1200 },
		{ .udp = true, .text = 3, .size = 1 },
		{ .v6 = true, .udp = true, .text = 5001, .size = 1200 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
		cut(&shapes[i]);
}

static void what_contradicts_itself_is_not_begun(void **state)
{
	const struct shape shape = { .text = 4000, .size = 1448, .flags = ACK };
	struct split	   split;
	tern_packet	   packet = make(&shape);

	(void)state;
	assert_true(split_begin(&split, &packet, START));
	packet.gso_headers = (uint16_t)(packet.len);
	assert_false(split_begin(&split, &packet, START));
	packet = make(&shape);
	packet.csum_start = 20; /* within the IP header */
	assert_false(split_begin(&split, &packet, START));
	packet = make(&shape);
	packet.csum_offset = 10;
	assert_false(split_begin(&split, &packet, START));
	packet = make(&shape);
	bytes[START] = 0x60; /* IPv6 has a longer header */
	assert_false(split_begin(&split, &packet, START));
	packet = make(&shape);
	bytes[START + 9] = 17;
	assert_false(split_begin(&split, &packet, START));
	packet = make(&shape);
	packet.gso_size = 0;
	assert_false(split_begin(&split, &packet, START));
	assert_int_equal(split.left, 0);
}

static void a_sum_left_to_the_device_is_made(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		const struct shape shape = { .v6 = i & 1, .udp = i & 2, .text = 999, .flags = ACK };
		tern_packet	   packet = make(&shape);
		struct ip_header   ip;
		uint32_t	   len;

		split_finish_sum(&packet, bytes);
		assert_false(packet.checksum_offload);
		assert_int_equal(packet.csum_start, 0);
		(void)check(&shape, bytes, packet.len, &ip, &len);
		assert_int_equal(len, 999);
	}
}

/* RFC 768: a sum that comes out as 0 is sent as all ones, since 0 says that there is none. */
static void a_udp_sum_is_never_zero(void **state)
{
	const struct shape shape = { .udp = true, .text = 2 };
	tern_packet	   packet = make(&shape);
	uint8_t *const	   udp = bytes + START + 20;

	(void)state;
	put16(udp + 8, 0);
	split_finish_sum(&packet, bytes);
	const uint16_t sum = get16(udp + 6);
	packet = make(&shape);
	put16(udp + 8, sum); /* adds up to zero */
	split_finish_sum(&packet, bytes);
	assert_int_equal(get16(udp + 6), 0xffff);
}

static void a_sum_that_stands_is_left_alone(void **state)
{
	const struct shape shape = { .text = 10, .flags = ACK };
	tern_packet	   packet = make(&shape);

	(void)state;
	packet.checksum_offload = true;
	packet.csum_start = packet.csum_offset = 0; /* the device has verified it: nothing is to be made */
	memcpy(piece, bytes, packet.len);
	split_finish_sum(&packet, bytes);
	assert_memory_equal(piece, bytes, packet.len);
	assert_false(packet.checksum_offload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_piece_is_a_packet),
		cmocka_unit_test(what_contradicts_itself_is_not_begun),
		cmocka_unit_test(a_sum_left_to_the_device_is_made),
		cmocka_unit_test(a_udp_sum_is_never_zero),
		cmocka_unit_test(a_sum_that_stands_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
