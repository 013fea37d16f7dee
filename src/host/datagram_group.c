/* Multicast groups that sockets joined: one table for the host, so that a frame's group is judged by looking
 * through a few, whatever the number of sockets. IPv4's are named by their mapped addresses.
 */
#include "host/datagram_socket.h"

#include "base/bytes.h"

/* DATAGRAM_GROUPS: it is not there. */
static unsigned find_group(const struct tern_host *host, uint8_t link, const struct tern_addr *addr)
{
	const struct datagram_group *const groups = host->datagrams.groups;

	for (unsigned i = 0; i < DATAGRAM_GROUPS; i++)
		if (groups[i].members > 0 && groups[i].link == link && addr_equal(&groups[i].addr, addr))
			return i;
	return DATAGRAM_GROUPS;
}

static unsigned free_group(const struct tern_host *host)
{
	unsigned i = 0;

	while (i < DATAGRAM_GROUPS && host->datagrams.groups[i].members > 0)
		i++;
	return i;
}

static void leave(struct tern_host *host, struct datagram_socket *socket, unsigned group)
{
	socket->joined &= ~(UINT32_C(1) << group);
	host->datagrams.groups[group].members--;
}

int tern_datagram_join(tern_host *host, tern_socket handle, uint8_t link, const struct tern_addr *addr)
{
	struct datagram_socket *const socket = datagram_socket_of(host, handle);

	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){
					  .op = TERN_RECORD_DATAGRAM_JOIN, .socket = handle, .a = link, .data = addr });
	if (!socket)
		return -TERN_EBADF;
	if (socket->any || socket->connected || link >= host->routes.n_links || !addr_is_multicast(addr))
		return -TERN_EINVAL;
	unsigned at = find_group(host, link, addr);
	if (at == DATAGRAM_GROUPS)
		at = free_group(host);
	if (at == DATAGRAM_GROUPS)
		return -TERN_ENOMEM;
	if (socket->joined & UINT32_C(1) << at)
		return 0;
	struct datagram_group *const group = &host->datagrams.groups[at];
	group->addr = *addr;
	group->link = link;
	group->members++;
	socket->joined |= UINT32_C(1) << at;
	return 0;
}

int tern_datagram_leave(tern_host *host, tern_socket handle, uint8_t link, const struct tern_addr *addr)
{
	struct datagram_socket *const socket = datagram_socket_of(host, handle);

	if (host_is_recorded(host))
		host_record(host, &(struct tern_record_call){ .op = TERN_RECORD_DATAGRAM_LEAVE,
							      .socket = handle,
							      .a = link,
							      .data = addr });
	if (!socket)
		return -TERN_EBADF;
	const unsigned at = find_group(host, link, addr);
	if (at == DATAGRAM_GROUPS || !(socket->joined & UINT32_C(1) << at))
		return -TERN_EINVAL;
	leave(host, socket, at);
	return 0;
}

void datagram_leave_all(struct tern_host *host, struct datagram_socket *socket)
{
	for (unsigned i = 0; i < DATAGRAM_GROUPS; i++)
		if (socket->joined & UINT32_C(1) << i)
			leave(host, socket, i);
}

bool datagram_has_joined(const struct tern_host *host, const struct datagram_socket *socket, uint8_t link,
			 const struct tern_addr *addr)
{
	const unsigned at = find_group(host, link, addr);

	return at < DATAGRAM_GROUPS && (socket->joined & UINT32_C(1) << at) != 0;
}

bool datagram_hears(const struct tern_host *host, uint8_t link, const struct tern_addr *dst)
{
	if (!addr_is_multicast(dst))
		return host->datagrams.n_broadcast > 0;
	return find_group(host, link, dst) < DATAGRAM_GROUPS;
}

bool datagram_hears_mac(const struct tern_host *host, uint8_t link, const uint8_t *mac)
{
	const struct datagram_group *const groups = host->datagrams.groups;
	uint8_t				   of_group[ETHERNET_ADDRESS];

	for (unsigned i = 0; i < DATAGRAM_GROUPS; i++) {
		if (groups[i].members == 0 || groups[i].link != link)
			continue;
		ethernet_group_mac(of_group, &groups[i].addr);
		if (ethernet_equal(of_group, mac))
			return true;
	}
	return false;
}
