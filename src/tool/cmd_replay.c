/* tern replay: has a recorded run again and compares it; tells of it, where that is asked for, as tern lab would. */
#include "tool/recording_story.h"
#include "tool/replay.h"
#include "tool/replay_playground.h"
#include "tool/tool.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <tern/tern.h>

enum { WHY = 200 };

struct replaying {
	const struct replay_options *options;
	bool			     status;
};

/* ---- as it runs: --to and --trace ---- */

static void print_at(const char *name, tern_time at)
{
	if (at != TERN_NEVER)
		printf("    %-14s at %.6f s\n", name, (double)at / (double)TERN_SECOND);
}

static void print_end(const char *text, const struct tern_addr *addr, uint16_t port)
{
	char name[46];
	printf("%s%s port %u", text, tern_addr_format(addr, name), port);
}

/* Sequence numbers relative to the initial ones, as the ladder has them. */
static void print_status(const char *name, const struct tern_status *status)
{
	printf("  %s %s", name, tern_state_name(status->state));
	print_end(", ", &status->tuple.local, status->tuple.local_port);
	print_end(" to ", &status->tuple.remote, status->tuple.remote_port);
	putchar('\n');
	if (status->state == TERN_STATE_LISTEN || status->state == TERN_STATE_CLOSED)
		return;
	printf("    SND.UNA %" PRIu32 "  SND.NXT %" PRIu32 "  SND.WND %" PRIu32, status->snd_una - status->iss,
	       status->snd_nxt - status->iss, status->snd_wnd);
	if (status->state != TERN_STATE_SYN_SENT)
		printf("  RCV.NXT %" PRIu32, status->rcv_nxt - status->irs);
	printf("  RCV.WND %" PRIu32 "  (ISS %" PRIu32 ", IRS %" PRIu32 ")\n", status->rcv_wnd, status->iss,
	       status->irs);
	printf("    unsent %" PRIu32 "  unacknowledged %" PRIu32 "  unread %" PRIu32 "  out of order %" PRIu32 "\n",
	       status->unsent, status->unacked, status->unread, status->out_of_order);
	printf("    RTO %.3f s  SRTT %.3f s  cwnd %" PRIu32 "  ssthresh %" PRIu32 "  MSS %u  %s\n",
	       (double)status->rto / 1e9, (double)status->srtt / 1e9, status->cwnd, status->ssthresh,
	       (unsigned)status->snd_mss, status->congestion_control != NULL ? status->congestion_control : "");
	print_at("retransmit", status->retransmit_at);
	print_at("probe", status->persist_at);
	print_at("delayed ACK", status->delayed_ack_at);
	print_at("keep-alive", status->keepalive_at);
	print_at("user time-out", status->user_timeout_at);
	print_at("orphan", status->orphan_at);
	print_at("2MSL", status->time_wait_at);
}

static void report_host(void *context, unsigned number, const char *name, tern_host *host)
{
	const struct replaying *const replaying = context;
	tern_socket socket;
	struct tern_entry entry;
	uint64_t cursor = 0;
	(void)number;
	if (!replaying->status)
		return;
	printf("%s at %.6f s\n", name, (double)tern_host_now(host) / (double)TERN_SECOND);
	while (tern_host_each(host, &cursor, &socket)) {
		struct tern_status status;
		if (tern_status(host, socket, &status) == 0)
			print_status("connection", &status);
	}
	cursor = 0;
	while (tern_host_each_entry(host, &cursor, &entry)) {
		printf("  entry %s", tern_state_name(entry.state));
		print_end(", ", &entry.tuple.local, entry.tuple.local_port);
		print_end(" to ", &entry.tuple.remote, entry.tuple.remote_port);
		putchar('\n');
		print_at("ends", entry.until);
	}
}

static void report_input(void *context, uint64_t number, unsigned host, enum tern_record_op op, tern_time now)
{
	const struct replaying *const replaying = context;
	if (replaying->options->trace)
		printf("%8" PRIu64 "  %12.6f  host %u  %s\n", number, (double)now / (double)TERN_SECOND, host,
		       tern_record_op_name(op));
}

/* ---- the whole ---- */

static int wrong(const char *file, const struct tern_replay_result *result, int error)
{
	return error == -TERN_ENOMEM ? tool_failed("replay", "%s: no memory", file)
				     : tool_wrong("replay", "%s: %s", file, result->message);
}

/* Where standard output is for programs, the outcome is said on standard error. */
static int outcome(const struct replay_options *options, const struct tern_replay_result *result)
{
	FILE *const to = options->json || options->mermaid ? stderr : stdout;

	fprintf(to, "%" PRIu64 " inputs, %" PRIu64 " packets, %s\n", result->inputs, result->packets,
		result->identical ? "identical" : "not identical");
	if (!result->identical)
		fprintf(to, "first difference: %s\n", result->message);
	if (!tool_flushed("replay"))
		return TOOL_NOT_AS_EXPECTED;
	if (!result->identical)
		return TOOL_NOT_AS_EXPECTED;
	return recording_verdict("replay", options->file, result);
}

static int beyond(const struct replay_options *options, const struct tern_replay_result *result)
{
	return tool_wrong("replay", "--to: %s has %" PRIu64 " inputs, not %" PRIu64, options->file, result->inputs,
			  options->to);
}

static int replay(const struct replay_options *options)
{
	struct replaying replaying = { options, options->to != 0 };
	const struct tern_replay_options how = {
		.to = options->to, .host = report_host, .input = report_input, .context = &replaying
	};
	static struct tern_replay_result result;
	const int			 error = tern_replay(options->file, &how, &result);

	if (error != 0)
		return wrong(options->file, &result, error);
	return options->to > result.inputs ? beyond(options, &result) : outcome(options, &result);
}

static int show(const struct replay_options *options, struct timeline *timeline, const char *title)
{
	if (options->conn != 0)
		timeline_keep_conn(timeline, options->conn);
	return timeline->no_memory ? tool_failed("replay", "no memory") : replay_show(options, timeline, title);
}

static int tell(const struct replay_options *options)
{
	static struct tern_replay_result result;
	struct recording_story		 story;
	int				 error = recording_story_read(&story, options->file, options->to, &result);
	int				 code = TOOL_OK;

	if (error != 0)
		code = wrong(options->file, &result, error);
	else if (options->to > result.inputs)
		code = beyond(options, &result);
	else if (story.others)
		code = tool_failed("replay", "%s: more than two hosts: a ladder has two", options->file);
	else if (options->conn > story.timeline.conns.last)
		code = tool_wrong("replay", "--conn: %s has no connection %" PRIu32 ", the last is %" PRIu32,
				  options->file, options->conn, story.timeline.conns.last);
	else
		code = show(options, &story.timeline, result.command[0] ? result.command : options->file);
	recording_story_done(&story);
	return code == TOOL_OK ? outcome(options, &result) : code;
}

static bool spares_recording(const struct replay_options *options)
{
	const bool	  shared = options->playground != NULL && options->playground[0] == '@';
	const char *const file = shared ? options->playground + 1 : options->file;

	return tool_spares("replay", "--svg", options->svg, file) &&
	       tool_spares("replay", "--pcap", options->pcap[0], file) &&
	       tool_spares("replay", "--pcap", options->pcap[1], file);
}

int tool_replay(int n, char *const arguments[])
{
	struct replay_options options;
	char		      why[WHY];

	if (!replay_options_parse(&options, n, arguments, why, sizeof why))
		return tool_wrong("replay", "%s", why);
	if (options.help) {
		replay_help(stdout);
		return tool_flushed("replay") ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
	}
	if (!spares_recording(&options))
		return TOOL_USAGE;
	if (options.playground != NULL)
		return replay_playground(&options);
	const int captured = options.pcap[0] != NULL || options.pcap[1] != NULL ? replay_pcap(&options) : TOOL_OK;
	const int code = replay_tells(&options) ? tell(&options) : replay(&options);

	return code == TOOL_OK ? captured : code;
}
