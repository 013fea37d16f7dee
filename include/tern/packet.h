/* tern/packet.h - one IP packet on its way in or out. Types only.
 *
 * In: one part that holds the whole packet; the caller keeps the memory, the host has copied what it
 * needs when tern_host_input() returns. Out: part[0] is the headers, the rest points into the send
 * store (gather them with one writev); everything stays where it is until tern_packet_done().
 */
#ifndef TERN_PACKET_H
#define TERN_PACKET_H

#include <tern/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { TERN_PACKET_PARTS = 8, TERN_PACKET_HEADERS = 128 };

struct tern_packet_part {
	const uint8_t *at;
	uint32_t       n;
	void	      *held; /* the host's own */
};

struct tern_packet {
	struct tern_packet_part part[TERN_PACKET_PARTS];
	uint32_t		len;	 /* bytes of all parts */
	uint8_t			n_parts;
	uint8_t			link;	 /* which link of the host, as tern_host_add_link() numbered it */
	/* In: the sum over TCP, UDP or ICMP needs no checking (the device did, or the packet never left
	 * the machine). Out: the transport checksum field holds the folded pseudo-header sum only, to be
	 * completed from csum_start on into csum_start + csum_offset (as virtio-net has it); set only
	 * where the link said that it can. */
	bool	 checksum_offload;
	uint16_t csum_start, csum_offset;
	/* Out: text octets per wire packet where the link said that it can split; 0: one packet. In: what
	 * the device joined; 0: nothing. */
	uint16_t gso_size;
	uint16_t gso_headers; /* bytes of headers that each of them repeats */
	struct tern_addr next_hop;
	uint64_t id;   /* out: counts this host's packets from 1 */
	uint64_t mark; /* the link's own, shown to the watcher on arrival */
	uint8_t	 headers[TERN_PACKET_HEADERS];
	tern_host *host;
	tern_packet *next; /* the host's own */
	uint32_t     zone; /* the host's own */
};

#ifdef __cplusplus
}
#endif

#endif
