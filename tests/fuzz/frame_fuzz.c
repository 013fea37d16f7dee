/* What comes in front of a packet: Ethernet and its tags, ARP, and what a device says of a joined packet
 * (virtio_net_hdr), which is then split in software. Input: a byte, of which bit 0 says that there is no Ethernet
 * (TUN); VNET_HEADER bytes; the frame.
 */
#include "fuzz/fuzz.h"

#include "base/bytes.h"
#include "link/split.h"
#include "link/vnet.h"
#include "wire/arp.h"

#include <stdlib.h>

enum { FRAME_MOST = 8192 };

/* Exactly so much, so that a sanitizer sees what is written beyond it. */
static uint8_t *room_of(uint32_t n)
{
	uint8_t *const room = malloc(n);

	if (!room)
		fuzz_fail("no memory");
	return room;
}

static void ethernet(const uint8_t *p, size_t n)
{
	struct ethernet_header frame, again;
	uint8_t		       bytes[ETHERNET_HEADER];

	if (ethernet_parse(&frame, p, n)) {
		ethernet_emit(bytes, &frame);
		if (!ethernet_parse(&again, bytes, sizeof bytes) || again.type != frame.type ||
		    !ethernet_equal(again.src, frame.src) || !ethernet_equal(again.dst, frame.dst))
			fuzz_fail("an Ethernet header comes back otherwise");
	}
	if (ethernet_before_ip(p, (uint32_t)n) > n)
		fuzz_fail("the IP header of a frame of %zu bytes is beyond it", n);
}

static void arp(const uint8_t *p, size_t n)
{
	struct arp_packet packet, again;
	uint8_t		  bytes[ARP_PACKET];

	if (!arp_parse(&packet, p, n))
		return;
	arp_emit(bytes, &packet);
	if (!arp_parse(&again, bytes, sizeof bytes) || again.operation != packet.operation ||
	    memcmp(&again.sender, &packet.sender, 16) != 0 || memcmp(&again.target, &packet.target, 16) != 0)
		fuzz_fail("ARP comes back otherwise");
}

/* Every octet of the joined text comes once. */
static void split_in_software(const tern_packet *packet, uint32_t start)
{
	struct split split;
	uint32_t     n, text = 0, pieces = 0;

	if (!split_begin(&split, packet, start))
		return;
	const uint32_t whole = split.left, most = split.headers + split.size;
	uint8_t *const to = room_of(most);
	while ((n = split_next(&split, to)) > 0) {
		if (n > most || n < split.headers || ++pieces > whole + 1)
			fuzz_fail("piece %u of %u bytes, %u at most", pieces, n, most);
		text += n - split.headers;
	}
	free(to);
	if (text != whole)
		fuzz_fail("%u octets of text became %u", whole, text);
}

static void joined_datagrams(const tern_packet *packet, uint32_t start)
{
	struct vnet_joined joined;
	uint32_t	   n, pieces = 0;

	if (!vnet_is_joined(&joined, packet, start))
		return;
	const uint32_t whole = joined.left;
	uint8_t *const to = room_of(joined.headers + joined.size);
	while ((n = vnet_split(&joined, to)) > 0)
		if (n > joined.headers + joined.size || ++pieces > whole)
			fuzz_fail("datagram %u of %u bytes", pieces, n);
	free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t frame[FRAME_MOST];
	struct fuzz_in in = { data, size };
	const bool     tun = fuzz_u8(&in) & 1;
	size_t	       n, head;
	const uint8_t *const header = fuzz_take(&in, VNET_HEADER, &head);
	const uint8_t *const at = fuzz_take(&in, FRAME_MOST, &n);

	if (head < VNET_HEADER || n == 0)
		return 0;
	memcpy(frame, at, n);
	if (!tun) {
		ethernet(at, n);
		if (n > ETHERNET_HEADER)
			arp(at + ETHERNET_HEADER, n - ETHERNET_HEADER);
	}
	tern_packet packet = { .n_parts = 1, .len = (uint32_t)n };
	packet.part[0].at = frame;
	packet.part[0].n = (uint32_t)n;
	const uint32_t start = tun ? 0 : ethernet_before_ip(frame, (uint32_t)n);
	/* As tun.c and afpacket.c ask, each in its place. */
	if ((!tun && n <= ETHERNET_HEADER) || !vnet_parse(&packet, header))
		return 0;
	if (packet.gso_size == 0) {
		split_finish_sum(&packet, frame);
		return 0;
	}
	joined_datagrams(&packet, start);
	split_in_software(&packet, start);
	return 0;
}
