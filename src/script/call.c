/* Calls: found by name, run, held against what the script says of their result; those that wait are tried again. */
#include "script/call.h"

#include <string.h>

const struct value *call_item(const struct value *list, unsigned place)
{
	const struct value *item = list ? list->items : NULL;

	while (item && place-- > 0)
		item = item->next;
	return item;
}

const struct value *call_argument(const struct call *call, unsigned place)
{
	const struct value *value = call->spec->arguments;

	while (value && place-- > 0)
		value = value->next;
	return value;
}

const struct value *call_field(const struct value *fields, const char *name)
{
	const struct value *field = fields && fields->kind == VALUE_FIELDS ? fields->items : NULL;

	while (field && (!field->field || strcmp(field->field, name) != 0))
		field = field->next;
	return field;
}

bool call_number(const struct call *call, const struct value *value, int64_t *to)
{
	int64_t part;

	*to = 0;
	if (!value)
		return stage_fail(call->stage, call->event->line,
				  "runtime error in %s call: an argument is missing", call->spec->name);
	switch (value->kind) {
	case VALUE_NUMBER: *to = value->number; return true;
	case VALUE_WORD:
		return symbol_value(value->text, to) ||
		       stage_fail(call->stage, value->line, "'%s' is no constant known here", value->text);
	case VALUE_OR:
		for (const struct value *item = value->items; item; item = item->next) {
			if (!call_number(call, item, &part))
				return false;
			*to |= part;
		}
		return true;
	case VALUE_CALL:
		if (strcmp(value->text, "htons") == 0 || strcmp(value->text, "htonl") == 0)
			return call_number(call, value->items, to);
		break;
	case VALUE_LIST: /* [n]: what a pointer points to */
		if (value->items && !value->items->next)
			return call_number(call, value->items, to);
		break;
	default: break;
	}
	return stage_fail(call->stage, value->line, "runtime error in %s call: a number is wanted",
			  call->spec->name);
}

struct script_socket *call_socket_of(struct stage *stage, int fd)
{
	for (unsigned i = 0; i < STAGE_SOCKETS; i++)
		if (stage->socket[i].kind != SOCKET_FREE && stage->socket[i].fd == fd)
			return &stage->socket[i];
	return NULL;
}

struct script_socket *call_new_socket(struct stage *stage, int fd)
{
	for (unsigned i = 0; i < STAGE_SOCKETS; i++) {
		if (stage->socket[i].kind != SOCKET_FREE)
			continue;
		stage->socket[i] = (struct script_socket){ .fd = fd, .kind = SOCKET_FRESH };
		return &stage->socket[i];
	}
	return NULL;
}

/* ---- results ---- */

static bool wrong_result(const struct call *call, int64_t expected, int64_t result)
{
	const char *const name = result < 0 ? symbol_errno((int)-result) : NULL;

	if (result < 0)
		return stage_fail(
			call->stage, call->event->line,
			"runtime error in %s call: Expected result %lld but got -1 with errno %lld (%s)",
			call->spec->name, (long long)expected, (long long)-result, name ? name : "?");
	return stage_fail(call->stage, call->event->line,
			  "runtime error in %s call: Expected result %lld but got %lld", call->spec->name,
			  (long long)expected, (long long)result);
}

static bool wrong_error(const struct call *call, int expected, int64_t result)
{
	const char *const name = symbol_errno((int)-result);

	if (result >= 0)
		return stage_fail(call->stage, call->event->line,
				  "runtime error in %s call: Expected result -1 but got %lld with no error",
				  call->spec->name, (long long)result);
	return stage_fail(call->stage, call->event->line,
			  "runtime error in %s call: Expected errno %d (%s) but got %lld (%s)",
			  call->spec->name, expected, symbol_errno(expected) ? symbol_errno(expected) : "?",
			  (long long)-result, name ? name : "?");
}

static bool as_expected(const struct call *call, int64_t result)
{
	const struct script_call *const spec = call->spec;
	int64_t				expected;
	int				error;

	if (spec->result->kind == VALUE_ANY)
		return true;
	if (!call_number(call, spec->result, &expected))
		return false;
	if (expected >= 0)
		return result == expected || wrong_result(call, expected, result);
	if (!spec->error)
		return result < 0 || wrong_result(call, expected, result);
	error = symbol_errno_by_name(spec->error);
	if (error == 0)
		return stage_fail(call->stage, call->event->line, "'%s' is no errno known here", spec->error);
	return result == -error || wrong_error(call, error, result);
}

/* A call that waits comes back when the script says that it does. */
static bool at_its_time(const struct call *call)
{
	const struct stage *const stage = call->stage;
	const tern_time		  end = call->spec->end, off = stage->now - end;

	if (!call->spec->blocks || (off >= -stage->tolerance && off <= stage->tolerance))
		return true;
	return stage_fail(
		call->stage, call->event->line,
		"timing error: expected system call return at %.6f sec but happened at %.6f sec; tolerance %.6f sec",
		(double)end / 1e9, (double)stage->now / 1e9, (double)stage->tolerance / 1e9);
}

/* ---- running ---- */

static bool first_is_descriptor(const char *name)
{
	return strcmp(name, "socket") != 0 && strcmp(name, "poll") != 0;
}

/* CALL_WAITS; or its result, which may have failed the stage. */
static int64_t run(struct call *call)
{
	int64_t fd, result = 0;

	if (first_is_descriptor(call->spec->name)) {
		if (!call_number(call, call_argument(call, 0), &fd))
			return 0;
		call->socket = call_socket_of(call->stage, (int)fd);
		if (!call->socket)
			return -symbol_errno_by_name("EBADF");
	}
	if (!call_life(call, &result) && !call_io(call, &result) && !call_option(call, &result))
		stage_fail(call->stage, call->event->line, "'%s' is no call known here", call->spec->name);
	return result;
}

bool call_begin(struct stage *stage, const struct script_event *event)
{
	struct call   call = { .stage = stage, .event = event, .spec = &event->u.call, .ends = TERN_NEVER };
	const int64_t result = run(&call);

	if (stage->error[0])
		return false;
	if (result != CALL_WAITS)
		return as_expected(&call, result) && at_its_time(&call);
	if (!call.spec->blocks)
		return stage_fail(stage, event->line,
				  "runtime error in %s call: it blocks, and the script gives it no time",
				  call.spec->name);
	for (unsigned i = 0; i < STAGE_SOCKETS; i++)
		if (!stage->waiting[i].event) {
			stage->waiting[i] = (struct waiting){ event, call.ends };
			return true;
		}
	return stage_fail(stage, event->line, "more than %d calls wait", STAGE_SOCKETS);
}

bool call_again(struct stage *stage, struct waiting *waiting)
{
	struct call call = {
		.stage = stage,
		.event = waiting->event,
		.spec = &waiting->event->u.call,
		.again = true,
		.ends = waiting->ends,
	};
	const int64_t result = run(&call);

	if (result == CALL_WAITS && !stage->error[0])
		return false;
	if (!stage->error[0])
		(void)(as_expected(&call, result) && at_its_time(&call));
	return true;
}
