/* Buffers that are read into from servers and lent to tern until the guest has acknowledged them: no copy on the
 * way down. All of one size and aligned to it, so that any address within one names it. Their number is
 * bounded: where they are spent, servers wait.
 */
#ifndef GATEWAY_CHUNK_H
#define GATEWAY_CHUNK_H

#include <stddef.h>
#include <stdint.h>

enum { CHUNK_SIZE = 1 << 16, CHUNK_KEPT = 64 }; /* kept: as many free ones are not given back */

struct chunks {
	void  *free; /* a list through their first words */
	size_t n_free, n, max;
};

struct chunks *chunks_new(size_t max); /* NULL: no memory */
void	       chunks_delete(struct chunks *chunks); /* all of them must have come back */
uint8_t	      *chunk_get(struct chunks *chunks);     /* CHUNK_SIZE bytes; NULL: spent */
void	       chunk_put(struct chunks *chunks, const void *within);

/* As tern_send_owned() calls it. */
void chunk_release(void *chunks, const void *from, size_t n);

#endif
