/* poll, epoll_create, epoll_ctl, epoll_wait. */
#include "script/call.h"

#include <string.h>

/* ---- poll ---- */

static bool build_poll(struct call *call)
{
	const struct value *const list = call_argument(call, 0);
	int64_t			  fd, events;
	unsigned		  n = 0;

	for (const struct value *entry = list ? list->items : NULL; entry; entry = entry->next)
		n++;
	call->request.u.poll.fds = call_memory(call, n * sizeof(struct pollfd));
	call->request.u.poll.n = n;
	for (unsigned i = 0; i < n; i++) {
		const struct value *const entry = call_item(list, i);

		if (!call_number(call, call_field(entry, "fd"), &fd) ||
		    !call_number(call, call_field(entry, "events"), &events))
			return false;
		/* One that the script has closed is none of the engine's either. */
		call->request.u.poll.fds[i].fd = call_live_fd(call->stage, (int)fd);
		if (call->request.u.poll.fds[i].fd < 0)
			call->request.u.poll.fds[i].fd = INT32_MAX;
		call->request.u.poll.fds[i].events = (short)events;
	}
	return call_int(call, 2, &call->request.u.poll.timeout);
}

static void judge_poll(struct call *call)
{
	const struct value *const list = call_argument(call, 0);
	int64_t			  expected;

	for (unsigned i = 0; i < call->request.u.poll.n; i++) {
		const struct value *const said = call_field(call_item(list, i), "revents");
		const unsigned		  came = (unsigned short)call->request.u.poll.fds[i].revents;

		if (said && said->kind != VALUE_ANY && call_number(call, said, &expected) && expected != came)
			stage_fail(call->stage, call->event->line,
				   "runtime error in poll call: Expected revents 0x%x but got 0x%x",
				   (unsigned)expected, came);
	}
}

/* ---- epoll ---- */

static bool build_create(struct call *call)
{
	return call_int(call, 0, &call->request.fd);
}

static void judge_create(struct call *call)
{
	(void)call_new_fd(call, call_made_fd(call), (int)call->request.result);
}

/* {events = EPOLLIN, fd = 4}, or u32, u64, ptr. The script's descriptor stands for the engine's. */
static bool event_of(const struct call *call, const struct value *value, struct epoll_event *event)
{
	static const char *const names[] = { "fd", "u32", "u64", "ptr" };
	int64_t			 n;

	*event = (struct epoll_event){ .events = 0 };
	if (!call_number(call, call_field(value, "events"), &n))
		return false;
	event->events = (uint32_t)n;
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (!call_field(value, names[i]))
			continue;
		if (!call_number(call, call_field(value, names[i]), &n))
			return false;
		event->data.u64 = i == 0 ? (uint32_t)call_live_fd(call->stage, (int)n) : (uint64_t)n;
	}
	return true;
}

static bool build_ctl(struct call *call)
{
	struct epoll_event *const event = call_memory(call, sizeof *event);
	const struct value *const said = call_argument(call, 3);
	int			  epoll, fd;

	if (!call_int(call, 0, &epoll) || !call_int(call, 1, &call->request.u.epoll_ctl.op) ||
	    !call_int(call, 2, &fd))
		return false;
	call->request.fd = call_live_fd(call->stage, epoll);
	call->request.u.epoll_ctl.fd = call_live_fd(call->stage, fd);
	call->request.u.epoll_ctl.event = event;
	return !said || said->kind != VALUE_FIELDS || event_of(call, said, event);
}

static bool build_wait(struct call *call)
{
	int epoll, most;

	if (!call_int(call, 0, &epoll) || !call_int(call, 2, &most) ||
	    !call_int(call, 3, &call->request.u.epoll_wait.timeout))
		return false;
	call->request.fd = call_live_fd(call->stage, epoll);
	if (most > CALL_EVENTS)
		return stage_fail(call->stage, call->event->line,
				  "runtime error in epoll_wait call: more than %d events", CALL_EVENTS);
	call->request.u.epoll_wait.n = most;
	call->request.u.epoll_wait.events =
		call_memory(call, (size_t)(most > 0 ? most : 1) * sizeof(struct epoll_event));
	return true;
}

/* One event is said, as in packetdrill: it is the first that came. */
static void judge_wait(struct call *call)
{
	const struct epoll_event *const came = call->request.u.epoll_wait.events;
	const struct value *const	said = call_argument(call, 1);
	struct epoll_event		expected;

	if (call->request.result == 0 || !said || said->kind != VALUE_FIELDS ||
	    !event_of(call, said, &expected))
		return;
	if (expected.events != came->events)
		stage_fail(call->stage, call->event->line,
			   "runtime error in epoll_wait call: epoll_event->events does not match script: "
			   "expected: 0x%x actual: 0x%x",
			   expected.events, came->events);
	if (expected.data.u64 != came->data.u64)
		stage_fail(call->stage, call->event->line,
			   "runtime error in epoll_wait call: epoll_event->data does not match script: "
			   "expected: %llu actual: %llu",
			   (unsigned long long)expected.data.u64, (unsigned long long)came->data.u64);
}

const struct call_kind *call_poll_kind(const char *name)
{
	static const struct call_kind kinds[] = {
		{ "poll", CALL_POLL, build_poll, judge_poll },
		{ "epoll_create", CALL_EPOLL_CREATE, build_create, judge_create },
		{ "epoll_ctl", CALL_EPOLL_CTL, build_ctl, NULL },
		{ "epoll_wait", CALL_EPOLL_WAIT, build_wait, judge_wait },
	};

	return call_kind_among(kinds, sizeof kinds / sizeof kinds[0], name);
}
