/* The catalogues: complete in both languages, each text with its RFC, no two the same; and the telling. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "support/hand.h"
#include "watch/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENT, SERVER, TEXTS = 256, LENGTH = 2048 };

struct texts {
	char  *text[TEXTS];
	size_t n;
};

static void check_text(const char *text, const char *what, int i)
{
	if (strlen(text) < 20 || !strstr(text, "RFC "))
		fail_msg("%s %d: \"%s\" says nothing or names no RFC", what, i, text);
	if (strchr(text, '?') != NULL)
		fail_msg("%s %d: \"%s\" has a value that is not there", what, i, text);
}

static void add(struct texts *texts, const char *text, const char *what, int i)
{
	check_text(text, what, i);
	for (size_t k = 0; k < texts->n; k++)
		if (strcmp(texts->text[k], text) == 0)
			fail_msg("%s %d: \"%s\" is said twice", what, i, text);
	assert_true(texts->n < TEXTS);
	texts->text[texts->n++] = strdup(text);
}

static void clear(struct texts *texts)
{
	while (texts->n > 0)
		free(texts->text[--texts->n]);
}

static void every_value_has_its_text(void **state)
{
	struct texts texts = { .n = 0 };

	(void)state;
	for (int l = 0; l < EXPLAIN_LANGUAGES; l++) {
		const enum explain_language language = (enum explain_language)l;

		for (int i = 0; i < ROLES; i++)
			add(&texts, explain_role(language, (enum role)i), "role", i);
		for (int i = 0; i <= TERN_FATE_TOO_BIG; i++)
			add(&texts, explain_fate(language, (enum tern_fate)i), "fate", i);
		for (int i = 0; i < TERN_VERDICTS; i++)
			add(&texts, explain_verdict(language, (enum tern_verdict)i), "verdict", i);
		for (int i = 0; i < TERN_TIMERS; i++)
			add(&texts, explain_timer(language, (enum tern_timer)i), "timer", i);
		for (int i = 0; i < TERN_RETRANSMIT_WHYS; i++)
			add(&texts, explain_retransmit(language, (enum tern_retransmit_why)i), "retransmit", i);
		for (int i = 0; i < TERN_CONGESTION_EVENTS; i++)
			add(&texts, explain_congestion(language, (enum tern_congestion_event)i), "congestion", i);
		for (int i = 0; i < TERN_NOTES; i++)
			add(&texts, explain_note(language, (enum tern_note)i), "note", i);
		for (int i = 0; i < TERN_WHYS; i++)
			check_text(explain_edge(language, TERN_STATE_CLOSED, TERN_STATE_CLOSED, (enum tern_why)i),
				   "why", i);
		clear(&texts);
	}
}

static void every_edge_has_its_sentences(void **state)
{
	size_t			n;
	const struct tern_edge *edges = tern_edges(&n);
	struct texts		texts = { .n = 0 };
	char			text[LENGTH];

	(void)state;
	assert_true(n > 11);
	for (int l = 0; l < EXPLAIN_LANGUAGES; l++) {
		for (size_t i = 0; i < n; i++) {
			struct hand hand;

			hand_begin(&hand);
			hand_state(&hand, CLIENT, edges[i].from, edges[i].to, edges[i].why);
			assert_true(explain_line(text, sizeof text, &hand.timeline, 0, (enum explain_language)l) > 0);
			add(&texts, text, "edge", (int)i);
			hand_end(&hand);
		}
		clear(&texts);
	}
}

static void names_of_every_value_differ(void **state)
{
	(void)state;
	for (int i = 0; i < TERN_VERDICTS; i++)
		for (int k = 0; k < i; k++)
			assert_string_not_equal(tern_verdict_name((enum tern_verdict)i),
						tern_verdict_name((enum tern_verdict)k));
	for (int i = 0; i < TERN_WHYS; i++)
		assert_string_not_equal(tern_why_name((enum tern_why)i), "?");
	for (int i = 0; i < TERN_TIMERS; i++)
		assert_string_not_equal(tern_timer_name((enum tern_timer)i), "?");
	for (int i = 0; i <= TERN_TIMER_FIRED; i++)
		assert_string_not_equal(tern_timer_action_name((enum tern_timer_action)i), "?");
	for (int i = 0; i < TERN_RETRANSMIT_WHYS; i++)
		assert_string_not_equal(tern_retransmit_why_name((enum tern_retransmit_why)i), "?");
	for (int i = 0; i < TERN_CONGESTION_EVENTS; i++)
		assert_string_not_equal(tern_congestion_event_name((enum tern_congestion_event)i), "?");
	for (int i = 0; i < TERN_NOTES; i++)
		assert_string_not_equal(tern_note_name((enum tern_note)i), "?");
	for (int i = 0; i < ROLES; i++)
		assert_string_not_equal(role_name((enum role)i), "?");
	for (int i = 0; i <= TERN_FATE_TOO_BIG; i++)
		assert_string_not_equal(tern_fate_name((enum tern_fate)i), "?");
	assert_string_equal(tern_verdict_name(TERN_VERDICT_OUT_OF_WINDOW), "out-of-window");
	assert_string_equal(tern_verdict_name((enum tern_verdict)1000), "?");
	assert_string_equal(tern_note_name((enum tern_note)-1), "?");
	assert_string_equal(tern_fate_name((enum tern_fate)-1), "?");
}

static char *tell(const struct timeline *timeline, enum explain_language language, unsigned columns)
{
	const struct explain_options options = { .language = language, .columns = columns };
	char			    *text = NULL;
	size_t			     n = 0;
	FILE			    *to = open_memstream(&text, &n);

	assert_non_null(to);
	explain_write(to, timeline, &options);
	fclose(to);
	return text;
}

static void a_connection_is_told_step_by_step(void **state)
{
	static const char *const english[] = {
		"  1 client ► server  SYN  (segment 1 of the seven)",
		"  3 client ► server  ACK  (segment 3 of the seven)",
		"(segment 7 of the seven)", "client: FIN-WAIT-1 ► FIN-WAIT-2. The client's FIN is acknowledged",
		"client: TIME-WAIT ► CLOSED.", "numbers 1 to 300. The server will acknowledge",
	};
	static const char *const chinese[] = { "三次握手", "主动关闭方", "被动关闭方", "半关闭", "四次挥手", "2MSL" };
	struct hand hand;
	char	   *text;

	(void)state;
	hand_begin(&hand);
	hand_open(&hand);
	hand_talk(&hand);
	hand_close(&hand);
	text = tell(&hand.timeline, EXPLAIN_EN, 80);
	for (size_t i = 0; i < sizeof english / sizeof *english; i++)
		if (!strstr(text, english[i]))
			fail_msg("\"%s\" is missing from:\n%s", english[i], text);
	free(text);
	text = tell(&hand.timeline, EXPLAIN_ZH, 80);
	for (size_t i = 0; i < sizeof chinese / sizeof *chinese; i++)
		if (!strstr(text, chinese[i]))
			fail_msg("\"%s\" is missing from:\n%s", chinese[i], text);
	free(text);
	hand_end(&hand);
}

static void nothing_is_said_twice(void **state)
{
	struct hand hand;
	char	   *once, *many;

	(void)state;
	hand_begin(&hand);
	hand_open(&hand);
	hand_pass(&hand, CLIENT, TERN_ACK, 1, 1, 100, TERN_VERDICT_ACCEPTED);
	once = tell(&hand.timeline, EXPLAIN_EN, 80);
	for (uint32_t i = 1; i < 10; i++)
		hand_pass(&hand, CLIENT, TERN_ACK, 1 + 100 * i, 1, 100, TERN_VERDICT_ACCEPTED);
	many = tell(&hand.timeline, EXPLAIN_EN, 80);
	assert_string_equal(once, many);
	free(once);
	free(many);
	hand_end(&hand);
}

static void languages_have_names(void **state)
{
	enum explain_language language;

	(void)state;
	assert_true(explain_language_by_name("zh", &language));
	assert_int_equal(language, EXPLAIN_ZH);
	assert_true(explain_language_by_name("en", &language));
	assert_int_equal(language, EXPLAIN_EN);
	assert_false(explain_language_by_name("fr", &language));
	assert_false(explain_language_by_name("", &language));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_has_its_text),
		cmocka_unit_test(every_edge_has_its_sentences),
		cmocka_unit_test(names_of_every_value_differ),
		cmocka_unit_test(a_connection_is_told_step_by_step),
		cmocka_unit_test(nothing_is_said_twice),
		cmocka_unit_test(languages_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
