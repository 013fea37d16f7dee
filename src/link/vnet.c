/* virtio_net_hdr to and from what a packet says of itself.
 *
 * Both sides mean the same by a checksum to be completed: the field holds the folded pseudo-header sum, the
 * sum goes from csum_start to the end into csum_start + csum_offset. hdr_len is a hint for memory in one
 * direction only: Linux writes there how much of the packet lay in one piece, so a reader takes the length of the
 * headers from the packet itself.
 */
#include "link/vnet.h"

#include "base/bytes.h"
#include "wire/checksum.h"

enum {
	F_NEEDS_CSUM = 1, /* flags */
	F_DATA_VALID = 2,

	GSO_NONE = 0, /* gso_type */
	GSO_TCPV4 = 1,
	GSO_UFO = 3, /* fragments of one datagram: never offered, never taken */
	GSO_TCPV6 = 4,
	GSO_UDP_L4 = 5,
	GSO_ECN = 0x80,

	IP_MIN = 20,
	IPV6_MIN = 40,
	LINEAR_MOST = 256, /* bytes */

	TCP = 6,
	UDP = 17,
	TCP_DATA_OFFSET = 12, /* bytes into the TCP header */
	TCP_FLAGS_AT = 13,
	TCP_CWR_BIT = 0x80,
	TCP_MIN = 20,
	UDP_HEADER = 8,
};

struct vnet {
	uint8_t	 flags, gso_type;
	uint16_t hdr_len, gso_size, csum_start, csum_offset;
};

_Static_assert(sizeof(struct vnet) == VNET_HEADER, "as the device lays it out");

static uint8_t gso_type_of(const uint8_t *headers, uint32_t n, uint32_t start, uint32_t transport)
{
	const bool    v6 = n > start && headers[start] >> 4 == 6;
	const uint8_t protocol = n > start + 9 ? headers[start + (v6 ? 6 : 9)] : 0;

	if (protocol == UDP)
		return GSO_UDP_L4;
	/* RFC 3168 6.1.2: of all that it is split into, only the first may say CWR. */
	const bool cwr = transport != 0 && n > transport + TCP_FLAGS_AT &&
			 headers[transport + TCP_FLAGS_AT] & TCP_CWR_BIT;
	return (uint8_t)((v6 ? GSO_TCPV6 : GSO_TCPV4) | (cwr ? GSO_ECN : 0));
}

/* How much the kernel had best copy into one piece of its memory. Less than a header it refuses; all of a
 * large packet would cost it a large block. */
static uint16_t linear_hint(const tern_packet *packet, uint32_t start)
{
	const uint32_t n = packet->part[0].n;

	if (packet->n_parts > 1 && n >= start + IP_MIN && n <= LINEAR_MOST)
		return (uint16_t)n;
	return (uint16_t)min_u32(packet->len, LINEAR_MOST);
}

void vnet_emit(uint8_t header[VNET_HEADER], const tern_packet *packet, uint32_t start)
{
	const struct tern_packet_part *const headers = &packet->part[0];
	struct vnet vnet = { .hdr_len = linear_hint(packet, start) };

	if (packet->checksum_offload) {
		vnet.flags = F_NEEDS_CSUM;
		vnet.csum_start = packet->csum_start;
		vnet.csum_offset = packet->csum_offset;
	}
	if (packet->gso_size != 0) {
		vnet.gso_type = gso_type_of(headers->at, headers->n, start, packet->csum_start);
		vnet.gso_size = packet->gso_size;
		if (packet->gso_headers != 0)
			vnet.hdr_len = packet->gso_headers;
	}
	memcpy(header, &vnet, sizeof vnet);
}

/* Bytes of headers that each of the joined packets had; 0: that cannot be. */
static uint32_t headers_of(const tern_packet *packet, uint8_t type, uint32_t transport)
{
	const uint8_t *const at = packet->part[0].at;
	uint32_t	     n = transport + UDP_HEADER;

	if (type != GSO_UDP_L4) {
		if (packet->len < transport + TCP_MIN)
			return 0;
		n = transport + (at[transport + TCP_DATA_OFFSET] >> 4) * 4u;
		if (n < transport + TCP_MIN)
			return 0;
	}
	return n <= packet->len && n <= UINT16_MAX ? n : 0;
}

bool vnet_parse(tern_packet *packet, const uint8_t header[VNET_HEADER])
{
	struct vnet vnet;

	memcpy(&vnet, header, sizeof vnet);
	const uint8_t type = (uint8_t)(vnet.gso_type & ~GSO_ECN);
	if (vnet.flags & F_NEEDS_CSUM) {
		if ((uint32_t)vnet.csum_start + vnet.csum_offset + 2 > packet->len)
			return false;
		packet->checksum_offload = true;
		packet->csum_start = vnet.csum_start;
		packet->csum_offset = vnet.csum_offset;
	} else if (vnet.flags & F_DATA_VALID) {
		packet->checksum_offload = true;
	}
	if (type == GSO_NONE)
		return true;
	if ((type != GSO_TCPV4 && type != GSO_TCPV6 && type != GSO_UDP_L4) || vnet.gso_size == 0)
		return false;
	if (!(vnet.flags & F_NEEDS_CSUM)) /* virtio 1.2, 5.1.6.2: what is to be split needs its sums made */
		return false;
	packet->gso_size = vnet.gso_size;
	packet->gso_headers = (uint16_t)headers_of(packet, type, vnet.csum_start);
	return packet->gso_headers != 0;
}

bool vnet_is_joined(struct vnet_joined *joined, const tern_packet *packet, uint32_t start)
{
	const uint8_t *const at = packet->part[0].at;
	const uint32_t	     udp = packet->csum_start;

	joined->left = 0;
	if (packet->gso_size == 0 || packet->gso_headers != udp + UDP_HEADER || udp < start + IP_MIN)
		return false;
	const bool v6 = at[start] >> 4 == 6;
	/* vnet_split() sums the IPv4 header: its length is the sender's word. */
	if (v6 ? udp < start + IPV6_MIN : at[start] >> 4 != 4 || udp != start + (at[start] & 15) * 4u)
		return false;
	if (at[start + (v6 ? 6 : 9)] != UDP)
		return false;
	*joined = (struct vnet_joined){
		.at = at,
		.start = start,
		.headers = packet->gso_headers,
		.size = packet->gso_size,
		.left = packet->len - packet->gso_headers,
	};
	return joined->left > 0;
}

uint32_t vnet_split(struct vnet_joined *joined, uint8_t *to)
{
	const uint32_t n = min_u32(joined->size, joined->left), len = joined->headers + n;
	uint8_t *const ip = to + joined->start;

	if (n == 0)
		return 0;
	memcpy(to, joined->at, joined->headers);
	memcpy(to + joined->headers, joined->at + joined->headers + joined->done, n);
	if (ip[0] >> 4 == 6) {
		put16(ip + 4, (uint16_t)(len - joined->start - IPV6_MIN));
	} else {
		put16(ip + 2, (uint16_t)(len - joined->start));
		put16(ip + 4, (uint16_t)(get16(ip + 4) + joined->nth));
		put16(ip + 10, 0);
		put16(ip + 10, checksum_finish(checksum_add(0, ip, (size_t)(ip[0] & 15) * 4)));
	}
	put16(to + joined->headers - UDP_HEADER + 4, (uint16_t)(UDP_HEADER + n));
	joined->done += n;
	joined->left -= n;
	joined->nth++;
	return len;
}
