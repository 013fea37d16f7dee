/* gateway/chunk.c: buffers that are lent. */
#include "gateway/chunk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void they_are_bounded_and_come_back(void **state)
{
	struct chunks *const chunks = chunks_new(3);
	uint8_t		    *at[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		at[i] = chunk_get(chunks);
		assert_non_null(at[i]);
		memset(at[i], (int)i, CHUNK_SIZE);
	}
	assert_null(chunk_get(chunks));
	chunk_put(chunks, at[1] + CHUNK_SIZE - 1); /* anything within names it */
	assert_ptr_equal(chunk_get(chunks), at[1]);
	chunk_release(chunks, at[0] + 17, 5);
	chunk_put(chunks, at[1]);
	chunk_put(chunks, at[2]);
	assert_int_equal(chunks->n, chunks->n_free);
	chunks_delete(chunks);
}

static void few_are_kept(void **state)
{
	enum { MANY = 2 * CHUNK_KEPT };
	struct chunks *const chunks = chunks_new(MANY);
	uint8_t		    *at[MANY];

	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		at[i] = chunk_get(chunks);
	for (unsigned i = 0; i < MANY; i++)
		chunk_put(chunks, at[i]);
	assert_int_equal(chunks->n, CHUNK_KEPT);
	assert_int_equal(chunks->n_free, CHUNK_KEPT);
	chunks_delete(chunks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_bounded_and_come_back),
		cmocka_unit_test(few_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
