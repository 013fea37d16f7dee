#include "gateway/show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/capture.h"
#include "gateway/gateway.h"
#include "watch/history.h"
#include "watch/live.h"

struct show {
	struct live live;
	FILE	   *drawing, *json;
};

/* A stream of our own on descriptor fd: buffered, so that a row is one write, and flushed once a turn. */
static FILE *stream_on(int fd)
{
	const int   copy = dup(fd);
	FILE *const stream = copy >= 0 ? fdopen(copy, "w") : NULL;

	if (!stream && copy >= 0)
		close(copy);
	if (stream)
		(void)setvbuf(stream, NULL, _IOFBF, 1 << 16);
	return stream;
}

int show_open(struct gateway *gateway)
{
	const struct gateway_options *const options = gateway->options;
	const struct live_options	    live = { .columns = options->columns,
						     .ascii = options->ascii,
						     .colour = options->colour == GATEWAY_COLOUR_ALWAYS,
						     .all = options->watch_all };
	struct show *const		    show = calloc(1, sizeof *show);

	if (!show)
		return -TERN_ENOMEM;
	gateway->show = show;
	if (options->watch && !(show->drawing = stream_on(STDERR_FILENO)))
		return -errno;
	if (options->json)
		show->json = strcmp(options->json, "-") == 0 ? stream_on(STDOUT_FILENO) : fopen(options->json, "we");
	if (options->json && !show->json)
		return gateway_unwritable("--json", options->json, -errno);
	live_init(&show->live, show->drawing, show->json, &live, "guest", "tern");
	return 0;
}

void show_event(void *context, const struct tern_watch_event *event)
{
	struct gateway *const gateway = context;

	if (gateway->capture)
		capture_event(gateway, event);
	if (gateway->history)
		history_event(gateway->history, event);
	if (gateway->show)
		live_event(&gateway->show->live, event);
}

void show_flush(struct gateway *gateway)
{
	live_flush(&gateway->show->live, tern_host_now(gateway->host));
}

void show_done(struct gateway *gateway)
{
	struct show *const show = gateway->show;

	if (gateway->host)
		tern_host_set_watcher(gateway->host, NULL);
	if (show->drawing || show->json)
		live_done(&show->live);
	if (show->drawing)
		fclose(show->drawing);
	if (show->json)
		gateway_close_file("--json", gateway->options->json, show->json);
	free(show);
	gateway->show = NULL;
}
