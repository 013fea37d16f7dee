/* pcapng files (draft-ietf-opsawg-pcapng): one section, one interface, packets with a comment each. Wireshark
 * and tshark show the comments (frame.comment).
 */
#ifndef WATCH_PCAPNG_H
#define WATCH_PCAPNG_H

#include <tern/packet.h>

#include <stdio.h>

enum pcapng_link { PCAPNG_ETHERNET = 1, PCAPNG_RAW = 101 }; /* LINKTYPE_RAW: IPv4 or IPv6 by the first nibble */
enum pcapng_direction { PCAPNG_INBOUND = 1, PCAPNG_OUTBOUND = 2 };

struct pcapng_part {
	const void *at;
	size_t	    n;
};

/* Section header and interface description. name: the interface's. */
void pcapng_begin(FILE *to, enum pcapng_link link, const char *name);

/* One packet, in parts. at: nanoseconds since 1970. comment: UTF-8, NULL or "" for none; at most 65,535 bytes. */
void pcapng_packet(FILE *to, tern_time at, enum pcapng_direction direction, const struct pcapng_part *parts,
		   size_t n_parts, const char *comment);

/* One packet of a host, on its way in or out. A checksum that the device is to complete is completed in what is
 * written, so that readers find no wrong ones; a segment of 64 KiB that the device splits stays one packet. */
void pcapng_whole(FILE *to, tern_time at, enum pcapng_direction direction, const tern_packet *packet,
		  const char *comment);

#endif
