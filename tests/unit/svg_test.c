/* watch/svg.c: any text, as text of XML. */
#include "watch/svg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void says(const char *text, const char *expected)
{
	char  *got = NULL;
	size_t n = 0;
	FILE  *to = open_memstream(&got, &n);

	assert_non_null(to);
	svg_text(to, text);
	fclose(to);
	assert_string_equal(got, expected);
	free(got);
}

static void markup_is_text(void **state)
{
	(void)state;
	says("</title><script>alert('x' && \"y\")</script>",
	     "&lt;/title&gt;&lt;script&gt;alert(&#39;x&#39; &amp;&amp; &quot;y&quot;)&lt;/script&gt;");
	says("10.0.0.1:80 → 连接", "10.0.0.1:80 → 连接");
	says("", "");
}

static void what_xml_forbids_is_replaced(void **state)
{
	(void)state;
	says("a\x01" "b\x1b[31m", "a\xef\xbf\xbd" "b\xef\xbf\xbd[31m");
	says("\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd");
	says("cut \xe8\xbf", "cut \xef\xbf\xbd\xef\xbf\xbd");
	says("tab\tnew\nline", "tab\tnew\nline");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(markup_is_text),
		cmocka_unit_test(what_xml_forbids_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
