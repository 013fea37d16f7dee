/* Plots: what is kept of a run, and that what is written is a whole picture. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "watch/plot.h"

#include <stdlib.h>
#include <string.h>

static const struct tern_status quiet = {
	.state = TERN_STATE_ESTABLISHED, .cwnd = 14600, .ssthresh = 0x7fffffff, .srtt = 40 * TERN_MILLISECOND,
};

static void what_does_not_change_is_kept_once(void **state)
{
	struct plot plot;

	(void)state;
	plot_init(&plot);
	for (int i = 0; i < 1000; i++)
		plot_sample(&plot, i * TERN_MILLISECOND, &quiet);
	assert_int_equal(plot.line[PLOT_CWND].n, 1);
	assert_int_equal(plot.line[PLOT_SRTT].n, 1);
	assert_int_equal(plot.line[PLOT_SSTHRESH].n, 0); /* arbitrarily high is no place on a scale */
	plot_done(&plot);
}

static void the_last_word_of_a_moment_counts(void **state)
{
	struct tern_status grown = quiet;
	struct plot plot;

	(void)state;
	plot_init(&plot);
	plot_sample(&plot, 0, &quiet);
	plot_sample(&plot, 5, &quiet);
	grown.cwnd = 20000;
	plot_sample(&plot, 7, &grown);
	grown.cwnd = 30000;
	plot_sample(&plot, 7, &grown);
	assert_int_equal(plot.line[PLOT_CWND].n, 2);
	assert_int_equal(plot.line[PLOT_CWND].points[1].at, 7);
	assert_true(plot.line[PLOT_CWND].points[1].value == 30000);
	plot_done(&plot);
}

static void before_the_handshake_there_is_no_window(void **state)
{
	struct tern_status early = quiet;
	struct plot plot;

	(void)state;
	plot_init(&plot);
	early.state = TERN_STATE_SYN_SENT;
	plot_sample(&plot, 0, &early);
	assert_int_equal(plot.line[PLOT_CWND].n, 0);
	plot_done(&plot);
}

/* The whole text of a picture; the caller frees it. */
static char *written(const struct plot_column *columns, size_t n, const char *title)
{
	char *text = NULL;
	size_t size = 0;
	FILE *const to = open_memstream(&text, &size);

	assert_non_null(to);
	assert_int_equal(plot_write(to, columns, n, title), 0);
	fclose(to);
	return text;
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		n++;
	return n;
}

static void columns_stand_side_by_side(void **state)
{
	struct plot plot;
	char *text;

	(void)state;
	plot_init(&plot);
	plot_sample(&plot, TERN_SECOND, &quiet);
	plot.end = 2 * TERN_SECOND;
	const struct plot_column columns[] = { { &plot, "reno" }, { &plot, "cubic <&>" } };

	text = written(columns, 2, "a \"run\"");
	assert_int_equal(count(text, "<rect"), 2 * 3);
	assert_int_equal(count(text, "class='l cwnd'"), 2 * 2); /* each line has its key */
	assert_non_null(strstr(text, "cubic &lt;&amp;&gt;"));
	assert_non_null(strstr(text, "a &quot;run&quot;"));
	assert_string_equal(text + strlen(text) - 7, "</svg>\n");
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "inf"));
	free(text);
	plot_done(&plot);
}

static void an_empty_run_is_a_picture_too(void **state)
{
	struct plot plot;
	char *text;

	(void)state;
	plot_init(&plot);
	const struct plot_column column = { &plot, "" };

	text = written(&column, 1, "nothing");
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "inf"));
	free(text);
	plot_done(&plot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_change_is_kept_once),
		cmocka_unit_test(the_last_word_of_a_moment_counts),
		cmocka_unit_test(before_the_handshake_there_is_no_window),
		cmocka_unit_test(columns_stand_side_by_side),
		cmocka_unit_test(an_empty_run_is_a_picture_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
