/* The ring that a packet socket shares with the system. */
#include "link/packet_ring.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum { ALIGN = 16, BYTES = RING_BLOCK * RING_BLOCKS };

static struct tpacket_hdr_v1 *block_of(const struct packet_ring *ring)
{
	uint8_t *const at = ring->at + (size_t)ring->block * RING_BLOCK;

	return &((struct tpacket_block_desc *)(void *)at)->hdr.bh1;
}

int ring_open(struct packet_ring *ring, int fd, unsigned lead)
{
	const int		  version = TPACKET_V3;
	const int		  reserve = (int)(ALIGN - lead % ALIGN) % ALIGN; /* so that IP headers are aligned */
	const struct tpacket_req3 wanted = {
		.tp_block_size = RING_BLOCK, .tp_block_nr = RING_BLOCKS,
		.tp_frame_size = RING_BLOCK, .tp_frame_nr = RING_BLOCKS, .tp_retire_blk_tov = RING_RETIRE,
	};

	*ring = (struct packet_ring){ .at = NULL };
	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_RESERVE, &reserve, sizeof reserve) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &wanted, sizeof wanted) != 0)
		return -errno;
	void *const at = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	ring->at = at;
	ring->lead = lead;
	return 0;
}

void ring_close(struct packet_ring *ring)
{
	if (ring->at != NULL)
		(void)munmap(ring->at, BYTES);
	ring->at = NULL;
}

unsigned ring_read_on(struct packet_ring *ring)
{
	if (ring->is_ours) {
		__atomic_store_n(&block_of(ring)->block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		ring->block = (ring->block + 1) % RING_BLOCKS;
		ring->is_ours = false;
	}
	struct tpacket_hdr_v1 *const block = block_of(ring);
	if (!(__atomic_load_n(&block->block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
		return 0;
	ring->is_ours = true;
	ring->next = ring->at + (size_t)ring->block * RING_BLOCK + block->offset_to_first_pkt;
	return block->num_pkts;
}

void ring_next(struct packet_ring *ring, struct ring_frame *frame)
{
	const struct tpacket3_hdr *const header = (const struct tpacket3_hdr *)(const void *)ring->next;
	const uint32_t			 status = header->tp_status;

	*frame = (struct ring_frame){
		.at = ring->next + header->tp_mac,
		.n = header->tp_snaplen,
		.vnet = ring->next + header->tp_mac - ring->lead,
		.is_cut = header->tp_snaplen < header->tp_len,
		.has_tag = (status & TP_STATUS_VLAN_VALID) != 0,
		.tpid = status & TP_STATUS_VLAN_TPID_VALID ? header->hv1.tp_vlan_tpid : ETH_P_8021Q,
		.tci = (uint16_t)header->hv1.tp_vlan_tci,
	};
	ring->next += header->tp_next_offset;
}
