/* The replaying half: reads the whole file, checks every record (length, CRC, form) before anything is
 * run, gathers which allocations failed, then feeds the calls to fresh hosts and compares what they
 * send with what was sent. Of a file whose end is missing, as a program leaves it that was killed, the
 * whole records are replayed.
 *
 * Handles, packet numbers and cookies come out as recorded because the host makes them from the same
 * inputs; a recorded call whose handle no longer fits simply fails, and the difference shows in the
 * output. A damaged or forged file can therefore misuse no memory: handles are checked by the host,
 * packets are looked up among those that are out.
 */
#include "record/format.h"
#include "record/replay.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int say(struct tern_replay_result *result, int error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(result->message, sizeof result->message, format, arguments);
	va_end(arguments);
	return error;
}

/* ---- the file ---- */

static int read_file(struct replay *replay, const char *path)
{
	errno = 0;
	FILE *const file = fopen(path, "rb");
	if (file == NULL)
		return say(replay->result, errno != 0 ? -errno : -EIO, "%s", strerror(errno));
	uint8_t chunk[1 << 16];
	struct record_buffer whole = { .at = NULL };
	size_t n;
	while ((n = fread(chunk, 1, sizeof chunk, file)) > 0)
		record_put(&whole, chunk, n);
	const bool failed = ferror(file) != 0;
	const int error = errno;
	fclose(file);
	replay->file = whole.at;
	replay->n = whole.n;
	if (failed)
		return say(replay->result, error != 0 ? -error : -EIO, "%s", strerror(error));
	return whole.failed ? say(replay->result, -TERN_ENOMEM, "no memory for the recording") : 0;
}

static int read_head(struct replay *replay)
{
	struct record_cursor *const at = &replay->records;
	if (replay->n < RECORD_MAGIC)
		return say(replay->result, -TERN_EPROTO, "not a tern recording");
	*at = (struct record_cursor){ .p = replay->file, .end = replay->file + replay->n };
	const uint8_t *const magic = record_get(at, RECORD_MAGIC);
	if (memcmp(magic, record_magic, RECORD_MAGIC) != 0)
		return say(replay->result, -TERN_EPROTO, "not a tern recording");
	const uint64_t version = record_get_number(at, 4);
	if (version != RECORD_VERSION)
		return say(replay->result, -TERN_EPROTO, "version %llu; this tern reads version %d",
			   (unsigned long long)version, RECORD_VERSION);
	const size_t n = (size_t)record_get_number(at, 4);
	const uint8_t *const command = record_get(at, n);
	if (command == NULL)
		return say(replay->result, -TERN_EPROTO, "cut short in its head");
	const size_t kept = n < sizeof replay->result->command ? n : sizeof replay->result->command - 1;
	memcpy(replay->result->command, command, kept);
	return 0;
}

/* The next record. 1, 0 at the end of the file or of its whole records, or an error. */
static int next_record(struct replay *replay, struct record_call *record, uint64_t number, bool check)
{
	struct record_cursor *const at = &replay->records;
	const uint8_t *const begin = at->p;
	if (at->p == at->end)
		return 0;
	const size_t n = (size_t)record_get_number(at, 4);
	const uint32_t crc = (uint32_t)record_get_number(at, 4);
	const uint8_t *const body = record_get(at, n);
	const unsigned long long name = number;
	if (body == NULL) {
		at->end = begin;
		return 0;
	}
	if (check && record_crc(body, n) != crc)
		return say(replay->result, -TERN_EPROTO, "damaged: the checksum of record %llu is wrong", name);
	if (!record_get_call(record, body, n))
		return say(replay->result, -TERN_EPROTO, "damaged: record %llu cannot be understood", name);
	return 1;
}

static int keep_failure(struct replay *replay, const struct record_call *record)
{
	uint64_t *const more = realloc(replay->failure[record->host],
				       (replay->n_failures[record->host] + 1) * sizeof *more);
	if (more == NULL)
		return say(replay->result, -TERN_ENOMEM, "no memory");
	more[replay->n_failures[record->host]++] = (uint64_t)record->call.a;
	replay->failure[record->host] = more;
	return 0;
}

/* Every record once, so that nothing runs out of a file that is not whole. */
static int check_records(struct replay *replay)
{
	const struct record_cursor start = replay->records; /* its end may come nearer */
	struct record_call record;
	uint64_t number = 0;
	bool ended = false;
	int more;
	while ((more = next_record(replay, &record, number + 1, true)) == 1) {
		number++;
		if (ended)
			return say(replay->result, -TERN_EPROTO, "damaged: record %llu follows the end",
				   (unsigned long long)number);
		if (record.kind == RECORD_END) {
			ended = (uint64_t)record.call.a == number - 1;
			if (!ended)
				return say(replay->result, -TERN_EPROTO, "damaged: records are missing");
		} else if (record.host >= RECORD_HOSTS) {
			return say(replay->result, -TERN_EPROTO, "damaged: record %llu names host %u",
				   (unsigned long long)number, record.host);
		} else if (record.kind == RECORD_ALLOC_FAILED) {
			const int error = keep_failure(replay, &record);
			if (error != 0)
				return error;
		}
	}
	if (more < 0)
		return more;
	if (ended && replay->records.end != start.end)
		return say(replay->result, -TERN_EPROTO, "damaged: something follows the end");
	if (!ended) {
		replay->result->cut = true;
		say(replay->result, 0, "cut short after record %llu", (unsigned long long)number);
	}
	replay->records = (struct record_cursor){ .p = start.p, .end = replay->records.end };
	return 0;
}

/* ---- comparing ---- */

static int differs(struct replay *replay, const struct replay_host *host, const char *format, ...)
{
	struct tern_replay_result *const result = replay->result;
	char what[160];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	result->identical = false;
	result->differs_at = result->inputs;
	snprintf(result->message, sizeof result->message, "input %llu (tern_host_output of %s at %lld us): %s",
		 (unsigned long long)result->inputs, host->name, (long long)(host->now / TERN_MICROSECOND), what);
	return 1;
}

static int compare_packet(struct replay *replay, struct replay_host *host, const tern_packet *recorded,
			  const tern_packet *made, size_t number)
{
	const unsigned long long id = made->id;
	if (recorded->id != made->id || recorded->link != made->link)
		return differs(replay, host, "packet %zu is number %llu on link %u, was %llu on link %u", number + 1,
			       id, made->link, (unsigned long long)recorded->id, recorded->link);
	if (recorded->len != made->len)
		return differs(replay, host, "packet %zu (number %llu) has %u bytes, had %u", number + 1, id,
			       made->len, recorded->len);
	if (recorded->gso_size != made->gso_size || recorded->checksum_offload != made->checksum_offload)
		return differs(replay, host, "packet %zu (number %llu) asks other work of the link", number + 1, id);
	uint32_t at = 0;
	for (unsigned i = 0; i < made->n_parts; i++)
		for (uint32_t j = 0; j < made->part[i].n; j++, at++)
			if (made->part[i].at[j] != recorded->part[0].at[at])
				return differs(replay, host, "packet %zu (number %llu), byte %u is 0x%02x, was 0x%02x",
					       number + 1, id, at, made->part[i].at[j], recorded->part[0].at[at]);
	replay->result->packets++;
	replay->result->bytes += made->len;
	return 0;
}

static int compare_output(struct replay *replay, struct replay_host *host, struct record_call *record)
{
	if (record->call.n != host->n_made)
		return differs(replay, host, "%zu packets, were %zu", host->n_made, record->call.n);
	for (size_t i = 0; i < host->n_made; i++) {
		tern_packet recorded;
		if (!record_get_packet(&record->rest, &recorded))
			return say(replay->result, -TERN_EPROTO, "damaged: a packet of input %llu is cut short",
				   (unsigned long long)replay->result->inputs);
		const int other = compare_packet(replay, host, &recorded, host->batch[i], i);
		if (other != 0)
			return other;
	}
	host->n_made = 0;
	return 0;
}

/* ---- running ---- */

static void report_hosts(struct replay *replay)
{
	const struct tern_replay_options *const options = replay->options;
	for (unsigned i = 0; i < RECORD_HOSTS && options != NULL && options->host != NULL; i++)
		if (replay->host[i].host != NULL)
			options->host(options->context, i, replay->host[i].name, replay->host[i].host);
}

static int feed(struct replay *replay, struct record_call *record)
{
	struct tern_replay_result *const result = replay->result;
	const struct tern_replay_options *const options = replay->options;
	if (record->kind == RECORD_ALLOC_FAILED)
		return 0;
	if (record->kind == RECORD_CREATE) {
		const int error = replay_create(replay, record);
		return error == 0 ? 0 : say(result, error, "damaged: host %u cannot be made with these settings",
					    record->host);
	}
	struct replay_host *const host = &replay->host[record->host];
	if (host->host == NULL)
		return say(result, -TERN_EPROTO, "damaged: a call of host %u, which does not exist", record->host);
	if (record->kind == TERN_RECORD_OUTPUT_MADE)
		return compare_output(replay, host, record);
	if (host->n_made != 0) /* what is not compared yet may go with any call */
		return say(result, -TERN_EPROTO, "damaged: the output of input %llu is missing",
			   (unsigned long long)result->inputs);
	result->inputs++;
	if (options != NULL && options->input != NULL)
		options->input(options->context, result->inputs, record->host, record->call.op, host->now);
	const int error = replay_call(replay, host, record);
	return error == 0 ? 0 : say(result, error, "input %llu (%s): %s", (unsigned long long)result->inputs,
				    tern_record_op_name(record->call.op), tern_strerror(error));
}

/* Whether the replay is to stop before this record. */
static bool is_reached(const struct replay *replay, const struct record_call *record)
{
	const uint64_t to = replay->options != NULL ? replay->options->to : 0;
	return to != 0 && replay->result->inputs >= to && record->kind != TERN_RECORD_OUTPUT_MADE;
}

static int run(struct replay *replay)
{
	struct record_call record;
	uint64_t number = 0;
	int more;
	while ((more = next_record(replay, &record, ++number, false)) == 1) {
		if (record.kind == RECORD_END || is_reached(replay, &record))
			break;
		const int outcome = feed(replay, &record);
		if (outcome < 0)
			return outcome;
		if (outcome > 0)
			break; /* it differs: the rest would only follow from that */
	}
	return more < 0 ? more : 0;
}

int tern_replay(const char *path, const struct tern_replay_options *options, struct tern_replay_result *result)
{
	*result = (struct tern_replay_result){ .identical = true };
	struct replay *const replay = calloc(1, sizeof *replay);
	if (replay == NULL)
		return -TERN_ENOMEM;
	replay->options = options;
	replay->result = result;
	int error = read_file(replay, path);
	if (error == 0)
		error = read_head(replay);
	if (error == 0)
		error = check_records(replay);
	if (error == 0)
		error = run(replay);
	if (error == 0)
		report_hosts(replay);
	replay_free(replay);
	free(replay->file);
	free(replay);
	if (error != 0)
		result->identical = false;
	return error;
}
