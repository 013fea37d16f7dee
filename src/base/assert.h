/* tern_assert: our own bug, never a peer's doing or a caller's. On in release builds too. */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

static inline void tern_assert(_Bool holds)
{
	if (__builtin_expect(!holds, 0))
		__builtin_trap();
}

#endif
