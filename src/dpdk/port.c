/* A port of DPDK (rte_ethdev), one queue each way, as the plug-in's door has it.
 *
 * In, a frame is handed out where the device has put it and its mbuf goes back at the next call: no copy. Out, a
 * packet's parts are gathered into an mbuf of the port's own pool, since the host's text is no memory of DPDK's and may
 * move; what the device does not take is let go at once and copied again when it is offered again.
 *
 * Transport sums are left to the device where it makes them for TCP and UDP both; of anything else they are made here.
 *
 * Left out: more than one queue, the device's own splitting and joining of segments (TSO, LRO), interrupts.
 */
#include "dpdk/internal.h"

#include <errno.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DESCRIPTORS = 1024, /* of each ring, where the device can */
	CACHE = 256,
	ETHERNET = 14,
	TAGGED = ETHERNET + 4,
	TCP_SUM = 16, UDP_SUM = 6, /* where the sum stands in their headers */
};

struct port {
	uint16_t	   number;
	bool		   makes_sums;
	struct rte_mempool *pool;
	unsigned	   n_held; /* handed out by the last receive() */
	struct rte_mbuf	  *held[DPDK_BURST];
	struct rte_device *device;
};

static struct port *port_of(struct dpdk_port *port)
{
	return (struct port *)(void *)port;
}

/* ---- in ---- */

static bool is_good(const struct rte_mbuf *frame)
{
	return (frame->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
}

static size_t port_receive(struct dpdk_port *opaque, struct dpdk_frame frames[], size_t room, uint64_t *lost)
{
	struct port *const port = port_of(opaque);
	size_t		   n = 0;

	rte_pktmbuf_free_bulk(port->held, port->n_held);
	port->n_held = rte_eth_rx_burst(port->number, 0, port->held,
					(uint16_t)(room < DPDK_BURST ? room : DPDK_BURST));
	for (unsigned i = 0; i < port->n_held; i++) {
		struct rte_mbuf *const frame = port->held[i];
		if (rte_pktmbuf_linearize(frame) != 0 || frame->pkt_len <= ETHERNET) {
			++*lost;
			continue;
		}
		frames[n++] = (struct dpdk_frame){
			.at = rte_pktmbuf_mtod(frame, const uint8_t *), .n = frame->pkt_len, .good = is_good(frame),
		};
	}
	return n;
}

/* ---- out ---- */

/* The pseudo-header's sum stands in the field. */
static void sum_here(uint8_t *bytes, const tern_packet *packet)
{
	const uint16_t sum = (uint16_t)~rte_raw_cksum(bytes + packet->csum_start, packet->len - packet->csum_start);

	memcpy(bytes + packet->csum_start + packet->csum_offset, &sum, sizeof sum);
}

static void leave_sum(const struct port *port, struct rte_mbuf *frame, uint8_t *bytes, const tern_packet *packet)
{
	const bool is_v4 = bytes[ETHERNET] >> 4 == 4, is_tcp = packet->csum_offset == TCP_SUM;

	if (!port->makes_sums || (!is_tcp && packet->csum_offset != UDP_SUM)) {
		sum_here(bytes, packet);
		return;
	}
	frame->l2_len = ETHERNET;
	frame->l3_len = (packet->csum_start - (unsigned)ETHERNET) & 0x1ffu; /* a field of nine bits */
	frame->ol_flags |= is_v4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
	frame->ol_flags |= is_tcp ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
}

/* NULL: no mbuf is free. */
static struct rte_mbuf *gather(const struct port *port, const tern_packet *packet)
{
	struct rte_mbuf *const frame = rte_pktmbuf_alloc(port->pool);

	if (frame == NULL)
		return NULL;
	uint8_t *const bytes = rte_pktmbuf_mtod(frame, uint8_t *);
	uint32_t       done = 0;
	for (unsigned i = 0; i < packet->n_parts; i++) {
		rte_memcpy(bytes + done, packet->part[i].at, packet->part[i].n);
		done += packet->part[i].n;
	}
	frame->data_len = (uint16_t)done;
	frame->pkt_len = done;
	if (packet->checksum_offload && packet->csum_start >= ETHERNET)
		leave_sum(port, frame, bytes, packet);
	return frame;
}

static size_t port_send(struct dpdk_port *opaque, tern_packet *const batch[], size_t n)
{
	struct port *const port = port_of(opaque);
	struct rte_mbuf	  *frames[DPDK_BURST];
	uint16_t	   made = 0;

	while (made < n && made < DPDK_BURST) {
		frames[made] = gather(port, batch[made]);
		if (frames[made] == NULL)
			break;
		made++;
	}
	const uint16_t ready = rte_eth_tx_prepare(port->number, 0, frames, made);
	const uint16_t taken = rte_eth_tx_burst(port->number, 0, frames, ready);
	rte_pktmbuf_free_bulk(frames + taken, made - taken);
	/* What the driver will never take is lost here: offered again, it would stand before all others. */
	return taken == ready && ready < made ? taken + 1u : taken;
}

static bool port_is_up(struct dpdk_port *opaque)
{
	struct rte_eth_link link;

	return rte_eth_link_get_nowait(port_of(opaque)->number, &link) != 0 || link.link_status == RTE_ETH_LINK_UP;
}

/* ---- opening and closing ---- */

static void port_close(struct dpdk_port *opaque)
{
	struct port *const port = port_of(opaque);

	rte_pktmbuf_free_bulk(port->held, port->n_held);
	(void)rte_eth_dev_stop(port->number);
	if (port->device == NULL || rte_dev_remove(port->device) != 0) /* which closes the port */
		(void)rte_eth_dev_close(port->number);
	rte_mempool_free(port->pool);
	free(port);
}

static int make_pool(struct port *port, uint32_t mtu, unsigned n)
{
	const uint32_t least = RTE_MBUF_DEFAULT_DATAROOM, bytes = mtu + TAGGED > least ? mtu + TAGGED : least;
	char	       name[32];

	(void)snprintf(name, sizeof name, "tern%u", port->number);
	port->pool = rte_pktmbuf_pool_create(name, n, CACHE, 0, (uint16_t)(bytes + RTE_PKTMBUF_HEADROOM),
					     SOCKET_ID_ANY);
	return port->pool != NULL ? 0 : -rte_errno;
}

static void choose_offloads(struct port *port, const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
	const uint64_t out = RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	const uint64_t in = RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;

	port->makes_sums = (info->tx_offload_capa & out) == out;
	if (port->makes_sums)
		conf->txmode.offloads |= out;
	conf->rxmode.offloads |= info->rx_offload_capa & in;
}

/* Queues, memory, addresses: 0 or what the call that failed has to say. */
static int configure(struct port *port, const struct dpdk_wish *wish, const struct rte_eth_dev_info *info,
		     uint32_t mtu)
{
	struct rte_eth_conf conf = { .rxmode = { .mtu = mtu } };
	uint16_t	    in = DESCRIPTORS, out = DESCRIPTORS;

	if (!wish->plain)
		choose_offloads(port, info, &conf);
	int error = rte_eth_dev_configure(port->number, 1, 1, &conf);
	if (error == 0)
		error = rte_eth_dev_adjust_nb_rx_tx_desc(port->number, &in, &out);
	if (error == 0)
		error = make_pool(port, mtu, in + out + 2u * DPDK_BURST + CACHE);
	if (error == 0)
		error = rte_eth_rx_queue_setup(port->number, 0, in, (unsigned)SOCKET_ID_ANY, NULL, port->pool);
	if (error == 0)
		error = rte_eth_tx_queue_setup(port->number, 0, out, (unsigned)SOCKET_ID_ANY, NULL);
	return error == 0 ? rte_eth_dev_start(port->number) : error;
}

static int settle(struct port *port, const struct dpdk_wish *wish, struct dpdk_about *about, char *why)
{
	struct rte_eth_dev_info info;
	struct rte_ether_addr	mac = { .addr_bytes = { 0 } };
	uint16_t		mtu = 0;
	int			error = rte_eth_dev_info_get(port->number, &info);

	if (error == 0)
		error = rte_eth_dev_get_mtu(port->number, &mtu);
	if (error == 0) {
		port->device = info.device;
		error = configure(port, wish, &info, wish->mtu != 0 ? wish->mtu : mtu);
	}
	if (error == 0)
		error = rte_eth_macaddr_get(port->number, &mac);
	if (error != 0) {
		(void)snprintf(why, DPDK_WHY, "DPDK's device '%s' cannot be set up: %s", wish->device,
			       rte_strerror(-error));
		return error;
	}
	about->mtu = wish->mtu != 0 ? wish->mtu : mtu;
	about->makes_sums = port->makes_sums;
	about->shares_mac = strcmp(info.driver_name, "net_tap") == 0;
	memcpy(about->mac, mac.addr_bytes, 6);
	/* Neighbour discovery is asked of groups; and an address of the caller's is not the device's. */
	(void)rte_eth_allmulticast_enable(port->number);
	if (about->shares_mac || memcmp(wish->mac, (uint8_t[6]){ 0 }, 6) != 0)
		(void)rte_eth_promiscuous_enable(port->number);
	return 0;
}

static int port_open(struct dpdk_port **opened, const struct dpdk_wish *wish, struct dpdk_about *about, char *why)
{
	struct port *const port = calloc(1, sizeof *port);

	if (port == NULL) {
		(void)snprintf(why, DPDK_WHY, "no memory");
		return -ENOMEM;
	}
	int error = environment_start(wish, why);
	if (error == 0)
		error = environment_attach(wish->device, &port->number, why);
	if (error != 0) {
		free(port);
		return error;
	}
	error = settle(port, wish, about, why);
	if (error != 0) {
		port_close((struct dpdk_port *)(void *)port);
		return error;
	}
	*opened = (struct dpdk_port *)(void *)port;
	return 0;
}

__attribute__((visibility("default"))) const struct dpdk_door *tern_dpdk_door(void)
{
	static const struct dpdk_door door = {
		.version = DPDK_DOOR_VERSION,
		.packet_size = sizeof(tern_packet),
		.open = port_open,
		.receive = port_receive,
		.send = port_send,
		.is_up = port_is_up,
		.close = port_close,
	};
	return &door;
}
