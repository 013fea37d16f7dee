/* A run of the playground as text, and back: what may stand in it, and its bounds. */
#ifndef PLAY_SHARE_H
#define PLAY_SHARE_H

#include <tern/types.h>

enum {
	PLAY_SIDES = 2,
	PLAY_BOTH = 2,		/* who: neither side alone */
	PLAY_ACTIONS = 1000,
	PLAY_TEXT = 48 * 1024,	/* bytes of a share as text, its final zero included: all of them find room */
	PLAY_CONTROLLERS = 5,
};

/* The longest run: a day. */
#define PLAY_LONGEST (24 * 3600 * TERN_SECOND)

/* Beside each: what its argument is. Of an end (c or s): */
enum play_verb {
	PLAY_NOTHING,
	PLAY_LISTEN,	/* 1: listen; 0: no more */
	PLAY_OPEN,	/* connect: to the other end's port; from LISTEN where it listens (RFC 9293 3.10.1) */
	PLAY_SEND,	/* octets, 1 to 2^24 */
	PLAY_READ,	/* 0: the program stops reading; 1: it reads on */
	PLAY_SHUTDOWN,	/* no more to send, once all is: half-close */
	PLAY_CLOSE,	/* the same, and lets go */
	PLAY_ABORT,	/* RST, at once */
	/* ... or of both (w): */
	PLAY_CC,	/* congestion control by its name */
	PLAY_NODELAY,	/* 1: no Nagle */
	/* What this end sends, or both: struct path_settings, times in microseconds. */
	PLAY_DELAY,
	PLAY_JITTER,
	PLAY_LOSS,
	PLAY_DUPLICATE,
	PLAY_CORRUPT,
	PLAY_REORDER,
	PLAY_RATE,
	PLAY_LIMIT,
	/* Segment n, as the timeline numbers it, while it is on its way (w): */
	PLAY_DROP,
	PLAY_HOLD,
	PLAY_RELEASE,	/* what was held arrives at once */
	PLAY_VERBS
};

struct play_action {
	tern_time      at; /* whole microseconds, 0 to PLAY_LONGEST */
	enum play_verb verb;
	uint8_t	       who; /* 0: client, 1: server, PLAY_BOTH */
	uint64_t       n;   /* PLAY_CC: index of play_controllers */
};

extern const char *const play_controllers[PLAY_CONTROLLERS];

struct play_share {
	uint64_t seed;	   /* 0 to 2^53 - 1: what a browser's numbers hold; 1 where not given */
	uint32_t ip;	   /* 4 or 6; 4 */
	uint32_t mtu;	   /* 576 (IPv6: 1280) to 9000; 1500 */
	uint32_t sack, ts; /* 0 or 1; 1 */
	uint32_t ecn;	   /* 0: off, 1: classic, 2: accurate (RFC 9768) where the peer has it; 0 */
	uint32_t buffer;   /* receive buffer, 1000 to 2^22 bytes, which stays so; 0: the host's own, which grows */
	uint32_t msl;	   /* seconds, 1 to 240; 30 */
	tern_time to;	   /* where it was shared; has_to */
	uint64_t  sum;	   /* over its packets until then; has_sum */
	bool	  has_to, has_sum;
	size_t	  n;
	struct play_action actions[PLAY_ACTIONS]; /* at never falls */
};

/* A share without actions. */
void play_share_default(struct play_share *share);

/* Reads a share: text alone, or an address with one behind its #. NULL; or what is wrong, and *at (bytes from the
 * beginning of text) where: the share is not to be used then. */
const char *play_share_read(struct play_share *share, const char *text, size_t n, size_t *at);

/* Writes it, zero-ended, into PLAY_TEXT bytes; returns its length. */
size_t play_share_write(const struct play_share *share, char to[PLAY_TEXT]);

/* One action without its time: "c.send.4000". As play_share_read(). */
const char *play_action_read(struct play_action *action, const char *text, size_t n);

const char *play_verb_name(enum play_verb verb); /* "send"; "?" out of range */

#endif
