/* The ring that a packet socket shares with the system (TPACKET_V3, Documentation/networking/packet_mmap): frames come
 * without a call and without a copy out of the system, in blocks.
 *
 * A block is ours once the system has closed it: when it is full, or RING_RETIRE after its first frame came. So under
 * load a block costs nothing, and a lone frame waits for a thousandth of a second: it is for throughput.
 */
#ifndef LINK_PACKET_RING_H
#define LINK_PACKET_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RING_BLOCK = 512 << 10, /* bytes: several of the longest frames */
	RING_BLOCKS = 64,
	RING_RETIRE = 1, /* ms: the least that there is */
};

struct packet_ring {
	uint8_t *at;	  /* NULL: there is none */
	unsigned lead;	  /* bytes in front of each frame: its virtio_net_hdr */
	unsigned block;	  /* the one that is ours, or will be next */
	bool	 is_ours;
	uint8_t *next;	  /* frame of it */
};

struct ring_frame {
	uint8_t	      *at; /* with room for a tag in front; the virtio_net_hdr goes with that */
	size_t	       n;
	const uint8_t *vnet;
	bool	       is_cut; /* there was more of it */
	bool	       has_tag;
	uint16_t       tpid, tci;
};

/* On a packet socket that is not bound yet and has PACKET_VNET_HDR; lead: bytes of a virtio_net_hdr. 0 or -E...:
 * -ENOMEM, -EINVAL (this kernel knows no such ring). */
int ring_open(struct packet_ring *ring, int fd, unsigned lead);
void ring_close(struct packet_ring *ring);

/* Gives back the block that was ours, with all its frames, and takes the next: how many frames are in it. 0: it is not
 * there yet; the descriptor becomes readable when it is. */
unsigned ring_read_on(struct packet_ring *ring);
/* The next of those frames. */
void ring_next(struct packet_ring *ring, struct ring_frame *frame);

#endif
