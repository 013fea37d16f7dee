/* What the readers of the two formats share. */
#ifndef TRACE_FILE_INNER_H
#define TRACE_FILE_INNER_H

#include "trace/file.h"

bool file_wrong(struct trace_file *file, const char *why); /* false */

/* Sees that n bytes wait, if the file has as many; returns how many do. Moves the buffer. */
size_t	       file_fill(struct trace_file *file, size_t n);
const uint8_t *file_bytes(const struct trace_file *file);    /* the first that waits */
void	       file_skip(struct trace_file *file, size_t n); /* of those that wait */

/* In the byte order of the file, or of its present section. */
uint16_t file_u16(const struct trace_file *file, const uint8_t *p);
uint32_t file_u32(const struct trace_file *file, const uint8_t *p);

/* TRACE_GAP: from there to here. */
enum trace_read file_gap(struct trace_file *file, uint64_t from, const char *why);
/* The same where all that is left is the piece of a record. */
enum trace_read file_cut_off(struct trace_file *file, const char *why);

enum trace_read pcapng_next(struct trace_file *file, struct trace_packet *packet); /* file_ng.c */

#endif
