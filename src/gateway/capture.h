/* --pcap: a link that stands on the gateway's and writes every frame to a pcapng file, each with a comment that
 * says what tern made of it.
 */
#ifndef GATEWAY_CAPTURE_H
#define GATEWAY_CAPTURE_H

#include <tern/watch.h>

struct gateway;

/* Puts itself on gateway->link. 0, -E… of the file, or -TERN_ENOMEM. The link closes it. */
int capture_open(struct gateway *gateway, bool ethernet);
/* What tern told of a segment while it is being captured. */
void capture_event(struct gateway *gateway, const struct tern_watch_event *event);

#endif
