/* An allocator for unit tests: checks every size on free, can fail on demand, and poisons what it gives,
 * so that a reliance on zeroed memory shows. */
#ifndef TESTS_UNIT_ALLOCATOR_H
#define TESTS_UNIT_ALLOCATOR_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <tern/types.h>

struct test_allocator {
	size_t blocks, bytes; /* given and not yet back */
	size_t calls;
	size_t fail_at; /* the call that fails, counted from 1; 0: none */
	bool   fail_all;
	bool   broken; /* a size on free was not that of alloc */
};

/* In front of each block. */
struct test_block {
	void  *raw;
	size_t size;
};

static void *checked_alloc(void *context, size_t size, size_t align)
{
	struct test_allocator *a = context;

	a->calls++;
	if (a->fail_all || a->calls == a->fail_at)
		return NULL;
	/* Beyond what malloc() aligns to, there is slack; else the block ends where the memory does, so that
	 * a sanitizer sees a step over its end. */
	const size_t	  slack = align > sizeof(struct test_block) ? align : 0;
	const size_t	  all = sizeof(struct test_block) + slack + size;
	uint8_t		 *raw = malloc(all);
	struct test_block was = { raw, size };
	uint8_t		 *block = raw + sizeof was;

	if (slack > 0)
		block += (slack - (uintptr_t)block % slack) % slack;

	if (!raw)
		abort();
	memset(raw, 0xa5, all);
	memcpy(block - sizeof was, &was, sizeof was);
	a->blocks++;
	a->bytes += size;
	return block;
}

static void checked_free(void *context, void *block, size_t size)
{
	struct test_allocator *a = context;
	struct test_block      was;

	memcpy(&was, (uint8_t *)block - sizeof was, sizeof was);
	if (was.size != size)
		a->broken = true;
	a->blocks--;
	a->bytes -= size;
	free(was.raw);
}

static inline struct tern_allocator test_allocator(struct test_allocator *a)
{
	memset(a, 0, sizeof *a);
	return (struct tern_allocator){ .alloc = checked_alloc, .free = checked_free, .context = a };
}

#endif
