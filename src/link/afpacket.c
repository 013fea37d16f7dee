/* The frames of an Ethernet interface, through a packet socket (packet(7)).
 *
 * PACKET_VNET_HDR puts a virtio_net_hdr in front of each frame, either way. It is always asked for: on a veth pair or
 * a bridge frames come as their sender's TCP made them, up to 64 KiB long and with a checksum that the device was
 * to make, and without that header nothing would say so. With `plain` such frames are finished here (link/split.h).
 *
 * One recvmmsg takes up to SLOTS frames, each to a slot of its own as long as the longest; they are handed out
 * where they lie. What is made of joined ones is written to the arena. Both stay until the next receive(), which
 * reads on only when all that was read is handed out.
 *
 *	slot:   room for a VLAN tag | frame, its IP header on a multiple of four
 *
 * Linux takes the VLAN tag out of a frame and tells it beside (PACKET_AUXDATA): it is put back. What does not fit the
 * socket's buffer is lost, and counted when somebody asks (PACKET_STATISTICS).
 *
 * With `ring` frames come through memory shared with the system instead (link/packet_ring.h), a block of it being what
 * was read: no call and no copy, but a lone frame waits for its block to be closed. What is sent goes the same way
 * either way: a ring for that would hold its pages until the last reader of a frame is done with it.
 */
#include "link/device.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/bytes.h"
#include "link/afpacket.h"
#include "link/netdev.h"
#include "link/netns.h"
#include "link/packet_ring.h"
#include "link/split.h"
#include "link/vnet.h"

enum {
	MTU_LEAST = 68,
	MTU_MOST = 65535 - DEVICE_ETHERNET,
	SLOTS = 32,
	TAG = 4,		 /* bytes of a VLAN tag */
	FRAME_AT = 6,		 /* in a slot: after the tag's room, so that 14 bytes later is a multiple of four */
	SLOT = 65664,		 /* FRAME_AT + DEVICE_FRAME + a byte to see what was cut off, in whole cache lines */
	ARENA = 4 * SLOT,
	SOCKET_BUFFER = 32 << 20, /* some hundredths of a second at 10 Gbit/s: while we do not run */
	TAGS_MOST = 2,		 /* 802.1ad */
	LOOK_AGAIN = 100000000,	 /* ns */
	CSUM_START = 6,		 /* of a virtio_net_hdr */
};

_Static_assert(SLOT >= FRAME_AT + DEVICE_FRAME + TAG + 1 && SLOT % 64 == 0, "a frame fits, with its tag");

struct auxdata {
	_Alignas(struct cmsghdr) uint8_t bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
};

struct afpacket {
	struct device device; /* first: what the outside holds */
	int	      fd;
	bool	      plain, down;
	int	      index;	  /* of the interface */
	tern_time     look_again; /* down: whether it still is */
	struct packet_ring ring;
	unsigned      n_read, next; /* messages, or frames of a block: read, handed out */
	struct mmsghdr message[SLOTS];
	struct iovec   part[SLOTS][2];
	struct auxdata auxdata[SLOTS];
	uint8_t	       header[SLOTS][VNET_HEADER];
	size_t	       used; /* of the arena */
	struct split   split;		   /* plain: what is left of a joined frame */
	struct vnet_joined joined;	   /* else: of joined datagrams */
	_Alignas(64) uint8_t slot[SLOTS][SLOT];
	_Alignas(64) uint8_t arena[ARENA];
};

static struct afpacket *afpacket_of(struct tern_link *link)
{
	return (struct afpacket *)link;
}

/* ---- in ---- */

/* After the socket has said so once, it says no more: whether the interface is only down, or gone for good, is looked
 * at again and again until it is up. */
static void look_whether_down(struct afpacket *afpacket, tern_time now)
{
	struct ifreq request = { .ifr_ifindex = afpacket->index };

	afpacket->down = true;
	afpacket->look_again = now > TERN_NEVER - LOOK_AGAIN ? TERN_NEVER : now + LOOK_AGAIN;
	if (ioctl(afpacket->fd, SIOCGIFNAME, &request) != 0 || ioctl(afpacket->fd, SIOCGIFFLAGS, &request) != 0)
		afpacket->device.error = -ENODEV;
	else if (request.ifr_flags & IFF_UP)
		afpacket->down = false;
}

/* The next block of the ring. An error of the socket, which no call reads any more, is asked for. */
static bool take_block(struct afpacket *afpacket, tern_time now)
{
	int	  error = 0;
	socklen_t size = sizeof error;

	afpacket->n_read = ring_read_on(&afpacket->ring);
	afpacket->next = 0;
	if (afpacket->n_read > 0)
		return true;
	(void)getsockopt(afpacket->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error != 0 || (afpacket->down && now >= afpacket->look_again))
		look_whether_down(afpacket, now);
	return false;
}

/* Reads the next messages. False: there are none. */
static bool read_on(struct afpacket *afpacket, tern_time now)
{
	int n;

	if (afpacket->ring.at != NULL)
		return take_block(afpacket, now);
	for (unsigned i = 0; i < SLOTS; i++) {
		afpacket->part[i][0] = (struct iovec){ afpacket->header[i], VNET_HEADER };
		afpacket->part[i][1] = (struct iovec){ afpacket->slot[i] + FRAME_AT, SLOT - FRAME_AT };
		afpacket->message[i].msg_hdr = (struct msghdr){
			.msg_iov = afpacket->part[i], .msg_iovlen = 2,
			.msg_control = afpacket->auxdata[i].bytes, .msg_controllen = sizeof afpacket->auxdata[i].bytes,
		};
	}
	do
		n = recvmmsg(afpacket->fd, afpacket->message, SLOTS, MSG_DONTWAIT, NULL);
	while (n < 0 && errno == EINTR);
	if ((n < 0 && errno != EAGAIN) || (afpacket->down && now >= afpacket->look_again))
		look_whether_down(afpacket, now);
	afpacket->n_read = n > 0 ? (unsigned)n : 0;
	afpacket->next = 0;
	return n > 0;
}

static const struct tpacket_auxdata *auxdata_of(struct msghdr *message)
{
	struct cmsghdr *const control = CMSG_FIRSTHDR(message);

	if (control == NULL || control->cmsg_level != SOL_PACKET || control->cmsg_type != PACKET_AUXDATA)
		return NULL;
	return (const struct tpacket_auxdata *)(const void *)CMSG_DATA(control);
}

/* Where the frame begins, its tag put back; *n grows with it. */
static uint8_t *put_tag_back(uint8_t *frame, uint16_t tpid, uint16_t tci, size_t *n)
{
	enum { STATIONS = 12 };

	if (*n < STATIONS)
		return frame;
	memmove(frame - TAG, frame, STATIONS);
	frame -= TAG;
	put16(frame + STATIONS, tpid);
	put16(frame + STATIONS + 2, tci);
	*n += TAG;
	return frame;
}

/* Bytes before the IP header: the Ethernet header and its tags. */
static uint32_t start_of(const uint8_t *frame, size_t n)
{
	uint32_t start = DEVICE_ETHERNET;

	for (unsigned tags = 0; tags < TAGS_MOST && start + TAG <= n; tags++) {
		const uint16_t type = get16(frame + start - 2);
		if (type != ETH_P_8021Q && type != ETH_P_8021AD)
			break;
		start += TAG;
	}
	return start;
}

/* The header knows nothing of the tag that was put back: its places are counted without. */
static bool parse(tern_packet *packet, const uint8_t header[VNET_HEADER], uint32_t tag)
{
	uint8_t	       moved[VNET_HEADER];
	const uint16_t by = (uint16_t)tag;
	uint16_t       start;

	memcpy(moved, header, sizeof moved);
	memcpy(&start, header + CSUM_START, sizeof start);
	if (start != 0) {
		start = (uint16_t)(start + by);
		memcpy(moved + CSUM_START, &start, sizeof start);
	}
	return vnet_parse(packet, moved);
}

/* The n bytes of a frame become the nth packet. False: it is not to be handed out: malformed, or joined, which
 * is then cut. */
static bool take_frame(struct afpacket *afpacket, size_t nth, uint8_t *frame, size_t n, const uint8_t *header,
		       uint32_t tag)
{
	struct device *const device = &afpacket->device;
	tern_packet *const   packet = device_packet(device, nth, frame, n);
	const uint32_t	     start = start_of(frame, n);

	if (n <= DEVICE_ETHERNET || n > DEVICE_FRAME + TAG || !parse(packet, header, tag)) {
		device->stats.dropped_in++;
		return false;
	}
	device_count_in(device, n);
	if (packet->gso_size == 0) {
		if (afpacket->plain)
			split_finish_sum(packet, frame);
		return true;
	}
	if (!afpacket->plain)
		return !vnet_is_joined(&afpacket->joined, packet, start);
	if (!split_begin(&afpacket->split, packet, start))
		device->stats.dropped_in++;
	return false;
}

static bool take_message(struct afpacket *afpacket, size_t nth)
{
	const unsigned	     i = afpacket->next++;
	struct mmsghdr *const message = &afpacket->message[i];
	uint8_t *const	     frame = afpacket->slot[i] + FRAME_AT;

	if (message->msg_len < VNET_HEADER || message->msg_hdr.msg_flags & MSG_TRUNC) {
		afpacket->device.stats.dropped_in++;
		return false;
	}
	size_t n = message->msg_len - VNET_HEADER;
	uint8_t *begins = frame;
	const struct tpacket_auxdata *const auxdata = auxdata_of(&message->msg_hdr);
	if (auxdata != NULL && auxdata->tp_status & TP_STATUS_VLAN_VALID) {
		const bool known = auxdata->tp_status & TP_STATUS_VLAN_TPID_VALID;
		begins = put_tag_back(frame, known ? auxdata->tp_vlan_tpid : ETH_P_8021Q, auxdata->tp_vlan_tci, &n);
	}
	return take_frame(afpacket, nth, begins, n, afpacket->header[i], (uint32_t)(frame - begins));
}

/* The same of the ring's block. The tag's room is where the virtio_net_hdr stands: that is taken first. */
static bool take_ringed(struct afpacket *afpacket, size_t nth)
{
	struct ring_frame frame;

	afpacket->next++;
	ring_next(&afpacket->ring, &frame);
	if (frame.is_cut) {
		afpacket->device.stats.dropped_in++;
		return false;
	}
	memcpy(afpacket->header[0], frame.vnet, VNET_HEADER);
	uint8_t *const begins = frame.has_tag ? put_tag_back(frame.at, frame.tpid, frame.tci, &frame.n) : frame.at;
	return take_frame(afpacket, nth, begins, frame.n, afpacket->header[0], (uint32_t)(frame.at - begins));
}

/* The next of a joined one, in the arena. */
static void take_piece(struct afpacket *afpacket, size_t nth)
{
	uint8_t *const at = afpacket->arena + afpacket->used;
	const bool     summed = afpacket->plain;
	const uint32_t n = summed ? split_next(&afpacket->split, at) : vnet_split(&afpacket->joined, at);

	device_packet(&afpacket->device, nth, at, n)->checksum_offload = !summed;
	afpacket->used += (n + 63) / 64 * 64;
}

static size_t afpacket_receive(struct tern_link *link, tern_packet *batch[], size_t room, tern_time now)
{
	struct afpacket *const afpacket = afpacket_of(link);
	size_t		       n = 0;

	afpacket->used = 0;
	while (n < room && n < DEVICE_BATCH && afpacket->device.error == 0) {
		if (afpacket->split.left > 0 || afpacket->joined.left > 0) {
			if (afpacket->used + SLOT > ARENA)
				break;
			take_piece(afpacket, n);
		} else if (afpacket->next < afpacket->n_read) {
			if (afpacket->ring.at != NULL ? !take_ringed(afpacket, n) : !take_message(afpacket, n))
				continue;
		} else if (n > 0 || !read_on(afpacket, now)) { /* the next would be written over what is handed out */
			break;
		} else {
			continue;
		}
		batch[n] = &afpacket->device.packet[n];
		n++;
	}
	return n;
}

/* ---- out ---- */

/* The messages of a batch, n of them at most SLOTS. */
struct outgoing {
	struct mmsghdr message[SLOTS];
	struct iovec   part[SLOTS][1 + TERN_PACKET_PARTS];
	uint8_t	       header[SLOTS][VNET_HEADER];
};

static void put_message(struct outgoing *out, unsigned i, const tern_packet *packet)
{
	uint8_t ethernet[DEVICE_ETHERNET + TAGS_MOST * TAG];
	size_t	n = 0;

	for (unsigned k = 0; k < packet->n_parts && n < sizeof ethernet; k++) {
		const size_t more = min_size(packet->part[k].n, sizeof ethernet - n);
		memcpy(ethernet + n, packet->part[k].at, more);
		n += more;
	}
	vnet_emit(out->header[i], packet, n >= DEVICE_ETHERNET ? start_of(ethernet, n) : 0);
	out->part[i][0] = (struct iovec){ out->header[i], VNET_HEADER };
	out->message[i].msg_hdr = (struct msghdr){
		.msg_iov = out->part[i],
		.msg_iovlen = 1 + (size_t)device_gather(out->part[i] + 1, packet),
	};
}

/* Sends from the front of n: how many are done with, refused ones too; 0: the device has no room now. */
static size_t send_some(struct afpacket *afpacket, tern_packet *const batch[], size_t n, tern_time now)
{
	struct tern_device_stats *const stats = &afpacket->device.stats;
	struct outgoing			out;
	int				sent;

	for (unsigned i = 0; i < n; i++)
		put_message(&out, i, batch[i]);
	do
		sent = sendmmsg(afpacket->fd, out.message, (unsigned)n, MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno == EAGAIN)
		return 0;
	if (sent <= 0) { /* the first is refused: its queue is full (ENOBUFS), too long, the interface down or gone */
		if (errno == ENXIO || errno == ENODEV || errno == ENETDOWN)
			look_whether_down(afpacket, now);
		stats->dropped_out++;
		return 1;
	}
	stats->packets_out += (unsigned)sent;
	for (int i = 0; i < sent; i++)
		stats->bytes_out += batch[i]->len;
	return (size_t)sent;
}

static size_t afpacket_send(struct tern_link *link, tern_packet *const batch[], size_t n, tern_time now)
{
	struct afpacket *const afpacket = afpacket_of(link);
	size_t		       taken = 0;

	while (taken < n) {
		size_t some = n - taken;
		if (afpacket->device.error != 0)
			afpacket->device.stats.dropped_out += some;
		else
			some = send_some(afpacket, batch + taken, min_size(some, SLOTS), now);
		for (size_t i = 0; i < some; i++)
			tern_packet_done(batch[taken + i]);
		taken += some;
		if (some == 0)
			break;
	}
	return taken;
}

static tern_time afpacket_deadline(const struct tern_link *link)
{
	/* The descriptor says it all, but for what was read and is not handed out yet. */
	const struct afpacket *const afpacket = (const struct afpacket *)link;
	const bool more = afpacket->split.left > 0 || afpacket->joined.left > 0 || afpacket->next < afpacket->n_read;

	if (more)
		return INT64_MIN;
	return afpacket->down && afpacket->device.error == 0 ? afpacket->look_again : TERN_NEVER;
}

static int afpacket_fd(const struct tern_link *link)
{
	const struct afpacket *const afpacket = (const struct afpacket *)link;

	return afpacket->device.error == 0 ? afpacket->fd : -1;
}

static void afpacket_close(struct tern_link *link)
{
	struct afpacket *const afpacket = afpacket_of(link);

	ring_close(&afpacket->ring);
	close(afpacket->fd); /* and no longer promiscuous: that was this socket's wish */
	device_free(afpacket, sizeof *afpacket);
}

const struct tern_link_ops afpacket_ops = {
	.name = "afpacket",
	.send = afpacket_send,
	.receive = afpacket_receive,
	.deadline = afpacket_deadline,
	.fd = afpacket_fd,
	.close = afpacket_close,
};

void afpacket_count_lost(const struct tern_link *link)
{
	struct afpacket *const afpacket = (struct afpacket *)(uintptr_t)link;
	struct tpacket_stats   lost;
	socklen_t	       size = sizeof lost;

	if (getsockopt(afpacket->fd, SOL_PACKET, PACKET_STATISTICS, &lost, &size) == 0) /* and begins anew */
		afpacket->device.stats.dropped_in += lost.tp_drops;
}

/* ---- opening ---- */

struct opening {
	const struct tern_afpacket *settings;
	int			    fd, index, mtu;
	struct packet_ring	    ring;
};

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof value) == 0 ? 0 : -errno;
}

/* Everything that must stand before the first frame comes: only bind() lets them in. */
static int set_up(struct opening *opening)
{
	const int fd = opening->fd, index = opening->index;
	const struct sockaddr_ll at = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = index,
	};
	const struct packet_mreq all = { .mr_ifindex = index, .mr_type = PACKET_MR_PROMISC };
	int			 error = set(fd, SOL_PACKET, PACKET_VNET_HDR, 1);

	if (error == 0)
		error = set(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1); /* Linux 4.20 */
	if (error == 0)
		error = set(fd, SOL_PACKET, PACKET_AUXDATA, 1);
	if (error == 0 && opening->settings->ring)
		error = ring_open(&opening->ring, fd, VNET_HEADER);
	if (error != 0)
		return error;
	/* Beyond the system's limit where we may; what it gives is enough to work with. */
	if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER) != 0)
		(void)set(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
	if (set(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER / 4) != 0)
		(void)set(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER / 4);
	if (bind(fd, (const struct sockaddr *)&at, sizeof at) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) != 0)
		return -errno;
	return 0;
}

static int bring_up(const char *name)
{
	if (netdev_is_up(name))
		return 0;
	(void)netdev_set_ipv6(name, false); /* where it cannot be, some multicasts of the system's come along */
	return netdev_up(name);
}

/* In the namespace that this thread is in. 0: fd and mtu are set. */
static int open_here(void *context)
{
	struct opening *const opening = context;
	const char *const     name = opening->settings->name;
	const int	      index = netdev_index(name);
	uint8_t		      mac[6];
	int		      error = index < 0 ? index : netdev_get_mac(name, mac);

	if (error != 0)
		return error == -EOPNOTSUPP ? -ENODEV : error;
	if (opening->settings->up && (error = bring_up(name)) != 0)
		return error;
	opening->index = index;
	opening->mtu = netdev_get_mtu(name);
	if (opening->mtu < 0)
		return opening->mtu;
	opening->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (opening->fd < 0)
		return -errno;
	error = set_up(opening);
	if (error != 0) {
		ring_close(&opening->ring);
		close(opening->fd);
	}
	return error;
}

static bool are_sane(const struct tern_afpacket *settings)
{
	return settings != NULL && settings->name != NULL && strlen(settings->name) < TERN_DEVICE_NAME &&
	       (settings->mtu == 0 || (settings->mtu >= MTU_LEAST && settings->mtu <= MTU_MOST));
}

int tern_afpacket_create(struct tern_link **link, const struct tern_afpacket *settings,
			 const struct tern_allocator *allocator)
{
	struct opening opening = { .settings = settings };

	if (link == NULL || !are_sane(settings) || allocator == NULL || allocator->alloc == NULL ||
	    allocator->free == NULL)
		return -EINVAL;
	const size_t	       clear = offsetof(struct afpacket, slot);
	struct afpacket *const afpacket = device_new(allocator, sizeof *afpacket, clear);
	if (afpacket == NULL)
		return -ENOMEM;
	struct tern_link_config *const config = &afpacket->device.link.config;
	int			       error = device_mac(config->mac, settings->mac);
	if (error == 0)
		error = netns_run(settings->netns, open_here, &opening);
	if (error != 0) {
		device_free(afpacket, sizeof *afpacket);
		return error;
	}
	const uint32_t has = min_u32((uint32_t)opening.mtu, MTU_MOST);
	config->mtu = settings->mtu != 0 ? settings->mtu : max_u32(has, MTU_LEAST);
	config->ethernet = true;
	config->checksum_offload = config->gso = !settings->plain;
	afpacket->device.link.ops = &afpacket_ops;
	afpacket->fd = opening.fd;
	afpacket->index = opening.index;
	afpacket->ring = opening.ring;
	afpacket->plain = settings->plain;
	*link = &afpacket->device.link;
	return 0;
}
