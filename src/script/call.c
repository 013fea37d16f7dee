/* Calls: found by name, built, made, and held against what the script says of their result. */
#include "script/call.h"
#include "script/engine.h"

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

bool call_int(const struct call *call, unsigned place, int *to)
{
	int64_t value;

	if (!call_number(call, call_argument(call, place), &value))
		return false;
	*to = (int)(value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : value);
	return true;
}

uint8_t *call_text(const struct call *call, int64_t n)
{
	static uint8_t zeros[CALL_TEXT];

	if (n >= 0 && n <= CALL_TEXT)
		return zeros;
	stage_fail(call->stage, call->event->line,
		   "runtime error in %s call: %lld octets are not from 0 to %d", call->spec->name,
		   (long long)n, CALL_TEXT);
	return NULL;
}

void *call_memory(const struct call *call, size_t n)
{
	return arena_get(&call->stage->arena, n > 0 ? n : 1);
}

/* ---- descriptors ---- */

int call_live_fd(const struct stage *stage, int script)
{
	for (unsigned i = 0; i < STAGE_FDS; i++)
		if (stage->fd[i].script == script && script >= 0)
			return stage->fd[i].live;
	return -1;
}

bool call_new_fd(const struct call *call, int script, int live)
{
	struct stage *const stage = call->stage;

	if (script < 0 || call_live_fd(stage, script) >= 0)
		return stage_fail(stage, call->event->line, "runtime error in %s call: %s fd %d in script",
				  call->spec->name, script < 0 ? "invalid" : "duplicate", script);
	for (unsigned i = 0; i < STAGE_FDS; i++) {
		if (stage->fd[i].script >= 0)
			continue;
		stage->fd[i] = (struct script_fd){ script, live };
		return true;
	}
	return stage_fail(stage, call->event->line, "more than %d descriptors", STAGE_FDS);
}

void call_forget_fd(struct stage *stage, int script)
{
	for (unsigned i = 0; i < STAGE_FDS; i++)
		if (stage->fd[i].script == script)
			stage->fd[i].script = -1;
	if (stage->under_test == script)
		stage->under_test = -1;
}

int call_made_fd(const struct call *call)
{
	int64_t fd;

	if (call->spec->result->kind != VALUE_ANY && call_number(call, call->spec->result, &fd))
		return (int)fd;
	return -1;
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

void call_differs(const struct call *call, const char *what, int64_t expected, int64_t is)
{
	stage_fail(call->stage, call->event->line, "runtime error in %s call: Expected %s%lld but got %lld",
		   call->spec->name, what, (long long)expected, (long long)is);
}

static bool makes_fd(enum sockets_call call)
{
	return call == CALL_SOCKET || call == CALL_ACCEPT || call == CALL_EPOLL_CREATE;
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
	if (expected >= 0) /* the number of a new descriptor is the script's own */
		return result == expected || (makes_fd(call->request.call) && result >= 0) ||
		       wrong_result(call, expected, result);
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
	const tern_time		  end = call->spec->end, off = call->request.done_at - end;

	if (!call->spec->blocks || (off >= -stage->tolerance && off <= stage->tolerance))
		return true;
	return stage_fail(
		call->stage, call->event->line,
		"timing error: expected system call return at %.6f sec but happened at %.6f sec; tolerance %.6f sec",
		(double)end / 1e9, (double)call->request.done_at / 1e9, (double)stage->tolerance / 1e9);
}

/* ---- running ---- */

const struct call_kind *call_kind_among(const struct call_kind *kinds, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

static const struct call_kind *kind_of(const char *name)
{
	const struct call_kind *kind = call_life_kind(name);

	kind = kind ? kind : call_io_kind(name);
	kind = kind ? kind : call_option_kind(name);
	return kind ? kind : call_poll_kind(name);
}

/* It has come back. */
static void judge(struct call *call)
{
	const struct call_kind *const kind = kind_of(call->spec->name);

	if (call->stage->error[0] || !as_expected(call, call->request.result) || !at_its_time(call))
		return;
	if (call->request.result >= 0 && kind->judge)
		kind->judge(call);
}

bool call_begin(struct stage *stage, const struct script_event *event)
{
	struct call *const	      call = arena_get(&stage->arena, sizeof *call);
	const struct call_kind *const kind = kind_of(event->u.call.name);

	*call = (struct call){ .stage = stage, .event = event, .spec = &event->u.call };
	if (!kind)
		return stage_fail(stage, event->line, "'%s' is no call known here", event->u.call.name);
	call->request.call = kind->call;
	if (!kind->build(call))
		return false;
	if (!stage->engine->call(stage, &call->request, call->spec->blocks))
		return stage_fail(stage, event->line,
				  "runtime error in %s call: it blocks, and the script gives it no time",
				  call->spec->name);
	if (!call->request.done) {
		unsigned n = 0;

		for (const struct call *other = stage->waiting; other; other = other->next)
			n++;
		if (n == CALLS_WAITING)
			return stage_fail(stage, event->line, "more than %d calls wait", CALLS_WAITING);
		call->next = stage->waiting;
		stage->waiting = call;
	} else {
		judge(call);
	}
	call_look(stage); /* it may be what another one waited for */
	return stage->error[0] == '\0';
}

void call_look(struct stage *stage)
{
	for (struct call **at = &stage->waiting; *at;) {
		struct call *const call = *at;

		if (!call->request.done) {
			at = &call->next;
			continue;
		}
		*at = call->next;
		judge(call);
	}
}

const struct script_event *call_that_waits(const struct stage *stage)
{
	const struct script_event *last = NULL;

	for (const struct call *call = stage->waiting; call; call = call->next)
		if (!last || call->spec->end > last->u.call.end)
			last = call->event;
	return last;
}
