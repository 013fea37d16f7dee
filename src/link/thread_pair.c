/* tern_thread_pair: a pair whose ends are in two threads. Each end has a ring towards it, a bell, and an eventfd
 * that is written where the bell was armed. A loop that arms (tern_link_ops.arm) does so only before it sleeps,
 * so that two that are busy make no system call at all; for any other the bell is armed at every receive() that
 * finds nothing.
 */
#include <tern/hosts.h>

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/bytes.h"
#include "link/flat.h"
#include "link/ring.h"

enum { BATCH = 64, RING_BYTES = 1 << 20 };

struct half {
	struct tern_link   link; /* first: what the outside holds */
	struct thread_pair *pair;
	struct half	   *far;
	int		    fd;
	bool		    arms;   /* the loop does */
	bool		    armed;  /* by us, and not seen taken */
	bool		    unread; /* the eventfd has been, or will be, written */
	atomic_bool	    closed;
	tern_packet	    packet[BATCH];
	tern_packet	   *packets[BATCH];
	struct bell	    bell;
	struct ring	    ring; /* towards this end */
};

struct thread_pair {
	struct half	      half[2];
	struct tern_allocator allocator;
	atomic_uint	      open;
	uint8_t		     *bytes;
};

static struct half *half_of(struct tern_link *link)
{
	return (struct half *)(void *)link;
}

static bool fits(const struct half *half, const tern_packet *packet)
{
	return packet->len <= flat_length(&half->link.config) || (half->link.config.gso && packet->gso_size);
}

static size_t half_send(struct tern_link *link, tern_packet *const batch[], size_t n, tern_time now)
{
	struct half *const half = half_of(link), *const far = half->far;
	size_t		   taken = 0;

	(void)now;
	for (; taken < n; taken++) {
		/* As on any wire: what does not fit, or has no listener, is lost. */
		if (fits(half, batch[taken]) && !atomic_load_explicit(&far->closed, memory_order_acquire) &&
		    !ring_put(&far->ring, batch[taken]))
			break;
		tern_packet_done(batch[taken]);
	}
	if (taken > 0 && bell_take(&far->bell))
		(void)eventfd_write(far->fd, 1);
	return taken;
}

/* What was rung is heard: else the descriptor would stay readable. The writer may not have come to it yet. */
static void hear(struct half *half)
{
	eventfd_t ignored;

	if (half->unread && eventfd_read(half->fd, &ignored) == 0)
		half->unread = false;
}

static void disarm(struct half *half)
{
	if (half->armed && !bell_disarm(&half->bell))
		half->unread = true;
	half->armed = false;
	hear(half);
}

/* True: something has come meanwhile. */
static bool arm(struct half *half)
{
	disarm(half);
	(void)bell_arm(&half->bell);
	half->armed = true;
	return ring_has(&half->ring);
}

static bool half_arm(struct tern_link *link)
{
	half_of(link)->arms = true;
	return arm(half_of(link));
}

static size_t half_receive(struct tern_link *link, tern_packet *batch[], size_t room, tern_time now)
{
	struct half *const half = half_of(link);

	(void)now;
	ring_let_go(&half->ring);
	if (half->armed || half->unread)
		disarm(half);
	size_t n = ring_take(&half->ring, half->packets, min_size(room, BATCH));
	if (n == 0 && !half->arms && arm(half)) {
		disarm(half);
		n = ring_take(&half->ring, half->packets, min_size(room, BATCH));
	}
	for (size_t i = 0; i < n; i++)
		batch[i] = half->packets[i];
	return n;
}

static tern_time half_deadline(const struct tern_link *link)
{
	return ring_has(&((const struct half *)(const void *)link)->ring) ? INT64_MIN : TERN_NEVER;
}

/* Nobody writes it before it is armed. */
static int half_fd(const struct tern_link *link)
{
	const struct half *const half = (const struct half *)(const void *)link;

	return half->arms && !half->armed ? -1 : half->fd;
}

static void pair_free(struct thread_pair *pair)
{
	const struct tern_allocator allocator = pair->allocator;

	for (unsigned i = 0; i < 2; i++)
		if (pair->half[i].fd >= 0)
			close(pair->half[i].fd);
	if (pair->bytes)
		allocator.free(allocator.context, pair->bytes, 2 * (size_t)RING_BYTES);
	allocator.free(allocator.context, pair, sizeof *pair);
}

static void half_close(struct tern_link *link)
{
	struct thread_pair *const pair = half_of(link)->pair;

	atomic_store_explicit(&half_of(link)->closed, true, memory_order_release);
	if (atomic_fetch_sub_explicit(&pair->open, 1, memory_order_acq_rel) == 1)
		pair_free(pair);
}

static const struct tern_link_ops thread_pair_ops = {
	.name = "thread-pair",
	.send = half_send,
	.receive = half_receive,
	.deadline = half_deadline,
	.fd = half_fd,
	.close = half_close,
	.arm = half_arm,
};

static bool half_init(struct thread_pair *pair, unsigned i, const struct tern_link_config *config)
{
	struct half *const half = &pair->half[i];

	half->link.ops = &thread_pair_ops;
	half->link.config = *config;
	half->pair = pair;
	half->far = &pair->half[1 - i];
	for (unsigned k = 0; k < BATCH; k++)
		half->packets[k] = &half->packet[k];
	ring_init(&half->ring, pair->bytes + (size_t)i * RING_BYTES, RING_BYTES);
	half->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return half->fd >= 0;
}

int tern_thread_pair_create(struct tern_link *end[2], const struct tern_link_config *config,
			    const struct tern_allocator *allocator)
{
	if (!config || config->mtu < 68 || config->mtu > 65535 || !allocator || !allocator->alloc || !allocator->free)
		return -TERN_EINVAL;
	struct thread_pair *const pair =
		allocator->alloc(allocator->context, sizeof *pair, _Alignof(struct thread_pair));
	if (!pair)
		return -TERN_ENOMEM;
	memset(pair, 0, sizeof *pair);
	pair->allocator = *allocator;
	pair->half[0].fd = pair->half[1].fd = -1;
	atomic_init(&pair->open, 2);
	pair->bytes = allocator->alloc(allocator->context, 2 * (size_t)RING_BYTES, RING_LINE);
	if (!pair->bytes || !half_init(pair, 0, config) || !half_init(pair, 1, config)) {
		pair_free(pair);
		return -TERN_ENOMEM;
	}
	end[0] = &pair->half[0].link;
	end[1] = &pair->half[1].link;
	return 0;
}
