/* Calls that move text: read to sendmsg, pipe and splice. Text is zeros. */
#include "script/call.h"

#include <string.h>

static bool build_fd(struct call *call)
{
	int fd;

	if (!call_int(call, 0, &fd))
		return false;
	call->request.fd = call_live_fd(call->stage, fd);
	return true;
}

static bool is_null(const struct value *value)
{
	return value && ((value->kind == VALUE_WORD && strcmp(value->text, "NULL") == 0) ||
			 (value->kind == VALUE_NUMBER && value->number == 0));
}

/* (fd, ..., n) and (fd, ..., n, flags, ...) */
static bool build_one(struct call *call)
{
	struct sockets_request *const request = &call->request;
	int64_t			      n;

	if (!build_fd(call) || !call_number(call, call_argument(call, 2), &n))
		return false;
	if (call_argument(call, 3) && !call_int(call, 3, &request->u.text.flags))
		return false;
	if (!call_text(call, n))
		return false;
	request->u.text.one.iov_len = (size_t)n;
	request->u.text.one.iov_base = is_null(call_argument(call, 1)) ? NULL : call_text(call, n);
	request->u.text.iov = &request->u.text.one;
	request->u.text.n_iov = 1;
	call->addr_n = sizeof call->addr;
	request->u.text.addr_n = &call->addr_n;
	request->u.text.addr = (struct sockaddr *)&call->addr;
	request->u.text.to_n = sizeof call->addr;
	return true;
}

/* [{..., 10}, {..., 20}] */
static bool build_vector(struct call *call, const struct value *list)
{
	struct sockets_request *const request = &call->request;
	size_t			      n = 0;
	int64_t			      len;

	for (const struct value *item = list ? list->items : NULL; item; item = item->next)
		n++;
	request->u.text.iov = call_memory(call, n * sizeof *request->u.text.iov);
	request->u.text.n_iov = n;
	for (size_t i = 0; i < n; i++) {
		uint8_t *at;

		if (!call_number(call, call_item(call_item(list, (unsigned)i), 1), &len))
			return false;
		at = call_text(call, len);
		if (!at)
			return false;
		request->u.text.iov[i] = (struct iovec){ at, (size_t)len };
	}
	return true;
}

static bool build_many(struct call *call)
{
	return build_fd(call) && build_vector(call, call_argument(call, 1));
}

/* {msg_iov(2) = [...]}, flags */
static bool build_message(struct call *call)
{
	struct sockets_request *const request = &call->request;

	if (!build_fd(call) || !build_vector(call, call_field(call_argument(call, 1), "msg_iov")) ||
	    !call_int(call, 2, &request->u.text.flags))
		return false;
	call->message.msg_iov = request->u.text.iov;
	call->message.msg_iovlen = request->u.text.n_iov;
	request->u.text.message = &call->message;
	return true;
}

static void judge_message(struct call *call)
{
	const struct value *const said = call_field(call_argument(call, 1), "msg_flags");
	int64_t			  expected;

	if (said && said->kind != VALUE_ANY && call_number(call, said, &expected) &&
	    expected != call->message.msg_flags)
		call_differs(call, "msg_flags ", expected, call->message.msg_flags);
}

/* ---- pipe, splice ---- */

static bool build_pipe(struct call *call)
{
	call->request.u.pipe.fds = call->fds;
	return true;
}

static void judge_pipe(struct call *call)
{
	const struct value *const list = call_argument(call, 0);
	int64_t			  fd;

	for (unsigned i = 0; i < 2; i++)
		if (!call_number(call, call_item(list, i), &fd) || !call_new_fd(call, (int)fd, call->fds[i]))
			return;
}

/* splice(in, offset, out, offset, n, flags) */
static bool build_splice(struct call *call)
{
	struct sockets_request *const request = &call->request;
	int64_t			      offset[2], n, flags;
	int			      out;

	if (!build_fd(call) || !call_number(call, call_argument(call, 1), &offset[0]) ||
	    !call_int(call, 2, &out) || !call_number(call, call_argument(call, 3), &offset[1]) ||
	    !call_number(call, call_argument(call, 4), &n) ||
	    !call_number(call, call_argument(call, 5), &flags))
		return false;
	if (n < 0)
		return call_text(call, n) != NULL;
	call->offset[0] = offset[0];
	call->offset[1] = offset[1];
	request->u.splice.off_in = &call->offset[0];
	request->u.splice.off_out = &call->offset[1];
	request->u.splice.out = call_live_fd(call->stage, out);
	request->u.splice.n = (size_t)n;
	request->u.splice.flags = (unsigned)flags;
	return true;
}

const struct call_kind *call_io_kind(const char *name)
{
	static const struct call_kind kinds[] = {
		{ "read", CALL_READ, build_one, NULL },
		{ "readv", CALL_READV, build_many, NULL },
		{ "recv", CALL_RECV, build_one, NULL },
		{ "recvfrom", CALL_RECVFROM, build_one, NULL },
		{ "recvmsg", CALL_RECVMSG, build_message, judge_message },
		{ "write", CALL_WRITE, build_one, NULL },
		{ "writev", CALL_WRITEV, build_many, NULL },
		{ "send", CALL_SEND, build_one, NULL },
		{ "sendto", CALL_SENDTO, build_one, NULL },
		{ "sendmsg", CALL_SENDMSG, build_message, NULL },
		{ "pipe", CALL_PIPE, build_pipe, judge_pipe },
		{ "splice", CALL_SPLICE, build_splice, NULL },
	};

	return call_kind_among(kinds, sizeof kinds / sizeof kinds[0], name);
}
