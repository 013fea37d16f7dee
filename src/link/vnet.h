/* virtio_net_hdr: what a TUN or TAP device says in front of each packet (virtio 1.2, 5.1.6). Ten bytes, numbers
 * in the machine's own order; a longer header (mergeable buffers, hashes) begins with the same ten.
 */
#ifndef LINK_VNET_H
#define LINK_VNET_H

#include <tern/packet.h>

enum {
	VNET_HEADER = 10,
	VNET_HEADER_MAX = 64, /* bytes: as long as a device may ask for here */
};

/* The header of a packet going out: its sums and how it is to be split. start: where its IP header is. */
void vnet_emit(uint8_t header[VNET_HEADER], const tern_packet *packet, uint32_t start);

/* What the header says of a packet that came in (one part). False: the two contradict each other. */
bool vnet_parse(tern_packet *packet, const uint8_t header[VNET_HEADER]);

/* ---- joined UDP datagrams (USO) ---- */

struct vnet_joined {
	const uint8_t *at; /* the whole packet, which must stay */
	uint32_t       start, headers, size; /* where its IP header is; bytes of headers; octets of each datagram */
	uint32_t       done, left;	     /* octets of payload */
	uint16_t       nth;
};

/* Whether a packet that vnet_parse() took is several datagrams; then they can be had one by one. A host
 * joins what it sends to one receiver, who must see each by itself. */
bool vnet_is_joined(struct vnet_joined *joined, const tern_packet *packet, uint32_t start);

/* Writes the next datagram as a packet of its own, with its lengths right (and an IPv4 header's sum; the UDP
 * sum is as little made as the whole one's was): bytes, 0 when there are no more. `to` has room for headers + size. */
uint32_t vnet_split(struct vnet_joined *joined, uint8_t *to);

#endif
