/* What the links to the system have in common. */
#include "link/device.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/uio.h>

#include "link/afpacket.h"

void *device_new(const struct tern_allocator *allocator, size_t size, size_t clear)
{
	struct device *const device = allocator->alloc(allocator->context, size, 64);

	if (device == NULL)
		return NULL;
	memset(device, 0, clear);
	device->allocator = *allocator;
	return device;
}

void device_free(void *device, size_t size)
{
	const struct tern_allocator allocator = ((struct device *)device)->allocator;

	allocator.free(allocator.context, device, size);
}

int device_mac(uint8_t to[6], const uint8_t mac[6])
{
	static const uint8_t none[6];

	memcpy(to, mac, 6);
	if (memcmp(mac, none, 6) != 0)
		return mac[0] & 1 ? -EINVAL : 0; /* a group's address is nobody's */
	if (getrandom(to, 6, 0) != 6)
		return -errno;
	to[0] = (uint8_t)((to[0] & 0xfc) | 0x02); /* local, not a group */
	return 0;
}

tern_packet *device_packet(struct device *device, size_t nth, const uint8_t *at, size_t n)
{
	tern_packet *const packet = &device->packet[nth];

	packet->part[0] = (struct tern_packet_part){ .at = at, .n = (uint32_t)n };
	packet->n_parts = 1;
	packet->len = (uint32_t)n;
	packet->checksum_offload = false;
	packet->csum_start = packet->csum_offset = packet->gso_size = packet->gso_headers = 0;
	packet->mark = 0;
	return packet;
}

int device_gather(struct iovec *to, const tern_packet *packet)
{
	for (unsigned i = 0; i < packet->n_parts; i++)
		to[i] = (struct iovec){ .iov_base = (void *)(uintptr_t)packet->part[i].at,
					.iov_len = packet->part[i].n };
	return packet->n_parts;
}

static const struct device *device_of(const struct tern_link *link)
{
	const bool ours = link->ops == &tun_ops || link->ops == &qemu_ops || link->ops == &afpacket_ops ||
			  link->ops == &xdp_ops || link->ops == &dpdk_ops;

	return ours ? (const struct device *)link : NULL;
}

void tern_device_stats(const struct tern_link *link, struct tern_device_stats *stats)
{
	const struct device *const device = device_of(link);

	if (link->ops == &afpacket_ops)
		afpacket_count_lost(link);
	*stats = device != NULL ? device->stats : (struct tern_device_stats){ .packets_in = 0 };
}

int tern_device_error(const struct tern_link *link)
{
	const struct device *const device = device_of(link);

	return device != NULL ? device->error : 0;
}
