/* What the answers of gateway/control.h are made with. */
#ifndef GATEWAY_CONTROL_ANSWER_H
#define GATEWAY_CONTROL_ANSWER_H

#include "gateway/control.h"

#include <tern/status.h>

/* Adds to an answer; at most CONTROL_PIECE octets a call. */
enum { CONTROL_PIECE = 512 };
void control_tell(struct control_text *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds any number of octets; false: no memory, and nothing was added. */
bool control_append(struct control_text *to, const char *text, size_t n);
/* ,"busy_ms":... : what the time goes to. */
void control_tell_limits(struct control_text *to, const struct tern_status *status);
void control_succeeded(struct control_text *to); /* its last line */

void control_sockets(struct gateway *gateway, const char *request, struct control_text *to); /* control_sockets.c */
void control_history(struct gateway *gateway, const char *request, struct control_text *to); /* history.c */

#endif
