/* What a test comes to, in iperf3's words: lines for readers, or its JSON, which is written as the test goes on. */
#include "perf/perf.h"

#include <sys/utsname.h>
#include <time.h>

enum { WORD = 24 };

/* ---- words ---- */

/* Four digits and a unit, as iperf3 has them: "1.25 MBytes". */
static const char *in_units(char to[WORD], double value, double step, const char *unit)
{
	static const char prefixes[] = " KMGTPE";
	unsigned	  i = 0;

	while (value >= 999.5 && prefixes[i + 1] != '\0') {
		value /= step;
		i++;
	}
	const int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
	(void)snprintf(to, WORD, "%4.*f %.*s%s", digits, value, i == 0 ? 0 : 1, &prefixes[i], unit);
	return to;
}

static double seconds(tern_time span)
{
	return (double)span / 1e9;
}

static double rate_of(uint64_t bytes, double span)
{
	return span > 0 ? (double)bytes * 8 / span : 0;
}

static bool is_bidirectional(const struct perf *perf)
{
	return perf->test.bidirectional;
}

static const char *role(const struct perf *perf, bool sends)
{
	if (!is_bidirectional(perf))
		return "";
	if (perf->settings->server)
		return sends ? "[TX-S]" : "[RX-S]";
	return sends ? "[TX-C]" : "[RX-C]";
}

static void print_head(const struct perf *perf, const char *more)
{
	fprintf(perf->settings->to, "[ ID]%s Interval           Transfer     Bitrate         %s\n",
		is_bidirectional(perf) ? "[Role]" : "", more);
}

/* id 0: the sum. */
static void print_line(const struct perf *perf, unsigned id, bool sends, double from, double to, uint64_t bytes,
		       const char *more)
{
	char name[WORD] = "SUM", transfer[WORD], rate[WORD];

	if (id != 0)
		(void)snprintf(name, sizeof name, "%3u", id);
	(void)in_units(transfer, (double)bytes, 1024, "Bytes");
	(void)in_units(rate, rate_of(bytes, to - from), 1000, "bits");
	fprintf(perf->settings->to, "[%s]%s %6.2f-%-6.2f sec  %s  %s/sec  %s\n", name, role(perf, sends), from, to,
		transfer, rate, more);
}

/* ---- the beginning ---- */

static void write_endpoints(struct json_writer *json, const struct perf_stream *stream)
{
	char address[46];

	json_open(json, NULL, '{');
	json_integer(json, "socket", stream->id);
	json_text(json, "local_host", tern_addr_format(&stream->tuple.local, address));
	json_integer(json, "local_port", stream->tuple.local_port);
	json_text(json, "remote_host", tern_addr_format(&stream->tuple.remote, address));
	json_integer(json, "remote_port", stream->tuple.remote_port);
	json_close(json);
}

static void write_start(struct perf *perf)
{
	struct json_writer *const json = &perf->json;
	const time_t now = time(NULL);
	struct utsname system;
	struct tm broken;
	char text[512];

	*json = (struct json_writer){ .to = perf->settings->to, .pretty = true };
	json_open(json, NULL, '{');
	json_open(json, "start", '{');
	json_text(json, "version", perf->settings->version);
	if (uname(&system) == 0) {
		(void)snprintf(text, sizeof text, "%s %s %s %s %s", system.sysname, system.nodename, system.release,
			       system.version, system.machine);
		json_text(json, "system_info", text);
	}
	json_open(json, "timestamp", '{');
	if (gmtime_r(&now, &broken) != NULL && strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &broken) > 0)
		json_text(json, "time", text);
	json_integer(json, "timesecs", (int64_t)now);
	json_close(json);
	perf->reported = REPORT_START;
}

void report_begin(struct perf *perf)
{
	const struct perf_settings *const settings = perf->settings;

	if (!settings->json && settings->server)
		fprintf(settings->to, "-----------------------------------------------------------\n"
				      "Server listening on %u (test #%u)\n"
				      "-----------------------------------------------------------\n",
			settings->port, perf->n_tests + 1);
	else if (!settings->json)
		fprintf(settings->to, "Connecting to host %s, port %u\n", settings->host, settings->port);
	else if (!settings->server)
		write_start(perf);
	(void)fflush(settings->to);
}

static void write_test(struct perf *perf)
{
	const struct perf_test *const test = &perf->test;
	struct json_writer *const json = &perf->json;

	json_open(json, "test_start", '{');
	json_text(json, "protocol", "TCP");
	json_integer(json, "num_streams", test->parallel);
	json_integer(json, "blksize", test->block);
	json_integer(json, "omit", test->omit);
	json_integer(json, "duration", test->time);
	json_integer(json, "bytes", (int64_t)test->bytes);
	json_integer(json, "blocks", 0);
	json_integer(json, "reverse", test->reverse);
	json_integer(json, "bidir", test->bidirectional);
	json_integer(json, "tos", 0);
	json_integer(json, "target_bitrate", (int64_t)test->rate);
	json_close(json);
}

static void write_connected(struct perf *perf)
{
	struct json_writer *const json = &perf->json;
	struct tern_status status;
	char address[46];
	struct tern_tuple tuple;

	if (perf->settings->server)
		write_start(perf);
	json_open(json, "connected", '[');
	for (unsigned i = 0; i < perf->n_streams; i++)
		write_endpoints(json, &perf->stream[i]);
	json_close(json);
	if (tern_name(perf->host, perf->control, &tuple) == 0) {
		json_open(json, perf->settings->server ? "accepted_connection" : "connecting_to", '{');
		json_text(json, "host", tern_addr_format(&tuple.remote, address));
		json_integer(json, "port", tuple.remote_port);
		json_close(json);
	}
	json_text(json, "cookie", (const char *)perf->cookie);
	if (perf->n_streams > 0 && tern_status(perf->host, perf->stream[0].socket, &status) == 0)
		json_integer(json, "tcp_mss_default", status.snd_mss);
	json_integer(json, "sock_bufsize", perf->test.window);
	write_test(perf);
	json_close(json);
	json_open(json, "intervals", '[');
	perf->reported = REPORT_INTERVALS;
}

void report_connected(struct perf *perf)
{
	char local[46], remote[46];

	perf->cookie[PERF_COOKIE - 1] = '\0'; /* a client's may be anything */
	if (perf->settings->json) {
		write_connected(perf);
		return;
	}
	for (unsigned i = 0; i < perf->n_streams; i++) {
		const struct perf_stream *const stream = &perf->stream[i];
		fprintf(perf->settings->to, "[%3u]%s local %s port %u connected to %s port %u\n", stream->id,
			role(perf, stream->sends), tern_addr_format(&stream->tuple.local, local),
			stream->tuple.local_port, tern_addr_format(&stream->tuple.remote, remote),
			stream->tuple.remote_port);
	}
	if (perf->settings->interval != 0)
		print_head(perf, "Retr  Cwnd         RTT");
	(void)fflush(perf->settings->to);
}

/* ---- intervals ---- */

struct sum {
	uint64_t bytes;
	int64_t	 retransmits;
	double	 seconds; /* the longest */
	unsigned n;
};

static void write_span(struct json_writer *json, double from, double to, uint64_t bytes)
{
	json_number(json, "start", from);
	json_number(json, "end", to);
	json_number(json, "seconds", to - from);
	json_integer(json, "bytes", (int64_t)bytes);
	json_number(json, "bits_per_second", rate_of(bytes, to - from));
}

static void write_stream(struct perf *perf, const struct perf_stream *stream, double from, double to)
{
	const struct tern_status *const status = &stream->status;
	struct json_writer *const json = &perf->json;

	json_open(json, NULL, '{');
	json_integer(json, "socket", stream->id);
	write_span(json, from, to, stream->bytes - stream->bytes_before);
	if (stream->sends) {
		json_integer(json, "retransmits", status->retransmits_total - stream->retransmits_before);
		json_integer(json, "snd_cwnd", status->cwnd);
		json_integer(json, "snd_wnd", status->snd_wnd);
		json_integer(json, "rtt", status->srtt / TERN_MICROSECOND);
		json_integer(json, "rttvar", status->rttvar / TERN_MICROSECOND);
		json_integer(json, "pmtu", status->pmtu);
	}
	json_bool(json, "omitted", !perf->counting);
	json_bool(json, "sender", stream->sends);
	json_close(json);
}

static void print_stream(const struct perf *perf, const struct perf_stream *stream, double from, double to)
{
	char more[80] = "", cwnd[WORD];

	if (stream->sends)
		(void)snprintf(more, sizeof more, "%3u  %s  %8.3f ms",
			       stream->status.retransmits_total - stream->retransmits_before,
			       in_units(cwnd, stream->status.cwnd, 1024, "Bytes"), (double)stream->status.srtt / 1e6);
	print_line(perf, stream->id, stream->sends, from, to, stream->bytes - stream->bytes_before, more);
}

static void interval_sum(struct perf *perf, const struct sum *sum, bool sends, bool second, double from, double to)
{
	struct json_writer *const json = &perf->json;
	char more[40] = "";

	if (sum->n == 0)
		return;
	if (!perf->settings->json) {
		if (sends)
			(void)snprintf(more, sizeof more, "%3lld", (long long)sum->retransmits);
		if (sum->n > 1)
			print_line(perf, 0, sends, from, to, sum->bytes, more);
		return;
	}
	json_open(json, second ? "sum_bidir_reverse" : "sum", '{');
	write_span(json, from, to, sum->bytes);
	if (sends)
		json_integer(json, "retransmits", sum->retransmits);
	json_bool(json, "omitted", !perf->counting);
	json_bool(json, "sender", sends);
	json_close(json);
}

void report_interval(struct perf *perf, tern_time from_time, tern_time to_time)
{
	const double from = seconds(from_time - perf->began), to = seconds(to_time - perf->began);
	const bool   json = perf->settings->json;
	struct sum   sum[2] = { { .bytes = 0 } }; /* what we receive, what we send */

	if (json) {
		json_open(&perf->json, NULL, '{');
		json_open(&perf->json, "streams", '[');
	}
	for (unsigned i = 0; i < perf->n_streams; i++) {
		const struct perf_stream *const stream = &perf->stream[i];
		struct sum *const its = &sum[stream->sends];
		its->n++;
		its->bytes += stream->bytes - stream->bytes_before;
		its->retransmits += stream->status.retransmits_total - stream->retransmits_before;
		if (json)
			write_stream(perf, stream, from, to);
		else
			print_stream(perf, stream, from, to);
	}
	if (json)
		json_close(&perf->json);
	/* The client's own come first, as the streams do. */
	const bool first = is_bidirectional(perf) ? !perf->settings->server : sum[1].n > 0;
	interval_sum(perf, &sum[first], first, false, from, to);
	interval_sum(perf, &sum[!first], !first, true, from, to);
	if (json)
		json_close(&perf->json);
	(void)fflush(perf->settings->to);
}

/* ---- the end ---- */

static struct perf_count count_of(const struct perf *perf, const struct perf_stream *stream, bool sender)
{
	if (stream->sends == sender)
		return perf_counted(perf, stream);
	return stream->has_peer ? stream->peer : (struct perf_count){ .retransmits = -1 };
}

static void write_end(struct perf *perf, const struct perf_stream *stream, bool sender)
{
	struct json_writer *const json = &perf->json;
	const struct perf_count count = count_of(perf, stream, sender);

	json_open(json, sender ? "sender" : "receiver", '{');
	json_integer(json, "socket", stream->id);
	write_span(json, 0, count.seconds, count.bytes);
	if (sender) {
		if (count.retransmits >= 0)
			json_integer(json, "retransmits", count.retransmits);
		if (stream->sends) {
			json_integer(json, "max_snd_cwnd", stream->cwnd_most);
			json_integer(json, "max_snd_wnd", stream->wnd_most);
			json_integer(json, "max_rtt", stream->rtt_most / TERN_MICROSECOND);
			json_integer(json, "min_rtt", (stream->n_rtt > 0 ? stream->rtt_least : 0) / TERN_MICROSECOND);
			json_integer(json, "mean_rtt",
				     (stream->n_rtt > 0 ? stream->rtt_sum / stream->n_rtt : 0) / TERN_MICROSECOND);
		}
	}
	json_bool(json, "sender", stream->sends);
	json_close(json);
}

static void print_end(const struct perf *perf, const struct perf_stream *stream, bool sender)
{
	const struct perf_count count = count_of(perf, stream, sender);
	char more[40];

	if (sender && count.retransmits >= 0)
		(void)snprintf(more, sizeof more, "%4lld             sender", (long long)count.retransmits);
	else
		(void)snprintf(more, sizeof more, "                 %s", sender ? "sender" : "receiver");
	print_line(perf, stream->id, stream->sends, 0, count.seconds, count.bytes, more);
}

/* Of the streams that we send, or receive: what their sender, or receiver says. */
static struct sum sum_up(const struct perf *perf, bool ours, bool sender)
{
	struct sum sum = { .bytes = 0 };

	for (unsigned i = 0; i < perf->n_streams; i++) {
		const struct perf_count count = count_of(perf, &perf->stream[i], sender);
		if (perf->stream[i].sends != ours)
			continue;
		sum.n++;
		sum.bytes += count.bytes;
		sum.seconds = count.seconds > sum.seconds ? count.seconds : sum.seconds;
		sum.retransmits += count.retransmits >= 0 ? count.retransmits : 0;
	}
	return sum;
}

static void end_sums(struct perf *perf, bool ours, bool second)
{
	static const char *const names[2][2] = {
		{ "sum_received", "sum_sent" }, { "sum_received_bidir_reverse", "sum_sent_bidir_reverse" },
	};
	struct json_writer *const json = &perf->json;

	for (int sender = 1; sender >= 0; sender--) {
		const struct sum sum = sum_up(perf, ours, sender != 0);
		char more[40];
		if (sum.n == 0)
			return;
		if (sender)
			(void)snprintf(more, sizeof more, "%4lld             sender", (long long)sum.retransmits);
		else
			(void)snprintf(more, sizeof more, "                 receiver");
		if (!perf->settings->json && sum.n > 1)
			print_line(perf, 0, ours, 0, sum.seconds, sum.bytes, more);
		if (!perf->settings->json)
			continue;
		json_open(json, names[second][sender], '{');
		write_span(json, 0, sum.seconds, sum.bytes);
		if (sender)
			json_integer(json, "retransmits", sum.retransmits);
		json_bool(json, "sender", ours);
		json_close(json);
	}
}

static void write_processor(struct perf *perf)
{
	static const char *const names[2][3] = {
		{ "host_total", "host_user", "host_system" }, { "remote_total", "remote_user", "remote_system" },
	};

	json_open(&perf->json, "cpu_utilization_percent", '{');
	for (unsigned side = 0; side < 2; side++)
		for (unsigned i = 0; i < 3; i++)
			json_number(&perf->json, names[side][i], perf->cpu[side][i]);
	json_close(&perf->json);
}

static void write_ends(struct perf *perf)
{
	struct json_writer *const json = &perf->json;
	const struct perf_stream *const first = perf->n_streams > 0 ? &perf->stream[0] : NULL;

	json_close(json); /* the intervals */
	json_open(json, "end", '{');
	json_open(json, "streams", '[');
	for (unsigned i = 0; i < perf->n_streams; i++) {
		json_open(json, NULL, '{');
		write_end(perf, &perf->stream[i], true);
		write_end(perf, &perf->stream[i], false);
		json_close(json);
	}
	json_close(json);
	const bool ours = is_bidirectional(perf) ? !perf->settings->server : first != NULL && first->sends;
	end_sums(perf, ours, false);
	end_sums(perf, !ours, is_bidirectional(perf));
	write_processor(perf);
	if (first != NULL && first->status.congestion_control != NULL)
		json_text(json, first->sends ? "sender_tcp_congestion" : "receiver_tcp_congestion",
			  first->status.congestion_control);
	json_close(json);
	perf->reported = REPORT_NONE;
}

void report_end(struct perf *perf)
{
	FILE *const to = perf->settings->to;

	if (perf->settings->json) {
		write_ends(perf);
		json_close(&perf->json);
		fputs("\n", to);
		(void)fflush(to);
		return;
	}
	fputs("- - - - - - - - - - - - - - - - - - - - - - - - -\n", to);
	print_head(perf, "Retr");
	for (unsigned i = 0; i < perf->n_streams; i++) {
		print_end(perf, &perf->stream[i], true);
		print_end(perf, &perf->stream[i], false);
	}
	const bool ours = is_bidirectional(perf) ? !perf->settings->server : perf->stream[0].sends;
	end_sums(perf, ours, false);
	end_sums(perf, !ours, true);
	fprintf(to, "CPU Utilization: local %.1f%% (%.1f%%u/%.1f%%s), remote %.1f%% (%.1f%%u/%.1f%%s)\n",
		perf->cpu[0][0], perf->cpu[0][1], perf->cpu[0][2], perf->cpu[1][0], perf->cpu[1][1], perf->cpu[1][2]);
	(void)fflush(to);
}

/* The JSON that was begun is ended, and says why it is no more. */
void report_failure(struct perf *perf, const char *why)
{
	struct json_writer *const json = &perf->json;

	if (!perf->settings->json)
		return;
	if (perf->reported == REPORT_NONE && perf->settings->server)
		return; /* no test had begun */
	if (perf->reported == REPORT_START) {
		json_close(json);
		json_open(json, "intervals", '[');
	}
	if (perf->reported == REPORT_NONE) {
		write_start(perf);
		json_close(json);
		json_open(json, "intervals", '[');
	}
	json_close(json);
	json_open(json, "end", '{');
	json_close(json);
	json_text(json, "error", why);
	json_close(json);
	fputs("\n", perf->settings->to);
	(void)fflush(perf->settings->to);
	perf->reported = REPORT_NONE;
}
