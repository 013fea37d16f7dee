/* The words of the ladder: what stands on an arrow, beside a lifeline and in a margin. */
#ifndef WATCH_LABEL_H
#define WATCH_LABEL_H

#include "watch/timeline.h"

enum { LABEL_TOKENS = 16, LABEL_TOKEN = 48, LABEL_TEXT = 120 };

/* What an arrow is labelled with, in the order of importance. */
struct label {
	char	 token[LABEL_TOKENS][LABEL_TOKEN];
	bool	 is_optional[LABEL_TOKENS]; /* stays the same as before: shown where there is room */
	unsigned n;
};

/* The last numbers that a host sent on a connection: what stays the same need not be repeated. */
struct label_before {
	uint32_t conn, seq, ack, wnd; /* seq: the one after the last octet sent */
	bool	 is_valid;
};

/* Of the SENT line i. several: more than one connection is drawn, so say which. */
void label_sent(struct label *label, const struct timeline *timeline, size_t i, bool several,
		struct label_before before[TIMELINE_HOSTS]);

bool label_shorten(struct label *label); /* leaves out the last that is optional; false: none is */

/* What is worth saying of an ARRIVED or DROP line; "" where it went as it should. */
const char *label_arrived(char to[LABEL_TEXT], const struct timeline_line *line);

/* Why a SENT line has no arrival: "lost", "dropped", ...; NULL where it has one. */
extern const char *const label_in_flight; /* one of its words: not lost, only not there yet */
const char *label_lost(const struct timeline *timeline, size_t i);

/* What a line says beside its host's lifeline; "" for kinds that are drawn in another way. */
const char *label_local(char to[LABEL_TEXT], const struct timeline *timeline, size_t i);

/* "1.5 s", "200 ms", "12 us" */
const char *label_span(char to[24], tern_time span);

/* "10.0.0.1:80", "[fd00::1]:80" */
const char *label_endpoint(char to[56], const struct tern_addr *addr, uint16_t port);

#endif
