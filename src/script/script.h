/* A packet script as it was read: packetdrill's language, one event after the other. What is here was
 * understood; nothing of it has been run.
 *
 * All of a script's memory is one arena and goes with it.
 */
#ifndef SCRIPT_SCRIPT_H
#define SCRIPT_SCRIPT_H

#include <tern/types.h>

#include <stdio.h>

struct script_arena;

/* ---- values: arguments and results of calls ---- */

enum value_kind {
	VALUE_NUMBER,
	VALUE_STRING,
	VALUE_WORD,   /* a constant's name: AF_INET */
	VALUE_LIST,   /* [a, b] */
	VALUE_FIELDS, /* {name = a, b} */
	VALUE_CALL,   /* htons(80), inet_addr("1.2.3.4") */
	VALUE_OR,     /* a | b */
	VALUE_ANY,    /* ... */
};

struct value {
	enum value_kind kind;
	unsigned	line;
	int64_t		number;
	const char     *text;  /* string, word, function */
	const char     *field; /* its name in the fields it stands in; NULL: none */
	struct value   *items; /* of lists, fields, calls, ors */
	struct value   *next;  /* beside it */
};

/* ---- packets ---- */

enum packet_kind { PACKET_TCP, PACKET_UDP, PACKET_ICMP };

enum packet_ecn {
	ECN_UNSAID,
	ECN_NONE,
	ECN_ECT1,
	ECN_ECT0,
	ECN_CE,
	ECN_ECT01 /* either */,
	ECN_TOS /* all of it */
};

enum option_kind { OPT_MSS, OPT_SACK_OK, OPT_SACK, OPT_TS, OPT_NOP, OPT_WSCALE, OPT_EOL, OPT_RAW };

enum { OPTION_RAW_MOST = 40 };

struct packet_option {
	enum option_kind kind;
	uint32_t	 a, b; /* mss; shift; TS val and ecr */
	struct {
		uint32_t left, right;
	} sack[4];
	unsigned	      n_sack;
	uint8_t		      raw[OPTION_RAW_MOST]; /* ours: any octets, also such as are no option */
	unsigned	      n_raw;
	struct packet_option *next;
};

struct script_packet {
	bool		      inbound;
	enum packet_kind      kind;
	enum packet_ecn	      ecn;
	uint8_t		      tos;
	uint16_t	      src_port, dst_port; /* 0: the connection's */
	uint16_t	      flags;		  /* enum tern_tcp_flag */
	uint32_t	      seq, len;
	bool		      has_ack, has_window, has_urgent, any_options;
	uint32_t	      ack;
	uint16_t	      window, urgent;
	struct packet_option *options;
	/* ICMP */
	const char *icmp_type, *icmp_code;
	int64_t	    mtu;    /* -1: none */
	bool	    quotes; /* seq and len are of the segment it quotes */
};

/* ---- events ---- */

enum event_kind { EVENT_PACKET, EVENT_CALL, EVENT_COMMAND, EVENT_CODE };

enum time_kind { TIME_ABSOLUTE, TIME_RELATIVE, TIME_ANY, TIME_ABSOLUTE_RANGE, TIME_RELATIVE_RANGE };

struct script_call {
	const char   *name;
	struct value *arguments;
	struct value *result; /* never NULL */
	const char   *error;  /* errno's name; NULL: none said */
	bool	      blocks; /* has an end of its own: until `end` it waits */
	tern_time     end;
};

struct script_event {
	enum event_kind kind;
	enum time_kind	when;
	unsigned	line;
	tern_time	at, until; /* until: of ranges */
	union {
		struct script_packet packet;
		struct script_call   call;
		const char	    *text; /* command or code */
	} u;
	struct script_event *next;
};

struct script_setting { /* --name=value at its head */
	const char	      *name, *value;
	unsigned	       line;
	struct script_setting *next;
};

struct script {
	const char	      *file;
	char		      *text;
	struct script_arena   *arena;
	struct script_setting *settings;
	struct script_event   *events;
	const char	      *before, *after; /* commands outside of time; NULL: none */
};

enum {
	SCRIPT_ERROR = 512,
	SCRIPT_SECONDS = 1000000, /* the latest time that a script may name, and the longest it may last */
};

/* Takes text (malloc'd, zero-terminated) over. False: `error` is "file:line: what". */
bool script_parse(struct script *script, const char *file, char *text, char error[SCRIPT_ERROR]);
void script_free(struct script *script);

/* One of them as the language writes it, for messages. Cut to size. */
void script_print_packet(const struct script_packet *packet, char *to, size_t size);

/* ---- arena ---- */

/* Zeroed; ends the program where there is no memory. */
void *arena_get(struct script_arena **arena, size_t n);
char *arena_text(struct script_arena **arena, const char *from, size_t n);
void  arena_free(struct script_arena *arena);

#endif
