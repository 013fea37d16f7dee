/* fcntl, ioctl, setsockopt, getsockopt. */
#include "script/call.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>

enum { OPTION_ROOM = 512 };

static bool build_fd(struct call *call)
{
	int fd;

	if (!call_int(call, 0, &fd))
		return false;
	call->request.fd = call_live_fd(call->stage, fd);
	return true;
}

static bool build_fcntl(struct call *call)
{
	int command, argument = 0;

	if (!build_fd(call) || !call_int(call, 1, &command) ||
	    (call_argument(call, 2) && !call_int(call, 2, &argument)))
		return false;
	call->request.u.control.command = (unsigned long)command;
	call->request.u.control.argument = (void *)(intptr_t)argument;
	return true;
}

static bool build_ioctl(struct call *call)
{
	const struct value *const said = call_argument(call, 2);
	int64_t			  command;

	if (!build_fd(call) || !call_number(call, call_argument(call, 1), &command))
		return false;
	call->request.u.control.command = (unsigned long)command;
	call->request.u.control.argument = &call->number;
	return command != FIONBIO || !said || said->kind == VALUE_ANY || call_int(call, 2, &call->number);
}

static void judge_ioctl(struct call *call)
{
	const struct value *const said = call_argument(call, 2);
	int64_t			  expected;

	if (call->request.u.control.command != FIONBIO && said && said->kind != VALUE_ANY &&
	    call_number(call, said, &expected) && expected != call->number)
		call_differs(call, "", expected, call->number);
}

static bool build_which(struct call *call)
{
	return build_fd(call) && call_int(call, 1, &call->request.u.option.level) &&
	       call_int(call, 2, &call->request.u.option.name);
}

/* {onoff = 1, linger = 2}; {tv_sec = 1, tv_usec = 0} */
static bool build_structure(struct call *call, const struct value *value)
{
	int64_t	   a, b;
	const bool is_time = call_field(value, "tv_sec") != NULL;

	if (!call_number(call, call_field(value, is_time ? "tv_sec" : "onoff"), &a) ||
	    !call_number(call, call_field(value, is_time ? "tv_usec" : "linger"), &b))
		return false;
	if (is_time)
		call->option.time = (struct timeval){ .tv_sec = (time_t)a, .tv_usec = (suseconds_t)b };
	else
		call->option.linger = (struct linger){ .l_onoff = (int)a, .l_linger = (int)b };
	call->request.u.option.value = &call->option;
	call->request.u.option.n = is_time ? sizeof call->option.time : sizeof call->option.linger;
	return true;
}

static bool build_setsockopt(struct call *call)
{
	const struct value *const value = call_argument(call, 3);

	if (!build_which(call))
		return false;
	if (value && value->kind == VALUE_FIELDS)
		return build_structure(call, value);
	if (value && value->kind == VALUE_STRING) {
		call->request.u.option.value = (void *)(uintptr_t)value->text;
		call->request.u.option.n = (socklen_t)strlen(value->text);
		return true;
	}
	call->request.u.option.value = &call->number;
	call->request.u.option.n = sizeof call->number;
	return call_int(call, 3, &call->number);
}

static bool build_getsockopt(struct call *call)
{
	const struct value *const said = call_argument(call, 4);
	int64_t			  n = OPTION_ROOM;

	if (!build_which(call))
		return false;
	if (said && said->kind == VALUE_LIST && said->items && said->items->kind != VALUE_ANY &&
	    !call_number(call, said, &n))
		return false;
	if (n < 0 || n > OPTION_ROOM)
		return stage_fail(call->stage, call->event->line,
				  "runtime error in getsockopt call: a length of %lld", (long long)n);
	call->buffer = call_memory(call, OPTION_ROOM);
	call->buffer_n = (socklen_t)n;
	call->request.u.option.value = call->buffer;
	call->request.u.option.n_out = &call->buffer_n;
	return true;
}

/* [n], "text", or ...; and the length in [n]. */
static void judge_getsockopt(struct call *call)
{
	const struct value *const said = call_argument(call, 3), *const length = call_argument(call, 4);
	int64_t expected;
	int	is;

	if (length && length->kind == VALUE_LIST && length->items && length->items->kind != VALUE_ANY &&
	    call_number(call, length, &expected) && expected != (int64_t)call->buffer_n)
		call_differs(call, "optlen ", expected, (int64_t)call->buffer_n);
	if (!said || said->kind == VALUE_ANY ||
	    (said->kind == VALUE_LIST && said->items && said->items->kind == VALUE_ANY))
		return;
	if (said->kind == VALUE_STRING) {
		if (strncmp(said->text, call->buffer, strlen(said->text)) != 0)
			stage_fail(call->stage, call->event->line,
				   "runtime error in getsockopt call: Expected '%s' but got '%.*s'",
				   said->text, (int)call->buffer_n, (const char *)call->buffer);
		return;
	}
	memcpy(&is, call->buffer, sizeof is);
	if (call_number(call, said, &expected) && expected != is)
		call_differs(call, "", expected, is);
}

const struct call_kind *call_option_kind(const char *name)
{
	static const struct call_kind kinds[] = {
		{ "fcntl", CALL_FCNTL, build_fcntl, NULL },
		{ "ioctl", CALL_IOCTL, build_ioctl, judge_ioctl },
		{ "setsockopt", CALL_SETSOCKOPT, build_setsockopt, NULL },
		{ "getsockopt", CALL_GETSOCKOPT, build_getsockopt, judge_getsockopt },
	};

	return call_kind_among(kinds, sizeof kinds / sizeof kinds[0], name);
}
