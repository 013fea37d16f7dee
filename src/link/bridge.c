#include "link/bridge.h"

size_t bridge_move(struct bridge *bridge, tern_time now)
{
	tern_packet *batch[BRIDGE_BATCH];
	size_t	     moved = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct tern_link *const from = bridge->side[i], *const to = bridge->side[1 - i];
		/* Without room it only lets go on what is due there. */
		const size_t n = from->ops->receive(from, batch, bridge->look[i] ? BRIDGE_BATCH : 0, now);
		if (n > 0 && bridge->clock)
			now = bridge->clock(bridge->context);
		/* Lent for the call alone: what is not taken now is gone. */
		const size_t took = n > 0 ? to->ops->send(to, batch, n, now) : 0;

		bridge->refused[i] += n - took;
		bridge->look[i] = n > 0;
		moved += n;
	}
	return moved;
}

tern_time bridge_deadline(const struct bridge *bridge)
{
	const tern_time one = bridge->side[0]->ops->deadline(bridge->side[0]);
	const tern_time other = bridge->side[1]->ops->deadline(bridge->side[1]);

	return one < other ? one : other;
}
