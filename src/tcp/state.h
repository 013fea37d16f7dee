/* The eleven states (RFC 9293 3.3.2) and the table of the edges between them. */
#ifndef TCP_STATE_H
#define TCP_STATE_H

#include <tern/types.h>
#include <tern/watch.h>

/* As code reads them best; the values are tern_state's. */
enum tcp_state {
	CLOSED	     = TERN_STATE_CLOSED,
	LISTEN	     = TERN_STATE_LISTEN,
	SYN_SENT     = TERN_STATE_SYN_SENT,
	SYN_RECEIVED = TERN_STATE_SYN_RECEIVED,
	ESTABLISHED  = TERN_STATE_ESTABLISHED,
	FIN_WAIT_1   = TERN_STATE_FIN_WAIT_1,
	FIN_WAIT_2   = TERN_STATE_FIN_WAIT_2,
	CLOSE_WAIT   = TERN_STATE_CLOSE_WAIT,
	CLOSING	     = TERN_STATE_CLOSING,
	LAST_ACK     = TERN_STATE_LAST_ACK,
	TIME_WAIT    = TERN_STATE_TIME_WAIT,
};

/* The edge, or NULL where RFC 9293 3.10 has none: then it is our own bug. */
const struct tern_edge *state_edge(enum tcp_state from, enum tcp_state to, enum tern_why why);

/* Both ends of the data flow are known: everything from ESTABLISHED on (RFC 9293 3.3.2). */
static inline bool state_is_synchronized(enum tcp_state state)
{
	return state >= ESTABLISHED;
}

/* The peer may still send text (its FIN has not come). */
static inline bool state_receives(enum tcp_state state)
{
	return state == ESTABLISHED || state == FIN_WAIT_1 || state == FIN_WAIT_2;
}

/* The program may still queue text. */
static inline bool state_sends(enum tcp_state state)
{
	return state == SYN_SENT || state == SYN_RECEIVED || state == ESTABLISHED || state == CLOSE_WAIT;
}

#endif
