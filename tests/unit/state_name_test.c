#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <string.h>

#include <tern/types.h>

static void states_are_spelt_as_in_the_rfc(void **state)
{
	/* RFC 9293 3.3.2, in the order of enum tern_state. */
	static const char *const names[] = { "CLOSED",	   "LISTEN",	 "SYN-SENT", "SYN-RECEIVED",
					     "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
					     "CLOSING",	   "LAST-ACK",	 "TIME-WAIT" };

	(void)state;
	assert_int_equal(sizeof names / sizeof names[0], TERN_STATES);
	for (int i = 0; i < TERN_STATES; i++)
		assert_string_equal(tern_state_name((enum tern_state)i), names[i]);
}

static void out_of_range_is_a_question_mark(void **state)
{
	(void)state;
	assert_string_equal(tern_state_name(TERN_STATES), "?");
	assert_string_equal(tern_state_name((enum tern_state)-1), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_are_spelt_as_in_the_rfc),
		cmocka_unit_test(out_of_range_is_a_question_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
