/* Interfaces of the network namespace that the calling thread is in: up, MTU, addresses, routes. For the
 * namespaces that tern makes itself, and tests. Through rtnetlink(7) and ioctls of netdevice(7); nothing is
 * kept between calls.
 *
 * All return 0 or -E... of the system (-ENODEV: no such interface, -EPERM, -EEXIST). Addresses are
 * struct tern_addr, IPv4 mapped; prefix lengths of IPv4 count its own 32 bits.
 */
#ifndef LINK_NETDEV_H
#define LINK_NETDEV_H

#include <tern/types.h>

int netdev_index(const char *name); /* above 0, or -ENODEV */
int netdev_up(const char *name);
int netdev_down(const char *name);
bool netdev_is_up(const char *name);
bool netdev_has_no_carrier_yet(const char *name); /* up, but not running */
int netdev_set_mtu(const char *name, uint32_t mtu);
/* Packets that may wait to be sent; a TUN or TAP device drops what comes on top, and has 500 by itself. */
int netdev_set_queue(const char *name, uint32_t packets);
int netdev_get_mtu(const char *name); /* bytes, or -E... */
int netdev_set_mac(const char *name, const uint8_t mac[6]);
int netdev_get_mac(const char *name, uint8_t mac[6]);

/* IPv6 addresses are usable at once: no duplicate address detection (IFA_F_NODAD). One that exists
 * already: 0. */
int netdev_add_address(const char *name, const struct tern_addr *addr, unsigned bits);
/* next_hop NULL: on the link itself; else it need not be within a prefix of the link (onlink). bits 0 and
 * prefix the family's unspecified address (tern_addr_parse of "0.0.0.0" or "::"): the default route. src:
 * the address to prefer, or NULL. -EEXIST: there is one, of whatever device, with the same metric; it stays. */
int netdev_add_route(const char *name, const struct tern_addr *prefix, unsigned bits,
		     const struct tern_addr *next_hop, const struct tern_addr *src);

/* Before the interface is brought up: it does not wait for duplicate address detection on its link-local
 * address, and takes no router's word (accept_ra 0). -ENOENT: no IPv6 here. -EROFS, -EACCES: /proc/sys is
 * closed to us; then only the link-local address waits. */
int netdev_quiet_ipv6(const char *name);
/* Whether the system speaks IPv6 there by itself at all (its disable_ipv6); results as above. */
int netdev_set_ipv6(const char *name, bool on);

#endif
