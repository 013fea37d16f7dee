/* perf/json.c: what is written can be read, and what is broken gives nothing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "perf/json.h"

static struct json_piece piece(const char *text)
{
	return (struct json_piece){ text, strlen(text) };
}

static void assert_piece(struct json_piece found, const char *text)
{
	assert_int_equal(found.n, strlen(text));
	assert_memory_equal(found.at, text, found.n);
}

static void a_document_is_written_as_it_is_meant(void **state)
{
	struct json_writer json = { 0 };
	char		  *text;
	size_t		   n;

	(void)state;
	json.to = open_memstream(&text, &n);
	json_open(&json, NULL, '{');
	json_text(&json, "te\"xt", "a\\b\n");
	json_open(&json, "list", '[');
	json_integer(&json, NULL, -7);
	json_number(&json, NULL, 0.25);
	json_number(&json, NULL, (double)NAN);
	json_open(&json, NULL, '{');
	json_close(&json);
	json_close(&json);
	json_bool(&json, "yes", true);
	json_close(&json);
	assert_int_equal(fclose(json.to), 0);
	assert_string_equal(text, "{\"te\\\"xt\":\"a\\\\b\\u000a\",\"list\":[-7,0.25,0,{}],\"yes\":true}");
	free(text);
}

static void members_are_found(void **state)
{
	const struct json_piece text = piece(" { \"a\" : 1 , \"b\":[1,{\"a\":\"]\"}],\"c\" : \"x,\\\"}\" ,"
					     "\"d\":{\"a\":2},\"e\":true, \"f\":-3.5e2}\n");

	(void)state;
	assert_piece(json_member(text, "a"), "1");
	assert_piece(json_member(text, "b"), "[1,{\"a\":\"]\"}]");
	assert_piece(json_member(text, "c"), "\"x,\\\"}\"");
	assert_piece(json_member(json_member(text, "d"), "a"), "2");
	assert_true(json_is_true(json_member(text, "e")));
	assert_false(json_is_true(json_member(text, "a")));
	assert_true(json_to_number(json_member(text, "f"), 0) == -350.0);
	assert_int_equal(json_member(text, "g").n, 0);
	assert_int_equal(json_member(text, "").n, 0);
}

static void an_array_of_objects_is_gone_through(void **state)
{
	struct json_piece rest = piece("[ {\"id\":1}, {\"id\":3} ,{\"id\":4} ]"), value;
	unsigned	  n = 0;

	(void)state;
	static const unsigned ids[] = { 1, 3, 4 };
	while (json_next(&rest, &value)) {
		assert_true(n < 3);
		assert_int_equal(json_to_count(json_member(value, "id"), 100, 0), ids[n]);
		n++;
	}
	assert_int_equal(n, 3);
	rest = piece("[]");
	assert_false(json_next(&rest, &value));
}

static void what_is_broken_gives_nothing(void **state)
{
	static const char *const broken[] = {
		"", " ", "{", "[", "}", "\"", "1", "{\"a", "{\"a\"", "{\"a\"}", "{\"a\":", "{\"a\":}", "{\"a\" 1}",
		"{\"a\":\"", "{\"a\":[", "{\"a\":{\"b\":1", "{\"b\":\"\\\"", "{b:1,\"a\":1}", "{\"b\":,\"a\":1}",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof broken / sizeof broken[0]; i++) {
		struct json_piece rest = piece(broken[i]), value;
		assert_int_equal(json_member(piece(broken[i]), "a").n, 0);
		for (unsigned k = 0; json_next(&rest, &value); k++)
			assert_true(k < 20);
	}
}

static void numbers_have_their_ranges(void **state)
{
	(void)state;
	assert_int_equal(json_to_count(piece("12"), 100, 5), 12);
	assert_int_equal(json_to_count(piece("1000"), 100, 5), 100);
	assert_int_equal(json_to_count(piece("1e300"), 100, 5), 100);
	assert_int_equal(json_to_count(piece("-1"), 100, 5), 5);
	assert_int_equal(json_to_count(piece("true"), 100, 5), 5);
	assert_int_equal(json_to_count(piece("inf"), 100, 5), 5);
	assert_int_equal(json_to_count(piece("0x10"), 100, 5), 16); /* strtod's; no harm in it */
	assert_int_equal(json_to_count(piece(""), 100, 5), 5);
	assert_int_equal(json_to_count(piece("111111111111111111111111111111111111111111"), 100, 5), 5);
}

static void a_text_fits_or_is_none(void **state)
{
	char word[4];

	(void)state;
	assert_true(json_to_text(piece("\"abc\""), word, sizeof word));
	assert_string_equal(word, "abc");
	assert_false(json_to_text(piece("\"abcd\""), word, sizeof word));
	assert_string_equal(word, "");
	assert_false(json_to_text(piece("\"a\\b\""), word, sizeof word));
	assert_false(json_to_text(piece("12"), word, sizeof word));
	assert_true(json_to_text(piece("\"\""), word, sizeof word));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_is_written_as_it_is_meant),
		cmocka_unit_test(members_are_found),
		cmocka_unit_test(an_array_of_objects_is_gone_through),
		cmocka_unit_test(what_is_broken_gives_nothing),
		cmocka_unit_test(numbers_have_their_ranges),
		cmocka_unit_test(a_text_fits_or_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
