/* Capture files, read as a stream: pcap (either byte order; times in microseconds or nanoseconds) and pcapng
 * (draft-ietf-opsawg-pcapng: sections of either byte order, interfaces of different links and resolutions, enhanced,
 * simple and old packet blocks).
 *
 * A reader of our own rather than libpcap's, which refuses a file whose interfaces are of different links, does not
 * show what a packet block says beside the packet (direction, comment), and stops at the first damage. Devices are
 * libpcap's (live.h).
 *
 * Damage is marked, not fatal: what cannot be a record is skipped up to what can, and told as a gap.
 */
#ifndef TRACE_FILE_H
#define TRACE_FILE_H

#include <tern/types.h>

enum {
	TRACE_PACKET_MAX = 1 << 24, /* a longer one is damage: no link of today carries it */
	TRACE_INTERFACES_MAX = 65536,
	TRACE_WHY = 200,
};

/* No packet is given a later time, so that differences of times do not overflow: the year 2116. */
static const tern_time TRACE_TIME_MAX = (INT64_C(1) << 62) - 1;

enum trace_direction { TRACE_EITHER, TRACE_INBOUND, TRACE_OUTBOUND }; /* as the capturing host saw it */

/* One packet of a capture. bytes live until the next is asked for. */
struct trace_packet {
	tern_time      at;     /* nanoseconds since 1970 */
	uint64_t       number; /* in its file, from 1 */
	const uint8_t *bytes;
	uint32_t       n;	  /* that were captured */
	uint32_t       len;	  /* that were on the wire */
	uint16_t       link;	  /* LINKTYPE_ */
	uint8_t	       direction; /* enum trace_direction */
	uint32_t       interface; /* of its section, from 0 */
};

enum trace_read {
	TRACE_PACKET,
	TRACE_GAP, /* damage: file.gap_at, gap_n and gap_why say where, how much and what */
	TRACE_END,
	TRACE_FAILED, /* the file could not be read further: file.why */
};

struct trace_interface {
	uint16_t link;
	uint32_t snaplen;
	uint8_t	 resolution; /* if_tsresol */
	int64_t	 offset;     /* seconds */
};

struct trace_file {
	int			fd;
	bool			is_ng, swapped, nanoseconds, ended;
	uint8_t		       *buffer;
	size_t			room, at, n; /* bytes [at, n) wait */
	uint64_t		offset;	     /* of buffer[at] in the file */
	uint64_t		packets;
	uint16_t		link;
	uint32_t		snaplen;
	tern_time		last;
	struct trace_interface *interfaces;
	uint32_t		n_interfaces, interfaces_room;
	uint64_t    gap_at, gap_n, gaps, skipped; /* the last gap; how many there were, and their bytes */
	const char *gap_why;
	char	    why[TRACE_WHY];

	/* pcapng: told of each whole block, before its packet (by number; 0: it holds none). NULL: nobody asks. */
	void (*block)(void *context, const uint8_t *block, size_t n, uint64_t packet);
	void *block_context;
};

/* path "-": standard input. False: file->why says what is wrong, and nothing is open. */
bool trace_file_open(struct trace_file *file, const char *path);
/* The same of a descriptor, which becomes the file's own. */
bool trace_file_begin(struct trace_file *file, int fd);
void trace_file_close(struct trace_file *file);

enum trace_read trace_file_next(struct trace_file *file, struct trace_packet *packet);

#endif
