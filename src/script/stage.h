/* The stage on which a script plays: what it knows of the host under test, which an engine (engine.h)
 * holds. What the script sends is given to the host as packets; what the host sends waits in a queue, with
 * the moment it left, until the script asks for it.
 *
 * Sequence numbers: the script's remote numbers are the real ones; its local ones count from what it calls
 * the host's ISN, so each flow keeps the distance between the two, learnt from the host's SYN. Timestamps
 * of the host likewise: the first of a flow fixes the distance.
 */
#ifndef SCRIPT_STAGE_H
#define SCRIPT_STAGE_H

#include "script/script.h"
#include "sockets/sockets.h"
#include "wire/ip.h"
#include "wire/tcp.h"
#include <tern/tern.h>

enum {
	STAGE_FDS = 64,
	STAGE_FLOWS = 64,
	STAGE_FLAGS = 4096,
	STAGE_PACKET = 65536 + 128,
	STAGE_REMOTE_PORT = 54321,
	STAGE_LOCAL_PORT = 8080,
};

struct flow {
	uint16_t script_local, script_remote; /* ports as the script writes them; 0: unsaid */
	uint16_t local, remote;		      /* as they are */
	bool	 knows_isn, knows_ts;
	uint32_t local_shift; /* real sequence number less the script's */
	uint32_t ts_shift;    /* real TS val less the script's */
	uint32_t quote_seq;   /* of the last segment it sent: what ICMP quotes */
};

/* A descriptor: the script's number for it, and the engine's. */
struct script_fd {
	int script, live; /* script -1: none */
};

struct call;
struct engine_ops;
struct so_engine;

struct stage {
	const struct script	*script;
	struct tern_config	 config;
	const struct engine_ops *engine;
	struct sockets		 sockets;     /* engine_direct.c's */
	struct so_engine	*so;	      /* engine_so.c's */
	const char		*so_filename; /* NULL: the library in this process */
	char			 so_flags[STAGE_FLAGS];
	bool			 v6, strict_segments, has_profile /* by the command line */;
	uint32_t		 mtu;
	tern_time		 now, tolerance;
	tern_time	     before; /* when the event before this one was to happen: what + counts from */
	struct tern_addr     local, remote;
	struct script_fd     fd[STAGE_FDS];
	int		     under_test; /* the script's number of what code looks at; -1: none */
	struct flow	     flow[STAGE_FLOWS];
	unsigned	     n_flows;
	uint16_t	     listening; /* port of the last bind() or listen(); 0: none */
	struct flow	    *current;	/* NULL: none yet */
	struct sockets_left *first, **last;
	struct call	    *waiting; /* calls that have not come back */
	struct script_arena *arena;
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
/* Time goes on to `until`, and everything due on the way happens; calls that come back are held against the
 * script. */
bool stage_run(struct stage *stage, tern_time until);
/* Until a packet has left, at the latest `until`. False: an error, or none did (stage->first is NULL). */
bool stage_await_packet(struct stage *stage, tern_time until);
/* An engine's: a packet that left, last in the queue from here on. */
void stage_keep(struct stage *stage, struct sockets_left *left);
/* A setting that the host is made with: for engines that hand them on. False: there are too many. */
bool stage_note_setting(struct stage *stage, const char *name, const char *value);

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
/* Those that have come back are held against the script. */
void call_look(struct stage *stage);
/* Of the calls that have not come back the one that is to do so last; NULL: none. */
const struct script_event *call_that_waits(const struct stage *stage);

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
	const char *
		so_filename; /* packetdrill's --so_filename: played through its pointers; NULL: in this process */
};
/* 0: it went as it says; 1: not; 2: it cannot be read. `error` says what. */
int script_run_file(const char *file, const struct script_options *options, char error[SCRIPT_ERROR]);

#endif
