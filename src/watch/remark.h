/* What tern made of each packet, in a line such as
 * "tern: SYN-RECEIVED to ESTABLISHED (our-syn-acked, RFC 9293 3.10.7.4); accepted": the comments of the captures
 * that tern writes itself, made of what a host tells its watcher.
 */
#ifndef WATCH_REMARK_H
#define WATCH_REMARK_H

#include <tern/watch.h>

enum { REMARK_SIZE = 200 };

enum remark {
	REMARK_NONE,	/* the event tells of no packet; it may be part of what is said of the next */
	REMARK_ARRIVED, /* of the one with u.segment.mark or u.drop.mark */
	REMARK_SENT,	/* of the one with u.segment.id */
};

/* Of one host; all zero at first. */
struct remarks {
	bool			has_change; /* of state, that the segment being told of brought */
	struct tern_watch_event change;
	bool			has_again; /* the next segment sends octets again, for this reason */
	struct tern_watch_event again;
};

/* Every event of the host, in order. What it says of a packet stands in said, cut where it is longer. */
enum remark remark_of(struct remarks *remarks, const struct tern_watch_event *event, char said[REMARK_SIZE]);
/* All that has arrived is told of: a change of state from here on is no arrival's. */
void remark_forget(struct remarks *remarks);

#endif
