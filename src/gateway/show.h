/* What is seen of the gateway's connections while they live: --watch (the ladder on standard error) and --json
 * (JSON lines), both from one timeline of which only the newest lines are kept.
 */
#ifndef GATEWAY_SHOW_H
#define GATEWAY_SHOW_H

#include <tern/watch.h>

struct gateway;

int  show_open(struct gateway *gateway); /* 0; -E… of --json's file; -TERN_ENOMEM */
void show_done(struct gateway *gateway);
/* tern_watcher.event, with the gateway as context: for --pcap too. */
void show_event(void *gateway, const struct tern_watch_event *event);
/* Once a turn: what was written leaves. */
void show_flush(struct gateway *gateway);

#endif
