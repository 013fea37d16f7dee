/* gateway/control_answer.c: fields of flat JSON objects, and what is no such object. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/control.h"

static void fields_are_found(void **state)
{
	static const struct {
		const char *object, *name, *value;
	} cases[] = {
		{ "{\"do\":\"flows\"}", "do", "flows" },
		{ " { \"do\" : \"remove\" , \"id\" : 12 } ", "id", "12" },
		{ "{\"a\":true,\"b\":null,\"c\":-3}", "b", "null" },
		{ "{\"a\":true,\"b\":null,\"c\":-3}", "c", "-3" },
		{ "{\"a\":\"\\\"\\\\\\/\"}", "a", "\"\\/" },
		{ "{\"a\":\"{},:\"}", "a", "{},:" },
		{ "{\"a\":\"\"}", "a", "" },
		{ "{\"a\":1,\"a\":2}", "a", "2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char value[64];

		assert_int_equal(control_field(cases[i].object, cases[i].name, value, sizeof value), 0);
		assert_string_equal(value, cases[i].value);
	}
}

static void what_is_no_flat_object_is_refused(void **state)
{
	static const char *const texts[] = {
		"", "x", "{", "{}", "[]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":1}x", "{\"a\":[1]}",
		"{\"a\":{}}", "{a:1}", "{\"a\":\"", "{\"a\":\"\\", "{\"a\":\"\\u0041\"}",
		"{\"a\":\"\x01\"}", "{\"a\":1 \"b\":2}",
		"{\"a\":\"a value that is longer than its room\"}",
	};
	char value[16];

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (control_field(texts[i], "a", value, sizeof value) != -TERN_EINVAL)
			fail_msg("taken: %s", texts[i]);
	assert_int_equal(control_field("{\"a\":1}", "b", value, sizeof value), -TERN_ENOENT);
}

static void what_nobody_knows_is_answered_with_an_error(void **state)
{
	static const char *const requests[] = {
		"", "{}", "{\"do\":\"fly\"}", "{\"do\":\"add\"}", "{\"do\":\"remove\"}",
		"{\"do\":\"remove\",\"id\":\"x\"}", "{\"do\":\"add\",\"forward\":\"x\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		struct gateway	    gateway = { .ipv6 = false };
		struct control_text text = { .n = 0 };

		control_answer(&gateway, requests[i], &text);
		assert_false(text.lost);
		assert_true(text.n > 0 && text.at[text.n - 1] == '\n');
		assert_memory_equal(text.at, "{\"ok\":false,\"error\":\"", 21);
		free(text.at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_found),
		cmocka_unit_test(what_is_no_flat_object_is_refused),
		cmocka_unit_test(what_nobody_knows_is_answered_with_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
