#include "trace/file.h"

#include "trace/file_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Theory of operation. The file passes through one buffer, which grows to hold the longest record and no more.
 * Nothing is sought, so that a pipe is as good as a file. A record is believed where its lengths fit together;
 * where they do not, the search (resync) goes on byte by byte (pcapng: word by word) for the next that does and whose
 * successor does as well, and the bytes between are told as one gap. */

enum { CHUNK = 1 << 20 };

bool file_wrong(struct trace_file *file, const char *why)
{
	(void)snprintf(file->why, sizeof file->why, "%s", why);
	return false;
}

/* ---- the buffer ---- */

static bool make_room(struct trace_file *file, size_t n)
{
	if (file->at > 0) {
		memmove(file->buffer, file->buffer + file->at, file->n - file->at);
		file->n -= file->at;
		file->at = 0;
	}
	if (n <= file->room)
		return true;

	uint8_t *const more = realloc(file->buffer, n);

	if (!more)
		return false;
	file->buffer = more;
	file->room = n;
	return true;
}

size_t file_fill(struct trace_file *file, size_t n)
{
	if (file->n - file->at >= n)
		return file->n - file->at;
	if (file->at + n > file->room && !make_room(file, n > CHUNK ? n : CHUNK)) {
		file->ended = true;
		(void)file_wrong(file, "no memory for a record of this length");
	}
	while (!file->ended && file->n - file->at < n) {
		const ssize_t got = read(file->fd, file->buffer + file->n, file->room - file->n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			(void)file_wrong(file, strerror(errno));
		if (got <= 0)
			file->ended = true;
		else
			file->n += (size_t)got;
	}
	return file->n - file->at;
}

const uint8_t *file_bytes(const struct trace_file *file)
{
	return file->buffer + file->at;
}

void file_skip(struct trace_file *file, size_t n)
{
	file->at += n;
	file->offset += n;
}

uint16_t file_u16(const struct trace_file *file, const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof v);
	return (uint16_t)(file->swapped ? (v >> 8 | v << 8) & 0xffff : v);
}

uint32_t file_u32(const struct trace_file *file, const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return file->swapped ? v >> 24 | (v >> 8 & 0xff00) | (v << 8 & 0xff0000) | v << 24 : v;
}

/* ---- damage ---- */

enum trace_read file_gap(struct trace_file *file, uint64_t from, const char *why)
{
	file->gap_at = from;
	file->gap_n = file->offset - from;
	file->gap_why = why;
	file->gaps++;
	file->skipped += file->gap_n;
	return TRACE_GAP;
}

enum trace_read file_cut_off(struct trace_file *file, const char *why)
{
	const uint64_t from = file->offset;

	file_skip(file, file->n - file->at);
	return file_gap(file, from, why);
}

/* ---- pcap ---- */

enum { PCAP_HEADER = 24, PCAP_RECORD = 16, SNAPLEN_LEAST = 262144, DAY = 86400 };

/* Lengths that fit together, and a time that is one. */
static bool is_record(const struct trace_file *file, const uint8_t *p)
{
	const uint32_t n = file_u32(file, p + 8), len = file_u32(file, p + 12);
	const uint32_t most = file->snaplen > SNAPLEN_LEAST ? file->snaplen : SNAPLEN_LEAST;

	return n <= most && n <= TRACE_PACKET_MAX && (n <= len || len == 0) && len <= 2 * TRACE_PACKET_MAX &&
	       file_u32(file, p + 4) < (file->nanoseconds ? 1000000000u : 1000000u);
}

/* In a search, when anything may pass for lengths, the time has to be near the last one's too. */
static bool is_near(const struct trace_file *file, const uint8_t *p)
{
	const int64_t seconds = file_u32(file, p), last = file->last / TERN_SECOND;

	return is_record(file, p) && (file->packets == 0 || (seconds > last - DAY && seconds < last + DAY));
}

static enum trace_read resync(struct trace_file *file)
{
	const uint64_t from = file->offset;

	file_skip(file, 1);
	while (file_fill(file, PCAP_RECORD) >= PCAP_RECORD) {
		const uint8_t *const p = file_bytes(file);

		if (is_near(file, p)) {
			const size_t here = PCAP_RECORD + file_u32(file, p + 8);
			const size_t have = file_fill(file, here + PCAP_RECORD);

			if (have == here ||
			    (have >= here + PCAP_RECORD && is_near(file, file_bytes(file) + here)))
				return file_gap(file, from, "no packet records");
		}
		file_skip(file, 1);
	}
	file_skip(file, file->n - file->at);
	return file_gap(file, from, "no packet records");
}

static enum trace_read next_pcap(struct trace_file *file, struct trace_packet *packet)
{
	const size_t have = file_fill(file, PCAP_RECORD);

	if (have == 0)
		return TRACE_END;
	if (have < PCAP_RECORD)
		return file_cut_off(file, "the file ends within a record");
	if (!is_record(file, file_bytes(file)))
		return resync(file);

	const uint32_t n = file_u32(file, file_bytes(file) + 8);

	if (file_fill(file, PCAP_RECORD + (size_t)n) < PCAP_RECORD + (size_t)n)
		return file_cut_off(file, "the file ends within a packet");

	const uint8_t *const p = file_bytes(file);
	const tern_time	     unit = file->nanoseconds ? 1 : TERN_MICROSECOND;

	*packet = (struct trace_packet){
		.at = file_u32(file, p) * TERN_SECOND + file_u32(file, p + 4) * unit,
		.number = ++file->packets,
		.bytes = p + PCAP_RECORD,
		.n = n,
		.len = file_u32(file, p + 12) > n ? file_u32(file, p + 12) : n,
		.link = file->link,
	};
	if (packet->at > TRACE_TIME_MAX)
		packet->at = TRACE_TIME_MAX;
	file->last = packet->at;
	file_skip(file, PCAP_RECORD + (size_t)n);
	return TRACE_PACKET;
}

/* ---- the door ---- */

static bool begin_pcap(struct trace_file *file)
{
	if (file_fill(file, PCAP_HEADER) < PCAP_HEADER)
		return file->why[0] ? false : file_wrong(file, "the file ends within its header");

	const uint8_t *const p = file_bytes(file);

	file->snaplen = file_u32(file, p + 16);
	file->link = (uint16_t)file_u32(file, p + 20);
	file_skip(file, PCAP_HEADER);
	return true;
}

static bool looks_compressed(const uint8_t *p)
{
	static const uint8_t gzip[] = { 0x1f, 0x8b }, zstd[] = { 0x28, 0xb5, 0x2f, 0xfd },
			     xz[] = { 0xfd, '7', 'z', 'X' };

	return memcmp(p, gzip, sizeof gzip) == 0 || memcmp(p, zstd, sizeof zstd) == 0 ||
	       memcmp(p, xz, sizeof xz) == 0;
}

static bool begin(struct trace_file *file)
{
	static const uint32_t MICRO = 0xa1b2c3d4, NANO = 0xa1b23c4d, SECTION = 0x0a0d0d0a;

	if (file_fill(file, 4) < 4)
		return file->why[0] ? false : /* it cannot be read */
				      file_wrong(file, file->n == 0 ? "it is empty" : "it is too short for a capture");

	const uint32_t magic = file_u32(file, file_bytes(file));
	const uint32_t swapped = magic >> 24 | (magic >> 8 & 0xff00) | (magic << 8 & 0xff0000) | magic << 24;

	file->is_ng = magic == SECTION;
	if (file->is_ng)
		return true;
	file->swapped = swapped == MICRO || swapped == NANO;
	file->nanoseconds = magic == NANO || swapped == NANO;
	if (file->swapped || magic == MICRO || magic == NANO)
		return begin_pcap(file);
	if (looks_compressed(file_bytes(file)))
		return file_wrong(
			file, "it is compressed: unpack it into a pipe, as in 'zcat FILE | tern trace -'");
	return file_wrong(file, "it is neither pcap nor pcapng");
}

bool trace_file_begin(struct trace_file *file, int fd)
{
	*file = (struct trace_file){ .fd = fd };
	if (begin(file))
		return true;
	trace_file_close(file);
	return false;
}

bool trace_file_open(struct trace_file *file, const char *path)
{
	const int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);

	*file = (struct trace_file){ .fd = -1 };
	return fd < 0 ? file_wrong(file, strerror(errno)) : trace_file_begin(file, fd);
}

void trace_file_close(struct trace_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
	free(file->buffer);
	free(file->interfaces);
	file->buffer = NULL;
	file->interfaces = NULL;
}

enum trace_read trace_file_next(struct trace_file *file, struct trace_packet *packet)
{
	const enum trace_read read = file->is_ng ? pcapng_next(file, packet) : next_pcap(file, packet);

	return read == TRACE_END && file->why[0] ? TRACE_FAILED : read;
}
