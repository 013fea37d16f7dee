/* Captures made by hand, in memory: packets, and files of them in each format. */
#ifndef SUPPORT_CAPTURE_H
#define SUPPORT_CAPTURE_H

#include "trace/segment.h"

#include <stddef.h>

/* Bytes that grow. */
struct bytes {
	uint8_t at[1 << 16];
	size_t	n;
};

/* In the machine's byte order, or the other one. */
void bytes_u16(struct bytes *to, uint16_t v, bool swapped);
void bytes_u32(struct bytes *to, uint32_t v, bool swapped);
void bytes_put(struct bytes *to, const void *from, size_t n);

void pcap_begin(struct bytes *to, uint16_t link, bool nanoseconds, bool swapped);
void pcap_packet(struct bytes *to, uint32_t seconds, uint32_t fraction, const void *packet, uint32_t n,
		 uint32_t len, bool swapped);
void ng_section(struct bytes *to, bool swapped);
/* resolution: if_tsresol; 0: none is written. */
void ng_interface(struct bytes *to, uint16_t link, uint8_t resolution, bool swapped);
/* direction 0: no flags. */
void ng_packet(struct bytes *to, uint32_t interface, uint64_t ticks, const void *packet, uint32_t n,
	       unsigned direction, bool swapped);

/* A descriptor of a file in memory that holds them, at its begin. */
int capture_fd(const void *at, size_t n);

/* An IPv4 (or IPv6) packet with a TCP segment from 10.0.0.1:1000 (fd00::1) to 10.0.0.2:80, or back; right checksums. */
struct capture_segment {
	bool		   v6, back;
	uint32_t	   seq, ack, len;
	uint16_t	   flags, wnd;
	struct tcp_options opt;
};

size_t capture_packet(uint8_t *to, const struct capture_segment *segment);

#endif
