/* TUN and TAP devices (tun(4), Documentation/networking/tuntap).
 *
 * One read takes one packet, one writev gives one, gathered from the host's parts; with a virtio_net_hdr
 * either may be a TCP segment of up to 64 KiB that the kernel never cuts on its way to a program of this
 * machine, and whose checksum nobody ever makes.
 *
 * Reads go into an arena of several times the longest packet, one behind the other, so that a batch of small
 * ones is one piece of memory and a batch of large ones stays within the cache. A packet is handed out where it
 * was read, its IP header on a multiple of four, and stays until the next receive().
 *
 * A device that is down or has no room loses packets as a wire does. One that is deleted under us says
 * EBADFD: then the link is over.
 *
 * A device of several queues is several links, one for each descriptor; the kernel keeps a flow on the queue that
 * it was last written to by, and by its own hash where that was more than three seconds ago (link/steer.c).
 *
 * Left out: io_uring in place of read and write. By 32 packets of 1,428 bytes a call it took 1.9 us each to read where
 * read(2) takes 1.7, and 1.5 to write where write(2) takes 1.8 (time of the thread, medians of four in turn, a busy
 * machine of two cores, Linux 6.18): a sixth of the writes where nothing is offloaded, nothing of the rest, and a large
 * part of the kernel more within the gateway's sandbox. IFF_NAPI: each write schedules a poll of its own, so GRO never
 * sees two of them, and takes a fourth more (3.9 s of CPU a GB without offloads, 3.0 without NAPI; medians of five, in
 * turn, on the same machine). Also packet information (IFF_PI) and big-endian headers.
 */
#include "link/device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "link/netdev.h"
#include "link/netns.h"
#include "link/vnet.h"

enum {
	/* if_tun.h of Linux 6.2 on: */
	F_USO4 = 0x20,
	F_USO6 = 0x40,

	MTU_LEAST = 68,
	MTU_MOST = 65535,
	MTU_UNKNOWN = 1500,
	CARRIER_WAIT = 200, /* ms at most */

	SLOT = DEVICE_FRAME + VNET_HEADER_MAX + 64 + 64, /* the last: room for the packet's alignment */
	ARENA = 4 * SLOT,
};

struct tun {
	struct device device; /* first: what the outside holds */
	int	      fd;
	uint32_t      vnet; /* bytes of the virtio header; 0: none */
	bool	      tap;
	uint32_t      pad; /* before each packet, so that its IP header is aligned */
	char	      name[TERN_DEVICE_NAME];
	struct vnet_joined   joined; /* what is not split yet of joined_bytes */
	uint8_t		     joined_bytes[DEVICE_FRAME];
	_Alignas(64) uint8_t arena[ARENA];
};

static struct tun *tun_of(struct tern_link *link)
{
	return (struct tun *)link;
}

/* ---- packets ---- */

/* The descriptor has nothing more, or never will have. */
static void note_error(struct tun *tun, int error)
{
	if (error == EBADFD || error == EBADF || error == ENODEV)
		tun->device.error = -error;
}

/* One packet at `at`, where SLOT bytes are free; bytes read, 0: none. */
static size_t read_one(struct tun *tun, uint8_t *at)
{
	ssize_t n;

	do
		n = read(tun->fd, at, SLOT - 64);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		note_error(tun, errno);
	return n < 0 ? 0 : (size_t)n;
}

/* The next of joined datagrams. */
static size_t next_joined(struct tun *tun, size_t nth, uint8_t *at)
{
	const uint32_t len = vnet_split(&tun->joined, at + tun->vnet);

	device_packet(&tun->device, nth, at + tun->vnet, len)->checksum_offload = true;
	return tun->vnet + len;
}

/* Reads one packet to `at`, whose descriptor is the nth: bytes with the virtio header. It may be one that is
 * not to be handed out: dropped (*is_one false), or joined datagrams, which come next. 0: nothing to read. */
static size_t next_read(struct tun *tun, size_t nth, uint8_t *at, bool *is_one)
{
	const uint32_t start = tun->tap ? DEVICE_ETHERNET : 0;
	const size_t   got = read_one(tun, at);

	*is_one = false;
	if (got == 0)
		return 0;
	if (got <= tun->vnet + start || got == SLOT - 64) { /* a runt, or cut off */
		tun->device.stats.dropped_in++;
		return got;
	}
	tern_packet *const packet = device_packet(&tun->device, nth, at + tun->vnet, got - tun->vnet);
	if (tun->vnet != 0 && !vnet_parse(packet, at)) {
		tun->device.stats.dropped_in++;
		return got;
	}
	device_count_in(&tun->device, packet->len);
	*is_one = packet->len > DEVICE_FRAME || !vnet_is_joined(&tun->joined, packet, start);
	if (!*is_one) {
		memcpy(tun->joined_bytes, packet->part[0].at, packet->len);
		tun->joined.at = tun->joined_bytes;
	}
	return got;
}

static size_t tun_receive(struct tern_link *link, tern_packet *batch[], size_t room, tern_time now)
{
	struct tun *const tun = tun_of(link);
	size_t		  n = 0, used = 0;

	(void)now;
	while (n < room && n < DEVICE_BATCH && used + SLOT <= ARENA && tun->device.error == 0) {
		uint8_t *const at = tun->arena + used + tun->pad;
		bool	       is_one = true;
		const size_t   got = tun->joined.left > 0 ? next_joined(tun, n, at) : next_read(tun, n, at, &is_one);

		if (got == 0)
			break;
		if (!is_one)
			continue;
		batch[n] = &tun->device.packet[n];
		n++;
		used += (tun->pad + got + 63) / 64 * 64;
	}
	return n;
}

/* False: the device has no room now. */
static bool write_one(struct tun *tun, const tern_packet *packet)
{
	uint8_t	     header[VNET_HEADER_MAX] = { 0 };
	struct iovec parts[1 + TERN_PACKET_PARTS];
	int	     n = 0;
	ssize_t	     wrote;

	if (tun->vnet != 0) {
		vnet_emit(header, packet, tun->tap ? DEVICE_ETHERNET : 0);
		parts[n++] = (struct iovec){ .iov_base = header, .iov_len = tun->vnet };
	}
	n += device_gather(parts + n, packet);
	do
		wrote = writev(tun->fd, parts, n);
	while (wrote < 0 && errno == EINTR);
	if (wrote < 0 && errno == EAGAIN)
		return false;
	if (wrote < 0) {
		note_error(tun, errno);
		tun->device.stats.dropped_out++;
	} else {
		tun->device.stats.packets_out++;
		tun->device.stats.bytes_out += packet->len;
	}
	return true;
}

static size_t tun_send(struct tern_link *link, tern_packet *const batch[], size_t n, tern_time now)
{
	struct tun *const tun = tun_of(link);
	size_t		  taken = 0;

	(void)now;
	for (; taken < n; taken++) {
		if (tun->device.error != 0)
			tun->device.stats.dropped_out++;
		else if (!write_one(tun, batch[taken]))
			break;
		tern_packet_done(batch[taken]);
	}
	return taken;
}

static tern_time tun_deadline(const struct tern_link *link)
{
	/* The descriptor says it all, but for what was read and is not handed out yet. */
	return ((const struct tun *)link)->joined.left > 0 ? INT64_MIN : TERN_NEVER;
}

static int tun_fd(const struct tern_link *link)
{
	const struct tun *const tun = (const struct tun *)link;

	return tun->device.error == 0 ? tun->fd : -1;
}

static void tun_close(struct tern_link *link)
{
	struct tun *const tun = tun_of(link);

	close(tun->fd);
	device_free(tun, sizeof *tun);
}

const struct tern_link_ops tun_ops = {
	.name = "tun",
	.send = tun_send,
	.receive = tun_receive,
	.deadline = tun_deadline,
	.fd = tun_fd,
	.close = tun_close,
};

/* ---- opening ---- */

static const struct tern_tun no_settings;

static bool are_sane(const struct tern_tun *settings)
{
	if (settings->mtu != 0 && (settings->mtu < MTU_LEAST || settings->mtu > MTU_MOST))
		return false;
	return settings->name == NULL || strlen(settings->name) < TERN_DEVICE_NAME;
}

static int attach(int fd, const struct tern_tun *settings, struct ifreq *request)
{
	const int flags = (settings->tap ? IFF_TAP : IFF_TUN) | IFF_NO_PI | (settings->plain ? 0 : IFF_VNET_HDR) |
			  (settings->multi_queue ? IFF_MULTI_QUEUE : 0);
	const char *name = settings->name;

	if (name == NULL)
		name = settings->tap ? "tap%d" : "tun%d";
	memset(request, 0, sizeof *request);
	memcpy(request->ifr_name, name, strlen(name)); /* shorter than the room: are_sane() */
	request->ifr_flags = (short)flags;
	if (ioctl(fd, TUNSETIFF, request) == 0)
		return 0;
	if (errno != EINVAL || settings->multi_queue)
		return -errno;
	request->ifr_flags = (short)(flags | IFF_MULTI_QUEUE); /* made so by somebody: one of its queues */
	return ioctl(fd, TUNSETIFF, request) == 0 ? 0 : -EINVAL;
}

/* The MTU wanted, on the device where we may: what it is then is the result. One smaller than the device's
 * needs nobody's leave: it is kept on our side alone. */
static int settle_mtu(const char *name, uint32_t want)
{
	const int has = netdev_get_mtu(name);

	if (want == 0 || (uint32_t)has == want)
		return has;
	const int error = netdev_set_mtu(name, want);
	if (error == -EPERM && has > 0 && want < (uint32_t)has)
		return (int)want;
	return error != 0 ? error : (int)want;
}

struct opening {
	const struct tern_tun *settings;
	char		      *name; /* TERN_DEVICE_NAME bytes */
	int		       fd, mtu;
};

/* A device that was up before we came gets its carrier from us, and has a queue some moments later: what the
 * system sends until then is lost, the answer to our first packet among it. */
static void wait_for_carrier(const char *name)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < CARRIER_WAIT && netdev_has_no_carrier_yet(name); i++)
		(void)nanosleep(&pause, NULL);
}

/* In the namespace that this thread is in. 0: fd, mtu and name are set. */
static int open_here(void *context)
{
	struct opening *const opening = context;
	struct ifreq	      request;
	const int	      fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	int error = attach(fd, opening->settings, &request);
	if (error == 0) {
		opening->mtu = settle_mtu(request.ifr_name, opening->settings->mtu);
		error = opening->mtu < 0 ? opening->mtu : 0;
	}
	if (error != 0) {
		close(fd);
		return error;
	}
	wait_for_carrier(request.ifr_name);
	memcpy(opening->name, request.ifr_name, TERN_DEVICE_NAME);
	opening->fd = fd;
	return 0;
}

static int open_device(struct opening *opening)
{
	return are_sane(opening->settings) ? netns_run(opening->settings->netns, open_here, opening) : -EINVAL;
}

int tern_tun_open(const struct tern_tun *settings, char name[TERN_DEVICE_NAME])
{
	char	       unwanted[TERN_DEVICE_NAME];
	struct opening opening = {
		.settings = settings != NULL ? settings : &no_settings,
		.name = name != NULL ? name : unwanted,
	};
	const int error = open_device(&opening);

	return error != 0 ? error : opening.fd;
}

/* ---- a link on a descriptor ---- */

static bool is_in_our_namespace(int fd)
{
	struct stat ours, its;
	const int   netns = ioctl(fd, TUNGETDEVNETNS, 0);

	if (netns < 0)
		return false;
	const bool known = fstat(netns, &its) == 0 && stat("/proc/thread-self/ns/net", &ours) == 0;
	close(netns);
	return known && ours.st_dev == its.st_dev && ours.st_ino == its.st_ino;
}

static uint32_t mtu_of(const struct tun *tun, const struct tern_tun *settings)
{
	int mtu = -ENODEV;

	if (settings->mtu != 0)
		return settings->mtu;
	if (is_in_our_namespace(tun->fd))
		mtu = netdev_get_mtu(tun->name);
	return mtu >= MTU_LEAST ? (uint32_t)mtu : MTU_UNKNOWN;
}

/* What the kernel may hand us. Kernels that know no USO refuse all; then less is asked for. What we hand the
 * kernel it always takes. */
static int set_offloads(int fd, bool sums, bool gso, bool uso)
{
	const unsigned joined = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	const unsigned wanted[] = {
		sums && gso && uso ? joined | F_USO4 | F_USO6 : 0, sums && gso ? joined : 0, sums ? TUN_F_CSUM : 0, 0,
	};

	for (unsigned i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		if ((wanted[i] != 0 || i == 3) && ioctl(fd, TUNSETOFFLOAD, (unsigned long)wanted[i]) == 0)
			return 0;
	return -errno;
}

/* Asks the device what it is. 0 or -EINVAL. */
static int ask_device(struct tun *tun)
{
	struct ifreq request;
	int	     size = 0;

	memset(&request, 0, sizeof request);
	if (ioctl(tun->fd, TUNGETIFF, &request) != 0 || !(request.ifr_flags & IFF_NO_PI))
		return -EINVAL;
	tun->tap = (request.ifr_flags & IFF_TAP) != 0;
	memcpy(tun->name, request.ifr_name, TERN_DEVICE_NAME);
	if (request.ifr_flags & IFF_VNET_HDR) {
		if (ioctl(tun->fd, TUNGETVNETHDRSZ, &size) != 0 || size < VNET_HEADER || size > VNET_HEADER_MAX)
			return -EINVAL;
		tun->vnet = (uint32_t)size;
	}
	tun->pad = (4 - (tun->vnet + (tun->tap ? DEVICE_ETHERNET : 0)) % 4) % 4;
	return 0;
}

static int configure(struct tun *tun, const struct tern_tun *settings)
{
	struct tern_link_config *const config = &tun->device.link.config;
	int			       error = ask_device(tun);

	if (error != 0)
		return error;
	const bool sums = tun->vnet != 0 && !settings->plain, gso = sums && !settings->no_gso;
	const int  flags = fcntl(tun->fd, F_GETFL);
	if (flags < 0 || fcntl(tun->fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return -errno;
	error = set_offloads(tun->fd, sums, gso, settings->uso);
	if (error != 0)
		return error;
	config->mtu = mtu_of(tun, settings);
	config->checksum_offload = sums;
	config->gso = gso;
	config->ethernet = tun->tap;
	return tun->tap ? device_mac(config->mac, settings->mac) : 0;
}

int tern_tun_adopt(struct tern_link **link, int fd, const struct tern_tun *settings,
		   const struct tern_allocator *allocator)
{
	if (settings == NULL)
		settings = &no_settings;
	if (link == NULL || fd < 0 || !are_sane(settings) || allocator == NULL || allocator->alloc == NULL ||
	    allocator->free == NULL)
		return -EINVAL;
	struct tun *const tun = device_new(allocator, sizeof *tun, offsetof(struct tun, joined_bytes));
	if (tun == NULL)
		return -ENOMEM;
	tun->device.link.ops = &tun_ops;
	tun->fd = fd;
	const int error = configure(tun, settings);
	if (error != 0) {
		device_free(tun, sizeof *tun);
		return error;
	}
	*link = &tun->device.link;
	return 0;
}

int tern_tun_create(struct tern_link **link, const struct tern_tun *settings,
		    const struct tern_allocator *allocator)
{
	struct tern_tun known = settings != NULL ? *settings : no_settings;
	char		name[TERN_DEVICE_NAME];
	struct opening	opening = { .settings = &known, .name = name };
	int		error = open_device(&opening);

	if (error != 0)
		return error;
	known.mtu = (uint32_t)opening.mtu;
	error = tern_tun_adopt(link, opening.fd, &known, allocator);
	if (error != 0)
		close(opening.fd);
	return error;
}

const char *tern_tun_name(const struct tern_link *link)
{
	return link->ops == &tun_ops ? ((const struct tun *)link)->name : "";
}
