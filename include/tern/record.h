/* tern/record.h - keeping and reproducing a run (DESIGN 5.14). A host is deterministic: who keeps its
 * settings, every call at the public door in order with its arguments, and which allocations failed,
 * can have every output byte again.
 *
 * The recorder is told of each call that can change the host, before the host acts on it. Calls that
 * only look (status, names, statistics, listings, deadline) are not told. With no recorder set the
 * cost is one predictable branch a call.
 */
#ifndef TERN_RECORD_H
#define TERN_RECORD_H

#include <tern/datagram.h>
#include <tern/host.h>
#include <tern/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What was called. The numbers stand in files: never renumber, add at the end. Beside each: what the
 * fields of struct tern_record_call hold; those not named are zero. */
enum tern_record_op {
	TERN_RECORD_ADD_LINK = 1,    /* data: struct tern_link_config */
	TERN_RECORD_SET_LINK_MTU,    /* a: link; b: mtu */
	TERN_RECORD_ADD_ADDRESS,     /* a: link; b: bits; data: struct tern_addr */
	TERN_RECORD_REMOVE_ADDRESS,  /* data: struct tern_addr */
	TERN_RECORD_ADD_ROUTE,	     /* a: link; b: bits; data: struct tern_addr; more: next hop or NULL */
	TERN_RECORD_INPUT,	     /* now; data: the batch (tern_packet *const *); n: how many */
	TERN_RECORD_OUTPUT,	     /* now; a: room */
	TERN_RECORD_OUTPUT_MADE,     /* told on return: data: the batch (tern_packet *const *); n: how many */
	TERN_RECORD_PACKET_DONE,     /* a: packet id */
	TERN_RECORD_ADVANCE,	     /* now */
	TERN_RECORD_EVENT,	     /* the next event is taken */
	TERN_RECORD_TRIM,
	TERN_RECORD_CONNECT,	     /* data: struct tern_open */
	TERN_RECORD_LISTEN,	     /* data: struct tern_listen */
	TERN_RECORD_ACCEPT,	     /* socket */
	TERN_RECORD_LISTENER_CONNECT, /* socket; data: struct tern_endpoint */
	TERN_RECORD_NEXT_ASK,	     /* socket */
	TERN_RECORD_ANSWER,	     /* socket; a: enum tern_answer */
	TERN_RECORD_SEND,	     /* socket; a: flags; data, n: the octets */
	TERN_RECORD_SEND_OWNED,	     /* socket; a: flags; data, n: the octets */
	TERN_RECORD_RECEIVE,	     /* socket; a: n */
	TERN_RECORD_PEEK,	     /* socket; a: skip */
	TERN_RECORD_CONSUME,	     /* socket; a: n */
	TERN_RECORD_SHUTDOWN,	     /* socket */
	TERN_RECORD_SHUTDOWN_RECEIVE, /* socket */
	TERN_RECORD_CLOSE,	     /* socket */
	TERN_RECORD_ABORT,	     /* socket */
	TERN_RECORD_SET_COOKIE,	     /* socket; a: cookie */
	TERN_RECORD_OPTION_SET,	     /* socket; a: enum tern_option; b: value */
	TERN_RECORD_SET_CONGESTION,  /* socket; data, n: the name without its final zero */
	TERN_RECORD_PACK_OUT,	     /* socket; a: room */
	TERN_RECORD_UNPACK,	     /* data, n: the record */
	TERN_RECORD_RECEIVE_POST,    /* socket; a: n */
	TERN_RECORD_RECEIVE_POSTED,  /* socket */
	TERN_RECORD_RECEIVE_UNPOST,  /* socket */
	TERN_RECORD_SET_NEIGHBOUR,   /* a: link; data: struct tern_addr; more: the six octets */
	TERN_RECORD_DATAGRAM_OPEN,   /* data: struct tern_datagram_open */
	TERN_RECORD_DATAGRAM_JOIN,   /* socket; a: link; data: struct tern_addr */
	TERN_RECORD_DATAGRAM_LEAVE,  /* socket; a: link; data: struct tern_addr */
	TERN_RECORD_DATAGRAM_SEND,   /* socket; data: struct tern_datagram */
	TERN_RECORD_DATAGRAM_RECEIVE, /* socket */
	TERN_RECORD_DATAGRAM_REFUSE, /* socket; a: enum tern_unreachable; b: mtu */
	TERN_RECORD_DATAGRAM_REPORT, /* a: enum tern_unreachable; b: mtu; data: struct tern_datagram */
	TERN_RECORD_DATAGRAM_CLOSE,  /* socket */
	TERN_RECORD_OPS
};

struct tern_record_call {
	enum tern_record_op op;
	tern_socket	    socket;
	tern_time	    now;
	int64_t		    a, b;
	const void	   *data, *more;
	size_t		    n;
};

struct tern_recorder {
	/* It must not call the host. What call points to is valid until it returns. */
	void (*call)(void *context, const struct tern_record_call *call);
	void *context;
};

/* NULL: none. Once there was one, config.taker is not asked any more. */
void tern_host_set_recorder(tern_host *host, const struct tern_recorder *recorder);

/* "tern_connect"; "?" out of range. */
const char *tern_record_op_name(enum tern_record_op op);

/* ---- into a file ---- */

typedef struct tern_recording tern_recording;

/* Starts a file; an old one of that name is replaced. command says what was run (may be NULL). 0, or
 * the negated errno of the system. What is recorded has been given to the system before the host acts on it: it
 * stays, however the program ends. */
int tern_recording_create(tern_recording **recording, const char *path, const char *command);

/* tern_host_create(), kept from its first moment: the host has number 0, 1, ... in the order of these
 * calls. At most 16. The recording must outlive the host. */
int tern_recording_host(tern_recording *recording, tern_host **host, const struct tern_config *config,
			const char *name, tern_time now);

/* Ends the file. 0, or the first error that writing met (negated errno); recording is gone either way. */
int tern_recording_close(tern_recording *recording);

/* ---- and back ---- */

struct tern_replay_result {
	uint64_t inputs;  /* calls fed */
	uint64_t packets; /* output packets compared */
	uint64_t bytes;	  /* of them */
	unsigned hosts;
	bool	 identical;	/* as far as it went */
	bool	 cut;		/* the end is missing, as where the program was killed: the whole records were fed */
	uint64_t differs_at;	/* not identical: number of the input, from 1, in whose output */
	char	 message[320];	/* what differs, after which record it is cut, or why the file cannot be read */
	char	 command[240];	/* what was run */
};

enum tern_replay_way {
	TERN_REPLAY_COMING, /* the host is about to be given it */
	TERN_REPLAY_CAME,   /* the host has been given it */
	TERN_REPLAY_LEFT,   /* the host has just made it */
};

struct tern_replay_options {
	uint64_t to; /* stop after this input; 0: run to the end */
	/* Called once at the end (or where the replay stopped) for each host, while it lives. May be NULL. */
	void (*host)(void *context, unsigned number, const char *name, tern_host *host);
	/* Told of each input before it is fed. May be NULL. */
	void (*input)(void *context, uint64_t number, unsigned host, enum tern_record_op op, tern_time now);
	/* Told of each link that a host is given. May be NULL. */
	void (*link)(void *context, unsigned number, const struct tern_link_config *config);
	/* Told of each batch of a host's packets, which are valid until it returns. May be NULL. */
	void (*packets)(void *context, unsigned number, enum tern_replay_way way, tern_packet *const batch[], size_t n,
			tern_time now);
	void *context;
	struct tern_watcher watcher; /* on every host; event NULL: none */
};

/* 0 (see result->identical); the negated errno where the file cannot be opened; -TERN_EPROTO where it
 * is no recording of this version or damaged, -TERN_ENOMEM. message says what and where. */
int tern_replay(const char *path, const struct tern_replay_options *options, struct tern_replay_result *result);

#ifdef __cplusplus
}
#endif

#endif
