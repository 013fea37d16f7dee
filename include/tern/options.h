/* tern/options.h - what can be set on a connection or listener. Types only. Listeners hand their
 * options on to what they accept.
 */
#ifndef TERN_OPTIONS_H
#define TERN_OPTIONS_H

#include <tern/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tern_option {
	TERN_NODELAY,		  /* "nodelay": 0 or 1; no Nagle (MUST-17). 0 */
	TERN_CORK,		  /* "cork": 0 or 1; only full segments, at most 200 ms. 0 */
	TERN_QUICKACK,		  /* "quickack": 0 or 1; no delayed ACKs. 0 */
	TERN_KEEPALIVE,		  /* "keepalive": 0 or 1 (MUST-25). 0 */
	TERN_KEEPALIVE_IDLE,	  /* "keepalive_idle": seconds, 1-32767 (MUST-27). 7200 */
	TERN_KEEPALIVE_INTERVAL,  /* "keepalive_interval": seconds, 1-32767. 75 */
	TERN_KEEPALIVE_PROBES,	  /* "keepalive_probes": 1-127. 9 */
	TERN_USER_TIMEOUT,	  /* "user_timeout": milliseconds, 0 = none (RFC 9293 3.9.1.1). 0 */
	TERN_R2,		  /* "r2": seconds until data is given up, 0 = the host's (MUST-21). 0 */
	TERN_MAX_SEGMENT,	  /* "max_segment": bytes, 0 or 64-65495; before the handshake. 0 */
	TERN_RECEIVE_BUFFER,	  /* "receive_buffer": bytes, at most the host's; turns autotuning off. */
	TERN_SEND_BUFFER,	  /* "send_buffer": bytes that may wait and fly together; less than the
				     host's most turns autotuning off. */
	TERN_TRAFFIC_CLASS,	  /* "traffic_class": 0-255, DSCP (MUST-48); the ECN bits are ours. 0 */
	TERN_TTL,		  /* "ttl": 1-255 (MUST-49). */
	TERN_LINGER,		  /* "linger": seconds; -1 off; 0: close() resets (RFC 9293 3.9.1.5). -1 */
	TERN_URGENT_INLINE,	  /* read only: always 1 (RFC 6093): urgent octets stand in the stream */
	TERN_ERROR_REPORTS,	  /* "error_reports": 0 or 1; TERN_ADVICE events (SHLD-20). 1 */
	TERN_KEEPALIVE_GARBAGE,	  /* "keepalive_garbage": 0 or 1; probes carry one octet (MAY-6). 0 */
	TERN_SACK_COUNTING,	  /* "sack_counting": 0 or 1; losses by RFC 6675's counting, not RACK (RFC 8985). 0 */
	TERN_PACING,		  /* "pacing": 1, text leaves paced (src/tcp/pace.h); 0, not; -1, as the controller
				     wants it (bbr: paced). -1 */
	TERN_MAX_PACING_RATE,	  /* "max_pacing_rate": bytes per second, no faster than that, and paced; 0 = none,
				     as Linux's SO_MAX_PACING_RATE. 0 */
	TERN_ECN,		  /* "ecn": enum tern_ecn (tern/config.h), 0-3; before the handshake. The host's */
	TERN_OPTIONS
};

/* How octets are sent (RFC 9293 3.9.1.2). */
enum tern_send_flag {
	TERN_SEND_PUSH = 1,   /* (MAY-15) the last octet is the end of a unit; without it PSH is set where
				 the queue runs empty (MUST-61) */
	TERN_SEND_MORE = 2,   /* more follows at once: hold a short segment back */
	TERN_SEND_URGENT = 4, /* the last octet is the end of urgent data (MUST-62: pointer one beyond) */
};

/* "nodelay" -> TERN_NODELAY; -TERN_ENOENT. And back; NULL out of range. */
int	    tern_option_by_name(const char *name);
const char *tern_option_name(enum tern_option option);

#ifdef __cplusplus
}
#endif

#endif
