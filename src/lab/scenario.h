/* A scenario: what the two programs do, step by step, how the world differs from the usual, and what has
 * to come of it. All of it is data; run.c gives it to two real hosts.
 *
 * A program is a table of steps, done one after the other. A step waits until its condition holds, then
 * `after` longer, then acts. Beside its steps a program reads whatever arrives, unless told to stop.
 */
#ifndef LAB_SCENARIO_H
#define LAB_SCENARIO_H

#include "watch/explain.h"
#include <tern/tern.h>

enum { LAB_CLIENT, LAB_SERVER, LAB_SIDES };

enum {
	LAB_ALL		= -1, /* an amount: as --bytes says; -2: twice that, and so on */
	LAB_CLIENT_PORT = 40000,
	LAB_SERVER_PORT = 80,
	LAB_SCENARIO_DROPS = 4,
	LAB_FLOOD_PORT	= 50000,
};

enum lab_when {
	LAB_NOW,	 /* at once */
	LAB_AT,		 /* at the time `of` */
	LAB_CONNECTED,	 /* the handshake is complete */
	LAB_ACCEPTED,	 /* a connection waits at the listener: it becomes the program's */
	LAB_RECEIVED,	 /* `of` octets in all */
	LAB_PEER_CLOSED, /* everything up to the peer's FIN is read */
	LAB_DRAINED,	 /* all that was sent is acknowledged */
	LAB_ENDED,	 /* by error, or all states are left behind */
};

enum lab_act {
	LAB_END, /* of the table */
	LAB_LISTEN,
	LAB_OPEN,      /* n: local port, 0: any */
	LAB_SEND,      /* n octets; the next step waits until the stack has taken them */
	LAB_SEND_URGENT,
	LAB_SHUTDOWN,  /* no more to send */
	LAB_CLOSE,     /* lets go */
	LAB_ABORT,
	LAB_STOP_READING,
	LAB_READ,      /* again */
	LAB_SET,       /* option to n */
	LAB_VANISH,    /* the whole host is served no more */
	LAB_OLD_SYN,   /* an old SYN of the client's comes out of the network */
	LAB_FLOOD,     /* a SYN from an address that nobody has, another one each time */
	LAB_BLIND_RST, /* somebody forges an RST in the client's name, in the window, not at RCV.NXT */
	LAB_BLIND_SYN, /* and a SYN */
	LAB_DELAY,     /* what this side sends from now on takes n nanoseconds; 0: as long as at first */
	LAB_OLD_TEXT,  /* the client's first text, of a connection that is over, comes out of the network once more */
	LAB_SAY,       /* a row that says `text` */
	LAB_WAIT,      /* nothing: the condition was all */
};

/* What a peer of the counterfactuals does without (broken.c); LAB_WHOLE is a real host. */
enum lab_flaw {
	LAB_WHOLE,
	LAB_TWO_WAY,	  /* its connection is open as soon as a SYN came: nobody has to prove that he hears */
	LAB_ONE_CLOSE,	  /* a FIN closes both directions: its ACK and its own FIN leave as one, whatever is unsent */
	LAB_PLAIN,	  /* as of 1981: whatever lies in the window is taken, however old its ACK (RFC 5961 5.2) */
	LAB_NO_TIME_WAIT, /* forgets a connection with the last ACK, and opens the next one where it began */
};

struct lab_step {
	enum lab_when	 when;
	enum lab_act	 act;
	int64_t		 of; /* the condition's */
	tern_time	 after;
	int64_t		 n; /* the act's */
	enum tern_option option;
	const char	*text; /* LAB_SAY */
};

enum lab_expect {
	LAB_EXPECT_END, /* of the table */
	LAB_EDGE,	/* side went from a to b; why is c - 1, or 0: any */
	LAB_NO_EDGE,
	LAB_FINAL,	/* the last state that side told of is a */
	LAB_VERDICT,	/* side took a segment with verdict a, at least b times (0: once) */
	LAB_RETRANSMIT, /* side sent again for reason a, at least b times */
	LAB_TIMER,	/* side's timer a fired, at least b times */
	LAB_NOTE,	/* side noted a */
	LAB_CONGESTION, /* side told of congestion event a, at least b times */
	LAB_NO_TIMEOUT, /* no retransmission timer of side fired */
	LAB_ROLE,	/* side sent a segment of role a, at least b times */
	LAB_ERROR,	/* side's program met the error a */
	LAB_INTACT,	/* everything that was sent either way arrived, in order, once */
	LAB_WINDOW,	/* side announced a window of at least a octets */
	LAB_LOST,	/* the link lost a segment of side's */
	LAB_STALE,	/* side took text that was not sent in this connection */
	LAB_RECEIVED_ALL, /* side's program read a octets in all */
};

struct lab_expectation {
	enum lab_expect expect;
	unsigned	side;
	int		a, b, c;
};

struct lab_scenario {
	const char *name;
	const char *line[EXPLAIN_LANGUAGES]; /* what it shows */
	const struct lab_step	     *program[LAB_SIDES];
	const struct lab_expectation *expect;
	tern_time		      end; /* stops then; 0: when nothing can happen any more */

	/* Where the world differs from the usual; zero: as usual. */
	uint32_t  bytes; /* 600 */
	uint64_t  drop[LAB_SIDES][LAB_SCENARIO_DROPS]; /* the packets with these numbers are lost */
	double	  reorder;
	uint32_t  reorder_by;
	uint32_t  receive_buffer, backlog;
	uint8_t	  syn_ack_retries;
	tern_time r2, delay; /* delay: 10 ms each way */
	uint64_t  rate;	     /* bytes per second: apart in time, segments are acknowledged apart */
	uint32_t  limit;     /* packets that wait for it; 0: as usual */
	uint32_t  black_hole; /* larger packets vanish without a word; 0: none do */
	tern_time ce_threshold; /* what waits longer for the rate is marked, where it is ECN-capable; 0: nothing is */
	uint8_t	  ecn;	     /* enum tern_ecn of both hosts; 0: their default */
	const char *cc;	     /* NULL: the host's default */
	bool	  no_sack;
	enum lab_flaw flaw[LAB_SIDES];
};

extern const struct lab_scenario *const lab_scenarios[]; /* ends with NULL; the first is the default */

const struct lab_scenario *lab_scenario_by_name(const char *name); /* NULL: none */

#endif
