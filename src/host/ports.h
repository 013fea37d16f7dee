/* Ephemeral ports: RFC 6056 3.3.4, algorithm 4 (double-hash port selection). Per destination the sequence
 * of ports is keyed and steps by one, so that a port is not taken again soon, and what it is tells nobody
 * about other destinations. */
#ifndef HOST_PORTS_H
#define HOST_PORTS_H

#include "base/counters.h"
#include "base/siphash.h"
#include <tern/types.h>

/* All zero to begin with. */
struct ports {
	struct counters counters; /* "table" of RFC 6056 3.3.4 */
};

/* Sets tuple->local_port to one of low..high; all else of the tuple stands already. is_free(context, tuple)
 * says whether the tuple names nothing: no connection, half-open or TIME-WAIT entry, and no listener that
 * stands on the port. Each port is asked about at most once. 0, or -TERN_EADDRNOTAVAIL:
 * all are taken. */
int ports_pick(struct ports *ports, const struct siphash_key *key, uint16_t low, uint16_t high,
	       struct tern_tuple *tuple, bool (*is_free)(void *context, const struct tern_tuple *tuple),
	       void		 *context);

#endif
