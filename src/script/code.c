/* Code: `assert`, `print` and assignments, with the part of Python's expressions that scripts use: numbers,
 * strings, names, the fields of TCP_INFO, arithmetic, comparisons (chained), and, or, not, in, parentheses, and
 * abs, min, max, int, len of tuples. Numbers are doubles, as far as whole ones exact to 2^53.
 */
#include "script/stage.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES = 64, NAME = 40, TEXT = 64, ITEMS = 8, DEPTH = 40 };

struct thing {
	enum { THING_NUMBER, THING_TEXT } kind;
	double number;
	char   text[TEXT];
};

/* Names live as long as the code event; those of TCP_INFO are looked up as they are used. */
struct code {
	struct stage		  *stage;
	const struct script_event *event;
	const char		  *at;
	unsigned		   depth;
	bool			   failed;
	struct tern_status	   status;
	bool			   has_status;
	struct {
		char	     name[NAME];
		struct thing value;
	} names[NAMES];
	unsigned n_names;
};

static struct thing expression(struct code *code);

static struct thing fail(struct code *code, const char *format, ...) __attribute__((format(printf, 2, 3)));
static struct thing fail(struct code *code, const char *format, ...)
{
	char	what[200];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	if (!code->failed)
		stage_fail(code->stage, code->event->line, "error executing code: %s", what);
	code->failed = true;
	return (struct thing){ .kind = THING_NUMBER };
}

static struct thing number(double n)
{
	return (struct thing){ .kind = THING_NUMBER, .number = n };
}

static bool truth(const struct thing *thing)
{
	return thing->kind == THING_TEXT ? thing->text[0] != '\0' : thing->number < 0 || thing->number > 0;
}

/* Python's int(): beyond 2^53 every double is whole (or infinite, or none). */
static double towards_zero(double n)
{
	return n > -0x1p53 && n < 0x1p53 ? (double)(int64_t)n : n;
}

/* Python's floor, by which // rounds and % takes the sign of what divides. */
static double down(double n)
{
	const double whole = towards_zero(n);

	return whole > n ? whole - 1 : whole;
}

/* ---- words ---- */

static void skip(struct code *code)
{
	for (;; code->at++) {
		if (*code->at == '#')
			code->at += strcspn(code->at, "\n") - 1;
		else if (*code->at == '\\' && code->at[1] == '\n')
			code->at++;
		else if (*code->at != ' ' && *code->at != '\t' && *code->at != '\r')
			return;
	}
}

static bool take(struct code *code, const char *sign)
{
	skip(code);
	if (strncmp(code->at, sign, strlen(sign)) != 0)
		return false;
	code->at += strlen(sign);
	return true;
}

static bool in_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool take_word(struct code *code, const char *word)
{
	const size_t n = strlen(word);

	skip(code);
	if (strncmp(code->at, word, n) != 0 || in_name(code->at[n]))
		return false;
	code->at += n;
	return true;
}

/* ---- names ---- */

static double segments(const struct tern_status *status, uint64_t octets)
{
	return status->snd_mss ? (double)((octets + status->snd_mss - 1) / status->snd_mss) : 0;
}

static bool info(struct code *code, const char *name, double *value)
{
	const struct tern_status *const s = &code->status;
	const bool			endless = s->ssthresh >= 0x7fffffff;
	const struct {
		const char *name;
		double	    value;
	} fields[] = {
		{ "tcpi_state", (double)s->state },
		{ "tcpi_ca_state", (double)s->recovery },
		{ "tcpi_retransmits", s->retransmits },
		{ "tcpi_probes", s->probes },
		{ "tcpi_snd_wscale", s->snd_wscale },
		{ "tcpi_rcv_wscale", s->rcv_wscale },
		{ "tcpi_rto", (double)(s->rto / TERN_MICROSECOND) },
		{ "tcpi_options", s->ts_ok + 2 * s->sack_ok + 4 * s->wscale_ok + 8 * s->ecn_ok },
		{ "tcpi_snd_mss", s->snd_mss },
		{ "tcpi_rcv_mss", s->rcv_mss },
		{ "tcpi_unacked", segments(s, s->unacked) },
		{ "tcpi_pmtu", s->pmtu },
		{ "tcpi_rtt", (double)(s->srtt / TERN_MICROSECOND) },
		{ "tcpi_rttvar", (double)(s->rttvar / TERN_MICROSECOND) },
		{ "tcpi_snd_ssthresh", endless ? 0x7fffffff : segments(s, s->ssthresh) },
		{ "tcpi_snd_cwnd", s->snd_mss ? s->cwnd / s->snd_mss : 0 },
		{ "tcpi_reordering", s->reordering },
		{ "tcpi_total_retrans", s->retransmits_total },
		{ "tcpi_pacing_rate", (double)s->pacing_rate },
		{ "tcpi_bytes_acked", (double)s->bytes_acked },
		{ "tcpi_bytes_received", (double)s->bytes_received },
		{ "tcpi_bytes_sent", (double)(s->bytes_sent + s->bytes_retransmitted) },
		{ "tcpi_bytes_retrans", (double)s->bytes_retransmitted },
		{ "tcpi_segs_out", s->segments_out },
		{ "tcpi_segs_in", s->segments_in },
		{ "tcpi_notsent_bytes", s->unsent },
		{ "tcpi_min_rtt", (double)(s->min_rtt / TERN_MICROSECOND) },
		{ "tcpi_delivery_rate", (double)s->delivery_rate },
		{ "tcpi_delivery_rate_app_limited", s->delivery_rate_app_limited },
		{ "tcpi_busy_time", (double)(s->busy_time / TERN_MICROSECOND) },
		{ "tcpi_rwnd_limited", (double)(s->rwnd_limited / TERN_MICROSECOND) },
		{ "tcpi_sndbuf_limited", (double)(s->sndbuf_limited / TERN_MICROSECOND) },
		{ "tcpi_snd_wnd", s->snd_wnd },
		{ "tcpi_rcv_wnd", s->rcv_wnd },
		{ "tern_cwnd", s->cwnd },
		{ "tern_ssthresh", s->ssthresh },
		{ "tern_in_flight", s->in_flight },
		{ "tern_unacked", s->unacked },
		{ "tern_unread", s->unread },
		{ "tern_spurious", s->retransmits_spurious },
	};

	if (!code->has_status)
		return false;
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (strcmp(fields[i].name, name) == 0) {
			*value = fields[i].value;
			return true;
		}
	return false;
}

static bool constant(const char *name, double *value)
{
	static const char *const states[] = {
		"",
		"TCP_ESTABLISHED",
		"TCP_SYN_SENT",
		"TCP_SYN_RECV",
		"TCP_FIN_WAIT1",
		"TCP_FIN_WAIT2",
		"TCP_TIME_WAIT",
		"TCP_CLOSE",
		"TCP_CLOSE_WAIT",
		"TCP_LAST_ACK",
		"TCP_LISTEN",
		"TCP_CLOSING",
	};
	static const enum tern_state ours[] = {
		0,
		TERN_STATE_ESTABLISHED,
		TERN_STATE_SYN_SENT,
		TERN_STATE_SYN_RECEIVED,
		TERN_STATE_FIN_WAIT_1,
		TERN_STATE_FIN_WAIT_2,
		TERN_STATE_TIME_WAIT,
		TERN_STATE_CLOSED,
		TERN_STATE_CLOSE_WAIT,
		TERN_STATE_LAST_ACK,
		TERN_STATE_LISTEN,
		TERN_STATE_CLOSING,
	};
	static const struct {
		const char *name;
		double	    value;
	} others[] = {
		{ "True", 1 },
		{ "False", 0 },
		{ "None", 0 },
		{ "TCP_CA_Open", TERN_RECOVERY_OPEN },
		{ "TCP_CA_Disorder", TERN_RECOVERY_DISORDER },
		{ "TCP_CA_Recovery", TERN_RECOVERY_FAST },
		{ "TCP_CA_Loss", TERN_RECOVERY_LOSS },
		{ "TCP_INFINITE_SSTHRESH", 0x7fffffff },
		{ "TCPI_OPT_TIMESTAMPS", 1 },
		{ "TCPI_OPT_SACK", 2 },
		{ "TCPI_OPT_WSCALE", 4 },
		{ "TCPI_OPT_ECN", 8 },
	};

	for (size_t i = 1; i < sizeof states / sizeof *states; i++)
		if (strcmp(states[i], name) == 0) {
			*value = (double)ours[i];
			return true;
		}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (strcmp(others[i].name, name) == 0) {
			*value = others[i].value;
			return true;
		}
	return false;
}

static struct thing named(struct code *code, const char *name)
{
	double value;

	for (unsigned i = code->n_names; i-- > 0;)
		if (strcmp(code->names[i].name, name) == 0)
			return code->names[i].value;
	if (constant(name, &value) || info(code, name, &value))
		return number(value);
	if (strncmp(name, "tcpi_", 5) == 0 && !code->has_status)
		return fail(code, "'%s': there is no connection", name);
	return fail(code, "name '%s' is not defined", name);
}

/* ---- expressions ---- */

static struct thing call_function(struct code *code, const char *name)
{
	struct thing items[ITEMS];
	unsigned     n = 0;

	if (!take(code, ")")) {
		do {
			if (n == ITEMS)
				return fail(code, "more than %d arguments", ITEMS);
			items[n++] = expression(code);
		} while (take(code, ","));
		if (!take(code, ")"))
			return fail(code, "')' is missing after the arguments of %s", name);
	}
	if (n == 1 && strcmp(name, "abs") == 0)
		return number(items[0].number < 0 ? -items[0].number : items[0].number);
	if (n == 1 && (strcmp(name, "int") == 0 || strcmp(name, "long") == 0))
		return number(towards_zero(items[0].number));
	if (n == 1 && (strcmp(name, "float") == 0 || strcmp(name, "str") == 0))
		return items[0];
	if (n > 0 && (strcmp(name, "min") == 0 || strcmp(name, "max") == 0)) {
		for (unsigned i = 1; i < n; i++)
			if ((items[i].number < items[0].number) == (name[1] == 'i'))
				items[0] = items[i];
		return items[0];
	}
	return fail(code, "function '%s' with %u arguments is not known here", name, n);
}

static struct thing text_of(struct code *code)
{
	const char   quote = *code->at++;
	struct thing thing = { .kind = THING_TEXT };
	size_t	     n = 0;

	while (*code->at && *code->at != quote) {
		if (n + 1 < TEXT)
			thing.text[n++] = *code->at;
		code->at++;
	}
	if (*code->at != quote)
		return fail(code, "a string without an end");
	code->at++;
	return thing;
}

static struct thing atom(struct code *code)
{
	char   name[NAME];
	size_t n = 0;
	char  *end;
	double value;

	if (take(code, "(")) {
		const struct thing inside = expression(code);

		return take(code, ")") ? inside : fail(code, "')' is missing");
	}
	if (*code->at == '\'' || *code->at == '"')
		return text_of(code);
	if (isdigit((unsigned char)*code->at) || (*code->at == '.' && isdigit((unsigned char)code->at[1]))) {
		value = strtod(code->at, &end);
		code->at = end;
		return number(value);
	}
	while (in_name(*code->at) && n + 1 < NAME)
		name[n++] = *code->at++;
	name[n] = '\0';
	if (n == 0)
		return fail(code, "an expression is missing at '%.12s'", code->at);
	return take(code, "(") ? call_function(code, name) : named(code, name);
}

static struct thing unary(struct code *code)
{
	bool negative = false, is_signed = false;

	for (;;) {
		if (take(code, "-"))
			negative = !negative;
		else if (!take(code, "+"))
			break;
		is_signed = true;
	}
	const struct thing thing = atom(code);

	return is_signed ? number(negative ? -thing.number : thing.number) : thing;
}

static struct thing product(struct code *code)
{
	struct thing left = unary(code), right;

	for (;;) {
		const bool whole = take(code, "//"), times = !whole && take(code, "*"),
			   share = !whole && !times && take(code, "/");
		const bool rest = !whole && !times && !share && take(code, "%");

		if (!whole && !times && !share && !rest)
			return left;
		right = unary(code);
		if (!times && !truth(&right))
			return fail(code, "division by zero");
		if (times)
			left.number *= right.number;
		else if (share)
			left.number /= right.number;
		else if (whole)
			left.number = down(left.number / right.number);
		else
			left.number -= right.number * down(left.number / right.number);
	}
}

static struct thing sum(struct code *code)
{
	struct thing left = product(code);

	for (;;) {
		if (take(code, "+"))
			left.number += product(code).number;
		else if (take(code, "-"))
			left.number -= product(code).number;
		else
			return left;
	}
}

static int order(const struct thing *a, const struct thing *b)
{
	if (a->kind == THING_TEXT && b->kind == THING_TEXT)
		return strcmp(a->text, b->text);
	return (a->number > b->number) - (a->number < b->number);
}

/* x in (a, b, c) */
static bool is_member(struct code *code, const struct thing *thing)
{
	bool	   found = false;
	const bool round = take(code, "(");

	if (!round && !take(code, "["))
		return fail(code, "'in' wants ( or [").number > 0;
	do {
		const struct thing item = sum(code);

		found = found || order(thing, &item) == 0;
	} while (take(code, ","));
	if (!take(code, round ? ")" : "]"))
		fail(code, "the end of a list is missing");
	return found;
}

static struct thing comparison(struct code *code)
{
	static const char *const signs[] = { "==", "!=", "<=", ">=", "<", ">" };
	struct thing		 left = sum(code), right;
	bool			 all = true, any = false;

	for (;;) {
		size_t i = 0;
		int    by;

		if (take_word(code, "in"))
			return number(is_member(code, &left));
		while (i < 6 && !take(code, signs[i]))
			i++;
		if (i == 6)
			return any ? number(all) : left;
		any = true;
		right = sum(code);
		by = order(&left, &right);
		all = all && (i == 0   ? by == 0
			      : i == 1 ? by != 0
			      : i == 2 ? by <= 0
			      : i == 3 ? by >= 0
			      : i == 4 ? by < 0
				       : by > 0);
		left = right;
	}
}

static struct thing negation(struct code *code)
{
	struct thing inside;

	if (!take_word(code, "not"))
		return comparison(code);
	inside = negation(code);
	return number(!truth(&inside));
}

static struct thing conjunction(struct code *code)
{
	struct thing left = negation(code);

	while (take_word(code, "and")) {
		const struct thing right = negation(code);

		left = truth(&left) ? right : left;
	}
	return left;
}

static struct thing expression(struct code *code)
{
	struct thing left;

	if (++code->depth > DEPTH)
		return fail(code, "an expression nested too deeply");
	left = conjunction(code);
	while (take_word(code, "or")) {
		const struct thing right = conjunction(code);

		left = truth(&left) ? left : right;
	}
	code->depth--;
	return left;
}

/* ---- statements ---- */

static void show(const struct thing *thing, char *to, size_t size)
{
	if (thing->kind == THING_TEXT)
		snprintf(to, size, "%s", thing->text);
	else
		snprintf(to, size, "%.15g", thing->number);
}

/* assert what[, said] */
static void do_assert(struct code *code)
{
	const char *const  from = code->at;
	const struct thing what = expression(code);
	const char *const  end = code->at;
	char		   said[TEXT] = "";

	if (take(code, ",")) {
		const struct thing thing = expression(code);

		show(&thing, said, sizeof said);
	}
	if (!code->failed && !truth(&what))
		fail(code, "AssertionError: assert%.*s%s%s", (int)(end - from), from, said[0] ? ": " : "",
		     said);
}

static void do_print(struct code *code)
{
	const bool round = take(code, "(");
	char	   said[TEXT];

	do {
		const struct thing thing = expression(code);

		show(&thing, said, sizeof said);
		if (!code->failed && !code->stage->quiet)
			printf("%s ", said);
	} while (take(code, ","));
	if (round && !take(code, ")"))
		fail(code, "')' is missing after print");
	if (!code->stage->quiet)
		putchar('\n');
}

static bool assignment(struct code *code)
{
	const char *const from = code->at;
	size_t		  n = 0;

	while (in_name(code->at[n]))
		n++;
	code->at += n;
	skip(code);
	if (n == 0 || n >= NAME || *code->at != '=' || code->at[1] == '=') {
		code->at = from;
		return false;
	}
	code->at++;
	const struct thing value = expression(code);

	if (code->n_names == NAMES) {
		fail(code, "more than %d names", NAMES);
		return true;
	}
	memcpy(code->names[code->n_names].name, from, n);
	code->names[code->n_names].name[n] = '\0';
	code->names[code->n_names++].value = value;
	return true;
}

static void statement(struct code *code)
{
	if (take_word(code, "assert"))
		do_assert(code);
	else if (take_word(code, "print"))
		do_print(code);
	else if (take_word(code, "pass") || assignment(code))
		return;
	else if (!take_word(code, "import"))
		(void)expression(code);
	else
		code->at += strcspn(code->at, ";\n");
}

bool code_run(struct stage *stage, const struct script_event *event)
{
	static struct code	    code;
	const struct script_socket *socket = NULL;

	code = (struct code){ .stage = stage, .event = event, .at = event->u.text };
	for (unsigned i = 0; i < STAGE_SOCKETS; i++)
		if (stage->socket[i].kind != SOCKET_FREE && stage->socket[i].fd == stage->under_test)
			socket = &stage->socket[i];
	code.has_status = socket && tern_status(stage->host, socket->handle, &code.status) == 0;
	while (!code.failed) {
		while (*code.at && strchr(" \t\r\n;", *code.at))
			code.at++;
		skip(&code);
		if (*code.at == '\0')
			break;
		if (*code.at == '\n')
			continue;
		statement(&code);
		skip(&code);
		if (!code.failed && *code.at && *code.at != '\n' && *code.at != ';')
			fail(&code, "not understood: '%.24s'", code.at);
	}
	return !code.failed;
}
