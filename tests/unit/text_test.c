/* Columns and line breaks, for English and Chinese. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "watch/text.h"

#include <string.h>

static void columns_of_characters(void **state)
{
	(void)state;
	assert_int_equal(text_columns(""), 0);
	assert_int_equal(text_columns("abc"), 3);
	assert_int_equal(text_columns("三次握手"), 8);
	assert_int_equal(text_columns("（SYN）"), 7);
	assert_int_equal(text_columns("┠─►┨"), 4);
	assert_int_equal(text_columns("e\u0301"), 1);
	assert_int_equal(text_columns("한글カナ"), 8);
}

static void what_is_not_utf8_counts_byte_by_byte(void **state)
{
	static const char *const bad[] = { "\x80", "\xc0\xaf", "\xe4\xb8", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xff" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const char *at = bad[i];

		assert_int_equal(text_decode(&at), 0xfffd);
		assert_ptr_equal(at, bad[i] + 1);
	}
}

static void check_lines(const char *text, unsigned columns, const char *const lines[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char  *next;
		const size_t length = text_line(text, columns, &next);

		assert_int_equal(length, strlen(lines[i]));
		assert_memory_equal(text, lines[i], length);
		text = next;
	}
	assert_string_equal(text, "");
}

static void english_breaks_at_blanks(void **state)
{
	static const char *const lines[] = { "a FIN takes", "one", "sequence", "number" };
	static const char *const hard[] = { "abcde", "fgh" };

	(void)state;
	check_lines("a FIN takes one sequence number", 11, lines, 4);
	check_lines("abcdefgh", 5, hard, 2);
}

static void chinese_breaks_between_characters_but_not_before_a_full_stop(void **state)
{
	(void)state;
	check_lines("客户端发送 SYN报文段。", 8, (const char *const[]){ "客户端发", "送 SYN报", "文段。" }, 3);
	check_lines("三次握手。", 8, (const char *const[]){ "三次握", "手。" }, 2);
	check_lines("是（SYN）", 4, (const char *const[]){ "是", "（SY", "N）" }, 3);
}

static void a_citation_is_one_word(void **state)
{
	(void)state;
	check_lines("see RFC 9293 3.5 there", 8, (const char *const[]){ "see", "RFC 9293", "3.5", "there" }, 4);
	check_lines("see RFC 9293 3.5 there", 14, (const char *const[]){ "see", "RFC 9293 3.5", "there" }, 3);
}

static void a_full_builder_cuts(void **state)
{
	char	    place[8];
	struct text text;

	(void)state;
	text_init(&text, place, sizeof place);
	text_put(&text, "abc");
	text_format(&text, "%d", 1234);
	assert_false(text.cut);
	assert_string_equal(place, "abc1234");
	text_put(&text, "x");
	assert_true(text.cut);
	text_format(&text, "%d", 5);
	assert_string_equal(place, "abc1234");
	assert_int_equal(text.n, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_of_characters),
		cmocka_unit_test(what_is_not_utf8_counts_byte_by_byte),
		cmocka_unit_test(english_breaks_at_blanks),
		cmocka_unit_test(chinese_breaks_between_characters_but_not_before_a_full_stop),
		cmocka_unit_test(a_citation_is_one_word),
		cmocka_unit_test(a_full_builder_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
