/* Code: `assert`, `print` and assignments, with the part of Python's expressions that scripts use: numbers,
 * strings, names, the fields of TCP_INFO, arithmetic, comparisons (chained), and, or, not, in, parentheses, and
 * abs, min, max, int, len of tuples. Numbers are doubles, as far as whole ones exact to 2^53.
 */
#include "script/call.h"
#include "script/engine.h"
#include "sockets/info.h"

#include <ctype.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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
	struct linux_tcp_info	   info;   /* of the socket under test */
	struct tern_status	   status; /* where the engine knows it */
	bool			   has_info, has_status;
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

/* The fields of TCP_INFO that are whole; and those that are bits. */
static const struct field {
	const char *name;
	size_t	    at, size;
} info_fields[] = {
#define FIELD(name) { #name, offsetof(struct linux_tcp_info, name), sizeof((struct linux_tcp_info *)NULL)->name }
	FIELD(tcpi_state), FIELD(tcpi_ca_state), FIELD(tcpi_retransmits), FIELD(tcpi_probes),
	FIELD(tcpi_backoff), FIELD(tcpi_options), FIELD(tcpi_rto), FIELD(tcpi_ato), FIELD(tcpi_snd_mss),
	FIELD(tcpi_rcv_mss), FIELD(tcpi_unacked), FIELD(tcpi_sacked), FIELD(tcpi_lost),
	FIELD(tcpi_retrans), FIELD(tcpi_fackets), FIELD(tcpi_last_data_sent), FIELD(tcpi_last_ack_sent),
	FIELD(tcpi_last_data_recv), FIELD(tcpi_last_ack_recv), FIELD(tcpi_pmtu), FIELD(tcpi_rcv_ssthresh),
	FIELD(tcpi_rtt), FIELD(tcpi_rttvar), FIELD(tcpi_snd_ssthresh), FIELD(tcpi_snd_cwnd),
	FIELD(tcpi_advmss), FIELD(tcpi_reordering), FIELD(tcpi_rcv_rtt), FIELD(tcpi_rcv_space),
	FIELD(tcpi_total_retrans), FIELD(tcpi_pacing_rate), FIELD(tcpi_max_pacing_rate),
	FIELD(tcpi_bytes_acked), FIELD(tcpi_bytes_received), FIELD(tcpi_segs_out), FIELD(tcpi_segs_in),
	FIELD(tcpi_notsent_bytes), FIELD(tcpi_min_rtt), FIELD(tcpi_data_segs_in),
	FIELD(tcpi_data_segs_out), FIELD(tcpi_delivery_rate), FIELD(tcpi_busy_time),
	FIELD(tcpi_rwnd_limited), FIELD(tcpi_sndbuf_limited), FIELD(tcpi_delivered),
	FIELD(tcpi_delivered_ce), FIELD(tcpi_bytes_sent), FIELD(tcpi_bytes_retrans),
	FIELD(tcpi_dsack_dups), FIELD(tcpi_reord_seen), FIELD(tcpi_rcv_ooopack), FIELD(tcpi_snd_wnd),
	FIELD(tcpi_rcv_wnd), FIELD(tcpi_rehash), FIELD(tcpi_total_rto), FIELD(tcpi_total_rto_recoveries),
	FIELD(tcpi_total_rto_time),
#undef FIELD
};

static bool info(struct code *code, const char *name, double *value)
{
	const struct linux_tcp_info *const i = &code->info;
	const struct {
		const char *name;
		double	    value;
	} bits[] = {
		{ "tcpi_snd_wscale", i->tcpi_snd_wscale },
		{ "tcpi_rcv_wscale", i->tcpi_rcv_wscale },
		{ "tcpi_delivery_rate_app_limited", i->tcpi_delivery_rate_app_limited },
		{ "tcpi_fastopen_client_fail", i->tcpi_fastopen_client_fail },
	};

	for (size_t at = 0; code->has_info && at < sizeof bits / sizeof *bits; at++)
		if (strcmp(bits[at].name, name) == 0) {
			*value = bits[at].value;
			return true;
		}
	for (size_t at = 0; code->has_info && at < sizeof info_fields / sizeof *info_fields; at++) {
		const char *const from = (const char *)i + info_fields[at].at;

		if (strcmp(info_fields[at].name, name) != 0)
			continue;
		switch (info_fields[at].size) {
		case 1: *value = *(const uint8_t *)from; return true;
		case 2: *value = *(const uint16_t *)(const void *)from; return true;
		case 4: *value = *(const uint32_t *)(const void *)from; return true;
		default: *value = (double)*(const uint64_t *)(const void *)from; return true;
		}
	}
	return false;
}

/* In octets, which TCP_INFO has not. */
static bool own_info(struct code *code, const char *name, double *value)
{
	const struct tern_status *const s = &code->status;
	const struct {
		const char *name;
		double	    value;
	} fields[] = {
		{ "tern_cwnd", s->cwnd },	  { "tern_ssthresh", s->ssthresh },
		{ "tern_in_flight", s->in_flight }, { "tern_unacked", s->unacked },
		{ "tern_unread", s->unread },	  { "tern_spurious", s->retransmits_spurious },
	};

	for (size_t i = 0; code->has_status && i < sizeof fields / sizeof *fields; i++)
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
	static const struct {
		const char *name;
		double	    value;
	} others[] = {
		{ "True", 1 },
		{ "False", 0 },
		{ "None", 0 },
		{ "TCP_CA_Open", TERN_RECOVERY_OPEN },
		{ "TCP_CA_Disorder", TERN_RECOVERY_DISORDER },
		{ "TCP_CA_CWR", TERN_RECOVERY_CWR },
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
			*value = (double)i; /* as Linux numbers them */
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
	if (constant(name, &value) || info(code, name, &value) || own_info(code, name, &value))
		return number(value);
	if (strncmp(name, "tcpi_", 5) == 0 && !code->has_info)
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
	unsigned times = 0;

	while (take_word(code, "not"))
		times++;
	const struct thing inside = comparison(code);

	return times == 0 ? inside : number(truth(&inside) == (times % 2 == 0));
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

/* What there is to know of the socket under test. */
static void look(struct code *code)
{
	struct stage *const    stage = code->stage;
	const int	       fd = call_live_fd(stage, stage->under_test);
	socklen_t	       n = sizeof code->info;
	struct sockets_request request = { .call = CALL_GETSOCKOPT, .fd = fd };

	if (fd < 0)
		return;
	request.u.option.level = IPPROTO_TCP;
	request.u.option.name = TCP_INFO;
	request.u.option.value = &code->info;
	request.u.option.n_out = &n;
	code->has_info = stage->engine->call(stage, &request, false) && request.result == 0;
	code->has_status = stage->engine->status(stage, fd, &code->status);
}

bool code_run(struct stage *stage, const struct script_event *event)
{
	static struct code code;

	code = (struct code){ .stage = stage, .event = event, .at = event->u.text };
	look(&code);
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
