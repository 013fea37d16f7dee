/* What comes to a host and what leaves it as pcapng, as a capture made there would hold it, each packet with what tern
 * made of it as its comment: what is lost on the way there does not come; what leaves is written, lost later or not.
 * The run's time stands for the time since 1970, so that the same run gives the same file.
 */
#ifndef WATCH_HOST_CAPTURE_H
#define WATCH_HOST_CAPTURE_H

#include "watch/pcapng.h"

#include <tern/watch.h>

struct host_capture;

/* Starts the file. name: the interface's. 0, or negated errno. */
int  host_capture_open(struct host_capture **capture, const char *path, enum pcapng_link link, const char *name);
/* Ends it. 0, or what writing met (negated errno); capture is gone either way. NULL: nothing. */
int  host_capture_close(struct host_capture *capture);

/* Every event of the host. */
void host_capture_event(struct host_capture *capture, const struct tern_watch_event *event);
/* Around tern_host_input(), with the same batch, whose marks tell its packets apart. */
void host_capture_coming(struct host_capture *capture, tern_packet *const batch[], size_t n);
void host_capture_came(struct host_capture *capture, tern_packet *const batch[], size_t n, tern_time now);
/* What the host has just made. */
void host_capture_left(struct host_capture *capture, tern_packet *const batch[], size_t n, tern_time now);

#endif
