/* pair: two ends in one process; what enters one leaves the other, in order, at once.
 *
 * send() gathers each packet into a buffer of the far end: the one copy that stands for the wire, made
 * while the host's parts are still in the cache; unless the link is told that sums are needless, they are made in
 * the same pass, where the host left them to it. The buffer waits in the far end's queue, is lent out by
 * receive(), and goes back to that end's pool at the next receive().
 *
 * Invariant: an end's queue holds at most PAIR_PACKETS packets, and less than PAIR_BYTES before the last
 * of them entered. Both ends live in one block, which goes when the second is closed. One thread.
 */
#include <tern/link.h>

#include "base/bytes.h"
#include "link/flat.h"

enum { PAIR_PACKETS = 4096, PAIR_BYTES = 16 << 20 };

struct pair_end {
	struct tern_link link; /* first: what the outside holds */
	struct pair	*pair;
	struct pair_end *far;
	struct flat_pool pool;
	struct flat	*first, *last; /* arrived; last counts only where first is set */
	struct flat	*lent;
	uint32_t	 n;
	size_t		 bytes;
	bool		 closed;
};

struct pair {
	struct pair_end	      end[2];
	struct tern_allocator allocator;
};

static struct pair_end *end_of(struct tern_link *link)
{
	return (struct pair_end *)link;
}

static void enqueue(struct pair_end *end, struct flat *flat)
{
	flat->next = NULL;
	if (end->first)
		end->last->next = flat;
	else
		end->first = flat;
	end->last = flat;
	end->n++;
	end->bytes += flat->packet.len;
}

static struct flat *dequeue(struct pair_end *end)
{
	struct flat *flat = end->first;

	if (flat) {
		end->first = flat->next;
		end->n--;
		end->bytes -= flat->packet.len;
	}
	return flat;
}

static void put_lent(struct pair_end *end)
{
	for (struct flat *flat = end->lent, *next; flat; flat = next) {
		next = flat->next;
		flat_put(&end->pool, flat);
	}
	end->lent = NULL;
}

static bool fits(const struct pair_end *end, const tern_packet *packet)
{
	return packet->len <= flat_length(&end->link.config) || (end->link.config.gso && packet->gso_size);
}

static size_t pair_send(struct tern_link *link, tern_packet *const batch[], size_t n, tern_time now)
{
	struct pair_end *end = end_of(link), *far = end->far;
	size_t		 taken = 0;

	(void)now;
	while (taken < n && far->n < PAIR_PACKETS && far->bytes < PAIR_BYTES) {
		tern_packet *packet = batch[taken++];
		/* As on any wire: what does not fit, has no listener or finds no memory is lost. */
		struct flat *flat = !far->closed && fits(end, packet) ? flat_copy(&far->pool, packet) : NULL;

		tern_packet_done(packet);
		if (flat)
			enqueue(far, flat);
	}
	return taken;
}

static size_t pair_receive(struct tern_link *link, tern_packet *batch[], size_t room, tern_time now)
{
	struct pair_end *end = end_of(link);
	size_t		 n = 0;

	(void)now;
	put_lent(end);
	while (n < room && end->first) {
		struct flat *flat = dequeue(end);

		flat->next = end->lent;
		end->lent = flat;
		batch[n++] = &flat->packet;
	}
	return n;
}

static tern_time pair_deadline(const struct tern_link *link)
{
	return ((const struct pair_end *)link)->first ? INT64_MIN : TERN_NEVER;
}

static int pair_fd(const struct tern_link *link)
{
	(void)link;
	return -1;
}

static void pair_close(struct tern_link *link)
{
	struct pair_end *end = end_of(link);
	struct pair	*pair = end->pair;

	put_lent(end);
	for (struct flat *flat = dequeue(end); flat; flat = dequeue(end))
		flat_put(&end->pool, flat);
	flat_pool_done(&end->pool);
	end->closed = true;
	if (end->far->closed)
		pair->allocator.free(pair->allocator.context, pair, sizeof *pair);
}

static const struct tern_link_ops pair_ops = {
	.name = "pair",
	.send = pair_send,
	.receive = pair_receive,
	.deadline = pair_deadline,
	.fd = pair_fd,
	.close = pair_close,
};

int tern_pair_create(struct tern_link *end[2], const struct tern_link_config *config,
		     const struct tern_allocator *allocator)
{
	if (!config || config->mtu < 68 || config->mtu > 65535 || !allocator || !allocator->alloc ||
	    !allocator->free)
		return -TERN_EINVAL;

	struct pair *pair = allocator->alloc(allocator->context, sizeof *pair, _Alignof(struct pair));
	if (!pair)
		return -TERN_ENOMEM;
	memset(pair, 0, sizeof *pair);
	pair->allocator = *allocator;
	for (unsigned i = 0; i < 2; i++) {
		struct pair_end *one = &pair->end[i];

		one->link.ops = &pair_ops;
		one->link.config = *config;
		one->pair = pair;
		one->far = &pair->end[1 - i];
		one->link.config.checksum_offload = true;
		flat_pool_init(&one->pool, allocator, sizeof(struct flat), flat_length(config));
		one->pool.unit = config->checksum_offload ? NULL : sum_unit_best();
		end[i] = &one->link;
	}
	return 0;
}
