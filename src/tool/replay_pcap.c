/* tern replay --pcap: what came to the hosts of a run and what left them, as tern lab --pcap has it of a run. */
#include "tool/replay.h"
#include "tool/tool.h"
#include "watch/host_capture.h"

#include <string.h>
#include <tern/record.h>

struct capturing {
	const struct replay_options *options;
	struct host_capture	    *capture[REPLAY_HOSTS];
	unsigned		     host; /* whose input is fed */
	int			     error[REPLAY_HOSTS];
};

static struct host_capture *capture_of(const struct capturing *capturing, unsigned host)
{
	return host < REPLAY_HOSTS ? capturing->capture[host] : NULL;
}

/* The first link says what its packets begin with. */
static void on_link(void *context, unsigned number, const struct tern_link_config *config)
{
	struct capturing *const capturing = context;

	if (number >= REPLAY_HOSTS || capturing->options->pcap[number] == NULL || capturing->capture[number] != NULL)
		return;
	capturing->error[number] =
		host_capture_open(&capturing->capture[number], capturing->options->pcap[number],
				  config->ethernet ? PCAPNG_ETHERNET : PCAPNG_RAW, replay_host_names[number]);
}

static void on_input(void *context, uint64_t number, unsigned host, enum tern_record_op op, tern_time now)
{
	struct capturing *const capturing = context;

	(void)number;
	(void)op;
	(void)now;
	capturing->host = host;
}

static void on_event(void *context, const struct tern_watch_event *event)
{
	const struct capturing *const capturing = context;
	struct host_capture *const    capture = capture_of(capturing, capturing->host);

	if (capture != NULL)
		host_capture_event(capture, event);
}

static void on_packets(void *context, unsigned number, enum tern_replay_way way, tern_packet *const batch[], size_t n,
		       tern_time now)
{
	struct host_capture *const capture = capture_of(context, number);

	if (capture == NULL)
		return;
	switch (way) {
	case TERN_REPLAY_COMING: host_capture_coming(capture, batch, n); return;
	case TERN_REPLAY_CAME: host_capture_came(capture, batch, n, now); return;
	case TERN_REPLAY_LEFT: host_capture_left(capture, batch, n, now); return;
	}
}

/* is_read: the recording was; else the replay that follows says what is wrong with it. */
static int end_files(struct capturing *capturing, const struct tern_replay_result *result, bool is_read)
{
	int code = TOOL_OK;

	for (unsigned host = 0; host < REPLAY_HOSTS; host++) {
		const char *const path = capturing->options->pcap[host];
		const int	  error = host_capture_close(capturing->capture[host]);

		if (path == NULL || !is_read)
			continue;
		if (host >= result->hosts)
			code = tool_wrong("replay", "--pcap: %s has no %s", capturing->options->file,
					  replay_host_names[host]);
		else if (capturing->error[host] != 0 || error != 0)
			code = tool_failed("replay", "--pcap: cannot write '%s': %s", path,
					   strerror(-(capturing->error[host] != 0 ? capturing->error[host] : error)));
	}
	return code;
}

int replay_pcap(const struct replay_options *options)
{
	static struct tern_replay_result result;
	struct capturing		 capturing = { .options = options };
	const struct tern_replay_options how = { .to = options->to,
						 .input = on_input,
						 .link = on_link,
						 .packets = on_packets,
						 .context = &capturing,
						 .watcher = { on_event, &capturing } };
	const int			 error = tern_replay(options->file, &how, &result);

	return end_files(&capturing, &result, error == 0);
}
