/* tern perf: throughput over a device, by iperf3's protocol (perf/perf.h). */
#include "tool/perf_options.h"
#include "tool/tool.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>

#ifndef TERN_VERSION
#define TERN_VERSION "0" /* built by hand */
#endif

static volatile sig_atomic_t interrupted;

/* A second one does not wait for anything. */
static void on_signal(int number)
{
	interrupted = number;
}

static int make_host(const struct perf_options *options, tern_loop *loop, tern_host **host, struct tern_link *link)
{
	struct tern_config config;
	int error = 0;

	tern_config_default(&config);
	config.allocator = *tern_allocator_default();
	if (options->test.controller[0] != '\0')
		config.congestion_control = options->test.controller;
	if (getrandom(config.secret, sizeof config.secret, 0) != (ssize_t)sizeof config.secret)
		error = -errno;
	if (error == 0)
		error = tern_host_create(host, &config, tern_loop_now(loop));
	if (error != 0) {
		link->ops->close(link);
		return error;
	}
	return dev_join(&options->dev, loop, *host, link);
}

static int measure(const struct perf_options *options, tern_loop *loop, tern_host *host, const struct tern_link *device)
{
	char why[256];
	const int result = perf_run(&options->settings, &options->test, loop, host, device, &interrupted, why,
				    sizeof why);

	if (result < 0)
		return tool_failed("perf", "%s", why);
	return result == 0 && !tool_flushed("perf") ? TOOL_NOT_AS_EXPECTED : result;
}

static int with_link(const struct perf_options *options, struct tern_link *link)
{
	const struct tern_link *const device = link;
	tern_loop *loop = NULL;
	tern_host *host = NULL;
	int error = tern_loop_create(&loop, TERN_CLOCK_REAL);

	if (error == 0 && options->impaired)
		error = dev_impair(&link, &options->impair);
	if (error != 0)
		link->ops->close(link);
	else
		error = make_host(options, loop, &host, link);
	const int code = error == 0 ? measure(options, loop, host, device)
				    : tool_failed("perf", "cannot make the host: %s", tern_strerror(error));
	tern_loop_destroy(loop);
	if (host != NULL)
		tern_host_destroy(host);
	return code;
}

int tool_perf(int n, char *const arguments[])
{
	struct perf_options options;
	struct tern_link *link;
	char why[256];

	if (!perf_options_parse(&options, n, arguments, why, sizeof why))
		return tool_wrong("perf", "%s", why);
	if (options.help) {
		perf_help(stdout);
		return tool_flushed("perf") ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
	}
	options.settings.to = stdout;
	options.settings.version = "tern " TERN_VERSION;
	if (!dev_open(&options.dev, &link, why, sizeof why))
		return tool_failed("perf", "%s", why);
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	action = (struct sigaction){ .sa_handler = SIG_IGN };
	(void)sigaction(SIGPIPE, &action, NULL);
	return with_link(&options, link);
}
