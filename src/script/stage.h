/* The stage on which a script plays: one host of the library in virtual time, with no link but the script.
 * What the script sends is given to the host as packets; what the host sends waits in a queue, with the
 * moment it left, until the script asks for it.
 *
 * Sequence numbers: the script's remote numbers are the real ones; its local ones count from what it
 * calls the host's ISN, so each flow keeps the distance between the two, learnt from the host's SYN.
 * Timestamps of the host likewise: the first of a flow fixes the distance.
 */
#ifndef SCRIPT_STAGE_H
#define SCRIPT_STAGE_H

#include "script/script.h"
#include "wire/ip.h"
#include "wire/tcp.h"
#include <tern/tern.h>

enum {
	STAGE_SOCKETS = 64,
	STAGE_FLOWS = 64,
	STAGE_OPTIONS = 16,
	STAGE_PACKET = 65536 + 128,
	STAGE_REMOTE_PORT = 54321,
	STAGE_LOCAL_PORT = 8080,
};

/* A packet that left the host. */
struct left {
	struct left *next;
	tern_time    at;
	uint32_t     n;
	uint8_t	     bytes[];
};

struct flow {
	uint16_t script_local, script_remote; /* ports as the script writes them; 0: unsaid */
	uint16_t local, remote;		      /* as they are */
	bool	 knows_isn, knows_ts;
	uint32_t local_shift; /* real sequence number less the script's */
	uint32_t ts_shift;    /* real TS val less the script's */
	uint32_t quote_seq;   /* of the last segment it sent: what ICMP quotes */
};

enum socket_kind { SOCKET_FREE, SOCKET_FRESH, SOCKET_LISTENS, SOCKET_CONNECTS, SOCKET_CONNECTED };

struct script_socket {
	int		     fd; /* the script's number */
	enum socket_kind     kind;
	bool		     nonblocking, bound, told; /* told: its end was told as an error */
	struct tern_endpoint local;
	tern_socket	     handle;
	struct { /* set before there was a handle */
		enum tern_option option;
		int64_t		 value;
	} option[STAGE_OPTIONS];
	unsigned n_options;
	char	 controller[16]; /* empty: the host's */
};

/* A call that waits: tried again whenever something happened. */
struct waiting {
	const struct script_event *event; /* NULL: none */
	tern_time		   ends;  /* by its own time-out; TERN_NEVER */
};

struct stage {
	const struct script *script;
	struct tern_config   config;
	tern_host	    *host;
	uint8_t		     link;
	bool		     v6, strict_segments, has_profile /* by the command line */;
	uint32_t	     mtu;
	tern_time	     now, tolerance;
	tern_time	     before; /* when the event before this one was to happen: what + counts from */
	struct tern_addr     local, remote;
	struct script_socket socket[STAGE_SOCKETS];
	int		     under_test; /* the fd whose status code looks at; -1: none */
	struct flow	     flow[STAGE_FLOWS];
	unsigned	     n_flows;
	struct flow	    *current; /* NULL: none yet */
	struct left	    *first, **last;
	struct waiting	     waiting[STAGE_SOCKETS];
	char		     error[SCRIPT_ERROR];
	unsigned	     warnings;
	bool		     quiet;
};

/* "file:line: ..." into stage->error, the first one alone; false. */
bool stage_fail(struct stage *stage, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void stage_warn(struct stage *stage, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- stage.c ---- */

bool stage_open(struct stage *stage, const struct script *script);
void stage_close(struct stage *stage);
/* Time goes on to `until`, and everything due on the way happens; calls that wait are tried. */
bool stage_run(struct stage *stage, tern_time until);
/* Until a packet has left, at the latest `until`. False: an error, or none did (stage->first is NULL). */
bool stage_await_packet(struct stage *stage, tern_time until);
/* What the host has to send now joins the queue. */
void stage_collect(struct stage *stage);

/* The flow of a packet of the script, made if need be (an inbound one alone makes it). NULL: none. */
struct flow *stage_flow(struct stage *stage, const struct script_packet *packet);
/* The flow that a real packet of the host belongs to, made if need be. */
struct flow *stage_flow_of(struct stage *stage, uint16_t local, uint16_t remote);

/* ---- settings.c ---- */

/* --name=value. False: not known, or wrong. */
bool settings_option(struct stage *stage, const char *name, const char *value, unsigned line, bool *known);
/* A command in backticks: sysctl is understood, the rest passed over with a warning. */
void settings_command(struct stage *stage, const char *command, unsigned line);

/* ---- inject.c, expect.c ---- */

bool packet_inject(struct stage *stage, const struct script_event *event);
bool packet_expect(struct stage *stage, const struct script_event *event);

/* ---- call.c ---- */

/* Runs it, or leaves it waiting. */
bool call_begin(struct stage *stage, const struct script_event *event);
/* Tries one that waits again. True: it is over (well, or stage->error says not). */
bool call_again(struct stage *stage, struct waiting *waiting);

/* ---- code.c ---- */

bool code_run(struct stage *stage, const struct script_event *event);

/* ---- symbols.c ---- */

bool	    symbol_value(const char *name, int64_t *value);
const char *symbol_errno(int error);		    /* "ECONNREFUSED"; NULL: none */
int	    symbol_errno_by_name(const char *name); /* 0: none */

/* ---- run.c ---- */

struct script_options {
	const char *profile; /* tern/settings.h; NULL: tern's own defaults */
	bool	    strict_segments, quiet;
	bool	    v6;
};
/* 0: it went as it says; 1: not; 2: it cannot be read. `error` says what. */
int script_run_file(const char *file, const struct script_options *options, char error[SCRIPT_ERROR]);

#endif
