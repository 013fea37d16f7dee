/* Mutations for driver.c, and for the custom mutators of libFuzzer, whose own joins in where it is linked. */
#include "fuzz/fuzz.h"

#include "support/random.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libFuzzer's: there in its programs alone. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) __attribute__((weak));

void fuzz_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("fuzz: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	abort();
}

/* Told to the sanitizer: a size from an input that is none is refused by the allocator, not a finding. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

/* ---- bytes ---- */

static const uint8_t edges[] = { 0, 1, 2, 4, 8, 16, 20, 40, 60, 64, 0x7f, 0x80, 0xfe, 0xff };

static void change_byte(uint8_t *data, size_t size, struct chance *chance)
{
	uint8_t *const at = data + chance_below(chance, size);

	switch (chance_below(chance, 4)) {
	case 0: *at ^= (uint8_t)(1u << chance_below(chance, 8)); break;
	case 1: *at = (uint8_t)chance_next(chance); break;
	case 2: *at = (uint8_t)(*at + chance_between(chance, 0, 16) - 8); break;
	default: *at = edges[chance_below(chance, sizeof edges)]; break;
	}
}

/* A length or a number of two or four octets, either way round. */
static void change_number(uint8_t *data, size_t size, struct chance *chance)
{
	const size_t   n = chance_percent(chance, 50) ? 2 : 4;
	const uint32_t value =
		(uint32_t)(chance_percent(chance, 50) ? chance_scale(chance, 1, UINT32_MAX) : size);
	const bool little = chance_percent(chance, 30);

	if (size < n)
		return;
	uint8_t *const at = data + chance_below(chance, size - n + 1);
	for (size_t i = 0; i < n; i++)
		at[little ? i : n - 1 - i] = (uint8_t)(value >> 8 * i);
}

static size_t insert(uint8_t *data, size_t size, size_t max, struct chance *chance)
{
	const size_t most = max - size < 32 ? max - size : 32;

	if (most == 0)
		return size;
	const size_t n = 1 + chance_below(chance, most), at = chance_below(chance, size + 1);
	memmove(data + at + n, data + at, size - at);
	for (size_t i = 0; i < n; i++)
		data[at + i] = size > 0 && chance_percent(chance, 50) ? data[chance_below(chance, size)]
								      : (uint8_t)chance_next(chance);
	return size + n;
}

static size_t erase(uint8_t *data, size_t size, struct chance *chance)
{
	if (size < 2)
		return size;
	const size_t n = 1 + chance_below(chance, size / 4 + 1), at = chance_below(chance, size - n + 1);
	memmove(data + at, data + at + n, size - at - n);
	return size - n;
}

static void copy_within(uint8_t *data, size_t size, struct chance *chance)
{
	const size_t n = 1 + chance_below(chance, size), from = chance_below(chance, size - n + 1);

	memmove(data + chance_below(chance, size - n + 1), data + from, n);
}

size_t fuzz_mutate_bytes(uint8_t *data, size_t size, size_t max, uint64_t seed)
{
	struct chance chance = { seed };

	if (LLVMFuzzerMutate && max > 0)
		return LLVMFuzzerMutate(data, size, max);
	for (uint64_t n = 1 + chance_below(&chance, 4); n > 0; n--) {
		const uint64_t way = size == 0 ? 7 : chance_below(&chance, 10);

		if (way < 4)
			change_byte(data, size, &chance);
		else if (way < 6)
			change_number(data, size, &chance);
		else if (way < 8)
			size = insert(data, size, max, &chance);
		else if (way < 9)
			size = erase(data, size, &chance);
		else
			copy_within(data, size, &chance);
	}
	return size;
}

/* ---- records ---- */

enum { RECORD_MOST = 64 };

static void fill(uint8_t *at, size_t n, struct chance *chance)
{
	for (size_t i = 0; i < n; i++)
		at[i] = chance_percent(chance, 60) ? 0 : (uint8_t)chance_next(chance);
	at[0] = (uint8_t)chance_next(chance);
}

static size_t insert_record(uint8_t *first, size_t n, size_t room, size_t record, struct chance *chance)
{
	uint8_t	     fresh[RECORD_MOST];
	const size_t at = chance_below(chance, n + 1);

	if (n == room)
		return n;
	if (n > 0 && chance_percent(chance, 60)) { /* one like another, but for a byte */
		memcpy(fresh, first + chance_below(chance, n) * record, record);
		if (chance_percent(chance, 70))
			change_byte(fresh, record, chance);
	} else {
		fill(fresh, record, chance);
	}
	memmove(first + (at + 1) * record, first + at * record, (n - at) * record);
	memcpy(first + at * record, fresh, record);
	return n + 1;
}

static void swap_records(uint8_t *a, uint8_t *b, size_t record)
{
	uint8_t kept[RECORD_MOST];

	memcpy(kept, a, record);
	memcpy(a, b, record);
	memcpy(b, kept, record);
}

static size_t change_records(uint8_t *first, size_t n, size_t room, size_t record, struct chance *chance)
{
	const uint64_t way = n == 0 ? 0 : chance_below(chance, 10);

	if (way < 4) {
		n = insert_record(first, n, room, record, chance);
	} else if (way < 8) {
		change_byte(first + chance_below(chance, n) * record, record, chance);
	} else if (way < 9) {
		swap_records(first + chance_below(chance, n) * record,
			     first + chance_below(chance, n) * record, record);
	} else {
		const size_t at = chance_below(chance, n);

		memmove(first + at * record, first + (at + 1) * record, (n - at - 1) * record);
		n--;
	}
	return n;
}

size_t fuzz_mutate_records(uint8_t *data, size_t size, size_t max, size_t head, size_t record, uint64_t seed)
{
	struct chance chance = { seed };

	if (record > RECORD_MOST || max < head)
		return size;
	if (LLVMFuzzerMutate && chance_percent(&chance, 30)) /* it knows what the code compares with */
		return LLVMFuzzerMutate(data, size, max);
	if (size < head) {
		memset(data + size, 0, head - size);
		size = head;
	}
	if (head > 0 && chance_percent(&chance, 10))
		change_byte(data, head, &chance);
	size_t n = (size - head) / record;
	for (uint64_t times = 1 + chance_below(&chance, 5); times > 0; times--)
		n = change_records(data + head, n, (max - head) / record, record, &chance);
	return head + n * record;
}
