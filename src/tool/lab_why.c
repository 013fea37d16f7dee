/* tern lab --why: runs the pictures of a question and lays them out in pairs: as it is, as it would be. */
#include "lab/why.h"
#include "tool/lab_show.h"
#include "watch/ladder.h"
#include "watch/text.h"
#include <stdlib.h>
#include <string.h>

enum { GAP = 3, PAIR = 2, WHY = 200, TITLE = 128 };

struct drawn {
	char  *text;
	size_t n;
};

/* ---- text ---- */

/* Broken at the terminal's width. */
static void paragraph(const struct lab_options *options, const char *mark, const char *text)
{
	const unsigned columns = lab_show_columns(options);

	while (*text != '\0') {
		const char *next;
		const size_t n = text_line(text, columns - (unsigned)strlen(mark), &next);

		printf("%s%.*s\n", mark, (int)n, text);
		text = next;
	}
}

static const char *heading(const struct lab_options *options, const struct lab_picture *picture)
{
	static const char *const words[EXPLAIN_LANGUAGES][2] = {
		{ "As it is: ", "As it would be: " },
		{ "事实：", "若非如此：" },
	};
	static char title[TITLE * 2];

	(void)snprintf(title, sizeof title, "%s%s", words[options->language][picture->counterfactual],
		       picture->scenario->line[options->language]);
	return title;
}

static void lesson(const struct lab_options *options, const struct lab_picture *picture)
{
	const bool zh = options->language == EXPLAIN_ZH;

	if (picture->counterfactual)
		puts(zh ? "出了什么错：" : "What went wrong:");
	paragraph(options, "  ", picture->lesson[options->language]);
	putchar('\n');
}

/* ---- pictures ---- */

/* Columns of a line in a terminal: escape sequences take none. */
static unsigned columns_of(const char *line, size_t n)
{
	unsigned columns = 0;

	for (const char *at = line; at < line + n;) {
		if (*at == '\033') {
			while (at < line + n && *at != 'm')
				at++;
			at += at < line + n;
			continue;
		}
		columns += text_columns_of(text_decode(&at));
	}
	return columns;
}

static void beside(const struct drawn *left, const struct drawn *right, unsigned columns)
{
	const char *at[PAIR] = { left->text, right->text };

	while (*at[0] != '\0' || *at[1] != '\0') {
		const size_t n[PAIR] = { strcspn(at[0], "\n"), strcspn(at[1], "\n") };
		const unsigned wide = columns_of(at[0], n[0]);
		const bool alone = n[1] == 0;

		printf("%.*s", (int)n[0], at[0]);
		if (!alone)
			printf("%*s%.*s", (int)(columns > wide ? columns - wide : 0) + GAP, "", (int)n[1], at[1]);
		putchar('\n');
		for (unsigned i = 0; i < PAIR; i++)
			at[i] += n[i] + (at[i][n[i]] != '\0');
	}
}

static int draw(const struct lab_options *options, const struct lab_world *world, unsigned columns, struct drawn *drawn)
{
	FILE *const to = open_memstream(&drawn->text, &drawn->n);
	struct ladder_options how = lab_show_ladder(options);

	if (to == NULL)
		return -TERN_ENOMEM;
	how.columns = columns;
	const int error = ladder_write(to, &world->timeline, &how);
	return fclose(to) != 0 ? -TERN_ENOMEM : error;
}

/* One run. 0 or an exit code; drawn is the caller's to free either way. */
static int run(const struct lab_options *options, const struct lab_picture *picture, unsigned columns,
	       struct drawn *drawn)
{
	static struct lab_world world;
	struct lab_options own = *options;
	const char *what;
	char why[WHY];
	int code = TOOL_OK;

	lab_options_scenario(&own, picture->scenario);
	int error = lab_world_create(&world, &own, "", &what);
	if (error == 0) {
		lab_world_run(&world);
		if (!lab_as_expected(&world, why, sizeof why))
			code = tool_failed("lab", "%s: %s", picture->scenario->name, why);
		if (options->json)
			lab_show_json(&world, code == TOOL_OK, picture->scenario->name);
		else
			error = draw(&own, &world, columns, drawn);
	}
	if (error != 0)
		code = tool_failed("lab", "cannot make the %s: %s", what, tern_strerror(error));
	(void)lab_world_destroy(&world, NULL); /* nothing is recorded, so nothing can fail */
	return code;
}

static void one_below_the_other(const struct lab_options *options, const struct lab_picture *pictures,
				const struct drawn *drawn, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		paragraph(options, "", heading(options, &pictures[i]));
		printf("\n%s\n", drawn[i].text);
		lesson(options, &pictures[i]);
	}
}

static void side_by_side(const struct lab_options *options, const struct lab_picture *pictures,
			 const struct drawn *drawn, unsigned columns)
{
	for (unsigned i = 0; i < PAIR; i++)
		paragraph(options, "", heading(options, &pictures[i]));
	putchar('\n');
	beside(&drawn[0], &drawn[1], columns);
	putchar('\n');
	for (unsigned i = 0; i < PAIR; i++)
		lesson(options, &pictures[i]);
}

/* As it is and as it would be, or one that has no counterpart. */
static int show(const struct lab_options *options, const struct lab_picture *pictures, size_t n)
{
	const unsigned whole = lab_show_columns(options), half = (whole - GAP) / PAIR;
	const bool wide = n == PAIR && half >= LADDER_COLUMNS_MIN;
	struct drawn drawn[PAIR] = { 0 };
	int code = TOOL_OK;

	for (size_t i = 0; i < n && code == TOOL_OK; i++)
		code = run(options, &pictures[i], wide ? half : whole, &drawn[i]);
	if (code == TOOL_OK && !options->json && wide)
		side_by_side(options, pictures, drawn, half);
	else if (code == TOOL_OK && !options->json)
		one_below_the_other(options, pictures, drawn, n);
	for (size_t i = 0; i < PAIR; i++)
		free(drawn[i].text);
	return code;
}

int lab_why(const struct lab_options *options)
{
	const struct lab_question *const question = options->why;
	int code = TOOL_OK;

	if (!options->json) {
		paragraph(options, "", question->asked[options->language]);
		putchar('\n');
	}
	for (size_t i = 0, n; i < question->n && code == TOOL_OK; i += n) {
		n = i + 1 < question->n && question->pictures[i + 1].counterfactual ? PAIR : 1;
		code = show(options, &question->pictures[i], n);
	}
	if (!options->json && code == TOOL_OK)
		paragraph(options, "", question->answer[options->language]);
	return tool_flushed("lab") ? code : TOOL_NOT_AS_EXPECTED;
}
