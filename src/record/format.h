/* The recording's bytes: little-endian, length-prefixed, each record with its CRC-32, so that a damaged
 * file is told from a run that came out otherwise.
 *
 *   file    "TERNREC\n"  u32 version  u32 n, command[n]  record ...
 *   record  u32 n  u32 CRC-32 of the body  body[n]
 *   body    u8 kind  u8 host  then by kind: socket (2 x u32), now, a, b (64 bits each), the rest
 *
 * kind is enum tern_record_op or one of the three below. The last record is RECORD_END, unless the writer was
 * killed.
 */
#ifndef RECORD_FORMAT_H
#define RECORD_FORMAT_H

#include <tern/record.h>

enum {
	RECORD_VERSION	    = 1,
	RECORD_MAGIC	    = 8,   /* bytes */
	RECORD_HEAD	    = 8,   /* of a record: its length and CRC */
	RECORD_HOSTS	    = 16,
	RECORD_BODY_MAX	    = 1 << 28,
	RECORD_CREATE	    = 200, /* now; name, settings */
	RECORD_ALLOC_FAILED = 201, /* a: how many allocations of this host came before, plus one */
	RECORD_END	    = 202, /* a: how many records came before */
};

extern const char record_magic[RECORD_MAGIC];

/* ---- writing ---- */

struct record_buffer {
	uint8_t *at;
	size_t	 n, room;
	bool	 failed; /* memory ran out: what is here is not whole */
};

void record_put(struct record_buffer *buffer, const void *from, size_t n);
void record_put_number(struct record_buffer *buffer, uint64_t value, unsigned bytes);
/* A call as a body. */
void record_put_call(struct record_buffer *buffer, unsigned host, const struct tern_record_call *call);
void record_put_create(struct record_buffer *buffer, unsigned host, const struct tern_config *config,
		       const char *name, tern_time now);

uint32_t record_crc(const uint8_t *p, size_t n); /* IEEE 802.3, as zlib's crc32() */

/* ---- reading ---- */

struct record_cursor {
	const uint8_t *p, *end;
	bool	       bad; /* more was asked for than there is; what was read since is zero */
};

const uint8_t *record_get(struct record_cursor *cursor, size_t n); /* NULL and bad: too few */
uint64_t       record_get_number(struct record_cursor *cursor, unsigned bytes);

/* What a body holds. call.data and call.more point into `u` or into the body. For INPUT and
 * OUTPUT_MADE `rest` stands before the packets and call.n is how many. */
struct record_call {
	unsigned		kind, host;
	struct tern_record_call call;
	struct record_cursor	rest;
	union {
		struct tern_link_config link;
		struct tern_addr	addr[2];
		struct tern_open	open;
		struct tern_listen	listen;
		struct tern_endpoint	endpoint;
		struct tern_datagram_open datagram_open;
		struct tern_datagram	datagram;
	} u;
};

/* False: not a body of this version. */
bool record_get_call(struct record_call *record, const uint8_t *body, size_t n);
/* name and the congestion control's name stand in text[0..2*64). */
bool record_get_create(struct record_call *record, struct tern_config *config, char name[64], char cc[64]);

/* One packet as it stands in INPUT; its bytes alias the recording. False: cut short. */
bool record_get_packet(struct record_cursor *cursor, tern_packet *packet);

#endif
