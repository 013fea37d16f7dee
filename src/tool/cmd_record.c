/* tern record and tern replay: keep a run, and have it again. */
#include "option/units.h"
#include "tool/replay_playground.h"
#include "tool/tool.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tern/tern.h>

/* ---- record ---- */

static int record_help(void)
{
	fputs("usage: tern record -o FILE lab [SCENARIO] [OPTION...]\n"
	      "\n"
	      "Runs the command, and keeps every input of both hosts in FILE: settings and secrets, packets, times,\n"
	      "the programs' calls and failed allocations. tern replay FILE has the run again. FILE holds all that\n"
	      "was sent and the hosts' secrets.\n"
	      "\n"
	      "  -o FILE, --output FILE  where to keep it\n"
	      "  --help                  this\n"
	      "\n"
	      "Examples:\n"
	      "  tern record -o run.tern lab\n"
	      "  tern record -o run.tern lab lost-fin --seed 7\n"
	      "  tern record -o run.tern lab retransmission --loss 5% --json > events.jsonl\n", stdout);
	return tool_flushed("record") ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
}

int tool_record(int n, char *const arguments[])
{
	const char *file = NULL;
	int i = 0;
	for (; i < n && arguments[i][0] == '-'; i++) {
		const char *const argument = arguments[i];
		if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)
			return record_help();
		if (strcmp(argument, "--") == 0) {
			i++;
			break;
		}
		if (strncmp(argument, "--output=", 9) == 0) {
			file = argument + 9;
		} else if (strcmp(argument, "-o") == 0 || strcmp(argument, "--output") == 0) {
			if (i + 1 == n)
				return tool_wrong("record", "%s wants the name of a file", argument);
			file = arguments[++i];
		} else {
			return tool_wrong("record", "there is no option '%s' (see tern record --help)", argument);
		}
	}
	if (file == NULL || *file == '\0')
		return tool_wrong("record", "-o FILE is missing (see tern record --help)");
	if (i == n)
		return tool_wrong("record", "the command to be recorded is missing: tern record -o %s lab", file);
	if (strcmp(arguments[i], "lab") != 0)
		return tool_wrong("record", "'%s' cannot be recorded; lab can", arguments[i]);
	for (int j = i + 1; j < n; j++)
		if (strcmp(arguments[j], "--record") == 0 || strncmp(arguments[j], "--record=", 9) == 0)
			return tool_wrong("record", "-o and --record exclude each other");

	char **const more = calloc((size_t)(n - i) + 2, sizeof(char *));
	if (more == NULL)
		return tool_failed("record", "no memory");
	int count = 0;
	for (int j = i + 1; j < n; j++)
		more[count++] = arguments[j];
	char option[] = "--record";
	more[count++] = option;
	more[count++] = (char *)file;
	const int code = tool_lab(count, more);
	free(more);
	return code;
}

/* ---- replay ---- */

struct reporter {
	bool	    trace, status;
};

static int replay_help(void)
{
	fputs("usage: tern replay FILE [--to N] [--trace]\n"
	      "       tern replay --playground LINK [--json | --ladder]\n"
	      "\n"
	      "Makes the recorded hosts again, feeds them every recorded input and compares every byte that they\n"
	      "send with what was sent then. Says 'N inputs, M packets, identical', or names the first difference.\n"
	      "\n"
	      "  --to N   stop after input N and print the status of every connection at both ends\n"
	      "  --trace  name each input as it is fed\n"
	      "  --playground LINK  run what was shared from the playground (tern report --playground): the page's\n"
	      "                     address, what stands behind its #, or @FILE that holds one (@-: standard input)\n"
	      "  --json             with it: what happened, as JSON lines\n"
	      "  --ladder           with it: what happened, drawn\n"
	      "  --help   this\n"
	      "\n"
	      "Exit status: 0 identical, 1 not, 2 the command line is wrong or FILE is no whole recording.\n"
	      "\n"
	      "Examples:\n"
	      "  tern replay run.tern\n"
	      "  tern replay run.tern --to 40\n"
	      "  tern replay run.tern --trace | less\n"
	      "  tern replay --playground tern1,0.w.delay.20000,0.s.listen.1,0.c.open --ladder\n", stdout);
	return tool_flushed("replay") ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
}

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
	const struct reporter *const reporter = context;
	tern_socket socket;
	struct tern_entry entry;
	uint64_t cursor = 0;
	(void)number;
	if (!reporter->status)
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
	const struct reporter *const reporter = context;
	if (reporter->trace)
		printf("%8" PRIu64 "  %12.6f  host %u  %s\n", number, (double)now / (double)TERN_SECOND, host,
		       tern_record_op_name(op));
}

static int replay(const char *file, struct tern_replay_options *options)
{
	struct tern_replay_result result;
	const int error = tern_replay(file, options, &result);
	if (error == -TERN_ENOMEM)
		return tool_failed("replay", "%s: no memory", file);
	if (error != 0)
		return tool_wrong("replay", "%s: %s", file, result.message);
	if (options->to > result.inputs)
		return tool_wrong("replay", "--to: %s has %" PRIu64 " inputs, not %" PRIu64, file, result.inputs,
				  options->to);
	printf("%" PRIu64 " inputs, %" PRIu64 " packets, %s\n", result.inputs, result.packets,
	       result.identical ? "identical" : "not identical");
	if (!result.identical)
		printf("first difference: %s\n", result.message);
	if (!tool_flushed("replay"))
		return TOOL_NOT_AS_EXPECTED;
	return result.identical ? TOOL_OK : TOOL_NOT_AS_EXPECTED;
}

int tool_replay(int n, char *const arguments[])
{
	struct reporter reporter = { .trace = false };
	struct tern_replay_options options = { .host = report_host, .input = report_input, .context = &reporter };
	struct replay_playground play = { .link = NULL };
	const char *file = NULL;
	for (int i = 0; i < n; i++) {
		const char *const argument = arguments[i], *to = NULL;
		if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)
			return replay_help();
		if (strcmp(argument, "--trace") == 0) {
			reporter.trace = true;
		} else if (strncmp(argument, "--playground=", 13) == 0) {
			play.link = argument + 13;
		} else if (strcmp(argument, "--playground") == 0) {
			if (i + 1 == n)
				return tool_wrong("replay", "--playground wants a link");
			play.link = arguments[++i];
		} else if (strcmp(argument, "--json") == 0) {
			play.json = true;
		} else if (strcmp(argument, "--ladder") == 0) {
			play.ladder = true;
		} else if (strncmp(argument, "--to=", 5) == 0) {
			to = argument + 5;
		} else if (strcmp(argument, "--to") == 0) {
			if (i + 1 == n)
				return tool_wrong("replay", "--to wants the number of an input");
			to = arguments[++i];
		} else if (argument[0] == '-' && argument[1] != '\0') {
			return tool_wrong("replay", "there is no option '%s' (see tern replay --help)", argument);
		} else if (file != NULL) {
			return tool_wrong("replay", "'%s' is one file too many after '%s'", argument, file);
		} else {
			file = argument;
		}
		if (to != NULL && !units_number(to, 1, UINT64_MAX, &options.to))
			return tool_wrong("replay", "--to: '%s' is not the number of an input, from 1", to);
	}
	if (play.link != NULL) {
		if (file != NULL || options.to != 0 || reporter.trace)
			return tool_wrong("replay", "--playground takes no FILE, --to or --trace");
		if (play.json && play.ladder)
			return tool_wrong("replay", "--json and --ladder exclude each other");
		return replay_playground(&play);
	}
	if (play.json || play.ladder)
		return tool_wrong("replay", "--json and --ladder are for --playground");
	if (file == NULL)
		return tool_wrong("replay", "the FILE to replay is missing (see tern replay --help)");
	reporter.status = options.to != 0;
	return replay(file, &options);
}
