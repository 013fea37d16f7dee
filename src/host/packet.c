/* tern_packets and what they hold; messages. Segments are segment.c's.
 *
 * Who holds what. part[0].held is the bounce that the packet owns, if any; the other parts' held are
 * slices, each counted once for the packet. packet_free() lets go of all of it, so text stays where it
 * is until the device is done, whatever is acknowledged meanwhile.
 */
#include "host/internal.h"

#include "wire/checksum.h"

void packet_free(struct tern_host *host, struct tern_packet *packet)
{
	if (packet->n_parts > 0)
		bounce_put(host, packet->part[0].held);
	for (unsigned i = 1; i < packet->n_parts; i++)
		if (packet->part[i].held)
			slice_put(&host->env.slices, packet->part[i].held);
	packet->n_parts = 0;
	packet->id = 0;
	packet->next = host->free_packets;
	host->free_packets = packet;
	host->n_free_packets++;
}

/* ---- fragments: rare, so each piece is copied ---- */

static void copy_out(const struct tern_packet *packet, uint32_t skip, uint8_t *to, uint32_t n)
{
	for (unsigned i = 0; i < packet->n_parts && n > 0; i++) {
		const struct tern_packet_part *const part = &packet->part[i];

		if (skip >= part->n) {
			skip -= part->n;
			continue;
		}
		const uint32_t piece = min_u32(n, part->n - skip);
		memcpy(to, part->at + skip, piece);
		to += piece, n -= piece, skip = 0;
	}
}

static bool fragment_send(struct tern_host *host, const struct outgoing *out, const struct tern_packet *whole,
			  const struct fragment_piece *piece, uint32_t header_len)
{
	/* A large datagram is more pieces than the host has buffers. */
	struct bounce *const	  ready = bounce_get(host, piece->len);
	struct bounce *const	  bounce = ready ? ready : bounce_own(host, piece->len);
	struct tern_packet *const packet = bounce ? packet_get(host) : NULL;

	if (!packet) {
		bounce_put(host, bounce);
		return false;
	}
	copy_out(whole, out->frame + header_len + piece->offset, bounce->bytes, piece->len);
	memcpy(packet->headers + out->frame, piece->header, piece->header_len);
	packet->id = whole->id;
	packet_add(packet, packet->headers, out->frame + piece->header_len, bounce);
	packet_add(packet, bounce->bytes, piece->len, NULL);
	packet_dispatch(host, out, packet);
	host->env.stats.FragCreates++;
	return true;
}

void packet_fragment(struct tern_host *host, const struct outgoing *out, struct tern_packet *whole)
{
	struct fragmenter     f;
	struct fragment_piece piece;
	struct ip_header      ip = out->ip;
	const uint32_t	      header_len = ip.version == 4 ? IPV4_HEADER : IPV6_HEADER;
	bool		      sent = true;

	ip.id = fragment_id(&host->fragment_ids, &ip.src, &ip.dst, ip.protocol);
	if (!fragment_start(&f, &ip, whole->len - out->frame - header_len, out->route.mtu))
		sent = false;
	while (sent && fragment_next(&f, &piece))
		sent = fragment_send(host, out, whole, &piece, header_len);
	host->env.stats.FragOKs += sent;
	host->env.stats.FragFails += !sent;
	packet_free(host, whole);
}

/* ---- what every packet needs ---- */

/* What is true of every packet of the tuple. route: the way, or NULL: that of the tuple (MUST-45, SHLD-22, MAY-4). */
static bool way_init(struct tern_host *host, struct outgoing *out, const struct tern_tuple *tuple,
		     const struct route *route, uint8_t protocol)
{
	const bool v4 = addr_is_v4(&tuple->remote);

	*out = (struct outgoing){
		.ip = {
			.src = tuple->local,
			.dst = tuple->remote,
			.zone = tuple->zone,
			.version = v4 ? 4 : 6,
			.protocol = protocol,
		},
	};
	if (route) {
		out->route = *route;
	} else if (!host_route(host, tuple->zone, &tuple->remote, &out->route)) {
		host->env.stats.OutNoRoutes++;
		return false;
	}
	/* RFC 6864 4.1: a packet that is never cut needs no identification. */
	out->ip.dont_fragment = v4 && protocol == IPPROTO_TCP_ && !host->env.config.no_path_mtu_discovery;
	out->offload = out->route.link == ROUTE_LOOPBACK || host->links[out->route.link].checksum_offload;
	if (out->route.link != ROUTE_LOOPBACK && host->links[out->route.link].ethernet)
		out->frame = ETHERNET_HEADER;
	return true;
}

struct outgoing *packet_way(struct tern_host *host, const struct tern_tuple *tuple)
{
	struct last_ways *const last = &host->last;

	if (!last->out_known || last->out_zone != tuple->zone || !addr_equal(&last->out.ip.dst, &tuple->remote) ||
	    !addr_equal(&last->out.ip.src, &tuple->local)) {
		last->out_known = way_init(host, &last->out, tuple, NULL, IPPROTO_TCP_);
		if (!last->out_known)
			return NULL;
		last->out_zone = tuple->zone;
		last->out.pseudo = checksum_pseudo(&tuple->local, &tuple->remote, IPPROTO_TCP_, 0);
		last->out_local = addr_is_v4(&tuple->local) ? addr_v4_of(&tuple->local) : 0;
		last->out_remote = addr_is_v4(&tuple->remote) ? addr_v4_of(&tuple->remote) : 0;
		if (last->out.ip.dont_fragment)
			ip_head4_init(&last->out.head, &last->out.ip);
	}
	return &last->out;
}

void packet_bears(struct tern_host *host, struct outgoing *way, uint8_t ttl, uint8_t traffic_class)
{
	struct ip_header *const ip = &way->ip;

	ip->ttl = ttl ? ttl : host->env.config.ttl;
	ip->traffic_class = traffic_class;
	if (ip->version == 4 && !ip->dont_fragment)
		ip->id = fragment_id(&host->fragment_ids, &ip->src, &ip->dst, ip->protocol);
}

static bool outgoing_init(struct tern_host *host, struct outgoing *out, const struct tern_tuple *tuple,
			  const struct route *route, uint8_t protocol, uint8_t ttl, uint8_t traffic_class)
{
	if (!way_init(host, out, tuple, route, protocol))
		return false;
	packet_bears(host, out, ttl, traffic_class);
	return true;
}

/* What is not sent whole is cut to the path where nobody else may cut it, or where it must not be cut at all. */
static void know_path(struct tern_host *host, struct outgoing *out, const struct tern_tuple *tuple, bool dont_fragment)
{
	if ((out->ip.version == 6 || dont_fragment) && !host->env.config.no_path_mtu_discovery &&
	    out->route.link != ROUTE_LOOPBACK && !out->route.group)
		out->route.mtu = path_mtu_of(&host->path_mtu, &tuple->remote, tuple->zone, out->route.mtu, host->now);
}

int packet_message(struct tern_host *host, const struct message *message, struct bounce *bounce, uint32_t len)
{
	struct tern_packet *packet;
	struct route	    group;
	struct outgoing	    way;
	int		    error = 0;

	if (message->to_group && !route_to_group(&host->routes, message->tuple->zone, message->link,
						 &message->tuple->remote, &group))
		error = -TERN_EINVAL;
	else if (!outgoing_init(host, &way, message->tuple, message->to_group ? &group : NULL, message->protocol,
				message->ttl ? message->ttl : message->to_group, message->traffic_class))
		error = -TERN_ENETUNREACH;
	else
		know_path(host, &way, message->tuple, message->dont_fragment);
	if (!error && message->dont_fragment && len + (way.ip.version == 4 ? IPV4_HEADER : IPV6_HEADER) > way.route.mtu)
		error = -TERN_EMSGSIZE;
	packet = error ? NULL : packet_get(host);
	if (!packet) {
		bounce_put(host, bounce);
		return error ? error : -TERN_EAGAIN;
	}
	if (message->dont_fragment && way.ip.version == 4) {
		way.ip.dont_fragment = true;
		way.ip.id = 0; /* RFC 6864 4.1 */
	}
	const uint32_t ip_len = (uint32_t)ip_wire_emit(packet->headers + way.frame, &way.ip, len);
	packet_add(packet, packet->headers, way.frame + ip_len, bounce);
	packet_add(packet, bounce->bytes, len, NULL);
	packet->id = ++host->last_packet_id;
	packet_finish(host, &way, packet);
	return 0;
}

void packet_icmp(struct tern_host *host, const struct reply *reply)
{
	const bool	    v4 = addr_is_v4(&reply->tuple.remote);
	struct outgoing	    way;
	struct tern_packet *packet = NULL;

	if (outgoing_init(host, &way, &reply->tuple, NULL, v4 ? IPPROTO_ICMP4 : IPPROTO_ICMP6, 0,
			  reply->traffic_class))
		packet = packet_get(host);
	if (!packet) {
		bounce_put(host, reply->bounce);
		return;
	}
	know_path(host, &way, &reply->tuple, false);
	const uint32_t ip_len = (uint32_t)ip_wire_emit(packet->headers + way.frame, &way.ip, reply->bounce_len);
	packet_add(packet, packet->headers, way.frame + ip_len, reply->bounce);
	packet_add(packet, reply->bounce->bytes, reply->bounce_len, NULL);
	packet->id = ++host->last_packet_id;
	packet_finish(host, &way, packet);
}
