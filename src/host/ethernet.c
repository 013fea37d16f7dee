/* Ethernet, ARP (RFC 826, RFC 5227) and neighbour discovery (RFC 4861) at the host's edge. What a
 * neighbour says is judged by ip/neighbour.c; here stands who may say it.
 *
 * Whatever we say ourselves, questions too, waits in the ring of answers that need no block: so a flood
 * of requests takes no packets and no memory. An answer goes to the hardware address that asked, whether
 * or not the cache has a place for it.
 *
 * Left out: duplicate address detection, router discovery and redirects (routes are given by the
 * program), gratuitous ARP in either direction.
 */
#include "host/internal.h"

#include "wire/arp.h"
#include "wire/nd.h"
#include "wire/nd_router.h"

enum { QUOTE_MOST = 128 }; /* headers of both layers, and more */

/* ---- frames in ---- */

/* Our groups (RFC 2464 7): all nodes, the solicited-node group of each address that we answer for, and what
 * sockets joined. */
static bool is_our_group(const struct tern_host *host, uint8_t link, const uint8_t *mac)
{
	static const uint8_t all_nodes[ETHERNET_ADDRESS] = { 0x33, 0x33, 0, 0, 0, 1 };
	static const uint8_t solicited[3] = { 0x33, 0x33, 0xff };

	if (ethernet_equal(mac, all_nodes) || datagram_hears_mac(host, link, mac))
		return true;
	if (memcmp(mac, solicited, sizeof solicited) != 0)
		return false;
	if (host->links[link].proxy_any)
		return true;
	for (unsigned i = 0; i < host->routes.n_addresses; i++) {
		const struct tern_addr *const own = &host->routes.addresses[i].addr;

		if (!addr_is_v4(own) && memcmp(own->b + 13, mac + 3, 3) == 0)
			return true;
	}
	return false;
}

enum frame_kind ethernet_read(const struct tern_host *host, uint8_t link, const uint8_t **at, uint32_t *len)
{
	const uint8_t *const   mac = host->links[link].mac;
	struct ethernet_header frame;

	if (!ethernet_parse(&frame, *at, *len))
		return FRAME_BAD;
	const bool ours = ethernet_equal(frame.dst, mac);
	const bool all = ethernet_is_broadcast(frame.dst);
	if (ethernet_equal(frame.src, mac) || !(ours || all || is_our_group(host, link, frame.dst)))
		return FRAME_OTHER;
	*at += ETHERNET_HEADER;
	*len -= ETHERNET_HEADER;
	if (frame.type == ETHERNET_TYPE_ARP)
		return ours || all ? FRAME_ARP : FRAME_OTHER;
	if (frame.type != ETHERNET_TYPE_IPV4 && frame.type != ETHERNET_TYPE_IPV6)
		return FRAME_OTHER;
	if (*len == 0 || (*at)[0] >> 4 != (frame.type == ETHERNET_TYPE_IPV4 ? 4 : 6))
		return FRAME_BAD;
	return ours ? FRAME_IP : FRAME_GROUP;
}

void ethernet_drop(struct tern_host *host, enum frame_kind kind, uint32_t len, uint64_t mark)
{
	if (kind == FRAME_BAD) {
		host->env.stats.TernFrameErrors++;
		input_drop(host, NULL, TERN_VERDICT_MALFORMED, len, mark);
	} else {
		host->env.stats.TernFrameOthers++; /* a busy link's talk: nothing to tell of */
	}
}

/* ---- what the cache wants done ---- */

static enum route_kind kind_on(const struct tern_host *host, uint8_t link, const struct tern_addr *addr)
{
	return route_kind_of(&host->routes, route_zone(&host->routes, link, addr), addr);
}

static struct reply *say(struct tern_host *host, uint8_t link, const uint8_t *mac, const struct tern_addr *src,
			 const struct tern_addr *dst, const struct tern_addr *target)
{
	struct reply *const reply = reply_add(host);

	if (!reply)
		return NULL;
	*reply = (struct reply){
		.kind = REPLY_NEIGHBOUR,
		.tuple = { .local = *src, .remote = *dst },
		.neighbour = { .link = link, .target = *target },
	};
	memcpy(reply->neighbour.mac, mac, ETHERNET_ADDRESS);
	return reply;
}

static void ask(struct tern_host *host, const struct neighbour_question *question)
{
	static const uint8_t   all[ETHERNET_ADDRESS] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	const bool	       v4 = addr_is_v4(&question->addr);
	const struct tern_addr group = nd_solicited_node(&question->addr);
	struct tern_addr       src;
	uint8_t		       mac[ETHERNET_ADDRESS];

	if (!route_source(&host->routes, route_zone(&host->routes, question->link, &question->addr), &question->addr,
			  &src)) {
		if (!v4) /* from :: it would be duplicate address detection */
			return;
		src = addr_v4(0); /* RFC 5227 2.1.1 */
	}
	memcpy(mac, question->unicast ? question->mac : all, sizeof mac);
	if (!v4 && !question->unicast)
		ethernet_group_mac(mac, &group);
	(void)say(host, question->link, mac, &src, v4 || question->unicast ? &question->addr : &group,
		  &question->addr);
}

void ethernet_expire(struct tern_host *host)
{
	struct neighbours *const  cache = &host->neighbours;
	struct neighbour_question question;
	struct tern_packet	 *packet;
	bool			  freed = false;

	while (neighbour_ask(cache, host->now, &question))
		ask(host, &question);
	while ((packet = packet_pop(&cache->released)))
		packet_push(&host->made, packet);
	while ((packet = packet_pop(&cache->given_up))) {
		host->env.stats.TernNeighbourDrops++;
		packet_free(host, packet);
		freed = true;
	}
	host->env.stats.TernNeighbourFull = cache->full;
	if (freed)
		datagrams_made_room(host);
}

void ethernet_tell_unreachable(struct tern_host *host)
{
	struct tern_packet *packet;
	bool		    freed = false;

	while ((packet = packet_pop(&host->neighbours.unreachable))) {
		uint8_t	 quote[QUOTE_MOST];
		uint32_t n = 0;

		for (unsigned i = 0; i < packet->n_parts; i++) {
			const uint32_t skip = i == 0 ? ETHERNET_HEADER : 0;
			const uint32_t piece = min_u32(packet->part[i].n - skip, QUOTE_MOST - n);

			memcpy(quote + n, packet->part[i].at + skip, piece);
			n += piece;
		}
		host->env.stats.TernNeighbourDrops++;
		const uint8_t link = packet->link;

		packet_free(host, packet);
		icmp_unreachable_here(host, link, quote, n);
		freed = true;
	}
	if (freed)
		datagrams_made_room(host);
}

void ethernet_confirm(struct tern_host *host, uint8_t link, const struct tern_addr *remote)
{
	struct route route;

	if (link < HOST_LINKS && host->links[link].ethernet && 
	    host_route(host, route_zone(&host->routes, link, remote), remote, &route) && route.link == link)
		neighbour_confirmed(&host->neighbours, link, &route.next_hop, host->now);
}

int tern_host_set_neighbour(tern_host *host, uint8_t link, const struct tern_addr *addr, const uint8_t mac[6])
{
	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){
					  .op = TERN_RECORD_SET_NEIGHBOUR, .a = link, .data = addr, .more = mac });
	if (link >= host->routes.n_links || !host->links[link].ethernet || !ethernet_is_station(mac) ||
	    kind_on(host, link, addr) != ROUTE_OTHER)
		return -TERN_EINVAL;
	const bool kept = neighbour_set(&host->neighbours, link, addr, mac, host->now);
	ethernet_expire(host);
	return kept ? 0 : -TERN_ENOMEM;
}

/* ---- ARP and neighbour discovery in ---- */

/* We answer for target. asker: who wants to know; unspecified where it looks for another that has the
 * address (RFC 5227 2.1, RFC 4862 5.4), which only an address's owner answers. */
static bool answers_for(const struct tern_host *host, uint8_t link, const struct tern_addr *target,
			const struct tern_addr *asker)
{
	const enum route_kind kind = kind_on(host, link, target);

	if (kind == ROUTE_OWN)
		return true;
	return kind == ROUTE_OTHER && host->links[link].proxy_any && !addr_is_unspecified(asker) &&
	       !addr_equal(asker, target);
}

/* The asker's own address is one that we would reach directly there. */
static bool is_on_link(const struct tern_host *host, uint8_t link, const struct tern_addr *addr)
{
	struct route route;

	return route_find(&host->routes, route_zone(&host->routes, link, addr), addr, &route) && route.link == link &&
	       addr_equal(&route.next_hop, addr);
}

/* Nobody else may speak with an address of ours: RFC 5227 2.4 (we keep it and say nothing). */
static bool may_be_from(struct tern_host *host, uint8_t link, const struct tern_addr *sender)
{
	const enum route_kind kind = kind_on(host, link, sender);

	if (kind == ROUTE_OTHER || addr_is_unspecified(sender))
		return true;
	host->env.stats.TernNeighbourConflicts += kind == ROUTE_OWN;
	return false;
}

void ethernet_arp_arrive(struct tern_host *host, uint8_t link, const uint8_t *at, uint32_t len, uint64_t mark)
{
	const bool	  to_all = ethernet_is_group(at - ETHERNET_HEADER);
	struct arp_packet arp;

	host->env.stats.TernArpIn++;
	if (!arp_parse(&arp, at, len) || ethernet_equal(arp.sender_mac, host->links[link].mac)) {
		host->env.stats.TernArpInErrors++;
		input_drop(host, NULL, TERN_VERDICT_MALFORMED, len, mark);
		return;
	}
	if (!may_be_from(host, link, &arp.sender))
		return;
	if (arp.operation == ARP_REPLY) {
		if (to_all || !neighbour_answered(&host->neighbours, link, &arp.sender, arp.sender_mac, host->now))
			host->env.stats.TernNeighbourUnasked++;
	} else if (answers_for(host, link, &arp.target, &arp.sender)) {
		struct reply *const reply =
			say(host, link, arp.sender_mac, &arp.target, &arp.sender, &arp.target);

		if (reply)
			reply->neighbour.answer = true;
		if (!addr_is_unspecified(&arp.sender) && is_on_link(host, link, &arp.sender))
			neighbour_heard(&host->neighbours, link, &arp.sender, arp.sender_mac, host->now);
	}
	ethernet_expire(host);
}

static void solicitation(struct tern_host *host, uint8_t link, const struct ip_header *ip, const struct nd_message *nd,
			 const uint8_t *from)
{
	const bool	 looks_for_other = addr_is_unspecified(&ip->src);
	struct tern_addr dst = ip->src;
	uint8_t		 mac[ETHERNET_ADDRESS];

	if (!answers_for(host, link, &nd->target, &ip->src))
		return;
	memcpy(mac, nd->has_mac ? nd->mac : from, sizeof mac);
	if (looks_for_other) { /* RFC 4861 7.2.4 */
		dst = nd_all_nodes();
		ethernet_group_mac(mac, &dst);
	}
	struct reply *const reply = say(host, link, mac, &nd->target, &dst, &nd->target);
	if (reply) {
		reply->neighbour.answer = true;
		reply->neighbour.solicited = !looks_for_other;
		/* RFC 4861 7.2.8: who answers for another does not override the owner. */
		reply->neighbour.override = kind_on(host, link, &nd->target) == ROUTE_OWN;
	}
	if (nd->has_mac && is_on_link(host, link, &ip->src))
		neighbour_heard(&host->neighbours, link, &ip->src, nd->mac, host->now);
}

void ethernet_nd_arrive(struct tern_host *host, uint8_t link, const struct ip_header *ip, const uint8_t *at,
			uint64_t mark)
{
	struct nd_message nd;

	host->env.stats.IcmpInMsgs++;
	if (!nd_parse(&nd, ip) || (nd.has_mac && ethernet_equal(nd.mac, host->links[link].mac))) {
		host->env.stats.IcmpInErrors++;
		input_drop(host, ip, TERN_VERDICT_MALFORMED, ip->payload_len, mark);
		return;
	}
	if (!may_be_from(host, link, &ip->src))
		return;
	if (nd.type == ND_SOLICITATION) {
		host->env.stats.Icmp6InNeighborSolicits++;
		solicitation(host, link, ip, &nd, at - ETHERNET_ADDRESS - 2);
	} else {
		host->env.stats.Icmp6InNeighborAdvertisements++;
		if (!nd.solicited || !neighbour_answered(&host->neighbours, link, &nd.target,
							  nd.has_mac ? nd.mac : NULL, host->now))
			host->env.stats.TernNeighbourUnasked++;
	}
	ethernet_expire(host);
}

/* Sockets that joined ff02::2 answer, not we. RFC 4861 6.2.6: it tells of the sender's hardware address. */
void ethernet_solicitation_arrive(struct tern_host *host, uint8_t link, const struct ip_header *ip, const uint8_t *at,
				  uint32_t len, uint64_t mark)
{
	struct nd_router_solicitation solicitation;

	host->env.stats.IcmpInMsgs++;
	if (!nd_router_parse(&solicitation, ip) ||
	    (solicitation.has_mac && ethernet_equal(solicitation.mac, host->links[link].mac))) {
		host->env.stats.IcmpInErrors++;
		input_drop(host, ip, TERN_VERDICT_MALFORMED, ip->payload_len, mark);
		return;
	}
	if (!may_be_from(host, link, &ip->src))
		return;
	host->env.stats.Icmp6InRouterSolicits++;
	if (solicitation.has_mac && is_on_link(host, link, &ip->src))
		neighbour_heard(&host->neighbours, link, &ip->src, solicitation.mac, host->now);
	datagram_arrive_solicitation(host, ip, at, len, link);
	ethernet_expire(host);
}

/* ---- out ---- */

void ethernet_dispatch(struct tern_host *host, const struct outgoing *out, struct tern_packet *packet)
{
	struct ethernet_header frame = {
		.type = out->ip.version == 4 ? ETHERNET_TYPE_IPV4 : ETHERNET_TYPE_IPV6,
	};

	memcpy(frame.src, host->links[packet->link].mac, sizeof frame.src);
	if (out->route.group) {
		ethernet_group_mac(frame.dst, &packet->next_hop);
		ethernet_emit(packet->headers, &frame);
		packet_push(&host->made, packet);
		return;
	}
	ethernet_emit(packet->headers, &frame);
	switch (neighbour_send(&host->neighbours, packet->link, &packet->next_hop, packet, host->now)) {
	case NEIGHBOUR_SEND:
		packet_push(&host->made, packet);
		break;
	case NEIGHBOUR_WAITS:
		break;
	case NEIGHBOUR_DROP:
		host->env.stats.TernNeighbourDrops++;
		packet_free(host, packet);
		datagrams_made_room(host);
		break;
	}
	ethernet_expire(host);
}

static size_t write_arp(struct tern_host *host, uint8_t *p, const struct reply *reply)
{
	struct arp_packet arp = {
		.operation = reply->neighbour.answer ? ARP_REPLY : ARP_REQUEST,
		.sender = reply->tuple.local,
		.target = reply->tuple.remote,
	};

	memcpy(arp.sender_mac, host->links[reply->neighbour.link].mac, sizeof arp.sender_mac);
	if (reply->neighbour.answer)
		memcpy(arp.target_mac, reply->neighbour.mac, sizeof arp.target_mac);
	arp_emit(p, &arp);
	host->env.stats.TernArpOut++;
	return ARP_PACKET;
}

static size_t write_nd(struct tern_host *host, uint8_t *p, const struct reply *reply)
{
	const bool		     answer = reply->neighbour.answer;
	const struct tern_link_config *const link = &host->links[reply->neighbour.link];
	const struct ip_header	     ip = {
		.src = reply->tuple.local,
		.dst = reply->tuple.remote,
		.version = 6,
		.protocol = IPPROTO_ICMP6,
		.ttl = ND_HOP_LIMIT,
	};
	struct nd_message nd = {
		.type = answer ? ND_ADVERTISEMENT : ND_SOLICITATION,
		.router = answer && link->proxy_any,
		.solicited = reply->neighbour.solicited,
		.override = reply->neighbour.override,
		.has_mac = true,
		.target = reply->neighbour.target,
	};

	memcpy(nd.mac, link->mac, sizeof nd.mac);
	(void)ip_wire_emit(p, &ip, ND_MESSAGE);
	(void)nd_emit(p + IPV6_HEADER, &nd, &ip.src, &ip.dst);
	host->env.stats.IcmpOutMsgs++;
	host->env.stats.Icmp6OutNeighborSolicits += !answer;
	host->env.stats.Icmp6OutNeighborAdvertisements += answer;
	return IPV6_HEADER + ND_MESSAGE;
}

void ethernet_reply(struct tern_host *host, const struct reply *reply)
{
	const bool		  v4 = addr_is_v4(&reply->neighbour.target);
	struct tern_packet *const packet = packet_get(host);
	struct ethernet_header	  frame = { .type = v4 ? ETHERNET_TYPE_ARP : ETHERNET_TYPE_IPV6 };

	if (!packet) {
		host->env.stats.TernReplyOverflow++;
		return;
	}
	memcpy(frame.dst, reply->neighbour.mac, sizeof frame.dst);
	memcpy(frame.src, host->links[reply->neighbour.link].mac, sizeof frame.src);
	ethernet_emit(packet->headers, &frame);
	uint8_t *const p = packet->headers + ETHERNET_HEADER;
	const size_t   n = v4 ? write_arp(host, p, reply) : write_nd(host, p, reply);
	packet_add(packet, packet->headers, (uint32_t)(ETHERNET_HEADER + n), NULL);
	packet->link = reply->neighbour.link;
	packet->next_hop = reply->tuple.remote;
	packet->id = ++host->last_packet_id;
	packet_push(&host->made, packet);
}
