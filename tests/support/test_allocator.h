/* An allocator that counts, checks what is given back, and fails when it is told to. */
#ifndef SUPPORT_TEST_ALLOCATOR_H
#define SUPPORT_TEST_ALLOCATOR_H

#include <tern/types.h>

struct test_allocator {
	uint64_t calls;	     /* of alloc, failed ones too */
	uint64_t fail_at;    /* this call fails (from 1); 0: none */
	uint64_t fail_count; /* and so do as many that follow, less one; 0 counts as 1 */
	uint64_t failed;
	size_t	 blocks, bytes; /* now */
	size_t	 peak;
	size_t	 bytes_max; /* beyond: fails; 0: no such limit */
};

/* Blocks are filled with rubbish when they come and when they go; a wrong size or a write beyond the
 * end aborts with a message. */
struct tern_allocator test_allocator_of(struct test_allocator *allocator);

#endif
