/* watch/pcapng.c: what is written can be walked, block by block, as the format says. */
#include "watch/pcapng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t get32(const char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof value);
	return value;
}

static uint16_t get16(const char *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof value);
	return value;
}

/* Length of the block at `at`, which says it at both ends. */
static uint32_t block_length(const char *at, uint32_t type)
{
	const uint32_t n = get32(at + 4);

	assert_int_equal(get32(at), type);
	assert_int_equal(n % 4, 0);
	assert_int_equal(get32(at + n - 4), n);
	return n;
}

static void blocks_follow_each_other(void **state)
{
	const char		 head[] = { 0x45, 1, 2 }, tail[] = { 3, 4 };
	const struct pcapng_part parts[] = { { head, 3 }, { tail, 2 } };
	const tern_time		 when = (INT64_C(7) << 32) + 9;
	char			*data;
	size_t			 size;
	FILE *const		 to = open_memstream(&data, &size);

	(void)state;
	pcapng_begin(to, PCAPNG_RAW, "tern");
	pcapng_packet(to, when, PCAPNG_OUTBOUND, parts, 2, "why");
	pcapng_packet(to, when + 1, PCAPNG_INBOUND, parts, 1, NULL);
	fclose(to);

	const char *at = data;
	const uint32_t section = block_length(at, 0x0a0d0d0a);
	assert_int_equal(get32(at + 8), 0x1a2b3c4d);
	at += section;
	const uint32_t interface = block_length(at, 1);
	assert_int_equal(get16(at + 8), PCAPNG_RAW);
	at += interface;

	const uint32_t first = block_length(at, 6);
	assert_int_equal(get32(at + 12), 7);
	assert_int_equal(get32(at + 16), 9);
	assert_int_equal(get32(at + 20), 5);
	assert_memory_equal(at + 28, "\x45\1\2\3\4\0\0\0", 8);
	assert_int_equal(get16(at + 36), 1); /* comment */
	assert_int_equal(get16(at + 38), 3);
	assert_memory_equal(at + 40, "why\0", 4);
	assert_int_equal(get16(at + 44), 2); /* flags */
	assert_int_equal(get32(at + 48), PCAPNG_OUTBOUND);
	assert_int_equal(get32(at + 52), 0);
	at += first;

	const uint32_t second = block_length(at, 6);
	assert_int_equal(get16(at + 32), 2); /* no comment: flags at once */
	assert_ptr_equal(at + second, data + size);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(blocks_follow_each_other) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
