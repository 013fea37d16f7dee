/* See ports.h. RFC 6056 3.3.4: offset = F(local, remote, remote port, key); one counter of a small table;
 * port = low + (offset + counter) mod range. The counter steps with every port that is tried, so the next
 * connection there begins one further. Where the RFC has destinations share counters that G chooses, each has its
 * own (base/counters.h), which begins at a keyed number: who watches the ports of one learns nothing of another. */
#include "host/ports.h"

#include "base/bytes.h"

static uint64_t hash(const struct siphash_key *key, const struct tern_tuple *tuple)
{
	uint8_t bytes[16 + 16 + 4 + 2];

	memcpy(bytes, tuple->local.b, 16);
	memcpy(bytes + 16, tuple->remote.b, 16);
	put32(bytes + 32, tuple->zone);
	put16(bytes + 36, tuple->remote_port);
	return siphash24(key, bytes, sizeof(bytes));
}

int ports_pick(struct ports *ports, const struct siphash_key *key, uint16_t low, uint16_t high,
	       struct tern_tuple *tuple, bool (*is_free)(void *context, const struct tern_tuple *tuple),
	       void		 *context)
{
	const uint64_t	f = hash(key, tuple);
	const uint32_t	range = (uint32_t)high - low + 1u;
	uint32_t *const counter = counters_of(&ports->counters, f);
	uint64_t	state = (key->k0 ^ key->k1) + (f >> 56) * UINT64_C(0x9e3779b97f4a7c15);
	const uint32_t	begin = (uint32_t)splitmix64(&state);

	for (uint32_t tries = 0; tries < range; tries++) {
		const uint32_t step = (begin + (*counter)++) % range;

		tuple->local_port = (uint16_t)(low + ((uint32_t)f % range + step) % range);
		if (is_free(context, tuple))
			return 0;
	}
	tuple->local_port = 0;
	return -TERN_EADDRNOTAVAIL;
}
