/* virtio_net_hdr: the bytes a device reads and writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <tern/packet.h>

#include "base/bytes.h"
#include "link/vnet.h"
#include "support/random.h"
#include "wire/checksum.h"

/* Field by field, in the machine's order, as linux/virtio_net.h has it. */
struct fields {
	uint8_t	 flags, gso_type;
	uint16_t hdr_len, gso_size, csum_start, csum_offset;
};

static uint8_t bytes[3000];

static uint8_t *ipv4(uint8_t *at, uint8_t protocol)
{
	memset(bytes, 0, sizeof bytes);
	at[0] = 0x45;
	at[9] = protocol;
	return at + 20;
}

static uint8_t *ipv6(uint8_t *at, uint8_t protocol)
{
	memset(bytes, 0, sizeof bytes);
	at[0] = 0x60;
	at[6] = protocol;
	return at + 40;
}

static struct fields emit(const tern_packet *packet, uint32_t start)
{
	struct fields fields;
	uint8_t	      header[VNET_HEADER];

	vnet_emit(header, packet, start);
	memcpy(&fields, header, sizeof fields);
	return fields;
}

static tern_packet out(uint32_t headers, uint32_t text)
{
	return (tern_packet){
		.part = { { .at = bytes, .n = headers }, { .at = bytes + headers, .n = text } },
		.n_parts = 2,
		.len = headers + text,
	};
}

static void plain_packet_says_nothing(void **state)
{
	(void)state;
	(void)ipv4(bytes, 6);
	const tern_packet   packet = out(40, 100);
	const struct fields fields = emit(&packet, 0);

	assert_int_equal(fields.flags, 0);
	assert_int_equal(fields.gso_type, 0);
	assert_int_equal(fields.gso_size, 0);
	assert_int_equal(fields.hdr_len, 40);
}

static void offloaded_checksum_names_its_place(void **state)
{
	(void)state;
	(void)ipv4(bytes, 6);
	tern_packet packet = out(40, 100);

	packet.checksum_offload = true;
	packet.csum_start = 20;
	packet.csum_offset = 16;
	const struct fields fields = emit(&packet, 0);
	assert_int_equal(fields.flags, 1);
	assert_int_equal(fields.csum_start, 20);
	assert_int_equal(fields.csum_offset, 16);
	assert_int_equal(fields.gso_type, 0);
}

static void split_segment_names_its_kind(void **state)
{
	static const struct {
		bool	 v6, ethernet, cwr;
		uint8_t	 protocol, type;
	} rows[] = {
		{ false, false, false, 6, 1 },	{ true, false, false, 6, 4 },  { false, true, false, 6, 1 },
		{ true, true, false, 6, 4 },	{ false, false, true, 6, 0x81 }, { true, true, true, 6, 0x84 },
		{ false, false, false, 17, 5 }, { true, true, false, 17, 5 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const uint32_t start = rows[i].ethernet ? 14 : 0;
		uint8_t *const transport = rows[i].v6 ? ipv6(bytes + start, rows[i].protocol)
						      : ipv4(bytes + start, rows[i].protocol);
		const uint32_t headers = (uint32_t)(transport - bytes) + (rows[i].protocol == 6 ? 32 : 8);
		tern_packet    packet = out(headers, 2000);

		if (rows[i].cwr)
			transport[13] = 0x80;
		packet.checksum_offload = true;
		packet.csum_start = (uint16_t)(transport - bytes);
		packet.csum_offset = rows[i].protocol == 6 ? 16 : 6;
		packet.gso_size = 1448;
		packet.gso_headers = (uint16_t)headers;
		const struct fields fields = emit(&packet, start);
		assert_int_equal(fields.gso_type, rows[i].type);
		assert_int_equal(fields.gso_size, 1448);
		assert_int_equal(fields.hdr_len, headers);
		assert_int_equal(fields.csum_start, transport - bytes);
	}
}

static bool parse(tern_packet *packet, uint32_t len, const struct fields *fields)
{
	uint8_t header[VNET_HEADER];

	memcpy(header, fields, sizeof header);
	*packet = (tern_packet){ .part[0] = { .at = bytes, .n = len }, .n_parts = 1, .len = len };
	return vnet_parse(packet, header);
}

static void sums_that_need_no_check_are_told(void **state)
{
	tern_packet packet;

	(void)state;
	(void)ipv4(bytes, 6);
	assert_true(parse(&packet, 60, &(struct fields){ 0 }));
	assert_false(packet.checksum_offload);
	assert_true(parse(&packet, 60, &(struct fields){ .flags = 2 }));
	assert_true(packet.checksum_offload);
	assert_true(parse(&packet, 60, &(struct fields){ .flags = 1, .csum_start = 20, .csum_offset = 16 }));
	assert_true(packet.checksum_offload);
	assert_int_equal(packet.csum_start, 20);
	assert_int_equal(packet.csum_offset, 16);
	assert_int_equal(packet.gso_size, 0);
}

static void joined_segments_have_size_and_headers(void **state)
{
	tern_packet packet;

	(void)state;
	ipv4(bytes, 6)[12] = 8 << 4; /* 32 bytes of TCP header */
	/* hdr_len is a hint of the other side's memory and nothing else. */
	assert_true(parse(&packet, 2900, &(struct fields){ .flags = 1, .gso_type = 1, .hdr_len = 1000,
							   .gso_size = 1448, .csum_start = 20, .csum_offset = 16 }));
	assert_int_equal(packet.gso_size, 1448);
	assert_int_equal(packet.gso_headers, 52);
	(void)ipv6(bytes, 17);
	assert_true(parse(&packet, 2900, &(struct fields){ .flags = 1, .gso_type = 5, .gso_size = 1400,
							   .csum_start = 40, .csum_offset = 6 }));
	assert_int_equal(packet.gso_headers, 48);
}

static void contradictions_are_refused(void **state)
{
	static const struct {
		uint32_t      len;
		struct fields fields;
	} rows[] = {
		{ 60, { .flags = 1, .csum_start = 59, .csum_offset = 16 } },	/* beyond the end */
		{ 60, { .flags = 1, .csum_start = 43, .csum_offset = 16 } },	/* its second byte is */
		{ 60, { .flags = 1, .csum_start = 65535, .csum_offset = 65535 } },
		{ 2900, { .flags = 1, .gso_type = 1, .gso_size = 0, .csum_start = 20, .csum_offset = 16 } },
		{ 2900, { .flags = 0, .gso_type = 1, .gso_size = 1448 } },	/* no sum to be made */
		{ 2900, { .flags = 1, .gso_type = 3, .gso_size = 1448, .csum_start = 20, .csum_offset = 6 } }, /* UFO */
		{ 2900, { .flags = 1, .gso_type = 0x7f, .gso_size = 1448, .csum_start = 20, .csum_offset = 16 } },
		{ 2900, { .flags = 1, .gso_type = 1, .gso_size = 1448, .csum_start = 2882, .csum_offset = 16 } },
	};
	tern_packet packet;

	(void)state;
	ipv4(bytes, 6)[12] = 5 << 4;
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (parse(&packet, rows[i].len, &rows[i].fields))
			fail_msg("row %u was taken", i);
	bytes[32] = 15 << 4; /* longer than the packet */
	assert_false(parse(&packet, 70, &(struct fields){ .flags = 1, .gso_type = 1, .gso_size = 20, .csum_start = 20,
							  .csum_offset = 16 }));
	bytes[32] = 4 << 4; /* a TCP header shorter than one can be */
	assert_false(parse(&packet, 2900, &(struct fields){ .flags = 1, .gso_type = 1, .gso_size = 1448,
							    .csum_start = 20, .csum_offset = 16 }));
}

static void joined_datagrams_come_one_by_one(void **state)
{
	static const struct {
		bool	 v6;
		uint32_t start, len[4]; /* of each datagram's payload; 0: no more */
	} rows[] = {
		{ false, 0, { 1000, 1000, 500 } }, { true, 14, { 1000, 1000 } }, { false, 14, { 700 } },
	};
	uint8_t		   to[1100];
	struct vnet_joined joined;
	tern_packet	   packet;

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const uint32_t start = rows[i].start;
		uint8_t *const udp = rows[i].v6 ? ipv6(bytes + start, 17) : ipv4(bytes + start, 17);
		const uint32_t headers = (uint32_t)(udp - bytes) + 8;
		uint32_t       len = headers, at = headers;

		put16(bytes + start + 4, 0xffff); /* IPv4: the identification, which counts on */
		put16(udp + 2, 53);
		for (unsigned k = 0; k < 4; k++)
			len += rows[i].len[k];
		for (uint32_t k = headers; k < len; k++)
			bytes[k] = (uint8_t)(k * 3);
		const struct fields fields = { .flags = 1, .gso_type = 5, .gso_size = 1000,
					       .csum_start = (uint16_t)(headers - 8), .csum_offset = 6 };
		assert_true(parse(&packet, len, &fields));
		assert_true(vnet_is_joined(&joined, &packet, start));
		for (unsigned k = 0; rows[i].len[k]; k++) {
			const uint32_t n = rows[i].len[k];
			const uint8_t *const ip = to + start;

			assert_int_equal(vnet_split(&joined, to), headers + n);
			assert_memory_equal(to + headers, bytes + at, n);
			assert_int_equal(get16(to + headers - 6), 53);
			assert_int_equal(get16(to + headers - 4), 8 + n);
			if (rows[i].v6) {
				assert_int_equal(get16(ip + 4), 8 + n);
			} else {
				assert_int_equal(get16(ip + 2), 28 + n);
				assert_int_equal(get16(ip + 4), (uint16_t)(0xffff + k));
				assert_true(checksum_is_right(checksum_add(0, ip, 20)));
			}
			at += n;
		}
		assert_int_equal(vnet_split(&joined, to), 0);
	}
}

static void segments_are_not_joined_datagrams(void **state)
{
	struct vnet_joined joined;
	tern_packet	   packet;

	(void)state;
	ipv4(bytes, 6)[12] = 5 << 4;
	assert_true(parse(&packet, 2900, &(struct fields){ .flags = 1, .gso_type = 1, .gso_size = 1448,
							   .csum_start = 20, .csum_offset = 16 }));
	assert_false(vnet_is_joined(&joined, &packet, 0));
	(void)ipv4(bytes, 17);
	assert_true(parse(&packet, 900, &(struct fields){ .flags = 1, .csum_start = 20, .csum_offset = 6 }));
	assert_false(vnet_is_joined(&joined, &packet, 0));
}

/* What is split is summed by the length that the IP header names: it has to be the one that the device means. */
static void joined_datagrams_have_the_header_they_say(void **state)
{
	static const uint8_t first[] = { 0x46, 0x4f, 0x41, 0x55, 0x60 };
	const struct fields  fields = { .flags = 1, .gso_type = 5, .gso_size = 4, .csum_start = 20, .csum_offset = 6 };
	struct vnet_joined   joined;
	tern_packet	     packet;

	(void)state;
	for (size_t i = 0; i < sizeof first; i++) {
		(void)ipv4(bytes, 17);
		bytes[6] = 17;
		bytes[0] = first[i];
		assert_true(parse(&packet, 40, &fields));
		assert_false(vnet_is_joined(&joined, &packet, 0));
	}
	bytes[0] = 0x45;
	assert_true(parse(&packet, 40, &fields));
	assert_true(vnet_is_joined(&joined, &packet, 0));
}

static void hint_of_length_is_never_less_than_a_header(void **state)
{
	(void)state;
	tern_packet packet = out(3, 61); /* parts may be cut anywhere */
	assert_int_equal(emit(&packet, 14).hdr_len, 64);
	packet = out(54, 1460);
	assert_int_equal(emit(&packet, 14).hdr_len, 54);
	packet = out(3000, 0); /* in one piece: not all of it wants to be linear */
	packet.n_parts = 1;
	assert_int_equal(emit(&packet, 14).hdr_len, 256);
}

/* Whatever a device writes: nothing is read or written beyond the packet, and splitting ends. */
static void random_headers_do_no_harm(void **state)
{
	static uint8_t	   to[70000];
	struct chance	   random = { .state = 42 };
	struct vnet_joined joined;
	unsigned	   taken = 0, split = 0;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		const uint32_t len = 1 + (uint32_t)(chance_next(&random) % 1500);
		const uint32_t start = chance_next(&random) % 2 ? 14 : 0;
		uint8_t *const exact = malloc(len); /* so that a sanitizer sees its end */
		uint8_t	       header[VNET_HEADER];

		for (uint32_t k = 0; k < len; k++)
			exact[k] = (uint8_t)chance_next(&random);
		for (unsigned k = 0; k < sizeof header; k++)
			header[k] = (uint8_t)(chance_next(&random) % 3 ? 0 : chance_next(&random));
		header[0] = (uint8_t)(chance_next(&random) % 3);
		header[1] = (uint8_t[]){ 0, 1, 4, 5, 5, 5, 0x81, 0xff }[chance_next(&random) % 8];
		if (len > start + 40 && i % 2 == 0) { /* half of them look like UDP */
			const bool v6 = i % 4 == 0;

			exact[start] = v6 ? 0x60 : 0x45;
			exact[start + (v6 ? 6 : 9)] = 17;
			memcpy(header + 6, &(uint16_t){ (uint16_t)(start + (v6 ? 40 : 20)) }, 2);
		}
		tern_packet packet = { .part[0] = { .at = exact, .n = len }, .n_parts = 1, .len = len };
		if (vnet_parse(&packet, header)) {
			taken++;
			if (vnet_is_joined(&joined, &packet, start))
				for (unsigned k = 0; vnet_split(&joined, to) > 0; k++, split++)
					assert_true(k < len);
		}
		free(exact);
	}
	assert_true(taken > 1000 && split > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_packet_says_nothing),
		cmocka_unit_test(offloaded_checksum_names_its_place),
		cmocka_unit_test(split_segment_names_its_kind),
		cmocka_unit_test(sums_that_need_no_check_are_told),
		cmocka_unit_test(joined_segments_have_size_and_headers),
		cmocka_unit_test(contradictions_are_refused),
		cmocka_unit_test(joined_datagrams_come_one_by_one),
		cmocka_unit_test(segments_are_not_joined_datagrams),
		cmocka_unit_test(joined_datagrams_have_the_header_they_say),
		cmocka_unit_test(hint_of_length_is_never_less_than_a_header),
		cmocka_unit_test(random_headers_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
