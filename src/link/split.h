/* Finishing in software what a sender left to the device: the checksum, and the cutting of a joined packet (GSO)
 * into those that it stands for. For where every packet counts by itself, and where it may be harmed on the way: a
 * sum that nobody made finds no fault.
 */
#ifndef LINK_SPLIT_H
#define LINK_SPLIT_H

#include <tern/packet.h>

/* Makes the checksum that the packet, whose bytes are at `at`, says is still to be made; then it says so no more. */
void split_finish_sum(tern_packet *packet, uint8_t *at);

/* A joined packet on its way to be several. */
struct split {
	const uint8_t *at; /* the whole packet, which must stay */
	uint32_t       start, transport, headers, size; /* where the IP and the transport header are; bytes of all
							 * headers; octets of text in each */
	uint32_t       done, left;			/* octets of text */
	uint16_t       nth;
	bool	       udp;
};

/* Begins with a packet of gso_size (as vnet_parse() took it: one part, its sum to be made, gso_headers right). start:
 * where its IP header is. False: its headers are not those of TCP or UDP over IP, or contradict its length. */
bool split_begin(struct split *split, const tern_packet *packet, uint32_t start);

/* Writes the next packet, with lengths, identification, sequence number, flags and sums right: bytes, at most
 * headers + size; 0: there are no more. */
uint32_t split_next(struct split *split, uint8_t *to);

#endif
