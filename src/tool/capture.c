/* A capture's packets, and what is to be said of them. */
#include "tool/capture.h"
#include "tool/tool.h"
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

enum { GAPS_TOLD = 5 };

/* ---- what could not be done ---- */

static void say_others(const struct capture *capture)
{
	const struct trace_others *const others = &capture->decoder.others;
	const struct trace_flows *const	 flows = &capture->flows;
	const char *const		 command = capture->command;

	if (others->unknown_link > 0)
		(void)tool_failed(command,
				  "%" PRIu64 " packets of links that tern does not read (the last: LINKTYPE %u)",
				  others->unknown_link, others->last_unknown_link);
	if (others->malformed > 0)
		(void)tool_failed(command, "%" PRIu64 " packets whose IP or TCP header is cut short or broken",
				  others->malformed);
	if (flows->corrupt > 0)
		(void)tool_failed(command, "%" PRIu64 " segments with a wrong checksum, of no connection seen",
				  flows->corrupt);
	if (flows->given_up > 0)
		(void)tool_failed(command, "more than %d connections at once: %" PRIu64 " were ended early",
				  TRACE_ALIVE_MAX, flows->given_up);
	if (flows->no_memory || capture->decoder.no_memory)
		(void)tool_failed(command, "out of memory: not every connection is here");
	if (flows->last == 0)
		(void)tool_failed(command,
				  "no TCP segments (%" PRIu64 " packets of other protocols, %" PRIu64 " not of IP)",
				  others->not_tcp, others->not_ip);
}

static void say_gap(const char *command, const char *path, const struct trace_file *file)
{
	if (file->gaps <= GAPS_TOLD)
		(void)tool_failed(command, "%s: %" PRIu64 " bytes at offset %" PRIu64 " are skipped: %s", path,
				  file->gap_n, file->gap_at, file->gap_why);
}

bool capture_begin(struct capture *capture)
{
	uint8_t key[16];

	trace_decoder_init(&capture->decoder);
	return getrandom(key, sizeof key, 0) == sizeof key && trace_flows_init(&capture->flows, key);
}

void capture_end(struct capture *capture, bool said)
{
	trace_flows_end(&capture->flows);
	if (said)
		say_others(capture);
	trace_decoder_done(&capture->decoder);
}

void capture_take(struct capture *capture, const struct trace_packet *packet)
{
	struct trace_segment segment;

	if (trace_decode(&capture->decoder, packet, &segment))
		(void)trace_flows_segment(&capture->flows, &segment);
}

int capture_read(struct capture *capture, const char *path)
{
	struct trace_file   file;
	struct trace_packet packet;
	enum trace_read	    read = TRACE_PACKET;

	if (!trace_file_open(&file, path))
		return tool_wrong(capture->command, "%s: %s", path, file.why);
	while ((!capture->stop || !*capture->stop) && read != TRACE_END && read != TRACE_FAILED) {
		read = trace_file_next(&file, &packet);
		if (read == TRACE_PACKET)
			capture_take(capture, &packet);
		else if (read == TRACE_GAP)
			say_gap(capture->command, path, &file);
	}
	if (file.gaps > GAPS_TOLD)
		(void)tool_failed(capture->command, "%s: %" PRIu64 " such gaps, %" PRIu64 " bytes in all", path,
			file.gaps, file.skipped);
	if (read == TRACE_FAILED)
		capture->code = tool_failed(capture->command, "%s: %s", path, file.why);
	else if (file.gaps > 0)
		capture->code = TOOL_NOT_AS_EXPECTED;
	trace_file_close(&file);
	return TOOL_OK;
}

