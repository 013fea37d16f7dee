/* Code events: `assert`, `print` and assignments; what an expression may be, code.h says. */
#include "script/code.h"
#include "script/call.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <string.h>

struct thing code_fail(struct code *code, const char *format, ...)
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
	const struct thing what = code_expression(code);
	const char *const  end = code->at;
	char		   said[CODE_TEXT] = "";

	if (code_take(code, ",")) {
		const struct thing thing = code_expression(code);

		show(&thing, said, sizeof said);
	}
	if (!code->failed && !code_truth(&what))
		code_fail(code, "AssertionError: assert%.*s%s%s", (int)(end - from), from, said[0] ? ": " : "",
		     said);
}

static void do_print(struct code *code)
{
	const bool round = code_take(code, "(");
	char	   said[CODE_TEXT];

	do {
		const struct thing thing = code_expression(code);

		show(&thing, said, sizeof said);
		if (!code->failed && !code->stage->quiet)
			printf("%s ", said);
	} while (code_take(code, ","));
	if (round && !code_take(code, ")"))
		code_fail(code, "')' is missing after print");
	if (!code->stage->quiet)
		putchar('\n');
}

static bool assignment(struct code *code)
{
	const char *const from = code->at;
	size_t		  n = 0;

	while (code_in_name(code->at[n]))
		n++;
	code->at += n;
	code_skip(code);
	if (n == 0 || n >= CODE_NAME || *code->at != '=' || code->at[1] == '=') {
		code->at = from;
		return false;
	}
	code->at++;
	const struct thing value = code_expression(code);

	if (code->n_names == CODE_NAMES) {
		code_fail(code, "more than %d names", CODE_NAMES);
		return true;
	}
	memcpy(code->names[code->n_names].name, from, n);
	code->names[code->n_names].name[n] = '\0';
	code->names[code->n_names++].value = value;
	return true;
}

static void statement(struct code *code)
{
	if (code_take_word(code, "assert"))
		do_assert(code);
	else if (code_take_word(code, "print"))
		do_print(code);
	else if (code_take_word(code, "pass") || assignment(code))
		return;
	else if (!code_take_word(code, "import"))
		(void)code_expression(code);
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
		code_skip(&code);
		if (*code.at == '\0')
			break;
		if (*code.at == '\n')
			continue;
		statement(&code);
		code_skip(&code);
		if (!code.failed && *code.at && *code.at != '\n' && *code.at != ';')
			code_fail(&code, "not understood: '%.24s'", code.at);
	}
	return !code.failed;
}
