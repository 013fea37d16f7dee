/* One host from the inside: struct tern_host, and what the rooms of host/ ask of each other.
 *
 * Every door call (tern/host.h, tern/socket.h) runs to its end on one thread and leaves every block
 * settled: settle_block() has queued what is due, queued the program's events, armed the wheel, handed
 * TIME-WAIT over and freed what is over. Code that touched a block settles it before it returns, and
 * does not touch it afterwards (it may be gone).
 */
#ifndef HOST_INTERNAL_H
#define HOST_INTERNAL_H

#include "base/assert.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/wheel.h"
#include "host/datagram.h"
#include "host/demux.h"
#include "host/ethernet.h"
#include "host/half_open.h"
#include "host/listen.h"
#include "host/ports.h"
#include "host/time_wait.h"
#include "ip/fragment.h"
#include "ip/icmp_limit.h"
#include "ip/neighbour.h"
#include "ip/packet_list.h"
#include "ip/path_mtu.h"
#include "ip/reassembly.h"
#include "ip/receive.h"
#include "ip/route.h"
#include "tcp/env.h"
#include "tcp/tcb.h"
#include "tcp/tcp.h"
#include "wire/ip.h"
#include "wire/share.h"
#include "wire/tcp.h"
#include "wire/tuple.h"
#include <tern/host.h>
#include <tern/record.h>
#include <tern/socket.h>

enum {
	HOST_LINKS = 16,
	HOST_REPLIES = 256,	  /* answers that need no block, waiting for output */
	HOST_BOUNCES = 16,	  /* buffers for ICMP and for text in too many pieces */
	HOST_BOUNCE_BYTES = 2048,
	HOST_BATCH = 32,	  /* segments looked up together */
	LAST_BLOCKS = 32,
	HOST_LOOPBACK_MTU = 16384,
	HOST_WAITING_SHARE = 4, /* of the packets, one in so many may wait for neighbours */
};

/* ---- handles ---- */

enum handle_kind { HANDLE_CONNECTION, HANDLE_LISTENER, HANDLE_ASK, HANDLE_DATAGRAM };

static inline enum handle_kind handle_kind(tern_socket socket)
{
	return (enum handle_kind)(socket.index >> TCB_INDEX_BITS);
}

static inline uint32_t handle_number(tern_socket socket)
{
	return socket.index & ((UINT32_C(1) << TCB_INDEX_BITS) - 1);
}

/* Generations start at 1, so {0, 0} is never valid. */
static inline tern_socket handle_of(enum handle_kind kind, uint32_t number, uint32_t generation)
{
	return (tern_socket){ (uint32_t)kind << TCB_INDEX_BITS | number, generation };
}

/* ---- answers without a block ---- */

enum reply_kind { REPLY_SEGMENT, REPLY_ICMP, REPLY_NEIGHBOUR };

/* An ARP packet, or a neighbour solicitation or advertisement. */
struct neighbour_reply {
	struct tern_addr target;
	uint8_t		 link;
	uint8_t		 mac[ETHERNET_ADDRESS]; /* where the frame goes */
	bool		 answer;		/* else a question */
	bool		 solicited, override;	/* RFC 4861 4.4 */
};

/* A segment; an ICMP message whose bytes (from the ICMP header on) stand in a bounce; or what neighbours
 * tell each other. */
struct reply {
	enum reply_kind	   kind;
	enum tcp_state	   state; /* for the watcher */
	struct tern_tuple  tuple; /* ICMP: addresses only */
	struct tcp_segment seg;
	struct bounce	  *bounce;
	uint32_t	   bounce_len;
	uint8_t		   traffic_class;
	bool		   retransmitted;
	struct neighbour_reply neighbour;
};

/* A buffer: one of the host's HOST_BOUNCES, or, beyond HOST_BOUNCE_BYTES, memory of its own. */
struct bounce {
	struct bounce *next;
	size_t	     size; /* of bytes */
	uint8_t	     bytes[];
};

/* ---- lists of blocks ---- */

enum block_list_kind { LIST_READY, LIST_EVENTS };

/* Indices linked through tcb->ready_next or event_next. A block that is over while it stands in a list
 * is a ghost: it goes when it is taken, or is swept out when half of the list may be ghosts. */
struct block_list {
	enum block_list_kind kind;
	uint32_t	     first, last; /* TCB_NONE: empty */
	uint32_t	     n, ghosts;	  /* ghosts: at least as many as there are */
};

/* What stands between a segment or message and the wire. */
struct outgoing {
	struct ip_header ip;
	struct route	 route;
	uint32_t	 pseudo;  /* of TCP: the sum of its pseudo-header, of length 0 */
	struct ip_head4	 head;	  /* of TCP over IPv4 that is never cut: what all packets have in common */
	bool		 offload; /* the link, or nobody, completes the checksum */
	uint32_t	 frame;	  /* bytes before the IP header: 14 on an Ethernet link */
};

/* What was found of the addresses of the last plain segment that came, and of the last that left. Nothing else is kept
 * for a path: whoever changes links, addresses or routes calls host_forget_ways(). */
struct last_ways {
	bool		 in_known, out_known;
	uint8_t		 in_link;
	uint32_t	 in_zone, in_pseudo, out_zone;
	uint32_t	 out_local, out_remote; /* IPv4, as blocks name them; else 0, which no block of IPv4 has */
	struct tern_addr in_src, in_dst;
	bool		 in_plain; /* in_known, and this is the last header that was read, IPv4 without options: */
	uint8_t		 in_head[IPV4_HEADER];
	struct ip_header in_ip;
	struct outgoing	 out;
	struct {
		uint32_t ports, index; /* 0, 0 to begin with, which names no segment's */
	} blocks[LAST_BLOCKS]; /* where segments went lately, by their ports: to be asked whether it still is so */
};

/* Blocks whose deadlines may have changed in this tick, each in the place of its index (timers.c). */
enum { TIMERS_NOTED = 64 };
struct noted {
	uint64_t taken; /* a bit for each place */
	uint32_t at[TIMERS_NOTED];
};

struct tern_host {
	struct mem	 mem;
	const struct sum_unit *sum; /* the machine's best */
	struct tcp_env	 env; /* config, stats, keys, watcher */
	struct tcb_pool	 blocks;
	struct demux	 demux;
	struct wheel	 wheel; /* ids are block indices; entries of other rooms keep their own order */
	struct listeners  listeners;
	struct half_opens half_opens;
	struct time_wait  time_wait;
	struct ports	  ports;
	struct datagrams  datagrams;
	tern_time	  now;

	struct routes	     routes; /* links' MTUs, addresses, routes */
	struct path_mtu	     path_mtu;
	struct neighbours    neighbours; /* of all Ethernet links */
	struct ip_reassembly reassembly;
	struct icmp_limit    icmp_limit;
	struct fragment_ids  fragment_ids;
	struct tern_link_config links[HOST_LINKS];

	struct block_list ready, events;
	bool		  timers_unarmed; /* the wheel had no memory: deadlines are found by looking */
	struct noted	  noted;

	struct reply replies[HOST_REPLIES]; /* ring */
	uint32_t     reply_first, n_replies;
	uint32_t     n_icmp; /* of them, with a bounce */
	uint8_t	    *bounces;  /* HOST_BOUNCES of them */
	struct bounce *free_bounces;

	struct tern_packet *packets, *free_packets; /* config.packets */
	uint32_t	    n_free_packets;
	struct packet_list  made;	  /* to be handed out */
	struct packet_list  loop;	  /* on their way to ourselves */
	uint8_t		   *loop_buffer;  /* HOST_LOOPBACK_MTU bytes; NULL until needed */
	uint32_t	    n_out;	  /* packets that are with links */
	uint64_t	    last_packet_id;
	struct route	    last_route;	  /* the way to last_dst */
	struct tern_addr    last_dst;
	uint32_t	    last_zone;
	bool		    last_route_known;
	bool		    last_dst_is_one; /* where the route is known: tern_connect() has asked */
	struct last_ways    last;

	uint32_t shed_from; /* the block after the last that was asked to give memory back */
	uint64_t refusals;  /* of memory, when that was last done */

	struct tern_recorder recorder; /* call NULL: none */
};

/* ---- host.c ---- */

/* Fills in every default and checks every range. 0 or -TERN_EINVAL. */
int config_fill(struct tern_config *out, const struct tern_config *in);

/* Time never goes back: the later of both becomes host->now. */
void host_set_now(struct tern_host *host, tern_time now);
/* A fresh block with its tuple, in the table; NULL: no memory (after everything advisory was shed) or
 * the tuple is taken. replaces: the half-open entry whose slot it takes over, or v 0. */
struct tcb *host_new_block(struct tern_host *host, const struct tern_tuple *tuple, demux_ref replaces);
/* Takes back what host_new_block() gave, before anything was done with it. */
void host_drop_block(struct tern_host *host, struct tcb *tcb);
/* Links, addresses or routes are others now. */
void host_forget_ways(struct tern_host *host);
/* The way to dst, remembered for the next packet there. False: none. */
bool host_route(struct tern_host *host, uint32_t zone, const struct tern_addr *dst, struct route *route);
/* The unicast address is nobody's broadcast address. */
bool host_reaches_one(struct tern_host *host, uint32_t zone, const struct tern_addr *dst);
/* Where memory was refused since the last call: takes back what a few connections can spare. */
void host_shed(struct tern_host *host);
/* MTU of the path to the tuple's remote address, as far as we know it; 0: no route. */
uint32_t host_mtu(const struct tern_host *host, const struct tern_tuple *tuple);
/* Counts TernVerdict and tells the watcher of a segment that no block took; returns the verdict. */
enum tern_verdict host_verdict(struct tern_host *host, const struct tern_tuple *tuple, enum tcp_state state,
			       const struct tcp_segment *seg, enum tern_verdict verdict, uint64_t mark);

/* As ethernet_tell_unreachable(), which there is rarely a reason for. */
static inline void host_tell_unreachable(struct tern_host *host)
{
	if (__builtin_expect(host->neighbours.unreachable.first != NULL, 0))
		ethernet_tell_unreachable(host);
}

/* A connection of that name comes to this host, where several share its address. */
static inline bool host_shares(const struct tern_host *host, const struct tern_tuple *tuple)
{
	const struct tern_share *const share = &host->env.config.share;

	return share_is_one(share) || share_of_tuple(share, tuple) == share->index;
}

static inline bool host_is_recorded(const struct tern_host *host)
{
	return __builtin_expect(host->recorder.call != NULL, 0);
}

static inline void host_record(const struct tern_host *host, const struct tern_record_call *call)
{
	host->recorder.call(host->recorder.context, call);
}

/* ---- settle.c ---- */

/* Nobody needs the block any more: tcp/ says so, or it is the husk of a TIME-WAIT that lives on as an
 * entry, and its last ACK has left. */
static inline bool block_is_over(const struct tcb *tcb)
{
	return tcp_is_over(tcb) || (tcb->detached && !tcb->held && tcb->due == 0);
}

/* After anything was done to a block. It may be gone afterwards. */
void settle_block(struct tern_host *host, struct tcb *tcb);

void list_init(struct block_list *list, enum block_list_kind kind);
void list_check(const struct tern_host *host, const struct block_list *list);

static inline uint32_t *list_link(struct tcb *tcb, enum block_list_kind kind)
{
	return kind == LIST_READY ? &tcb->ready_next : &tcb->event_next;
}

/* It goes to the end, unless it is queued already. */
static inline void list_push(struct tern_host *host, struct block_list *list, enum block_list_kind kind,
			     struct tcb *tcb)
{
	const uint32_t index = tcb_index(tcb);

	if (*list_link(tcb, kind) != TCB_NOT_QUEUED)
		return;
	*list_link(tcb, kind) = TCB_NONE;
	if (list->last == TCB_NONE)
		list->first = index;
	else
		*list_link(tcb_pool_used(&host->blocks, list->last), kind) = index;
	list->last = index;
	list->n++;
}

/* The first leaves. NULL: empty. */
static inline struct tcb *list_pop(struct tern_host *host, struct block_list *list, enum block_list_kind kind)
{
	if (list->first == TCB_NONE)
		return NULL;
	struct tcb *const tcb = tcb_pool_used(&host->blocks, list->first);
	uint32_t *const	  next = list_link(tcb, kind);

	list->first = *next;
	if (list->first == TCB_NONE)
		list->last = TCB_NONE;
	*next = TCB_NOT_QUEUED;
	list->n--;
	return tcb;
}

/* ---- timers.c ---- */

void	  timers_arm(struct tern_host *host, uint32_t index); /* the block's earliest deadline; none: no-op */
void	  timers_until(struct tern_host *host, tern_time now); /* before time moves on to now: the noted are armed */
void	  timers_note_instead(struct tern_host *host, uint32_t index); /* of another in its place, which is armed */
/* Its deadlines may be others now: it is armed when the tick is over. */
static inline void timers_note(struct tern_host *host, const struct tcb *tcb)
{
	const uint32_t index = tcb_index(tcb), at = index % TIMERS_NOTED;
	const uint64_t bit = UINT64_C(1) << at;

	if (host->noted.taken & bit && host->noted.at[at] != index) {
		timers_note_instead(host, index);
		return;
	}
	host->noted.at[at] = index;
	host->noted.taken |= bit;
}
/* It will be. */
static inline bool timers_is_noted(const struct tern_host *host, const struct tcb *tcb)
{
	const uint32_t index = tcb_index(tcb), at = index % TIMERS_NOTED;

	return host->noted.taken >> at & 1 && host->noted.at[at] == index;
}
void	  timers_run(struct tern_host *host); /* everything due at host->now */
tern_time timers_deadline(const struct tern_host *host);
void	  timers_rest(struct tern_host *host); /* the last block is gone: what is armed, nobody waits for */

/* ---- input.c ---- */

/* Up to HOST_BATCH packets. */
void input_packets(struct tern_host *host, const struct tern_packet *const batch[], size_t n);
/* A packet that never became a segment: counted and told. ip NULL: not even a header. */
void input_drop(struct tern_host *host, const struct ip_header *ip, enum tern_verdict verdict, uint32_t len,
		uint64_t mark);

/* ---- reply.c: answers that need no block. Full: dropped and counted (TernReplyOverflow) ---- */

/* tuple: ours first. The ports of seg are set from it. */
void reply_segment(struct tern_host *host, const struct tern_tuple *tuple, enum tcp_state state,
		   const struct tcp_segment *seg, uint8_t traffic_class, bool retransmitted);
/* RFC 9293 3.10.7.1: the reset that answers the segment; none in answer to a reset. */
void reply_reset(struct tern_host *host, const struct tern_tuple *tuple, enum tcp_state state,
		 const struct tcp_segment *seg);
/* An ICMP message of len bytes that stands in bounce, from src to dst. The bounce is taken. */
void reply_icmp(struct tern_host *host, uint32_t zone, const struct tern_addr *src, const struct tern_addr *dst,
		struct bounce *bounce, uint32_t len, uint8_t traffic_class);
/* The next free place; NULL: full, counted. */
struct reply *reply_add(struct tern_host *host);
/* False: none waits. The reply is the caller's, its bounce too. */
bool reply_take(struct tern_host *host, struct reply *reply);

/* NULL: none is free, or no memory. */
struct bounce *bounce_get(struct tern_host *host, size_t size);
/* One that is not the host's but memory of its own. NULL: no memory. */
struct bounce *bounce_own(struct tern_host *host, size_t size);
void	     bounce_put(struct tern_host *host, struct bounce *bounce);

/* ---- output.c ---- */

void output_check(const struct tern_host *host);

/* ---- packet.c: tern_packets out of what is to be sent ---- */

/* The way of the tuple's segments, for packet_segment(), until the next is asked for. NULL: there is none, counted. */
struct outgoing *packet_way(struct tern_host *host, const struct tern_tuple *tuple);
/* That of a block's segments. */
static inline struct outgoing *packet_way_of(struct tern_host *host, const struct tcb *tcb)
{
	struct last_ways *const last = &host->last;
	struct tern_tuple	tuple;

	if (last->out_known && last->out_remote == tcb->name.remote && last->out_local == tcb->name.local &&
	    last->out_zone == tcb->name.zone && !tcb->v6)
		return &last->out;
	tcb_get_tuple(tcb, &tuple);
	return packet_way(host, &tuple);
}
/* The link takes a run of segments whole. */
static inline bool way_splits(const struct tern_host *host, const struct outgoing *way)
{
	return way->route.link != ROUTE_LOOPBACK && host->links[way->route.link].gso;
}
void packet_icmp(struct tern_host *host, const struct reply *reply);
/* What is no segment: an IP header for it, the rest stands in a bounce. */
struct message {
	const struct tern_tuple *tuple; /* addresses */
	uint8_t			 protocol, ttl, traffic_class;
	bool			 dont_fragment;
	bool			 to_group; /* multicast or broadcast, */
	uint8_t			 link;	   /* which leaves by this link */
};
/* 0, -TERN_ENETUNREACH, -TERN_EAGAIN (no packet free), -TERN_EMSGSIZE. The bounce is taken. */
int packet_message(struct tern_host *host, const struct message *message, struct bounce *bounce, uint32_t len);
/* Lets go of what a packet holds, and of the packet. */
void packet_free(struct tern_host *host, struct tern_packet *packet);

/* An empty packet; NULL: none is free. */
static inline struct tern_packet *packet_get(struct tern_host *host)
{
	struct tern_packet *const packet = host->free_packets;

	if (!packet)
		return NULL;
	host->free_packets = packet->next;
	host->n_free_packets--;
	packet->next = NULL;
	packet->n_parts = 0;
	packet->len = 0;
	packet->csum_start = packet->csum_offset = packet->gso_size = packet->gso_headers = 0;
	packet->checksum_offload = false;
	packet->mark = 0;
	packet->part[0].held = NULL;
	return packet;
}
/* Its first part: n octets of headers. */
static inline void packet_begin(struct tern_packet *packet, uint32_t n)
{
	packet->part[0] = (struct tern_packet_part){ .at = packet->headers, .n = n };
	packet->n_parts = 1;
	packet->len = n;
}
/* Its next part. */
static inline void packet_add(struct tern_packet *packet, const void *at, uint32_t n, void *held)
{
	tern_assert(packet->n_parts < TERN_PACKET_PARTS);
	packet->part[packet->n_parts++] = (struct tern_packet_part){ .at = at, .n = n, .held = held };
	packet->len += n;
}
/* What the next packet of this way bears itself: hop limit (0: the host's), traffic class, identification. */
void packet_bears(struct tern_host *host, struct outgoing *way, uint8_t ttl, uint8_t traffic_class);
/* Cuts a packet that is too long for its link (RFC 791 3.2, RFC 8200 4.5); it is used up. */
void packet_fragment(struct tern_host *host, const struct outgoing *out, struct tern_packet *whole);
/* To the link, or back to ourselves. */
static inline void packet_dispatch(struct tern_host *host, const struct outgoing *out, struct tern_packet *packet)
{
	packet->link = out->route.link;
	packet->next_hop = out->route.next_hop;
	packet->zone = out->ip.zone;
	host->env.stats.OutRequests++;
	if (out->frame > 0)
		ethernet_dispatch(host, out, packet);
	else
		packet_push(out->route.link == ROUTE_LOOPBACK ? &host->loop : &host->made, packet);
}
/* A whole packet leaves, in fragments where it is too long for the way. */
static inline void packet_finish(struct tern_host *host, const struct outgoing *out, struct tern_packet *packet)
{
	if (packet->len - out->frame > out->route.mtu && packet->gso_size == 0 && out->route.link != ROUTE_LOOPBACK)
		packet_fragment(host, out, packet);
	else
		packet_dispatch(host, out, packet);
}

/* ---- segment.c ---- */

/* Whose a segment is. */
struct sender {
	const struct tcb	*tcb; /* or NULL: then it has these, */
	const struct tern_tuple *tuple;
	enum tcp_state		 state;
};

/* A segment, or a run of them, becomes packets in host->made or host->loop; its text is the store's (out->text) or
 * none. Where packets or memory are short it is lost, as on a wire. */
void packet_segment(struct tern_host *host, struct outgoing *way, const struct sender *from,
		    const struct tcp_out *out);

/* ---- icmp.c ---- */

/* Bytes that the quoted packet had when it was too big. */
uint32_t icmp_quoted_len(const struct icmp_message *icmp, const struct ip_header *quoted);
/* An ICMP message to us (ours) or, with forwarding_any, to somebody else: then only echo requests count.
 * packet: from the IP header on. */
void icmp_arrive(struct tern_host *host, const struct ip_header *ip, const uint8_t *packet, uint32_t len,
		 uint8_t link, bool ours, uint64_t mark);
/* Answers a packet with an ICMP error, where RFC 1122 3.2.2 and the rate let us. kind: enum icmp_kind;
 * code and pointer with ICMP_PARAMETER_PROBLEM. packet: as it came, from the IP header on. */
void icmp_error(struct tern_host *host, const struct ip_header *ip, const uint8_t *packet, uint32_t len, int kind,
		uint8_t code, uint32_t pointer);
/* The same, with an MTU for ICMP_PACKET_TOO_BIG. */
void icmp_error_mtu(struct tern_host *host, const struct ip_header *ip, const uint8_t *packet, uint32_t len, int kind,
		    uint32_t mtu);
/* A packet of ours (its first n octets, from the IP header on) found no neighbour: its connection or socket is told
 * EHOSTUNREACH. That is hard while a connection opens: who has no neighbour need not wait for R2. */
void icmp_unreachable_here(struct tern_host *host, uint8_t link, const uint8_t *packet, uint32_t n);
/* ICMP time exceeded for a datagram whose fragments did not all come. */
void icmp_reassembly_expired(struct tern_host *host, const struct ip_reassembly_expired *expired);
/* An ICMP error about the SYN (sequence number irs) that the tuple's remote sent us: what accept-any
 * answers. Rate limited. kind: ICMP_*_UNREACHABLE or ICMP_ADMIN_PROHIBITED of wire/icmp.h. */
void icmp_refuse(struct tern_host *host, const struct tern_tuple *tuple, seq_t irs, int kind);

#endif
