/* What was found, written into a copy of the capture: each packet that something is to be said of gets a comment
 * (pcapng's opt_comment), which Wireshark and tshark show. What is said waits in files without a name, so that memory
 * does not grow with the capture.
 */
#ifndef TRACE_ANNOTATE_H
#define TRACE_ANNOTATE_H

#include "trace/story.h"

#include <stdio.h>

enum { TRACE_COMMENT = 1024 }; /* bytes of one, its end included */

struct trace_comments {
	FILE *index,
		*text; /* where the comment of a packet begins, plus one; the comments, each ended by a zero */
	uint64_t n, unwritten; /* unwritten: of packets in blocks that have no room for one */
	bool	 failed;
};

/* False: no file could be had. */
bool trace_comments_init(struct trace_comments *comments);
void trace_comments_done(struct trace_comments *comments);

/* What there is to say of each segment of the flow, whose story timeline tells. */
void trace_comments_take(struct trace_comments *comments, const struct trace_flow *flow,
			 const struct timeline *timeline);

/* Copies `from` to `to` as pcapng: a pcapng file block for block, with the comments added; a pcap file converted.
 * False: why. Damage is left out, as it is when reading. */
bool trace_annotate(struct trace_comments *comments, const char *from, const char *to, char why[TRACE_WHY]);

#endif
