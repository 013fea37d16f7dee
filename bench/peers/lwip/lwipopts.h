/* lwIP as a tuned peer: no threads, raw API, libc's allocator, pools large enough, tern's own AVX2 sums, checksums made
 * while text is copied. PEER_WINDOW, PEER_MSL (ms) and PEER_OFFLOAD (0 or 1: nobody sums) are given by build.sh. */
#ifndef PEER_LWIPOPTS_H
#define PEER_LWIPOPTS_H

#include <stddef.h>

/* peer.c */
struct netif;
struct ip4_addr;
unsigned short peer_sum(const void *from, int n);
unsigned short peer_sum_copy(void *to, const void *from, unsigned short n);
struct netif *peer_route(const struct ip4_addr *from, const struct ip4_addr *to);

#define LWIP_CHKSUM peer_sum
#define LWIP_CHKSUM_COPY peer_sum_copy
#define LWIP_HOOK_IP4_ROUTE_SRC peer_route

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_ARP 0
#define LWIP_UDP 0
#define LWIP_ICMP 0
#define LWIP_STATS 0
#define LWIP_NOASSERT 1
#define LWIP_ASSERT_CORE_LOCKED()
#define IP_REASSEMBLY 0
#define IP_FRAG 0

#define MEM_LIBC_MALLOC 1
#define MEM_ALIGNMENT 8
#define MEMP_NUM_TCP_PCB 40000
#define MEMP_NUM_TCP_SEG 60000
#define MEMP_NUM_TCP_PCB_LISTEN 8
#define MEMP_NUM_PBUF 60000
#define PBUF_POOL_SIZE 4096
#define PBUF_POOL_BUFSIZE 1600

#define TCP_MSS 1460
#define LWIP_WND_SCALE (PEER_WINDOW > 65535)
#define TCP_RCV_SCALE (PEER_WINDOW > 65535 ? 3 : 0)
#define TCP_WND PEER_WINDOW
#define TCP_SND_BUF PEER_WINDOW
#define TCP_SND_QUEUELEN (4 * (TCP_SND_BUF) / (TCP_MSS))
#define TCP_SNDLOWAT (TCP_MSS)
#define TCP_SNDQUEUELOWAT 5
#define TCP_MSL PEER_MSL
#define TCP_OVERSIZE TCP_MSS
#define TCP_QUEUE_OOSEQ 1
#define TCP_LISTEN_BACKLOG 0
#define LWIP_TCP_TIMESTAMPS 0
#define TCP_TMR_INTERVAL 250

#define LWIP_CHECKSUM_ON_COPY !PEER_OFFLOAD
#define CHECKSUM_GEN_IP !PEER_OFFLOAD
#define CHECKSUM_GEN_TCP !PEER_OFFLOAD
#define CHECKSUM_CHECK_IP !PEER_OFFLOAD
#define CHECKSUM_CHECK_TCP !PEER_OFFLOAD

#endif
