/* Timelines made by hand: two hosts and a link played by the test, for whatever reads timelines. */
#ifndef SUPPORT_HAND_H
#define SUPPORT_HAND_H

#include "watch/timeline.h"

#include <tern/packet.h>

struct hand {
	struct timeline	    timeline;
	struct timeline_tap tap[TIMELINE_HOSTS];
	tern_time	    now, delay; /* delay: one way, for what is delivered */
	uint64_t	    packets[TIMELINE_HOSTS];
	uint32_t	    iss[TIMELINE_HOSTS];
	uint32_t	    window[TIMELINE_HOSTS];
	uint16_t	    port[TIMELINE_HOSTS];
};

void hand_begin(struct hand *hand);
void hand_end(struct hand *hand);

struct tern_watch_event hand_event(const struct hand *hand, unsigned host, enum tern_watch_kind kind);

/* A segment by relative numbers; its line. Delivered (but not arrived) unless hand_fate() says other. */
size_t hand_send(struct hand *hand, unsigned host, unsigned flags, uint32_t rseq, uint32_t rack, uint32_t len);
size_t hand_send_as(struct hand *hand, unsigned host, const struct tern_watch_event *event, enum tern_fate fate);
void   hand_arrive(struct hand *hand, size_t sent, enum tern_verdict verdict);
void   hand_state(struct hand *hand, unsigned host, enum tern_state from, enum tern_state to, enum tern_why why);
void   hand_timer(struct hand *hand, unsigned host, enum tern_timer timer, enum tern_timer_action action,
		  tern_time deadline);
void   hand_call(struct hand *hand, unsigned host, const char *text);

/* connect to ESTABLISHED at both; a request and its answer; the client closes; up to CLOSED. */
void hand_open(struct hand *hand);
void hand_talk(struct hand *hand);
void hand_close(struct hand *hand);
/* Sends and lets arrive after the delay. */
size_t hand_pass(struct hand *hand, unsigned host, unsigned flags, uint32_t rseq, uint32_t rack, uint32_t len,
		 enum tern_verdict verdict);

#endif
