/* The recording half: stands at the public door of each host as its recorder, and under its allocator,
 * to see which allocations fail. A record is made whole in memory and goes to the system at once, before
 * the host acts on what it tells, so that the file shows what a program was doing when it ended; what
 * writing meets is kept and told by tern_recording_close().
 */
#include "record/format.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct recorded_host {
	tern_recording	     *recording;
	unsigned	      number;
	struct tern_allocator inner;
	uint64_t	      allocations;
};

struct tern_recording {
	FILE		    *file;
	struct record_buffer record; /* the next, behind room for its head */
	struct recorded_host host[RECORD_HOSTS];
	unsigned	     n_hosts;
	uint64_t	     records;
	int		     error; /* the first, negated */
};

static const char *const op_names[TERN_RECORD_OPS] = {
	[TERN_RECORD_ADD_LINK] = "tern_host_add_link",
	[TERN_RECORD_SET_LINK_MTU] = "tern_host_set_link_mtu",
	[TERN_RECORD_ADD_ADDRESS] = "tern_host_add_address",
	[TERN_RECORD_REMOVE_ADDRESS] = "tern_host_remove_address",
	[TERN_RECORD_ADD_ROUTE] = "tern_host_add_route",
	[TERN_RECORD_INPUT] = "tern_host_input",
	[TERN_RECORD_OUTPUT] = "tern_host_output",
	[TERN_RECORD_OUTPUT_MADE] = "output",
	[TERN_RECORD_PACKET_DONE] = "tern_packet_done",
	[TERN_RECORD_ADVANCE] = "tern_host_advance",
	[TERN_RECORD_EVENT] = "tern_host_event",
	[TERN_RECORD_TRIM] = "tern_host_trim",
	[TERN_RECORD_CONNECT] = "tern_connect",
	[TERN_RECORD_LISTEN] = "tern_listen",
	[TERN_RECORD_ACCEPT] = "tern_accept",
	[TERN_RECORD_LISTENER_CONNECT] = "tern_listener_connect",
	[TERN_RECORD_NEXT_ASK] = "tern_next_ask",
	[TERN_RECORD_ANSWER] = "tern_answer",
	[TERN_RECORD_SEND] = "tern_send",
	[TERN_RECORD_SEND_OWNED] = "tern_send_owned",
	[TERN_RECORD_RECEIVE] = "tern_receive",
	[TERN_RECORD_PEEK] = "tern_peek",
	[TERN_RECORD_CONSUME] = "tern_consume",
	[TERN_RECORD_SHUTDOWN] = "tern_shutdown",
	[TERN_RECORD_SHUTDOWN_RECEIVE] = "tern_shutdown_receive",
	[TERN_RECORD_CLOSE] = "tern_close",
	[TERN_RECORD_ABORT] = "tern_abort",
	[TERN_RECORD_SET_COOKIE] = "tern_set_cookie",
	[TERN_RECORD_OPTION_SET] = "tern_option_set",
	[TERN_RECORD_SET_CONGESTION] = "tern_set_congestion_control",
	[TERN_RECORD_PACK_OUT] = "tern_pack_out",
	[TERN_RECORD_UNPACK] = "tern_unpack",
	[TERN_RECORD_RECEIVE_POST] = "tern_receive_post",
	[TERN_RECORD_RECEIVE_POSTED] = "tern_receive_posted",
	[TERN_RECORD_RECEIVE_UNPOST] = "tern_receive_unpost",
	[TERN_RECORD_SET_NEIGHBOUR] = "tern_host_set_neighbour",
	[TERN_RECORD_DATAGRAM_OPEN] = "tern_datagram_open",
	[TERN_RECORD_DATAGRAM_JOIN] = "tern_datagram_join",
	[TERN_RECORD_DATAGRAM_LEAVE] = "tern_datagram_leave",
	[TERN_RECORD_DATAGRAM_SEND] = "tern_datagram_send",
	[TERN_RECORD_DATAGRAM_RECEIVE] = "tern_datagram_receive",
	[TERN_RECORD_DATAGRAM_REFUSE] = "tern_datagram_refuse",
	[TERN_RECORD_DATAGRAM_REPORT] = "tern_datagram_report",
	[TERN_RECORD_DATAGRAM_CLOSE] = "tern_datagram_close",
};

const char *tern_record_op_name(enum tern_record_op op)
{
	const unsigned at = (unsigned)op;
	return at < TERN_RECORD_OPS && op_names[at] != NULL ? op_names[at] : "?";
}

/* ---- writing ---- */

static void write_bytes(tern_recording *recording, const void *from, size_t n)
{
	if (recording->error != 0 || n == 0)
		return;
	errno = 0;
	if (fwrite(from, 1, n, recording->file) != n)
		recording->error = errno != 0 ? -errno : -EIO;
}

/* Room for the head of the next record. */
static void begin_record(struct record_buffer *record)
{
	record->n = 0;
	record_put_number(record, 0, RECORD_HEAD);
}

/* What stands behind the head's room becomes a record. */
static void write_record(tern_recording *recording)
{
	struct record_buffer *const record = &recording->record;

	if (record->failed || record->n > RECORD_HEAD + RECORD_BODY_MAX) {
		recording->error = recording->error != 0 ? recording->error : -ENOMEM;
		return;
	}
	const size_t n = record->n - RECORD_HEAD;
	struct record_buffer head = { .at = record->at, .room = RECORD_HEAD };

	record_put_number(&head, n, 4);
	record_put_number(&head, record_crc(record->at + RECORD_HEAD, n), 4);
	write_bytes(recording, record->at, record->n);
	begin_record(record);
	recording->records++;
}

static void record_simple(tern_recording *recording, unsigned kind, unsigned host, uint64_t a)
{
	record_put_number(&recording->record, kind, 1);
	record_put_number(&recording->record, host, 1);
	record_put_number(&recording->record, a, 8);
	write_record(recording);
}

static void told(void *context, const struct tern_record_call *call)
{
	struct recorded_host *const host = context;
	record_put_call(&host->recording->record, host->number, call);
	write_record(host->recording);
}

/* ---- the allocator between ---- */

static void *default_alloc(void *context, size_t size, size_t align)
{
	(void)context;
	const size_t at_least = align < sizeof(void *) ? sizeof(void *) : align;
	return aligned_alloc(at_least, (size + at_least - 1) / at_least * at_least);
}

static void default_free(void *context, void *block, size_t size)
{
	(void)context;
	(void)size;
	free(block);
}

static void *counted_alloc(void *context, size_t size, size_t align)
{
	struct recorded_host *const host = context;
	host->allocations++;
	void *const block = host->inner.alloc(host->inner.context, size, align);
	/* The call that allocates was told already; the replayer gathers failures before it starts. */
	if (block == NULL)
		record_simple(host->recording, RECORD_ALLOC_FAILED, host->number, host->allocations);
	return block;
}

static void counted_free(void *context, void *block, size_t size)
{
	struct recorded_host *const host = context;
	host->inner.free(host->inner.context, block, size);
}

/* ---- the door ---- */

int tern_recording_create(tern_recording **recording, const char *path, const char *command)
{
	tern_recording *const made = calloc(1, sizeof *made);
	if (made == NULL)
		return -ENOMEM;
	errno = 0;
	made->file = fopen(path, "wb");
	if (made->file == NULL) {
		const int error = errno != 0 ? -errno : -EIO;
		free(made);
		return error;
	}
	(void)setvbuf(made->file, NULL, _IONBF, 0);
	const size_t n = command != NULL ? strlen(command) : 0;
	struct record_buffer *const head = &made->record;
	record_put(head, record_magic, RECORD_MAGIC);
	record_put_number(head, RECORD_VERSION, 4);
	record_put_number(head, n, 4);
	record_put(head, command, n);
	if (head->failed)
		made->error = -ENOMEM;
	else
		write_bytes(made, head->at, head->n);
	begin_record(head);
	*recording = made;
	return 0;
}

int tern_recording_host(tern_recording *recording, tern_host **host, const struct tern_config *config,
			const char *name, tern_time now)
{
	if (recording->n_hosts == RECORD_HOSTS)
		return -TERN_EINVAL;
	struct recorded_host *const recorded = &recording->host[recording->n_hosts];
	*recorded = (struct recorded_host){ .recording = recording, .number = recording->n_hosts };
	recorded->inner = config->allocator;
	if (recorded->inner.alloc == NULL)
		recorded->inner = (struct tern_allocator){ .alloc = default_alloc, .free = default_free };

	struct tern_config with = *config;
	with.allocator = (struct tern_allocator){ .alloc = counted_alloc, .free = counted_free, .context = recorded };
	record_put_create(&recording->record, recorded->number, config, name, now);
	write_record(recording);
	const int error = tern_host_create(host, &with, now);
	if (error != 0)
		return error;
	recording->n_hosts++;
	tern_host_set_recorder(*host, &(struct tern_recorder){ .call = told, .context = recorded });
	return 0;
}

int tern_recording_close(tern_recording *recording)
{
	record_simple(recording, RECORD_END, 0, recording->records);
	errno = 0;
	if (fclose(recording->file) != 0 && recording->error == 0)
		recording->error = errno != 0 ? -errno : -EIO;
	const int error = recording->error;
	free(recording->record.at);
	free(recording);
	return error;
}
