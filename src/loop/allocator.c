/* The allocator of programs that have none of their own: the C library's. */
#include <stdlib.h>

#include <tern/loop.h>

static void *take(void *context, size_t size, size_t align)
{
	(void)context;
	if (align <= _Alignof(max_align_t))
		return malloc(size);
	/* aligned_alloc() takes whole multiples of the alignment. */
	const size_t rounded = (size + align - 1) / align * align;
	return rounded < size ? NULL : aligned_alloc(align, rounded);
}

static void give_back(void *context, void *block, size_t size)
{
	(void)context;
	(void)size;
	free(block);
}

const struct tern_allocator *tern_allocator_default(void)
{
	static const struct tern_allocator allocator = { .alloc = take, .free = give_back };

	return &allocator;
}
