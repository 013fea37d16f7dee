/* The way between the two hosts of a playground: every packet on it can be named, held and taken away.
 *
 * Names and meanings are tc-netem's and tern/link.h's; shares are whole ten-thousandths, so that nothing here
 * needs a fraction. What becomes of a packet is decided when it enters, by numbers drawn from the seed, and
 * each takes the same number of draws whatever befalls it: one setting does not shift another's.
 */
#ifndef PLAY_PATH_H
#define PLAY_PATH_H

#include <tern/link.h>

enum {
	PATH_SHARE = 10000,   /* all */
	PATH_PACKETS = 4096,  /* on their way in one direction; further ones find the queue full */
	PATH_LIMIT = 1000,    /* that wait for the rate, where nothing else was said */
	PATH_HEADERS = 104,   /* bytes of a packet that are kept: IPv6 and TCP with all options */
};

struct path_settings {
	tern_time delay, jitter;			 /* as tern_impair's */
	uint32_t  loss, duplicate, corrupt, reorder;	 /* of PATH_SHARE; what is reordered comes PATH_LATE later */
	uint64_t  rate;					 /* bytes per second; 0: no limit */
	uint32_t  limit;				 /* packets that wait for it; 0: PATH_LIMIT */
};

#define PATH_LATE (10 * TERN_MILLISECOND)

struct path_packet {
	struct path_packet *next, *before;
	uint64_t	    nth;     /* which of its sender's, from 1 */
	tern_time	    departs; /* is through the rate */
	tern_time	    arrives; /* TERN_NEVER: it is held */
	tern_packet	    packet;
	uint8_t		    bytes[];
};

struct path_list {
	struct path_packet *first, *last;
};

/* One direction. */
struct path {
	struct tern_allocator allocator;
	struct path_settings  set;
	uint64_t	      random;
	uint64_t	      n; /* packets that entered */
	uint32_t	      mtu, n_packets;
	tern_time	      rate_free, last_arrival;
	struct path_list      line, kept, lent; /* line: in the order of arrival */
	/* Told once for each packet that enters, in order, before its bytes go (as tern_impair.fate). */
	void (*fate)(void *context, uint64_t n, const tern_packet *packet, enum tern_fate fate, tern_time arrives);
	/* Told before that: its bytes in one piece. May be NULL. */
	void (*sent)(void *context, uint64_t n, const uint8_t *bytes, uint32_t len);
	void *context;
};

void path_init(struct path *path, const struct tern_allocator *allocator, uint32_t mtu, uint64_t seed);
void path_done(struct path *path);

/* Takes the packet, which is the host's again on return. */
void path_send(struct path *path, tern_packet *packet, tern_time now);
/* What has arrived at now, at most room; valid until the next call. */
size_t path_receive(struct path *path, tern_packet *batch[], size_t room, tern_time now);
tern_time path_deadline(const struct path *path);

/* Of a packet that is on its way, with its copy where it was duplicated. False: it is not on its way. */
bool path_is_under_way(const struct path *path, uint64_t nth, bool *held);
void path_drop(struct path *path, uint64_t nth);
void path_hold(struct path *path, uint64_t nth);	      /* it stays where it is */
void path_release(struct path *path, uint64_t nth, tern_time now); /* what was held arrives now */

#endif
