/* Capture files: both formats, both byte orders, times, directions, interfaces of several links; and damage. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "support/capture.h"
#include "support/random.h"

#include <stdio.h>
#include <string.h>

static struct bytes file;

static void open_file(struct trace_file *to)
{
	assert_true(trace_file_begin(to, capture_fd(file.at, file.n)));
}

static void pcap_in_either_order_and_resolution(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		const bool	    swapped = i & 1, nanoseconds = i & 2;
		struct trace_file   reader;
		struct trace_packet packet;

		file.n = 0;
		pcap_begin(&file, 101, nanoseconds, swapped);
		pcap_packet(&file, 7, 123456, "abcde", 5, 1500, swapped);
		open_file(&reader);
		assert_int_equal(trace_file_next(&reader, &packet), TRACE_PACKET);
		assert_int_equal(packet.at, 7 * TERN_SECOND + 123456 * (nanoseconds ? 1 : TERN_MICROSECOND));
		assert_int_equal(packet.n, 5);
		assert_int_equal(packet.len, 1500);
		assert_int_equal(packet.link, 101);
		assert_memory_equal(packet.bytes, "abcde", 5);
		assert_int_equal(trace_file_next(&reader, &packet), TRACE_END);
		trace_file_close(&reader);
	}
}

static void pcapng_with_interfaces_of_different_links(void **state)
{
	(void)state;
	for (int swapped = 0; swapped < 2; swapped++) {
		struct trace_file   reader;
		struct trace_packet packet;

		file.n = 0;
		ng_section(&file, swapped);
		ng_interface(&file, 1, 0, swapped);
		ng_interface(&file, 101, 9, swapped);
		ng_interface(&file, 113, 0x80 | 10, swapped);
		ng_packet(&file, 0, 5000001, "one", 3, 0, swapped);
		ng_packet(&file, 1, (UINT64_C(1) << 40) + 3, "four", 4, TRACE_OUTBOUND, swapped);
		ng_packet(&file, 2, 1024 * 3 + 512, "fives", 5, TRACE_INBOUND, swapped);
		ng_section(&file, !swapped);
		ng_interface(&file, 12, 6, !swapped);
		ng_packet(&file, 0, 9, "again", 5, 0, !swapped);
		open_file(&reader);
		assert_int_equal(trace_file_next(&reader, &packet), TRACE_PACKET);
		assert_int_equal(packet.at, 5000001 * TERN_MICROSECOND);
		assert_int_equal(packet.link, 1);
		assert_int_equal(packet.direction, TRACE_EITHER);
		assert_int_equal(trace_file_next(&reader, &packet), TRACE_PACKET);
		assert_int_equal(packet.at, (INT64_C(1) << 40) + 3);
		assert_int_equal(packet.link, 101);
		assert_int_equal(packet.direction, TRACE_OUTBOUND);
		assert_int_equal(trace_file_next(&reader, &packet), TRACE_PACKET);
		assert_int_equal(packet.at, 3 * TERN_SECOND + TERN_SECOND / 2);
		assert_int_equal(packet.direction, TRACE_INBOUND);
		assert_int_equal(packet.number, 3);
		assert_int_equal(trace_file_next(&reader, &packet), TRACE_PACKET);
		assert_int_equal(packet.link, 12);
		assert_memory_equal(packet.bytes, "again", 5);
		assert_int_equal(trace_file_next(&reader, &packet), TRACE_END);
		trace_file_close(&reader);
	}
}

static void what_is_no_capture_is_refused_with_a_reason(void **state)
{
	static const struct {
		const char *bytes;
		size_t	    n;
		const char *why;
	} files[] = {
		{ "", 0, "empty" },
		{ "abc", 3, "too short" },
		{ "hello world, this is text", 25, "neither pcap nor pcapng" },
		{ "\x1f\x8b\x08\x00\x00\x00\x00\x00", 8, "compressed" },
		{ "\xd4\xc3\xb2\xa1\x02\x00", 6, "ends within its header" },
	};
	struct trace_file reader;

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		assert_false(trace_file_begin(&reader, capture_fd(files[i].bytes, files[i].n)));
		assert_non_null(strstr(reader.why, files[i].why));
	}
	assert_false(trace_file_open(&reader, "/nonexistent"));
	assert_non_null(strstr(reader.why, "No such file"));
}

/* Bytes of rubbish between records are one gap; what follows is read. */
static void damage_is_a_gap_that_is_told(void **state)
{
	(void)state;
	for (int ng = 0; ng < 2; ng++) {
		struct trace_file   reader;
		struct trace_packet packet;
		size_t		    from;

		file.n = 0;
		if (ng) {
			ng_section(&file, false);
			ng_interface(&file, 101, 9, false);
			ng_packet(&file, 0, 1, "first!", 6, 0, false);
		} else {
			pcap_begin(&file, 101, false, false);
			pcap_packet(&file, 100, 1, "first!", 6, 6, false);
		}
		from = file.n;
		for (int i = 0; i < 40; i++)
			bytes_put(&file, "\xff", 1);
		if (!ng) { /* what looks like a record, but leads to none */
			pcap_packet(&file, 100, 1, "lonely", 6, 6, false);
			bytes_put(&file, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10);
		}
		const size_t rubbish = file.n - from;

		for (uint64_t i = 0; i < 3; i++) {
			if (ng)
				ng_packet(&file, 0, 2 + i, "second", 6, 0, false);
			else
				pcap_packet(&file, 101, 2, "second", 6, 6, false);
		}
		open_file(&reader);
		assert_int_equal(trace_file_next(&reader, &packet), TRACE_PACKET);
		assert_int_equal(trace_file_next(&reader, &packet), TRACE_GAP);
		assert_int_equal(reader.gap_at, from);
		assert_int_equal(reader.gap_n, rubbish);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(trace_file_next(&reader, &packet), TRACE_PACKET);
			assert_memory_equal(packet.bytes, "second", 6);
		}
		assert_int_equal(trace_file_next(&reader, &packet), TRACE_END);
		trace_file_close(&reader);
	}
}

/* Cut off after any of its bytes: what is whole is read, the rest is one gap, and the bytes add up. */
static void a_file_cut_off_anywhere_is_read_as_far_as_it_goes(void **state)
{
	(void)state;
	for (int ng = 0; ng < 2; ng++) {
		size_t first;

		file.n = 0;
		if (ng) {
			ng_section(&file, false);
			ng_interface(&file, 101, 9, false);
			first = file.n;
			ng_packet(&file, 0, 1, "first!", 6, 1, false);
			ng_packet(&file, 0, 2, "second", 6, 1, false);
		} else {
			pcap_begin(&file, 101, false, false);
			first = file.n;
			pcap_packet(&file, 100, 1, "first!", 6, 6, false);
			pcap_packet(&file, 100, 2, "second", 6, 6, false);
		}
		const size_t each = (file.n - first) / 2;

		for (size_t n = first; n <= file.n; n++) {
			struct trace_file   reader;
			struct trace_packet packet;
			unsigned	    packets = 0, gaps = 0;
			enum trace_read	    read;

			assert_true(trace_file_begin(&reader, capture_fd(file.at, n)));
			while ((read = trace_file_next(&reader, &packet)) != TRACE_END) {
				assert_true(read == TRACE_PACKET || read == TRACE_GAP);
				packets += read == TRACE_PACKET;
				gaps += read == TRACE_GAP;
			}
			assert_int_equal(packets, (n - first) / each);
			assert_int_equal(gaps, (n - first) % each != 0);
			assert_int_equal(reader.skipped, (n - first) % each);
			trace_file_close(&reader);
		}
	}
}

/* Bytes changed by chance: it ends, tells no packet beyond the buffer, and reads (ASan sees) nothing else. */
static void hostile_files_end(void **state)
{
	struct chance chance = { 7 };

	(void)state;
	for (int run = 0; run < 4000; run++) {
		struct trace_file   reader;
		struct trace_packet packet;
		uint64_t	    sum = 0;

		file.n = 0;
		if (run & 1) {
			ng_section(&file, run & 2);
			ng_interface(&file, 1, 9, run & 2);
			for (uint32_t i = 0; i < 6; i++)
				ng_packet(&file, 0, i, "some packet or other", 20, i % 3, run & 2);
		} else {
			pcap_begin(&file, 1, false, run & 2);
			for (uint32_t i = 0; i < 6; i++)
				pcap_packet(&file, 100, i, "some packet or other", 20, 20, run & 2);
		}
		for (uint64_t n = chance_below(&chance, 8) + 1; n > 0; n--)
			file.at[chance_below(&chance, file.n - 4) + 4] = (uint8_t)chance_next(&chance);
		if (!trace_file_begin(&reader, capture_fd(file.at, file.n)))
			continue;
		for (int i = 0; i < 1000; i++) {
			const enum trace_read read = trace_file_next(&reader, &packet);

			assert_int_not_equal(i, 999);
			if (read == TRACE_END || read == TRACE_FAILED)
				break;
			for (uint32_t k = 0; read == TRACE_PACKET && k < packet.n; k++)
				sum += packet.bytes[k];
		}
		assert_true(reader.offset == file.n || sum > 0 || reader.skipped > 0);
		trace_file_close(&reader);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_in_either_order_and_resolution),
		cmocka_unit_test(pcapng_with_interfaces_of_different_links),
		cmocka_unit_test(what_is_no_capture_is_refused_with_a_reason),
		cmocka_unit_test(damage_is_a_gap_that_is_told),
		cmocka_unit_test(a_file_cut_off_anywhere_is_read_as_far_as_it_goes),
		cmocka_unit_test(hostile_files_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
