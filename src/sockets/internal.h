/* What the files of this room share. */
#ifndef SOCKETS_INTERNAL_H
#define SOCKETS_INTERNAL_H

#include "sockets/sockets.h"

enum { CALL_WAITS = INT32_MIN }; /* a result: not yet */

/* A place for a new descriptor: fd and kind are set. NULL with *error: -EMFILE and the like. */
struct sockets_file *file_new(struct sockets *sockets, enum file_kind kind, int *error);
/* It is gone from the table, and from every epoll. The host's socket is not touched. */
void file_forget(struct sockets *sockets, struct sockets_file *file);

static inline bool file_is_socket(const struct sockets_file *file)
{
	return file->kind >= FILE_FRESH && file->kind <= FILE_CONNECTED;
}

static inline bool file_has_handle(const struct sockets_file *file)
{
	return file->kind >= FILE_LISTENS && file->kind <= FILE_CONNECTED;
}

/* Each tries one call: a result, -errno or CALL_WAITS. file NULL: the call names none. */
int64_t life_call(struct sockets *sockets, struct sockets_request *request, struct sockets_file *file);
int64_t text_call(struct sockets *sockets, struct sockets_request *request, struct sockets_file *file);
int64_t option_call(struct sockets *sockets, struct sockets_request *request, struct sockets_file *file);
int64_t poll_call(struct sockets *sockets, struct sockets_request *request, struct sockets_file *file);
int64_t pipe_call(struct sockets *sockets, struct sockets_request *request, struct sockets_file *file);

/* How a socket is ready, as poll() has it. */
unsigned poll_events_of(const struct sockets *sockets, const struct sockets_file *file);

/* What was set before there was a handle. */
void option_apply(struct sockets *sockets, struct sockets_file *file);

/* TCP_INFO of a socket, at most *n bytes, which become as many as were written. */
void info_get(const struct sockets *sockets, const struct sockets_file *file, void *to, socklen_t *n);

/* Text: as one stretch into an array, and from one. */
size_t iov_length(const struct iovec *iov, size_t n);

#endif
