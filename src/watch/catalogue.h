/* What the catalogues of explanations hold: a template for everything that a timeline can show.
 *
 * A template is one to three sentences and ends with its RFC clauses in brackets. Words in braces stand
 * for values: {me} {Me} the host at which it happens, {peer} {Peer} the other; {from} {to} states; and of
 * a segment {seq} {ack} {len} {wnd} {last} (its last octet) {next} (the number after all that it carries)
 * {fin} (the number of its FIN) {again} (the segment that it repeats); {value} {cwnd} {ssthresh} {count}.
 */
#ifndef WATCH_CATALOGUE_H
#define WATCH_CATALOGUE_H

#include "watch/role.h"

#include <tern/link.h>
#include <tern/watch.h>

enum { CATALOGUE_FATES = TERN_FATE_TOO_BIG + 1 };

struct catalogue_edge {
	enum tern_state from, to;
	enum tern_why	why;
	const char     *text;
};

struct catalogue {
	const char *role[ROLES];
	const char *fate[CATALOGUE_FATES];
	const char *verdict[TERN_VERDICTS];
	const char *timer[TERN_TIMERS]; /* when it fires */
	const char *retransmit[TERN_RETRANSMIT_WHYS];
	const char *congestion[TERN_CONGESTION_EVENTS];
	const char *note[TERN_NOTES];
	const char *why[TERN_WHYS]; /* for the edges that `edges` does not name */
	const char *forged, *attack, *icmp;

	const struct catalogue_edge *edges;
	size_t			     n_edges;

	/* The frame around them. */
	const char *client, *client_begin, *server, *server_begin; /* inside and at the begin of a sentence */
	const char *of_seven;	/* "%u" */
	const char *arrives;	/* "%u": a segment reaches the other side */
	const char *likewise;
};

extern const struct catalogue catalogue_en, catalogue_zh;

#endif
