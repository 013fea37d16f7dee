/* tern stuck: one row, as text or as a JSON line. */
#include "tool/json_quote.h"
#include "tool/stuck.h"
#include <inttypes.h>
#include <stdio.h>

static void print_ms(const char *name, tern_time time)
{
	if (time == TERN_NEVER)
		printf(",\"%s\":null", name);
	else
		printf(",\"%s\":%" PRId64, name, time / TERN_MILLISECOND);
}

static void print_json(const struct stuck_row *row, const char *sentence)
{
	const struct stuck_facts *const facts = &row->facts;
	const enum stuck_kind		kind = stuck_kind_of(facts);

	printf("{\"v\":1,\"source\":\"%s\"", row->source);
	if (row->host) {
		fputs(",\"host\":", stdout);
		json_quote(stdout, row->host);
	}
	if (row->conn > 0)
		printf(",\"conn\":%" PRIu32, row->conn);
	printf(",\"local\":\"%s\",\"peer\":\"%s\",\"state\":\"%s\",\"inferred\":%s", row->local, row->peer,
	       tern_state_name(facts->state), row->is_inferred ? "true" : "false");
	printf(",\"waits\":\"%s\",\"who\":\"%s\",\"well\":%s", stuck_kind_name(kind),
	       stuck_who_name(stuck_who_of(kind)), stuck_is_well(kind) ? "true" : "false");
	print_ms("quiet_ms", facts->idle);
	print_ms("next_in_ms", stuck_next_in(facts));
	print_ms("ends_in_ms", stuck_ends_in(facts));
	fputs(",\"line\":", stdout);
	json_quote(stdout, sentence);
	puts("}");
}

static void print_text(const struct stuck_row *row, const char *sentence)
{
	char state[32];

	(void)snprintf(state, sizeof state, row->is_inferred && !row->is_proved ? "(%s)" : "%s",
		       tern_state_name(row->facts.state));
	if (row->is_inferred) /* the opener first, as tern trace has it */
		printf("%-14s #%-4" PRIu32 " %s > %s  %s\n", state, row->conn, row->is_opener ? row->local : row->peer,
		       row->is_opener ? row->peer : row->local, sentence);
	else if (row->host)
		printf("%-12s %-8s %s > %s  %s\n", state, row->host, row->peer, row->local, sentence);
	else
		printf("%-12s %s > %s  %s\n", state, row->peer, row->local, sentence);
}

void stuck_show(struct stuck_view *view, const struct stuck_row *row)
{
	char sentence[384];

	if (!view->all && stuck_is_well(stuck_kind_of(&row->facts)))
		return;
	view->n++;
	if (row->is_inferred)
		(void)stuck_line_seen(sentence, sizeof sentence, &row->facts, row->names, view->language);
	else
		(void)stuck_line(sentence, sizeof sentence, &row->facts, view->language);
	if (view->json)
		print_json(row, sentence);
	else
		print_text(row, sentence);
}
