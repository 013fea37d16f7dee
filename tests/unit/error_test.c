#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include <limits.h>
#include <tern/types.h>

static const int errors[] = {
	TERN_ENOENT,	 TERN_EBADF,	     TERN_EAGAIN,      TERN_ENOMEM,	  TERN_EACCES,
	TERN_EINVAL,	 TERN_EPIPE,	     TERN_EPROTO,      TERN_EMSGSIZE,	  TERN_EOPNOTSUPP,
	TERN_EADDRINUSE, TERN_EADDRNOTAVAIL, TERN_ENETUNREACH, TERN_ECONNABORTED, TERN_ECONNRESET,
	TERN_EISCONN,	 TERN_ENOTCONN,	     TERN_ETIMEDOUT,   TERN_ECONNREFUSED, TERN_EHOSTUNREACH,
	TERN_EALREADY,	 TERN_EINPROGRESS,
};

enum { ERRORS = sizeof errors / sizeof errors[0] };

static void every_error_has_its_own_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < ERRORS; i++) {
		assert_string_not_equal(tern_strerror(errors[i]), tern_strerror(4242));
		assert_ptr_equal(tern_strerror(errors[i]), tern_strerror(-errors[i]));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(tern_strerror(errors[i]), tern_strerror(errors[k]));
	}
}

static void no_number_is_without_a_sentence(void **state)
{
	const int odd[] = { 0, 1, -1, 4242, INT_MAX, INT_MIN };

	(void)state;
	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
		assert_true(strlen(tern_strerror(odd[i])) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_error_has_its_own_sentence),
		cmocka_unit_test(no_number_is_without_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
