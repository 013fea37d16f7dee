/* What the links to the system have in common. */
#ifndef LINK_DEVICE_H
#define LINK_DEVICE_H

#include <tern/device.h>

enum {
	DEVICE_BATCH = 64,		      /* packets that one receive() hands out at most */
	DEVICE_ETHERNET = 14,		      /* bytes of an Ethernet header */
	DEVICE_FRAME = 65536 + DEVICE_ETHERNET, /* bytes of the longest packet or frame taken in */
};

/* First in each such link's struct. */
struct device {
	struct tern_link	 link;
	struct tern_allocator	 allocator;
	struct tern_device_stats stats;
	int			 error; /* 0, or why it will never work again */
	tern_packet		 packet[DEVICE_BATCH]; /* those that the last receive() handed out */
};

extern const struct tern_link_ops tun_ops, qemu_ops, afpacket_ops, xdp_ops, dpdk_ops;

/* Memory for a link's struct, its first `clear` bytes zero; NULL: none, or no allocator to ask. */
void *device_new(const struct tern_allocator *allocator, size_t size, size_t clear);
void  device_free(void *device, size_t size);

/* mac, or a random locally administered one where it is all zero: 0 or -E.... */
int device_mac(uint8_t to[6], const uint8_t mac[6]);

/* Counts one that the device gave. */
static inline void device_count_in(struct device *device, size_t n)
{
	device->stats.packets_in++;
	device->stats.bytes_in += n;
}

/* The n-th packet to hand out becomes the n bytes at `at`, in one part. */
tern_packet *device_packet(struct device *device, size_t nth, const uint8_t *at, size_t n);

/* The iovecs of a packet's parts; returns how many (at most TERN_PACKET_PARTS). */
struct iovec;
int device_gather(struct iovec *to, const tern_packet *packet);

#endif
