#include "trace/file_inner.h"

#include <stdlib.h>
#include <string.h>

/* pcapng. Every block: type, length, body, the length again; all in the section's byte order, on words. */

enum block {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_OLD_PACKET = 2,
	BLOCK_SIMPLE_PACKET = 3,
	BLOCK_PACKET = 6,
};

enum {
	MAGIC = 0x1a2b3c4d,
	HEAD = 8,   /* type and length */
	FRAME = 12, /* these and the length again */
	BLOCK_MAX = TRACE_PACKET_MAX + 65536 * 4,
	OPTION_FLAGS = 2,
	OPTION_RESOLUTION = 9,
	OPTION_OFFSET = 14,
	MICROSECONDS = 6,
	PACKET_BODY = 20, /* of an enhanced or an old packet block, before the packet */
};

/* An option of the block's at p[0..n), walked by *at. False: there is no further one. */
struct option {
	uint16_t       code, n;
	const uint8_t *value;
};

static bool next_option(const struct trace_file *file, const uint8_t *p, size_t n, size_t *at,
			struct option *option)
{
	if (n - *at < 4)
		return false;
	option->code = file_u16(file, p + *at);
	option->n = file_u16(file, p + *at + 2);
	option->value = p + *at + 4;
	if (option->code == 0 || option->n > n - *at - 4)
		return false;

	const size_t padded = (option->n + 3u) & ~(size_t)3;

	*at += 4 + (padded < n - *at - 4 ? padded : n - *at - 4);
	return true;
}

/* ---- times ---- */

/* Units of if_tsresol: 10 to the minus that many seconds, or with the high bit 2 to the minus that many. */
static tern_time time_of(const struct trace_interface *interface, uint32_t high, uint32_t low)
{
	const uint64_t ticks = (uint64_t)high << 32 | low;
	const unsigned power = interface->resolution & 0x7f;
	uint64_t       ns = 0;

	if ((interface->resolution & 0x80) && power < 64) {
		const uint64_t seconds = ticks >> power, rest = ticks - (seconds << power);

		/* 2^30 is more than 10^9: as many bits of the rest as a product with that leaves room for. */
		ns = seconds * 1000000000u +
		     (power <= 34 ? rest * 1000000000u >> power : (rest >> (power - 34)) * 1000000000u >> 34);
	} else if (!(interface->resolution & 0x80)) {
		ns = ticks;
		for (unsigned i = power; i < 9; i++)
			ns *= 10;
		for (unsigned i = 9; i < power; i++)
			ns /= 10;
	}
	ns += (uint64_t)interface->offset * 1000000000u;
	return ns < (uint64_t)TRACE_TIME_MAX ? (tern_time)ns : TRACE_TIME_MAX;
}

/* ---- blocks ---- */

/* The byte order of the section that begins here. False: it is none. */
static bool section_order(struct trace_file *file)
{
	const bool before = file->swapped;

	if (file_fill(file, FRAME) < FRAME)
		return false;
	file->swapped = false;
	if (file_u32(file, file_bytes(file) + 8) == MAGIC)
		return true;
	file->swapped = true;
	if (file_u32(file, file_bytes(file) + 8) == MAGIC)
		return true;
	file->swapped = before;
	return false;
}

static bool add_interface(struct trace_file *file, const uint8_t *p, size_t n)
{
	struct trace_interface interface = { .resolution = MICROSECONDS };
	struct option	       option;
	size_t		       at = 8;

	if (n < 8 || file->n_interfaces == TRACE_INTERFACES_MAX)
		return false;
	if (file->n_interfaces == file->interfaces_room) {
		const uint32_t		      room = file->interfaces_room ? 2 * file->interfaces_room : 8;
		struct trace_interface *const more = realloc(file->interfaces, room * sizeof *more);

		if (!more)
			return false;
		file->interfaces = more;
		file->interfaces_room = room;
	}
	interface.link = file_u16(file, p);
	interface.snaplen = file_u32(file, p + 4);
	while (next_option(file, p, n, &at, &option)) {
		if (option.code == OPTION_RESOLUTION && option.n == 1)
			interface.resolution = option.value[0];
		if (option.code == OPTION_OFFSET && option.n == 8)
			interface.offset =
				(int64_t)((uint64_t)file_u32(file, option.value + (file->swapped ? 0 : 4))
						  << 32 |
					  file_u32(file, option.value + (file->swapped ? 4 : 0)));
	}
	file->interfaces[file->n_interfaces++] = interface;
	return true;
}

static uint8_t direction_of(const struct trace_file *file, const uint8_t *p, size_t n, size_t at)
{
	struct option option;

	while (next_option(file, p, n, &at, &option))
		if (option.code == OPTION_FLAGS && option.n == 4)
			return (uint8_t)(file_u32(file, option.value) & 3);
	return TRACE_EITHER;
}

/* An enhanced packet block, or an old one, whose interface has 16 bits. */
static bool take_packet(struct trace_file *file, const uint8_t *p, size_t n, bool old,
			struct trace_packet *packet)
{
	if (n < PACKET_BODY)
		return false;

	const uint32_t interface = old ? file_u16(file, p) : file_u32(file, p);
	const uint32_t captured = file_u32(file, p + 12), len = file_u32(file, p + 16);
	const size_t   padded = ((size_t)captured + 3) & ~(size_t)3;

	if (interface >= file->n_interfaces || captured > n - PACKET_BODY || captured > TRACE_PACKET_MAX)
		return false;
	*packet = (struct trace_packet){
		.at = time_of(&file->interfaces[interface], file_u32(file, p + 4), file_u32(file, p + 8)),
		.bytes = p + PACKET_BODY,
		.n = captured,
		.len = len > captured ? len : captured,
		.link = file->interfaces[interface].link,
		.interface = interface,
	};
	if (PACKET_BODY + padded < n)
		packet->direction = direction_of(file, p, n, PACKET_BODY + padded);
	return true;
}

/* A simple packet block has no time; the one before it is the best there is. */
static bool take_simple(struct trace_file *file, const uint8_t *p, size_t n, struct trace_packet *packet)
{
	if (n < 4 || file->n_interfaces == 0)
		return false;

	const struct trace_interface *const interface = &file->interfaces[0];
	const uint32_t			    len = file_u32(file, p);
	uint32_t			    captured = len;

	if (interface->snaplen != 0 && captured > interface->snaplen)
		captured = interface->snaplen;
	if (captured > n - 4)
		captured = (uint32_t)(n - 4);
	*packet = (struct trace_packet){
		.at = file->last,
		.bytes = p + 4,
		.n = captured,
		.len = len,
		.link = interface->link,
	};
	return true;
}

/* ---- damage ---- */

/* The block that begins here: 0 where none does, or its end is not there. */
static size_t block_length(struct trace_file *file)
{
	if (file_fill(file, FRAME) < FRAME)
		return 0;
	if (file_u32(file, file_bytes(file)) == BLOCK_SECTION && !section_order(file))
		return 0;

	const uint32_t n = file_u32(file, file_bytes(file) + 4);

	if (n < FRAME || n % 4 != 0 || n > BLOCK_MAX || file_fill(file, n) < n)
		return 0;
	return file_u32(file, file_bytes(file) + n - 4) == n ? n : 0;
}

static bool is_known(uint32_t type)
{
	return (type >= BLOCK_INTERFACE && type <= BLOCK_PACKET) || type == BLOCK_SECTION;
}

/* A block whose length is right but which runs beyond the end of the file. */
static bool is_cut_off(struct trace_file *file)
{
	if (file->n - file->at < HEAD)
		return true;

	const uint32_t n = file_u32(file, file_bytes(file) + 4);

	return n >= FRAME && n % 4 == 0 && n <= BLOCK_MAX && n > file->n - file->at &&
	       is_known(file_u32(file, file_bytes(file)));
}

static enum trace_read resync(struct trace_file *file)
{
	const uint64_t from = file->offset;

	if (file->ended && is_cut_off(file))
		return file_cut_off(file, "the file ends within a block");
	do {
		file_skip(file, 4);
	} while (file_fill(file, FRAME) >= FRAME &&
		 (!is_known(file_u32(file, file_bytes(file))) || block_length(file) == 0));
	if (file->n - file->at < FRAME)
		file_skip(file, file->n - file->at);
	return file_gap(file, from, "no blocks");
}

/* ---- the door ---- */

static bool take_block(struct trace_file *file, uint32_t type, const uint8_t *p, size_t n,
		       struct trace_packet *packet)
{
	switch (type) {
	case BLOCK_PACKET: return take_packet(file, p, n, false, packet);
	case BLOCK_OLD_PACKET: return take_packet(file, p, n, true, packet);
	case BLOCK_SIMPLE_PACKET: return take_simple(file, p, n, packet);
	default: return add_interface(file, p, n);
	}
}

enum trace_read pcapng_next(struct trace_file *file, struct trace_packet *packet)
{
	for (;;) {
		const size_t have = file_fill(file, FRAME);

		if (have == 0)
			return TRACE_END;

		const size_t n = block_length(file);

		if (n == 0)
			return file->n - file->at < FRAME ? file_cut_off(file, "the file ends within a block")
							  : resync(file);

		const uint8_t *const p = file_bytes(file);
		const uint32_t	     type = file_u32(file, p);
		const uint64_t	     from = file->offset;

		/* Name resolution, statistics, what we do not know: of no interest here. */
		const bool other = type == BLOCK_SECTION || !is_known(type) || type == 4 || type == 5;

		file_skip(file, n);
		if (type == BLOCK_SECTION)
			file->n_interfaces = 0;
		if (!other && !take_block(file, type, p + HEAD, n - FRAME, packet))
			return file_gap(file, from, "a block that contradicts itself");
		const bool is_packet = !other && type != BLOCK_INTERFACE;

		if (is_packet)
			packet->number = ++file->packets;
		if (file->block)
			file->block(file->block_context, p, n, is_packet ? packet->number : 0);
		if (!is_packet)
			continue;
		file->last = packet->at;
		return TRACE_PACKET;
	}
}
