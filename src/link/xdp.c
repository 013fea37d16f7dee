/* The frames of an Ethernet interface's queue, through an AF_XDP socket (Documentation/networking/af_xdp).
 *
 * Memory (the umem) is shared with the system, in chunks of CHUNK bytes, and goes round in four rings:
 *
 *	in:   fill (empty chunks, ours to give) -> the system -> rx (frames, ours to take) -> handed out -> fill
 *	out:  free -> written -> tx (ours to give) -> the system -> completion (ours to take) -> free
 *
 * Each ring has one producer and one consumer, whose indices run on and are taken modulo its size; entries are
 * written before the producer's index is (release), and read after it (acquire). The first FRAMES chunks go round in
 * the first circle, the others in the second, so that neither direction can starve the other.
 *
 * Frames are handed out where they lie and stay until the next receive(). What is sent is gathered into a chunk: the
 * host's text is not in the umem. The socket is zero-copy where the driver can, else the system copies; it is woken
 * only where it says that it sleeps. The interface's own address is ours too: no frame of that queue reaches the
 * system.
 *
 * Left out: more than one queue of a link, frames in several chunks (so the MTU is at most MTU_MOST), the sums of
 * hardware: all are made and checked here. A veth pair's far end must not leave its sums to the device (ethtool -K DEV
 * tx off), since nothing would say so.
 */
#define _FILE_OFFSET_BITS 64 /* rings stand beyond what a long of 32 bits says */
#include "link/device.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "link/netdev.h"
#include "link/netns.h"
#include "link/xdp_program.h"

enum {
	CHUNK = 4096,
	FRAMES = 2048, /* of each circle, and entries of each ring */
	LEAD = 2,      /* so that an IP header is on a multiple of four: the system begins at 256 + LEAD */
	UMEM = 2 * FRAMES * CHUNK,
	MTU_LEAST = 68,
	MTU_MOST = CHUNK - 256 - LEAD - DEVICE_ETHERNET - 4,
	LONGEST = MTU_MOST + DEVICE_ETHERNET + 4, /* with a tag */
	BUSY_WAIT = 500, /* ms */
	KICKS = 16, /* at most for one send(): the system takes some dozens of frames at each */
};

struct ring {
	uint32_t *producer, *consumer, *flags;
	void	 *entries;
	void	 *map;
	size_t	  bytes;
};

struct xdp {
	struct device device; /* first: what the outside holds */
	int	      fd;
	uint32_t      queue;
	struct xdp_program program;
	uint8_t	     *umem;
	struct ring   fill, completion, rx, tx;
	unsigned      n_out;		 /* handed out by the last receive() */
	uint64_t      out[DEVICE_BATCH]; /* their chunks */
	unsigned      n_free;
	uint64_t      free[FRAMES]; /* chunks to send from */
};

static struct xdp *xdp_of(struct tern_link *link)
{
	return (struct xdp *)link;
}

/* ---- rings ---- */

static uint32_t load(const uint32_t *at)
{
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *at, uint32_t value)
{
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

static uint64_t *address_at(const struct ring *ring, uint32_t i)
{
	return (uint64_t *)ring->entries + i % FRAMES;
}

static struct xdp_desc *frame_at(const struct ring *ring, uint32_t i)
{
	return (struct xdp_desc *)ring->entries + i % FRAMES;
}

static bool sleeps(const struct ring *ring)
{
	return (load(ring->flags) & XDP_RING_NEED_WAKEUP) != 0;
}

/* ---- in ---- */

/* What was handed out goes back. There is always room: the ring holds all chunks of its circle. */
static void give_back(struct xdp *xdp)
{
	const uint32_t at = *xdp->fill.producer;

	for (unsigned i = 0; i < xdp->n_out; i++)
		*address_at(&xdp->fill, at + i) = xdp->out[i];
	store(xdp->fill.producer, at + xdp->n_out);
	xdp->n_out = 0;
}

/* Nothing has come: the system may sleep for want of a call, or the interface be gone. */
static void look_after(struct xdp *xdp)
{
	int	  error = 0;
	socklen_t size = sizeof error;

	if (sleeps(&xdp->fill))
		(void)recvfrom(xdp->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
	if (getsockopt(xdp->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error != 0)
		xdp->device.error = -ENODEV; /* unbound: it is told once, when the interface goes */
}

static size_t xdp_receive(struct tern_link *link, tern_packet *batch[], size_t room, tern_time now)
{
	struct xdp *const xdp = xdp_of(link);
	size_t		  n = 0;

	(void)now;
	if (xdp->device.error != 0)
		return 0;
	if (xdp->n_out > 0)
		give_back(xdp);
	uint32_t       at = *xdp->rx.consumer;
	const uint32_t end = load(xdp->rx.producer);
	for (; at != end && n < room && xdp->n_out < DEVICE_BATCH; at++) {
		const struct xdp_desc *const frame = frame_at(&xdp->rx, at);
		xdp->out[xdp->n_out++] = frame->addr;
		if (frame->len <= DEVICE_ETHERNET) {
			xdp->device.stats.dropped_in++;
			continue;
		}
		device_count_in(&xdp->device, frame->len);
		batch[n] = device_packet(&xdp->device, n, xdp->umem + frame->addr, frame->len);
		n++;
	}
	store(xdp->rx.consumer, at);
	if (n == 0)
		look_after(xdp);
	return n;
}

/* ---- out ---- */

static void take_completed(struct xdp *xdp)
{
	uint32_t       at = *xdp->completion.consumer;
	const uint32_t end = load(xdp->completion.producer);

	for (; at != end && xdp->n_free < FRAMES; at++)
		xdp->free[xdp->n_free++] = *address_at(&xdp->completion, at);
	store(xdp->completion.consumer, at);
}

/* The system sends what stands in the ring: some at each call, where it is the one to copy. */
static void kick(struct xdp *xdp)
{
	for (int i = 0; i < KICKS && sleeps(&xdp->tx) && load(xdp->tx.consumer) != *xdp->tx.producer; i++) {
		if (sendto(xdp->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0 || errno == EINTR || errno == EAGAIN)
			continue;
		if (errno == ENXIO || errno == ENODEV)
			xdp->device.error = -ENODEV;
		return; /* down (ENETDOWN), or no room now (EBUSY, ENOBUFS): what stands in the ring stays there */
	}
}

static void put(struct xdp *xdp, uint32_t at, const tern_packet *packet)
{
	const uint64_t chunk = xdp->free[--xdp->n_free];
	uint8_t	      *to = xdp->umem + chunk;

	for (unsigned i = 0; i < packet->n_parts; i++) {
		memcpy(to, packet->part[i].at, packet->part[i].n);
		to += packet->part[i].n;
	}
	*frame_at(&xdp->tx, at) = (struct xdp_desc){ .addr = chunk, .len = packet->len };
	xdp->device.stats.packets_out++;
	xdp->device.stats.bytes_out += packet->len;
}

static size_t xdp_send(struct tern_link *link, tern_packet *const batch[], size_t n, tern_time now)
{
	struct xdp *const xdp = xdp_of(link);
	uint32_t	  at = *xdp->tx.producer;
	size_t		  taken = 0;

	(void)now;
	take_completed(xdp);
	for (; taken < n; taken++) {
		const tern_packet *const packet = batch[taken];
		if (xdp->device.error != 0 || packet->len > LONGEST)
			xdp->device.stats.dropped_out++;
		else if (xdp->n_free == 0) /* no more chunks than the ring has entries: it has one too, else */
			break;
		else
			put(xdp, at++, packet);
		tern_packet_done(batch[taken]);
	}
	store(xdp->tx.producer, at);
	kick(xdp);
	return taken;
}

/* ---- the link ---- */

static tern_time xdp_deadline(const struct tern_link *link)
{
	(void)link;
	return TERN_NEVER; /* the descriptor says it all */
}

static int xdp_fd(const struct tern_link *link)
{
	const struct xdp *const xdp = (const struct xdp *)link;

	return xdp->device.error == 0 ? xdp->fd : -1;
}

static void let_go(struct xdp *xdp)
{
	struct ring *const rings[] = { &xdp->fill, &xdp->completion, &xdp->rx, &xdp->tx };

	xdp_program_close(&xdp->program); /* the system has its frames back */
	for (unsigned i = 0; i < 4; i++)
		if (rings[i]->map != NULL)
			(void)munmap(rings[i]->map, rings[i]->bytes);
	if (xdp->fd >= 0)
		close(xdp->fd);
	if (xdp->umem != NULL)
		(void)munmap(xdp->umem, UMEM);
	device_free(xdp, sizeof *xdp);
}

static void xdp_close(struct tern_link *link)
{
	let_go(xdp_of(link));
}

const struct tern_link_ops xdp_ops = {
	.name = "xdp",
	.send = xdp_send,
	.receive = xdp_receive,
	.deadline = xdp_deadline,
	.fd = xdp_fd,
	.close = xdp_close,
};

/* ---- opening ---- */

struct opening {
	const struct tern_xdp *settings;
	struct xdp	      *xdp;
	int		       mtu;
	uint8_t		       mac[6];
};

static int set(int fd, int option, const void *value, socklen_t size)
{
	return setsockopt(fd, SOL_XDP, option, value, size) == 0 ? 0 : -errno;
}

static int map_ring(struct ring *ring, int fd, off_t page, const struct xdp_ring_offset *at, size_t entry)
{
	ring->bytes = (size_t)at->desc + FRAMES * entry;
	void *const map = mmap(NULL, ring->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, page);
	if (map == MAP_FAILED)
		return -errno;
	uint8_t *const bytes = map;
	ring->map = map;
	ring->producer = (uint32_t *)(void *)(bytes + at->producer);
	ring->consumer = (uint32_t *)(void *)(bytes + at->consumer);
	ring->flags = (uint32_t *)(void *)(bytes + at->flags);
	ring->entries = bytes + at->desc;
	return 0;
}

static int make_rings(struct xdp *xdp)
{
	static const int options[] = { XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_RX_RING, XDP_TX_RING };
	struct xdp_mmap_offsets at;
	socklen_t		size = sizeof at;
	const int		entries = FRAMES;
	int			error = 0;

	for (unsigned i = 0; error == 0 && i < 4; i++)
		error = set(xdp->fd, options[i], &entries, sizeof entries);
	if (error != 0)
		return error;
	if (getsockopt(xdp->fd, SOL_XDP, XDP_MMAP_OFFSETS, &at, &size) != 0)
		return -errno;
	if (size != sizeof at) /* before Linux 5.4: without flags */
		return -EOPNOTSUPP;
	error = map_ring(&xdp->fill, xdp->fd, (off_t)XDP_UMEM_PGOFF_FILL_RING, &at.fr, sizeof(uint64_t));
	if (error == 0)
		error = map_ring(&xdp->completion, xdp->fd, (off_t)XDP_UMEM_PGOFF_COMPLETION_RING, &at.cr,
				 sizeof(uint64_t));
	if (error == 0)
		error = map_ring(&xdp->rx, xdp->fd, (off_t)XDP_PGOFF_RX_RING, &at.rx, sizeof(struct xdp_desc));
	if (error == 0)
		error = map_ring(&xdp->tx, xdp->fd, (off_t)XDP_PGOFF_TX_RING, &at.tx, sizeof(struct xdp_desc));
	return error;
}

static int make_memory(struct xdp *xdp)
{
	void *const map = mmap(NULL, UMEM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return -errno;
	xdp->umem = map;
	const struct xdp_umem_reg umem = {
		.addr = (uintptr_t)map, .len = UMEM, .chunk_size = CHUNK, .headroom = LEAD,
	};
	const int error = set(xdp->fd, XDP_UMEM_REG, &umem, sizeof umem);
	return error == 0 ? make_rings(xdp) : error;
}

static void deal_chunks(struct xdp *xdp)
{
	for (uint32_t i = 0; i < FRAMES; i++) {
		*address_at(&xdp->fill, i) = (uint64_t)i * CHUNK;
		xdp->free[xdp->n_free++] = (uint64_t)(FRAMES + i) * CHUNK;
	}
	store(xdp->fill.producer, FRAMES);
}

/* A queue whose last socket was closed is free some moments later: the system clears up in its own time. */
static int bind_to(struct xdp *xdp, int index)
{
	const struct sockaddr_xdp at = {
		.sxdp_family = AF_XDP, .sxdp_flags = XDP_USE_NEED_WAKEUP,
		.sxdp_ifindex = (uint32_t)index, .sxdp_queue_id = xdp->queue,
	};

	const struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < BUSY_WAIT; i++) {
		if (bind(xdp->fd, (const struct sockaddr *)&at, sizeof at) == 0)
			return 0;
		if (errno != EBUSY)
			return -errno;
		(void)nanosleep(&pause, NULL);
	}
	return -EBUSY;
}

/* In the namespace that this thread is in. */
static int open_here(void *context)
{
	struct opening *const opening = context;
	struct xdp *const     xdp = opening->xdp;
	const char *const     name = opening->settings->name;
	const int	      index = netdev_index(name);
	int		      error = index < 0 ? index : netdev_get_mac(name, opening->mac);

	if (error != 0)
		return error == -EOPNOTSUPP ? -ENODEV : error;
	if (opening->settings->up && !netdev_is_up(name)) {
		(void)netdev_set_ipv6(name, false); /* where it cannot be, some multicasts of the system's go out */
		error = netdev_up(name);
	}
	opening->mtu = netdev_get_mtu(name);
	if (error == 0 && opening->mtu < 0)
		error = opening->mtu;
	if (error != 0)
		return error;
	xdp->fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (xdp->fd < 0)
		return -errno;
	error = make_memory(xdp);
	if (error != 0)
		return error;
	deal_chunks(xdp);
	error = xdp_program_load(&xdp->program);
	if (error == 0)
		error = bind_to(xdp, index);
	return error == 0 ? xdp_program_attach(&xdp->program, index, xdp->queue, xdp->fd) : error;
}

static bool are_sane(const struct tern_xdp *settings)
{
	return settings != NULL && settings->name != NULL && strlen(settings->name) < TERN_DEVICE_NAME &&
	       settings->queue < XDP_QUEUES &&
	       (settings->mtu == 0 || (settings->mtu >= MTU_LEAST && settings->mtu <= MTU_MOST));
}

int tern_xdp_create(struct tern_link **link, const struct tern_xdp *settings, const struct tern_allocator *allocator)
{
	static const uint8_t none[6];
	struct opening	     opening = { .settings = settings };

	if (link == NULL || !are_sane(settings) || allocator == NULL || allocator->alloc == NULL ||
	    allocator->free == NULL)
		return -EINVAL;
	struct xdp *const xdp = device_new(allocator, sizeof *xdp, sizeof *xdp);
	if (xdp == NULL)
		return -ENOMEM;
	struct tern_link_config *const config = &xdp->device.link.config;
	xdp->fd = -1;
	xdp->program = (struct xdp_program){ -1, -1, -1 };
	xdp->queue = settings->queue;
	opening.xdp = xdp;
	int error = device_mac(config->mac, settings->mac);
	if (error == 0)
		error = netns_run(settings->netns, open_here, &opening);
	if (error != 0) {
		let_go(xdp);
		return error;
	}
	if (memcmp(settings->mac, none, sizeof none) == 0)
		memcpy(config->mac, opening.mac, sizeof opening.mac);
	config->mtu = settings->mtu != 0 ? settings->mtu : min_u32((uint32_t)opening.mtu, MTU_MOST);
	config->ethernet = true;
	xdp->device.link.ops = &xdp_ops;
	*link = &xdp->device.link;
	return 0;
}
