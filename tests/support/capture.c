#include "support/capture.h"

#include "base/bytes.h"
#include "wire/checksum.h"
#include "wire/ip.h"
#include "wire/tuple.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void bytes_put(struct bytes *to, const void *from, size_t n)
{
	if (to->n + n > sizeof to->at)
		abort();
	memcpy(to->at + to->n, from, n);
	to->n += n;
}

void bytes_u16(struct bytes *to, uint16_t v, bool swapped)
{
	const uint16_t turned = (uint16_t)(swapped ? (v >> 8 | v << 8) & 0xffff : v);

	bytes_put(to, &turned, sizeof turned);
}

void bytes_u32(struct bytes *to, uint32_t v, bool swapped)
{
	const uint32_t turned = swapped ? __builtin_bswap32(v) : v;

	bytes_put(to, &turned, sizeof turned);
}

void pcap_begin(struct bytes *to, uint16_t link, bool nanoseconds, bool swapped)
{
	bytes_u32(to, nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, swapped);
	bytes_u16(to, 2, swapped);
	bytes_u16(to, 4, swapped);
	bytes_u32(to, 0, swapped);
	bytes_u32(to, 0, swapped);
	bytes_u32(to, 65535, swapped);
	bytes_u32(to, link, swapped);
}

void pcap_packet(struct bytes *to, uint32_t seconds, uint32_t fraction, const void *packet, uint32_t n,
		 uint32_t len, bool swapped)
{
	bytes_u32(to, seconds, swapped);
	bytes_u32(to, fraction, swapped);
	bytes_u32(to, n, swapped);
	bytes_u32(to, len, swapped);
	bytes_put(to, packet, n);
}

void ng_section(struct bytes *to, bool swapped)
{
	bytes_u32(to, 0x0a0d0d0a, swapped);
	bytes_u32(to, 28, swapped);
	bytes_u32(to, 0x1a2b3c4d, swapped);
	bytes_u16(to, 1, swapped);
	bytes_u16(to, 0, swapped);
	bytes_u32(to, UINT32_MAX, swapped);
	bytes_u32(to, UINT32_MAX, swapped);
	bytes_u32(to, 28, swapped);
}

void ng_interface(struct bytes *to, uint16_t link, uint8_t resolution, bool swapped)
{
	const uint8_t  value[4] = { resolution };
	const uint32_t n = resolution ? 32 : 20;

	bytes_u32(to, 1, swapped);
	bytes_u32(to, n, swapped);
	bytes_u16(to, link, swapped);
	bytes_u16(to, 0, swapped);
	bytes_u32(to, 0, swapped);
	if (resolution) {
		bytes_u16(to, 9, swapped);
		bytes_u16(to, 1, swapped);
		bytes_put(to, value, sizeof value);
		bytes_u32(to, 0, swapped);
	}
	bytes_u32(to, n, swapped);
}

void ng_packet(struct bytes *to, uint32_t interface, uint64_t ticks, const void *packet, uint32_t n,
	       unsigned direction, bool swapped)
{
	const uint32_t padding = 0, padded = (n + 3) & ~3u, whole = 32 + padded + (direction ? 12 : 0);

	bytes_u32(to, 6, swapped);
	bytes_u32(to, whole, swapped);
	bytes_u32(to, interface, swapped);
	bytes_u32(to, (uint32_t)(ticks >> 32), swapped);
	bytes_u32(to, (uint32_t)ticks, swapped);
	bytes_u32(to, n, swapped);
	bytes_u32(to, n, swapped);
	bytes_put(to, packet, n);
	bytes_put(to, &padding, padded - n);
	if (direction) {
		bytes_u16(to, 2, swapped);
		bytes_u16(to, 4, swapped);
		bytes_u32(to, direction, swapped);
		bytes_u32(to, 0, swapped);
	}
	bytes_u32(to, whole, swapped);
}

int capture_fd(const void *at, size_t n)
{
	const int fd = memfd_create("capture", MFD_CLOEXEC);

	if (fd < 0 || write(fd, at, n) != (ssize_t)n || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	return fd;
}

size_t capture_packet(uint8_t *to, const struct capture_segment *segment)
{
	struct tern_addr addr[2];
	struct ip_header ip = {
		.version = segment->v6 ? 6 : 4, .protocol = IPPROTO_TCP_, .ttl = 64, .id = 0
	};
	struct tcp_segment tcp = {
		.seq = { segment->seq },
		.ack = { segment->ack },
		.src_port = segment->back ? 80 : 1000,
		.dst_port = segment->back ? 1000 : 80,
		.flags = segment->flags,
		.wnd = segment->wnd ? segment->wnd : 65535,
		.opt = segment->opt,
		.text_len = segment->len,
	};
	uint8_t header[TCP_HEADER_MAX];

	(void)tern_addr_parse(&addr[0], segment->v6 ? "fd00::1" : "10.0.0.1");
	(void)tern_addr_parse(&addr[1], segment->v6 ? "fd00::2" : "10.0.0.2");
	ip.src = addr[segment->back];
	ip.dst = addr[!segment->back];
	const size_t   n = tcp_wire_emit(header, &tcp);
	const uint32_t payload = (uint32_t)n + segment->len;
	const size_t   at = ip_wire_emit(to, &ip, payload);

	memcpy(to + at, header, n);
	memset(to + at + n, 'x', segment->len);
	put16(to + at + 16,
	      checksum_finish(checksum_add(checksum_pseudo(&ip.src, &ip.dst, IPPROTO_TCP_, payload), to + at,
					   payload)));
	return at + payload;
}
