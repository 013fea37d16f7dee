#include "watch/pcapng.h"

#include "base/bytes.h"
#include "wire/checksum.h"

#include <string.h>

/* Everything stands in the machine's own byte order, which the section header's magic tells; blocks and options
 * end on multiples of four. */

enum {
	SECTION = 0x0a0d0d0a,
	INTERFACE = 1,
	PACKET = 6,
	MAGIC = 0x1a2b3c4d,

	OPTION_END = 0,
	OPTION_COMMENT = 1,
	OPTION_NAME = 2,	 /* interface */
	OPTION_RESOLUTION = 9,	 /* interface: 10 to the minus this many seconds */
	OPTION_APPLICATION = 4, /* section */
	OPTION_FLAGS = 2,	 /* packet */

	NANOSECONDS = 9,
};

static size_t padded(size_t n)
{
	return (n + 3) / 4 * 4;
}

static void write16(FILE *to, uint16_t value)
{
	(void)fwrite(&value, sizeof value, 1, to);
}

static void write32(FILE *to, uint32_t value)
{
	(void)fwrite(&value, sizeof value, 1, to);
}

static void put_padding(FILE *to, size_t n)
{
	static const char zero[4];

	(void)fwrite(zero, 1, padded(n) - n, to);
}

static void put_option(FILE *to, uint16_t code, const void *value, size_t n)
{
	write16(to, code);
	write16(to, (uint16_t)n);
	(void)fwrite(value, 1, n, to);
	put_padding(to, n);
}

static size_t option_size(size_t n)
{
	return 4 + padded(n);
}

void pcapng_begin(FILE *to, enum pcapng_link link, const char *name)
{
	static const char application[] = "tern";
	const uint8_t	  resolution = NANOSECONDS;
	const uint32_t	  section = (uint32_t)(28 + option_size(sizeof application - 1) + 4);
	const uint32_t	  interface = (uint32_t)(20 + option_size(strlen(name)) + option_size(1) + 4);

	write32(to, SECTION);
	write32(to, section);
	write32(to, MAGIC);
	write16(to, 1); /* version 1.0 */
	write16(to, 0);
	write32(to, UINT32_MAX); /* length of the section: not known */
	write32(to, UINT32_MAX);
	put_option(to, OPTION_APPLICATION, application, sizeof application - 1);
	put_option(to, OPTION_END, "", 0);
	write32(to, section);

	write32(to, INTERFACE);
	write32(to, interface);
	write16(to, (uint16_t)link);
	write16(to, 0);
	write32(to, 0); /* no limit of packet length */
	put_option(to, OPTION_NAME, name, strlen(name));
	put_option(to, OPTION_RESOLUTION, &resolution, 1);
	put_option(to, OPTION_END, "", 0);
	write32(to, interface);
}

void pcapng_packet(FILE *to, tern_time at, enum pcapng_direction direction, const struct pcapng_part *parts,
		   size_t n_parts, const char *comment)
{
	const uint32_t flags = (uint32_t)direction;
	const size_t   n_comment = comment ? strlen(comment) : 0;
	size_t	       n = 0;

	for (size_t i = 0; i < n_parts; i++)
		n += parts[i].n;
	const uint32_t block = (uint32_t)(32 + padded(n) + (n_comment ? option_size(n_comment) : 0) +
					  option_size(sizeof flags) + 4);

	write32(to, PACKET);
	write32(to, block);
	write32(to, 0); /* the interface */
	write32(to, (uint32_t)((uint64_t)at >> 32));
	write32(to, (uint32_t)at);
	write32(to, (uint32_t)n);
	write32(to, (uint32_t)n);
	for (size_t i = 0; i < n_parts; i++)
		(void)fwrite(parts[i].at, 1, parts[i].n, to);
	put_padding(to, n);
	if (n_comment)
		put_option(to, OPTION_COMMENT, comment, n_comment);
	put_option(to, OPTION_FLAGS, &flags, sizeof flags);
	put_option(to, OPTION_END, "", 0);
	write32(to, block);
}

/* ---- packets of a host ---- */

/* The Internet checksum over everything from start on, of which the field holds the pseudo-header's part. */
static uint16_t complete(const struct pcapng_part *part, size_t n, size_t start)
{
	uint32_t sum = 0;
	size_t	 at = 0, summed = 0;

	for (size_t i = 0; i < n; i++) {
		const size_t skip = at < start ? (start - at < part[i].n ? start - at : part[i].n) : 0;

		sum = checksum_add_at(sum, (const uint8_t *)part[i].at + skip, part[i].n - skip, summed);
		summed += part[i].n - skip;
		at += part[i].n;
	}
	return checksum_finish(sum);
}

void pcapng_whole(FILE *to, tern_time at, enum pcapng_direction direction, const tern_packet *packet,
		  const char *comment)
{
	struct pcapng_part part[TERN_PACKET_PARTS + 1];
	uint8_t		   head[TERN_PACKET_HEADERS + 64];
	size_t		   n = 0;

	for (unsigned i = 0; i < packet->n_parts; i++)
		part[n++] = (struct pcapng_part){ packet->part[i].at, packet->part[i].n };
	const size_t field = (size_t)packet->csum_start + packet->csum_offset;

	if (n > 0 && packet->checksum_offload && packet->csum_start > 0 && field + 2 <= part[0].n) {
		const size_t copied = part[0].n < sizeof head ? part[0].n : sizeof head;
		const uint16_t sum = complete(part, n, packet->csum_start);

		if (field + 2 <= copied) {
			memcpy(head, part[0].at, copied);
			put16(head + field, sum);
			memmove(part + 2, part + 1, (n - 1) * sizeof part[0]);
			part[1] = (struct pcapng_part){ (const uint8_t *)part[0].at + copied, part[0].n - copied };
			part[0] = (struct pcapng_part){ head, copied };
			n++;
		}
	}
	pcapng_packet(to, at, direction, part, n, comment);
}
