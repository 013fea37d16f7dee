/* The edges between states three times over: those that the code permits (tern_edges()), those of RFC 9293 3.10,
 * written out here step by step, and those of the model that spin checks (its GO(from, to, why)). Where two of them
 * differ, the difference stands in a table with its reason: one that does not fails, and so does a reason for a
 * difference that is none any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcp/state.h"

static const char model_path[] = "model/tcp.pml";

enum { MOST = 200 };

struct edge {
	enum tcp_state from, to;
	enum tern_why  why;
};

struct edges {
	struct edge at[MOST];
	size_t	    n;
};

/* ---- RFC 9293 3.10 ---- */

static const struct {
	struct edge edge;
	const char *clause;
} rfc[] = {
	/* OPEN, SEND (which makes a passive OPEN active), CLOSE, ABORT. */
	{ { CLOSED, LISTEN, TERN_WHY_OPEN_PASSIVE }, "3.10.1" },
	{ { CLOSED, SYN_SENT, TERN_WHY_OPEN_ACTIVE }, "3.10.1" },
	{ { LISTEN, SYN_SENT, TERN_WHY_OPEN_ACTIVE }, "3.10.1, 3.10.2" },
	{ { LISTEN, CLOSED, TERN_WHY_CLOSE_CALLED }, "3.10.4" },
	{ { SYN_SENT, CLOSED, TERN_WHY_CLOSE_CALLED }, "3.10.4" },
	{ { SYN_RECEIVED, FIN_WAIT_1, TERN_WHY_CLOSE_CALLED }, "3.10.4" },
	{ { ESTABLISHED, FIN_WAIT_1, TERN_WHY_CLOSE_CALLED }, "3.10.4" },
	{ { CLOSE_WAIT, LAST_ACK, TERN_WHY_CLOSE_CALLED }, "3.10.4" },
	{ { LISTEN, CLOSED, TERN_WHY_ABORT_CALLED }, "3.10.5" },
	{ { SYN_SENT, CLOSED, TERN_WHY_ABORT_CALLED }, "3.10.5" },
	{ { SYN_RECEIVED, CLOSED, TERN_WHY_ABORT_CALLED }, "3.10.5" },
	{ { ESTABLISHED, CLOSED, TERN_WHY_ABORT_CALLED }, "3.10.5" },
	{ { FIN_WAIT_1, CLOSED, TERN_WHY_ABORT_CALLED }, "3.10.5" },
	{ { FIN_WAIT_2, CLOSED, TERN_WHY_ABORT_CALLED }, "3.10.5" },
	{ { CLOSE_WAIT, CLOSED, TERN_WHY_ABORT_CALLED }, "3.10.5" },
	{ { CLOSING, CLOSED, TERN_WHY_ABORT_CALLED }, "3.10.5" },
	{ { LAST_ACK, CLOSED, TERN_WHY_ABORT_CALLED }, "3.10.5" },
	{ { TIME_WAIT, CLOSED, TERN_WHY_ABORT_CALLED }, "3.10.5" },
	/* A segment arrives in LISTEN, in SYN-SENT. */
	{ { LISTEN, SYN_RECEIVED, TERN_WHY_SYN_ARRIVED }, "3.10.7.2, third" },
	{ { SYN_SENT, CLOSED, TERN_WHY_REFUSED }, "3.10.7.3, second" },
	{ { SYN_SENT, ESTABLISHED, TERN_WHY_SYN_ACK_ARRIVED }, "3.10.7.3, fourth" },
	{ { SYN_SENT, SYN_RECEIVED, TERN_WHY_SYN_ARRIVED }, "3.10.7.3, fourth" },
	/* In the other states: RST, SYN, ACK, FIN. */
	{ { SYN_RECEIVED, LISTEN, TERN_WHY_RST_ARRIVED }, "3.10.7.4, second" },
	{ { SYN_RECEIVED, CLOSED, TERN_WHY_RST_ARRIVED }, "3.10.7.4, second" },
	{ { ESTABLISHED, CLOSED, TERN_WHY_RST_ARRIVED }, "3.10.7.4, second" },
	{ { FIN_WAIT_1, CLOSED, TERN_WHY_RST_ARRIVED }, "3.10.7.4, second" },
	{ { FIN_WAIT_2, CLOSED, TERN_WHY_RST_ARRIVED }, "3.10.7.4, second" },
	{ { CLOSE_WAIT, CLOSED, TERN_WHY_RST_ARRIVED }, "3.10.7.4, second" },
	{ { CLOSING, CLOSED, TERN_WHY_RST_ARRIVED }, "3.10.7.4, second" },
	{ { LAST_ACK, CLOSED, TERN_WHY_RST_ARRIVED }, "3.10.7.4, second" },
	{ { TIME_WAIT, CLOSED, TERN_WHY_RST_ARRIVED }, "3.10.7.4, second" },
	{ { SYN_RECEIVED, LISTEN, TERN_WHY_SYN_ARRIVED }, "3.10.7.4, fourth" },
	{ { SYN_RECEIVED, ESTABLISHED, TERN_WHY_OUR_SYN_ACKED }, "3.10.7.4, fifth" },
	{ { FIN_WAIT_1, FIN_WAIT_2, TERN_WHY_OUR_FIN_ACKED }, "3.10.7.4, fifth" },
	{ { CLOSING, TIME_WAIT, TERN_WHY_OUR_FIN_ACKED }, "3.10.7.4, fifth" },
	{ { LAST_ACK, CLOSED, TERN_WHY_OUR_FIN_ACKED }, "3.10.7.4, fifth" },
	{ { SYN_RECEIVED, CLOSE_WAIT, TERN_WHY_FIN_ARRIVED }, "3.10.7.4, eighth" },
	{ { ESTABLISHED, CLOSE_WAIT, TERN_WHY_FIN_ARRIVED }, "3.10.7.4, eighth" },
	{ { FIN_WAIT_1, TIME_WAIT, TERN_WHY_FIN_AND_ACK_ARRIVED }, "3.10.7.4, eighth" },
	{ { FIN_WAIT_1, CLOSING, TERN_WHY_FIN_ARRIVED }, "3.10.7.4, eighth" },
	{ { FIN_WAIT_2, TIME_WAIT, TERN_WHY_FIN_ARRIVED }, "3.10.7.4, eighth" },
	/* Time-outs: the user's "for any state". */
	{ { LISTEN, CLOSED, TERN_WHY_USER_TIMEOUT }, "3.10.8" },
	{ { SYN_SENT, CLOSED, TERN_WHY_USER_TIMEOUT }, "3.10.8" },
	{ { SYN_RECEIVED, CLOSED, TERN_WHY_USER_TIMEOUT }, "3.10.8" },
	{ { ESTABLISHED, CLOSED, TERN_WHY_USER_TIMEOUT }, "3.10.8" },
	{ { FIN_WAIT_1, CLOSED, TERN_WHY_USER_TIMEOUT }, "3.10.8" },
	{ { FIN_WAIT_2, CLOSED, TERN_WHY_USER_TIMEOUT }, "3.10.8" },
	{ { CLOSE_WAIT, CLOSED, TERN_WHY_USER_TIMEOUT }, "3.10.8" },
	{ { CLOSING, CLOSED, TERN_WHY_USER_TIMEOUT }, "3.10.8" },
	{ { LAST_ACK, CLOSED, TERN_WHY_USER_TIMEOUT }, "3.10.8" },
	{ { TIME_WAIT, CLOSED, TERN_WHY_USER_TIMEOUT }, "3.10.8" },
	{ { TIME_WAIT, CLOSED, TERN_WHY_TWO_MSL }, "3.10.8" },
};

/* ---- differences, each with its reason ---- */

enum which { CODE_NOT_RFC, RFC_NOT_CODE, CODE_NOT_MODEL, MODEL_NOT_CODE, MODEL_NOT_RFC };

static const char *const which_names[] = {
	"of the code, not of RFC 9293 3.10", "of RFC 9293 3.10, not of the code", "of the code, not of the model",
	"of the model, not of the code",     "of the model, not of RFC 9293 3.10",
};

/* Sets of states that an edge leaves. */
enum {
	OPENING = 1 << SYN_SENT | 1 << SYN_RECEIVED,
	OPEN = 1 << ESTABLISHED | 1 << CLOSE_WAIT,
	ENDING = 1 << FIN_WAIT_1 | 1 << CLOSING | 1 << LAST_ACK, /* our FIN flies */
	SILENT = 1 << FIN_WAIT_2,
};

static const struct difference {
	enum which     which;
	unsigned       from; /* set */
	enum tcp_state to;
	enum tern_why  why;
	const char    *reason;
} differences[] = {
	{ CODE_NOT_RFC, OPENING | OPEN | ENDING, CLOSED, TERN_WHY_R2, "3.8.3 asks for it, MUST-20" },
	{ CODE_NOT_RFC, OPEN | SILENT, CLOSED, TERN_WHY_KEEPALIVE, "3.8.4 allows it, MAY-5" },
	{ CODE_NOT_RFC, OPENING, CLOSED, TERN_WHY_ICMP, "3.9.2.2 asks for it, SHLD-26; only while opening" },
	{ CODE_NOT_RFC, OPEN | ENDING | SILENT, CLOSED, TERN_WHY_TEXT_UNREAD, "3.6.1, SHLD-3" },
	{ CODE_NOT_RFC, 1 << SYN_RECEIVED | ENDING | SILENT, CLOSED, TERN_WHY_ORPHAN_TIMEOUT,
	  "what nobody holds any more must end though the peer keeps silent" },
	{ CODE_NOT_RFC, 1 << SYN_RECEIVED, CLOSED, TERN_WHY_LISTENER_CLOSED,
	  "a listener has many half-open connections, which end with it; the RFC's has one" },
	{ CODE_NOT_RFC, 1 << SYN_RECEIVED, CLOSED, TERN_WHY_HALF_OPEN_GIVEN_UP,
	  "R2 of an entry whose peer has proved nothing, MUST-23" },
	{ CODE_NOT_RFC, 1 << TIME_WAIT, CLOSED, TERN_WHY_TIME_WAIT_REUSED, "3.6.1, MAY-2" },
	{ CODE_NOT_RFC, 1 << TIME_WAIT, CLOSED, TERN_WHY_TIME_WAIT_GIVEN_UP, "entries are bounded: the oldest goes" },

	{ RFC_NOT_CODE, 1 << LISTEN, CLOSED, TERN_WHY_ABORT_CALLED, "it is what CLOSE does, and told as that" },
	{ RFC_NOT_CODE, 1 << TIME_WAIT, CLOSED, TERN_WHY_ABORT_CALLED, "an old segment could enter: RFC 1337" },
	{ RFC_NOT_CODE, 1 << TIME_WAIT, CLOSED, TERN_WHY_RST_ARRIVED, "RFC 1337" },
	{ RFC_NOT_CODE, 1 << SYN_RECEIVED, LISTEN, TERN_WHY_SYN_ARRIVED,
	  "any blind SYN could do that: challenged, as RFC 5961 4.2 has it from ESTABLISHED on" },
	{ RFC_NOT_CODE, 1 << SYN_RECEIVED, CLOSE_WAIT, TERN_WHY_FIN_ARRIVED,
	  "the fifth step has made it ESTABLISHED, or the segment went no further" },
	{ RFC_NOT_CODE, 1 << LISTEN | SILENT | 1 << TIME_WAIT, CLOSED, TERN_WHY_USER_TIMEOUT,
	  "nothing of ours waits for the peer there" },

	{ CODE_NOT_MODEL, OPENING | OPEN | ENDING, CLOSED, TERN_WHY_R2, "the peer sees a crash, which the model has" },
	{ CODE_NOT_MODEL, 1 << SYN_SENT, CLOSED, TERN_WHY_USER_TIMEOUT, "as R2: nobody is told" },
	{ CODE_NOT_MODEL, 1 << SYN_RECEIVED | OPEN | ENDING, CLOSED, TERN_WHY_USER_TIMEOUT, "the peer sees an ABORT" },
	{ CODE_NOT_MODEL, OPEN | SILENT, CLOSED, TERN_WHY_KEEPALIVE, "the peer sees an ABORT" },
	{ CODE_NOT_MODEL, OPENING, CLOSED, TERN_WHY_ICMP, "the peer sees a crash" },
	{ CODE_NOT_MODEL, OPEN | ENDING | SILENT, CLOSED, TERN_WHY_TEXT_UNREAD, "the peer sees an ABORT" },
	{ CODE_NOT_MODEL, 1 << SYN_RECEIVED | ENDING, CLOSED, TERN_WHY_ORPHAN_TIMEOUT, "the peer sees an ABORT" },
	{ CODE_NOT_MODEL, 1 << SYN_RECEIVED, CLOSED, TERN_WHY_LISTENER_CLOSED, "the peer sees an ABORT" },
	{ CODE_NOT_MODEL, 1 << SYN_RECEIVED, CLOSED, TERN_WHY_HALF_OPEN_GIVEN_UP, "the peer sees a crash" },
	{ CODE_NOT_MODEL, 1 << SYN_SENT, CLOSED, TERN_WHY_ABORT_CALLED, "it does what CLOSE does there" },
	{ CODE_NOT_MODEL, 1 << TIME_WAIT, CLOSED, TERN_WHY_TIME_WAIT_REUSED,
	  "the model's channels are empty when 2MSL is over; here the numbers tell (host/time_wait_arrive.c)" },
	{ CODE_NOT_MODEL, 1 << TIME_WAIT, CLOSED, TERN_WHY_TIME_WAIT_GIVEN_UP, "the peer sees a crash" },

	{ MODEL_NOT_RFC, SILENT, CLOSED, TERN_WHY_ORPHAN_TIMEOUT, "as of the code: P5 fails without (-DFW2=0)" },
};

enum { DIFFERENCES = sizeof differences / sizeof *differences };

/* ---- reading ---- */

static void add(struct edges *edges, struct edge edge)
{
	assert_true(edges->n < MOST);
	edges->at[edges->n++] = edge;
}

static bool has(const struct edges *edges, const struct edge *edge)
{
	for (size_t i = 0; i < edges->n; i++)
		if (edges->at[i].from == edge->from && edges->at[i].to == edge->to && edges->at[i].why == edge->why)
			return true;
	return false;
}

static void read_code(struct edges *edges)
{
	size_t			      n;
	const struct tern_edge *const at = tern_edges(&n);

	for (size_t i = 0; i < n; i++)
		add(edges, (struct edge){ (enum tcp_state)at[i].from, (enum tcp_state)at[i].to, at[i].why });
}

static void read_rfc(struct edges *edges)
{
	for (size_t i = 0; i < sizeof rfc / sizeof *rfc; i++)
		add(edges, rfc[i].edge);
}

/* "FIN_WAIT_1" is "FIN-WAIT-1", and "open-active" is OPEN_ACTIVE. */
static bool same_word(const char *ours, const char *name)
{
	for (; *ours && *name; ours++, name++) {
		const bool small = *ours >= 'a' && *ours <= 'z';

		if ((*ours == '-' ? '_' : small ? *ours - 'a' + 'A' : *ours) != *name)
			return false;
	}
	return !*ours && !*name;
}

static enum tcp_state state_called(const char *name)
{
	for (int state = 0; state < TERN_STATES; state++)
		if (same_word(tern_state_name((enum tern_state)state), name))
			return (enum tcp_state)state;
	fail_msg("the model knows a state %s", name);
	return CLOSED;
}

static enum tern_why why_called(const char *name)
{
	for (int why = 0; why < TERN_WHYS; why++)
		if (same_word(tern_why_name((enum tern_why)why), name))
			return (enum tern_why)why;
	fail_msg("the model knows a reason %s", name);
	return TERN_WHYS;
}

/* Its GO(from, to, why), wherever they stand in a line. */
static void read_model(struct edges *edges)
{
	FILE *const file = fopen(model_path, "r");
	char	    line[256], from[32], to[32], why[32];

	if (!file)
		fail_msg("no %s: this test runs from the project's top", model_path);
	while (fgets(line, sizeof line, file))
		for (const char *at = line; (at = strstr(at, "GO(")) != NULL; at += 3)
			if (sscanf(at, "GO(%31[A-Z0-9_], %31[A-Z0-9_], %31[A-Z0-9_])", from, to, why) == 3) {
				const struct edge edge = { state_called(from), state_called(to), why_called(why) };

				if (!has(edges, &edge))
					add(edges, edge);
			}
	fclose(file);
}

/* ---- comparing ---- */

static const struct difference *reason_of(enum which which, const struct edge *edge)
{
	for (size_t i = 0; i < DIFFERENCES; i++)
		if (differences[i].which == which && differences[i].from & 1u << edge->from &&
		    differences[i].to == edge->to && differences[i].why == edge->why)
			return &differences[i];
	return NULL;
}

/* Every edge that a has and b has not is named; returns how many were not, and counts those named. */
static unsigned unnamed(enum which which, const struct edges *a, const struct edges *b, size_t *named)
{
	unsigned n = 0;

	for (size_t i = 0; i < a->n; i++) {
		const struct edge *const edge = &a->at[i];

		if (has(b, edge))
			continue;
		if (reason_of(which, edge)) {
			++*named;
			continue;
		}
		print_error("%s to %s, %s: %s, and no reason is given\n", tern_state_name((enum tern_state)edge->from),
			    tern_state_name((enum tern_state)edge->to), tern_why_name(edge->why), which_names[which]);
		n++;
	}
	return n;
}

static size_t size_of_set(unsigned set)
{
	size_t n = 0;

	for (; set; set &= set - 1)
		n++;
	return n;
}

static void compare(enum which which, const struct edges *a, const struct edges *b)
{
	size_t named = 0, reasons = 0;

	assert_int_equal(unnamed(which, a, b, &named), 0);
	for (size_t i = 0; i < DIFFERENCES; i++)
		reasons += differences[i].which == which ? size_of_set(differences[i].from) : 0;
	if (reasons != named)
		fail_msg("%zu reasons for %zu edges %s", reasons, named, which_names[which]);
}

static void code_and_rfc(void **state)
{
	static struct edges code, clauses;

	(void)state;
	read_code(&code);
	read_rfc(&clauses);
	compare(CODE_NOT_RFC, &code, &clauses);
	compare(RFC_NOT_CODE, &clauses, &code);
}

static void code_and_model(void **state)
{
	static struct edges code, model, clauses;

	(void)state;
	read_code(&code);
	read_model(&model);
	read_rfc(&clauses);
	assert_true(model.n > 30);
	compare(CODE_NOT_MODEL, &code, &model);
	compare(MODEL_NOT_CODE, &model, &code);
	compare(MODEL_NOT_RFC, &model, &clauses);
}

/* The RFC's own list has no edge twice. */
static void each_edge_of_the_rfc_stands_once(void **state)
{
	static struct edges seen;

	(void)state;
	for (size_t i = 0; i < sizeof rfc / sizeof *rfc; i++) {
		assert_false(has(&seen, &rfc[i].edge));
		assert_int_equal(strncmp(rfc[i].clause, "3.10.", 5), 0);
		add(&seen, rfc[i].edge);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_and_rfc),
		cmocka_unit_test(code_and_model),
		cmocka_unit_test(each_edge_of_the_rfc_stands_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
