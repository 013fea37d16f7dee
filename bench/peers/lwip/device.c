/* lwIP over a TUN device that tern-bench has opened, one way, by the wall clock: a packet a system call, as the device
 * has it. It sends from one buffer by reference, and lets go of what arrives unread. */
#include "peer.h"
#include <errno.h>
#include <fcntl.h>
#include <lwip/init.h>
#include <lwip/timeouts.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 32768, PACKET = 1500, PARTS = 16, AT_ONCE = 64 };

static struct {
	struct netif	netif;
	struct tcp_pcb *pcb;
	int		fd;
	bool		sends, connected;
	uint64_t	moved;
	uint8_t		block[BLOCK];
} device;

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static err_t put(struct netif *netif, struct pbuf *packet, const ip4_addr_t *to)
{
	struct iovec part[PARTS];
	int	     n = 0;

	(void)netif;
	(void)to;
	for (struct pbuf *at = packet; at && n < PARTS; at = at->next)
		part[n++] = (struct iovec){ at->payload, at->len };
	return writev(device.fd, part, n) < 0 ? ERR_IF : ERR_OK;
}

static err_t start(struct netif *netif)
{
	netif->output = put;
	netif->mtu = PACKET;
	return ERR_OK;
}

static err_t receive(void *argument, struct tcp_pcb *pcb, struct pbuf *text, err_t error)
{
	(void)argument;
	if (!text || error != ERR_OK)
		peer_fail("keep the connection");
	device.moved += text->tot_len;
	tcp_recved(pcb, text->tot_len);
	pbuf_free(text);
	return ERR_OK;
}

static err_t acknowledged(void *argument, struct tcp_pcb *pcb, u16_t n)
{
	(void)argument;
	(void)pcb;
	if (device.sends)
		device.moved += n;
	return ERR_OK;
}

static err_t connected(void *argument, struct tcp_pcb *pcb, err_t error)
{
	(void)argument;
	(void)pcb;
	device.connected = error == ERR_OK;
	return error;
}

static void send_some(void)
{
	while (tcp_sndbuf(device.pcb) >= BLOCK && tcp_write(device.pcb, device.block, BLOCK, 0) == ERR_OK)
		;
	tcp_output(device.pcb);
}

/* False: nothing is there. */
static bool take_one(void)
{
	struct pbuf *const packet = pbuf_alloc(PBUF_RAW, PACKET, PBUF_POOL);

	if (!packet)
		peer_fail("hold a packet");
	const ssize_t n = read(device.fd, packet->payload, PACKET);

	if (n <= 0) {
		pbuf_free(packet);
		return false;
	}
	pbuf_realloc(packet, (u16_t)n);
	if (device.netif.input(packet, &device.netif) != ERR_OK)
		pbuf_free(packet);
	return true;
}

static void turn(void)
{
	struct pollfd wait = { .fd = device.fd, .events = POLLIN };

	if (device.connected && device.sends)
		send_some();
	(void)poll(&wait, 1, 1);
	for (int i = 0; i < AT_ONCE && take_one(); i++)
		;
	world.now = (uint32_t)(seconds() * 1000);
	sys_check_timeouts();
}

void device_begin(char *argument[])
{
	ip4_addr_t ours, mask, peers;

	device.sends = argument[0][0] == 't';
	device.fd = atoi(argument[1]);
	if (fcntl(device.fd, F_SETFL, O_NONBLOCK) != 0 || !ip4addr_aton(argument[3], &ours) ||
	    !ip4addr_aton(argument[4], &peers))
		peer_fail("take the device");
	world_begin(&device.netif);
	IP4_ADDR(&mask, 255, 255, 255, 0);
	netif_add(&device.netif, &ours, &mask, NULL, NULL, start, ip_input);
	netif_set_up(&device.netif);
	netif_set_link_up(&device.netif);
	device.pcb = tcp_new();
	tcp_recv(device.pcb, receive);
	tcp_sent(device.pcb, acknowledged);
	if (tcp_connect(device.pcb, &peers, (u16_t)atoi(argument[5]), connected) != ERR_OK)
		peer_fail("connect");
	const double end = seconds() + 5;

	while (!device.connected && seconds() < end)
		turn();
	if (!device.connected)
		peer_fail("connect in time");
	for (const double warm = seconds() + 0.2; seconds() < warm;)
		turn();
}

/* Gbit/s. */
double device_round(double *frames)
{
	const uint64_t had = device.moved;
	const double   from = seconds();

	while (seconds() - from < 1)
		turn();
	*frames = 0;
	return (double)(device.moved - had) * 8 / (seconds() - from) / 1e9;
}
