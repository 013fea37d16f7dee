#include "support/test_allocator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t MAGIC = UINT64_C(0x7465726e626c6f63);

enum { RUBBISH_MAX = 512 }; /* enough of a block to be noticed, little enough to stay fast */

static void rubbish(void *block, size_t size)
{
	memset(block, 0xa5, size < RUBBISH_MAX ? size : RUBBISH_MAX);
}

static bool may_have(struct test_allocator *a, size_t size)
{
	const uint64_t count = a->fail_count ? a->fail_count : 1;

	a->calls++;
	if (a->fail_at != 0 && a->calls >= a->fail_at && a->calls - a->fail_at < count)
		return false;
	return a->bytes_max == 0 || a->bytes + size <= a->bytes_max;
}

static void *test_alloc(void *context, size_t size, size_t align)
{
	struct test_allocator *const a = context;
	const uint64_t		     mark = MAGIC ^ size;
	uint8_t			    *block = NULL;

	if (may_have(a, size)) {
		if (align < sizeof(void *))
			align = sizeof(void *);
		if (posix_memalign((void **)&block, align, size + sizeof mark) != 0)
			block = NULL;
	}
	if (!block) {
		a->failed++;
		return NULL;
	}
	rubbish(block, size);
	memcpy(block + size, &mark, sizeof mark);
	a->blocks++;
	a->bytes += size;
	if (a->bytes > a->peak)
		a->peak = a->bytes;
	return block;
}

static void test_free(void *context, void *block, size_t size)
{
	struct test_allocator *const a = context;
	uint64_t		     mark;

	memcpy(&mark, (uint8_t *)block + size, sizeof mark);
	if (mark != (MAGIC ^ size) || a->blocks == 0) {
		fprintf(stderr, "allocator: a block of %zu bytes given back with another size or overrun\n",
			size);
		abort();
	}
	mark = 0;
	memcpy((uint8_t *)block + size, &mark, sizeof mark);
	rubbish(block, size);
	a->blocks--;
	a->bytes -= size;
	free(block);
}

struct tern_allocator test_allocator_of(struct test_allocator *allocator)
{
	return (struct tern_allocator){ test_alloc, test_free, allocator };
}
