/* tern/types.h - the words that every layer shares: time, addresses, handles, errors, states.
 * Types only; any layer may include it.
 */
#ifndef TERN_TYPES_H
#define TERN_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Nanoseconds on a monotonic clock that the caller owns. Its zero has no meaning. */
typedef int64_t tern_time;

#define TERN_NEVER	 INT64_MAX
#define TERN_MICROSECOND ((tern_time)1000)
#define TERN_MILLISECOND ((tern_time)1000000)
#define TERN_SECOND	 ((tern_time)1000000000)

typedef struct tern_host   tern_host;
typedef struct tern_packet tern_packet;

/* A connection or listener: index and generation, so that a stale handle is an error and never
 * another's connection. All zero names nothing. */
typedef struct tern_socket {
	uint32_t index, generation;
} tern_socket;

/* Sixteen bytes in network order; an IPv4 address is mapped (::ffff:a.b.c.d, RFC 4291 2.5.5.2). */
struct tern_addr {
	uint8_t b[16];
};

/* "192.0.2.1", "2001:db8::1" (RFC 4291 2.2): the whole text. 0, or -TERN_EINVAL and no change. */
int tern_addr_parse(struct tern_addr *addr, const char *text);
/* As RFC 5952 has it, mapped ones as "192.0.2.1"; at most 46 bytes with the final zero. Returns to. */
char *tern_addr_format(const struct tern_addr *addr, char to[46]);

/* zone tells equal addresses apart: link-local scopes, guests whose networks overlap. 0: none. */
struct tern_endpoint {
	struct tern_addr addr;
	uint32_t	 zone;
	uint16_t	 port;
};

/* What names a connection, seen from this host. */
struct tern_tuple {
	struct tern_addr local, remote;
	uint32_t	 zone;
	uint16_t	 local_port, remote_port;
};

/* Errors that calls return, negated. The numbers are Linux's, so that they can be handed on. */
enum tern_error {
	TERN_ENOENT	     = 2,   /* no such option name */
	TERN_EAGAIN	     = 11,  /* nothing to read, or no room to write, now */
	TERN_ENOMEM	     = 12,  /* the budget is spent or the allocator failed */
	TERN_EINVAL	     = 22,  /* an argument out of its range */
	TERN_EPIPE	     = 32,  /* this direction is closed for sending */
	TERN_EMSGSIZE	     = 90,
	TERN_EPROTO	     = 71,  /* a packed connection or a recording that cannot be read */
	TERN_EADDRINUSE	     = 98,
	TERN_EADDRNOTAVAIL   = 99,
	TERN_ENETUNREACH     = 101, /* no route */
	TERN_ECONNABORTED    = 103,
	TERN_ECONNRESET	     = 104, /* the peer sent RST */
	TERN_EISCONN	     = 106,
	TERN_ENOTCONN	     = 107,
	TERN_ETIMEDOUT	     = 110, /* R2, user timeout or keep-alive */
	TERN_ECONNREFUSED    = 111,
	TERN_EHOSTUNREACH    = 113,
	TERN_EALREADY	     = 114,
	TERN_EINPROGRESS     = 115, /* connecting */
	TERN_EBADF	     = 9,   /* the handle names nothing (any more) */
	TERN_EACCES	     = 13,
	TERN_EOPNOTSUPP	     = 95,
};

/* A short English sentence for a (positive or negative) tern_error; never NULL. */
const char *tern_strerror(int error);

/* RFC 9293 3.3.2 */
enum tern_state {
	TERN_STATE_CLOSED,
	TERN_STATE_LISTEN,
	TERN_STATE_SYN_SENT,
	TERN_STATE_SYN_RECEIVED,
	TERN_STATE_ESTABLISHED,
	TERN_STATE_FIN_WAIT_1,
	TERN_STATE_FIN_WAIT_2,
	TERN_STATE_CLOSE_WAIT,
	TERN_STATE_CLOSING,
	TERN_STATE_LAST_ACK,
	TERN_STATE_TIME_WAIT,
	TERN_STATES
};

/* The RFC's spelling: "SYN-SENT". "?" out of range. */
const char *tern_state_name(enum tern_state state);

/* TCP header flags as they stand in octets 12 and 13 (RFC 9293 3.1; AE: RFC 9768). */
enum tern_tcp_flag {
	TERN_FIN = 0x001,
	TERN_SYN = 0x002,
	TERN_RST = 0x004,
	TERN_PSH = 0x008,
	TERN_ACK = 0x010,
	TERN_URG = 0x020,
	TERN_ECE = 0x040,
	TERN_CWR = 0x080,
	TERN_AE	 = 0x100,
};

/* Memory comes from the host's allocator alone. free gets the size that alloc was asked for. */
struct tern_allocator {
	void *(*alloc)(void *context, size_t size, size_t align);
	void (*free)(void *context, void *block, size_t size);
	void *context;
};

#ifdef __cplusplus
}
#endif

#endif
