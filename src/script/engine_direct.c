/* The library in this process and in virtual time. */
#include "script/engine.h"

#include <errno.h>

static bool direct_open(struct stage *stage)
{
	const struct sockets_setup setup = { .config = stage->config,
					     .mtu = stage->mtu,
					     .local = stage->local };
	const int		   error = sockets_open(&stage->sockets, &setup);

	return error == 0 ||
	       stage_fail(stage, 1, "no host can be made with these settings: %s", tern_strerror(error));
}

static void direct_close(struct stage *stage)
{
	if (stage->sockets.host)
		sockets_close(&stage->sockets);
}

static bool direct_call(struct stage *stage, struct sockets_request *request, bool blocks)
{
	if (sockets_call(&stage->sockets, request) || blocks)
		return true;
	sockets_interrupt(&stage->sockets, request, EINTR);
	return false;
}

static void direct_input(struct stage *stage, const uint8_t *bytes, size_t n)
{
	sockets_input(&stage->sockets, bytes, n);
}

static bool direct_run(struct stage *stage, tern_time until)
{
	const bool good = sockets_run(&stage->sockets, until);

	stage->now = stage->sockets.now;
	return good || stage_fail(stage, 1, "the host has something due at %.6f s, and nothing comes of it",
				  (double)stage->now / 1e9);
}

static void direct_await(struct stage *stage, tern_time until)
{
	struct sockets_left *left;

	(void)sockets_await(&stage->sockets, until);
	stage->now = stage->sockets.now;
	while ((left = sockets_take(&stage->sockets)))
		stage_keep(stage, left);
}

static bool direct_status(struct stage *stage, int fd, struct tern_status *status)
{
	const struct sockets_file *const file = sockets_file_of(&stage->sockets, fd);

	return file && file->kind >= FILE_LISTENS && file->kind <= FILE_CONNECTED &&
	       tern_status(stage->sockets.host, file->handle, status) == 0;
}

const struct engine_ops engine_direct = {
	.open = direct_open,
	.close = direct_close,
	.call = direct_call,
	.input = direct_input,
	.run = direct_run,
	.await = direct_await,
	.status = direct_status,
};
