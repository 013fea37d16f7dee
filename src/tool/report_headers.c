/* tern report of a capture: the headers of the segments that are shown. What is inferred keeps no bytes, so the
 * file is read a second time, and of the packets that are wanted the headers are kept; they are found by the
 * addresses that the segment is known to have, whatever stands before them. */
#include "tool/report.h"
#include "wire/tuple.h"
#include <stdlib.h>
#include <string.h>

enum { BEFORE_MAX = 128, WANTED_MAX = 200000 }; /* octets before the IP header; packets */

struct report_packet {
	uint64_t	     number; /* in its file */
	struct tern_tuple    tuple;
	uint32_t	     seq;
	struct report_header header;
};

static int by_number(const void *a, const void *b)
{
	const struct report_packet *const x = a, *const y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* The IP header's length, where one of this segment's begins at p; else 0. */
static uint32_t ip_length(const uint8_t *p, uint32_t n, const struct tern_tuple *tuple)
{
	if (addr_is_v4(&tuple->local)) {
		const bool fits = n >= 20 && p[0] >> 4 == 4 && p[9] == 6 &&
				  memcmp(p + 12, tuple->local.b + 12, 4) == 0 &&
				  memcmp(p + 16, tuple->remote.b + 12, 4) == 0;
		return fits ? (p[0] & 15u) * 4 : 0;
	}
	const bool fits = n >= 40 && p[0] >> 4 == 6 && p[6] == 6 && memcmp(p + 8, tuple->local.b, 16) == 0 &&
			  memcmp(p + 24, tuple->remote.b, 16) == 0;

	return fits ? 40 : 0;
}

static uint32_t number_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void keep_header(struct report_packet *to, const struct trace_packet *packet)
{
	for (uint32_t at = 0; at < packet->n && at < BEFORE_MAX; at++) {
		const uint8_t *const p = packet->bytes + at;
		const uint32_t	     n = packet->n - at, ip = ip_length(p, n, &to->tuple);

		if (ip < 20 || n < ip + 20)
			continue;
		const uint32_t all = ip + (p[ip + 12] >> 4) * 4u;

		if (all > n || all > REPORT_HEADER || all < ip + 20 || number_at(p + ip + 4) != to->seq)
			continue;
		memcpy(to->header.bytes, p, all);
		to->header.n = (uint8_t)all;
		return;
	}
}

void report_headers_want(struct report_headers *headers, const struct trace_story *story)
{
	if (headers->n + story->n > WANTED_MAX)
		return;
	struct report_packet *const moved =
		realloc(headers->packets, (headers->n + story->n + 1) * sizeof *moved);

	if (!moved)
		return;
	headers->packets = moved;
	for (uint32_t i = 0; i < story->n; i++) {
		const struct trace_segment *const segment = &story->steps[i].segment;

		moved[headers->n++] = (struct report_packet){ .number = segment->packet,
							      .tuple = segment->tuple,
							      .seq = segment->seq };
	}
}

void report_headers_read(struct report_headers *headers, const char *path)
{
	struct trace_file   file;
	struct trace_packet packet;
	enum trace_read	    read = TRACE_PACKET;
	size_t		    next = 0;

	if (headers->n == 0 || strcmp(path, "-") == 0 || !trace_file_open(&file, path))
		return; /* without them headers are built from the fields */
	qsort(headers->packets, headers->n, sizeof *headers->packets, by_number);
	while (next < headers->n && read != TRACE_END && read != TRACE_FAILED) {
		read = trace_file_next(&file, &packet);
		if (read != TRACE_PACKET)
			continue;
		while (next < headers->n && headers->packets[next].number < packet.number)
			next++;
		for (size_t i = next; i < headers->n && headers->packets[i].number == packet.number; i++)
			keep_header(&headers->packets[i], &packet);
	}
	trace_file_close(&file);
}

const struct report_header *report_headers_of(const struct report_headers *headers,
					      const struct trace_segment  *segment)
{
	const struct report_packet	  wanted = { .number = segment->packet };
	const struct report_packet *const found =
		headers->n > 0 ? bsearch(&wanted, headers->packets, headers->n, sizeof wanted, by_number)
			       : NULL;

	return found && found->seq == segment->seq ? &found->header : NULL;
}

void report_headers_done(struct report_headers *headers)
{
	free(headers->packets);
	*headers = (struct report_headers){ .n = 0 };
}
